package device

import (
	"bytes"
)

// StatementKind says what a statement of a configuration is about.
type StatementKind string

const (
	KindUser       StatementKind = "user"       // an account, a password, a community
	KindTunnel     StatementKind = "tunnel"     // GRE, IPsec, VXLAN, L2TP and their peers
	KindMirror     StatementKind = "mirror"     // traffic copied to another port or captured
	KindForward    StatementKind = "forward"    // ports and addresses passed on
	KindImage      StatementKind = "image"      // the software that runs or is to run
	KindRoute      StatementKind = "route"      // where traffic goes
	KindAccess     StatementKind = "access"     // who may pass: access lists, policies
	KindManagement StatementKind = "management" // how the device is reached
	KindAAA        StatementKind = "aaa"        // who is asked about users
	KindLogging    StatementKind = "logging"    // what is told to whom
	KindSchedule   StatementKind = "schedule"   // what runs by itself
	KindChange     StatementKind = "change"     // who changed it when, as the device says
	KindOther      StatementKind = "other"
)

// StatementKinds lists the kinds.
func StatementKinds() []StatementKind {
	return []StatementKind{KindUser, KindTunnel, KindMirror, KindForward, KindImage, KindRoute, KindAccess, KindManagement, KindAAA, KindLogging, KindSchedule, KindChange, KindOther}
}

// class is what a statement is about.
type class struct {
	kind StatementKind
	name []byte // of the user, the tunnel, the session
	hash []byte // of an image
}

// about are the beginnings of statements, or of sections when they end in "…" in the section's place, by kind; the first that fits
// counts. Those with a name are followed by it.
var about = []struct {
	text  string
	kind  StatementKind
	named bool
}{
	{"username ", KindUser, true}, {"local-user ", KindUser, true}, {"enable secret", KindUser, false}, {"enable password", KindUser, false}, {"super password", KindUser, false}, {"snmp-server community ", KindUser, false}, {"snmp-agent community", KindUser, false},
	{"snmp-server user ", KindUser, true}, {"set system login user ", KindUser, true}, {"set mgt-config users ", KindUser, true}, {"set system root-authentication", KindUser, false}, {"role name ", KindUser, true}, {"user-role ", KindUser, false}, {"ssh user ", KindUser, true}, {"passwd ", KindUser, false},
	{"interface tunnel", KindTunnel, false}, {"interface nve", KindTunnel, false}, {"interface virtual-template", KindTunnel, false}, {"interface vti", KindTunnel, false}, {"tunnel", KindTunnel, false}, {"crypto ", KindTunnel, false}, {"ipsec ", KindTunnel, false}, {"ike ", KindTunnel, false}, {"vpdn", KindTunnel, false}, {"l2tp", KindTunnel, false},
	{"pseudowire-class ", KindTunnel, true}, {"xconnect ", KindTunnel, false}, {"vxlan ", KindTunnel, false}, {"set security ike", KindTunnel, false}, {"set security ipsec", KindTunnel, false}, {"set interfaces gr-", KindTunnel, false}, {"set interfaces st0", KindTunnel, false}, {"webvpn", KindTunnel, false}, {"set network tunnel", KindTunnel, false},
	{"monitor session ", KindMirror, true}, {"monitor capture ", KindMirror, true}, {"span ", KindMirror, false}, {"observe-port ", KindMirror, true}, {"port-mirroring", KindMirror, false}, {"mirroring-group ", KindMirror, true}, {"mirror", KindMirror, false}, {"traffic-mirror", KindMirror, false}, {"remote-span", KindMirror, false}, {"ip traffic-export", KindMirror, false},
	{"set forwarding-options port-mirroring", KindMirror, false}, {"set forwarding-options analyzer", KindMirror, false}, {"set forwarding-options sampling", KindMirror, false}, {"capture ", KindMirror, true}, {"li-view", KindMirror, false}, {"packet-capture", KindMirror, false}, {"set span", KindMirror, false}, {"erspan-id", KindMirror, false},
	{"ip nat ", KindForward, false}, {"nat ", KindForward, false}, {"static (", KindForward, false}, {"ip helper-address", KindForward, false}, {"ip forward-protocol", KindForward, false}, {"set security nat", KindForward, false}, {"ip port-map", KindForward, false}, {"set rulebase nat", KindForward, false}, {"ip policy route-map", KindForward, false}, {"policy-based-route", KindForward, false}, {"ip local policy", KindForward, false},
	{"boot ", KindImage, false}, {"startup ", KindImage, false}, {"system image file is", KindImage, false}, {"version ", KindImage, false}, {"set version", KindImage, false}, {"asa version", KindImage, false}, {"cisco ios ", KindImage, false}, {"cisco nexus ", KindImage, false}, {"cisco adaptive security", KindImage, false}, {"nxos: version", KindImage, false}, {"nxos image file is", KindImage, false}, {"vrp (r) software", KindImage, false}, {"h3c comware", KindImage, false}, {"junos: ", KindImage, false}, {"#config-version", KindImage, false}, {"config-register", KindImage, false}, {"rom: ", KindImage, false}, {"install ", KindImage, false},
	{"ip route", KindRoute, false}, {"ipv6 route", KindRoute, false}, {"route ", KindRoute, false}, {"router ", KindRoute, false}, {"neighbor ", KindRoute, false}, {"set routing-options", KindRoute, false}, {"set protocols", KindRoute, false}, {"route-map ", KindRoute, true}, {"bgp ", KindRoute, false}, {"ospf ", KindRoute, false},
	{"access-list ", KindAccess, true}, {"ip access-list ", KindAccess, false}, {"ip access-group", KindAccess, false}, {"access-group ", KindAccess, false}, {"access-class ", KindAccess, false}, {"acl ", KindAccess, false}, {"permit ", KindAccess, false}, {"deny ", KindAccess, false}, {"set security policies", KindAccess, false}, {"set firewall", KindAccess, false}, {"rule ", KindAccess, false}, {"set rulebase security", KindAccess, false}, {"traffic-filter ", KindAccess, false},
	{"line ", KindManagement, false}, {"transport ", KindManagement, false}, {"ip http", KindManagement, false}, {"http server", KindManagement, false}, {"http ", KindManagement, false}, {"ip ssh", KindManagement, false}, {"ssh ", KindManagement, false}, {"telnet ", KindManagement, false}, {"stelnet ", KindManagement, false}, {"user-interface ", KindManagement, false}, {"snmp-server ", KindManagement, false}, {"snmp-agent", KindManagement, false}, {"set system services", KindManagement, false}, {"netconf", KindManagement, false}, {"restconf", KindManagement, false}, {"guestshell", KindManagement, false}, {"exec-timeout", KindManagement, false},
	{"aaa ", KindAAA, false}, {"tacacs", KindAAA, false}, {"radius", KindAAA, false}, {"hwtacacs", KindAAA, false}, {"authentication ", KindAAA, false}, {"dot1x ", KindAAA, false}, {"access-session ", KindAAA, false}, {"login ", KindAAA, false}, {"set system authentication-order", KindAAA, false},
	{"logging ", KindLogging, false}, {"info-center ", KindLogging, false}, {"archive", KindLogging, false}, {"set system syslog", KindLogging, false}, {"ntp ", KindLogging, false}, {"service timestamps", KindLogging, false}, {"log ", KindLogging, false},
	{"event manager ", KindSchedule, false}, {"kron ", KindSchedule, false}, {"scheduler ", KindSchedule, false}, {"action ", KindSchedule, false}, {"set event-options", KindSchedule, false}, {"job ", KindSchedule, false},
}

// within are words of a section's path that say what its statements are about when the statement does not.
var within = []struct {
	text string
	kind StatementKind
}{
	{"login > user ", KindUser}, {"config system admin", KindUser}, {"config user local", KindUser}, {"config system api-user", KindUser}, {"root-authentication", KindUser}, {"local-user ", KindUser}, {"username ", KindUser},
	{"interface tunnel", KindTunnel}, {"interface nve", KindTunnel}, {"config vpn", KindTunnel}, {"config system gre-tunnel", KindTunnel}, {"crypto ", KindTunnel}, {"security > ike", KindTunnel}, {"security > ipsec", KindTunnel}, {"ipsec ", KindTunnel}, {"ike ", KindTunnel}, {"interfaces > gr-", KindTunnel}, {"interfaces > st0", KindTunnel}, {"vpdn-group", KindTunnel}, {"webvpn", KindTunnel},
	{"port-mirroring", KindMirror}, {"> analyzer", KindMirror}, {"monitor session ", KindMirror}, {"monitor capture", KindMirror}, {"show monitor", KindMirror}, {"display mirroring", KindMirror}, {"display observe", KindMirror}, {"forwarding-options > sampling", KindMirror}, {"config firewall sniffer", KindMirror},
	{"config firewall vip", KindForward}, {"security > nat", KindForward}, {"config firewall ippool", KindForward}, {"show ip nat", KindForward}, {"show nat", KindForward}, {"show xlate", KindForward},
	{"show boot", KindImage}, {"display startup", KindImage}, {"verify ", KindImage}, {"display version", KindImage}, {"show version", KindImage},
	{"config router", KindRoute}, {"router ", KindRoute}, {"protocols > ", KindRoute}, {"routing-options", KindRoute}, {"policy-options", KindRoute},
	{"config firewall policy", KindAccess}, {"access-list", KindAccess}, {"security > policies", KindAccess}, {"acl ", KindAccess}, {"firewall > ", KindAccess},
	{"show users", KindUser}, {"display users", KindUser}, {"display local-user", KindUser},
	{"line ", KindManagement}, {"user-interface ", KindManagement}, {"system > services", KindManagement}, {"config system snmp", KindManagement},
	{"config log", KindLogging}, {"system > syslog", KindLogging}, {"show logging", KindLogging},
	{"config user radius", KindAAA}, {"config user tacacs", KindAAA}, {"event manager", KindSchedule}, {"event-options", KindSchedule}, {"kron ", KindSchedule},
}

// classify says what a statement is about. A "no" or "undo" before it does not change that.
func classify(path, statement []byte) class {
	text := bytes.ToLower(statement[:min(len(statement), 400)])
	if c := text[0]; (c == '!' || c == '#') && bytes.HasPrefix(bytes.TrimLeft(text, "!# "), []byte("last co")) {
		return class{kind: KindChange}
	}
	for _, p := range []string{"no ", "undo ", "! ", "## "} {
		text = bytes.TrimPrefix(text, []byte(p))
	}
	skipped := min(len(statement), 400) - len(text)
	for _, a := range about {
		if !bytes.HasPrefix(text, []byte(a.text)) {
			continue
		}
		c := class{kind: a.kind}
		if a.named {
			c.name, _, _ = bytes.Cut(statement[skipped+len(a.text):], []byte{' '})
		} else if rest, ok := bytes.CutPrefix(text, []byte("interface ")); ok {
			c.name = statement[skipped+len(text)-len(rest):]
		}
		c.hash = digest(statement)
		return c
	}
	if h := digest(statement); h != nil && (bytes.Contains(text, []byte("md5")) || bytes.Contains(text, []byte("sha")) || bytes.Contains(bytes.ToLower(path), []byte("verify "))) {
		return class{kind: KindImage, hash: h}
	}
	lower := bytes.ToLower(path)
	for _, w := range within {
		if i := bytes.Index(lower, []byte(w.text)); i >= 0 && len(lower) == len(path) {
			return class{kind: w.kind, name: lastName(path)}
		}
	}
	return class{kind: KindOther}
}

// lastName gives the name of the innermost section: its last word.
func lastName(path []byte) []byte {
	if i := bytes.LastIndex(path, []byte(" > ")); i >= 0 {
		path = path[i+3:]
	}
	if i := bytes.LastIndexByte(path, ' '); i >= 0 {
		path = path[i+1:]
	}
	return bytes.Trim(path, `"`)
}

// digest finds a word of hexadecimal digits as long as a hash: MD5, SHA-1, SHA-256 or SHA-512.
func digest(b []byte) []byte {
	for _, w := range bytes.Fields(b) {
		w = bytes.Trim(w, "()[]=:,;\"'")
		switch len(w) {
		case 32, 40, 64, 128:
		default:
			continue
		}
		hex := true
		for _, c := range w {
			hex = hex && ('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F')
		}
		if hex {
			return bytes.ToLower(w)
		}
	}
	return nil
}
