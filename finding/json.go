package finding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/contrail-ir/contrail/event"
)

// line is the shape of one line of findings.jsonl, documented in docs/formats/findings.md, for reading it.
type line struct {
	Kind      Kind            `json:"kind"`
	RuleID    RuleID          `json:"rule_id"`
	RuleTitle string          `json:"rule_title"`
	Author    string          `json:"rule_author,omitempty"`
	Level     string          `json:"level"`
	Score     *float64        `json:"score,omitempty"`
	Tags      []string        `json:"tags"`
	Org       string          `json:"org"`
	Time      *string         `json:"time"`
	Host      string          `json:"host"`
	Source    string          `json:"source"`
	File      string          `json:"file"`
	Offset    uint64          `json:"offset"`
	Record    uint64          `json:"record"`
	Recovered bool            `json:"recovered,omitempty"`
	Matched   matched         `json:"matched"`
	Refs      []Ref           `json:"refs,omitempty"`
	Event     json.RawMessage `json:"event,omitempty"`
	SHA256    string          `json:"file_sha256"`
}

// AppendJSON appends the finding as one line of findings.jsonl, newline included. The bytes are those that encoding/json
// makes of a line; writing them here takes a tenth of its time.
func (f *Finding) AppendJSON(dst []byte) ([]byte, error) {
	begin := len(dst)
	quoted := func(name, value string) { dst = event.AppendQuoted(append(dst, name...), value) }
	quoted(`{"kind":`, string(f.Rule.Kind))
	quoted(`,"rule_id":`, string(f.Rule.ID))
	quoted(`,"rule_title":`, f.Rule.Title)
	if f.Rule.Author != "" {
		quoted(`,"rule_author":`, f.Rule.Author)
	}
	quoted(`,"level":`, f.Rule.Level.String())
	switch f.Rule.Kind {
	case Beacon, Upload, Behaviour:
		score, err := json.Marshal(f.Score)
		if err != nil {
			return dst[:begin], err
		}
		dst = append(append(dst, `,"score":`...), score...)
	}
	dst = append(dst, `,"tags":[`...)
	for i, t := range f.Rule.Tags {
		quoted(separator(i), t)
	}
	quoted(`],"org":`, f.Org)
	if f.Time != event.NoTime {
		dst = append(event.AppendTime(append(dst, `,"time":"`...), f.Time), '"')
	} else {
		dst = append(dst, `,"time":null`...)
	}
	quoted(`,"host":`, f.Host)
	quoted(`,"source":`, f.Rule.Source)
	quoted(`,"file":`, f.File)
	dst = strconv.AppendUint(append(dst, `,"offset":`...), f.Offset, 10)
	dst = strconv.AppendUint(append(dst, `,"record":`...), f.Record, 10)
	if f.Recovered {
		dst = append(dst, `,"recovered":true`...)
	}
	dst = appendMatched(append(dst, `,"matched":`...), f.Matched)
	for i, r := range f.Refs {
		if i == 0 {
			dst = append(dst, `,"refs":[`...)
		}
		quoted(separator(i)+`{"file":`, r.File)
		dst = append(strconv.AppendUint(append(dst, `,"record":`...), r.Record, 10), '}')
	}
	if len(f.Refs) > 0 {
		dst = append(dst, ']')
	}
	if len(f.Event) > 0 {
		dst = append(dst, `,"event":`...)
		if flat(f.Event) {
			dst = append(dst, f.Event...)
		} else { // from elsewhere: checked, and its blanks and markup taken out
			b, err := json.Marshal(json.RawMessage(f.Event))
			if err != nil {
				return dst[:begin], err
			}
			dst = append(dst, b...)
		}
	}
	quoted(`,"file_sha256":`, f.SHA256)
	return append(dst, "}\n"...), nil
}

func separator(i int) string {
	if i > 0 {
		return ","
	}
	return ""
}

// flat says whether b is surely JSON as event.Record writes it: one object of strings, integers, truth values, nulls and
// arrays of them, without blanks and with markup escaped. Such bytes go into a line as they are, at a fifth of what
// encoding/json takes to look through them again.
func flat(b []byte) bool {
	p := flatParser{b: b}
	if !p.next('{') {
		return false
	}
	if !p.next('}') {
		for {
			if !p.text() || !p.next(':') || !p.value() {
				return false
			}
			if p.next('}') {
				break
			}
			if !p.next(',') {
				return false
			}
		}
	}
	return len(p.b) == 0
}

type flatParser struct{ b []byte }

func (p *flatParser) next(c byte) bool {
	if len(p.b) == 0 || p.b[0] != c {
		return false
	}
	p.b = p.b[1:]
	return true
}

func (p *flatParser) value() bool {
	if !p.next('[') {
		return p.scalar()
	}
	for {
		if !p.scalar() {
			return false
		}
		if p.next(']') {
			return true
		}
		if !p.next(',') {
			return false
		}
	}
}

func (p *flatParser) scalar() bool {
	if len(p.b) > 0 && p.b[0] == '"' {
		return p.text()
	}
	for _, word := range []string{"null", "true", "false"} {
		if bytes.HasPrefix(p.b, []byte(word)) {
			p.b = p.b[len(word):]
			return true
		}
	}
	p.next('-')
	n := 0
	for n < len(p.b) && p.b[n]-'0' < 10 {
		n++
	}
	if n == 0 || n > 1 && p.b[0] == '0' {
		return false
	}
	p.b = p.b[n:]
	return true
}

// text passes over a string whose every byte encoding/json would leave as it is.
func (p *flatParser) text() bool {
	if !p.next('"') {
		return false
	}
	for i := 0; i < len(p.b); i++ {
		switch c := p.b[i]; {
		case c == '"':
			p.b = p.b[i+1:]
			return true
		case c == '\\':
			if i++; i >= len(p.b) {
				return false
			}
			switch p.b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if i+4 >= len(p.b) {
					return false
				}
				for _, h := range p.b[i+1 : i+5] {
					if !(h-'0' < 10 || h|0x20-'a' < 6) {
						return false
					}
				}
				i += 4
			default:
				return false
			}
		case c < ' ' || c == '<' || c == '>' || c == '&':
			return false
		case c == 0xe2 && i+2 < len(p.b) && p.b[i+1] == 0x80 && p.b[i+2]&^1 == 0xa8: // U+2028, U+2029
			return false
		}
	}
	return false
}

// matched is an object in the order of the rule's text; a field that decided with several values is an array.
type matched []event.Matched

func appendMatched(dst []byte, matched []event.Matched) []byte {
	fields := make([]event.RecordField, 0, 8)
	for _, x := range matched {
		name := x.Field
		if name == "" {
			name = "keywords"
		}
		fields = append(fields, event.RecordField{Name: name, Text: x.Value})
	}
	r := event.Record{Fields: fields}
	return r.AppendJSON(dst)
}

func (m *matched) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("matched: want an object (%v)", err)
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return fmt.Errorf("matched: want a field name, found %v", token)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		var values []string
		if len(raw) > 0 && raw[0] == '[' {
			if err := json.Unmarshal(raw, &values); err != nil {
				return err
			}
		} else {
			var one string
			if err := json.Unmarshal(raw, &one); err != nil {
				return err
			}
			values = []string{one}
		}
		for _, v := range values {
			*m = append(*m, event.Matched{Field: key, Value: v})
		}
	}
	return nil
}

// ParseJSON reads one line of findings.jsonl. Rules are not shared between findings.
func ParseJSON(b []byte) (*Finding, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, err
	}
	level, err := ParseLevel(l.Level)
	if err != nil {
		return nil, err
	}
	f := &Finding{
		Rule: &Rule{ID: l.RuleID, Kind: l.Kind, Title: l.RuleTitle, Level: level, Author: l.Author, Tags: l.Tags, Source: l.Source},
		Org:  l.Org, Host: l.Host, File: l.File, Offset: l.Offset, Record: l.Record, Recovered: l.Recovered,
		Matched: l.Matched, Refs: l.Refs, Event: l.Event, SHA256: l.SHA256, Time: event.NoTime,
	}
	if l.Score != nil {
		f.Score = *l.Score
	}
	if l.Time != nil {
		if f.Time, err = event.ParseTime(*l.Time); err != nil {
			return nil, err
		}
	}
	return f, nil
}
