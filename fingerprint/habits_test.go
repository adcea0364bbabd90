package fingerprint

import (
	"math/rand/v2"
	"slices"
	"strings"
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

func TestHabitsAreCountedInTrailsOfOthers(t *testing.T) {
	read := func(text string) *Trail {
		tr, err := ReadTrail(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	other := read(`{"established":true,"nodes":[{"id":"a","kind":"process","label":"c:\\x\\tool.exe [tool.exe -dump c:\\y.bin full]"},{"id":"b","kind":"process","label":"c:\\windows\\system32\\cmd.exe [cmd.exe /c dir]"}],
"edges":[{"from":"b","to":"a","kind":"started"}],"stages":[{"tactic":"execution","technique":"T1059"},{"tactic":"execution","technique":"T1003.001"},{"tactic":"execution","technique":"T1021.002"}]}`)
	all := Trails{other, read(`{"established":false,"stages":[{"technique":"T1059"}]}`), read(`{"established":true,"stages":[{"technique":"T1486"}]}`)}
	for _, x := range []struct {
		kind      Kind
		value     string
		shared, n int
	}{
		{CommandLine, "*tool.exe* -dump *.bin full", 1, 1}, {CommandLine, "*tool.exe* -send *", 0, 1}, {ProcessChain, "cmd.exe > tool.exe", 1, 1}, {ProcessChain, "cmd.exe > other.exe", 0, 1},
		{Sequence, "T1059 T1003.001 T1021.002 T1560", 1, 1}, {Sequence, "T1560 T1021.002 T1003.001 T1059", 0, 1}, {SHA256, hash, 0, 0},
	} {
		if shared, n := all.Shared(x.kind, x.value); shared != x.shared || n != x.n {
			t.Errorf("%s %q: shared by %d of %d, want %d of %d", x.kind, x.value, shared, n, x.shared, x.n)
		}
	}
	// Counting trails leaves the hosts as they were counted, and the other way round.
	f := &Fingerprint{Name: "x", Version: 1, Items: []Item{}}
	for _, it := range []Item{{Kind: Sequence, Value: "T1059 T1003.001 T1021.002 T1560"}, {Kind: CommandLine, Value: "*tool.exe* -dump *.bin full"}} {
		if err := f.Add(it); err != nil {
			t.Fatal(err)
		}
	}
	f.Rate(nil, population{50, nil})
	f.Rate(nil, all)
	for _, it := range f.Items {
		if s := it.Specificity; s.Hosts != 50 || s.Intrusions != 1 || s.Shared != 1 || it.Tier != NeverAlone {
			t.Errorf("%s is %s with %+v", it.Kind, it.Tier, s)
		}
	}
}

func TestGlobIsItsDefinition(t *testing.T) {
	var slow func(p, s string) bool
	slow = func(p, s string) bool {
		switch {
		case p == "":
			return s == ""
		case p[0] == '*':
			return slow(p[1:], s) || s != "" && slow(p, s[1:])
		}
		return s != "" && s[0] == p[0] && slow(p[1:], s[1:])
	}
	rng := rand.New(rand.NewPCG(7, 8))
	word := func(of string, n int) string {
		b := make([]byte, rng.IntN(n))
		for i := range b {
			b[i] = of[rng.IntN(len(of))]
		}
		return string(b)
	}
	for range 20_000 {
		if p, s := word("ab*", 7), word("ab", 9); glob(p, s) != slow(p, s) {
			t.Fatalf("%q %q: %v", p, s, glob(p, s))
		}
	}
}

func TestFirstActivityIsNotAStepThatStandsApart(t *testing.T) {
	tr, err := ReadTrail(strings.NewReader(`{"established":true,"implant":[{"name":"evil.exe"}],"nodes":[{"id":"a","kind":"process","label":"c:\\x\\evil.exe [evil.exe]"},{"id":"b","kind":"process","label":"c:\\windows\\explorer.exe"}],
"edges":[{"from":"b","to":"a","kind":"started","time":"2026-03-10T12:00:00Z"}],
"stages":[{"technique":"T1106","time":"2025-12-03T10:00:00Z"},{"technique":"T1566","time":"2026-03-08T09:00:00Z"},{"technique":"T1059","time":"2026-03-10T11:00:00Z"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := tr.First(); got != "2026-03-08T09:00:00Z" {
		t.Errorf("the first activity is %s", got)
	}
}
