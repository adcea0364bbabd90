package sigma

import (
	"slices"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// CorrelationRules gives the rules whose hits a correlation counts, through other correlations too, in order and without repeats.
func (s *Set) CorrelationRules(correlation int) []event.RuleIndex {
	var rules []event.RuleIndex
	seen := make([]bool, len(s.correlations))
	var visit func(n int)
	visit = func(n int) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, p := range s.correlations[n].parts {
			rules = append(rules, p.rules...)
			for _, c := range p.correlations {
				visit(c)
			}
		}
	}
	visit(correlation)
	slices.Sort(rules)
	return slices.Compact(rules)
}

// Answer says what events of a source can tell a rule.
type Answer uint8

const (
	OtherEvents Answer = iota // they are of the rule's log, but of another kind: other event id, channel or provider
	LacksFields               // they are what the rule looks at, but fields that it cannot do without never have a value
	CanMatch
)

// Answers tells whether a rule could match events of a source at all, when some fields never have a value there; and the native
// names of the fields that it lacks, sorted. What a rule excludes with not does not count: an absent field excludes nothing.
// The answer errs towards CanMatch.
func (s *Set) Answers(i event.RuleIndex, source event.Source, filled func(field string) bool) (Answer, []string) {
	route := s.Route(i, source)
	if route == nil {
		return OtherEvents, nil
	}
	a := answerable{route: route, source: source, filled: filled}
	d := &s.rules[i].rule.Detection
	answer := a.best(len(d.Conditions), func(n int) Answer { return a.condition(d, d.Conditions[n]) })
	if answer != LacksFields {
		return answer, nil
	}
	slices.Sort(a.missing)
	return answer, slices.Compact(a.missing)
}

// Constants gives what rules compare with of the values that all events of a source have: equal texts, for sources of one kind, mean that
// every rule has the same answers about them. Evidence names its sources, so that there can be very many; what rules name is bounded.
func (s *Set) Constants(source event.Source) string {
	if source.Product != event.ProductWindows {
		return ""
	}
	s.nameOnce.Do(s.nameConstants)
	named := func(text string) string {
		if text = foldEqual(text); !s.named[text] {
			return ""
		}
		return text
	}
	return strconv.Quote(named(strconv.FormatUint(uint64(source.ID), 10))) + named(source.Provider)
}

// nameConstants notes every text that an event id or a provider can equal; a pattern could be anything, whatever they are.
func (s *Set) nameConstants() {
	s.named = map[string]bool{}
	var note func(g *Group, routes []*Route)
	note = func(g *Group, routes []*Route) {
		for i := range g.Items {
			it := &g.Items[i]
			if !slices.ContainsFunc(routes, func(r *Route) bool {
				n := r.Native(it.Field)
				return n == event.FieldEventID || n == event.FieldProvider
			}) {
				continue
			}
			for _, v := range it.Values {
				if plain, ok := ParsePattern(v.Text).Plain(); ok {
					s.named[foldEqual(plain)] = true
				}
				s.named[foldEqual(v.Text)] = true
			}
		}
		for i := range g.Groups {
			note(&g.Groups[i], routes)
		}
	}
	for _, r := range s.rules {
		for i := range r.rule.Detection.Selections {
			note(&r.rule.Detection.Selections[i].Group, s.logsources[r.logsource].routes)
		}
	}
}

// foldEqual gives equal texts for those that strings.EqualFold takes for equal.
func foldEqual(text string) string { return strings.Map(foldRune, text) }

type answerable struct {
	route   *Route
	source  event.Source
	filled  func(string) bool
	missing []string
}

func (a *answerable) condition(d *Detection, c *Condition) Answer {
	switch c.Op {
	case OpSelection:
		if s := d.Selection(c.Name); s != nil {
			return a.group(&s.Group)
		}
	case OpAnd:
		return a.worst(len(c.Args), func(i int) Answer { return a.condition(d, c.Args[i]) })
	case OpOr:
		return a.best(len(c.Args), func(i int) Answer { return a.condition(d, c.Args[i]) })
	case OpAnyOf, OpAllOf:
		named := d.Named(c.Name)
		each := func(i int) Answer { return a.group(&named[i].Group) }
		if c.Op == OpAllOf {
			return a.worst(len(named), each)
		}
		return a.best(len(named), each)
	}
	return CanMatch // not, and what cannot be judged
}

func (a *answerable) group(g *Group) Answer {
	each := func(i int) Answer {
		if i < len(g.Items) {
			return a.item(&g.Items[i])
		}
		return a.group(&g.Groups[i-len(g.Items)])
	}
	if g.Any {
		return a.best(len(g.Items)+len(g.Groups), each)
	}
	return a.worst(len(g.Items)+len(g.Groups), each)
}

// item judges one line: its field has values somewhere, or the line is about the lack of one.
func (a *answerable) item(it *Item) Answer {
	if it.Field == "" {
		return CanMatch
	}
	native := a.route.Native(it.Field)
	if constant, ok := a.constant(native); ok {
		if len(it.Modifiers) == 0 && !slices.ContainsFunc(it.Values, func(v Value) bool { return couldBe(v, constant) }) {
			return OtherEvents
		}
		return CanMatch
	}
	if a.filled(native) || slices.Contains(it.Modifiers, "neq") {
		return CanMatch
	}
	exists := slices.Contains(it.Modifiers, "exists")
	for _, v := range it.Values {
		switch {
		case v.Kind == NullValue, v.Kind == StringValue && (v.Text == "" || v.Text == "-" || v.Text == "*"):
			return CanMatch
		case exists && v.Kind == BoolValue: // a field can be there without ever having a value
			return CanMatch
		}
	}
	a.missing = append(a.missing, native)
	return LacksFields
}

// constant gives the value that a field has in every event of the source.
func (a *answerable) constant(native string) (string, bool) {
	if a.source.Product != event.ProductWindows {
		return "", false
	}
	switch native {
	case event.FieldEventID:
		return strconv.FormatUint(uint64(a.source.ID), 10), true
	case event.FieldProvider:
		return a.source.Provider, true
	}
	return "", false
}

// couldBe says whether a value of a rule can equal a text.
func couldBe(v Value, text string) bool {
	if v.Kind == NullValue {
		return false
	}
	if !strings.ContainsAny(v.Text, `*?\`) { // nearly always
		return strings.EqualFold(v.Text, text)
	}
	plain, ok := ParsePattern(v.Text).Plain()
	return !ok || strings.EqualFold(plain, text)
}

// worst and best ask all, so that all that is missing is named. A line that needs other events decides over one that lacks a
// field: in events of another kind the field is not to be expected.
func (*answerable) worst(n int, each func(int) Answer) Answer {
	out := CanMatch
	for i := range n {
		out = min(out, each(i))
	}
	return out
}

func (*answerable) best(n int, each func(int) Answer) Answer {
	if n == 0 {
		return CanMatch
	}
	out := OtherEvents
	for i := range n {
		out = max(out, each(i))
	}
	return out
}
