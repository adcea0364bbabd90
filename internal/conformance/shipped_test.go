package conformance

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/rules"
)

// TestPySigmaReadsTheShippedRules: every rule that comes with Contrail is read by the common engine and becomes a query of it. Correlations are read with
// all rules at hand.
func TestPySigmaReadsTheShippedRules(t *testing.T) {
	python(t)
	files, err := fs.Glob(rules.FS, "*/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	in := &input{}
	table := in.add(nil)
	var all, names []string
	for _, file := range files {
		text, err := fs.ReadFile(rules.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range strings.Split(string(text), "\n---\n") {
			all = append(all, one)
			if !strings.Contains(one, "\ncorrelation:\n") {
				in.Tasks = append(in.Tasks, task{Rule: one, Table: table})
				names = append(names, file)
			}
		}
	}
	in.Tasks = append(in.Tasks, task{Rule: strings.Join(all, "\n---\n"), Table: table})
	names = append(names, "all together")
	for i, a := range ask(t, in) {
		if a.Error != "" {
			t.Errorf("%s: %s", names[i], strings.TrimSpace(a.Error))
		}
	}
}
