package exposure

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

type falseHit struct {
	File  string
	Kind  string
	Found uint64
	At    []int64 `json:",omitempty"`
}

// Logs and rules hold no bookings: whatever is found there is a false hit, or a number that somebody put
// there as an example. Each is listed; there are fewer than five in 100 MB.
// Of a large file the beginning is read, for it goes on as it began; all of it with CONTRAIL_WHOLE set.
func TestFalseHits(t *testing.T) {
	var bytes int64
	hits := []falseHit{}
	total := uint64(0)
	dirs := []string{"sigma", "weblogs", "winlog-json", "zeek"}
	if testing.Short() {
		dirs = dirs[:1]
	}
	limit := int64(4 << 20)
	if os.Getenv("CONTRAIL_WHOLE") != "" {
		limit = math.MaxInt64
	}
	for _, dir := range dirs {
		root := require.Data(t, dir)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			var in io.Reader = f
			if strings.HasSuffix(path, ".gz") {
				z, err := gzip.NewReader(f)
				if err != nil {
					return err
				}
				in = z
			}
			rel := dir + strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(root))
			places := map[string][]int64{}
			c, err := New(Options{Key: testKey, OnHit: func(_ Source, kind string, at int64) {
				if len(places[kind]) < 5 {
					places[kind] = append(places[kind], at)
				}
			}})
			if err != nil {
				return err
			}
			report, err := c.Add(context.Background(), Source{"x", rel, Accessible}, io.LimitReader(in, limit))
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // one file is a damaged archive on purpose
				return fmt.Errorf("%s: %w", rel, err)
			}
			bytes += report.Bytes
			for _, k := range c.Result().Orgs[0].Kinds {
				if k.Kind == "person" {
					continue // a person is a record that is counted already
				}
				hits = append(hits, falseHit{rel, k.Kind, k.Mentions, places[k.Kind]})
				total += k.Mentions
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(hits, func(a, b falseHit) int { return strings.Compare(a.File+a.Kind, b.File+b.Kind) })
	rate := float64(total) / (float64(bytes) / 100e6)
	t.Logf("%d false hits in %.1f MB: %.2f per 100 MB", total, float64(bytes)/1e6, rate)
	if rate >= 5 {
		t.Errorf("%.1f false hits per 100 MB: %v", rate, hits)
	}
	if !testing.Short() {
		golden(t, "testdata/falsehits.golden.json", hits)
	}
}
