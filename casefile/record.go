package casefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
)

// Draft is an entry to be recorded. Who and when are added by the case.
type Draft struct {
	Kind       Kind
	Why        string          // the reason; required
	Seen       []ledger.Digest // what was looked at
	About      []string        // names or ids of what it speaks of
	When       Moment          // when it happened in the world, if it did
	Summary    string          // one line for people; "" when the kind says it all
	Marking    marking.Marking // who may see it; zero is handled as TLP:RED
	Supersedes []uint64        // earlier entries that it corrects
	Detail     any             // becomes a JSON object; nil is {}
}

// record is the data of every ledger entry of a case.
type record struct {
	About      []string         `json:"about,omitempty"`
	When       Moment           `json:"when,omitzero"`
	Summary    string           `json:"summary,omitempty"`
	Marking    *marking.Marking `json:"marking,omitempty"`
	Supersedes []uint64         `json:"supersedes,omitempty"`
	Detail     json.RawMessage  `json:"detail"`
}

// Entry is an entry of a case.
type Entry struct {
	Seq        uint64
	Recorded   time.Time
	Author     string // base64 of the author's public key
	Person     string // the author's name at that time
	Role       Role   // the author's role at that time
	Kind       Kind
	Version    int
	Why        string
	Seen       []ledger.Digest
	About      []string
	When       Moment
	Summary    string
	Marking    marking.Marking
	Supersedes []uint64
	Detail     json.RawMessage

	raw ledger.Entry
}

// Raw is the ledger's entry, for proofs.
func (e *Entry) Raw() *ledger.Entry { return &e.raw }

// Known says whether this version knows the kind and the version of its detail. What it does not know is kept and shown.
func (e *Entry) Known() bool {
	r, ok := ruleOf(e.Kind)
	return ok && e.Version <= r.version
}

// Decode reads the detail into v.
func (e *Entry) Decode(v any) error {
	if err := json.Unmarshal(e.Detail, v); err != nil {
		return fmt.Errorf("casefile: entry %d: %s: %w", e.Seq, e.Kind, err)
	}
	return nil
}

// Title is the summary, or the kind where there is none.
func (e *Entry) Title() string {
	if e.Summary != "" {
		return e.Summary
	}
	return string(e.Kind)
}

func (d *Draft) encode() (ledger.Draft, error) {
	rule, ok := ruleOf(d.Kind)
	if !ok {
		return ledger.Draft{}, fmt.Errorf("%q is not a kind of entry that this version writes", d.Kind)
	}
	if d.Why == "" {
		return ledger.Draft{}, fmt.Errorf("%s: say why", d.Kind)
	}
	detail := json.RawMessage("{}")
	if d.Detail != nil {
		b, err := json.Marshal(d.Detail)
		if err != nil {
			return ledger.Draft{}, fmt.Errorf("%s: %w", d.Kind, err)
		}
		detail = b
	}
	if len(detail) == 0 || detail[0] != '{' {
		return ledger.Draft{}, fmt.Errorf("%s: the detail is not an object", d.Kind)
	}
	if rule.check != nil {
		if err := rule.check(detail); err != nil {
			return ledger.Draft{}, fmt.Errorf("%s: %w", d.Kind, err)
		}
	}
	r := record{About: d.About, When: d.When, Summary: d.Summary, Supersedes: d.Supersedes, Detail: detail}
	if !d.Marking.IsZero() {
		r.Marking = &d.Marking
	}
	data, err := json.Marshal(r)
	if err != nil {
		return ledger.Draft{}, fmt.Errorf("%s: %w", d.Kind, err)
	}
	return ledger.Draft{Kind: string(d.Kind), Version: rule.version, Why: d.Why, Seen: d.Seen, Data: data}, nil
}

// masked takes out of the reason and the data what mask takes out.
func masked(d ledger.Draft, mask func([]byte) []byte) (ledger.Draft, error) {
	why, err := json.Marshal(d.Why)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(mask(why), &d.Why); err != nil {
		return d, fmt.Errorf("%s: mask the reason: %w", d.Kind, err)
	}
	if d.Data = mask(d.Data); !json.Valid(d.Data) {
		return d, fmt.Errorf("%s: masking left no JSON", d.Kind)
	}
	return d, nil
}

// decode reads what every kind has. It does not judge.
func decode(e *ledger.Entry) (Entry, error) {
	out := Entry{
		Seq: e.Seq, Recorded: e.Time, Author: keyID(e.Author), Kind: Kind(e.Kind), Version: e.Version,
		Why: e.Why, Seen: e.Seen, Detail: json.RawMessage("{}"), raw: *e,
	}
	var r record
	if err := json.Unmarshal(e.Data, &r); err != nil {
		return out, fmt.Errorf("its data is not that of a case entry: %w", err)
	}
	out.About, out.When, out.Summary, out.Supersedes = r.About, r.When, r.Summary, r.Supersedes
	if r.Marking != nil {
		out.Marking = *r.Marking
	}
	if len(r.Detail) == 0 || r.Detail[0] != '{' {
		return out, errors.New("its detail is not an object")
	}
	out.Detail = r.Detail
	return out, nil
}
