package fingerprint

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// Victim is what must never leave an organisation in a fingerprint.
type Victim struct {
	Hosts    []string // names of its machines, short or full
	Domains  []string // its DNS and Windows domains
	Accounts []string // accounts of its people and services, with or without domain
	Persons  []string // names of passengers and staff, "SURNAME/GIVEN" or words
	Networks []netip.Prefix
}

// internal are addresses that mean something inside an organisation only.
var internal = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("224.0.0.0/3"),
	netip.MustParsePrefix("::/127"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"),
}

// Holds says what of the victim a value holds, "" when nothing. Of a name it also looks at the parts, so that a host's short name is found
// within a path or a command line.
func (v Victim) Holds(k Kind, value string) string {
	if k == Sequence || k == WorkingHours || k == Beacon || kinds[k].hex > 0 {
		return ""
	}
	low := strings.ToLower(value)
	for _, word := range addressWords(low) {
		if a, err := netip.ParseAddr(word); err == nil {
			if v.inside(a) {
				return "an internal address"
			}
		}
	}
	if k == URL {
		if u, err := url.Parse(value); err == nil {
			if a, err := netip.ParseAddr(u.Hostname()); err == nil && v.inside(a) {
				return "an internal address"
			}
		}
	}
	for _, d := range v.Domains {
		if d = strings.Trim(strings.ToLower(d), "."); d != "" && hasWord(low, d) {
			return "a domain of the victim"
		}
	}
	for _, h := range v.Hosts {
		h = strings.ToLower(h)
		short, _, _ := strings.Cut(h, ".")
		if hasWord(low, h) || len(short) >= 3 && !allDigits(short) && hasWord(low, short) {
			return "a host of the victim"
		}
	}
	for _, a := range v.Accounts {
		a = strings.ToLower(a[strings.LastIndexByte(a, '\\')+1:])
		a, _, _ = strings.Cut(a, "@")
		if len(a) >= 2 && !ordinaryAccount[a] && hasWord(low, a) {
			return "an account of the victim"
		}
	}
	for _, p := range v.Persons {
		words := strings.FieldsFunc(strings.ToLower(p), func(r rune) bool { return !unicode.IsLetter(r) })
		found := 0
		for _, w := range words {
			if len(w) >= 2 && hasWord(low, w) {
				found++
			}
		}
		// One word of a name is a word; all of them, or a rare long one, are a person.
		if len(words) > 0 && (found == len(words) || found > 0 && hasWord(low, strings.ToLower(p))) {
			return "a person's name"
		}
	}
	return ""
}

func (v Victim) inside(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range internal {
		if p.Contains(a) {
			return true
		}
	}
	for _, p := range v.Networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// ordinaryAccount are names that every machine has and that tell nothing of anyone.
var ordinaryAccount = map[string]bool{"system": true, "administrator": true, "admin": true, "root": true, "guest": true, "local service": true, "network service": true,
	"user": true, "service": true, "anonymous logon": true, "-": true, "www-data": true, "nobody": true}

func addressWords(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r == '.' || r == ':')
	})
}

// hasWord finds word in s where neither neighbour is a letter or a digit.
func hasWord(s, word string) bool {
	if word == "" {
		return false
	}
	part := func(b byte) bool { return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 0x80 }
	for from := 0; ; {
		i := strings.Index(s[from:], word)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(word)
		if (i == 0 || !part(s[i-1])) && (end == len(s) || !part(s[end])) {
			return true
		}
		from = i + 1
	}
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// Guard checks every item, name and reason against the victim; the error names the first that holds something of it.
func (f *Fingerprint) Guard(v Victim) error {
	if why := v.Holds(CommandLine, f.Name); why != "" {
		return fmt.Errorf("fingerprint: its name holds %s", why)
	}
	for i, it := range f.Items {
		if why := v.Holds(it.Kind, it.Value); why != "" {
			return fmt.Errorf("fingerprint %.60s: item %d (%s) holds %s: remove it", f.Name, i+1, it.Kind, why)
		}
		for _, r := range it.Reasons {
			if why := v.Holds(CommandLine, r); why != "" {
				return fmt.Errorf("fingerprint %.60s: a reason of item %d holds %s", f.Name, i+1, why)
			}
		}
	}
	return nil
}
