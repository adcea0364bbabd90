package rules_test

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/rules"
	"github.com/contrail-ir/contrail/sweep"
)

// TestEachRuleTellsItsRecordFromOthersLikeIt: testdata has an archive for each folder, and in it for each rule records that it must find and records
// like them that it must not. One sweep asks all rules of all records, each case as an organisation of its own. A file whose name begins with "with-"
// belongs to a correlation's case and need not be found itself. The rules in windows are tried on the drill.
func TestEachRuleTellsItsRecordFromOthersLikeIt(t *testing.T) {
	root := t.TempDir()
	cases := map[string][]string{} // folder/rule/hit or miss → files
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			file := path.Join(strings.TrimSuffix(filepath.Base(name), ".txtar"), f.Name)
			if cases[path.Dir(file)] == nil {
				if err := os.MkdirAll(filepath.Join(root, path.Dir(file)), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cases[path.Dir(file)] = append(cases[path.Dir(file)], path.Base(file))
			if err := os.WriteFile(filepath.Join(root, file), f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	set, rejected := match.Load(match.Question{BuiltIn: rules.FS})
	if len(rejected) > 0 {
		t.Fatalf("rejected: %+v", rejected)
	}
	q := sweep.Question{Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), NoEvent: true}
	for name := range cases {
		q.Roots = append(q.Roots, evidence.Root{Org: name, Path: filepath.Join(root, name)})
	}
	found := &found{rules: map[string][]string{}}
	if err := sweep.Run(context.Background(), q, found, nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range found.result.Certificate.Unrecognised {
		t.Errorf("%s is not recognised, so that nothing is asked of it: %s", f.Path, f.Reason)
	}
	for _, f := range found.result.Certificate.Files {
		if len(f.Damage) > 0 || f.Records == 0 {
			t.Errorf("%s %s: %d records, damage %+v", f.Org, f.Path, f.Records, f.Damage)
		}
	}
	for rule, titles := range reporting(t) {
		if len(cases[rule+"/hit"]) == 0 || len(cases[rule+"/miss"]) == 0 {
			t.Errorf("%s: testdata has no records for it, or none against it", rule)
		}
		for _, file := range cases[rule+"/hit"] {
			if !strings.HasPrefix(file, "with-") && !slices.ContainsFunc(titles, func(title string) bool { return slices.Contains(found.rules[rule+"/hit/"+file], title) }) {
				t.Errorf("%s does not find %s: only %q match", rule, file, found.rules[rule+"/hit/"+file])
			}
		}
		for _, file := range cases[rule+"/miss"] {
			for _, title := range titles {
				if slices.Contains(found.rules[rule+"/miss/"+file], title) {
					t.Errorf("%s finds %s, which it must not", rule, file)
				}
			}
		}
		delete(cases, rule+"/hit")
		delete(cases, rule+"/miss")
	}
	for name := range cases {
		t.Errorf("testdata has records for %s, which is no rule", name)
	}
}

// reporting gives the titles of the rules in each file that report by themselves, by folder and name of the file.
func reporting(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	files, err := fs.Glob(rules.FS, "*/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasPrefix(file, "windows/") {
			continue
		}
		text, err := fs.ReadFile(rules.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		name, input := strings.TrimSuffix(file, ".yml"), map[string]bool{}
		type rule struct {
			Title, Name string
			Correlation struct{ Rules []string }
		}
		var all []rule
		for _, part := range strings.Split(string(text), "\n---\n") {
			var one rule
			if err := yaml.Unmarshal([]byte(part), &one); err != nil {
				t.Fatal(file, err)
			}
			for _, r := range one.Correlation.Rules {
				input[r] = true
			}
			all = append(all, one)
		}
		for _, r := range all {
			if !input[r.Name] {
				out[name] = append(out[name], r.Title)
			}
		}
	}
	return out
}

// found gives the titles of the rules that found something in a file, by organisation and file.
type found struct {
	rules  map[string][]string
	result *sweep.Result
}

func (f *found) Finding(x *finding.Finding) error {
	if x.Rule.Kind == finding.Sigma || x.Rule.Kind == finding.Correlation {
		key := x.Org + "/" + x.File
		f.rules[key] = append(f.rules[key], x.Rule.Title)
	}
	return nil
}

func (f *found) End(r *sweep.Result) error { f.result = r; return nil }
