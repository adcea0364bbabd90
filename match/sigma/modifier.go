package sigma

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/match/internal/automaton"
)

// maxAlternatives bounds what the modifiers of one item may expand into: five dashes to the fifth power fit.
const maxAlternatives = 20_000

// operand is a value on its way through the modifiers.
type operand struct {
	kind    operandKind
	value   Value   // as parsed
	pattern Pattern // operandText
	source  string  // operandRegexp: the expression
	flags   string  // operandRegexp: of i, m, s
	test    test    // operandTest
	field   fieldTest
}

type operandKind uint8

const (
	operandText operandKind = iota
	operandNumber
	operandBool
	operandNull
	operandRegexp
	operandField
	operandTest     // nothing but list modifiers may follow
	operandTimePart // a time part that lt, lte, gt, gte may still follow
)

// fieldTest compares a field with another.
type fieldTest struct {
	field              string
	front, back, cased bool // text may stand before, behind
}

// resolved is an item with its modifiers applied. Values are any of their alternatives; the item holds when any value
// does, or all when linked by all.
type resolved struct {
	values [][]test
	fields [][]fieldTest // instead of values for fieldref
	all    bool
	negate bool
}

// resolve applies the modifiers of an item in their order.
func resolve(item *Item, placeholders map[string][]string) (*resolved, error) {
	r := &resolved{}
	if len(item.Values) == 0 {
		if item.Field == "" {
			return nil, errorAt(item.Line, "a keyword item has no value; add one")
		}
		item = &Item{Field: item.Field, Modifiers: item.Modifiers, Values: []Value{{Kind: NullValue}}, Line: item.Line}
	}
	written := item.name()
	modifiers, err := expandFirst(item.Modifiers)
	if err != nil {
		return nil, errorAt(item.Line, "%s: %v", written, err)
	}
	item = &Item{Field: item.Field, Modifiers: modifiers, Values: item.Values, Line: item.Line}
	chain := modifierChain{item: item, placeholders: placeholders}
	for _, m := range item.Modifiers {
		switch m {
		case "cased":
			chain.cased = true
		case "all":
			r.all = true
		case "neq":
			r.negate = true
		}
	}
	total := 0
	for _, v := range item.Values {
		alternatives, err := chain.apply(v)
		if err != nil {
			return nil, errorAt(item.Line, "%s: %v", written, err)
		}
		var tests []test
		var fields []fieldTest
		for _, o := range alternatives {
			if o.kind == operandField {
				fields = append(fields, o.field)
				continue
			}
			t, err := chain.finish(o)
			if err != nil {
				return nil, errorAt(item.Line, "%s: %v", written, err)
			}
			tests = append(tests, t)
		}
		if total += len(alternatives); total > maxAlternatives {
			return nil, errorAt(item.Line, "%s: the modifiers give more than %d values; use fewer", written, maxAlternatives)
		}
		if len(tests) > 0 {
			r.values = append(r.values, tests)
		}
		if len(fields) > 0 {
			r.fields = append(r.fields, fields)
		}
	}
	if item.Field == "" && r.fields != nil {
		return nil, errorAt(item.Line, "%s: fieldref needs a field to compare with; name one", written)
	}
	return r, nil
}

func (i *Item) name() string {
	s := i.Field
	if s == "" {
		s = "keywords"
	}
	for _, m := range i.Modifiers {
		s += "|" + m
	}
	return s
}

type modifierChain struct {
	item         *Item
	placeholders map[string][]string
	cased        bool
}

func (c *modifierChain) apply(v Value) ([]operand, error) {
	start := operand{value: v}
	switch v.Kind {
	case StringValue:
		start.pattern = ParsePattern(v.Text)
		start.source = v.Text
	case NumberValue:
		start.kind = operandNumber
	case BoolValue:
		start.kind = operandBool
	case NullValue:
		start.kind = operandNull
	}
	operands := []operand{start}
	for i, m := range c.item.Modifiers {
		var next []operand
		for _, o := range operands {
			out, err := c.modify(m, i, o)
			if err != nil {
				return nil, err
			}
			if next = append(next, out...); len(next) > maxAlternatives {
				return nil, fmt.Errorf("the modifiers give more than %d values; use fewer", maxAlternatives)
			}
		}
		operands = next
	}
	return operands, nil
}

func (c *modifierChain) modify(m string, at int, o operand) ([]operand, error) {
	switch m {
	case "all", "neq":
		return []operand{o}, nil
	case "exists":
		if c.item.Field == "" {
			return nil, fmt.Errorf("exists needs a field")
		}
		if o.kind != operandBool || !c.onlyListModifiersBefore(at) {
			return nil, fmt.Errorf("exists takes true or false and no other modifier")
		}
		kind := testAbsent
		if o.value.Bool {
			kind = testExists
		}
		return testOperand(test{kind: kind}), nil
	case "re":
		if err := o.text(); err != nil {
			return nil, err
		}
		for _, before := range c.item.Modifiers[:at] {
			if before != "all" && before != "neq" && before != "expand" {
				return nil, fmt.Errorf("re applies to the value as written; put it first")
			}
		}
		return []operand{{kind: operandRegexp, value: o.value, source: o.source}}, nil
	case "i", "ignorecase", "m", "multiline", "s", "dotall":
		if o.kind != operandRegexp {
			return nil, fmt.Errorf("%s belongs to re; write re|%s", m, m)
		}
		flag := map[string]string{"ignorecase": "i", "multiline": "m", "dotall": "s"}[m]
		if flag == "" {
			flag = m
		}
		if !strings.Contains(o.flags, flag) {
			o.flags += flag
		}
		return []operand{o}, nil
	case "cidr":
		if o.kind != operandText || !c.onlyListModifiersBefore(at) {
			return nil, fmt.Errorf("cidr takes a network as text and no modifier before it")
		}
		p, err := parseNetwork(o.value.Text)
		if err != nil {
			return nil, err
		}
		return testOperand(test{kind: testCIDR, testDetail: &testDetail{prefix: p}}), nil
	case "lt", "lte", "gt", "gte":
		return c.compare(BoundOp(m), o)
	case "minute", "hour", "day", "week", "month", "year":
		if o.kind != operandNumber || o.value.Number.isFloat {
			return nil, fmt.Errorf("%s takes a whole number", m)
		}
		return []operand{{kind: operandTimePart, value: o.value, test: test{kind: testTimePart, testDetail: &testDetail{part: m, op: Equal, number: o.value.Number}}}}, nil
	case "expand":
		return c.expand(o)
	case "fieldref":
		for _, before := range c.item.Modifiers[:at] {
			switch before {
			case "all", "neq", "expand", "cased":
			default:
				return nil, fmt.Errorf("fieldref takes the name of a field as written and goes before %s", before)
			}
		}
		return c.fieldref(o)
	case "startswith", "endswith", "contains":
		return c.open(m, o)
	}
	return c.encode(m, o)
}

func testOperand(t test) []operand { return []operand{{kind: operandTest, test: t}} }

func (c *modifierChain) onlyListModifiersBefore(at int) bool {
	for _, m := range c.item.Modifiers[:at] {
		if m != "all" && m != "neq" {
			return false
		}
	}
	return true
}

// text makes a number or truth value the text it was written as, for modifiers of texts.
func (o *operand) text() error {
	switch o.kind {
	case operandText:
		return nil
	case operandNumber, operandBool:
		o.kind, o.pattern, o.source = operandText, Literal(o.value.Text), o.value.Text
		return nil
	case operandNull:
		return fmt.Errorf("a modifier of texts cannot apply to null; write the value")
	}
	return fmt.Errorf("a modifier of texts cannot follow the modifiers before it; change the order")
}

func (c *modifierChain) compare(op BoundOp, o operand) ([]operand, error) {
	if o.kind == operandTimePart {
		o.test.op = op
		return testOperand(o.test), nil
	}
	if o.kind != operandNumber {
		return nil, fmt.Errorf("%s compares with a number; write one without quotes", op)
	}
	return testOperand(test{kind: testNumber, testDetail: &testDetail{op: op, number: o.value.Number}}), nil
}

func (c *modifierChain) fieldref(o operand) ([]operand, error) {
	if err := o.text(); err != nil {
		return nil, err
	}
	name, plain := o.pattern.Plain()
	if !plain || name == "" {
		return nil, fmt.Errorf("fieldref takes the name of a field without wildcards and goes before startswith, endswith and contains")
	}
	return []operand{{kind: operandField, field: fieldTest{field: name, cased: c.cased}}}, nil
}

func (c *modifierChain) open(m string, o operand) ([]operand, error) {
	if o.kind == operandField {
		o.field.front = o.field.front || m != "startswith"
		o.field.back = o.field.back || m != "endswith"
		return []operand{o}, nil
	}
	if o.kind == operandRegexp {
		return nil, fmt.Errorf("a regular expression is sought anywhere in the value; write ^ or $ into it instead of %s", m)
	}
	if err := o.text(); err != nil {
		return nil, err
	}
	o.pattern = o.pattern.open(m != "startswith", m != "endswith")
	return []operand{o}, nil
}

func (c *modifierChain) encode(m string, o operand) ([]operand, error) {
	switch m {
	case "cased":
		if o.kind == operandField {
			return []operand{o}, nil
		}
		if o.kind == operandRegexp {
			return nil, fmt.Errorf("a regular expression regards case unless the modifier i says otherwise; remove cased")
		}
		err := o.text() // before o is copied
		return []operand{o}, err
	case "windash", "base64", "base64offset", "wide", "utf16le", "utf16be", "utf16":
	default:
		return nil, fmt.Errorf("unknown modifier %q", m)
	}
	if err := o.text(); err != nil {
		return nil, err
	}
	switch m {
	case "windash":
		patterns, err := windash(o.pattern)
		if err != nil {
			return nil, err
		}
		out := make([]operand, len(patterns))
		for i, p := range patterns {
			out[i] = operand{value: o.value, pattern: p}
		}
		return out, nil
	case "base64":
		plain, ok := o.pattern.Plain()
		if !ok {
			return nil, fmt.Errorf("base64 cannot encode wildcards; put contains, startswith and endswith after it")
		}
		o.pattern = Literal(base64.StdEncoding.EncodeToString([]byte(plain)))
	case "base64offset":
		plain, ok := o.pattern.Plain()
		if !ok {
			return nil, fmt.Errorf("base64offset cannot encode wildcards; put contains, startswith and endswith after it")
		}
		return base64Offsets(o, plain)
	default:
		encoded := make(Pattern, 0, len(o.pattern)+1)
		for _, t := range o.pattern {
			if t.Wild == 0 {
				t.Text = wide(t.Text, m == "utf16be")
			}
			encoded = append(encoded, t)
		}
		if m == "utf16" {
			encoded = append(Pattern{{Text: "\xff\xfe"}}, encoded...)
			if len(encoded) > 1 && encoded[1].Wild == 0 {
				encoded = append(Pattern{{Text: "\xff\xfe" + encoded[1].Text}}, encoded[2:]...)
			}
		}
		o.pattern = encoded
	}
	return []operand{o}, nil
}

// finish makes the test of an operand.
func (c *modifierChain) finish(o operand) (test, error) {
	keyword := c.item.Field == ""
	switch o.kind {
	case operandNull:
		if keyword {
			return test{}, fmt.Errorf("null is no keyword; name a field")
		}
		return test{kind: testNull}, nil
	case operandNumber:
		if keyword {
			return c.finishText(Literal(o.value.Text), keyword)
		}
		return test{kind: testNumber, testDetail: &testDetail{op: Equal, number: o.value.Number}}, nil
	case operandBool:
		return c.finishText(Literal(strings.ToLower(o.value.Text)), keyword)
	case operandRegexp:
		re, err := compileRegexp(o.source, o.flags)
		if err != nil {
			return test{}, err
		}
		t := test{kind: testRegexp, text: re.String(), cased: true, testDetail: &testDetail{re: automaton.New(re), needs: needsOf(re)}}
		if len(t.needs.needles) > 0 {
			t.needles = t.needs.needles[0]
		}
		return t, nil
	case operandTest, operandTimePart:
		if keyword {
			return test{}, fmt.Errorf("a network, a comparison or a part of a time is no keyword; name a field")
		}
		return o.test, nil
	}
	return c.finishText(o.pattern, keyword)
}

func (c *modifierChain) finishText(p Pattern, keyword bool) (test, error) {
	for _, t := range p {
		if !utf8.ValidString(t.Text) {
			return test{}, fmt.Errorf("the encoded value is not text; follow it with base64 or base64offset")
		}
	}
	if keyword { // a keyword may stand anywhere in a value
		p = p.open(true, true)
		if len(p) == 1 {
			return test{}, fmt.Errorf("an empty keyword matches everything; write the text to look for")
		}
	}
	return newTextTest(p, c.cased), nil
}
