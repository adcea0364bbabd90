package drill_test

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/rules"
	"github.com/contrail-ir/contrail/sweep"
)

// counted lists the rules that do not report by themselves: correlations count them.
var counted = map[string]bool{
	"Network logon refused for a wrong password":         true,
	"Network logon with a password accepted":             true,
	"Wrong passwords for many accounts from one address": true,
	"Program in a writable folder connects outwards":     true,
}

// TestEachShippedRuleFindsTheIntrusionAndNothingElse holds rules and drill together: each rule for Windows finds something of the intrusion, and no rule
// of any kind finds anything else.
func TestEachShippedRuleFindsTheIntrusionAndNothingElse(t *testing.T) {
	require.Time(t, "writes and sweeps three airlines; the tests of sweep run its threads under the race detector")
	for _, seed := range []uint64{1, 2, 3} {
		dir := filepath.Join(t.TempDir(), "a")
		truth, err := drill.Airline(t.Context(), dir, drill.Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		set, rejected := match.Load(match.Question{BuiltIn: rules.FS})
		if len(rejected) > 0 {
			t.Fatalf("rejected: %v", rejected)
		}
		windows := titles(t, "windows")
		c := &check{t: t, intruder: map[drill.Ref]bool{}, found: map[string]int{}, elsewhere: map[string]int{}}
		for _, a := range truth.Airlines[0].Actions {
			for _, r := range a.Refs {
				c.intruder[r] = true
			}
		}
		bounds := event.Always(nil)
		q := sweep.Question{Roots: []evidence.Root{{Org: "a", Path: filepath.Join(dir, "evidence")}}, Formats: evidence.Formats(), Rules: set,
			Since: bounds.Since, Until: bounds.Until, TempDir: t.TempDir()}
		if err := sweep.Run(context.Background(), q, c, nil); err != nil {
			t.Fatal(err)
		}
		for _, r := range set.Rules() {
			if r.Kind != finding.Sigma && r.Kind != finding.Correlation {
				continue
			}
			if windows[r.Title] && c.found[r.Title] == 0 != counted[r.Title] {
				t.Errorf("seed %d: %q finds %d records of the intrusion", seed, r.Title, c.found[r.Title])
			}
			if n := c.elsewhere[r.Title]; n > 0 {
				t.Errorf("seed %d: %q matches %d ordinary records", seed, r.Title, n)
			}
		}
	}
}

// titles are those of the shipped rules in a folder.
func titles(t *testing.T, folder string) map[string]bool {
	t.Helper()
	part, err := fs.Sub(rules.FS, folder)
	if err != nil {
		t.Fatal(err)
	}
	set, _ := match.Load(match.Question{BuiltIn: part})
	out := map[string]bool{}
	for _, r := range set.Rules() {
		out[r.Title] = true
	}
	return out
}

type check struct {
	t         *testing.T
	intruder  map[drill.Ref]bool
	found     map[string]int
	elsewhere map[string]int
}

func (c *check) Finding(f *finding.Finding) error {
	if c.intruder[drill.Ref{File: f.File, Record: f.Record}] {
		c.found[f.Rule.Title]++
	} else {
		c.elsewhere[f.Rule.Title]++
	}
	return nil
}

func (c *check) End(r *sweep.Result) error {
	if !r.Certificate.Complete() {
		return fmt.Errorf("the drill's evidence is damaged: %+v", r.Certificate.Files)
	}
	return nil
}
