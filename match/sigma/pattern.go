package sigma

import "strings"

// Token is a piece of a pattern: literal text, or a wildcard.
type Token struct {
	Wild byte   // '*' any text, '?' one character, 0 for literal text
	Text string // literal text
}

// Pattern is a string value with its wildcards read: a sequence of tokens in which two literals never touch.
// Matching is anchored to the whole value.
type Pattern []Token

// ParsePattern reads the wildcards and escapes of a string value. '*' and '?' are wildcards; a backslash before '*',
// '?' or another backslash makes that character literal; any other backslash stands for itself.
func ParsePattern(text string) Pattern {
	var p Pattern
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			p = append(p, Token{Text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '*' || text[i+1] == '?' || text[i+1] == '\\'):
			i++
			lit.WriteByte(text[i])
		case c == '*' || c == '?':
			flush()
			if c == '*' && len(p) > 0 && p[len(p)-1].Wild == '*' {
				continue // "**" is "*"
			}
			p = append(p, Token{Wild: c})
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return p
}

// Literal makes a pattern without wildcards.
func Literal(text string) Pattern {
	if text == "" {
		return nil
	}
	return Pattern{{Text: text}}
}

// Plain gives the text of a pattern that has no wildcards.
func (p Pattern) Plain() (string, bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].Wild == 0:
		return p[0].Text, true
	}
	return "", false
}

// String writes the pattern so that ParsePattern reads it back.
func (p Pattern) String() string {
	var s strings.Builder
	for _, t := range p {
		if t.Wild != 0 {
			s.WriteByte(t.Wild)
			continue
		}
		for i := 0; i < len(t.Text); i++ {
			if c := t.Text[i]; c == '*' || c == '?' || c == '\\' {
				s.WriteByte('\\')
			}
			s.WriteByte(t.Text[i])
		}
	}
	return s.String()
}

// open puts '*' at the ends asked for where there is none yet.
func (p Pattern) open(front, back bool) Pattern {
	out := make(Pattern, 0, len(p)+2)
	if front && (len(p) == 0 || p[0].Wild != '*') {
		out = append(out, Token{Wild: '*'})
	}
	out = append(out, p...)
	if back && (len(out) == 0 || out[len(out)-1].Wild != '*') {
		out = append(out, Token{Wild: '*'})
	}
	return out
}
