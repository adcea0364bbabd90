package evtx

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/contrail-ir/contrail/event"
)

// mostCuts bounds the reports on one segment: one for each of its chunks and as many again. Chunk headers can stand closer.
const mostCuts = 2 * segmentSize / chunkSize

// stream cuts a file into segments of whole chunks. It looks one chunk ahead, so that a chunk that begins too
// early shortens the one before it and not itself.
type stream struct {
	file    *event.File
	buffers *sync.Pool

	carry   []byte // read but not yet cut, copied to the start of the next buffer
	base    uint64 // file offset of the carry
	begun   bool
	done    bool // the last segment is out
	failure error

	header  bool // the file header is intact
	flags   uint32
	claimed uint64 // chunks by the file header
	slots   uint64 // chunk places passed, by the header's way of counting
	chunks  uint64 // chunks met
}

// Next cuts the next segment. Everything of the file that is not in a segment is either unused space or named in
// the damage.
func (s *stream) Next(ctx context.Context) (*event.Segment, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.done {
		if s.failure != nil {
			err := s.failure
			s.failure = nil
			return nil, err
		}
		return nil, io.EOF
	}
	pooled := s.buffers.Get().(*[]byte)
	buf := (*pooled)[:segmentSize]
	n := copy(buf, s.carry)
	m, err := io.ReadFull(s.file.Body, buf[n:])
	n += m
	last := err != nil
	if last && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.failure = fmt.Errorf("evtx: read %s at offset %d: %w", s.file.Name, s.base+uint64(n), err)
	}
	seg := &event.Segment{Data: buf[:n], Offset: s.base, File: s.file, Free: func(b []byte) {
		b = b[:segmentSize]
		s.buffers.Put(&b)
	}}
	at := 0
	if !s.begun {
		s.begun = true
		at = s.begin(seg)
	}
	spans, end := s.cut(seg, at, last)
	seg.State = spans
	if more := len(seg.Damage) - mostCuts; more > 0 {
		seg.Damage = seg.Damage[:mostCuts+1]
		seg.Damage[mostCuts].Reason = fmt.Sprintf("%d more places here and in the %d bytes that follow are no whole chunks", more, segmentSize)
	}
	s.carry = append(s.carry[:0], buf[end:n]...)
	s.base += uint64(end)
	if last {
		s.done = true
		s.finish(seg)
	}
	return seg, nil
}

func (s *stream) damage(seg *event.Segment, at int, format string, args ...any) {
	seg.Damage = append(seg.Damage, event.Damage{Offset: seg.Offset + uint64(at), Reason: fmt.Sprintf(format, args...)})
}

// begin reads the file header and gives the offset of the first chunk.
func (s *stream) begin(seg *event.Segment) int {
	b := seg.Data
	if len(b) < len(fileMagic) || string(b[:len(fileMagic)]) != fileMagic {
		s.damage(seg, 0, "no file header")
		if len(b) >= fileHeaderSize && plausibleChunk(b[fileHeaderSize:]) {
			return fileHeaderSize
		}
		if at := findChunk(b); at >= 0 {
			return at
		}
		return min(fileHeaderSize, len(b))
	}
	if len(b) < fileHeaderSize {
		s.damage(seg, 0, "file header of %d bytes is cut off", len(b))
		return len(b)
	}
	s.flags = le32(b[120:])
	if s.flags&flagNoCRC == 0 && le32(b[124:]) != crc32.ChecksumIEEE(b[:120]) {
		s.damage(seg, 0, "file header does not match its checksum")
		return fileHeaderSize
	}
	s.header = true
	s.claimed = uint64(le16(b[42:]))
	if size := le16(b[40:]); size != fileHeaderSize {
		s.damage(seg, 40, "file header says that it is %d bytes long", size)
	}
	return fileHeaderSize
}

// cut finds the chunks in the segment from the given offset on and gives the offset from which the next segment
// has to begin. Each step moves on by a byte at least, and each second one by a chunk header.
func (s *stream) cut(seg *event.Segment, at int, last bool) (spans []span, end int) {
	b := seg.Data
	nocrc := s.flags&flagNoCRC != 0
	for at < len(b) {
		rest := len(b) - at
		if !last && rest < chunkSize+chunkHeaderSize {
			break
		}
		size := min(rest, chunkSize)
		piece := b[at : at+size]
		switch {
		case plausibleChunk(piece) || startsWith(piece, chunkMagic):
			s.slots++
			s.chunks++
			if next := s.early(b, at, size); next > 0 {
				s.damage(seg, at+next, "a chunk begins %d bytes into another", next)
				size = next
			} else if size < chunkSize {
				s.damage(seg, at, "chunk is cut off after %d of %d bytes", size, chunkSize)
			}
			spans = append(spans, span{at: int32(at), size: int32(size), nocrc: nocrc})
		case blank(piece):
			s.slots++ // preallocated and never used
		default:
			unused := false
			if next := findChunk(b[at:min(at+chunkSize+chunkHeaderSize, len(b))]); next > 0 && next < size {
				size = next
				s.damage(seg, at, "no chunk header; the next chunk begins %d bytes on", next)
			} else {
				s.slots++
				// Space beyond the chunks in use holds whatever was on the disk.
				if unused = s.header && s.slots > s.claimed && s.slots <= 0xffff; !unused {
					s.damage(seg, at, "no chunk header in %d bytes", size)
				}
			}
			spans = append(spans, span{at: int32(at), size: int32(size), headless: true, unused: unused, nocrc: true})
		}
		at += size
	}
	return spans, at
}

// early gives the offset in a chunk at which another one begins, when what stands after the chunk is not what
// belongs there; 0 otherwise.
func (s *stream) early(b []byte, at, size int) int {
	after := b[at+size:]
	if size == chunkSize && (len(after) == 0 || startsWith(after, chunkMagic) || blank(after[:min(len(after), chunkHeaderSize)])) {
		return 0
	}
	if size <= chunkHeaderSize {
		return 0
	}
	// The header of the other chunk may reach over the end of this one.
	window := b[at+chunkHeaderSize : min(at+size+chunkHeaderSize, len(b))]
	next := findChunk(window)
	if next < 0 || chunkHeaderSize+next >= size || len(window)-next < chunkHeaderSize {
		return 0
	}
	return chunkHeaderSize + next
}

// finish compares what the file header claims with what was there. A log that was not closed keeps an old count,
// which is how the format works and not damage; fewer chunks than were once counted are missing.
func (s *stream) finish(seg *event.Segment) {
	if !s.header || s.failure != nil {
		return
	}
	have := s.chunks & 0xffff // the header counts in 16 bits
	dirty := s.flags&flagDirty != 0
	switch {
	case have == s.claimed || dirty && s.chunks > s.claimed:
	case s.chunks > 0xffff && dirty:
	default:
		seg.Damage = append(seg.Damage, event.Damage{Offset: 42, Reason: fmt.Sprintf(
			"file header counts %d chunks, the file holds %d", s.claimed, s.chunks)})
	}
}

func startsWith(b []byte, magic string) bool {
	return len(b) >= len(magic) && string(b[:len(magic)]) == magic
}

// blank says whether b is all zeros.
func blank(b []byte) bool {
	for len(b) >= 8 {
		if le64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
