package trail

import (
	"bufio"
	"cmp"
	"container/heap"
	"errors"
	"io"
	"os"
	"slices"
)

// sorter orders edges by node and then as compareEdges does, and folds them. It sorts keys of 16 bytes and moves each edge once: edges are three
// times as long, and moving them at every step of the sort cost 10.1 s of processor time for 24 million edges where this costs 6.1.
//
// What it holds does not grow with a file: more than it sorts at once is sorted in runs, which are merged.
type sorter struct {
	key  func(*edge) Node
	dir  string
	most int // edges that are sorted at once; 0 for mostSorted
	read []edge
	keys []sortKey
	out  []edge
	buf  []byte
	like folder
}

// mostSorted takes 48 MiB.
const mostSorted = 1 << 19

type sortKey struct {
	time int64
	node Node
	at   uint32 // place of the edge in what is sorted
}

// sort returns the edges in order, in memory that the next call uses again.
func (s *sorter) sort(all []edge) []edge {
	s.keys, s.out = sized(s.keys, len(all)), sized(s.out, len(all))
	for i := range all {
		s.keys = append(s.keys, sortKey{all[i].Time, s.key(&all[i]), uint32(i)})
	}
	slices.SortFunc(s.keys, func(x, y sortKey) int {
		switch {
		case x.node != y.node:
			return cmp.Compare(x.node, y.node)
		case x.time != y.time:
			return cmp.Compare(x.time, y.time)
		}
		return compareEdges(&all[x.at], &all[y.at])
	})
	for _, k := range s.keys {
		s.out = append(s.out, all[k.at])
	}
	return s.out
}

// sized gives an empty slice that holds n without growing, a used one when it is large enough.
func sized[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:0]
	}
	return make([]T, 0, n+n/8)
}

// folded gives edges in order and folded, in memory of their own.
func (s *sorter) folded(all []edge) []edge {
	all = s.sort(all)
	n := 0
	for part := range s.parts(all) {
		n += copy(all[n:], s.like.fold(part))
	}
	return slices.Clone(all[:n])
}

// maxFolded bounds the edges of one node that are folded together.
const maxFolded = 1 << 16

// parts cuts what is in order into the edges of one node each, or maxFolded of them.
func (s *sorter) parts(all []edge) func(func([]edge) bool) {
	return func(yield func([]edge) bool) {
		for from := 0; from < len(all); {
			to := from + 1
			for n := s.key(&all[from]); to < len(all) && to-from < maxFolded && s.key(&all[to]) == n; to++ {
			}
			if !yield(all[from:to]) {
				return
			}
			from = to
		}
	}
}

// foldedFile puts the edges that a file begins with in order and folds them, in place, and gives how many are left.
func (s *sorter) foldedFile(f *os.File, count int) (int, error) {
	most := cmp.Or(s.most, mostSorted)
	if count > most {
		return s.merged(f, count, most)
	}
	all, err := s.load(f, 0, count)
	if err != nil {
		return 0, err
	}
	all = s.sort(all)
	out := edgeWriter{file: f, buf: s.buf}
	for part := range s.parts(all) {
		out.add(s.like.fold(part))
	}
	s.buf = out.buf
	return out.end()
}

// load reads edges of a file into memory that the next call uses again.
func (s *sorter) load(f *os.File, from, to int) ([]edge, error) {
	s.read = sized(s.read, to-from)
	s.buf = sized(s.buf, writeBytes)
	for at := from; at < to; {
		b := s.buf[:min(to-at, writeBytes/edgeSize)*edgeSize]
		if n, err := f.ReadAt(b, int64(at)*edgeSize); n < len(b) {
			return nil, errors.Join(err, io.ErrUnexpectedEOF)
		}
		for ; len(b) > 0; b = b[edgeSize:] {
			s.read = append(s.read, parseEdge(b))
			at++
		}
	}
	return s.read, nil
}

// merged is foldedFile for more than is sorted at once: runs are put in order in a file beside, and merged from there.
func (s *sorter) merged(f *os.File, count, most int) (n int, err error) {
	beside, err := os.CreateTemp(s.dir, "runs-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, beside.Close(), os.Remove(beside.Name())) }()
	runs := runHeap{key: s.key}
	runOut := edgeWriter{file: beside, buf: s.buf}
	for from := 0; from < count; from += most {
		to := min(from+most, count)
		all, err := s.load(f, from, to)
		if err != nil {
			return 0, err
		}
		runOut.buf = s.buf[:0]
		runOut.add(s.sort(all))
		if err := runOut.flush(); err != nil {
			return 0, err
		}
		in := bufio.NewReaderSize(io.NewSectionReader(beside, int64(from)*edgeSize, int64(to-from)*edgeSize), 1<<16)
		runs.all = append(runs.all, &run{in: in})
	}
	for _, r := range runs.all {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	heap.Init(&runs)
	out := edgeWriter{file: f, buf: s.buf}
	node := s.read[:0]
	for len(runs.all) > 0 {
		r := runs.all[0]
		if len(node) > 0 && (s.key(&node[0]) != s.key(&r.first) || len(node) >= maxFolded) {
			out.add(s.like.fold(node))
			node = node[:0]
		}
		node = append(node, r.first)
		switch err := r.next(); {
		case errors.Is(err, io.EOF):
			heap.Pop(&runs)
		case err != nil:
			return 0, err
		default:
			heap.Fix(&runs, 0)
		}
	}
	out.add(s.like.fold(node))
	return out.end()
}

// run is a part of a file that is in order.
type run struct {
	in    *bufio.Reader
	first edge
}

// next goes on to the next edge; io.EOF at the end.
func (r *run) next() error {
	var b [edgeSize]byte
	if _, err := io.ReadFull(r.in, b[:]); err != nil {
		return err
	}
	r.first = parseEdge(b[:])
	return nil
}

// runHeap is a heap of runs by their first edges.
type runHeap struct {
	key func(*edge) Node
	all []*run
}

func (r *runHeap) Len() int { return len(r.all) }
func (r *runHeap) Less(i, j int) bool {
	a, b := &r.all[i].first, &r.all[j].first
	if c := cmp.Compare(r.key(a), r.key(b)); c != 0 {
		return c < 0
	}
	return compareEdges(a, b) < 0
}
func (r *runHeap) Swap(i, j int) { r.all[i], r.all[j] = r.all[j], r.all[i] }
func (r *runHeap) Push(any)      {} // what there is was there from the beginning
func (r *runHeap) Pop() any {
	last := r.all[len(r.all)-1]
	r.all = r.all[:len(r.all)-1]
	return last
}

// edgeWriter writes edges to a file from its beginning on.
type edgeWriter struct {
	file  *os.File
	buf   []byte
	at    int64
	count int
	err   error
}

const writeBytes = 1 << 14 * edgeSize

func (w *edgeWriter) add(es []edge) {
	w.count += len(es)
	for i := range es {
		if w.buf = es[i].append(w.buf); len(w.buf) >= writeBytes {
			w.flush()
		}
	}
}

func (w *edgeWriter) flush() error {
	if w.err == nil {
		var n int
		n, w.err = w.file.WriteAt(w.buf, w.at)
		w.at += int64(n)
	}
	w.buf = w.buf[:0]
	return w.err
}

// end cuts the file off behind what was written and gives the number of edges in it.
func (w *edgeWriter) end() (int, error) {
	if err := w.flush(); err != nil {
		return 0, err
	}
	return w.count, w.file.Truncate(w.at)
}

// foldWithin is how long the first of several like edges stands for those that follow, in nanoseconds.
const foldWithin = int64(3600e9)

// foldable relations repeat without telling more: a beacon's thousand connections, a service's thousand file writes.
func (r Relation) foldable() bool {
	switch r {
	case Connected, Sent, Resolved, Answered, Requested, Posted, RunsImage, RunsProgram, HasHash, Wrote, ReadFrom, SetValue, Loaded, Accessed, Checked, UsedPipe, Queried, InSession, Reached, Probed, Serves, ServedAs, SavedAs, AddressedTo:
		return true
	}
	return false
}

// folder joins like edges.
type folder struct {
	open map[alike]place
	turn int // which call of fold
}

type alike struct {
	from, to Node
	rel      Relation
	file     uint32 // of Sent: several logs tell of the same bytes
}

// place is where the first of like edges stands, and in which call.
type place struct{ turn, at int }

// fold joins, among the edges of one node in order of time, like ones within an hour of the first into that one. The window begins anew after
// each hour, so a month of beacons stays visible as a month. It works in place.
func (f *folder) fold(es []edge) []edge {
	if len(es) < 2 {
		return es
	}
	switch n := len(f.open); {
	case f.open == nil || n > 1<<15: // clearing a map costs what it once held
		f.open = map[alike]place{}
	case n > 1<<13:
		clear(f.open)
	}
	f.turn++
	out := es[:0]
	for i := range es {
		e := es[i]
		if !e.Rel.foldable() {
			out = append(out, e)
			continue
		}
		k := alike{from: e.From, to: e.To, rel: e.Rel}
		if e.Rel == Sent {
			k.file = e.File
		}
		if p, ok := f.open[k]; ok && p.turn == f.turn && e.Time-out[p.at].Time < foldWithin {
			x := &out[p.at]
			if x.Count += e.Count; x.Count < e.Count {
				x.Count = ^uint32(0)
			}
			x.Span = uint32((e.Time - x.Time) / 1e9)
			continue
		}
		f.open[k] = place{f.turn, len(out)}
		out = append(out, e)
	}
	return out
}
