// Package rules holds the Sigma rules that Contrail ships: a starting pack for the
// intrusion it is made for, from an exposed service, a network device or a supplier to
// passenger records sent away.
//
// It promises valid Sigma (specification 2.1.0), one rule or one correlation with its
// inputs a file, fixed identifiers, and for each rule a record that it finds and one
// like it that it does not: those for Windows in the drill, the others in testdata. It
// refuses rules written by others: those stay where they are published and are given to
// a sweep by path. The rules are under the project's licence.
package rules

import "embed"

// FS holds the rules, one directory for each kind of evidence.
//
//go:embed windows/*.yml linux/*.yml web/*.yml network/*.yml database/*.yml cloud/*.yml mail/*.yml supplier/*.yml
var FS embed.FS
