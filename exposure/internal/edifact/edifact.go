// Package edifact cuts a byte stream into the segments of UN/EDIFACT interchanges (ISO 9735, syntax
// versions 1 to 4) and segments into elements. It honours UNA, the release character and line breaks
// inside and between segments, keeps going over what is malformed and says what it met. Memory is
// bounded by the longest segment it keeps. It does not know any message type.
package edifact

import (
	"bytes"
	"errors"
	"io"
)

// MaxSegment is how much of one segment is kept; the rest up to its terminator is skipped.
const MaxSegment = 64 << 10

// Service are the characters that an interchange uses.
type Service struct {
	Component, Element, Decimal, Release, Repetition, Terminator byte
}

// Default are the characters in force without UNA. Release 0 would mean that there is none.
var Default = Service{':', '+', '.', '?', ' ', '\''}

// Segment is one segment, borrowed until the next call of Next.
type Segment struct {
	Offset int64  // of its tag in the stream
	Raw    []byte // from the tag up to the terminator, exclusive
	Cut    int64  // bytes of it beyond MaxSegment, which were skipped
	// Unended says that the terminator was missing: the segment ended at a line break followed by
	// the tag of another segment, or with the stream.
	Unended bool
	// BadUNA, on a UNA segment, says that the service string advice could not be as written and
	// that the usual characters were put in for what was unclear.
	BadUNA bool
}

// Tag gives the three-letter tag.
func (s *Segment) Tag() string {
	if len(s.Raw) < 3 {
		return ""
	}
	if t := tagOf(s.Raw); t != "" {
		return t
	}
	return string(s.Raw[:3])
}

// Reader reads segments. One goroutine uses it at a time.
type Reader struct {
	src     io.Reader
	service Service
	buf     []byte
	r, w    int
	base    int64 // stream offset of buf[0]
	err     error // sticky error of src
	inside  bool  // between UNH and UNT, where unknown tags are segments too
}

// NewReader returns a Reader of the segments in src.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, service: Default, buf: make([]byte, 4*MaxSegment)}
}

// Service gives the characters now in force.
func (r *Reader) Service() Service { return r.service }

// fill reads more; it reports false when nothing more will come or fits.
func (r *Reader) fill() bool {
	if r.err != nil {
		return false
	}
	if r.r > 0 {
		copy(r.buf, r.buf[r.r:r.w])
		r.base += int64(r.r)
		r.w -= r.r
		r.r = 0
	}
	for empty := 0; r.w < len(r.buf); {
		n, err := r.src.Read(r.buf[r.w:])
		r.w += n
		if err != nil {
			r.err = err
			return n > 0
		}
		if n > 0 {
			return true
		}
		if empty++; empty > 100 {
			r.err = io.ErrNoProgress
			return false
		}
	}
	return false
}

func space(c byte) bool { return c == ' ' || c == '\r' || c == '\n' || c == '\t' || c == 0 }

// Next gives the next segment, or io.EOF. Text between interchanges is passed over.
func (r *Reader) Next() (Segment, error) {
	for {
		for r.r < r.w && space(r.buf[r.r]) {
			r.r++
		}
		if r.w-r.r < 32 && r.fill() {
			continue
		}
		if r.r == r.w {
			if r.err == nil || errors.Is(r.err, io.EOF) {
				return Segment{}, io.EOF
			}
			return Segment{}, r.err
		}
		if r.w-r.r >= 3 && string(r.buf[r.r:r.r+3]) == "\xef\xbb\xbf" {
			r.r += 3
			continue
		}
		if r.buf[r.r] == 'U' && bytes.HasPrefix(r.buf[r.r:r.w], []byte("UNA")) {
			if seg, ok := r.advice(); ok {
				return seg, nil
			}
		}
		if r.service.Element != '+' && bytes.HasPrefix(r.buf[r.r:r.w], []byte("UNB+")) {
			r.service = Default // the advice was for the interchange before: this one has none
		}
		seg := r.segment()
		if len(seg.Raw) == 0 {
			continue // a doubled terminator, which is no segment
		}
		if !r.inside && !Known(seg.Raw, r.service.Element) {
			if at := interchange(seg.Raw); at > 0 {
				r.r = int(seg.Offset-r.base) + at
			}
			continue
		}
		switch {
		case seg.Raw[0] != 'U':
		case bytes.HasPrefix(seg.Raw, []byte("UNH")):
			r.inside = true
		case bytes.HasPrefix(seg.Raw, []byte("UNT")), bytes.HasPrefix(seg.Raw, []byte("UNZ")), bytes.HasPrefix(seg.Raw, []byte("UNB")):
			r.inside = false
		}
		return seg, nil
	}
}

// interchange finds where an interchange begins inside other text, or 0.
func interchange(p []byte) int {
	for _, mark := range []string{"UNA:+", "UNB+", "UNH+"} {
		if at := bytes.Index(p, []byte(mark)); at > 0 {
			return at
		}
	}
	return 0
}

// advice takes UNA and its six characters. When they cannot be what was meant – the next segment does
// not follow, or two of them are the same – the usual ones are put in.
func (r *Reader) advice() (Segment, bool) {
	for r.w-r.r < 32 && r.fill() {
	}
	p := r.buf[r.r:r.w]
	if len(p) < 9 {
		return Segment{}, false
	}
	follows := func(at int) bool {
		for at < len(p) && space(p[at]) {
			at++
		}
		rest := p[min(at, len(p)):]
		return len(rest) == 0 || bytes.HasPrefix(rest, []byte("UNB")) || bytes.HasPrefix(rest, []byte("UNG")) || bytes.HasPrefix(rest, []byte("UNH"))
	}
	s := Service{p[3], p[4], p[5], p[6], p[7], p[8]}
	seg := Segment{Offset: r.base + int64(r.r), Raw: p[:9]}
	if plausible(s) && follows(9) {
		if s.Release == ' ' {
			s.Release = 0 // ISO 9735: a space means that no release character is used
		}
		r.service = s
		r.r += 9
		return seg, true
	}
	end := 3
	for end < min(len(p), 16) && !follows(end) {
		end++
	}
	if end == min(len(p), 16) {
		return Segment{}, false
	}
	seg.BadUNA, seg.Raw = true, p[:end]
	r.service = Default
	if bytes.IndexByte(p[3:end], '\\') >= 0 {
		r.service.Release = '\\'
	}
	r.r += end
	return seg, true
}

func plausible(s Service) bool {
	set := []byte{s.Component, s.Element, s.Terminator}
	if s.Release != ' ' {
		set = append(set, s.Release)
	}
	for i, c := range set {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
		if letter || c >= 0x80 || c == ' ' || c == '\r' || c == '\n' || bytes.IndexByte(set[:i], c) >= 0 {
			return false
		}
	}
	return true
}

// released says whether the byte at i is made plain data by release characters before it.
func released(p []byte, i int, release byte) bool {
	if release == 0 || i == 0 || p[i-1] != release {
		return false
	}
	n := 0
	for i > n && p[i-1-n] == release {
		n++
	}
	return n%2 == 1
}

// segment takes what lies before the next terminator that is not released.
func (r *Reader) segment() Segment {
	from := 0 // searched so far, relative to r.r
	for {
		p := r.buf[r.r:r.w]
		if i := bytes.IndexByte(p[from:], r.service.Terminator); i >= 0 && from+i <= MaxSegment {
			i += from
			if released(p, i, r.service.Release) {
				from = i + 1
				continue
			}
			return r.take(i, i+1, false)
		}
		if len(p) > MaxSegment {
			return r.skip()
		}
		from = len(p)
		if !r.fill() {
			p = r.buf[r.r:r.w]
			if len(p) == from { // the stream ended without a terminator
				return r.take(len(p), len(p), true)
			}
		}
	}
}

// take hands out the first n bytes and moves on by next, unless a line inside begins with a tag: then
// the terminator of the line before it is missing.
func (r *Reader) take(n, next int, unended bool) Segment {
	raw := r.buf[r.r : r.r+n]
	seg := Segment{Offset: r.base + int64(r.r), Raw: raw, Unended: unended}
	if bytes.IndexByte(raw, '\n') < 0 { // as nearly all are
		r.r += next
		if n := len(raw); n > 0 && raw[n-1] == '\r' {
			seg.Raw = bytes.TrimRight(raw, "\r")
		}
		return seg
	}
	for from := 0; ; {
		i := bytes.IndexByte(raw[from:], '\n')
		if i < 0 {
			break
		}
		end := from + i
		for from = end; from < len(raw) && space(raw[from]); from++ {
		}
		if end > 0 && Known(raw[from:], r.service.Element) && !released(raw, end, r.service.Release) {
			seg.Raw, seg.Unended = trimQuote(raw[:end]), true
			r.r += from
			return seg
		}
	}
	r.r += next
	for len(raw) > 0 && (raw[len(raw)-1] == '\n' || raw[len(raw)-1] == '\r') {
		raw = raw[:len(raw)-1]
	}
	seg.Raw = raw
	return seg
}

// trimQuote drops a typographic quotation mark that stands where the terminator should.
func trimQuote(p []byte) []byte {
	p = bytes.TrimRight(p, " \r\n\t")
	for _, q := range []string{"’", "‘", "´", "`"} {
		p = bytes.TrimSuffix(p, []byte(q))
	}
	return p
}

// skip keeps the first MaxSegment bytes and passes over the rest.
func (r *Reader) skip() Segment {
	seg := Segment{Offset: r.base + int64(r.r), Raw: append([]byte(nil), r.buf[r.r:r.r+MaxSegment]...)}
	r.r += MaxSegment
	last := seg.Raw[len(seg.Raw)-1]
	odd := last == r.service.Release && !released(seg.Raw, len(seg.Raw)-1, r.service.Release)
	for {
		for r.r < r.w {
			c := r.buf[r.r]
			r.r++
			seg.Cut++
			switch {
			case odd:
				odd = false
			case c == r.service.Release && r.service.Release != 0:
				odd = true
			case c == r.service.Terminator:
				return seg
			}
		}
		if !r.fill() {
			seg.Unended = true
			return seg
		}
	}
}

// Known says whether the bytes begin with the tag of a segment of an interchange, PNRGOV or PAXLST,
// followed by what may follow a tag.
func Known(p []byte, element byte) bool {
	if len(p) < 3 || len(p) > 3 && p[3] != element && !(p[3] == '\'' || space(p[3])) {
		return false
	}
	return tagOf(p) != ""
}

// tags are the known ones.
var tags = []string{"",
	"UNA", "UNB", "UNG", "UNH", "UNT", "UNE", "UNZ", "UNS",
	"MSG", "ORG", "TVL", "EQN", "SRC", "RCI", "SSR", "DAT", "IFT", "ADD", "EBD", "TIF", "FTI", "REF", "FAR", "TKT", "MON", "PTK",
	"TXD", "FOP", "RPI", "APD", "SAC", "ABI", "TRI", "SSD", "TBD", "LTS", "TRA", "ERC", "ODI", "PDT", "CON", "TOD",
	"BGM", "NAD", "COM", "TDT", "LOC", "DTM", "ATT", "NAT", "RFF", "DOC", "CNT", "MEA", "GEI", "FTX", "CPI", "QTY", "EMP", "GIR", "AUT", "ERP"}

// tagIndex gives, by the letters of a tag, its place in tags.
var tagIndex = func() (index [1 << 15]uint8) {
	for i, t := range tags[1:] {
		index[letters(t[0], t[1], t[2])] = uint8(i + 1)
	}
	return index
}()

func letters(a, b, c byte) int { return int(a&31)<<10 | int(b&31)<<5 | int(c&31) }

// tagOf gives the known tag that the bytes begin with, "" for none, without making a string.
func tagOf(p []byte) string {
	t := tags[tagIndex[letters(p[0], p[1], p[2])]]
	if t != "" && (p[0] != t[0] || p[1] != t[1] || p[2] != t[2]) {
		return ""
	}
	return t
}
