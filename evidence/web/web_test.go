package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
	"github.com/contrail-ir/contrail/internal/require"
)

// Lines in the forms that the servers' documentation describes.
const sample = `203.0.113.7 - alice [03/Jul/2023:09:08:07 +0200] "GET /a/%2e%2e/b.php?x=1 HTTP/1.1" 404 12 "https://ref.example/" "Agent \"x\" 1.0" "198.51.100.1" 0.25
www.example 203.0.113.7 - - [03/Jul/2023:09:08:07 +0200] "POST /login HTTP/1.1" 200 -
203.0.113.7 - - [03/Jul/2023:09:08:07 +0200] "\x16\x03\x01" 400 226 "-" "-"
www.example:443 203.0.113.9 - john doe [03/Jul/2023:09:08:07 +0200] "CONNECT mail.example:25 HTTP/1.1" 400 1 "-" "-"
[03/Jul/2023:09:08:07 +0200] - 404 502 - GET https shop.example "/x?y" [Client 203.0.113.7] [Length 9] [Gzip -] [Sent-to 10.0.0.1] "Agent" "-"
https 2023-07-03T07:08:07.5Z app/lb/1 203.0.113.7:4444 10.0.0.1:80 0.0 0.1 0.0 200 502 34 366 "GET https://www.example:443/p?q HTTP/1.1" "curl" X Y
203.0.113.7:14853 [03/Jul/2023:09:08:07.127] in~ app/s1 170/0/0/3/173 200 739 - - ---- 0/0/0/0/0 0/0 {www.example|x} "GET /ha HTTP/1.1"
[Mon Jul 03 09:08:07.000001 2023] [core:error] [pid 5:tid 6] [client 203.0.113.7:99] AH00126: text, referer: http://r.example/
[Mon Jul 03 09:08:07 2023] [notice] child pid 3 exit signal Segmentation Fault (11)
2023/07/03 09:08:07 [error] 12#13: *14 open() "/x" failed (2: No such file), client: 2001:db8::1, server: s.example, request: "GET /x?y HTTP/1.1", upstream: "http://10.0.0.1/x", host: "h.example"
2023/07/03 09:08:07 [alert] 12#13: worker process 99 exited on signal 6 (core dumped)
no log at all
`

func TestLinesOfEveryForm(t *testing.T) {
	out := readtest.Read(t, Format{}, []byte(sample), event.File{Hints: event.Hints{Host: "web01", Offset: time.Second}}, event.Everything())
	rows := out.InOrder()
	want := []struct {
		source event.Source
		fields map[string]string
	}{
		{Access, map[string]string{"c-ip": "203.0.113.7", "cs-username": "alice", "cs-method": "GET", "cs-uri-stem": "/a/%2e%2e/b.php", "cs-uri-query": "x=1|/a/%2e%2e/b.php?x=1", "sc-status": "404",
			"cs-referer": "https://ref.example/", "cs-user-agent": `Agent \"x\" 1.0`, "_extra": "198.51.100.1|0.25", "cs-version": "HTTP/1.1"}},
		{Access, map[string]string{"cs-host": "www.example", "c-ip": "203.0.113.7", "cs-method": "POST", "cs-uri-query": "/login", "sc-bytes": ""}},
		{Access, map[string]string{"cs-uri-query": `\x16\x03\x01`, "cs-method": "", "sc-status": "400"}},
		{Access, map[string]string{"cs-host": "www.example|mail.example", "s-port": "443", "cs-username": "john doe", "c-ip": "203.0.113.9"}},
		{Access, map[string]string{"cs-host": "shop.example", "sc-status": "404", "c-ip": "203.0.113.7", "cs-method": "GET", "cs-user-agent": "Agent", "cs-uri": "/x?y"}},
		{Access, map[string]string{"c-ip": "203.0.113.7", "cs-host": "www.example", "cs-uri-stem": "/p", "sc-status": "200", "target-status": "502", "cs-user-agent": "curl"}},
		{Access, map[string]string{"c-ip": "203.0.113.7", "cs-uri": "/ha", "sc-status": "200", "_extra": "www.example|x", "sc-bytes": "739"}},
		{ApacheError, map[string]string{"module": "core", "level": "error", "pid": "5", "tid": "6", "c-ip": "203.0.113.7", "c-port": "99", "cs-referer": "http://r.example/"}},
		{ApacheError, map[string]string{"message": "child pid 3 exit signal Segmentation Fault (11)", "level": "notice"}},
		{NginxError, map[string]string{"c-ip": "2001:db8::1", "s-computername": "s.example", "cs-uri-stem": "/x", "cs-host": "h.example", "s-upstream": "http://10.0.0.1/x", "connection": "14"}},
		{NginxError, map[string]string{"message": "worker process 99 exited on signal 6 (core dumped)", "level": "alert"}},
		{Access, map[string]string{"message": "no log at all"}},
	}
	if len(rows) != len(want) || len(out.Damage) != 1 {
		t.Fatalf("%d rows, damage %v", len(rows), out.Damage)
	}
	utc := time.Date(2023, 7, 3, 7, 8, 8, 0, time.UTC).UnixNano()
	for i, w := range want {
		if rows[i].Source != w.source || rows[i].Record != uint64(i+1) || rows[i].Host != "web01" {
			t.Errorf("line %d: %+v", i+1, rows[i])
		}
		for f, v := range w.fields {
			if got := strings.Join(rows[i].Fields[f], "|"); got != v {
				t.Errorf("line %d: %s is %q, want %q", i+1, f, got, v)
			}
		}
		if i < 5 && rows[i].Time != utc {
			t.Errorf("line %d: time %d", i+1, rows[i].Time)
		}
	}
}

// HAProxy writes by syslog: its lines in a file mostly have syslog's beginning, which names the host.
func TestHAProxyBehindSyslog(t *testing.T) {
	for _, begin := range []string{"Jul  3 09:08:08 lb1 haproxy[77]: ", "2023-07-03T09:08:08.5+02:00 lb1 haproxy[77]: ", "<134>1 2023-07-03T09:08:08Z lb1 haproxy[77]: "} {
		line := begin + "203.0.113.7:14853 [03/Jul/2023:09:08:07.127] in~ app/s1 170/0/0/3/173 200 739 - - ---- 0/0/0/0/0 0/0 \"GET /ha?x HTTP/1.1\"\n"
		if c := (Format{}).Recognise([]byte(line), ""); c < event.Likely {
			t.Errorf("%q: recognised with %d", begin, c)
		}
		out := readtest.Read(t, Format{}, []byte(line), event.File{}, event.Everything())
		if len(out.Rows) != 1 || len(out.Damage) > 0 {
			t.Fatalf("%q: %v", begin, out)
		}
		r := out.Rows[0]
		if at := time.Date(2023, 7, 3, 9, 8, 7, 127e6, time.UTC).UnixNano(); r.Source != Access || r.Host != "lb1" || r.Time != at || r.Get("c-ip") != "203.0.113.7" || r.Get("cs-uri-stem") != "/ha" || r.Get("sc-status") != "200" {
			t.Errorf("%q: %+v", begin, r)
		}
	}
}

func TestOnlyWhatIsWanted(t *testing.T) {
	needs := event.Always(func(s event.Source) event.Want {
		if s == Access {
			return event.Want{Fields: []string{"cs-method"}}
		}
		return event.Want{}
	})
	out := readtest.Read(t, Format{}, []byte(sample), event.File{}, needs)
	if len(out.Rows) != 12 {
		t.Fatal(len(out.Rows))
	}
	for _, r := range out.Rows {
		for f := range r.Fields {
			if f != "cs-method" {
				t.Errorf("%s of %v", f, r.Source)
			}
		}
	}
}

var combined = regexp.MustCompile(`^(\S+) (\S+) (\S+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}|-) (\S+)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?`)

// reference reads the combined log format by a regular expression.
func reference(line string) map[string]string {
	m := combined.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	out := map[string]string{"c-ip": m[1], "cs-username": m[3], "sc-status": m[6], "sc-bytes": m[7], "cs-referer": m[8], "cs-user-agent": m[9]}
	if w := strings.Split(m[5], " "); len(w) == 3 {
		out["cs-method"], out["cs-uri"], out["cs-version"] = w[0], w[1], w[2]
	}
	for f, v := range out {
		if v == "-" || v == "" {
			delete(out, f)
		}
	}
	return out
}

func realLog(t testing.TB) []byte {
	z, err := gzip.NewReader(bytes.NewReader(require.Read(t, "weblogs/elastic-examples/Common Data Formats/apache_logs/apache_logs.gz")))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRealLogAgainstReference holds the reader against a regular expression, line by line.
func TestRealLogAgainstReference(t *testing.T) {
	b := realLog(t)
	text := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	out := readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	rows := out.InOrder()
	if len(rows) != len(text) || len(out.Damage) != 0 {
		t.Fatalf("%d rows of %d lines, damage %v", len(rows), len(text), out.Damage)
	}
	compared := 0
	for i, line := range text {
		for f, v := range reference(line) {
			compared++
			if got := rows[i].Get(f); got != v {
				t.Fatalf("line %d: %s is %q, the reference says %q", i+1, f, got, v)
			}
		}
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", line[strings.Index(line, "[")+1:strings.Index(line, "]")])
		if err != nil || at.UnixNano() != rows[i].Time {
			t.Fatalf("line %d: time %d, the reference says %v (%v)", i+1, rows[i].Time, at, err)
		}
	}
	t.Logf("%d lines, %d values", len(text), compared)
}

// TestSamplesOfHub reads small real logs: every line that is not empty is a row of a known form.
func TestSamplesOfHub(t *testing.T) {
	read := 0
	for _, f := range require.Files(t, "weblogs/crowdsec-hub/*/*.log") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if (Format{}).Recognise(b, f) < event.Likely {
			continue
		}
		read++
		count := 0
		for _, l := range strings.Split(string(b), "\n") {
			if strings.TrimSpace(l) != "" {
				count++
			}
		}
		out := readtest.Read(t, Format{}, b, event.File{}, event.Everything())
		if len(out.Rows) != count || len(out.Damage) > 0 {
			t.Errorf("%s: %d rows of %d lines, damage %v", f, len(out.Rows), count, out.Damage)
		}
	}
	t.Logf("%d files", read)
	if read < 45 {
		t.Errorf("only %d files are recognised", read)
	}
}

func TestRecognise(t *testing.T) {
	for text, want := range map[string]bool{sample: true, "": false, "Jul  3 09:08:07 host sshd[1]: text of a session\n": false, "{\"a\":1}\n": false, "a,b,c\n1,2,3\n": false,
		"1688375287.1 120 10.0.0.1 TCP_MISS/200 10 GET http://x/ - DIRECT/1.2.3.4 text/html\n": false} {
		if got := (Format{}).Recognise([]byte(text), "x") > event.No; got != want {
			t.Errorf("%.40q: %v", text, got)
		}
	}
}

func FuzzWeb(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	})
}

func BenchmarkAll(b *testing.B) {
	readtest.Bench(b, Format{}, realLog(b), event.File{}, event.Everything())
}

func BenchmarkOneField(b *testing.B) {
	needs := event.Always(func(event.Source) event.Want { return event.Want{Fields: []string{"cs-uri-query"}} })
	readtest.Bench(b, Format{}, realLog(b), event.File{}, needs)
}
