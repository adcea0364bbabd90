package evtxwrite

import (
	"fmt"
	"time"
)

// Event is one record to write. Empty texts and identifiers become empty slots, as
// Windows leaves them.
type Event struct {
	Provider     string
	ProviderGUID string
	SourceName   string // EventSourceName of a provider that is classic and has a manifest
	Classic      bool   // written through the classic API: provider and channel stand in the template

	ID         uint16
	Qualifiers uint16 // of a classic event, else left out
	Version    uint8
	Level      uint8
	Task       uint16
	Opcode     uint8
	Keywords   uint64

	Time              time.Time // 100 ns steps are kept
	RecordID          uint64    // 0: one more than the record before
	Channel, Computer string
	UserSID           string
	ProcessID         uint32
	ThreadID          uint32
	ActivityID        string
	RelatedActivityID string

	DataName string   // the Name attribute of EventData, which the task scheduler sets
	Data     []Field  // EventData; of a classic event the names are not used
	Binary   []byte   // EventData/Binary
	UserData *Element // in place of Data
}

// Field is one Data element. One without a name is written without the attribute.
type Field struct {
	Name  string
	Value Value
}

// Element is an element of UserData or of BinXML inside a value.
type Element struct {
	Name     string
	Attrs    []Attr
	Value    *Value // substituted content, before the children
	Children []Element
}

// Attr is an attribute whose text stands in the template.
type Attr struct{ Name, Text string }

// slot is a substitution in a template: its number, its declared type, and whether an
// empty value removes the attribute or element around it.
type slot struct {
	index    int
	declared Type
	optional bool
}

// node is an element of a template definition.
type node struct {
	name  string
	dep   int // the slot without which the element is left out, or noSlot
	attrs []nodeAttr
	parts []part
}

type nodeAttr struct {
	name string
	part part
}

// part is literal text, a slot, or an element: exactly one of them.
type part struct {
	text  string
	slot  *slot
	child *node
}

const noSlot = 0xffff

func optional(index int, t Type) part { return part{slot: &slot{index, t, true}} }
func literal(text string) part        { return part{text: text} }

func (n *node) add(child *node) { n.parts = append(n.parts, part{child: child}) }

// leaf is an element that holds one part and vanishes with slot dep.
func leaf(name string, dep int, content part) *node {
	return &node{name: name, dep: dep, parts: []part{content}}
}

// instance is a template and the values of its slots.
type instance struct {
	root   *node
	values []Value
}

// Slots of the System element, in the order in which Windows numbers them.
const (
	slotLevel = iota
	slotOpcode
	slotTask
	slotEventID
	slotQualifiers
	slotKeywords
	slotTime
	slotActivityID
	slotProcessID
	slotThreadID
	slotRecordID
	slotVersion
	slotUserID
	slotRelatedActivityID
	slotProvider
	slotProviderGUID
	slotChannel
	slotBody
	slotCount
)

const eventNamespace = "http://schemas.microsoft.com/win/2004/08/events/event"

// system builds the outer template and its values. The classic form differs as it does
// in Windows: names stand in the template, version, opcode and correlation are not written.
func (e *Event) system(recordID uint64) (*instance, error) {
	if e.Provider == "" || e.Channel == "" || e.Computer == "" {
		return nil, fmt.Errorf("provider, channel and computer must be set (%q, %q, %q)", e.Provider, e.Channel, e.Computer)
	}
	sys := &node{name: "System", dep: noSlot}
	provider := &node{name: "Provider", dep: noSlot}
	if e.Classic || e.SourceName != "" {
		provider.attrs = append(provider.attrs, nodeAttr{"Name", literal(e.Provider)})
	} else {
		provider.attrs = append(provider.attrs, nodeAttr{"Name", optional(slotProvider, TypeString)})
	}
	switch {
	case e.SourceName != "":
		provider.attrs = append(provider.attrs, nodeAttr{"Guid", literal(bracedGUID(e.ProviderGUID))},
			nodeAttr{"EventSourceName", literal(e.SourceName)})
	case !e.Classic:
		provider.attrs = append(provider.attrs, nodeAttr{"Guid", optional(slotProviderGUID, TypeGUID)})
	}
	sys.add(provider)
	id := leaf("EventID", slotEventID, optional(slotEventID, TypeUInt16))
	id.attrs = []nodeAttr{{"Qualifiers", optional(slotQualifiers, TypeUInt16)}}
	sys.add(id)
	if !e.Classic {
		sys.add(leaf("Version", slotVersion, optional(slotVersion, TypeUInt8)))
	}
	sys.add(leaf("Level", slotLevel, optional(slotLevel, TypeUInt8)))
	sys.add(leaf("Task", slotTask, optional(slotTask, TypeUInt16)))
	if !e.Classic {
		sys.add(leaf("Opcode", slotOpcode, optional(slotOpcode, TypeUInt8)))
	}
	sys.add(leaf("Keywords", slotKeywords, optional(slotKeywords, TypeHex64)))
	sys.add(&node{name: "TimeCreated", dep: noSlot, attrs: []nodeAttr{{"SystemTime", optional(slotTime, TypeFileTime)}}})
	sys.add(leaf("EventRecordID", slotRecordID, optional(slotRecordID, TypeUInt64)))
	if !e.Classic {
		sys.add(&node{name: "Correlation", dep: noSlot, attrs: []nodeAttr{
			{"ActivityID", optional(slotActivityID, TypeGUID)},
			{"RelatedActivityID", optional(slotRelatedActivityID, TypeGUID)}}})
		sys.add(&node{name: "Execution", dep: noSlot, attrs: []nodeAttr{
			{"ProcessID", optional(slotProcessID, TypeUInt32)},
			{"ThreadID", optional(slotThreadID, TypeUInt32)}}})
		sys.add(leaf("Channel", slotChannel, optional(slotChannel, TypeString)))
	} else {
		sys.add(leaf("Channel", noSlot, literal(e.Channel)))
	}
	sys.add(leaf("Computer", noSlot, literal(e.Computer)))
	sys.add(&node{name: "Security", dep: noSlot, attrs: []nodeAttr{{"UserID", optional(slotUserID, TypeSID)}}})

	root := &node{name: "Event", dep: noSlot, attrs: []nodeAttr{{"xmlns", literal(eventNamespace)}}}
	root.add(sys)
	root.parts = append(root.parts, optional(slotBody, TypeBinXML))

	values := make([]Value, slotCount)
	values[slotLevel] = UInt8(e.Level)
	values[slotOpcode] = UInt8(e.Opcode)
	values[slotTask] = UInt16(e.Task)
	values[slotEventID] = UInt16(e.ID)
	if e.Classic || e.SourceName != "" {
		values[slotQualifiers] = UInt16(e.Qualifiers)
	}
	values[slotKeywords] = Hex64(e.Keywords)
	values[slotTime] = FileTime(e.Time)
	if e.ActivityID != "" {
		values[slotActivityID] = GUID(e.ActivityID)
	}
	values[slotProcessID] = UInt32(e.ProcessID)
	values[slotThreadID] = UInt32(e.ThreadID)
	values[slotRecordID] = UInt64(recordID)
	values[slotVersion] = UInt8(e.Version)
	if e.UserSID != "" {
		values[slotUserID] = SID(e.UserSID)
	}
	if e.RelatedActivityID != "" {
		values[slotRelatedActivityID] = GUID(e.RelatedActivityID)
	}
	if !e.Classic && e.SourceName == "" {
		values[slotProvider] = String(e.Provider)
		if e.ProviderGUID != "" {
			values[slotProviderGUID] = GUID(e.ProviderGUID)
		}
	}
	if !e.Classic {
		values[slotChannel] = String(e.Channel)
	}
	body, err := e.body()
	if err != nil {
		return nil, err
	}
	values[slotBody] = body
	return &instance{root, values}, nil
}

// body is the value of the last slot: EventData or UserData.
func (e *Event) body() (Value, error) {
	switch {
	case e.UserData != nil && (len(e.Data) > 0 || e.Binary != nil):
		return Value{}, fmt.Errorf("both Data and UserData are set")
	case e.UserData != nil:
		return XML(Element{Name: "UserData", Children: []Element{*e.UserData}}), nil
	case e.Classic:
		in, err := e.classicData()
		return Value{declared: TypeBinXML, actual: TypeBinXML, built: in}, err
	case len(e.Data) == 0 && e.DataName == "" && e.Binary == nil:
		return Null(TypeBinXML), nil
	}
	data := Element{Name: "EventData"}
	if e.DataName != "" {
		data.Attrs = []Attr{{"Name", e.DataName}}
	}
	for i := range e.Data {
		f := &e.Data[i]
		el := Element{Name: "Data", Value: &f.Value}
		if f.Name != "" {
			el.Attrs = []Attr{{"Name", f.Name}}
		}
		data.Children = append(data.Children, el)
	}
	if e.Binary != nil {
		b := Binary(e.Binary)
		data.Children = append(data.Children, Element{Name: "Binary", Value: &b})
	}
	return XML(data), nil
}

// classicData has the three slots of every classic event, as Windows numbers them: all
// texts in one array, a number that is nowhere shown, and the binary data. Elements of
// empty slots vanish.
func (e *Event) classicData() (*instance, error) {
	texts, binary := Null(TypeString|ArrayFlag), Null(TypeBinary)
	for _, f := range e.Data {
		if f.Value.err != nil {
			return nil, f.Value.err
		}
		if f.Value.declared != TypeString {
			return nil, fmt.Errorf("field %q: a classic event holds strings only", f.Name)
		}
		texts.actual = texts.declared
		texts.data = append(append(texts.data, f.Value.data...), 0, 0)
	}
	if e.Binary != nil {
		binary = Binary(e.Binary)
	}
	root := &node{name: "EventData", dep: noSlot}
	root.add(leaf("Data", 0, optional(0, texts.declared)))
	root.add(leaf("Binary", 2, optional(2, TypeBinary)))
	return &instance{root, []Value{texts, UInt32(0), binary}}, nil
}

// instance turns an element into a template of its own, a slot for every value.
func (el *Element) instance() (*instance, error) {
	in := &instance{}
	root, err := in.take(el, 0)
	in.root = root
	return in, err
}

const maxDepth = 64

func (in *instance) take(el *Element, depth int) (*node, error) {
	if el.Name == "" || depth > maxDepth {
		return nil, fmt.Errorf("element %q at depth %d: no name, or deeper than %d", el.Name, depth, maxDepth)
	}
	n := &node{name: el.Name, dep: noSlot}
	for _, a := range el.Attrs {
		if a.Name == "" {
			return nil, fmt.Errorf("element %q: attribute without a name", el.Name)
		}
		n.attrs = append(n.attrs, nodeAttr{a.Name, literal(a.Text)})
	}
	if el.Value != nil {
		v := *el.Value
		if v.declared == TypeNull {
			v.declared = TypeString
		}
		// Windows uses normal substitution here, and optional where a value may be null: a
		// null in a normal slot is never met, and libevtx refuses it.
		n.parts = append(n.parts, part{slot: &slot{len(in.values), v.declared, v.actual == TypeNull}})
		in.values = append(in.values, v)
	}
	for i := range el.Children {
		child, err := in.take(&el.Children[i], depth+1)
		if err != nil {
			return nil, err
		}
		n.add(child)
	}
	return n, nil
}

// bracedGUID is the text form in which Windows puts a GUID into a template.
func bracedGUID(text string) string {
	if len(text) == 36 {
		return "{" + text + "}"
	}
	return text
}
