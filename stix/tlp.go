package stix

// TLP is a level of the Traffic Light Protocol, version 2.0, as written in the property tlp_2_0.
type TLP string

// The levels of TLP 2.0.
const (
	TLPClear       TLP = "clear"
	TLPGreen       TLP = "green"
	TLPAmber       TLP = "amber"
	TLPAmberStrict TLP = "amber+strict"
	TLPRed         TLP = "red"
)

// TLPMarking is the extension that carries a TLP 2.0 level in a marking definition.
type TLPMarking struct {
	ExtensionType string `stix:"extension_type,req,enum=extension-type-enum"`
	TLP2          TLP    `stix:"tlp_2_0,req,enum=tlp-2-enum"`
	Extra         map[string]any
}

func (*TLPMarking) extension() {}

// tlpLevels is the fixed list of FIRST and OASIS; the objects may not be made anew under other ids.
var tlpLevels = []struct {
	level TLP
	name  string
	id    ID
	tlp1  ID // the marking of TLP 1 (section 7.2.1.4) with the same meaning
}{
	{TLPClear, "TLP:CLEAR", "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"},
	{TLPGreen, "TLP:GREEN", "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"},
	{TLPAmber, "TLP:AMBER", "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"},
	{TLPAmberStrict, "TLP:AMBER+STRICT", "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", ""},
	{TLPRed, "TLP:RED", "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"},
}

// Marking is the fixed marking definition of a level, or nil for a level that is none.
func (l TLP) Marking() *MarkingDefinition {
	for _, t := range tlpLevels {
		if t.level != l {
			continue
		}
		created, _ := ParseTimestamp("2022-10-01T00:00:00.000Z")
		m := &MarkingDefinition{Name: t.name}
		m.Type, m.SpecVersion, m.ID, m.Created = "marking-definition", "2.1", t.id, created
		m.Extensions = map[string]Extension{TLP2Extension: &TLPMarking{ExtensionType: "property-extension", TLP2: l}}
		return m
	}
	return nil
}

// TLPOf gives the level that a marking id stands for; ids of TLP 1 count as their successors.
func TLPOf(marking ID) (TLP, bool) {
	for _, t := range tlpLevels {
		if marking != "" && (marking == t.id || marking == t.tlp1) {
			return t.level, true
		}
	}
	return "", false
}
