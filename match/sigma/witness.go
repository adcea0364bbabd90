package sigma

import (
	"math"
	"slices"
	"sync"

	"github.com/contrail-ir/contrail/match/internal/automaton"
)

// A rule's witness is a set of literals and predicates, each on one field, of which at least one holds wherever the rule
// matches. Only rows with a witness of a rule are tried against it.

// slotWitness is the witnesses on one field.
type slotWitness struct {
	ascii   *literals // literals of ASCII, nil for none
	unicode *literals // the others, which need a value that is not ASCII
	rules   [][]int32 // by literal of ascii, then of unicode
	byName  [][]int32 // rules by name, nil when no name is a witness
	eager   []eagerWitness
	kinds   kindSet // of columns in which keywords can be, of the witness of keywords

	// Long values are searched once for all literals of the field, which finds the witnesses too: byNeedle gives their
	// rules, anchored the literals bound to an end of the value, which are compared there.
	byNeedle [][]int32
	anchored []int32
}

// eagerWitness is a predicate without a literal that is asked about every distinct value.
type eagerWitness struct {
	predicate int32
	rules     []int32
}

// empty says that there is no witness on the field.
func (w *slotWitness) empty() bool {
	return w.ascii == nil && w.unicode == nil && w.byName == nil && len(w.eager) == 0
}

// clue is one element of a witness.
type clue struct {
	slot      int32 // -1 for keywords
	literal   string
	place     uint8
	predicate int32 // when literal is ""
}

// chooser finds for every node the clues that cost least: the share of rows expected to have one of them.
type chooser struct {
	p      *program
	shared map[clue]int // how many atoms use the literal: what many rules look for is common
	memo   map[int32]choice
}

type choice struct {
	clues []clue
	cost  float64
	ok    bool
}

// maxClues bounds a witness.
const maxClues = 20_000

func (p *program) chooseWitnesses() {
	c := chooser{p: p, shared: map[clue]int{}, memo: map[int32]choice{}}
	for i := range p.predicates {
		for _, q := range c.literalsOf(int32(i)) {
			c.shared[q]++
		}
	}
	certain := make(map[int32]bool, len(p.certain))
	for _, r := range p.certain {
		certain[r] = true
	}
	type use struct {
		order []clue
		rules map[clue][]int32
	}
	uses := make([]use, len(p.slots)+1)
	for i := range p.rules {
		r := int32(i)
		if certain[r] {
			continue
		}
		best := c.choose(p.rules[r].root)
		if !best.ok {
			p.always = append(p.always, r)
			continue
		}
		seen := map[clue]bool{}
		for _, q := range best.clues {
			if seen[q] {
				continue
			}
			seen[q] = true
			at := int(q.slot)
			if at < 0 {
				at = len(p.slots)
			}
			u := &uses[at]
			if u.rules == nil {
				u.rules = map[clue][]int32{}
			}
			if u.rules[q] == nil {
				u.order = append(u.order, q)
			}
			u.rules[q] = append(u.rules[q], r)
		}
	}
	p.witness = make([]slotWitness, len(uses))
	for i := range uses {
		var texts [2][]string
		var places [2][]uint8
		var rules [2][][]int32
		w := &p.witness[i]
		for _, q := range uses[i].order {
			if q.literal == "" {
				w.eager = append(w.eager, eagerWitness{q.predicate, uses[i].rules[q]})
				continue
			}
			if x, ok := nameOf(q.literal, q.place); ok && i < len(p.slots) {
				if number := p.names[i].number[x]; number != 0 {
					if w.byName == nil {
						w.byName = make([][]int32, len(p.names[i].text)+1)
					}
					w.byName[number] = uses[i].rules[q]
					continue
				}
			}
			kind := 0
			if !isASCII(q.literal) {
				kind = 1
			}
			texts[kind] = append(texts[kind], q.literal)
			places[kind] = append(places[kind], q.place)
			rules[kind] = append(rules[kind], uses[i].rules[q])
		}
		if len(texts[0]) > 0 {
			w.ascii = newLiterals(texts[0], places[0], 0)
		}
		if len(texts[1]) > 0 {
			w.unicode = newLiterals(texts[1], places[1], len(texts[0]))
		}
		w.rules = slices.Concat(rules[0], rules[1])
	}
}

func (c *chooser) choose(at int32) choice {
	if known, ok := c.memo[at]; ok {
		return known
	}
	n := &c.p.nodes[at]
	var out choice
	switch n.op {
	case exprAtom:
		out = c.ofPredicate(n.predicate)
	case exprAnd:
		for _, a := range n.args {
			if x := c.choose(a); x.ok && (!out.ok || x.cost < out.cost) {
				out = x
			}
		}
	case exprOr:
		out.ok = true
		for _, a := range n.args {
			x := c.choose(a)
			if !x.ok || len(out.clues)+len(x.clues) > maxClues {
				out = choice{}
				break
			}
			out.clues = append(out.clues[:len(out.clues):len(out.clues)], x.clues...)
			out.cost += x.cost
		}
	}
	c.memo[at] = out
	return out
}

func (c *chooser) ofPredicate(at int32) choice {
	p := &c.p.predicates[at]
	a := p.atom
	if a.null || a.absent {
		return choice{} // a field that is not there has no value to look at
	}
	eager := []clue{{slot: p.slot, predicate: at}}
	if a.present {
		return choice{clues: eager, cost: 0.7, ok: true}
	}
	literals := c.literalsOf(at)
	if literals != nil {
		cost := 0.0
		for _, q := range literals {
			cost += math.Exp2(-rarity(q.literal)) + 0.1*float64(c.shared[q]-1)/float64(len(c.p.rules)+20)
		}
		return choice{clues: literals, cost: cost, ok: true}
	}
	cost := 0.05
	for i := range a.tests {
		switch t := &a.tests[i]; t.kind {
		case testRegexp:
			if t.needles == nil {
				return choice{} // a regular expression on every value is what a witness is to avoid
			}
			cost += 0.3
		case testPrefix, testSuffix, testContains, testGlob:
			cost += 0.2
		}
	}
	return choice{clues: eager, cost: cost, ok: true}
}

// literalsOf gives a literal for every test of a predicate, or nil when some test has none.
func (c *chooser) literalsOf(at int32) []clue {
	p := &c.p.predicates[at]
	if len(p.atom.tests) == 0 {
		return nil
	}
	out := make([]clue, 0, len(p.atom.tests))
	add := func(text string, place uint8) bool {
		if len(text) < minLiteral {
			return false
		}
		out = append(out, clue{slot: p.slot, literal: text, place: place})
		return true
	}
	for i := range p.atom.tests {
		t := &p.atom.tests[i]
		ok := false
		text := t.text
		if t.cased && t.kind <= testContains {
			text = foldString(text)
		}
		switch t.kind {
		case testEqual:
			ok = add(text, atStart|atEnd)
		case testPrefix:
			ok = add(text, atStart)
		case testSuffix:
			ok = add(text, atEnd)
		case testContains:
			ok = add(text, 0)
		case testGlob, testRegexp:
			ok = len(t.needles) > 0
			for _, n := range t.needles {
				ok = ok && add(n, 0)
			}
		}
		if !ok {
			return nil
		}
	}
	return out
}

// minNeedle is the shortest literal that a value is searched for with all others. Those of three bytes would need a pass of
// their own over every long value, and few predicates ask for one.
const minNeedle = 4

// slotNeedles are all literals that predicates on one field look for anywhere in a value, so that one scan answers
// them all.
type slotNeedles struct {
	texts    [2][]string // ASCII ones, others
	count    int
	keywords bool // those of keywords are the first of them

	expressions *automaton.Group // on the field; nil when there are none

	once    sync.Once // the index is made when a value is first looked at: on most fields none ever is
	ascii   *literals
	unicode *literals
}

func newSlotNeedles(texts [2][]string) *slotNeedles {
	return &slotNeedles{texts: texts, count: len(texts[0]) + len(texts[1])}
}

// index makes the indexes, nil where there are no literals.
func (s *slotNeedles) index() (ascii, unicode *literals) {
	s.once.Do(func() {
		for kind, to := range []**literals{&s.ascii, &s.unicode} {
			if t := s.texts[kind]; len(t) > 0 {
				*to = newLiterals(t, make([]uint8, len(t)), kind*len(s.texts[0]))
			}
		}
	})
	return s.ascii, s.unicode
}

// need is needles of which a value must have one.
type need []int32

// needleNumbers numbers the needles of one field, ASCII ones and others apart.
type needleNumbers struct {
	number [2]map[string]int32
	texts  [2][]string
}

// of numbers a text: from 0 on when it is ASCII, else from -2 down until it is known how many are ASCII.
func (s *needleNumbers) of(text string) int32 {
	kind := 0
	if !isASCII(text) {
		kind = 1
	}
	n, ok := s.number[kind][text]
	if !ok {
		n = int32(len(s.texts[kind]))
		s.number[kind][text] = n
		s.texts[kind] = append(s.texts[kind], text)
	}
	if kind == 1 {
		return -n - 2
	}
	return n
}

// final gives the number of what of gave: ASCII ones come first.
func (s *needleNumbers) final(n int32) int32 {
	if n < -1 {
		return int32(len(s.texts[0])) - n - 2
	}
	return n
}

// manyTests is from how many tests on a field on keywords are sought with its literals: where few are sought, values are short, and
// the literals of keywords would be most of the index.
const manyTests = 100

// indexNeedles numbers the literals of every field and tells each predicate which are its own. Those of keywords have the same numbers
// in every field that has them.
func (p *program) indexNeedles() {
	slots := make([]needleNumbers, len(p.slots))
	keywords := needleNumbers{number: [2]map[string]int32{{}, {}}}
	tests := make([]int, len(p.slots))
	for i := range p.predicates {
		q := &p.predicates[i]
		if q.slot >= 0 {
			tests[q.slot] += len(q.tests)
			continue
		}
		for j := range q.tests {
			for _, set := range q.tests[j].required() {
				if indexed(set, true) {
					for _, text := range set {
						keywords.of(text)
					}
				}
			}
		}
	}
	of := func(slot int32) *needleNumbers {
		if slot < 0 {
			return &keywords
		}
		s := &slots[slot]
		if s.number[0] == nil {
			s.number = [2]map[string]int32{{}, {}}
			if tests[slot] >= manyTests {
				for _, text := range keywords.texts[0] {
					s.of(text)
				}
			}
		}
		return s
	}
	witnesses := make([][]int32, len(slots)) // by slot and literal: its needle
	for i := range slots {
		w := &p.witness[i]
		for j := range w.rules {
			if text, place := w.literal(j); place == 0 {
				witnesses[i] = append(witnesses[i], of(int32(i)).of(text))
			} else {
				witnesses[i] = append(witnesses[i], -1)
				w.anchored = append(w.anchored, int32(j))
			}
		}
	}
	for i := range p.predicates {
		q := &p.predicates[i]
		work := 0
		q.literal = true
		for j := range q.tests {
			t := &q.tests[j]
			work++
			needle := int32(-1)
			for k, set := range t.required() {
				if !indexed(set, q.slot < 0) {
					continue
				}
				if k == 0 && len(set) == 1 {
					needle = of(q.slot).of(set[0])
					if q.needles == nil {
						q.needles = slices.Repeat([]int32{-1}, len(q.tests))
					}
					q.needles[j] = needle
					if j < q.ascii {
						work += 3
					}
					continue
				}
				if q.needs == nil {
					q.needs = make([][]need, len(q.tests))
				}
				var n need
				for _, text := range set {
					n = append(n, of(q.slot).of(text))
				}
				q.needs[j] = append(q.needs[j], n)
			}
			q.literal = q.literal && needle != -1 && t.kind == testContains && !t.cased
		}
		q.several = work > 8 && q.slot >= 0
		q.cached = work > 3 || q.slot < 0 || q.atom.costly
	}
	p.found = make([]*slotNeedles, len(slots))
	for i := range slots {
		p.found[i] = newSlotNeedles(slots[i].texts)
		p.found[i].keywords = tests[i] >= manyTests
	}
	for i := range p.predicates {
		q := &p.predicates[i]
		for k, n := range q.needles {
			q.needles[k] = of(q.slot).final(n)
		}
		for _, needs := range q.needs {
			for _, n := range needs {
				for k := range n {
					n[k] = of(q.slot).final(n[k])
				}
			}
		}
	}
	p.gatherExpressions()
	for i := range slots {
		w := &p.witness[i]
		w.byNeedle = make([][]int32, p.found[i].count)
		for j, n := range witnesses[i] {
			if n = slots[i].final(n); n >= 0 {
				w.byNeedle[n] = append(w.byNeedle[n], w.rules[j]...)
			}
		}
	}
}

// gatherExpressions groups the expressions of every field, and tells each predicate which are its own.
func (p *program) gatherExpressions() {
	groups := make([][]*automaton.Automaton, len(p.slots))
	for i := range p.predicates {
		q := &p.predicates[i]
		for j := range q.tests {
			if t := &q.tests[j]; t.kind == testRegexp && q.slot >= 0 {
				if q.members == nil {
					q.members = make([]int32, len(q.tests))
				}
				q.members[j] = int32(len(groups[q.slot]))
				groups[q.slot] = append(groups[q.slot], t.re)
			}
		}
	}
	for i, of := range groups {
		if of != nil {
			p.found[i].expressions = automaton.NewGroup(of)
		}
	}
}

// indexed says whether all literals of a set can be needles, those of keywords in every field.
func indexed(set []string, keyword bool) bool {
	for _, text := range set {
		if len(text) < minNeedle || keyword && !isASCII(text) {
			return false
		}
	}
	return true
}

// literal gives a literal by its place in rules.
func (w *slotWitness) literal(i int) (string, uint8) {
	if w.ascii != nil {
		if i < len(w.ascii.text) {
			return w.ascii.text[i], w.ascii.place[i]
		}
		i -= len(w.ascii.text)
	}
	return w.unicode.text[i], w.unicode.place[i]
}

// atEnds says whether a literal bound to an end of the value, or to both, stands there.
func (w *slotWitness) atEnds(i int32, folded []byte) bool {
	text, place := w.literal(int(i))
	if len(folded) < len(text) || place == atStart|atEnd && len(folded) != len(text) {
		return false
	}
	if place&atStart != 0 {
		return string(folded[:len(text)]) == text
	}
	return string(folded[len(folded)-len(text):]) == text
}

// required gives sets of literals: the folded value has one of each set when the test holds.
func (t *test) required() [][]string {
	switch {
	case t.kind == testContains && t.cased:
		return [][]string{{foldString(t.text)}}
	case t.kind == testContains:
		return [][]string{{t.text}}
	case t.kind == testGlob && t.needles != nil:
		return [][]string{t.needles}
	case t.kind == testRegexp:
		return t.needs.needles
	}
	return nil
}
