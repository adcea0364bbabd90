package edifact

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func all(t testing.TB, src io.Reader) (segs []string, unended int) {
	t.Helper()
	r := NewReader(src)
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return segs, unended
		}
		if err != nil {
			t.Fatal(err)
		}
		if s.Unended {
			unended++
		}
		segs = append(segs, string(s.Raw))
	}
}

func TestSegments(t *testing.T) {
	for text, want := range map[string][]string{
		"UNB+IATA:1+A'UNH+1'TIF+O?'NEIL+A'UNT+3+1'": {"UNB+IATA:1+A", "UNH+1", "TIF+O?'NEIL+A", "UNT+3+1"},
		// Release characters at the end: an even number releases nothing.
		"UNB+X'UNH+1'FTX+A??'UNT+1'":                         {"UNB+X", "UNH+1", "FTX+A??", "UNT+1"},
		"UNB+X'UNH+1'FTX+A???''UNT+1'":                       {"UNB+X", "UNH+1", "FTX+A???'", "UNT+1"},
		"UNB+X'UNH+1'FTX+A?":                                 {"UNB+X", "UNH+1", "FTX+A?"},
		"UNA:-.? *UNB-X*UNH-1*TIF-A'B-C*":                    {"UNA:-.? *", "UNB-X", "UNH-1", "TIF-A'B-C"},
		"\xef\xbb\xbf\r\n UNB+X'\r\nUNH+1'\r\n":              {"UNB+X", "UNH+1"},
		"UNB+X'UNH+1'SSR+A’\nTVL+B'":                         {"UNB+X", "UNH+1", "SSR+A", "TVL+B"},
		"log line: UNB+X'UNH+1'UNT+2'UNZ+1'mail text UNB+Y'": {"UNB+X", "UNH+1", "UNT+2", "UNZ+1", "UNB+Y"},
		"": nil, "'": nil, "UNA": {"UNA"},
	} {
		got, _ := all(t, strings.NewReader(text))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		slow, _ := all(t, iotest.OneByteReader(strings.NewReader(text)))
		if !reflect.DeepEqual(slow, got) {
			t.Errorf("%q byte by byte: %q, want %q", text, slow, got)
		}
	}
}

func TestEndlessSegmentIsCut(t *testing.T) {
	r := NewReader(io.MultiReader(strings.NewReader("UNB+X'UNH+1'FTX+"), io.LimitReader(endless('a'), 64<<20), strings.NewReader("'UNT+2+1'")))
	var cut int64
	last := ""
	for {
		s, err := r.Next()
		if err != nil {
			break
		}
		cut += s.Cut
		last = string(s.Raw)
	}
	if last != "UNT+2+1" || cut < 63<<20 {
		t.Errorf("last %q, cut %d", last, cut)
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// reference is the slow way: one byte after another.
func reference(text []byte, release, terminator byte) (segs []string) {
	var seg []byte
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == release && i+1 < len(text):
			seg = append(seg, text[i], text[i+1])
			i++
		case text[i] == terminator:
			segs = append(segs, string(bytes.TrimSpace(seg)))
			seg = seg[:0]
		default:
			seg = append(seg, text[i])
		}
	}
	return segs
}

func TestAgainstReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		text := []byte("UNB+X'UNH+1'")
		for range 1 + r.IntN(30) {
			text = append(text, "FTX+"...)
			for range r.IntN(20) {
				text = append(text, "AB?+:'?? "[r.IntN(9)])
			}
			text = append(text, '.', '\'')
		}
		var want []string
		for _, s := range reference(text, '?', '\'') {
			if s != "" {
				want = append(want, s)
			}
		}
		got, _ := all(t, iotest.HalfReader(bytes.NewReader(text)))
		for i := range got {
			got[i] = strings.TrimSpace(got[i])
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\n%q\n%q", text, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	var f Fields
	f.Split(Default, []byte("SSR+DOCS:HK:1:TZ:::::/P/O?'N\r\nEIL?+X:?:y+::43"))
	for _, c := range []struct {
		e, c int
		want string
	}{{0, 0, "SSR"}, {1, 0, "DOCS"}, {1, 8, "/P/O'NEIL+X"}, {1, 9, ":y"}, {2, 2, "43"}, {2, 3, ""}, {9, 0, ""}} {
		if got := string(f.Component(c.e, c.c)); got != c.want {
			t.Errorf("%d.%d: %q, want %q", c.e, c.c, got, c.want)
		}
	}
	if got := string(f.Rest(1, 8)); got != "/P/O'NEIL+X::y" {
		t.Errorf("rest %q", got)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("UNA:+.?*'UNB+IATA:1+A'UNH+1+PNRGOV:11:1:IA'TIF+A?'B+C'UNT+3+1'UNZ+1+A'"))
	f.Add([]byte("UNA:+\\*'\nUNB+X'UNH\nTVL+1'"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, _ := all(t, bytes.NewReader(text))
		slow, _ := all(t, iotest.OneByteReader(bytes.NewReader(text)))
		if !reflect.DeepEqual(whole, slow) {
			t.Fatalf("the size of reads matters: %q, %q", whole, slow)
		}
		var fields Fields
		for _, s := range whole {
			fields.Split(Default, []byte(s))
			for e := range fields.Len() {
				fields.Component(e, 1)
				fields.Rest(e, 2)
				fields.Element(e)
			}
		}
	})
}

// One pass over a segment gives what the careful way gives, for every element and component.
func TestSplitIsAsTheSlowOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	services := []Service{Default, {'-', '.', ',', '!', ' ', '*'}, {':', '+', '.', 0, ' ', '\''}}
	letters := []byte("AB12:::+++?'-.!*\r\n \xc3")
	var fast, slow Fields
	for range 20_000 {
		raw := make([]byte, rng.IntN(40))
		for i := range raw {
			raw[i] = letters[rng.IntN(len(letters))]
		}
		if rng.IntN(50) == 0 {
			raw = bytes.Repeat(append(raw, '+'), 1+rng.IntN(200))
		}
		s := services[rng.IntN(len(services))]
		fast.Split(s, raw)
		slow.splitSlowly(s, raw)
		if fast.Len() != slow.Len() {
			t.Fatalf("%q: %d elements, want %d", raw, fast.Len(), slow.Len())
		}
		for e := -1; e <= min(fast.Len(), 60); e++ {
			if a, b := fast.Element(e), slow.Element(e); !bytes.Equal(a, b) {
				t.Fatalf("%q: element %d is %q, want %q", raw, e, a, b)
			}
			for c := range 8 {
				if a, b := fast.Component(e, c), slow.Component(e, c); !bytes.Equal(a, b) || (a == nil) != (b == nil) {
					t.Fatalf("%q: component %d of %d is %q, want %q", raw, c, e, a, b)
				}
				if a, b := fast.Rest(e, c), slow.Rest(e, c); !bytes.Equal(a, b) {
					t.Fatalf("%q: rest %d of %d is %q, want %q", raw, c, e, a, b)
				}
			}
		}
	}
}
