package archive

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// open makes a member's stream.
func (z *zipReader) open(e *zipEntry) *Member {
	m := &Member{Size: e.size, ModTime: e.modified}
	m.Name, m.Renamed = clean(e.raw)
	local, data, ok := z.local(e.offset)
	switch {
	case !ok:
		m.Lost = "its header is not where the archive says"
	case e.packed < 0 || data > z.size:
		m.Lost = "its bytes are said to lie outside the archive"
	}
	if m.Lost != "" {
		return m
	}
	if local.raw != e.raw {
		shown, _ := clean(local.raw)
		z.damage(e.offset, "a member is called %q in the directory and %q at its place", m.Name, shown)
	}
	short := e.packed > z.size-data
	body, err := z.decrypt(e, io.NewSectionReader(z.r, data, min(e.packed, z.size-data)))
	if err != nil {
		m.Lost = err.Error()
		return m
	}
	method := e.method
	if method == 99 {
		method = e.aesMethod
	}
	out, err := z.inflate(method, e, body)
	if err != nil {
		m.Lost = err.Error()
		return m
	}
	check := &checked{from: out, want: e.crc, size: e.size, cut: short}
	// AE-2 leaves the checksum out, since it would tell about the content; the authentication code stands for it. Members found
	// by their own headers may have it behind the data.
	check.sum = !(e.method == 99 && e.aesVersion == 2) && !(z.salvage && e.crc == 0)
	m.Body = check
	return m
}

// inflate undoes a compression method of zip.
func (z *zipReader) inflate(method uint16, e *zipEntry, body io.Reader) (out io.Reader, err error) {
	defer shield("zip", &err)
	count := &counter{from: body}
	if z.in == nil {
		z.in = bufio.NewReaderSize(nil, 32<<10)
	}
	in := z.in
	in.Reset(count)
	switch method {
	case 0:
		out = in // counted all the same: many members may share their bytes
	case 8:
		if again, ok := z.flate.(flate.Resetter); ok {
			err = again.Reset(in, nil)
		} else {
			z.flate = flate.NewReader(in)
		}
		out = z.flate
	case 9:
		out = newInflate64(in)
	case 12:
		out = bzip2.NewReader(in)
	case 14:
		out, err = zipLZMA(in, e.size)
	case 93, 20:
		out, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	case 95:
		if window := xzWindow(in); window > maxWindow {
			return nil, fmt.Errorf("it asks for a window of %d bytes, more than %d", window, maxWindow)
		}
		out, err = xz.NewReader(in)
	default:
		return nil, fmt.Errorf("compression method %d of zip is not read", method)
	}
	if err != nil {
		return nil, fmt.Errorf("its compressed data is broken: %w", err)
	}
	return z.options.Meter.unpacked(&shielded{"zip", out}, count), nil
}

// zipLZMA makes the header that LZMA files have of the one that zip has.
func zipLZMA(in *bufio.Reader, size int64) (io.Reader, error) {
	var h [9]byte // version, length of properties (5), properties
	if _, err := io.ReadFull(in, h[:]); err != nil {
		return nil, err
	}
	if n := binary.LittleEndian.Uint16(h[2:]); n != 5 {
		return nil, fmt.Errorf("%d bytes of properties, not 5", n)
	}
	if window := binary.LittleEndian.Uint32(h[5:]); window > maxWindow {
		return nil, fmt.Errorf("a window of %d bytes is asked for, more than %d", window, maxWindow)
	}
	head := binary.LittleEndian.AppendUint64(append([]byte(nil), h[4:9]...), uint64(size))
	return lzma.NewReader(io.MultiReader(&prefix{head}, in))
}

type prefix struct{ b []byte }

func (p *prefix) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.b)
	p.b = p.b[n:]
	return n, nil
}

// checked holds what comes out against what the archive says of it, and tells at the end.
type checked struct {
	from io.Reader
	want uint32
	size int64
	sum  bool
	cut  bool
	crc  uint32
	n    int64
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.crc = crc32.Update(c.crc, crc32.IEEETable, p[:n])
	c.n += int64(n)
	if err == nil {
		return n, nil
	}
	var limit *LimitError
	switch {
	case errors.As(err, &limit):
	case c.cut || errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the member is cut off; what came before was read")
	case errors.Is(err, io.EOF) && c.size >= 0 && c.n != c.size:
		err = fmt.Errorf("the archive says %d bytes, %d were found and read", c.size, c.n)
	case errors.Is(err, io.EOF) && c.sum && c.crc != c.want:
		err = errors.New("the checksum does not match: the member was changed, or the password opens it by chance")
	case !errors.Is(err, io.EOF):
		err = fmt.Errorf("the compressed data is broken (%w); what came before was read", err)
	}
	return n, err
}
