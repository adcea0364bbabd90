// Package winxml reads Windows events as XML: files that Event Viewer and wevtutil export, with or without the Events
// element around them, in UTF-8 or UTF-16, and single events that other logs carry as text.
//
// It promises the columns that the reader of the binary log gives, damage that costs no more than the event it is in, and
// bounded memory. It refuses document type declarations: no entity is ever expanded but the five of XML. It validates no
// schema and keeps characters that XML forbids, because Windows exports them.
package winxml

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/wide"
)

// Format is the format of files of Event elements.
type Format struct{}

var _ event.Format = Format{}

// Name implements event.Format.
func (Format) Name() string { return "winxml" }

// namespace is the one of every Windows event.
const namespace = "http://schemas.microsoft.com/win/2004/08/events/event"

// Recognise implements event.Format: certain of an Event element with the namespace of Windows events, likely of one
// with System inside.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	if w := wide.Detect(head, "<"); w != wide.Narrow {
		head = w.Decode(head)
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n\x00")
	if len(head) == 0 || head[0] != '<' {
		return event.No
	}
	at := 0
	if n := bytes.Index(head, doctypeOpen); n >= 0 && !bytes.Contains(head[:n], startTag) {
		end := doctypeEnd(head[n:])
		if end < 0 {
			if ofEvents(head[n:]) {
				return event.Likely
			}
			return event.No
		}
		at = n + end
	}
	if at = nextEvent(head, at); at < 0 {
		return event.No
	}
	begin := head[at:min(at+4096, len(head))]
	switch {
	case bytes.Contains(begin, []byte(namespace)):
		return event.Certain
	case bytes.Contains(begin, []byte("<System")):
		return event.Likely
	}
	return event.No
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(f.Body, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("open %s: %w", f.Name, err)
	}
	s := &stream{file: f, body: io.MultiReader(bytes.NewReader(head[:n]), f.Body), number: 1, room: segmentSize}
	s.file.Body = nil
	if 0 < f.Size && f.Size < segmentSize {
		s.room = int(f.Size) + 1 // the byte more finds the end of the file
	}
	if w := wide.Detect(head[:n], "<"); w != wide.Narrow {
		s.wide = true
		s.body = &wide.Reader{From: s.body, Order: w}
	}
	return s, nil
}

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder { return &decoder{sources: map[event.Source]*source{}} }
