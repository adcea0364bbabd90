package exposure

import (
	"encoding/json"
	"unicode/utf8"
)

// JSON masks the values of JSON text, each object as a record of its own, and leaves all else byte for byte as it is. Text that is no
// JSON is masked as text. more are values from elsewhere that belong to the outermost record; they are changed in place.
func (m *Masker) JSON(text []byte, more ...Field) (masked []byte, changed bool) {
	touched := Suspicious(text) || m.known != nil
	for i := range more {
		touched = touched || m.suspicious(&more[i])
	}
	if !touched {
		return text, false
	}
	p := scalars{text: text}
	if len(text) > 0 && (!p.value("", -1, 0) || !p.atEnd()) {
		masked = m.Mask(text)
		return masked, m.Record(more) || len(masked) != len(text) || len(text) > 0 && &masked[0] != &text[0]
	}
	with := make([][]byte, len(p.found)) // by scalar; nil where it stays
	members := make([][]int, len(p.objects))
	for i, s := range p.found {
		members[s.object] = append(members[s.object], i)
	}
	for object, which := range members {
		var fields []Field
		for _, i := range which {
			fields = append(fields, Field{p.found[i].name, p.found[i].value})
		}
		own := len(fields)
		if object == 0 {
			fields = append(fields, more...)
		}
		before := append([]Field(nil), fields...)
		if !m.Record(fields) {
			continue
		}
		for k := range fields {
			if fields[k].Value == before[k].Value {
				continue
			}
			changed = true
			if k >= own {
				more[k-own].Value = fields[k].Value
			} else {
				with[which[k]] = quoted(fields[k].Value)
			}
		}
	}
	if len(p.objects) == 0 && m.Record(more) {
		changed = true
	}
	done := 0
	for i, s := range p.found {
		if with[i] != nil {
			masked = append(append(masked, text[done:s.from]...), with[i]...)
			done = s.to
		}
	}
	if done == 0 {
		return text, changed
	}
	return append(masked, text[done:]...), true
}

// quoted writes a string as encoding/json does, markup escaped.
func quoted(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // a string can always be written
		return []byte(`""`)
	}
	return b
}

// scalar is a string or number in JSON text.
type scalar struct {
	name, value string
	from, to    int
	object      int // of which it is a value
}

// scalars walks JSON text. It is laxer than JSON: what it takes for JSON need not be valid, because only places count.
type scalars struct {
	text    []byte
	at      int
	found   []scalar
	objects []struct{}
}

const maxLevels = 256

func (p *scalars) blank() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n' || p.text[p.at] == '\r') {
		p.at++
	}
}

func (p *scalars) atEnd() bool {
	p.blank()
	return p.at == len(p.text)
}

func (p *scalars) next(c byte) bool {
	p.blank()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// value reads any value; name and object say whose it is.
func (p *scalars) value(name string, object, level int) bool {
	if level > maxLevels {
		return false
	}
	p.blank()
	if p.at == len(p.text) {
		return false
	}
	switch p.text[p.at] {
	case '{':
		p.at++
		own := len(p.objects)
		p.objects = append(p.objects, struct{}{})
		if p.next('}') {
			return true
		}
		for {
			p.blank()
			key, ok := p.str()
			if !ok || !p.next(':') || !p.value(key, own, level+1) {
				return false
			}
			if p.next('}') {
				return true
			}
			if !p.next(',') {
				return false
			}
		}
	case '[':
		p.at++
		if object < 0 { // a list of no object is one
			object = len(p.objects)
			p.objects = append(p.objects, struct{}{})
		}
		if p.next(']') {
			return true
		}
		for {
			if !p.value(name, object, level+1) {
				return false
			}
			if p.next(']') {
				return true
			}
			if !p.next(',') {
				return false
			}
		}
	case '"':
		from := p.at
		v, ok := p.str()
		p.keep(name, v, from, object)
		return ok
	}
	from := p.at
	for p.at < len(p.text) && (letterOrDigit(p.text[p.at]) || p.text[p.at] == '-' || p.text[p.at] == '+' || p.text[p.at] == '.') {
		p.at++
	}
	if word := string(p.text[from:p.at]); word != "" && word != "null" && word != "true" && word != "false" {
		p.keep(name, word, from, object)
	}
	return p.at > from
}

func (p *scalars) keep(name, value string, from, object int) {
	if object < 0 {
		object = len(p.objects)
		p.objects = append(p.objects, struct{}{})
	}
	p.found = append(p.found, scalar{name, value, from, p.at, object})
}

// str reads a string.
func (p *scalars) str() (string, bool) {
	if p.at >= len(p.text) || p.text[p.at] != '"' {
		return "", false
	}
	from, escaped := p.at, false
	for p.at++; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '\\':
			escaped = true
			p.at++
		case '"':
			p.at++
			raw := p.text[from:p.at]
			if !escaped && utf8.Valid(raw) {
				return string(raw[1 : len(raw)-1]), true
			}
			var s string
			err := json.Unmarshal(raw, &s)
			return s, err == nil
		}
	}
	p.at = len(p.text)
	return "", false
}
