package disclosure

import (
	"maps"
	"slices"

	"github.com/contrail-ir/contrail/casefile"
)

// Left is a release that was made, with its entry.
type Left struct {
	Made
	Entry casefile.Entry
}

// Releases lists what was released, the oldest first, with the entry that says so.
func (s *State) Releases() []Left {
	var out []Left
	for _, m := range s.made {
		out = append(out, Left{m.what, m.by})
	}
	return out
}

// Pending is a proposal that was not released yet, and how far it is.
type Pending struct {
	Proposal
	Approvals []string // names of those who have approved exactly this
	Checks    []string // checks that have passed
}

// Pending lists the proposals that were not released, by name.
func (s *State) Pending() []Pending {
	var out []Pending
	for _, name := range slices.Sorted(maps.Keys(s.proposals)) {
		if slices.ContainsFunc(s.made, func(m signed[Made]) bool { return m.what.Release == name }) {
			continue
		}
		p := Pending{Proposal: s.proposals[name].what}
		g := &gates{state: s}
		p.Approvals = g.approvers(p.Proposal)
		for _, c := range []struct {
			check Check
			gate  Gate
		}{{Legal, LegalGate}, {TipOff, TipOffGate}} {
			g := &gates{state: s}
			if g.check(p.Proposal, c.check, c.gate); len(g.refusals) == 0 {
				p.Checks = append(p.Checks, string(c.check))
			}
		}
		out = append(out, p)
	}
	return out
}

// Held is an embargo and what became of it.
type Held struct {
	Embargo
	Lifted     bool
	Overridden []string // releases for which somebody stated an override; two people are needed for it to count
}

// Embargoes lists the embargoes of the case, by name.
func (s *State) Embargoes() []Held {
	var out []Held
	for _, name := range slices.Sorted(maps.Keys(s.embargoes)) {
		h := Held{Embargo: s.embargoes[name], Lifted: s.lifted[name]}
		for _, o := range s.overrides {
			if o.what.Name == name {
				h.Overridden = append(h.Overridden, o.what.Release)
			}
		}
		slices.Sort(h.Overridden)
		h.Overridden = slices.Compact(h.Overridden)
		out = append(out, h)
	}
	return out
}

// Verdicts gives what kinships in the case say of each organisation, by the name they use.
func (s *State) Verdicts() map[string]string {
	out := map[string]string{}
	for org, j := range s.verdicts {
		out[org] = j.verdict
	}
	return out
}
