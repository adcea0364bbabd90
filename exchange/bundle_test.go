package exchange

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/docket"
	"github.com/contrail-ir/contrail/internal/conformance"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
	"github.com/contrail-ir/contrail/stix"
)

// rich is a case with everything that becomes an object.
func rich(t *testing.T) (*casefile.Case, *keys.Private, casefile.Entry) {
	t.Helper()
	c, lead := fresh(t)
	ok := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for id, name := range map[member.ID]string{"alpha": "Alpha Air", "beta": "Beta Air"} {
		ok(c.AddMember(t.Context(), lead, casefile.MemberDetail{ID: id, Name: name}, marking.Marking{}, "x"))
	}
	ok(Import(t.Context(), c, lead, claimsFile, options()))
	a, err := attribution.Load("../examples/airlines-2021")
	ok(nil, err)
	a.Naming = append(a.Naming, attribution.NamingDecision{Audience: "authority", Decision: "named", Name: "EXAMPLE SERVICE", By: "the lead", Date: a.Naming[0].Date})
	a.Assessment.Level, a.Assessment.Subject = "named-actor", "EXAMPLE SERVICE"
	ok(docket.Record(t.Context(), c, lead, a, docket.Options{Marking: marking.Of(marking.Amber, "CERT"), Why: "x"}))
	many, few, hosts := int64(1200), int64(800), int64(4)
	n, err := c.StateNumber(t.Context(), lead, casefile.Number{What: "passengers", Unit: "persons", Exact: &many, Basis: "counted"}, nil, marking.Of(marking.Green, "CERT"), "x")
	ok(nil, err)
	ok(c.StateNumber(t.Context(), lead, casefile.Number{What: "cards", Unit: "cards", Upper: &few, Basis: "estimated"}, nil, marking.Of(marking.Green, "CERT"), "x"))
	ok(c.StateNumber(t.Context(), lead, casefile.Number{What: "servers with the implant", Unit: "hosts", Exact: &hosts, Basis: "counted"}, nil, marking.Of(marking.Green, "CERT"), "x"))
	file := filepath.Join(t.TempDir(), "kinship.json")
	ok(nil, os.WriteFile(file, []byte(`{"orgs":[{"org":"beta","verdict":"same-intrusion"},{"org":"alpha","verdict":"not-found"}]}`), 0o600))
	ok(c.ImportDocument(t.Context(), lead, casefile.KinshipImported, file, casefile.ImportOptions{Why: "x"}))
	return c, lead, n
}

func bundleOf(t *testing.T, c *casefile.Case, r Reader) ([]stix.Object, []byte) {
	t.Helper()
	objects, err := Bundle(t.Context(), c, r)
	if err != nil {
		t.Fatal(err)
	}
	b := &stix.Bundle{Objects: objects}
	for _, p := range stix.ValidateBundle(b) {
		if p.Severity == stix.Must || strings.Contains(p.Text, "not in the bundle") && !strings.Contains(p.Text, "extension-definition") {
			t.Errorf("%s: %s", r.Audience, p)
		}
	}
	raw, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return objects, raw
}

func find[T stix.Object](objects []stix.Object, want func(T) bool) (found T, n int) {
	for _, o := range objects {
		if x, ok := o.(T); ok && want(x) {
			found = x
			n++
		}
	}
	return found, n
}

func TestACaseAsSTIXIsValidForEveryAudience(t *testing.T) {
	c, _, _ := rich(t)
	bundles := map[string][]byte{}
	for _, k := range append(marking.Kinds(), "") {
		objects, raw := bundleOf(t, c, Reader{Audience: k, Name: func(m member.Member) string { return "member " + string(m.ID[:1]) }})
		bundles["case-"+string(k)] = raw
		_, again := bundleOf(t, c, Reader{Audience: k, Name: func(m member.Member) string { return "member " + string(m.ID[:1]) }})
		if !bytes.Equal(raw, again) {
			t.Errorf("%s: the same case gives two bundles", k)
		}
		named := slices.ContainsFunc(objects, func(o stix.Object) bool {
			x, ok := o.(*stix.Relationship)
			return ok && x.RelationshipType == "attributed-to" && x.SourceRef.Type() == "incident"
		})
		if named != (k == marking.Authority || k == "") {
			t.Errorf("%s: the incident is attributed to a name: %t", k, named)
		}
		note, n := find(objects, func(n *stix.Note) bool { return n.Abstract == "Assessment" })
		if n != 1 || strings.Contains(note.Content, "EXAMPLE SERVICE") != named {
			t.Errorf("%s: the assessment says %q", k, note.Content)
		}
		if strings.Contains(string(raw), "Beta Air") {
			t.Errorf("%s: a member is named", k)
		}
	}
	objects, _ := bundleOf(t, c, Reader{})
	if e, n := find(objects, func(e *stix.Event) bool { return e.Name == "report" }); n != 1 || e.StartTimeFidelity != "month" || e.StartTime.String() != "2020-01-01T00:00:00.000Z" {
		t.Errorf("report: %+v", e)
	}
	impact, n := find(objects, func(i *stix.Impact) bool { return strings.HasPrefix(i.Description, "passengers") })
	loss, _ := impact.Extensions["confidentiality-ext"].(*stix.ConfidentialityImpact)
	if n != 1 || loss == nil || *loss.RecordCount != 1200 || loss.LossType != "confirmed-loss" || loss.InformationType != "pii" {
		t.Errorf("impact: %+v %+v", impact, loss)
	}
	impact, _ = find(objects, func(i *stix.Impact) bool { return strings.HasPrefix(i.Description, "cards") })
	if loss, _ = impact.Extensions["confidentiality-ext"].(*stix.ConfidentialityImpact); loss.RecordCount != nil || loss.LossType != "suspected-loss" {
		t.Errorf("an upper bound alone: %+v", loss)
	}
	if _, n := find(objects, func(r *stix.Relationship) bool { return r.RelationshipType == "impacts" }); n != 1 {
		t.Errorf("%d organisations are impacted", n)
	}
	if testing.Short() { // the one that names and the one that does not
		bundles = map[string][]byte{"authority": bundles["case-authority"], "public": bundles["case-public"]}
	}
	conformance.ValidSTIX(t, bundles)
}

// A correction is a later version of the same object, and never another content of the same version.
func TestACorrectionIsAVersion(t *testing.T) {
	c, lead, first := rich(t)
	isNumber := func(i *stix.Impact) bool { return strings.HasPrefix(i.Description, "passengers") }
	before, _ := bundleOf(t, c, Reader{})
	old, _ := find(before, isNumber)
	fewer := int64(1100)
	_, err := c.Record(t.Context(), lead, casefile.Draft{Kind: casefile.NumberStated, Why: "counted twice", Summary: "fewer", Supersedes: []uint64{first.Seq}, Marking: marking.Of(marking.Green, "CERT"),
		Detail: casefile.Number{What: "passengers", Unit: "persons", Exact: &fewer, Basis: "counted again"}})
	if err != nil {
		t.Fatal(err)
	}
	after, _ := bundleOf(t, c, Reader{})
	now, n := find(after, isNumber)
	if n != 1 || now.ID != old.ID || !now.Modified.After(old.Modified) || !now.Created.Time().Equal(old.Created.Time()) {
		t.Errorf("%v %v", old.Head(), now.Head())
	}
	var h stix.History
	for _, o := range append(before, after...) {
		if _, marks := o.(*stix.MarkingDefinition); marks {
			continue
		}
		if err := h.Add(o); err != nil {
			t.Error(err)
		}
	}
}
