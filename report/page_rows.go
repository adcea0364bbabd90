package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
)

// What the page holds at the most. It takes findings gravest first, and says how many it leaves out.
type pageLimits struct {
	rows       int   // findings
	rowBytes   int64 // their columns
	eventBytes int64 // their events
}

var pageBounds = pageLimits{rows: 200_000, rowBytes: 96 << 20, eventBytes: 24 << 20}

const (
	chunkRows       = 1024      // findings of a block
	chunkBytes      = 1 << 20   // events of a block, roughly
	maxPageEvent    = 128 << 10 // bytes of one event
	maxMatchedRunes = 400       // of one value
	maxMatched      = 24        // values of one finding
	maxPageRefs     = 200
)

// block is a stretch of the temporary file, ready to stand in the page.
type block struct {
	at, size int64
	rows     int
}

// rowStore keeps findings by level in a temporary file until it is known which of them the page has room for. Memory is bounded by one
// chunk per level; the file by the limits, for each level.
type rowStore struct {
	limits pageLimits
	file   *os.File
	size   int64
	levels [finding.Critical + 1]levelRows
}

type levelRows struct {
	rows, events         []block
	count                int // rows stored
	rowBytes, eventBytes int64
	chunk                rowChunk
	chunkEvents          []json.RawMessage
	chunkEventBytes      int
	strings              map[string]int
	last                 int64
}

// rowChunk is a block of findings by columns; docs/formats/report.md describes it.
type rowChunk struct {
	Rows      int             `json:"rows"`
	Strings   []string        `json:"strings"`
	Time      []int64         `json:"time"`             // microseconds, each the difference to the one before
	Nanos     map[int]int64   `json:"nanos,omitempty"`  // what the microseconds leave, by row
	NoTime    []int           `json:"notime,omitempty"` // rows without a time
	Rule      []int           `json:"rule"`
	Org       []int           `json:"org"`
	Host      []int           `json:"host"`
	File      []int           `json:"file"`
	SHA256    []int           `json:"sha256"`
	Record    []any           `json:"record"`
	Offset    []any           `json:"offset"`
	Recovered []int           `json:"recovered,omitempty"`
	Score     map[int]float64 `json:"score,omitempty"`
	Matched   [][]any         `json:"matched"` // field, value, field, value …; fields by number
	Cut       []int           `json:"cut,omitempty"`
	Refs      map[int][]any   `json:"refs,omitempty"` // file, record, file, record …; then the count of the rest
}

func newRowStore(path string, limits pageLimits) (*rowStore, error) {
	f, err := os.CreateTemp(path, ".report.html.rows.*")
	if err != nil {
		return nil, fmt.Errorf("write report.html: %w", err)
	}
	return &rowStore{limits: limits, file: f}, nil
}

func (s *rowStore) close() error {
	if s.file == nil {
		return nil
	}
	name := s.file.Name()
	err := s.file.Close()
	s.file = nil
	if e := os.Remove(name); err == nil {
		err = e
	}
	return err
}

// add stores a finding unless its level alone has filled the page.
func (s *rowStore) add(f *finding.Finding, rule int) error {
	l := &s.levels[f.Rule.Level]
	if l.count >= s.limits.rows || l.rowBytes >= s.limits.rowBytes {
		return nil
	}
	l.count++
	l.chunk.add(l, f, rule)
	e := json.RawMessage("null")
	if len(f.Event) > 0 && len(f.Event) <= maxPageEvent && l.eventBytes < s.limits.eventBytes && json.Valid(f.Event) {
		e = append(json.RawMessage(nil), f.Event...)
	}
	l.chunkEvents = append(l.chunkEvents, e)
	l.chunkEventBytes += len(e)
	if l.chunk.Rows >= chunkRows || l.chunkEventBytes >= chunkBytes {
		return s.flush(l)
	}
	return nil
}

func (s *rowStore) flush(l *levelRows) error {
	if l.chunk.Rows == 0 {
		return nil
	}
	b, err := s.store(&l.chunk, l.chunk.Rows)
	if err != nil {
		return err
	}
	l.rows = append(l.rows, b)
	l.rowBytes += b.size
	if b, err = s.store(l.chunkEvents, l.chunk.Rows); err != nil {
		return err
	}
	l.events = append(l.events, b)
	l.eventBytes += b.size
	l.chunk, l.chunkEvents, l.chunkEventBytes, l.strings, l.last = rowChunk{}, l.chunkEvents[:0], 0, nil, 0
	return nil
}

// store writes JSON in which no markup can begin: encoding/json escapes <, >, & and the line separators that scripts obey.
func (s *rowStore) store(v any, rows int) (block, error) {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = s.file.WriteAt(b, s.size)
	}
	if err != nil {
		return block{}, fmt.Errorf("write report.html: %w", err)
	}
	at := s.size
	s.size += int64(len(b))
	return block{at, int64(len(b)), rows}, nil
}

// each gives the blocks that the page has room for, gravest level first; events is nil where they were left out.
func (s *rowStore) each(do func(level finding.Level, rows, events io.Reader) error) (rows, withEvents int, err error) {
	var rowBytes, eventBytes int64
	for level := finding.Critical; ; level-- {
		l := &s.levels[level]
		if err := s.flush(l); err != nil {
			return rows, withEvents, err
		}
		for i, b := range l.rows {
			if rows > 0 && (rows+b.rows > s.limits.rows || rowBytes+b.size > s.limits.rowBytes) {
				return rows, withEvents, nil
			}
			rows += b.rows
			rowBytes += b.size
			var events io.Reader
			if e := l.events[i]; eventBytes+e.size <= s.limits.eventBytes {
				eventBytes += e.size
				withEvents += e.rows
				events = io.NewSectionReader(s.file, e.at, e.size)
			}
			if err := do(level, io.NewSectionReader(s.file, b.at, b.size), events); err != nil {
				return rows, withEvents, err
			}
		}
		if level == finding.NoLevel {
			return rows, withEvents, nil
		}
	}
}

func (c *rowChunk) add(l *levelRows, f *finding.Finding, rule int) {
	row := c.Rows
	c.Rows++
	intern := func(s string) int {
		if l.strings == nil {
			l.strings = map[string]int{}
		}
		i, ok := l.strings[s]
		if !ok {
			i = len(c.Strings)
			l.strings[s] = i
			c.Strings = append(c.Strings, s)
		}
		return i
	}
	if f.Time == event.NoTime {
		c.NoTime = append(c.NoTime, row)
		c.Time = append(c.Time, 0)
	} else {
		micro, rest := f.Time/1000, f.Time%1000
		if rest < 0 {
			micro, rest = micro-1, rest+1000
		}
		c.Time = append(c.Time, micro-l.last)
		l.last = micro
		if rest != 0 {
			set(&c.Nanos, row, rest)
		}
	}
	c.Rule = append(c.Rule, rule)
	c.Org = append(c.Org, intern(f.Org))
	c.Host = append(c.Host, intern(f.Host))
	c.File = append(c.File, intern(f.File))
	c.SHA256 = append(c.SHA256, intern(f.SHA256))
	c.Record = append(c.Record, exact(f.Record))
	c.Offset = append(c.Offset, exact(f.Offset))
	if f.Recovered {
		c.Recovered = append(c.Recovered, row)
	}
	switch f.Rule.Kind {
	case finding.Beacon, finding.Upload, finding.Behaviour:
		set(&c.Score, row, f.Score)
	}
	matched, cut := []any{}, len(f.Matched) > maxMatched
	for _, m := range f.Matched[:min(len(f.Matched), maxMatched)] {
		name := m.Field
		if name == "" {
			name = "keywords"
		}
		value, short := firstRunes(m.Value, maxMatchedRunes)
		cut = cut || short
		matched = append(matched, intern(name), value)
	}
	c.Matched = append(c.Matched, matched)
	if cut {
		c.Cut = append(c.Cut, row)
	}
	if len(f.Refs) > 0 {
		var refs []any
		for _, r := range f.Refs[:min(len(f.Refs), maxPageRefs)] {
			refs = append(refs, intern(r.File), exact(r.Record))
		}
		set(&c.Refs, row, append(refs, max(0, len(f.Refs)-maxPageRefs)))
	}
}

func set[V any](m *map[int]V, row int, v V) {
	if *m == nil {
		*m = map[int]V{}
	}
	(*m)[row] = v
}

// exact is a number where a script can hold it exactly, else text.
func exact(n uint64) any {
	if n < 1<<53 {
		return n
	}
	return fmt.Sprint(n)
}

func firstRunes(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, false
	}
	at := 0
	for range n {
		if at == len(s) {
			return s, false
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return s[:at], at < len(s)
}
