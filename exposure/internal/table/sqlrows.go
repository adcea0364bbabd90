package table

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// insert reads a statement after INSERT or REPLACE.
func (s *sqlReader) insert() error {
	for {
		c, err := s.token()
		if err != nil {
			return err
		}
		if !letter(c) && c != '`' && c != '"' && c != '[' {
			return s.skipStatement(c)
		}
		name := ""
		for name == "" {
			if name, err = s.name(c); err != nil {
				return err
			}
			switch strings.ToUpper(name) {
			case "INTO", "ALL", "IGNORE", "DELAYED", "LOW_PRIORITY", "HIGH_PRIORITY", "OVERWRITE", "OR", "REPLACE", "TABLE":
				name = ""
				if c, err = s.token(); err != nil {
					return err
				}
				if !letter(c) && c != '`' && c != '"' && c != '[' {
					return s.skipStatement(c)
				}
			case "":
				return s.skipStatement(c)
			}
		}
		again, err := s.values(name)
		if err != nil || !again {
			return err
		}
	}
}

// values reads "[(columns)] VALUES (…), (…)" after a table's name; again says that Oracle's INSERT ALL
// goes on with another INTO.
func (s *sqlReader) values(name string) (again bool, err error) {
	var columns []string
	for {
		c, err := s.token()
		if err != nil {
			return false, err
		}
		if c == '(' && columns == nil {
			if columns, err = s.columnList(); err != nil {
				return false, err
			}
			continue
		}
		if !letter(c) {
			return false, s.skipStatement(c)
		}
		w, err := s.word(c)
		if err != nil {
			return false, err
		}
		if w == "VALUES" || w == "VALUE" {
			break
		}
		if w == "SELECT" || w == "SET" || w == "DEFAULT" {
			return false, s.skipStatement(0)
		}
	}
	t := s.begin(name, columns)
	for {
		c, err := s.token()
		if err != nil {
			return false, err
		}
		switch {
		case c == '(' && s.quick(t):
		case c == '(':
			at := s.at
			if err := s.tuple(t); err != nil {
				if errors.Is(err, io.EOF) {
					s.out.Damage(record.Damage{Offset: at, Reason: "the dump ends inside a row", Cut: true})
				}
				return false, err
			}
		case c == ',':
		case c == ';':
			return false, nil
		case letter(c):
			w, err := s.word(c)
			switch {
			case err != nil:
				return false, err
			case w == "INTO":
				return true, nil
			case w == "INSERT" || w == "REPLACE": // SQL Server ends statements without a semicolon
				return true, nil
			case w == "GO":
				return false, nil
			case w == "ROW":
				continue
			}
			return false, s.skipStatement(0)
		default:
			return false, s.skipStatement(c)
		}
	}
}

// tuple reads the values of one row after its parenthesis and counts it.
func (s *sqlReader) tuple(t *Table) error {
	s.arena, s.ends, s.null, s.cutCells = s.arena[:0], s.ends[:0], s.null[:0], 0
	start := s.at
	isNull, some := false, false
	end := func() {
		if len(s.ends) < maxColumns {
			s.ends = append(s.ends, len(s.arena))
			s.null = append(s.null, isNull || !some)
		}
		isNull, some = false, false
	}
	depth := 0
	from := 0 // of the cell in arena
	quoted := false
	for {
		c, err := s.token()
		if err != nil {
			return err
		}
		switch {
		case c == ')' && depth == 0:
			end()
			s.hand(t, start)
			return nil
		case c == ',' && depth == 0:
			end()
			from, quoted = len(s.arena), false
		case c == '(':
			depth++
			if !quoted { // the name of a function is not a value
				s.arena = s.arena[:from]
			}
		case c == ')':
			depth--
		case c == '\'':
			if quoted { // only the first literal of a call, TO_DATE('…', 'YYYY-MM-DD')
				if err := s.skipLiteral(); err != nil {
					return err
				}
				continue
			}
			if depth == 0 {
				s.arena = s.arena[:from]
			}
			quoted, some = true, true
			if err := s.literal(); err != nil {
				return err
			}
		case c == '$' && !s.backslash:
			if depth == 0 && !quoted {
				s.arena = s.arena[:from]
			}
			keep := s.keep
			if quoted {
				keep = nil
			}
			ok, err := s.dollar(keep)
			if err != nil {
				return err
			}
			quoted, some = quoted || ok, some || ok
		case letter(c):
			w, err := s.word(c)
			if err != nil {
				return err
			}
			switch {
			case quoted:
			case w == "NULL":
				isNull = true
			case s.peek() == '\'': // N'…', E'…', X'…', _utf8'…', DATE'…'
				if w == "Q" || w == "NQ" {
					if depth == 0 {
						s.arena = s.arena[:from]
					}
					quoted, some = true, true
					if err := s.alternative(); err != nil {
						return err
					}
				}
				if w == "X" { // binary text, as --hex-blob writes it
					if depth == 0 {
						s.arena = s.arena[:from]
					}
					at := len(s.arena)
					_, _ = s.next()
					quoted, some = true, true
					if err := s.literal(); err != nil {
						return err
					}
					s.arena = unhexed(s.arena, at)
				}
				if w == "E" {
					if _, err := s.next(); err != nil {
						return err
					}
					was := s.backslash
					s.backslash, quoted, some = true, true, true
					err = s.literal()
					s.backslash = was
					if err != nil {
						return err
					}
				}
			default:
				some = true
				s.put(w)
			}
		default:
			if !quoted && depth == 0 {
				some = true
				if c == '0' && s.peek()|0x20 == 'x' {
					if err := s.hexadecimal(); err != nil {
						return err
					}
					continue
				}
				s.keep(c)
				// Numbers go on without separators.
				for {
					c, err := s.next()
					if err != nil {
						return err
					}
					if c < '0' || c > '9' {
						if c != '.' {
							s.back()
							break
						}
					}
					s.keep(c)
				}
			}
		}
	}
}

func (s *sqlReader) put(w string) {
	for i := range len(w) {
		s.keep(w[i])
	}
}

// keep adds a byte to the cell unless the row is larger than its limit.
func (s *sqlReader) keep(c byte) {
	if len(s.arena) < MaxRow {
		s.arena = append(s.arena, c)
	} else {
		s.cutCells++
	}
}

func (s *sqlReader) hand(t *Table, at int64) {
	if s.cutCells > 0 {
		s.out.Damage(record.Damage{Offset: at, Reason: "row longer than the limit was cut", Bytes: s.cutCells})
	}
	s.cells = s.cells[:0]
	from := 0
	for i, e := range s.ends {
		cell := s.arena[from:e]
		if s.null[i] {
			cell = nil
		}
		s.cells = append(s.cells, cell)
		from = e
	}
	t.Row(s.cells)
}

// literal reads a string after its quotation mark into the cell.
func (s *sqlReader) literal() error {
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		switch {
		case c == '\'':
			if s.peek() != '\'' {
				return nil
			}
			_, _ = s.next()
			s.keep('\'')
		case c == '\\' && s.backslash:
			if c, err = s.next(); err != nil {
				return err
			}
			s.keep(unescape(c))
		default:
			s.keep(c)
		}
	}
}

// alternative reads Oracle's q'[…]' from its quotation mark on into the cell: what follows the mark – a bracket's partner – ends it.
func (s *sqlReader) alternative() error {
	_, _ = s.next() // the quotation mark, which was peeked at
	end, err := s.next()
	if err != nil {
		return err
	}
	if i := strings.IndexByte("[({<", end); i >= 0 {
		end = "])}>"[i]
	}
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c == end && s.peek() == '\'' {
			_, err = s.next()
			return err
		}
		s.keep(c)
	}
}

// dollar reads PostgreSQL's $tag$…$tag$ after its first sign and hands its bytes to keep, which may be nil. It says false, and has read nothing,
// when it is something else.
func (s *sqlReader) dollar(keep func(byte)) (bool, error) {
	head, _ := s.in.Peek(64)
	n := 0
	for n < len(head) && head[n] != '$' && (letter(head[n]) || n > 0 && head[n] >= '0' && head[n] <= '9') {
		n++
	}
	if n == len(head) || head[n] != '$' {
		return false, nil
	}
	end := "$" + string(head[:n+1])
	_, _ = s.in.Discard(n + 1) // peeked at
	s.at += int64(n + 1)
	for met := 0; ; {
		c, err := s.next()
		if err != nil {
			return true, err
		}
		if c == end[met] {
			if met++; met == len(end) {
				return true, nil
			}
			continue
		}
		// Of an end that was none only the first sign can begin another: the tag holds no sign.
		for i := range met {
			if keep != nil {
				keep(end[i])
			}
		}
		if met = 0; c == '$' {
			met = 1
		} else if keep != nil {
			keep(c)
		}
	}
}

// hexadecimal reads the digits after 0 of 0x… into the cell, as the bytes that they are.
func (s *sqlReader) hexadecimal() error {
	_, _ = s.next() // the x
	at := len(s.arena)
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c-'0' > 9 && (c|0x20)-'a' > 5 {
			s.back()
			s.arena = unhexed(s.arena, at)
			return nil
		}
		s.keep(c)
	}
}

// unhexed turns the hexadecimal digits from at on into bytes, where they are pairs.
func unhexed(p []byte, at int) []byte {
	text, err := hex.DecodeString(string(p[at:]))
	if err != nil || len(text) == 0 {
		return p
	}
	return append(p[:at], text...)
}

func (s *sqlReader) skipLiteral() error {
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		switch {
		case c == '\\' && s.backslash:
			if _, err := s.next(); err != nil {
				return err
			}
		case c == '\'' && s.peek() == '\'':
			_, _ = s.next()
		case c == '\'':
			return nil
		}
	}
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case '0':
		return 0
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'v':
		return '\v'
	}
	return c
}

// copyFrom reads COPY name (columns) FROM stdin; and the lines up to "\.".
func (s *sqlReader) copyFrom() error {
	c, err := s.token()
	if err != nil {
		return err
	}
	name, err := s.name(c)
	if err != nil {
		return err
	}
	if name == "" {
		return s.skipStatement(c)
	}
	var columns []string
	stdin := false
	delimiter, csv := byte('\t'), false
	for done := false; !done; {
		c, err := s.token()
		if err != nil {
			return err
		}
		switch {
		case c == '(' && columns == nil && !stdin:
			if columns, err = s.columnList(); err != nil {
				return err
			}
		case letter(c):
			w, err := s.word(c)
			if err != nil {
				return err
			}
			if w == "STDIN" {
				stdin = true
			}
			switch w {
			case "CSV":
				if delimiter == '\t' {
					delimiter = ','
				}
				csv = true
			case "DELIMITER", "DELIMITERS":
				if delimiter, err = s.delimiter(); err != nil {
					return err
				}
			}
		case c == ';':
			done = true
		case c == '\'':
			if err := s.skipQuoted('\''); err != nil {
				return err
			}
		}
	}
	if !stdin {
		return nil
	}
	if err := s.skipLine(); err != nil {
		return err
	}
	return s.copyLines(s.begin(name, columns), delimiter, csv)
}

// delimiter reads what follows the word DELIMITER: [AS] 'c', or E'\t'.
func (s *sqlReader) delimiter() (byte, error) {
	c, err := s.token()
	for err == nil && letter(c) {
		c, err = s.next()
		if c == ' ' {
			c, err = s.token()
		}
	}
	if err != nil || c != '\'' {
		return '\t', err
	}
	if c, err = s.next(); err == nil && c == '\\' {
		if c, err = s.next(); err == nil {
			c = unescape(c)
		}
	}
	if err != nil {
		return '\t', err
	}
	return c, s.skipLiteral()
}

func (s *sqlReader) copyLines(t *Table, delimiter byte, csv bool) error {
	var line []byte
	for {
		line = line[:0]
		at, cut := s.at, int64(0)
		for {
			p, err := s.in.ReadSlice('\n')
			s.at += int64(len(p))
			if len(line)+len(p) <= MaxRow {
				line = append(line, p...)
			} else {
				cut += int64(len(p))
			}
			if err == nil {
				break
			}
			if err != bufio.ErrBufferFull {
				s.out.Damage(record.Damage{Offset: at, Reason: "the rows of COPY have no end", Cut: true})
				if len(line) > 0 {
					t.Row(s.copyCells(line, delimiter, csv))
				}
				return err
			}
		}
		line = trimCR(bytes.TrimSuffix(line, []byte("\n")))
		if string(line) == `\.` {
			return nil
		}
		if cut > 0 {
			s.out.Damage(record.Damage{Offset: at, Reason: "row longer than the limit was cut", Bytes: cut})
		}
		t.Row(s.copyCells(line, delimiter, csv))
	}
}

func (s *sqlReader) copyCells(line []byte, delimiter byte, csv bool) [][]byte {
	s.cells = copyFields(s.cells[:0], line, delimiter, csv)
	for i, c := range s.cells {
		if string(c) == `\N` {
			s.cells[i] = nil
			continue
		}
		if bytes.IndexByte(c, '\\') < 0 {
			continue
		}
		w := 0
		for r := 0; r < len(c); r++ {
			b := c[r]
			if b == '\\' && r+1 < len(c) {
				r++
				b = unescape(c[r])
			}
			c[w] = b
			w++
		}
		s.cells[i] = c[:w]
	}
	return s.cells
}

// copyFields cuts at every delimiter: COPY's text format has no quotes; its CSV format has.
func copyFields(dst [][]byte, line []byte, delimiter byte, csv bool) [][]byte {
	if csv {
		return split(dst, line, delimiter)
	}
	for len(dst) < maxColumns {
		i := bytes.IndexByte(line, delimiter)
		if i < 0 {
			return append(dst, line)
		}
		dst = append(dst, line[:i])
		line = line[i+1:]
	}
	return dst
}
