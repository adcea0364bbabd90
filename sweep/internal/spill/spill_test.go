package spill

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

type numbers struct{}

func (numbers) Compare(a, b int) int            { return cmp.Compare(a, b) }
func (numbers) Append(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(n), 10) }
func (numbers) Decode(b []byte) (int, error)    { return strconv.Atoi(string(b)) }

func TestSortsBeyondTheBudget(t *testing.T) {
	for _, budget := range []int{1, 100, 5000, 1 << 20} { // from one run an addition, merged early, to none at all
		dir := t.TempDir()
		s := New(numbers{}, dir, budget)
		r := rand.New(rand.NewPCG(uint64(budget), 0))
		var want []int
		for range 200 {
			part := make([]int, r.IntN(50))
			for i := range part {
				part[i] = r.IntN(1000)
			}
			want = append(want, part...)
			if err := s.Add(part, 8*len(part)); err != nil {
				t.Fatal(err)
			}
			if files, _ := os.ReadDir(dir); len(files) > maxRuns {
				t.Fatalf("%d runs at a time", len(files))
			}
		}
		slices.Sort(want)
		var got []int
		if err := s.Each(func(n int) error { got = append(got, n); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("budget %d: %d items, want %d sorted ones", budget, len(got), len(want))
		}
		if files, _ := os.ReadDir(dir); len(files) > 0 {
			t.Errorf("%d runs are left behind", len(files))
		}
	}
}

func TestABrokenRunIsAnError(t *testing.T) {
	for name, content := range map[string]string{"cut off": "\x05123", "huge": "\xff\xff\xff\xff\xff\xff\x01", "not a number": "\x01x"} {
		dir := t.TempDir()
		s := New(numbers{}, dir, 1)
		if err := s.Add([]int{1}, 8); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.runs[0].path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Each(func(int) error { return nil }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTheCallersErrorStops(t *testing.T) {
	s := New(numbers{}, t.TempDir(), 1)
	_ = s.Add([]int{1, 2}, 8)
	stop := errors.New("stop")
	if err := s.Each(func(int) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
