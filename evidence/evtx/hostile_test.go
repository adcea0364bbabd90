package evtx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
)

// full writes records, one for each number, until the chunk is as full as it can be. What does not fit is not written.
func full(w *builder, first int, body func(n int) xml) int {
	for n := first; ; n++ {
		at := len(w.b)
		w.record(n, aTime+uint64(n)*1e7, body(n))
		if len(w.b) > chunkSize {
			w.b = w.b[:at]
			return n
		}
		if len(w.b) > chunkSize-32 {
			return n + 1
		}
	}
}

// logged is an event as Windows logs it: a template with all of System, and a dozen values of which half are new.
func logged(n int) xml {
	str := func(s string) value { return value{typ: typeString, raw: utf16le(s)} }
	names := []string{"SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "NewProcessId", "NewProcessName",
		"TokenElevationType", "ProcessId", "CommandLine", "TargetUserName", "ParentProcessName", "MandatoryLabel"}
	sid := append([]byte{1, 5, 0, 0, 0, 0, 0, 5}, le([]uint32{21, 1004336348, 1177238915, 682003330, uint32(1000 + n%7)})...)
	values := []value{
		{typ: typeUint8, raw: []byte{0}}, {typ: typeUint8, raw: []byte{2}}, {typ: typeUint16, raw: le(uint16(13312))}, {typ: typeUint16, raw: le(uint16(4688))},
		{}, {typ: typeHex64, raw: le(uint64(0x8020000000000000))}, {typ: typeFiletime, raw: le(uint64(aTime + n*1e7))}, {},
		{typ: typeUint32, raw: le(uint32(4))}, {typ: typeUint32, raw: le(uint32(100 + n%50))}, {typ: typeUint64, raw: le(uint64(n))}, {typ: typeUint8, raw: []byte{1}}, {},
		{typ: typeSID, raw: sid}, str("user" + fmt.Sprint(n%7)), str("DOMAIN"), {typ: typeHex64, raw: le(uint64(0x3e7 + n%9))}, {typ: typeHex64, raw: le(uint64(n * 4))},
		str(`C:\Windows\System32\svchost.exe`), str("%%1936"), {typ: typeHex64, raw: le(uint64(n % 40))}, str(fmt.Sprintf(`C:\Windows\System32\svchost.exe -k netsvcs -p -s Schedule /run:%d`, n*7919)),
		str("-"), str(`C:\Windows\System32\services.exe`), {typ: typeSID, raw: sid},
	}
	var data []xml
	for i, name := range names {
		data = append(data, element("Data", attribute("Name", text(name)), slot(13+i)))
	}
	return referred(1, element("Event", attribute("xmlns", text("http://schemas.microsoft.com/win/2004/08/events/event")),
		element("System",
			element("Provider", attribute("Name", text("Microsoft-Windows-Security-Auditing")), attribute("Guid", text("{54849625-5478-4994-A5BA-3E3B0328C30D}"))),
			element("EventID", slot(3)), element("Version", slot(11)), element("Level", slot(0)), element("Task", slot(2)), element("Opcode", slot(1)),
			element("Keywords", slot(5)), element("TimeCreated", attribute("SystemTime", slot(6))), element("EventRecordID", slot(10)),
			element("Correlation", attribute("ActivityID", optional(7, typeGUID))),
			element("Execution", attribute("ProcessID", slot(8)), attribute("ThreadID", slot(9))),
			element("Channel", text("Security")), element("Computer", text("host.example.com")), element("Security", attribute("UserID", optional(12, typeSID)))),
		element("EventData", data...)), values...)
}

// around is an event with content beside its System.
func around(content ...xml) xml {
	return element("Event", append([]xml{system("P", "C", "1", "H")}, content...)...)
}

func data(name string, content ...xml) xml {
	return element("Data", append([]xml{attribute("Name", text(name))}, content...)...)
}

// nested is elements within each other.
func nested(depth int, closed bool) xml {
	return func(w *builder, _ bool) {
		for range depth {
			w.u8(tokenElement)
			w.u32(0)
			w.name("N")
			w.u8(tokenCloseStart)
		}
		for i := 0; closed && i < depth; i++ {
			w.u8(tokenCloseElement)
		}
	}
}

// hostile is what is written into the chunk of a number to make it cost much.
var hostile = map[string]func(w *builder, chunk int){
	"one value many times": func(w *builder, c int) {
		w.record(1, aTime, instance(1, around(element("EventData", repeat(600, element("Data", slot(0))))), value{typ: typeString, raw: utf16le(strings.Repeat("x", 10000))}))
		full(w, 2, logged)
	},
	"one value under many names": func(w *builder, c int) {
		var all []xml
		for i := range 600 {
			all = append(all, data(fmt.Sprint("n", i), slot(0)))
		}
		w.record(1, aTime, instance(2, around(element("EventData", all...)), value{typ: typeString, raw: utf16le(strings.Repeat("x", 4000))}))
	},
	"templates in templates": func(w *builder, c int) {
		deep := instance(20, element("E", repeat(400, slot(0))), value{typ: typeString, raw: utf16le("boom")})
		for i := range 8 {
			deep = instance(21+i, element("E", repeat(400, optional(0, typeXML))), value{typ: typeXML, fragment: deep})
		}
		w.record(1, aTime, instance(2, around(optional(0, typeXML)), value{typ: typeXML, fragment: deep}))
		full(w, 2, logged)
	},
	"templates in templates, again and again": func(w *builder, c int) {
		deep := instance(20, element("E", repeat(100, slot(0))), value{typ: typeString, raw: utf16le("boom")})
		for i := range 3 {
			deep = instance(21+i, element("E", repeat(20, optional(0, typeXML))), value{typ: typeXML, fragment: deep})
		}
		full(w, 1, func(int) xml { return instance(2, around(optional(0, typeXML)), value{typ: typeXML, fragment: deep}) })
	},
	"a fragment in many places": func(w *builder, c int) {
		var all []xml
		for i := range 100 {
			all = append(all, data(fmt.Sprint("n", i), text("x")))
		}
		w.record(1, aTime, instance(2, around(repeat(200, element("U", optional(0, typeXML)))), value{typ: typeXML, fragment: element("EventData", all...)}))
	},
	"a wide template, short records": func(w *builder, c int) {
		full(w, 1, func(int) xml {
			return referred(3, around(element("EventData", repeat(1200, element("Data", slot(0))))), value{})
		})
	},
	"a wide template of names, short records": func(w *builder, c int) {
		var all []xml
		for i := range 600 {
			all = append(all, data(fmt.Sprint("n", i), slot(0)))
		}
		full(w, 1, func(int) xml {
			return referred(3, around(element("EventData", all...)), value{typ: typeUint8, raw: []byte{1}})
		})
	},
	"long literals in turn": func(w *builder, c int) {
		long := func(x string) xml { return data("F", text(strings.Repeat(x, 7000))) }
		full(w, 1, func(n int) xml {
			return referred(4+n%2, around(element("EventData", long(string(rune('a'+n%2)))), element("EventData", data("G", slot(0)))), value{})
		})
	},
	"a value of many parts": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			return referred(6, around(element("EventData", data("F", repeat(6000, slot(0))))), value{})
		})
	},
	"a name of many parts": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			return referred(6, around(element("EventData", element("Data", attribute("Name", repeat(6000, slot(0))), slot(0)))), value{})
		})
	},
	"values of other values": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			return referred(6, around(element("EventData", repeat(300, element("Data", slot(0), text("-"), slot(1))))),
				value{typ: typeString, raw: utf16le(fmt.Sprint(n))}, value{typ: typeString, raw: utf16le(strings.Repeat("y", 100))})
		})
	},
	"arrays of bytes": func(w *builder, c int) {
		w.record(1, aTime, instance(7, around(element("EventData", data("F", slot(0)))), value{typ: typeArray | typeUint8, raw: bytes.Repeat([]byte{1, 2, 3, 250}, 15000)}))
	},
	"arrays of empty strings": func(w *builder, c int) {
		w.record(1, aTime, instance(7, around(element("EventData", data("F", slot(0)))), value{typ: typeArray | typeString, raw: make([]byte, 60000)}))
	},
	"arrays of bytes, many times": func(w *builder, c int) {
		w.record(1, aTime, instance(7, around(element("EventData", repeat(300, element("Data", slot(0))))), value{typ: typeArray | typeUint8, raw: bytes.Repeat([]byte{1, 2, 3, 250}, 5000)}))
	},
	"templates all new": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			return instance(n, around(element("EventData", data("F", text(fmt.Sprint(c, "x", n)), slot(0)))), value{typ: typeString, raw: utf16le("v")})
		})
	},
	"small templates all new": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			var all []xml
			var values []value
			for i := range 20 {
				all = append(all, optional(i, typeXML))
				values = append(values, value{typ: typeXML, fragment: instance(100*n+i+9, element("E", text(fmt.Sprint(c, "x", n, "x", i))))})
			}
			return instance(n, around(element("UserData", all...)), values...)
		})
	},
	"small templates all new, each used twice": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			var all []xml
			var values []value
			for i := range 20 {
				all = append(all, optional(i, typeXML))
				values = append(values, value{typ: typeXML, fragment: referred(100*n+i/2+9, element("E", text(fmt.Sprint(c, "x", n, "x", i/2))))})
			}
			return instance(100*n, around(element("UserData", all...)), values...)
		})
	},
	"names all new": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			var all []xml
			for i := range 12 {
				all = append(all, element(fmt.Sprint("e", c, "x", n, "x", i), text("v")))
			}
			return around(element("UserData", all...))
		})
	},
	"names of fields all new": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			var all []xml
			for i := range 12 {
				all = append(all, data(fmt.Sprint("e", c, "x", n, "x", i), text("v")))
			}
			return around(element("EventData", all...))
		})
	},
	"names substituted, all new": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			var all []xml
			var values []value
			for i := range 12 {
				all = append(all, element("Data", attribute("Name", slot(i)), slot(i)))
				values = append(values, value{typ: typeString, raw: utf16le(fmt.Sprint("e", c, "x", n, "x", i))})
			}
			return referred(8, around(element("EventData", all...)), values...)
		})
	},
	"fragments met twice": func(w *builder, c int) {
		full(w, 1, func(n int) xml { return around(element("EventData", data(fmt.Sprint("e", c, "x", n/2), text("v")))) })
	},
	"long names referred to": func(w *builder, c int) {
		at := 0
		w.record(1, aTime, around(func(w *builder, _ bool) {
			at = len(w.b) + 7
			element(strings.Repeat("n", longestName/2))(w, false)
		}))
		full(w, 2, func(n int) xml {
			return around(element("UserData", repeat(180, func(w *builder, _ bool) {
				w.u8(tokenElement)
				w.u32(0)
				w.u32(at)
				w.u8(tokenCloseEmpty)
			})))
		})
	},
	"long names in templates all new": func(w *builder, c int) {
		at := 0
		w.record(1, aTime, around(func(w *builder, _ bool) {
			at = len(w.b) + 7
			element(strings.Repeat("n", longestName/2))(w, false)
		}))
		full(w, 2, func(n int) xml {
			return instance(n, element("Event", element("UserData", attribute("k", text(fmt.Sprint(c, "x", n))), repeat(30, func(w *builder, _ bool) {
				w.u8(tokenElement)
				w.u16(0xffff)
				w.u32(0)
				w.u32(at)
				w.u8(tokenCloseEmpty)
			}))))
		})
	},
	"elements in elements": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			return nested(deepest, true)
		})
	},
	"elements in elements, too deep": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			return nested(3*deepest/2, true)
		})
	},
	"fragments in fragments": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			x := instance(30, element("E", slot(0)), value{typ: typeString, raw: utf16le("v")})
			for i := range deepestNest - 2 {
				x = referred(31+i, element("E", optional(0, typeXML)), value{typ: typeXML, fragment: x})
			}
			return referred(60, around(optional(0, typeXML)), value{typ: typeXML, fragment: x})
		})
	},
	"fragments in fragments, too deep": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			x := instance(30, element("E", slot(0)), value{typ: typeString, raw: utf16le("v")})
			for i := range deepestNest + 4 {
				x = referred(31+i, element("E", optional(0, typeXML)), value{typ: typeXML, fragment: x})
			}
			return referred(60, around(optional(0, typeXML)), value{typ: typeXML, fragment: x})
		})
	},
	"tiny records": func(w *builder, c int) {
		full(w, 1, func(n int) xml { return referred(9, around()) })
	},
	"empty records": func(w *builder, c int) {
		for len(w.b)+smallestRecord <= chunkSize {
			at := len(w.b)
			w.b = append(w.b, make([]byte, smallestRecord)...)
			copy(w.b[at:], recordMagic)
			w.sizes(at, smallestRecord)
		}
	},
	"record after record that lies": func(w *builder, c int) {
		for len(w.b)+8 <= chunkSize {
			w.b = append(w.b, recordMagic...)
			w.u32(0xffff)
		}
	},
	"records in records": func(w *builder, c int) {
		for len(w.b)+8 <= chunkSize {
			w.b = append(w.b, recordMagic...)
			w.u32(chunkSize - len(w.b) + 4)
		}
	},
	"a channel for each record": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			return referred(10, element("Event", element("System", element("Provider", attribute("Name", slot(0))), element("EventID", slot(1)),
				element("TimeCreated", attribute("SystemTime", text("2020-01-02T03:04:05Z"))), element("Channel", slot(2)), element("Computer", text("H")))),
				value{typ: typeString, raw: utf16le(fmt.Sprint("p", c, "x", n))}, value{typ: typeUint16, raw: le(uint16(n))}, value{typ: typeString, raw: utf16le(fmt.Sprint("c", c, "x", n))})
		})
	},
	"a channel for each record, written out": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			return element("Event", system(fmt.Sprint("p", c, "x", n), fmt.Sprint("c", c, "x", n), fmt.Sprint(n), "H"))
		})
	},
	"a channel for each chunk": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			return referred(11, element("Event", system(fmt.Sprint("p", c), fmt.Sprint("c", c), fmt.Sprint(c), "H"), element("EventData", data("F", slot(0)))),
				value{typ: typeString, raw: utf16le(fmt.Sprint(n))})
		})
	},
	"values all new": func(w *builder, c int) {
		full(w, 1, func(n int) xml {
			var all []xml
			var values []value
			for i := range 12 {
				all = append(all, data(fmt.Sprint("n", i), slot(i)))
				values = append(values, value{typ: typeString, raw: utf16le(fmt.Sprint("ü", c, "x", n, "x", i))})
			}
			return referred(8, around(element("EventData", all...)), values...)
		})
	},
	"numbers made to collide": func(w *builder, c int) {
		inverse := uint64(1) // of the factor of Fibonacci hashing: the products are i<<32 | i, which fold to nothing
		for range 6 {
			inverse *= 2 - 0x9e3779b97f4a7c15*inverse
		}
		full(w, 1, func(n int) xml {
			var all []xml
			var values []value
			for i := range 12 {
				all = append(all, data(fmt.Sprint("n", i), slot(i)))
				values = append(values, value{typ: typeHex64, raw: le(uint64(1000*c+n) * (1<<32 | 1) * inverse)})
			}
			return referred(8, around(element("EventData", all...)), values...)
		})
	},
	"chunks in the chunk": func(w *builder, c int) {
		for len(w.b)+chunkHeaderSize <= chunkSize {
			at := len(w.b)
			w.b = append(w.b, make([]byte, chunkHeaderSize)...)
			copy(w.b[at:], chunkMagic)
			binary.LittleEndian.PutUint32(w.b[at+40:], chunkFixedSize)
			binary.LittleEndian.PutUint32(w.b[at+48:], chunkHeaderSize)
		}
	},
	"magic after magic": func(w *builder, c int) {
		for len(w.b)+8 <= chunkSize {
			w.b = append(w.b, chunkMagic...)
		}
	},
}

// hostileFile is a file of chunks made to cost much, each different.
func hostileFile(t testing.TB, chunks int, fill func(w *builder, chunk int)) []byte {
	t.Helper()
	var all [][]byte
	for i := range chunks {
		w := newBuilder()
		if fill(w, i); len(w.b) > chunkSize {
			t.Fatalf("%d bytes do not fit a chunk", len(w.b))
		}
		all = append(all, w.chunk())
	}
	return file(all...)
}

// TestHostileChunksCostLittleMore holds chunks made to defeat a cache or to say more than they hold against chunks as Windows writes
// them: as many bytes or, where the records are shorter, as many records. Wide bounds: machines are busy, and what this guards against
// cost up to a thousand times as much.
func TestHostileChunksCostLittleMore(t *testing.T) {
	chunks := 10
	if testing.Short() {
		chunks = 2
	}
	f, needs := New(), event.Everything()
	work := func(body []byte) (run func(), c *counter) {
		c = &counter{}
		return func() {
			*c = counter{}
			if err := decodeAll(f, f.Decoder(), bytes.NewReader(body), event.Hints{}, &needs, c); err != nil {
				t.Fatal(err)
			}
		}, c
	}
	base, ordinary := work(hostileFile(t, chunks, func(w *builder, c int) { full(w, 1+100*c, logged) }))
	base()
	for name, fill := range hostile {
		t.Run(name, func(t *testing.T) {
			const most = 7 // none is above five on a quiet machine; docs/benchmarks.md has the figures
			run, of := work(hostileFile(t, chunks, fill))
			run()
			perRecord := max(1, float64(of.rows)/float64(ordinary.rows))
			ratio := growth.Ratio(most*perRecord, base, run) / perRecord
			t.Logf("%.1f times as much as ordinary chunks, %.1f per byte (%+v)", ratio, ratio*perRecord, *of)
			if ratio > most {
				t.Errorf("%.1f times as much as ordinary chunks", ratio)
			}
		})
	}
}

// TestHostileChunksAreReadOn: where a record says too much, what follows it in its chunk is read all the same.
func TestHostileChunksAreReadOn(t *testing.T) {
	for _, name := range []string{"one value many times", "templates in templates"} {
		w := newBuilder()
		hostile[name](w, 0)
		var k keeper
		read(t, file(w.chunk()), event.Hints{}, event.Everything(), &k)
		var c counter
		read(t, hostileFile(t, 1, func(w *builder, _ int) {
			w.b = append(w.b, make([]byte, 12)...) // no record
			full(w, 2, logged)
		}), event.Hints{}, event.Everything(), &c)
		if len(k.damage) != 1 || !strings.Contains(k.damage[0], "offset 4608: record decodes in part: it says more than it can hold") {
			t.Errorf("%s: damage %q", name, k.damage)
		}
		if len(k.lines) < 20 || c.rows <= len(k.lines) {
			t.Errorf("%s: %d rows, without it %d", name, len(k.lines), c.rows)
		}
	}
}

// TestChunksInChunks: headers that follow each other closely are each a chunk that was cut short; they cost little, and what is told of
// them is bounded.
func TestChunksInChunks(t *testing.T) {
	w := newBuilder()
	hostile["chunks in the chunk"](w, 0)
	plain := newBuilder()
	full(plain, 1, logged)
	var many, ordinary [][]byte
	for range 64 {
		many = append(many, w.b[chunkHeaderSize:])
		ordinary = append(ordinary, plain.chunk())
	}
	body := file(many...)
	var c counter
	read(t, body, event.Hints{}, event.Everything(), &c)
	if c.damage < mostCuts || c.damage > 2*mostCuts+3 {
		t.Errorf("%d reports", c.damage)
	}
	growth.AtMost(t, "a file of chunk headers", 8, reading(t, file(ordinary...)), reading(t, body))
}

// sampler is a sink that samples what the program holds.
type sampler struct {
	counter
	calls, every int
	most         uint64
}

func (s *sampler) sample() {
	if s.calls++; s.calls%s.every == 1 {
		s.most = max(s.most, growth.Live())
	}
}

func (s *sampler) Batch(b *event.Batch) error { s.sample(); return s.counter.Batch(b) }
func (s *sampler) Damage(d event.Damage)      { s.sample(); s.counter.Damage(d) }

// TestHostileChunksTakeLittleMemory reads a segment of chunks that would fill the decoder's memory, twice over.
func TestHostileChunksTakeLittleMemory(t *testing.T) {
	chunks := 70
	if testing.Short() {
		chunks = 8
	}
	for _, name := range []string{
		"templates all new", "names of fields all new", "a channel for each record", "arrays of bytes", "a wide template of names, short records",
		"long names in templates all new",
	} {
		body := hostileFile(t, chunks, hostile[name])
		f, needs := New(), event.Everything()
		d := f.Decoder()
		s := sampler{every: 4000}
		before := growth.Live()
		if err := decodeAll(f, d, bytes.NewReader(body), event.Hints{}, &needs, &s); err != nil {
			t.Fatal(err)
		}
		held := int64(max(s.most, growth.Live())) - int64(before)
		t.Logf("%s: %d MiB held (%+v)", name, held>>20, s.counter)
		if held > 96<<20 {
			t.Errorf("%s: %d MiB are held", name, held>>20)
		}
		runtime.KeepAlive(d)
	}
}
