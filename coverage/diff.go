package coverage

import (
	"fmt"
	"maps"
	"slices"
)

// Change is one difference between two certificates.
type Change struct {
	Org   string `json:"org,omitempty"`
	Host  string `json:"host,omitempty"`
	Text  string `json:"text"`
	Worse bool   `json:"worse"` // the second covers less here
}

// Diff says what a second sweep adds to a first, and what it lost, in a fixed order.
func Diff(a, b *Certificate) (all []Change) {
	orgsA, orgsB := byName(a), byName(b)
	for _, name := range union(orgsA, orgsB) {
		x, y := orgsA[name], orgsB[name]
		if d, e := x.Denominator, y.Denominator; d != e {
			all = append(all, Change{Org: name, Text: "hosts covered: " + d.String() + " → " + e.String(), Worse: e.Covered < d.Covered || d.Known && !e.Known})
		}
		hostsA, hostsB := hostsOf(x), hostsOf(y)
		for _, host := range union(hostsA, hostsB) {
			all = append(all, diffHost(name, host, x, y, hostsA[host], hostsB[host])...)
		}
	}
	filesA, filesB := filesOf(a), filesOf(b)
	for _, key := range union(filesA, filesB) {
		f, g := filesA[key], filesB[key]
		switch {
		case g.Path == "":
			all = append(all, Change{Org: f.Org, Text: fmt.Sprintf("file %q is no longer read", f.Path), Worse: true})
		case f.Path == "":
			all = append(all, Change{Org: g.Org, Text: fmt.Sprintf("file %q is new, with %d records", g.Path, g.Records)})
		case f.SHA256 != g.SHA256:
			all = append(all, Change{Org: g.Org, Text: fmt.Sprintf("file %q has changed: %d → %d records", g.Path, f.Records, g.Records), Worse: g.Records < f.Records})
		}
	}
	notA, notB := idsOf(a.Rules.NotSearchable), idsOf(b.Rules.NotSearchable)
	for _, id := range union(notA, notB) {
		_, was := notA[id]
		why, is := notB[id]
		switch {
		case was && !is:
			all = append(all, Change{Text: fmt.Sprintf("rule %s can be answered now", id)})
		case is && !was:
			all = append(all, Change{Text: fmt.Sprintf("rule %s can no longer be answered: %s", id, why), Worse: true})
		}
	}
	return all
}

// during says from when to when a source has records.
func during(s Source) string {
	if s.First == "" {
		return "without times"
	}
	return "from " + s.First + " to " + s.Last
}

func diffHost(org, host string, x, y Org, a, b Host) (all []Change) {
	shown := host
	if shown == "" {
		shown = "(no host named)"
	}
	add := func(worse bool, format string, args ...any) {
		all = append(all, Change{Org: org, Host: shown, Text: fmt.Sprintf(format, args...), Worse: worse})
	}
	sourcesA, sourcesB := sourcesOf(a), sourcesOf(b)
	for _, name := range union(sourcesA, sourcesB) {
		s, u := sourcesA[name], sourcesB[name]
		switch {
		case s.Source == "":
			add(false, "source %s is new, %d records, %s", name, u.Records, during(u))
		case u.Source == "":
			add(true, "source %s is gone", name)
		case s.Records != u.Records || s.First != u.First || s.Last != u.Last:
			add(u.Records < s.Records, "source %s: %d records %s → %d %s", name, s.Records, during(s), u.Records, during(u))
		}
		if len(s.Gaps) != len(u.Gaps) && s.Source != "" && u.Source != "" {
			add(len(u.Gaps) > len(s.Gaps), "source %s: %d gaps → %d", name, len(s.Gaps), len(u.Gaps))
		}
	}
	if n, m := searchable(x, a), searchable(y, b); n != m {
		add(m < n, "rules that can be answered: %d → %d", n, m)
	}
	return all
}

// String is how a denominator is told to people.
func (d Denominator) String() string {
	if !d.Known {
		return "unknown (no inventory)"
	}
	return fmt.Sprintf("%d of %d", d.Covered, d.Declared)
}

func searchable(o Org, h Host) int {
	for _, p := range o.Profiles {
		if p.ID == h.Profile {
			return p.Searchable
		}
	}
	return 0
}

func byName(c *Certificate) map[string]Org {
	m := map[string]Org{}
	for _, o := range c.Orgs {
		m[o.Name] = o
	}
	return m
}

func hostsOf(o Org) map[string]Host {
	m := map[string]Host{}
	for _, h := range o.Hosts {
		m[h.Host] = h
	}
	return m
}

func sourcesOf(h Host) map[string]Source {
	m := map[string]Source{}
	for _, s := range h.Sources {
		m[s.Source] = s
	}
	return m
}

func filesOf(c *Certificate) map[string]File {
	m := map[string]File{}
	for _, f := range c.Files {
		m[f.Org+"\x00"+f.Path] = f
	}
	return m
}

func idsOf(all []NotSearchable) map[string]string {
	m := map[string]string{}
	for _, n := range all {
		m[n.ID] = n.Reason
	}
	return m
}

func union[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
