// Package automaton answers whether a regular expression matches anywhere in a text, as regexp.Regexp.Match does and for the same texts, at
// the cost of one step of a table for each character.
//
// The table is a deterministic automaton that is made while texts are read (Thompson's simulation with the sets of places
// remembered, as in RE2): a state is the set of places of the program that the text read so far leads to. Evidence decides which states
// are met, so their number is bounded; a text that needs more is run by places, which remembers nothing and whose cost no text can raise.
// Programs that are too large for that, or ask about the edges of words and lines, are given to package regexp then. An Automaton may be
// used by several goroutines.
//
// Characters are read as codes, a byte each: ASCII as it is, the others by the alphabet, which gives one code to all that no expression
// tells apart. A text that is not ASCII is spelled once for all the expressions of a Group.
package automaton

import (
	"encoding/binary"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

const (
	maxClasses = 100
	maxCells   = 8 << 10 // states times classes, 32 KiB
)

// Automaton matches one expression.
type Automaton struct {
	re      *regexp.Regexp
	once    sync.Once    // most expressions are never asked
	prog    *syntax.Prog // nil: always by regexp
	asserts bool         // the expression asks what stands before a place: ^, \b and their like
	pinned  bool         // it matches at the beginning only
	gaps    []gap
	loops   []loop

	bounds  []rune      // where classes of characters begin
	class   []uint8     // by bound
	sample  []rune      // a character of each class, and the end of the text behind them
	through []uint8     // by class: the gaps that are made of it
	classes *[256]uint8 // by code of the own alphabet

	alphabet alphabet
	begin    beginning

	start uint32
	width uint32 // cells of a state: by gaps that can be left, and class
	end   uint8  // the class of the end of the text
	table atomic.Pointer[[]uint32]

	crowded sync.Once // a text needed more states than there may be
	places  *places   // for such texts; nil when the program cannot be run so

	mu       sync.Mutex // of what is made while reading
	states   []state
	numbered map[string]uint32 // by places and last: where its cells begin
}

// Cells that are no states. The first state's cells, of the start, begin behind them.
const (
	unknown uint32 = iota
	found          // the text matches
	dead           // whatever follows, it does not
	full           // there may be no further state
	least
)

// state is what the text read so far leads to.
type state struct {
	places []uint32 // before what needs no character is followed
	last   rune     // a character like the one read last; -1 at the beginning
}

// New gives the automaton of an expression. It is made when it is first asked.
func New(re *regexp.Regexp) *Automaton { return &Automaton{re: re} }

// ready makes the automaton, and says whether it can be made.
func (a *Automaton) ready() bool {
	a.once.Do(a.make)
	return a.prog != nil
}

func (a *Automaton) make() {
	parsed, err := syntax.Parse(a.re.String(), syntax.Perl)
	if err != nil {
		return
	}
	parsed = trimmed(trimmed(parsed, false), true)
	a.gaps = cutGaps(parsed, nil)
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil || !a.classify(prog) {
		return
	}
	a.pinned = prog.StartCond()&syntax.EmptyBeginText != 0
	if !a.asserts && !a.pinned {
		a.begin = a.beginningOf(prog)
	}
	a.prog, a.loops = prog, a.loopsOf(prog)
	a.width = uint32(len(a.sample) << len(a.gaps))
	a.numbered = map[string]uint32{}
	a.table.Store(&[]uint32{})
	a.start = a.state([]uint32{uint32(prog.Start)}, -1)
}

// trimmed leaves out of one end of an expression what may be repeated more often than it must: whether it matches anywhere does not depend on
// it. Of \w+` it leaves \w`, whose beginning is seldom.
func trimmed(re *syntax.Regexp, end bool) *syntax.Regexp {
	switch re.Op {
	case syntax.OpCapture:
		return trimmed(re.Sub[0], end)
	case syntax.OpConcat:
		at := 0
		if end {
			at = len(re.Sub) - 1
		}
		re.Sub[at] = trimmed(re.Sub[at], end)
	case syntax.OpStar, syntax.OpQuest:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	case syntax.OpPlus:
		return re.Sub[0]
	case syntax.OpRepeat:
		re.Max = re.Min
	}
	return re
}

// classify parts the characters into classes that no instruction tells apart.
func (a *Automaton) classify(prog *syntax.Prog) bool {
	cuts := []rune{0, utf8.RuneSelf}
	cut := func(lo, hi rune) { cuts = append(cuts, lo, hi+1) }
	for i := range prog.Inst {
		in := &prog.Inst[i]
		switch in.Op {
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^syntax.EmptyEndText != 0 {
				a.asserts = true
			}
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			set := in.Rune
			if g := gapOf(in); g >= 0 {
				set = a.gaps[g].set
			} else if len(in.Rune) == 1 {
				cut(in.Rune[0], in.Rune[0])
				for r := unicode.SimpleFold(in.Rune[0]); r != in.Rune[0]; r = unicode.SimpleFold(r) {
					cut(r, r)
				}
			}
			for k := 0; k+1 < len(set); k += 2 {
				cut(set[k], set[k+1])
			}
		}
	}
	if a.asserts {
		cut('\n', '\n')
		cut('0', '9')
		cut('A', 'Z')
		cut('_', '_')
		cut('a', 'z')
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	known := map[string]uint8{}
	var same strings.Builder
	for _, r := range cuts {
		if r > unicode.MaxRune {
			break
		}
		same.Reset()
		for i := range prog.Inst {
			switch in := &prog.Inst[i]; in.Op {
			case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
				if in.MatchRune(r) {
					same.WriteByte('1')
				} else {
					same.WriteByte('0')
				}
			}
		}
		through := uint8(0)
		for g := range a.gaps {
			if a.gaps[g].has(r) {
				through |= 1 << g
			}
		}
		same.WriteByte(through)
		if a.asserts {
			same.WriteByte(kindOf(r))
		}
		c, ok := known[same.String()]
		if !ok {
			if len(known) == maxClasses {
				return false
			}
			c = uint8(len(known))
			known[same.String()] = c
			a.sample, a.through = append(a.sample, r), append(a.through, through)
		}
		a.bounds, a.class = append(a.bounds, r), append(a.class, c)
	}
	a.end = uint8(len(a.sample))
	a.sample, a.through = append(a.sample, -1), append(a.through, 0)
	a.alphabet, _ = newAlphabet([]*Automaton{a}) // there are fewer classes than codes
	a.classes = a.spelledBy(&a.alphabet)
	return true
}

// kindOf tells apart what assertions tell apart.
func kindOf(r rune) byte {
	switch {
	case r < 0:
		return 'e'
	case r == '\n':
		return 'n'
	case syntax.IsWordChar(r):
		return 'w'
	}
	return 'o'
}

func (a *Automaton) classOf(r rune) uint8 {
	at, ok := slices.BinarySearch(a.bounds, r)
	if !ok {
		at--
	}
	return a.class[at]
}

// Match says whether the expression matches anywhere in the text.
func (a *Automaton) Match(text []byte) bool {
	if asciiAt(text) == len(text) {
		return a.MatchASCII(text)
	}
	if !a.ready() {
		return a.re.Match(text)
	}
	codes := spellings.Get().(*[]byte)
	defer spellings.Put(codes)
	*codes = a.alphabet.spell((*codes)[:0], text)
	return a.match(a.classes, *codes, text)
}

// MatchASCII is Match for a text of which is known that it is ASCII.
func (a *Automaton) MatchASCII(text []byte) bool {
	if !a.ready() {
		return a.re.Match(text)
	}
	return a.match(a.classes, text, text)
}

// match is Match of a text that is spelled, by the classes of its codes.
func (a *Automaton) match(classes *[256]uint8, codes, text []byte) bool {
	for i := 0; ; {
		if a.begin.known() {
			// Nothing is begun: on to where a match can begin. A text in which expressions are tried in vain costs a third less.
			if i = a.begin.next(codes, i); i < 0 {
				return false
			}
		}
		answer, next := a.run(classes, codes, i)
		switch answer {
		case found:
			return true
		case dead:
			return false
		case full:
			return a.matchCrowded(text)
		}
		i = next
	}
}

// run reads codes from a place on before which nothing is begun. It gives found or dead, full for a text that needs more states than there
// may be, or unknown and the place where again nothing is begun, for those who know how to go on from there faster.
func (a *Automaton) run(classes *[256]uint8, codes []byte, i int) (answer uint32, next int) {
	if len(a.gaps) > 0 {
		return a.runGaps(classes, codes, i)
	}
	table := *a.table.Load()
	at, back := a.start, uint32(0)
	if a.begin.known() {
		back = a.start
	}
	for i <= len(codes) {
		// Most characters begin nothing and end nothing: the processor guesses so, and need not wait for the table.
		c, to, n := a.end, at, len(codes)-i+1
		for k, code := range codes[i:] {
			if to = atomic.LoadUint32(&table[at+uint32(classes[code])]); to != at {
				c, n = classes[code], k+1
				break
			}
		}
		if i += n; to == at {
			to = atomic.LoadUint32(&table[at+uint32(c)])
		}
		if to == unknown {
			to = a.step(at, 0, c)
			table = *a.table.Load()
		}
		switch {
		case to < least:
			return to, i
		case to == back:
			return unknown, i
		}
		at = to
	}
	return dead, i
}

// matchCrowded is Match for a text that needs more states than there may be.
func (a *Automaton) matchCrowded(text []byte) bool {
	a.crowded.Do(func() {
		if parsed, err := syntax.Parse(a.re.String(), syntax.Perl); err == nil { // with all repetitions written out
			if prog, err := syntax.Compile(parsed.Simplify()); err == nil {
				a.places = newPlaces(prog, a.sample)
			}
		}
	})
	if a.places == nil || len(text) == 0 {
		return a.re.Match(text)
	}
	return a.places.match(a, text)
}

// step works out a cell of the table.
func (a *Automaton) step(at, leave uint32, c uint8) uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	to := a.follow(a.states[(at-least)/a.width], leave, a.sample[c])
	atomic.StoreUint32(&(*a.table.Load())[at+leave*uint32(len(a.sample))+uint32(c)], to)
	return to
}

// follow gives the cell of a state and a character, when some gaps can be left before it.
func (a *Automaton) follow(s state, leave uint32, r rune) uint32 {
	holds := syntax.EmptyOpContext(s.last, r)
	seen := make([]bool, len(a.prog.Inst))
	var next []uint32
	stack := slices.Clone(s.places)
	for i := range a.prog.Inst {
		if g := gapOf(&a.prog.Inst[i]); g >= 0 && leave>>g&1 != 0 {
			stack = append(stack, a.prog.Inst[i].Out)
		}
	}
	entered := uint32(0)
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[at] {
			continue
		}
		seen[at] = true
		switch in := &a.prog.Inst[at]; in.Op {
		case syntax.InstMatch:
			return found
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^holds == 0 {
				stack = append(stack, in.Out)
			}
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if g := gapOf(in); g >= 0 {
				entered |= 1 << g
				if a.gaps[g].zero {
					stack = append(stack, in.Out)
				}
			} else if r >= 0 && in.MatchRune(r) {
				next = append(next, in.Out)
			}
		}
	}
	if r < 0 {
		return dead
	}
	if !a.pinned {
		next = append(next, uint32(a.prog.Start))
	}
	if len(next) == 0 && len(a.gaps) == 0 {
		return dead
	}
	next = a.forget(next)
	slices.Sort(next)
	to := a.state(slices.Compact(next), r)
	if to == full {
		return full
	}
	return to | entered<<stateBits
}

// state gives the state of a set of places, or full when there is no room for another one.
func (a *Automaton) state(places []uint32, last rune) uint32 {
	switch {
	case !a.asserts:
		last = ' '
	case last >= 0:
		last = map[byte]rune{'n': '\n', 'w': 'a', 'o': ' '}[kindOf(last)]
	}
	key := binary.LittleEndian.AppendUint32(nil, uint32(last))
	for _, p := range places {
		key = binary.LittleEndian.AppendUint32(key, p)
	}
	if at, ok := a.numbered[string(key)]; ok {
		return at
	}
	n := int(a.width)
	at := least + uint32(len(a.states)*n)
	if int(at)+n > maxCells<<len(a.gaps) && len(a.states) > 0 {
		return full
	}
	if table := *a.table.Load(); int(at)+n > len(table) {
		grown := make([]uint32, max(2*len(table), int(at)+4*n)) // whoever reads the old one finds the states that it has
		copy(grown, table)
		a.table.Store(&grown)
	}
	a.states = append(a.states, state{places, last})
	a.numbered[string(key)] = at
	return at
}
