package ioc

import (
	"bytes"
	"encoding/binary"
)

// literals finds literals in a text. Most of what reports give as expressions has a backslash: a text without one is searched for the
// others only.
type literals struct {
	all          []literal
	plain, paths wordIndex // of those that a text without a backslash can hold, and of all
}

// wordIndex finds literals by one word of each, or by three or four bytes of it when no word of it is whole.
type wordIndex struct {
	words map[uint64][]posting // by hash of the word
	sieve [1 << 13]uint64      // of the words' hashes
	heads [1 << 10]uint64      // sieve of the words' first bytes with their lengths
	least int                  // length of the shortest word
	grams map[uint32][]posting // by four bytes
	short map[uint32][]posting // by three, for literals that have no more
	gram  [1 << 9]uint64       // sieve of the first three bytes of both
	four  [1 << 8]uint64       // and of the four
}

type posting struct{ literal, offset int32 }

func newLiterals(all []literal) *literals {
	x := &literals{all: all}
	slots := 0
	for i := range all {
		if all[i].pattern != nil && all[i].exact == nil {
			if i == 0 || all[i-1].pattern != all[i].pattern {
				slots++
			}
			all[i].slot = slots - 1
		}
	}
	x.plain.fill(all, func(l *literal) bool { return !l.path && !bytes.ContainsRune(l.text, '\\') })
	x.paths.fill(all, func(*literal) bool { return true })
	return x
}

// fill indexes the literals that are taken.
func (x *wordIndex) fill(all []literal, takes func(*literal) bool) {
	*x = wordIndex{words: map[uint64][]posting{}, grams: map[uint32][]posting{}, short: map[uint32][]posting{}, least: maxPiece + 1}
	common := map[string]int{} // in how many literals a word stands
	crowd := map[uint32]int{}  // and how many have four bytes
	for i := range all {
		if !takes(&all[i]) {
			continue
		}
		for p := range all[i].pieces {
			common[string(all[i].text[p.from:p.to])]++
		}
		for at := 0; at+4 <= len(all[i].text); at++ {
			crowd[gramAt(all[i].text, at)]++
		}
	}
	for i := range all {
		l := &all[i]
		if !takes(l) {
			continue
		}
		best, found := piece{}, false
		for p := range l.pieces {
			c, b := common[string(l.text[p.from:p.to])], common[string(l.text[best.from:best.to])]
			if !found || c < b || c == b && p.to-p.from > best.to-best.from {
				best, found = p, true
			}
		}
		switch {
		case found:
			w := l.text[best.from:best.to]
			h := hashOf(saltPiece, w)
			x.words[h] = append(x.words[h], posting{int32(i), int32(best.from)})
			x.sieve[h>>6&(1<<13-1)] |= 1 << (h & 63)
			b := headBit(w)
			x.heads[b>>6] |= 1 << (b & 63)
			x.least = min(x.least, len(w))
		case len(l.text) >= 4:
			at := 0
			for i := 1; i+4 <= len(l.text); i++ {
				if crowd[gramAt(l.text, i)] <= crowd[gramAt(l.text, at)] {
					at = i
				}
			}
			g := gramAt(l.text, at)
			x.grams[g] = append(x.grams[g], posting{int32(i), int32(at)})
			b := fourBit(g)
			x.four[b>>6] |= 1 << (b & 63)
			x.noteGram(g)
		case len(l.text) == 3:
			g := gramOf3(l.text)
			x.short[g] = append(x.short[g], posting{int32(i), 0})
			x.noteGram(g)
		}
	}
}

func (x *wordIndex) noteGram(g uint32) {
	b := gramBit(g)
	x.gram[b>>6] |= 1 << (b & 63)
}

func gramAt(text []byte, at int) uint32 { return binary.LittleEndian.Uint32(text[at:]) }

func gramOf3(text []byte) uint32 {
	return uint32(lower[text[0]]) | uint32(lower[text[1]])<<8 | uint32(lower[text[2]])<<16
}

// caseless sets the bit that tells letters of either case apart. Other bytes change too, in what is sought and in what is searched.
const caseless = 0x20202020

// gramBit gives a bit for three bytes whatever their case, the fourth does not count; fourBit gives one for four.
func gramBit(g uint32) uint32 { return (g | caseless) << 8 * 0x9e3779b1 >> 17 }
func fourBit(g uint32) uint32 { return (g | caseless) * 0x85ebca6b >> 18 }

// headBit gives a bit for the first bytes of a word and its length, whatever its case.
func headBit(w []byte) uint32 {
	var g uint32
	if len(w) >= 4 {
		g = gramAt(w, 0)
	} else {
		for i, c := range w {
			g |= uint32(c) << (8 * i)
		}
	}
	return ((g|caseless)*0x9e3779b1 ^ uint32(len(w))*0x85ebca6b) >> 16
}

// literals finds the literals and patterns.
func (f *finder) literals(text []byte) {
	x := &f.set.text.plain
	if f.path = bytes.IndexByte(text, '\\') >= 0; f.path {
		x = &f.set.text.paths
	}
	if len(x.words) > 0 {
		f.words(x, text)
	}
	if len(x.grams) > 0 || len(x.short) > 0 {
		f.grams(x, text)
	}
}

// words looks up the literals that have a whole word.
func (f *finder) words(x *wordIndex, text []byte) {
	for i := 0; i < len(text); {
		if class[text[i]] != word {
			i++
			continue
		}
		from := i
		for i++; i < len(text) && class[text[i]] == word; {
			i++
		}
		if n := i - from; n < x.least || n > maxPiece {
			continue
		}
		if b := headBit(text[from:i]); x.heads[b>>6]&(1<<(b&63)) == 0 {
			continue
		}
		h := hashOf(saltPiece, f.lower(text[from:i]))
		if x.sieve[h>>6&(1<<13-1)]&(1<<(h&63)) == 0 {
			continue
		}
		for _, p := range x.words[h] {
			f.literal(text, from, p)
		}
	}
}

// grams finds the literals without a whole word. Eight bytes are read for six places, and one bit rules most of these out: it is what
// every byte of every record costs where reports give expressions.
func (f *finder) grams(x *wordIndex, text []byte) {
	i := 0
	for ; i+9 <= len(text); i += 6 {
		w := binary.LittleEndian.Uint64(text[i:])
		for k := range 6 {
			if b := gramBit(uint32(w >> (8 * k))); x.gram[b>>6]&(1<<(b&63)) != 0 {
				f.gramsAt(x, text, i+k)
			}
		}
	}
	for ; i+4 <= len(text); i++ {
		f.gramsAt(x, text, i)
	}
	if n := len(text); n >= 3 {
		f.gram(text, n-3, x.short[gramOf3(text[n-3:])])
	}
}

// gramsAt finds those whose four or three bytes stand at a place with four bytes. The four rule out what only begins like one.
func (f *finder) gramsAt(x *wordIndex, text []byte, at int) {
	f.gram(text, at, x.short[gramOf3(text[at:])])
	if b := fourBit(gramAt(text, at)); x.four[b>>6]&(1<<(b&63)) != 0 {
		f.gram(text, at, x.grams[lowerGram(text[at:])])
	}
}

// lowerGram gives four bytes in lower case.
func lowerGram(text []byte) uint32 { return gramOf3(text) | uint32(lower[text[3]])<<24 }

func (f *finder) gram(text []byte, at int, ps []posting) {
	for _, p := range ps {
		f.literal(text, at, p)
	}
}

// literal verifies a literal whose witness was found.
func (f *finder) literal(text []byte, at int, p posting) {
	l := &f.set.text.all[p.literal]
	if l.path && !f.path {
		return
	}
	begin := at - int(p.offset)
	end := begin + len(l.text)
	if begin < 0 || end > len(text) {
		return
	}
	for i, c := range text[begin:end] {
		if lower[c] != l.text[i] {
			return
		}
	}
	switch {
	case l.pattern == nil:
		if !f.made {
			f.all, f.made = appendLower(f.all[:0], text), true
		}
		if l.stands(f.all, begin, f.loose) {
			f.hit(l.id)
		}
	case l.exact != nil:
		if bytes.Equal(text[begin:end], l.exact) {
			f.hit(l.id)
		}
	case f.loose && (l.anchored || len(text) > 2*maxSpan): // where a value begins and ends is not known
		f.hit(l.id)
	default:
		if f.try(l, text, begin, end) {
			f.hit(l.id)
		}
	}
}
