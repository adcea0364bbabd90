package sigma

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

var processCreation = event.Source{Product: event.ProductWindows, Channel: channelSysmon, Provider: "Microsoft-Windows-Sysmon", ID: 1}

// ruleOf makes a process creation rule of the text of a detection.
func ruleOf(detection string) string {
	return "title: t\nid: r\nlogsource: {product: windows, category: process_creation}\ndetection:\n" + indent(detection)
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(strings.TrimLeft(s, "\n"), "\n "), "\n", "\n    ") + "\n"
}

// set compiles a text that must be accepted whole.
func setOf(t testing.TB, text string, o Options) *Set {
	t.Helper()
	s, rejected := Compile(Parse("test.yml", []byte(text)), o)
	for _, r := range rejected {
		t.Fatalf("%v\n%s", r, text)
	}
	return s
}

// field is a value of a row: "name=value", "name" for null.
func batchOf(source event.Source, rows ...[]string) *event.Batch {
	b := event.NewBuilder(source)
	for i, row := range rows {
		b.Row(int64(i), uint64(i), uint64(i), []byte("host"))
		for _, f := range row {
			name, value, given := strings.Cut(f, "=")
			if given {
				b.Text(b.Field(name), []byte(value))
			} else {
				b.Null(b.Field(name))
			}
		}
	}
	return b.Batch()
}

func scanAll(t testing.TB, s *Set, b *event.Batch) []string {
	t.Helper()
	var got []string
	scan := s.Scanner()
	for range 2 { // the second time with what the first left behind
		got = got[:0]
		if err := scan.Scan(b, func(row int, rule event.RuleIndex) {
			got = append(got, fmt.Sprintf("%d:%s", row, s.Rule(rule).ID))
		}); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

func TestMatching(t *testing.T) {
	placeholders := map[string][]string{"admins": {"alice", "bob*"}, "dc": {"DC01"}}
	for _, c := range []struct {
		name, detection string
		hit, miss       [][]string
	}{
		{"whole value, any case", `sel: {Image: 'C:\Cmd.EXE'}` + "\ncondition: sel",
			[][]string{{`Image=c:\cmd.exe`}, {`Image=C:\CMD.EXE`}}, [][]string{{`Image=xc:\cmd.exe`}, {`Image=c:\cmd.exe `}, {`Other=c:\cmd.exe`}, {`Image`}, {`Image=`}}},
		{"wildcards", `sel: {Image: '*\c?d.ex*'}` + "\ncondition: sel",
			[][]string{{`Image=\cmd.exe`}, {`Image=x\cäd.ex`}}, [][]string{{`Image=\cd.exe`}, {`Image=cmd.exe`}}},
		{"escaped wildcards", `sel: {A: 'a\*b'}` + "\ncondition: sel", [][]string{{`A=A*B`}}, [][]string{{`A=axb`}, {`A=a\*b`}}},
		{"escaped backslash before a wildcard", `sel: {A: 'a\\*'}` + "\ncondition: sel", [][]string{{`A=a\`}, {`A=a\b`}}, [][]string{{`A=a*`}}},
		{"escaped backslash and wildcard", `sel: {A: 'a\\\*'}` + "\ncondition: sel", [][]string{{`A=a\*`}}, [][]string{{`A=a\b`}}},
		{"two backslashes", `sel: {A: '\\\\srv'}` + "\ncondition: sel", [][]string{{`A=\\srv`}}, [][]string{{`A=\srv`}}},
		{"map is and, list is or", "sel:\n  A: [x, y]\n  B: z\ncondition: sel",
			[][]string{{"A=x", "B=z"}, {"A=Y", "B=Z"}}, [][]string{{"A=x"}, {"B=z"}, {"A=z", "B=z"}}},
		{"list of maps is or", "sel:\n  - A: x\n  - B: y\n    C: z\ncondition: sel", [][]string{{"A=x"}, {"B=y", "C=z"}}, [][]string{{"B=y"}, {"C=z"}}},
		{"keywords anywhere", "keywords: [mimikatz, 'sek*lsa']\ncondition: keywords", [][]string{{"A=run MimiKatz now"}, {"A=1", "B=sekurlsa::x"}}, [][]string{{"A=mimi"}, {"A=mimi", "B=katz"}, {"mimikatz=1"}}},
		{"all keywords", "keywords:\n  '|all': [one, two]\ncondition: keywords", [][]string{{"A=one two"}, {"A=one", "B=TWO"}}, [][]string{{"A=one"}}},
		{"number keyword", "keywords: [4625]\ncondition: keywords", [][]string{{"A=id 4625"}}, [][]string{{"A=462"}}},
		{"null is absent or null", "sel: {A: null}\ncondition: sel", [][]string{{"A"}, {"B=x"}}, [][]string{{"A="}, {"A=x"}}},
		{"an empty list is null", "sel: {A: []}\ncondition: sel", [][]string{{"A"}, {"B=x"}}, [][]string{{"A="}}},
		{"empty is empty", "sel: {A: ''}\ncondition: sel", [][]string{{"A="}}, [][]string{{"A"}, {"B=x"}, {"A=x"}}},
		{"null among values", "sel: {A: [null, x]}\ncondition: sel", [][]string{{"A"}, {"A=x"}, {"B=1"}}, [][]string{{"A=y"}}},
		{"star needs a value", "sel: {A: '*'}\ncondition: sel", [][]string{{"A="}, {"A=x"}}, [][]string{{"A"}, {"B=x"}}},
		{"exists", "sel: {A|exists: true}\ncondition: sel", [][]string{{"A"}, {"A="}, {"A=x"}}, [][]string{{"B=x"}}},
		{"exists not", "sel: {A|exists: false}\ncondition: sel", [][]string{{"B=x"}}, [][]string{{"A"}, {"A="}, {"A=x"}}},
		{"number meets text", "sel: {A: 10}\ncondition: sel", [][]string{{"A=10"}, {"A=0xa"}, {"A=010"}}, [][]string{{"A=100"}, {"A=x10"}, {"A"}}},
		{"text meets text only", "sel: {A: '10'}\ncondition: sel", [][]string{{"A=10"}}, [][]string{{"A=0xa"}}},
		{"truth value", "sel: {A: true}\ncondition: sel", [][]string{{"A=true"}, {"A=True"}}, [][]string{{"A=1"}, {"A=false"}}},
		{"comparisons", "sel: {A|gte: 5, B|lt: 3.5}\ncondition: sel", [][]string{{"A=5", "B=3"}, {"A=0x10", "B=-1"}}, [][]string{{"A=4", "B=3"}, {"A=5", "B=3.5"}, {"A=x", "B=1"}}},
		{"gt and lte", "sel: {A|gt: 5, B|lte: 3}\ncondition: sel", [][]string{{"A=6", "B=3"}}, [][]string{{"A=5", "B=3"}, {"A=6", "B=4"}}},
		{"startswith", "sel: {A|startswith: ab}\ncondition: sel", [][]string{{"A=ABc"}, {"A=ab"}}, [][]string{{"A=xab"}, {"A=a"}}},
		{"endswith", "sel: {A|endswith: ['.exe', 'x?z']}\ncondition: sel", [][]string{{"A=a.EXE"}, {"A=..xyz"}}, [][]string{{"A=.exe1"}}},
		{"contains all", "sel: {A|contains|all: [one, two]}\ncondition: sel", [][]string{{"A=two one"}}, [][]string{{"A=one"}}},
		{"contains any", "sel: {A|contains: [one, two]}\ncondition: sel", [][]string{{"A=xTWOx"}}, [][]string{{"A=on"}}},
		{"contains nothing", "sel: {A|contains: ''}\ncondition: sel", [][]string{{"A="}, {"A=x"}}, [][]string{{"A"}}},
		{"cased", "sel: {A|contains|cased: Foo}\ncondition: sel", [][]string{{"A=xFoox"}}, [][]string{{"A=xfoox"}, {"A=FOO"}}},
		{"neq", "sel: {A|neq: [x, y]}\ncondition: sel", [][]string{{"A=z"}, {"A"}, {"B=1"}}, [][]string{{"A=X"}, {"A=y"}}},
		{"neq contains all", "sel: {A|contains|all|neq: [x, y]}\ncondition: sel", [][]string{{"A=x"}, {"A=q"}}, [][]string{{"A=yx"}}},
		{"windash", "sel: {A|contains|windash: ' -foo /bar'}\ncondition: sel",
			[][]string{{"A=x /foo -bar"}, {"A=x \u2013foo \u2015bar"}, {"A=x \u2014FOO /bar"}}, [][]string{{"A=x foo bar"}, {"A=x +foo /bar"}}},
		{"windash leaves inner dashes", "sel: {A|windash: '-a-b'}\ncondition: sel", [][]string{{"A=/a-b"}}, [][]string{{"A=/a/b"}}},
		{"re", "sel: {A|re: 'fo+b[ai]r$'}\ncondition: sel", [][]string{{"A=xfoobar"}}, [][]string{{"A=fooBar"}, {"A=foobarx"}}},
		{"re i", "sel: {A|re|i: '^FO+'}\ncondition: sel", [][]string{{"A=foo"}}, [][]string{{"A=xfoo"}}},
		{"re m", "sel: {A|re|m: '^two$'}\ncondition: sel", [][]string{{"A=one\ntwo\nthree"}}, [][]string{{"A=one two"}}},
		{"re s", "sel: {A|re|s: 'one.two'}\ncondition: sel", [][]string{{"A=one\ntwo"}}, [][]string{{"A=one\n\ntwo"}}},
		{"re without s", "sel: {A|re: 'one.two'}\ncondition: sel", [][]string{{"A=one two"}}, [][]string{{"A=one\ntwo"}}},
		{"re of a length", "sel: {A|re: '.{5,}'}\ncondition: sel", [][]string{{"A=12345"}, {"A=1\näöüßx"}}, [][]string{{"A=1234"}, {"A=123\n456"}}},
		{"base64", "sel: {A|base64|contains: 'foobar'}\ncondition: sel", [][]string{{"A=x Zm9vYmFy y"}}, [][]string{{"A=foobar"}}},
		{"base64offset", "sel: {A|base64offset|contains: 'foobar'}\ncondition: sel", [][]string{{"A=Zm9vYmFy"}, {"A=eGZvb2Jhcg=="}, {"A=eHhmb29iYXI="}}, [][]string{{"A=eHh4"}}},
		{"wide base64offset", "sel: {A|wide|base64offset|contains: 'http'}\ncondition: sel", [][]string{{"A=aAB0AHQAcAA="}, {"A=eABoAHQAdABwAA=="}}, [][]string{{"A=aHR0cA=="}}},
		{"utf16 has a byte order mark", "sel: {A|utf16|base64: 'a'}\ncondition: sel", [][]string{{"A=//5hAA=="}}, [][]string{{"A=YQA="}}},
		{"utf16be", "sel: {A|utf16be|base64: 'ab'}\ncondition: sel", [][]string{{"A=AGEAYg=="}}, [][]string{{"A=YQBiAA=="}}},
		{"cidr", "sel: {A|cidr: [10.0.0.0/8, 'fe80::/10']}\ncondition: sel", [][]string{{"A=10.1.2.3"}, {"A=fe80::1"}, {"A=FE80::1%eth0"}, {"A=::ffff:10.0.0.1"}}, [][]string{{"A=11.0.0.1"}, {"A=10.1"}, {"A=-"}, {"A=2001:db8::1"}}},
		{"time parts", "sel: {A|hour: 14, A|month: 8, A|year: 2020, A|day: 7, A|minute: 32, A|week: 32}\ncondition: sel", [][]string{{"A=2020-08-07T14:32:07Z"}, {"A=2020-08-07 14:32:07.123"}}, [][]string{{"A=2020-08-07T15:32:07Z"}, {"A=x"}}},
		{"time part compared", "sel: {A|hour|gte: 20}\ncondition: sel", [][]string{{"A=2020-08-07 21:00:00"}}, [][]string{{"A=2020-08-07 09:00:00"}}},
		{"fieldref", "sel: {A|fieldref: B}\ncondition: sel", [][]string{{"A=x", "B=X"}}, [][]string{{"A=x", "B=y"}, {"A=x"}, {"C=1"}}},
		{"fieldref endswith", "sel: {A|fieldref|endswith: B}\ncondition: sel", [][]string{{"A=c:\\x.exe", "B=x.EXE"}}, [][]string{{"A=x.exe", "B=c:\\x.exe"}}},
		{"fieldref startswith and contains", "sel: {A|fieldref|startswith: B, C|fieldref|contains: B}\ncondition: sel", [][]string{{"A=xyz", "B=x", "C=axb"}}, [][]string{{"A=zx", "B=x", "C=axb"}}},
		{"fieldref neq", "sel: {A|fieldref|neq: B}\ncondition: sel", [][]string{{"A=x", "B=y"}, {"A=x"}}, [][]string{{"A=x", "B=X"}}},
		{"expand", "sel: {A|expand: '%admins%@x'}\ncondition: sel", [][]string{{"A=alice@x"}, {"A=bobby@x"}}, [][]string{{"A=carol@x"}}},
		{"contains expand", "sel: {A|contains|expand: '%dc%'}\ncondition: sel", [][]string{{"A=x dc01 y"}}, [][]string{{"A=dc02"}}},
		{"lists: any element, negation after", "sel: {A: x}\ncondition: sel", [][]string{{"A=y", "A=x"}}, [][]string{{"A=y", "A=z"}}},
		{"lists: not any element", "sel: {A: x}\nall: {B: 1}\ncondition: all and not sel", [][]string{{"A=y", "A=z", "B=1"}}, [][]string{{"A=y", "A=x", "B=1"}}},
		{"lists: all is for each value", "sel: {A|contains|all: [x, y]}\ncondition: sel", [][]string{{"A=x", "A=y"}}, [][]string{{"A=x", "A=z"}}},
		{"and before or", "a: {A: 1}\nb: {B: 1}\nc: {C: 1}\ncondition: a or b and c", [][]string{{"A=1"}, {"B=1", "C=1"}}, [][]string{{"B=1"}, {"C=1"}}},
		{"not before and", "a: {A: 1}\nb: {B: 1}\ncondition: not a and b", [][]string{{"B=1"}}, [][]string{{"A=1", "B=1"}, {"C=1"}}},
		{"parentheses", "a: {A: 1}\nb: {B: 1}\nc: {C: 1}\ncondition: (a or b) and c", [][]string{{"A=1", "C=1"}}, [][]string{{"A=1"}}},
		{"of binds most", "sel_a: {A: 1}\nsel_b: {B: 1}\nc: {C: 1}\ncondition: not 1 of sel_* and c", [][]string{{"C=1"}}, [][]string{{"A=1", "C=1"}, {"B=1", "C=1"}}},
		{"all of pattern", "sel_a: {A: 1}\nsel_b: {B: 1}\nc: {C: 1}\ncondition: all of sel*", [][]string{{"A=1", "B=1"}}, [][]string{{"A=1", "C=1"}}},
		{"wildcard in front", "a_sel: {A: 1}\nb_sel: {B: 1}\nc: {C: 1}\ncondition: any of *_sel", [][]string{{"B=1"}}, [][]string{{"C=1"}}},
		{"them leaves out underscores", "a: {A: 1}\n_b: {B: 1}\ncondition: 1 of them", [][]string{{"A=1"}}, [][]string{{"B=1"}}},
		{"all of them", "a: {A: 1}\nb: {B: 1}\n_c: {C: 1}\ncondition: all of them", [][]string{{"A=1", "B=1"}}, [][]string{{"A=1", "C=1"}}},
		{"underscore asked for", "a: {A: 1}\n_b1: {B: 1}\ncondition: 1 of _b*", [][]string{{"B=1"}}, [][]string{{"A=1"}}},
		{"list of conditions is or", "a: {A: 1}\nb: {B: 1}\ncondition: [a, b]", [][]string{{"A=1"}, {"B=1"}}, [][]string{{"C=1"}}},
		{"only an exclusion", "a: {A: 1}\ncondition: not a", [][]string{{"A=2"}, {"B=1"}}, [][]string{{"A=1"}}},
		{"Kelvin sign is k", "a: {A|contains: 'task'}\ncondition: a", [][]string{{"A=tas\u212a"}, {"A=ta\u017fk!"}}, [][]string{{"A=tas"}}},
		{"not UTF-8", "a: {A|contains: 'bcd'}\ncondition: a", [][]string{{"A=\xffBCD\xfe"}}, [][]string{{"A=b\xffcd"}}},
		{"one field, twice", "a: {A|contains: foo, A|endswith: bar}\ncondition: a", [][]string{{"A=foo bar"}}, [][]string{{"A=foo"}, {"A=bar"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := setOf(t, ruleOf(c.detection), Options{Placeholders: placeholders})
			var want []string
			for i := range c.hit {
				want = append(want, fmt.Sprintf("%d:r", i))
			}
			b := batchOf(processCreation, append(slices.Clone(c.hit), c.miss...)...)
			if got := scanAll(t, s, b); !slices.Equal(got, want) {
				t.Errorf("hits %v, want %v", got, want)
			}
			// Alone in a batch, where columns are missing and dictionaries small.
			for i, row := range append(slices.Clone(c.hit), c.miss...) {
				if got := scanAll(t, s, batchOf(processCreation, row)); (len(got) == 1) != (i < len(c.hit)) {
					t.Errorf("%q alone: %v", row, got)
				}
			}
		})
	}
}

func TestRejectedRules(t *testing.T) {
	for detection, reason := range map[string]string{
		"sel: {A|sounds_like: x}\ncondition: sel":                                                `unknown modifier "sounds_like"`,
		"sel: {A|contains|re: x}\ncondition: sel":                                                "put it first",
		"sel: {A|re: '(?=x)'}\ncondition: sel":                                                   "lookahead",
		"sel: {A|re: '(a)\\1'}\ncondition: sel":                                                  "cannot be run exactly",
		"sel: {A|re: 'a++'}\ncondition: sel":                                                     "cannot be run exactly",
		"sel: {A|re: '(?>a)'}\ncondition: sel":                                                   "atomic group",
		"sel: {A|re: 'x{1001}'}\ncondition: sel":                                                 "cannot be run exactly",
		"sel: {A|re|startswith: 'x'}\ncondition: sel":                                            "write ^ or $",
		"sel: {A|i: 'x'}\ncondition: sel":                                                        "belongs to re",
		"sel: {A|lt: 'x'}\ncondition: sel":                                                       "compares with a number",
		"sel: {A|lt: '5'}\ncondition: sel":                                                       "compares with a number",
		"sel: {A|cidr: '10.0.0.1/8'}\ncondition: sel":                                            "write 10.0.0.0/8",
		"sel: {A|cidr: 'x'}\ncondition: sel":                                                     "is not a network",
		"sel: {A|exists: 'x'}\ncondition: sel":                                                   "true or false",
		"sel: {A|base64: 'x*'}\ncondition: sel":                                                  "cannot encode wildcards",
		"sel: {A|contains|base64: 'x'}\ncondition: sel":                                          "cannot encode wildcards",
		"sel: {A|wide: 'ä'}\ncondition: sel":                                                     "follow it with base64",
		"sel: {A|expand: '%nobody%'}\ncondition: sel":                                            "placeholder %nobody%",
		"sel: {A|startswith|fieldref: B}\ncondition: sel":                                        "goes before startswith",
		"sel: {A|contains: null}\ncondition: sel":                                                "cannot apply to null",
		"sel: {A|windash: '-a -b -c -d -e -f -g'}\ncondition: sel":                               "more than 20000",
		"sel: {A|hour: x}\ncondition: sel":                                                       "whole number",
		"sel: {A|: x}\ncondition: sel":                                                           "empty modifier",
		"keywords: ['']\ncondition: keywords":                                                    "empty keyword",
		"keywords: [null]\ncondition: keywords":                                                  "null is no keyword",
		"sel: {A: x}\ncondition: sel | count() > 5":                                              "write a correlation",
		"sel: {A: x}\ncondition: other":                                                          "not a selection",
		"sel: {A: x}\ncondition: 1 of other*":                                                    "there are none",
		"sel: {A: x}\ncondition: 2 of sel*":                                                      "quantifier",
		"sel: {A: x}\ncondition: sel*":                                                           "write 1 of sel*",
		"sel: {A: x}\ncondition: sel and":                                                        "ends where",
		"sel: {A: x}\ncondition: (sel":                                                           "not closed",
		"sel: {A: x}\ncondition: sel sel":                                                        "follows a complete condition",
		"sel: {A: x}\ncondition: sel and ) sel":                                                  "stands where",
		"sel: {A: {B: x}}\ncondition: sel":                                                       "is a map",
		"sel: {}\ncondition: sel":                                                                "is empty",
		"sel: []\ncondition: sel":                                                                "empty list",
		"sel: {A: x}":                                                                            "no condition",
		"condition: sel":                                                                         "no selection",
		"sel: {A: x, A: y}\ncondition: sel":                                                      "occurs twice",
		"sel: {A: x}\ncondition: " + strings.Repeat("(", 100) + "sel" + strings.Repeat(")", 100): "nested more than",
	} {
		s, rejected := Compile(Parse("bad.yml", []byte(ruleOf(detection))), Options{})
		if len(rejected) != 1 || s.Len() != 0 {
			t.Errorf("%s: %d rejected", detection, len(rejected))
			continue
		}
		if r := rejected[0]; !strings.Contains(r.Reason, reason) || r.Place.File != "bad.yml" || r.Place.Line < 1 {
			t.Errorf("%s: %v, want %q with file and line", detection, r, reason)
		}
	}
}

func TestTypedColumns(t *testing.T) {
	s := setOf(t, ruleOf("a: {ProcessId: 4}\nb: {Ids: '0x4'}\nc: {When|hour: 1}\nd: {Src|cidr: 10.0.0.0/8}\ncondition: 1 of them"), Options{})
	column := func(d *event.Dict) *event.Column {
		return &event.Column{Dict: d, Codes: []event.Code{event.ValueCode(0)}}
	}
	for name, d := range map[string]*event.Dict{
		"ProcessId": {Kind: event.Hex64, Nums: []uint64{4}},
		"Ids":       {Kind: event.Hex32, Nums: []uint64{4}},
		"When":      {Kind: event.Time, Nums: []uint64{3600e9}},
		"Src":       {Kind: event.IP, Bytes: []byte{10, 1, 1, 1}, Ends: []uint32{4}},
	} {
		b := &event.Batch{Schema: event.NewSchema(processCreation, []string{name}), Rows: 1, Cols: []*event.Column{column(d)}, Time: []int64{0}}
		if got := scanAll(t, s, b); len(got) != 1 {
			t.Errorf("%s: %v", name, got)
		}
		b.Cols[0].Const = true
		if got := scanAll(t, s, b); len(got) != 1 {
			t.Errorf("constant %s: %v", name, got)
		}
	}
}

func TestExplain(t *testing.T) {
	s := setOf(t, ruleOf("sel:\n  Image|endswith: \\cmd.exe\n  CommandLine|contains|all: [one, two]\nalt: {User: bob}\nno: {User: eve}\nkw: [nothing]\ncondition: (sel or alt or kw) and not no"), Options{})
	b := batchOf(processCreation, []string{`Image=C:\cmd.exe`, "CommandLine=one two", "User=bob"}, []string{"User=Bob"})
	scan := s.Scanner()
	if got := fmt.Sprint(scan.Explain(b, 0, 0)); got != `[{Image C:\cmd.exe} {CommandLine one two} {User bob}]` {
		t.Error(got)
	}
	if got := fmt.Sprint(scan.Explain(b, 1, 0)); got != `[{User Bob}]` {
		t.Error(got)
	}
}

func TestLegacyCollections(t *testing.T) {
	text := `action: global
title: both
id: g
logsource: {product: windows, service: security}
---
detection:
  sel: {EventID: 1}
  condition: sel
---
action: repeat
detection:
  sel: {EventID: 2}
---
action: reset
---
title: alone
logsource: {product: windows, service: system}
detection: {sel: {EventID: 3}, condition: sel}
`
	c := Parse("x.yml", []byte(text))
	if len(c.Rejected) > 0 || len(c.Rules) != 3 {
		t.Fatalf("%v %d", c.Rejected, len(c.Rules))
	}
	var got []string
	for _, r := range c.Rules {
		got = append(got, fmt.Sprint(r.Title, r.Logsource.Service, r.Selections[0].Items[0].Values[0].Text, r.Place.Line))
	}
	if s := strings.Join(got, " "); s != "bothsecurity16 bothsecurity210 alonesystem316" {
		t.Error(s)
	}
}

// TestLongValues: values beyond longValue find their witnesses by another way than short ones.
func TestLongValues(t *testing.T) {
	var rules, want []string
	body := "x" + strings.Repeat("0123456789", longValue/5) + "Ünd"
	for i, item := range []string{"A|startswith: foo-one", "A|endswith: ' bar-two'", "A|contains: x01234567890", "A|contains|cased: Ünd", "A|re: 'x0+1+2+34567'", "A|contains: x0123x", "A|endswith: foo-one", "A|startswith: ' bar-two'"} {
		rules = append(rules, fmt.Sprintf("title: t\nid: r%d\nlogsource: {product: windows, category: process_creation}\ndetection: {sel: {%s}, condition: sel}\n", i, item))
		if i < 5 {
			want = append(want, fmt.Sprintf("0:r%d", i))
		}
	}
	s := setOf(t, strings.Join(rules, "---\n"), Options{})
	if got := scanAll(t, s, batchOf(processCreation, []string{"A=foo-one " + body + " bar-two"}, []string{"A=" + strings.Repeat("y", 2*longValue)})); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
