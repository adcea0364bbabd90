package evtx

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// checker compares every row of every batch with the reference: all columns, the whole record, time, number and host.
type checker struct {
	tb          testing.TB
	name        string
	lenient     bool                  // the reference may refuse
	parsers     map[uint64]*refParser // by offset of the chunk
	data        []byte
	rows        int
	fields      int
	overwritten int
	bad         int
	damage      []event.Damage
	order       []string // where the rows came, for determinism
}

func newChecker(tb testing.TB, name string, data []byte) *checker {
	return &checker{tb: tb, name: name, data: data, parsers: map[uint64]*refParser{}}
}

func (c *checker) Damage(d event.Damage) { c.damage = append(c.damage, d) }

func (c *checker) fail(offset uint64, format string, args ...any) {
	if c.bad++; c.bad < 10 {
		c.tb.Errorf("%s: record at %d: %s", c.name, offset, fmt.Sprintf(format, args...))
	}
}

// reference gives the fields of the record at an offset, in files whose chunks are where they belong.
func (c *checker) reference(offset uint64, recovered bool) (fields []refField, err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("%v", e)
		}
	}()
	chunk := (offset - fileHeaderSize) / chunkSize * chunkSize
	begin := fileHeaderSize + chunk
	p := c.parsers[begin]
	if p == nil {
		p = newRefParser(c.data[begin:min(begin+chunkSize, uint64(len(c.data)))])
		c.parsers[begin] = p
	}
	p.slack = recovered || c.lenient
	return refFields(p.record(int(offset - begin))), nil
}

func (c *checker) Batch(b *event.Batch) error {
	var rec event.Record
	if len(b.Cols) != len(b.Schema.Fields) {
		c.fail(0, "%d columns for %d fields", len(b.Cols), len(b.Schema.Fields))
	}
	for _, col := range b.Cols {
		c.column(b, col)
	}
	for row := range b.Rows {
		c.rows++
		at := b.Offset[row]
		c.order = append(c.order, fmt.Sprint(b.Schema.Source, at, b.Recovered))
		want, err := c.reference(at, b.Recovered)
		if err != nil && (b.Recovered || c.lenient) {
			c.overwritten++ // in part: the reference gives up
			continue
		}
		if err != nil {
			c.fail(at, "the reference says %v", err)
			continue
		}
		if err := b.Fetch(row, &rec); err != nil {
			c.fail(at, "%v", err)
			continue
		}
		c.record(at, want, &rec)
		c.row(b, row, want)
	}
	return nil
}

// eventID gives the number that is the id of an event, 0 when it has none. Hexadecimal digits are a number of that type, or text and none.
func eventID(text string, read uint32) uint64 {
	digits, base := text, 10
	if hex, ok := strings.CutPrefix(text, "0x"); ok && read != 0 {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0
	}
	return n
}

// column checks what a column promises whatever it holds.
func (c *checker) column(b *event.Batch, col *event.Column) {
	used := make([]bool, col.Dict.Len())
	for _, code := range col.Codes {
		if i, ok := code.Value(); ok {
			if i >= len(used) {
				c.fail(0, "code %d of %d values", i, len(used))
				return
			}
			used[i] = true
		}
	}
	seen := map[string]bool{}
	for i, u := range used {
		text := string(col.Dict.AppendText(nil, i))
		if !u || seen[text] {
			c.fail(b.Offset[0], "value %q is unused or twice in its dictionary", text)
		}
		seen[text] = true
	}
	switch {
	case col.Const:
		if len(col.Codes) != 1 || col.List != nil {
			c.fail(0, "constant column of %d codes", len(col.Codes))
		}
	case col.List != nil:
		if len(col.List) != b.Rows+1 || int(col.List[b.Rows]) != len(col.Codes) {
			c.fail(0, "list column of %d offsets for %d rows", len(col.List), b.Rows)
		}
	case len(col.Codes) != b.Rows:
		c.fail(0, "column of %d codes for %d rows", len(col.Codes), b.Rows)
	}
}

func (c *checker) record(at uint64, want []refField, rec *event.Record) {
	if len(want) != len(rec.Fields) {
		c.fail(at, "%d fields fetched, the reference has %d:\n%v\n%v", len(rec.Fields), len(want), rec.Fields, want)
		return
	}
	for i, f := range rec.Fields {
		w := want[i]
		if f.Name != w.name || f.Null != w.null || f.Text != w.text || f.Kind != w.kind && !f.Null {
			c.fail(at, "fetched %+v, the reference has %+v", f, w)
		}
	}
}

func (c *checker) row(b *event.Batch, row int, want []refField) {
	values := map[string][]string{}
	for _, f := range want {
		text := "=" + f.text
		if f.null {
			text = "null"
		}
		values[f.name] = append(values[f.name], text)
	}
	got := 0
	for i, col := range b.Cols {
		var have []string
		for _, code := range col.At(row) {
			switch v, ok := code.Value(); {
			case ok:
				have = append(have, "="+string(col.Dict.AppendText(nil, v)))
			case code == event.Null:
				have = append(have, "null")
			}
		}
		if len(have) > 0 {
			got++
		}
		c.fields += len(have)
		if name := b.Schema.Fields[i]; !slices.Equal(have, values[name]) {
			c.fail(b.Offset[row], "column %s is %q, the reference has %q", name, have, values[name])
		}
	}
	if got != len(values) {
		c.fail(b.Offset[row], "%d columns have a value, the reference has %d", got, len(values))
	}
	first := func(name string) string {
		if v := values[name]; len(v) > 0 {
			text := strings.TrimPrefix(v[0], "=")
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
				text = t.Format(time.RFC3339Nano)
				if t.Year() < 1678 { // not to be held: the header's time stands in
					return ""
				}
			}
			return text
		}
		return ""
	}
	s := b.Schema.Source
	for _, pair := range [][3]string{
		{"time", string(event.AppendTime(nil, b.Time[row])), cmp.Or(first(event.FieldTimeCreated), headerTime(c.data[b.Offset[row]:]))},
		{"record", fmt.Sprint(b.Record[row]), cmp.Or(first(event.FieldRecordID), fmt.Sprint(le64(c.data[b.Offset[row]+8:])))},
		{"host", b.Host.Text(row), first(event.FieldComputer)},
		{"channel", s.Channel, first(event.FieldChannel)},
		{"provider", s.Provider, first(event.FieldProvider)},
		{"event id", fmt.Sprint(s.ID), fmt.Sprint(eventID(first(event.FieldEventID), s.ID))},
	} {
		if pair[1] != pair[2] {
			c.fail(b.Offset[row], "%s is %q, the reference has %q", pair[0], pair[1], pair[2])
		}
	}
}

// TestReference holds the decoder and the reference together on every record of the real data, recovered ones included.
func TestReference(t *testing.T) {
	require.Time(t, "reads all real logs by the slow reference, in one goroutine")
	files := sharedFiles(t, "evtx-attack", "evtx-baseline", "sigma/regression_data")
	if len(files) != 408+160 {
		t.Errorf("%d files, want 568", len(files))
	}
	rows, fields, overwritten := 0, 0, 0
	for _, name := range files {
		data := require.Read(t, name)
		c := newChecker(t, name, data)
		read(t, data, event.Hints{Slack: true}, event.Everything(), c)
		rows += c.rows
		fields += c.fields
		overwritten += c.overwritten
	}
	t.Logf("%d records, %d values compared; %d recovered records overwritten in part left out", rows, fields, overwritten)
}

// headerTime renders the time that stands in the header of a record.
func headerTime(record []byte) string {
	return refValue(refItem{typ: 17, raw: record[16:24]}).text
}
