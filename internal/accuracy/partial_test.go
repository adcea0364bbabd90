package accuracy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/drill/intrusion"
	. "github.com/contrail-ir/contrail/internal/accuracy"
	"github.com/contrail-ir/contrail/trail"
)

// victim writes a first victim and gives its folder of evidence.
func victim(t testing.TB, scenario intrusion.Scenario) (string, *drill.Truth) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sector")
	truth, err := drill.Sector(t.Context(), dir, drill.Options{Seed: 1, Scenario: scenario, Airlines: 1})
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, truth.Airlines[0].Folder, "evidence"), &truth
}

// TestNetworkLogsAlone traces what sensors, firewalls and proxies of a first victim saw, with no log of any host: whom the implants called and where
// the data went is found, and that nothing else could be is said.
func TestNetworkLogsAlone(t *testing.T) {
	root, truth := victim(t, intrusion.WebExploit)
	air := &truth.Airlines[0]
	for _, keep := range [][]string{{"network"}, {"network/zeek"}} {
		only := t.TempDir()
		for _, part := range keep {
			if err := os.CopyFS(filepath.Join(only, part), os.DirFS(filepath.Join(root, part))); err != nil {
				t.Fatal(err)
			}
		}
		out := follow(t, only)
		if !out.Established {
			t.Errorf("%v: %s", keep, out.Why)
			continue
		}
		var in []Action
		for _, a := range actions(air, "") {
			a.Refs = slices.DeleteFunc(a.Refs, func(r Ref) bool {
				_, err := os.Stat(filepath.Join(only, filepath.FromSlash(r.File)))
				return err != nil
			})
			in = append(in, a)
		}
		score := Judge(in, Claims(out))
		t.Logf("%v: %s; precision %.3f; sent %d; %v", keep, out.Why, score.Precision, out.SentBytes, out.Unseen)
		if score.Precision < 0.9 {
			t.Errorf("%v: precision %.3f: %v", keep, score.Precision, score.Wrong)
		}
		for _, name := range air.Indicators["domain"] {
			if !slices.ContainsFunc(out.Infrastructure, func(p trail.Place) bool { return p.Value == name && p.Role == "first-hop" }) {
				t.Errorf("%v: %s is missing of %+v", keep, name, out.Infrastructure)
			}
		}
		beacons := 0
		for _, a := range in {
			if strings.HasPrefix(a.ID, "beacon-") {
				beacons++
				if slices.Contains(score.Missed, a.ID) {
					t.Errorf("%v: %s was missed", keep, a.ID)
				}
			}
		}
		if beacons == 0 || out.SentBytes == 0 {
			t.Errorf("%v: %d beacons in the truth, %d bytes sent", keep, beacons, out.SentBytes)
		}
		if !slices.ContainsFunc(out.Unseen, func(s string) bool { return strings.Contains(s, "No log of what ran on any host") }) {
			t.Errorf("%v: what could not be seen is not said: %v", keep, out.Unseen)
		}
	}
}

// TestSecurityLogAlone traces a first victim whose hosts kept no Sysmon, no script log and no tasks' log, and where no network log is: logons, shares,
// services and command lines must do.
func TestSecurityLogAlone(t *testing.T) {
	root, truth := victim(t, intrusion.VPNAppliance)
	air := &truth.Airlines[0]
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if name := d.Name(); strings.HasSuffix(name, ".evtx") && name != "Security.evtx" && name != "System.evtx" || strings.HasPrefix(filepath.ToSlash(rel), "network/") && !strings.Contains(filepath.ToSlash(rel), "network/vpn/") {
			return os.Remove(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	start := truth.Starts["first-alert"]
	out := sweepOf(t, root, 2, false).traces(t, at(start.Ref))[0]
	var in []Action
	for _, a := range actions(air, "") {
		a.Refs = slices.DeleteFunc(a.Refs, func(r Ref) bool {
			_, err := os.Stat(filepath.Join(root, filepath.FromSlash(r.File)))
			return err != nil
		})
		in = append(in, a)
	}
	score := Judge(in, Claims(out))
	t.Logf("%s; recall %.3f, precision %.3f, missed %v; %+v; %v", out.Why, score.Recall, score.Precision, score.Missed, out.Access, out.Unseen)
	if !out.Established || score.Recall < 0.75 || score.Precision < 0.9 {
		t.Errorf("established %t, recall %.3f, precision %.3f, missed %v, wrong %v", out.Established, score.Recall, score.Precision, score.Missed, score.Wrong)
	}
	for _, id := range []string{"gateway-exploit", "gateway-account", "tunnel", "tunnel-logon"} {
		if slices.Contains(score.Missed, id) {
			t.Errorf("%s was missed", id)
		}
	}
	for _, words := range []string{"no Sysmon", "No network log"} {
		if !slices.ContainsFunc(out.Unseen, func(s string) bool { return strings.Contains(s, words) }) {
			t.Errorf("%q is not among %v", words, out.Unseen)
		}
	}
}
