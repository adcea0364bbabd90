package ioc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/stix/pattern"
)

// Condition is a comparison with the fields that a property of a STIX object stands in: what is negated, ordered or a number. It holds of
// an event when a value of such a field fulfils it; an event without such a field fulfils nothing, as the specification says of paths that
// lead nowhere.
type Condition struct {
	Text string // as STIX writes it
	at   property
	test *pattern.Test
	re   *regexp.Regexp
	net  netip.Prefix
}

var errNotExists = errors.New("that an event does not hold a property is not told from a log that does not record it")

func newCondition(t *pattern.Test) (*Condition, error) {
	at, ok := propertyOf(t.Path)
	if !ok {
		return nil, unshown{fmt.Errorf("%s has no counterpart in logs", t.Path)}
	}
	c := &Condition{Text: t.String(), at: at, test: t}
	var err error
	switch t.Op {
	case pattern.Exists:
		if t.Not {
			return nil, unshown{errNotExists}
		}
	case pattern.Like, pattern.Matches:
		text := t.Value.Text
		if t.Op == pattern.Like {
			text = likeToRegexp(text)
		}
		if at.folds {
			text = "(?i)" + text
		}
		if c.re, err = regexp.Compile(text); err != nil {
			return nil, fmt.Errorf("%s: the expression cannot be run exactly: %w", t.Path, err)
		}
	case pattern.IsSubset, pattern.IsSuperset:
		if c.net, err = netip.ParsePrefix(t.Value.Text); err != nil {
			a, err := netip.ParseAddr(t.Value.Text)
			if err != nil {
				return nil, fmt.Errorf("%s %s: the value is no IP address and no network", t.Path, t.Op)
			}
			c.net = netip.PrefixFrom(a, a.BitLen())
		}
		if t.Op == pattern.IsSuperset && !c.net.IsSingleIP() {
			return nil, unshown{fmt.Errorf("%s ISSUPERSET asks for a network that holds %s: events hold addresses", t.Path, t.Value)}
		}
	}
	return c, nil
}

// telling says whether the condition by itself says enough to be looked for.
func (c *Condition) telling() bool {
	return !c.at.common && c.test.Op != pattern.Exists && c.test.Not == (c.test.Op == pattern.Ne)
}

// holds says whether a value fulfils the condition.
func (c *Condition) holds(value string) bool {
	if value == "" || value == "-" {
		return false
	}
	if c.test.Op == pattern.Exists {
		return true
	}
	return slices.ContainsFunc(c.at.of(value), func(part string) bool {
		is, comparable := c.compare(part)
		return comparable && is != c.test.Not
	})
}

// compare says whether the comparison, but for a NOT, is true of a text; false for what cannot be compared.
func (c *Condition) compare(text string) (is, comparable bool) {
	switch t := c.test; t.Op {
	case pattern.Like, pattern.Matches:
		return c.re.MatchString(text), true
	case pattern.IsSubset, pattern.IsSuperset:
		a, err := netip.ParseAddr(text)
		return err == nil && c.net.Contains(a.Unmap().WithZone("")), err == nil
	case pattern.In:
		for _, l := range t.Set {
			if n, ok := c.order(text, l); ok {
				comparable = true
				is = is || n == 0
			}
		}
		return is, comparable
	default:
		n, ok := c.order(text, t.Value)
		return map[pattern.Operator]bool{pattern.Eq: n == 0, pattern.Ne: n != 0, pattern.Lt: n < 0, pattern.Le: n <= 0, pattern.Gt: n > 0, pattern.Ge: n >= 0}[t.Op], ok
	}
}

// order compares a text with a literal in the literal's type.
func (c *Condition) order(text string, l pattern.Literal) (n int, comparable bool) {
	switch l.Kind {
	case pattern.Integer:
		if v, err := strconv.ParseInt(text, 0, 64); err == nil && !strings.HasPrefix(text, "0o") {
			return cmp.Compare(v, l.Int), true
		}
		v, err := strconv.ParseFloat(text, 64)
		return cmp.Compare(v, float64(l.Int)), err == nil && !math.IsNaN(v)
	case pattern.Float:
		v, err := strconv.ParseFloat(text, 64)
		return cmp.Compare(v, l.Float), err == nil && !math.IsNaN(v)
	case pattern.Boolean:
		v, err := strconv.ParseBool(text)
		return map[bool]int{true: 0, false: 1}[v == l.Bool], err == nil
	case pattern.Timestamp:
		if v, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return v.Compare(l.Time), true
		}
		v, err := strconv.ParseFloat(text, 64) // seconds since 1970, as Zeek has them
		return cmp.Compare(v, float64(l.Time.UnixNano())/1e9), err == nil && !math.IsNaN(v)
	}
	want, err := literalText(c.at, l)
	if err != nil {
		return 0, false
	}
	if c.at.folds {
		want = strings.ToLower(want)
	}
	if c.at.part == digestPart && len(text) != len(want) {
		return 0, false // of another algorithm
	}
	return strings.Compare(text, want), true
}

// literalText gives the text of a string, and of bytes as the property has them.
func literalText(at property, l pattern.Literal) (string, error) {
	switch l.Kind {
	case pattern.String:
		return l.Text, nil
	case pattern.Hex, pattern.Binary:
		return bytesText(l.Bytes, at.part == digestPart), nil
	}
	return "", fmt.Errorf("%s is no text", l)
}

// bytesText gives bytes as logs have them: digests in hexadecimal digits, others as the text they are.
func bytesText(b []byte, digest bool) string {
	if digest || bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r == '\uFFFD' }) {
		return fmt.Sprintf("%x", b)
	}
	return string(b)
}

// enough says whether an expression asks for something that not every event has: not only for what is not there or is everywhere.
func (e *Expression) enough() bool {
	switch {
	case len(e.And) > 0:
		return slices.ContainsFunc(e.And, (*Expression).enough)
	case len(e.Or) > 0:
		return !slices.ContainsFunc(e.Or, func(o *Expression) bool { return !o.enough() })
	}
	return e.Condition == nil || e.Condition.telling()
}

// conditions is what a scanner knows of the conditions in the batch looked at: of each that was asked for.
type conditions struct {
	set   *Set
	batch *event.Batch
	known []answered
	text  []byte
}

// answered says where a condition is fulfilled, once it was asked for.
type answered struct {
	is bool
	in []fulfilled
}

// fulfilled says of a column which of its values fulfil a condition.
type fulfilled struct {
	column int
	values []bool
}

// begin forgets what was known of another batch.
func (x *conditions) begin(s *Set, b *event.Batch) {
	x.set, x.batch = s, b
	x.known = slices.Grow(x.known[:0], len(s.conditions))[:len(s.conditions)]
	clear(x.known)
}

// of gives the columns with values that fulfil a condition. Distinct values are looked at once.
func (x *conditions) of(condition int) []fulfilled {
	k := &x.known[condition]
	if k.is {
		return k.in
	}
	k.is = true
	c := x.set.conditions[condition]
	for i, name := range x.batch.Schema.Fields {
		col := x.batch.Cols[i]
		if col == nil || col.Dict.Len() == 0 || !slices.Contains(c.at.fields, name) {
			continue
		}
		f := fulfilled{column: i, values: make([]bool, col.Dict.Len())}
		for v := range f.values {
			x.text = col.Dict.AppendText(x.text[:0], v)
			f.values[v] = c.holds(string(x.text))
		}
		if slices.Contains(f.values, true) {
			k.in = append(k.in, f)
		}
	}
	return k.in
}

// holds says whether a row fulfils a condition.
func (x *conditions) holds(condition, row int) bool {
	return slices.ContainsFunc(x.of(condition), func(f fulfilled) bool { return len(x.texts(f, row)) > 0 })
}

// texts gives the values of a column in a row that fulfil a condition.
func (x *conditions) texts(f fulfilled, row int) (codes []int) {
	for _, code := range x.batch.Cols[f.column].At(row) {
		if v, ok := code.Value(); ok && f.values[v] {
			codes = append(codes, v)
		}
	}
	return codes
}

// conditionFields lists the fields that conditions speak of.
func (s *Set) conditionFields() (fields []string) {
	for _, c := range s.conditions {
		fields = append(fields, c.at.fields...)
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// holds says whether the row looked at fulfils an expression.
func (sc *scanner) holds(rule, row int) bool {
	return sc.set.nodes[rule].holds(sc.ids, func(condition int) bool { return sc.fields.holds(condition, row) })
}

// possible lists the rules that need no term and that the batch can fulfil.
func (sc *scanner) possible() (rules []int) {
	for _, r := range sc.set.everywhere {
		if sc.set.nodes[r].holds(nil, func(condition int) bool { return len(sc.fields.of(condition)) > 0 }) {
			rules = append(rules, r)
		}
	}
	return rules
}
