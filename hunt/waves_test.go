package hunt_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/drill/intrusion"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/hunt"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/trail"
)

// known is what a report of somebody else would tell: one hash and two names of the first victim's implant.
func known(t *testing.T, a *drill.AirlineTruth) *fingerprint.Fingerprint {
	t.Helper()
	f := &fingerprint.Fingerprint{Name: "report", Version: 1, FirstSeen: a.Actions[0].Time.UTC().Format(time.RFC3339), Items: []fingerprint.Item{}}
	f.Marking.TLP = 3
	// Of an airline with two intruders the known one's come first.
	for kind, values := range map[fingerprint.Kind][]string{fingerprint.SHA256: a.Indicators["sha256"][:1], fingerprint.Domain: a.Indicators["domain"][:2]} {
		for _, v := range values {
			it := fingerprint.Item{Kind: kind, Value: v, ApprovedBy: "ana", Specificity: fingerprint.Specificity{Hosts: 60}, Tier: fingerprint.Strong}
			if kind == fingerprint.SHA256 {
				it.Tier = fingerprint.Unique
			}
			it.Specificity.Decibans = fingerprint.Weigh(kind, it.Tier, it.Specificity)
			if err := f.Add(it); err != nil {
				t.Fatal(err)
			}
		}
	}
	return f
}

var generous = &hunt.Policy{By: "a policy that lets everything in that is tied", Leave: true, Waves: 5, Rules: []hunt.PolicyRule{{}}}

// whose says for every record of an airline whether it is the known intruder's, another's, or nobody's.
func whose(a *drill.AirlineTruth) func(file string, record uint64) string {
	owner := map[drill.Ref]string{}
	for i := range a.Actions {
		for _, r := range a.Actions[i].Refs {
			owner[r] = map[bool]string{true: "another", false: "known"}[strings.HasPrefix(a.Actions[i].ID, "other-")]
		}
	}
	return func(file string, record uint64) string {
		if o := owner[drill.Ref{File: file, Record: record}]; o != "" {
			return o
		}
		return "nobody"
	}
}

var (
	every    = flag.Bool("every-scenario", false, "hunt through every scenario, in a sector of all roles")
	scenario = flag.String("scenario", "", "the one scenario of -every-scenario to hunt through")
	seed     = flag.Uint64("seed", 7, "of the sectors that are hunted through")
	whole    = flag.Bool("from-first", false, "with -every-scenario: begin with the first victim's trace instead of one hash and two names")
	keep     = flag.String("keep", "", "folder with drills that the measuring of kinship kept, which are hunted through with -every-scenario instead of new ones")
)

// sector writes a drill of some roles, or takes one that was kept, of all roles.
func sector(t *testing.T, scenario intrusion.Scenario, roles []drill.Role) (dir string, truth drill.Truth) {
	t.Helper()
	if *every && *keep != "" {
		dir = filepath.Join(*keep, "drill", fmt.Sprintf("%d-%s", *seed, scenario))
		b, err := os.ReadFile(filepath.Join(dir, "truth.json"))
		if err == nil {
			err = json.Unmarshal(b, &truth)
		}
		if err != nil {
			t.Fatal(err)
		}
		return dir, truth
	}
	dir = filepath.Join(t.TempDir(), string(scenario))
	truth, err := drill.Sector(t.Context(), dir, drill.Options{Seed: *seed, Scenario: scenario, Only: roles})
	if err != nil {
		t.Fatal(err)
	}
	return dir, truth
}

// TestAHuntTeachesItselfNothingFalse begins with little, lets a policy take in all that is tied to it, and goes on until it is quiet. What
// it takes in must be the known intruder's, though one victim has a second intruder at the same time; and whoever has another intruder or none must
// not drift into the same intrusion, wave after wave.
func TestAHuntTeachesItselfNothingFalse(t *testing.T) {
	scenarios, roles := intrusion.Scenarios()[:1], []drill.Role{drill.Double, drill.SameWayIn, drill.Unrelated}
	require.Time(t, "hunts through a sector wave by wave; TestAHuntGoesOnWhereItWasInterrupted does so in small")
	if *every {
		scenarios, roles = intrusion.Scenarios(), drill.Roles()[1:]
		if *whole {
			roles = drill.Roles()
		}
		if *scenario != "" {
			scenarios = []intrusion.Scenario{intrusion.Scenario(*scenario)}
		}
	}
	same := []drill.Role{drill.FirstVictim, drill.SameIndicators, drill.Double, drill.Earlier}
	for _, scenario := range scenarios {
		dir, truth := sector(t, scenario, roles)
		o := optionsOf(t, dir, &truth)
		if *whole {
			o.From = []trail.Start{{Ref: finding.Ref(truth.Starts["first-alert"].Ref)}}
		} else {
			hit := slices.IndexFunc(truth.Airlines, func(a drill.AirlineTruth) bool {
				return a.Role == string(drill.SameIndicators) || a.Role == string(drill.Double)
			})
			o.First, o.Fingerprint = "", known(t, &truth.Airlines[hit])
		}
		s, err := hunt.Run(context.Background(), o, hunt.Plan{Policy: generous})
		if err != nil {
			t.Fatal(err)
		}
		if s.Status != hunt.Quiet || len(s.Waves) < 2 {
			t.Errorf("%s: after %d waves the hunt is %s: %s", scenario, len(s.Waves), s.Status, s.Why)
		}
		owner := map[string]func(string, uint64) string{}
		role := map[string]drill.Role{}
		for i := range truth.Airlines {
			a := &truth.Airlines[i]
			owner[a.Folder], role[a.Folder] = whose(a), drill.Role(a.Role)
		}
		taken, false_ := 0, 0
		for _, l := range s.Lessons {
			if l.Decision != hunt.Approved {
				continue
			}
			taken++
			if l.Kind.OfTrails() {
				continue // it rests on the whole trail
			}
			if !l.Tied || l.By != generous.By || l.Wave == 0 && !*whole || len(l.Orgs) == 0 || len(l.Refs) == 0 {
				t.Errorf("%s: an item without its provenance: %+v", scenario, l)
				continue
			}
			owners := map[string]int{}
			for _, r := range l.Refs {
				owners[owner[l.Orgs[0]](r.File, r.Record)]++
			}
			if owners["known"] == 0 {
				false_++
				t.Logf("%s: %s %q was learnt from %v, of whose records %v", scenario, l.Kind, l.Value, l.Orgs, owners)
			}
		}
		t.Logf("%s: %d waves, %d items learnt, %d of them not the intruder's", scenario, len(s.Waves), taken, false_)
		if taken < 10 || false_ > 0 {
			t.Errorf("%s: %d items learnt, %d of them not the intruder's", scenario, taken, false_)
		}
		for _, w := range s.Waves {
			for _, x := range w.Orgs {
				got, must := x.Verdict == kinship.SameIntrusion, slices.Contains(same, role[x.Org])
				if may := must || role[x.Org] == drill.ThinAndHit || role[x.Org] == drill.HopOnly; got && !may || !got && must {
					t.Errorf("%s: wave %d: %s is %s (%s)", scenario, w.Wave, role[x.Org], x.Verdict, x.Why)
				}
			}
		}
		if b, err := os.ReadFile(filepath.Join(o.Out, "hunt.html")); err != nil || strings.Contains(string(b), "<script") || !strings.Contains(string(b), "have the same intrusion") {
			t.Errorf("hunt.html: %v", err)
		}
		noVictim(t, o, s)
	}
}

// noVictim looks for what is internal to any organisation in every version of the fingerprint.
func noVictim(t *testing.T, o hunt.Options, s *hunt.State) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(o.Out, "version-*.json"))
	if err != nil || len(files) < 2 {
		t.Fatalf("versions: %v %v", files, err)
	}
	for _, path := range files {
		in, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := fingerprint.Read(in)
		in.Close()
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Items {
			f.Items[i].Refs = nil // which no release takes along
		}
		var b strings.Builder
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		text := strings.ToLower(b.String())
		for _, d := range o.Evidence.Inventory {
			short, _, _ := strings.Cut(strings.ToLower(d.Host), ".")
			for _, w := range append(slices.Clone(d.Addresses), short) {
				if len(w) > 4 && strings.Contains(text, w) {
					t.Errorf("%s holds %q", path, w)
				}
			}
		}
		for _, org := range s.Orgs {
			if strings.Contains(text, `"`+org) || strings.Contains(text, org+" ") {
				t.Errorf("%s names the organisation %s", path, org)
			}
		}
	}
}

// pair is two small airlines with one intruder, whose records of two weeks are all there is, and the truth about the first.
func pair(t *testing.T) (*drill.AirlineTruth, hunt.Options) {
	t.Helper()
	o := hunt.Options{Out: filepath.Join(t.TempDir(), "out")}
	o.Evidence.Formats = evidence.Formats()
	var first *drill.AirlineTruth
	for i, name := range []string{"one", "two"} {
		dir := filepath.Join(t.TempDir(), name)
		truth, err := drill.Airline(t.Context(), dir, drill.Options{Seed: uint64(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = &truth.Airlines[0]
		}
		o.Evidence.Roots = append(o.Evidence.Roots, evidence.Root{Org: name, Path: filepath.Join(dir, "evidence")})
	}
	return first, o
}

// TestWhatIsInnocentElsewhereLosesItsWeight puts something into the fingerprint that every organisation has, as a person may by mistake. Both have
// an intrusion that is not the fingerprint's.
func TestWhatIsInnocentElsewhereLosesItsWeight(t *testing.T) {
	_, o := pair(t)
	f := &fingerprint.Fingerprint{Name: "report", Version: 1, Items: []fingerprint.Item{}}
	f.Marking.TLP = 3
	common := fingerprint.Item{Kind: fingerprint.ProcessChain, Value: "services.exe > svchost.exe", Tier: fingerprint.Supporting, ApprovedBy: "ana", Specificity: fingerprint.Specificity{Hosts: 2, Decibans: 4.77}}
	for _, it := range []fingerprint.Item{common, {Kind: fingerprint.SHA256, Value: strings.Repeat("0f", 32), ApprovedBy: "ana"}} {
		if err := f.Add(it); err != nil {
			t.Fatal(err)
		}
	}
	o.Fingerprint = f
	s, err := hunt.Run(context.Background(), o, hunt.Plan{Policy: &hunt.Policy{By: "x", Leave: true, Waves: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Waves) != 1 || len(s.Waves[0].Demoted) != 1 || s.Waves[0].Demoted[0].Value != common.Value || s.Waves[0].Demoted[0].To != fingerprint.NeverAlone {
		t.Fatalf("%+v", s.Waves)
	}
	if got := slices.Collect(maps.Values(s.Demoted)); len(got) != 1 || got[0] != fingerprint.NeverAlone {
		t.Errorf("what is remembered: %v", s.Demoted)
	}
	b, err := os.ReadFile(filepath.Join(o.Out, "wave-1", "kinship.json"))
	if err != nil {
		t.Fatal(err)
	}
	var k kinship.Result
	if err := json.Unmarshal(b, &k); err != nil {
		t.Fatal(err)
	}
	for _, org := range k.Orgs {
		for _, it := range org.Items {
			if it.Value == common.Value && it.Decibans > 3 {
				t.Errorf("%s: what every host has weighs %g", org.Org, it.Decibans)
			}
		}
	}
}

// TestAHuntGoesOnWhereItWasInterrupted interrupts the second wave and compares the end with that of a hunt that was not interrupted.
func TestAHuntGoesOnWhereItWasInterrupted(t *testing.T) {
	truth, o := pair(t)
	o.Fingerprint = known(t, truth)
	if testing.Short() {
		o.Evidence.Roots = o.Evidence.Roots[:1]
	}
	whole, err := hunt.Run(context.Background(), o, hunt.Plan{Policy: generous})
	if err != nil {
		t.Fatal(err)
	}
	first := o.Out
	o.Out = filepath.Join(t.TempDir(), "again")
	ctx, stop := context.WithCancel(context.Background())
	o.Tell = func(s hunt.Step) {
		if s.Wave == 2 {
			stop()
		}
	}
	if s, err := hunt.Run(ctx, o, hunt.Plan{Policy: generous}); err == nil || s.Status != hunt.Running || len(s.Waves) != 1 {
		t.Fatalf("not interrupted: %+v %v", s, err)
	}
	o.Tell = nil
	o.Fingerprint = nil // what it began with is in the folder
	again, err := hunt.Run(context.Background(), o, hunt.Plan{Policy: generous})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(whole)
	b, _ := json.Marshal(again)
	if string(a) != string(b) {
		t.Errorf("%s\n%s", a, b)
	}
	for n := 1; n <= 2; n++ {
		name := fmt.Sprintf("version-%d.json", n)
		x, err1 := os.ReadFile(filepath.Join(first, name))
		y, err2 := os.ReadFile(filepath.Join(o.Out, name))
		if err1 != nil || err2 != nil || string(x) != string(y) {
			t.Errorf("%s differs: %v %v", name, err1, err2)
		}
	}
	if _, err := hunt.Run(context.Background(), o, hunt.Plan{Policy: generous}); err != nil {
		t.Errorf("a hunt that is quiet: %v", err)
	}
}

func TestAHuntMustBeginSomewhere(t *testing.T) {
	root := airline(t)
	base := hunt.Options{Out: filepath.Join(t.TempDir(), "out")}
	base.Evidence.Roots = []evidence.Root{{Org: "one", Path: root}, {Org: "two", Path: root}}
	for name, change := range map[string]func(*hunt.Options){
		"begins with a first victim or with a fingerprint: name one": func(*hunt.Options) {},
		"is none of the organisations":                               func(o *hunt.Options) { o.First = "three" },
		"not with both":                                              func(o *hunt.Options) { o.First, o.Fingerprint = "one", &fingerprint.Fingerprint{} },
		"no organisation beside":                                     func(o *hunt.Options) { o.First, o.Evidence.Roots = "one", o.Evidence.Roots[:1] },
		"no folder to write to":                                      func(o *hunt.Options) { o.First, o.Out = "one", "" },
		"cannot be that of a folder":                                 func(o *hunt.Options) { o.Evidence.Roots[1].Org = "../two" },
	} {
		o := base
		o.Evidence.Roots = slices.Clone(base.Evidence.Roots)
		change(&o)
		if _, err := hunt.Run(context.Background(), o, hunt.Plan{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
}
