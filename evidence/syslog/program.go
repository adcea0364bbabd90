package syslog

import (
	"bytes"
	"slices"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/message"
)

// program says what is made of a program's messages.
type program struct {
	source event.Source
	fields func(text []byte, rows *message.Rows) // beside message; may be nil
	cuts   func(text []byte) bool                // says that fields gives only stretches of the text that their neighbours part; nil for no
}

func linux(service string, fields func([]byte, *message.Rows)) *program {
	return &program{source: event.Source{Product: "linux", Service: service}, fields: fields}
}

// cutting is linux for a program whose fields are stretches of its messages where cuts says so.
func cutting(service string, fields func([]byte, *message.Rows), cuts func([]byte) bool) *program {
	p := linux(service, fields)
	p.cuts = cuts
	return p
}

// always says that all messages' fields are stretches of them.
func always([]byte) bool { return true }

// sshCuts says that no field of a message of OpenSSH loses a point at its end, or a colon beside others: it would stand beside a byte that is
// part of what is sought. So the messages whose names lose points are left out; and of a word with colons only one that ends it may be at an end.
func sshCuts(text []byte) bool {
	for _, begin := range [...]string{"User ", "Close session: ", "Starting session: ", "subsystem "} {
		if len(text) > 0 && text[0] == begin[0] && bytes.HasPrefix(text, []byte(begin)) {
			return false
		}
	}
	for at := 0; ; at++ {
		i := bytes.IndexByte(text[at:], ':')
		if i < 0 {
			return true
		}
		if at += i; at+1 == len(text) || text[at+1] == ' ' {
			continue
		}
		end := len(text)
		if i := bytes.IndexByte(text[at:], ' '); i >= 0 {
			end = at + i
		}
		if at == 0 || !alphanumeric(text[at-1]) || !alphanumeric(text[end-1]) {
			return false
		}
		at = end - 1
	}
}

func alphanumeric(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

// accountCuts says that what is done to an account, where that is said before a colon and pairs, has none itself.
func accountCuts(text []byte) bool {
	if bytes.IndexByte(text, '=') < 0 {
		return true
	}
	what, _, ok := bytes.Cut(text, []byte(": "))
	return ok && len(what) > 0 && bytes.IndexByte(what, ':') < 0
}

// namedCuts says that the port of a client, which loses the colon behind it, has none of its own.
func namedCuts(text []byte) bool {
	_, port, _, ok := namedClient(text)
	return !ok || bytes.IndexByte(port, ':') < 0
}

// cuts says that all that host would give a row of the message is cut from it, from the header, or among says, so that Rows.Clear may be asked.
func (h *header) cuts(p *program, rows *message.Rows) bool {
	if h.data != nil {
		return false
	}
	text := h.message
	pam := len(text) > 0 && text[0] == 'p' && bytes.HasPrefix(text, []byte("pam_"))
	if p.fields == nil && !pam {
		return true
	}
	if !rows.ASCII(text) { // blanks beyond ASCII part words too
		return false
	}
	if pam {
		i := bytes.IndexByte(text, '(')
		j := bytes.Index(text, []byte("): "))
		if i < 0 || j < i || bytes.Count(text[i:j], []byte{':'}) > 1 {
			return false
		}
		text = text[j+1:]
	}
	return p.fields == nil || p.cuts != nil && p.cuts(text)
}

// says are the values that host gives besides.
var says = slices.Concat(facilities[:], severities[:], []string{"accepted", "failed", "invalid_user", "disconnected", "connected", "denied", "session", "subsystem", "postponed", "refused",
	"session opened", "session closed", "authentication failure", "deny", "accept"}, accountActions)

var (
	other    = linux("syslog", nil)
	authpriv = linux("auth", nil)
	firewall = cutting("iptables", packetFields, always)
)

// programs by the name that syslog gives, in lower case, without a path and without what follows the first "-" or "(".
var programs = map[string]*program{
	"sshd": cutting("sshd", sshFields, sshCuts), "sshd-session": cutting("sshd", sshFields, sshCuts), "sshd-auth": cutting("sshd", sshFields, sshCuts), "dropbear": cutting("sshd", sshFields, sshCuts),
	"sudo": cutting("sudo", sudoFields, always), "sudo-i": cutting("sudo", sudoFields, always), "doas": linux("sudo", nil),
	"su": linux("auth", suFields), "su-l": linux("auth", suFields),
	"login": authpriv, "polkitd": authpriv, "pkexec": authpriv, "systemd-logind": authpriv, "gdm-password": authpriv, "gdm": authpriv, "lightdm": authpriv, "chsh": authpriv, "chfn": authpriv,
	"runuser": authpriv, "unix_chkpwd": authpriv, "pam_unix": authpriv, "sssd": authpriv, "sssd_be": authpriv, "krb5kdc": authpriv, "polkit-agent-helper-1": authpriv, "chpasswd": cutting("auth", accountFields, accountCuts), "passwd": cutting("auth", accountFields, accountCuts),
	"useradd": cutting("auth", accountFields, accountCuts), "adduser": cutting("auth", accountFields, accountCuts), "usermod": cutting("auth", accountFields, accountCuts), "userdel": cutting("auth", accountFields, accountCuts), "deluser": cutting("auth", accountFields, accountCuts),
	"groupadd": cutting("auth", accountFields, accountCuts), "groupmod": cutting("auth", accountFields, accountCuts), "groupdel": cutting("auth", accountFields, accountCuts), "gpasswd": cutting("auth", accountFields, accountCuts), "chage": cutting("auth", accountFields, accountCuts),
	"cron": cutting("cron", cronFields, always), "crond": cutting("cron", cronFields, always), "crontab": cutting("cron", cronFields, always), "anacron": linux("cron", nil), "atd": linux("cron", nil), "/usr/sbin/cron": cutting("cron", cronFields, always),
	"vsftpd": linux("vsftpd", nil), "proftpd": linux("proftpd", nil), "clamd": linux("clamav", nil), "clamav": linux("clamav", nil), "freshclam": linux("clamav", nil), "clamscan": linux("clamav", nil), "clamonacc": linux("clamav", nil), "clamav-milter": linux("clamav", nil),
	"guacd": linux("guacamole", nil), "guacamole": linux("guacamole", nil),
	"named": cutting("syslog", namedFields, namedCuts), "dhcpd": linux("syslog", dhcpFields), "dhclient": linux("syslog", dhcpFields), "dnsmasq-dhcp": linux("syslog", dhcpFields),
	"openvpn": linux("vpn", openVPNFields), "ovpn-server": linux("vpn", openVPNFields), "charon": linux("vpn", charonFields), "charon-systemd": linux("vpn", charonFields), "ipsec": linux("vpn", charonFields), "pluto": linux("vpn", charonFields),
	"ocserv": linux("vpn", ocservFields), "xl2tpd": linux("vpn", nil), "pppd": linux("vpn", nil), "wireguard": linux("vpn", nil),
	"radiusd": {source: event.Source{Product: "freeradius", Service: "radius"}, fields: radiusFields}, "freeradius": {source: event.Source{Product: "freeradius", Service: "radius"}, fields: radiusFields},
	"sslvpnd": {source: event.Source{Product: "fortios", Service: "sslvpnd"}},
}

// programOf finds the program of a message.
func programOf(h *header) *program {
	var p *program
	var unless exception
	if h.tag != nil {
		p, unless = h.tag.program, h.tag.unless
	} else {
		p, unless = programOfTag(h.app)
	}
	if unless&packets != 0 && isPacket(h.message) {
		return firewall
	}
	if f := h.pri / 8; unless&facility != 0 && h.pri >= 0 && (f == 4 || f == 10) {
		return authpriv
	}
	return p
}

// exception is what makes a message another program's than its tag says.
type exception uint8

const (
	packets  exception = 1 << iota // one of the packet filter is the firewall's
	facility                       // one of an authentication facility is of that log
)

// programOfTag finds the program of a tag.
func programOfTag(app []byte) (*program, exception) {
	if len(app) == 0 {
		return other, 0
	}
	if p, ok := programs[string(app)]; ok {
		return p, 0
	}
	if string(app) == "kernel" {
		return other, packets
	}
	if i := bytes.LastIndexByte(app, '/'); i >= 0 && i+1 < len(app) && app[0] == '/' {
		app = app[i+1:]
	}
	app = bytes.ToLower(app)
	if p, ok := programs[string(app)]; ok {
		return p, 0
	}
	if bytes.HasPrefix(app, []byte("ovpn-")) || bytes.HasPrefix(app, []byte("openvpn")) {
		return programs["openvpn"], 0
	}
	if bytes.HasPrefix(app, []byte("ulogd")) {
		return other, packets | facility
	}
	return other, facility
}
