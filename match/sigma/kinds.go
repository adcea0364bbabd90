package sigma

import (
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// kindSet is a set of kinds of values, a bit each.
type kindSet uint32

const everyKind kindSet = 1<<(event.Bytes+1) - 1

func (s kindSet) has(k event.Kind) bool { return s>>k&1 != 0 }

// alphabets are the characters that the folded canonical text of a value has, by its kind. Kinds that are not here can have
// any. GUIDs and SIDs of the wrong length are written as bytes.
var alphabets = map[event.Kind]string{
	event.Int:   "-0123456789",
	event.Uint:  "0123456789",
	event.Hex32: "0123456789abcdefx",
	event.Hex64: "0123456789abcdefx",
	event.Float: "0123456789.e+-naif",
	event.Bool:  "truefals",
	event.Time:  "0123456789-:.tz",
	event.GUID:  "0123456789abcdef{}-",
	event.SID:   "0123456789abcdefs-",
	event.IP:    "0123456789abcdef.:",
	event.Bytes: "0123456789abcdef",
}

// kindsWith gives the kinds whose values can hold a folded literal. Keywords are sought in every field of an event, and most of
// these fields are numbers, times and GUIDs, in which no "mimikatz" can be: not decoding them, nor rendering and searching
// them, took two fifths off the time of a sweep.
func kindsWith(literal string) (set kindSet) {
	set = everyKind
	for k, alphabet := range alphabets {
		if strings.Trim(literal, alphabet) != "" {
			set &^= 1 << k
		}
	}
	return set
}

// kinds gives the kinds of values for which an atom can hold.
func (a *atom) kinds() (set kindSet) {
	if a.present || a.null || a.absent {
		return everyKind
	}
	for i := range a.tests {
		set |= a.tests[i].kinds()
	}
	return set | 1<<event.Text
}

func (t *test) kinds() (set kindSet) {
	switch t.kind {
	case testEqual, testPrefix, testSuffix, testContains:
		return kindsWith(foldString(t.text))
	case testGlob, testRegexp:
		if len(t.needles) == 0 {
			return everyKind
		}
		for _, n := range t.needles {
			set |= kindsWith(n)
		}
		return set
	}
	return everyKind
}
