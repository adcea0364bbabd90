package evtx

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// prober touches everything that a batch reaches, and keeps what was delivered.
type prober struct {
	tb    testing.TB
	lines []string
	rows  int
}

func (p *prober) Damage(d event.Damage) { p.lines = append(p.lines, d.String()) }

func (p *prober) Batch(b *event.Batch) error {
	if b.Rows != len(b.Time) || b.Rows != len(b.Offset) || b.Rows != len(b.Record) || b.Host == nil || len(b.Cols) != len(b.Schema.Fields) {
		p.tb.Fatal("batch of uneven length")
	}
	p.rows += b.Rows
	p.lines = append(p.lines, b.Schema.Source.String())
	var rec event.Record
	for row := range b.Rows {
		line := b.Host.Text(row)
		for i, c := range b.Cols {
			for _, code := range c.At(row) {
				if v, ok := code.Value(); ok {
					line = string(c.Dict.AppendText(append([]byte(line), b.Schema.Fields[i]...), v))
				}
			}
		}
		p.lines = append(p.lines, line)
		if err := b.Fetch(row, &rec); err != nil {
			p.tb.Fatal(err)
		}
		if len(line) > 64<<20 {
			p.tb.Fatal("a record has grown out of proportion")
		}
	}
	return nil
}

func fuzzSeeds(f *testing.F) {
	one := newBuilder()
	one.record(1, aTime, simple("1", "x"))
	f.Add(file(one.chunk())[:fileHeaderSize+len(one.b)])
	w := newBuilder()
	w.record(1, aTime, templated("x"))
	w.record(2, aTime, instance(8, element("Event", system("P", "C", "1", "H"), optional(0, typeXML)), value{typ: typeXML, fragment: instance(9,
		element("EventData", element("Data", attribute("Name", text("A")), slot(0))), value{typ: typeArray | typeString, raw: utf16le("a\x00b")})}))
	f.Add(file(w.chunk())[:fileHeaderSize+len(w.b)])
}

// FuzzFile reads whole files. Decoding must end, not panic, and give the same twice.
func FuzzFile(f *testing.F) {
	fuzzSeeds(f)
	format := New()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		hints := event.Hints{Slack: true, Host: "h"}
		needs := event.Everything()
		d := format.Decoder()
		var got [2][]string
		for i := range got {
			p := &prober{tb: t}
			if err := decodeAll(format, d, bytes.NewReader(data), hints, &needs, p); err != nil {
				t.Fatal(err)
			}
			got[i] = p.lines
		}
		if !slices.Equal(got[0], got[1]) {
			t.Fatal("differs the second time")
		}
	})
}

// TestMutations breaks files in random places, always the same ones, and reads them.
func TestMutations(t *testing.T) {
	w := newBuilder()
	for i := range 20 {
		w.record(i+1, aTime, templated("live"))
	}
	inputs := [][]byte{threeChunks(), file(w.chunk())}
	if require.HasData(t) {
		files := sharedFiles(t, "evtx-attack")
		for i := 0; i < len(files); i += 20 {
			if data := require.Read(t, files[i]); len(data) < 1<<19 {
				inputs = append(inputs, data)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	format := New()
	d := format.Decoder()
	needs := event.Everything()
	rounds := 60
	if testing.Short() {
		rounds = 5
	}
	rows := 0
	for _, input := range inputs {
		for range rounds {
			data := slices.Clone(input)
			for range 1 + r.IntN(40) {
				at := r.IntN(len(data))
				if r.IntN(2) == 0 { // near the beginning of a chunk, where templates are
					at = fileHeaderSize + r.IntN(min(4096, len(data)-fileHeaderSize))
				}
				switch r.IntN(4) {
				case 0:
					data[at] ^= 1 << r.IntN(8)
				case 1:
					data[at] = byte(r.IntN(256))
				case 2:
					data[at] = []byte{0, 1, 0x0c, 0x0d, 0x0e, 0x21, 0x41, 0x81, 0xff}[r.IntN(9)]
				case 3:
					from := r.IntN(len(data))
					copy(data[at:], data[from:min(from+r.IntN(16), len(data))])
				}
			}
			if r.IntN(8) == 0 {
				data = data[:r.IntN(len(data))]
			}
			hints := event.Hints{Slack: r.IntN(2) == 0}
			p, q := &prober{tb: t}, &prober{tb: t}
			if err := decodeAll(format, d, bytes.NewReader(data), hints, &needs, p); err != nil {
				t.Fatal(err)
			}
			fresh := format.Decoder()
			if err := decodeAll(format, fresh, bytes.NewReader(data), hints, &needs, q); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(p.lines, q.lines) {
				t.Fatal("what was decoded before makes a difference")
			}
			rows += p.rows
		}
	}
	t.Logf("%d rows of broken files", rows)
}

// FuzzBinaryXML reads one record of arbitrary binary XML in an intact chunk. What both the decoder and the reference accept,
// they read alike.
func FuzzBinaryXML(f *testing.F) {
	for _, body := range []xml{simple("1", "x"), templated("x"), instance(3, element("Event", system("P", "C", "1", "H"),
		element("EventData", element("Data", attribute("Name", slot(0)), text("<"), slot(1), entity("lt"), charRef(65), cdata("x"))),
		element("UserData", optional(2, typeXML))),
		value{typ: typeString, raw: utf16le("N")}, value{typ: typeArray | typeUint32, raw: le([]uint32{1, 2})},
		value{typ: typeXML, fragment: templated("y")})} {
		w := newBuilder()
		at := w.record(1, aTime, body)
		f.Add(w.b[at+recordHeaderSize : len(w.b)-4])
	}
	format := New()
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > chunkSize-chunkHeaderSize-smallestRecord {
			return
		}
		w := newBuilder()
		for i := range 2 { // the second time with a template that is known
			w.record(i+1, aTime, func(w *builder, _ bool) {
				w.b = w.b[:len(w.b)-4]
				w.u8(body...)
			})
			if len(w.b)+len(body)+100 > chunkSize {
				break
			}
		}
		chunk := w.chunk()
		put32(chunk, 52, crc32.ChecksumIEEE(chunk[chunkHeaderSize:len(w.b)]))
		data := file(chunk)
		needs := event.Everything()
		p := &prober{tb: t}
		d := format.Decoder()
		if err := decodeAll(format, d, bytes.NewReader(data), event.Hints{}, &needs, p); err != nil {
			t.Fatal(err)
		}
		c := newChecker(t, "fuzz", data)
		c.lenient = true
		if err := decodeAll(format, d, bytes.NewReader(data), event.Hints{}, &needs, c); err != nil {
			t.Fatal(err)
		}
	})
}
