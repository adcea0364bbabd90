package reference_test

import (
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
	"github.com/contrail-ir/contrail/match/sigma/reference"
)

// fields are one event of a vector: text, null, or a list of both.
type fields map[string]yaml.Node

var testSource = event.Source{Category: "test"}

func (f fields) names() []string {
	var out []string
	for name := range f {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// each calls text or null for every element of every field, in the order of the names.
func (f fields) each(text func(field, value string), null func(field string)) {
	for _, name := range f.names() {
		n := f[name]
		elements := []*yaml.Node{&n}
		if n.Kind == yaml.SequenceNode {
			elements = n.Content
		}
		for _, e := range elements {
			if e.Tag == "!!null" {
				null(name)
			} else {
				text(name, e.Value)
			}
		}
	}
}

func (f fields) event(ns int64) *reference.Event {
	var rec event.Record
	f.each(func(n, v string) { rec.Add(n, event.Text, v) }, rec.AddNull)
	return reference.NewEvent(testSource, ns, &rec)
}

func (f fields) String() string {
	var out []string
	f.each(func(n, v string) { out = append(out, fmt.Sprintf("%s=%q", n, v)) }, func(n string) { out = append(out, n+"=null") })
	return "{" + strings.Join(out, " ") + "}"
}

type detectionVector struct {
	Name         string
	Placeholders map[string][]string
	Detection    yaml.Node
	Match, Not   []fields
	Rejected     bool
}

func load(t *testing.T, file string, to any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, to); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func (v *detectionVector) text(t *testing.T) []byte {
	t.Helper()
	detection, err := yaml.Marshal(map[string]any{"title": v.Name, "id": v.Name, "logsource": map[string]string{"category": "test"}, "detection": &v.Detection})
	if err != nil {
		t.Fatal(err)
	}
	return detection
}

func TestDetectionVectors(t *testing.T) {
	var vectors []detectionVector
	load(t, "testdata/detection.yaml", &vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			c := sigma.Parse("", v.text(t))
			var rule *reference.Rule
			var err error = nil
			if len(c.Rejected) > 0 {
				err = c.Rejected[0]
			} else {
				rule, err = reference.Prepare(c.Rules[0], nil, reference.Options{Placeholders: v.Placeholders})
			}
			if v.Rejected || err != nil {
				if v.Rejected != (err != nil) {
					t.Fatalf("rejected: %v, want %v", err, v.Rejected)
				}
				return
			}
			for _, f := range v.Match {
				if !rule.Match(f.event(0)) {
					t.Errorf("does not match %s", f)
				}
			}
			for _, f := range v.Not {
				if rule.Match(f.event(0)) {
					t.Errorf("matches %s", f)
				}
			}
		})
	}
}
