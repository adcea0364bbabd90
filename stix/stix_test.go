package stix

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestObservableIDs(t *testing.T) {
	sha := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	md5 := "d41d8cd98f00b204e9800998ecf8427e"
	if got := must(ObservableID(&IPv4Addr{Value: "198.51.100.3"})); got != "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4" {
		t.Error("the example of the specification:", got)
	}
	id := func(o Object) ID { return must(ObservableID(o)) }
	both := id(&File{Hashes: Hashes{"SHA-256": sha, "MD5": md5}})
	if both != id(&File{Hashes: Hashes{"MD5": md5}}) || both == id(&File{Hashes: Hashes{"SHA-256": sha}}) {
		t.Error("a file takes one hash, MD5 first")
	}
	if id(&File{Hashes: Hashes{"SHA-512": strings.Repeat("0", 128), "SHA-256": sha, "SHA-1": md5 + "00000000"}}) != id(&File{Hashes: Hashes{"SHA-1": md5 + "00000000"}}) {
		t.Error("then SHA-1")
	}
	if id(&File{Hashes: Hashes{"TLSH": "T1", "SSDEEP": "3:x"}}) != id(&File{Hashes: Hashes{"SSDEEP": "3:x"}}) {
		t.Error("then the first by name")
	}
	if id(&File{Name: "a", Size: new(int64(1))}) != id(&File{Name: "a"}) {
		t.Error("the size does not contribute")
	}
	if id(&Process{PID: new(int64(1))}) != "" || id(&Artifact{URL: "https://x.example"}) != "" {
		t.Error("nothing contributes: no deterministic id")
	}
	if id(&URL{Value: "https://x.example/<&>\u2028"}) == "" {
		t.Error("characters that encoders escape")
	}
	if id(&Indicator{Pattern: "[a:b = 1]"}) != "" {
		t.Error("never for SDOs")
	}
	if _, err := DerivedID("report", "00abedb4-aa42-466c-9c01-fed23315a9b7", "x"); err == nil {
		t.Error("the namespace of observables is accepted for an SDO")
	}
	if n := NewID("process"); checkID(n, "process") != "" || n.UUID()[14] != '4' || n == NewID("process") {
		t.Error(n)
	}
}

// The ids of these samples are those that the Python library of OASIS (stix2 3.0) gives the same objects.
func TestObservableIDsAgreeWithAnotherImplementation(t *testing.T) {
	present := map[ID]bool{}
	for _, o := range samples() {
		present[o.Head().ID] = true
	}
	for _, id := range []ID{
		"artifact--a9313dc7-fa25-5e2f-9831-1f602c6dfbac",
		"autonomous-system--0a5f7072-df00-5729-9f0a-4eb18631a446",
		"directory--7007ee90-7958-5b81-ab7b-e354897027b5",
		"domain-name--dd1e105c-d9af-500c-b9af-56a3e5edc5f9",
		"email-addr--c2402c6b-722e-5634-9aee-053f6797115c",
		"email-message--60762234-14db-5915-8df1-0e06ba5ccee4",
		"file--e9efad4f-8c5b-5ebe-9fe5-562122d229cf",
		"ipv6-addr--6469e3a9-b053-5e34-a025-9396ae051d26",
		"mac-addr--b8964b06-2fe6-52c3-b183-cd8f676a1c6f",
		"mutex--3cad1348-f658-5931-ae56-f84457eb671a",
		"software--05d5d4c8-e657-559a-902d-7794e24392f7",
		"url--90981a2f-27e5-5461-9fc2-855485997827",
		"user-account--4577ab96-2db7-57ec-b8a4-e56815723285",
		"windows-registry-key--df8b5a54-f6df-5b72-8d16-5f8cee3267e0",
		"x509-certificate--a3861d88-309a-5e66-9340-29c9b49ef040",
	} {
		if !present[id] {
			t.Errorf("no sample has %s", id)
		}
	}
}

func TestMarshalIsCanonicalAndRoundTrips(t *testing.T) {
	for _, o := range samples() {
		raw, err := Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Unmarshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		if reflect.TypeOf(back) != reflect.TypeOf(o) {
			t.Fatalf("%s comes back as %T", TypeOf(o), back)
		}
		again := must(Marshal(back))
		if !bytes.Equal(raw, again) {
			t.Errorf("%s\n%s", raw, again)
		}
		if !bytes.Equal(raw, must(Marshal(Clone(o)))) {
			t.Errorf("the clone of %s differs", TypeOf(o))
		}
	}
}

// What this package has no place for must come out as it went in.
func TestForeignContentSurvives(t *testing.T) {
	for _, text := range []string{
		`{"confidence":"high","created":"2020-01-01T00:00:00.000Z","created_by_ref":7,"id":"indicator--1","labels":[],"lang":"","type":"indicator","x_house":{"a":[1,2.5,null,true]}}`,
		`{"anything":[{"deep":{"er":"x"}}],"id":"x-thing--28bb3599-77cd-5a82-a950-b5bc3caf07c4","type":"x-thing"}`,
		`{"extensions":{"extension-definition--28bb3599-77cd-4a82-a950-b5bc3caf07c4":{"extension_type":"property-extension","rank":5},"pdf-ext":{"version":1}},"id":"file--x","name":"n","type":"file"}`,
		`{"hashes":{"MD5":["x"]},"id":"file--x","revoked":false,"type":"file"}`,
		`{"external_references":[{"source_name":"s","x_more":1},{"source_name":"t"}],"granular_markings":[{"selectors":["a"],"x":"y"}],"type":"tool"}`,
		`{"created":"2020-01-01T00:00:00+01:00","modified":"2020-01-01T00:00:00.1234567Z","type":"campaign"}`,
	} {
		o, err := Unmarshal([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var want, got map[string]any
		_ = json.Unmarshal([]byte(text), &want)
		_ = json.Unmarshal(must(Marshal(o)), &got)
		if s := schemaOf(o); want["spec_version"] == nil && (s == nil || s.family != familySCO) {
			delete(got, "spec_version") // added on writing
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("\n in %s\nout %s", text, must(Marshal(o)))
		}
		if len(Errors(Validate(o))) == 0 && !strings.Contains(text, "x-thing") {
			t.Errorf("%s is called valid", text)
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `{"type":1}`, `{"type":""}`, `{"type":"tool"} x`, `{"type":"tool","type":"file"}`, `{"type":"tool","a":{"b":1,"b":2}}`, `{"type":"tool","n":9007199254740993}`,
		`{"type":"tool","n":1e999}`, "{\"type\":\"tool\",\"n\":\"\xff\"}", `{"type":"tool","n":"\ud800"}`, `{"type":"tool","n":"\udc00\ud800"}`, `{"type":"tool","n":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
	} {
		if o, err := Unmarshal([]byte(text)); err == nil {
			t.Errorf("%s is read as %T", text, o)
		}
	}
	for _, text := range []string{`{"type":"tool","n":"\ud83d\ude00 \\ud800"}`, `{"type":"tool","n":-9007199254740991}`} {
		if _, err := Unmarshal([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTimestamps(t *testing.T) {
	for _, s := range []string{"2020-01-01T00:00:00Z", "2020-01-01T00:00:00.1Z", "2020-02-29T23:59:59.123456789Z"} {
		if ts, err := ParseTimestamp(s); err != nil || ts.String() != s {
			t.Error(s, err)
		}
	}
	for _, s := range []string{"", "2020-01-01", "2020-01-01T00:00:00", "2020-01-01T00:00:00.Z", "2020-01-01t00:00:00Z", "2020-01-01T00:00:00z", "2020-01-01T00:00:00+00:00", "2021-02-29T00:00:00Z", "2020-01-01T24:00:00Z", "2020-01-01T00:00:00,5Z"} {
		if ts, err := ParseTimestamp(s); err == nil {
			t.Errorf("%q is read as %s", s, ts)
		}
	}
	if s := At(time.Date(2020, 1, 1, 1, 0, 0, 1999999, time.FixedZone("", 3600))).String(); s != "2020-01-01T00:00:00.001Z" {
		t.Error(s)
	}
}

func TestBundleIsDeterministic(t *testing.T) {
	objects := samples()
	a := must((&Bundle{Objects: objects}).Marshal())
	for i, j := 0, len(objects)-1; i < j; i, j = i+1, j-1 {
		objects[i], objects[j] = objects[j], objects[i]
	}
	b := must((&Bundle{Objects: append(objects, objects[3])}).Marshal())
	if !bytes.Equal(a, b) {
		t.Error("order or repetition of objects changes the bytes")
	}
	again, damage, err := ReadAll(bytes.NewReader(a), Limits{})
	if err != nil || len(damage) > 0 || len(again) != len(objects) {
		t.Fatal(len(again), damage, err)
	}
	if c := must((&Bundle{Objects: again}).Marshal()); !bytes.Equal(a, c) {
		t.Error("round trip changes the bytes")
	}
	changed := Clone(objects[3])
	changed.Head().Extra = map[string]any{"x_more": "y"}
	if _, err := (&Bundle{Objects: append(objects, changed)}).Marshal(); err == nil {
		t.Error("two contents of one (id, modified) are written")
	}
	if s := string(must((&Bundle{ID: "bundle--28bb3599-77cd-4a82-a950-b5bc3caf07c4"}).Marshal())); s != `{"id":"bundle--28bb3599-77cd-4a82-a950-b5bc3caf07c4","type":"bundle"}` {
		t.Error(s)
	}
}

func TestVersions(t *testing.T) {
	me, you := sampleID("identity", "author"), sampleID("identity", "other")
	v1 := &Campaign{Common: common("campaign", "v"), Name: "one"}
	if _, err := NewVersion(v1, you, time.Now()); err == nil {
		t.Error("somebody else makes a version")
	}
	early, err := NewVersion(v1, me, v1.Modified.Time().Add(-time.Hour))
	if err != nil || !CommonOf(early).Modified.After(v1.Modified) {
		t.Error("a version is not later than the one before", err)
	}
	v2 := must(NewVersion(v1, me, time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC))).(*Campaign)
	v2.Name = "two"
	if v1.Name != "one" || v2.ID != v1.ID || !v2.Created.Time().Equal(v1.Created.Time()) {
		t.Error("the copy")
	}
	last := must(Revoke(v2, me, time.Date(2022, 2, 1, 0, 0, 0, 0, time.UTC)))
	if _, err := NewVersion(last, me, time.Now()); err == nil {
		t.Error("a version after revocation")
	}
	if _, err := NewVersion(TLPRed.Marking(), "", time.Now()); err == nil {
		t.Error("a version of a marking")
	}
	if _, err := NewVersion(&IPv4Addr{}, "", time.Now()); err == nil {
		t.Error("a version of an observable")
	}
	var h History
	for _, o := range []Object{v1, v1, v2, last} {
		if err := h.Add(o); err != nil {
			t.Error(err)
		}
	}
	other := Clone(v2).(*Campaign)
	other.Name = "another two"
	after := Clone(v2).(*Campaign)
	after.Modified = At(time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC))
	var fresh History
	_ = fresh.Add(v1)
	stolen := Clone(v2).(*Campaign)
	stolen.CreatedByRef = you
	if h.Add(other) == nil || h.Add(after) == nil || fresh.Add(stolen) == nil {
		t.Error("same version with other content, a version after revocation, or another creator is taken")
	}
}

func TestNoObjectIsNoPanic(t *testing.T) {
	for _, o := range []Object{nil, (*Campaign)(nil), &Header{}} {
		if _, err := Marshal(o); err == nil || len(Validate(o)) != 1 || TypeOf(o) != "" || Clone(o) != nil {
			t.Errorf("%T: %v", o, err)
		}
	}
}

func TestStamp(t *testing.T) {
	now := time.Date(2021, 11, 1, 0, 0, 0, 0, time.UTC)
	me := sampleID("identity", "author")
	for _, o := range []Object{&Campaign{Name: "n"}, &IPv4Addr{Value: "198.51.100.3"}, &Process{PID: new(int64(1))},
		&MarkingDefinition{DefinitionType: "statement", Definition: map[string]any{"statement": "x"}}} {
		if err := Stamp(o, me, now); err != nil {
			t.Error(err)
		}
		if p := Errors(Validate(o)); len(p) > 0 {
			t.Error(p)
		}
		first := string(must(Marshal(o)))
		if err := Stamp(o, "identity--x", now.Add(time.Hour)); err != nil || string(must(Marshal(o))) != first {
			t.Error("stamping twice changes the object", err)
		}
	}
	if Stamp(&Custom{}, me, now) == nil {
		t.Error("an object without a type")
	}
}

// endless writes a bundle of n indicators without ever holding it.
type endless struct {
	n, done int
	rest    []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		switch {
		case e.done == 0:
			e.rest = []byte(`{"type":"bundle","id":"bundle--28bb3599-77cd-4a82-a950-b5bc3caf07c4","objects":[{"type":"mutex","name":"0"}`)
		case e.done < e.n:
			e.rest = []byte(`,{"type":"mutex","name":"` + strings.Repeat("x", 1000) + `"}`)
		case e.done == e.n:
			e.rest = []byte("]}")
		default:
			return 0, io.EOF
		}
		e.done++
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func TestReaderHoldsOneObject(t *testing.T) {
	rd := NewReader(&endless{n: 12_000}, Limits{})
	var peak, start uint64
	var m runtime.MemStats
	n := 0
	for {
		_, err := rd.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%2000 == 1 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			if start == 0 {
				start = m.HeapAlloc
			}
			peak = max(peak, m.HeapAlloc)
		}
	}
	if n != 12_000 || peak > start+(1<<20) {
		t.Errorf("%d objects of 12 MB; live memory grew from %d to %d bytes", n, start, peak)
	}
}

func TestReleaseCutsWhatItMust(t *testing.T) {
	var indicator *Indicator
	for _, o := range samples() {
		if i, ok := o.(*Indicator); ok {
			indicator = i
		}
	}
	notRed := func(m ID) bool { l, _ := TLPOf(m); return l != TLPRed }
	out, cut, err := Release(indicator, notRed)
	if err != nil {
		t.Fatal(err)
	}
	raw := string(must(Marshal(out)))
	if strings.Contains(raw, "first hop") || strings.Contains(raw, "granular") || len(cut) != 2 {
		t.Error(cut, raw)
	}
	if strings.Contains(raw, "exfiltration") {
		t.Error("the phase is still there")
	}
}

func TestReleaseOfWhatCannotBeCut(t *testing.T) {
	red := TLPRed.Marking().ID
	deny := func(m ID) bool { return m != red }
	c := &Campaign{Common: common("campaign", "c"), Name: "n", Aliases: []string{"a", "b"}}
	c.GranularMarkings = []GranularMarking{{MarkingRef: red, Selectors: []string{"name"}}}
	if _, _, err := Release(c, deny); err == nil {
		t.Error("a required property was cut")
	}
	c.GranularMarkings = []GranularMarking{{MarkingRef: red, Selectors: []string{"aliases.[0]"}}}
	if out, _, err := Release(c, deny); err != nil || !reflect.DeepEqual(out.(*Campaign).Aliases, []string{"b"}) {
		t.Error(out, err)
	}
	c.GranularMarkings = []GranularMarking{{MarkingRef: red, Selectors: []string{"aliases.[0]", "aliases.[1]"}}}
	if out, _, err := Release(c, deny); err != nil || out.(*Campaign).Aliases != nil {
		t.Error(out, err)
	}
	c.GranularMarkings = nil
	c.ObjectMarkingRefs = []ID{red}
	if _, _, err := Release(c, deny); err == nil {
		t.Error("a red object is released")
	}
	c.ObjectMarkingRefs = nil
	c.Extra = map[string]any{"granular_markings": "broken"}
	if _, _, err := Release(c, deny); err == nil {
		t.Error("unreadable markings are taken for none")
	}
}

func TestReleaseAllLeavesNothingDangling(t *testing.T) {
	red := TLPRed.Marking().ID
	secret := &Campaign{Common: common("campaign", "secret"), Name: "codename"}
	secret.ObjectMarkingRefs = []ID{red}
	open := &Campaign{Common: common("campaign", "open"), Name: "open"}
	rel := &Relationship{Common: common("relationship", "r"), RelationshipType: "related-to", SourceRef: open.ID, TargetRef: secret.ID}
	about := &Note{Common: common("note", "n"), Content: "on the relation", ObjectRefs: []ID{rel.ID}}
	report := &Report{Common: common("report", "r"), Name: "r", Published: sampleTime, ObjectRefs: []ID{secret.ID, open.ID, rel.ID, about.ID}}
	house := &MarkingDefinition{Common: common("marking-definition", "house"), DefinitionType: "statement", Definition: map[string]any{"statement": "x"}}
	house.Modified = Timestamp{}
	house.ObjectMarkingRefs = []ID{red}
	marked := &Campaign{Common: common("campaign", "marked"), Name: "marked"}
	marked.ObjectMarkingRefs = []ID{house.ID}
	out, withheld, err := ReleaseAll([]Object{report, secret, open, rel, about, house, marked}, func(m ID) bool { return m != red }, func(id ID) ID {
		if id.Type() == "identity" {
			return id
		}
		return must(DerivedID(id.Type(), sampleNamespace, "new "+string(id)))
	})
	if err != nil || len(out) != 2 || len(withheld) != 5 {
		t.Fatal(out, withheld, err)
	}
	raw := string(must((&Bundle{Objects: out}).Marshal()))
	for _, o := range []Object{secret, open, rel, about, house, marked, report} {
		if strings.Contains(raw, o.Head().ID.UUID()) {
			t.Errorf("%s is still told", o.Head().ID)
		}
	}
	for _, o := range out {
		if r, ok := o.(*Report); ok && len(r.ObjectRefs) != 1 {
			t.Error(r.ObjectRefs)
		}
		if p := Errors(Validate(o)); len(p) > 0 {
			t.Error(p)
		}
	}
}

func TestRewriteIDs(t *testing.T) {
	objects := samples()
	out, err := RewriteIDs(objects, func(id ID) ID {
		if _, fixed := TLPOf(id); fixed {
			return id
		}
		return must(DerivedID(id.Type(), sampleNamespace, "new "+string(id)))
	})
	if err != nil {
		t.Fatal(err)
	}
	raw := string(must((&Bundle{Objects: out}).Marshal()))
	for _, o := range objects {
		id := o.Head().ID
		_, fixed := TLPOf(id)
		// The key of an extension names its definition and is no reference to an object of the case.
		if !fixed && id.Type() != "extension-definition" && strings.Contains(raw, id.UUID()) {
			t.Errorf("%s is still there", id)
		}
	}
}

func FuzzBundle(f *testing.F) {
	f.Add(must((&Bundle{Objects: samples()}).Marshal()))
	f.Add([]byte(`{"type":"bundle","id":"bundle--1","spec_version":"2.0","objects":[{"type":"observed-data","id":"observed-data--1","created":"x","objects":{"0":{"type":"file","parent_directory_ref":"1"},"1":{"type":"directory","contains_refs":["0"]}}}]}`))
	f.Add([]byte(`[{"type":"indicator"},{"type":5}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		objects, _, _ := ReadAll(bytes.NewReader(raw), Limits{ObjectBytes: 1 << 16, Objects: 100})
		for _, o := range objects {
			Validate(o)
			one, err := Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Unmarshal(one)
			if err != nil {
				t.Fatalf("%s: %v", one, err)
			}
			if two := must(Marshal(back)); !bytes.Equal(one, two) {
				t.Fatalf("\n%s\n%s", one, two)
			}
		}
		_, _ = (&Bundle{Objects: objects}).Marshal()
		ValidateBundle(&Bundle{Objects: objects})
	})
}

// TestUUIDsOfAnyForm: what is as long as a UUID and has dashes where one has them may have more of them.
func TestUUIDsOfAnyForm(t *testing.T) {
	const good = "94f127cf-dc74-590d-886d-3e92cd426238"
	if u, err := parseUUID(good); err != nil || formatUUID(u) != good {
		t.Errorf("%s: %v %v", good, u, err)
	}
	for i := range good {
		for _, c := range "-g" {
			bad := good[:i] + string(c) + good[i+1:]
			if _, err := parseUUID(bad); (err == nil) != (bad == good) {
				t.Errorf("%s: %v", bad, err)
			}
		}
	}
	for _, bad := range []string{"", good[:35], good + "0", "94f127cf-dc74-590d-886d-3e92cd42623\u00e9"} {
		if _, err := parseUUID(bad); err == nil {
			t.Errorf("%q is taken for a UUID", bad)
		}
	}
}
