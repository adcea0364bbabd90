package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/bodgit/sevenzip"
)

// The library makes room for as many files as a header claims, and a claim costs an archive nothing. So the header is walked first,
// by the format's description (7zFormat.txt), and what claims more than it can hold is refused.
const (
	maxSevenHeader = 64 << 20
	maxSevenWindow = 512 << 20
	// Deriving a key takes 2 to the power of rounds steps, for every salt anew. 7-Zip writes 19 and no salt.
	maxSevenRounds = 20
	maxSevenSalts  = 16
)

var errSevenHeader = errors.New("its header is not well formed")

// checkSeven refuses archives whose header asks for more memory than its length earns. A packed header is unpacked with each password
// until one gives a header.
func checkSeven(r io.ReaderAt, size int64, members int, passwords []string) error {
	var start [32]byte
	if _, err := r.ReadAt(start[:], 0); err != nil {
		return fmt.Errorf("its beginning cannot be read: %w", err)
	}
	offset, length := binary.LittleEndian.Uint64(start[12:]), binary.LittleEndian.Uint64(start[20:])
	if length > maxSevenHeader || offset > uint64(size) || 32+offset+length > uint64(size) {
		return errors.New("its header is said to lie outside the archive: it is cut off")
	}
	header := make([]byte, length)
	if _, err := r.ReadAt(header, 32+int64(offset)); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("its header cannot be read: %w", err)
	}
	if len(header) == 0 || header[0] != 0x17 {
		w := sevenWalk{b: header, most: members}
		return w.header()
	}
	w := sevenWalk{b: header[1:], most: members}
	if w.streams(); w.bad != nil {
		return w.bad
	}
	streams := header[1 : len(header)-len(w.b)]
	err := error(errSevenHeader)
	for _, password := range passwords {
		var inner []byte
		if inner, err = unpackSevenHeader(r, size, streams, password); err != nil {
			continue
		}
		w := sevenWalk{b: inner, most: members}
		if err = w.header(); err == nil {
			return nil
		}
	}
	if w.salts != nil {
		return errNoPassword
	}
	return err
}

// unpackSevenHeader unpacks a packed header by showing it to the library as the only file of an archive.
func unpackSevenHeader(r io.ReaderAt, size int64, streams []byte, password string) (header []byte, err error) {
	defer shield("7z", &err)
	// Header, MainStreamsInfo, FilesInfo of one file called h.
	shown := append([]byte{0x01, 0x04}, streams...)
	shown = append(shown, 0x05, 1, 0x11, 5, 0, 'h', 0, 0, 0, 0, 0)
	var start [32]byte
	copy(start[:], "7z\xbc\xaf\x27\x1c\x00\x04")
	binary.LittleEndian.PutUint64(start[12:], uint64(size-32))
	binary.LittleEndian.PutUint64(start[20:], uint64(len(shown)))
	binary.LittleEndian.PutUint32(start[28:], sum32(shown))
	binary.LittleEndian.PutUint32(start[8:], sum32(start[12:]))
	at := &spliced{start: start[:], middle: r, size: size, end: shown}
	z, err := sevenzip.NewReaderWithPassword(at, size+int64(len(shown)), password)
	if err != nil {
		return nil, err
	}
	if len(z.File) != 1 {
		return nil, errSevenHeader
	}
	body, err := z.File[0].Open()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	header, err = io.ReadAll(io.LimitReader(body, maxSevenHeader+1))
	if err == nil && len(header) > maxSevenHeader {
		err = fmt.Errorf("its header is longer than %d bytes", maxSevenHeader)
	}
	return header, err
}

// spliced is a reader with another beginning and an end of its own.
type spliced struct {
	start, end []byte
	middle     io.ReaderAt
	size       int64
}

func (s *spliced) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		at := off + int64(n)
		switch {
		case at < int64(len(s.start)):
			n += copy(p[n:], s.start[at:])
		case at < s.size:
			m, err := s.middle.ReadAt(p[n:min(len(p), n+int(min(s.size-at, 1<<30)))], at)
			n += m
			if m == 0 {
				return n, err
			}
		case at < s.size+int64(len(s.end)):
			n += copy(p[n:], s.end[at-s.size:])
		default:
			return n, io.EOF
		}
	}
	return n, nil
}

// sevenWalk walks a header. After the first fault every step does nothing.
type sevenWalk struct {
	b    []byte
	most int // files and streams allowed
	bad  error

	salts map[string]bool
}

func (w *sevenWalk) fail() {
	if w.bad == nil {
		w.bad, w.b = errSevenHeader, nil
	}
}

func (w *sevenWalk) skip(n uint64) []byte {
	if n > uint64(len(w.b)) {
		w.fail()
		return nil
	}
	out := w.b[:n]
	w.b = w.b[n:]
	return out
}

func (w *sevenWalk) byte() byte {
	if b := w.skip(1); b != nil {
		return b[0]
	}
	return 0
}

// number reads the variable-length integer of 7z: the leading ones of the first byte count the bytes that follow.
func (w *sevenWalk) number() uint64 {
	first := w.byte()
	n := bits.LeadingZeros8(^first)
	low := w.skip(uint64(n))
	v := uint64(0)
	for i, b := range low {
		v |= uint64(b) << (8 * i)
	}
	if n < 7 {
		v |= uint64(first&(1<<(7-n)-1)) << (8 * n)
	}
	return v
}

// count reads a number of things of which there cannot be more than most.
func (w *sevenWalk) count() int {
	n := w.number()
	if n > uint64(w.most) {
		if w.bad == nil {
			w.bad, w.b = fmt.Errorf("its header claims %d files or streams, more than %d", n, w.most), nil
		}
		return 0
	}
	return int(n)
}

func (w *sevenWalk) header() error {
	if w.byte() != 0x01 {
		w.fail()
	}
	for w.bad == nil {
		switch w.byte() {
		case 0x00:
			return w.bad
		case 0x02:
			for w.bad == nil && w.byte() != 0 {
				w.skip(w.number())
			}
		case 0x03, 0x04:
			w.streams()
		case 0x05:
			w.count() // what follows is as long as it is
			return w.bad
		default:
			w.fail()
		}
	}
	return w.bad
}

// streams walks a StreamsInfo.
func (w *sevenWalk) streams() {
	folders, digests := []int(nil), 0
	for w.bad == nil {
		switch w.byte() {
		case 0x00:
			return
		case 0x06:
			w.number()
			n := w.count()
			w.sized(n, n)
		case 0x07:
			folders, digests = w.folders()
		case 0x08:
			w.substreams(len(folders), digests)
		default:
			w.fail()
		}
	}
}

// sized walks sizes and digests up to the end of a list.
func (w *sevenWalk) sized(sizes, digests int) (told int) {
	for w.bad == nil {
		switch w.byte() {
		case 0x00:
			return told
		case 0x09, 0x0c:
			for range sizes {
				w.number()
			}
		case 0x0a:
			told = w.digests(digests)
		default:
			w.fail()
		}
	}
	return told
}

func (w *sevenWalk) digests(n int) (defined int) {
	if w.byte() != 0 {
		defined = n
	} else {
		for _, b := range w.skip(uint64(n+7) / 8) {
			defined += bits.OnesCount8(b)
		}
	}
	w.skip(4 * uint64(defined))
	return defined
}

// folders walks an UnpackInfo and gives the outputs of each folder.
func (w *sevenWalk) folders() (outputs []int, digests int) {
	if w.byte() != 0x0b {
		w.fail()
	}
	n := w.count()
	if w.byte() != 0 { // elsewhere
		w.fail()
	}
	sizes := 0
	for i := 0; i < n && w.bad == nil; i++ {
		outputs = append(outputs, w.folder())
		sizes += outputs[i]
	}
	return outputs, w.sized(sizes, n)
}

func (w *sevenWalk) folder() (outputs int) {
	coders, inputs := w.number(), 0
	if coders == 0 || coders > 32 {
		w.fail()
	}
	for i := uint64(0); i < coders && w.bad == nil; i++ {
		flags := w.byte()
		id := w.skip(uint64(flags & 15))
		in, out := 1, 1
		if flags&0x10 != 0 {
			a, b := w.number(), w.number()
			if a > 32 || b > 32 {
				w.fail()
				return 0
			}
			in, out = int(a), int(b)
		}
		inputs, outputs = inputs+in, outputs+out
		if flags&0x20 != 0 {
			w.window(id, w.skip(w.number()))
		}
		if flags&0xc0 != 0 {
			w.fail()
		}
	}
	pairs := max(0, outputs-1)
	for range 2 * pairs {
		w.number()
	}
	if packed := inputs - pairs; packed > 1 {
		for range packed {
			w.number()
		}
	}
	return outputs
}

// window refuses coders that ask for too much memory, LZMA, LZMA2 and PPMd, or too much time, AES.
func (w *sevenWalk) window(id, properties []byte) {
	size := uint64(0)
	switch {
	case bytes.Equal(id, []byte{6, 0xf1, 7, 1}) && len(properties) > 0:
		if w.salts == nil {
			w.salts = map[string]bool{}
		}
		salt := ""
		if len(properties) > 1 {
			n := 2 + int(properties[0]>>7) + int(properties[1]>>4)
			salt = string(properties[2:max(2, min(n, len(properties)))])
		}
		w.salts[salt] = true
		rounds := properties[0] & 0x3f
		if (rounds > maxSevenRounds && rounds != 0x3f || len(w.salts) > maxSevenSalts) && w.bad == nil {
			w.bad, w.b = errors.New("its encryption asks for more time than any archive needs"), nil
		}
	case (bytes.Equal(id, []byte{3, 1, 1}) || bytes.Equal(id, []byte{3, 4, 1})) && len(properties) >= 5:
		size = uint64(binary.LittleEndian.Uint32(properties[1:]))
	case bytes.Equal(id, []byte{0x21}) && len(properties) == 1:
		size = uint64(2|properties[0]&1) << (min(properties[0], 60)/2 + 11)
	}
	if size > maxSevenWindow && w.bad == nil {
		w.bad, w.b = fmt.Errorf("a window of %d bytes is asked for, more than %d", size, maxSevenWindow), nil
	}
}

// substreams walks a SubStreamsInfo.
func (w *sevenWalk) substreams(folders, digests int) {
	id := w.byte()
	streams, sizes, unknown := folders, 0, folders-digests
	if id == 0x0d {
		streams, unknown = 0, 0
		single := 0
		for range folders {
			n := w.count()
			if streams += n; streams > w.most {
				w.fail()
				return
			}
			sizes += max(0, n-1)
			if n == 1 {
				single++
			} else {
				unknown += n
			}
		}
		// A folder of one file with a digest of its own has none here; which ones have is told all or none by real archives.
		if digests < folders {
			unknown += single
		}
		id = w.byte()
	}
	for w.bad == nil {
		switch id {
		case 0x00:
			return
		case 0x09:
			for range sizes {
				w.number()
			}
		case 0x0a:
			w.digests(unknown)
		default:
			w.fail()
		}
		id = w.byte()
	}
}
