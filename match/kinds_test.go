package match

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestEveryKindIsWired follows docs/adding/rule-kind.md: it fails when a step of the recipe is forgotten.
func TestEveryKindIsWired(t *testing.T) {
	documents := map[string]string{"ioc": "indicators"} // where the document is not called as the package
	law, err := os.ReadFile("../internal/importlaw/importlaw_test.go")
	if err != nil {
		t.Fatal(err)
	}
	papers, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	loader, err := os.ReadFile("load.go")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	for _, d := range entries {
		if !d.IsDir() || d.Name() == "testdata" || d.Name() == "internal" {
			continue
		}
		kinds++
		name := d.Name()
		doc := name
		if documents[name] != "" {
			doc = documents[name]
		}
		if _, err := os.Stat("../docs/formats/" + doc + ".md"); err != nil {
			t.Errorf("match/%s: its format is not written down: %v", name, err)
		}
		wrapper, err := os.ReadFile(name + ".go")
		if err != nil {
			t.Errorf("match/%s is not wrapped as an engine or observer: %v", name, err)
			continue
		}
		if !strings.Contains(string(law), fmt.Sprintf("%q:", "match/"+name)) {
			t.Errorf("match/%s has no row in the import law", name)
		}
		if !strings.Contains(string(papers), "`match/"+name+"`") {
			t.Errorf("match/%s is not in ARCHITECTURE.md", name)
		}
		// The wrapper exports what the loader calls.
		called := false
		for _, line := range strings.Split(string(wrapper), "\n") {
			for _, prefix := range []string{"func ", "type "} {
				if rest, ok := strings.CutPrefix(line, prefix); ok && rest[0] >= 'A' && rest[0] <= 'Z' {
					word := strings.FieldsFunc(rest, func(r rune) bool { return r == '(' || r == ' ' })[0]
					called = called || strings.Contains(string(loader), word)
				}
			}
		}
		if !called {
			t.Errorf("match.Load does not know match/%s", name)
		}
	}
	if kinds < 4 {
		t.Errorf("only %d kinds were looked at", kinds)
	}
}
