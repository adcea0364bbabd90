package sigma

import (
	"container/heap"
	"math"

	"github.com/contrail-ir/contrail/event"
)

// lookahead is a window of a correlation with not, on its way to its end.
type lookahead struct {
	start, end int64
	part       int
	what       happening // with which it began
}

// waiting is a heap of groups by the end of their oldest lookahead, and those of one end by correlation and group.
type waiting []*group

func (w waiting) Len() int { return len(w) }
func (w waiting) Less(i, j int) bool {
	a, b := w[i], w[j]
	switch {
	case a.ahead[0].end != b.ahead[0].end:
		return a.ahead[0].end < b.ahead[0].end
	case a.key.correlation != b.key.correlation:
		return a.key.correlation < b.key.correlation
	}
	return a.key.values < b.key.values
}
func (w waiting) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].place, w[j].place = i, j
}
func (w *waiting) Push(x any) {
	g := x.(*group)
	g.place = len(*w)
	*w = append(*w, g)
}
func (w *waiting) Pop() any {
	last := len(*w) - 1
	g := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	return g
}

// lookAhead adds a hit to a group whose condition has a not. Hits of a rule that is asked for begin a window, one for each
// time.
func (c *Correlator) lookAhead(g *group, compiled *compiledCorrelation, h windowHit, what happening) {
	k := compiled.correlation
	g.add(k, h)
	c.held++
	end := h.time + int64(k.Timespan)
	began := len(g.ahead) > 0 && g.ahead[len(g.ahead)-1].start == h.time
	if compiled.asked[h.part] && !began && end >= h.time && end < math.MaxInt64 {
		g.ahead = append(g.ahead, lookahead{h.time, end, h.part, what})
		if len(g.ahead) == 1 {
			heap.Push(&c.await, g)
		}
	}
	c.bound(g)
}

// Advance says that no hit older than a time will come, and calls emit for every correlation with not whose window ended
// before. Add does so with the time of its hit.
func (c *Correlator) Advance(to int64, emit func(CorrelationFinding)) {
	for to != event.NoTime && len(c.await) > 0 && c.await[0].ahead[0].end < to {
		c.conclude(c.await[0], emit)
	}
}

// Finish is Advance for the end of the evidence: to is the time of its last event, with which a window may end. A
// window that would end later tells nothing, because what must not happen might have happened then.
func (c *Correlator) Finish(to int64, emit func(CorrelationFinding)) {
	if to < math.MaxInt64 {
		to++
	}
	c.Advance(to, emit)
}

// conclude judges the oldest window of a group. All hits of the group are older than its end.
func (c *Correlator) conclude(g *group, emit func(CorrelationFinding)) {
	k := c.set.correlations[g.key.correlation].correlation
	w := g.ahead[0]
	g.ahead = g.ahead[1:]
	if len(g.ahead) > 0 {
		heap.Fix(&c.await, g.place)
	} else {
		heap.Remove(&c.await, g.place)
	}
	c.expire(g, w.end, k.Timespan)
	if len(g.hits) == 0 || g.hits[0].time != w.start {
		return // its first hits were dropped to bound memory, and counted
	}
	if measured, holds := g.evaluate(k); holds {
		c.raise(g.finding(g.key.correlation, w.end+1, w.what.origin, measured), w.part, w.what, emit)
	}
}
