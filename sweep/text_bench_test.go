//go:build unix

package sweep_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/sweep"
)

// unpacked writes the logs of a folder of the real data out six times each, and gives the folder and its size.
func unpacked(b *testing.B, from string) (dir string, size int64) {
	dir = b.TempDir()
	for _, name := range require.Files(b, from+"/*.gz") {
		packed, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			b.Fatal(err)
		}
		text = bytes.Repeat(text, 6)
		size += int64(len(text))
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name[:len(name)-len(".gz")])), text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return dir, size
}

// BenchmarkSweepText reads real Zeek logs, as TSV and as JSON, up to the lines of the findings: with every public Sigma rule and the
// built-in flow rules, with a million indicators, and with nothing to look for. One thread; bytes per second of processor time.
func BenchmarkSweepText(b *testing.B) {
	sigma := load(b, require.Data(b, "sigma/rules"))
	var list bytes.Buffer
	for i := range 1_000_000 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&list, "%064x\n", uint64(i+1)*0x9e3779b97f4a7c15)
		case 1:
			fmt.Fprintf(&list, "cdn%d.bad%x.example\n", i, i*7919)
		case 2:
			fmt.Fprintf(&list, "%d.%d.%d.%d\n", 11+i%199, i/199%251, i/49949%251, i%241)
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
	for _, kind := range []string{"zeek-default", "zeek-json"} {
		dir, size := unpacked(b, "zeek/wrccdc-2018/"+kind)
		for _, c := range []struct {
			name  string
			rules *match.Set
		}{{"sigma", sigma}, {"indicators", match.New([]match.Engine{engine})}, {"norules", match.New(nil)}} {
			b.Run(kind+"/"+c.name, func(b *testing.B) {
				q := sweep.Question{Roots: []evidence.Root{{Org: "o", Path: dir}}, Formats: evidence.Formats(), Rules: c.rules, Threads: 1, TempDir: b.TempDir()}
				h := &lines{}
				b.SetBytes(size)
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
			})
		}
	}
}
