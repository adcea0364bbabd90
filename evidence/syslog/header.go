package syslog

import (
	"bytes"

	"github.com/contrail-ir/contrail/evidence/device"
)

// header is what stands before the message of a line. Its slices are of the line.
type header struct {
	pri     int // facility × 8 + severity, -1 when not said
	form    form
	stamped bool
	stamp   stamp
	host    []byte // that wrote the message
	relay   []byte // that passed it on, where the line says so
	app     []byte
	pid     []byte
	msgID   []byte
	data    []byte // structured data of RFC 5424 with its brackets
	message []byte
	kind    device.Kind // of the device that wrote it, when the message tells
	hops    int         // relays whose own time and host were passed over
	native  entry       // fields of the journal
	tag     *tag        // what is known of app, nil when it was not looked up
	plain   bool        // all that plain.parse does not set is as it leaves it
}

// maxHops bounds the relays of a line.
const maxHops = 4

// form says how a line was understood.
type form uint8

const (
	strange   form = iota // none of the others
	legacy                // RFC 3164: time, host, tag
	structure             // RFC 5424
	iso                   // RFC 3339 time, host, tag
	appliance             // a device's own, known by its message
	daemon                // a daemon's own file: a time without a host, known by its message
)

// parse takes a line apart. Every field is set anew.
func (h *header) parse(line []byte) {
	*h = header{pri: -1}
	b := line
	if n := octets(b); n > 0 {
		b = b[n:]
	}
	if n, pri := priority(b); n > 0 {
		h.pri = pri
		b = b[n:]
		if len(b) > 2 && b[0] == '1' && b[1] == ' ' && h.rfc5424(b[2:]) {
			return
		}
	}
	if device.Bare(b) { // has a time of its own, or none
		h.form, h.message, h.kind = appliance, b, device.KindOf(nil, b)
		return
	}
	if at := device.CiscoMnemonic(b); at >= 0 {
		h.cisco(b[:at])
		h.form, h.message, h.kind = appliance, b[at:], device.Cisco
		return
	}
	if len(b) > 0 && b[0] == '%' && b[len(b)-1] != '%' { // H3C begins its lines so
		b = h3cPrefix(b)
	}
	s, n := parseStamp(b)
	if n == 0 {
		h.message = line
		if kind := device.KindOf(nil, b); kind != device.None {
			h.form, h.message, h.kind = appliance, b, kind
		} else if h.pri >= 0 && h.tagged(b) { // a priority and no time, as some daemons send
			h.form = legacy
		}
		return
	}
	h.stamp, h.stamped = s, true
	b = b[n:]
	if len(b) > 0 && (b[0] == ':' || b[0] == ',') {
		b = b[1:]
	}
	b = bytes.TrimLeft(b, " ")
	if h.ownFile(b) {
		return
	}
	if s.weekday {
		h.stamped, h.message = false, line
		return
	}
	h.hostAndTag(b, line)
}

// octets gives the length of the octet count that RFC 6587 puts before a message on a stream, with its blank.
func octets(b []byte) int {
	n := 0
	for n < len(b) && n < 6 && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	if n > 0 && len(b) > n+1 && b[n] == ' ' && b[n+1] == '<' {
		return n + 1
	}
	return 0
}

func priority(b []byte) (n, pri int) {
	if len(b) < 3 || b[0] != '<' {
		return 0, -1
	}
	for n = 1; n < len(b) && n < 5 && '0' <= b[n] && b[n] <= '9'; n++ {
		pri = pri*10 + int(b[n]-'0')
	}
	if n == 1 || n == len(b) || b[n] != '>' || pri > 191 {
		return 0, -1
	}
	return n + 1, pri
}

// rfc5424 reads what follows the version.
func (h *header) rfc5424(b []byte) bool {
	var word []byte
	next := func() []byte {
		if i := bytes.IndexByte(b, ' '); i >= 0 {
			word, b = b[:i], b[i+1:]
		} else {
			word, b = b, nil
		}
		if string(word) == "-" {
			return nil
		}
		return word
	}
	if len(b) > 0 && b[0] == '-' {
		next()
	} else {
		s, n := parseStamp(b)
		if n == 0 || n == len(b) || b[n] != ' ' {
			return false
		}
		h.stamp, h.stamped = s, true
		b = b[n+1:]
	}
	h.host, h.app, h.pid, h.msgID = next(), next(), next(), next()
	if len(b) > 0 && b[0] == '[' {
		n := structured(b, nil)
		h.data, b = b[:n], b[n:]
	} else if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	b = bytes.TrimPrefix(bytes.TrimPrefix(b, []byte(" ")), []byte("\xef\xbb\xbf"))
	h.form, h.message = structure, b
	if h.kind = device.KindOf(h.app, b); h.kind == device.None && device.CiscoMnemonic(b) == 0 {
		h.kind = device.Cisco
	}
	return true
}

// structured reads elements [id name="value" …] and gives their length; f, when not nil, gets every parameter, its value as it is
// written.
func structured(b []byte, f func(id, name, value []byte)) int {
	at := 0
	for at < len(b) && b[at] == '[' {
		end := at + 1
		for end < len(b) && b[end] != ' ' && b[end] != ']' {
			end++
		}
		id := b[at+1 : end]
		for end < len(b) && b[end] != ']' {
			if b[end] == ' ' {
				end++
				continue
			}
			name := end
			for end < len(b) && b[end] != '=' && b[end] != ']' && b[end] != ' ' {
				end++
			}
			key := b[name:end]
			if end+1 >= len(b) || b[end] != '=' || b[end+1] != '"' {
				if end < len(b) && b[end] == '=' {
					end++
				}
				continue
			}
			end += 2
			value := end
			for end < len(b) && b[end] != '"' {
				if b[end] == '\\' && end+1 < len(b) {
					end++
				}
				end++
			}
			if f != nil {
				f(id, key, b[value:min(end, len(b))])
			}
			end++
		}
		if end >= len(b) {
			return len(b)
		}
		at = end + 1
	}
	return at
}

// cisco reads what stands before a Cisco message: host, sequence number, time and zone, in any of the orders that devices and
// relays write.
func (h *header) cisco(b []byte) {
	for words := 0; words < 12; words++ {
		b = bytes.TrimLeft(b, " :*.,")
		if len(b) == 0 {
			return
		}
		if s, n := parseStamp(b); n > 0 {
			if !h.stamped {
				h.stamp, h.stamped = s, true
			}
			b = b[n:]
			continue
		}
		i := bytes.IndexByte(b, ' ')
		if j := bytes.IndexByte(b, ':'); j > 0 && (i < 0 || j < i) && monthOf(b[j+1:]) > 0 { // node:time
			i = j
		}
		word := b
		if i >= 0 {
			word, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		trimmed := bytes.TrimRight(word, ":")
		switch {
		case len(trimmed) == 0 || len(trimmed) != len(word) && (digits(trimmed) || uptime(trimmed)):
		case bytes.HasPrefix(word, []byte("%")) || bytes.IndexByte(trimmed, '[') >= 0: // %$ VDC-1 %$, process[7]:
			if j := bytes.IndexByte(trimmed, '['); j > 0 {
				h.app, h.pid = trimmed[:j], bytes.TrimRight(trimmed[j+1:], "]")
			}
		case h.host == nil && hostLike(trimmed):
			h.host = trimmed
		}
	}
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// uptime says whether a word is how long a device has run: 1w2d, 00:00:46.
func uptime(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && c != ':' && bytes.IndexByte([]byte("ywdhms"), c) < 0 {
			return false
		}
	}
	return len(b) > 1 && '0' <= b[0] && b[0] <= '9'
}

// h3cPrefix takes off the number and percent sign that H3C's log file puts before the time.
func h3cPrefix(b []byte) []byte {
	rest := b[1:]
	if len(rest) > 0 && rest[0] == '@' {
		if i := bytes.IndexByte(rest, '%'); i > 0 && i < 20 {
			rest = rest[i+1:]
		}
	}
	if monthOf(rest) > 0 {
		return rest
	}
	return b
}

// hostAndTag reads "host tag[pid]: message" behind a time.
func (h *header) hostAndTag(b, line []byte) {
	h.form = legacy
	if h.stamp.year != 0 && line[0] != '<' && '0' <= line[0] && line[0] <= '9' {
		h.form = iso
	}
	if n := bytes.IndexByte(b[:min(len(b), 24)], '>') + 1; n > 1 && n < 24 && b[0] == '<' && bytes.IndexByte(b[:n], '.') > 0 { // "<local0.info>", as the syslog of BSD writes to files
		b = bytes.TrimLeft(b[n:], " ")
	}
	i := bytes.IndexByte(b, ' ')
	if i <= 0 {
		h.form, h.message = strange, line
		return
	}
	word := b[:i]
	if last := word[len(word)-1]; last == ':' || last == ']' { // no host
		if !h.tagged(b) {
			h.form, h.message = strange, line
		}
		return
	}
	if !hostLike(word) {
		h.form, h.message = strange, line
		return
	}
	h.host = word
	if j := bytes.LastIndexByte(word, '/'); j > 0 && j+1 < len(word) { // source@relay/origin, of a chain
		h.relay, h.host = word[:j], word[j+1:]
		if at := bytes.IndexByte(h.relay, '@'); at >= 0 {
			h.relay = h.relay[at+1:]
		}
	}
	b = bytes.TrimLeft(b[i+1:], " ")
	if device.Bare(b) {
		h.form, h.message, h.kind = appliance, b, device.KindOf(nil, b)
		return
	}
	// A relay that writes its own time and host before those of the origin.
	if s, n := parseStamp(b); n > 0 && n < len(b) && b[n] == ' ' && h.hops < maxHops {
		inner := header{pri: h.pri, stamp: s, stamped: true, hops: h.hops + 1}
		inner.hostAndTag(bytes.TrimLeft(b[n:], " "), b)
		if inner.form != strange && inner.host != nil && (inner.app != nil || inner.kind != device.None) {
			inner.relay = h.host
			inner.form = h.form
			if s.year == 0 && h.stamp.year != 0 {
				inner.stamp = h.stamp
			}
			*h = inner
			return
		}
	}
	if kind := device.KindOf(nil, b); kind != device.None {
		h.form, h.message, h.kind = appliance, b, kind
		return
	}
	if !h.tagged(b) {
		h.message = b // without a tag, as "last message repeated 3 times"
	}
	h.kind = device.KindOf(h.app, h.message)
}

// tagged reads "tag[pid]: message".
func (h *header) tagged(b []byte) bool {
	n := 0
	for n < len(b) && n < 64 && b[n] > ' ' && b[n] != '[' && b[n] != ':' && b[n] < 0x7f {
		n++
	}
	if n == 0 || n == len(b) {
		return false
	}
	app, rest := b[:n], b[n:]
	for rest[0] == ':' && len(rest) > 1 && rest[1] != ' ' { // a colon inside the tag, as "postfix:smtp:"
		m := 1
		for m < len(rest) && n+m < 64 && rest[m] > ' ' && rest[m] != '[' && rest[m] != ':' {
			m++
		}
		if m == len(rest) || rest[m] == ' ' || n+m >= 64 {
			break
		}
		n += m
		app, rest = b[:n], b[n:]
	}
	var pid []byte
	if rest[0] == '[' {
		i := bytes.IndexByte(rest, ']')
		if i < 0 || i > 40 {
			return false
		}
		pid, rest = rest[1:i], rest[i+1:]
	}
	switch {
	case len(rest) == 0:
	case rest[0] == ':':
		rest = rest[1:]
	case rest[0] == ' ' && pid != nil:
	case rest[0] == ' ' && bytes.HasPrefix(rest, []byte(" [")) && bytes.Contains(rest, []byte("]: ")): // "tag [12]: ", "tag [warn]: "
	case rest[0] == '(' && pid == nil:
	default:
		return false
	}
	h.app, h.pid = app, pid
	if i := bytes.IndexByte(app, '('); i > 0 { // sshd(pam_unix)
		h.app = app[:i]
	}
	h.message = bytes.TrimPrefix(rest, []byte{' '})
	if text, ok := bytes.CutPrefix(h.message, []byte("[ID ")); ok { // Solaris: [ID number facility.severity]
		if i := bytes.IndexByte(text, ']'); i > 0 && i < 60 {
			h.msgID, h.message = text[:i], bytes.TrimPrefix(text[i+1:], []byte{' '})
		}
	}
	return true
}

// hostLike says whether a word can be a host: a name, an address, or a chain of them.
func hostLike(b []byte) bool {
	if len(b) == 0 || len(b) > 255 {
		return false
	}
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == ':', c == '/', c == '@', c == '%', c >= 0x80:
		default:
			return false
		}
	}
	return true
}
