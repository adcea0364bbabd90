package jsonlog

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// checkCanonical holds the quick answer against the conversion.
func checkCanonical(t *testing.T, raw string) (quick bool) {
	t.Helper()
	got, quick := canonical([]byte(raw))
	if text, _ := number([]byte(raw), nil); quick && string(text) != string(got) {
		t.Errorf("%s is quickly given as %s, and else as %s", raw, got, text)
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
	if quick < 14_000 {
		t.Errorf("only %d of 20,000 numbers are answered quickly", quick)
	}
	for _, raw := range []string{"-0", "0", "0.0", "-0.0", "60.0", "0.00000000", "100", "1.0000000000000000000", "12345678901234567890123456.5", "0.00000010", "-0.5", "1.50", "0.000001", "0.0000001", "1e3", "12345678901234567890", "-12345678901234567890.5", "9007199254740993.5", "1521911721.255387", "4503599627370495.5", "0.1234567890123456"} {
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
