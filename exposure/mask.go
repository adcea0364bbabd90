package exposure

import (
	"bytes"
	"slices"
	"sync"

	"github.com/contrail-ir/contrail/exposure/internal/edifact"
	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/prose"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Masker replaces passenger values in text that is to be shown or written. One goroutine uses it at a
// time; MaskString is for the rest.
type Masker struct {
	detector prose.Detector
	known    *Counter
	secrets  map[string]bool // values of the record under way, in lower case
	context  []byte
	texts    [][]byte
	all      bool    // for comparison: search what is not suspicious, too
	inner    *Masker // for text within text

	// KeepContacts leaves telephones alone that nothing ties to a booking: where people write down whom to call.
	KeepContacts bool
}

// NewMasker returns a Masker. With a Counter it also masks every word of the text that the counter has
// seen as a document, ticket, card, national number, telephone or e-mail address, whatever stands
// around it. known may be nil.
func NewMasker(known *Counter) *Masker { return &Masker{known: known} }

var maskers = sync.Pool{New: func() any { return NewMasker(nil) }}

// MaskString is Masker.Value for a text without a name.
func MaskString(text string) string {
	m := maskers.Get().(*Masker)
	defer maskers.Put(m)
	return m.Value("", text)
}

// Segments that hold personal data, and the first element that does.
var personalSegments = map[string]bool{"TIF": true, "NAD": true, "ADD": true, "FTI": true, "TKT": true, "FOP": true, "RCI": true, "DOC": true,
	"RFF": true, "IFT": true, "REF": true, "LTS": true, "COM": true, "SSR": true}

// span is a place to be masked and what stands there instead.
type span struct {
	from, to int
	note     string
	kind     record.Kind
}

// Mask returns text with the passenger values that the detectors recognise replaced by a note of their
// kind, such as [masked travel-document]. Cards keep their first six and last four digits. It returns
// text itself when there is nothing to mask.
func (m *Masker) Mask(text []byte) []byte {
	return replaced(text, m.spans(text))
}

// spans finds the places in text, ordered and apart.
func (m *Masker) spans(text []byte) []span {
	var out []span
	for _, s := range m.segments(text) {
		out = append(out, span{s[0], s[1], "[masked]", record.Rows})
	}
	for _, h := range m.detector.Find(text) {
		note := "[masked " + h.Kind.String() + "]"
		if h.Kind == record.Cards && len(h.Value) >= 13 {
			note = string(h.Value[:6]) + string(bytes.Repeat([]byte("*"), len(h.Value)-10)) + string(h.Value[len(h.Value)-4:])
		}
		out = append(out, span{h.From, h.To, note, h.Kind})
		if h.Holder != nil && m.secrets != nil {
			m.learn(h.Holder.Surname)
			m.learn(h.Holder.Given)
			m.learn(h.Holder.Number)
		}
	}
	for _, w := range m.words(text) {
		out = append(out, span{w[0], w[1], "[masked]", record.Rows})
	}
	return apart(out)
}

// apart orders spans and drops those that begin inside another.
func apart(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortStableFunc(spans, func(a, b span) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	out := spans[:1]
	for _, s := range spans[1:] {
		switch last := &out[len(out)-1]; {
		case s.from >= last.to:
			out = append(out, s)
		case s.to > last.to: // what sticks out must not stay
			last.to, last.note = s.to, "[masked]"
		}
	}
	return out
}

// replaced returns text itself when there is nothing to replace.
func replaced(text []byte, spans []span) []byte {
	if len(spans) == 0 {
		return text
	}
	var out []byte
	done := 0
	for _, s := range spans {
		out = append(append(out, text[done:s.from]...), s.note...)
		done = s.to
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
