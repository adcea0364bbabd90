package stranger

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

type machine struct {
	o       *org
	host    string // as logged
	ip      string
	file    string // %s: channel word
	style   string
	sysmon  string // which sysmon ids: "all", "nonet", ""
	sec     bool
	cmd4688 bool
	zone    *time.Location
	rid     int
	pidBase int
	roots   map[string]*proc
}

type proc struct {
	m        *machine
	guid     string
	pid      int
	image    string
	cmd      string
	user     string
	lid      string
	parent   *proc
	launched time.Time
}

func (o *org) machine(host, ip, style, file string) *machine {
	return &machine{o: o, host: host, ip: ip, style: style, file: file, sysmon: "all", sec: true, zone: time.UTC, pidBase: 400 + o.r.Intn(300)*4, rid: o.r.Intn(90000), roots: map[string]*proc{}}
}

func (m *machine) guid() string {
	r := m.o.r
	return fmt.Sprintf("{%08X-%04X-%04X-%04X-%012X}", r.Uint32(), r.Intn(65536), r.Intn(65536), r.Intn(65536), r.Int63n(1<<47))
}

func (m *machine) pid() int { m.pidBase += 4 * (1 + m.o.r.Intn(40)); return m.pidBase%30000 + 600 }

func kv(fields ...any) map[string]any {
	d := map[string]any{}
	for i := 0; i+1 < len(fields); i += 2 {
		d[fields[i].(string)] = fields[i+1]
	}
	return d
}

var providers = map[string]string{
	"Security":                             "Microsoft-Windows-Security-Auditing",
	"System":                               "Service Control Manager",
	"Microsoft-Windows-Sysmon/Operational": "Microsoft-Windows-Sysmon",
	"Microsoft-Windows-PowerShell/Operational":                           "Microsoft-Windows-PowerShell",
	"Microsoft-Windows-TaskScheduler/Operational":                        "Microsoft-Windows-TaskScheduler",
	"Microsoft-Windows-TerminalServices-LocalSessionManager/Operational": "Microsoft-Windows-TerminalServices-LocalSessionManager",
}

const sysmonChannel = "Microsoft-Windows-Sysmon/Operational"

func (m *machine) ev(t time.Time, step, channel string, id int, d map[string]any) {
	m.rid++
	prov := providers[channel]
	var v any
	utc := t.UTC()
	switch m.style {
	case "winlogbeat":
		v = map[string]any{"@timestamp": utc.Format("2006-01-02T15:04:05.000Z"),
			"host": kv("name", strings.ToLower(m.host)), "agent": kv("type", "winlogbeat", "version", "8.11.1"), "ecs": kv("version", "8.0.0"),
			"event":  kv("code", fmt.Sprint(id), "kind", "event", "provider", prov),
			"winlog": kv("channel", channel, "event_id", fmt.Sprint(id), "record_id", m.rid, "computer_name", m.host, "provider_name", prov, "event_data", d)}
	case "evtxdump":
		v = kv("Event", kv("#attributes", kv("xmlns", "http://schemas.microsoft.com/win/2004/08/events/event"),
			"System", kv("Provider", kv("#attributes", kv("Name", prov)), "EventID", id, "Version", 5, "Level", 4, "Task", id, "Opcode", 0,
				"TimeCreated", kv("#attributes", kv("SystemTime", utc.Format("2006-01-02T15:04:05.000000Z"))), "EventRecordID", m.rid, "Channel", channel, "Computer", m.host),
			"EventData", d))
	case "nxlog":
		f := kv("EventTime", t.In(m.zone).Format("2006-01-02 15:04:05"), "Hostname", m.host, "EventID", id, "SourceName", prov, "Channel", channel, "RecordNumber", m.rid,
			"EventType", "INFO", "SeverityValue", 2, "EventReceivedTime", t.In(m.zone).Add(time.Second).Format("2006-01-02 15:04:05"), "SourceModuleName", "eventlog", "SourceModuleType", "im_msvistalog",
			"@timestamp", utc.Add(2*time.Second).Format("2006-01-02T15:04:05.000Z"))
		for k, x := range d {
			f[k] = x
		}
		v = f
	default: // flat
		f := kv("@timestamp", utc.Format("2006-01-02T15:04:05.000Z"), "TimeCreated", utc.Format("2006-01-02T15:04:05.000Z"), "Hostname", m.host, "EventID", id, "SourceName", prov, "Channel", channel, "RecordNumber", m.rid)
		for k, x := range d {
			f[k] = x
		}
		v = f
	}
	j, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	word := channel
	if i := strings.LastIndexByte(channel, '/'); i > 0 {
		word = strings.TrimPrefix(channel[:i], "Microsoft-Windows-")
	}
	file := m.file
	if strings.Contains(file, "%s") {
		file = fmt.Sprintf(file, word)
	}
	m.o.put(file, t, step, string(j))
}

func (m *machine) sys(t time.Time, step string, id int, d map[string]any) {
	if m.sysmon == "" || m.sysmon == "nonet" && (id == 3 || id == 22) {
		return
	}
	d["UtcTime"] = t.UTC().Format("2006-01-02 15:04:05.000")
	d["RuleName"] = "-"
	m.ev(t, step, sysmonChannel, id, d)
}

// root is a process that was there before the logs begin.
func (m *machine) root(image, user string) *proc {
	k := image + user
	if p := m.roots[k]; p != nil {
		return p
	}
	p := &proc{m: m, guid: m.guid(), pid: m.pid(), image: image, cmd: image, user: user, lid: m.lid(user)}
	m.roots[k] = p
	return p
}

func (m *machine) lid(user string) string {
	if strings.Contains(user, "SYSTEM") {
		return "0x3e7"
	}
	return fmt.Sprintf("0x%x", 0x20000+m.o.r.Intn(1<<28))
}

func split(user string) (dom, name string) {
	if i := strings.IndexByte(user, '\\'); i >= 0 {
		return user[:i], user[i+1:]
	}
	return "", user
}

func (p *proc) run(t time.Time, step, image, cmd string) *proc {
	return p.runAs(t, step, image, cmd, p.user, p.lid)
}

func (p *proc) runAs(t time.Time, step, image, cmd, user, lid string) *proc {
	m := p.m
	c := &proc{m: m, guid: m.guid(), pid: m.pid(), image: image, cmd: cmd, user: user, lid: lid, parent: p, launched: t}
	m.sys(t, step, 1, kv("ProcessGuid", c.guid, "ProcessId", c.pid, "Image", image, "CommandLine", cmd, "CurrentDirectory", `C:\Windows\system32\`, "User", user,
		"LogonId", lid, "IntegrityLevel", "High", "Hashes", "SHA256="+hash(image), "ParentProcessGuid", p.guid, "ParentProcessId", p.pid, "ParentImage", p.image, "ParentCommandLine", p.cmd))
	if m.sec {
		dom, name := split(p.user)
		d := kv("SubjectUserSid", "S-1-5-18", "SubjectUserName", name, "SubjectDomainName", dom, "SubjectLogonId", lid, "NewProcessId", fmt.Sprintf("0x%x", c.pid), "NewProcessName", image,
			"TokenElevationType", "%%1936", "ProcessId", fmt.Sprintf("0x%x", p.pid), "ParentProcessName", p.image, "TargetUserName", "-", "TargetLogonId", "0x0")
		if m.cmd4688 {
			d["CommandLine"] = cmd
		}
		m.ev(t, step, "Security", 4688, d)
	}
	return c
}

func hash(s string) string {
	h := uint64(1469598103934665603)
	var b strings.Builder
	for k := 0; k < 4; k++ {
		for i := 0; i < len(s); i++ {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h += uint64(k) * 7919
		fmt.Fprintf(&b, "%016X", h)
	}
	return b.String()
}

func (p *proc) net(t time.Time, step, dst string, port int, name string) {
	p.m.sys(t, step, 3, kv("ProcessGuid", p.guid, "ProcessId", p.pid, "Image", p.image, "User", p.user, "Protocol", "tcp", "Initiated", "true", "SourceIsIpv6", "false",
		"SourceIp", p.m.ip, "SourceHostname", p.m.host, "SourcePort", 49152+p.m.o.r.Intn(16000), "DestinationIp", dst, "DestinationHostname", name, "DestinationPort", port))
}

func (p *proc) dns(t time.Time, step, name, ip string) {
	p.m.sys(t, step, 22, kv("ProcessGuid", p.guid, "ProcessId", p.pid, "Image", p.image, "User", p.user, "QueryName", name, "QueryStatus", "0", "QueryResults", "::ffff:"+ip+";"))
}

func (p *proc) file(t time.Time, step, path string) {
	p.m.sys(t, step, 11, kv("ProcessGuid", p.guid, "ProcessId", p.pid, "Image", p.image, "User", p.user, "TargetFilename", path, "CreationUtcTime", t.UTC().Format("2006-01-02 15:04:05.000")))
}

func (p *proc) reg(t time.Time, step, key, value string) {
	p.m.sys(t, step, 13, kv("EventType", "SetValue", "ProcessGuid", p.guid, "ProcessId", p.pid, "Image", p.image, "User", p.user, "TargetObject", key, "Details", value))
}

func (p *proc) load(t time.Time, step, dll string, signed bool) {
	p.m.sys(t, step, 7, kv("ProcessGuid", p.guid, "ProcessId", p.pid, "Image", p.image, "User", p.user, "ImageLoaded", dll, "Signed", fmt.Sprint(signed), "Hashes", "SHA256="+hash(dll), "SignatureStatus", "Unavailable"))
}

func (p *proc) access(t time.Time, step string, target *proc, mask string) {
	p.m.sys(t, step, 10, kv("SourceProcessGUID", p.guid, "SourceProcessId", p.pid, "SourceThreadId", 4120, "SourceImage", p.image, "TargetProcessGUID", target.guid, "TargetProcessId", target.pid,
		"TargetImage", target.image, "GrantedAccess", mask, "CallTrace", `C:\Windows\SYSTEM32\ntdll.dll+9d2e4|UNKNOWN(000001D2)`, "SourceUser", p.user, "TargetUser", target.user))
}

func (m *machine) security(t time.Time, step string, id int, d map[string]any) {
	if m.sec {
		m.ev(t, step, "Security", id, d)
	}
}

func (m *machine) logon(t time.Time, step string, typ int, user, ip, from string) string {
	lid := m.lid(user)
	dom, name := split(user)
	port := "-"
	if ip != "-" && ip != "" {
		port = fmt.Sprint(49152 + m.o.r.Intn(16000))
	}
	pkg := "Kerberos"
	if typ == 3 && strings.Contains(from, "!") {
		pkg, from = "NTLM", strings.TrimSuffix(from, "!")
	}
	m.security(t, step, 4624, kv("SubjectUserSid", "S-1-0-0", "SubjectUserName", "-", "SubjectLogonId", "0x0", "TargetUserName", name, "TargetDomainName", dom, "TargetLogonId", lid, "LogonType", typ,
		"LogonProcessName", pkg, "AuthenticationPackageName", pkg, "WorkstationName", from, "IpAddress", ip, "IpPort", port, "ProcessId", "0x0", "ProcessName", "-"))
	return lid
}

func (m *machine) service(t time.Time, step, name, path string) {
	m.ev(t, step, "System", 7045, kv("ServiceName", name, "ImagePath", path, "ServiceType", "user mode service", "StartType", "demand start", "AccountName", "LocalSystem"))
}

func (m *machine) task(t time.Time, step, user, lid, name, command, args string) {
	dom, acct := split(user)
	m.security(t, step, 4698, kv("SubjectUserName", acct, "SubjectDomainName", dom, "SubjectLogonId", lid, "TaskName", name,
		"TaskContent", `<?xml version="1.0" encoding="UTF-16"?><Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Actions Context="Author"><Exec><Command>`+command+`</Command><Arguments>`+args+`</Arguments></Exec></Actions></Task>`))
}

const sysUser = `NT AUTHORITY\SYSTEM`
const s32 = `C:\Windows\System32\`

// ordinary Windows life
func (m *machine) live(from time.Time, days int, user string, role string) {
	r := m.o.r
	for d := 0; d < days; d++ {
		day := from.AddDate(0, 0, d)
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		at := func(h float64) time.Time {
			return day.Add(time.Duration((h + r.Float64()*0.8) * float64(time.Hour)))
		}
		svc := m.root(s32+"svchost.exe", sysUser)
		services := m.root(s32+"services.exe", sysUser)
		// system life
		svc.run(at(1), "", s32+"taskhostw.exe", "taskhostw.exe SYSTEM")
		svc.run(at(3), "", `C:\Windows\System32\wbem\WmiPrvSE.exe`, `C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding`)
		services.run(at(4), "", `C:\Program Files\Windows Defender\MpCmdRun.exe`, `"C:\Program Files\Windows Defender\MpCmdRun.exe" SignatureUpdate -ScheduleJob`)
		u := m.root(s32+"svchost.exe", sysUser)
		t := at(5)
		u.dns(t, "", "fe3cr.delivery.mp.microsoft.com", "20.165.94.63")
		u.net(t.Add(time.Second), "", "20.165.94.63", 443, "-")
		if role == "dc" {
			for k := 0; k < 6; k++ {
				m.logon(at(7+float64(k)*2), "", 3, user, "10.0."+fmt.Sprint(r.Intn(3))+"."+fmt.Sprint(20+r.Intn(40)), "-")
			}
		}
		if role == "srv" || role == "dc" {
			t := at(2)
			a := services.run(t, "", `C:\Program Files\Veritas\NetBackup\bin\bpbkar32.exe`, `"C:\Program Files\Veritas\NetBackup\bin\bpbkar32.exe" -r 2678400 -ru root -dt 0`)
			a.file(t.Add(time.Minute), "", `C:\Program Files\Veritas\NetBackup\logs\bpbkar\`+day.Format("010206")+`.log`)
			z := svc.run(at(6), "", s32+`WindowsPowerShell\v1.0\powershell.exe`, `powershell.exe -NoProfile -File C:\Scripts\disk-health.ps1`)
			z.file(at(6.9), "", `C:\Scripts\out\health.csv`)
			m.logon(at(8), "", 3, user, m.sameNet(), "-")
			continue
		}
		if weekend {
			continue
		}
		lid := m.logon(at(7.5), "", 2, user, "127.0.0.1", m.host)
		ex := m.root(`C:\Windows\explorer.exe`, user)
		ex.lid = lid
		apps := []string{`C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE`, `C:\Program Files\Google\Chrome\Application\chrome.exe`, `C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE`, `C:\Program Files (x86)\Amadeus\SellingPlatform\asp.exe`, `C:\Windows\System32\notepad.exe`}
		for k := 0; k < 3; k++ {
			img := apps[r.Intn(len(apps))]
			t := at(8 + float64(k)*2.5)
			p := ex.run(t, "", img, `"`+img+`"`)
			if strings.Contains(img, "chrome") {
				s := sites[r.Intn(len(sites))]
				p.dns(t.Add(2*time.Second), "", s[0], s[1])
				p.net(t.Add(3*time.Second), "", s[1], 443, s[0])
				p.file(t.Add(90*time.Second), "", `C:\Users\`+base(user)+`\Downloads\report-`+fmt.Sprint(r.Intn(900))+`.pdf`)
			} else if strings.Contains(img, "OUTLOOK") {
				p.dns(t.Add(2*time.Second), "", "outlook.office365.com", "52.97.183.162")
				p.net(t.Add(3*time.Second), "", "52.97.183.162", 443, "outlook.office365.com")
			} else if strings.Contains(img, "EXCEL") {
				p.file(t.Add(90*time.Second), "", `C:\Users\`+base(user)+`\Documents\roster`+fmt.Sprint(r.Intn(90))+`.xlsx`)
			}
		}
	}
}

func (m *machine) sameNet() string {
	i := strings.LastIndexByte(m.ip, '.')
	return m.ip[:i+1] + fmt.Sprint(100+m.o.r.Intn(50))
}

func base(user string) string { _, n := split(user); return n }

var sites = [][2]string{{"www.google.com", "142.250.74.36"}, {"www.iata.org", "20.50.2.37"}, {"news.bbc.co.uk", "151.101.0.81"}, {"teams.microsoft.com", "52.113.194.132"}, {"www.eurocontrol.int", "84.199.205.11"},
	{"cdn.jsdelivr.net", "151.101.1.229"}, {"www.amadeus.com", "18.64.79.12"}, {"login.microsoftonline.com", "20.190.159.2"}, {"weather.com", "23.38.108.9"}, {"www.youtube.com", "142.250.74.110"}}
