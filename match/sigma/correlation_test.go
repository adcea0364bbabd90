package sigma

import (
	"fmt"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// threeRules are a, b and c, in that order.
const threeRules = `
title: a
name: a
id: id-a
logsource: {product: windows, service: security}
detection: {sel: {EventID: 1}, condition: sel}
---
title: b
name: b
logsource: {product: windows, service: security}
detection: {sel: {EventID: 2}, condition: sel}
---
title: c
name: c
logsource: {product: windows, service: security}
detection: {sel: {EventID: 3}, condition: sel}
---
`

func correlation(name, body string) string {
	return "title: " + name + "\nname: " + name + "\ncorrelation:\n" + indent(body) + "---\n"
}

// play runs hits written as "seconds rule field=value …" and gives findings as "correlation@seconds group measured".
func play(t *testing.T, s *Set, limits Limits, lines ...string) ([]string, CorrelatorStats) {
	t.Helper()
	var hits []Hit
	for i, line := range lines {
		words := strings.Fields(line)
		var seconds float64
		if _, err := fmt.Sscan(words[0], &seconds); err != nil {
			t.Fatal(err)
		}
		h := Hit{Time: int64(seconds * 1e9), Rule: event.RuleIndex(words[1][0] - 'a'), Ref: uint64(i)}
		values := map[string]string{}
		for _, w := range words[2:] {
			if number, same := strings.CutPrefix(w, "#"); same { // the event of another line
				fmt.Sscan(number, &h.Ref)
				continue
			}
			k, v, _ := strings.Cut(w, "=")
			values[k] = v
		}
		for _, f := range s.Carries(h.Rule) {
			v, ok := values[f]
			h.Values = append(h.Values, HitValue{Text: v, Present: ok})
		}
		hits = append(hits, h)
	}
	c := s.Correlator(limits)
	var out []string
	for _, f := range c.Correlate(hits) {
		text := fmt.Sprintf("%s@%g", s.Correlations()[f.Correlation].Name, float64(f.Time)/1e9)
		for _, v := range f.Group {
			text += " " + v.Text
		}
		out = append(out, fmt.Sprintf("%s =%g", text, f.Measured))
	}
	return out, c.Stats()
}

func TestCorrelations(t *testing.T) {
	for _, c := range []struct {
		name, body string
		hits       []string
		want       []string
	}{
		{"event count over a window that slides", "type: event_count\nrules: a\ntimespan: 10s\ncondition: {gte: 3}",
			[]string{"0 a", "9 a", "11 a", "12 a"}, []string{"x@12 =3"}}, // fixed windows of 10 s would find two and two
		{"both ends of the window count", "type: event_count\nrules: a\ntimespan: 10s\ncondition: {gte: 2}",
			[]string{"0 a", "10 a", "20.5 a"}, []string{"x@10 =2"}},
		{"fires once while it holds and again after it has not", "type: event_count\nrules: a\ntimespan: 10s\ncondition: {gte: 2}",
			[]string{"0 a", "1 a", "2 a", "3 a", "30 a", "31 a"}, []string{"x@1 =2", "x@31 =2"}},
		{"out of order", "type: event_count\nrules: a\ntimespan: 10s\ncondition: {gte: 3}",
			[]string{"12 a", "0 a", "11 a", "9 a"}, []string{"x@12 =3"}},
		{"groups apart, case aside", "type: event_count\nrules: [a]\ngroup-by: [User, Host]\ntimespan: 1m\ncondition: {gt: 1}",
			[]string{"0 a User=u Host=1", "1 a User=v Host=1", "2 a User=U Host=1", "3 a User=u"}, []string{"x@2 u 1 =2"}},
		{"group values do not run together", "type: event_count\nrules: [a]\ngroup-by: [User, Host]\ntimespan: 1m\ncondition: {gt: 1}",
			[]string{"0 a User=ab Host=c", "1 a User=a Host=bc"}, nil},
		{"several rules together", "type: event_count\nrules: [a, id-a-not, b]\ntimespan: 1m\ncondition: {gte: 2}", []string{"0 a"}, []string{"rejected"}},
		{"range", "type: event_count\nrules: a\ntimespan: 1m\ncondition: {gt: 1, lte: 3}", []string{"0 a", "1 a", "2 a", "3 a"}, []string{"x@1 =2"}},
		{"lt", "type: event_count\nrules: a\ntimespan: 1m\ncondition: {lt: 2}", []string{"0 a", "1 a", "100 a"}, []string{"x@0 =1", "x@100 =1"}},
		{"eq", "type: event_count\nrules: a\ntimespan: 1m\ncondition: {eq: 2}", []string{"0 a", "1 a", "2 a"}, []string{"x@1 =2"}},
		{"neq", "type: event_count\nrules: a\ntimespan: 1m\ncondition: {neq: 1}", []string{"0 a", "1 a"}, []string{"x@1 =2"}},
		{"value count", "type: value_count\nrules: a\ntimespan: 10s\ncondition: {field: User, gte: 3}",
			[]string{"0 a User=u", "1 a User=U", "2 a User=v", "9 a User=w", "10.5 a User=w"}, []string{"x@9 =3"}},
		{"value count forgets what left", "type: value_count\nrules: a\ntimespan: 10s\ncondition: {field: User, gte: 3}",
			[]string{"0 a User=u", "6 a User=v", "11 a User=w", "12 a User=u"}, []string{"x@12 =3"}},
		{"value count of tuples", "type: value_count\nrules: a\ntimespan: 1m\ncondition: {field: [User, Host], gte: 2}",
			[]string{"0 a User=u Host=1", "1 a User=u Host=1", "2 a User=u Host=2"}, []string{"x@2 =2"}},
		{"temporal in any order", "type: temporal\nrules: [a, b]\ngroup-by: User\ntimespan: 10s",
			[]string{"0 b User=u", "5 a User=v", "9 a User=u", "30 b User=u", "41 a User=u"}, []string{"x@9 u =2"}},
		{"temporal with a number", "type: temporal\nrules: [a, b, c]\ntimespan: 10s\ncondition: {gte: 2}", []string{"0 c", "5 a", "6 b"}, []string{"x@5 =2"}},
		{"temporal expression", "type: temporal\ntimespan: 10s\ncondition: a and (b or c)", []string{"0 c", "2 b", "9 a", "20 a"}, []string{"x@9 =3"}},
		{"what must not happen may still come", "type: temporal\ntimespan: 10s\ncondition: (a or b) and not c", []string{"0 c", "2 a", "11.5 b", "12 c", "23 a", "34 a"},
			[]string{"x@33.000000001 =1"}}, // from 2 and from 11.5 there is a c, and from 34 the evidence does not reach the end
		{"a window with not ends with the evidence", "type: temporal\ntimespan: 10s\ncondition: a and not b", []string{"0 a", "10 a"}, []string{"x@10.000000001 =1"}},
		{"not alone asks for nothing", "type: temporal\ntimespan: 10s\ncondition: not a", nil, []string{"rejected"}},
		{"ordered as the condition says", "type: temporal_ordered\nrules: [a, b]\ntimespan: 10s\ncondition: b and a", []string{"0 a", "1 b", "20 b", "21 a"}, []string{"x@21 =2"}},
		{"temporal ordered", "type: temporal_ordered\nrules: [a, b]\ntimespan: 10s", []string{"0 b", "1 a", "2 b"}, []string{"x@2 =2"}},
		{"temporal ordered, wrong order", "type: temporal_ordered\nrules: [a, b, c]\ntimespan: 10s", []string{"0 b", "1 a", "2 c"}, nil},
		{"temporal ordered, equal times have no order", "type: temporal_ordered\nrules: [a, b]\ntimespan: 10s", []string{"1 a", "1 b", "2 b"}, []string{"x@2 =2"}},
		{"an event of two rules counts once", "type: event_count\nrules: [a, b]\ntimespan: 10s\ncondition: {gte: 2}", []string{"0 a", "0 b #0", "1 b"}, []string{"x@1 =2"}},
		{"an event of two rules is summed once", "type: value_sum\nrules: [a, b]\ntimespan: 10s\ncondition: {field: N, gte: 5}", []string{"0 a N=3", "0 b N=3 #0", "1 a N=2"}, []string{"x@1 =5"}},
		{"two events of one time count twice", "type: event_count\nrules: [a, b]\ntimespan: 10s\ncondition: {gte: 2}", []string{"0 a", "0 b"}, []string{"x@0 =2"}},
		{"aliases by name of rules listed by id", "type: event_count\nrules: [id-a]\ngroup-by: [who]\ntimespan: 10s\ncondition: {gte: 2}\naliases: {who: {a: User}}", []string{"0 a User=u", "1 a User=u"}, []string{"x@1 u =2"}},
		{"temporal ordered needs the window", "type: temporal_ordered\nrules: [a, b]\ntimespan: 10s", []string{"0 a", "11 b"}, nil},
		{"sum", "type: value_sum\nrules: a\ntimespan: 10s\ncondition: {field: Bytes, gte: 100}",
			[]string{"0 a Bytes=60", "1 a Bytes=x", "11 a Bytes=60", "12 a Bytes=40"}, []string{"x@12 =100"}},
		{"sum of fractions", "type: value_sum\nrules: a\ntimespan: 1m\ncondition: {field: Bytes, gte: 0.3}", []string{"0 a Bytes=0.1", "1 a Bytes=0.1", "2 a Bytes=0.1"}, []string{"x@2 =0.30000000000000004"}},
		{"average", "type: value_avg\nrules: a\ntimespan: 10s\ncondition: {field: Bytes, gt: 10}", []string{"0 a Bytes=1", "1 a Bytes=15", "11 a Bytes=7"}, []string{"x@11 =11"}},
		{"median", "type: value_median\nrules: a\ntimespan: 10s\ncondition: {field: Bytes, gte: 5}", []string{"0 a Bytes=1", "1 a Bytes=3", "2 a Bytes=100", "3 a Bytes=7"}, []string{"x@3 =5"}},
		{"percentile", "type: value_percentile\nrules: a\ntimespan: 1m\ncondition: {field: Bytes, percentile: 90, gt: 8}",
			[]string{"0 a Bytes=0", "1 a Bytes=5", "2 a Bytes=10"}, []string{"x@2 =9"}},
		{"aliases", "type: temporal\nrules: [a, b]\ngroup-by: [ip]\ntimespan: 1m\naliases: {ip: {a: Src, b: Dst}}",
			[]string{"0 a Src=1.1.1.1", "1 b Dst=2.2.2.2", "2 b Dst=1.1.1.1"}, []string{"x@2 1.1.1.1 =2"}},
		{"rules by id", "type: event_count\nrules: id-a\ntimespan: 1m\ncondition: {gte: 1}", []string{"0 a"}, []string{"x@0 =1"}},
		{"condition needs its bound", "type: event_count\nrules: a\ntimespan: 1m\ncondition: {gte: 2}", []string{"0 a", "61 a"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, rejected := Compile(Parse("x.yml", []byte(threeRules+correlation("x", c.body))), Options{})
			if len(rejected) > 0 {
				if len(c.want) == 1 && c.want[0] == "rejected" {
					return
				}
				t.Fatal(rejected[0])
			}
			got, _ := play(t, s, Limits{}, c.hits...)
			if strings.Join(got, "; ") != strings.Join(c.want, "; ") {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestChainOfCorrelations(t *testing.T) {
	text := threeRules +
		correlation("many", "type: event_count\nrules: a\ngroup-by: [Host]\ntimespan: 1m\ncondition: {gte: 2}") +
		correlation("then", "type: temporal_ordered\nrules: [many, b]\ngroup-by: [User]\ntimespan: 1h\ngenerate: true")
	s := setOf(t, text, Options{})
	if s.Reports(0) || !s.Reports(1) || !s.Reports(2) || !s.CorrelationReports(0) || !s.CorrelationReports(1) {
		t.Error("generate of the outer correlation is about the rules that it names itself")
	}
	got, stats := play(t, s, Limits{}, "0 a Host=h User=u", "1 a Host=h User=v", "2 b User=u", "3 b User=V")
	if want := "many@1 h =2; then@3 v =2"; strings.Join(got, "; ") != want {
		t.Errorf("%q, want %q", got, want)
	}
	if stats.Hits != 4 || stats.Dropped != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestSilentRules(t *testing.T) {
	s := setOf(t, threeRules+correlation("x", "type: temporal\nrules: [a, b]\ntimespan: 1m")+
		correlation("y", "type: temporal\nrules: [b, c]\ntimespan: 1m\ngenerate: true"), Options{})
	if s.Reports(0) || !s.Reports(1) || !s.Reports(2) || !s.Feeds(0) {
		t.Error("a is fed without generate; b and c generate")
	}
}

func TestRejectedCorrelations(t *testing.T) {
	for body, reason := range map[string]string{
		"type: event_count\nrules: nobody\ntimespan: 1m\ncondition: {gte: 1}":           `"nobody", which is not loaded`,
		"type: event_count\nrules: x\ntimespan: 1m\ncondition: {gte: 1}":                "refers to itself",
		"type: often\nrules: a\ntimespan: 1m\ncondition: {gte: 1}":                      "unknown correlation type",
		"type: event_count\nrules: a\ncondition: {gte: 1}":                              "no timespan",
		"type: event_count\nrules: a\ntimespan: 1.5h\ncondition: {gte: 1}":              "is no timespan",
		"type: event_count\nrules: a\ntimespan: 0m\ncondition: {gte: 1}":                "is no timespan",
		"type: event_count\nrules: a\ntimespan: 2000000000y\ncondition: {gte: 1}":       "too long",
		"type: event_count\nrules: a\ntimespan: 1m":                                     "no condition",
		"type: event_count\nrules: a\ntimespan: 1m\ncondition: {}":                      "compares with nothing",
		"type: event_count\nrules: a\ntimespan: 1m\ncondition: {gte: many}":             "needs a number",
		"type: event_count\nrules: a\ntimespan: 1m\ncondition: {gte: 1, field: x}":      "takes no field",
		"type: event_count\nrules: a\ntimespan: 1m\ncondition: a and b":                 "is a map",
		"type: value_count\nrules: a\ntimespan: 1m\ncondition: {gte: 1}":                "names the field",
		"type: value_percentile\nrules: a\ntimespan: 1m\ncondition: {gte: 1, field: x}": "percentile",
		"type: temporal\nrules: [a, b]\ntimespan: 1m\ncondition: a":                     "not in the condition",
		"type: temporal_ordered\nrules: [a, b]\ntimespan: 1m\ncondition: a or b":        "not defined",
		"type: temporal_ordered\nrules: [a, b]\ntimespan: 1m\ncondition: {gte: 1}":      "all of its rules",
		"type: temporal\nrules: [a, a]\ntimespan: 1m":                                   "listed twice",
		"type: temporal\nrules: [a, b]\ntimespan: 1m\naliases: {ip: {c: x}}":            "not among",
		"type: event_count\nrules: a\ntimespan: 1m\nwithin: 3\ncondition: {gte: 1}":     `unknown key "within"`,
		"type: temporal\nrules: []\ntimespan: 1m":                                       "no rules",
	} {
		_, rejected := Compile(Parse("x.yml", []byte(threeRules+correlation("x", body))), Options{})
		if len(rejected) != 1 || !strings.Contains(rejected[0].Reason, reason) {
			t.Errorf("%s: %v, want %q", body, rejected, reason)
		}
	}
}

func TestCorrelatorIsBounded(t *testing.T) {
	s := setOf(t, threeRules+correlation("x", "type: event_count\nrules: a\ngroup-by: User\ntimespan: 1d\ncondition: {gte: 1000000}"), Options{})
	c := s.Correlator(Limits{Hits: 100, Groups: 10})
	for i := range 10000 {
		c.Add(Hit{Time: int64(i), Values: []HitValue{{Text: fmt.Sprint(i % 50), Present: true}}}, func(CorrelationFinding) { t.Fatal("fired") })
		if c.held > 100 || len(c.groups) > 10 || c.recent.Len() != len(c.groups) {
			t.Fatalf("%d hits, %d groups", c.held, len(c.groups))
		}
	}
	c.Add(Hit{Time: event.NoTime}, nil)
	c.Add(Hit{Time: 0}, nil)
	held := 0
	for _, g := range c.groups {
		held += len(g.hits)
	}
	if st := c.Stats(); st.Dropped+held != 10000 || held != c.held || st.NoTime != 1 || st.OutOfTime != 1 {
		t.Errorf("%+v with %d held", st, held)
	}
}

func TestFilters(t *testing.T) {
	rule := "title: r\nid: r\nname: loader\nlogsource: {product: windows, category: process_creation}\ndetection: {sel: {A: x}, condition: sel}\n---\n"
	filter := func(rules, logsource, condition string) string {
		return "title: f\nlogsource: " + logsource + "\nfilter:\n  rules: " + rules + "\n  selection: {User|startswith: adm_}\n  condition: " + condition + "\n---\n"
	}
	windows := "{product: windows, category: process_creation}"
	rows := [][]string{{"A=x", "User=adm_1"}, {"A=x", "User=eve"}, {"A=y", "User=eve"}}
	for _, c := range []struct {
		name, filter, want string
	}{
		// The specification joins the filter's condition to the rule's with and. Both forms are met in the wild.
		{"condition: not selection leaves out what is selected", filter("[r]", windows, "not selection"), "1:r"},
		{"condition: selection keeps only what is selected", filter("[r]", windows, "selection"), "0:r"},
		{"by name", filter("[loader]", windows, "not selection"), "1:r"},
		{"any", filter("any", windows, "not selection"), "1:r"},
		{"any within a wider logsource", filter("any", "{product: windows}", "not selection"), "1:r"},
		{"several patterns", filter("[r]", windows, "not 1 of sel*"), "1:r"},
	} {
		s := setOf(t, rule+c.filter, Options{})
		if got := strings.Join(scanAll(t, s, batchOf(processCreation, rows...)), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if len(s.Filters(0)) != 1 {
			t.Errorf("%s: %d filters", c.name, len(s.Filters(0)))
		}
	}
	for _, f := range []string{filter("[other]", windows, "selection"), filter("any", "{product: linux}", "selection")} {
		s, rejected := Compile(Parse("x.yml", []byte(rule+f)), Options{})
		if len(rejected) != 1 || !strings.Contains(rejected[0].Reason, "no loaded rule") || len(scanAll(t, s, batchOf(processCreation, rows...))) != 2 {
			t.Errorf("%s: %v", f, rejected)
		}
	}
}
