// Package zeek reads Zeek's tab-separated logs into batches.
//
// The header says separator, fields and types; it may come again in the middle of a file, as it does where logs were
// concatenated, and then counts from there. Every kind of log is read the same way: fields keep their names, unset fields are
// absent, sets and vectors are lists, booleans are true and false, escapes are undone – so that a log gives the same columns
// from here as from Zeek's JSON. A line with too few or too many fields is damage; what it has is still delivered.
package zeek

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/lines"
)

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "zeek-tsv" }

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	text := lines.Text(head)
	if bytes.HasPrefix(text, []byte("#separator ")) || bytes.HasPrefix(text, []byte("#separator\t")) { // some writers part it by a tab
		return event.Certain
	}
	if bytes.HasPrefix(text, []byte("#fields\t")) && bytes.Contains(text, []byte("\n#types\t")) {
		return event.Likely
	}
	return event.No
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	s, err := lines.Open(f, lines.Options{Mark: '#', Header: readHeader, State: &header{separator: "\t", set: ",", empty: "(empty)", unset: "-"}})
	if err != nil {
		return nil, err
	}
	return &stream{s}, nil
}

type stream struct{ *lines.Stream }

func (s *stream) Next(ctx context.Context) (*event.Segment, error) { return s.Stream.Next(ctx) }

// header is what the lines beginning with # say. It is immutable: a line makes a new one.
type header struct {
	separator, set, empty, unset string
	path                         string
	fields, types                []string
}

func readHeader(line []byte, state any) (any, bool) {
	h := *state.(*header)
	text := string(line)
	directive, value, _ := strings.Cut(text, h.separator)
	if d, v, ok := strings.Cut(text, " "); ok && d == "#separator" {
		directive, value = d, v
	}
	switch directive {
	case "#separator":
		// A new header: what the last one said is over.
		h = header{separator: unescape(strings.TrimSpace(value)), set: ",", empty: "(empty)", unset: "-"}
		if h.separator == "" {
			h.separator = "\t"
		}
	case "#set_separator":
		h.set = unescape(value)
	case "#empty_field":
		h.empty = unescape(value)
	case "#unset_field":
		h.unset = unescape(value)
	case "#path":
		h.path = value
	case "#fields":
		h.fields = strings.Split(value, h.separator)
	case "#types":
		h.types = strings.Split(value, h.separator)
	case "#open", "#close":
	default:
		return state, false // a value that begins with #
	}
	return &h, true
}

// unescape undoes \xNN.
func unescape(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	return string(appendUnescaped(nil, []byte(s)))
}

func appendUnescaped(dst, s []byte) []byte {
	for {
		i := bytes.Index(s, []byte(`\x`))
		if i < 0 || i+4 > len(s) {
			return append(dst, s...)
		}
		n, err := strconv.ParseUint(string(s[i+2:i+4]), 16, 8)
		if err != nil {
			dst, s = append(dst, s[:i+2]...), s[i+2:]
			continue
		}
		dst, s = append(append(dst, s[:i]...), byte(n)), s[i+4:]
	}
}

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder { return &decoder{plans: map[*header]*plan{}} }

// plan is what a header and the needs make of a line.
type plan struct {
	h       *header
	source  event.Source
	builder *event.Builder
	columns []column // by field of the header
	time    int      // field of the time, -1 for none
	system  int      // field of the sensor's name, -1 for none
}

type column struct {
	index int // of the builder, -1 when nobody wants it
	kind  kind
}

type kind uint8

const (
	plain kind = iota
	boolean
	list
	boolList
)

type decoder struct {
	plans map[*header]*plan
	text  []byte
}

func (d *decoder) planOf(h *header, needs *event.Needs) *plan {
	if p := d.plans[h]; p != nil {
		return p
	}
	if len(d.plans) > 1000 { // a file of headers
		clear(d.plans)
	}
	p := &plan{h: h, source: event.Source{Product: "zeek", Service: h.path}, time: -1, system: -1}
	p.builder = event.NewBuilder(p.source)
	want := needs.Of(p.source)
	wanted := map[string]bool{}
	for _, f := range want.Fields {
		wanted[f] = true
	}
	for i, name := range h.fields {
		c := column{index: -1}
		if want.All || wanted[name] {
			c.index = p.builder.Field(name)
		}
		c.kind = kindOf(h, i)
		switch name {
		case "ts":
			p.time = i
		case "_system_name":
			p.system = i
		}
		p.columns = append(p.columns, c)
	}
	d.plans[h] = p
	return p
}

func kindOf(h *header, field int) kind {
	if field >= len(h.types) {
		return plain
	}
	switch t := h.types[field]; {
	case t == "bool":
		return boolean
	case t == "set[bool]" || t == "vector[bool]":
		return boolList
	case strings.HasPrefix(t, "set[") || strings.HasPrefix(t, "vector["):
		return list
	}
	return plain
}

// Decode implements event.Decoder.
func (d *decoder) Decode(seg *event.Segment, needs *event.Needs, sink event.Sink) error {
	h := seg.State.(*header)
	if len(h.fields) == 0 {
		if len(bytes.TrimSpace(seg.Data)) > 0 {
			sink.Damage(event.Damage{Offset: seg.Offset, Reason: "lines before a #fields header: what they mean is not known, not read"})
		}
		return nil
	}
	p := d.planOf(h, needs)
	p.builder.Reset()
	for l := range lines.Each(seg, false) {
		if len(l.Text) == 0 {
			continue
		}
		d.line(p, l, seg, needs, sink)
	}
	if p.builder.Rows() == 0 {
		return nil
	}
	b := p.builder.Batch()
	b.Fetch = func(row int, rec *event.Record) error { return d.fetch(p, seg, b.Offset[row], rec) }
	return sink.Batch(b)
}

// nthField gives a field of a line by its number.
func nthField(text []byte, separator string, n int) []byte {
	for ; n > 0; n-- {
		i := bytes.Index(text, []byte(separator))
		if i < 0 {
			return nil
		}
		text = text[i+len(separator):]
	}
	if i := bytes.Index(text, []byte(separator)); i >= 0 {
		text = text[:i]
	}
	return text
}

func (d *decoder) line(p *plan, l lines.Line, seg *event.Segment, needs *event.Needs, sink event.Sink) {
	h := p.h
	ns := event.NoTime
	if p.time >= 0 {
		text := nthField(l.Text, h.separator, p.time)
		var ok bool
		if ns, ok = parseTime(text); !ok && string(text) != h.unset {
			sink.Damage(event.Damage{Offset: l.Offset, Reason: fmt.Sprintf("line %d: time %.40q cannot be read", l.Number, text)})
		}
	}
	if ns != event.NoTime {
		ns += int64(seg.File.Hints.Offset)
	}
	if !needs.Covers(ns) {
		return
	}
	host := []byte(seg.File.Hints.Host)
	if p.system >= 0 {
		if s := nthField(l.Text, h.separator, p.system); len(s) > 0 && string(s) != h.unset {
			host = s
		}
	}
	p.builder.Row(ns, l.Offset, l.Number, host)
	fields := 0
	rest := l.Text
	for more := true; more; fields++ {
		text := rest
		if i := index(rest, h.separator); i >= 0 {
			text, rest = rest[:i], rest[i+len(h.separator):]
		} else {
			more = false
		}
		if fields < len(p.columns) && p.columns[fields].index >= 0 {
			c := p.columns[fields]
			d.each(h, c.kind, text, func(v []byte) { p.builder.Text(c.index, v) }, func() { p.builder.Null(c.index) })
		}
	}
	if fields != len(h.fields) {
		sink.Damage(event.Damage{Offset: l.Offset, Reason: fmt.Sprintf("line %d has %d fields, the header names %d", l.Number, fields, len(h.fields))})
	}
}

func index(s []byte, separator string) int {
	if len(separator) == 1 {
		return bytes.IndexByte(s, separator[0])
	}
	return bytes.Index(s, []byte(separator))
}

// each gives the values of a field: none when it is unset, null when it is an empty list, several when it is a list.
func (d *decoder) each(h *header, k kind, text []byte, value func([]byte), null func()) {
	if string(text) == h.unset {
		return
	}
	empty := string(text) == h.empty
	switch k {
	case list, boolList:
		if empty {
			null() // as an empty array in Zeek's JSON
			return
		}
		for {
			i := bytes.Index(text, []byte(h.set))
			if i < 0 || h.set == "" {
				break
			}
			value(d.value(k, text[:i]))
			text = text[i+len(h.set):]
		}
		value(d.value(k, text))
	default:
		if empty {
			value(nil)
			return
		}
		value(d.value(k, text))
	}
}

func (d *decoder) value(k kind, text []byte) []byte {
	if (k == boolean || k == boolList) && len(text) == 1 {
		switch text[0] {
		case 'T':
			return []byte("true")
		case 'F':
			return []byte("false")
		}
	}
	if bytes.IndexByte(text, '\\') >= 0 {
		d.text = appendUnescaped(d.text[:0], text)
		text = d.text
	}
	if !utf8.Valid(text) {
		return bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	return text
}

func (d *decoder) fetch(p *plan, seg *event.Segment, offset uint64, rec *event.Record) error {
	at := offset - seg.Offset
	if at >= uint64(len(seg.Data)) {
		return fmt.Errorf("no line at offset %d", offset)
	}
	text := seg.Data[at:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	text = bytes.TrimSuffix(text, []byte{'\r'})
	for i, field := range bytes.Split(text, []byte(p.h.separator)) {
		if i == len(p.h.fields) {
			break
		}
		d.each(p.h, p.columns[i].kind, field, func(v []byte) { rec.Add(p.h.fields[i], event.Text, string(v)) }, func() { rec.AddNull(p.h.fields[i]) })
	}
	return nil
}

// parseTime reads seconds since 1970 with a fraction, exactly.
func parseTime(s []byte) (int64, bool) {
	whole, fraction, _ := bytes.Cut(s, []byte{'.'})
	if len(whole) == 0 || len(whole) > 10 {
		return event.NoTime, false
	}
	var sec, ns int64
	for _, c := range whole {
		if c < '0' || c > '9' {
			return event.NoTime, false
		}
		sec = sec*10 + int64(c-'0')
	}
	scale := int64(1e9)
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return event.NoTime, false
		}
		if scale /= 10; scale > 0 {
			ns += int64(c-'0') * scale
		}
	}
	if sec > 9_200_000_000 {
		return event.NoTime, false
	}
	return sec*1e9 + ns, true
}
