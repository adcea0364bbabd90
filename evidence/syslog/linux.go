package syslog

import (
	"bytes"

	"github.com/contrail-ir/contrail/evidence/message"
)

func after(b []byte, mark string) ([]byte, bool) {
	i := bytes.Index(b, []byte(mark))
	if i < 0 {
		return nil, false
	}
	return b[i+len(mark):], true
}

func word(b []byte) []byte {
	b = bytes.TrimLeft(b, " ")
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		b = b[:i]
	}
	return b
}

// addWord adds the word behind a mark, without punctuation at its end.
func addWord(rows *message.Rows, field string, b []byte, mark string) bool {
	rest, ok := after(b, mark)
	if !ok {
		return false
	}
	if w := bytes.TrimRight(word(rest), ",;:.)]"); len(w) > 0 {
		rows.Add(field, w)
		return true
	}
	return false
}

// sshFields reads OpenSSH's messages about a login, by their first words.
func sshFields(b []byte, rows *message.Rows) {
	action := ""
	switch {
	case bytes.HasPrefix(b, []byte("Accepted ")):
		action = "accepted"
		rows.Add("method", word(b[9:]))
		addUser(rows, b, " for ", " from ")
		if rest, ok := after(b, " ssh2: "); ok {
			if i := bytes.LastIndexByte(rest, ' '); i >= 0 {
				rows.Add("fingerprint", rest[i+1:])
			}
		}
	case bytes.HasPrefix(b, []byte("Failed ")):
		action = "failed"
		rows.Add("method", word(b[7:]))
		if !addUser(rows, b, " for invalid user ", " from ") {
			addUser(rows, b, " for ", " from ")
		}
	case bytes.HasPrefix(b, []byte("Invalid user ")), bytes.HasPrefix(b, []byte("Illegal user ")):
		action = "invalid_user"
		addUser(rows, b, " user ", " from ")
	case bytes.HasPrefix(b, []byte("Connection closed by ")), bytes.HasPrefix(b, []byte("Connection reset by ")), bytes.HasPrefix(b, []byte("Disconnected from ")), bytes.HasPrefix(b, []byte("Disconnecting ")):
		action = "disconnected"
		rest := b
		for _, w := range []string{" invalid user ", " authenticating user ", " user "} {
			if r, ok := after(rest, w); ok {
				rows.Add("user", word(r))
				rest = r[len(word(r)):]
				break
			}
		}
		sshAddress(rest, rows)
		rows.Add("action", []byte(action))
		return
	case bytes.HasPrefix(b, []byte("Received disconnect from ")):
		action = "disconnected"
	case bytes.HasPrefix(b, []byte("Connection from ")):
		action = "connected"
	case bytes.HasPrefix(b, []byte("User ")) && bytes.Contains(b, []byte(" not allowed because ")):
		action = "denied"
		addWord(rows, "user", b, "User ")
	case bytes.HasPrefix(b, []byte("Close session: user ")), bytes.HasPrefix(b, []byte("Starting session: ")):
		action = "session"
		addWord(rows, "user", b, " user ")
		if !addWord(rows, "user", b, " for ") && bytes.HasPrefix(b, []byte("Starting")) {
			rows.Add("user", word(b))
		}
	case bytes.HasPrefix(b, []byte("subsystem request for ")):
		action = "subsystem"
		addWord(rows, "user", b, " by user ")
	case bytes.Contains(b, []byte("maximum authentication attempts exceeded for ")):
		action = "failed"
		if !addUser(rows, b, " for invalid user ", " from ") {
			addUser(rows, b, " for ", " from ")
		}
	case bytes.HasPrefix(b, []byte("Postponed ")):
		action = "postponed"
		addUser(rows, b, " for ", " from ")
	case bytes.HasPrefix(b, []byte("refused connect from ")):
		action = "refused"
	}
	if action != "" {
		rows.Add("action", []byte(action))
	}
	sshAddress(b, rows)
}

// addUser adds a name that stands between two marks and may hold blanks, since the other side chooses it: the last of the
// second mark counts.
func addUser(rows *message.Rows, b []byte, before, behind string) bool {
	rest, ok := after(b, before)
	if !ok {
		return false
	}
	i := bytes.LastIndex(rest, []byte(behind))
	if i < 0 {
		return false
	}
	rows.Add("user", rest[:i])
	return true
}

func sshAddress(b []byte, rows *message.Rows) {
	var rest []byte
	if i := bytes.LastIndex(b, []byte(" from ")); i >= 0 {
		rest = b[i+6:]
	} else if i := bytes.Index(b, []byte(" by ")); i >= 0 {
		rest = b[i+4:]
	} else if i := bytes.Index(b, []byte(" with ")); i >= 0 {
		rest = b[i+6:]
	} else if bytes.Contains(b, []byte(" port ")) {
		rest = b
	} else {
		return
	}
	for range 4 {
		rest = bytes.TrimLeft(rest, " ")
		w := word(rest)
		if len(w) == 0 {
			return
		}
		rest = rest[len(w):]
		if addr := bytes.Trim(w, "()[],:;"); bytes.Count(addr, []byte{'.'}) == 3 && addr[0] >= '0' && addr[0] <= '9' || bytes.Count(addr, []byte{':'}) >= 2 {
			rows.Add("src_ip", addr)
			if port, ok := after(rest, " port "); ok {
				rows.Add("src_port", bytes.TrimRight(word(port), ":,"))
			}
			return
		}
	}
}

// sudoFields reads "user : why ; TTY=… ; PWD=… ; USER=… ; COMMAND=…". The command is last and may hold anything.
func sudoFields(b []byte, rows *message.Rows) {
	user, rest, ok := bytes.Cut(bytes.TrimLeft(b, " "), []byte(" : "))
	if !ok || bytes.IndexByte(user, ' ') >= 0 {
		return
	}
	rows.Add("user", user)
	for len(rest) > 0 {
		if command, ok := bytes.CutPrefix(rest, []byte("COMMAND=")); ok {
			rows.Add("COMMAND", command)
			return
		}
		part := rest
		if i := bytes.Index(rest, []byte(" ; ")); i >= 0 {
			part, rest = rest[:i], rest[i+3:]
		} else {
			rest = nil
		}
		if name, value, ok := bytes.Cut(part, []byte{'='}); ok && len(name) > 0 && len(name) < 24 && bytes.IndexByte(name, ' ') < 0 {
			rows.AddNamed(name, value)
		} else {
			rows.Add("reason", bytes.TrimSpace(part))
		}
	}
}

// suFields reads "(to root) alice on pts/0", "FAILED SU (to root) alice on pts/0", "+ /dev/pts/0 alice:root" and "Successful su for
// root by alice".
func suFields(b []byte, rows *message.Rows) {
	failed := bytes.HasPrefix(b, []byte("FAILED")) || bytes.HasPrefix(b, []byte("- ")) || bytes.HasPrefix(b, []byte("BAD"))
	done := false
	switch {
	case bytes.Contains(b, []byte("(to ")):
		done = addWord(rows, "USER", b, "(to ")
		addWord(rows, "user", b, ") ")
		addWord(rows, "TTY", b, " on ")
	case bytes.HasPrefix(b, []byte("+ ")) || bytes.HasPrefix(b, []byte("- ")):
		words := bytes.Fields(b)
		if len(words) > 2 {
			rows.Add("TTY", words[1])
			from, to, _ := bytes.Cut(words[2], []byte{':'})
			rows.Add("user", from)
			rows.Add("USER", to)
			done = true
		}
	case bytes.Contains(b, []byte(" su for ")):
		done = addWord(rows, "USER", b, " su for ")
		addWord(rows, "user", b, " by ")
	}
	switch {
	case done && failed:
		rows.Add("action", []byte("failed"))
	case done:
		rows.Add("action", []byte("accepted"))
	}
}

// cronFields reads "(user) WORD (text)".
func cronFields(b []byte, rows *message.Rows) {
	if len(b) == 0 || b[0] != '(' {
		return
	}
	i := bytes.Index(b, []byte(") "))
	if i < 0 {
		return
	}
	rows.Add("user", b[1:i])
	b = b[i+2:]
	if i = bytes.Index(b, []byte(" (")); i < 0 {
		return
	}
	rows.Add("action", b[:i])
	rows.Add("command", bytes.TrimSuffix(b[i+2:], []byte{')'}))
}

// accountFields reads what the tools that manage accounts say: "new user: name=…, UID=…, …", "password changed for …".
func accountFields(b []byte, rows *message.Rows) {
	what, rest, ok := bytes.Cut(b, []byte(": "))
	if ok && bytes.IndexByte(rest, '=') > 0 {
		rows.Add("action", what)
		for _, part := range bytes.Split(rest, []byte(", ")) {
			if name, value, ok := bytes.Cut(part, []byte{'='}); ok && len(name) < 40 {
				rows.AddNamed(bytes.TrimSpace(name), value)
			}
		}
		return
	}
	for i, mark := range accountWords {
		if rest, ok := after(b, mark); ok {
			rows.Add("action", []byte(accountActions[i]))
			rows.Add("user", bytes.Trim(word(rest), "'"))
			return
		}
	}
}

// accountWords are what stands before the name of an account, and accountActions what they say was done to it.
var (
	accountWords   = []string{"password changed for ", "changed password expiry for ", "delete user '", "change user '", "add '"}
	accountActions = []string{"password changed for", "changed password expiry for", "delete user", "change user", "add"}
)

// pamFields reads "pam_module(service:kind): text".
func pamFields(b []byte, rows *message.Rows) {
	i := bytes.IndexByte(b, '(')
	j := bytes.Index(b, []byte("): "))
	if i < 0 || j < i || j > 100 {
		return
	}
	rows.Add("pam_module", b[:i])
	service, kind, _ := bytes.Cut(b[i+1:j], []byte{':'})
	rows.Add("pam_service", service)
	rows.Add("pam_type", kind)
	text := b[j+3:]
	switch {
	case bytes.HasPrefix(text, []byte("session opened")):
		rows.Add("pam_action", []byte("session opened"))
		pamUser(text, " for user ", "user", rows)
		pamUser(text, " by ", "by", rows)
	case bytes.HasPrefix(text, []byte("session closed")):
		rows.Add("pam_action", []byte("session closed"))
		pamUser(text, " for user ", "user", rows)
	case bytes.HasPrefix(text, []byte("authentication failure")) || bytes.HasPrefix(text, []byte("check pass")):
		rows.Add("pam_action", []byte("authentication failure"))
		for _, f := range bytes.Fields(text) {
			if name, value, ok := bytes.Cut(bytes.TrimRight(f, ";"), []byte{'='}); ok && len(value) > 0 {
				rows.AddNamed(name, value)
				if string(name) == "rhost" {
					rows.Add("src_ip", value)
				}
			}
		}
	}
}

func pamUser(b []byte, mark, field string, rows *message.Rows) {
	if rest, ok := after(b, mark); ok {
		w := word(rest)
		if i := bytes.IndexByte(w, '('); i >= 0 {
			w = w[:i]
		}
		if len(w) > 0 {
			rows.Add(field, w)
		}
	}
}

// isPacket says whether a message of the kernel is of its packet filter.
func isPacket(b []byte) bool {
	return bytes.Contains(b, []byte("SRC=")) && bytes.Contains(b, []byte("DST=")) && bytes.Contains(b, []byte("PROTO="))
}

// packetFields reads the pairs of the packet filter, and its decision from the prefix that administrators give.
func packetFields(b []byte, rows *message.Rows) {
	prefix, _, _ := bytes.Cut(b, []byte("IN="))
	upper := bytes.ToUpper(prefix)
	for _, v := range []struct{ mark, action string }{{"DROP", "deny"}, {"BLOCK", "deny"}, {"REJECT", "deny"}, {"DENY", "deny"}, {"DENIED", "deny"}, {"ACCEPT", "accept"}, {"ALLOW", "accept"}} {
		if bytes.Contains(upper, []byte(v.mark)) {
			rows.Add("action", []byte(v.action))
			break
		}
	}
	for _, f := range bytes.Fields(b[len(prefix):]) {
		if name, value, ok := bytes.Cut(f, []byte{'='}); ok && len(name) > 0 && len(value) > 0 {
			rows.AddNamed(name, value)
		}
	}
}

// namedClient finds the client in a message of BIND, and gives what follows the word "client" and a handle.
func namedClient(b []byte) (addr, port, rest []byte, ok bool) {
	rest, ok = after(b, "client ")
	if !ok {
		return nil, nil, nil, false
	}
	if len(rest) > 0 && rest[0] == '@' {
		rest = bytes.TrimLeft(rest[len(word(rest)):], " ")
	}
	addr, port, ok = bytes.Cut(bytes.TrimRight(word(rest), ":"), []byte{'#'})
	return addr, port, rest, ok
}

// namedFields reads BIND's messages about a client: "client @0x7f 192.0.2.1#53 (example.org): query (cache) 'name/A/IN' denied".
func namedFields(b []byte, rows *message.Rows) {
	addr, port, rest, ok := namedClient(b)
	if !ok {
		return
	}
	rows.Add("src_ip", addr)
	rows.Add("src_port", port)
	if i := bytes.IndexByte(rest, '\''); i >= 0 {
		if j := bytes.IndexByte(rest[i+1:], '\''); j >= 0 {
			parts := bytes.Split(rest[i+1:i+1+j], []byte{'/'})
			rows.Add("query", parts[0])
			if len(parts) > 1 {
				rows.Add("record_type", parts[1])
			}
		}
	} else if q, ok := after(rest, " query: "); ok {
		words := bytes.Fields(q)
		for i, name := range []string{"query", "", "record_type"} {
			if i < len(words) && name != "" {
				rows.Add(name, words[i])
			}
		}
	}
	if bytes.HasSuffix(b, []byte(" denied")) || bytes.Contains(b, []byte(" denied ")) {
		rows.Add("action", []byte("deny"))
	}
}

// dhcpFields reads "DHCPACK on 192.0.2.5 to 00:00:5e:00:53:01 (name) via eth0" and dnsmasq's "DHCPACK(eth0) 192.0.2.5 00:… name".
func dhcpFields(b []byte, rows *message.Rows) {
	if !bytes.HasPrefix(b, []byte("DHCP")) {
		return
	}
	kind := word(b)
	if i := bytes.IndexByte(kind, '('); i > 0 {
		rows.Add("action", kind[:i])
		rows.Add("interface", bytes.TrimRight(kind[i+1:], ")"))
	} else {
		rows.Add("action", kind)
		addWord(rows, "interface", b, " via ")
	}
	for i, w := range bytes.Fields(b[len(kind):]) {
		w = bytes.Trim(w, ",;")
		switch {
		case bytes.Count(w, []byte{'.'}) == 3 && bytes.IndexByte(w, ':') < 0 && '0' <= w[0] && w[0] <= '9':
			if i < 4 {
				rows.Add("ip", w)
			}
		case bytes.Count(w, []byte{':'}) == 5 && len(w) == 17:
			rows.Add("mac", w)
		case len(w) > 2 && w[0] == '(' && w[len(w)-1] == ')' && !bytes.Contains(w, []byte{'.'}):
			rows.Add("hostname", w[1:len(w)-1])
		case i == 2 && kind[len(kind)-1] == ')':
			rows.Add("hostname", w)
		}
	}
}
