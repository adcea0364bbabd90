package trail

import "bytes"

// Constructors of logons, accounts, shares, services and tasks.

func userAt(user []byte, by byte, place []byte) []byte {
	if len(user) == 0 || len(place) == 0 {
		return nil
	}
	return append(append(append([]byte("user:"), user...), by), place...)
}

// userPair joins what speaks of one account towards one host.
func (r *row) userPair(user, host []byte) Node {
	v := userAt(user, '>', host)
	return r.node(Pair, nil, v)
}

// userFrom joins what speaks of one account from one workstation.
func (r *row) userFrom(user, workstation []byte) Node {
	v := userAt(user, '@', workstation)
	return r.node(Pair, nil, v)
}

// logon is 4624. The edge to the account carries the type of logon as its count.
func logon(r *row) {
	s := r.session(r.get("TargetLogonId"))
	user := accountName(bytes.Clone(r.get("TargetUserName")))
	kind, _ := number(r.get("LogonType"))
	r.counted(s, OfAccount, r.node(Account, nil, user), uint32(min(kind, 99)))
	ip := plainAddress(bytes.Clone(r.get("IpAddress")))
	switch kind {
	case 3, 8, 9, 10:
		r.edge(r.socket(ip, r.get("IpPort")), LoggedOn, s)
		r.edge(r.pair(ip, r.host), LoggedOn, s)
		r.edge(r.userPair(user, r.host), LoggedOn, s)
		if w := shortHost(bytes.Clone(r.get("WorkstationName"))); len(w) > 0 && !bytes.Equal(w, r.host) {
			r.edge(r.userFrom(user, w), LoggedOn, s)
			if private(ip) {
				r.ownedBy(w, ip)
			}
		} else if len(w) == 0 {
			r.edge(r.userFrom(user, ip), LoggedOn, s)
		}
		r.edge(r.node(Address, nil, ip), LoggedOn, s)
	}
	if kind == 9 {
		r.edge(r.pid(r.get("ProcessId")), LoggedOn, s)
	}
}

func logonRefused(r *row) {
	user := accountName(bytes.Clone(r.get("TargetUserName")))
	a := r.node(Account, nil, user)
	ip := plainAddress(bytes.Clone(r.get("IpAddress")))
	r.edge(r.socket(ip, r.get("IpPort")), RefusedLogon, a)
	r.edge(r.pair(ip, r.host), RefusedLogon, a)
	r.edge(r.userFrom(user, shortHost(bytes.Clone(r.get("WorkstationName")))), RefusedLogon, a)
	r.edge(r.node(Address, nil, ip), RefusedLogon, a)
}

func logoff(r *row) { r.edge(r.session(r.get("TargetLogonId")), LoggedOff, noNode) }

// privileges is 4672. Who logs on over the network and may do everything may install what starts programs; System's log of a new service does not say
// who did.
func privileges(r *row) {
	s := r.session(r.get("SubjectLogonId"))
	r.edge(s, Gained, noNode)
	if !systemSession(string(lower(bytes.Clone(r.get("SubjectLogonId"))))) {
		r.edge(s, Opened, r.rulers())
	}
}

// rulers stands for the logons to a host that may do everything there.
func (r *row) rulers() Node { return r.node(Pair, nil, append([]byte(rulersMark), r.host...)) }

const rulersMark = "privileged logons to "

func credentialsUsed(r *row) {
	user := accountName(bytes.Clone(r.get("TargetUserName")))
	to := shortHost(bytes.Clone(r.get("TargetServerName")))
	p := r.pidOf(r.get("ProcessId"), r.get("ProcessName"))
	r.runs(p, r.get("ProcessName"))
	if bytes.Equal(to, []byte("localhost")) {
		to = r.host
	}
	r.edge(p, UsedLogon, r.userPair(user, to))
	r.edge(r.session(r.get("SubjectLogonId")), UsedLogon, r.userPair(user, to))
	if !bytes.Equal(to, r.host) {
		r.edge(p, Opened, r.pair(r.host, to))
	}
}

func ticket(r *row) {
	user := accountName(bytes.Clone(r.get("TargetUserName")))
	ip := plainAddress(bytes.Clone(r.get("IpAddress")))
	if machine, ok := bytes.CutSuffix(user, []byte{'$'}); ok && private(ip) { // a host's own ticket
		r.ownedBy(machine, ip)
	}
	r.edge(r.node(Address, nil, ip), Checked, r.node(Account, nil, user))
	if host, ok := bytes.CutSuffix(lower(bytes.Clone(r.get("ServiceName"))), []byte{'$'}); ok && len(user) > 0 && user[len(user)-1] != '$' && !bytes.Equal(host, r.host) {
		r.edge(r.userPair(user, host), Checked, r.node(Account, nil, user)) // and then a logon there
	}
}

func passwordChecked(r *row) {
	user := accountName(bytes.Clone(r.get("TargetUserName")))
	r.edge(r.userFrom(user, shortHost(bytes.Clone(r.get("Workstation")))), Checked, r.node(Account, nil, user))
}

func objectAccessed(r *row) {
	p := r.pidOf(r.get("ProcessId"), r.get("ProcessName"))
	r.runs(p, r.get("ProcessName"))
	object := r.get("ObjectName")
	switch string(r.get("ObjectType")) {
	case "File":
		rel := ReadFrom
		if writes(r.get("AccessMask")) {
			rel = Wrote
		}
		r.edge(p, rel, r.file_(object))
	case "Process": // \Device\HarddiskVolume2\Windows\System32\lsass.exe
		r.edge(p, Accessed, r.file_(object))
	case "Key":
		if writes(r.get("AccessMask")) {
			r.edge(p, SetValue, r.node(Registry, r.host, lower(bytes.Clone(object))))
		}
	}
}

// writes says whether an access mask asks to write data, append or delete.
func writes(mask []byte) bool {
	n, ok := number(mask)
	return ok && n&(0x2|0x4|0x10000) != 0
}

func shareOpened(r *row) {
	s := r.session(r.get("SubjectLogonId"))
	ip := plainAddress(bytes.Clone(r.get("IpAddress")))
	r.edge(r.socket(ip, r.get("IpPort")), Accepted, s)
	share := lower(bytes.Clone(baseName(r.get("ShareName"))))
	name := r.get("RelativeTargetName")
	if string(share) == "ipc$" {
		r.edge(s, UsedPipe, r.node(Pipe, r.host, append([]byte{'\\'}, lower(bytes.Clone(name))...)))
		return
	}
	local := cleanPath(r.get("ShareLocalPath"))
	if len(local) == 0 {
		local = localShare(append(share, '\\'))
	}
	rel := ReadFrom
	if writes(r.get("AccessMask")) {
		rel = Wrote
	}
	if len(name) > 0 {
		local = append(append(bytes.TrimRight(local, `\`), '\\'), lower(bytes.Clone(name))...)
	}
	r.edge(s, rel, r.node(File, r.host, bytes.TrimRight(local, `\`)))
}

func serviceInstalled(r *row) {
	svc := r.node(Service, r.host, lower(bytes.Clone(r.get("ServiceName"))))
	image := r.get("ImagePath")
	if len(image) == 0 {
		image = r.get("ServiceFileName")
	}
	r.edge(svc, Runs, r.file_(program(image)))
	if r.id == 7045 && !installed(string(cleanPath(program(image)))) {
		r.edge(svc, Opened, r.rulers())
	}
	r.edge(svc, HasCommand, r.node(Command, nil, image))
	r.edge(r.session(r.get("SubjectLogonId")), Installed, svc)
	mentions(image, func(m mention) {
		if m.kind == File && len(m.host) == 0 {
			r.edge(svc, Mentioned, r.node(File, r.host, m.value))
		}
	})
}

func serviceState(r *row) {
	name := r.get("param1")
	if short := r.get("param4"); len(short) > 0 {
		name = short
	}
	r.edge(r.node(Service, r.host, lower(bytes.Clone(name))), Changed, noNode)
}

func (r *row) task() Node {
	name := lower(bytes.Clone(r.get("TaskName")))
	if len(name) > 0 && name[0] != '\\' {
		name = append([]byte{'\\'}, name...)
	}
	return r.node(Task, r.host, name)
}

func taskMade(r *row) {
	t := r.task()
	r.edge(r.session(r.get("SubjectLogonId")), Installed, t)
	r.edge(t, Changed, noNode)
	xml := r.get("TaskContent")
	if len(xml) == 0 {
		xml = r.get("TaskContentNew")
	}
	command, arguments := element(xml, "Command"), element(xml, "Arguments")
	if len(command) == 0 {
		return
	}
	r.edge(t, Runs, r.file_(command))
	line := append(append(bytes.Clone(command), ' '), arguments...)
	r.edge(t, HasCommand, r.node(Command, nil, line))
	mentions(arguments, func(m mention) {
		if m.kind == File && len(m.host) == 0 {
			r.edge(t, Mentioned, r.node(File, r.host, m.value))
		}
	})
}

// element gives the text of the first element of a name in a task's definition.
func element(xml []byte, name string) []byte {
	_, rest, ok := bytes.Cut(xml, []byte("<"+name+">"))
	if !ok {
		return nil
	}
	v, _, ok := bytes.Cut(rest, []byte("</"+name+">"))
	if !ok || len(v) > 4096 {
		return nil
	}
	for _, e := range [][2]string{{"&quot;", `"`}, {"&lt;", "<"}, {"&gt;", ">"}, {"&apos;", "'"}, {"&amp;", "&"}} {
		v = bytes.ReplaceAll(v, []byte(e[0]), []byte(e[1]))
	}
	return v
}

func taskState(r *row) { r.edge(r.task(), Changed, noNode) }

func taskRan(r *row) {
	t := r.task()
	path := r.get("Path")
	if len(path) == 0 {
		path = r.get("ActionName")
	}
	r.edge(t, Changed, noNode)
	r.edge(t, Runs, r.file_(program(path)))
	r.edge(t, RanAs, r.pid(r.get("ProcessID")))
}

func accountMade(r *row) {
	a := r.account(r.get("TargetUserName"))
	r.edge(r.session(r.get("SubjectLogonId")), MadeAccount, a)
}

func memberAdded(r *row) {
	member := accountName(bytes.Clone(r.get("MemberName")))
	r.edge(r.session(r.get("SubjectLogonId")), AddedMember, r.node(Account, nil, member))
}

func logCleared(r *row) {
	name := r.get("Channel")
	if len(name) == 0 {
		name = []byte("Security")
	}
	l := r.node(Log, r.host, lower(bytes.Clone(name)))
	s := r.session(r.get("SubjectLogonId"))
	if s == noNode {
		r.edge(r.userPair(accountName(bytes.Clone(r.get("SubjectUserName"))), r.host), Cleared, l)
		return
	}
	r.edge(s, Cleared, l)
}

// remoteSession is a desktop session told by Terminal Services, which know no logon id.
func remoteSession(r *row) {
	user, from := r.get("User"), r.get("Address")
	if r.id == 1149 {
		user, from = r.get("Param1"), r.get("Param3")
	}
	ip := plainAddress(bytes.Clone(from))
	name := accountName(bytes.Clone(user))
	if len(ip) == 0 {
		return
	}
	desk := r.node(Session, r.host, append(append([]byte("desktop "), name...), append([]byte(" from "), ip...)...))
	r.edge(r.pair(ip, r.host), LoggedOn, desk)
	r.edge(r.userPair(name, r.host), LoggedOn, desk)
}
