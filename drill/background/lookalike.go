package background

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// Lookalike plays what looks like an intruder and is none: an administrator who repairs a server at night from afar, and a
// penetration test that was ordered. How they go about it, and with what, is drawn. A record of the first is the start "lookalike", one of the
// second "lookalike-test"; from neither an intrusion is to be found.
func Lookalike(of *scene.Scene) {
	s := life{of}
	r := s.Random("background/lookalike")
	day := s.BusyFrom + 3
	work := nightWork{life: s, r: r, h: s.App, se: s.App.Session(s.Administrator(), 3), from: s.Admin.Here()}
	work.play(s.At(day, 22, 10+r.IntN(30), r.IntN(60)))
	test := ordered{life: s, r: r, box: s.Network.Desks + ".250", name: pick(r, []string{"PENTEST", "KALI", "AUDIT-LT1", "DESKTOP-7Q2M9RT"})}
	test.play(s.At(day+1, 10, r.IntN(50), 0))
}

const powershellImage = scene.System32 + `WindowsPowerShell\v1.0\powershell.exe`

// nightWork is the administrator's: the maker's tool is brought to a server, runs, packs what it found, and sends it to the maker.
type nightWork struct {
	life
	r    *rand.Rand
	h    *scene.Host
	se   scene.Session // on the server
	from scene.Endpoint
	at   time.Time
	seen []*scene.Entry
}

func (w *nightWork) note(after time.Duration, entries ...*scene.Entry) []*scene.Entry {
	w.at = w.at.Add(after)
	w.seen = append(w.seen, entries...)
	return entries
}

func (w *nightWork) run(after time.Duration, parent *scene.Process, image, command string, se scene.Session) *scene.Process {
	w.at = w.at.Add(after)
	p, ran := w.Run(w.at, parent, image, command, se)
	w.seen = append(w.seen, ran...)
	return p
}

func (w *nightWork) play(at time.Time) {
	w.at = at
	r, h := w.r, w.h
	tool := pick(r, []string{"Vendor", "Storage", "Queue", "Fabric", "Reservation", "Heap"}) + pick(r, []string{"Trace", "Probe", "Doctor", "Collector", "Snapshot"})
	dir := pick(r, []string{`C:\ProgramData\`, `C:\Windows\Temp\`, `C:\Temp\`, `C:\Users\Public\`}) + tool + `\`
	file := strings.ToLower(tool) + ".exe"
	w.Foreign(file)
	home := w.Admin.Explorer.Session
	shell := w.run(0, w.Admin.Explorer, scene.System32+"cmd.exe", `"C:\Windows\system32\cmd.exe"`, home)
	system := h.Session(scene.System, 5)
	arrive := func(by *scene.Process, port uint16) {
		w.note(time.Second, w.Connect(w.at, by, true, w.from, scene.Peer(h.IP, h.FQDN(), port)))
		w.note(time.Second, w.Logon(w.at, w.se, w.from, w.Admin.Name)...)
	}
	var marks []*scene.Entry // from which one might begin
	var trace, parent *scene.Process
	switch r.IntN(4) {
	case 0: // copied, and made a service
		p := w.run(20*time.Second, shell, scene.System32+"robocopy.exe", `robocopy D:\Tools \\`+h.Name+`\`+strings.Replace(dir, ":", "$", 1)+` `+file, home)
		arrive(p, 445)
		w.note(time.Second, w.Share(w.at, w.se, w.from, "C$", `\??\C:\`, strings.TrimPrefix(dir, `C:\`)+file, 0x2)...)
		w.note(time.Second, w.Create(w.at, h.Svchost, dir+file))
		marks = w.note(27*time.Second, w.Service(w.at, w.se, h, tool, dir+file+" -s", "demand start")...)
		trace = w.run(2*time.Second, h.Services, dir+file, dir+file+" -s", system)
		parent = trace
	case 1: // by the service that everybody uses for that
		p := w.run(20*time.Second, shell, `D:\Tools\psexec64.exe`, `psexec64 \\`+h.Name+` -s -c D:\Tools\`+file+` -accepteula`, home)
		arrive(p, 445)
		w.note(time.Second, w.Share(w.at, w.se, w.from, "ADMIN$", `\??\C:\Windows`, "PSEXESVC.exe", 0x2)...)
		marks = w.note(time.Second, w.Service(w.at, w.se, h, "PSEXESVC", `%SystemRoot%\PSEXESVC.exe`, "demand start")...)
		parent = w.run(time.Second, h.Services, `C:\Windows\PSEXESVC.exe`, `C:\Windows\PSEXESVC.exe`, system)
		w.note(time.Second, w.Create(w.at, parent, `C:\Windows\`+file))
		dir = `C:\Windows\`
		trace = w.run(time.Second, parent, dir+file, `"`+file+`"`, system)
	case 2: // by remote PowerShell
		p := w.run(20*time.Second, shell, powershellImage, `powershell -File D:\Tools\Collect-Case.ps1 -Server `+h.Name, home)
		w.note(time.Second, w.Script(w.at, p, "Copy-Item D:\\Tools\\"+file+" -ToSession $s -Destination "+dir+"\r\nInvoke-Command -Session $s { Start-Process "+dir+file+" -ArgumentList '-s' }", `D:\Tools\Collect-Case.ps1`))
		arrive(p, 5985)
		parent = w.run(time.Second, h.Svchost, scene.System32+"wsmprovhost.exe", `C:\Windows\system32\wsmprovhost.exe -Embedding`, w.se)
		w.note(time.Second, w.Create(w.at, parent, dir+file))
		trace = w.run(2*time.Second, parent, dir+file, dir+file+" -s", w.se)
	default: // at the server's desktop
		w.se = h.Session(w.Administrator(), 10)
		p := w.run(20*time.Second, shell, scene.System32+"mstsc.exe", `mstsc /v:`+h.Name, home)
		arrive(p, 3389)
		w.note(time.Second, w.Remote(w.at, w.se, w.Admin.IP)...)
		desk := w.run(4*time.Second, h.Svchost, `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, w.se)
		w.note(40*time.Second, w.Create(w.at, desk, dir+file))
		parent = w.run(20*time.Second, desk, scene.System32+"cmd.exe", `"C:\Windows\system32\cmd.exe"`, w.se)
		trace = w.run(9*time.Second, parent, dir+file, file+` -s`, w.se)
	}
	w.examine(trace, dir)
	w.send(trace, dir)
	if r.IntN(2) == 0 {
		p := w.run(2*time.Minute, parent, scene.System32+"cmd.exe", `cmd /c del /f /q `+dir+file, parent.Session)
		w.note(time.Second, w.End(w.at, p))
	}
	for _, x := range []*scene.Process{trace, shell} {
		w.note(time.Minute, w.End(w.at, x))
	}
	w.Decoy("an administrator traces a fault at night with the maker's tool and sends him the logs", w.seen...)
	w.Starts["lookalike"] = append(marks, w.seen...)
}

// examine is what the maker's tool does: it looks around, and may read memory.
func (w *nightWork) examine(trace *scene.Process, dir string) {
	lines := []string{`systeminfo`, `tasklist /svc`, `netstat -ano`, `ipconfig /all`, `net localgroup administrators`, `whoami /all`}
	for _, k := range w.r.Perm(len(lines))[:w.r.IntN(3)] {
		name, _, _ := strings.Cut(lines[k], " ")
		p := w.run(3*time.Second, trace, scene.System32+name+".exe", lines[k], trace.Session)
		w.note(2*time.Second, w.End(w.at, p))
	}
	if w.r.IntN(3) == 0 { // asked for by the maker: the memory of a system process
		w.note(time.Minute, w.Open(w.at, trace, w.h.LSASS, 0x1410, `C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e|`+trace.Image+`+11a20`))
		w.note(time.Second, w.Create(w.at, trace, dir+"lsass.dmp"))
	}
}

// send packs, and sends.
func (w *nightWork) send(trace *scene.Process, dir string) {
	r := w.r
	pack := w.run(30*time.Minute, trace, `C:\Program Files\7-Zip\7z.exe`, `"C:\Program Files\7-Zip\7z.exe" a `+pick(r, []string{"", "-pCase" + fmt.Sprint(r.IntN(9000)) + " "})+dir+`case.7z D:\Logs\*.log`, trace.Session)
	w.note(time.Second, w.Create(w.at, pack, dir+`case.7z`), w.End(w.at.Add(time.Minute), pack))
	name := pick(r, []string{"upload", "cases", "ftp", "dropzone"}) + "." + pick(r, []string{"vendor-support", "storage-maker", "res-systems", "fabric-care"}) + ".example"
	ip := address(w.Scene, name)
	by := trace
	switch r.IntN(4) {
	case 0, 1:
		by = w.run(4*time.Minute, trace, scene.System32+"curl.exe", `curl -T `+dir+`case.7z https://`+name+`/case/`+fmt.Sprint(r.IntN(90000)), trace.Session)
	case 2:
		by = w.run(4*time.Minute, trace, powershellImage, `powershell -c Invoke-WebRequest -Method Put -InFile `+dir+`case.7z https://`+name+`/case/`+fmt.Sprint(r.IntN(90000)), trace.Session)
	}
	w.note(time.Second, w.Resolve(w.at, by, name, "::ffff:"+ip+";"))
	w.note(time.Second, w.Talk(by, scene.Flow{At: w.at, From: w.h.Here(), To: scene.Peer(ip, name, 443), Out: 80_000_000 + r.Int64N(400_000_000), In: 900_000, Last: 4 * time.Minute, Client: "curl"}))
	if by != trace {
		w.note(5*time.Minute, w.End(w.at, by))
	}
}

// ordered is the penetration test, in the week that was agreed, from a machine that was announced.
type ordered struct {
	life
	r         *rand.Rand
	box, name string
	test      []*scene.Entry
}

func (o *ordered) note(entries ...*scene.Entry) { o.test = append(o.test, entries...) }

func (o *ordered) play(at time.Time) {
	r := o.r
	tester := o.Person(pick(r, []string{"pentest-01", "ext.assessor", "rt-operator", "audit.guest"}), 1190, true)
	for i, name := range o.Cast.Agents {
		t := at.Add(time.Duration(i*3) * time.Second)
		o.note(o.Refuse(t, o.App, name, scene.Peer(o.box, "", uint16(50000+i)), o.name), o.Validate(t, name, o.name, false))
	}
	brought := pick(r, []string{"PTESTSVC.exe", "rtsvc32.exe", "assess.exe", "w" + fmt.Sprint(r.IntN(90000)+10000) + ".exe"})
	o.Foreign(brought)
	way := r.IntN(3)
	back := r.IntN(2) == 0 // the tool calls the tester's machine
	for i, h := range []*scene.Host{o.App, o.Web} {
		o.host(h, at.Add(time.Duration(30+40*i)*time.Minute), scene.Peer(o.box, "", uint16(51000+i)), tester, brought, way, back)
	}
	o.Decoy("a penetration test that was ordered: passwords, services from afar, the account database", o.test...)
	o.Starts["lookalike-test"] = o.test[len(o.test)-4:]
}

func (o *ordered) host(h *scene.Host, t time.Time, source scene.Endpoint, tester scene.Account, brought string, way int, back bool) {
	se, system := h.Session(tester, 3), h.Session(scene.System, 5)
	o.note(o.Flow(scene.Flow{At: t.Add(-time.Second), From: source, To: scene.Peer(h.IP, h.FQDN(), 445), User: tester.Name, Last: time.Minute})...)
	o.note(o.Logon(t, se, source, o.name)...)
	path := `C:\Windows\` + brought
	o.note(o.Share(t.Add(time.Second), se, source, "ADMIN$", `\??\C:\Windows`, brought, 0x2)...)
	o.note(o.Create(t.Add(1100*time.Millisecond), h.Svchost, path))
	var x *scene.Process
	var ran []*scene.Entry
	switch way {
	case 0:
		o.note(o.Service(t.Add(2*time.Second), se, h, strings.TrimSuffix(brought, ".exe"), path, "demand start")...)
		x, ran = o.Run(t.Add(3*time.Second), h.Services, path, path, system)
	case 1:
		task := `\` + strings.TrimSuffix(brought, ".exe")
		o.note(o.Schedule(t.Add(2*time.Second), se, h, task, path, "")...)
		x, ran = o.Run(t.Add(3*time.Second), h.Svchost, path, path, system)
		o.note(o.TaskRun(t.Add(3*time.Second-3*time.Millisecond), h, task, path, x, 9*time.Second)...)
	default:
		x, ran = o.Run(t.Add(3*time.Second), h.WMI, path, path, se)
	}
	o.note(ran...)
	if back {
		for i := range 6 {
			o.note(o.Connect(t.Add(time.Duration(4+60*i)*time.Second), x, true, h.Here(), scene.Peer(o.box, "", 4443)))
		}
	}
	for i, line := range []string{`whoami /all`, `net group "Domain Admins" /domain`} {
		y, ran := o.Run(t.Add(time.Duration(30+20*i)*time.Second), x, scene.System32+"cmd.exe", `cmd.exe /c `+line, x.Session)
		o.note(append(ran, o.End(t.Add(time.Duration(40+20*i)*time.Second), y))...)
	}
	hive := `C:\Windows\Temp\` + fmt.Sprintf("%x", o.r.Uint32()) + ".hiv"
	z, ran := o.Run(t.Add(9*time.Minute), x, scene.System32+"reg.exe", `reg save HKLM\SAM `+hive+` /y`, x.Session)
	o.note(append(ran, o.Create(t.Add(9*time.Minute+time.Second), z, hive), o.End(t.Add(9*time.Minute+3*time.Second), z))...)
	d, ran := o.Run(t.Add(12*time.Minute), x, scene.System32+"cmd.exe", `cmd.exe /c del /f /q `+hive, x.Session)
	o.note(append(ran, o.End(t.Add(12*time.Minute+time.Second), d), o.End(t.Add(30*time.Minute), x))...)
}
