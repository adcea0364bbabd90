package reference

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
)

// Options are what a rule may ask of its surroundings.
type Options struct {
	// Placeholders are the values of %name% under the modifier expand. A name that is not there rejects the rule.
	Placeholders map[string][]string
}

// Rule is a parsed rule whose modifiers have been read.
type Rule struct {
	Parsed  *sigma.Rule
	Filters []*sigma.Filter // those that apply to the rule

	conditions []test
	routes     []route
}

// nameMap translates a field of the rule to the evidence's name.
type nameMap func(field string) string

func asWritten(field string) string { return field }

// test is a selection, or a part of one.
type test func(e *Event, names nameMap) bool

type route struct {
	*sigma.Route
	where []test
}

// Prepare reads a rule and ANDs the conditions of the filters that name it. The error says why a rule cannot be used.
func Prepare(r *sigma.Rule, filters []*sigma.Filter, opt Options) (*Rule, error) {
	out := &Rule{Parsed: r}
	own, err := detection(&r.Detection, opt)
	if err != nil {
		return nil, err
	}
	out.conditions = append(out.conditions, own)
	for _, f := range filters {
		if !Applies(f, r) {
			continue
		}
		more, err := detection(&f.Detection, opt)
		if err != nil {
			return nil, fmt.Errorf("filter %q: %w", f.Title, err)
		}
		out.Filters = append(out.Filters, f)
		out.conditions = append(out.conditions, more)
	}
	for _, r := range r.Logsource.Routes() {
		to := route{Route: r}
		for i := range r.Where {
			t, err := item(&r.Where[i], opt)
			if err != nil {
				return nil, fmt.Errorf("logsource: %w", err)
			}
			to.where = append(to.where, t)
		}
		out.routes = append(out.routes, to)
	}
	return out, nil
}

// Applies says whether a filter belongs to a rule: the rule's logsource lies within the filter's, and the filter names
// the rule by id or name, or any rule.
func Applies(f *sigma.Filter, r *sigma.Rule) bool {
	within := func(filter, rule string) bool { return filter == "" || strings.EqualFold(filter, rule) }
	if !within(f.Logsource.Category, r.Logsource.Category) ||
		!within(f.Logsource.Product, r.Logsource.Product) ||
		!within(f.Logsource.Service, r.Logsource.Service) {
		return false
	}
	if f.Any {
		return true
	}
	for _, ref := range f.Rules {
		if ref != "" && (ref == r.ID || ref == r.Name) {
			return true
		}
	}
	return false
}

// Match says whether the event is one that the rule's logsource reads and that its detection and all its filters
// accept.
func (r *Rule) Match(e *Event) bool {
	_, ok := r.MatchRoute(e)
	return ok
}

// MatchRoute gives besides the first route by which the rule matches, which decides what fields are called.
func (r *Rule) MatchRoute(e *Event) (*sigma.Route, bool) {
	for _, to := range r.routes {
		if to.reads(e) && r.Detect(e, to.Native) {
			return to.Route, true
		}
	}
	return nil, false
}

// Detect applies detection and filters whatever log the event is from. Names translates fields; nil leaves them.
func (r *Rule) Detect(e *Event, names func(string) string) bool {
	if names == nil {
		names = asWritten
	}
	for _, c := range r.conditions {
		if !c(e, names) {
			return false
		}
	}
	return true
}

// Reads says whether the rule's logsource may read events of a source.
func (r *Rule) Reads(s event.Source) bool {
	for _, to := range r.routes {
		if to.names(s) {
			return true
		}
	}
	return false
}

// reads says whether an event is of the log.
func (to *route) reads(e *Event) bool {
	if !to.names(e.Source) {
		return false
	}
	for _, t := range to.where {
		if !t(e, asWritten) {
			return false
		}
	}
	return true
}

// names says whether the source names all that the route names.
func (to *route) names(s event.Source) bool {
	if to.Product != "" && to.Product != s.Product ||
		to.Category != "" && to.Category != s.Category ||
		to.Service != "" && to.Service != s.Service {
		return false
	}
	anyOf := func(names []string, name string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	}
	if len(to.Channels) > 0 || len(to.Providers) > 0 {
		channelFits := len(to.Channels) > 0 && s.Channel != "" && anyOf(to.Channels, s.Channel)
		providerFits := len(to.Providers) > 0 && s.Provider != "" && anyOf(to.Providers, s.Provider)
		channelContradicts := len(to.Channels) > 0 && s.Channel != "" && !channelFits
		providerContradicts := len(to.Providers) > 0 && s.Provider != "" && !providerFits
		if channelContradicts || providerContradicts || !channelFits && !providerFits {
			return false
		}
	}
	if len(to.IDs) > 0 {
		found := false
		for _, id := range to.IDs {
			found = found || id == s.ID
		}
		return found
	}
	return true
}

// detection reads selections and conditions. Any condition of several suffices.
func detection(d *sigma.Detection, opt Options) (test, error) {
	selections := map[string]test{}
	var order []string
	for i := range d.Selections {
		s := &d.Selections[i]
		t, err := group(&s.Group, opt)
		if err != nil {
			return nil, fmt.Errorf("selection %q: %w", s.Name, err)
		}
		selections[s.Name] = t
		order = append(order, s.Name)
	}
	var any []test
	for _, c := range d.Conditions {
		t, err := condition(c, order, selections)
		if err != nil {
			return nil, err
		}
		any = append(any, t)
	}
	return anyOf(any), nil
}

func condition(c *sigma.Condition, order []string, selections map[string]test) (test, error) {
	var parts []test
	for _, a := range c.Args {
		t, err := condition(a, order, selections)
		if err != nil {
			return nil, err
		}
		parts = append(parts, t)
	}
	switch c.Op {
	case sigma.OpSelection:
		t, ok := selections[c.Name]
		if !ok {
			return nil, fmt.Errorf("the condition names %q, which is not a selection", c.Name)
		}
		return t, nil
	case sigma.OpNot:
		return not(parts[0]), nil
	case sigma.OpAnd:
		return allOf(parts), nil
	case sigma.OpOr:
		return anyOf(parts), nil
	}
	for _, name := range order {
		if selects(c.Name, name) {
			parts = append(parts, selections[name])
		}
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("no selection is named %q", c.Name)
	}
	if c.Op == sigma.OpAllOf {
		return allOf(parts), nil
	}
	return anyOf(parts), nil
}

// selects applies the pattern of "1 of" and "all of". Names that begin with an underscore are left out by convention,
// unless the pattern itself begins with one.
func selects(pattern, name string) bool {
	if strings.HasPrefix(name, "_") && !strings.HasPrefix(pattern, "_") {
		return false
	}
	if pattern == "them" {
		return true
	}
	pieces := strings.Split(pattern, "*")
	for i, p := range pieces {
		pieces[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(`^(?s:` + strings.Join(pieces, ".*") + `)$`).MatchString(name)
}

func anyOf(ts []test) test {
	return func(e *Event, names nameMap) bool {
		for _, t := range ts {
			if t(e, names) {
				return true
			}
		}
		return false
	}
}

func allOf(ts []test) test {
	return func(e *Event, names nameMap) bool {
		for _, t := range ts {
			if !t(e, names) {
				return false
			}
		}
		return true
	}
}

func not(t test) test {
	return func(e *Event, names nameMap) bool { return !t(e, names) }
}

// group reads a map (all of its items) or a list (any of its items or groups).
func group(g *sigma.Group, opt Options) (test, error) {
	var parts []test
	for i := range g.Items {
		t, err := item(&g.Items[i], opt)
		if err != nil {
			return nil, err
		}
		parts = append(parts, t)
	}
	for i := range g.Groups {
		t, err := group(&g.Groups[i], opt)
		if err != nil {
			return nil, err
		}
		parts = append(parts, t)
	}
	if g.Any {
		return anyOf(parts), nil
	}
	return allOf(parts), nil
}
