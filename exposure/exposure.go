// Package exposure counts whose data are in evidence: passengers, bookings, travel documents, tickets,
// payment cards, contacts. It reads PNRGOV and PAXLST messages, tables (delimited text, SQL dumps, JSON, XML,
// Parquet) and plain text with machine readable zones and special service requests, streaming, in
// bounded memory. Every number is exact or says its bounds, and carries its unit and a status: taken,
// staged, accessed or accessible, which the caller knows and the data do not.
//
// Sheets of spreadsheet files are read with what the file's other parts say of them.
//
// It keeps identifiers as keyed hashes only. It refuses to count what has no context: a bare
// six-character word is not a booking. It does not open archives and sends nothing anywhere.
package exposure

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/contrail-ir/contrail/exposure/internal/distinct"
	"github.com/contrail-ir/contrail/exposure/internal/record"
	"github.com/contrail-ir/contrail/exposure/internal/table"
	"github.com/contrail-ir/contrail/exposure/internal/travel"
)

// Status says how far the data got from their owner.
type Status string

// The statuses, gravest first.
const (
	Taken      Status = "taken"      // recovered loot, or a captured upload
	Staged     Status = "staged"     // collected by the intruder, not seen leaving
	Accessed   Status = "accessed"   // read by the intruder
	Accessible Status = "accessible" // within the intruder's reach
)

var statuses = []Status{Taken, Staged, Accessed, Accessible}

// Options of a Counter.
type Options struct {
	// Key is the case's secret, 16 bytes or more. Counters with the same key can be merged and
	// organisations counted under it compared. Who holds it can test guesses of identifiers.
	Key []byte
	// MaxDistinct is up to how many different things of a kind counts stay exact; beyond it they are
	// estimates with an interval. Default 2,000,000: at most 32 MiB for each kind that gets there.
	MaxDistinct int
	// SpoolLimit is the largest Parquet stream that is copied to a temporary file, because the format
	// is read from its end; default 4 GiB. SpoolDir is where; default the system's.
	SpoolLimit int64
	SpoolDir   string
	// OnMessage is told about every EDIFACT message. May be nil.
	OnMessage func(src Source, m Message)
	// OnHit is told the kind and place of every value found in plain text, but not the value: for
	// judging false hits. The offset is that of the decoded text. May be nil.
	OnHit func(src Source, kind string, offset int64)
}

// Message is the report of one EDIFACT message; Damage is a place that could not be read; TableReport
// says what a table was taken to be.
type (
	Message     = record.Message
	Damage      = record.Damage
	TableReport = table.Report
)

// Source is where a stream comes from.
type Source struct {
	Org    string // whose evidence
	Name   string // path, with "!" before a member of an archive
	Status Status
}

// File reports how one stream was read.
type File struct {
	Name     string        `json:"name"`
	Status   Status        `json:"status"`
	Format   string        `json:"format"` // edifact, delimited, sql, json, xml, sheet, parquet, text
	Encoding string        `json:"encoding"`
	Bytes    int64         `json:"bytes"`
	Rows     uint64        `json:"rows"` // passenger records
	Messages int           `json:"messages,omitempty"`
	Tables   []TableReport `json:"tables,omitempty"`
	Damage   []Damage      `json:"damage,omitempty"` // the first hundred
	Damages  int           `json:"damages,omitempty"`
}

const (
	keptDamage = 100
	keptTables = 50
	keptEmpty  = 10_000
	headBytes  = 64 << 10
)

// Counter counts. One goroutine uses it at a time; counters of the same key can be merged.
type Counter struct {
	opts     Options
	key      distinct.Key
	tallies  map[string]map[Status]*tally
	files    map[string][]File
	empty    map[string]int // files without anything, listed or not
	payloads []Payload
	observed []Observation
	losses   []Loss
}

// New returns a Counter.
func New(opts Options) (*Counter, error) {
	if len(opts.Key) < 16 {
		return nil, errors.New("exposure: the key must have 16 bytes or more: identifiers are short and a weak key protects none of them")
	}
	if opts.MaxDistinct <= 0 {
		opts.MaxDistinct = 2_000_000
	}
	if opts.SpoolLimit <= 0 {
		opts.SpoolLimit = 4 << 30
	}
	return &Counter{opts: opts, key: distinct.NewKey(opts.Key, "contrail exposure identifier v1"),
		tallies: map[string]map[Status]*tally{}, files: map[string][]File{}, empty: map[string]int{}}, nil
}

func (c *Counter) tally(org string, s Status) *tally {
	byStatus := c.tallies[org]
	if byStatus == nil {
		byStatus = map[Status]*tally{}
		c.tallies[org] = byStatus
	}
	t := byStatus[s]
	if t == nil {
		t = newTally(c.key, c.opts.MaxDistinct)
		byStatus[s] = t
	}
	return t
}

// Add reads one stream to its end and counts it. Damage in the stream is in the report; the error is
// that of reading, of the context, or of a source without organisation or known status. What was
// counted before an error stays counted and is reported.
func (c *Counter) Add(ctx context.Context, src Source, r io.Reader) (File, error) {
	return c.add(ctx, src, r, func(in *intake, counting io.Reader) error { return in.read(counting, r) })
}

func (c *Counter) add(ctx context.Context, src Source, r io.Reader, read func(*intake, io.Reader) error) (File, error) {
	f := File{Name: src.Name, Status: src.Status}
	if !slices.Contains(statuses, src.Status) {
		return f, fmt.Errorf("exposure: count %s: unknown status %q: use taken, staged, accessed or accessible", src.Name, src.Status)
	}
	counting := &countingReader{ctx: ctx, src: r}
	in := &intake{tally: c.tally(src.Org, src.Status), file: &f, source: src, opts: &c.opts}
	before := in.rows[record.Rows]
	err := read(in, counting)
	f.Bytes = counting.n
	f.Rows = in.rows[record.Rows] - before
	if f.Rows > 0 && f.Bytes > 0 && err == nil && counting.n > 0 {
		in.sizes = append(in.sizes, fileSize{float64(counting.n), float64(f.Rows)})
		if len(in.sizes) > keptSizes {
			in.sizes = in.sizes[1:]
		}
	}
	c.tidy(src.Org, f)
	if err != nil {
		return f, fmt.Errorf("exposure: count %s: %w", src.Name, err)
	}
	return f, nil
}

type countingReader struct {
	ctx context.Context
	src io.Reader
	n   int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.src.Read(p)
	r.n += int64(n)
	return n, err
}

// intake is one stream on its way into a tally: the Collector of its reader.
type intake struct {
	*tally
	file     *File
	source   Source
	opts     *Options
	detector textDetector
}

// Message takes the report of an EDIFACT message.
func (in *intake) Message(m *record.Message) {
	in.file.Messages++
	if in.opts.OnMessage != nil {
		copied := *m
		copied.Notes = slices.Clone(m.Notes)
		in.opts.OnMessage(in.source, copied)
	}
}

// Damage takes damage: the first places are kept, all of it widens the bounds.
func (in *intake) Damage(d record.Damage) {
	in.file.Damages++
	if len(in.file.Damage) < keptDamage {
		in.file.Damage = append(in.file.Damage, d)
	}
	in.lost(d)
}

func (in *intake) out() *table.Out {
	return &table.Out{Collector: in, Text: func(p []byte) { in.detector.piece(in, p, 0, 0, len(p)) }, Table: func(r table.Report) {
		if len(in.file.Tables) < keptTables && r.Qualifies {
			in.file.Tables = append(in.file.Tables, r)
		}
	}}
}

// buffers are kept for the next stream: the scan of a release asks thousands of short ones, and making a buffer for each was most of its time.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 256<<10) }}

// read recognises the format by content and hands the stream to its reader.
func (in *intake) read(src, original io.Reader) error {
	buffered := buffers.Get().(*bufio.Reader)
	buffered.Reset(src)
	defer func() {
		buffered.Reset(nil)
		buffers.Put(buffered)
	}()
	head, err := buffered.Peek(headBytes)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return err
	}
	f := in.file
	f.Encoding = encodingOf(head)
	if bytes.HasPrefix(head, []byte("PAR1")) {
		f.Format, f.Encoding = "parquet", "binary"
		return in.parquet(buffered, original)
	}
	var text io.Reader = buffered
	if d := decoderOf(f.Encoding); d != nil {
		// EDIFACT names its own repertoire; only UTF-16 changes its syntax.
		if !isEDIFACT(head) {
			decoded := bufio.NewReaderSize(d.Reader(buffered), 256<<10)
			if head, err = decoded.Peek(headBytes); err != nil && err != io.EOF && err != bufio.ErrBufferFull {
				return err
			}
			text = decoded
		}
	}
	if f.Encoding == "utf-8" && bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3)
		head = head[3:]
	}
	if bytes.IndexByte(head, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0 && !isEDIFACT(head) {
		text, head = oldLines{text}, bytes.ReplaceAll(head, []byte("\r"), []byte("\n"))
	}
	if f.Format = formatOf(head); f.Format == "delimited" {
		if table.IsPrinted(head) {
			f.Format = "printed"
			return table.ReadPrinted(text, in.source.Name, in.out())
		}
		if d := table.Sniff(head); d != 0 {
			return table.ReadDelimited(text, d, in.source.Name, in.out())
		}
		f.Format = "text"
	}
	switch f.Format {
	case "edifact":
		return travel.Read(text, in)
	case "sql":
		return table.ReadSQL(text, head, in.out())
	case "json":
		return table.ReadJSON(text, in.out())
	case "xml":
		return table.ReadXML(text, head, in.out())
	}
	return in.text(text)
}

// formatOf recognises a format from the beginning of a decoded stream.
func formatOf(head []byte) string {
	if isEDIFACT(head) {
		return "edifact"
	}
	trimmed := bytes.TrimLeft(head, " \t\r\n\x1e")
	if len(trimmed) == 0 || bytes.IndexByte(head, 0) >= 0 {
		return "text"
	}
	if trimmed[0] == '{' || trimmed[0] == '[' && len(trimmed) > 1 && strings.IndexByte("{[\"0123456789-ntf \r\n\t]", trimmed[1]) >= 0 {
		return "json"
	}
	if isSQL(head) {
		return "sql"
	}
	if table.IsXML(head) {
		return "xml"
	}
	return "delimited"
}

func isEDIFACT(head []byte) bool {
	p := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	for _, mark := range []string{"UNB+", "UNH+", "UNG+"} {
		if bytes.HasPrefix(p, []byte(mark)) {
			return true
		}
	}
	// After UNA the other service characters may be any.
	return bytes.HasPrefix(p, []byte("UNA")) && len(p) > 12 && bytes.Contains(p[6:min(len(p), 24)], []byte("UN"))
}

func isSQL(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimLeft(line, " \t")
		if len(line) < 8 {
			continue
		}
		switch upper := strings.ToUpper(string(line[:min(len(line), 8192)])); {
		case strings.HasPrefix(upper, "INSERT INTO "), strings.HasPrefix(upper, "INSERT ALL"), strings.HasPrefix(upper, "INSERT IGNORE "),
			strings.HasPrefix(upper, "REPLACE INTO "), strings.HasPrefix(upper, "CREATE TABLE "), strings.HasPrefix(upper, "INSERT [") && strings.Contains(upper, "]"),
			strings.HasPrefix(upper, "COPY ") && strings.Contains(upper, " FROM STDIN"):
			return true
		}
	}
	return false
}
