package evtx

import (
	"bytes"
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// encoder holds the memory of the second step: cells become dictionary-coded columns, one batch at a time.
type encoder struct {
	columns []encoded
	batch   event.Batch
	cols    []*event.Column
	host    encoded
	key     []byte
	flat    []cell  // cells of a list column, elements in place of lists
	table   []entry // distinct values of the column being encoded
	stamp   uint32  // entries of another stamp are empty
	octets  [256]event.Code
}

// encoded is the memory of one column.
type encoded struct {
	column event.Column
	dict   event.Dict
	codes  []event.Code
	list   []uint32
	flags  []uint8
}

type entry struct {
	stamp uint32
	value uint32 // dictionary index
	hash  uint64 // of a value of bytes; the number itself of others
}

// deliver makes a batch of a group's rows, hands it to the sink and empties the group.
func (d *Decoder) deliver(g *group) error {
	e := &d.encoder
	schema, used, key := g.source.schemaOf(g, e.key)
	e.key = key
	for len(e.columns) < len(used) {
		e.columns = append(e.columns, encoded{})
	}
	e.cols = e.cols[:0]
	for i, c := range used {
		to := &e.columns[i]
		d.encode(to, &g.columns[c], g.rows)
		e.cols = append(e.cols, &to.column)
	}
	d.encode(&e.host, &gathered{cells: g.host, types: typesOf(g.host)}, g.rows)
	e.batch = event.Batch{
		Schema: schema, Rows: g.rows, Cols: e.cols, Host: &e.host.column,
		Time: g.time, Offset: g.offset, Record: g.record, Recovered: g.recovered,
		Fetch: func(row int, rec *event.Record) error { return d.fetch(g.offset[row], rec) },
	}
	err := d.sink.Batch(&e.batch)
	e.batch = event.Batch{}
	g.reset()
	return err
}

// encode makes a column of the cells; rows before the first cell and behind the last are absent.
func (d *Decoder) encode(to *encoded, from *gathered, rows int) {
	to.dict = event.Dict{
		Nums: to.dict.Nums[:0], Bytes: to.dict.Bytes[:0], Ends: to.dict.Ends[:0], Flags: to.flags[:0],
	}
	to.column = event.Column{Dict: &to.dict}
	cells, types := from.cells, from.types
	before, behind := int(from.first), 0 // absent
	switch {
	case from.lists || types&arrays != 0:
		cells = d.flatten(to, cells, before, rows)
		types = typesOf(cells)
		to.column.List = to.list
		before = 0
	case len(cells) == rows && same(cells):
		cells = cells[:1]
		to.column.Const = true
	default:
		behind = rows - before - len(cells)
	}
	to.codes = slices.Grow(to.codes[:0], before+len(cells)+behind)[:before]
	clear(to.codes) // Absent
	d.encodeCells(to, cells, types)
	to.codes = to.codes[:len(to.codes)+behind]
	clear(to.codes[len(to.codes)-behind:])
	to.column.Codes = to.codes
	to.flags = to.dict.Flags
	if to.dict.Kind != event.Text {
		to.dict.Flags = nil
	}
	if !to.column.Const && to.column.List == nil && sameCode(to.codes) {
		to.column.Codes = to.codes[:1]
		to.column.Const = true
	}
}

// types says which kinds values have: a bit for each, and two more.
type types uint32

const (
	arrays  types = 1 << 30 // there are arrays among them
	foreign types = 1 << 31 // there is text that is not UTF-16
)

// add notes the type of a value.
func (t *types) add(c cell) {
	if p := c.place(); p == 0 || p == inList || c.typ() == typeNull {
		return
	}
	typ := c.typ()
	*t |= 1 << kindOf(typ&^typeArray)
	switch {
	case typ&typeArray != 0:
		*t |= arrays
	case typ == typeANSI || typ == typeUTF8: // bytes of another alphabet than UTF-16: compare as text
		*t |= foreign
	}
}

func typesOf(cells []cell) (t types) {
	last := cell(0)
	for _, c := range cells {
		if (c^last)>>48 != 0 {
			last = c
			t.add(c)
		}
	}
	return t
}

func same(cells []cell) bool {
	for _, c := range cells {
		if c != cells[0] {
			return false
		}
	}
	return len(cells) > 0 && cells[0].place() != inList
}

func sameCode(codes []event.Code) bool {
	for _, c := range codes {
		if c != codes[0] {
			return false
		}
	}
	return len(codes) > 0
}

// flatten puts the elements in place of lists and arrays, and keeps where each row begins.
func (d *Decoder) flatten(to *encoded, cells []cell, first, rows int) []cell {
	e := &d.encoder
	e.flat = e.flat[:0]
	to.list = to.list[:0]
	for row := range rows {
		to.list = append(to.list, uint32(len(e.flat)))
		i := row - first
		if i < 0 || i >= len(cells) || cells[i] == 0 {
			continue
		}
		c := cells[i]
		if c.place() != inList {
			d.expand(c)
			continue
		}
		for at := uint32(c.at()); at != 0; at = d.nodes[at].next {
			d.expand(d.nodes[at].value)
		}
	}
	to.list = append(to.list, uint32(len(e.flat)))
	return e.flat
}

func (d *Decoder) expand(c cell) {
	e := &d.encoder
	if c.typ()&typeArray == 0 {
		e.flat = append(e.flat, c)
		return
	}
	typ := c.typ() &^ typeArray
	if w := width(typ); w > 0 { // element says the same, and takes longer
		e.flat = slices.Grow(e.flat, c.size()/w+1)
		for at, left := c.at(), c.size(); left > 0; at, left = at+w, left-w {
			e.flat = append(e.flat, makeCell(c.place(), typ, at, min(w, left)))
		}
		return
	}
	for v, rest := d.element(c); v != 0; v, rest = d.element(rest) {
		e.flat = append(e.flat, v)
	}
}

// element splits the first element off an array; 0 when there is none left. Each takes a byte at least.
func (d *Decoder) element(array cell) (first, rest cell) {
	size := array.size()
	if size == 0 {
		return 0, 0
	}
	typ := array.typ() &^ typeArray
	raw := d.bytes(array)
	n, skip := width(typ), 0
	switch typ {
	case typeString:
		for n = 0; n+2 <= size && le16(raw[n:]) != 0; n += 2 {
		}
		skip = 2
	case typeANSI:
		if n = bytes.IndexByte(raw, 0); n < 0 {
			n = size
		}
		skip = 1
	case typeSize, typeHandle:
		if n = 8; size%8 != 0 {
			n = 4
		}
	case typeSID:
		n = size
		if size >= 8 {
			n = 8 + 4*int(raw[1])
		}
	}
	if n == 0 && skip == 0 || n > size {
		n = size
	}
	next := min(n+skip, size)
	first = makeCell(array.place(), typ, array.at(), n)
	return first, makeCell(array.place(), array.typ(), array.at()+next, size-next)
}

// encodeCells fills dictionary and codes.
func (d *Decoder) encodeCells(to *encoded, cells []cell, set types) {
	size := 64
	for size < 2*len(cells) {
		size *= 2
	}
	before := len(to.codes)
	e := &d.encoder
	if len(e.table) < size {
		e.table = make([]entry, size)
		e.stamp = 0
	}
	table := e.table[:size]
	if set&(set-1) == 0 { // one kind
		kind := event.Kind(0)
		for set>>kind > 1 {
			kind++
		}
		to.dict.Kind = kind
		ok := false
		switch {
		case kind.Numeric():
			ok = d.encodeNumbers(to, cells, table)
		default:
			ok = d.encodeBytes(to, cells, table)
		}
		if ok {
			return
		}
		to.dict.Nums, to.dict.Bytes, to.dict.Ends, to.dict.Flags = to.dict.Nums[:0], to.dict.Bytes[:0], to.dict.Ends[:0], to.dict.Flags[:0]
		to.codes = to.codes[:before]
	}
	to.dict.Kind = event.Text
	if set == 1<<event.Hex32|1<<event.Hex64 && d.encodeAs(to, event.Hex64, cells, table) {
		return
	}
	d.encodeText(to, cells, table)
}

// next gives a stamp no entry carries.
func (e *encoder) next() uint32 {
	if e.stamp++; e.stamp == 0 {
		clear(e.table)
		e.stamp = 1
	}
	return e.stamp
}

func (d *Decoder) encodeAs(to *encoded, kind event.Kind, cells []cell, table []entry) bool {
	before := len(to.codes)
	to.dict.Kind = kind
	if d.encodeNumbers(to, cells, table) {
		return true
	}
	to.dict.Kind = event.Text
	to.dict.Nums, to.codes = to.dict.Nums[:0], to.codes[:before]
	return false
}

// encodeNumbers fails when a value does not fit its type.
func (d *Decoder) encodeNumbers(to *encoded, cells []cell, table []entry) bool {
	stamp := d.encoder.next()
	mask := uint64(len(table) - 1)
	var last uint64
	lastCode := event.Absent
	var octets *[256]event.Code // of values of one byte: an array can have sixty thousand, which cost a third less so
	if len(cells) > fewCells {
		octets = &d.encoder.octets
		clear(octets[:])
	}
	for _, c := range cells {
		if c == 0 || c.null() {
			to.codes = append(to.codes, missing(c))
			continue
		}
		raw := d.bytes(c)
		octet := octets != nil && len(raw) == 1 && (c.typ() == typeUint8 || c.typ() == typeInt8) // one of them, as the column has one kind
		if octet && octets[raw[0]] != event.Absent {
			to.codes = append(to.codes, octets[raw[0]])
			continue
		}
		n, ok := number(c.typ(), raw)
		if !ok {
			return false
		}
		if lastCode != event.Absent && n == last {
			to.codes = append(to.codes, lastCode)
			continue
		}
		for h := event.HashNumber(n) & mask; ; h = (h + 1) & mask {
			t := &table[h]
			if t.stamp != stamp {
				*t = entry{stamp: stamp, value: uint32(len(to.dict.Nums)), hash: n}
				to.dict.Nums = append(to.dict.Nums, n)
			} else if t.hash != n {
				continue
			}
			last, lastCode = n, event.ValueCode(int(t.value))
			break
		}
		if octet {
			octets[raw[0]] = lastCode
		}
		to.codes = append(to.codes, lastCode)
	}
	return true
}

// fewCells are encoded without more memory than they need.
const fewCells = 1 << 10

// encodeBytes encodes values whose distinct bytes are distinct values. It fails when text is not: when it holds
// surrogates that stand alone.
func (d *Decoder) encodeBytes(to *encoded, cells []cell, table []entry) bool {
	stamp := d.encoder.next()
	mask := uint64(len(table) - 1)
	wide := to.dict.Kind == event.Text
	firsts := d.firsts[:0] // raw bytes of each value
	var last []byte
	var lastCell cell
	lastCode := event.Absent
	done := true
	for _, c := range cells {
		if c == 0 || c.null() {
			to.codes = append(to.codes, missing(c))
			continue
		}
		if c == lastCell {
			to.codes = append(to.codes, lastCode)
			continue
		}
		lastCell = c
		raw := d.bytes(c)
		if wide {
			raw = trimNUL(raw)
		}
		if lastCode != event.Absent && bytes.Equal(raw, last) {
			to.codes = append(to.codes, lastCode)
			continue
		}
		hash := event.Hash(raw)
		for h := hash & mask; ; h = (h + 1) & mask {
			t := &table[h]
			if t.stamp != stamp {
				*t = entry{stamp: stamp, value: uint32(len(firsts)), hash: hash}
				firsts = append(firsts, raw)
				ascii := uint8(0)
				if wide {
					var plain, exact bool
					to.dict.Bytes, plain, exact = appendUTF16(to.dict.Bytes, raw)
					done = done && exact
					if plain {
						ascii = event.ASCII
					}
					to.dict.Flags = append(to.dict.Flags, ascii)
				} else {
					to.dict.Bytes = append(to.dict.Bytes, raw...)
				}
				to.dict.Ends = append(to.dict.Ends, uint32(len(to.dict.Bytes)))
			} else if t.hash != hash || !bytes.Equal(firsts[t.value], raw) {
				continue
			}
			last, lastCode = raw, event.ValueCode(int(t.value))
			break
		}
		to.codes = append(to.codes, lastCode)
		if !done {
			break
		}
	}
	clear(firsts)
	d.firsts = firsts
	return done
}

// encodeText encodes values of different kinds, or text that is not all UTF-16, by their canonical text.
func (d *Decoder) encodeText(to *encoded, cells []cell, table []entry) {
	stamp := d.encoder.next()
	mask := uint64(len(table) - 1)
	for _, c := range cells {
		if c == 0 || c.null() {
			to.codes = append(to.codes, missing(c))
			continue
		}
		d.scratch, _ = render(d.scratch[:0], c.typ(), d.bytes(c), d.ansi)
		hash := event.Hash(d.scratch)
		for h := hash & mask; ; h = (h + 1) & mask {
			t := &table[h]
			if t.stamp != stamp {
				*t = entry{stamp: stamp, value: uint32(len(to.dict.Ends)), hash: hash}
				to.dict.Bytes = append(to.dict.Bytes, d.scratch...)
				to.dict.Ends = append(to.dict.Ends, uint32(len(to.dict.Bytes)))
				to.dict.Flags = append(to.dict.Flags, asciiFlag(d.scratch))
			} else if t.hash != hash || !bytes.Equal(to.dict.Raw(int(t.value)), d.scratch) {
				continue
			}
			to.codes = append(to.codes, event.ValueCode(int(t.value)))
			break
		}
	}
}

func missing(c cell) event.Code {
	if c == 0 {
		return event.Absent
	}
	return event.Null
}

func asciiFlag(text []byte) uint8 {
	for _, b := range text {
		if b >= 0x80 {
			return 0
		}
	}
	return event.ASCII
}
