package event

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/contrail-ir/contrail/internal/growth"
)

// TestForgedValuesCostNoMore builds batches of values that were searched for until they fell on one place of a table: with the hash that
// everybody can work out, each of them walked past all others.
func TestForgedValuesCostNoMore(t *testing.T) {
	const n = 1 << 11
	build := func(values [][]byte) func() {
		return func() {
			b := NewBuilder(Source{})
			f := b.Field("f")
			for range 8 {
				b.Reset()
				for i, v := range values {
					b.Row(0, 0, uint64(i), nil)
					b.Text(f, v)
				}
				if got := b.Batch().Cols[0].Dict.Len(); got != n {
					t.Fatalf("%d distinct values of %d", got, n)
				}
			}
		}
	}
	var plain, forged [][]byte
	for i := uint64(0); len(forged) < n; i++ {
		v := binary.LittleEndian.AppendUint64(nil, i)
		if xxh3.Hash(v)%(2*n) == 0 {
			forged = append(forged, v)
		}
		if len(plain) < n {
			plain = append(plain, v)
		}
	}
	growth.AtMost(t, "values that were made to fall on one place", 5, build(plain), build(forged))
}

// TestNumbersSpread looks at numbers in which hashes that are a product lose what tells them apart.
func TestNumbersSpread(t *testing.T) {
	const n = 1 << 12
	inverse := uint64(1) // of the factor that was used: the products are what is wished for
	for range 6 {
		inverse *= 2 - 0x9e3779b97f4a7c15*inverse
	}
	for name, number := range map[string]func(i uint64) uint64{
		"in a row":         func(i uint64) uint64 { return i },
		"in the high bits": func(i uint64) uint64 { return i << 52 },
		"in the middle":    func(i uint64) uint64 { return i << 26 },
		"made to collide":  func(i uint64) uint64 { return (i<<32 | i) * inverse },
	} {
		var met [2 * n]int
		most := 0
		for i := range uint64(n) {
			at := HashNumber(number(i)) % (2 * n)
			met[at]++
			most = max(most, met[at])
		}
		if most > 20 { // of 4,096 on 8,192 places, 6 or 7 is expected
			t.Errorf("numbers %s: %d fall on one place", name, most)
		}
	}
	if a := []byte("a"); Hash(a) != Hash(bytes.Clone(a)) || Hash(a) == Hash([]byte("b")) || Hash(nil) != Hash([]byte{}) {
		t.Error("equal bytes have different hashes, or different ones the same")
	}
}
