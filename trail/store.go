package trail

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
)

// edgeLog keeps edges in the order in which they came: in memory up to a budget, then in a file.
type edgeLog struct {
	mu     sync.Mutex
	dir    string
	budget int
	memory []byte
	file   *os.File
	count  int
}

// add appends edges. Any goroutine may call it; buf is memory that it may use, and is given back for the next call.
func (l *edgeLog) add(es []edge, buf []byte) ([]byte, error) {
	buf = buf[:0]
	var before edge
	for i := range es {
		buf = es[i].appendAfter(buf, &before)
		before = es[i]
	}
	if len(es) > 0 { // what another goroutine adds comes before
		buf[0] &^= sameRecord | sameFrom
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count += len(es)
	l.memory = append(l.memory, buf...)
	if len(l.memory) <= l.budget {
		return buf, nil
	}
	var err error
	if l.file == nil {
		l.file, err = os.CreateTemp(l.dir, "edges-")
	}
	if err == nil {
		_, err = l.file.Write(l.memory)
	}
	if err != nil {
		return buf, fmt.Errorf("trail: spill edges: %w", err)
	}
	l.memory = l.memory[:0]
	return buf, nil
}

// each calls f with every edge, in no order that means anything.
func (l *edgeLog) each(f func(edge) error) error {
	var e edge
	if l.file != nil {
		if _, err := l.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("trail: read spilled edges: %w", err)
		}
		in := bufio.NewReaderSize(l.file, 1<<20)
		for {
			b, err := in.Peek(maxDifference)
			if len(b) == 0 && errors.Is(err, io.EOF) {
				break
			}
			n := e.parseAfter(b)
			if n == 0 {
				return fmt.Errorf("trail: read spilled edges: %w", errors.Join(err, io.ErrUnexpectedEOF))
			}
			in.Discard(n)
			if err := f(e); err != nil {
				return err
			}
		}
	}
	for rest := l.memory; len(rest) > 0; {
		n := e.parseAfter(rest)
		rest = rest[n:]
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

func (l *edgeLog) close() error {
	l.memory = nil
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Close(), os.Remove(l.file.Name()))
	l.file = nil
	return err
}

// adjacency gives the edges at a node in order of time: those that leave it, or those that enter it. Nodes are dealt into buckets;
// a bucket is put in order and folded once and, when the whole is beyond the budget, lies in a file in which edges are found by
// bisection. That costs no memory per node or edge.
type adjacency struct {
	incoming bool
	buckets  []bucket
	dir      string
	spilled  bool
	ahead    []byte // what was read; one goroutine asks for edges
	failed   error  // of reading edges back, the first
}

type bucket struct {
	sorted  []edge // before finish in the order in which they came
	pending []byte // what is not in the file yet
	file    *os.File
	count   int // edges in file and pending
}

const (
	// bucketEdges is about how many edges a bucket is meant to hold.
	bucketEdges = 1 << 18
	maxBuckets  = 512
	// pendingBytes is how much of a bucket waits to be written.
	pendingBytes = 512 * edgeSize
)

func newAdjacency(incoming bool, edges, budget int, dir string) *adjacency {
	a := &adjacency{incoming: incoming, dir: dir, spilled: edges*edgeSize > budget}
	a.buckets = make([]bucket, max(1, min(maxBuckets, edges/bucketEdges+1)))
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
	n := a.key(e)
	if n == noNode {
		return nil
	}
	b := a.of(n)
	if !a.spilled {
		b.sorted = append(b.sorted, *e)
		return nil
	}
	if b.pending == nil {
		b.pending = make([]byte, 0, pendingBytes)
	}
	b.pending = e.append(b.pending)
	b.count++
	if len(b.pending) < pendingBytes {
		return nil
	}
	return b.flush(a.dir)
}

// flush writes what is pending.
func (b *bucket) flush(dir string) (err error) {
	if b.file == nil {
		b.file, err = os.CreateTemp(dir, "bucket-")
	}
	if err == nil {
		_, err = b.file.Write(b.pending)
	}
	if err != nil {
		return fmt.Errorf("trail: spill edges: %w", err)
	}
	b.pending = b.pending[:0]
	return nil
}

// finish puts every bucket in order and folds it, on all processors: buckets know nothing of each other.
func (a *adjacency) finish() error {
	var next atomic.Int64
	errs := make([]error, max(1, min(runtime.GOMAXPROCS(0), len(a.buckets))))
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			s := sorter{key: a.key, dir: a.dir}
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

func (a *adjacency) finishBucket(b *bucket, s *sorter) (err error) {
	switch {
	case !a.spilled:
		b.sorted = s.folded(b.sorted)
		return nil
	case b.count == 0:
		return nil
	}
	if err := b.flush(a.dir); err != nil {
		return err
	}
	b.pending = nil
	if b.count, err = s.foldedFile(b.file, b.count); err != nil {
		return fmt.Errorf("trail: put spilled edges in order: %w", err)
	}
	return nil
}

// edges appends to dst the edges at a node from one time to before another, at most limit of them, and says whether there are more. What cannot be
// read back is missing; trouble tells. One goroutine calls it.
func (a *adjacency) edges(dst []edge, n Node, from, to int64, limit int) (_ []edge, more bool) {
	b := a.of(n)
	r := edgeReader{sorted: b.sorted, file: b.file, count: len(b.sorted)}
	if b.file != nil {
		if a.ahead == nil {
			a.ahead = make([]byte, readAhead*edgeSize)
		}
		r.count, r.buf = b.count, a.ahead
		defer func() {
			if r.failed != nil && a.failed == nil {
				a.failed = fmt.Errorf("trail: read spilled edges: %w", r.failed)
			}
		}()
	}
	first := sort.Search(r.count, func(i int) bool {
		e := r.at(i, 1)
		k := a.key(&e)
		return k > n || k == n && e.Time >= from
	})
	for i := first; i < r.count; i++ {
		e := r.at(i, readAhead)
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

// readAhead is how many edges are read from a file together when one after another is looked at.
const readAhead = 64

// edgeReader gives edges by their place, from memory or from a file.
type edgeReader struct {
	sorted   []edge
	file     *os.File
	count    int
	from, to int // places in buf
	buf      []byte
	failed   error
}

// at gives the edge at a place; when it has to be read, so are those behind it, ahead in all.
func (r *edgeReader) at(i, ahead int) edge {
	if r.file == nil {
		return r.sorted[i]
	}
	if i < r.from || i >= r.to {
		n, err := r.file.ReadAt(r.buf[:min(ahead, r.count-i)*edgeSize], int64(i)*edgeSize)
		if n < edgeSize {
			r.failed = errors.Join(err, io.ErrUnexpectedEOF)
			return edge{}
		}
		r.from, r.to = i, i+n/edgeSize
	}
	return parseEdge(r.buf[(i-r.from)*edgeSize:])
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
