//go:build unix

package sigma

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/evtx"
	"github.com/contrail-ir/contrail/internal/require"
)

// keptBatches is a sink that copies batches.
type keptBatches struct{ all []*event.Batch }

func (k *keptBatches) Damage(event.Damage) {}

func (k *keptBatches) Batch(b *event.Batch) error {
	k.all = append(k.all, renewed(b, 0, nil))
	return nil
}

// decodedEVTX gives the batches of the EVTX files that SIGMA_BENCH names, or of the shared ones, with the fields that the
// rules ask for.
func decodedEVTX(t testing.TB, set *Set) []*event.Batch {
	t.Helper()
	roots := []string{require.Named(t, "SIGMA_BENCH")}
	if roots[0] == "" {
		roots = []string{require.Data(t, "evtx-attack"), require.Data(t, "evtx-baseline")}
	}
	var kept keptBatches
	format, needs := evtx.New(), set.Needs()
	decoder := format.Decoder()
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".evtx" {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			stream, err := format.Open(event.File{Name: path, Body: f})
			if err != nil {
				return err
			}
			for {
				seg, err := stream.Next(context.Background())
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
				err = decoder.Decode(seg, &needs, &kept)
				seg.Release()
				if err != nil {
					return err
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return kept.all
}

// renewed copies a batch, with a share of its longer text values made new: eight digits that no other value has are put into
// their middle, which leaves the ends that rules look at. With share 0 it is a plain copy.
func renewed(b *event.Batch, share float64, rng *rand.Rand) *event.Batch {
	out := *b
	out.Time, out.Offset, out.Record = slices.Clone(b.Time), slices.Clone(b.Offset), slices.Clone(b.Record)
	out.Cols = nil
	column := func(c *event.Column) *event.Column {
		if c == nil {
			return nil
		}
		d := &event.Dict{Kind: c.Dict.Kind, Nums: slices.Clone(c.Dict.Nums), Ends: slices.Clone(c.Dict.Ends)}
		if c.Dict.Kind == event.Text && share > 0 {
			for i := range c.Dict.Len() {
				v := c.Dict.Raw(i)
				if len(v) >= 16 && rng.Float64() < share {
					d.Bytes = append(d.Bytes, v[:len(v)/2]...)
					d.Bytes = fmt.Appendf(d.Bytes, "%08x", rng.Uint32())
					v = v[len(v)/2:]
				}
				d.Bytes = append(d.Bytes, v...)
				d.Ends[i] = uint32(len(d.Bytes))
			}
		} else {
			d.Bytes = slices.Clone(c.Dict.Bytes)
		}
		return &event.Column{Dict: d, Codes: slices.Clone(c.Codes), Const: c.Const, List: slices.Clone(c.List)}
	}
	for _, c := range b.Cols {
		out.Cols = append(out.Cols, column(c))
	}
	out.Host, out.Fetch = column(b.Host), nil
	return &out
}

// BenchmarkRepeat says what it is worth that a scanner remembers values: every record of the shared EVTX files once by a
// scanner that is new (cold), the same again (warm), and with a share of the text values new in every round. The figure is that
// of the best round, since other load only ever adds.
func BenchmarkRepeat(b *testing.B) {
	set, _ := Compile(corpus(b), Options{})
	all := decodedEVTX(b, set)
	kinds := map[string]func(event.Source) bool{
		"mixed":   func(event.Source) bool { return true },
		"process": func(s event.Source) bool { return s.ID == 1 && s.Channel == channelSysmon || s.ID == 4688 },
	}
	for _, kind := range []string{"mixed", "process"} {
		var batches []*event.Batch
		rows := 0
		for _, x := range all {
			if kinds[kind](x.Schema.Source) {
				batches = append(batches, x)
				rows += x.Rows
			}
		}
		for _, c := range []struct {
			name  string
			fresh bool
			share float64
		}{{"cold", true, 0}, {"warm", false, 0}, {"new=0.2", false, 0.2}, {"new=1", false, 1}} {
			b.Run(kind+"/"+c.name, func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 2))
				scan := set.Scanner()
				for range 3 { // prepares the programs, and lets the scanner meet every value twice
					for _, x := range batches {
						_ = scan.Scan(x, func(int, event.RuleIndex) {})
					}
				}
				best, hits := math.Inf(1), 0
				for b.Loop() {
					if c.fresh {
						scan = set.Scanner()
					}
					now := batches
					if c.share > 0 {
						now = nil
						for _, x := range batches {
							now = append(now, renewed(x, c.share, rng))
						}
					}
					hits = 0
					began := cpuSeconds()
					for _, x := range now {
						_ = scan.Scan(x, func(int, event.RuleIndex) { hits++ })
					}
					best = min(best, cpuSeconds()-began)
				}
				b.ReportMetric(float64(rows)/best, "events/cpu-s")
				b.ReportMetric(float64(rows), "rows")
				b.ReportMetric(float64(hits), "hits")
			})
		}
	}
}
