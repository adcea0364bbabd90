package table

import "bytes"

// quickBytes bounds the rows that quick takes; the way byte by byte takes any.
const quickBytes = 32 << 10

// quick takes a row of plain strings, numbers and NULL, as dumps write nearly all, whole from the buffer. It takes nothing and says false when
// the row holds anything else or does not end there; tuple then reads it byte by byte. Cells point into the buffer.
func (s *sqlReader) quick(t *Table) bool {
	if s.slow {
		return false
	}
	p, _ := s.in.Peek(min(s.in.Buffered(), quickBytes))
	s.cells = s.cells[:0]
	for i := 0; i < len(p) && len(s.cells) < maxColumns; {
		switch c := p[i]; {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			i++
			continue
		case c == '\'':
			end := bytes.IndexByte(p[i+1:], '\'')
			if end < 0 {
				return false
			}
			cell := p[i+1 : i+1+end]
			if s.backslash && bytes.IndexByte(cell, '\\') >= 0 {
				return false
			}
			i += end + 2
			s.cells = append(s.cells, cell)
		case c >= '0' && c <= '9' || c == '-' && i+1 < len(p) && p[i+1] >= '0' && p[i+1] <= '9':
			from := i
			for i++; i < len(p) && (p[i] >= '0' && p[i] <= '9' || p[i] == '.'); i++ {
			}
			s.cells = append(s.cells, p[from:i])
		case c == 'N' && bytes.HasPrefix(p[i:], []byte("NULL")):
			i += 4
			s.cells = append(s.cells, nil)
		default:
			return false
		}
		for i < len(p) && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t') {
			i++
		}
		if i == len(p) || p[i] != ',' && p[i] != ')' {
			return false // a doubled quotation mark, an expression, or the end of the buffer
		}
		i++
		if p[i-1] == ')' {
			s.at += int64(i)
			t.Row(s.cells)
			_, _ = s.in.Discard(i) // buffered, so it cannot fail
			return true
		}
	}
	return false
}
