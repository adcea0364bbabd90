// Package keyvalue reads logs whose lines name their values: CEF and LEEF, with or without what syslog puts before them, logfmt,
// and other lines of key=value.
//
// Fields keep their names. CEF and LEEF name the device; where it is a firewall or a proxy, values have the names besides that
// rules for these use, and what CEF labels (cs1Label=…) has its label for a name, too. A line of no known form is a row with
// only its text, and is counted as damage.
package keyvalue

import (
	"bytes"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// Pairs is the source of lines that name no device.
var Pairs = event.Source{Service: "keyvalue"}

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "keyvalue" }

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	headed, plain, leading, all := 0, 0, 0, 0
	var p pairs
	message.EachLine(message.Whole(lines.Text(head)), func(l []byte) bool {
		if l = bytes.TrimSpace(l); len(l) == 0 {
			return true
		}
		all++
		if _, _, ok := device(l); ok {
			headed++
		} else if p.read(l) {
			plain++
			switch string(p.list[0].key) {
			case "time", "ts", "t", "timestamp", "level", "lvl", "@timestamp":
				leading++
			}
		}
		return all < 200
	})
	switch {
	case headed > 0 && 10*headed >= 7*all:
		return event.Likely + 35
	case leading > 0 && 10*leading >= 7*all:
		return event.Likely
	case plain > 0 && 10*plain >= 7*all:
		return event.Possible + 10
	}
	return event.No
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) { return lines.Open(f, lines.Options{}) }

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	d := &decoder{}
	return &message.Decoder{Start: d.start, Read: d.read}
}

type decoder struct {
	file  *event.File
	pairs pairs

	devices map[string]maker
	buf     []byte
}

// maxDevices bounds the devices that a segment may name; what others wrote is of no device.
const maxDevices = 500

func (d *decoder) start(seg *event.Segment) {
	if d.file = seg.File; len(d.devices) >= maxDevices || d.devices == nil {
		d.devices = map[string]maker{}
	}
}

func (d *decoder) read(rows *message.Rows, r message.Record) {
	l := bytes.TrimSpace(r.Text)
	if len(l) == 0 {
		return
	}
	if at, leef, ok := device(l); ok && d.device(rows, r, l, at, leef) {
		return
	}
	if !d.pairs.read(l) {
		if rows.Row(Pairs, event.NoTime, r.Offset, r.Number, nil) {
			rows.Add("message", r.Text)
		}
		rows.Odd(r.Offset, "a line of no known form")
		return
	}
	ns, known := d.time()
	if !known {
		rows.Odd(r.Offset, "a time that cannot be read")
	}
	if !rows.Row(Pairs, ns, r.Offset, r.Number, d.pairs.get("hostname", "devname", "computer")) {
		return
	}
	for _, p := range d.pairs.list {
		rows.AddNamed(p.key, p.value)
	}
}

// time reads the usual names of a time; date= and time= belong together.
func (d *decoder) time() (int64, bool) {
	if day := d.pairs.get("date"); len(day) == 10 {
		d.buf = append(append(append(d.buf[:0], day...), ' '), d.pairs.get("time")...)
		if zone := bytes.Trim(d.pairs.get("tz"), `"`); len(zone) > 0 {
			d.buf = append(append(d.buf, ' '), zone...)
		}
		ns, ok := stamp.Parse(d.buf, d.file.Hints.Zone)
		return ns, ok
	}
	text := d.pairs.get("time", "ts", "timestamp", "@timestamp", "t", "eventtime", "datetime", "date")
	if text == nil {
		return event.NoTime, true
	}
	ns, ok := stamp.Parse(text, d.file.Hints.Zone)
	if !ok {
		ns = event.NoTime
	}
	return ns, ok
}

type field struct{ key, value []byte }

// pairs are those of one line. It keeps its memory.
type pairs struct {
	list []field
	text []byte
}

func (p *pairs) get(names ...string) []byte {
	for _, n := range names {
		for _, f := range p.list {
			if string(f.key) == n {
				return f.value
			}
		}
	}
	return nil
}

// maxPairs bounds the pairs of a line.
const maxPairs = 2000

// read takes a line apart that is key=value and little else; false when it is not. Values with spaces are quoted.
func (p *pairs) read(l []byte) bool {
	p.list, p.text = p.list[:0], p.text[:0]
	words := 0
	for at := 0; at < len(l) && len(p.list) < maxPairs; {
		if c := l[at]; c == ' ' || c == ',' || c == ';' || c == '\t' {
			at++
			continue
		}
		from := at
		for at < len(l) && nameByte(l[at]) {
			at++
		}
		if at == from || at == len(l) || l[at] != '=' {
			words++ // a key without a value, or no key
			for at < len(l) && l[at] != ' ' {
				at++
			}
			if words > 3 && words > len(p.list) {
				return false
			}
			continue
		}
		key := l[from:at]
		at++
		var v []byte
		if at < len(l) && l[at] == '"' {
			v, at = p.quoted(l, at+1)
		} else {
			from = at
			for at < len(l) && l[at] != ' ' && l[at] != '\t' && !((l[at] == ',' || l[at] == ';') && next(l[at+1:])) {
				at++
			}
			v = l[from:at]
		}
		p.list = append(p.list, field{key, v})
	}
	return len(p.list) >= 3 && len(p.list) > words
}

// next says whether a key follows a comma.
func next(b []byte) bool {
	b = bytes.TrimLeft(b[:min(len(b), 64)], " ")
	n := 0
	for n < len(b) && nameByte(b[n]) {
		n++
	}
	return n > 0 && n < len(b) && b[n] == '=' || len(b) == 0
}

func (p *pairs) quoted(l []byte, at int) ([]byte, int) {
	from, escaped := at, false
	for ; at < len(l) && l[at] != '"'; at++ {
		if l[at] == '\\' && at+1 < len(l) && (l[at+1] == '"' || l[at+1] == '\\') {
			escaped = true
			at++
		}
	}
	v := l[from:min(at, len(l))]
	if escaped {
		begin := len(p.text)
		for i := 0; i < len(v); i++ {
			if v[i] == '\\' && i+1 < len(v) && (v[i+1] == '"' || v[i+1] == '\\') {
				i++
			}
			p.text = append(p.text, v[i])
		}
		v = p.text[begin:len(p.text):len(p.text)]
	}
	return v, min(at+1, len(l))
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '/' || c == '@'
}
