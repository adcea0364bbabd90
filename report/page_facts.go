package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/sweep"
)

// Bounds of what the page tells of a certificate; coverage.json has all of it.
const (
	maxPageHosts   = 1500 // of all organisations, those with most rules found first
	maxPageSources = 60   // of a host
	maxPageGaps    = 40   // of a source
	maxPageList    = 500  // damaged files, files not read, rejected rules …
	maxPageRules   = 100  // names of rules under one reason
	maxGraveHosts  = 100_000
)

// facts is what the page says besides the findings themselves; docs/formats/report.md describes it. Everything counts all findings,
// also those that the page leaves out.
type facts struct {
	Searched   string            `json:"searched"` // what was searched, in words
	Found      int               `json:"found"`    // findings of the sweep
	Embedded   int               `json:"embedded"`
	WithEvents int               `json:"with_events"` // of the embedded, those of blocks whose events are in the page
	Events     uint64            `json:"events"`      // events searched
	Bytes      int64             `json:"bytes"`
	First      string            `json:"first"` // span of the evidence
	Last       string            `json:"last"`
	Orgs       []orgFacts        `json:"orgs"`
	Rules      []*ruleFacts      `json:"rules"` // found ones, by number
	Tactics    []tactic          `json:"tactics"`
	Techniques map[string]string `json:"techniques"`
	Coverage   coverageFacts     `json:"coverage"`
	Remarks    []sweep.Remark    `json:"-"` // of other handlers; told in the markup
}

type orgFacts struct {
	Name       string  `json:"name"`
	Grade      string  `json:"grade"` // grave, minor, none or unsearched
	Verdict    string  `json:"verdict"`
	Limits     string  `json:"limits"`
	Levels     [6]int  `json:"levels"` // findings by level, from none to critical
	GraveHosts int     `json:"grave_hosts"`
	Hosts      int     `json:"hosts"`
	Declared   int     `json:"declared"` // -1 when nobody declared how many hosts there are
	Covered    int     `json:"covered"`
	ByRule     [][]int `json:"by_rule"` // number of the rule, findings

	graveRules map[int]bool
	graveOn    map[string]bool
	byRule     map[int]int
}

type ruleFacts struct {
	ID     finding.RuleID `json:"id"`
	Kind   finding.Kind   `json:"kind"`
	Title  string         `json:"title"`
	Level  string         `json:"level"`
	Author string         `json:"author"`
	Source string         `json:"source"`
	Tags   []string       `json:"tags"`
	Cells  []cell         `json:"cells"`
	Count  int            `json:"count"`
	First  string         `json:"first"`
	Last   string         `json:"last"`
	Hosts  int            `json:"hosts"`

	hosts map[string]bool
}

type coverageFacts struct {
	Hosts         []hostFacts    `json:"hosts"`
	MoreHosts     int            `json:"more_hosts"`
	Silent        []silentFacts  `json:"silent"`
	Files         int            `json:"files"`
	Records       uint64         `json:"records"`
	Recovered     uint64         `json:"recovered"`
	Formats       []reasonFacts  `json:"formats"`
	Damaged       []damagedFacts `json:"damaged"`
	DamagedFiles  int            `json:"damaged_files"`
	Unread        []unreadFacts  `json:"unread"`
	UnreadFiles   int            `json:"unread_files"`
	NotRead       []unreadFacts  `json:"not_read"`
	NotReadFiles  int            `json:"not_read_files"`
	Loaded        int            `json:"loaded"`
	RulesFound    int            `json:"rules_found"`
	Clean         int            `json:"clean"`
	NotSearchable []reasonFacts  `json:"not_searchable"`
	NotSearched   int            `json:"not_searched"` // rules under not_searchable
	Rejected      []unreadFacts  `json:"rejected"`
	RejectedRules int            `json:"rejected_rules"`
	Uncertain     []string       `json:"uncertain"`
}

type hostFacts struct {
	Org        int           `json:"org"`
	Host       string        `json:"host"`
	Found      int           `json:"found"`
	Searchable int           `json:"searchable"` // rules its evidence can answer; -1 when it was not worked out
	Unanswered []reasonFacts `json:"unanswered"`
	Sources    []sourceFacts `json:"sources"`
	MoreSource int           `json:"more_sources"`
}

type sourceFacts struct {
	Source  string         `json:"source"`
	First   string         `json:"first"`
	Last    string         `json:"last"`
	NoTimes string         `json:"no_times,omitempty"`
	Records uint64         `json:"records"`
	Gaps    []coverage.Gap `json:"gaps"`
	More    int            `json:"more"` // gaps left out
}

type silentFacts struct {
	Org      int    `json:"org"`
	Host     string `json:"host"`
	Role     string `json:"role"`
	Critical bool   `json:"critical"`
}

type reasonFacts struct {
	Reason string   `json:"reason"`
	Count  int      `json:"count"`
	Names  []string `json:"names,omitempty"`
}

type damagedFacts struct {
	Org    string            `json:"org"`
	Path   string            `json:"path"`
	Places []coverage.Damage `json:"places"`
	More   int               `json:"more"`
}

type unreadFacts struct {
	Org    string `json:"org"`
	Path   string `json:"path"`
	Reason string `json:"reason"`
	Lost   bool   `json:"lost,omitempty"`
}

// factsBuilder counts findings as they pass.
type factsBuilder struct {
	rules   []*ruleFacts
	numbers map[finding.RuleID]int
	orgs    map[string]*orgFacts
	found   int
	grave   int // hosts with findings of level high and above, over all organisations
}

func newFactsBuilder() factsBuilder {
	return factsBuilder{numbers: map[finding.RuleID]int{}, orgs: map[string]*orgFacts{}}
}

// add counts a finding and gives the number of its rule.
func (b *factsBuilder) add(f *finding.Finding) int {
	b.found++
	n, ok := b.numbers[f.Rule.ID]
	at := string(event.AppendTime(nil, f.Time))
	if !ok {
		n = len(b.rules)
		b.numbers[f.Rule.ID] = n
		tags := f.Rule.Tags
		if tags == nil {
			tags = []string{}
		}
		b.rules = append(b.rules, &ruleFacts{ID: f.Rule.ID, Kind: f.Rule.Kind, Title: f.Rule.Title, Level: f.Rule.Level.String(), Author: f.Rule.Author,
			Source: f.Rule.Source, Tags: tags, Cells: cells(tags), First: at, hosts: map[string]bool{}})
	}
	r := b.rules[n]
	r.Count++
	if r.Last = at; r.First == "" {
		r.First = at
	}
	host := f.Org + "\x00" + f.Host
	if len(r.hosts) < 10_000 && !r.hosts[host] {
		r.hosts[host] = true
		r.Hosts++
	}
	o := b.orgs[f.Org]
	if o == nil {
		o = &orgFacts{graveRules: map[int]bool{}, graveOn: map[string]bool{}, byRule: map[int]int{}}
		b.orgs[f.Org] = o
	}
	o.Levels[f.Rule.Level]++
	o.byRule[n]++
	if f.Rule.Level >= finding.High {
		o.graveRules[n] = true
		if b.grave < maxGraveHosts && !o.graveOn[f.Host] {
			b.grave++
			o.graveOn[f.Host] = true
		}
	}
	return n
}

// facts gives all that was counted, with the certificate.
func (b *factsBuilder) facts(r *sweep.Result) *facts {
	f := &facts{Searched: searched(r), Found: b.found, Events: r.Stats.Events, Bytes: r.Stats.Bytes, Orgs: []orgFacts{}, Rules: b.rules, Tactics: tactics, Techniques: map[string]string{}}
	if f.Rules == nil {
		f.Rules = []*ruleFacts{}
	}
	for _, rule := range b.rules {
		for _, c := range rule.Cells {
			if name := techniqueName(c.Technique); name != "" {
				f.Techniques[c.Technique] = name
			}
		}
	}
	c := r.Certificate
	for i := range c.Orgs {
		f.Orgs = append(f.Orgs, b.org(&c.Orgs[i], c))
	}
	for i := range c.Files {
		first, last := c.Files[i].First, c.Files[i].Last
		if first != "" && (f.First == "" || earlier(first, f.First)) {
			f.First = first
		}
		if last != "" && (f.Last == "" || earlier(f.Last, last)) {
			f.Last = last
		}
	}
	f.Coverage = covered(r)
	f.Remarks = r.Remarks
	return f
}

// grades are what a sweep can say of an organisation, gravest first.
var grades = []string{"grave", "minor", "none", "unsearched"}

// ByGrade gives the organisations with grave findings first, else in their order.
func (f *facts) ByGrade() []orgFacts {
	out := slices.Clone(f.Orgs)
	slices.SortStableFunc(out, func(a, b orgFacts) int {
		return cmp.Compare(slices.Index(grades, a.Grade), slices.Index(grades, b.Grade))
	})
	return out
}

// Grade is the gravest of any organisation.
func (f *facts) Grade() string {
	if len(f.Orgs) == 0 {
		return "unsearched"
	}
	return f.ByGrade()[0].Grade
}

// Headline is the verdict over several organisations.
func (f *facts) Headline() string {
	n := map[string]int{}
	for _, o := range f.Orgs {
		n[o.Grade]++
	}
	var parts []string
	for _, grade := range grades {
		what := map[string]string{"grave": "with findings of level high or critical", "minor": "with findings of lower level only", "none": "without findings", "unsearched": "without anything that could be searched"}[grade]
		if n[grade] > 0 {
			parts = append(parts, count(uint64(n[grade]))+" "+what)
		}
	}
	if len(parts) == 0 {
		return "Nothing was searched."
	}
	return strings.Join(parts, ", ") + "."
}

func earlier(a, b string) bool {
	x, errA := event.ParseTime(a)
	y, errB := event.ParseTime(b)
	return errA == nil && errB == nil && x < y
}

// org words the verdict of one organisation.
func (b *factsBuilder) org(c *coverage.Org, all *coverage.Certificate) orgFacts {
	o := orgFacts{}
	if counted := b.orgs[c.Name]; counted != nil {
		o = *counted
	}
	o.Name, o.GraveHosts, o.Declared, o.ByRule = c.Name, len(o.graveOn), -1, [][]int{}
	for _, rule := range slices.Sorted(maps.Keys(o.byRule)) {
		o.ByRule = append(o.ByRule, []int{rule, o.byRule[rule]})
	}
	var records uint64
	gaps := 0
	for i := range c.Hosts {
		if c.Hosts[i].Host != "" {
			o.Hosts++
		}
		for _, s := range c.Hosts[i].Sources {
			records += s.Records
			gaps += len(s.Gaps)
		}
	}
	sum := 0
	for _, n := range o.Levels {
		sum += n
	}
	switch {
	case len(o.graveRules) > 0:
		o.Grade = "grave"
		o.Verdict = fmt.Sprintf("%s of level high or critical matched on %s.", plural(len(o.graveRules), "rule", "rules"), plural(o.GraveHosts, "host", "hosts"))
	case sum > 0:
		o.Grade = "minor"
		o.Verdict = fmt.Sprintf("Nothing of level high or above; %s of lower level.", plural(sum, "finding", "findings"))
	case records == 0:
		o.Grade = "unsearched"
		o.Verdict = "No events could be read, so nothing can be said."
	default:
		o.Grade = "none"
		o.Verdict = "No rule matched in what was searched."
	}
	var limits []string
	if c.Denominator.Known {
		o.Declared, o.Covered = c.Denominator.Declared, c.Denominator.Covered
		if missing := o.Declared - o.Covered; missing > 0 {
			limits = append(limits, "nothing was handed over from "+plural(missing, "declared host", "declared hosts"))
		}
	} else {
		limits = append(limits, "how many hosts there are was not declared")
	}
	if gaps > 0 {
		limits = append(limits, plural(gaps, "gap", "gaps")+" in its logs")
	}
	damaged, lost := 0, 0
	for i := range all.Files {
		if all.Files[i].Org == c.Name && len(all.Files[i].Damage) > 0 {
			damaged++
		}
	}
	for i := range all.Unrecognised {
		if all.Unrecognised[i].Org == c.Name {
			lost++
		}
	}
	if damaged > 0 {
		limits = append(limits, plural(damaged, "damaged file", "damaged files"))
	}
	if lost > 0 {
		limits = append(limits, plural(lost, "file", "files")+" not read")
	}
	if len(limits) > 0 {
		text := strings.Join(limits, ", ")
		o.Limits = strings.ToUpper(text[:1]) + text[1:] + "."
	}
	return o
}

func covered(r *sweep.Result) coverageFacts {
	c := r.Certificate
	titles := map[string]string{}
	for i := range r.Rules {
		titles[string(r.Rules[i].ID)] = r.Rules[i].Title
	}
	out := coverageFacts{Silent: []silentFacts{}, Damaged: []damagedFacts{}, Unread: []unreadFacts{}, NotRead: []unreadFacts{}, Rejected: []unreadFacts{}, Uncertain: []string{},
		Files: len(c.Files), UnreadFiles: len(c.Unrecognised), NotReadFiles: len(c.NotRead), Loaded: c.Rules.Loaded, RulesFound: c.Rules.Found, Clean: c.Rules.SearchedClean,
		NotSearched: len(c.Rules.NotSearchable), RejectedRules: len(c.Rules.Rejected)}
	out.hosts(c)
	formats := map[string][]string{}
	for i := range c.Files {
		f := &c.Files[i]
		out.Records += f.Records
		out.Recovered += f.Recovered
		formats[f.Format] = append(formats[f.Format], "")
		if len(f.Damage) == 0 {
			continue
		}
		if out.DamagedFiles++; len(out.Damaged) < maxPageList {
			n := min(len(f.Damage), 5)
			out.Damaged = append(out.Damaged, damagedFacts{Org: f.Org, Path: f.Path, Places: f.Damage[:n], More: len(f.Damage) - n + f.MoreDamage})
		}
	}
	out.Formats = reasons(formats)
	for i := range out.Formats {
		out.Formats[i].Names = nil
	}
	for _, u := range c.Unrecognised[:min(len(c.Unrecognised), maxPageList)] {
		out.Unread = append(out.Unread, unreadFacts{Org: u.Org, Path: u.Path, Reason: u.Reason, Lost: u.Lost})
	}
	for _, n := range c.NotRead[:min(len(c.NotRead), maxPageList)] {
		out.NotRead = append(out.NotRead, unreadFacts{Path: n.Path, Reason: n.What})
	}
	for _, x := range c.Rules.Rejected[:min(len(c.Rules.Rejected), maxPageList)] {
		out.Rejected = append(out.Rejected, unreadFacts{Path: cmp.Or(x.File, x.ID), Reason: x.Reason})
	}
	why := map[string][]string{}
	for _, n := range c.Rules.NotSearchable {
		why[n.Reason] = append(why[n.Reason], cmp.Or(titles[n.ID], n.ID))
	}
	out.NotSearchable = reasons(why)
	for _, u := range c.Rules.Uncertain {
		out.Uncertain = append(out.Uncertain, u.ID+": "+u.Reason)
	}
	return out
}

// reasons orders groups by size, names bounded.
func reasons(groups map[string][]string) []reasonFacts {
	out := []reasonFacts{}
	for _, reason := range slices.Sorted(maps.Keys(groups)) {
		names := groups[reason]
		out = append(out, reasonFacts{reason, len(names), names[:min(len(names), maxPageRules)]})
	}
	slices.SortStableFunc(out, func(a, b reasonFacts) int { return cmp.Compare(b.Count, a.Count) })
	return out[:min(len(out), maxPageList)]
}

func (out *coverageFacts) hosts(c *coverage.Certificate) {
	out.Hosts = []hostFacts{}
	type place struct {
		org  int
		host *coverage.Host
	}
	var all []place
	for i := range c.Orgs {
		for n := range c.Orgs[i].Hosts {
			all = append(all, place{i, &c.Orgs[i].Hosts[n]})
		}
		for _, d := range c.Orgs[i].Silent {
			if len(out.Silent) < maxPageList {
				out.Silent = append(out.Silent, silentFacts{i, d.Host, d.Role, d.Critical})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(len(b.host.Found), len(a.host.Found)) })
	if len(all) > maxPageHosts {
		out.MoreHosts = len(all) - maxPageHosts
		all = all[:maxPageHosts]
	}
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(a.org, b.org) })
	for _, p := range all {
		h := hostFacts{Org: p.org, Host: p.host.Host, Found: len(p.host.Found), Searchable: -1, Unanswered: []reasonFacts{}, Sources: []sourceFacts{}}
		for i := range c.Orgs[p.org].Profiles {
			if profile := &c.Orgs[p.org].Profiles[i]; profile.ID == p.host.Profile {
				h.Searchable = profile.Searchable
				for _, u := range profile.NotSearchable {
					h.Unanswered = append(h.Unanswered, reasonFacts{Reason: u.Reason, Count: len(u.Rules)})
				}
				slices.SortStableFunc(h.Unanswered, func(a, b reasonFacts) int { return cmp.Compare(b.Count, a.Count) })
				h.Unanswered = h.Unanswered[:min(len(h.Unanswered), 12)]
			}
		}
		for i := range p.host.Sources {
			s := &p.host.Sources[i]
			if i == maxPageSources {
				h.MoreSource = len(p.host.Sources) - i
				break
			}
			n := min(len(s.Gaps), maxPageGaps)
			h.Sources = append(h.Sources, sourceFacts{s.Source, s.First, s.Last, s.NoTimes, s.Records, append([]coverage.Gap{}, s.Gaps[:n]...), len(s.Gaps) - n})
		}
		out.Hosts = append(out.Hosts, h)
	}
}
