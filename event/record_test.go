package event

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"testing"
	"unicode/utf8"
)

// marshalSlowly is what AppendJSON must equal, by encoding/json and a map.
func marshalSlowly(r *Record) []byte {
	text := func(s string) []byte {
		b, _ := json.Marshal(string(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD"))))
		return b
	}
	value := func(f RecordField) []byte {
		switch f.Kind {
		case Int, Uint:
			if n, err := strconv.ParseInt(f.Text, 10, 64); err == nil && !f.Null && -1<<53 < n && n < 1<<53 {
				return []byte(strconv.FormatInt(n, 10))
			}
		case Bool:
			if !f.Null && (f.Text == "true" || f.Text == "false") {
				return []byte(f.Text)
			}
		}
		if f.Null {
			return []byte("null")
		}
		return text(f.Text)
	}
	values := map[string][][]byte{}
	var order []string
	for _, f := range r.Fields {
		if values[f.Name] == nil {
			order = append(order, f.Name)
		}
		values[f.Name] = append(values[f.Name], value(f))
	}
	out := []byte{'{'}
	for i, name := range order {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, text(name)...), ':')
		if all := values[name]; len(all) == 1 {
			out = append(out, all[0]...)
		} else {
			out = append(append(append(out, '['), bytes.Join(all, []byte{','})...), ']')
		}
	}
	return append(out, '}')
}

var oddTexts = []string{"", "a", "plain text", "\"\\/", "<b>&amp;</b>", "\x00\x01\x1f\x7f\b\f\n\r\t", "é€😀", "\u2028\u2029\u2027", "\xff", "a\xff\xfeb\xc3", "\xe2\x80", "\xed\xa0\x80", "\uFFFD",
	"1", "-7", "007", "+5", "true", "True", "9007199254740991", "9007199254740992", "-9007199254740992", "18446744073709551615"}

func TestRecordsAreWrittenAsEncodingJSONWould(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var r Record
		for range rng.IntN(12) * (1 + 12*rng.IntN(2)) { // also more than fewFields
			name := oddTexts[rng.IntN(len(oddTexts))] + oddTexts[rng.IntN(len(oddTexts))]
			if rng.IntN(9) == 0 {
				r.AddNull(name)
			} else {
				r.Add(name, Kind(rng.IntN(int(Bytes)+1)), oddTexts[rng.IntN(len(oddTexts))])
			}
		}
		if got, want := r.AppendJSON([]byte("x")), marshalSlowly(&r); string(got) != "x"+string(want) {
			t.Fatalf("%+v\ngot  %s\nwant x%s", r, got, want)
		}
	}
}

func FuzzAppendQuoted(f *testing.F) {
	for _, s := range oddTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendQuoted(nil, s); !bytes.Equal(got, want) {
			t.Errorf("%q: %s, encoding/json writes %s", s, got, want)
		}
		if got := appendText(nil, s); !utf8.Valid(got) || !json.Valid(got) {
			t.Errorf("%q: %q is no JSON", s, got)
		}
	})
}
