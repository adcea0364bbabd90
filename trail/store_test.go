package trail

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSorterOrdersAsTheWholeEdgesWould holds the sort by keys against the plain one.
func TestSorterOrdersAsTheWholeEdgesWould(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s sorter
	for _, n := range []int{0, 1, 2, 500, 3000, 40} { // shorter ones after longer ones: memory is used again
		all := make([]edge, n)
		for i := range all {
			all[i] = edge{From: Node(rng.UintN(5)), To: Node(rng.UintN(50)), Rel: Relation(rng.UintN(4)), Time: int64(rng.UintN(30)), File: uint32(rng.UintN(3)), Record: rng.Uint64N(1000)}
		}
		for _, key := range []func(*edge) Node{func(e *edge) Node { return e.From }, func(e *edge) Node { return e.To }} {
			want := slices.Clone(all)
			slices.SortStableFunc(want, func(a, b edge) int { return cmp.Or(cmp.Compare(key(&a), key(&b)), compareEdges(&a, &b)) })
			if got := s.sort(all, key); !slices.Equal(got, want) {
				t.Fatalf("%d edges: another order", n)
			}
		}
	}
}
