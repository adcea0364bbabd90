// Package match makes one matcher of many rules of every kind.
//
// Each kind of rule has an engine of its own below this package, listed in one table in New. A Set numbers the rules
// of all engines, tells readers what they all need together, and hands out scanners. It is immutable and shared between
// goroutines; a scanner belongs to one. Matching opens no file and keeps no event.
package match

import (
	"slices"
	"strconv"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
)

// Engine is a compiled set of rules of one kind.
type Engine interface {
	event.Matcher
	// Count gives the number of the engine's rules.
	Count() int
	// Describe describes a rule by its index.
	Describe(rule event.RuleIndex) *finding.Rule
	// Searches says whether a rule looks at events of a source.
	Searches(rule event.RuleIndex, source event.Source) bool
	// Kind gives equal texts for sources that are searched by the same rules.
	Kind(source event.Source) string
	// Answers says what events of a source can tell the rule, when filled says which fields have values there.
	Answers(rule event.RuleIndex, source event.Source, filled func(field string) bool) coverage.Answer
	// Reports says whether a hit of the rule is a finding by itself; a rule that only feeds correlations is not.
	Reports(rule event.RuleIndex) bool
	// Feeds says whether hits of the rule are to be handed to the correlator.
	Feeds(rule event.RuleIndex) bool
	// Carry gives the values of a row that a hit of the rule keeps for the correlator: the fields that are there, as rules
	// name them.
	Carry(b *event.Batch, row int, rule event.RuleIndex) []event.Matched
	// Correlator returns a new correlator of one organisation's hits, nil when the engine has none.
	Correlator() Correlator
}

// Group is what the certificate speaks of: one rule, or all indicators of one kind.
type Group struct {
	ID     finding.RuleID
	Source string          // where it looks, as finding.Rule
	Rules  int             // how many rules it stands for
	First  event.RuleIndex // one of them: they all search the same sources
	Joined bool            // the rules are told by number, not one by one
}

// grouped is an engine whose rules are too many to be told one by one. Rules of a group carry its ID as finding.Rule.Group.
type grouped interface{ Groups() []Group }

// Observer is a compiled set of rules that judge many events together.
type Observer interface {
	event.Observer
	Rules() []finding.Rule
	// Searches says whether a rule looks at events of a source.
	Searches(rule event.RuleIndex, source event.Source) bool
}

// Hit is one match on its way to a correlator.
type Hit struct {
	Rule    event.RuleIndex
	Time    int64
	Host    string
	File    string
	Record  uint64
	Offset  uint64
	Item    int             // the caller's own number of the file
	Carried []event.Matched // what Carry gave
}

// Correlator takes an organisation's hits strictly in order of time and gives what they add up to. One goroutine uses it.
type Correlator interface {
	// Add takes a hit and calls emit for each rule that it completes.
	Add(h *Hit, emit func(Correlated))
	// Advance says that no hit older than a time will come, which completes what waited to see that something did not happen.
	// Calling it before each Add with the time of the hit keeps everything in order.
	Advance(to int64, emit func(Correlated))
	// Finish is Advance for the end of the evidence, whose last event has the time to.
	Finish(to int64, emit func(Correlated))
	// Uncertain says what could not be counted, and why: hits without a time, windows that did not fit into memory.
	Uncertain() []string
}

// Correlated is a correlation that became true with a hit.
type Correlated struct {
	Rule  event.RuleIndex
	At    *Hit // nil for the hit just added; else the hit it is to be told of, at the time when it was certain
	Group []event.Matched
	Refs  []finding.Ref
}

// Set is a compiled set of rules of all kinds. The rules of engines come first, in their order; those of observers follow.
type Set struct {
	engines   []Engine
	first     []int // number of the first rule of each engine
	observers []Observer
	observed  []int // number of the first rule of each observer
	count     int   // of all rules
	relied    map[finding.RuleID]bool
	watching  []finding.Rule // the rules of observers
}

// New joins engines and observers into one set. Their order decides the numbers of the rules.
func New(engines []Engine, observers ...Observer) *Set {
	s := &Set{engines: engines, observers: observers}
	for _, e := range engines {
		s.first = append(s.first, s.count)
		s.count += e.Count()
	}
	for _, o := range observers {
		s.observed = append(s.observed, s.count)
		s.watching = append(s.watching, o.Rules()...)
		s.count += len(o.Rules())
	}
	return s
}

// Count gives the number of rules.
func (s *Set) Count() int { return s.count }

// Asked gives the number of rules and indicators as people count them: without the parts that some are made of.
func (s *Set) Asked() (n int) {
	for _, g := range s.Groups() {
		n += g.Rules
	}
	return n
}

// Relied says whether verdicts rest on a rule not being found: on those that a fingerprint is made of.
func (s *Set) Relied(id finding.RuleID) bool { return s.relied[id] }

// Rule describes a rule by its index.
func (s *Set) Rule(rule event.RuleIndex) *finding.Rule {
	if e, own, ok := s.owner(rule); ok {
		return e.Describe(own)
	}
	return &s.watching[int(rule)-s.count+len(s.watching)]
}

// Rules describes all rules by their index. It makes the list: with a million indicators, ask Count and Rule.
func (s *Set) Rules() []finding.Rule {
	all := make([]finding.Rule, 0, s.count)
	for i := range s.count {
		all = append(all, *s.Rule(event.RuleIndex(i)))
	}
	return all
}

// Groups lists what the certificate speaks of, in the order of the rules.
func (s *Set) Groups() (all []Group) {
	single := func(i int) {
		r := s.Rule(event.RuleIndex(i))
		all = append(all, Group{ID: r.ID, Source: r.Source, Rules: 1, First: event.RuleIndex(i)})
	}
	for i, e := range s.engines {
		if g, ok := e.(grouped); ok {
			for _, group := range g.Groups() {
				group.First += event.RuleIndex(s.first[i])
				all = append(all, group)
			}
			continue
		}
		for n := range e.Count() {
			single(s.first[i] + n)
		}
	}
	for i := s.count - len(s.watching); i < s.count; i++ {
		single(i)
	}
	return all
}

// unwitnessed is an engine that tries some rules on every event of the sources that they search.
type unwitnessed interface{ Unwitnessed() []event.RuleIndex }

// Unwitnessed gives the rules that nothing spares any event of the sources that they search. A few of them decide the speed of all.
func (s *Set) Unwitnessed() (all []event.RuleIndex) {
	for i, e := range s.engines {
		if u, ok := e.(unwitnessed); ok {
			for _, rule := range u.Unwitnessed() {
				all = append(all, event.RuleIndex(s.first[i])+rule)
			}
		}
	}
	return all
}

// Number gives the number in the set of a rule of one of its engines.
func (s *Set) Number(e Engine, rule event.RuleIndex) event.RuleIndex {
	return event.RuleIndex(s.first[slices.Index(s.engines, e)]) + rule
}

// Needs is the union of what the engines need.
func (s *Set) Needs() event.Needs {
	var needs []event.Needs
	for _, e := range s.engines {
		needs = append(needs, e.Needs())
	}
	for _, o := range s.observers {
		needs = append(needs, o.Needs())
	}
	all := event.Always(func(source event.Source) event.Want {
		var all event.Want
		for i := range needs {
			all = all.Union(needs[i].Of(source))
		}
		return all
	})
	all.Sifter = event.Sifters(needs...)
	return all
}

// owner gives the engine of a rule and the rule's number there; false for the rule of an observer.
func (s *Set) owner(rule event.RuleIndex) (Engine, event.RuleIndex, bool) {
	for i := len(s.engines) - 1; i >= 0; i-- {
		if first := event.RuleIndex(s.first[i]); rule >= first {
			rule -= first
			return s.engines[i], rule, int(rule) < s.engines[i].Count()
		}
	}
	return nil, rule, false
}

// Searches says whether a rule looks at events of a source.
func (s *Set) Searches(rule event.RuleIndex, source event.Source) bool {
	if e, r, ok := s.owner(rule); ok {
		return e.Searches(r, source)
	}
	for i := len(s.observers) - 1; i >= 0; i-- {
		if first := event.RuleIndex(s.observed[i]); rule >= first {
			return s.observers[i].Searches(rule-first, source)
		}
	}
	return false
}

// Kind gives equal texts for sources that are searched by the same rules. Evidence names its sources, so that there can be very many.
func (s *Set) Kind(source event.Source) string {
	var kind []byte
	for _, e := range s.engines {
		kind = strconv.AppendQuote(kind, e.Kind(source))
	}
	for rule := s.count - len(s.watching); rule < s.count; rule++ {
		kind = strconv.AppendBool(kind, s.Searches(event.RuleIndex(rule), source))
	}
	return string(kind)
}

// particular is an engine whose rules do not say the same of all sources of a kind.
type particular interface {
	Constants(source event.Source) string
}

// Constants gives equal texts for sources of a kind about which every rule says the same when the same fields have values.
func (s *Set) Constants(source event.Source) string {
	var all []byte
	for _, e := range s.engines {
		if p, is := e.(particular); is {
			all = strconv.AppendQuote(all, p.Constants(source))
		}
	}
	return string(all)
}

// Answers says what events of a source can tell a rule, when filled says which fields have values there.
func (s *Set) Answers(rule event.RuleIndex, source event.Source, filled func(field string) bool) coverage.Answer {
	if e, r, ok := s.owner(rule); ok {
		return e.Answers(r, source, filled)
	}
	return coverage.Answer{Can: true}
}

// Reports says whether a hit of the rule is a finding by itself.
func (s *Set) Reports(rule event.RuleIndex) bool {
	e, r, ok := s.owner(rule)
	return !ok || e.Reports(r)
}

// Feeds says whether hits of the rule are to be handed to the correlator.
func (s *Set) Feeds(rule event.RuleIndex) bool {
	e, r, ok := s.owner(rule)
	return ok && e.Feeds(r)
}

// explained is an engine whose hits carry what explains them, instead of what Carry gives.
type explained interface{ CarriesMatched() bool }

// CarriesMatched says whether a hit of the rule keeps for the correlator what explains it.
func (s *Set) CarriesMatched(rule event.RuleIndex) bool {
	e, _, ok := s.owner(rule)
	x, is := e.(explained)
	return ok && is && x.CarriesMatched()
}

// unanswerable is an engine with rules that no evidence can answer.
type unanswerable interface {
	NotSearchable() []coverage.NotSearchable
}

// NotSearchable lists the rules that no evidence can answer, with the reason.
func (s *Set) NotSearchable() (all []coverage.NotSearchable) {
	for _, e := range s.engines {
		if u, ok := e.(unanswerable); ok {
			all = append(all, u.NotSearchable()...)
		}
	}
	return all
}

// Carry gives the values of a row that a hit of the rule keeps for the correlator.
func (s *Set) Carry(b *event.Batch, row int, rule event.RuleIndex) []event.Matched {
	if e, r, ok := s.owner(rule); ok {
		return e.Carry(b, row, r)
	}
	return nil
}

// Scanner returns the scratch memory of one goroutine.
func (s *Set) Scanner() event.Scanner {
	sc := &scanner{set: s}
	for _, e := range s.engines {
		sc.engines = append(sc.engines, e.Scanner())
	}
	return sc
}

type scanner struct {
	set     *Set
	engines []event.Scanner
}

func (sc *scanner) Scan(b *event.Batch, hit func(int, event.RuleIndex)) error {
	for i, e := range sc.engines {
		first := event.RuleIndex(sc.set.first[i])
		if err := e.Scan(b, func(row int, rule event.RuleIndex) { hit(row, first+rule) }); err != nil {
			return err
		}
	}
	return nil
}

func (sc *scanner) Explain(b *event.Batch, row int, rule event.RuleIndex) []event.Matched {
	at := len(sc.engines) - 1
	for at > 0 && sc.set.first[at] > int(rule) {
		at--
	}
	return sc.engines[at].Explain(b, row, rule-event.RuleIndex(sc.set.first[at]))
}

// Correlator returns a correlator of all engines for one organisation.
func (s *Set) Correlator() Correlator {
	var c correlators
	for i, e := range s.engines {
		if x := e.Correlator(); x != nil {
			c = append(c, offsetCorrelator{x, event.RuleIndex(s.first[i]), event.RuleIndex(e.Count())})
		}
	}
	return c
}

type offsetCorrelator struct {
	Correlator
	first, count event.RuleIndex
}

type correlators []offsetCorrelator

func (c correlators) Add(h *Hit, emit func(Correlated)) {
	for _, x := range c {
		if h.Rule < x.first || h.Rule >= x.first+x.count {
			continue
		}
		own := *h
		own.Rule -= x.first
		x.Correlator.Add(&own, x.shift(emit))
	}
}

func (c correlators) Advance(to int64, emit func(Correlated)) {
	for _, x := range c {
		x.Correlator.Advance(to, x.shift(emit))
	}
}

func (c correlators) Finish(to int64, emit func(Correlated)) {
	for _, x := range c {
		x.Correlator.Finish(to, x.shift(emit))
	}
}

// shift numbers an engine's rules as the set does.
func (x offsetCorrelator) shift(emit func(Correlated)) func(Correlated) {
	return func(r Correlated) {
		r.Rule += x.first
		emit(r)
	}
}

func (c correlators) Uncertain() (all []string) {
	for _, x := range c {
		all = append(all, x.Correlator.Uncertain()...)
	}
	return all
}

// Observers gives one observer for each that the set has, numbered by the first of its rules.
func (s *Set) Observers() map[event.RuleIndex]event.Observer {
	all := map[event.RuleIndex]event.Observer{}
	for i, o := range s.observers {
		all[event.RuleIndex(s.observed[i])] = o
	}
	return all
}
