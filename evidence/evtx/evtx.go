// Package evtx reads Windows event logs in the binary XML format of Windows Vista and later.
//
// It promises that damage never ends a file: what cannot be read is reported with its offset and the rest is
// read; that every loop and every table is bounded by the size of the evidence, whatever it says; and that the
// same segment and the same needs give the same batches, whoever decodes them.
//
// A record is decoded only as far as somebody asked: provider, channel and event id decide first. Templates are
// compiled once and shared by all chunks whose definitions say the same. Values become columns in a second
// step, by comparing their raw bytes, so that a value that repeats is converted once.
//
// The package refuses to render messages (they live in the provider's resources, not in the log), to guess at
// the meaning of a field, and to repair a file.
package evtx

import (
	"bytes"
	"sync"

	"github.com/contrail-ir/contrail/event"
)

// Format is the EVTX format. The zero value is not usable: call New.
type Format struct {
	buffers *sync.Pool // of *[]byte, segmentSize long
}

// New returns the format.
func New() *Format {
	return &Format{buffers: &sync.Pool{New: func() any {
		b := make([]byte, segmentSize)
		return &b
	}}}
}

// Name gives "evtx".
func (*Format) Name() string { return "evtx" }

// Recognise is certain of a file header, and finds a file whose header is destroyed likely when a chunk
// header follows. The name does not matter.
func (*Format) Recognise(head []byte, _ string) event.Confidence {
	switch {
	case len(head) >= len(fileMagic) && string(head[:len(fileMagic)]) == fileMagic:
		return event.Certain
	case findChunk(head) >= 0:
		return event.Likely
	}
	return event.No
}

// Open returns a stream over the file. Nothing is read yet.
func (f *Format) Open(file event.File) (event.Stream, error) {
	return &stream{file: &file, buffers: f.buffers}, nil
}

// Decoder returns the working memory of one goroutine.
func (*Format) Decoder() event.Decoder { return newDecoder() }

// findChunk gives the offset of the first plausible chunk header, or -1. The text of an event may contain the
// magic, so the header has to carry its fixed size and a possible end as well.
func findChunk(b []byte) int {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(chunkMagic))
		if i < 0 {
			return -1
		}
		if plausibleChunk(b[from+i:]) {
			return from + i
		}
		from += i + len(chunkMagic)
	}
}

// plausibleChunk says whether b begins with a chunk header. A header that is cut off counts by its magic.
func plausibleChunk(b []byte) bool {
	if len(b) < len(chunkMagic) || string(b[:len(chunkMagic)]) != chunkMagic {
		return false
	}
	if len(b) < chunkHeaderSize {
		return true
	}
	free := le32(b[48:])
	return le32(b[40:]) == chunkFixedSize && free >= chunkHeaderSize && free <= chunkSize
}
