package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestEveryFormatIsWired follows docs/adding/reader.md: it fails when a step of the recipe is forgotten.
func TestEveryFormatIsWired(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	wired := map[string]bool{}
	names := map[string]bool{}
	for _, f := range Formats() {
		pkg := filepath.Base(packageOf(f))
		wired[pkg] = true
		if names[f.Name()] {
			t.Errorf("two formats are called %s", f.Name())
		}
		names[f.Name()] = true
		if _, err := os.Stat(fmt.Sprintf("../docs/formats/%s.md", f.Name())); err != nil {
			t.Errorf("format %s is not written down: %v", f.Name(), err)
		}
		if !strings.Contains(string(readme), "`"+f.Name()+"`") {
			t.Errorf("README.md's table of formats has no row for `%s`", f.Name())
		}
	}
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range folders {
		src, err := filepath.Glob(d.Name() + "/*.go")
		if err != nil || !d.IsDir() || d.Name() == "testdata" {
			continue
		}
		reads := false
		for _, p := range src {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			reads = reads || strings.Contains(string(b), ") Recognise(")
		}
		if reads && !wired[d.Name()] {
			t.Errorf("package evidence/%s reads a format and is not in evidence.Formats", d.Name())
		}
	}
}

func packageOf(f any) string {
	t := reflect.TypeOf(f)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath()
}
