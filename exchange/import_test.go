package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/docket"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/stix"
)

func fresh(t testing.TB) (*casefile.Case, *keys.Private) {
	t.Helper()
	lead, err := keys.Generate("anna")
	if err != nil {
		t.Fatal(err)
	}
	c, err := casefile.New(t.Context(), filepath.Join(t.TempDir(), "case"), casefile.NewOptions{Organisation: "CERT", Lead: lead, Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, lead
}

func options() Options {
	return Options{ImportOptions: casefile.ImportOptions{Why: "test", From: "sharing group", To: "anna", Authority: "agreement 3"}}
}

const claimsFile = "testdata/claims.json"

func TestABundleIsKeptWithItsClaims(t *testing.T) {
	c, lead := fresh(t)
	im, err := Import(t.Context(), c, lead, claimsFile, options())
	if err != nil {
		t.Fatal(err)
	}
	if im.Objects != 12 || im.Claims != 2 || len(im.Entries) != 3 {
		t.Fatalf("%d objects, %d claims, %d entries", im.Objects, im.Claims, len(im.Entries))
	}
	var d casefile.Import
	if err := im.Entries[0].Decode(&d); err != nil {
		t.Fatal(err)
	}
	if d.Source != "Example Ministry" && d.Source != "Example Vendor" || d.From != "sharing group" || d.To != "anna" || d.Authority != "agreement 3" || d.Files[0].Copy == "" || d.Counts["type.indicator"] != 2 {
		t.Errorf("%+v", d)
	}
	if m := im.Entries[0].Marking; m.TLP != marking.Green || !slices.Equal(m.Owners, []string{"Example Ministry", "Example Vendor"}) {
		t.Errorf("marking %+v", m)
	}
	claims := map[string]docket.Claim{}
	for _, e := range im.Entries[1:] {
		var cl docket.Claim
		if err := e.Decode(&cl); err != nil {
			t.Fatal(err)
		}
		claims[cl.Claimant.Name] = cl
		if len(e.Seen) != 1 || e.Seen[0] != d.Files[0].Digest || e.Marking.TLP != marking.Green {
			t.Errorf("the claim of %s does not say where it is from: %v %v", cl.Claimant.Name, e.Seen, e.Marking)
		}
	}
	v := claims["Example Vendor"]
	if v.Actor != (attribution.Actor{Kind: "named", Name: "EXAMPLE CRANE"}) || v.Window.From.Text != "2018-09-01T00:00:00Z" || v.Window.To.Text != "2019-06-30T00:00:00Z" || v.Confidence.Value != "60" || v.Claimant.Kind != "vendor" {
		t.Errorf("vendor: %+v", v.Claim)
	}
	g := claims["Example Ministry"]
	if g.Claimant.Kind != "government" || g.Actor.Name != "EXAMPLE SERVICE" || g.Window.From.Text != "2019-11-01T00:00:00Z" || !slices.Equal(g.Sectors, []string{"airlines"}) || g.Audience.TLP != "green" {
		t.Errorf("government: %+v", g.Claim)
	}
	for _, x := range []struct{ written, kept string }{{"2019-11-01T10:20:30Z", "2019-11-01T10:20:30Z"}, {"2019-11-01T10:20:30.000Z", "2019-11-01T10:20:30Z"}, {"2019-11-01T10:20:30.123456789Z", "2019-11-01T10:20:30.123456789Z"}} {
		at, err := stix.ParseTimestamp(x.written)
		if got := date(at); err != nil || got.Text != x.kept || got.First != got.Last {
			t.Errorf("%s is kept as %+v (%v)", x.written, got, err)
		}
	}
	if rep, err := casefile.Verify(t.Context(), c.Dir(), casefile.VerifyOptions{}); err != nil || !rep.OK() {
		t.Errorf("%v %s", err, rep)
	}
	// Beside the claims of the example they are weighed against its incident.
	a, err := attribution.Load("../examples/airlines-2021")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := docket.Record(t.Context(), c, lead, a, docket.Options{Why: "test"}); err != nil {
		t.Fatal(err)
	}
	whole, err := docket.Read(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := attribution.Analyse(whole)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Claims) != 5 {
		t.Fatalf("%d claims", len(r.Claims))
	}
	for _, cl := range r.Claims {
		if cl.Claimant.Name == "Example Vendor" && *cl.GapDays != [2]int{185, 215} { // 30 June 2019 to January 2020
			t.Errorf("gap %v", *cl.GapDays)
		}
	}
}

// What went in comes out: ids, versions, markings, custom properties, custom objects and extensions.
func TestRoundTripKeepsWhatItMust(t *testing.T) {
	c, lead := fresh(t)
	if _, err := Import(t.Context(), c, lead, claimsFile, options()); err != nil {
		t.Fatal(err)
	}
	objects, err := Objects(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	b := stix.Bundle{Objects: objects}
	out, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.ReadFile(claimsFile)
	if err != nil {
		t.Fatal(err)
	}
	if x, y := byVersion(t, in), byVersion(t, out); !reflect.DeepEqual(x, y) {
		for k := range x {
			if !reflect.DeepEqual(x[k], y[k]) {
				t.Errorf("%s:\n%v\n%v", k, x[k], y[k])
			}
		}
	}
	// A second import of what was exported changes nothing, whatever its order.
	again := filepath.Join(t.TempDir(), "again.json")
	if err := os.WriteFile(again, out, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), c, lead, again, options()); err != nil {
		t.Fatal(err)
	}
	objects, err = Objects(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := (&stix.Bundle{Objects: objects}).Marshal(); err != nil || !bytes.Equal(out, twice) {
		t.Errorf("the second round trip differs: %v", err)
	}
}

func byVersion(t *testing.T, bundle []byte) map[string]any {
	t.Helper()
	var b struct{ Objects []map[string]any }
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, o := range b.Objects {
		out[fmt.Sprint(o["id"], " ", o["modified"])] = o
	}
	return out
}

func TestAMISPEventIsKept(t *testing.T) {
	c, lead := fresh(t)
	file := filepath.Join(t.TempDir(), "event.json")
	event := `{"Event":{"uuid":"5f0c1111-2222-4333-8444-555566667777","info":"trojan at an airline","date":"2021-03-01","timestamp":"1614600000","Orgc":{"name":"Example CERT","uuid":"5f0c1111-2222-4333-8444-555566667778"},
	"Tag":[{"name":"tlp:amber"}],"Attribute":[{"uuid":"5f0c1111-2222-4333-8444-555566667779","type":"domain","value":"updates.crane-example.net","to_ids":true,"timestamp":"1614600000"}]}}`
	if err := os.WriteFile(file, []byte(event), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), c, lead, file, options()); err == nil || !strings.Contains(err.Error(), "case add misp") {
		t.Errorf("as STIX: %v", err)
	}
	o := options()
	o.MISP = true
	im, err := Import(t.Context(), c, lead, file, o)
	if err != nil {
		t.Fatal(err)
	}
	if m := im.Entries[0].Marking; m.TLP != marking.Amber || !slices.Equal(m.Owners, []string{"Example CERT"}) {
		t.Errorf("%+v", m)
	}
	objects, err := Objects(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(objects, func(o stix.Object) bool {
		i, ok := o.(*stix.Indicator)
		return ok && i.ID == "indicator--5f0c1111-2222-4333-8444-555566667779" && strings.Contains(i.Pattern, "crane-example")
	}) {
		t.Error("the attribute did not become an indicator of its id")
	}
	kept, err := os.ReadFile(filepath.Join(c.Dir(), filepath.FromSlash(must(t, im.Entries[0]).Files[0].Copy)))
	if err != nil || string(kept) != event {
		t.Errorf("the event is not kept as it was: %v", err)
	}
}

func must(t *testing.T, e casefile.Entry) (d casefile.Import) {
	t.Helper()
	if err := e.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

func object(typ, n, rest string) string {
	return fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":"%s--11111111-aaaa-4bbb-8ccc-%012s","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z"%s}`, typ, typ, n, rest)
}

func TestHostileBundlesAreRefusedWithTheReason(t *testing.T) {
	report := func(n, refs string) string {
		return object("report", n, `,"name":"r","report_types":["threat-report"],"published":"2020-01-01T00:00:00Z","object_refs":["`+refs+`"]`)
	}
	id := func(typ, n string) string { return fmt.Sprintf("%s--11111111-aaaa-4bbb-8ccc-%012s", typ, n) }
	for name, tt := range map[string]struct{ bundle, want string }{
		"two contents of one version": {object("tool", "1", `,"name":"a"`) + "," + object("tool", "1", `,"name":"b"`), "another content"},
		"a circle of reports":         {report("1", id("report", "2")) + "," + report("2", id("report", "1")), "in a circle: " + id("report", "1") + " → " + id("report", "2")},
		"a report of itself":          {report("1", id("report", "1")), "in a circle"},
		"a circle of attributions": {object("threat-actor", "1", `,"name":"a"`) + "," + object("intrusion-set", "2", `,"name":"b"`) + "," +
			object("relationship", "3", `,"relationship_type":"attributed-to","source_ref":"`+id("threat-actor", "1")+`","target_ref":"`+id("intrusion-set", "2")+`"`) + "," +
			object("relationship", "4", `,"relationship_type":"attributed-to","source_ref":"`+id("intrusion-set", "2")+`","target_ref":"`+id("threat-actor", "1")+`"`), "in a circle"},
		"wrong types":              {object("tool", "1", `,"name":7`), "name"},
		"a required one misses":    {object("tool", "1", ``), "required"},
		"an inverted window":       {object("intrusion-set", "1", `,"name":"x","first_seen":"2019-01-01T00:00:00Z","last_seen":"2018-01-01T00:00:00Z"`), "last_seen"},
		"a window after its claim": {object("intrusion-set", "1", `,"name":"x","first_seen":"2019-01-01T00:00:00Z","last_seen":"2024-01-01T00:00:00Z"`), "after the claim was published"},
		"a name twice":             {`{"type":"tool","type":"tool"}`, "twice"},
		"too deep":                 {object("tool", "1", `,"name":"x","x_y":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)), "deep"},
		"no objects":               {``, "no object"},
		"no STIX":                  {`{"a":1}`, "no type"},
		"changes its maker":        {object("tool", "1", `,"name":"a","created_by_ref":"`+id("identity", "1")+`"`) + "," + strings.Replace(object("tool", "1", `,"name":"a"`), `"modified":"2020`, `"modified":"2021`, 1), "creator changed"},
	} {
		t.Run(name, func(t *testing.T) {
			c, lead := fresh(t)
			file := filepath.Join(t.TempDir(), "b.json")
			if err := os.WriteFile(file, []byte(`{"type":"bundle","id":"bundle--0c1f7b2a-3b0e-4a55-8b6e-6a4f0a3a4d11","objects":[`+tt.bundle+`]}`), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Import(t.Context(), c, lead, file, options())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if h, err := c.Head(); err != nil || h.Size != 1 {
				t.Errorf("%d entries, %v", h.Size, err)
			}
		})
	}
	// A chain of a hundred thousand reports is no circle and does not exhaust the stack.
	var objects []stix.Object
	for i := range 100_000 {
		r := &stix.Report{ObjectRefs: []stix.ID{stix.ID(fmt.Sprintf("report--%d", i+1))}}
		r.ID = stix.ID(fmt.Sprintf("report--%d", i))
		objects = append(objects, r)
	}
	if c := circleIn(objects); c != nil {
		t.Errorf("%v", c)
	}
	objects = append(objects, &stix.Report{Common: stix.Common{Header: stix.Header{ID: "report--100000"}}, ObjectRefs: []stix.ID{"report--0"}})
	if c := circleIn(objects); len(c) != shown+1 {
		t.Errorf("the long circle: %d", len(c))
	}
}

func TestWhatBreaksTheSpecificationIsTakenOnlyOnRequest(t *testing.T) {
	c, lead := fresh(t)
	file := filepath.Join(t.TempDir(), "b.json")
	if err := os.WriteFile(file, []byte(`{"type":"bundle","objects":[`+object("tool", "1", ``)+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if _, err := Import(t.Context(), c, lead, file, options()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "--with-errors") {
		t.Errorf("%v", err)
	}
	o := options()
	o.WithErrors = true
	im, err := Import(t.Context(), c, lead, file, o)
	if err != nil {
		t.Fatal(err)
	}
	if d := must(t, im.Entries[0]); len(d.Problems) != 1 || !strings.Contains(d.Problems[0], "name") {
		t.Errorf("%+v", d.Problems)
	}
}

func TestAMarkingThatCameWithTheContentIsNotLoosened(t *testing.T) {
	c, lead := fresh(t)
	o := options()
	o.Marking = marking.Of(marking.Clear, "CERT")
	if _, err := Import(t.Context(), c, lead, claimsFile, o); err == nil || !strings.Contains(err.Error(), "only its owner") {
		t.Errorf("%v", err)
	}
	o.Marking = marking.Of(marking.Red, "CERT")
	im, err := Import(t.Context(), c, lead, claimsFile, o)
	if err != nil {
		t.Fatal(err)
	}
	if m := im.Entries[0].Marking; m.TLP != marking.Red || !slices.Contains(m.Owners, "Example Vendor") {
		t.Errorf("%+v", m)
	}
}

func TestTwoImportsThatDisagree(t *testing.T) {
	c, lead := fresh(t)
	add := func(name string, o Options) (*Imported, error) {
		file := filepath.Join(t.TempDir(), name+".json")
		if err := os.WriteFile(file, []byte(`{"type":"bundle","objects":[`+object("tool", "1", `,"name":"`+name+`"`)+`]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return Import(t.Context(), c, lead, file, o)
	}
	im, err := add("a", options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := add("b", options()); err == nil || !strings.Contains(err.Error(), "is in a.json (entry 1) with another content") {
		t.Errorf("%v", err)
	}
	o := options()
	o.Supersedes = []uint64{im.Entries[0].Seq}
	if _, err := add("b", o); err != nil {
		t.Fatal(err)
	}
	objects, err := Objects(t.Context(), c)
	if err != nil || len(objects) != 1 || name(objects[0]) == "" || objects[0].(*stix.Tool).Name != "b" {
		t.Errorf("%v %v", objects, err)
	}
}

// A claim that could not be weighed does not keep the rest out, when that was asked for.
func TestAClaimThatCannotBeWeighedIsLeftOutOnRequest(t *testing.T) {
	c, lead := fresh(t)
	file := filepath.Join(t.TempDir(), "b.json")
	if err := os.WriteFile(file, []byte(`{"type":"bundle","objects":[`+object("intrusion-set", "1", `,"name":"x","first_seen":"2019-01-01T00:00:00Z","last_seen":"2024-01-01T00:00:00Z"`)+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options()
	o.WithErrors = true
	im, err := Import(t.Context(), c, lead, file, o)
	if err != nil || im.Claims != 0 || len(im.Problems) != 1 || !strings.Contains(must(t, im.Entries[0]).Problems[0], "no claim: intrusion-set--") {
		t.Errorf("%+v %v", im, err)
	}
}

// FuzzImport holds that no bundle panics the import, and that what is taken can be given out again.
func FuzzImport(f *testing.F) {
	b, err := os.ReadFile(claimsFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, false)
	f.Add([]byte(`{"Event":{"uuid":"5f0c1111-2222-4333-8444-555566667777","info":"x"}}`), true)
	f.Fuzz(func(t *testing.T, b []byte, isMISP bool) {
		objects, _, err := read(b, isMISP)
		if err != nil {
			return
		}
		if _, err := judge(objects, false); err != nil {
			return
		}
		if _, err := mark(objects, marking.Marking{}); err != nil {
			return
		}
		if _, bad := claimsOf(objects, "x", "", marking.Green); len(bad) > 0 {
			return
		}
		if _, err := (&stix.Bundle{Objects: objects}).Marshal(); err != nil {
			t.Fatalf("taken, and cannot be given out: %v", err)
		}
	})
}

const revocable = `{"type":"bundle","id":"bundle--0c1f7b2a-3b0e-4a55-8b6e-6a4f0a3a4d12","objects":[
{"type":"identity","spec_version":"2.1","id":"identity--11111111-aaaa-4bbb-8ccc-0000000000a1","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"Vendor","identity_class":"organization"},
{"type":"intrusion-set","spec_version":"2.1","id":"intrusion-set--11111111-aaaa-4bbb-8ccc-0000000000a2","created":"2020-03-02T00:00:00.000Z","modified":"2020-03-02T00:00:00.000Z","created_by_ref":"identity--11111111-aaaa-4bbb-8ccc-0000000000a1","name":"SET"MARK},
{"type":"threat-actor","spec_version":"2.1","id":"threat-actor--11111111-aaaa-4bbb-8ccc-0000000000a3","created":"2020-03-02T00:00:00.000Z","modified":"2020-03-02T00:00:00.000Z","created_by_ref":"identity--11111111-aaaa-4bbb-8ccc-0000000000a1","name":"AGENCY","threat_actor_types":["nation-state"]},
{"type":"relationship","spec_version":"2.1","id":"relationship--11111111-aaaa-4bbb-8ccc-0000000000a4","created":"2020-03-02T00:00:00.000Z","modified":"REVISED,"created_by_ref":"identity--11111111-aaaa-4bbb-8ccc-0000000000a1","relationship_type":"attributed-to","source_ref":"intrusion-set--11111111-aaaa-4bbb-8ccc-0000000000a2","target_ref":"threat-actor--11111111-aaaa-4bbb-8ccc-0000000000a3"}
]}`

func revocableFile(t *testing.T, revised, mark string) string {
	path := filepath.Join(t.TempDir(), "b.json")
	if err := os.WriteFile(path, []byte(strings.NewReplacer("REVISED", revised, "MARK", mark).Replace(revocable)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What an author revokes is no longer claimed, also when the revocation comes in a later bundle; the ledger keeps that it was.
func TestARevokedAttributionIsNoClaimAnyMore(t *testing.T) {
	c, lead := fresh(t)
	if _, err := Import(t.Context(), c, lead, revocableFile(t, `2020-03-02T00:00:00.000Z"`, ""), options()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // saying it twice enters it once
		if _, err := Import(t.Context(), c, lead, revocableFile(t, `2020-06-02T00:00:00.000Z","revoked":true`, ""), options()); err != nil {
			t.Fatal(err)
		}
	}
	var claims, current int
	for e, err := range c.Entries(t.Context(), casefile.Query{Kinds: []casefile.Kind{casefile.ClaimRecorded}}) {
		if err != nil {
			t.Fatal(err)
		}
		claims++
		if len(e.Supersedes) > 0 {
			current++
			var cl docket.Claim
			if err := e.Decode(&cl); err != nil || cl.Actor.Kind != "none" || !strings.Contains(cl.Notes, "2020-06-02") || !strings.Contains(cl.Notes, "AGENCY") {
				t.Errorf("%+v %v", cl.Claim, err)
			}
		}
	}
	if claims != 2 || current != 1 {
		t.Errorf("%d claims, %d of them take one back", claims, current)
	}
}

// What a claim says of a part that is marked more strictly is marked so, too.
func TestGranularMarkingsBindTheClaim(t *testing.T) {
	c, lead := fresh(t)
	o := options()
	o.Marking = marking.Marking{TLP: marking.Clear, Owners: []string{"x"}}
	red := `,"granular_markings":[{"marking_ref":"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1","selectors":["name"]}]`
	im, err := Import(t.Context(), c, lead, revocableFile(t, `2020-03-02T00:00:00.000Z"`, red), o)
	if err != nil || len(im.Entries) != 2 || im.Entries[0].Marking.TLP != marking.Clear || im.Entries[1].Marking.TLP != marking.Red {
		t.Error(err, im)
	}
}
