package accuracy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// recorder is what the laboratory's own recorder left in campaign 01: a trace of the network was stopped, and its script gathered what Windows knows of
// the machine. Whoever reviews the draft takes out what it ran.
var recorder = []string{"netsh", "cscript", "gathernetworkinfo", "certutil", "dxdiag", "gpresult", "powercfg", "echo", "set", "reg", "wevtutil", "msedge", "tasklist /fo", "/svc", ">>"}

// TestKinshipOfRecordedCampaigns judges four recordings of one laboratory by the fingerprint of a fifth, with the laboratory's hosts and addresses taken
// out, and 385 recordings of unrelated attacks. Kinship of the four is told by a name and a folder: the payload was built anew each time, and its
// name and its place are all that stayed. That is about as likely as not by what eighteen machines can tell, and never more than related. The golden
// file has verdicts and reasons.
func TestKinshipOfRecordedCampaigns(t *testing.T) {
	require.Time(t, "sweeps 385 recordings")
	campaigns := []string{"02", "03", "05", "06"}
	campaign := func(n string) string { return require.Data(t, "winlog-json/otrf/compound/LSASS_campaign_"+n) }
	work := t.TempDir()
	tr := askRecording(t, "01", campaign("01"), nil, filepath.Join(work, "01"), trail.Start{Value: "winx64_payload.exe"})
	f, _, err := fingerprint.Draft(tr, fingerprint.DraftOptions{Name: "campaign 01", Victim: fingerprint.Victim{Hosts: []string{"WORKSTATION5", "WORKSTATION6", "MORDORDC", "FILE001"}, Domains: []string{"theshire.local", "theshire"}}})
	if err != nil {
		t.Fatal(err)
	}
	// How common things are is counted on the machines of ordinary recordings and of other people's attacks.
	attacks := recordings(t, "evtx-attack", 1)
	out := filepath.Join(work, "elsewhere")
	for i := range attacks {
		attacks[i].Org = "elsewhere"
	}
	sweepRecording(t, append(attacks, evidence.Root{Org: "elsewhere", Path: require.Data(t, "evtx-baseline")}), f, out)
	count, err := kinship.CountSweep(out, kinship.Ordinary{})
	if err != nil {
		t.Fatal(err)
	}
	f.Rate(nil, count)
	var gone []int
	for i, it := range f.Items {
		text := strings.ToLower(it.Value)
		if it.Tier == fingerprint.NeverAlone && !it.WayIn || slices.ContainsFunc(recorder, func(w string) bool { return it.Kind.Behaviour() && strings.Contains(text, w) }) {
			gone = append(gone, i)
		}
	}
	f.Remove(gone...)
	var all []kinship.Evidence
	for _, n := range campaigns {
		out := filepath.Join(work, n)
		askRecording(t, n, campaign(n), f, out)
		e, err := kinship.ReadSweep(out, f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e...)
	}
	out = filepath.Join(work, "attack")
	sweepRecording(t, recordings(t, "evtx-attack", 1), f, out)
	unrelated, err := kinship.ReadSweep(out, f)
	if err != nil {
		t.Fatal(err)
	}
	res, err := kinship.Judge(f, append(all, unrelated...), kinship.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, o := range res.Orgs[:len(all)] {
		fmt.Fprintf(&b, "campaign %s: %s, %s, another intrusion: %t\n", o.Org, o.Verdict, o.Band, o.OtherIntrusion)
		for _, it := range o.Items {
			if it.Decibans != 0 {
				fmt.Fprintf(&b, "  %s %s\n", map[bool]string{true: "for:", false: "against:"}[it.For], it.Text)
			}
		}
		if o.Verdict == kinship.SameIntrusion || o.Verdict == kinship.Unrelated || o.Verdict == kinship.NotFound {
			t.Errorf("campaign %s is %s: %s", o.Org, o.Verdict, o.Why)
		}
	}
	heaviest := 0.0
	for _, o := range res.Orgs[len(all):] {
		heaviest = max(heaviest, o.Decibans)
		if o.Verdict == kinship.SameIntrusion || o.Verdict == kinship.Related {
			t.Errorf("%s is %s with %+v", o.Org, o.Verdict, o.Items)
		}
	}
	// Public tools weigh three decibans at most.
	if heaviest > 3 {
		t.Errorf("an unrelated attack weighs %g decibans", heaviest)
	}
	t.Logf("%d unrelated recordings, the heaviest with %.1f dB", len(unrelated), heaviest)
	golden := filepath.Join("testdata", "kinship-campaigns.txt")
	if *update {
		fileOf(t, golden, func(w io.Writer) error { _, err := io.WriteString(w, b.String()); return err })
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// recordings gives every n-th recording of a folder as an organisation of its own.
func recordings(t testing.TB, folder string, n int) (roots []evidence.Root) {
	t.Helper()
	err := filepath.WalkDir(require.Data(t, folder), func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".evtx") {
			roots = append(roots, evidence.Root{Org: fmt.Sprintf("%03d %s", len(roots), filepath.Base(p)), Path: p})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var some []evidence.Root
	for i := 0; i < len(roots); i += n {
		some = append(some, roots[i])
	}
	return some
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
	set, _ := match.Load(match.Question{Sigma: []string{require.Data(t, "sigma/rules/windows/process_access")}, Made: fingerprintTexts(t, f)})
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

func askRecording(t testing.TB, org, path string, f *fingerprint.Fingerprint, out string, from ...trail.Start) *fingerprint.Trail {
	t.Helper()
	set, _ := match.Load(match.Question{Sigma: []string{require.Data(t, "sigma/rules/windows")}, Made: fingerprintTexts(t, f)})
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
	traced, err := trail.Trace(g, trail.Question{Org: org, From: from, Findings: c.findings, Coverage: c.result.Certificate})
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

// fileOf writes a file and the folders that lead to it.
func fileOf(t testing.TB, path string, write func(io.Writer) error) {
	t.Helper()
	var b bytes.Buffer
	if err := errors.Join(write(&b), os.MkdirAll(filepath.Dir(path), 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readTrail(path string) (*fingerprint.Trail, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return fingerprint.ReadTrail(f)
}
