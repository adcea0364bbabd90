package jsonlog

import (
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// shape is a way in which events are written as JSON: how it is known, and how its names become ours. The tables in
// windows_shapes.go and other_shapes.go list all of them; the first whose marks are all present is taken, and the
// last takes everything.
type shape struct {
	name string
	// marks are the paths that must all be present, "|" between alternatives.
	marks []string
	// source is what the shape says of the source; Windows events add provider, channel and id.
	source event.Source
	// service is the path whose value is the source's service, through services where that is set (a value that is
	// not in it gives the service of source), in lower case otherwise.
	service  string
	services map[string]string
	// slots lists for each slot the paths it is taken from, the best first. What another path already gave stays a field
	// under its own name.
	slots map[slot][]string
	// data are the paths of objects that hold the event's own fields, whose names lose the path.
	data []string
	// user are the same with one more element in between, whose name is lost too.
	user []string
	// rename gives other fields their native name.
	rename map[string]string
	// names of Zeek logs come from the file where the record does not say.
	zeek bool

	at map[string]action // slots turned about: path to action, field not yet set
}

// slot is a place in a record that has a meaning beyond being a field.
type slot uint8

const (
	slotNone slot = iota
	slotTime
	slotHost
	slotService
	// The System element of a Windows event, in the order in which its columns are filled.
	slotProvider
	slotProviderGUID
	slotEventSource
	slotEventID
	slotQualifiers
	slotVersion
	slotLevel
	slotTask
	slotOpcode
	slotKeywords
	slotRecordID
	slotActivityID
	slotRelatedID
	slotProcessID
	slotThreadID
	slotChannel
	slotUserID
	// Helpers for reading, which stay fields.
	slotReceived // NXLog's EventReceivedTime, in the same zone as EventTime
	slotShipped  // @timestamp in UTC
	slotXML      // a text that may be a whole event in XML
	slotCount
)

// systemField is the column of a slot.
var systemField = [slotCount]string{
	slotTime: event.FieldTimeCreated, slotHost: event.FieldComputer,
	slotProvider: event.FieldProvider, slotProviderGUID: event.FieldProviderGUID, slotEventSource: event.FieldEventSourceName,
	slotEventID: event.FieldEventID, slotQualifiers: event.FieldQualifiers, slotVersion: event.FieldVersion,
	slotLevel: event.FieldLevel, slotTask: event.FieldTask, slotOpcode: event.FieldOpcode, slotKeywords: event.FieldKeywords,
	slotRecordID: event.FieldRecordID, slotActivityID: event.FieldActivityID, slotRelatedID: event.FieldRelatedActivityID,
	slotProcessID: event.FieldProcessID, slotThreadID: event.FieldThreadID, slotChannel: event.FieldChannel,
	slotUserID: event.FieldUserID,
}

// op says what becomes of a value.
type op uint8

const (
	opUnknown op = iota
	opField      // the column field
	opDrop       // markup that no event has: xmlns, an empty Correlation
	opData       // Data without a name, or objects of name and text
	opDataXML    // EventData as a text of XML
)

type action struct {
	op    op
	slot  slot
	rank  uint8 // among the paths of the slot, 0 is best
	field fieldID
	own   bool // a slot's value is a field besides
}

var shapes = func() []shape {
	all := append(append([]shape{}, windowsShapes...), otherShapes...)
	for i := range all {
		s := &all[i]
		s.at = map[string]action{}
		for sl, froms := range s.slots {
			for rank, from := range froms {
				s.at[from] = action{op: opField, slot: sl, rank: uint8(rank), own: !s.isWindows() || systemField[sl] == ""}
			}
		}
		if s.service != "" {
			s.at[s.service] = action{op: opField, slot: slotService, own: true}
		}
	}
	return all
}()

// isWindows says that the shape is one of Windows events.
func (s *shape) isWindows() bool { return s.source.Product == event.ProductWindows }

// resolve works out what becomes of the value at a path.
func (s *shape) resolve(p *paths, name string) action {
	if to, ok := s.rename[name]; ok {
		a := s.at[name]
		a.op, a.field = opField, p.field(to)
		return a
	}
	if a, ok := s.at[name]; ok {
		a.field = p.field(name)
		return a
	}
	if !s.isWindows() {
		return action{op: opField, field: p.field(name)}
	}
	if strings.HasSuffix(name, "xmlns") {
		return action{op: opDrop}
	}
	for _, d := range s.data {
		if name == d {
			return action{op: opDataXML, field: p.field(name)}
		}
		rest, ok := strings.CutPrefix(name, d+".")
		if !ok {
			continue
		}
		switch rest {
		case "Data", "Data.#text", "#text":
			return action{op: opData, field: p.field(event.FieldUnnamedData)}
		case "#attributes.Name", "@Name":
			rest = "EventData_Name"
		}
		return action{op: opField, field: p.field(rest)}
	}
	for _, u := range s.user {
		if name == u {
			return action{op: opDrop}
		}
		rest, ok := strings.CutPrefix(name, u+".")
		if !ok {
			continue
		}
		if _, below, ok := strings.Cut(rest, "."); ok {
			rest = below
		}
		return action{op: opField, field: p.field(rest)}
	}
	if emptyMarkup[lastPart(name)] {
		return action{op: opDrop}
	}
	return action{op: opField, field: p.field(name)}
}

// emptyMarkup are elements of System that hold attributes only: null or empty, they say nothing.
var emptyMarkup = map[string]bool{"Correlation": true, "Security": true, "Execution": true}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// marks is a set of marker paths.
type marks [3]uint64

func (m *marks) add(o marks) {
	for i := range m {
		m[i] |= o[i]
	}
}

func (m *marks) meets(o marks) bool {
	for i := range m {
		if m[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// markOf numbers the marker paths of all shapes and of lists of records.
var markOf, shapeNeeds, markList = func() (map[string]marks, [][]marks, marks) {
	of := map[string]marks{}
	used := 0
	bit := func(path string) marks {
		m, ok := of[path]
		if !ok {
			m[used/64] = 1 << (used % 64)
			used++
			of[path] = m
		}
		return m
	}
	list := bit("Records")
	for name := range lists { // one bit for all: they only call for a closer look
		of[name] = list
	}
	needs := make([][]marks, len(shapes))
	for i := range shapes {
		for _, alternatives := range shapes[i].marks {
			var any marks
			for path := range strings.SplitSeq(alternatives, "|") {
				any.add(bit(path))
			}
			needs[i] = append(needs[i], any)
		}
	}
	return of, needs, list
}()

// shapeOf gives the first shape, beginning with number from, whose marks are all present.
func shapeOf(m *marks, from int) int {
next:
	for i := from; i < len(shapes); i++ {
		for _, any := range shapeNeeds[i] {
			if !m.meets(any) {
				continue next
			}
		}
		return i
	}
	return len(shapes) - 1
}
