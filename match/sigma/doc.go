// Package sigma finds events with Sigma rules.
//
// Rules pass through three types. Parsed ([Rule], [Correlation], [Filter], held by a [Collection]) is the text's
// meaning and nothing else. Compiled ([Set]) is immutable and shared between goroutines. A scanner (Set.Scanner) holds
// the working memory of one goroutine.
//
// The package promises the whole of the Sigma specification 2.1.0: every rule is either used exactly as it is
// written or rejected by name with the reason. It never approximates a rule, and no rule reads events of a log that its
// logsource does not name: an event id means nothing without its channel and provider. Where the specification is
// silent it does as pySigma does; docs/formats/sigma.md lists those choices.
//
// It refuses regular expressions that Go's RE2 cannot run exactly, aggregations behind a pipe (the specification
// replaced them by correlations), and rule files beyond its bounds of size, depth and expansion.
//
// Strings are compared without regard to case by Unicode simple folding: two strings are equal when, rune by rune,
// [unicode.SimpleFold] leads from one to the other. All paths, the pattern matcher, the literal index and regular
// expressions with the flag i, use the same folding. Bytes that are not UTF-8 equal only themselves.
package sigma
