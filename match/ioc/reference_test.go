package ioc

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// naive says whether one term is in a text, by the definitions of docs/formats/indicators.md and without any index.
func naive(t Term, text string) bool {
	if !t.byToken() {
		return naiveLiteral(t, text)
	}
	for _, run := range runsOf(text) {
		tok := lowerASCII(text[run[0]:run[1]])
		trimmed := strings.Trim(tok, ".-")
		from := run[0] + strings.Index(tok, trimmed)
		to := from + len(trimmed)
		numeric := trimmed != "" && trimmed[len(trimmed)-1] >= '0' && trimmed[len(trimmed)-1] <= '9'
		dotted := strings.Contains(tok, ".")
		short := len(trimmed) < 4 || len(trimmed) > maxDomain || !dotted
		switch t.Kind {
		case Hash:
			for _, piece := range strings.FieldsFunc(tok, func(r rune) bool { return r == '.' || r == '-' }) {
				if piece == t.Value {
					return true
				}
			}
		case FileName, Process:
			right := strings.TrimRight(tok, ".-")
			if dotted && len(right) <= maxName && (right == t.Value || trimmed == t.Value) {
				return true
			}
		case Domain:
			if !short && !numeric && (trimmed == t.Value || strings.HasSuffix(trimmed, "."+t.Value)) {
				return true
			}
		case Address:
			if short || !numeric {
				continue
			}
			for _, piece := range strings.Split(trimmed, "-") {
				if a, err := netip.ParseAddr(piece); err == nil && prefixOf(t.Value).Contains(a) {
					return true
				}
			}
		case Email:
			if short || numeric || from < 2 || text[from-1] != '@' {
				continue
			}
			begin := from - 1
			for begin > 0 && from-begin <= 65 && localByte[text[begin-1]] {
				begin--
			}
			if from-begin <= 65 && lowerASCII(strings.TrimLeft(text[begin:to], ".-=")) == t.Value {
				return true
			}
		case URL:
			if short {
				continue
			}
			at := from
			for _, piece := range hostsOf(trimmed, numeric) {
				begin := at + strings.Index(lowerASCII(text[at:to]), piece)
				if naiveURL(t.Value, text, begin, begin+len(piece)) {
					return true
				}
				at = begin + len(piece)
			}
		}
	}
	if t.Kind == Address && prefixOf(t.Value).Addr().Is6() {
		return naive6(prefixOf(t.Value), text)
	}
	return false
}

func hostsOf(trimmed string, numeric bool) []string {
	if !numeric {
		return []string{trimmed}
	}
	var all []string
	for _, piece := range strings.Split(trimmed, "-") {
		if a, err := netip.ParseAddr(piece); err == nil && a.Is4() {
			all = append(all, piece)
		}
	}
	return all
}

// runsOf lists the runs of words, dots and hyphens.
func runsOf(text string) (runs [][2]int) {
	for i := 0; i < len(text); i++ {
		from := i
		for i < len(text) && class[text[i]] != 0 {
			i++
		}
		if i > from {
			runs = append(runs, [2]int{from, i})
		}
	}
	return runs
}

func naiveURL(value, text string, from, to int) bool {
	host := lowerASCII(text[from:to])
	rest := text[to:]
	schemed := strings.HasSuffix(text[:from], "://") || strings.HasSuffix(text[:from], "@")
	if strings.HasPrefix(rest, ":") {
		digits := 0
		for digits < 6 && digits+1 < len(rest) && rest[digits+1] >= '0' && rest[digits+1] <= '9' {
			digits++
		}
		if digits > 0 {
			if port := rest[:digits+1]; port != ":80" && port != ":443" {
				host += port
			}
			rest = rest[digits+1:]
		}
	}
	if !strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, "?") {
		if !schemed {
			return false
		}
		rest = ""
	}
	end := 0
	for end < len(rest) && end < maxURL && urlByte(rest[end]) {
		end++
	}
	rest, _, _ = strings.Cut(rest[:end], "#")
	whole := string(appendPath([]byte(host), []byte(rest)))
	candidates := []string{whole}
	for s, n := whole, 0; len(s) > len(host)+1 && n < 4 && strings.ContainsAny(s[len(s)-1:], ".,;:!)]}*"); n++ {
		s = s[:len(s)-1]
		candidates = append(candidates, s)
	}
	bare, _, _ := strings.Cut(whole, "?")
	candidates = append(candidates, bare)
	cuts := 0
	for i := len(host); i < len(bare)-1 && cuts < maxCuts; i++ {
		if bare[i] == '/' {
			candidates = append(candidates, bare[:i+1])
			cuts++
		}
	}
	return slices.Contains(candidates, value)
}

// naive6 tries every substring that no word or colon touches.
func naive6(p netip.Prefix, text string) bool {
	begins := func(c byte) bool { return hexValue[c] < 16 || c == ':' }
	for from := 0; from < len(text); from++ {
		if !begins(text[from]) || from > 0 && (begins(text[from-1]) || isWord(text[from-1]) || text[from-1] == '.' && from > 1 && isWord(text[from-2])) {
			continue
		}
		to := from
		for to < len(text) && (begins(text[to]) || text[to] == '.' && to > from && hexValue[text[to-1]] < 16) {
			to++
		}
		tok := text[from:to]
		for strings.HasSuffix(tok, ".") || strings.HasSuffix(tok, ":") && !strings.HasSuffix(tok, "::") {
			tok = tok[:len(tok)-1]
		}
		if to-from > 45 || to < len(text) && isWord(text[to]) || !strings.Contains(tok, ":") {
			continue
		}
		if a, err := netip.ParseAddr(tok); err == nil && p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func naiveLiteral(t Term, text string) bool {
	low := []byte(lowerASCII(text))
	for _, l := range literalsOf(t, 0) {
		for at := 0; at+len(l.text) <= len(low); at++ {
			if string(low[at:at+len(l.text)]) != string(l.text) {
				continue
			}
			if l.pattern == nil {
				if l.stands(low, at, false) {
					return true
				}
				continue
			}
			spans, n := spansOf(l.kind, []byte(text), at, at+len(l.text), func(k spanKind, _ int, text []byte, at int) run { return longest(k, text, at) })
			for _, s := range spans[:n] {
				if l.matches([]byte(text[s[0]:s[1]])) {
					return true
				}
			}
		}
	}
	return false
}

// sampleTerms are indicators of every kind and comparison; they come in families, so that one is almost another.
func sampleTerms(t testing.TB) *Collection {
	c := &Collection{}
	add := func(k Kind, h How, v string) {
		term, err := Canonical(k, h, v)
		if err != nil {
			t.Fatalf("%s %q: %v", k, v, err)
		}
		c.Indicators = append(c.Indicators, Indicator{Term: term, About: &About{Title: "sample"}})
	}
	for _, v := range []string{"203.0.113.7", "198.51.100.0/24", "198.51.0.0/16", "2001:db8::1", "2001:db8:77::/48"} {
		add(Address, Is, v)
	}
	for _, v := range []string{"evil.example", "b.evil.example", "login-evil.example", "xn--bcher-kva.example"} {
		add(Domain, Is, v)
	}
	for _, v := range []string{"http://evil.example/a/b.php", "https://evil.example:8443/x/", "evil.example/q?id=7", "http://203.0.113.7/drop", "http://root.example/"} {
		add(URL, Is, v)
	}
	for _, v := range []string{strings.Repeat("0123456789abcdef", 2), strings.Repeat("fedcba9876543210", 4), strings.Repeat("0123456789abcdef", 8), strings.Repeat("abcd012345", 4)} {
		add(Hash, Is, v)
	}
	add(Email, Is, "bad.actor@evil.example")
	for _, v := range []string{"dropper.exe", "my tool.exe", "rce_loader.js", ".hidden.plist"} {
		add(FileName, Is, v)
	}
	add(Process, Is, "bfrgbd")
	add(Process, Is, "dropper.exe")
	for _, v := range []string{`C:\evil\drop.dll`, "/private/var/tmp/hooker", `%TEMP%\zz.tmp`, "/data/evil/"} {
		add(FilePath, Is, v)
	}
	add(FilePath, Contains, `\appdata\evil`)
	add(Directory, Is, `c:\evil\folder`)
	add(CommandLine, Is, "vssadmin delete shadows")
	add(UserAgent, Is, "EvilAgent/1.0 (x)")
	add(Mutex, Is, `Global\EvilMutex`)
	add(Registry, Is, `HKEY_CURRENT_USER\Software\Evil\Run`)
	add(Registry, Contains, `currentversion\evil`)
	add(Certificate, Is, "0a:1b:2c:3d:4e:5f:60:71")
	add(Application, Is, "com.evil.app")
	add(Text, Contains, "mimilib")
	add(Text, Starts, "sekur")
	add(Text, Ends, "LSA::x")
	add(Domain, Pattern, likeToRegexp("%.wild.example"))
	add(URL, Pattern, `gate[0-9]+\.php$`)
	add(FilePath, Pattern, `\\(svch0st|lsasss)\.exe$`)
	add(FilePath, Pattern, `\\Lit\.eXe`)
	add(FileName, Pattern, `^evil_[a-z]{3}\.bin$`)
	return c
}

func found1(s *Set, text string) []int {
	var ids []int
	f := finder{set: s, hit: func(id int) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}}
	f.find([]byte(text))
	slices.Sort(ids)
	return ids
}

func compare(t *testing.T, s *Set, text string) {
	t.Helper()
	got := found1(s, text)
	var want []int
	for i := range s.Len() {
		if naive(s.Rule(event.RuleIndex(i)).Term, text) {
			want = append(want, i)
		}
	}
	if !slices.Equal(got, want) {
		name := func(ids []int) (all []string) {
			for _, i := range ids {
				all = append(all, s.rules[i].Term.String())
			}
			return all
		}
		t.Fatalf("in %q\nfound     %q\nreference %q", text, name(got), name(want))
	}
}

// mutate makes text of indicators, pieces of them and ordinary words, joined by every kind of separator.
func mutate(r *rand.Rand, c *Collection) string {
	words := []string{"GET", "C:\\Windows", "1.2.3.4", "http://", "https://", "x", "index.html", "deadbeef", "@", "user", "/", "a.b", "HKU\\S-1-5-21-1-2-3-1001", "HKLM", "\\REGISTRY\\MACHINE", "::", "12:34:56", "svch0st.exe", `\Lit.eXe`, `\svch0st.exe`, "gate12.php",
		"a.wild.example", "evil_abc.bin", "\xc3\xbc", "2001:db8:77:0:1::9", "198.51.100.9", "sub.", "evil", ".example", "example.com", ":443", ":8443", "?id=7", "#frag", "%61", "q", "hxxp"}
	joints := []string{" ", "", "", ".", "/", "\\", "\"", "-", ":", "\t", "_", "=", ",", "@", ";", "'", "(", ")", "\n", "|"}
	var b strings.Builder
	for range 1 + r.IntN(8) {
		var w string
		if r.IntN(2) == 0 {
			w = c.Indicators[r.IntN(len(c.Indicators))].Term.Value
		} else {
			w = words[r.IntN(len(words))]
		}
		switch r.IntN(8) {
		case 0:
			w = strings.ToUpper(w)
		case 1:
			if len(w) > 2 {
				w = w[:1+r.IntN(len(w)-1)]
			}
		case 2:
			if len(w) > 2 {
				w = w[r.IntN(len(w)-1):]
			}
		case 3:
			w += fmt.Sprint(r.IntN(10))
		}
		b.WriteString(w)
		b.WriteString(joints[r.IntN(len(joints))])
	}
	return b.String()
}

func TestScannerEqualsReference(t *testing.T) {
	c := sampleTerms(t)
	s := Compile(sampleTerms(t), Options{})
	r := rand.New(rand.NewPCG(7, 11))
	hits, texts := 0, 15_000
	if testing.Short() {
		texts = 3_000
	}
	for range texts {
		text := mutate(r, c)
		compare(t, s, text)
		hits += len(found1(s, text))
	}
	if hits < texts/3 {
		t.Errorf("only %d hits: the texts test little", hits)
	}
}

func FuzzScan(f *testing.F) {
	c := sampleTerms(f)
	for _, in := range c.Indicators {
		f.Add("x " + in.Term.Value + " y")
		f.Add("https://" + strings.ToUpper(in.Term.Value) + "/a?b")
	}
	s := Compile(sampleTerms(f), Options{})
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 1<<12 {
			compare(t, s, text)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"evil[.]example\nhxxp://a[.]example/x\n", "value,type\n1.2.3.4,ip\n", `{"type":"bundle","objects":[{"type":"indicator","id":"i","pattern":"[a:b = 'c'] OR [file:name MATCHES 'x.*yzz' AND url:value LIKE '%a_b%']"}]}`,
		`{"Event":{"info":"x","Attribute":[{"type":"domain|ip","value":"a.example|1.2.3.4","to_ids":true}]}}`, `<ioc id="1"><definition><Indicator operator="AND"><IndicatorItem condition="is"><Context search="FileItem/Md5sum"/><Content>0123456789abcdef0123456789abcdef</Content></IndicatorItem></Indicator></definition></ioc>`,
		"|===\n|`0123456789abcdef0123456789abcdef`|`a.exe`\n|===", `\\x\.exe;80;y`, "\xff\xfea\x00.\x00b\x00", "\x1f\x8b\x08",
	} {
		f.Add("report.txt", []byte(seed))
		f.Add("report.md", []byte(seed))
		f.Add("hashes.csv", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		c := &Collection{}
		c.Read(name, text)
		s := Compile(c, Options{})
		found1(s, string(text[:min(len(text), 4096)]))
		for i := range s.Len() {
			if s.Rule(event.RuleIndex(i)).RuleID() == "" || s.Rule(event.RuleIndex(i)).Level() == "" {
				t.Fatal("an indicator without id or level")
			}
		}
	})
}
