package sigma

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestParsePattern(t *testing.T) {
	for text, want := range map[string]string{
		``:         ``,
		`a`:        `"a"`,
		`*a?`:      `* "a" ?`,
		`a**b`:     `"a" * "b"`,
		`\*`:       `"*"`,
		`\?`:       `"?"`,
		`\\*`:      `"\\" *`,
		`\\\*`:     `"\\*"`,
		`\\\\`:     `"\\\\"`,
		`\\\\*`:    `"\\\\" *`,
		`\cmd.exe`: `"\\cmd.exe"`,
		`\\srv\x`:  `"\\srv\\x"`,
		`a\`:       `"a\\"`,
		`C:\*\x`:   `"C:*\\x"`,
	} {
		var got []string
		for _, token := range ParsePattern(text) {
			if token.Wild != 0 {
				got = append(got, string(token.Wild))
			} else {
				got = append(got, `"`+strings.ReplaceAll(token.Text, `\`, `\\`)+`"`)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s gives %s, want %s", text, s, want)
		}
	}
}

// slowPattern says what a pattern means by way of a regular expression.
func slowPattern(p Pattern, cased bool) *regexp.Regexp {
	s := `(?s)\A`
	if !cased {
		s = `(?is)\A`
	}
	for _, t := range p {
		switch t.Wild {
		case '*':
			s += `.*`
		case '?':
			s += `.`
		default:
			s += regexp.QuoteMeta(t.Text)
		}
	}
	return regexp.MustCompile(s + `\z`)
}

func checkPattern(t *testing.T, pattern, value string) {
	t.Helper()
	// In a regular expression the character U+FFFD matches bytes that are not UTF-8, in Sigma it does not.
	if !utf8.ValidString(pattern) || strings.ContainsRune(pattern, utf8.RuneError) || len(pattern) > 200 || len(value) > 2000 {
		return
	}
	p := ParsePattern(pattern)
	if back := ParsePattern(p.String()); p.String() != back.String() {
		t.Fatalf("%q is written as %q and read back as %q", pattern, p.String(), back.String())
	}
	for _, cased := range []bool{false, true} {
		test := newTextTest(p, cased)
		want := slowPattern(p, cased).MatchString(value)
		if got := test.match([]byte(value), foldValue([]byte(value))); got != want {
			t.Errorf("pattern %q cased %t on %q: %t, want %t", pattern, cased, value, got, want)
		}
	}
}

var patternSeeds = [][2]string{
	{`*a*b*`, "xxaxxbxx"}, {`a?c`, "abc"}, {`a?c`, "aéc"}, {`*?`, ""}, {`?*`, "x"}, {`*\*`, "a*"}, {`aa*aa`, "aaa"}, {`*ab?b*`, "aababb"},
	{`k`, "\u212a"}, {`ſ*`, "Same"}, {`*Σ`, "ΟΔΥΣΣΕΥς"}, {`İ`, "i̇"}, {`a*b?c`, "a\xffb\xffc"}, {``, ""}, {`*`, ""}, {`*a?`, "ba\xff"}, {`??`, "\xff\xfe"},
	{`*a?b`, "aab"}, {`?b*`, "\nb"}, {`*x?y?z*`, "xaybzxxyyz"},
}

func TestPatternsAgainstRegularExpressions(t *testing.T) {
	for _, s := range patternSeeds {
		checkPattern(t, s[0], s[1])
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range patternSeeds {
		f.Add(s[0], s[1])
	}
	f.Fuzz(checkPattern)
}

func TestFold(t *testing.T) {
	for _, same := range [][]string{{"K", "k", "\u212a"}, {"s", "S", "\u017f"}, {"Σ", "σ", "ς"}, {"É", "é"}, {"µ", "μ", "Μ"}} {
		for _, s := range same {
			if foldString(s) != foldString(same[0]) {
				t.Errorf("%q and %q fold apart", s, same[0])
			}
		}
	}
	if foldString("ß") == foldString("ss") || foldString("i") == foldString("İ") {
		t.Error("folding goes beyond simple folding")
	}
	if got := foldString("A\xffB"); got != "a\xffb" {
		t.Errorf("%q", got)
	}
}

// TestFoldedTextIsFoldedByCharacter holds the table against the characters that it stands for.
func TestFoldedTextIsFoldedByCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		if got, want := foldString(string(r)), string(foldRune(r)); got != want {
			t.Fatalf("%U is folded to %q, want %q", r, got, want)
		}
	}
}

func FuzzLowerASCII(f *testing.F) {
	f.Add([]byte("ABCdef@[`{ZZz\x80\xff~~AZ"))
	f.Fuzz(func(t *testing.T, src []byte) {
		dst := make([]byte, len(src))
		ascii := lowerASCII(dst, src)
		if ascii != isASCII(string(src)) {
			t.Errorf("%q: ascii %t", src, ascii)
		}
		for i, c := range src {
			if dst[i] != lower[c] {
				t.Fatalf("%q byte %d is %q", src, i, dst[i])
			}
		}
	})
}

func FuzzLiterals(f *testing.F) {
	f.Add("abc abcd bcde cde zzz \\cmd.exe", "xxabcdexx\\cmd.exe")
	f.Fuzz(func(t *testing.T, words, text string) {
		var list []string
		var place []uint8
		for i, w := range strings.Fields(words) {
			if len(w) >= minLiteral {
				list = append(list, w)
				place = append(place, uint8(i%4))
			}
		}
		if len(list) == 0 || len(list) > 500 {
			return
		}
		found := map[uint32]bool{}
		const first = 70 // numbers need not begin at 0
		seen := make([]uint64, (first+len(list)+63)/64)
		ids := newLiterals(list, place, first).find([]byte(text), seen, nil)
		for _, id := range ids {
			if found[id-first] {
				t.Errorf("%q is found twice", list[id-first])
			}
			found[id-first] = true
		}
		if unsee(seen, ids); slices.Max(seen) != 0 {
			t.Errorf("%x is left over", seen)
		}
		for i, w := range list {
			want := strings.Contains(text, w)
			switch place[i] {
			case atStart:
				want = strings.HasPrefix(text, w)
			case atEnd:
				want = strings.HasSuffix(text, w)
			case atStart | atEnd:
				want = text == w
			}
			if found[uint32(i)] != want {
				t.Errorf("%q (%d) in %q: %t, want %t", w, place[i], text, !want, want)
			}
		}
	})
}

func TestNeedsOfRegularExpressions(t *testing.T) {
	for _, source := range []string{`foo.*bar`, `(?i)foo|ba+r`, `a{3}b`, `(abc)?def`, `[xy]z+`, `.{5,}`, `^x(y|z)w$`, `K`, `(?i)k`, `\x{fffd}a`, `(a|)b`} {
		re := regexp.MustCompile(source)
		n := needsOf(re)
		for _, value := range []string{"foo bar", "FOO BAR", "bar", "aaab", "def", "abcdef", "xzz", "xyw", "xzw", "hello\nworld", "\u212a", "k", "\xffa", "b", "12345", "1234\n"} {
			if re.MatchString(value) && (len(value) < n.bytes || !n.met(foldValue([]byte(value)))) {
				t.Errorf("%s matches %q and its needs do not", source, value)
			}
			if n.line > 0 && hasLine([]byte(value), n.line) != re.MatchString(value) {
				t.Errorf("%s on %q: counting says otherwise", source, value)
			}
		}
	}
}

func FuzzRegexp(f *testing.F) {
	f.Add(`a[\h]b\e(?#x)c`, "a b\x1bc")
	f.Add(`(?i)foo(bar|baz){2}`, "FOOBARBAZ")
	f.Fuzz(func(t *testing.T, source, value string) {
		if len(source) > 100 || len(value) > 500 {
			return
		}
		re, err := compileRegexp(source, "")
		if err != nil {
			return
		}
		n := needsOf(re)
		if re.MatchString(value) && (len(value) < n.bytes || !n.met(foldValue([]byte(value)))) {
			t.Errorf("%s matches %q and its needs do not", re, value)
		}
	})
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1", "01", 0}, {"0x10", "16", 0}, {"-0", "0", 0}, {"1.0", "1", 0}, {"18446744073709551615", "18446744073709551614", 1}, {"-5", "3", -1}, {"-5", "-6", 1},
		{"1e3", "1000", 0}, {"9007199254740993", "9007199254740992", 1}, {"0.5", "1", -1}, {"0XfF", "255", 0},
	} {
		a, okA := NumberOf([]byte(c.a))
		b, okB := NumberOf([]byte(c.b))
		if !okA || !okB || a.Compare(b) != c.want {
			t.Errorf("%s against %s: %v %v %d", c.a, c.b, okA, okB, a.Compare(b))
		}
	}
	for _, no := range []string{"", "-", "0x", "1_000", " 1", "1 ", "inf", "nan", "1e", ".", "0x1g", "1e999", "0x10000000000000000"} {
		if n, ok := NumberOf([]byte(no)); ok {
			t.Errorf("%q is the number %s", no, n)
		}
	}
	if !bytes.Equal([]byte(NumberOfInt(-7).String()), []byte("-7")) {
		t.Error("minus seven")
	}
}

// foldValue folds one value into memory of its own.
func foldValue(raw []byte) []byte {
	return appendFold(make([]byte, 0, len(raw)+utf8.UTFMax), raw)
}
