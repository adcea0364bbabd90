package stamp

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// Frame is the beginning that syslog puts before a message.
type Frame struct {
	Time int64 // NoTime where the year cannot be known
	Host []byte
	Tag  []byte // the program
	PID  []byte
	Text []byte
}

// Unframe parts a line that syslog wrote: "Jan  2 15:04:05 host tag[pid]: text" with or without a priority and a host, with the
// time in ISO 8601 instead, and as RFC 5424 has it. A year that is not written is that in which the line is not later than a
// day after the file was last changed.
func Unframe(l []byte, changed time.Time, zone *time.Location) (Frame, bool) {
	if len(l) > 3 && l[0] == '<' {
		i := bytes.IndexByte(l[:min(len(l), 6)], '>')
		if i < 0 {
			return Frame{}, false
		}
		l = l[i+1:]
		if rest, ok := bytes.CutPrefix(l, []byte("1 ")); ok {
			return structured(rest, zone)
		}
	}
	f := Frame{Time: event.NoTime}
	switch {
	case len(l) > 16 && monthOf(l) > 0 && l[3] == ' ':
		at := 4
		for at < len(l) && l[at] == ' ' {
			at++
		}
		day := at
		for at < len(l) && isDigit(l[at]) {
			at++
		}
		if at == day || at-day > 2 || at+10 > len(l) || l[at] != ' ' || l[at+3] != ':' || l[at+6] != ':' {
			return Frame{}, false
		}
		ns, ok := yearless(monthOf(l), number(l[day:at]), l[at+1:at+9], changed, zone)
		if !ok {
			return Frame{}, false
		}
		f.Time = ns
		l = l[at+9:]
	case len(l) > 20 && l[4] == '-' && l[10] == 'T':
		i := bytes.IndexByte(l, ' ')
		if i < 0 {
			return Frame{}, false
		}
		ns, ok := Parse(l[:i], zone)
		if !ok {
			return Frame{}, false
		}
		f.Time = ns
		l = l[i:]
	default:
		return Frame{}, false
	}
	l = bytes.TrimLeft(l, " ")
	word, rest, _ := bytes.Cut(l, []byte{' '})
	if !bytes.HasSuffix(word, []byte{':'}) {
		f.Host = word
		word, rest, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte{' '})
	}
	tag, ok := bytes.CutSuffix(word, []byte{':'})
	if !ok || len(tag) == 0 {
		return Frame{}, false
	}
	f.tag(tag)
	f.Text = rest
	return f, true
}

func (f *Frame) tag(tag []byte) {
	f.Tag = tag
	if i := bytes.IndexByte(tag, '['); i > 0 && tag[len(tag)-1] == ']' {
		f.Tag, f.PID = tag[:i], tag[i+1:len(tag)-1]
	}
}

// structured reads RFC 5424: time host app process message-id data text.
func structured(l []byte, zone *time.Location) (Frame, bool) {
	var w [5][]byte
	for i := range w {
		var ok bool
		if w[i], l, ok = bytes.Cut(l, []byte{' '}); !ok {
			return Frame{}, false
		}
	}
	f := Frame{Time: event.NoTime, Host: w[1], Tag: w[2], PID: w[3]}
	if ns, ok := Parse(w[0], zone); ok {
		f.Time = ns
	}
	if rest, ok := bytes.CutPrefix(l, []byte("- ")); ok {
		l = rest
	} else if len(l) > 0 && l[0] == '[' {
		if i := bytes.Index(l, []byte("] ")); i >= 0 {
			l = l[i+2:]
		}
	}
	f.Text = bytes.TrimPrefix(l, []byte("\xef\xbb\xbf"))
	return f, true
}

func yearless(month, day int, text []byte, changed time.Time, zone *time.Location) (int64, bool) {
	if changed.IsZero() {
		_, ok := clock(2000, month, day, text, nil)
		return event.NoTime, ok
	}
	if zone == nil {
		zone = time.UTC
	}
	latest := changed.Add(24 * time.Hour).UnixNano()
	year := changed.In(zone).Year()
	for y := year + 1; y >= year-8; y-- { // a leap day may need eight years
		if ns, ok := clock(y, month, day, text, zone); ok && ns <= latest {
			return ns, true
		}
	}
	return event.NoTime, false
}
