package syslog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
	"github.com/contrail-ir/contrail/internal/require"
)

var modTime = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

func read(t testing.TB, text string) readtest.Result {
	t.Helper()
	return readtest.Read(t, Format{}, []byte(text), event.File{ModTime: modTime}, event.Everything())
}

// cases are lines written from the documentation of the programs and devices, and what each is to give.
var cases = []struct {
	line, source, host, at string
	fields                 string // name=value, separated by |
}{
	// Headers.
	{"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8", "linux/auth", "mymachine", "2023-10-11T22:14:15Z", "syslog_facility=auth|syslog_severity=crit|app=su|message='su root' failed for lonvick on /dev/pts/8"},
	{"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 ID47 [ex@32473 iut=\"3\" note=\"a \\\"b\\]\"][other x=\"\"] \xef\xbb\xbf%% it's time", "linux/syslog", "192.0.2.1", "2003-08-24T12:14:15.000003Z", `app=myproc|pid=8710|msgid=ID47|iut=3|note=a "b]|x=|message=%% it's time|syslog_facility=local4`},
	{"<13>1 - - - - - -", "linux/syslog", "", "", "message="},
	{"83 <34>1 2024-02-01T00:00:00Z h sshd 1 - - Connection from 192.0.2.9 port 9", "linux/sshd", "h", "2024-02-01T00:00:00Z", "src_ip=192.0.2.9|src_port=9|action=connected"},
	{"2024-02-17T13:40:03.5+01:00 web1 systemd[1]: Stopping x", "linux/syslog", "web1", "2024-02-17T12:40:03.5Z", "app=systemd|pid=1|message=Stopping x"},
	{"Feb 17 13:40:03 web1 last message repeated 3 times", "linux/syslog", "web1", "2024-02-17T13:40:03Z", "message=last message repeated 3 times"},
	{"Feb 17 13:40:03 collector Feb 17 13:40:01 origin sshd[7]: Invalid user bob from 192.0.2.3 port 1", "linux/sshd", "origin", "2024-02-17T13:40:01Z", "relay=collector|user=bob|action=invalid_user"},
	{"Feb 17 13:40:03 s_net@relay1/origin cron[7]: (root) CMD (id)", "linux/cron", "origin", "2024-02-17T13:40:03Z", "relay=relay1|command=id|user=root|action=CMD"},
	{"Feb 17 13:40:03 sol login: [ID 654321 auth.notice] ROOT LOGIN", "linux/auth", "sol", "2024-02-17T13:40:03Z", "msgid=654321 auth.notice|message=ROOT LOGIN"},
	{"Feb  7 13:40:03 web1 pkexec[3]: bob: The value for environment variable XAUTHORITY contains suspicious content [USER=root] [TTY=/dev/pts/0]", "linux/auth", "web1", "2024-02-07T13:40:03Z", "app=pkexec"},
	// Programs.
	{"Feb 17 13:40:03 h sshd[1]: Accepted publickey for al ice from 192.0.2.1 port 55 ssh2: RSA SHA256:abc", "linux/sshd", "h", "2024-02-17T13:40:03Z", "action=accepted|method=publickey|user=al ice|src_ip=192.0.2.1|src_port=55|fingerprint=SHA256:abc"},
	{"Feb 17 13:40:03 h sshd[1]: Failed password for invalid user x from 192.0.2.7 from 2001:db8::1 port 55 ssh2", "linux/sshd", "h", "2024-02-17T13:40:03Z", "action=failed|method=password|user=x from 192.0.2.7|src_ip=2001:db8::1"},
	{"Feb 17 13:40:03 h sshd[1]: Disconnected from authenticating user root 192.0.2.1 port 55 [preauth]", "linux/sshd", "h", "2024-02-17T13:40:03Z", "action=disconnected|user=root|src_ip=192.0.2.1|src_port=55"},
	{"Feb 17 13:40:03 h sudo: alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/a ; USER=#-1 ; COMMAND=/bin/sh -c a ; USER=b", "linux/sudo", "h", "2024-02-17T13:40:03Z", "user=alice|reason=3 incorrect password attempts|TTY=pts/0|PWD=/home/a|USER=#-1|COMMAND=/bin/sh -c a ; USER=b"},
	{"Feb 17 13:40:03 h su[4]: FAILED SU (to root) bob on pts/1", "linux/auth", "h", "2024-02-17T13:40:03Z", "action=failed|USER=root|user=bob|TTY=pts/1"},
	{"Feb 17 13:40:03 h sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.8  user=root", "linux/sshd", "h", "2024-02-17T13:40:03Z", "pam_module=pam_unix|pam_service=sshd|pam_type=auth|rhost=192.0.2.8|user=root|src_ip=192.0.2.8"},
	{"Feb 17 13:40:03 h su: pam_unix(su:session): session opened for user root(uid=0) by bob(uid=1000)", "linux/auth", "h", "2024-02-17T13:40:03Z", "user=root|by=bob|pam_action=session opened"},
	{"Feb 17 13:40:03 h useradd[3]: new user: name=eve, UID=0, GID=0, home=/root, shell=/bin/sh, from=none", "linux/auth", "h", "2024-02-17T13:40:03Z", "action=new user|name=eve|UID=0|shell=/bin/sh"},
	{"Feb 17 13:40:03 h crontab[3]: (root) REPLACE (root)", "linux/cron", "h", "2024-02-17T13:40:03Z", "action=REPLACE|user=root"},
	{"Feb 17 13:40:03 h named[5]: client @0x7f 192.0.2.4#53 (a.example): zone transfer 'a.example/AXFR/IN' denied", "linux/syslog", "h", "2024-02-17T13:40:03Z", "src_ip=192.0.2.4|src_port=53|query=a.example|record_type=AXFR|action=deny"},
	{"Feb 17 13:40:03 h dhcpd[5]: DHCPACK on 192.0.2.5 to 00:00:5e:00:53:01 (lap) via eth0", "linux/syslog", "h", "2024-02-17T13:40:03Z", "action=DHCPACK|ip=192.0.2.5|mac=00:00:5e:00:53:01|hostname=lap|interface=eth0"},
	{"Feb 17 13:40:03 h kernel: [ 1.5] [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP SPT=1 DPT=22", "linux/iptables", "h", "2024-02-17T13:40:03Z", "action=deny|SRC=192.0.2.1|DPT=22"},
	{"Feb 17 13:40:03 h kernel: [ 1.5] audit: type=1400 audit(1708177203.5:7): apparmor=\"DENIED\" comm=\"x\"", "linux/auditd", "h", "2024-02-17T13:40:03.5Z", "type=AVC|apparmor=DENIED|comm=x"},
	{"Feb 17 13:40:03 h audispd: node=n1 type=EXECVE msg=audit(1708177203.5:7): argc=1 a0=\"id\"", "linux/auditd", "h", "2024-02-17T13:40:03.5Z", "type=EXECVE|a0=id"},
	{`Feb 17 13:40:03 h sysmon: <Event><System><Provider Name="Linux-Sysmon" Guid="{ff032593-a8d3-4f13-b0d6-01fc615a0f97}"/><EventID>1</EventID><TimeCreated SystemTime="2024-02-17T13:40:01.25Z"/><Channel>Linux-Sysmon/Operational</Channel><Computer>box</Computer></System><EventData><Data Name="Image">/usr/bin/id</Data><Data Name="CommandLine">id -u</Data></EventData></Event>`, "linux/Linux-Sysmon/Operational/1", "box", "2024-02-17T13:40:01.25Z", "Image=/usr/bin/id|CommandLine=id -u|EventID=1"},
	// VPN.
	{"Feb 17 13:40:03 gw openvpn[2]: 192.0.2.8:1194 [alice] Peer Connection Initiated with [AF_INET]192.0.2.8:1194", "linux/vpn", "gw", "2024-02-17T13:40:03Z", "action=connect|user=alice|src_ip=192.0.2.8|src_port=1194"},
	{"2024-02-17 13:40:03 alice/192.0.2.8:1194 MULTI: Learn: 10.8.0.2 -> alice/192.0.2.8:1194", "linux/vpn", "", "2024-02-17T13:40:03Z", "action=assign|user=alice|assigned_ip=10.8.0.2"},
	{"Feb 17 13:40:03 gw charon: 07[IKE] <rw|3> IKE_SA rw[3] established between 192.0.2.1[gw]...198.51.100.9[alice]", "linux/vpn", "gw", "2024-02-17T13:40:03Z", "action=connect|src_ip=198.51.100.9|user=alice|connection=rw|subsystem=IKE"},
	{"Feb 17 13:40:03 07[IKE] <rw|3> assigning virtual IP 10.1.1.1 to peer 'alice'", "linux/vpn", "", "2024-02-17T13:40:03Z", "action=assign|assigned_ip=10.1.1.1|user=alice"},
	{"Sat Feb 17 13:40:03 2024 [pid 7] [bob] FAIL LOGIN: Client \"192.0.2.1\"", "linux/vsftpd", "", "2024-02-17T13:40:03Z", "pid=7"},
	{"Sat Feb 17 13:40:03 2024 : Auth: (1) Login incorrect (bad): [bob/<via Auth-Type = eap>] (from client nas1 port 0 cli 00-00-5E)", "freeradius/radius", "", "2024-02-17T13:40:03Z", "action=fail|user=bob|client=nas1|Calling-Station-Id=00-00-5E"},
	{"Sat Feb 17 13:40:03 2024 -> /tmp/x: Win.Trojan.A FOUND", "linux/clamav", "", "2024-02-17T13:40:03Z", "message=/tmp/x: Win.Trojan.A FOUND"},
	// Cisco.
	{"172.16.5.10 6705: Feb 17 13:40:03.673: %SYS-5-CONFIG_I: Configured from console by admin on vty0 (192.0.2.5)", "cisco/syslog", "172.16.5.10", "2024-02-17T13:40:03.673Z", "facility=SYS|severity=5|mnemonic=CONFIG_I|user=admin|line=vty0|src_ip=192.0.2.5|message=%SYS-5-CONFIG_I: Configured from console by admin on vty0 (192.0.2.5)"},
	{"<189>000019: *Mar  1 2024 00:04:00.001 UTC: %PARSER-5-CFGLOG_LOGGEDCMD: User:bob  logged command:no logging host 192.0.2.1", "cisco/aaa", "", "2024-03-01T00:04:00.001Z", "user=bob|command=no logging host 192.0.2.1"},
	{"Feb 17 13:40:03 10.0.0.1 77: rtr1: .Feb 17 13:40:01 CET: %BGP-5-ADJCHANGE: neighbor 192.0.2.2 Down", "cisco/bgp", "10.0.0.1", "2024-02-17T13:40:03Z", "mnemonic=ADJCHANGE|src_ip=192.0.2.2"},
	{"1w2d: %LINK-3-UPDOWN: Interface Gi0/1, changed state to up", "cisco/syslog", "", "", "mnemonic=UPDOWN"},
	{"RP/0/RSP0/CPU0:Feb 17 13:40:03.123 UTC: tcp[409]: %IP-TCP-3-BADAUTH : Invalid MD5 digest from 192.0.2.1:1111 to 192.0.2.2:179", "cisco/bgp", "RP/0/RSP0/CPU0", "2024-02-17T13:40:03.123Z", "dst_port=179|app=tcp|pid=409"},
	{"2024 Feb 17 13:40:03 nx1 %$ VDC-1 %$ %AAA-6-AAA_ACCOUNTING_MESSAGE: update:192.0.2.3@pts/0:bob:configure terminal ; no logging (SUCCESS)", "cisco/aaa", "nx1", "2024-02-17T13:40:03Z", "user=bob|command=configure terminal ; no logging (SUCCESS)"},
	{"Feb 17 2024 13:40:03 asa1 : %ASA-5-111008: User 'bob' executed the 'no logging enable' command.", "cisco/aaa", "asa1", "2024-02-17T13:40:03Z", "user=bob|command=no logging enable"},
	{"<166>Feb 17 2024 13:40:03: %ASA-6-302013: Built outbound TCP connection 7 for outside:192.0.2.1/80 (192.0.2.1/80) to inside:10.0.0.1/5555 (198.51.100.1/5555)", "cisco/firewall/asa", "", "2024-02-17T13:40:03Z", "action=accept|proto=tcp|src_ip=10.0.0.1|src_port=5555|dst_ip=192.0.2.1|dst_port=80"},
	{"Feb 17 2024 13:40:03: %ASA-4-106023: Deny tcp src outside:192.0.2.1/9 dst inside:10.0.0.1/23 by access-group \"out\" [0x0, 0x0]", "cisco/firewall/asa", "", "2024-02-17T13:40:03Z", "action=deny|src_ip=192.0.2.1|dst_port=23|acl=out"},
	{"Feb 17 2024 13:40:03: %ASA-6-113039: Group <g1> User <bob> IP <192.0.2.1> AnyConnect parent session started.", "cisco/vpn", "", "2024-02-17T13:40:03Z", "group=g1|user=bob|src_ip=192.0.2.1|action=login"},
	{"Feb 17 2024 13:40:03: %ASA-4-722051: Group <g1> User <bob> IP <192.0.2.1> IPv4 Address <10.9.9.9> IPv6 address <::> assigned to session", "cisco/vpn", "", "2024-02-17T13:40:03Z", "assigned_ip=10.9.9.9|action=assign"},
	{"Feb 17 2024 13:40:03: %ASA-4-113019: Group = g1, Username = bob, IP = 192.0.2.1, Session disconnected. Session Type: SSL, Duration: 0h:10m:0s, Bytes xmt: 1, Bytes rcv: 2, Reason: User Requested", "cisco/vpn", "", "2024-02-17T13:40:03Z", "user=bob|src_ip=192.0.2.1|duration=0h:10m:0s|bytes_sent=1|bytes_received=2|reason=User Requested|action=logout"},
	{"<181>Feb 17 13:40:03 ise1 CISE_TACACS_Accounting 0000000001 1 0 2024-02-17 13:40:02.500 +01:00 0000012345 3300 NOTICE Tacacs-Accounting: TACACS+ Accounting with Command, UserName=bob, CmdSet=[ CmdAV=show CmdArgAV=running-config CmdArgAV=<cr> ], Note=a\\,b", "cisco/aaa", "ise1", "2024-02-17T13:40:03Z", "user=bob|command=show running-config|code=3300|Note=a\\,b"},
	{"Sat Feb 17 13:40:03 2024\t10.0.0.1\tbob\ttty1\t192.0.2.5\tstop\ttask_id=3\tservice=shell\tcmd=show users <cr>", "cisco/aaa", "", "2024-02-17T13:40:03Z", "device=10.0.0.1|user=bob|src_ip=192.0.2.5|command=show users"},
	{`<14>1 2024-02-17T13:40:03Z duo duolog - - - {"event_type":"authentication","reason":"bypass_user","factor":"x","user":{"name":"bob"}}`, "cisco/duo", "duo", "2024-02-17T13:40:03Z", "event_type=authentication|reason=bypass_user|user.name=bob"},
	// Others.
	{"<189>Feb 17 2024 13:40:03+08:00 HW1 %%01SHELL/5/CMDRECORD(s)[1]:Recorded command information. (Task=vt0, Ip=192.0.2.1, User=bob, Command=\"undo info-center enable\")", "huawei/aaa", "HW1", "2024-02-17T05:40:03Z", "module=SHELL|mnemonic=CMDRECORD|user=bob|src_ip=192.0.2.1|command=undo info-center enable|Task=vt0"},
	{"2024-02-17 13:40:03 HW1 %%01BGP/3/BGP_AUTH_FAILED(l)[2]:BGP session authentication failed. (PeerSession=192.0.2.1:179)", "huawei/bgp", "HW1", "2024-02-17T13:40:03Z", "mnemonic=BGP_AUTH_FAILED"},
	{"%@7%Feb 17 13:40:03:123 2024 H3C1 SHELL/6/SHELL_CMD: -Line=vty0-IPAddr=192.0.2.1-User=bob; Command is display users", "h3c/aaa", "H3C1", "2024-02-17T13:40:03.123Z", "user=bob|src_ip=192.0.2.1|command=display users"},
	{"Feb 17 13:40:03 mx1 mgd[9]: UI_CMDLINE_READ_LINE: User 'bob', command 'show configuration '", "juniper/aaa", "mx1", "2024-02-17T13:40:03Z", "user=bob|command=show configuration|mnemonic=UI_CMDLINE_READ_LINE"},
	{"Feb 17 13:40:03 mx1 /kernel: tcp_auth_ok: Packet from 192.0.2.1:179 missing MD5 digest", "juniper/bgp", "mx1", "2024-02-17T13:40:03Z", "src_ip=192.0.2.1|src_port=179"},
	{"<14>1 2024-02-17T13:40:03Z srx RT_FLOW - RT_FLOW_SESSION_CREATE [junos@2636.1.1.1.2.129 source-address=\"192.0.2.1\"] session created 192.0.2.1/1->192.0.2.2/80 0x0 None", "juniper/firewall/syslog", "srx", "2024-02-17T13:40:03Z", "source-address=192.0.2.1|src_ip=192.0.2.1|dst_port=80|action=accept"},
	{`<189>date=2024-02-17 time=13:40:03 devname="fw1" devid="F1" eventtime=1708177203000000000 tz="+0000" logid="0100044547" type="event" subtype="system" action="Add" cfgpath="system.admin" msg="Add \"x\""`, "fortigate/event", "fw1", "2024-02-17T13:40:03Z", `action=Add|cfgpath=system.admin|msg=Add "x"`},
	{`Feb 17 13:40:05 fw1 date=2024-02-17 time=13:40:03 logid="0000000013" type="traffic" srcip=192.0.2.1 dstip=192.0.2.2 dstport=23 action="accept"`, "fortigate/traffic", "fw1", "2024-02-17T13:40:03Z", "srcip=192.0.2.1|dstport=23"},
	{`Feb 17 13:40:05 pa1 1,2024/02/17 13:40:03,0011,GLOBALPROTECT,0,2561,2024/02/17 13:40:02,vsys1,gateway-connected,connected,saml,IPSec,bob,DE,lap,192.0.2.9,0.0.0.0,10.2.2.2,0.0.0.0`, "paloalto/globalprotect", "pa1", "2024-02-17T13:40:05Z", "srcuser=bob|public_ip=192.0.2.9|private_ip=10.2.2.2|eventid=gateway-connected"},
	{`1,2024/02/17 13:40:03,0011,TRAFFIC,end,2561,2024/02/17 13:40:02,192.0.2.1,192.0.2.2,,,r1,"a,b",,web,vsys1,t,u,e1,e2,l,x,7,1,1024,443,0,0,0x0,tcp,allow`, "paloalto/traffic", "", "2024-02-17T13:40:02Z", "src=192.0.2.1|dport=443|action=allow|srcuser=a,b|rule=r1"},
	{"<134>1 2024-02-17T13:40:03Z fw filterlog 9 - - 7,,,100,vtnet0,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,192.0.2.1,192.0.2.2,4,80,0,S", "pfsense/firewall", "fw", "2024-02-17T13:40:03Z", "action=deny|proto=tcp|src_ip=192.0.2.1|dst_port=80|interface=vtnet0"},
	{`Feb 17 14:40:03 <local0.info> 10.0.0.9 02/17/2024:13:40:02 GMT ns01 0-PPE-0 : SSLVPN LOGIN 11590 0 : Context bob@192.0.2.9 - SessionId: 15- User bob - Client_ip 192.0.2.9- Nat_ip "Mapped Ip" - Vserver 192.0.2.1:443 - Browser_type "WinNT - Mozilla 5.0" - SSLVPN_client_type Agent - Group(s) "N/A"`, "netscaler/vpn", "ns01",
		"2024-02-17T13:40:02Z", "feature=SSLVPN|action=login|session=15|user=bob|src_ip=192.0.2.9|Vserver=192.0.2.1:443|Browser_type=WinNT - Mozilla 5.0"},
	{`<134> 02/17/2024:13:40:03 GMT ns01 0-PPE-0 : default SSLVPN LOGOUT 37622 0 : Context bob@192.0.2.9 - SessionId: 15 - User bob - Client_ip 192.0.2.9 - Nat_ip 10.9.0.7 - Vserver 192.0.2.1:443 - Start_time "02/17/2024:13:27:52 " - Duration 00:12:11  - Total_bytes_send 5`, "netscaler/vpn", "ns01", "2024-02-17T13:40:03Z",
		"action=logout|session=15|user=bob|src_ip=192.0.2.9|assigned_ip=10.9.0.7|duration=731"},
	{`Feb 17 13:40:03 10.0.0.9 02/17/2024:13:40:02 ns01 0-PPE-0 : default AAA LOGIN_FAILED 71 0 :  User eve - Client_ip 192.0.2.8 - Failure_reason "External authentication server denied access"`, "netscaler/vpn", "ns01", "2024-02-17T13:40:02Z", "action=login_failed|user=eve|src_ip=192.0.2.8|reason=External authentication server denied access"},
	{`Feb 17 13:40:03 <local0.info> 10.0.0.9 02/17/2024:13:40:02 GMT ns01 0-PPE-0 : default GUI CMD_EXECUTED 7825 0 :  User nsroot - ADM_User NONE - Remote_ip 192.0.2.9 - Command "add system user svc xxx" - Status "Success"`, "netscaler/event", "ns01", "2024-02-17T13:40:02Z",
		"action=cmd_executed|user=nsroot|src_ip=192.0.2.9|command=add system user svc xxx|status=Success"},
	{"Feb 17 13:40:03 vpn1 PulseSecure: 2024-02-17 13:40:02 - ive - [192.0.2.9] Default Network::bob(Users)[Staff] - Login succeeded for bob/Users (session:0a1b) from 192.0.2.9 with Mozilla/5.0.", "pulse/vpn", "vpn1", "2024-02-17T13:40:03Z", "app=PulseSecure|src_ip=192.0.2.9|user=bob|realm=Users|roles=Staff|action=login"},
	{"Feb 17 13:40:03 vpn1 Juniper: 2024-02-17 13:40:02 - ive - [192.0.2.9] bob(Users)[Staff] - VPN Tunneling: Session started for user with IPv4 address 10.9.0.7, hostname LAP-1", "pulse/vpn", "vpn1", "2024-02-17T13:40:03Z", "src_ip=192.0.2.9|user=bob|action=tunnel-up|assigned_ip=10.9.0.7|client_host=LAP-1"},
	{"Feb 17 13:40:03 vpn1 PulseSecure: 2024-02-17 13:40:02 - ive - [192.0.2.8] eve(Users)[] - Login failed using auth server AD (LDAP Server).  Reason: Failed", "pulse/vpn", "vpn1", "2024-02-17T13:40:03Z", "src_ip=192.0.2.8|user=eve|action=login-failed"},
	{"2024-04-10 02:19:37,123 dt_send INFO TX_DIR: send file dir: fname='/opt/panlogs/tmp/device_telemetry/minute/x'", "paloalto/globalprotect", "", "2024-04-10T02:19:37.123Z", ""},
}

func TestLines(t *testing.T) {
	for _, c := range cases {
		out := read(t, c.line+"\n")
		if len(out.Rows) != 1 || len(out.Damage) != 0 {
			t.Errorf("%.90q: %d rows, %v", c.line, len(out.Rows), out.Damage)
			continue
		}
		r := out.Rows[0]
		at := ""
		if r.Time != event.NoTime {
			at = time.Unix(0, r.Time).UTC().Format(time.RFC3339Nano)
		}
		if r.Source.String() != c.source || r.Host != c.host || at != c.at {
			t.Errorf("%.90q: %s %q %s, want %s %q %s", c.line, r.Source, r.Host, at, c.source, c.host, c.at)
		}
		for _, f := range strings.Split(c.fields, "|") {
			if name, value, ok := strings.Cut(f, "="); ok && r.Get(name) != value {
				t.Errorf("%.90q: %s is %q, want %q (%v)", c.line, name, r.Fields[name], value, r.Fields)
			}
		}
		if _, ok := r.Fields["message"]; !ok && !strings.Contains(c.source, "Sysmon") && !strings.Contains(c.source, "auditd") {
			t.Errorf("%.90q: no message", c.line)
		}
	}
}

func TestYearsRollOverAndBack(t *testing.T) {
	text := "Dec 30 10:00:00 h a: 1\nDec 31 23:59:59 h a: 2\nJan  1 00:00:01 h a: 3\nDec 31 23:59:58 h a: 4\nFeb 29 10:00:00 h a: 5\n"
	out := read(t, text)
	var got []string
	for _, r := range out.InOrder() {
		got = append(got, time.Unix(0, r.Time).UTC().Format("2006-01-02"))
	}
	if s := strings.Join(got, " "); s != "2023-12-30 2023-12-31 2024-01-01 2023-12-31 2024-02-29" {
		t.Errorf("%s", s)
	}
	// A file of three years, small enough to be read before the first year is told.
	var long strings.Builder
	for y := range 3 {
		for m := 1; m <= 12; m++ {
			fmt.Fprintf(&long, "%s  2 10:00:00 h a: %d\n", time.Month(m).String()[:3], y)
		}
	}
	out = readtest.Read(t, Format{}, []byte(long.String()), event.File{ModTime: time.Date(2023, 12, 2, 11, 0, 0, 0, time.UTC)}, event.Everything())
	rows := out.InOrder()
	if first := time.Unix(0, rows[0].Time).UTC(); first.Year() != 2021 || time.Unix(0, rows[35].Time).UTC().Year() != 2023 {
		t.Errorf("begins %v", first)
	}
	if out = readtest.Read(t, Format{}, []byte(text), event.File{}, event.Everything()); out.Rows[0].Time != event.NoTime || len(out.Damage) != 1 {
		t.Errorf("a file without a time: %v %v", out.Rows[0].Time, out.Damage)
	}
}

func TestYearsCrossSegments(t *testing.T) {
	var text strings.Builder
	at := time.Date(2023, 11, 1, 0, 0, 0, 0, time.UTC)
	const lines = 250_000
	for i := range lines { // 23 MiB, four months
		fmt.Fprintf(&text, "%s host prog[%d]: %s\n", at.Add(time.Duration(i)*40*time.Second).Format(time.Stamp), i, strings.Repeat("x", 60))
	}
	needs := event.Always(func(event.Source) event.Want { return event.Want{} })
	out := readtest.Read(t, Format{}, []byte(text.String()), event.File{ModTime: at.Add(lines * 40 * time.Second)}, needs)
	if len(out.Rows) != lines {
		t.Fatalf("%d rows", len(out.Rows))
	}
	for i, r := range out.Rows {
		if want := at.Add(time.Duration(i) * 40 * time.Second).UnixNano(); r.Time != want || r.Record != uint64(i+1) || len(r.Fields) != 0 {
			t.Fatalf("line %d: %v, want %v; %v", i, time.Unix(0, r.Time).UTC(), time.Unix(0, want).UTC(), r)
		}
	}
}

func TestHintsAndNeeds(t *testing.T) {
	zone := time.FixedZone("x", 8*3600)
	f := event.File{ModTime: modTime, Hints: event.Hints{Zone: zone, Offset: time.Hour, Host: "told"}}
	out := readtest.Read(t, Format{}, []byte("Feb 17 13:40:03 cron[1]: (root) CMD (x)\n"), f, event.Everything())
	if r := out.Rows[0]; r.Host != "told" || time.Unix(0, r.Time).UTC().Format(time.RFC3339) != "2024-02-17T06:40:03Z" {
		t.Errorf("%q %v", r.Host, time.Unix(0, r.Time).UTC())
	}
	needs := event.Always(func(s event.Source) event.Want {
		if s.Service == "sshd" {
			return event.Want{Fields: []string{"src_ip", "user"}}
		}
		return event.Want{}
	})
	needs.Since = time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	out = readtest.Read(t, Format{}, []byte("Jan 17 13:40:03 h sshd[1]: x\nFeb 17 13:40:03 h sshd[1]: Invalid user a from 192.0.2.1\nFeb 17 13:40:03 h foo[1]: x\n"), event.File{ModTime: modTime}, needs)
	if len(out.Rows) != 2 || len(out.InOrder()[0].Fields) != 2 || len(out.Rows[1].Fields) != 0 {
		t.Errorf("%+v", out.Rows)
	}
}

func TestContinuedAndStrangeLines(t *testing.T) {
	out := read(t, "Feb 17 13:40:03 h java[1]: trouble\n\tat a.b(C)\r\n  at d\nnot syslog at all\n-- Boot 7 --\n\nmore of that, strange\nFeb 17 13:40:04 h a: b\n")
	rows := out.InOrder()
	if len(rows) != 5 || rows[0].Get("message") != "trouble\n\tat a.b(C)\r\n  at d" || rows[1].Get("message") != "not syslog at all" || rows[1].Record != 4 {
		t.Errorf("%+v", rows)
	}
	if len(out.Damage) != 1 || !strings.HasPrefix(out.Damage[0].Reason, "2 records from here") {
		t.Errorf("%v", out.Damage)
	}
}

func TestNotRecognised(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "prose": "Feb 17 was a day.\nOn Mar 3 another\nand so on\n", "access": "192.0.2.1 - - [17/Feb/2024:13:40:03 +0000] \"GET / HTTP/1.1\" 200 5\n",
		"own time": "2024-02-17 13:40:03,123 INFO something happened\n2024-02-17 13:40:04,123 WARN else\n", "iis": "#Fields: date time\n2024-02-17 13:40:03 192.0.2.1 GET / - 80\n",
		"csv": "date,time,host\n2024-02-17,13:40:03,a\n", "json": "{\"time\":\"2024-02-17T13:40:03Z\",\"message\":\"x\"}\n", "squid": "1708177203.123 5 192.0.2.1 TCP_MISS/200 5 GET http://a.example/ - x\n",
		"bind": "17-Feb-2024 13:40:03.123 client @0x7 192.0.2.1#5 (a): query: a IN A +\n", "dnsmasq word": "Jan is a month\n", "zeek": "#separator \\x09\n",
	} {
		if c := (Format{}).Recognise([]byte(text), "x.log"); c != event.No {
			t.Errorf("%s: recognised with %d", name, c)
		}
	}
	for _, c := range cases {
		if (Format{}).Recognise([]byte(c.line+"\n"), "") == event.No && !strings.Contains(c.line, "repeated") && !strings.HasPrefix(c.line, "<13>1 - -") {
			t.Errorf("not recognised: %.80q", c.line)
		}
	}
}

// slow is the reference for the classic header: regular expressions and the standard library's times.
var (
	slowLegacy = regexp.MustCompile(`^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) ([\w.:-]+) ([\w./+-]+(?::[\w./+-]+)*)(?:\[([^\]]{0,39})\])?: ?(.*)$`)
	slowISO    = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\S+) ([\w.:-]+) ([\w./+-]+)(?:\[([^\]]{0,39})\])?: ?(.*)$`)
	slow5424   = regexp.MustCompile(`^<(\d+)>1 (\S+) (\S+) (\S+) (\S+) (\S+) (?:-|\[.*?[^\\]\]) (.*)$`)
)

func TestRealLogsAgainstTheSlowReference(t *testing.T) {
	files := require.Files(t, "weblogs/crowdsec-hub/*/*.log")
	compared, recognised := 0, 0
	for _, p := range files {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if (Format{}).Recognise(data, "") == event.No {
			continue
		}
		recognised++
		out := readtest.Read(t, Format{}, data, event.File{ModTime: modTime}, event.Everything())
		want := 0
		for _, l := range strings.Split(string(data), "\n") {
			if strings.TrimRight(l, "\r") != "" && l[0] != ' ' && l[0] != '\t' {
				want++
			}
		}
		if len(out.Rows) != want {
			t.Errorf("%s: %d rows, %d lines", p, len(out.Rows), want)
		}
		for _, r := range out.Rows {
			line, _, _ := bytes.Cut(data[r.Offset:], []byte{'\n'})
			l := strings.TrimRight(string(line), "\r")
			var at, host, app, pid, text string
			var clock time.Time
			if m := slowLegacy.FindStringSubmatch(l); m != nil {
				at, host, app, pid, text = m[1], m[2], m[3], m[4], m[5]
				if clock, err = time.Parse("2006 "+time.Stamp, "2023 "+at); err != nil {
					t.Fatal(err)
				}
			} else if m := slowISO.FindStringSubmatch(l); m != nil {
				at, host, app, pid, text = m[1], m[2], m[3], m[4], m[5]
				if clock, err = time.Parse(time.RFC3339Nano, at); err != nil {
					t.Fatal(err)
				}
			} else if m := slow5424.FindStringSubmatch(l); m != nil {
				at, host, app, pid, text = m[2], m[3], m[4], m[5], m[7]
				if clock, err = time.Parse(time.RFC3339Nano, at); err != nil {
					t.Fatal(err)
				}
				if pid == "-" {
					pid = ""
				}
			} else {
				continue
			}
			compared++
			got := time.Unix(0, r.Time).UTC()
			if g, w := got.Format("01-02 15:04:05.000000"), clock.UTC().Format("01-02 15:04:05.000000"); g != w {
				t.Errorf("%s: %.60q: time %s, want %s", p, l, g, w)
			}
			if r.Host != host || r.Get("app") != app || r.Get("pid") != pid || r.Get("message") != text {
				t.Errorf("%s: %.60q: %q %q %q %q, want %q %q %q %q", p, l, r.Host, r.Get("app"), r.Get("pid"), r.Get("message"), host, app, pid, text)
			}
		}
	}
	t.Logf("%d files recognised, %d lines compared", recognised, compared)
	if recognised < 45 || compared < 300 {
		t.Errorf("%d files recognised, %d lines compared", recognised, compared)
	}
}

func FuzzSyslog(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.line + "\n\tmore\nx"))
	}
	f.Add([]byte("2000-01-01 00:00:0000000:0  "))
	f.Add([]byte("<5>1 2003-08-24T05:14:15.3-0700     [ =3\" no e=\"a \\\"b\\]\"][other x=\"\"]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{ModTime: modTime, Hints: event.Hints{Encoding: "utf-8"}}, event.Everything())
	})
}

func sample() []byte {
	var b bytes.Buffer
	for _, c := range cases {
		b.WriteString(c.line)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func BenchmarkSyslogEverything(b *testing.B) {
	readtest.Bench(b, Format{}, sample(), event.File{ModTime: modTime}, event.Everything())
}

func BenchmarkSyslogMessages(b *testing.B) {
	readtest.Bench(b, Format{}, sample(), event.File{ModTime: modTime}, event.Always(func(event.Source) event.Want { return event.Want{Fields: []string{"message"}} }))
}

func BenchmarkSyslogCounted(b *testing.B) {
	readtest.Bench(b, Format{}, sample(), event.File{ModTime: modTime}, event.Always(func(event.Source) event.Want { return event.Want{} }))
}

// unread are files beside syslog that are not of it, with the reason.
var unread = map[string]string{
	"asterisk-bf": "Asterisk's own file: the time stands in brackets and there is no host", "asterisk-logs": "as asterisk-bf", "asterisk-user-enum": "as asterisk-bf",
	"apache-guacamole_bf": "a container tool's prefix before each line", "apache-guacamole_user_enum": "as apache-guacamole_bf",
	"smb-logs": "Samba's own file: no time but inside the text", "fortinet-cve-2018-13379": "a web server's access log",
}

func TestEveryFileOfTheFamilyIsRecognised(t *testing.T) {
	family := regexp.MustCompile(`ssh|syslog|iptables|pfsense|opnsense|palo-alto|fortinet|vsftpd|asterisk|guacamole|smb|postfix|dovecot|mysql-bf`)
	seen := 0
	for _, p := range require.Files(t, "weblogs/crowdsec-hub/*/*.log") {
		folder := filepath.Base(filepath.Dir(p))
		if !family.MatchString(folder) {
			continue
		}
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		got, why := (Format{}).Recognise(data, ""), unread[folder]
		if (got == event.No) != (why != "") {
			t.Errorf("%s: recognised with %d; listed reason: %q", p, got, why)
		}
	}
	if seen < 50 {
		t.Errorf("only %d files", seen)
	}
}
