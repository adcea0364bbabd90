package accuracy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	. "github.com/contrail-ir/contrail/internal/accuracy"
	"github.com/contrail-ir/contrail/internal/accuracy/stranger"
	"github.com/contrail-ir/contrail/trail"
)

// TestTraceOfCasesByAnotherHand holds the trace against cases that its authors' drill did not write: what it must reach from every start, what it must name,
// and that innocent work stays innocent. What it is known to miss is listed in docs/accuracy.md.
func TestTraceOfCasesByAnotherHand(t *testing.T) {
	t.Parallel()
	var recall, precision []float64
	for i, c := range stranger.Cases() {
		if testing.Short() && i%3 != 0 {
			continue
		}
		dir := t.TempDir()
		truth, err := c.Write(dir)
		if err != nil {
			t.Fatal(c.Name, err)
		}
		names := slices.Sorted(maps.Keys(truth.Starts))
		var starts [][]trail.Start
		for _, name := range names {
			if truth.Starts[name] == "" {
				starts = append(starts, nil)
				continue
			}
			s, err := trail.ParseStart(truth.Starts[name])
			if err != nil {
				t.Fatal(err)
			}
			starts = append(starts, []trail.Start{s})
		}
		for i, out := range sweepOf(t, dir, 2, false).traces(t, starts...) {
			switch {
			case truth.Innocent && out.Established:
				t.Errorf("%s, from %s: an intrusion was established: %s", c.Name, names[i], out.Why)
			case truth.Innocent:
			case !out.Established:
				t.Errorf("%s, from %s: %s", c.Name, names[i], out.Why)
			default:
				s := Judge(stepsOf(truth), Claims(out))
				recall, precision = append(recall, s.Recall), append(precision, s.Precision)
				if s.Recall < minFloor || s.Precision < minFloor {
					t.Errorf("%s, from %s: recall %.3f, precision %.3f; missed %v, wrong %v", c.Name, names[i], s.Recall, s.Precision, s.Missed, s.Wrong)
				}
				if len(s.Missed) > 0 {
					t.Logf("%s, from %s: missed %v", c.Name, names[i], s.Missed)
				}
				checkNamed(t, c.Name+", from "+names[i], truth, out)
			}
		}
	}
	t.Logf("%d traces: recall median %.3f, least %.3f; precision median %.3f, least %.3f", len(recall), Median(recall), Min(recall), Median(precision), Min(precision))
	if Median(recall) < recallFloor || Median(precision) < precisionFloor {
		t.Errorf("median recall %.3f, precision %.3f", Median(recall), Median(precision))
	}
}

func stepsOf(truth *stranger.Truth) (out []Action) {
	for _, name := range slices.Sorted(maps.Keys(truth.Steps)) {
		stage, _, _ := strings.Cut(name, "/")
		a := Action{ID: name, Stage: stage, Reachable: true}
		for _, r := range truth.Steps[name] {
			a.Refs = append(a.Refs, Ref(r))
		}
		out = append(out, a)
	}
	return out
}

// checkNamed says what a trace should have named and did not.
func checkNamed(t *testing.T, where string, truth *stranger.Truth, out *trail.Trail) {
	t.Helper()
	for _, want := range truth.Implant {
		if !slices.ContainsFunc(out.Implant, func(i trail.Implant) bool { return strings.EqualFold(i.Name, want) }) {
			t.Errorf("%s: the implant %s is not named", where, want)
		}
	}
	for _, want := range truth.Outside {
		if !slices.ContainsFunc(out.Infrastructure, func(p trail.Place) bool { return p.Value == want }) {
			t.Errorf("%s: %s is not named", where, want)
		}
	}
	for _, want := range truth.Archives {
		if !slices.ContainsFunc(out.Staged, func(s trail.Staged) bool { return strings.HasSuffix(s.Path, want) }) {
			t.Errorf("%s: the archive %s is not named", where, want)
		}
	}
	for _, step := range truth.WayIn {
		for _, r := range truth.Steps[step] {
			if slices.Contains(out.Access.Refs, trail.Ref{File: r.File, Record: r.Record, Role: trail.Intrusion}) {
				return
			}
		}
	}
	if len(truth.WayIn) > 0 {
		t.Errorf("%s: the way in rests on nothing of %v: %s", where, truth.WayIn, out.Access.Text)
	}
}
