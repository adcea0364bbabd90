package evtx

import (
	"encoding/binary"
	"hash/crc32"
)

// builder writes chunks for tests: what is in them, and right checksums.
type builder struct {
	b       []byte
	defined map[int]int // where the templates are that referred uses
}

func newBuilder() *builder {
	b := &builder{b: make([]byte, chunkHeaderSize, chunkSize)}
	copy(b.b, chunkMagic)
	return b
}

func (w *builder) u8(v ...byte)   { w.b = append(w.b, v...) }
func (w *builder) u16(v int)      { w.b = binary.LittleEndian.AppendUint16(w.b, uint16(v)) }
func (w *builder) u32(v int)      { w.b = binary.LittleEndian.AppendUint32(w.b, uint32(v)) }
func (w *builder) u64(v uint64)   { w.b = binary.LittleEndian.AppendUint64(w.b, v) }
func (w *builder) chars(s string) { w.b = append(w.b, utf16le(s)...) }

// name writes a name in place.
func (w *builder) name(s string) {
	w.u32(len(w.b) + 4)
	w.u32(0)
	w.u16(0)
	w.u16(len(utf16le(s)) / 2)
	w.chars(s)
	w.u16(0)
}

// xml is what stands in an element: elements, attributes first, and content.
type xml func(w *builder, dep bool)

func element(name string, content ...xml) xml {
	return func(w *builder, dep bool) {
		w.u8(0x41)
		if dep {
			w.u16(0xffff)
		}
		w.u32(0)
		w.name(name)
		w.u32(0)
		open := true
		for _, c := range content {
			at := len(w.b)
			c(w, dep)
			if open && w.b[at]&^tokenMore != tokenAttribute {
				w.b = append(w.b[:at], append([]byte{tokenCloseStart}, w.b[at:]...)...)
				open = false
				// Names were written for one byte less: write the content again where it now lies.
				w.b = w.b[:at+1]
				c(w, dep)
			}
		}
		if open {
			w.u8(tokenCloseEmpty)
			return
		}
		w.u8(tokenCloseElement)
	}
}

func attribute(name string, content ...xml) xml {
	return func(w *builder, dep bool) {
		w.u8(tokenAttribute)
		w.name(name)
		for _, c := range content {
			c(w, dep)
		}
	}
}

func text(s string) xml {
	return func(w *builder, _ bool) {
		w.u8(tokenValue, typeString)
		w.u16(len(utf16le(s)) / 2)
		w.chars(s)
	}
}

func cdata(s string) xml {
	return func(w *builder, _ bool) {
		w.u8(tokenCDATA)
		w.u16(len(utf16le(s)) / 2)
		w.chars(s)
	}
}

func charRef(c int) xml {
	return func(w *builder, _ bool) {
		w.u8(tokenCharRef)
		w.u16(c)
	}
}

func entity(name string) xml {
	return func(w *builder, _ bool) {
		w.u8(tokenEntityRef)
		w.name(name)
	}
}

func instruction(target, data string) xml {
	return func(w *builder, _ bool) {
		w.u8(tokenPITarget)
		w.name(target)
		w.u8(tokenPIData)
		w.u16(len(utf16le(data)) / 2)
		w.chars(data)
	}
}

func slot(i int) xml {
	return func(w *builder, _ bool) {
		w.u8(tokenSubstitution)
		w.u16(i)
		w.u8(typeString)
	}
}

func optional(i int, typ byte) xml {
	return func(w *builder, _ bool) {
		w.u8(tokenOptional)
		w.u16(i)
		w.u8(typ)
	}
}

// value is a substituted value: bytes, or a fragment written in place.
type value struct {
	typ      byte
	raw      []byte
	fragment xml
}

// instance is a template and its values.
func instance(id int, body xml, values ...value) xml {
	return func(w *builder, _ bool) {
		w.u8(tokenTemplate, 1)
		w.u32(id)
		w.u32(len(w.b) + 4)
		w.u32(0)
		w.u32(id)
		w.b = append(w.b, make([]byte, 12)...)
		size := len(w.b)
		w.u32(0)
		w.u8(tokenFragment, 1, 1, 0)
		body(w, true)
		w.u8(tokenEnd)
		binary.LittleEndian.PutUint32(w.b[size:], uint32(len(w.b)-size-4))
		w.values(values)
	}
}

func (w *builder) values(values []value) {
	w.u32(len(values))
	specs := len(w.b)
	for _, v := range values {
		w.u16(len(v.raw))
		w.u8(v.typ, 0)
	}
	for i, v := range values {
		if v.fragment == nil {
			w.u8(v.raw...)
			continue
		}
		at := len(w.b)
		v.fragment(w, false)
		w.u8(tokenEnd)
		binary.LittleEndian.PutUint16(w.b[specs+4*i:], uint16(len(w.b)-at))
	}
}

// referred is an instance of a template that the chunk defines once, where it is used first.
func referred(id int, body xml, values ...value) xml {
	return func(w *builder, dep bool) {
		at, known := w.defined[id]
		if !known {
			if w.defined == nil {
				w.defined = map[int]int{}
			}
			w.defined[id] = len(w.b) + 10
			instance(id, body, values...)(w, dep)
			return
		}
		w.u8(tokenTemplate, 1)
		w.u32(id)
		w.u32(at)
		w.values(values)
	}
}

// record writes a record and gives its offset in the chunk.
func (w *builder) record(number int, ticks uint64, body xml) int {
	at := len(w.b)
	w.b = append(w.b, recordMagic...)
	w.u32(0)
	w.u64(uint64(number))
	w.u64(ticks)
	w.u8(tokenFragment, 1, 1, 0)
	body(w, false)
	w.u8(tokenEnd)
	w.u32(0)
	w.sizes(at, len(w.b)-at)
	return at
}

func (w *builder) sizes(at, size int) {
	binary.LittleEndian.PutUint32(w.b[at+4:], uint32(size))
	binary.LittleEndian.PutUint32(w.b[at+size-4:], uint32(size))
}

// chunk closes the chunk.
func (w *builder) chunk() []byte {
	out := make([]byte, chunkSize)
	copy(out, w.b)
	binary.LittleEndian.PutUint32(out[40:], chunkFixedSize)
	binary.LittleEndian.PutUint32(out[48:], uint32(len(w.b)))
	binary.LittleEndian.PutUint32(out[52:], crc32.ChecksumIEEE(out[chunkHeaderSize:len(w.b)]))
	binary.LittleEndian.PutUint32(out[120:], 1)
	binary.LittleEndian.PutUint32(out[124:], headerChecksum(out))
	return out
}

// file puts chunks behind a file header.
func file(chunks ...[]byte) []byte {
	out := make([]byte, fileHeaderSize)
	copy(out, fileMagic)
	binary.LittleEndian.PutUint32(out[32:], 128)
	binary.LittleEndian.PutUint16(out[40:], fileHeaderSize)
	binary.LittleEndian.PutUint16(out[42:], uint16(len(chunks)))
	binary.LittleEndian.PutUint32(out[124:], crc32.ChecksumIEEE(out[:120]))
	for _, c := range chunks {
		out = append(out, c...)
	}
	return out
}

// aTime is 2020-01-02T03:04:05.6789012Z.
const aTime = 132224078456789012

// system writes System of an event written out, or in a template.
func system(provider, channel, id, computer string, more ...xml) xml {
	return element("System", append([]xml{
		element("Provider", attribute("Name", text(provider))),
		element("EventID", text(id)),
		element("TimeCreated", attribute("SystemTime", text("2020-01-02T03:04:05.6789012Z"))),
		element("Channel", text(channel)),
		element("Computer", text(computer)),
	}, more...)...)
}

// simple is an event written out with one field.
func simple(id, field string) xml {
	return element("Event", system("P", "C", id, "H"), element("EventData", element("Data", attribute("Name", text("F")), text(field))))
}

// templated is the same event as a template instance.
func templated(field string) xml {
	return instance(7, element("Event", system("P", "C", "1", "H"),
		element("EventData", element("Data", attribute("Name", text("F")), slot(0)))),
		value{typ: typeString, raw: utf16le(field)})
}
