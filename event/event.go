// Package event holds observed facts in columnar batches. It is the one shape on
// which every reader, the lake and every matcher meet.
//
// Events of one source travel together as dictionary-coded columns with an origin
// per row. A matcher looks at the distinct values of a column, not at its rows;
// a reader fills only the columns somebody asked for.
//
// The package promises that absent, null and empty are three different things, that
// a list keeps its elements apart, and that a value has one canonical text whatever
// its kind. It knows no file format and no rule language, and it refuses to carry
// mutable state between goroutines: a batch is borrowed for the length of one call.
package event

import (
	"math"
	"slices"
)

// NoTime marks a row whose time was absent or out of the range of int64 nanoseconds.
const NoTime int64 = math.MinInt64

// Source says which kind of log an event came from. It is comparable and is the key
// by which matchers state what they want. Fields that a kind of log does not have are
// empty: Windows events have Provider, Channel and ID; a Zeek connection has
// Product "zeek" and Service "conn"; a web server log has Category "webserver".
type Source struct {
	Product  string // windows, linux, zeek, cisco …: Sigma's product where it has one
	Category string // webserver, proxy, firewall …: Sigma's category where the log has one by nature
	Service  string // auditd, conn, aaa …: Sigma's service, or the log's own name
	Provider string // Windows: Provider Name
	Channel  string // Windows: Channel
	ID       uint32 // Windows: EventID
}

// String gives the short form used in coverage and statistics, for example
// "windows/Security/4688" or "zeek/conn".
func (s Source) String() string {
	out := s.Product
	add := func(part string) {
		if part == "" {
			return
		}
		if out != "" {
			out += "/"
		}
		out += part
	}
	add(s.Category)
	add(s.Service)
	add(s.Channel)
	if s.ID != 0 {
		add(decimal(uint64(s.ID)))
	}
	return out
}

// Schema names the columns of a batch. Readers reuse one *Schema as long as source and
// fields stay the same, so that matchers can key what they have prepared by pointer:
// the same pointer means the same schema, another pointer may still be an equal one.
// A Schema is immutable once a batch carries it.
type Schema struct {
	Source Source
	Fields []string // native field names, unique; the index is the column

	index map[string]int
}

// fewColumns is up to where a schema has no index.
const fewColumns = 12

// NewSchema returns the schema of the given fields, which must be unique and must not
// be changed afterwards.
func NewSchema(source Source, fields []string) *Schema {
	s := &Schema{Source: source, Fields: fields}
	if len(fields) > fewColumns { // of few, comparing all is as quick, and a schema can be made for a single row
		s.index = make(map[string]int, len(fields))
		for i, f := range fields {
			s.index[f] = i
		}
	}
	return s
}

// Index gives the column of a field, or -1.
func (s *Schema) Index(field string) int {
	if s.index == nil {
		return slices.Index(s.Fields, field)
	}
	if i, ok := s.index[field]; ok {
		return i
	}
	return -1
}

// Code is a row's entry in a column: Absent, Null, or a value of the dictionary.
type Code uint32

const (
	Absent Code = 0 // the event does not have the field
	Null   Code = 1 // the event has the field without a value
	first  Code = 2
)

// ValueCode is the code of dictionary value i.
func ValueCode(i int) Code { return first + Code(i) }

// Value gives the dictionary index of a code, and false for Absent and Null.
func (c Code) Value() (int, bool) {
	if c < first {
		return 0, false
	}
	return int(c - first), true
}

// Column is one field of a batch.
type Column struct {
	Dict  *Dict
	Codes []Code   // one per row; exactly one when Const; one per element when List is set
	Const bool     // every row has Codes[0]
	List  []uint32 // nil, or Rows+1 offsets: row i owns Codes[List[i]:List[i+1]]
}

// At gives the codes of a row: none or one, or the elements of a list. An empty result
// means absent. The slice is the column's own.
func (c *Column) At(row int) []Code {
	switch {
	case c == nil:
		return nil
	case c.Const:
		return c.Codes[:1]
	case c.List != nil:
		return c.Codes[c.List[row]:c.List[row+1]]
	default:
		return c.Codes[row : row+1]
	}
}

// AppendText appends the text of the row's first value to dst; nothing when there is none.
func (c *Column) AppendText(dst []byte, row int) []byte {
	for _, code := range c.At(row) {
		if i, ok := code.Value(); ok {
			return c.Dict.AppendText(dst, i)
		}
	}
	return dst
}

// Text gives the text of the row's first value, "" when there is none.
func (c *Column) Text(row int) string { return string(c.AppendText(nil, row)) }

// Batch is a run of events of one schema from one segment of evidence. Whoever receives
// it in a call may use it, and every slice it reaches, until that call returns; what is to
// live longer must be copied. One goroutine uses it at a time.
type Batch struct {
	Schema *Schema
	Rows   int
	Cols   []*Column // by Schema.Fields; nil means not asked for, which is not absent
	Host   *Column   // text, always set: the host the event speaks of, "" when unknown

	Time   []int64  // nanoseconds since 1970 UTC, or NoTime
	Offset []uint64 // byte offset in the file (decompressed, within the innermost member)
	Record []uint64 // record number, line number or row, as the format counts

	// Sifted says that the reader asked the needs' sifter about every row. Suspects are the rows that it suspects, ascending; of the others
	// only the fields wanted by name are filled.
	Sifted   bool
	Suspects []int

	Recovered bool // read from slack or damaged space, not from the log proper

	// Fetch fills rec with the whole event of a row, every field decoded, from the segment
	// that is still in memory. It is for the few rows that somebody wants to see.
	Fetch func(row int, rec *Record) error
}

// Column gives the column of a field, or nil when the schema lacks it or nobody asked.
func (b *Batch) Column(field string) *Column {
	if i := b.Schema.Index(field); i >= 0 {
		return b.Cols[i]
	}
	return nil
}
