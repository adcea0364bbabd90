package sigma

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/contrail-ir/contrail/event"
)

// Options steer the compilation.
type Options struct {
	// Placeholders gives the values for %name% of the modifier expand. They are read as values of rules are: wildcards
	// and escapes count. A rule with a placeholder that is not here is rejected.
	Placeholders map[string][]string
}

// Set is a compiled collection of rules. It is immutable in what it says and safe for concurrent use; inside, it
// remembers what it has prepared for each kind of source, under a lock.
type Set struct {
	rules        []*compiledRule
	correlations []*compiledCorrelation
	logsources   []logsourceRoutes

	mu       sync.Mutex
	families map[string]*family // by which logsource took which route
	bySource map[event.Source]*prepared

	nameOnce sync.Once
	named    map[string]bool // what rules compare event ids and providers with

	routeOnce sync.Once
	routed    map[string]bool // channels and providers that logsources name
	routedIDs map[uint32]bool
	byNames   sync.Map // distinguished to routes
	nameCount atomic.Int64
}

type compiledRule struct {
	rule      *Rule
	filters   []*Filter
	when      *expression
	logsource int  // into Set.logsources
	silent    bool // feeds correlations that do not generate, and is not reported by itself
	carries   []string
}

type logsourceRoutes struct {
	logsource Logsource
	routes    []*Route
	where     []*expression // of routes
}

// Compile makes a set of the rules, correlations and filters of a collection. What cannot be used exactly as it is
// written is rejected; the collection's own rejections come first. Rules keep their order.
func Compile(c *Collection, o Options) (*Set, []Rejected) {
	s := &Set{families: map[string]*family{}, bySource: map[event.Source]*prepared{}}
	k := compiler{set: s, atoms: &atomSet{byKey: map[string]*atom{}}, options: o, byLogsource: map[Logsource]int{}}
	k.rejected = append(k.rejected, c.Rejected...)
	k.filters(c)
	for _, r := range c.Rules {
		k.rule(r)
	}
	k.reportFilters()
	k.correlations(c.Correlations)
	return s, k.rejected
}

type compiler struct {
	set         *Set
	atoms       *atomSet
	options     Options
	byLogsource map[Logsource]int
	filterOf    []compiledFilter
	rejected    []Rejected
}

type compiledFilter struct {
	filter *Filter
	when   *expression
	names  map[string]bool
	used   bool
}

func (k *compiler) reject(m *Meta, err error) {
	r := Rejected{Place: m.Place, ID: m.ID, Title: m.Title, Reason: err.Error()}
	var at *lineError
	if errors.As(err, &at) && at.line > 0 {
		r.Place.Line = at.line
	}
	k.rejected = append(k.rejected, r)
}

func (k *compiler) filters(c *Collection) {
	for _, f := range c.Filters {
		when, err := buildExpression(&f.Detection, k.atoms, k.options.Placeholders)
		if err != nil {
			k.reject(&f.Meta, err)
			continue
		}
		names := map[string]bool{}
		for _, r := range f.Rules {
			names[r] = true
		}
		k.filterOf = append(k.filterOf, compiledFilter{filter: f, when: when, names: names})
	}
}

func (k *compiler) reportFilters() {
	for i := range k.filterOf {
		if f := &k.filterOf[i]; !f.used {
			k.reject(&f.filter.Meta, errors.New("the filter applies to no loaded rule; check its rules and its logsource"))
		}
	}
}

// targets says whether a filter is for a rule: it names it, and the rule's logsource lies within the filter's.
func (f *compiledFilter) targets(r *Rule) bool {
	within := func(filter, rule string) bool { return filter == "" || strings.EqualFold(filter, rule) }
	l, m := f.filter.Logsource, r.Logsource
	if !within(l.Product, m.Product) || !within(l.Category, m.Category) || !within(l.Service, m.Service) {
		return false
	}
	return f.filter.Any || r.ID != "" && f.names[r.ID] || r.Name != "" && f.names[r.Name]
}

func (k *compiler) rule(r *Rule) {
	when, err := buildExpression(&r.Detection, k.atoms, k.options.Placeholders)
	if err != nil {
		k.reject(&r.Meta, err)
		return
	}
	c := &compiledRule{rule: r, when: when, logsource: k.logsource(r.Logsource)}
	for i := range k.filterOf {
		if f := &k.filterOf[i]; f.targets(r) {
			f.used = true
			c.filters = append(c.filters, f.filter)
			c.when = &expression{op: exprAnd, args: []*expression{c.when, f.when}}
		}
	}
	k.set.rules = append(k.set.rules, c)
}

func (k *compiler) logsource(l Logsource) int {
	l.Definition = ""
	if i, ok := k.byLogsource[l]; ok {
		return i
	}
	entry := logsourceRoutes{logsource: l, routes: l.Routes()}
	for _, r := range entry.routes {
		var all []*expression
		for i := range r.Where {
			b := expressionBuilder{atoms: k.atoms}
			e, err := b.item(&r.Where[i])
			if err != nil {
				panic(fmt.Sprintf("sigma: the logsource table has a wrong condition: %v", err)) // a test compiles the whole table
			}
			e.native = true
			all = append(all, e)
		}
		entry.where = append(entry.where, combine(exprAnd, all))
	}
	i := len(k.set.logsources)
	k.byLogsource[l] = i
	k.set.logsources = append(k.set.logsources, entry)
	return i
}

// Len gives the number of rules; they are numbered from 0.
func (s *Set) Len() int { return len(s.rules) }

// Rule gives a rule by its number.
func (s *Set) Rule(i event.RuleIndex) *Rule { return s.rules[i].rule }

// Filters gives the filters that restrict a rule.
func (s *Set) Filters(i event.RuleIndex) []*Filter { return s.rules[i].filters }

// Reports says whether the rule's own hits are findings: rules that only feed correlations which do not generate
// are not.
func (s *Set) Reports(i event.RuleIndex) bool { return !s.rules[i].silent }

// Searchable says whether any kind of source is known for the rule's logsource. A rule that is not searchable never
// matches; the reason is its logsource.
func (s *Set) Searchable(i event.RuleIndex) bool {
	return len(s.logsources[s.rules[i].logsource].routes) > 0
}

// Route gives how a rule reads a source, nil when it does not read it.
func (s *Set) Route(i event.RuleIndex, source event.Source) *Route {
	for _, r := range s.logsources[s.rules[i].logsource].routes {
		if r.Matches(source) {
			return r
		}
	}
	return nil
}

// Fields gives the native names of the fields that a rule looks at in a source, sorted; "" stands for keywords, which
// look at all. Nil means that the rule does not read the source.
func (s *Set) Fields(i event.RuleIndex, source event.Source) []string {
	route := s.Route(i, source)
	if route == nil {
		return nil
	}
	names := map[string]bool{}
	s.rules[i].when.walk(func(e *expression) {
		names[route.Native(e.field)] = true
		if e.ref != nil {
			names[route.Native(e.ref.field)] = true
		}
	})
	for i := range route.Where {
		names[route.Where[i].Field] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Unwitnessed gives the rules that have no required literal or value, in at least one kind of source they are meant
// for, and so must be tried on every event there.
func (s *Set) Unwitnessed() []event.RuleIndex {
	found := map[event.RuleIndex]bool{}
	for _, source := range s.sources() {
		p := s.program(source)
		for _, r := range p.always {
			found[p.rules[r].index] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// sources gives one source for each route. Where the route leaves the event id open it is 0, which no program takes for
// granted: an event id that a rule asks for is then a witness like any other value.
func (s *Set) sources() []event.Source {
	seen := map[event.Source]bool{}
	for _, l := range s.logsources {
		for _, r := range l.routes {
			source := event.Source{Product: cmp.Or(r.Product, "any"), Category: r.Category, Service: r.Service}
			if len(r.Channels) > 0 {
				source.Channel = r.Channels[0]
			}
			if len(r.Providers) > 0 {
				source.Provider = r.Providers[0]
			}
			ids := r.IDs
			if len(ids) == 0 {
				ids = []uint32{0}
			}
			for _, id := range ids {
				source.ID = id
				seen[source] = true
			}
		}
	}
	out := slices.Collect(maps.Keys(seen))
	sort.Slice(out, func(i, j int) bool { return fmt.Sprint(out[i]) < fmt.Sprint(out[j]) })
	return out
}
