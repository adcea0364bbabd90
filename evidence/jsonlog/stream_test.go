package jsonlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
	"github.com/contrail-ir/contrail/internal/require"
)

func rowsOf(t testing.TB, text string) ([]row, []event.Damage) {
	t.Helper()
	return readRows(t, event.File{Name: "x", Body: strings.NewReader(text)}, event.Everything())
}

// describe gives rows as "offset/record:a" with the values of the field a.
func describe(rows []row) string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprintf("%d/%d:%s", r.offset, r.record, strings.Join(r.fields["a"], ",")))
	}
	return strings.Join(out, " ")
}

func TestRecordsAreFoundInEveryArrangement(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		damage     int
	}{
		"lines":                    {"{\"a\":1}\n{\"a\":2}\n", "0/1:1 8/2:2", 0},
		"lines without the last":   {"{\"a\":1}\n{\"a\":2}", "0/1:1 8/2:2", 0},
		"CRLF and empty lines":     {"{\"a\":1}\r\n\r\n {\"a\":2}\r\n", "0/1:1 12/3:2", 0},
		"two on a line":            {"{\"a\":1}{\"a\":2}\n{\"a\":3}", "0/1:1 7/1:2 15/2:3", 0},
		"byte order mark":          {"\ufeff{\"a\":1}\n{\"a\":2}", "3/1:1 11/2:2", 0},
		"array":                    {`[{"a":1},{"a":2}]`, "1/1:1 9/2:2", 0},
		"array, one to a line":     {"[\n{\"a\":1},\n{\"a\":2}\n]\n", "2/1:1 11/2:2", 0},
		"pretty array":             {"[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]", "4/1:1 24/2:2", 0},
		"pretty objects":           {"{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", "0/1:1 12/2:2", 0},
		"evtx_dump":                {"Record 1\n{\n \"a\": 1\n}\nRecord 2\n{\n \"a\": 2\n}\n", "9/1:1 30/2:2", 0},
		"wrapped":                  {`{"count":2,"events":[{"a":1},{"a":2}],"next":null}`, "21/1:1 29/2:2", 0},
		"wrapped twice":            {`{"took":3,"hits":{"total":{"value":2},"hits":[{"a":1},{"a":2}]},"x":1}`, "46/1:1 54/2:2", 0},
		"wrapped on lines":         {"{\"Records\":[{\"a\":1},{\"a\":2}]}\n{\"Records\":[{\"a\":3}]}\n", "12/1:1 20/2:2 42/3:3", 0},
		"wrapped inside lines":     {"{\"a\":0}\n{\"Records\":[{\"a\":1},{\"a\":2}]}\n", "0/1:0 20/2:1 28/2:2", 0},
		"not a wrapper":            {`{"a":1,"events":[{"a":7}]}`, "0/1:1", 0},
		"empty array":              {`[]`, "", 0},
		"empty file":               {"", "", 0},
		"empty object":             {"{}\n{}", "0/1: 3/2:", 0},
		"bad line":                 {"{\"a\":1}\n{\"a\":\n{\"a\":3}\n", "0/1:1 14/3:3", 1},
		"text line":                {"{\"a\":1}\nrubbish\n{\"a\":3}\n", "0/1:1 16/3:3", 1},
		"NULs":                     {"{\"a\":1}\n\x00\x00\x00\n{\"a\":3}\n\x00\x00", "0/1:1 12/3:3", 1},
		"cut off in pretty array":  {"[\n {\n  \"a\": 1,\n  \"b\": {\n {\n  \"a\": 2\n }\n]", "25/1:2", 1},
		"cut off in an array":      {`[{"a":1},{"a":"x,{"a":2},{"a":3}]`, "1/1:1 25/2:3", 1},
		"cut off at the end":       {`[{"a":1},{"a":2`, "1/1:1", 1},
		"array never closed":       {"[{\"a\":1},\n", "1/1:1", 1},
		"list never closed":        {`{"Records":[{"a":1},`, "12/1:1", 1},
		"scalars in an array":      {`[1,{"a":1},{"a":2}]`, "11/1:2", 1},
		"NaN":                      {`{"a":NaN}`, "0/1:NaN", 0},
		"other escapes stay":       {`{"a":"C:\Windows\u00zz"}`, `0/1:C:\Windows\u00zz`, 0},
		"surrogates":               {`{"a":"\ud83d\ude00\ud83d"}`, "0/1:😀\ufffd", 0},
		"invalid UTF-8":            {"{\"a\":\"\xff\"}\n", "0/1:\ufffd", 1},
		"raw control characters":   {"{\"a\":\"\t\x01\"}\n", "0/1:\t\x01", 0},
		"repeated names":           {`{"a":1,"a":[2,null,3],"a":""}`, "0/1:1,2,\x00,3,", 0},
		"empty containers":         {`{"a":[],"b":{}}`, "0/1:\x00", 0},
		"integers of any size":     {`{"a":123456789012345678901234567890}`, "0/1:123456789012345678901234567890", 0},
		"canonical floats":         {`{"a":[1.50,1e3,-0.0,1e400,2.5e-7,1700000000.123456]}`, "0/1:1.5,1000,0,1e400,2.5e-07,1700000000.123456", 0},
		"nested and dotted agree":  {"{\"x\":{\"a\":1}}\n{\"x.a\":2}\n", "0/1: 14/2:", 0},
		"lists of objects by path": {`{"b":[{"c":1},{"c":2,"d":3}]}`, "0/1:", 0},
	} {
		rows, damage := rowsOf(t, c.text)
		if got := describe(rows); got != c.want || len(damage) != c.damage {
			t.Errorf("%s: %q, want %q; damage %v", name, got, c.want, damage)
		}
	}
	rows, _ := rowsOf(t, "{\"x\":{\"a\":1}}\n{\"x.a\":2}\n{\"b\":[{\"c\":1},{\"c\":2,\"d\":3}]}\n")
	if rows[0].fields["x.a"][0] != "1" || rows[1].fields["x.a"][0] != "2" || !slices.Equal(rows[2].fields["b.c"], []string{"1", "2"}) {
		t.Errorf("paths: %v", rows)
	}
}

func TestUTF16KeepsOffsets(t *testing.T) {
	text := "{\"a\":\"é😀\"}\n{\"a\":2}\n{\"a\":3}"
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, mark := range []string{"", "\ufeff"} {
			var wide []byte
			for _, u := range utf16.Encode([]rune(mark + text)) {
				wide = order.AppendUint16(wide, u)
			}
			f := event.File{Name: "x", Body: iotest.HalfReader(bytes.NewReader(wide))}
			rows, damage := readRows(t, f, event.Everything())
			shift := 2 * len(utf16.Encode([]rune(mark)))
			want := fmt.Sprintf("%d/1:é😀 %d/2:2 %d/3:3", shift, shift+24, shift+40)
			if got := describe(rows); got != want || len(damage) > 0 {
				t.Errorf("%s%q: %q, want %q, %v", order, mark, got, want, damage)
			}
			if c := (Format{}).Recognise(wide, "x"); c != event.Likely {
				t.Errorf("recognised as %d", c)
			}
		}
	}
}

func TestDepthAndWidthLoseNothing(t *testing.T) {
	deep := strings.Repeat(`{"k":[`, 1000) + `"end"` + strings.Repeat(`]}`, 1000)
	rows, damage := rowsOf(t, `{"a":1,"b":`+deep+`,"c":2}`)
	if len(rows) != 1 || len(damage) != 1 || rows[0].fields["c"][0] != "2" {
		t.Fatalf("%d rows, damage %v", len(rows), damage)
	}
	found := false
	for _, v := range rows[0].fields {
		found = found || strings.Contains(v[0], `"end"`)
	}
	if !found {
		t.Error("what is nested deeper than the limit is lost")
	}
	many := `{"a":1` + strings.Repeat(`,"b":0`, 2*maxValues) + `,"last":"z"}`
	rows, damage = rowsOf(t, many)
	if len(rows) != 1 || len(damage) != 1 || !strings.HasSuffix(rows[0].fields[restField][0], `"last":"z"}`) {
		t.Errorf("%d rows, damage %v", len(rows), damage)
	}
	long := strings.Repeat("n", maxName+1)
	rows, damage = rowsOf(t, `{"`+long+`":5,"a":1}`)
	if len(rows) != 1 || len(damage) != 1 || rows[0].fields["a"][0] != "1" || rows[0].fields[restField][0] != `"`+long+`":5` {
		t.Errorf("long name: %v", damage)
	}
}

// TestManyNamesAndSources reads lines that all have other names, and other channels: memory is bounded by flushing.
func TestManyNamesAndSources(t *testing.T) {
	require.Time(t, "reads as many names as a decoder keeps three times over, in one goroutine")
	var text strings.Builder
	for i := range 3 * maxPaths {
		fmt.Fprintf(&text, "{\"n%d\":%d,\"Channel\":\"c%d\",\"EventID\":1}\n", i, i, i%3000)
	}
	g := &gather{look: func(b *event.Batch) error {
		if b.Rows*len(b.Cols) > 4<<20+maxPaths {
			t.Errorf("%d rows of %d columns", b.Rows, len(b.Cols))
		}
		return nil
	}}
	if err := read(event.File{Name: "x", Body: strings.NewReader(text.String())}, event.Everything(), g); err != nil || g.rows != 3*maxPaths {
		t.Errorf("%d rows, %v", g.rows, err)
	}
}

func TestLongLinesArePassedOver(t *testing.T) {
	require.Time(t, "reads lines longer than the longest that is kept, in one goroutine")
	huge := io.MultiReader(strings.NewReader("{\"a\":1}\n{\"a\":\""), io.LimitReader(zeros{}, maxRecord+segmentSize), strings.NewReader("\"}\n{\"a\":3}\n"))
	rows, damage := readRows(t, event.File{Name: "x", Body: huge}, event.Everything())
	if got := describe(rows); !strings.HasPrefix(got, "0/1:1 ") || !strings.HasSuffix(got, "/3:3") || len(rows) != 2 || len(damage) != 1 {
		t.Errorf("%q, damage %v", got, damage)
	}
	huge = io.MultiReader(strings.NewReader("[{\"a\":1},\n{\"a\":\""), io.LimitReader(zeros{}, maxRecord+segmentSize), strings.NewReader("\"},\n{\"a\":3}]\n"))
	rows, damage = readRows(t, event.File{Name: "x", Body: huge}, event.Everything())
	if got := describe(rows); !strings.HasPrefix(got, "1/1:1 ") || !strings.HasSuffix(got, "/2:3") || len(rows) != 2 || len(damage) != 1 {
		t.Errorf("%q, damage %v", got, damage)
	}
	long := strings.Repeat("x", segmentSize+10)
	rows, damage = rowsOf(t, "{\"a\":1}\n{\"a\":\""+long+"\"}\n{\"a\":3}\n")
	if len(rows) != 3 || len(damage) != 0 || len(rows[1].fields["a"][0]) != len(long) {
		t.Errorf("%d rows, %v", len(rows), damage)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// TestHostileTextIsReadInLinearTime holds texts that make a careless scanner quadratic.
func TestHostileTextIsReadInLinearTime(t *testing.T) {
	size := 8 << 20 // more than a segment
	if testing.Short() {
		size = 1 << 18
	}
	for name, text := range map[string]func(n int) string{ // of about n bytes
		"unclosed arrays":  func(n int) string { return "[\n" + strings.Repeat("{\"a\":[\n", n/7) },
		"unclosed objects": func(n int) string { return "[\n" + strings.Repeat("{\"a\":\n", n/6) + "!" },
		"quotes":           func(n int) string { return "[" + strings.Repeat(`{"`, n/2) },
		"brackets":         func(n int) string { return strings.Repeat("[", n) },
		"backslashes":      func(n int) string { return `{"a":"` + strings.Repeat(`\`, n) },
		"odd backslashes":  func(n int) string { return "{\"a\":\"" + strings.Repeat(`\"`, n/2) },
		"wrappers":         func(n int) string { return strings.Repeat(`{"hits":{"hits":[`, n/17) },
	} {
		growth.Linear(t, name, size/2, func(n int) func() {
			text := text(n)
			return func() {
				if err := read(event.File{Name: "x", Size: int64(len(text)), Body: strings.NewReader(text)}, event.Everything(), &gather{}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestErrorsOfTheFileAreToldAfterWhatWasRead(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, text := range []string{"{\"a\":1}\n{\"a\":2}\n", "[{\"a\":1},\n{\"a\":2},"} {
		g := &gather{}
		err := read(event.File{Name: "x", Body: io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))}, event.Everything(), g)
		if !errors.Is(err, broken) || g.rows != 2 {
			t.Errorf("%d rows, %v", g.rows, err)
		}
	}
	stop := errors.New("enough")
	g := &gather{look: func(*event.Batch) error { return stop }}
	if err := read(event.File{Name: "x", Body: strings.NewReader("{}")}, event.Everything(), g); err != stop {
		t.Errorf("the sink's error became %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s, _ := Format{}.Open(event.File{Name: "x", Body: strings.NewReader("{}")})
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := (Format{}).Open(event.File{Name: "x", Body: strings.NewReader("{}"), Hints: event.Hints{Encoding: "klingon"}}); err == nil {
		t.Error("an unknown encoding is taken")
	}
}

func TestNeedsBoundRowsAndColumns(t *testing.T) {
	text := "{\"time\":\"2024-01-01T00:00:00Z\",\"a\":1,\"b\":2}\n{\"time\":\"2024-01-02T00:00:00Z\",\"a\":1,\"b\":2}\n{\"a\":3}\n"
	day := int64(24 * time.Hour)
	at := time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC).UnixNano()
	needs := event.Needs{Since: at, Until: at + day, Want: func(event.Source) event.Want { return event.Want{Fields: []string{"b", "c"}} }}
	var got []string
	g := &gather{look: func(b *event.Batch) error {
		got = append(got, fmt.Sprint(b.Rows, b.Schema.Fields, b.Record))
		return nil
	}}
	if err := read(event.File{Name: "x", Body: strings.NewReader(text)}, needs, g); err != nil || fmt.Sprint(got) != "[2 [b] [2 3]]" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestEncodingHint(t *testing.T) {
	f := event.File{Name: "x", Body: strings.NewReader("{\"a\":\"\xa5\\\"}"), Hints: event.Hints{Encoding: "Big5"}}
	rows, damage := readRows(t, f, event.Everything())
	if len(rows) != 1 || len(damage) > 0 || rows[0].fields["a"][0] != "功" {
		t.Errorf("%v %v", rows, damage)
	}
}

func TestTheRecordBehindAHoleIsNotLost(t *testing.T) {
	hole := strings.Repeat("\x00", maxRecord+segmentSize)
	rows, damage := rowsOf(t, "{\"a\":1}\n{\"a\":2}\n"+hole+"{\"a\":3}\n")
	if got, want := describe(rows), fmt.Sprintf("0/1:1 8/2:2 %d/3:3", 16+len(hole)); got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
	if len(damage) == 0 || damage[0].Offset != 16 {
		t.Errorf("damage %v", damage)
	}
}
