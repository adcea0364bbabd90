package archive

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// maxWindow bounds the window that a compressed stream may ask memory for.
const maxWindow = 128 << 20

// Unpack undoes one compression. Streams that lie one behind the other are one. The returned reader holds no resource but memory.
func Unpack(kind Kind, packed *bufio.Reader, m *Meter) (out io.Reader, err error) {
	defer shield(string(kind), &err)
	count := &counter{from: packed}
	in := bufio.NewReaderSize(count, 64<<10) // a ByteReader, so that no library buffers beyond what is counted here
	switch kind {
	case Gzip:
		out, err = gzip.NewReader(in)
	case Bzip2:
		out = bzip2.NewReader(in)
	case XZ:
		if window := xzWindow(packed); window > maxWindow {
			return nil, fmt.Errorf("a window of %d bytes is asked for, more than %d", window, maxWindow)
		}
		out, err = xz.NewReader(in)
	case Zstd:
		out, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	case LZ4:
		out = lz4.NewReader(in)
	default:
		return nil, fmt.Errorf("%q is no compressed stream", kind)
	}
	if err != nil {
		return nil, err
	}
	return m.unpacked(&shielded{string(kind), out}, count), nil
}

// Reason says in words why unpacking a stream ended early.
func Reason(kind Kind, err error) string {
	var limit *LimitError
	switch {
	case errors.As(err, &limit):
		return limit.reason
	case kind == Gzip && errors.Is(err, gzip.ErrHeader):
		return "bytes after the end of the gzip data are not gzip; not read"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return string(kind) + " data is cut off; what came before was read"
	default:
		return fmt.Sprintf("%s data is broken (%v); what came before was read", kind, err)
	}
}

// xzWindow gives the window that the first block of an xz stream asks for, in bytes, 0 when it cannot be told. The file format is
// described at tukaani.org/xz/xz-file-format.txt: a stream header of 12 bytes, then a block header with its filters.
func xzWindow(in *bufio.Reader) int64 {
	b, _ := in.Peek(12 + 64)
	if len(b) < 12+8 {
		return 0
	}
	b = b[12:]
	filters, at := int(b[1]&3)+1, 2
	for _, bit := range []byte{0x40, 0x80} { // sizes that may stand before the filters
		if b[1]&bit != 0 {
			for at < len(b) && b[at]&0x80 != 0 {
				at++
			}
			at++
		}
	}
	for ; filters > 0 && at+2 < len(b); filters-- {
		id, size := b[at], int(b[at+1])
		if id == 0x21 && size == 1 { // LZMA2
			n := b[at+2]
			if n >= 40 {
				return 1<<32 - 1
			}
			return int64(2|n&1) << (n/2 + 11)
		}
		at += 2 + size
	}
	return 0
}
