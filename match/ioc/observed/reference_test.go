package observed

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/ioc/observed/reference"
	"github.com/contrail-ir/contrail/stix/pattern"
)

const parts = 4

// partOf reads the number of a test's [ … ]: [x:a = 2].
func partOf(o *pattern.Observation) int { return int(o.Test.(*pattern.Test).Value.Int) }

// agree holds a joiner against the specification, for observations in order of time. It gives the number of matches, -1 when the joiner
// says that it gave some up.
func agree(t *testing.T, text string, all []reference.Seen) (found int) {
	t.Helper()
	e, err := pattern.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	p, err := Compile(e, partOf)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	j := p.Joiner()
	from := 0
	for i, s := range all {
		var want []uint32
		for _, set := range reference.Matches(e, all[from:i+1], partOf) {
			want = append(want, set<<from)
		}
		o := &Observation{Time: s.Time, Nth: uint64(i), Of: i}
		var got []*Observation
		for part := range parts {
			if s.Fits>>part&1 == 1 {
				if m := j.Add(o, part); m != nil {
					if got != nil {
						t.Fatalf("%s: two matches at %d of %v", text, i, all)
					}
					got = m
				}
			}
		}
		set := uint32(0)
		for _, o := range got {
			set |= 1 << o.Of.(int)
		}
		if got == nil && want != nil && j.Lost().Ways > 0 {
			return -1 // it says so, and what it told before is right
		}
		if len(got) != bits.OnesCount32(set) || (got == nil) != (want == nil) || got != nil && !slices.Contains(want, set) {
			t.Fatalf("%s\nof %v from %d: at %d\ngot  %b\nwant one of %b", text, all, from, i, set, want)
		}
		if got != nil {
			found++
			from = i + 1
		}
	}
	return found
}

// invent makes a pattern of a depth, and observations for it, of what choose gives: a number below n.
func invent(choose func(n int) int, depth int) string {
	if depth == 0 || choose(4) == 0 {
		text := fmt.Sprintf("[x:a = %d]", choose(parts))
		if choose(3) == 0 {
			text += fmt.Sprintf(" REPEATS %d TIMES", 2+choose(2))
		}
		return text
	}
	var terms []string
	for range 2 + choose(2) {
		terms = append(terms, invent(choose, depth-1))
	}
	text := "(" + strings.Join(terms, []string{" AND ", " OR ", " FOLLOWEDBY "}[choose(3)]) + ")"
	for range choose(3) {
		switch choose(4) {
		case 0, 1:
			text += " WITHIN " + []string{"1", "2", "3", "1.5", "4"}[choose(5)] + " SECONDS"
		case 2:
			text += " REPEATS 2 TIMES"
		default:
			at := func(n int) string { return time.Unix(int64(n), 0).UTC().Format("t'2006-01-02T15:04:05Z'") }
			from := choose(4)
			text += " START " + at(from) + " STOP " + at(from+1+choose(5))
		}
	}
	return text
}

func inventSeen(choose func(n int) int) (all []reference.Seen) {
	now := int64(0)
	untimed := choose(6) == 0
	for range 3 + choose(7) {
		s := reference.Seen{Time: now, Fits: 1 << choose(parts)}
		for range choose(3) {
			s.Fits |= 1 << choose(parts)
		}
		if untimed {
			s.Time = event.NoTime
			untimed = choose(2) == 0
		} else {
			now += int64(choose(3)) * 5e8
		}
		all = append(all, s)
	}
	return all
}

func TestJoinerAgreesWithTheSpecification(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	rounds := 12_000
	if testing.Short() {
		rounds = 2_500
	}
	found, lost := 0, 0
	for range rounds {
		text := invent(r.IntN, 2)
		if strings.Count(text, "REPEATS") > 4 {
			continue
		}
		switch n := agree(t, text, inventSeen(r.IntN)); {
		case n > 0:
			found++
		case n < 0:
			lost++
		}
	}
	if lost > rounds/1000 {
		t.Errorf("%d of %d patterns were given up", lost, rounds)
	}
	if found < rounds/10 {
		t.Errorf("only %d of %d patterns matched: the test tests little", found, rounds)
	}
}

func FuzzJoiner(f *testing.F) {
	f.Add([]byte("a long text that stands for a pattern and for observations"))
	f.Fuzz(func(t *testing.T, b []byte) {
		choose := func(n int) int {
			if len(b) == 0 {
				return 0
			}
			c := int(b[0])
			b = b[1:]
			return c % n
		}
		if text := invent(choose, 2); strings.Count(text, "REPEATS") <= 4 {
			agree(t, text, inventSeen(choose))
		}
	})
}
