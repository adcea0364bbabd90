package device

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
)

// The lines of these tests are written from vendors' documentation.

const detail = `Sat Feb 17 13:40:03 2024
	Acct-Session-Id = "0001"
	User-Name = "bob \"b\""
	NAS-IP-Address = 192.0.2.1
	Cisco-AVPair = "a=1"
	Cisco-AVPair = "b=2"
	Timestamp = 1708177205

Sat Feb 17 13:41:03 2024
	User-Name = "eve"
	no attribute here

`

func TestRadiusDetail(t *testing.T) {
	if c := (Radius{}).Recognise([]byte(strings.ReplaceAll(detail, "	no attribute here\n", "")), ""); c != event.Certain {
		t.Errorf("recognised with %d", c)
	}
	out := readtest.Read(t, Radius{}, []byte(detail), event.File{}, event.Everything())
	if len(out.Rows) != 2 || len(out.Damage) != 1 {
		t.Fatalf("%+v", out)
	}
	r := out.Rows[0]
	if r.Get("User-Name") != `bob "b"` || !slices.Equal(r.Fields["Cisco-AVPair"], []string{"a=1", "b=2"}) || r.Time != 1708177205e9 || r.Get("NAS-IP-Address") != "192.0.2.1" {
		t.Errorf("%+v", r)
	}
	if r = out.Rows[1]; r.Time != time.Date(2024, 2, 17, 13, 41, 3, 0, time.UTC).UnixNano() || r.Get("message") != "no attribute here" || r.Record != 9 {
		t.Errorf("%+v", r)
	}
}

// slowDetail splits records at empty lines.
func TestRadiusDetailAgainstTheSlowReference(t *testing.T) {
	var file strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&file, "Sat Feb 17 %02d:%02d:03 2024\n\tUser-Name = \"u%d\"\n\tAcct-Session-Id = \"%d\"\n\n", i/60%24, i%60, i%97, i)
	}
	out := readtest.Read(t, Radius{}, []byte(file.String()), event.File{}, event.Everything())
	blocks := strings.Split(strings.TrimSpace(file.String()), "\n\n")
	if len(blocks) != len(out.Rows) {
		t.Fatalf("%d rows, %d blocks", len(out.Rows), len(blocks))
	}
	for i, b := range blocks {
		ls := strings.Split(b, "\n")
		at, err := time.Parse("Mon Jan 2 15:04:05 2006", ls[0])
		if err != nil || at.UnixNano() != out.Rows[i].Time {
			t.Fatalf("record %d: %v %v", i, at, err)
		}
		for _, l := range ls[1:] {
			name, value, _ := strings.Cut(strings.TrimSpace(l), " = ")
			if out.Rows[i].Get(name) != strings.Trim(value, `"`) {
				t.Fatalf("record %d: %s is %q", i, name, out.Rows[i].Get(name))
			}
		}
	}
}

func nps() string {
	f := make([]string, len(npsNames))
	f[0], f[1], f[2], f[3], f[4], f[5], f[12], f[31] = `"NPS1"`, `"IAS"`, "02/17/2024", "13:40:03", "4", `"bob"`, `"192.0.2.1"`, "1"
	return strings.Join(f, ",")
}

var accountingCases = []struct{ text, source, host, fields string }{
	{"Date,Time,User-Name,Group-Name,Caller-Id,cmd,priv-lvl,service,NAS-Portname,task_id,NAS-IP-Address\n02/17/2024,13:40:03,bob,Default,192.0.2.5,show users <cr>,15,shell,tty1,3,10.0.0.1\n", "cisco/aaa", "", "User-Name=bob|cmd=show users <cr>|Caller-Id=192.0.2.5"},
	{"Logged At,RADIUS Status,User-Name,Calling-Station-ID,NAS-IP-Address,Acct-Status-Type\n\"2024-02-17 13:40:03\",ok,\"b,\nb\",00-00-5E,10.0.0.1,Start\n", "radius/radius", "", "User-Name=b,\nb|Acct-Status-Type=Start"},
	{nps() + "\n", "nps/radius", "NPS1", "User-Name=bob|NAS-IP-Address=192.0.2.1|Acct-Status-Type=1|Packet-Type=4"},
	{"192.0.2.1,bob,02/17/2024,13:40:03,IAS,NPS1,40,1,31,00-00-5E,9999,x\n", "nps/radius", "NPS1", "User-Name=bob|Acct-Status-Type=1|Calling-Station-ID=00-00-5E|Attribute-9999=x"},
}

func TestAccounting(t *testing.T) {
	for _, c := range accountingCases {
		if (Accounting{}).Recognise([]byte(c.text), "") < event.Likely {
			t.Errorf("%.60q: not recognised", c.text)
		}
		out := readtest.Read(t, Accounting{}, []byte(c.text), event.File{}, event.Everything())
		if len(out.Rows) != 1 || len(out.Damage) != 0 {
			t.Errorf("%.60q: %+v", c.text, out)
			continue
		}
		r := out.Rows[0]
		if r.Source.String() != c.source || r.Host != c.host || r.Time != time.Date(2024, 2, 17, 13, 40, 3, 0, time.UTC).UnixNano() {
			t.Errorf("%.60q: %s %q %v", c.text, r.Source, r.Host, time.Unix(0, r.Time).UTC())
		}
		for _, f := range strings.Split(c.fields, "|") {
			if name, value, _ := strings.Cut(f, "="); r.Get(name) != value {
				t.Errorf("%.60q: %s is %q, want %q", c.text, name, r.Get(name), value)
			}
		}
	}
	if c := (Accounting{}).Recognise([]byte("date,time,c-ip,cs-uri\n1,2,3,4\n"), ""); c != event.No {
		t.Errorf("another table is recognised with %d", c)
	}
}

func TestValuesAgainstTheStandardLibrary(t *testing.T) {
	for _, l := range []string{`a,b,c`, `"a,b",c`, `"x ""y"" z",`, `,,`, `"a"`, `1,"",3`} {
		want, err := csv.NewReader(strings.NewReader(l)).Read()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		eachCSV([]byte(l), func(_ int, v []byte) bool { got = append(got, string(v)); return true })
		if !slices.Equal(got, want) && !(strings.HasSuffix(l, ",") && slices.Equal(append(got, ""), want)) {
			t.Errorf("%s: %q, want %q", l, got, want)
		}
	}
}

const iosBefore = `Building configuration...
! Last configuration change at 13:40:03 UTC Sat Feb 17 2024 by bob
version 15.2
service timestamps log datetime
!
hostname edge1
!
boot system flash:image-1.bin
username bob privilege 15 secret 5 $1$a
!
interface GigabitEthernet0/1
 description uplink
 ip address 192.0.2.1 255.255.255.0
!
router bgp 65000
 address-family ipv4
  neighbor 192.0.2.2 activate
 exit-address-family
!
banner motd ^C
 username of nobody
^C
line vty 0 4
 transport input ssh
end
edge1#verify /md5 flash:image-1.bin
verify /md5 (flash:image-1.bin) = 0123456789abcdef0123456789abcdef
`

var iosAfter = strings.NewReplacer(
	"username bob privilege 15 secret 5 $1$a\n", "username bob privilege 15 secret 5 $1$b\nusername eve privilege 15 secret 5 $1$c\n",
	"router bgp", "interface Tunnel7\n tunnel destination 198.51.100.9\n!\nmonitor session 1 source interface Gi0/1\nip nat inside source static tcp 10.0.0.5 3389 192.0.2.1 8443\n!\nrouter bgp",
	"0123456789abcdef0123456789abcdef", "ffff456789abcdef0123456789abcdef").Replace(iosBefore)

const junos = `## Last commit: 2024-02-17 13:40:03 UTC by bob
version 20.4R3;
system {
    host-name mx1;
    login {
        user bob {
            class super-user;
        }
    }
    services {
        ssh;
    }
}
forwarding-options {
    port-mirroring {
        input {
            rate 1;
        }
    }
}
`

const fortiText = `#config-version=FGT-7.0
config system global
    set hostname "fw1"
end
config system admin
    edit "bob"
        set accprofile "super_admin"
    next
end
config firewall vip
    edit "rdp"
        set mappedip "10.0.0.5"
    next
end
`

const vrpText = `#
sysname hw1
#
local-user bob password irreversible-cipher x
#
observe-port 1 interface GigabitEthernet0/0/1
interface GigabitEthernet0/0/2
 port-mirroring to observe-port 1 inbound
 undo shutdown
#
user-interface vty 0 4
 authentication-mode aaa
return
`

func TestConfigurations(t *testing.T) {
	for _, c := range []struct{ text, product, host, want string }{
		{iosBefore, "cisco", "edge1", "|! Last configuration change at 13:40:03 UTC Sat Feb 17 2024 by bob|change;|username bob privilege 15 secret 5 $1$a|user;interface GigabitEthernet0/1|description uplink|other;router bgp 65000 > address-family ipv4|neighbor 192.0.2.2 activate|route;line vty 0 4|transport input ssh|management;|boot system flash:image-1.bin|image;verify /md5 flash:image-1.bin|verify /md5 (flash:image-1.bin) = 0123456789abcdef0123456789abcdef|image"},
		{junos, "juniper", "mx1", "system > login > user bob|class super-user|user;system > services|ssh|management;forwarding-options > port-mirroring > input|rate 1|mirror"},
		{fortiText, "fortigate", "fw1", "config system admin > edit \"bob\"|set accprofile \"super_admin\"|user;config firewall vip > edit \"rdp\"|set mappedip \"10.0.0.5\"|forward"},
		{vrpText, "huawei", "hw1", "|local-user bob password irreversible-cipher x|user;|observe-port 1 interface GigabitEthernet0/0/1|mirror;interface GigabitEthernet0/0/2|port-mirroring to observe-port 1 inbound|mirror;user-interface vty 0 4|authentication-mode aaa|management"},
		{"set system host-name mx2\nset system login user eve class super-user\nset interfaces gr-0/0/0 unit 0 tunnel source 192.0.2.1\nset protocols bgp group a neighbor 192.0.2.2\nset routing-options static\n", "juniper", "mx2", "|set system login user eve class super-user|user;|set interfaces gr-0/0/0 unit 0 tunnel source 192.0.2.1|tunnel"},
	} {
		if (Config{}).Recognise([]byte(c.text), "") < event.Likely {
			t.Errorf("%.40q: recognised with %d", c.text, (Config{}).Recognise([]byte(c.text), ""))
		}
		out := readtest.Read(t, Config{}, []byte(c.text), event.File{}, event.Everything())
		have := map[string]bool{}
		rows := out.InOrder()
		for _, r := range rows {
			have[r.Get("section")+"|"+r.Get("statement")+"|"+r.Get("kind")] = true
		}
		for _, w := range strings.Split(c.want, ";") {
			if !have[w] {
				t.Errorf("%.30q: no statement %q in %v", c.text, w, have)
			}
		}
		if last := rows[len(rows)-1]; last.Source.Product != c.product || last.Host != c.host || last.Source.Service != "config" {
			t.Errorf("%.30q: %v %q", c.text, last.Source, last.Host)
		}
	}
	for name, text := range map[string]string{"prose": "The version of this\nservice is\n", "log": "Feb 17 13:40:03 h sshd[1]: x\n", "shell": "#!/bin/sh\nset -e\nservice x restart\n"} {
		if c := (Config{}).Recognise([]byte(text), ""); c != event.No {
			t.Errorf("%s is recognised with %d", name, c)
		}
	}
}

func TestCompareTellsWhatWasChanged(t *testing.T) {
	read := func(text string) []Statement {
		host, all, err := ReadConfig(context.Background(), event.File{Body: strings.NewReader(text)})
		if err != nil || host != "edge1" {
			t.Fatalf("%q %v", host, err)
		}
		return all
	}
	before, after := read(iosBefore), read(iosAfter)
	var got []string
	for _, c := range Compare(before, after, KindUser, KindTunnel, KindMirror, KindForward, KindImage) {
		s := string(c.Kind())
		if c.Old != nil {
			s += " -" + c.Old.Name + c.Old.Hash
		}
		if c.New != nil {
			s += " +" + c.New.Name + c.New.Hash
		}
		got = append(got, s)
	}
	want := []string{"user -bob +bob", "user +eve", "tunnel +Tunnel7", "tunnel +", "mirror +1", "forward +", "image -0123456789abcdef0123456789abcdef +ffff456789abcdef0123456789abcdef"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if c := Compare(before, before); len(c) != 0 {
		t.Errorf("a configuration differs from itself: %v", c)
	}
	var back []string
	for _, c := range Compare(after, before) {
		if c.New == nil {
			back = append(back, c.Old.Text)
		}
	}
	if len(back) != 5 || back[0] != "username eve privilege 15 secret 5 $1$c" {
		t.Errorf("gone the other way: %q", back)
	}
}

// TestConfigurationAcrossSegments compares with a path kept by the indentation alone.
func TestConfigurationAcrossSegments(t *testing.T) {
	var file strings.Builder
	var want []string
	file.WriteString("hostname r1\nversion 15\n!\n")
	for i := range 30_000 {
		fmt.Fprintf(&file, "interface Tunnel%d\n description number %d\n service-policy x\n  class y%d\n!\n", i, i, i)
		want = append(want, "", fmt.Sprintf("interface Tunnel%d", i), fmt.Sprintf("interface Tunnel%d", i), fmt.Sprintf("interface Tunnel%d > service-policy x", i))
	}
	// Fetching replays the segment, so only few rows are fetched here: statements are read by ReadConfig instead.
	_, all, err := ReadConfig(context.Background(), event.File{Body: strings.NewReader(file.String())})
	if err != nil || len(all) != len(want)+2 {
		t.Fatalf("%d statements, want %d: %v", len(all), len(want)+2, err)
	}
	for i, w := range want {
		if all[i+2].Section != w || all[i+2].Kind != KindTunnel {
			t.Fatalf("statement %d %q: section %q, want %q; %s", i, all[i+2].Text, all[i+2].Section, w, all[i+2].Kind)
		}
	}
}

func TestCiscoMnemonic(t *testing.T) {
	for text, want := range map[string]int{
		"%SYS-5-CONFIG_I: x": 0, "x %ASA-6-302013: y": 2, "100% sure": -1, "%$ VDC-1 %$ %ETHPORT-5-IF_UP: z": 12, "%5-5-5": -1, "%A-9-B: ": -1, "%A-5-: ": -1, "": -1, "%": -1, "%SECURITY-SSHD-6-INFO : x": 0,
	} {
		if got := CiscoMnemonic([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	for _, s := range []string{iosBefore, junos, fortiText, vrpText, "}\n}\nx {\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		Config{}.Recognise(b, "")
		readtest.Read(t, Config{}, b, event.File{Hints: event.Hints{Encoding: "utf-8"}}, event.Everything())
	})
}

func FuzzAccounting(f *testing.F) {
	f.Add([]byte(detail))
	for _, c := range accountingCases {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		Accounting{}.Recognise(b, "")
		Radius{}.Recognise(b, "")
		readtest.Read(t, Accounting{}, b, event.File{Hints: event.Hints{Encoding: "utf-8"}}, event.Everything())
		readtest.Read(t, Radius{}, b, event.File{Hints: event.Hints{Encoding: "utf-8"}}, event.Everything())
	})
}

func BenchmarkRadiusDetail(b *testing.B) {
	readtest.Bench(b, Radius{}, []byte(detail), event.File{}, event.Everything())
}

func BenchmarkAccounting(b *testing.B) {
	readtest.Bench(b, Accounting{}, bytes.Repeat([]byte(nps()+"\n"), 100), event.File{}, event.Everything())
}

func BenchmarkConfig(b *testing.B) {
	readtest.Bench(b, Config{}, []byte(iosBefore), event.File{}, event.Everything())
}
