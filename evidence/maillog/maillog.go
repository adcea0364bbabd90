// Package maillog reads the logs of mail servers: Postfix's, as syslog writes them, and Exim's.
//
// A file is taken for one only when most of its lines are a mail server's; a syslog in which they stand among others is not.
// The pairs that a line has become fields with the log's own names (from, to, relay, status), the client's address is c-ip,
// and the text as a whole is message.
package maillog

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// The sources of rows. Other are lines of other programs among Postfix's.
var (
	Postfix = event.Source{Product: "postfix", Category: "mail", Service: "postfix"}
	Exim    = event.Source{Product: "exim", Category: "mail", Service: "exim"}
	Other   = event.Source{Product: "linux", Service: "syslog"}
)

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "maillog" }

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	fit := message.Tenths(lines.Text(head), 200, func(l []byte) (counts, fits bool) {
		if len(bytes.TrimSpace(l)) == 0 {
			return false, false
		}
		if f, ok := stamp.Unframe(l, time.Time{}, nil); ok && (postfix(f.Tag) || bytes.HasPrefix(f.Tag, []byte("exim"))) {
			return true, true
		}
		e, ok := eximLine(l, nil)
		return true, ok && e.likely
	})
	if fit >= 6 {
		return event.Likely + 30
	}
	return event.No
}

func postfix(tag []byte) bool {
	return bytes.HasPrefix(tag, []byte("postfix/")) || bytes.HasPrefix(tag, []byte("postfix-"))
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) { return lines.Open(f, lines.Options{}) }

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	d := &decoder{}
	return &message.Decoder{Start: func(seg *event.Segment) { d.file = seg.File }, Read: d.read}
}

type decoder struct{ file *event.File }

func (d *decoder) read(rows *message.Rows, r message.Record) {
	if len(bytes.TrimSpace(r.Text)) == 0 {
		return
	}
	if f, ok := stamp.Unframe(r.Text, d.file.ModTime, d.file.Hints.Zone); ok {
		if f.Time == event.NoTime {
			rows.Odd(r.Offset, "a time whose year is not known")
		}
		source := Other
		switch {
		case postfix(f.Tag):
			source = Postfix
		case bytes.HasPrefix(f.Tag, []byte("exim")):
			source = Exim
		}
		if !rows.Row(source, f.Time, r.Offset, r.Number, f.Host) {
			return
		}
		put(rows, "program", f.Tag)
		put(rows, "pid", f.PID)
		put(rows, "message", f.Text)
		if source == Postfix {
			postfixText(rows, f.Text)
		}
		return
	}
	if e, ok := eximLine(r.Text, d.file.Hints.Zone); ok {
		if rows.Row(Exim, e.time, r.Offset, r.Number, nil) {
			e.add(rows)
		}
		return
	}
	if rows.Row(event.Source{Category: "mail"}, event.NoTime, r.Offset, r.Number, nil) {
		rows.Add("message", r.Text)
	}
	rows.Odd(r.Offset, "a line of no known form")
}

func put(rows *message.Rows, field string, v []byte) {
	if v = bytes.TrimSpace(v); len(v) > 0 {
		rows.Add(field, v)
	}
}

// postfixText adds what a line says: [queue id: ]text or pairs, separated by commas or spaces.
func postfixText(rows *message.Rows, text []byte) {
	head, rest, found := bytes.Cut(text, []byte(": "))
	if found && queueID(head) {
		rows.Add("queue_id", head)
	} else {
		rest = text
	}
	if a := peer(rest); a != nil {
		rows.Add("c-ip", a)
	}
	for n := 0; n < 64; n++ {
		eq := bytes.IndexByte(rest, '=')
		if eq < 0 {
			return
		}
		from := bytes.LastIndexAny(rest[:eq], " ,;(:<>[]") + 1
		name := rest[from:eq]
		v := rest[eq+1:]
		end := len(v)
		switch {
		case len(v) > 0 && v[0] == '<':
			if i := bytes.IndexByte(v, '>'); i >= 0 {
				end = i + 1
			}
		case len(v) > 1 && v[0] == '"':
			if i := bytes.IndexByte(v[1:], '"'); i >= 0 {
				end = i + 2
			}
		case string(name) == "status": // sent (what the other side said)
			if i := bytes.IndexByte(v, '('); i >= 0 {
				if j := bytes.LastIndexByte(v, ')'); j > i {
					end = j + 1
				}
			}
		default:
			if i := bytes.IndexAny(v, ", "); i >= 0 {
				end = i
			}
		}
		if field := fields[string(name)]; field != "" {
			put(rows, field, bytes.Trim(v[:end], `<>"`))
		}
		rest = v[end:]
	}
}

var fields = map[string]string{"from": "from", "to": "to", "orig_to": "orig_to", "relay": "relay", "client": "client", "helo": "helo", "proto": "proto", "sasl_method": "sasl_method",
	"sasl_username": "sasl_username", "sasl_sender": "sasl_sender", "message-id": "message_id", "size": "size", "nrcpt": "nrcpt", "delay": "delay", "delays": "delays", "dsn": "dsn", "status": "status",
	"uid": "uid", "warning": "warning", "reason": "reason", "subject": "subject",
	"attachment": "attachment", "filename": "attachment"}

func queueID(b []byte) bool {
	if string(b) == "NOQUEUE" {
		return true
	}
	digit := false
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
		default:
			return false
		}
	}
	return digit && len(b) >= 6 && len(b) <= 20
}

// peer gives the first address in brackets: name[192.0.2.1].
func peer(text []byte) []byte {
	for range 16 {
		i := bytes.IndexByte(text, '[')
		if i < 0 {
			return nil
		}
		text = text[i+1:]
		end := bytes.IndexByte(text, ']')
		if end < 0 {
			return nil
		}
		if a := bytes.TrimPrefix(text[:end], []byte("IPv6:")); end <= 64 {
			if _, err := netip.ParseAddr(string(a)); err == nil {
				return a
			}
		}
	}
	return nil
}
