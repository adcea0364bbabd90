package winxml

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/wide"
)

// Sizes in bytes.
const (
	segmentSize = 4 << 20
	maxEvent    = 16 << 20 // EVTX records are at most 64 KiB, so this is generous
)

// cut says how a segment was cut. It is immutable.
type cut struct {
	events []span
	wide   bool // the file is UTF-16; Data is UTF-8
}

// span is an event in a segment's data.
type span struct{ from, to int }

// stream cuts a file behind the end tags of events.
type stream struct {
	file   event.File
	body   io.Reader
	wide   bool
	room   int // bytes of a segment
	carry  []byte
	offset uint64 // of carry in the file
	number uint64 // of the next event, from 1
	err    error

	endless bool // a declaration had no end: no more are looked for
}

// Next implements event.Stream.
func (s *stream) Next(ctx context.Context) (*event.Segment, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.err != nil && len(s.carry) == 0 {
			if errors.Is(s.err, io.EOF) {
				return nil, io.EOF
			}
			return nil, fmt.Errorf("read %s at offset %d: %w", s.file.Name, s.offset, s.err)
		}
		buf := s.carry
		if s.err == nil {
			buf = make([]byte, max(s.room, min(2*len(s.carry), 2*maxEvent)))
			n := copy(buf, s.carry)
			var more int
			more, s.err = io.ReadFull(s.body, buf[n:])
			if errors.Is(s.err, io.ErrUnexpectedEOF) {
				s.err = io.EOF
			}
			buf = buf[:n+more]
		}
		if seg := s.cut(buf); seg != nil {
			return seg, nil
		}
	}
}

// cut delivers the whole events of buf and carries the rest.
func (s *stream) cut(buf []byte) *event.Segment {
	seg := &event.Segment{Offset: s.offset, Record: s.number, File: &s.file}
	state := &cut{wide: s.wide}
	tell := func(at int, reason string) {
		seg.Damage = append(seg.Damage, event.Damage{Offset: s.offset + s.size(buf[:at]), Reason: reason})
	}
	at := 0
	for {
		from := nextEvent(buf, at)
		until := from
		if until < 0 {
			until = len(buf)
		}
		if n := bytes.Index(buf[at:until], doctypeOpen); n >= 0 && !s.endless {
			at += n
			end := doctypeEnd(buf[at:min(len(buf), at+maxDoctype)])
			switch {
			case end >= 0 && declares(buf[at:at+end]):
				tell(at, "a document type declaration is passed over: entities that it declares stay as they are written")
				fallthrough
			case end >= 0:
				at += end
			case s.err == nil && len(buf)-at < maxDoctype:
				return s.deliver(seg, state, buf, at)
			default:
				tell(at, fmt.Sprintf("a document type declaration has no end within %d bytes: what it declares is read as if it stood outside", maxDoctype))
				at += len(doctypeOpen)
				s.endless = true
			}
			continue
		}
		if from < 0 { // keep what may be the beginning of a start tag
			if at = len(buf); s.err == nil {
				at = max(len(buf)-64, min(at, lastEnd(state)))
			}
			break
		}
		end, broken := eventEnd(buf, from)
		if broken > 0 && len(seg.Damage) < 64 {
			tell(from, "an event begins before this one has ended")
		}
		if broken > 0 {
			at = broken
			continue
		}
		if end < 0 {
			at = from
			if len(buf)-from > maxEvent {
				tell(from, fmt.Sprintf("an event longer than %d bytes is passed over", maxEvent))
				at = len(buf) - 64
			} else if s.err != nil {
				tell(from, "the event is cut off")
				at = len(buf)
			}
			break
		}
		state.events = append(state.events, span{from, end})
		at = end
	}
	return s.deliver(seg, state, buf, at)
}

// deliver gives what is before a place, when it holds anything, and carries the rest.
func (s *stream) deliver(seg *event.Segment, state *cut, buf []byte, at int) *event.Segment {
	s.carry = buf[at:]
	seg.Data, seg.State = buf[:at], state
	s.offset += s.size(buf[:at])
	s.number += uint64(len(state.events))
	if len(state.events) == 0 && len(seg.Damage) == 0 {
		return nil
	}
	return seg
}

func lastEnd(c *cut) int {
	if len(c.events) == 0 {
		return 0
	}
	return c.events[len(c.events)-1].to
}

func (s *stream) size(data []byte) uint64 {
	if s.wide {
		return wide.Bytes(data)
	}
	return uint64(len(data))
}

var startTag = []byte("<Event")

// nextEvent gives the place of the next start tag of an event, or -1.
func nextEvent(data []byte, at int) int {
	for at < len(data) {
		n := bytes.Index(data[at:], startTag)
		if n < 0 {
			return -1
		}
		if at += n; isEventTag(data[at:]) {
			return at
		}
		at += len(startTag)
	}
	return -1
}

// isEventTag tells <Event …> from <Events>, <EventData> and <EventID>.
func isEventTag(data []byte) bool {
	if len(data) <= len(startTag) {
		return false
	}
	c := data[len(startTag)]
	return c == '>' || c == '/' || isSpace(c)
}

// eventEnd gives the end of the event whose start tag is at from, -1 when it is not in the text. Where another event
// begins inside, which no event does but one that was cut off, broken is its place.
func eventEnd(data []byte, from int) (end, broken int) {
	depth := 0
	for at := from; ; {
		n := bytes.IndexByte(data[at:], '<')
		if n < 0 {
			return -1, 0
		}
		at += n
		rest := data[at:]
		switch {
		case bytes.HasPrefix(rest, cdataOpen):
			n = after(rest, cdataClose)
		case bytes.HasPrefix(rest, commentOpen):
			n = after(rest, commentClose)
		case bytes.HasPrefix(rest, []byte("</Event>")):
			n = len("</Event>")
			if depth--; depth == 0 {
				return at + n, 0
			}
		case bytes.HasPrefix(rest, startTag) && isEventTag(rest):
			if n = after(rest, []byte(">")); n > 0 {
				if rest[n-2] == '/' {
					if depth == 0 {
						return at + n, 0
					}
				} else if depth++; depth > 1 && bytes.HasPrefix(bytes.TrimLeft(rest[n:], " \t\r\n"), []byte("<System")) {
					return -1, at
				}
			}
		default:
			n = 1
		}
		if n < 0 {
			return -1, 0
		}
		at += n
	}
}

// after gives the place behind the first mark, or -1.
func after(data, mark []byte) int {
	if n := bytes.Index(data, mark); n >= 0 {
		return n + len(mark)
	}
	return -1
}
