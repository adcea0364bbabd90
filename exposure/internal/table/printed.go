package table

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// IsPrinted says whether the beginning of a text holds a table as ReadPrinted reads them.
func IsPrinted(head []byte) bool {
	var before []byte
	var names [][]byte // of fields one a line, since the last line that was none
	for line := range bytes.Lines(head) {
		line = trimCR(bytes.TrimSuffix(line, []byte{'\n'}))
		if divider(line) {
			return true
		}
		if r, ok := ruleOf(line); ok && filled(r.cut(nil, before)) >= 2 {
			return true
		}
		if name, _, ok := fieldOf(line, ':'); ok {
			if len(names) >= 3 && bytes.Equal(name, names[0]) {
				return true // the second record begins
			}
			if len(names) < maxColumns {
				names = append(names, name)
			}
		} else if len(bytes.TrimSpace(line)) > 0 {
			names = names[:0]
		}
		before = line
	}
	return false
}

// ReadPrinted counts tables as the clients of databases and shells print them: columns under a ruled line, drawn (psql, mysql, SQLite, Markdown) or in
// fixed places (sqlcmd, SQL*Plus, Db2, PowerShell's Format-Table), records that are wrapped over several such lines among them; and records with a field
// a line (mysql's \G, psql's \x, PowerShell's Format-List). Lines of no table, and tables that hold no personal data, are handed back as text as they stand.
func ReadPrinted(src io.Reader, name string, out *Out) error {
	p := &printed{name: name, out: out}
	in := bufio.NewReaderSize(src, MaxRow)
	at := int64(0)
	for {
		line, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			cut := int64(0)
			p.text(line)
			for err == bufio.ErrBufferFull {
				line, err = in.ReadSlice('\n')
				cut += int64(len(line))
			}
			out.Damage(record.Damage{Offset: at, Reason: "line longer than the limit was skipped after its beginning", Bytes: cut})
			at += MaxRow + cut
			line = nil
		}
		at += int64(len(line))
		if len(line) > 0 {
			p.line(trimCR(bytes.TrimSuffix(line, []byte{'\n'})))
		}
		if err != nil {
			p.end()
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

// rule is a ruled line: where the columns below and above it stand, in characters.
type rule struct {
	columns [][2]int
	drawn   bool // lines between columns are drawn too
}

// ruleOf reads a line of dashes in two groups or more.
func ruleOf(line []byte) (r rule, ok bool) {
	dashes, in, at := 0, false, 0
	for i := 0; i < len(line); at++ {
		c, n := rune(line[i]), 1
		if c >= utf8.RuneSelf {
			c, n = utf8.DecodeRune(line[i:])
		}
		i += n
		switch c {
		case '-', '=', '─', '━', '═':
			if !in {
				r.columns = append(r.columns, [2]int{at, at})
			}
			in = true
			dashes++
			r.columns[len(r.columns)-1][1] = at + 1
			continue
		case ' ':
		case '+', '|', '│', '┼', '├', '┤', '┬', '┴', '┌', '┐', '└', '┘', '╭', '╮', '╰', '╯', '╪', '╞', '╡', '┃', '╇', '┡', '┩':
			r.drawn = true
		case ':':
			if !r.drawn { // Markdown tells by it how a column is set
				return rule{}, false
			}
		default:
			return rule{}, false
		}
		in = false
	}
	return r, len(r.columns) >= 2 && len(r.columns) <= maxColumns && dashes >= 4
}

// cut takes a line apart by the columns; nil when it does not fit them.
func (r *rule) cut(dst [][]byte, line []byte) [][]byte {
	if r.drawn {
		return r.split(dst, line)
	}
	from, ascii := 0, isASCII(line)
	for i := range r.columns {
		to := len(line)
		if i+1 < len(r.columns) {
			to = place(line, r.columns[i+1][0], ascii)
			if to < len(line) && line[to-1] != ' ' {
				// A value set to the right reaches beyond the ruled line, which is as long as the column's name there.
				least := place(line, r.columns[i][1], ascii)
				blank := bytes.LastIndexByte(line[least:to], ' ')
				if blank < 0 {
					return nil
				}
				to = least + blank + 1
			}
		}
		if to < from {
			return nil
		}
		dst = append(dst, bytes.TrimSpace(line[from:to]))
		from = to
	}
	return dst
}

// split takes a line apart by the lines that are drawn between its columns.
func (r *rule) split(dst [][]byte, line []byte) [][]byte {
	bar := []byte("|")
	if bytes.IndexByte(line, '|') < 0 {
		bar = []byte("│")
	}
	if inner, ok := bytes.CutPrefix(bytes.TrimSpace(line), bar); ok { // a frame around all
		line = bytes.TrimSuffix(inner, bar)
	}
	if bytes.Count(line, bar)+1 != len(r.columns) {
		return nil
	}
	for {
		cell, rest, more := bytes.Cut(line, bar)
		dst = append(dst, bytes.TrimSpace(cell))
		if !more {
			return dst
		}
		line = rest
	}
}

func isASCII(p []byte) bool {
	for _, c := range p {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// place gives the byte at which a character stands, and the line's length beyond its end.
func place(line []byte, character int, ascii bool) int {
	if ascii {
		return min(character, len(line))
	}
	at := 0
	for ; character > 0 && at < len(line); character-- {
		_, n := utf8.DecodeRune(line[at:])
		at += n
	}
	return at
}

// divider says whether a line divides records of a field a line, as "*** 1. row ***" and "-[ RECORD 1 ]---" do.
func divider(line []byte) bool {
	if bytes.HasPrefix(line, []byte("-[ RECORD ")) || bytes.HasPrefix(line, []byte("*-[ RECORD ")) {
		return true
	}
	return bytes.HasPrefix(line, []byte("****")) && bytes.HasSuffix(line, []byte("****")) && bytes.Contains(line, []byte(". row "))
}

// fieldOf reads "name: value", or with another mark between. A name is a word as columns have.
func fieldOf(line []byte, mark byte) (name, value []byte, ok bool) {
	line = bytes.TrimSpace(line)
	n := 0
	for n < len(line) && n <= 64 && (line[n] == '_' || line[n] == '-' || line[n] == '.' || line[n]-'0' <= 9 || line[n]|0x20-'a' <= 'z'-'a' || line[n] >= utf8.RuneSelf) {
		n++
	}
	if n == 0 || n > 64 || line[0] <= '9' {
		return nil, nil, false
	}
	rest := bytes.TrimLeft(line[n:], " ")
	if len(rest) == 0 || rest[0] != mark || len(rest) > 1 && rest[1] != ' ' {
		return nil, nil, false
	}
	return line[:n], bytes.TrimSpace(rest[1:]), true
}

// printed is a text with tables under way.
type printed struct {
	name string
	out  *Out

	before []byte // the line before, which a ruled line would make the names of columns
	held   bool   // there is one

	rules []rule // of the table that is open: one, or as many as a record has lines
	heads []string
	fresh bool // no row since the last rule
	cells [][]byte
	lines int // of the record under way

	table  *Table
	titles string // of its columns
	rows   [][]byte
	sample [][]byte // lines of the table until it is known whether they are text

	columns map[string]int // of records with a field a line
	record  [][]byte
	first   string // name of a record's first field
	mark    byte   // between name and value
	loose   []byte // text on its way to the detectors
}

// begin opens a table, unless the one that is open has the same columns.
func (p *printed) begin(names []string) {
	titles := ""
	for _, n := range names {
		titles += n + "\x00"
	}
	if p.table != nil && titles == p.titles {
		return
	}
	p.close()
	own := *p.out
	p.titles = titles
	own.Text = func(b []byte) {
		if p.out.Text != nil && p.table.qualifies {
			p.out.Text(b)
		}
	}
	p.table = New(p.name, names, &own)
}

func (p *printed) close() {
	if p.table == nil {
		return
	}
	p.table.Close()
	p.settle()
	p.table, p.titles = nil, ""
}

// row counts a row that lines gave, which are text when the table turns out to hold nobody's data.
func (p *printed) row(cells [][]byte, lines ...[]byte) {
	p.table.Row(cells)
	for _, l := range lines {
		if p.table.decided && !p.table.qualifies {
			p.text(l)
		} else if !p.table.decided {
			p.sample = append(p.sample, bytes.Clone(l))
		}
	}
	if p.table.decided {
		p.settle()
	}
}

// settle lets go of the sample, once it is known what it is.
func (p *printed) settle() {
	if !p.table.qualifies {
		for _, l := range p.sample {
			p.text(l)
		}
	}
	p.sample = nil
}

// looseBytes is how much text is handed on at a time: what is found may span lines.
const looseBytes = 256 << 10

// text hands a line to the detectors of text, many at a time.
func (p *printed) text(line []byte) {
	if p.out.Text == nil {
		return
	}
	p.loose = append(append(p.loose, line...), '\n')
	if len(p.loose) >= looseBytes {
		p.flush()
	}
}

func (p *printed) flush() {
	if len(p.loose) > 0 && p.out.Text != nil {
		p.out.Text(p.loose)
	}
	p.loose = p.loose[:0]
}

func (p *printed) end() {
	p.pass()
	p.finish()
	p.close()
	p.flush()
}

// line takes the next line. A line is a row, a name or text only when the next is known: a ruled line makes names of the one before it.
func (p *printed) line(line []byte) {
	if divider(line) {
		p.pass()
		p.finish()
		p.rules, p.first, p.mark = nil, "", ':'
		if line[0] != '*' || line[1] == '-' {
			p.mark = '|'
		}
		if p.columns == nil {
			p.columns = map[string]int{}
		}
		return
	}
	if p.columns != nil {
		if p.field(line) {
			return
		}
		p.finish()
		p.columns = nil
	}
	if r, ok := ruleOf(line); ok {
		p.ruled(r)
		return
	}
	p.pass()
	if name, _, ok := fieldOf(line, ':'); ok && len(p.rules) == 0 {
		p.columns, p.first, p.mark = map[string]int{}, string(name), ':'
		p.field(line)
		return
	}
	if len(bytes.TrimSpace(line)) == 0 {
		p.blank()
		return
	}
	p.before, p.held = append(p.before[:0], line...), true
}

// blank ends a table whose records have one line, and a record over several of which the last were empty.
func (p *printed) blank() {
	if len(p.rules) == 1 && !p.fresh {
		p.rules = nil
	}
	if p.lines > 0 {
		p.wrapped()
	}
}

// ruled takes a ruled line.
func (p *printed) ruled(r rule) {
	head := [][]byte(nil)
	if p.held {
		head = r.cut(nil, p.before)
	}
	switch {
	case r.drawn && len(p.rules) > 0, filled(head) < 2:
		p.pass() // the end of a drawn table, or the line above its names
		if r.drawn {
			p.rules = nil
		}
		return
	case p.fresh && !r.drawn: // a record has one line more
	default:
		if p.lines > 0 {
			p.wrapped()
		}
		p.rules, p.heads = nil, nil
	}
	p.held = false
	p.rules = append(p.rules, r)
	p.heads = append(p.heads, names(head)...)
	p.fresh = true
}

// pass takes the line before as what it is when no ruled line follows it.
func (p *printed) pass() {
	if !p.held {
		return
	}
	p.held = false
	if len(p.rules) == 0 {
		p.text(p.before)
		return
	}
	if p.fresh {
		p.begin(p.heads)
		p.fresh, p.lines, p.cells = false, 0, p.cells[:0]
	}
	if len(p.rules) == 1 {
		p.cells = p.rules[0].cut(p.cells[:0], p.before)
		if filled(p.cells) < 2 {
			p.text(p.before)
			return
		}
		p.row(p.cells, p.before)
		return
	}
	line := bytes.Clone(p.before) // cells point into it
	if p.cells = p.rules[p.lines].cut(p.cells, line); p.cells == nil {
		p.text(line)
		p.lines, p.rows = 0, p.rows[:0]
		return
	}
	p.rows = append(p.rows, line)
	if p.lines++; p.lines == len(p.rules) {
		p.wrapped()
	}
}

// wrapped counts a record over several lines.
func (p *printed) wrapped() {
	if filled(p.cells) >= 2 {
		p.row(p.cells, p.rows...)
	} else {
		for _, l := range p.rows {
			p.text(l)
		}
	}
	p.lines, p.cells, p.rows = 0, p.cells[:0], p.rows[:0]
}

// field takes a line of a record with a field a line, and says whether it is one.
func (p *printed) field(line []byte) bool {
	if len(bytes.TrimSpace(line)) == 0 {
		p.finish()
		return true
	}
	name, value, ok := fieldOf(line, p.mark)
	if !ok {
		return false
	}
	if p.first != "" && string(name) == p.first && len(p.record) > 0 {
		p.finish()
	}
	i, known := p.columns[string(name)]
	if !known {
		if len(p.columns) >= maxColumns {
			return true
		}
		i = len(p.columns)
		p.columns[string(name)] = i
	}
	for len(p.record) <= i {
		p.record = append(p.record, nil)
	}
	p.record[i] = bytes.Clone(value)
	p.rows = append(p.rows, bytes.Clone(line))
	return true
}

// finish counts the record with a field a line that is under way.
func (p *printed) finish() {
	if len(p.record) == 0 {
		return
	}
	if filled(p.record) < 2 {
		for _, l := range p.rows {
			p.text(l)
		}
	} else {
		names := make([]string, len(p.columns))
		for name, i := range p.columns {
			names[i] = name
		}
		if p.table == nil || !slices.Equal(p.table.headers, names[:min(len(names), len(p.table.headers))]) {
			p.begin(names)
		}
		for len(p.table.headers) < len(names) {
			p.table.addColumn(names[len(p.table.headers)])
		}
		p.row(p.record, p.rows...)
	}
	p.record, p.rows = p.record[:0], p.rows[:0]
}
