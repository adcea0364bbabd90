package squid

import (
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
)

// Lines in the forms that Squid's documentation describes.
const sample = `1688368087.123    120 10.0.0.9 TCP_MISS/200 1234 GET http://news.example/a/b.exe?x=1 bob HIER_DIRECT/198.51.100.3 text/html
1688368088.000   5000 10.0.0.9 TCP_TUNNEL/200 99 CONNECT mail.example:443 - HIER_DIRECT/2001:db8::3 - "Agent 1" extra
10.0.0.9 - bob [03/Jul/2023:09:08:09 +0200] "GET http://news.example/ HTTP/1.1" 407 12 "http://r.example/" "Agent 2" TCP_DENIED:HIER_NONE
1688368089.000 broken
`

func TestFormsOfSquid(t *testing.T) {
	if (Format{}).Recognise([]byte(sample), "") < event.Likely || (Format{}).Recognise([]byte("1688368087.1 a b c\n"), "") != event.No {
		t.Error("recognition")
	}
	out := readtest.Read(t, Format{}, []byte(sample), event.File{}, event.Everything())
	rows := out.InOrder()
	if len(rows) != 4 || len(out.Damage) != 1 || rows[0].Time != 1688368087123000000 || rows[2].Time != 1688368089000000000 {
		t.Fatalf("%+v %v", rows, out.Damage)
	}
	for i, want := range []map[string]string{
		{"c-ip": "10.0.0.9", "c-uri": "http://news.example/a/b.exe?x=1", "c-uri-extension": "exe", "c-uri-query": "x=1", "cs-host": "news.example", "dst_ip": "198.51.100.3", "sc-status": "200", "s-action": "TCP_MISS", "cs-username": "bob", "sc-content-type": "text/html", "sc-bytes": "1234"},
		{"c-uri": "mail.example:443", "cs-host": "mail.example", "cs-uri-port": "443", "cs-method": "CONNECT", "_extra": "Agent 1|extra", "cs-username": "", "dst_ip": "2001:db8::3"},
		{"c-useragent": "Agent 2", "cs-referer": "http://r.example/", "s-action": "TCP_DENIED", "sc-status": "407", "cs-uri": "http://news.example/|/"},
		{"message": "1688368089.000 broken"},
	} {
		for f, v := range want {
			if got := strings.Join(rows[i].Fields[f], "|"); got != v {
				t.Errorf("line %d: %s is %q, want %q", i+1, f, got, v)
			}
		}
	}
}

// TestAgainstReference holds native lines against strings.Fields.
func TestAgainstReference(t *testing.T) {
	text := strings.Repeat(strings.SplitAfter(sample, "\n")[0]+strings.SplitAfter(sample, "\n")[1], 5000)
	out := readtest.Read(t, Format{}, []byte(text), event.File{}, event.Everything())
	rows := out.InOrder()
	for i, l := range strings.Split(strings.TrimSpace(text), "\n") {
		w := strings.Fields(l)
		action, status, _ := strings.Cut(w[3], "/")
		for f, v := range map[string]string{"time-taken": w[1], "c-ip": w[2], "s-action": action, "sc-status": status, "sc-bytes": w[4], "cs-method": w[5], "c-uri": w[6]} {
			if rows[i].Get(f) != v {
				t.Fatalf("line %d: %s is %q, want %q", i+1, f, rows[i].Get(f), v)
			}
		}
	}
}

func FuzzSquid(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	})
}

func Benchmark(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(sample), event.File{}, event.Everything())
}
