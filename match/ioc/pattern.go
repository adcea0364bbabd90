package ioc

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// compilePattern compiles the pattern of a term. Names that have no case are compared without.
func compilePattern(t Term) (*regexp.Regexp, error) {
	text := t.Value
	switch t.Kind {
	case Domain, Email, Hash, Registry:
		text = "(?i)" + text
	}
	return regexp.Compile(text)
}

// probes are made-up values of every kind. A pattern that matches one of them matches by form, not by name.
var probes = []string{"", "a", "7", "qzxvkw", "qzxvkw.com", "www.qzxvkw.net", "qzxvkw.org", "10.213.77.9", "http://www.qzxvkw.com/", "https://qzxvkw.org/qzx/vkw.html?q=1", "qzx@qzxvkw.com",
	`C:\qzx\vkw.exe`, `C:\Windows\System32\qzxvkw.dll`, `C:\Users\qzx\AppData\Local\Temp\vkw.tmp`, "/usr/bin/qzxvkw", "/tmp/qzxvkw", "qzxvkw.exe", "qzxvkw.dll", `HKEY_LOCAL_MACHINE\Software\qzxvkw`, `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\qzxvkw`,
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36", "5f4dcc3b5aa765d61d8327deb882cf99"}

func checkPattern(t Term) error {
	re, err := compilePattern(t)
	if err != nil {
		return fmt.Errorf("the expression cannot be run exactly: %w", err)
	}
	for _, p := range probes {
		if re.MatchString(p) {
			return fmt.Errorf("the pattern matches the made-up value %q: it would match nearly everything", p)
		}
	}
	if required(re) == nil {
		return errors.New("the pattern has no fixed text of three bytes to look for: it would be tried on everything")
	}
	return nil
}

// likeToRegexp writes a STIX LIKE pattern, % for any text and _ for one character, as a regular expression.
func likeToRegexp(like string) string {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for _, r := range like {
		switch r {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	b.WriteByte('$')
	return b.String()
}

// Bounds of the required texts of a pattern.
const (
	leastRequired = 3
	mostRequired  = 32
)

// required gives texts, in lower case, one of which stands in everything that the expression matches; nil when there are none that
// are long enough and few enough.
func required(re *regexp.Regexp) []string {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return nil
	}
	texts := requiredOf(parsed.Simplify(), 0)
	if shortest(texts) < leastRequired {
		return nil
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func shortest(texts []string) int {
	if len(texts) == 0 {
		return -1
	}
	n := len(texts[0])
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}

// everywhere are texts that say little: most paths and links have one.
var everywhere = strings.NewReplacer(".exe", "", ".dll", "", ".tmp", "", ".txt", "", ".dat", "", ".php", "", ".asp", "", ".js", "", "windows", "", "system32", "", "syswow64", "", "users", "", "appdata", "", "local", "", "roaming", "",
	"program files", "", "programdata", "", "temp", "", "microsoft", "", "http", "", "www", "", ".com", "", "\\", "", "/", "", "public", "")

// telling ranks texts of which one must be there by what is left of the least telling one without what stands everywhere.
func telling(texts []string) int {
	least := 1 << 20
	for _, t := range texts {
		least = min(least, 100*len(everywhere.Replace(t))+len(t))
	}
	return least - len(texts)
}

func requiredOf(re *syntax.Regexp, depth int) []string {
	if depth > 100 {
		return nil
	}
	switch re.Op {
	case syntax.OpLiteral:
		text := string(re.Rune)
		if re.Flags&syntax.FoldCase != 0 && !isASCII(text) {
			return nil // other letters fold in ways that lower-casing ASCII does not follow
		}
		return []string{lowerASCII(text)}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredOf(re.Sub[0], depth+1)
	case syntax.OpRepeat:
		if re.Min >= 1 {
			return requiredOf(re.Sub[0], depth+1)
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if texts := requiredOf(sub, depth+1); shortest(texts) >= leastRequired && (best == nil || telling(texts) > telling(best)) {
				best = texts
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			texts := requiredOf(sub, depth+1)
			if texts == nil || len(all)+len(texts) > mostRequired {
				return nil
			}
			all = append(all, texts...)
		}
		return all
	}
	return nil
}

// needsBackslash says whether everything that the expression matches has a backslash.
func needsBackslash(re *regexp.Regexp) bool {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	return err == nil && mustHave(parsed.Simplify(), '\\', 0)
}

func mustHave(re *syntax.Regexp, c rune, depth int) bool {
	if depth > 100 {
		return false
	}
	in := func(sub *syntax.Regexp) bool { return mustHave(sub, c, depth+1) }
	switch re.Op {
	case syntax.OpLiteral:
		return slices.Contains(re.Rune, c)
	case syntax.OpCapture, syntax.OpPlus:
		return in(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min > 0 && in(re.Sub[0])
	case syntax.OpConcat:
		return slices.ContainsFunc(re.Sub, in)
	case syntax.OpAlternate:
		return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !in(sub) })
	}
	return false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// lowerASCII lowers ASCII letters and leaves all other bytes.
func lowerASCII(s string) string { return string(appendLower(nil, []byte(s))) }

func appendLower(dst, s []byte) []byte {
	at := len(dst)
	dst = append(dst, s...)
	for i, c := range dst[at:] {
		dst[at+i] = lower[c]
	}
	return dst
}

var lower = func() (t [256]byte) {
	for c := range 256 {
		t[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			t[c] += 'a' - 'A'
		}
	}
	return t
}()

// isWord says whether a byte continues a word: a letter, a digit, an underscore, or part of a character beyond ASCII.
func isWord(c byte) bool { return class[c] == word }
