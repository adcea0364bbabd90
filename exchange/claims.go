package exchange

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/docket"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/stix"
)

// ungraded is the Admiralty grade of what nobody has judged: reliability F, credibility 6.
const ungraded = "F6"

// claim is a claim found in a bundle, with the source and root that it names.
type claim struct {
	attribution.Claim
	source attribution.Source
	root   attribution.Root
	bound  marking.TLP // the strictest that a part of what it was read from has
}

func (c claim) draft() casefile.Draft {
	return docket.ClaimDraft(c.Claim, []attribution.Source{c.source}, []attribution.Root{c.root})
}

// claimsOf reads what a bundle claims about actors: that something is attributed to somebody, or that an actor or intrusion set was active in a
// span of time. Knowledge without either – an entry of an encyclopaedia – is no claim about an incident. bad are those that could not be weighed.
func claimsOf(objects []stix.Object, source, kind string, tlp marking.TLP) (found []claim, bad []string) {
	r := &claims{byID: map[stix.ID]stix.Object{}, out: map[stix.ID][]*stix.Relationship{}, report: map[stix.ID]*stix.Report{}, source: source, kind: kind, tlp: tlp}
	for _, o := range objects {
		id := o.Head().ID
		if old, there := r.byID[id]; there && !later(o, old) {
			continue
		}
		r.byID[id] = o // the newest version speaks
	}
	for _, o := range r.byID {
		switch o := o.(type) {
		case *stix.Relationship:
			r.out[o.SourceRef] = append(r.out[o.SourceRef], o)
		case *stix.Report:
			for _, ref := range o.ObjectRefs {
				if old := r.report[ref]; old == nil || o.Published.Before(old.Published) || !old.Published.Before(o.Published) && o.ID < old.ID {
					r.report[ref] = o
				}
			}
		}
	}
	ids := make([]stix.ID, 0, len(r.byID))
	for id := range r.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	attributed := map[stix.ID]bool{}
	for _, pass := range []string{"relationship", ""} {
		for _, id := range ids {
			if (id.Type() == "relationship") != (pass == "relationship") {
				continue
			}
			c, ok := r.claim(r.byID[id], attributed)
			if !ok {
				continue
			}
			if err := sound(c); err != nil {
				bad = append(bad, fmt.Sprintf("%s: %v", id, err))
				continue
			}
			found = append(found, c)
		}
	}
	return found, bad
}

func revoked(o stix.Object) bool {
	if o == nil {
		return false
	}
	com := stix.CommonOf(o)
	return com != nil && com.Revoked != nil && *com.Revoked
}

func later(a, b stix.Object) bool {
	x, y := stix.CommonOf(a), stix.CommonOf(b)
	return x != nil && y != nil && x.Modified.After(y.Modified)
}

type claims struct {
	byID   map[stix.ID]stix.Object
	out    map[stix.ID][]*stix.Relationship
	report map[stix.ID]*stix.Report
	source string
	kind   string
	tlp    marking.TLP
}

// retracted gives what supersedes the claims of a case whose objects are revoked by now: their authors say nothing any more.
func retracted(ctx context.Context, c *casefile.Case, objects []stix.Object) (out []casefile.Draft, err error) {
	when := map[string]stix.Timestamp{}
	for _, o := range objects {
		if com := stix.CommonOf(o); com != nil && com.Revoked != nil && *com.Revoked {
			when[string(com.ID)] = com.Modified
		}
	}
	if len(when) == 0 {
		return nil, nil
	}
	for e, err := range c.Entries(ctx, casefile.Query{CurrentOnly: true, Kinds: []casefile.Kind{casefile.ClaimRecorded}}) {
		if err != nil {
			return nil, err
		}
		var old docket.Claim
		if !e.Known() {
			continue
		}
		if err := e.Decode(&old); err != nil {
			return nil, err
		}
		at, ok := when[old.ID]
		if !ok || old.Actor.Kind == "none" {
			continue
		}
		cl := old.Claim
		was := cl.Actor.Name
		if was == "" {
			was = cl.Actor.Category
		}
		cl.Actor, cl.Window, cl.WindowSource = attribution.Actor{Kind: "none"}, attribution.Window{}, ""
		cl.Notes = strings.TrimSpace(fmt.Sprintf("Revoked by its author on %s; it spoke of %s before. %s", at.Time().Format(time.DateOnly), was, cl.Notes))
		d := docket.ClaimDraft(cl, old.FromSources, old.FromRoots)
		d.Supersedes = []uint64{e.Seq}
		out = append(out, d)
	}
	return out, nil
}

// claim makes a claim of an object, if it makes one. attributed remembers whose activity an attribution has told already.
func (r *claims) claim(o stix.Object, attributed map[stix.ID]bool) (claim, bool) {
	com := stix.CommonOf(o)
	if com == nil || revoked(o) {
		return claim{}, false
	}
	var c claim
	var subject stix.ID
	var target stix.Object
	switch o := o.(type) {
	case *stix.Relationship:
		target = r.byID[o.TargetRef]
		if o.RelationshipType != "attributed-to" || target == nil || revoked(target) || revoked(r.byID[o.SourceRef]) {
			return c, false
		}
		c.Actor = actor(target)
		if c.Actor.Kind == "" {
			return c, false
		}
		subject = o.SourceRef
		c.Window = window(r.byID[o.SourceRef])
		if w := (attribution.Window{From: date(o.StartTime), To: date(o.StopTime)}); !c.Window.Known() {
			c.Window = w
		}
		if !c.Window.Known() {
			c.Window = window(target)
		}
		attributed[o.SourceRef], attributed[o.TargetRef] = true, true
		c.Notes = strings.TrimSpace(fmt.Sprintf("%s is attributed to it. %s", name(r.byID[o.SourceRef]), o.Description))
	case *stix.IntrusionSet, *stix.ThreatActor:
		id := o.Head().ID
		if c.Window = window(o); !c.Window.Known() || attributed[id] {
			return c, false
		}
		subject, c.Actor = id, actor(o)
	default:
		return c, false
	}
	c.ID = string(o.Head().ID)
	c.bound = marking.Clear
	for _, from := range []stix.Object{o, r.byID[subject], target} {
		if from == nil {
			continue
		}
		for _, g := range from.Head().GranularMarkings {
			if level, ok := stix.TLPOf(g.MarkingRef); ok {
				if tlp, err := marking.ParseTLP(string(level)); err == nil {
					c.bound = marking.Stricter(c.bound, tlp)
				}
			}
		}
	}
	r.claimant(&c, com)
	r.published(&c, com)
	if c.Window.Known() {
		c.WindowSource = c.source.ID
	}
	r.reach(&c, subject)
	if com.Confidence != nil {
		c.Confidence = attribution.OwnConfidence{Value: fmt.Sprint(*com.Confidence), Scale: "STIX 0 to 100"}
	}
	c.Audience = attribution.Audience{To: "private", TLP: strings.ToLower(strings.TrimPrefix(r.tlp.String(), "TLP:"))}
	switch r.tlp {
	case marking.Clear:
		c.Audience.To = "public"
	case marking.Unmarked:
		c.Audience.TLP = ""
	}
	c.Evidence = append(c.Evidence, attribution.Cited{What: "what " + c.Claimant.Name + " reports", Grade: ungraded, Roots: []string{c.root.ID}})
	for _, x := range com.ExternalReferences {
		c.Evidence = append(c.Evidence, attribution.Cited{What: strings.TrimSpace(x.SourceName + " " + x.ExternalID + " " + x.URL), Grade: ungraded, Roots: []string{c.root.ID}})
	}
	return c, true
}

// sound asks attribution whether the claim could be weighed.
func sound(c claim) error {
	today := c.Published[0].Date
	return attribution.Check(&attribution.Case{Name: "import", Incident: attribution.Incident{Reported: today}, Sources: []attribution.Source{c.source}, Roots: []attribution.Root{c.root}, Claims: []attribution.Claim{c.Claim}})
}

func actor(o stix.Object) attribution.Actor {
	switch o := o.(type) {
	case *stix.IntrusionSet:
		return attribution.Actor{Kind: "named", Name: o.Name}
	case *stix.ThreatActor:
		return attribution.Actor{Kind: "named", Name: o.Name}
	case *stix.Identity:
		if o.IdentityClass == "class" || o.IdentityClass == "group" {
			return attribution.Actor{Kind: "category", Category: o.Name}
		}
		return attribution.Actor{Kind: "named", Name: o.Name}
	}
	return attribution.Actor{}
}

func name(o stix.Object) string {
	switch o := o.(type) {
	case *stix.IntrusionSet:
		return o.Name
	case *stix.ThreatActor:
		return o.Name
	case *stix.Campaign:
		return o.Name
	case *stix.Incident:
		return o.Name
	case *stix.Identity:
		return o.Name
	case nil:
		return "something outside the bundle"
	}
	return string(o.Head().ID)
}

func window(o stix.Object) attribution.Window {
	switch o := o.(type) {
	case *stix.IntrusionSet:
		return attribution.Window{From: date(o.FirstSeen), To: date(o.LastSeen)}
	case *stix.ThreatActor:
		return attribution.Window{From: date(o.FirstSeen), To: date(o.LastSeen)}
	case *stix.Campaign:
		return attribution.Window{From: date(o.FirstSeen), To: date(o.LastSeen)}
	}
	return attribution.Window{}
}

// date keeps a time to the last digit that says anything. STIX has no way to say that only the month is known, and wants three digits behind the
// second whether or not they are.
func date(t stix.Timestamp) attribution.Date {
	if t.IsZero() {
		return attribution.Date{}
	}
	d, err := attribution.ParseDate(t.Time().UTC().Format(time.RFC3339Nano))
	if err != nil {
		return attribution.Date{} // before 1900 or after 2200: no date that anything here was done at
	}
	return d
}

// claimant is who created the object, else whose bundle it is. Of what kind it is the bundle tells only of governments.
func (r *claims) claimant(c *claim, com *stix.Common) {
	c.Claimant = attribution.Claimant{Name: r.source, Kind: r.kind}
	if id, ok := r.byID[com.CreatedByRef].(*stix.Identity); ok {
		c.Claimant.Name = id.Name
		if slices.ContainsFunc(id.Sectors, func(s string) bool { return strings.HasPrefix(s, "government") }) {
			c.Claimant.Kind = "government"
		}
	}
	if c.Claimant.Name == "" {
		c.Claimant.Name = "a source that the bundle does not name"
	}
	if c.Claimant.Kind == "" {
		c.Claimant.Kind = "vendor"
		c.Notes = strings.TrimSpace(c.Notes + " The bundle does not say of what kind the claimant is; it is entered as a vendor.")
	}
	c.root = attribution.Root{ID: "reporting of " + c.Claimant.Name, Kind: "report", What: "what " + c.Claimant.Name + " reports, whatever that rests on"}
}

// published is when the report that holds the claim came out, else when the claim was last changed. A claim about a time after its
// report was changed after it.
func (r *claims) published(c *claim, com *stix.Common) {
	c.source = attribution.Source{ID: c.ID, Publisher: c.Claimant.Name, Date: date(com.Modified)}
	if rep := r.report[com.ID]; rep != nil && !rep.Published.IsZero() {
		if at := date(rep.Published); !c.Window.To.Known() || c.Window.To.First <= at.Last {
			c.source = attribution.Source{ID: string(rep.ID), Publisher: c.Claimant.Name, Title: rep.Name, Date: at}
		}
	}
	c.Published = []attribution.Dated{{Date: c.source.Date, Source: c.source.ID}}
}

// reach adds whom the subject of the claim is said to target, and by which techniques.
func (r *claims) reach(c *claim, subject stix.ID) {
	for _, rel := range r.out[subject] {
		switch target := r.byID[rel.TargetRef].(type) {
		case *stix.Identity:
			if rel.RelationshipType != "targets" {
				continue
			}
			c.Sectors = append(c.Sectors, target.Sectors...)
			if target.IdentityClass != "class" {
				c.Victims = append(c.Victims, target.Name)
			} else if len(target.Sectors) == 0 {
				c.Sectors = append(c.Sectors, target.Name)
			}
		case *stix.AttackPattern:
			if rel.RelationshipType != "uses" {
				continue
			}
			for _, x := range target.ExternalReferences {
				if x.SourceName == "mitre-attack" {
					c.Techniques = append(c.Techniques, x.ExternalID)
				}
			}
		case *stix.Malware:
			if rel.RelationshipType == "uses" && target.Name != "" {
				c.Capabilities = append(c.Capabilities, target.Name)
			}
		}
	}
	for _, list := range []*[]string{&c.Sectors, &c.Victims, &c.Techniques, &c.Capabilities} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
}
