package observed

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/growth"
	"github.com/contrail-ir/contrail/match/ioc/observed/reference"
	"github.com/contrail-ir/contrail/stix/pattern"
)

func plan(t testing.TB, text string) *Plan {
	t.Helper()
	e, err := pattern.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(e, partOf)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestQualifiersBindAsTheSpecificationSays walks through its examples. Each digit is an observation of that part, a second after the one
// before; "x" is a second in which nothing happens, and what stands in parentheses happens at once.
func TestQualifiersBindAsTheSpecificationSays(t *testing.T) {
	for _, c := range []struct {
		pattern, seen string
		found         int
	}{
		{"[x:a = 0] FOLLOWEDBY [x:a = 1] REPEATS 3 TIMES", "0111", 1},
		{"[x:a = 0] FOLLOWEDBY [x:a = 1] REPEATS 3 TIMES", "1011", 0}, // REPEATS is only about the second
		{"([x:a = 0] AND [x:a = 1]) REPEATS 2 TIMES", "0011", 1},      // two of each, in any order
		{"([x:a = 0] AND [x:a = 1]) REPEATS 2 TIMES", "0001", 0},
		{"([x:a = 0] FOLLOWEDBY [x:a = 1]) REPEATS 2 TIMES", "0110", 0},
		{"([x:a = 0] FOLLOWEDBY [x:a = 1]) REPEATS 2 TIMES", "0101", 1},
		{"[x:a = 0] OR [x:a = 1] AND [x:a = 2]", "1x0", 1},           // AND binds tighter than OR
		{"[x:a = 0] OR [x:a = 1] FOLLOWEDBY [x:a = 2]", "0xx", 0},    // and OR tighter than FOLLOWEDBY
		{"[x:a = 0] AND [x:a = 1] WITHIN 1 SECONDS", "0xxxx1", 1},    // the window is about the second alone
		{"([x:a = 0] AND [x:a = 1]) WITHIN 2 SECONDS", "0x1", 0},     // as far apart as the window is too far
		{"([x:a = 0] AND [x:a = 1]) WITHIN 2.001 SECONDS", "0x1", 1}, // and less is not
		{"[x:a = 0] REPEATS 3 TIMES WITHIN 3 SECONDS", "0x00x00", 0},
		{"[x:a = 0] REPEATS 3 TIMES WITHIN 3 SECONDS", "0x00x000", 1},
		{"[x:a = 0] REPEATS 2 TIMES REPEATS 2 TIMES", "000", 0},
		{"[x:a = 0] FOLLOWEDBY [x:a = 1]", "10", 0},
		{"[x:a = 0] FOLLOWEDBY [x:a = 1]", "(10)", 1}, // at the same time is late enough, whichever is read first
		{"[x:a = 0] FOLLOWEDBY ([x:a = 1] AND [x:a = 2])", "102", 0},
		{"[x:a = 0] AND [x:a = 0]", "0", 0}, // different observations
		{"[x:a = 0] START t'1970-01-01T00:00:01Z' STOP t'1970-01-01T00:00:03Z'", "0000", 2},
		{"[x:a = 0] FOLLOWEDBY [x:a = 1]", "010101", 3},
	} {
		var all []reference.Seen
		now, at := int64(0), int64(1e9)
		for _, d := range c.seen {
			switch d {
			case '(':
				at = 0
			case ')':
				at = 1e9
			default:
				if d != 'x' {
					all = append(all, reference.Seen{Time: now, Fits: 1 << (d - '0')})
				}
				now += at
			}
		}
		if n := agree(t, c.pattern, all); n != c.found {
			t.Errorf("%s in %s: %d matches, want %d", c.pattern, c.seen, n, c.found)
		}
	}
}

// TestPatternsOutOfBoundsAreRefused: what REPEATS asks for is bounded, and the message says by what.
func TestPatternsOutOfBoundsAreRefused(t *testing.T) {
	for _, text := range []string{"[x:a = 0] REPEATS 9223372036854775807 TIMES", "[x:a = 0] REPEATS 90000 TIMES REPEATS 90000 TIMES", "([x:a = 0] FOLLOWEDBY [x:a = 1]) REPEATS 900000000 TIMES",
		"[x:a = 0]" + strings.Repeat(" FOLLOWEDBY [x:a = 0]", 300)} {
		e, err := pattern.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Compile(e, partOf); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%.80s: %v", text, err)
		}
	}
	if least, most := plan(t, "[x:a = 0] OR ([x:a = 1] AND [x:a = 2]) REPEATS 4 TIMES").Observations(); least != 1 || most != 8 {
		t.Errorf("a match has %d to %d observations", least, most)
	}
}

// TestJoinerGrowsWithTheObservations: twice as many observations cost about twice as much, however they come.
func TestJoinerGrowsWithTheObservations(t *testing.T) {
	for _, text := range []string{
		"[x:a = 0] REPEATS 5000 TIMES WITHIN 1 SECONDS",
		"([x:a = 0] FOLLOWEDBY [x:a = 1] FOLLOWEDBY [x:a = 3]) WITHIN 100 SECONDS",
		"([x:a = 0] REPEATS 30 TIMES AND [x:a = 1] REPEATS 20 TIMES AND [x:a = 3]) WITHIN 100 SECONDS",
		"(([x:a = 0] FOLLOWEDBY [x:a = 1]) WITHIN 5 SECONDS AND ([x:a = 1] FOLLOWEDBY [x:a = 0]) WITHIN 9 SECONDS AND [x:a = 3]) WITHIN 1000 SECONDS",
	} {
		p := plan(t, text)
		growth.Linear(t, text, 500, func(n int) func() {
			return func() {
				r := rand.New(rand.NewPCG(1, uint64(n)))
				j := p.Joiner()
				for i := range n {
					o := &Observation{Time: int64(i) * 1e8, Nth: uint64(i)}
					part := r.IntN(2)
					j.Add(o, part)
					if i%3 == 0 {
						j.Add(o, 1-part)
					}
				}
			}
		})
	}
}

// TestWaysAreBounded: a pattern whose parts all fit all observations has more ways to a match than can be kept. What is kept stays
// within the bound, and that something was given up is told.
func TestWaysAreBounded(t *testing.T) {
	var terms []string
	for i := range 24 {
		terms = append(terms, fmt.Sprintf("([x:a = %d] FOLLOWEDBY [x:a = %d])", i, i+1))
	}
	e, err := pattern.Parse("(" + strings.Join(terms, " AND ") + ") WITHIN 1000 SECONDS")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(e, partOf)
	if err != nil {
		t.Fatal(err)
	}
	j := p.Joiner()
	for i := range 40 {
		o := &Observation{Time: int64(i) * 1e9, Nth: uint64(i)}
		for part := range 25 {
			j.Add(o, part)
		}
		if len(j.ways) > 2*maxWays {
			t.Fatalf("%d ways", len(j.ways))
		}
	}
	if j.Lost().Ways == 0 {
		t.Error("nothing was given up: the test tests nothing")
	}
}
