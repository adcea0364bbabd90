package fingerprint

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// Kind is what an item is.
type Kind string

// The kinds of items. Values are written as in docs/formats/fingerprint.md.
const (
	SHA256       Kind = "sha256"
	SHA1         Kind = "sha1"
	MD5          Kind = "md5"
	ImpHash      Kind = "imphash"
	TLSH         Kind = "tlsh"
	SSDeep       Kind = "ssdeep"
	FileName     Kind = "file-name"
	FilePath     Kind = "file-path"
	Mutex        Kind = "mutex"
	Pipe         Kind = "pipe"
	Service      Kind = "service"
	Task         Kind = "task"
	Registry     Kind = "registry"
	Domain       Kind = "domain"
	IP           Kind = "ip"
	URL          Kind = "url"
	JA3          Kind = "ja3"
	JA4          Kind = "ja4"
	Certificate  Kind = "certificate" // digest of a certificate
	UserAgent    Kind = "user-agent"
	EMail        Kind = "email"
	Account      Kind = "account"
	CommandLine  Kind = "command-line"  // a template; * stands for what varies
	ProcessChain Kind = "process-chain" // "parent > child"
	Beacon       Kind = "beacon"        // the interval as a Go duration
	ToolSet      Kind = "tool-set"      // names, sorted, parted by spaces
	WorkingHours Kind = "working-hours" // "HH-HH" in UTC
	Sequence     Kind = "sequence"      // ATT&CK techniques in their order, parted by spaces
)

// trait is what the package knows of a kind.
type trait struct {
	exact     bool // a key that two intruders do not share by chance
	behaviour bool // a habit, and no indicator
	ceiling   Tier // the best tier an item can have
	reuse     int  // per cent of an intruder's other victims that show the item too; judgement, no measurement
	others    int  // of a habit: per cent of other intruders that have it as well; judgement, where no other intrusion was looked at
	hex       int  // length of a digest
	stix      string
	misp      string
}

// kinds is the table of kinds. Reuse follows the observation that intruders change indicators first and habits last (Bianco's pyramid of
// pain): digests least, tools and procedures most.
var kinds = map[Kind]trait{
	SHA256:       {exact: true, ceiling: Unique, reuse: 40, hex: 64, stix: "file:hashes.'SHA-256'", misp: "sha256"},
	SHA1:         {exact: true, ceiling: Unique, reuse: 40, hex: 40, stix: "file:hashes.'SHA-1'", misp: "sha1"},
	MD5:          {exact: true, ceiling: Unique, reuse: 40, hex: 32, stix: "file:hashes.MD5", misp: "md5"},
	ImpHash:      {ceiling: Strong, reuse: 45, hex: 32, stix: "file:extensions.'windows-pebinary-ext'.imphash", misp: "imphash"},
	TLSH:         {ceiling: Strong, reuse: 45, stix: "file:hashes.TLSH", misp: "tlsh"},
	SSDeep:       {ceiling: Strong, reuse: 45, stix: "file:hashes.SSDEEP", misp: "ssdeep"},
	FileName:     {ceiling: Supporting, reuse: 40, stix: "file:name", misp: "filename"},
	FilePath:     {ceiling: Strong, reuse: 40, stix: "", misp: "pattern-in-file"},
	Mutex:        {exact: true, ceiling: Unique, reuse: 45, stix: "mutex:name", misp: "mutex"},
	Pipe:         {ceiling: Strong, reuse: 45, misp: "named pipe"},
	Service:      {ceiling: Strong, reuse: 40, misp: "windows-service-name"},
	Task:         {ceiling: Strong, reuse: 40, misp: "windows-scheduled-task"},
	Registry:     {ceiling: Supporting, reuse: 40, stix: "windows-registry-key:key", misp: "regkey"},
	Domain:       {ceiling: Strong, reuse: 40, stix: "domain-name:value", misp: "domain"},
	IP:           {ceiling: Strong, reuse: 40, misp: "ip-dst"},
	URL:          {ceiling: Strong, reuse: 40, stix: "url:value", misp: "url"},
	JA3:          {ceiling: Supporting, reuse: 50, hex: 32, misp: "ja3-fingerprint-md5"},
	JA4:          {ceiling: Supporting, reuse: 50, misp: "text"},
	Certificate:  {exact: true, ceiling: Unique, reuse: 40, misp: "x509-fingerprint-sha1"},
	UserAgent:    {ceiling: Supporting, reuse: 50, stix: "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'", misp: "user-agent"},
	EMail:        {ceiling: Strong, reuse: 30, stix: "email-addr:value", misp: "email-src"},
	Account:      {ceiling: Supporting, reuse: 30, stix: "user-account:account_login", misp: "target-user"},
	CommandLine:  {behaviour: true, ceiling: Strong, reuse: 70, others: 20, misp: "text"},
	ProcessChain: {behaviour: true, ceiling: Supporting, reuse: 60, others: 25, misp: "text"},
	Beacon:       {behaviour: true, ceiling: Supporting, reuse: 60, others: 20, misp: "text"},
	ToolSet:      {behaviour: true, ceiling: Supporting, reuse: 60, others: 60, misp: "text"},
	WorkingHours: {behaviour: true, ceiling: NeverAlone, reuse: 70, others: 40, misp: "text"},
	Sequence:     {behaviour: true, ceiling: Strong, reuse: 70, others: 30, misp: "text"},
}

// Kinds lists all kinds, sorted.
func Kinds() []Kind { return sortedKeys(kinds) }

// Exact says whether a kind is a key that is not shared by chance, so that its weight needs no frequency.
func (k Kind) Exact() bool { return kinds[k].exact }

// Behaviour says whether a kind is a habit rather than an indicator.
func (k Kind) Behaviour() bool { return kinds[k].behaviour }

// Reuse is the share of an intruder's other victims that are expected to show such an item, 0 to 1.
func (k Kind) Reuse() float64 { return float64(kinds[k].reuse) / 100 }

// pooled is how many counted intrusions the rate of a habit's kind is worth: with as many counted it is half of the estimate.
const pooled = 4

// Others is the share of other intruders that are expected to have a habit. A habit is rare among ordinary hosts and yet common among
// intruders, and it is another intruder that it must be told from. It is estimated from the other intrusions in which the habit was looked
// for, drawn towards what those show of the intruder's habits of the kind altogether, because a handful of intrusions says little of one
// habit and more of twenty; half an intrusion is added, so that a few that show none are no proof that nobody does (Krichevsky and
// Trofimov, 1981). Only where no other intrusion was looked at is it a judgement for the kind.
func (k Kind) Others(s Specificity) float64 {
	if s.Intrusions == 0 {
		return float64(kinds[k].others) / 100
	}
	n := float64(s.Intrusions)
	kind := (n*s.KindShared + 0.5) / (n + 1)
	return (float64(s.Shared) + pooled*kind) / (n + pooled)
}

// OfTrails says whether a kind can only be seen in a trail, so that it is counted in trails and not on hosts.
func (k Kind) OfTrails() bool { return k == Sequence || k == ToolSet || k == WorkingHours }

// maxValue bounds a value, in bytes.
const maxValue = 4096

// Normalise writes a value as its kind wants it – digests and names in small letters, defanged dots restored – and says what is wrong
// with one that cannot be an item, such as one that everything matches.
func Normalise(k Kind, value string) (string, error) {
	tr, ok := kinds[k]
	if !ok {
		return "", fmt.Errorf("kind %.40q is not known", string(k))
	}
	v := strings.TrimSpace(value)
	if v == "" || len(v) > maxValue {
		return "", fmt.Errorf("%s: a value has 1 to %d bytes", k, maxValue)
	}
	if strings.ToValidUTF8(v, "") != v || strings.IndexFunc(v, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' }) >= 0 {
		return "", fmt.Errorf("%s: control characters or broken UTF-8 in the value", k)
	}
	bad := func(why string) (string, error) { return "", fmt.Errorf("%s %.80q: %s", k, value, why) }
	if tr.hex > 0 {
		v = strings.ToLower(v)
		if len(v) != tr.hex || strings.Trim(v, "0123456789abcdef") != "" {
			return bad(fmt.Sprintf("want %d hexadecimal digits", tr.hex))
		}
		if d, empty := emptyDigests[v]; empty {
			return bad("the digest of " + d)
		}
		return v, nil
	}
	switch k {
	case Domain:
		v = strings.TrimSuffix(strings.ToLower(refang(v)), ".")
		if !isDomain(v) {
			return bad("no domain name of two labels or more")
		}
		if publicSuffix[v] {
			return bad("everybody's names end in it")
		}
	case IP:
		a, err := netip.ParseAddr(refang(v))
		if err != nil || a.Zone() != "" {
			return bad("no address")
		}
		v = a.Unmap().String()
	case URL:
		v = refang(v)
		if strings.HasPrefix(strings.ToLower(v), "hxxp") {
			v = "http" + v[4:]
		}
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || len(u.Path)+len(u.RawQuery) < 4 {
			return bad("want a URL with a host and a path of four characters or more")
		}
	case EMail:
		v = strings.ToLower(refang(v))
		at := strings.LastIndexByte(v, '@')
		if at < 1 || !isDomain(v[at+1:]) {
			return bad("no mail address")
		}
	case Certificate:
		v = strings.ToLower(strings.ReplaceAll(v, ":", ""))
		if n := len(v); n != 32 && n != 40 && n != 64 || strings.Trim(v, "0123456789abcdef") != "" {
			return bad("want the digest of a certificate")
		}
	case FileName:
		if strings.ContainsAny(v, `\/`) {
			return bad("a file name has no folder: this is a file-path")
		}
		if literal(strings.TrimSuffix(v, extension(v))) < 3 {
			return bad("it would match everything")
		}
	case ProcessChain:
		parent, child, two := strings.Cut(v, " > ")
		if !two || literal(parent) < 3 || literal(child) < 3 || strings.ContainsAny(v, `\/`) {
			return bad("want parent > child, as names of programs")
		}
	case WorkingHours:
		var from, to int
		if n, err := fmt.Sscanf(v, "%02d-%02d", &from, &to); n != 2 || err != nil || len(v) != 5 || from < 0 || to < 0 || from > 23 || to > 24 {
			return bad("want HH-HH")
		}
	case Beacon, ToolSet, JA4:
	case Sequence:
		for _, t := range strings.Fields(v) {
			if !isTechnique(t) {
				return bad("want ATT&CK techniques parted by spaces")
			}
		}
	case Account, UserAgent, Mutex, Pipe, Service, Task:
		if literal(v) < 4 {
			return bad("it would match everything")
		}
	default:
		if literal(v) < 6 {
			return bad("it would match everything")
		}
	}
	return v, nil
}

// emptyDigests are digests of nothing, which every file system is full of.
var emptyDigests = map[string]string{
	"d41d8cd98f00b204e9800998ecf8427e":                                 "the empty file",
	"da39a3ee5e6b4b0d3255bfef95601890afd80709":                         "the empty file",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": "the empty file",
	"00000000000000000000000000000000":                                 "nothing: a placeholder",
}

// publicSuffix are common second-level suffixes under which strangers register names.
var publicSuffix = map[string]bool{"co.uk": true, "com.br": true, "com.au": true, "co.jp": true, "com.cn": true, "com.tr": true, "co.kr": true, "co.in": true,
	"org.uk": true, "gov.uk": true, "ac.uk": true, "com.mx": true, "co.za": true, "com.sg": true, "com.hk": true, "com.tw": true, "co.nz": true, "com.ar": true}

// literal counts the letters and digits that a pattern demands.
func literal(v string) (n int) {
	for _, r := range v {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

func extension(name string) string {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return name[i:]
	}
	return ""
}

func isTechnique(t string) bool {
	main, sub, dotted := strings.Cut(t, ".")
	digits := func(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789") == "" }
	return strings.HasPrefix(main, "T") && digits(main[1:], 4) && (!dotted || digits(sub, 3))
}

func isDomain(v string) bool {
	labels := strings.Split(v, ".")
	if len(labels) < 2 || len(v) > 253 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(last) >= 2 && (strings.HasPrefix(last, "xn--") || strings.Trim(last, "abcdefghijklmnopqrstuvwxyz") == "")
}

// refang undoes what reports do to names so that nobody clicks on them.
func refang(v string) string {
	return strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[:]", ":", "[@]", "@", "[at]", "@", "[dot]", ".").Replace(v)
}
