package coverage

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// sample makes a tally with something of everything that is kept.
func sample(seed uint64) *Tally {
	r := rand.New(rand.NewPCG(seed, 2))
	t := &Tally{Numbered: true, Watch: func(event.Source) []string { return []string{"User", "Image"} }}
	for range 6 {
		s := event.Source{Product: "windows", Provider: "P", Channel: []string{"Security", "System"}[r.IntN(2)], ID: []uint32{1102, 104, 4624}[r.IntN(3)]}
		b := event.NewBuilder(s)
		for range 1 + r.IntN(30) {
			b.Row(r.Int64N(1e18), uint64(r.IntN(1e6)), uint64(r.IntN(200)), fmt.Appendf(nil, "h%d", r.IntN(3)))
			b.Text(b.Field([]string{"User", "Image", "Other"}[r.IntN(3)]), []byte([]string{"x", "-", ""}[r.IntN(3)]))
		}
		t.Batch(b.Batch())
		t.Damage(event.Damage{Offset: uint64(r.IntN(1000)), Reason: "torn"})
	}
	t.recovered, t.lost = 3, 4
	t.addMore(hostSource{moreHosts, event.Source{Product: "windows"}}, &seen{Span: Span{5, 6, 7}})
	return t
}

func certificateOf(t *testing.T, x *Tally) string {
	t.Helper()
	b := NewBuilder([]string{"a"})
	b.File(File{Path: "f", Org: "a"}, x)
	var out bytes.Buffer
	if err := b.Certificate(Rules{}, nothing{}).Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String() + fmt.Sprint(x.total, x.recovered, x.lost)
}

func TestATallyIsReadAsItWasKept(t *testing.T) {
	for seed := range uint64(20) {
		kept, err := sample(seed).Append([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		back, err := ReadTally(kept[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		whole := sample(seed)
		whole.endSegment()
		if got, want := certificateOf(t, back), certificateOf(t, whole); got != want {
			t.Fatalf("seed %d: read back\n%s\nwant\n%s", seed, got, want)
		}
		for cut := len("before"); cut < len(kept); cut += 1 + len(kept)/200 {
			if _, err := ReadTally(kept[len("before"):cut]); err == nil {
				t.Fatalf("seed %d: a tally cut at %d of %d is read", seed, cut, len(kept))
			}
		}
	}
}

func FuzzReadTally(f *testing.F) {
	for seed := range uint64(3) {
		kept, err := sample(seed).Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kept)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := ReadTally(b); err == nil {
			if _, err := x.Append(nil); err != nil {
				t.Errorf("what was read cannot be kept again: %v", err)
			}
		}
	})
}
