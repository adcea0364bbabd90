package device

import (
	"bytes"

	"github.com/contrail-ir/contrail/event"
)

// junosDaemons are the programs of Junos whose names other systems do not use.
var junosDaemons = map[string]bool{
	"mgd": true, "rpd": true, "dcd": true, "chassisd": true, "pfed": true, "mib2d": true, "alarmd": true, "eventd": true, "dfwd": true, "dfwc": true,
	"l2ald": true, "l2cpd": true, "craftd": true, "cosd": true, "kmd": true, "jsrpd": true, "utmd": true, "idpd": true, "rmopd": true, "ppmd": true,
	"bfdd": true, "vrrpd": true, "lacpd": true, "sampled": true, "flowd": true, "jtaced": true, "RT_FLOW": true, "RT_UTM": true, "RT_IDP": true, "RT_IDS": true,
	"PERF_MON": true, "jdhcpd": true, "fwdd": true, "tnetd": true,
}

// isJunos says whether a message is of Junos: one of its own programs, a tag or text that begins with an event's name of
// several parts and a colon, of a program that has it, or the kernel's word on BGP sessions without a digest.
func isJunos(app, text []byte) bool {
	if junosDaemons[string(app)] {
		return true
	}
	if len(app) == 0 || string(app) == "kernel" || string(app) == "tcp_auth_ok" || junosEvent(app) > 0 {
		head := text[:min(len(text), 300)]
		if Holds(head, "missing ", "MD5 digest") || Holds(head, "tcp", "_auth_ok:") {
			return true
		}
	}
	switch string(app) {
	case "sshd", "login", "cli", "snmpd", "init", "inetd":
		if n := junosEvent(text); n > 0 && n < len(text) && text[n] == ':' {
			for _, p := range []string{"UI_", "SSHD_", "LOGIN_", "SNMPD_", "CLI_", "INETD_"} {
				if bytes.HasPrefix(text, []byte(p)) {
					return true
				}
			}
		}
	}
	return false
}

// junosEvent gives the length of an event's name, such as UI_CMDLINE_READ_LINE, at the beginning of b.
func junosEvent(b []byte) int {
	n, parts := 0, 0
	for n < len(b) && n < 80 && ('A' <= b[n] && b[n] <= 'Z' || '0' <= b[n] && b[n] <= '9' || b[n] == '_') {
		if b[n] == '_' {
			parts++
		}
		n++
	}
	if parts == 0 || n < 5 || b[0] < 'A' || b[0] > 'Z' {
		return 0
	}
	return n
}

func junosSource(app, text []byte) event.Source {
	s := event.Source{Product: "juniper", Service: "syslog"}
	head := text[:min(len(text), 300)]
	switch {
	case bytes.HasPrefix(app, []byte("RT_FLOW")) || bytes.HasPrefix(head, []byte("RT_FLOW")):
		s.Category = "firewall"
	case bytes.Contains(head, []byte("BGP")) || bytes.Contains(head, []byte("bgp_")) || bytes.Contains(head, []byte(":179")) || bytes.Contains(head, []byte("missing MD5")):
		s.Service = "bgp"
	case string(app) == "mgd" || bytes.HasPrefix(head, []byte("UI_")):
		s.Service = "aaa"
	case string(app) == "kmd":
		s.Service = "vpn"
	}
	return s
}

func junosFields(text []byte, to Adder) {
	body := text
	if n := junosEvent(text); n > 0 && n < len(text) && text[n] == ':' {
		to.Add("mnemonic", text[:n])
		body = bytes.TrimLeft(text[n+1:], " ")
	}
	addBetween(to, "user", body, "User '", "'")
	addBetween(to, "command", body, "command '", "'")
	addBetween(to, "class", body, "class '", "'")
	if ssh, ok := between(body, "ssh-connection '", "'"); ok {
		words := bytes.Fields(ssh)
		for i, name := range []string{"src_ip", "src_port", "dst_ip", "dst_port"} {
			if i < len(words) {
				to.Add(name, words[i])
			}
		}
		return
	}
	if bytes.HasPrefix(body, []byte("session ")) { // of RT_FLOW: session created 192.0.2.1/1024->198.51.100.1/80 …
		word, _, _ := bytes.Cut(body[len("session "):], []byte{' '})
		if a := verdict(word); a != "" {
			to.Add("action", []byte(a))
		}
	}
	addEndpoints(to, body, false)
}

// pfFields reads a record of FreeBSD's packet filter log as pfSense and OPNsense write it: comma-separated, the fields behind the
// IP version depend on it and on the protocol.
func pfFields(text []byte, to Adder) {
	f := bytes.Split(text, []byte{','})
	name := func(names ...string) {
		for i, n := range names {
			if n != "" && i < len(f) && len(f[i]) > 0 {
				to.Add(n, f[i])
			}
		}
		f = f[min(len(names), len(f)):]
	}
	name("rule", "subrule", "anchor", "tracker", "interface", "reason", "", "direction", "ip_version")
	all := bytes.Split(text, []byte{','})
	switch a := verdict(all[6]); {
	case a != "":
		to.Add("action", []byte(a))
	default:
		to.Add("action", all[6])
	}
	switch string(all[8]) {
	case "4":
		name("tos", "ecn", "ttl", "id", "offset", "flags", "proto_id", "proto", "length", "src_ip", "dst_ip")
	case "6":
		name("class", "flow_label", "hop_limit", "proto", "proto_id", "length", "src_ip", "dst_ip")
	default:
		return
	}
	proto := text
	if string(all[8]) == "4" && len(all) > 16 {
		proto = all[16]
	} else if len(all) > 12 {
		proto = all[12]
	}
	switch string(bytes.ToLower(proto)) {
	case "tcp", "udp":
		name("src_port", "dst_port", "data_length")
	}
}
