package kinship

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

const hash = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"

var asOf = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

type population int

func (p population) Count(fingerprint.Kind, string) (int, int) { return 0, int(p) }

// cases are intrusions by others that have none of the habits.
type cases int

func (cases) Count(fingerprint.Kind, string) (int, int)    { return 0, 0 }
func (c cases) Shared(fingerprint.Kind, string) (int, int) { return 0, int(c) }

func sample(t testing.TB, hosts int) *fingerprint.Fingerprint {
	t.Helper()
	f := &fingerprint.Fingerprint{Name: "March", Version: 1, FirstSeen: "2026-03-01T00:00:00Z", Items: []fingerprint.Item{}}
	f.Marking.TLP = 3
	for _, it := range []fingerprint.Item{
		{Kind: fingerprint.SHA256, Value: hash, Group: "program svcagent.exe"},
		{Kind: fingerprint.FilePath, Value: `*\ProgramData\ctl\svcagent.exe`, Group: "program svcagent.exe"},
		{Kind: fingerprint.Domain, Value: "cdn.bad-updates.org", Group: "infrastructure bad-updates.org"},
		{Kind: fingerprint.IP, Value: "203.0.113.9", Group: "infrastructure bad-updates.org"},
		{Kind: fingerprint.CommandLine, Value: "*rundll32.exe* *.dll MiniDump * full", Group: "command rundll32.exe"},
		{Kind: fingerprint.CommandLine, Value: "*archiver* a -hp* -m5 *.db", Group: "command archiver"},
		{Kind: fingerprint.FileName, Value: "psexec.exe"},
		{Kind: fingerprint.URL, Value: "https://appliance.invalid/dana-na/way", WayIn: true},
		{Kind: fingerprint.Sequence, Value: "T1059.001 T1003.001 T1021.002 T1560.001", Group: "habits"},
	} {
		if err := f.Add(it); err != nil {
			t.Fatal(err)
		}
	}
	f.Rate(nil, population(hosts), cases(hosts))
	return f
}

func rulesOf(t testing.TB, f *fingerprint.Fingerprint, value string) (ids []string) {
	t.Helper()
	rules, err := f.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if f.Items[r.Item].Value == value {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		t.Fatalf("no rule for %s", value)
	}
	return ids
}

// covered is an organisation of two hosts that were searched well.
func covered() *coverage.Org {
	hosts := func(name string) coverage.Host {
		return coverage.Host{Host: name, Profile: "p1", Sources: []coverage.Source{{Source: "windows sysmon", First: "2025-11-01T00:00:00Z", Last: "2026-05-31T23:00:00Z", Records: 9}}}
	}
	return &coverage.Org{Name: "beta", Denominator: coverage.Denominator{Declared: 2, Covered: 2, Known: true}, Hosts: []coverage.Host{hosts("srv1"), hosts("srv2")},
		Profiles: []coverage.Profile{{ID: "p1", Searchable: 9}}}
}

func always(string) bool { return true }

func hit(record uint64) []finding.Ref { return []finding.Ref{{File: "x.evtx", Record: record}} }

func trail(t testing.TB, techniques string, implants string) *fingerprint.Trail {
	t.Helper()
	var stages []string
	for i, s := range strings.Fields(techniques) {
		stages = append(stages, `{"tactic":"execution","technique":"`+s+`","time":"2026-03-0`+string(rune('1'+i))+`T00:00:00Z","refs":[]}`)
	}
	tr, err := fingerprint.ReadTrail(strings.NewReader(`{"established":` + map[bool]string{true: "true", false: "false"}[techniques != ""] + `,"stages":[` + strings.Join(stages, ",") + `],"implant":[` + implants + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestVerdicts(t *testing.T) {
	const path = `*\ProgramData\ctl\svcagent.exe`
	for _, c := range []struct {
		name  string
		hosts int
		want  Verdict
		other bool
		set   func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence)
	}{
		{"hash and domain on different records", 40, SameIntrusion, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Hits[rulesOf(t, f, hash)[0]] = hit(1)
			e.Hits[rulesOf(t, f, "cdn.bad-updates.org")[0]] = hit(2)
		}},
		{"hash alone is one item", 40, Related, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Hits[rulesOf(t, f, hash)[0]] = hit(1)
		}},
		{"hash and path are one file", 40, Related, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Hits[rulesOf(t, f, hash)[0]] = hit(1)
			e.Hits[rulesOf(t, f, path)[0]] = hit(2)
		}},
		{"hash and domain on one record are one observation", 40, Related, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Hits[rulesOf(t, f, hash)[0]] = hit(1)
			e.Hits[rulesOf(t, f, "cdn.bad-updates.org")[0]] = hit(1)
		}},
		{"hash and a public tool", 40, Related, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Hits[rulesOf(t, f, hash)[0]] = hit(1)
			e.Hits[rulesOf(t, f, "psexec.exe")[0]] = hit(2)
		}},
		{"habits alone, however strong", 100000, Related, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Trail = trail(t, "T1059.001 T1003.001 T1021.002 T1560.001", "")
			e.Hits[rulesOf(t, f, "*rundll32.exe* *.dll MiniDump * full")[0]] = hit(1)
			e.Hits[rulesOf(t, f, "*archiver* a -hp* -m5 *.db")[0]] = hit(2)
		}},
		{"another intruder", 40, Unrelated, true, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Trail = trail(t, "T1566 T1486", `{"name":"locker.exe"}`)
		}},
		{"another intruder with the same public tool", 40, Unrelated, true, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Trail = trail(t, "T1566 T1486", `{"name":"locker.exe"}`)
			e.Hits[rulesOf(t, f, "psexec.exe")[0]] = hit(2)
		}},
		{"the same way in by another hand", 40, Unrelated, true, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Trail = trail(t, "T1190 T1486", `{"name":"miner"}`)
			e.Hits[rulesOf(t, f, "https://appliance.invalid/dana-na/way")[0]] = hit(2)
		}},
		{"two intruders", 40, SameIntrusion, true, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Trail = trail(t, "T1190 T1486", `{"name":"svcagent.exe","sha256":["`+hash+`"]},{"name":"miner.exe"}`)
			e.Hits[rulesOf(t, f, hash)[0]] = hit(1)
			e.Hits[rulesOf(t, f, "cdn.bad-updates.org")[0]] = hit(2)
		}},
		{"clean", 40, NotFound, false, func(*testing.T, *fingerprint.Fingerprint, *Evidence) {}},
		{"clean, and the trace says so", 40, NotFound, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) { e.Trail = trail(t, "", "") }},
		{"no inventory", 40, NotEnough, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Coverage.Denominator = coverage.Denominator{}
		}},
		{"no certificate", 40, NotEnough, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) { e.Coverage = nil }},
		{"a critical host is silent", 40, NotEnough, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Coverage.Silent = []coverage.Declared{{Host: "dc1", Critical: true}}
		}},
		{"logs begin too late", 40, NotEnough, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Coverage.Hosts[1].Sources[0].First = "2026-02-01T00:00:00Z"
		}},
		{"logs begin too late on a host of no concern", 40, NotFound, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Coverage.Hosts[1].Sources[0].First = "2026-02-01T00:00:00Z"
			e.Critical = coverage.Critical([]coverage.Declared{{Host: "SRV1", Critical: true}}, e.Org)
		}},
		{"logs end too early", 40, NotEnough, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Coverage.Hosts[0].Sources[0].Last = "2026-05-20T00:00:00Z"
		}},
		{"a long silence", 40, NotEnough, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Coverage.Hosts[0].Sources[0].Gaps = []coverage.Gap{{From: "2026-03-01T00:00:00Z", To: "2026-03-05T00:00:00Z"}}
		}},
		{"the rules were not asked", 40, NotEnough, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) { e.Asked = nil }},
		{"the logs cannot answer", 40, NotEnough, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			rules, _ := f.Rules()
			u := coverage.Unanswered{Reason: "no such source"}
			for _, r := range rules {
				u.Rules = append(u.Rules, r.ID)
			}
			e.Coverage.Profiles[0].NotSearchable = []coverage.Unanswered{u}
		}},
		{"grave findings on logs that cannot answer", 40, NotEnough, true, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Coverage.Hosts, e.Grave = nil, hit(3)
		}},
		{"indicators counted nowhere weigh nothing", 0, NotEnough, false, func(t *testing.T, f *fingerprint.Fingerprint, e *Evidence) {
			e.Hits[rulesOf(t, f, "cdn.bad-updates.org")[0]] = hit(2)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := sample(t, c.hosts)
			e := Evidence{Org: "beta", Hits: map[string][]finding.Ref{}, Asked: always, Coverage: covered()}
			c.set(t, f, &e)
			r, err := Judge(f, []Evidence{e}, Options{AsOf: asOf})
			if err != nil {
				t.Fatal(err)
			}
			o := r.Orgs[0]
			if o.Verdict != c.want || o.OtherIntrusion != c.other {
				t.Errorf("%s (%s), other %v; %.2f dB, posterior %g; want %s, %v; missing %q; %+v", o.Verdict, o.Why, o.OtherIntrusion, o.Decibans, o.Posterior, c.want, c.other, o.WouldSettle, o.Items)
			}
			if o.Verdict == NotEnough && len(o.WouldSettle) == 0 {
				t.Error("it does not say what would settle it")
			}
			sum := 0.0
			for _, it := range o.Items {
				sum += it.Decibans
				if it.For != (it.Decibans >= 0) {
					t.Errorf("for %v with %g", it.For, it.Decibans)
				}
			}
			if math.Abs(sum-o.Decibans) > 0.02 || math.Abs(Posterior(DefaultPrior, o.Decibans)-o.Posterior) > 1e-6 {
				t.Errorf("items add up to %g, not %g", sum, o.Decibans)
			}
		})
	}
}

func TestJudgementIsMonotoneAndCapped(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		hosts := rng.IntN(200)
		f := sample(t, hosts)
		rules, _ := f.Rules()
		e := Evidence{Org: "beta", Hits: map[string][]finding.Ref{}, Asked: always, Coverage: covered()}
		last := math.Inf(-1)
		rng.Shuffle(len(rules), func(i, k int) { rules[i], rules[k] = rules[k], rules[i] })
		for n, r := range rules {
			e.Hits[r.ID] = hit(uint64(n % 3))
			res, err := Judge(f, []Evidence{e}, Options{AsOf: asOf})
			if err != nil {
				t.Fatal(err)
			}
			o := res.Orgs[0]
			if o.Decibans < last-1e-9 {
				t.Fatalf("more evidence for it lowers %g to %g", last, o.Decibans)
			}
			last = o.Decibans
			for _, it := range o.Items {
				if !it.Kind.Exact() && it.Decibans > fingerprint.Cap(hosts)+0.01 {
					t.Fatalf("%s weighs %g on %d hosts", it.Kind, it.Decibans, hosts)
				}
			}
			groups := map[string]int{}
			for _, it := range o.Items {
				if it.Group != "" && it.Decibans > 0 {
					if groups[it.Group]++; groups[it.Group] > 1 {
						t.Fatalf("group %s counts twice", it.Group)
					}
				}
			}
		}
	}
}

func TestPriorAndBand(t *testing.T) {
	f := sample(t, 40)
	for _, p := range []float64{-1, 1, 2, math.NaN()} {
		if _, err := Judge(f, nil, Options{Prior: p}); err == nil {
			t.Errorf("a prior of %g was taken", p)
		}
	}
	if p := Posterior(0.05, 0); math.Abs(p-0.05) > 1e-12 {
		t.Errorf("no evidence moves the prior to %g", p)
	}
	if p := Posterior(0.5, 10); math.Abs(p-10.0/11) > 1e-12 {
		t.Errorf("ten decibans on even odds give %g", p)
	}
	if Posterior(0.5, 1e6) != 1 || Band(1) != "almost certain" || Band(0) != "almost certainly not" || Band(0.5) != "about even" {
		t.Error("the ends of the scale")
	}
}

// fewLogs are few hosts whose logs show pipes and registry values, and many that show the rest.
type fewLogs struct{}

func (fewLogs) Count(k fingerprint.Kind, _ string) (int, int) {
	if k == fingerprint.Pipe || k == fingerprint.Registry {
		return 0, 9
	}
	return 0, 1000
}

// TestAbsenceIsShownByWhatWeighs: what weighs little may go unsearched where a clean answer is given, what weighs much may not.
func TestAbsenceIsShownByWhatWeighs(t *testing.T) {
	f := sample(t, 1000)
	for _, it := range []fingerprint.Item{{Kind: fingerprint.Pipe, Value: `\ctl-pipe7`}, {Kind: fingerprint.Registry, Value: `*\software\ctl\run7`}} {
		if err := f.Add(it); err != nil {
			t.Fatal(err)
		}
	}
	f.Rate(nil, fewLogs{})
	judge := func(unanswered ...string) Org {
		e := Evidence{Org: "beta", Hits: map[string][]finding.Ref{}, Asked: always, Coverage: covered()}
		u := coverage.Unanswered{Reason: "no such source"}
		for _, v := range unanswered {
			u.Rules = append(u.Rules, rulesOf(t, f, v)...)
		}
		e.Coverage.Profiles[0].NotSearchable = []coverage.Unanswered{u}
		r, err := Judge(f, []Evidence{e}, Options{AsOf: asOf})
		if err != nil {
			t.Fatal(err)
		}
		return r.Orgs[0]
	}
	if o := judge(`\ctl-pipe7`, `*\software\ctl\run7`); o.Verdict != NotFound {
		t.Errorf("without what weighs little: %s, %v", o.Verdict, o.WouldSettle)
	}
	if o := judge("cdn.bad-updates.org", "203.0.113.9"); o.Verdict != NotEnough || !strings.Contains(strings.Join(o.WouldSettle, "\n"), "sources that can show infrastructure bad-updates.org") {
		t.Errorf("without what weighs much: %s, %v", o.Verdict, o.WouldSettle)
	}
}
