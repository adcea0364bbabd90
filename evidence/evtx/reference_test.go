package evtx

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"

	"github.com/contrail-ir/contrail/event"
)

// The reference decoder: a record becomes a tree, the tree becomes a list of fields. It is slow, allocates as it likes,
// shares no code with the decoder and stops at the first thing that is not as it should be, by panicking with a refError.

type refError string

type refElement struct {
	name       string
	attributes []refAttribute
	children   []*refElement
	content    []refItem
}

type refAttribute struct {
	name    string
	content []refItem
}

// refItem is a literal, a substituted value or a substituted fragment.
type refItem struct {
	literal  bool
	optional bool
	typ      byte
	raw      []byte
	nodes    []*refElement // of binary XML
}

type refField struct {
	name string
	kind event.Kind
	null bool
	text string
}

// otherTemplate: the definition was overwritten, as happens in slack.
const otherTemplate = "another template"

type refParser struct {
	chunk []byte
	seen  map[int]int // id → definition, of the log proper: slack may lean on it
	slack bool
}

// newRefParser reads the log proper of a chunk to learn its templates.
func newRefParser(chunk []byte) *refParser {
	p := &refParser{chunk: chunk, seen: map[int]int{}}
	defer func() {
		_ = recover()
		p.slack = true
	}()
	for at, end := 512, p.u32(48); at < end && p.u32(at+4) > 0; at += p.u32(at + 4) {
		p.record(at)
	}
	return p
}

func (p *refParser) need(at, n, end int) {
	if at < 0 || n < 0 || at+n > end || end > len(p.chunk) {
		panic(refError("cut off"))
	}
}

func (p *refParser) u16(at int) int { return int(binary.LittleEndian.Uint16(p.chunk[at:])) }
func (p *refParser) u32(at int) int { return int(binary.LittleEndian.Uint32(p.chunk[at:])) }

// record gives the elements of the record at an offset of the chunk.
func (p *refParser) record(at int) []*refElement {
	size := p.u32(at + 4)
	nodes, _ := p.fragment(at+24, at+size-4, nil, false)
	return nodes
}

// fragment reads up to the end token and gives the elements.
func (p *refParser) fragment(at, end int, values []refItem, dep bool) ([]*refElement, int) {
	var nodes []*refElement
	for at < end {
		p.need(at, 1, end)
		switch p.chunk[at] {
		case 0x00:
			return nodes, at + 1
		case 0x0f:
			at += 4
		case 0x01, 0x41:
			var e *refElement
			e, at = p.element(at, end, values, dep)
			nodes = append(nodes, e)
		case 0x0c:
			var more []*refElement
			more, at = p.template(at, end)
			nodes = append(nodes, more...)
		default:
			panic(refError(fmt.Sprintf("token %#x", p.chunk[at])))
		}
	}
	return nodes, at
}

func (p *refParser) template(at, end int) ([]*refElement, int) {
	at0 := at
	p.need(at, 10, end)
	def := p.u32(at + 6)
	at += 10
	if def == at {
		p.need(at, 24, end)
		at += 24 + p.u32(at+20)
	}
	p.need(def, 24, len(p.chunk))
	if id := p.u32(at0 + 2); p.u32(def+4) != id {
		other, ok := p.seen[id]
		if !ok {
			panic(refError(otherTemplate))
		}
		def = other
	} else if _, ok := p.seen[id]; !ok && !p.slack {
		p.seen[id] = def
	}
	size := p.u32(def + 20)
	p.need(def+24, size, len(p.chunk))
	p.need(at, 4, end)
	n := p.u32(at)
	at += 4
	p.need(at, 4*n, end)
	var values []refItem
	data := at + 4*n
	for i := range n {
		size, typ := p.u16(at+4*i), p.chunk[at+4*i+2]
		p.need(data, size, end)
		v := refItem{typ: typ, raw: p.chunk[data : data+size]}
		if typ == 0x21 && size > 0 {
			v.nodes = p.nested(data, data+size)
		}
		values = append(values, v)
		data += size
	}
	nodes, _ := p.fragment(def+24, def+24+size, values, true)
	return nodes, data
}

// nested reads a substituted fragment. In slack it may be overwritten, which leaves what is around it.
func (p *refParser) nested(at, end int) (nodes []*refElement) {
	if p.slack {
		defer func() {
			if e := recover(); e != nil {
				nodes = nil
			}
		}()
	}
	nodes, _ = p.fragment(at, end, nil, false)
	return nodes
}

func (p *refParser) name(at int) (string, int) {
	where := p.u32(at)
	at += 4
	p.need(where, 8, len(p.chunk))
	n := p.u16(where + 6)
	p.need(where+8, 2*n, len(p.chunk))
	if n > 512 {
		panic(refError("name too long"))
	}
	if where == at {
		at += 8 + 2*n + 2
	}
	return refText(p.chunk[where+8 : where+8+2*n]), at
}

func (p *refParser) element(at, end int, values []refItem, dep bool) (*refElement, int) {
	has := p.chunk[at] == 0x41
	at++
	if dep {
		at += 2
	}
	at += 4
	e := &refElement{}
	e.name, at = p.name(at)
	if has {
		at += 4
	}
	for p.chunk[at]&0xbf == 0x06 {
		a := refAttribute{}
		a.name, at = p.name(at + 1)
		a.content, _, at = p.content(at, end, values, dep)
		e.attributes = append(e.attributes, a)
	}
	switch p.chunk[at] {
	case 0x03:
		return e, at + 1
	case 0x02:
		e.content, e.children, at = p.content(at+1, end, values, dep)
		if p.chunk[at] != 0x04 {
			panic(refError("element does not end"))
		}
		return e, at + 1
	}
	panic(refError("start tag does not end"))
}

// content reads items and elements until something else comes.
func (p *refParser) content(at, end int, values []refItem, dep bool) (items []refItem, children []*refElement, next int) {
	for {
		p.need(at, 1, end)
		switch p.chunk[at] &^ 0x40 {
		case 0x01:
			var e *refElement
			e, at = p.element(at, end, values, dep)
			children = append(children, e)
		case 0x05:
			if p.chunk[at+1] != 0x01 {
				panic(refError("literal that is no string"))
			}
			n := 2 * p.u16(at+2)
			items = append(items, refItem{literal: true, typ: 1, raw: p.chunk[at+4 : at+4+n]})
			at += 4 + n
		case 0x07:
			n := 2 * p.u16(at+1)
			items = append(items, refItem{literal: true, typ: 1, raw: p.chunk[at+3 : at+3+n]})
			at += 3 + n
		case 0x08:
			items = append(items, refItem{literal: true, typ: 1, raw: p.chunk[at+1 : at+3]})
			at += 3
		case 0x09:
			var name string
			name, at = p.name(at + 1)
			c, ok := map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}[name]
			if !ok {
				c = "&" + name + ";"
			}
			items = append(items, refItem{literal: true, typ: 1, raw: utf16le(c)})
		case 0x0a:
			_, at = p.name(at + 1)
		case 0x0b:
			at += 3 + 2*p.u16(at+1)
		case 0x0d, 0x0e:
			v := refItem{}
			if i := p.u16(at + 1); i < len(values) {
				v = values[i]
			}
			v.optional = p.chunk[at] == 0x0e
			items = append(items, v)
			at += 4
		default:
			return items, children, at
		}
	}
}

func utf16le(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func refText(raw []byte) string {
	var u []uint16
	for i := 0; i+1 < len(raw); i += 2 {
		u = append(u, binary.LittleEndian.Uint16(raw[i:]))
	}
	return string(utf16.Decode(u))
}

// refFields lists the fields of a document.
func refFields(nodes []*refElement) []refField {
	var out []refField
	for _, n := range nodes {
		n.fields("", &out)
	}
	return out
}

// fields: where is "" outside, "Event" in it, then "System", "EventData" or "other".
func (e *refElement) fields(where string, out *[]refField) {
	inside := where
	switch {
	case where == "" && e.name == "Event":
		inside = "Event"
	case where == "":
		inside = "other"
	case where == "Event" && (e.name == "System" || e.name == "EventData"):
		inside = e.name
	case where == "Event":
		inside = "other"
	}
	name := e.name
	hasFields := false
	for _, a := range e.attributes {
		if where == "EventData" && (e.name == "Data" || e.name == "ComplexData") && a.name == "Name" {
			if t, _, _ := refJoin(a.content); t != "" {
				name = t
			}
			continue
		}
		if a.name == "xmlns" || strings.HasPrefix(a.name, "xmlns:") {
			continue
		}
		hasFields = true
		full := e.name + "_" + a.name
		if where == "System" && full == "TimeCreated_SystemTime" {
			full = "TimeCreated"
		}
		if len(a.content) == 1 && a.content[0].isNull() && a.content[0].optional {
			continue
		}
		refAdd(full, a.content, out)
	}
	for _, c := range e.children {
		c.fields(inside, out)
	}
	content := e.content
	if len(e.children) > 0 {
		content = nil
		for _, i := range e.content {
			if !i.literal || strings.Trim(refText(i.raw), " \t\r\n") != "" {
				content = append(content, i)
			}
		}
	}
	nested := false
	for _, i := range content {
		for _, n := range i.nodes {
			n.fields(inside, out)
		}
		nested = nested || i.typ == 0x21 && len(i.raw) > 0
	}
	// Binary XML alone is what is in the element, not its value.
	if len(content) == 1 && nested {
		return
	}
	silent := len(e.children) > 0 || where == "" || where == "Event"
	if len(content) == 0 {
		bare := map[string]bool{"Provider": true, "TimeCreated": true, "Correlation": true, "Execution": true, "Security": true}
		if !silent && !hasFields && !(where == "System" && bare[e.name]) {
			*out = append(*out, refField{name: name, null: true})
		}
		return
	}
	all := true
	for _, i := range content {
		all = all && (i.isNull() || i.typ == 0x21)
	}
	if all && (silent || where == "System" && map[string]bool{"Provider": true, "TimeCreated": true, "Correlation": true,
		"Execution": true, "Security": true}[e.name]) {
		return
	}
	refAdd(name, content, out)
}

func (i refItem) isNull() bool {
	switch i.typ {
	case 0x01, 0x02, 0x0e:
		return false
	}
	return i.typ == 0 || len(i.raw) == 0
}

func refAdd(name string, content []refItem, out *[]refField) {
	if len(content) == 1 && content[0].typ != 0x21 {
		i := content[0]
		if i.isNull() {
			*out = append(*out, refField{name: name, null: true})
			return
		}
		for _, v := range i.values() {
			f := refValue(v)
			f.name = name
			*out = append(*out, f)
		}
		return
	}
	text, any, _ := refJoin(content)
	*out = append(*out, refField{name: name, null: !any, text: text})
}

// refJoin puts the text of several items together.
func refJoin(content []refItem) (text string, any, nested bool) {
	for _, i := range content {
		if i.isNull() || i.typ == 0x21 {
			continue
		}
		any = true
		for n, v := range i.values() {
			if n > 0 {
				text += ", "
			}
			text += refValue(v).text
		}
	}
	return text, any, nested
}

// values gives the elements of an array, or the item itself.
func (i refItem) values() []refItem {
	if i.typ&0x80 == 0 {
		return []refItem{i}
	}
	typ := i.typ & 0x7f
	var out []refItem
	switch sizes := map[byte]int{3: 1, 4: 1, 5: 2, 6: 2, 7: 4, 8: 4, 9: 8, 10: 8, 11: 4, 12: 8, 13: 4, 15: 16, 17: 8, 18: 16, 20: 4, 21: 8}; typ {
	case 1:
		parts := strings.Split(string(utf16.Decode(refUnits(i.raw))), "\x00")
		if parts[len(parts)-1] == "" {
			parts = parts[:len(parts)-1]
		}
		for _, s := range parts {
			out = append(out, refItem{typ: 1, raw: utf16le(s)})
		}
	case 2:
		parts := strings.SplitAfter(string(i.raw), "\x00")
		for _, s := range parts {
			if s != "" {
				out = append(out, refItem{typ: 2, raw: []byte(s)})
			}
		}
	default:
		n := sizes[typ]
		switch {
		case typ == 16 && len(i.raw)%8 == 0:
			n = 8
		case typ == 16:
			n = 4
		case typ == 19 && len(i.raw) >= 8:
			n = 8 + 4*int(i.raw[1])
			if n < len(i.raw) {
				rest := refItem{typ: i.typ, raw: i.raw[n:]}
				return append([]refItem{{typ: typ, raw: i.raw[:n]}}, rest.values()...)
			}
		}
		if n == 0 {
			panic(refError(fmt.Sprintf("array of type %#x", typ)))
		}
		for raw := i.raw; len(raw) > 0; raw = raw[min(n, len(raw)):] {
			out = append(out, refItem{typ: typ, raw: raw[:min(n, len(raw))]})
		}
	}
	return out
}

func refUnits(raw []byte) []uint16 {
	var u []uint16
	for i := 0; i+1 < len(raw); i += 2 {
		u = append(u, binary.LittleEndian.Uint16(raw[i:]))
	}
	return u
}

// refValue renders one value.
func refValue(i refItem) refField {
	raw := i.raw
	wide := append(append([]byte(nil), raw...), make([]byte, 16)...)
	u := binary.LittleEndian.Uint64(wide)
	whole := func(n int, kind event.Kind, text string) refField {
		if len(raw) != n {
			return refField{kind: event.Text, text: strings.ToUpper(hex.EncodeToString(raw))}
		}
		return refField{kind: kind, text: text}
	}
	switch i.typ {
	case 1:
		return refField{kind: event.Text, text: strings.TrimRight(refText(raw), "\x00")}
	case 2:
		s, _ := charmap.Windows1252.NewDecoder().String(strings.TrimRight(string(raw), "\x00"))
		return refField{kind: event.Text, text: s}
	case 3:
		return whole(1, event.Int, strconv.Itoa(int(int8(u))))
	case 4:
		return whole(1, event.Uint, strconv.Itoa(int(uint8(u))))
	case 5:
		return whole(2, event.Int, strconv.Itoa(int(int16(u))))
	case 6:
		return whole(2, event.Uint, strconv.Itoa(int(uint16(u))))
	case 7:
		return whole(4, event.Int, strconv.Itoa(int(int32(u))))
	case 8:
		return whole(4, event.Uint, strconv.Itoa(int(uint32(u))))
	case 9:
		return whole(8, event.Int, strconv.FormatInt(int64(u), 10))
	case 10:
		return whole(8, event.Uint, strconv.FormatUint(u, 10))
	case 11:
		return whole(4, event.Float, strconv.FormatFloat(float64(math.Float32frombits(uint32(u))), 'g', -1, 64))
	case 12:
		return whole(8, event.Float, strconv.FormatFloat(math.Float64frombits(u), 'g', -1, 64))
	case 13:
		return whole(4, event.Bool, strconv.FormatBool(uint32(u) != 0))
	case 15:
		if len(raw) != 16 {
			return refField{kind: event.GUID, text: strings.ToUpper(hex.EncodeToString(raw))}
		}
		return refField{kind: event.GUID, text: fmt.Sprintf("{%08X-%04X-%04X-%X-%X}", uint32(u), uint16(u>>32), uint16(u>>48), raw[8:10], raw[10:16])}
	case 16:
		if len(raw) == 4 {
			return refField{kind: event.Hex64, text: fmt.Sprintf("%#x", uint32(u))}
		}
		return whole(8, event.Hex64, "0x"+strconv.FormatUint(u, 16))
	case 17:
		t := time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		when := time.Unix(t+int64(u/10_000_000), int64(u%10_000_000)*100).UTC()
		kind := event.Time
		if when.Year() < 1678 || when.Year() > 2261 {
			kind = event.Text
		}
		return whole(8, kind, when.Format(time.RFC3339Nano))
	case 18:
		g := refUnits(wide[:16])
		text := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", g[0], g[1], g[3], g[4], g[5], g[6])
		if g[7] != 0 {
			text += strings.TrimRight(fmt.Sprintf(".%03d", g[7]), "0")
		}
		return whole(16, event.Time, text+"Z")
	case 19:
		if len(raw) < 8 || len(raw) != 8+4*int(raw[1]) {
			return refField{kind: event.SID, text: strings.ToUpper(hex.EncodeToString(raw))}
		}
		text := fmt.Sprintf("S-%d-%d", raw[0], binary.BigEndian.Uint64(append([]byte{0, 0}, raw[2:8]...)))
		for at := 8; at < len(raw); at += 4 {
			text += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(raw[at:]))
		}
		return refField{kind: event.SID, text: text}
	case 20:
		return whole(4, event.Hex32, fmt.Sprintf("0x%x", uint32(u)))
	case 21:
		return whole(8, event.Hex64, fmt.Sprintf("0x%x", u))
	case 14:
		return refField{kind: event.Bytes, text: strings.ToUpper(hex.EncodeToString(raw))}
	}
	panic(refError(fmt.Sprintf("value type %#x", i.typ)))
}
