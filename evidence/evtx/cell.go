package evtx

// A cell says where a value lies, in eight bytes, so that finding a value and decoding it are two steps:
//
//	bits  0–31  offset in the bytes of its place
//	bits 32–47  size in bytes
//	bits 48–55  value type as in the evidence
//	bits 56–63  place
//
// Equal cells are equal values. The zero cell is an absent value.
type cell uint64

// Places of a cell's bytes.
const (
	inSegment   = 1 + iota // the segment's data
	inTemplates            // text of compiled templates, kept from segment to segment
	inExtra                // text made while decoding this segment
	inList                 // not bytes: the offset is that of a list's first node
	places
)

// Value types. Those above 0x7f are arrays of the type in the lower bits.
const (
	typeNull       = 0x00
	typeString     = 0x01
	typeANSI       = 0x02
	typeInt8       = 0x03
	typeUint8      = 0x04
	typeInt16      = 0x05
	typeUint16     = 0x06
	typeInt32      = 0x07
	typeUint32     = 0x08
	typeInt64      = 0x09
	typeUint64     = 0x0a
	typeFloat32    = 0x0b
	typeFloat64    = 0x0c
	typeBool       = 0x0d
	typeBinary     = 0x0e
	typeGUID       = 0x0f
	typeSize       = 0x10
	typeFiletime   = 0x11
	typeSystemtime = 0x12
	typeSID        = 0x13
	typeHex32      = 0x14
	typeHex64      = 0x15
	typeHandle     = 0x20
	typeXML        = 0x21 // binary XML
	typeUTF8       = 0x7e // ours: text made while decoding
	typeArray      = 0x80
)

const (
	longest  = 0xffff // bytes of a value
	nullCell = cell(inExtra << 56)
)

func makeCell(place, typ uint8, at, size int) cell {
	return cell(place)<<56 | cell(typ)<<48 | cell(uint16(size))<<32 | cell(uint32(at))
}

func (c cell) place() uint8 { return uint8(c >> 56) }
func (c cell) typ() uint8   { return uint8(c >> 48) }
func (c cell) size() int    { return int(uint16(c >> 32)) }
func (c cell) at() int      { return int(uint32(c)) }

// textual says whether a value is text or an array of texts.
func (c cell) textual() bool {
	switch c.typ() &^ typeArray {
	case typeString, typeANSI, typeUTF8:
		return true
	}
	return false
}

// null says whether a value of the evidence is null: of the null type, or of a type that has no empty value.
func (c cell) null() bool {
	if c.size() != 0 {
		return c.typ() == typeNull
	}
	switch c.typ() {
	case typeString, typeANSI, typeBinary, typeUTF8:
		return false
	}
	return true
}

// node is one element of a list that came about because a name occurs more than once in a record.
type node struct {
	value cell
	next  uint32 // 0 at the end
	tail  uint32 // of the list, valid in its first node
}
