package jsonlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/wide"
)

// cut says how a segment was cut. It is immutable.
type cut struct {
	spans []span // the records, or nil when every line is one or more
	wide  bool   // the file is UTF-16; Data is UTF-8
	zeek  string // the Zeek log that the file is named for
}

// span is a record in a segment's data.
type span struct{ from, to int }

// Limits of a decoder.
const (
	maxRows    = 4096 // of a batch
	maxColumns = 2048 // that a builder keeps from batch to batch
	maxSources = 512  // that are gathered at a time
	maxSpare   = 32   // fields of a builder that is kept for another source
	maxNamed   = 8    // places of bad syntax named one by one in a segment
)

// decoder implements event.Decoder.
type decoder struct {
	rec     *record
	fetch   *record // for Fetch, which may be called while rec is in use
	needs   *event.Needs
	sifter  event.Sifter       // of needs, nil for none
	text    []byte             // for the sifter, reused
	sources map[string]*source // by how a record says it
	known   map[event.Source]*source
	spare   []*event.Builder // of sources that were forgotten
	order   []*source        // sources with rows, by first appearance in the segment
	key     []byte
	last    []byte // the key of the source looked up last
	latest  *source
	out     event.Sink
	seg     *event.Segment
	cut     *cut
	valid   bool // the whole segment is valid UTF-8
	place   wide.Place
	worries worries
}

// source gathers the rows of one source.
type source struct {
	source event.Source
	want   event.Want
	sift   bool    // what want does not name is wanted of suspected records only
	named  []bool  // per column: named
	cols   []int32 // per field: 0 not known, -1 not wanted, else column + 1
	names  *paths
	build  *event.Builder
	rows   []span // for Fetch
	listed bool   // in the decoder's order
}

func (s *source) wants(f fieldID) bool { return s.column(f) > 0 }

func (s *source) column(f fieldID) int32 {
	if int(f) >= len(s.cols) {
		s.cols = append(s.cols, make([]int32, int(f)+1-len(s.cols))...)
	}
	if s.cols[f] == 0 {
		s.cols[f] = -1
		name := s.names.fields[f]
		wanted := s.want.All
		if !wanted {
			_, wanted = slices.BinarySearch(s.want.Fields, name)
		}
		if wanted {
			s.cols[f] = int32(s.build.Field(name)) + 1
			s.named = append(s.named, s.want.Names(name))
		}
	}
	return s.cols[f]
}

func (s *source) value(f fieldID, _ event.Kind, text []byte) {
	if c := s.column(f); c > 0 {
		s.build.Text(int(c-1), text)
	}
}

func (s *source) null(f fieldID) {
	if c := s.column(f); c > 0 {
		s.build.Null(int(c - 1))
	}
}

// start gives the source a builder without rows, one that is spare if there is one.
func (s *source) start(spare *[]*event.Builder) {
	if n := len(*spare); n > 0 {
		s.build, *spare = (*spare)[n-1], (*spare)[:n-1]
		s.build.Restart(s.source)
	} else {
		s.build = event.NewBuilder(s.source)
	}
	s.cols, s.named = nil, nil
	if s.sift {
		s.build.Sift()
	}
}

// Decode implements event.Decoder.
func (d *decoder) Decode(seg *event.Segment, needs *event.Needs, out event.Sink) error {
	d.seg, d.out = seg, out
	d.cut, _ = seg.State.(*cut)
	if d.cut == nil {
		return errors.New("decode json: the segment was not cut by this format")
	}
	if d.needs != needs {
		d.forget(needs)
		if d.sifter = nil; needs.Sifter != nil {
			d.sifter = needs.Sifter()
		}
	}
	d.valid = utf8.Valid(seg.Data)
	d.rec.tape.valid = d.valid
	d.place = wide.Place{}
	d.worries = worries{}
	for _, damage := range seg.Damage {
		out.Damage(damage)
	}
	err := d.records()
	if err == nil {
		err = d.flushAll()
	}
	if err != nil { // the sink gave up: leave no rows behind
		for _, s := range d.order {
			s.build.Reset()
			s.rows, s.listed = s.rows[:0], false
		}
		d.order = d.order[:0]
		return err
	}
	for _, damage := range d.worries.list() {
		out.Damage(damage)
	}
	d.seg, d.out, d.cut = nil, nil, nil
	return nil
}

// makeRoom delivers what is gathered and forgets what was learnt when names or sources, which come from the evidence, have
// become too many.
func (d *decoder) makeRoom() error {
	if !d.rec.tape.paths.crowded() && len(d.sources) <= maxSources {
		return nil
	}
	if err := d.flushAll(); err != nil {
		return err
	}
	d.forget(d.needs)
	return nil
}

// forget drops what was learnt of names and sources.
func (d *decoder) forget(needs *event.Needs) {
	d.needs = needs
	d.rec = newRecord()
	d.rec.tape.valid = d.valid
	for _, s := range d.known {
		if len(d.spare) < maxSources && s.build.Fields() <= maxSpare {
			d.spare = append(d.spare, s.build)
		}
	}
	d.latest = nil
	d.sources, d.known = map[string]*source{}, map[event.Source]*source{}
}

func (d *decoder) records() error {
	if d.cut.spans != nil {
		for i, s := range d.cut.spans {
			if err := d.spanned(s, d.seg.Record+uint64(i)); err != nil {
				return err
			}
		}
		return nil
	}
	data := d.seg.Data
	for at, line := 0, d.seg.Record; at < len(data); line++ {
		end := len(data)
		if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
			end = at + n
		}
		if err := d.line(data[:end], at, line); err != nil {
			return err
		}
		at = end + 1
	}
	return nil
}

// spanned reads the one record of a span.
func (d *decoder) spanned(s span, record uint64) error {
	_, err := d.object(d.seg.Data[:s.to], s.from, record)
	return err
}

// line reads the records of the line that begins at and ends with data: normally one, or several end to end, or an
// element of an array that stands one to a line.
func (d *decoder) line(data []byte, at int, line uint64) error {
	nul := false
	if line == 1 && bytes.HasPrefix(data[at:], byteOrderMark) {
		at += len(byteOrderMark)
	}
	for at < len(data) {
		switch c := data[at]; {
		case c == 0 && !nul:
			nul = true
			d.worries.nul.add(d.offset(at))
		case isSpace(c) || c == ',' || c == '[' || c == ']':
		case c == '{':
			end, err := d.object(data, at, line)
			if err != nil || end < 0 {
				return err
			}
			at = end
			continue
		default:
			d.stray(data, at, len(data))
			return nil
		}
		at++
	}
	return nil
}

// stray notes text that is no record.
func (d *decoder) stray(data []byte, from, to int) {
	if offset := d.offset(from); d.worries.enough() {
		d.worries.more.add(offset)
	} else {
		d.worries.syntax(offset, "not a JSON object: %s", quoted(data[from:to]))
	}
}

// object reads the record at data[at], or the records that it wraps, and gives its end, or -1 when it is not JSON.
func (d *decoder) object(data []byte, at int, record uint64) (int, error) {
	if err := d.makeRoom(); err != nil {
		return 0, err
	}
	t := &d.rec.tape
	end, err := t.read(data, at)
	if err != nil {
		if offset := d.offset(at); d.worries.enough() { // what is only counted need not be put into words
			d.worries.more.add(offset)
		} else {
			d.worries.syntax(offset, "%s at byte %d of the record: %s", reason(err), end-at, quoted(data[min(end, len(data)):]))
		}
		return -1, nil
	}
	if t.marks.meets(markList) {
		if to, opened, _ := wrapped(data[at:end], &t.skim); opened > 0 {
			return end, d.elements(data[:end], at+to, record)
		}
	}
	return end, d.row(span{at, end}, record)
}

// elements reads the objects of an array whose first element is at.
func (d *decoder) elements(data []byte, at int, record uint64) error {
	for at = skipSpace(data, at); at < len(data) && data[at] != ']'; at = skipSpace(data, at) {
		if data[at] == ',' {
			at++
			continue
		}
		from := at
		var err error
		if data[at] != '{' {
			if at, err = d.rec.tape.skim.value(data, at); err != nil {
				return nil // cannot be: the whole was read before
			}
			d.stray(data, from, at)
			continue
		}
		if err := d.makeRoom(); err != nil {
			return err
		}
		if at, err = d.rec.tape.read(data, at); err != nil {
			return nil
		}
		if err := d.row(span{from, at}, record); err != nil {
			return err
		}
	}
	return nil
}

func reason(err error) string {
	if errors.Is(err, errIncomplete) {
		return "the record is cut off"
	}
	return err.Error()
}

// offset gives the place of a byte of the segment in the file.
func (d *decoder) offset(at int) uint64 {
	if d.cut.wide {
		return d.seg.Offset + d.place.Bytes(d.seg.Data, at)
	}
	return d.seg.Offset + uint64(at)
}

// row adds the record on the tape to the rows of its source.
func (d *decoder) row(s span, number uint64) error {
	r := d.rec
	offset := d.offset(s.from)
	if r.tape.deep {
		d.worries.deep.add(offset)
	}
	if r.tape.full {
		d.worries.full.add(offset)
	}
	if !d.valid && !utf8.Valid(d.seg.Data[s.from:s.to]) {
		d.worries.invalid.add(offset)
	}
	r.understand(d.seg.File, d.cut.zeek)
	if !d.needs.Covers(r.time) {
		return nil
	}
	src := d.sourceOf(r)
	b := src.build
	if b.Rows() == maxRows || b.Full() {
		if err := d.flush(src); err != nil {
			return err
		}
	}
	if b.Rows() == 0 {
		if b.Fields() > maxColumns {
			src.start(&d.spare)
			b = src.build
		}
		if !src.listed {
			src.listed = true
			d.order = append(d.order, src)
		}
	}
	b.Row(r.time, offset, number, r.host)
	src.rows = append(src.rows, s)
	switch {
	case src.want.Nothing():
	case !src.sift:
		r.emit(src)
	case d.suspects(s):
		b.Suspect()
		r.emit(src)
	case len(src.want.Fields) > 0:
		r.emit(named{src})
	}
	return nil
}

// sourceOf gives the source of a record.
func (d *decoder) sourceOf(r *record) *source {
	k := append(d.key[:0], byte(r.shape))
	k = append(append(append(append(k, r.channel...), 0), r.provider...), 0)
	k = append(k, byte(r.id), byte(r.id>>8), byte(r.id>>16), byte(r.id>>24))
	k = append(k, r.service...)
	if d.latest != nil && bytes.Equal(k, d.last) { // as in most logs
		d.key = k
		return d.latest
	}
	d.key, d.last = d.last, k
	if s, ok := d.sources[string(k)]; ok {
		d.latest = s
		return s
	}
	src := r.source
	if shapes[r.shape].isWindows() {
		src.Provider, src.Channel, src.ID = string(r.provider), string(r.channel), r.id
	} else if len(r.service) > 0 {
		src.Service = string(r.service)
	}
	// Shapes differ, the event is the same: one builder for all of them.
	s := d.known[src]
	if s == nil {
		s = &source{source: src, want: d.needs.Of(src), names: r.tape.paths, sift: d.sifts(src)}
		s.start(&d.spare)
		d.known[src] = s
	}
	d.sources[string(k)] = s
	d.latest = s
	return s
}

func (d *decoder) flushAll() error {
	for _, s := range d.order {
		if err := d.flush(s); err != nil {
			return err
		}
		s.listed = false
	}
	d.order = d.order[:0]
	return nil
}

// flush delivers the rows of a source.
func (d *decoder) flush(s *source) error {
	if s.build.Rows() == 0 {
		return nil
	}
	b := s.build.Compact()
	b.Fetch = func(row int, rec *event.Record) error { return d.whole(s, row, rec) }
	err := d.out.Batch(b)
	s.build.Reset()
	s.rows = s.rows[:0]
	return err
}

// whole fills rec with every field of a row.
func (d *decoder) whole(s *source, row int, rec *event.Record) error {
	if row < 0 || row >= len(s.rows) {
		return fmt.Errorf("fetch row %d of %d", row, len(s.rows))
	}
	if d.fetch == nil || d.fetch.tape.paths.crowded() {
		d.fetch = newRecord()
	}
	at := s.rows[row]
	d.fetch.tape.valid = d.valid
	if _, err := d.fetch.tape.read(d.seg.Data[:at.to], at.from); err != nil {
		return fmt.Errorf("fetch row %d: %w", row, err)
	}
	d.fetch.understand(d.seg.File, d.cut.zeek)
	rec.Fields = rec.Fields[:0]
	d.fetch.emit(&whole{rec, d.fetch.tape.paths})
	return nil
}

// whole is the sink of a fetched record.
type whole struct {
	rec   *event.Record
	names *paths
}

func (w *whole) wants(fieldID) bool { return true }
func (w *whole) value(f fieldID, k event.Kind, text []byte) {
	w.rec.Add(w.names.fields[f], k, string(text))
}
func (w *whole) null(f fieldID) { w.rec.AddNull(w.names.fields[f]) }
