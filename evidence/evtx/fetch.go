package evtx

import (
	"fmt"
	"sort"

	"github.com/contrail-ir/contrail/event"
)

// fetch decodes the whole record at an offset of the file, which must lie in the segment.
func (d *Decoder) fetch(offset uint64, rec *event.Record) error {
	rec.Fields = rec.Fields[:0]
	at := int(offset - d.seg.Offset)
	i := sort.Search(len(d.spans), func(i int) bool { return int(d.spans[i].at) > at }) - 1
	if i < 0 || at+smallestRecord > int(d.spans[i].at+d.spans[i].size) {
		return fmt.Errorf("evtx: fetch record at offset %d: it is not in the segment", offset)
	}
	r := &d.again
	r.table.begin()
	r.recovering = true // what the log proper does not need does not hurt it: its ids fit
	r.table.known = append(r.table.known, d.known[i]...)
	r.table.live = len(r.table.known)
	r.base = int(d.spans[i].at)
	r.chunk = d.seg.Data[r.base : r.base+int(d.spans[i].size)]
	mark := len(d.extra)
	defer func() { d.extra = d.extra[:mark] }()
	at -= r.base
	size := int(le32(r.chunk[at+4:]))
	if size < smallestRecord || at+size > len(r.chunk) {
		return fmt.Errorf("evtx: fetch record at offset %d: no record", offset)
	}
	r.enter(size, spare)
	f, _, err := r.open(at+recordHeaderSize, at+size-4, atDocument)
	if err != nil {
		return fmt.Errorf("evtx: fetch record at offset %d: %w", offset, err)
	}
	_ = r.run(f) // what could not be read is damage, and reported; the rest is the event
	d.texts, d.textEnds = d.texts[:0], d.textEnds[:0]
	for _, n := range r.list {
		d.add(rec, n.name, n.value)
	}
	// One string for all values: a record has twenty, and each alone would be an allocation.
	all, from := string(d.texts), 0
	for i := range rec.Fields {
		if !rec.Fields[i].Null {
			end := d.textEnds[i]
			rec.Fields[i].Text = all[from:end]
			from = end
		}
	}
	return nil
}

// add appends a value to a record, of an array each element.
func (d *Decoder) add(rec *event.Record, name string, c cell) {
	if c.null() {
		rec.AddNull(name)
		d.textEnds = append(d.textEnds, len(d.texts))
		return
	}
	if c.typ()&typeArray != 0 {
		for e, rest := d.element(c); e != 0; e, rest = d.element(rest) {
			d.add(rec, name, e)
		}
		return
	}
	texts, kind := render(d.texts, c.typ(), d.bytes(c), d.ansi)
	d.texts = texts
	d.textEnds = append(d.textEnds, len(texts))
	rec.Add(name, kind, "") // the text is put in when all are there
}
