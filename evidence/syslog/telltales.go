package syslog

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/contrail-ir/contrail/evidence/device"
)

// telltales finds the lines of a segment that have a percent sign, a tab, or one of the texts by which devices and daemons are told that do not
// name themselves. It looks at the segment as a whole, ahead of the reader, so that a line without any – nearly all – costs three
// comparisons: to search each line for every such text was a third of reading syslog. It may say so of a line that has none.
type telltales struct {
	data               []byte
	percent, tab, text sought
}

// sought is how far a segment was searched for something.
type sought struct {
	from, to int // what was searched
	next     int // place in it; to when there is none
}

// searchAhead is how much is searched at once, a multiple of a group's four bytes: it stays in the processor's nearest cache until it is read.
const searchAhead = 8 << 10

// segment begins a segment.
func (t *telltales) segment(data []byte) { *t = telltales{data: data} }

// in says whether data[from:to], a line, may have one. Lines are asked about in order; any other order costs a search each.
func (t *telltales) in(from, to int) bool {
	return t.percent.in(from, to, t, nextPercent) || t.tab.in(from, to, t, nextTab) || t.text.in(from, to, t, nextTell)
}

func (a *sought) in(from, to int, t *telltales, next func(text []byte) int) bool {
	if a.from <= from && a.next >= to {
		return false
	}
	return a.search(from, to, t.data, next)
}

func (a *sought) search(from, to int, data []byte, next func(text []byte) int) bool {
	if from < a.from {
		*a = sought{from, from, from}
	}
	for a.next < from || a.next == a.to && a.to < to { // passed by, or not searched as far
		begin := max(from, a.next)
		a.from, a.to = from, min(begin+max(searchAhead, (to-begin+3)&^3), len(data))
		a.next = a.to
		// What begins before the end may end behind it, by less than a group's length.
		if i := next(data[begin:min(a.to+3, len(data))]); i >= 0 {
			a.next = min(begin+i, a.to)
		}
	}
	return a.next < to
}

func nextPercent(text []byte) int { return bytes.IndexByte(text, '%') }
func nextTab(text []byte) int     { return bytes.IndexByte(text, '\t') }

// nextTell gives a place of one of tells, -1 when there is none. Of its seven bytes, four that begin at a multiple of four are one of four groups, so a
// load for each four bytes finds all the texts at once: a tenth of a nanosecond a byte.
func nextTell(text []byte) int {
	at := 0
	for ; at+8 <= len(text); at += 8 {
		w := binary.LittleEndian.Uint64(text[at:])
		lo, hi := uint32(w), uint32(w>>32)
		if tellGroups[group(lo)] == lo || tellGroups[group(hi)] == hi {
			break
		}
	}
	for ; at+4 <= len(text); at += 4 {
		if w := binary.LittleEndian.Uint32(text[at:]); tellGroups[group(w)] == w {
			return at
		}
	}
	return -1
}

// guacamoleTell is how Guacamole shortens the names of its Java packages.
const guacamoleTell = " o.a.g."

// tells are stretches of seven bytes, rare in other messages, of the texts that are sought.
var tells = map[string]string{
	guacamoleTell: guacamoleTell, "missing MD5 digest": "g MD5 d", "tcp_auth_ok:": "uth_ok:", "failed to unmarshal session(": "nmarsha", "/opt/panlogs/": "/panlog",
}

// tellGroups holds the groups of four bytes of tells by their hash.
var tellGroups = func() (groups [1 << 10]uint32) {
	groups[group(0)] = 1 // no group is nothing
	for _, text := range append([]string{guacamoleTell}, device.Telltales...) {
		rare := tells[text]
		if len(rare) != 7 || !bytes.Contains([]byte(text), []byte(rare)) {
			panic(fmt.Sprintf("syslog: %q has no stretch that tells it", text))
		}
		for i := range 4 {
			w := binary.LittleEndian.Uint32([]byte(rare[i:]))
			if g := &groups[group(w)]; *g == 0 || *g == w {
				*g = w
			} else {
				panic(fmt.Sprintf("syslog: the group %q has another's place", rare[i:i+4]))
			}
		}
	}
	return groups
}()

func group(w uint32) uint32 { return w * 0x9e3779b1 >> 22 }
