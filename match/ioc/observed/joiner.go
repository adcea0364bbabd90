package observed

import (
	"cmp"
	"math"
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// Observation is an event that fits a [ … ]. The same pointer is the same observation.
type Observation struct {
	Time int64  // nanoseconds since 1970 UTC, or event.NoTime
	Nth  uint64 // its place in the order in which observations are added
	Of   any    // what the caller knows it by
}

// Bounds of a joiner.
const (
	maxWays     = 128
	fewWays     = 8
	maxCompared = 1 << 24 // nodes of ways, besides perSeen an observation, before fewWays is the bound
	perSeen     = 1 << 12
	maxHeld     = 1 << 18 // observations in all ways
)

// Joiner seeks the matches of a pattern in observations that come ordered by time.
//
// It keeps the ways in which the observations so far can become a match: which of them stand in which slots. A way that is no better
// than another is dropped – the other has every slot as full, with observations as late, and waits for nothing that this one does not
// wait for – so that there is mostly one way for each step of a FOLLOWEDBY below a WITHIN, and otherwise one. Only observations that
// fit several slots make more. A slot below a WITHIN always takes the newest observations: later ones are never worse.
type Joiner struct {
	plan     *Plan
	ways     []*way
	now      int64
	last     *Observation // the one under way
	told     *Observation // which the last match ended with
	compared int
	seen     int
	held     int
	lost     Lost
}

// Lost counts what was not joined because of a bound, or of what evidence lacks.
type Lost struct {
	Untimed int // observations without a time that a pattern asks the time of
	Ways    int // ways to a match that were given up: they did not fit into memory
}

// Joiner returns a joiner of one organisation's observations.
func (p *Plan) Joiner() *Joiner {
	j := &Joiner{plan: p, now: math.MinInt64}
	j.Reset()
	return j
}

// Reset forgets all observations.
func (j *Joiner) Reset() {
	w := &way{slots: make([]queue, len(j.plan.slots)), picks: make([]int16, j.plan.picks)}
	for i := range w.picks {
		w.picks[i] = none
	}
	j.ways, j.held = []*way{w}, 0
}

// GiveUp forgets all observations because there is no room for them.
func (j *Joiner) GiveUp() {
	j.lost.Ways += len(j.ways)
	j.Reset()
}

// Held gives how many observations the joiner remembers.
func (j *Joiner) Held() int { return j.held }

// Lost gives the counts so far.
func (j *Joiner) Lost() Lost { return j.lost }

// Add takes an observation that fits a part, and gives the match that it makes whole, in order, or nil. Observations come in order of
// time, those without a time first; the parts that one observation fits follow each other.
func (j *Joiner) Add(o *Observation, part int) []*Observation {
	slots := j.plan.feeds[part]
	if len(slots) == 0 || o == j.told {
		return nil
	}
	if o != j.last {
		if o.Time != j.now {
			j.now = o.Time
			j.ways = slices.DeleteFunc(j.ways, func(w *way) bool { return !j.age(w) })
		}
		j.seen++
		j.prune()
		j.last = o
	}
	var best *way
	untimed := false
	for _, w := range j.ways { // those made below are not looked at: they have the observation
		if w.has(o) {
			continue
		}
		for _, s := range slots {
			n := j.plan.slots[s]
			if o.Time == event.NoTime && (n.timed || !n.takes(o, part)) {
				untimed = true
				continue
			}
			if !n.takes(o, part) || !j.admits(w, n, o) {
				continue
			}
			next := w.with(n, o)
			if !j.age(next) {
				continue
			}
			if !j.whole(j.plan.root, next) {
				j.open(next)
			} else if best == nil || next.first(j.plan.root) > best.first(j.plan.root) {
				best = next
			}
		}
	}
	if untimed {
		j.lost.Untimed++
	}
	if best == nil {
		j.count()
		return nil
	}
	j.told = o
	j.Reset()
	return best.observations()
}

// open adds a way, unless one observation has made very many.
func (j *Joiner) open(w *way) {
	if len(j.ways) >= 2*j.most() {
		j.lost.Ways++
		return
	}
	j.ways = append(j.ways, w)
}

// same says whether two copies of a part hold alike: what makes the pattern whole with one does with the other.
func (j *Joiner) same(w *way, n, twin *node) bool {
	for i := range n.to - n.from {
		at := j.plan.slots[n.from+i]
		late := at.watched || at.window > 0
		a, b := &w.slots[n.from+i], &w.slots[twin.from+i]
		if !a.covers(b, late) || !b.covers(a, late) {
			return false
		}
	}
	return true
}

// takes says whether an observation of a part, at its time, is one that the slot asks for.
func (n *node) takes(o *Observation, part int) bool {
	return slices.ContainsFunc(n.fits, func(f fit) bool {
		if f.part != part {
			return false
		}
		return !f.bounded() || o.Time != event.NoTime && f.from <= o.Time && o.Time < f.to
	})
}

// admits says whether a way can go on with an observation in a slot.
func (j *Joiner) admits(w *way, n *node, o *Observation) bool {
	for a := n; a != nil; a = a.parent {
		if !a.watched && j.whole(a, w) {
			return false // done, and nobody asks when
		}
		if a.twin != nil && j.same(w, a, a.twin) {
			return false // the other copy is tried
		}
		p := a.parent
		switch {
		case p == nil:
		case p.kind == either:
			if at := w.picks[p.pick]; at != none && int(at) != a.place {
				return false
			}
		case p.kind == then: // what should come before may still come at the same time: age sees to it
			for _, k := range p.kids[a.place+1:] {
				if w.begun(k) && w.first(k) < o.Time {
					return false
				}
			}
		}
	}
	return true
}

// whole says whether a part of the pattern has all that it asks for.
func (j *Joiner) whole(n *node, w *way) bool {
	switch n.kind {
	case slot:
		if w.slots[n.from].len() < n.times {
			return false
		}
	case either:
		if at := w.picks[n.pick]; at == none || !j.whole(n.kids[at], w) {
			return false
		}
	default:
		for _, k := range n.kids {
			if !j.whole(k, w) {
				return false
			}
		}
	}
	if n.window == 0 {
		return true
	}
	first, latest := w.first(n), w.latest(n)
	return first == latest || first > before(latest, n.window)
}

// age takes out of a way what is too old to be in a match with what comes now or later. It says false when the way has become
// impossible: a part has begun, and the part before it is not whole and cannot be any more.
func (j *Joiner) age(w *way) bool {
	aged := false
	for _, n := range j.plan.nodes {
		if n.window == 0 || !w.begun(n) {
			continue
		}
		if old := before(j.now, n.window); w.first(n) <= old && !j.whole(n, w) {
			for i := n.from; i < n.to; i++ {
				w.slots[i].since(old)
			}
			aged = true
		}
	}
	for _, n := range j.plan.nodes {
		switch {
		case n.kind == either && aged:
			if at := w.picks[n.pick]; at != none && !w.begun(n.kids[at]) {
				w.picks[n.pick] = none
			}
		case n.kind == then:
			for i, k := range n.kids[:len(n.kids)-1] {
				if !j.whole(k, w) && slices.ContainsFunc(n.kids[i+1:], func(l *node) bool { return w.begun(l) && w.first(l) < j.now }) {
					return false
				}
			}
		}
	}
	return true
}

// most gives how many ways are kept.
func (j *Joiner) most() int {
	if j.compared > maxCompared+perSeen*j.seen {
		return fewWays
	}
	return maxWays
}

// before gives the time so long before another, as far as times go.
func before(t, span int64) int64 {
	if t < math.MinInt64+span {
		return math.MinInt64
	}
	return t - span
}

// prune drops the ways that are no better than others.
func (j *Joiner) prune() {
	if len(j.ways) < 2 {
		return
	}
	var kept []*way
	for _, w := range j.ways {
		j.compared += len(kept) * len(j.plan.nodes)
		if slices.ContainsFunc(kept, func(o *way) bool { return j.better(j.plan.root, o, w) }) {
			continue
		}
		j.compared += len(kept) * len(j.plan.nodes)
		kept = slices.DeleteFunc(kept, func(o *way) bool { return j.better(j.plan.root, w, o) })
		kept = append(kept, w)
	}
	if most := j.most(); len(kept) > most { // those with most observations are kept: they are nearest to a match
		slices.SortStableFunc(kept, func(a, b *way) int { return cmp.Compare(b.size(), a.size()) })
		j.lost.Ways += len(kept) - most
		kept = kept[:most]
	}
	j.ways = kept
}

// count keeps to the bound of what is held.
func (j *Joiner) count() {
	j.held = 0
	for _, w := range j.ways {
		j.held += w.size()
	}
	if j.held > maxHeld {
		j.GiveUp()
	}
}

// better says whether whatever makes w whole makes a whole, too: a is at least as good.
func (j *Joiner) better(n *node, a, w *way) bool {
	if !n.watched {
		if j.whole(n, a) {
			return true
		}
		if j.whole(n, w) {
			return false
		}
	}
	watched := n.watched || n.window > 0
	switch n.kind {
	case slot:
		return a.slots[n.from].covers(&w.slots[n.from], watched)
	case either:
		at := a.picks[n.pick]
		return at == w.picks[n.pick] && (at == none || j.better(n.kids[at], a, w))
	case then:
		waits := j.waits(n, a) || j.waits(n, w)
		for _, k := range n.kids {
			begun := a.begun(k)
			if (waits || watched) && begun != w.begun(k) {
				return false
			}
			if (waits || watched) && begun && (a.first(k) == j.now) != (w.first(k) == j.now) {
				return false
			}
		}
	}
	for _, k := range n.kids {
		if !j.better(k, a, w) {
			return false
		}
	}
	return true
}

// waits says whether a part of a FOLLOWEDBY has begun while what should come before it has yet to come at the same time.
func (j *Joiner) waits(n *node, w *way) bool {
	for i, k := range n.kids[:len(n.kids)-1] {
		if !j.whole(k, w) && slices.ContainsFunc(n.kids[i+1:], w.begun) {
			return true
		}
	}
	return false
}
