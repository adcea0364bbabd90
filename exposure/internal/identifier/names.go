package identifier

import (
	"bytes"

	"golang.org/x/text/unicode/norm"
)

var titles = [][]byte{[]byte("MSTR"), []byte("MISS"), []byte("MRS"), []byte("CHD"), []byte("INF"), []byte("MR"), []byte("MS"), []byte("DR")}

// AppendName appends the form of a name by which two records are compared: capital letters without
// spaces, fillers, titles at the end ("JOHNMR", "NINA MS") or the accents of Latin-1 in UTF-8.
// Letters of other scripts stay as they are.
func AppendName(dst, name []byte, given bool) []byte {
	if given {
		name = untitle(name)
	}
	if decomposed(name) {
		name = norm.NFC.Bytes(name)
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			dst = append(dst, c)
		case c >= 'a' && c <= 'z':
			dst = append(dst, c-32)
		case c == 0xC3 && i+1 < len(name):
			i++
			dst = appendLatin(dst, name[i])
		case c >= 0x80:
			dst = append(dst, c)
		}
	}
	return dst
}

// decomposed says whether accents stand as characters of their own, U+0300 to U+036F.
func decomposed(name []byte) bool {
	return bytes.IndexByte(name, 0xCC) >= 0 || bytes.IndexByte(name, 0xCD) >= 0
}

// appendLatin writes U+00C0 to U+00FF as machine readable zones do (ICAO 9303-3, table 6-A).
func appendLatin(dst []byte, low byte) []byte {
	const plain = "AAAAAA_CEEEEIIIIDNOOOOO*OUUUUYTsAAAAAA_CEEEEIIIIDNOOOOO/OUUUUYTY"
	switch low - 0x80 {
	case 0x05, 0x25:
		return append(dst, "AA"...)
	case 0x06, 0x26:
		return append(dst, "AE"...)
	case 0x16, 0x36, 0x18, 0x38:
		return append(dst, "OE"...)
	case 0x04, 0x24:
		return append(dst, "AE"...)
	case 0x1C, 0x3C:
		return append(dst, "UE"...)
	case 0x1E, 0x3E:
		return append(dst, "TH"...)
	case 0x1F:
		return append(dst, "SS"...)
	case 0x17, 0x37:
		return dst
	}
	if int(low-0x80) < len(plain) {
		return append(dst, plain[low-0x80])
	}
	return dst
}

// untitle cuts one title off the end when at least two letters stay.
func untitle(name []byte) []byte {
	name = bytes.TrimRight(name, " .")
	for _, t := range titles {
		if n := len(name) - len(t); n >= 2 && bytes.EqualFold(name[n:], t) {
			return bytes.TrimRight(name[:n], " .")
		}
	}
	return name
}
