package device

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// NetScaler: "04/20/2021:10:11:12 GMT ns01 0-PPE-0 : default SSLVPN LOGIN 11590 0 : Context user1@203.0.113.9 - SessionId: 15- User user1 - …". Older
// versions leave out "default", some the zone; syslog may put the address before.

// netScaler takes a message apart: the time, the device's name, feature and event, and what follows the second colon.
func netScaler(text []byte) (at, host, feature, name, rest []byte, ok bool) {
	text = bytes.TrimLeft(text, " ")
	if i := bytes.IndexByte(text, ' '); i > 0 && isAddr(text[:i]) {
		text = bytes.TrimLeft(text[i:], " ")
	}
	const layout = "00/00/0000:00:00:00"
	if len(text) < len(layout)+8 || !shaped(text, layout) {
		return
	}
	at, text = text[:len(layout)], text[len(layout):]
	head, rest, found := bytes.Cut(text[:min(len(text), 4096)], []byte(" : "))
	if !found {
		return
	}
	words := bytes.Fields(head)
	if n := len(words); n < 2 || !bytes.Contains(words[n-1], []byte("PPE-")) {
		return
	}
	host = words[len(words)-2]
	rest = text[len(head)+3:]
	head, body, found := bytes.Cut(rest, []byte(" :"))
	if !found {
		return
	}
	words = bytes.Fields(head)
	if len(words) > 0 && string(words[0]) == "default" {
		words = words[1:]
	}
	if len(words) < 3 {
		return
	}
	return at, host, words[0], words[1], bytes.TrimSpace(body), true
}

// shaped says whether text begins with the shape: a digit where it has 0, else the same byte.
func shaped(text []byte, shape string) bool {
	if len(text) < len(shape) {
		return false
	}
	for i := range len(shape) {
		if shape[i] == '0' && (text[i] < '0' || text[i] > '9') || shape[i] != '0' && text[i] != shape[i] {
			return false
		}
	}
	return true
}

func isNetScaler(text []byte) bool {
	if c := text[0]; c != ' ' && (c < '0' || c > '9') || !bytes.Contains(text[:min(len(text), 120)], []byte("PPE-")) {
		return false
	}
	_, _, _, _, _, ok := netScaler(text)
	return ok
}

func netScalerSource(text []byte) event.Source {
	s := event.Source{Product: "netscaler", Service: "event"}
	switch _, _, feature, _, _, _ := netScaler(text); string(feature) {
	case "SSLVPN", "AAA", "AAATM":
		s.Service = "vpn"
	}
	return s
}

func netScalerHost(text []byte) []byte {
	_, host, _, _, _, _ := netScaler(text)
	return host
}

func netScalerTime(text []byte, zone *time.Location) int64 {
	at, _, _, _, _, ok := netScaler(text)
	if !ok {
		return event.NoTime
	}
	if i := bytes.Index(text, at); bytes.HasPrefix(text[i+len(at):], []byte(" GMT")) {
		zone = time.UTC
	}
	return parseIn("01/02/2006:15:04:05", at, zone)
}

// netScalerNames are what other devices call the same.
var netScalerNames = map[string]string{"Client_ip": "src_ip", "Remote_ip": "src_ip", "Source": "src_ip", "Destination": "dst_ip", "User": "user", "SessionId": "session", "Command": "command", "Status": "status", "Nat_ip": "assigned_ip", "Failure_reason": "reason"}

func netScalerFields(text []byte, to Adder) {
	_, _, feature, name, rest, ok := netScaler(text)
	if !ok {
		return
	}
	to.Add("feature", feature)
	action := strings.ToLower(string(name))
	to.Add("action", []byte(action))
	seen := map[string]bool{}
	for len(rest) > 0 {
		part := rest
		// Fields are parted by " - "; some versions leave the first blank out. A quoted value may hold anything.
		if i := fieldEnd(rest); i >= 0 {
			part, rest = rest[:i], rest[i+2:]
		} else {
			rest = nil
		}
		part = bytes.Trim(part, " -")
		key, value, found := bytes.Cut(part, []byte{' '})
		if !found {
			continue
		}
		field := strings.TrimSuffix(string(key), ":")
		value = bytes.Trim(bytes.TrimSpace(value), `"`)
		if len(value) == 0 {
			continue
		}
		if field == "Context" { // user@address
			to.AddNamed([]byte("context"), value)
			continue
		}
		if field == "Duration" {
			if s, ok := clockSeconds(value); ok {
				to.Add("duration", strconv.AppendInt(nil, s, 10))
			}
			continue
		}
		own, known := netScalerNames[field]
		if !known {
			to.AddNamed([]byte(field), value)
			continue
		}
		if strings.HasSuffix(own, "_ip") {
			addr, port, ok := endpoint(value)
			if !ok {
				continue // "Mapped Ip"
			}
			value = addr
			if end := strings.TrimSuffix(own, "_ip") + "_port"; port != nil && !seen[end] {
				seen[end] = true
				to.Add(end, port)
			}
		}
		if !seen[own] {
			seen[own] = true
			to.Add(own, value)
		}
	}
}

// fieldEnd gives where the next "- " that is not within quotes begins, -1 for none.
func fieldEnd(b []byte) int {
	quoted := false
	for i := 0; i+1 < len(b); i++ {
		switch {
		case b[i] == '"':
			quoted = !quoted
		case !quoted && b[i] == '-' && b[i+1] == ' ' && i > 0:
			return i
		}
	}
	return -1
}

// clockSeconds reads "00:12:01".
func clockSeconds(b []byte) (int64, bool) {
	var total int64
	parts := bytes.Split(b, []byte{':'})
	if len(parts) != 3 {
		return 0, false
	}
	for _, p := range parts {
		n, err := strconv.ParseUint(string(p), 10, 24)
		if err != nil {
			return 0, false
		}
		total = total*60 + int64(n)
	}
	return total, true
}

// Pulse Connect Secure and its forebears: "2013-11-07 14:37:05 - ive - [203.0.113.9] user(Realm)[Roles] - VPN Tunneling: Session started for user …",
// behind the program's name.

// pulse takes a message apart.
func pulse(text []byte) (at, addr, user, realm, roles, words []byte, ok bool) {
	const layout = "0000-00-00 00:00:00 - "
	if !shaped(text, layout) {
		return
	}
	at = text[:19]
	_, rest, found := bytes.Cut(text[len(layout):], []byte(" - ["))
	if !found {
		return
	}
	addr, rest, found = bytes.Cut(rest, []byte("] "))
	if !found || !isAddr(addr) {
		return
	}
	who, words, found := bytes.Cut(rest, []byte("] - "))
	if !found {
		return
	}
	who, roles, found = bytes.Cut(who, []byte(")["))
	if !found {
		return
	}
	i := bytes.LastIndexByte(who, '(')
	if i < 0 {
		return
	}
	user, realm = who[:i], who[i+1:]
	if j := bytes.LastIndex(user, []byte("::")); j >= 0 { // "Default Network::user"
		user = user[j+2:]
	}
	return at, addr, user, realm, roles, bytes.TrimSpace(words), true
}

func isPulse(text []byte) bool {
	_, _, _, _, _, _, ok := pulse(text)
	return ok
}

func pulseTime(text []byte, zone *time.Location) int64 {
	at, _, _, _, _, _, ok := pulse(text)
	if !ok {
		return event.NoTime
	}
	return parseIn("2006-01-02 15:04:05", at, zone)
}

func pulseFields(text []byte, to Adder) {
	_, addr, user, realm, roles, words, ok := pulse(text)
	if !ok {
		return
	}
	to.Add("src_ip", addr)
	if len(user) > 0 {
		to.Add("user", user)
	}
	to.AddNamed([]byte("realm"), realm)
	to.AddNamed([]byte("roles"), roles)
	for _, x := range []struct{ text, action string }{
		{"ogin failed", "login-failed"}, {"uthentication failed", "login-failed"}, {"restrictions failed", "login-failed"},
		{"Session started", "tunnel-up"}, {"Session ended", "tunnel-down"}, {"Logout from", "logout"}, {"Session timed out", "logout"},
		{"ogin succeeded", "login"}, {"uthentication successful", "login"},
	} {
		if bytes.Contains(words, []byte(x.text)) {
			to.Add("action", []byte(x.action))
			break
		}
	}
	for _, before := range []string{"for user with IPv4 address ", "for user with IP "} {
		if rest, ok := between(words, before, ""); ok {
			if end := bytes.IndexAny(rest, ", "); end >= 0 {
				rest = rest[:end]
			}
			if isAddr(rest) {
				to.Add("assigned_ip", rest)
			}
			break
		}
	}
	if rest, ok := between(words, "hostname ", ""); ok {
		to.AddNamed([]byte("client_host"), rest)
	}
}
