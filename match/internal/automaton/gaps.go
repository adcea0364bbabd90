package automaton

import (
	"regexp/syntax"
	"sync/atomic"
	"unicode"
)

// A gap is a counted repetition of one class of characters, .{2,128}. As instructions it would be 128 places, each of which a text that
// begins the expression again and again has or has not: a state for every subset of them. But of all that entered a gap and have passed its least
// count, who entered last can stay longest and leave whenever the others can, so that the text is read by the states of what stands between the gaps, and
// of each gap it is known who is still too early to leave, as bits, and for how many characters some can leave yet. The two expressions of
// PowerShell with gaps cost 10 ns a byte by places, and 2 to 3 so.
type gap struct {
	min, max int
	zero     bool   // it may be passed by
	set      []rune // ranges of characters that it is made of
}

// Bounds of what is made a gap: each doubles the cells of a state, and the early ones are bits of a word.
const (
	mostGaps     = 3
	leastGap     = 12 // a shorter one makes few states
	mostGapLeast = 64
)

// stateBits is how much of a cell is the state. Above stand the gaps that are entered before the character of the cell.
const stateBits = 28

// gapRune stands in the program for a gap: no character, and what no expression can name.
func gapRune(g int) rune { return unicode.MaxRune + 1 + rune(g) }

// gapOf gives the gap that a character of the program stands for, -1 for none.
func gapOf(in *syntax.Inst) int {
	if in.Op == syntax.InstRune1 && in.Rune[0] > unicode.MaxRune {
		return int(in.Rune[0] - unicode.MaxRune - 1)
	}
	return -1
}

// cutGaps puts a character in the place of each gap. It does not look into repetitions that are written out for each time.
func cutGaps(re *syntax.Regexp, gaps []gap) []gap {
	if re.Op == syntax.OpRepeat {
		if g, ok := newGap(re); ok && len(gaps) < mostGaps {
			*re = syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune{gapRune(len(gaps))}}
			gaps = append(gaps, g)
		}
		return gaps
	}
	for _, sub := range re.Sub {
		gaps = cutGaps(sub, gaps)
	}
	return gaps
}

func newGap(re *syntax.Regexp) (g gap, ok bool) {
	switch one := re.Sub[0]; one.Op {
	case syntax.OpAnyChar:
		g.set = []rune{0, unicode.MaxRune}
	case syntax.OpAnyCharNotNL:
		g.set = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	case syntax.OpCharClass:
		g.set = one.Rune
	default:
		return g, false
	}
	g.min, g.max, g.zero = max(1, re.Min), re.Max, re.Min == 0
	return g, g.max >= leastGap && g.min <= mostGapLeast
}

func (g *gap) has(r rune) bool {
	for k := 0; k+1 < len(g.set); k += 2 {
		if g.set[k] <= r && r <= g.set[k+1] {
			return true
		}
	}
	return false
}

// runGaps is run for an expression with gaps.
func (a *Automaton) runGaps(classes *[256]uint8, codes []byte, i int) (answer uint32, next int) {
	var (
		early [mostGaps]uint64 // by gap: bit n is set when it was entered n+1 characters ago
		left  [mostGaps]int    // for how many characters it can be left yet
		leave uint32           // gaps that can be left before the next character
		busy  bool             // some gap is entered and not yet outlived
	)
	table := *a.table.Load()
	at, class := a.start, uint32(len(a.sample))
	stops := a.begin.known()
	for i <= len(codes) {
		c := a.end
		if i < len(codes) {
			c = classes[codes[i]]
		}
		i++
		to := atomic.LoadUint32(&table[at+leave*class+uint32(c)])
		if to == unknown {
			to = a.step(at, leave, c)
			table = *a.table.Load()
		}
		if to < least {
			return to, i
		}
		at = to & (1<<stateBits - 1)
		if entered := to >> stateBits; entered != 0 || busy {
			leave, busy = 0, false
			through := a.through[c]
			for g := range a.gaps {
				if through>>g&1 == 0 {
					early[g], left[g] = 0, 0
					continue
				}
				early[g] = early[g]<<1 | uint64(entered>>g&1)
				left[g] = max(left[g]-1, 0)
				if early[g]>>(a.gaps[g].min-1)&1 != 0 {
					left[g] = a.gaps[g].max - a.gaps[g].min + 1
				}
				if left[g] > 0 {
					leave |= 1 << g
				}
				busy = busy || early[g] != 0 || left[g] > 0
			}
		}
		if at == a.start && !busy && stops {
			return unknown, i
		}
	}
	return dead, i
}
