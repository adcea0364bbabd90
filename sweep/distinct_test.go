package sweep

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/match/sigma"
)

func TestSketchCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var s sketch
	different := map[uint64]bool{}
	for n := range 300_000 {
		h := rng.Uint64()
		if n%3 == 0 && len(s.least) > 0 {
			h = s.least[rng.IntN(len(s.least))] // seen before
		}
		s.add(h)
		different[h] = true
		if want := float64(len(different)); n < 4000 && float64(s.count()) != want || float64(s.count()) < 0.93*want || float64(s.count()) > 1.07*want {
			t.Fatalf("%d different are counted as %d", len(different), s.count())
		}
	}
}

func TestCountDistinct(t *testing.T) {
	engine, rejected := match.Sigma(sigma.Parse("x.yml", []byte("title: t\nlogsource: {product: windows, service: security}\ndetection: {s: {EventID: 1, A: x, B: y}, condition: s}\n")), match.Selection{})
	if len(rejected) > 0 {
		t.Fatal(rejected)
	}
	dir := t.TempDir()
	line := `{"@timestamp":"2020-01-01T00:00:00Z","Channel":"Security","EventID":1,"SourceName":"p","Computer":"h","A":"same","B":"NEW","C":"not asked for"}` + "\n"
	var all strings.Builder
	for _, v := range []string{"1", "2", "3", "3"} {
		all.WriteString(strings.Replace(line, "NEW", v, 1))
	}
	for _, name := range []string{"a.json", "b.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(all.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	q := Question{Roots: []evidence.Root{{Org: "o", Path: dir}}, Formats: evidence.Formats(), Rules: match.New([]match.Engine{engine})}
	d, err := CountDistinct(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	if d != (Distinct{Cells: 16, Batch: 8, Values: 4}) {
		t.Errorf("%+v", d)
	}
}
