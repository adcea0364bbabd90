package auditd

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/readtest"
	"github.com/contrail-ir/contrail/internal/require"
)

const sample = `type=SYSCALL msg=audit(1700000000.250:10): arch=c000003e syscall=59 success=yes exit=0 a0=55d0 a1=0 items=2 pid=7 euid=33 comm="sh" exe="/usr/bin/dash" key=(null)` + "\x1d" + `ARCH=x86_64 SYSCALL=execve UID="www-data"
type=SYSCALL msg=audit(1700000000.251:11): arch=c000003e syscall=103 success=yes a0=4 comm=612062 exe="/bin/x" key=6B31016B32
type=EXECVE msg=audit(1700000000.250:10): argc=3 a0="chmod" a1="777" a2=2F746D702F6120622E7368
type=PATH msg=audit(1700000000.250:10): item=0 name="/bin/chmod" nametype=NORMAL
type=PATH msg=audit(1700000000.250:10): item=1 name=(null) nametype=CREATE
type=PROCTITLE msg=audit(1700000000.250:10): proctitle=63686D6F6400373737
type=EOE msg=audit(1700000000.250:10): 
node=web1 type=USER_LOGIN msg=audit(1700000001.000:12): pid=9 uid=0 auid=1000 msg='op=login acct="root" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 terminal=ssh res=failed'
type=EXECVE msg=audit(1700000002.000:13): argc=2 a0="sh" a1_len=8 a1[0]=2D63 a1[1]=20786C
type=1400 audit(1700000003.000:14): avc:  denied  { read } for  pid=3 comm="cat" name="shadow"
type=SOCKADDR msg=audit(1700000004.000:15): saddr=020001BBC0000207000000000000000000
type=SOCKADDR msg=audit(1700000005.000:16): saddr=020001BBC0000207000000000000000000` + "\x1d" + `SADDR={ saddr_fam=inet laddr=192.0.2.7 lport=443 }
this is not a line
`

func TestLinesOfAnEventAreOneRow(t *testing.T) {
	out := readtest.Read(t, Format{}, []byte(sample), event.File{}, event.Everything())
	rows := out.InOrder()
	if len(rows) != 8 {
		t.Fatalf("%d rows: %+v", len(rows), rows)
	}
	check := func(row int, field string, want ...string) {
		t.Helper()
		if got := rows[row].Fields[field]; !slices.Equal(got, want) {
			t.Errorf("row %d: %s is %q, want %q", row, field, got, want)
		}
	}
	check(0, "type", "SYSCALL", "EXECVE", "PATH", "PATH", "PROCTITLE")
	check(0, "a0", "55d0", "chmod")
	check(0, "a1", "0", "777")
	check(0, "a2", "/tmp/a b.sh")
	check(0, "name", "/bin/chmod")
	check(0, "nametype", "NORMAL", "CREATE")
	check(0, "proctitle", "chmod 777")
	check(0, "SYSCALL", "execve")
	check(0, "key")
	check(1, "SYSCALL", "syslog")
	check(1, "comm", "a b")
	check(1, "key", "k1", "k2")
	check(2, "acct", "root")
	check(2, "addr", "192.0.2.7")
	check(2, "exe", "/usr/sbin/sshd")
	check(3, "a1", "-c xl")
	check(4, "type", "AVC")
	check(4, "name", "shadow")
	if m := rows[4].Get("message"); !strings.HasPrefix(m, "avc:  denied  { read }") {
		t.Errorf("message is %q", m)
	}
	check(5, "laddr", "192.0.2.7")
	check(5, "lport", "443")
	check(6, "laddr", "192.0.2.7")
	check(6, "saddr_fam", "inet")
	check(7, "message", "this is not a line")
	if rows[2].Host != "web1" || rows[0].Time != 1700000000250000000 || rows[0].Record != 1 || rows[7].Time != event.NoTime {
		t.Errorf("host %q, time %d", rows[2].Host, rows[0].Time)
	}
	if len(out.Damage) != 1 || !strings.HasPrefix(out.Damage[0].Reason, "one record") {
		t.Errorf("damage %v", out.Damage)
	}
}

func TestAnEventIsWholeAcrossSegments(t *testing.T) {
	var file strings.Builder
	const events = 40_000
	for i := range events {
		fmt.Fprintf(&file, "type=SYSCALL msg=audit(17%08d.000:%d): arch=c000003e syscall=59 comm=\"c\"\ntype=EXECVE msg=audit(17%08d.000:%d): argc=1 a0=\"id\"\n", i, i, i, i)
	}
	needs := event.Always(func(event.Source) event.Want { return event.Want{Fields: []string{"SYSCALL", "type"}} })
	out := readtest.Read(t, Format{}, []byte(file.String()), event.File{}, needs)
	if len(out.Rows) != events || len(out.Damage) != 0 {
		t.Fatalf("%d rows, %v", len(out.Rows), out.Damage)
	}
	for i, r := range out.Rows {
		if len(r.Fields["type"]) != 2 || r.Get("SYSCALL") != "execve" || r.Record != uint64(2*i+1) || len(r.Fields) != 2 {
			t.Fatalf("row %d: %+v", i, r)
		}
	}
	needs.Since, needs.Until = 1700000010e9, 1700000012e9
	if out = readtest.Read(t, Format{}, []byte(file.String()), event.File{}, needs); len(out.Rows) != 2 {
		t.Errorf("%d rows in two seconds", len(out.Rows))
	}
}

func TestRecognition(t *testing.T) {
	for text, want := range map[string]event.Confidence{
		sample: event.Certain, "": event.No, "type=a\ntype=b\n": event.No, "<6>x audit(1.2:3): y\n": event.No,
		"----\ntype=SYSCALL msg=audit(05/17/2023 15:23:37.579:2995) : arch=x86_64 syscall=execve\n": event.Certain,
	} {
		if got := (Format{}).Recognise([]byte(text), "audit.log"); got != want {
			t.Errorf("%.30q: %d, want %d", text, got, want)
		}
	}
}

// slow joins by a map over the whole file, with regular expressions.
func slow(data string) map[string]map[string][]string {
	line := regexp.MustCompile(`^(?:node=(\S+) )?type=(\S+) (?:msg=)?audit\(([^)]*)\)[ :]*(.*)$`)
	pair := regexp.MustCompile(`([A-Za-z_0-9]+)=("[^"]*"|[^ "'` + "\x1d" + `]+)`)
	argument := regexp.MustCompile(`^a[0-9]+$`)
	lost := regexp.MustCompile(`([0-9a-z])([A-Z]{2,}=")`)
	out := map[string]map[string][]string{}
	for _, l := range strings.Split(data, "\n") {
		m := line.FindStringSubmatch(strings.TrimSuffix(l, "\r"))
		if m == nil || m[2] == "EOE" {
			continue
		}
		id := m[1] + " " + m[3]
		if out[id] == nil {
			out[id] = map[string][]string{}
		}
		out[id]["type"] = append(out[id]["type"], m[2])
		var words []string
		for _, p := range pair.FindAllStringSubmatch(lost.ReplaceAllString(m[4], "$1 $2"), -1) {
			v := strings.Trim(p[2], `"`)
			if p[2] == "(null)" {
				continue
			}
			if b, err := hex.DecodeString(v); err == nil && p[2][0] != '"' && (encoded[p[1]] || m[2] == "EXECVE" && argumentName([]byte(p[1]))) {
				v = strings.ReplaceAll(strings.TrimRight(string(b), "\x00"), "\x00", " ")
			}
			out[id][p[1]] = append(out[id][p[1]], v)
			if m[2] == "EXECVE" && argument.MatchString(p[1]) {
				words = append(words, v)
			}
		}
		if len(words) > 0 {
			out[id]["CommandLine"] = append(out[id]["CommandLine"], strings.Join(words, " "))
		}
	}
	return out
}

func TestRealLogsAgainstTheSlowReference(t *testing.T) {
	for _, p := range append(require.Files(t, "weblogs/crowdsec-hub/auditd-*/*.log"), require.Files(t, "winlog-json/otrf/atomic/linux/*.log")...) {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if c := (Format{}).Recognise(data, ""); c != event.Certain {
			t.Errorf("%s: recognised with %d", p, c)
		}
		want := slow(string(data))
		out := readtest.Read(t, Format{}, data, event.File{}, event.Everything())
		if len(out.Rows) != len(want) || len(out.Damage) > 0 {
			t.Errorf("%s: %d rows, want %d; %v", p, len(out.Rows), len(want), out.Damage)
		}
		for _, r := range out.InOrder() {
			line, _, _ := bytes.Cut(data[r.Offset:], []byte{'\n'})
			l, _ := Parse(line, nil)
			w := want[string(l.Node)+" "+string(l.ID)]
			for name, v := range w {
				if !slices.Equal(v, r.Fields[name]) {
					t.Errorf("%s %s: %s is %q, want %q", p, l.ID, name, r.Fields[name], v)
				}
			}
			for name := range r.Fields {
				if w[name] == nil && name != "SYSCALL" && name != "message" && name != "saddr_fam" && name != "laddr" && name != "lport" {
					t.Errorf("%s %s: %s is %q, not in the reference", p, l.ID, name, r.Fields[name])
				}
			}
		}
	}
}

func FuzzAuditd(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("type=EXECVE msg=audit(1.1:1): a0[0]=41 a0[1]=\"x\" a1='"))
	f.Fuzz(func(t *testing.T, b []byte) {
		Format{}.Recognise(b, "")
		readtest.Read(t, Format{}, b, event.File{Hints: event.Hints{Encoding: "utf-8"}}, event.Everything())
	})
}

func BenchmarkAuditdEverything(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(sample), event.File{}, event.Everything())
}

func BenchmarkAuditdWanted(b *testing.B) {
	readtest.Bench(b, Format{}, []byte(sample), event.File{}, event.Always(func(event.Source) event.Want { return event.Want{Fields: []string{"a0", "a1", "exe", "type"}} }))
}
