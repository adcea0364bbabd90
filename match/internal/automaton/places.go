package automaton

import (
	"encoding/binary"
	"regexp/syntax"
	"unicode/utf8"
)

// places runs a program by the set of all its places at once, a bit each (the simulation of Glushkov's automaton by the words of the
// processor, Navarro and Raffinot 2001). A character costs the same whatever was read before, so that a text which needs a state of
// its own for every character – counted repetitions, of which evidence begins many at a time – costs a few times as much as one that finds its
// states in the table, where package regexp takes up to a hundred times as long.
//
// A place is an instruction that reads a character. Places follow one another mostly in the order of the program, which is a shift; what
// follows besides is told by leaps, shared by all places from which the same is reached.
type places struct {
	words   int
	accept  []uint64 // by class: the places that read a character of it
	start   []uint64 // the places that a match begins with, anywhere
	begin   []uint64 // the same at the beginning of the text
	next    []uint64 // places that the following one follows
	final   []uint64 // places behind which the match is complete
	last    []uint64 // the same at the end of the text
	leaps   []leap
	nothing [3]bool // the empty text matches: anywhere, at the beginning, at the end
}

// leap says that some places are followed by others. Only the words in which there are any are looked at.
type leap struct {
	from, to       []uint64
	fromAt, toward int
}

// Bounds of a program that is run by places.
const (
	mostWords = 16
	mostLeaps = 64
)

// newPlaces gives nil for programs that are too large, or that ask what stands before or behind a place.
func newPlaces(prog *syntax.Prog, sample []rune) *places {
	number := map[uint32]int{}
	var reads []uint32 // by place: its instruction
	for i := range prog.Inst {
		switch in := &prog.Inst[i]; in.Op {
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
				return nil
			}
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			number[uint32(i)] = len(reads)
			reads = append(reads, uint32(i))
		}
	}
	p := &places{words: (len(reads) + 63) / 64}
	if p.words > mostWords {
		return nil
	}
	set := func() []uint64 { return make([]uint64, p.words) }
	reach := func(from uint32, where syntax.EmptyOp) (to []uint64, match bool) {
		to = set()
		met := make([]bool, len(prog.Inst))
		for stack := []uint32{from}; len(stack) > 0; {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if met[at] {
				continue
			}
			met[at] = true
			switch in := &prog.Inst[at]; in.Op {
			case syntax.InstMatch:
				match = true
			case syntax.InstAlt, syntax.InstAltMatch:
				stack = append(stack, in.Out, in.Arg)
			case syntax.InstCapture, syntax.InstNop:
				stack = append(stack, in.Out)
			case syntax.InstEmptyWidth:
				if syntax.EmptyOp(in.Arg)&^where == 0 {
					stack = append(stack, in.Out)
				}
			case syntax.InstFail:
			default:
				n := number[at]
				to[n>>6] |= 1 << (n & 63)
			}
		}
		return to, match
	}
	start := uint32(prog.Start)
	p.start, p.nothing[0] = reach(start, 0)
	p.begin, p.nothing[1] = reach(start, syntax.EmptyBeginText)
	_, p.nothing[2] = reach(start, syntax.EmptyEndText)
	p.next, p.final, p.last = set(), set(), set()
	leaps := map[string]int{}
	for n, at := range reads {
		word, bit := n>>6, uint64(1)<<(n&63)
		to, match := reach(prog.Inst[at].Out, 0)
		if match {
			p.final[word] |= bit
		}
		if _, match = reach(prog.Inst[at].Out, syntax.EmptyEndText); match {
			p.last[word] |= bit
		}
		if m := n + 1; m < len(reads) && to[m>>6]>>(m&63)&1 != 0 {
			p.next[word] |= bit
			to[m>>6] &^= 1 << (m & 63)
		}
		var key []byte
		some := uint64(0)
		for _, w := range to {
			key = binary.LittleEndian.AppendUint64(key, w)
			some |= w
		}
		if some == 0 {
			continue
		}
		i, ok := leaps[string(key)]
		if !ok {
			i = len(p.leaps)
			leaps[string(key)] = i
			p.leaps = append(p.leaps, leap{from: set(), to: to})
		}
		p.leaps[i].from[word] |= bit
	}
	if len(p.leaps) > mostLeaps {
		return nil
	}
	for i := range p.leaps {
		l := &p.leaps[i]
		l.from, l.fromAt = narrow(l.from)
		l.to, l.toward = narrow(l.to)
	}
	p.accept = make([]uint64, len(sample)*p.words)
	for c, r := range sample {
		for n, at := range reads {
			if r >= 0 && prog.Inst[at].MatchRune(r) {
				p.accept[c*p.words+n>>6] |= 1 << (n & 63)
			}
		}
	}
	return p
}

// narrow leaves out the words before the first and behind the last that is not empty.
func narrow(set []uint64) (some []uint64, at int) {
	for set[at] == 0 {
		at++
	}
	end := len(set)
	for set[end-1] == 0 {
		end--
	}
	return set[at:end], at
}

// match says whether the program matches anywhere in a text that is not empty.
func (p *places) match(a *Automaton, text []byte) bool {
	if p.nothing[0] || p.nothing[1] || p.nothing[2] {
		return true
	}
	var memory [2 * mostWords]uint64
	ready, read := memory[:p.words], memory[mostWords:][:p.words]
	copy(ready, p.begin)
	for i := 0; i < len(text); {
		c, n := a.classes[text[i]], 1
		if text[i] >= utf8.RuneSelf {
			var r rune
			r, n = utf8.DecodeRune(text[i:])
			c = a.classOf(r)
		}
		i += n
		accept := p.accept[int(c)*p.words:][:p.words]
		some, done, carry := uint64(0), uint64(0), uint64(0)
		for k := range read {
			x := ready[k] & accept[k]
			some |= x
			done |= x & p.final[k]
			read[k] = x
			x &= p.next[k]
			ready[k] = p.start[k] | x<<1 | carry
			carry = x >> 63
		}
		if done != 0 {
			return true
		}
		if some == 0 { // only what may begin
			continue
		}
		for l := range p.leaps {
			p.leaps[l].take(read, ready)
		}
	}
	for k, x := range read {
		if x&p.last[k] != 0 {
			return true
		}
	}
	return false
}

func (l *leap) take(read, ready []uint64) {
	for k, x := range read[l.fromAt:][:len(l.from)] {
		if x&l.from[k] != 0 {
			for k, x := range l.to {
				ready[l.toward+k] |= x
			}
			return
		}
	}
}
