package sigma

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// literals finds which of many folded literals occur in a folded text, in one pass.
//
// Of every literal one gram of four bytes (three for the shortest) is chosen, seldom and little used by others. A
// bitmap that fits the first-level cache says at each place of the text whether some literal's gram might stand there;
// only then a table is asked and the literals with that gram are compared. Method: the q-gram filter with
// verification, as in Wu and Manber's multi-pattern search without the shifts.
type literals struct {
	text  []string
	place []uint8 // where it must stand: atStart, atEnd
	first uint32  // number of the first literal
	step  int     // of the text's places every so many are asked about
	four  grams
	three grams
}

// Where there are few literals and no short ones, not one gram of each is chosen but as many in a row as step says, so that one of
// them stands at a place that is a multiple of step. Keywords, which are sought in every field of every event, are of that
// kind: searching for them takes a fifth of the time.
const (
	mostStep        = 8
	mostWhenStepped = 256
)

const (
	atStart uint8 = 1 << iota
	atEnd
)

// minLiteral is the shortest literal that the index holds.
const minLiteral = 3

type grams struct {
	bitmap []uint64
	shift  uint8
	table  []gramSlot // open addressing by hash
	uses   []gramUse
}

// gramSlot is a gram and its uses; without uses it is empty.
type gramSlot struct{ key, from, to uint32 }

type gramUse struct {
	text    string
	literal uint32
	offset  uint32 // of the gram in the literal
}

const gramHash = 0x9E3779B1

// newLiterals indexes literals of at least minLiteral bytes, numbered from first.
func newLiterals(text []string, place []uint8, first int) *literals {
	l := &literals{text: text, place: place, first: uint32(first), step: 1}
	shortest := math.MaxInt
	for _, s := range text {
		shortest = min(shortest, len(s))
	}
	if len(text) <= mostWhenStepped {
		l.step = max(1, min(mostStep, shortest-3))
	}
	four, three := countGrams(text), gramTable{}
	three.grow(len(text))
	at := four.places
	for id, s := range text {
		if len(s) < 4 {
			g := &three.entries[three.entry(uint32(s[0])|uint32(s[1])<<8|uint32(s[2])<<16)]
			g.chosen = append(g.chosen, gramUse{s, uint32(id), 0})
			continue
		}
		places := at[:len(s)-3]
		at = at[len(places):]
		best, bestAt := math.Inf(-1), 0
		for i := range places[l.step-1:] {
			score := math.Inf(1) // of the commonest in a row
			for _, entry := range places[i : i+l.step] {
				g := &four.entries[entry]
				score = min(score, g.bits-1.5*float64(bits.Len(uint(g.uses+8*len(g.chosen)))))
			}
			if score > best {
				best, bestAt = score, i
			}
		}
		for i := bestAt; i < bestAt+l.step; i++ {
			g := &four.entries[places[i]]
			g.chosen = append(g.chosen, gramUse{s, uint32(id), uint32(i)})
		}
	}
	l.four, l.three = four.index(), three.index()
	return l
}

// gramTable gathers grams by open addressing. With Go's map in its place, indexing the literals of all rules took twice as
// long, which was a twentieth of the sweep of 577,000 events.
type gramTable struct {
	entries []gram
	slots   []uint32 // by hash: the entry plus one
	places  []uint32 // entries of all grams of all literals, in their order
}

// gram is a gram of some literals. How seldom it is, is worked out once however many literals have it.
type gram struct {
	key    uint32
	uses   int
	bits   float64
	chosen []gramUse
}

// countGrams gathers the grams of four bytes of the literals that are long enough.
func countGrams(text []string) (t gramTable) {
	n := 0
	for _, s := range text {
		n += max(0, len(s)-3)
	}
	t.grow(n)
	t.places = make([]uint32, 0, n)
	for _, s := range text {
		for at := 0; at+4 <= len(s); at++ {
			i := t.entry(gram4(s, at))
			g := &t.entries[i]
			if g.uses++; g.uses == 1 {
				g.bits = gramRarity(s[at : at+4])
			}
			t.places = append(t.places, i)
		}
	}
	return t
}

// grow makes room for n grams.
func (t *gramTable) grow(n int) { t.slots = make([]uint32, 1<<bits.Len(uint(2*n))) }

// entry gives the number of a key's entry, made when it is new.
func (t *gramTable) entry(key uint32) uint32 {
	mask := uint32(len(t.slots) - 1)
	at := (key * gramHash) >> 7 & mask
	for ; t.slots[at] != 0; at = (at + 1) & mask {
		if i := t.slots[at] - 1; t.entries[i].key == key {
			return i
		}
	}
	t.entries = append(t.entries, gram{key: key})
	t.slots[at] = uint32(len(t.entries))
	return t.slots[at] - 1
}

func gram4(s string, at int) uint32 {
	return uint32(s[at]) | uint32(s[at+1])<<8 | uint32(s[at+2])<<16 | uint32(s[at+3])<<24
}

// index makes the filter and the table of the grams that were chosen.
func (t *gramTable) index() grams {
	chosen := make([]*gram, 0, len(t.entries))
	for i := range t.entries {
		if len(t.entries[i].chosen) > 0 {
			chosen = append(chosen, &t.entries[i])
		}
	}
	if len(chosen) == 0 {
		return grams{}
	}
	slices.SortFunc(chosen, func(a, b *gram) int { return cmp.Compare(a.key, b.key) })
	// One bit in 64 to 128 is set where that takes no more than half of the first-level cache, else one in 24 to 48: in
	// place of one in 24 to 48 everywhere, real text asked the table for every fifteenth place and not for every twentieth.
	logBits := max(9, bits.Len(uint(len(chosen)*24)), min(bits.Len(uint(len(chosen)*64)), 17))
	logSlots := bits.Len(uint(len(chosen) * 2))
	g := grams{bitmap: make([]uint64, 1<<(logBits-6)), shift: uint8(32 - logBits), table: make([]gramSlot, 1<<logSlots)}
	for _, c := range chosen {
		h := c.key * gramHash
		b := h >> g.shift
		g.bitmap[b>>6] |= 1 << (b & 63)
		at := h & uint32(len(g.table)-1)
		for g.table[at].to != 0 {
			at = (at + 1) & uint32(len(g.table)-1)
		}
		from := uint32(len(g.uses))
		g.uses = append(g.uses, c.chosen...)
		g.table[at] = gramSlot{key: c.key, from: from, to: uint32(len(g.uses))}
	}
	return g
}

// find appends the numbers of the literals that occur in the text and are not in seen yet, a bit set that it puts them into.
// Text that says the same literal again and again costs a look at seen and no comparison.
func (l *literals) find(text []byte, seen []uint64, out []uint32) []uint32 {
	switch {
	case len(l.four.bitmap) == 0:
	case l.step > 1:
		g := &l.four
		last := uint32(len(g.bitmap) - 1)
		for at := 0; at+4 <= len(text); at += l.step {
			key := binary.LittleEndian.Uint32(text[at:])
			if b := key * gramHash >> (g.shift & 31); g.bitmap[b>>6&last]>>(b&63)&1 != 0 {
				out = l.verify(g, key, text, at, seen, out)
			}
		}
	default:
		out = l.pass(&l.four, 4, text, seen, out)
	}
	if len(l.three.bitmap) > 0 {
		out = l.pass(&l.three, 3, text, seen, out)
	}
	return out
}

// pass looks for grams of a size. It asks the bitmap about four places at once, so that the processor waits for no answer: most of
// the time there is none of the four, and that is the only branch. With a larger bitmap, seen, and the table's three arrays made
// one, that took the search of PowerShell for all literals from 6.2 to 2.9 ns a byte.
func (l *literals) pass(g *grams, size int, text []byte, seen []uint64, out []uint32) []uint32 {
	bitmap, shift := g.bitmap, g.shift&31
	last := uint32(len(bitmap) - 1)
	mask := uint32(1<<(8*size) - 1)
	at := 0
	var places [64]uint32
	n := 0
	for ; at+8 <= len(text); at += 4 {
		x := binary.LittleEndian.Uint64(text[at:])
		k0, k1, k2, k3 := uint32(x)&mask, uint32(x>>8)&mask, uint32(x>>16)&mask, uint32(x>>24)&mask
		b0, b1, b2, b3 := k0*gramHash>>shift, k1*gramHash>>shift, k2*gramHash>>shift, k3*gramHash>>shift
		m0 := bitmap[b0>>6&last] >> (b0 & 63)
		m1 := bitmap[b1>>6&last] >> (b1 & 63)
		m2 := bitmap[b2>>6&last] >> (b2 & 63)
		m3 := bitmap[b3>>6&last] >> (b3 & 63)
		if (m0|m1|m2|m3)&1 == 0 {
			continue
		}
		places[n&63] = uint32(at)
		n += int(m0 & 1)
		places[n&63] = uint32(at + 1)
		n += int(m1 & 1)
		places[n&63] = uint32(at + 2)
		n += int(m2 & 1)
		places[n&63] = uint32(at + 3)
		n += int(m3 & 1)
		if n > len(places)-4 {
			out = l.verifyAll(g, mask, text, places[:n], seen, out)
			n = 0
		}
	}
	out = l.verifyAll(g, mask, text, places[:n], seen, out)
	for ; at+size <= len(text); at++ {
		key := uint32(text[at]) | uint32(text[at+1])<<8 | uint32(text[at+2])<<16
		if size == 4 {
			key |= uint32(text[at+3]) << 24
		}
		if b := key * gramHash >> shift; bitmap[b>>6&last]>>(b&63)&1 != 0 {
			out = l.verify(g, key, text, at, seen, out)
		}
	}
	return out
}

// verifyAll looks at places that the bitmap let through. Many at once, so that the processor fetches what the next ones need while it compares: in
// a text of nothing but literals that is a quarter of the search.
func (l *literals) verifyAll(g *grams, mask uint32, text []byte, places []uint32, seen []uint64, out []uint32) []uint32 {
	for _, at := range places {
		out = l.verify(g, binary.LittleEndian.Uint32(text[at:])&mask, text, int(at), seen, out)
	}
	return out
}

func (l *literals) verify(g *grams, key uint32, text []byte, at int, seen []uint64, out []uint32) []uint32 {
	last := uint32(len(g.table) - 1)
	slot := key * gramHash & last
	for g.table[slot].key != key {
		if g.table[slot].to == 0 {
			return out
		}
		slot = (slot + 1) & last
	}
	for i := g.table[slot].from; i < g.table[slot].to; i++ {
		u := &g.uses[i]
		id := l.first + u.literal
		if seen[id>>6]>>(id&63)&1 != 0 {
			continue
		}
		start := at - int(u.offset)
		end := start + len(u.text)
		if start < 0 || end > len(text) || string(text[start:end]) != u.text {
			continue
		}
		if p := l.place[u.literal]; p != 0 && (p&atStart != 0 && start != 0 || p&atEnd != 0 && end != len(text)) {
			continue
		}
		seen[id>>6] |= 1 << (id & 63)
		out = append(out, id)
	}
	return out
}

// unsee takes literals out of a bit set.
func unsee(seen []uint64, found []uint32) {
	for _, id := range found {
		seen[id>>6] &^= 1 << (id & 63)
	}
}
