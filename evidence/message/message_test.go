package message

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/lines"
)

func indented(line []byte) bool { return len(line) == 0 || line[0] != ' ' }

// TestSegmentsAreWholeRecords cuts a large file and compares with splitting it at once.
func TestSegmentsAreWholeRecords(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var file bytes.Buffer
	var want []string
	for i := range 120_000 {
		record := fmt.Sprintf("%d %s\n", i, strings.Repeat("x", random.IntN(80)))
		for range random.IntN(3) {
			record += " more\n"
		}
		file.WriteString(record)
		want = append(want, strings.TrimSuffix(record, "\n"))
	}
	s, err := Open(event.File{Body: &file}, Cut{Last: LastRecord(indented)})
	if err != nil {
		t.Fatal(err)
	}
	d := &Decoder{Begins: indented}
	n, offset, line := 0, uint64(0), uint64(1)
	d.Read = func(_ *Rows, r Record) {
		if string(r.Text) != want[n] || r.Offset != offset || r.Number != line {
			t.Fatalf("record %d: %q at %d, line %d; want %q at %d, line %d", n, r.Text, r.Offset, r.Number, want[n], offset, line)
		}
		offset += uint64(len(want[n])) + 1
		line += uint64(strings.Count(want[n], "\n")) + 1
		n++
	}
	segments := 0
	for {
		seg, err := s.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		segments++
		needs := event.Everything()
		if err := d.Decode(seg, &needs, none{}); err != nil {
			t.Fatal(err)
		}
		seg.Release()
	}
	if n != len(want) || segments < 3 {
		t.Errorf("%d records of %d in %d segments", n, len(want), segments)
	}
}

type none struct{}

func (none) Batch(*event.Batch) error { return nil }
func (none) Damage(event.Damage)      {}

func TestAFailureIsToldAfterWhatWasRead(t *testing.T) {
	broken := errors.New("disk")
	body := io.MultiReader(strings.NewReader(strings.Repeat("a\n b\n", 300_000)), failing{broken})
	for _, ahead := range []int{0, 8 << 20} {
		s, err := Open(event.File{Body: body}, Cut{Last: LastRecord(indented), Ahead: ahead, Known: func([][]byte, bool, *event.File) any { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for {
			seg, err := s.Next(context.Background())
			if err != nil {
				if !errors.Is(err, broken) {
					t.Errorf("%v", err)
				}
				break
			}
			n += len(seg.Data)
		}
		if n < 600_000 {
			t.Errorf("%d bytes before the failure", n)
		}
		body = io.MultiReader(strings.NewReader(strings.Repeat("a\n b\n", 300_000)), failing{broken})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestFieldNamesAreBounded(t *testing.T) {
	d := &Decoder{Read: func(rows *Rows, r Record) {
		if rows.Row(event.Source{Product: "p"}, event.NoTime, r.Offset, r.Number, nil) {
			for _, w := range bytes.Fields(r.Text) {
				rows.AddNamed(w, []byte("v\xff"))
			}
		}
	}}
	var text strings.Builder
	for i := range 3 * maxFields {
		fmt.Fprintf(&text, "f%d ", i)
	}
	text.WriteString("\nf1\n")
	out := &counting{}
	needs := event.Everything()
	f := &event.File{}
	if err := d.Decode(&event.Segment{Data: []byte(text.String()), File: f}, &needs, out); err != nil {
		t.Fatal(err)
	}
	if out.fields != maxFields || len(out.damage) != 1 || out.fetched != 3*maxFields {
		t.Errorf("%d fields, %d fetched, %v", out.fields, out.fetched, out.damage)
	}
}

type counting struct {
	fields, fetched int
	damage          []event.Damage
}

func (c *counting) Damage(d event.Damage) { c.damage = append(c.damage, d) }
func (c *counting) Batch(b *event.Batch) error {
	c.fields = len(b.Schema.Fields)
	var rec event.Record
	err := b.Fetch(0, &rec)
	c.fetched = len(rec.Fields)
	return err
}

func TestQuotedRecords(t *testing.T) {
	var got []string
	d := &Decoder{Quoted: true, Read: func(_ *Rows, r Record) { got = append(got, fmt.Sprintf("%q#%d", r.Text, r.Number)) }}
	s, err := lines.Open(event.File{Body: strings.NewReader("a,\"b\nc\"\nd\n\"e\n")}, lines.Options{Quoted: true})
	if err != nil {
		t.Fatal(err)
	}
	for seg, err := s.Next(context.Background()); err == nil; seg, err = s.Next(context.Background()) {
		needs := event.Everything()
		if err := d.Decode(seg, &needs, none{}); err != nil {
			t.Fatal(err)
		}
	}
	if g := strings.Join(got, " "); g != `"a,\"b\nc\""#1 "d"#3 "\"e"#4` {
		t.Errorf("%s", g)
	}
}
