package trail

import (
	"bytes"
	"net/netip"
)

// Constructors of what network devices and gateways tell: connections they let through, remote access, accounting, administration.
// Products name things differently (sources.go lists the names); what a line means follows from which of them are filled.

// Types of logon that are not Windows' own, carried by the edge to the account as Windows' types are.
const (
	remoteAccess  = 98 // a tunnel or portal of a gateway
	console       = 97 // a shell or the administration of a device or of Unix
	databaseLogon = 96
)

func deviceFlow(r *row) {
	r.flow(plainAddress(bytes.Clone(r.get("src_ip"))), r.get("src_port"), plainAddress(bytes.Clone(r.get("dst_ip"))), r.get("bytes_sent"))
}

// deviceNode stands for a network device or gateway as a thing that is reached, fails and is changed.
func (r *row) deviceNode() Node {
	return r.node(Device, r.deviceName(), []byte("(device)"))
}

// askedDevice is the device on whose behalf an accounting server speaks.
func (r *row) askedDevice() []byte {
	d := bytes.Clone(r.get("device"))
	if ip := plainAddress(d); len(ip) > 0 {
		return ip
	}
	return shortHost(bytes.Clone(bytes.TrimSpace(d)))
}

// accessSession is a session of remote access or of administration: by the number that the device gives it, else by who came from where.
func (r *row) accessSession(id, user, ip []byte) Node {
	host := r.deviceName()
	if len(id) > 0 && string(id) != "0" {
		return r.node(Session, host, append([]byte("number "), id...))
	}
	return r.node(Session, host, append(append(bytes.Clone(user), " from "...), ip...))
}

// moment is what an action or status says of a session.
type moment uint8

const (
	unsaid moment = iota
	begins
	goesOn
	ends
	fails
)

// momentOf reads the words in which products tell the state of a session. "tunnel-down" and "Acct-Status-Type = Stop" end one; words of
// failing come first, since "login-fail" begins like "login".
func momentOf(words ...[]byte) moment {
	first := unsaid
	for _, w := range words {
		w = lower(bytes.Clone(w))
		for _, x := range momentWords {
			if (len(x.word) == 1 && len(w) == 1 || len(x.word) > 1) && bytes.Contains(w, []byte(x.word)) {
				if x.is == fails {
					return fails
				}
				if first == unsaid {
					first = x.is
				}
				break
			}
		}
	}
	return first
}

var momentWords = []struct {
	word string
	is   moment
}{
	{"fail", fails}, {"denied", fails}, {"deny", fails}, {"reject", fails}, {"invalid", fails}, {"refus", fails}, {"incorrect", fails}, {"unsuccess", fails}, {"exit-error", fails}, {"error", fails},
	{"interim", goesOn}, {"alive", goesOn}, {"update", goesOn}, {"stats", goesOn},
	{"down", ends}, {"stop", ends}, {"logout", ends}, {"logoff", ends}, {"disconnect", ends}, {"released", ends}, {"release", ends}, {"terminat", ends}, {"closed", ends}, {"close", ends},
	{"tunnel-up", begins}, {"start", begins}, {"connect", begins}, {"login", begins}, {"logon", begins}, {"assign", begins}, {"accept", begins}, {"success", begins}, {"established", begins}, {"up", begins}, {"allow", begins},
	{"1", begins}, {"2", ends}, {"3", goesOn}, // Acct-Status-Type as a number
}

// deviceEvent reads a line of a device, a gateway or an accounting server.
func deviceEvent(r *row) {
	ip := plainAddress(bytes.Clone(r.get("src_ip")))
	if len(ip) == 0 { // "https(192.0.2.1)", "User 'x' authenticated. From: 192.0.2.1."
		if ip = addressWithin(r.get("interface")); len(ip) == 0 {
			ip = addressWithin(r.get("opaque"))
		}
	}
	user := accountName(bytes.Clone(r.get("user")))
	assigned := plainAddress(bytes.Clone(r.get("assigned_ip")))
	if dst := plainAddress(bytes.Clone(r.get("dst_ip"))); len(dst) > 0 && len(ip) > 0 && len(assigned) == 0 {
		r.flow(ip, r.get("src_port"), dst, r.get("bytes_sent"))
	}
	from := r.node(Address, nil, ip)
	device := r.deviceNode()
	at := momentOf(r.get("action"), r.get("status"), r.get("mnemonic"))
	if at == fails {
		if len(user) > 0 {
			r.edge(from, RefusedLogon, r.node(Account, nil, user))
		}
		r.failed(from, device)
		return
	}
	if at == ends && len(r.get("command")) > 0 { // accounting of commands tells the end of each
		at = goesOn
	}
	by := r.deviceSession(at, user, ip, assigned)
	if by == noNode {
		r.edge(from, Reached, device)
	}
	r.failed(from, device)
	r.deviceChange(by, from, device)
}

// failed notes that a program of the device broke, and on whose traffic when the line says so.
func (r *row) failed(from, device Node) {
	if !broken(r.get("action")) && !broken(r.get("name")) {
		return
	}
	if from != noNode {
		r.edge(from, Failed, device)
		return
	}
	r.edge(device, Failed, noNode)
}

// deviceSession notes the session that a line speaks of, and the address that was assigned to it.
func (r *row) deviceSession(at moment, user, ip, assigned []byte) Node {
	id := bytes.TrimSpace(r.get("session"))
	if len(user) == 0 && (len(id) == 0 || len(assigned) == 0) {
		return noNode
	}
	if len(ip) == 0 && len(assigned) == 0 && len(id) == 0 { // an administrator at the device itself, or a line that says not whence
		return noNode
	}
	s := r.accessSession(id, user, ip)
	kind := uint32(console)
	if len(assigned) > 0 || r.speaksOfAccess() {
		kind = remoteAccess
	}
	if len(ip) > 0 { // of an end too: its beginning may be lost
		r.edge(r.node(Address, nil, ip), LoggedOn, s)
		r.edge(r.socket(ip, r.get("src_port")), LoggedOn, s)
		r.edge(r.pair(ip, r.deviceName()), LoggedOn, s)
		r.edge(r.userPair(user, r.deviceName()), LoggedOn, s)
	}
	r.counted(s, OfAccount, r.node(Account, nil, user), kind)
	lasted, _ := number(r.get("duration"))
	if len(assigned) > 0 {
		if at != ends && at != goesOn {
			lasted = 0
		}
		r.counted(s, Assigned, r.node(Address, nil, assigned), uint32(min(lasted, 1<<31)))
	}
	if at == ends {
		r.counted(s, LoggedOff, noNode, 1)
	}
	return s
}

// speaksOfAccess says whether a log is of remote access rather than of administration.
func (r *row) speaksOfAccess() bool {
	switch r.b.Schema.Source.Service {
	case "vpn", "globalprotect", "radius", "sslvpnd":
		return true
	}
	return bytes.EqualFold(r.get("subtype"), []byte("vpn"))
}

// broken says whether words tell that a program of the device crashed or was fed what it could not take.
func broken(words []byte) bool {
	words = lower(bytes.Clone(words))
	for _, w := range []string{"crash", "signal 11", "segfault", "core dump", "exit-error", "exit error", "traceback", "overflow", "exploit", "stack smash"} {
		if bytes.Contains(words, []byte(w)) {
			return true
		}
	}
	return false
}

// deviceChange notes commands and changes of configuration: who made them, what they name, and the accounts they make.
func (r *row) deviceChange(by, from, device Node) {
	actor := by
	if actor == noNode {
		switch user := accountName(bytes.Clone(r.get("user"))); {
		case from != noNode:
			actor = from
		case len(user) > 0: // the line does not say whence; the log of logons does
			actor = r.userPair(user, r.deviceName())
		default:
			actor = device
		}
	}
	command := bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(r.get("command")), []byte("<cr>")))
	path, object := r.get("cfgpath"), r.get("cfgobj")
	if len(command) > 0 {
		r.edge(actor, HasCommand, r.node(Command, nil, command))
		r.commanded(actor, command)
		if changesDevice(command) {
			r.edge(device, Configured, r.node(Setting, r.deviceName(), lower(bytes.Clone(command))))
		}
		if name := madeByCommand(command); len(name) > 0 {
			r.madeOnDevice(actor, from, device, name)
		}
	}
	if len(path) == 0 {
		return
	}
	setting := append(append(lower(bytes.Clone(path)), ' '), lower(bytes.Clone(object))...)
	r.edge(actor, Configured, r.node(Setting, r.deviceName(), setting))
	if from != noNode && actor != from {
		r.edge(from, Configured, r.node(Setting, r.deviceName(), setting))
	}
	r.commanded(actor, r.get("cfgattr"))
	if name := madeByPath(path, object, append(append(bytes.Clone(r.get("action")), ' '), r.get("command")...)); len(name) > 0 {
		r.madeOnDevice(actor, from, device, name)
	}
}

// deviceName is the device that a line is about: the one for which an accounting server wrote it, whatever that server is called, or the one
// that wrote it.
func (r *row) deviceName() []byte {
	if d := r.askedDevice(); len(d) > 0 {
		return d
	}
	return r.host
}

func (r *row) madeOnDevice(actor, from, device Node, name []byte) {
	a := r.account(bytes.Trim(bytes.Clone(name), `"'`))
	r.edge(device, MadeAccount, a)
	r.edge(from, MadeAccount, a)
	if actor != from && actor != device {
		r.edge(actor, MadeAccount, a)
	}
}

// commanded notes the addresses and names of other machines that a command of a device names: where a tunnel leads, where a file goes.
func (r *row) commanded(by Node, text []byte) {
	for word := range bytes.FieldsFuncSeq(text, func(c rune) bool {
		return c == ' ' || c == ',' || c == '[' || c == ']' || c == '"' || c == '(' || c == ')' || c == '<' || c == '>'
	}) {
		if _, rest, ok := bytes.Cut(word, []byte("://")); ok {
			word, _, _ = bytes.Cut(rest, []byte{'/'})
			if ip := plainAddress(bytes.Clone(word)); len(ip) == 0 && bytes.IndexByte(word, '.') > 0 {
				r.edge(by, Mentioned, r.node(Name, nil, dnsName(word)))
				continue
			}
		}
		word, _, _ = bytes.Cut(word, []byte{'/'})
		ip, err := netip.ParseAddr(string(bytes.TrimSpace(word)))
		if err != nil || ip.IsMulticast() || ip.IsUnspecified() || ip.Is4() && ip.As4()[0] == 255 {
			continue
		}
		n := r.node(Address, nil, plainAddress([]byte(ip.String())))
		r.edge(by, Mentioned, n)
		if passesOn(text) {
			r.edge(by, PassedOn, n)
		}
	}
}

// passesOn says whether a command makes a device hand traffic on to the address that it names.
func passesOn(text []byte) bool {
	t := lower(bytes.Clone(text))
	for _, w := range []string{"tunnel destination", "destination ", "remote-gw", "remote ", "peer ", "set peer", "nat ", "ip nat", "static (", "extip", "mappedip", "port-forward", "portproxy", "connectaddress", "xconnect", "vxlan", "forward"} {
		if bytes.Contains(t, []byte(w)) {
			return true
		}
	}
	return false
}

// changesDevice says whether a command does more than show.
func changesDevice(command []byte) bool {
	word, _, _ := bytes.Cut(lower(bytes.Clone(command)), []byte{' '})
	switch string(word) {
	case "show", "sh", "display", "dis", "ping", "traceroute", "exit", "end", "quit", "enable", "get", "terminal", "dir", "more", "configure", "system-view", "conf", "login", "who":
		return false
	}
	return true
}

// madeByCommand gives the account that a command of a device makes, in the words of the makers' command lines.
func madeByCommand(command []byte) []byte {
	words := bytes.Fields(lower(bytes.Clone(command)))
	for i, w := range words {
		next := func(n int) []byte {
			if i+n < len(words) {
				return words[i+n]
			}
			return nil
		}
		switch string(w) {
		case "no", "undo", "delete":
			return nil
		case "username", "local-user": // Cisco, Huawei, H3C
			if i <= 1 && !bytes.Equal(next(1), []byte("prompt")) {
				return next(1)
			}
		case "user": // Junos: set system login user; NetScaler: add system user; FortiOS: config user local
			if i >= 2 && (bytes.Equal(words[i-1], []byte("login")) || bytes.Equal(words[0], []byte("add"))) {
				return next(1)
			}
		case "users": // PAN-OS: set mgt-config users
			if i >= 1 && bytes.Equal(words[i-1], []byte("mgt-config")) {
				return next(1)
			}
		}
	}
	return nil
}

// madeByPath gives the account that a change of configuration makes.
func madeByPath(path, object, action []byte) []byte {
	path, action = lower(bytes.Clone(path)), lower(bytes.Clone(action))
	if !bytes.Contains(action, []byte("add")) && !bytes.Contains(action, []byte("set")) && !bytes.Contains(action, []byte("create")) && !bytes.Contains(action, []byte("edit")) && !bytes.Contains(action, []byte("commit")) {
		return nil
	}
	switch {
	case bytes.Equal(path, []byte("user.local")), bytes.Equal(path, []byte("system.admin")), bytes.Equal(path, []byte("system.api-user")), bytes.Equal(path, []byte("user.peer")):
		if bytes.Contains(action, []byte("add")) {
			return object
		}
	case bytes.Contains(path, []byte("mgt-config users")), bytes.Contains(path, []byte("mgt-config/users")), bytes.Contains(path, []byte("local-user-database")):
		if i := bytes.LastIndex(path, []byte("entry[@name='")); i >= 0 {
			name, _, _ := bytes.Cut(path[i+len("entry[@name='"):], []byte{'\''})
			return name
		}
		words := bytes.FieldsFunc(path, func(c rune) bool { return c == ' ' || c == '/' })
		for i, w := range words {
			if (string(w) == "users" || string(w) == "user") && i+1 < len(words) {
				return words[i+1]
			}
		}
	}
	return nil
}

// addressWithin gives the first address that stands in a text, in parentheses or between blanks.
func addressWithin(text []byte) []byte {
	for word := range bytes.FieldsFuncSeq(text, func(c rune) bool {
		return c == ' ' || c == '(' || c == ')' || c == '\'' || c == ',' || c == '[' || c == ']'
	}) {
		word = bytes.TrimRight(word, ".;")
		if len(word) < 7 {
			continue
		}
		if _, err := netip.ParseAddr(string(word)); err == nil {
			return plainAddress(bytes.Clone(word))
		}
	}
	return nil
}
