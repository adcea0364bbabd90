package sigma

import (
	"fmt"
	"strings"
)

// expression is a rule's condition with the selections put in and the modifiers applied. It still speaks of the rule's
// field names.
type expression struct {
	op     exprOp
	field  string // exprAtom, exprField; "" for keywords
	native bool   // the field is the evidence's own name already
	atom   *atom
	ref    *fieldTest
	args   []*expression
}

type exprOp uint8

const (
	exprFalse exprOp = iota
	exprTrue
	exprAtom
	exprField
	exprNot
	exprAnd
	exprOr
)

// atom is a set of tests of which any must hold. Equal atoms of all rules are one.
type atom struct {
	tests   []test // of values; those that can hold for ASCII values first
	ascii   int    // how many of tests can hold for ASCII values
	null    bool   // null holds
	absent  bool   // absent holds
	present bool   // any value holds
	costly  bool   // some test takes long enough to remember its answer
	id      int
}

// atomSet makes atoms unique.
type atomSet struct {
	byKey map[string]*atom
}

func (s *atomSet) atom(tests []test) *atom {
	a := &atom{}
	var key strings.Builder
	var unicodeOnly []test
	seen := make(map[string]bool, len(tests))
	for i := range tests {
		t := tests[i]
		k := t.key()
		if seen[k] {
			continue
		}
		seen[k] = true
		key.WriteString(k)
		key.WriteByte(0)
		switch t.kind {
		case testNull:
			a.null, a.absent = true, true
		case testAbsent:
			a.absent = true
		case testExists:
			a.null, a.present = true, true
		case testAny:
			a.present = true
		default:
			if t.ascii() {
				a.tests = append(a.tests, t)
			} else {
				unicodeOnly = append(unicodeOnly, t)
			}
		}
	}
	if known := s.byKey[key.String()]; known != nil {
		return known
	}
	a.ascii = len(a.tests)
	a.tests = append(a.tests, unicodeOnly...)
	for i := range a.tests {
		switch a.tests[i].kind {
		case testRegexp, testGlob, testCIDR, testTimePart:
			a.costly = true
		}
	}
	a.id = len(s.byKey)
	s.byKey[key.String()] = a
	return a
}

// holds asks a value that is neither absent nor null.
func (a *atom) holds(raw, folded []byte) bool {
	if a.present {
		return true
	}
	for i := range a.tests {
		if a.tests[i].match(raw, folded) {
			return true
		}
	}
	return false
}

// builder makes the expression of one detection.
type expressionBuilder struct {
	atoms        *atomSet
	placeholders map[string][]string
	detection    *Detection
	made         map[*Selection]*expression
}

func buildExpression(d *Detection, atoms *atomSet, placeholders map[string][]string) (*expression, error) {
	b := expressionBuilder{atoms: atoms, placeholders: placeholders, detection: d, made: map[*Selection]*expression{}}
	// Every selection is checked, used or not: a rule with a wrong selection is not what its author meant.
	for i := range d.Selections {
		if _, err := b.selection(&d.Selections[i]); err != nil {
			return nil, err
		}
	}
	var any []*expression
	for _, c := range d.Conditions {
		e, err := b.condition(c)
		if err != nil {
			return nil, err
		}
		any = append(any, e)
	}
	return combine(exprOr, any), nil
}

func (b *expressionBuilder) condition(c *Condition) (*expression, error) {
	switch c.Op {
	case OpSelection:
		s := b.detection.Selection(c.Name)
		if s == nil {
			return nil, fmt.Errorf("the condition names %q, which is not a selection", c.Name)
		}
		return b.selection(s)
	case OpAnyOf, OpAllOf:
		var args []*expression
		for _, s := range b.detection.Named(c.Name) {
			e, err := b.selection(s)
			if err != nil {
				return nil, err
			}
			args = append(args, e)
		}
		if len(args) == 0 {
			return nil, fmt.Errorf("there are no selections named %q", c.Name)
		}
		if c.Op == OpAllOf {
			return combine(exprAnd, args), nil
		}
		return combine(exprOr, args), nil
	}
	var args []*expression
	for _, a := range c.Args {
		e, err := b.condition(a)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	switch c.Op {
	case OpNot:
		return &expression{op: exprNot, args: args[:1]}, nil
	case OpAnd:
		return combine(exprAnd, args), nil
	}
	return combine(exprOr, args), nil
}

func combine(op exprOp, args []*expression) *expression {
	if len(args) == 1 {
		return args[0]
	}
	return &expression{op: op, args: args}
}

func (b *expressionBuilder) selection(s *Selection) (*expression, error) {
	if e := b.made[s]; e != nil {
		return e, nil
	}
	e, err := b.group(&s.Group)
	if err != nil {
		return nil, fmt.Errorf("selection %s: %w", s.Name, err)
	}
	b.made[s] = e
	return e, nil
}

func (b *expressionBuilder) group(g *Group) (*expression, error) {
	var args []*expression
	for i := range g.Items {
		e, err := b.item(&g.Items[i])
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	for i := range g.Groups {
		e, err := b.group(&g.Groups[i])
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	if g.Any {
		return combine(exprOr, args), nil
	}
	return combine(exprAnd, args), nil
}

func (b *expressionBuilder) item(item *Item) (*expression, error) {
	r, err := resolve(item, b.placeholders)
	if err != nil {
		return nil, err
	}
	var args []*expression
	for _, any := range r.fields { // of the alternatives of one value any will do, whatever all says of the values
		var alternatives []*expression
		for i := range any {
			alternatives = append(alternatives, &expression{op: exprField, field: item.Field, ref: &any[i]})
		}
		args = append(args, combine(exprOr, alternatives))
	}
	if r.all {
		for _, tests := range r.values {
			args = append(args, &expression{op: exprAtom, field: item.Field, atom: b.atoms.atom(tests)})
		}
	} else if len(r.values) > 0 {
		var tests []test
		for _, t := range r.values {
			tests = append(tests, t...)
		}
		args = append(args, &expression{op: exprAtom, field: item.Field, atom: b.atoms.atom(tests)})
	}
	op := exprOr
	if r.all {
		op = exprAnd
	}
	e := combine(op, args)
	if r.negate {
		e = &expression{op: exprNot, args: []*expression{e}}
	}
	return e, nil
}

// walk visits the expression's leaves.
func (e *expression) walk(visit func(*expression)) {
	switch e.op {
	case exprAtom, exprField:
		visit(e)
	}
	for _, a := range e.args {
		a.walk(visit)
	}
}
