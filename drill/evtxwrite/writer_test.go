package evtxwrite

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 3, 1, 10, 0, 0, 123456789, time.UTC)

func sample(i int) Event {
	return Event{Provider: "Microsoft-Windows-Sysmon", ProviderGUID: "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
		ID: 3, Version: 5, Level: 4, Task: 3, Keywords: 1 << 63, Time: at.Add(time.Duration(i) * time.Second),
		Channel: "Microsoft-Windows-Sysmon/Operational", Computer: "host.airline.example", UserSID: "S-1-5-18", ProcessID: 1500, ThreadID: 20,
		Data: []Field{{"RuleName", String("")}, {fmt.Sprint("Field", i%50), UInt32(uint32(i))}, {"Image", String(`C:\x.exe`)}}}
}

func write(t *testing.T, events ...Event) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := New(&out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if _, err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestChunksTablesAndChecksums(t *testing.T) {
	var events []Event
	for i := range 2000 {
		events = append(events, sample(i))
	}
	b := write(t, events...)
	records := readback(t, b)
	if len(records) != 2000 || len(b) < fileHeader+5*chunkSize {
		t.Fatalf("%d records in %d bytes", len(records), len(b))
	}
	for i, r := range records {
		if want := fmt.Sprintf(`/Data@Name="Field%d" /Event/EventData/Data=08:%02x%02x0000 `, i%50, i&255, i>>8); !strings.Contains(r, want) {
			t.Fatalf("record %d is %s, want %s", i, r, want)
		}
		if want := fmt.Sprintf("/EventRecordID=0a:%02x%02x000000000000 ", (i+1)&255, (i+1)>>8); !strings.Contains(r, want) {
			t.Fatalf("record %d is %s, want %s", i, r, want)
		}
	}
	if !bytes.Equal(b, write(t, events...)) {
		t.Error("the same events gave other bytes")
	}
}

func TestValueTypes(t *testing.T) {
	for _, c := range []struct {
		v    Value
		want string
	}{
		{String("Aé😀"), "01:4100e9003dd800de"},
		{String(""), "01:"},
		{ANSI("é"), "02:e9"},
		{Int8(-2), "03:fe"},
		{UInt8(254), "04:fe"},
		{Int16(-2), "05:feff"},
		{UInt16(513), "06:0102"},
		{Int32(-2), "07:feffffff"},
		{UInt32(1), "08:01000000"},
		{Int64(-2), "09:feffffffffffffff"},
		{UInt64(1), "0a:0100000000000000"},
		{Float32(1.5), "0b:0000c03f"},
		{Float64(1.5), "0c:000000000000f83f"},
		{Bool(true), "0d:01000000"},
		{Bool(false), "0d:00000000"},
		{Binary([]byte{1, 2, 3}), "0e:010203"},
		{GUID("{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"), "0f:5f3870572ac2e043bf4c06f5698ffbd9"},
		{Size32(7), "10:07000000"},
		{Size64(7), "10:0700000000000000"},
		{FileTime(time.Unix(0, 100).UTC()), "11:01803ed5deb19d01"},
		{SystemTime(time.Date(2017, 7, 12, 12, 17, 28, 214e6, time.UTC)), "12:e107070003000c000c0011001c00d600"},
		{SID("S-1-5-21-1-2-3-500"), "13:010500000000000515000000010000000200000003000000f4010000"},
		{Hex32(255), "14:ff000000"},
		{Hex64(0x3e7), "15:e703000000000000"},
		{Strings("a", "", "b"), "81:61000000000062000000"},
		{Strings(), "81:"},
		{Array(String("a"), String("b")), "81:6100000062000000"},
		{Array(ANSI("a"), ANSI("b")), "82:61006200"},
		{Array(UInt16(1), UInt16(2)), "86:01000200"},
		{Array(GUID("00000001-0000-0000-0000-000000000000")), "8f:01000000000000000000000000000000"},
		{Array(SID("S-1-5-18"), SID("S-1-5-19")), "93:010100000000000512000000010100000000000513000000"},
		{Array(Hex64(1)), "95:0100000000000000"},
		{Array(Bool(true), Bool(false)), "8d:0100000000000000"},
		{Null(TypeUInt32), "null"},
		{Value{}, "null"},
	} {
		e := sample(1)
		e.Data = []Field{{"v", c.v}}
		r := readback(t, write(t, e))[0]
		if !strings.HasSuffix(r, `/Event/EventData/Data@Name="v" /Event/EventData/Data=`+c.want) {
			t.Errorf("%s, want %s", r, c.want)
		}
	}
}

func TestShapesOfEvents(t *testing.T) {
	has := func(e Event, wants ...string) {
		t.Helper()
		r := readback(t, write(t, e))[0]
		for _, w := range wants {
			if !strings.Contains(r, w) {
				t.Errorf("%s\nlacks %s", r, w)
			}
		}
	}
	e := sample(1)
	has(e, `/Event@xmlns="`+eventNamespace+`"`, "/Provider@Guid=0f:5f387057", "/EventID@Qualifiers=null /Event/System/EventID=06:0300",
		"/Correlation@ActivityID=null", `/Computer="host.airline.example"`, "/Security@UserID=13:0101", "/TimeCreated@SystemTime=11:07bd372b62a9dc01")
	e.ActivityID, e.DataName = "00000001-0000-0000-0000-000000000000", "Started"
	has(e, "/Correlation@ActivityID=0f:01", `/EventData@Name="Started"`)
	e = Event{Provider: "PowerShell", Classic: true, ID: 400, Qualifiers: 3, Time: at, Channel: "Windows PowerShell", Computer: "h",
		Data: []Field{{"", String("a")}, {"", String("b")}}, Binary: []byte{9}}
	has(e, `/Provider@Name="PowerShell"`, `/Channel="Windows PowerShell"`, "/EventID@Qualifiers=06:0300",
		"/Event/EventData/Data=81:6100000062000000", "/Event/EventData/Binary=0e:09")
	e.Data, e.Binary = nil, nil
	has(e, "/Event/EventData/Data=omitted", "/Event/EventData/Binary=omitted")
	e = Event{Provider: "Service Control Manager", ProviderGUID: "555908d1-a6d7-4695-8e1e-26931d2012f4", SourceName: "Service Control Manager",
		ID: 7045, Time: at, Channel: "System", Computer: "h"}
	has(e, `/Provider@Guid="{555908d1-a6d7-4695-8e1e-26931d2012f4}"`, `@EventSourceName="Service Control Manager"`, "/Event=null")
	name := String("x")
	e = Event{Provider: "Microsoft-Windows-Eventlog", ID: 1102, Time: at, Channel: "Security", Computer: "h", UserData: &Element{
		Name: "LogFileCleared", Attrs: []Attr{{"xmlns", "urn:x"}}, Children: []Element{{Name: "SubjectUserName", Value: &name}, {Name: "Empty"}}}}
	has(e, `/Event/UserData/LogFileCleared@xmlns="urn:x" /Event/UserData/LogFileCleared/SubjectUserName=01:7800`)
	e = sample(1)
	e.Data = []Field{{"x", XML(Element{Name: "Inner", Value: &name})}}
	has(e, "/Event/EventData/Data/Inner=01:7800")
}

func TestRefusedEventsLeaveNoTrace(t *testing.T) {
	var out bytes.Buffer
	w, _ := New(&out)
	must := func(e Event) {
		t.Helper()
		if _, err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	loop := &Element{Name: "Loop"}
	self := XML(*loop)
	loop.Value = &self
	self.element = loop
	must(sample(1))
	for what, data := range map[string][]Field{
		"GUID":         {{"g", GUID("no")}},
		"SID":          {{"s", SID("S-1-x")}},
		"Latin-1":      {{"a", ANSI("Ω")}},
		"a chunk":      {{"New", String(strings.Repeat("x", 30000))}, {"Other", String(strings.Repeat("x", 30000))}},
		"bytes":        {{"b", Binary(make([]byte, 70000))}},
		"deeper":       {{"l", XML(*loop)}},
		"type":         {{"t", Array(UInt8(1), Int8(1))}},
		"not known in": {{"t", Array(Binary(nil))}},
	} {
		e := sample(2)
		e.Data = append(e.Data, data...)
		if _, err := w.Write(e); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	e := sample(3)
	e.RecordID = 1
	if _, err := w.Write(e); err == nil {
		t.Error("a record id twice was taken")
	}
	e.RecordID = 9
	must(e)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(sample(4)); err == nil {
		t.Error("write after close was taken")
	}
	a, b := sample(1), sample(3)
	b.RecordID = 9
	readback(t, out.Bytes())
	if !bytes.Equal(out.Bytes(), write(t, a, b)) {
		t.Error("refused events left a trace")
	}
}

func TestSeekingOutputGivesTheSameBytes(t *testing.T) {
	var events []Event
	for i := range 300 {
		events = append(events, sample(i))
	}
	path := filepath.Join(t.TempDir(), "a.evtx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if _, err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, write(t, events...)) {
		t.Errorf("the file differs (%v)", err)
	}
	if b := write(t); len(readback(t, b)) != 0 || len(b) != fileHeader {
		t.Errorf("an empty log has %d bytes", len(b))
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestOutputErrorIsReported(t *testing.T) {
	w, err := New(failing{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(sample(1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error %v", err)
	}
}

func FuzzWrite(f *testing.F) {
	f.Add("name", "value", []byte{1}, "S-1-5-18", uint16(3))
	f.Add("", "\xff😀", []byte(nil), "S-1-", uint16(0))
	f.Fuzz(func(t *testing.T, name, value string, raw []byte, sid string, n uint16) {
		e := sample(1)
		e.Data = []Field{{name, String(value)}, {"raw", Binary(raw)}, {value, UInt16(n)}, {name, SID(sid)}}
		e.Computer += value
		var out bytes.Buffer
		w, _ := New(&out)
		want := 1
		for range 1 + n%40 {
			if _, err := w.Write(e); err == nil {
				want++
			}
		}
		if _, err := w.Write(sample(2)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := len(readback(t, out.Bytes())); got != want {
			t.Fatalf("%d records, want %d", got, want)
		}
	})
}
