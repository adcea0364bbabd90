package sweep

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/event/packed"
)

// stopping is a format that interrupts the sweep after so many segments.
type stopping struct {
	lines
	left *atomic.Int64
	stop context.CancelFunc
}

func (s *stopping) Open(f event.File) (event.Stream, error) {
	inner, err := s.lines.Open(f)
	return &stoppingStream{inner, s}, err
}

type stoppingStream struct {
	event.Stream
	*stopping
}

func (s *stoppingStream) Next(ctx context.Context) (*event.Segment, error) {
	if s.left.Add(-1) == 0 {
		s.stop()
		return nil, io.ErrUnexpectedEOF
	}
	return s.Stream.Next(ctx)
}

func TestInterruptedAnywhereAndResumedGivesTheSameBytes(t *testing.T) {
	roots := makeEvidence(t, t.TempDir(), "host9 7 torn\n")
	var want jsonl
	if err := Run(context.Background(), question(roots, t.TempDir()), &want, nil); err != nil {
		t.Fatal(err)
	}
	again := 0
	for _, after := range []int64{1, 2, 5, 9, 17, 40, 77, 120, 200, 300} {
		journal := filepath.Join(t.TempDir(), "j")
		for _, next := range []int64{after, 13, 1 << 40} { // interrupted twice
			ctx, stop := context.WithCancel(context.Background())
			q := question(roots, t.TempDir())
			var left atomic.Int64
			left.Store(next)
			q.Formats = []event.Format{&stopping{left: &left, stop: stop}}
			q.Threads, q.Journal, q.Resume = 3, journal, true
			var got jsonl
			err := Run(ctx, q, &got, nil)
			stop()
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				again++
				continue
			}
			if got.String() != want.String() {
				t.Errorf("interrupted after %d segments: other bytes", after)
			}
			if _, err := os.Stat(journal); err == nil {
				t.Error("the journal is left behind")
			}
			break
		}
	}
	if again < 15 {
		t.Errorf("only %d interruptions", again)
	}
}

func TestResumeNoticesWhatChanged(t *testing.T) {
	dir := t.TempDir()
	roots := makeEvidence(t, dir, "")
	journal := filepath.Join(t.TempDir(), "j")
	interrupted := func(after int64, change func(*Question)) error {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		q := question(roots, t.TempDir())
		var left atomic.Int64
		left.Store(after)
		q.Formats = []event.Format{&stopping{left: &left, stop: stop}}
		q.Threads, q.Journal, q.Resume = 1, journal, true
		if change != nil {
			change(&q)
		}
		return Run(ctx, q, &jsonl{}, nil)
	}
	if err := interrupted(100, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := interrupted(1<<40, func(q *Question) { q.Digest = "other rules" }); !errors.Is(err, ErrOtherQuestion) {
		t.Errorf("another question: %v", err)
	}
	// Evidence of the same size with other content is read again.
	changed := filepath.Join(dir, "org0", "f00.log")
	b, err := os.ReadFile(changed)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(changed, []byte(strings.Replace(string(b), "quiet", "evil\n", 1)[:len(b)]), 0o644); err != nil {
		t.Fatal(err)
	}
	var want jsonl
	if err := Run(context.Background(), question(roots, t.TempDir()), &want, nil); err != nil {
		t.Fatal(err)
	}
	q := question(roots, t.TempDir())
	q.Journal, q.Resume = journal, true
	var got jsonl
	if err := Run(context.Background(), q, &got, nil); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Error("changed evidence was not noticed")
	}
}

func TestATornOrForeignJournal(t *testing.T) {
	roots := makeEvidence(t, t.TempDir(), "")
	var want jsonl
	if err := Run(context.Background(), question(roots, t.TempDir()), &want, nil); err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(t.TempDir(), "j")
	ctx, stop := context.WithCancel(context.Background())
	q := question(roots, t.TempDir())
	var left atomic.Int64
	left.Store(150)
	q.Formats = []event.Format{&stopping{left: &left, stop: stop}}
	q.Journal = journal
	_ = Run(ctx, q, &jsonl{}, nil)
	stop()
	whole, err := os.ReadFile(filepath.Join(journal, journalName))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole); n += 1 + len(whole)/40 {
		if err := os.WriteFile(filepath.Join(journal, journalName), whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		q := question(roots, t.TempDir())
		q.Journal, q.Resume = journal, true
		var got jsonl
		err := Run(context.Background(), q, &got, nil)
		if n < len(journalMagic) {
			if err == nil {
				t.Errorf("a journal of %d bytes is taken", n)
			}
			_ = os.MkdirAll(journal, 0o755)
			continue
		}
		if err != nil || got.String() != want.String() {
			t.Errorf("torn at %d of %d: %v", n, len(whole), err)
		}
		if err := os.MkdirAll(journal, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSizedContentIsReadBack(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 1<<14 - 1, 1 << 14, 1<<21 - 1, 1 << 21, 3 << 20} {
		want := strings.Repeat("x", n)
		d := packed.NewReader(packed.Text(appendSized([]byte("before"), func(b []byte) []byte { return append(b, want...) }), "after"))
		if string(d.Bytes(6)) != "before" || d.Text() != want || d.Text() != "after" || !d.Whole() {
			t.Errorf("%d bytes are not read back", n)
		}
	}
}
