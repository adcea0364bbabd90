package sigma

import (
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// Explain implements event.Scanner. It gives the native field and the value of every test that held where the rule asks
// for it to hold; what a rule excludes is not explained. Alternatives that held too are all given.
func (s *scanner) Explain(b *event.Batch, row int, rule event.RuleIndex) []event.Matched {
	route := s.set.Route(rule, b.Schema.Source)
	if route == nil {
		return nil
	}
	x := &s.explainer
	x.batch, x.row, x.route, x.out = b, row, route, x.out[:0]
	if s.batch == b { // asked while it is being scanned
		x.scanner = s
	}
	x.holds(s.set.rules[rule].when, true)
	x.batch, x.scanner = nil, nil
	return slices.Clone(x.out)
}

// maxMatched bounds what one hit explains.
const maxMatched = 64

// explainer evaluates a rule slowly and straight from its expression, in the order of the rule's text.
type explainer struct {
	batch *event.Batch
	row   int
	route *Route
	out   []event.Matched

	// scanner is the one that is scanning the batch, nil when none is: it has folded values already, and knows answers that
	// are dear. Hits that a log repeats are explained in half the time by that.
	scanner *scanner

	// Memory of the value looked at, and of what it is compared with: hits of one row ask for many values.
	raw, folded [2][]byte
}

// text gives a value as it is and folded, in memory that holds until the next call with the same which.
func (x *explainer) text(which int, d *event.Dict, v int) (raw, folded []byte) {
	if d.Kind == event.Text {
		raw = d.Raw(v)
	} else {
		x.raw[which] = d.AppendText(x.raw[which][:0], v)
		raw = x.raw[which]
	}
	x.folded[which] = appendFold(x.folded[which][:0], raw)
	return raw, x.folded[which]
}

// holds evaluates, and where the rule asks for truth notes what made it true.
func (x *explainer) holds(e *expression, note bool) bool {
	switch e.op {
	case exprNot:
		return !x.holds(e.args[0], false)
	case exprAnd:
		mark := len(x.out)
		for _, a := range e.args {
			if !x.holds(a, note) {
				x.out = x.out[:mark]
				return false
			}
		}
		return true
	case exprOr:
		any := false
		for _, a := range e.args {
			any = x.holds(a, note) || any
			if any && !note {
				return true
			}
		}
		return any
	case exprAtom:
		return x.atom(e, note)
	case exprField:
		return x.field(e, note)
	}
	return e.op == exprTrue
}

func (x *explainer) note(field string, value []byte) {
	for i := range x.out {
		if x.out[i].Field == field && x.out[i].Value == string(value) {
			return
		}
	}
	if len(x.out) < maxMatched {
		x.out = append(x.out, event.Matched{Field: field, Value: string(value)})
	}
}

func (x *explainer) atom(e *expression, note bool) bool {
	if e.field == "" {
		any := false
		for _, c := range x.batch.Cols {
			if c != nil && x.column("", c, e.atom, note) {
				any = true
				if !note {
					break
				}
			}
		}
		return any
	}
	name := x.route.Native(e.field)
	if e.field == event.FieldEventID && x.batch.Schema.Source.Product == event.ProductWindows && x.batch.Schema.Source.ID != 0 {
		id := event.AppendNumber(nil, event.Uint, uint64(x.batch.Schema.Source.ID))
		held := e.atom.holds(id, id)
		if held && note {
			x.note(name, id)
		}
		return held
	}
	c := x.batch.Column(name)
	if c == nil {
		if e.atom.absent && note {
			x.note(name, nil)
		}
		return e.atom.absent
	}
	return x.column(name, c, e.atom, note)
}

func (x *explainer) column(name string, c *event.Column, a *atom, note bool) bool {
	codes := c.At(x.row)
	if len(codes) == 0 && a.absent && name != "" {
		if note {
			x.note(name, nil)
		}
		return true
	}
	for _, code := range codes {
		v, ok := code.Value()
		if !ok {
			if code == event.Null && a.null || code == event.Absent && a.absent {
				if note {
					x.note(name, nil)
				}
				return true
			}
			continue
		}
		if raw, holds := x.value(name, c, a, v); holds {
			if note {
				x.note(name, raw)
			}
			return true
		}
	}
	return false
}

// value asks an atom about a value, and gives the value as text.
func (x *explainer) value(name string, c *event.Column, a *atom, v int) (raw []byte, holds bool) {
	if s := x.scanner; s != nil && name != "" {
		at := x.batch.Schema.Index(name)
		state := s.column(at)
		if len(a.tests) > 3 || a.costly {
			if slot := s.binding.slots[at]; int(slot) < len(s.program.slots) {
				if p, ok := s.program.numbered[predicateKey{slot, a}]; ok {
					return state.text(v), s.ask(p, &s.program.predicates[p], state, v)
				}
			}
		}
		raw, folded := state.value(v)
		return raw, a.holdsFor(raw, folded, state.ascii(v))
	}
	raw, folded := x.text(0, c.Dict, v)
	return raw, a.holds(raw, folded)
}

func (x *explainer) field(e *expression, note bool) bool {
	left, right := x.route.Native(e.field), x.route.Native(e.ref.field)
	a, b := x.batch.Column(left), x.batch.Column(right)
	if a == nil || b == nil {
		return false
	}
	for _, i := range a.At(x.row) {
		va, ok := i.Value()
		if !ok {
			continue
		}
		rawA, foldedA := x.text(0, a.Dict, va)
		for _, j := range b.At(x.row) {
			vb, ok := j.Value()
			if !ok {
				continue
			}
			rawB, foldedB := x.text(1, b.Dict, vb)
			s, t := foldedA, foldedB
			if e.ref.cased {
				s, t = rawA, rawB
			}
			if equalFields(s, t, e.ref) {
				if note {
					x.note(left, rawA)
					x.note(right, rawB)
				}
				return true
			}
		}
	}
	return false
}
