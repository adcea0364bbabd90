package jsonlog

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// plain gives the text of a string as written between its quotes: escapes resolved, invalid UTF-8 and lone
// surrogates replaced by U+FFFD, byte by byte. The result is raw itself when nothing had to be changed, else it is
// appended to scratch, which is returned for reuse. An escape that JSON does not know stays as written: careless
// writers leave the backslashes of Windows paths single. valid says that raw is known to be valid UTF-8.
func plain(raw, scratch []byte, valid bool) (text, grown []byte) {
	escape := bytes.IndexByte(raw, '\\')
	if valid = valid || utf8.Valid(raw); valid {
		if escape < 0 {
			return raw, scratch
		}
		from := len(scratch)
		out := appendResolved(scratch, raw, escape)
		return out[from:len(out):len(out)], out
	}
	if escape < 0 {
		escape = len(raw)
	}
	from := len(scratch)
	out := appendValid(scratch, raw[:escape])
	for raw = raw[escape:]; len(raw) > 0; {
		if raw[0] != '\\' {
			next := bytes.IndexByte(raw, '\\')
			if next < 0 {
				next = len(raw)
			}
			out = appendValid(out, raw[:next])
			raw = raw[next:]
			continue
		}
		var size int
		out, size = appendEscape(out, raw)
		raw = raw[size:]
	}
	return out[from:len(out):len(out)], out
}

// appendResolved appends valid text whose first escape is at. What stands between escapes is copied by words of eight bytes, and each word
// tells where the next escape is: in paths and scripts they stand so close that looking for each by itself took twice as long.
func appendResolved(dst, raw []byte, at int) []byte {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	dst = slices.Grow(dst, len(raw)+8) // no escape is shorter than what it stands for
	dst = append(dst, raw[:at]...)
	for len(raw)-at >= 8 {
		w := binary.LittleEndian.Uint64(raw[at:])
		n := len(dst)
		binary.LittleEndian.PutUint64(dst[n:n+8], w)
		w ^= '\\' * ones
		w = (w - ones) &^ w & highs // the lowest bit set is in the first byte that was a backslash
		clean := bits.TrailingZeros64(w) >> 3
		dst = dst[:n+clean]
		if at += clean; w != 0 {
			var size int
			dst, size = appendEscape(dst, raw[at:])
			at += size
		}
	}
	for at < len(raw) {
		if raw[at] != '\\' {
			dst = append(dst, raw[at])
			at++
			continue
		}
		var size int
		dst, size = appendEscape(dst, raw[at:])
		at += size
	}
	return dst
}

func appendValid(dst, s []byte) []byte {
	if utf8.Valid(s) {
		return append(dst, s...)
	}
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		dst = utf8.AppendRune(dst, r)
		s = s[size:]
	}
	return dst
}

// appendEscape resolves the escape at the beginning of raw and gives its length.
func appendEscape(dst, raw []byte) ([]byte, int) {
	if len(raw) < 2 {
		return append(dst, '\\'), 1
	}
	switch c := raw[1]; c {
	case '"', '\\', '/':
		return append(dst, c), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		r, ok := hex4(raw[2:])
		if !ok {
			break
		}
		if utf16.IsSurrogate(r) {
			if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
				if low, ok := hex4(raw[8:]); ok {
					if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
						return utf8.AppendRune(dst, pair), 12
					}
				}
			}
			r = utf8.RuneError
		}
		return utf8.AppendRune(dst, r), 6
	}
	return append(dst, '\\'), 1
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// isInteger says whether a JSON number is written without fraction and exponent.
func isInteger(raw []byte) bool {
	for _, c := range raw {
		if c == '.' || c == 'e' || c == 'E' {
			return false
		}
	}
	return true
}

// number gives the canonical text of a JSON number: integers in decimal as written, whatever their size, all others
// the shortest decimal that reads back as the same float64, without exponent below 1e21, as ECMAScript does. A number
// beyond float64 stays as written.
func number(raw, scratch []byte) (text, grown []byte) {
	if isInteger(raw) {
		if string(raw) == "-0" {
			return raw[1:], scratch
		}
		return raw, scratch
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(f, 0) {
		return raw, scratch
	}
	from := len(scratch)
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	if f == 0 {
		f = 0 // no negative zero
	}
	out := strconv.AppendFloat(scratch, f, format, -1, 64)
	return out[from:len(out):len(out)], out
}
