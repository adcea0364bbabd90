package disclosure

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

// sameIntrusion is the verdict of a kinship that makes an organisation a victim of the case.
const sameIntrusion = "same-intrusion"

// judged is what the newest kinship that speaks of an organisation says of it.
type judged struct {
	verdict string
	by      casefile.Entry
}

// takeVerdicts takes what a kinship says; a later one that judges the same organisation counts instead.
func (s *State) takeVerdicts(e casefile.Entry) error {
	var im casefile.Import
	if err := e.Decode(&im); err != nil {
		return err
	}
	if len(im.Verdicts) == 0 {
		return fmt.Errorf("it holds no verdicts; import the kinship again, superseding entry %d", e.Seq)
	}
	for org, v := range im.Verdicts {
		s.verdicts[org] = judged{v, e}
	}
	return nil
}

// dropSuperseded forgets verdicts of kinships that were corrected.
func (s *State) dropSuperseded() {
	gone := map[uint64]bool{}
	for _, e := range s.markings {
		for _, old := range e.Supersedes {
			gone[old] = true
		}
	}
	maps.DeleteFunc(s.verdicts, func(_ string, j judged) bool { return gone[j.by.Seq] })
}

// find gives the member that a result calls by this name.
func (s *State) find(org string) (member.Member, bool) {
	if m, ok := s.named(org); ok {
		return m, true
	}
	for id, m := range s.members {
		if strings.EqualFold(string(id), org) {
			return m, true
		}
	}
	return member.Member{}, false
}

// Turn is a place in the order in which people are told.
type Turn struct {
	Audience     marking.Kind
	Organisation string    // for a victim
	Member       member.ID // "" when the organisation is not entered as a member
	Why          string
	Reported     bool     // it told us itself
	Told         []string // releases
}

// Order gives who is to be told, in this order: each victim – those that reported first, then those that a kinship judged to have the same
// intruder – then the audiences from the nearest to the farthest. The gate of a publication asks for all victims.
func (s *State) Order() []Turn {
	var out []Turn
	seen := map[string]bool{}
	victim := func(org, why string, reported bool) {
		t := Turn{Audience: marking.Victim, Organisation: org, Why: why, Reported: reported}
		if m, ok := s.find(org); ok {
			t.Organisation, t.Member = m.Name, m.ID
			t.Told = s.told(m)
		}
		if !seen[strings.ToLower(t.Organisation)] {
			seen[strings.ToLower(t.Organisation)] = true
			out = append(out, t)
		}
	}
	for _, in := range s.reporting {
		victim(in.Organisation, "reported the intrusion", true)
	}
	orgs := slices.Sorted(maps.Keys(s.verdicts))
	slices.SortStableFunc(orgs, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.verdicts[a].by.Seq, s.verdicts[b].by.Seq), cmp.Compare(strings.ToLower(a), strings.ToLower(b)))
	})
	for _, org := range orgs {
		if s.verdicts[org].verdict == sameIntrusion {
			victim(org, fmt.Sprintf("judged to have the same intruder, entry %d", s.verdicts[org].by.Seq), false)
		}
	}
	for _, k := range marking.Kinds() {
		if k == marking.Victim {
			continue
		}
		t := Turn{Audience: k, Why: "after the victims"}
		if k == marking.Public || k == marking.Passengers {
			t.Why = "only when every victim was told"
		}
		for _, m := range s.made {
			if m.what.Audience == k {
				t.Told = append(t.Told, m.what.Release)
			}
		}
		out = append(out, t)
	}
	return out
}

// told lists the releases that a victim had of its own.
func (s *State) told(m member.Member) []string {
	var out []string
	for _, x := range s.made {
		if x.what.Audience == marking.Victim && slices.ContainsFunc(x.what.Parties, func(p marking.Party) bool {
			return strings.EqualFold(p.Organisation, m.Name) || p.Organisation == string(m.ID)
		}) {
			out = append(out, x.what.Release)
		}
	}
	return out
}
