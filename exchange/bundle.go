package exchange

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/docket"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
	"github.com/contrail-ir/contrail/stix"
)

// ownNamespace makes the ids of a case's own objects, so that the same case gives the same bundle.
const ownNamespace = "b1a5a2c4-4a63-5f0e-9d3b-3f6f2f1c7e90"

// Reader is for whom a case is written as STIX.
type Reader struct {
	Audience marking.Kind               // "" for the case's own people
	Name     func(member.Member) string // what a member is called to them; nil gives its name
}

// Bundle writes a case as STIX: the incident with its events and impacts, the organisations, what is claimed and assessed, and the objects
// that were imported. Every object has the marking of its entry, an unmarked one TLP:RED; who may have which is for a release to decide. An
// actor is named to an audience only where that was decided.
func Bundle(ctx context.Context, c *casefile.Case, r Reader) ([]stix.Object, error) {
	w := &writer{c: c, to: r, root: map[uint64]casefile.Entry{}, marks: map[stix.ID]bool{}}
	if err := w.write(ctx); err != nil {
		return nil, fmt.Errorf("exchange: %s as STIX: %w", c.Dir(), err)
	}
	return w.out, nil
}

type writer struct {
	c        *casefile.Case
	to       Reader
	out      []stix.Object
	root     map[uint64]casefile.Entry // an entry → the first one that it corrects, so that corrections are versions
	marks    map[stix.ID]bool
	creator  stix.ID
	incident *stix.Incident
	core     *stix.IncidentCore
	last     time.Time // of the newest entry
	matter   *attribution.Case
	imported []stix.Object
}

func (w *writer) write(ctx context.Context) (err error) {
	if w.imported, err = Objects(ctx, w.c); err != nil {
		return err
	}
	if w.matter, err = docket.Read(ctx, w.c); err != nil && !errors.Is(err, docket.ErrNothing) {
		return err
	}
	var entries []casefile.Entry
	superseded := map[uint64]bool{}
	for e, err := range w.c.Entries(ctx, casefile.Query{}) {
		if err != nil {
			return err
		}
		first := e
		for _, old := range e.Supersedes {
			superseded[old] = true
			if f, ok := w.root[old]; ok && f.Seq < first.Seq {
				first = f
			}
		}
		w.root[e.Seq] = first
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return errors.New("it has no entries")
	}
	opened := entries[0]
	w.last = entries[len(entries)-1].Recorded
	w.frame(opened, entries, superseded)
	for _, e := range entries {
		if superseded[e.Seq] || !e.Known() {
			continue
		}
		if err := w.entry(e); err != nil {
			return fmt.Errorf("entry %d (%s): %w", e.Seq, e.Kind, err)
		}
	}
	w.verdicts(entries, superseded)
	own := len(w.out)
	w.out = append(w.out, w.imported...)
	w.report(w.out[:own])
	return nil
}

// frame makes the case's organisation and the incident to which the rest belongs.
func (w *writer) frame(opened casefile.Entry, entries []casefile.Entry, superseded map[uint64]bool) {
	info := w.c.Info()
	org := &stix.Identity{Name: info.Organisation, IdentityClass: "organization"}
	if org.Name == "" {
		org.Name = "the organisation of the case"
	}
	org.Type, org.SpecVersion, org.ID = "identity", "2.1", w.id("identity", "organisation")
	org.Created, org.Modified = at(opened.Recorded), at(opened.Recorded)
	w.creator = org.ID
	org.CreatedByRef = org.ID
	org.ObjectMarkingRefs = w.marking(marking.Marking{TLP: marking.Clear}) // who sends is told to whoever receives
	w.out = append(w.out, org)

	w.core = &stix.IncidentCore{ExtensionType: "property-extension", Determination: "suspected", InvestigationStatus: "open", IncidentTypes: nil}
	if w.c.Sealed() {
		w.core.InvestigationStatus = "closed"
	}
	w.incident = &stix.Incident{Name: info.Name}
	mark := info.Marking
	for _, e := range entries {
		if superseded[e.Seq] {
			continue
		}
		switch e.Kind {
		case casefile.IncidentDescribed:
			mark = e.Marking
			if w.matter != nil && w.matter.Incident.Title != "" {
				w.incident.Name = w.matter.Incident.Title
			}
		case casefile.TrailImported, casefile.KinshipImported, casefile.AssessmentMade:
			w.core.Determination = "confirmed" // somebody has followed or judged it
		}
	}
	w.common(&w.incident.Common, "incident", "incident", opened.Recorded, w.last, mark)
	w.incident.Extensions = map[string]stix.Extension{stix.IncidentCoreExtension: w.core}
	w.out = append(w.out, w.incident)
}

func (w *writer) entry(e casefile.Entry) error {
	switch e.Kind {
	case casefile.MemberAdded:
		var d casefile.MemberDetail
		if err := e.Decode(&d); err != nil {
			return err
		}
		m := member.Member{ID: d.ID, Name: d.Name}
		o := &stix.Identity{Name: d.Name, IdentityClass: "organization"}
		if w.to.Name != nil {
			o.Name = w.to.Name(m)
		}
		w.of(&o.Common, "identity", e)
		w.out = append(w.out, o)
	case casefile.MilestoneRecorded:
		return w.event(e)
	case casefile.NumberStated:
		return w.impact(e)
	case casefile.ClaimRecorded:
		return w.claim(e)
	case casefile.AssessmentMade:
		return w.assessment(e)
	case casefile.NamingDecided:
		return w.naming(e)
	}
	return nil
}

// event keeps how exactly the moment is known.
func (w *writer) event(e casefile.Entry) error {
	var m casefile.Milestone
	if err := e.Decode(&m); err != nil {
		return err
	}
	first, _ := e.When.Bounds()
	o := &stix.Event{Name: m.Name, Description: join("; ", m.Actor, m.Target, m.Source), Status: "occurred", StartTime: stix.At(first), StartTimeFidelity: e.When.Precision().String()}
	w.of(&o.Common, "event", e)
	o.Extensions = map[string]stix.Extension{stix.EventExtension: &stix.CustomExtension{ExtensionType: "new-sdo"}}
	w.out = append(w.out, o)
	w.core.Events = append(w.core.Events, stix.EventEntry{EventRef: o.ID})
	return nil
}

// information says of what kind lost records are, by their unit.
var information = map[string]string{"persons": "pii", "passengers": "pii", "bookings": "pii", "documents": "pii", "cards": "payment", "rows": "pii", "records": "pii"}

// impact tells a number of lost records; other numbers are notes.
func (w *writer) impact(e casefile.Entry) error {
	var n casefile.Number
	if err := e.Decode(&n); err != nil {
		return err
	}
	text := fmt.Sprintf("%s: %s (%s)", n.What, n, n.Basis)
	kind, lost := information[n.Unit]
	if !lost {
		w.note(e, n.What, text, w.incident.ID)
		return nil
	}
	detail := &stix.ConfidentialityImpact{InformationType: kind, LossType: "suspected-loss"}
	for _, sure := range []*int64{n.Exact, n.Lower} { // the surest: what is at least lost
		if sure != nil && *sure >= 0 && detail.RecordCount == nil {
			v := *sure
			detail.RecordCount = &v
			if v > 0 {
				detail.LossType = "confirmed-loss"
			}
		}
	}
	o := &stix.Impact{ImpactCategory: "confidentiality-ext", Description: text}
	w.of(&o.Common, "impact", e)
	o.Extensions = map[string]stix.Extension{stix.ImpactExtension: &stix.CustomExtension{ExtensionType: "new-sdo"}, "confidentiality-ext": detail}
	w.out = append(w.out, o)
	w.core.ImpactRefs = append(w.core.ImpactRefs, o.ID)
	return nil
}

// claim is a note about what somebody else says: the object of an actor would look like our own statement.
func (w *writer) claim(e casefile.Entry) error {
	var cl docket.Claim
	if err := e.Decode(&cl); err != nil {
		return err
	}
	if slices.ContainsFunc(w.imported, func(o stix.Object) bool { return string(o.Head().ID) == cl.ID }) {
		return nil // its own objects are in the bundle
	}
	n := w.note(e, "Claim of "+cl.Claimant.Name+" ("+cl.Claimant.Kind+")", docket.Tell(cl.Claim)+".", w.incident.ID)
	for _, p := range cl.Published {
		n.Content += fmt.Sprintf(" Published %s, source %s.", p.Date, p.Source)
	}
	for _, x := range cl.Evidence {
		n.Content += fmt.Sprintf(" Cites %s (%s), which rests on %s.", x.What, x.Grade, strings.Join(x.Roots, ", "))
	}
	n.Authors = []string{cl.Claimant.Name}
	return nil
}

func (w *writer) assessment(e casefile.Entry) error {
	var a attribution.Assessment
	if err := e.Decode(&a); err != nil {
		return err
	}
	subject := a.Subject
	if n, decided := w.decision(); w.to.Audience != "" && a.Level == "named-actor" && (!decided || n.Decision != "named") {
		subject = "an actor whose name is withheld"
	}
	text := fmt.Sprintf("%s (%s): %s, confidence in the basis %s. By %s, %s.", subject, a.Level, a.Likelihood, a.Confidence, a.By, a.Date)
	if l, err := attribution.LikelihoodOf(a.Likelihood); err == nil {
		text += fmt.Sprintf(" The likelihood means %d to %d %%.", l.Percent[0], l.Percent[1])
	}
	w.note(e, "Assessment", text, w.incident.ID)
	return nil
}

// decision gives what was decided about naming the actor to the reader's audience.
func (w *writer) decision() (attribution.NamingDecision, bool) {
	if w.matter == nil {
		return attribution.NamingDecision{}, false
	}
	for _, n := range w.matter.Naming {
		if n.Audience == string(w.to.Audience) {
			return n, true
		}
	}
	return attribution.NamingDecision{}, false
}

func (w *writer) naming(e casefile.Entry) error {
	var n attribution.NamingDecision
	if err := e.Decode(&n); err != nil {
		return err
	}
	switch {
	case w.to.Audience != "" && n.Audience != string(w.to.Audience):
	case n.Decision == "named":
		o := &stix.ThreatActor{Name: n.Name, ThreatActorTypes: []string{"unknown"}}
		w.of(&o.Common, "threat-actor", e)
		rel := &stix.Relationship{RelationshipType: "attributed-to", SourceRef: w.incident.ID, TargetRef: o.ID, Description: fmt.Sprintf("Decided by %s, %s, to be told to %s.", n.By, n.Date, n.Audience)}
		w.of(&rel.Common, "relationship", e)
		w.out = append(w.out, o, rel)
	default:
		w.note(e, "Naming", fmt.Sprintf("To %s the actor's name is withheld; decided by %s, %s. %s", n.Audience, n.By, n.Date, n.Reason), w.incident.ID)
	}
	return nil
}

// verdicts tells which organisations a kinship found to have the same intruder.
func (w *writer) verdicts(entries []casefile.Entry, superseded map[uint64]bool) {
	members := w.c.Members()
	for _, e := range entries {
		if e.Kind != casefile.KinshipImported || superseded[e.Seq] {
			continue
		}
		var im casefile.Import
		if e.Decode(&im) != nil {
			continue // a later version's
		}
		counts := map[string]int{}
		for org, v := range im.Verdicts {
			if m, ok := memberOf(members, org); ok && v == "same-intrusion" {
				if id := w.identityOf(m); id != "" {
					rel := &stix.Relationship{RelationshipType: "impacts", SourceRef: w.incident.ID, TargetRef: id}
					w.common(&rel.Common, "relationship", fmt.Sprintf("kinship %d %s", w.root[e.Seq].Seq, m.ID), w.root[e.Seq].Recorded, e.Recorded, e.Marking)
					w.out = append(w.out, rel)
				}
			}
			counts[v]++
		}
		var parts []string
		for _, v := range []string{"same-intrusion", "related", "unrelated", "not-found", "not-enough-evidence"} {
			if counts[v] > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", v, counts[v]))
			}
		}
		w.note(e, "Kinship", "Organisations by verdict: "+strings.Join(parts, ", ")+".", w.incident.ID)
	}
}

func memberOf(members []member.Member, org string) (member.Member, bool) {
	for _, m := range members {
		if strings.EqualFold(m.Name, org) || strings.EqualFold(string(m.ID), org) {
			return m, true
		}
	}
	return member.Member{}, false
}

func (w *writer) identityOf(m member.Member) stix.ID {
	want := m.Name
	if w.to.Name != nil {
		want = w.to.Name(m)
	}
	for _, o := range w.out {
		if i, ok := o.(*stix.Identity); ok && i.Name == want && i.ID != w.creator {
			return i.ID
		}
	}
	return ""
}

// report holds the case's own objects together.
func (w *writer) report(own []stix.Object) {
	r := &stix.Report{Name: w.incident.Name, ReportTypes: []string{"threat-report"}, Published: at(w.last)}
	r.Common = w.incident.Common
	r.Type, r.ID, r.Extensions = "report", w.id("report", "report"), nil
	for _, o := range own {
		if _, is := o.(*stix.MarkingDefinition); !is {
			r.ObjectRefs = append(r.ObjectRefs, o.Head().ID)
		}
	}
	w.out = append(w.out, r)
}

func (w *writer) note(e casefile.Entry, abstract, text string, about ...stix.ID) *stix.Note {
	n := &stix.Note{Abstract: abstract, Content: text, ObjectRefs: about}
	w.of(&n.Common, "note", e)
	w.out = append(w.out, n)
	return n
}

// of fills what an object has from its entry: a correction is a later version of what it corrects.
func (w *writer) of(c *stix.Common, typ string, e casefile.Entry) {
	first := w.root[e.Seq]
	w.common(c, typ, fmt.Sprintf("entry %d", first.Seq), first.Recorded, e.Recorded, e.Marking)
}

func (w *writer) common(c *stix.Common, typ, seed string, created, modified time.Time, m marking.Marking) {
	c.Type, c.SpecVersion, c.ID = typ, "2.1", w.id(typ, seed)
	c.Created, c.Modified, c.CreatedByRef = at(created), at(modified), w.creator
	c.ObjectMarkingRefs = w.marking(m)
}

func (w *writer) id(typ, seed string) stix.ID {
	id, err := stix.DerivedID(typ, ownNamespace, w.c.Info().ID+" "+seed)
	if err != nil {
		panic(err) // the namespace is a constant that parses, and no SCO's
	}
	return id
}

func (w *writer) marking(m marking.Marking) []stix.ID {
	level := stix.TLP(strings.ToLower(strings.TrimPrefix(m.TLP.String(), "TLP:")))
	def := level.Marking()
	if def == nil {
		def = stix.TLPRed.Marking() // unmarked is handled as red
	}
	if !w.marks[def.ID] {
		w.marks[def.ID] = true
		w.out = append(w.out, def)
	}
	return []stix.ID{def.ID}
}

// at cuts to the milliseconds that STIX times usually have.
func at(t time.Time) stix.Timestamp { return stix.At(t.UTC().Truncate(time.Millisecond)) }

func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}
