// Package table reads text tables with a header: CSV, and its relatives with semicolons, tabs and bars, as tools, SIEMs and
// databases export them.
//
// Columns are fields by their names. What is known of a table by its header adds the names that rules use and the source:
// NetFlow, database audit trails. Tables that hold Windows events, or a column with a whole record as JSON, are read as that
// record would be from JSON: a row is the object of its columns. Hints.Columns maps columns of any other table: the name that rules
// use → the column; source.product, source.category and source.service are taken as they stand.
//
// Quoted values may hold line ends. A row of another width than the header is damage; what it has is delivered, values beyond
// the last column as the list _extra.
package table

import (
	"bufio"
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/delimited"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "table" }

const (
	maxColumns = 2000
	headBytes  = 64 << 10
)

// Recognise implements event.Format: likely where the header is one it knows, possible for any other table.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	h := read(lines.Text(head), nil)
	switch {
	case h == nil:
		return event.No
	case h.known:
		return event.Likely + 20
	case h.time >= 0:
		return event.Possible + 15
	}
	return event.Possible + 5
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	body := bufio.NewReaderSize(f.Body, headBytes)
	head, _ := body.Peek(headBytes) // an error comes again when it is read
	f.Body = body
	h := read(lines.Text(head), f.Hints.Columns)
	if h == nil {
		h = &header{comma: ',', source: event.Source{Service: "table"}, time: -1, date: -1, host: -1}
	}
	return message.Open(f, message.Cut{State: h, Last: delimited.Last(h.comma)})
}

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	d := &decoder{}
	d.rows = &message.Decoder{Start: d.start, Cut: d.cut, Read: d.read}
	return d
}

type decoder struct {
	rows *message.Decoder
	json asJSON

	seg   *event.Segment
	h     *header
	zone  *time.Location
	cuts  delimited.Cutter
	split delimited.Splitter
	buf   []byte
}

// Decode implements event.Decoder.
func (d *decoder) Decode(seg *event.Segment, needs *event.Needs, sink event.Sink) error {
	if h := seg.State.(*header); h.json {
		return d.json.decode(h, seg, needs, sink)
	}
	return d.rows.Decode(seg, needs, sink)
}

func (d *decoder) start(seg *event.Segment) {
	d.h, d.zone = seg.State.(*header), seg.File.Hints.Zone
	d.cuts = delimited.Cutter{Comma: d.h.comma}
	if seg != d.seg {
		d.seg, d.rows.Replay = seg, false
	}
}

func (d *decoder) cut(b []byte) (int, uint64) {
	n, count := d.cuts.Cut(b)
	if d.cuts.Wasted > 0 {
		d.rows.Replay = true
	}
	return n, count
}

func (d *decoder) read(rows *message.Rows, r message.Record) {
	h := d.h
	if len(r.Text) == 0 || r.Offset < h.end || bytes.Equal(r.Text, h.line) {
		return // before the header, the header, or the header again where files were joined
	}
	if len(h.columns) == 0 {
		rows.Row(h.source, event.NoTime, r.Offset, r.Number, nil)
		rows.Odd(r.Offset, "a line of a file without a header")
		return
	}
	if h.summary(r.Text) {
		return
	}
	d.split.Split(r.Text, h.comma)
	values := d.split.Fields
	ns, timed := d.time(values)
	var host []byte
	if h.host >= 0 && h.host < len(values) {
		host = values[h.host]
	}
	wanted := rows.Row(h.source, ns, r.Offset, r.Number, host)
	switch {
	case len(values) != len(h.columns):
		rows.Odd(r.Offset, "the number of values is not that of the header")
	case !timed:
		rows.Odd(r.Offset, "a time that cannot be read")
	}
	if !wanted {
		return
	}
	for i, v := range values {
		if i >= len(h.columns) {
			rows.Add("_extra", v)
			continue
		}
		c := &h.columns[i]
		if h.known && len(v) == 0 {
			continue // an unset value; in a table nobody knows it is the empty value
		}
		if h.flows { // nfdump aligns its values
			v = bytes.TrimSpace(v)
		}
		rows.Add(c.name, v)
		for _, alias := range c.aliases {
			rows.Add(alias, v)
		}
	}
}

// time gives a row's time; true when the table has none.
func (d *decoder) time(values [][]byte) (int64, bool) {
	h := d.h
	if h.time < 0 || h.time >= len(values) {
		return event.NoTime, h.time < 0
	}
	text := values[h.time]
	if h.date >= 0 && h.date < len(values) {
		d.buf = append(append(append(d.buf[:0], values[h.date]...), ' '), text...)
		text = d.buf
	}
	ns, ok := stamp.Parse(text, d.zone)
	if !ok {
		return event.NoTime, len(bytes.TrimSpace(text)) == 0
	}
	return ns, true
}
