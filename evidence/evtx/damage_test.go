package evtx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
)

// three chunks of ten records each, fields "c.r".
func threeChunks() []byte {
	var chunks [][]byte
	for c := range 3 {
		w := newBuilder()
		for r := range 10 {
			w.record(10*c+r+1, aTime, simple("1", fmt.Sprintf("%d.%d", c, r)))
		}
		chunks = append(chunks, w.chunk())
	}
	return file(chunks...)
}

// fields gives the values of F, in the order of delivery.
func (k *keeper) fields() []string {
	var out []string
	for _, l := range k.lines {
		for _, f := range strings.Split(l, "\n") {
			if v, ok := strings.CutPrefix(f, "F="); ok {
				out = append(out, v)
			}
		}
	}
	return out
}

const (
	chunk1 = fileHeaderSize + chunkSize
	chunk2 = fileHeaderSize + 2*chunkSize
)

// secondRecord gives the offset of the record after the first in the chunk at an offset.
func secondRecord(b []byte, chunk int) int {
	return chunk + chunkHeaderSize + int(le32(b[chunk+chunkHeaderSize+4:]))
}

func put32(b []byte, at int, v uint32) { copy(b[at:], le(v)) }

func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func(b []byte) []byte
		rows   int
		lost   []string // values not among the rows
		damage []string
	}{
		{"none", func(b []byte) []byte { return b }, 30, nil, nil},
		{"file header zeroed", func(b []byte) []byte { clear(b[:4096]); return b }, 30, nil, []string{"offset 0: no file header"}},
		{"file header missing", func(b []byte) []byte { return b[4096:] }, 30, nil, []string{"offset 0: no file header"}},
		{"file header shorter", func(b []byte) []byte { return append([]byte("garbage"), b[4096:]...) }, 30, nil, []string{"offset 0: no file header"}},
		{"file header checksum", func(b []byte) []byte { b[24] ^= 1; return b }, 30, nil, []string{"offset 0: file header does not match its checksum"}},
		{"empty", func(b []byte) []byte { return nil }, 0, nil, []string{"offset 0: no file header"}},
		{"only half a header", func(b []byte) []byte { return b[:2000] }, 0, nil, []string{"offset 0: file header of 2000 bytes is cut off"}},
		{"dirty with an old count", func(b []byte) []byte {
			b[42], b[120] = 1, 1
			put32(b, 124, crc32.ChecksumIEEE(b[:120]))
			return b
		}, 30, nil, nil},
		{"count that lies", func(b []byte) []byte {
			b[42] = 9
			put32(b, 124, crc32.ChecksumIEEE(b[:120]))
			return b
		}, 30, nil, []string{"offset 42: file header counts 9 chunks, the file holds 3"}},
		{"preallocated space", func(b []byte) []byte { return append(b, make([]byte, 5*chunkSize)...) }, 30, nil, nil},
		{"chunk header zeroed", func(b []byte) []byte { clear(b[chunk1 : chunk1+512]); return b }, 30, nil,
			[]string{"offset 69632: no chunk header in 65536 bytes", "offset 42: file header counts 3 chunks, the file holds 2"}},
		{"chunk header checksum", func(b []byte) []byte { b[chunk1+8] ^= 1; return b }, 30, nil,
			[]string{"offset 69632: chunk header does not match its checksum"}},
		{"end of records absurd", func(b []byte) []byte { put32(b, chunk1+48, 0xffffffff); return b }, 30, nil,
			[]string{"offset 69632: chunk header does not match its checksum", "offset 69680: chunk header says that the records end at 4294967295"}},
		{"bit flipped in a value", func(b []byte) []byte {
			at := bytes.Index(b[chunk1:], utf16le("1.5"))
			b[chunk1+at] = 'x'
			return b
		}, 30, []string{"1.5"}, []string{"offset 70144: the records of the chunk do not match their checksum"}},
		{"record size 0", func(b []byte) []byte { put32(b, secondRecord(b, chunk1)+4, 0); return b }, 29, []string{"1.1"},
			[]string{"do not match", "record says that it is 0 bytes long"}},
		{"record size absurd", func(b []byte) []byte { put32(b, secondRecord(b, chunk1)+4, 0x7fffffff); return b }, 29, []string{"1.1"},
			[]string{"do not match", "record says that it is 2147483647 bytes long"}},
		{"record magic gone", func(b []byte) []byte { b[secondRecord(b, chunk1)] = 0; return b }, 29, []string{"1.1"},
			[]string{"do not match", "no record where one should begin"}},
		{"trailing size wrong", func(b []byte) []byte { put32(b, secondRecord(b, chunk1)-4, 1); return b }, 30, nil,
			[]string{"do not match", "ends with another size"}},
		{"binary XML broken", func(b []byte) []byte { b[secondRecord(b, chunk1)+28] = 0x55; return b }, 29, []string{"1.1"},
			[]string{"do not match", "record does not decode: token 0x55"}},
		{"cut in the last chunk", func(b []byte) []byte { return b[:secondRecord(b, chunk2)+40] }, 21,
			[]string{"2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9"},
			[]string{"chunk is cut off", "bytes are left", "are left"}[:1]},
		{"bytes inserted between chunks", func(b []byte) []byte { return slices.Insert(b, chunk1, make([]byte, 100)...) }, 30, nil,
			[]string{"offset 69632: no chunk header; the next chunk begins 100 bytes on"}},
		{"bytes missing in a chunk", func(b []byte) []byte { return slices.Delete(b, chunk1+30000, chunk1+31000) }, 30, nil,
			[]string{"offset 134168: a chunk begins 64536 bytes into another"}},
		{"a chunk missing", func(b []byte) []byte { return slices.Delete(b, chunk1, chunk2) }, 20, nil,
			[]string{"file header counts 3 chunks, the file holds 2"}},
		{"not an EVTX file", func(b []byte) []byte { return bytes.Repeat([]byte("hello "), 50000) }, 0, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := c.breaks(threeChunks())
			var k keeper
			read(t, data, event.Hints{}, event.Everything(), &k)
			if len(k.lines) != c.rows {
				t.Errorf("%d rows, want %d", len(k.lines), c.rows)
			}
			got := k.fields()
			for _, l := range c.lost {
				if slices.Contains(got, l) {
					t.Errorf("%s is there", l)
				}
			}
			if c.rows == 0 && c.damage == nil {
				if len(k.damage) == 0 {
					t.Error("no damage")
				}
				return
			}
			for i, d := range c.damage {
				if i >= len(k.damage) || !strings.Contains(k.damage[i], d) {
					t.Errorf("damage %q, want %q", k.damage, c.damage)
					break
				}
			}
			if c.damage == nil && len(k.damage) > 0 {
				t.Errorf("damage %q", k.damage)
			}
			// The same in one byte a read, and with the decoder's memory of the other.
			var again keeper
			f := New()
			needs := event.Everything()
			d := f.Decoder()
			for range 2 {
				again = keeper{}
				if err := decodeAll(f, d, iotest.OneByteReader(bytes.NewReader(data)), event.Hints{}, &needs, &again); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(k.lines, again.lines) || !slices.Equal(k.damage, again.damage) {
				t.Error("differs when read in single bytes")
			}
		})
	}
}

func TestSlack(t *testing.T) {
	w := newBuilder()
	w.record(1, aTime, templated("live"))
	end := len(w.b)
	w.record(2, aTime, simple("1", "slack"))
	lost := w.record(3, aTime, templated("lost"))
	chunk := w.chunk()
	put32(chunk, 48, uint32(end))
	put32(chunk, 52, crc32.ChecksumIEEE(chunk[chunkHeaderSize:end]))
	put32(chunk, 124, headerChecksum(chunk))
	clear(chunk[end : end+4]) // the second record has lost its magic
	_ = lost
	data := file(chunk)
	var k keeper
	read(t, data, event.Hints{}, event.Everything(), &k)
	if got := k.fields(); !slices.Equal(got, []string{"live"}) || len(k.damage) > 0 {
		t.Errorf("%q, damage %q, want the live record", got, k.damage)
	}
	k = keeper{}
	read(t, data, event.Hints{Slack: true}, event.Everything(), &k)
	if got := k.fields(); !slices.Equal(got, []string{"live", "lost"}) || !slices.Equal(k.slack, []bool{false, true}) || len(k.damage) > 0 {
		t.Errorf("%q %v, damage %q, want the live and the lost record", got, k.slack, k.damage)
	}
}

func TestHints(t *testing.T) {
	w := newBuilder()
	w.record(1, aTime, simple("1", "a"))
	w.record(2, aTime, element("Event", system("P", "C", "1", "")))
	w.record(3, 0, element("Event", element("System", element("Provider", attribute("Name", text("P"))), element("EventID", text("2")))))
	w.record(4, aTime, element("Event", element("System", element("EventID", text("3")),
		element("TimeCreated", attribute("SystemTime", text("1500-01-01T00:00:00Z"))))))
	data := file(w.chunk())
	var k keeper
	read(t, data, event.Hints{Host: "hinted", Offset: time.Hour}, event.Everything(), &k)
	if !slices.Equal(k.hosts, []string{"H", "hinted", "hinted", "hinted"}) {
		t.Errorf("hosts %q", k.hosts)
	}
	at, _ := filetime(aTime)
	at += int64(time.Hour)
	if !slices.Equal(k.times, []int64{at, at, event.NoTime, at}) {
		t.Errorf("times %v, want %d", k.times, at)
	}
	if len(k.damage) != 1 || !strings.Contains(k.damage[0], "out of range") {
		t.Errorf("damage %q", k.damage)
	}
	// The bounds in time are exact, and hold after the offset.
	for _, c := range []struct {
		since, until int64
		rows         int
	}{{at, at + 1, 4}, {at + 1, at + 2, 1}, {at - 1, at, 1}} {
		k = keeper{}
		read(t, data, event.Hints{Offset: time.Hour}, event.Needs{Since: c.since, Until: c.until}, &k)
		if len(k.lines) != c.rows {
			t.Errorf("%d rows since %d until %d, want %d", len(k.lines), c.since-at, c.until-at, c.rows)
		}
	}
	k = keeper{}
	read(t, data, event.Hints{Offset: 1<<63 - 1}, event.Everything(), &k)
	for _, ns := range k.times {
		if ns != event.NoTime {
			t.Errorf("time %d after an overflow", ns)
		}
	}
}

// TestNeeds: what is not wanted costs a row and no column, and fields come by their names.
func TestNeeds(t *testing.T) {
	w := newBuilder()
	for i := range 10 {
		w.record(i+1, aTime, simple(fmt.Sprint(i%2), "a"))
	}
	data := file(w.chunk())
	asked := map[event.Source]int{}
	s := &shapes{}
	read(t, data, event.Hints{}, event.Always(func(s event.Source) event.Want {
		asked[s]++
		if s.ID == 0 {
			return event.Want{}
		}
		return event.Want{Fields: []string{"Channel", "F", "Missing"}}
	}), s)
	want := []string{"windows/C 5 []", "windows/C/1 5 [Channel F]"}
	if !slices.Equal(s.got, want) {
		t.Errorf("%q, want %q", s.got, want)
	}
	for source, n := range asked {
		if n != 1 {
			t.Errorf("%v was asked for %d times", source, n)
		}
	}
}

type shapes struct{ got []string }

func (*shapes) Damage(event.Damage) {}
func (s *shapes) Batch(b *event.Batch) error {
	s.got = append(s.got, fmt.Sprint(b.Schema.Source, " ", b.Rows, " ", b.Schema.Fields))
	return nil
}

// TestMixedKinds: a field that is a number here and text there is one column of text.
func TestMixedKinds(t *testing.T) {
	w := newBuilder()
	body := func(v value) xml {
		return instance(3, element("Event", system("P", "C", "1", "H"), element("EventData", element("Data", attribute("Name", text("F")), slot(0)))), v)
	}
	for i, v := range []value{
		{typ: typeUint32, raw: le(uint32(5))}, {typ: typeString, raw: utf16le("5")}, {typ: typeHex32, raw: le(uint32(5))}, {},
		{typ: typeString, raw: le(uint16(0xd800))}, {typ: typeString, raw: le(uint16(0xd801))},
	} {
		w.record(i+1, aTime, body(v))
	}
	data := file(w.chunk())
	c := newChecker(t, "mixed", data)
	read(t, data, event.Hints{}, event.Everything(), c)
	if c.rows != 6 {
		t.Errorf("%d rows", c.rows)
	}
}

type failing struct{ err error }

func (f failing) Damage(event.Damage)      {}
func (f failing) Batch(*event.Batch) error { return f.err }

func TestErrors(t *testing.T) {
	f := New()
	needs := event.Everything()
	stop := errors.New("stop")
	d := f.Decoder()
	if err := decodeAll(f, d, bytes.NewReader(threeChunks()), event.Hints{}, &needs, failing{stop}); !errors.Is(err, stop) {
		t.Errorf("%v, want the sink's error", err)
	}
	// The decoder is of use after an error.
	var k keeper
	broken := io.MultiReader(bytes.NewReader(threeChunks()[:chunk2]), iotest.ErrReader(errors.New("disk on fire")))
	err := decodeAll(f, d, broken, event.Hints{}, &needs, &k)
	if err == nil || !strings.Contains(err.Error(), "test.evtx at offset 135168: disk on fire") || len(k.lines) != 20 {
		t.Errorf("%v after %d rows, want the reader's error after 20", err, len(k.lines))
	}
	s, _ := f.Open(event.File{Body: bytes.NewReader(nil)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
}

func TestRecognise(t *testing.T) {
	b := threeChunks()
	for _, c := range []struct {
		name string
		head []byte
		want event.Confidence
	}{
		{"whole", b[:65536], event.Certain},
		{"header destroyed", append(make([]byte, 4096), b[4096:65536]...), event.Likely},
		{"text that names the magic", []byte("the magic is ElfChnk\x00 and then some" + strings.Repeat(" ", 600)), event.No},
		{"empty", nil, event.No},
	} {
		if got := New().Recognise(c.head, "x.evtx"); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// repeat gives n times the same content.
func repeat(n int, c xml) xml {
	return func(w *builder, dep bool) {
		for range n {
			c(w, dep)
		}
	}
}

// reading gives the work of reading a file.
func reading(t *testing.T, data []byte) func() {
	return func() {
		var k keeper
		read(t, data, event.Hints{}, event.Everything(), &k)
	}
}

// TestBombs: records that multiply themselves end early, and those around them are read.
func TestBombs(t *testing.T) {
	text60k := value{typ: typeString, raw: utf16le(strings.Repeat("x", 10000))}
	event_ := func(content ...xml) xml {
		return element("Event", append([]xml{system("P", "C", "1", "H")}, content...)...)
	}
	deep := instance(20, element("E", repeat(400, slot(0))), value{typ: typeString, raw: utf16le("boom")})
	for i := range 8 {
		deep = instance(21+i, element("E", repeat(400, optional(0, typeXML))), value{typ: typeXML, fragment: deep})
	}
	nested := func(w *builder, _ bool) {
		for range 200 {
			w.u8(tokenElement)
			w.u32(0)
			w.name("N")
			w.u8(tokenCloseStart)
		}
		for range 200 {
			w.u8(tokenCloseElement)
		}
	}
	for _, c := range []struct {
		name   string
		body   xml
		rows   int
		reason string
	}{
		{"one value many times", instance(1, event_(element("EventData", repeat(600, element("Data", slot(0))))), text60k), 3, "more than it can hold"},
		{"templates in templates", instance(2, event_(optional(0, typeXML)), value{typ: typeXML, fragment: deep}), 3, "more than it can hold"},
		{"elements in elements", nested, 2, "nested too deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newBuilder()
			w.record(1, aTime, simple("1", "before"))
			w.record(2, aTime, c.body)
			w.record(3, aTime, simple("1", "after"))
			if len(w.b) > chunkSize {
				t.Fatalf("%d bytes do not fit", len(w.b))
			}
			bomb := file(w.chunk())
			var k keeper
			read(t, bomb, event.Hints{}, event.Everything(), &k)
			if len(k.lines) != c.rows || len(k.damage) != 1 || !strings.Contains(k.damage[0], c.reason) {
				t.Errorf("%d rows, damage %q, want %d and %q", len(k.lines), k.damage, c.rows, c.reason)
			}
			plain := newBuilder()
			for n := 1; len(plain.b) < chunkSize-2000; n++ {
				plain.record(n, aTime, simple("1", "ordinary"))
			}
			// A record says at most what it can hold and what its chunk has to spare.
			growth.AtMost(t, "a chunk with a bomb, against an ordinary one,", 8, reading(t, file(plain.chunk())), reading(t, bomb))
		})
	}
}

// TestManyNames: names that never come again are delivered in batches of bounded size, and are not kept.
func TestManyNames(t *testing.T) {
	var chunks [][]byte
	n, rows := 0, 0
	for range 40 {
		w := newBuilder()
		for r := 0; len(w.b) < chunkSize-6000; r++ {
			var data []xml
			for range 40 {
				data = append(data, element("Data", attribute("Name", text(fmt.Sprint("n", n))), text("v")))
				n++
			}
			w.record(r+1, aTime, element("Event", system("P", "C", "1", "H"), element("EventData", data...)))
			rows++
		}
		chunks = append(chunks, w.chunk())
	}
	f := New()
	d := newDecoder()
	needs := event.Everything()
	var s widths
	for range 3 {
		s = widths{}
		if err := decodeAll(f, d, bytes.NewReader(file(chunks...)), event.Hints{}, &needs, &s); err != nil {
			t.Fatal(err)
		}
	}
	if s.rows != rows || s.values != n || s.batches < 3 || s.cells > 2*mostGroupCells {
		t.Errorf("%+v, want %d rows and %d values in several batches", s, rows, n)
	}
	for _, source := range d.sources {
		if len(source.fields) > mostColumns {
			t.Errorf("%d columns are kept", len(source.fields))
		}
	}
}

type widths struct{ rows, values, batches, cells int }

func (*widths) Damage(event.Damage) {}

func (s *widths) Batch(b *event.Batch) error {
	s.rows += b.Rows
	s.batches++
	s.cells = max(s.cells, b.Rows*len(b.Cols))
	for i, c := range b.Cols {
		if b.Schema.Fields[i][0] != 'n' {
			continue
		}
		for row := range b.Rows {
			if c.Text(row) == "v" {
				s.values++
			}
		}
	}
	return nil
}
