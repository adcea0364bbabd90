package archive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Sizes and signatures of APPNOTE.TXT, the specification of zip.
const (
	localHeader   = 30
	centralHeader = 46
	endRecord     = 22
	end64Record   = 56
	end64Locator  = 20

	signLocal      = 0x04034b50
	signCentral    = 0x02014b50
	signEnd        = 0x06054b50
	signEnd64      = 0x06064b50
	signLocator    = 0x07064b50
	signDescriptor = 0x08074b50

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagStrong     = 1 << 6
)

// zipEntry is what a header says of a member.
type zipEntry struct {
	raw        string
	flags      uint16
	method     uint16
	dosTime    uint16
	dosDate    uint16
	crc        uint32
	size       int64 // unpacked; -1 unknown
	packed     int64
	offset     int64 // of the local header
	modified   time.Time
	aesVersion uint16 // 0 when not AES
	aesKey     byte
	aesMethod  uint16
}

// NewZip reads a zip archive by its central directory, which is read as it goes by, however long it is. Where the directory is
// missing, because the archive was cut off, the members are found by their own headers.
func NewZip(r io.ReaderAt, size int64, o Options) Reader {
	z := &zipReader{r: r, size: size, options: o}
	if err := z.findDirectory(); err != nil {
		z.salvage = true
		z.pending = append(z.pending, &Damage{uint64(max(0, size)), err.Error() + "; members are found by their own headers"})
	}
	return z
}

type zipReader struct {
	r       io.ReaderAt
	size    int64
	options Options

	base    int64 // what lies before the archive: offsets count from here
	entries uint64
	seen    uint64
	dir     *bufio.Reader
	dirAt   int64

	ahead   []*zipEntry // listed, and not given yet
	salvage bool
	next    int64 // where to look for the next local header
	pending []*Damage
	ended   bool

	// Reused from member to member.
	in    *bufio.Reader
	flate io.ReadCloser
}

// findDirectory reads the records at the end of the archive.
func (z *zipReader) findDirectory() error {
	tail := make([]byte, min(z.size, 64<<10+endRecord+4096))
	tailAt := z.size - int64(len(tail))
	if _, err := z.r.ReadAt(tail, tailAt); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the end of the archive cannot be read (%w)", err)
	}
	at := -1
	for i := len(tail); at < 0; {
		if i = bytes.LastIndex(tail[:i], []byte("PK\x05\x06")); i < 0 {
			return errors.New("the central directory is missing: the archive is cut off")
		}
		if i+endRecord <= len(tail) && i+endRecord+int(binary.LittleEndian.Uint16(tail[i+20:])) <= len(tail) {
			at = i
		}
	}
	end := tail[at:]
	z.entries = uint64(binary.LittleEndian.Uint16(end[10:]))
	length, offset := int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	endAt := tailAt + int64(at)
	if z.entries == 0xffff || length == 0xffffffff || offset == 0xffffffff {
		if n, l, o, where, ok := z.end64(endAt); ok {
			z.entries, length, offset, endAt = n, l, o, where
		}
	}
	if length < 0 || offset < 0 || length > endAt || offset > endAt {
		return errors.New("the central directory is said to lie outside the archive")
	}
	z.base = endAt - length - offset
	for _, base := range []int64{z.base, 0} {
		var sign [4]byte
		if base < 0 {
			continue
		}
		if _, err := z.r.ReadAt(sign[:], base+offset); err == nil && binary.LittleEndian.Uint32(sign[:]) == signCentral || length == 0 {
			z.base = base
			z.dirAt = base + offset
			directory := io.NewSectionReader(z.r, z.dirAt, endAt-z.dirAt)
			z.dir = bufio.NewReaderSize(directory, 64<<10)
			if directory.Size() <= maxWorkbook {
				z.tablesFirst(directory)
			}
			return nil
		}
	}
	return errors.New("the central directory is not where it is said to be")
}

func (z *zipReader) end64(endAt int64) (entries uint64, length, offset, where int64, ok bool) {
	var loc [end64Locator]byte
	if endAt < end64Locator {
		return
	}
	if _, err := z.r.ReadAt(loc[:], endAt-end64Locator); err != nil || binary.LittleEndian.Uint32(loc[:]) != signLocator {
		return
	}
	// What lies before the archive shifts the record: it stands right before its locator when it is of the usual length.
	for _, where := range []int64{int64(binary.LittleEndian.Uint64(loc[8:])), endAt - end64Locator - end64Record} {
		var rec [end64Record]byte
		if where < 0 || where > z.size-end64Record {
			continue
		}
		if _, err := z.r.ReadAt(rec[:], where); err != nil || binary.LittleEndian.Uint32(rec[:]) != signEnd64 {
			continue
		}
		return binary.LittleEndian.Uint64(rec[32:]), int64(binary.LittleEndian.Uint64(rec[40:])), int64(binary.LittleEndian.Uint64(rec[48:])), where, true
	}
	return
}

// Next implements Reader.
func (z *zipReader) Next() (m *Member, err error) {
	defer shield("zip", &err)
	for {
		if len(z.pending) > 0 {
			d := z.pending[0]
			z.pending = z.pending[1:]
			return nil, d
		}
		if z.ended {
			return nil, io.EOF
		}
		var e *zipEntry
		switch {
		case z.salvage:
			e = z.find()
		case len(z.ahead) > 0:
			e, z.ahead = z.ahead[0], z.ahead[1:]
		case z.ahead != nil:
		default:
			e = z.listed()
		}
		if e == nil {
			z.ended = true
			continue
		}
		if n := len(e.raw); n > 0 && (e.raw[n-1] == '/' || e.raw[n-1] == '\\') {
			continue // a folder
		}
		if err := z.options.Meter.member(); err != nil {
			z.ended = true
			return nil, &Damage{uint64(max(0, e.offset)), err.Error()}
		}
		return z.open(e), nil
	}
}

// maxWorkbook is the longest directory of a spreadsheet file that is looked for: a workbook has a member for each sheet.
const maxWorkbook = 1 << 20

// tablesFirst puts the tables of a spreadsheet file – strings, styles, the list of sheets – before the sheets that cannot be read without them: most
// programs write them behind.
func (z *zipReader) tablesFirst(directory *io.SectionReader) {
	all := make([]byte, directory.Size())
	n, _ := directory.ReadAt(all, 0)
	if !bytes.Contains(all[:n], []byte("xl/worksheets/")) {
		return
	}
	for e := z.listed(); e != nil; e = z.listed() {
		z.ahead = append(z.ahead, e)
	}
	rank := func(e *zipEntry) int {
		name := strings.ToLower(e.raw)
		if strings.HasPrefix(name, "xl/sharedstrings") || strings.HasPrefix(name, "xl/styles") || strings.HasPrefix(name, "xl/workbook") {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(z.ahead, func(a, b *zipEntry) int { return rank(a) - rank(b) })
}

func (z *zipReader) damage(at int64, format string, args ...any) {
	z.pending = append(z.pending, &Damage{uint64(max(0, at)), fmt.Sprintf(format, args...)})
}

// listed gives the next entry of the central directory.
func (z *zipReader) listed() *zipEntry {
	var h [centralHeader]byte
	_, err := io.ReadFull(z.dir, h[:])
	if err != nil || binary.LittleEndian.Uint32(h[:]) != signCentral {
		// The count is kept modulo 65,536 by writers that do not know of larger archives.
		if short := len(h) > 0 && z.seen != z.entries && (z.entries > 0xffff || uint16(z.seen) != uint16(z.entries)); short {
			z.damage(z.dirAt, "the central directory says %d members and lists %d", z.entries, z.seen)
		}
		return nil
	}
	at := z.dirAt
	n, x, c := int(binary.LittleEndian.Uint16(h[28:])), int(binary.LittleEndian.Uint16(h[30:])), int(binary.LittleEndian.Uint16(h[32:]))
	tail := make([]byte, n+x+c)
	if _, err := io.ReadFull(z.dir, tail); err != nil {
		z.damage(at, "the central directory is cut off after %d members", z.seen)
		return nil
	}
	z.seen++
	z.dirAt += int64(centralHeader + len(tail))
	e := &zipEntry{
		raw: string(tail[:n]), flags: binary.LittleEndian.Uint16(h[8:]), method: binary.LittleEndian.Uint16(h[10:]),
		dosTime: binary.LittleEndian.Uint16(h[12:]), dosDate: binary.LittleEndian.Uint16(h[14:]), crc: binary.LittleEndian.Uint32(h[16:]),
		packed: int64(binary.LittleEndian.Uint32(h[20:])), size: int64(binary.LittleEndian.Uint32(h[24:])), offset: int64(binary.LittleEndian.Uint32(h[42:])),
	}
	e.extra(tail[n:n+x], true)
	e.offset += z.base
	return e
}

// extra reads the extra fields that matter: sizes beyond 4 GiB, AES, times.
func (e *zipEntry) extra(b []byte, central bool) {
	e.modified = dosTime(e.dosDate, e.dosTime)
	for len(b) >= 4 {
		id, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		b = b[4:]
		if n > len(b) {
			return
		}
		f := b[:n]
		b = b[n:]
		switch id {
		case 1:
			for _, v := range []*int64{&e.size, &e.packed, &e.offset} {
				if *v == 0xffffffff && len(f) >= 8 && (central || v != &e.offset) {
					*v, f = int64(binary.LittleEndian.Uint64(f)), f[8:]
				}
			}
		case 0x9901:
			if len(f) >= 7 {
				e.aesVersion, e.aesKey, e.aesMethod = binary.LittleEndian.Uint16(f), f[4], binary.LittleEndian.Uint16(f[5:])
			}
		case 0x5455:
			if len(f) >= 5 && f[0]&1 != 0 {
				e.modified = time.Unix(int64(int32(binary.LittleEndian.Uint32(f[1:]))), 0).UTC()
			}
		}
	}
}

// dosTime reads a DOS date and time, which name no zone, as UTC.
func dosTime(date, clock uint16) time.Time {
	if date == 0 {
		return time.Time{}
	}
	return time.Date(int(date>>9)+1980, time.Month(date>>5&15), int(date&31), int(clock>>11), int(clock>>5&63), int(clock&31)*2, 0, time.UTC)
}

// local reads the header at a member's place; data is where its bytes begin.
func (z *zipReader) local(at int64) (e *zipEntry, data int64, ok bool) {
	var h [localHeader]byte
	if at < 0 || at > z.size-localHeader {
		return nil, 0, false
	}
	if _, err := z.r.ReadAt(h[:], at); err != nil || binary.LittleEndian.Uint32(h[:]) != signLocal {
		return nil, 0, false
	}
	n, x := int64(binary.LittleEndian.Uint16(h[26:])), int64(binary.LittleEndian.Uint16(h[28:]))
	data = at + localHeader + n + x
	if data > z.size {
		return nil, 0, false
	}
	tail := make([]byte, n+x)
	if _, err := z.r.ReadAt(tail, at+localHeader); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, false
	}
	e = &zipEntry{
		raw: string(tail[:n]), flags: binary.LittleEndian.Uint16(h[6:]), method: binary.LittleEndian.Uint16(h[8:]),
		dosTime: binary.LittleEndian.Uint16(h[10:]), dosDate: binary.LittleEndian.Uint16(h[12:]), crc: binary.LittleEndian.Uint32(h[14:]),
		packed: int64(binary.LittleEndian.Uint32(h[18:])), size: int64(binary.LittleEndian.Uint32(h[22:])), offset: at,
	}
	e.extra(tail[n:], false)
	return e, data, true
}

// find gives the next member by its local header, for archives without a directory.
func (z *zipReader) find() *zipEntry {
	for {
		at := z.search(z.next, signLocal)
		if at < 0 {
			return nil
		}
		e, data, ok := z.local(at)
		if !ok || len(e.raw) == 0 || e.packed < 0 || e.method > 99 {
			z.next = at + 4
			continue
		}
		if e.flags&flagDescriptor != 0 && e.packed == 0 { // sizes stand behind the data: up to the next header
			end := z.search(data, signDescriptor, signLocal, signCentral)
			if end < 0 {
				end = z.size
			}
			e.packed, e.size, e.crc = end-data, -1, 0
		}
		e.packed = min(e.packed, z.size-data)
		z.next = data + e.packed
		return e
	}
}

// search gives the first place of one of the signatures, or -1. It ends at the first, so that finding all members takes one pass.
func (z *zipReader) search(from int64, signs ...uint32) int64 {
	buf := make([]byte, 64<<10)
	for from < z.size {
		n, err := z.r.ReadAt(buf, from)
		for at := 0; ; at++ {
			i := bytes.Index(buf[at:n], []byte("PK"))
			if i < 0 || at+i+4 > n {
				break
			}
			at += i
			if slices.Contains(signs, binary.LittleEndian.Uint32(buf[at:])) {
				return from + int64(at)
			}
		}
		if err != nil || n < 4 {
			return -1
		}
		from += int64(n - 3)
	}
	return -1
}

// ListZip gives the names of a zip's members in their order without opening them, and the content of those of up to 1 MiB that are
// wanted. It stops early when the archive is broken: who reads the members is told.
func ListZip(r io.ReaderAt, size int64, o Options, want func(name string) bool, got func(name string, content []byte)) {
	o.Meter = NewMeter(o.Meter.Limits, size)
	z := &zipReader{r: r, size: size, options: o}
	if z.findDirectory() != nil {
		return
	}
	for n := 0; n < o.Meter.Limits.Members; n++ {
		e := z.listed()
		if e == nil {
			return
		}
		name, _ := clean(e.raw)
		if !want(name) || e.size > 1<<20 {
			continue
		}
		if m := z.open(e); m.Body != nil {
			content, err := io.ReadAll(io.LimitReader(m.Body, 1<<20))
			if err == nil {
				got(name, content)
			}
		}
	}
}
