package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/stix"
	"github.com/contrail-ir/contrail/sweep"
)

// bundleNamespace makes ids that are the same for the same content in every bundle.
const bundleNamespace = "7b0e2a54-3d0c-4c0e-9b7a-2f4b9b0d5c61"

// Bounds of a bundle. A sighting counts all findings; what is observed stands for them, the first of each rule and organisation.
const (
	maxObserved         = 20_000
	maxObservedSighting = 10
)

// Bundle writes bundle.json into a folder that exists: STIX 2.1 with an indicator per rule that was found, a sighting of it per
// organisation, and observed data with what the events speak of. Sightings refer to indicators, never to observables.
//
// The bundle names hosts and accounts of the organisation and is marked TLP:AMBER+STRICT: it is for its own systems. What leaves the
// organisation is made by commands that ask for approval.
type Bundle struct {
	dir       string
	sightings map[sightingKey]*sighting
	order     []*sighting
	observed  int
	objects   map[stix.ID]stix.Object
}

type sightingKey struct {
	rule finding.RuleID
	org  string
}

type sighting struct {
	rule        *finding.Rule
	org         string
	count       int64
	first, last int64
	observed    []stix.ID
}

// NewBundle gives the handler; nothing is written before the end.
func NewBundle(dir string) *Bundle {
	return &Bundle{dir: dir, sightings: map[sightingKey]*sighting{}, objects: map[stix.ID]stix.Object{}}
}

// Close has nothing to remove.
func (*Bundle) Close() error { return nil }

// Finding implements sweep.Handler.
func (b *Bundle) Finding(f *finding.Finding) error {
	key := sightingKey{f.Rule.ID, f.Org}
	s := b.sightings[key]
	if s == nil {
		s = &sighting{rule: f.Rule, org: f.Org, first: event.NoTime, last: event.NoTime}
		b.sightings[key] = s
		b.order = append(b.order, s)
	}
	s.count++
	if f.Time == event.NoTime {
		return nil // observed data needs to know when
	}
	if s.last = f.Time; s.first == event.NoTime {
		s.first = f.Time
	}
	if len(s.observed) == maxObservedSighting || b.observed == maxObserved {
		return nil
	}
	about, err := observables(f)
	if err != nil {
		return fmt.Errorf("write bundle.json: %w", err)
	}
	if len(about) == 0 {
		return nil
	}
	at := stix.At(time.Unix(0, f.Time))
	o := &stix.ObservedData{FirstObserved: at, LastObserved: at, NumberObserved: new(int64(1))}
	for _, x := range about {
		id := x.Head().ID
		if b.objects[id] == nil {
			b.objects[id] = x
		}
		o.ObjectRefs = append(o.ObjectRefs, id)
	}
	o.ExternalReferences = []stix.ExternalReference{{SourceName: "evidence", ExternalID: fmt.Sprintf("%s record %d", Clean(f.File), f.Record), Description: "sha256 " + f.SHA256}}
	if err := b.head(&o.Common, "observed-data", at, f.Org, f.File, fmt.Sprint(f.Record), fmt.Sprint(f.Offset), fmt.Sprint(o.ObjectRefs)); err != nil {
		return err
	}
	if b.objects[o.ID] == nil {
		b.objects[o.ID] = o
		b.observed++
	}
	if !slices.Contains(s.observed, o.ID) {
		s.observed = append(s.observed, o.ID)
	}
	return nil
}

// head fills what every object has; its id comes from the parts, so another content is another object.
func (b *Bundle) head(c *stix.Common, typ string, at stix.Timestamp, parts ...string) error {
	id, err := stix.DerivedID(typ, bundleNamespace, fmt.Sprintf("%q", append([]string{typ}, parts...)))
	if err != nil {
		return fmt.Errorf("write bundle.json: %w", err)
	}
	c.ID, c.Type, c.SpecVersion, c.Created, c.Modified = id, typ, "2.1", at, at
	c.ObjectMarkingRefs = []stix.ID{stix.TLPAmberStrict.Marking().ID}
	if typ != "identity" {
		c.CreatedByRef, err = stix.DerivedID("identity", bundleNamespace, fmt.Sprintf("%q", []string{"identity", "system", "Contrail"}))
	}
	return err
}

// bundle gives all objects.
func (b *Bundle) bundle() (*stix.Bundle, error) {
	always := stix.At(time.Unix(0, 0))
	out := &stix.Bundle{Objects: []stix.Object{stix.TLPAmberStrict.Marking()}}
	seen := map[stix.ID]bool{}
	identity := func(class, name string) (stix.ID, error) {
		i := &stix.Identity{Name: cmp.Or(Clean(name), "unnamed"), IdentityClass: class}
		if err := b.head(&i.Common, "identity", always, class, name); err != nil {
			return "", err
		}
		if !seen[i.ID] {
			seen[i.ID] = true
			out.Objects = append(out.Objects, i)
		}
		return i.ID, nil
	}
	if _, err := identity("system", "Contrail"); err != nil {
		return nil, err
	}
	for _, s := range b.order {
		indicator := indicatorOf(s.rule)
		// Nothing is known of when the rule began to hold, and the id of the same rule must be the same in every bundle.
		indicator.ValidFrom = always
		if err := b.head(&indicator.Common, "indicator", always, string(s.rule.ID), indicator.Pattern, indicator.Description, fmt.Sprint(s.rule.Tags, s.rule.Level)); err != nil {
			return nil, err
		}
		if !seen[indicator.ID] {
			seen[indicator.ID] = true
			out.Objects = append(out.Objects, indicator)
		}
		where, err := identity("organization", s.org)
		if err != nil {
			return nil, err
		}
		sg := &stix.Sighting{SightingOfRef: indicator.ID, WhereSightedRefs: []stix.ID{where}, ObservedDataRefs: s.observed, Count: new(min(s.count, 999_999_999))}
		at := always
		if s.first != event.NoTime {
			sg.FirstSeen, sg.LastSeen = stix.At(time.Unix(0, s.first)), stix.At(time.Unix(0, s.last))
			at = sg.LastSeen
		}
		if err := b.head(&sg.Common, "sighting", at, string(indicator.ID), s.org, fmt.Sprint(s.count, s.first, s.last), fmt.Sprint(s.observed)); err != nil {
			return nil, err
		}
		out.Objects = append(out.Objects, sg)
	}
	for _, o := range b.objects {
		out.Objects = append(out.Objects, o)
	}
	return out, nil
}

// End implements sweep.Handler.
func (b *Bundle) End(*sweep.Result) error {
	all, err := b.bundle()
	if err != nil {
		return err
	}
	raw, err := all.Marshal()
	if err != nil {
		return fmt.Errorf("write bundle.json: %w", err)
	}
	return WriteFile(filepath.Join(b.dir, "bundle.json"), func(out io.Writer) error {
		_, err := out.Write(append(raw, '\n'))
		return err
	})
}

// indicatorOf describes a rule. Its pattern names the rule by id and title: the text of a rule stays where its licence is.
func indicatorOf(r *finding.Rule) *stix.Indicator {
	i := &stix.Indicator{
		Name: cmp.Or(Clean(r.Title), Clean(string(r.ID)), "unnamed"), IndicatorTypes: []string{"malicious-activity"}, PatternType: "sigma",
		Pattern: fmt.Sprintf("title: %s\nid: %s\n", strconv.Quote(r.Title), strconv.Quote(string(r.ID))),
	}
	switch r.Kind {
	case finding.Sigma, finding.Correlation:
	case finding.YARA:
		i.PatternType = "yara"
	default:
		i.PatternType = "contrail-" + string(r.Kind)
	}
	i.Description = fmt.Sprintf("Rule of kind %s, level %s.", r.Kind, orDash(r.Level.String()))
	if r.Author != "" {
		i.Description += " Author: " + Clean(r.Author) + "."
	}
	if r.ID != "" {
		i.ExternalReferences = append(i.ExternalReferences, stix.ExternalReference{SourceName: i.PatternType, ExternalID: Clean(string(r.ID))})
	}
	ids, named := tagged(r.Tags)
	for _, id := range ids {
		i.ExternalReferences = append(i.ExternalReferences, stix.ExternalReference{SourceName: "mitre-attack", ExternalID: id})
	}
	for _, t := range named {
		i.KillChainPhases = append(i.KillChainPhases, stix.KillChainPhase{KillChainName: "mitre-attack", PhaseName: t})
	}
	return i
}

// processID gives a process its id. The specification wants a random one, since process numbers come back; this one is as good as random
// and the same for the same record, so that the same sweep gives the same bytes.
func processID(f *finding.Finding, role string) stix.ID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q %q %q %d %d", role, f.Org, f.SHA256, f.File, f.Record, f.Offset))
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	x := hex.EncodeToString(u)
	return stix.ID("process--" + x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:])
}
