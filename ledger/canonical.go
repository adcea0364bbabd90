package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of JSON, and with it the stack that hostile input can ask for.
const maxDepth = 64

const maxExact = 1 << 53 // integers beyond it have no exact double

// Canonical gives the JSON Canonicalization Scheme (RFC 8785) of a JSON text, so that equal values have equal bytes. It is stricter than most
// parsers: duplicate keys, invalid UTF-8, lone surrogates, integers beyond ±2^53, nesting deeper than 64 and
// anything after the value are errors.
func Canonical(text []byte) ([]byte, error) {
	c := canon{in: text}
	out := make([]byte, 0, len(text))
	out, err := c.value(out, 0)
	if err != nil {
		return nil, fmt.Errorf("ledger: canonical JSON: byte %d: %w", c.pos, err)
	}
	c.space()
	if c.pos != len(text) {
		return nil, fmt.Errorf("ledger: canonical JSON: byte %d: something follows the value", c.pos)
	}
	return out, nil
}

// MarshalCanonical gives the canonical JSON of a Go value.
func MarshalCanonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("ledger: canonical JSON: %w", err)
	}
	return Canonical(b)
}

type canon struct {
	in  []byte
	pos int
}

func (c *canon) space() {
	for c.pos < len(c.in) {
		switch c.in[c.pos] {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return
		}
	}
}

func (c *canon) take(b byte) bool {
	if c.pos < len(c.in) && c.in[c.pos] == b {
		c.pos++
		return true
	}
	return false
}

func (c *canon) value(out []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	c.space()
	if c.pos == len(c.in) {
		return nil, errors.New("the text ends where a value should be")
	}
	switch b := c.in[c.pos]; b {
	case '{':
		return c.object(out, depth)
	case '[':
		return c.array(out, depth)
	case '"':
		s, err := c.text()
		if err != nil {
			return nil, err
		}
		return appendText(out, s), nil
	default:
		for _, word := range []string{"true", "false", "null"} {
			if bytes.HasPrefix(c.in[c.pos:], []byte(word)) {
				c.pos += len(word)
				return append(out, word...), nil
			}
		}
		return c.number(out)
	}
}

func (c *canon) array(out []byte, depth int) ([]byte, error) {
	c.pos++
	out = append(out, '[')
	c.space()
	if c.take(']') {
		return append(out, ']'), nil
	}
	for {
		var err error
		if out, err = c.value(out, depth+1); err != nil {
			return nil, err
		}
		c.space()
		if c.take(']') {
			return append(out, ']'), nil
		}
		if !c.take(',') {
			return nil, errors.New("neither comma nor bracket after an element")
		}
		out = append(out, ',')
	}
}

type pair struct {
	key   string
	units []uint16
	value []byte
}

func (c *canon) object(out []byte, depth int) ([]byte, error) {
	c.pos++
	var pairs []pair
	c.space()
	if c.take('}') {
		return append(out, '{', '}'), nil
	}
	for {
		c.space()
		if c.pos == len(c.in) || c.in[c.pos] != '"' {
			return nil, errors.New("a key must be a text")
		}
		key, err := c.text()
		if err != nil {
			return nil, err
		}
		c.space()
		if !c.take(':') {
			return nil, errors.New("no colon after a key")
		}
		v, err := c.value(nil, depth+1)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, pair{key, utf16.Encode([]rune(key)), v})
		c.space()
		if c.take('}') {
			break
		}
		if !c.take(',') {
			return nil, errors.New("neither comma nor brace after a member")
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return slices.Compare(a.units, b.units) })
	out = append(out, '{')
	for i, p := range pairs {
		if i > 0 {
			if p.key == pairs[i-1].key {
				return nil, fmt.Errorf("key %.40q twice", p.key)
			}
			out = append(out, ',')
		}
		out = appendText(out, p.key)
		out = append(out, ':')
		out = append(out, p.value...)
	}
	return append(out, '}'), nil
}

// text reads a string. json.Unmarshal would replace what is not UTF-8; here it is an error, because a replaced byte is a changed statement.
func (c *canon) text() (string, error) {
	c.pos++
	var sb strings.Builder
	for c.pos < len(c.in) {
		switch b := c.in[c.pos]; {
		case b == '"':
			c.pos++
			return sb.String(), nil
		case b < 0x20:
			return "", errors.New("control character in a text")
		case b == '\\':
			r, err := c.escape()
			if err != nil {
				return "", err
			}
			sb.WriteRune(r)
		case b < utf8.RuneSelf:
			sb.WriteByte(b)
			c.pos++
		default:
			r, n := utf8.DecodeRune(c.in[c.pos:])
			if r == utf8.RuneError && n <= 1 {
				return "", errors.New("invalid UTF-8")
			}
			sb.WriteRune(r)
			c.pos += n
		}
	}
	return "", errors.New("the text ends inside a string")
}

func (c *canon) escape() (rune, error) {
	c.pos++
	if c.pos == len(c.in) {
		return 0, errors.New("the text ends inside an escape")
	}
	b := c.in[c.pos]
	c.pos++
	switch b {
	case '"', '\\', '/':
		return rune(b), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, err := c.hex4()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if c.take('\\') && c.take('u') {
			low, err := c.hex4()
			if err != nil {
				return 0, err
			}
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				return full, nil
			}
		}
		return 0, errors.New("lone surrogate")
	}
	return 0, fmt.Errorf("unknown escape \\%c", b)
}

func (c *canon) hex4() (rune, error) {
	if c.pos+4 > len(c.in) {
		return 0, errors.New("the text ends inside an escape")
	}
	n, err := strconv.ParseUint(string(c.in[c.pos:c.pos+4]), 16, 16)
	if err != nil || c.in[c.pos] == '+' {
		return 0, errors.New("malformed \\u escape")
	}
	c.pos += 4
	return rune(n), nil
}

func (c *canon) number(out []byte) ([]byte, error) {
	start, integer := c.pos, true
	digits := func() int {
		n := 0
		for c.pos < len(c.in) && c.in[c.pos] >= '0' && c.in[c.pos] <= '9' {
			c.pos++
			n++
		}
		return n
	}
	c.take('-')
	lead := c.pos
	if n := digits(); n == 0 || n > 1 && c.in[lead] == '0' {
		return nil, errors.New("not a JSON value")
	}
	if c.take('.') {
		integer = false
		if digits() == 0 {
			return nil, errors.New("no digit after the point")
		}
	}
	if c.take('e') || c.take('E') {
		integer = false
		if !c.take('+') {
			c.take('-')
		}
		if digits() == 0 {
			return nil, errors.New("no digit in the exponent")
		}
	}
	f, err := strconv.ParseFloat(string(c.in[start:c.pos]), 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, errors.New("number out of range")
	}
	if integer { // judged before rounding, which would hide the excess
		if n, err := strconv.ParseInt(string(c.in[start:c.pos]), 10, 64); err != nil || n > maxExact || n < -maxExact {
			return nil, errors.New("integer beyond 2^53; write it as text")
		}
	}
	if a := math.Abs(f); a > maxExact && a < 1e21 { // 1e21 and more keep an exponent and do not pass for exact
		return nil, errors.New("number beyond 2^53 that would be written as an integer; write it as text")
	}
	if f == 0 {
		return append(out, '0'), nil // also for -0
	}
	b, err := json.Marshal(f) // encoding/json writes numbers as ECMAScript does, which is what RFC 8785 asks for
	if err != nil {
		return nil, err
	}
	return append(out, b...), nil
}

func appendText(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '"' || b == '\\':
			out = append(out, '\\', b)
		case b >= 0x20:
			out = append(out, b)
		case b == '\b':
			out = append(out, '\\', 'b')
		case b == '\t':
			out = append(out, '\\', 't')
		case b == '\n':
			out = append(out, '\\', 'n')
		case b == '\f':
			out = append(out, '\\', 'f')
		case b == '\r':
			out = append(out, '\\', 'r')
		default:
			out = append(out, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
	}
	return append(out, '"')
}
