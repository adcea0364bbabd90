package sigma

import (
	"math"
	"strconv"
	"strings"
	"time"
)

func parseCorrelation(meta Meta, doc *node) (*Correlation, error) {
	n := doc.get("correlation")
	if n.kind != mapNode {
		return nil, errorAt(n.line, "correlation is a map of type, rules, timespan and condition")
	}
	for i, key := range n.keys {
		switch key {
		case "type", "rules", "group-by", "timespan", "condition", "aliases", "generate":
		default:
			return nil, errorAt(n.vals[i].line, "unknown key %q in correlation; type, rules, group-by, timespan, condition, aliases and generate are known", key)
		}
	}
	c := &Correlation{Meta: meta}
	kind := n.get("type")
	if kind.isNull() {
		return nil, errorAt(n.line, "the correlation has no type")
	}
	c.Type = CorrelationType(strings.ToLower(kind.text))
	switch c.Type {
	case EventCount, ValueCount, Temporal, TemporalOrdered, ValueSum, ValueAvg, ValuePercentile, ValueMedian:
	default:
		return nil, errorAt(kind.line, "unknown correlation type %q", kind.text)
	}
	var err error
	if c.Rules, err = texts("rules", n.get("rules")); err != nil {
		return nil, err
	}
	if c.GroupBy, err = texts("group-by", n.get("group-by")); err != nil {
		return nil, err
	}
	if c.Timespan, err = parseTimespan(n); err != nil {
		return nil, err
	}
	if c.Generate, err = parseGenerate(n.get("generate"), doc.get("generate")); err != nil {
		return nil, err
	}
	if c.Aliases, err = parseAliases(n.get("aliases")); err != nil {
		return nil, err
	}
	if err = c.parseCondition(n); err != nil {
		return nil, err
	}
	if len(c.Rules) == 0 {
		return nil, errorAt(n.line, "the correlation refers to no rules; list ids or names")
	}
	seen := map[string]bool{}
	for _, r := range c.Rules {
		if seen[r] {
			return nil, errorAt(n.get("rules").line, "the rule %q is listed twice", r)
		}
		seen[r] = true
	}
	return c, nil
}

func parseTimespan(n *node) (time.Duration, error) {
	t := n.get("timespan")
	if t.isNull() {
		return 0, errorAt(n.line, "the correlation has no timespan; write a number and one of s, m, h, d, w, M, y")
	}
	bad := errorAt(t.line, "%q is no timespan; write a positive whole number and one of s, m, h, d, w, M, y", t.text)
	if t.kind != scalarNode || len(t.text) < 2 {
		return 0, bad
	}
	// A month and a year have their mean length, as in pySigma.
	unit, ok := map[byte]time.Duration{
		's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
		'M': 2629746 * time.Second, 'y': 31556952 * time.Second,
	}[t.text[len(t.text)-1]]
	count, err := strconv.ParseUint(t.text[:len(t.text)-1], 10, 31)
	if !ok || err != nil || count == 0 {
		return 0, bad
	}
	if time.Duration(count) > math.MaxInt64/unit {
		return 0, errorAt(t.line, "the timespan %q is too long", t.text)
	}
	return time.Duration(count) * unit, nil
}

// parseGenerate takes the key inside the correlation or beside it; the versions of the specification differ.
func parseGenerate(inside, beside *node) (bool, error) {
	for _, n := range []*node{inside, beside} {
		if n.isNull() {
			continue
		}
		if n.tag != "!!bool" {
			return false, errorAt(n.line, "generate is true or false")
		}
		return strings.EqualFold(n.text, "true"), nil
	}
	return false, nil
}

func parseAliases(n *node) ([]Alias, error) {
	if n.isNull() {
		return nil, nil
	}
	if n.kind != mapNode {
		return nil, errorAt(n.line, "aliases is a map of alias names")
	}
	var out []Alias
	for i, name := range n.keys {
		fields := n.vals[i]
		if fields.kind != mapNode || len(fields.keys) == 0 {
			return nil, errorAt(fields.line, "the alias %q is a map from rule names to fields", name)
		}
		a := Alias{Name: name, Fields: make(map[string]string, len(fields.keys))}
		for j, rule := range fields.keys {
			if fields.vals[j].kind != scalarNode || fields.vals[j].isNull() {
				return nil, errorAt(fields.vals[j].line, "the alias %q needs one field name for rule %q", name, rule)
			}
			a.Fields[rule] = fields.vals[j].text
		}
		out = append(out, a)
	}
	return out, nil
}

func (c *Correlation) parseCondition(n *node) error {
	cond := n.get("condition")
	temporal := c.Type == Temporal || c.Type == TemporalOrdered
	switch {
	case cond.isNull() && temporal:
		c.Bounds = []Bound{{Op: GreaterOrEqual, Value: float64(len(c.Rules))}}
		return nil
	case cond.isNull():
		return errorAt(n.line, "the correlation has no condition; write for example gte: 10")
	case cond.kind == scalarNode && temporal:
		return c.parseExpression(cond)
	case cond.kind != mapNode:
		return errorAt(cond.line, "the condition of a %s correlation is a map, for example gte: 10", c.Type)
	}
	for i, key := range cond.keys {
		v := cond.vals[i]
		switch key {
		case "field":
			fields, err := texts("field", v)
			if err != nil {
				return err
			}
			c.Field = fields
		case "percentile":
			p, err := finite(v)
			if err != nil || p < 0 || p > 100 {
				return errorAt(v.line, "percentile is a number from 0 to 100, not %q", v.text)
			}
			c.Percent = p
		case "lt", "lte", "gt", "gte", "eq", "neq":
			x, err := finite(v)
			if err != nil {
				return errorAt(v.line, "%s needs a number, not %q", key, v.text)
			}
			c.Bounds = append(c.Bounds, Bound{Op: BoundOp(key), Value: x})
		default:
			return errorAt(v.line, "unknown key %q in the condition; lt, lte, gt, gte, eq, neq, field and percentile are known", key)
		}
	}
	return c.checkCondition(cond)
}

func (c *Correlation) checkCondition(cond *node) error {
	if len(c.Bounds) == 0 {
		return errorAt(cond.line, "the condition compares with nothing; write for example gte: 10")
	}
	switch c.Type {
	case ValueCount:
		if len(c.Field) == 0 {
			return errorAt(cond.line, "a value_count condition names the field whose values it counts")
		}
	case ValueSum, ValueAvg, ValuePercentile, ValueMedian:
		if len(c.Field) != 1 {
			return errorAt(cond.line, "a %s condition names exactly one field", c.Type)
		}
	default:
		if len(c.Field) > 0 {
			return errorAt(cond.line, "a %s condition takes no field", c.Type)
		}
	}
	if (cond.get("percentile") != nil) != (c.Type == ValuePercentile) {
		return errorAt(cond.line, "value_percentile, and no other type, needs percentile in its condition")
	}
	return nil
}

func finite(n *node) (float64, error) {
	if n.kind != scalarNode {
		return 0, strconv.ErrSyntax
	}
	x, ok := NumberOf([]byte(n.text))
	if !ok {
		return 0, strconv.ErrSyntax
	}
	return x.Float(), nil
}

// parseExpression reads the boolean form of a temporal condition and takes the rules from it when none are listed.
func (c *Correlation) parseExpression(n *node) error {
	expr, err := ParseCondition(n.text)
	if err != nil {
		return errorAt(n.line, "%v", err)
	}
	var named []string
	seen := map[string]bool{}
	ordered := true
	var walk func(e *Condition) error
	walk = func(e *Condition) error {
		switch e.Op {
		case OpAnyOf, OpAllOf:
			return errorAt(n.line, "a correlation condition joins rule names with and, or and not; write the names out")
		case OpSelection:
			if !seen[e.Name] {
				seen[e.Name] = true
				named = append(named, e.Name)
			}
		case OpOr, OpNot:
			ordered = false
		}
		for _, a := range e.Args {
			if err := walk(a); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(expr); err != nil {
		return err
	}
	if c.Type == TemporalOrdered && !ordered {
		return errorAt(n.line, "the order of rules joined with or and not is not defined; use and only, or type temporal")
	}
	asked := map[string]bool{}
	if expr.asked(true, asked); len(asked) == 0 {
		return errorAt(n.line, "the condition asks for no rule to occur; name one without not")
	}
	if len(c.Rules) == 0 {
		c.Rules = named
	}
	listed := map[string]bool{}
	for _, r := range c.Rules {
		listed[r] = true
		if !seen[r] {
			return errorAt(n.line, "the rule %q is listed but not in the condition", r)
		}
	}
	for _, r := range named {
		if !listed[r] {
			return errorAt(n.line, "the condition names %q, which is not listed under rules", r)
		}
	}
	c.Expression = expr
	return nil
}
