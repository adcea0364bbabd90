package keyvalue

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/request"
	"github.com/contrail-ir/contrail/evidence/internal/stamp"
	"github.com/contrail-ir/contrail/evidence/message"
)

// device finds where CEF: or LEEF: begins, at a line's beginning or behind what syslog writes.
func device(l []byte) (at int, leef, ok bool) {
	head := l[:min(len(l), 400)]
	for _, mark := range []string{"CEF:", "LEEF:"} {
		if i := bytes.Index(head, []byte(mark)); i == 0 || i > 0 && (head[i-1] == ' ' || head[i-1] == '\t') {
			rest := l[i+len(mark):]
			if len(rest) > 2 && rest[0] >= '0' && rest[0] <= '9' && bytes.Count(rest, []byte{'|'}) >= 4 {
				return i, mark == "LEEF:", true
			}
		}
	}
	return 0, false, false
}

// maker is what is known of a device's maker and product.
type maker struct {
	source event.Source
	names  map[string]string // what rules call its fields
}

var (
	firewallNames = map[string]string{"src": "src_ip", "dst": "dst_ip", "spt": "src_port", "dpt": "dst_port", "srcPort": "src_port", "dstPort": "dst_port", "act": "action", "action": "action",
		"in": "bytes_received", "out": "bytes_sent", "srcBytes": "bytes_sent", "dstBytes": "bytes_received", "suser": "user", "usrName": "user"}
	proxyNames = map[string]string{"src": "c-ip", "dst": "dst_ip", "requestMethod": "cs-method", "requestClientApplication": "c-useragent", "userAgent": "c-useragent", "suser": "cs-username", "usrName": "cs-username",
		"act": "s-action", "in": "sc-bytes", "out": "cs-bytes", "requestContext": "cs-referer", "outcome": "sc-status", "httpMethod": "cs-method", "method": "cs-method"}
)

// devices lists makers and products in lower case; the first whose parts are contained is taken.
var devices = []struct {
	vendor, product string
	maker
}{
	{"zscaler", "nssfw", maker{event.Source{Product: "zscaler", Category: "firewall"}, firewallNames}},
	{"zscaler", "", maker{event.Source{Product: "zscaler", Category: "proxy"}, proxyNames}},
	{"blue coat", "", maker{event.Source{Product: "bluecoat", Category: "proxy"}, proxyNames}},
	{"bluecoat", "", maker{event.Source{Product: "bluecoat", Category: "proxy"}, proxyNames}},
	{"mcafee", "web gateway", maker{event.Source{Product: "mcafee", Category: "proxy"}, proxyNames}},
	{"skyhigh", "", maker{event.Source{Product: "skyhigh", Category: "proxy"}, proxyNames}},
	{"forcepoint", "security", maker{event.Source{Product: "forcepoint", Category: "proxy"}, proxyNames}},
	{"cisco", "wsa", maker{event.Source{Product: "cisco", Category: "proxy", Service: "wsa"}, proxyNames}},
	{"palo alto", "", maker{event.Source{Product: "paloalto", Category: "firewall"}, firewallNames}},
	{"fortinet", "", maker{event.Source{Product: "fortigate", Category: "firewall"}, firewallNames}},
	{"check point", "", maker{event.Source{Product: "checkpoint", Category: "firewall"}, firewallNames}},
	{"cisco", "asa", maker{event.Source{Product: "cisco", Category: "firewall", Service: "asa"}, firewallNames}},
	{"cisco", "firepower", maker{event.Source{Product: "cisco", Category: "firewall", Service: "firepower"}, firewallNames}},
	{"juniper", "", maker{event.Source{Product: "juniper", Category: "firewall"}, firewallNames}},
	{"sonicwall", "", maker{event.Source{Product: "sonicwall", Category: "firewall"}, firewallNames}},
	{"sophos", "", maker{event.Source{Product: "sophos", Category: "firewall"}, firewallNames}},
	{"stonesoft", "", maker{event.Source{Product: "forcepoint", Category: "firewall"}, firewallNames}},
	{"forcepoint", "", maker{event.Source{Product: "forcepoint", Category: "firewall"}, firewallNames}},
}

func (d *decoder) of(vendor, product []byte) maker {
	d.buf = append(append(append(d.buf[:0], vendor...), '|'), product...)
	if known, ok := d.devices[string(d.buf)]; ok {
		return known
	}
	v, p := strings.ToLower(string(vendor)), strings.ToLower(string(product))
	out := maker{source: event.Source{Product: slug(v), Service: slug(p)}}
	for _, x := range devices {
		if strings.Contains(v, x.vendor) && strings.Contains(p, x.product) {
			out = x.maker
			break
		}
	}
	if len(d.devices) >= maxDevices {
		return maker{source: Pairs}
	}
	d.devices[string(d.buf)] = out
	return out
}

func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r == ' ' || r == '-' || r == '_' || r == '.':
			return '_'
		}
		return -1
	}, s)
	return s[:min(len(s), 40)]
}

// bar gives what stands before the next bar that is not escaped.
func bar(b []byte) (v, rest []byte, ok bool) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '|':
			return b[:i], b[i+1:], true
		}
	}
	return b, nil, false
}

var (
	cefHeader  = []string{"cef_version", "device_vendor", "device_product", "device_version", "device_event_class_id", "name", "severity"}
	leefHeader = []string{"leef_version", "device_vendor", "device_product", "device_version", "device_event_class_id"}
)

// device reads CEF:0|vendor|product|version|class|name|severity|pairs, or LEEF:1.0|vendor|product|version|event|[separator|]pairs.
func (d *decoder) device(rows *message.Rows, r message.Record, l []byte, at int, leef bool) bool {
	names, rest := cefHeader, l[at+len("CEF:"):]
	if leef {
		names, rest = leefHeader, l[at+len("LEEF:"):]
	}
	var head [7][]byte
	for i := range names {
		var ok bool
		if head[i], rest, ok = bar(rest); !ok && i < len(names)-1 {
			return false
		}
	}
	if leef {
		d.pairs.leef(rest, string(head[0]) != "1.0")
	} else {
		d.pairs.cef(rest)
	}
	frame, framed := stamp.Frame{Time: event.NoTime}, false
	if at > 0 {
		frame, framed = beginning(l[:at], d)
	}
	ns, host := event.NoTime, d.pairs.get("dvchost", "deviceHostName", "devname")
	for _, name := range []string{"rt", "deviceReceiptTime", "end", "start", "devTime"} {
		if t, ok := stamp.Parse(d.pairs.get(name), d.file.Hints.Zone); ok {
			ns = t
			break
		}
	}
	if framed {
		if ns == event.NoTime {
			ns = frame.Time
		}
		if host == nil {
			host = frame.Host
		}
	}
	dev := d.of(head[1], head[2])
	if !rows.Row(dev.source, ns, r.Offset, r.Number, host) {
		return true
	}
	for i, n := range names {
		if len(head[i]) > 0 {
			rows.Add(n, d.pairs.unescape(head[i]))
		}
	}
	for _, p := range d.pairs.list {
		rows.AddNamed(p.key, p.value)
		if alias := dev.names[string(p.key)]; alias != "" && alias != string(p.key) {
			rows.Add(alias, p.value)
		}
		if label := d.label(p.key); label != nil {
			rows.AddNamed(label, p.value)
		}
	}
	if dev.source.Category == "proxy" {
		if url := d.pairs.get("request", "url"); url != nil {
			request.Proxy(rows, url, d.pairs.get("dhost"))
		}
	}
	return true
}

// label gives the name that CEF gives a custom value: cs1Label for cs1.
func (d *decoder) label(key []byte) []byte {
	if n := len(key); n < 3 || n > 40 || key[n-1] < '0' || key[n-1] > '9' {
		return nil
	}
	for _, p := range d.pairs.list {
		if len(p.key) == len(key)+5 && bytes.HasPrefix(p.key, key) && string(p.key[len(key):]) == "Label" {
			return p.value
		}
	}
	return nil
}

// beginning reads what syslog wrote before CEF: or LEEF:.
func beginning(b []byte, d *decoder) (stamp.Frame, bool) {
	b = bytes.TrimRight(b, " ")
	text := append(append(make([]byte, 0, len(b)+4), b...), " x: "...) // in place of a program
	return stamp.Unframe(text, d.file.ModTime, d.file.Hints.Zone)
}

// cef reads pairs parted by spaces, where a value goes on to the last space before the next key.
func (p *pairs) cef(b []byte) {
	p.list, p.text = p.list[:0], p.text[:0]
	key, at := nextKey(b, 0)
	for key != nil && len(p.list) < maxPairs {
		after, next := nextKey(b, at)
		end := len(b)
		if after != nil {
			end = next - 1 - len(after)
		}
		p.list = append(p.list, field{key, p.unescape(bytes.TrimSpace(b[at:end]))})
		key, at = after, next
	}
}

// nextKey finds the next key and the place behind its sign of equality.
func nextKey(b []byte, from int) (key []byte, at int) {
	for at = from; ; at++ {
		i := bytes.IndexByte(b[at:], '=')
		if i < 0 {
			return nil, len(b)
		}
		at += i
		begin := at
		for begin > from && (nameByte(b[begin-1]) || b[begin-1] == '[' || b[begin-1] == ']') {
			begin--
		}
		if begin < at && (begin == 0 || begin > from && b[begin-1] == ' ' || begin == from && from == 0) {
			return b[begin:at], at + 1
		}
	}
}

// leef reads pairs parted by tabs or, in version 2, by what stands before the first bar.
func (p *pairs) leef(b []byte, second bool) {
	p.list, p.text = p.list[:0], p.text[:0]
	separator := []byte{'\t'}
	if v, rest, ok := bytes.Cut(b, []byte{'|'}); second && ok && len(v) <= 6 && bytes.IndexByte(v, '=') < 0 {
		b = rest
		if hex, found := bytes.CutPrefix(bytes.ToLower(v), []byte("0x")); found {
			if n, err := strconv.ParseUint(string(hex), 16, 8); err == nil {
				separator = []byte{byte(n)}
			}
		} else if hex, found := bytes.CutPrefix(bytes.ToLower(v), []byte("x")); found && len(hex) == 2 {
			if n, err := strconv.ParseUint(string(hex), 16, 8); err == nil {
				separator = []byte{byte(n)}
			}
		} else if len(v) > 0 {
			separator = v
		}
	}
	for more := true; more && len(p.list) < maxPairs; {
		var part []byte
		part, b, more = bytes.Cut(b, separator)
		if key, v, ok := bytes.Cut(part, []byte{'='}); ok && len(key) > 0 {
			p.list = append(p.list, field{bytes.TrimSpace(key), v})
		}
	}
}

// unescape undoes CEF's \= \| \\ \n \r.
func (p *pairs) unescape(v []byte) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return v
	}
	from := len(p.text)
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '\\' && i+1 < len(v) {
			switch v[i+1] {
			case '=', '|', '\\':
				i++
				c = v[i]
			case 'n', 'r':
				i++
				c = '\n'
			}
		}
		p.text = append(p.text, c)
	}
	return p.text[from:len(p.text):len(p.text)]
}
