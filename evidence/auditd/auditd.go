// Package auditd reads the log of the Linux audit daemon into batches.
//
// An event is written as several lines that share a time and a serial number; it becomes one row, in which a field that stands in
// several lines is a list: type is SYSCALL, EXECVE, PATH …, name has every path. Fields keep their names; what the kernel encoded in
// hexadecimal is decoded, arguments written in pieces are put together, and where the log is not enriched the system call's name is
// added, because rules ask for it. Lines that do not fit are rows with only a message, and are counted as damage.
package auditd

import (
	"bytes"
	"strconv"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// Source is the source of every row.
var Source = event.Source{Product: "linux", Service: "auditd"}

// open is how many events may be incomplete at a time: lines of several processors interleave.
const open = 32

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "auditd" }

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	fit := message.Tenths(lines.Text(head), 500, func(l []byte) (counts, fits bool) {
		_, fits = Parse(l, nil)
		return string(l) != "----", fits
	})
	if fit >= 7 {
		return event.Certain
	}
	return event.No
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	return message.Open(f, message.Cut{Last: lastEvent})
}

// lastEvent gives where the last event of a text begins: the lines of one event that stand together.
func lastEvent(data []byte) int {
	from := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	last, ok := Parse(data[from:], nil)
	for ok && from > 0 && len(data)-from < message.MaxRecord {
		at := bytes.LastIndexByte(data[:from-1], '\n') + 1
		l, fits := Parse(data[at:from], nil)
		if !fits || !bytes.Equal(l.ID, last.ID) {
			break
		}
		from = at
	}
	return from
}

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	d := &decoder{}
	return &message.Decoder{Start: d.start, Read: d.read, End: d.end}
}

// Line is one line of the audit log.
type Line struct {
	Node []byte // the host that wrote it, where hosts are gathered
	Type []byte
	ID   []byte // time and serial number
	Body []byte
	Time int64 // nanoseconds since 1970, event.NoTime when it cannot be read
}

// Parse takes a line apart; zone is for interpreted logs, whose times are local, nil for UTC. It is false when the line is none.
func Parse(b []byte, zone *time.Location) (l Line, ok bool) {
	if rest, found := bytes.CutPrefix(b, []byte("node=")); found {
		i := bytes.IndexByte(rest, ' ')
		if i < 0 {
			return l, false
		}
		l.Node, b = rest[:i], rest[i+1:]
	}
	b, ok = bytes.CutPrefix(b, []byte("type="))
	i := bytes.IndexByte(b, ' ')
	if !ok || i <= 0 || i > 40 {
		return l, false
	}
	l.Type, b = b[:i], b[i+1:]
	b = bytes.TrimPrefix(b, []byte("msg="))
	b, ok = bytes.CutPrefix(b, []byte("audit("))
	i = bytes.IndexByte(b, ')')
	if !ok || i < 0 || i > 60 {
		return l, false
	}
	l.ID, b = b[:i], b[i+1:]
	l.Body = bytes.TrimLeft(b, " :")
	if bytes.HasPrefix(l.Type, []byte("UNKNOWN[")) {
		l.Type = bytes.TrimSuffix(l.Type[len("UNKNOWN["):], []byte{']'})
	}
	if c := l.Type[:min(1, len(l.Type))]; len(c) > 0 && '0' <= c[0] && c[0] <= '9' {
		if n, err := strconv.Atoi(string(l.Type)); err == nil && types[n] != "" {
			l.Type = []byte(types[n])
		}
	}
	l.Time = parseID(l.ID, zone)
	return l, true
}

// parseID reads the time of "seconds.milliseconds:serial", or of an interpreted "month/day/year hour:minute:second.…:serial".
func parseID(id []byte, zone *time.Location) int64 {
	if i := bytes.LastIndexByte(id, ':'); i >= 0 {
		id = id[:i]
	}
	if bytes.IndexByte(id, '/') >= 0 {
		if zone == nil {
			zone = time.UTC
		}
		for _, layout := range []string{"01/02/2006 15:04:05.000", "01/02/06 15:04:05.000", "02/01/06 15:04:05.000"} {
			if t, err := time.ParseInLocation(layout, string(id), zone); err == nil {
				return t.UnixNano()
			}
		}
		return event.NoTime
	}
	whole, fraction, _ := bytes.Cut(id, []byte{'.'})
	if len(whole) == 0 || len(whole) > 10 {
		return event.NoTime
	}
	var ns int64
	for _, c := range whole {
		if c < '0' || c > '9' {
			return event.NoTime
		}
		ns = ns*10 + int64(c-'0')
	}
	if ns > 9_200_000_000 {
		return event.NoTime
	}
	ns *= 1e9
	scale := int64(1e9)
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return event.NoTime
		}
		scale /= 10
		ns += int64(c-'0') * scale
	}
	return ns
}

// decoder joins the lines of events.
type decoder struct {
	zone *time.Location
	open []*joined // oldest first
	free []*joined
}

type joined struct {
	first message.Record
	lines []Line
}

func (d *decoder) start(seg *event.Segment) {
	d.free = append(d.free, d.open...)
	d.open = d.open[:0]
	d.zone = seg.File.Hints.Zone
}

func (d *decoder) read(rows *message.Rows, r message.Record) {
	l, ok := Parse(r.Text, d.zone)
	if !ok {
		if len(r.Text) > 0 && string(r.Text) != "----" {
			rows.Odd(r.Offset, "no line of the audit log")
			if rows.Row(Source, event.NoTime, r.Offset, r.Number, nil) {
				rows.Add("message", r.Text)
			}
		}
		return
	}
	for i := len(d.open) - 1; i >= 0; i-- {
		j := d.open[i]
		if bytes.Equal(j.lines[0].ID, l.ID) && bytes.Equal(j.lines[0].Node, l.Node) {
			j.lines = append(j.lines, l)
			return
		}
	}
	if len(d.open) == open {
		d.flush(rows, d.open[0])
		copy(d.open, d.open[1:])
		d.open = d.open[:open-1]
	}
	var j *joined
	if n := len(d.free); n > 0 {
		j, d.free = d.free[n-1], d.free[:n-1]
	} else {
		j = &joined{}
	}
	j.first, j.lines = r, append(j.lines[:0], l)
	d.open = append(d.open, j)
}

func (d *decoder) flush(rows *message.Rows, j *joined) {
	d.free = append(d.free, j)
	first := &j.lines[0]
	if !rows.Row(Source, first.Time, j.first.Offset, j.first.Number, first.Node) {
		return
	}
	for i := range j.lines {
		if string(j.lines[i].Type) == "EOE" {
			continue
		}
		Fields(rows, j.lines[i].Type, j.lines[i].Body)
	}
}

func (d *decoder) end(rows *message.Rows) {
	for _, j := range d.open {
		d.flush(rows, j)
	}
	d.open = d.open[:0]
}
