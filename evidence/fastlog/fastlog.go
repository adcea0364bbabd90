// Package fastlog reads the one-line alerts of Suricata and Snort, fast.log.
//
// Fields have the names of Suricata's EVE, so that an alert gives the same columns from here as from there. Snort's time has no
// year unless it is told to write one: the year is then that in which the alert is not later than a day after the file was
// changed. A line of no known form is a row with only its text, and is counted as damage.
package fastlog

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// Source is the source of every row.
var Source = event.Source{Product: "suricata", Service: "alert"}

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "fast-log" }

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	fit := message.Tenths(lines.Text(head), 200, func(l []byte) (counts, fits bool) {
		_, fits = parse(l)
		return len(bytes.TrimSpace(l)) > 0, fits
	})
	if fit >= 7 {
		return event.Likely + 30
	}
	return event.No
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) { return lines.Open(f, lines.Options{}) }

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	var file *event.File
	return &message.Decoder{Start: func(seg *event.Segment) { file = seg.File }, Read: func(rows *message.Rows, r message.Record) { read(file, rows, r) }}
}

func read(file *event.File, rows *message.Rows, r message.Record) {
	if len(bytes.TrimSpace(r.Text)) == 0 {
		return
	}
	a, ok := parse(r.Text)
	if !ok {
		if rows.Row(Source, event.NoTime, r.Offset, r.Number, nil) {
			rows.Add("message", r.Text)
		}
		rows.Odd(r.Offset, "a line of no known form")
		return
	}
	ns := when(a.time, file.ModTime, file.Hints.Zone)
	if ns == event.NoTime {
		rows.Odd(r.Offset, "a time that cannot be read, or whose year is not known")
	}
	if !rows.Row(Source, ns, r.Offset, r.Number, nil) {
		return
	}
	for _, f := range [...]struct {
		name  string
		value []byte
	}{{"alert.gid", a.gid}, {"alert.signature_id", a.sid}, {"alert.rev", a.rev}, {"alert.signature", a.signature}, {"alert.category", a.category}, {"alert.severity", a.priority},
		{"proto", a.proto}, {"src_ip", a.src}, {"src_port", a.srcPort}, {"dest_ip", a.dst}, {"dest_port", a.dstPort}} {
		if len(f.value) > 0 {
			rows.Add(f.name, f.value)
		}
	}
}

// when reads 07/11/2022-10:29:01.860293, or 07/11-10:29:01.860293 without a year.
func when(b []byte, changed time.Time, zone *time.Location) int64 {
	day, clock, ok := bytes.Cut(b, []byte{'-'})
	if !ok || len(day) < 5 || day[2] != '/' {
		return event.NoTime
	}
	at := func(year string) int64 {
		text := append(append(append(append(append([]byte(year), '-'), day[:2]...), '-'), day[3:5]...), ' ')
		ns, ok := stamp.Parse(append(text, clock...), zone)
		if !ok {
			return event.NoTime
		}
		return ns
	}
	switch {
	case len(day) == 10:
		return at(string(day[6:]))
	case len(day) == 8:
		return at("20" + string(day[6:]))
	case len(day) != 5 || changed.IsZero():
		return event.NoTime
	}
	for year := changed.Year() + 1; year > changed.Year()-9; year-- {
		if ns := at(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006")); ns != event.NoTime && ns <= changed.Add(24*time.Hour).UnixNano() {
			return ns
		}
	}
	return event.NoTime
}

type alert struct {
	time, gid, sid, rev, signature, category, priority, proto, src, srcPort, dst, dstPort []byte
}

// parse reads time  [**] [gid:sid:rev] signature [**] [Classification: text] [Priority: n] {PROTO} address:port -> address:port.
func parse(l []byte) (a alert, ok bool) {
	mark := []byte("[**]")
	before, rest, ok := bytes.Cut(l, mark)
	if !ok {
		return a, false
	}
	if a.time = bytes.TrimSpace(before); bytes.IndexByte(a.time, ' ') >= 0 {
		a.time = a.time[:bytes.IndexByte(a.time, ' ')] // [Drop] or [wDrop] behind it
	}
	text, rest, ok := bytes.Cut(rest, mark)
	text = bytes.TrimSpace(text)
	if !ok || len(text) == 0 || text[0] != '[' {
		return a, false
	}
	id, signature, ok := bytes.Cut(text[1:], []byte{']'})
	ids := bytes.Split(id, []byte{':'})
	if !ok || len(ids) != 3 {
		return a, false
	}
	a.gid, a.sid, a.rev, a.signature = ids[0], ids[1], ids[2], bytes.TrimSpace(signature)
	between := func(open, end string) []byte {
		_, v, ok := bytes.Cut(rest, []byte(open))
		v, _, closed := bytes.Cut(v, []byte(end))
		if !ok || !closed {
			return nil
		}
		return v
	}
	a.category, a.priority, a.proto = between("[Classification: ", "]"), between("[Priority: ", "]"), between("{", "}")
	_, ends, _ := bytes.Cut(rest, []byte("} "))
	src, dst, ok := bytes.Cut(ends, []byte(" -> "))
	a.src, a.srcPort = endpoint(src)
	a.dst, a.dstPort = endpoint(dst)
	return a, ok
}

// endpoint parts address:port; an address of version 6 without a port cannot be told and is left whole.
func endpoint(b []byte) (address, port []byte) {
	b = bytes.TrimSpace(b)
	i := bytes.LastIndexByte(b, ':')
	if i <= 0 || bytes.Count(b, []byte{':'}) == 7 || bytes.HasSuffix(b[:i], []byte{':'}) && bytes.Count(b, []byte("::")) == 1 && !bytes.HasSuffix(b[:i], []byte("::")) {
		return b, nil
	}
	return b[:i], b[i+1:]
}
