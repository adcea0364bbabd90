// Package message turns the records of text logs into batches.
//
// It is what readers of text logs have in common once lines are cut: records of several lines, one builder per source,
// only the fields that are wanted, events decoded again on demand, and one damage per segment for all that does not fit.
// It promises that memory is bounded whatever the text: the fields of a source and the sources of a segment are counted. It
// knows no format.
package message

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
)

const (
	// maxFields is how many field names a source may have in one batch, and maxNames in one segment, where names come from the evidence.
	maxFields = 4000
	maxNames  = 16 * maxFields
	// maxSources is how many sources a decoder remembers from segment to segment.
	maxSources = 4000
)

// Rows collects the rows of one segment. One goroutine uses it.
type Rows struct {
	seg    *event.Segment
	needs  *event.Needs
	plans  map[event.Source]*plan
	last   *plan    // asked for last
	lately [8]*plan // asked for, in turn
	turn   int
	used   []*plan // in this segment, in order of their first row
	cur    *plan   // of the current row; nil when its fields are not wanted

	rec    *event.Record // set while one row is fetched
	target uint64
	found  bool
	done   bool

	odd      int
	oddAt    uint64
	oddWhy   string
	crowded  bool
	crowdAt  uint64
	valid    []byte
	lastAt   uint64
	hostHint []byte
	sifting  sifting
}

// plan is what the needs make of a source.
type plan struct {
	source  event.Source
	builder *event.Builder
	full    []*event.Builder // of the segment, before builder
	names   int              // of the segment's fields
	all     bool
	sift    bool // what is not among wanted is wanted of suspected rows only
	wanted  map[string]bool
	columns map[string]int // of the builder, -1 for a field nobody wants
	held    []bool         // by column: whether it is wanted of suspected rows only
}

// start gives the plan a builder without rows.
func (p *plan) start(s event.Source) {
	p.builder, p.columns, p.held = event.NewBuilder(s), map[string]int{}, nil
	if p.sift {
		p.builder.Sift()
	}
}

func (r *Rows) begin(seg *event.Segment, needs *event.Needs, says []string) {
	if r.needs != needs || len(r.plans) > maxSources {
		r.plans = map[event.Source]*plan{}
	}
	if r.needs != needs {
		r.sifting = sifting{}
		if needs.Sifter != nil {
			r.sifting.meet(needs.Sifter(), says)
		}
	}
	r.sifting.segment()
	*r = Rows{sifting: r.sifting, seg: seg, needs: needs, plans: r.plans, used: r.used[:0], valid: r.valid, hostHint: append(r.hostHint[:0], seg.File.Hints.Host...)}
}

func (r *Rows) planOf(s event.Source) *plan {
	if r.last != nil && r.last.source == s { // as in most logs
		return r.last
	}
	for _, p := range r.lately { // in the others, sources take turns: hashing one takes longer than comparing a few
		if p != nil && p.source == s {
			r.last = p
			return p
		}
	}
	p := r.plans[s]
	if p == nil {
		w := r.needs.Of(s)
		p = &plan{source: s, all: w.All, sift: w.All && w.Sifted && r.sifting.sifter != nil, wanted: map[string]bool{}}
		p.start(s)
		for _, f := range w.Fields {
			p.wanted[f] = true
		}
		r.plans[s] = p
	}
	if p.builder.Rows() == 0 {
		r.used = append(r.used, p)
		p.names = len(p.columns)
	}
	r.last = p
	r.lately[r.turn%len(r.lately)] = p
	r.turn++
	return p
}

// Row begins a row. The time has no clock offset yet: it is added here. An empty host is the host that the file is known to be
// of. It returns false when nobody wants fields of the row, and the caller then need not look for them.
func (r *Rows) Row(source event.Source, ns int64, offset, record uint64, host []byte) bool {
	r.cur = nil
	if r.rec != nil {
		if r.found {
			r.done = true
			return false
		}
		r.found = offset == r.target
		return r.found
	}
	if ns != event.NoTime {
		ns += int64(r.seg.File.Hints.Offset)
	}
	if !r.needs.Covers(ns) {
		return false
	}
	if len(host) == 0 {
		host = r.hostHint
	}
	p := r.planOf(source)
	if p.builder.Full() { // delivered at the end, since a sink may fetch and a format may be amid something
		p.full = append(p.full, p.builder)
		p.start(source)
	}
	p.builder.Row(ns, offset, record, r.text(host))
	r.sifting.row()
	if !p.all && len(p.wanted) == 0 {
		return false
	}
	r.cur, r.lastAt = p, offset
	return true
}

// Clear says that the row begun last needs no fields, since all that is wanted is indicators and none is in its record: so most records need
// not be taken apart, which is two thirds of what they cost. A reader may ask only where every value that it would add is a stretch of the record's text
// and stands between bytes that part it (event.Parts), or is among the decoder's Says, or among the values given here: those that are not
// such stretches are searched by themselves.
func (r *Rows) Clear(values ...[]byte) bool {
	p := r.cur
	return p != nil && p.sift && len(p.wanted) == 0 && r.sifting.clears(values)
}

// ASCII says whether a text is ASCII. Of a stretch of the record a survey may know.
func (r *Rows) ASCII(text []byte) bool {
	s := &r.sifting
	if s.sifter != nil && !s.suspects() && s.data != nil && s.told && s.ascii {
		if _, inside := stretch(s.record, text); inside {
			return true
		}
	}
	return ascii(text)
}

// Fetching says whether a single row is being decoded in full.
func (r *Rows) Fetching() bool { return r.rec != nil }

// Add sets a field of the row begun last; set again, the field is a list. It does nothing when nobody wants the field.
func (r *Rows) Add(name string, value []byte) {
	if r.rec != nil {
		if r.found && !r.done {
			r.rec.Add(name, event.Text, string(r.text(value)))
		}
		return
	}
	p := r.cur
	if p == nil {
		return
	}
	i, ok := p.columns[name]
	if !ok {
		i = r.column(p, name)
	}
	r.set(p, i, value)
}

// set gives a column of the current row a value, unless it is held back until the row is suspected.
func (r *Rows) set(p *plan, column int, value []byte) {
	switch {
	case column < 0:
	case p.held[column] && !r.sifting.suspect:
		r.sifting.hold(p.builder, column, value)
	default:
		p.builder.Text(column, r.text(value))
	}
}

// crowd says whether a name that comes from the evidence is one too many for the segment. Names that a format gives never are, so that
// a crowd of made-up names hides nothing but itself.
func (r *Rows) crowd(p *plan, name []byte) bool {
	if p.names < maxNames && len(p.columns) < maxFields || p.wanted[string(name)] {
		return false
	}
	if p.all && !r.crowded {
		r.crowded, r.crowdAt = true, r.lastAt
	}
	return true
}

// AddNamed is Add for a name that comes from the evidence.
func (r *Rows) AddNamed(name, value []byte) {
	if r.rec == nil {
		if r.cur == nil {
			return
		}
		if i, ok := r.cur.columns[string(name)]; ok {
			r.set(r.cur, i, value)
			return
		}
		if r.crowd(r.cur, name) {
			return
		}
	}
	r.Add(string(r.text(name)), value)
}

func (r *Rows) column(p *plan, name string) int {
	i := -1
	if p.all || p.wanted[name] {
		i = p.builder.Field(name)
		p.held = append(p.held, p.sift && !p.wanted[name])
	}
	p.columns[name] = i
	p.names++
	return i
}

// text makes a value valid UTF-8.
func (r *Rows) text(v []byte) []byte {
	if utf8.Valid(v) {
		return v
	}
	r.valid = append(r.valid[:0], bytes.ToValidUTF8(v, []byte("\uFFFD"))...)
	return r.valid
}

// Odd counts a record that does not fit the format, or fits only in part. All of a segment are told as one damage with the place
// and the reason of the first.
func (r *Rows) Odd(offset uint64, why string) {
	if r.odd == 0 {
		r.oddAt, r.oddWhy = offset, why
	}
	r.odd++
}

// end delivers the rows by source, in order of each source's first row.
func (r *Rows) end(sink event.Sink, fetch func(offset uint64, rec *event.Record) error) error {
	switch {
	case r.odd == 1:
		sink.Damage(event.Damage{Offset: r.oddAt, Reason: "one record does not fit the format: " + r.oddWhy})
	case r.odd > 1:
		sink.Damage(event.Damage{Offset: r.oddAt, Reason: fmt.Sprintf("%d records from here do not fit the format, the first: %s", r.odd, r.oddWhy)})
	}
	if r.crowded {
		sink.Damage(event.Damage{Offset: r.crowdAt, Reason: fmt.Sprintf("too many field names, as many as %d in a batch: from here fields with further names are in fetched events only", maxFields)})
	}
	var err error
	for _, p := range r.used {
		for _, builder := range append(p.full, p.builder) {
			if err == nil && builder.Rows() > 0 {
				b := builder.Compact()
				b.Fetch = func(row int, rec *event.Record) error { return fetch(b.Offset[row], rec) }
				err = sink.Batch(b)
			}
		}
		p.full = nil
		p.builder.Reset()
		if p.names >= maxFields/2 { // names come from the evidence: start anew
			delete(r.plans, p.builder.Source())
		}
	}
	return err
}
