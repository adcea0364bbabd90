package casefile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

// Intake is a victim's report, and the detail of intake.reported. In YAML its keys are those of its JSON.
type Intake struct {
	Organisation string          `json:"organisation" yaml:"organisation"`
	Reporter     string          `json:"reporter" yaml:"reporter"` // who tells us
	Contact      string          `json:"contact" yaml:"contact"`   // how to reach them, off the networks concerned
	Noticed      Noticed         `json:"noticed" yaml:"noticed"`
	AtRisk       []string        `json:"at_risk" yaml:"at_risk"` // systems, data, flights …
	Consent      []IntakeConsent `json:"consent,omitempty" yaml:"consent"`
	Marking      marking.Marking `json:"marking" yaml:"marking"`
	Remarks      string          `json:"remarks,omitempty" yaml:"remarks"`
}

// Noticed is what was noticed, by whom, when.
type Noticed struct {
	Who  string `json:"who" yaml:"who"`
	What string `json:"what" yaml:"what"`
	When Moment `json:"when" yaml:"when"`
}

// IntakeConsent is what the victim allows.
type IntakeConsent struct {
	Purpose member.Purpose `json:"purpose" yaml:"purpose"`
	By      string         `json:"by" yaml:"by"`
	Until   Moment         `json:"until,omitzero" yaml:"until"`
}

const maxIntake = 1 << 20

// Missing names what a report must have and lacks, by its YAML key.
func (in Intake) Missing() []string {
	var out []string
	for _, f := range in.fields() {
		if f.required && f.get() == "" {
			out = append(out, f.key)
		}
	}
	return out
}

func (in Intake) check() error {
	if m := in.Missing(); len(m) > 0 {
		return fmt.Errorf("the report lacks %s", strings.Join(m, ", "))
	}
	for _, c := range in.Consent {
		if _, err := member.ParsePurpose(string(c.Purpose)); err != nil {
			return err
		}
		if c.By == "" {
			return fmt.Errorf("consent to %s names nobody who gave it", c.Purpose)
		}
	}
	return nil
}

// ParseIntake reads a report from YAML. A key that it does not know is refused by name. What is missing is not an error here; see Missing.
func ParseIntake(text []byte) (Intake, error) {
	var in Intake
	if err := decodeYAML(text, &in); err != nil {
		return Intake{}, fmt.Errorf("casefile: intake: %w", err)
	}
	return in, nil
}

// decodeYAML reads exactly one YAML document and refuses unknown keys by name.
func decodeYAML(text []byte, v any) error {
	if len(text) > maxIntake {
		return fmt.Errorf("larger than %d bytes", maxIntake)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	err := dec.Decode(v)
	var te *yaml.TypeError
	switch {
	case err == io.EOF:
		return errors.New("the file is empty")
	case errors.As(err, &te):
		return plainYAML(te)
	case err != nil:
		return err
	}
	var more any
	if err := dec.Decode(&more); err != io.EOF {
		return errors.New("more than one YAML document")
	}
	return nil
}

// plainYAML says "line 3: unknown key \"x\"" instead of naming Go types.
func plainYAML(te *yaml.TypeError) error {
	var errs []error
	for _, line := range te.Errors {
		if at, rest, ok := strings.Cut(line, ": field "); ok {
			if name, _, ok := strings.Cut(rest, " not found in type "); ok {
				errs = append(errs, fmt.Errorf("%s: unknown key %q", at, name))
				continue
			}
		}
		errs = append(errs, errors.New(line))
	}
	return errors.Join(errs...)
}

// Merge fills what in lacks from other: flags over a file, a file over prompts.
func (in Intake) Merge(other Intake) Intake {
	theirs := other.fields()
	for i, f := range in.fields() {
		if f.get() == "" {
			if v := theirs[i].get(); v != "" {
				f.set(&in, v) // it was valid there
			}
		}
	}
	if len(in.Consent) == 0 {
		in.Consent = other.Consent
	}
	if len(in.Marking.Owners) == 0 {
		in.Marking.Owners = other.Marking.Owners
	}
	if len(in.Marking.Recipients) == 0 {
		in.Marking.Recipients = other.Marking.Recipients
	}
	return in
}

// field is one thing that a report says, for prompts and for Missing.
type field struct {
	key, question string
	required      bool
	get           func() string
	set           func(*Intake, string) error
}

func (in Intake) fields() []field {
	text := func(key, q string, required bool, at func(*Intake) *string) field {
		return field{key, q, required, func() string { return *at(&in) }, func(i *Intake, s string) error { *at(i) = s; return nil }}
	}
	return []field{
		text("organisation", "Which organisation reports?", true, func(i *Intake) *string { return &i.Organisation }),
		text("reporter", "Who reports (name, function)?", true, func(i *Intake) *string { return &i.Reporter }),
		text("contact", "How can they be reached, outside the networks concerned?", true, func(i *Intake) *string { return &i.Contact }),
		text("noticed.who", "Who noticed it?", true, func(i *Intake) *string { return &i.Noticed.Who }),
		text("noticed.what", "What was noticed?", true, func(i *Intake) *string { return &i.Noticed.What }),
		{"noticed.when", "When (2020, 2020-01, 2020-01-31 or 2020-01-31T10:00:00Z)?", true,
			func() string { return in.Noticed.When.String() },
			func(i *Intake, s string) error { return i.Noticed.When.UnmarshalText([]byte(s)) }},
		{"at_risk", "What is at risk (separate with semicolons)?", true,
			func() string { return strings.Join(in.AtRisk, "; ") },
			func(i *Intake, s string) error { i.AtRisk = splitList(s); return nil }},
		{"consent", "What is consented to, by whom (purpose:person, separate with semicolons; empty for nothing)?", false,
			func() string { return "" },
			func(i *Intake, s string) (err error) { i.Consent, err = ParseConsents(s); return err }},
		{"marking.tlp", "Which marking (CLEAR, GREEN, AMBER, AMBER+STRICT, RED)?", true,
			func() string { return in.Marking.TLP.String() },
			func(i *Intake, s string) error { return i.Marking.TLP.UnmarshalText([]byte(s)) }},
		text("remarks", "Anything else?", false, func(i *Intake) *string { return &i.Remarks }),
	}
}

func splitList(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ";") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// ParseConsents reads "sweep:the CISO; share:the CISO", as flags and prompts give consent.
func ParseConsents(s string) ([]IntakeConsent, error) {
	var out []IntakeConsent
	for _, part := range splitList(s) {
		purpose, by, _ := strings.Cut(part, ":")
		p, err := member.ParsePurpose(strings.TrimSpace(purpose))
		if err != nil {
			return nil, err
		}
		if by = strings.TrimSpace(by); by == "" {
			return nil, fmt.Errorf("casefile: consent to %s names nobody who gave it (write %s:PERSON)", p, p)
		}
		out = append(out, IntakeConsent{Purpose: p, By: by})
	}
	return out, nil
}

// maxTries is how often a prompt is repeated when the answer cannot be understood.
const maxTries = 3

// AskIntake asks for what the report lacks: required things until they are answered, others once. It never asks for what is there.
func AskIntake(r io.Reader, w io.Writer, in Intake) (Intake, error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxIntake)
	out := in
	for _, f := range in.fields() {
		if f.get() != "" || f.key == "consent" && len(in.Consent) > 0 {
			continue
		}
		if err := ask(sc, w, f, &out); err != nil {
			return out, fmt.Errorf("casefile: intake: %s: %w", f.key, err)
		}
	}
	return out, nil
}

func ask(sc *bufio.Scanner, w io.Writer, f field, out *Intake) error {
	for range maxTries {
		if _, err := fmt.Fprintf(w, "%s ", f.question); err != nil {
			return err
		}
		if !sc.Scan() {
			if err := sc.Err(); err != nil {
				return err
			}
			if f.required {
				return fmt.Errorf("no answer: %w", io.ErrUnexpectedEOF)
			}
			return nil
		}
		answer := strings.TrimSpace(sc.Text())
		if answer == "" {
			if !f.required {
				return nil
			}
			fmt.Fprintln(w, "  This is needed.")
			continue
		}
		err := f.set(out, answer)
		if err == nil {
			return nil
		}
		fmt.Fprintf(w, "  %v\n", err)
	}
	return fmt.Errorf("no answer that can be understood in %d tries", maxTries)
}

// TakeIntake enters a complete report, and with it, all or nothing, the reporting organisation as a member and what it consents to.
func (c *Case) TakeIntake(ctx context.Context, by *keys.Private, in Intake, id member.ID, why string) ([]Entry, error) {
	if err := in.check(); err != nil {
		return nil, fmt.Errorf("casefile: intake: %w", err)
	}
	if len(in.Marking.Owners) == 0 {
		in.Marking.Owners = []string{in.Organisation} // what a victim tells is the victim's
	}
	drafts := []Draft{{
		Kind: IntakeReported, Why: why, About: []string{in.Organisation}, When: in.Noticed.When, Marking: in.Marking,
		Summary: fmt.Sprintf("%s reports: %s", in.Organisation, in.Noticed.What), Detail: in, Seen: []ledger.Digest{},
	}}
	if id == "" && len(in.Consent) > 0 {
		return nil, errors.New("casefile: intake: consent needs the member's id")
	}
	if id != "" {
		if _, ok := c.Member(id); !ok {
			drafts = append(drafts, Draft{Kind: MemberAdded, Why: why, About: []string{string(id)}, Marking: in.Marking, Summary: "member " + in.Organisation, Detail: MemberDetail{ID: id, Name: in.Organisation}})
		}
	}
	now := time.Now
	if c.opts.Now != nil {
		now = c.opts.Now
	}
	for _, ic := range in.Consent {
		con := member.Consent{Purpose: ic.Purpose, By: ic.By, From: now().UTC().Truncate(time.Second)}
		if !ic.Until.IsZero() {
			con.Until, _ = ic.Until.Bounds()
		}
		drafts = append(drafts, Draft{
			Kind: ConsentGiven, Why: why, About: []string{string(id)}, Marking: in.Marking,
			Summary: fmt.Sprintf("%s consents to %s, by %s", in.Organisation, ic.Purpose, ic.By), Detail: ConsentDetail{Member: id, Consent: con},
		})
	}
	return c.Record(ctx, by, drafts...)
}
