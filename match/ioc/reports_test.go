package ioc

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// isSmall says whether a file is read even when tests must be short.
func isSmall(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Size() < 16<<10
}

// smallFiles gives the folder, or only its small files when tests must be short.
func smallFiles(t *testing.T, dir string) (names []string) {
	if !testing.Short() {
		return []string{dir}
	}
	if err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(d.Name(), ".") && d.IsDir():
			return fs.SkipDir
		case d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") && isSmall(name):
			names = append(names, name)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

// TestEveryReportLoads holds, per published report, how many indicators of which kind are taken against what was looked through.
func TestEveryReportLoads(t *testing.T) {
	dir := require.Data(t, "ioc")
	c := Load(smallFiles(t, dir)...)
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
	if !testing.Short() {
		fmt.Fprintf(&b, "%d files, %d indicators, %d refusals\n", len(c.Reports), total, len(c.Rejected))
	}
	golden := filepath.Join("testdata", "reports.golden")
	if *update && !testing.Short() {
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
	if testing.Short() {
		wants = slices.DeleteFunc(wants, func(line string) bool {
			name, _, _ := strings.Cut(line, "\t")
			return line != "" && !isSmall(filepath.Join(dir, filepath.FromSlash(name)))
		})
		if len(c.Reports) < 100 {
			t.Errorf("only %d reports are small", len(c.Reports))
		}
	}
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
