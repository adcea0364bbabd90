package message

import (
	"bytes"
	"fmt"

	"github.com/contrail-ir/contrail/event"
)

// Record is one record of a text log: a line, or several of which the first begins it.
type Record struct {
	Text   []byte // without the last line end
	Offset uint64 // in the file
	Number uint64 // of its first line, from 1
	Lines  uint64 // that it has
}

// Decoder implements event.Decoder for a format that says how a record is read.
type Decoder struct {
	// Begins says whether a line begins a record; the others continue it. Nil: each does.
	Begins func(line []byte) bool
	// Cut gives the length of the record at the beginning of b, which is not empty, and how many lines it has. Nil: by Begins.
	Cut func(b []byte) (n int, count uint64)
	// Quoted says that a line end between double quotes does not end a record.
	Quoted bool
	// Start forgets the last segment. It may be nil.
	Start func(seg *event.Segment)
	// Read reads a record: for each row of it, Row and then Add.
	Read func(rows *Rows, r Record)
	// Says lists what Read may give a row that it asked Rows.Clear about without cutting it from the record: the names of severities.
	Says []string
	// End reads what waited for the end of the segment. It may be nil.
	End func(rows *Rows)
	// Replay says that a row can only be decoded with all that stands before it in the segment.
	Replay bool

	rows  Rows
	fetch Rows
}

// Decode implements event.Decoder.
func (d *Decoder) Decode(seg *event.Segment, needs *event.Needs, sink event.Sink) error {
	d.rows.begin(seg, needs, d.Says)
	d.run(&d.rows, seg, 0)
	return d.rows.end(sink, func(offset uint64, rec *event.Record) error {
		at := offset - seg.Offset
		if at >= uint64(len(seg.Data)) {
			return fmt.Errorf("fetch event: no record at offset %d", offset)
		}
		all := event.Everything()
		d.fetch.begin(seg, &all, nil)
		d.fetch.rec, d.fetch.target = rec, offset
		if d.Replay {
			at = 0
		}
		d.run(&d.fetch, seg, int(at))
		return nil
	})
}

func (d *Decoder) run(rows *Rows, seg *event.Segment, at int) {
	if d.Start != nil {
		d.Start(seg)
	}
	number := seg.Record
	for at < len(seg.Data) && !(rows.rec != nil && rows.found) {
		n, count := d.record(seg.Data[at:])
		text := bytes.TrimSuffix(seg.Data[at:at+n], []byte{'\n'})
		text = bytes.TrimSuffix(text, []byte{'\r'})
		if (at == 0 || seg.Data[at-1] == '\n') && (at+n == len(seg.Data) || seg.Data[at+n-1] == '\n') {
			rows.sifting.beginLines(text, seg.Data, at)
		} else {
			rows.sifting.begin(text)
		}
		d.Read(rows, Record{Text: text, Offset: seg.Offset + uint64(at), Number: number, Lines: count})
		at += n
		number += count
	}
	rows.sifting.begin(nil)
	if d.End != nil && !(rows.rec != nil && rows.found) {
		d.End(rows)
	}
}

// record gives the length of the record at the beginning of b, and how many lines it has.
func (d *Decoder) record(b []byte) (n int, count uint64) {
	if d.Cut != nil {
		return d.Cut(b)
	}
	open := false
	for n < len(b) {
		end := len(b)
		if i := bytes.IndexByte(b[n:], '\n'); i >= 0 {
			end = n + i + 1
		}
		if d.Quoted && bytes.Count(b[n:end], []byte{'"'})%2 == 1 {
			open = !open
		}
		n = end
		count++
		if n == len(b) || open {
			continue
		}
		if d.Begins == nil || d.Begins(b[n:]) {
			break
		}
	}
	return n, count
}
