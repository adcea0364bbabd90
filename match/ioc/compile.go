package ioc

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// Options say how a set is searched.
type Options struct {
	// Fields names the columns that kinds are searched in. A kind that is not listed is searched in every column; when every kind of
	// the set is listed, readers decode only those columns.
	Fields map[Kind][]string
	// Valid restricts sightings to events within an indicator's time of validity. Without it the past is searched too, which is what
	// is asked of evidence.
	Valid bool
	// Lists demote indicators that are found everywhere.
	Lists *Warninglists
}

// Set is a compiled collection: immutable, shared between goroutines. It implements event.Matcher.
type Set struct {
	rules      []Indicator
	extra      []Term        // terms that only expressions have; numbered behind the rules
	uses       map[int][]int // term to the expressions that have it
	nodes      map[int]*node // expression of a compound rule
	conditions []*Condition
	numbers    map[string]int   // of conditions by their text
	everywhere []int            // rules that may hold where no term does
	parts      map[int]partOf   // rules that stand for a [ … ] of a pattern over several events
	also       map[int][]*About // other reports that give the same indicator
	warned     map[int][]string // names of the warninglists that a rule is on
	tokens     table            // of what is looked up by tokens
	sieve      filter
	bits4      []int // prefix lengths that networks have, longest first
	bits6      []int
	tops       [1 << 10]uint64    // last labels of hosts' names
	tails      [1 << 10]uint64    // endings of file names
	lengths    [129]bool          // of hashes
	shortest   int                // of lengths, 0 for none
	dotted     bool               // some kind is looked up by tokens with a dot
	has        [Compound + 1]bool // kinds looked up by tokens
	text       *literals
	kinds      uint32 // of all terms, as bits
	options    Options
}

type node struct {
	term int // or, below zero, a condition: -1 for the first
	and  []*node
	or   []*node
}

// holds says whether the terms, ascending, and the conditions fulfil the expression.
func (n *node) holds(have []int, condition func(int) bool) bool {
	switch {
	case len(n.and) > 0:
		return !slices.ContainsFunc(n.and, func(p *node) bool { return !p.holds(have, condition) })
	case len(n.or) > 0:
		return slices.ContainsFunc(n.or, func(p *node) bool { return p.holds(have, condition) })
	case n.term < 0:
		return condition(-1 - n.term)
	}
	_, ok := slices.BinarySearch(have, n.term)
	return ok
}

func (n *node) each(f func(term int)) {
	for _, p := range n.and {
		p.each(f)
	}
	for _, p := range n.or {
		p.each(f)
	}
	if len(n.and)+len(n.or) == 0 {
		f(n.term)
	}
}

// Compile makes a set of a collection, whose indicators it takes over: the collection must not be used for another purpose afterwards.
// Indicators that say the same become one.
func Compile(c *Collection, o Options) *Set {
	s := &Set{uses: map[int][]int{}, nodes: map[int]*node{}, also: map[int][]*About{}, warned: map[int][]string{}, options: o}
	terms := 0
	for i := range c.Indicators {
		terms += c.Indicators[i].size()
	}
	seen := newTable(terms)
	s.rules = c.Indicators[:0]
	compounds := map[string]int{}
	var expressions []Indicator
	for _, in := range c.Indicators {
		if in.All != nil || in.Several != nil {
			expressions = append(expressions, in)
			continue
		}
		h := in.Term.hash()
		at := seen.find(h, func(id int) bool { return s.rules[id].Term == in.Term })
		if at >= 0 {
			s.merge(at, &in)
			continue
		}
		seen.add(h, len(s.rules))
		s.rules = append(s.rules, in)
	}
	simple := len(s.rules)
	for _, in := range expressions {
		key := in.describe()
		if at, ok := compounds[key]; ok {
			s.merge(at, &in)
			continue
		}
		compounds[key] = len(s.rules)
		s.rules = append(s.rules, in)
	}
	s.addParts(simple)
	for i := simple; i < len(s.rules); i++ {
		if s.rules[i].All == nil {
			continue
		}
		n := s.node(s.rules[i].All, &seen)
		s.nodes[i] = n
		if n.holds(nil, func(int) bool { return true }) {
			s.everywhere = append(s.everywhere, i)
		}
		n.each(func(term int) {
			if term >= 0 && !slices.Contains(s.uses[term], i) {
				s.uses[term] = append(s.uses[term], i)
			}
		})
	}
	s.index(simple)
	if o.Lists != nil {
		for i := range simple {
			if names := o.Lists.Listed(s.rules[i].Term); len(names) > 0 {
				s.warned[i] = names
			}
		}
	}
	return s
}

// size counts the terms of an indicator, and more.
func (i *Indicator) size() (n int) {
	switch {
	case i.Several != nil:
		for _, part := range i.Several.Parts {
			n += part.size()
		}
		return n
	case i.All != nil:
		return i.All.size()
	}
	return 1
}

func (e *Expression) size() int {
	n := 1
	for _, p := range e.And {
		n += p.size()
	}
	for _, p := range e.Or {
		n += p.size()
	}
	return n
}

func (t Term) hash() uint64 {
	return hashOf(salt(t.Kind)<<8|salt(t.How)<<4, []byte(t.Value))
}

// merge notes another source of a rule.
func (s *Set) merge(at int, in *Indicator) {
	r := &s.rules[at]
	if r.ID == "" {
		r.ID = in.ID
	}
	if in.About != r.About && !slices.Contains(s.also[at], in.About) && len(s.also[at]) < 16 {
		s.also[at] = append(s.also[at], in.About)
	}
}

// node numbers the terms of an expression: a term that is a rule of its own has the rule's number.
func (s *Set) node(e *Expression, seen *table) *node {
	n := &node{}
	for _, p := range e.And {
		n.and = append(n.and, s.node(p, seen))
	}
	for _, p := range e.Or {
		n.or = append(n.or, s.node(p, seen))
	}
	if len(n.and)+len(n.or) > 0 {
		return n
	}
	if e.Condition != nil {
		n.term = -1 - s.condition(e.Condition)
		return n
	}
	h := e.Term.hash()
	n.term = seen.find(h, func(id int) bool { return s.term(id) == e.Term })
	if n.term < 0 {
		n.term = len(s.rules) + len(s.extra)
		s.extra = append(s.extra, e.Term)
		seen.add(h, n.term)
	}
	return n
}

// condition numbers a condition.
func (s *Set) condition(c *Condition) int {
	at, known := s.numbers[c.Text]
	if !known {
		if s.numbers == nil {
			s.numbers = map[string]int{}
		}
		at = len(s.conditions)
		s.numbers[c.Text] = at
		s.conditions = append(s.conditions, c)
	}
	return at
}

// term gives a term by its number.
func (s *Set) term(id int) Term {
	if id < len(s.rules) {
		return s.rules[id].Term
	}
	return s.extra[id-len(s.rules)]
}

// index makes everything that scanners look things up in.
func (s *Set) index(simple int) {
	ids := func(yield func(int) bool) {
		for i := range simple {
			if !yield(i) {
				return
			}
		}
		for i := range s.extra {
			if !yield(len(s.rules) + i) {
				return
			}
		}
	}
	keys, more := 0, 0
	for id := range ids {
		t := s.term(id)
		if t.byToken() {
			keys++
			switch t.Kind {
			case Domain, Email:
				more++
			case URL:
				more += 4 + len(t.Value)/rung
			}
		}
	}
	s.tokens, s.sieve = newTable(keys), newFilter(keys+more)
	prefixes := map[int]bool{}
	var texts []literal
	var key []byte
	for id := range ids {
		t := s.term(id)
		s.kinds |= 1 << t.Kind
		if !t.byToken() {
			texts = append(texts, literalsOf(t, id)...)
			continue
		}
		s.has[t.Kind] = true
		var sa salt
		key, sa = t.key(key[:0])
		h := uint64(0)
		if t.Kind == URL {
			h = urlHash(key, s.sieve.add)
		} else {
			h = hashOf(sa, key)
		}
		s.tokens.add(h, id)
		s.sieve.add(h)
		switch t.Kind {
		case Address:
			p := prefixOf(t.Value)
			if n := p.Bits(); p.Addr().Is4() {
				prefixes[n] = true
			} else {
				prefixes[256+n] = true
			}
		case Domain:
			s.named(key)
		case Email:
			_, host, _ := strings.Cut(t.Value, "@")
			s.named([]byte(host))
		case URL:
			host, _, _ := strings.Cut(t.Value, "/")
			s.sieve.add(hashOf(saltHost, []byte(host)))
			host, _, _ = strings.Cut(host, ":")
			s.sieve.add(hashOf(saltHost, []byte(host)))
			s.named([]byte(host))
			if a, ok := address4([]byte(host)); ok { // as if it were sought by itself: see host4
				s.sieve.add(hashOf(saltAddress, append(a[:], 32)))
				prefixes[32] = true
			}
		case Hash:
			s.lengths[len(key)] = true
			if s.shortest == 0 || len(key) < s.shortest {
				s.shortest = len(key)
			}
		case FileName:
			e := endingBit(key)
			s.tails[e>>6] |= 1 << (e & 63)
		}
	}
	for n := range prefixes {
		if n < 256 {
			s.bits4 = append(s.bits4, n)
		} else {
			s.bits6 = append(s.bits6, n-256)
		}
	}
	slices.SortFunc(s.bits4, func(a, b int) int { return cmp.Compare(b, a) })
	slices.SortFunc(s.bits6, func(a, b int) int { return cmp.Compare(b, a) })
	s.dotted = s.has[Domain] || s.has[URL] || s.has[Address] || s.has[FileName] || s.has[Process] || s.has[Email]
	if len(texts) > 0 {
		s.text = newLiterals(texts)
	}
}

// named notes the name of a host that some term has.
func (s *Set) named(host []byte) {
	s.sieve.add(hashOf(saltTail, tailOf(host)))
	e := endingBit(host)
	s.tops[e>>6] |= 1 << (e & 63)
}

// byToken says whether a term is looked up by a token of the text; others are literals.
func (t Term) byToken() bool {
	if t.How != Is {
		return false
	}
	switch t.Kind {
	case Address, Domain, URL, Hash, Email:
		return true
	case FileName, Process:
		return plainName(t.Value)
	}
	return false
}

// plainName says whether a file name is one token: word characters, dots and hyphens, with an ending.
func plainName(s string) bool {
	for i := range len(s) {
		if class[s[i]] == 0 {
			return false
		}
	}
	dot := strings.LastIndexByte(s, '.')
	return dot > 0 && dot < len(s)-1
}

// key gives the bytes under which a term stands in the table.
func (t Term) key(dst []byte) ([]byte, salt) {
	switch t.Kind {
	case Address:
		return appendPrefix(dst, prefixOf(t.Value)), saltAddress
	case URL:
		return append(dst, t.Value...), saltURL
	case Domain:
		return append(dst, t.Value...), saltDomain
	case Hash:
		return append(dst, t.Value...), saltHash
	case Email:
		return append(dst, t.Value...), saltEmail
	}
	return append(dst, t.Value...), saltFileName
}

func prefixOf(s string) netip.Prefix {
	if strings.Contains(s, "/") {
		p, _ := netip.ParsePrefix(s)
		return p
	}
	a, _ := netip.ParseAddr(s)
	return netip.PrefixFrom(a, a.BitLen())
}

func appendPrefix(dst []byte, p netip.Prefix) []byte {
	return append(append(dst, p.Addr().AsSlice()...), byte(p.Bits()))
}

// tailOf gives the last two labels of a domain.
func tailOf(domain []byte) []byte {
	dots := 0
	for i := len(domain) - 1; i >= 0; i-- {
		if domain[i] == '.' {
			if dots++; dots == 2 {
				return domain[i+1:]
			}
		}
	}
	return domain
}

// endingBit gives a bit for the ending of a name, whatever its case.
func endingBit(name []byte) uint32 {
	var e uint32 = 2166136261
	for i := len(name) - 1; i >= 0 && name[i] != '.'; i-- {
		e = (e ^ uint32(lower[name[i]])) * 16777619
	}
	return e >> 16
}

// Len gives the number of rules: indicators after those that say the same were joined, and the parts of patterns over several events.
func (s *Set) Len() int { return len(s.rules) }

// Rule describes an indicator by its number. The indicator is the set's own.
func (s *Set) Rule(i event.RuleIndex) *Indicator { return &s.rules[i] }

// Others gives what other reports say of the same indicator.
func (s *Set) Others(i event.RuleIndex) []*About { return s.also[int(i)] }

// Warned names the warninglists that an indicator is on: it is found in places that have nothing to do with an intrusion.
func (s *Set) Warned(i event.RuleIndex) []string { return s.warned[int(i)] }

// WarnedCount gives how many indicators are on a warninglist.
func (s *Set) WarnedCount() int { return len(s.warned) }

// Counts gives the number of indicators of each kind.
func (s *Set) Counts() map[Kind]int {
	m := map[Kind]int{}
	for i := range s.rules {
		if _, part := s.parts[i]; !part {
			m[s.rules[i].Kind()]++
		}
	}
	return m
}

// Needs implements event.Matcher: every column of every record in whose text the sifter finds something, or the fields that the options
// name.
func (s *Set) Needs() event.Needs {
	var fields []string
	fields = append(fields, s.conditionFields()...)
	for k := Address; k < Compound; k++ {
		if s.kinds&(1<<k) == 0 {
			continue
		}
		names, limited := s.options.Fields[k]
		if !limited {
			want := event.Want{All: true, Sifted: true}
			if len(s.everywhere) > 0 {
				want.Fields = s.conditionFields()
			}
			all := event.Always(func(event.Source) event.Want { return want })
			all.Sifter = func() event.Sifter { return newSifter(s) }
			return all
		}
		fields = append(fields, names...)
	}
	slices.Sort(fields)
	fields = slices.Compact(fields)
	return event.Always(func(event.Source) event.Want { return event.Want{Fields: fields} })
}

// Scanner implements event.Matcher.
func (s *Set) Scanner() event.Scanner { return newScanner(s) }

// valid says whether a rule speaks of a time.
func (s *Set) valid(rule int, ns int64) bool {
	if !s.options.Valid || ns == event.NoTime {
		return true
	}
	a := s.rules[rule].About
	if !a.ValidFrom.IsZero() && ns < a.ValidFrom.UnixNano() {
		return false
	}
	return a.ValidUntil.IsZero() || ns < a.ValidUntil.UnixNano()
}
