package kinship

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// TestWhatIsAlikeIsNotCalledUnlike: habits that were counted nowhere weigh nothing, found or not; who shows most of them is left open, who shows none is
// somebody else.
func TestWhatIsAlikeIsNotCalledUnlike(t *testing.T) {
	const dump, pack = "*rundll32.exe* *.dll MiniDump * full", "*archiver* a -hp* -m5 *.db"
	f := sample(t, 0)
	judge := func(techniques string, values ...string) Org {
		e := Evidence{Org: "beta", Hits: map[string][]finding.Ref{}, Asked: always, Coverage: covered(), Trail: trail(t, techniques, "")}
		for i, v := range values {
			e.Hits[rulesOf(t, f, v)[0]] = hit(uint64(i + 1))
		}
		r, err := Judge(f, []Evidence{e}, Options{AsOf: asOf})
		if err != nil {
			t.Fatal(err)
		}
		return r.Orgs[0]
	}
	const way = "T1059.001 T1003.001 T1021.002 T1560.001"
	if o := judge(way, dump, pack); o.Verdict != NotEnough || o.OtherIntrusion || !strings.Contains(o.Why, "3 of the 3 habits") {
		t.Errorf("all habits: %s, other %v: %s", o.Verdict, o.OtherIntrusion, o.Why)
	}
	if o := judge("T1566 T1486 T1490", dump); o.Verdict != Unrelated || !o.OtherIntrusion {
		t.Errorf("one habit of three: %s, other %v: %s", o.Verdict, o.OtherIntrusion, o.Why)
	}
}

// TestHabitsCountedOnFewHostsSaySo: what agrees is held down by how few hosts it was counted on, and the verdict names the number.
func TestHabitsCountedOnFewHostsSaySo(t *testing.T) {
	f := sample(t, 8)
	e := Evidence{Org: "beta", Hits: map[string][]finding.Ref{}, Asked: always, Coverage: covered(), Trail: trail(t, "T1059.001 T1003.001 T1021.002 T1560.001", "")}
	for i, v := range []string{"*rundll32.exe* *.dll MiniDump * full", "*archiver* a -hp* -m5 *.db"} {
		e.Hits[rulesOf(t, f, v)[0]] = hit(uint64(i + 1))
	}
	r, err := Judge(f, []Evidence{e}, Options{AsOf: asOf})
	if err != nil {
		t.Fatal(err)
	}
	o := r.Orgs[0]
	if o.Verdict != NotEnough || !strings.Contains(o.Why, "8 hosts") || !slices.ContainsFunc(o.WouldSettle, func(s string) bool { return strings.Contains(s, "more hosts than the 8") }) {
		t.Errorf("%s with %g dB: %s; %v", o.Verdict, o.Decibans, o.Why, o.WouldSettle)
	}
}

// TestOtherVictimsWithoutDigestsDoNotMakeThingsCommon: where no log tells digests nothing is this intruder's alone, and victims are still no measure of what
// is common; organisations that have a thing or two and no intrusion are.
func TestOtherVictimsWithoutDigestsDoNotMakeThingsCommon(t *testing.T) {
	f := &fingerprint.Fingerprint{Name: "May", Version: 1, FirstSeen: "2026-03-01T00:00:00Z", Items: []fingerprint.Item{}}
	f.Marking.TLP = 3
	domains := []string{"cdn.one-updates.org", "api.two-mirror.net", "dl.three-store.com"}
	for _, d := range domains {
		if err := f.Add(fingerprint.Item{Kind: fingerprint.Domain, Value: d, Group: "infrastructure " + d}); err != nil {
			t.Fatal(err)
		}
	}
	f.Rate(nil, population(1000), cases(0))
	org := func(name string, victim bool, n int) Evidence {
		e := Evidence{Org: name, Hits: map[string][]finding.Ref{}, SeenOn: map[string][]string{}, Asked: always, Coverage: covered(), Trail: trail(t, "", "")}
		if victim {
			e.Trail = trail(t, "T1566 T1486 T1490", "")
		}
		for i, d := range domains[:n] {
			id := rulesOf(t, f, d)[0]
			e.Hits[id], e.SeenOn[id] = hit(uint64(i+1)), []string{"srv1", "srv2"}
		}
		return e
	}
	weight := func(others ...Evidence) float64 {
		r, err := Judge(f, append([]Evidence{org("a", true, 3)}, others...), Options{AsOf: asOf})
		if err != nil {
			t.Fatal(err)
		}
		return r.Orgs[0].Decibans
	}
	alone := weight(org("b", false, 0), org("c", false, 0))
	if beside := weight(org("b", true, 3), org("c", true, 3)); beside < alone-0.01 {
		t.Errorf("beside two victims %g dB, alone %g", beside, alone)
	}
	for name, others := range map[string][]Evidence{"no intrusion": {org("b", false, 3), org("c", false, 3)}, "one thing shared": {org("b", true, 1), org("c", true, 1)}} {
		if common := weight(others...); common >= alone-5 {
			t.Errorf("%s: %g dB, alone %g", name, common, alone)
		}
	}
}

// TestAPartThatSharesNothingIsAnotherIntrusion: what no record joins, on other hosts, with nothing of the fingerprint in it.
func TestAPartThatSharesNothingIsAnotherIntrusion(t *testing.T) {
	f := sample(t, 1000)
	judge := func(host string, record int) Org {
		tr, err := fingerprint.ReadTrail(strings.NewReader(fmt.Sprintf(`{"established":true,"stages":[{"tactic":"execution","technique":"T1059","time":"2026-03-01T00:00:00Z","refs":[]}],"implant":[],
			"nodes":[{"id":"n1","kind":"process","host":"srv1","label":"c:\\a.exe"},{"id":"n2","kind":"process","host":%q,"label":"c:\\b.exe"},{"id":"n3","kind":"address","label":"192.0.2.1"}],
			"edges":[{"from":"n1","to":"n3","kind":"connected","time":"2026-03-01T00:00:00Z","part":1,"refs":[{"file":"x.evtx","record":1,"role":"intrusion"}]},
				{"from":"n2","to":"n3","kind":"connected","time":"2026-03-02T00:00:00Z","part":2,"refs":[{"file":"x.evtx","record":%d,"role":"intrusion"}]}]}`, host, record)))
		if err != nil {
			t.Fatal(err)
		}
		e := Evidence{Org: "beta", Hits: map[string][]finding.Ref{rulesOf(t, f, hash)[0]: hit(1), rulesOf(t, f, "cdn.bad-updates.org")[0]: hit(2)}, Asked: always, Coverage: covered(), Trail: tr}
		r, err := Judge(f, []Evidence{e}, Options{AsOf: asOf})
		if err != nil {
			t.Fatal(err)
		}
		return r.Orgs[0]
	}
	for _, c := range []struct {
		what   string
		host   string
		record int
		other  bool
	}{{"another host, nothing shared", "srv2", 9, true}, {"the same host", "srv1", 9, false}, {"a domain of the fingerprint", "srv2", 2, false}} {
		if o := judge(c.host, c.record); o.Verdict != SameIntrusion || o.OtherIntrusion != c.other {
			t.Errorf("%s: %s, other %v: %s", c.what, o.Verdict, o.OtherIntrusion, o.OtherIntrusionWhy)
		}
	}
}
