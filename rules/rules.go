// Package rules holds the Sigma rules that Contrail ships: a starting pack for the
// intrusion it is made for, from an exposed service to passenger records sent away.
//
// It promises valid Sigma (specification 2.1.0), one rule or one correlation with its
// inputs a file, fixed identifiers, and for each rule at least one record in the drill
// that it finds. It refuses rules written by others: those stay where they are
// published and are given to a sweep by path. The rules are under the project's licence.
package rules

import "embed"

// FS holds the rules, one directory for each product.
//
//go:embed windows/*.yml
var FS embed.FS
