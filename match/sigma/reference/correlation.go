package reference

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
)

// Hit is one event that matched one rule.
type Hit struct {
	Rule  *sigma.Rule
	Route *sigma.Route // by which it matched; nil when fields have their own names
	Event *Event       // the pointer is the event's identity
}

// Alert is one occurrence of a correlation: a group and the window in which the condition came to hold.
type Alert struct {
	Correlation *sigma.Correlation
	Group       []string // values of the group-by fields as the first event of the group has them
	Start, End  int64    // ns: the first and the last hit in the window
	Metric      float64  // what the condition compares; number of different rules for the temporal types
	Events      []*Event // in the window, by time and then in the order of the hits

	last     facts // of the occurrence that made the condition hold
	happened int64 // when it is known
}

// occurrence is what a correlation correlates: an event that matched a rule, or an alert of another correlation.
type occurrence struct {
	slot  int // index in the correlation's rules
	order int // among those of one time, as given
	id    any // *Event, or *Alert
	time  int64
	facts facts
	shown []*Event
}

// facts looks fields up; false when there is no value.
type facts func(field string) (string, bool)

// Correlate finds the alerts of every correlation, in the order of the correlations and then by end and group. Horizon
// is the time in nanoseconds up to which the evidence reaches.
//
// What the specification leaves open is read so. Hits come by time, those of one time in the order given. At each, the
// window of its group holds it and what came before it and is no older than timespan, both ends included. The
// condition is judged with and without the hit: there is an alert when it holds with it and either did not hold without
// it or has not been reported since it last failed. An event that several rules matched counts once, except for the
// temporal types. Values of groups and of value_count are equal when they fold to the same text. An occurrence that
// lacks a group-by field or the field that is measured takes no part, nor does what is no number, as [sigma.NumberOf]
// reads it, where numbers are measured. Percentiles interpolate linearly between neighbours. In temporal_ordered each
// rule's event is strictly later than that of the rule before. A condition with not looks forward instead, because
// what must not happen may happen later: the window begins at each occurrence of a rule asked for, and counts once it
// has ended before the horizon. An alert of a correlation happens at its end, or just after its window where the
// condition has a not; its own group-by fields are its facts,
// all others those of the hit that made the condition hold.
func Correlate(c *sigma.Collection, hits []Hit, horizon int64) ([]Alert, error) {
	x := correlator{collection: c, hits: hits, horizon: horizon, done: map[*sigma.Correlation][]*Alert{}, active: map[*sigma.Correlation]bool{}}
	var out []Alert
	for _, r := range c.Correlations {
		alerts, err := x.alerts(r)
		if err != nil {
			return nil, err
		}
		for _, a := range alerts {
			out = append(out, *a)
		}
	}
	return out, nil
}

type correlator struct {
	collection *sigma.Collection
	hits       []Hit
	horizon    int64
	done       map[*sigma.Correlation][]*Alert
	active     map[*sigma.Correlation]bool
}

func (x *correlator) alerts(c *sigma.Correlation) ([]*Alert, error) {
	if a, ok := x.done[c]; ok {
		return a, nil
	}
	if x.active[c] {
		return nil, fmt.Errorf("correlation %q refers to itself", c.Title)
	}
	x.active[c] = true
	defer delete(x.active, c)
	var all []occurrence
	for slot, ref := range c.Rules {
		some, err := x.occurrences(c, slot, ref)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	var out []*Alert
	for _, g := range groups(c, all) {
		out = append(out, g.alerts(c, x.horizon)...)
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].End != out[j].End {
			return out[i].End < out[j].End
		}
		return slices.Compare(out[i].Group, out[j].Group) < 0
	})
	x.done[c] = out
	return out, nil
}

// occurrences resolves a reference by id or name.
func (x *correlator) occurrences(c *sigma.Correlation, slot int, ref string) ([]occurrence, error) {
	var out []occurrence
	found := 0
	for _, r := range x.collection.Rules {
		if r.ID != ref && r.Name != ref {
			continue
		}
		found++
		for i, h := range x.hits {
			if h.Rule != r || h.Event.Time == event.NoTime {
				continue
			}
			out = append(out, occurrence{slot: slot, order: i, id: h.Event, time: h.Event.Time, shown: []*Event{h.Event},
				facts: aliased(c, ref, r.Meta, h.facts())})
		}
	}
	for _, r := range x.collection.Correlations {
		if r.ID != ref && r.Name != ref {
			continue
		}
		found++
		alerts, err := x.alerts(r)
		if err != nil {
			return nil, err
		}
		for i, a := range alerts {
			out = append(out, occurrence{slot: slot, order: i, id: a, time: a.happened, shown: a.Events, facts: aliased(c, ref, r.Meta, a.facts)})
		}
	}
	if found == 0 {
		return nil, fmt.Errorf("correlation %q: no rule is named %q", c.Title, ref)
	}
	return out, nil
}

func (h Hit) facts() facts {
	return func(field string) (string, bool) {
		if h.Route != nil {
			field = h.Route.Native(field)
		}
		for _, v := range present(h.Event.Fields[field]) {
			return v.Text, true
		}
		return "", false
	}
}

// facts of an alert are its group-by fields, and for others those of the hit that made it.
func (a *Alert) facts(field string) (string, bool) {
	for i, name := range a.Correlation.GroupBy {
		if name == field {
			return a.Group[i], true
		}
	}
	return a.last(field)
}

// aliased resolves the aliases that the correlation has for a reference, which may be written as id or name.
func aliased(c *sigma.Correlation, ref string, m sigma.Meta, f facts) facts {
	return func(field string) (string, bool) {
		for _, a := range c.Aliases {
			if a.Name != field {
				continue
			}
			for _, name := range []string{ref, m.Name, m.ID} {
				if real, ok := a.Fields[name]; ok && name != "" {
					return f(real)
				}
			}
		}
		return f(field)
	}
}

// member is an occurrence in one group, with its value of the condition's field.
type member struct {
	occurrence
	group  []string
	value  []string
	number float64
}

type series []member

// groups parts the occurrences by the folded values of the group-by fields.
func groups(c *sigma.Correlation, all []occurrence) []series {
	slices.SortStableFunc(all, func(a, b occurrence) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.order, b.order))
	})
	by := map[string]series{}
	var keys []string
	for _, o := range all {
		m := member{occurrence: o}
		var ok bool
		if m.group, ok = texts(o.facts, c.GroupBy); !ok {
			continue
		}
		if m.value, ok = texts(o.facts, c.Field); !ok {
			continue
		}
		if measuresNumbers(c) {
			n, ok := sigma.NumberOf([]byte(m.value[0]))
			if !ok {
				continue
			}
			m.number = n.Float()
		}
		key := folded(m.group)
		if _, ok := by[key]; !ok {
			keys = append(keys, key)
		}
		by[key] = append(by[key], m)
	}
	var out []series
	for _, k := range keys {
		out = append(out, by[k])
	}
	return out
}

func texts(f facts, fields []string) ([]string, bool) {
	var out []string
	for _, field := range fields {
		v, ok := f(field)
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

func folded(texts []string) string {
	key := ""
	for _, t := range texts {
		key += fmt.Sprint(foldAll(characters(t)), ",")
	}
	return key
}

func measuresNumbers(c *sigma.Correlation) bool {
	return c.Type == sigma.ValueSum || c.Type == sigma.ValueAvg || c.Type == sigma.ValueMedian || c.Type == sigma.ValuePercentile
}

// alerts tries the window of every member.
func (s series) alerts(c *sigma.Correlation, horizon int64) []*Alert {
	if forward(c) {
		return s.alertsAhead(c, horizon)
	}
	var out []*Alert
	reported := false
	for i, last := range s {
		start := last.time - int64(c.Timespan)
		if start > last.time { // before the beginning of time
			start = math.MinInt64
		}
		var before series
		for _, m := range s[:i] {
			if m.time >= start {
				before = append(before, m)
			}
		}
		if reported {
			_, _, reported = before.measure(c)
		}
		metric, chosen, ok := append(before, last).measure(c)
		if ok && !reported {
			out = append(out, s.alert(c, append(before, last), chosen, last, metric, last.time))
		}
		reported = reported || ok
	}
	return out
}

// alertsAhead tries the window that begins at every occurrence of a rule that must occur.
func (s series) alertsAhead(c *sigma.Correlation, horizon int64) []*Alert {
	wanted := map[string]bool{}
	positive(c.Expression, true, wanted)
	var out []*Alert
	begun := map[int64]bool{}
	for _, first := range s {
		end := first.time + int64(c.Timespan)
		if !wanted[c.Rules[first.slot]] || end < first.time || end > horizon || begun[first.time] {
			continue
		}
		begun[first.time] = true
		var in series
		for _, m := range s {
			if first.time <= m.time && m.time <= end {
				in = append(in, m)
			}
		}
		if metric, chosen, ok := in.measure(c); ok {
			out = append(out, s.alert(c, in, chosen, first, metric, end+1))
		}
	}
	return out
}

func (s series) alert(c *sigma.Correlation, in, chosen series, decided member, metric float64, happened int64) *Alert {
	return &Alert{Correlation: c, Group: s[0].group, Start: in[0].time, End: in[len(in)-1].time, Metric: metric, Events: chosen.events(), last: decided.facts, happened: happened}
}

func forward(c *sigma.Correlation) bool { return c.Expression != nil && hasNot(c.Expression) }

func hasNot(e *sigma.Condition) bool {
	if e.Op == sigma.OpNot {
		return true
	}
	for _, a := range e.Args {
		if hasNot(a) {
			return true
		}
	}
	return false
}

// positive collects the rules that an expression asks to occur.
func positive(e *sigma.Condition, yes bool, into map[string]bool) {
	if e.Op == sigma.OpSelection && yes {
		into[e.Name] = true
	}
	for _, a := range e.Args {
		positive(a, yes != (e.Op == sigma.OpNot), into)
	}
}

// events lists the events without repetition.
func (s series) events() []*Event {
	var out []*Event
	for _, m := range s {
		for _, e := range m.shown {
			if !slices.Contains(out, e) {
				out = append(out, e)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Time < out[j].Time })
	return out
}

// measure computes what the condition compares and says whether it holds, and which members decided.
func (s series) measure(c *sigma.Correlation) (metric float64, chosen series, holds bool) {
	if len(s) == 0 {
		return 0, nil, false
	}
	switch c.Type {
	case sigma.EventCount:
		metric, chosen = float64(len(s.distinct())), s
	case sigma.ValueCount:
		seen := map[string]bool{}
		for _, m := range s {
			seen[folded(m.value)] = true
		}
		metric, chosen = float64(len(seen)), s
	case sigma.Temporal, sigma.TemporalOrdered:
		return s.temporal(c)
	default:
		var numbers []float64
		for _, m := range s.distinct() {
			numbers = append(numbers, m.number)
			chosen = append(chosen, m)
		}
		metric = aggregate(c, numbers)
	}
	return metric, chosen, bounded(c, metric)
}

// distinct counts an event that several rules matched once, unless the rules see different values in it.
func (s series) distinct() series {
	var out series
	for _, m := range s {
		again := false
		for _, n := range out {
			again = again || n.id == m.id && slices.Equal(n.value, m.value)
		}
		if !again {
			out = append(out, m)
		}
	}
	return out
}

func aggregate(c *sigma.Correlation, numbers []float64) float64 {
	sum := 0.0
	for _, n := range numbers {
		sum += n
	}
	percent := c.Percent
	switch c.Type {
	case sigma.ValueSum:
		return sum
	case sigma.ValueAvg:
		return sum / float64(len(numbers))
	case sigma.ValueMedian:
		percent = 50
	}
	sort.Float64s(numbers)
	position := float64(len(numbers)-1) * percent / 100
	below := int(position)
	if below+1 >= len(numbers) {
		return numbers[len(numbers)-1]
	}
	return numbers[below] + (numbers[below+1]-numbers[below])*(position-float64(below))
}

func bounded(c *sigma.Correlation, metric float64) bool {
	for _, b := range c.Bounds {
		if !b.Holds(metric) {
			return false
		}
	}
	return true
}

// temporal counts the different rules, and in temporal_ordered those in their order.
func (s series) temporal(c *sigma.Correlation) (float64, series, bool) {
	have := map[string]bool{}
	for _, m := range s {
		have[c.Rules[m.slot]] = true
	}
	slots := map[int]bool{}
	for _, m := range s {
		slots[m.slot] = true
	}
	if c.Type == sigma.Temporal {
		if c.Expression == nil {
			return float64(len(slots)), s, bounded(c, float64(len(slots)))
		}
		if !holds(c.Expression, have) {
			return 0, nil, false
		}
		wanted := map[string]bool{}
		positive(c.Expression, true, wanted)
		var chosen series
		for _, m := range s {
			if wanted[c.Rules[m.slot]] {
				chosen = append(chosen, m)
			}
		}
		return float64(len(slots)), chosen, true
	}
	order := make([]int, len(c.Rules))
	for i := range order {
		order[i] = i
	}
	if c.Expression != nil {
		order = order[:0]
		for _, name := range names(c.Expression) {
			order = append(order, slices.Index(c.Rules, name))
		}
		chosen := s.chain(order)
		return float64(len(chosen)), chosen, len(chosen) == len(order)
	}
	best := s.longestChain(c)
	return float64(len(best)), best, bounded(c, float64(len(best)))
}

func holds(e *sigma.Condition, have map[string]bool) bool {
	switch e.Op {
	case sigma.OpSelection:
		return have[e.Name]
	case sigma.OpNot:
		return !holds(e.Args[0], have)
	case sigma.OpAnd:
		for _, a := range e.Args {
			if !holds(a, have) {
				return false
			}
		}
		return true
	}
	for _, a := range e.Args {
		if holds(a, have) {
			return true
		}
	}
	return false
}

func names(e *sigma.Condition) []string {
	if e.Op == sigma.OpSelection {
		return []string{e.Name}
	}
	var out []string
	for _, a := range e.Args {
		out = append(out, names(a)...)
	}
	return out
}

// chain takes for each slot the earliest member later than the one before; it is shorter than the slots when one is
// missing.
func (s series) chain(slots []int) series {
	var out series
	for _, slot := range slots {
		at := slices.IndexFunc(s, func(m member) bool {
			return m.slot == slot && (len(out) == 0 || m.time > out[len(out)-1].time)
		})
		if at < 0 {
			return nil
		}
		out = append(out, s[at])
	}
	return out
}

// longestChain tries every choice of rules in their order.
func (s series) longestChain(c *sigma.Correlation) series {
	var best series
	for set := range 1 << len(c.Rules) {
		var slots []int
		for slot := range c.Rules {
			if set>>slot&1 == 1 {
				slots = append(slots, slot)
			}
		}
		if chain := s.chain(slots); len(chain) > len(best) {
			best = chain
		}
	}
	return best
}

// String is for messages of tests.
func (a Alert) String() string {
	return fmt.Sprintf("%s [%s] %d–%d %g (%d events)", a.Correlation.Title, strings.Join(a.Group, " "), a.Start, a.End, a.Metric, len(a.Events))
}
