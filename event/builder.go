package event

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// Builder makes batches out of rows, for readers whose evidence comes row by row. It keeps its memory from
// batch to batch. The zero value is not usable: call NewBuilder. One goroutine uses it at a time.
type Builder struct {
	source Source
	schema *Schema // reused while the fields stay the same
	cols   []builderColumn
	names  []string
	byName map[string]int
	host   builderColumn
	lately [16]Code // of hosts
	batch  Batch
	out    []*Column
	used   int // columns with a value in the batch
	values int // of the batch

	order   []int // columns by name, for Compact
	filled  []byte
	compact map[string]*Schema // by the columns filled
}

// NewBuilder returns a builder of batches of one source.
func NewBuilder(source Source) *Builder {
	return &Builder{source: source, byName: map[string]int{}}
}

// Restart makes the builder, which has no rows, one of another source that knows no fields. It keeps its memory: sources that come from the
// evidence can be many.
func (b *Builder) Restart(source Source) {
	b.source, b.schema, b.compact = source, nil, nil
	clear(b.byName)
	b.names, b.cols, b.order = b.names[:0], b.cols[:0], b.order[:0]
	b.batch.Sifted = false
}

// Source gives the source of the builder's batches.
func (b *Builder) Source() Source { return b.source }

// Rows gives the number of rows begun since the last Reset.
func (b *Builder) Rows() int { return b.batch.Rows }

// Size estimates the bytes that the rows hold, for cutting batches by size.
func (b *Builder) Size() int {
	n := b.batch.Rows * 32
	for i := range b.cols {
		n += len(b.cols[i].dict.Bytes) + 4*len(b.cols[i].codes)
	}
	return n
}

// Fields gives the number of columns known so far. They are kept over Reset; a reader whose field names come from
// the evidence starts a new builder when there are too many.
func (b *Builder) Fields() int { return len(b.names) }

// Field gives the index of a column, made at first sight.
func (b *Builder) Field(name string) int {
	if i, ok := b.byName[name]; ok {
		return i
	}
	i := len(b.names)
	b.names = append(b.names, name)
	b.byName[name] = i
	if i < cap(b.cols) {
		b.cols = b.cols[:i+1] // with the memory of a column that was reset
	} else {
		b.cols = append(b.cols, builderColumn{})
	}
	b.schema = nil
	return i
}

// FieldBytes is Field for a name in a byte slice, without allocation when the column is known.
func (b *Builder) FieldBytes(name []byte) int {
	if i, ok := b.byName[string(name)]; ok {
		return i
	}
	return b.Field(string(name))
}

// Row begins a row. Values set afterwards belong to it; fields not set are absent.
func (b *Builder) Row(ns int64, offset, record uint64, host []byte) {
	t := &b.batch
	t.Rows++
	t.Time = append(t.Time, ns)
	t.Offset = append(t.Offset, offset)
	t.Record = append(t.Record, record)
	b.host.add(t.Rows-1, b.hostCode(host))
}

// hostCode interns a host. Hosts take turns in what a collector writes: those met last are known by their last byte, which costs a third of
// looking them up.
func (b *Builder) hostCode(host []byte) Code {
	if len(host) == 0 {
		return b.host.intern(host)
	}
	lately := &b.lately[host[len(host)-1]%uint8(len(b.lately))]
	if i, ok := lately.Value(); ok && string(b.host.dict.Raw(i)) == string(host) {
		return *lately
	}
	*lately = b.host.intern(host)
	return *lately
}

// SetTime replaces the time of the row begun last, for formats whose time stands behind other fields.
func (b *Builder) SetTime(ns int64) { b.batch.Time[b.batch.Rows-1] = ns }

// SetHost replaces the host of the row begun last.
func (b *Builder) SetHost(host []byte) {
	b.host.codes[len(b.host.codes)-1] = b.hostCode(host)
}

// Sift says that the reader asks the needs' sifter about every row from now on.
func (b *Builder) Sift() { b.batch.Sifted = true }

// Suspect notes that the sifter suspects the row begun last.
func (b *Builder) Suspect() { b.batch.Suspects = append(b.batch.Suspects, b.batch.Rows-1) }

// Full says that the rows should be delivered before another one begins. A column has a cell for every row, so rows that each bring fields
// of their own would make batches that grow with the square of the evidence: a batch holds no more than a bounded number of cells, and
// not many more of them than values.
func (b *Builder) Full() bool {
	cells := b.batch.Rows * b.used
	return cells > maxCells || cells > leastCells && cells > cellsPerValue*b.values
}

const (
	maxCells      = 4 << 20
	leastCells    = 32 << 10
	cellsPerValue = 32
)

// Text sets a value of the current row; set again, the field is a list.
func (b *Builder) Text(field int, value []byte) {
	c := b.column(field)
	c.add(b.batch.Rows-1, c.intern(value))
}

// Null sets the current row's field to null.
func (b *Builder) Null(field int) { b.column(field).add(b.batch.Rows-1, Null) }

// column gives a column that gets a value.
func (b *Builder) column(field int) *builderColumn {
	c := &b.cols[field]
	if c.rows == 0 {
		b.used++
	}
	b.values++
	return c
}

// Batch gives the rows since the last Reset. It is valid until Reset. Fetch is nil: the reader sets it.
func (b *Builder) Batch() *Batch {
	if b.schema == nil {
		b.schema = NewSchema(b.source, append([]string(nil), b.names...))
	}
	b.out = b.out[:0]
	for i := range b.cols {
		b.out = append(b.out, b.cols[i].finish(b.batch.Rows))
	}
	b.batch.Schema = b.schema
	b.batch.Cols = b.out
	b.batch.Host = b.host.finish(b.batch.Rows)
	return &b.batch
}

// Compact gives the same as Batch with only those columns that hold a value or null, ordered by name: it depends on the rows
// alone, whatever the builder has seen before. It is for readers whose field names come from the evidence.
func (b *Builder) Compact() *Batch {
	for i := len(b.order); i < len(b.names); i++ {
		at, _ := slices.BinarySearchFunc(b.order, b.names[i], func(c int, name string) int { return strings.Compare(b.names[c], name) })
		b.order = slices.Insert(b.order, at, i)
	}
	b.out, b.filled = b.out[:0], b.filled[:0]
	for _, i := range b.order {
		if b.cols[i].rows > 0 {
			b.out = append(b.out, b.cols[i].finish(b.batch.Rows))
			b.filled = binary.LittleEndian.AppendUint32(b.filled, uint32(i))
		}
	}
	schema := b.compact[string(b.filled)]
	if schema == nil {
		fields := make([]string, 0, len(b.out))
		for at := 0; at < len(b.filled); at += 4 {
			fields = append(fields, b.names[binary.LittleEndian.Uint32(b.filled[at:])])
		}
		if schema = NewSchema(b.source, fields); len(b.compact) >= maxCompact || b.compact == nil {
			b.compact = map[string]*Schema{}
		}
		b.compact[string(b.filled)] = schema
	}
	b.batch.Schema = schema
	b.batch.Cols = b.out
	b.batch.Host = b.host.finish(b.batch.Rows)
	return &b.batch
}

// maxCompact bounds the schemas that a builder remembers.
const maxCompact = 64

// Reset forgets the rows and keeps columns and memory.
func (b *Builder) Reset() {
	t := &b.batch
	*t = Batch{Time: t.Time[:0], Offset: t.Offset[:0], Record: t.Record[:0], Sifted: t.Sifted, Suspects: t.Suspects[:0]}
	b.used, b.values = 0, 0
	b.host.reset()
	clear(b.lately[:])
	for i := range b.cols {
		b.cols[i].reset()
	}
}

// builderColumn interns values in an open-addressing table that holds dictionary index + 1.
type builderColumn struct {
	dict   Dict
	hashes []uint64 // of dictionary values
	table  []uint32
	codes  []Code
	starts []uint32 // offsets per row seen so far, set only once the column is a list
	rows   int      // rows that codes speak of
	col    Column
	last   []byte // the value interned last, aliasing dict: logs repeat themselves
	lastAt Code
}

func (c *builderColumn) reset() {
	c.dict = Dict{Bytes: c.dict.Bytes[:0], Ends: c.dict.Ends[:0], Flags: c.dict.Flags[:0]}
	c.hashes = c.hashes[:0]
	clear(c.table)
	c.codes = c.codes[:0]
	c.starts = nil
	c.rows = 0
	c.lastAt = Absent
	c.last = nil
}

func (c *builderColumn) intern(v []byte) Code {
	if c.lastAt != Absent && bytes.Equal(v, c.last) {
		return c.lastAt
	}
	h := Hash(v)
	if 4*(len(c.hashes)+1) > 3*len(c.table) {
		c.grow()
	}
	mask := uint64(len(c.table) - 1)
	at := h & mask
	for {
		e := c.table[at]
		if e == 0 {
			break
		}
		if c.hashes[e-1] == h && bytes.Equal(c.dict.Raw(int(e-1)), v) {
			return c.remember(int(e - 1))
		}
		at = (at + 1) & mask
	}
	i := len(c.dict.Ends)
	c.dict.Bytes = append(c.dict.Bytes, v...)
	c.dict.Ends = append(c.dict.Ends, uint32(len(c.dict.Bytes)))
	c.dict.Flags = append(c.dict.Flags, flagsOf(v))
	c.hashes = append(c.hashes, h)
	c.table[at] = uint32(i + 1)
	return c.remember(i)
}

func (c *builderColumn) remember(i int) Code {
	c.last = c.dict.Raw(i)
	c.lastAt = ValueCode(i)
	return c.lastAt
}

func (c *builderColumn) grow() {
	size := max(16, 2*len(c.table))
	c.table = make([]uint32, size)
	mask := uint64(size - 1)
	for i, h := range c.hashes {
		at := h & mask
		for c.table[at] != 0 {
			at = (at + 1) & mask
		}
		c.table[at] = uint32(i + 1)
	}
}

// add puts a code at a row, filling rows passed over with Absent, and turns the column into a list when the row
// has one already.
func (c *builderColumn) add(row int, code Code) {
	if c.starts == nil && row == c.rows-1 {
		for i := range c.rows {
			c.starts = append(c.starts, uint32(i))
		}
	}
	c.pad(row)
	if row == c.rows {
		if c.starts != nil {
			c.starts = append(c.starts, uint32(len(c.codes)))
		}
		c.rows++
	}
	c.codes = append(c.codes, code)
}

// absent is what a column without a value holds.
var absent = []Code{Absent}

// pad makes codes speak of the given number of rows.
func (c *builderColumn) pad(rows int) {
	n := rows - c.rows
	if n <= 0 {
		return
	}
	c.rows = rows
	if c.starts != nil {
		for range n {
			c.starts = append(c.starts, uint32(len(c.codes)))
		}
		return
	}
	at := len(c.codes)
	c.codes = slices.Grow(c.codes, n)[:at+n]
	clear(c.codes[at:]) // Absent
}

func (c *builderColumn) finish(rows int) *Column {
	if c.rows == 0 { // nothing was set: not worth a cell a row
		c.col = Column{Dict: &c.dict, Codes: absent, Const: true}
		return &c.col
	}
	c.pad(rows)
	c.col = Column{Dict: &c.dict, Codes: c.codes}
	if c.starts != nil {
		c.col.List = append(c.starts, uint32(len(c.codes)))
	}
	return &c.col
}

func flagsOf(v []byte) uint8 {
	for _, b := range v {
		if b >= 0x80 {
			return 0
		}
	}
	return ASCII
}
