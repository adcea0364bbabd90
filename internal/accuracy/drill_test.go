package accuracy_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

// tap lets a graph see a sweep.
type tap struct{ graph *trail.Graph }

func (tap) Needs() event.Needs           { return trail.Needs() }
func (t tap) Tapper(string) sweep.Tapper { return t.graph.Collect() }

type collected struct {
	findings []finding.Finding
	result   *sweep.Result
}

func (c *collected) Finding(f *finding.Finding) error {
	c.findings = append(c.findings, *f)
	return nil
}
func (c *collected) End(r *sweep.Result) error { c.result = r; return nil }

// trace sweeps a folder and follows from the starts.
func trace(t testing.TB, root string, threads int, starts ...trail.Start) (*trail.Trail, *collected) {
	t.Helper()
	set, _ := match.Load(match.Question{BuiltIn: rules.FS})
	g, err := trail.NewGraph(trail.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	var c collected
	q := sweep.Question{Roots: []evidence.Root{{Org: "a", Path: root}}, Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), Tap: tap{g}, Threads: threads, NoEvent: true}
	if err := sweep.Run(context.Background(), q, &c, nil); err != nil {
		t.Fatal(err)
	}
	out, err := trail.Trace(g, trail.Question{Org: "a", From: starts, Findings: c.findings, Coverage: c.result.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	return out, &c
}

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

func TestTraceOfTheDrill(t *testing.T) {
	scores := map[string][]Score{}
	for _, seed := range seedRange(t) {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(seed))
		truth, err := drill.Airline(dir, drill.Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		air := &truth.Airlines[0]
		root := filepath.Join(dir, "evidence")
		starts := map[string][]trail.Start{"findings": nil}
		for name, r := range truth.Starts {
			starts[name] = []trail.Start{{Ref: finding.Ref(r.Ref)}}
		}
		for name, id := range map[string]string{"control": "web-beacon", "middle": "app-service", "theft": "db-upload", "way in": "web-exploit", "desktop": "dc-desktop", "router": "router-hop"} {
			for i := range air.Actions {
				if a := &air.Actions[i]; a.ID == id {
					starts[name] = []trail.Start{{Ref: finding.Ref(a.Refs[len(a.Refs)-1])}}
				}
			}
		}
		for name, s := range starts {
			out, _ := trace(t, root, 2, s...)
			known := name
			if _, ok := truth.Starts[name]; !ok {
				known = "" // links of causes hold in either direction: what is reached from one action is reached from all
			}
			score := Judge(actions(air, known), Claims(out))
			scores[name] = append(scores[name], score)
			if score.Recall < 1 || score.Precision < 1 || !out.Established {
				t.Logf("seed %d from %s: recall %.3f (all %.3f) precision %.3f established %t, %d edges; missed %v; wrong %d: %v", seed, name, score.Recall, score.All, score.Precision, out.Established, len(out.Edges), score.Missed, len(score.Wrong), score.Wrong[:min(len(score.Wrong), 12)])
			}
			if !out.Established {
				t.Errorf("seed %d from %s: %s", seed, name, out.Why)
			}
		}
		for _, d := range air.Decoys {
			out, _ := trace(t, root, 2, trail.Start{Ref: finding.Ref(d.Refs[0])})
			if out.Established {
				t.Errorf("seed %d from the decoy %q: an intrusion was established: %s", seed, d.What, out.Why)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(scores)) {
		all := scores[name]
		var recall, precision []float64
		for _, s := range all {
			recall, precision = append(recall, s.Recall), append(precision, s.Precision)
		}
		t.Logf("from %s over %d seeds: recall median %.3f min %.3f; precision median %.3f min %.3f", name, len(all), Median(recall), Min(recall), Median(precision), Min(precision))
		if slices.Min(recall) < 0.9 || slices.Min(precision) < 0.85 {
			t.Errorf("from %s: below the floor", name)
		}
	}
}

// only copies the named logs of every host.
func only(t *testing.T, from string, logs ...string) string {
	t.Helper()
	to := t.TempDir()
	for _, log := range logs {
		all, err := filepath.Glob(filepath.Join(from, "*", log+".evtx"))
		if err != nil || len(all) == 0 {
			t.Fatalf("no %s in %s: %v", log, from, err)
		}
		for _, path := range all {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(to, filepath.Base(filepath.Dir(path)))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}

// TestTraceWithFewerLogs drops channels. What the remaining logs cannot show is no miss: recall is over the actions that left a record in them.
func TestTraceWithFewerLogs(t *testing.T) {
	for _, x := range []struct {
		logs              []string
		recall, precision float64
	}{
		{[]string{"Security"}, 0.6, 0.85},
		{[]string{"Security", "System"}, 0.6, 0.85},
		{[]string{"Microsoft-Windows-Sysmon%4Operational"}, 0.85, 0.85},
	} {
		var recall, precision []float64
		for _, seed := range seedRange(t) {
			dir := filepath.Join(t.TempDir(), fmt.Sprint(seed))
			truth, err := drill.Airline(dir, drill.Options{Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			out, _ := trace(t, only(t, filepath.Join(dir, "evidence"), x.logs...), 2)
			left := actions(&truth.Airlines[0], "")
			for i := range left {
				left[i].Refs = slices.DeleteFunc(left[i].Refs, func(r Ref) bool {
					return !slices.Contains(x.logs, strings.TrimSuffix(filepath.Base(r.File), ".evtx"))
				})
			}
			s := Judge(left, Claims(out))
			recall, precision = append(recall, s.Recall), append(precision, s.Precision)
			t.Logf("%v seed %d: recall %.3f precision %.3f missed %v wrong %d %v", x.logs, seed, s.Recall, s.Precision, s.Missed, len(s.Wrong), s.Wrong[:min(len(s.Wrong), 6)])
		}
		if Min(recall) < x.recall || Min(precision) < x.precision {
			t.Errorf("%v: recall %.3f, precision %.3f", x.logs, Min(recall), Min(precision))
		}
	}
}
