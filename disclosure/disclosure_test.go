package disclosure

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/unicode/norm"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
	"github.com/contrail-ir/contrail/stix"
)

const secret = "srv-booking-07.alpha.example"

// office is a case with people, a victim that has reported, and facts to tell.
type office struct {
	t                  *testing.T
	c                  *casefile.Case
	lead, liaison, csO *keys.Private // csO works for the victim
	dir                string
	now                time.Time
	number, when       uint64
	screen             Screen
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	var err error
	person := func(name string) *keys.Private {
		k, err := keys.Generate(name)
		o.ok(err)
		return k
	}
	o.lead, o.liaison, o.csO = person("anna"), person("ben"), person("chen")
	o.c, err = casefile.New(t.Context(), filepath.Join(o.dir, "case"), casefile.NewOptions{Organisation: "CERT", Lead: o.lead, Why: "test",
		Options: casefile.Options{Now: func() time.Time { return o.now }}})
	o.ok(err)
	t.Cleanup(func() { _ = o.c.Close() })
	_, err = o.c.Grant(t.Context(), o.lead, o.liaison.Public, "CERT", casefile.Liaison, marking.Marking{}, "test")
	o.ok(err)
	_, err = o.c.Grant(t.Context(), o.lead, o.csO.Public, "Alpha Air", casefile.Liaison, marking.Marking{}, "test")
	o.ok(err)
	at, _ := casefile.ParseMoment("2026-01")
	_, err = o.c.TakeIntake(t.Context(), o.lead, casefile.Intake{Organisation: "Alpha Air", Reporter: "Dana Doe", Contact: "+000 555 0199", AtRisk: []string{"bookings"},
		Noticed: casefile.Noticed{Who: "Eli Example", What: "a service", When: at}, Marking: marking.Of(marking.Red, "Alpha Air")}, "alpha-air", "test")
	o.ok(err)
	many := int64(1200)
	e, err := o.c.StateNumber(t.Context(), o.lead, casefile.Number{What: "passengers on " + secret, Unit: "persons", Exact: &many, Basis: "counted"}, nil, marking.Of(marking.Clear, "CERT"), "test")
	o.ok(err)
	o.number = e.Seq
	e, err = o.c.RecordMilestone(t.Context(), o.lead, casefile.Milestone{Name: "report", Source: "letter of Alpha Air"}, at, marking.Of(marking.Clear, "CERT"), "test")
	o.ok(err)
	o.when = e.Seq
	return o
}

func (o *office) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) consent(p member.Purpose) {
	o.t.Helper()
	_, err := o.c.GiveConsent(o.t.Context(), o.lead, casefile.ConsentDetail{Member: "alpha-air", Consent: member.Consent{Purpose: p, By: "the CISO", From: o.now.Add(-time.Hour)}}, marking.Marking{}, "test")
	o.ok(err)
}

func (o *office) proposal(name string, k marking.Kind) Proposal {
	p := Proposal{Release: name, Audience: k, Marking: marking.Of(marking.Clear, "CERT"), Template: "sector-advisory", Language: "en", Victims: []member.ID{"alpha-air"}, Cites: []uint64{o.number, o.when}}
	switch k {
	case marking.Victim:
		p.Template, p.Parties = "victim-notice", []marking.Party{{Organisation: "Alpha Air"}}
	case marking.Authority:
		p.Template, p.Parties = "authority-report", []marking.Party{{Organisation: "Authority"}}
	}
	return p
}

// propose drafts and proposes, changing the draft on the way.
func (o *office) propose(p Proposal, spoil func(dir string)) string {
	o.t.Helper()
	dir := filepath.Join(o.dir, "draft-"+p.Release)
	p, _, err := Draft(o.t.Context(), o.c, dir, DraftOptions{Proposal: p, Summary: "Seen on " + strings.ToUpper(secret) + " of Alpha Air.", Actions: []string{"look"}, Cut: []Cut{{Value: secret, Sort: "host"}}})
	o.ok(err)
	if spoil != nil {
		spoil(filepath.Join(dir, "release"))
		p.Content, _, _, err = casefile.FolderDigest(o.t.Context(), filepath.Join(dir, "release"))
		o.ok(err)
	}
	_, err = Propose(o.t.Context(), o.c, o.lead, p, "test")
	o.ok(err)
	return dir
}

func (o *office) checks(name string, which ...Check) {
	o.t.Helper()
	for _, c := range which {
		_, err := Answer(o.t.Context(), o.c, o.lead, name, c, true, "", "test")
		o.ok(err)
	}
}

func (o *office) approve(name string, by ...*keys.Private) {
	o.t.Helper()
	for _, k := range by {
		_, err := Approve(o.t.Context(), o.c, k, name, "test")
		o.ok(err)
	}
}

func (o *office) release(name, dir string) error {
	_, err := Release(o.t.Context(), o.c, o.lead, name, dir, filepath.Join(o.dir, "out-"+name), "test", o.now, o.screen)
	return err
}

// refused expects that exactly one gate is closed, and that nothing left.
func (o *office) refused(name, dir string, g Gate) {
	o.t.Helper()
	err := o.release(name, dir)
	var r *RefusedError
	if !errors.As(err, &r) || !r.Has(g) {
		o.t.Fatalf("%s: %v, want refusal by %s", name, err, g)
	}
	for _, other := range r.Refusals {
		if other.Gate != g {
			o.t.Errorf("%s: also refused by %s: %s", name, other.Gate, other.Reason)
		}
	}
	if _, err := os.Lstat(filepath.Join(o.dir, "out-"+name)); err == nil {
		o.t.Errorf("%s left although it was refused", name)
	}
	if strings.Contains(err.Error(), secret) {
		o.t.Errorf("the refusal tells what was cut")
	}
}

func (o *office) tellVictim() {
	o.t.Helper()
	dir := o.propose(o.proposal("victim", marking.Victim), nil)
	o.checks("victim", Legal, TipOff)
	o.approve("victim", o.lead, o.liaison)
	o.ok(o.release("victim", dir))
}

func TestOneApproverIsNotEnoughAndTheSameOneTwiceNeither(t *testing.T) {
	o := open(t)
	o.consent(member.Authority)
	dir := o.propose(o.proposal("r", marking.Authority), nil)
	o.checks("r", Legal, TipOff)
	o.refused("r", dir, ApprovalGate)
	o.approve("r", o.lead)
	o.refused("r", dir, ApprovalGate)
	o.approve("r", o.lead)
	o.refused("r", dir, ApprovalGate)
	second, err := keys.Generate("anna") // the same person's second key
	o.ok(err)
	_, err = o.c.Grant(t.Context(), o.lead, second.Public, "CERT", casefile.Liaison, marking.Marking{}, "test")
	o.ok(err)
	o.approve("r", second)
	o.refused("r", dir, ApprovalGate)
	o.approve("r", o.liaison)
	o.ok(o.release("r", dir))
}

func TestApprovalOfARevokedPersonDoesNotCount(t *testing.T) {
	o := open(t)
	o.consent(member.Authority)
	dir := o.propose(o.proposal("r", marking.Authority), nil)
	o.checks("r", Legal, TipOff)
	o.approve("r", o.lead, o.liaison)
	_, err := o.c.Revoke(t.Context(), o.lead, o.liaison.Public, marking.Marking{}, "left")
	o.ok(err)
	o.refused("r", dir, ApprovalGate)
}

func TestWithoutConsentNothingOfAVictimLeaves(t *testing.T) {
	o := open(t)
	dir := o.propose(o.proposal("r", marking.Authority), nil)
	o.checks("r", Legal, TipOff)
	o.approve("r", o.lead, o.liaison)
	o.refused("r", dir, ConsentGate)
	o.consent(member.Authority)
	o.ok(o.release("r", dir))
}

func TestChecksAreAsked(t *testing.T) {
	for _, c := range []struct {
		given Check
		gate  Gate
	}{{Legal, TipOffGate}, {TipOff, LegalGate}} {
		o := open(t)
		o.consent(member.Authority)
		dir := o.propose(o.proposal("r", marking.Authority), nil)
		o.checks("r", c.given)
		o.approve("r", o.lead, o.liaison)
		o.refused("r", dir, c.gate)
		_, err := Answer(t.Context(), o.c, o.lead, "r", Check(c.gate), false, "it would", "test")
		o.ok(err)
		o.refused("r", dir, c.gate)
	}
}

func TestAMarkingIsLoosenedByItsOwnerOnly(t *testing.T) {
	o := open(t)
	o.consent(member.Authority)
	many := int64(5)
	e, err := o.c.StateNumber(t.Context(), o.lead, casefile.Number{What: "bookings", Unit: "bookings", Exact: &many, Basis: "counted"}, nil, marking.Of(marking.Amber, "Alpha Air"), "test")
	o.ok(err)
	p := o.proposal("r", marking.Authority)
	p.Cites, p.Marking = []uint64{e.Seq}, marking.Of(marking.Clear, "Alpha Air")
	dir := o.propose(p, nil)
	o.checks("r", Legal, TipOff, Owner) // by the lead, who is not the owner
	o.approve("r", o.lead, o.liaison)
	o.refused("r", dir, MarkingGate)
	_, err = Answer(t.Context(), o.c, o.csO, "r", Owner, true, "", "test")
	o.ok(err)
	o.ok(o.release("r", dir))
}

func TestTheMarkingMustLetTheAudienceLook(t *testing.T) {
	o := open(t)
	o.consent(member.Authority)
	p := o.proposal("r", marking.Authority)
	p.Marking = marking.Of(marking.Red, "CERT")
	dir := o.propose(p, nil)
	o.checks("r", Legal, TipOff)
	o.approve("r", o.lead, o.liaison)
	o.refused("r", dir, MarkingGate)
}

func TestEmbargo(t *testing.T) {
	o := open(t)
	o.consent(member.Authority)
	embargo := Embargo{Name: "removal", Audience: marking.Authority, Condition: "implant removed", Latest: o.now.Add(48 * time.Hour)}
	for _, bad := range []Embargo{{Name: "x", Audience: marking.Public, Condition: "c"}, {Name: "x", Audience: marking.Public, Latest: o.now}, {Name: "x", Audience: marking.Public, Latest: o.now, Until: o.now.Add(1)}, {Name: "x", Audience: "all", Latest: o.now, Condition: "c"}} {
		if _, err := SetEmbargo(t.Context(), o.c, o.lead, bad, "test"); err == nil {
			t.Errorf("%+v was set", bad)
		}
	}
	_, err := SetEmbargo(t.Context(), o.c, o.lead, embargo, "test")
	o.ok(err)
	longer := embargo
	longer.Latest = o.now.Add(1000 * time.Hour)
	if _, err := SetEmbargo(t.Context(), o.c, o.lead, longer, "test"); err == nil {
		t.Error("an embargo was lengthened")
	}
	dir := o.propose(o.proposal("r", marking.Authority), nil)
	o.checks("r", Legal, TipOff)
	o.approve("r", o.lead, o.liaison)
	o.refused("r", dir, EmbargoGate)
	// A statutory duty: one person is not enough, nor are two with different bases, nor is one without.
	if _, err := OverrideEmbargo(t.Context(), o.c, o.lead, Override{Name: "removal", Release: "r", Basis: " "}, "test"); err == nil {
		t.Error("an override without a basis was entered")
	}
	override := func(k *keys.Private, basis string) {
		_, err := OverrideEmbargo(t.Context(), o.c, k, Override{Name: "removal", Release: "r", Basis: basis}, "test")
		o.ok(err)
	}
	override(o.lead, "Act, section 4")
	override(o.lead, "Act, section 4")
	override(o.liaison, "Act, section 5")
	o.refused("r", dir, EmbargoGate)
	override(o.liaison, "Act, section 4")
	o.ok(o.release("r", dir))
	s, err := Read(t.Context(), o.c)
	o.ok(err)
	if made := s.Released(); len(made) != 1 || len(made[0].Overridden) != 1 || made[0].Overridden[0] != "removal: Act, section 4" || len(made[0].Approvers) != 2 {
		t.Errorf("the log tells %+v", made)
	}
}

func TestEmbargoEnds(t *testing.T) {
	for name, end := range map[string]func(*office){
		"lifted": func(o *office) {
			_, err := LiftEmbargo(o.t.Context(), o.c, o.lead, Lifting{Name: "e", How: "removed on Monday"}, "test")
			o.ok(err)
		},
		"date":   func(o *office) { o.now = o.now.Add(25 * time.Hour) },
		"latest": func(o *office) { o.now = o.now.Add(72 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.consent(member.Authority)
			b := Embargo{Name: "e", Audience: marking.Authority, Condition: "c", Latest: o.now.Add(48 * time.Hour)}
			if name == "date" {
				b.Until = o.now.Add(24 * time.Hour)
			}
			_, err := SetEmbargo(t.Context(), o.c, o.lead, b, "test")
			o.ok(err)
			dir := o.propose(o.proposal("r", marking.Authority), nil)
			o.checks("r", Legal, TipOff)
			o.approve("r", o.lead, o.liaison)
			o.refused("r", dir, EmbargoGate)
			end(o)
			o.ok(o.release("r", dir))
		})
	}
}

func TestVictimsHearBeforeThePublic(t *testing.T) {
	o := open(t)
	o.consent(member.Publish)
	p := o.proposal("r", marking.Public)
	dir := o.propose(p, nil)
	o.checks("r", Legal, TipOff)
	o.approve("r", o.lead, o.liaison)
	o.refused("r", dir, VictimsGate)
	o.tellVictim()
	o.ok(o.release("r", dir))
}

func TestADraftThatWasChangedAfterwardsIsRefused(t *testing.T) {
	o := open(t)
	o.consent(member.Authority)
	dir := o.propose(o.proposal("r", marking.Authority), nil)
	o.checks("r", Legal, TipOff)
	o.approve("r", o.lead, o.liaison)
	o.ok(os.WriteFile(filepath.Join(dir, "release", "more.txt"), []byte("harmless"), 0o600))
	o.refused("r", dir, ProposalGate)
	o.ok(os.Remove(filepath.Join(dir, "release", "more.txt")))
	o.ok(os.WriteFile(filepath.Join(dir, "cut.json"), []byte("[]"), 0o600))
	o.refused("r", dir, CutValuesGate)
}

// spoiled lists the ways in which a value may be left in a file.
func spoiled(t testing.TB) map[string][]byte {
	hidden := []byte("before " + secret + " after")
	le, be := utf16Bytes(string(hidden))
	var z, g, tr, deep bytes.Buffer
	zw := zip.NewWriter(&z)
	w, _ := zw.Create("a.txt")
	_, _ = w.Write(hidden)
	gw := gzip.NewWriter(&g)
	_, _ = gw.Write(hidden)
	tw := tar.NewWriter(&tr)
	_ = tw.WriteHeader(&tar.Header{Name: "a.txt", Mode: 0o600, Size: int64(len(hidden))})
	_, _ = tw.Write(hidden)
	if err := errors.Join(zw.Close(), gw.Close(), tw.Close()); err != nil {
		t.Fatal(err)
	}
	dw := gzip.NewWriter(&deep)
	_, _ = dw.Write(z.Bytes())
	_ = dw.Close()
	m, s1, s2, s512 := md5.Sum([]byte(secret)), sha1.Sum([]byte(secret)), sha256.Sum256([]byte(strings.ToUpper(secret))), sha512.Sum512([]byte(secret))
	var zl bytes.Buffer
	lw := zlib.NewWriter(&zl)
	_, _ = lw.Write(hidden)
	_ = lw.Close()
	out := map[string][]byte{
		"plain": hidden, "upper case": bytes.ToUpper(hidden), "UTF-16 LE": le, "UTF-16 BE": be, "hex": []byte(hex.EncodeToString(hidden)),
		"zip": z.Bytes(), "gzip": g.Bytes(), "tar": tr.Bytes(), "zip in gzip": deep.Bytes(), "zip in base64": []byte(base64.StdEncoding.EncodeToString(z.Bytes())),
		"MD5": []byte(hex.EncodeToString(m[:])), "SHA-1": []byte(hex.EncodeToString(s1[:])), "SHA-256": []byte(strings.ToUpper(hex.EncodeToString(s2[:]))),
		"SHA-512":             []byte(hex.EncodeToString(s512[:])),
		"SHA-512 in base64":   []byte("sha512-" + base64.StdEncoding.EncodeToString(s512[:])),
		"MD5 in base64":       []byte(base64.RawURLEncoding.EncodeToString(m[:])),
		"raw SHA-1":           append([]byte("x"), s1[:]...),
		"base64 twice":        []byte(base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString(hidden)))),
		"hex in base64":       []byte(base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(hidden)))),
		"another case base64": []byte(base64.StdEncoding.EncodeToString([]byte("before Srv-Booking-07.ALPHA.example after"))),
		"zlib":                zl.Bytes(),
		"base64 UTF-16":       []byte(base64.StdEncoding.EncodeToString(le)),
		"rot13":               []byte(turned(string(hidden))),
		"rot13 in base64":     []byte(base64.StdEncoding.EncodeToString([]byte(turned(string(hidden))))),
		"small base32":        []byte("x " + strings.ToLower(base32.StdEncoding.EncodeToString([]byte("AB "+strings.ToUpper(secret)+" CD")))),
		"base32 UTF-16":       []byte(base32.StdEncoding.EncodeToString(le)),
		"base64 in base32":    []byte(base32.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString(hidden)))),
		"base32 in lines":     wrapped(base32.StdEncoding.EncodeToString(bytes.Repeat(hidden, 3)), 64),
		"zip in base32":       []byte(base32.StdEncoding.EncodeToString(z.Bytes())),
		"look-alikes":         []byte(strings.NewReplacer("o", "о", "a", "а", "s", "ѕ", "r", "г", "v", "ν", "-", "–").Replace(string(hidden))),
		"look-alike capitals": []byte(strings.NewReplacer("O", "О", "A", "Α", "B", "В", "K", "Κ").Replace(strings.ToUpper(string(hidden)))),
		"JSON escapes":        []byte(`"` + strings.ReplaceAll(secret, "s", `\u0073`) + `"`),
		"HTML escapes":        []byte(strings.ReplaceAll(secret, "o", "&#111;")),
		"percent":             []byte(strings.ReplaceAll(secret, "k", "%6b")),
	}
	for i := range 3 {
		out[fmt.Sprint("base32 offset ", i)] = []byte(base32.StdEncoding.EncodeToString(append([]byte("abc"[:i]), hidden[7:]...)) + "!")
		out[fmt.Sprint("base64 offset ", i)] = []byte("x" + base64.StdEncoding.EncodeToString(append([]byte("abc"[:i]), hidden[7:]...)))
	}
	return out
}

func wrapped(s string, width int) (out []byte) {
	for len(s) > width {
		out, s = append(append(out, s[:width]...), '\r', '\n'), s[width:]
	}
	return append(out, s...)
}

func TestACutValueLeftAnywhereIsRefused(t *testing.T) {
	o := open(t)
	o.consent(member.Authority)
	all := spoiled(t)
	// One of each kind passes through the gate; the scanner's own test has them all.
	for _, as := range []string{"SHA-256", "base64 offset 1", "plain", "UTF-16 LE", "zip in gzip"} {
		b := all[as]
		name := "r-" + strings.ReplaceAll(as, " ", "-")
		dir := o.propose(o.proposal(name, marking.Authority), func(dir string) {
			o.ok(os.WriteFile(filepath.Join(dir, "annex.bin"), b, 0o600))
		})
		o.checks(name, Legal, TipOff)
		o.approve(name, o.lead, o.liaison)
		o.refused(name, dir, CutValuesGate)
	}
}

func TestADraftHoldsNothingThatWasCutAndShowsTheDifference(t *testing.T) {
	o := open(t)
	for _, lang := range []string{"en", "zh"} {
		for i, k := range []marking.Kind{marking.Members, marking.Authority, marking.Public} {
			p := o.proposal(fmt.Sprint("d", lang, i), k)
			p.Template, p.Language = Templates()[i], lang
			dir := filepath.Join(o.dir, p.Release)
			host := &stix.DomainName{Value: secret}
			id, err := stix.ObservableID(host)
			o.ok(err)
			host.ID = id
			host.ObjectMarkingRefs = []stix.ID{stix.TLP("clear").Marking().ID}
			p, changes, err := Draft(t.Context(), o.c, dir, DraftOptions{Proposal: p, Summary: "Alpha Air: " + secret + " " + hex.EncodeToString(md5sum(secret)), Cut: []Cut{{Value: secret, Sort: "host"}}, Objects: []stix.Object{host}})
			o.ok(err)
			if len(changes) < 3 {
				t.Errorf("%s: the difference tells %d changes", p.Release, len(changes))
			}
			for _, f := range []string{"notice.md", "notice.html", "bundle.json"} {
				b, err := os.ReadFile(filepath.Join(dir, "release", f))
				o.ok(err)
				for _, cut := range []string{secret, "Alpha Air", "alpha-air", hex.EncodeToString(md5sum(secret)), string(id)} {
					if strings.Contains(strings.ToLower(string(b)), strings.ToLower(cut)) {
						t.Errorf("%s of %s holds %q", f, p.Release, cut)
					}
				}
				if f != "bundle.json" && !strings.Contains(string(b), "#e1") {
					t.Errorf("%s of %s does not link its number to the evidence", f, p.Release)
				}
			}
		}
	}
}

func md5sum(s string) []byte { d := md5.Sum([]byte(s)); return d[:] }

func TestACorrectionSupersedesAndNeverOverwrites(t *testing.T) {
	o := open(t)
	o.tellVictim()
	if _, err := Propose(t.Context(), o.c, o.lead, Proposal{Release: "victim", Audience: marking.Victim, Content: "sha256:0"}, "test"); err == nil {
		t.Error("a release was proposed again")
	}
	p := o.proposal("victim-2", marking.Victim)
	p.Corrects = "victim"
	dir := o.propose(p, nil)
	o.checks("victim-2", Legal, TipOff)
	o.approve("victim-2", o.lead, o.liaison)
	o.ok(o.release("victim-2", dir))
	var last casefile.Entry
	for e, err := range o.c.Entries(context.Background(), casefile.Query{Kinds: []casefile.Kind{casefile.ReleaseCorrected}}) {
		o.ok(err)
		last = e
	}
	if len(last.Supersedes) != 1 {
		t.Errorf("the correction supersedes %v", last.Supersedes)
	}
	if _, err := os.Stat(filepath.Join(o.dir, "out-victim", "notice.md")); err != nil {
		t.Error("the first release is gone")
	}
}

func TestScannerFindsAndDoesNotInvent(t *testing.T) {
	s, err := NewScanner([]Cut{{Value: secret, Sort: "host"}})
	if err != nil {
		t.Fatal(err)
	}
	for as, b := range spoiled(t) {
		if leaks, err := s.Scan(as, bytes.NewReader(b)); err != nil || len(leaks) == 0 {
			t.Errorf("%s: %v %v", as, leaks, err)
		}
		clean := bytes.Repeat([]byte("nothing to see here "), 100)
		if leaks, err := s.Scan(as, bytes.NewReader(clean)); err != nil || len(leaks) > 0 {
			t.Errorf("invented %v %v", leaks, err)
		}
	}
	if _, err := NewScanner([]Cut{{Value: "ab", Sort: "host"}}); err == nil {
		t.Error("a value of two bytes was taken")
	}
}

// Other scripts, prose and codes that only resemble a value in another form are left alone; a value of another script is found in its own letters and in
// those that look like them.
func TestScannerTellsLookAlikes(t *testing.T) {
	s, err := NewScanner([]Cut{{Value: "Аэрофлот", Sort: "member"}, {Value: "sre", Sort: "user"}, {Value: "mailbox", Sort: "user", Whole: true}, {Value: "RESDB01", Sort: "host"}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"самолёт Аэрофлота": true, "Aэpoфлoт": true, "АЭРОФЛОТ": true, "an offer": false, "znvyobk": true, "znvyobks": false, "mаilbоx": true, "ＭＡＩＬＢＯＸ": true, "RΕSDВ01": true, "ερευνα του αεροσκάφους": false,
		base32.StdEncoding.EncodeToString([]byte("xyRESDB01")): true, "KNSXE5TFOI RESDV Q3JSWIYTDNFQW4": false, "самолёт вылетел": false, base32.StdEncoding.EncodeToString([]byte("the mailbox is full")): true,
	} {
		if leaks, err := s.Scan("text", strings.NewReader(text)); err != nil || (len(leaks) > 0) != want {
			t.Errorf("%q: %v %v", text, leaks, err)
		}
	}
}

func TestLinesAlikeKeepTheirPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"one – two\n2026–03\nо\n\nplain\nу\nend": "\n2026-03\no\n\n\ny", "plain": "", "": "", "–": "", "a–": "", "–a": "", "a–b": "a-b", "中文": "",
	} {
		if got := string(linesAlike(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A name of two words with an accent, in the ways in which a person would still read it.
func TestScannerReadsAsAPersonDoes(t *testing.T) {
	const name = "Åkesson Airways"
	s, err := NewScanner([]Cut{{Value: name, Sort: "member"}})
	if err != nil {
		t.Fatal(err)
	}
	each := func(format string, of string) string {
		out := ""
		for _, b := range []byte(of) {
			out += fmt.Sprintf(format, b)
		}
		return out
	}
	runes := func(format string) string {
		out := ""
		for _, r := range name {
			out += fmt.Sprintf(format, r)
		}
		return out
	}
	wide := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r + 0xfee0
		}
		return r
	}, name)
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write([]byte("hello " + name))
	_ = z.Close()
	for as, text := range map[string]string{
		"form encoding": "q=%C3%85kesson+Airways&x", "decomposed": norm.NFD.String(name), "full width": wide, "soft hyphen": "Åkes\u00adson Airways",
		"zero width": strings.Join(strings.Split(name, ""), "\u200b"), "no-break space": strings.ReplaceAll(name, " ", "\u00a0"), "emphasis": "Åkes**son** Airways",
		"hexadecimal escapes": each(`\x%02x`, name), "octal escapes": each(`\%03o`, name), "quoted printable": each("=%02X", name), "long escapes": runes(`\U%08x`),
		"braced escapes": runes(`\u{%x}`), "references without end": runes("&#%d "), "percent twice": strings.ReplaceAll(each("%%%02X", name), "%", "%25"),
		"zlib in base64": base64.StdEncoding.EncodeToString(packed.Bytes()), "wide gap": "Åkesson \t Airways",
	} {
		if as == "references without end" {
			text = strings.ReplaceAll(text, " ", "")
		}
		if leaks, err := s.Scan(as, strings.NewReader("text "+text+" text")); err != nil || len(leaks) == 0 {
			t.Errorf("%s: %q: %v %v", as, text, leaks, err)
		}
	}
	if leaks, err := s.Scan("clean", strings.NewReader(`Airways of Akesson \x41 &#65; =41=42 %41+Airways`)); err != nil || len(leaks) > 0 {
		t.Errorf("%v %v", leaks, err)
	}
}

// A name in the encodings in which logs and tables of its country are written.
func TestScannerKnowsOtherEncodings(t *testing.T) {
	for name, e := range map[string]encoding.Encoding{"中华蓝天航空": simplifiedchinese.GB18030, "Åkesson Flyg": charmap.Windows1252, "Авиалинии Север": charmap.Windows1251} {
		s, err := NewScanner([]Cut{{Value: name, Sort: "member"}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.NewEncoder().Bytes([]byte("x " + name + " y"))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b[2 : len(b)-2])
		for as, text := range map[string]string{"plain": string(b), "base64": base64.StdEncoding.EncodeToString(b), "digest": hex.EncodeToString(sum[:])} {
			if leaks, err := s.Scan(as, strings.NewReader(text)); err != nil || len(leaks) == 0 {
				t.Errorf("%s as %s: %v %v", name, as, leaks, err)
			}
		}
		if leaks, err := s.Scan("clean", strings.NewReader(strings.Repeat("an ordinary text; ein übliches; 普通的文字; обычный текст\n", 200))); err != nil || len(leaks) > 0 {
			t.Errorf("%v %v", leaks, err)
		}
	}
}

// What the plan says is looked at as it was written: on the page a list is one line.
func TestAPlanWithPassengersIsNoDraft(t *testing.T) {
	o := open(t)
	screen := func(text []byte) []Place {
		if i := bytes.Index(text, []byte("\nSECRET,ROW")); i >= 0 {
			return []Place{{Sort: "passenger-record", Offset: i + 1}}
		}
		if i := bytes.Index(text, []byte("CARD")); i >= 0 {
			return []Place{{Sort: "payment-card", Offset: i}}
		}
		return nil
	}
	var told string
	if _, _, err := Draft(t.Context(), o.c, filepath.Join(t.TempDir(), "draft"), DraftOptions{Proposal: o.proposal("r", marking.Authority), Summary: "CARD", Screen: screen, Note: func(s string) { told = s }}); err != nil || !strings.Contains(told, "payment-card") {
		t.Error("what the gate will know is for the gate:", err, told)
	}
	_, _, err := Draft(t.Context(), o.c, filepath.Join(t.TempDir(), "draft"), DraftOptions{Proposal: o.proposal("r", marking.Authority), Summary: "names\nSECRET,ROW", Screen: screen})
	if err == nil || !strings.Contains(err.Error(), "summary, line 2") || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}

func FuzzScan(f *testing.F) {
	for _, b := range spoiled(f) {
		f.Add(b)
	}
	s, err := NewScanner([]Cut{{Value: secret, Sort: "host"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		leaks, err := s.Scan("f", bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(secret)) && len(leaks) == 0 {
			t.Error("missed")
		}
	})
}
