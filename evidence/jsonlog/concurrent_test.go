package jsonlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// TestBatchesDependOnTheSegmentAlone decodes segments with one decoder in order, and each with a decoder of its own on its
// own goroutine: the batches are the same, columns and all.
func TestBatchesDependOnTheSegmentAlone(t *testing.T) {
	var text strings.Builder
	for i := 0; text.Len() < 3*segmentSize; i++ {
		fmt.Fprintf(&text, `{"Channel":"Security","EventID":%d,"Hostname":"h%d","TimeCreated":"2024-03-05T09:15:22Z","field%d":"%d","Keywords":"0x8020000000000000"}`+"\n",
			4600+i%7, i%3, i/20000*10+i%10, i)
	}
	needs := event.Everything()
	segments := func() (out []*event.Segment) {
		s, err := Format{}.Open(event.File{Name: "x", Body: strings.NewReader(text.String())})
		if err != nil {
			t.Fatal(err)
		}
		for {
			seg, err := s.Next(context.Background())
			if errors.Is(err, io.EOF) {
				return out
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, seg)
		}
	}()
	if len(segments) < 3 {
		t.Fatalf("%d segments", len(segments))
	}
	decode := func(d event.Decoder, seg *event.Segment) string {
		var out strings.Builder
		g := &gather{look: func(b *event.Batch) error {
			fmt.Fprintf(&out, "%v %v %d %v\n", b.Schema.Source, b.Schema.Fields, b.Rows, b.Record[:1])
			for _, c := range b.Cols {
				fmt.Fprintf(&out, "%d %d %s\n", c.Dict.Len(), c.Codes[len(c.Codes)-1], c.Text(b.Rows-1))
			}
			return nil
		}}
		if err := d.Decode(seg, &needs, g); err != nil {
			t.Error(err)
		}
		return out.String()
	}
	alone := make([]string, len(segments))
	var wait sync.WaitGroup
	for i, seg := range segments {
		wait.Go(func() { alone[i] = decode(Format{}.Decoder(), seg) })
	}
	wait.Wait()
	one := Format{}.Decoder()
	for i, seg := range segments {
		if got := decode(one, seg); got != alone[i] {
			t.Errorf("segment %d differs", i)
		}
		seg.Release()
	}
}
