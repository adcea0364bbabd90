package evtx

import (
	"bytes"
	"errors"
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// Bounds of what a decoder keeps from segment to segment. Past them it begins anew.
const (
	mostTemplateBytes = 8 << 20
	mostTemplates     = 1 << 13
	mostNameBytes     = 4 << 20
	mostSources       = 1 << 13
)

var (
	errTemplate      = errors.New("a template definition lies outside its chunk")
	errOtherTemplate = errors.New("the template definition is not the one that the record names")
	errTemplates     = errors.New("the template definitions of the chunk are larger than a chunk can hold")
)

// template is a compiled definition. The same definition substituted at another place names other fields and is another
// template.
type template struct {
	at, size int // of its normal form in templateCache.bytes
	outer    place
	program  program
}

// templateCache holds the templates of a decoder by content. What it holds lies in blocks, because evidence can be made of templates that are
// used twice each, and is let go of all at once.
type templateCache struct {
	byHash []hashed // at the place that the hash says or behind it; never more than half full
	bytes  []byte   // normal forms end to end: the place inTemplates
	count  int
	met    [1 << 10]uint64 // hashes of normal forms that were met

	block  []template // not yet used
	fields []field
	parts  []part
}

// hashed is a template with the hash of its normal form and place.
type hashed struct {
	hash uint64
	is   *template
}

const (
	templateBlock = 1 << 6
	fieldBlock    = 1 << 10
)

// of gives the template with that normal form, compiled when it is new.
func (t *templateCache) of(normal []byte, outer place, c *compiler) *template {
	h := event.Hash(normal) ^ uint64(outer)
	if e := t.known(h, normal, outer); e != nil {
		return e
	}
	return t.add(h, normal, outer, c)
}

// again gives the template with that normal form; nil when it is met for the first time, or when there are too many: what comes once is
// not worth keeping. It may be that of a fragment written out, once the values are lifted out of it.
func (t *templateCache) again(normal []byte, outer place, c *compiler) *template {
	h := event.Hash(normal) ^ uint64(outer)
	if e := t.known(h, normal, outer); e != nil {
		return e
	}
	if met := &t.met[h%uint64(len(t.met))]; *met != h || t.count > mostTemplates || len(t.bytes) > mostTemplateBytes {
		*met = h
		return nil
	}
	return t.add(h, normal, outer, c)
}

func (t *templateCache) known(h uint64, normal []byte, outer place) *template {
	for i := h; len(t.byHash) > 0; i++ {
		p := &t.byHash[i%uint64(len(t.byHash))]
		if p.is == nil {
			break
		}
		if e := p.is; p.hash == h && e.outer == outer && bytes.Equal(t.bytes[e.at:e.at+e.size], normal) {
			return e
		}
	}
	return nil
}

// put enters a template that is not there.
func (t *templateCache) put(e hashed) {
	i := e.hash
	for ; t.byHash[i%uint64(len(t.byHash))].is != nil; i++ {
	}
	t.byHash[i%uint64(len(t.byHash))] = e
}

func (t *templateCache) add(h uint64, normal []byte, outer place, c *compiler) *template {
	if 2*t.count >= len(t.byHash) {
		small := t.byHash
		t.byHash = make([]hashed, max(256, 2*len(small)))
		for _, e := range small {
			if e.is != nil {
				t.put(e)
			}
		}
	}
	if len(t.block) == 0 {
		t.block = make([]template, templateBlock)
	}
	e := &t.block[0]
	t.block = t.block[1:]
	e.at, e.size, e.outer = len(t.bytes), len(normal), outer
	t.bytes = append(t.bytes, normal...)
	c.compile(&c.draft, t.bytes[e.at:e.at+e.size], inTemplates, e.at, outer)
	e.program = c.draft
	e.program.fields, t.fields = keepIn(t.fields, c.draft.fields)
	e.program.parts, t.parts = keepIn(t.parts, c.draft.parts)
	e.program.nests = slices.Clone(c.draft.nests)
	e.program.cached = true
	t.put(hashed{h, e})
	t.count++
	return e
}

// keepIn copies what is given into what is left of a block.
func keepIn[T any](block, all []T) (kept, rest []T) {
	if len(block) < len(all) {
		block = make([]T, max(fieldBlock, len(all)))
	}
	n := copy(block, all)
	return block[:n:n], block[n:]
}

// chunkTemplates remembers which template stands at which offset of the chunk being read.
type chunkTemplates struct {
	chunk   uint32 // generation: entries of another are empty
	work    int    // bytes normalised for this chunk
	count   int
	known   []definition
	live    int // how many of them are of the log proper, once slack is read
	entries [2 * mostPerChunk]chunkTemplate
}

// definition is where a template of that id was found.
type definition struct {
	id, at uint32
}

// mostPerChunk is a power of two above the number of definitions that fit in a chunk.
const mostPerChunk = 1 << 12

type chunkTemplate struct {
	chunk uint32
	at    uint32
	outer place
	is    *template // nil where it was used once
}

func (t *chunkTemplates) begin() {
	if t.chunk++; t.chunk == 0 {
		clear(t.entries[:])
		t.chunk = 1
	}
	t.work, t.count = 0, 0
	t.known, t.live = t.known[:0], 0
}

// find gives the entry of a definition: filled in, or free for it. The table is never more than half full.
func (t *chunkTemplates) find(at uint32, outer place) *chunkTemplate {
	for i := uint32(event.HashNumber(uint64(at)<<8 | uint64(outer))); ; i++ {
		e := &t.entries[i%uint32(len(t.entries))]
		if e.chunk != t.chunk || e.at == at && e.outer == outer {
			return e
		}
	}
}

// template gives the program of the template defined at an offset of the chunk, which must be the one with the given id. The id is
// the beginning of the definition's GUID. A recovered record often outlives its definition: then another one of the
// same id is taken, where the chunk has it.
func (r *runner) template(at int, id uint32, outer place) (*program, error) {
	if at+templateHeader <= len(r.chunk) && le32(r.chunk[at+4:]) == id {
		return r.templateAt(at, outer)
	}
	if r.recovering {
		for _, known := range r.table.known[:r.table.live] {
			if known.id == id {
				return r.templateAt(int(known.at), outer)
			}
		}
	}
	if at+templateHeader > len(r.chunk) {
		return nil, errTemplate
	}
	return nil, errOtherTemplate
}

// templateAt gives the program of the template defined at an offset of the chunk, which the header fits behind.
func (r *runner) templateAt(at int, outer place) (*program, error) {
	e := r.table.find(uint32(at), outer)
	used := e.chunk == r.table.chunk
	if used && e.is != nil {
		return &e.is.program, nil
	}
	size := int(le32(r.chunk[at+20:]))
	begin := at + templateHeader
	end := begin + size
	if size > len(r.chunk) || end > len(r.chunk) {
		return nil, errTemplate
	}
	// Definitions do not overlap, so honest ones together are smaller than the chunk, apart from those that
	// are used at two places. In real logs their normal forms take 48 KiB of a chunk at most.
	if !used && (r.table.work > 2*chunkSize || r.table.count >= mostPerChunk) {
		return nil, errTemplates
	}
	d := r.d
	d.normal.chunk = r.chunk
	d.normal.out = d.normal.out[:0]
	if begin < end && r.chunk[begin] == tokenFragment {
		begin += fragmentHeaderSize
	}
	if !used {
		r.table.work += size
	}
	if _, err := d.normal.element(begin, end, true); err != nil {
		return nil, err
	}
	if used { // for the second time
		e.is = d.templates.of(d.normal.out, outer, &d.compiler)
		return &e.is.program, nil
	}
	r.table.work += max(0, len(d.normal.out)-size)
	is := d.templates.again(d.normal.out, outer, &d.compiler)
	*e = chunkTemplate{chunk: r.table.chunk, at: uint32(at), outer: outer, is: is}
	r.table.count++
	r.table.known = append(r.table.known, definition{id: le32(r.chunk[at+4:]), at: uint32(at)})
	if is == nil {
		return r.once(outer), nil
	}
	return &is.program, nil
}

// once compiles the normal form just made into a program that lasts until the next at this depth of fragments. To keep what is met once
// costs several times as much as to read it: evidence can be made of templates that are each used once.
func (r *runner) once(outer place) *program {
	d := r.d
	for len(r.single) <= r.depth {
		r.single = append(r.single, &program{})
	}
	from := len(d.extra)
	d.extra = append(d.extra, d.normal.out...)
	d.compiler.compile(r.single[r.depth], d.extra[from:], inExtra, from, outer)
	return r.single[r.depth]
}
