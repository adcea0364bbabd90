package sigma

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// remember looks for a value as a scanner does, and keeps it when it was met before.
func remember(m *memory, field uint32, text []byte, rules []uint32) *remembered {
	hash := hashOf(field, text)
	e := m.find(field, text, hash)
	if e == nil && m.again(hash) {
		m.add(field, text, hash, m.fresh(1), rules, 0)
	}
	return e
}

// TestMemoryKnowsWhatItWasTold compares with a map: what is found is what was kept for that very value and field, and its number
// stands for no other, through growing, filling up and giving up.
func TestMemoryKnowsWhatItWasTold(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	m := newMemory()
	numbers := map[uint64]string{}
	rulesOf := func(field uint32, n int) []uint32 { return []uint32{field, uint32(n), uint32(n >> 3)} }
	found, forgotten := 0, 0
	range1, range2 := 50_000, 400_000 // values that come again; then so many that nothing does
	for i := range 600_000 {
		n, field := rng.IntN(range1), uint32(rng.IntN(2))
		if i > 300_000 {
			n = range1 + rng.IntN(range2)
		}
		text := fmt.Appendf(nil, "value %d", n)
		switch n % 50 {
		case 0: // known by its digest
			text = append(text, strings.Repeat("x", digestFrom)...)
		case 1: // one byte less is kept whole
			text = append(text, strings.Repeat("x", digestFrom-1-len(text))...)
		}
		before := m.used
		e := remember(&m, field, text, rulesOf(field, n))
		if m.used < before {
			forgotten++
		}
		if e == nil {
			continue
		}
		found++
		if !slices.Equal(m.witnessed(e), rulesOf(field, n)) {
			t.Fatalf("value %d of field %d has the rules %v", n, field, m.witnessed(e))
		}
		key := fmt.Sprint(field, " ", n)
		if known := numbers[e.value]; known != "" && known != key {
			t.Fatalf("the number %d stands for %s and for %s", e.value, known, key)
		}
		numbers[e.value] = key
		if len(m.text) > mostText || len(m.rules) > mostRules || len(m.entries) > mostRemembered {
			t.Fatalf("%d bytes, %d rules, %d places: more than the bounds", len(m.text), len(m.rules), len(m.entries))
		}
	}
	if found < 50_000 || !m.full && forgotten == 0 {
		t.Errorf("%d values found, given up %d times: too little to tell", found, forgotten)
	}
}

// TestMemoryIsNotFooledByItsHash puts values under the hash of others.
func TestMemoryIsNotFooledByItsHash(t *testing.T) {
	m := newMemory()
	long := bytes.Repeat([]byte("a"), 2*digestFrom)
	other := append(bytes.Clone(long[:len(long)-1]), 'b')
	for _, pair := range [][2][]byte{{[]byte("good"), []byte("evil")}, {long, other}} {
		hash := hashOf(1, pair[0])
		m.add(1, pair[0], hash, m.fresh(1), nil, 0)
		if m.find(1, pair[1], hash) != nil {
			t.Errorf("%.10q… is taken for another of the same hash and length", pair[1])
		}
		if m.find(2, pair[0], hash) != nil {
			t.Error("a value of one field is taken for that of another")
		}
		if m.find(1, pair[0], hash) == nil {
			t.Error("a value is not known again")
		}
	}
}

// TestValuesThatNeverComeAgainAreNotLookedFor counts what new values cost: a look at one in seventeen, after the first.
func TestValuesThatNeverComeAgainAreNotLookedFor(t *testing.T) {
	var a attention
	looked := 0
	const batches, size = 20_000, 64
	for range batches {
		if a.awake(size) {
			looked += size
		}
	}
	if share := float64(looked) / (batches * size); share > 0.07 {
		t.Errorf("%.3f of values that never come again are looked for", share)
	}
	a = attention{}
	looked = 0
	for range batches {
		if a.awake(size) {
			looked += size
			a.known += size / 2
		}
	}
	if looked != batches*size {
		t.Error("values that come again are passed by")
	}
}

// TestKindsLeaveNothingOut renders values of every kind and looks for literals in them: a literal that is in a value must be
// possible in values of its kind.
func TestKindsLeaveNothingOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for kind := event.Text; kind <= event.Bytes; kind++ {
		if !everyKind.has(kind) {
			t.Fatalf("kind %d is not among all kinds", kind)
		}
		for range 3000 {
			d := event.Dict{Kind: kind}
			if kind.Numeric() {
				n := rng.Uint64() >> rng.IntN(64)
				if kind == event.Bool {
					n &= 1
				}
				d.Nums = []uint64{n}
			} else {
				sizes := []int{4, 7, 8, 12, 16, 28}
				raw := make([]byte, sizes[rng.IntN(len(sizes))])
				for i := range raw {
					raw[i] = byte(rng.Uint32())
				}
				if kind == event.SID && rng.IntN(2) == 0 && len(raw) >= 8 {
					raw[0], raw[1] = 1, byte((len(raw)-8)/4)
				}
				d.Bytes, d.Ends = raw, []uint32{uint32(len(raw))}
			}
			value := foldString(string(d.AppendText(nil, 0)))
			if value == "" {
				continue
			}
			from := rng.IntN(len(value))
			literal := value[from : from+1+rng.IntN(len(value)-from)]
			if !kindsWith(literal).has(kind) {
				t.Fatalf("%q of kind %d holds %q, which is said to be impossible", value, kind, literal)
			}
		}
	}
	if set := kindsWith("mimikatz"); set != 1<<event.Text {
		t.Errorf("mimikatz can be in %b", set)
	}
}
