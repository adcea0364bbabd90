// Package w3c reads logs in the W3C extended format: lines beginning with # name the fields of those that follow. IIS, FTP and
// HTTP.sys, proxies such as Blue Coat's and Microsoft's, CloudFront, Windows Firewall, and Exchange, which separates with commas.
//
// A #Fields line counts from where it stands, so columns may change midway. Fields keep their names; besides, they are given the
// names that rules use for the kind of log: cs(User-Agent) is also cs-user-agent, and c-useragent in a proxy's log. A dash is an
// absent value. Values stay as they were logged. A line with another number of fields is damage; what it has is delivered.
package w3c

import (
	"bufio"
	"bytes"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/delimited"
	"github.com/contrail-ir/contrail/evidence/internal/request"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "w3c" }

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	text := lines.Text(head)
	if len(text) > 0 && text[0] == '#' {
		directives, found := 0, false
		message.EachLine(text, func(l []byte) bool {
			if len(l) == 0 || l[0] == '#' {
				found = found || bytes.HasPrefix(l, []byte("#Fields:"))
				directives++
				return directives < 20 && !found
			}
			return false
		})
		if found {
			return event.Certain
		}
		return event.No
	}
	if bare(text) != nil {
		return event.Likely + 15
	}
	return event.No
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	body := bufio.NewReaderSize(f.Body, 16<<10)
	head, _ := body.Peek(16 << 10) // an error comes again when it is read
	f.Body = body
	state := &header{}
	if h := bare(lines.Text(head)); h != nil {
		state = h
	}
	return lines.Open(f, lines.Options{Mark: '#', Header: readHeader, State: state})
}

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	d := &decoder{}
	return &message.Decoder{Start: d.start, Read: d.read, Says: []string{"true", "false"}}
}

type decoder struct {
	h      *header
	zone   *time.Location
	split  delimited.Splitter
	buf    []byte
	joined []byte
}

func (d *decoder) start(seg *event.Segment) {
	d.h, d.zone = seg.State.(*header), time.UTC
	if d.h.local && seg.File.Hints.Zone != nil {
		d.zone = seg.File.Hints.Zone
	}
}

func (d *decoder) read(rows *message.Rows, r message.Record) {
	if len(r.Text) == 0 || r.Text[0] == 0x1a || r.Text[0] == 0 && len(bytes.Trim(r.Text, "\x00")) == 0 { // IIS allots files in advance
		return
	}
	h := d.h
	if len(h.fields) == 0 {
		if rows.Row(event.Source{Service: "w3c"}, event.NoTime, r.Offset, r.Number, nil) {
			rows.Add("message", r.Text)
		}
		rows.Odd(r.Offset, "a line before any #Fields: what it means is not known")
		return
	}
	if h.separator == ' ' {
		d.words(r.Text)
	} else {
		d.split.Split(r.Text, h.separator)
	}
	values := d.split.Fields
	for len(values) > len(h.fields) && len(values[len(values)-1]) == 0 { // a separator at the end
		values = values[:len(values)-1]
	}
	ns := d.time(values)
	var host []byte
	if h.host >= 0 && h.host < len(values) && !none(values[h.host]) {
		host = values[h.host]
	}
	wanted := rows.Row(h.source, ns, r.Offset, r.Number, host)
	if len(values) != len(h.fields) {
		rows.Odd(r.Offset, "the number of fields is not that of #Fields")
	} else if ns == event.NoTime {
		rows.Odd(r.Offset, "a time that cannot be read")
	}
	if !wanted || d.clear(rows, r.Text, values) {
		return
	}
	for i, v := range values {
		if i >= len(h.fields) {
			rows.Add("_extra", v)
			continue
		}
		if none(v) {
			continue
		}
		f := &h.fields[i]
		if f.listed && h.whole {
			continue // below, with the whole target
		}
		rows.Add(f.name, v)
		for _, alias := range f.aliases {
			rows.Add(alias, v)
		}
	}
	d.derive(rows, values)
}

// clear says that the row needs no fields. It can where all values but the whole target stand between separators: the URLs of proxies are
// put together and taken apart, and quotes may have been undone.
func (d *decoder) clear(rows *message.Rows, text []byte, values [][]byte) bool {
	h := d.h
	if h.kind == proxy || h.kind == webserver && !h.whole || bytes.IndexByte(text, '"') >= 0 {
		return false
	}
	if !h.whole || h.query < 0 || h.query >= len(values) || none(values[h.query]) {
		return rows.Clear()
	}
	d.joined = d.target(values)
	return rows.Clear(d.joined)
}

// target gives path and query as they were asked for.
func (d *decoder) target(values [][]byte) []byte {
	out := d.joined[:0]
	if i := d.h.stem; i < len(values) && !none(values[i]) {
		out = append(out, values[i]...)
	}
	if i := d.h.query; i >= 0 && i < len(values) && !none(values[i]) {
		out = append(append(out, '?'), values[i]...)
	}
	return out
}

func none(v []byte) bool { return len(v) == 0 || len(v) == 1 && v[0] == '-' }

// words parts a line at spaces; a value that begins with a quote ends with one.
func (d *decoder) words(l []byte) {
	if bytes.IndexByte(l, '"') >= 0 {
		d.split.Split(bytes.TrimRight(l, " "), ' ')
		return
	}
	out := d.split.Fields[:0]
	for l = bytes.TrimRight(l, " "); ; {
		i := bytes.IndexByte(l, ' ')
		if i < 0 {
			break
		}
		out = append(out, l[:i])
		l = l[i+1:]
	}
	d.split.Fields = append(out, l)
}

func (d *decoder) time(values [][]byte) int64 {
	h := d.h
	get := func(i int) []byte {
		if i >= 0 && i < len(values) {
			return values[i]
		}
		return nil
	}
	text := get(h.stamp)
	if text == nil {
		day := get(h.date)
		if day == nil {
			day = h.day
		}
		d.buf = append(append(append(d.buf[:0], day...), ' '), get(h.time)...)
		text = d.buf
	}
	ns, ok := stamp.Parse(bytes.Trim(text, "[]"), d.zone)
	if !ok {
		return event.NoTime
	}
	return ns
}

// derive adds what rules ask for and the log has in pieces.
func (d *decoder) derive(rows *message.Rows, values [][]byte) {
	h := d.h
	get := func(i int) []byte {
		if i >= 0 && i < len(values) && !none(values[i]) {
			return values[i]
		}
		return nil
	}
	switch {
	case h.whole:
		if query := get(h.query); query != nil {
			rows.Add("cs-uri-query", query)
		}
		if d.joined = d.target(values); len(d.joined) > 0 {
			rows.Add("cs-uri-query", d.joined)
			rows.Add("cs-uri", d.joined)
		}
	case h.kind == webserver:
		if uri := get(h.uri); uri != nil {
			u := request.Split(uri)
			request.Stem(rows, "cs-uri-stem", u.Path)
			request.Stem(rows, "cs-uri-query", u.Query)
			rows.Add("cs-uri-query", uri)
		}
	case h.kind == proxy:
		url := get(h.uri)
		if url == nil {
			url = d.url(get)
		}
		if url != nil {
			request.Proxy(unless{rows, h.native}, url, get(h.csHost))
		}
	case h.kind == firewall:
		switch action := get(h.action); {
		case bytes.EqualFold(action, []byte("ALLOW")):
			rows.Add("blocked", []byte("false"))
		case bytes.EqualFold(action, []byte("DROP")):
			rows.Add("blocked", []byte("true"))
		}
	}
}

// url puts a URL together from scheme, host, port, path and query.
func (d *decoder) url(get func(int) []byte) []byte {
	h := d.h
	host, path := get(h.csHost), get(h.stem)
	if host == nil && path == nil {
		return nil
	}
	b := d.joined[:0]
	if scheme := get(h.scheme); scheme != nil && host != nil {
		b = append(append(b, scheme...), "://"...)
	}
	b = append(b, host...)
	if port := get(h.port); port != nil && host != nil && string(port) != "80" && string(port) != "443" {
		b = append(append(b, ':'), port...)
	}
	b = append(b, path...)
	if query := get(h.query); query != nil {
		if query[0] != '?' {
			b = append(b, '?')
		}
		b = append(b, query...)
	}
	d.joined = b
	return b
}

// unless adds fields but those that the log has itself.
type unless struct {
	rows   *message.Rows
	native map[string]bool
}

func (u unless) Add(name string, value []byte) {
	if !u.native[name] {
		u.rows.Add(name, value)
	}
}

func lower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
