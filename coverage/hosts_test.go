package coverage

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
)

var watching = []string{"a", "b", "c"}

// hostRows is a batch of rows of hosts with watched fields, some of them without a value; filled says which of them each host has.
func hostRows(r *rand.Rand, source event.Source, rows, hosts int) (b *event.Batch, filled map[string]map[string]bool) {
	in := event.NewBuilder(source)
	columns := make([]int, len(watching))
	for i, f := range watching {
		columns[i] = in.Field(f)
	}
	filled = map[string]map[string]bool{}
	odds := 1 + r.IntN(4)
	for row := range rows {
		host := ""
		if k := r.IntN(hosts + 1); k > 0 {
			host = fmt.Sprint("h", k)
		}
		in.Row(int64(row), uint64(row), uint64(row), []byte(host))
		if filled[host] == nil {
			filled[host] = map[string]bool{}
		}
		for i, f := range watching {
			switch r.IntN(odds + 2) {
			case 0:
				in.Text(columns[i], []byte("-"))
			case 1:
				in.Text(columns[i], []byte("value"))
				filled[host][f] = true
			}
		}
	}
	return in.Batch(), filled
}

func watchAll(event.Source) []string { return watching }

// TestFilledFieldsAreThoseOfTheRows wants of every host the fields that its rows have one by one.
func TestFilledFieldsAreThoseOfTheRows(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		tally := &Tally{Watch: watchAll}
		source := event.Source{Product: "p"}
		want := map[string]map[string]bool{}
		for range 1 + r.IntN(3) {
			b, filled := hostRows(r, source, 1+r.IntN(60), 1+r.IntN(20))
			tally.Batch(b)
			for host, fields := range filled {
				if want[host] == nil {
					want[host] = map[string]bool{}
				}
				maps.Copy(want[host], fields)
			}
		}
		if len(tally.spans) != len(want) {
			t.Fatalf("%d hosts, want %d", len(tally.spans), len(want))
		}
		for host, fields := range want {
			if got := tally.spans[hostSource{host, source}].filled; !slices.Equal(got, slices.Sorted(maps.Keys(fields))) {
				t.Fatalf("%q has %v, want %v", host, got, fields)
			}
		}
	}
}

// TestHostsCostTheirRows: a batch in which every row is of another host goes through its columns as often as one of a single host.
func TestHostsCostTheirRows(t *testing.T) {
	growth.Linear(t, "rows of hosts of their own", 8_000, func(n int) func() {
		in := event.NewBuilder(event.Source{Product: "p"})
		columns := []int{in.Field("a"), in.Field("b"), in.Field("c")}
		for row := range n {
			in.Row(int64(row), uint64(row), uint64(row), fmt.Appendf(nil, "h%d", row))
			if row == n-1 { // nobody else has one, so that nothing ends early
				for _, c := range columns {
					in.Text(c, []byte("value"))
				}
			}
		}
		b := in.Batch()
		return func() { (&Tally{Watch: watchAll}).Batch(b) }
	})
}

// TestTheSmallestPairsAreKept counts more hosts than are kept, in several orders and cut into tallies differently: the same are kept, with their
// fields, and the others counted.
func TestTheSmallestPairsAreKept(t *testing.T) {
	const hosts = maxSpans + maxSpans/2
	source := event.Source{Product: "p"}
	r := rand.New(rand.NewPCG(6, 6))
	rising := make([]int, hosts)
	for i := range rising {
		rising[i] = i
	}
	falling := slices.Clone(rising)
	slices.Reverse(falling)
	for name, order := range map[string][]int{"rising": rising, "falling": falling, "mixed": r.Perm(hosts)} {
		var file Tally
		for part := range slices.Chunk(order, hosts/3+1) {
			segment := &Tally{Watch: watchAll}
			for rows := range slices.Chunk(part, 10_000) {
				in := event.NewBuilder(source)
				a := in.Field("a")
				for _, k := range rows {
					in.Row(int64(k), 0, 0, fmt.Appendf(nil, "h%07d", k))
					in.Text(a, []byte("value"))
				}
				segment.Batch(in.Batch())
			}
			file.Merge(segment)
		}
		file.bound()
		more := file.more[hostSource{moreHosts, source}]
		if len(file.spans) != maxSpans || more == nil || more.Records != hosts-maxSpans || more.First != maxSpans || more.Last != hosts-1 {
			t.Fatalf("%s: %d pairs kept, beyond them %+v", name, len(file.spans), more)
		}
		for k := range maxSpans {
			x := file.spans[hostSource{fmt.Sprintf("h%07d", k), source}]
			if x == nil || x.Records != 1 || !x.has("a") {
				t.Fatalf("%s: host %d is %+v", name, k, x)
			}
		}
	}
}
