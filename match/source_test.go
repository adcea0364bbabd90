package match_test

import (
	"testing"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/rules"
)

// TestACorrelationHasTheSourcesOfWhatItCounts: also by way of another correlation, and each once.
func TestACorrelationHasTheSourcesOfWhatItCounts(t *testing.T) {
	set, rejected := match.Load(match.Question{BuiltIn: rules.FS})
	if len(rejected) > 0 {
		t.Fatal(rejected)
	}
	got := map[string]string{}
	for _, r := range set.Rules() {
		if r.Kind == finding.Correlation {
			got[r.Title] = r.Source
			if r.Source == "" || r.Source == "//" {
				t.Errorf("%q has the source %q", r.Title, r.Source)
			}
		}
	}
	for title, want := range map[string]string{
		"Program brought to another machine and started there over the wire": "zeek//smb_files, zeek//dce_rpc",
		"Wrong passwords for many accounts from one address":                 "windows//security",
		"Passwords tried for many accounts, then a logon accepted":           "windows//security",
	} {
		if got[title] != want {
			t.Errorf("%q has the source %q, want %q", title, got[title], want)
		}
	}
}
