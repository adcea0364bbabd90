package rules

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// document is what every rule must have, whatever an engine makes of it.
type document struct {
	Title, ID, Name, Status, Description, Author, License, Date, Level string

	References, Tags, FalsePositives []string
	LogSource                        map[string]string
	Detection                        map[string]any
	Correlation                      struct {
		Type     string
		Rules    []string
		GroupBy  []string `yaml:"group-by"`
		Timespan string
	}
	dir, file string
}

func documents(t *testing.T) (all []document) {
	t.Helper()
	err := fs.WalkDir(FS, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := FS.ReadFile(file)
		if err != nil {
			return err
		}
		for in := yaml.NewDecoder(bytes.NewReader(text)); ; {
			doc := document{dir: path.Dir(file), file: path.Base(file)}
			if err := in.Decode(&doc); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				t.Errorf("%s: %v", file, err)
				return nil
			}
			all = append(all, doc)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRulesAreComplete(t *testing.T) {
	all := documents(t)
	if len(all) < 150 {
		t.Fatalf("only %d rules", len(all))
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	reference := regexp.MustCompile(`^https://attack\.mitre\.org/techniques/(T\d{4})(?:/(\d{3}))?/$`)
	seen := map[string]string{}
	names := map[string]bool{}
	for _, d := range all {
		names[d.Name] = true
	}
	for _, d := range all {
		bad := func(what string) { t.Errorf("%s, %q: %s", d.file, d.Title, what) }
		for kind, v := range map[string]string{"id": d.ID, "title": d.Title, "name": d.Name} {
			if other := seen[kind+v]; v == "" || other != "" {
				bad(kind + " is missing, or the same as in " + other)
			}
			seen[kind+v] = d.file
		}
		if !uuid.MatchString(d.ID) {
			bad("id is no random UUID")
		}
		if d.Author != "Contrail project" || d.License != "Apache-2.0" || d.Date != "2026-11-23" || d.Status != "experimental" {
			bad("author, licence, date or status")
		}
		if len(strings.Fields(d.Description)) < 8 || len(d.FalsePositives) == 0 {
			bad("description or false positives say too little")
		}
		if !slices.Contains([]string{"informational", "low", "medium", "high", "critical"}, d.Level) {
			bad("level " + d.Level)
		}
		if len(d.References) == 0 {
			bad("no reference")
		}
		for _, r := range d.References {
			m := reference.FindStringSubmatch(r)
			if m == nil {
				bad("reference " + r)
				continue
			}
			technique := strings.ToLower(m[1])
			if m[2] != "" {
				technique += "." + m[2]
			}
			if !slices.Contains(d.Tags, "attack."+technique) {
				bad("no tag for " + r)
			}
		}
		if d.Correlation.Type != "" {
			if d.Detection != nil || d.LogSource != nil || d.Correlation.Timespan == "" || len(d.Correlation.GroupBy) == 0 {
				bad("a correlation has a timespan and a grouping, and no detection")
			}
			for _, r := range d.Correlation.Rules {
				if !names[r] {
					bad("correlates " + r + ", which is no rule")
				}
			}
			continue
		}
		if (d.LogSource["category"] == "") == (d.LogSource["service"] == "") || d.LogSource["service"] != "" && d.LogSource["product"] == "" {
			bad("logsource: either a category, or a product with a service")
		}
		if (d.LogSource["product"] == "windows") != (d.dir == "windows" || d.dir == "supplier") {
			bad("a rule for Windows stands with the others for Windows or for suppliers")
		}
		condition, _ := d.Detection["condition"].(string)
		if condition == "" || len(d.Detection) < 2 {
			bad("no condition, or nothing to look for")
		}
		for search := range d.Detection {
			if search != "condition" && !strings.Contains(condition, "them") && !regexp.MustCompile(`\b`+search+`\b`).MatchString(condition) {
				bad("the condition leaves out " + search)
			}
		}
	}
}

// TestExpressionsAreRE2: a rule of ours must not need what Go's engine lacks.
func TestExpressionsAreRE2(t *testing.T) {
	found := 0
	var walk func(file, key string, v any)
	walk = func(file, key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				walk(file, k, inner)
			}
		case []any:
			for _, inner := range v {
				walk(file, key, inner)
			}
		case string:
			if !slices.Contains(strings.Split(key, "|"), "re") {
				return
			}
			found++
			if _, err := regexp.Compile(v); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	for _, d := range documents(t) {
		walk(d.file, "", d.Detection)
	}
	if found == 0 {
		t.Error("no expression was looked at")
	}
}
