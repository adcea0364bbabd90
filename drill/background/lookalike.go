package background

import (
	"fmt"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// Lookalike plays what looks like an intruder and is none: an administrator who repairs servers at night from afar, and a
// penetration test that was ordered. A record of the first is the start "lookalike", from which no intrusion is to be found.
func Lookalike(of *scene.Scene) {
	s := life{of}
	s.Foreign("PTESTSVC.exe")
	r := s.Random("background/lookalike")
	day := s.BusyFrom + 3
	// The administrator moves a program to a server, makes it a service, packs logs and sends them to the maker.
	at := s.At(day, 22, 10+r.IntN(30), r.IntN(60))
	h, admin := s.App, s.Administrator()
	from := s.Admin.Here()
	se := h.Session(admin, 3)
	home := s.Admin.Explorer.Session
	shell, ran := s.Run(at, s.Admin.Explorer, scene.System32+"cmd.exe", `"C:\Windows\system32\cmd.exe"`, home)
	seen := ran
	p, ran := s.Run(at.Add(20*time.Second), shell, scene.System32+"robocopy.exe", `robocopy D:\Tools \\`+h.Name+`\C$\ProgramData\VendorTrace vtrace.exe`, home)
	seen = append(seen, ran...)
	seen = append(seen, s.Connect(at.Add(21*time.Second), p, true, from, scene.Peer(h.IP, h.FQDN(), 445)))
	logon := s.Logon(at.Add(22*time.Second), se, from, s.Admin.Name)
	seen = append(seen, logon...)
	seen = append(seen, s.Share(at.Add(23*time.Second), se, from, "C$", `\??\C:\`, `ProgramData\VendorTrace\vtrace.exe`, 0x2)...)
	service := s.Service(at.Add(50*time.Second), se, h, "VendorTrace", `C:\ProgramData\VendorTrace\vtrace.exe -s`, "demand start")
	seen = append(seen, service...)
	trace, ran := s.Run(at.Add(52*time.Second), h.Services, `C:\ProgramData\VendorTrace\vtrace.exe`, `C:\ProgramData\VendorTrace\vtrace.exe -s`, h.Session(scene.System, 5))
	seen = append(seen, ran...)
	q, ran := s.Run(at.Add(40*time.Minute), trace, `C:\Program Files\7-Zip\7z.exe`, `"C:\Program Files\7-Zip\7z.exe" a C:\ProgramData\VendorTrace\case.7z D:\Logs\*.log`, trace.Session)
	seen = append(seen, ran...)
	seen = append(seen, s.Create(at.Add(40*time.Minute+time.Second), q, `C:\ProgramData\VendorTrace\case.7z`))
	name := "upload.vendor-support.example"
	ip := address(s.Scene, name)
	curl, ran := s.Run(at.Add(44*time.Minute), trace, scene.System32+"curl.exe", `curl -T C:\ProgramData\VendorTrace\case.7z https://`+name+`/case/`+fmt.Sprint(r.IntN(90000)), trace.Session)
	seen = append(seen, ran...)
	seen = append(seen, s.Resolve(at.Add(44*time.Minute+time.Second), curl, name, "::ffff:"+ip+";"),
		s.Talk(curl, scene.Flow{At: at.Add(44*time.Minute + 2*time.Second), From: h.Here(), To: scene.Peer(ip, name, 443), Out: 300_000_000, In: 900_000, Last: 4 * time.Minute, Client: "curl"}))
	for _, x := range []*scene.Process{curl, q, trace, p, shell} {
		seen = append(seen, s.End(at.Add(50*time.Minute), x))
	}
	s.Decoy("an administrator traces a fault at night with the maker's tool and sends him the logs", seen...)
	s.Starts["lookalike"] = append(service, seen...)

	// The penetration test, in the week that was agreed, from a machine that was announced.
	at = s.At(day+1, 10, r.IntN(50), 0)
	tester := s.Person("pentest-01", 1190, true)
	box := scene.Peer(s.Network.Desks+".250", "", 0)
	var test []*scene.Entry
	for i, name := range s.Cast.Agents {
		test = append(test, s.Refuse(at.Add(time.Duration(i*3)*time.Second), s.App, name, scene.Peer(box.IP, "", uint16(50000+i)), "PENTEST"), s.Validate(at.Add(time.Duration(i*3)*time.Second), name, "PENTEST", false))
	}
	for i, target := range []*scene.Host{s.App, s.Web} {
		t := at.Add(time.Duration(30+40*i) * time.Minute)
		source := scene.Peer(box.IP, "", uint16(51000+i))
		ts := target.Session(tester, 3)
		test = append(test, s.Flow(scene.Flow{At: t.Add(-time.Second), From: source, To: scene.Peer(target.IP, target.FQDN(), 445), User: tester.Name, Last: time.Minute})...)
		test = append(test, s.Logon(t, ts, source, "PENTEST")...)
		test = append(test, s.Share(t.Add(time.Second), ts, source, "ADMIN$", `\??\C:\Windows`, "PTESTSVC.exe", 0x2)...)
		test = append(test, s.Service(t.Add(2*time.Second), ts, target, "PTESTSVC", `C:\Windows\PTESTSVC.exe`, "demand start")...)
		x, ran := s.Run(t.Add(3*time.Second), target.Services, `C:\Windows\PTESTSVC.exe`, `C:\Windows\PTESTSVC.exe`, target.Session(scene.System, 5))
		test = append(test, ran...)
		y, ran := s.Run(t.Add(30*time.Second), x, scene.System32+"cmd.exe", `cmd.exe /c whoami /all`, x.Session)
		test = append(test, ran...)
		z, ran := s.Run(t.Add(9*time.Minute), x, scene.System32+"reg.exe", `reg save HKLM\SAM C:\Windows\Temp\pt.hiv /y`, x.Session)
		test = append(append(test, ran...), s.Create(t.Add(9*time.Minute+time.Second), z, `C:\Windows\Temp\pt.hiv`), s.End(t.Add(9*time.Minute+3*time.Second), z), s.End(t.Add(40*time.Second), y), s.End(t.Add(30*time.Minute), x))
	}
	s.Decoy("a penetration test that was ordered: passwords, services from afar, the account database", test...)
}
