package trail

import "bytes"

// Constructors of what Linux tells: the audit daemon, OpenSSH, sudo, accounts.

// audited reads an event of the audit daemon. Its lines are one row with lists; a collector that cut them apart gives a row each, which then
// carry one time and stand together, and only SYSCALL names the process.
func audited(r *row) {
	has := map[string]bool{}
	r.each("type", func(_ int, v []byte) { has[string(v)] = true })
	switch {
	case has["USER_LOGIN"] || has["USER_START"] || has["LOGIN"] || has["USER_AUTH"] || has["USER_ACCT"]:
		r.auditedLogon(has)
		return
	case has["ADD_USER"]:
		r.edge(r.session(r.get("ses")), MadeAccount, r.account(r.get("acct")))
		r.edge(r.pid(r.get("pid")), MadeAccount, r.account(r.get("acct")))
		return
	case has["USER_CMD"]: // sudo
		p := r.pid(r.get("pid"))
		r.command(p, nil, r.get("cmd"))
		return
	}
	if has["SYSCALL"] {
		r.c.audited, r.c.auditAt = r.auditedCall(), r.time
	}
	if r.c.auditAt != r.time || r.c.audited == noNode {
		return
	}
	p := r.c.audited
	if has["EXECVE"] || has["PROCTITLE"] && r.executes() {
		line := r.arguments(has["SYSCALL"])
		if len(line) == 0 {
			line = bytes.Clone(r.get("proctitle"))
		}
		word, _, _ := bytes.Cut(line, []byte{' '})
		r.command(p, word, line)
	}
	if has["PATH"] {
		r.auditedPaths(p)
	}
	if has["SOCKADDR"] {
		ip := plainAddress(bytes.Clone(r.get("laddr")))
		switch string(r.call()) {
		case "accept", "accept4", "43", "288", "recvfrom", "45":
			r.edge(r.node(Address, nil, ip), Connected, p)
			r.edge(r.socket(ip, r.get("lport")), Accepted, p)
		case "bind", "49":
		default:
			r.edge(p, Connected, r.node(Address, nil, ip))
			r.edge(p, Opened, r.pair(r.host, ip))
		}
	}
}

func (r *row) call() []byte {
	if c := r.get("SYSCALL"); len(c) > 0 {
		return c
	}
	return r.get("syscall")
}

func (r *row) executes() bool {
	switch string(r.call()) {
	case "execve", "execveat", "59", "322", "221", "11":
		return true
	}
	return false
}

func (r *row) auditedCall() Node {
	if bytes.Equal(r.get("success"), []byte("no")) {
		return noNode
	}
	exe := r.get("exe")
	if !r.executes() {
		p := r.pid(r.get("pid"))
		r.runs(p, exe)
		return p
	}
	p := r.started(r.get("pid"), exe)
	r.edge(r.pid(r.get("ppid")), Started, p)
	r.freshProgram(p, exe)
	r.runs(p, exe)
	if n, ok := number(r.get("ses")); ok && n < 1<<31 {
		r.edge(p, InSession, r.session(r.get("ses")))
	}
	if (webUsers[string(lower(bytes.Clone(r.get("uid"))))] || r.ofDaemon()) && shells[string(baseName(cleanPath(exe)))] {
		r.edge(r.node(Service, r.host, []byte(webServerName)), Started, p)
	}
	return p
}

// ofDaemon says whether an account that distributions give to services acts, and nobody logged on nor did a job begin: what a service starts by itself.
func (r *row) ofDaemon() bool {
	uid, ok := number(r.get("uid"))
	if !ok || uid < 100 || uid > 999 {
		return false
	}
	ses, ok := number(r.get("ses"))
	return ok && ses >= 1<<31
}

// webUsers are the accounts in which web servers run, by name or, where the log has numbers only, by the numbers that distributions give them. What such
// an account starts, the web server started: its own name does not stand in the event.
var webUsers = set("www-data apache nginx httpd tomcat www wwwrun 33 48")

// arguments puts the words of EXECVE together. Beside SYSCALL, whose registers have the same names, each is the last of its list.
func (r *row) arguments(beside bool) (line []byte) {
	for _, name := range argumentNames {
		var word []byte
		n := 0
		r.each(name, func(_ int, v []byte) { word, n = v, n+1 })
		if n == 0 || beside && n < 2 && name[1] < '4' && len(name) == 2 {
			break
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		line = append(line, word...)
	}
	return line
}

var argumentNames = []string{"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11"}

// auditedPaths: what was made, deleted or opened for writing. A path that is not absolute lies in the working directory.
func (r *row) auditedPaths(p Node) {
	var kinds, names [][]byte
	r.each("nametype", func(_ int, v []byte) { kinds = append(kinds, v) })
	r.each("name", func(_ int, v []byte) { names = append(names, v) })
	if len(kinds) != len(names) { // a name was not known; the last is the thing itself
		if len(kinds) == 0 || len(names) == 0 {
			return
		}
		kinds, names = kinds[len(kinds)-1:], names[len(names)-1:]
	}
	for i, kind := range kinds {
		path := names[i]
		if dir := r.get("cwd"); len(path) > 0 && path[0] != '/' && len(dir) > 0 {
			path = append(append(bytes.Clone(dir), '/'), bytes.TrimPrefix(path, []byte("./"))...)
		}
		if len(path) < 2 || path[0] != '/' {
			continue
		}
		switch string(kind) {
		case "CREATE":
			r.wrote(p, cleanPath(path))
		case "DELETE":
			r.edge(p, Deleted, r.file_(path))
		case "NORMAL":
			if r.opensToWrite() {
				r.wrote(p, cleanPath(path))
			} else if !r.executes() {
				r.edge(p, ReadFrom, r.file_(path))
			}
		}
	}
}

// opensToWrite looks at the flags of open and openat, which the audit log writes in hexadecimal.
func (r *row) opensToWrite() bool {
	flags := ""
	switch string(r.call()) {
	case "open", "2":
		flags = "a1"
	case "openat", "257", "56":
		flags = "a2"
	default:
		return false
	}
	n, ok := number(append([]byte("0x"), r.get(flags)...))
	return ok && n&3 != 0
}

// auditedLogon: who came from where into which session of the audit system.
func (r *row) auditedLogon(has map[string]bool) {
	ip := plainAddress(bytes.Clone(r.get("addr")))
	user := accountName(bytes.Clone(r.get("acct")))
	a := r.node(Account, nil, user)
	if res := r.get("res"); bytes.Equal(res, []byte("failed")) || bytes.Equal(res, []byte("0")) && has["USER_LOGIN"] {
		r.edge(r.node(Address, nil, ip), RefusedLogon, a)
		return
	}
	if n, ok := number(r.get("ses")); !ok || n >= 1<<31 {
		return
	}
	s := r.session(r.get("ses"))
	if len(ip) > 0 {
		r.edge(r.node(Address, nil, ip), LoggedOn, s)
		r.edge(r.pair(ip, r.host), LoggedOn, s)
		r.edge(r.userPair(user, r.host), LoggedOn, s)
	}
	if len(user) > 0 {
		r.counted(s, OfAccount, a, console)
	}
}

// shellLogon is OpenSSH's word on a logon. The session is joined to the shell that the daemon starts by account and moment, and by the daemon's process
// where the audit log tells of its children; to the client that asked for it by account and moment.
func shellLogon(r *row) {
	deviceEvent(r)
	user, ip := accountName(bytes.Clone(r.get("user"))), plainAddress(bytes.Clone(r.get("src_ip")))
	if len(user) == 0 || len(ip) == 0 || momentOf(r.get("action"), r.get("status")) != begins {
		return
	}
	s := r.accessSession(nil, user, ip)
	r.edge(r.secureShell(user), LoggedOn, s)
	if p := r.pid(r.get("pid")); p != noNode {
		r.runs(p, []byte("/usr/sbin/sshd"))
		r.edge(p, InSession, s)
	}
}

// secureShell joins a client that asks for a logon as somebody with the logon, in those seconds.
func (r *row) secureShell(user []byte) Node {
	return r.node(Pair, nil, userAt(user, '>', []byte(secureShellMark)))
}

const secureShellMark = "(secure shell)"

// sudoCommand: the message carries the process id of sudo, whose child the command is.
func sudoCommand(r *row) {
	line := r.get("COMMAND")
	if len(line) == 0 {
		return
	}
	p := r.pid(r.get("pid"))
	if p == noNode {
		p = r.userPair(accountName(bytes.Clone(r.get("user"))), r.host)
	} else {
		r.runs(p, []byte("/usr/bin/sudo"))
	}
	r.command(p, nil, line)
}

// accountTool is what useradd and its relatives say.
func accountTool(r *row) {
	if bytes.Equal(r.get("action"), []byte("new user")) {
		r.edge(r.pid(r.get("pid")), MadeAccount, r.account(r.get("name")))
		r.edge(r.deviceNode(), MadeAccount, r.account(r.get("name")))
	}
}
