package sigma

import (
	"container/heap"
	"container/list"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// Hit is a match of a rule on its way into correlations.
type Hit struct {
	Time   int64 // ns UTC, or event.NoTime
	Rule   event.RuleIndex
	Values []HitValue // as Set.HitValues gives them
	Ref    uint64     // what the caller knows the event by: hits of one event have the same, others another
	Origin any        // given back in CorrelationFinding, for what the caller wants to say of the event
}

// HitValue is the value of a field, or none.
type HitValue struct {
	Text    string
	Present bool
}

// CorrelationFinding is one match of a correlation.
type CorrelationFinding struct {
	Correlation int        // number in Set.Correlations
	Time        int64      // of the hit that made the condition true; with not, of the end of the window, a nanosecond later
	First, Last int64      // of the oldest and the newest hit in the window
	Origin      any        // of the hit that made the condition true; with not, of the first in the window
	Group       []HitValue // by Correlation.GroupBy
	Measured    float64    // what the condition compared: a count, a sum …
	Hits        int        // how many hits were in the window
	Refs        []uint64   // the newest of them, oldest first, at most MaxRefs
}

// MaxRefs bounds the references of a finding.
const MaxRefs = 100

// Limits bound a Correlator's memory. Zero values stand for the defaults.
type Limits struct {
	Hits   int // hits in all windows together, 1,000,000
	Groups int // groups of all correlations together, 200,000
}

// CorrelatorStats counts what could not be correlated.
type CorrelatorStats struct {
	Hits      int // handed in
	NoTime    int // hits without a time
	NoGroup   int // hits without a field that a correlation groups by, once per correlation
	NoValue   int // hits without the field that is measured, or where it is no number, once per correlation
	Dropped   int // hits that left a window early because memory was bounded
	OutOfTime int // hits older than one before them, which cannot be put into windows any more
}

// Correlator finds correlations in hits that come ordered by time. Windows slide: at every hit the window of its group
// holds the hits no older than the timespan before it, both ends included.
//
// A correlation fires on the hit with which its condition becomes true. It fires again only after the condition has been
// false: when the next hit comes and, without it and with what is too old gone, the condition no longer holds.
// Nothing fires between hits, so that conditions on few events (lt, lte, eq) are judged whenever one of the events occurs.
//
// An expression with not is judged otherwise, because what must not happen may still come: its window begins at each hit
// of a rule that it asks for, and fires when it has ended. So Advance and Finish must tell the correlator the time.
//
// Values are grouped and counted without regard to case, as Sigma compares strings. An event that matched several rules
// counts once, except where rules are counted. Hits with equal times are in no order. One goroutine uses a Correlator at
// a time.
type Correlator struct {
	set    *Set
	limits Limits
	feeds  map[event.RuleIndex][]partOf
	groups map[groupKey]*group
	recent *list.List // of *group, the one touched last at the back
	await  waiting    // groups with windows that have not ended
	made   uint64     // findings so far
	held   int
	newest int64
	began  bool
	stats  CorrelatorStats
}

type groupKey struct {
	correlation int
	values      string
}

type group struct {
	key    groupKey
	values []HitValue
	window
	fired bool
	spot  *list.Element

	ahead []lookahead // windows that have not ended, oldest first
	place int         // in Correlator.await
}

// Correlator returns a correlator of the set's correlations.
func (s *Set) Correlator(l Limits) *Correlator {
	if l.Hits <= 0 {
		l.Hits = 1_000_000
	}
	if l.Groups <= 0 {
		l.Groups = 200_000
	}
	c := &Correlator{set: s, limits: l, feeds: map[event.RuleIndex][]partOf{}, groups: map[groupKey]*group{}, recent: list.New()}
	for i, k := range s.correlations {
		for j := range k.parts {
			for _, r := range k.parts[j].rules {
				c.feeds[r] = append(c.feeds[r], partOf{i, j})
			}
		}
	}
	return c
}

// Stats gives the counts so far.
func (c *Correlator) Stats() CorrelatorStats { return c.stats }

// Add takes the next hit and calls emit for every correlation that fires with it, those that feed others first.
func (c *Correlator) Add(h Hit, emit func(CorrelationFinding)) {
	feeds := c.feeds[h.Rule]
	if len(feeds) == 0 {
		return
	}
	c.stats.Hits++
	if h.Time == event.NoTime {
		c.stats.NoTime++
		return
	}
	if c.began && h.Time < c.newest {
		c.stats.OutOfTime++
		return
	}
	c.began, c.newest = true, h.Time
	c.Advance(h.Time, emit)
	carries := c.set.rules[h.Rule].carries
	lookup := func(field string) HitValue {
		if i, ok := slices.BinarySearch(carries, field); ok && i < len(h.Values) {
			return h.Values[i]
		}
		return HitValue{}
	}
	for _, f := range feeds {
		c.feed(f, h.Time, happening{h.Ref, h.Origin, occurrence{-1, h.Ref}, lookup}, emit)
	}
}

// Correlate sorts hits by time, keeping the order of equal times, and gives every finding of evidence that ends with
// the last of them.
func (c *Correlator) Correlate(hits []Hit) []CorrelationFinding {
	sorted := slices.Clone(hits)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Time < sorted[j].Time })
	var out []CorrelationFinding
	for _, h := range sorted {
		c.Add(h, func(f CorrelationFinding) { out = append(out, f) })
	}
	c.Finish(c.newest, func(f CorrelationFinding) { out = append(out, f) })
	return out
}

// happening is what goes into a correlation: a hit, or a finding of a correlation below.
type happening struct {
	ref    uint64
	origin any
	id     occurrence
	lookup func(field string) HitValue
}

func (c *Correlator) feed(to partOf, ns int64, what happening, emit func(CorrelationFinding)) {
	compiled := c.set.correlations[to.correlation]
	k := compiled.correlation
	p := &compiled.parts[to.part]
	values := make([]HitValue, len(k.GroupBy))
	var key strings.Builder
	for i, field := range k.GroupBy {
		v := what.lookup(p.resolve(k, field))
		if !v.Present {
			c.stats.NoGroup++
			return
		}
		values[i] = v
		folded := foldString(v.Text)
		fmt.Fprintf(&key, "%d:%s", len(folded), folded)
	}
	hit := windowHit{time: ns, ref: what.ref, id: what.id, part: to.part}
	if !c.measure(k, p, what.lookup, &hit) {
		c.stats.NoValue++
		return
	}
	g := c.group(groupKey{to.correlation, key.String()}, values)
	c.expire(g, ns, k.Timespan)
	if compiled.asked != nil {
		c.lookAhead(g, compiled, hit, what)
		return
	}
	if g.fired {
		_, g.fired = g.evaluate(k)
	}
	if percentiles(k) && len(g.hits) >= maxPercentileWindow {
		c.stats.Dropped++
		c.shrink(g, 1)
	}
	if !compiled.countsEvents() || !g.repeats(&hit) {
		g.add(k, hit)
		c.held++
	}
	measured, holds := g.evaluate(k)
	fires := holds && !g.fired
	g.fired = g.fired || holds
	var finding CorrelationFinding
	if fires {
		finding = g.finding(to.correlation, ns, what.origin, measured)
	}
	c.bound(g)
	if fires {
		c.raise(finding, to.part, what, emit)
	}
}

// finding tells of the window as it is.
func (g *group) finding(correlation int, ns int64, origin any, measured float64) CorrelationFinding {
	f := CorrelationFinding{Correlation: correlation, Time: ns, First: g.hits[0].time, Last: g.hits[len(g.hits)-1].time, Origin: origin, Group: g.values, Measured: measured, Hits: len(g.hits)}
	for _, w := range g.hits[max(0, len(g.hits)-MaxRefs):] {
		f.Refs = append(f.Refs, w.ref)
	}
	return f
}

// raise gives a finding and feeds it to the correlations above. There it is a hit that carries what its own group has,
// and else what the hit that made it fire has.
func (c *Correlator) raise(f CorrelationFinding, part int, what happening, emit func(CorrelationFinding)) {
	emit(f)
	compiled := c.set.correlations[f.Correlation]
	k := compiled.correlation
	up := func(field string) HitValue {
		for i, own := range k.GroupBy {
			if own == field {
				return f.Group[i]
			}
		}
		return what.lookup(compiled.parts[part].resolve(k, field))
	}
	c.made++
	made := happening{what.ref, what.origin, occurrence{f.Correlation, c.made}, up}
	for _, p := range compiled.parents {
		c.feed(p, f.Time, made, emit)
	}
}

// measure reads the value that the correlation measures.
func (c *Correlator) measure(k *Correlation, p *part, lookup func(string) HitValue, hit *windowHit) bool {
	switch k.Type {
	case ValueCount:
		var all strings.Builder
		for _, field := range k.Field {
			v := lookup(p.resolve(k, field))
			if !v.Present {
				return false
			}
			folded := foldString(v.Text)
			fmt.Fprintf(&all, "%d:%s", len(folded), folded)
		}
		hit.value = all.String()
	case ValueSum, ValueAvg, ValuePercentile, ValueMedian:
		v := lookup(p.resolve(k, k.Field[0]))
		n, ok := NumberOf([]byte(v.Text))
		if !v.Present || !ok {
			return false
		}
		hit.x = n.Float()
	}
	return true
}

func (c *Correlator) group(key groupKey, values []HitValue) *group {
	g := c.groups[key]
	if g == nil {
		g = &group{key: key, values: values}
		g.spot = c.recent.PushBack(g)
		c.groups[key] = g
		return g
	}
	c.recent.MoveToBack(g.spot)
	return g
}

// expire removes what is older than the window that ends now.
func (c *Correlator) expire(g *group, now int64, span time.Duration) {
	oldest := now - int64(span)
	if oldest > now { // before the beginning of representable time
		oldest = math.MinInt64
	}
	c.shrink(g, sort.Search(len(g.hits), func(i int) bool { return g.hits[i].time >= oldest }))
}

// shrink removes the n oldest hits of a window.
func (c *Correlator) shrink(g *group, n int) {
	c.held -= n
	g.remove(c.set.correlations[g.key.correlation].correlation, n)
}

// bound keeps to the limits: groups that are over leave first, then those untouched for longest, at last the oldest
// hits of the group at hand.
func (c *Correlator) bound(current *group) {
	for c.held > c.limits.Hits || len(c.groups) > c.limits.Groups {
		front := c.recent.Front().Value.(*group)
		if front == current {
			n := c.held - c.limits.Hits
			if n <= 0 {
				return
			}
			c.stats.Dropped += n
			c.shrink(current, n)
			return
		}
		span := c.set.correlations[front.key.correlation].correlation.Timespan
		c.expire(front, c.newest, span)
		c.stats.Dropped += len(front.hits)
		c.held -= len(front.hits)
		if len(front.ahead) > 0 {
			heap.Remove(&c.await, front.place)
		}
		c.recent.Remove(front.spot)
		delete(c.groups, front.key)
	}
}
