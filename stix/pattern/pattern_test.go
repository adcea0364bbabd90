package pattern

import (
	"reflect"
	"strings"
	"testing"
)

// accepted are patterns of every construct of the grammar; the second text is what they print as.
var accepted = [][2]string{
	{"[ipv4-addr:value = '198.51.100.1']", ""},
	{"[a:b == 1]", "[a:b = 1]"},
	{"[a:b <> 1]", "[a:b != 1]"},
	{"[a:b NOT = 1 AND a:c NOT IN ()]", ""},
	{"[a:b<1 OR a:b<=2 OR a:b>3 OR a:b>=4.5]", "[a:b < 1 OR a:b <= 2 OR a:b > 3 OR a:b >= 4.5]"},
	{"[a:b IN ('x', 2, 3.0, true, h'00ff', b'AAE=', t'2020-01-01T00:00:00Z')]", ""},
	{"[a:b LIKE 'x%' OR a:b MATCHES '^\\\\d+$']", ""},
	{"[a:b ISSUBSET '10.0.0.0/8' AND a:c NOT ISSUPERSET '::/0']", ""},
	{"[EXISTS a:b OR NOT EXISTS a:c.d]", ""},
	{"[file:hashes.'SHA-256' = 'it\\'s \\\\ here']", ""},
	{"[file:hashes.'MD5' = 'x']", "[file:hashes.MD5 = 'x']"},
	{"[a:'first one'.x[0].y[*].z[-1][2] = false]", ""},
	{"[a:b = -1 AND a:c = +2 AND a:d = -.5]", "[a:b = -1 AND a:c = 2 AND a:d = -0.5]"},
	{"[a:b = 1 AND a:c = 2 OR a:d = 3]", "[(a:b = 1 AND a:c = 2) OR a:d = 3]"},
	{"[a:b = 1 AND (a:c = 2 OR a:d = 3)]", ""},
	{"[a:b = 1] AND [a:c = 2] OR [a:d = 3] FOLLOWEDBY [a:e = 4]", "(([a:b = 1] AND [a:c = 2]) OR [a:d = 3]) FOLLOWEDBY [a:e = 4]"},
	{"([a:b = 1] OR [a:c = 2]) WITHIN 5 SECONDS", ""},
	{"[a:b = 1] REPEATS 3 TIMES WITHIN 0.5 SECONDS", ""},
	{"[a:b = 1] START t'2020-01-01T00:00:00Z' STOP t'2020-01-02T00:00:00.25Z'", ""},
	{"[a:b /* why */ = 1] // end", "[a:b = 1]"},
	{" [ a : b = 1 ] ", "[a:b = 1]"},
	{"[x-custom-obj:x_prop = 't']", ""},
	{"[a:h = h'']", ""},
	{"[a:'AND' = 1]", ""},
}

func TestParsePrintsBack(t *testing.T) {
	for _, c := range accepted {
		want := c[1]
		if want == "" {
			want = c[0]
		}
		e, err := Parse(c[0])
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		if got := e.String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, want)
		}
		again, err := Parse(e.String())
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("%s does not read back as the same tree: %v", e, err)
		}
	}
}

var rejected = []string{
	"", "[", "[]", "[a:b]", "[a:b = ]", "[a:b = 1", "a:b = 1", "[a = 1]", "[a: = 1]", "[:b = 1]", "[a:b = 'x]",
	`[a:b = 'x\n']`, "[a:b = \"x\"]", "[a:b = h'0']", "[a:b = b'?']", "[a:b = t'2020-01-01']", "[a:b = t'2020-13-01T00:00:00Z']",
	"[a:b = 01]", "[a:b = 1.]", "[a:b = --1]", "[a:b > true]", "[a:b LIKE 1]", "[a:b IN ('x',)]", "[a:b IN 'x']",
	"[a:b-c = 1]", "[a:AND = 1]", "[AND:b = 1]", "[a:b = 1] WITHIN -1 SECONDS", "[a:b = 1] WITHIN 0 SECONDS", "[a:b = 1] WITHIN 0.0 SECONDS", "[a:b = 1] WITHIN 5", "[a:b = 1] REPEATS 0 TIMES",
	"[a:b = 1] REPEATS 2.5 TIMES", "[a:b = 1] START t'2020-01-02T00:00:00Z' STOP t'2020-01-01T00:00:00Z'",
	"[a:b = 1] AND", "[a:b = 1] [a:c = 2]", "([a:b = 1]", "[a:b = 1]]", "[NOT a:b = 1]", "[a:b EXISTS]", "[a:b = 1 FOLLOWEDBY a:c = 2]",
	"[a:b = 1] and [a:c = 2]", "[a:b = 1 /* ]", "[a:b[x] = 1]", "[a:b[1.5] = 1]", "[a:b = 99999999999999999999]", "[a:[0] = 1]", "[a:b = \x80]",
	"[a:b = " + strings.Repeat("(", 10) + "1]", strings.Repeat("(", MaxDepth+2) + "[a:b = 1]" + strings.Repeat(")", MaxDepth+2),
	"[" + strings.Repeat("(", MaxDepth+2) + "a:b = 1" + strings.Repeat(")", MaxDepth+2) + "]",
}

func TestParseRefuses(t *testing.T) {
	for _, text := range rejected {
		if e, err := Parse(text); err == nil {
			t.Errorf("%.80s is accepted as %s", text, e)
		} else if _, ok := err.(*SyntaxError); !ok {
			t.Errorf("%.80s: %T is not a *SyntaxError", text, err)
		}
	}
}

func TestTestsInOrder(t *testing.T) {
	e, err := Parse("([a:b = 1 AND (a:c = 2 OR a:d = 3)] OR [a:e = 4]) WITHIN 1 SECONDS")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range Tests(e) {
		got = append(got, c.Path.String())
	}
	if s := strings.Join(got, " "); s != "a:b a:c a:d a:e" {
		t.Error(s)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range accepted {
		f.Add(c[0])
	}
	for _, c := range rejected {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(e.String())
		if err != nil {
			t.Fatalf("%q prints as %q, which is refused: %v", text, e, err)
		}
		if again.String() != e.String() {
			t.Fatalf("%q prints as %q, then as %q", text, e, again)
		}
	})
}

func TestWhatAPatternMeansOnlyTogether(t *testing.T) {
	for text, want := range map[string]string{
		"[domain-name:value = 'a']":                                                            "a",
		"[domain-name:value = 'a' OR domain-name:value = 'b']":                                 "a b",
		"[domain-name:value = 'a'] OR [ipv4-addr:value = 'b']":                                 "a b",
		"[domain-name:value = 'a'] AND [ipv4-addr:value = 'b']":                                "+a +b",
		"[domain-name:value = 'a'] FOLLOWEDBY [ipv4-addr:value = 'b']":                         "+a +b",
		"([domain-name:value = 'a'] AND [ipv4-addr:value = 'b']) OR [url:value = 'c']":         "+a +b c",
		"[file:hashes.MD5 = 'a' AND file:name = 'b']":                                          "a +b",
		"[file:hashes.MD5 = 'a' AND (file:name = 'b' OR file:name = 'c')]":                     "a +b +c",
		"[file:hashes.MD5 = 'a'] AND [file:name = 'b']":                                        "+a +b",
		"[network-traffic:dst_ref.value = 'a' AND network-traffic:dst_port = 443]":             "+a +",
		"[domain-name:value = 'a'] REPEATS 5 TIMES":                                            "+a",
		"[domain-name:value = 'a'] REPEATS 1 TIMES WITHIN 60 SECONDS":                          "a",
		"[domain-name:value = 'a'] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'": "a",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		var got []string
		Each(e, func(x *Test, together bool) {
			if together {
				got = append(got, "+"+x.Value.Text)
			} else {
				got = append(got, x.Value.Text)
			}
		})
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
