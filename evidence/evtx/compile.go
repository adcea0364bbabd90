package evtx

import "github.com/contrail-ir/contrail/event"

// compiler turns the normal form of a fragment into a program.
type compiler struct {
	names  nameTable
	draft  program // of the template being compiled: what is kept of it takes no more than it needs
	frames []frame
	normal []byte
	where  uint8 // place and offset of the normal form, for cells
	offset int

	attribute   string // the attribute being read
	inAttribute bool
	value       []part // its parts
	lifted      int32  // values met that were lifted out
}

// frame is an element whose end has not been met.
type frame struct {
	name     string
	at       place
	parts    []part
	title    []part // of its attribute Name, where that names the field
	titled   bool
	fields   bool // an attribute of it is a field
	children bool
}

// compile reads a normal form whose bytes lie at the given offset of a cell place. It cannot fail: the normaliser
// made it.
func (c *compiler) compile(p *program, normal []byte, where uint8, offset int, outer place) {
	p.reset()
	c.frames = c.frames[:0]
	c.inAttribute = false
	c.value = c.value[:0]
	c.lifted = 0
	c.normal, c.where, c.offset = normal, where, offset
	for at := 0; at < len(normal); {
		switch normal[at] {
		case normalOpen:
			raw, next := c.counted(at + 1)
			pl := outer
			if n := len(c.frames); n > 0 {
				up := &c.frames[n-1]
				up.children = true
				pl = up.at.below(up.name)
			}
			c.push(c.names.of(raw), pl)
			at = next
		case normalAttribute:
			c.closeAttribute(p)
			raw, next := c.counted(at + 1)
			c.attribute, c.inAttribute = c.names.of(raw), true
			at = next
		case normalText:
			raw, next := c.counted(at + 1)
			c.put(part{slot: -1, literal: makeCell(where, typeString, offset+at+3, len(raw))})
			at = next
		case normalValue:
			raw, next := c.counted(at + 2)
			c.put(part{slot: -1, literal: makeCell(where, normal[at+1], offset+at+4, len(raw))})
			at = next
		case normalSlot:
			slot := le16(normal[at+3:])
			c.put(part{slot: int32(slot), optional: normal[at+2] != 0})
			if normal[at+1] == typeXML {
				p.nest(slot)
			}
			at += 5
		case normalLifted:
			c.put(part{slot: c.lifted, white: normal[at+1] != 0})
			c.lifted++
			at += 2
		case normalContent:
			c.closeAttribute(p)
			at++
		default: // normalClose
			c.closeAttribute(p)
			c.close(p)
			at++
		}
	}
	p.settle()
	c.normal = nil
}

func (c *compiler) counted(at int) (raw []byte, next int) {
	next = at + 2 + int(le16(c.normal[at:]))
	return c.normal[at+2 : next], next
}

func (c *compiler) put(x part) {
	if c.inAttribute {
		c.value = append(c.value, x)
		return
	}
	f := &c.frames[len(c.frames)-1]
	f.parts = append(f.parts, x)
}

// push opens a frame and keeps the memory of the one that was there before.
func (c *compiler) push(name string, at place) {
	if n := len(c.frames); n < cap(c.frames) {
		c.frames = c.frames[:n+1]
	} else {
		c.frames = append(c.frames, frame{})
	}
	f := &c.frames[len(c.frames)-1]
	*f = frame{name: name, at: at, parts: f.parts[:0], title: f.title[:0]}
}

func (c *compiler) closeAttribute(p *program) {
	if !c.inAttribute {
		return
	}
	c.inAttribute = false
	f := &c.frames[len(c.frames)-1]
	if c.attribute == "Name" && f.at.named(f.name) {
		f.title = append(f.title[:0], c.value...)
		f.titled = true
	} else if name := f.at.attributeField(&c.names, f.name, c.attribute); name != "" {
		f.fields = true
		p.add(field{name: name, attribute: true, inside: atOther}, c.value, f.at)
	}
	c.value = c.value[:0]
}

// close ends an element and adds its field, if it is one.
func (c *compiler) close(p *program) {
	f := &c.frames[len(c.frames)-1]
	c.frames = c.frames[:len(c.frames)-1]
	holder := f.at.holder(f.name)
	if f.children { // white space between elements is layout
		kept := f.parts[:0]
		for _, x := range f.parts {
			if x.slot >= 0 && !x.white || x.slot < 0 && !c.white(x.literal) {
				kept = append(kept, x)
			}
		}
		f.parts = kept
	}
	if len(f.parts) == 0 && (f.children || f.fields || holder) {
		return
	}
	out := field{name: f.name, holder: holder || f.children, inside: f.at.below(f.name)}
	if f.titled {
		c.title(p, &out, f)
	}
	p.add(out, f.parts, f.at)
}

// title names the field after the attribute Name. An empty one is no name.
func (c *compiler) title(p *program, out *field, f *frame) {
	literal := true
	for _, x := range f.title {
		literal = literal && x.slot < 0 && x.literal.typ() == typeString
	}
	switch {
	case !literal:
		p.odd = true
		out.nameFrom = int32(len(p.parts))
		p.parts = append(p.parts, f.title...)
		out.nameTo = int32(len(p.parts))
	case len(f.title) == 1:
		if name := c.names.of(trimNUL(c.literal(f.title[0].literal))); name != "" {
			out.name = name
		}
	default:
		var raw []byte
		for _, x := range f.title {
			raw = append(raw, c.literal(x.literal)...)
		}
		if name := c.names.of(trimNUL(raw)); name != "" {
			out.name = name
		}
	}
}

func (c *compiler) literal(l cell) []byte {
	at := l.at() - c.offset
	return c.normal[at : at+l.size()]
}

func (c *compiler) white(l cell) bool {
	return l.typ() == typeString && isWhite(c.literal(l))
}

// nameTable keeps strings of names, so that a name that comes again is the same string. A name takes the place of another that falls on
// it: names that never come again cost one allocation each and the table does not grow, nor does it leave the processor's caches.
type nameTable struct {
	names  []string // by hash
	joined map[[2]string]string
	bytes  int // of joined
	room   []byte
}

const namePlaces = 1 << 12

// of gives the name that is written in UTF-16.
func (t *nameTable) of(raw []byte) string {
	name, _, _ := appendUTF16(t.room[:0], raw)
	t.room = name
	if t.names == nil {
		t.names = make([]string, namePlaces)
	}
	at := &t.names[event.Hash(name)%namePlaces]
	if *at != string(name) {
		*at = string(name)
	}
	return *at
}

// join gives "a_b".
func (t *nameTable) join(a, b string) string {
	key := [2]string{a, b}
	if s, ok := t.joined[key]; ok {
		return s
	}
	if t.joined == nil {
		t.joined = map[[2]string]string{}
	}
	s := a + "_" + b
	t.joined[key] = s
	t.bytes += 3 * len(s)
	return s
}
