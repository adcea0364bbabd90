package match

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match/sigma"
)

// Selection says which rules of a collection are used.
type Selection struct {
	Level        finding.Level       // rules of this level and above; NoLevel for all
	Status       []string            // rules of these statuses; empty for all
	Placeholders map[string][]string // for the modifier expand
}

// Rejected is a rule that cannot be used.
type Rejected struct {
	ID     string
	File   string
	Reason string
}

// Sigma compiles a collection. Correlations stay whole when the selection leaves out what they count: such a rule is kept and does
// not report by itself.
func Sigma(c *sigma.Collection, sel Selection) (Engine, []Rejected) {
	set, bad := sigma.Compile(sel.narrow(c), sigma.Options{Placeholders: sel.Placeholders})
	e := &sigmaEngine{Set: set}
	sources := map[string]string{} // of what correlations count, by id and name
	tell := func(m *sigma.Meta, of string) {
		for _, name := range []string{m.ID, m.Name} {
			if name != "" {
				sources[name] = of
			}
		}
	}
	for i := range set.Len() {
		r := set.Rule(event.RuleIndex(i))
		source := fmt.Sprintf("%s/%s/%s", r.Logsource.Product, r.Logsource.Category, r.Logsource.Service)
		tell(&r.Meta, source)
		e.add(&r.Meta, finding.Sigma, source, sel.takes(&r.Meta) && set.Reports(event.RuleIndex(i)))
	}
	counts := map[string]*sigma.Correlation{}
	for _, x := range set.Correlations() {
		counts[x.ID], counts[x.Name] = x, x
	}
	delete(counts, "")
	for i, x := range set.Correlations() {
		e.add(&x.Meta, finding.Correlation, joinedSources(x, sources, counts), sel.takes(&x.Meta) && set.CorrelationReports(i))
	}
	rejected := make([]Rejected, len(bad))
	for i, r := range bad {
		place := r.Place
		place.File = ""
		reason := r.Reason
		if at := strings.TrimSpace(strings.TrimPrefix(place.String(), "rule text")); at != "" {
			reason = at + ": " + reason
		}
		rejected[i] = Rejected{ID: r.ID, File: r.Place.File, Reason: reason}
	}
	slices.SortStableFunc(rejected, func(a, b Rejected) int { return cmp.Compare(a.File, b.File) })
	return e, rejected
}

// joinedSources gives the logsources of the rules that a correlation counts, directly or by other correlations, each once.
func joinedSources(x *sigma.Correlation, sources map[string]string, counts map[string]*sigma.Correlation) string {
	var out []string
	seen := map[*sigma.Correlation]bool{}
	var add func(*sigma.Correlation)
	add = func(x *sigma.Correlation) {
		if seen[x] {
			return
		}
		seen[x] = true
		for _, name := range x.Rules {
			if y := counts[name]; y != nil {
				add(y)
			} else if s := sources[name]; s != "" && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	add(x)
	return strings.Join(out, ", ")
}

// narrow leaves out the rules that are neither taken nor counted by a correlation that is.
func (sel *Selection) narrow(c *sigma.Collection) *sigma.Collection {
	counted := map[string]bool{}
	kept := map[*sigma.Correlation]bool{}
	for changed := true; changed; {
		changed = false
		for _, x := range c.Correlations {
			if kept[x] || !sel.takes(&x.Meta) && !counted[x.ID] && !counted[x.Name] {
				continue
			}
			kept[x], changed = true, true
			for _, name := range x.Rules {
				counted[name] = true
			}
		}
	}
	out := &sigma.Collection{Filters: c.Filters, Rejected: c.Rejected}
	for _, x := range c.Correlations {
		if kept[x] {
			out.Correlations = append(out.Correlations, x)
		}
	}
	for _, r := range c.Rules {
		if sel.takes(&r.Meta) || r.ID != "" && counted[r.ID] || r.Name != "" && counted[r.Name] {
			out.Rules = append(out.Rules, r)
		}
	}
	return out
}

func (sel *Selection) takes(m *sigma.Meta) bool {
	if sel.Level != finding.NoLevel {
		if l, err := finding.ParseLevel(m.Level); err != nil || l < sel.Level {
			return false
		}
	}
	return len(sel.Status) == 0 || slices.Contains(sel.Status, m.Status)
}

func describe(m *sigma.Meta, kind finding.Kind, source string) finding.Rule {
	level, err := finding.ParseLevel(m.Level)
	if err != nil {
		level = finding.NoLevel
	}
	return finding.Rule{ID: finding.RuleID(m.ID), Kind: kind, Title: m.Title, Level: level, Status: m.Status, Author: m.Author, Tags: m.Tags, Source: source}
}

// sigmaEngine numbers correlations behind the rules.
type sigmaEngine struct {
	*sigma.Set
	rules   []finding.Rule
	reports []bool
}

func (e *sigmaEngine) add(m *sigma.Meta, kind finding.Kind, source string, reports bool) {
	r := describe(m, kind, source)
	if r.ID == "" { // the specification recommends an id and does not ask for one
		r.ID = finding.RuleID("without id: " + m.Title)
	}
	e.rules = append(e.rules, r)
	e.reports = append(e.reports, reports)
}

// Count implements Engine.
func (e *sigmaEngine) Count() int { return len(e.rules) }

// Describe implements Engine.
func (e *sigmaEngine) Describe(rule event.RuleIndex) *finding.Rule { return &e.rules[rule] }

// Reports implements Engine.
func (e *sigmaEngine) Reports(rule event.RuleIndex) bool { return e.reports[rule] }

// Searches implements Engine. A correlation searches what the rules that it counts search.
func (e *sigmaEngine) Searches(rule event.RuleIndex, source event.Source) bool {
	if n := int(rule) - e.Len(); n >= 0 {
		return slices.ContainsFunc(e.CorrelationRules(n), func(r event.RuleIndex) bool { return e.Route(r, source) != nil })
	}
	return e.Route(rule, source) != nil
}

// Answers implements Engine. A correlation can become true as long as one of the rules that it counts can.
func (e *sigmaEngine) Answers(rule event.RuleIndex, source event.Source, filled func(string) bool) (out coverage.Answer) {
	bases := []event.RuleIndex{rule}
	if n := int(rule) - e.Len(); n >= 0 {
		bases = e.CorrelationRules(n)
	}
	for _, r := range bases {
		switch answer, missing := e.Set.Answers(r, source, filled); answer {
		case sigma.CanMatch:
			return coverage.Answer{Can: true}
		case sigma.LacksFields:
			out.Lacks = append(out.Lacks, missing...)
		}
	}
	slices.Sort(out.Lacks)
	out.Lacks = slices.Compact(out.Lacks)
	return out
}

// Feeds implements Engine. A correlation is not fed to others from outside: the correlator does that itself.
func (e *sigmaEngine) Feeds(rule event.RuleIndex) bool {
	return int(rule) < e.Len() && e.Set.Feeds(rule)
}

// Carry implements Engine.
func (e *sigmaEngine) Carry(b *event.Batch, row int, rule event.RuleIndex) (carried []event.Matched) {
	for i, v := range e.HitValues(b, row, rule) {
		if v.Present {
			carried = append(carried, event.Matched{Field: e.Carries(rule)[i], Value: v.Text})
		}
	}
	return carried
}

// Correlator implements Engine.
func (e *sigmaEngine) Correlator() Correlator {
	if len(e.Correlations()) == 0 {
		return nil
	}
	return &sigmaCorrelator{engine: e, from: e.Set.Correlator(sigma.Limits{})}
}

// sigmaCorrelator remembers where the newest events with hits were, for the references of findings.
type sigmaCorrelator struct {
	engine *sigmaEngine
	from   *sigma.Correlator
	refs   []finding.Ref
	next   uint64
	record []numbered // the events under way: those of one file, time and record number
}

// numbered is a hit of an event and the number that stands for the event.
type numbered struct {
	hit *Hit
	ref uint64
}

// maxRecord bounds the events of one number that are kept apart, more than anybody's log has.
const maxRecord = 64

// maxRefs bounds how many places are remembered. A window whose older hits are forgotten names fewer references.
const maxRefs = 1 << 18

func (c *sigmaCorrelator) Add(h *Hit, emit func(Correlated)) {
	values := make([]sigma.HitValue, 0, len(h.Carried))
	for _, field := range c.engine.Carries(h.Rule) {
		at := slices.IndexFunc(h.Carried, func(m event.Matched) bool { return m.Field == field })
		if at < 0 {
			values = append(values, sigma.HitValue{})
			continue
		}
		values = append(values, sigma.HitValue{Text: h.Carried[at].Value, Present: true})
	}
	own := *h
	own.Carried = nil
	c.from.Add(sigma.Hit{Time: h.Time, Rule: h.Rule, Values: values, Ref: c.refer(&own), Origin: &own}, c.tell(&own, emit))
}

// refer numbers the event of a hit. Hits of one event follow each other, but for hits of other events with the same
// record number.
func (c *sigmaCorrelator) refer(h *Hit) uint64 {
	if len(c.record) > 0 {
		if o := c.record[0].hit; o.Time != h.Time || o.File != h.File || o.Record != h.Record {
			c.record = c.record[:0]
		}
	}
	for _, o := range c.record {
		if o.hit.Offset == h.Offset && o.hit.Item == h.Item {
			return o.ref
		}
	}
	ref := finding.Ref{File: h.File, Record: h.Record}
	if len(c.refs) < maxRefs {
		c.refs = append(c.refs, ref)
	} else {
		c.refs[c.next%maxRefs] = ref
	}
	if len(c.record) < maxRecord {
		c.record = append(c.record, numbered{h, c.next})
	}
	c.next++
	return c.next - 1
}

// Advance implements Correlator.
func (c *sigmaCorrelator) Advance(to int64, emit func(Correlated)) {
	c.from.Advance(to, c.tell(nil, emit))
}

// Finish implements Correlator.
func (c *sigmaCorrelator) Finish(to int64, emit func(Correlated)) {
	c.from.Finish(to, c.tell(nil, emit))
}

// tell turns the engine's findings into ours. now is the hit that was added, if any.
func (c *sigmaCorrelator) tell(now *Hit, emit func(Correlated)) func(sigma.CorrelationFinding) {
	return func(f sigma.CorrelationFinding) {
		rule := event.RuleIndex(c.engine.Len() + f.Correlation)
		if !c.engine.reports[rule] {
			return
		}
		out := Correlated{Rule: rule}
		if at := f.Origin.(*Hit); at != now {
			told := *at
			told.Time = f.Time
			out.At = &told
		}
		for i, name := range c.engine.Correlations()[f.Correlation].GroupBy {
			if f.Group[i].Present {
				out.Group = append(out.Group, event.Matched{Field: name, Value: f.Group[i].Text})
			}
		}
		out.Group = append(out.Group, event.Matched{Field: "measured", Value: strconv.FormatFloat(f.Measured, 'g', -1, 64)})
		for _, at := range f.Refs {
			if c.next-at <= maxRefs {
				out.Refs = append(out.Refs, c.refs[at%maxRefs])
			}
		}
		emit(out)
	}
}

func (c *sigmaCorrelator) Uncertain() (all []string) {
	s := c.from.Stats()
	for _, x := range []struct {
		n   int
		why string
	}{{s.NoTime, "matches without a time could not be correlated"}, {s.Dropped, "matches left their window early: they did not fit into the memory set aside for correlations"}} {
		if x.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", x.n, x.why))
		}
	}
	return all
}
