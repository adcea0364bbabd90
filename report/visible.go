package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible writes characters that turn, hide or control text as ⟨U+202E⟩, so that a reader sees them instead of what they do. It is for
// pages and other places where text is not read by a terminal. Invalid UTF-8 becomes U+FFFD.
func Visible(s string) string {
	if strings.IndexFunc(s, treacherous) < 0 && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if treacherous(r) {
			fmt.Fprintf(&out, "⟨U+%04X⟩", r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// treacherous are controls, format characters (bidirectional and zero-width ones among them), line separators, private use.
func treacherous(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}
