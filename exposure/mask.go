package exposure

import (
	"bytes"
	"sync"

	"github.com/contrail-ir/contrail/exposure/internal/edifact"
	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/prose"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Masker replaces passenger values in text that is to be shown or written. One goroutine uses it at a
// time; Mask is for the rest.
type Masker struct {
	detector prose.Detector
	known    *Counter
}

// NewMasker returns a Masker. With a Counter it also masks every word of the text that the counter has
// seen as a document, ticket, card, national number, telephone or e-mail address, whatever stands
// around it. known may be nil.
func NewMasker(known *Counter) *Masker { return &Masker{known: known} }

var maskers = sync.Pool{New: func() any { return NewMasker(nil) }}

// Mask returns text with the passenger values that the detectors recognise replaced by a note of their
// kind, such as [masked travel-document]. Cards keep their first six and last four digits. It returns
// text itself when there is nothing to mask.
func Mask(text []byte) []byte {
	m := maskers.Get().(*Masker)
	defer maskers.Put(m)
	return m.Mask(text)
}

// MaskString is Mask for strings.
func MaskString(text string) string {
	in := []byte(text)
	out := Mask(in)
	if len(out) == len(in) && (len(in) == 0 || &out[0] == &in[0]) {
		return text
	}
	return string(out)
}

// Segments that hold personal data, and the first element that does.
var personalSegments = map[string]bool{"TIF": true, "NAD": true, "ADD": true, "FTI": true, "TKT": true, "FOP": true, "RCI": true, "DOC": true,
	"RFF": true, "IFT": true, "REF": true, "LTS": true, "COM": true, "SSR": true}

// Mask masks one text.
func (m *Masker) Mask(text []byte) []byte {
	var out []byte
	done := 0
	replace := func(from, to int, with []byte) {
		if from < done {
			return
		}
		out = append(append(out, text[done:from]...), with...)
		done = to
	}
	spans := m.segments(text)
	hits := m.detector.Find(text)
	words := m.words(text)
	for len(spans)+len(hits)+len(words) > 0 {
		next := 3
		at := len(text) + 1
		if len(spans) > 0 && spans[0][0] < at {
			next, at = 0, spans[0][0]
		}
		if len(hits) > 0 && hits[0].From < at {
			next, at = 1, hits[0].From
		}
		if len(words) > 0 && words[0][0] < at {
			next = 2
		}
		switch next {
		case 0:
			replace(spans[0][0], spans[0][1], []byte("[masked]"))
			spans = spans[1:]
		case 1:
			h := hits[0]
			note := []byte("[masked " + h.Kind.String() + "]")
			if h.Kind == record.Cards && len(h.Value) >= 13 {
				note = append(append(append([]byte{}, h.Value[:6]...), bytes.Repeat([]byte("*"), len(h.Value)-10)...), h.Value[len(h.Value)-4:]...)
			}
			replace(h.From, h.To, note)
			hits = hits[1:]
		default:
			replace(words[0][0], words[0][1], []byte("[masked]"))
			words = words[1:]
		}
	}
	if done == 0 {
		return text
	}
	return append(out, text[done:]...)
}

// segments finds the personal segments of EDIFACT in text: the data between tag and terminator.
func (m *Masker) segments(text []byte) (spans [][2]int) {
	if bytes.IndexByte(text, '+') < 0 || bytes.IndexByte(text, '\'') < 0 {
		return nil
	}
	for at := 0; at+4 < len(text); {
		i := bytes.IndexByte(text[at:], '+')
		if i < 0 {
			return spans
		}
		i += at
		at = i + 1
		if i < 3 || !personalSegments[string(text[i-3:i])] || !edifact.Known(text[i-3:i+1], '+') {
			continue
		}
		if i > 3 && text[i-4] != '\'' && text[i-4] > ' ' && text[i-4] != '"' && text[i-4] != 'n' {
			continue // a tag follows a terminator, a line break (or its escape) or a quotation mark
		}
		end := i + 1
		for end < len(text) && end-i < 4096 && (text[end] != '\'' || text[end-1] == '?') {
			end++
		}
		if end == len(text) || text[end] != '\'' {
			continue
		}
		spans = append(spans, [2]int{i + 1, end})
		at = end
	}
	return spans
}

// words finds the words that the counter knows as identifiers.
func (m *Masker) words(text []byte) (spans [][2]int) {
	if m.known == nil {
		return nil
	}
	for i := 0; i < len(text); {
		if !wordByte(text[i]) {
			i++
			continue
		}
		end, digits, at := i, 0, false
		for end < len(text) && (wordByte(text[end]) || text[end] == '@' || text[end] == '.' || text[end] == '+' || text[end] == '_' || text[end] == '-') {
			if text[end]-'0' <= 9 {
				digits++
			}
			at = at || text[end] == '@'
			end++
		}
		word := bytes.TrimRight(text[i:end], ".-_+")
		if (digits >= 4 || at) && len(word) >= 6 && len(word) <= 254 && m.known.knows(word, at) {
			spans = append(spans, [2]int{i, i + len(word)})
		}
		i = end
	}
	return spans
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// knows says whether a word was counted as an identifier of any organisation.
func (c *Counter) knows(word []byte, mail bool) bool {
	var canonical []byte
	if mail {
		canonical = bytes.ToLower(word)
	} else {
		for _, b := range bytes.ToUpper(word) {
			if wordByte(b) {
				canonical = append(canonical, b)
			}
		}
	}
	for _, byStatus := range c.tallies {
		for _, t := range byStatus {
			has := func(kind record.Kind, parts ...[]byte) bool {
				t.start(byte(kind))
				for _, p := range parts {
					t.field(p)
				}
				return t.items[kind].Has(t.sum())
			}
			if mail {
				if has(record.Emails, canonical) {
					return true
				}
				continue
			}
			for _, kind := range []record.Kind{record.Residents, record.Aadhaars, record.Tickets, record.Cards, record.Phones} {
				if has(kind, canonical) {
					return true
				}
			}
			if has(record.FrequentFlyers, nil, canonical) || t.knowsDocument(canonical) {
				return true
			}
		}
	}
	return false
}

// knowsDocument tries a number with every issuer, since the word alone does not say whose it is.
func (t *tally) knowsDocument(number []byte) bool {
	for _, issuer := range identifier.Issuers() {
		t.start(byte(record.Documents))
		t.field(issuer)
		t.field(number)
		if t.items[record.Documents].Has(t.sum()) {
			return true
		}
	}
	return false
}
