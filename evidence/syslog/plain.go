package syslog

import (
	"bytes"

	"github.com/contrail-ir/contrail/evidence/device"
)

// plain reads the headers of nearly all lines, "time host tag[pid]: message" of a host's program, and leaves all others to header.parse, which it
// agrees with in everything. Telling that no device wrote a line was two fifths of reading syslog. What can be told by a host's name or a program's tag is
// remembered with it, and never by what other messages were; what only the message tells is looked for in the whole segment (see telltales).
type plain struct {
	telltales telltales
	host      string      // the last that is plain
	hosts     [256]string // others that are
	tags      [256]*tag
}

// tag is what is known of the tag of a program.
type tag struct {
	text  string
	plain bool // a message is of a device only by its beginning, or by a telltale
	audit bool // its messages may be lines of the audit log

	program *program
	unless  exception
}

func (p *plain) segment(data []byte) { p.telltales.segment(data) }

// parse takes a line apart that begins at a place of the segment. When it returns false it has not, and the header is in no state.
func (p *plain) parse(h *header, line []byte, at int) bool {
	if len(line) < 16 || p.telltales.in(at, at+len(line)) {
		return false
	}
	if !h.plain {
		*h = header{plain: true}
	}
	h.pri, h.pid = -1, nil
	b := line
	if n, pri := priority(b); n > 0 {
		h.pri = pri
		b = b[n:]
	}
	// A line whose first ten bytes hold no '=' is not FortiGate's, one without a comma before its first blank not Palo Alto's.
	var n int
	if n = h.stamp.usual(b); n == 0 {
		h.stamp, n = anyStamp(b)
	}
	if n == 0 || h.stamp.weekday || h.stamp.year != 0 && bytes.IndexByte(b[:n], ',') >= 0 {
		return false
	}
	if h.stamped = true; n+2 > len(b) || b[n] != ' ' {
		return false
	}
	h.form = legacy
	if h.stamp.year != 0 && '0' <= line[0] && line[0] <= '9' {
		h.form = iso
	}
	b = bytes.TrimLeft(b[n:], " ")
	if n = len(p.host); n == 0 || n >= len(b) || b[n] != ' ' || string(b[:n]) != p.host {
		if n = bytes.IndexByte(b, ' '); n <= 0 || !p.knownHost(b[:n]) {
			return false
		}
	}
	h.host = b[:n]
	b = bytes.TrimLeft(b[n+1:], " ")
	return p.tagged(h, b)
}

// knownHost says that a host is plain, and remembers it.
func (p *plain) knownHost(host []byte) bool {
	at := &p.hosts[spread(host)]
	if *at != string(host) {
		if !plainHost(host) {
			return false
		}
		*at = string(host)
	}
	p.host = *at
	return true
}

// spread gives a place in a table of 256 by the bytes of a name in which those of hosts and programs differ.
func spread(name []byte) uint8 {
	n := len(name)
	w := uint32(name[0]) | uint32(name[n/2])<<8 | uint32(name[max(0, n-2)])<<16 | uint32(name[n-1])<<24
	return uint8((w + uint32(n)*0x10101) * 0x9e3779b1 >> 24)
}

// plainHost says that a line is no device's, nor of a daemon's own file, by the host that stands where its message would begin.
func plainHost(host []byte) bool {
	if !hostLike(host) || bytes.IndexByte(host, '/') >= 0 || bytes.IndexByte(host, ':') >= 0 || bytes.HasPrefix(host, []byte("dt_")) || bytes.HasPrefix(host, []byte("INFO")) {
		return false
	}
	for _, w := range openVPNWords {
		if n := min(len(w), len(host)); w[:n] == string(host[:n]) {
			return false
		}
	}
	return true
}

// tagged reads "tag: message" and "tag[pid]: message".
func (p *plain) tagged(h *header, b []byte) bool {
	n := 0
	for n < len(b) && n < 48 && tagByte[b[n]] {
		n++
	}
	if n == 0 || n+2 > len(b) {
		return false
	}
	end := n
	if b[n] == '[' {
		for end++; end < len(b) && end-n < 12 && '0' <= b[end] && b[end] <= '9'; end++ {
		}
		if end >= len(b) || b[end] != ']' {
			return false
		}
		h.pid = b[n+1 : end]
		end++
	}
	if end+2 > len(b) || b[end] != ':' || b[end+1] != ' ' {
		return false
	}
	t := p.tag(b[:n])
	h.app, h.tag, h.message = b[:n], t, b[end+2:]
	return t.plain && !bytes.HasPrefix(h.message, []byte("[ID ")) && device.OrdinaryBeginning(h.message)
}

// tagByte are the bytes of plain tags.
var tagByte = func() (t [256]bool) {
	for c := range 256 {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' || c == '/' || c == '@' || c == '+'
	}
	return t
}()

// tag gives what is known of a tag. Tags may come from the evidence: each place of the table holds one.
func (p *plain) tag(text []byte) *tag {
	at := &p.tags[spread(text)]
	if t := *at; t != nil && t.text == string(text) {
		return t
	}
	t := &tag{text: string(text)}
	first := text[0] | 0x20
	// A letter first is neither a time nor NetScaler's or Pulse's message; a small one before '/' no mnemonic of H3C.
	t.plain = 'a' <= first && first <= 'z' && (bytes.IndexByte(text, '/') < 0 || text[0] >= 'a') && device.Ordinary(text)
	t.audit = auditApp(text)
	t.program, t.unless = programOfTag(text)
	*at = t
	return t
}
