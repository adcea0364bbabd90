// Package web reads the logs that web servers and the load balancers before them write in formats of their own: access logs in
// the common and combined formats with whatever stands around them, those of HAProxy, AWS load balancers and Nginx Proxy
// Manager, and the error logs of Apache and nginx.
//
// Each line is known by itself, because hosts mix formats in one file. Fields have the names of the W3C extended format, as
// rules for web servers use them; values stay as they were logged, percent signs and escapes included. A line of no known form
// is a row with only its text, and is counted as damage. Logs that are JSON are not read here.
package web

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// The sources of rows. Access is that of access logs whoever wrote them, for the formats do not tell.
var (
	Access      = event.Source{Category: "webserver"}
	ApacheError = event.Source{Product: "apache", Service: "apache"}
	NginxError  = event.Source{Product: "nginx", Service: "nginx"}
)

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "web" }

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	fit := message.Tenths(lines.Text(head), 200, func(l []byte) (counts, fits bool) {
		if len(bytes.TrimSpace(l)) == 0 {
			return false, false
		}
		k, _ := parse(l, nil, nothing{})
		return true, k != unknown
	})
	switch {
	case fit >= 7:
		return event.Likely + 20
	case fit >= 4:
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
	zone *time.Location
	last event.Source
}

func (d *decoder) start(seg *event.Segment) { d.zone, d.last = seg.File.Hints.Zone, Access }

func (d *decoder) read(rows *message.Rows, r message.Record) {
	if len(bytes.TrimSpace(r.Text)) == 0 {
		return
	}
	to := row{rows: rows, r: r}
	to.host, _ = behindSyslog(r.Text)
	k, ns := parse(r.Text, d.zone, &to)
	if k != unknown && ns != event.NoTime {
		return
	}
	if k == unknown {
		if rows.Row(Access, event.NoTime, r.Offset, r.Number, nil) {
			rows.Add("message", r.Text)
		}
		rows.Odd(r.Offset, "a line of no known form")
		return
	}
	rows.Odd(r.Offset, "a time that cannot be read")
}

// receiver takes what a line says: Begin first, which says whether fields are wanted.
type receiver interface {
	Begin(source event.Source, ns int64) bool
	Clear() bool // see message.Rows
	Add(name string, value []byte)
}

type nothing struct{}

func (nothing) Begin(event.Source, int64) bool { return false }
func (nothing) Clear() bool                    { return false }
func (nothing) Add(string, []byte)             {}

type row struct {
	rows *message.Rows
	r    message.Record
	host []byte
}

func (r *row) Begin(s event.Source, ns int64) bool {
	return r.rows.Row(s, ns, r.r.Offset, r.r.Number, r.host)
}
func (r *row) Clear() bool                   { return r.rows.Clear() }
func (r *row) Add(name string, value []byte) { r.rows.Add(name, value) }

type kind uint8

const (
	unknown kind = iota
	common
	bracketed
	elb
	haproxy
	apacheError
	nginxError
	couchdb
)

// parse tells a line's form and gives its fields; the time is NoTime where it cannot be read.
func parse(l []byte, zone *time.Location, to receiver) (kind, int64) {
	switch {
	case len(l) < 20:
		return unknown, event.NoTime
	case l[0] == '[':
		inner, rest, ok := bracket(l)
		if !ok {
			return unknown, event.NoTime
		}
		if len(inner) >= 20 && inner[2] == '/' {
			return bracketedAccess(inner, rest, zone, to)
		}
		if string(inner) == "notice" || string(inner) == "info" {
			return couchAccess(inner, rest, zone, to)
		}
		return errorOfApache(inner, rest, zone, to)
	case l[4] == '/' && l[7] == '/' && l[10] == ' ':
		return errorOfNginx(l, zone, to)
	}
	if k, ns := balancer(l, zone, to); k != unknown {
		return k, ns
	}
	if _, inner := behindSyslog(l); inner != nil {
		if k, ns := balancer(inner, zone, to); k != unknown {
			return k, ns
		}
	}
	return access(l, zone, to)
}

// bracket gives what stands in brackets at the beginning of a text, and what follows.
func bracket(b []byte) (inner, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '[' {
		return nil, nil, false
	}
	i := bytes.IndexByte(b, ']')
	if i < 0 {
		return nil, nil, false
	}
	return b[1:i], bytes.TrimLeft(b[i+1:], " "), true
}

// word gives the next word of a text: up to a space, or between quotes, where \ keeps a quote from ending it.
func word(b []byte) (w, rest []byte, quoted bool) {
	if len(b) > 0 && b[0] == '"' {
		for i := 1; i < len(b); i++ {
			switch b[i] {
			case '\\':
				i++
			case '"':
				return b[1:i], bytes.TrimLeft(b[i+1:], " "), true
			}
		}
		return b[1:], nil, true
	}
	i := bytes.IndexByte(b, ' ')
	if i < 0 {
		return b, nil, false
	}
	return b[:i], bytes.TrimLeft(b[i+1:], " "), false
}

func when(b []byte, zone *time.Location) int64 {
	ns, ok := stamp.Parse(b, zone)
	if !ok {
		return event.NoTime
	}
	return ns
}

// put adds a value unless it stands for none.
func put(to receiver, field string, v []byte) {
	if len(v) > 0 && string(v) != "-" {
		to.Add(field, v)
	}
}

func number(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

func status(b []byte) bool { return string(b) == "-" || len(b) == 3 && number(b) }
