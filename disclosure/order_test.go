package disclosure

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

func (o *office) kinship(verdicts string, supersedes ...uint64) casefile.Entry {
	o.t.Helper()
	file := filepath.Join(o.t.TempDir(), "kinship.json")
	o.ok(os.WriteFile(file, []byte(`{"prior":0.05,"orgs":[`+verdicts+`]}`), 0o600))
	e, err := o.c.ImportDocument(o.t.Context(), o.lead, casefile.KinshipImported, file, casefile.ImportOptions{Why: "test", Supersedes: supersedes})
	o.ok(err)
	return e
}

func (o *office) member(id member.ID, name string) {
	o.t.Helper()
	_, err := o.c.AddMember(o.t.Context(), o.lead, casefile.MemberDetail{ID: id, Name: name}, marking.Marking{}, "test")
	o.ok(err)
}

// reasons gives what keeps a release back at the gate of the victims.
func (o *office) reasons(name, dir string) (out []string) {
	o.t.Helper()
	var r *RefusedError
	if err := o.release(name, dir); errors.As(err, &r) {
		for _, x := range r.Refusals {
			if x.Gate == VictimsGate {
				out = append(out, x.Reason)
			}
		}
	} else if err != nil {
		o.t.Fatal(err)
	}
	return out
}

func TestVictimsByKinshipHearBeforeThePublic(t *testing.T) {
	o := open(t)
	o.consent(member.Publish)
	o.tellVictim()
	o.member("beta-air", "Beta Air")
	o.member("delta-air", "Delta Air")
	first := o.kinship(`{"org":"beta-air","verdict":"same-intrusion"},{"org":"Gamma Air","verdict":"same-intrusion"},{"org":"Delta Air","verdict":"not-found"}`)
	dir := o.propose(o.proposal("r", marking.Public), nil)
	o.checks("r", Legal, TipOff)
	o.approve("r", o.lead, o.liaison)
	got := o.reasons("r", dir)
	if len(got) != 2 || !strings.Contains(got[0], "Gamma Air") || !strings.Contains(got[0], "no member") || got[1] != "Beta Air was not told yet" {
		t.Fatalf("%q", got)
	}
	s, err := Read(t.Context(), o.c)
	o.ok(err)
	var order []string
	for _, turn := range s.Order() {
		order = append(order, strings.TrimSpace(string(turn.Audience)+" "+turn.Organisation))
	}
	if want := []string{"victim Alpha Air", "victim Beta Air", "victim Gamma Air", "authority", "regulators", "members", "vendors", "passengers", "public"}; !slices.Equal(order, want) {
		t.Errorf("%q", order)
	}
	if s.Order()[0].Told[0] != "victim" {
		t.Errorf("%+v", s.Order()[0])
	}
	if !slices.ContainsFunc(s.Cuts(Proposal{Audience: marking.Public}), func(c Cut) bool { return c.Value == "Gamma Air" }) {
		t.Error("the name of an organisation that was judged may leave")
	}
	// A second look clears Gamma Air, and Beta Air is told.
	o.kinship(`{"org":"Beta Air","verdict":"same-intrusion"},{"org":"Gamma Air","verdict":"unrelated"}`, first.Seq)
	if got := o.reasons("r", dir); !slices.Equal(got, []string{"Beta Air was not told yet"}) {
		t.Fatalf("%q", got)
	}
	p := o.proposal("b", marking.Victim)
	p.Parties, p.Victims = []marking.Party{{Organisation: "Beta Air"}}, []member.ID{"beta-air"}
	p.Cites = nil
	bdir := o.propose(p, nil)
	o.checks("b", Legal, TipOff)
	o.approve("b", o.lead, o.liaison)
	o.ok(o.release("b", bdir))
	if got := o.reasons("r", dir); got != nil {
		t.Fatalf("%q", got)
	}
}

func TestAKinshipWithoutVerdictsIsNotTaken(t *testing.T) {
	o := open(t)
	for _, text := range []string{`{}`, `{"orgs":[]}`, `{"orgs":[{"org":"a"}]}`, `{"orgs":[{"org":"a","verdict":"x"},{"org":"a","verdict":"y"}]}`} {
		file := filepath.Join(t.TempDir(), "kinship.json")
		o.ok(os.WriteFile(file, []byte(text), 0o600))
		if _, err := o.c.ImportDocument(t.Context(), o.lead, casefile.KinshipImported, file, casefile.ImportOptions{Why: "test"}); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
