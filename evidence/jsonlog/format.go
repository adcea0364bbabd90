// Package jsonlog reads logs that are JSON: Windows events in every shape they are met in, and the logs of cloud services,
// sensors and applications, known by their content, record by record.
//
// It promises that the same Windows event gives the same columns whatever it came wrapped in, that no value is lost (what a
// limit keeps from being taken apart stays as JSON text), that absent, null and empty stay apart, and that damage costs no
// more than the record it is in. Names with dots are paths: {"a":{"b":1}} and {"a.b":1} are both the field "a.b"; elements
// of an array share its path and are a list, and so do names that occur twice; an empty array or object is null.
//
// It does not guess: a field that a shipper renamed keeps the shipper's name, and a host that merely forwarded the event is
// not the event's host. It refuses records longer than 64 MiB.
//
// docs/formats/windows-json.md lists the shapes, shapes.go and its two tables are the mapping.
package jsonlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/transform"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/wide"
)

// Format is the format of JSON logs: lines, arrays, objects end to end, and objects that wrap a list of records.
type Format struct{}

var _ event.Format = Format{}

// Name implements event.Format.
func (Format) Name() string { return "json" }

// Recognise implements event.Format: certain of logs it knows by name, likely of other JSON objects, and of broken JSON
// that begins like a record, possible.
func (Format) Recognise(head []byte, name string) event.Confidence {
	if w := wide.Detect(head, "{["); w != wide.Narrow {
		head = w.Decode(head)
	}
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	at := skipOpeners(head, 0)
	if at == len(head) {
		if bytes.IndexByte(head, '[') >= 0 { // an empty array
			return event.Possible
		}
		return event.No
	}
	if head[at] != '{' {
		return event.No
	}
	rec := newRecord()
	if to, opened, err := wrapped(head[at:], &rec.tape.skim); err == nil && opened > 0 {
		if at = skipSpace(head, at+to); at == len(head) || head[at] != '{' {
			return event.Likely
		}
	}
	_, err := rec.tape.read(head, at)
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		if len(rec.tape.nodes) == 0 {
			return event.No
		}
		return event.Possible
	}
	if err == nil || len(rec.tape.nodes) > 0 {
		if shapeOf(&rec.tape.marks, 0) < len(shapes)-1 {
			return event.Certain
		}
		return event.Likely
	}
	return event.Possible
}

// skipOpeners passes over white space, the beginnings of arrays, and the lines "Record N" that evtx_dump puts between
// objects.
func skipOpeners(data []byte, at int) int {
	for at < len(data) {
		switch {
		case isSpace(data[at]) || data[at] == '[':
			at++
		case data[at] == 'R':
			n := recordLine(data[at:])
			if n == 0 {
				return at
			}
			at += n
		default:
			return at
		}
	}
	return at
}

// recordLine gives the length of a line "Record N", 0 when there is none.
func recordLine(data []byte) int {
	rest, ok := bytes.CutPrefix(data, []byte("Record "))
	if !ok {
		return 0
	}
	n := 0
	for n < len(rest) && n < 20 && '0' <= rest[n] && rest[n] <= '9' {
		n++
	}
	end := n
	for end < len(rest) && rest[end] == '\r' {
		end++
	}
	if n == 0 || end < len(rest) && rest[end] != '\n' {
		return 0
	}
	return len("Record ") + end
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	s := newStream(f)
	head := make([]byte, 4)
	n, err := io.ReadFull(f.Body, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("open %s: %w", f.Name, err)
	}
	head = head[:n]
	body := io.MultiReader(bytes.NewReader(head), f.Body)
	w := wide.Detect(head, "{[")
	switch f.Hints.Encoding {
	case "", "utf-8", "UTF-8":
	case "utf-16", "UTF-16":
		w = max(w, wide.Little)
	case "utf-16le", "UTF-16LE":
		w = wide.Little
	case "utf-16be", "UTF-16BE":
		w = wide.Big
	default:
		if w != wide.Narrow {
			break
		}
		enc, err := ianaindex.IANA.Encoding(f.Hints.Encoding)
		if err != nil || enc == nil {
			return nil, fmt.Errorf("open %s: encoding %q is not known", f.Name, f.Hints.Encoding)
		}
		body = transform.NewReader(body, enc.NewDecoder())
	}
	if w != wide.Narrow {
		s.wide = true
		body = &wide.Reader{From: body, Order: w}
	}
	s.body = body
	return s, nil
}

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder { return &decoder{} }
