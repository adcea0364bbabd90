package stix

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

type family uint8

const (
	familySDO family = iota + 1
	familySRO
	familySCO
	familyMeta
)

// schema is what is known of one object type; the struct tags are the table of its properties.
type schema struct {
	typ          string
	family       family
	make         func() Object
	contributing []string // properties that make the id of an SCO
	layout       *layout
}

// objectTable lists every object type this package knows; the one place where a type is added.
var objectTable = []schema{
	{typ: "attack-pattern", family: familySDO, make: func() Object { return new(AttackPattern) }},
	{typ: "campaign", family: familySDO, make: func() Object { return new(Campaign) }},
	{typ: "course-of-action", family: familySDO, make: func() Object { return new(CourseOfAction) }},
	{typ: "grouping", family: familySDO, make: func() Object { return new(Grouping) }},
	{typ: "identity", family: familySDO, make: func() Object { return new(Identity) }},
	{typ: "incident", family: familySDO, make: func() Object { return new(Incident) }},
	{typ: "indicator", family: familySDO, make: func() Object { return new(Indicator) }},
	{typ: "infrastructure", family: familySDO, make: func() Object { return new(Infrastructure) }},
	{typ: "intrusion-set", family: familySDO, make: func() Object { return new(IntrusionSet) }},
	{typ: "location", family: familySDO, make: func() Object { return new(Location) }},
	{typ: "malware", family: familySDO, make: func() Object { return new(Malware) }},
	{typ: "malware-analysis", family: familySDO, make: func() Object { return new(MalwareAnalysis) }},
	{typ: "note", family: familySDO, make: func() Object { return new(Note) }},
	{typ: "observed-data", family: familySDO, make: func() Object { return new(ObservedData) }},
	{typ: "opinion", family: familySDO, make: func() Object { return new(Opinion) }},
	{typ: "report", family: familySDO, make: func() Object { return new(Report) }},
	{typ: "threat-actor", family: familySDO, make: func() Object { return new(ThreatActor) }},
	{typ: "tool", family: familySDO, make: func() Object { return new(Tool) }},
	{typ: "vulnerability", family: familySDO, make: func() Object { return new(Vulnerability) }},
	{typ: "event", family: familySDO, make: func() Object { return new(Event) }},
	{typ: "impact", family: familySDO, make: func() Object { return new(Impact) }},
	{typ: "task", family: familySDO, make: func() Object { return new(Task) }},

	{typ: "relationship", family: familySRO, make: func() Object { return new(Relationship) }},
	{typ: "sighting", family: familySRO, make: func() Object { return new(Sighting) }},

	{typ: "marking-definition", family: familyMeta, make: func() Object { return new(MarkingDefinition) }},
	{typ: "language-content", family: familyMeta, make: func() Object { return new(LanguageContent) }},
	{typ: "extension-definition", family: familyMeta, make: func() Object { return new(ExtensionDefinition) }},

	{typ: "artifact", family: familySCO, make: func() Object { return new(Artifact) }, contributing: []string{"hashes", "payload_bin"}},
	{typ: "autonomous-system", family: familySCO, make: func() Object { return new(AutonomousSystem) }, contributing: []string{"number"}},
	{typ: "directory", family: familySCO, make: func() Object { return new(Directory) }, contributing: []string{"path"}},
	{typ: "domain-name", family: familySCO, make: func() Object { return new(DomainName) }, contributing: []string{"value"}},
	{typ: "email-addr", family: familySCO, make: func() Object { return new(EmailAddr) }, contributing: []string{"value"}},
	{typ: "email-message", family: familySCO, make: func() Object { return new(EmailMessage) }, contributing: []string{"from_ref", "subject", "body"}},
	{typ: "file", family: familySCO, make: func() Object { return new(File) }, contributing: []string{"hashes", "name", "extensions", "parent_directory_ref"}},
	{typ: "ipv4-addr", family: familySCO, make: func() Object { return new(IPv4Addr) }, contributing: []string{"value"}},
	{typ: "ipv6-addr", family: familySCO, make: func() Object { return new(IPv6Addr) }, contributing: []string{"value"}},
	{typ: "mac-addr", family: familySCO, make: func() Object { return new(MACAddr) }, contributing: []string{"value"}},
	{typ: "mutex", family: familySCO, make: func() Object { return new(Mutex) }, contributing: []string{"name"}},
	{typ: "network-traffic", family: familySCO, make: func() Object { return new(NetworkTraffic) },
		contributing: []string{"start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"}},
	{typ: "process", family: familySCO, make: func() Object { return new(Process) }},
	{typ: "software", family: familySCO, make: func() Object { return new(Software) }, contributing: []string{"name", "cpe", "swid", "vendor", "version"}},
	{typ: "url", family: familySCO, make: func() Object { return new(URL) }, contributing: []string{"value"}},
	{typ: "user-account", family: familySCO, make: func() Object { return new(UserAccount) }, contributing: []string{"account_type", "user_id", "account_login"}},
	{typ: "windows-registry-key", family: familySCO, make: func() Object { return new(WindowsRegistryKey) }, contributing: []string{"key", "values"}},
	{typ: "x509-certificate", family: familySCO, make: func() Object { return new(X509Certificate) }, contributing: []string{"hashes", "serial_number"}},
}

// extensionTable lists the extensions that have a struct, and the object types each may stand in.
var extensionTable = map[string]struct {
	on   string
	kind reflect.Type
}{
	"archive-ext":          {"file", reflect.TypeFor[ArchiveExt]()},
	"ntfs-ext":             {"file", reflect.TypeFor[NTFSExt]()},
	"pdf-ext":              {"file", reflect.TypeFor[PDFExt]()},
	"raster-image-ext":     {"file", reflect.TypeFor[RasterImageExt]()},
	"windows-pebinary-ext": {"file", reflect.TypeFor[WindowsPEBinaryExt]()},
	"http-request-ext":     {"network-traffic", reflect.TypeFor[HTTPRequestExt]()},
	"icmp-ext":             {"network-traffic", reflect.TypeFor[ICMPExt]()},
	"socket-ext":           {"network-traffic", reflect.TypeFor[SocketExt]()},
	"tcp-ext":              {"network-traffic", reflect.TypeFor[TCPExt]()},
	"windows-process-ext":  {"process", reflect.TypeFor[WindowsProcessExt]()},
	"windows-service-ext":  {"process", reflect.TypeFor[WindowsServiceExt]()},
	"unix-account-ext":     {"user-account", reflect.TypeFor[UnixAccountExt]()},
	IncidentCoreExtension:  {"incident", reflect.TypeFor[IncidentCore]()},
	TLP2Extension:          {"marking-definition", reflect.TypeFor[TLPMarking]()},
	"availability":         {"impact", reflect.TypeFor[AvailabilityImpact]()},
	"availability-ext":     {"impact", reflect.TypeFor[AvailabilityImpact]()},
	"confidentiality":      {"impact", reflect.TypeFor[ConfidentialityImpact]()},
	"confidentiality-ext":  {"impact", reflect.TypeFor[ConfidentialityImpact]()},
	"external":             {"impact", reflect.TypeFor[ExternalImpact]()},
	"external-ext":         {"impact", reflect.TypeFor[ExternalImpact]()},
	"integrity":            {"impact", reflect.TypeFor[IntegrityImpact]()},
	"integrity-ext":        {"impact", reflect.TypeFor[IntegrityImpact]()},
	"monetary":             {"impact", reflect.TypeFor[MonetaryImpact]()},
	"monetary-ext":         {"impact", reflect.TypeFor[MonetaryImpact]()},
	"physical":             {"impact", reflect.TypeFor[PhysicalImpact]()},
	"physical-ext":         {"impact", reflect.TypeFor[PhysicalImpact]()},
	"traceability":         {"impact", reflect.TypeFor[TraceabilityImpact]()},
	"traceability-ext":     {"impact", reflect.TypeFor[TraceabilityImpact]()},
}

// newSDOExtension names, for the object types that an extension adds, the key that has to stand in them.
var newSDOExtension = map[string]string{"event": EventExtension, "impact": ImpactExtension, "task": TaskExtension}

// layout is the property table of one struct.
type layout struct {
	props  []property
	byName map[string]*property
	extra  []int // index of the Extra field
}

type property struct {
	name     string
	index    []int
	required bool
	vocab    string   // open vocabulary: values should come from it
	enum     string   // closed: values must
	refs     []string // object types or groups (sco, sdo, sro, node) a reference may name; nil is any
	format   string
	min, max *float64
}

// The three indexes below are built once from the tables above and never written again.
var (
	layouts      = map[reflect.Type]*layout{}
	schemaByType = map[string]*schema{}
	schemaByKind = map[reflect.Type]*schema{}
	indexed      = indexTables()
)

func indexTables() bool {
	for i := range objectTable {
		s := &objectTable[i]
		kind := reflect.TypeOf(s.make()).Elem()
		s.layout = layOut(kind)
		schemaByType[s.typ], schemaByKind[kind] = s, s
	}
	layOut(reflect.TypeFor[Custom]())
	layOut(reflect.TypeFor[CustomExtension]())
	for _, e := range extensionTable {
		layOut(e.kind)
	}
	return true
}

// layOut reads the tags of a struct and of the structs inside it. A tag that cannot be read is a mistake in this
// package, found by the first test that runs, hence the panics.
func layOut(kind reflect.Type) *layout {
	if l := layouts[kind]; l != nil {
		return l
	}
	l := &layout{byName: map[string]*property{}}
	layouts[kind] = l
	l.collect(kind, nil)
	for i := range l.props {
		l.byName[l.props[i].name] = &l.props[i]
	}
	if l.extra == nil {
		panic(fmt.Sprintf("stix: %v has no Extra", kind))
	}
	return l
}

func (l *layout) collect(kind reflect.Type, at []int) {
	for i := 0; i < kind.NumField(); i++ {
		f := kind.Field(i)
		index := append(append([]int(nil), at...), i)
		switch tag := f.Tag.Get("stix"); {
		case f.Anonymous:
			l.collect(f.Type, index)
		case f.Name == "Extra":
			l.extra = index
		case tag == "":
			panic(fmt.Sprintf("stix: %v.%s has no tag", kind, f.Name))
		default:
			l.props = append(l.props, readTag(tag, index))
			inner := f.Type
			for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[Timestamp]() {
				layOut(inner)
			}
		}
	}
}

func readTag(tag string, index []int) property {
	parts := strings.Split(tag, ",")
	p := property{name: parts[0], index: index}
	for _, rule := range parts[1:] {
		key, value, _ := strings.Cut(rule, "=")
		switch key {
		case "req":
			p.required = true
		case "vocab":
			p.vocab = value
		case "enum":
			p.enum = value
		case "ref":
			p.refs = strings.Split(value, "|")
		case "format":
			p.format = value
		case "min", "max":
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				panic("stix: tag " + tag)
			}
			if key == "min" {
				p.min = &n
			} else {
				p.max = &n
			}
		default:
			panic("stix: tag " + tag)
		}
	}
	return p
}

func schemaOf(o Object) *schema {
	v := reflect.ValueOf(o)
	if !indexed || v.Kind() != reflect.Pointer || v.IsNil() {
		return nil
	}
	return schemaByKind[v.Type().Elem()]
}

func layoutOf(o Object) *layout {
	v := reflect.ValueOf(o)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return nil
	}
	return layouts[v.Type().Elem()]
}

// TypeOf is the type name an object has or, being made by hand, will be written with; empty for what is no object of this
// package.
func TypeOf(o Object) string {
	if s := schemaOf(o); s != nil {
		return s.typ
	}
	if layoutOf(o) == nil {
		return ""
	}
	return o.Head().Type
}

// IsObservable tells whether a type name is that of an SCO this package knows.
func IsObservable(typ string) bool {
	s := schemaByType[typ]
	return s != nil && s.family == familySCO
}
