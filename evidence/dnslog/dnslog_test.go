package dnslog

import (
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
	"github.com/contrail-ir/contrail/internal/require"
)

// Lines in the forms that the servers' documentation describes.
const microsoft = "DNS Server log file creation at 7/3/2023 9:00:00 AM\r\n\r\nMessage logging key (for packets - other items use a subset of these fields):\r\n\tField #  Information         Values\r\n\r\n" +
	"7/3/2023 9:08:07 AM 0E24 PACKET  00000000028657F0 UDP Rcv 10.0.0.9        5b47   Q [0001   D   NOERROR] A      (3)www(7)example(3)com(0)\r\n" +
	"UDP question info at 00000000028657F0\r\n  Socket = 332\r\n    ANSWER SECTION:\r\n    Name      \"[C00C](3)www(0)\"\r\n      DATA   198.51.100.3\r\n    AUTHORITY SECTION:\r\n      DATA   1.1.1.1\r\n\r\n" +
	"7/3/2023 9:08:08 AM 0E24 PACKET  00000000028657F0 UDP Snd 192.0.2.53      5b48   Q [0001   D   NOERROR] TXT    (1)a(7)example(0)\r\n"

const text = `Jul  3 09:08:07 dnsmasq[42]: query[A] www.example.com from 10.0.0.9
Jul  3 09:08:07 router dnsmasq[42]: 7 10.0.0.9/5353 reply www.example.com is 198.51.100.3
Jul  3 09:08:07 dnsmasq[42]: forwarded www.example.com to 192.0.2.53
03-Jul-2023 09:08:07.500 queries: info: client @0x7f 10.0.0.9#5000 (x.example): view internal: query: x.example IN TXT +E(0)K (10.0.0.53)
Jul  3 09:08:07 ns named[9]: client 10.0.0.9#5000 (x.example): query: x.example IN A + (10.0.0.53)
03-Jul-2023 09:08:07.500 client @0x7f 10.0.0.9#5000 (x.example): zone transfer 'x.example/AXFR/IN' denied
`

func TestFormsOfDNSLogs(t *testing.T) {
	out := readtest.Read(t, Format{}, []byte(microsoft), event.File{}, event.Everything())
	rows := out.InOrder()
	if len(rows) != 2 || len(out.Damage) != 0 {
		t.Fatalf("%+v %v", rows, out.Damage)
	}
	check := func(r readtest.Row, want map[string]string) {
		t.Helper()
		for f, v := range want {
			if got := strings.Join(r.Fields[f], "|"); got != v {
				t.Errorf("record %d: %s is %q, want %q", r.Record, f, got, v)
			}
		}
	}
	check(rows[0], map[string]string{"query": "www.example.com", "record_type": "A", "c-ip": "10.0.0.9", "answer": "198.51.100.3", "rcode": "NOERROR", "opcode": "Q", "direction": "Rcv", "response": "false"})
	check(rows[1], map[string]string{"query": "a.example", "record_type": "TXT", "c-ip": "", "dst_ip": "192.0.2.53"})
	if rows[0].Time != time.Date(2023, 7, 3, 9, 8, 7, 0, time.UTC).UnixNano() {
		t.Error(rows[0].Time)
	}
	out = readtest.Read(t, Format{}, []byte(text+"???\n"), event.File{ModTime: time.Date(2023, 8, 1, 0, 0, 0, 0, time.UTC)}, event.Everything())
	rows = out.InOrder()
	if len(rows) != 7 || len(out.Damage) != 1 {
		t.Fatalf("%+v %v", rows, out.Damage)
	}
	check(rows[0], map[string]string{"query": "www.example.com", "record_type": "A", "c-ip": "10.0.0.9", "action": "query"})
	check(rows[1], map[string]string{"query": "www.example.com", "answer": "198.51.100.3", "c-ip": "10.0.0.9"})
	check(rows[2], map[string]string{"query": "www.example.com", "dst_ip": "192.0.2.53"})
	check(rows[3], map[string]string{"query": "x.example", "record_type": "TXT", "c-ip": "10.0.0.9", "view": "internal", "dst_ip": "10.0.0.53", "level": "info", "category": "queries"})
	check(rows[4], map[string]string{"query": "x.example", "record_type": "A"})
	check(rows[5], map[string]string{"query": "x.example", "record_type": "AXFR", "result": "denied"})
	for i, r := range rows[:6] {
		if r.Time/1e9 != time.Date(2023, 7, 3, 9, 8, 7, 0, time.UTC).Unix() {
			t.Errorf("line %d: time %d", i+1, r.Time)
		}
	}
	if rows[1].Host != "router" || rows[4].Host != "ns" {
		t.Errorf("%q %q", rows[1].Host, rows[4].Host)
	}
}

func TestYearIsNotGuessed(t *testing.T) {
	out := readtest.Read(t, Format{}, []byte(text), event.File{}, event.Everything())
	if out.InOrder()[0].Time != event.NoTime || len(out.Damage) != 1 {
		t.Errorf("%+v %v", out.Rows[0], out.Damage)
	}
}

// TestRealLogs reads BIND's logs: one row for each line, the name as a plain search finds it.
func TestRealLogs(t *testing.T) {
	for _, name := range []string{"bind9-logs/bind9-logs", "bind9-refused/bind9-refused", "bind9-syslog/bind9-syslog"} {
		b := require.Read(t, "weblogs/crowdsec-hub/"+name+".log")
		if (Format{}).Recognise(b, "") < event.Likely {
			t.Errorf("%s is not recognised", name)
		}
		out := readtest.Read(t, Format{}, b, event.File{ModTime: time.Now()}, event.Everything())
		rows := out.InOrder()
		i := 0
		for _, l := range strings.Split(string(b), "\n") {
			if strings.TrimSpace(l) == "" {
				continue
			}
			if i == len(rows) {
				t.Fatalf("%s: %d rows", name, len(rows))
			}
			if _, after, ok := strings.Cut(l, " ("); ok {
				if want, _, ok := strings.Cut(after, "): "); ok && rows[i].Get("query") != "" && rows[i].Get("query") != want {
					t.Errorf("%s: line %d: %q, want %q", name, i+1, rows[i].Get("query"), want)
				}
			}
			i++
		}
		if i != len(rows) || len(out.Damage) > 0 {
			t.Errorf("%s: %d rows of %d lines, %v", name, len(rows), i, out.Damage)
		}
	}
}

func FuzzDNSLog(f *testing.F) {
	f.Add([]byte(microsoft))
	f.Add([]byte(text))
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{ModTime: time.Date(2023, 8, 1, 0, 0, 0, 0, time.UTC)}, event.Everything())
	})
}

func Benchmark(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(text), event.File{ModTime: time.Date(2023, 8, 1, 0, 0, 0, 0, time.UTC)}, event.Everything())
}
