package pattern

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// SyntaxError says where a pattern stops being one.
type SyntaxError struct {
	Offset int // bytes
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("pattern, byte %d: %s", e.Offset, e.Reason)
}

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokSymbol // one of ( ) [ ] : . , * or a comparison sign
	tokLiteral
)

type token struct {
	kind tokenKind
	text string // name or symbol
	lit  Literal
	at   int
}

// keywords may not stand where a name is expected unless quoted.
var keywords = map[string]bool{"AND": true, "OR": true, "NOT": true, "FOLLOWEDBY": true, "LIKE": true, "MATCHES": true,
	"ISSUPERSET": true, "ISSUBSET": true, "EXISTS": true, "LAST": true, "IN": true, "START": true, "STOP": true,
	"SECONDS": true, "TIMES": true, "WITHIN": true, "REPEATS": true, "true": true, "false": true}

func isKeyword(s string) bool { return keywords[s] }

func isIdentifier(s string) bool {
	for i := 0; i < len(s); i++ {
		if !nameByte(s[i]) || i == 0 && s[i] >= '0' && s[i] <= '9' {
			return false
		}
	}
	return s != ""
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// next reads the token at p.pos. Tokens are read one at a time, so the cost of a pattern is its length.
func (p *parser) next() (token, error) {
	if err := p.skip(); err != nil {
		return token{}, err
	}
	at := p.pos
	rest := p.text[at:]
	if rest == "" {
		return token{at: at}, nil
	}
	c := rest[0]
	if len(rest) > 1 && rest[1] == '\'' && (c == 'h' || c == 'b' || c == 't') {
		return p.typedLiteral(c)
	}
	switch {
	case c == '\'':
		s, err := p.quoted()
		return token{kind: tokLiteral, lit: Literal{Kind: String, Text: s}, at: at}, err
	case c == '-' || c == '+' || digit(c) || c == '.' && len(rest) > 1 && digit(rest[1]):
		return p.numeral()
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
		for p.pos < len(p.text) && (nameByte(p.text[p.pos]) || p.text[p.pos] == '-') {
			p.pos++
		}
		text := p.text[at:p.pos]
		if text == "true" || text == "false" {
			return token{kind: tokLiteral, lit: Literal{Kind: Boolean, Bool: text == "true"}, text: text, at: at}, nil
		}
		return token{kind: tokName, text: text, at: at}, nil
	}
	for _, symbol := range []string{"==", "!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ":", ".", ",", "*"} {
		if strings.HasPrefix(rest, symbol) {
			p.pos += len(symbol)
			return token{kind: tokSymbol, text: symbol, at: at}, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, &SyntaxError{at, fmt.Sprintf("%q cannot stand here", r)}
}

// skip passes white space and comments.
func (p *parser) skip() error {
	for p.pos < len(p.text) {
		rest := p.text[p.pos:]
		switch {
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return &SyntaxError{p.pos, "a comment is not closed"}
			}
			p.pos += end + 4
		case strings.HasPrefix(rest, "//"):
			if end := strings.IndexAny(rest, "\r\n"); end >= 0 {
				p.pos += end
			} else {
				p.pos = len(p.text)
			}
		default:
			r, n := utf8.DecodeRuneInString(rest)
			if !strings.ContainsRune(" \t\n\v\f\r\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000", r) && (r < 0x2000 || r > 0x200a) {
				return nil
			}
			p.pos += n
		}
	}
	return nil
}

// quoted reads a string; only \' and \\ are escapes.
func (p *parser) quoted() (string, error) {
	at := p.pos
	var b strings.Builder
	for i := at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; c {
		case '\'':
			p.pos = i + 1
			return b.String(), nil
		case '\\':
			if i+1 >= len(p.text) || p.text[i+1] != '\'' && p.text[i+1] != '\\' {
				return "", &SyntaxError{i, `after a backslash only ' or \ may follow`}
			}
			i++
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", &SyntaxError{at, "a string is not closed"}
}

func (p *parser) typedLiteral(prefix byte) (token, error) {
	at := p.pos
	p.pos++
	s, err := p.quoted()
	if err != nil {
		return token{}, err
	}
	t := token{kind: tokLiteral, at: at}
	switch prefix {
	case 'h':
		t.lit.Kind = Hex
		t.lit.Bytes, err = hex.DecodeString(s)
	case 'b':
		t.lit.Kind = Binary
		t.lit.Bytes, err = base64.StdEncoding.Strict().DecodeString(s)
		if strings.ContainsAny(s, "\r\n") {
			err = base64.CorruptInputError(0)
		}
	case 't':
		t.lit.Kind = Timestamp
		t.lit.Time, err = time.Parse(time.RFC3339Nano, s)
		if err == nil && (len(s) < 20 || s[10] != 'T' || s[len(s)-1] != 'Z' || s[19] != 'Z' && s[19] != '.') {
			err = fmt.Errorf("it is not of the form YYYY-MM-DDTHH:mm:ss[.s]Z")
		}
	}
	if err != nil {
		return token{}, &SyntaxError{at, fmt.Sprintf("%c'%.60s' is no such literal: %v", prefix, s, err)}
	}
	return t, nil
}

func (p *parser) numeral() (token, error) {
	at := p.pos
	i := at
	if p.text[i] == '-' || p.text[i] == '+' {
		i++
	}
	whole := i
	for i < len(p.text) && digit(p.text[i]) {
		i++
	}
	wholeDigits := i - whole
	if i+1 < len(p.text) && p.text[i] == '.' && digit(p.text[i+1]) {
		i++
		for i < len(p.text) && digit(p.text[i]) {
			i++
		}
		f, err := strconv.ParseFloat(p.text[at:i], 64)
		if err != nil || math.IsInf(f, 0) {
			return token{}, &SyntaxError{at, "the number is out of range"}
		}
		p.pos = i
		return token{kind: tokLiteral, lit: Literal{Kind: Float, Float: f}, at: at}, nil
	}
	if wholeDigits == 0 || wholeDigits > 1 && p.text[whole] == '0' {
		return token{}, &SyntaxError{at, "it is not a number"}
	}
	n, err := strconv.ParseInt(p.text[at:i], 10, 64)
	if err != nil {
		return token{}, &SyntaxError{at, "the integer is out of range"}
	}
	p.pos = i
	return token{kind: tokLiteral, lit: Literal{Kind: Integer, Int: n}, at: at}, nil
}
