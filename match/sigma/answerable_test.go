package sigma

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// manySources gives sources that rules name, that they nearly name, and that nobody names.
func manySources(set *Set, n int) (all []event.Source) {
	r := rand.New(rand.NewPCG(8, 9))
	names, ids := []string{"", "nobody", "else", "ſecurity", "sy\xffstem"}, []uint32{0, 4000000000, 4000000001}
	for _, l := range set.logsources {
		for _, route := range l.routes {
			names = append(names, slices.Concat(route.Channels, route.Providers)...)
			ids = append(ids, route.IDs...)
		}
	}
	names = append(names, "SECURITY", "Service Control Manager", "service control manager", "Microsoft-Windows-Eventlog", "ScreenConnect")
	slices.Sort(names)
	names = slices.Compact(names)
	ids = append(ids, 7045, 4624, 1102, 104, 7036)
	for range n {
		all = append(all, event.Source{Product: []string{"windows", "windows", "windows", "linux"}[r.IntN(4)], Channel: names[r.IntN(len(names))], Provider: names[r.IntN(len(names))], ID: ids[r.IntN(len(ids))]})
	}
	return all
}

// answeringCorpus compiles the shared rules for Windows.
func answeringCorpus(t *testing.T) *Set {
	t.Helper()
	set, _ := Compile(Load(require.Data(t, "sigma/rules/windows")), Options{})
	return set
}

// TestRoutesAreRememberedByWhatLogsourcesName holds the remembered kind of a source against the rules that search it.
func TestRoutesAreRememberedByWhatLogsourcesName(t *testing.T) {
	set := answeringCorpus(t)
	for _, s := range manySources(set, 4000) {
		var want []int
		for _, l := range set.logsources {
			want = append(want, slices.IndexFunc(l.routes, func(r *Route) bool { return r.Matches(s) })+1)
		}
		var got []int
		for _, b := range []byte(set.routes(s)) { // all below 128
			got = append(got, int(b))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: routes %v, want %v", s, got, want)
		}
	}
}

// TestConstantsDecideAnswers: of sources of the same kind and with the same constants every rule says the same.
func TestConstantsDecideAnswers(t *testing.T) {
	set := answeringCorpus(t)
	n := 300
	if testing.Short() {
		n = 100
	}
	fields := []string{"CommandLine", "Image", "TargetUserName", "ServiceName", "Data", "ScriptBlockText"}
	first := map[string]event.Source{}
	alike := 0
	for _, s := range manySources(set, n) {
		for mask := range 2 {
			filled := func(f string) bool { return mask == 1 && slices.Contains(fields, f) }
			key := fmt.Sprint(set.Kind(s), set.Constants(s))
			o, there := first[key]
			if !there {
				first[key] = s
				continue
			}
			if o != s {
				alike++
			}
			for i := range event.RuleIndex(set.Len()) {
				a, lacks := set.Answers(i, s, filled)
				b, others := set.Answers(i, o, filled)
				if a != b || !slices.Equal(lacks, others) {
					t.Fatalf("rule %q says %v %q of %+v, and %v %q of %+v", set.Rule(i).Title, a, lacks, s, b, others, o)
				}
			}
		}
	}
	if alike < 10 {
		t.Errorf("only %d sources are like others", alike)
	}
}
