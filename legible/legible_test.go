package legible

import (
	"strings"
	"testing"
)

func TestWhatIsShown(t *testing.T) {
	for in, want := range map[string][2]string{
		"plain, 中文":  {"plain, 中文", "plain, 中文"},
		"a\u202eb":   {"a⟨U+202E⟩b", "a⟨U+202E⟩b"},
		"a\nb\t\x1b": {"a⟨U+000A⟩b⟨U+0009⟩⟨U+001B⟩", "a\nb\t⟨U+001B⟩"},
		"\xff\u200b": {"\ufffd⟨U+200B⟩", "\ufffd⟨U+200B⟩"},
	} {
		if got := [2]string{Visible(in), Lines(in)}; got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("a\u202eb\x1b[0m\xff\n")
	f.Add("\b\b\b")
	f.Fuzz(func(t *testing.T, s string) {
		out := Visible(s)
		if strings.IndexFunc(out, Treacherous) >= 0 {
			t.Errorf("%q passes as %q", s, out)
		}
		if len(out) > len("⟨U+0008⟩")*len(s) {
			t.Errorf("%q grows to %q", s, out)
		}
		for _, show := range []func(string) string{Visible, Lines} {
			if once := show(s); show(once) != once {
				t.Errorf("%q changes again", once)
			}
		}
	})
}
