package syslog

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// Journal reads what the systemd journal's own tools write of it: the export format, and JSON with an entry a line. An entry is the same
// message that syslog would have, with the journal's fields beside it.
type Journal struct{}

// Name implements event.Format.
func (Journal) Name() string { return "systemd-journal" }

const realtime = "__REALTIME_TIMESTAMP"

// Recognise implements event.Format.
func (Journal) Recognise(head []byte, _ string) event.Confidence {
	text := bytes.TrimLeft(lines.Text(head), "\r\n\x1e")
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	if bytes.HasPrefix(line, []byte("__CURSOR=")) || bytes.HasPrefix(line, []byte(realtime+"=")) {
		return event.Certain
	}
	if !bytes.HasPrefix(line, []byte{'{'}) || !bytes.Contains(line, []byte(`"`+realtime+`"`)) {
		return event.No
	}
	if e, ok := jsonEntry(line); ok && e.first(realtime) != nil {
		return event.Certain
	}
	return event.No
}

// Open implements event.Format.
func (Journal) Open(f event.File) (event.Stream, error) {
	return message.Open(f, message.Cut{Last: func(data []byte) int {
		for at := 0; at < len(data); {
			n, whole := entryLength(data[at:])
			if !whole {
				return at
			}
			at += n
		}
		return len(data)
	}})
}

// Decoder implements event.Format.
func (Journal) Decoder() event.Decoder {
	d := &decoder{sources: map[uint32]event.Source{}}
	return &message.Decoder{Start: d.start, Read: d.journal, Cut: func(b []byte) (int, uint64) {
		n, _ := entryLength(b)
		return n, uint64(bytes.Count(b[:n], []byte{'\n'}))
	}}
}

// maxBinary bounds what a field may say of its own length.
const maxBinary = message.MaxRecord

// entryLength gives the length of the entry at the beginning of b with the empty line behind it, and whether its end was seen.
func entryLength(b []byte) (n int, whole bool) {
	begun := false
	for n < len(b) {
		end := bytes.IndexByte(b[n:], '\n')
		if end < 0 {
			return len(b), false
		}
		line := b[n : n+end]
		n += end + 1
		switch {
		case isObject(line):
			if begun { // an entry that was cut off
				return n - end - 1, true
			}
			return n, true
		case len(bytes.TrimSuffix(line, []byte{'\r'})) == 0:
			if begun {
				return n, true
			}
		default:
			begun = true
			if bytes.IndexByte(line, '=') < 0 {
				size, all := binaryLength(b[n:])
				if !all {
					return len(b), false
				}
				n += size
			}
		}
	}
	return n, false
}

// binaryLength gives the length of a field's value that stands behind its name with a length before it. A length that cannot be is none:
// what follows is read line by line.
func binaryLength(b []byte) (n int, all bool) {
	if len(b) < 8 {
		return 0, false
	}
	size := binary.LittleEndian.Uint64(b)
	if size > maxBinary {
		return 0, true
	}
	n = 8 + int(size)
	if n < len(b) && b[n] == '\n' {
		n++
	}
	return n, n <= len(b)
}

func isObject(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(line, []byte{0x1e}), []byte{'{'})
}

// entry is the fields of one entry of the journal, in order.
type entry []field

type field struct{ name, value []byte }

func (e entry) first(name string) []byte {
	for _, f := range e {
		if string(f.name) == name {
			return f.value
		}
	}
	return nil
}

func (e entry) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(string(e.first(name)), 10, 64)
	return n, err == nil && n >= 0
}

func exportEntry(b []byte) (e entry, ok bool) {
	ok = true
	for len(b) > 0 {
		line, rest, _ := bytes.Cut(b, []byte{'\n'})
		if name, value, found := bytes.Cut(line, []byte{'='}); found {
			e = append(e, field{name, bytes.TrimSuffix(value, []byte{'\r'})})
			b = rest
			continue
		}
		if len(bytes.TrimSuffix(line, []byte{'\r'})) == 0 {
			b = rest
			continue
		}
		n, all := binaryLength(rest)
		if !all || n == 0 {
			ok = false
			b = rest
			continue
		}
		e = append(e, field{line, rest[8 : 8+binary.LittleEndian.Uint64(rest)]})
		b = rest[n:]
	}
	return e, ok
}

// jsonEntry reads an entry as JSON: a field with several values is an array, one that is no text an array of bytes, one that is too
// large null.
func jsonEntry(line []byte) (e entry, ok bool) {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(line, []byte{0x1e})))
	d.UseNumber()
	if d.Decode(&fields) != nil {
		return nil, false
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		e = e.add(name, fields[name])
	}
	return e, true
}

func (e entry) add(name string, value any) entry {
	switch v := value.(type) {
	case string:
		return append(e, field{[]byte(name), []byte(v)})
	case json.Number:
		return append(e, field{[]byte(name), []byte(v)})
	case bool:
		return append(e, field{[]byte(name), strconv.AppendBool(nil, v)})
	case []any:
		raw := make([]byte, 0, len(v))
		for _, x := range v {
			n, err := strconv.ParseUint(numberText(x), 10, 8)
			if err != nil {
				break
			}
			raw = append(raw, byte(n))
		}
		if len(raw) == len(v) {
			return append(e, field{[]byte(name), raw})
		}
		for _, x := range v {
			if _, nested := x.([]any); nested || numberText(x) == "" {
				e = e.add(name, x)
			}
		}
	}
	return e
}

func numberText(x any) string {
	n, _ := x.(json.Number)
	return string(n)
}

// journal reads an entry.
func (d *decoder) journal(rows *message.Rows, r message.Record) {
	text := bytes.TrimRight(r.Text, "\r\n")
	if len(text) == 0 {
		return
	}
	var e entry
	var ok bool
	if isObject(text) {
		e, ok = jsonEntry(text)
	} else {
		e, ok = exportEntry(r.Text)
	}
	h := &d.h
	*h = header{pri: -1, native: e}
	if !ok || len(e) == 0 {
		rows.Odd(r.Offset, "no entry of the journal, or one that is cut off")
	}
	if len(e) == 0 {
		h.message = text
	} else {
		h.message = e.first("MESSAGE")
	}
	ns := event.NoTime
	if micro, ok := e.number(realtime); ok && micro < 1<<62/1000 {
		ns = micro * 1000
	} else if len(e) > 0 {
		rows.Odd(r.Offset, "an entry without a time")
	}
	h.host, h.app, h.pid = e.first("_HOSTNAME"), e.first("SYSLOG_IDENTIFIER"), e.first("_PID")
	if h.app == nil {
		h.app = e.first("_COMM")
	}
	if h.pid == nil {
		h.pid = e.first("SYSLOG_PID")
	}
	if facility, ok := e.number("SYSLOG_FACILITY"); ok && facility < int64(len(facilities)) {
		h.pri = int(facility)*8 + 6
		if severity, ok := e.number("PRIORITY"); ok && severity < 8 {
			h.pri = int(facility)*8 + int(severity)
		}
	}
	d.host(rows, r, h, ns)
}
