package jsonlog

import (
	"bytes"
	"errors"

	"github.com/contrail-ir/contrail/event"
)

// errMore asks for more of the file before the record at hand can be judged.
var errMore = errors.New("more of the file is needed")

// cutRecords scans the text for records and delivers those that are whole. What separates them (white space, commas, the
// brackets of arrays, what is left of an object that wraps them) is passed over; what does not belong is damage, behind which
// the next record is looked for.
func (s *stream) cutRecords(buf []byte) *event.Segment {
	var spans []span
	at := 0
	for at < len(buf) {
		if s.lost {
			at = s.resync(buf, at, at)
			continue
		}
		from := at
		end, record, err := s.step(buf, at)
		switch {
		case err == nil:
			if at = end; record {
				spans = append(spans, span{from, end})
			}
			continue
		case s.err == nil && (errors.Is(err, errMore) || errors.Is(err, errIncomplete)):
			if from == 0 && len(buf) >= maxRecord {
				s.tell(0, "a record longer than %d bytes is passed over", maxRecord)
				s.mark(buf, from)
				at = s.resync(buf, from+1, from+1)
				continue
			}
			return s.wait(buf, spans, from)
		}
		if s.damage.enough() { // what is only counted need not be put into words
			s.told = true
			s.damage.more.add(s.offset + s.size(buf[:from]))
		} else {
			s.tell(s.size(buf[:from]), "%s at byte %d of the record: %s", reason(err), end-from, quoted(buf[from:]))
		}
		s.mark(buf, from)
		at = s.resync(buf, from+1, end)
	}
	at = min(at, len(buf))
	if s.lost && s.err == nil { // the next record may begin in the last line
		if n := bytes.LastIndexByte(buf, '\n'); n > 0 && len(buf)-n < maxName && (len(spans) == 0 || n >= spans[len(spans)-1].to) {
			at = n
		}
	}
	return s.wait(buf, spans, at)
}

// wait delivers the records found in front of at and carries the rest; without any it reads on.
func (s *stream) wait(buf []byte, spans []span, at int) *event.Segment {
	if at == 0 {
		room := make([]byte, 0, min(2*max(len(buf), segmentSize), maxRecord))
		s.carry = s.more(append(room, buf...))
		s.free(buf)
		return nil
	}
	s.carry = append(s.carry[:0], buf[at:]...)
	if len(spans) == 0 {
		s.offset += s.size(buf[:at])
		s.free(buf)
		return nil
	}
	seg := s.segment(buf[:at], spans, s.number)
	s.number += uint64(len(spans))
	return seg
}

// step passes over one thing: a separator, or a record, and says which.
func (s *stream) step(buf []byte, at int) (end int, record bool, err error) {
	rest := buf[at:]
	switch c := rest[0]; {
	case isSpace(c) || c == ',':
		return at + 1, false, nil
	case c == '[':
		s.arrays++
		return at + 1, false, nil
	case c == ']':
		s.arrays = max(s.arrays-1, 0)
		return at + 1, false, nil
	case c == '}' && s.inside > 0:
		s.inside--
		return at + 1, false, nil
	case c == '"' && s.inside > 0:
		end, err = skimMember(buf, at, &s.skim)
		return end, false, err
	case c == byteOrderMark[0] && bytes.HasPrefix(rest, byteOrderMark):
		return at + len(byteOrderMark), false, nil
	case c == 'R' && s.err == nil && len(rest) < 64 && bytes.IndexByte(rest, '\n') < 0:
		return at, false, errMore
	case c == 'R' && recordLine(rest) > 0:
		return at + recordLine(rest), false, nil
	case c != '{':
		return at, false, &syntaxError{at, "an object"}
	}
	to, opened, err := wrapped(rest, &s.skim)
	if err != nil && s.err == nil && len(rest) < headSize {
		return at, false, errMore
	}
	if opened > 0 {
		s.inside += opened
		s.arrays++
		return at + to, false, nil
	}
	end, err = s.skim.value(buf, at)
	return end, true, err
}

// mark remembers how far the damaged record at from was indented, and that the next one is to be looked for.
func (s *stream) mark(buf []byte, from int) {
	s.lost = true
	s.indent = from - 1 - bytes.LastIndexByte(buf[:from], '\n')
	if len(bytes.TrimLeft(buf[from-s.indent:from], " \t,[")) > 0 {
		s.indent = 0
	}
}

// resync gives the place where the next record may begin: at a line that begins with an object and is not indented more
// than the damaged record, looked for behind from, or at an object that follows another one's end in the same line, looked
// for behind the damage. When there is none it gives the end of the text, and the search goes on with what follows.
func (s *stream) resync(buf []byte, from, damage int) int {
	if damage > from {
		if s.wasted += damage - from; s.wasted > min(maxWasted, wasteful*(int(s.offset)+len(buf))) {
			from = damage
		}
	}
	found := len(buf)
	for at := max(from-1, 0); at < len(buf); {
		n := bytes.IndexByte(buf[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
		begin := at
		for at < len(buf) && at-begin <= s.indent && (buf[at] == ' ' || buf[at] == '\t' || buf[at] == ',') {
			at++
		}
		if at < len(buf) && buf[at] == '{' && at-begin <= s.indent {
			found = at
			break
		}
	}
	if damage < found {
		if n := bytes.Index(buf[damage:found], []byte("},{")); n >= 0 {
			found = damage + n + 2
		}
	}
	s.lost = found == len(buf)
	return found
}

// skimMember passes over a name and its value.
func skimMember(data []byte, at int, s *skimmer) (int, error) {
	end, err := skimKey(data, at)
	if err != nil {
		return end, err
	}
	return s.value(data, end)
}
