package jsonlog

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
)

// slowPlain resolves escapes one byte after the other.
func slowPlain(raw []byte) []byte {
	var out []byte
	for len(raw) > 0 {
		size := 1
		if raw[0] == '\\' {
			out, size = appendEscape(out, raw)
		} else if r, n := utf8.DecodeRune(raw); r != utf8.RuneError || n > 1 {
			out, size = append(out, raw[:n]...), n
		} else {
			out = utf8.AppendRune(out, r)
		}
		raw = raw[size:]
	}
	return out
}

func checkPlain(t *testing.T, raw []byte) {
	t.Helper()
	before := []byte("before")
	text, grown := plain(raw, before, utf8.Valid(raw))
	if want := slowPlain(raw); !bytes.Equal(text, want) {
		t.Errorf("%q is given as %q, want %q", raw, text, want)
	}
	if !bytes.HasPrefix(grown, before) {
		t.Errorf("%q: what was in the scratch memory is gone: %q", raw, grown)
	}
}

var plainPieces = []string{`\\`, `\"`, `\n`, `\u0041`, `\ud83d\ude00`, `\ud83d`, `\u00e9`, `\x`, `\`, "a", "system32", "é", "\u2029", "\xff", "C:", strings.Repeat("x", 17)}

func TestPlainTextIsThatOfTheSlowWay(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for range 20_000 {
		var raw []byte
		for range r.IntN(12) {
			raw = append(raw, plainPieces[r.IntN(len(plainPieces))]...)
		}
		checkPlain(t, raw)
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range plainPieces {
		f.Add([]byte(s + "0123456" + s + s))
	}
	f.Fuzz(checkPlain)
}

// TestExpectedNamesChangeNothing reads records with one decoder, which expects of each what stood in the one before, and each by itself.
func TestExpectedNamesChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 3))
	names := []string{"a", "b", "ab", "a\\u0062", "Channel", "EventID", "id", "id.orig_h", "_source", "Records", "", strings.Repeat("n", 5000)}
	gap := func() string { return []string{"", "", "", " ", "\t "}[r.IntN(5)] }
	var value func(depth int) string
	object := func(depth int) string {
		var members []string
		for range r.IntN(5) {
			members = append(members, gap()+`"`+names[r.IntN(len(names))]+`"`+gap()+":"+gap()+value(depth+1)+gap())
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	value = func(depth int) string {
		if depth < 4 && r.IntN(3) == 0 {
			return object(depth)
		}
		return []string{"1", "-0.50", `"x"`, `"\\"`, `"a\"b"`, `""`, "null", "true", `["y",2,{"b":3}]`, "007", "1e5", "x", `"open`, "0", "12"}[r.IntN(15)]
	}
	differ := func(text []byte, got, want []row) bool {
		if len(got) != len(want) {
			t.Errorf("%q: %d rows, alone %d", text, len(got), len(want))
			return true
		}
		for i := range want {
			if got[i].source != want[i].source || !maps.EqualFunc(got[i].fields, want[i].fields, slices.Equal[[]string]) {
				t.Errorf("%q, row %d: %v %q, alone %v %q", text, i, got[i].source, got[i].fields, want[i].source, want[i].fields)
				return true
			}
		}
		return false
	}
	for range 2_000 {
		var all []byte
		var alone []row
		for range 6 {
			line := append([]byte(object(0)), '\n')
			rows, _ := readRows(t, event.File{Name: "x.json", Body: bytes.NewReader(append([]byte("{}\n"), line...))}, event.Everything())
			alone = append(alone, rows[1:]...)
			all = append(all, line...)
		}
		rows, _ := readRows(t, event.File{Name: "x.json", Body: bytes.NewReader(append([]byte("{}\n"), all...))}, event.Everything())
		if differ(all, rows[1:], alone) {
			return
		}
	}
}
