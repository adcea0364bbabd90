package sigma

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/contrail-ir/contrail/event"
)

// rowMemory is what a scanner keeps of whole rows: which rules hit them. The answer of a row depends on nothing but the values of the
// columns that its candidate rules ask for, so a row is known again by these values: numbers as they are, text by the numbers under
// which the memory knows it. All of them are compared, never a hash alone.
//
// Rows with a value that is not known from earlier batches are passed by, and so are all rows of a kind of source whose rows do not
// come again (see attention). What is kept is bounded as in memory.
type rowMemory struct {
	entries []rememberedRow // open addressing; a power of two
	used    int
	keys    []uint64
	hits    []event.RuleIndex
	layouts map[string]uint64
	last    uint64 // number given to a layout: none is given twice

	crowding
}

// Bounds: with what is reserved less than 8 MiB for each goroutine.
const (
	leastRows  = 1 << 10
	mostRows   = 1 << 15
	mostKeys   = 1 << 18
	mostHits   = 1 << 17
	mostLayout = 1 << 10
	mostProbes = 16 // rows made to fall on one place cost no more than that
)

type rememberedRow struct {
	hash       uint64 // 0 for an empty place
	key, size  uint32
	hit, count uint32
}

// asksAll is the bit of rules that may ask any column: those with keywords, and those that ask for a field whose number has no bit.
const asksAll = 1 << 63

// asked gives the slots that a node asks for, a bit each.
func (p *program) asked(at int32) (slots uint64) {
	bit := func(slot int32) uint64 {
		if slot < 0 || slot >= 63 {
			return asksAll
		}
		return 1 << slot
	}
	n := &p.nodes[at]
	switch n.op {
	case exprAtom:
		return bit(p.predicates[n.predicate].slot)
	case exprField:
		return bit(n.left) | bit(n.right)
	}
	for _, a := range n.args {
		slots |= p.asked(a)
	}
	return slots
}

// rowKey leaves in s.key what the answer of a row depends on, when rules are tried on it that ask for these slots. It says false
// when some value is not known from earlier batches.
func (s *scanner) rowKey(asks uint64, row int) bool {
	all := asks&asksAll != 0
	if all && len(s.batch.Cols) > 64 {
		return false
	}
	s.key = append(s.key[:0], s.layout(all), asks, 0, 0)
	if all {
		for at := range s.batch.Cols {
			if !s.addToKey(at, 1<<at, row) {
				return false
			}
		}
		return true
	}
	for ; asks != 0; asks &= asks - 1 {
		slot := bits.TrailingZeros64(asks)
		if at := s.binding.columns[slot]; at >= 0 && !s.addToKey(int(at), 1<<slot, row) {
			return false
		}
	}
	return true
}

// addToKey puts one column of a row into the key. Words 2 and 3 say where it is null or absent.
func (s *scanner) addToKey(at int, bit uint64, row int) bool {
	column := s.batch.Cols[at]
	if column == nil {
		return true // the layout says so
	}
	if column.List != nil {
		codes := column.At(row)
		s.key = append(s.key, uint64(len(codes)))
		for _, code := range codes {
			n, ok := s.identity(at, column, code)
			if !ok {
				return false
			}
			s.key = append(s.key, uint64(min(code, event.ValueCode(0))), n)
		}
		return true
	}
	if column.Const {
		row = 0
	}
	switch code := column.Codes[row]; code {
	case event.Null:
		s.key[2] |= bit
	case event.Absent:
		s.key[3] |= bit
	default:
		n, ok := s.identity(at, column, code)
		s.key = append(s.key, n)
		return ok
	}
	return true
}

// identity gives a number that no other value of the same kind has in the column's field, whatever the batch.
func (s *scanner) identity(at int, column *event.Column, code event.Code) (uint64, bool) {
	v, ok := code.Value()
	switch {
	case !ok:
		return 0, true
	case column.Dict.Kind.Numeric():
		return column.Dict.Nums[v], true
	}
	c := s.column(at)
	n := s.number(c, v)
	return n, n < c.first
}

// layout numbers what the words of a key stand for: the program, and of each of its slots – of each column, for rules that ask all –
// whether there is one, of what kind, and whether of lists.
func (s *scanner) layout(all bool) uint64 {
	which := 0
	if all {
		which = 1
	}
	if known := s.layouts[which]; known != 0 {
		return known
	}
	kind := func(to []byte, at int32) []byte {
		if at < 0 || s.batch.Cols[at] == nil {
			return append(to, 0)
		}
		shape := 1 + byte(s.batch.Cols[at].Dict.Kind)
		if s.batch.Cols[at].List != nil {
			shape |= 0x80
		}
		return append(to, shape)
	}
	text := binary.LittleEndian.AppendUint32(append(s.layoutText[:0], byte(which)), s.binding.fields.first)
	if all {
		for at := range s.batch.Cols {
			text = binary.LittleEndian.AppendUint32(text, uint32(s.binding.slots[at]))
			text = kind(text, int32(at))
		}
	} else {
		for _, at := range s.binding.columns {
			text = kind(text, at)
		}
	}
	s.layoutText = text
	m := &s.rows
	number, ok := m.layouts[string(text)]
	if !ok {
		if m.layouts == nil || len(m.layouts) >= mostLayout {
			m.forget() // it knows rows by these numbers
			m.layouts = map[string]uint64{}
		}
		m.last++
		number = m.last
		m.layouts[string(text)] = number
	}
	s.layouts[which] = number
	return number
}

func hashOfRow(key []uint64) uint64 {
	h := uint64(len(key))
	for _, w := range key {
		h = (h ^ w) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h | 1<<63 // never that of an empty place
}

// find gives the entry of a row, nil when it is not known.
func (m *rowMemory) find(key []uint64, hash uint64) *rememberedRow {
	if m.used == 0 {
		return nil
	}
	if m.full && m.worn() {
		m.forget()
	}
	mask := uint64(len(m.entries) - 1)
	for i := range uint64(mostProbes) {
		e := &m.entries[(hash+i)&mask]
		if e.hash == 0 {
			return nil
		}
		if e.hash == hash && slices.Equal(m.keys[e.key:e.key+e.size], key) {
			m.known++
			return e
		}
	}
	return nil
}

// add keeps a row that is not there yet.
func (m *rowMemory) add(key []uint64, hash uint64, hits []event.RuleIndex) {
	if len(m.keys)+len(key) > mostKeys || len(m.hits)+len(hits) > mostHits || 2*m.used >= mostRows {
		m.fill()
		return
	}
	if 2*m.used >= len(m.entries) {
		old := m.entries
		m.entries = make([]rememberedRow, max(leastRows, 2*len(old)))
		for _, e := range old {
			if e.hash != 0 {
				m.put(e)
			}
		}
	}
	e := rememberedRow{hash: hash, key: uint32(len(m.keys)), size: uint32(len(key)), hit: uint32(len(m.hits)), count: uint32(len(hits))}
	if m.put(e) {
		m.keys = append(m.keys, key...)
		m.hits = append(m.hits, hits...)
		m.used++
	}
}

// put says whether there was a place.
func (m *rowMemory) put(e rememberedRow) bool {
	mask := uint64(len(m.entries) - 1)
	for i := range uint64(mostProbes) {
		if at := &m.entries[(e.hash+i)&mask]; at.hash == 0 {
			*at = e
			return true
		}
	}
	return false
}

// forget gives up everything but the table's memory.
func (m *rowMemory) forget() {
	clear(m.entries)
	m.used, m.keys, m.hits, m.full = 0, m.keys[:0], m.hits[:0], false
}
