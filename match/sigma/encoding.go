package sigma

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// base64Offsets gives the part of the encoding that does not depend on what stands around the value, for each of the
// three places at which it may begin.
func base64Offsets(o operand, plain string) ([]operand, error) {
	from, cut := [3]int{0, 2, 3}, [3]int{0, 3, 2}
	var out []operand
	for i := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", i) + plain))
		end := len(encoded) - cut[(len(plain)+i)%3]
		if end <= from[i] {
			return nil, fmt.Errorf("%q is too short for base64offset; give at least three characters", plain)
		}
		out = append(out, operand{value: o.value, pattern: Literal(encoded[from[i]:end])})
	}
	return out, nil
}

func wide(s string, bigEndian bool) string {
	out := make([]byte, 0, 2*len(s))
	for _, u := range utf16.Encode([]rune(s)) {
		if bigEndian {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

var dashes = []string{"-", "/", "\u2013", "\u2014", "\u2015"}

// windash replaces every dash that begins a flag, one that stands before a word and not behind one, by each of the
// five dashes, in every combination.
func windash(p Pattern) ([]Pattern, error) {
	type part struct {
		token Token
		dash  bool
	}
	var parts []part
	count := 1
	for _, t := range p {
		if t.Wild != 0 {
			parts = append(parts, part{token: t})
			continue
		}
		from := 0
		previous := ' '
		for i, r := range t.Text {
			size := utf8.RuneLen(r)
			if size < 0 {
				size = 1
			}
			next, _ := utf8.DecodeRuneInString(t.Text[min(i+size, len(t.Text)):])
			if isDash(r) && !wordRune(previous) && i+size < len(t.Text) && wordRune(next) {
				if i > from {
					parts = append(parts, part{token: Token{Text: t.Text[from:i]}})
				}
				parts = append(parts, part{dash: true})
				from = i + size
				if count *= len(dashes); count > maxAlternatives {
					return nil, fmt.Errorf("windash gives more than %d values; split the value", maxAlternatives)
				}
			}
			previous = r
		}
		if from < len(t.Text) {
			parts = append(parts, part{token: Token{Text: t.Text[from:]}})
		}
	}
	out := make([]Pattern, count)
	for n := range out {
		rest := n
		var q Pattern
		for _, x := range parts {
			t := x.token
			if x.dash {
				t = Token{Text: dashes[rest%len(dashes)]}
				rest /= len(dashes)
			}
			if t.Wild == 0 && len(q) > 0 && q[len(q)-1].Wild == 0 {
				q[len(q)-1].Text += t.Text
			} else {
				q = append(q, t)
			}
		}
		out[n] = q
	}
	return out, nil
}

func isDash(r rune) bool {
	for _, d := range dashes {
		if d == string(r) {
			return true
		}
	}
	return false
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }
