package sweep_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/match/sigma"
)

// A correlation with not is certain only later; it must stand among the findings of that time all the same.
func TestFindingsOfWhatDidNotHappenAreInOrder(t *testing.T) {
	rule := func(name string, id int) string {
		return fmt.Sprintf("title: %s\nname: %s\nid: %s\nlevel: low\nlogsource: {product: windows, service: security}\ndetection: {s: {EventID: %d}, condition: s}\n---\n", name, name, name, id)
	}
	rules := rule("begin", 1100) + rule("end", 1102) + rule("other", 4625) +
		"title: no end\nid: no-end\nlevel: high\ncorrelation: {type: temporal, timespan: 10s, group-by: [Computer], condition: begin and not end, generate: true}\n"
	engine, rejected := match.Sigma(sigma.Parse("x.yml", []byte(rules)), match.Selection{})
	if len(rejected) > 0 {
		t.Fatal(rejected)
	}
	var lines strings.Builder
	for i, e := range []string{"00 1100 h1", "01 1100 h2", "02 1102 h2", "09 4625 h1", "10 4625 h1", "11 4625 h1", "12 4625 h2", "20 1100 h2", "22 1100 h1", "30 4625 h1"} {
		var second, id int
		var host string
		if _, err := fmt.Sscan(e, &second, &id, &host); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, `{"@timestamp":"2020-01-01T00:00:%02dZ","Channel":"Security","EventID":%d,"Computer":%q,"RecordNumber":%d,"SourceName":"p"}`+"\n", second, id, host, i)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.json"), []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	m := run(t, match.New([]match.Engine{engine}), 2, dir)
	if !slices.IsSortedFunc(m.findings, finding.Compare) {
		t.Error("findings are out of order")
	}
	var late []string
	for _, f := range m.findings {
		if f.Rule.Kind == finding.Correlation {
			late = append(late, fmt.Sprintf("%s line %d at %d", f.Host, f.Record, f.Time%60_000_000_000))
		}
	}
	// What begins at 22 could still end after the evidence does.
	if want := []string{"h1 line 1 at 10000000001", "h2 line 8 at 30000000001"}; !slices.Equal(late, want) {
		t.Errorf("found %q of %d, want %q", late, len(m.findings), want)
	}
}
