package coverage

import (
	"bytes"
	"encoding/gob"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/contrail-ir/contrail/event"
)

// The shapes in which a tally is kept in a sweep's journal. Only the same version of the program reads them.
type (
	keptSeen struct {
		Host   string
		Source event.Source
		Span   Span
		Filled []string
	}
	keptHistory struct {
		Host, Source    string
		Minutes         []byte
		Runs            []keptRun
		Cleared         []keptClearing
		Steps           [][2]int64
		Clears, Steered int
	}
	keptRun struct {
		First, Last uint64
		From, To    int64
	}
	keptClearing struct {
		At  int64
		Why string
	}
	keptTally struct {
		Seen, More []keptSeen
		Histories  []keptHistory
		Recovered  uint64
		Total      Span
		Damage     []event.Damage
		Lost       int
	}
)

// Append appends the tally for a journal, after the segment under way has ended.
func (t *Tally) Append(dst []byte) ([]byte, error) {
	t.endSegment()
	k := keptTally{Recovered: t.recovered, Total: t.total, Damage: t.damage, Lost: t.lost, Seen: keepSeen(t.spans), More: keepSeen(t.more)}
	for key, h := range t.streams {
		minutes, err := h.minutes.ToBytes()
		if err != nil {
			return dst, fmt.Errorf("keep tally: %w", err)
		}
		x := keptHistory{Host: key.host, Source: key.source, Minutes: minutes, Clears: h.clears, Steered: h.steered}
		for _, r := range h.runs {
			x.Runs = append(x.Runs, keptRun{r.first, r.last, r.from, r.to})
		}
		for _, c := range h.cleared {
			x.Cleared = append(x.Cleared, keptClearing{c.at, c.why})
		}
		for _, s := range h.steps {
			x.Steps = append(x.Steps, [2]int64{s.from, s.to})
		}
		k.Histories = append(k.Histories, x)
	}
	out := bytes.NewBuffer(dst)
	if err := gob.NewEncoder(out).Encode(&k); err != nil {
		return dst, fmt.Errorf("keep tally: %w", err)
	}
	return out.Bytes(), nil
}

func keepSeen(all map[hostSource]*seen) (kept []keptSeen) {
	for key, x := range all {
		s := keptSeen{Host: key.host, Source: key.source, Span: x.Span}
		for f := range x.filled {
			s.Filled = append(s.Filled, f)
		}
		kept = append(kept, s)
	}
	return kept
}

// ReadTally reads what Append wrote.
func ReadTally(b []byte) (*Tally, error) {
	var k keptTally
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&k); err != nil {
		return nil, fmt.Errorf("read kept tally: %w", err)
	}
	t := &Tally{recovered: k.Recovered, total: k.Total, damage: k.Damage, lost: k.Lost}
	for _, s := range k.Seen {
		x := t.at(hostSource{s.Host, s.Source})
		x.Span.add(s.Span)
		for _, f := range s.Filled {
			x.fill(f)
		}
	}
	for _, s := range k.More {
		t.addMore(hostSource{s.Host, s.Source}, &seen{Span: s.Span})
	}
	for _, x := range k.Histories {
		h := &history{minutes: roaring.New(), clears: x.Clears, steered: x.Steered}
		if err := h.minutes.UnmarshalBinary(x.Minutes); err != nil {
			return nil, fmt.Errorf("read kept tally: %w", err)
		}
		for _, r := range x.Runs {
			h.runs = append(h.runs, numberRun{r.First, r.Last, r.From, r.To})
		}
		for _, c := range x.Cleared {
			h.cleared = append(h.cleared, clearing{c.At, c.Why})
		}
		for _, s := range x.Steps {
			h.steps = append(h.steps, clockStep{s[0], s[1]})
		}
		t.history(stream{x.Host, x.Source}).add(h)
	}
	return t, nil
}
