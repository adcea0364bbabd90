package stix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// maxSafeInteger is the largest integer that RFC 8785 can write exactly (RFC 7493, section 2.2).
const maxSafeInteger = 1<<53 - 1

// Limits bounds what reading may cost. A zero field means its default.
type Limits struct {
	ObjectBytes int   // bytes of one object, default 16 MiB
	Depth       int   // nesting of one object, default 64
	Objects     int   // objects of one bundle, default 4 million
	TotalBytes  int64 // bytes of one input, default 2 GiB
}

func (l Limits) filled() Limits {
	if l.ObjectBytes <= 0 {
		l.ObjectBytes = 16 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 64
	}
	if l.Objects <= 0 {
		l.Objects = 4_000_000
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = 2 << 30
	}
	return l
}

// parseObject reads one JSON object strictly: valid UTF-8, no name twice, no number that RFC 8785 could not write back.
func parseObject(raw []byte, lim Limits) (map[string]any, error) {
	if len(raw) > lim.ObjectBytes {
		return nil, fmt.Errorf("%d bytes exceed the limit of %d for one object", len(raw), lim.ObjectBytes)
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("the text is not UTF-8")
	}
	if i := loneSurrogate(raw); i >= 0 {
		return nil, fmt.Errorf("half of a surrogate pair at byte %d", i)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := parseValue(dec, lim.Depth)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the object at byte %d", dec.InputOffset())
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("it is not a JSON object")
	}
	return m, nil
}

func parseValue(dec *json.Decoder, depth int) (any, error) {
	tok, err := dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case json.Delim:
		if depth == 0 {
			return nil, fmt.Errorf("nested too deep at byte %d", dec.InputOffset())
		}
		if tok == '{' {
			return parseMembers(dec, depth-1)
		}
		list := []any{}
		for dec.More() {
			v, err := parseValue(dec, depth-1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	case json.Number:
		return tok, checkNumber(tok)
	}
	return tok, nil
}

func parseMembers(dec *json.Decoder, depth int) (any, error) {
	m := map[string]any{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := tok.(string)
		if !ok {
			return nil, fmt.Errorf("a name is missing at byte %d", dec.InputOffset())
		}
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("the name %.60q stands twice in one object, at byte %d", name, dec.InputOffset())
		}
		if m[name], err = parseValue(dec, depth); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return m, err
}

func checkNumber(n json.Number) error {
	f, err := n.Float64()
	if err != nil {
		return fmt.Errorf("the number %.40s is out of range", n)
	}
	if !strings.ContainsAny(string(n), ".eE") && math.Abs(f) > maxSafeInteger {
		return fmt.Errorf("the integer %.40s is beyond ±(2^53−1) and would not survive canonical JSON", n)
	}
	return nil
}

// loneSurrogate finds a \uD800–\uDFFF escape without its other half, which encoding/json would silently replace.
func loneSurrogate(raw []byte) int {
	for i := 0; i+5 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] != 'u' {
			i++
			continue
		}
		switch surrogate(raw[i:]) {
		case 1:
			if i+11 >= len(raw) || raw[i+6] != '\\' || raw[i+7] != 'u' || surrogate(raw[i+6:]) != 2 {
				return i
			}
			i += 11
		case 2:
			return i
		default:
			i += 5
		}
	}
	return -1
}

// surrogate tells a high (1) from a low (2) surrogate escape and from anything else (0).
func surrogate(esc []byte) int {
	if esc[2] != 'd' && esc[2] != 'D' {
		return 0
	}
	switch c := esc[3] | 0x20; {
	case c == '8' || c == '9' || c == 'a' || c == 'b':
		return 1
	case c >= 'c' && c <= 'f':
		return 2
	}
	return 0
}
