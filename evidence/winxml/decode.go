package winxml

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/wide"
)

// Limits of a decoder.
const (
	maxRows    = 4096
	maxSources = 1024
	maxColumns = 2048
	maxNamed   = 8 // broken events named one by one in a segment
)

// decoder implements event.Decoder.
type decoder struct {
	needs   *event.Needs
	sources map[event.Source]*source
	order   []*source // with rows, by first appearance
	ev      Event
}

// source gathers the rows of one source.
type source struct {
	want  event.Want
	build *event.Builder
	rows  []span
}

// Decode implements event.Decoder.
func (d *decoder) Decode(seg *event.Segment, needs *event.Needs, out event.Sink) (err error) {
	state, _ := seg.State.(*cut)
	if state == nil {
		return errors.New("decode winxml: the segment was not cut by this format")
	}
	if d.needs != needs {
		d.needs, d.sources = needs, map[event.Source]*source{}
	}
	defer func() { // nothing stays when the sink gave up
		for _, s := range d.order {
			s.build.Reset()
			s.rows = s.rows[:0]
		}
		d.order = d.order[:0]
	}()
	for _, damage := range seg.Damage {
		out.Damage(damage)
	}
	var place wide.Place
	broken := 0
	for i, e := range state.events {
		offset := seg.Offset + uint64(e.from)
		if state.wide {
			offset = seg.Offset + place.Bytes(seg.Data, e.from)
		}
		if _, err := Parse(seg.Data[e.from:e.to], &d.ev); err != nil {
			if broken++; broken <= maxNamed {
				out.Damage(event.Damage{Offset: offset, Reason: "an event is not well formed: " + err.Error()})
			}
			if d.ev.Channel == "" && d.ev.Provider == "" {
				continue // not even its beginning can be used
			}
		}
		if err := d.row(seg, e, offset, seg.Record+uint64(i), out); err != nil {
			return err
		}
	}
	if broken > maxNamed {
		out.Damage(event.Damage{Offset: seg.Offset, Reason: fmt.Sprintf("%d more events near here are not well formed", broken-maxNamed)})
	}
	for _, s := range d.order {
		if err := d.flush(s, seg, out); err != nil {
			return err
		}
	}
	return nil
}

// row adds the event to the rows of its source.
func (d *decoder) row(seg *event.Segment, e span, offset, number uint64, out event.Sink) error {
	ns := shift(d.ev.Time, seg.File.Hints.Offset)
	if !d.needs.Covers(ns) {
		return nil
	}
	key := event.Source{Product: event.ProductWindows, Provider: d.ev.Provider, Channel: d.ev.Channel, ID: d.ev.ID}
	s := d.sources[key]
	if s == nil {
		if len(d.sources) >= maxSources {
			for _, s := range d.order {
				if err := d.flush(s, seg, out); err != nil {
					return err
				}
			}
			d.order, d.sources = d.order[:0], map[event.Source]*source{}
		}
		s = &source{want: d.needs.Of(key), build: event.NewBuilder(key)}
		d.sources[key] = s
	}
	if s.build.Rows() == maxRows || s.build.Full() || s.build.Rows() > 0 && s.build.Fields() > maxColumns {
		if err := d.flush(s, seg, out); err != nil {
			return err
		}
	}
	if s.build.Fields() > maxColumns {
		s.build = event.NewBuilder(key)
	}
	if s.build.Rows() == 0 && !slices.Contains(d.order, s) {
		d.order = append(d.order, s)
	}
	host := d.ev.Computer
	if host == "" {
		host = seg.File.Hints.Host
	}
	s.build.Row(ns, offset, number, []byte(host))
	s.rows = append(s.rows, e)
	for i := range d.ev.Fields {
		f := &d.ev.Fields[i]
		if _, wanted := slices.BinarySearch(s.want.Fields, f.Name); wanted || s.want.All {
			s.build.Text(s.build.Field(f.Name), []byte(f.Text))
		}
	}
	return nil
}

// flush delivers the rows of a source.
func (d *decoder) flush(s *source, seg *event.Segment, out event.Sink) error {
	if s.build.Rows() == 0 {
		return nil
	}
	b := s.build.Compact()
	b.Fetch = func(row int, rec *event.Record) error {
		if row < 0 || row >= len(s.rows) {
			return fmt.Errorf("fetch row %d of %d", row, len(s.rows))
		}
		var ev Event
		_, err := Parse(seg.Data[s.rows[row].from:s.rows[row].to], &ev)
		rec.Fields = rec.Fields[:0]
		for _, f := range ev.Fields {
			rec.Add(f.Name, f.Kind, f.Text)
		}
		if err != nil && len(ev.Fields) == 0 {
			return fmt.Errorf("fetch row %d: %w", row, err)
		}
		return nil
	}
	err := out.Batch(b)
	s.build.Reset()
	s.rows = s.rows[:0]
	return err
}

// shift adds the clock offset; a time that leaves the range is no time.
func shift(ns int64, by time.Duration) int64 {
	sum := ns + int64(by)
	if ns == event.NoTime || by > 0 && sum < ns || by < 0 && sum > ns {
		return event.NoTime
	}
	return sum
}
