package accuracy_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	. "github.com/contrail-ir/contrail/internal/accuracy"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/rules"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

var seeds = flag.String("seeds", "1-1", "seeds of the drill: FROM-TO")

func seedRange(t *testing.T) (out []uint64) {
	from, to, _ := strings.Cut(*seeds, "-")
	a, err := strconv.ParseUint(from, 10, 64)
	b, err2 := strconv.ParseUint(to, 10, 64)
	if err != nil || err2 != nil {
		t.Fatalf("-seeds %q: want FROM-TO", *seeds)
	}
	for ; a <= b; a++ {
		out = append(out, a)
	}
	return out
}

// airlines are written once for all tests of a run.
var airlines struct {
	sync.Mutex
	dir   string
	truth map[uint64]drill.Truth
}

func TestMain(m *testing.M) {
	code := m.Run()
	if airlines.dir != "" {
		os.RemoveAll(airlines.dir)
	}
	os.Exit(code)
}

// airline gives the one-airline drill of a seed: the folder of its evidence and the truth.
func airline(t *testing.T, seed uint64) (string, drill.Truth) {
	t.Helper()
	airlines.Lock()
	defer airlines.Unlock()
	if airlines.dir == "" {
		dir, err := os.MkdirTemp("", "contrail-accuracy-")
		if err != nil {
			t.Fatal(err)
		}
		airlines.dir, airlines.truth = dir, map[uint64]drill.Truth{}
	}
	dir := filepath.Join(airlines.dir, fmt.Sprint(seed))
	if _, ok := airlines.truth[seed]; !ok {
		truth, err := drill.Airline(t.Context(), dir, drill.Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		airlines.truth[seed] = truth
	}
	return filepath.Join(dir, "evidence"), airlines.truth[seed]
}

// tap lets a graph see a sweep.
type tap struct{ graph *trail.Graph }

func (tap) Needs() event.Needs           { return trail.Needs() }
func (t tap) Tapper(string) sweep.Tapper { return t.graph.Collect() }

// collected is what a sweep found.
type collected struct {
	findings []finding.Finding
	result   *sweep.Result
}

func (c *collected) Finding(f *finding.Finding) error {
	c.findings = append(c.findings, *f)
	return nil
}
func (c *collected) End(r *sweep.Result) error { c.result = r; return nil }

// swept is a folder's evidence after one sweep: a graph of it, which can be asked once, its findings, and what trivial baselines count.
type swept struct {
	collected
	graph *trail.Graph
	rows  *rows // nil unless asked for
}

// Needs and Tapper let the graph, and the rows if they are asked for, see every event.
func (c *swept) Needs() event.Needs {
	if c.rows == nil {
		return trail.Needs()
	}
	graph := trail.Needs()
	return event.Always(func(s event.Source) event.Want { return c.rows.want(graph.Of(s)) })
}

func (c *swept) Tapper(string) sweep.Tapper {
	if c.rows == nil {
		return c.graph.Collect()
	}
	return both{c.graph.Collect(), c.rows}
}

// both hands a batch on to two.
type both struct{ one, other sweep.Tapper }

func (b both) Batch(file string, x *event.Batch) error {
	if err := b.one.Batch(file, x); err != nil {
		return err
	}
	return b.other.Batch(file, x)
}

func (b both) Flush() error {
	if err := b.one.Flush(); err != nil {
		return err
	}
	return b.other.Flush()
}

var shipped = sync.OnceValue(func() *match.Set {
	set, _ := match.Load(match.Question{BuiltIn: rules.FS})
	return set
})

// sweepOf sweeps a folder with the rules that come with Contrail.
func sweepOf(t testing.TB, root string, threads int, withRows bool) *swept {
	t.Helper()
	g, err := trail.NewGraph(trail.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	c := &swept{graph: g}
	if withRows {
		c.rows = &rows{n: map[string]int{}}
	}
	q := sweep.Question{Roots: []evidence.Root{{Org: "a", Path: root}}, Formats: evidence.Formats(), Rules: shipped(), TempDir: t.TempDir(), Tap: c, Threads: threads, NoEvent: true}
	if err := sweep.Run(context.Background(), q, c, nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// traces follows from each of the starts; no start is the findings.
func (c *swept) traces(t testing.TB, starts ...[]trail.Start) []*trail.Trail {
	t.Helper()
	var all []trail.Question
	for _, from := range starts {
		all = append(all, trail.Question{Org: "a", From: from, Findings: c.findings, Coverage: c.result.Certificate})
	}
	out, err := trail.TraceEach(c.graph, all...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// trace sweeps a folder and follows from the findings.
func trace(t testing.TB, root string, threads int) *trail.Trail {
	t.Helper()
	return sweepOf(t, root, threads, false).traces(t, nil)[0]
}

func at(r drill.Ref) []trail.Start { return []trail.Start{{Ref: finding.Ref(r)}} }

// actions gives what there is to find from a start; "" is all.
func actions(a *drill.AirlineTruth, start string) (out []Action) {
	for _, x := range a.Actions {
		y := Action{ID: x.ID, Stage: x.Stage, Reachable: start == "" || x.Reachable[start]}
		for _, r := range x.Refs {
			y.Refs = append(y.Refs, Ref(r))
		}
		out = append(out, y)
	}
	return out
}
