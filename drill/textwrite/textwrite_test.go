package textwrite

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 3, 16, 1, 2, 3, 456_789_000, time.UTC)

func TestLines(t *testing.T) {
	paris := time.FixedZone("", 3600)
	f := Flow{From: "10.1.2.3", To: "198.18.0.9", FromPort: 50000, ToPort: 443, Proto: "tcp", Number: 77, Last: 65 * time.Second, Out: 1000, In: 2000, Outside: "203.0.113.9", Name: "a.example", Status: 200}
	in := f
	in.From, in.To, in.Inbound = f.To, f.From, true
	plain := f
	plain.Method, plain.URI, plain.ToPort, plain.Agent, plain.Mime = "GET", "/x", 80, `say "hi"`, "text/html"
	r := Request{Client: "198.18.0.9", Server: "10.1.2.3", Port: 443, Method: "POST", Path: "/a", Query: "b=c", Agent: "Mozilla 5", Status: 200, Bytes: 12, Taken: 31 * time.Millisecond}
	for _, c := range []struct{ name, got, want string }{
		{"squid tunnel", Squid(at, f), "1773622923.456  65000 10.1.2.3 TCP_TUNNEL/200 2000 CONNECT a.example:443 - HIER_DIRECT/198.18.0.9 -"},
		{"squid", Squid(at, plain), "1773622923.456  65000 10.1.2.3 TCP_MISS/200 2000 GET http://a.example/x - HIER_DIRECT/198.18.0.9 text/html"},
		{"w3c", ProxyW3C(at, plain), `2026-03-16 01:02:03 65000 10.1.2.3 - TCP_NC_MISS 200 GET http a.example 80 /x "say ""hi""" text/html 2000 1000 198.18.0.9`},
		{"asa out", ASABuilt(f), "%ASA-6-302013: Built outbound TCP connection 77 for outside:198.18.0.9/443 (198.18.0.9/443) to inside:10.1.2.3/50000 (203.0.113.9/50000)"},
		{"asa in", ASABuilt(in), "%ASA-6-302013: Built inbound TCP connection 77 for outside:198.18.0.9/50000 (198.18.0.9/50000) to dmz:10.1.2.3/443 (203.0.113.9/443)"},
		{"asa end", ASATeardown(f), "%ASA-6-302014: Teardown TCP connection 77 for outside:198.18.0.9/443 to inside:10.1.2.3/50000 duration 0:01:05 bytes 3000 TCP FINs"},
		{"fortigate", FortiGate(at.In(paris), "fw", Quoted("msg", `a "b"`), Bare("n", 1)), `date=2026-03-16 time=02:02:03 devname="fw" devid="FGVM010000000014" eventtime=1773622923456789000 tz="+0100" msg="a \"b\"" n=1`},
		{"iis", IIS(at.In(paris), r), "2026-03-16 01:02:03 10.1.2.3 POST /a b=c 443 - 198.18.0.9 Mozilla+5 - 200 0 0 31"},
		{"apache", Apache(at.In(paris), r), `198.18.0.9 - - [16/Mar/2026:02:02:03 +0100] "POST /a?b=c HTTP/1.1" 200 12 "-" "Mozilla 5"`},
		{"tacacs", TACACS(at, "10.0.0.1", "netops", "tty2", "10.1.2.3", 5, "show run"), "Mon Mar 16 01:02:03 2026\t10.0.0.1\tnetops\ttty2\t10.1.2.3\tstop\ttask_id=5\ttimezone=UTC\tservice=shell\tstart_time=1773622923\tpriv-lvl=15\tcmd=show run <cr>"},
		{"syslog", Header(at.In(paris), "h"), "2026-03-16T02:02:03.456789+01:00 h "},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

func TestPGAuditIsARowOfTheServersColumns(t *testing.T) {
	line := PGAudit(at, Statement{User: "dba", Database: "r", Client: "127.0.0.1", PID: 9, Session: "a.b", Line: 1, Number: 1, Begun: at, Class: "READ", Command: "COPY", Object: "public.t", SQL: `COPY t TO 'a,"b"'`})
	rows, err := csv.NewReader(strings.NewReader(line)).ReadAll()
	if err != nil || len(rows) != 1 || len(rows[0]) != 26 {
		t.Fatalf("%v: %v", err, rows)
	}
	message := rows[0][13]
	if want := `AUDIT: SESSION,1,1,READ,COPY,TABLE,public.t,"COPY t TO 'a,""b""'",<not logged>`; message != want {
		t.Errorf("message %s, want %s", message, want)
	}
}

func TestZeekTellsTheSameInBothForms(t *testing.T) {
	for _, z := range []Zeek{ZeekConn, ZeekDNS, ZeekHTTP, ZeekSSL, ZeekFiles} {
		values := make([]string, len(z.Columns))
		for i, c := range z.Columns {
			name, kind, _ := strings.Cut(c, " ")
			switch kind {
			case "time", "interval":
				values[i] = Epoch(at)
			case "count", "port":
				values[i] = "7"
			case "bool":
				values[i] = "T"
			case "vector[interval]":
				values[i] = "1.0,2.0"
			default:
				values[i] = name + "\tx"
			}
		}
		values[1] = ""
		head := z.Head(at)
		fields := strings.Split(head[len(head)-2], "\t")
		row := strings.Split(z.TSV(values), "\t")
		if len(row) != len(fields)-1 || row[1] != "-" {
			t.Errorf("%s: %d values for %d fields", z.Path, len(row), len(fields)-1)
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(z.JSON(values)), &object); err != nil {
			t.Errorf("%s: %v", z.Path, err)
		}
		if len(object) != len(values) { // one is unset, and _path is there
			t.Errorf("%s: %d members for %d values", z.Path, len(object), len(values))
		}
	}
}
