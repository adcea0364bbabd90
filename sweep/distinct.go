package sweep

import (
	"context"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
)

// Distinct says how much of the evidence is new: matching looks at distinct values, so that evidence that repeats itself is
// searched faster than evidence that does not.
type Distinct struct {
	Cells  uint64 // values in the rows of the columns that the rules need
	Batch  uint64 // of them, those that are the first of their kind in their batch: what matching looks at
	Values uint64 // different values per column name in all of the evidence, an estimate within about 2 %
}

// CountDistinct reads all of a question's evidence in one goroutine and counts values.
func CountDistinct(ctx context.Context, q Question) (Distinct, error) {
	items, _, err := evidence.Walk(ctx, q.Roots)
	if err != nil {
		return Distinct{}, fmt.Errorf("list evidence: %w", err)
	}
	needs := q.Rules.Needs()
	var c distinctCounter
	decoders := map[event.Format]event.Decoder{}
	for _, it := range items {
		if err := c.file(ctx, it, &q, &needs, decoders); err != nil {
			return Distinct{}, err
		}
	}
	c.seen.Values = c.sketch.count()
	return c.seen, nil
}

// distinctCounter is a sink that counts values.
type distinctCounter struct {
	seen   Distinct
	sketch sketch
	text   []byte
}

func (c *distinctCounter) file(ctx context.Context, it evidence.Item, q *Question, needs *event.Needs, decoders map[event.Format]event.Decoder) error {
	r, err := evidence.Open(it, evidence.Options{Formats: q.Formats, Slack: q.Slack, Sources: q.Sources, Passwords: q.Passwords, Limits: q.Limits})
	if err != nil {
		return nil // the certificate of a sweep tells of it
	}
	defer r.Close()
	for {
		f, err := r.Next(ctx)
		if err != nil {
			return ctx.Err()
		}
		if err := c.decode(ctx, f, needs, decoders); err != nil {
			return err
		}
		if _, _, err := f.Finish(); err != nil {
			return ctx.Err()
		}
	}
}

func (c *distinctCounter) decode(ctx context.Context, f *evidence.File, needs *event.Needs, decoders map[event.Format]event.Decoder) error {
	if f.Format == nil {
		return nil
	}
	d := decoders[f.Format]
	if d == nil {
		d = f.Format.Decoder()
		decoders[f.Format] = d
	}
	for {
		seg, err := f.Next(ctx)
		if err != nil {
			return ctx.Err() // the end, or damage, of which a sweep tells
		}
		sane, err := c.segment(d, seg, needs)
		if err != nil {
			return fmt.Errorf("read evidence: %w", err)
		}
		if !sane {
			delete(decoders, f.Format)
			return nil
		}
	}
}

// segment decodes a segment, and says false when hostile evidence found a fault of ours.
func (c *distinctCounter) segment(d event.Decoder, seg *event.Segment, needs *event.Needs) (sane bool, err error) {
	defer seg.Release()
	defer func() {
		if recover() != nil {
			sane, err = false, nil
		}
	}()
	return true, d.Decode(seg, needs, c)
}

// Damage implements event.Sink.
func (c *distinctCounter) Damage(event.Damage) {}

// Batch implements event.Sink.
func (c *distinctCounter) Batch(b *event.Batch) error {
	for i, col := range b.Cols {
		if col == nil {
			continue
		}
		name := xxh3.HashString(b.Schema.Fields[i])
		for v := range col.Dict.Len() {
			c.text = col.Dict.AppendText(c.text[:0], v)
			c.sketch.add(xxh3.HashSeed(c.text, name))
		}
		c.seen.Batch += uint64(col.Dict.Len())
		for row := range b.Rows {
			for _, code := range col.At(row) {
				if _, ok := code.Value(); ok {
					c.seen.Cells++
				}
			}
		}
	}
	return nil
}

// sketchSize gives a standard error of 1/sqrt(4096), 1.6 %.
const sketchSize = 4096

// sketch estimates how many different hashes there were from the smallest of them (Bar-Yossef et al. 2002).
type sketch struct{ least []uint64 }

func (s *sketch) add(h uint64) {
	full := len(s.least) == sketchSize
	if full && h >= s.least[sketchSize-1] {
		return
	}
	at, known := slices.BinarySearch(s.least, h)
	if known {
		return
	}
	if full {
		s.least = s.least[:sketchSize-1]
	}
	s.least = slices.Insert(s.least, at, h)
}

func (s *sketch) count() uint64 {
	if len(s.least) < sketchSize {
		return uint64(len(s.least))
	}
	return uint64((sketchSize - 1) / (float64(s.least[sketchSize-1]) / (1 << 64)))
}
