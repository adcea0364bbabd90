package table

import (
	"bytes"
	"io"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Delimiters that are tried, in order of preference where two fit equally.
var delimiters = []byte{',', ';', '\t', '|', 0x01, '^'}

// Sniff finds the delimiter of delimited text from its beginning: the one that cuts at least two
// thirds of the lines into the same number of fields, two or more. It gives 0 when none does.
func Sniff(head []byte) byte {
	var best byte
	bestScore := 0.0
	for _, d := range delimiters {
		counts, lines := map[int]int{}, 0
		rest := head
		for len(rest) > 0 && lines < 100 {
			row, n, complete := cutRow(rest, d, true)
			if !complete && lines > 0 {
				break // the head ends inside this row
			}
			rest = rest[n:]
			if len(bytes.TrimSpace(row)) == 0 || row[0] == '#' {
				continue
			}
			counts[countFields(row, d)]++
			lines++
		}
		fields, most := 0, 0
		for f, n := range counts {
			if f >= 2 && (n > most || n == most && f > fields) {
				fields, most = f, n
			}
		}
		if lines == 0 || fields < 2 || most*3 < lines*2 {
			continue
		}
		if score := float64(most) / float64(lines) * float64(min(fields, 8)); score > bestScore {
			best, bestScore = d, score
		}
	}
	return best
}

func countFields(row []byte, d byte) int {
	n, quoted, start := 1, false, true
	for i := 0; i < len(row); i++ {
		c := row[i]
		switch {
		case quoted && c == '"' && i+1 < len(row) && row[i+1] == '"':
			i++
		case quoted:
			quoted = c != '"'
		case c == '"' && start:
			quoted = true
		case c == d:
			n++
			start = true
			continue
		}
		start = false
	}
	return n
}

// cutRow gives the first row of p without its line end, and its length with it. A quoted field may
// hold line breaks; a quotation mark that is never closed counts as an ordinary character. complete
// is false when p ends before the row does.
func cutRow(p []byte, d byte, eof bool) (row []byte, n int, complete bool) {
	nl := bytes.IndexByte(p, '\n')
	line := p
	if nl >= 0 {
		line = p[:nl]
	}
	if bytes.IndexByte(line, '"') < 0 {
		if nl < 0 {
			return p, len(p), eof
		}
		return trimCR(line), nl + 1, true
	}
	quoted, start := false, true
	for i := 0; i < len(p); i++ {
		if quoted { // go to the next quotation mark at once
			j := bytes.IndexByte(p[i:], '"')
			if j < 0 {
				break
			}
			i += j
			switch {
			case i+1 < len(p) && p[i+1] == '"':
				i++
			case i+1 < len(p) && p[i+1] != d && p[i+1] != '\r' && p[i+1] != '\n' && nl >= 0 && i > nl:
				// Text follows the mark: it opens another field, lines below one that was never closed.
				return trimCR(line), nl + 1, true
			default:
				quoted, start = false, false
			}
			continue
		}
		switch c := p[i]; {
		case c == '\n':
			return trimCR(p[:i]), i + 1, true
		case c == '"' && start:
			quoted = true
		default:
			start = c == d
		}
	}
	if quoted && eof && nl >= 0 {
		return trimCR(line), nl + 1, true
	}
	return p, len(p), eof && !quoted || eof && nl < 0
}

func trimCR(p []byte) []byte {
	if n := len(p); n > 0 && p[n-1] == '\r' {
		return p[:n-1]
	}
	return p
}

// split cuts a row into fields, in place: doubled quotation marks are written over.
func split(dst [][]byte, row []byte, d byte) [][]byte {
	if bytes.IndexByte(row, '"') < 0 {
		for len(dst) < maxColumns {
			i := bytes.IndexByte(row, d)
			if i < 0 {
				return append(dst, row)
			}
			dst = append(dst, row[:i])
			row = row[i+1:]
		}
		return dst
	}
	for len(dst) < maxColumns {
		if len(row) == 0 || row[0] != '"' {
			i := bytes.IndexByte(row, d)
			if i < 0 {
				return append(dst, row)
			}
			dst = append(dst, row[:i])
			row = row[i+1:]
			continue
		}
		field, w, i := row[1:], 0, 1
		for i < len(row) {
			if row[i] == '"' {
				if i+1 < len(row) && row[i+1] == '"' {
					i++
				} else {
					break
				}
			}
			field[w] = row[i]
			w++
			i++
		}
		// Whatever follows the closing mark belongs to no field.
		dst = append(dst, field[:w])
		next := bytes.IndexByte(row[min(i, len(row)):], d)
		if next < 0 {
			return dst
		}
		row = row[i+next+1:]
	}
	return dst
}

// ReadDelimited counts delimited text in UTF-8.
func ReadDelimited(src io.Reader, d byte, name string, out *Out) error {
	w := window{src: src}
	var t *Table
	var cells [][]byte
	var first []byte
	for {
		row, at, cut, err := w.row(d)
		if err != nil {
			if first != nil {
				t = withoutHeader(name, first, d, out)
			}
			if t != nil {
				t.Close()
			}
			if err == io.EOF {
				return nil
			}
			return err
		}
		if cut > 0 {
			out.Damage(record.Damage{Offset: at, Reason: "row longer than the limit was skipped after its beginning", Bytes: cut})
			if out.Text != nil {
				out.Text(row)
			}
			continue
		}
		if len(row) == 0 {
			continue
		}
		if t == nil && row[0] == '#' && first == nil {
			if rest, ok := bytes.CutPrefix(row, []byte("#fields\t")); ok { // Zeek
				t = New(name, names(split(nil, rest, d)), out)
			}
			continue
		}
		switch {
		case t != nil:
			if row[0] == '#' && d == '\t' {
				continue
			}
			cells = split(cells[:0], row, d)
			t.Row(cells)
		case first == nil:
			first = append([]byte{}, row...)
		default:
			head := split(nil, bytes.Clone(first), d)
			cells = split(cells[:0], row, d)
			if isHeader(head, cells) {
				t = New(name, names(head), out)
			} else {
				t = withoutHeader(name, first, d, out)
			}
			t.Row(cells)
			first = nil
		}
	}
}

func withoutHeader(name string, first []byte, d byte, out *Out) *Table {
	t := New(name, nil, out)
	t.Row(split(nil, first, d))
	return t
}

func names(cells [][]byte) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = string(bytes.TrimSpace(bytes.TrimPrefix(c[:min(len(c), 128)], []byte("\ufeff"))))
	}
	return out
}

// isHeader says whether the first row names the columns: it holds no value of its own, and it has a
// known name or differs in form from the row below.
func isHeader(head, below [][]byte) bool {
	known, contrast := 0, 0
	for i, h := range head {
		h = bytes.TrimSpace(h)
		if len(h) == 0 {
			continue
		}
		if digits(h)*2 > len(h) || bytes.IndexByte(h, '@') >= 0 {
			return false
		}
		if hint(string(h[:min(len(h), 128)])) != Untyped {
			known++
		}
		if i < len(below) && digits(below[i]) > 0 && digits(h) == 0 {
			contrast++
		}
	}
	return known > 0 || contrast*2 >= len(head)
}

func digits(p []byte) int {
	n := 0
	for _, c := range p {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n
}

// window is a sliding piece of a stream, never larger than twice a row's limit.
type window struct {
	src  io.Reader
	buf  []byte
	r, w int
	base int64
	err  error
}

func (w *window) fill() bool {
	if w.err != nil {
		return false
	}
	if w.buf == nil {
		w.buf = make([]byte, 4<<10) // the scan of a release asks thousands of short texts
	} else if w.w == len(w.buf) && w.w < 256<<10 {
		w.buf = append(w.buf, make([]byte, 256<<10-len(w.buf))...)
	}
	if w.r > 0 {
		copy(w.buf, w.buf[w.r:w.w])
		w.base += int64(w.r)
		w.w -= w.r
		w.r = 0
	}
	if w.w == len(w.buf) {
		if len(w.buf) >= 2*MaxRow {
			return false
		}
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	for empty := 0; empty < 100; empty++ {
		n, err := w.src.Read(w.buf[w.w:])
		w.w += n
		w.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// row gives the next row, borrowed until the next call. cut is how much of it was skipped.
func (w *window) row(d byte) (row []byte, at, cut int64, err error) {
	for {
		row, n, complete := cutRow(w.buf[w.r:w.w], d, w.err != nil)
		at = w.base + int64(w.r)
		if complete && n > 0 && n <= MaxRow {
			w.r += n
			return row, at, 0, nil
		}
		if n == 0 && w.err != nil {
			if w.err == io.EOF {
				return nil, at, 0, io.EOF
			}
			return nil, at, 0, w.err
		}
		if n > MaxRow || w.w-w.r > MaxRow {
			return w.overlong()
		}
		if !w.fill() && w.err == nil {
			return w.overlong()
		}
	}
}

// overlong hands out the beginning of a row without end. When a line ends within the limit, only a
// quotation mark was never closed: then the line is the row.
func (w *window) overlong() (row []byte, at, cut int64, err error) {
	at = w.base + int64(w.r)
	p := w.buf[w.r:w.w]
	if nl := bytes.IndexByte(p[:min(len(p), MaxRow)], '\n'); nl >= 0 {
		w.r += nl + 1
		return trimCR(p[:nl]), at, 0, nil
	}
	row = bytes.Clone(p[:min(len(p), maxCell)])
	w.r += len(row)
	for {
		if nl := bytes.IndexByte(w.buf[w.r:w.w], '\n'); nl >= 0 {
			w.r += nl + 1
			return row, at, cut + int64(nl), nil
		}
		cut += int64(w.w - w.r)
		w.r = w.w
		if !w.fill() {
			return row, at, max(cut, 1), nil
		}
	}
}
