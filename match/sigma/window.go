package sigma

import (
	"math"
	"slices"
	"sort"
)

// windowHit is a hit in a window.
type windowHit struct {
	time  int64
	ref   uint64
	id    occurrence
	part  int
	value string  // value_count: the folded values
	x     float64 // the other value types
}

// occurrence says what a hit is a hit of: an event, however many rules it matched, or a finding of a correlation.
type occurrence struct {
	correlation int    // -1 for an event
	number      uint64 // Hit.Ref, or the finding's number
}

// counted is an occurrence with what is measured of it: what rules see differently counts apart.
type counted struct {
	id    occurrence
	value string
	x     float64
}

// window is the hits of one group that are young enough, and what its correlation measures of them, kept up as hits
// come and go so that a long window costs no more than a short one.
type window struct {
	hits   []windowHit
	counts map[string]int // value_count: hits by value
	times  [][]int64      // temporal types: by part, ascending
	sum    compensated    // value_sum, value_avg
	sorted []float64      // value_percentile, value_median

	newest map[counted]bool // those of the newest time, where an event can come by several rules
}

// repeats says whether the newest hits have the occurrence already, and remembers it. Hits of one event have one time.
func (w *window) repeats(h *windowHit) bool {
	if n := len(w.hits); n == 0 || w.hits[n-1].time != h.time {
		clear(w.newest)
	}
	key := counted{h.id, h.value, h.x}
	if w.newest[key] {
		return true
	}
	if w.newest == nil {
		w.newest = map[counted]bool{}
	}
	w.newest[key] = true
	return false
}

// maxPercentileWindow bounds the windows whose values are kept sorted.
const maxPercentileWindow = 50_000

func percentiles(k *Correlation) bool { return k.Type == ValuePercentile || k.Type == ValueMedian }

func (w *window) add(k *Correlation, h windowHit) {
	w.hits = append(w.hits, h)
	switch k.Type {
	case ValueCount:
		if w.counts == nil {
			w.counts = map[string]int{}
		}
		w.counts[h.value]++
	case Temporal, TemporalOrdered:
		if w.times == nil {
			w.times = make([][]int64, len(k.Rules))
		}
		w.times[h.part] = append(w.times[h.part], h.time)
	case ValueSum, ValueAvg:
		w.sum.add(h.x)
	case ValuePercentile, ValueMedian:
		at, _ := slices.BinarySearch(w.sorted, h.x)
		w.sorted = slices.Insert(w.sorted, at, h.x)
	}
}

// remove takes out the n oldest hits.
func (w *window) remove(k *Correlation, n int) {
	for i := range w.hits[:n] {
		h := &w.hits[i]
		switch k.Type {
		case ValueCount:
			if w.counts[h.value]--; w.counts[h.value] == 0 {
				delete(w.counts, h.value)
			}
		case Temporal, TemporalOrdered:
			w.times[h.part] = w.times[h.part][1:]
		case ValueSum, ValueAvg:
			w.sum.add(-h.x)
		case ValuePercentile, ValueMedian:
			if at, ok := slices.BinarySearch(w.sorted, h.x); ok {
				w.sorted = slices.Delete(w.sorted, at, at+1)
			}
		}
		h.value = ""
	}
	w.hits = w.hits[n:]
	if len(w.hits) == 0 {
		*w = window{}
	}
}

// evaluate measures the window and says whether the condition holds. An empty window never holds.
func (w *window) evaluate(k *Correlation) (float64, bool) {
	if len(w.hits) == 0 {
		return 0, false
	}
	x := 0.0
	switch k.Type {
	case EventCount:
		x = float64(len(w.hits))
	case ValueCount:
		x = float64(len(w.counts))
	case ValueSum:
		x = w.sum.total()
	case ValueAvg:
		x = w.sum.total() / float64(len(w.hits))
	case ValuePercentile:
		x = percentile(w.sorted, k.Percent)
	case ValueMedian:
		x = percentile(w.sorted, 50)
	case Temporal:
		for _, t := range w.times {
			if len(t) > 0 {
				x++
			}
		}
		if k.Expression != nil {
			return x, w.expressionHolds(k, k.Expression)
		}
	case TemporalOrdered:
		order := k.order()
		n := w.inOrder(order)
		return float64(n), n == len(order)
	}
	for _, b := range k.Bounds {
		if !b.Holds(x) {
			return x, false
		}
	}
	return x, true
}

func (w *window) expressionHolds(k *Correlation, e *Condition) bool {
	switch e.Op {
	case OpNot:
		return !w.expressionHolds(k, e.Args[0])
	case OpAnd:
		for _, a := range e.Args {
			if !w.expressionHolds(k, a) {
				return false
			}
		}
		return true
	case OpOr:
		for _, a := range e.Args {
			if w.expressionHolds(k, a) {
				return true
			}
		}
		return false
	}
	return len(w.times[slices.Index(k.Rules, e.Name)]) > 0
}

// inOrder gives how many of the parts, from the first, occur in order. Taking for each part the oldest hit that is
// later than the one before finds the longest such row. Hits of one time have no order.
func (w *window) inOrder(parts []int) int {
	from := int64(math.MinInt64) // event.NoTime, which no hit has
	for n, part := range parts {
		times := w.times[part]
		at := sort.Search(len(times), func(i int) bool { return times[i] > from })
		if at == len(times) {
			return n
		}
		from = times[at]
	}
	return len(parts)
}

// percentile interpolates linearly between the two nearest values (Hyndman and Fan 1996, definition 7).
func percentile(sorted []float64, p float64) float64 {
	at := p / 100 * float64(len(sorted)-1)
	lo := int(math.Floor(at))
	hi := min(lo+1, len(sorted)-1)
	return sorted[lo] + (at-float64(lo))*(sorted[hi]-sorted[lo])
}

// compensated is a sum that keeps the digits that addition loses (Neumaier 1974), so that values that have left a
// window leave no trace.
type compensated struct{ sum, lost float64 }

func (c *compensated) add(x float64) {
	t := c.sum + x
	if math.Abs(c.sum) >= math.Abs(x) {
		c.lost += (c.sum - t) + x
	} else {
		c.lost += (x - t) + c.sum
	}
	c.sum = t
}

func (c *compensated) total() float64 { return c.sum + c.lost }
