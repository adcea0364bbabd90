package event

import "strconv"

// Values of Windows events that writers render differently, brought to the text that a reader of the binary log gives.

// CanonicalGUID gives the canonical form of a text that is a GUID as a whole, with or without braces: upper case in braces, as readers of the binary log render
// it. The result is text itself when nothing had to be changed, else it is appended to scratch, which is returned for reuse.
func CanonicalGUID(text, scratch []byte) (canonical, grown []byte, ok bool) {
	bare := text
	if len(text) == 38 && text[0] == '{' && text[37] == '}' {
		bare = text[1:37]
	}
	if len(bare) != 36 {
		return text, scratch, false
	}
	changed := len(text) != 38
	for i, c := range bare {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return text, scratch, false
			}
		case '0' <= c && c <= '9' || 'A' <= c && c <= 'F':
		case 'a' <= c && c <= 'f':
			changed = true
		default:
			return text, scratch, false
		}
	}
	if !changed {
		return text, scratch, true
	}
	from := len(scratch)
	out := append(scratch, '{')
	for _, c := range bare {
		if 'a' <= c && c <= 'f' {
			c -= 'a' - 'A'
		}
		out = append(out, c)
	}
	out = append(out, '}')
	return out[from:len(out):len(out)], out, true
}

// CanonicalKeywords gives the canonical form of a Keywords mask, which is written in hexadecimal or as a signed or unsigned
// decimal: "0x" and lower-case digits. False means that the text is no mask.
func CanonicalKeywords(text, scratch []byte) (canonical, grown []byte, ok bool) {
	var mask uint64
	s := string(text)
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		n, err := strconv.ParseUint(s[2:], 16, 64)
		if err != nil {
			return text, scratch, false
		}
		mask = n
	} else if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		mask = uint64(n)
	} else if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		mask = n
	} else {
		return text, scratch, false
	}
	from := len(scratch)
	out := AppendNumber(scratch, Hex64, mask)
	return out[from:len(out):len(out)], out, true
}
