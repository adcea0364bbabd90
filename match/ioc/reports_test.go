package ioc

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// data gives the folder of real data, or skips.
func data(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("real data %s is not there", name)
	}
	return dir
}

// TestEveryReportLoads holds, per published report, how many indicators of which kind are taken against what was looked through.
func TestEveryReportLoads(t *testing.T) {
	dir := data(t, "ioc")
	c := Load(dir)
	var b strings.Builder
	total := 0
	for _, r := range c.Reports {
		name, _ := filepath.Rel(dir, r.File)
		fmt.Fprintf(&b, "%s\t%s", filepath.ToSlash(name), r.Format)
		for _, k := range Kinds() {
			if n := r.Counts[k]; n > 0 {
				fmt.Fprintf(&b, "\t%s=%d", k, n)
				total += n
			}
		}
		if r.Refused > 0 {
			fmt.Fprintf(&b, "\trefused=%d", r.Refused)
		}
		if r.Context > 0 {
			fmt.Fprintf(&b, "\tcontext=%d", r.Context)
		}
		if r.Why != "" {
			fmt.Fprintf(&b, "\t%s", r.Why)
		}
		if r.Failed {
			t.Errorf("%s: %s", name, r.Why)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d files, %d indicators, %d refusals\n", len(c.Reports), total, len(c.Rejected))
	golden := filepath.Join("testdata", "reports.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	wants, gots := strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")
	for i := range max(len(wants), len(gots)) {
		var w, g string
		if i < len(wants) {
			w = wants[i]
		}
		if i < len(gots) {
			g = gots[i]
		}
		if w != g {
			t.Errorf("line %d is\n%s\nwant\n%s", i+1, g, w)
		}
	}
}
