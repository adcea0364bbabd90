package ioc

import "github.com/contrail-ir/contrail/event"

// sifter implements event.Sifter: it finds at least the records in whose values the scanner finds a term. It searches the text of a record
// as the scanner searches a value, but what separates fields may begin and end a value, so each test of what stands around a term also
// holds there; the host of a URL is enough, since its path may be another field; and a pattern that says where a text begins or ends is
// taken to stand where the text that it requires does.
type sifter struct {
	finder finder
	any    bool  // a term that is a rule by itself was found
	parts  found // terms of expressions
	survey *survey
}

// anyTerm stands for a term that is not told apart.
const anyTerm = -1

func newSifter(s *Set) *sifter {
	x := &sifter{finder: finder{set: s, loose: true}}
	x.finder.hit = func(id int) {
		if id < len(s.rules) { // an expression is a rule too, and never a term
			x.any = true
		} else {
			x.parts.add(id)
		}
	}
	return x
}

// Suspects implements event.Sifter.
func (x *sifter) Suspects(text []byte) bool {
	x.any, x.parts.ids = false, x.parts.ids[:0]
	x.parts.next()
	x.finder.find(text)
	if x.any || len(x.parts.ids) == 0 {
		return x.any
	}
	// None of them is a rule by itself: what they are parts of must hold.
	x.parts.settle()
	s := x.finder.set
	for _, id := range x.parts.ids {
		for _, r := range s.uses[id] {
			if s.nodes[r].holds(x.parts.ids, func(int) bool { return true }) {
				return true
			}
		}
	}
	return false
}

var _ event.Sifter = (*sifter)(nil)
