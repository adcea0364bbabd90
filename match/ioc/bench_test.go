package ioc

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
	"github.com/contrail-ir/contrail/internal/require"
)

// million writes lists of n indicators: 4 in 10 hashes, 3 domains, 2 addresses, 1 URL.
func million(n int) []byte {
	r := rand.New(rand.NewPCG(5, 6))
	var b bytes.Buffer
	for i := range n {
		switch i % 10 {
		case 0, 1, 2, 3:
			fmt.Fprintf(&b, "%016x%016x%016x%016x\n", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
		case 4, 5, 6:
			fmt.Fprintf(&b, "%s%d.%s.%s\n", []string{"cdn", "update", "mail", "login"}[r.IntN(4)], r.IntN(1000), randomName(r), []string{"com", "net", "org", "info", "ru", "cn", "co.uk"}[r.IntN(7)])
		case 7, 8:
			fmt.Fprintf(&b, "%d.%d.%d.%d\n", 11+r.IntN(200), r.IntN(256), r.IntN(256), r.IntN(256))
		default:
			fmt.Fprintf(&b, "http://%s.%s/%s/%s.php\n", randomName(r), []string{"com", "net"}[r.IntN(2)], randomName(r), randomName(r))
		}
	}
	return b.Bytes()
}

func randomName(r *rand.Rand) string {
	b := make([]byte, 6+r.IntN(8))
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return string(b)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func millionSet() *Set {
	c := &Collection{}
	c.Read("list.txt", million(1_000_000))
	return Compile(c, Options{})
}

// TestAMillionIndicatorsFitIntoMemory holds the compiled set under 256 MiB, descriptions and values included.
func TestAMillionIndicatorsFitIntoMemory(t *testing.T) {
	require.Time(t, "measures the memory of a million indicators, which the race detector multiplies")
	before := heap()
	s := millionSet()
	used := heap() - before
	t.Logf("%d indicators hold %.1f MiB", s.Len(), float64(used)/(1<<20))
	if s.Len() < 990_000 {
		t.Errorf("only %d of a million indicators were taken", s.Len())
	}
	if used > 256<<20 {
		t.Errorf("they hold %d MiB", used>>20)
	}
	for _, i := range []int{0, 4, 7, 9, s.Len() - 10, s.Len() - 6, s.Len() - 3, s.Len() - 1} {
		v := s.rules[i].Term.Value
		if got := found1(s, "seen "+v+" here"); len(got) == 0 {
			t.Errorf("%s is not found", v)
		}
	}
	runtime.KeepAlive(s)
}

// lines gives real log lines, with what they were read from.
func lines(t testing.TB, dir string, most int) (all [][]byte) {
	size := 0
	_ = filepath.WalkDir(require.Data(t, dir), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || size > most {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return nil
		}
		defer f.Close()
		in := bufio.NewReader(io.LimitReader(f, int64(most/8)))
		for {
			line, err := in.ReadBytes('\n')
			if err != nil || size > most {
				return nil
			}
			if bytes.IndexByte(line, 0) >= 0 {
				return nil
			}
			all = append(all, bytes.TrimRight(line, "\n"))
			size += len(line)
		}
	})
	return all
}

func batches(all [][]byte) (bs []*event.Batch, size int64) {
	for len(all) > 0 {
		n := min(4096, len(all))
		b := event.NewBuilder(event.Source{Category: "webserver"})
		f := b.Field("message")
		for i, l := range all[:n] {
			b.Row(0, uint64(i), uint64(i), nil)
			b.Text(f, l)
			size += int64(len(l)) + 1
		}
		bs = append(bs, b.Batch())
		all = all[n:]
	}
	return bs, size
}

func benchmarkScan(b *testing.B, s *Set, all [][]byte) {
	bs, size := batches(all)
	sc := s.Scanner()
	b.SetBytes(size)
	hits, least := 0, time.Hour
	for b.Loop() {
		hits = 0
		least = min(least, growth.Cost(func() {
			for _, x := range bs {
				if err := sc.Scan(x, func(int, event.RuleIndex) { hits++ }); err != nil {
					b.Fatal(err)
				}
			}
		}))
	}
	b.ReportMetric(float64(size)/least.Seconds()/1e6, "best-MB/cpu-s") // others may use the machine too
	b.ReportMetric(float64(hits), "hits")
	b.ReportMetric(float64(s.Len()), "indicators")
}

// webLines are access log lines like those of proxies: an address, a URL with path and query, a user agent. Made, since the real ones are few.
func webLines(n int) (all [][]byte) {
	r := rand.New(rand.NewPCG(1, 1))
	for range n {
		all = append(all, fmt.Appendf(nil, `10.%d.%d.%d - - [12/Mar/2026:08:15:%02d +0000] "GET http://www%d.%s.%s/%s/%s?id=%d&ref=%s HTTP/1.1" 200 %d "https://%s.%s/search" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36"`,
			r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(60), r.IntN(9), randomName(r), []string{"com", "net", "org", "co.uk"}[r.IntN(4)], randomName(r), randomName(r)+".html", r.IntN(1e6), strings.Repeat("a", r.IntN(9)), r.IntN(1e5), randomName(r), "com"))
	}
	return all
}

func BenchmarkMillionOverMadeWebLines(b *testing.B) { benchmarkScan(b, millionSet(), webLines(60_000)) }

func BenchmarkMillionOverRealWebLogs(b *testing.B) {
	benchmarkScan(b, millionSet(), lines(b, "weblogs", 16<<20))
}

func BenchmarkMillionOverZeekText(b *testing.B) {
	benchmarkScan(b, millionSet(), lines(b, "zeek", 32<<20))
}

func BenchmarkReportsOverRealWebLogs(b *testing.B) {
	benchmarkScan(b, Compile(Load(require.Data(b, "ioc")), Options{}), lines(b, "weblogs", 16<<20))
}

func BenchmarkReportsOverZeekText(b *testing.B) {
	benchmarkScan(b, Compile(Load(require.Data(b, "ioc")), Options{}), lines(b, "zeek", 32<<20))
}
