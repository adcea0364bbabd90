// Package ioc matches indicators of compromise by what they mean, in the fields of structured logs and in free text.
//
// It promises: an address is found in the network that holds it, a domain in its subdomains, a URL by its host, path and query
// whatever its scheme, a hash whatever its case; nothing is found inside a longer token. What it takes of a report is exactly
// what the report states: an indicator that cannot be decided from a log, or that would match everything, is refused by name
// with the reason. STIX patterns are used in full: the parts of one over several events are looked for in one event each, and the plan
// that comes with them says how their events must lie to each other. A million indicators fit into memory, and the time for a value depends on its length, not on their number.
//
// Indicators go through three types: parsed ([Collection], made by [Load]), compiled ([Set], immutable), scanner (one per
// goroutine). The package opens the files it is told to load and nothing else, and it asks no server about anything.
package ioc
