package event

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestBuilderKeepsAbsentNullAndEmptyApart(t *testing.T) {
	b := NewBuilder(Source{Product: "zeek", Service: "conn"})
	b.Row(1, 0, 1, []byte("h1"))
	b.Text(b.Field("a"), []byte(""))
	b.Row(2, 10, 2, []byte("h1"))
	b.Null(b.Field("a"))
	b.Row(3, 20, 3, []byte("h2"))
	b.Text(b.Field("b"), []byte("x"))
	batch := b.Batch()
	a := batch.Column("a")
	if code := a.At(0)[0]; code == Absent || code == Null || a.Text(0) != "" {
		t.Errorf("empty value is code %d", code)
	}
	if a.At(1)[0] != Null || a.At(2)[0] != Absent {
		t.Errorf("null and absent are %v", a.Codes)
	}
	if got := batch.Column("b").At(0)[0]; got != Absent {
		t.Errorf("a field first met in row 2 is %d in row 0", got)
	}
	if batch.Column("c") != nil {
		t.Error("a column nobody filled exists")
	}
	if batch.Host.Text(0) != "h1" || batch.Host.Text(2) != "h2" {
		t.Error("hosts are lost")
	}
}

func TestBuilderMakesListsOfRepeatedFields(t *testing.T) {
	b := NewBuilder(Source{})
	for round := range 2 { // the second round after Reset must not remember the first
		f := b.Field("f")
		b.Row(1, 0, 1, nil)
		b.Text(f, []byte("one"))
		b.Row(2, 0, 2, nil)
		b.Row(3, 0, 3, nil)
		b.Text(f, []byte("two"))
		b.Text(f, []byte("three"))
		b.Row(4, 0, 4, nil)
		b.Row(5, 0, 5, nil)
		b.Null(f)
		c := b.Batch().Column("f")
		var got []string
		for row := range 5 {
			var vs []string
			for _, code := range c.At(row) {
				if i, ok := code.Value(); ok {
					vs = append(vs, string(c.Dict.Raw(i)))
				} else {
					vs = append(vs, fmt.Sprint(code))
				}
			}
			got = append(got, strings.Join(vs, ","))
		}
		if s := strings.Join(got, ";"); s != "one;0;two,three;;1" {
			t.Fatalf("round %d: %s", round, s)
		}
		b.Reset()
	}
}

func TestBuilderInternsManyValues(t *testing.T) {
	b := NewBuilder(Source{})
	f := b.Field("f")
	for i := range 5000 {
		b.Row(int64(i), 0, 0, nil)
		b.Text(f, fmt.Appendf(nil, "v%d", i%700))
	}
	c := b.Batch().Column("f")
	if c.Dict.Len() != 700 {
		t.Fatalf("%d distinct values, want 700", c.Dict.Len())
	}
	for i := range 5000 {
		if want := fmt.Sprintf("v%d", i%700); c.Text(i) != want {
			t.Fatalf("row %d is %q, want %q", i, c.Text(i), want)
		}
	}
}

func TestCanonicalText(t *testing.T) {
	number := func(k Kind, n uint64) string { return string(AppendNumber(nil, k, n)) }
	raw := func(k Kind, b ...byte) string { return string(AppendBytes(nil, k, b)) }
	for _, c := range []struct{ got, want string }{
		{number(Int, ^uint64(0)), "-1"},
		{number(Uint, 4688), "4688"},
		{number(Hex64, 0xC61D9), "0xc61d9"},
		{number(Hex32, 0), "0x0"},
		{number(Float, math.Float64bits(1.5)), "1.5"},
		{number(Bool, 1), "true"},
		{number(Time, 1598340000123456789), "2020-08-25T07:20:00.123456789Z"},
		{number(Time, 1<<63), ""},
		{raw(GUID, 0x5f, 0x38, 0x70, 0x57, 0x2a, 0xc2, 0xe0, 0x43, 0xbf, 0x4c, 6, 0xf5, 0x69, 0x8f, 0xfb, 0xd9), "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"},
		{raw(GUID, 1, 2), "0102"},
		{raw(SID, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0), "S-1-5-18"},
		{raw(SID, 1, 2, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0), "010200000000000512000000"},
		{raw(IP, 192, 0, 2, 1), "192.0.2.1"},
		{raw(Bytes, 0xde, 0xad), "DEAD"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestRecordJSON(t *testing.T) {
	var r Record
	r.Add("EventID", Uint, "1")
	r.Add("Data", Text, "<script>")
	r.AddNull("Correlation")
	r.Add("Data", Text, "b\xff")
	r.Add("Big", Uint, "18446744073709551615")
	r.Add("Ok", Bool, "true")
	got, err := json.Marshal(&r)
	want := `{"EventID":1,"Data":["\u003cscript\u003e","b` + "\uFFFD" + `"],"Correlation":null,"Big":"18446744073709551615","Ok":true}`
	if err != nil || string(got) != want {
		t.Errorf("%s (%v)\nwant %s", got, err, want)
	}
}

func TestSourceString(t *testing.T) {
	for want, s := range map[string]Source{
		"windows/Security/4688": {Product: "windows", Provider: "p", Channel: "Security", ID: 4688},
		"zeek/conn":             {Product: "zeek", Service: "conn"},
		"webserver":             {Category: "webserver"},
	} {
		if s.String() != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}

// TestCompactDependsOnTheRowsAlone fills a builder that has seen other fields and one that has not.
func TestCompactDependsOnTheRowsAlone(t *testing.T) {
	used := NewBuilder(Source{Product: "p"})
	used.Row(1, 0, 1, nil)
	used.Text(used.Field("z"), []byte("1"))
	used.Null(used.Field("m"))
	first := used.Compact().Schema
	used.Reset()
	fresh := NewBuilder(Source{Product: "p"})
	for _, b := range []*Builder{used, fresh} {
		b.Row(2, 5, 2, nil)
		b.Text(b.Field("m"), []byte("2"))
		b.Text(b.Field("a"), []byte("3"))
		batch := b.Compact()
		if got := fmt.Sprint(batch.Schema.Fields); got != "[a m]" || batch.Column("a").Text(0) != "3" || batch.Column("m").Text(0) != "2" {
			t.Errorf("columns %s", got)
		}
	}
	used.Reset()
	used.Row(1, 0, 1, nil)
	used.Text(used.Field("z"), nil)
	used.Text(used.Field("m"), nil)
	if used.Compact().Schema != first {
		t.Error("the same fields do not share a schema")
	}
}

func TestCanonicalKeywordsAndGUID(t *testing.T) {
	for text, want := range map[string]string{
		"0x8020000000000000": "0x8020000000000000", "0X00F": "0xf", "-1": "0xffffffffffffffff", "18446744073709551615": "0xffffffffffffffff",
		"Audit Success": "", "": "", "0x": "", "0xg": "",
	} {
		got, _, ok := CanonicalKeywords([]byte(text), nil)
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%q is %q, %v", text, got, ok)
		}
	}
	for text, want := range map[string]string{
		"5770385f-c22a-43e0-bf4c-06f5698ffbd9": "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}", "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}": "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
		"5770385f-c22a-43e0-bf4c-06f5698ffbdg": "", "5770385f+c22a-43e0-bf4c-06f5698ffbd9": "", "x": "",
	} {
		got, _, ok := CanonicalGUID([]byte(text), nil)
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%q is %q, %v", text, got, ok)
		}
	}
}
