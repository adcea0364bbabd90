package trail

import "strings"

// A folder of installed programs tells that a program is nobody's in particular only as long as installers alone write there. Whoever may do everything
// on a host copies his program there and calls it like one of the system's. What a tool for copying or fetching laid there is no installed program.

// carriers copy, fetch or write what they are told to.
var carriers = set("cp mv scp sftp-server curl wget fetch tee dd cat nc ncat tftp ftp base64 openssl xxd gunzip certutil.exe curl.exe wget.exe bitsadmin.exe powershell.exe pwsh.exe cmd.exe xcopy.exe robocopy.exe ftp.exe tftp.exe expand.exe esentutl.exe")

// brought says whether a carrier wrote a program or library, and nobody whose ordinary work it is.
func (v *view) brought(file Node) bool { return once(v.carried, file, v.wasBrought) }

func (v *view) wasBrought(file Node) bool {
	if file == noNode || v.kind(file) != File || v.established(file) {
		return false
	}
	in, more := v.in(file, never, always)
	if more {
		return false
	}
	for i := range in {
		from := in[i].From
		if k := v.kind(from); k != Process && k != pidRef || !carriers[v.program(from)] {
			continue
		}
		// Written here, or named by a tool on another host, which reached for it through a share: the system there writes it, and not every log tells.
		there := in[i].Rel == Mentioned && v.key(file).host != v.hostOf(from) && dangerous(v.key(file).value)
		if (in[i].Rel == Wrote || there) && !v.authorityAt(in[i].Time).explains(from) {
			return true
		}
	}
	return false
}

// imageFile is the file of the program that a process runs.
func (v *view) imageFile(p Node) Node {
	out, _ := v.out(p, never, always)
	for i := range out {
		if out[i].Rel == RunsImage && v.key(out[i].To).value == v.image(p) {
			return out[i].To
		}
	}
	return noNode
}

func (v *view) broughtProgram(p Node) bool {
	image := v.image(p)
	return strings.ContainsAny(image, `\/`) && installed(image) && v.brought(v.imageFile(p))
}

// stranger says whether a process runs a program that nobody installed, or is a host of services that came to be for such a library.
func (v *view) stranger(p Node) bool {
	return !installed(v.image(p)) || v.broughtProgram(p) || v.library(p) != noNode
}

// hostsService says whether a process is a host of services that came to be for a library: what it does, the library does.
func (v *view) hostsService(p, library Node) bool {
	if library == noNode || v.kind(library) != File || v.program(p) != "svchost.exe" || v.established(p) || v.established(library) {
		return false
	}
	t := v.traitsOf(p)
	return !t.many && t.edges <= 400
}

// library gives the library that was brought and for which a host of services came to be, noNode for none.
func (v *view) library(p Node) Node {
	if v.program(p) != "svchost.exe" {
		return noNode
	}
	return once(v.libraries, p, func(p Node) Node {
		out, _ := v.out(p, never, always)
		for i := range out {
			if out[i].Rel == Loaded && v.hostsService(p, out[i].To) && v.brought(out[i].To) {
				return out[i].To
			}
		}
		return noNode
	})
}

// beyondTunnel says whether a private address was named to a network device in a session of administration before anybody heard of it: what the device was
// told to reach, and not a host of the organisation.
func (v *view) beyondTunnel(n Node) bool {
	k := v.key(n)
	if n == noNode || k.kind != Address || v.g.hostOf[k.value] != "" || v.amongOwn(k.value) {
		return false
	}
	t := v.traitsOf(n)
	if t.many || v.established(n) {
		return false
	}
	in, _ := v.in(n, never, t.first+deviceClock)
	for i := range in {
		if e := &in[i]; (e.Rel == Mentioned || e.Rel == PassedOn) && v.kind(e.From) == Session && v.access(e.From) && v.session(e.From).kind == console {
			return true
		}
	}
	return false
}
