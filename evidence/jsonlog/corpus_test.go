package jsonlog

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// open opens a file, unpacking gzip.
func open(t testing.TB, path string) io.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if !strings.HasSuffix(path, ".gz") {
		return f
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func jsonFiles(t testing.TB, under string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(require.Data(t, under), func(path string, e fs.DirEntry, err error) error {
		if name := strings.TrimSuffix(path, ".gz"); err == nil && !e.IsDir() && strings.HasSuffix(name, ".json") {
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("%d files, %v", len(out), err)
	}
	return out
}

// gather is a sink that looks at each batch.
type gather struct {
	look    func(*event.Batch) error
	rows    int
	damage  []event.Damage
	sources map[event.Source]int
}

func (g *gather) Batch(b *event.Batch) error {
	g.rows += b.Rows
	if g.sources == nil {
		g.sources = map[event.Source]int{}
	}
	g.sources[b.Schema.Source] += b.Rows
	if g.look != nil {
		return g.look(b)
	}
	return nil
}

func (g *gather) Damage(d event.Damage) { g.damage = append(g.damage, d) }

// read reads a whole file.
func read(f event.File, needs event.Needs, g *gather) error {
	if l, ok := f.Body.(interface{ Len() int }); ok {
		f.Size = int64(l.Len())
	}
	s, err := Format{}.Open(f)
	if err != nil {
		return err
	}
	d := Format{}.Decoder()
	for {
		seg, err := s.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := d.Decode(seg, &needs, g); err != nil {
			return err
		}
		seg.Release()
	}
}

// TestCorpusCounts holds the number of rows of every JSON file against encoding/json's, and looks at what every Windows
// event must have.
func TestCorpusCounts(t *testing.T) {
	files := append(jsonFiles(t, "winlog-json"), jsonFiles(t, "sigma/regression_data")...)
	if testing.Short() {
		files = files[len(files)-50:]
	}
	events := 0
	for _, path := range files {
		want := 0
		most := 6 << 20 // several segments; whole lines, if it is cut
		if os.Getenv("CONTRAIL_WHOLE") != "" {
			most = math.MaxInt
		}
		text, err := io.ReadAll(io.LimitReader(open(t, path), int64(most)))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) == most {
			text = text[:bytes.LastIndexByte(text, '\n')+1]
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		for {
			var raw json.RawMessage
			if err := dec.Decode(&raw); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			want++
		}
		if c := (Format{}).Recognise(text[:min(len(text), 64<<10)], path); c < event.Likely {
			t.Errorf("%s: recognised as %d", path, c)
		}
		timeless, hostless, channelless := 0, 0, 0
		g := &gather{look: func(b *event.Batch) error {
			for row := range b.Rows {
				if b.Time[row] == event.NoTime {
					timeless++
				}
				if b.Schema.Source.Product == event.ProductWindows {
					if b.Host.Text(row) == "" {
						hostless++
					}
					if b.Schema.Source.Channel == "" || b.Schema.Source.ID == 0 {
						channelless++
					}
				}
			}
			return nil
		}}
		if err := read(event.File{Name: path, Body: bytes.NewReader(text)}, event.Always(func(event.Source) event.Want { return event.Want{} }), g); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if g.rows != want || len(g.damage) > 0 {
			t.Errorf("%s: %d rows, want %d; damage %v", path, g.rows, want, g.damage)
		}
		if timeless+hostless+channelless > 0 {
			t.Errorf("%s: of %d events %d have no time, %d no host, %d no channel or id", path, want, timeless, hostless, channelless)
		}
		for s := range g.sources {
			if s.Service == "json" && !strings.HasSuffix(path, "/GoldenSAMLADFSMailAccess/WindowsEvents.json") { // one event there names no channel
				t.Errorf("%s: not known: %v", path, s)
			}
		}
		events += g.rows
	}
	t.Logf("%d files, %d events", len(files), events)
}

// TestZeekCounts counts the rows of two kinds of log in the Zeek JSON of the real data.
func TestZeekCounts(t *testing.T) {
	require.Time(t, "reads a hundred thousand rows of Zeek, in one goroutine")
	got := map[string]int{}
	for _, path := range jsonFiles(t, "zeek/wrccdc-2018/zeek-json") {
		g := &gather{}
		if err := read(event.File{Name: "x", Body: open(t, path)}, event.Always(func(event.Source) event.Want { return event.Want{} }), g); err != nil || len(g.damage) > 0 {
			t.Fatalf("%s: %v %v", path, err, g.damage)
		}
		for s, n := range g.sources {
			if s.Product != "zeek" || !zeekLogs[s.Service] {
				t.Errorf("%s: %d rows of %v", path, n, s)
			}
			got[s.Service] += n
		}
	}
	if got["dns"] != 53615 || got["ssl"] != 49474 {
		t.Errorf("counts %v", got)
	}
}
