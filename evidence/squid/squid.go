// Package squid reads Squid's access logs: the native format, with what sites append to it, and the common and combined formats
// with Squid's result at the end.
//
// Fields have the names that rules for proxies use: c-uri and its parts, cs-method, c-ip, sc-status. Values stay as they were
// logged; a dash is an absent value. A line of no known form is a row with only its text, and is counted as damage.
package squid

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/request"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// Source is the source of every row.
var Source = event.Source{Product: "squid", Category: "proxy"}

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "squid" }

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	fit := message.Tenths(lines.Text(head), 200, func(l []byte) (counts, fits bool) {
		_, fits = parse(l, nil)
		return true, fits
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
	d := &decoder{}
	return &message.Decoder{Start: func(seg *event.Segment) { d.zone = seg.File.Hints.Zone }, Read: d.read}
}

type decoder struct{ zone *time.Location }

func (d *decoder) read(rows *message.Rows, r message.Record) {
	if len(bytes.TrimSpace(r.Text)) == 0 {
		return
	}
	l, ok := parse(r.Text, d.zone)
	if !ok {
		if rows.Row(Source, event.NoTime, r.Offset, r.Number, nil) {
			rows.Add("message", r.Text)
		}
		rows.Odd(r.Offset, "a line of no known form")
		return
	}
	if !rows.Row(Source, l.time, r.Offset, r.Number, nil) {
		return
	}
	put := func(field string, v []byte) {
		if len(v) > 0 && string(v) != "-" {
			rows.Add(field, v)
		}
	}
	put("c-ip", l.client)
	put("src_ip", l.client)
	put("cs-username", l.user)
	put("cs-method", l.method)
	put("cs-version", l.version)
	if len(l.url) > 0 && string(l.url) != "-" {
		request.Proxy(rows, l.url, nil)
	}
	put("sc-status", l.status)
	put("s-action", l.action)
	put("sc-bytes", l.size)
	put("time-taken", l.taken)
	put("s-hierarchy", l.hierarchy)
	if len(l.peer) > 0 {
		put("r-ip", l.peer)
		put("dst_ip", l.peer)
	}
	put("sc-content-type", l.mime)
	put("cs-referer", l.referer)
	put("cs-user-agent", l.agent)
	put("c-useragent", l.agent)
	for range 100 {
		if len(l.rest) == 0 {
			break
		}
		var w []byte
		w, l.rest = word(l.rest)
		put("_extra", w)
	}
}

type line struct {
	time                                                                                                   int64
	client, user, method, url, version, status, action, size, taken, hierarchy, peer, mime, referer, agent []byte
	rest                                                                                                   []byte
}

// word gives the next word, or what stands between quotes or brackets.
func word(b []byte) (w, rest []byte) {
	b = bytes.TrimLeft(b, " ")
	end := byte(' ')
	if len(b) > 0 && b[0] == '"' {
		end, b = '"', b[1:]
	} else if len(b) > 0 && b[0] == '[' {
		end, b = ']', b[1:]
	}
	i := bytes.IndexByte(b, end)
	if i < 0 {
		return b, nil
	}
	return b[:i], bytes.TrimLeft(b[i+1:], " ")
}

func parse(b []byte, zone *time.Location) (l line, ok bool) {
	if i := bytes.IndexByte(b, ' '); i >= 9 && b[i-1] >= '0' && b[i-1] <= '9' && bytes.IndexByte(b[:i], '.') >= 9 {
		return native(b)
	}
	return combined(b, zone)
}

// native reads time elapsed client result/status bytes method URL user hierarchy/peer type.
func native(b []byte) (l line, ok bool) {
	var w [10][]byte
	for i := range w {
		if len(b) == 0 {
			return l, false
		}
		w[i], b = word(b)
	}
	if l.time, ok = stamp.Parse(w[0], nil); !ok {
		return l, false
	}
	var found bool
	if l.action, l.status, found = bytes.Cut(w[3], []byte{'/'}); !found || len(l.status) != 3 && string(l.status) != "0" || bytes.IndexByte(l.action, '_') < 0 && string(l.action) != "NONE" {
		return l, false
	}
	l.hierarchy, l.peer, found = bytes.Cut(w[8], []byte{'/'})
	l.taken, l.client, l.size, l.method, l.url, l.user, l.mime, l.rest = w[1], w[2], w[4], w[5], w[6], w[7], w[9], b
	return l, found
}

// combined reads client ident user [time] "request" status bytes ["referer" "agent"] result:hierarchy.
func combined(b []byte, zone *time.Location) (l line, ok bool) {
	l.client, b = word(b)
	_, b = word(b)
	l.user, b = word(b)
	if len(b) == 0 || b[0] != '[' {
		return l, false
	}
	var at, asked []byte
	at, b = word(b)
	if l.time, ok = stamp.Parse(at, zone); !ok || len(b) == 0 || b[0] != '"' {
		return l, false
	}
	asked, b = word(b)
	l.method, l.url, l.version, _ = request.Line(asked)
	l.status, b = word(b)
	l.size, b = word(b)
	if len(b) > 0 && b[0] == '"' {
		l.referer, b = word(b)
		l.agent, b = word(b)
	}
	result, rest := word(b)
	l.rest = rest
	var found bool
	l.action, l.hierarchy, found = bytes.Cut(result, []byte{':'})
	return l, found && (bytes.HasPrefix(l.action, []byte("TCP_")) || bytes.HasPrefix(l.action, []byte("NONE")) || bytes.HasPrefix(l.action, []byte("UDP_")))
}
