package table

import (
	"bytes"
	"io"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Aligned text is what clients of databases print – sqlcmd, isql, SQL*Plus, db2 –: names, a line of hyphens as wide as the columns, and rows padded with blanks.
// Columns are counted in characters, as the clients pad.

// column is a run of hyphens: the characters that belong to it, the last one's end not included.
type column struct{ from, to int }

// ruler reads a line of hyphens, two runs at least; nil when the line is none.
func ruler(line []byte) (cols []column) {
	for i := 0; i < len(line); {
		switch line[i] {
		case ' ':
			i++
		case '-':
			from := i
			for i < len(line) && line[i] == '-' {
				i++
			}
			if cols = append(cols, column{from, i}); len(cols) > maxColumns {
				return nil
			}
		default:
			return nil
		}
	}
	if len(cols) < 2 || cols[len(cols)-1].to < 8 {
		return nil
	}
	return cols
}

// Aligned says whether a text begins as aligned columns do, within its first lines.
func Aligned(head []byte) bool {
	const lines = 30
	named := false
	for range lines {
		line, rest, more := bytes.Cut(head, []byte{'\n'})
		line = trimCR(line)
		if more && named && ruler(line) != nil {
			return true
		}
		if !more {
			return false
		}
		named, head = len(bytes.TrimSpace(line)) > 0, rest
	}
	return false
}

// ReadAligned counts aligned text in UTF-8. A result set ends at an empty line; headers that are printed again on each page are no rows. What fits no column goes
// to the detectors of text.
func ReadAligned(src io.Reader, name string, out *Out) error {
	w := window{src: src}
	var t *Table
	var cols []column
	var header, before []byte
	var cells [][]byte
	end := func() {
		if t != nil {
			t.Close()
		}
		t = nil
	}
	pass := func() {
		if len(before) > 0 && out.Text != nil {
			out.Text(before)
		}
		before = before[:0]
	}
	for {
		row, at, cut, err := w.row(0)
		if err != nil {
			pass()
			end()
			if err == io.EOF {
				return nil
			}
			return err
		}
		if cut > 0 {
			out.Damage(record.Damage{Offset: at, Reason: "row longer than the limit was skipped after its beginning", Bytes: cut})
			continue
		}
		if r := ruler(row); r != nil && len(before) > 0 {
			if t == nil || !bytes.Equal(header, before) {
				end()
				cols, header = r, append(header[:0], before...)
				t = New(name, names(cutAligned(nil, header, cols)), out)
			}
			before = before[:0]
			continue
		}
		// A row is judged when the line after it is known, since a ruler below makes it a header.
		if len(before) > 0 {
			if t != nil && fits(before, cols) && !bytes.Equal(before, header) {
				cells = cutAligned(cells[:0], before, cols)
				t.Row(cells)
				before = before[:0]
			}
			pass()
		}
		if before = append(before[:0], row...); len(bytes.TrimSpace(row)) == 0 {
			before = before[:0]
			if len(row) == 0 {
				end()
			}
		}
	}
}

// fits says whether a line has blanks between the columns and reaches into the last but one at least.
func fits(line []byte, cols []column) bool {
	c, n := 0, 0
	for i := 0; i < len(line) && c < len(cols); n++ {
		r, size := utf8.DecodeRune(line[i:])
		for c < len(cols) && n >= cols[c].to {
			c++
		}
		if c < len(cols) && n < cols[c].from && r != ' ' {
			return false
		}
		i += size
	}
	return n > cols[len(cols)-2].from
}

// cutAligned cuts a line at the columns; the last takes what is left.
func cutAligned(dst [][]byte, line []byte, cols []column) [][]byte {
	i, n := 0, 0
	to := func(column int) int {
		for n < column && i < len(line) {
			_, size := utf8.DecodeRune(line[i:])
			i, n = i+size, n+1
		}
		return i
	}
	for k, c := range cols {
		from, until := to(c.from), len(line)
		if k < len(cols)-1 {
			until = to(c.to)
		}
		dst = append(dst, bytes.TrimSpace(line[from:until]))
	}
	return dst
}
