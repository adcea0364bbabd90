package sweep_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/match/sigma"
	"github.com/contrail-ir/contrail/sweep"
)

// whole is an engine whose readers make columns of every record: the slow way that sifting is held against.
type whole struct {
	match.Engine
	groups interface{ Groups() []match.Group }
}

func (w whole) Groups() []match.Group { return w.groups.Groups() }

func (w whole) Needs() event.Needs {
	needs := w.Engine.Needs()
	return event.Always(func(s event.Source) event.Want {
		want := needs.Of(s)
		want.Sifted = false
		return want
	})
}

// sifted counts, by file, the rows that a sifter was asked about and those that it suspects.
type sifted struct{ rows, suspects map[string]int }

func (s sifted) Needs() event.Needs {
	return event.Always(func(event.Source) event.Want { return event.Want{} })
}
func (s sifted) Tapper(string) sweep.Tapper { return s }
func (s sifted) Flush() error               { return nil }
func (s sifted) Batch(file string, b *event.Batch) error {
	if b.Sifted {
		s.rows[file] += b.Rows
		s.suspects[file] += len(b.Suspects)
	}
	return nil
}

const siftedIndicators = siftedTokens + `dropper.exe
/private/var/tmp/hooker
C:\evil\drop.dll
EvilAgent/1.0
`

// siftedTokens are the indicators that are looked up by tokens: the segments of text logs are surveyed for them.
const siftedTokens = `evil.example
b.evil.example
http://evil.example/a/b.php
http://203.0.113.7:8080/drop/
198.51.100.0/24
2001:db8::1
bad.actor@evil.example
0123456789abcdef0123456789abcdef
`

const siftedPatterns = `{"type":"bundle","objects":[
{"type":"indicator","id":"indicator--1","pattern":"[url:value MATCHES 'gate[0-9]+\\\\.php$']"},
{"type":"indicator","id":"indicator--2","pattern":"[file:name MATCHES '^evil_[a-z]{3}\\\\.bin$']"},
{"type":"indicator","id":"indicator--3","pattern":"[domain-name:value = 'two.example' AND ipv4-addr:value = '192.0.2.9']"},
{"type":"indicator","id":"indicator--4","pattern":"[process:command_line = 'true']"},
{"type":"indicator","id":"indicator--5","pattern":"[mutex:name = '1500.25']"}]}`

// seekable gives a value for a field: now and then an indicator or nearly one.
func seekable(r *rand.Rand) string {
	values := []string{"evil.example", "www.b.evil.example", "evil.example.org", "notevil.example", "http://evil.example/a/b.php?x=1", "https://evil.example:443/a/%62.php", "203.0.113.7:8080", "198.51.100.77", "198.51.101.1",
		"2001:db8::1", "bad.actor@evil.example", "0123456789ABCDEF0123456789abcdef", "dropper.exe", `C:\evil\drop.dll`, `\private\x`, "/private/var/tmp/hooker", "EvilAgent/1.0", "x/gate12.php", "evil_abc.bin", "two.example", "192.0.2.9", "1500.25", "hxxp[:]//evil[.]example"}
	if r.IntN(9) == 0 {
		return values[r.IntN(len(values))]
	}
	return fmt.Sprintf("w%d.host%d.test", r.IntN(50), r.IntN(1000))
}

// siftedLogs writes a text log of each kind, and gives how each line of it is made.
func siftedLogs(r *rand.Rand) map[string]func(i int) string {
	v := func() string { return seekable(r) }
	quote := func(s string) string {
		s = strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`)
		if r.IntN(3) == 0 {
			s = strings.ReplaceAll(s, ".", `\u002e`)
		}
		return `"` + strings.ReplaceAll(s, "/", `\/`) + `"`
	}
	escape := func(s string) string {
		s = strings.ReplaceAll(s, `\`, `\x5c`)
		if r.IntN(3) == 0 {
			s = strings.ReplaceAll(s, "e", `\x65`)
		}
		return s
	}
	zeek := func(types string, line func(i int) string) func(i int) string {
		return func(i int) string {
			if i == 0 {
				return "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#fields\tts\tuid\tid.orig_h\thost\turi\tok\ttags\tuser_agent\n#types\ttime\tstring\taddr\tstring\tstring\t" + types + "\tset[string]\tstring\n"
			}
			return line(i)
		}
	}
	zeekLine := func(i int) string {
		return fmt.Sprintf("16%08d.5\tC%d\t%s\t%s\t%s\tT\t%s,%s\t%s\n", i, i, escape(v()), escape(v()), []string{"/a/b.php", "/drop/x", "/"}[r.IntN(3)], escape(v()), escape(v()), escape(v()))
	}
	return map[string]func(i int) string{
		"http.log":      zeek("string", zeekLine),
		"http.bool.log": zeek("bool", zeekLine),
		"http.json": func(i int) string {
			return fmt.Sprintf(`{"ts":16%08d.5,"uid":"C%d","id.orig_h":%s,"id.orig_p":%d,"host":%s,"uri":"/a/b.php","tags":[%s,%s],"n":{"deep":%s},"x":%s,"b":%v}`+"\n", i, i, quote(v()), i, quote(v()), quote(v()), quote(v()), quote(v()), []string{"1.50025e3", "1500.250", "0.5", "7"}[r.IntN(4)], i%2 == 0)
		},
		"access.log": func(i int) string {
			return fmt.Sprintf(`%s - %s [12/Mar/2026:08:15:%02d +0000] "GET /q?u=%s&v=%s HTTP/1.1" 200 %d "http://%s/x" "Mozilla %s"`+"\n", v(), "-", i%60, v(), v(), i, v(), v())
		},
		"auth.log": func(i int) string {
			return fmt.Sprintf("Mar 12 08:%02d:%02d web1 sshd[%d]: Failed password for invalid user %s from 198.51.10%d.%d port %d ssh2: %s\n", i/60%60, i%60, i, v(), r.IntN(4), i%250, 1024+i, v())
		},
		"u_ex.log": func(i int) string {
			if i == 0 {
				return "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-03-12 00:00:00\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query cs-host c-ip cs(User-Agent) sc-status\n"
			}
			return fmt.Sprintf("2026-03-12 08:%02d:%02d 10.0.0.1 GET /a/b.php x=%s %s %s %s 200\n", i/60%60, i%60, v(), v(), v(), v())
		},
		"firewall.log": func(i int) string {
			return fmt.Sprintf("date=2026-03-12 time=08:%02d:%02d devname=\"fw\" devid=\"FG1\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" srcip=198.51.101.%d dstip=%s hostname=%s url=%q msg=%q\n", i/60%60, i%60, i%250, v(), v(), "/a/b.php", v())
		},
		"table.csv": func(i int) string {
			if i == 0 {
				return "timestamp,source_ip,url,user,note\n"
			}
			return fmt.Sprintf("2026-03-12T08:%02d:%02dZ,%s,%s,%s,\"%s, \"\"%s\"\"\"\n", i/60%60, i%60, v(), v(), v(), v(), v())
		},
	}
}

// TestSiftedSweepFindsTheSame sweeps text logs of every kind with indicators, alone and with rules beside them, sifted and not: findings
// and certificate are the same to the byte.
func TestSiftedSweepFindsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	lines := 400
	if testing.Short() {
		lines = 100
	}
	dir, lists := t.TempDir(), t.TempDir()
	for name, line := range siftedLogs(r) {
		var text bytes.Buffer
		for i := range lines {
			text.WriteString(line(i))
			if i%50 == 49 && name != "table.csv" {
				text.WriteString("not a line \xff of any kind http://evil.example/a/b.php\n")
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"list.txt": siftedIndicators, "tokens.txt": siftedTokens, "patterns.json": siftedPatterns, "rule.yml": "title: x\nid: 5f9b2a2e-0000-4000-8000-000000000001\nlogsource:\n  category: webserver\ndetection:\n  s:\n    cs-uri-query|contains: evil\n  condition: s\n"} {
		if err := os.WriteFile(filepath.Join(lists, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	engine := func(name string) match.Engine {
		e, rejected := match.IOC([]string{filepath.Join(lists, name)}, "", match.Selection{})
		if len(rejected) > 0 {
			t.Fatal(rejected)
		}
		return e
	}
	rules, rejected := match.Sigma(sigma.Load(filepath.Join(lists, "rule.yml")), match.Selection{})
	if len(rejected) > 0 {
		t.Fatal(rejected)
	}
	for name, engines := range map[string][]match.Engine{
		"list": {engine("list.txt")}, "tokens": {engine("tokens.txt")}, "patterns": {engine("patterns.json")}, "both and rules": {rules, engine("list.txt"), engine("patterns.json")},
	} {
		t.Run(name, func(t *testing.T) {
			var slow []match.Engine
			for _, e := range engines {
				if g, ok := e.(interface{ Groups() []match.Group }); ok {
					e = whole{e, g}
				}
				slow = append(slow, e)
			}
			var flows []match.Observer
			if len(engines) > 2 {
				flows = append(flows, match.Flows())
			}
			run := func(engines []match.Engine) (*memory, sifted) {
				seen := sifted{map[string]int{}, map[string]int{}}
				m := &memory{}
				q := sweep.Question{Roots: []evidence.Root{{Org: "o", Path: dir}}, Formats: evidence.Formats(), Rules: match.New(engines, flows...), Tap: seen, Threads: 1, TempDir: t.TempDir()}
				if err := sweep.Run(context.Background(), q, m, nil); err != nil {
					t.Fatal(err)
				}
				return m, seen
			}
			want, none := run(slow)
			got, seen := run(engines)
			if got.lines.String() != want.lines.String() {
				gotLines, wantLines := strings.Split(got.lines.String(), "\n"), strings.Split(want.lines.String(), "\n")
				for i := range wantLines {
					if i >= len(gotLines) || gotLines[i] != wantLines[i] {
						t.Fatalf("line %d sifted:\n%s\nnot sifted:\n%s", i, append(gotLines, "nothing")[min(i, len(gotLines))], wantLines[i])
					}
				}
				t.Fatal("sifted, there are more findings")
			}
			if got.result.Stats.Findings < uint64(lines/20) {
				t.Errorf("only %d findings: the logs test little", got.result.Stats.Findings)
			}
			if len(none.rows) > 0 {
				t.Error("the slow way sifts too")
			}
			for file := range siftedLogs(r) {
				switch rows, suspects := seen.rows[file], seen.suspects[file]; {
				case file == "http.bool.log" && name != "list": // "true" is sought, which lines do not spell out
				case rows == 0:
					t.Errorf("%s is not sifted", file)
				case suspects == rows && name == "list":
					t.Errorf("%s: all of %d rows are suspected", file, rows)
				}
			}
		})
	}
}
