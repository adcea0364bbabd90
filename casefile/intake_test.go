package casefile

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/marking"
)

const exampleIntake = `organisation: Airline A
reporter: duty officer
contact: "+1 555 0100"
noticed: {who: network team, what: unknown program on a server, when: 2020-01-15}
at_risk: [passenger records, booking system]
consent:
  - {purpose: sweep, by: CISO}
  - {purpose: authority, by: CISO, until: 2030}
marking: {tlp: amber+strict}
`

func TestIntakeFromYAML(t *testing.T) {
	in, err := ParseIntake([]byte(exampleIntake))
	if err != nil || len(in.Missing()) > 0 {
		t.Fatalf("%v %v", err, in.Missing())
	}
	if in.Noticed.When.Precision() != Day || in.Marking.TLP != marking.AmberStrict || len(in.Consent) != 2 || in.Consent[1].Until.String() != "2030" {
		t.Errorf("%+v", in)
	}
	for text, want := range map[string]string{
		"organisation: x\norganization: y\n":    `line 2: unknown key "organization"`,
		"noticed: {who: x, whom: y}\n":          `unknown key "whom"`,
		"":                                      "empty",
		"reporter: [1, 2]\n":                    "cannot unmarshal",
		"noticed: {when: last week}\n":          "is not a moment",
		"marking: {tlp: pink}\n":                "not a TLP",
		"reporter: a\n---\nreporter: b\n":       "more than one",
		"reporter: a\nreporter: b\n":            "already defined",
		strings.Repeat("# pad\n", 200_000):      "larger",
		"remarks: &a [*a]\n":                    "",
		"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b]\n": "unknown key",
	} {
		_, err := ParseIntake([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func TestIntakeFromPromptsAsksOnlyForWhatIsMissing(t *testing.T) {
	var out bytes.Buffer
	start := Intake{Organisation: "Airline A", Reporter: "duty officer"}
	answers := "+1 555\nnetwork team\n\na strange program\nlast week\n2020-01\nrecords; bookings\nsweep:CISO\npink\nred\n\n"
	in, err := AskIntake(strings.NewReader(answers), &out, start)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if in.Noticed.When.String() != "2020-01" || len(in.AtRisk) != 2 || in.Marking.TLP != marking.Red || in.Consent[0].By != "CISO" || len(in.Missing()) > 0 {
		t.Errorf("%+v", in)
	}
	text := out.String()
	if strings.Contains(text, "Which organisation") || !strings.Contains(text, "This is needed.") || strings.Count(text, "When (") != 2 {
		t.Errorf("%s", text)
	}
	if _, err := AskIntake(strings.NewReader("+1\n"), io.Discard, start); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "noticed.who") {
		t.Errorf("end of input: %v", err)
	}
	if _, err := AskIntake(strings.NewReader(strings.Repeat("\n", 100)), io.Discard, start); err == nil {
		t.Error("asked for ever")
	}
}

func TestIntakeMergeAndRefusals(t *testing.T) {
	file, _ := ParseIntake([]byte(exampleIntake))
	got := Intake{Contact: "in person"}.Merge(file)
	if got.Contact != "in person" || got.Organisation != "Airline A" || len(got.AtRisk) != 2 || len(got.Consent) != 2 || got.Noticed.When.String() != "2020-01-15" {
		t.Errorf("%+v", got)
	}
	lead := key(t, "lead")
	c := newCase(t, lead)
	if _, err := c.TakeIntake(bg, lead, Intake{Reporter: "x"}, "a", "w"); err == nil || !strings.Contains(err.Error(), "organisation, contact") {
		t.Errorf("incomplete report: %v", err)
	}
	if _, err := c.TakeIntake(bg, lead, file, "", "w"); err == nil {
		t.Error("consent without a member")
	}
	es, err := c.TakeIntake(bg, lead, file, "airline-a", "w")
	if err != nil || len(es) != 4 || es[0].Marking.Owners[0] != "Airline A" {
		t.Errorf("%v %+v", err, es)
	}
	if _, err := ParseConsents("sweep"); err == nil {
		t.Error("consent by nobody")
	}
}

func FuzzIntake(f *testing.F) {
	f.Add([]byte(exampleIntake))
	f.Add([]byte("remarks: &a [*a]\n"))
	f.Add([]byte("? {a: b}\n: c\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if in, err := ParseIntake(b); err == nil {
			in.check()
		}
		ParsePolicy(b)
	})
}

func FuzzMoment(f *testing.F) {
	f.Add("2020-01-31T10:00:00.5+08:00")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMoment(s)
		if err != nil || m.IsZero() {
			return
		}
		if back, err := ParseMoment(m.String()); err != nil || back.Compare(m) != 0 || back.Precision() != m.Precision() {
			t.Errorf("%q: %v does not read back: %v %v", s, m, back, err)
		}
	})
}
