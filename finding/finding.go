// Package finding says which rule saw what, where, and how grave it is.
//
// A finding is a fact about evidence: this rule matched this record of this file. It carries
// the values that decided and, when wanted, the whole event as it was read. The package promises one
// order and one encoding, so that the same evidence and rules give the same bytes. It draws no conclusion:
// what findings mean together is for trail, kinship and people.
package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// Kind says what sort of rule made a finding.
type Kind string

const (
	Sigma       Kind = "sigma"
	Correlation Kind = "correlation"
	IOC         Kind = "ioc"
	YARA        Kind = "yara"
	Beacon      Kind = "beacon"
	Upload      Kind = "upload"
	Behaviour   Kind = "behaviour"
)

// Level is how grave a rule's author holds a match to be, as in Sigma.
type Level uint8

const (
	NoLevel Level = iota // the rule states none
	Informational
	Low
	Medium
	High
	Critical
)

var levelNames = [...]string{"", "informational", "low", "medium", "high", "critical"}

func (l Level) String() string { return levelNames[l] }

// ParseLevel reads a level's name; "" is NoLevel.
func ParseLevel(s string) (Level, error) {
	if i := slices.Index(levelNames[:], strings.ToLower(s)); i >= 0 {
		return Level(i), nil
	}
	return NoLevel, fmt.Errorf("level %q: want one of informational, low, medium, high, critical", s)
}

// RuleID names a rule for good: a Sigma id, an indicator's id.
type RuleID string

// Rule is what a finding says of the rule that made it.
type Rule struct {
	ID     RuleID
	Kind   Kind
	Title  string
	Level  Level
	Status string
	Author string // the detection rule licence asks that it stays with every match
	Tags   []string
	Source string // the rule's logsource as product/category/service, empty parts kept
	// Group is what the coverage certificate counts the rule under, when it is one of very many; "" when it is counted by itself.
	Group RuleID
}

// Finding is one match.
type Finding struct {
	Rule   *Rule
	Org    string
	Time   int64 // nanoseconds since 1970 UTC, or event.NoTime
	Host   string
	File   string // path relative to the organisation's evidence root
	Offset uint64
	Record uint64
	// Recovered tells that the record came from slack or damaged space.
	Recovered bool
	Score     float64 // for the kinds that have one: beacon, upload, behaviour
	Matched   []event.Matched
	// Refs are the records that a correlation counted, bounded by the correlator.
	Refs []Ref
	// Event is the whole event as one JSON object; nil when it was not wanted.
	Event []byte
	// SHA256 is the digest of File as lower-case hexadecimal.
	SHA256 string
}

// Ref points at one record of the evidence.
type Ref struct {
	File   string `json:"file"`
	Record uint64 `json:"record"`
}

// Compare orders findings by time, file, record and rule; then by organisation and offset, so that the order is total.
// Findings without a time come first.
func Compare(a, b *Finding) int {
	if a.Time != b.Time { // nearly always: cmp.Or would work out all the others first
		return cmp.Compare(a.Time, b.Time)
	}
	if n := cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Record, b.Record), cmp.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.Org, b.Org), cmp.Compare(a.Offset, b.Offset)); n != 0 {
		return n
	}
	return compareMatched(a.Matched, b.Matched)
}

func compareMatched(a, b []event.Matched) int {
	return slices.CompareFunc(a, b, func(x, y event.Matched) int {
		return cmp.Or(cmp.Compare(x.Field, y.Field), cmp.Compare(x.Value, y.Value))
	})
}
