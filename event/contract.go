package event

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// Needs is what the matchers of a sweep want of the evidence.
type Needs struct {
	// Since and Until bound the time of the rows to deliver, in nanoseconds, Since ≤ t < Until.
	// Rows without a time are delivered always. Use Always for no bound.
	Since, Until int64
	// Want says what is wanted of a source. It is pure and safe for concurrent use; readers ask once
	// per source and remember the answer. Nil wants everything.
	Want func(Source) Want
	// Sifter makes the scratch memory of one goroutine that tells which records may hold what Want asks for as Sifted. Nil where it asks
	// for nothing so.
	Sifter func() Sifter
}

// Always are Needs without a bound in time.
func Always(want func(Source) Want) Needs {
	return Needs{Since: math.MinInt64, Until: math.MaxInt64, Want: want}
}

// Everything asks for every field of every source.
func Everything() Needs { return Always(func(Source) Want { return Want{All: true} }) }

// Of asks Want, taking a nil function for everything.
func (n *Needs) Of(s Source) Want {
	if n.Want == nil {
		return Want{All: true}
	}
	return n.Want(s)
}

// Covers says whether a row of that time is to be delivered.
func (n *Needs) Covers(ns int64) bool {
	return ns == NoTime || (n.Since <= ns && ns < n.Until)
}

// Want is what is wanted of one source: all fields, or those named by their native names. When
// nothing is wanted the reader still delivers the rows, without columns, because the coverage
// certificate counts what was there.
type Want struct {
	All    bool
	Fields []string // sorted, unique
	// TextOnly says, with All, that fields which Fields does not name are wanted only where their values are text. A reader may
	// leave out the others, and need not.
	TextOnly bool
	// Sifted says, with All, that fields which Fields does not name are wanted only of records whose text the needs' sifter suspects. A
	// reader may deliver them of others, and need not.
	Sifted bool
}

// Union wants what either of two wants.
func (w Want) Union(o Want) Want {
	if w.Nothing() {
		w, o = o, w
	}
	if o.Nothing() { // as for most sources, of which there can be very many
		w.TextOnly, w.Sifted = w.All && w.TextOnly, w.All && w.Sifted
		return w
	}
	fields := slices.Concat(w.Fields, o.Fields)
	slices.Sort(fields)
	all := w.All || o.All
	return Want{All: all, Fields: slices.Compact(fields), TextOnly: all && (!w.All || w.TextOnly) && (!o.All || o.TextOnly), Sifted: all && (!w.All || w.Sifted) && (!o.All || o.Sifted)}
}

// Names says whether a field is wanted of every record of the source, by its name or with all.
func (w *Want) Names(field string) bool {
	if w.All && !w.Sifted {
		return true
	}
	_, named := slices.BinarySearch(w.Fields, field)
	return named
}

// Nothing says that no column is wanted.
func (w Want) Nothing() bool { return !w.All && len(w.Fields) == 0 }

// A Format reads one kind of evidence file. It is immutable and shared between goroutines.
type Format interface {
	// Name is the short name used in coverage and in sources.yaml: "evtx", "zeek-tsv".
	Name() string
	// Recognise looks at the beginning of a file (up to 64 KiB) and says how sure it is that the file is of
	// this format, 0 for not at all. The file's name may support the content, but never decides alone.
	Recognise(head []byte, name string) Confidence
	// Open begins to read a file. It reads no further than it must to return a stream.
	Open(f File) (Stream, error)
	// Decoder returns the working memory of one goroutine.
	Decoder() Decoder
}

// Confidence ranks formats that both accept a file; the highest is taken.
type Confidence int

const (
	No       Confidence = 0
	Possible Confidence = 10 // nothing speaks against it: plain text with dates
	Likely   Confidence = 50 // the structure fits: JSON with a few known keys
	Certain  Confidence = 90 // a magic number or an unmistakable header
)

// File is one piece of evidence as a byte stream: a file on disk or a member of an archive.
type File struct {
	Name    string    // path relative to the evidence root, "/"-separated, "!" before a path inside an archive
	Size    int64     // -1 when unknown
	Body    io.Reader // from the first byte
	ModTime time.Time // zero when unknown; infers the year where a log has none
	Hints   Hints
}

// Hints are what is known of a file from outside: sources.yaml, the collection's layout, flags.
type Hints struct {
	Host     string         // used where the events do not name one
	Zone     *time.Location // used where times have no zone; nil is UTC
	Offset   time.Duration  // added to every time: the host's clock was that much behind
	Encoding string         // IANA name; "" to guess
	Slack    bool           // also read records from slack space, marked recovered
	Columns  map[string]string
}

// A Stream cuts one file into segments, in order. It does the reading and nothing that another goroutine
// could do instead.
type Stream interface {
	// Next gives the next segment, io.EOF after the last. Any other error ends the file; what was read
	// before it counts.
	Next(ctx context.Context) (*Segment, error)
}

// Segment is a bounded piece of a file that can be decoded by itself, on any goroutine.
type Segment struct {
	Data   []byte   // the bytes, owned by the segment until Release
	Offset uint64   // of Data[0] in the file
	Record uint64   // number of the first line or row, where the format counts them itself
	State  any      // what the format needs besides: a header, a column map. Immutable
	File   *File    // the file it was cut from; Body is not to be touched
	Damage []Damage // met while cutting

	Free func([]byte) // gives Data back to the stream's pool; may be nil
}

// Release gives the segment's memory back. The segment and all that was decoded from it is dead afterwards.
func (s *Segment) Release() {
	if s.Free != nil {
		s.Free(s.Data)
	}
	s.Data = nil
}

// A Decoder turns segments of its format into batches. One goroutine uses it at a time.
type Decoder interface {
	// Decode delivers every row of the segment to the sink, grouped by schema in an order that depends only on
	// the segment and the needs. It returns the sink's error at once; bad evidence is damage, not an error.
	Decode(seg *Segment, needs *Needs, sink Sink) error
}

// Sink receives what a decoder found. Batches are borrowed: see Batch.
type Sink interface {
	Batch(b *Batch) error
	Damage(d Damage)
}

// Damage is a place where evidence could not be read as its format says.
type Damage struct {
	Offset uint64 // byte offset in the file
	Reason string // one line, plain words, no text from the evidence that was not quoted with %q
}

func (d Damage) String() string { return fmt.Sprintf("offset %d: %s", d.Offset, d.Reason) }

// RuleIndex numbers the rules of one matcher.
type RuleIndex int

// A Matcher is a compiled set of rules: immutable, shared between goroutines.
type Matcher interface {
	Needs() Needs
	Scanner() Scanner
}

// A Scanner holds the scratch memory of one goroutine.
type Scanner interface {
	// Scan calls hit once for each pair of row and rule that match, in an order that depends only on the batch
	// and the rules.
	Scan(b *Batch, hit func(row int, rule RuleIndex)) error
	// Explain says which values decided that the rule matched the row, in the order of the rule's text. It is
	// called for hits only and while the batch lives.
	Explain(b *Batch, row int, rule RuleIndex) []Matched
}

// Matched is a field and the value that decided a match; Field is "" for a keyword found anywhere.
type Matched struct {
	Field string
	Value string
}
