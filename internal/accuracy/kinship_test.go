package accuracy_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/drill/intrusion"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/hunt"
	. "github.com/contrail-ir/contrail/internal/accuracy"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

var (
	keepIn       = flag.String("keep", "", "folder in which drills are kept for the next run, with what was found in them")
	onlyScenario = flag.String("scenario", "", "the one scenario to measure; by default all")
	writeKinship = flag.String("write-kinship", "", "file to write the figures of kinship to, as Markdown; all scenarios and roles are measured then")
)

// TestFaultsOfKinship is the table of what is right and wrong.
func TestFaultsOfKinship(t *testing.T) {
	for _, x := range []struct {
		j    Judged
		want []Fault
	}{
		{Judged{drill.SameIndicators, true, kinship.SameIntrusion, false}, nil},
		{Judged{drill.SameIndicators, true, kinship.Related, true}, []Fault{Missed, OtherInvented}},
		{Judged{drill.Earlier, true, kinship.NotFound, false}, []Fault{CleanOnVictim}},
		{Judged{drill.Double, true, kinship.SameIntrusion, false}, []Fault{OtherUnseen}},
		{Judged{drill.Rebuilt, true, kinship.NotEnough, false}, []Fault{Abstained}},
		{Judged{drill.Unrelated, true, kinship.SameIntrusion, true}, []Fault{WrongHand}},
		{Judged{drill.SameWayIn, true, kinship.Related, true}, []Fault{Suspected}},
		{Judged{drill.Thin, false, kinship.NotFound, false}, []Fault{CleanOnThin}},
		{Judged{drill.ThinAndHit, false, kinship.NotFound, false}, []Fault{CleanOnThin}},
		{Judged{drill.Clean, true, kinship.NotEnough, false}, []Fault{Abstained}},
		{Judged{drill.Lookalike, true, kinship.Unrelated, true}, nil},
	} {
		if got, err := x.j.Faults(); err != nil || !slices.Equal(got, x.want) {
			t.Errorf("%+v: %v %v, want %v", x.j, got, err, x.want)
		}
	}
	for _, r := range drill.Roles()[1:] {
		if _, err := (Judged{Role: r}).Faults(); err != nil {
			t.Error(err)
		}
	}
	for _, x := range []struct {
		n, all int
		want   float64
	}{{0, 300, 0.01}, {1, 10, 0.3942}, {5, 100, 0.1023}, {4, 4, 1}} {
		if got := Upper(x.n, x.all); math.Abs(got-x.want) > 1e-4 {
			t.Errorf("at most %g of %d of %d, want %g", got, x.n, x.all, x.want)
		}
	}
}

// sector is a drill with what was found in it.
type sector struct {
	t     testing.TB
	truth drill.Truth
	dir   string // the drill
	work  string // what the hunt wrote
}

// newSector writes a drill, or takes the one that an earlier run kept.
func newSector(t testing.TB, seed uint64, scenario intrusion.Scenario, roles []drill.Role) *sector {
	t.Helper()
	s := &sector{t: t}
	name := fmt.Sprintf("%d-%s", seed, scenario)
	if *keepIn == "" {
		dir := t.TempDir()
		s.dir, s.work = filepath.Join(dir, "drill"), filepath.Join(dir, "work")
	} else {
		s.dir, s.work = filepath.Join(*keepIn, "drill", name), filepath.Join(*keepIn, "work", name)
		if err := os.RemoveAll(s.work); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(s.dir, "truth.json")); err == nil {
			if err := json.Unmarshal(b, &s.truth); err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	truth, err := drill.Sector(t.Context(), s.dir, drill.Options{Seed: seed, Scenario: scenario, Roles: roles})
	if err != nil {
		t.Fatal(err)
	}
	s.truth = truth
	return s
}

// hunt does what an investigator does with the first victim's alert: trace, draft, counting, sweep of all, judgement.
func (s *sector) hunt() *hunt.Outcome {
	s.t.Helper()
	q := sweep.Question{Formats: evidence.Formats(), Inventory: []coverage.Declared{}, Threads: 2}
	by := map[string]*evidence.Sources{}
	for _, air := range s.truth.Airlines {
		q.Roots = append(q.Roots, evidence.Root{Org: air.Name, Path: filepath.Join(s.dir, air.Folder, "evidence")})
		s.open(air.Folder, "inventory.csv", func(r io.Reader) error {
			hosts, err := coverage.ReadInventory(r, air.Folder)
			for i := range hosts {
				hosts[i].Org = air.Name
			}
			q.Inventory = append(q.Inventory, hosts...)
			return err
		})
		s.open(air.Folder, "sources.yaml", func(r io.Reader) (err error) {
			by[air.Name], err = evidence.ReadSources(r, q.Formats)
			return err
		})
	}
	q.Sources = evidence.JoinSources(by, nil)
	out, err := hunt.FromFirst(context.Background(), hunt.Options{Evidence: q, First: s.truth.Airlines[0].Name, Name: "sector", Out: s.work,
		From: []trail.Start{{Ref: finding.Ref(s.truth.Starts["first-alert"].Ref)}}})
	if err != nil {
		s.t.Fatalf("seed %d, %s: %v", s.truth.Seed, s.truth.Scenario, err)
	}
	return out
}

func (s *sector) open(folder, name string, read func(io.Reader) error) {
	s.t.Helper()
	f, err := os.Open(filepath.Join(s.dir, folder, name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if err := read(f); err != nil {
		s.t.Fatal(err)
	}
}

// explain writes the judgement of a sector for whoever looks into a fault.
func (s *sector) explain(w io.Writer, out *hunt.Outcome) {
	for i, it := range out.Fingerprint.Items {
		fmt.Fprintf(w, "%3d %-11s %-13s %-6.1f %d/%d way in %t %q %s\n", i+1, it.Tier, it.Kind, it.Specificity.Decibans, it.Specificity.Seen, it.Specificity.Hosts, it.WayIn, it.Group, it.Value)
	}
	for i, o := range out.Kinship.Orgs {
		air := s.truth.Airlines[1+i]
		fmt.Fprintf(w, "== %s %s suffices=%t: %s %.1f dB p=%.3f other=%t (%s) %s\n", air.Role, o.Org, air.CoverageSuffices, o.Verdict, o.Decibans, o.Posterior, o.OtherIntrusion, o.OtherIntrusionWhy, o.Why)
		for _, it := range o.Items {
			fmt.Fprintf(w, "      %6.1f %s [%s] %d refs\n", it.Decibans, it.Text, it.Group, len(it.Refs))
		}
		for _, missing := range o.WouldSettle {
			fmt.Fprintf(w, "      ? %s\n", missing)
		}
	}
}

// measured are the judgements of many sectors.
type measured struct {
	sectors  int
	matrix   map[drill.Role]map[kinship.Verdict]int
	others   map[drill.Role]int // reported another intrusion
	judged   map[drill.Role]int
	faults   map[Fault]int
	failures []string
}

func (m *measured) add(t testing.TB, s *sector, out *hunt.Outcome) {
	t.Helper()
	m.sectors++
	if len(out.Kinship.Orgs) != len(s.truth.Airlines)-1 {
		t.Fatalf("%d organisations were judged of %d", len(out.Kinship.Orgs), len(s.truth.Airlines)-1)
	}
	for i, o := range out.Kinship.Orgs {
		air := s.truth.Airlines[1+i]
		if o.Org != air.Name {
			t.Fatalf("organisation %d is %s, want %s", i+1, o.Org, air.Name)
		}
		role := drill.Role(air.Role)
		if m.matrix[role] == nil {
			m.matrix[role] = map[kinship.Verdict]int{}
		}
		m.matrix[role][o.Verdict]++
		m.judged[role]++
		if o.OtherIntrusion {
			m.others[role]++
		}
		faults, err := Judged{role, air.CoverageSuffices, o.Verdict, o.OtherIntrusion}.Faults()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range faults {
			m.faults[f]++
			m.failures = append(m.failures, fmt.Sprintf("seed %d, %s, %s: %s: %s, %.1f dB, other intrusion %t: %s", s.truth.Seed, s.truth.Scenario, role, f, o.Verdict, o.Decibans, o.OtherIntrusion, o.Why))
		}
	}
}

// page writes the figures as Markdown.
func (m *measured) page() string {
	var md strings.Builder
	fmt.Fprintf(&md, `# Kinship on the drill's sector

%[1]smake accuracy SEEDS=%[2]s%[1]s. %[3]d sectors, small size, every scenario, every role. In each the first victim is traced from its first alert, the
fingerprint drafted from that trace is counted in its own past and reviewed by policy (what is never alone goes), and every other organisation is
swept with it, traced and judged. Nothing is known of the others but their evidence, their inventory and sources.yaml.

Verdicts by role, and in how many another intrusion was reported:

| role | same-intrusion | related | unrelated | not-found | not-enough-evidence | another intrusion |
|---|---|---|---|---|---|---|
`, "`", *seeds, m.sectors)
	for _, r := range drill.Roles()[1:] {
		if m.judged[r] == 0 {
			continue
		}
		fmt.Fprintf(&md, "| %s |", r)
		for _, v := range []kinship.Verdict{kinship.SameIntrusion, kinship.Related, kinship.Unrelated, kinship.NotFound, kinship.NotEnough} {
			if n := m.matrix[r][v]; n > 0 {
				fmt.Fprintf(&md, " %d |", n)
			} else {
				md.WriteString(" |")
			}
		}
		fmt.Fprintf(&md, " %d of %d |\n", m.others[r], m.judged[r])
	}
	all := 0
	for _, n := range m.judged {
		all += n
	}
	fmt.Fprintf(&md, "\nErrors over all %d organisations, gravest first, with the 95 %% upper bound of their rate (3/N where none was seen):\n\n| error | seen | at most |\n|---|---|---|\n", all)
	for _, f := range Faults() {
		fmt.Fprintf(&md, "| %s | %d | %.1f %% |\n", f, m.faults[f], 100*Upper(m.faults[f], all))
	}
	md.WriteString("\n## Failures\n\n")
	for _, f := range m.failures {
		fmt.Fprintf(&md, "- %s\n", f)
	}
	if len(m.failures) == 0 {
		md.WriteString("None.\n")
	}
	return md.String()
}

// TestKinshipOfTheSector hunts from the first victim through a sector and holds the verdicts against the truth. Everything is measured by
// make accuracy; the plain run takes one scenario and the roles between which the gravest errors lie.
func TestKinshipOfTheSector(t *testing.T) {
	scenarios, roles := intrusion.Scenarios(), drill.Roles()
	if *writeKinship == "" && *keepIn == "" {
		scenarios, roles = scenarios[:1], []drill.Role{drill.FirstVictim, drill.SameIndicators, drill.Clean, drill.SameWayIn, drill.Thin}
		require.Time(t, "hunts through a sector; the tests of hunt do so in small")
	}
	if *onlyScenario != "" {
		scenarios = []intrusion.Scenario{intrusion.Scenario(*onlyScenario)}
	}
	m := &measured{matrix: map[drill.Role]map[kinship.Verdict]int{}, others: map[drill.Role]int{}, judged: map[drill.Role]int{}, faults: map[Fault]int{}}
	for _, seed := range seedRange(t) {
		for _, scenario := range scenarios {
			s := newSector(t, seed, scenario, roles)
			out := s.hunt()
			m.add(t, s, out)
			if *keepIn != "" {
				var b strings.Builder
				s.explain(&b, out)
				if err := os.WriteFile(s.work+".txt", []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if err := os.RemoveAll(s.dir); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(s.work); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Log(m.page())
	if *writeKinship != "" {
		if err := os.WriteFile(*writeKinship, []byte(m.page()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, f := range slices.Sorted(maps.Keys(m.faults)) {
		t.Errorf("%s: %d", f, m.faults[f])
	}
}
