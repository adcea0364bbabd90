package evtx

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math"

	"golang.org/x/text/encoding"

	"github.com/contrail-ir/contrail/event"
)

// Bounds within a segment. A group past them is delivered and begun anew, so that what a segment makes of itself in
// memory stays within a few times its size.
const (
	mostGroups     = 1 << 9
	mostGroupCells = 2 << 20
	fewGroupCells  = 1 << 11 // up to here it does not matter how many of them are empty
	cellsPerValue  = 32      // on average
	mostGroupBytes = 16 << 20
	mostElements   = 1 << 16 // of arrays in a group
	mostExtra      = 16 << 20
	mostNodes      = 1 << 20
	mostColumns    = 4096     // of a source, kept after a group is delivered
	mostHeld       = 64 << 20 // bytes of empty groups, kept from segment to segment
	mostDamage     = 16       // reports on one chunk; the rest are counted
)

// Decoder is the working memory of one goroutine: templates and sources it has met, and the values of the segment being
// decoded.
type Decoder struct {
	templates templateCache
	compiler  compiler
	normal    normaliser
	table     chunkTemplates
	main      runner // reads the segment
	again     runner // reads single records for Fetch
	againAt   chunkTemplates

	needs    *event.Needs
	sources  map[event.Source]*source
	keys     map[uint64]*sourceKey
	keyCount int
	idle     []*source    // forgotten, to become others
	idleKeys []*sourceKey // forgotten, to become others

	// The segment being decoded.
	seg    *event.Segment
	sink   event.Sink
	spans  []span
	known  [][]definition // templates of each span, for its slack; empty without
	extra  []byte
	nodes  []node
	order  []*group // with rows, by their first
	hint   cell     // the host where events name none
	offset int64    // nanoseconds to add to times

	scratch  []byte
	texts    []byte // of the record being fetched, end to end
	textEnds []int  // by its fields
	encoding string
	ansi     *encoding.Decoder
	encoder  encoder
	firsts   [][]byte

	damages int    // of the chunk being read
	spare   amount // in the chunk being read
}

func newDecoder() *Decoder {
	d := &Decoder{}
	d.main = runner{d: d, table: &d.table}
	d.again = runner{d: d, table: &d.againAt}
	return d
}

// Decode delivers the records of a segment. Batches come one per source in the order of their first record, recovered
// records apart; a source with very much in it comes in several. The needs are asked once per source for as long as the
// same pointer is given, so they must not change behind it.
func (d *Decoder) Decode(seg *event.Segment, needs *event.Needs, sink event.Sink) error {
	d.begin(seg, needs, sink)
	defer d.end()
	for _, damage := range seg.Damage {
		sink.Damage(damage)
	}
	for i, s := range d.spans {
		if err := d.readChunk(i, s); err != nil {
			return err
		}
	}
	return d.deliverAll()
}

func (d *Decoder) begin(seg *event.Segment, needs *event.Needs, sink event.Sink) {
	if d.keyCount > mostSources || d.templates.count > mostTemplates || len(d.templates.bytes) > mostTemplateBytes ||
		d.compiler.names.bytes > mostNameBytes {
		d.templates = templateCache{}
		d.compiler = compiler{}
		d.needs = nil
	}
	if d.needs != needs || d.sources == nil {
		d.needs = needs
		d.forgetSources()
	}
	d.seg, d.sink = seg, sink
	d.spans, _ = seg.State.([]span)
	d.extra, d.nodes = d.extra[:0], d.nodes[:0]
	for len(d.known) < len(d.spans) {
		d.known = append(d.known, nil)
	}
	for i := range d.known {
		d.known[i] = d.known[i][:0]
	}
	hints := event.Hints{}
	if seg.File != nil {
		hints = seg.File.Hints
	}
	if d.ansi == nil || d.encoding != hints.Encoding {
		d.encoding = hints.Encoding
		d.ansi = codePage(hints.Encoding)
	}
	d.offset = int64(hints.Offset)
	d.extra = append(d.extra, hints.Host...)
	d.hint = makeCell(inExtra, typeUTF8, 0, min(len(hints.Host), longest))
}

// forgetSources forgets all sources, which have no rows. Their memory becomes that of others: evidence can have a source for each record.
func (d *Decoder) forgetSources() {
	if d.sources == nil {
		d.sources, d.keys = map[event.Source]*source{}, map[uint64]*sourceKey{}
	}
	for _, s := range d.sources {
		if s.recycle() {
			d.idle = append(d.idle, s)
		}
	}
	for _, k := range d.keys {
		for ; k != nil; k = k.next {
			d.idleKeys = append(d.idleKeys, k)
		}
	}
	clear(d.sources)
	clear(d.keys)
	d.keyCount = 0
	for _, t := range d.templates.byHash {
		if t.is != nil {
			t.is.program.forget()
		}
	}
}

// end lets go of the segment, and of memory that an unusual one has made large.
func (d *Decoder) end() {
	held := 0
	for _, s := range d.sources {
		for i := range s.groups {
			held += s.groups[i].held()
		}
	}
	for _, g := range d.order { // left after an error
		g.reset()
		g.listed = false
	}
	for _, s := range d.sources {
		if held > mostHeld {
			s.groups = [2]group{}
		}
		if len(s.fields) > mostColumns {
			s.forget()
		}
	}
	d.order = d.order[:0]
	d.seg, d.sink, d.spans = nil, nil, nil
	d.main.chunk, d.again.chunk = nil, nil
}

// bytes gives the bytes of a cell.
func (d *Decoder) bytes(c cell) []byte {
	at, size := c.at(), c.size()
	switch c.place() {
	case inSegment:
		return d.seg.Data[at : at+size]
	case inTemplates:
		return d.templates.bytes[at : at+size]
	case inExtra:
		return d.extra[at : at+size]
	}
	return nil
}

// keep makes a cell of text.
func (d *Decoder) keep(text []byte) cell {
	at := len(d.extra)
	d.extra = append(d.extra, text...)
	return makeCell(inExtra, typeUTF8, at, len(text))
}

// appendText appends the canonical text of a value, of an array its elements with a separator.
func (d *Decoder) appendText(dst []byte, c cell, separator string) []byte {
	if c.typ()&typeArray == 0 {
		dst, _ = render(dst, c.typ(), d.bytes(c), d.ansi)
		return dst
	}
	first := true
	for e, rest := d.element(c); e != 0; e, rest = d.element(rest) {
		if !first {
			dst = append(dst, separator...)
		}
		first = false
		dst, _ = render(dst, e.typ(), d.bytes(e), d.ansi)
	}
	return dst
}

// text gives the canonical text of a value, "" for null.
func (d *Decoder) text(c cell) string {
	if c.null() {
		return ""
	}
	d.scratch = d.appendText(d.scratch[:0], c, ", ")
	return string(d.scratch)
}

func (d *Decoder) damage(at int, format string, args ...any) {
	if d.damages++; d.damages <= mostDamage {
		d.sink.Damage(event.Damage{Offset: d.seg.Offset + uint64(at), Reason: fmt.Sprintf(format, args...)})
	}
}

// readChunk reads what one span holds.
func (d *Decoder) readChunk(i int, s span) error {
	begin, size := int(s.at), int(s.size)
	d.damages, d.spare = 0, spare
	d.table.begin()
	r := &d.main
	r.base = begin
	r.chunk = d.seg.Data[begin : begin+size]
	slack := d.seg.File != nil && d.seg.File.Hints.Slack
	var err error
	switch {
	case s.headless:
		if !s.unused || slack {
			err = d.scan(0, size, true, s.unused)
		}
	case size < chunkHeaderSize:
	default:
		free := d.checkHeader(s)
		if err = d.scan(chunkHeaderSize, free, false, false); err == nil && slack {
			// Slack may lean on the log proper, never the other way round.
			d.table.live = len(d.table.known)
			d.known[i] = append(d.known[i][:0], d.table.known...)
			err = d.scan(free, size, true, true)
		}
	}
	if more := d.damages - mostDamage; more > 0 {
		d.damages = 0
		d.damage(begin, "%d more places of this chunk are damaged", more)
	}
	return err
}

// checkHeader verifies the checksums and gives the end of the records.
func (d *Decoder) checkHeader(s span) int {
	chunk := d.main.chunk
	checked := !s.nocrc && le32(chunk[120:])&flagNoCRC == 0
	intact := true
	if checked && headerChecksum(chunk) != le32(chunk[124:]) {
		intact = false
		d.damage(int(s.at), "chunk header does not match its checksum")
	}
	free := int(le32(chunk[48:]))
	switch {
	case free < chunkHeaderSize || free > chunkSize:
		d.damage(int(s.at)+48, "chunk header says that the records end at %d", free)
		return len(chunk)
	case free > len(chunk): // the stream has told that it is cut off
		return len(chunk)
	}
	if checked && crc32.ChecksumIEEE(chunk[chunkHeaderSize:free]) != le32(chunk[52:]) && intact {
		d.damage(int(s.at)+chunkHeaderSize, "the records of the chunk do not match their checksum")
	}
	return free
}

// scan reads the records between two offsets of the chunk. Each step moves on by a byte at least. Where damage is
// expected, in slack, it is not reported.
func (d *Decoder) scan(at, end int, recovered, quiet bool) error {
	chunk, base := d.main.chunk, d.main.base
	lost := recovered // looking for the next record; reported already
	for at < end {
		if !startsWith(chunk[at:end], recordMagic) {
			next := bytes.Index(chunk[at:end], []byte(recordMagic))
			if !lost && !(next < 0 && blank(chunk[at:end])) {
				d.damage(base+at, "no record where one should begin")
			}
			if next < 0 {
				return nil
			}
			at += next
			lost = false
			continue
		}
		if end-at < recordHeaderSize {
			if !quiet {
				d.damage(base+at, "record is cut off")
			}
			return nil
		}
		size := int(le32(chunk[at+4:]))
		switch {
		case size < smallestRecord || size > chunkSize || at+size > end:
			if !quiet {
				d.damage(base+at, "record says that it is %d bytes long, %d are left", size, end-at)
			}
			at += len(recordMagic)
			lost = true
			continue
		case int(le32(chunk[at+size-4:])) != size:
			if !quiet {
				d.damage(base+at, "record of %d bytes ends with another size", size)
			}
			// What follows decides which of the two sizes lies.
			if at+size != end && !startsWith(chunk[at+size:end], recordMagic) {
				at += len(recordMagic)
				lost = true
				continue
			}
		}
		if err := d.record(at, size, recovered, quiet); err != nil {
			return err
		}
		at += size
		lost = recovered
	}
	return nil
}

// record reads one record. What it returns is the sink's error.
func (d *Decoder) record(at, size int, recovered, quiet bool) error {
	r := &d.main
	if many := len(d.order) > mostGroups; many || len(d.extra) > mostExtra || len(d.nodes) > mostNodes {
		if err := d.deliverAll(); err != nil {
			return err
		}
		if many {
			d.forgetSources()
		}
		d.extra = d.extra[:d.hint.size()]
		d.nodes = d.nodes[:0]
	}
	r.enter(size, d.spare)
	defer r.pay(&d.spare)
	r.recovering = recovered
	if quiet {
	}
	mark := len(d.extra)
	f, _, err := r.open(at+recordHeaderSize, at+size-4, atDocument)
	if err == nil {
		err = r.system(&f)
	}
	if err != nil {
		if !quiet {
			d.damage(r.base+at, "record does not decode: %v", err)
		}
		d.extra = d.extra[:mark]
		return nil
	}
	ns, ok := d.time(r.sys[sysTime], le64(r.chunk[at+16:]))
	if !ok && !quiet {
		d.damage(r.base+at, "the time of the record is out of range")
	}
	if !d.needs.Covers(ns) {
		d.extra = d.extra[:mark]
		return nil
	}
	s := d.source(f.program, r.sys[sysProvider], r.sys[sysChannel], d.id(r.sys[sysEventID]))
	g := &s.groups[0]
	if recovered {
		g = &s.groups[1]
	}
	if sparse := g.sparse(); sparse || g.rows*g.used > mostGroupCells || g.bytes > mostGroupBytes || g.elements > mostElements {
		for i := range s.groups { // both, because the columns may be forgotten
			if g := &s.groups[i]; g.rows > 0 {
				if err := d.deliver(g); err != nil {
					return err
				}
			}
		}
		if sparse || len(s.fields) > mostColumns {
			s.forget()
		}
	}
	if g.rows == 0 {
		g.source, g.recovered = s, recovered
		if !g.listed {
			g.listed = true
			d.order = append(d.order, g)
		}
	}
	host := r.sys[sysComputer]
	if host.null() || host.size() == 0 {
		host = d.hint
	}
	number := le64(r.chunk[at+8:])
	if c := r.sys[sysRecordID]; !c.null() {
		if n, ok := d.integer(c); ok {
			number = n
		}
	}
	g.begin(ns, d.seg.Offset+uint64(r.base+at), number, host)
	if s.want.Nothing() {
		if host.place() != inExtra || host == d.hint {
			d.extra = d.extra[:mark]
		}
		return nil
	}
	r.group = g
	if r.listed {
		for _, n := range r.list {
			if column := s.column(n.name); column >= 0 {
				d.set(g, column, n.value)
			}
		}
	} else if err = r.run(f); err == nil {
		err = r.nested
	}
	g.bytes += r.said.bytes
	if err == nil {
		err = r.nested
	}
	if err != nil && !quiet {
		d.damage(r.base+at, "record decodes in part: %v", err)
	}
	return nil
}

// time gives the time of a record: what its System says, or its header when that is no time.
func (d *Decoder) time(c cell, header uint64) (int64, bool) {
	var ns int64
	ok := false
	switch raw := d.bytes(c); c.typ() {
	case typeFiletime:
		if len(raw) == 8 {
			ns, ok = filetime(le64(raw))
		}
	case typeSystemtime:
		if len(raw) == 16 {
			ns, ok = systemtime(raw)
		}
	case typeString, typeUTF8:
		d.scratch, _ = render(d.scratch[:0], c.typ(), raw, d.ansi)
		ns, ok = textTime(d.scratch)
	}
	if !ok {
		ns, ok = filetime(header)
	}
	if !ok {
		return event.NoTime, false
	}
	if o := d.offset; o > 0 && ns > math.MaxInt64-o || o < 0 && ns <= math.MinInt64-o {
		return event.NoTime, false
	}
	return ns + d.offset, true
}

func (d *Decoder) id(c cell) uint32 {
	if n, ok := d.integer(c); ok && n <= math.MaxUint32 {
		return uint32(n)
	}
	return 0
}

// integer reads an integer that may be written as text.
func (d *Decoder) integer(c cell) (uint64, bool) {
	raw := d.bytes(c)
	switch kindOf(c.typ()) {
	case event.Int, event.Uint, event.Hex32, event.Hex64:
		return number(c.typ(), raw)
	case event.Text:
		d.scratch, _ = render(d.scratch[:0], c.typ(), raw, d.ansi)
		return textInteger(d.scratch)
	}
	return 0, false
}

func (d *Decoder) deliverAll() error {
	for _, g := range d.order {
		if g.rows > 0 {
			if err := d.deliver(g); err != nil {
				return err
			}
		}
		g.listed = false
	}
	d.order = d.order[:0]
	return nil
}
