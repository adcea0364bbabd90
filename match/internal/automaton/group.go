package automaton

import (
	"sync"
	"unicode/utf8"
)

// Group is expressions that are asked about the same texts: a text that is not ASCII is spelled once for all of them.
//
// They are run one after another. One automaton of all would need a state for every combination of what is begun, which evidence
// can make as many as it likes; and one pass that looks for the beginnings of all and runs each where its own stands was tried, and took a
// quarter longer over hostile PowerShell: what is begun everywhere is left and entered again at every few bytes.
type Group struct {
	of   []*Automaton
	once sync.Once

	alphabet alphabet
	spells   bool          // there are codes enough for all
	classes  []*[256]uint8 // by member: of the alphabet's codes
}

// NewGroup gives the group of some automata. It is made when it is first asked.
func NewGroup(of []*Automaton) *Group { return &Group{of: of} }

func (g *Group) make() {
	var ready []*Automaton
	for _, a := range g.of {
		if a.ready() {
			ready = append(ready, a)
		}
	}
	if g.alphabet, g.spells = newAlphabet(ready); !g.spells {
		return
	}
	for r := rune(utf8.RuneSelf); r < 0x800; r++ {
		g.alphabet.short = append(g.alphabet.short, g.alphabet.codeOf(r))
	}
	g.classes = make([]*[256]uint8, len(g.of))
	for i, a := range g.of {
		if a.prog != nil {
			g.classes[i] = a.spelledBy(&g.alphabet)
		}
	}
}

// Spell gives the codes of a text, in the memory of dst, for Match.
func (g *Group) Spell(dst, text []byte) []byte {
	if g.once.Do(g.make); !g.spells {
		return dst[:0]
	}
	return g.alphabet.spell(dst[:0], text)
}

// Match says whether a member's expression matches anywhere in a text that was spelled.
func (g *Group) Match(member int, codes, text []byte) bool {
	a := g.of[member]
	if !g.spells || a.prog == nil {
		return a.Match(text)
	}
	return a.match(g.classes[member], codes, text)
}
