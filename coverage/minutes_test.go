package coverage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/contrail-ir/contrail/event"
)

// TestMinutesAreThoseOfTheRows counts batches of hosts in turn, in every order of time, and wants of every stream the minutes and numbers that
// its rows have one by one.
func TestMinutesAreThoseOfTheRows(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	const minute = int64(time.Minute)
	for round := range 60 {
		tally := &Tally{Numbered: round%2 == 0}
		want, numbers := map[stream]*roaring.Bitmap{}, map[stream][]numbered{}
		for range 1 + r.IntN(3) {
			source := event.Source{Product: "p", Service: fmt.Sprint(r.IntN(2)), ID: uint32(r.IntN(2))}
			b := event.NewBuilder(source)
			hosts, base, spread := 1+r.IntN(5), r.Int64N(3e7), 1+r.Int64N([]int64{3, 200, 5e6}[r.IntN(3)])
			for row := range 1 + r.IntN(300) {
				host := fmt.Sprint("h", r.IntN(hosts))
				if r.IntN(hosts+3) == 0 {
					host = ""
				}
				ns := (base+r.Int64N(spread))*minute + r.Int64N(minute)
				switch r.IntN(200) {
				case 0:
					ns = event.NoTime
				case 1:
					ns = -r.Int64N(5 * minute)
				case 2:
					ns = math.MaxInt64
				}
				b.Row(ns, 0, uint64(row), []byte(host))
				key := streamOf(host, source)
				if want[key] == nil {
					want[key] = roaring.New()
				}
				if ns >= 0 && ns/minute <= math.MaxUint32 {
					want[key].Add(uint32(ns / minute))
				}
				numbers[key] = append(numbers[key], numbered{uint64(row), ns})
			}
			tally.Batch(b.Batch())
		}
		if len(tally.streams) != len(want) {
			t.Fatalf("%d streams, want %d", len(tally.streams), len(want))
		}
		for key, minutes := range want {
			if got := tally.streams[key].minutes.bitmap(); !got.Equals(minutes) {
				t.Fatalf("%v spoke in the minutes %v, want %v", key, got, minutes)
			}
			if tally.Numbered && !slices.Equal(tally.segment[key], numbers[key]) {
				t.Fatalf("%v has the numbers %v, want %v", key, tally.segment[key], numbers[key])
			}
		}
	}
}
