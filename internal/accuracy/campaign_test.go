package accuracy_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// TestRecordedCampaigns traces recordings of real tools against LSASS and looks for what their authors say was done: the program that was run, where it
// called, and the techniques that left events.
func TestRecordedCampaigns(t *testing.T) {
	require.Time(t, "traces five recordings; the traces of the drill run the same beside each other")
	set, _ := match.Load(match.Question{Sigma: []string{require.Data(t, "sigma/rules/windows")}})
	for _, x := range []struct {
		name       string
		control    string
		programs   []string // run by the intruder, as part of a label
		techniques []string
	}{
		// 01: the memory is read within the implant; what shows is the access itself.
		{"LSASS_campaign_01", "10.0.5.13", []string{"winx64_payload.exe", "whoami.exe", "systeminfo.exe", "tasklist.exe"}, []string{"T1003.001", "T1033", "T1543.003"}},
		{"LSASS_campaign_02", "10.0.5.13", []string{"winx64_payload.exe", "procdump64.exe", "whoami.exe", "systeminfo.exe"}, []string{"T1003.001", "T1033"}},
		{"LSASS_campaign_03", "10.0.5.13", []string{"winx64_payload.exe", "rundll32.exe", "tasklist.exe", "whoami.exe"}, []string{"T1003.001", "T1033"}},
		{"LSASS_campaign_05", "10.0.5.14", []string{"winx64_payload.exe", "sharpdump.exe", "whoami.exe", "systeminfo.exe"}, []string{"T1003.001", "T1033"}},
		// 06: the tool reads LSASS by system calls of its own; no rule of the collection speaks of its file.
		{"LSASS_campaign_06", "10.0.5.14", []string{"winx64_payload.exe", "outflank-dumpert.exe", "whoami.exe"}, []string{"T1033"}},
	} {
		g, err := trail.NewGraph(trail.Options{TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		var c collected
		q := sweep.Question{Roots: []evidence.Root{{Org: "a", Path: require.Data(t, "winlog-json/otrf/compound/"+x.name)}}, Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), Tap: tap{g}, NoEvent: true}
		if err := sweep.Run(context.Background(), q, &c, nil); err != nil {
			t.Fatal(err)
		}
		out, err := trail.Trace(g, trail.Question{Org: "a", Findings: c.findings, Coverage: c.result.Certificate})
		if err != nil {
			t.Fatal(err)
		}
		if !out.Established || len(out.Implant) == 0 || out.Implant[0].Name != "winx64_payload.exe" || out.Access.Technique != "T1204.002" {
			t.Errorf("%s: established %t (%s), implant %v, access %+v", x.name, out.Established, out.Why, out.Implant, out.Access)
		}
		if !slices.ContainsFunc(out.Infrastructure, func(p trail.Place) bool { return p.Value == x.control }) {
			t.Errorf("%s: %s is not among %v", x.name, x.control, out.Infrastructure)
		}
		for _, p := range out.Infrastructure {
			if p.Value != x.control {
				t.Logf("%s: also %s", x.name, p.Value)
			}
		}
		for _, want := range x.programs {
			if !slices.ContainsFunc(out.Nodes, func(n trail.NodeView) bool { return n.Kind == "process" && strings.Contains(n.Label, want) }) {
				t.Errorf("%s: %s is missing", x.name, want)
			}
		}
		for _, want := range x.techniques {
			if !slices.ContainsFunc(out.Stages, func(s trail.Stage) bool { return s.Technique == want }) {
				t.Errorf("%s: %s is missing", x.name, want)
			}
		}
		checkGolden(t, x.name, campaignFacts(t, x.name, out)) // golden_test.go
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}
