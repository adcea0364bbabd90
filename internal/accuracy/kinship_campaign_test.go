package accuracy_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

func TestKinshipOfRecordedCampaigns(t *testing.T) {
	if _, err := os.Stat(data); err != nil {
		t.Skip("shared data not there: ", err)
	}
	campaign := func(n string) string { return filepath.Join(data, "winlog-json/otrf/compound/LSASS_campaign_"+n) }
	work := t.TempDir()
	tr := askRecording(t, "01", campaign("01"), nil, filepath.Join(work, "01"))
	f, dropped, err := fingerprint.Draft(tr, fingerprint.DraftOptions{Name: "campaign 01", Victim: fingerprint.Victim{Hosts: []string{"WORKSTATION5", "WORKSTATION6", "MORDORDC", "FILE001"}, Domains: []string{"theshire.local", "theshire"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(dropped)
	var c []fingerprint.Counter
	out := filepath.Join(work, "baseline")
	sweepRecording(t, []evidence.Root{{Org: "ordinary", Path: filepath.Join(data, "evtx-baseline")}}, f, out)
	count, err := kinship.CountSweep(out, kinship.CountOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f.Rate(nil, append(c, count)...)
	for i, it := range f.Items {
		t.Logf("%3d %-11s %-13s %-6.1f %d/%d wayin=%t %q %s", i+1, it.Tier, it.Kind, it.Specificity.Decibans, it.Specificity.Seen, it.Specificity.Hosts, it.WayIn, it.Group, it.Value)
	}
	var all []kinship.Evidence
	for _, n := range []string{"02", "03", "05", "06"} {
		out := filepath.Join(work, n)
		askRecording(t, n, campaign(n), f, out)
		e, err := kinship.ReadSweep(out, f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e...)
	}
	var roots []evidence.Root
	err = filepath.WalkDir(filepath.Join(data, "evtx-attack"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".evtx") {
			roots = append(roots, evidence.Root{Org: fmt.Sprintf("%03d %s", len(roots), filepath.Base(p)), Path: p})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out = filepath.Join(work, "attack")
	sweepRecording(t, roots, f, out)
	e, err := kinship.ReadSweep(out, f)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, e...)
	res, err := kinship.Judge(f, all, kinship.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := map[kinship.Verdict]int{}
	for i, o := range res.Orgs {
		if i >= 4 {
			n[o.Verdict]++
			if o.Decibans <= 0 {
				continue
			}
		}
		t.Logf("== %s: %s %.1f dB p=%.3f other=%t (%s) %s", o.Org, o.Verdict, o.Decibans, o.Posterior, o.OtherIntrusion, o.OtherIntrusionWhy, o.Why)
		for _, it := range o.Items {
			t.Logf("      %6.1f %s [%s] %d refs", it.Decibans, it.Text, it.Group, len(it.Refs))
		}
		for _, w := range o.WouldSettle {
			t.Logf("      ? %s", w)
		}
	}
	t.Log(n)
}

func fingerprintTexts(t testing.TB, f *fingerprint.Fingerprint) (made []string) {
	if f == nil {
		return nil
	}
	all, err := f.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		made = append(made, r.Text)
	}
	return made
}

func sweepRecording(t testing.TB, roots []evidence.Root, f *fingerprint.Fingerprint, out string) {
	t.Helper()
	set, _ := match.Load(match.Question{Sigma: []string{filepath.Join(data, "sigma", "rules/windows/process_access")}, Made: fingerprintTexts(t, f)})
	folder, err := report.NewFolder(out)
	if err != nil {
		t.Fatal(err)
	}
	q := sweep.Question{Roots: roots, Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), NoEvent: true}
	if err := sweep.Run(context.Background(), q, folder, nil); err != nil {
		t.Fatal(err)
	}
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	fileOf(t, filepath.Join(out, "fingerprint.json"), f.Write)
}

func askRecording(t testing.TB, org, path string, f *fingerprint.Fingerprint, out string) *fingerprint.Trail {
	t.Helper()
	set, _ := match.Load(match.Question{Sigma: []string{filepath.Join(data, "sigma", "rules")}, Made: fingerprintTexts(t, f)})
	g, err := trail.NewGraph(trail.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	folder, err := report.NewFolder(out)
	if err != nil {
		t.Fatal(err)
	}
	var c collected
	q := sweep.Question{Roots: []evidence.Root{{Org: org, Path: path}}, Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), Tap: tap{g}, NoEvent: true}
	if err := sweep.Run(context.Background(), q, report.All(folder, &c), nil); err != nil {
		t.Fatal(err)
	}
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	traced, err := trail.Trace(g, trail.Question{Org: org, Findings: c.findings, Coverage: c.result.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	if f != nil {
		fileOf(t, filepath.Join(out, "fingerprint.json"), f.Write)
	}
	at := filepath.Join(out, "orgs", org, "trail.json")
	fileOf(t, at, traced.Write)
	tr, err := readTrail(at)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}
