package sigma

import (
	"fmt"
	"time"
)

// Collection is what a set of rule files says, in the order of the files and of the documents in them.
type Collection struct {
	Rules        []*Rule
	Correlations []*Correlation
	Filters      []*Filter
	Rejected     []Rejected
}

// Add appends another collection.
func (c *Collection) Add(more *Collection) {
	c.Rules = append(c.Rules, more.Rules...)
	c.Correlations = append(c.Correlations, more.Correlations...)
	c.Filters = append(c.Filters, more.Filters...)
	c.Rejected = append(c.Rejected, more.Rejected...)
}

// Place is where a rule stands: file, document in the file counted from 1, and line counted from 1 (0 unknown).
type Place struct {
	File     string
	Document int
	Line     int
}

func (p Place) String() string {
	s := p.File
	if s == "" {
		s = "rule text"
	}
	if p.Document > 1 {
		s += fmt.Sprintf(" document %d", p.Document)
	}
	if p.Line > 0 {
		s += fmt.Sprintf(" line %d", p.Line)
	}
	return s
}

// Rejected is a rule that cannot be used.
type Rejected struct {
	Place  Place
	ID     string // "" when the text has none or could not be read so far
	Title  string
	Reason string // one line: what is wrong and what to do about it
}

func (r Rejected) Error() string {
	s := r.Place.String()
	if r.ID != "" {
		s += " rule " + r.ID
	}
	return s + ": " + r.Reason
}

// Statuses are those that the specification knows.
func Statuses() []string {
	return []string{"stable", "test", "experimental", "deprecated", "unsupported"}
}

// Meta is what rules, correlations and filters say about themselves. Everything is as written; a single string
// where a list is expected is a list of one.
type Meta struct {
	Place          Place
	Title          string
	ID             string
	Name           string // by which correlations and filters may refer to the rule
	Related        []Related
	Taxonomy       string // "" means "sigma"
	Status         string
	Description    string
	License        string
	Author         string // the Detection Rule License asks that it stays with every match
	References     []string
	Date           string
	Modified       string
	Fields         []string
	FalsePositives []string
	Level          string
	Tags           []string
	Scope          []string
}

// Related names another rule and how this one relates to it: derived, obsolete, merged, renamed, similar.
type Related struct {
	ID   string
	Type string
}

// Logsource says which logs a rule reads. Empty parts do not restrict.
type Logsource struct {
	Category   string
	Product    string
	Service    string
	Definition string
}

func (l Logsource) String() string {
	s := ""
	for _, part := range []struct{ k, v string }{{"product", l.Product}, {"category", l.Category}, {"service", l.Service}} {
		if part.v == "" {
			continue
		}
		if s != "" {
			s += " "
		}
		s += part.k + "=" + part.v
	}
	if s == "" {
		return "(no logsource)"
	}
	return s
}

// Rule is one parsed Sigma rule.
type Rule struct {
	Meta
	Logsource Logsource
	Detection
}

// Detection is the part of a rule or filter that is evaluated.
type Detection struct {
	Selections []Selection  // in the order of the text, names unique
	Conditions []*Condition // one or more; a list of conditions means any of them
}

// Selection is a named search identifier.
type Selection struct {
	Name string
	Line int
	Group
}

// Group is one level of a selection. A map gives Items that must all hold; a list gives Items or Groups of which
// any must hold. Items come before Groups only in memory: a group never has both.
type Group struct {
	Any    bool
	Items  []Item
	Groups []Group
}

// Item is one line of a selection: a field, the modifiers in their order, and the values. Modifiers are not
// applied yet. Values are alternatives unless the modifier "all" is among the modifiers. An item without values was
// an empty list.
type Item struct {
	Field     string // "" for keywords, which are sought in the whole event
	Modifiers []string
	Values    []Value
	Line      int
}

// ValueKind says how a value was written in YAML.
type ValueKind uint8

const (
	StringValue ValueKind = iota
	NumberValue
	BoolValue
	NullValue
)

// Value is one value of an item.
type Value struct {
	Kind   ValueKind
	Text   string // as written, for every kind; wildcards and escapes not yet read: see ParsePattern
	Number Number // NumberValue
	Bool   bool   // BoolValue
}

// ConditionOp is the operator of a condition node.
type ConditionOp uint8

const (
	OpSelection ConditionOp = iota // Name is a selection
	OpNot                          // Args[0]
	OpAnd                          // Args, two or more
	OpOr                           // Args, two or more
	OpAnyOf                        // Name is a pattern of selection names or "them": any of those
	OpAllOf                        // the same: all of those
)

// Condition is a node of a parsed condition.
type Condition struct {
	Op   ConditionOp
	Name string
	Args []*Condition
}

// Filter is a global filter: the rules it names match only where its own condition holds too.
type Filter struct {
	Meta
	Logsource Logsource
	Any       bool     // rules: any – every rule whose logsource lies within the filter's
	Rules     []string // ids or names
	Detection
}

// CorrelationType is the kind of a correlation.
type CorrelationType string

const (
	EventCount      CorrelationType = "event_count"
	ValueCount      CorrelationType = "value_count"
	Temporal        CorrelationType = "temporal"
	TemporalOrdered CorrelationType = "temporal_ordered"
	ValueSum        CorrelationType = "value_sum"
	ValueAvg        CorrelationType = "value_avg"
	ValuePercentile CorrelationType = "value_percentile"
	ValueMedian     CorrelationType = "value_median"
)

// Correlation is one parsed correlation rule.
type Correlation struct {
	Meta
	Type     CorrelationType
	Rules    []string // ids or names of rules or of other correlations
	Generate bool     // the rules referred to also report by themselves
	GroupBy  []string // fields or aliases; none means one group of all
	Timespan time.Duration
	Aliases  []Alias
	Bounds   []Bound  // all must hold; for temporal types they bound the number of different rules
	Field    []string // value types: the field (value_count: or fields, counted as one tuple)
	Percent  float64  // value_percentile: 0 to 100

	// Expression is the boolean form of a temporal condition over rule references (OpSelection, OpNot, OpAnd, OpOr);
	// nil when Bounds are given.
	Expression *Condition
}

// Alias is a field name of a correlation and the field it stands for in each rule.
type Alias struct {
	Name   string
	Fields map[string]string // rule reference → field
}

// BoundOp compares a measured quantity with a number.
type BoundOp string

const (
	LessThan       BoundOp = "lt"
	LessOrEqual    BoundOp = "lte"
	GreaterThan    BoundOp = "gt"
	GreaterOrEqual BoundOp = "gte"
	Equal          BoundOp = "eq"
	NotEqual       BoundOp = "neq"
)

// Bound is one comparison of a correlation's condition.
type Bound struct {
	Op    BoundOp
	Value float64
}

// Holds applies the bound.
func (b Bound) Holds(x float64) bool {
	switch b.Op {
	case LessThan:
		return x < b.Value
	case LessOrEqual:
		return x <= b.Value
	case GreaterThan:
		return x > b.Value
	case GreaterOrEqual:
		return x >= b.Value
	case Equal:
		return x == b.Value
	case NotEqual:
		return x != b.Value
	}
	return false
}
