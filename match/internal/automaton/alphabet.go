package automaton

import (
	"encoding/binary"
	"slices"
	"sync"
	"unicode/utf8"
)

// alphabet gives every character a code of one byte: ASCII as it is, and the others one for all that no expression tells apart.
// Decoding them was 6 to 8 ns a character for each expression, so that a text beyond ASCII with what 17 expressions require cost 20
// times as much as an ordinary one.
type alphabet struct {
	bounds []rune // where ranges of characters begin, from the first that is not ASCII on
	codes  []byte // by bound
	sample []rune // by code, less 128: a character
	broken byte   // the code of bytes that are no text
	short  []byte // of characters of two bytes, less the first of them; only of groups
}

// newAlphabet gives the alphabet of the characters that some expressions tell apart, and says whether there are codes enough.
func newAlphabet(of []*Automaton) (l alphabet, ok bool) {
	l.bounds = []rune{utf8.RuneSelf}
	for _, a := range of {
		for _, r := range a.bounds {
			if r > utf8.RuneSelf {
				l.bounds = append(l.bounds, r)
			}
		}
	}
	slices.Sort(l.bounds)
	l.bounds = slices.Compact(l.bounds)
	known := map[string]byte{}
	for _, r := range l.bounds {
		var told []byte
		for _, a := range of {
			told = append(told, a.classOf(r))
		}
		code, ok := known[string(told)]
		if !ok {
			if len(l.sample) == 256-utf8.RuneSelf {
				return alphabet{}, false
			}
			code = byte(utf8.RuneSelf + len(l.sample))
			known[string(told)] = code
			l.sample = append(l.sample, r)
		}
		l.codes = append(l.codes, code)
	}
	l.broken = l.codeOf(utf8.RuneError)
	return l, true
}

// codeOf gives the code of a character that is not ASCII.
func (l *alphabet) codeOf(r rune) byte {
	lo, hi := 0, len(l.bounds)
	for hi-lo > 1 {
		if mid := int(uint(lo+hi) >> 1); l.bounds[mid] <= r {
			lo = mid
		} else {
			hi = mid
		}
	}
	return l.codes[lo]
}

// spell appends the codes of a text.
func (l *alphabet) spell(dst, text []byte) []byte {
	dst = slices.Grow(dst, len(text))
	for {
		n := asciiAt(text)
		dst, text = append(dst, text[:n]...), text[n:]
		if len(text) == 0 {
			return dst
		}
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		switch at := int(r) - utf8.RuneSelf; {
		case r == utf8.RuneError:
			dst = append(dst, l.broken)
		case at < len(l.short):
			dst = append(dst, l.short[at])
		default:
			dst = append(dst, l.codeOf(r))
		}
	}
}

// spelledBy gives the classes of an alphabet's codes.
func (a *Automaton) spelledBy(l *alphabet) *[256]uint8 {
	var classes [256]uint8
	for c := range utf8.RuneSelf {
		classes[c] = a.classOf(rune(c))
	}
	for i, r := range l.sample {
		classes[utf8.RuneSelf+i] = a.classOf(r)
	}
	return &classes
}

// spellings are codes of texts that one expression alone is asked about.
var spellings = sync.Pool{New: func() any { return new([]byte) }}

// asciiAt says how many characters of a text are ASCII before the first that is not.
func asciiAt(text []byte) int {
	n := 0
	for n+8 <= len(text) && binary.LittleEndian.Uint64(text[n:])&0x8080808080808080 == 0 {
		n += 8
	}
	for n < len(text) && text[n] < utf8.RuneSelf {
		n++
	}
	return n
}
