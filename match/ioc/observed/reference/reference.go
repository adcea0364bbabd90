// Package reference evaluates STIX patterns over several observations slowly, word by word as the specification has it. It is what the
// joiner is held against; only tests use it.
//
// It promises every set of observations that a pattern matches, and takes time and memory that grow exponentially with them.
package reference

import (
	"math"
	"math/bits"
	"slices"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/stix/pattern"
)

// Seen is an observation: when, and which parts it fits, as bits.
type Seen struct {
	Time int64
	Fits uint8
}

// Matches gives the sets of observations, as bits, that an expression matches.
func Matches(e pattern.Expression, all []Seen, part func(*pattern.Observation) int) []uint32 {
	first := func(set uint32) int64 { return edge(set, all, false) }
	last := func(set uint32) int64 { return edge(set, all, true) }
	timed := func(set uint32) bool {
		for i, s := range all {
			if set>>i&1 == 1 && s.Time == event.NoTime {
				return false
			}
		}
		return true
	}
	found := map[uint32]bool{}
	switch e := e.(type) {
	case *pattern.Observation: // matches a single observation
		for i, s := range all {
			if s.Fits>>part(e)&1 == 1 {
				found[1<<i] = true
			}
		}
	case *pattern.Combination:
		sets := Matches(e.Terms[0], all, part)
		for _, t := range e.Terms[1:] {
			more := Matches(t, all, part)
			var next []uint32
			switch e.Op {
			case pattern.Or: // one of them
				next = append(sets, more...)
			case pattern.And, pattern.FollowedBy: // both, on different observations
				for _, a := range sets {
					for _, b := range more {
						// FOLLOWEDBY: those of b are as late as those of a, or later
						if a&b == 0 && (e.Op == pattern.And || timed(a|b) && last(a) <= first(b)) {
							next = append(next, a|b)
						}
					}
				}
			}
			slices.Sort(next)
			sets = slices.Compact(next)
		}
		return sets
	case *pattern.Qualified:
		sets := Matches(e.Of, all, part)
		switch q := e.By.(type) {
		case *pattern.Repeats: // a AND a …
			c := &pattern.Combination{Op: pattern.And}
			for range q.Times {
				c.Terms = append(c.Terms, e.Of)
			}
			return Matches(c, all, part)
		case *pattern.Within: // of two or more, the last is before the first plus the window
			seconds := q.Seconds.Float
			if q.Seconds.Kind == pattern.Integer {
				seconds = float64(q.Seconds.Int)
			}
			for _, a := range sets {
				if bits.OnesCount32(a) < 2 || timed(a) && float64(last(a)-first(a)) < seconds*1e9 {
					found[a] = true
				}
			}
		case *pattern.StartStop: // all of them at start or later, and before stop
			for _, a := range sets {
				if timed(a) && first(a) >= q.Start.Time.UnixNano() && last(a) < q.Stop.Time.UnixNano() {
					found[a] = true
				}
			}
		}
	}
	sets := make([]uint32, 0, len(found))
	for a := range found {
		sets = append(sets, a)
	}
	slices.Sort(sets)
	return sets
}

func edge(set uint32, all []Seen, last bool) int64 {
	t := int64(math.MaxInt64)
	if last {
		t = math.MinInt64
	}
	for i, s := range all {
		if set>>i&1 == 1 {
			if last {
				t = max(t, s.Time)
			} else {
				t = min(t, s.Time)
			}
		}
	}
	return t
}
