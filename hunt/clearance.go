package hunt

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
)

// Answer of a verification sweep for one organisation.
type Gone string

// The answers. "gone" is only said of what was searched.
const (
	Present    Gone = "present"     // what can stand alone was found since
	Suspected  Gone = "suspected"   // only what supports, or what carries no time, was found
	IsGone     Gone = "gone"        // nothing was found, and every critical host was searched since
	CannotTell Gone = "cannot-tell" // nothing was found, and not everything was searched
)

// Clearance is what clearance.json holds: whether the intruder's things are gone since the clean-up, and what that answer rests on.
type Clearance struct {
	Fingerprint string         `json:"fingerprint"`
	Draft       bool           `json:"draft,omitempty"`
	Since       string         `json:"since"`
	Until       string         `json:"until,omitempty"`
	Orgs        []ClearanceOrg `json:"orgs"`
}

// ClearanceOrg is the answer for one organisation.
type ClearanceOrg struct {
	Org         string               `json:"org"`
	Answer      Gone                 `json:"answer"`
	Why         string               `json:"why"`
	Until       string               `json:"until,omitempty"` // the end of its evidence, or of what was asked about
	Denominator coverage.Denominator `json:"denominator"`
	Found       []Sighted            `json:"found"`
	Searched    []SearchedHost       `json:"searched"`     // hosts on which the fingerprint was looked for over the whole time
	NotSearched []UnsearchedHost     `json:"not_searched"` // hosts of which that cannot be said
	Items       int                  `json:"items"`        // that were looked for somewhere
	NotLooked   []UnlookedItem       `json:"not_looked_for"`
	looked      float64              // share of the weight of items that were looked for somewhere
}

// Sighted is an item that was found since the clean-up.
type Sighted struct {
	Kind  fingerprint.Kind `json:"kind"`
	Value string           `json:"value"`
	Tier  fingerprint.Tier `json:"tier"`
	Host  string           `json:"host"`
	Count int              `json:"count"`
	First string           `json:"first,omitempty"`
	Last  string           `json:"last,omitempty"`
	Ref   finding.Ref      `json:"ref"` // the first record
}

// SearchedHost is a host with the number of items that its evidence could show.
type SearchedHost struct {
	Host     string `json:"host"`
	Declared bool   `json:"declared"` // the inventory lists it
	Items    int    `json:"items"`
}

// UnsearchedHost is a host that was not searched over the whole time, and why.
type UnsearchedHost struct {
	Host     string `json:"host"`
	Critical bool   `json:"critical"`
	Why      string `json:"why"`
}

// UnlookedItem is an item that no evidence of the organisation could show.
type UnlookedItem struct {
	Kind  fingerprint.Kind `json:"kind"`
	Value string           `json:"value"`
}

// Clearer answers, as a handler of a sweep with a fingerprint since a time, whether the intruder's things are gone. It stands before the handlers
// that show the result, which it adds its remark to.
type Clearer struct {
	dir       string
	asked     *fingerprint.Fingerprint
	draft     bool
	since     time.Time
	until     time.Time // zero for the end of the evidence
	inventory []coverage.Declared
	items     map[string]int // rule → item
	rules     [][]string     // of each item that counts
	found     map[sightedKey]*Sighted
	order     []sightedKey
	out       *Clearance
}

type sightedKey struct {
	org, host string
	item      int
}

// NewClearer makes one that writes clearance.json into a folder.
func NewClearer(dir string, f *fingerprint.Fingerprint, draft bool, since, until time.Time, inventory []coverage.Declared) (*Clearer, error) {
	rules, err := f.Rules()
	if err != nil {
		return nil, err
	}
	c := &Clearer{dir: dir, asked: f, draft: draft, since: since, until: until, inventory: inventory, items: map[string]int{}, rules: make([][]string, len(f.Items)), found: map[sightedKey]*Sighted{}}
	for _, r := range rules {
		if it := &f.Items[r.Item]; it.Tier != fingerprint.NeverAlone && !it.WayIn {
			c.items[r.ID] = r.Item
			c.rules[r.Item] = append(c.rules[r.Item], r.ID)
		}
	}
	return c, nil
}

// maxSighted bounds the pairs of host and item that are told apart.
const maxSighted = 100_000

// Finding implements sweep.Handler.
func (c *Clearer) Finding(f *finding.Finding) error {
	item, ours := c.items[string(f.Rule.ID)]
	if !ours {
		return nil
	}
	k := sightedKey{f.Org, f.Host, item}
	s := c.found[k]
	if s == nil {
		if len(c.order) == maxSighted {
			return nil // what is present is present
		}
		it := &c.asked.Items[item]
		s = &Sighted{Kind: it.Kind, Value: it.Value, Tier: it.Tier, Host: f.Host, Ref: finding.Ref{File: f.File, Record: f.Record}, First: stamp(f.Time)}
		c.found[k] = s
		c.order = append(c.order, k)
	}
	s.Count++
	s.Last = stamp(f.Time) // findings come in order of time
	return nil
}

func stamp(ns int64) string { return string(event.AppendTime(nil, ns)) }

// End implements sweep.Handler.
func (c *Clearer) End(r *sweep.Result) error {
	out := &Clearance{Fingerprint: fmt.Sprintf("%s v%d", c.asked.Name, c.asked.Version), Draft: c.draft, Since: c.since.UTC().Format(time.RFC3339), Orgs: []ClearanceOrg{}}
	if !c.until.IsZero() {
		out.Until = c.until.UTC().Format(time.RFC3339)
	}
	for i := range r.Certificate.Orgs {
		out.Orgs = append(out.Orgs, c.org(r.Certificate, &r.Certificate.Orgs[i]))
	}
	c.out = out
	r.Remarks = append(r.Remarks, sweep.Remark{Title: "After the clean-up: is it gone?", Lines: out.Lines()})
	return report.WriteFile(filepath.Join(c.dir, "clearance.json"), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		return e.Encode(out)
	})
}

// Clearance gives the answer, nil before the sweep has ended.
func (c *Clearer) Clearance() *Clearance { return c.out }

func (c *Clearer) org(cert *coverage.Certificate, o *coverage.Org) ClearanceOrg {
	v := ClearanceOrg{Org: o.Name, Denominator: o.Denominator, Found: []Sighted{}, Searched: []SearchedHost{}, NotSearched: []UnsearchedHost{}, NotLooked: []UnlookedItem{}}
	for _, k := range c.order {
		if k.org == o.Name {
			v.Found = append(v.Found, *c.found[k])
		}
	}
	last := time.Time{}
	for h := range o.Hosts {
		for _, s := range o.Hosts[h].Sources {
			if t, err := time.Parse(time.RFC3339Nano, s.Last); err == nil && t.After(last) {
				last = t
			}
		}
	}
	end := last
	if !c.until.IsZero() && c.until.Before(end) {
		end = c.until
	}
	if !end.IsZero() {
		v.Until = end.UTC().Format(time.RFC3339)
	}
	critical := coverage.Critical(c.inventory, o.Name)
	c.hosts(&v, o, end, critical)
	for _, d := range o.Silent {
		v.NotSearched = append(v.NotSearched, UnsearchedHost{d.Host, critical(d.Host), "it handed over nothing"})
	}
	slices.SortStableFunc(v.NotSearched, func(a, b UnsearchedHost) int {
		if a.Critical != b.Critical {
			if a.Critical {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Host, b.Host)
	})
	unread := 0
	for i := range cert.Files {
		if cert.Files[i].Org == o.Name && len(cert.Files[i].Damage) > 0 {
			unread++
		}
	}
	for i := range cert.Unrecognised {
		if cert.Unrecognised[i].Org == o.Name && cert.Unrecognised[i].Lost {
			unread++
		}
	}
	v.Answer, v.Why = verdictOf(&v, c.since, end, unread)
	return v
}

// hosts says on which hosts the fingerprint was looked for from the clean-up to the end, and which items were looked for anywhere.
func (c *Clearer) hosts(v *ClearanceOrg, o *coverage.Org, end time.Time, critical func(string) bool) {
	cannot, answering := o.Unanswered(), o.Answering()
	declared := coverage.Declares(c.inventory, o.Name)
	looked := make([]bool, len(c.rules))
	for h := range o.Hosts {
		host := &o.Hosts[h]
		if host.Host == "" {
			continue
		}
		unable, known := cannot[host.Profile]
		able := func(r string) bool { return known && !unable[r] }
		shows := func(source string) bool { // some item
			return slices.ContainsFunc(c.rules, func(rules []string) bool {
				return slices.ContainsFunc(rules, func(r string) bool { return able(r) && answering(host.Profile, r)(source) })
			})
		}
		speak, why := host.Speaking(c.since, end, shows)
		// Who clears a log that could have shown the intruder leaves nothing to rest on, whatever the other logs say.
		why = cmp.Or(host.Cleared(c.since, end, shows), why)
		items := 0
		for i, rules := range c.rules {
			if slices.ContainsFunc(rules, func(r string) bool { return able(r) && slices.ContainsFunc(speak, answering(host.Profile, r)) }) {
				items++
				looked[i] = true
			}
		}
		if !end.After(c.since) {
			why = "nothing of the organisation is later than the clean-up"
		} else if !slices.ContainsFunc(host.Sources, func(s coverage.Source) bool { return shows(s.Source) }) {
			if _, why = host.Speaking(c.since, end, func(string) bool { return true }); why == "" {
				why = "its logs cannot show any item"
			}
		}
		switch {
		case why != "":
			v.NotSearched = append(v.NotSearched, UnsearchedHost{host.Host, critical(host.Host), why})
		default:
			v.Searched = append(v.Searched, SearchedHost{host.Host, declared(host.Host), items})
		}
	}
	v.looked = c.share(looked)
	for i, rules := range c.rules {
		switch it := &c.asked.Items[i]; {
		case looked[i]:
			v.Items++
		case len(rules) > 0 || it.Tier != fingerprint.NeverAlone && !it.WayIn && !it.Kind.Behaviour():
			v.NotLooked = append(v.NotLooked, UnlookedItem{it.Kind, it.Value})
		}
	}
}

// share gives how much of what finding the items would weigh was looked for. Correlated items have the weight of the heaviest; what was counted
// nowhere counts for little, and not for nothing.
func (c *Clearer) share(looked []bool) float64 {
	type group struct {
		weight float64
		looked bool
	}
	groups := map[string]group{}
	for i, rules := range c.rules {
		if it := &c.asked.Items[i]; len(rules) > 0 {
			name := cmp.Or(it.Group, it.Rule)
			g := groups[name]
			groups[name] = group{max(g.weight, fingerprint.Cap(1), fingerprint.Weigh(it.Kind, it.Tier, it.Specificity)), g.looked || looked[i]}
		}
	}
	some, all := 0.0, 0.0
	for _, name := range slices.Sorted(maps.Keys(groups)) { // sums depend on their order
		if all += groups[name].weight; groups[name].looked {
			some += groups[name].weight
		}
	}
	return some / max(all, 1)
}

func verdictOf(v *ClearanceOrg, since, end time.Time, unread int) (Gone, string) {
	if len(v.Found) > 0 {
		return seen(v.Found)
	}
	var missing []string
	if !v.Denominator.Known {
		missing = append(missing, "how many hosts there are was not declared")
	}
	if !end.After(since) {
		missing = append(missing, "no evidence is later than the clean-up")
	}
	n := 0
	for _, h := range v.NotSearched {
		if h.Critical {
			n++
		}
	}
	if n > 0 {
		missing = append(missing, fmt.Sprintf("%s not searched over the whole time", plural(n, "critical host")))
	}
	if len(v.Searched) == 0 {
		missing = append(missing, "no host was searched over the whole time")
	}
	if unread > 0 {
		missing = append(missing, fmt.Sprintf("%s could not be read whole", plural(unread, "file")))
	}
	if v.Items == 0 {
		missing = append(missing, "no item could be looked for")
	} else if v.looked < kinship.Enough {
		missing = append(missing, fmt.Sprintf("no log here can show %s, which identify it best", plural(len(v.NotLooked), "item")))
	}
	if len(missing) > 0 {
		return CannotTell, "nothing was seen, but " + strings.Join(missing, ", ")
	}
	return IsGone, fmt.Sprintf("nothing that the fingerprint describes was seen from %s to %s", since.UTC().Format("2006-01-02 15:04"), end.UTC().Format("2006-01-02 15:04"))
}

// seen answers where something was found. What can stand alone and has a time is decisive; so is what can stand alone in files without a time, together
// with names or addresses of the intruder that were in use since.
func seen(found []Sighted) (Gone, string) {
	var alone, remains, others []Sighted
	inUse := false
	for _, s := range found {
		standsAlone := s.Tier == fingerprint.Unique || s.Tier == fingerprint.Strong
		switch {
		case s.Last == "":
			remains = append(remains, s)
		case standsAlone:
			alone = append(alone, s)
		default:
			others = append(others, s)
			inUse = inUse || !s.Kind.Behaviour()
		}
	}
	exclusive := slices.DeleteFunc(slices.Clone(remains), func(s Sighted) bool { return s.Tier != fingerprint.Unique })
	switch {
	case len(alone) > 0:
		return Present, things(alone) + " seen since: the intruder's, and hardly anybody else's"
	case len(exclusive) > 0 && inUse:
		return Present, fmt.Sprintf("%s in files that carry no time, this intruder's alone; and %s seen since", things(exclusive), things(others))
	}
	var why []string
	if len(others) > 0 {
		why = append(why, things(others)+" seen since, which others may have as well")
	}
	if len(remains) > 0 {
		why = append(why, things(remains)+" in files that carry no time: look whether these were collected before the clean-up")
	}
	return Suspected, strings.Join(why, "; ")
}

// things tells what was found and on how many hosts, the first by name.
func things(found []Sighted) string {
	items, hosts := map[string]bool{}, map[string]bool{}
	for _, s := range found {
		items[string(s.Kind)+" "+s.Value] = true
		hosts[s.Host] = true
	}
	text := fmt.Sprintf("%s %s", found[0].Kind, found[0].Value)
	if n := len(items) - 1; n > 0 {
		text += fmt.Sprintf(" and %s", plural(n, "more thing"))
	}
	if len(hosts) == 1 && found[0].Host != "" {
		return text + " on " + found[0].Host
	}
	if len(hosts) == 1 {
		return text
	}
	return text + " on " + plural(len(hosts), "host")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Lines says the answer in words.
func (c *Clearance) Lines() (out []string) {
	const most = 12
	for _, o := range c.Orgs {
		out = append(out, fmt.Sprintf("%s: %s – %s.", o.Org, strings.ToUpper(strings.ReplaceAll(string(o.Answer), "-", " ")), o.Why))
		for i, s := range o.Found {
			if i == most {
				out = append(out, fmt.Sprintf("  … and %d more: see clearance.json", len(o.Found)-most))
				break
			}
			out = append(out, fmt.Sprintf("  seen: %s %s (%s) on %s, %d times, last %s, first in %s record %d", s.Kind, s.Value, s.Tier, or(s.Host, "a host that its log does not name"), s.Count, or(s.Last, "without a time"), s.Ref.File, s.Ref.Record))
		}
		hosts := plural(len(o.Searched), "host") + ", of how many was not declared"
		if o.Denominator.Known {
			declared := 0
			for _, h := range o.Searched {
				if h.Declared {
					declared++
				}
			}
			if hosts = fmt.Sprintf("%d of %s", declared, plural(o.Denominator.Declared, "declared host")); len(o.Searched) > declared {
				hosts += fmt.Sprintf(" and %d that are not declared", len(o.Searched)-declared)
			}
		}
		out = append(out, fmt.Sprintf("  searched since %s, until %s: %s, for %s", c.Since, or(o.Until, "no time"), hosts, plural(o.Items, "item")))
		for i, h := range o.NotSearched {
			if i == most {
				out = append(out, fmt.Sprintf("  … and %d more hosts: see clearance.json", len(o.NotSearched)-most))
				break
			}
			critical := ""
			if h.Critical {
				critical = " (critical)"
			}
			out = append(out, fmt.Sprintf("  not searched: %s%s: %s", h.Host, critical, h.Why))
		}
		if n := len(o.NotLooked); n > 0 {
			out = append(out, fmt.Sprintf("  not looked for, because no log here can show it: %s, such as %s %s", plural(n, "item"), o.NotLooked[0].Kind, o.NotLooked[0].Value))
		}
	}
	return out
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
