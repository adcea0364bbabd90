package reference_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
	"github.com/contrail-ir/contrail/match/sigma/reference"
)

const second = int64(1e9)

type correlationVector struct {
	Name         string
	Correlations []yaml.Node
	Events       []fields
	Alerts       []string
	Rejected     bool
}

// text gives the rules a, b and c and the correlations as one file.
func (v *correlationVector) text(t *testing.T) []byte {
	t.Helper()
	var out strings.Builder
	for _, name := range []string{"a", "b", "c"} {
		fmt.Fprintf(&out, "title: rule %s\nname: %s\nid: id-%s\nlogsource: {category: test}\ndetection: {s: {kind|contains: %s}, condition: s}\n---\n", name, name, name, name)
	}
	for i := range v.Correlations {
		doc, err := yaml.Marshal(&v.Correlations[i])
		if err != nil {
			t.Fatal(err)
		}
		out.Write(doc)
		out.WriteString("---\n")
	}
	return []byte(strings.TrimSuffix(out.String(), "---\n"))
}

// timed takes the time in seconds out of an event.
func timed(f fields) (int64, fields) {
	rest := fields{}
	ns := int64(event.NoTime)
	for name, n := range f {
		if name != "t" {
			rest[name] = n
			continue
		}
		var s int64
		if n.Decode(&s) == nil {
			ns = s * second
		}
	}
	return ns, rest
}

// describe writes an alert as the vectors do.
func describe(title string, group []string, start, end int64, metric float64, events []int) string {
	return fmt.Sprintf("%s [%s] %d-%d %g:%s", title, strings.Join(group, " "), start/second, end/second, metric, strings.TrimSuffix(" "+strings.Trim(fmt.Sprint(events), "[]"), " "))
}

func TestCorrelationVectors(t *testing.T) {
	var vectors []correlationVector
	load(t, "testdata/correlation.yaml", &vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			c := sigma.Parse("", v.text(t))
			for _, r := range c.Rejected {
				t.Fatal(r)
			}
			var events []*reference.Event
			var hits []reference.Hit
			horizon := int64(0)
			for _, f := range v.Events {
				ns, f := timed(f)
				e := f.event(ns)
				events = append(events, e)
				horizon = max(horizon, ns)
				for _, r := range c.Rules {
					p, err := reference.Prepare(r, nil, reference.Options{})
					if err != nil {
						t.Fatal(err)
					}
					if route, ok := p.MatchRoute(e); ok {
						hits = append(hits, reference.Hit{Rule: r, Route: route, Event: e})
					}
				}
			}
			alerts, err := reference.Correlate(c, hits, horizon)
			if v.Rejected != (err != nil) {
				t.Fatalf("rejected: %v, want %v", err, v.Rejected)
			}
			var got []string
			for _, a := range alerts {
				var numbers []int
				for _, e := range a.Events {
					numbers = append(numbers, slices.Index(events, e))
				}
				got = append(got, describe(a.Correlation.Title, a.Group, a.Start, a.End, a.Metric, numbers))
			}
			if !slices.Equal(got, v.Alerts) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(v.Alerts, "\n\t"))
			}
		})
	}
}

type filterVector struct {
	Name       string
	Logsource  map[string]string
	Filter     yaml.Node
	Match, Not map[string][]fields
}

func (v *filterVector) text(t *testing.T) []byte {
	t.Helper()
	if v.Logsource == nil {
		v.Logsource = map[string]string{"category": "test"}
	}
	doc, err := yaml.Marshal(map[string]any{"title": "filter", "logsource": v.Logsource, "filter": &v.Filter})
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte(`title: r1
name: r1
id: 11111111-1111-4111-8111-111111111111
logsource: {category: test}
detection: {selection: {F: evil}, condition: selection}
---
title: r2
name: r2
id: 22222222-2222-4222-8222-222222222222
logsource: {category: test, service: other}
detection: {selection: {F: evil}, condition: selection}
---
`), doc...)
}

func TestFilterVectors(t *testing.T) {
	var vectors []filterVector
	load(t, "testdata/filter.yaml", &vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			c := sigma.Parse("", v.text(t))
			for _, r := range c.Rejected {
				t.Fatal(r)
			}
			for _, r := range c.Rules {
				p, err := reference.Prepare(r, c.Filters, reference.Options{})
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range v.Match[r.Name] {
					if !p.Detect(f.event(0), nil) {
						t.Errorf("%s does not match %s", r.Name, f)
					}
				}
				for _, f := range v.Not[r.Name] {
					if p.Detect(f.event(0), nil) {
						t.Errorf("%s matches %s", r.Name, f)
					}
				}
			}
		})
	}
}
