package device

import (
	"bytes"
)

// Huawei VRP writes "%%01MODULE/severity/BRIEF(kind)[number]:text (name=value, …)", H3C Comware "MODULE/severity/BRIEF: text" with
// or without "%%10" before it and with "-Name=value-Name=value;" in the text.

// slashMnemonic gives the length of "01MODULE/severity/BRIEF", the number being optional, 0 when there is none.
func slashMnemonic(b []byte) int {
	at := 0
	for at < len(b) && at < 2 && '0' <= b[at] && b[at] <= '9' {
		at++
	}
	from := at
	for at < len(b) && at < from+32 && (nameByte(b[at]) || b[at] == '-') {
		at++
	}
	if at == from || b[from] < 'A' || b[from] > 'Z' || at+3 >= len(b) || b[at] != '/' || b[at+1] < '0' || b[at+1] > '7' || b[at+2] != '/' {
		return 0
	}
	at += 3
	from = at
	for at < len(b) && at < from+80 && (nameByte(b[at]) || b[at] == '-') {
		at++
	}
	if at == from || at == len(b) || b[at] != ':' && b[at] != '(' && b[at] != '[' {
		return 0
	}
	return at
}

// isH3C says whether a mnemonic has no kind letter, which Huawei writes.
func isH3C(b []byte) bool {
	n := slashMnemonic(b)
	return n > 0 && b[n] == ':'
}

func slashParts(text []byte) (module, severity, brief, body []byte) {
	text = bytes.TrimPrefix(text, []byte("%%"))
	n := slashMnemonic(text)
	if n == 0 {
		return nil, nil, nil, text
	}
	head := bytes.TrimLeft(text[:n], "0123456789")
	parts := bytes.SplitN(head, []byte{'/'}, 3)
	body = text[n:]
	if i := bytes.IndexByte(body, ':'); i >= 0 && i < 20 {
		body = body[i+1:]
	}
	return parts[0], parts[1], parts[2], bytes.TrimLeft(body, " ")
}

func slashService(text []byte) string {
	module, _, brief, _ := slashParts(text)
	switch {
	case bytes.Contains(module, []byte("BGP")) || bytes.HasPrefix(brief, []byte("BGP")):
		return "bgp"
	case bytes.Contains(module, []byte("LDP")):
		return "ldp"
	case bytes.Contains(text, []byte("TCP")) && bytes.Contains(text, []byte(":179")):
		return "bgp"
	case string(module) == "SHELL" || bytes.Contains(brief, []byte("CMD")) || string(module) == "AAA" || string(module) == "HWTACACS" || string(module) == "SSH" || string(module) == "CMD":
		return "aaa"
	}
	return "syslog"
}

func slashFields(text []byte, to Adder) {
	module, severity, brief, body := slashParts(text)
	to.Add("module", module)
	to.Add("severity", severity)
	to.Add("mnemonic", brief)
	found := slashNames{to: to}
	if i := bytes.IndexByte(body, '('); i >= 0 {
		found.list(body[i+1:])
	}
	if len(body) > 0 && body[0] == '-' { // H3C
		head, rest, _ := bytes.Cut(body, []byte{';'})
		for _, part := range bytes.Split(head[1:], []byte{'-'}) {
			if name, value, ok := bytes.Cut(part, []byte{'='}); ok {
				found.pair(name, value)
			}
		}
		addBetween(to, "command", rest, "Command is ", "")
	}
	if !found.user {
		addBetween(to, "user", body, "user ", " ")
	}
	if !found.addr {
		addEndpoints(to, body, false)
	}
}

type slashNames struct {
	to         Adder
	user, addr bool
}

func (s *slashNames) pair(name, value []byte) {
	s.to.AddNamed(name, value)
	switch string(bytes.ToLower(name)) {
	case "user", "username":
		s.to.Add("user", value)
		s.user = true
	case "ip", "ipaddr", "ipaddress", "remoteip":
		s.to.Add("src_ip", value)
		s.addr = true
	case "command", "cmd":
		s.to.Add("command", value)
	}
}

// list reads "Name=value, Name="value")".
func (s *slashNames) list(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '=')
		if i < 0 || i > 80 {
			return
		}
		name := bytes.TrimLeft(b[:i], " ,;(")
		b = b[i+1:]
		var value []byte
		if len(b) > 0 && b[0] == '"' {
			end := bytes.Index(b[1:], []byte(`"`))
			if end < 0 {
				end = len(b) - 1
			}
			value, b = b[1:1+end], b[min(end+2, len(b)):]
		} else {
			end := bytes.IndexAny(b, ",;)")
			if end < 0 {
				end = len(b)
			}
			value, b = b[:end], b[end:]
		}
		if len(name) > 0 && !bytes.ContainsAny(name, " \"") {
			s.pair(name, value)
		}
	}
}
