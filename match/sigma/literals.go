package sigma

import (
	"cmp"
	"encoding/binary"
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
	four  grams
	three grams
}

const (
	atStart uint8 = 1 << iota
	atEnd
)

// minLiteral is the shortest literal that the index holds.
const minLiteral = 3

type grams struct {
	bitmap []uint64
	shift  uint8
	keys   []uint32 // open addressing by hash; empty where from equals to
	from   []uint32
	to     []uint32
	uses   []gramUse
	mask   uint32
}

type gramUse struct {
	literal uint32
	offset  uint32
}

const gramHash = 0x9E3779B1

// newLiterals indexes literals of at least minLiteral bytes.
func newLiterals(text []string, place []uint8) *literals {
	l := &literals{text: text, place: place}
	four, three := countGrams(text), gramTable{}
	three.grow(len(text))
	at := four.places
	for id, s := range text {
		if len(s) < 4 {
			g := &three.entries[three.entry(uint32(s[0])|uint32(s[1])<<8|uint32(s[2])<<16)]
			g.chosen = append(g.chosen, gramUse{uint32(id), 0})
			continue
		}
		places := at[:len(s)-3]
		at = at[len(places):]
		best, bestAt := -1e9, 0
		for i, entry := range places {
			g := &four.entries[entry]
			score := g.bits - 1.5*float64(bits.Len(uint(g.uses+8*len(g.chosen))))
			if score > best {
				best, bestAt = score, i
			}
		}
		g := &four.entries[places[bestAt]]
		g.chosen = append(g.chosen, gramUse{uint32(id), uint32(bestAt)})
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
				g.bits = rarity(s[at : at+4])
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
	logBits := max(9, bits.Len(uint(len(chosen)*24))) // one bit in 24 to 48 is set
	logSlots := bits.Len(uint(len(chosen) * 2))
	g := grams{
		bitmap: make([]uint64, 1<<(logBits-6)), shift: uint8(32 - logBits), mask: 1<<logSlots - 1,
		keys: make([]uint32, 1<<logSlots), from: make([]uint32, 1<<logSlots), to: make([]uint32, 1<<logSlots),
	}
	for _, c := range chosen {
		h := c.key * gramHash
		b := h >> g.shift
		g.bitmap[b>>6] |= 1 << (b & 63)
		at := h & g.mask
		for g.from[at] != g.to[at] {
			at = (at + 1) & g.mask
		}
		g.keys[at] = c.key
		g.from[at] = uint32(len(g.uses))
		g.uses = append(g.uses, c.chosen...)
		g.to[at] = uint32(len(g.uses))
	}
	return g
}

// find appends the literals that occur in the text; one that occurs twice may be there twice.
func (l *literals) find(text []byte, out []uint32) []uint32 {
	if bitmap := l.four.bitmap; len(bitmap) > 0 {
		shift := l.four.shift & 31
		for at := 0; at+4 <= len(text); at++ {
			key := binary.LittleEndian.Uint32(text[at:])
			b := key * gramHash >> shift
			if w := int(b >> 6); w < len(bitmap) && bitmap[w]>>(b&63)&1 != 0 {
				out = l.verify(&l.four, key, text, at, out)
			}
		}
	}
	if bitmap := l.three.bitmap; len(bitmap) > 0 {
		shift := l.three.shift & 31
		for at := 0; at+3 <= len(text); at++ {
			key := uint32(text[at]) | uint32(text[at+1])<<8 | uint32(text[at+2])<<16
			b := key * gramHash >> shift
			if w := int(b >> 6); w < len(bitmap) && bitmap[w]>>(b&63)&1 != 0 {
				out = l.verify(&l.three, key, text, at, out)
			}
		}
	}
	return out
}

func (l *literals) verify(g *grams, key uint32, text []byte, at int, out []uint32) []uint32 {
	slot := key * gramHash & g.mask
	for ; g.from[slot] != g.to[slot]; slot = (slot + 1) & g.mask {
		if g.keys[slot] != key {
			continue
		}
		for _, u := range g.uses[g.from[slot]:g.to[slot]] {
			s := l.text[u.literal]
			start := at - int(u.offset)
			end := start + len(s)
			if start < 0 || end > len(text) || string(text[start:end]) != s {
				continue
			}
			if p := l.place[u.literal]; p != 0 && (p&atStart != 0 && start != 0 || p&atEnd != 0 && end != len(text)) {
				continue
			}
			out = append(out, u.literal)
		}
		break
	}
	return out
}
