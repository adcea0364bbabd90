package table

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Limits of a dump: tables whose columns are remembered, columns of all of them, and tables whose rows are being sampled.
const (
	maxTables     = 50_000
	maxRemembered = 1 << 18
	maxOpenTables = 1000
)

// ReadSQL counts the rows of an SQL dump: INSERT and REPLACE … VALUES with one or many rows (MySQL,
// MariaDB, PostgreSQL, SQL Server, Oracle with INSERT ALL) and COPY … FROM stdin. Column names come
// from the statement or from CREATE TABLE before it.
func ReadSQL(src io.Reader, head []byte, out *Out) error {
	s := sqlReader{in: bufio.NewReaderSize(src, 256<<10), out: out, tables: map[string]*sqlTable{}}
	// In MySQL a backslash escapes, in the standard it is a character.
	s.backslash = bytes.IndexByte(head, '`') >= 0 || bytes.Contains(head, []byte("MySQL")) || bytes.Contains(head, []byte("MariaDB"))
	err := s.read()
	for _, t := range s.open {
		t.table.Close()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

type sqlTable struct {
	columns []string
	table   *Table
	listed  string // the column list the table was begun with
}

type sqlReader struct {
	in        *bufio.Reader
	at        int64
	out       *Out
	backslash bool
	tables    map[string]*sqlTable
	open      []*sqlTable // with a table that takes rows, in the order in which they began
	columns   int         // remembered
	arena     []byte
	ends      []int
	null      []bool
	cells     [][]byte
	cutCells  int64
	wordBuf   [64]byte
	slow      bool // for comparison: read every row byte by byte
}

func (s *sqlReader) next() (byte, error) {
	c, err := s.in.ReadByte()
	if err == nil {
		s.at++
	}
	return c, err
}

func (s *sqlReader) back() { s.at--; _ = s.in.UnreadByte() }

// token skips white space and comments and gives the first byte of what follows.
func (s *sqlReader) token() (byte, error) {
	for {
		c, err := s.next()
		if err != nil {
			return 0, err
		}
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c == '#':
			if err := s.skipLine(); err != nil {
				return 0, err
			}
		case c == '-' && s.peek() == '-':
			if err := s.skipLine(); err != nil {
				return 0, err
			}
		case c == '/' && s.peek() == '*':
			if err := s.skipComment(); err != nil {
				return 0, err
			}
		default:
			return c, nil
		}
	}
}

func (s *sqlReader) peek() byte {
	p, err := s.in.Peek(1)
	if err != nil {
		return 0
	}
	return p[0]
}

func (s *sqlReader) skipLine() error {
	for {
		p, err := s.in.ReadSlice('\n')
		s.at += int64(len(p))
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

func (s *sqlReader) skipComment() error {
	var last byte
	for {
		c, err := s.next()
		if err != nil || last == '*' && c == '/' {
			return err
		}
		last = c
	}
}

func letter(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80 || c == '@' || c == '$'
}

// word reads the rest of a bare word, in capitals; longer than 64 bytes it is cut.
func (s *sqlReader) word(c byte) (string, error) {
	n := 0
	for {
		if n < len(s.wordBuf) {
			if c >= 'a' && c <= 'z' {
				c -= 32
			}
			s.wordBuf[n] = c
			n++
		}
		var err error
		if c, err = s.next(); err != nil {
			if err == io.EOF {
				err = nil
			}
			return string(s.wordBuf[:n]), err
		}
		if !letter(c) && (c < '0' || c > '9') {
			s.back()
			return string(s.wordBuf[:n]), nil
		}
	}
}

func (s *sqlReader) read() error {
	for {
		c, err := s.token()
		if err != nil {
			return err
		}
		if !letter(c) {
			if c == ';' {
				continue
			}
			if err := s.skipStatement(c); err != nil {
				return err
			}
			continue
		}
		w, err := s.word(c)
		if err != nil {
			return err
		}
		switch w {
		case "INSERT", "REPLACE":
			err = s.insert()
		case "COPY":
			err = s.copyFrom()
		case "CREATE":
			err = s.create()
		case "GO", "BEGIN":
		default:
			err = s.skipStatement(0)
		}
		if err != nil {
			return err
		}
	}
}

// skipStatement passes over everything up to the next semicolon outside quotes, or up to a line that
// begins a statement of interest: SQL Server needs no semicolons.
func (s *sqlReader) skipStatement(c byte) error {
	for {
		switch {
		case c == ';':
			return nil
		case c == '\'' || c == '"' || c == '`':
			if err := s.skipQuoted(c); err != nil {
				return err
			}
		case c == '$' && !s.backslash: // in MySQL people choose $$ to end statements
			if _, err := s.dollar(nil); err != nil {
				return err
			}
		case c == '-' && s.peek() == '-':
			if err := s.skipLine(); err != nil {
				return err
			}
			if s.begins() {
				return nil
			}
		case c == '/' && s.peek() == '*':
			if err := s.skipComment(); err != nil {
				return err
			}
		case c == '\n' && s.begins():
			return nil
		}
		var err error
		if c, err = s.next(); err != nil {
			return err
		}
	}
}

// begins says whether the line at hand begins a statement of interest.
func (s *sqlReader) begins() bool {
	p, _ := s.in.Peek(7)
	for _, word := range []string{"INSERT", "REPLACE", "COPY", "GO"} {
		if len(p) >= len(word) && strings.EqualFold(string(p[:len(word)]), word) && (len(p) == len(word) || !letter(p[len(word)])) {
			return true
		}
	}
	return false
}

func (s *sqlReader) skipQuoted(q byte) error {
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		switch {
		case c == '\\' && s.backslash && q != '`':
			if _, err := s.next(); err != nil {
				return err
			}
		case c == q:
			return nil
		}
	}
}

// name reads a possibly quoted and qualified name and gives its last part.
func (s *sqlReader) name(c byte) (string, error) {
	for {
		var part string
		switch {
		case c == '`' || c == '"' || c == '[':
			end := c
			if c == '[' {
				end = ']'
			}
			var b []byte
			for {
				c, err := s.next()
				if err != nil {
					return "", err
				}
				if c == end {
					break
				}
				if len(b) < 128 {
					b = append(b, c)
				}
			}
			part = string(b)
		case letter(c) || c >= '0' && c <= '9':
			w, err := s.word(c)
			if err != nil {
				return "", err
			}
			part = w
		default:
			return "", nil
		}
		c2, err := s.token()
		if err != nil {
			return part, err
		}
		if c2 != '.' {
			s.back()
			return part, nil
		}
		if c, err = s.token(); err != nil {
			return part, err
		}
	}
}

// create remembers the column names of CREATE TABLE name (column type …, …).
func (s *sqlReader) create() error {
	c, err := s.token()
	if err != nil {
		return err
	}
	if !letter(c) {
		return s.skipStatement(c)
	}
	for {
		w, err := s.word(c)
		if err != nil {
			return err
		}
		if w == "TABLE" {
			break
		}
		switch w {
		case "TEMPORARY", "TEMP", "UNLOGGED", "GLOBAL", "LOCAL", "EXTERNAL", "FOREIGN":
		default:
			return s.skipStatement(0)
		}
		if c, err = s.token(); err != nil {
			return err
		}
	}
	if c, err = s.token(); err != nil {
		return err
	}
	name, err := s.name(c)
	if err != nil {
		return err
	}
	for strings.EqualFold(name, "IF") || strings.EqualFold(name, "NOT") || strings.EqualFold(name, "EXISTS") {
		if c, err = s.token(); err != nil {
			return err
		}
		if name, err = s.name(c); err != nil {
			return err
		}
	}
	if c, err = s.token(); err != nil {
		return err
	}
	if c != '(' {
		return s.skipStatement(c)
	}
	var columns []string
	for first := true; ; first = false {
		if c, err = s.token(); err != nil {
			return err
		}
		column, err := s.name(c)
		if err != nil {
			return err
		}
		if !first || column != "" {
			switch strings.ToUpper(column) {
			case "PRIMARY", "KEY", "UNIQUE", "CONSTRAINT", "INDEX", "FOREIGN", "CHECK", "FULLTEXT", "SPATIAL", "":
			default:
				if len(columns) < maxColumns {
					columns = append(columns, column)
				}
			}
		}
		end, err := s.definition(c, column)
		if err != nil {
			return err
		}
		if end {
			break
		}
	}
	if t := s.table(name); t != nil && t.columns == nil && s.columns+len(columns) <= maxRemembered {
		t.columns = columns
		s.columns += len(columns)
	}
	return s.skipStatement(0)
}

// definition passes over the rest of a column definition and says whether the list ended.
func (s *sqlReader) definition(c byte, column string) (bool, error) {
	if column != "" {
		c = ' '
	}
	for depth := 0; ; {
		switch c {
		case '(':
			depth++
		case ')':
			if depth == 0 {
				return true, nil
			}
			depth--
		case ',':
			if depth == 0 {
				return false, nil
			}
		case ';':
			s.back()
			return true, nil
		case '\'', '"', '`':
			if err := s.skipQuoted(c); err != nil {
				return true, err
			}
		}
		var err error
		if c, err = s.token(); err != nil {
			return true, err
		}
	}
}

func (s *sqlReader) table(name string) *sqlTable {
	key := strings.ToLower(name)
	t := s.tables[key]
	if t == nil {
		if len(s.tables) >= maxTables {
			return nil
		}
		t = &sqlTable{}
		s.tables[key] = t
	}
	return t
}

// begin gives the table for rows with these columns; another column list begins a new one.
func (s *sqlReader) begin(name string, columns []string) *Table {
	t := s.table(name)
	if t == nil {
		s.out.Damage(record.Damage{Offset: s.at, Reason: "the dump has more tables than the limit", Cut: true})
		t = &sqlTable{}
	}
	if columns == nil {
		columns = t.columns
	}
	listed := strings.Join(columns, "\x00")
	if t.table == nil || t.listed != listed {
		if t.table != nil {
			t.table.Close()
		} else {
			if len(s.open) == maxOpenTables { // what comes of it later begins anew
				s.open[0].table.Close()
				s.open[0].table = nil
				s.open = s.open[1:]
			}
			s.open = append(s.open, t)
		}
		t.table, t.listed = New(name, columns, s.out), listed
	}
	return t.table
}

// columnList reads "(a, b, c)" after its parenthesis.
func (s *sqlReader) columnList() ([]string, error) {
	columns := []string{}
	for {
		c, err := s.token()
		if err != nil || c == ')' {
			return columns, err
		}
		if c == ',' {
			continue
		}
		name, err := s.name(c)
		if err != nil {
			return nil, err
		}
		if name != "" && len(columns) < maxColumns {
			columns = append(columns, name)
		}
	}
}
