package sigma

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// compiledCorrelation is a correlation with its references resolved.
type compiledCorrelation struct {
	correlation *Correlation
	parts       []part // by Correlation.Rules
	silent      bool
	parents     []partOf
	asked       []bool // by part, for a condition with not: the rule must occur; else nil
}

// countsEvents says whether an event counts once however many rules it matched.
func (c *compiledCorrelation) countsEvents() bool {
	t := c.correlation.Type
	return t != Temporal && t != TemporalOrdered && (len(c.parts) > 1 || len(c.parts[0].rules)+len(c.parts[0].correlations) > 1)
}

// part is what one reference of a correlation stands for: rules, or other correlations.
type part struct {
	rules        []event.RuleIndex
	correlations []int
	names        []string // by which aliases may speak of it: as referred to, and the names and ids of what that is
}

// partOf says that hits feed a part of a correlation.
type partOf struct{ correlation, part int }

func (k *compiler) correlations(all []*Correlation) {
	s := k.set
	rules := map[string][]event.RuleIndex{}
	for i, r := range s.rules {
		for _, name := range distinct(r.rule.ID, r.rule.Name) {
			rules[name] = append(rules[name], event.RuleIndex(i))
		}
	}
	// A correlation may refer to another that is rejected, so that reject until nothing changes.
	usable := append([]*Correlation(nil), all...)
	for {
		next := k.usable(usable, rules)
		if len(next) == len(usable) {
			break
		}
		usable = next
	}
	numbers := map[string][]int{}
	for i, c := range usable {
		for _, name := range distinct(c.ID, c.Name) {
			numbers[name] = append(numbers[name], i)
		}
	}
	for _, c := range usable {
		compiled := &compiledCorrelation{correlation: c}
		for _, ref := range c.Rules {
			p := part{rules: rules[ref], correlations: numbers[ref], names: []string{ref}}
			for _, r := range p.rules {
				p.names = append(p.names, s.rules[r].rule.Name, s.rules[r].rule.ID)
			}
			for _, n := range p.correlations {
				p.names = append(p.names, usable[n].Name, usable[n].ID)
			}
			p.names = distinct(p.names...)
			compiled.parts = append(compiled.parts, p)
		}
		if c.Expression != nil && c.Expression.hasNot() {
			asked := map[string]bool{}
			c.Expression.asked(true, asked)
			for _, ref := range c.Rules {
				compiled.asked = append(compiled.asked, asked[ref])
			}
		}
		s.correlations = append(s.correlations, compiled)
	}
	s.link()
}

func distinct(names ...string) []string {
	var out []string
	for _, n := range names {
		if n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func (k *compiler) usable(all []*Correlation, rules map[string][]event.RuleIndex) []*Correlation {
	byName := map[string][]*Correlation{}
	for _, c := range all {
		for _, name := range distinct(c.ID, c.Name) {
			byName[name] = append(byName[name], c)
		}
	}
	metas := map[string][]*Meta{} // of everything that a reference can stand for
	for ref, of := range rules {
		for _, r := range of {
			metas[ref] = append(metas[ref], &k.set.rules[r].rule.Meta)
		}
	}
	for ref, of := range byName {
		for _, c := range of {
			metas[ref] = append(metas[ref], &c.Meta)
		}
	}
	var out []*Correlation
	for _, c := range all {
		if err := checkCorrelation(c, metas, byName); err != nil {
			k.reject(&c.Meta, err)
			continue
		}
		out = append(out, c)
	}
	return out
}

func checkCorrelation(c *Correlation, metas map[string][]*Meta, byName map[string][]*Correlation) error {
	for _, ref := range c.Rules {
		if len(metas[ref]) == 0 {
			return fmt.Errorf("the correlation refers to %q, which is not loaded; load that rule too", ref)
		}
	}
	if c.Type == TemporalOrdered && c.Expression == nil {
		n := float64(len(c.Rules))
		for _, b := range c.Bounds {
			if b.Value != n || b.Op != GreaterOrEqual && b.Op != Equal {
				return errors.New("temporal_ordered needs all of its rules; remove the condition or use temporal")
			}
		}
	}
	known := map[string]bool{}
	for _, ref := range c.Rules {
		known[ref] = true
		for _, m := range metas[ref] {
			known[m.Name], known[m.ID] = true, true
		}
	}
	for _, a := range c.Aliases {
		for _, ref := range slices.Sorted(maps.Keys(a.Fields)) {
			if ref == "" || !known[ref] {
				return fmt.Errorf("the alias %q speaks of %q, which is not among the correlation's rules", a.Name, ref)
			}
		}
	}
	// A correlation that feeds itself would have no beginning.
	visited := map[*Correlation]bool{}
	var reaches func(from *Correlation) bool
	reaches = func(from *Correlation) bool {
		for _, ref := range from.Rules {
			for _, next := range byName[ref] {
				if next == c {
					return true
				}
				if !visited[next] {
					visited[next] = true
					if reaches(next) {
						return true
					}
				}
			}
		}
		return false
	}
	if reaches(c) {
		return errors.New("the correlation refers to itself, directly or through others; remove the circle")
	}
	return nil
}

// link finds who feeds whom, what hits must carry, and which rules stay silent.
func (s *Set) link() {
	generates := make([]bool, len(s.rules))
	feeds := make([]bool, len(s.rules))
	for i, c := range s.correlations {
		for j := range c.parts {
			for _, r := range c.parts[j].rules {
				feeds[r] = true
				generates[r] = generates[r] || c.correlation.Generate
			}
			for _, n := range c.parts[j].correlations {
				child := s.correlations[n]
				child.parents = append(child.parents, partOf{i, j})
			}
		}
	}
	for i, r := range s.rules {
		r.silent = feeds[i] && !generates[i]
	}
	for _, c := range s.correlations {
		c.silent = len(c.parents) > 0
		for _, p := range c.parents {
			c.silent = c.silent && !s.correlations[p.correlation].correlation.Generate
		}
	}
	for i, c := range s.correlations {
		for j := range c.parts {
			for _, field := range c.correlation.wanted() {
				s.carry(i, j, c.parts[j].resolve(c.correlation, field))
			}
		}
	}
	for _, r := range s.rules {
		slices.Sort(r.carries)
		r.carries = slices.Compact(r.carries)
	}
}

// carry makes every rule below a part carry a field.
func (s *Set) carry(correlation, part int, field string) {
	p := &s.correlations[correlation].parts[part]
	for _, r := range p.rules {
		s.rules[r].carries = append(s.rules[r].carries, field)
	}
	for _, n := range p.correlations {
		child := s.correlations[n]
		for j := range child.parts {
			s.carry(n, j, child.parts[j].resolve(child.correlation, field))
		}
	}
}

// wanted gives the fields, or aliases, that the correlation groups by or measures.
func (c *Correlation) wanted() []string { return append(slices.Clone(c.GroupBy), c.Field...) }

// resolve gives the field that a name stands for in the rules of a part.
func (p *part) resolve(c *Correlation, name string) string {
	for _, a := range c.Aliases {
		if a.Name != name {
			continue
		}
		for _, known := range p.names {
			if field, ok := a.Fields[known]; ok {
				return field
			}
		}
	}
	return name
}

// order gives the parts of a temporal_ordered correlation as they must follow each other: as the condition names them,
// or else as they are listed.
func (c *Correlation) order() []int {
	order := make([]int, 0, len(c.Rules))
	if c.Expression == nil {
		for i := range c.Rules {
			order = append(order, i)
		}
		return order
	}
	for _, name := range c.Expression.names(nil) {
		order = append(order, slices.Index(c.Rules, name))
	}
	return order
}

// Correlations gives the correlations of the set; they are numbered from 0.
func (s *Set) Correlations() []*Correlation {
	out := make([]*Correlation, len(s.correlations))
	for i, c := range s.correlations {
		out[i] = c.correlation
	}
	return out
}

// CorrelationReports says whether the findings of a correlation are reported: those that only feed others which do not
// generate are not.
func (s *Set) CorrelationReports(correlation int) bool { return !s.correlations[correlation].silent }

// Feeds says whether hits of the rule are to be handed to the Correlator.
func (s *Set) Feeds(i event.RuleIndex) bool {
	for _, c := range s.correlations {
		for j := range c.parts {
			if slices.Contains(c.parts[j].rules, i) {
				return true
			}
		}
	}
	return false
}

// Carries gives the fields, as rules name them, whose values a hit of the rule must carry, in the order of Hit.Values.
func (s *Set) Carries(i event.RuleIndex) []string { return s.rules[i].carries }

// HitValues reads the values that a hit must carry: for each field of Carries the first value of the row.
func (s *Set) HitValues(b *event.Batch, row int, i event.RuleIndex) []HitValue {
	carries := s.rules[i].carries
	route := s.Route(i, b.Schema.Source)
	if len(carries) == 0 || route == nil {
		return nil
	}
	out := make([]HitValue, len(carries))
	for n, field := range carries {
		c := b.Column(route.Native(field))
		if c == nil {
			continue
		}
		for _, code := range c.At(row) {
			if v, ok := code.Value(); ok {
				out[n] = HitValue{Text: string(c.Dict.AppendText(nil, v)), Present: true}
				break
			}
		}
	}
	return out
}
