//go:build unix

package sweep_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/sweep"
)

// cpuSeconds gives the time this process has computed, which other load on the machine does not stretch.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// lines writes findings and throws them away.
type lines struct {
	line   []byte
	result *sweep.Result
}

func (l *lines) Finding(f *finding.Finding) (err error) {
	l.line, err = f.AppendJSON(l.line[:0])
	return err
}

func (l *lines) End(r *sweep.Result) error {
	l.result = r
	return nil
}

// BenchmarkSweep reads the EVTX file that SWEEP_BENCH names, or the shared attack logs, with every public rule for
// Windows, up to the lines of the findings.
func BenchmarkSweep(b *testing.B) {
	from := require.Named(b, "SWEEP_BENCH")
	if from == "" {
		from = require.Data(b, "evtx-attack")
	}
	rules := load(b, require.Data(b, "sigma/rules/windows"))
	for _, c := range []struct {
		name    string
		rules   *match.Set
		threads int
		noEvent bool
	}{{"all/1", rules, 1, false}, {"all/2", rules, 2, false}, {"noevent/1", rules, 1, true}, {"norules/1", match.New(nil), 1, true}} {
		b.Run(c.name, func(b *testing.B) {
			q := sweep.Question{Roots: []evidence.Root{{Org: "o", Path: from}}, Formats: evidence.Formats(), Rules: c.rules, Threads: c.threads, NoEvent: c.noEvent, TempDir: b.TempDir()}
			h := &lines{}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			cpu := cpuSeconds()
			for b.Loop() {
				if err := sweep.Run(context.Background(), q, h, nil); err != nil {
					b.Fatal(err)
				}
			}
			cpu = cpuSeconds() - cpu
			runtime.ReadMemStats(&after)
			events := float64(h.result.Stats.Events) * float64(b.N)
			b.ReportMetric(events/cpu, "events/cpu-s")
			b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/events, "allocs/event")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/events, "B/event")
			b.ReportMetric(float64(h.result.Stats.Findings)/float64(h.result.Stats.Events), "findings/event")
		})
	}
}
