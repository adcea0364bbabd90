package reference_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
)

func TestEngineCorrelationVectors(t *testing.T) {
	var vectors []correlationVector
	load(t, "testdata/correlation.yaml", &vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			got, want := engineAlerts(t, &v), v.Alerts
			for i, a := range want { // the engine's references are all hits of the window
				want[i], _, _ = strings.Cut(a, ":")
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
			}
		})
	}
}

// engineAlerts gives the findings without their references, or "rejected".
func engineAlerts(t *testing.T, v *correlationVector) []string {
	t.Helper()
	set, refused := sigma.Compile(sigma.Parse("", v.text(t)), sigma.Options{})
	if (len(refused) > 0) != v.Rejected {
		return []string{"rejected: " + refused[0].Error()}
	}
	var hits []sigma.Hit
	for i, f := range v.Events {
		ns, f := timed(f)
		b := event.NewBuilder(testSource)
		b.Row(ns, 0, 0, nil)
		f.each(func(n, v string) { b.Text(b.Field(n), []byte(v)) }, func(n string) { b.Null(b.Field(n)) })
		batch := b.Batch()
		err := set.Scanner().Scan(batch, func(row int, rule event.RuleIndex) {
			hits = append(hits, sigma.Hit{Time: ns, Rule: rule, Values: set.HitValues(batch, row, rule), Ref: uint64(i)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	for _, a := range set.Correlator(sigma.Limits{}).Correlate(hits) {
		var group []string
		for _, g := range a.Group {
			group = append(group, g.Text)
		}
		text := describe(set.Correlations()[a.Correlation].Title, group, a.First, a.Last, a.Measured, nil)
		out = append(out, strings.TrimSuffix(text, ":"))
	}
	return out
}
