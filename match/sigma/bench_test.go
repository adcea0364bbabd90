//go:build unix

package sigma

import (
	"syscall"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// cpuSeconds gives the processor time of the process, which other load on the machine does not stretch.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkScan runs every rule of the shared corpus over the shared events, decoded beforehand. Every batch is new to
// the scanner in each round: nothing is remembered from batch to batch.
func BenchmarkScan(b *testing.B) {
	set, _ := Compile(corpus(b), Options{})
	all := recordedEvents(b, 1000000)
	kinds := map[string]func(*event.Batch) bool{
		"mixed": func(*event.Batch) bool { return true },
		"process": func(x *event.Batch) bool {
			s := x.Schema.Source
			return s.ID == 1 && s.Channel == channelSysmon || s.ID == 4688
		},
		"powershell": func(x *event.Batch) bool { s := x.Schema.Source; return s.ID == 4103 || s.ID == 4104 },
		"image_load": func(x *event.Batch) bool { s := x.Schema.Source; return s.ID == 7 && s.Channel == channelSysmon },
	}
	for _, kind := range []string{"mixed", "process", "powershell", "image_load"} {
		b.Run(kind, func(b *testing.B) {
			var batches []*event.Batch
			rows, bytes := 0, 0
			for _, x := range all {
				if kinds[kind](x) {
					batches = append(batches, x)
					rows += x.Rows
					for _, c := range x.Cols {
						bytes += len(c.Dict.Bytes)
					}
				}
			}
			scan := set.Scanner()
			hits := 0
			b.ReportAllocs()
			began := cpuSeconds()
			for b.Loop() {
				for _, x := range batches {
					scan.Scan(x, func(int, event.RuleIndex) { hits++ })
				}
			}
			spent := cpuSeconds() - began
			b.ReportMetric(float64(rows*b.N)/spent, "events/cpu-s")
			b.ReportMetric(float64(bytes*b.N)/spent/1e6, "MB/cpu-s")
			b.ReportMetric(float64(rows), "rows")
			b.ReportMetric(float64(hits)/float64(b.N), "hits")
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	corpus(b)
	began := cpuSeconds()
	for b.Loop() {
		Compile(corpus(b), Options{})
	}
	b.ReportMetric((cpuSeconds()-began)/float64(b.N), "cpu-s/op")
}
