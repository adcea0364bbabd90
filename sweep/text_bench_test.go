//go:build unix

package sweep_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/sweep"
)

// textCorpora are real logs, repeated until there is enough of them, and made ones in which every line is new. Each gives the names and
// texts of files.
var textCorpora = []struct {
	name string
	logs func(b *testing.B) map[string][]byte
}{
	{"zeek-default", func(b *testing.B) map[string][]byte { return realLogs(b, "zeek/wrccdc-2018/zeek-default", "", 6) }},
	{"zeek-json", func(b *testing.B) map[string][]byte { return realLogs(b, "zeek/wrccdc-2018/zeek-json", "", 6) }},
	{"winlog-json", func(b *testing.B) map[string][]byte { return realLogs(b, "winlog-json/otrf/atomic", "", 1) }},
	{"access-real", func(b *testing.B) map[string][]byte {
		return realLogs(b, "weblogs/elastic-examples", "apache_logs", 60)
	}},
	{"access-made", func(*testing.B) map[string][]byte { return map[string][]byte{"access.log": made(accessLine)} }},
	{"w3c-made", func(*testing.B) map[string][]byte {
		return map[string][]byte{"u_ex260312.log": append([]byte(w3cHead), made(w3cLine)...)}
	}},
	{"syslog-real", func(b *testing.B) map[string][]byte { return realLogs(b, "weblogs/elastic-examples", "auth.log", 180) }},
	{"syslog-made", func(*testing.B) map[string][]byte { return map[string][]byte{"messages.log": made(syslogLine)} }},
}

// realLogs reads the files below a folder whose names have a part, each so many times over.
func realLogs(b *testing.B, under, part string, times int) map[string][]byte {
	logs := map[string][]byte{}
	err := filepath.WalkDir(require.Data(b, under), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(d.Name(), part) || part == "" && !strings.HasSuffix(path, ".gz") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if z, err := gzip.NewReader(bytes.NewReader(text)); err == nil {
			if text, err = io.ReadAll(z); err != nil {
				return err
			}
		}
		logs[fmt.Sprintf("%03d-%s", len(logs), strings.TrimSuffix(d.Name(), ".gz"))] = bytes.Repeat(text, times)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return logs
}

// made writes lines until there are 64 MB.
func made(line func(b []byte, r *rand.Rand) []byte) (text []byte) {
	r := rand.New(rand.NewPCG(2, 6))
	for len(text) < 64_000_000 {
		text = line(text, r)
	}
	return text
}

func word(r *rand.Rand) string {
	b := make([]byte, 4+r.IntN(9))
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return string(b)
}

var agents = []string{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Safari/605.1.15", "curl/8.5.0", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"}

func accessLine(b []byte, r *rand.Rand) []byte {
	return fmt.Appendf(b, `198.51.%d.%d - - [12/Mar/2026:%02d:%02d:%02d +0000] "GET /%s/%s.html?id=%d&q=%s HTTP/1.1" 200 %d "https://www.%s.example/%s" "%s"`+"\n",
		r.IntN(256), r.IntN(256), r.IntN(24), r.IntN(60), r.IntN(60), word(r), word(r), r.IntN(1e6), word(r), r.IntN(1e5), word(r), word(r), agents[r.IntN(len(agents))])
}

const w3cHead = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-03-12 00:00:00\n" +
	"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n"

func w3cLine(b []byte, r *rand.Rand) []byte {
	return fmt.Appendf(b, "2026-03-12 %02d:%02d:%02d 10.0.0.%d GET /%s/%s.aspx id=%d&q=%s 443 - 198.51.%d.%d %s https://www.%s.example/%s 200 0 0 %d\n",
		r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(4), word(r), word(r), r.IntN(1e6), word(r), r.IntN(256), r.IntN(256), strings.ReplaceAll(agents[r.IntN(len(agents))], " ", "+"), word(r), word(r), r.IntN(900))
}

func syslogLine(b []byte, r *rand.Rand) []byte {
	b = fmt.Appendf(b, "Mar 12 %02d:%02d:%02d web%02d ", r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(20))
	switch r.IntN(5) {
	case 0:
		return fmt.Appendf(b, "sshd[%d]: Failed password for invalid user %s from 198.51.%d.%d port %d ssh2\n", r.IntN(60000), word(r), r.IntN(256), r.IntN(256), r.IntN(60000))
	case 1:
		return fmt.Appendf(b, "sshd[%d]: Connection closed by authenticating user root 198.51.%d.%d port %d [preauth]\n", r.IntN(60000), r.IntN(256), r.IntN(256), r.IntN(60000))
	case 2:
		return fmt.Appendf(b, "named[%d]: client @0x7f%x 10.0.%d.%d#%d (www.%s.example): query: www.%s.example IN A +E(0)K (10.0.0.53)\n", r.IntN(60000), r.Uint32(), r.IntN(256), r.IntN(256), r.IntN(60000), word(r), word(r))
	case 3:
		return fmt.Appendf(b, "kernel: [%d.%06d] [UFW BLOCK] IN=eth0 OUT= MAC=00:16:3e:5e:6c:00 SRC=198.51.%d.%d DST=10.0.0.%d LEN=40 TOS=0x00 PREC=0x00 TTL=245 ID=%d PROTO=TCP SPT=%d DPT=%d WINDOW=1024 RES=0x00 SYN URGP=0\n",
			r.IntN(1e6), r.IntN(1e6), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(65536), r.IntN(65536), r.IntN(65536))
	default:
		return fmt.Appendf(b, "systemd[1]: Started Session %d of user %s: /usr/lib/%s/%s.service finished in %d.%ds.\n", r.IntN(1e6), word(r), word(r), word(r), r.IntN(100), r.IntN(10))
	}
}

// millionIndicators gives a list of hashes, domains, addresses and URLs.
func millionIndicators(b *testing.B) *match.Set {
	var list bytes.Buffer
	for i := range 1_000_000 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&list, "%064x\n", uint64(i+1)*0x9e3779b97f4a7c15)
		case 1:
			fmt.Fprintf(&list, "cdn%d.bad%x.example\n", i, i*7919)
		case 2:
			fmt.Fprintf(&list, "%d.%d.%d.%d\n", 128+i%83, i/83%251, i/20833%251, i%241)
		default:
			fmt.Fprintf(&list, "http://www.evil%x.example/a/%d.php\n", i*104729, i)
		}
	}
	file := filepath.Join(b.TempDir(), "list.txt")
	if err := os.WriteFile(file, list.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	engine, rejected := match.IOC([]string{file}, "", match.Selection{})
	if len(rejected) > 0 {
		b.Fatal(rejected)
	}
	return match.New([]match.Engine{engine})
}

// BenchmarkSweepText reads text logs up to the lines of the findings: with every public Sigma rule and the built-in flow rules, with a
// million indicators, with the published reports and their expressions, and with nothing to look for. One thread; bytes per second of
// processor time.
func BenchmarkSweepText(b *testing.B) {
	questions := []struct {
		name  string
		rules func(b *testing.B) *match.Set
	}{
		{"sigma", func(b *testing.B) *match.Set { return load(b, require.Data(b, "sigma/rules")) }},
		{"indicators", millionIndicators},
		{"reports", func(b *testing.B) *match.Set {
			engine, _ := match.IOC([]string{require.Data(b, "ioc")}, "", match.Selection{})
			return match.New([]match.Engine{engine})
		}},
		{"norules", func(*testing.B) *match.Set { return match.New(nil) }},
	}
	for _, q := range questions {
		var rules *match.Set
		b.Run(q.name, func(b *testing.B) {
			for _, c := range textCorpora {
				b.Run(c.name, func(b *testing.B) {
					if rules == nil {
						rules = q.rules(b)
					}
					sweepText(b, rules, c.logs(b))
				})
			}
		})
	}
}

func sweepText(b *testing.B, rules *match.Set, logs map[string][]byte) {
	dir, size := b.TempDir(), 0
	for name, text := range logs {
		size += len(text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	clear(logs)
	q := sweep.Question{Roots: []evidence.Root{{Org: "o", Path: dir}}, Formats: evidence.Formats(), Rules: rules, Threads: 1, TempDir: b.TempDir()}
	h := &lines{}
	b.SetBytes(int64(size))
	cpu := cpuSeconds()
	for b.Loop() {
		if err := sweep.Run(context.Background(), q, h, nil); err != nil {
			b.Fatal(err)
		}
	}
	cpu = cpuSeconds() - cpu
	b.ReportMetric(float64(size)*float64(b.N)/cpu/1e6, "MB/cpu-s")
	b.ReportMetric(float64(h.result.Stats.Events)*float64(b.N)/cpu, "events/cpu-s")
	b.ReportMetric(float64(h.result.Stats.Findings), "findings")
}
