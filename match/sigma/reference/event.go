package reference

import (
	"github.com/contrail-ir/contrail/event"
)

// Event is one event, its fields by native name. A name without values is absent.
type Event struct {
	Source event.Source
	Time   int64 // nanoseconds since 1970 UTC, or event.NoTime
	Fields map[string][]*Value
	all    []*Value // every value in the order of the event
}

// Value is one element of a field.
type Value struct {
	Null bool
	Text string // canonical text

	exact, folded []rune // of Text, made when first asked for
}

// NewEvent takes the fields of a record; a name that occurs more than once is a list.
func NewEvent(source event.Source, ns int64, rec *event.Record) *Event {
	e := &Event{Source: source, Time: ns, Fields: map[string][]*Value{}}
	for _, f := range rec.Fields {
		v := &Value{Null: f.Null, Text: f.Text}
		e.Fields[f.Name] = append(e.Fields[f.Name], v)
		e.all = append(e.all, v)
	}
	return e
}

// EventOf reads one row of a batch.
func EventOf(b *event.Batch, row int) *Event {
	var rec event.Record
	for i, name := range b.Schema.Fields {
		c := b.Cols[i]
		for _, code := range c.At(row) {
			if at, ok := code.Value(); ok {
				rec.Add(name, c.Dict.Kind, string(c.Dict.AppendText(nil, at)))
			} else if code == event.Null {
				rec.AddNull(name)
			}
		}
	}
	return NewEvent(b.Schema.Source, b.Time[row], &rec)
}

// present gives the elements of a field that are not null.
func present(vs []*Value) []*Value {
	var out []*Value
	for _, v := range vs {
		if !v.Null {
			out = append(out, v)
		}
	}
	return out
}

// runes gives the characters of the value, folded or not.
func (v *Value) runes(cased bool) []rune {
	if v.exact == nil {
		v.exact = characters(v.Text)
		v.folded = foldAll(v.exact)
	}
	if cased {
		return v.exact
	}
	return v.folded
}
