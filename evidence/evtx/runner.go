package evtx

import (
	"errors"
	"fmt"
	"slices"
)

// Substitutions may repeat a value, and nested templates multiply, so that what a record says can be far larger than the record. What
// is written by Windows is not: in 1,039 chunks of real logs no record has a field in less than 7 of its bytes, or says
// more than 2.6 times its bytes. So a record may say as much as it can hold; what it says beyond is paid for from what is spare in its
// chunk, and where nothing is left the record ends.
const (
	bytesPerField = 6
	bytesPerByte  = 3
	deepestNest   = 16
)

// amount is how much is said: fields, the parts they are put together of and the fragments they are in; and the bytes of values.
type amount struct{ fields, bytes int }

// spare is what the records of a chunk may say together beyond what they can hold.
var spare = amount{fields: 1 << 12, bytes: 2 * chunkSize}

var (
	errLarge    = errors.New("it says more than it can hold, by more than a chunk may")
	errNests    = errors.New("binary XML is nested too deep")
	errNoSystem = errors.New("it has no System element")
	errValues   = errors.New("the substituted values end outside the record")
)

// runner reads one record: it finds its values and hands their cells to a group or to a list.
type runner struct {
	d     *Decoder
	table *chunkTemplates
	chunk []byte
	base  int // of the chunk in the segment

	recovering bool // the record is not of the log proper

	values []cell     // of the fragments being read, innermost last
	single []*program // programs of fragments met for the first time, by depth
	plans  []*plan    // that are not kept, by depth
	depth  int
	own    amount // what the record can hold
	most   amount // what it may say
	said   amount
	nested error // the first fragment that could not be read

	// Where the values go: to the group, or to the list when there is no group.
	group *group
	list  []named

	sys    [sysFields]cell
	listed bool // the whole record is in the list already
}

// named is a field of a record and its value.
type named struct {
	name  string
	value cell
}

// enter makes the runner ready for a record of a size, with what is left to spare in its chunk.
func (r *runner) enter(size int, spare amount) {
	r.values = r.values[:0]
	r.depth, r.said = 0, amount{}
	r.own = amount{fields: size / bytesPerField, bytes: size * bytesPerByte}
	r.most = amount{fields: r.own.fields + spare.fields, bytes: r.own.bytes + spare.bytes}
	r.nested = nil
	r.group = nil
	r.list = r.list[:0]
}

// pay takes what the record has said beyond its own from what is spare.
func (r *runner) pay(spare *amount) {
	spare.fields = max(0, spare.fields-max(0, r.said.fields-r.own.fields))
	spare.bytes = max(0, spare.bytes-max(0, r.said.bytes-r.own.bytes))
}

// over says whether the record has said more than it may.
func (r *runner) over() bool { return r.said.fields > r.most.fields || r.said.bytes > r.most.bytes }

// system finds what decides about a record. Where the fragment does not say it plainly, the whole record is listed and
// looked through.
func (r *runner) system(f *fragment) error {
	r.listed = false
	if p := f.program; p.plain {
		values := r.values[f.from:f.to]
		for i := range p.sys {
			switch x := &p.sys[i]; {
			case uint(x.slot) < uint(len(values)):
				r.sys[i] = values[x.slot]
			case *x == noPart:
				r.sys[i] = 0
			case x.slot < 0:
				r.sys[i] = x.literal
			default:
				r.sys[i] = nullCell
			}
		}
		return nil
	}
	if err := r.run(*f); err != nil {
		return err
	}
	r.listed = true
	clear(r.sys[:])
	for _, n := range r.list {
		if i := sysField(n.name); i >= 0 && r.sys[i] == 0 {
			r.sys[i] = n.value
		}
	}
	if r.sys[sysProvider] == 0 && r.sys[sysEventID] == 0 && r.sys[sysChannel] == 0 {
		return errNoSystem
	}
	return nil
}

// fragment is a piece of binary XML ready to run: a program and the values of its slots.
type fragment struct {
	program *program
	from    int // of its values in runner.values
	to      int
	binary  int // how many of the values are binary XML
}

// open reads the fragment between two offsets of the chunk: a template instance, or an element.
func (r *runner) open(at, end int, outer place) (f fragment, next int, err error) {
	if at < end && r.chunk[at] == tokenFragment {
		at += fragmentHeaderSize
	}
	for at < end && r.chunk[at]&^tokenMore == tokenPITarget { // each takes five bytes at least
		n := normaliser{chunk: r.chunk}
		if _, at, err = n.resolve(at+1, end); err != nil {
			return f, 0, err
		}
		if at < end && r.chunk[at] == tokenPIData {
			if _, at, err = n.counted(at+1, end, 2); err != nil {
				return f, 0, err
			}
		}
	}
	if at >= end {
		return f, 0, errCut
	}
	switch r.chunk[at] &^ tokenMore {
	case tokenTemplate:
		return r.instance(at, end, outer)
	case tokenElement:
		return r.element(at, end, outer)
	}
	return f, 0, fmt.Errorf("token 0x%02x stands where a fragment should", r.chunk[at])
}

// instance reads a template instance: which template, and where its values lie.
func (r *runner) instance(at, end int, outer place) (f fragment, next int, err error) {
	const instanceSize = 10 // token, version, id, offset
	if at+instanceSize+4 > end {
		return f, 0, errCut
	}
	b := r.chunk
	id, definition := le32(b[at+2:]), int(le32(b[at+6:]))
	at += instanceSize
	if definition == at { // it stands here, because it is used here first
		if at+templateHeader > end {
			return f, 0, errCut
		}
		size := int(le32(b[at+20:]))
		if size > end-at-templateHeader {
			return f, 0, errTemplate
		}
		at += templateHeader + size
	}
	if f.program, err = r.template(definition, id, outer); err != nil {
		return f, 0, err
	}
	if at+4 > end {
		return f, 0, errCut
	}
	n := int(le32(b[at:]))
	at += 4
	if n < 0 || n > (end-at)/4 {
		return f, 0, errValues
	}
	f.from, f.to = len(r.values), len(r.values)+n
	values := slices.Grow(r.values, n)[:f.to]
	specs := b[at : at+4*n]
	at += 4 * n
	value := uint32(r.base + at)
	for i := range values[f.from:] {
		spec := le32(specs[4*i:])
		size, typ := uint16(spec), uint8(spec>>16)
		if typ == typeXML {
			f.binary++
		}
		values[f.from+i] = makeCell(inSegment, typ, int(value), int(size))
		value += uint32(size) // of less than 2¹⁴ values: it stays in range
	}
	if int(value) > r.base+end {
		return f, 0, errValues
	}
	r.values = values
	return f, int(value) - r.base, nil
}

// element reads a fragment that is written out, without a template: as the instance of a template that says the same.
func (r *runner) element(at, end int, outer place) (f fragment, next int, err error) {
	d := r.d
	n := &d.normal
	n.chunk, n.out, n.lift = r.chunk, n.out[:0], r
	f.from = len(r.values)
	mark := len(d.extra)
	next, err = n.element(at, end, false)
	n.lift = nil
	if err == nil {
		if r.said.bytes += len(n.out); r.over() {
			err = errLarge
		}
	}
	if err != nil {
		d.extra = d.extra[:mark]
		r.values = r.values[:f.from]
		return f, 0, err
	}
	f.to = len(r.values)
	if t := d.templates.again(n.out, outer, &d.compiler); t != nil {
		f.program = &t.program
		return f, next, nil
	}
	f.program = r.once(outer)
	return f, next, nil
}

// value gives the value of a part: absent when an optional attribute has none.
func (r *runner) value(f fragment, x part) cell {
	if x.slot < 0 {
		return x.literal
	}
	if i := f.from + int(x.slot); i < f.to {
		return r.values[i]
	}
	return nullCell
}

// run hands out the fields of a fragment. Every field counts, and every value by its bytes, so a record that multiplies itself ends
// early.
func (r *runner) run(f fragment) error {
	if r.group != nil && !f.program.odd && r.covered(f) {
		return r.runPlan(f, r.planOf(f.program, r.group.source))
	}
	p := f.program
	for i := range p.fields {
		fd := &p.fields[i]
		name := fd.name
		if fd.nameTo > fd.nameFrom {
			given, err := r.title(f, fd)
			if err != nil {
				return err
			}
			if given != "" {
				name = given
			}
		}
		column := int32(-1)
		if r.group != nil {
			column = r.group.source.column(name)
		}
		var x part
		if fd.to-fd.from == 1 {
			x = p.parts[fd.from]
		}
		if err := r.field(f, fd, x, column, name); err != nil {
			return err
		}
	}
	return nil
}

// covered says whether the binary XML among the values stands only where the template declares it, as a plan relies on.
func (r *runner) covered(f fragment) bool {
	n := f.binary
	if n == 0 {
		return true
	}
	for _, slot := range f.program.nests {
		if i := f.from + int(slot); i < f.to && r.values[i].typ() == typeXML {
			n--
		}
	}
	return n == 0
}

// runPlan is run for the fields that are wanted, with their columns known.
func (r *runner) runPlan(f fragment, pl *plan) error {
	d, g := r.d, r.group
	if r.said.fields += len(pl.ops); r.over() {
		return errLarge
	}
	for i := range pl.ops {
		o := &pl.ops[i]
		if o.plain {
			var c cell
			if o.part.slot < 0 {
				c = o.part.literal
			} else if i := f.from + int(o.part.slot); i < f.to {
				c = r.values[i]
			} else {
				c = nullCell
			}
			if c.typ() < typeXML && !c.null() {
				if r.said.bytes += c.size(); r.said.bytes > r.most.bytes {
					return errLarge
				}
				d.set(g, o.column, c)
				continue
			}
		}
		if err := r.field(f, o.field, o.part, o.column, o.field.name); err != nil {
			return err
		}
	}
	return nil
}

// field hands out one field in full generality.
func (r *runner) field(f fragment, fd *field, x part, column int32, name string) error {
	if r.said.fields++; r.over() {
		return errLarge
	}
	switch fd.to - fd.from {
	case 0:
		r.emit(column, name, nullCell)
		return nil
	case 1:
		c := r.value(f, x)
		switch {
		case c.typ() == typeXML && c.size() > 0:
			return r.nest(c, fd)
		case c.null() || c.typ() == typeXML:
			if !fd.holder && !(fd.attribute && x.optional) {
				r.emit(column, name, nullCell)
			}
		default:
			if r.said.bytes += weight(c); r.over() {
				return errLarge
			}
			r.emit(column, name, c)
		}
		return nil
	}
	return r.composed(f, fd, column, name)
}

// weight gives what a value counts for: its bytes, and what it takes to tell the elements of an array apart.
func weight(c cell) int {
	if c.typ()&typeArray == 0 {
		return c.size()
	}
	return c.size() + 2*elements(c)
}

// elements gives how many elements an array has at most.
func elements(array cell) int {
	return (array.size() + 1) / max(1, width(array.typ()&^typeArray))
}

// composed hands out a field that is put together of several parts. Binary XML among them is fields of its own.
func (r *runner) composed(f fragment, fd *field, column int32, name string) error {
	d := r.d
	text := d.scratch[:0]
	any := false
	if r.said.fields += int(fd.to - fd.from); r.over() {
		return errLarge
	}
	for i := fd.from; i < fd.to; i++ {
		x := f.program.parts[i]
		c := r.value(f, x)
		switch {
		case c.typ() == typeXML && c.size() > 0:
			d.scratch = text
			if err := r.nestAside(c, fd); err != nil {
				return err
			}
			text = d.scratch
		case c.null() || c.typ() == typeXML:
		default:
			any = true
			text = d.appendText(text, c, ", ")
		}
		if len(text) > longest || r.said.bytes+len(text) > r.most.bytes {
			d.scratch = text
			return errLarge
		}
	}
	d.scratch = text
	switch {
	case any:
		r.said.bytes += len(text)
		if r.group == nil || column >= 0 {
			r.emit(column, name, d.keep(text))
		}
	case !fd.holder && !fd.attribute:
		r.emit(column, name, nullCell)
	}
	return nil
}

// nestAside nests while the scratch text is in use.
func (r *runner) nestAside(c cell, fd *field) error {
	d := r.d
	mine := d.scratch
	d.scratch = nil
	err := r.nest(c, fd)
	d.scratch = mine
	return err
}

// title gives the name of a field that is named by substitution.
func (r *runner) title(f fragment, fd *field) (string, error) {
	text := r.d.scratch[:0]
	if r.said.fields += int(fd.nameTo - fd.nameFrom); r.over() {
		return "", errLarge
	}
	for i := fd.nameFrom; i < fd.nameTo; i++ {
		if c := r.value(f, f.program.parts[i]); !c.null() && c.typ() != typeXML {
			text = r.d.appendText(text, c, ", ")
		}
		if len(text) > longestName {
			break
		}
	}
	r.d.scratch = text
	if r.said.bytes += len(text); len(text) > longestName || r.over() {
		return "", errLarge
	}
	return string(text), nil
}

func (r *runner) emit(column int32, name string, c cell) {
	switch {
	case r.group == nil:
		r.list = append(r.list, named{name, c})
	case column >= 0:
		r.d.set(r.group, column, c)
	}
}

// nest runs binary XML that was substituted into an element. When it cannot be read the fields around it still can: the
// first error is kept for the damage.
func (r *runner) nest(c cell, fd *field) error {
	r.said.fields++
	if r.said.bytes += c.size(); r.over() {
		return errLarge
	}
	if r.depth++; r.depth > deepestNest {
		return errNests
	}
	values := len(r.values)
	at := c.at() - r.base
	err := r.fragments(at, at+c.size(), fd.inside)
	r.values = r.values[:values]
	r.depth--
	if errors.Is(err, errLarge) || errors.Is(err, errNests) {
		return err
	}
	if err != nil && r.nested == nil {
		r.nested = err
	}
	return nil
}

// fragments runs one fragment after the other up to the end of a value. Each is at least one byte.
func (r *runner) fragments(at, end int, outer place) error {
	for at < end && r.chunk[at] != tokenEnd {
		f, next, err := r.open(at, end, outer)
		if err != nil {
			return err
		}
		if err := r.run(f); err != nil {
			return err
		}
		at = next
	}
	return nil
}
