package jsonlog

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/winxml"
)

// record is one record taken apart and understood: its shape, source, time and host. It is the working memory of one
// goroutine and holds one record at a time.
type record struct {
	tape    tape
	scratch []byte // texts of the record; only ever appended to, so that what points into it stays
	shape   int
	slots   [slotCount]struct {
		node int32 // -1 when empty
		rank uint8
	}
	marks  marks        // that were judged last
	shaped int          // the shape that they gave, -1 when none was judged
	xml    winxml.Event // of the shape "event xml"

	source                     event.Source // without the texts below, and for Windows without ID
	provider, channel, service []byte
	id                         uint32
	qualifiers                 uint32
	time                       int64 // with the clock offset
	stamp                      int64 // without it, as recorded
	floating                   bool  // the stamp had no zone; only while the record is being understood
	host                       []byte
}

// sink receives the fields of a record.
type sink interface {
	wants(f fieldID) bool
	value(f fieldID, k event.Kind, text []byte)
	null(f fieldID)
}

func newRecord() *record { return &record{tape: tape{paths: newPaths()}, shaped: -1} }

// text gives the text of a node, valid until the next record.
func (r *record) text(n *node) []byte {
	text, grown := n.text(r.scratch, r.tape.valid)
	r.scratch = grown
	return text
}

// clock gives the text of a time: numbers as they are written, as float64 has too few digits.
func (r *record) clock(n *node) []byte {
	if n.kind == kindNumber {
		return n.raw
	}
	return r.text(n)
}

// slot gives the text of a slot, nil when it is empty.
func (r *record) slot(s slot) []byte {
	if at := r.slots[s].node; at >= 0 {
		return r.text(&r.tape.nodes[at])
	}
	return nil
}

// understand works out shape, source, time and host of the record on the tape. zeek is the log that the file is named
// for.
func (r *record) understand(f *event.File, zeek string) {
	r.scratch = r.scratch[:0]
	if r.tape.marks != r.marks || r.shaped < 0 { // records mostly have the shape of the one before
		r.marks, r.shaped = r.tape.marks, shapeOf(&r.tape.marks, 0)
	}
	r.shape = r.shaped
	r.fill()
	for shapes[r.shape].slots[slotXML] != nil && !r.readXML() {
		r.shape = shapeOf(&r.tape.marks, r.shape+1)
		r.fill()
	}
	s := &shapes[r.shape]
	r.source = s.source
	r.provider, r.channel, r.service, r.host = nil, nil, nil, nil
	r.id, r.qualifiers = 0, 0
	r.time = event.NoTime
	switch {
	case s.slots[slotXML] != nil:
		r.provider, r.channel, r.host = []byte(r.xml.Provider), []byte(r.xml.Channel), []byte(r.xml.Computer)
		r.id, r.stamp = r.xml.ID, r.xml.Time
		if r.stamp != event.NoTime {
			r.time = shift(r.stamp, f.Hints.Offset)
		}
	default:
		r.when(&f.Hints)
		r.host = r.slot(slotHost)
		if s.isWindows() {
			r.provider, r.channel = r.slot(slotProvider), r.slot(slotChannel)
			r.readID()
		} else if s.service != "" || s.zeek {
			r.readService(s, zeek)
		}
	}
	if len(r.host) == 0 {
		r.host = append(r.scratch[len(r.scratch):], f.Hints.Host...)
	}
}

// fill finds the best value of each slot.
func (r *record) fill() {
	for i := range r.slots {
		r.slots[i].node = -1
	}
	nodes := r.tape.nodes
	view := r.tape.paths.view(r.shape)
	for i := range nodes {
		n := &nodes[i]
		a := &view[n.path]
		if a.op == opUnknown {
			r.tape.paths.action(r.shape, n.path)
		}
		if a.slot == slotNone || n.kind >= kindNull || len(n.raw) == 0 {
			continue
		}
		have := &r.slots[a.slot]
		if have.node >= 0 && have.rank <= a.rank {
			continue
		}
		if a.slot == slotTime {
			ns, floating, ok := instant(r.clock(n))
			if !ok {
				continue
			}
			r.stamp, r.floating = ns, floating
		}
		have.node, have.rank = int32(i), a.rank
	}
}

// when reads the record's time. A time without a zone is in the zone of the hints, else, where NXLog also gives the time
// of receipt in the same zone and a shipper added it in UTC, in the zone that these two betray, else in UTC.
func (r *record) when(h *event.Hints) {
	ns, floating := r.stamp, r.floating
	r.stamp = event.NoTime
	if r.slots[slotTime].node < 0 {
		at := r.slots[slotShipped].node
		if at < 0 {
			return
		}
		var ok bool
		if ns, floating, ok = instant(r.clock(&r.tape.nodes[at])); !ok {
			return
		}
	}
	if floating {
		if h.Zone == nil {
			ns -= int64(r.betrayed())
		} else if ns = inZone(ns, h.Zone); ns == event.NoTime {
			return
		}
	}
	r.stamp = ns
	r.time = shift(ns, h.Offset)
}

// betrayed gives the offset from UTC of EventReceivedTime, when @timestamp follows it by less than two minutes and some
// whole number of quarter hours.
func (r *record) betrayed() time.Duration {
	local, floating, ok := instant(r.slot(slotReceived))
	if !ok || !floating {
		return 0
	}
	utc, floating, ok := instant(r.slot(slotShipped))
	if !ok || floating {
		return 0
	}
	const quarter = 15 * time.Minute
	offset := time.Duration(local - utc).Round(quarter)
	if lag := time.Duration(utc-local) + offset; offset.Abs() > 14*time.Hour || lag.Abs() > 2*time.Minute {
		return 0
	}
	return offset
}

// readID reads the event id. Some interfaces give it with the qualifiers in the upper 16 bits.
func (r *record) readID() {
	n, err := strconv.ParseUint(string(r.slot(slotEventID)), 10, 32)
	if err != nil {
		return
	}
	r.id, r.qualifiers = uint32(n)&0xffff, uint32(n)>>16
}

func (r *record) readService(s *shape, zeek string) {
	value := r.slot(slotService)
	if s.zeek {
		if value == nil {
			value = r.zeekLog(zeek)
		}
		r.service = value
		return
	}
	if len(value) == 0 {
		return
	}
	if s.services != nil {
		if to, ok := s.services[string(value)]; ok {
			r.service = []byte(to)
		}
		return
	}
	r.service = bytes.ToLower(value)
}

// zeekLog names the log of a record that does not: by a shipper's @stream, by the file, by its fields.
func (r *record) zeekLog(file string) []byte {
	for i := range r.tape.nodes {
		if n := &r.tape.nodes[i]; n.kind == kindText && r.tape.paths.info[n.path].name == "@stream" {
			return r.text(n)
		}
	}
	if file != "" {
		return []byte(file)
	}
	for _, by := range zeekByField {
		for i := range r.tape.nodes {
			if r.tape.paths.info[r.tape.nodes[i].path].name == by.field {
				return []byte(by.log)
			}
		}
	}
	return nil
}

// readXML reads the event that a carrier holds as XML.
func (r *record) readXML() bool {
	text := bytes.TrimSpace(r.slot(slotXML))
	if !bytes.HasPrefix(text, []byte("<Event")) {
		return false
	}
	_, err := winxml.Parse(text, &r.xml)
	return err == nil
}

// emit gives every field that the sink wants, in the order of the evidence.
func (r *record) emit(out sink) {
	p := r.tape.paths
	s := &shapes[r.shape]
	carried := map[fieldID]bool(nil) // fields that the XML gave, which a carrier's copies do not repeat
	if s.slots[slotXML] != nil {
		carried = map[fieldID]bool{}
		for i := range r.xml.Fields {
			x := &r.xml.Fields[i]
			f := p.field(x.Name)
			carried[f] = true
			if out.wants(f) {
				out.value(f, x.Kind, []byte(x.Text))
			}
		}
	}
	nodes := r.tape.nodes
	view := p.view(r.shape) // every action was worked out by fill
	for i := 0; i < len(nodes); {
		n := &nodes[i]
		a := view[n.path]
		next := i + 1
		switch {
		case a.op == opField && a.slot == slotNone && n.kind < kindNull && carried == nil: // nearly all
			if out.wants(a.field) {
				r.field(out, a.field, n)
			}
		case a.op == opDrop && (n.kind == kindNull || n.kind >= kindObject || len(n.raw) == 0 || strings.HasSuffix(p.info[n.path].name, "xmlns")):
		case a.op == opData && n.kind != kindArray:
			next = int(n.next)
			r.data(out, n, nodes[i+1:next], a.field)
		case a.op == opDataXML && n.kind == kindText && bytes.HasPrefix(n.raw, []byte("<")) && r.dataXML(out, n):
		case a.op == opDataXML && n.kind == kindNull:
		case a.slot != slotNone && r.slots[a.slot].node >= 0 && nodes[r.slots[a.slot].node].path == n.path && n.kind < kindNull && len(n.raw) > 0:
			next = r.system(out, i, a)
		case n.kind == kindObject || n.kind == kindArray:
			if int(n.next) == next && out.wants(a.field) && !carried[a.field] { // without members: there, but without a value
				out.null(a.field)
			}
		case a.slot != slotNone && !a.own && len(n.raw) == 0 && r.slots[a.slot].node >= 0 && p.fields[a.field] == systemField[a.slot]:
			// An empty value beside the one that fills the column says nothing.
		case !carried[a.field]:
			f := a.field
			if n.kind == kindNull && a.slot != slotNone && !a.own && r.slots[a.slot].node < 0 {
				f = p.slotField(a.slot)
			}
			if out.wants(f) {
				r.field(out, f, n)
			}
		}
		i = next
	}
}

// field gives one value as it is; a text of a Windows event that is a GUID as a whole in its canonical form.
func (r *record) field(out sink, f fieldID, n *node) {
	switch n.kind {
	case kindNull:
		out.null(f)
	case kindNumber:
		k := event.Float
		if isInteger(n.raw) {
			if k = event.Uint; n.raw[0] == '-' {
				k = event.Int
			}
		}
		out.value(f, k, r.text(n))
	case kindBool:
		out.value(f, event.Bool, n.raw)
	default:
		r.words(out, f, r.text(n))
	}
}

func (r *record) words(out sink, f fieldID, text []byte) {
	if (len(text) == 36 || len(text) == 38) && shapes[r.shape].isWindows() {
		text, r.scratch, _ = event.CanonicalGUID(text, r.scratch)
	}
	out.value(f, event.Text, text)
}

// system gives the value of a slot and the place to go on from.
func (r *record) system(out sink, i int, a action) (next int) {
	p := r.tape.paths
	n := &r.tape.nodes[i]
	next = i + 1
	if a.own {
		if a.slot != slotXML && out.wants(a.field) {
			r.field(out, a.field, n)
		}
		return next
	}
	f := p.slotField(a.slot)
	if !out.wants(f) && a.slot != slotEventID && a.slot != slotLevel && a.slot != slotOpcode && a.slot != slotTask {
		return next
	}
	text := r.text(n)
	switch a.slot {
	case slotTime:
		if int32(i) == r.slots[slotTime].node && r.stamp != event.NoTime {
			from := len(r.scratch)
			r.scratch = event.AppendTime(r.scratch, r.stamp)
			out.value(f, event.Time, r.scratch[from:len(r.scratch):len(r.scratch)])
			return next
		}
	case slotEventID:
		if r.qualifiers != 0 {
			if q := p.field(event.FieldQualifiers); out.wants(q) && r.slots[slotQualifiers].node < 0 {
				out.value(q, event.Uint, strconv.AppendUint(nil, uint64(r.qualifiers), 10))
			}
			text = strconv.AppendUint(nil, uint64(r.id), 10)
		}
		if out.wants(f) {
			out.value(f, number16(text), text)
		}
		return next
	case slotLevel, slotOpcode, slotTask:
		value, ok := r.rendered(a.slot, text)
		if !ok {
			f = a.field // a rendered name that stands for no known number
		}
		if out.wants(f) {
			out.value(f, number16(value), value)
		}
		return next
	case slotKeywords:
		return r.keywords(out, f, i)
	case slotVersion, slotQualifiers, slotRecordID, slotProcessID, slotThreadID:
		out.value(f, number16(text), text)
		return next
	}
	r.words(out, f, text)
	return next
}

// number16 gives the kind of a text that is a number in the System element.
func number16(text []byte) event.Kind {
	for _, c := range text {
		if c < '0' || c > '9' {
			return event.Text
		}
	}
	return event.Uint
}

// data gives an element Data: a text without a name, or an object of name and text, as converters write
// attributes.
func (r *record) data(out sink, n *node, below []node, unnamed fieldID) {
	p := r.tape.paths
	if n.kind != kindObject {
		if out.wants(unnamed) {
			r.field(out, unnamed, n)
		}
		return
	}
	f := unnamed
	named, found := false, false
	for i := range below {
		if c := &below[i]; c.kind == kindText {
			switch lastPart(p.info[c.path].name) {
			case "@Name", "Name", "_Name":
				f, named = p.fieldOf(r.text(c)), true
			}
		}
	}
	if !out.wants(f) {
		return
	}
	for i := range below {
		switch c := &below[i]; lastPart(p.info[c.path].name) {
		case "#text", "Value", "_text", "$t", "content":
			if c.kind != kindObject && c.kind != kindArray {
				r.field(out, f, c)
				found = true
			}
		}
	}
	if named && !found {
		out.value(f, event.Text, nil)
	}
}

// dataXML gives the fields of an EventData element that is a text of XML, as Sentinel and SCOM store it.
func (r *record) dataXML(out sink, n *node) bool {
	fields, err := winxml.Data(r.text(n))
	if err != nil {
		return false
	}
	for i := range fields {
		if f := r.tape.paths.field(fields[i].Name); out.wants(f) {
			out.value(f, fields[i].Kind, []byte(fields[i].Text))
		}
	}
	return true
}
