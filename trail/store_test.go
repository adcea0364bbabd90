package trail

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// someEdges gives edges of few nodes, moments and relations, so that many are alike.
func someEdges(rng *rand.Rand, n int) []edge {
	all := make([]edge, n)
	for i := range all {
		all[i] = edge{From: Node(1 + rng.UintN(5)), To: Node(1 + rng.UintN(50)), Rel: Relation(1 + rng.UintN(uint(relationCount)-1)), Host: uint32(rng.UintN(3)), Count: 1 + uint32(rng.UintN(2)), Time: int64(rng.UintN(30)) * foldWithin / 7,
			File: uint32(rng.UintN(3)), Record: rng.Uint64N(1000)}
	}
	return all
}

func ofFrom(e *edge) Node { return e.From }
func ofTo(e *edge) Node   { return e.To }

func inOrder(all []edge, key func(*edge) Node) []edge {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b edge) int { return cmp.Or(cmp.Compare(key(&a), key(&b)), compareEdges(&a, &b)) })
	return out
}

// TestSorterOrdersAsTheWholeEdgesWould holds the sort by keys against the plain one.
func TestSorterOrdersAsTheWholeEdgesWould(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s sorter
	for _, n := range []int{0, 1, 2, 500, 3000, 40} { // shorter ones after longer ones: memory is used again
		all := someEdges(rng, n)
		for _, s.key = range []func(*edge) Node{ofFrom, ofTo} {
			if got := s.sort(all); !alikeEdges(got, inOrder(all, s.key)) {
				t.Fatalf("%d edges: another order", n)
			}
		}
	}
}

// alikeEdges compares what the order depends on: edges alike in all of it may change places.
func alikeEdges(a, b []edge) bool {
	return slices.EqualFunc(a, b, func(x, y edge) bool { return compareEdges(&x, &y) == 0 })
}

// foldedSlowly is the fold as it is said: each edge that folds looks back for the first of its hour.
func foldedSlowly(all []edge, key func(*edge) Node) (out []edge) {
	for _, e := range all {
		for i := len(out) - 1; e.Rel.foldable() && i >= 0 && key(&out[i]) == key(&e); i-- {
			if x := &out[i]; x.From == e.From && x.To == e.To && x.Rel == e.Rel && (e.Rel != Sent || x.File == e.File) {
				if e.Time-x.Time < foldWithin {
					x.Count += e.Count
					x.Span = uint32((e.Time - x.Time) / 1e9)
					e.Rel = noRelation
				}
				break
			}
		}
		if e.Rel != noRelation {
			out = append(out, e)
		}
	}
	return out
}

// TestFilesAreFoldedAsMemoryIs holds edges in a file, in one run and in many, and edges in memory against the slow fold of the plain sort.
func TestFilesAreFoldedAsMemoryIs(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 700, 4000, 20} {
		all := someEdges(rng, n)
		for i := range all {
			all[i].Record, all[i].Host = uint64(i), 1 // no two are alike, so there is one order
		}
		for name, key := range map[string]func(*edge) Node{"from": ofFrom, "to": ofTo} {
			want := foldedSlowly(inOrder(all, key), key)
			s := sorter{key: key, dir: t.TempDir()}
			if got := s.folded(slices.Clone(all)); !slices.Equal(got, want) {
				t.Errorf("%d edges by %s in memory: %d, not %d, or others", n, name, len(got), len(want))
			}
			for _, s.most = range []int{0, 7, 333} {
				if got := foldedInFile(t, &s, all); !slices.Equal(got, want) {
					t.Errorf("%d edges by %s, %d at once: %d, not %d, or others", n, name, s.most, len(got), len(want))
				}
			}
		}
	}
}

func foldedInFile(t *testing.T, s *sorter, all []edge) (out []edge) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "edges"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range all {
		if _, err := f.Write(all[i].append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.foldedFile(f, len(all))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil || len(b) != n*edgeSize {
		t.Fatalf("%d bytes of %d edges: %v", len(b), n, err)
	}
	for ; len(b) > 0; b = b[edgeSize:] {
		out = append(out, parseEdge(b))
	}
	return out
}

// TestEdgesOfOneNodeAreFoldedInParts: what is held at once is bounded, whatever a node does.
func TestEdgesOfOneNodeAreFoldedInParts(t *testing.T) {
	all := make([]edge, maxFolded+10)
	for i := range all {
		all[i] = edge{From: 1, To: 2, Rel: Connected, Count: 1, Record: uint64(i)}
	}
	s := sorter{key: ofFrom, dir: t.TempDir(), most: 50_000}
	want := []edge{{From: 1, To: 2, Rel: Connected, Count: maxFolded}, {From: 1, To: 2, Rel: Connected, Count: 10, Record: maxFolded}}
	if got := foldedInFile(t, &s, all); !slices.Equal(got, want) {
		t.Errorf("merged: %v", got)
	}
	if got := s.folded(all); !slices.Equal(got, want) {
		t.Errorf("in memory: %v", got)
	}
}

// TestEdgeLogGivesBackWhatItTook, in memory and from its file, whoever added in between.
func TestEdgeLogGivesBackWhatItTook(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, budget := range []int{0, 500, 1 << 20} {
		l := edgeLog{dir: t.TempDir(), budget: budget}
		var want, got []edge
		var buf []byte
		for range 50 {
			some := someEdges(rng, int(rng.UintN(40)))
			for i := range some {
				if i > 0 && rng.UintN(3) > 0 { // several edges of one record
					x := &some[i-1]
					some[i].Time, some[i].File, some[i].Record, some[i].Host = x.Time, x.File, x.Record, x.Host
				}
			}
			var err error
			if buf, err = l.add(some, buf); err != nil {
				t.Fatal(err)
			}
			want = append(want, some...)
		}
		err := l.each(func(e edge) error { got = append(got, e); return nil })
		if err != nil || !slices.Equal(got, want) || l.count != len(want) {
			t.Errorf("budget %d: %d edges back of %d, or others: %v", budget, len(got), len(want), err)
		}
		if l.file != nil {
			if err := l.file.Truncate(int64(maxDifference)*3 + 5); err != nil {
				t.Fatal(err)
			}
			if err := l.each(func(edge) error { return nil }); err == nil {
				t.Error("a log that was cut is read to its end")
			}
		}
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNamesComeBack, from memory and from disk, one by one and all.
func TestNamesComeBack(t *testing.T) {
	for _, budget := range []int{0, 1 << 24} {
		n := newNames(t.TempDir(), budget)
		const many = 20_000
		ids := map[Node]string{}
		add := func(from, to int) {
			for i := from; i < to; i++ {
				key := appendKey(nil, Kind(1+i%5), []byte("host"), fmt.Appendf(nil, "%d-%0*d", i, i%60, i))
				id, fresh, err := n.node(key, n.hash(key))
				if err != nil || id == noNode || fresh != (ids[id] == "") || id >= n.limit() {
					t.Fatalf("name %d: %d, new %v: %v", i, id, fresh, err)
				}
				ids[id] = string(key)
			}
		}
		add(0, many)
		add(0, 100)
		if err := n.settle(); err != nil {
			t.Fatal(err)
		}
		add(many, many+50)
		if len(ids) != many+50 || n.len() != many+50 {
			t.Fatalf("%d numbers for %d names, %d known", len(ids), many+50, n.len())
		}
		seen := 0
		for _, kinds := range [][]Kind{{1, 3}, {2, 4, 5}} {
			n.each(func(id Node, key []byte) {
				if seen++; ids[id] != string(key) || !slices.Contains(kinds, Kind(key[0])) {
					t.Fatalf("%d is %q, not %q", id, key, ids[id])
				}
			}, kinds...)
		}
		if seen != len(ids) || n.trouble() != nil {
			t.Errorf("%d of %d names: %v", seen, len(ids), n.trouble())
		}
		for id, key := range ids {
			if id%17 == 0 && (string(n.key(id)) != key || n.find([]byte(key)) != id) {
				t.Fatalf("%d is %q, found at %d", id, n.key(id), n.find([]byte(key)))
			}
		}
		if err := n.close(); err != nil {
			t.Error(err)
		}
		if budget == 0 {
			n.each(func(Node, []byte) {}, 1)
			if n.key(1<<shardBits) != nil || n.trouble() == nil {
				t.Error("names that cannot be read back are not told of")
			}
		}
	}
}
