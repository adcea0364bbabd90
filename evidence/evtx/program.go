package evtx

import "github.com/contrail-ir/contrail/event"

// place is where in an event an element stands, as far as the naming of fields depends on it.
type place uint8

const (
	atDocument  place = iota // nothing around it
	atEvent                  // in Event
	atSystem                 // in Event/System
	atEventData              // in Event/EventData
	atOther                  // in UserData, RenderingInfo, …: the names of leaves speak for themselves
)

// below gives the place of the children of an element.
func (p place) below(element string) place {
	switch p {
	case atDocument:
		if element == "Event" {
			return atEvent
		}
		return atOther
	case atEvent:
		switch element {
		case "System":
			return atSystem
		case "EventData":
			return atEventData
		}
		return atOther
	}
	return p
}

// named says whether the element's attribute Name is the name of its field rather than a field.
func (p place) named(element string) bool {
	return p == atEventData && (element == "Data" || element == "ComplexData")
}

// holder says whether an element is there for its children or attributes, so that it is no field when it is empty.
func (p place) holder(element string) bool {
	switch p {
	case atDocument, atEvent:
		return true
	case atSystem:
		switch element {
		case "Provider", "TimeCreated", "Correlation", "Execution", "Security":
			return true
		}
	}
	return false
}

// attributeField names the field of an attribute, "" for a namespace, which is no data.
func (p place) attributeField(names *nameTable, element, attribute string) string {
	if attribute == "xmlns" || len(attribute) > 5 && attribute[:6] == "xmlns:" {
		return ""
	}
	if p == atSystem && element == "TimeCreated" && attribute == "SystemTime" {
		return event.FieldTimeCreated
	}
	return names.join(element, attribute)
}

// program is a compiled fragment: its fields in document order, without the elements around them.
type program struct {
	fields []field
	parts  []part
	nests  []uint16 // slots declared as binary XML, once each
	odd    bool     // a field is named by a substitution
	cached bool     // kept from segment to segment, unlike the program of what was met once
	plain  bool     // it says, without a look into substitutions, what decides about a record
	sys    [sysFields]part

	recent   [8]*sourceKey // by event id and provider, the sources met last: logs repeat themselves
	lastSrc  *source       // the plan used last, and for which source
	lastPlan *plan
	plans    map[*source]*plan
	runs     int // without a plan that is kept
}

// field is one element or attribute.
type field struct {
	name      string
	from, to  int32 // of its parts
	nameFrom  int32 // parts of a name that is not known before the record, if any
	nameTo    int32
	attribute bool
	holder    bool  // no field when it has no value: it is there for what is in it
	inside    place // of binary XML substituted into it
}

// part is a piece of a value: a literal, or a slot when slot ≥ 0.
type part struct {
	literal  cell
	slot     int32
	optional bool
	white    bool // a lifted value of white space
}

// The parts of System that decide whether a record is wanted, and where it goes.
const (
	sysProvider = iota
	sysChannel
	sysEventID
	sysTime
	sysRecordID
	sysComputer
	sysFields
)

func sysField(name string) int {
	switch name {
	case event.FieldProvider:
		return sysProvider
	case event.FieldChannel:
		return sysChannel
	case event.FieldEventID:
		return sysEventID
	case event.FieldTimeCreated:
		return sysTime
	case event.FieldRecordID:
		return sysRecordID
	case event.FieldComputer:
		return sysComputer
	}
	return -1
}

var noPart = part{slot: -1} // compared with, never written

// settle notes whether the program is plain, when all of its fields are known.
func (p *program) settle() {
	p.plain = true
	for _, i := range [...]int{sysProvider, sysEventID, sysTime, sysComputer} {
		p.plain = p.plain && p.sys[i] != noPart
	}
}

// nest notes a slot that is declared to hold binary XML.
func (p *program) nest(slot uint16) {
	for _, s := range p.nests {
		if s == slot {
			return
		}
	}
	p.nests = append(p.nests, slot)
}

// add appends a field.
func (p *program) add(f field, parts []part, at place) {
	f.from = int32(len(p.parts))
	p.parts = append(p.parts, parts...)
	f.to = int32(len(p.parts))
	p.fields = append(p.fields, f)
	if at == atSystem && len(parts) == 1 {
		if i := sysField(f.name); i >= 0 && p.sys[i] == noPart {
			p.sys[i] = parts[0]
		}
	}
}

func (p *program) reset() {
	p.fields = p.fields[:0]
	p.parts = p.parts[:0]
	p.nests = p.nests[:0]
	p.odd = false
	for i := range p.sys {
		p.sys[i] = noPart
	}
	p.forget()
}

// forget lets go of sources.
func (p *program) forget() {
	clear(p.recent[:])
	p.lastSrc, p.lastPlan = nil, nil
	clear(p.plans)
}
