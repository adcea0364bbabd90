package ioc

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// salt keeps keys of different meaning apart.
type salt uint64

const (
	saltAddress salt = iota + 1 // address and prefix length
	saltDomain
	saltURL // host, path and query
	saltHash
	saltEmail
	saltFileName
	saltTail  // the last two labels of a host's name: one question rules out all its parents
	saltHost  // the host of a URL
	saltPiece // a word of a literal
)

func hashOf(s salt, b []byte) uint64 { return xxh3.HashSeed(b, uint64(s)) }

// rung is how many bytes of a URL are climbed at once.
const rung = 32

// ladder walks along a URL rung by rung, as long as some indicator begins with the same rungs: the filter holds the hash of every rung
// with those below it. A hash is made from the one of the rung below, so each prefix of a URL is hashed at the cost of its last rung.
type ladder struct {
	sieve  *filter
	url    []byte
	at     int    // bytes climbed
	h      uint64 // of the rungs climbed
	below  uint64 // and without the last
	broken bool   // no indicator begins with the last rung
}

const saltEnd = 0x9e3779b97f4a7c15 // what ends a URL is no rung

// climb goes up what was added to the URL. It says whether the URL or what is left of it without the punctuation behind can still be found.
func (l *ladder) climb() bool {
	for !l.broken && len(l.url)-l.at >= rung {
		l.below, l.h = l.h, xxh3.HashSeed(l.url[l.at:l.at+rung], l.h^uint64(saltURL))
		l.at += rung
		l.broken = !l.sieve.has(l.h)
	}
	return !l.broken || len(l.url) < l.at+maxEnds
}

// hash gives the hash of the first n bytes, of which no more than the last rung's may be missing.
func (l *ladder) hash(n int) uint64 {
	if n >= l.at {
		return xxh3.HashSeed(l.url[l.at:n], l.h^saltEnd)
	}
	return xxh3.HashSeed(l.url[l.at-rung:n], l.below^saltEnd)
}

// urlHash gives the hash under which a URL stands in the table, and calls climbed for the rungs below it.
func urlHash(url []byte, climbed func(h uint64)) uint64 {
	var h uint64
	for ; len(url) >= rung; url = url[rung:] {
		h = xxh3.HashSeed(url[:rung], h^uint64(saltURL))
		climbed(h)
	}
	return xxh3.HashSeed(url, h^saltEnd)
}

// filter says quickly that a key is not there. It is a Bloom filter whose bits for a key lie in one cache line (Putze, Sanders and
// Singler, 2007): 16 bits a key, one wrong answer in about 600.
type filter struct {
	blocks [][8]uint64
}

func newFilter(keys int) filter {
	return filter{make([][8]uint64, max(1, keys*16/512+1))}
}

func (f *filter) at(h uint64) *[8]uint64 {
	hi, _ := bits.Mul64(h, uint64(len(f.blocks)))
	return &f.blocks[hi]
}

func (f *filter) add(h uint64) {
	b := f.at(h)
	for range 6 {
		b[h>>6&7] |= 1 << (h & 63)
		h = h>>9 | h<<55
	}
}

func (f *filter) has(h uint64) bool {
	b := f.at(h)
	for range 6 {
		if b[h>>6&7]&(1<<(h&63)) == 0 {
			return false
		}
		h = h>>9 | h<<55
	}
	return true
}

// table finds numbers by hash: open addressing with linear probing. A slot keeps a part of the hash beside the number, so that the
// thing itself is looked at only when it is almost certainly the one.
type table struct {
	slots []slot
	used  int
}

type slot struct {
	mark uint32
	id   uint32 // number + 1; 0 for empty
}

func newTable(keys int) table {
	size := 16
	for size*3 < keys*4 {
		size *= 2
	}
	return table{slots: make([]slot, size)}
}

// find calls same for the numbers under the hash until it says yes; -1 when it never does.
func (t *table) find(h uint64, same func(id int) bool) int {
	mask := uint64(len(t.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		s := t.slots[at]
		if s.id == 0 {
			return -1
		}
		if s.mark == uint32(h>>32) && same(int(s.id-1)) {
			return int(s.id - 1)
		}
	}
}

func (t *table) add(h uint64, id int) {
	if (t.used+1)*4 > len(t.slots)*3 {
		t.grow()
	}
	t.put(h, slot{uint32(h >> 32), uint32(id + 1)})
	t.used++
}

func (t *table) put(h uint64, s slot) {
	mask := uint64(len(t.slots) - 1)
	at := h & mask
	for t.slots[at].id != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = s
}

// grow is never needed by a table that was made for its keys; places cannot be found again from marks alone, so it fails loudly.
func (t *table) grow() { panic("ioc: table is full") }
