package disclosure

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

const (
	learnedFindings = `{"host":"RES-DB01.alpha.example","event":{"User":"ALPHA\\jsmith","SourceIp":"10.3.4.5","DestinationIp":"198.51.100.7","CommandLine":"x"},"matched":{"TargetUserName":"SYSTEM"}}` + "\n"
	learnedTrail    = `{"nodes":[{"id":"a","kind":"address","label":"192.168.7.9"}],"hosts":[{"host":"book-web01.alpha.example"}],"accounts":[{"account":"ALPHA\\svc_backup"},{"account":"ALPHA\\intruder1","made":true}],"infrastructure":[{"value":"198.51.100.7"},{"value":"10.66.6.6"}]}`
	learnedCoverage = `{"orgs":[{"hosts":[{"host":"quiet-srv77"}]}]}`
)

func learnt(t *testing.T) *Learned {
	t.Helper()
	l := NewLearned()
	for _, err := range []error{l.Findings(strings.NewReader(learnedFindings)), l.Trail(strings.NewReader(learnedTrail)), l.Coverage(strings.NewReader(learnedCoverage))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// Names and addresses of the inside are cut wherever they stand as words, in any case and form; the intruder's and everybody's are not.
func TestInsideIsLearnedAndCut(t *testing.T) {
	cuts, err := learnt(t).Cuts()
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewScanner(cuts)
	if err != nil {
		t.Fatal(err)
	}
	leaks := func(text string) int {
		found, err := s.Scan("x", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	wide := func(s string) string {
		var b []byte
		for i := range len(s) {
			b = append(b, s[i], 0)
		}
		return string(b)
	}
	for _, inside := range []string{"RES-DB01.alpha.example", "res-db01", "jsmith", `ALPHA\jsmith`, "10.3.4.5", "svc_backup", "192.168.7.9", "book-web01", "quiet-srv77", "alpha.example"} {
		for _, text := range []string{"seen on " + inside + ", twice", `{"h":"` + strings.ReplaceAll(inside, `\`, `\\`) + `"}`, "https://" + inside + ":8443/x", strings.ToUpper(inside), wide("at " + inside + " now"),
			"x " + base64.StdEncoding.EncodeToString([]byte("host "+inside+" is")) + " y", hex.EncodeToString([]byte("host " + inside + " is")), hex.EncodeToString(md5sum(strings.ToLower(inside))), strings.ReplaceAll(inside, ".", "&#46;")} {
			if leaks(text) == 0 {
				t.Errorf("%q is let pass in %q", inside, text)
			}
		}
		red := &redactor{ps: pseudonyms(t), keyed: func(string) string { return "keyed" }}
		for _, c := range cuts {
			red.words.add(c)
		}
		if out := red.text("seen on " + inside + ", twice"); strings.Contains(strings.ToLower(out), strings.ToLower(inside)) || leaks(out) > 0 {
			t.Errorf("%q is redacted to %q", inside, out)
		}
	}
	for _, text := range []string{"198.51.100.7", "10.66.6.6", "SYSTEM", "intruder1", "jsmithers", "the alphabet", "10.3.4.50", "nothing of it"} {
		if leaks(text) > 0 {
			t.Errorf("%q is taken for a leak", text)
		}
	}
}

// The level decides: a victim reads its own names, nobody else does; what a case's results hold is learned by itself.
func TestReleaseIsHeldAgainstTheInside(t *testing.T) {
	o := open(t)
	trail := filepath.Join(o.dir, "trail.json")
	o.ok(os.WriteFile(trail, []byte(learnedTrail), 0o600))
	_, err := o.c.ImportDocument(t.Context(), o.lead, casefile.TrailImported, trail, casefile.ImportOptions{Why: "test"})
	o.ok(err)
	for i, x := range []struct {
		audience marking.Kind
		level    Redaction
		cut      bool
	}{{marking.Authority, "", true}, {marking.Authority, Names, false}, {marking.Victim, "", false}, {marking.Victim, Inside, true}, {marking.Public, "", true}} {
		dir := filepath.Join(o.dir, "level"+string(rune('a'+i)))
		_, changes, err := Draft(t.Context(), o.c, dir, DraftOptions{Proposal: o.proposal("level"+string(rune('a'+i)), x.audience), Summary: "Seen on book-web01, 192.168.7.9.", Redaction: x.level})
		o.ok(err)
		b, err := os.ReadFile(filepath.Join(dir, "release", "notice.md"))
		o.ok(err)
		if left := bytes.Contains(b, []byte("book-web01")) || bytes.Contains(b, []byte("192.168.7.9")); left == x.cut || x.cut && len(changes) == 0 {
			t.Errorf("%s at %q: left %v", x.audience, x.level, left)
		}
	}
	if _, _, err := Draft(t.Context(), o.c, filepath.Join(o.dir, "y"), DraftOptions{Proposal: o.proposal("y", marking.Public), Redaction: "some"}); err == nil {
		t.Error("an unknown level is let pass")
	}
	// What is put into the draft later is refused.
	o.consent(member.Authority)
	p := o.proposal("inside", marking.Authority)
	dir := o.propose(p, func(release string) {
		o.ok(os.WriteFile(filepath.Join(release, "more.txt"), []byte("also on\nBOOK-WEB01"), 0o600))
	})
	o.checks("inside", Legal, TipOff)
	o.approve("inside", o.lead, o.liaison)
	o.refused("inside", dir, CutValuesGate)
}

// What the screen finds in any form keeps the release back, with its place.
func TestPassengersAreRefusedWithTheirPlace(t *testing.T) {
	o := open(t)
	o.screen = func(text []byte) (found []Place) {
		if at := bytes.Index(text, []byte("PNR: QWERT2")); at >= 0 {
			found = append(found, Place{"booking", at})
		}
		return found
	}
	o.consent(member.Authority)
	planted := "PNR: QWERT2"
	for name, text := range map[string]string{"plain": "one\n" + planted, "b64": base64.StdEncoding.EncodeToString([]byte("it is " + planted)), "html": "PNR&#58; QWERT2", "hex": hex.EncodeToString([]byte(planted))} {
		dir := o.propose(o.proposal(name, marking.Authority), func(release string) {
			o.ok(os.WriteFile(filepath.Join(release, "more.txt"), []byte(text), 0o600))
		})
		o.checks(name, Legal, TipOff)
		o.approve(name, o.lead, o.liaison)
		o.refused(name, dir, PassengerGate)
		if err := o.release(name, dir); name == "plain" && !strings.Contains(err.Error(), "more.txt:2: what looks like a passenger's data is left: booking") {
			t.Errorf("the place is not told: %v", err)
		}
	}
}

// However many words are cut, the time grows with the text.
func TestManyWords(t *testing.T) {
	l := NewLearned()
	for i := range 100_000 {
		l.add("host", "host-"+hex.EncodeToString([]byte{byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	cuts, err := l.Cuts()
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewScanner(cuts[:20_000])
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	found, err := s.Scan("x", strings.NewReader(strings.Repeat("nothing here but host-ffffff and words\n", 20_000)+"host-000001"))
	if err != nil || len(found) != 1 {
		t.Errorf("%v %v", found, err)
	}
	t.Logf("%v", time.Since(began))
	for i := range 500_001 {
		l.add("host", hex.EncodeToString([]byte{1, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if _, err := l.Cuts(); err == nil {
		t.Error("the bound is not told")
	}
}

func pseudonyms(t *testing.T) *member.Pseudonyms {
	t.Helper()
	ps, err := open(t).c.Pseudonyms()
	if err != nil {
		t.Fatal(err)
	}
	return ps
}
