// Package lines cuts text logs into segments at line ends.
//
// It is what the readers of text formats have in common: encodings turned into UTF-8, segments of whole lines or of whole
// quoted records, header lines that change what follows, and a bound on the length of a line. It promises that every byte
// is in exactly one segment or in a recorded damage, and that memory is bounded whatever the file. It knows no format.
package lines

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/contrail-ir/contrail/event"
)

const (
	// SegmentSize is about how many bytes a segment has.
	SegmentSize = 4 << 20
	// MaxLine is how long a line, or a record with quoted line ends, may be. A longer one is damage and not read.
	MaxLine = 16 << 20

	leastRead = 128 << 10
	room      = 4 << 10 // kept free in front of what is read, for Prepend
	maxQueue  = 1000    // segments that may come of one read before less is read at a time
)

// Options say how a format's lines are to be cut. The zero value cuts at any line end.
type Options struct {
	// Quoted keeps line ends between double quotes inside a record, as CSV does.
	Quoted bool
	// Header is asked about every line that begins with Mark, in order, and about the first line of the file when Mark is 0.
	// It returns what the following segments carry as their State, and true when the line was a header and belongs to no
	// segment. The line has no line end; it must be copied to be kept.
	Header func(line []byte, state any) (next any, header bool)
	Mark   byte
	// State is what segments carry before the first header.
	State any
}

// Stream implements event.Stream. Offsets are those of the text after decoding; lines are counted from 1, headers too.
type Stream struct {
	file    event.File
	options Options
	body    io.Reader
	pool    sync.Pool

	whole  []byte // room, and behind it what was read last
	rest   []byte // read, not yet in a segment
	offset uint64 // of rest[0]
	line   uint64 // number of the line that rest[0] begins
	state  any
	grow   int // how much to read for the next segment
	begun  bool
	end    bool
	damage []event.Damage
	hole   uint64 // zero bytes passed over in front of offset
	queue  []*event.Segment
}

// Open begins to cut a file, whose encoding is told by its hints, its byte order mark, or guessed.
func Open(f event.File, options Options) (*Stream, error) {
	body, err := decode(f)
	if err != nil {
		return nil, err
	}
	return &Stream{file: f, options: options, body: body, line: 1, state: options.State}, nil
}

// Next implements event.Stream.
func (s *Stream) Next(ctx context.Context) (*event.Segment, error) {
	for len(s.queue) == 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.end && len(s.rest) == 0 {
			if len(s.damage) > 0 || s.hole > 0 { // told with a last, empty segment
				seg := s.segment(nil, s.offset, s.line)
				return seg, nil
			}
			return nil, io.EOF
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
	seg := s.queue[0]
	s.queue = s.queue[1:]
	return seg, nil
}

// fill reads a segment's worth, and cuts what is complete.
func (s *Stream) fill() error {
	if old, ok := s.pool.Get().(*[]byte); ok {
		s.whole = *old
	} else {
		s.whole = make([]byte, room)
	}
	s.whole = append(s.whole[:room], s.rest...)
	if s.grow == 0 {
		s.grow = leastRead // most files are small: the first segment is, too
	}
	for want := s.grow; ; want += SegmentSize {
		if err := s.read(room + want); err != nil {
			return err
		}
		buf := s.whole[room:]
		cut := len(buf)
		if !s.end {
			cut = s.lastEnd(buf)
		}
		if cut == 0 && len(buf) > MaxLine {
			if n := len(buf) - len(bytes.TrimLeft(buf, "\x00")); n > 0 {
				s.passHole(buf, n)
				return nil
			}
			return s.skipLine(buf)
		}
		if cut > 0 || s.end {
			s.grow = min(SegmentSize, 4*s.grow)
			s.rest = append([]byte(nil), buf[cut:]...)
			if s.cut(buf[:cut]); len(s.queue) > maxQueue { // hardly anything but header lines
				s.grow = leastRead
			}
			return nil
		}
	}
}

// read reads until the buffer holds so much.
func (s *Stream) read(want int) error {
	b := s.whole
	if cap(b) < want {
		grown := make([]byte, len(b), want)
		copy(grown, b)
		b = grown
	}
	for len(b) < want && !s.end {
		n, err := s.body.Read(b[len(b):want])
		b = b[:len(b)+n]
		if err == io.EOF {
			s.end = true
		} else if err != nil {
			return err
		}
	}
	s.whole = b
	return nil
}

// Prepend puts text in front of the segment that was given last, without copying the segment. It says whether there was room.
func (s *Stream) Prepend(text []byte, seg *event.Segment) bool {
	n := len(seg.Data)
	if len(text) > room || n == 0 || len(s.whole) < room+n || &s.whole[room] != &seg.Data[0] {
		return false
	}
	at := room - copy(s.whole[room-len(text):room], text)
	seg.Data = s.whole[at : room+n]
	return true
}

// lastEnd gives the length of the complete lines at the beginning of b; a record whose quotes are still open is not complete.
func (s *Stream) lastEnd(b []byte) int {
	if !s.options.Quoted {
		return bytes.LastIndexByte(b, '\n') + 1
	}
	last, open, at := 0, false, 0
	for {
		i := bytes.IndexAny(b[at:], "\"\n")
		if i < 0 {
			return last
		}
		at += i + 1
		if b[at-1] == '"' {
			open = !open
		} else if !open {
			last = at
		}
	}
}

// passHole passes over zero bytes that are more than a line may be: a hole in a sparse file, whose next line must not be lost with it.
func (s *Stream) passHole(buf []byte, n int) {
	s.rest = append([]byte(nil), buf[n:]...)
	s.offset += uint64(n)
	s.hole += uint64(n)
}

// tellHole names the hole in front of the place at hand.
func (s *Stream) tellHole() {
	if s.hole > 0 {
		s.damage = append(s.damage, event.Damage{Offset: s.offset - s.hole, Reason: fmt.Sprintf("%d zero bytes are passed over", s.hole)})
		s.hole = 0
	}
}

// skipLine passes over a line that is too long, which is damage.
func (s *Stream) skipLine(buf []byte) error {
	began := s.offset
	n := uint64(len(buf))
	chunk := make([]byte, 64<<10)
	for !s.end {
		read, err := s.body.Read(chunk)
		if i := bytes.IndexByte(chunk[:read], '\n'); i >= 0 {
			n += uint64(i + 1)
			s.rest = append([]byte(nil), chunk[i+1:read]...)
			s.tooLong(began, n)
			s.end = err == io.EOF
			if err == io.EOF {
				err = nil
			}
			return err
		}
		n += uint64(read)
		if err == io.EOF {
			s.end = true
		} else if err != nil {
			return err
		}
	}
	s.rest = nil
	s.tooLong(began, n)
	return nil
}

func (s *Stream) tooLong(began, n uint64) {
	s.tellHole()
	s.damage = append(s.damage, event.Damage{Offset: began, Reason: fmt.Sprintf("line %d has %d bytes, more than %d: not read", s.line, n, MaxLine)})
	s.offset += n
	s.line++
}

// cut makes segments of b, which ends with a line end or with the file, parting it at header lines.
func (s *Stream) cut(b []byte) {
	from := 0
	if s.options.Header != nil {
		for at := s.nextHeader(b, 0); at >= 0; at = s.nextHeader(b, at) {
			end := len(b)
			if i := bytes.IndexByte(b[at:], '\n'); i >= 0 {
				end = at + i + 1
			}
			next, header := s.options.Header(bytes.TrimRight(b[at:end], "\r\n"), s.state)
			if header {
				s.enqueue(b[from:at])
				s.offset += uint64(end - at)
				s.line++
				from = end
				s.state = next
			}
			at = end
			if at == len(b) {
				break
			}
		}
	}
	if len(b) > 0 {
		s.begun = true
	}
	s.enqueue(b[from:])
	if len(s.queue) > 0 { // the last segment gives the buffer back, once
		last := s.queue[len(s.queue)-1]
		whole := s.whole
		last.Free = func([]byte) { s.pool.Put(&whole) }
		for _, seg := range s.queue[:len(s.queue)-1] {
			seg.Data = bytes.Clone(seg.Data) // others may be decoded after the buffer is used again
		}
	}
}

// nextHeader gives where the next line that may be a header begins, at or after at, or -1.
func (s *Stream) nextHeader(b []byte, at int) int {
	if s.options.Mark == 0 {
		if at == 0 && !s.begun && len(b) > 0 {
			s.begun = true
			return 0
		}
		return -1
	}
	if at < len(b) && b[at] == s.options.Mark && (at == 0 || b[at-1] == '\n') {
		return at
	}
	for from := at; ; { // the mark is rarer than line ends
		i := bytes.IndexByte(b[from:], s.options.Mark)
		if i < 0 {
			return -1
		}
		if from += i; from > at && b[from-1] == '\n' {
			return from
		}
		from++
	}
}

func (s *Stream) enqueue(b []byte) {
	if len(b) == 0 {
		return
	}
	s.queue = append(s.queue, s.segment(b, s.offset, s.line))
	s.offset += uint64(len(b))
	s.line += uint64(bytes.Count(b, []byte{'\n'}))
}

func (s *Stream) segment(b []byte, offset, line uint64) *event.Segment {
	s.tellHole()
	seg := &event.Segment{Data: b, Offset: offset, Record: line, State: s.state, File: &s.file, Damage: s.damage}
	s.damage = nil
	return seg
}

// Line is one line of a segment.
type Line struct {
	Text   []byte // without its line end
	Offset uint64 // in the file
	Number uint64 // from 1
}

// Each gives the lines of a segment. With quoted, a line end between double quotes does not end a line, and Number counts
// the line it begins on.
func Each(seg *event.Segment, quoted bool) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		b, at, number := seg.Data, 0, seg.Record
		for at < len(b) {
			end := len(b)
			if quoted {
				end = recordEnd(b, at)
			} else if i := bytes.IndexByte(b[at:], '\n'); i >= 0 {
				end = at + i + 1
			}
			text := b[at:end]
			if n := len(text); text[n-1] == '\n' {
				text = text[:n-1]
			}
			if n := len(text); n > 0 && text[n-1] == '\r' {
				text = text[:n-1]
			}
			if !yield(Line{Text: text, Offset: seg.Offset + uint64(at), Number: number}) {
				return
			}
			if quoted {
				number += uint64(bytes.Count(b[at:end], []byte{'\n'}))
			} else {
				number++
			}
			at = end
		}
	}
}

func recordEnd(b []byte, at int) int {
	open := false
	for {
		i := bytes.IndexAny(b[at:], "\"\n")
		if i < 0 {
			return len(b)
		}
		at += i + 1
		if b[at-1] == '"' {
			open = !open
		} else if !open {
			return at
		}
	}
}
