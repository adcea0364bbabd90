package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/internal/conformance"
	"github.com/contrail-ir/contrail/stix"
)

// sysmon is a process creation with everything that observables are taken from; hostile in places.
const sysmonEvent = `{"EventID":1,"Image":"C:\\Temp\\evil.exe","CommandLine":"evil.exe \u001b[31m <script>","ProcessId":4242,"ParentImage":"C:\\Windows\\explorer.exe","ParentProcessId":"0x10",
"User":"ACME\\svc","Hashes":"SHA1=0123456789012345678901234567890123456789,MD5=0123456789abcdef0123456789abcdef,IMPHASH=00","DestinationIp":"203.0.113.7","SourceIp":"2001:db8::1",
"DestinationHostname":"Relay.Example.","url":"https://relay.example/a?b","IpAddress":"-","query":"not a name","SubjectUserName":"joe","SubjectDomainName":"ACME","SubjectUserSid":"S-1-5-21-1"}`

func bundleFindings() []*finding.Finding {
	a := rule("11111111-1111-4111-8111-111111111111", "Title: \"quoted\"", finding.High)
	a.Author, a.Tags = "Somebody", []string{"attack.execution", "attack.t1059.001", "attack.credential_access"}
	b := rule("beacon-1", "", finding.NoLevel)
	b.Kind = finding.Beacon
	return []*finding.Finding{
		{Rule: b, Org: "beta", Time: event.NoTime},
		{Rule: a, Org: "alpha", Host: "WS1", Time: 1.1e18, File: "a.evtx", Record: 7, SHA256: "ab", Event: []byte(sysmonEvent), Matched: []event.Matched{{Field: "Image", Value: "x"}}},
		{Rule: a, Org: "alpha", Host: "WS1", Time: 1.2e18, File: "a.evtx", Record: 8, Event: []byte(`{"x":1}`)},
		{Rule: a, Org: "beta", Host: "WS2", Time: 1.3e18, File: "b.evtx", Record: 8, Event: []byte(`not json`)},
		{Rule: b, Org: "beta", Time: 1.4e18, Matched: []event.Matched{{Field: "DestinationIp", Value: "203.0.113.7"}}},
	}
}

func TestBundleSightsIndicators(t *testing.T) {
	write := func() []byte {
		dir := t.TempDir()
		b := NewBundle(dir)
		for _, f := range bundleFindings() {
			if err := b.Finding(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.End(nil); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "bundle.json"))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	raw := write()
	if string(raw) != string(write()) {
		t.Error("the same findings gave different bytes")
	}
	objects, damage, err := stix.ReadAll(strings.NewReader(string(raw)), stix.Limits{})
	if err != nil || len(damage) > 0 {
		t.Fatal(err, damage)
	}
	for _, p := range stix.Errors(stix.ValidateBundle(&stix.Bundle{Objects: objects})) {
		t.Error(p)
	}
	n := map[string]int{}
	byID := map[stix.ID]stix.Object{}
	for _, o := range objects {
		n[stix.TypeOf(o)]++
		byID[o.Head().ID] = o
	}
	want := map[string]int{"marking-definition": 1, "identity": 3, "indicator": 2, "sighting": 3, "observed-data": 2, "process": 2, "file": 2, "directory": 2, "user-account": 2, "ipv4-addr": 1, "ipv6-addr": 1, "domain-name": 1, "url": 1}
	for typ, count := range want {
		if n[typ] != count {
			t.Errorf("%d of type %s, want %d", n[typ], typ, count)
		}
		delete(n, typ)
	}
	if len(n) > 0 {
		t.Errorf("also %v", n)
	}
	for _, o := range objects {
		if s, ok := o.(*stix.Sighting); ok {
			if s.SightingOfRef.Type() != "indicator" || byID[s.SightingOfRef] == nil {
				t.Errorf("%s is a sighting of %s", s.ID, s.SightingOfRef)
			}
			for _, d := range s.ObservedDataRefs {
				if byID[d] == nil {
					t.Errorf("%s refers to %s, which is not there", s.ID, d)
				}
			}
		}
		if o.Head().Type != "marking-definition" && len(o.Head().ObjectMarkingRefs) != 1 {
			t.Errorf("%s is not marked", o.Head().ID)
		}
	}
	if strings.Contains(string(raw), `\u001b`) {
		t.Error("a control character went into the bundle")
	}

	conformance.ValidSTIX(t, map[string][]byte{"findings": raw})
}

func TestBundleIsBounded(t *testing.T) {
	b := NewBundle(t.TempDir())
	r := rule("1", "t", finding.Low)
	for i := range 1000 {
		if err := b.Finding(&finding.Finding{Rule: r, Org: "o", Time: int64(i) * 1e9, Record: uint64(i), Event: []byte(sysmonEvent)}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := b.bundle()
	if err != nil {
		t.Fatal(err)
	}
	observed := 0
	for _, o := range all.Objects {
		switch o := o.(type) {
		case *stix.ObservedData:
			observed++
		case *stix.Sighting:
			if *o.Count != 1000 {
				t.Errorf("count %d", *o.Count)
			}
		}
	}
	if observed != maxObservedSighting {
		t.Errorf("%d observed", observed)
	}
}

func FuzzObservables(f *testing.F) {
	f.Add([]byte(sysmonEvent))
	f.Add([]byte(`{"Image":"\\","Hashes":"MD5=","url":"http://a","User":"\u0000","a":{"b":[{"c":1}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		objects, err := observables(&finding.Finding{Rule: &finding.Rule{}, Event: raw})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			for _, p := range stix.Errors(stix.Validate(o)) {
				t.Errorf("%s: %v", raw, p)
			}
		}
	})
}

func TestTimesketchHasWhatTheImporterDemands(t *testing.T) {
	dir := t.TempDir()
	ts, err := NewTimesketch(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ts.Close()
	for _, f := range bundleFindings() {
		if err := ts.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := ts.End(nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "timesketch.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"message", "datetime", "timestamp_desc", "data_type"} {
			if s, _ := e[key].(string); s == "" {
				t.Errorf("line %d has no %s", i, key)
			}
		}
		if _, ok := e["tag"].([]any); !ok {
			t.Errorf("line %d: tag is %T", i, e["tag"])
		}
		if i == 0 && (e["timestamp_desc"] != "Not a time" || e["timestamp"] != 0.0) {
			t.Errorf("a finding without a time is %v", e)
		}
		if i == 1 && (e["datetime"] != "2004-11-09T11:33:20.000000+00:00" || e["timestamp"] != 1.1e15 || e["message"] != `[high] Title: "quoted" on WS1: Image=x`) {
			t.Errorf("%v", e)
		}
	}
	table, err := os.ReadFile(filepath.Join(dir, "timesketch.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(table), "message,datetime,timestamp_desc,timestamp,data_type,tag,") || !strings.Contains(string(table), `"[""attack.execution"",""attack.t1059.001"",""attack.credential_access""]"`) {
		t.Errorf("%s", table)
	}
}

func TestLayerCountsFindingsPerTechnique(t *testing.T) {
	a, b, c := rule("a", "A", finding.Low), rule("b", "B\u202e", finding.High), rule("c", "C", finding.High)
	a.Tags, b.Tags, c.Tags = []string{"attack.t1059.001", "attack.T1003"}, []string{"attack.t1059.001", "attack.execution", "cve.2021-1"}, []string{"attack.t1001"}
	r := result(a, b)
	r.Rules = append(r.Rules, *c) // asked and not found
	r.Found["b"] = 5
	layer := layerOf(r)
	got := map[string]uint64{}
	for _, x := range layer.Techniques {
		got[x.ID] = x.Score
		if x.ShowSubs != (x.ID == "T1059") {
			t.Errorf("%s shows its sub-techniques: %v", x.ID, x.ShowSubs)
		}
	}
	if len(got) != 3 || got["T1059.001"] != 6 || got["T1003"] != 1 || got["T1059"] != 0 || layer.Gradient.Max != 6 || layer.Versions["layer"] != "4.5" {
		t.Errorf("%v %+v", got, layer)
	}
	if layer.Techniques[2].Comment != "B⟨U+202E⟩ (high): 5\nA (low): 1" {
		t.Errorf("%q", layer.Techniques[2].Comment)
	}
	if err := NewLayer(t.TempDir()).End(r); err != nil {
		t.Error(err)
	}
}

func TestCellsOfTheMatrix(t *testing.T) {
	for tags, want := range map[string]string{
		"attack.t1003.001 attack.credential-access":                 "credential-access:T1003.001",
		"attack.t1053.005 attack.persistence attack.execution":      "execution:T1053.005 persistence:T1053.005",
		"attack.t1003 attack.t1059 attack.execution":                "execution:T1003 execution:T1059",
		"attack.stealth attack.t1070.001":                           "stealth:T1070.001",
		"attack.defense_evasion attack.t1070.001":                   "defense-evasion:T1070.001",
		"attack.t1070.001":                                          "defense-evasion:T1070.001",
		"attack.t9999":                                              ":T9999",
		"attack.discovery":                                          "discovery:",
		"attack.impact attack.t1003.001 attack.credential-access":   "credential-access:T1003.001 impact:",
		"attack.g0016 cve.2020-1 attack.s0002 attack. attack.t10x3": "",
	} {
		var got []string
		for _, c := range cells(strings.Fields(tags)) {
			got = append(got, c.Tactic+":"+c.Technique)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", tags, strings.Join(got, " "), want)
		}
	}
	for id, x := range techniques() {
		if !isTechnique(strings.ToLower(id)) || x.name == "" || len(x.codes) == 0 {
			t.Errorf("attack.tsv: %s %+v", id, x)
		}
		if parent, _, sub := strings.Cut(id, "."); sub && techniques()[parent].name == "" {
			t.Errorf("attack.tsv: the parent of %s is missing", id)
		}
	}
}
