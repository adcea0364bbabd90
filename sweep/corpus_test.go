package sweep_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/sweep"
)

var update = flag.Bool("update", false, "write golden files anew")

// memory is a handler that keeps findings and result.
type memory struct {
	findings []*finding.Finding
	lines    bytes.Buffer
	result   *sweep.Result
}

func (m *memory) Finding(f *finding.Finding) error {
	m.findings = append(m.findings, f)
	b, err := f.AppendJSON(nil)
	m.lines.Write(b)
	return err
}

func (m *memory) End(r *sweep.Result) error {
	m.result = r
	return r.Certificate.Write(&m.lines)
}

func run(t testing.TB, rules *match.Set, threads int, paths ...string) *memory {
	t.Helper()
	bounds := event.Always(nil)
	q := sweep.Question{Formats: evidence.Formats(), Rules: rules, Since: bounds.Since, Until: bounds.Until, Threads: threads, TempDir: t.TempDir()}
	for _, p := range paths {
		q.Roots = append(q.Roots, evidence.Root{Org: "o", Path: p})
	}
	m := &memory{}
	if err := sweep.Run(context.Background(), q, m, nil); err != nil {
		t.Fatal(err)
	}
	return m
}

func load(t testing.TB, paths ...string) *match.Set {
	t.Helper()
	// Two rules of the corpus exclude an organisation's own certificate services, which only it can name.
	none := map[string][]string{"known_cdcs": {"none"}, "known_cdc_ips": {"192.0.2.1"}}
	set, rejected := match.Load(match.Question{Sigma: paths, Selection: match.Selection{Placeholders: none}})
	for _, r := range rejected {
		t.Errorf("rejected: %s %s: %s", r.File, r.ID, r.Reason)
	}
	return set
}

// otherwise lists the regression cases whose match_count differs from what their rule says of their evidence, as a person
// counts it in the JSON.
var otherwise = map[string]struct {
	count int
	why   string
}{
	"0b9ad457-2554-44c1-82c2-d56a99c42377": {3, "records 14985, 14988 and 14990 each write a user.conf… file; the case says 1"},
	"45e112d0-7759-4c2a-aa36-9f8fb79d3393": {3, "records 28344631 to 28344633 each set a zone of 2, which the filter does not exclude; the case says 1"},
	"c7dcacd0-cc59-4004-b0a4-1d6cdebe6f3e": {2, "records 28656599 and 28656618 set AutoShareServer and AutoShareWks; the case says 1"},
}

// TestRegressionCases: each rule of the corpus that comes with evidence fires on it, from the EVTX and from its JSON twin, as often
// as the case says where it says so.
func TestRegressionCases(t *testing.T) {
	root := require.Data(t, "sigma")
	index, err := os.Open(filepath.Join(root, "regression_index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	r := csv.NewReader(index)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for i, row := range rows[1:] {
		cases++
		if testing.Short() && i%5 != 0 {
			continue
		}
		folder, id, rule := filepath.Join(root, row[0]), row[1], filepath.Join(root, row[3])
		t.Run(id, func(t *testing.T) {
			want := matchCount(t, folder)
			if o, ok := otherwise[id]; ok {
				want = o.count
			}
			set := load(t, rule)
			endings := []string{".evtx", ".json"}
			if row[4] != "evtx" {
				endings = []string{".raw"} // a line of a network device
			}
			for _, ending := range endings {
				m := run(t, set, 1, filepath.Join(folder, id+ending))
				n := 0
				for _, f := range m.findings {
					if string(f.Rule.ID) == id {
						n++
					}
				}
				if n == 0 || want > 0 && n != want {
					t.Errorf("%s: fired %d times on %s, want %d", row[2], n, ending, want)
				}
			}
		})
	}
	if cases != 161 {
		t.Errorf("%d cases, want 161", cases)
	}
}

// matchCount reads how often a case says that its rule fires; 0 when it does not say.
func matchCount(t *testing.T, folder string) int {
	b, err := os.ReadFile(filepath.Join(folder, "info.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		Tests []struct {
			Count int `yaml:"match_count"`
		} `yaml:"regression_tests_info"`
	}
	if err := yaml.Unmarshal(b, &info); err != nil {
		t.Fatalf("%s: %v", folder, err)
	}
	if len(info.Tests) == 0 {
		return 0
	}
	return info.Tests[0].Count
}

// TestSameBytesOnRealEvidence: threads do not change a byte.
func TestSameBytesOnRealEvidence(t *testing.T) {
	many, rules, attacks := stagedAttacks(t)
	least := 1000
	if testing.Short() {
		least = 100
	}
	if len(many.findings) < least {
		t.Fatalf("only %d findings", len(many.findings))
	}
	one := run(t, load(t, rules), 1, attacks)
	if !bytes.Equal(one.lines.Bytes(), many.lines.Bytes()) {
		t.Error("eight threads give other bytes than one")
	}
}

var staged *memory

// stagedAttacks gives what the public rules find in all staged attacks, read once by eight threads; or some of the rules in some of the attacks,
// when tests must be short.
func stagedAttacks(t *testing.T) (found *memory, rules, attacks string) {
	rules, attacks = require.Data(t, "sigma/rules"), require.Data(t, "evtx-attack")
	if testing.Short() {
		rules, attacks = require.Data(t, "sigma/rules/windows/builtin"), require.Data(t, "evtx-attack/deepbluecli")
	}
	if staged == nil {
		staged = run(t, load(t, rules), 8, attacks)
	}
	return staged, rules, attacks
}

// TestBaselineFindings holds what fires at level high and above on ordinary logs against a list that was looked at. docs/accuracy.md
// explains each.
func TestBaselineFindings(t *testing.T) {
	require.Time(t, "sweeps all ordinary logs; TestSameBytesOnRealEvidence runs threads in small")
	set := load(t, require.Data(t, "sigma/rules"), require.Data(t, "sigma/rules-emerging-threats"), require.Data(t, "sigma/rules-threat-hunting"))
	m := run(t, set, 2, require.Data(t, "evtx-baseline"))
	counts := map[string]int{}
	for _, f := range m.findings {
		if f.Rule.Level >= finding.High {
			counts[fmt.Sprintf("%s\t%s\t%s\t%s", f.Rule.Level, f.Rule.ID, f.Rule.Title, f.File)]++
		}
	}
	var lines []string
	for k, n := range counts {
		lines = append(lines, fmt.Sprintf("%s\t%d\n", k, n))
	}
	slices.Sort(lines)
	golden(t, "testdata/baseline-high.tsv", strings.Join(lines, ""))
}

// TestNoFoundRuleIsCalledUnanswerable: what was found on a host could be found there.
func TestNoFoundRuleIsCalledUnanswerable(t *testing.T) {
	m, _, _ := stagedAttacks(t)
	org := &m.result.Certificate.Orgs[0]
	found, least := 0, 400
	if testing.Short() {
		least = 10
	}
	for _, h := range org.Hosts {
		for _, p := range org.Profiles {
			if p.ID != h.Profile {
				continue
			}
			for _, u := range p.NotSearchable {
				for _, id := range u.Rules {
					if slices.Contains(h.Found, id) {
						t.Errorf("%s: %s was found, and is called not searchable: %s", h.Host, id, u.Reason)
					}
				}
			}
		}
		found += len(h.Found)
	}
	if found < least {
		t.Errorf("only %d pairs of host and rule", found)
	}
}

// golden compares with a file that -update writes.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("differs from %s (look, then go test -update):\n%s", path, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, a, b)
		}
	}
	return ""
}
