package fingerprint

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// commonSlow is the definition: the longest subsequence of a that is one of b.
func commonSlow(a, b []string) (best int) {
	for m := range 1 << len(a) {
		at, n, ok := 0, 0, true
		for i, x := range a {
			if m>>i&1 == 0 {
				continue
			}
			k := slices.Index(b[at:], x)
			if k < 0 {
				ok = false
				break
			}
			at += k + 1
			n++
		}
		if ok {
			best = max(best, n)
		}
	}
	return best
}

func TestCommonAgreesWithItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		list := func() (s []string) {
			for range rng.IntN(9) {
				s = append(s, string(rune('a'+rng.IntN(4))))
			}
			return
		}
		if a, b := list(), list(); common(a, b) != commonSlow(a, b) {
			t.Fatalf("%v %v: %d, want %d", a, b, common(a, b), commonSlow(a, b))
		}
	}
}
