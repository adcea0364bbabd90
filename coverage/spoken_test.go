package coverage

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhoSpeaksOverATime(t *testing.T) {
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	source := func(first, last string, records uint64, gaps ...Gap) Source {
		return Source{First: first, Last: last, Records: records, Gaps: gaps}
	}
	whole := source("2026-01-01T00:00:00Z", "2026-05-31T12:00:00Z", 90_000)
	for name, x := range map[string]struct {
		sources []Source
		want    string
	}{
		"speaks":                           {[]Source{whole}, ""},
		"begins and ends within a day":     {[]Source{source("2026-03-01T23:00:00Z", "2026-05-31T01:00:00Z", 90_000)}, ""},
		"nothing":                          {nil, "nothing of it is later than 2026-03-01"},
		"ended before":                     {[]Source{source("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", 9)}, "nothing of it is later than 2026-03-01"},
		"no times":                         {[]Source{source("", "", 9)}, "nothing of it is later than 2026-03-01"},
		"begins late":                      {[]Source{source("2026-03-03T00:00:00Z", "2026-06-01T00:00:00Z", 90_000)}, "begin on 2026-03-03"},
		"ends early":                       {[]Source{source("2026-01-01T00:00:00Z", "2026-05-29T00:00:00Z", 90_000)}, "end on 2026-05-29"},
		"a sparse source ends early":       {[]Source{source("2026-01-01T00:00:00Z", "2026-05-28T00:00:00Z", 150)}, ""},
		"a sparser one ends a month early": {[]Source{source("2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z", 15)}, "end on 2026-05-01"},
		"falls silent":                     {[]Source{source("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 90_000, Gap{From: "2026-04-01T00:00:00Z", To: "2026-04-03T00:00:00Z"})}, "silent from 2026-04-01"},
		"was silent before":                {[]Source{source("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 90_000, Gap{From: "2026-02-01T00:00:00Z", To: "2026-02-20T00:00:00Z"})}, ""},
		"is silent at every weekend":       {[]Source{source("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 90_000, Gap{From: "2026-04-03T18:00:00Z", To: "2026-04-06T07:00:00Z", Usual: 60 * 3600})}, ""},
		"one of two speaks":                {[]Source{source("2026-03-09T00:00:00Z", "2026-06-01T00:00:00Z", 90_000), whole}, ""},
		"was cleared":                      {[]Source{source("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 90_000, Gap{From: "2026-04-01T00:00:00Z", To: "2026-04-01T00:00:00Z", Cleared: true})}, "cleared at 2026-04-01"},
		"was cleared before":               {[]Source{source("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 90_000, Gap{From: "2026-02-01T00:00:00Z", To: "2026-02-01T00:00:00Z", Cleared: true})}, ""},
		"was cleared after the time":       {[]Source{source("2026-01-01T00:00:00Z", "2026-06-03T00:00:00Z", 90_000, Gap{From: "2026-06-02T00:00:00Z", To: "2026-06-02T00:00:00Z", Cleared: true})}, ""},
		"lost records":                     {[]Source{source("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 90_000, Gap{From: "2026-04-01T00:00:00Z", To: "2026-04-01T00:05:00Z", Missing: 7})}, "7 records"},
		"is a selection of records":        {[]Source{source("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 90_000, slices.Repeat([]Gap{{From: "2026-04-01T00:00:00Z", To: "2026-04-01T00:05:00Z", Missing: 7}}, 30)...)}, ""},
		"was at work until it was stopped": {[]Source{source("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 90_000, Gap{From: "2026-04-01T00:00:00Z", To: "2026-04-01T00:00:00Z", Why: whyStopped})}, ""},
		"has more gaps than are told":      {[]Source{source("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 90_000, Gap{Why: "and 3 more"})}, "more gaps"},
	} {
		h := Host{Host: "a", Sources: x.sources}
		if _, got := h.Speaking(from, to, func(string) bool { return true }); (got == "") != (x.want == "") || !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
}

// A log that could not show what is sought does not speak for one that could.
func TestOtherLogsDoNotSpeak(t *testing.T) {
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	h := Host{Host: "a", Sources: []Source{
		{Source: "windows/Application", First: "2026-01-01T00:00:00Z", Last: "2026-06-01T00:00:00Z", Records: 90_000},
		{Source: "windows/Security", First: "2026-05-01T00:00:00Z", Last: "2026-06-01T00:00:00Z", Records: 90_000},
	}}
	o := Org{Hosts: []Host{h}, Profiles: []Profile{{ID: "p1", AnsweredBy: []Answered{{Sources: []string{"windows/Security"}, Rules: []string{"x"}}}}}}
	if speak, why := h.Speaking(from, to, o.Answering()("p1", "x")); len(speak) > 0 || !strings.Contains(why, "begin on 2026-05-01") {
		t.Errorf("%q speaks, %q", speak, why)
	}
	if speak, why := h.Speaking(from, to, o.Answering()("p1", "not told of")); len(speak) != 1 || why != "" {
		t.Errorf("of a rule that the certificate does not tell of: %q speaks, %q", speak, why)
	}
}

func TestWhichHostsAreCritical(t *testing.T) {
	inventory := []Declared{{Host: "DB1.alpha.example", Critical: true, Org: "alpha"}, {Host: "web1", Critical: true, Org: "alpha"}, {Host: "10.1.2.3", Critical: true, Org: "alpha"}, {Host: "ws9.alpha.example", Org: "alpha"}, {Host: "x", Org: "beta"}}
	alpha := Critical(inventory, "alpha")
	for host, want := range map[string]bool{"db1.ALPHA.example": true, "db1": true, "db1.other.example": false, "web1": true, "WEB1.alpha.example": true, "10.1.2.3": true, "10.1.2.4": false, "ws9.alpha.example": false, "ws9": false} {
		if alpha(host) != want {
			t.Errorf("%s: %t, want %t", host, !want, want)
		}
	}
	if beta := Critical(inventory, "beta"); !beta("x") || !beta("anything") {
		t.Error("an inventory that calls no host of an organisation critical does not make all of them count")
	}
	if all := Critical(nil, "gamma"); !all("y") {
		t.Error("without an inventory not all hosts count")
	}
}
