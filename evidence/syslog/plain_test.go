package syslog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// hardLines are nearly plain, or are not what they seem.
var hardLines = []string{
	"Mar 12 08:15:00 web1 sshd[1]: Failed password for root from 10.0.0.1 port 2 ssh2",
	"<13>Mar  2 08:15:00 web1 CRON[12]: (root) CMD (x)",
	"Mar 12 08:15:00 WEB1 kernel: [1.2] IN=e SRC=1 DST=2 PROTO=TCP",
	"2026-03-12T08:15:00.123456+00:00 web1 sudo:   bob : TTY=x",
	"2026-03-12T08:15:00,1 web1 sudo: x,2026/03/12 08:15:00,1,TRAFFIC,x",
	"2026-03-12 08:15:00,001 web1 sudo: x",
	"Mar 12 2026 08:15:00 web1 a: b", "Mar 12 08:15:00 2026 web1 a: b", "Mar 12 08:15:00 utc web1 a: b", "Mar 12 08:15:00 UTC web1 a: b", "Mar 12 08:15:00 Z a: b",
	"Mar 32 08:15:00 web1 a: b", "Mar 0 08:15:00 web1 a: b", "Mar 12 24:15:60 web1 a: b", "Mar 12 08:60:00 web1 a: b", "Mar  12 08:15:00 web1 a: b", "Mar 1a 08:15:00 web1 a: b",
	"Mon Mar 12 08:15:00 2026 web1 a: b", "Mar 12 08:15:00 web1 Mar 12 08:15:00 web2 a: b", "Mar 12 08:15:00 web1 Mar: x", "Mar 12 08:15:00 web1 2026-03-12T08:15:00Z a: b",
	"Mar 12 08:15:00 web1 a: SSHD_LOGIN_FAILED: x", "Mar 12 08:15:00 web1 sshd[3]: SSHD_LOGIN_FAILED: x", "Mar 12 08:15:00 web1 mgd[3]: UI_CMD: x", "Mar 12 08:15:00 web1 kernel: tcp_auth_ok: no 10.0.0.1",
	"Mar 12 08:15:00 web1 kernel: x missing MD5 digest from", "Mar 12 08:15:00 web1 x[1]: failed to unmarshal session(", "Mar 12 08:15:00 web1 x[1]: see /opt/panlogs/x", "Mar 12 08:15:00 web1 x o.a.g.Y - z",
	"Mar 12 08:15:00 web1 filterlog: 1,2,3,4,5,6,7,8,9,10", "Mar 12 08:15:00 web1 filterlog: a 1,2,3,4,5,6,7,8,9,10", "Mar 12 08:15:00 web1 x: date=2026-03-12 logid=1 type=2", "Mar 12 08:15:00 web1 date=x: logid= type=",
	"Mar 12 08:15:00 web1 x:  04/20/2021:10:11:12 GMT ns 0-PPE-0 : default A B 1 0 : x :", "Mar 12 08:15:00 web1 x:  fe80::1 04/20/2021:10:11:12 GMT ns 0-PPE-0 : default A B 1 0 : x :", "Mar 12 08:15:00 web1 x: 10.0.0.1 04/20/2021:10:11:12 GMT ns 0-PPE-0 : default A B 1 0 : x :",
	"Mar 12 08:15:00 web1 PulseSecure: 2021-04-20 10:11:12 - ive - [10.0.0.1] Default Network::u(r)[] - Login", "Mar 12 08:15:00 web1 x: {\"event_type\":1,\"factor\":2}",
	"Mar 12 08:15:00 web1 SHELL/5/X: y", "Mar 12 08:15:00 web1 SHELL/5: y", "Mar 12 08:15:00 web1 x: SHELL/5/LOGIN: y", "Mar 12 08:15:00 web1 x: %%01SHELL/5/LOGIN: y", "Mar 12 08:15:00 web1 x: %SYS-5-CONFIG_I: y", "Mar 12 08:15:00 web1 postfix/smtpd[1]: y",
	"Mar 12 08:15:00 web1 CISE_x: y", "Mar 12 08:15:00 web1 x: CISE_Passed y", "Mar 12 08:15:00 web1 x[1] y", "Mar 12 08:15:00 web1 x(y)[1]: z", "Mar 12 08:15:00 web1 x:y: z", "Mar 12 08:15:00 web1 x[]: y", "Mar 12 08:15:00 web1 x[1]:y", "Mar 12 08:15:00 web1 x [1]: y",
	"Mar 12 08:15:00 TLS-x a: b", "Mar 12 08:15:00 a/b:1 MULTI: x", "Mar 12 08:15:00 dt_x a: /opt/panlogs/", "Mar 12 08:15:00 INFO x: guacamole", "Mar 12 08:15:00 07[IKE] x", "Mar 12 08:15:00 s@r/h x: y", "Mar 12 08:15:00 h: x", "Mar 12 08:15:00 [::1] x: y",
	"Mar 12 08:15:00 web1 x: [ID 800047 auth.info] y", "Mar 12 08:15:00 web1 x\t1\t2\t3\tstart\t5: y", "Mar 12 08:15:00 web1 x: y\tz", "Mar 12 08:15:00 web1 x: ", "Mar 12 08:15:00 web1 x:", "Mar 12 08:15:00 web1", "Mar 12 08:15:00  web1  x: y", "Mar 12 08:15:00: web1 x: y",
	"12 <1>Mar 12 08:15:00 web1 x: y", "<13>1 2026-03-12T08:15:00Z h a.b 1 ID-1 - m", "<13>Mar 12 08:15:00 <local0.info> web1 x: y", "Mar 12 08:15:00 web1 ulogd[2]: IN=e SRC=1 DST=2 PROTO=TCP", "<86>Mar 12 08:15:00 web1 what[2]: IN=e",
}

// plainHolds reads a text's lines as the decoder does, with one memory for all, and wants each header that is read the plain way to be that of
// header.parse. It gives how many were.
func plainHolds(t *testing.T, p *plain, text []byte) (plain int) {
	t.Helper()
	p.segment(text)
	at := 0
	var h header // for all lines, as the decoder has it
	for line := range bytes.SplitAfterSeq(text, []byte("\n")) {
		l := bytes.TrimSuffix(line, []byte("\n"))
		if !p.parse(&h, l, at) {
			h.parse(l)
		} else {
			plain++
			got, want := h, header{}
			want.parse(l)
			app, unless := programOfTag(want.app)
			if got.tag == nil || got.tag.program != app || got.tag.unless != unless || got.tag.audit != auditApp(want.app) {
				t.Fatalf("%q: its tag is not known as it is", l)
			}
			if programOf(&got) != programOf(&want) {
				t.Fatalf("%q is of the program %v, in the plain way %v", l, programOf(&want), programOf(&got))
			}
			got.tag, got.plain = nil, false
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%q is\n%+v, in the plain way\n%+v", l, want, got)
			}
			for _, v := range [][2][]byte{{got.host, want.host}, {got.app, want.app}, {got.pid, want.pid}, {got.message, want.message}} {
				if cap(v[0]) != cap(v[1]) { // by which a value's place in the record is told
					t.Fatalf("%q: %q does not reach to the end of the text", l, v[0])
				}
			}
		}
		at += len(line)
	}
	return plain
}

func TestPlainHeadersAreThoseOfTheSlowWay(t *testing.T) {
	var p plain
	read := 0
	for _, l := range hardLines {
		read += plainHolds(t, &p, []byte(l))
		plainHolds(t, &p, []byte("Mar 12 08:15:00 web1 x: y\n"+l+"\nMar 12 08:15:00 web1 x: y\n"+l))
	}
	if read < 8 {
		t.Errorf("only %d lines are read the plain way", read)
	}
	r := rand.New(rand.NewPCG(3, 1))
	rounds := 4000
	if testing.Short() {
		rounds = 800
	}
	read = 0
	for range rounds {
		var text []byte
		for range 1 + r.IntN(8) {
			a, b := hardLines[r.IntN(len(hardLines))], hardLines[r.IntN(len(hardLines))]
			text = append(append(append(text, a[:r.IntN(len(a)+1)]...), b[r.IntN(len(b)+1):]...), '\n')
		}
		read += plainHolds(t, &p, text)
	}
	if read < rounds/4 {
		t.Errorf("only %d lines are read the plain way", read)
	}
	if n := plainHolds(t, &p, []byte(strings.Repeat("Mar 12 08:15:00 web1 sshd[1]: Failed password for root from 10.0.0.1 port 2 ssh2\n", 500))); n != 500 {
		t.Errorf("%d of 500 ordinary lines are read the plain way", n)
	}
}

// TestUsualStampIsReadAsAny changes a stamp's bytes.
func TestUsualStampIsReadAsAny(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	usual := 0
	for range 100_000 {
		b := []byte([]string{"Mar 12 08:15:59 web", "Dec  1 24:59:60 a b", "Feb 30 00:00:00 x"}[r.IntN(3)])
		for range r.IntN(3) {
			b[r.IntN(len(b))] = " 0123456789:.,aJMZ+"[r.IntN(19)]
		}
		b = b[:len(b)-r.IntN(3)]
		var got stamp
		n := got.usual(b)
		if n == 0 {
			continue
		}
		usual++
		if want, m := anyStamp(b); got != want || n != m {
			t.Fatalf("%q is %+v, %d bytes, in the usual way %+v, %d", b, want, m, got, n)
		}
	}
	if usual < 20_000 {
		t.Errorf("only %d stamps are usual", usual)
	}
}

func FuzzPlainHeader(f *testing.F) {
	for i, l := range hardLines {
		f.Add([]byte(l + "\n" + hardLines[(i+1)%len(hardLines)] + "\n" + l))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p plain
		for range 2 { // what was remembered of the first time must not change the second
			plainHolds(t, &p, text)
		}
	})
}

// TestTelltalesAreFound puts each where stretches that are searched at once begin and end.
func TestTelltalesAreFound(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	all := []string{"%", "\t"}
	for text := range tells {
		all = append(all, text)
	}
	filler := "bcdfqvwxyz .:0123456789-/("
	rounds := 1000
	if testing.Short() {
		rounds = 300
	}
	found := 0
	for range rounds {
		var lines []string
		var has []bool
		size := 0
		for size < 3*searchAhead {
			var b strings.Builder
			for range r.IntN(searchAhead / (1 + r.IntN(200))) {
				b.WriteByte(filler[r.IntN(len(filler))])
			}
			tell := ""
			if r.IntN(5) == 0 {
				tell = all[r.IntN(len(all))]
			}
			line := b.String()[:b.Len()/2] + tell + b.String()[b.Len()/2:] + "\n"
			lines, has, size = append(lines, line), append(has, tell != ""), size+len(line)
		}
		var tt telltales
		tt.segment([]byte(strings.Join(lines, "")))
		at := 0
		for i, line := range lines {
			if r.IntN(4) > 0 { // not every line is asked about
				in := tt.in(at, at+len(line)-1)
				if has[i] && !in {
					t.Fatalf("a telltale in %q is not found", line)
				}
				if in {
					found++
				}
				if !has[i] && in {
					t.Fatalf("a telltale in %q, which has none", line)
				}
			}
			at += len(line)
		}
	}
	t.Log(fmt.Sprint(found, " found"))
}
