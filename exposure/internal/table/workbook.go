package table

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Part is what a member of a spreadsheet file (Office Open XML, ISO/IEC 29500) holds.
type Part string

// The parts that count.
const (
	NoPart      Part = ""
	SheetPart   Part = "worksheet"
	StringsPart Part = "sst"
	StylesPart  Part = "styleSheet"
	BookPart    Part = "workbook"
)

// PartOf says, by the root element in the beginning of a member, which part of a spreadsheet file it is.
func PartOf(head []byte) Part {
	head = head[:min(len(head), 4096)]
	if !bytes.Contains(head, []byte("spreadsheetml")) {
		return NoPart
	}
	in := bufio.NewReaderSize(bytes.NewReader(head), 4096)
	for {
		t, err := xmlNext(in)
		switch part := Part(t.name); {
		case t.kind == 't' && err == nil && strings.TrimSpace(strings.TrimPrefix(t.text, "\ufeff")) == "":
		case t.kind == '<' && (part == SheetPart || part == StringsPart || part == StylesPart || part == BookPart):
			return part
		default:
			return NoPart
		}
	}
}

// maxStyles bounds the styles of a workbook that are known, and its own formats.
const maxStyles = 1 << 16

// Workbook is what the sheets of a spreadsheet file share: their strings, which styles are dates, and the first day. Strings beyond what is held in
// memory lie in a temporary file that Close removes.
type Workbook struct {
	strings, ends spool
	count         int
	formats       map[string]bool // formats of its own: whether they are dates
	dates         []bool          // by style
	since1904     bool
	broken        bool // some strings are missing
}

// NewWorkbook returns a workbook of which nothing is known. dir is where temporary files go; limit bounds each of them.
func NewWorkbook(dir string, limit int64) *Workbook {
	return &Workbook{strings: spool{dir: dir, limit: limit}, ends: spool{dir: dir, limit: limit}, formats: map[string]bool{}}
}

// Close removes the temporary files.
func (b *Workbook) Close() { b.strings.close(); b.ends.close() }

// Read takes in a part that is no sheet. Only a temporary file that cannot be written, and src, give an error.
func (b *Workbook) Read(part Part, src io.Reader) error {
	in := bufio.NewReaderSize(src, 64<<10)
	switch part {
	case StringsPart:
		return b.readStrings(in)
	case StylesPart:
		return b.readStyles(in)
	}
	for {
		t, err := xmlNext(in)
		if err != nil {
			return notEnd(err)
		}
		if t.kind == '<' && t.name == "workbookPr" {
			on := t.attr("date1904")
			b.since1904 = on == "1" || on == "true"
		}
	}
}

func notEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

func (t *xmlToken) attr(name string) string {
	for _, a := range t.attrs {
		if a[0] == name {
			return a[1]
		}
	}
	return ""
}

// readStrings takes the table of strings. What a string says is its text in all its runs, without how it is pronounced (rPh).
func (b *Workbook) readStrings(in *bufio.Reader) error {
	var text []byte
	inside, said, apart, ended := false, false, 0, false
	keep := func() error {
		if err := b.strings.append(text); err != nil {
			return err
		}
		b.count++
		text = text[:0]
		return b.ends.append(binary.LittleEndian.AppendUint64(nil, uint64(b.strings.size)))
	}
	for {
		t, err := xmlNext(in)
		if err != nil {
			b.broken = b.broken || !ended
			return notEnd(err)
		}
		switch {
		case t.kind == 't':
			if inside && said && apart == 0 && len(text) < maxCell {
				text = append(text, t.text[:min(len(t.text), maxCell-len(text))]...)
			}
		case t.name == "si":
			inside = t.kind == '<' && !t.empty
			if !inside {
				if err := keep(); err != nil {
					b.broken = true
					return err
				}
			}
		case t.name == "rPh" && t.kind == '/':
			apart = max(0, apart-1)
		case t.name == "rPh" && !t.empty:
			apart++
		case t.name == "t":
			said = t.kind == '<' && !t.empty
		case t.name == string(StringsPart) && (t.kind == '/' || t.empty):
			ended = true
		}
	}
}

// shared appends a string by its number.
func (b *Workbook) shared(dst []byte, number int) ([]byte, bool) {
	if number < 0 || number >= b.count {
		return dst, false
	}
	var ends [16]byte // where the string before ends, and where it does
	at, place := ends[:], int64(number-1)*8
	if number == 0 {
		at, place = ends[8:], 0
	}
	if !b.ends.read(at, place) {
		return dst, false
	}
	start, end := binary.LittleEndian.Uint64(ends[:8]), binary.LittleEndian.Uint64(ends[8:])
	n := len(dst)
	dst = append(dst, make([]byte, end-start)...)
	return dst, b.strings.read(dst[n:], int64(start))
}

// readStyles learns which cells hold dates: their style is a format of time, one of the known numbers or one of the file's own.
func (b *Workbook) readStyles(in *bufio.Reader) error {
	cells := false
	for {
		t, err := xmlNext(in)
		if err != nil {
			return notEnd(err)
		}
		switch {
		case t.name == "cellXfs":
			cells = t.kind == '<' && !t.empty
		case t.name == "numFmt" && t.kind == '<' && len(b.formats) < maxStyles:
			b.formats[t.attr("numFmtId")] = isDateFormat(t.attr("formatCode"))
		case t.name == "xf" && t.kind == '<' && cells && len(b.dates) < maxStyles:
			b.dates = append(b.dates, b.isDate(t.attr("numFmtId")))
		}
	}
}

func (b *Workbook) isDate(format string) bool {
	if own, ok := b.formats[format]; ok {
		return own
	}
	n, err := strconv.Atoi(format)
	return err == nil && (n >= 14 && n <= 17 || n == 22 || n >= 27 && n <= 36 || n >= 50 && n <= 58)
}

// isDateFormat says whether a format shows days or years: outside of quotes, escapes and brackets it has one of their letters.
func isDateFormat(code string) bool {
	for i := 0; i < len(code); i++ {
		switch c := code[i] | 0x20; {
		case code[i] == '"':
			if i = skipTo(code, i+1, '"'); i < 0 {
				return false
			}
		case code[i] == '[':
			if i = skipTo(code, i+1, ']'); i < 0 {
				return false
			}
		case code[i] == '\\' || code[i] == '_' || code[i] == '*':
			i++
		case c == 'd' || c == 'y':
			return true
		case c == 'g' && strings.HasPrefix(strings.ToLower(code[i:]), "general"):
			return false
		}
	}
	return false
}

func skipTo(s string, from int, c byte) int {
	if i := strings.IndexByte(s[min(from, len(s)):], c); i >= 0 {
		return from + i
	}
	return -1
}

// number writes a number as people see it in the cell: a date where the style says so, without an exponent.
func (b *Workbook) number(dst, text []byte, style int) []byte {
	date := style >= 0 && style < len(b.dates) && b.dates[style]
	if !date && bytes.IndexByte(text, 'E') < 0 && bytes.IndexByte(text, 'e') < 0 || len(text) > 64 {
		return append(dst, text...)
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil || math.IsNaN(x) || math.Abs(x) >= 1e17 {
		return append(dst, text...)
	}
	if !date || x < 1 || x >= 2958466 { // the day after 9999-12-31
		return strconv.AppendFloat(dst, x, 'f', -1, 64)
	}
	// Day 60 of the usual count is 29 February 1900, which never was.
	first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case b.since1904:
		first = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case x < 60:
		first = time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	days := math.Floor(x)
	at := first.AddDate(0, 0, int(days)).Add(time.Duration(math.Round((x-days)*86400)) * time.Second)
	if at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0 {
		return at.AppendFormat(dst, time.DateOnly)
	}
	return at.AppendFormat(dst, time.DateTime)
}
