package jsonlog

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// checkCanonical holds the quick answer against the conversion.
func checkCanonical(t *testing.T, raw string) (quick bool) {
	t.Helper()
	quick = canonical([]byte(raw))
	if text, _ := number([]byte(raw), nil); quick && string(text) != raw {
		t.Errorf("%s is taken as canonical, and is given as %s", raw, text)
	}
	return quick
}

func TestCanonicalNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	quick := 0
	for range 20_000 {
		raw := fmt.Sprintf("%.*f", r.IntN(9), r.NormFloat64()*[]float64{1e-5, 1, 1e4, 1e9, 1e15}[r.IntN(5)])
		if checkCanonical(t, raw) {
			quick++
		}
	}
	if quick < 8_000 {
		t.Errorf("only %d of 20,000 numbers are answered quickly", quick)
	}
	for _, raw := range []string{"-0", "0", "0.0", "-0.5", "1.50", "0.000001", "0.0000001", "1e3", "12345678901234567890", "-12345678901234567890.5", "9007199254740993.5", "1521911721.255387", "4503599627370495.5", "0.1234567890123456"} {
		checkCanonical(t, raw)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"1521911721.255387", "0.000001", "-0.5", "1e5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if isNumber([]byte(raw)) {
			checkCanonical(t, raw)
		}
	})
}
