// Package dnslog reads what DNS servers write about queries: the debug log of Microsoft's DNS server, dnsmasq's log, and BIND's
// query and security logs, the latter two with or without what syslog puts before a line.
//
// Rows have the fields that rules for DNS ask for: query, record_type, answer, c-ip; and what else the log says. Names are
// written as names are, not in the (3)www(0) of Microsoft's log. A line of no known form is a row with only its text, and is
// counted as damage.
package dnslog

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// The sources of rows.
var (
	Microsoft = event.Source{Product: "microsoft_dns", Category: "dns"}
	Dnsmasq   = event.Source{Product: "dnsmasq", Category: "dns"}
	Bind      = event.Source{Product: "bind", Category: "dns"}
)

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "dnslog" }

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	text := lines.Text(head)
	if bytes.Contains(text[:min(len(text), 4096)], []byte("DNS Server log file creation at")) {
		return event.Certain
	}
	fit := message.Tenths(text, 200, func(l []byte) (counts, fits bool) {
		counts = len(bytes.TrimSpace(l)) > 0 && !detail(l)
		return counts, counts && tell(l, time.Time{}, nil, nil)
	})
	if fit >= 7 {
		return event.Likely + 30
	}
	return event.No
}

// detail says whether a line belongs to the packet before it in Microsoft's log.
func detail(l []byte) bool {
	return len(l) == 0 || l[0] == ' ' || l[0] == '\t' || bytes.Contains(l, []byte(" question info at ")) || bytes.Contains(l, []byte(" response info at "))
}

func begins(l []byte) bool {
	if i := bytes.IndexByte(l, '\n'); i >= 0 {
		l = l[:i]
	}
	return !detail(bytes.TrimSuffix(l, []byte{'\r'}))
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	return message.Open(f, message.Cut{Last: message.LastRecord(begins)})
}

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	d := &decoder{}
	return &message.Decoder{Begins: begins, Start: func(seg *event.Segment) { d.file = seg.File }, Read: d.read}
}

type decoder struct{ file *event.File }

// row is where a line's fields go; nil only asks for its form.
type row struct {
	rows *message.Rows
	r    message.Record
	// wanted says that fields are.
	wanted bool
	lost   bool
}

func (w *row) begin(s event.Source, ns int64, host []byte) bool {
	if w == nil {
		return false
	}
	w.lost = ns == event.NoTime
	w.wanted = w.rows.Row(s, ns, w.r.Offset, w.r.Number, host)
	return w.wanted
}

func (w *row) put(field string, v []byte) {
	if v = bytes.TrimSpace(v); len(v) > 0 {
		w.rows.Add(field, v)
	}
}

func (d *decoder) read(rows *message.Rows, r message.Record) {
	if len(bytes.TrimSpace(r.Text)) == 0 {
		return
	}
	first, rest, _ := bytes.Cut(r.Text, []byte{'\n'})
	first = bytes.TrimSuffix(first, []byte{'\r'})
	w := &row{rows: rows, r: r}
	switch {
	case tell(first, d.file.ModTime, d.file.Hints.Zone, w):
		if w.wanted && len(rest) > 0 {
			details(w, rest)
		}
		if w.lost {
			rows.Odd(r.Offset, "a time that cannot be read, or whose year is not known")
		}
	case preamble(first):
	default:
		if rows.Row(event.Source{Category: "dns"}, event.NoTime, r.Offset, r.Number, nil) {
			rows.Add("message", r.Text)
		}
		rows.Odd(r.Offset, "a line of no known form")
	}
}

// preamble knows the lines before the packets of Microsoft's log.
func preamble(l []byte) bool {
	return bytes.HasPrefix(l, []byte("DNS Server log file")) || bytes.HasPrefix(l, []byte("Log file wrap at ")) || bytes.HasPrefix(l, []byte("Message logging key"))
}

// tell reads the first line of a record; false when it is of no known form.
func tell(l []byte, changed time.Time, zone *time.Location, w *row) bool {
	if i := bytes.Index(l, []byte(" PACKET ")); i > 0 && i < 64 {
		return packet(l[:i], l[i+8:], zone, w)
	}
	if len(l) > 24 && l[2] == '-' && l[6] == '-' && l[11] == ' ' { // BIND's own file
		i := bytes.IndexByte(l[12:], ' ')
		if i < 0 {
			return false
		}
		ns, ok := stamp.Parse(l[:12+i], zone)
		return ok && bind(l[12+i+1:], ns, nil, w)
	}
	if at := bytes.Index(l, []byte("client ")); at == 0 || at > 0 && at < 40 && bytes.HasSuffix(l[:at], []byte(": ")) && bytes.Count(l[:at], []byte{' '}) <= 2 {
		if bind(l, event.NoTime, nil, w) { // BIND was told to write no time
			if w != nil {
				w.lost = false
			}
			return true
		}
	}
	f, ok := stamp.Unframe(l, changed, zone)
	if !ok {
		if len(l) > 20 && l[4] == '-' && l[10] == 'T' {
			if at, text, found := bytes.Cut(l, []byte{' '}); found {
				ns, ok := stamp.Parse(at, zone)
				return ok && bind(text, ns, nil, w)
			}
		}
		return microsoftEvent(l, zone, w)
	}
	switch {
	case bytes.HasPrefix(f.Tag, []byte("dnsmasq")):
		return dnsmasq(f, w)
	case string(f.Tag) == "named":
		text := f.Text
		if len(text) > 24 && text[2] == '-' && text[6] == '-' { // BIND's own time besides
			if i := bytes.IndexByte(text[12:], ' '); i > 0 {
				if ns, ok := stamp.Parse(text[:12+i], zone); ok {
					f.Time, text = ns, text[12+i+1:]
				}
			}
		}
		return bind(text, f.Time, f.Host, w)
	}
	return false
}

// bind reads [category: ][severity: ]client [@0x…] address#port (name): [view v: ]text.
func bind(l []byte, ns int64, host []byte, w *row) bool {
	at := bytes.Index(l, []byte("client "))
	if at < 0 || at > 64 {
		if head, text, ok := bytes.Cut(l, []byte(": ")); ok && len(head) <= 32 && bytes.IndexByte(head, ' ') < 0 && ns != event.NoTime && (host != nil || severity(text)) {
			if w.begin(Bind, ns, host) {
				w.put("category", head)
				w.put("message", text)
			}
			return true
		}
		return false
	}
	before, rest := l[:at], l[at+7:]
	if len(rest) > 0 && rest[0] == '@' {
		_, rest, _ = bytes.Cut(rest, []byte{' '})
	}
	hash := bytes.IndexByte(rest, '#')
	if hash <= 0 || hash > 64 {
		return false
	}
	client, rest := rest[:hash], rest[hash+1:]
	end := bytes.IndexAny(rest, " :")
	if end <= 0 {
		return false
	}
	if !w.begin(Bind, ns, host) {
		return true
	}
	w.put("c-ip", client)
	w.put("src_ip", client)
	w.put("c-port", rest[:end])
	for _, part := range bytes.Split(before, []byte(": ")) {
		if severity(append(part[:len(part):len(part)], ':')) {
			w.put("level", part)
		} else {
			w.put("category", part)
		}
	}
	_, text, found := bytes.Cut(rest[end:], []byte(": "))
	if !found {
		text = rest[end:]
	}
	w.put("message", text)
	if v, ok := bytes.CutPrefix(text, []byte("view ")); ok {
		name, more, _ := bytes.Cut(v, []byte(": "))
		w.put("view", name)
		text = more
	}
	if q, ok := bytes.CutPrefix(text, []byte("query: ")); ok { // name class type flags (server)
		words := bytes.Fields(q)
		for i, field := range []string{"query", "class", "record_type", "flags", "dst_ip"} {
			if i < len(words) {
				w.put(field, bytes.Trim(words[i], "()"))
			}
		}
		return true
	}
	if _, q, ok := bytes.Cut(text, []byte{'\''}); ok { // query (cache) 'name/type/class' denied
		name, after, _ := bytes.Cut(q, []byte{'\''})
		parts := bytes.Split(name, []byte{'/'})
		if n := len(parts); n >= 3 {
			w.put("query", bytes.Join(parts[:n-2], []byte{'/'}))
			w.put("record_type", parts[n-2])
			w.put("class", parts[n-1])
		}
		w.put("result", after)
	}
	return true
}

func severity(b []byte) bool {
	for _, s := range []string{"info:", "error:", "warning:", "notice:", "critical:", "debug "} {
		if bytes.HasPrefix(b, []byte(s)) {
			return true
		}
	}
	return false
}

// dnsmasq reads [serial address/port] query[type] name from address, and the lines that answer.
func dnsmasq(f stamp.Frame, w *row) bool {
	if !w.begin(Dnsmasq, f.Time, f.Host) {
		return true
	}
	w.put("message", f.Text)
	words := bytes.Fields(f.Text)
	if len(words) > 3 && bytes.IndexByte(words[1], '/') > 0 && words[0][0] >= '0' && words[0][0] <= '9' {
		w.put("serial", words[0])
		if string(words[3]) != "from" && !bytes.HasPrefix(words[2], []byte("query[")) {
			address, _, _ := bytes.Cut(words[1], []byte{'/'})
			w.put("c-ip", address)
		}
		words = words[2:]
	}
	if string(f.Tag) != "dnsmasq" || len(words) < 4 {
		return true
	}
	action := words[0]
	if i := bytes.IndexByte(action, '['); i > 0 && action[len(action)-1] == ']' {
		w.put("record_type", action[i+1:len(action)-1])
		action = action[:i]
	}
	w.put("action", action)
	switch string(words[2]) {
	case "from":
		w.put("query", words[1])
		w.put("c-ip", words[3])
		w.put("src_ip", words[3])
	case "to":
		w.put("query", words[1])
		w.put("dst_ip", words[3])
	case "is":
		w.put("query", words[1])
		w.put("answer", bytes.Join(words[3:], []byte{' '}))
	}
	return true
}
