package reference

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// matchAnyWay is the definition of a wildcard: a star is nothing, or one character and a star.
func matchAnyWay(p []symbol, text []rune) bool {
	if len(p) == 0 {
		return len(text) == 0
	}
	if p[0].wild == '*' {
		return matchAnyWay(p[1:], text) || len(text) > 0 && matchAnyWay(p, text[1:])
	}
	return len(text) > 0 && p[0].accepts(text[0]) && matchAnyWay(p[1:], text[1:])
}

func TestMatchWholeIsTheDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	matches := 0
	for range 200_000 {
		var p []symbol
		for range rng.IntN(7) {
			p = append(p, []symbol{{wild: '*'}, {wild: '?'}, {r: 'a'}, {r: 'b'}, {wild: anyDash}}[rng.IntN(5)])
		}
		var text []rune
		for range rng.IntN(9) {
			text = append(text, []rune("ab-")[rng.IntN(3)])
		}
		want := matchAnyWay(p, text)
		if matchWhole(p, text) != want {
			t.Fatalf("%v on %q: want %v", p, string(text), want)
		}
		if want {
			matches++
		}
	}
	if matches < 10_000 {
		t.Errorf("only %d of the pairs match", matches)
	}
}

// TestBase64OffsetsAreFoundEverywhere encodes a text with every surrounding and looks for one of the three pieces.
func TestBase64OffsetsAreFoundEverywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 12; n++ {
		for range 300 {
			text := make([]byte, n)
			before := make([]byte, rng.IntN(7))
			after := make([]byte, rng.IntN(7))
			for _, b := range [][]byte{text, before, after} {
				for i := range b {
					b[i] = byte(rng.IntN(256))
				}
			}
			whole := base64.StdEncoding.EncodeToString([]byte(string(before) + string(text) + string(after)))
			piece := inBase64(string(text), true)[len(before)%3]
			if !strings.Contains(whole, piece) {
				t.Fatalf("%q in %q: no %q", text, whole, piece)
			}
			if want := (n*8 - 10) / 6; len(piece) < want {
				t.Errorf("%q: the piece %q is shorter than %d letters", text, piece, want)
			}
		}
	}
}

func TestEveryByteIsOneCharacter(t *testing.T) {
	if got := fmt.Sprint(characters("aé\xff\u2028\xe2\x80")); got != fmt.Sprint([]rune{'a', 'é', badByte + 0xff, 0x2028, badByte + 0xe2, badByte + 0x80}) {
		t.Error(got)
	}
	for _, c := range [][2]rune{{'k', '\u212a'}, {'S', 'ſ'}, {'σ', 'ς'}, {'ß', 'ẞ'}, {'Ǆ', 'ǅ'}} {
		if fold(c[0]) != fold(c[1]) {
			t.Errorf("%q and %q differ", c[0], c[1])
		}
	}
	if fold('i') == fold('ı') || fold('I') == fold('İ') {
		t.Error("dotted and dotless i are the same")
	}
}

func TestFieldsStandInFields(t *testing.T) {
	for _, c := range []struct {
		a, b        string
		front, back bool
		want        bool
	}{
		{"abc", "abc", false, false, true},
		{"abc", "ab", false, false, false},
		{"abc", "ab", false, true, true},
		{"abc", "bc", false, true, false},
		{"abc", "bc", true, false, true},
		{"abc", "b", true, true, true},
		{"abc", "", true, true, true},
		{"", "", false, false, true},
		{"a", "abc", true, true, false},
		{"x\xc3", "\ufffd", true, true, false}, // a byte that is not UTF-8 is not the replacement character
		{"x\xc3", "\xc3", true, true, true},
	} {
		if got := stands(characters(c.a), characters(c.b), c.front, c.back); got != c.want {
			t.Errorf("%q in %q (front %t, back %t): %t", c.b, c.a, c.front, c.back, got)
		}
	}
}
