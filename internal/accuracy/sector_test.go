package accuracy_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/drill/intrusion"
	"github.com/contrail-ir/contrail/finding"
	. "github.com/contrail-ir/contrail/internal/accuracy"
	"github.com/contrail-ir/contrail/trail"
)

var write = flag.String("write", "", "file to write the figures of the sector to, as Markdown")

// Floors under what was measured, so that a clear loss is noticed. docs/trace-accuracy.md has the figures themselves.
const (
	recallFloor    = 0.85
	precisionFloor = 0.80
)

// TestTraceOfTheSector traces the first victim of every scenario from every start that the truth names, and holds the trails against
// it. The scenarios are other airlines, other hands, other formats than those the walk was developed on.
func TestTraceOfTheSector(t *testing.T) {
	if testing.Short() {
		t.Skip("writes and traces many airlines: left out by -short")
	}
	type cell struct{ recall, precision []float64 }
	cells := map[string]*cell{}
	established, lookalikes, wrongly := 0, 0, 0
	var failures []string
	for _, seed := range seedRange(t) {
		for _, scenario := range intrusion.Scenarios() {
			dir := filepath.Join(t.TempDir(), "sector")
			truth, err := drill.Sector(dir, drill.Options{Seed: seed, Scenario: scenario, Airlines: 1})
			if err != nil {
				t.Fatal(err)
			}
			air := &truth.Airlines[0]
			root := filepath.Join(dir, air.Folder, "evidence")
			for _, name := range slices.Sorted(maps.Keys(truth.Starts)) {
				start := truth.Starts[name]
				if start.Airline != air.Name {
					continue
				}
				out, _ := trace(t, root, 2, trail.Start{Ref: finding.Ref(start.Ref)})
				if strings.Contains(name, "lookalike") {
					lookalikes++
					if out.Established {
						wrongly++
						failures = append(failures, fmt.Sprintf("seed %d, %s, from %s: an intrusion was established", seed, scenario, name))
					}
					continue
				}
				s := Judge(actions(air, name), Claims(out))
				key := string(scenario) + " | " + name
				if cells[key] == nil {
					cells[key] = &cell{}
				}
				c := cells[key]
				c.recall, c.precision = append(c.recall, s.Recall), append(c.precision, s.Precision)
				if out.Established {
					established++
				} else {
					failures = append(failures, fmt.Sprintf("seed %d, %s, from %s: not established: %s", seed, scenario, name, out.Why))
				}
				if len(s.Missed) > 0 {
					failures = append(failures, fmt.Sprintf("seed %d, %s, from %s: missed %s", seed, scenario, name, strings.Join(s.Missed, ", ")))
				}
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	var md strings.Builder
	fmt.Fprintf(&md, "# Trace on the drill's sector\n\n`make accuracy SEEDS=%s`. First victims, small size, every scenario, every start that the truth names; the metric is that of\n`internal/accuracy`: recall over reachable actions by stage, precision over references by source.\n\n| scenario | start | recall median | min | precision median | min |\n|---|---|---|---|---|---|\n", *seeds)
	var recall, precision []float64
	for _, key := range slices.Sorted(maps.Keys(cells)) {
		c := cells[key]
		fmt.Fprintf(&md, "| %s | %.3f | %.3f | %.3f | %.3f |\n", key, Median(c.recall), Min(c.recall), Median(c.precision), Min(c.precision))
		recall, precision = append(recall, c.recall...), append(precision, c.precision...)
	}
	fmt.Fprintf(&md, "| **all** | | %.3f | %.3f | %.3f | %.3f |\n\n", Median(recall), Min(recall), Median(precision), Min(precision))
	fmt.Fprintf(&md, "Established: %d of %d traces. Lookalike starts wrongly established: %d of %d.\n\n## Failures\n\n", established, len(recall), wrongly, lookalikes)
	for _, f := range failures {
		fmt.Fprintf(&md, "- %s\n", f)
	}
	t.Log(md.String())
	if *write != "" {
		if err := os.WriteFile(*write, []byte(md.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if len(recall) == 0 || Median(recall) < recallFloor || Median(precision) < precisionFloor {
		t.Errorf("below the floor: median recall %.3f, median precision %.3f", Median(recall), Median(precision))
	}
}
