package maillog

import (
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
const sample = `Jul  3 09:08:07 mx postfix/smtpd[42]: 4AB12CD34E: client=mail.example[203.0.113.7], sasl_method=LOGIN, sasl_username=alice
Jul  3 09:08:08 mx postfix/smtp[43]: 4AB12CD34E: to=<b@example>, relay=mx.example[198.51.100.3]:25, delay=1.2, dsn=2.0.0, status=sent (250 ok x=y)
2023-07-03T09:08:09+02:00 mx postfix/smtpd[44]: NOQUEUE: reject: RCPT from unknown[2001:db8::7]: 554 5.7.1 <b@example>: Relay access denied; from=<a@example> to=<b@example> proto=ESMTP helo=<x>
2023-07-03 09:08:10 1qGxyz-0001Ab-Cd <= a@example H=mail.example (helo.x) [203.0.113.7]:5 P=esmtps S=123 id=1@x
2023-07-03 09:08:11 dovecot_login authenticator failed for ([198.51.100.9]) [203.0.113.7]:55379: 535 Incorrect authentication data (set_id=bob@example)
`

func TestFormsOfMailLogs(t *testing.T) {
	if (Format{}).Recognise([]byte(sample), "") < event.Likely || (Format{}).Recognise([]byte("Jul  3 09:08:07 mx sshd[1]: text\n"), "") != event.No {
		t.Error("recognition")
	}
	out := readtest.Read(t, Format{}, []byte(sample+"?\n"), event.File{ModTime: time.Date(2023, 8, 1, 0, 0, 0, 0, time.UTC)}, event.Everything())
	rows := out.InOrder()
	if len(rows) != 6 || len(out.Damage) != 1 {
		t.Fatalf("%+v %v", rows, out.Damage)
	}
	for i, want := range []map[string]string{
		{"queue_id": "4AB12CD34E", "client": "mail.example[203.0.113.7]", "c-ip": "203.0.113.7", "sasl_username": "alice", "program": "postfix/smtpd", "pid": "42"},
		{"to": "b@example", "relay": "mx.example[198.51.100.3]:25", "dsn": "2.0.0", "status": "sent (250 ok x=y)"},
		{"queue_id": "NOQUEUE", "c-ip": "2001:db8::7", "from": "a@example", "to": "b@example", "helo": "x"},
		{"queue_id": "1qGxyz-0001Ab-Cd", "action": "arrival", "from": "a@example", "c-ip": "203.0.113.7", "size": "123", "message_id": "1@x"},
		{"c-ip": "203.0.113.7", "sasl_username": "bob@example"},
		{"message": "?"},
	} {
		for f, v := range want {
			if got := strings.Join(rows[i].Fields[f], "|"); got != v {
				t.Errorf("line %d: %s is %q, want %q", i+1, f, got, v)
			}
		}
	}
	if rows[0].Host != "mx" || rows[0].Time != time.Date(2023, 7, 3, 9, 8, 7, 0, time.UTC).UnixNano() || rows[2].Time != time.Date(2023, 7, 3, 7, 8, 9, 0, time.UTC).UnixNano() {
		t.Errorf("%+v", rows[0])
	}
}

var refused = regexp.MustCompile(`(?:from|warning:) (?:[^\s\[]*)\[([0-9a-f.:]+)\]`)

// TestRealLogs holds rows against a regular expression, line by line.
func TestRealLogs(t *testing.T) {
	compared := 0
	for _, name := range append(require.Files(t, "weblogs/crowdsec-hub/postfix-*/*.log"), require.Files(t, "weblogs/crowdsec-hub/exim-*/*.log")...) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if (Format{}).Recognise(b, "") < event.Likely {
			t.Logf("%s is not recognised", name)
			continue
		}
		out := readtest.Read(t, Format{}, b, event.File{ModTime: time.Now()}, event.Everything())
		rows, i := out.InOrder(), 0
		for _, l := range strings.Split(string(b), "\n") {
			if strings.TrimSpace(l) == "" {
				continue
			}
			if i == len(rows) {
				t.Fatalf("%s: %d rows", name, i)
			}
			if m := refused.FindStringSubmatch(l); m != nil && rows[i].Source == Postfix {
				compared++
				if rows[i].Get("c-ip") != m[1] {
					t.Errorf("%s: line %d: %q, want %q", name, i+1, rows[i].Get("c-ip"), m[1])
				}
			}
			i++
		}
		if i != len(rows) {
			t.Errorf("%s: %d rows of %d lines, %v", name, len(rows), i, out.Damage)
		}
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

func TestAttachmentsAndStatus(t *testing.T) {
	const text = `2026-03-16T08:58:01+00:00 mx1 postfix/cleanup[101]: 4ABCDEF012: warning: header Content-Disposition: attachment; filename="Roster of March.docm" from mail.bad.example[203.0.113.20]; from=<fuel@bad.example> to=<a.jones@air.example> proto=ESMTP
2026-03-16T08:58:02+00:00 mx1 postfix/smtp[103]: 4ABCDEF012: to=<a.jones@air.example>, relay=exch1[10.0.0.16]:25, status=sent (250 2.6.0 OK, queued) attachment=<roster.docm>
`
	out := readtest.Read(t, Format{}, []byte(text), event.File{}, event.Everything())
	rows := out.InOrder()
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, x := range []struct {
		row         int
		field, want string
	}{{0, "attachment", "Roster of March.docm"}, {0, "from", "fuel@bad.example"}, {0, "to", "a.jones@air.example"}, {0, "c-ip", "203.0.113.20"}, {1, "attachment", "roster.docm"}, {1, "status", "sent (250 2.6.0 OK, queued)"}} {
		if got := rows[x.row].Get(x.field); got != x.want {
			t.Errorf("row %d: %s is %q, want %q", x.row, x.field, got, x.want)
		}
	}
}

func FuzzMailLog(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{}, event.Everything())
	})
}

func Benchmark(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(sample), event.File{ModTime: time.Date(2023, 8, 1, 0, 0, 0, 0, time.UTC)}, event.Everything())
}
