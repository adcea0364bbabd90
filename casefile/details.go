package casefile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
)

// Judgement is the detail of finding.judged.
type Judgement struct {
	Organisation string `json:"organisation,omitempty"`
	File         string `json:"file"`
	Record       uint64 `json:"record"`
	Rule         string `json:"rule,omitempty"`
	Verdict      string `json:"verdict"` // intrusion, context or rejected, the roles of a trail's references
}

func (j Judgement) check() error {
	if j.File == "" {
		return errors.New("a judged finding has a file")
	}
	if !slices.Contains([]string{"intrusion", "context", "rejected"}, j.Verdict) {
		return fmt.Errorf("verdict %.40q is not intrusion, context or rejected", j.Verdict)
	}
	return nil
}

// Number is the detail of number.stated. What is not known is left out; zero is a number.
type Number struct {
	What     string    `json:"what"`
	Unit     string    `json:"unit"`
	Exact    *int64    `json:"exact,omitempty"`
	Lower    *int64    `json:"lower,omitempty"`
	Upper    *int64    `json:"upper,omitempty"`
	Estimate *int64    `json:"estimate,omitempty"`
	Interval *[2]int64 `json:"interval,omitempty"` // of 90 %
	Basis    string    `json:"basis"`              // how it was found
}

func (n Number) check() error {
	switch {
	case n.What == "" || n.Unit == "" || n.Basis == "":
		return errors.New("a number says of what it is, in which unit, and how it was found")
	case n.Exact == nil && n.Lower == nil && n.Upper == nil && n.Estimate == nil:
		return errors.New("a number without a value")
	case n.Lower != nil && n.Upper != nil && *n.Lower > *n.Upper:
		return fmt.Errorf("lower bound %d above upper bound %d", *n.Lower, *n.Upper)
	case n.Exact != nil && (n.Lower != nil && *n.Lower > *n.Exact || n.Upper != nil && *n.Upper < *n.Exact):
		return fmt.Errorf("exact value %d outside its bounds", *n.Exact)
	case n.Interval != nil && n.Interval[0] > n.Interval[1]:
		return errors.New("the interval is inverted")
	}
	return nil
}

// Text is the detail of text.recorded: a text in the original, with its translations beside it.
type Text struct {
	Source       string        `json:"source"`   // where it is from
	Language     string        `json:"language"` // BCP 47
	Original     string        `json:"original"`
	Digest       ledger.Digest `json:"digest"` // of the original's UTF-8 bytes
	Translations []Translation `json:"translations,omitempty"`
}

// Translation is a translation and who made it.
type Translation struct {
	Language   string `json:"language"` // BCP 47
	Text       string `json:"text"`
	Translator string `json:"translator"`
}

func (t Text) check() error {
	if t.Source == "" || t.Original == "" {
		return errors.New("a text has a source and an original")
	}
	if !isLanguage(t.Language) {
		return fmt.Errorf("%.40q is not a language tag", t.Language)
	}
	if got := ledger.DigestOf([]byte(t.Original)); got != t.Digest {
		return fmt.Errorf("the original's digest is %s, not %s", got, t.Digest)
	}
	for _, tr := range t.Translations {
		if !isLanguage(tr.Language) || tr.Text == "" || tr.Translator == "" {
			return errors.New("a translation has a language, a text and a translator")
		}
	}
	return nil
}

// isLanguage checks the form of a BCP 47 tag: subtags of 1 to 8 letters and digits, the first of 2 to 8 letters.
func isLanguage(s string) bool {
	for i, sub := range strings.Split(s, "-") {
		if len(sub) == 0 || len(sub) > 8 || i == 0 && len(sub) < 2 {
			return false
		}
		for _, c := range []byte(strings.ToLower(sub)) {
			if (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// Milestone is the detail of milestone.recorded: an event in the world that the timeline and the disclosure clock count from. Its
// moment is the entry's When.
type Milestone struct {
	Name   string `json:"name"`             // intrusion, discovery, report, private-notice, vendor-claim, government-claim, public, removal …
	Actor  string `json:"actor,omitempty"`  // who did it
	Target string `json:"target,omitempty"` // to whom
	Source string `json:"source"`           // where we know it from
}

func (m Milestone) check() error {
	if m.Name == "" || m.Source == "" {
		return errors.New("a milestone has a name and a source")
	}
	return nil
}

// RecordText enters a text; its digest is filled in.
func (c *Case) RecordText(ctx context.Context, by *keys.Private, t Text, when Moment, mark marking.Marking, why string) (Entry, error) {
	t.Digest = ledger.DigestOf([]byte(t.Original))
	return c.one(ctx, by, Draft{
		Kind: TextRecorded, Why: why, Seen: []ledger.Digest{t.Digest}, About: []string{t.Source}, When: when, Marking: mark,
		Summary: fmt.Sprintf("text (%s) from %s", t.Language, t.Source), Detail: t,
	})
}

// StateNumber enters a number with what it rests on.
func (c *Case) StateNumber(ctx context.Context, by *keys.Private, n Number, seen []ledger.Digest, mark marking.Marking, why string) (Entry, error) {
	return c.one(ctx, by, Draft{
		Kind: NumberStated, Why: why, Seen: seen, About: []string{n.What}, Marking: mark, Summary: fmt.Sprintf("%s: %s", n.What, n), Detail: n,
	})
}

// String writes the number with its unit, the surest part first.
func (n Number) String() string {
	var parts []string
	if n.Exact != nil {
		parts = append(parts, fmt.Sprintf("%d", *n.Exact))
	}
	if n.Lower != nil {
		parts = append(parts, fmt.Sprintf("at least %d", *n.Lower))
	}
	if n.Upper != nil {
		parts = append(parts, fmt.Sprintf("at most %d", *n.Upper))
	}
	if n.Estimate != nil {
		parts = append(parts, fmt.Sprintf("about %d", *n.Estimate))
	}
	if n.Interval != nil {
		parts = append(parts, fmt.Sprintf("90 %% between %d and %d", n.Interval[0], n.Interval[1]))
	}
	return strings.Join(parts, ", ") + " " + n.Unit
}

// RecordMilestone enters an event in the world.
func (c *Case) RecordMilestone(ctx context.Context, by *keys.Private, m Milestone, when Moment, mark marking.Marking, why string) (Entry, error) {
	if when.IsZero() {
		return Entry{}, fmt.Errorf("casefile: milestone %q has no moment", m.Name)
	}
	return c.one(ctx, by, Draft{
		Kind: MilestoneRecorded, Why: why, About: []string{m.Name}, When: when, Marking: mark,
		Summary: strings.TrimSuffix(m.Name+": "+strings.Join(slices.DeleteFunc([]string{m.Actor, m.Target}, func(s string) bool { return s == "" }), " → "), ": "), Detail: m,
	})
}

// JudgeFinding enters what a person thinks of a finding.
func (c *Case) JudgeFinding(ctx context.Context, by *keys.Private, j Judgement, seen []ledger.Digest, mark marking.Marking, why string) (Entry, error) {
	return c.one(ctx, by, Draft{
		Kind: FindingJudged, Why: why, Seen: seen, About: []string{j.File}, Marking: mark, Summary: fmt.Sprintf("%s record %d: %s", j.File, j.Record, j.Verdict), Detail: j,
	})
}

// AddMember enters an organisation.
func (c *Case) AddMember(ctx context.Context, by *keys.Private, m MemberDetail, mark marking.Marking, why string) (Entry, error) {
	return c.one(ctx, by, Draft{Kind: MemberAdded, Why: why, About: []string{string(m.ID)}, Marking: mark, Summary: "member " + m.Name, Detail: m})
}

// GiveConsent enters what a member has consented to.
func (c *Case) GiveConsent(ctx context.Context, by *keys.Private, d ConsentDetail, mark marking.Marking, why string) (Entry, error) {
	return c.one(ctx, by, Draft{
		Kind: ConsentGiven, Why: why, About: []string{string(d.Member)}, When: At(d.Consent.From), Marking: mark,
		Summary: fmt.Sprintf("%s consents to %s, by %s", d.Member, d.Consent.Purpose, d.Consent.By), Detail: d,
	})
}

// WithdrawConsent enters that a member has taken back its consent for a purpose.
func (c *Case) WithdrawConsent(ctx context.Context, by *keys.Private, d WithdrawalDetail, mark marking.Marking, why string) (Entry, error) {
	return c.one(ctx, by, Draft{
		Kind: ConsentWithdrawn, Why: why, About: []string{string(d.Member)}, When: At(d.At), Marking: mark,
		Summary: fmt.Sprintf("%s withdraws consent to %s", d.Member, d.Purpose), Detail: d,
	})
}
