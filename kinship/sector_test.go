package kinship

import (
	"slices"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// TestWhatEverybodyHasLosesItsWeight: a service that was rolled out everywhere last week was counted nowhere in the time before.
func TestWhatEverybodyHasLosesItsWeight(t *testing.T) {
	f := sample(t, 1000)
	domain := rulesOf(t, f, "cdn.bad-updates.org")[0]
	org := func(name string, seen bool) Evidence {
		e := Evidence{Org: name, Hits: map[string][]finding.Ref{}, SeenOn: map[string][]string{}, Asked: always, Coverage: covered()}
		if seen {
			e.Hits[domain], e.SeenOn[domain] = hit(1), []string{"srv1", "srv2"}
		}
		return e
	}
	judge := func(all ...Evidence) []Org {
		r, err := Judge(f, all, Options{AsOf: asOf})
		if err != nil {
			t.Fatal(err)
		}
		return r.Orgs
	}
	alone := judge(org("a", true), org("b", false), org("c", false))
	if alone[0].Verdict != Related {
		t.Errorf("found in one of three it is %s with %g dB", alone[0].Verdict, alone[0].Decibans)
	}
	all := judge(org("a", true), org("b", true), org("c", true))
	for _, o := range all {
		if o.Verdict == Related || o.Decibans > 3 {
			t.Errorf("%s: found everywhere it is %s with %g dB", o.Org, o.Verdict, o.Decibans)
		}
	}
	// Organisations that have something of the intruder's alone are no measure of what is common.
	victims := []Evidence{org("a", true), org("b", true), org("c", true)}
	for i := range victims[1:] {
		h := rulesOf(t, f, hash)[0]
		victims[1+i].Hits[h], victims[1+i].SeenOn[h] = hit(2), []string{"srv1"}
	}
	if o := judge(victims...)[0]; o.Verdict != Related {
		t.Errorf("beside two victims it is %s with %g dB", o.Verdict, o.Decibans)
	}
}

// TestHabitsOfAnotherHandSpeakAgainst: the more habits were searched on the hosts of an intrusion and are not there, the less it is this hand's.
func TestHabitsOfAnotherHandSpeakAgainst(t *testing.T) {
	f := sample(t, 40)
	one := rulesOf(t, f, "*rundll32.exe* *.dll MiniDump * full")[0]
	judge := func(established bool) Org {
		e := Evidence{Org: "beta", Hits: map[string][]finding.Ref{one: hit(1)}, Asked: always, Coverage: covered()}
		techniques := ""
		if established {
			techniques = "T1566 T1486"
		}
		e.Trail = trail(t, techniques, "")
		r, err := Judge(f, []Evidence{e}, Options{AsOf: asOf})
		if err != nil {
			t.Fatal(err)
		}
		return r.Orgs[0]
	}
	with, without := judge(true), judge(false)
	if with.Decibans >= without.Decibans || with.Verdict != Unrelated {
		t.Errorf("an intruder with one habit of three: %s, %g dB; without an intruder %g dB", with.Verdict, with.Decibans, without.Decibans)
	}
	// All habits together weigh no more than what they were counted on allows.
	all := Evidence{Org: "beta", Hits: map[string][]finding.Ref{}, Asked: always, Coverage: covered(), Trail: trail(t, "T1059.001 T1003.001 T1021.002 T1560.001", "")}
	for _, v := range []string{"*rundll32.exe* *.dll MiniDump * full", "*archiver* a -hp* -m5 *.db"} {
		all.Hits[rulesOf(t, f, v)[0]] = hit(1)
	}
	few := sample(t, 3)
	r, err := Judge(few, []Evidence{all}, Options{AsOf: asOf})
	if err != nil {
		t.Fatal(err)
	}
	if limit := fingerprint.Cap(3); r.Orgs[0].Decibans > limit {
		t.Errorf("habits counted on three hosts weigh %g dB, more than %g", r.Orgs[0].Decibans, limit)
	}
}

// TestAbsenceWeighsByWhatWasSearched: half the hosts, or half the time, is half a search; a log of the network covers all hosts.
func TestAbsenceWeighsByWhatWasSearched(t *testing.T) {
	f := sample(t, 40)
	against := func(change func(c *coverage.Org)) float64 {
		c := covered()
		change(c)
		e := Evidence{Org: "beta", Hits: map[string][]finding.Ref{}, Asked: always, Coverage: c}
		r, err := Judge(f, []Evidence{e}, Options{AsOf: asOf})
		if err != nil {
			t.Fatal(err)
		}
		return r.Orgs[0].Decibans
	}
	all := against(func(*coverage.Org) {})
	short := against(func(c *coverage.Org) {
		for i := range c.Hosts {
			c.Hosts[i].Sources[0].First = "2026-04-01T00:00:00Z"
		}
	})
	few := against(func(c *coverage.Org) {
		rules, _ := f.Rules()
		blind := coverage.Profile{ID: "p2", NotSearchable: []coverage.Unanswered{{Reason: "no such source"}}}
		for _, r := range rules {
			blind.NotSearchable[0].Rules = append(blind.NotSearchable[0].Rules, r.ID)
		}
		c.Profiles = append(c.Profiles, blind)
		c.Silent = []coverage.Declared{{Host: "a"}, {Host: "b"}, {Host: "c"}}
		c.Hosts[1].Profile = "p2"
	})
	if all >= 0 || short <= all || few <= all {
		t.Errorf("searched everywhere %g dB, for a third of the time %g, on a quarter of the hosts %g", all, short, few)
	}
}

// TestCountTakesThePast: what the intruder left when he came is not ordinary.
func TestCountTakesThePast(t *testing.T) {
	f := sample(t, 0)
	came := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	cert := &coverage.Certificate{Orgs: []coverage.Org{*covered()}}
	cert.Orgs[0].Hosts[1].Sources[0].First = "2026-03-02T00:00:00Z" // has no past
	count := func(o Ordinary) (seen, hosts int) {
		s, err := NewSightings(f)
		if err != nil {
			t.Fatal(err)
		}
		rule := finding.RuleID(rulesOf(t, f, "cdn.bad-updates.org")[0])
		for host, at := range map[string]time.Time{"srv1": came.Add(-time.Hour), "SRV2": came.Add(time.Hour)} {
			if err := s.Finding(&finding.Finding{Rule: &finding.Rule{ID: rule}, Org: "beta", Host: host, Time: at.UnixNano()}); err != nil {
				t.Fatal(err)
			}
		}
		c, err := s.Count(cert, func(string) Ordinary { return o })
		if err != nil {
			t.Fatal(err)
		}
		return c.Count(fingerprint.Domain, "cdn.bad-updates.org")
	}
	for _, x := range []struct {
		o           Ordinary
		seen, hosts int
	}{{Ordinary{}, 2, 2}, {Ordinary{Without: []string{"Srv2"}}, 1, 1}, {Ordinary{Before: came}, 1, 1}, {Ordinary{Before: came.AddDate(0, 0, -1)}, 0, 1}} {
		if seen, hosts := count(x.o); seen != x.seen || hosts != x.hosts {
			t.Errorf("%+v: seen on %d of %d, want %d of %d", x.o, seen, hosts, x.seen, x.hosts)
		}
	}
}

// TestHabitsAreMeasuredInOtherIntrusions: what the other intruders of the sector do as well tells nobody apart, and what none of them does tells more
// than a judgement would. Victims of this intruder are no measure of others.
func TestHabitsAreMeasuredInOtherIntrusions(t *testing.T) {
	const dump, pack = "*rundll32.exe* *.dll MiniDump * full", "*archiver* a -hp* -m5 *.db"
	f := sample(t, 1000)
	f.CountHabits(func(int) (int, int) { return 0, 0 })
	org := func(name string, values ...string) Evidence {
		e := Evidence{Org: name, Hits: map[string][]finding.Ref{}, Asked: always, Coverage: covered(), Trail: trail(t, "T1566 T1486", "")}
		for i, v := range values {
			e.Hits[rulesOf(t, f, v)[0]] = hit(uint64(i + 1))
		}
		return e
	}
	weight := func(r *Result, value string) float64 {
		for _, w := range r.Orgs[0].Items {
			if w.Value == value {
				return w.Decibans
			}
		}
		t.Fatalf("%s is not weighed", value)
		return 0
	}
	judge := func(all ...Evidence) *Result {
		r, err := Judge(f, all, Options{AsOf: asOf})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	alone := judge(org("a", dump, pack))
	if len(alone.Others) > 0 {
		t.Errorf("one organisation is measured by %v", alone.Others)
	}
	victim := org("victim", hash, "cdn.bad-updates.org")
	none := judge(org("a", dump, pack), org("b"), org("c"), org("d"), org("e"), victim)
	some := judge(org("a", dump, pack), org("b", dump), org("c", dump), org("d", dump), org("e"), victim)
	for name, r := range map[string]*Result{"none": none, "some": some} {
		if want := []string{"b", "c", "d", "e"}; !slices.Equal(r.Others, want) {
			t.Errorf("%s: others are %v, want %v", name, r.Others, want)
		}
	}
	if a, b, c := weight(alone, dump), weight(none, dump), weight(some, dump); b <= a || c >= a {
		t.Errorf("what no other does weighs %g, what three of four do %g, and judged alone %g", b, c, a)
	}
	if b, c := weight(none, pack), weight(some, pack); c >= b {
		t.Errorf("what no other does weighs %g beside a hand that shares its like and %g beside one that does not", c, b)
	}
	if r := judge(org("a", dump, pack), org("b", dump), org("c", dump)); weight(r, dump) >= weight(alone, dump) {
		t.Errorf("what both others do weighs %g, and judged alone %g", weight(r, dump), weight(alone, dump))
	}
}
