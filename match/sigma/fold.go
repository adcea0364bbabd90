package sigma

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// foldRune gives the one rune that stands for all runes equal to r without regard to case: the smallest of its orbit
// under unicode.SimpleFold, in lower case where that is an ASCII letter.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if f < least {
			least = f
		}
	}
	if 'A' <= least && least <= 'Z' {
		return least + 'a' - 'A'
	}
	return least
}

// appendFold appends the folded text: two texts are equal without regard to case exactly when their folded bytes
// are. Bytes that are not UTF-8 stay as they are.
func appendFold(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		if src[i] < utf8.RuneSelf {
			dst = append(dst, lower[src[i]])
			i++
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, src[i])
		case r < foldedRunes:
			dst = utf8.AppendRune(dst, rune(foldTable()[r]))
		default:
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		i += size
	}
	return dst
}

// foldTable is foldRune of the characters below foldedRunes, which is made when the first text beyond ASCII is met: looking each up took 11 ns a
// byte, two to three times what all else of an ordinary text costs.
var foldTable = sync.OnceValue(func() *[foldedRunes]uint16 {
	var t [foldedRunes]uint16
	for r := range t {
		t[r] = uint16(foldRune(rune(r)))
	}
	return &t
})

const foldedRunes = 1 << 16

func foldString(s string) string { return string(appendFold(nil, []byte(s))) }

// lower maps ASCII capitals to small letters and leaves all other bytes.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] = byte(i) + 'a' - 'A'
		}
	}
	return t
}()

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
