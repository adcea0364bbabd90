package evtx

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// trimNUL cuts the terminators off a UTF-16 string, and half a character at its end.
func trimNUL(raw []byte) []byte {
	raw = raw[:len(raw)&^1]
	for n := len(raw); n > 0 && raw[n-1] == 0 && raw[n-2] == 0; n = len(raw) {
		raw = raw[:n-2]
	}
	return raw
}

// appendUTF16 appends little-endian UTF-16 as UTF-8. Surrogates without their other half become U+FFFD, in which case
// exact is false: two different strings may then have the same text.
func appendUTF16(dst, raw []byte) (out []byte, ascii, exact bool) {
	at := len(dst)
	// Worst case: three bytes for each two.
	if need := len(raw) / 2 * 3; cap(dst)-at < need {
		grown := make([]byte, at, 2*cap(dst)+need)
		copy(grown, dst)
		dst = grown
	}
	to := dst[at:cap(dst)]
	n := 0
	// Four ASCII characters at a time.
	for len(raw) >= 8 {
		u := le64(raw)
		if u&0xff80ff80ff80ff80 != 0 {
			break
		}
		u = (u | u>>8) & 0x0000ffff0000ffff
		u |= u >> 16
		binary.LittleEndian.PutUint32(to[n:], uint32(u))
		n += 4
		raw = raw[8:]
	}
	for len(raw) >= 2 && raw[1] == 0 && raw[0] < utf8.RuneSelf {
		to[n] = raw[0]
		n++
		raw = raw[2:]
	}
	if len(raw) < 2 {
		return dst[:at+n], true, true
	}
	dst, exact = appendWide(dst[:at+n], raw)
	return dst, false, exact
}

func appendWide(dst, raw []byte) (out []byte, exact bool) {
	exact = true
	for len(raw) >= 2 {
		u := rune(le16(raw))
		raw = raw[2:]
		switch {
		case u < utf8.RuneSelf:
			dst = append(dst, byte(u))
			continue
		case utf16.IsSurrogate(u):
			r := rune(utf8.RuneError)
			if len(raw) >= 2 {
				r = utf16.DecodeRune(u, rune(le16(raw)))
			}
			if r == utf8.RuneError {
				exact = false
			} else {
				raw = raw[2:]
			}
			u = r
		case u == utf8.RuneError:
			exact = false // may be met again as a lone surrogate
		}
		dst = utf8.AppendRune(dst, u)
	}
	return dst, exact
}
