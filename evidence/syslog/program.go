package syslog

import (
	"bytes"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/message"
)

// program says what is made of a program's messages.
type program struct {
	source event.Source
	fields func(text []byte, rows *message.Rows) // beside message; may be nil
}

func linux(service string, fields func([]byte, *message.Rows)) program {
	return program{event.Source{Product: "linux", Service: service}, fields}
}

var (
	other    = linux("syslog", nil)
	authpriv = linux("auth", nil)
	firewall = linux("iptables", packetFields)
)

// programs by the name that syslog gives, in lower case, without a path and without what follows the first "-" or "(".
var programs = map[string]program{
	"sshd": linux("sshd", sshFields), "sshd-session": linux("sshd", sshFields), "sshd-auth": linux("sshd", sshFields), "dropbear": linux("sshd", sshFields),
	"sudo": linux("sudo", sudoFields), "sudo-i": linux("sudo", sudoFields), "doas": linux("sudo", nil),
	"su": linux("auth", suFields), "su-l": linux("auth", suFields),
	"login": authpriv, "polkitd": authpriv, "pkexec": authpriv, "systemd-logind": authpriv, "gdm-password": authpriv, "gdm": authpriv, "lightdm": authpriv, "chsh": authpriv, "chfn": authpriv,
	"runuser": authpriv, "unix_chkpwd": authpriv, "pam_unix": authpriv, "sssd": authpriv, "sssd_be": authpriv, "krb5kdc": authpriv, "polkit-agent-helper-1": authpriv, "chpasswd": linux("auth", accountFields), "passwd": linux("auth", accountFields),
	"useradd": linux("auth", accountFields), "adduser": linux("auth", accountFields), "usermod": linux("auth", accountFields), "userdel": linux("auth", accountFields), "deluser": linux("auth", accountFields),
	"groupadd": linux("auth", accountFields), "groupmod": linux("auth", accountFields), "groupdel": linux("auth", accountFields), "gpasswd": linux("auth", accountFields), "chage": linux("auth", accountFields),
	"cron": linux("cron", cronFields), "crond": linux("cron", cronFields), "crontab": linux("cron", cronFields), "anacron": linux("cron", nil), "atd": linux("cron", nil), "/usr/sbin/cron": linux("cron", cronFields),
	"vsftpd": linux("vsftpd", nil), "proftpd": linux("proftpd", nil), "clamd": linux("clamav", nil), "clamav": linux("clamav", nil), "freshclam": linux("clamav", nil), "clamscan": linux("clamav", nil), "clamonacc": linux("clamav", nil), "clamav-milter": linux("clamav", nil),
	"guacd": linux("guacamole", nil), "guacamole": linux("guacamole", nil),
	"named": linux("syslog", namedFields), "dhcpd": linux("syslog", dhcpFields), "dhclient": linux("syslog", dhcpFields), "dnsmasq-dhcp": linux("syslog", dhcpFields),
	"openvpn": linux("vpn", openVPNFields), "ovpn-server": linux("vpn", openVPNFields), "charon": linux("vpn", charonFields), "charon-systemd": linux("vpn", charonFields), "ipsec": linux("vpn", charonFields), "pluto": linux("vpn", charonFields),
	"ocserv": linux("vpn", ocservFields), "xl2tpd": linux("vpn", nil), "pppd": linux("vpn", nil), "wireguard": linux("vpn", nil),
	"radiusd": {event.Source{Product: "freeradius", Service: "radius"}, radiusFields}, "freeradius": {event.Source{Product: "freeradius", Service: "radius"}, radiusFields},
	"sslvpnd": {event.Source{Product: "fortios", Service: "sslvpnd"}, nil},
}

// programOf finds the program of a message. A program that is not known and writes to an authentication facility is of that log.
func programOf(h *header) program {
	app := h.app
	if len(app) == 0 {
		return other
	}
	if p, ok := programs[string(app)]; ok {
		return p
	}
	if string(app) == "kernel" {
		if isPacket(h.message) {
			return firewall
		}
		return other
	}
	if i := bytes.LastIndexByte(app, '/'); i >= 0 && i+1 < len(app) && app[0] == '/' {
		app = app[i+1:]
	}
	app = bytes.ToLower(app)
	if p, ok := programs[string(app)]; ok {
		return p
	}
	if bytes.HasPrefix(app, []byte("ovpn-")) || bytes.HasPrefix(app, []byte("openvpn")) {
		return programs["openvpn"]
	}
	if bytes.HasPrefix(app, []byte("ulogd")) && isPacket(h.message) {
		return firewall
	}
	if f := h.pri / 8; h.pri >= 0 && (f == 4 || f == 10) {
		return authpriv
	}
	return other
}
