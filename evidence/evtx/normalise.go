package evtx

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Tokens of binary XML, without the flag that says that more follows.
const (
	tokenEnd           = 0x00
	tokenElement       = 0x01
	tokenCloseStart    = 0x02
	tokenCloseEmpty    = 0x03
	tokenCloseElement  = 0x04
	tokenValue         = 0x05
	tokenAttribute     = 0x06
	tokenCDATA         = 0x07
	tokenCharRef       = 0x08
	tokenEntityRef     = 0x09
	tokenPITarget      = 0x0a
	tokenPIData        = 0x0b
	tokenTemplate      = 0x0c
	tokenSubstitution  = 0x0d
	tokenOptional      = 0x0e
	tokenFragment      = 0x0f
	tokenMore          = 0x40
	deepest            = 128     // elements within each other
	longestName        = 1024    // bytes of UTF-16
	longestNormal      = 1 << 18 // bytes of one fragment's normal form
	fragmentHeaderSize = 4
)

// The normal form of a fragment is what it says, without where it says it: names in place of offsets, character and
// entity references as text, no sizes, hashes and dependency ids. Two definitions with the same normal form are the same
// template, in whatever chunk they stand.
//
//	open, attribute   token, u16 size, name in UTF-16
//	text              token, u16 size, UTF-16
//	value             token, type, u16 size, bytes
//	slot              token, declared type, 1 when optional, u16 index
//	lifted            token, 1 when it is white space: the next of the values that were lifted out
//	content           token: the attributes are over
//	close             token
const (
	normalOpen = 1 + iota
	normalAttribute
	normalText
	normalValue
	normalSlot
	normalLifted
	normalContent
	normalClose
)

var (
	errCut     = errors.New("binary XML is cut off")
	errName    = errors.New("a name lies outside its chunk or is too long")
	errNested  = errors.New("elements are nested too deep")
	errSwollen = errors.New("binary XML names more than it can hold")
)

// noSlot is the index of a substitution where nothing is substituted. A chunk cannot hold as many values.
const noSlot = 0xffff

// normaliser rewrites fragments. Names are looked up in the chunk; everything else lies between two offsets.
//
// Of a fragment that is no template's definition the values can be lifted out: they are left where they lie, as the values
// of a template instance are, and what remains says the same in all records that are written alike. Only the
// attribute Name stays, because it names fields.
type normaliser struct {
	chunk  []byte
	out    []byte
	text   int     // where the text token that can be extended begins, -1 when there is none
	lift   *runner // takes the values; nil when they stay
	naming bool    // in an attribute Name
}

// element normalises one element that begins at the offset and gives the offset behind it. With dep the
// start tags carry dependency ids, as they do in template definitions and nowhere else. Should a writer have seen it
// otherwise, the other form is taken where only that one makes sense. Each step reads a token of at least one byte.
func (n *normaliser) element(at, end int, dep bool) (int, error) {
	depth := 0
	inTag := false
	n.text, n.naming = -1, false
	most := len(n.out) + longestNormal
	for {
		if at >= end {
			return 0, errCut
		}
		if len(n.out) > most {
			return 0, errSwollen
		}
		token := n.chunk[at]
		kind := token &^ tokenMore
		if kind != tokenValue && kind != tokenCDATA && kind != tokenCharRef && kind != tokenEntityRef {
			n.text = -1
		}
		var err error
		switch kind {
		case tokenElement:
			if inTag {
				return 0, fmt.Errorf("an element begins inside a start tag")
			}
			if depth++; depth > deepest {
				return 0, errNested
			}
			inTag = true
			at, err = n.open(at, end, token&tokenMore != 0, dep)
		case tokenAttribute:
			if !inTag {
				return 0, fmt.Errorf("an attribute stands outside a start tag")
			}
			var raw []byte
			raw, at, err = n.name(normalAttribute, at+1, end)
			n.naming = string(raw) == "N\x00a\x00m\x00e\x00"
		case tokenCloseStart:
			if !inTag {
				return 0, fmt.Errorf("a start tag ends that did not begin")
			}
			inTag, n.naming = false, false
			at++
			n.out = append(n.out, normalContent)
		case tokenCloseEmpty, tokenCloseElement:
			if inTag != (kind == tokenCloseEmpty) || depth == 0 {
				return 0, fmt.Errorf("an element ends that did not begin")
			}
			inTag, n.naming = false, false
			n.out = append(n.out, normalClose)
			at++
			if depth--; depth == 0 {
				return at, nil
			}
		default:
			if depth == 0 {
				return 0, fmt.Errorf("token 0x%02x stands where an element should", token)
			}
			at, err = n.content(kind, at, end)
		}
		if err != nil {
			return 0, err
		}
	}
}

// open writes the start of an element.
func (n *normaliser) open(at, end int, attributes, dep bool) (int, error) {
	extra := 0
	if attributes {
		extra = 4
	}
	at++
	with, without := at+2, at
	if !dep {
		with, without = without, with
	}
	switch {
	case n.fits(with, end-extra):
		at = with
	case n.fits(without, end-extra):
		at = without
	default:
		return 0, errCut
	}
	_, at, err := n.name(normalOpen, at+4, end)
	if err != nil {
		return 0, err
	}
	if at+extra > end {
		return 0, errCut
	}
	return at + extra, nil
}

// fits says whether the size of an element and the offset of its name can stand at a place.
func (n *normaliser) fits(at, end int) bool {
	return at+8 <= end && int(le32(n.chunk[at:])) <= len(n.chunk) && int(le32(n.chunk[at+4:])) < len(n.chunk)
}

// name resolves the name whose offset stands at the given place and passes it by when it follows immediately.
func (n *normaliser) name(token byte, at, end int) (raw []byte, next int, err error) {
	if raw, next, err = n.resolve(at, end); err == nil {
		n.put(token, raw)
	}
	return raw, next, err
}

func (n *normaliser) resolve(at, end int) ([]byte, int, error) {
	if at+4 > end {
		return nil, 0, errCut
	}
	where := int(le32(n.chunk[at:]))
	at += 4
	if where+8 > len(n.chunk) {
		return nil, 0, errName
	}
	size := 2 * int(le16(n.chunk[where+6:]))
	if size > longestName || where+8+size > len(n.chunk) {
		return nil, 0, errName
	}
	if where == at {
		if at += 8 + size + 2; at > end { // next, hash, length, characters, terminator
			return nil, 0, errCut
		}
	}
	return n.chunk[where+8 : where+8+size], at, nil
}

func (n *normaliser) put(token byte, raw []byte) {
	n.out = append(n.out, token, byte(len(raw)), byte(len(raw)>>8))
	n.out = append(n.out, raw...)
}

// addText writes text, joining it to text directly before it. It lies at the offset of the chunk, or nowhere in it when that is
// negative.
func (n *normaliser) addText(raw []byte, at int) {
	if n.lift != nil && !n.naming {
		n.liftText(raw, at)
		return
	}
	if n.text >= 0 {
		have := int(le16(n.out[n.text+1:]))
		if have+len(raw) <= longest-1 {
			n.out = append(n.out, raw...)
			binary.LittleEndian.PutUint16(n.out[n.text+1:], uint16(have+len(raw)))
			return
		}
	}
	n.text = len(n.out)
	n.put(normalText, raw)
}

// liftText is addText for text that is lifted out.
func (n *normaliser) liftText(raw []byte, at int) {
	r := n.lift
	d := r.d
	white := byte(0)
	if isWhite(raw) {
		white = 1
	}
	if n.text >= 0 {
		last := &r.values[len(r.values)-1]
		if have := last.size(); have+len(raw) <= longest-1 {
			if last.place() != inExtra {
				from := len(d.extra)
				d.extra = append(d.extra, d.bytes(*last)...)
				*last = makeCell(inExtra, typeString, from, have)
			}
			d.extra = append(d.extra, raw...)
			*last = makeCell(inExtra, typeString, last.at(), have+len(raw))
			n.out[n.text+1] &= white
			return
		}
	}
	n.text = len(n.out)
	n.out = append(n.out, normalLifted, white)
	if at >= 0 {
		r.values = append(r.values, makeCell(inSegment, typeString, r.base+at, len(raw)))
		return
	}
	r.values = append(r.values, makeCell(inExtra, typeString, len(d.extra), len(raw)))
	d.extra = append(d.extra, raw...)
}

// isWhite says whether text is all white space.
func isWhite(raw []byte) bool {
	for ; len(raw) >= 2; raw = raw[2:] {
		switch le16(raw) {
		case ' ', '\t', '\n', '\r':
		default:
			return false
		}
	}
	return true
}

// content writes what may stand in an attribute or an element.
func (n *normaliser) content(kind byte, at, end int) (int, error) {
	b := n.chunk
	switch kind {
	case tokenValue:
		if at+2 > end {
			return 0, errCut
		}
		typ := b[at+1]
		if typ == typeString {
			raw, next, err := n.counted(at+2, end, 2)
			if err == nil {
				n.addText(raw, at+4)
			}
			return next, err
		}
		n.text = -1
		return n.value(typ, at+2, end)
	case tokenCDATA:
		raw, next, err := n.counted(at+1, end, 2)
		if err == nil {
			n.addText(raw, at+3)
		}
		return next, err
	case tokenCharRef:
		if at+3 > end {
			return 0, errCut
		}
		n.addText(b[at+1:at+3], at+1) // the character is its own UTF-16
		return at + 3, nil
	case tokenEntityRef:
		raw, next, err := n.resolve(at+1, end)
		if err == nil {
			n.entity(raw)
		}
		return next, err
	case tokenPITarget: // instructions to an application are no data of the event
		_, next, err := n.resolve(at+1, end)
		return next, err
	case tokenPIData:
		_, next, err := n.counted(at+1, end, 2)
		return next, err
	case tokenSubstitution, tokenOptional:
		if at+4 > end {
			return 0, errCut
		}
		index := le16(b[at+1:])
		if n.lift != nil { // there is no instance that would have values
			index = noSlot
		}
		n.out = append(n.out, normalSlot, b[at+3], kind-tokenSubstitution, byte(index), byte(index>>8))
		return at + 4, nil
	}
	return 0, fmt.Errorf("token 0x%02x is not of binary XML, or not here", b[at])
}

// counted gives the characters behind a 16-bit count of them.
func (n *normaliser) counted(at, end, unit int) ([]byte, int, error) {
	if at+2 > end {
		return nil, 0, errCut
	}
	size := unit * int(le16(n.chunk[at:]))
	if at += 2; at+size > end {
		return nil, 0, errCut
	}
	return n.chunk[at : at+size], at + size, nil
}

// value writes a literal that is not a string. The specification allows none, but parsers meet them.
func (n *normaliser) value(typ uint8, at, end int) (int, error) {
	size := width(typ)
	switch typ {
	case typeNull:
	case typeANSI, typeBinary:
		raw, next, err := n.counted(at, end, 1)
		if err != nil {
			return 0, err
		}
		n.literal(typ, next-len(raw), len(raw))
		return next, nil
	case typeSize, typeHandle:
		size = 8
	case typeSID:
		if at+2 > end {
			return 0, errCut
		}
		size = 8 + 4*int(n.chunk[at+1])
	default:
		if size == 0 {
			return 0, fmt.Errorf("a literal of type 0x%02x", typ)
		}
	}
	if at+size > end {
		return 0, errCut
	}
	n.literal(typ, at, size)
	return at + size, nil
}

func (n *normaliser) literal(typ uint8, at, size int) {
	if r := n.lift; r != nil && !n.naming {
		n.out = append(n.out, normalLifted, 0)
		r.values = append(r.values, makeCell(inSegment, typ, r.base+at, size))
		return
	}
	n.out = append(n.out, normalValue, typ, byte(size), byte(size>>8))
	n.out = append(n.out, n.chunk[at:at+size]...)
}

// entity writes the character of one of XML's five entities, and any other as it would stand in XML.
func (n *normaliser) entity(name []byte) {
	wide := [2]byte{}
	switch decodeName(name) {
	case "amp":
		wide[0] = '&'
	case "lt":
		wide[0] = '<'
	case "gt":
		wide[0] = '>'
	case "quot":
		wide[0] = '"'
	case "apos":
		wide[0] = '\''
	default:
		n.addText([]byte{'&', 0}, -1)
		n.addText(name, -1)
		wide[0] = ';'
	}
	n.addText(wide[:], -1)
}

// decodeName gives a name as a string, for which it allocates and nothing else.
func decodeName(raw []byte) string {
	var room [128]byte
	out, _, _ := appendUTF16(room[:0], raw)
	return string(out)
}
