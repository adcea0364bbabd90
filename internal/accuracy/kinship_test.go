package accuracy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/drill/intrusion"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/rules"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

var (
	keepIn       = flag.String("keep", "", "folder in which drills and sweeps are kept, so that the next run need not make them again")
	writeKinship = flag.String("write-kinship", "", "file to write the figures of kinship to, as Markdown")
)

// sector is a drill with what was found in it.
type sector struct {
	t     testing.TB
	truth drill.Truth
	dir   string // the drill
	work  string // what sweeps wrote
}

// newSector writes a drill, or takes the one that an earlier run kept.
func newSector(t testing.TB, seed uint64, scenario intrusion.Scenario, airlines int) *sector {
	t.Helper()
	s := &sector{t: t}
	name := fmt.Sprintf("%d-%s", seed, scenario)
	if *keepIn == "" {
		dir := t.TempDir()
		s.dir, s.work = filepath.Join(dir, "drill"), filepath.Join(dir, "work")
	} else {
		s.dir, s.work = filepath.Join(*keepIn, "drill", name), filepath.Join(*keepIn, "work", name)
		if b, err := os.ReadFile(filepath.Join(s.dir, "truth.json")); err == nil {
			if err := json.Unmarshal(b, &s.truth); err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	truth, err := drill.Sector(s.dir, drill.Options{Seed: seed, Scenario: scenario, Airlines: airlines})
	if err != nil {
		t.Fatal(err)
	}
	s.truth = truth
	return s
}

// clear removes the evidence.
func (s *sector) clear() {
	if *keepIn == "" {
		if err := errors.Join(os.RemoveAll(s.dir), os.RemoveAll(s.work)); err != nil {
			s.t.Error(err)
		}
	}
}

func (s *sector) inventory(air *drill.AirlineTruth) []coverage.Declared {
	f, err := os.Open(filepath.Join(s.dir, air.Folder, "inventory.csv"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	all, err := coverage.ReadInventory(f, "inventory.csv")
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// ask sweeps an airline with the rules that come with the product and those of a fingerprint, traces it from the starts or, without
// any, from what was found, and leaves the result in a folder as the command line does. What an earlier run left there is taken as it is.
func (s *sector) ask(air *drill.AirlineTruth, f *fingerprint.Fingerprint, out string, starts ...trail.Start) *fingerprint.Trail {
	s.t.Helper()
	at := filepath.Join(out, "orgs", air.Name, "trail.json")
	if tr, err := readTrail(at); err == nil {
		return tr
	}
	var made []string
	if f != nil {
		all, err := f.Rules()
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range all {
			made = append(made, r.Text)
		}
	}
	set, rejected := match.Load(match.Question{BuiltIn: rules.FS, Made: made})
	g, err := trail.NewGraph(trail.Options{TempDir: s.t.TempDir()})
	if err != nil {
		s.t.Fatal(err)
	}
	defer g.Close()
	var q sweep.Question
	q = sweep.Question{Roots: []evidence.Root{{Org: air.Name, Path: filepath.Join(s.dir, air.Folder, "evidence")}}, Formats: evidence.Formats(), Rules: set, TempDir: s.t.TempDir(), Tap: tap{g}, NoEvent: true, Inventory: s.inventory(air)}
	for _, r := range rejected {
		q.Rejected = append(q.Rejected, coverage.Rejected(r))
	}
	if in, err := os.Open(filepath.Join(s.dir, air.Folder, "sources.yaml")); err == nil {
		defer in.Close()
		if q.Sources, err = evidence.ReadSources(in, q.Formats); err != nil {
			s.t.Fatal(err)
		}
	}
	folder, err := report.NewFolder(out)
	if err != nil {
		s.t.Fatal(err)
	}
	var c collected
	if err := errors.Join(sweep.Run(context.Background(), q, report.All(folder, &c), nil), folder.Close()); err != nil {
		s.t.Fatal(err)
	}
	traced, err := trail.Trace(g, trail.Question{Org: air.Name, From: starts, Findings: c.findings, Coverage: c.result.Certificate})
	if err != nil {
		s.t.Fatal(err)
	}
	if f != nil {
		s.file(filepath.Join(out, "fingerprint.json"), f.Write)
	}
	s.file(at, traced.Write)
	tr, err := readTrail(at)
	if err != nil {
		s.t.Fatal(err)
	}
	return tr
}

func (s *sector) file(path string, write func(io.Writer) error) {
	s.t.Helper()
	fileOf(s.t, path, write)
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

// draft makes the fingerprint of the first victim from the trail of its first alert.
func (s *sector) draft() *fingerprint.Fingerprint {
	s.t.Helper()
	air := &s.truth.Airlines[0]
	tr := s.ask(air, nil, filepath.Join(s.work, "first"), trail.Start{Ref: finding.Ref(s.truth.Starts["first-alert"].Ref)})
	var v fingerprint.Victim
	for _, d := range s.inventory(air) {
		v.Hosts = append(v.Hosts, d.Host)
		for _, a := range d.Addresses {
			if ip, err := netip.ParseAddr(a); err == nil {
				v.Networks = append(v.Networks, netip.PrefixFrom(ip, ip.BitLen()))
			}
		}
	}
	f, _, err := fingerprint.Draft(tr, fingerprint.DraftOptions{Name: "sector", Victim: v})
	if err != nil {
		s.t.Fatalf("seed %d, %s: %v", s.truth.Seed, s.truth.Scenario, err)
	}
	return f
}

// margin is how long before the first victim's first known activity the history of others is taken for ordinary: the intruder
// may have been with them earlier.
const margin = 30 * 24 * time.Hour

// judge does what an investigation does: trace of the first victim, draft, sweep of all with it, count in the time before, review, judgement.
func (s *sector) judge() (*fingerprint.Fingerprint, *kinship.Result) {
	s.t.Helper()
	f := s.draft()
	first, err := time.Parse(time.RFC3339Nano, f.FirstSeen)
	if err != nil {
		s.t.Fatal(err)
	}
	var counters []fingerprint.Counter
	for i := range s.truth.Airlines {
		air := &s.truth.Airlines[i]
		out := filepath.Join(s.work, air.Folder)
		s.ask(air, f, out)
		before := first
		if i > 0 {
			before = first.Add(-margin)
		}
		c, err := kinship.CountSweep(out, kinship.CountOptions{Before: before})
		if err != nil {
			s.t.Fatal(err)
		}
		counters = append(counters, c)
	}
	f.Rate(nil, counters...)
	review(s.t, f)
	var all []kinship.Evidence
	for i := range s.truth.Airlines[1:] {
		air := &s.truth.Airlines[1+i]
		e, err := kinship.ReadSweep(filepath.Join(s.work, air.Folder), f)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, d := range s.inventory(air) {
			if d.Critical {
				e[0].Critical = append(e[0].Critical, d.Host)
			}
		}
		all = append(all, e...)
	}
	res, err := kinship.Judge(f, all, kinship.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return f, res
}

// review is what a careful reader of the draft does, by a policy that anyone can repeat: what is never alone goes, the rest is approved.
func review(t testing.TB, f *fingerprint.Fingerprint) {
	t.Helper()
	var gone, approved []int
	for i, it := range f.Items {
		if it.Tier == fingerprint.NeverAlone && !it.WayIn {
			gone = append(gone, i)
		}
	}
	f.Remove(gone...)
	for i := range f.Items {
		approved = append(approved, i)
	}
	if err := f.Approve("a policy", approved...); err != nil {
		t.Fatal(err)
	}
}

func TestKinshipOfTheSector(t *testing.T) {
	for _, seed := range seedRange(t) {
		for _, scenario := range intrusion.Scenarios() {
			if *keepIn != "" {
				if _, err := os.Stat(filepath.Join(*keepIn, "drill", fmt.Sprintf("%d-%s", seed, scenario))); err != nil {
					continue
				}
			}
			s := newSector(t, seed, scenario, 0)
			f, res := s.judge()
			var b strings.Builder
			for i, it := range f.Items {
				fmt.Fprintf(&b, "%3d %-11s %-13s %-6.1f %d/%d wayin=%t %q %s\n", i+1, it.Tier, it.Kind, it.Specificity.Decibans, it.Specificity.Seen, it.Specificity.Hosts, it.WayIn, it.Group, it.Value)
			}
			for i, o := range res.Orgs {
				air := s.truth.Airlines[1+i]
				fmt.Fprintf(&b, "== %s %s suff=%t: %s %.1f dB p=%.3f other=%t (%s) %s\n", air.Role, o.Org, air.CoverageSuffices, o.Verdict, o.Decibans, o.Posterior, o.OtherIntrusion, o.OtherIntrusionWhy, o.Why)
				for _, it := range o.Items {
					fmt.Fprintf(&b, "      %6.1f %s [%s] %d refs\n", it.Decibans, it.Text, it.Group, len(it.Refs))
				}
				for _, w := range o.WouldSettle {
					fmt.Fprintf(&b, "      ? %s\n", w)
				}
			}
			s.file(filepath.Join(*keepIn, "log", fmt.Sprintf("%d-%s.txt", seed, scenario)), func(w io.Writer) error { _, err := io.WriteString(w, b.String()); return err })
			s.clear()
		}
	}
}
