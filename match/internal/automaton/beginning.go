package automaton

import (
	"bytes"
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// beginning is what the first characters of every match can be. Where nothing is begun the text is passed by until they stand there (Baeza-Yates
// and Gonnet's search by shifts, 1992): 0.8 ns a byte whatever the text, where the table takes 0.6 to 4.
type beginning struct {
	literal []byte      // of at least leastLiteral bytes; searched for in a quarter of the time
	cannot  *[256]uint8 // by code: the places among the first ones at which it cannot stand, a bit each
	size    int         // how many places; 0 when nothing is known
}

const (
	leastLiteral = 3
	mostPlaces   = 4
	// rare is at what share of all places a match may seem to begin, were all printable characters as frequent. Where it is
	// more, the text is better read by the table.
	rare      = 1.0 / 100
	printable = 95
)

func (b *beginning) known() bool { return b.size > 0 }

// beginningOf wants a program whose states depend on nothing that stands before a match.
func (a *Automaton) beginningOf(prog *syntax.Prog) (b beginning) {
	b.cannot = new([256]uint8)
	at := []uint32{uint32(prog.Start)}
	share := 1.0
	for place := range mostPlaces {
		reads, done := readers(prog, at)
		if done {
			break
		}
		accepted := 0
		for code := range utf8.RuneSelf + len(a.alphabet.sample) {
			r := rune(code)
			if code >= utf8.RuneSelf {
				r = a.alphabet.sample[code-utf8.RuneSelf]
			}
			if !slices.ContainsFunc(reads, func(in uint32) bool { return prog.Inst[in].MatchRune(r) }) {
				b.cannot[code] |= 1 << place
			} else if code < utf8.RuneSelf {
				accepted++
			}
		}
		share *= float64(accepted) / printable
		if accepted < printable/2 {
			b.size = place + 1
		}
		at = nil
		for _, in := range reads {
			at = append(at, prog.Inst[in].Out)
		}
	}
	if share > rare {
		return beginning{}
	}
	// Of other characters the codes are not the bytes.
	if literal, _ := a.re.LiteralPrefix(); len(literal) >= leastLiteral && asciiAt([]byte(literal)) == len(literal) {
		b.literal = []byte(literal)
	}
	return b
}

// readers gives the instructions that read the next character; done says that a match may be complete, or a gap begin, before it.
func readers(prog *syntax.Prog, from []uint32) (reads []uint32, done bool) {
	met := make([]bool, len(prog.Inst))
	for stack := slices.Clone(from); len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if met[at] {
			continue
		}
		met[at] = true
		switch in := &prog.Inst[at]; in.Op {
		case syntax.InstMatch:
			return nil, true
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
			stack = append(stack, in.Out)
		case syntax.InstFail:
		default:
			if gapOf(in) >= 0 {
				return nil, true
			}
			reads = append(reads, at)
		}
	}
	return reads, false
}

// next gives the first place from i on at which a match may begin, -1 for none.
func (b *beginning) next(codes []byte, i int) int {
	if b.literal != nil {
		if n := bytes.Index(codes[i:], b.literal); n >= 0 {
			return i + n
		}
		return -1
	}
	cannot, last := b.cannot, uint32(1)<<(b.size-1)
	at, rest := ^uint32(0), codes[i:]
	for len(rest) >= 8 {
		x := binary.LittleEndian.Uint64(rest)
		at0 := at<<1 | uint32(cannot[uint8(x)])
		at1 := at0<<1 | uint32(cannot[uint8(x>>8)])
		at2 := at1<<1 | uint32(cannot[uint8(x>>16)])
		at3 := at2<<1 | uint32(cannot[uint8(x>>24)])
		at4 := at3<<1 | uint32(cannot[uint8(x>>32)])
		at5 := at4<<1 | uint32(cannot[uint8(x>>40)])
		at6 := at5<<1 | uint32(cannot[uint8(x>>48)])
		at7 := at6<<1 | uint32(cannot[uint8(x>>56)])
		if at0&at1&at2&at3&at4&at5&at6&at7&last == 0 {
			break
		}
		at, rest = at7, rest[8:]
	}
	for k, code := range rest {
		if at = at<<1 | uint32(cannot[code]); at&last == 0 {
			return len(codes) - len(rest) + k - b.size + 1
		}
	}
	return -1
}
