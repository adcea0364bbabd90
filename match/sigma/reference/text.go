package reference

import (
	"unicode"
	"unicode/utf8"
)

// badByte is added to a byte that is not UTF-8, so that it is a character of its own and equals only itself.
const badByte = unicode.MaxRune + 1

func characters(s string) []rune {
	out := make([]rune, 0, len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			r = badByte + rune(s[0])
		}
		out = append(out, r)
		s = s[n:]
	}
	return out
}

// fold gives the least character of the orbit of simple case folding.
func fold(r rune) rune {
	if r > unicode.MaxRune {
		return r
	}
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	return least
}

func foldAll(rs []rune) []rune {
	out := make([]rune, len(rs))
	for i, r := range rs {
		out[i] = fold(r)
	}
	return out
}

// part is a piece of a string value: a wildcard, a dash that may be any of the five, or literal text.
type part struct {
	wild byte // '*', '?', '-' for any dash, 0 for text
	text string
}

const anyDash = '-'

// dashes are interchangeable under windash (appendix of modifiers): hyphen, slash, en dash, em dash, horizontal bar.
var dashes = []string{"-", "/", "\u2013", "\u2014", "\u2015"}

// parseString reads wildcards and escapes as the specification's section Escaping lists them.
func parseString(s string) []part {
	var out []part
	for i := 0; i < len(s); i++ {
		next := byte(0)
		if i+1 < len(s) {
			next = s[i+1]
		}
		switch {
		case s[i] == '\\' && (next == '*' || next == '?' || next == '\\'):
			i++
			out = appendText(out, s[i:i+1])
		case s[i] == '*' || s[i] == '?':
			out = append(out, part{wild: s[i]})
		default:
			out = appendText(out, s[i:i+1])
		}
	}
	return out
}

func appendText(ps []part, text string) []part {
	if n := len(ps); n > 0 && ps[n-1].wild == 0 {
		ps[n-1].text += text
		return ps
	}
	return append(ps, part{text: text})
}

// symbol is one character of a pattern to match.
type symbol struct {
	wild byte
	r    rune
}

func symbols(ps []part, cased bool) []symbol {
	var joined []part // so that bytes of one character in two parts become one character
	for _, p := range ps {
		if p.wild == 0 {
			joined = appendText(joined, p.text)
		} else {
			joined = append(joined, p)
		}
	}
	var out []symbol
	for _, p := range joined {
		if p.wild != 0 {
			out = append(out, symbol{wild: p.wild})
			continue
		}
		for _, r := range characters(p.text) {
			if !cased {
				r = fold(r)
			}
			out = append(out, symbol{r: r})
		}
	}
	return out
}

func (s symbol) accepts(r rune) bool {
	switch s.wild {
	case '?':
		return true
	case anyDash:
		for _, d := range dashes {
			if want, _ := utf8.DecodeRuneInString(d); r == want {
				return true
			}
		}
		return false
	}
	return r == s.r
}

// matchWhole says whether the pattern is the whole text. A '*' takes as little as possible and gives way one
// character at a time when what follows fails; only the last '*' needs to, because an earlier one could not
// reach further than a later one already did.
func matchWhole(p []symbol, text []rune) bool {
	i, j := 0, 0
	star, mark := -1, 0
	for j < len(text) {
		switch {
		case i < len(p) && p[i].wild == '*':
			star, mark = i, j
			i++
		case i < len(p) && p[i].accepts(text[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i].wild == '*' {
		i++
	}
	return i == len(p)
}
