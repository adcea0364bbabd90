// Package task reads the definitions of Windows scheduled tasks, as they lie in Windows\System32\Tasks and as schtasks exports them.
//
// It promises one event per file: when the task was registered, by whom, as whom it runs, what it starts and when. Fields are named as
// the elements are, parts of a path joined by a dot. It refuses document type declarations, expands no entity but those of XML, and
// runs nothing.
package task

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/contrail-ir/contrail/event"
)

// Limits: Windows refuses definitions that are far smaller.
const (
	maxBytes  = 4 << 20
	maxFields = 2000
	maxDepth  = 32
)

const namespace = "http://schemas.microsoft.com/windows/2004/02/mit/task"

// Format is the format of task definitions.
type Format struct{}

var _ event.Format = Format{}

// Name implements event.Format.
func (Format) Name() string { return "task" }

// Recognise implements event.Format: certain of a Task element with the namespace of scheduled tasks.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	text := toUTF8(head[:min(len(head), 8192)])
	at := bytes.Index(text, []byte("<Task"))
	if at < 0 || bytes.Contains(text[:at], []byte("<!DOCTYPE")) || len(bytes.TrimLeft(text[:at], " \t\r\n")) > 0 && !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("<?xml")) {
		return event.No
	}
	if bytes.Contains(text[at:], []byte(namespace)) {
		return event.Certain
	}
	if bytes.Contains(text[at:], []byte("<RegistrationInfo")) && len(text[at:]) > 5 && strings.ContainsRune(" \t\r\n>", rune(text[at+5])) {
		return event.Likely
	}
	return event.No
}

// toUTF8 undoes UTF-16, in which Windows writes tasks.
func toUTF8(b []byte) []byte {
	var order unicode.Endianness
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}) || len(b) > 1 && b[0] == '<' && b[1] == 0:
		order = unicode.LittleEndian
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}) || len(b) > 1 && b[0] == 0 && b[1] == '<':
		order = unicode.BigEndian
	default:
		return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	}
	out, _, _ := transform.Bytes(unicode.UTF16(order, unicode.UseBOM).NewDecoder(), b)
	return out
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) { return &stream{file: f}, nil }

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	return &decoder{b: event.NewBuilder(event.Source{Product: event.ProductWindows, Service: "scheduled-task"})}
}

type stream struct {
	file event.File
	done bool
}

// Next implements event.Stream.
func (s *stream) Next(ctx context.Context) (*event.Segment, error) {
	if s.done {
		return nil, io.EOF
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.done = true
	data, err := io.ReadAll(io.LimitReader(s.file.Body, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.file.Name, err)
	}
	seg := &event.Segment{Data: data, File: &s.file}
	if len(data) > maxBytes {
		seg.Data = data[:maxBytes]
		seg.Damage = []event.Damage{{Offset: maxBytes, Reason: fmt.Sprintf("the task definition is longer than %d bytes: the rest is not read", maxBytes)}}
	}
	return seg, nil
}

type decoder struct{ b *event.Builder }

// Decode implements event.Decoder.
func (d *decoder) Decode(seg *event.Segment, needs *event.Needs, sink event.Sink) error {
	for _, x := range seg.Damage {
		sink.Damage(x)
	}
	fields, err := parse(seg.Data)
	if err != nil {
		sink.Damage(event.Damage{Reason: "the task definition is not well formed: " + err.Error()})
	}
	if len(fields) == 0 {
		return nil
	}
	ns := registered(fields, seg.File.Hints)
	if !needs.Covers(ns) {
		return nil
	}
	fields = append(fields, field{"TaskName", taskName(fields, seg.File.Name)})
	if d.b.Fields() > maxFields {
		d.b = event.NewBuilder(d.b.Source())
	}
	d.b.Reset()
	want := needs.Of(d.b.Source())
	d.b.Row(ns, 0, 1, []byte(seg.File.Hints.Host))
	for _, f := range fields {
		if want.All || contains(want.Fields, f.name) {
			d.b.Text(d.b.Field(f.name), []byte(f.value))
		}
	}
	batch := d.b.Compact()
	batch.Fetch = func(_ int, rec *event.Record) error {
		for _, f := range fields {
			rec.Add(f.name, event.Text, f.value)
		}
		return nil
	}
	return sink.Batch(batch)
}

func contains(sorted []string, name string) bool {
	for _, s := range sorted {
		if s == name {
			return true
		}
	}
	return false
}

type field struct{ name, value string }

// parse gives the text of all elements, named by their path below Task, and attributes but namespaces.
func parse(data []byte) (fields []field, err error) {
	in := xml.NewDecoder(bytes.NewReader(toUTF8(data)))
	in.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it was decoded, whatever it says
	in.Entity = map[string]string{}
	var open []string
	var text strings.Builder
	for {
		t, err := in.Token()
		if errors.Is(err, io.EOF) {
			return fields, nil
		}
		if err != nil {
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) { // its message can quote the evidence
				err = fmt.Errorf("line %d: %q", syntax.Line, syntax.Msg)
			}
			return fields, err
		}
		if len(fields) > maxFields {
			return fields, fmt.Errorf("more than %d elements: the rest is not read", maxFields)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if open = append(open, t.Name.Local); len(open) > maxDepth {
				return fields, fmt.Errorf("more than %d elements within each other: the rest is not read", maxDepth)
			}
			text.Reset()
			for _, a := range t.Attr {
				if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
					fields = append(fields, field{strings.Join(append(open[1:len(open):len(open)], a.Name.Local), "."), a.Value})
				}
			}
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if v := strings.TrimSpace(text.String()); v != "" && len(open) > 1 {
				fields = append(fields, field{strings.Join(open[1:], "."), v})
			}
			text.Reset()
			open = open[:max(0, len(open)-1)]
		case xml.Directive:
			return fields, errors.New("a document type declaration, which no task has: not read further")
		}
	}
}

// registered gives the date of registration, which names no zone unless it ends in one.
func registered(fields []field, h event.Hints) int64 {
	zone := h.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, f := range fields {
		if f.name != "RegistrationInfo.Date" {
			continue
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.ParseInLocation(layout, f.value, zone); err == nil && t.Year() > 1700 && t.Year() < 2200 {
				return t.Add(h.Offset).UnixNano()
			}
		}
	}
	return event.NoTime
}

// taskName is the task's own name, or what the place of its file says.
func taskName(fields []field, name string) string {
	for _, f := range fields {
		if f.name == "RegistrationInfo.URI" {
			return f.value
		}
	}
	name = strings.ReplaceAll(name, "!", "/")
	if i := strings.LastIndex(strings.ToLower(name), "/tasks/"); i >= 0 {
		return strings.ReplaceAll(name[i+len("/tasks"):], "/", `\`)
	}
	return path.Base(name)
}
