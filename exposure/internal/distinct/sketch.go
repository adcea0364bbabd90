// Package distinct counts different things by their keyed hashes in bounded memory. The count is
// exact until a stated number of hashes is held; beyond that a uniform sample of the hashes is
// kept, and every answer says so and carries an interval. It never turns approximate silently, and
// it never holds the things themselves.
//
// The sketch is the theta sketch with adaptive sampling (Wegman, see Flajolet 1990; set operations
// after Dasgupta, Lang, Rhodes and Thaler 2016): all hashes below a threshold are kept. Union,
// difference and intersection of two sketches are sketches under the smaller threshold.
package distinct

import (
	"math"
	"slices"
)

// Everything is the threshold of an exact sketch.
const Everything = math.MaxUint64

const pendingLimit = 256

// Sketch is a set of hashes, each with a small tag. One goroutine uses it at a time.
type Sketch struct {
	limit   int
	theta   uint64 // hashes below it are held; Everything while exact
	slots   []uint64
	tags    []uint16
	count   int
	most    int // the largest number of different hashes ever held at once: a hard lower bound
	pending []uint64
	ptags   []uint16
	tagged  bool
	touched uint64 // keeps the compiler from dropping the touching loop
}

// New returns a sketch that is exact up to limit different hashes. A tagged one keeps, per hash, the
// smallest tag other than zero that came with it.
func New(limit int, tagged bool) *Sketch {
	return &Sketch{limit: max(limit, 16), theta: Everything, tagged: tagged}
}

// Add puts a hash into the set. Inserts are gathered and made in runs, because independent probes of
// a large table overlap their cache misses and single ones do not.
func (s *Sketch) Add(hash uint64, tag uint16) {
	if hash >= s.theta {
		if hash != Everything || s.theta != Everything {
			return
		}
		hash-- // the one hash that no threshold could hold
	}
	if s.pending == nil {
		s.pending = make([]uint64, 0, pendingLimit)
		if s.tagged {
			s.ptags = make([]uint16, 0, pendingLimit)
		}
	}
	s.pending = append(s.pending, hash)
	if s.tagged {
		s.ptags = append(s.ptags, tag)
	}
	if len(s.pending) == pendingLimit {
		s.flush()
	}
}

func (s *Sketch) flush() {
	if len(s.pending) == 0 {
		return
	}
	if need := s.count + len(s.pending); need*4 > len(s.slots)*3 {
		s.grow(need)
	}
	mask := uint64(len(s.slots) - 1)
	// Touching the places first, without a branch between, lets the misses overlap.
	var touched uint64
	for _, h := range s.pending {
		touched ^= s.slots[spread(h)&mask]
	}
	s.touched = touched
	for n, h := range s.pending {
		if h >= s.theta {
			continue
		}
		key := h + 1 // zero marks an empty slot
		i := spread(h) & mask
		for s.slots[i] != 0 && s.slots[i] != key {
			i = (i + 1) & mask
		}
		if s.slots[i] == 0 {
			s.slots[i] = key
			s.count++
		}
		if s.tagged {
			if t := s.ptags[n]; t != 0 && (s.tags[i] == 0 || t < s.tags[i]) {
				s.tags[i] = t
			}
		}
	}
	s.pending = s.pending[:0]
	if s.tagged {
		s.ptags = s.ptags[:0]
	}
	s.most = max(s.most, s.count)
	for s.count > s.limit {
		s.halve()
	}
}

// spread takes the place in the table from other bits than those the threshold cuts.
func spread(h uint64) uint64 { return h * 0x9e3779b97f4a7c15 >> 20 }

func (s *Sketch) grow(need int) {
	size := 1024
	for size*3 < need*5 || size < 4*len(s.slots) && size < 1<<20 {
		size *= 2
	}
	s.rebuild(size)
}

func (s *Sketch) halve() {
	s.theta /= 2
	s.rebuild(len(s.slots))
}

func (s *Sketch) rebuild(size int) {
	oldSlots, oldTags := s.slots, s.tags
	s.slots = make([]uint64, size)
	if s.tagged {
		s.tags = make([]uint16, size)
	}
	s.count = 0
	mask := uint64(size - 1)
	for n, key := range oldSlots {
		if key == 0 || key-1 >= s.theta {
			continue
		}
		i := spread(key-1) & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = key
		if s.tagged {
			s.tags[i] = oldTags[n]
		}
		s.count++
	}
}

// Exact says whether the sketch still holds every hash it was given.
func (s *Sketch) Exact() bool { s.flush(); return s.theta == Everything }

// Count is how many different things there are.
type Count struct {
	Exact    bool
	Estimate float64
	Least    uint64     // certain lower bound: that many were held at once
	Interval [2]float64 // 90 %
}

// Count answers for the set.
func (s *Sketch) Count() Count {
	s.flush()
	return countOf(s.count, s.theta, s.most)
}

func countOf(n int, theta uint64, least int) Count {
	if theta == Everything {
		return Count{true, float64(n), uint64(n), [2]float64{float64(n), float64(n)}}
	}
	// Given the threshold, the number held is binomial in the truth with this probability.
	p := float64(theta) / float64(math.MaxUint64)
	c := Count{Estimate: float64(n) / p, Least: uint64(max(n, least))}
	half := 1.645 * math.Sqrt(float64(n+1)*(1-p)) / p
	c.Interval = [2]float64{math.Max(float64(c.Least), c.Estimate-half), c.Estimate + half}
	return c
}

// Merge adds all of o to s.
func (s *Sketch) Merge(o *Sketch) {
	o.flush()
	s.flush()
	if o.theta < s.theta {
		s.theta = o.theta
		s.rebuild(max(len(s.slots), 1024))
	}
	s.most = max(s.most, o.most)
	for i, key := range o.slots {
		if key != 0 {
			var t uint16
			if o.tagged {
				t = o.tags[i]
			}
			s.Add(key-1, t)
		}
	}
	s.flush()
}

// Has says whether a hash is held. Above the threshold it says false.
func (s *Sketch) Has(h uint64) bool { s.flush(); return s.has(h) }

func (s *Sketch) has(h uint64) bool {
	if h >= s.theta || len(s.slots) == 0 {
		return false
	}
	mask := uint64(len(s.slots) - 1)
	for i := spread(h) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i] == h+1 {
			return true
		}
	}
	return false
}

// Minus counts what is in s and in none of the others, and gives the numbers by tag.
func (s *Sketch) Minus(others ...*Sketch) (Count, map[uint16]float64) {
	s.flush()
	theta := s.theta
	for _, o := range others {
		o.flush()
		theta = min(theta, o.theta)
	}
	n, byTag := 0, map[uint16]float64{}
	p := float64(theta) / float64(math.MaxUint64)
	for i, key := range s.slots {
		if key == 0 || key-1 >= theta || slices.ContainsFunc(others, func(o *Sketch) bool { return o.has(key - 1) }) {
			continue
		}
		n++
		if s.tagged {
			byTag[s.tags[i]]++
		}
	}
	if theta != Everything {
		for t := range byTag {
			byTag[t] /= p
		}
	}
	least := n
	if len(others) == 0 {
		least = s.most
	}
	return countOf(n, theta, least), byTag
}

// Common counts what is in both.
func (s *Sketch) Common(o *Sketch) Count {
	s.flush()
	o.flush()
	theta, n := min(s.theta, o.theta), 0
	for _, key := range s.slots {
		if key != 0 && key-1 < theta && o.has(key-1) {
			n++
		}
	}
	return countOf(n, theta, n)
}
