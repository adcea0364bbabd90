package ioc

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Warninglists are lists of what is found everywhere: the top domains, public name servers, networks of content providers, private
// addresses. They are MISP's, given by path and not shipped.
type Warninglists struct {
	names    []string
	exact    map[string][]int // values as they are
	hosts    map[string][]int // domains with their subdomains
	parts    map[string][]int // texts that a value contains
	networks map[netip.Prefix][]int
	bits     []int
	patterns []listedPattern
	suited   []map[Kind]bool // kinds that a list speaks of; by list
}

type listedPattern struct {
	re   *regexp.Regexp
	list int
}

// LoadWarninglists reads the lists below a folder, or one list. What is no list is rejected with the reason.
func LoadWarninglists(path string) (*Warninglists, []Rejected) {
	w := &Warninglists{exact: map[string][]int{}, hosts: map[string][]int{}, parts: map[string][]int{}, networks: map[netip.Prefix][]int{}}
	var bad []Rejected
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			bad = append(bad, Rejected{File: name, Reason: "cannot be read: " + err.Error()})
		case d.IsDir() || !strings.HasSuffix(name, ".json") || d.Name() == "schema.json":
		default:
			f, err := os.ReadFile(name)
			if err == nil {
				err = w.Add(f)
			}
			if err != nil {
				bad = append(bad, Rejected{File: name, Reason: "warninglist: " + err.Error()})
			}
		}
		return nil
	})
	if err != nil {
		bad = append(bad, Rejected{File: path, Reason: "warninglist: " + err.Error()})
	}
	return w, bad
}

// Len gives the number of lists.
func (w *Warninglists) Len() int { return len(w.names) }

// Add reads one list in MISP's form.
func (w *Warninglists) Add(text []byte) error {
	var l struct {
		Name     string   `json:"name"`
		Type     string   `json:"type"`
		List     []string `json:"list"`
		Matching []string `json:"matching_attributes"`
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("is not valid JSON: %w", err)
	}
	if l.Name == "" || len(l.List) == 0 {
		return fmt.Errorf("is no warninglist: it has no name or no list")
	}
	n := len(w.names)
	kinds := map[Kind]bool{}
	for _, a := range l.Matching {
		for _, k := range mispKinds[a] {
			if k != 0 {
				kinds[k] = true
			}
		}
	}
	add := func(m map[string][]int, key string) {
		if key != "" && !slices.Contains(m[key], n) {
			m[key] = append(m[key], n)
		}
	}
	switch l.Type {
	case "string":
		for _, v := range l.List {
			add(w.exact, strings.TrimPrefix(strings.ToLower(v), "."))
		}
	case "hostname":
		for _, v := range l.List {
			add(w.hosts, strings.Trim(strings.ToLower(v), "."))
		}
	case "substring":
		for _, v := range l.List {
			add(w.parts, strings.ToLower(v))
		}
	case "cidr":
		for _, v := range l.List {
			p, err := netip.ParsePrefix(v)
			if err != nil {
				a, err := netip.ParseAddr(v)
				if err != nil {
					return fmt.Errorf("%q is no network", v)
				}
				p = netip.PrefixFrom(a, a.BitLen())
			}
			if p.Addr().Is4In6() {
				p = netip.PrefixFrom(p.Addr().Unmap(), max(0, p.Bits()-96))
			}
			p = p.Masked()
			w.networks[p] = append(w.networks[p], n)
			if !slices.Contains(w.bits, p.Bits()) {
				w.bits = append(w.bits, p.Bits())
			}
		}
	case "regex":
		for _, v := range l.List {
			re, err := perlRegexp(v)
			if err != nil {
				return err
			}
			w.patterns = append(w.patterns, listedPattern{re, n})
		}
	default:
		return fmt.Errorf("lists of type %q are not known", l.Type)
	}
	w.names = append(w.names, l.Name)
	w.suited = append(w.suited, kinds)
	return nil
}

// perlRegexp reads /expression/flags.
func perlRegexp(v string) (*regexp.Regexp, error) {
	if len(v) > 1 && v[0] == '/' {
		if at := strings.LastIndexByte(v, '/'); at > 0 {
			body, flags := v[1:at], v[at+1:]
			if strings.Contains(flags, "i") {
				body = "(?i)" + body
			}
			v = body
		}
	}
	re, err := regexp.Compile(strings.ReplaceAll(v, `\@`, "@"))
	if err != nil {
		return nil, fmt.Errorf("the expression cannot be run: %w", err)
	}
	return re, nil
}

// Listed names the lists, in order, that a term's value is on. A URL is on a list that names it, not on those that name its host alone:
// known hosts also serve what is bad.
func (w *Warninglists) Listed(t Term) (names []string) {
	if t.How != Is {
		return nil
	}
	var lists []int
	lists = append(lists, w.exact[t.Value]...)
	switch t.Kind {
	case Domain:
		for d := t.Value; d != ""; _, d, _ = strings.Cut(d, ".") {
			lists = append(lists, w.hosts[d]...)
		}
	case Address:
		p := prefixOf(t.Value)
		for _, bits := range w.bits {
			if bits > p.Bits() {
				continue
			}
			if wide, err := p.Addr().Prefix(bits); err == nil {
				lists = append(lists, w.networks[wide]...)
			}
		}
	case Email:
		_, host, _ := strings.Cut(t.Value, "@")
		lists = append(lists, w.parts[host]...)
	}
	if t.Kind == Domain || t.Kind == Email {
		lists = append(lists, w.parts[t.Value]...)
	}
	for _, p := range w.patterns {
		if p.re.MatchString(t.Value) {
			lists = append(lists, p.list)
		}
	}
	slices.Sort(lists)
	for _, l := range slices.Compact(lists) {
		if len(w.suited[l]) == 0 || w.suited[l][t.Kind] {
			names = append(names, w.names[l])
		}
	}
	return names
}
