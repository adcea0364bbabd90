package observed

import (
	"cmp"
	"math"
	"slices"
)

// way is one of the ways in which observations can become a match.
type way struct {
	slots []queue
	picks []int16 // by number of the OR: the child that its observations are of
}

const none = int16(-1)

// queue is what a slot holds, oldest first: a stretch of a line that ways share. Only the way that has the end of the line adds to it.
type queue struct {
	line     *line
	from, to int
}

type line struct{ all []*Observation }

func (q *queue) len() int { return q.to - q.from }

func (q *queue) at(i int) *Observation { return q.line.all[q.from+i] }

// push adds an observation; of more than a slot takes, the newest stay.
func (q *queue) push(o *Observation, most int) {
	if q.line == nil || q.to != len(q.line.all) || q.from > 64 && q.from > q.to/2 {
		var own []*Observation
		if q.len() > 0 {
			own = append(own, q.line.all[q.from:q.to]...)
		}
		*q = queue{&line{own}, 0, len(own)}
	}
	q.line.all = append(q.line.all, o)
	q.to++
	if q.len() > most {
		q.from++
	}
}

// since leaves only what is later than a time.
func (q *queue) since(t int64) {
	for q.len() > 0 && q.at(0).Time <= t {
		q.from++
	}
	if q.len() == 0 {
		*q = queue{}
	}
}

// covers says whether a queue has as many observations as another and, when that is asked, each as late, counted from the newest.
func (q *queue) covers(o *queue, late bool) bool {
	if q.len() < o.len() {
		return false
	}
	if !late || o.len() == 0 || q.line == o.line && q.to >= o.to {
		return true
	}
	for i := 1; i <= o.len(); i++ {
		if q.at(q.len()-i).Time < o.at(o.len()-i).Time {
			return false
		}
	}
	return true
}

// has says whether an observation, which can only be the newest, is in the way.
func (w *way) has(o *Observation) bool {
	return slices.ContainsFunc(w.slots, func(q queue) bool { return q.len() > 0 && q.at(q.len()-1) == o })
}

// with gives the way that goes on with an observation in a slot.
func (w *way) with(n *node, o *Observation) *way {
	next := &way{slices.Clone(w.slots), slices.Clone(w.picks)}
	next.slots[n.from].push(o, n.times)
	for a := n; a.parent != nil; a = a.parent {
		if a.parent.kind == either {
			next.picks[a.parent.pick] = int16(a.place)
		}
	}
	return next
}

func (w *way) begun(n *node) bool {
	return slices.ContainsFunc(w.slots[n.from:n.to], func(q queue) bool { return q.len() > 0 })
}

// first gives the time of the oldest observation of a part that has begun.
func (w *way) first(n *node) int64 {
	t := int64(math.MaxInt64)
	for _, q := range w.slots[n.from:n.to] {
		if q.len() > 0 {
			t = min(t, q.at(0).Time)
		}
	}
	return t
}

// latest gives the time of the newest.
func (w *way) latest(n *node) int64 {
	t := int64(math.MinInt64)
	for _, q := range w.slots[n.from:n.to] {
		if q.len() > 0 {
			t = max(t, q.at(q.len()-1).Time)
		}
	}
	return t
}

func (w *way) size() (n int) {
	for _, q := range w.slots {
		n += q.len()
	}
	return n
}

// observations lists all of the way's observations in order.
func (w *way) observations() (all []*Observation) {
	for _, q := range w.slots {
		if q.len() > 0 {
			all = append(all, q.line.all[q.from:q.to]...)
		}
	}
	slices.SortFunc(all, func(a, b *Observation) int { return cmp.Compare(a.Nth, b.Nth) })
	return all
}
