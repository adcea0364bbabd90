package coverage

import (
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/event/packed"
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
			for _, f := range x.filled {
				w.text(f)
			}
		}
	}
	w.uint(uint64(len(t.streams)))
	for key, h := range t.streams {
		minutes, err := h.minutes.bitmap().ToBytes()
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
	r := kept{packed.NewReader(b)}
	t := &Tally{recovered: r.Uint(), total: r.span(), lost: int(r.Int())}
	for range r.Count() {
		t.damage = append(t.damage, event.Damage{Offset: r.Uint(), Reason: r.Text()})
	}
	for _, more := range []bool{false, true} {
		for range r.Count() {
			key := hostSource{r.Text(), r.source()}
			x := &seen{Span: r.span()}
			for range r.Count() {
				x.fill(r.Text())
			}
			if more {
				t.addMore(key, x)
			} else {
				t.at(key).add(x)
			}
		}
	}
	for range r.Count() {
		key := stream{r.Text(), r.Text()}
		h := &history{minutes: minutes{more: roaring.New()}}
		if err := h.minutes.more.UnmarshalBinary([]byte(r.Text())); err != nil && !r.Bad() {
			return nil, fmt.Errorf("read kept tally: %w", err)
		}
		for range r.Count() {
			h.runs = append(h.runs, numberRun{r.Uint(), r.Uint(), r.Int(), r.Int()})
		}
		for range r.Count() {
			h.cleared = append(h.cleared, clearing{r.Int(), r.Text()})
		}
		for range r.Count() {
			h.steps = append(h.steps, clockStep{r.Int(), r.Int()})
		}
		h.clears, h.steered = int(r.Int()), int(r.Int())
		t.history(key).add(h)
	}
	if !r.Whole() {
		return nil, errors.New("read kept tally: it is not what was written")
	}
	return t, nil
}

type keeper struct{ out []byte }

func (w *keeper) uint(n uint64) { w.out = packed.Uint(w.out, n) }
func (w *keeper) int(n int64)   { w.out = packed.Int(w.out, n) }
func (w *keeper) text(s string) { w.out = packed.Text(w.out, s) }

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

// kept reads what a keeper wrote.
type kept struct{ packed.Reader }

func (r *kept) span() Span { return Span{r.Uint(), r.Int(), r.Int()} }

func (r *kept) source() event.Source {
	return event.Source{Product: r.Text(), Category: r.Text(), Service: r.Text(), Provider: r.Text(), Channel: r.Text(), ID: uint32(r.Uint())}
}
