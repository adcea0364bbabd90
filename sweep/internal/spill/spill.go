// Package spill sorts more items than fit in memory.
//
// Items are gathered in memory up to a budget; what is beyond is sorted and written to a temporary file as a run, and the
// runs are merged at the end. The order is the caller's, must be total, and does not depend on which items shared a run.
// Memory is bounded by the budget and one buffer per run; the number of runs is kept below a bound by merging early.
package spill

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

const (
	maxRuns   = 48
	runBuffer = 128 << 10
	// maxItem bounds what is read back, so that a temporary file that somebody changed cannot ask for all memory.
	maxItem = 1 << 30
)

// Codec orders items and turns them into bytes and back.
type Codec[T any] interface {
	Compare(a, b T) int
	Append(dst []byte, item T) []byte
	Decode(b []byte) (T, error)
}

// Sorter takes items from many goroutines.
type Sorter[T any] struct {
	codec  Codec[T]
	dir    string
	budget int

	mu     sync.Mutex
	items  []T   // guarded by mu
	bytes  int   // guarded by mu
	runs   []run // guarded by mu
	runNo  int   // guarded by mu
	failed error // guarded by mu
}

type run struct {
	path string
}

// New returns a sorter that keeps about budget bytes in memory and writes runs into dir, which must exist.
func New[T any](codec Codec[T], dir string, budget int) *Sorter[T] {
	return &Sorter[T]{codec: codec, dir: dir, budget: budget}
}

// Add takes items of about the given size in bytes together. The slice is copied; what its items refer to is kept.
func (s *Sorter[T]) Add(items []T, size int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	s.items = append(s.items, items...)
	s.bytes += size
	if s.bytes > s.budget {
		s.failed = s.spill()
	}
	return s.failed
}

func (s *Sorter[T]) spill() error {
	slices.SortFunc(s.items, s.codec.Compare)
	i := 0
	if err := s.writeRun(func() (T, error) {
		if i == len(s.items) {
			var none T
			return none, io.EOF
		}
		i++
		return s.items[i-1], nil
	}); err != nil {
		return err
	}
	clear(s.items)
	s.items, s.bytes = s.items[:0], 0
	if len(s.runs) < maxRuns {
		return nil
	}
	merged, err := openRuns(s.codec, s.runs, nil)
	if err != nil {
		return err
	}
	old := s.runs
	s.runs = nil
	if err := errors.Join(s.writeRun(merged.next), merged.close()); err != nil {
		return err
	}
	return remove(old)
}

func (s *Sorter[T]) writeRun(next func() (T, error)) (err error) {
	s.runNo++
	path := fmt.Sprintf("%s/run-%06d", s.dir, s.runNo)
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("sort findings: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, runBuffer)
	var buf []byte
	for {
		item, err := next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		buf = s.codec.Append(buf[:0], item)
		var head [binary.MaxVarintLen64]byte
		n := binary.PutUvarint(head[:], uint64(len(buf)))
		if _, err := w.Write(head[:n]); err != nil {
			return fmt.Errorf("sort findings: %w", err)
		}
		if _, err := w.Write(buf); err != nil {
			return fmt.Errorf("sort findings: %w", err)
		}
	}
	s.runs = append(s.runs, run{path})
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sort findings: %w", err)
	}
	return nil
}

// Each calls f for every item in order and removes the runs. The sorter is empty afterwards. Nobody may add meanwhile.
func (s *Sorter[T]) Each(f func(T) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	slices.SortFunc(s.items, s.codec.Compare)
	m, err := openRuns(s.codec, s.runs, s.items)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, m.close(), remove(s.runs))
		s.runs, s.items = nil, nil
	}()
	for {
		item, err := m.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(item); err != nil {
			return err
		}
	}
}

func remove(runs []run) error {
	var errs []error
	for _, r := range runs {
		errs = append(errs, os.Remove(r.path))
	}
	return errors.Join(errs...)
}

// merger is a heap of sources by their next item.
type merger[T any] struct {
	codec   Codec[T]
	sources []*source[T]
	files   []*os.File
}

type source[T any] struct {
	item T
	next func() (T, error)
	no   int
}

func openRuns[T any](codec Codec[T], runs []run, memory []T) (*merger[T], error) {
	m := &merger[T]{codec: codec}
	add := func(next func() (T, error)) error {
		item, err := next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		m.sources = append(m.sources, &source[T]{item, next, len(m.sources)})
		return nil
	}
	for _, r := range runs {
		f, err := os.Open(r.path)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("sort findings: %w", err), m.close())
		}
		m.files = append(m.files, f)
		in := bufio.NewReaderSize(f, runBuffer)
		if err := add(func() (T, error) { return readItem(codec, in) }); err != nil {
			return nil, errors.Join(fmt.Errorf("sort findings: %s: %w", r.path, err), m.close())
		}
	}
	i := 0
	if err := add(func() (T, error) {
		if i == len(memory) {
			var none T
			return none, io.EOF
		}
		i++
		return memory[i-1], nil
	}); err != nil {
		return nil, err
	}
	heap.Init(m)
	return m, nil
}

func readItem[T any](codec Codec[T], in *bufio.Reader) (item T, err error) {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return item, err
	}
	if n > maxItem {
		return item, fmt.Errorf("item of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in, b); err != nil {
		return item, io.ErrUnexpectedEOF
	}
	return codec.Decode(b)
}

func (m *merger[T]) next() (item T, err error) {
	if len(m.sources) == 0 {
		return item, io.EOF
	}
	top := m.sources[0]
	item = top.item
	top.item, err = top.next()
	switch {
	case err == io.EOF:
		heap.Pop(m)
	case err != nil:
		return item, err
	default:
		heap.Fix(m, 0)
	}
	return item, nil
}

func (m *merger[T]) close() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func (m *merger[T]) Len() int { return len(m.sources) }
func (m *merger[T]) Less(i, j int) bool {
	a, b := m.sources[i], m.sources[j]
	return cmp.Or(m.codec.Compare(a.item, b.item), cmp.Compare(a.no, b.no)) < 0
}
func (m *merger[T]) Swap(i, j int) { m.sources[i], m.sources[j] = m.sources[j], m.sources[i] }
func (m *merger[T]) Push(x any)    { m.sources = append(m.sources, x.(*source[T])) }
func (m *merger[T]) Pop() any {
	last := len(m.sources) - 1
	x := m.sources[last]
	m.sources = m.sources[:last]
	return x
}
