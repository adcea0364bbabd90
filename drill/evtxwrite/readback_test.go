package evtxwrite

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"unicode/utf16"
)

// readback walks a log as the format describes it, knowing nothing of the writer's state,
// and fails the test at the first thing that does not hold. It gives every record as
// one line: path=type:bytes of every filled slot, path="text" of every literal.
func readback(t *testing.T, b []byte) (records []string) {
	t.Helper()
	le := binary.LittleEndian
	if string(b[:8]) != "ElfFile\x00" || le.Uint32(b[124:]) != crc32.ChecksumIEEE(b[:120]) {
		t.Fatal("file header: magic or checksum")
	}
	chunks := int(le.Uint16(b[42:]))
	if len(b) != fileHeader+chunks*chunkSize || le.Uint64(b[16:]) != uint64(max(chunks, 1)-1) {
		t.Fatalf("file header counts %d chunks, the file has %d bytes", chunks, len(b))
	}
	number := uint64(1)
	for i := range chunks {
		p := &parser{t: t, b: b[fileHeader+i*chunkSize:][:chunkSize]}
		c := p.b
		sum := crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:chunkHeader])
		free := le.Uint32(c[48:])
		if string(c[:8]) != "ElfChnk\x00" || le.Uint32(c[124:]) != sum || le.Uint32(c[52:]) != crc32.ChecksumIEEE(c[chunkHeader:free]) {
			t.Fatalf("chunk %d: magic or checksum", i)
		}
		if le.Uint64(c[8:]) != number {
			t.Fatalf("chunk %d: first record number %d, want %d", i, le.Uint64(c[8:]), number)
		}
		p.tables()
		var last, lastID uint64
		for at := uint64(chunkHeader); at < uint64(free); {
			size := uint64(le.Uint32(c[at+4:]))
			if string(c[at:at+4]) != "**\x00\x00" || size%8 != 0 || uint64(le.Uint32(c[at+size-4:])) != size {
				t.Fatalf("chunk %d: record at %#x", i, at)
			}
			lastID = le.Uint64(c[at+8:])
			if last == 0 && le.Uint64(c[24:]) != lastID {
				t.Fatalf("chunk %d: first record id", i)
			}
			p.at, p.out = int(at)+24, nil
			p.fragment("")
			if p.at > int(at+size)-4 {
				t.Fatalf("chunk %d: record at %#x is read beyond its end", i, at)
			}
			records = append(records, strings.Join(p.out, " "))
			last = at
			at += size
			number++
		}
		if uint64(le.Uint32(c[44:])) != last || le.Uint64(c[32:]) != lastID || le.Uint64(c[16:]) != number-1 {
			t.Fatalf("chunk %d: last record %#x, id %d, number %d", i, last, lastID, number-1)
		}
		if p.names != p.seenNames() || p.defs != len(p.usedDefs) {
			t.Fatalf("chunk %d: tables name %d strings and %d templates, the records use %d and %d",
				i, p.names, p.defs, p.seenNames(), len(p.usedDefs))
		}
		if i == chunks-1 && le.Uint64(b[24:]) != lastID+1 {
			t.Fatal("file header: next record id")
		}
	}
	return records
}

type parser struct {
	t           *testing.T
	b           []byte
	at          int
	out         []string
	names, defs int // in the header's tables
	usedNames   map[uint32]bool
	usedDefs    map[uint32]bool
	inTable     map[uint32]bool
}

func (p *parser) seenNames() int { return len(p.usedNames) }

// tables follows the chains and checks that everything hangs in its own bucket.
func (p *parser) tables() {
	p.usedNames, p.usedDefs, p.inTable = map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}
	le := binary.LittleEndian
	for i := range 64 {
		for at := le.Uint32(p.b[0x80+4*i:]); at != 0; at = le.Uint32(p.b[at:]) {
			units := p.units(int(at)+8, int(le.Uint16(p.b[at+6:])))
			var h uint64
			for _, u := range units {
				h = (h*65599 + uint64(u)) % (1 << 16)
			}
			if uint16(h) != le.Uint16(p.b[at+4:]) || int(h%64) != i {
				p.t.Fatalf("name at %#x: hash %#x in bucket %d", at, h, i)
			}
			p.inTable[at] = true
			p.names++
		}
	}
	for i := range 32 {
		for at := le.Uint32(p.b[0x180+4*i:]); at != 0; at = le.Uint32(p.b[at:]) {
			var h uint64
			for k := range 8 {
				h = (h*65599 + uint64(le.Uint16(p.b[int(at)+4+2*k:]))) % (1 << 32)
			}
			if int(h%32) != i {
				p.t.Fatalf("template at %#x in bucket %d", at, i)
			}
			p.inTable[at] = true
			p.defs++
		}
	}
}

func (p *parser) units(at, n int) []uint16 {
	out := make([]uint16, n)
	for i := range out {
		out[i] = binary.LittleEndian.Uint16(p.b[at+2*i:])
	}
	return out
}

func (p *parser) byte() byte { p.at++; return p.b[p.at-1] }
func (p *parser) u16() int   { p.at += 2; return int(binary.LittleEndian.Uint16(p.b[p.at-2:])) }
func (p *parser) u32() uint32 {
	p.at += 4
	return binary.LittleEndian.Uint32(p.b[p.at-4:])
}

func (p *parser) want(what string, bytes ...byte) {
	if got := p.b[p.at : p.at+len(bytes)]; string(got) != string(bytes) {
		p.t.Fatalf("%#x: %x where %s %x was expected", p.at, got, what, bytes)
	}
	p.at += len(bytes)
}

type slotValue struct {
	typ  byte
	at   int
	size int
}

func (p *parser) fragment(path string) {
	p.want("fragment and template", 0x0f, 1, 1, 0, 0x0c, 1)
	id, def := p.u32(), p.u32()
	if !p.inTable[def] || binary.LittleEndian.Uint32(p.b[def+4:]) != id {
		p.t.Fatalf("%#x: template %#x at %#x is not the table's", p.at, id, def)
	}
	p.usedDefs[def] = true
	size := int(binary.LittleEndian.Uint32(p.b[def+20:]))
	if int(def) == p.at {
		p.at += 24 + size
	}
	values := make([]slotValue, p.u32())
	for i := range values {
		values[i].size = p.u16()
		values[i].typ = p.byte()
		p.want("padding", 0)
	}
	for i := range values {
		values[i].at = p.at
		p.at += values[i].size
	}
	p.want("end of fragment", 0)
	end := p.at
	p.at = int(def) + 24
	p.want("fragment", 0x0f, 1, 1, 0)
	p.element(path, values)
	p.want("end of template", 0)
	if p.at != int(def)+24+size {
		p.t.Fatalf("template at %#x: size %d, read to %#x", def, size, p.at)
	}
	p.at = end
}

func (p *parser) name() string {
	at := p.u32()
	if !p.inTable[at] {
		p.t.Fatalf("name at %#x is not in the table", at)
	}
	p.usedNames[at] = true
	n := int(binary.LittleEndian.Uint16(p.b[at+6:]))
	if int(at) == p.at {
		p.at += 8 + 2*n + 2
	}
	return string(utf16.Decode(p.units(int(at)+8, n)))
}

func (p *parser) element(path string, values []slotValue) {
	token := p.byte()
	dep := p.u16()
	end := int(p.u32()) + p.at
	path += "/" + p.name()
	if dep != 0xffff && values[dep].typ == 0 {
		p.out = append(p.out, path+"=omitted")
	}
	if token == 0x41 {
		list := int(p.u32()) + p.at
		for more := true; more; {
			switch p.byte() {
			case 0x06:
				more = false
			case 0x46:
			default:
				p.t.Fatalf("%#x: no attribute", p.at-1)
			}
			p.content(path+"@"+p.name(), values)
		}
		if p.at != list {
			p.t.Fatalf("%s: attribute list ends at %#x, not %#x", path, p.at, list)
		}
	} else if token != 0x01 {
		p.t.Fatalf("%#x: token %#x is no element", p.at, token)
	}
	if p.byte() == 0x02 {
		for p.b[p.at] != 0x04 {
			if p.b[p.at] == 0x01 || p.b[p.at] == 0x41 {
				p.element(path, values)
			} else {
				p.content(path, values)
			}
		}
		p.at++
	}
	if p.at != end {
		p.t.Fatalf("%s: ends at %#x, not %#x", path, p.at, end)
	}
}

func (p *parser) content(path string, values []slotValue) {
	switch token := p.byte(); token {
	case 0x05:
		p.want("string", 1)
		n := p.u16()
		p.out = append(p.out, fmt.Sprintf("%s=%q", path, string(utf16.Decode(p.units(p.at, n)))))
		p.at += 2 * n
	case 0x0d, 0x0e:
		v := values[p.u16()]
		declared := p.byte()
		switch {
		case v.typ == 0 && token == 0x0d:
			p.t.Fatalf("%s: null in a normal substitution", path)
		case v.typ == 0:
			p.out = append(p.out, path+"=null")
		case v.typ != declared:
			p.t.Fatalf("%s: type %#x, declared %#x", path, v.typ, declared)
		case v.typ == 0x21:
			back := p.at
			p.at = v.at
			p.fragment(path)
			if p.at != v.at+v.size {
				p.t.Fatalf("%s: nested BinXML ends at %#x, not %#x", path, p.at, v.at+v.size)
			}
			p.at = back
		default:
			p.out = append(p.out, fmt.Sprintf("%s=%02x:%s", path, v.typ, hex.EncodeToString(p.b[v.at:v.at+v.size])))
		}
	default:
		p.t.Fatalf("%#x: token %#x", p.at-1, token)
	}
}
