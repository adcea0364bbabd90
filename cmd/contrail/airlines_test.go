package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/conformance"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/stix"
)

// TestAirlinesCaseIsBuilt runs the example's script and holds what it leaves against what the facts say.
func TestAirlinesCaseIsBuilt(t *testing.T) {
	shell := require.Program(t, "sh")
	example, err := filepath.Abs("../../examples/airlines-2021")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "airlines")
	contrail := func(args ...string) *exec.Cmd {
		c := exec.Command(os.Args[0], args...)
		c.Env = append(os.Environ(), "CONTRAIL_TEST_MAIN=1", "CONTRAIL_KEY="+filepath.Join(out, "keys/anna.key"))
		return c
	}
	script := exec.Command(shell, filepath.Join(example, "build.sh"), out)
	script.Env = append(os.Environ(), "CONTRAIL_TEST_MAIN=1", "CONTRAIL="+os.Args[0])
	said, err := script.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{"context-only; its window ends 185 to 244 days before", "count once for vault-7", "report (2020-01) to public (2021-10-31): 639 to 669 days", "report (2020-01) to public (2021-11-01): 640 to 670 days", "entries fit"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	// The case is weighed like the folder that describes it.
	var answers [][]byte
	for _, from := range []string{filepath.Join(out, "case"), example} {
		b, err := contrail("attribute", from).Output()
		if err != nil {
			t.Fatal(from, err)
		}
		answers = append(answers, b)
	}
	if !bytes.Equal(answers[0], answers[1]) {
		t.Error("case and description are weighed differently")
	}
	checkReleases(t, out)
	checkChangedCopy(t, example, filepath.Join(out, "case"), contrail)
}

// checkReleases: every audience has a bundle that both checks accept, under ids of its own, and none names what was withheld.
func checkReleases(t *testing.T, out string) {
	t.Helper()
	bundles := map[string][]byte{}
	seen := map[stix.ID]string{}
	for _, audience := range []string{"victim", "members", "authority", "public"} {
		b, err := os.ReadFile(filepath.Join(out, "released", audience, "bundle.json"))
		if err != nil {
			t.Fatal(err)
		}
		bundles[audience] = b
		objects, damage, err := stix.ReadAll(bytes.NewReader(b), stix.Limits{})
		if err != nil || len(damage) > 0 {
			t.Fatal(audience, err, damage)
		}
		for _, p := range stix.ValidateBundle(&stix.Bundle{Objects: objects}) {
			if p.Severity == stix.Must || strings.Contains(p.Text, "not in the bundle") {
				t.Errorf("%s: %s", audience, p)
			}
		}
		types := map[string]int{}
		for _, o := range objects {
			id := o.Head().ID
			types[stix.TypeOf(o)]++
			if other := seen[id]; other != "" && id.Type() != "marking-definition" {
				t.Errorf("%s has one id for %s and %s", id, other, audience)
			}
			seen[id] = audience
		}
		if types["incident"] != 1 || types["event"] != 9 || types["note"] < 4 {
			t.Errorf("%s: %v", audience, types)
		}
		if named := bytes.Contains(b, []byte("the reporting airline")); named != (audience == "victim") {
			t.Errorf("%s: the airline is named: %t", audience, named)
		}
	}
	if !strings.Contains(string(bundles["public"]), "name is withheld") || !strings.Contains(string(bundles["public"]), `"start_time_fidelity":"month"`) {
		t.Error("the public's bundle lacks the withheld name or the month's precision")
	}
	conformance.ValidSTIX(t, bundles)
}

// checkChangedCopy enters a copy in which the month of the report and the end of a window differ: the days follow.
func checkChangedCopy(t *testing.T, example, dir string, contrail func(...string) *exec.Cmd) {
	t.Helper()
	changed := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(changed, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	for file, edit := range map[string][2]string{"case.yaml": {"reported: 2020-01 ", "reported: 2020-03 "}, "claims/qihoo-360.yaml": {"to: 2019-06}", "to: 2019-12-31}"}} {
		b, err := os.ReadFile(filepath.Join(changed, file))
		if err != nil || !bytes.Contains(b, []byte(edit[0])) {
			t.Fatalf("%s: %v", file, err)
		}
		if err := os.WriteFile(filepath.Join(changed, file), bytes.Replace(b, []byte(edit[0]), []byte(edit[1]), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, err := contrail("case", "add", "claims", "--why", "another month", dir, changed).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	b, err := contrail("attribute", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Incident struct {
			Lags []struct{ Days [2]int } `json:"report_to_public"`
		}
		Claims []struct {
			ID  string
			Gap *[2]int `json:"gap_days"`
		}
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Claims, func(c struct {
		ID  string
		Gap *[2]int `json:"gap_days"`
	}) bool {
		return c.ID == "qihoo-360"
	})
	if i < 0 || *r.Claims[i].Gap != [2]int{61, 91} || r.Incident.Lags[0].Days != [2]int{579, 609} {
		t.Errorf("after the change: %+v %+v", r.Claims[i].Gap, r.Incident.Lags)
	}
}
