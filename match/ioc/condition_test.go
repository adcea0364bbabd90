package ioc

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/stix/pattern"
)

// TestComparisonsWithFields says for each operator and kind of literal which values of a field fulfil it. What cannot be compared, and
// what is not there, fulfils nothing, negated or not.
func TestComparisonsWithFields(t *testing.T) {
	sha := "0123456789abcdef0123456789abcdef01234567"
	for _, c := range []struct {
		test    string
		yes, no []string
	}{
		{"network-traffic:dst_port = 443", []string{"443", "443.0", "0x1bb"}, []string{"80", "https", "", "-", "4430"}},
		{"network-traffic:dst_port != 443", []string{"80"}, []string{"443", "https", ""}},
		{"network-traffic:dst_port NOT = 443", []string{"80"}, []string{"443", "https", ""}},
		{"network-traffic:dst_port NOT != 443", []string{"443"}, []string{"80"}},
		{"network-traffic:src_port < 1024", []string{"1023", "-1"}, []string{"1024", "x"}},
		{"network-traffic:src_port <= 1024", []string{"1024"}, []string{"1025"}},
		{"network-traffic:src_byte_count > 1.5", []string{"2", "1e3"}, []string{"1.5", "NaN"}},
		{"network-traffic:src_byte_count >= 2", []string{"2", "2.5"}, []string{"1.9"}},
		{"network-traffic:src_port NOT > 1024", []string{"80"}, []string{"2000", "x"}},
		{"network-traffic:dst_port IN (1, 2)", []string{"1", "2"}, []string{"3"}},
		{"network-traffic:dst_port NOT IN (1, 2)", []string{"3"}, []string{"1", "2", "x"}},
		{"process:name != 'Evil.exe'", []string{`C:\x\good.exe`, "good"}, []string{`C:\x\EVIL.EXE`, "evil.exe"}},
		{"file:parent_directory_ref.path != 'C:\\\\Windows'", []string{`C:\x\a.exe`}, []string{`c:\windows\a.exe`, "a.exe"}},
		{"process:command_line NOT LIKE '%-k net_vcs%'", []string{"svchost.exe"}, []string{"svchost.exe -k netsvcs"}},
		{"process:command_line NOT MATCHES '^svc.*-k'", []string{"other"}, []string{"svchost -k"}},
		{"process:command_line > 'b'", []string{"c", "ba"}, []string{"a", "b"}},
		{"network-traffic:dst_ref.value NOT ISSUBSET '10.0.0.0/8'", []string{"203.0.113.7", "2001:db8::1"}, []string{"10.1.2.3", "::ffff:10.1.2.3", "host"}},
		{"file:hashes.'SHA-1' != '" + sha + "'", []string{"SHA1=FF23456789ABCDEF0123456789ABCDEF01234567,MD5=0123456789ABCDEF0123456789ABCDEF"}, []string{"SHA1=" + sha, "MD5=0123456789ABCDEF0123456789ABCDEF"}},
		{"x509-certificate:validity_not_after < t'2021-01-01T00:00:00Z'", []string{"2020-12-31T23:59:59Z", "1600000000.5"}, []string{"2021-01-01T00:00:00Z", "never"}},
		{"EXISTS process:cwd", []string{"x"}, []string{"", "-"}},
	} {
		e, err := pattern.Parse("[" + c.test + "]")
		if err != nil {
			t.Fatalf("%s: %v", c.test, err)
		}
		x, err := newCondition(e.(*pattern.Observation).Test.(*pattern.Test))
		if err != nil {
			t.Fatalf("%s: %v", c.test, err)
		}
		for i, v := range append(slices.Clone(c.yes), c.no...) {
			if got := x.holds(v); got != (i < len(c.yes)) {
				t.Errorf("%s holds of %q: %v", c.test, v, got)
			}
		}
	}
}

func TestConditionsBesideTermsAndAlone(t *testing.T) {
	rows := []map[string]string{{"dst_ip": "203.0.113.7", "dst_port": "8443"}, {"dst_ip": "203.0.113.7", "dst_port": "443"}, {"dst_ip": "198.51.100.1", "dst_port": "8443"}, {"dst_ip": "203.0.113.7"}}
	for _, c := range []struct {
		pattern string
		want    []string
	}{
		{"[network-traffic:dst_ref.value = '203.0.113.7' AND network-traffic:dst_port = 8443]", []string{"0 compound (address 203.0.113.7 and network-traffic:dst_port = 8443) dst_ip=203.0.113.7 dst_port=8443"}},
		{"[network-traffic:dst_ref.value = '203.0.113.7' AND network-traffic:dst_port != 8443]", []string{"1 compound (address 203.0.113.7 and network-traffic:dst_port != 8443) dst_ip=203.0.113.7 dst_port=443"}},
		{"[network-traffic:dst_port > 8000]", []string{"0 compound network-traffic:dst_port > 8000 dst_port=8443", "2 compound network-traffic:dst_port > 8000 dst_port=8443"}},
	} {
		s := Compile(read(t, "b.json", pattern1(c.pattern)), Options{})
		expect(t, scan(t, s, batchOf(event.Source{}, rows...)), c.want...)
	}
}

// TestFieldsOfConditionsAreReadOfEveryRecord: a condition that stands alone has no text that makes a record suspect.
func TestFieldsOfConditionsAreReadOfEveryRecord(t *testing.T) {
	alone := Compile(read(t, "b.json", pattern1("[network-traffic:dst_port = 8443] AND [domain-name:value = 'evil.example']")), Options{}).Needs()
	if w := alone.Of(event.Source{}); !w.Names("id.resp_p") || w.Names("query") || !w.All || !w.Sifted {
		t.Errorf("wants %+v", w)
	}
	beside := Compile(read(t, "b.json", pattern1("[network-traffic:dst_port = 8443 AND domain-name:value = 'evil.example']")), Options{}).Needs()
	if w := beside.Of(event.Source{}); w.Names("id.resp_p") {
		t.Errorf("wants %+v", w)
	}
}

// naively says whether a row fulfils an expression, without index, dictionary or sifter.
func naively(e *Expression, row map[string]string) bool {
	holds := func(p *Expression) bool { return naively(p, row) }
	switch {
	case len(e.And) > 0:
		return !slices.ContainsFunc(e.And, func(p *Expression) bool { return !holds(p) })
	case len(e.Or) > 0:
		return slices.ContainsFunc(e.Or, holds)
	}
	for field, value := range row {
		if e.Condition == nil && naive(e.Term, value) || e.Condition != nil && slices.Contains(e.Condition.at.fields, field) && e.Condition.holds(value) {
			return true
		}
	}
	return false
}

// TestTermsAndConditionsAgreeWithTheReference makes expressions of both, asks them of rows, whole and sifted, and compares.
func TestTermsAndConditionsAgreeWithTheReference(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 5))
	tests := []string{"domain-name:value = 'evil.example'", "network-traffic:dst_ref.value = '203.0.113.7'", "network-traffic:dst_port = 443", "network-traffic:dst_port != 443", "network-traffic:dst_port > 1000",
		"domain-name:value != 'evil.example'", "network-traffic:dst_ref.value NOT ISSUBSET '203.0.113.0/24'", "file:name = 'evil.exe'", "EXISTS process:cwd"}
	values := map[string][]string{"query": {"", "evil.example", "www.evil.example", "good.example"}, "dst_ip": {"203.0.113.7", "198.51.100.9", "-"}, "dst_port": {"443", "8443", "80", ""}, "x": {"", `C:\evil.exe`, "evil.example"}, "cwd": {"", "/tmp"}}
	var say func(depth int) string
	say = func(depth int) string {
		if depth == 0 || r.IntN(3) == 0 {
			return tests[r.IntN(len(tests))]
		}
		return "(" + say(depth-1) + []string{" AND ", " OR "}[r.IntN(2)] + say(depth-1) + ")"
	}
	found := 0
	for range 400 {
		text := "[" + say(3) + "]"
		c := read(t, "b.json", pattern1(text))
		s := Compile(c, Options{})
		if s.Len() == 0 {
			continue
		}
		b, sift := event.NewBuilder(event.Source{}), newSifter(s)
		var rows []map[string]string
		for i := range 12 {
			row := map[string]string{}
			var whole []string
			b.Row(int64(i), uint64(i), uint64(i), nil)
			for _, field := range []string{"query", "dst_ip", "dst_port", "x", "cwd"} {
				row[field] = values[field][r.IntN(len(values[field]))]
				b.Text(b.Field(field), []byte(row[field]))
				whole = append(whole, row[field])
			}
			if sift.Suspects([]byte(strings.Join(whole, "\t"))) {
				b.Suspect()
			}
			rows = append(rows, row)
		}
		var want []string
		for i, row := range rows {
			for rule := range s.Len() {
				in := s.Rule(event.RuleIndex(rule))
				e := in.All
				if e == nil {
					e = &Expression{Term: in.Term}
				}
				if naively(e, row) {
					want = append(want, fmt.Sprint(i, " ", rule))
				}
			}
		}
		found += len(want)
		hits := func() (all []string) {
			if err := s.Scanner().Scan(b.Batch(), func(row int, rule event.RuleIndex) { all = append(all, fmt.Sprint(row, " ", rule)) }); err != nil {
				t.Fatal(err)
			}
			return all
		}
		expect(t, hits(), want...)
		b.Sift()
		expect(t, hits(), want...)
	}
	if found < 400 {
		t.Errorf("only %d rows matched: the test tests little", found)
	}
}

// FuzzPatterns reads any text as a STIX pattern and asks it of a row: what is taken must be compiled and asked without a fault, and what is
// not must be told.
func FuzzPatterns(f *testing.F) {
	for _, s := range []string{"[network-traffic:dst_port > 1 AND file:name != 'a']", "([domain-name:value = 'evil.example'] FOLLOWEDBY [process:command_line NOT MATCHES '(a|b)+$']) WITHIN 1.5 SECONDS REPEATS 2 TIMES",
		"[file:hashes.'MD5' = h'00'] OR [x509-certificate:validity_not_after < t'2020-01-01T00:00:00Z']", "[network-traffic:dst_ref.value ISSUBSET '::/1']"} {
		f.Add(s, "203.0.113.7")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		if strings.Count(text, "(") > 50 || len(text) > 1000 {
			return
		}
		c := &Collection{}
		c.Read("b.json", []byte(pattern1(text)))
		if len(c.Indicators) == 0 && len(c.Rejected) == 0 && json.Valid([]byte(pattern1(text))) {
			t.Fatalf("%q is neither taken nor refused", text)
		}
		s := Compile(c, Options{})
		b := batchOf(event.Source{}, map[string]string{"dst_ip": value, "dst_port": value, "Image": value, "Hashes": value})
		sc := s.Scanner()
		if err := sc.Scan(b, func(row int, rule event.RuleIndex) {
			if len(sc.Explain(b, row, rule)) == 0 {
				t.Fatalf("%q in %q is not explained", text, value)
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}
