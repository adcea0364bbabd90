package drill_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/drill/intrusion"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/rules"
	"github.com/contrail-ir/contrail/sweep"
)

// unread are the kinds of logs of a sector for which a reader may be missing: network devices, web servers, databases.
var unread = []string{"network/firewall/", "network/proxy/", "network/router/", "network/vpn/", "network/aaa/", "/iis/", "/apache2/", "/pgaudit/", "/mail.log", "/files/"}

// TestSectorIsReadAndItsIntrusionFound: every log that has a reader is read without damage, and the rules that come with
// Contrail point at several of the intruder's actions, whatever the scenario.
func TestSectorIsReadAndItsIntrusionFound(t *testing.T) {
	set, rejected := match.Load(match.Question{BuiltIn: rules.FS})
	if len(rejected) > 0 {
		t.Fatalf("rejected: %v", rejected)
	}
	for i, scenario := range intrusion.Scenarios() {
		if testing.Short() && i > 0 {
			break
		}
		t.Run(string(scenario), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "s")
			truth, err := drill.Sector(t.Context(), dir, drill.Options{Seed: uint64(20 + i), Airlines: 1, Scenario: scenario})
			if err != nil {
				t.Fatal(err)
			}
			air := truth.Airlines[0]
			c := &finder{t: t, action: map[drill.Ref]string{}, found: map[string]bool{}}
			for _, a := range air.Actions {
				for _, r := range a.Refs {
					c.action[r] = a.ID
				}
			}
			bounds := event.Always(nil)
			q := sweep.Question{Roots: []evidence.Root{{Org: "a", Path: filepath.Join(dir, air.Folder, "evidence")}}, Formats: evidence.Formats(), Rules: set,
				Since: bounds.Since, Until: bounds.Until, TempDir: t.TempDir()}
			if err := sweep.Run(context.Background(), q, c, nil); err != nil {
				t.Fatal(err)
			}
			if len(c.found) < 4 {
				t.Errorf("the rules point at %d of %d actions: %v", len(c.found), len(air.Actions), c.found)
			}
			t.Logf("%s: %d of %d actions", scenario, len(c.found), len(air.Actions))
		})
	}
}

type finder struct {
	t      *testing.T
	action map[drill.Ref]string
	found  map[string]bool
}

func (c *finder) Finding(f *finding.Finding) error {
	if id := c.action[drill.Ref{File: f.File, Record: f.Record}]; id != "" {
		c.found[id] = true
	}
	return nil
}

func (c *finder) End(r *sweep.Result) error {
	read := map[string]uint64{}
	for _, f := range r.Certificate.Files {
		sealed := strings.Contains(f.Path, "/files/") && f.Format == "7z" // a header and noise: it cannot be opened
		if len(f.Damage) > 0 && !sealed {
			c.t.Errorf("%s (%s): damage: %+v", f.Path, f.Format, f.Damage[0])
		}
		read[f.Format] += f.Records
	}
	for _, f := range r.Certificate.Unrecognised {
		known := false
		for _, part := range unread {
			known = known || strings.Contains(f.Path, part)
		}
		if !known {
			c.t.Errorf("%s is not recognised: %s", f.Path, f.Reason)
		}
	}
	if read["evtx"] == 0 {
		c.t.Errorf("read: %v", read)
	}
	c.t.Log(read)
	return nil
}
