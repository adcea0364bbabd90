package event

import (
	"hash/maphash"
	"math/bits"
)

// seed is drawn when the program begins. Tables of values that come from evidence are indexed by hashes that depend on it: with a hash
// that everybody can work out, whoever writes the evidence makes thousands of values that fall on one place, and every look at the table
// walks past all of them. Nothing that is delivered depends on it.
var seed = struct {
	bytes       maphash.Seed
	number, odd uint64
}{maphash.MakeSeed(), random(), random() | 1}

func random() uint64 { return maphash.Bytes(maphash.MakeSeed(), nil) }

// Hash gives a hash of bytes that holds for this run of the program only.
func Hash(b []byte) uint64 { return maphash.Bytes(seed.bytes, b) }

// HashNumber gives a hash of a number that holds for this run of the program only (the product folded, as in wyhash).
func HashNumber(n uint64) uint64 {
	high, low := bits.Mul64(n^seed.number, seed.odd)
	return high ^ low
}
