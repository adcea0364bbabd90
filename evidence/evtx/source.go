package evtx

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// source is what a decoder knows about one kind of event.
type source struct {
	event.Source
	want    event.Want
	wanted  map[string]bool  // Want.Fields; nil when all are
	columns map[string]int32 // by field name; nil while there are few
	fields  []string
	ranks   []int   // of the fields, by systemRank
	text    []bool  // by column: wanted only where its values are text
	order   []int32 // columns in the order of a schema
	schemas map[string]*event.Schema
	groups  [2]group // the log's own rows, and recovered ones
	version int      // of the columns: plans made for another are void
	runs    int      // without a plan that is kept
}

// sourceKey is one way in which the evidence writes a source.
type sourceKey struct {
	provider, channel []byte // raw
	types             uint16 // of both
	id                uint32
	source            *source
	next              *sourceKey // of the same hash
}

// column gives the column of a field, -1 when nobody wants it.
func (s *source) column(name string) int32 {
	if s.columns == nil {
		if i := slices.Index(s.fields, name); i >= 0 {
			return int32(i)
		}
	} else if i, ok := s.columns[name]; ok {
		return i
	}
	if s.wanted != nil && !s.wanted[name] {
		return -1
	}
	if s.fields == nil {
		s.fields, s.ranks, s.text = make([]string, 0, fewFields), make([]int, 0, fewFields), make([]bool, 0, fewFields)
	}
	i := int32(len(s.fields))
	s.fields = append(s.fields, name)
	switch {
	case s.columns != nil:
		s.columns[name] = i
	case len(s.fields) > fewFields:
		s.columns = make(map[string]int32, 2*len(s.fields))
		for i, f := range s.fields {
			s.columns[f] = int32(i)
		}
	}
	s.ranks = append(s.ranks, systemRank(name))
	_, named := slices.BinarySearch(s.want.Fields, name)
	s.text = append(s.text, s.want.TextOnly && !named)
	s.order = s.order[:0]
	return i
}

// fewFields are found without an index: evidence can have a source of its own for every record.
const fewFields = 12

// forget drops the columns, because hostile evidence made too many.
func (s *source) forget() {
	clear(s.columns)
	s.fields, s.ranks, s.text, s.order = s.fields[:0], s.ranks[:0], s.text[:0], s.order[:0]
	clear(s.schemas)
	s.version++
	for i := range s.groups {
		s.groups[i].columns = s.groups[i].columns[:0]
	}
}

// schemaOf gives the schema of the columns in use and their order: System's in its own order, then the others by name,
// so that it depends on the rows alone and seldom changes.
func (s *source) schemaOf(g *group, key []byte) (*event.Schema, []int32, []byte) {
	if len(s.order) != len(s.fields) {
		s.order = s.order[:0]
		for i := range s.fields {
			s.order = append(s.order, int32(i))
		}
		slices.SortFunc(s.order, func(a, b int32) int {
			return cmp.Or(s.ranks[a]-s.ranks[b], strings.Compare(s.fields[a], s.fields[b]))
		})
	}
	key = key[:0]
	used := g.usedColumns[:0]
	for _, i := range s.order {
		if int(i) < len(g.columns) && len(g.columns[i].cells) > 0 {
			used = append(used, i)
			key = append(key, byte(i), byte(i>>8), byte(i>>16))
		}
	}
	g.usedColumns = used
	if schema, ok := s.schemas[string(key)]; ok {
		return schema, used, key
	}
	names := make([]string, len(used))
	for i, c := range used {
		names[i] = s.fields[c]
	}
	if s.schemas == nil || len(s.schemas) >= mostSchemas {
		s.schemas = map[string]*event.Schema{}
	}
	schema := event.NewSchema(s.Source, names)
	s.schemas[string(key)] = schema
	return schema, used, key
}

const mostSchemas = 256 // of one source

// systemRank orders System's fields before all others.
func systemRank(field string) int {
	switch field {
	case event.FieldProvider:
		return 0
	case event.FieldProviderGUID:
		return 1
	case event.FieldEventSourceName:
		return 2
	case event.FieldEventID:
		return 3
	case event.FieldQualifiers:
		return 4
	case event.FieldVersion:
		return 5
	case event.FieldLevel:
		return 6
	case event.FieldTask:
		return 7
	case event.FieldOpcode:
		return 8
	case event.FieldKeywords:
		return 9
	case event.FieldTimeCreated:
		return 10
	case event.FieldRecordID:
		return 11
	case event.FieldActivityID:
		return 12
	case event.FieldRelatedActivityID:
		return 13
	case event.FieldProcessID:
		return 14
	case event.FieldThreadID:
		return 15
	case event.FieldChannel:
		return 16
	case event.FieldComputer:
		return 17
	case event.FieldUserID:
		return 18
	}
	return 19
}

// source finds the source of a record by its raw provider, channel and event id.
func (d *Decoder) source(p *program, provider, channel cell, id uint32) *source {
	pb, cb := d.bytes(provider), d.bytes(channel)
	types := uint16(provider.typ())<<8 | uint16(channel.typ())
	recent := &p.recent[(id+uint32(len(pb)))%uint32(len(p.recent))]
	// What stands in the template is what it was.
	if k := *recent; k != nil && k.id == id && k.types == types &&
		(channel.place() == inTemplates || bytes.Equal(k.channel, cb)) && (provider.place() == inTemplates || bytes.Equal(k.provider, pb)) {
		return k.source
	}
	h := event.HashNumber(event.Hash(pb)+uint64(id)) ^ event.Hash(cb)
	for k := d.keys[h]; k != nil; k = k.next {
		if k.id == id && k.types == types && bytes.Equal(k.channel, cb) && bytes.Equal(k.provider, pb) {
			*recent = k
			return k.source
		}
	}
	is := event.Source{Product: event.ProductWindows, Provider: d.text(provider), Channel: d.text(channel), ID: id}
	s := d.sources[is]
	if s == nil {
		s = taken(&d.idle)
		s.Source = is
		s.ask(d.needs)
		d.sources[is] = s
	}
	k := taken(&d.idleKeys)
	*k = sourceKey{provider: append(k.provider[:0], pb...), channel: append(k.channel[:0], cb...), types: types, id: id, source: s, next: d.keys[h]}
	d.keys[h] = k
	d.keyCount++
	*recent = k
	return s
}

// taken gives one of those that are idle, or a new one.
func taken[T any](idle *[]*T) *T {
	n := len(*idle)
	if n == 0 {
		return new(T)
	}
	t := (*idle)[n-1]
	*idle = (*idle)[:n-1]
	return t
}

// mostIdle is how many bytes a source may hold that becomes another: what a few rows take.
const mostIdle = 1 << 12

// recycle makes the source ready to become another, and says false when it is not worth it.
func (s *source) recycle() bool {
	if s.columns != nil || s.groups[0].held()+s.groups[1].held() > mostIdle {
		return false
	}
	s.forget()
	s.want, s.wanted, s.runs = event.Want{}, nil, 0
	return true
}

// ask asks the needs what is wanted of the source.
func (s *source) ask(needs *event.Needs) {
	s.want = needs.Of(s.Source)
	if s.want.All {
		return
	}
	s.wanted = make(map[string]bool, len(s.want.Fields))
	for _, f := range s.want.Fields {
		s.wanted[f] = true
	}
}
