package exposure

import (
	"bytes"
	"errors"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/contrail-ir/contrail/exposure/internal/prose"
	"github.com/contrail-ir/contrail/exposure/internal/record"
	"github.com/contrail-ir/contrail/exposure/internal/table"
	"github.com/contrail-ir/contrail/exposure/internal/travel"
)

// encodingOf tells the encoding of a text from its beginning: utf-8, utf-16le, utf-16be, utf-32le, utf-32be,
// gb18030, big5, windows-1252 (which holds Latin-1), or binary.
func encodingOf(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")):
		return "utf-32le"
	case bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return "utf-32be"
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "utf-16be"
	}
	var zeros [2]int
	var at [4]int // zeros by their place in four bytes
	for i, c := range head {
		if c == 0 {
			zeros[i&1]++
			at[i&3]++
		}
	}
	if n := len(head) / 4; n > 8 && at[1]*10 > n*9 && at[2]*10 > n*9 {
		switch {
		case at[3]*10 > n*9 && at[0]*10 < n:
			return "utf-32le"
		case at[0]*10 > n*9 && at[3]*10 < n:
			return "utf-32be"
		}
	}
	if n := len(head) / 2; n > 8 {
		switch {
		case zeros[1]*10 > n*6 && zeros[0]*10 < n:
			return "utf-16le"
		case zeros[0]*10 > n*6 && zeros[1]*10 < n:
			return "utf-16be"
		}
	}
	if zeros[0]+zeros[1] > 0 {
		return "binary"
	}
	whole := head
	for cut := 0; cut < 3 && len(whole) > 0 && !utf8.Valid(whole); cut++ { // the head may end inside a character
		whole = whole[:len(whole)-1]
	}
	if utf8.Valid(whole) {
		return "utf-8"
	}
	return eastAsian(head)
}

// eastAsian weighs how the bytes above 127 pair: the common characters of GB 2312 lie in B0–D7 with a
// second byte above A0; Big5 has a second byte below 7F in about two pairs of five; Western text has
// single ones among letters.
func eastAsian(p []byte) string {
	pairs, gb, big, low, single := 0, 0, 0, 0, 0
	for i := 0; i < len(p); i++ {
		a := p[i]
		if a < 0x80 {
			continue
		}
		if i+1 == len(p) {
			break
		}
		b := p[i+1]
		if a == 0x80 || a == 0xff || b < 0x40 || b == 0x7f || b == 0xff {
			single++
			continue
		}
		pairs++
		if a >= 0xb0 && a <= 0xd7 && b >= 0xa1 {
			gb++
		}
		if a >= 0xa4 && a <= 0xc6 {
			big++
			if b < 0x7f {
				low++
			}
		}
		if b < 0x80 && (i == 0 || p[i-1] < 0x80) && (b|0x20 >= 'a' && b|0x20 <= 'z') && a >= 0xc0 {
			single++ // a Western letter between letters looks like a pair
		}
		i++
	}
	switch {
	case single*2 > pairs:
		return "windows-1252"
	case big*10 >= pairs*7 && low*6 >= pairs:
		return "big5"
	case gb*2 >= pairs || pairs > 0:
		return "gb18030"
	}
	return "windows-1252"
}

func decoderOf(name string) *encoding.Decoder {
	switch name {
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder()
	case "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM).NewDecoder()
	case "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	case "utf-16be":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()
	case "gb18030":
		return simplifiedchinese.GB18030.NewDecoder()
	case "big5":
		return traditionalchinese.Big5.NewDecoder()
	case "windows-1252":
		return charmap.Windows1252.NewDecoder()
	}
	return nil
}

// oldLines turns the line ends of text whose lines end in a carriage return alone, as old systems and some exports write it.
type oldLines struct{ io.Reader }

func (r oldLines) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	for i, c := range p[:n] {
		if c == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// textDetector counts what the detectors of text find in pieces.
type textDetector struct{ prose.Detector }

const (
	pieceBytes = 256 << 10
	overlap    = 1024 // longer than anything that is found, with its context
)

// piece counts the hits of p that begin in [from, to); base is the offset of p.
func (d *textDetector) piece(in *intake, p []byte, base int64, from, to int) (end int) {
	end = to
	for _, h := range d.Find(p) {
		if h.From < from || h.From >= to {
			continue
		}
		end = max(end, h.To)
		if in.opts.OnHit != nil {
			in.opts.OnHit(in.source, h.Kind.String(), base+int64(h.From))
		}
		switch {
		case h.Kind == record.Bookings:
			in.Booking(nil, h.Value, 0, 0)
		case h.Holder != nil:
			in.Passenger(h.Holder)
			if h.Kind == record.Visas {
				in.Item(record.Visas, h.Issuer, h.Value)
			}
		case len(h.Issuer) > 0:
			in.Item(h.Kind, h.Issuer, h.Value)
		case h.Kind == record.FrequentFlyers:
			in.Item(h.Kind, nil, h.Value)
		case h.Kind == record.Documents:
			in.Item(h.Kind, make([]byte, 3), h.Value)
		default:
			in.Item(h.Kind, h.Value)
		}
	}
	return end
}

// text searches a stream piece by piece. When an interchange begins inside, the rest is read as EDIFACT.
func (in *intake) text(src io.Reader) error {
	buf := make([]byte, pieceBytes)
	n, decided := 0, 0
	base := int64(0)
	for {
		m, err := io.ReadFull(src, buf[n:])
		n += m
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return err
		}
		p := buf[:n]
		if at := interchangeAt(p); at >= 0 {
			in.detector.piece(in, p[:at], base, decided, at)
			in.file.Format = "text with edifact"
			return travel.Read(io.MultiReader(bytes.NewReader(bytes.Clone(p[at:])), src), in)
		}
		if last {
			in.detector.piece(in, p, base, decided, n)
			return nil
		}
		to := in.detector.piece(in, p, base, decided, n-overlap)
		keep := max(0, min(to, n)-128) // context of what follows
		decided = to - keep
		copy(buf, buf[keep:n])
		base += int64(keep)
		n -= keep
	}
}

// interchangeAt finds the beginning of an EDIFACT interchange in text, or -1.
func interchangeAt(p []byte) int {
	for from := 0; ; {
		i := bytes.Index(p[from:], []byte("UNB+"))
		if i < 0 {
			return -1
		}
		i += from
		rest := p[i+4 : min(len(p), i+12)]
		if (bytes.HasPrefix(rest, []byte("UNO")) || bytes.HasPrefix(rest, []byte("IAT"))) && bytes.IndexByte(rest, ':') > 0 {
			return i
		}
		from = i + 4
	}
}

// parquet needs the file's end first: a stream that cannot seek is copied to a temporary file.
func (in *intake) parquet(src, original io.Reader) error {
	type seekable interface {
		io.ReaderAt
		io.Seeker
	}
	if s, ok := original.(seekable); ok {
		if size, err := s.Seek(0, io.SeekEnd); err == nil {
			return in.parquetError(table.ReadParquet(s, size, in.source.Name, in.out()), size)
		}
	}
	spool, err := os.CreateTemp(in.opts.SpoolDir, "exposure-*.parquet")
	if err != nil {
		return err
	}
	defer func() { _ = spool.Close(); _ = os.Remove(spool.Name()) }()
	size, err := io.Copy(spool, io.LimitReader(src, in.opts.SpoolLimit+1))
	if err != nil {
		return err
	}
	if size > in.opts.SpoolLimit {
		in.Damage(Damage{Reason: "the Parquet stream is larger than the limit for temporary files", Bytes: size})
		return nil
	}
	return in.parquetError(table.ReadParquet(nameless{spool}, size, in.source.Name, in.out()), size)
}

// nameless keeps the name of the temporary file out of reports: it differs from run to run.
type nameless struct{ file *os.File }

func (n nameless) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	k, err := n.file.ReadAt(p, at)
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err
	}
	return k, err
}

// parquetError makes a malformed file damage: bad evidence is data.
func (in *intake) parquetError(err error, size int64) error {
	if err != nil {
		in.Damage(Damage{Reason: err.Error(), Bytes: size})
	}
	return nil
}
