// Package disclosure decides who is told what, when: it drafts what an audience may have, shows what was cut against the case, and
// lets it leave only through the gates that docs/formats/disclosure.md lists.
//
// It promises that nothing is released but the bytes that two people approved, after every gate, and that each step is a signed
// entry of the case. It refuses to send anything: a release is a folder.
package disclosure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

// Proposal is the detail of release.proposed: what is to be told to whom. Approvals and checks are for its content, by digest.
type Proposal struct {
	Release  string          `json:"release"` // name of the release in the case
	Audience marking.Kind    `json:"audience"`
	Parties  []marking.Party `json:"parties,omitempty"`
	Marking  marking.Marking `json:"marking"`
	Template string          `json:"template"`
	Language string          `json:"language"`
	Victims  []member.ID     `json:"victims,omitempty"` // whose information it holds
	Named    []member.ID     `json:"named,omitempty"`   // who is named in it
	Cites    []uint64        `json:"cites,omitempty"`   // entries that it rests on
	Corrects string          `json:"corrects,omitempty"`
	Content  ledger.Digest   `json:"content"`  // of the folder with the files
	CutList  ledger.Digest   `json:"cut_list"` // keyed digest of the values that were cut, which stand nowhere in the ledger
}

// Check is a question that a person answered about a release.
type Check string

// The checks. Owner is the agreement of an owner, given by a person of that organisation, to the marking of the release.
const (
	Legal  Check = "legal"
	TipOff Check = "tip-off" // would it warn the intruder before removal?
	Owner  Check = "owner"
)

// Checked is the detail of release.checked.
type Checked struct {
	Release string        `json:"release"`
	Content ledger.Digest `json:"content"`
	Check   Check         `json:"check"`
	Passed  bool          `json:"passed"`
	Remarks string        `json:"remarks,omitempty"`
}

// Approval is the detail of release.approved.
type Approval struct {
	Release string        `json:"release"`
	Content ledger.Digest `json:"content"`
}

// Embargo is the detail of embargo.set: an audience is told nothing until a date, or until a condition is met, but in any case
// not after the latest date.
type Embargo struct {
	Name      string       `json:"name"`
	Audience  marking.Kind `json:"audience"`
	Until     time.Time    `json:"until,omitzero"`
	Condition string       `json:"condition,omitempty"`
	Latest    time.Time    `json:"latest"`
}

// Lifting is the detail of embargo.lifted: the condition was met.
type Lifting struct {
	Name string `json:"name"`
	How  string `json:"how"`
}

// Override is the detail of embargo.overridden: a statutory duty does not wait. Two people must state it with the same basis.
type Override struct {
	Name    string `json:"name"`
	Release string `json:"release"`
	Basis   string `json:"basis"` // the provision, as cited
}

// Made is the detail of release.made and release.corrected.
type Made struct {
	Proposal
	Approvers  []string `json:"approvers"`
	Overridden []string `json:"overridden,omitempty"` // embargoes, with the basis
}

// signed is a statement and who made it.
type signed[T any] struct {
	what T
	by   casefile.Entry
}

// State is what a case's ledger says about disclosure.
type State struct {
	proposals map[string]signed[Proposal] // the newest of each name
	checks    []signed[Checked]
	approvals []signed[Approval]
	embargoes map[string]Embargo
	lifted    map[string]bool
	overrides []signed[Override]
	made      []signed[Made]
	reporting []casefile.Intake // reports that the case took
	people    map[string]casefile.Person
	members   map[member.ID]member.Member
	markings  map[uint64]casefile.Entry
	verdicts  map[string]judged // by the organisation's name in the kinship
}

// Read reads the state from a case. It fails on an entry that cannot be read, because a gate that forgets is open.
func Read(ctx context.Context, c *casefile.Case) (*State, error) {
	s := &State{proposals: map[string]signed[Proposal]{}, embargoes: map[string]Embargo{}, lifted: map[string]bool{}, people: map[string]casefile.Person{},
		members: map[member.ID]member.Member{}, markings: map[uint64]casefile.Entry{}, verdicts: map[string]judged{}}
	for _, p := range c.People() {
		s.people[p.Key] = p
	}
	for _, m := range c.Members() {
		s.members[m.ID] = m
	}
	for e, err := range c.Entries(ctx, casefile.Query{}) {
		if err != nil {
			return nil, fmt.Errorf("disclosure: read case: %w", err)
		}
		if err := s.take(e); err != nil {
			return nil, fmt.Errorf("disclosure: entry %d (%s): %w", e.Seq, e.Kind, err)
		}
	}
	s.dropSuperseded()
	return s, nil
}

func (s *State) take(e casefile.Entry) (err error) {
	s.markings[e.Seq] = e
	switch e.Kind {
	case casefile.ReleaseProposed:
		var p Proposal
		if err = e.Decode(&p); err == nil {
			s.proposals[p.Release] = signed[Proposal]{p, e}
		}
	case casefile.ReleaseChecked:
		s.checks, err = add(s.checks, e)
	case casefile.ReleaseApproved:
		s.approvals, err = add(s.approvals, e)
	case casefile.EmbargoSet:
		var b Embargo
		if err = e.Decode(&b); err == nil {
			if _, dup := s.embargoes[b.Name]; !dup { // an embargo is never lengthened by setting it again
				s.embargoes[b.Name] = b
			}
		}
	case casefile.EmbargoLifted:
		var l Lifting
		if err = e.Decode(&l); err == nil {
			s.lifted[l.Name] = true
		}
	case casefile.EmbargoOverridden:
		s.overrides, err = add(s.overrides, e)
	case casefile.ReleaseMade, casefile.ReleaseCorrected:
		s.made, err = add(s.made, e)
	case casefile.KinshipImported:
		err = s.takeVerdicts(e)
	case casefile.IntakeReported:
		var in casefile.Intake
		if err = e.Decode(&in); err == nil {
			s.reporting = append(s.reporting, in)
		}
	}
	return err
}

func add[T any](to []signed[T], e casefile.Entry) ([]signed[T], error) {
	var v T
	if err := e.Decode(&v); err != nil {
		return to, err
	}
	return append(to, signed[T]{v, e}), nil
}

// Proposal gives the newest proposal of a name.
func (s *State) Proposal(release string) (Proposal, bool) {
	p, ok := s.proposals[release]
	return p.what, ok
}

// Released lists what was released, the oldest first.
func (s *State) Released() []Made {
	var out []Made
	for _, m := range s.made {
		out = append(out, m.what)
	}
	return out
}

func record(ctx context.Context, c *casefile.Case, by *keys.Private, kind casefile.Kind, release, summary, why string, seen []ledger.Digest, detail any) (casefile.Entry, error) {
	es, err := c.Record(ctx, by, casefile.Draft{Kind: kind, Why: why, About: []string{release}, Summary: summary, Seen: seen, Detail: detail})
	if err != nil {
		return casefile.Entry{}, err
	}
	return es[0], nil
}

// Propose enters a proposal. A release of that name that was made already is never overwritten: it takes another name and says what it corrects.
func Propose(ctx context.Context, c *casefile.Case, by *keys.Private, p Proposal, why string) (casefile.Entry, error) {
	s, err := Read(ctx, c)
	if err != nil {
		return casefile.Entry{}, err
	}
	if p.Release == "" || p.Content == "" {
		return casefile.Entry{}, errors.New("disclosure: a proposal needs a name and a content")
	}
	if _, err := marking.ParseKind(string(p.Audience)); err != nil {
		return casefile.Entry{}, err
	}
	corrected := p.Corrects == ""
	for _, m := range s.made {
		if m.what.Release == p.Release {
			return casefile.Entry{}, fmt.Errorf("disclosure: %s was released; a correction takes another name and supersedes it", p.Release)
		}
		corrected = corrected || m.what.Release == p.Corrects && m.what.Audience == p.Audience
	}
	if !corrected {
		return casefile.Entry{}, fmt.Errorf("disclosure: %s was never released to that audience, so it cannot be corrected", p.Corrects)
	}
	for _, id := range append(append([]member.ID{}, p.Victims...), p.Named...) {
		if _, ok := s.members[id]; !ok {
			return casefile.Entry{}, fmt.Errorf("disclosure: %s is no member of the case", id)
		}
	}
	return record(ctx, c, by, casefile.ReleaseProposed, p.Release, "proposed: "+p.Release+" for "+string(p.Audience), why, []ledger.Digest{p.Content}, p)
}

// Answer enters a check of the newest proposal of a name.
func Answer(ctx context.Context, c *casefile.Case, by *keys.Private, release string, check Check, passed bool, remarks, why string) (casefile.Entry, error) {
	p, err := proposed(ctx, c, release)
	if err != nil {
		return casefile.Entry{}, err
	}
	switch check {
	case Legal, TipOff, Owner:
	default:
		return casefile.Entry{}, fmt.Errorf("disclosure: %q is no check: want legal, tip-off or owner", check)
	}
	return record(ctx, c, by, casefile.ReleaseChecked, release, fmt.Sprintf("%s check of %s: passed %t", check, release, passed), why, []ledger.Digest{p.Content},
		Checked{Release: release, Content: p.Content, Check: check, Passed: passed, Remarks: remarks})
}

// Approve enters an approval of the newest proposal of a name.
func Approve(ctx context.Context, c *casefile.Case, by *keys.Private, release, why string) (casefile.Entry, error) {
	p, err := proposed(ctx, c, release)
	if err != nil {
		return casefile.Entry{}, err
	}
	return record(ctx, c, by, casefile.ReleaseApproved, release, "approved: "+release, why, []ledger.Digest{p.Content}, Approval{Release: release, Content: p.Content})
}

func proposed(ctx context.Context, c *casefile.Case, release string) (Proposal, error) {
	s, err := Read(ctx, c)
	if err != nil {
		return Proposal{}, err
	}
	p, ok := s.Proposal(release)
	if !ok {
		return p, fmt.Errorf("disclosure: no release %s was proposed", release)
	}
	return p, nil
}

// SetEmbargo enters an embargo. Its name must be new, it needs a date or a condition, and a latest date.
func SetEmbargo(ctx context.Context, c *casefile.Case, by *keys.Private, b Embargo, why string) (casefile.Entry, error) {
	s, err := Read(ctx, c)
	if err != nil {
		return casefile.Entry{}, err
	}
	_, dup := s.embargoes[b.Name]
	switch {
	case b.Name == "" || dup:
		return casefile.Entry{}, fmt.Errorf("disclosure: embargo %q: the name must be new", b.Name)
	case b.Latest.IsZero():
		return casefile.Entry{}, fmt.Errorf("disclosure: embargo %s has no latest date", b.Name)
	case b.Until.IsZero() && b.Condition == "":
		return casefile.Entry{}, fmt.Errorf("disclosure: embargo %s has neither a date nor a condition", b.Name)
	case b.Until.After(b.Latest):
		return casefile.Entry{}, fmt.Errorf("disclosure: embargo %s ends after its latest date", b.Name)
	}
	if _, err := marking.ParseKind(string(b.Audience)); err != nil {
		return casefile.Entry{}, err
	}
	return record(ctx, c, by, casefile.EmbargoSet, b.Name, "embargo "+b.Name+" for "+string(b.Audience), why, nil, b)
}

// LiftEmbargo enters that an embargo's condition was met.
func LiftEmbargo(ctx context.Context, c *casefile.Case, by *keys.Private, l Lifting, why string) (casefile.Entry, error) {
	s, err := Read(ctx, c)
	if err != nil {
		return casefile.Entry{}, err
	}
	if b, ok := s.embargoes[l.Name]; !ok || b.Condition == "" || l.How == "" {
		return casefile.Entry{}, fmt.Errorf("disclosure: embargo %q cannot be lifted: there is none with a condition, or it is not said how the condition was met", l.Name)
	}
	return record(ctx, c, by, casefile.EmbargoLifted, l.Name, "embargo "+l.Name+" lifted", why, nil, l)
}

// OverrideEmbargo enters that a statutory duty does not wait for an embargo. It counts when two people have entered the same basis.
func OverrideEmbargo(ctx context.Context, c *casefile.Case, by *keys.Private, o Override, why string) (casefile.Entry, error) {
	s, err := Read(ctx, c)
	if err != nil {
		return casefile.Entry{}, err
	}
	if _, ok := s.embargoes[o.Name]; !ok {
		return casefile.Entry{}, fmt.Errorf("disclosure: there is no embargo %q", o.Name)
	}
	if o.Basis = strings.TrimSpace(o.Basis); o.Basis == "" {
		return casefile.Entry{}, errors.New("disclosure: an override must cite its basis")
	}
	if _, ok := s.proposals[o.Release]; !ok {
		return casefile.Entry{}, fmt.Errorf("disclosure: no release %s was proposed", o.Release)
	}
	return record(ctx, c, by, casefile.EmbargoOverridden, o.Release, "embargo "+o.Name+" overridden for "+o.Release+": "+o.Basis, why, nil, o)
}
