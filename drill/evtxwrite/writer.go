// Package evtxwrite writes Windows event log files (EVTX 3.1) for drills and tests.
//
// It promises files that hold to the layout Windows writes: file header, 64 KiB chunks
// with string and template tables, one template instance a record with a typed
// substitution array, EventData or UserData as nested BinXML, and right checksums. The
// same events give the same bytes. It refuses to read, to append to or to change an
// existing log, and it never writes to a machine's own event log.
//
// Sources: J. Metz, "Windows XML Event Log (EVTX) file format" (libevtx documentation);
// MS-EVEN6 section 2.2.17 for BinXML. That templates fall into buckets by the names' hash
// over the GUID was found by measuring real files.
package evtxwrite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

const fileHeader = 0x1000

// Writer writes one log. It is not for concurrent use.
type Writer struct {
	out    io.Writer
	seeker io.WriteSeeker // nil: out cannot seek, and the chunks wait in held
	start  int64
	held   bytes.Buffer

	chunk  *chunk
	chunks int
	number uint64 // of the next record, counted from 1
	lastID uint64
	err    error
}

// New starts a log. With an io.WriteSeeker the header is completed in place on Close and
// memory stays at one chunk; any other writer receives the whole file on Close.
func New(out io.Writer) (*Writer, error) {
	w := &Writer{out: out, number: 1, chunk: newChunk(1)}
	s, ok := out.(io.WriteSeeker)
	if !ok {
		return w, nil
	}
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return w, nil // a pipe: it has the method, not the ability
	}
	w.seeker, w.start = s, at
	if _, err := s.Write(make([]byte, fileHeader)); err != nil {
		return nil, fmt.Errorf("evtxwrite: write file header: %w", err)
	}
	return w, nil
}

// Write adds a record and gives its EventRecordID. An event that cannot be written
// leaves the log as it was; after an error of the output every further call fails.
func (w *Writer) Write(e Event) (uint64, error) {
	if w.err != nil {
		return 0, w.err
	}
	id := e.RecordID
	if id == 0 {
		id = w.lastID + 1
	}
	if id <= w.lastID {
		return 0, fmt.Errorf("evtxwrite: event %d of %s: record id %d after %d", e.ID, e.Channel, id, w.lastID)
	}
	if err := w.add(&e, id); err != nil {
		return 0, fmt.Errorf("evtxwrite: event %d of %s, record %d: %w", e.ID, e.Channel, id, err)
	}
	w.lastID = id
	w.number++
	return id, nil
}

func (w *Writer) add(e *Event, id uint64) error {
	in, err := e.system(id)
	if err != nil {
		return err
	}
	written := filetime(e.Time)
	fits, err := w.chunk.add(id, written, in)
	if err != nil || fits {
		return err
	}
	next := newChunk(w.number)
	fits, err = next.add(id, written, in)
	if err != nil {
		return err
	}
	if !fits {
		return fmt.Errorf("larger than a chunk of %d bytes", chunkSize)
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.chunk = next
	return nil
}

// flush writes the current chunk out.
func (w *Writer) flush() error {
	if w.chunks == math.MaxUint16 {
		return fmt.Errorf("the log has %d chunks, as many as its header can count", w.chunks)
	}
	b := w.chunk.finish()
	w.chunks++
	if w.seeker == nil {
		w.held.Write(b)
		return nil
	}
	if _, err := w.seeker.Write(b); err != nil {
		w.err = fmt.Errorf("evtxwrite: write chunk %d: %w", w.chunks, err)
		return w.err
	}
	return nil
}

// Close writes the last chunk and the header. It does not close the output. A log
// without events has a header and no chunk.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if w.chunk.records > 0 {
		if err := w.flush(); err != nil {
			return fmt.Errorf("evtxwrite: close: %w", err)
		}
	}
	w.err = fmt.Errorf("evtxwrite: the log is closed")
	head := w.header()
	if w.seeker == nil {
		if _, err := w.out.Write(head); err != nil {
			return fmt.Errorf("evtxwrite: write file header: %w", err)
		}
		if _, err := w.held.WriteTo(w.out); err != nil {
			return fmt.Errorf("evtxwrite: write chunks: %w", err)
		}
		return nil
	}
	if _, err := w.seeker.Seek(w.start, io.SeekStart); err != nil {
		return fmt.Errorf("evtxwrite: seek to file header: %w", err)
	}
	if _, err := w.seeker.Write(head); err != nil {
		return fmt.Errorf("evtxwrite: write file header: %w", err)
	}
	if _, err := w.seeker.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("evtxwrite: seek to end: %w", err)
	}
	return nil
}

func (w *Writer) header() []byte {
	b := make([]byte, fileHeader)
	le := binary.LittleEndian
	copy(b, "ElfFile\x00")
	le.PutUint64(b[16:], uint64(max(w.chunks, 1)-1)) // last chunk
	le.PutUint64(b[24:], w.lastID+1)
	le.PutUint32(b[32:], 0x80)
	le.PutUint16(b[36:], 1)
	le.PutUint16(b[38:], 3)
	le.PutUint16(b[40:], fileHeader)
	le.PutUint16(b[42:], uint16(w.chunks))
	le.PutUint32(b[124:], crc32.ChecksumIEEE(b[:120]))
	return b
}
