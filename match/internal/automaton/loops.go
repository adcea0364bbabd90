package automaton

import (
	"regexp/syntax"
	"slices"
)

// A loop is a .* or .+ that every match goes through. While it is gone round, who is still before it cannot come to anything that it
// does not come to: whoever gets there finds it gone round already, as nothing before it reads the end of the line, at which it ends. So
// what is before is forgotten. Without that set.*&& has other states for every s, e and t behind the first set, and took 1.2 ns a byte of
// such a text in place of 0.9.
type loop struct {
	at     uint32
	before []bool // by instruction
}

// loopsOf finds the loops of a program.
func (a *Automaton) loopsOf(prog *syntax.Prog) (all []loop) {
	for i := range prog.Inst {
		in := &prog.Inst[i]
		if in.Op != syntax.InstAlt && in.Op != syntax.InstAltMatch {
			continue
		}
		for _, body := range []uint32{in.Out, in.Arg} {
			read := &prog.Inst[body]
			if read.Out != uint32(i) || read.Op != syntax.InstRuneAny && read.Op != syntax.InstRuneAnyNotNL {
				continue
			}
			if before := a.before(prog, uint32(i), read.Op == syntax.InstRuneAny); before != nil {
				all = append(all, loop{uint32(i), before})
			}
		}
	}
	return all
}

// before gives the instructions that are run before a loop, nil when a match can go without it or something before it reads an end of a line
// that the loop does not.
func (a *Automaton) before(prog *syntax.Prog, loop uint32, anything bool) []bool {
	met := make([]bool, len(prog.Inst))
	for stack := []uint32{uint32(prog.Start)}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if at == loop || met[at] {
			continue
		}
		met[at] = true
		switch in := &prog.Inst[at]; in.Op {
		case syntax.InstMatch:
			return nil
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, in.Out, in.Arg)
		case syntax.InstFail:
		case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
			stack = append(stack, in.Out)
		default:
			g := gapOf(in)
			if !anything && (g >= 0 && a.gaps[g].has('\n') || g < 0 && in.MatchRune('\n')) {
				return nil
			}
			stack = append(stack, in.Out)
		}
	}
	return met
}

// forget leaves out what stands before a loop that is gone round.
func (a *Automaton) forget(places []uint32) []uint32 {
	for _, l := range a.loops {
		if slices.Contains(places, l.at) {
			places = slices.DeleteFunc(places, func(p uint32) bool { return l.before[p] })
		}
	}
	return places
}
