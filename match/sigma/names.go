package sigma

import (
	"bytes"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

// names are the literals of a field that are a value's whole text or all of it from its last separator on: most of what rules ask of
// paths is \cmd.exe at their end. One look into a table finds which of them a value ends in, whatever number of rules ask, and every
// predicate about it is then a bit. Of the 33 predicates that a process creation asked, 18 were of that kind.
type names struct {
	forms  [nameForms]bool
	table  []nameSlot // open addressing by hash; a power of two
	text   []string   // by number less one
	number map[name]uint32
}

// nameForm is how a name stands in a value.
type nameForm uint8

const (
	nameWhole nameForm = iota
	nameBehindBackslash
	nameBehindSlash
	nameForms
)

type name struct {
	form nameForm
	text string
}

type nameSlot struct {
	number uint32 // 0 empty
	form   nameForm
}

// nameOf says whether a literal bound to a place is a name.
func nameOf(text string, place uint8) (name, bool) {
	switch {
	case place == atStart|atEnd:
		return name{nameWhole, text}, true
	case place == atEnd && strings.LastIndexByte(text, '\\') == 0:
		return name{nameBehindBackslash, text}, true
	case place == atEnd && strings.LastIndexByte(text, '/') == 0:
		return name{nameBehindSlash, text}, true
	}
	return name{}, false
}

// name says whether a test asks for a name.
func (t *test) name() (name, bool) {
	switch {
	case t.cased:
	case t.kind == testEqual:
		return nameOf(t.text, atStart|atEnd)
	case t.kind == testSuffix:
		return nameOf(t.text, atEnd)
	}
	return name{}, false
}

// add numbers a name, from 1 on.
func (n *names) add(x name) uint32 {
	number, ok := n.number[x]
	if !ok {
		n.text = append(n.text, x.text)
		number = uint32(len(n.text))
		n.number[x] = number
	}
	return number
}

func nameHash(form nameForm, hash uint64) uint32 { return uint32(hash>>32) ^ uint32(form)*gramHash }

// index makes the table.
func (n *names) index() {
	size := 4
	for size < 2*len(n.text) {
		size *= 2
	}
	n.table = make([]nameSlot, size)
	mask := uint32(size - 1)
	for x, number := range n.number {
		n.forms[x.form] = true
		at := nameHash(x.form, xxh3.HashString(x.text)) & mask
		for n.table[at].number != 0 {
			at = (at + 1) & mask
		}
		n.table[at] = nameSlot{number, x.form}
	}
}

// find gives the number of a name, 0 when no rule asks for it.
func (n *names) find(form nameForm, text []byte) uint32 {
	mask := uint32(len(n.table) - 1)
	for at := nameHash(form, xxh3.Hash(text)); ; at++ {
		s := n.table[at&mask]
		if s.number == 0 {
			return 0
		}
		if s.form == form && n.text[s.number-1] == string(text) {
			return s.number
		}
	}
}

// valueNames are the names that a value is or ends in, by form; 0 for none.
type valueNames struct {
	number [nameForms]uint32
	known  bool
}

// of finds the names of a folded value.
func (n *names) of(folded []byte) valueNames {
	v := valueNames{known: true}
	if n.forms[nameWhole] {
		v.number[nameWhole] = n.find(nameWhole, folded)
	}
	if n.forms[nameBehindBackslash] {
		v.number[nameBehindBackslash] = n.behind(nameBehindBackslash, folded, '\\')
	}
	if n.forms[nameBehindSlash] {
		v.number[nameBehindSlash] = n.behind(nameBehindSlash, folded, '/')
	}
	return v
}

func (n *names) behind(form nameForm, folded []byte, separator byte) uint32 {
	at := bytes.LastIndexByte(folded, separator)
	if at < 0 {
		return 0
	}
	return n.find(form, folded[at:])
}

// nameSet is a set of names' numbers.
type nameSet struct {
	first uint32   // word that words begins with
	words []uint64 // nil for the empty set
}

func newNameSet(numbers []uint32) nameSet {
	if len(numbers) == 0 {
		return nameSet{}
	}
	s := nameSet{first: slices.Min(numbers) / 64}
	s.words = make([]uint64, slices.Max(numbers)/64-s.first+1)
	for _, n := range numbers {
		s.words[n/64-s.first] |= 1 << (n % 64)
	}
	return s
}

// hasAny says whether a name of the value is in the set. Number 0 is in none.
func (s *nameSet) hasAny(v *valueNames) bool {
	for _, n := range v.number {
		if w := n/64 - s.first; w < uint32(len(s.words)) && s.words[w]>>(n%64)&1 != 0 {
			return true
		}
	}
	return false
}

// nameTests numbers the names of every field and takes them out of the tests of its predicates.
func (p *program) nameTests() {
	p.names = make([]names, len(p.slots))
	var numbers []uint32
	for i := range p.predicates {
		q := &p.predicates[i]
		q.tests, q.ascii = q.atom.tests, q.atom.ascii
		if q.slot < 0 {
			continue
		}
		n := &p.names[q.slot]
		numbers = numbers[:0]
		for j := range q.tests {
			if x, ok := q.tests[j].name(); ok {
				if n.number == nil {
					n.number = map[name]uint32{}
				}
				numbers = append(numbers, n.add(x))
			}
		}
		if len(numbers) == 0 {
			continue
		}
		q.named = newNameSet(numbers)
		all := q.tests
		q.tests, q.ascii = nil, 0
		for j := range all {
			if _, ok := all[j].name(); ok {
				continue
			}
			q.tests = append(q.tests, all[j])
			if j < q.atom.ascii {
				q.ascii++
			}
		}
	}
	for i := range p.names {
		if p.names[i].number != nil {
			p.names[i].index()
		}
	}
}
