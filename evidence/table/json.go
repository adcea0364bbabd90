package table

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/delimited"
	"github.com/contrail-ir/contrail/evidence/jsonlog"
)

// asJSON decodes a table's rows as JSON objects: of their columns, or of the one column that holds the whole record.
type asJSON struct {
	inner event.Decoder
	cuts  delimited.Cutter
	split delimited.Splitter
	buf   []byte
	at    []uint64 // of each object in buf
	from  []uint64 // its row's offset in the file
	line  []uint64 // and its line
	host  string   // that of the file
}

func (d *asJSON) decode(h *header, seg *event.Segment, needs *event.Needs, sink event.Sink) error {
	if d.inner == nil {
		d.inner = jsonlog.Format{}.Decoder()
	}
	d.cuts = delimited.Cutter{Comma: h.comma}
	d.buf, d.at, d.from, d.line = d.buf[:0], d.at[:0], d.from[:0], d.line[:0]
	d.host = seg.File.Hints.Host
	number := seg.Record
	odd, oddAt := false, uint64(0)
	for at := 0; at < len(seg.Data); {
		n, count := d.cuts.Cut(seg.Data[at:])
		record := bytes.TrimRight(seg.Data[at:at+n], "\r\n")
		offset, line := seg.Offset+uint64(at), number
		at += n
		number += count
		if len(record) == 0 || offset < h.end || bytes.Equal(record, h.line) {
			continue
		}
		d.split.Split(record, h.comma)
		if n := len(d.split.Fields); n != len(h.columns) && !odd && !(h.people && n == len(h.columns)+1) {
			odd, oddAt = true, offset
		}
		d.at = append(d.at, uint64(len(d.buf)))
		d.from = append(d.from, offset)
		d.line = append(d.line, line)
		d.object(h)
	}
	if odd {
		sink.Damage(event.Damage{Offset: oddAt, Reason: "the number of values is not that of the header, here and perhaps further on"})
	}
	return d.rows(seg.File, needs, &placed{sink: sink, d: d})
}

// rows decodes the objects as a file of JSON lines of their own.
func (d *asJSON) rows(f *event.File, needs *event.Needs, sink event.Sink) error {
	hints := f.Hints
	hints.Encoding = "" // it is UTF-8 by now
	stream, err := jsonlog.Format{}.Open(event.File{Name: f.Name, Size: int64(len(d.buf)), Body: bytes.NewReader(d.buf), ModTime: f.ModTime, Hints: hints})
	if err != nil {
		return err
	}
	for {
		seg, err := stream.Next(context.Background())
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		err = d.inner.Decode(seg, needs, sink)
		seg.Release()
		if err != nil {
			return err
		}
	}
}

// object appends the row as a line of JSON.
func (d *asJSON) object(h *header) {
	values := d.split.Fields
	if h.whole >= 0 && h.whole < len(values) && json.Valid(values[h.whole]) && bytes.HasPrefix(bytes.TrimSpace(values[h.whole]), []byte("{")) {
		for _, c := range values[h.whole] {
			if c == '\n' || c == '\r' { // between tokens: within strings JSON has none
				c = ' '
			}
			d.buf = append(d.buf, c)
		}
		d.buf = append(d.buf, '\n')
		return
	}
	d.buf = append(d.buf, '{')
	begun := false
	put := func(name string, v []byte) {
		if begun {
			d.buf = append(d.buf, ',')
		}
		begun = true
		d.buf = append(appendString(d.buf, []byte(name)), ':')
		d.buf = appendString(d.buf, v)
	}
	for i, v := range values {
		switch {
		case i == len(h.columns) && h.people: // the column that the Event Viewer gives no name
			put("Message", v)
		case i >= len(h.columns):
			put("_extra", v)
		case len(v) > 0:
			name := h.columns[i].name
			if renamed := viewer[name]; renamed != "" && h.people {
				name = renamed
			}
			put(name, v)
			if name == "ProviderName" && h.people {
				put("LogName", []byte(channels[string(v)]))
			}
		}
	}
	if h.people {
		put("MachineName", []byte(d.host))
	}
	d.buf = append(d.buf, "}\n"...)
}

// viewer maps the Event Viewer's columns to those of PowerShell's.
var viewer = map[string]string{"Event ID": "Id", "Source": "ProviderName", "Date and Time": "TimeCreated", "Level": "LevelDisplayName", "Keywords": "KeywordsDisplayNames", "Task Category": "TaskDisplayName"}

// channels are those of providers that write to one channel alone; the Event Viewer's export does not name the channel.
var channels = map[string]string{
	"Microsoft-Windows-Security-Auditing": "Security", "Microsoft-Windows-Sysmon": "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-PowerShell": "Microsoft-Windows-PowerShell/Operational",
	"Service Control Manager": "System", "PowerShell": "Windows PowerShell", "Microsoft-Windows-TaskScheduler": "Microsoft-Windows-TaskScheduler/Operational", "Microsoft-Windows-Windows Defender": "Microsoft-Windows-Windows Defender/Operational",
	"Microsoft-Windows-WMI-Activity": "Microsoft-Windows-WMI-Activity/Operational",
}

func appendString(dst, v []byte) []byte {
	const digits = "0123456789abcdef"
	if !utf8.Valid(v) {
		v = []byte(strings.ToValidUTF8(string(v), "\uFFFD"))
	}
	dst = append(dst, '"')
	for _, c := range v {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// placed hands batches on with the places of the rows in the table.
type placed struct {
	sink event.Sink
	d    *asJSON
}

func (p *placed) row(at uint64) int {
	return max(0, sort.Search(len(p.d.at), func(i int) bool { return p.d.at[i] > at })-1)
}

func (p *placed) Batch(b *event.Batch) error {
	out := *b
	out.Offset = make([]uint64, b.Rows)
	out.Record = make([]uint64, b.Rows)
	for i, at := range b.Offset {
		if n := p.row(at); n < len(p.d.from) {
			out.Offset[i], out.Record[i] = p.d.from[n], p.d.line[n]
		}
	}
	return p.sink.Batch(&out)
}

func (p *placed) Damage(d event.Damage) {
	if n := p.row(d.Offset); n < len(p.d.from) {
		d.Offset = p.d.from[n]
	}
	p.sink.Damage(d)
}
