// Package automaton answers whether a regular expression matches anywhere in a text, as regexp.Regexp.Match does and for the same texts, at
// the cost of one step of a table for each character.
//
// The table is a deterministic automaton that is made while texts are read (Thompson's simulation with the sets of places
// remembered, as in RE2): a state is the set of places of the program that the text read so far leads to. Evidence decides which states
// are met, so their number is bounded; a text that needs more is given to package regexp, which is slower and remembers nothing. So no
// text costs more than it did, plus its length. An Automaton may be used by several goroutines.
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
	maxCells   = 8 << 10 // states times classes, 64 KiB
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

	start *state
	found *state // the text matches
	dead  *state // whatever follows, it does not
	full  *state // the table is full: ask regexp

	mu     sync.Mutex
	states map[string]*state
	cells  int
}

type state struct {
	places []uint32 // before what needs no character is followed
	last   rune     // a character like the one read last; -1 at the beginning
	next   []atomic.Pointer[state]
}

// New gives the automaton of an expression. It is made when it is first asked.
func New(re *regexp.Regexp) *Automaton { return &Automaton{re: re} }

func (a *Automaton) make() {
	a.found, a.dead, a.full, a.states = &state{}, &state{}, &state{}, map[string]*state{}
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
	s := a.start
	for i := 0; i <= len(text); {
		var c uint8
		if s == a.start && len(a.prefix) > 0 {
			// Nothing is begun: on to where a match can begin. A text in which expressions are tried in vain costs a third less.
			n := bytes.Index(text[i:], a.prefix)
			if n < 0 {
				return false
			}
			i += n
		}
		switch {
		case i == len(text):
			c = uint8(len(a.sample) - 1)
			i++
		case text[i] < utf8.RuneSelf:
			c = a.ascii[text[i]]
			i++
		default:
			r, n := utf8.DecodeRune(text[i:])
			c = a.classOf(r)
			i += n
		}
		t := s.next[c].Load()
		if t == nil {
			t = a.step(s, c)
		}
		if t == s { // most characters begin nothing
			continue
		}
		switch t {
		case a.found:
			return true
		case a.dead:
			return false
		case a.full:
			return a.re.Match(text)
		}
		s = t
	}
	return false
}

// step works out a cell of the table.
func (a *Automaton) step(s *state, c uint8) *state {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.follow(s, a.sample[c])
	s.next[c].Store(t)
	return t
}

func (a *Automaton) follow(s *state, r rune) *state {
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
			return a.found
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
		return a.dead
	}
	if !a.pinned {
		next = append(next, uint32(a.prog.Start))
	}
	if len(next) == 0 {
		return a.dead
	}
	slices.Sort(next)
	return a.state(slices.Compact(next), r)
}

// state gives the state of a set of places, or full when there is no room for another one.
func (a *Automaton) state(places []uint32, last rune) *state {
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
	if s := a.states[string(key)]; s != nil {
		return s
	}
	if a.cells += len(a.sample); a.cells > maxCells && len(a.states) > 0 {
		return a.full
	}
	s := &state{places: places, last: last, next: make([]atomic.Pointer[state], len(a.sample))}
	a.states[string(key)] = s
	return s
}
