package w3c

import (
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
	"github.com/contrail-ir/contrail/internal/require"
)

// Lines in the form that the vendors' documentation describes.
const (
	iis = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2023-07-03 07:00:00\r\n" +
		"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status\r\n" +
		"2023-07-03 07:08:07 10.0.0.1 POST /owa/auth.owa x=%2e 443 CORP\\u 203.0.113.7 Mozilla/5.0+(X) - 302\r\n" +
		"2023-07-03 07:08:08 10.0.0.1 GET / - 443 - 203.0.113.7 a - 200\r\n" +
		"#Fields: time c-ip cs-method cs-uri-stem\r\n07:08:09 203.0.113.8 GET /late\r\n07:08:10 203.0.113.8\r\n"
	blueCoat = "#Software: SGOS 6.7\n#Version: 1.0\n#Fields: date time time-taken c-ip sc-status s-action sc-bytes cs-bytes cs-method cs-uri-scheme cs-host cs-uri-port cs-uri-path cs-uri-query cs-username cs(User-Agent) cs(Cookie) r-ip\n" +
		"2023-07-03 07:08:07 12 10.0.0.9 200 TCP_MISS 99 12 GET http news.example 8080 /a/b.exe ?x=1 bob \"Agent \"\"7\"\" x\" k=v 198.51.100.3\n"
	fire = "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\n\n" +
		"2023-07-03 09:08:07 ALLOW TCP 10.0.0.1 10.0.0.2 50000 445 0 - 0 0 0 - - - SEND\n"
	tracking = "#Software: Microsoft Exchange Server\n#Version: 15.02\n#Log-type: Message Tracking Log\n#Fields: date-time,client-ip,server-hostname,event-id,recipient-address,sender-address,message-subject\n" +
		"2023-07-03T07:08:07.123Z,10.0.0.1,MAIL1,RECEIVE,a@example;b@example,c@example,\"a, \"\"b\"\"\"\n"
	ftp = "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time c-ip cs-username cs-method cs-uri-stem sc-status x-session\n2023-07-03 07:08:07 203.0.113.7 ftpuser STOR /x.aspx 226 abc\n"
)

func TestKindsOfLogs(t *testing.T) {
	zone := time.FixedZone("", 7200)
	utc := time.Date(2023, 7, 3, 7, 8, 7, 0, time.UTC).UnixNano()
	for _, c := range []struct {
		text   string
		source event.Source
		fields map[string]string
	}{
		{iis, event.Source{Product: "iis", Category: "webserver"}, map[string]string{"cs-uri-stem": "/owa/auth.owa", "cs-uri-query": "x=%2e|/owa/auth.owa?x=%2e", "cs-uri": "/owa/auth.owa?x=%2e",
			"cs-user-agent": "Mozilla/5.0+(X)", "cs(User-Agent)": "Mozilla/5.0+(X)", "cs-referer": "", "sc-status": "302", "cs-username": `CORP\u`}},
		{blueCoat, event.Source{Category: "proxy"}, map[string]string{"c-uri": "http://news.example:8080/a/b.exe?x=1", "cs-uri": "http://news.example:8080/a/b.exe?x=1|/a/b.exe?x=1", "c-uri-extension": "exe",
			"c-useragent": `Agent "7" x`, "cs-host": "news.example", "r-dns": "news.example", "dst_ip": "198.51.100.3", "cs-cookie": "k=v", "c-uri-query": "x=1", "cs-uri-query": "?x=1", "cs-uri-stem": "/a/b.exe"}},
		{fire, event.Source{Category: "firewall", Service: "pfirewall"}, map[string]string{"src_ip": "10.0.0.1", "dst_port": "445", "action": "ALLOW", "blocked": "false", "path": "SEND"}},
		{tracking, event.Source{Product: "exchange", Category: "mail", Service: "messagetracking"}, map[string]string{"recipient-address": "a@example;b@example", "message-subject": `a, "b"`}},
		{ftp, event.Source{Product: "iis", Service: "ftp"}, map[string]string{"cs-method": "STOR", "cs-uri-stem": "/x.aspx"}},
	} {
		if got := (Format{}).Recognise([]byte(c.text), ""); got != event.Certain {
			t.Errorf("%.30q is recognised with %d", c.text, got)
		}
		out := readtest.Read(t, Format{}, []byte(c.text), event.File{Hints: event.Hints{Zone: zone}}, event.Everything())
		rows := out.InOrder()
		if len(rows) == 0 || rows[0].Source != c.source || rows[0].Time/1e9 != utc/1e9 {
			t.Errorf("%.30q: %+v", c.text, rows)
			continue
		}
		for f, v := range c.fields {
			if got := strings.Join(rows[0].Fields[f], "|"); got != v {
				t.Errorf("%.30q: %s is %q, want %q", c.text, f, got, v)
			}
		}
	}
}

func TestColumnsChangeMidway(t *testing.T) {
	out := readtest.Read(t, Format{}, []byte(iis), event.File{}, event.Everything())
	rows := out.InOrder()
	if len(rows) != 4 || rows[2].Get("cs-uri") != "/late" || rows[2].Record != 8 || rows[2].Time != time.Date(2023, 7, 3, 7, 8, 9, 0, time.UTC).UnixNano() || rows[3].Get("c-ip") != "203.0.113.8" {
		t.Errorf("%+v", rows)
	}
	if len(out.Damage) != 1 {
		t.Errorf("%v", out.Damage)
	}
}

// reference reads space-separated logs without quotes by splitting strings.
func reference(text string) (out []map[string]string) {
	var names []string
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimRight(l, "\r")
		if after, ok := strings.CutPrefix(l, "#Fields: "); ok {
			names = strings.Split(after, " ")
		}
		if l == "" || l[0] == '#' {
			continue
		}
		row := map[string]string{}
		for i, v := range strings.Split(l, " ") {
			if i < len(names) && v != "-" && v != "" {
				row[names[i]] = v
			}
		}
		out = append(out, row)
	}
	return out
}

func TestAgainstReference(t *testing.T) {
	text := strings.Repeat(iis+ftp+fire, 3000)
	want := reference(text)
	got := readtest.Read(t, Format{}, []byte(text), event.File{}, event.Everything())
	rows := got.InOrder()
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i, w := range want {
		for f, v := range w {
			if rows[i].Get(f) != v {
				t.Fatalf("row %d: %s is %q, want %q", i, f, rows[i].Get(f), v)
			}
		}
	}
}

func TestRealLogsWithoutHeader(t *testing.T) {
	for name, want := range map[string]event.Source{
		"aws-cloudfront-logs/aws-cloudfront-logs": {Product: "cloudfront", Category: "webserver"}, "exchange-imap-bf/exchange-imap-bf": {Product: "exchange", Service: "imap4_log"},
		"exchange-pop-bf/exchange-pop-bf": {Product: "exchange", Service: "pop3_log"}, "exchange-smtp-bf/exchange-smtp-bf": {Product: "exchange", Service: "smtp_receive_protocol_log"},
	} {
		b := require.Read(t, "weblogs/crowdsec-hub/"+name+".log")
		if (Format{}).Recognise(b, "") < event.Likely {
			t.Errorf("%s is not recognised", name)
		}
		out := readtest.Read(t, Format{}, b, event.File{}, event.Everything())
		if len(out.Rows) == 0 || len(out.Damage) > 0 {
			t.Errorf("%s: %d rows, %v", name, len(out.Rows), out.Damage)
		}
		for _, r := range out.Rows {
			if r.Source != want || r.Time == event.NoTime {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

func FuzzW3C(f *testing.F) {
	for _, s := range []string{iis, blueCoat, fire, tracking, ftp, "#Fields:\n-\n#\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	})
}

func Benchmark(b *testing.B) {
	header, rest, _ := strings.Cut(iis, "2023-07-03 07:08:07")
	rest, _, _ = strings.Cut("2023-07-03 07:08:07"+rest, "#Fields")
	readtest.Bench(b, Format{}, []byte(header+strings.Repeat(rest, 40000)), event.File{}, event.Everything())
}
