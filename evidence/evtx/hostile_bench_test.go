//go:build unix

package evtx

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// BenchmarkHostile says how many times as much as ordinary chunks each kind of hostile ones costs: as many bytes or, where records are
// shorter than ordinary ones, as many records. The decoder has read 8 MiB of the kind before, and reads 8 MiB more that are different.
// Processor time of the whole process counts, the collector's too.
func BenchmarkHostile(b *testing.B) {
	const chunks = 128
	needs := event.Everything()
	f := New()
	measure := func(b *testing.B, fill func(w *builder, chunk int)) (seconds, rows float64) {
		warm := hostileFile(b, chunks, fill)
		body := hostileFile(b, chunks, func(w *builder, c int) { fill(w, chunks+c) })
		var c counter
		for range b.N {
			d := f.Decoder()
			decode := func(body []byte) {
				c = counter{}
				if err := decodeAll(f, d, bytes.NewReader(body), event.Hints{}, &needs, &c); err != nil {
					b.Fatal(err)
				}
			}
			decode(warm)
			began := cpuSeconds()
			decode(body)
			seconds += cpuSeconds() - began
		}
		return seconds, float64(c.rows)
	}
	for _, name := range slices.Sorted(maps.Keys(hostile)) {
		b.Run(name, func(b *testing.B) {
			base, ordinary := measure(b, func(w *builder, c int) { full(w, 1+100*c, logged) })
			cost, rows := measure(b, hostile[name])
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(cost/base/max(1, rows/ordinary), "times")
			b.ReportMetric(cost/base, "times/byte")
		})
	}
}
