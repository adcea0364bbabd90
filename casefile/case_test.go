package casefile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

var bg = context.Background()

func key(tb testing.TB, name string) *keys.Private {
	tb.Helper()
	k, err := keys.Generate(name)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func newCase(tb testing.TB, lead *keys.Private) *Case {
	tb.Helper()
	c, err := New(bg, filepath.Join(tb.TempDir(), "sky"), NewOptions{Organisation: "airline-a", Lead: lead, Marking: marking.Of(marking.Amber, "airline-a")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

func moment(tb testing.TB, s string) Moment {
	tb.Helper()
	m, err := ParseMoment(s)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func write(tb testing.TB, path, content string) string {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// filled is a case with entries of many kinds, one copied piece of evidence, and a second person.
func filled(tb testing.TB) (*Case, *keys.Private, *keys.Private) {
	tb.Helper()
	lead, analyst := key(tb, "lead@a"), key(tb, "ana@a")
	c := newCase(tb, lead)
	entry := must[Entry](tb)
	entry(c.Grant(bg, lead, analyst.Public, "airline-a", Analyst, marking.Marking{}, "she does the analysis"))
	in := must[Intake](tb)(ParseIntake([]byte(exampleIntake)))
	must[[]Entry](tb)(c.TakeIntake(bg, lead, in, "airline-a", "the airline called"))
	dir := tb.TempDir()
	disk := write(tb, filepath.Join(dir, "disk.raw"), strings.Repeat("evidence ", 500))
	ev := entry(c.ReceiveEvidence(bg, analyst, disk, Receipt{From: "the airline", To: "ana", Authority: "contract 7", Seal: "S-1", When: moment(tb, "2020-01-17"), Copy: true, Why: "to be searched"}))
	entry(c.PassCustody(bg, analyst, Custody{Digest: ev.Seen[0], From: "ana", To: "the safe", Seal: "S-2", Intact: true}, moment(tb, "2020-01-18T09:00:00Z"), marking.Marking{}, "end of the day"))
	write(tb, filepath.Join(dir, "findings.jsonl"), `{"kind":"sigma","level":"high"}`+"\n"+`{"kind":"ioc","level":"low"}`+"\n")
	write(tb, filepath.Join(dir, "coverage.json"), `{"orgs":[{"name":"airline-a"}],"files":[],"rules":{}}`)
	write(tb, filepath.Join(dir, "stats.json"), `{"events":1234,"bytes":99}`)
	must[[]Entry](tb)(c.ImportSweep(bg, analyst, dir, ImportOptions{Organisation: "airline-a", Question: "any known rule", Why: "first sweep"}))
	entry(c.RecordText(bg, analyst, Text{Source: "news", Language: "zh", Original: "同一类型的网络攻击", Translations: []Translation{{"en", "the same type of attack", "ana"}}}, moment(tb, "2021-11-01"), marking.Of(marking.Clear, "airline-a"), "it claims less than the same hand"))
	n := int64(12)
	first := entry(c.StateNumber(bg, analyst, Number{What: "servers", Unit: "hosts", Exact: &n, Basis: "counted"}, nil, marking.Marking{}, "asked by the lead"))
	n = 13
	must[[]Entry](tb)(c.Record(bg, analyst, Draft{Kind: NumberStated, Why: "one was overlooked", Supersedes: []uint64{first.Seq}, Detail: Number{What: "servers", Unit: "hosts", Exact: &n, Basis: "counted again"}}))
	entry(c.RecordMilestone(bg, lead, Milestone{Name: "report", Source: "news"}, moment(tb, "2020-01"), marking.Marking{}, "the public record"))
	return c, lead, analyst
}

func TestLifeOfACase(t *testing.T) {
	c, _, _ := filled(t)
	rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{LedgerKey: c.LedgerKey(), Evidence: true}))
	if !rep.OK() || rep.Entries != 13 {
		t.Fatalf("%s", rep)
	}
	var sb strings.Builder
	if err := c.WriteTimeline(bg, &sb, Query{}); err != nil {
		t.Fatal(err)
	}
	out := sb.String()
	order := []string{"2020-01 ", "2020-01-15", "2020-01-17", "2020-01-18T09:00:00Z", "2021-11-01", "(recorded)"}
	last := -1
	for _, s := range order {
		i := strings.Index(out, s)
		if i <= last {
			t.Errorf("%q is not after what came before in\n%s", s, out)
		}
		last = i
	}
	if !strings.Contains(out, "[corrected by [11]]") {
		t.Errorf("the correction is not shown:\n%s", out)
	}
	got := 0
	for e, err := range c.Entries(bg, Query{Kinds: []Kind{NumberStated}, CurrentOnly: true}) {
		if err != nil {
			t.Fatal(err)
		}
		var n Number
		if err := e.Decode(&n); err != nil || *n.Exact != 13 || e.Person != "ana@a" || e.Role != Analyst {
			t.Errorf("%+v %v", e, err)
		}
		got++
	}
	if got != 1 {
		t.Errorf("%d current numbers", got)
	}
	for e, err := range c.Entries(bg, Query{For: &marking.Party{}}) {
		if err != nil || e.Kind != TextRecorded {
			t.Errorf("the public sees %s, %v", e.Kind, err)
		}
	}
	if m, ok := c.Member("airline-a"); !ok || m.Allows(member.Sweep, time.Now().Add(time.Minute)) != nil || m.Allows(member.Name, time.Now()) == nil {
		t.Errorf("consent of %+v", m)
	}
	p, err := c.Prove(bg, 5)
	if err != nil {
		t.Fatal(err)
	}
	if e, _, err := ledger.VerifyInclusion(p, c.LedgerKey()); err != nil || e.Seq != 5 {
		t.Errorf("offline proof: %v", err)
	}
}

func TestCacheIsRebuiltEqual(t *testing.T) {
	c, _, _ := filled(t)
	path := filepath.Join(c.Dir(), cacheFile)
	c.Close()
	old := filepath.Join(t.TempDir(), "old.db")
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	again := must[*Case](t)(Open(bg, c.Dir(), Options{}))
	defer again.Close()
	count := func() (n int) {
		for _, err := range again.Entries(bg, Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	if n := count(); n != 13 {
		t.Errorf("%d entries", n)
	}
	again.Close()
	a, b := must[*cache](t)(openDB(bg, old, "ro")), must[*cache](t)(openDB(bg, path, "ro"))
	defer a.close()
	defer b.close()
	if diff, err := compareCaches(bg, a, b); diff != "" || err != nil {
		t.Errorf("%s %v", diff, err)
	}
	for name, spoil := range map[string]func(){
		"garbage": func() { write(t, path, strings.Repeat("not a database ", 1000)) },
		"empty":   func() { write(t, path, "") },
		"cut":     func() { os.Truncate(path, 5000) },
	} {
		again.Close()
		spoil()
		if n := count(); n != 13 {
			t.Errorf("%s: %d entries", name, n)
		}
		again.Close()
		if rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{})); !rep.OK() {
			t.Errorf("%s: %s", name, rep)
		}
	}
	// A cache of equal shape that tells something else.
	k := must[*cache](t)(openDB(bg, path, "rwc"))
	if _, err := k.db.Exec(`UPDATE entries SET summary = 'nothing happened' WHERE seq = 5`); err != nil {
		t.Fatal(err)
	}
	k.close()
	if rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{})); rep.OK() || rep.Problems[0].File != cacheFile || !strings.Contains(rep.Problems[0].What, "row 5") {
		t.Errorf("%s", rep)
	}
}

func TestRolesDecide(t *testing.T) {
	lead, analyst, liaison, reader, stranger := key(t, "lead"), key(t, "analyst"), key(t, "liaison"), key(t, "reader"), key(t, "stranger")
	c := newCase(t, lead)
	entry := must[Entry](t)
	entry(c.Grant(bg, lead, analyst.Public, "a", Analyst, marking.Marking{}, "w"))
	entry(c.Grant(bg, lead, liaison.Public, "a", Liaison, marking.Marking{}, "w"))
	entry(c.Grant(bg, lead, reader.Public, "a", Reader, marking.Marking{}, "w"))
	try := func(who *keys.Private, k Kind) error {
		_, err := c.Record(bg, who, Draft{Kind: k, Why: "w"})
		return err
	}
	for _, tt := range []struct {
		who  *keys.Private
		kind Kind
		ok   bool
	}{
		{analyst, Note, true}, {liaison, Note, true}, {reader, Note, false}, {stranger, Note, false}, {lead, Note, true},
		{analyst, AssessmentMade, true}, {liaison, AssessmentMade, false}, {analyst, NamingDecided, false}, {lead, NamingDecided, true},
		{liaison, ReleaseApproved, true}, {analyst, ReleaseApproved, false}, {analyst, CaseSealed, false}, {lead, "no.such-kind", false},
	} {
		if err := try(tt.who, tt.kind); (err == nil) != tt.ok {
			t.Errorf("%s enters %s: %v", tt.who.Name, tt.kind, err)
		}
	}
	if _, err := c.Grant(bg, analyst, stranger.Public, "", Lead, marking.Marking{}, "w"); err == nil {
		t.Error("an analyst made a lead")
	}
	if _, err := c.Revoke(bg, lead, lead.Public, marking.Marking{}, "w"); err == nil {
		t.Error("the last lead was revoked")
	}
	if _, err := c.Grant(bg, lead, lead.Public, "", Reader, marking.Marking{}, "w"); err == nil {
		t.Error("the last lead stepped down")
	}
	entry(c.Revoke(bg, lead, analyst.Public, marking.Marking{}, "left the company"))
	if err := try(analyst, Note); err == nil || !strings.Contains(err.Error(), "lost the role") {
		t.Errorf("a former analyst: %v", err)
	}
	if _, err := c.Record(bg, lead, Draft{Kind: Note}); err == nil {
		t.Error("an entry without a reason")
	}
	if _, err := c.Record(bg, lead, Draft{Kind: Note, Why: "w", Supersedes: []uint64{999}}); err == nil {
		t.Error("an entry that supersedes a later one")
	}
	if rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{})); !rep.OK() {
		t.Errorf("%s", rep)
	}
}

// What goes around this package, straight into the ledger, is found by Verify and has no effect.
func TestEntryWithoutPermissionIsRefusedOnReading(t *testing.T) {
	lead, stranger := key(t, "lead"), key(t, "stranger")
	c := newCase(t, lead)
	data, _ := json.Marshal(record{Detail: json.RawMessage(must[[]byte](t)(json.Marshal(GrantTo(stranger.Public, "", Lead))))})
	if _, err := c.led.Append(bg, stranger.Signer(), ledger.Draft{Kind: string(RoleGranted), Version: 1, Why: "w", Data: data}); err != nil {
		t.Fatal(err)
	}
	again := must[*Case](t)(Open(bg, c.Dir(), Options{}))
	defer again.Close()
	if ps := again.People(); len(ps) != 1 || len(again.Problems()) != 1 {
		t.Errorf("%v %v", ps, again.Problems())
	}
	rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{}))
	if rep.OK() || rep.Problems[0].Entry != 1 || !strings.Contains(rep.Problems[0].What, "no role") {
		t.Errorf("%s", rep)
	}
}

func TestLaterKindsAreKeptAndShown(t *testing.T) {
	lead := key(t, "lead")
	c := newCase(t, lead)
	data := json.RawMessage(`{"about":["x"],"when":"2031","summary":"an oracle spoke","new_key":7,"detail":{"deep":{"er":[1,2]}}}`)
	for _, d := range []ledger.Draft{{Kind: "oracle.consulted", Version: 3, Why: "w", Data: data}, {Kind: string(NumberStated), Version: 9, Why: "w", Data: json.RawMessage(`{"summary":"newer number","detail":{"strange":true}}`)}} {
		if _, err := c.led.Append(bg, lead.Signer(), d); err != nil {
			t.Fatal(err)
		}
	}
	var sb strings.Builder
	if err := c.WriteTimeline(bg, &sb, Query{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(sb.String(), "an oracle spoke  [oracle.consulted version 3: written by a later version]") || !strings.Contains(sb.String(), "newer number  [number.stated version 9") {
		t.Errorf("%s", sb.String())
	}
	e := must[Entry](t)(c.Entry(bg, 1))
	if e.Known() || string(e.Detail) != `{"deep":{"er":[1,2]}}` {
		t.Errorf("%+v", e)
	}
	if rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{})); !rep.OK() {
		t.Errorf("%s", rep)
	}
}

func TestMoments(t *testing.T) {
	day := func(s string) time.Time { return must[time.Time](t)(time.Parse(time.DateOnly, s)) }
	for in, want := range map[string][2]time.Time{
		"2020": {day("2020-01-01"), day("2021-01-01")}, "2020-02": {day("2020-02-01"), day("2020-03-01")}, "2020-02-29": {day("2020-02-29"), day("2020-03-01")},
	} {
		first, end := moment(t, in).Bounds()
		if !first.Equal(want[0]) || !end.Equal(want[1]) || moment(t, in).String() != in {
			t.Errorf("%s: %v to %v", in, first, end)
		}
	}
	if s := moment(t, "2020-01-31T10:00:00.5+08:00").String(); s != "2020-01-31T02:00:00.5Z" {
		t.Error(s)
	}
	for _, bad := range []string{"20", "2020-13", "2019-02-29", "0000", "yesterday", "2020-01-31 10:00", "2020-1-3", "99999"} {
		if m, err := ParseMoment(bad); err == nil {
			t.Errorf("%q read as %v", bad, m)
		}
	}
	ms := []Moment{moment(t, "2020-01-01"), moment(t, "2020-01"), moment(t, "2019-12-31T23:59:59Z"), moment(t, "2020"), {}}
	slices.SortFunc(ms, Moment.Compare)
	if got := fmt.Sprint(ms); got != "[ 2019-12-31T23:59:59Z 2020 2020-01 2020-01-01]" {
		t.Error(got)
	}
}

func TestDetailsAreChecked(t *testing.T) {
	lead := key(t, "lead")
	c := newCase(t, lead)
	one, two := int64(1), int64(2)
	for name, d := range map[string]Draft{
		"inverted bounds": {Kind: NumberStated, Detail: Number{What: "x", Unit: "u", Basis: "b", Lower: &two, Upper: &one}},
		"no number":       {Kind: NumberStated, Detail: Number{What: "x", Unit: "u", Basis: "b"}},
		"wrong digest":    {Kind: TextRecorded, Detail: Text{Source: "s", Language: "en", Original: "o", Digest: ledger.DigestOf([]byte("p"))}},
		"bad language":    {Kind: TextRecorded, Detail: Text{Source: "s", Language: "e n", Original: "o", Digest: ledger.DigestOf([]byte("o"))}},
		"verdict":         {Kind: FindingJudged, Detail: Judgement{File: "f", Verdict: "maybe"}},
		"consent":         {Kind: ConsentGiven, Detail: ConsentDetail{Member: "x", Consent: member.Consent{Purpose: "all"}}},
		"import":          {Kind: TrailImported, Detail: Import{}},
		"list":            {Kind: Note, Detail: []int{1}},
		"second opening":  {Kind: CaseOpened, Detail: c.Info()},
	} {
		d.Why = "w"
		if _, err := c.Record(bg, lead, d); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	if h := must[ledger.Head](t)(c.Head()); h.Size != 1 {
		t.Errorf("%d entries", h.Size)
	}
	if _, err := c.RecordMilestone(bg, lead, Milestone{Name: "x", Source: "s"}, Moment{}, marking.Marking{}, "w"); err == nil {
		t.Error("a milestone without a moment")
	}
}

func TestEvidence(t *testing.T) {
	lead := key(t, "lead")
	c := newCase(t, lead)
	dir := t.TempDir()
	a := write(t, filepath.Join(dir, "ev", "a.log"), "aaa")
	write(t, filepath.Join(dir, "ev", "sub", "b.log"), "bbb")
	r := Receipt{From: "x", To: "y", Why: "w"}
	e := must[Entry](t)(c.ReceiveEvidence(bg, lead, filepath.Join(dir, "ev"), r))
	var ev Evidence
	if err := e.Decode(&ev); err != nil || ev.Files != 2 || ev.Bytes != 6 || !ev.Folder {
		t.Errorf("%+v %v", ev, err)
	}
	if names, _ := os.ReadDir(filepath.Join(c.Dir(), evidenceDir)); len(names) != 0 {
		t.Error("evidence was copied unasked")
	}
	if rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{Evidence: true})); !rep.OK() {
		t.Errorf("%s", rep)
	}
	write(t, a, "aab")
	if rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{Evidence: true})); rep.OK() {
		t.Error("changed evidence not noticed")
	}
	if rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{})); !rep.OK() {
		t.Errorf("evidence that is elsewhere was hashed unasked: %s", rep)
	}
	os.Symlink(a, filepath.Join(dir, "ev", "link"))
	if _, err := c.ReceiveEvidence(bg, lead, filepath.Join(dir, "ev"), r); err == nil {
		t.Error("a folder with a link was hashed")
	}
	r.Copy = true
	e = must[Entry](t)(c.ReceiveEvidence(bg, lead, a, r))
	e.Decode(&ev)
	write(t, filepath.Join(c.Dir(), filepath.FromSlash(ev.Copy)), "changed")
	if rep := must[*Report](t)(Verify(bg, c.Dir(), VerifyOptions{})); rep.OK() || rep.Problems[0].File != ev.Copy {
		t.Errorf("a changed copy was not named: %s", rep)
	}
	if _, err := c.ReceiveEvidence(bg, lead, filepath.Join(dir, "none"), r); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestPseudonymsOfTwoCasesDiffer(t *testing.T) {
	a, b := newCase(t, key(t, "x")), newCase(t, key(t, "y"))
	pa, pb := must[*member.Pseudonyms](t)(a.Pseudonyms()), must[*member.Pseudonyms](t)(b.Pseudonyms())
	again := must[*Case](t)(Open(bg, a.Dir(), Options{ReadOnly: true}))
	defer again.Close()
	if name := pa.Of("member", "airline-b"); name == pb.Of("member", "airline-b") || name != must[*member.Pseudonyms](t)(again.Pseudonyms()).Of("member", "airline-b") {
		t.Error("pseudonyms are not stable inside one case only")
	}
	write(t, filepath.Join(a.Dir(), pseudonymFile), strings.Repeat("ab", 32)+"\n")
	if _, err := a.Pseudonyms(); err == nil {
		t.Error("another pseudonym key was used")
	}
}

// A full disk may leave an empty cache: the ledger is whole, so the case is.
func TestAnEmptyCacheIsNoFault(t *testing.T) {
	lead := key(t, "lead")
	c := newCase(t, lead)
	must[[]Entry](t)(c.Record(bg, lead, Draft{Kind: Note, Why: "w", Summary: "a\u200bb\u202ec"}))
	c.Close()
	if err := os.WriteFile(filepath.Join(c.Dir(), cacheFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := Verify(bg, c.Dir(), VerifyOptions{}); err != nil || !r.OK() || !strings.Contains(r.String(), "empty") {
		t.Errorf("%v %s", err, r)
	}
	again := must[*Case](t)(Open(bg, c.Dir(), Options{ReadOnly: true}))
	defer again.Close()
	var out strings.Builder
	if err := again.WriteTimeline(bg, &out, Query{}); err != nil || !strings.Contains(out.String(), "a·b·c") {
		t.Errorf("%v %q", err, out.String())
	}
}
