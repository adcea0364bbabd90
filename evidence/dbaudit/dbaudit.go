// Package dbaudit reads what databases log of statements and sessions: PostgreSQL's log as text and as CSV with pgaudit's
// records in it, MySQL's and MariaDB's general, slow and error logs, and the XML in which Oracle and SQL Server export their audit
// trails. Exports as CSV have a header and are read by evidence/table; MySQL's audit log in JSON by evidence/jsonlog.
//
// Rows have user, client, database, command, object and statement wherever the log says them, besides the log's own names. The
// number of rows that a statement returned is given only where it is logged: rows. It is absent elsewhere, never guessed.
package dbaudit

import (
	"bufio"
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence/internal/delimited"
	"github.com/contrail-ir/contrail/evidence/lines"
	"github.com/contrail-ir/contrail/evidence/message"
)

// The sources of rows.
var (
	PostgreSQL = event.Source{Product: "postgresql", Category: "database"}
	MySQL      = event.Source{Product: "mysql", Category: "database"}
	Oracle     = event.Source{Product: "oracle", Category: "database"}
	SQLServer  = event.Source{Product: "mssql", Category: "database"}
)

// Format implements event.Format.
type Format struct{}

// Name implements event.Format.
func (Format) Name() string { return "dbaudit" }

// kind is how a file is written.
type kind uint8

const (
	unknown kind = iota
	postgresCSV
	postgresText
	mysql
	mysqlSlow
	auditXML
)

// Recognise implements event.Format.
func (Format) Recognise(head []byte, _ string) event.Confidence {
	switch tell(lines.Text(head)) {
	case unknown:
		return event.No
	case postgresCSV, mysqlSlow, auditXML:
		return event.Likely + 35
	}
	return event.Likely + 25
}

// tell looks at a file's beginning.
func tell(text []byte) kind {
	trimmed := bytes.TrimSpace(text)
	if bytes.HasPrefix(trimmed, []byte("<")) {
		if tag := recordTag(trimmed); tag != "" && known(trimmed) {
			return auditXML
		}
		return unknown
	}
	if cut, split := (&delimited.Cutter{Comma: ','}), (&delimited.Splitter{}); len(trimmed) > 0 {
		n, _ := cut.Cut(trimmed)
		split.Split(bytes.TrimRight(trimmed[:n], "\r\n"), ',')
		if postgresRecord(split.Fields) {
			return postgresCSV
		}
	}
	var votes [auditXML]int
	all := 0
	message.EachLine(message.Whole(text), func(l []byte) bool {
		if len(bytes.TrimSpace(l)) == 0 || l[0] == '\t' || l[0] == ' ' {
			return true // what continues a statement
		}
		all++
		switch {
		case mysqlBegins(l), mysqlPreamble(l):
			votes[mysql]++
		case slowBegins(l) || bytes.HasPrefix(l, []byte("# Query_time: ")):
			votes[mysqlSlow]++
		case postgresBegins(l):
			votes[postgresText]++
		}
		return all < 300
	})
	best := unknown
	for k, n := range votes {
		if n > votes[best] && (10*n >= 3*all || kind(k) == mysqlSlow && 10*n >= all) {
			best = kind(k)
		}
	}
	return best
}

// Open implements event.Format.
func (Format) Open(f event.File) (event.Stream, error) {
	body := bufio.NewReaderSize(f.Body, 64<<10)
	head, _ := body.Peek(64 << 10) // an error comes again when it is read
	f.Body = body
	text := lines.Text(head)
	k := tell(text)
	cut := message.Cut{State: &state{kind: k}}
	switch k {
	case postgresCSV:
		cut.Last = delimited.Last(',')
	case postgresText:
		cut.Last = message.LastRecord(firstLine(postgresBegins))
	case mysql:
		cut.Last = message.LastRecord(firstLine(mysqlBegins))
	case mysqlSlow:
		cut.Last = message.LastRecord(firstLine(slowHead))
	case auditXML:
		tag := recordTag(bytes.TrimSpace(text))
		cut.State = &state{kind: k, tag: tag}
		cut.Last = func(data []byte) int {
			if i := bytes.LastIndex(data, []byte("<"+tag)); i >= 0 && xmlEnd(data[i:], tag) < 0 {
				return i
			}
			return len(data)
		}
	}
	return message.Open(f, cut)
}

// state is what the segments of a file have in common.
type state struct {
	kind kind
	tag  string // the XML element that is a record
}

// firstLine applies a test of a line to a text that begins with one.
func firstLine(f func([]byte) bool) func([]byte) bool {
	return func(b []byte) bool {
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			b = b[:i]
		}
		return f(bytes.TrimSuffix(b, []byte{'\r'}))
	}
}

// Decoder implements event.Format.
func (Format) Decoder() event.Decoder {
	d := &decoder{csv: delimited.Cutter{Comma: ','}}
	d.message = &message.Decoder{Start: d.start, Cut: d.cut, Read: d.read}
	return d.message
}

type decoder struct {
	message *message.Decoder
	seg     *event.Segment
	state   *state
	zone    *time.Location
	csv     delimited.Cutter
	split   delimited.Splitter
	inner   delimited.Splitter

	sessions map[string]session // MySQL's connections in this segment
	at       int64              // the time that was written last
}

// start forgets the last segment.
func (d *decoder) start(seg *event.Segment) {
	d.state, d.zone = seg.State.(*state), seg.File.Hints.Zone
	d.csv.Wasted = 0
	if seg != d.seg {
		d.seg = seg
		d.message.Replay = d.state.kind == mysql || d.state.kind == mysqlSlow
	}
	d.sessions, d.at = map[string]session{}, event.NoTime
}

func (d *decoder) cut(b []byte) (int, uint64) {
	var begins func([]byte) bool
	switch d.state.kind {
	case postgresCSV:
		n, count := d.csv.Cut(b)
		if d.csv.Wasted > 0 {
			d.message.Replay = true
		}
		return n, count
	case auditXML:
		return xmlCut(b, d.state.tag)
	case mysql:
		begins = mysqlBegins
	case mysqlSlow:
		begins = slowHead
	case postgresText:
		begins = postgresBegins
	}
	n, count := 0, uint64(0)
	for n < len(b) {
		end := len(b)
		if i := bytes.IndexByte(b[n:], '\n'); i >= 0 {
			end = n + i + 1
		}
		n = end
		if count++; begins == nil || n == len(b) || firstLine(begins)(b[n:]) {
			break
		}
	}
	return n, count
}

func (d *decoder) read(rows *message.Rows, r message.Record) {
	if len(bytes.TrimSpace(r.Text)) == 0 {
		return
	}
	ok := false
	switch d.state.kind {
	case postgresCSV:
		ok = d.postgresCSV(rows, r)
	case postgresText:
		ok = d.postgresText(rows, r)
	case mysql:
		ok = d.mysql(rows, r)
	case mysqlSlow:
		ok = d.slow(rows, r)
	case auditXML:
		ok = d.xml(rows, r)
	}
	if !ok {
		if rows.Row(event.Source{Category: "database"}, event.NoTime, r.Offset, r.Number, nil) {
			rows.Add("message", r.Text)
		}
		rows.Odd(r.Offset, "a record of no known form")
	}
}

func put(rows *message.Rows, field string, v []byte) {
	if len(v) > 0 {
		rows.Add(field, v)
	}
}
