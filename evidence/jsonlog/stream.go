package jsonlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/wide"
)

// Sizes of what is read at a time, in bytes.
const (
	segmentSize = 4 << 20
	maxRecord   = 64 << 20
	headSize    = 64 << 10 // what decides how the file is cut
	maxLine     = 1 << 16  // a longer first line is no pretty-printed object
	maxWasted   = 64 << 20 // scanned in vain in a file,
	wasteful    = 8        // and at most so many times what was read of it: many small files must not cost what a large one may
)

var byteOrderMark = []byte("\ufeff")

// stream cuts a file at the ends of records. A file whose first records stand one to a line is cut at line ends; any other
// is scanned for its objects.
type stream struct {
	file event.File
	body io.Reader
	wide bool
	zeek string
	room int // bytes of a segment
	pool sync.Pool

	carry   []byte // read, but not yet delivered
	offset  uint64 // of carry in the file
	number  uint64 // of the next line or record, from 1
	err     error  // what ended the file
	started bool
	lines   bool
	damage  worries

	// Scanning for objects.
	skim   skimmer
	arrays int  // brackets open at carry
	told   bool // some damage was told
	inside int  // objects that wrap the records, open at carry
	lost   bool // looking for the next record after damage
	indent int  // of the record that was damaged
	wasted int  // bytes scanned in vain, which bounds the work that hostile text makes
}

func newStream(f event.File) *stream {
	s := &stream{file: f, number: 1, zeek: zeekByName(f.Name), room: segmentSize}
	s.file.Body = nil
	if 0 < f.Size && f.Size < segmentSize {
		s.room = int(f.Size) + 1 // the byte more finds the end of the file
	}
	return s
}

// Next implements event.Stream.
func (s *stream) Next(ctx context.Context) (*event.Segment, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.err != nil && len(s.carry) == 0 {
			if s.arrays > 0 && !s.told && errors.Is(s.err, io.EOF) {
				s.tell(0, "the file ends before its list of records is closed")
			}
			if len(s.damage.list()) > 0 {
				return s.segment(nil, nil, s.number), nil
			}
			return nil, s.end()
		}
		buf := s.fill(max(s.room, len(s.carry)))
		if !s.started {
			s.start(buf)
		}
		var seg *event.Segment
		if s.lines {
			seg = s.cutLines(buf)
		} else {
			seg = s.cutRecords(buf)
		}
		if seg != nil {
			return seg, nil
		}
	}
}

func (s *stream) end() error {
	if errors.Is(s.err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read %s at offset %d: %w", s.file.Name, s.offset, s.err)
}

// fill gives what was carried over and more of the file, up to size bytes.
func (s *stream) fill(size int) []byte {
	buf := s.buffer(size)
	n := copy(buf, s.carry)
	s.carry = s.carry[:0]
	if s.err == nil {
		var more int
		more, s.err = io.ReadFull(s.body, buf[n:])
		if errors.Is(s.err, io.ErrUnexpectedEOF) {
			s.err = io.EOF
		}
		n += more
	}
	return buf[:n]
}

func (s *stream) buffer(size int) []byte {
	if b, ok := s.pool.Get().(*[]byte); ok && cap(*b) >= size {
		return (*b)[:size]
	}
	return make([]byte, size)
}

func (s *stream) free(b []byte) {
	if cap(b) <= 2*segmentSize { // one giant record must not stay for ever
		s.pool.Put(&b)
	}
}

// start decides how the file is cut.
func (s *stream) start(buf []byte) {
	s.started = true
	at := 0
	if bytes.HasPrefix(buf, byteOrderMark) {
		at = len(byteOrderMark)
	}
	for at < len(buf) && isSpace(buf[at]) {
		at++
	}
	if at == len(buf) || buf[at] != '{' {
		return
	}
	if _, opened, err := wrapped(buf[at:], &s.skim); err != nil || opened > 0 {
		s.lines = err != nil && bytes.IndexByte(buf[at:], '\n') >= 0 && s.skimLine(buf[at:])
		return
	}
	s.lines = s.skimLine(buf[at:])
}

// skimLine says whether the first line is an object as a whole, or at least one that is still going on after so much text
// that it is no pretty-printed one.
func (s *stream) skimLine(data []byte) bool {
	n := bytes.IndexByte(data, '\n')
	if n < 0 {
		return true
	}
	_, err := s.skim.value(data[:n], 0)
	return err == nil || n > maxLine || !errors.Is(err, errIncomplete)
}

// cutLines delivers all whole lines, and carries the rest.
func (s *stream) cutLines(buf []byte) *event.Segment {
	cut := len(buf)
	if s.err == nil {
		if cut = bytes.LastIndexByte(buf, '\n') + 1; cut == 0 {
			return s.longLine(buf)
		}
	}
	s.carry = append(s.carry[:0], buf[cut:]...)
	seg := s.segment(buf[:cut], nil, s.number)
	s.number += uint64(bytes.Count(buf[:cut], []byte{'\n'}))
	return seg
}

// longLine makes room for a line that is longer than the buffer, or passes over one that is longer than any record may be.
func (s *stream) longLine(buf []byte) *event.Segment {
	if n := len(buf) - len(bytes.TrimLeft(buf, "\x00")); n > 0 { // a hole in a sparse file: the next record must not be lost with it
		if s.damage.nul.count == 0 {
			s.damage.nul.add(s.offset)
		}
		s.offset += s.size(buf[:n])
		s.carry = append(s.carry[:0], buf[n:]...)
		return nil
	}
	if len(buf) < maxRecord {
		s.carry = append(make([]byte, 0, min(2*len(buf), maxRecord)), buf...)
		s.carry = s.more(s.carry)
		return nil
	}
	s.tell(0, "a line longer than %d bytes is passed over", maxRecord)
	s.offset += s.size(buf)
	for s.err == nil {
		buf = s.fill(segmentSize)
		if n := bytes.IndexByte(buf, '\n'); n >= 0 {
			s.offset += s.size(buf[:n+1])
			s.number++
			s.carry = append(s.carry[:0], buf[n+1:]...)
			return nil
		}
		s.offset += s.size(buf)
	}
	return nil
}

// more reads on until the buffer is full.
func (s *stream) more(buf []byte) []byte {
	if s.err != nil {
		return buf
	}
	n, err := io.ReadFull(s.body, buf[len(buf):cap(buf)])
	if s.err = err; errors.Is(err, io.ErrUnexpectedEOF) {
		s.err = io.EOF
	}
	return buf[:len(buf)+n]
}

// size gives the length in the file of text that was read.
func (s *stream) size(data []byte) uint64 {
	if s.wide {
		return wide.Bytes(data)
	}
	return uint64(len(data))
}

// tell notes damage at a place of the text being cut, which begins at s.offset.
func (s *stream) tell(at uint64, format string, args ...any) {
	s.told = true
	s.damage.syntax(s.offset+at, format, args...)
}

// segment delivers data, the text at s.offset.
func (s *stream) segment(data []byte, spans []span, number uint64) *event.Segment {
	seg := &event.Segment{
		Data: data, Offset: s.offset, Record: number, File: &s.file, Damage: s.damage.list(), Free: s.free,
		State: &cut{spans: spans, wide: s.wide, zeek: s.zeek},
	}
	if data == nil {
		seg.Free = nil
	}
	s.offset += s.size(data)
	s.damage = worries{}
	return seg
}
