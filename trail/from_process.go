package trail

import (
	"bytes"
)

// Constructors of what processes do: Sysmon, the audit log's process events, PowerShell.

// actor gives the process of a Sysmon event, and says which program it runs.
func actor(r *row) Node {
	p := r.process(r.get("ProcessGuid"), r.get("ProcessId"), r.get("Image"), false)
	r.runs(p, r.get("Image"))
	return p
}

// runs says which program a process runs.
func (r *row) runs(p Node, image []byte) {
	if len(image) == 0 || p == noNode {
		return
	}
	path := cleanPath(image)
	r.once(p, RunsImage, r.node(File, r.host, path))
	r.once(p, RunsProgram, r.node(Program, nil, baseName(path)))
}

func (r *row) hash(of Node, hashes []byte) {
	for part := range bytes.SplitSeq(hashes, []byte{','}) {
		name, v, ok := bytes.Cut(part, []byte{'='})
		if !ok {
			name, v = []byte("SHA256"), part
		}
		if bytes.EqualFold(bytes.TrimSpace(name), []byte("SHA256")) && len(v) == 64 {
			r.once(of, HasHash, r.node(Hash, nil, lower(bytes.Clone(v))))
		}
	}
}

func (r *row) command(p Node, image, command []byte) {
	if len(command) == 0 {
		return
	}
	r.edge(p, HasCommand, r.node(Command, nil, bytes.TrimSpace(command)))
	if to := packs(baseName(cleanPath(image)), bytes.TrimSpace(command)); len(to) > 0 {
		r.edge(p, Packed, r.file_(r.absolute(to)))
	}
	r.mentioned(p, baseName(cleanPath(image)), command)
}

// absolute gives a path as a command line names it in the working directory that its event tells, if it does.
func (r *row) absolute(path []byte) []byte {
	if dir := r.get("cwd"); len(dir) > 1 && dir[0] == '/' && path[0] != '/' {
		return append(append(bytes.Clone(dir), '/'), bytes.TrimPrefix(path, []byte("./"))...)
	}
	return path
}

// mentioned notes what a command line or script speaks of, the program itself left out.
func (r *row) mentioned(p Node, base, text []byte) {
	mentions(text, func(m mention) {
		host := r.host
		switch {
		case m.kind != File:
			host = nil
		case len(m.host) > 0:
			host = m.host
			r.edge(p, Opened, r.pair(r.host, m.host))
		}
		if m.kind == File && bytes.Equal(baseName(m.value), base) && len(m.host) == 0 {
			return
		}
		n := r.node(m.kind, host, m.value)
		r.edge(p, Mentioned, n)
		if m.kind == File && len(m.host) == 0 {
			r.received(n, m.value)
		}
	})
	named(base, text, func(kind Kind, host, value []byte) {
		switch {
		case kind == Pair:
			r.edge(p, Opened, r.pair(r.host, value))
		case kind == Session && host == nil: // as somebody, elsewhere
			r.edge(p, UsedLogon, r.userFrom(value, r.host))
		case kind == Session: // of a user on a host, by a client of Secure Shell
			r.edge(p, UsedLogon, r.secureShell(value))
			if a := plainAddress(bytes.Clone(host)); len(a) > 0 {
				host = a
			} else {
				host = shortHost(bytes.Clone(host))
			}
			r.edge(p, Opened, r.pair(r.host, host))
		case kind == Account:
			r.edge(p, Mentioned, r.account(value))
		case len(host) > 0:
			r.edge(p, Mentioned, r.node(kind, host, value))
		default:
			r.edge(p, Mentioned, r.node(kind, r.host, value))
		}
	})
}

func sysmonStart(r *row) {
	p := r.process(r.get("ProcessGuid"), r.get("ProcessId"), r.get("Image"), true)
	parent := r.process(r.get("ParentProcessGuid"), r.get("ParentProcessId"), r.get("ParentImage"), false)
	image := r.get("Image")
	r.edge(parent, Started, p)
	r.freshProgram(p, image)
	r.runs(parent, r.get("ParentImage"))
	r.runs(p, image)
	r.hash(p, r.get("Hashes"))
	r.edge(p, InSession, r.session(r.get("LogonId")))
	r.command(p, image, r.get("CommandLine"))
	r.serverStarts(r.get("ParentImage"), image, p)
	if bytes.HasSuffix(r.get("ParentImage"), []byte("/sshd")) {
		r.edge(p, UsedLogon, r.userPair(accountName(bytes.Clone(r.get("User"))), r.host))
	}
}

func auditedStart(r *row) {
	p := r.started(r.get("NewProcessId"), r.get("NewProcessName"))
	parent := r.pidOf(r.get("ProcessId"), r.get("ParentProcessName"))
	image := r.get("NewProcessName")
	r.edge(parent, Started, p)
	r.freshProgram(p, image)
	r.runs(parent, r.get("ParentProcessName"))
	r.runs(p, image)
	s := r.session(r.get("TargetLogonId")) // the new process's own, when it is another than its maker's
	if s == noNode {
		s = r.session(r.get("SubjectLogonId"))
	}
	r.edge(p, InSession, s)
	r.command(p, image, r.get("CommandLine"))
	r.serverStarts(r.get("ParentProcessName"), image, p)
}

func auditedEnd(r *row) {
	p := r.pidOf(r.get("ProcessId"), r.get("ProcessName"))
	r.runs(p, r.get("ProcessName"))
	r.edge(p, Ended, noNode)
}

func processEnd(r *row)      { r.edge(actor(r), Ended, noNode) }
func processSeen(r *row)     { actor(r) }
func processTampered(r *row) { p := actor(r); r.edge(p, Changed, noNode) }

func processByWMI(r *row) {
	pid := r.get("ProcessID")
	if len(pid) == 0 {
		pid = r.get("processid")
	}
	p := r.pid(pid)
	r.edge(p, Mentioned, r.node(File, r.host, cleanPath(r.get("ProviderPath"))))
	r.edge(p, Mentioned, r.node(WMI, r.host, lower(r.get("Query"))))
}

func driverLoad(r *row) {
	f := r.file_(r.get("ImageLoaded"))
	r.edge(r.pid([]byte("4")), Loaded, f)
}

// imageLoad leaves out signed modules of the system and of installed programs: every process loads hundreds of them.
func imageLoad(r *row) {
	path := cleanPath(r.get("ImageLoaded"))
	if bytes.Equal(r.get("Signed"), []byte("true")) && installed(string(path)) {
		return
	}
	p := actor(r)
	f := r.node(File, r.host, path)
	r.edge(p, Loaded, f)
	r.hash(f, r.get("Hashes"))
}

func processInjected(r *row) {
	r.between(Injected, r.get("SourceProcessGuid"), r.get("TargetProcessGuid"))
}
func processAccessed(r *row) {
	r.between(Accessed, r.get("SourceProcessGUID"), r.get("TargetProcessGUID"))
}

func (r *row) between(rel Relation, from, to []byte) {
	a := r.process(from, r.get("SourceProcessId"), r.get("SourceImage"), false)
	b := r.process(to, r.get("TargetProcessId"), r.get("TargetImage"), false)
	r.runs(a, r.get("SourceImage"))
	r.runs(b, r.get("TargetImage"))
	r.edge(a, rel, b)
}

func fileWritten(r *row) {
	p := actor(r)
	path := cleanPath(r.get("TargetFilename"))
	r.wrote(p, path)
	if contents := r.get("Contents"); len(contents) > 0 { // where a download came from
		mentions(contents, func(m mention) {
			if m.kind == Name || m.kind == Address {
				r.edge(r.node(File, r.host, path), Mentioned, r.node(m.kind, nil, m.value))
			}
		})
	}
	if v, ok := bytes.CutPrefix(path, []byte(`c:\windows\system32\tasks`)); ok {
		r.edge(p, Installed, r.node(Task, r.host, v))
	}
}

// wrote is a file that came to be, with what its place says of it.
func (r *row) wrote(p Node, path []byte) {
	f := r.node(File, r.host, path)
	r.edge(p, Wrote, f)
	r.received(f, path)
	name := pageName(path)
	if len(name) == 0 && served(path) {
		name = lower(bytes.Clone(baseName(path)))
	}
	if len(name) > 0 {
		r.once(f, ServedAs, r.node(Page, nil, name))
	}
}

// served says whether a path lies in a folder out of which web servers usually serve.
func served(path []byte) bool {
	for _, part := range []string{`\inetpub\`, `\wwwroot\`, `\frontend\httpproxy\`, `\htdocs\`, `\webapps\`, "/var/www/", "/htdocs/", "/webapps/", "/public_html/", "/srv/www/", "/usr/share/nginx/", "/opt/lampp/"} {
		if bytes.Contains(path, []byte(part)) {
			return true
		}
	}
	return false
}

func fileRead(r *row)    { r.edge(actor(r), ReadFrom, r.file_(r.get("Device"))) }
func fileDeleted(r *row) { r.edge(actor(r), Deleted, r.file_(r.get("TargetFilename"))) }

func registrySet(r *row) {
	r.registry(actor(r), r.get("TargetObject"), r.get("Details"))
}

func registryAudited(r *row) {
	p := r.pidOf(r.get("ProcessId"), r.get("ProcessName"))
	r.runs(p, r.get("ProcessName"))
	name := append(append(bytes.Clone(r.get("ObjectName")), '\\'), r.get("ObjectValueName")...)
	r.registry(p, name, r.get("NewValue"))
	r.edge(r.session(r.get("SubjectLogonId")), SetValue, r.node(Registry, r.host, lower(name)))
}

func (r *row) registry(p Node, object, details []byte) {
	key := lower(bytes.Clone(object))
	v := r.node(Registry, r.host, key)
	r.edge(p, SetValue, v)
	if name, ok := serviceOfKey(key); ok {
		s := r.node(Service, r.host, name)
		r.edge(p, SetValue, s)
		if bytes.HasSuffix(key, []byte(`\imagepath`)) || bytes.HasSuffix(key, []byte(`\servicedll`)) {
			r.edge(s, Runs, r.file_(program(details)))
		}
	}
	mentions(details, func(m mention) {
		if m.kind == File && len(m.host) == 0 {
			r.edge(v, Mentioned, r.node(File, r.host, m.value))
		}
	})
}

// serviceOfKey gives the service that a value under …\Services\NAME\ belongs to, when the value decides what the service runs.
func serviceOfKey(key []byte) (name []byte, ok bool) {
	const services = `\services\`
	i := bytes.Index(key, []byte(services))
	if i < 0 || !bytes.Contains(key[:i], []byte("system")) {
		return nil, false
	}
	name, value, _ := bytes.Cut(key[i+len(services):], []byte{'\\'})
	switch string(value) {
	case "imagepath", `parameters\servicedll`, "failurecommand":
		return name, true
	}
	return nil, false
}

func pipe(r *row) { r.edge(actor(r), UsedPipe, r.node(Pipe, r.host, lower(r.get("PipeName")))) }

// wmiPart: filters, consumers and bindings carry no process; what they run joins them to the rest. They are one node by name.
func wmiPart(r *row) {
	name := bytes.Trim(bytes.TrimSpace(r.get("Name")), `"`)
	if len(name) == 0 { // binding: …Consumer.Name="X"
		if _, v, ok := bytes.Cut(r.get("Consumer"), []byte(`Name=`)); ok {
			name = bytes.Trim(v, `"\ `)
		}
	}
	w := r.node(WMI, r.host, lower(bytes.Clone(name)))
	r.edge(w, Changed, noNode)
	if _, v, ok := bytes.Cut(r.get("Filter"), []byte(`Name=`)); ok { // a binding tells both
		r.edge(w, Mentioned, r.node(WMI, r.host, lower(bytes.Trim(bytes.Clone(v), `"\ `))))
	}
	if d := bytes.TrimSpace(r.get("Destination")); len(d) > 0 {
		d = bytes.ReplaceAll(bytes.Trim(d, `"`), []byte(`\\`), []byte(`\`))
		r.edge(w, Runs, r.file_(program(d)))
		r.edge(w, HasCommand, r.node(Command, nil, d))
		mentions(d, func(m mention) {
			if m.kind == File && len(m.host) == 0 && !installed(string(m.value)) {
				r.edge(w, Mentioned, r.node(File, r.host, m.value))
			}
		})
	}
	r.edge(w, OfAccount, r.account(r.get("User")))
}

func wmiBinding(r *row) {
	w := r.node(WMI, r.host, lower(bytes.Clone(r.get("ESS"))))
	r.edge(w, Changed, noNode)
	mentions(r.get("CONSUMER"), func(m mention) {
		if m.kind == File {
			r.edge(w, Runs, r.node(File, r.host, m.value))
		}
	})
}

func scriptBlock(r *row) {
	p := r.pid(r.get("Execution_ProcessID"))
	text := r.get("ScriptBlockText")
	if r.id == 4103 {
		text = r.get("Payload")
	}
	r.edge(p, RanScript, r.node(Script, nil, bytes.TrimSpace(text)))
	r.mentioned(p, nil, text)
	r.edge(p, Mentioned, r.file_(r.get("Path")))
}
