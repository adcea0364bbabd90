package disclosure

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

// Gate names what a release has to pass.
type Gate string

// The gates.
const (
	ProposalGate  Gate = "proposal"  // proposed, and unchanged since
	ApprovalGate  Gate = "approval"  // by two different people who may
	ConsentGate   Gate = "consent"   // of whoever's information it is
	MarkingGate   Gate = "marking"   // lets the audience look, and was loosened by owners only
	EmbargoGate   Gate = "embargo"   // is over, lifted or overridden
	LegalGate     Gate = "legal"     // check passed
	TipOffGate    Gate = "tip-off"   // check passed
	VictimsGate   Gate = "victims"   // were told first
	CutValuesGate Gate = "cut value" // none is left in the bytes
	PassengerGate Gate = "passenger" // no passenger's data are in them
)

// Refusal is one gate that is closed, and why.
type Refusal struct {
	Gate   Gate
	Reason string
}

// RefusedError says which gates keep a release back.
type RefusedError struct {
	Release  string
	Refusals []Refusal
}

func (e *RefusedError) Error() string {
	var lines []string
	for _, r := range e.Refusals {
		lines = append(lines, fmt.Sprintf("  %s: %s", r.Gate, r.Reason))
	}
	return fmt.Sprintf("release %s is refused:\n%s", e.Release, strings.Join(lines, "\n"))
}

// Has says whether a gate is among the refusals.
func (e *RefusedError) Has(g Gate) bool {
	return slices.ContainsFunc(e.Refusals, func(r Refusal) bool { return r.Gate == g })
}

// Gates says which gates keep the newest proposal of a name back at a time; content is the digest of what is about to leave.
// What may leave is described by the result.
func (s *State) Gates(release string, content ledger.Digest, now time.Time) (Made, []Refusal) {
	g := &gates{state: s, now: now}
	found, ok := s.proposals[release]
	if !ok {
		g.refuse(ProposalGate, "it was never proposed")
		return Made{}, g.refusals
	}
	p := found.what
	if p.Content != content {
		g.refuse(ProposalGate, "the files are not those that were proposed")
	}
	for _, m := range s.made {
		if m.what.Release == release {
			g.refuse(ProposalGate, "it was released already; a correction takes another name")
		}
	}
	made := Made{Proposal: p}
	made.Approvers = g.approvers(p)
	g.consent(p)
	g.marking(p)
	made.Overridden = g.embargo(p)
	g.check(p, Legal, LegalGate)
	g.check(p, TipOff, TipOffGate)
	g.victimsFirst(p)
	return made, g.refusals
}

type gates struct {
	state    *State
	now      time.Time
	refusals []Refusal
}

func (g *gates) refuse(at Gate, format string, args ...any) {
	g.refusals = append(g.refusals, Refusal{at, fmt.Sprintf(format, args...)})
}

// different gives the people who signed and may still enter the kind; one person with two keys is one.
func (g *gates) different(entries []casefile.Entry, kind casefile.Kind) []casefile.Entry {
	var out []casefile.Entry
	for _, e := range entries {
		p, ok := g.state.people[e.Author]
		if !ok || p.Role == "" || !p.Role.May(kind) {
			continue
		}
		if !slices.ContainsFunc(out, func(o casefile.Entry) bool { return o.Author == e.Author || strings.EqualFold(o.Person, e.Person) }) {
			out = append(out, e)
		}
	}
	return out
}

func (g *gates) approvers(p Proposal) []string {
	var entries []casefile.Entry
	for _, a := range g.state.approvals {
		if a.what.Release == p.Release && a.what.Content == p.Content {
			entries = append(entries, a.by)
		}
	}
	people := g.different(entries, casefile.ReleaseApproved)
	var names []string
	for _, e := range people {
		names = append(names, e.Person)
	}
	if len(people) < 2 {
		g.refuse(ApprovalGate, "%d of two different people who may have approved exactly this", len(people))
	}
	return names
}

// purposes says for what consent is needed to tell an audience about a member.
func purpose(k marking.Kind) member.Purpose {
	switch k {
	case marking.Members:
		return member.Share
	case marking.Authority, marking.Regulators:
		return member.Authority
	}
	return member.Publish
}

// victims are those that a proposal declares, and the members that the entries it cites belong to or speak of.
func (g *gates) victims(p Proposal) []member.ID {
	ids := slices.Concat(p.Victims, p.Named)
	for _, seq := range p.Cites {
		e := g.state.markings[seq]
		for id, m := range g.state.members {
			named := func(s string) bool { return strings.EqualFold(s, m.Name) || strings.EqualFold(s, string(id)) }
			if slices.ContainsFunc(e.About, named) || slices.ContainsFunc(e.Marking.Owners, named) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Itself says that the audience is the member and nobody else.
func Itself(p Proposal, m member.Member) bool {
	return p.Audience == marking.Victim && len(p.Parties) > 0 && !slices.ContainsFunc(p.Parties, func(x marking.Party) bool {
		return !strings.EqualFold(x.Organisation, m.Name) && x.Organisation != string(m.ID)
	})
}

func (g *gates) consent(p Proposal) {
	for _, id := range g.victims(p) {
		m := g.state.members[id]
		if Itself(p, m) {
			continue
		}
		if err := m.Allows(purpose(p.Audience), g.now); err != nil {
			g.refuse(ConsentGate, "%v", err)
		}
		if slices.Contains(p.Named, id) {
			if err := m.Allows(member.Name, g.now); err != nil {
				g.refuse(ConsentGate, "%v", err)
			}
		}
	}
}

func (g *gates) marking(p Proposal) {
	var cited []marking.Marking
	for _, seq := range p.Cites {
		e, ok := g.state.markings[seq]
		if !ok {
			g.refuse(MarkingGate, "it cites entry %d, which is not in the case", seq)
			continue
		}
		cited = append(cited, e.Marking)
	}
	var agreed []string
	for _, c := range g.state.checks {
		if c.what.Release == p.Release && c.what.Content == p.Content && c.what.Check == Owner && c.what.Passed {
			if person, ok := g.state.people[c.by.Author]; ok && person.Role != "" {
				agreed = append(agreed, person.Organisation)
			}
		}
	}
	if len(cited) > 0 {
		if _, err := marking.Combine(cited...).Change(p.Marking, agreed...); err != nil {
			g.refuse(MarkingGate, "%v", err)
		}
	}
	if ok, why := p.Marking.AudienceMaySee(marking.Audience{Kind: p.Audience, Parties: p.Parties}); !ok {
		g.refuse(MarkingGate, "%s", why)
	}
}

func (g *gates) embargo(p Proposal) []string {
	var overridden []string
	names := make([]string, 0, len(g.state.embargoes))
	for name := range g.state.embargoes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b := g.state.embargoes[name]
		if b.Audience != p.Audience || !g.now.Before(b.Latest) || g.state.lifted[name] || !b.Until.IsZero() && !g.now.Before(b.Until) {
			continue
		}
		if basis := g.override(p, name); basis != "" {
			overridden = append(overridden, name+": "+basis)
			continue
		}
		until := b.Latest
		if !b.Until.IsZero() {
			until = b.Until
		}
		g.refuse(EmbargoGate, "%s holds until %s at the latest (%s)", name, until.UTC().Format(time.RFC3339), b.Condition)
	}
	return overridden
}

func (g *gates) override(p Proposal, name string) string {
	byBasis := map[string][]casefile.Entry{}
	for _, o := range g.state.overrides {
		if o.what.Name == name && o.what.Release == p.Release && o.what.Basis != "" {
			byBasis[o.what.Basis] = append(byBasis[o.what.Basis], o.by)
			if len(g.different(byBasis[o.what.Basis], casefile.EmbargoOverridden)) >= 2 {
				return o.what.Basis
			}
		}
	}
	return ""
}

// check asks for the last answer: a later refusal undoes an earlier pass.
func (g *gates) check(p Proposal, check Check, at Gate) {
	answered, passed := false, false
	for _, c := range g.state.checks {
		if c.what.Release == p.Release && c.what.Content == p.Content && c.what.Check == check {
			answered, passed = true, c.what.Passed
		}
	}
	switch {
	case !answered:
		g.refuse(at, "nobody has checked it")
	case !passed:
		g.refuse(at, "the check did not pass")
	}
}

// victimsFirst keeps what everybody may read back until each victim was told: those whose information it is, those whose report the
// case took, and those that a kinship judged to have the same intruder.
func (g *gates) victimsFirst(p Proposal) {
	if p.Audience != marking.Public && p.Audience != marking.Passengers {
		return
	}
	ids := g.victims(p)
	for _, t := range g.state.Order() {
		switch {
		case t.Audience != marking.Victim:
		case t.Member == "":
			g.refuse(VictimsGate, "%s (%s) is no member of the case: enter it and tell it first", t.Organisation, t.Why)
		default:
			ids = append(ids, t.Member)
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if m := g.state.members[id]; len(g.state.told(m)) == 0 {
			g.refuse(VictimsGate, "%s was not told yet", m.Name)
		}
	}
}
