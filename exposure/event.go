package exposure

import (
	"bytes"
	"html"
	"net/url"
	"strings"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
	"github.com/contrail-ir/contrail/exposure/internal/table"
)

// Field is a named value of a record that is to be shown or written.
type Field struct{ Name, Value string }

// Value masks one value under its name, which is part of the context.
func (m *Masker) Value(name, value string) string {
	f := []Field{{name, value}}
	m.Record(f)
	return f[0].Value
}

// Name masks the name of a file, in which "_", "-" and "." stand for what parts words and signs elsewhere: PNR_ABC123.pdf.
func (m *Masker) Name(name string) string {
	name = m.Value("", name)
	words := []byte(name)
	for i, c := range words {
		switch {
		case c == '_' || c == ' ', c == '-' && i > 0 && alphabetic(words[i-1]):
			words[i] = ':'
		case c == '.' || c == '/' || c == '\\' || c == '!':
			words[i] = ' '
		}
	}
	if !Suspicious(words) {
		return name
	}
	return string(replaced([]byte(name), m.spans(words)))
}

const (
	maxSecrets = 4096
	maxNested  = 3 // base64 in base64
)

// Record masks the values of one record together: the names of its fields, the pairs of names and values, SQL and base64 inside them say
// what is a passenger's, and what one field tells is masked in all of them. It changes the values and says whether it changed any.
func (m *Masker) Record(fields []Field) bool { return m.record(fields, 0) }

func (m *Masker) record(fields []Field, depth int) bool {
	found := m.recordSpans(fields, depth)
	changed := false
	for i, spans := range found {
		if len(spans) > 0 {
			fields[i].Value = string(replaced(m.texts[i], spans))
			changed = true
		}
	}
	return changed
}

// suspicious says whether a value under its name is worth a search.
func (m *Masker) suspicious(f *Field) bool {
	m.context = append(append(append(m.context[:0], f.Name...), ": "...), f.Value...)
	return m.all || m.known != nil || Suspicious(m.context)
}

// recordSpans finds what is to be masked in each field's text, which m.texts holds until the next call.
func (m *Masker) recordSpans(fields []Field, depth int) [][]span {
	any := false
	for i := range fields {
		any = any || m.suspicious(&fields[i])
	}
	if !any {
		return nil
	}
	m.secrets = map[string]bool{}
	defer func() { m.secrets = nil }()
	m.row(fields)
	found := make([][]span, len(fields))
	m.texts = m.texts[:0]
	for i := range fields {
		text := plain(fields[i].Value)
		m.texts = append(m.texts, text)
		m.row(pairs(text))
		m.sql(text)
		m.named(text)
		found[i] = m.valueSpans(fields[i].Name, text, depth)
	}
	for i := range fields {
		found[i] = apart(append(found[i], m.secretSpans(m.texts[i])...))
	}
	return found
}

// plain undoes the escapes in which URLs and pages hold text, when there are any.
func plain(s string) []byte {
	if strings.Contains(s, "&lt;") {
		s = html.UnescapeString(s)
	}
	if strings.Contains(s, "%") {
		if u, err := url.PathUnescape(s); err == nil && u != s && Suspicious([]byte(u)) {
			s = u
		}
	}
	return []byte(s)
}

// valueSpans finds what the detectors see in a value that stands under a name, and, where that is a booking's, the contacts and names beside it.
func (m *Masker) valueSpans(name string, value []byte, depth int) []span {
	m.context = append(append(append(m.context[:0], name...), ": "...), value...)
	prefix := len(name) + 2
	var out []span
	booking := false
	for _, s := range m.spans(m.context) {
		if s.to <= prefix || m.KeepContacts && s.kind == record.Phones {
			continue
		}
		s.from, s.to = max(s.from-prefix, 0), s.to-prefix
		out = append(out, s)
		booking = booking || s.kind != record.Phones && s.kind != record.Cards
		if s.kind != record.Rows {
			m.learn(value[s.from:s.to])
		}
	}
	if booking || len(m.secretSpans(value)) > 0 {
		out = append(out, contacts(value)...)
	}
	if depth < maxNested {
		out = append(out, m.encoded(value, depth)...)
	}
	return apart(out)
}

// learn remembers a value of the record under way, to be masked wherever it stands in the record.
func (m *Masker) learn(v []byte) {
	v = bytes.TrimSpace(v)
	if len(v) < 2 || len(v) > 254 || len(m.secrets) >= maxSecrets || bytes.IndexByte(v, '\n') >= 0 {
		return
	}
	m.secrets[strings.ToLower(string(v))] = true
}

// row learns the values that names of fields make a passenger's.
func (m *Masker) row(fields []Field) {
	if len(fields) < 2 {
		return
	}
	names, values, personal := make([]string, len(fields)), make([][]byte, len(fields)), make([]bool, len(fields))
	for i, f := range fields {
		name := f.Name
		if at := strings.LastIndexByte(name, '.'); at >= 0 { // the last part of a path in JSON
			name = name[at+1:]
		}
		names[i], values[i] = name, []byte(f.Value)
	}
	if !table.Personal(names, values, personal) {
		return
	}
	for i := range fields {
		if personal[i] {
			m.learn(values[i])
		}
	}
}

// secretSpans finds what was learned, as whole words in any letter case.
func (m *Masker) secretSpans(value []byte) (out []span) {
	if len(m.secrets) == 0 {
		return nil
	}
	folded := bytes.ToLower(value)
	if len(folded) != len(value) {
		folded = value
	}
	for secret := range m.secrets {
		word := []byte(secret)
		for from := 0; ; {
			k := bytes.Index(folded[from:], word)
			if k < 0 {
				break
			}
			at, end := from+k, from+k+len(word)
			from = at + 1
			if (at == 0 || !letterOrDigit(folded[at-1]) || !letterOrDigit(word[0])) && (end == len(folded) || !letterOrDigit(folded[end]) || !letterOrDigit(word[len(word)-1])) {
				out = append(out, span{at, end, "[masked]", record.Rows})
			}
		}
	}
	return out
}

func alphabetic(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func letterOrDigit(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// contacts finds e-mail addresses, telephones with a plus, and names in the airlines' form, SURNAME/GIVEN, in a text about a booking.
func contacts(value []byte) (out []span) {
	word := func(c byte) bool {
		return letterOrDigit(c) || strings.IndexByte("@._-+/%'", c) >= 0 || c >= 0x80
	}
	for i := 0; i < len(value); {
		if !word(value[i]) {
			i++
			continue
		}
		end := i
		for end < len(value) && word(value[end]) {
			end++
		}
		w := bytes.Trim(value[i:end], ".-'/%")
		from := i + bytes.Index(value[i:end], w)
		switch {
		case len(w) == 0:
		case bytes.IndexByte(w, '@') > 0 && identifier.Email(w):
			out = append(out, span{from, from + len(w), "[masked email]", record.Emails})
		case w[0] == '+' && len(w) >= 9 && identifier.Digits(w[1:]):
			out = append(out, span{from, from + len(w), "[masked phone]", record.Phones})
		case airlineName(w):
			out = append(out, span{from, from + len(w), "[masked]", record.Rows})
		}
		i = end
	}
	return out
}

// airlineName says whether a word is SURNAME/GIVEN in capitals.
func airlineName(w []byte) bool {
	i := bytes.IndexByte(w, '/')
	if i < 2 || i > len(w)-3 || bytes.Count(w, []byte("/")) != 1 {
		return false
	}
	for k, c := range w {
		if k != i && (c < 'A' || c > 'Z') && c != '-' && c != '\'' {
			return false
		}
	}
	return true
}

// pairs finds NAME=VALUE and "NAME":"VALUE" in a text: query strings, JSON, conditions of SQL.
func pairs(text []byte) (out []Field) {
	const most = 256
	for at := 0; at < len(text) && len(out) < most; at++ {
		if text[at] != '=' && text[at] != ':' {
			continue
		}
		end := at
		for end > 0 && at-end < 4 && strings.IndexByte(" \"'\\`]", text[end-1]) >= 0 {
			end--
		}
		from := end
		for from > 0 && end-from < 64 && (letterOrDigit(text[from-1]) || text[from-1] == '_' || text[from-1] == '-' || text[from-1] >= 0x80) {
			from--
		}
		if from == end {
			continue
		}
		start := at + 1
		for start < len(text) && start-at < 6 && strings.IndexByte(" \\N", text[start]) >= 0 {
			if text[start] == 'N' && (start+1 >= len(text) || text[start+1] != '\'') {
				break // N'…' is SQL
			}
			start++
		}
		stop := start
		if start < len(text) && (text[start] == '"' || text[start] == '\'') {
			quote := text[start]
			start++
			for stop = start; stop < len(text) && text[stop] != quote && text[stop] != '\\' && stop-start < 512; {
				stop++
			}
		} else {
			for stop < len(text) && stop-start < 512 && (strings.IndexByte("&;,\"'<>|)}] \t\r\n\\", text[stop]) < 0 ||
				text[stop] == '\'' && stop > start && stop+1 < len(text) && alphabetic(text[stop-1]) && alphabetic(text[stop+1])) { // O'NEIL
				stop++
			}
		}
		if stop > start {
			out = append(out, Field{string(text[from:end]), strings.ReplaceAll(string(text[start:stop]), "+", " ")})
		}
	}
	return out
}

// learner is a record.Collector that remembers values instead of counting them.
type learner struct{ m *Masker }

func (l learner) Passenger(p *record.Passenger) {
	for _, v := range [][]byte{p.Surname, p.Given, p.Number, p.National, p.Locator, p.Contact} {
		l.m.learn(v)
	}
}
func (l learner) Booking(_, locator []byte, _ identifier.Day, _ int64) { l.m.learn(locator) }
func (l learner) Item(_ record.Kind, parts ...[]byte) {
	for _, p := range parts {
		if len(p) > 3 {
			l.m.learn(p)
		}
	}
}
func (learner) Leg(_, _ []byte, _ identifier.Day, _ int) {}
func (learner) Message(*record.Message)                  {}
func (learner) Damage(record.Damage)                     {}

// sql learns from the rows of an INSERT.
func (m *Masker) sql(text []byte) {
	if len(text) < 20 || len(text) > 1<<20 {
		return
	}
	folded := bytes.ToLower(text)
	at := bytes.Index(folded, []byte("insert "))
	if at < 0 {
		at = bytes.Index(folded, []byte("replace into "))
	}
	if at < 0 || !bytes.Contains(folded[at:], []byte("values")) {
		return
	}
	// The reader wants a statement at the beginning of a line; its errors do not matter here.
	_ = table.ReadSQL(bytes.NewReader(text[at:]), text[at:], &table.Out{Collector: learner{m}})
}

// encoded finds base64 in which something would be masked.
func (m *Masker) encoded(value []byte, depth int) (out []span) {
	for at := long64 - 1; at < len(value); at += long64 {
		if !byte64(value[at]) {
			continue
		}
		from, to := at, at
		for from > 0 && byte64(value[from-1]) {
			from--
		}
		for to < len(value) && byte64(value[to]) {
			to++
		}
		at = max(at, to-1)
		if to-from < long64 {
			continue
		}
		if m.inner == nil {
			m.inner = NewMasker(m.known)
		}
		for _, inside := range decoded64(value[from:to]) {
			if Suspicious(inside) && m.inner.record([]Field{{"", string(inside)}}, depth+1) {
				for to < len(value) && value[to] == '=' {
					to++
				}
				out = append(out, span{from, to, "[masked base64]", record.Rows})
				break
			}
		}
	}
	return out
}
