package keyvalue

import (
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
)

// Lines in the forms that the documentation of CEF, LEEF and logfmt describes.
const (
	headed = `CEF:0|Palo Alto Networks|PAN-OS|10.1|end|TRAFFIC|3|rt=1688368087000 src=10.0.0.9 dst=203.0.113.7 spt=50000 dpt=443 act=allow cs1Label=Rule cs1=out \= any in=10 out=20 msg=a text of words
Jul  3 07:08:07 proxy1 CEF:0|Zscaler|NSSWeblog|5.7|Allowed|Allowed \| ok|3|src=10.0.0.9 request=http://news.example/a.exe?x=1 requestMethod=GET requestClientApplication=Agent 7 outcome=200
<13>1 2023-07-03T07:08:07Z gw leef - - - LEEF:2.0|Maker|Thing|1|E1|^|src=10.0.0.9^usrName=alice smith^devTime=1688368087000
LEEF:1.0|Maker|Thing|1|E2|src=10.0.0.9` + "\t" + `cat=x y` + "\n"
	logfmt = `time=2023-07-03T07:08:07Z level=info msg="a \"quoted\" text" user.name=alice empty="" flag
date=2023-07-03 time=09:08:07 tz="+0200" devname=fw1 srcip=10.0.0.9 dstip=203.0.113.7
`
)

func TestForms(t *testing.T) {
	changed := time.Date(2023, 8, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text  string
		least event.Confidence
		want  []map[string]string
	}{
		{headed, event.Likely, []map[string]string{
			{"source": "paloalto/firewall", "src_ip": "10.0.0.9", "dst_port": "443", "action": "allow", "Rule": "out = any", "cs1": "out = any", "bytes_sent": "20", "msg": "a text of words", "name": "TRAFFIC", "device_vendor": "Palo Alto Networks"},
			{"source": "zscaler/proxy", "c-uri": "http://news.example/a.exe?x=1", "cs-method": "GET", "c-useragent": "Agent 7", "cs-host": "news.example", "sc-status": "200", "name": "Allowed | ok", "c-ip": "10.0.0.9", "host": "proxy1"},
			{"source": "maker/thing", "usrName": "alice smith", "src": "10.0.0.9", "host": "gw"}, {"source": "maker/thing", "cat": "x y"}}},
		{logfmt, event.Possible, []map[string]string{{"source": "keyvalue", "msg": `a "quoted" text`, "user.name": "alice", "empty": ""}, {"srcip": "10.0.0.9", "host": "fw1"}}},
	} {
		if got := (Format{}).Recognise([]byte(c.text), ""); got < c.least {
			t.Errorf("%.20q: %d", c.text, got)
		}
		out := readtest.Read(t, Format{}, []byte(c.text), event.File{ModTime: changed}, event.Everything())
		rows := out.InOrder()
		if len(rows) != len(c.want) || len(out.Damage) > 0 {
			t.Errorf("%.20q: %d rows, %v", c.text, len(rows), out.Damage)
			continue
		}
		for i, w := range c.want {
			if w["cat"] == "" && rows[i].Time != time.Date(2023, 7, 3, 7, 8, 7, 0, time.UTC).UnixNano() {
				t.Errorf("%.20q: line %d: time %d", c.text, i+1, rows[i].Time)
			}
			for f, v := range w {
				got := strings.Join(rows[i].Fields[f], "|")
				switch f {
				case "source":
					got = rows[i].Source.String()
				case "host":
					got = rows[i].Host
				}
				if got != v {
					t.Errorf("%.20q: line %d: %s is %q, want %q", c.text, i+1, f, got, v)
				}
			}
		}
	}
}

// TestAgainstReference holds plain pairs against strings.Fields.
func TestAgainstReference(t *testing.T) {
	line := "time=2023-07-03T07:08:07Z level=info user=alice n=1 path=/a/b;c,d\n"
	out := readtest.Read(t, Format{}, []byte(strings.Repeat(line, 20000)), event.File{}, event.Everything())
	if len(out.Rows) != 20000 || len(out.Damage) > 0 {
		t.Fatalf("%d rows %v", len(out.Rows), out.Damage)
	}
	for _, r := range out.Rows {
		for _, w := range strings.Fields(line) {
			k, v, _ := strings.Cut(w, "=")
			if r.Get(k) != v {
				t.Fatalf("%s is %q, want %q", k, r.Get(k), v)
			}
		}
	}
}

func TestTextIsNotPairs(t *testing.T) {
	for _, text := range []string{"", "a=1\n", "Jul  3 09:08:07 h p[1]: user=x from=y to=z in the middle of a long text of words\n", "GET /a?b=c&d=e HTTP/1.1\n", "{\"a\":1}\n"} {
		if c := (Format{}).Recognise([]byte(text), ""); c != event.No {
			t.Errorf("%q: %d", text, c)
		}
	}
}

func FuzzKeyValue(f *testing.F) {
	f.Add([]byte(headed))
	f.Add([]byte(logfmt))
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	})
}

func BenchmarkCEF(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(headed), event.File{}, event.Everything())
}

func BenchmarkLogfmt(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(logfmt), event.File{}, event.Everything())
}
