package packed

import (
	"math"
	"slices"
	"testing"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	uints, ints, texts := []uint64{0, 1, 127, 128, math.MaxUint64}, []int64{0, -1, 64, math.MinInt64, math.MaxInt64}, []string{"", "a", "\x00\xff"}
	var b []byte
	for i := range uints {
		b = Int(Uint(b, uints[i]), ints[i])
	}
	for i, s := range texts {
		if i%2 == 0 {
			b = Text(b, s)
		} else {
			b = Text(b, []byte(s))
		}
	}
	read := func(b []byte) (same bool, r Reader) {
		r = NewReader(b)
		same = true
		for i := range uints {
			same = r.Uint() == uints[i] && r.Int() == ints[i] && same
		}
		for _, s := range texts {
			same = r.Text() == s && same
		}
		return same, r
	}
	if same, r := read(b); !same || !r.Whole() {
		t.Error("another reads")
	}
	for n := range b {
		if _, r := read(b[:n]); r.Whole() || !r.Bad() {
			t.Errorf("cut off after %d of %d bytes it is whole", n, len(b))
		}
	}
	endless := slices.Repeat([]byte{0xff}, 11) // more bits than a number has
	for name, n := range map[string]func(*Reader) bool{"Uint": func(r *Reader) bool { return r.Uint() == 0 }, "Int": func(r *Reader) bool { return r.Int() == 0 }} {
		if r := NewReader(endless); !n(&r) || !r.Bad() || len(r.Rest()) != 0 {
			t.Errorf("%s reads what is no number", name)
		}
	}
	if _, r := read(append(slices.Clone(b), 0)); r.Whole() || r.Bad() || len(r.Rest()) != 1 {
		t.Error("what follows is not noticed")
	}
}

func FuzzReader(f *testing.F) {
	f.Add(Text(Uint(nil, 3), "abc"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(b)
		for range r.Count() {
			if s := r.Text(); len(s) > len(b) {
				t.Fatal("more text than there are bytes")
			}
			r.Int()
		}
		if r.Whole() && r.Bad() {
			t.Fatal("both whole and bad")
		}
	})
}
