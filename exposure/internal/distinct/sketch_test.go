package distinct

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

// The vectors are those of the SipHash reference: key 00…0f, input 00, 01, … of growing length.
func TestSipHashVectors(t *testing.T) {
	var key [16]byte
	for i := range key {
		key[i] = byte(i)
	}
	k := Key{binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])}
	in := make([]byte, 64)
	for i := range in {
		in[i] = byte(i)
	}
	for n, want := range map[int]uint64{0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 15: 0xa129ca6149be45e5} {
		if got := k.Sum(in[:n]); got != want {
			t.Errorf("length %d: %016x, want %016x", n, got, want)
		}
	}
}

func TestSketchAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s, set := New(1<<20, true), map[uint64]uint16{}
	for range 200000 {
		h, tag := r.Uint64N(150000)*0x9e3779b97f4a7c15, uint16(r.IntN(5))
		s.Add(h, tag)
		if old, ok := set[h]; !ok || tag != 0 && (old == 0 || tag < old) {
			set[h] = tag
		}
	}
	s.Add(0, 0)
	s.Add(math.MaxUint64, 0)
	if _, ok := set[0]; !ok {
		set[0] = 0
	}
	set[math.MaxUint64] = 0
	if c := s.Count(); !c.Exact || c.Estimate != float64(len(set)) {
		t.Fatalf("%+v, want exactly %d", c, len(set))
	}
	want := map[uint16]float64{}
	for _, tag := range set {
		want[tag]++
	}
	_, got := s.Minus()
	for tag, n := range want {
		if got[tag] != n {
			t.Errorf("tag %d: %v, want %v", tag, got[tag], n)
		}
	}
}

func TestSketchBeyondItsLimitSaysSo(t *testing.T) {
	const truth, trials = 60000, 200
	held := 0
	for seed := range trials {
		r := rand.New(rand.NewPCG(uint64(seed), 9))
		s := New(4096, false)
		for range truth {
			s.Add(r.Uint64(), 0)
		}
		c := s.Count()
		if c.Exact || c.Least > truth {
			t.Fatalf("%+v", c)
		}
		if c.Interval[0] <= truth && truth <= c.Interval[1] {
			held++
		}
	}
	if held < trials*85/100 || held > trials*97/100 {
		t.Errorf("90 %% interval held in %d of %d", held, trials)
	}
}

func TestSketchSetOperations(t *testing.T) {
	for _, limit := range []int{1 << 20, 8192} {
		r := rand.New(rand.NewPCG(3, 4))
		a, b := New(limit, false), New(limit, false)
		for i := range 90000 {
			h := r.Uint64()
			if i < 60000 {
				a.Add(h, 0)
			}
			if i >= 30000 {
				b.Add(h, 0)
			}
		}
		near := func(what string, c Count, want float64) {
			t.Helper()
			slack := 0.0
			if !c.Exact {
				slack = want * 0.08
			}
			if math.Abs(c.Estimate-want) > slack {
				t.Errorf("limit %d: %s %v, want %v", limit, what, c.Estimate, want)
			}
		}
		minus, _ := a.Minus(b)
		near("a−b", minus, 30000)
		near("a∩b", a.Common(b), 30000)
		a.Merge(b)
		near("a∪b", a.Count(), 90000)
		if a.Exact() != (limit > 90000) {
			t.Errorf("limit %d: exact is %v", limit, a.Exact())
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	s, k := New(4<<20, false), NewKey([]byte("k"), "b")
	var buf [16]byte
	for i := range b.N {
		binary.LittleEndian.PutUint64(buf[:], uint64(i)%1000000)
		s.Add(k.Sum(buf[:]), 0)
	}
}
