package report

import (
	"strings"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/legible"
)

// Clean makes text from evidence safe for a terminal: control characters, escape sequences' introducers, characters that
// turn or hide text (bidirectional controls, zero-width and other format characters), line separators and invalid UTF-8
// become U+FFFD.
func Clean(s string) string {
	safe := true
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f {
			safe = false
			break
		}
	}
	if safe {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || legible.Treacherous(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}
