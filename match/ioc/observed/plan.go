// Package observed joins observations as STIX patterns over several of them say: AND, OR, FOLLOWEDBY, WITHIN, REPEATS and
// START … STOP (STIX 2.1, sections 9.5 and 9.6).
//
// It promises: what is told is a match of the whole pattern, made of different observations. A match is told with the first observation
// that makes one whole, and the next is sought among the observations behind that one, so the matches of a pattern name no
// observation twice. Where a bound was reached and a match may be missing, Joiner.Lost says so. The package compares no values: which
// observations fit which [ … ] is for its caller to say.
//
// Patterns go through two types: [Plan], compiled and immutable, and [Joiner], which belongs to one goroutine.
package observed

import (
	"fmt"
	"math"
	"slices"

	"github.com/contrail-ir/contrail/stix/pattern"
)

// Bounds of a pattern.
const (
	MaxSlots        = 256     // places that observations must be found for; one that REPEATS fills with the same is one place
	MaxObservations = 100_000 // of one match
)

// Plan is a compiled pattern: immutable, shared between goroutines.
type Plan struct {
	root  *node
	nodes []*node // parents before their children
	slots []*node // the leaves, left to right
	picks int     // how many OR there are
	feeds map[int][]int
}

type kind uint8

const (
	slot   kind = iota // a place for observations that fit one test
	every              // AND, and the copies that REPEATS asks for
	either             // OR
	then               // FOLLOWEDBY
)

// node is a part of a pattern.
type node struct {
	kind   kind
	kids   []*node
	window int64 // how far apart, in nanoseconds, its observations must not be; 0 for no bound

	fits  []fit // of a slot
	times int   // how many observations a slot takes

	parent   *node
	twin     *node // the copy before this one, of those that REPEATS asks for
	place    int   // among the parent's children
	pick     int   // number of an OR
	watched  bool  // a window stands above
	timed    bool  // of a slot: the pattern compares the times of its observations
	from, to int   // its slots
}

// fit is a [ … ] whose observations a slot takes, from one time to before another.
type fit struct {
	part     int
	from, to int64
}

func (f fit) bounded() bool { return f.from != math.MinInt64 || f.to != math.MaxInt64 }

// Compile makes a plan. number gives the caller's number of a [ … ]; two that ask the same may have the same number.
func Compile(e pattern.Expression, number func(*pattern.Observation) int) (*Plan, error) {
	b := builder{number: number}
	p := &Plan{feeds: map[int][]int{}}
	p.root = b.build(e, math.MinInt64, math.MaxInt64)
	if b.slots > MaxSlots {
		return nil, fmt.Errorf("the pattern asks for observations in more than %d places", MaxSlots)
	}
	p.settle(p.root, above{})
	if _, most := p.Observations(); most > MaxObservations {
		return nil, fmt.Errorf("one match of the pattern can have more than %d observations", MaxObservations)
	}
	for i, s := range p.slots {
		for _, f := range s.fits {
			if at := p.feeds[f.part]; len(at) == 0 || at[len(at)-1] != i {
				p.feeds[f.part] = append(at, i)
			}
		}
	}
	return p, nil
}

// Observations gives how many observations a match has at least and at most.
func (p *Plan) Observations() (least, most int) { return p.root.count() }

func (n *node) count() (least, most int) {
	if n.kind == slot {
		return n.times, n.times
	}
	for i, k := range n.kids {
		l, m := k.count()
		switch {
		case n.kind != either:
			least, most = least+l, min(most+m, math.MaxInt32)
		case i == 0:
			least, most = l, m
		default:
			least, most = min(least, l), max(most, m)
		}
	}
	return least, most
}

// above is what stands above a node.
type above struct {
	watched bool // a window
	window  bool // a window, and up to it nothing that asks for more than one observation
	timed   bool // what compares times
}

// settle numbers what a joiner keeps its state by.
func (p *Plan) settle(n *node, a above) {
	n.from, n.watched = len(p.slots), a.watched
	p.nodes = append(p.nodes, n)
	if n.window > 0 {
		a.watched, a.window = true, true
	}
	switch n.kind {
	case slot:
		p.slots = append(p.slots, n)
		n.timed = a.timed || a.window && n.times > 1
	case either:
		n.pick = p.picks
		p.picks++
	default:
		a.timed = a.timed || a.window || n.kind == then
	}
	for i, k := range n.kids {
		k.parent, k.place = n, i
		p.settle(k, a)
	}
	n.to = len(p.slots)
}

type builder struct {
	number func(*pattern.Observation) int
	slots  int // made so far
}

// build makes the node of an expression whose observations must lie between two times.
func (b *builder) build(e pattern.Expression, from, to int64) *node {
	switch e := e.(type) {
	case *pattern.Observation:
		b.slots++
		return &node{times: 1, fits: []fit{{b.number(e), from, to}}}
	case *pattern.Combination:
		n := &node{kind: map[pattern.Operator]kind{pattern.And: every, pattern.Or: either, pattern.FollowedBy: then}[e.Op]}
		for _, t := range e.Terms {
			k := b.build(t, from, to)
			if k.kind == n.kind && k.kind != slot && k.window == 0 {
				n.kids = append(n.kids, k.kids...)
			} else {
				n.kids = append(n.kids, k)
			}
		}
		return n.simple()
	case *pattern.Qualified:
		switch q := e.By.(type) {
		case *pattern.StartStop:
			return b.build(e.Of, max(from, q.Start.Time.UnixNano()), min(to, q.Stop.Time.UnixNano()))
		case *pattern.Within:
			n := b.build(e.Of, from, to)
			if w := window(q); w > 0 && (n.kind != slot || n.times > 1) && (n.window == 0 || w < n.window) {
				n.window = w
			}
			return n
		case *pattern.Repeats:
			return b.repeat(b.build(e.Of, from, to), int(min(q.Times, MaxObservations+1)))
		}
	}
	return &node{times: 1} // no such expression: nothing fits
}

// window gives the bound of a WITHIN: what it asks for is that times are less than this many nanoseconds apart.
func window(q *pattern.Within) int64 {
	ns := math.Ceil(q.Seconds.Float * 1e9)
	if q.Seconds.Kind == pattern.Integer {
		ns = float64(q.Seconds.Int) * 1e9
	}
	if ns >= math.MaxInt64 {
		return 0
	}
	return int64(ns)
}

// repeat asks for a part so many times: a REPEATS n TIMES is a AND a …, all different.
func (b *builder) repeat(n *node, times int) *node {
	switch {
	case times == 1:
		return n
	case n.kind == slot && n.window == 0:
		n.times = min(n.times*times, MaxObservations+1)
		return n
	case n.kind == every && n.window == 0:
		for i, k := range n.kids {
			n.kids[i] = b.repeat(k, times)
		}
		return n
	}
	n.twin = nil // it has others now
	all := &node{kind: every}
	for i := range times {
		if b.slots > MaxSlots {
			break
		}
		k := n
		if i > 0 {
			k = b.clone(n)
			k.twin = all.kids[i-1]
		}
		all.kids = append(all.kids, k)
	}
	return all
}

func (b *builder) clone(n *node) *node {
	c := *n
	if n.kind == slot {
		b.slots++
	}
	c.kids = make([]*node, len(n.kids))
	for i, k := range n.kids {
		c.kids[i] = b.clone(k)
		if k.twin != nil {
			c.kids[i].twin = c.kids[i-1]
		}
	}
	return &c
}

// simple joins slots that can be one: the observations of [a] OR [b] are those that fit a or b, and [a] AND [a] is [a] twice.
func (n *node) simple() *node {
	var kids []*node
	for _, k := range n.kids {
		at := slices.IndexFunc(kids, func(o *node) bool {
			if o.kind != slot || k.kind != slot || o.window > 0 || k.window > 0 {
				return false
			}
			return n.kind == either && o.times == 1 && k.times == 1 || n.kind == every && slices.Equal(o.fits, k.fits)
		})
		switch {
		case at < 0:
			kids = append(kids, k)
		case n.kind == either:
			kids[at].fits = append(kids[at].fits, k.fits...)
		default:
			kids[at].times = min(kids[at].times+k.times, MaxObservations+1)
		}
	}
	if n.kids = kids; len(kids) == 1 {
		return kids[0]
	}
	return n
}
