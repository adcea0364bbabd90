package hunt

import (
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/fingerprint"
)

func TestPoliciesAreReadOrRefused(t *testing.T) {
	good := "by: CERT\nwaves: 3\notherwise: leave\napprove:\n  - kinds: [sha256, domain]\n    tiers: [unique, strong]\n    decibans: 10\n    organisations: 2\n  - kinds: [ip]\n    untied: true\n"
	p, err := ReadPolicy(strings.NewReader(good))
	if err != nil || p.By != "CERT" || p.Waves != 3 || !p.Leave || len(p.Rules) != 2 || p.Rules[0].Organisations != 2 || !p.Rules[1].Untied {
		t.Fatalf("%+v %v", p, err)
	}
	for bad, want := range map[string]string{
		"":                                      "want the keys",
		"[]":                                    "want the keys",
		"by: x\n?":                              "",
		"approve: []":                           "by is missing",
		"by: x\napprove: yes":                   "line 2: approve: want a list",
		"by: x\nwaves: 0":                       "line 2: waves",
		"by: x\nwaves: 1000":                    "line 2: waves",
		"by: x\notherwise: approve":             `line 2: otherwise is "approve"`,
		"by: x\nby: y":                          `line 2: "by" is there twice`,
		"by: x\nevery: thing":                   `line 2: unknown key "every"`,
		"by: x\napprove:\n  - all":              "line 3: want keys",
		"by: x\napprove:\n  - kinds: [hash]":    `line 3: kind "hash" is not known`,
		"by: x\napprove:\n  - tiers: [best]":    `line 3: tier "best" is not known`,
		"by: x\napprove:\n  - decibans: -1":     "line 3: decibans",
		"by: x\napprove:\n  - decibans: .nan":   "line 3: decibans",
		"by: x\napprove:\n  - organisations: 0": "line 3: organisations",
		"by: x\napprove:\n  - untied: perhaps":  "line 3",
		strings.Repeat("#", maxPolicy+1):        "longer than",
	} {
		if p, err := ReadPolicy(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %+v %v, want %q", bad, p, err, want)
		}
	}
}

func FuzzReadPolicy(f *testing.F) {
	f.Add("by: CERT\nwaves: 3\notherwise: leave\napprove:\n  - kinds: [sha256]\n    tiers: [unique]\n    decibans: 10\n    organisations: 2\n    untied: false\n")
	f.Add("by: &a x\napprove: [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ReadPolicy(strings.NewReader(text))
		if err == nil && (p.By == "" || p.Waves < 1) {
			t.Errorf("%q is read as %+v", text, p)
		}
	})
}

func TestWhatAPolicyLetsIn(t *testing.T) {
	domain := func(tier fingerprint.Tier, decibans float64) *fingerprint.Item {
		return &fingerprint.Item{Kind: fingerprint.Domain, Value: "a.example.org", Tier: tier, Specificity: fingerprint.Specificity{Decibans: decibans}}
	}
	one, two := &Lesson{Orgs: []string{"a"}, Tied: true}, &Lesson{Orgs: []string{"a", "b"}, Tied: true}
	loose := &Lesson{Orgs: []string{"a", "b"}}
	for _, c := range []struct {
		rule PolicyRule
		it   *fingerprint.Item
		l    *Lesson
		want bool
	}{
		{PolicyRule{}, domain(fingerprint.Strong, 0), one, true},
		{PolicyRule{}, domain(fingerprint.NeverAlone, 3), one, false},
		{PolicyRule{Tiers: []fingerprint.Tier{fingerprint.NeverAlone}}, domain(fingerprint.NeverAlone, 3), one, true},
		{PolicyRule{Tiers: []fingerprint.Tier{fingerprint.Unique}}, domain(fingerprint.Strong, 9), one, false},
		{PolicyRule{Kinds: []fingerprint.Kind{fingerprint.IP}}, domain(fingerprint.Strong, 9), one, false},
		{PolicyRule{Decibans: 10}, domain(fingerprint.Strong, 9), one, false},
		{PolicyRule{Decibans: 9}, domain(fingerprint.Strong, 9), one, true},
		{PolicyRule{Organisations: 2}, domain(fingerprint.Strong, 9), one, false},
		{PolicyRule{Organisations: 2}, domain(fingerprint.Strong, 9), two, true},
		{PolicyRule{}, domain(fingerprint.Unique, 40), loose, false}, // nothing ties it to the known intruder
		{PolicyRule{Untied: true}, domain(fingerprint.Unique, 40), loose, true},
	} {
		p := &Policy{By: "x", Rules: []PolicyRule{c.rule}}
		if got := p.approves(c.it, c.l); got != c.want {
			t.Errorf("%+v of %s at %g dB, %+v: %t", c.rule, c.it.Tier, c.it.Specificity.Decibans, *c.l, got)
		}
	}
	if (*Policy)(nil).approves(domain(fingerprint.Unique, 40), two) || (&Policy{By: "x"}).approves(domain(fingerprint.Unique, 40), two) {
		t.Error("a policy without rules lets something in")
	}
}

// What stands in a folder may be anything; only what a hunt wrote is gone on with.
func FuzzParseState(f *testing.F) {
	f.Add(`{"name":"x","orgs":["a"],"status":"quiet","why":"","version":1,"file":"version-1.json","settled":true,"waves":[],"lessons":[{"rule":"r","decision":"waiting"}],"demoted":{"r":"strong"}}`)
	f.Add(`{"status":"running","version":1,"file":"../x"}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseState(strings.NewReader(text))
		if err != nil {
			return
		}
		if s.Demoted == nil || s.File != versionFile(s.Version) && s.Status != NoneToHunt {
			t.Errorf("%q is read as %+v", text, s)
		}
		s.WaitingItems()
		s.view()
	})
}

func TestStatesOfOthersAreRefused(t *testing.T) {
	for _, bad := range []string{"", "[]", "{}", `{"status":"going"}`, `{"status":"running","version":1,"file":"../version-1.json"}`, `{"status":"running","version":0,"file":"version-0.json"}`,
		`{"status":"running","version":1,"file":"version-1.json","lessons":[{"rule":"a","decision":"waiting"},{"rule":"a","decision":"waiting"}]}`,
		`{"status":"running","version":1,"file":"version-1.json","lessons":[{"rule":"a","decision":"let in"}]}`,
		`{"status":"running","version":1,"file":"version-1.json","demoted":{"a":"best"}}`} {
		if s, err := parseState(strings.NewReader(bad)); err == nil {
			t.Errorf("%s is read as %+v", bad, s)
		}
	}
}
