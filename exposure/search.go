package exposure

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Found is a place where a passenger's value was recognised.
type Found struct {
	Kind   string // as in results; "passenger value" for what only its surroundings tell
	Offset int
}

// Search gives the places in a text that Record and JSON would mask, and the first of each kind that counting finds in it as a table, messages or a
// dump. Telephones and e-mail addresses count only where they belong to a booking: whoever writes a text gives theirs.
func Search(text []byte) ([]Found, error) {
	var out []Found
	m := NewMasker(nil)
	m.KeepContacts = true
	tell := func(at int, spans []span) {
		for _, s := range spans {
			kind := s.kind.String()
			if s.kind == record.Rows {
				kind = "passenger value"
			}
			out = append(out, Found{kind, at + s.from})
		}
	}
	trimmed := bytes.TrimSpace(text)
	if p := (scalars{text: text}); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && p.value("", -1, 0) && p.atEnd() {
		tell(0, m.jsonSpans(&p))
	} else if Suspicious(text) {
		for _, spans := range m.recordSpans([]Field{{"", string(text)}}, 0) {
			tell(0, spans)
		}
		at := 0
		for line := range bytes.Lines(text) { // names and values that stand on a line belong together
			if Suspicious(line) {
				for _, spans := range m.recordSpans([]Field{{"", string(line)}}, 0) {
					tell(at, spans)
				}
			}
			at += len(line)
		}
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	counter, err := New(Options{Key: secret})
	if err != nil {
		return nil, err
	}
	if _, err := counter.Add(context.Background(), Source{Org: "searched", Name: "searched", Status: Accessible}, bytes.NewReader(text)); err != nil && err != io.EOF {
		return nil, fmt.Errorf("exposure: search: %w", err)
	}
	for _, o := range counter.Result().Orgs {
		for _, k := range o.Kinds {
			if k.Kind != record.Phones.String() && k.Kind != record.Emails.String() {
				out = append(out, Found{k.Kind, 0})
			}
		}
	}
	return out, nil
}

// jsonSpans finds the scalars that would be masked.
func (m *Masker) jsonSpans(p *scalars) (out []span) {
	members := make([][]int, len(p.objects))
	for i, s := range p.found {
		members[s.object] = append(members[s.object], i)
	}
	for _, which := range members {
		fields := make([]Field, len(which))
		for k, i := range which {
			fields[k] = Field{p.found[i].name, p.found[i].value}
		}
		for k, spans := range m.recordSpans(fields, 0) {
			for _, s := range spans {
				out = append(out, span{p.found[which[k]].from, p.found[which[k]].to, "", s.kind})
			}
		}
	}
	return out
}
