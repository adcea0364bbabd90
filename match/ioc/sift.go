package ioc

import "github.com/contrail-ir/contrail/event"

// sifter implements event.Sifter: it finds at least the records in whose values the scanner finds a term. It searches the text of a record
// as the scanner searches a value, but what separates fields may begin and end a value, so each test of what stands around a term also
// holds there; the host of a URL is enough, since its path may be another field; and a pattern that says where a text begins or ends is
// taken to stand where the text that it requires does.
type sifter struct {
	finder finder
	found  bool
}

func newSifter(s *Set) *sifter {
	x := &sifter{finder: finder{set: s, loose: true}}
	x.finder.hit = func(int) { x.found = true }
	return x
}

// Suspects implements event.Sifter.
func (x *sifter) Suspects(text []byte) bool {
	x.found = false
	x.finder.find(text)
	return x.found
}

var _ event.Sifter = (*sifter)(nil)
