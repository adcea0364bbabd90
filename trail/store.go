package trail

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
)

// edgeLog keeps edges in the order in which they came: in memory up to a budget, then in a file.
type edgeLog struct {
	mu     sync.Mutex
	dir    string
	budget int
	memory []edge
	file   *os.File
	buf    []byte
	count  int
}

// add appends edges. Any goroutine may call it.
func (l *edgeLog) add(es []edge) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count += len(es)
	l.memory = append(l.memory, es...)
	if len(l.memory)*edgeSize <= l.budget {
		return nil
	}
	var err error
	if l.file == nil {
		if l.file, err = os.CreateTemp(l.dir, "edges-"); err != nil {
			return fmt.Errorf("trail: spill edges: %w", err)
		}
	}
	l.buf = l.buf[:0]
	for i := range l.memory {
		l.buf = l.memory[i].append(l.buf)
		if len(l.buf) >= 1<<20 {
			if _, err := l.file.Write(l.buf); err != nil {
				return fmt.Errorf("trail: spill edges: %w", err)
			}
			l.buf = l.buf[:0]
		}
	}
	if _, err := l.file.Write(l.buf); err != nil {
		return fmt.Errorf("trail: spill edges: %w", err)
	}
	l.memory = l.memory[:0]
	return nil
}

// each calls f with every edge, in no order that means anything.
func (l *edgeLog) each(f func(*edge) error) error {
	if l.file != nil {
		if _, err := l.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("trail: read spilled edges: %w", err)
		}
		in := bufio.NewReaderSize(l.file, 1<<20)
		var b [edgeSize]byte
		for {
			if _, err := io.ReadFull(in, b[:]); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return fmt.Errorf("trail: read spilled edges: %w", err)
			}
			e := parseEdge(b[:])
			if err := f(&e); err != nil {
				return err
			}
		}
	}
	for i := range l.memory {
		e := l.memory[i]
		if err := f(&e); err != nil {
			return err
		}
	}
	return nil
}

func (l *edgeLog) close() error {
	l.memory, l.buf = nil, nil
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Close(), os.Remove(l.file.Name()))
	l.file = nil
	return err
}

// adjacency gives the edges at a node in order of time: those that leave it, or those that enter it. Nodes are dealt into buckets;
// a bucket is sorted and folded in memory once and, when the whole is beyond the budget, lies in a file in which edges are found by
// bisection. That costs no memory per node or edge.
type adjacency struct {
	incoming bool
	buckets  []bucket
	dir      string
	spilled  bool
}

type bucket struct {
	pending []edge
	sorted  []edge
	file    *os.File
	count   int // edges in file
}

// bucketEdges is about how many edges a bucket holds: what is sorted in memory at once.
const bucketEdges = 1 << 18

func newAdjacency(incoming bool, edges, budget int, dir string) *adjacency {
	a := &adjacency{incoming: incoming, dir: dir, spilled: edges*edgeSize > budget}
	a.buckets = make([]bucket, max(1, min(1024, edges/bucketEdges+1)))
	return a
}

func (a *adjacency) key(e *edge) Node {
	if a.incoming {
		return e.To
	}
	return e.From
}

// of spreads nodes over the buckets; neighbouring numbers of a shard must not share one.
func (a *adjacency) of(n Node) *bucket {
	return &a.buckets[(uint32(n)*0x9e3779b1>>8)%uint32(len(a.buckets))]
}

func (a *adjacency) addAll(es []edge) error {
	for i := range es {
		if err := a.add(&es[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *adjacency) add(e *edge) error {
	if a.key(e) == noNode {
		return nil
	}
	b := a.of(a.key(e))
	b.pending = append(b.pending, *e)
	if !a.spilled || len(b.pending) < 1024 {
		return nil
	}
	return b.flush(a.dir)
}

func (b *bucket) flush(dir string) (err error) {
	if b.file == nil {
		if b.file, err = os.CreateTemp(dir, "bucket-"); err != nil {
			return fmt.Errorf("trail: spill edges: %w", err)
		}
	}
	const piece = 1 << 14 // edges
	buf := make([]byte, 0, min(len(b.pending), piece)*edgeSize)
	for part := range slices.Chunk(b.pending, piece) {
		buf = buf[:0]
		for i := range part {
			buf = part[i].append(buf)
		}
		if _, err := b.file.Write(buf); err != nil {
			return fmt.Errorf("trail: spill edges: %w", err)
		}
	}
	b.count += len(b.pending)
	b.pending = b.pending[:0]
	return nil
}

// finish sorts and folds every bucket, on all processors: buckets know nothing of each other. What is held at once is a bucket for each.
func (a *adjacency) finish() error {
	var next atomic.Int64
	errs := make([]error, max(1, min(runtime.GOMAXPROCS(0), len(a.buckets))))
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			var s sorter
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(a.buckets) {
					return
				}
				errs[w] = a.finishBucket(&a.buckets[i], &s)
			}
		})
	}
	workers.Wait()
	return errors.Join(errs...)
}

func (a *adjacency) finishBucket(b *bucket, s *sorter) error {
	all := b.pending
	if b.file != nil {
		s.read = slices.Grow(s.read[:0], b.count+len(all))
		in := bufio.NewReaderSize(io.NewSectionReader(b.file, 0, int64(b.count)*edgeSize), 1<<20)
		var one [edgeSize]byte
		for range b.count {
			if _, err := io.ReadFull(in, one[:]); err != nil {
				return fmt.Errorf("trail: read spilled edges: %w", err)
			}
			s.read = append(s.read, parseEdge(one[:]))
		}
		s.read = append(s.read, all...)
		all = s.read
	}
	all = fold(s.sort(all, a.key))
	b.pending = nil
	if b.file == nil {
		b.sorted = slices.Clone(all)
		return nil
	}
	if err := b.file.Truncate(0); err != nil {
		return fmt.Errorf("trail: spill edges: %w", err)
	}
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("trail: spill edges: %w", err)
	}
	b.count, b.pending = 0, all
	if err := b.flush(a.dir); err != nil {
		return err
	}
	b.pending = nil
	return nil
}

// sorter orders edges by node and then as compareEdges does. It sorts keys of 16 bytes and moves each edge once: edges are three times as
// long, and moving them at every step of the sort cost 10.1 s of processor time for 24 million edges where this costs 6.1.
type sorter struct {
	read []edge
	keys []sortKey
	out  []edge
}

type sortKey struct {
	time int64
	node Node
	at   uint32 // place of the edge in what is sorted
}

// sort returns the edges in order, in memory that the next call uses again.
func (s *sorter) sort(all []edge, key func(*edge) Node) []edge {
	s.keys, s.out = slices.Grow(s.keys[:0], len(all)), slices.Grow(s.out[:0], len(all))
	for i := range all {
		s.keys = append(s.keys, sortKey{all[i].Time, key(&all[i]), uint32(i)})
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

// fold joins like edges between two nodes within an hour of the first into that one; edges come sorted by node and time. The window
// begins anew after each hour, so a month of beacons stays visible as a month.
func fold(es []edge) []edge {
	type ends struct {
		from, to Node
		rel      Relation
	}
	open := map[ends]int{}
	out := es[:0]
	var node Node
	for i := range es {
		e := es[i]
		if i == 0 || e.From != node && len(open) > 4096 {
			clear(open)
		}
		node = e.From
		if !e.Rel.foldable() {
			out = append(out, e)
			continue
		}
		k := ends{e.From, e.To, e.Rel}
		if at, ok := open[k]; ok && e.Time-out[at].Time < foldWithin {
			f := &out[at]
			if f.Count += e.Count; f.Count < e.Count {
				f.Count = ^uint32(0)
			}
			f.Span = uint32((e.Time - f.Time) / 1e9)
			continue
		}
		open[k] = len(out)
		out = append(out, e)
	}
	return out
}

// edges appends to dst the edges at a node from one time to before another, at most limit of them, and says whether there are more.
func (a *adjacency) edges(dst []edge, n Node, from, to int64, limit int) (_ []edge, more bool) {
	b := a.of(n)
	at := func(i int) edge { return b.sorted[i] }
	count := len(b.sorted)
	if b.file != nil {
		count = b.count
		var buf [edgeSize]byte
		at = func(i int) edge {
			if _, err := b.file.ReadAt(buf[:], int64(i)*edgeSize); err != nil {
				return edge{}
			}
			return parseEdge(buf[:])
		}
	}
	first := sort.Search(count, func(i int) bool {
		e := at(i)
		k := a.key(&e)
		return k > n || k == n && e.Time >= from
	})
	for i := first; i < count; i++ {
		e := at(i)
		if a.key(&e) != n || e.Time >= to {
			return dst, false
		}
		if len(dst) >= limit {
			return dst, true
		}
		dst = append(dst, e)
	}
	return dst, false
}

func (a *adjacency) close() error {
	var err error
	for i := range a.buckets {
		if f := a.buckets[i].file; f != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}
	return err
}
