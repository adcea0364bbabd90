package device

import (
	"bytes"
	"strconv"

	"github.com/contrail-ir/contrail/event"
)

// ciscoPrefix is how far a mnemonic may stand from the beginning of a line.
const ciscoPrefix = 256

// CiscoMnemonic gives where %FACILITY-SEVERITY-MNEMONIC begins in a line, -1 when there is none near its beginning.
func CiscoMnemonic(line []byte) int {
	line = line[:min(len(line), ciscoPrefix)]
	for at := 0; ; {
		i := bytes.IndexByte(line[at:], '%')
		if i < 0 {
			return -1
		}
		at += i
		if _, _, _, n := mnemonic(line[at:]); n > 0 {
			return at
		}
		at++
	}
}

// mnemonic reads "%FACILITY-5-MNEMONIC" with the colon or blank behind it. The facility may have parts.
func mnemonic(b []byte) (facility, severity, name []byte, n int) {
	if len(b) < 6 || b[0] != '%' || !nameByte(b[1]) {
		return
	}
	end := 1
	for end < len(b) && (nameByte(b[end]) || b[end] == '-') {
		end++
	}
	text := b[1:end]
	for i := 1; i+2 < len(text); i++ {
		if text[i] == '-' && '0' <= text[i+1] && text[i+1] <= '7' && text[i+2] == '-' && text[0] >= 'A' {
			if i+3 == len(text) || text[i+3] == '-' {
				return
			}
			if end < len(b) && b[end] != ':' && b[end] != ' ' && b[end] != '[' {
				return
			}
			return text[:i], text[i+1 : i+2], text[i+3:], end
		}
	}
	return
}

func nameByte(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_'
}

// isASA says whether messages of the facility are numbered as those of the firewalls are, and gives the number.
func isASA(facility, name []byte) (number int, ok bool) {
	f := facility
	if i := bytes.IndexByte(f, '-'); i > 0 { // ASA-vpn
		f = f[:i]
	}
	switch string(f) {
	case "ASA", "PIX", "FWSM", "FTD", "NGIPS":
		n, err := strconv.Atoi(string(name))
		return n, err == nil
	}
	return 0, false
}

func ciscoSource(text []byte) event.Source {
	s := event.Source{Product: "cisco", Service: "syslog"}
	facility, _, name, n := mnemonic(text)
	if number, ok := isASA(facility, name); ok {
		s.Service = "asa"
		switch number / 1000 {
		case 111:
			if number >= 111008 {
				s.Service = "aaa" // commands
			}
		case 106, 302, 303, 304, 305, 313, 338, 430, 710:
			s.Category = "firewall"
		case 113, 611, 713, 716, 722, 725, 734, 737, 746, 751:
			s.Service = "vpn"
		}
		return s
	}
	switch {
	case bytes.Contains(facility, []byte("BGP")):
		s.Service = "bgp"
	case bytes.Contains(facility, []byte("LDP")) || bytes.Contains(facility, []byte("TAGCON")):
		s.Service = "ldp"
	case bytes.Contains(name, []byte("BADAUTH")) || bytes.Contains(text, []byte("TCPMD5AuthenFail")) || bytes.Contains(name, []byte("MD5_AUTHEN_FAIL")):
		s.Service = "bgp"
		if body := text[n:]; bytes.Contains(text, []byte("LDP")) || bytes.Contains(body, []byte(":646")) || bytes.Contains(body, []byte("(646)")) {
			s.Service = "ldp"
		}
	case bytes.HasPrefix(name, []byte("CFGLOG")), bytes.Contains(facility, []byte("AAA")), bytes.Contains(facility, []byte("TAC")), string(facility) == "PARSER",
		bytes.Contains(name, []byte("LOGGEDCMD")), bytes.Contains(name, []byte("ACCOUNTING")), string(facility) == "SHELL":
		s.Service = "aaa"
	case bytes.Contains(facility, []byte("RADIUS")):
		s.Service = "radius"
	case bytes.HasPrefix(name, []byte("IPACCESSLOG")) || bytes.HasPrefix(name, []byte("ACCESSLOG")):
		s.Category = "firewall"
	}
	return s
}

func ciscoFields(text []byte, to Adder) {
	facility, severity, name, n := mnemonic(text)
	to.Add("facility", facility)
	to.Add("severity", severity)
	to.Add("mnemonic", name)
	body := bytes.TrimLeft(text[n:], " :")
	if number, ok := isASA(facility, name); ok {
		asaFields(number, body, to)
		return
	}
	switch string(name) {
	case "CFGLOG_LOGGEDCMD":
		addBetween(to, "user", body, "User:", " ")
		addBetween(to, "command", body, "logged command:", "")
	case "CONFIG_I", "VSHD_SYSLOG_CONFIG_I", "CONFIG_P", "RELOAD":
		if !addBetween(to, "user", body, " by ", " on ") {
			addBetween(to, "user", body, " by ", "")
		}
		addBetween(to, "line", body, " on ", " ")
		addBetween(to, "src_ip", body, "(", ")")
	case "LOGIN_SUCCESS", "LOGIN_FAILED", "WEBLOGIN_SUCCESS", "WEBLOGIN_FAILED":
		addBetween(to, "user", body, "[user: ", "]")
		addBetween(to, "src_ip", body, "[Source: ", "]")
		addBetween(to, "dst_port", body, "[localport: ", "]")
		addBetween(to, "reason", body, "[Reason: ", "]")
	case "AAA_ACCOUNTING_MESSAGE": // kind:session:user:command
		parts := bytes.SplitN(body, []byte{':'}, 4)
		if len(parts) == 4 {
			to.Add("session", parts[1])
			to.Add("user", parts[2])
			to.Add("command", parts[3])
		}
	case "PRIV_AUTH_PASS", "PRIV_AUTH_FAIL", "LOGOUT":
		addBetween(to, "user", body, "by ", " ")
	default:
		addBetween(to, "user", body, "User '", "'")
		if bytes.Contains(name, []byte("ACCESSLOG")) {
			ciscoAccessLog(body, to)
			return
		}
		addEndpoints(to, body, false)
	}
}

// ciscoAccessLog reads "list 101 denied tcp 192.0.2.1(1024) -> 198.51.100.1(23), 1 packet".
func ciscoAccessLog(body []byte, to Adder) {
	addBetween(to, "acl", body, "list ", " ")
	words := bytes.Fields(body)
	for i, w := range words {
		if a := verdict(w); a != "" {
			to.Add("action", []byte(a))
			if i+1 < len(words) {
				to.Add("proto", words[i+1])
			}
			break
		}
	}
	addEndpoints(to, body, false)
}

// verdict gives the word of Sigma's firewall rules for a firewall's decision.
func verdict(word []byte) string {
	switch string(bytes.ToLower(bytes.TrimRight(word, ",:"))) {
	case "deny", "denied", "discarded", "dropped", "drop", "block", "blocked", "reject", "rejected", "est-denied":
		return "deny"
	case "built", "permitted", "permit", "allowed", "accept", "accepted", "pass", "created":
		return "accept"
	case "teardown", "closed":
		return "close"
	}
	return ""
}

func asaFields(number int, body []byte, to Adder) {
	switch number / 1000 {
	case 106, 302, 303, 304, 305, 313, 710, 419, 338:
		if number != 305009 && number != 305010 { // translations decide nothing
			for _, w := range bytes.Fields(body[:min(len(body), 200)]) {
				if a := verdict(w); a != "" {
					to.Add("action", []byte(a))
					break
				}
			}
		}
		for _, p := range []string{"TCP", "UDP", "ICMP", "tcp", "udp", "icmp"} {
			if i := bytes.Index(body[:min(len(body), 120)], []byte(p)); i >= 0 && (i == 0 || body[i-1] == ' ') {
				to.Add("proto", bytes.ToLower([]byte(p)))
				break
			}
		}
		if number == 302020 || number == 302021 {
			addBetween(to, "src_ip", body, "faddr ", "/")
			addBetween(to, "dst_ip", body, "laddr ", "/")
			return
		}
		addEndpoints(to, body, bytes.Contains(body[:min(len(body), 40)], []byte("outbound")))
		addBetween(to, "bytes", body, " bytes ", " ")
		addBetween(to, "acl", body, "access-group \"", "\"")
		if number == 106100 {
			addBetween(to, "acl", body, "access-list ", " ")
		}
		return
	case 430: // Firepower: Name: value, Name: value
		for _, part := range bytes.Split(body, []byte(", ")) {
			if name, value, ok := bytes.Cut(part, []byte(": ")); ok && len(name) < 60 && bytes.IndexByte(name, ' ') < 0 {
				to.AddNamed(name, value)
				if std := firepower[string(name)]; std != "" {
					to.Add(std, value)
				}
			}
		}
		return
	case 111:
		if !addBetween(to, "user", body, "User '", "'") {
			addBetween(to, "user", body, "user '", "'")
		}
		if !addBetween(to, "command", body, "executed the '", "'") && !addBetween(to, "command", body, "executed cmd: ", "") {
			addBetween(to, "command", body, "executed '", "'")
		}
		addBetween(to, "src_ip", body, "IP ", ",")
		return
	}
	// VPN and management: "Group <g> User <u> IP <a>", "Group = g, Username = u, IP = a, …", "user = u : user IP = a".
	angle(body, to)
	switch {
	case addBetween(to, "user", body, `for user "`, `"`), addBetween(to, "user", body, "Username = ", ","), addBetween(to, "user", body, "Uname: ", ","):
	default:
		if i := bytes.Index(body, []byte("user = ")); i >= 0 {
			user, _, _ := bytes.Cut(body[i+7:], []byte(" :"))
			to.Add("user", user)
		}
	}
	addBetween(to, "group", body, "Group = ", ",")
	if !addBetween(to, "src_ip", body, " IP = ", ",") {
		if i := bytes.Index(body, []byte("user IP = ")); i >= 0 {
			ip, _, _ := bytes.Cut(body[i+10:], []byte{' '})
			to.Add("src_ip", ip)
		} else if bytes.HasPrefix(body, []byte("Login ")) {
			addEndpoints(to, body, false)
		}
	}
	addBetween(to, "duration", body, "Duration: ", ",")
	addBetween(to, "bytes_sent", body, "Bytes xmt: ", ",")
	addBetween(to, "bytes_received", body, "Bytes rcv: ", ",")
	addBetween(to, "reason", body, "Reason: ", "")
	addBetween(to, "reason", body, "reason = ", " :")
	if a := asaVPN[number]; a != "" {
		to.Add("action", []byte(a))
	}
}

// angle reads "Name <value>".
func angle(b []byte, to Adder) {
	for {
		i := bytes.IndexByte(b, '<')
		if i < 1 {
			return
		}
		j := bytes.IndexByte(b[i:], '>')
		if j < 0 {
			return
		}
		value := b[i+1 : i+j]
		before := bytes.TrimRight(b[:i], " =")
		switch {
		case bytes.HasSuffix(before, []byte("User")), bytes.HasSuffix(before, []byte("Username")):
			to.Add("user", value)
		case bytes.HasSuffix(before, []byte("Group")), bytes.HasSuffix(before, []byte("GroupPolicy")):
			to.Add("group", value)
		case bytes.HasSuffix(before, []byte("Address")), bytes.HasSuffix(before, []byte("IPv6 address")):
			if len(value) > 2 {
				to.Add("assigned_ip", value)
			}
		case bytes.HasSuffix(before, []byte("IP")):
			to.Add("src_ip", value)
		}
		b = b[i+j+1:]
	}
}

var firepower = map[string]string{"SrcIP": "src_ip", "DstIP": "dst_ip", "SrcPort": "src_port", "DstPort": "dst_port", "Protocol": "proto", "AccessControlRuleAction": "action", "User": "user"}

// asaVPN gives what a numbered message says of a session.
var asaVPN = map[int]string{
	113004: "login", 113012: "login", 113005: "fail", 113015: "fail", 113006: "fail", 113021: "fail", 113039: "login", 113019: "logout",
	716001: "login", 716038: "login", 716039: "fail", 716002: "logout", 722022: "connect", 722023: "disconnect", 722051: "assign", 722033: "connect", 722037: "disconnect",
	611101: "login", 611102: "fail", 611103: "logout", 605005: "login", 605004: "fail", 734001: "policy", 737016: "release", 751025: "connect",
}
