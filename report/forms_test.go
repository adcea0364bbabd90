package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryFormIsWired follows docs/adding/report.md: it fails when a step of the recipe is forgotten.
func TestEveryFormIsWired(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	documents := ""
	for _, name := range []string{"../docs/formats/report.md", "../docs/formats/findings.md", "../docs/formats/coverage.md"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		documents += "\n" + string(b)
	}
	var headings []string
	for _, m := range regexp.MustCompile(`(?m)^# (.+)$`).FindAllStringSubmatch(documents, -1) {
		headings = append(headings, strings.Split(m[1], ", ")...)
	}
	wired := map[string]bool{"Folder": true, "Table": true} // always there, or for the terminal
	for _, f := range forms {
		if !strings.Contains(string(readme), "`"+f.name+"`") {
			t.Errorf("README.md does not mention the form `%s`", f.name)
		}
		for _, file := range f.files {
			if !slices.Contains(headings, file) {
				t.Errorf("%s of the form %s is not written down under a heading of its name", file, f.name)
			}
		}
		if f.begin == nil {
			continue
		}
		// Files are there when they are complete, exactly those of the table, and the same each time, whatever the findings say.
		var first map[string]string
		for range 2 {
			dir := t.TempDir()
			h, err := New(f.name, dir)
			if err != nil {
				t.Fatal(err)
			}
			findings := append(manyFindings(300), hostileFindings()...)
			for _, x := range findings {
				if err := h.Finding(x); err != nil {
					t.Fatalf("%s: %v", f.name, err)
				}
			}
			for _, file := range f.files {
				if _, err := os.Stat(filepath.Join(dir, file)); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: %s is there before its end", f.name, file)
				}
			}
			if err := errors.Join(h.End(pageResult(findings)), h.Close()); err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			wrote := map[string]string{}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				b, err := os.ReadFile(filepath.Join(dir, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				wrote[e.Name()] = string(b)
				if !slices.Contains(f.files, e.Name()) {
					t.Errorf("%s wrote %s, which is not in the table", f.name, e.Name())
				}
			}
			for _, file := range f.files {
				if wrote[file] == "" {
					t.Errorf("%s did not write %s", f.name, file)
				}
				if first != nil && first[file] != wrote[file] {
					t.Errorf("%s: %s is not the same each time", f.name, file)
				}
			}
			first = wrote
		}
		// Given up, it leaves nothing.
		dir := t.TempDir()
		h, err := New(f.name, dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(h.Finding(manyFindings(1)[0]), h.Close()); err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s given up leaves %v (%v)", f.name, entries, err)
		}
		wired[strings.TrimPrefix(fmt.Sprintf("%T", h), "*report.")] = true
	}
	// Every handler of this package is in the table.
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range sources {
		b, err := os.ReadFile(p)
		if err != nil || strings.HasSuffix(p, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^func \((?:\w+ )?\*?([A-Z]\w*)\) End\(`).FindAllStringSubmatch(string(b), -1) {
			if !wired[m[1]] {
				t.Errorf("%s: %s is a form of report and not in the table of forms", p, m[1])
			}
		}
	}
	if _, err := New("nothing", t.TempDir()); !errors.Is(err, ErrUnknownForm) {
		t.Error(err)
	}
}
