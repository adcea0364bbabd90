package message

import (
	"bytes"
	"context"
	"io"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/lines"
)

// MaxRecord is how long a record of several lines may be; a longer one is parted at a segment's end.
const MaxRecord = 1 << 20

// Cut says how segments of whole lines become segments of whole records. Functions may be nil.
type Cut struct {
	// Last gives where the last record of a text begins. Nil: at its last line, so that nothing is held back.
	Last func(data []byte) int
	// State is what the first segment carries; Track gives what the segment behind data carries.
	State any
	Track func(data []byte, state any) any
	// Ahead is how many bytes are read before the first segment is given; Known is told all that was read so far then, and
	// whether that is the whole file, and gives what the first segment carries instead of State.
	Ahead int
	Known func(read [][]byte, whole bool, f *event.File) any
}

// Stream implements event.Stream for records of several lines.
type Stream struct {
	in     *lines.Stream
	cut    Cut
	file   event.File
	state  any
	hold   []byte // the beginning of a record whose end may be in the next segment
	at     uint64 // of hold in the file
	line   uint64
	next   []*event.Segment // read already, the next last
	failed error            // of reading ahead
	queue  []*event.Segment
	begun  bool
	end    bool
}

// Open begins to cut a file.
func Open(f event.File, cut Cut) (*Stream, error) {
	in, err := lines.Open(f, lines.Options{})
	if err != nil {
		return nil, err
	}
	return &Stream{in: in, cut: cut, file: f, state: cut.State}, nil
}

// Next implements event.Stream.
func (s *Stream) Next(ctx context.Context) (*event.Segment, error) {
	if !s.begun && s.cut.Known != nil {
		if err := s.readAhead(ctx); err != nil {
			return nil, err
		}
	}
	s.begun = true
	var seg *event.Segment
	if len(s.queue) > 0 {
		seg, s.queue = s.queue[0], s.queue[1:]
	} else {
		var err error
		if seg, err = s.whole(ctx); err != nil {
			return nil, err
		}
	}
	seg.State = s.state
	if s.cut.Track != nil {
		s.state = s.cut.Track(seg.Data, s.state)
	}
	return seg, nil
}

func (s *Stream) readAhead(ctx context.Context) error {
	var read [][]byte
	whole := false
	for n := 0; n < s.cut.Ahead; {
		seg, err := s.whole(ctx)
		if err == io.EOF {
			whole = true
			break
		}
		if err != nil {
			if len(s.queue) == 0 {
				return err
			}
			s.failed = err // told after what was read
			break
		}
		n += len(seg.Data)
		s.queue = append(s.queue, seg)
		read = append(read, seg.Data)
	}
	s.state = s.cut.Known(read, whole, &s.file)
	return nil
}

// whole gives the next segment of whole records. It reads one segment further, so that nothing is held back at a file's end.
func (s *Stream) whole(ctx context.Context) (*event.Segment, error) {
	for {
		seg, err := s.read(ctx)
		if err == io.EOF && len(s.hold) > 0 {
			return s.held(), nil
		}
		if err != nil {
			return nil, err
		}
		if len(s.hold) > 0 {
			if s.at+uint64(len(s.hold)) != seg.Offset { // something between was not read
				s.next = append(s.next, seg)
				return s.held(), nil
			}
			s.join(seg)
		}
		if s.cut.Last == nil || len(seg.Data) == 0 {
			return seg, nil
		}
		following, err := s.read(ctx)
		if err == io.EOF {
			return seg, nil
		}
		s.failed = err
		if following != nil {
			s.next = append(s.next, following)
		}
		from := s.cut.Last(seg.Data)
		if len(seg.Data)-from > MaxRecord {
			return seg, nil
		}
		s.hold = bytes.Clone(seg.Data[from:])
		s.at = seg.Offset + uint64(from)
		s.line = seg.Record + uint64(bytes.Count(seg.Data[:from], []byte{'\n'}))
		if seg.Data = seg.Data[:from]; from > 0 || len(seg.Damage) > 0 {
			return seg, nil
		}
		seg.Release()
	}
}

// read gives the next segment of lines.
func (s *Stream) read(ctx context.Context) (*event.Segment, error) {
	if n := len(s.next); n > 0 {
		seg := s.next[n-1]
		s.next = s.next[:n-1]
		return seg, nil
	}
	if err := s.failed; err != nil {
		if s.failed = nil; len(s.hold) > 0 { // what was held is whole now: it is told first
			s.failed = err
			return nil, io.EOF
		}
		return nil, err
	}
	if s.end {
		return nil, io.EOF
	}
	seg, err := s.in.Next(ctx)
	s.end = err == io.EOF
	return seg, err
}

// join puts what was held before a segment.
func (s *Stream) join(seg *event.Segment) {
	if !s.in.Prepend(s.hold, seg) { // a long record
		data := make([]byte, 0, len(s.hold)+len(seg.Data))
		data = append(append(data, s.hold...), seg.Data...)
		if seg.Free != nil {
			seg.Free(seg.Data)
			seg.Free = nil
		}
		seg.Data = data
	}
	seg.Offset, seg.Record = s.at, s.line
	s.hold = nil
}

func (s *Stream) held() *event.Segment {
	seg := &event.Segment{Data: s.hold, Offset: s.at, Record: s.line, File: &s.file}
	s.hold = nil
	return seg
}

// LastRecord gives a Cut.Last for records that begin with a line of their own kind.
func LastRecord(begins func(line []byte) bool) func([]byte) int {
	return func(data []byte) int {
		for end := len(data); end > 0; {
			from := bytes.LastIndexByte(data[:end-1], '\n') + 1
			if begins(data[from:]) || len(data)-from > MaxRecord {
				return from
			}
			end = from
		}
		return 0
	}
}

// EachLine calls f for the lines of a text, without their line ends, until it returns false.
func EachLine(text []byte, f func(line []byte) bool) {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		if !f(bytes.TrimSuffix(line, []byte{'\r'})) {
			return
		}
		text = rest
	}
}

// Tenths says how many tenths of a file's first lines fit, of at most so many that count: by that a format knows its own. Empty lines do not count.
func Tenths(text []byte, most int, line func(l []byte) (counts, fits bool)) int {
	fit, all := 0, 0
	EachLine(Whole(text), func(l []byte) bool {
		if len(l) == 0 {
			return true
		}
		if counts, fits := line(l); counts {
			all++
			if fits {
				fit++
			}
		}
		return all < most
	})
	return 10 * fit / max(all, 1)
}

// Whole gives the lines of a file's beginning without the last, when it may be cut off.
func Whole(head []byte) []byte {
	if len(head) < 60<<10 {
		return head
	}
	if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
		return head[:i+1]
	}
	return head
}
