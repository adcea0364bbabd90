package coverage

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Declared is a host that an organisation says it has: a row of its inventory.
type Declared struct {
	Host      string   `json:"host"`
	Addresses []string `json:"addresses,omitempty"`
	Role      string   `json:"role,omitempty"`
	Critical  bool     `json:"critical"`
	Org       string   `json:"-"` // "" for a host of each organisation
}

// ReadInventory reads an inventory: CSV with a header that names at least host, and of addresses (parted by spaces, commas or
// semicolons), role, critical (true, yes, 1 or empty) and org what there is. name is for errors, which name the line.
func ReadInventory(r io.Reader, name string) ([]Declared, error) {
	in := csv.NewReader(io.LimitReader(r, 256<<20))
	in.FieldsPerRecord = -1
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read inventory %s: no header: %w", name, err)
	}
	column := map[string]int{}
	for i, h := range header {
		column[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))] = i
	}
	for h := range column {
		if !slices.Contains([]string{"host", "addresses", "role", "critical", "org", ""}, h) {
			return nil, fmt.Errorf("read inventory %s: column %q is not known: want host, addresses, role, critical, org", name, h)
		}
	}
	if _, ok := column["host"]; !ok {
		return nil, fmt.Errorf("read inventory %s: no column host in its header", name)
	}
	var all []Declared
	for {
		row, err := in.Read()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read inventory %s: %w", name, err)
		}
		line, _ := in.FieldPos(0)
		get := func(h string) string {
			if i, ok := column[h]; ok && i < len(row) {
				return strings.TrimSpace(row[i])
			}
			return ""
		}
		d := Declared{Host: get("host"), Role: get("role"), Org: get("org")}
		if d.Host == "" {
			return nil, fmt.Errorf("read inventory %s: line %d names no host", name, line)
		}
		for _, a := range strings.FieldsFunc(get("addresses"), func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
			if _, err := netip.ParseAddr(a); err != nil {
				return nil, fmt.Errorf("read inventory %s: line %d: %q is no address", name, line, a)
			}
			d.Addresses = append(d.Addresses, a)
		}
		switch c := strings.ToLower(get("critical")); c {
		case "", "no":
		case "yes":
			d.Critical = true
		default:
			if d.Critical, err = strconv.ParseBool(c); err != nil {
				return nil, fmt.Errorf("read inventory %s: line %d: critical is %q: want true or false", name, line, c)
			}
		}
		all = append(all, d)
	}
}

// Inventory declares the hosts of organisations. Rows without an organisation belong to each.
func (b *Builder) Inventory(all []Declared) {
	b.inventory = map[string][]Declared{}
	for _, org := range b.orgs {
		for _, d := range all {
			if d.of(org) {
				b.inventory[org] = append(b.inventory[org], d)
			}
		}
	}
}

// compare counts which declared hosts have evidence. Host names are compared without case, and a short name stands for the
// name with its domain: a declared one for any, one that logs tell for the only declared host that is called so.
func (o *Org) compare(declared []Declared) {
	covered, bare := map[string]bool{}, map[string]bool{}
	for _, h := range o.Hosts {
		if len(h.Sources) > 0 {
			covered[strings.ToLower(h.Host)] = true
			covered[shortName(h.Host)] = true
			bare[strings.ToLower(h.Host)] = !strings.Contains(h.Host, ".")
		}
	}
	namesakes := map[string]int{}
	for _, d := range declared {
		namesakes[shortName(d.Host)]++
	}
	o.Denominator = Denominator{Known: true, Declared: len(declared)}
	o.Silent = nil
	for _, d := range declared {
		name := strings.ToLower(d.Host)
		is := covered[name] || !strings.Contains(name, ".") && covered[shortName(name)] || bare[shortName(name)] && namesakes[shortName(name)] == 1
		for _, a := range d.Addresses {
			is = is || covered[a]
		}
		if is {
			o.Denominator.Covered++
		} else {
			o.Silent = append(o.Silent, d)
		}
	}
	slices.SortStableFunc(o.Silent, func(a, b Declared) int { return strings.Compare(a.Host, b.Host) })
}

func shortName(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	short, _, _ := strings.Cut(strings.ToLower(host), ".")
	return short
}
