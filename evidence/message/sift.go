package message

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
)

// sifting holds the values of a row back until something in it is suspected. The text of the record is searched once, and where the sifter can, with
// those around it: a survey of a stretch of the segment gives the places where something may be, and only records that have one are searched. A value that the
// record's reader cut out of that text needs no look of its own where its neighbours part it; any other is searched by itself. So no
// reader needs to know of it.
type sifting struct {
	sifter  event.Sifter // nil for none
	record  []byte       // its text
	state   state        // of the record
	suspect bool         // the current row is suspected: nothing is held any more
	values  []heldValue  // of the current row
	made    []byte       // texts of those that are not in the record's
	said    bool         // something is sought in what readers say by themselves: no record is clear

	surveyor event.Surveyor // nil where the sifter must be asked about each record
	data     []byte         // the segment, nil where records are not its lines
	at       int            // of the record
	from, to int            // whole lines of the segment, surveyed if told
	told     bool           // places holds
	ascii    bool           // and all of them is ASCII
	places   []int          // in the segment, ascending
}

// surveyed is how much of a segment is surveyed at once: so much stays in the processor's cache until its records are read.
const surveyed = 32 << 10

// meet takes the sifter of the needs and asks it about what a reader may say without a record's having it.
func (s *sifting) meet(sifter event.Sifter, says []string) {
	*s = sifting{sifter: sifter}
	s.surveyor, _ = sifter.(event.Surveyor)
	for _, text := range says {
		s.said = s.said || sifter.Suspects([]byte(text))
	}
}

type state uint8

const (
	unasked state = iota
	cleared
	suspected
)

// heldValue is a value of a column, a stretch of the segment's text or of the made ones.
type heldValue struct {
	column int
	text   []byte
}

// segment begins a segment.
func (s *sifting) segment() {
	s.data, s.from, s.to = nil, 0, 0
	s.begin(nil)
}

// begin begins a record; nil is one whose text is not known.
func (s *sifting) begin(record []byte) { s.record, s.state, s.data = record, unasked, nil }

// beginLines begins a record that is whole lines of a segment.
func (s *sifting) beginLines(record, segment []byte, at int) {
	s.record, s.state, s.data, s.at = record, unasked, segment, at
}

// row begins a row.
func (s *sifting) row() { s.suspect, s.values, s.made = false, s.values[:0], s.made[:0] }

// hold keeps a value back, or gives it and all that were held to the builder when something in them or in the record is suspected.
func (s *sifting) hold(to *event.Builder, column int, value []byte) {
	suspect := s.suspects()
	if s.apart(value) {
		at := len(s.made)
		if utf8.Valid(value) {
			s.made = append(s.made, value...)
		} else {
			s.made = append(s.made, bytes.ToValidUTF8(value, []byte("\uFFFD"))...)
		}
		value = s.made[at:len(s.made):len(s.made)]
		suspect = suspect || s.sifter.Suspects(value)
	}
	s.values = append(s.values, heldValue{column, value})
	if suspect {
		s.suspect = true
		to.Suspect()
		s.release(to)
	}
}

// suspects says whether something in the record is suspected. It is searched when this is first asked.
func (s *sifting) suspects() bool {
	if s.state == unasked {
		if s.state = cleared; !s.surveyClears() && (!utf8.Valid(s.record) || s.sifter.Suspects(s.record)) {
			s.state = suspected
		}
	}
	return s.state == suspected
}

// surveyClears says that the record has no place where something may be.
func (s *sifting) surveyClears() bool {
	if s.surveyor == nil || s.data == nil {
		return false
	}
	end := s.at + len(s.record)
	if s.at < s.from || end > s.to {
		s.survey(end)
	}
	i, _ := slices.BinarySearch(s.places, s.at)
	return s.told && (i == len(s.places) || s.places[i] >= end)
}

// survey surveys the lines from the record on, as far as its end at least.
func (s *sifting) survey(end int) {
	s.from, s.to, s.places, s.told = s.at, end, s.places[:0], false
	if most := min(s.at+surveyed, len(s.data)); most > end {
		s.to = max(end, s.at+bytes.LastIndexByte(s.data[s.at:most], '\n')+1)
	}
	text := s.data[s.from:s.to]
	if s.ascii = ascii(text); !s.ascii && !utf8.Valid(text) { // which records are not must be told one by one
		return
	}
	if s.places, s.told = s.surveyor.Survey(text, s.places); !s.told {
		s.surveyor = nil
	}
	for i := range s.places {
		s.places[i] += s.from
	}
}

func ascii(text []byte) bool {
	var all uint64
	for ; len(text) >= 8; text = text[8:] {
		all |= binary.LittleEndian.Uint64(text)
	}
	for _, c := range text {
		all |= uint64(c)
	}
	return all&0x8080808080808080 == 0
}

// apart says that a value must be searched by itself: it is no stretch of the record's text, or what stands beside it does not part it.
func (s *sifting) apart(value []byte) bool {
	from, inside := stretch(s.record, value)
	return !inside || !parted(s.record, from, from+len(value))
}

// clears says that nothing is suspected in the record and in values that may have to be searched by themselves.
func (s *sifting) clears(values [][]byte) bool {
	if s.said || s.suspects() {
		return false
	}
	for _, v := range values {
		if s.apart(v) && s.sifter.Suspects(v) {
			return false
		}
	}
	return true
}

// release gives all that is held to the builder.
func (s *sifting) release(to *event.Builder) {
	for _, v := range s.values {
		if text := v.text; utf8.Valid(text) {
			to.Text(v.column, text)
		} else {
			to.Text(v.column, bytes.ToValidUTF8(text, []byte("\uFFFD")))
		}
	}
	s.values = s.values[:0]
}

// stretch gives where in a record's text a value that was cut out of it begins.
func stretch(record, value []byte) (from int, inside bool) {
	if len(value) == 0 {
		return 0, true
	}
	from = cap(record) - cap(value) // both reach to the end of what they were cut from
	inside = from >= 0 && from+len(value) <= len(record) && &record[from] == &value[0]
	return from, inside
}

// parted says whether what stands beside a value keeps apart what is sought in it.
func parted(record []byte, from, to int) bool {
	beside := func(c byte) bool { return event.Parts(c) || c == ':' && bytes.IndexByte(record[from:to], ':') < 0 }
	return (from == 0 || beside(record[from-1])) && (to == len(record) || beside(record[to]))
}
