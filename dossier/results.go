package dossier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/disclosure"
	"github.com/contrail-ir/contrail/exposure"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/trail"
)

// pictures bounds how many trails and exposures are drawn; the rest is told to be there.
const pictures = 12

// results draws what was imported and stands: where it was searched, the trails, the exposure.
func (v *view) results(ctx context.Context, c *casefile.Case, entries []casefile.Entry, corrected map[uint64]bool) {
	places := map[string]*report.MapOrg{}
	var order []string
	place := func(name string) *report.MapOrg {
		if places[name] == nil {
			places[name] = &report.MapOrg{Name: name}
			order = append(order, name)
		}
		return places[name]
	}
	searched := false
	for _, e := range entries {
		if corrected[e.Seq] || !strings.HasSuffix(string(e.Kind), ".imported") {
			continue
		}
		var im casefile.Import
		if err := e.Decode(&im); err != nil {
			v.trouble(e.Seq, err)
			continue
		}
		for _, f := range im.Files {
			var err error
			switch {
			case e.Kind == casefile.SweepImported && f.Name == "coverage.json":
				searched = true
				err = read(ctx, c, f, func(r io.Reader) error {
					cert, err := coverage.Read(r, f.Name)
					if err != nil {
						return err
					}
					for i := range cert.Orgs {
						place(cert.Orgs[i].Name).Coverage = &cert.Orgs[i]
					}
					return nil
				})
			case e.Kind == casefile.TrailImported:
				err = read(ctx, c, f, func(r io.Reader) error { return v.trail(e.Seq, im.Organisation, r) })
			case e.Kind == casefile.ExposureImported:
				err = read(ctx, c, f, func(r io.Reader) error { return v.exposure(e.Seq, im.Organisation, r) })
			}
			if err != nil {
				v.trouble(e.Seq, fmt.Errorf("%s: %w", f.Name, err))
			}
		}
		for org, days := range im.Found {
			o := place(org)
			if o.Found == nil {
				o.Found = map[string]int64{}
			}
			for day, n := range days {
				o.Found[day] += n
			}
		}
	}
	if !searched {
		return
	}
	for _, m := range c.Members() { // who takes part and was not searched is a hole in the map
		if !slices.ContainsFunc(order, func(name string) bool {
			return strings.EqualFold(name, m.Name) || strings.EqualFold(name, string(m.ID)) || strings.HasPrefix(strings.ToLower(m.Name), strings.ToLower(name)+" ")
		}) {
			place(m.Name)
		}
	}
	var orgs []report.MapOrg
	slices.Sort(order)
	for _, name := range order {
		o := *places[name]
		if id, err := member.ParseID(strings.ToLower(name)); err == nil {
			if m, ok := c.Member(id); ok { // the sweep called it by its id
				o.Name = m.Name
			}
		}
		orgs = append(orgs, o)
	}
	var svg strings.Builder
	if err := report.CoverageMap(&svg, orgs); err == nil {
		v.Map = template.HTML(svg.String())
	}
	v.Searched = true
	found := 0
	for _, o := range orgs {
		if len(o.Found) > 0 {
			found++
		}
	}
	n := slices.DeleteFunc(slices.Clone(orgs), func(o report.MapOrg) bool { return o.Coverage == nil })
	v.Figures = append(v.Figures, figure{"Searched", fmt.Sprintf("%d of %d organisations", len(n), len(orgs)), fmt.Sprintf("grave findings at %d", found)})
}

func (v *view) trouble(seq uint64, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("it was entered by digest alone, or its copy is missing, so it cannot be shown")
	}
	v.Troubles = append(v.Troubles, fmt.Sprintf("entry %d: %v", seq, err))
}

func read(ctx context.Context, c *casefile.Case, f casefile.FileRef, do func(io.Reader) error) error {
	r, err := c.OpenImported(ctx, f)
	if err != nil {
		return err
	}
	return errors.Join(do(r), r.Close())
}

func (v *view) trail(seq uint64, org string, r io.Reader) error {
	t, err := trail.Read(r)
	if err != nil || len(v.Trails) >= pictures {
		return err
	}
	if org == "" {
		org = t.Org
	}
	var out strings.Builder
	if err := t.WritePictures(&out); err != nil {
		return err
	}
	v.Trails = append(v.Trails, picture{seq, org, template.HTML(out.String())})
	return nil
}

func (v *view) exposure(seq uint64, org string, r io.Reader) error {
	var x exposure.Result
	if err := json.NewDecoder(r).Decode(&x); err != nil || len(v.Exposures) >= pictures {
		return err
	}
	v.Exposures = append(v.Exposures, picture{seq, org, template.HTML(x.Picture())})
	for _, o := range x.Orgs {
		for _, k := range o.Kinds {
			if k.Unit == "persons" && (k.Status == exposure.Taken || k.Status == exposure.Staged) {
				f := figure{"Persons, " + string(k.Status), fmt.Sprintf("at least %d", k.Lower), o.Org}
				switch {
				case k.Exact != nil:
					f.Value = fmt.Sprint(*k.Exact)
				case k.Interval[0] == k.Interval[1]: // of what was counted nothing is uncertain
					f.Note += "; without what cannot be opened"
				default:
					f.Note += fmt.Sprintf("; 90 %% between %d and %d", k.Interval[0], k.Interval[1])
				}
				v.Figures = append(v.Figures, f)
			}
		}
	}
	return nil
}

type turn struct {
	Who, Why, Told string
	Victim         bool
}

type memberRow struct{ Name, ID, Consents, Verdict string }

// members shows who takes part, what they allow, and what was judged of them.
func (v *view) members(c *casefile.Case, s *disclosure.State) {
	verdicts := s.Verdicts()
	reported := map[string]bool{}
	for _, t := range s.Order() {
		if t.Reported {
			reported[strings.ToLower(t.Organisation)] = true
		}
	}
	for _, m := range c.Members() {
		var allows []string
		for _, x := range m.Consents {
			if x.Withdrawn.IsZero() {
				allows = append(allows, fmt.Sprintf("%s (by %s)", x.Purpose, x.By))
			}
		}
		r := memberRow{m.Name, string(m.ID), strings.Join(allows, ", "), ""}
		if reported[strings.ToLower(m.Name)] {
			r.Verdict = "reported the intrusion"
		}
		for org, verdict := range verdicts {
			if strings.EqualFold(org, m.Name) || strings.EqualFold(org, string(m.ID)) {
				r.Verdict = verdict
			}
		}
		v.Members = append(v.Members, r)
	}
}

type releaseRow struct {
	Seq                                          uint64
	Name, To, Marking, When, By, Corrects, Basis string
}

type pendingRow struct{ Name, To, State string }

type embargoRow struct{ Name, Audience, Until, State string }

// told shows who was told what, who waits, and what holds it back.
func (v *view) told(s *disclosure.State) {
	for _, t := range s.Order() {
		r := turn{Who: string(t.Audience), Why: t.Why, Told: strings.Join(t.Told, ", "), Victim: t.Audience == marking.Victim}
		if t.Organisation != "" {
			r.Who += ": " + t.Organisation
			if t.Member == "" {
				r.Why += "; no member of the case"
			}
		}
		v.Turns = append(v.Turns, r)
	}
	for _, l := range s.Releases() {
		to := string(l.Audience)
		for _, p := range l.Parties {
			if p.Organisation != "" {
				to += ", " + p.Organisation
			}
		}
		v.Releases = append(v.Releases, releaseRow{l.Entry.Seq, l.Release, to, l.Marking.String(), l.Entry.Recorded.UTC().Format("2006-01-02 15:04"), strings.Join(l.Approvers, ", "), l.Corrects, strings.Join(l.Overridden, "; ")})
	}
	for _, p := range s.Pending() {
		v.Pending = append(v.Pending, pendingRow{p.Release, string(p.Audience), fmt.Sprintf("approved by %s; checks passed: %s", or(strings.Join(p.Approvals, ", "), "nobody"), or(strings.Join(p.Checks, ", "), "none"))})
	}
	for _, b := range s.Embargoes() {
		until := b.Condition
		if !b.Until.IsZero() {
			until = strings.TrimSpace("until " + b.Until.UTC().Format(time.DateOnly) + " " + b.Condition)
		}
		state := "set; latest " + b.Latest.UTC().Format(time.DateOnly)
		if b.Lifted {
			state = "lifted"
		}
		if len(b.Overridden) > 0 {
			state += "; override stated for " + strings.Join(b.Overridden, ", ")
		}
		v.Embargoes = append(v.Embargoes, embargoRow{b.Name, string(b.Audience), until, state})
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// figures puts first what a reader wants to know first.
func (v *view) figures(s *disclosure.State, k *disclosure.Clock) {
	var first []figure
	for _, h := range v.World {
		if h.Colour == colours[casefile.IntakeReported] || strings.HasPrefix(h.What, "report") {
			first = append(first, figure{"Reported", h.When, "known " + h.Exactly})
			break
		}
	}
	for _, e := range k.Edges {
		if e.From == "report" && e.To == "public" {
			first = append(first, figure{"Report to public", e.Span() + " days", e.FromWhen + " to " + e.ToWhen})
			break
		}
	}
	victims, told := 0, 0
	for _, t := range s.Order() {
		if t.Audience == marking.Victim {
			victims++
			if len(t.Told) > 0 {
				told++
			}
		}
	}
	first = append(first, figure{"Victims", fmt.Sprint(victims), fmt.Sprintf("%d told", told)})
	for _, n := range v.Numbers {
		if !n.Corrected {
			what, value, _ := strings.Cut(n.Title, ": ")
			first = append(first, figure{what, value, n.Detail})
		}
		if len(first) > 6 {
			break
		}
	}
	v.Figures = append(first, v.Figures...)
	v.Figures = append(v.Figures, figure{"Releases", fmt.Sprint(len(v.Releases)), fmt.Sprintf("%d more proposed", len(v.Pending))}, figure{"Ledger", fmt.Sprintf("%d entries", v.Entries), "until " + v.Until})
}
