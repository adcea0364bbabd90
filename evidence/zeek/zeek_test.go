package zeek

import (
	"bytes"
	"context"
	"io"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
)

type sink struct {
	rows   []map[string]string
	source []event.Source
	times  []int64
	damage []event.Damage
}

func (s *sink) Damage(d event.Damage) { s.damage = append(s.damage, d) }
func (s *sink) Batch(b *event.Batch) error {
	for row := range b.Rows {
		m := map[string]string{}
		for i, name := range b.Schema.Fields {
			for _, code := range b.Cols[i].At(row) {
				if v, ok := code.Value(); ok {
					m[name] += "[" + string(b.Cols[i].Dict.Raw(v)) + "]"
				}
			}
		}
		var rec event.Record
		if err := b.Fetch(row, &rec); err != nil {
			return err
		}
		fetched := map[string]string{}
		for _, f := range rec.Fields {
			if !f.Null { // a header can name a field twice, and one of the two be null
				fetched[f.Name] += "[" + f.Text + "]"
			}
		}
		for k, v := range m {
			if fetched[k] != v {
				panic("column " + k + " is " + v + ", fetched is " + fetched[k])
			}
		}
		s.rows = append(s.rows, m)
		s.source = append(s.source, b.Schema.Source)
		s.times = append(s.times, b.Time[row])
	}
	return nil
}

func readAll(t testing.TB, body io.Reader, needs event.Needs) *sink {
	t.Helper()
	st, err := Format{}.Open(event.File{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	d, out := Format{}.Decoder(), &sink{}
	for {
		seg, err := st.Next(context.Background())
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out.damage = append(out.damage, seg.Damage...)
		if err := d.Decode(seg, &needs, out); err != nil {
			t.Fatal(err)
		}
		seg.Release()
	}
}

const sample = `#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	http
#fields	ts	uid	host	tags	local	note
#types	time	string	string	set[enum]	bool	string
1517336042.090842	C1	www.example	a,b	T	tab\x09here \xff
1517336043	C2	-	(empty)	F	(empty)
#close	2019
#separator \x09
#path	dns
#fields	ts	query
1517336044.5	#tag.example
#not a directive
oops	x
`

func TestHeadersTypesAndEscapes(t *testing.T) {
	out := readAll(t, strings.NewReader(sample), event.Everything())
	want := []map[string]string{
		{"ts": "[1517336042.090842]", "uid": "[C1]", "host": "[www.example]", "tags": "[a][b]", "local": "[true]", "note": "[tab\there \uFFFD]"},
		{"ts": "[1517336043]", "uid": "[C2]", "local": "[false]", "note": "[]"},
		{"ts": "[1517336044.5]", "query": "[#tag.example]"},
		{"ts": "[#not a directive]"},
		{"ts": "[oops]", "query": "[x]"},
	}
	if len(out.rows) != len(want) {
		t.Fatalf("%d rows: %v", len(out.rows), out.rows)
	}
	for i := range want {
		if !maps.Equal(out.rows[i], want[i]) {
			t.Errorf("row %d: %v, want %v", i, out.rows[i], want[i])
		}
	}
	if out.times[0] != 1517336042090842000 || out.times[2] != 1517336044500000000 || out.times[4] != event.NoTime {
		t.Errorf("times %v", out.times)
	}
	if out.source[0].Service != "http" || out.source[2].Service != "dns" {
		t.Errorf("sources %v", out.source)
	}
	if len(out.damage) != 1 || out.damage[0].Offset != 335 || out.damage[0].Reason != `2 lines from here do not fit the header, the first: line 15: time "#not a directive" cannot be read` {
		t.Errorf("damage %v", out.damage)
	}
}

func TestOnlyWhatIsWanted(t *testing.T) {
	needs := event.Always(func(event.Source) event.Want { return event.Want{Fields: []string{"host"}} })
	needs.Since = 1517336043e9
	out := readAll(t, strings.NewReader(sample), needs)
	if len(out.rows) != 4 || len(out.rows[0]) != 0 {
		t.Errorf("%v", out.rows)
	}
	if rows := readAll(t, strings.NewReader("a\tb\n"), event.Everything()); len(rows.rows) != 0 || len(rows.damage) != 1 {
		t.Errorf("a file without header: %v %v", rows.rows, rows.damage)
	}
}

func TestRecognisedByItsHeader(t *testing.T) {
	for text, want := range map[string]event.Confidence{sample: event.Certain, "#separator\t\\x09\n": event.Certain, "#fields\tts\n#types\ttime\n": event.Likely, "# a comment": event.No, "": event.No, "{\"ts\":1}": event.No} {
		if got := (Format{}).Recognise([]byte(text), "conn.log"); got != want {
			t.Errorf("%.20q: %d, want %d", text, got, want)
		}
	}
}

// slowly reads lines as docs/formats/zeek-tsv.md says, header by header and field by field.
func slowly(text string) (rows []map[string]string) {
	h := newHeader("\t")
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if strings.HasPrefix(line, "#") {
			if next, ok := (headers{}).read([]byte(line), h); ok {
				h = next.(*header)
				continue
			}
		}
		if line == "" || len(h.fields) == 0 {
			continue
		}
		row := map[string]string{}
		for i, field := range strings.Split(line, h.separator) {
			if i >= len(h.fields) || field == h.unset {
				continue
			}
			kind := ""
			if i < len(h.types) {
				kind = h.types[i]
			}
			values := []string{field}
			many := strings.HasPrefix(kind, "set[") || strings.HasPrefix(kind, "vector[")
			switch {
			case field == h.empty && many:
				values = nil
			case field == h.empty:
				values = []string{""}
			case many && h.set != "":
				values = strings.Split(field, h.set)
			}
			for _, v := range values {
				if strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(kind, "set["), "vector["), "]") == "bool" {
					v = strings.NewReplacer("T", "true", "F", "false").Replace(v)
					if len(v) > 5 {
						v = field
					}
				}
				row[h.fields[i]] += "[" + strings.ToValidUTF8(unescape(v), "\uFFFD") + "]"
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func TestZeekEqualsTheSlowReader(t *testing.T) {
	for _, text := range []string{
		sample, "#separator \\x2c\n#fields,ts,a,b\n1,x\\x2cy,z\n1,-,(empty)\n,,,,\n",
		"#fields\ta\tts\ta\n#types\tstring\ttime\tstring\nx\t1.5\ty\n", "#separator \\x7c\\x7c\n#fields||a||b\n1||2\n1|2||3|4||5\n||\n",
		"#fields\ts\n#types\tset[string]\n#set_separator\t;\na;b;\n(empty)\n-\n;\n#unset_field\t~\n-\n~\n",
		"#path\tx\n#fields\ta\n1\n#path\ty\n2\n#path\tx\n3\n#close\tx\n4\n#fields\ta\n5\n",
	} {
		same(t, text)
	}
}

func same(t *testing.T, text string) {
	t.Helper()
	got, want := readAll(t, strings.NewReader(text), event.Everything()).rows, slowly(text)
	if len(got) != len(want) {
		t.Fatalf("%q: %d rows, want %d", text, len(got), len(want))
	}
	for i := range want {
		if !maps.Equal(got[i], want[i]) {
			t.Fatalf("%q: row %d is %v, want %v", text, i, got[i], want[i])
		}
	}
}

func TestAHeaderThatComesAgainIsTheSame(t *testing.T) {
	known := headers{}
	var state any = newHeader("\t")
	read := func(line string) *header {
		next, ok := known.read([]byte(line), state)
		if !ok {
			t.Errorf("%q is no header", line)
		}
		state = next
		return next.(*header)
	}
	read("#path\tconn")
	first := read("#fields\tts\tuid")
	if read("#open\t2026") != first || read("#fields\tts\tuid") != first {
		t.Error("what changes nothing makes a new header")
	}
	if read("#path\tdns") == first || read("#path\tconn") != first {
		t.Error("a header that comes again is another one")
	}
	if h := read("#fields" + strings.Repeat("\tf", 3*maxFields)); len(h.fields) != maxFields {
		t.Errorf("%d fields are read", len(h.fields))
	}
}

func FuzzZeek(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("#separator \\x\n#fields\\x"))
	f.Add([]byte("#fields\ta\t\tb\t\n#types\t\t\t\tset[\n\t\t\t(empty)")) // two fields of one name, one of them null
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readAll(t, bytes.NewReader(b), event.Everything())
		if text := string(b); utf8.Valid(b) && !strings.Contains(text, "bool") && !strings.Contains(text, "\x00") && !strings.HasPrefix(text, "\ufeff") {
			same(t, text)
		}
	})
}
