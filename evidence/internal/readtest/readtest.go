// Package readtest reads a file with a format for the tests of readers, and checks on the way what holds for every reader: an
// event that is fetched has the values of its columns.
package readtest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// Row is one delivered event.
type Row struct {
	Source         event.Source
	Time           int64
	Host           string
	Offset, Record uint64
	Fields         map[string][]string
}

// Get gives the first value of a field.
func (r *Row) Get(field string) string {
	if v := r.Fields[field]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Result is what a file gave.
type Result struct {
	Rows   []Row // in the order of delivery
	Damage []event.Damage
}

type sink struct {
	t    testing.TB
	need event.Needs
	Result
}

func (s *sink) Damage(d event.Damage) { s.Result.Damage = append(s.Result.Damage, d) }

func (s *sink) Batch(b *event.Batch) error {
	for row := range b.Rows {
		fields := map[string][]string{}
		for i, name := range b.Schema.Fields {
			for _, code := range b.Cols[i].At(row) {
				if v, ok := code.Value(); ok {
					fields[name] = append(fields[name], string(b.Cols[i].Dict.AppendText(nil, v)))
				}
			}
		}
		var rec event.Record
		if err := b.Fetch(row, &rec); err != nil {
			s.t.Fatal(err)
		}
		fetched := map[string][]string{}
		for _, f := range rec.Fields {
			fetched[f.Name] = append(fetched[f.Name], f.Text)
		}
		for name, v := range fields {
			if !slices.Equal(fetched[name], v) {
				s.t.Fatalf("row at offset %d: column %s is %q, fetched is %q", b.Offset[row], name, v, fetched[name])
			}
		}
		if s.need.Of(b.Schema.Source).All && len(fetched) != len(fields) {
			s.t.Fatalf("row at offset %d: %d columns, %d fetched: %v %v", b.Offset[row], len(fields), len(fetched), fields, fetched)
		}
		s.Rows = append(s.Rows, Row{b.Schema.Source, b.Time[row], b.Host.Text(row), b.Offset[row], b.Record[row], fields})
	}
	return nil
}

// Read reads all of a file. Body is set from data.
func Read(t testing.TB, format event.Format, data []byte, f event.File, needs event.Needs) Result {
	t.Helper()
	f.Body, f.Size = bytes.NewReader(data), int64(len(data))
	st, err := format.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	d, out := format.Decoder(), &sink{t: t, need: needs}
	for {
		seg, err := st.Next(context.Background())
		if err == io.EOF {
			return out.Result
		}
		if err != nil {
			t.Fatal(err)
		}
		out.Result.Damage = append(out.Result.Damage, seg.Damage...)
		if err := d.Decode(seg, &needs, out); err != nil {
			t.Fatal(err)
		}
		seg.Release()
	}
}

// InOrder sorts the rows by their place in the file.
func (r *Result) InOrder() []Row {
	slices.SortStableFunc(r.Rows, func(a, b Row) int {
		switch {
		case a.Offset < b.Offset:
			return -1
		case a.Offset > b.Offset:
			return 1
		}
		return 0
	})
	return r.Rows
}

type nowhere struct{}

func (nowhere) Batch(*event.Batch) error { return nil }
func (nowhere) Damage(event.Damage)      {}

// Bench measures how fast a format reads data, which is repeated to some megabytes.
func Bench(b *testing.B, format event.Format, data []byte, f event.File, needs event.Needs) {
	data = bytes.Repeat(data, 1+(8<<20)/len(data))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	d := format.Decoder()
	for b.Loop() {
		f.Body = bytes.NewReader(data)
		st, err := format.Open(f)
		if err != nil {
			b.Fatal(err)
		}
		for {
			seg, err := st.Next(context.Background())
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if err := d.Decode(seg, &needs, nowhere{}); err != nil {
				b.Fatal(err)
			}
			seg.Release()
		}
	}
}
