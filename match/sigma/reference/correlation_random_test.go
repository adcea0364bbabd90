package reference_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
	"github.com/contrail-ir/contrail/match/sigma/reference"
)

// makeCorrelations writes three rules and a few correlations, some of which refer to others.
func makeCorrelations(rng *rand.Rand) string {
	var out strings.Builder
	for _, name := range []string{"a", "b", "c"} {
		fmt.Fprintf(&out, "title: rule %s\nname: %s\nlogsource: {category: test}\ndetection: {s: {kind: %s}, condition: s}\n---\n", name, name, name)
	}
	for i := range 1 + rng.IntN(3) {
		name := fmt.Sprint("c", i)
		refs := []string{"a", "b", "c"}
		if i > 0 && rng.IntN(2) == 0 { // not both, lest one event is there as itself and as what made an alert
			refs = []string{fmt.Sprint("c", rng.IntN(i))}
		}
		rng.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
		rules := refs[:1+rng.IntN(min(3, len(refs)))]
		kind := []string{"event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_median", "value_percentile"}[rng.IntN(8)]
		condition := ""
		bound := fmt.Sprintf("%s: %d", []string{"gte", "gt", "lt", "lte", "eq", "neq"}[rng.IntN(6)], 1+rng.IntN(4))
		switch kind {
		case "event_count":
			condition = bound
		case "value_count":
			condition = []string{"field: V, ", "field: [V, N], "}[rng.IntN(2)] + bound
		case "temporal":
			switch rng.IntN(3) {
			case 0:
				condition = bound
			case 1: // with every rule once, as it must
				rules = refs
				condition = "!" + strings.Join(refs, []string{" and not ", " or not ", " and ", " or "}[rng.IntN(4)])
				if rng.IntN(3) == 0 {
					condition = fmt.Sprintf("!%s and not (%s)", refs[0], strings.Join(refs, " and "))
				}
			}
		case "temporal_ordered":
			if rng.IntN(3) == 0 {
				rules = refs
				again := slices.Clone(refs)
				rng.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
				condition = "!" + strings.Join(again, " and ")
			}
		case "value_percentile":
			condition = fmt.Sprintf("field: N, percentile: %d, %s", rng.IntN(101), bound)
		case "value_sum", "value_avg", "value_median":
			condition = "field: N, " + bound
		}
		group := [][]string{nil, {"U"}, {"U", "H"}}[rng.IntN(3)]
		fmt.Fprintf(&out, "title: %s\nname: %s\ncorrelation: {type: %s, rules: [%s], timespan: %ds, group-by: [%s]", name, name, kind, strings.Join(rules, ", "), 1+rng.IntN(20), strings.Join(group, ", "))
		if expression, ok := strings.CutPrefix(condition, "!"); ok {
			fmt.Fprintf(&out, ", condition: %s", expression)
		} else if condition != "" {
			fmt.Fprintf(&out, ", condition: {%s}", condition)
		}
		out.WriteString("}\n---\n")
	}
	return strings.TrimSuffix(out.String(), "---\n")
}

// TestCorrelatorEqualsReference makes correlations and hits at random. No two events have the same time: which of them
// is looked at first is nobody's business.
func TestCorrelatorEqualsReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	trials, alerts := 3000, 0
	if testing.Short() {
		trials = 300
	}
	for range trials {
		text := makeCorrelations(rng)
		c := sigma.Parse("", []byte(text))
		set, refused := sigma.Compile(c, sigma.Options{})
		if len(refused) > 0 {
			t.Fatalf("%v\n%s", refused, text)
		}
		var made strings.Builder
		var hits []reference.Hit
		var engineHits []sigma.Hit
		now := int64(0)
		for range 5 + rng.IntN(30) {
			now += int64(1+rng.IntN(8)) * second / 2
			kinds := []int{rng.IntN(3)}
			if other := rng.IntN(3); other > kinds[0] && rng.IntN(2) == 0 {
				kinds = append(kinds, other)
			}
			var rec event.Record
			for _, kind := range kinds {
				rec.Add("kind", event.Text, []string{"a", "b", "c"}[kind])
			}
			for _, f := range []string{"U", "H", "V", "N"} {
				if rng.IntN(12) > 0 {
					of := map[string][]string{"U": {"x", "X", "y"}, "H": {"h", "i"}, "V": {"v", "V", "w", "z", ""}, "N": {"1", "2", "0x3", "-1", "1.5", "no"}}[f]
					rec.Add(f, event.Text, of[rng.IntN(len(of))])
				}
			}
			fmt.Fprintf(&made, "%gs %v\n", float64(now)/float64(second), rec.Fields)
			same := reference.NewEvent(testSource, now, &rec)
			for _, kind := range kinds {
				hits = append(hits, reference.Hit{Rule: c.Rules[kind], Event: same})
			}
			b := event.NewBuilder(testSource)
			b.Row(now, 0, 0, nil)
			for _, f := range rec.Fields {
				b.Text(b.Field(f.Name), []byte(f.Text))
			}
			for _, kind := range kinds {
				engineHits = append(engineHits, sigma.Hit{Time: now, Rule: event.RuleIndex(kind), Values: set.HitValues(b.Batch(), 0, event.RuleIndex(kind)), Ref: uint64(len(hits))})
			}
		}
		want, err := reference.Correlate(c, hits, now)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		write := func(title string, group []string, first, last int64, metric float64) string {
			return fmt.Sprintf("%s %q %g-%g %.6g", title, group, float64(first)/float64(second), float64(last)/float64(second), metric)
		}
		var lines, got []string
		for _, a := range want {
			lines = append(lines, write(a.Correlation.Title, a.Group, a.Start, a.End, a.Metric))
		}
		for _, a := range set.Correlator(sigma.Limits{}).Correlate(engineHits) {
			var group []string
			for _, g := range a.Group {
				group = append(group, g.Text)
			}
			got = append(got, write(set.Correlations()[a.Correlation].Title, group, a.First, a.Last, a.Measured))
		}
		slices.Sort(lines)
		slices.Sort(got)
		if !slices.Equal(lines, got) {
			t.Fatalf("the engine gives\n%s\nthe reference\n%s\nfor\n%s\nand\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"), text, made.String())
		}
		alerts += len(lines)
	}
	t.Logf("%d trials, %d alerts", trials, alerts)
	if alerts < trials {
		t.Error("too few alerts to tell")
	}
}
