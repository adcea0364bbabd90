package accuracy_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/contrail-ir/contrail/internal/accuracy"
	"github.com/contrail-ir/contrail/trail"
)

func TestTraceOfTheDrill(t *testing.T) {
	scores := map[string][]Score{}
	for _, seed := range seedRange(t) {
		root, truth := airline(t, seed)
		air := &truth.Airlines[0]
		starts := map[string][]trail.Start{"findings": nil}
		for name, r := range truth.Starts {
			starts[name] = at(r.Ref)
		}
		for name, id := range map[string]string{"control": "web-beacon", "middle": "app-service", "theft": "db-upload", "way in": "web-exploit", "desktop": "dc-desktop", "router": "router-hop"} {
			for i := range air.Actions {
				if a := &air.Actions[i]; a.ID == id {
					starts[name] = at(a.Refs[len(a.Refs)-1])
				}
			}
		}
		names := slices.Sorted(maps.Keys(starts))
		var from [][]trail.Start
		for _, name := range names {
			from = append(from, starts[name])
		}
		for _, d := range air.Decoys {
			from = append(from, at(d.Refs[0]))
		}
		all := sweepOf(t, root, 2, false).traces(t, from...)
		for i, name := range names {
			out := all[i]
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
		for i, d := range air.Decoys {
			if out := all[len(names)+i]; out.Established {
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
			root, truth := airline(t, seed)
			out := trace(t, only(t, root, x.logs...), 2)
			left := actions(&truth.Airlines[0], "")
			for i := range left {
				left[i].Refs = slices.DeleteFunc(left[i].Refs, func(r Ref) bool {
					return !slices.Contains(x.logs, strings.TrimSuffix(filepath.Base(r.File), ".evtx"))
				})
			}
			s := Judge(left, Claims(out))
			recall, precision = append(recall, s.Recall), append(precision, s.Precision)
			t.Logf("%v seed %d: recall %.3f precision %.3f missed %v wrong %d %v", x.logs, seed, s.Recall, s.Precision, s.Missed, len(s.Wrong), s.Wrong[:min(len(s.Wrong), 6)])
			if !out.Established {
				t.Errorf("%v seed %d: %s", x.logs, seed, out.Why)
			}
		}
		if Min(recall) < x.recall || Min(precision) < x.precision {
			t.Errorf("%v: recall %.3f, precision %.3f", x.logs, Min(recall), Min(precision))
		}
	}
}
