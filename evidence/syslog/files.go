package syslog

import (
	"bytes"

	"github.com/contrail-ir/contrail/evidence/device"
)

// ownFile recognises lines that daemons write into files of their own: a time, no host, and a text of their own form.
func (h *header) ownFile(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	head := b[:min(len(b), 400)]
	app := ""
	text := b
	switch {
	case device.IsTacacs(b):
		h.kind = device.Tacacs
		h.form, h.message = appliance, b
		return true
	case h.stamp.weekday && bytes.HasPrefix(b, []byte("[pid ")):
		app = "vsftpd"
		if i := bytes.IndexByte(head, ']'); i > 0 {
			h.pid, text = b[5:i], bytes.TrimLeft(b[i+1:], " ")
		}
	case h.stamp.weekday && bytes.HasPrefix(b, []byte("-> ")):
		app, text = "clamd", b[3:]
	case h.stamp.weekday && radiusWord(head):
		app, text = "radiusd", bytes.TrimLeft(b, ": ")
	case device.Holds(head, " o", ".a.g.") || (b[0] == '[' || bytes.HasPrefix(b, []byte("INFO"))) && bytes.Contains(head, []byte("guacamole")):
		app = "guacamole"
	case charonWord(b):
		app = "charon"
	case openVPNWord(head):
		app = "openvpn"
	case bytes.HasPrefix(b, []byte("dt_")) && bytes.Contains(head, []byte("/opt/panlogs/")), device.Holds(head, "failed to unmarshal session", "("):
		h.form, h.message, h.kind = appliance, b, device.GlobalProtect
		return true
	default:
		return false
	}
	h.form, h.app, h.message = daemon, []byte(app), text
	return true
}

// radiusWord says whether a line of FreeRADIUS' log follows: ": Auth: (1) Login OK …".
func radiusWord(b []byte) bool {
	b = bytes.TrimLeft(b, ": ")
	for _, w := range []string{"Auth: ", "Info: ", "Error: ", "Proxy: ", "Warning: ", "Acct: "} {
		if bytes.HasPrefix(b, []byte(w)) {
			return true
		}
	}
	return false
}

// charonWord reads "07[IKE] ".
func charonWord(b []byte) bool {
	i := 0
	for i < len(b) && i < 3 && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i > 0 && len(b) > i+5 && b[i] == '[' && b[i+4] == ']' && b[i+5] == ' ' && 'A' <= b[i+1] && b[i+1] <= 'Z' && 'A' <= b[i+3] && b[i+3] <= 'Z'
}

// openVPNWords are what OpenVPN's messages begin with, behind the name and address of a client.
var openVPNWords = []string{
	"OpenVPN ", "MULTI: ", "MULTI_sva: ", "TLS: ", "TLS Error: ", "TLS Auth Error: ", "VERIFY ", "Peer Connection Initiated", "peer info: ", "PUSH: ", "SENT CONTROL ", "Control Channel: ", "Data Channel",
	"Outgoing Data Channel", "Incoming Data Channel", "AUTH-PAM: ", "SIGTERM[", "SIGUSR1[", "Initialization Sequence Completed", "TUN/TAP device ", "UDPv4 link ", "TCPv4", "UDPv6 link ", "WARNING: ", "PLUGIN_", "Connection reset, restarting",
	"library versions: ", "Inactivity timeout ", "AUTH: ", "TLS-", "Re-using ", "LZO ", "Diffie-Hellman initialized", "Socket Buffers: ", "CRL: ", "client-instance ",
}

// openVPNFirst are the first bytes of openVPNWords.
var openVPNFirst = func() (first [256]bool) {
	for _, w := range openVPNWords {
		first[w[0]] = true
	}
	return first
}()

func openVPNWord(b []byte) bool {
	for range 3 { // at most: us=7, client/address:port, [name]
		words := openVPNWords
		if len(b) == 0 || !openVPNFirst[b[0]] {
			words = nil
		}
		for i, w := range words {
			if bytes.HasPrefix(b, []byte(w)) {
				return i != 25 // a warning alone says nothing
			}
		}
		i := bytes.IndexByte(b, ' ')
		if i < 0 {
			return false
		}
		word := b[:i]
		if len(word) == 0 || !bytes.HasPrefix(word, []byte("us=")) && word[0] != '[' && bytes.LastIndexByte(word, ':') < 0 {
			return false
		}
		b = b[i+1:]
	}
	return false
}
