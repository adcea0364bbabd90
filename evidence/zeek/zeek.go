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
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

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
	known := headers{}
	s, err := lines.Open(f, lines.Options{Mark: '#', Header: known.read, State: newHeader("\t")})
	if err != nil {
		return nil, err
	}
	return &stream{s}, nil
}

type stream struct{ *lines.Stream }

func (s *stream) Next(ctx context.Context) (*event.Segment, error) { return s.Stream.Next(ctx) }

// header is what the lines beginning with # say. It is immutable: a line makes a new one.
type header struct {
	meaning
	fields, types []string
}

// meaning is what tells headers apart.
type meaning struct {
	separator, set, empty, unset string
	path                         string
	fieldsHash, typesHash        xxh3.Uint128
}

func newHeader(separator string) *header {
	return &header{meaning: meaning{separator: separator, set: ",", empty: "(empty)", unset: "-"}}
}

const (
	maxFields    = 4000 // of a header that are read
	maxDirective = 1024 // bytes of what a header line says that names no fields
	maxKnown     = 1000 // headers of a file that are remembered
)

// headers remembers the headers of a file: one that comes again, as where logs were concatenated, is the same.
type headers map[meaning]*header

// read reads a line that begins with #. What is none of Zeek's directives is a value.
func (k headers) read(line []byte, state any) (any, bool) {
	last := state.(*header)
	h := *last
	name, value, _ := bytes.Cut(line, []byte(h.separator))
	if d, v, ok := bytes.Cut(line, []byte(" ")); ok && string(d) == "#separator" {
		name, value = d, v
	}
	if len(name) > len("#set_separator") || len(value) > maxDirective && string(name) != "#fields" && string(name) != "#types" {
		return state, false
	}
	switch string(name) {
	case "#separator":
		// A new header: what the last one said is over.
		h = *newHeader(unescape(strings.TrimSpace(string(value))))
		if h.separator == "" {
			h.separator = "\t"
		}
	case "#set_separator":
		h.set = unescape(string(value))
	case "#empty_field":
		h.empty = unescape(string(value))
	case "#unset_field":
		h.unset = unescape(string(value))
	case "#path":
		h.path = string(value)
	case "#fields":
		h.fieldsHash = xxh3.Hash128(value)
	case "#types":
		h.typesHash = xxh3.Hash128(value)
	case "#open", "#close":
		return state, true
	default:
		return state, false
	}
	if h.meaning == last.meaning {
		return state, true
	}
	if h := k[h.meaning]; h != nil {
		return h, true
	}
	switch string(name) {
	case "#fields":
		h.fields = split(value, h.separator)
	case "#types":
		h.types = split(value, h.separator)
	}
	if len(k) >= maxKnown {
		clear(k)
	}
	k[h.meaning] = &h
	return &h, true
}

// split parts the names of a header line, as far as they are read.
func split(line []byte, separator string) []string {
	names := strings.SplitN(string(line), separator, maxFields+1)
	return names[:min(len(names), maxFields)]
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
	sift    bool     // what nobody names is wanted of suspected lines only
	named   int      // the last field of a line that is always looked at
	last    int      // the last that anybody may want
	time    int      // field of the time, -1 for none
	system  int      // field of the sensor's name, -1 for none
}

type column struct {
	index int  // of the builder, -1 when nobody wants it
	named bool // wanted of every line
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
	order []*plan // of plans, a ring of maxPlans
	next  int     // in order, where the oldest stands when it is full
	width int     // fields of all plans
	needs *event.Needs
	sift  event.Sifter // of needs, nil for none
	clean bool         // nothing in the segment is escaped, and all of it is UTF-8
	text  []byte
	host  []byte
	ends  []int32 // where the fields of a line end
	odd   odd
}

// odd counts the lines of a segment that do not fit the header. They are told as one damage.
type odd struct {
	lines  int
	offset uint64 // of the first
	why    string
}

func (o *odd) add(l lines.Line, format string, args ...any) {
	if o.lines++; o.lines == 1 {
		o.offset, o.why = l.Offset, fmt.Sprintf("line %d", l.Number)+fmt.Sprintf(format, args...)
	}
}

func (o *odd) tell(sink event.Sink) {
	switch {
	case o.lines == 1:
		sink.Damage(event.Damage{Offset: o.offset, Reason: o.why})
	case o.lines > 1:
		sink.Damage(event.Damage{Offset: o.offset, Reason: fmt.Sprintf("%d lines from here do not fit the header, the first: %s", o.lines, o.why)})
	}
	*o = odd{}
}

// Bounds of what is remembered of headers, and of a batch.
const (
	maxPlans = 64
	maxWidth = 1 << 16
	maxSpare = 64 // fields of a builder that is used again
	maxRows  = 1 << 16
	maxCells = 4 << 20
)

// forget drops what was learnt of headers.
func (d *decoder) forget() {
	clear(d.plans)
	d.order, d.next, d.width = nil, 0, 0
}

func (d *decoder) planOf(h *header, needs *event.Needs) *plan {
	if d.needs != needs {
		d.needs, d.sift = needs, nil
		if needs.Sifter != nil {
			d.sift = needs.Sifter()
		}
		d.forget()
	}
	if p := d.plans[h]; p != nil {
		return p
	}
	if d.width += len(h.fields) + 16; d.width > maxWidth {
		d.forget()
		d.width = len(h.fields) + 16
	}
	p := &plan{h: h, source: event.Source{Product: "zeek", Service: h.path}, time: -1, system: -1, named: -1, last: -1}
	if len(d.order) < maxPlans {
		d.order = append(d.order, p)
	} else { // where headers are many, one more takes the place of the oldest, and its memory
		old := d.order[d.next]
		d.order[d.next], d.next = p, (d.next+1)%maxPlans
		delete(d.plans, old.h)
		d.width -= len(old.h.fields) + 16
		if old.builder.Fields() <= maxSpare {
			p.builder, p.columns = old.builder, old.columns
			p.builder.Restart(p.source)
		}
	}
	if p.builder == nil {
		p.builder = event.NewBuilder(p.source)
	}
	want := needs.Of(p.source)
	if p.sift = want.All && want.Sifted && d.sifts(h); p.sift {
		p.builder.Sift()
	}
	p.columns = slices.Grow(p.columns[:0], len(h.fields))[:len(h.fields)]
	for i, name := range h.fields {
		c := column{index: -1, kind: kindOf(h, i)}
		if want.All || slices.Contains(want.Fields, name) {
			c.index = p.builder.Field(name)
		}
		switch name {
		case "ts":
			p.time = i
		case "_system_name":
			p.system = i
		}
		if c.named = !p.sift || want.Names(name); c.named && c.index >= 0 || name == "ts" || name == "_system_name" {
			p.named = i
		}
		if c.index >= 0 || p.named == i {
			p.last = i
		}
		p.columns[i] = c
	}
	d.plans[h] = p
	return p
}

// sifts says whether the sifter can be asked about lines as they stand: what separates values keeps them apart, and what lines do not
// spell out, true and false, is not sought.
func (d *decoder) sifts(h *header) bool {
	if d.sift == nil {
		return false
	}
	for i := range h.fields {
		if k := kindOf(h, i); (k == boolean || k == boolList) && (d.sift.Suspects(yes) || d.sift.Suspects(no)) {
			return false
		}
	}
	for _, c := range []byte(h.separator + h.set) {
		if !event.Parts(c) {
			return false
		}
	}
	return true
}

// suspects asks the sifter about a line.
func (d *decoder) suspects(text []byte, clean bool) bool {
	if clean {
		return d.sift.Suspects(text)
	}
	d.text = appendUnescaped(d.text[:0], text)
	return !utf8.Valid(text) || !utf8.Valid(d.text) || d.sift.Suspects(d.text)
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
	d.clean = bytes.IndexByte(seg.Data, '\\') < 0 && utf8.Valid(seg.Data)
	for l := range lines.Each(seg, false) {
		if len(l.Text) == 0 {
			continue
		}
		if n := p.builder.Rows(); n == maxRows || n*len(p.columns) > maxCells {
			if err := d.deliver(p, seg, sink); err != nil {
				return err
			}
		}
		d.line(p, l, seg, needs)
	}
	if len(h.fields) == maxFields {
		sink.Damage(event.Damage{Offset: seg.Offset, Reason: fmt.Sprintf("the header names %d fields or more: what stands behind is not read", maxFields)})
	}
	d.odd.tell(sink)
	return d.deliver(p, seg, sink)
}

func (d *decoder) deliver(p *plan, seg *event.Segment, sink event.Sink) error {
	if p.builder.Rows() == 0 {
		return nil
	}
	b := p.builder.Batch()
	b.Fetch = func(row int, rec *event.Record) error { return d.fetch(p, seg, b.Offset[row], rec) }
	err := sink.Batch(b)
	p.builder.Reset()
	return err
}

// cut finds the ends of a line's fields up to the last that is looked at, and counts them all.
func (d *decoder) cut(text []byte, separator string, last int) (fields int) {
	d.ends = d.ends[:0]
	at := 0
	if len(separator) == 1 {
		for c := separator[0]; len(d.ends) <= last; at++ {
			i := bytes.IndexByte(text[at:], c)
			if i < 0 {
				d.ends = append(d.ends, int32(len(text)))
				return len(d.ends)
			}
			at += i
			d.ends = append(d.ends, int32(at))
		}
		return len(d.ends) + 1 + bytes.Count(text[at:], []byte(separator))
	}
	for ; len(d.ends) <= last; at += len(separator) {
		i := bytes.Index(text[at:], []byte(separator))
		if i < 0 {
			d.ends = append(d.ends, int32(len(text)))
			return len(d.ends)
		}
		at += i
		d.ends = append(d.ends, int32(at))
	}
	return len(d.ends) + 1 + bytes.Count(text[at:], []byte(separator))
}

// field gives a field of the line that was cut; nil when the line has not so many.
func (d *decoder) field(text []byte, separator string, n int) []byte {
	if n < 0 || n >= len(d.ends) {
		return nil
	}
	from := 0
	if n > 0 {
		from = int(d.ends[n-1]) + len(separator)
	}
	return text[from:d.ends[n]]
}

func (d *decoder) line(p *plan, l lines.Line, seg *event.Segment, needs *event.Needs) {
	h := p.h
	fields := d.cut(l.Text, h.separator, p.named)
	ns, why := event.NoTime, ""
	if p.time >= 0 {
		text := d.field(l.Text, h.separator, p.time)
		var ok bool
		if ns, ok = parseTime(text); !ok && string(text) != h.unset {
			d.odd.add(l, ": time %.40q cannot be read", text)
			why = "time"
		}
	}
	if ns != event.NoTime {
		ns += int64(seg.File.Hints.Offset)
	}
	if !needs.Covers(ns) {
		return
	}
	d.host = append(d.host[:0], seg.File.Hints.Host...)
	host := d.host
	if s := d.field(l.Text, h.separator, p.system); len(s) > 0 && string(s) != h.unset {
		host = s
	}
	p.builder.Row(ns, l.Offset, l.Number, host)
	// Most lines have nothing to undo: then values are taken as they stand.
	clean := d.clean || bytes.IndexByte(l.Text, '\\') < 0 && utf8.Valid(l.Text)
	suspect := p.sift && d.suspects(l.Text, clean)
	if suspect {
		p.builder.Suspect()
		d.cut(l.Text, h.separator, p.last)
	}
	from := 0
	for i, end := range d.ends {
		if i == len(p.columns) {
			break
		}
		if c := &p.columns[i]; c.index >= 0 && (suspect || c.named) {
			text := l.Text[from:end]
			switch {
			case string(text) == h.unset:
			case clean && c.kind == plain && string(text) != h.empty:
				p.builder.Text(c.index, text)
			default:
				d.each(h, c.kind, text, func(v []byte) { p.builder.Text(c.index, v) }, func() { p.builder.Null(c.index) })
			}
		}
		from = int(end) + len(h.separator)
	}
	if fields != len(h.fields) && why == "" && len(h.fields) < maxFields {
		d.odd.add(l, " has %d fields, the header names %d", fields, len(h.fields))
	}
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

var yes, no = []byte("true"), []byte("false")

func (d *decoder) value(k kind, text []byte) []byte {
	if (k == boolean || k == boolList) && len(text) == 1 {
		switch text[0] {
		case 'T':
			return yes
		case 'F':
			return no
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
	for i, field := range bytes.SplitN(text, []byte(p.h.separator), len(p.h.fields)+1) {
		if i == len(p.h.fields) {
			break
		}
		d.each(p.h, p.columns[i].kind, field, func(v []byte) { rec.Add(p.h.fields[i], event.Text, string(v)) }, func() { rec.AddNull(p.h.fields[i]) })
	}
	return nil
}

// parseTime reads seconds since 1970 with a fraction, exactly.
func parseTime(s []byte) (int64, bool) {
	var sec, ns int64
	i := 0
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		if i == 10 {
			return event.NoTime, false
		}
		sec = sec*10 + int64(s[i]-'0')
	}
	if i == 0 || sec > 9_200_000_000 || i < len(s) && s[i] != '.' {
		return event.NoTime, false
	}
	scale := int64(1e9)
	for i++; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return event.NoTime, false
		}
		if scale /= 10; scale > 0 {
			ns += int64(d) * scale
		}
	}
	return sec*1e9 + ns, true
}
