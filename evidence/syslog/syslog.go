// Package syslog reads syslog: the messages of hosts and of network devices, as files hold them.
//
// It knows the lines of RFC 3164 and RFC 5424, those with an RFC 3339 time that newer daemons write, those that passed relays, those
// of Cisco, Huawei, H3C, Junos, FortiGate and Palo Alto devices with or without a collector's header, and those of daemons that
// write the same messages to a file of their own. Every message is one row with its text in the field message; what the text says is
// taken apart for the programs that matter to an investigation. It promises that every line is a row: a line that does not fit has
// only a message, and is counted as damage. It refuses to read a file because there are dates in it.
package syslog

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/auditd"
	"github.com/contrail-ir/contrail/evidence/device"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
	"github.com/contrail-ir/contrail/evidence/winxml"
)

// ahead is how many bytes are read before the first year is decided.
const ahead = 8 << 20

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "syslog" }

// Recognise implements event.Format. Headers of RFC 5424 and messages of devices are likely; a time, a host and a tag are
// less, so that readers of what a particular daemon writes come first.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	var h header
	all, structured, strong, weak := 0, 0, 0, 0
	message.EachLine(message.Whole(lines.Text(head)), func(l []byte) bool {
		if len(l) == 0 || continues(l) {
			return true
		}
		all++
		switch h.parse(l); {
		case h.kind != device.None || h.form == daemon:
			strong++
		case h.form == structure:
			structured++
		case h.pri >= 0 && h.form == legacy && h.stamped, h.app != nil && h.host != nil && tagLike(h.app):
			weak++
		}
		return all < 2000
	})
	fit := strong + structured + weak
	switch {
	case fit == 0 || 10*fit < 6*all:
		return event.No
	case 2*(strong+structured) >= fit:
		return event.Likely + 5
	default:
		return event.Likely - 10
	}
}

// tagLike says whether a tag can be a program's name, which a word of a sentence can as well, but not one of digits.
func tagLike(b []byte) bool {
	letters := 0
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			letters++
		case '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '/', c == ':', c == '(', c == ')', c == '@', c == '+', c == '\\':
		default:
			return false
		}
	}
	return letters > 1
}

// continues says whether a line continues the message before it.
func continues(line []byte) bool {
	return len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
}

func begins(line []byte) bool { return !continues(line) }

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	return message.Open(f, message.Cut{Last: message.LastRecord(begins), Track: track, Ahead: ahead, Known: firstYear})
}

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	d := &decoder{sources: map[uint32]event.Source{}}
	return &message.Decoder{Begins: begins, Start: d.start, Read: d.read, Says: says}
}

type decoder struct {
	years   years
	plain   plain
	begin   uint64 // of the segment
	zone    *time.Location
	h       header
	xml     winxml.Event
	sources map[uint32]event.Source
	text    []byte
}

func (d *decoder) start(seg *event.Segment) {
	d.years, _ = seg.State.(years)
	d.zone = seg.File.Hints.Zone
	d.begin = seg.Offset
	d.plain.segment(seg.Data)
}

func (d *decoder) read(rows *message.Rows, r message.Record) {
	line, rest := r.Text, []byte(nil)
	if r.Lines > 1 {
		i := bytes.IndexByte(line, '\n')
		line, rest = line[:i], line[i:]
		line = bytes.TrimSuffix(line, []byte{'\r'})
	}
	if len(line) == 0 && len(rest) == 0 {
		return
	}
	h := &d.h
	if rows.Fetching() || !d.plain.parse(h, line, int(r.Offset-d.begin)) {
		h.parse(line)
	}
	ns := event.NoTime
	if h.stamped {
		year := h.stamp.year
		if year == 0 {
			if year = d.years.of(h.stamp.month); year == 0 {
				rows.Odd(r.Offset, "a time without a year, in a file whose own time is not known")
			}
		}
		ns = h.stamp.ns(year, d.zone)
	}
	if h.kind != device.None {
		d.device(rows, r, h, rest, ns)
		return
	}
	if h.form == strange {
		if !journalNote(line) {
			rows.Odd(r.Offset, "no line of syslog")
		}
		ns = event.NoTime
	}
	if len(rest) > 0 {
		h.message = r.Text[len(line)-len(h.message):] // with the lines that continue it
	}
	d.host(rows, r, h, ns)
}

// journalNote says whether a line is one that the journal's tool puts between messages.
func journalNote(line []byte) bool {
	return bytes.HasPrefix(line, []byte("-- ")) && bytes.HasSuffix(line, []byte(" --"))
}

func (d *decoder) device(rows *message.Rows, r message.Record, h *header, rest []byte, ns int64) {
	text := h.message
	if len(rest) > 0 {
		text = append(append(d.text[:0], text...), rest...)
		d.text = text
	}
	if own := h.kind.Time(text, d.zone); own != event.NoTime && (ns == event.NoTime || h.kind == device.FortiGate || h.kind == device.NetScaler) {
		ns = own
	}
	host := h.host
	if own := h.kind.Host(text); len(own) > 0 {
		host = own
	}
	source := h.kind.Source(h.app, text)
	if !rows.Row(source, ns, r.Offset, r.Number, host) {
		return
	}
	h.common(rows)
	h.kind.Fields(h.app, text, rows)
}

// common adds what the header says.
func (h *header) common(rows *message.Rows) {
	if h.pri >= 0 {
		rows.Add("syslog_facility", []byte(facilities[h.pri/8]))
		rows.Add("syslog_severity", []byte(severities[h.pri%8]))
	}
	if h.app != nil {
		rows.Add("app", h.app)
	}
	if h.pid != nil {
		rows.Add("pid", h.pid)
	}
	if h.msgID != nil {
		rows.Add("msgid", h.msgID)
	}
	if h.relay != nil {
		rows.Add("relay", h.relay)
	}
	for _, f := range h.native {
		if len(f.name) > 0 {
			rows.AddNamed(f.name, f.value)
		}
	}
	if h.data != nil {
		structured(h.data, func(_, name, value []byte) {
			if bytes.IndexByte(value, '\\') >= 0 {
				value = unescape(value)
			}
			if len(name) > 0 {
				rows.AddNamed(name, value)
			}
		})
	}
}

// unescape undoes \" \\ \] of structured data.
func unescape(v []byte) []byte {
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) && (v[i+1] == '"' || v[i+1] == '\\' || v[i+1] == ']') {
			i++
		}
		out = append(out, v[i])
	}
	return out
}

var facilities = [24]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

var severities = [8]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// host reads the message of a host's program.
func (d *decoder) host(rows *message.Rows, r message.Record, h *header, ns int64) {
	if l, ok := auditLine(h); ok {
		if ns == event.NoTime || l.Time != event.NoTime {
			ns = l.Time
		}
		if rows.Row(auditd.Source, ns, r.Offset, r.Number, h.host) {
			h.common(rows)
			auditd.Fields(rows, l.Type, l.Body)
		}
		return
	}
	if bytes.HasPrefix(h.message, []byte("<Event")) && d.sysmon(rows, r, h, ns) {
		return
	}
	p := programOf(h)
	if !rows.Row(p.source, ns, r.Offset, r.Number, h.host) || h.cuts(p, rows) && rows.Clear(h.message, h.app) {
		return
	}
	h.common(rows)
	rows.Add("message", h.message)
	if p.fields != nil {
		p.fields(h.message, rows)
	}
	if bytes.HasPrefix(h.message, []byte("pam_")) {
		pamFields(h.message, rows)
	}
}

// auditLine finds a line of the audit log in a message: of the kernel without a daemon, or of the daemon's dispatcher.
func auditLine(h *header) (auditd.Line, bool) {
	if h.tag != nil && !h.tag.audit || h.tag == nil && !auditApp(h.app) {
		return auditd.Line{}, false
	}
	text := h.message
	if len(text) > 0 && text[0] == '[' { // the kernel's clock
		if i := bytes.IndexByte(text, ']'); i > 0 && i < 32 {
			text = bytes.TrimLeft(text[i+1:], " ")
		}
	}
	text = bytes.TrimPrefix(text, []byte("audit: "))
	if at := bytes.Index(text[:min(len(text), 64)], []byte("audit(")); at < 0 {
		return auditd.Line{}, false
	}
	return auditd.Parse(text, nil)
}

// auditApp says whether a program passes on lines of the audit log.
func auditApp(app []byte) bool {
	switch string(app) {
	case "kernel", "audit", "auditd", "audispd", "audisp-syslog", "auditbeat", "sedispatch", "tag_audit_log":
		return true
	}
	return false
}

// sysmon reads an event of Sysmon for Linux.
func (d *decoder) sysmon(rows *message.Rows, r message.Record, h *header, ns int64) bool {
	text := h.message
	// Some daemons write control characters as #011 or #012.
	if bytes.Contains(text, []byte("#01")) {
		text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("#012"), []byte{' '}), []byte("#011"), []byte{'\t'})
	}
	_, err := winxml.Parse(text, &d.xml)
	if err != nil && len(d.xml.Fields) == 0 || d.xml.Provider == "" {
		return false
	}
	if err != nil {
		rows.Odd(r.Offset, "the event is cut off or not well formed")
	}
	source, ok := d.sources[d.xml.ID]
	if !ok || source.Provider != d.xml.Provider || source.Channel != d.xml.Channel {
		source = event.Source{Product: "linux", Provider: d.xml.Provider, Channel: d.xml.Channel, ID: d.xml.ID}
		if len(d.sources) > 200 {
			clear(d.sources)
		}
		d.sources[d.xml.ID] = source
	}
	if d.xml.Time != event.NoTime {
		ns = d.xml.Time
	}
	host := h.host
	if d.xml.Computer != "" {
		host = []byte(d.xml.Computer)
	}
	if rows.Row(source, ns, r.Offset, r.Number, host) {
		h.common(rows)
		for i := range d.xml.Fields {
			f := &d.xml.Fields[i]
			rows.Add(f.Name, []byte(f.Text))
		}
	}
	return true
}
