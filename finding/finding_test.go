package finding

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

func TestLineRoundTrip(t *testing.T) {
	for _, f := range []*Finding{
		{Rule: &Rule{ID: "1", Kind: Sigma, Title: "t", Level: High, Author: "a", Tags: []string{"attack.t1003"}, Source: "windows//security"}, Org: "o", Time: 1598340000123456700,
			Host: "h\x1b", File: "a/b.evtx", Offset: 1 << 40, Record: 7, Recovered: true, SHA256: "ab",
			Matched: []event.Matched{{Field: "Image", Value: "C:\\x"}, {Field: "Data", Value: "1"}, {Field: "Data", Value: "2"}}, Event: []byte(`{"EventID":1}`)},
		{Rule: &Rule{ID: "2", Kind: Beacon, Level: NoLevel, Tags: []string{}}, Time: event.NoTime, Score: 0.75},
		{Rule: &Rule{ID: "3", Kind: Correlation, Level: Low, Tags: []string{}}, Time: 0, Refs: []Ref{{"f", 1}, {"g", 2}}},
	} {
		line, err := f.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasSuffix(line, []byte("}\n")) || bytes.Count(line, []byte("\n")) != 1 {
			t.Errorf("%q is not one line", line)
		}
		back, err := ParseJSON(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !reflect.DeepEqual(back, f) {
			t.Errorf("%+v\nbecame\n%+v", f, back)
		}
	}
}

func TestKeywordMatchesHaveAName(t *testing.T) {
	f := &Finding{Rule: &Rule{}, Matched: []event.Matched{{Value: "<b>"}}}
	line, err := f.AppendJSON(nil)
	if err != nil || !strings.Contains(string(line), `"matched":{"keywords":"\u003cb\u003e"}`) {
		t.Errorf("%s %v", line, err)
	}
}

func TestCompareIsTheOrderOfTheContract(t *testing.T) {
	r1, r2 := &Rule{ID: "1"}, &Rule{ID: "2"}
	want := []*Finding{
		{Rule: r2, Time: event.NoTime, File: "z"},
		{Rule: r1, Time: 1, File: "b", Record: 9},
		{Rule: r1, Time: 2, File: "a", Record: 10},
		{Rule: r1, Time: 2, File: "b", Record: 3},
		{Rule: r2, Time: 2, File: "b", Record: 3},
		{Rule: r2, Time: 2, File: "b", Record: 3, Org: "x"},
		{Rule: r1, Time: 2, File: "b", Record: 20},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Compare)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("place %d has %+v", i, got[i])
		}
	}
}

func TestLevels(t *testing.T) {
	for _, l := range []Level{Critical, High, Medium, Low, Informational, NoLevel} {
		if back, err := ParseLevel(strings.ToUpper(l.String())); err != nil || back != l {
			t.Errorf("%q is read as %v (%v)", l, back, err)
		}
	}
	if _, err := ParseLevel("grave"); err == nil {
		t.Error("an unknown level is no error")
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"kind":"sigma","rule_id":"1","level":"high","time":"2020-01-01T00:00:00Z","matched":{"a":["b","c"]}}`))
	f.Add([]byte(`{"matched":[{"a":1}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		parsed, err := ParseJSON(b)
		if err != nil {
			return
		}
		line, err := parsed.AppendJSON(nil)
		if err != nil {
			return // an event that is not JSON cannot come from a line, but a fuzzer's raw message can be null
		}
		if _, err := ParseJSON(line); err != nil {
			t.Errorf("%s cannot be read back: %v", line, err)
		}
	})
}
