package event

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Record is one whole event: fields in the order of the evidence. A name that occurs more than once is a list.
type Record struct {
	Fields []RecordField
}

// RecordField is one value of a Record in its canonical text.
type RecordField struct {
	Name string
	Kind Kind
	Null bool
	Text string
}

// Add appends a value.
func (r *Record) Add(name string, kind Kind, text string) {
	r.Fields = append(r.Fields, RecordField{Name: name, Kind: kind, Text: text})
}

// AddNull appends a field without a value.
func (r *Record) AddNull(name string) {
	r.Fields = append(r.Fields, RecordField{Name: name, Null: true})
}

// Get gives the first value of a field; false when it is absent or null.
func (r *Record) Get(name string) (string, bool) {
	for _, f := range r.Fields {
		if f.Name == name && !f.Null {
			return f.Text, true
		}
	}
	return "", false
}

// MarshalJSON is AppendJSON for encoding/json.
func (r *Record) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// AppendJSON appends one flat object with the fields in their order. Integers that every JSON reader keeps
// exact and booleans are written as such, all else as strings; a repeated name becomes an array at the
// place of its first value. Invalid UTF-8 is replaced.
func (r *Record) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	// Names that occur twice are few. A bit for each name tells nearly always that one does not.
	var once, twice uint64
	for i := range r.Fields {
		bit := nameBit(r.Fields[i].Name)
		twice |= once & bit
		once |= bit
	}
	var places map[string][]int
	if twice != 0 && len(r.Fields) > fewFields {
		places = make(map[string][]int, len(r.Fields))
		for i := range r.Fields {
			places[r.Fields[i].Name] = append(places[r.Fields[i].Name], i)
		}
	}
	var scratch [fewFields]int
	wrote := false
	for i := range r.Fields {
		f := &r.Fields[i]
		at := append(scratch[:0], i)
		if places != nil {
			at = places[f.Name]
		} else if twice&nameBit(f.Name) != 0 {
			at = at[:0]
			for j := range r.Fields {
				if r.Fields[j].Name == f.Name {
					at = append(at, j)
				}
			}
		}
		if at[0] != i {
			continue
		}
		if wrote {
			dst = append(dst, ',')
		}
		wrote = true
		dst = append(appendText(dst, f.Name), ':')
		if len(at) == 1 {
			dst = f.appendValue(dst)
			continue
		}
		for n, j := range at {
			if n == 0 {
				dst = append(dst, '[')
			} else {
				dst = append(dst, ',')
			}
			dst = r.Fields[j].appendValue(dst)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// nameBit is one of 64 bits, different for most of a record's names.
func nameBit(name string) uint64 {
	n := len(name)
	if n == 0 {
		return 1
	}
	return 1 << ((uint(n)*5 + uint(name[0])*3 + uint(name[n-1])*11 + uint(name[n/2])*17) & 63)
}

// fewFields is up to where comparing all names is cheaper than a map of them.
const fewFields = 64

func (f *RecordField) appendValue(dst []byte) []byte {
	if f.Null {
		return append(dst, "null"...)
	}
	switch f.Kind {
	case Int, Uint:
		if n, err := strconv.ParseInt(f.Text, 10, 64); err == nil && -1<<53 < n && n < 1<<53 {
			return strconv.AppendInt(dst, n, 10)
		}
	case Bool:
		if f.Text == "true" || f.Text == "false" {
			return append(dst, f.Text...)
		}
	}
	return appendText(dst, f.Text)
}

// appendText quotes a text, with U+FFFD for each run of bytes that are no UTF-8.
func appendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return AppendQuoted(dst, s)
}
