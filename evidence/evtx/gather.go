package evtx

import "slices"

// group collects the rows of one source: the first step, which notes where each value lies.
type group struct {
	source      *source
	recovered   bool
	listed      bool // in Decoder.order
	columns     []gathered
	used        int // columns with a cell
	values      int // noted
	elements    int // of arrays among them
	bytes       int // of the values noted
	rows        int
	time        []int64
	offset      []uint64
	record      []uint64
	host        []cell
	usedColumns []int32
}

// gathered holds the cells of one column, one per row from the first that has a value to the last; the others are absent.
type gathered struct {
	cells []cell
	first int32  // row of the first cell
	met   uint16 // place and type of the value set last
	lists bool   // some cells are lists
	types types  // of all values
}

// plan says which fields of a program go to which column of a source.
type plan struct {
	ops     []op
	version int // of the source's columns
}

// op is one field to be gathered: a single part, or several to be put together.
type op struct {
	field  *field
	part   part
	column int32 // -1: nobody wants the value, but binary XML in it
	plain  bool  // a single part that is wanted
}

// fewRuns is how often a program is run, and a source met, before plans are kept for them: evidence can be made of templates and sources
// that come once or twice.
const fewRuns = 4

// planOf gives the plan of a program for a source. It is good until the runner reads another fragment at this depth.
func (r *runner) planOf(p *program, s *source) *plan {
	if p.lastSrc == s && p.lastPlan.version == s.version {
		return p.lastPlan
	}
	if !p.cached || p.runs < fewRuns || s.runs < fewRuns {
		p.runs++
		s.runs++
		for len(r.plans) <= r.depth {
			r.plans = append(r.plans, &plan{})
		}
		pl := r.plans[r.depth]
		pl.of(p, s)
		return pl
	}
	if p.plans == nil && p.lastSrc != nil { // few templates are used by several sources
		p.plans = map[*source]*plan{p.lastSrc: p.lastPlan}
	}
	pl := p.plans[s]
	if pl == nil || pl.version != s.version {
		pl = &plan{ops: make([]op, 0, len(p.fields))}
		pl.of(p, s)
		if p.plans != nil {
			p.plans[s] = pl
		}
	}
	p.lastSrc, p.lastPlan = s, pl
	return pl
}

// of makes the plan one of a program for a source.
func (pl *plan) of(p *program, s *source) {
	pl.ops = pl.ops[:0]
	for i := range p.fields {
		f := &p.fields[i]
		o := op{field: f, column: s.column(f.name)}
		nests := false
		for _, x := range p.parts[f.from:f.to] {
			nests = nests || x.slot >= 0 && p.nesting(x.slot)
		}
		if o.column < 0 && (!nests || s.want.Nothing()) {
			continue
		}
		if f.to-f.from == 1 {
			o.part = p.parts[f.from]
			o.plain = o.column >= 0
		}
		pl.ops = append(pl.ops, o)
	}
	pl.version = s.version
}

func (p *program) nesting(slot int32) bool {
	for _, s := range p.nests {
		if int32(s) == slot {
			return true
		}
	}
	return false
}

// sparse says whether the rows have so little in common that there is a column for hardly anything. Values have names of their own
// only in evidence that is made to have them.
func (g *group) sparse() bool {
	cells := g.rows * g.used
	return cells > fewGroupCells && cells > cellsPerValue*g.values
}

// begin adds a row.
func (g *group) begin(ns int64, offset, record uint64, host cell) {
	g.rows++
	g.time = append(g.time, ns)
	g.offset = append(g.offset, offset)
	g.record = append(g.record, record)
	g.host = append(g.host, host)
}

// set gives the row begun last a value; given again, the value is a list. Where only text is wanted, other values are left out.
func (d *Decoder) set(g *group, column int32, v cell) {
	if g.source.text[column] && !v.textual() {
		return
	}
	if cap(g.columns) == 0 {
		g.columns = make([]gathered, 0, len(g.source.fields))
	}
	for int(column) >= len(g.columns) {
		if n := len(g.columns); n < cap(g.columns) {
			g.columns = g.columns[:n+1] // with the memory of one that was forgotten
		} else {
			g.columns = append(g.columns, gathered{})
		}
	}
	if g.values++; v.typ()&typeArray != 0 {
		g.elements += elements(v)
	}
	c := &g.columns[column]
	if met := uint16(v >> 48); met != c.met {
		c.met = met
		c.types.add(v)
	}
	n := len(c.cells)
	if n == 0 {
		g.used++
		c.first = int32(g.rows - 1)
	}
	switch at := g.rows - 1 - int(c.first); {
	case n == at:
		c.cells = append(c.cells, v)
	case n > at:
		c.cells[at] = d.join(c.cells[at], v)
		c.lists = true
	default:
		c.cells = slices.Grow(c.cells, at+1-n)[:at+1]
		clear(c.cells[n:at])
		c.cells[at] = v
	}
}

// join appends a value to a value or a list.
func (d *Decoder) join(list, v cell) cell {
	if len(d.nodes) == 0 {
		d.nodes = append(d.nodes, node{}) // 0 is the end
	}
	if list.place() != inList {
		at := uint32(len(d.nodes))
		d.nodes = append(d.nodes, node{value: list, tail: at})
		list = makeCell(inList, typeNull, int(at), 0)
	}
	at := uint32(len(d.nodes))
	d.nodes = append(d.nodes, node{value: v})
	first := &d.nodes[list.at()]
	d.nodes[first.tail].next = at
	first.tail = at
	return list
}

// reset forgets the rows and keeps the memory.
func (g *group) reset() {
	for i := range g.columns {
		g.columns[i] = gathered{cells: g.columns[i].cells[:0]}
	}
	g.used, g.values, g.elements, g.rows, g.bytes = 0, 0, 0, 0, 0
	g.time, g.offset, g.record, g.host = g.time[:0], g.offset[:0], g.record[:0], g.host[:0]
}

// held gives the bytes that the group keeps.
func (g *group) held() int {
	n := 8*(cap(g.time)+cap(g.offset)+cap(g.record)+cap(g.host)) + 40*cap(g.columns)
	for _, c := range g.columns[:cap(g.columns)] {
		n += 8 * cap(c.cells)
	}
	return n
}
