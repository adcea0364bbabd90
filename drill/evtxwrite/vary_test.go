package evtxwrite_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/contrail-ir/contrail/drill/evtxwrite"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/evtx"
	"github.com/contrail-ir/contrail/internal/require"
)

// texts reads a log and counts its text values of 16 characters and more outside of System, by field; and its damage.
type texts struct {
	rows, damage int
	values       map[string]int
	source       map[event.Source]int
}

func (x *texts) Damage(event.Damage) { x.damage++ }

func (x *texts) Batch(b *event.Batch) error {
	x.rows += b.Rows
	x.source[b.Schema.Source] += b.Rows
	for i, c := range b.Cols {
		for row := range b.Rows {
			for _, code := range c.At(row) {
				if v, ok := code.Value(); ok && c.Dict.Kind == event.Text && len(c.Dict.Raw(v)) >= 16 {
					x.values[b.Schema.Fields[i]+"="+string(c.Dict.Raw(v))]++
				}
			}
		}
	}
	return nil
}

func read(t *testing.T, log []byte) *texts {
	t.Helper()
	f := evtx.New()
	s, err := f.Open(event.File{Name: "log", Body: bytes.NewReader(log)})
	if err != nil {
		t.Fatal(err)
	}
	d, x, needs := f.Decoder(), &texts{values: map[string]int{}, source: map[event.Source]int{}}, event.Everything()
	for {
		seg, err := s.Next(context.Background())
		if err == io.EOF {
			return x
		}
		if err == nil {
			err = d.Decode(seg, &needs, x)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestVaryMakesAShareOfTheValuesNew(t *testing.T) {
	logs := require.Files(t, "evtx-attack/*/*/*.evtx")
	made := uint64(0)
	for _, path := range logs[:min(len(logs), 12)] {
		log, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before := read(t, log)
		for _, share := range []float64{0, 0.25, 1} {
			v := evtxwrite.Vary{Share: share}
			var out bytes.Buffer
			if err := v.Copy(&out, bytes.NewReader(log)); err != nil {
				t.Fatal(err)
			}
			if share == 0 {
				if !bytes.Equal(out.Bytes(), log) {
					t.Errorf("%s: nothing was to change", path)
				}
				continue
			}
			after := read(t, out.Bytes())
			if after.rows != before.rows || after.damage != before.damage || fmt.Sprint(after.source) != fmt.Sprint(before.source) {
				t.Errorf("%s: %d rows, %d damaged, %v; before %d, %d, %v", path, after.rows, after.damage, after.source, before.rows, before.damage, before.source)
			}
			if want := float64(v.Values) * share; float64(v.Made) < want-1 || float64(v.Made) > want+1 {
				t.Errorf("%s: %d of %d values were made new, want %g", path, v.Made, v.Values, want)
			}
			unknown := uint64(0)
			for value, n := range after.values {
				if before.values[value] == 0 {
					unknown += uint64(n)
					if n > 1 {
						t.Errorf("%s: %q was made %d times", path, value, n)
					}
				}
			}
			if unknown > v.Made || unknown < v.Made*9/10 { // what a template does not show is not read
				t.Errorf("%s: %d values are new, %d were made", path, unknown, v.Made)
			}
			made += v.Made
		}
	}
	if made < 1000 {
		t.Errorf("only %d values were made new: the test shows little", made)
	}
}

func TestVaryBearsWhatIsNoLog(t *testing.T) {
	for _, log := range [][]byte{nil, make([]byte, 100), make([]byte, 4096+2*65536+17), bytes.Repeat([]byte("ElfChnk\x00"), 20000)} {
		v := evtxwrite.Vary{Share: 1}
		var out bytes.Buffer
		if err := v.Copy(&out, bytes.NewReader(log)); err != nil || !bytes.Equal(out.Bytes(), log) {
			t.Errorf("%d bytes: %v, %d bytes", len(log), err, out.Len())
		}
	}
}
