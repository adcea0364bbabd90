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
	. "github.com/contrail-ir/contrail/internal/accuracy"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/trail"
)

var write = flag.String("write", "", "file to write the figures of the sector to, as Markdown")

// Floors under what was measured, so that a clear loss is noticed. docs/trace-accuracy.md has the figures themselves.
const (
	recallFloor    = 0.95 // median
	precisionFloor = 0.90 // median
	minFloor       = 0.80 // of each trace, both
)

// sectorScores are the outcomes of many first victims.
type sectorScores struct {
	recall, precision map[string][]float64 // by scenario and start, and by trivial baseline
	established       int
	traces            int
	lookalikes        int
	failures          []string // to be told
	wrong             []string // that fail the test
}

func newSectorScores() *sectorScores {
	return &sectorScores{recall: map[string][]float64{}, precision: map[string][]float64{}}
}

func (x *sectorScores) add(key string, s Score) {
	x.recall[key] = append(x.recall[key], s.Recall)
	x.precision[key] = append(x.precision[key], s.Precision)
}

func (x *sectorScores) fail(format string, args ...any) {
	x.wrong = append(x.wrong, fmt.Sprintf(format, args...))
}

const trivialKey = "trivial: "

// victim writes the first victim of a scenario, traces it from every start that the truth names and from its findings, and scores the trails.
func (x *sectorScores) victim(t *testing.T, seed uint64, scenario intrusion.Scenario) {
	dir := filepath.Join(t.TempDir(), "sector")
	defer os.RemoveAll(dir)
	truth, err := drill.Sector(t.Context(), dir, drill.Options{Seed: seed, Scenario: scenario, Airlines: 1})
	if err != nil {
		t.Fatal(err)
	}
	air := &truth.Airlines[0]
	c := sweepOf(t, filepath.Join(dir, air.Folder, "evidence"), 2, true)
	defer c.graph.Close()
	names := append(slices.Sorted(maps.Keys(truth.Starts)), "findings")
	var from [][]trail.Start
	for _, name := range names {
		if name == "findings" {
			from = append(from, nil)
		} else {
			from = append(from, at(truth.Starts[name].Ref))
		}
	}
	var ours Score
	for i, out := range c.traces(t, from...) {
		where := fmt.Sprintf("seed %d, %s, from %s", seed, scenario, names[i])
		if strings.Contains(names[i], "lookalike") {
			x.lookalikes++
			if out.Established {
				x.fail("%s: an intrusion was established: %s", where, out.Why)
			}
			continue
		}
		known := names[i]
		if known == "findings" {
			known = "first-alert" // what one record of the intruder reaches, all of them do
		}
		s := Judge(actions(air, known), Claims(out))
		x.add(string(scenario)+" | "+names[i], s)
		x.traces++
		if out.Established {
			x.established++
		} else {
			x.fail("%s: not established: %s", where, out.Why)
		}
		if len(s.Missed) > 0 {
			x.failures = append(x.failures, fmt.Sprintf("%s: missed %s", where, strings.Join(s.Missed, ", ")))
		}
		if s.Recall < minFloor || s.Precision < minFloor {
			x.fail("%s: below the floor: recall %.3f, precision %.3f", where, s.Recall, s.Precision)
		}
		x.named(where, out, air)
		ours = s
	}
	for name, claims := range c.trivial(air) {
		s := Judge(actions(air, "first-alert"), claims)
		x.add(trivialKey+name, s)
		if near(s, ours) {
			x.fail("seed %d, %s: %s comes within ten points of trace", seed, scenario, name)
		}
	}
}

// named says whether a trail names the implant and all names and addresses of the intruder, and no implant that is innocent work's.
func (x *sectorScores) named(where string, out *trail.Trail, air *drill.AirlineTruth) {
	var implants []string
	for _, path := range air.Indicators["path"] {
		implants = append(implants, strings.ToLower(path[strings.LastIndexByte(path, '\\')+1:]))
	}
	if len(out.Implant) == 0 || !slices.Contains(implants, out.Implant[0].Name) {
		x.fail("%s: the implant is not named", where)
	}
	for _, i := range out.Implant {
		if !slices.Contains(implants, i.Name) {
			x.failures = append(x.failures, fmt.Sprintf("%s: %s is called an implant", where, i.Name))
		}
	}
	for _, kind := range []string{"domain", "ip"} {
		for _, v := range air.Indicators[kind] {
			if !slices.ContainsFunc(out.Infrastructure, func(p trail.Place) bool { return p.Value == v }) {
				x.failures = append(x.failures, fmt.Sprintf("%s: %s is not named", where, v))
			}
		}
	}
}

// TestTraceOfTheSector traces the first victim of every scenario from every start that the truth names, and holds the trails against
// it. The scenarios are other airlines, other hands, other formats than those the walk was developed on.
func TestTraceOfTheSector(t *testing.T) {
	require.Time(t, "traces every scenario of the sector; the traces of one airline run the same beside each other")
	scenarios := intrusion.Scenarios()
	x := newSectorScores()
	for _, seed := range seedRange(t) {
		for _, scenario := range scenarios {
			x.victim(t, seed, scenario)
		}
	}
	md, recall, precision := x.markdown()
	t.Log(md)
	if *write != "" {
		if err := os.WriteFile(*write, []byte(md), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range x.wrong {
		t.Error(w)
	}
	if len(recall) == 0 || Median(recall) < recallFloor || Median(precision) < precisionFloor {
		t.Errorf("below the floor: median recall %.3f, median precision %.3f", Median(recall), Median(precision))
	}
	if x.lookalikes == 0 {
		t.Error("no look-alike was asked about")
	}
}

// markdown tells the scores, and gives those of all traces.
func (x *sectorScores) markdown() (md string, recall, precision []float64) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Trace on the drill's sector\n\n`make accuracy SEEDS=%s`. First victims, small size, every scenario, every start that the truth names, and `findings`: no start, the sweep's own;\nthe metric is that of `internal/accuracy`: recall over reachable actions by stage, precision over references by source.\n\n| scenario | start | recall median | min | precision median | min |\n|---|---|---|---|---|---|\n", *seeds)
	row := func(name, key string) {
		fmt.Fprintf(&b, "| %s | %.3f | %.3f | %.3f | %.3f |\n", name, Median(x.recall[key]), Min(x.recall[key]), Median(x.precision[key]), Min(x.precision[key]))
	}
	keys := slices.Sorted(maps.Keys(x.recall))
	for _, key := range keys {
		if !strings.HasPrefix(key, trivialKey) {
			row(key, key)
			recall, precision = append(recall, x.recall[key]...), append(precision, x.precision[key]...)
		}
	}
	fmt.Fprintf(&b, "| **all** | | %.3f | %.3f | %.3f | %.3f |\n\n", Median(recall), Min(recall), Median(precision), Min(precision))
	wrongly := 0
	for _, w := range x.wrong {
		if strings.Contains(w, "lookalike") {
			wrongly++
		}
	}
	fmt.Fprintf(&b, "Established: %d of %d traces. Look-alike starts (an administrator's night work, a penetration test) wrongly established: %d of %d.\n\n", x.established, x.traces, wrongly, x.lookalikes)
	b.WriteString("What needs no trail, by the same metric on the same evidence; all must stay more than ten points below in recall or precision:\n\n| baseline | recall median | max | precision median | max |\n|---|---|---|---|---|\n")
	for _, key := range keys {
		if name, ok := strings.CutPrefix(key, trivialKey); ok {
			fmt.Fprintf(&b, "| %s | %.3f | %.3f | %.3f | %.3f |\n", name, Median(x.recall[key]), slices.Max(x.recall[key]), Median(x.precision[key]), slices.Max(x.precision[key]))
		}
	}
	b.WriteString("\n## Failures\n\n")
	for _, f := range append(slices.Clone(x.wrong), x.failures...) {
		fmt.Fprintf(&b, "- %s\n", f)
	}
	if len(x.wrong)+len(x.failures) == 0 {
		b.WriteString("None.\n")
	}
	return b.String(), recall, precision
}
