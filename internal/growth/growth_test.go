package growth

import (
	"strings"
	"testing"
)

// failures counts what would fail a test.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Helper()               {}
func (f *failures) Errorf(string, ...any) { f.n++ }

var sink int

// TestLinearTellsSquares holds work that grows with its input, and work that grows with its square.
func TestLinearTellsSquares(t *testing.T) {
	linear, square := failures{TB: t}, failures{TB: t}
	text := strings.Repeat("x", 1<<14)
	Linear(&linear, "bytes", len(text), func(n int) func() {
		return func() {
			for range n / 16 {
				sink += strings.Count(text, "y")
			}
		}
	})
	Linear(&square, "bytes of bytes", len(text)/2, func(n int) func() {
		return func() {
			for i := range n {
				for _, c := range text[:n] {
					sink += int(c) ^ i
				}
			}
		}
	})
	if linear.n != 0 || square.n != 1 {
		t.Errorf("linear work fails %d times, squares %d times", linear.n, square.n)
	}
}

func TestAtMostTellsWhatCostsMore(t *testing.T) {
	work := func(n int) func() {
		return func() {
			for i := range n << 19 {
				sink += i ^ n
			}
		}
	}
	same, more := failures{TB: t}, failures{TB: t}
	AtMost(&same, "the same", 3, work(4), work(4))
	AtMost(&more, "eight times as much", 3, work(4), work(32))
	if same.n != 0 || more.n != 1 {
		t.Errorf("the same fails %d times, more %d times", same.n, more.n)
	}
}
