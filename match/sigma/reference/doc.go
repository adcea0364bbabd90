// Package reference evaluates Sigma rules slowly and plainly.
//
// It is the measure that the engine of match/sigma is held to: written from the Sigma specification 2.1.0 and from
// nothing of the engine but its parsed types, its numbers and its table of logsources, which are data. It looks at one
// event at a time, tries every value of every predicate, and keeps every hit of a correlation. Nothing is indexed,
// shared between rules, or skipped.
//
// It promises that its code can be compared with the specification line by line, and refuses what the specification
// does not define. It is for tests; no product code imports it.
package reference
