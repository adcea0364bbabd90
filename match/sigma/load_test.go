package sigma

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
)

const smallRule = "title: t\nid: %s\nlogsource: {product: windows, category: process_creation}\ndetection: {sel: {A|contains: abc}, condition: sel}\n"

func TestLoadFolders(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("b/two.yaml", fmt.Sprintf(smallRule, "two"))
	write("a/one.yml", fmt.Sprintf(smallRule, "one"))
	write("a/twin.yml", fmt.Sprintf(smallRule, "one"))
	write("a/notes.txt", "not a rule")
	write(".git/x.yml", "hidden")
	write("c/broken.yml", "title: [")
	write("c/two-in-one.yml", fmt.Sprintf(smallRule, "three")+"---\n"+"title: no detection\nid: four\nlogsource: {product: windows}\n---\n"+fmt.Sprintf(smallRule, "five"))
	if err := os.Symlink(dir, filepath.Join(dir, "loop")); err != nil {
		t.Log("no symbolic links here:", err)
	}
	c := Load(dir, filepath.Join(dir, "missing.yml"))
	var rules, rejected []string
	for _, r := range c.Rules {
		rules = append(rules, r.ID)
	}
	for _, r := range c.Rejected {
		rejected = append(rejected, filepath.Base(r.Place.File)+" "+r.ID+": "+r.Reason)
	}
	if got := strings.Join(rules, " "); got != "one two three five" {
		t.Error(got)
	}
	for i, want := range []string{"broken.yml : not valid YAML", "two-in-one.yml four: the rule has no detection", "missing.yml : cannot be read", "twin.yml one: its id is that of"} {
		if i >= len(rejected) || !strings.HasPrefix(rejected[i], want) {
			t.Errorf("%d: %q, want %q", i, rejected, want)
		}
	}
	again := LoadFS(fstest.MapFS{"r/a.yml": {Data: []byte(fmt.Sprintf(smallRule, "x"))}}, "r")
	if len(again.Rules) != 1 || again.Rules[0].Place.File != "r/a.yml" {
		t.Errorf("%+v", again)
	}
}

func TestHostileRuleFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, reason string }{
		"empty":            {"", "no rule"},
		"comments":         {"# nothing\n---\n# here\n", "no rule"},
		"bomb":             {aliases(12), "aliases are expanded"},
		"million lines":    {manyValues(1_000_000), "more than the"},
		"too large":        {strings.Repeat("#", maxFileSize+1), "more than the"},
		"not UTF-8":        {"title: \xff\xfe", "not UTF-8"},
		"binary":           {"\x00\x01\x02", "not valid YAML"},
		"tab":              {"title:\n\t- x", "not valid YAML"},
		"scalar":           {"just text", "not a map"},
		"list":             {"- a\n- b", "not a map"},
		"deep flow":        {"title: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "deep"},
		"deeper flow":      {"title: " + strings.Repeat("[", 90000), "not valid YAML"},
		"deep map":         {"title: " + strings.Repeat("{a: ", 100) + strings.Repeat("}", 100), "deep"},
		"own anchor":       {"title: &a [*a]", ""},
		"unknown alias":    {"title: *a", "not valid YAML"},
		"map key":          {"{a: b}: c", "not plain text"},
		"unknown action":   {"action: explode", "unknown action"},
		"repeat nothing":   {"action: repeat", "no rule before"},
		"no title":         {"logsource: {product: x}", "no title"},
		"no logsource":     {"title: x\ndetection: {a: {b: c}, condition: a}", "no logsource"},
		"empty logsource":  {"title: x\nlogsource: {definition: y}\ndetection: {a: {b: c}, condition: a}", "names no product"},
		"list logsource":   {"title: x\nlogsource: [a]", "is a map"},
		"detection list":   {"title: x\nlogsource: {product: y}\ndetection: [a]", "is a map"},
		"tags map":         {"title: x\ntags: {a: b}", "not a map"},
		"related text":     {"title: x\nrelated: y", "list of maps"},
		"filter text":      {"title: x\nlogsource: {product: y}\nfilter: z", "filter is a map"},
		"filter no rules":  {"title: x\nlogsource: {product: y}\nfilter: {a: {b: c}, condition: a}", "no rules"},
		"correlation text": {"title: x\ncorrelation: y", "correlation is a map"},
		"huge value":       {"title: x\nlogsource: {product: y}\ndetection: {a: {b: '" + strings.Repeat("z", maxValue+1) + "'}, condition: a}", "bytes"},
	} {
		c2 := Parse(name+".yml", []byte(c.text))
		if len(c2.Rejected) == 0 || !strings.Contains(c2.Rejected[0].Reason, c.reason) || strings.Contains(c2.Rejected[0].Reason, "\n") {
			t.Errorf("%s: %.300v, want %q", name, c2.Rejected, c.reason)
		}
	}
	parse := func(text string) func() { return func() { Parse("x.yml", []byte(text)) } }
	growth.AtMost(t, "a list of lists of lists, twice as deep,", 4, parse(aliases(6)), parse(aliases(12)))
	growth.Linear(t, "a list in a list", 4000, func(n int) func() { return parse("title: " + strings.Repeat("[", n) + strings.Repeat("]", n)) })
	growth.Linear(t, "an open map in a map", 8000, func(n int) func() { return parse("title: " + strings.Repeat("{a: ", n)) })
	growth.Linear(t, "a list of values", 10_000, func(n int) func() { return parse(manyValues(n)) })
	growth.Linear(t, "rule after rule", 400, func(n int) func() { return parse(strings.Repeat(fmt.Sprintf(smallRule, "x")+"---\n", n)) })
}

// aliases gives a text whose lists hold one another, each the one before ten times.
func aliases(depth int) string {
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < depth; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	return bomb
}

func manyValues(n int) string {
	return "title: t\nlogsource: {product: windows}\ndetection:\n  condition: sel\n  sel:\n    A:\n" + strings.Repeat("      - x\n", n)
}

func TestErrorsNameTheLineOfTheFile(t *testing.T) {
	text := fmt.Sprintf(smallRule, "one") + "---\n" + "title: two\nid: two\nlogsource: {product: windows}\ndetection:\n  sel:\n    A|nonsense: x\n  condition: sel\n"
	_, rejected := Compile(Parse("f.yml", []byte(text)), Options{})
	if len(rejected) != 1 || rejected[0].Error() != `f.yml document 2 line 11 rule two: selection sel: A|nonsense: unknown modifier "nonsense"` {
		t.Error(rejected)
	}
}

// Metadata stay as written; the Detection Rule License wants the author's name kept.
func TestMetadata(t *testing.T) {
	c := Parse("x", []byte(`title: T
id: i
name: n
related: [{id: r, type: derived}]
taxonomy: tx
status: test
description: d
license: DRL
author: A, B
references: [u]
date: 2020-01-02
modified: 2021-01-02
fields: [f]
falsepositives: none
level: high
tags: [attack.t1059]
scope: [server]
logsource: {product: windows, definition: q}
detection: {s: {A: x}, condition: s}
`))
	if len(c.Rejected) > 0 {
		t.Fatal(c.Rejected)
	}
	m := c.Rules[0].Meta
	m.Place = Place{}
	if got := fmt.Sprintf("%v", m); got != "{(rule text) T i n [{r derived}] tx test d DRL A, B [u] 2020-01-02 2021-01-02 [f] [none] high [attack.t1059] [server]}" &&
		got != "{rule text T i n [{r derived}] tx test d DRL A, B [u] 2020-01-02 2021-01-02 [f] [none] high [attack.t1059] [server]}" {
		t.Error(got)
	}
}

func FuzzRule(f *testing.F) {
	f.Add([]byte(ruleOf("sel: {A|contains|all: [x, 'y*z?']}\nf: {B|re: 'a+b'}\nk: [w]\ncondition: sel and not 1 of f* or k")), "xy z", "aab w")
	f.Add([]byte(ruleOf("sel: {A|windash|contains: '-a', B|cidr: 10.0.0.0/8}\ncondition: sel")), "/a", "10.1.1.1")
	f.Add([]byte("a: &x [1]\nb: {<<: *x}\n---\naction: global\n"), "", "")
	f.Add([]byte(threeRules+correlation("x", "type: temporal\nrules: [a, b]\ntimespan: 1m")), "1", "2")
	f.Fuzz(func(t *testing.T, text []byte, a, b string) {
		if len(text) > 4000 || len(a)+len(b) > 1000 {
			return
		}
		set, rejected := Compile(Parse("f.yml", text), Options{Placeholders: map[string][]string{"x": {"1", "y*"}}})
		for _, r := range rejected {
			if r.Reason == "" || strings.Contains(r.Reason, "\n") {
				t.Errorf("reason %q", r.Reason)
			}
		}
		for _, source := range set.sources() {
			batch := batchOf(source, []string{"A=" + a, "B=" + b}, []string{"A=" + b}, []string{"A", "B=" + a, "B=" + b})
			scan := set.Scanner().(*scanner)
			found := map[[2]int]bool{}
			if err := scan.Scan(batch, func(row int, rule event.RuleIndex) { found[[2]int{row, int(rule)}] = true }); err != nil {
				t.Fatal(err)
			}
			for i := range set.rules {
				route := set.Route(event.RuleIndex(i), source)
				for row := range batch.Rows {
					want := route != nil && slowly(set, event.RuleIndex(i), route, batch, row)
					if found[[2]int{row, i}] != want {
						t.Errorf("rule %d row %d: the expression says %t\n%s", i, row, want, text)
					}
				}
			}
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, c := range []string{"a and b or not c", "1 of them", "all of x*", "not (a or (b))", "a | count() > 1", "((((", "not not not a"} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			return
		}
		again, err := ParseCondition(c.text())
		if err != nil || again.text() != c.text() {
			t.Errorf("%q is %q and again %v %v", text, c.text(), again, err)
		}
	})
}

// text writes a condition with every parenthesis.
func (c *Condition) text() string {
	switch c.Op {
	case OpSelection:
		return c.Name
	case OpNot:
		return "not (" + c.Args[0].text() + ")"
	case OpAnyOf:
		return "1 of " + c.Name
	case OpAllOf:
		return "all of " + c.Name
	}
	word := " and "
	if c.Op == OpOr {
		word = " or "
	}
	var parts []string
	for _, a := range c.Args {
		parts = append(parts, "("+a.text()+")")
	}
	return strings.Join(parts, word)
}

func FuzzCorrelation(f *testing.F) {
	f.Add("type: event_count\nrules: a\ntimespan: 1m\ncondition: {gte: 2}", []byte{1, 2, 3})
	f.Add("type: value_percentile\nrules: a\ntimespan: 2s\ncondition: {gte: 2, field: x, percentile: 50}", []byte{1, 2, 200, 4})
	f.Add("type: temporal_ordered\nrules: [a, b]\ngroup-by: x\ntimespan: 5s", []byte{1, 2, 30, 4})
	f.Fuzz(func(t *testing.T, body string, steps []byte) {
		if len(body) > 500 || len(steps) > 500 {
			return
		}
		s, _ := Compile(Parse("x", []byte(threeRules+correlation("x", body))), Options{})
		if s.Len() < 3 {
			return
		}
		c := s.Correlator(Limits{Hits: 50, Groups: 5})
		at := int64(0)
		for _, b := range steps {
			at += int64(b) * 1e8
			h := Hit{Time: at, Rule: event.RuleIndex(b % 3)}
			for range s.Carries(h.Rule) {
				h.Values = append(h.Values, HitValue{Text: fmt.Sprint(b % 7), Present: b%11 != 0})
			}
			c.Add(h, func(f CorrelationFinding) {
				if f.Hits < 1 || f.First > f.Time || len(f.Refs) == 0 || len(f.Refs) > MaxRefs {
					t.Errorf("%+v", f)
				}
			})
		}
		if c.held > 50 || len(c.groups) > 5 {
			t.Errorf("%d held in %d groups", c.held, len(c.groups))
		}
	})
}

func TestSplitDocuments(t *testing.T) {
	docs, err := splitDocuments([]byte("%YAML 1.1\n---\na: 1\n...\n--- {b: 2}\n---\n\n--- |\n x\n----\nc: 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, d := range docs {
		fmt.Fprintf(&got, "%d %q;", d.line, d.text)
	}
	if got.String() != `3 "a: 1\n";5 "--- {b: 2}\n";8 "--- |\n x\n----\nc: 3\n";` {
		t.Error(got.String())
	}
}
