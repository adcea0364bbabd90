package table

import (
	"strings"
	"testing"
)

// Two kinds for one word would make the answer depend on the order of a map.
func TestNoColumnNameHasTwoKinds(t *testing.T) {
	seen := map[string]Type{}
	for _, words := range []map[Type]string{columnNames, columnNamesElsewhere} {
		for kind, list := range words {
			for _, w := range strings.Fields(list) {
				if other, ok := seen[w]; ok && other != kind {
					t.Errorf("%q is both %v and %v", w, kind, other)
				}
				seen[w] = kind
				if hint(w) != headerIndex[w] {
					t.Errorf("%q is reduced to another word before it is looked up", w)
				}
			}
		}
	}
}
