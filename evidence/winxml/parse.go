package winxml

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// Field is one value of an event under its native name; a name that occurs more than once is a list.
type Field struct {
	Name string
	Kind event.Kind // Uint, Hex64, Time or Text
	Text string     // canonical
}

// Event is one event. Parse reuses its memory.
type Event struct {
	Provider, Channel, Computer string
	ID                          uint32
	Time                        int64 // nanoseconds since 1970 UTC, or event.NoTime
	Fields                      []Field

	m      markup
	text   []byte
	system bool // inside System
}

// systemNames gives the column of an element of System, or of its attribute behind a dot.
var systemNames = map[string]string{
	"Provider.Name": event.FieldProvider, "Provider.Guid": event.FieldProviderGUID, "Provider.EventSourceName": event.FieldEventSourceName,
	"EventID": event.FieldEventID, "EventID.Qualifiers": event.FieldQualifiers, "Version": event.FieldVersion,
	"Level": event.FieldLevel, "Task": event.FieldTask, "Opcode": event.FieldOpcode, "Keywords": event.FieldKeywords,
	"TimeCreated.SystemTime": event.FieldTimeCreated, "EventRecordID": event.FieldRecordID,
	"Correlation.ActivityID": event.FieldActivityID, "Correlation.RelatedActivityID": event.FieldRelatedActivityID,
	"Execution.ProcessID": event.FieldProcessID, "Execution.ThreadID": event.FieldThreadID,
	"Channel": event.FieldChannel, "Computer": event.FieldComputer, "Security.UserID": event.FieldUserID,
}

// numbers are the columns whose decimal text is a number.
var numbers = map[string]bool{
	event.FieldEventID: true, event.FieldQualifiers: true, event.FieldVersion: true, event.FieldLevel: true, event.FieldTask: true,
	event.FieldOpcode: true, event.FieldRecordID: true, event.FieldProcessID: true, event.FieldThreadID: true,
}

// Parse reads the event whose start tag begins doc, and gives its length. Text behind it is not looked at. An event that is
// cut off, nested too deep or not well formed is an error, and ev then holds what was read before it.
func Parse(doc []byte, ev *Event) (length int, err error) {
	ev.reset(doc)
	t, err := ev.m.next()
	if err != nil {
		return 0, err
	}
	if t.kind != tokenStart || string(t.name) != "Event" {
		return 0, errors.New("no Event element")
	}
	if t.empty {
		return ev.m.at, nil
	}
	for {
		t, err := ev.m.next()
		if err != nil {
			return ev.m.at, err
		}
		if t.kind == tokenText {
			continue
		}
		if t.kind == tokenEnd {
			if string(t.name) != "Event" {
				return ev.m.at, errMismatch
			}
			return ev.m.at, nil
		}
		if err := ev.section(t); err != nil {
			return ev.m.at, err
		}
	}
}

// Data reads a document that is an EventData or UserData element, or holds one, and gives its fields.
func Data(doc []byte) ([]Field, error) {
	var ev Event
	ev.reset(doc)
	for depth := 0; depth < maxDepth; {
		t, err := ev.m.next()
		if err != nil {
			return nil, err
		}
		if t.kind == tokenStart && (string(t.name) == "EventData" || string(t.name) == "UserData") {
			err := ev.section(t)
			return ev.Fields, err
		}
		if t.kind == tokenEnd {
			break
		}
		if t.kind == tokenStart {
			depth++
		}
	}
	return nil, errors.New("no EventData element")
}

func (ev *Event) reset(doc []byte) {
	ev.m = markup{data: doc, attrs: ev.m.attrs[:0]}
	ev.Provider, ev.Channel, ev.Computer = "", "", ""
	ev.ID, ev.Time = 0, event.NoTime
	ev.Fields = ev.Fields[:0]
	ev.system = false
}

// section reads one child of Event whose start tag was read.
func (ev *Event) section(t token) error {
	switch string(t.name) {
	case "System":
		ev.system = true
		err := ev.walk(t, func(path []byte) string { return systemNames[string(path)] })
		ev.system = false
		return err
	case "EventData", "BinaryEventData":
		return ev.eventData(t)
	case "UserData":
		return ev.walk(t, func(path []byte) string { // the first element below names the kind of data
			if n := bytes.IndexByte(path, '.'); n >= 0 {
				return string(path[n+1:])
			}
			return ""
		})
	default: // RenderingInfo, DebugData, ProcessingErrorData
		section := string(t.name)
		return ev.walk(t, func(path []byte) string {
			if section == "RenderingInfo" && string(path) == "Message" {
				return "Message"
			}
			if len(path) == 0 {
				return section
			}
			return section + "." + string(path)
		})
	}
}

// walk reads the element whose start tag was read and gives a field for each attribute and each element without
// children, named by its path below the element. An empty name leaves the value out when it is empty, and else keeps it
// under its path.
func (ev *Event) walk(top token, name func(path []byte) string) error {
	if err := ev.attributes(top, nil, name); err != nil || top.empty {
		return err
	}
	var path []byte
	var ends [maxDepth]int // length of path per open element
	depth := 0
	leaf := top.leaf // no child met since the last start tag
	ev.text = ev.text[:0]
	for {
		t, err := ev.m.next()
		if err != nil {
			return err
		}
		switch t.kind {
		case tokenText:
			ev.text = appendText(ev.text, t.text, t.cdata)
		case tokenStart:
			if depth == maxDepth {
				return errDeep
			}
			ends[depth] = len(path)
			depth++
			if len(path) > 0 {
				path = append(path, '.')
			}
			path = append(path, t.name...)
			if len(path) > 4096 {
				return errDeep
			}
			if err := ev.attributes(t, path, name); err != nil {
				return err
			}
			leaf = true
			ev.text = ev.text[:0]
			if !t.empty {
				continue
			}
			if len(t.attrs) == 0 {
				if err := ev.add(name(path), path, nil); err != nil {
					return err
				}
			}
			leaf = false
			depth--
			path = path[:ends[depth]]
		case tokenEnd:
			open := top.name
			if depth > 0 {
				if open = path[ends[depth-1]:]; ends[depth-1] > 0 {
					open = open[1:]
				}
			}
			if !bytes.Equal(open, t.name) {
				return errMismatch
			}
			text := ev.text
			if !leaf {
				text = bytes.TrimSpace(text) // the space between elements
			}
			if leaf || len(text) > 0 {
				if err := ev.add(name(path), path, text); err != nil {
					return err
				}
			}
			if depth == 0 {
				return nil
			}
			leaf = false
			ev.text = ev.text[:0]
			depth--
			path = path[:ends[depth]]
		}
	}
}

func (ev *Event) attributes(t token, path []byte, name func([]byte) string) error {
	for _, a := range t.attrs {
		if string(a.name) == "xmlns" || bytes.HasPrefix(a.name, []byte("xmlns:")) || bytes.HasPrefix(a.name, []byte("xml:")) {
			continue
		}
		full := append(bytes.Clone(path), '.')
		if len(path) == 0 {
			full = full[:0]
		}
		full = append(full, local(a.name)...)
		if err := ev.add(name(full), full, appendText(nil, a.value, false)); err != nil {
			return err
		}
	}
	return nil
}

// eventData reads EventData: Data and ComplexData by their Name, Binary, and whatever else by its element's name.
func (ev *Event) eventData(top token) error {
	for _, a := range top.attrs {
		if string(a.name) == "Name" {
			if err := ev.add("EventData_Name", nil, appendText(nil, a.value, false)); err != nil {
				return err
			}
		}
	}
	if top.empty {
		return nil
	}
	for {
		t, err := ev.m.next()
		if err != nil {
			return err
		}
		if t.kind == tokenText {
			continue
		}
		if t.kind == tokenEnd {
			if !bytes.Equal(t.name, top.name) {
				return errMismatch
			}
			return nil
		}
		field := string(t.name)
		for _, a := range t.attrs {
			if string(a.name) == "Name" {
				field = string(appendText(nil, a.value, false))
			}
		}
		if t.empty {
			if string(t.name) == "Binary" {
				continue
			}
			if err := ev.add(field, nil, nil); err != nil {
				return err
			}
			continue
		}
		inner := token{name: bytes.Clone(t.name), leaf: true}
		err = ev.walk(inner, func(path []byte) string {
			if len(path) == 0 {
				return field
			}
			return field + "." + string(path)
		})
		if err != nil {
			return err
		}
	}
}

// add gives a field; an empty name means markup that has no column, which is left out while it is empty.
func (ev *Event) add(name string, path, text []byte) error {
	if len(ev.Fields) == maxFields {
		return errMany
	}
	if name == "" {
		if len(text) == 0 {
			return nil
		}
		name = string(path)
	}
	f := Field{Name: name, Kind: event.Text}
	switch {
	case !ev.system:
		text, _, _ = event.CanonicalGUID(text, nil)
	case name == event.FieldTimeCreated:
		if ns, ok := instant(string(text)); ok {
			ev.Time = ns
			f.Kind, text = event.Time, event.AppendTime(nil, ns)
		}
	case name == event.FieldKeywords:
		if canonical, _, ok := event.CanonicalKeywords(text, nil); ok {
			f.Kind, text = event.Hex64, canonical
		}
	case numbers[name]:
		if n, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			f.Kind = event.Uint
			if name == event.FieldEventID {
				ev.ID = uint32(min(n, 1<<32-1))
			}
		}
	default:
		text, _, _ = event.CanonicalGUID(text, nil)
	}
	f.Text = string(text)
	if ev.system {
		switch name {
		case event.FieldProvider:
			ev.Provider = f.Text
		case event.FieldChannel:
			ev.Channel = f.Text
		case event.FieldComputer:
			ev.Computer = f.Text
		}
	}
	ev.Fields = append(ev.Fields, f)
	return nil
}

// instant reads SystemTime, which has a fraction of any length and normally ends in Z.
func instant(text string) (int64, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1678 && t.Year() <= 2261 {
			return t.UnixNano(), true
		}
	}
	return 0, false
}
