package ioc

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Canonical brings a value to the form in which it is compared, and refuses one that is none of its kind or would match everything.
// Defanged forms are undone first.
func Canonical(kind Kind, how How, value string) (Term, error) {
	if len(value) > maxValue {
		return Term{}, fmt.Errorf("the value is longer than %d bytes", maxValue)
	}
	t := Term{Kind: kind, How: how, Value: strings.TrimSpace(value)}
	if t.Value == "" {
		return t, errors.New("the value is empty")
	}
	if strings.ContainsAny(t.Value, "\x00") {
		return t, errors.New("the value holds a zero byte")
	}
	if how == Pattern {
		return t, checkPattern(t)
	}
	switch kind {
	case Address, Domain, URL, Email, CommandLine, Text:
		t.Value = Refang(t.Value)
	}
	if how != Is {
		return contained(t)
	}
	var err error
	switch kind {
	case Address:
		t.Value, err = canonicalAddress(t.Value)
	case Domain:
		t.Value, err = canonicalDomain(t.Value)
	case URL:
		t.Value, err = canonicalURL(t.Value)
	case Hash:
		t.Value, err = canonicalHash(t.Value)
	case Email:
		t.Value, err = canonicalEmail(t.Value)
	case FileName, Process:
		if strings.ContainsAny(t.Value, `\/`) {
			t.Kind = FilePath
			return Canonical(FilePath, how, t.Value)
		}
		t.Value = strings.ToLower(t.Value)
		err = checkText(t.Value, 3)
	case FilePath:
		t.Value, err = canonicalPath(t.Value)
	case Directory:
		if t.Value, err = canonicalPath(t.Value); err == nil && !strings.HasSuffix(t.Value, `\`) && !strings.HasSuffix(t.Value, "/") {
			t.Value += separatorOf(t.Value)
		}
	case Registry:
		t.Value, err = canonicalRegistry(t.Value)
	case Certificate:
		t.Value, err = canonicalSerial(t.Value)
	case CommandLine, UserAgent, Mutex, Application, Text:
		err = checkText(t.Value, 4)
	default:
		err = fmt.Errorf("%s is no kind of value", kind)
	}
	return t, err
}

// maxValue bounds an indicator's value in bytes.
const maxValue = 4096

var defanged = strings.NewReplacer(
	"[.]", ".", "(.)", ".", "{.}", ".", "[.", ".", ".]", ".", "[dot]", ".", "(dot)", ".", "{dot}", ".", "[DOT]", ".", "(DOT)", ".", `\.`, ".", "[,]", ".", "。", ".", "．", ".",
	"[:]", ":", "[://]", "://", "[:/]", ":/", "[:]//", "://", "[/]", "/", "[at]", "@", "(at)", "@", "[AT]", "@", "{at}", "@", "[@]", "@", "(@)", "@",
)

var hxxp = regexp.MustCompile(`(?i)\bhxxp(s?)://`)

// Refang undoes the forms that keep people from following a link: hxxp, [.], (dot), [at], [:], \. and their like.
func Refang(s string) string {
	if strings.ContainsAny(s, `[({\`) || strings.ContainsRune(s, '。') || strings.ContainsRune(s, '．') {
		s = defanged.Replace(s)
	}
	if strings.Contains(s, " ") { // a command line with a link in it
		s = hxxp.ReplaceAllString(s, "http$1://")
	}
	if at := strings.Index(s, "://"); at > 0 && at <= 6 {
		switch strings.ToLower(s[:at]) {
		case "hxxp", "hxtp", "htxp", "xxxp", "httx", "hxxx", "meow", "h**p", "ttp":
			s = "http" + s[at:]
		case "hxxps", "hxtps", "htxps", "xxxps", "h**ps", "ttps":
			s = "https" + s[at:]
		case "fxp":
			s = "ftp" + s[at:]
		}
	}
	return s
}

// isDefanged says whether a text is a network name written so that nobody follows it: a sign that it is meant as an indicator.
func isDefanged(s string) bool {
	if strings.Contains(s, `\.`) && !strings.Contains(s, `\\`) && Refang(s) != s {
		return true
	}
	for _, mark := range []string{"[.]", "(.)", "{.}", "[dot]", "(dot)", "[.", ".]", "[:]", "[at]", "[@]"} {
		if strings.Contains(s, mark) {
			return true
		}
	}
	lower := strings.ToLower(s)
	return strings.HasPrefix(lower, "hxxp") || strings.HasPrefix(lower, "hxtp")
}

func canonicalAddress(s string) (string, error) {
	s = strings.Trim(s, "[]")
	if p, err := netip.ParsePrefix(s); err == nil {
		if p.Addr().Is4In6() {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		least := 8
		if p.Addr().Is6() {
			least = 16
		}
		if p.Bits() < least {
			return s, fmt.Errorf("the network is wider than /%d: it would match nearly every address", least)
		}
		p = p.Masked()
		if p.IsSingleIP() {
			return canonicalAddress(p.Addr().String())
		}
		return p.String(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		if ap, err := netip.ParseAddrPort(s); err == nil { // host and port: the port is not compared
			return canonicalAddress(ap.Addr().String())
		}
		return s, errors.New("the value is no IP address and no network")
	}
	a = a.Unmap().WithZone("")
	if a.IsUnspecified() || a.IsLoopback() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return s, errors.New("the address means every host or the host itself: it would match everywhere")
	}
	return a.String(), nil
}

func canonicalDomain(s string) (string, error) {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(s), "*."), "."), ".")
	s = strings.TrimSuffix(s, "/")
	if host, port, ok := strings.Cut(s, ":"); ok && isDigits(port) {
		s = host
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return s, errors.New("the value is an address, not a domain")
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(s)
			if err != nil {
				return s, fmt.Errorf("the value is no domain: %w", err)
			}
			s = ascii
			break
		}
	}
	if !isDomain(s) {
		return s, errors.New("the value is no domain")
	}
	if suffix, icann := publicsuffix.PublicSuffix(s); icann && suffix == s {
		return s, errSuffix
	}
	return s, nil
}

var errSuffix = errors.New("the value is a public suffix: every domain below it would match")

// isDomain says whether s, in lower case, has the form of a name with at least two labels.
func isDomain(s string) bool {
	if len(s) > maxDomain || !strings.Contains(s, ".") {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
		last = label
	}
	return !isDigits(last)
}

// known says whether the domain ends in a suffix that exists: what tells a name from a file name.
func known(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	return (icann || strings.Contains(suffix, ".")) && suffix != domain || beside[suffix]
}

// beside are endings of names outside the public name system: reserved ones (RFC 6761, RFC 6762, RFC 7686) and those in common use.
var beside = setOf("onion example test invalid localhost local internal lan home corp intranet bit i2p")

const maxDomain = 253

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// canonicalURL gives host[:port]/path[?query]: no scheme, no user, no fragment, no default port.
func canonicalURL(s string) (string, error) {
	if strings.ContainsAny(s, "<>{} \t\"") {
		return s, errors.New("the URL has a placeholder or a character that stands in none")
	}
	rest := s
	if at := strings.Index(rest, "://"); at >= 0 {
		rest = rest[at+3:]
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	authority, tail := rest, "/"
	if end >= 0 {
		authority, tail = rest[:end], rest[end:]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	host, port := authority, ""
	if at := strings.LastIndexByte(authority, ':'); at >= 0 && !strings.HasSuffix(authority, "]") {
		host, port = authority[:at], authority[at+1:]
		if port != "" && !isDigits(port) {
			return s, errors.New("the value is no URL: its port is no number")
		}
	}
	switch {
	case strings.HasPrefix(host, "["):
		return s, errors.New("a URL whose host is an IPv6 address is not compared: give the address")
	case isAddress4(host):
	default:
		d, err := canonicalDomain(host)
		if err != nil {
			return s, fmt.Errorf("the host of the URL: %w", err)
		}
		host = d
	}
	if port == "80" || port == "443" {
		port = ""
	}
	if port != "" {
		host += ":" + port
	}
	return string(appendPath([]byte(host), []byte(tail))), nil
}

func isAddress4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

// appendPath appends path and query with percent-encodings normalised (RFC 3986, section 6.2.2): letters, digits, "-", ".", "_"
// and "~" are decoded, other digits are upper case. A query without a path gets one.
func appendPath(dst, path []byte) []byte {
	if len(path) == 0 || path[0] != '/' {
		dst = append(dst, '/')
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) && hexValue[path[i+1]] < 16 && hexValue[path[i+2]] < 16 {
			d := hexValue[path[i+1]]<<4 | hexValue[path[i+2]]
			if unreserved(d) {
				dst = append(dst, d)
			} else {
				dst = append(dst, '%', upperHex[d>>4], upperHex[d&15])
			}
			i += 2
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

const upperHex = "0123456789ABCDEF"

// unreserved says whether a byte stands in a URL as itself even where it was encoded.
func unreserved(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// hashNames gives the digests by their length in hexadecimal digits.
var hashNames = map[int]string{32: "MD5", 40: "SHA-1", 56: "SHA-224", 64: "SHA-256", 96: "SHA-384", 128: "SHA-512"}

// emptyHashes are the digests of nothing: every empty file has them.
var emptyHashes = map[string]bool{
	"d41d8cd98f00b204e9800998ecf8427e":                                                                                                 true,
	"da39a3ee5e6b4b0d3255bfef95601890afd80709":                                                                                         true,
	"d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f":                                                                         true,
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855":                                                                 true,
	"38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b":                                 true,
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e": true,
}

func canonicalHash(s string) (string, error) {
	s = strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X"))
	if strings.Contains(s, ":") { // fingerprints are written aa:bb:cc
		s = strings.ReplaceAll(s, ":", "")
	}
	if !isHex(s) || hashNames[len(s)] == "" {
		return s, errors.New("the value is no hexadecimal digest of a known length")
	}
	if emptyHashes[s] {
		return s, errors.New("the value is the digest of an empty file: every empty file would match")
	}
	if strings.Count(s, s[:1]) == len(s) {
		return s, errors.New("the value is one digit repeated: it stands for no file")
	}
	return s, nil
}

func isHex(s string) bool {
	for i := range len(s) {
		if hexValue[s[i]] > 15 {
			return false
		}
	}
	return s != ""
}

// hexValue gives the value of a hexadecimal digit, 255 for other bytes.
var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()

func canonicalEmail(s string) (string, error) {
	s = strings.ToLower(strings.Trim(strings.TrimPrefix(strings.ToLower(s), "mailto:"), "<>"))
	local, domain, ok := strings.Cut(s, "@")
	if !ok || strings.Contains(domain, "@") || len(local) > 64 {
		return s, errors.New("the value is no e-mail address")
	}
	if local == "" || local == "*" {
		return s, errors.New("the value names a domain, not an e-mail address")
	}
	for i := range len(local) {
		if !localByte[local[i]] {
			return s, errors.New("the value is no e-mail address: its local part cannot be told from the text around it")
		}
	}
	if !isDomain(domain) {
		return s, errors.New("the value is no e-mail address: its domain is none")
	}
	return s, nil
}

// localByte holds what a local part is made of where it is not quoted.
var localByte = func() (t [256]bool) {
	for c := range 256 {
		t[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("._-+%'&~!#$*{}|^?", byte(c)) >= 0 && c != 0 || c >= 0x80
	}
	for _, c := range "'{}|*?&!^" {
		t[c] = false
	}
	return t
}()

func separatorOf(path string) string {
	if strings.Contains(path, `\`) || !strings.Contains(path, "/") {
		return `\`
	}
	return "/"
}

var variable = regexp.MustCompile(`^(%[A-Za-z0-9_()]+%|\$\{?[A-Za-z_]+\}?|~|CSIDL_[A-Z_]+|\[[A-Z_ ]+\]|<[a-z_ ]+>)[\\/]`)

// canonicalPath lowers the case. A variable in front stands for any folder: what follows is compared as the end of a path.
func canonicalPath(s string) (string, error) {
	s = strings.Trim(s, `"'`)
	if m := variable.FindString(s); m != "" {
		s = s[len(m)-1:]
	}
	s = strings.ToLower(s)
	if strings.Contains(s, `\\`) && !strings.HasPrefix(s, `\\`) {
		s = strings.ReplaceAll(s, `\\`, `\`)
	}
	if strings.ContainsAny(s, "*?") {
		return s, errors.New("the path has wildcards: state it as a pattern")
	}
	return s, checkText(strings.Trim(s, `\/`), 3)
}

// hives gives the spellings of the registry's roots.
var hives = []struct{ long, short, kernel string }{
	{"hkey_local_machine", "hklm", `\registry\machine`},
	{"hkey_current_user", "hkcu", `\registry\user`},
	{"hkey_users", "hku", `\registry\user`},
	{"hkey_classes_root", "hkcr", ""},
	{"hkey_current_config", "hkcc", ""},
}

// canonicalRegistry lowers the case and gives the hive its short name: hklm\software\x. Without a hive it begins with a backslash.
func canonicalRegistry(s string) (string, error) {
	s = strings.ToLower(strings.Trim(strings.ReplaceAll(s, "/", `\`), `"' `))
	if strings.Contains(s, `\\`) {
		s = strings.ReplaceAll(s, `\\`, `\`)
	}
	s = strings.TrimRight(s, `\`)
	hive, key := "", s
	for _, h := range hives {
		for _, name := range []string{h.long, h.short, h.kernel} {
			if rest, ok := strings.CutPrefix(s, name+`\`); ok && name != "" {
				hive, key = h.short, rest
			}
		}
	}
	key = strings.TrimLeft(key, `\`)
	if strings.Count(key, `\`) < 1 {
		return s, errors.New("the registry path has less than two parts: it would match everywhere")
	}
	if strings.ContainsAny(key, "*?") {
		return s, errors.New("the registry path has wildcards: state it as a pattern")
	}
	return hive + `\` + key, checkText(key, 6)
}

func canonicalSerial(s string) (string, error) {
	s = strings.ToLower(strings.NewReplacer(":", "", " ", "", "-", "").Replace(strings.TrimPrefix(strings.ToLower(s), "0x")))
	if !isHex(s) || len(s) < 12 {
		return s, errors.New("the value is no serial number of at least 12 hexadecimal digits: shorter ones are not unique")
	}
	return s, nil
}

// checkText refuses a text that says too little to be searched for.
func checkText(s string, least int) error {
	if len(s) < least {
		return fmt.Errorf("the text is shorter than %d bytes: it would match nearly everything", least)
	}
	for i := range len(s) {
		if isWord(s[i]) {
			return nil
		}
	}
	return errors.New("the text has no letter or digit")
}

// contained brings a value that is part of something to its form.
func contained(t Term) (Term, error) {
	switch t.Kind {
	case Hash:
		return t, errors.New("a part of a hash is not compared")
	case Address:
		if v, err := canonicalAddress(t.Value); err == nil {
			return Term{Address, Is, v}, nil
		}
		t.How = Starts
	case Domain: // reports write "contains" for a domain with its subdomains
		if v, err := canonicalDomain(t.Value); err == nil && t.How != Starts {
			return Term{Domain, Is, v}, nil
		}
	case URL:
		if at := strings.Index(t.Value, "://"); at >= 0 {
			t.Value = t.Value[at+3:]
		}
	case Registry:
		t.Value = strings.ReplaceAll(t.Value, `\\`, `\`)
	}
	if t.Kind != URL {
		t.Value = strings.ToLower(t.Value)
	}
	return t, checkText(t.Value, 4)
}

// parseURL is used by readers to tell a URL with a scheme.
func parseURL(s string) bool {
	at := strings.Index(s, "://")
	if at < 1 || at > 12 {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" || strings.ContainsAny(s[at+3:], ".:")
}
