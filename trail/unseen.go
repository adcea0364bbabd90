package trail

import "strings"

// kindsOfLog is what kinds of logs there are, by what they can show.
type kindsOfLog map[string]bool

// showing says which parts of a source's name stand for a log that shows something.
var showing = []struct{ part, kind string }{
	{"sysmon", "sysmon"}, {"/security", "security"}, {"linux/", "linux"}, {"linux/auditd", "auditd"}, {"linux/sshd", "logons"}, {"linux/auth", "logons"},
	{"zeek/conn", "network"}, {"firewall", "network"}, {"proxy", "network"}, {"fortigate/traffic", "network"}, {"paloalto/traffic", "network"}, {"netflow", "network"}, {"suricata/flow", "network"}, {"iptables", "network"},
	{"/vpn", "remote"}, {"globalprotect", "remote"}, {"radius", "remote"}, {"fortigate/event", "remote"}, {"/sslvpnd", "remote"}, {"zeek/smtp", "mail"}, {"mail", "mail"}, {"webserver", "web"},
	{"fortigate", "device"}, {"paloalto", "device"}, {"cisco", "device"}, {"juniper", "device"}, {"huawei", "device"}, {"h3c", "device"}, {"pfsense", "device"},
}

func (l kindsOfLog) add(source string) {
	source = strings.ToLower(source)
	for _, s := range showing {
		if strings.Contains(source, s.part) {
			l[s.kind] = true
		}
	}
}

// unseenOnHost says what a host's own logs could not show.
func (l kindsOfLog) unseenOnHost(host string, say func(string, ...any)) {
	switch {
	case l["device"] && !l["linux"]:
		return // what runs on a network device is in no log
	case l["linux"] || l["web"] && !l["security"] && !l["sysmon"]:
		if !l["auditd"] && !l["sysmon"] {
			say("%s: no audit log and no Sysmon; which programs ran and which files they wrote is not known.", host)
		}
		if !l["logons"] && !l["auditd"] {
			say("%s: no log of logons.", host)
		}
	case !l["sysmon"] && !l["security"]:
		say("%s: no log of processes; what ran there is not known.", host)
	case !l["sysmon"]:
		say("%s: no Sysmon; files, registry, names and connections of processes are not known.", host)
	case !l["security"]:
		say("%s: no Security log; logons, shares and accounts are not known.", host)
	}
}

// unseenAnywhere says what no log of an organisation could show. Which logs would hold the way in is said when it was not found.
func (l kindsOfLog) unseenAnywhere(unentered bool, say func(string, ...any)) {
	if !l["network"] {
		say("No network log: how much left is not known, and hosts without logs of their own are not seen at all.")
	}
	if !l["sysmon"] && !l["security"] && !l["auditd"] {
		say("No log of what ran on any host: programs, files, accounts and logons of the intruder are not known; what is told rests on what went over the network.")
	}
	if !unentered {
		return
	}
	var missing []string
	for _, x := range []struct{ kind, words string }{{"remote", "remote access"}, {"web", "web servers"}, {"mail", "mail"}} {
		if !l[x.kind] {
			missing = append(missing, x.words)
		}
	}
	if len(missing) > 0 {
		say("The way in was not seen, and these logs, which might hold it, were not there: %s.", strings.Join(missing, ", "))
	}
}
