package hunt

import (
	"github.com/contrail-ir/contrail/coverage"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/fingerprint"
)

func TestWhatIsFoundSinceTheCleanUp(t *testing.T) {
	const hash = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	at := func(k fingerprint.Kind, value string, tier fingerprint.Tier, host, last string) Sighted {
		return Sighted{Kind: k, Value: value, Tier: tier, Host: host, Last: last, Count: 1}
	}
	const now = "2026-03-28T00:00:00Z"
	file := at(fingerprint.SHA256, hash, fingerprint.Unique, "", "")
	path := at(fingerprint.FilePath, `*\x\ctl.exe`, fingerprint.Strong, "", "")
	name := at(fingerprint.Domain, "cdn.bad.example", fingerprint.Supporting, "web1", now)
	habit := at(fingerprint.CommandLine, "*tool* -x *", fingerprint.Supporting, "web1", now)
	for what, x := range map[string]struct {
		found []Sighted
		want  Gone
		says  string
	}{
		"a strong item with a time":             {[]Sighted{at(fingerprint.Domain, "cdn.bad.example", fingerprint.Strong, "web1", now), at(fingerprint.Domain, "cdn.bad.example", fingerprint.Strong, "db1", now)}, Present, "domain cdn.bad.example on 2 hosts seen since"},
		"a supporting one":                      {[]Sighted{name}, Suspected, "domain cdn.bad.example on web1 seen since, which others may have as well"},
		"the program without a time":            {[]Sighted{file}, Suspected, "collected before the clean-up"},
		"the program, and where it calls since": {[]Sighted{file, name}, Present, "in files that carry no time, this intruder's alone; and domain cdn.bad.example on web1 seen since"},
		"the program, and a habit since":        {[]Sighted{file, habit}, Suspected, "collected before"},
		"a path, and a name since":              {[]Sighted{path, name}, Suspected, "others may have"},
	} {
		if got, why := seen(x.found); got != x.want || !strings.Contains(why, x.says) {
			t.Errorf("%s: %s, %q; want %s, %q", what, got, why, x.want, x.says)
		}
	}
}

// "Gone" rests on the logs that could show the items, from the clean-up to the end, and on items that say something.
func TestWhatGoneRestsOn(t *testing.T) {
	since, end := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	f := &fingerprint.Fingerprint{Name: "x", Version: 1, Items: []fingerprint.Item{
		{Kind: fingerprint.SHA256, Value: strings.Repeat("ab", 32), Tier: fingerprint.Unique, Rule: "4520b223-35e7-5104-b5e0-926a14156be0"},
		{Kind: fingerprint.Domain, Value: "cdn.bad.example", Tier: fingerprint.Supporting, Rule: "d2a73970-30a7-5452-9e59-7e63e110908f"},
	}}
	inventory := []coverage.Declared{{Host: "h1", Critical: true}}
	c, err := NewClearer(t.TempDir(), f, true, since, time.Time{}, inventory)
	if err != nil {
		t.Fatal(err)
	}
	const sysmon, application = "windows/Microsoft-Windows-Sysmon/Operational", "windows/Application"
	log := func(name, first string, gaps ...coverage.Gap) coverage.Source {
		return coverage.Source{Source: name, First: first, Last: end.Format(time.RFC3339), Records: 9000, Gaps: gaps}
	}
	cleared := coverage.Gap{From: "2026-03-10T00:00:00Z", To: "2026-03-10T00:00:00Z", Cleared: true}
	all := []string{sysmon}
	for what, x := range map[string]struct {
		sources []coverage.Source
		hashes  []string // logs that can show digests
		want    Gone
		says    string
	}{
		"everything":                                {[]coverage.Source{log(sysmon, "2026-03-01T00:00:00Z")}, all, IsGone, ""},
		"another log speaks for it":                 {[]coverage.Source{log(application, "2026-03-01T00:00:00Z"), log(sysmon, "2026-03-12T00:00:00Z")}, all, CannotTell, "begin on 2026-03-12"},
		"the log was cleared":                       {[]coverage.Source{log(sysmon, "2026-03-01T00:00:00Z", cleared)}, all, CannotTell, "cleared at 2026-03-10"},
		"one of two that could show it was cleared": {[]coverage.Source{log("windows/Security", "2026-03-01T00:00:00Z", cleared), log(sysmon, "2026-03-01T00:00:00Z")}, []string{sysmon, "windows/Security"}, CannotTell, "Security was cleared"},
		"a log of no concern was cleared":           {[]coverage.Source{log(application, "2026-03-01T00:00:00Z", cleared), log(sysmon, "2026-03-01T00:00:00Z")}, all, IsGone, ""},
		"records are missing":                       {[]coverage.Source{log(sysmon, "2026-03-01T00:00:00Z", coverage.Gap{From: "2026-03-10T00:00:00Z", To: "2026-03-10T00:01:00Z", Missing: 400})}, all, CannotTell, "400 records"},
		"the best item cannot be shown":             {[]coverage.Source{log(sysmon, "2026-03-01T00:00:00Z")}, nil, CannotTell, "identify it best"},
	} {
		profile := coverage.Profile{ID: "p1", NotSearchable: []coverage.Unanswered{}, AnsweredBy: []coverage.Answered{{Sources: all, Rules: c.rules[1]}}}
		if x.hashes == nil {
			profile.NotSearchable = append(profile.NotSearchable, coverage.Unanswered{Reason: "no digests", Rules: c.rules[0]})
		} else {
			profile.AnsweredBy = append(profile.AnsweredBy, coverage.Answered{Sources: x.hashes, Rules: c.rules[0]})
		}
		o := &coverage.Org{Name: "a", Denominator: coverage.Denominator{Declared: 1, Covered: 1, Known: true},
			Hosts: []coverage.Host{{Host: "h1", Profile: "p1", Sources: x.sources}}, Profiles: []coverage.Profile{profile}}
		got := c.org(&coverage.Certificate{}, o)
		says := got.Why
		for _, h := range got.NotSearched {
			says += "; " + h.Why
		}
		if got.Answer != x.want || !strings.Contains(says, x.says) {
			t.Errorf("%s: %s, %q; want %s, %q", what, got.Answer, says, x.want, x.says)
		}
	}
}
