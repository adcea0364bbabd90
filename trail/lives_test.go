package trail

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestProcessesOfAnIdAreThoseOfTheMoment holds the lists against a plain reading of what Finish says of process ids.
func TestProcessesOfAnIdAreThoseOfTheMoment(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	programs := []string{"", "a.exe", "b.exe"}
	for round := range 60 {
		g, err := NewGraph(Options{TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		node := func(kind Kind, host, value string) Node {
			key := appendKey(nil, kind, []byte(host), []byte(value))
			n, _, err := g.names.node(key, g.names.hash(key))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		// Two logs of the same starts: one names processes by GUID, one by id and start. Half of the starts are missing in each, and both are told again.
		type told struct {
			at      int64
			program string
			proc    Node
			started bool
			named   bool
		}
		var all []told
		var insts []instance
		pid, other := node(pidRef, "h", "40"), node(pidRef, "h", "44")
		named := map[string]Node{}
		for _, p := range programs[1:] {
			named[p] = node(pidRef, "h", "40 "+p)
		}
		for i := range 1 + rng.IntN(12) {
			at := int64(i+1)*10*second + int64(rng.UintN(4))
			program := programs[rng.IntN(len(programs))]
			guid := told{at, program, node(Process, "", fmt.Sprint("guid ", i)), rng.IntN(3) > 0, false}
			byID := told{at + int64(rng.IntN(3))*second, program, node(Process, "h", fmt.Sprint("40@", i)), true, true}
			for _, x := range []told{guid, byID} {
				for n := rng.IntN(3); n > 0; n-- {
					all = append(all, x)
					insts = append(insts, newInstance(pid, x.proc, x.at, programHash([]byte(x.program)), x.started, x.named))
					x.started = x.named // a process that is merely seen is seen again later
					if !x.named {
						x.at += second
					}
				}
			}
		}
		insts = append(insts, newInstance(other, node(Process, "", "other"), second, 0, true, false))
		rng.Shuffle(len(insts), func(i, j int) { insts[i], insts[j] = insts[j], insts[i] })
		g.instances = [][]instance{insts[:len(insts)/2], insts[len(insts)/2:]}
		g.meant = make([]uint32, g.names.limit())
		g.settlePids()
		g.settleMeant()

		// Each process once: at its logged start, else where it was first seen.
		slices.SortStableFunc(all, func(a, b told) int { return cmp.Or(cmp.Compare(a.at, b.at), boolInt(a.named)-boolInt(b.named)) })
		var once []told
		for _, x := range all {
			i := slices.IndexFunc(once, func(y told) bool { return y.proc == x.proc })
			if i < 0 {
				once = append(once, x)
			} else if x.started && !once[i].started {
				once[i].at, once[i].started = x.at, true
			}
		}
		for i := range once {
			once[i].at &^= atFlags
		}
		slices.SortStableFunc(once, func(a, b told) int { return cmp.Or(cmp.Compare(a.at, b.at), boolInt(a.named)-boolInt(b.named)) })
		same := map[Node]Node{} // the same start in the other log
		for i, x := range once {
			for _, y := range once[max(i-1, 0):min(i+2, len(once))] {
				if x.named && !y.named && y.started && abs(x.at-y.at) <= sameStart && same[x.proc] == noNode {
					same[x.proc] = y.proc
				}
			}
		}
		once = slices.DeleteFunc(once, func(x told) bool { return same[x.proc] != noNode })
		if len(once) > 0 && !once[0].started {
			once[0].at = math.MinInt64
		}
		during := func(n Node, at int64, program string) Node {
			found, first := n, true
			for _, x := range once {
				if program != "" && x.program != "" && x.program != program {
					continue
				}
				if x.at <= at+sameStart/2 || first && program != "" && !x.started {
					found = x.proc
				}
				first = false
			}
			return found
		}
		for at := int64(0); at < 140*second; at += second / 3 {
			if got, want := g.settled(pid, at), during(pid, at, ""); got != want {
				t.Fatalf("round %d: at %d s the id is %s, not %s of %v", round, at/second, g.names.key(got), g.names.key(want), once)
			}
			for program, n := range named {
				if got, want := g.settled(n, at), during(n, at, program); got != want {
					t.Fatalf("round %d: at %d s the id with %s is %s, not %s of %v", round, at/second, program, g.names.key(got), g.names.key(want), once)
				}
			}
		}
		for from, to := range same {
			if got := g.settled(from, 0); got != to {
				t.Fatalf("round %d: %s is not joined", round, g.names.key(from))
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
