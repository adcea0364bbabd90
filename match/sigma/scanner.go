package sigma

import (
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// Needs says what the rules want: for every source the native fields that its rules name, everything where keywords
// are sought.
func (s *Set) Needs() event.Needs { return event.Always(s.want) }

func (s *Set) want(source event.Source) event.Want {
	return s.program(source).want
}

func (s *Set) wantOf(p *program) event.Want {
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
	return &scanner{set: s, bound: map[*event.Schema]*binding{}, fields: map[*program]*fieldsMemory{}, memory: newMemory(), answers: make(answers, 1<<answerBits)}
}

// maxBindings bounds the schemas that a scanner remembers.
const maxBindings = 1024

// longValue is the length from which one search for all literals is cheaper than one for the witnesses and another
// when a candidate asks for more.
const longValue = 256

// binding is a program and where the columns of a schema are.
type binding struct {
	program *program
	columns []int32 // by slot; -1 the schema lacks the field
	slots   []int32 // by column: its slot, that of keywords when it has none
	fields  *fieldsMemory
}

// fieldsMemory numbers the fields of a program for the memory: its slots, and one for all columns that only keywords are
// sought in.
type fieldsMemory struct {
	first  uint32
	paying []attention
	rows   attention // whether rows come again
}

type scanner struct {
	set        *Set
	bound      map[*event.Schema]*binding
	fields     map[*program]*fieldsMemory
	numbers    uint32 // of fields given
	memory     memory
	answers    answers
	rows       rowMemory
	key        []uint64  // of the row
	layouts    [2]uint64 // of the batch, for rules that ask some and all columns; 0 not known yet
	layoutText []byte
	tried      []uint64 // by rule: the row that it was last tried on
	row        uint64
	columns    []columnState // by column of the batch
	used       []bool
	active     []int // columns with candidates
	hits       []event.RuleIndex
	scratch    []uint32 // literals found in a value
	seen       []uint64 // the same as a bit set; empty between searches

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
		clear(s.fields)
		s.numbers = 0
		s.memory.forget() // it knows values by these numbers
		s.rows = rowMemory{}
	}
	b := &binding{program: s.set.program(schema.Source)}
	b.slots = slices.Repeat([]int32{int32(len(b.program.slots))}, len(schema.Fields))
	for i, name := range b.program.slots {
		at := schema.Index(name)
		b.columns = append(b.columns, int32(at))
		if at >= 0 {
			b.slots[at] = int32(i)
		}
	}
	if b.fields = s.fields[b.program]; b.fields == nil {
		n := len(b.program.slots) + 1
		b.fields = &fieldsMemory{first: s.numbers, paying: make([]attention, n)}
		s.numbers += uint32(n)
		s.fields[b.program] = b.fields
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
	keywords := &p.witness[len(p.slots)]
	for at, column := range b.Cols {
		if column == nil || column.Dict.Len() == 0 {
			continue
		}
		own, also := &p.witness[bound.slots[at]], keywords
		if own == keywords || own.empty() {
			own, also = keywords, nil
		}
		if !keywords.kinds.has(column.Dict.Kind) {
			if own == keywords {
				continue
			}
			also = nil
		}
		if !own.empty() {
			s.witness(at, own, also)
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
	s.batch = nil // what was worked out is of no use for the next, which may have the same place in memory
	return nil
}

func (s *scanner) begin(b *event.Batch, bound *binding) {
	s.batch, s.binding, s.program = b, bound, bound.program
	s.layouts = [2]uint64{}
	if s.memory.next >= 1<<valueBits-1<<32 { // the numbers are used up: begin anew
		s.memory = newMemory()
		s.rows = rowMemory{}
		clear(s.answers)
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
		slot := s.binding.slots[at]
		if int(slot) < len(s.program.slots) {
			c.needles = s.program.found[slot]
			c.names = &s.program.names[slot]
		}
		c.field = s.binding.fields.first + uint32(slot)
		c.paying = &s.binding.fields.paying[slot]
		c.first = s.memory.fresh(c.values)
	}
	return c
}

// witness looks at every distinct value of a column for the witnesses on it, and for keywords unless they are nil.
func (s *scanner) witness(at int, own, keywords *slotWitness) {
	c := s.column(at)
	if c == nil || c.values == 0 {
		return
	}
	awake := c.memorable && c.paying.awake(c.values)
	for v := range c.values {
		var hash uint64
		text := c.text(v)
		if awake {
			hash = hashOf(c.field, text)
			if e := s.memory.find(c.field, text, hash); e != nil {
				c.paying.known++
				c.numbers[v] = e.value
				c.candidates = append(c.candidates, s.memory.witnessed(e)...)
				c.candidateEnd = append(c.candidateEnd, uint32(len(c.candidates)))
				c.asks = append(c.asks, e.asks)
				continue
			}
		}
		from := len(c.candidates)
		s.search(c, own, v)
		if keywords != nil && !keywords.empty() {
			s.search(c, keywords, v)
		}
		c.candidateEnd = append(c.candidateEnd, uint32(len(c.candidates)))
		asks := uint64(0)
		for _, r := range c.candidates[from:] {
			asks |= s.program.rules[r].asks
		}
		c.asks = append(c.asks, asks)
		if !awake {
			continue // numbered when a predicate is asked
		}
		c.numbers[v] = c.first + uint64(v)
		if s.memory.again(hash) {
			c.paying.known++
			s.memory.add(c.field, text, hash, c.numbers[v], c.candidates[from:], asks)
		}
	}
}

// number gives the number of a value, which for a value that the memory knows is that of earlier batches.
func (s *scanner) number(c *columnState, v int) uint64 {
	if n := c.numbers[v]; n != 0 {
		return n
	}
	n := c.first + uint64(v)
	if c.memorable && c.paying.awake(1) {
		text := c.text(v)
		hash := hashOf(c.field, text)
		if e := s.memory.find(c.field, text, hash); e != nil {
			c.paying.known++
			n = e.value
		} else if s.memory.again(hash) {
			c.paying.known++
			if len(c.candidateEnd) > 0 {
				s.memory.add(c.field, text, hash, n, slice32(c.candidates, c.candidateEnd, v), c.asks[v])
			} else {
				s.memory.add(c.field, text, hash, n, nil, 0)
			}
		}
	}
	c.numbers[v] = n
	return n
}

// search finds the rules that a value is a witness of.
func (s *scanner) search(c *columnState, w *slotWitness, v int) {
	raw, folded := c.value(v)
	if w.byName != nil {
		for _, n := range c.namesOf(v).number {
			c.addCandidates(w.byName[n])
		}
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
		return
	}
	s.scratch = s.scratch[:0]
	if words := (len(w.rules) + 63) / 64; len(s.seen) < words {
		s.seen = make([]uint64, words)
	}
	if w.ascii != nil {
		s.scratch = w.ascii.find(folded, s.seen, s.scratch)
	}
	if w.unicode != nil && !c.ascii(v) {
		s.scratch = w.unicode.find(folded, s.seen, s.scratch)
	}
	for _, l := range s.scratch {
		c.addCandidates(w.rules[l])
	}
	unsee(s.seen, s.scratch)
	s.eager(c, w, v, raw, folded)
}

// eager asks the witnesses that are no literals. What a long value answers is remembered for the rules.
func (s *scanner) eager(c *columnState, w *slotWitness, v int, raw, folded []byte) {
	for i := range w.eager {
		e := &w.eager[i]
		p := &s.program.predicates[e.predicate]
		holds := false
		if len(folded) > longValue && !p.atom.present && p.named.words == nil && e.predicate < mostPredicates {
			holds = s.remembered(e.predicate, p, c, v, c.first+uint64(v))
		} else {
			holds = p.atom.holdsFor(raw, folded, c.ascii(v))
		}
		if holds {
			c.addCandidates(e.rules)
		}
	}
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
	asks := p.asks
	for _, at := range s.active {
		c := &s.columns[at]
		for _, code := range c.column.At(row) {
			if v, ok := code.Value(); ok {
				asks |= c.asks[v]
			}
		}
	}
	if asks == 0 { // no rule is to be tried
		for _, r := range p.certain {
			s.hits = append(s.hits, p.rules[r].index)
		}
		return
	}
	if paying := &s.binding.fields.rows; paying.awake(1) && s.rowKey(asks, row) {
		hash := hashOfRow(s.key)
		if e := s.rows.find(s.key, hash); e != nil {
			paying.known++
			s.hits = append(s.hits, s.rows.hits[e.hit:e.hit+e.count]...)
			return
		}
		if s.memory.again(hash) {
			paying.known++
			s.tryRow(row)
			s.rows.add(s.key, hash, s.hits)
			return
		}
	}
	s.tryRow(row)
}

// tryRow tries every candidate rule of a row.
func (s *scanner) tryRow(row int) {
	p := s.program
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
		return s.twoFields(n, row)
	}
	return n.op == exprTrue
}

// predicate asks whether any element of the row's field satisfies a predicate.
func (s *scanner) predicate(at int32, row int) bool {
	p := &s.program.predicates[at]
	if p.slot < 0 {
		for i, column := range s.batch.Cols {
			if column == nil || column.Dict != nil && !p.kinds.has(column.Dict.Kind) {
				continue
			}
			if c := s.column(i); s.anyElement(at, p, c, row) {
				return true
			}
		}
		return false
	}
	c := s.column(int(s.binding.columns[p.slot]))
	if c == nil {
		return p.atom.absent
	}
	return s.anyElement(at, p, c, row)
}

// anyElement asks a column.
func (s *scanner) anyElement(at int32, p *predicate, c *columnState, row int) bool {
	codes := c.column.At(row)
	if len(codes) == 0 {
		return p.atom.absent
	}
	for _, code := range codes {
		v, ok := code.Value()
		switch {
		case ok:
			if s.ask(at, p, c, v) {
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

// ask asks a predicate about a value, through the remembered answers where that pays: where the work is much, or the value
// is known from another batch and was not folded in this one.
func (s *scanner) ask(at int32, p *predicate, c *columnState, v int) bool {
	if p.atom.present {
		return true
	}
	if p.named.words != nil && p.named.hasAny(c.namesOf(v)) {
		return true
	}
	if len(p.tests) == 0 {
		return false
	}
	long := !p.literal && len(c.text(v)) > longValue // what is sought in it anew is not to be sought for every rule
	if !p.cached && !long && c.folds[v].end != 0 || at >= mostPredicates {
		return s.evaluate(p, c, v)
	}
	number := s.number(c, v)
	if !p.cached && !long && number == c.first+uint64(v) {
		return s.evaluate(p, c, v)
	}
	return s.remembered(at, p, c, v, number)
}

// remembered asks a predicate about the value of a number, through the answers.
func (s *scanner) remembered(at int32, p *predicate, c *columnState, v int, number uint64) bool {
	key, place := s.answers.key(number, at)
	if *place&^1 == key {
		return *place&1 != 0
	}
	answer := s.evaluate(p, c, v)
	*place = key
	if answer {
		*place |= 1
	}
	return answer
}

func (s *scanner) evaluate(p *predicate, c *columnState, v int) bool {
	raw, folded := c.value(v)
	tests := p.tests
	if c.ascii(v) {
		tests = tests[:p.ascii]
	}
	// One scan for all literals of the field answers this and every later predicate about the value.
	scanned := c.needles != nil && c.needles.count > 0 && (p.slot >= 0 || c.needles.keywords) && (p.several || len(folded) > longValue || c.scanned(v))
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
		if t.kind == testRegexp {
			if scanned && (p.needs == nil || c.hasEach(p.needs[i])) && t.needs.metShort(folded) || !scanned && t.needs.met(folded) {
				if c.expression(p, i, v) {
					return true
				}
			}
			continue
		}
		if t.match(raw, folded) {
			return true
		}
	}
	return false
}

// twoFields compares two fields of a row: any element of the one with any of the other.
func (s *scanner) twoFields(n *programNode, row int) bool {
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
