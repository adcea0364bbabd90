// Package pattern reads the STIX 2.1 patterning language (section 9) into a tree.
//
// It promises the whole grammar – observation expressions with AND, OR, FOLLOWEDBY and the qualifiers WITHIN, REPEATS and
// START STOP; comparisons with every operator, literal and path form – and that what it prints reads back as the same tree.
// It refuses what the grammar refuses, with the byte where it stopped, and nests at most [MaxDepth] deep.
// It does not evaluate patterns and does not judge the regular expressions in MATCHES, which are PCRE.
package pattern

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Expression is an observation expression: *Observation, *Combination or *Qualified.
type Expression interface {
	fmt.Stringer
	expression()
}

// Observation is one [ … ]: a single observation that passes the test.
type Observation struct{ Test Comparison }

// Combination joins expressions by one operator. A term that is itself a combination was in parentheses or binds tighter.
type Combination struct {
	Op    Operator // And, Or, FollowedBy
	Terms []Expression
}

// Qualified restricts an expression in time or number.
type Qualified struct {
	Of Expression
	By Qualifier
}

// Comparison is a test of one observation: *Logical or *Test.
type Comparison interface {
	fmt.Stringer
	comparison()
}

// Logical joins comparisons by And or Or.
type Logical struct {
	Op    Operator
	Terms []Comparison
}

// Test compares the values a path leads to. Exists has neither Value nor Set, In has a Set, the others a Value.
type Test struct {
	Path  Path
	Not   bool
	Op    Operator
	Value Literal
	Set   []Literal
}

// Operator is an operator of either level.
type Operator string

// The operators; == and <> are read as Eq and Ne.
const (
	And        Operator = "AND"
	Or         Operator = "OR"
	FollowedBy Operator = "FOLLOWEDBY"
	Eq         Operator = "="
	Ne         Operator = "!="
	Lt         Operator = "<"
	Le         Operator = "<="
	Gt         Operator = ">"
	Ge         Operator = ">="
	In         Operator = "IN"
	Like       Operator = "LIKE"
	Matches    Operator = "MATCHES"
	IsSubset   Operator = "ISSUBSET"
	IsSuperset Operator = "ISSUPERSET"
	Exists     Operator = "EXISTS"
)

// Qualifier is *Within, *Repeats or *StartStop.
type Qualifier interface {
	fmt.Stringer
	qualifier()
}

// Within demands that all observations lie within a time, in seconds.
type Within struct{ Seconds Literal } // Int or Float

// Repeats demands that the expression holds that many times.
type Repeats struct{ Times int64 }

// StartStop demands that the observations lie in [Start, Stop).
type StartStop struct{ Start, Stop Literal } // Timestamp

// Path leads from an object type to values: file:hashes.'SHA-256', network-traffic:protocols[*].
type Path struct {
	Object string
	Steps  []Step
}

// Step is a property name, a list index, or any index.
type Step struct {
	Name  string
	Index int64
	Kind  StepKind
}

// StepKind tells what a step is.
type StepKind uint8

// The kinds of steps.
const (
	Property StepKind = iota
	Index
	AnyIndex
)

// LiteralKind is the type of a literal.
type LiteralKind uint8

// The literal types.
const (
	String LiteralKind = iota + 1
	Integer
	Float
	Boolean
	Hex
	Binary
	Timestamp
)

// Literal is one constant; the field of its kind holds the value.
type Literal struct {
	Kind  LiteralKind
	Text  string // String
	Int   int64
	Float float64
	Bool  bool
	Bytes []byte // Hex, Binary
	Time  time.Time
}

func (*Observation) expression() {}
func (*Combination) expression() {}
func (*Qualified) expression()   {}
func (*Logical) comparison()     {}
func (*Test) comparison()        {}
func (*Within) qualifier()       {}
func (*Repeats) qualifier()      {}
func (*StartStop) qualifier()    {}

func (o *Observation) String() string { return "[" + o.Test.String() + "]" }

func (c *Combination) String() string {
	parts := make([]string, len(c.Terms))
	for i, t := range c.Terms {
		parts[i] = t.String()
		if _, nested := t.(*Combination); nested {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, " "+string(c.Op)+" ")
}

func (q *Qualified) String() string {
	of := q.Of.String()
	if _, nested := q.Of.(*Combination); nested {
		of = "(" + of + ")"
	}
	return of + " " + q.By.String()
}

func (l *Logical) String() string {
	parts := make([]string, len(l.Terms))
	for i, t := range l.Terms {
		parts[i] = t.String()
		if _, nested := t.(*Logical); nested {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, " "+string(l.Op)+" ")
}

func (t *Test) String() string {
	not := ""
	if t.Not {
		not = "NOT "
	}
	switch t.Op {
	case Exists:
		return not + "EXISTS " + t.Path.String()
	case In:
		parts := make([]string, len(t.Set))
		for i, l := range t.Set {
			parts[i] = l.String()
		}
		return t.Path.String() + " " + not + "IN (" + strings.Join(parts, ", ") + ")"
	}
	return t.Path.String() + " " + not + string(t.Op) + " " + t.Value.String()
}

func (w *Within) String() string  { return "WITHIN " + w.Seconds.String() + " SECONDS" }
func (r *Repeats) String() string { return "REPEATS " + strconv.FormatInt(r.Times, 10) + " TIMES" }
func (s *StartStop) String() string {
	return "START " + s.Start.String() + " STOP " + s.Stop.String()
}

func (p Path) String() string {
	var b strings.Builder
	b.WriteString(p.Object)
	for i, s := range p.Steps {
		switch {
		case s.Kind == Index:
			fmt.Fprintf(&b, "[%d]", s.Index)
			continue
		case s.Kind == AnyIndex:
			b.WriteString("[*]")
			continue
		case i == 0:
			b.WriteByte(':')
		default:
			b.WriteByte('.')
		}
		if isIdentifier(s.Name) && !isKeyword(s.Name) {
			b.WriteString(s.Name)
		} else {
			b.WriteString(quote(s.Name))
		}
	}
	return b.String()
}

func (l Literal) String() string {
	switch l.Kind {
	case String:
		return quote(l.Text)
	case Integer:
		return strconv.FormatInt(l.Int, 10)
	case Float:
		s := strconv.FormatFloat(l.Float, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	case Boolean:
		return strconv.FormatBool(l.Bool)
	case Hex:
		return "h'" + hex.EncodeToString(l.Bytes) + "'"
	case Binary:
		return "b'" + base64.StdEncoding.EncodeToString(l.Bytes) + "'"
	case Timestamp:
		return "t'" + l.Time.UTC().Format("2006-01-02T15:04:05.999999999Z") + "'"
	}
	return "''"
}

func quote(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", `\'`) + "'"
}

// Tests lists the comparisons of an expression, from left to right.
func Tests(e Expression) (out []*Test) {
	Each(e, func(t *Test, _ bool) { out = append(out, t) })
	return out
}

// Each gives the comparisons of an expression, from left to right, and says of each whether the pattern means it only together with others: it stands
// under AND or FOLLOWEDBY, or must repeat. The digest of a file tells which file it is whatever else the same observation says of it.
func Each(e Expression, tell func(t *Test, together bool)) {
	var comparison func(c Comparison, with, observations bool)
	comparison = func(c Comparison, with, observations bool) {
		switch c := c.(type) {
		case *Test:
			tell(c, observations || with && !(c.Path.Object == "file" && len(c.Path.Steps) > 0 && c.Path.Steps[0].Name == "hashes"))
		case *Logical:
			for _, t := range c.Terms {
				comparison(t, with || c.Op == And && len(c.Terms) > 1, observations)
			}
		}
	}
	var walk func(e Expression, with bool)
	walk = func(e Expression, with bool) {
		switch e := e.(type) {
		case *Observation:
			comparison(e.Test, false, with)
		case *Combination:
			for _, t := range e.Terms {
				walk(t, with || e.Op != Or && len(e.Terms) > 1)
			}
		case *Qualified:
			r, ok := e.By.(*Repeats)
			walk(e.Of, with || ok && r.Times > 1)
		}
	}
	walk(e, false)
}
