package table

import (
	"bufio"
	"bytes"
	"io"
	"strconv"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// A sheet names its strings by number, so that a few bytes can stand for many, over and over. It may stand for freeRepeats bytes, and beyond for
// maxRepeats for each byte of its own.
const (
	maxRepeats  = 16
	freeRepeats = 16 << 20
)

// ReadSheet counts the rows of a sheet as those of a table whose first row names the columns. Rows above it with one cell only – a title – are text.
func ReadSheet(src io.Reader, book *Workbook, name string, out *Out) error {
	counted := &countedReader{src: src}
	s := sheet{in: bufio.NewReaderSize(counted, 64<<10), read: counted, book: book, out: out, rows: headed{name: name, out: out}}
	err := s.cells()
	s.rows.close()
	if s.unknown > 0 || book.broken && s.sharing {
		out.Damage(record.Damage{Reason: "strings of the spreadsheet are missing: cells that name them are empty here", Cut: true})
	}
	if s.dropped > 0 {
		out.Damage(record.Damage{Reason: "cells of the sheet beyond the limits of a row were not counted", Bytes: s.dropped})
	}
	return err
}

type countedReader struct {
	src io.Reader
	n   int64
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	r.n += int64(n)
	return n, err
}

// sheet is a worksheet under way.
type sheet struct {
	in   *bufio.Reader
	read *countedReader
	book *Workbook
	out  *Out
	rows headed

	arena   []byte
	ends    []int // of the row's cells in arena
	row     [][]byte
	value   []byte // of the cell under way
	sharing bool   // some cell names a string of the table
	repeats int64  // bytes that cells had from the table of strings
	unknown int64  // cells whose string is not there
	dropped int64
}

func (s *sheet) cells() error {
	var kind string
	style, column := 0, -1
	inCell, said, apart, ended := false, false, 0, false
	for {
		t, err := xmlNext(s.in)
		if err != nil {
			if !ended {
				s.out.Damage(record.Damage{Reason: "the sheet ends before its end", Cut: true})
			}
			return notEnd(err)
		}
		if t.kind == 't' {
			if said && apart == 0 && len(s.value) < maxCell {
				s.value = append(s.value, t.text[:min(len(t.text), maxCell-len(s.value))]...)
			}
			continue
		}
		begins, ends := t.kind == '<', t.kind == '/' || t.empty
		switch t.name {
		case "row":
			s.emit()
			column = -1
		case "c":
			if begins {
				column = columnOf(t.attr("r"), column)
				kind, s.value = t.attr("t"), s.value[:0]
				style = 0
				if n, err := strconv.Atoi(t.attr("s")); err == nil {
					style = n
				}
				inCell = true
			}
			if ends && inCell {
				s.cell(column, kind, style)
				inCell, said, apart = false, false, 0
			}
		case "v", "t":
			said = inCell && !ends
		case "rPh":
			if begins && !ends {
				apart++
			} else if t.kind == '/' {
				apart = max(0, apart-1)
			}
		case string(SheetPart):
			ended = ended || ends
		}
	}
}

// columnOf reads the column of a place like AB12; what names none stands beside the one before.
func columnOf(place string, before int) int {
	n, i := 0, 0
	for i < len(place) && i < 4 && alphabetic(place[i]) {
		n = n*26 + int(place[i]|0x20-'a') + 1
		i++
	}
	if i == 0 || i > 3 {
		return before + 1
	}
	return n - 1
}

// cell ends the cell under way: its text goes into the row.
func (s *sheet) cell(column int, kind string, style int) {
	if len(s.value) == 0 {
		return
	}
	if column < len(s.ends) || column >= maxColumns || len(s.arena) >= MaxRow {
		s.dropped += int64(len(s.value))
		return
	}
	for len(s.ends) < column {
		s.ends = append(s.ends, len(s.arena))
	}
	start := len(s.arena)
	switch kind {
	case "s":
		s.sharing = true
		number, err := strconv.Atoi(string(bytes.TrimSpace(s.value)))
		if s.repeats > freeRepeats+maxRepeats*s.read.n {
			s.dropped += int64(len(s.value))
			break
		}
		var ok bool
		if s.arena, ok = s.book.shared(s.arena, number); err != nil || !ok {
			s.arena = s.arena[:start]
			s.unknown++
		}
		s.repeats += int64(len(s.arena) - start)
	case "e": // an error, such as #N/A
	case "", "n":
		s.arena = s.book.number(s.arena, bytes.TrimSpace(s.value), style)
	default: // str, inlineStr, b, d
		s.arena = append(s.arena, s.value...)
	}
	s.ends = append(s.ends, len(s.arena))
}

func (s *sheet) emit() {
	if len(s.ends) == 0 {
		return
	}
	s.row = s.row[:0]
	start := 0
	for _, end := range s.ends {
		s.row = append(s.row, s.arena[start:end:end])
		start = end
	}
	s.rows.take(s.row)
	s.arena, s.ends = s.arena[:0], s.ends[:0]
}

// headed makes a table of rows of which the first may name the columns.
type headed struct {
	name  string
	out   *Out
	table *Table
	first [][]byte
}

func (h *headed) take(row [][]byte) {
	switch {
	case h.table != nil:
		h.table.Row(row)
	case h.first == nil:
		h.hold(row)
	case filled(h.first) < 2 && filled(row) >= 2:
		if h.out.Text != nil {
			h.out.Text(append(bytes.Join(h.first, []byte(" ")), '\n'))
		}
		h.hold(row)
	default:
		h.begin(row)
		h.table.Row(row)
	}
}

func (h *headed) hold(row [][]byte) {
	h.first = make([][]byte, len(row))
	for i, c := range row {
		h.first[i] = bytes.Clone(c)
	}
}

// begin decides what the first row is. below is nil when it is the only one.
func (h *headed) begin(below [][]byte) {
	if below != nil && isHeader(h.first, below) {
		h.table = New(h.name, names(h.first), h.out)
	} else {
		h.table = New(h.name, nil, h.out)
		h.table.Row(h.first)
	}
	h.first = nil
}

func (h *headed) close() {
	if h.first != nil {
		h.begin(nil)
	}
	if h.table != nil {
		h.table.Close()
	}
}

func filled(row [][]byte) (n int) {
	for _, c := range row {
		if len(c) > 0 {
			n++
		}
	}
	return n
}
