package sigma

import (
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/contrail-ir/contrail/event"
)

// family is what sources have in common for which every logsource takes the same route: the rules and their native
// field names. The event id tells its programs apart.
type family struct {
	rules    []familyRule
	eventIDs []*atom // distinct atoms that ask for the event id
	programs map[string]*prepared
}

// prepared is a program that is built by whoever asks for it first, while others build other ones: preparing the process
// creation rules takes a tenth of a second, in which the other threads shall not wait for the lock.
type prepared struct {
	once    sync.Once
	build   func() *program
	program *program
}

type familyRule struct {
	index event.RuleIndex
	rule  *compiledRule
	route *Route
	where *expression
}

// maxPrepared bounds what the Set remembers: evidence cannot make more families and programs than the rules tell apart,
// but later readers might name their sources freely.
const maxPrepared = 4096

// program is the rules for one kind of source, ready to run: predicates of the same field and meaning are one, the
// event id is put in, rules that it rules out are gone, and every other rule waits for its witness.
type program struct {
	slots      []string // native field names
	rules      []programRule
	predicates []predicate
	nodes      []programNode
	keywords   bool // some predicate asks all columns
	numbered   map[predicateKey]int32
	want       event.Want // of the evidence; shared by all who ask, never written

	witness []slotWitness  // by slot; the last is for keywords, asked of every column
	found   []*slotNeedles // by slot
	names   []names        // by slot
	certain []int32        // rules that hold for every event of the source
	always  []int32        // rules without a witness
	asks    uint64         // slots that they ask for
}

type programRule struct {
	index event.RuleIndex
	root  int32
	asks  uint64 // slots, a bit each
	route *Route
}

// predicate is an atom asked of a slot.
type predicate struct {
	atom    *atom
	slot    int32 // -1: every column
	named   nameSet
	tests   []test   // of the atom that ask for no name; those that can hold for ASCII values first
	ascii   int      // how many of tests can hold for ASCII values
	needles []int32  // by test: the number among the slot's needles that the test needs, -1 for none; nil when no test has one
	needs   [][]need // by test: what an expression needs besides; nil when no test does
	members []int32  // by test: of an expression, its place among those of the slot; nil when no test is one
	literal bool     // needles answer all tests
	several bool     // worth a scan for all needles of the slot
	cached  bool     // worth remembering
	kinds   kindSet  // of values for which it can hold, when it asks every column
}

type programNode struct {
	op        exprOp
	predicate int32 // exprAtom
	left      int32 // exprField: slots
	right     int32
	ref       *fieldTest
	args      []int32
}

// program gives the prepared program of a source, never nil.
func (s *Set) program(source event.Source) *program {
	p := s.prepared(source)
	p.once.Do(func() {
		p.program, p.build = p.build(), nil
		p.program.want = s.wantOf(p.program)
	})
	return p.program
}

// prepared gives the place of a source's program. Finding it among all logsources took a twentieth of the time of a new scanner
// over small logs, so that a source is remembered.
func (s *Set) prepared(source event.Source) *prepared {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.bySource[source]; p != nil {
		return p
	}
	p := s.place(source)
	if len(s.bySource) < maxPrepared {
		s.bySource[source] = p
	}
	return p
}

// place finds by the routes that the logsources take for a source, and by the answers to what is asked of its event id.
func (s *Set) place(source event.Source) *prepared {
	key := s.routes(source)
	f := s.families[key]
	if f == nil {
		f = s.family(key)
		if len(s.families) < maxPrepared {
			s.families[key] = f
		}
	}
	known := source.Product == event.ProductWindows && source.ID != 0
	id := strconv.AppendUint(nil, uint64(source.ID), 10)
	var truth []byte
	if known {
		truth = make([]byte, len(f.eventIDs))
		for i, a := range f.eventIDs {
			if a.holds(id, id) {
				truth[i] = 1
			}
		}
	}
	p := f.programs[string(truth)]
	if p == nil {
		p = &prepared{build: func() *program { return f.build(known, id) }}
		if len(f.programs) < maxPrepared {
			f.programs[string(truth)] = p
		}
	}
	return p
}

// routes tells which route each logsource takes to a source, none as 0. It is remembered by what logsources can tell apart: evidence
// names its sources, and can have one for each record.
func (s *Set) routes(source event.Source) string {
	known := s.distinguished(source)
	if key, ok := s.byNames.Load(known); ok {
		return key.(string)
	}
	key := make([]byte, 0, 2*len(s.logsources))
	for _, l := range s.logsources {
		at := 0
		for i, r := range l.routes {
			if r.Matches(source) {
				at = i + 1
				break
			}
		}
		key = binary.AppendUvarint(key, uint64(at))
	}
	if s.nameCount.Add(1) < maxPrepared {
		s.byNames.Store(known, string(key))
	}
	return string(key)
}

// distinguished is a source with what no logsource names taken out of it.
type distinguished struct {
	event.Source
	provider, channel, id bool // named by a logsource
}

func (s *Set) distinguished(source event.Source) distinguished {
	s.routeOnce.Do(func() {
		s.routed, s.routedIDs = map[string]bool{}, map[uint32]bool{}
		for _, l := range s.logsources {
			for _, r := range l.routes {
				for _, name := range slices.Concat(r.Channels, r.Providers) {
					s.routed[foldEqual(name)] = true
				}
				for _, id := range r.IDs {
					s.routedIDs[id] = true
				}
			}
		}
	})
	d := distinguished{Source: source}
	name := func(name *string) bool {
		if *name == "" { // which is another thing than a name
			return true
		}
		if folded := foldEqual(*name); s.routed[folded] {
			*name = folded
			return true
		}
		*name = ""
		return false
	}
	d.provider, d.channel = name(&d.Provider), name(&d.Channel)
	if d.id = s.routedIDs[d.ID]; !d.id {
		d.ID = 0
	}
	return d
}

// Kind gives equal texts for sources that are searched by the same rules.
func (s *Set) Kind(source event.Source) string { return s.routes(source) }

func (s *Set) family(routes string) *family {
	key := []byte(routes)
	f := &family{programs: map[string]*prepared{}}
	taken := make([]int, len(s.logsources))
	for i := range taken {
		at, n := binary.Uvarint(key)
		key = key[n:]
		taken[i] = int(at) - 1
	}
	seen := map[*atom]bool{}
	for i, r := range s.rules {
		at := taken[r.logsource]
		if at < 0 {
			continue
		}
		l := &s.logsources[r.logsource]
		f.rules = append(f.rules, familyRule{index: event.RuleIndex(i), rule: r, route: l.routes[at], where: l.where[at]})
		r.when.walk(func(e *expression) {
			if e.op == exprAtom && e.field == event.FieldEventID && !seen[e.atom] {
				seen[e.atom] = true
				f.eventIDs = append(f.eventIDs, e.atom)
			}
		})
	}
	return f
}

func (f *family) build(known bool, id []byte) *program {
	b := programBuilder{p: &program{}, slots: map[string]int32{}, predicates: map[predicateKey]int32{}, known: known, id: id}
	for i := range f.rules {
		r := &f.rules[i]
		b.made = map[*expression]int32{}
		b.route = r.route
		root := b.node(&expression{op: exprAnd, args: []*expression{r.rule.when, r.where}})
		switch b.p.nodes[root].op {
		case exprFalse:
			continue
		case exprTrue:
			b.p.certain = append(b.p.certain, int32(len(b.p.rules)))
		}
		b.p.rules = append(b.p.rules, programRule{index: r.index, root: root, route: r.route})
	}
	b.p.numbered = b.predicates
	// What they grew with room to spare is a twentieth of all programs' memory.
	b.p.nodes, b.p.predicates, b.p.rules = slices.Clone(b.p.nodes), slices.Clone(b.p.predicates), slices.Clone(b.p.rules)
	b.p.prepare()
	return b.p
}

type predicateKey struct {
	slot int32
	atom *atom
}

type programBuilder struct {
	p          *program
	slots      map[string]int32
	predicates map[predicateKey]int32
	made       map[*expression]int32
	route      *Route
	known      bool
	id         []byte
}

func (b *programBuilder) add(n programNode) int32 {
	b.p.nodes = append(b.p.nodes, n)
	return int32(len(b.p.nodes) - 1)
}

func (b *programBuilder) slot(field string) int32 {
	if s, ok := b.slots[field]; ok {
		return s
	}
	s := int32(len(b.p.slots))
	b.slots[field] = s
	b.p.slots = append(b.p.slots, field)
	return s
}

func (b *programBuilder) native(e *expression, field string) string {
	if e.native {
		return field
	}
	return b.route.Native(field)
}

// node puts an expression into the program, constants resolved.
func (b *programBuilder) node(e *expression) int32 {
	if n, ok := b.made[e]; ok {
		return n
	}
	n := b.make(e)
	b.made[e] = n
	return n
}

func (b *programBuilder) make(e *expression) int32 {
	switch e.op {
	case exprAtom:
		return b.atom(e)
	case exprField:
		return b.add(programNode{op: exprField, left: b.slot(b.native(e, e.field)), right: b.slot(b.native(e, e.ref.field)), ref: e.ref})
	case exprNot:
		arg := b.node(e.args[0])
		switch b.p.nodes[arg].op {
		case exprTrue:
			return b.add(programNode{op: exprFalse})
		case exprFalse:
			return b.add(programNode{op: exprTrue})
		}
		return b.add(programNode{op: exprNot, args: []int32{arg}})
	}
	neutral, decisive := exprTrue, exprFalse // of and
	if e.op == exprOr {
		neutral, decisive = exprFalse, exprTrue
	}
	var args []int32
	for _, a := range e.args {
		arg := b.node(a)
		switch n := &b.p.nodes[arg]; n.op {
		case neutral:
		case decisive:
			return b.add(programNode{op: decisive})
		case e.op:
			args = append(args, n.args...)
		default:
			args = append(args, arg)
		}
	}
	switch len(args) {
	case 0:
		return b.add(programNode{op: neutral})
	case 1:
		return args[0]
	}
	return b.add(programNode{op: e.op, args: args})
}

func (b *programBuilder) atom(e *expression) int32 {
	field := b.native(e, e.field)
	if e.field == "" {
		field = ""
	}
	if b.known && field == event.FieldEventID && !e.native {
		if e.atom.holds(b.id, b.id) {
			return b.add(programNode{op: exprTrue})
		}
		return b.add(programNode{op: exprFalse})
	}
	slot := int32(-1)
	if field != "" {
		slot = b.slot(field)
	} else {
		b.p.keywords = true
	}
	key := predicateKey{slot, e.atom}
	at, ok := b.predicates[key]
	if !ok {
		at = int32(len(b.p.predicates))
		b.predicates[key] = at
		b.p.predicates = append(b.p.predicates, predicate{atom: e.atom, slot: slot})
	}
	return b.add(programNode{op: exprAtom, predicate: at})
}

// prepare orders the arguments by cost, chooses the witnesses and builds the indexes.
func (p *program) prepare() {
	p.nameTests()
	costs := make([]float64, len(p.nodes))
	for i := range costs {
		costs[i] = -1
	}
	for i := range p.rules {
		p.order(p.rules[i].root, costs)
	}
	for i := range p.predicates {
		if q := &p.predicates[i]; q.slot < 0 {
			q.kinds = q.atom.kinds()
		}
	}
	p.chooseWitnesses()
	p.indexNeedles()
	for i := range p.names {
		p.names[i].number = nil // no further names come
	}
	for i := range p.rules {
		p.rules[i].asks = p.asked(p.rules[i].root)
	}
	for _, r := range p.always {
		p.asks |= p.rules[r].asks
	}
	keywords := &p.witness[len(p.slots)]
	for i := range p.predicates {
		if q := &p.predicates[i]; q.slot < 0 {
			keywords.kinds |= q.kinds
		}
	}
}

// textOnly says whether no keyword can be in a value that is not text.
func (p *program) textOnly() bool { return p.witness[len(p.slots)].kinds == 1<<event.Text }

// order puts cheap arguments before dear ones, so that a row that cannot match is left soon. Results do not depend
// on it.
func (p *program) order(at int32, costs []float64) float64 {
	if costs[at] >= 0 {
		return costs[at]
	}
	n := &p.nodes[at]
	cost := 0.0
	switch n.op {
	case exprAtom:
		cost = p.predicates[n.predicate].cost()
	case exprField:
		cost = 3
	default:
		for _, a := range n.args {
			cost += p.order(a, costs)
		}
		if n.op == exprAnd || n.op == exprOr {
			slices.SortStableFunc(n.args, func(a, b int32) int {
				switch {
				case costs[a] < costs[b]:
					return -1
				case costs[a] > costs[b]:
					return 1
				}
				return 0
			})
			cost = costs[n.args[0]] + 0.3*cost
		}
	}
	costs[at] = cost
	return cost
}

// cost rates the work of asking a predicate about a value, in comparisons of a few bytes.
func (p *predicate) cost() float64 {
	cost := 1.0
	for i := range p.tests[:p.ascii] {
		switch p.tests[i].kind {
		case testContains:
			cost += 3
		case testGlob, testNumber:
			cost += 5
		case testRegexp, testCIDR, testTimePart:
			cost += 30
		default:
			cost += 0.3
		}
	}
	if p.slot < 0 {
		cost *= 20
	}
	return cost
}

// fields gives the native names that the program needs, and whether it needs all. Fields that rules name are listed even then: the
// certificate watches whether they ever have a value.
func (p *program) fields() event.Want {
	names := map[string]bool{}
	for _, s := range p.slots {
		if s != "" {
			names[s] = true
		}
	}
	return event.Want{All: p.keywords, Fields: slices.Sorted(maps.Keys(names)), TextOnly: p.keywords && p.textOnly()}
}
