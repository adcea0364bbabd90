package sweep_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/match/ioc"
)

// scanned is a sink that scans batches and keeps what was found, and where.
type scanned struct {
	scanner event.Scanner
	rows    int
	found   []string
}

func (s *scanned) Damage(event.Damage) {}
func (s *scanned) Batch(b *event.Batch) error {
	s.rows += b.Rows
	return s.scanner.Scan(b, func(row int, rule event.RuleIndex) {
		s.found = append(s.found, fmt.Sprint(b.Schema.Source, b.Offset[row], b.Record[row], b.Time[row], rule, s.scanner.Explain(b, row, rule)))
	})
}

// scan reads a text with a format and scans what the needs make of it.
func scan(t *testing.T, f event.Format, set *ioc.Set, needs event.Needs, text []byte) *scanned {
	t.Helper()
	out := &scanned{scanner: set.Scanner()}
	s, err := f.Open(event.File{Name: "x.log", Size: int64(len(text)), Body: bytes.NewReader(text)})
	if err != nil {
		return out
	}
	d := f.Decoder()
	for {
		seg, err := s.Next(context.Background())
		if err != nil {
			slices.Sort(out.found) // sources in turn may be parted into other batches
			return out
		}
		if err := d.Decode(seg, &needs, out); err != nil {
			t.Fatal(err)
		}
		seg.Release()
	}
}

// FuzzSiftedText reads text with each text format, sifted and not, and wants the same rows found for the same reasons.
func FuzzSiftedText(f *testing.F) {
	c := &ioc.Collection{}
	c.Read("list.txt", []byte(siftedIndicators))
	c.Read("patterns.json", []byte(siftedPatterns))
	tokens := &ioc.Collection{} // of these alone, segments are surveyed
	tokens.Read("list.txt", []byte(siftedTokens))
	sets := []*ioc.Set{ioc.Compile(c, ioc.Options{}), ioc.Compile(tokens, ioc.Options{})}
	formats := map[string]event.Format{}
	var names []string
	for _, f := range evidence.Formats() {
		if strings.HasPrefix(f.Name(), "evtx") {
			continue
		}
		formats[f.Name()] = f
		names = append(names, f.Name())
	}
	r := rand.New(rand.NewPCG(5, 5))
	for name, line := range siftedLogs(r) {
		var text strings.Builder
		for i := range 6 {
			text.WriteString(line(i))
		}
		for i, format := range names {
			if name == "http.log" == (format == "zeek-tsv") && strings.HasSuffix(name, ".json") == (format == "json") {
				f.Add(uint8(i), []byte(text.String()))
			}
		}
	}
	f.Fuzz(func(t *testing.T, format uint8, text []byte) {
		if len(text) > 1<<14 {
			return
		}
		of := formats[names[int(format)%len(names)]]
		for _, set := range sets {
			want := scan(t, of, set, event.Everything(), text)
			got := scan(t, of, set, set.Needs(), text)
			if got.rows != want.rows || !slices.Equal(got.found, want.found) {
				t.Errorf("%s: %d rows, sifted %d\nfound  %q\nsifted %q", of.Name(), want.rows, got.rows, want.found, got.found)
			}
		}
	})
}
