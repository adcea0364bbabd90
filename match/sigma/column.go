package sigma

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// columnState is what a scanner has worked out about one column of the current batch: the values as text, folded, the
// rules that each value is a witness of, and the literals found in a value. Its memory is kept from batch to batch.
type columnState struct {
	column *event.Column
	values int
	field  uint32 // of the program, under which the memory knows the values
	paying *attention

	memorable bool // numbers are short as text: nobody remembers them

	raw          []byte // as text
	ends         []uint32
	ownRaw       []byte // memory of rendered numbers
	ownEnds      []uint32
	folded       []byte       // of the values that somebody asked for
	folds        []foldedText // by value
	numbers      []uint64     // by value: under which answers are remembered; 0 not known yet
	first        uint64       // number of the first value, if it is not one that is remembered
	candidates   []uint32     // rules, by value
	candidateEnd []uint32     // by value; empty when no witness is on the column
	asks         []uint64     // by value: the slots that its candidates ask for; as long as candidateEnd

	names   *names
	named   []valueNames // by value, empty until needed
	needles *slotNeedles
	scans   []needleScan // by value, empty until needed
	hits    []uint32     // arena of scans
	current int          // the value whose needles are in present, -1 none
	present []uint64     // bit set of needles

	spelled int    // the value whose spelling is in codes, -1 none
	codes   []byte // of a value that is not ASCII, for expressions
}

// foldedText says where a folded value is; end 0 is not folded yet.
type foldedText struct {
	from, end uint32
	unicode   bool // has bytes above ASCII
}

// needleScan says where in hits the literals of a value are; end 0 is not scanned yet.
type needleScan struct{ from, end uint32 }

// maxHits bounds the arena of found literals; beyond it the scans are forgotten and repeated when needed.
const maxHits = 4 << 20

func (c *columnState) reset(column *event.Column) {
	c.column = column
	c.values = column.Dict.Len()
	c.memorable = c.values > 0 && !column.Dict.Kind.Numeric()
	c.candidates, c.candidateEnd, c.asks = c.candidates[:0], c.candidateEnd[:0], c.asks[:0]
	c.needles, c.names = nil, nil
	c.named = c.named[:0]
	c.forget()
	c.render()
	c.folded = c.folded[:0]
	c.folds = cleared(c.folds, c.values)
	c.numbers = cleared(c.numbers, c.values)
}

// cleared gives n zeros in the memory of a slice.
func cleared[T any](s []T, n int) []T {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}

// forget drops what was found in values.
func (c *columnState) forget() {
	c.scans, c.hits = c.scans[:0], c.hits[:0]
	c.current = -1
	clear(c.present)
	c.spelled = -1
}

// render makes every value text.
func (c *columnState) render() {
	d := c.column.Dict
	if d == nil || d.Kind == event.Text {
		c.raw, c.ends = nil, nil
		if d != nil {
			c.raw, c.ends = d.Bytes, d.Ends
		}
		return
	}
	c.ownRaw, c.ownEnds = c.ownRaw[:0], c.ownEnds[:0]
	for i := range c.values {
		c.ownRaw = d.AppendText(c.ownRaw, i)
		c.ownEnds = append(c.ownEnds, uint32(len(c.ownRaw)))
	}
	c.raw, c.ends = c.ownRaw, c.ownEnds
}

func slice(text []byte, ends []uint32, i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = ends[i-1]
	}
	return text[from:ends[i]]
}

// text gives a value as it is.
func (c *columnState) text(i int) []byte { return slice(c.raw, c.ends, i) }

// value gives a value as it is and folded.
func (c *columnState) value(i int) (raw, folded []byte) {
	raw = slice(c.raw, c.ends, i)
	f := &c.folds[i]
	if f.end == 0 {
		c.fold(f, raw)
	}
	return raw, c.folded[f.from : f.end-1]
}

// ascii says whether a value that was folded is all ASCII.
func (c *columnState) ascii(i int) bool { return !c.folds[i].unicode }

// fold folds one value: nearly all text of logs is ASCII, where folding keeps the places. Values that the memory knows are
// seldom asked for again, so they are not folded before.
func (c *columnState) fold(f *foldedText, raw []byte) {
	from := len(c.folded)
	c.folded = slices.Grow(c.folded, len(raw))[:from+len(raw)]
	if !lowerASCII(c.folded[from:], raw) {
		c.folded = appendFold(c.folded[:from], raw)
		f.unicode = true
	}
	f.from, f.end = uint32(from), uint32(len(c.folded))+1
}

// lowerASCII writes src with ASCII capitals made small, eight bytes at a time, and says whether all of it is ASCII.
func lowerASCII(dst, src []byte) bool {
	const ones = 0x0101010101010101
	const high = 0x80 * ones
	seen := uint64(0)
	i := 0
	for ; i+8 <= len(src) && i+8 <= len(dst); i += 8 {
		x := binary.LittleEndian.Uint64(src[i:])
		seen |= x
		low := x &^ high
		upper := (low + (0x80-'A')*ones) &^ (low + (0x7f-'Z')*ones) &^ x & high
		binary.LittleEndian.PutUint64(dst[i:], x|upper>>2)
	}
	for ; i < len(src); i++ {
		seen |= uint64(src[i])
		dst[i] = lower[src[i]]
	}
	return seen&high == 0
}

// namesOf gives the names of a value.
func (c *columnState) namesOf(i int) *valueNames {
	if len(c.named) == 0 {
		c.named = cleared(c.named, c.values)
	}
	n := &c.named[i]
	if !n.known {
		_, folded := c.value(i)
		*n = c.names.of(folded)
	}
	return n
}

// has says whether a needle of the column's slot is in the value looked at last.
func (c *columnState) has(needle int32) bool {
	return c.present[needle>>6]>>(needle&63)&1 != 0
}

// hasEach says whether all that is needed is in the value looked at last.
func (c *columnState) hasEach(needs []need) bool {
next:
	for _, n := range needs {
		for _, needle := range n {
			if c.has(needle) {
				continue next
			}
		}
		return false
	}
	return true
}

// scanned says whether the literals of a value are known already.
func (c *columnState) scanned(value int) bool {
	return c.current == value || value < len(c.scans) && c.scans[value].end != 0
}

// look makes has answer for a value.
func (c *columnState) look(value int) {
	if c.current == value {
		return
	}
	if words := (c.needles.count + 63) / 64; len(c.present) < words {
		c.present = make([]uint64, words)
		c.current = -1
	}
	if len(c.hits) > maxHits {
		c.forget()
	}
	if c.current >= 0 {
		s := c.scans[c.current]
		for _, n := range c.hits[s.from : s.end-1] {
			c.present[n>>6] = 0
		}
	}
	if len(c.scans) == 0 {
		c.scans = slices.Grow(c.scans, c.values)[:c.values]
		clear(c.scans)
	}
	s := &c.scans[value]
	if s.end == 0 {
		_, folded := c.value(value)
		from := len(c.hits)
		ascii, unicode := c.needles.index()
		if ascii != nil {
			c.hits = ascii.find(folded, c.present, c.hits)
		}
		if unicode != nil && !c.ascii(value) {
			c.hits = unicode.find(folded, c.present, c.hits)
		}
		*s = needleScan{uint32(from), uint32(len(c.hits)) + 1}
		c.current = value
		return
	}
	for _, n := range c.hits[s.from : s.end-1] {
		c.present[n>>6] |= 1 << (n & 63)
	}
	c.current = value
}

// expression runs an expression on a value that has what it needs.
func (c *columnState) expression(p *predicate, test, v int) bool {
	t := &p.tests[test]
	raw := c.text(v)
	if p.members == nil || t.needs.line > 0 {
		return t.expression(raw)
	}
	if len(raw) < t.needs.bytes {
		return false
	}
	if c.ascii(v) {
		return t.re.MatchASCII(raw)
	}
	if c.spelled != v {
		c.spelled, c.codes = v, c.needles.expressions.Spell(c.codes, raw)
	}
	return c.needles.expressions.Match(int(p.members[test]), c.codes, raw)
}

// equalFields compares two values for fieldref.
func equalFields(a, b []byte, t *fieldTest) bool {
	switch {
	case t.front && t.back:
		return bytes.Contains(a, b)
	case t.front:
		return bytes.HasSuffix(a, b)
	case t.back:
		return bytes.HasPrefix(a, b)
	}
	return bytes.Equal(a, b)
}
