package evtxwrite

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"strconv"
	"unicode/utf16"
)

const (
	chunkSize       = 0x10000
	chunkHeader     = 0x200
	stringTable     = 0x80
	stringBuckets   = 64
	templateTable   = 0x180
	templateBuckets = 32
	recordMagic     = 0x00002a2a
)

// BinXML tokens.
const (
	tokEOF       = 0x00
	tokOpen      = 0x01
	tokCloseOpen = 0x02
	tokCloseVoid = 0x03
	tokEnd       = 0x04
	tokValue     = 0x05
	tokAttr      = 0x06
	tokTemplate  = 0x0c
	tokNormal    = 0x0d
	tokOptional  = 0x0e
	tokHeader    = 0x0f
	tokMore      = 0x40 // attributes follow the element, or another attribute follows this one
)

// chunk is one 64 KiB block under construction. Names and templates are written where
// they are first needed and found again through the tables in the header.
type chunk struct {
	buf       []byte // from the start of the chunk
	names     map[string]uint32
	templates map[string]uint32
	strings   [stringBuckets]uint32
	defs      [templateBuckets]uint32

	records     int
	firstNumber uint64 // counts records of the file
	firstID     uint64
	lastID      uint64
	lastRecord  uint32
}

func newChunk(number uint64) *chunk {
	return &chunk{buf: make([]byte, chunkHeader, chunkSize), names: map[string]uint32{}, templates: map[string]uint32{}, firstNumber: number}
}

// add appends a record. With an error, or with false because no room is left, the chunk
// is as it was.
func (c *chunk) add(id, written uint64, in *instance) (fits bool, err error) {
	start, strs, defs := len(c.buf), c.strings, c.defs
	defer func() {
		if fits {
			return
		}
		c.buf, c.strings, c.defs = c.buf[:start], strs, defs
		gone := func(_ string, at uint32) bool { return at >= uint32(start) }
		maps.DeleteFunc(c.names, gone)
		maps.DeleteFunc(c.templates, gone)
	}()
	c.u32(recordMagic)
	c.u32(0)
	c.u64(id)
	c.u64(written)
	if err := c.fragment(in, 0); err != nil {
		return false, err
	}
	for (len(c.buf)-start+4)%8 != 0 {
		c.buf = append(c.buf, 0)
	}
	size := uint32(len(c.buf) - start + 4)
	c.u32(size)
	if len(c.buf) >= chunkSize {
		// Filling a chunk to its last byte is allowed, but libevtx passes over such a record.
		return false, nil
	}
	binary.LittleEndian.PutUint32(c.buf[start+4:], size)
	if c.records == 0 {
		c.firstID = id
	}
	c.records++
	c.lastID, c.lastRecord = id, uint32(start)
	return true, nil
}

// fragment writes a BinXML document that is one template instance.
func (c *chunk) fragment(in *instance, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("BinXML nested deeper than %d", maxDepth)
	}
	c.buf = append(c.buf, tokHeader, 1, 1, 0, tokTemplate, 1)
	shape := in.root.shape()
	guid := sha256.Sum256([]byte(shape))
	c.buf = append(c.buf, guid[:4]...)
	at, known := c.templates[shape]
	if !known {
		at = uint32(len(c.buf) + 4)
		c.templates[shape] = at
	}
	c.u32(at)
	if !known {
		c.definition(at, guid[:16], in.root)
	}
	c.u32(uint32(len(in.values)))
	table := len(c.buf)
	c.buf = append(c.buf, make([]byte, 4*len(in.values))...)
	for i, v := range in.values {
		if v.err != nil {
			return fmt.Errorf("value %d: %w", i, v.err)
		}
		start := len(c.buf)
		switch {
		case v.built != nil || v.element != nil:
			inner := v.built
			if inner == nil {
				var err error
				if inner, err = v.element.instance(); err != nil {
					return err
				}
			}
			if err := c.fragment(inner, depth+1); err != nil {
				return err
			}
		case v.actual != TypeNull:
			c.buf = append(c.buf, v.data...)
		}
		size := len(c.buf) - start
		if size >= chunkSize {
			return fmt.Errorf("value %d: %d bytes; a value holds less than a chunk of %d", i, size, chunkSize)
		}
		binary.LittleEndian.PutUint16(c.buf[table+4*i:], uint16(size))
		c.buf[table+4*i+2] = byte(v.actual)
	}
	c.buf = append(c.buf, tokEOF)
	return nil
}

func (c *chunk) definition(at uint32, guid []byte, root *node) {
	bucket := hash65599(le16s(guid)) % templateBuckets
	c.u32(c.defs[bucket])
	c.defs[bucket] = at
	c.buf = append(c.buf, guid...)
	size := c.reserve()
	c.buf = append(c.buf, tokHeader, 1, 1, 0)
	c.element(root)
	c.buf = append(c.buf, tokEOF)
	c.fill(size)
}

func (c *chunk) element(n *node) {
	token := byte(tokOpen)
	if len(n.attrs) > 0 {
		token |= tokMore
	}
	c.buf = append(c.buf, token)
	c.u16(uint16(n.dep))
	size := c.reserve()
	c.name(n.name)
	if len(n.attrs) > 0 {
		list := c.reserve()
		for i, a := range n.attrs {
			token := byte(tokAttr)
			if i < len(n.attrs)-1 {
				token |= tokMore
			}
			c.buf = append(c.buf, token)
			c.name(a.name)
			c.content(a.part)
		}
		c.fill(list)
	}
	if len(n.parts) == 0 {
		c.buf = append(c.buf, tokCloseVoid)
		c.fill(size)
		return
	}
	c.buf = append(c.buf, tokCloseOpen)
	for _, p := range n.parts {
		c.content(p)
	}
	c.buf = append(c.buf, tokEnd)
	c.fill(size)
}

func (c *chunk) content(p part) {
	switch {
	case p.child != nil:
		c.element(p.child)
	case p.slot != nil:
		token := byte(tokNormal)
		if p.slot.optional {
			token = tokOptional
		}
		c.buf = append(c.buf, token)
		c.u16(uint16(p.slot.index))
		c.buf = append(c.buf, byte(p.slot.declared))
	default:
		text := utf16le(p.text)
		c.buf = append(c.buf, tokValue, byte(TypeString))
		c.u16(uint16(len(text) / 2))
		c.buf = append(c.buf, text...)
	}
}

// name writes the offset of a name, and the name itself at its first use in the chunk.
func (c *chunk) name(s string) {
	if at, ok := c.names[s]; ok {
		c.u32(at)
		return
	}
	at := uint32(len(c.buf) + 4)
	c.names[s] = at
	c.u32(at)
	units := utf16.Encode([]rune(s))
	hash := uint16(hash65599(units))
	c.u32(c.strings[hash%stringBuckets])
	c.strings[hash%stringBuckets] = at
	c.u16(hash)
	c.u16(uint16(len(units)))
	for _, u := range units {
		c.u16(u)
	}
	c.u16(0)
}

// hash65599 is the hash by which Windows chooses the bucket of a name, over its UTF-16
// units, and of a template, over its GUID read as eight units.
func hash65599(units []uint16) uint32 {
	var h uint32
	for _, u := range units {
		h = h*65599 + uint32(u)
	}
	return h
}

func le16s(b []byte) []uint16 {
	out := make([]uint16, len(b)/2)
	for i := range out {
		out[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return out
}

// finish gives the 64 KiB of the chunk with its header and checksums.
func (c *chunk) finish() []byte {
	free := uint32(len(c.buf))
	b := c.buf[:chunkSize]
	clear(b[free:])
	le := binary.LittleEndian
	copy(b, "ElfChnk\x00")
	le.PutUint64(b[8:], c.firstNumber)
	le.PutUint64(b[16:], c.firstNumber+uint64(c.records)-1)
	le.PutUint64(b[24:], c.firstID)
	le.PutUint64(b[32:], c.lastID)
	le.PutUint32(b[40:], 0x80)
	le.PutUint32(b[44:], c.lastRecord)
	le.PutUint32(b[48:], free)
	le.PutUint32(b[52:], crc32.ChecksumIEEE(b[chunkHeader:free]))
	le.PutUint32(b[120:], 1)
	for i, at := range c.strings {
		le.PutUint32(b[stringTable+4*i:], at)
	}
	for i, at := range c.defs {
		le.PutUint32(b[templateTable+4*i:], at)
	}
	sum := crc32.ChecksumIEEE(b[:120])
	le.PutUint32(b[124:], crc32.Update(sum, crc32.IEEETable, b[128:chunkHeader]))
	return b
}

func (c *chunk) u16(n uint16) { c.buf = binary.LittleEndian.AppendUint16(c.buf, n) }
func (c *chunk) u32(n uint32) { c.buf = binary.LittleEndian.AppendUint32(c.buf, n) }
func (c *chunk) u64(n uint64) { c.buf = binary.LittleEndian.AppendUint64(c.buf, n) }

// reserve leaves room for the size of what follows; fill puts it there.
func (c *chunk) reserve() int {
	c.u32(0)
	return len(c.buf)
}

func (c *chunk) fill(from int) {
	binary.LittleEndian.PutUint32(c.buf[from-4:], uint32(len(c.buf)-from))
}

// shape is a text that two templates share exactly when their definitions are equal.
func (n *node) shape() string { return string(n.appendShape(make([]byte, 0, 1024))) }

func (n *node) appendShape(b []byte) []byte {
	b = append(strconv.AppendQuote(append(b, '<'), n.name), ' ')
	b = strconv.AppendInt(b, int64(n.dep), 10)
	for _, a := range n.attrs {
		b = append(strconv.AppendQuote(append(b, ' '), a.name), '=')
		b = a.part.appendShape(b)
	}
	b = append(b, '>')
	for _, p := range n.parts {
		b = p.appendShape(b)
	}
	return append(b, "</>"...)
}

func (p part) appendShape(b []byte) []byte {
	switch {
	case p.child != nil:
		return p.child.appendShape(b)
	case p.slot != nil:
		b = strconv.AppendInt(append(b, '%'), int64(p.slot.index), 10)
		b = strconv.AppendInt(append(b, ':'), int64(p.slot.declared), 10)
		return strconv.AppendBool(append(b, ':'), p.slot.optional)
	default:
		return strconv.AppendQuote(b, p.text)
	}
}
