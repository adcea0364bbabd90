package coverage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/contrail-ir/contrail/event"
)

// Append appends the tally for a journal, after the segment under way has ended. Only the same version of the program reads it.
// It is written for every segment: encoding/gob, which describes its types anew each time, took six times as long, which was a
// fortieth of a sweep.
func (t *Tally) Append(dst []byte) ([]byte, error) {
	t.endSegment()
	w := keeper{dst}
	w.uint(t.recovered)
	w.span(t.total)
	w.int(int64(t.lost))
	w.uint(uint64(len(t.damage)))
	for _, d := range t.damage {
		w.uint(d.Offset)
		w.text(d.Reason)
	}
	for _, all := range []map[hostSource]*seen{t.spans, t.more} {
		w.uint(uint64(len(all)))
		for key, x := range all {
			w.text(key.host)
			w.source(key.source)
			w.span(x.Span)
			w.uint(uint64(len(x.filled)))
			for f := range x.filled {
				w.text(f)
			}
		}
	}
	w.uint(uint64(len(t.streams)))
	for key, h := range t.streams {
		minutes, err := h.minutes.ToBytes()
		if err != nil {
			return dst, fmt.Errorf("keep tally: %w", err)
		}
		w.text(key.host)
		w.text(key.source)
		w.text(string(minutes))
		w.uint(uint64(len(h.runs)))
		for _, r := range h.runs {
			w.uint(r.first)
			w.uint(r.last)
			w.int(r.from)
			w.int(r.to)
		}
		w.uint(uint64(len(h.cleared)))
		for _, c := range h.cleared {
			w.int(c.at)
			w.text(c.why)
		}
		w.uint(uint64(len(h.steps)))
		for _, s := range h.steps {
			w.int(s.from)
			w.int(s.to)
		}
		w.int(int64(h.clears))
		w.int(int64(h.steered))
	}
	return w.out, nil
}

// ReadTally reads what Append wrote.
func ReadTally(b []byte) (*Tally, error) {
	r := kept{b: b}
	t := &Tally{recovered: r.uint(), total: r.span(), lost: int(r.int())}
	for range r.count() {
		t.damage = append(t.damage, event.Damage{Offset: r.uint(), Reason: r.text()})
	}
	for _, more := range []bool{false, true} {
		for range r.count() {
			key := hostSource{r.text(), r.source()}
			x := &seen{Span: r.span()}
			for range r.count() {
				x.fill(r.text())
			}
			if more {
				t.addMore(key, x)
			} else {
				t.at(key).add(x)
			}
		}
	}
	for range r.count() {
		key := stream{r.text(), r.text()}
		h := &history{minutes: roaring.New()}
		if err := h.minutes.UnmarshalBinary([]byte(r.text())); err != nil && !r.bad {
			return nil, fmt.Errorf("read kept tally: %w", err)
		}
		for range r.count() {
			h.runs = append(h.runs, numberRun{r.uint(), r.uint(), r.int(), r.int()})
		}
		for range r.count() {
			h.cleared = append(h.cleared, clearing{r.int(), r.text()})
		}
		for range r.count() {
			h.steps = append(h.steps, clockStep{r.int(), r.int()})
		}
		h.clears, h.steered = int(r.int()), int(r.int())
		t.history(key).add(h)
	}
	if r.bad || len(r.b) > 0 {
		return nil, errors.New("read kept tally: it is not what was written")
	}
	return t, nil
}

type keeper struct{ out []byte }

func (w *keeper) uint(n uint64) { w.out = binary.AppendUvarint(w.out, n) }
func (w *keeper) int(n int64)   { w.out = binary.AppendVarint(w.out, n) }

func (w *keeper) text(s string) {
	w.uint(uint64(len(s)))
	w.out = append(w.out, s...)
}

func (w *keeper) span(s Span) {
	w.uint(s.Records)
	w.int(s.First)
	w.int(s.Last)
}

func (w *keeper) source(s event.Source) {
	for _, part := range []string{s.Product, s.Category, s.Service, s.Provider, s.Channel} {
		w.text(part)
	}
	w.uint(uint64(s.ID))
}

// kept reads; what does not fit makes it bad and everything after it empty.
type kept struct {
	b   []byte
	bad bool
}

func (r *kept) uint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *kept) int() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads how many follow, each a byte at least.
func (r *kept) count() uint64 {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return n
}

func (r *kept) text() string {
	n := r.count()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *kept) span() Span { return Span{r.uint(), r.int(), r.int()} }

func (r *kept) source() event.Source {
	return event.Source{Product: r.text(), Category: r.text(), Service: r.text(), Provider: r.text(), Channel: r.text(), ID: uint32(r.uint())}
}
