// Package delimited cuts records and fields of comma-, semicolon-, tab- and pipe-separated text.
//
// It follows RFC 4180: a field that begins with a double quote ends with one, two of them stand for one, and line ends between
// belong to the field. It promises that a quote that is never closed costs no more than its own line, in time that is linear
// in the text.
package delimited

import "bytes"

const (
	// MaxRecord is how long a record with line ends in it may be; beyond, its quote counts as text.
	MaxRecord = 1 << 20
	// maxWaste is how much of a segment may be looked through in vain for closing quotes.
	maxWaste = 16 << 20
)

// Cutter cuts the records of one segment. The zero value with Comma set is usable.
type Cutter struct {
	Comma  byte
	Wasted int // bytes looked through for quotes that are not closed; where it is not 0, records depend on those before
}

// Cut gives the length of the record at the beginning of b and how many lines it has.
func (c *Cutter) Cut(b []byte) (n int, count uint64) {
	n, _ = c.end(b)
	return n, max(1, uint64(bytes.Count(b[:n], []byte{'\n'})))
}

// end gives where the record at the beginning of b ends; open says that a quote is open to b's end.
func (c *Cutter) end(b []byte) (n int, open bool) {
	at, line := 0, bytes.IndexByte(b, '\n')
	if line < 0 {
		line = len(b) - 1
	}
	if bytes.IndexByte(b[:line+1], '"') < 0 {
		return line + 1, false
	}
	for {
		if at < len(b) && b[at] == '"' {
			limit := min(len(b), MaxRecord)
			if c.Wasted > maxWaste {
				limit = min(limit, line+1)
			}
			end := -1
			if at < limit {
				if end = closing(b[:limit], at+1, c.Comma); end == limit && limit < len(b) && b[limit] != c.Comma && b[limit] != '\n' && b[limit] != '\r' {
					end = -1
				}
			}
			if end < 0 {
				if limit > line+1 {
					c.Wasted += limit - at
				}
				return line + 1, limit == len(b)
			}
			at = end
			if at > line {
				if i := bytes.IndexByte(b[at:], '\n'); i >= 0 {
					line = at + i
				} else {
					line = len(b) - 1
				}
			}
		}
		// to the next field of this line
		i := -1
		if at <= line {
			i = bytes.IndexByte(b[at:line+1], c.Comma)
		}
		if i < 0 {
			return line + 1, false
		}
		at += i + 1
	}
}

// closing gives the place behind the quote that closes a field, -1 when there is none.
func closing(b []byte, at int, comma byte) int {
	for {
		i := bytes.IndexByte(b[at:], '"')
		if i < 0 {
			return -1
		}
		at += i + 1
		switch {
		case at == len(b) || b[at] == comma || b[at] == '\n' || b[at] == '\r':
			return at
		case b[at] == '"':
			at++
		}
	}
}

// Last gives where the last record of a text begins when its quote may be closed by what follows, else the end of the text.
func Last(comma byte) func(data []byte) int {
	return func(data []byte) int {
		c := Cutter{Comma: comma}
		for at := 0; at < len(data); {
			n, open := c.end(data[at:])
			if open && len(data)-at < MaxRecord {
				return at
			}
			at += n
		}
		return len(data)
	}
}

// Splitter parts records into fields. It keeps its memory.
type Splitter struct {
	Fields [][]byte // of the last record, valid until the next
	text   []byte
}

// Split parts a record, which has no line end, into Fields. Quotes are undone.
func (s *Splitter) Split(record []byte, comma byte) {
	s.Fields, s.text = s.Fields[:0], s.text[:0]
	failed := 0 // quotes that are not closed; where there are many, quotes mean nothing
	for at := 0; ; {
		if at < len(record) && record[at] == '"' && failed < 16 {
			failed++
			if end := closing(record, at+1, comma); end >= 0 {
				failed--
				s.Fields = append(s.Fields, s.unquote(record[at+1:end-1]))
				i := bytes.IndexByte(record[end:], comma)
				if i < 0 {
					return
				}
				at = end + i + 1
				continue
			}
		}
		i := bytes.IndexByte(record[at:], comma)
		if i < 0 {
			s.Fields = append(s.Fields, record[at:])
			return
		}
		s.Fields = append(s.Fields, record[at:at+i])
		at += i + 1
	}
}

func (s *Splitter) unquote(v []byte) []byte {
	i := bytes.Index(v, []byte(`""`))
	if i < 0 {
		return v
	}
	from := len(s.text)
	for ; i >= 0; i = bytes.Index(v, []byte(`""`)) {
		s.text = append(s.text, v[:i+1]...)
		v = v[i+2:]
	}
	s.text = append(s.text, v...)
	return s.text[from:len(s.text):len(s.text)]
}

// Sniff tells the separator of a text by its first records: the one that gives most fields, more than one, in the first and the
// same number in at least some others. 0 when there is none. Fit of all records looked at have that number.
func Sniff(text []byte) (comma byte, columns, fit, all int) {
	for _, c := range []byte{',', '\t', ';', '|'} {
		cut, split := Cutter{Comma: c}, Splitter{}
		width, same, seen := 0, 0, 0
		for at := 0; at < len(text) && seen < 50; {
			n, open := cut.end(text[at:])
			if open && seen > 0 { // the end of what is known of the file
				break
			}
			record := bytes.TrimRight(text[at:at+n], "\r\n")
			if at += n; len(record) == 0 {
				continue
			}
			split.Split(record, c)
			if seen++; seen == 1 {
				width = len(split.Fields)
			}
			if len(split.Fields) == width {
				same++
			}
		}
		if width > 1 && 3*same >= seen && width > columns {
			comma, columns, fit, all = c, width, same, seen
		}
	}
	return comma, columns, fit, all
}
