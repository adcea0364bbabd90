package sigma

import (
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// Needs says what the rules want: for every source the native fields that its rules name, everything where keywords
// are sought.
func (s *Set) Needs() event.Needs { return event.Always(s.want) }

func (s *Set) want(source event.Source) event.Want {
	p := s.program(source)
	want := p.fields()
	var carried []string
	for i := range p.rules {
		r := &p.rules[i]
		for _, f := range s.rules[r.index].carries {
			carried = append(carried, r.route.Native(f))
		}
	}
	if carried != nil {
		want.Fields = append(want.Fields, carried...)
		slices.Sort(want.Fields)
		want.Fields = slices.Compact(want.Fields)
	}
	return want
}

// Scanner returns the working memory of one goroutine.
func (s *Set) Scanner() event.Scanner {
	return &scanner{set: s, bound: map[*event.Schema]*binding{}, cache: make([]cacheEntry, cacheSize)}
}

// maxBindings bounds the schemas that a scanner remembers.
const maxBindings = 1024

// cacheSize is the number of remembered answers of predicates about values, 512 KiB. An answer replaces another that
// falls on the same place, so that no evidence can make it grow.
const cacheSize = 1 << 15

// longValue is the length from which one search for all literals is cheaper than one for the witnesses and another
// when a candidate asks for more.
const longValue = 256

type cacheEntry struct {
	key   uint64 // predicate and value
	stamp uint32 // batch, and the answer in the lowest bit
}

// binding is a program and where the columns of a schema are.
type binding struct {
	program *program
	columns []int32 // by slot; -1 the schema lacks the field
}

type scanner struct {
	set     *Set
	bound   map[*event.Schema]*binding
	cache   []cacheEntry
	stamp   uint32
	tried   []uint64 // by rule: the row that it was last tried on
	row     uint64
	columns []columnState // by column of the batch
	used    []bool
	active  []int // columns with candidates
	hits    []event.RuleIndex
	scratch []uint32

	batch   *event.Batch
	program *program
	binding *binding

	explainer explainer
}

func (s *scanner) bind(schema *event.Schema) *binding {
	if b := s.bound[schema]; b != nil {
		return b
	}
	if len(s.bound) >= maxBindings {
		clear(s.bound)
	}
	b := &binding{program: s.set.program(schema.Source)}
	for _, name := range b.program.slots {
		b.columns = append(b.columns, int32(schema.Index(name)))
	}
	s.bound[schema] = b
	return b
}

// Scan implements event.Scanner. Hits come by row and then by rule.
func (s *scanner) Scan(b *event.Batch, hit func(row int, rule event.RuleIndex)) error {
	bound := s.bind(b.Schema)
	p := bound.program
	if len(p.rules) == 0 || b.Rows == 0 {
		return nil
	}
	s.begin(b, bound)
	for i := range p.slots {
		if at := bound.columns[i]; at >= 0 {
			s.witness(int(at), &p.witness[i], &p.found[i])
		}
	}
	if w := &p.witness[len(p.slots)]; w.ascii != nil || w.unicode != nil || len(w.eager) > 0 {
		for at := range b.Cols {
			s.witness(at, w, nil)
		}
	}
	s.active = s.active[:0]
	for at := range s.columns[:len(b.Cols)] {
		if s.used[at] && len(s.columns[at].candidates) > 0 {
			s.active = append(s.active, at)
		}
	}
	for row := range b.Rows {
		s.scanRow(row)
		for _, rule := range s.hits {
			hit(row, rule)
		}
	}
	return nil
}

func (s *scanner) begin(b *event.Batch, bound *binding) {
	s.batch, s.binding, s.program = b, bound, bound.program
	if s.stamp += 2; s.stamp < 2 {
		clear(s.cache)
		s.stamp = 2
	}
	if n := len(s.program.rules); len(s.tried) < n {
		s.tried = make([]uint64, n)
	}
	if n := len(b.Cols); len(s.columns) < n {
		s.columns = append(s.columns, make([]columnState, n-len(s.columns))...)
		s.used = make([]bool, n)
	}
	for i := range b.Cols {
		s.used[i] = false
	}
}

// column gives the state of a column, nil when the column is not there.
func (s *scanner) column(at int) *columnState {
	if at < 0 || s.batch.Cols[at] == nil {
		return nil
	}
	c := &s.columns[at]
	if !s.used[at] {
		s.used[at] = true
		c.reset(s.batch.Cols[at])
	}
	return c
}

// witness looks at every distinct value of a column for the witnesses on it.
func (s *scanner) witness(at int, w *slotWitness, needles *slotNeedles) {
	c := s.column(at)
	if c == nil {
		return
	}
	if needles != nil {
		c.needles = needles
	}
	if w.ascii == nil && w.unicode == nil && len(w.eager) == 0 || c.values == 0 {
		return
	}
	old, oldEnds := c.candidates, c.candidateEnd
	merge := len(oldEnds) > 0 // keywords besides the field's own witnesses
	if merge {
		c.candidates, c.candidateEnd = nil, nil
	}
	for v := range c.values {
		raw, folded := c.value(v)
		if merge {
			c.candidates = append(c.candidates, slice32(old, oldEnds, v)...)
		}
		if len(folded) > longValue && len(w.byNeedle) > 0 {
			c.look(v)
			for _, n := range c.hits[c.scans[v].from : c.scans[v].end-1] {
				c.addCandidates(w.byNeedle[n])
			}
			for _, l := range w.anchored {
				if w.atEnds(l, folded) {
					c.addCandidates(w.rules[l])
				}
			}
			s.eager(c, w, v, raw, folded)
			continue
		}
		s.scratch = s.scratch[:0]
		if w.ascii != nil {
			s.scratch = w.ascii.find(folded, s.scratch)
		}
		for _, l := range s.scratch {
			c.addCandidates(w.rules[l])
		}
		if w.unicode != nil && !c.ascii(v) {
			first := 0
			if w.ascii != nil {
				first = len(w.ascii.text)
			}
			s.scratch = w.unicode.find(folded, s.scratch[:0])
			for _, l := range s.scratch {
				c.addCandidates(w.rules[first+int(l)])
			}
		}
		s.eager(c, w, v, raw, folded)
	}
}

// eager asks the witnesses that are no literals, and ends the value's candidates.
func (s *scanner) eager(c *columnState, w *slotWitness, v int, raw, folded []byte) {
	for i := range w.eager {
		if e := &w.eager[i]; s.program.predicates[e.predicate].atom.holdsFor(raw, folded, c.ascii(v)) {
			c.addCandidates(e.rules)
		}
	}
	c.candidateEnd = append(c.candidateEnd, uint32(len(c.candidates)))
}

func (c *columnState) addCandidates(rules []int32) {
	for _, r := range rules {
		c.candidates = append(c.candidates, uint32(r))
	}
}

func slice32(all []uint32, ends []uint32, i int) []uint32 {
	from := uint32(0)
	if i > 0 {
		from = ends[i-1]
	}
	return all[from:ends[i]]
}

// holdsFor is holds, sparing ASCII values the tests that cannot hold for them.
func (a *atom) holdsFor(raw, folded []byte, ascii bool) bool {
	if a.present {
		return true
	}
	tests := a.tests
	if ascii {
		tests = tests[:a.ascii]
	}
	for i := range tests {
		if tests[i].match(raw, folded) {
			return true
		}
	}
	return false
}

// scanRow leaves the rules that match a row in s.hits, in order.
func (s *scanner) scanRow(row int) {
	p := s.program
	s.hits = s.hits[:0]
	s.row++
	for _, at := range s.active {
		c := &s.columns[at]
		for _, code := range c.column.At(row) {
			v, ok := code.Value()
			if !ok {
				continue
			}
			for _, r := range slice32(c.candidates, c.candidateEnd, v) {
				if s.tried[r] == s.row {
					continue
				}
				s.tried[r] = s.row
				if s.node(p.rules[r].root, row) {
					s.hits = append(s.hits, p.rules[r].index)
				}
			}
		}
	}
	for _, r := range p.always {
		if s.node(p.rules[r].root, row) {
			s.hits = append(s.hits, p.rules[r].index)
		}
	}
	for _, r := range p.certain {
		s.hits = append(s.hits, p.rules[r].index)
	}
	if len(s.hits) > 1 {
		slices.Sort(s.hits)
	}
}

func (s *scanner) node(at int32, row int) bool {
	n := &s.program.nodes[at]
	switch n.op {
	case exprAtom:
		return s.predicate(n.predicate, row)
	case exprAnd:
		for _, a := range n.args {
			if !s.node(a, row) {
				return false
			}
		}
		return true
	case exprOr:
		for _, a := range n.args {
			if s.node(a, row) {
				return true
			}
		}
		return false
	case exprNot:
		return !s.node(n.args[0], row)
	case exprField:
		return s.fields(n, row)
	}
	return n.op == exprTrue
}

// predicate asks whether any element of the row's field satisfies a predicate.
func (s *scanner) predicate(at int32, row int) bool {
	p := &s.program.predicates[at]
	if p.slot < 0 {
		for i := range s.batch.Cols {
			if c := s.column(i); c != nil && s.anyElement(at, p, c, i+1, row) {
				return true
			}
		}
		return false
	}
	c := s.column(int(s.binding.columns[p.slot]))
	if c == nil {
		return p.atom.absent
	}
	return s.anyElement(at, p, c, 0, row)
}

// anyElement asks a column. Which is the column's number plus one for predicates that ask all columns, else 0.
func (s *scanner) anyElement(at int32, p *predicate, c *columnState, which, row int) bool {
	codes := c.column.At(row)
	if len(codes) == 0 {
		return p.atom.absent
	}
	for _, code := range codes {
		v, ok := code.Value()
		switch {
		case ok:
			if s.ask(at, p, c, which, v) {
				return true
			}
		case code == event.Null:
			if p.atom.null {
				return true
			}
		case p.atom.absent:
			return true
		}
	}
	return false
}

// ask asks a predicate about a value, through the cache where that pays.
func (s *scanner) ask(at int32, p *predicate, c *columnState, which, v int) bool {
	if p.atom.present {
		return true
	}
	if !p.cached {
		return s.evaluate(p, c, v)
	}
	key := (uint64(at)+uint64(which)*uint64(len(s.program.predicates)))<<32 | uint64(v)
	e := &s.cache[key*0x9E3779B97F4A7C15>>(64-15)]
	if e.key == key && e.stamp&^1 == s.stamp {
		return e.stamp&1 != 0
	}
	answer := s.evaluate(p, c, v)
	e.key, e.stamp = key, s.stamp
	if answer {
		e.stamp |= 1
	}
	return answer
}

func (s *scanner) evaluate(p *predicate, c *columnState, v int) bool {
	raw, folded := c.value(v)
	tests := p.atom.tests
	if c.ascii(v) {
		tests = tests[:p.atom.ascii]
	}
	// One scan for all literals of the field answers this and every later predicate about the value.
	scanned := c.needles != nil && c.needles.count > 0 && p.slot >= 0 && (p.several || len(folded) > longValue || c.scanned(v))
	if scanned {
		c.look(v)
	}
	for i := range tests {
		t := &tests[i]
		if scanned && p.needles != nil && p.needles[i] >= 0 {
			if !c.has(p.needles[i]) {
				continue
			}
			if t.kind == testContains && !t.cased {
				return true
			}
		}
		if t.match(raw, folded) {
			return true
		}
	}
	return false
}

// fields compares two fields of a row: any element of the one with any of the other.
func (s *scanner) fields(n *programNode, row int) bool {
	a := s.column(int(s.binding.columns[n.left]))
	b := s.column(int(s.binding.columns[n.right]))
	if a == nil || b == nil {
		return false
	}
	for _, x := range a.column.At(row) {
		i, ok := x.Value()
		if !ok {
			continue
		}
		rawA, foldedA := a.value(i)
		for _, y := range b.column.At(row) {
			j, ok := y.Value()
			if !ok {
				continue
			}
			rawB, foldedB := b.value(j)
			if n.ref.cased {
				foldedA, foldedB = rawA, rawB
			}
			if equalFields(foldedA, foldedB, n.ref) {
				return true
			}
		}
	}
	return false
}
