package syslog

import (
	"bytes"

	"github.com/contrail-ir/contrail/evidence/message"
)

// openVPNFields reads "client/192.0.2.1:1194 text" and the texts that tell of a session.
func openVPNFields(b []byte, rows *message.Rows) {
	text := b
	for range 2 {
		w := word(text)
		if bytes.HasPrefix(w, []byte("us=")) {
			text = bytes.TrimLeft(text[len(w):], " ")
			continue
		}
		name, addr, both := bytes.Cut(w, []byte{'/'})
		if !both {
			name, addr = nil, w
		}
		i := bytes.LastIndexByte(addr, ':')
		if i < 0 || i+1 == len(addr) || addr[i+1] < '0' || addr[i+1] > '9' {
			break
		}
		ip := bytes.Trim(addr[:i], "[]")
		for _, family := range []string{"tcp4-server:", "udp4:", "udp6:", "tcp6-server:"} {
			ip = bytes.TrimPrefix(ip, []byte(family))
		}
		rows.Add("src_ip", ip)
		rows.Add("src_port", addr[i+1:])
		if len(name) > 0 {
			rows.Add("user", name)
		}
		text = bytes.TrimLeft(text[len(w):], " ")
		break
	}
	switch {
	case bytes.Contains(text, []byte("Peer Connection Initiated with")):
		rows.Add("action", []byte("connect"))
		if i := bytes.IndexByte(text, '['); i >= 0 && i < 2 {
			if j := bytes.IndexByte(text, ']'); j > i {
				rows.Add("user", text[i+1:j])
			}
		}
	case bytes.Contains(text, []byte("MULTI: Learn: ")) || bytes.Contains(text, []byte("MULTI_sva: pool returned IPv4=")):
		rows.Add("action", []byte("assign"))
		if !addWord(rows, "assigned_ip", text, "MULTI: Learn: ") {
			addWord(rows, "assigned_ip", text, "IPv4=")
		}
	case bytes.Contains(text, []byte("authentication succeeded for username")):
		rows.Add("action", []byte("login"))
		addQuoted(rows, "user", text, "username '")
	case bytes.Contains(text, []byte("TLS Auth Error")) || bytes.Contains(text, []byte("AUTH_FAILED")) || bytes.Contains(text, []byte("verification failed for")):
		rows.Add("action", []byte("fail"))
	case bytes.Contains(text, []byte("client-instance exiting")) || bytes.Contains(text, []byte("client-instance restarting")):
		rows.Add("action", []byte("disconnect"))
	case bytes.Contains(text, []byte("VERIFY OK: depth=0")):
		rows.Add("action", []byte("verified"))
		if rest, ok := after(text, "CN="); ok {
			cn, _, _ := bytes.Cut(rest, []byte{','})
			rows.Add("certificate", cn)
		}
	}
}

func addQuoted(rows *message.Rows, field string, b []byte, mark string) {
	if rest, ok := after(b, mark); ok {
		if i := bytes.IndexByte(rest, '\''); i >= 0 {
			rows.Add(field, rest[:i])
		}
	}
}

// charonFields reads strongSwan's and Libreswan's messages: "07[IKE] <gw|3> IKE_SA gw[3] established between local[id]...remote[id]".
func charonFields(b []byte, rows *message.Rows) {
	if charonWord(b) {
		i := bytes.IndexByte(b, '[')
		rows.Add("subsystem", b[i+1:i+4])
		b = bytes.TrimLeft(b[i+5:], " ")
	}
	if len(b) > 0 && b[0] == '<' {
		if i := bytes.IndexByte(b, '>'); i > 0 && i < 80 {
			name, _, _ := bytes.Cut(b[1:i], []byte{'|'})
			rows.Add("connection", name)
			b = bytes.TrimLeft(b[i+1:], " ")
		}
	}
	switch {
	case bytes.Contains(b, []byte(" established between ")):
		rows.Add("action", []byte("connect"))
		rest, _ := after(b, " established between ")
		local, remote, _ := bytes.Cut(rest, []byte("..."))
		charonEnd(local, "dst_ip", "local_id", rows)
		charonEnd(remote, "src_ip", "user", rows)
	case bytes.HasPrefix(b, []byte("assigning virtual IP ")):
		rows.Add("action", []byte("assign"))
		addWord(rows, "assigned_ip", b, "virtual IP ")
		addQuoted(rows, "user", b, "to peer '")
	case bytes.HasPrefix(b, []byte("authentication of '")), bytes.HasPrefix(b, []byte("EAP method ")):
		if bytes.Contains(b, []byte(" successful")) || bytes.Contains(b, []byte(" succeeded")) {
			rows.Add("action", []byte("login"))
		} else if bytes.Contains(b, []byte("failed")) {
			rows.Add("action", []byte("fail"))
		}
		addQuoted(rows, "user", b, "of '")
	case bytes.Contains(b, []byte("deleting IKE_SA ")):
		rows.Add("action", []byte("disconnect"))
		if rest, ok := after(b, " between "); ok {
			local, remote, _ := bytes.Cut(rest, []byte("..."))
			charonEnd(local, "dst_ip", "local_id", rows)
			charonEnd(remote, "src_ip", "user", rows)
		}
	case bytes.HasSuffix(b, []byte(" is initiating an IKE_SA")) || bytes.Contains(b, []byte(" is initiating a ")):
		rows.Add("action", []byte("initiate"))
		rows.Add("src_ip", word(b))
	case bytes.HasPrefix(b, []byte("received packet: from ")):
		charonEnd(b[len("received packet: from "):], "src_ip", "src_port", rows)
	}
}

// charonEnd reads "address[id]".
func charonEnd(b []byte, ip, id string, rows *message.Rows) {
	addr, rest, ok := bytes.Cut(b, []byte{'['})
	if !ok || len(addr) == 0 {
		return
	}
	rows.Add(ip, addr)
	if i := bytes.IndexByte(rest, ']'); i > 0 {
		rows.Add(id, rest[:i])
	}
}

// ocservFields reads "worker[alice]: 192.0.2.1 text" and "main[alice]:192.0.2.1:5000 user logged in".
func ocservFields(b []byte, rows *message.Rows) {
	head, rest, ok := bytes.Cut(b, []byte(":"))
	if !ok {
		return
	}
	if i := bytes.IndexByte(head, '['); i > 0 {
		rows.Add("user", bytes.TrimRight(head[i+1:], "]"))
	}
	w := word(rest)
	if addr, port, ok := bytes.Cut(w, []byte{':'}); ok && bytes.Count(addr, []byte{'.'}) == 3 {
		rows.Add("src_ip", addr)
		rows.Add("src_port", port)
	} else if bytes.Count(w, []byte{'.'}) == 3 {
		rows.Add("src_ip", w)
	}
	switch {
	case bytes.Contains(rest, []byte("user logged in")):
		rows.Add("action", []byte("login"))
	case bytes.Contains(rest, []byte("user disconnected")):
		rows.Add("action", []byte("disconnect"))
	case bytes.Contains(rest, []byte("failed authentication")):
		rows.Add("action", []byte("fail"))
	}
}

// radiusFields reads FreeRADIUS' "Auth: (1) Login OK: [alice/<via Auth-Type = eap>] (from client nas port 0 cli 00-00-5E-00-53-01)".
func radiusFields(b []byte, rows *message.Rows) {
	switch {
	case bytes.Contains(b, []byte("Login OK")):
		rows.Add("action", []byte("login"))
	case bytes.Contains(b, []byte("Login incorrect")), bytes.Contains(b, []byte("Invalid user")):
		rows.Add("action", []byte("fail"))
	default:
		return
	}
	if rest, ok := after(b, ": ["); ok {
		name := rest
		if i := bytes.IndexByte(rest, ']'); i >= 0 {
			name = rest[:i]
		}
		if i := bytes.IndexByte(name, '/'); i >= 0 {
			name = name[:i]
		}
		rows.Add("user", name)
	}
	addWord(rows, "client", b, "(from client ")
	addWord(rows, "Calling-Station-Id", b, " cli ")
}
