// Package automaton answers whether a regular expression matches anywhere in a text, as regexp.Regexp.Match does and for the same texts, at
// the cost of one step of a table for each character.
//
// The table is a deterministic automaton that is made while texts are read (Thompson's simulation with the sets of places
// remembered, as in RE2): a state is the set of places of the program that the text read so far leads to. Evidence decides which states
// are met, so their number is bounded; a text that needs more is run by places, which remembers nothing and whose cost no text can raise.
// Programs that are too large for that, or ask about the edges of words and lines, are given to package regexp then. An Automaton may be
// used by several goroutines.
package automaton

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"regexp/syntax"
	"slices"
	"sort"
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
	asserts bool         // the expression has ^, $, \b or their like
	pinned  bool         // it matches at the beginning only
	ascii   [utf8.RuneSelf]uint8
	bounds  []rune  // where classes of characters begin
	class   []uint8 // by bound
	sample  []rune  // a character of each class, and the end of the text behind them

	prefix []byte // every match begins with it; empty when none is known

	start uint32
	table atomic.Pointer[[]uint32] // by state and class: the state that follows, or one of the answers below

	crowded sync.Once // a text needed more states than there may be
	places  *places   // for such texts; nil when the program cannot be run so

	mu       sync.Mutex // of what is made while reading
	states   []state
	numbered map[string]uint32 // by places and last: where its cells begin
}

// Cells that are no states. The first state's cells begin behind them.
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

func (a *Automaton) make() {
	parsed, err := syntax.Parse(a.re.String(), syntax.Perl)
	if err != nil {
		return
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil || !a.classify(prog) {
		return
	}
	a.prog = prog
	a.pinned = prog.StartCond()&syntax.EmptyBeginText != 0
	a.numbered = map[string]uint32{}
	a.table.Store(&[]uint32{})
	a.start = a.state([]uint32{uint32(prog.Start)}, -1)
	// U+FFFD also matches bytes that are no text. Assertions ask for what stands before the prefix.
	if prefix, _ := a.re.LiteralPrefix(); !a.asserts && !a.pinned && !strings.ContainsRune(prefix, utf8.RuneError) {
		a.prefix = []byte(prefix)
	}
}

// classify parts the characters into classes that no instruction tells apart.
func (a *Automaton) classify(prog *syntax.Prog) bool {
	cuts := []rune{0}
	cut := func(lo, hi rune) { cuts = append(cuts, lo, hi+1) }
	for i := range prog.Inst {
		in := &prog.Inst[i]
		switch in.Op {
		case syntax.InstEmptyWidth:
			a.asserts = true
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if len(in.Rune) == 1 {
				cut(in.Rune[0], in.Rune[0])
				for r := unicode.SimpleFold(in.Rune[0]); r != in.Rune[0]; r = unicode.SimpleFold(r) {
					cut(r, r)
				}
			}
			for k := 0; k+1 < len(in.Rune); k += 2 {
				cut(in.Rune[k], in.Rune[k+1])
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
			a.sample = append(a.sample, r)
		}
		a.bounds, a.class = append(a.bounds, r), append(a.class, c)
	}
	a.sample = append(a.sample, -1)
	for c := range a.ascii {
		a.ascii[c] = a.classOf(rune(c))
	}
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
	return a.class[sort.Search(len(a.bounds), func(i int) bool { return a.bounds[i] > r })-1]
}

// Match says whether the expression matches anywhere in the text.
func (a *Automaton) Match(text []byte) bool {
	if a.once.Do(a.make); a.prog == nil {
		return a.re.Match(text)
	}
	table := *a.table.Load()
	at, c := a.start, uint8(0)
	for i := 0; i <= len(text); {
		if at == a.start && len(a.prefix) > 0 {
			// Nothing is begun: on to where a match can begin. A text in which expressions are tried in vain costs a third less.
			n := bytes.Index(text[i:], a.prefix)
			if n < 0 {
				return false
			}
			i += n
		}
		// Most characters are ASCII, and most begin nothing.
		to := at
		for i < len(text) && text[i] < utf8.RuneSelf {
			c = a.ascii[text[i]]
			i++
			if to = atomic.LoadUint32(&table[at+uint32(c)]); to != at {
				break
			}
		}
		if to == at {
			if i == len(text) {
				c = uint8(len(a.sample) - 1)
				i++
			} else {
				r, n := utf8.DecodeRune(text[i:])
				c = a.classOf(r)
				i += n
			}
			to = atomic.LoadUint32(&table[at+uint32(c)])
		}
		if to == unknown {
			to = a.step(at, c)
			table = *a.table.Load()
		}
		switch to {
		case found:
			return true
		case dead:
			return false
		case full:
			return a.matchCrowded(text)
		}
		at = to
	}
	return false
}

// matchCrowded is Match for a text that needs more states than there may be.
func (a *Automaton) matchCrowded(text []byte) bool {
	a.crowded.Do(func() { a.places = newPlaces(a.prog, a.sample) })
	if a.places == nil || len(text) == 0 {
		return a.re.Match(text)
	}
	return a.places.match(a, text)
}

// step works out a cell of the table.
func (a *Automaton) step(at uint32, c uint8) uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	to := a.follow(a.states[(at-least)/uint32(len(a.sample))], a.sample[c])
	atomic.StoreUint32(&(*a.table.Load())[at+uint32(c)], to)
	return to
}

func (a *Automaton) follow(s state, r rune) uint32 {
	holds := syntax.EmptyOpContext(s.last, r)
	seen := make([]bool, len(a.prog.Inst))
	var next []uint32
	stack := slices.Clone(s.places)
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
			if r >= 0 && in.MatchRune(r) {
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
	if len(next) == 0 {
		return dead
	}
	slices.Sort(next)
	return a.state(slices.Compact(next), r)
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
	n := len(a.sample)
	at := least + uint32(len(a.states)*n)
	if int(at)+n > maxCells && len(a.states) > 0 {
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
