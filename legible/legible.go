// Package legible shows text from strangers so that a reader sees it and nothing obeys it: characters that control, turn or hide text are
// known in one place. What is shown is never longer than nine bytes for a byte of the text, and showing it twice changes nothing more.
package legible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Treacherous are controls, format characters (bidirectional and zero-width ones among them), line separators, private use.
func Treacherous(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// Visible writes treacherous characters as ⟨U+202E⟩, so that a reader sees them instead of what they do. It is for
// pages and other places where text is not read by a terminal. Invalid UTF-8 becomes U+FFFD.
func Visible(s string) string { return visible(s, Treacherous) }

// Lines is Visible for a text of several lines: line feeds and tabs stay.
func Lines(s string) string {
	return visible(s, func(r rune) bool { return r != '\n' && r != '\t' && Treacherous(r) })
}

func visible(s string, bad func(rune) bool) string {
	if strings.IndexFunc(s, bad) < 0 && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if bad(r) {
			fmt.Fprintf(&out, "⟨U+%04X⟩", r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}
