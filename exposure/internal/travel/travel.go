// Package travel interprets PNRGOV and PAXLST messages (IATA/WCO/ICAO) and the special service
// requests in them. It hands every person, booking and identifier to a Collector and reports, per
// message, what it counted and where the message contradicts itself: wrong segment counts, wrong
// passenger counts, missing ends. A malformed message is counted as far as it can be read.
package travel

import (
	"bytes"
	"fmt"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"github.com/contrail-ir/contrail/exposure/internal/edifact"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Read interprets all interchanges of src. The error is that of src; damage goes to the Collector.
func Read(src io.Reader, out record.Collector) error {
	in := interpreter{lexer: edifact.NewReader(src), out: out}
	for {
		seg, err := in.lexer.Next()
		if err != nil {
			const why = "the stream ends inside the interchange"
			if in.open || in.body != nil && !in.quietEnd {
				in.out.Damage(record.Damage{Offset: in.last, Reason: why, Cut: true})
			}
			in.endInterchange(in.last, why)
			if err == io.EOF {
				return nil
			}
			return err
		}
		in.last = seg.Offset
		in.segment(&seg)
	}
}

// message is what PNRGOV and PAXLST have in common.
type message interface {
	wants(tag string) bool // whether segment is to be called
	segment(tag string, f *edifact.Fields, offset int64)
	end(m *record.Message) // complete the report
}

type interpreter struct {
	lexer *edifact.Reader
	out   record.Collector
	f     edifact.Fields
	last  int64

	decoder     *encoding.Decoder // nil: ASCII or UTF-8
	interchange []byte            // control reference of the open UNB
	open        bool
	groupOpen   bool
	group       []byte
	messages    int // in the group, or in the interchange when it has no group
	inGroup     int
	groups      int

	body     message
	report   record.Message
	mail     []byte
	digits   []byte
	pnr      pnrgov
	pax      paxlst
	quietEnd bool
}

func (in *interpreter) note(offset int64, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if in.body != nil {
		in.report.Notes = append(in.report.Notes, text)
	}
	in.out.Damage(record.Damage{Offset: offset, Reason: text})
}

func (in *interpreter) segment(seg *edifact.Segment) {
	if seg.BadUNA {
		in.note(seg.Offset, "UNA is not as ISO 9735 wants it; the usual service characters were used")
	}
	if seg.Cut > 0 {
		in.out.Damage(record.Damage{Offset: seg.Offset, Reason: "segment longer than the limit was cut", Bytes: seg.Cut})
	}
	tag := seg.Tag()
	if seg.Unended && tag != "UNA" {
		in.note(seg.Offset, "%s has no terminator", printable(tag))
	}
	if in.body != nil {
		in.report.Segments++
	}
	switch tag {
	case "UNA", "UNB", "UNG", "UNH", "UNT", "UNE", "UNZ":
		in.f.Split(in.lexer.Service(), seg.Raw)
		in.envelope(tag, seg.Offset)
	default:
		if in.body != nil && in.body.wants(tag) {
			in.f.Split(in.lexer.Service(), seg.Raw)
			in.body.segment(tag, &in.f, seg.Offset)
		}
	}
}

func (in *interpreter) envelope(tag string, at int64) {
	f := &in.f
	switch tag {
	case "UNA":
		in.endInterchange(at, "the next interchange begins before UNZ")
	case "UNB":
		in.endInterchange(at, "the next interchange begins before UNZ")
		in.open, in.messages, in.groups, in.groupOpen = true, 0, 0, false
		in.interchange = append(in.interchange[:0], f.Element(5)...)
		in.charset(f.Component(1, 0), at)
	case "UNG":
		in.endMessage(at, "UNG inside a message")
		in.groupOpen, in.inGroup = true, 0
		in.groups++
		in.group = append(in.group[:0], f.Element(5)...)
	case "UNH":
		in.endMessage(at, "UNT is missing: the next message begins")
		in.begin(at)
	case "UNT":
		if in.body == nil {
			in.note(at, "UNT without UNH")
			return
		}
		in.report.Declared = atoi(f.Component(1, 0))
		if in.report.Declared != in.report.Segments {
			in.note(at, "UNT declares %s segments, %d were counted", declared(f), in.report.Segments)
		}
		if ref := f.Component(2, 0); len(ref) > 0 && string(ref) != in.report.Reference {
			in.note(at, "UNT has another reference than UNH")
		}
		in.quietEnd = true
		in.endMessage(at, "")
	case "UNE":
		in.endMessage(at, "UNT is missing: the group ends")
		switch n := atoi(f.Component(1, 0)); {
		case !in.groupOpen:
			in.note(at, "UNE without UNG")
		case n != in.inGroup:
			in.note(at, "UNE declares %s messages, %d were counted", declared(f), in.inGroup)
		case len(f.Component(2, 0)) > 0 && !bytes.Equal(f.Component(2, 0), in.group):
			in.note(at, "UNE has another reference than UNG")
		}
		in.groupOpen = false
	case "UNZ":
		in.endMessage(at, "UNT is missing: the interchange ends")
		if in.groupOpen {
			in.note(at, "UNE is missing")
		}
		want := in.messages
		if in.groups > 0 {
			want = in.groups
		}
		switch {
		case !in.open:
			in.note(at, "UNZ without UNB")
		case atoi(f.Component(1, 0)) != want:
			in.note(at, "UNZ declares %s, %d were counted", declared(f), want)
		case !bytes.Equal(f.Component(2, 0), in.interchange):
			in.note(at, "UNZ has another reference than UNB")
		}
		in.open, in.groupOpen = false, false
	}
}

func (in *interpreter) begin(at int64) {
	f := &in.f
	in.messages++
	in.inGroup++
	in.report = record.Message{Offset: at, Type: printable(string(f.Element(2))), Reference: string(clip(f.Component(1, 0), 64)), Segments: 1, Declared: -1}
	switch string(f.Component(2, 0)) {
	case "PNRGOV", "GOVREQ":
		in.pnr.reset(in)
		in.body = &in.pnr
	case "PAXLST":
		in.pax.reset(in)
		in.body = &in.pax
	default:
		in.body = &ignored{}
	}
}

// ignored is a message of a type without passengers.
type ignored struct{}

func (*ignored) wants(string) bool                      { return false }
func (*ignored) segment(string, *edifact.Fields, int64) {}
func (*ignored) end(*record.Message)                    {}

func (in *interpreter) endMessage(at int64, why string) {
	if in.body == nil {
		return
	}
	in.body.end(&in.report)
	if !in.quietEnd {
		in.note(at, "%s", why)
	}
	in.quietEnd = false
	in.out.Message(&in.report)
	in.body = nil
}

func (in *interpreter) endInterchange(at int64, why string) {
	in.endMessage(at, "UNT is missing: "+why)
	if in.open {
		in.note(at, "UNZ is missing: %s", why)
	}
	in.open, in.groupOpen = false, false
}

// charset sets the repertoire that UNB names (ISO 9735-1 and -2; IATA and IATB are ASCII).
func (in *interpreter) charset(id []byte, at int64) {
	in.decoder = nil
	var cm *charmap.Charmap
	switch string(id) {
	case "UNOA", "UNOB", "IATA", "IATB", "UNOW", "UNOY", "":
		return
	case "UNOC":
		cm = charmap.ISO8859_1
	case "UNOD":
		cm = charmap.ISO8859_2
	case "UNOE":
		cm = charmap.ISO8859_5
	case "UNOF":
		cm = charmap.ISO8859_7
	case "UNOG":
		cm = charmap.ISO8859_3
	case "UNOH":
		cm = charmap.ISO8859_4
	case "UNOI":
		cm = charmap.ISO8859_6
	case "UNOJ":
		cm = charmap.ISO8859_8
	case "UNOK":
		cm = charmap.ISO8859_9
	default:
		in.note(at, "unknown syntax identifier %s: text was taken as UTF-8", printable(string(id)))
		return
	}
	in.decoder = cm.NewDecoder()
}

// text gives UTF-8 for bytes of the interchange.
func (in *interpreter) text(p []byte) []byte {
	if in.decoder == nil {
		return p
	}
	for _, c := range p {
		if c >= 0x80 {
			if out, err := in.decoder.Bytes(p); err == nil {
				return out
			}
			return p
		}
	}
	return p
}

func clip(p []byte, n int) []byte { return p[:min(len(p), n)] }

// printable makes a short text safe for a note: reports must not carry what hides in a damaged file.
func printable(s string) string {
	out := []byte(s[:min(len(s), 40)])
	for i, c := range out {
		if c < ' ' || c > '~' {
			out[i] = '?'
		}
	}
	return string(out)
}

// atoi reads a count; -1 for anything else.
func atoi(p []byte) int {
	if len(p) == 0 || len(p) > 9 {
		return -1
	}
	n := 0
	for _, c := range p {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// declared shows the count of a closing segment as written.
func declared(f *edifact.Fields) string { return printable(string(f.Component(1, 0))) }
