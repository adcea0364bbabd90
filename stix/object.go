package stix

// Object is one STIX object: *Indicator, *IPv4Addr, *Relationship … or *Custom for a type this package does not know.
type Object interface {
	// Head gives the properties that every object has.
	Head() *Header
}

// Header holds what every STIX object has (section 3.2). Type and SpecVersion may be left empty in an object
// made by hand; they are filled in when it is written.
type Header struct {
	Type              string               `stix:"type,req"`
	SpecVersion       string               `stix:"spec_version"`
	ID                ID                   `stix:"id,req"`
	ObjectMarkingRefs []ID                 `stix:"object_marking_refs,ref=marking-definition"`
	GranularMarkings  []GranularMarking    `stix:"granular_markings"`
	Extensions        map[string]Extension `stix:"extensions"`

	// Extra holds the properties that have no field here, and those whose value has the wrong type, as decoded JSON
	// (map[string]any, []any, string, bool, nil, json.Number). A field that is set wins over an entry of its name.
	Extra map[string]any
}

// Head gives the header itself.
func (h *Header) Head() *Header { return h }

// Common holds what SDOs, SROs and meta objects have besides the header.
type Common struct {
	Header
	CreatedByRef       ID                  `stix:"created_by_ref,ref=identity"`
	Created            Timestamp           `stix:"created,req"`
	Modified           Timestamp           `stix:"modified,req"`
	Revoked            *bool               `stix:"revoked"`
	Labels             []string            `stix:"labels"`
	Confidence         *int64              `stix:"confidence,min=0,max=100"`
	Lang               string              `stix:"lang,format=lang"`
	ExternalReferences []ExternalReference `stix:"external_references"`
}

func (c *Common) common() *Common { return c }

// CommonOf gives the creation and versioning properties of an object, or nil for one that has none (an SCO).
func CommonOf(o Object) *Common {
	if c, ok := o.(interface{ common() *Common }); ok {
		return c.common()
	}
	return nil
}

// Observable holds what SCOs have besides the header.
type Observable struct {
	Header
	Defanged *bool `stix:"defanged"`
}

// Custom is an object of a type this package does not know; what it holds besides the common properties is in Extra.
// Its Created and Modified are empty when it is a custom SCO.
type Custom struct {
	Common
}

// Hashes maps the name of an algorithm (hash-algorithm-ov) to a digest.
type Hashes map[string]string

// ExternalReference points outside STIX (section 2.5).
type ExternalReference struct {
	SourceName  string `stix:"source_name,req"`
	Description string `stix:"description"`
	URL         string `stix:"url,format=url"`
	Hashes      Hashes `stix:"hashes,vocab=hash-algorithm-ov"`
	ExternalID  string `stix:"external_id"`
	Extra       map[string]any
}

// KillChainPhase is a phase in a kill chain (section 2.11).
type KillChainPhase struct {
	KillChainName string `stix:"kill_chain_name,req"`
	PhaseName     string `stix:"phase_name,req"`
	Extra         map[string]any
}

// GranularMarking marks, or states the language of, the properties that its selectors name (section 7.2.3).
type GranularMarking struct {
	Lang       string   `stix:"lang,format=lang"`
	MarkingRef ID       `stix:"marking_ref,ref=marking-definition"`
	Selectors  []string `stix:"selectors,req"`
	Extra      map[string]any
}

// Extension is what stands under one key of `extensions`: one of the predefined kinds of this package, or *CustomExtension.
type Extension interface{ extension() }

// CustomExtension is an extension this package has no struct for.
type CustomExtension struct {
	ExtensionType string `stix:"extension_type,enum=extension-type-enum"`
	Extra         map[string]any
}

func (*CustomExtension) extension() {}
