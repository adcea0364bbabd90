package stix

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"github.com/contrail-ir/contrail/stix/pattern"
)

// header checks what every object shares (section 3.2).
func (c *checker) header() {
	h := c.o.Head()
	s := schemaOf(c.o)
	if h.Type != "" && s != nil && h.Type != s.typ {
		c.must("type", "%.60q stands in a %s", h.Type, s.typ)
	}
	if bad := checkTypeName(c.typ); bad != "" {
		c.must("type", "%s", bad)
	}
	if h.SpecVersion != "" && h.SpecVersion != "2.1" {
		c.must("spec_version", "%.20q is not 2.1", h.SpecVersion)
	}
	if h.ID != "" {
		if bad := checkID(h.ID, c.typ); bad != "" {
			c.must("id", "%s", bad)
		} else if s != nil && s.family == familySCO {
			c.observableID()
		}
	}
	for i, ref := range h.ObjectMarkingRefs {
		if ref == h.ID {
			c.must(fmt.Sprintf("object_marking_refs.[%d]", i), "a marking may not mark itself")
		}
	}
	if com := CommonOf(c.o); com != nil {
		c.order("created", com.Created, "modified", com.Modified, true)
		c.externalReferences(com.ExternalReferences)
	}
	if key, ok := newSDOExtension[c.typ]; ok {
		if x, isCustom := h.Extensions[key].(*CustomExtension); !isCustom || x.ExtensionType != "new-sdo" {
			c.must("extensions", "a %s carries the extension %s of type new-sdo", c.typ, key)
		}
	}
	c.granularMarkings()
}

// observableID: random ids only where nothing contributes (section 2.9); a wrong name-based id means a changed object.
func (c *checker) observableID() {
	id := c.o.Head().ID
	version := id.UUID()[14]
	want, err := ObservableID(c.o)
	switch {
	case err != nil:
		c.must("id", "its deterministic form cannot be made: %v", err)
	case want == "" && version != '4':
		c.must("id", "a %s without contributing properties takes a random UUID (version 4)", c.typ)
	case want != "" && version == '5' && id != want:
		c.should("id", "the properties give %s", want)
	case want != "" && version != '5':
		c.should("id", "a deterministic id would be %s", want)
	}
}

func (c *checker) order(a string, ta Timestamp, b string, tb Timestamp, mayEqual bool) {
	if ta.IsZero() || tb.IsZero() {
		return
	}
	if tb.Before(ta) || !mayEqual && !ta.Before(tb) {
		c.must(b, "%s is not later than %s %s", tb, a, ta)
	}
}

func (c *checker) externalReferences(refs []ExternalReference) {
	for i, r := range refs {
		at := fmt.Sprintf("external_references.[%d]", i)
		if r.Description == "" && r.URL == "" && r.ExternalID == "" {
			c.must(at, "it has neither description, url nor external_id")
		}
		if bad := checkCatalogue(r.SourceName, r.ExternalID); bad != "" {
			c.must(at+".external_id", "%s", bad)
		}
	}
}

// checkCatalogue holds references to CVE and CAPEC to the form of those catalogues (section 2.5.2). That a URL should come
// with hashes is not checked: hardly anybody does it, and it only tells of a page as it was one day.
func checkCatalogue(source, id string) string {
	switch source {
	case "cve":
		year, number, ok := strings.Cut(strings.TrimPrefix(id, "CVE-"), "-")
		if !ok || !strings.HasPrefix(id, "CVE-") || len(year) != 4 || len(number) < 4 || strings.Trim(year+number, "0123456789") != "" {
			return fmt.Sprintf("%.40q is not a CVE id", id)
		}
	case "capec":
		number, ok := strings.CutPrefix(id, "CAPEC-")
		if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
			return fmt.Sprintf("%.40q is not a CAPEC id", id)
		}
	}
	return ""
}

func (c *checker) granularMarkings() {
	tree := encodeTree(c.o)
	for i, g := range c.o.Head().GranularMarkings {
		at := fmt.Sprintf("granular_markings.[%d]", i)
		if (g.Lang == "") == (g.MarkingRef == "") {
			c.must(at, "it has exactly one of lang and marking_ref")
		}
		if g.MarkingRef != "" && g.MarkingRef == c.o.Head().ID {
			c.must(at+".marking_ref", "a marking may not mark itself")
		}
		for j, text := range g.Selectors {
			sel, err := ParseSelector(text)
			if err == nil {
				_, err = sel.find(tree)
			}
			if err != nil {
				c.must(fmt.Sprintf("%s.selectors.[%d]", at, j), "%v", err)
			}
		}
	}
}

// anyOf demands that one of the named properties is present.
func (c *checker) anyOf(names ...string) {
	tree := encodeTree(c.o)
	for _, n := range names {
		if _, ok := tree[n]; ok {
			return
		}
	}
	c.must("", "at least one of %s is required", strings.Join(names, ", "))
}

// anySpecific demands that one property besides those every SCO has is present.
func (c *checker) anySpecific() {
	v := reflect.ValueOf(c.o).Elem()
	common := layOutObservable
	for i := range layoutOf(c.o).props {
		p := &layoutOf(c.o).props[i]
		if !common[p.name] && !v.FieldByIndex(p.index).IsZero() {
			return
		}
	}
	if len(c.o.Head().Extensions) == 0 {
		c.must("", "at least one property of its own is required")
	}
}

var layOutObservable = map[string]bool{"type": true, "spec_version": true, "id": true, "object_marking_refs": true,
	"granular_markings": true, "extensions": true, "defanged": true}

// rules checks what the section on each type says beyond its table of properties.
func (c *checker) rules() {
	switch o := c.o.(type) {
	case *Campaign:
		c.order("first_seen", o.FirstSeen, "last_seen", o.LastSeen, true)
	case *Indicator:
		c.order("valid_from", o.ValidFrom, "valid_until", o.ValidUntil, false)
		if o.PatternType == "stix" && o.Pattern != "" {
			if _, err := pattern.Parse(o.Pattern); err != nil {
				c.must("pattern", "%v", err)
			}
		}
	case *Infrastructure:
		c.order("first_seen", o.FirstSeen, "last_seen", o.LastSeen, true)
	case *IntrusionSet:
		c.order("first_seen", o.FirstSeen, "last_seen", o.LastSeen, true)
	case *ThreatActor:
		c.order("first_seen", o.FirstSeen, "last_seen", o.LastSeen, true)
	case *Malware:
		c.order("first_seen", o.FirstSeen, "last_seen", o.LastSeen, true)
		if o.IsFamily != nil && *o.IsFamily && o.Name == "" {
			c.must("name", "a malware family has a name")
		}
	case *MalwareAnalysis:
		c.order("analysis_started", o.AnalysisStarted, "analysis_ended", o.AnalysisEnded, true)
		c.anyOf("result", "analysis_sco_refs")
	case *Location:
		c.location(o)
	case *ObservedData:
		c.order("first_observed", o.FirstObserved, "last_observed", o.LastObserved, true)
		if (o.Objects == nil) == (o.ObjectRefs == nil) {
			c.must("object_refs", "exactly one of objects and object_refs is required")
		}
	case *Relationship:
		c.relationship(o)
	case *Sighting:
		c.order("first_seen", o.FirstSeen, "last_seen", o.LastSeen, true)
	case *MarkingDefinition:
		c.markingDefinition(o)
	case *LanguageContent:
		c.languageContent(o)
	case *ExtensionDefinition:
		c.extensionDefinition(o)
	case *Event:
		c.order("start_time", o.StartTime, "end_time", o.EndTime, false)
	case *Task:
		c.order("start_time", o.StartTime, "end_time", o.EndTime, false)
	case *Impact:
		c.impact(o)
	default:
		c.observableRules()
	}
}

func (c *checker) location(o *Location) {
	if o.Region == "" && o.Country == "" && (o.Latitude == nil || o.Longitude == nil) {
		c.must("", "a location has a region, a country, or latitude and longitude")
	}
	if (o.Latitude == nil) != (o.Longitude == nil) {
		c.must("latitude", "latitude and longitude stand together")
	}
	if o.Precision != nil && o.Latitude == nil {
		c.must("precision", "a precision needs latitude and longitude")
	}
	if o.Country != "" && len(o.Country) != 2 {
		c.should("country", "%.40q is not an ISO 3166-1 alpha-2 code", o.Country)
	}
}

func (c *checker) relationship(o *Relationship) {
	c.order("start_time", o.StartTime, "stop_time", o.StopTime, false)
	if strings.Trim(o.RelationshipType, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		c.must("relationship_type", "%.60q has characters other than a–z, 0–9 and hyphen", o.RelationshipType)
		return
	}
	switch o.RelationshipType {
	case "", "related-to":
		return
	case "derived-from", "duplicate-of":
		if o.SourceRef.Type() != o.TargetRef.Type() {
			c.must("target_ref", "%s joins objects of one type", o.RelationshipType)
		}
		return
	}
	targets := relationships[o.SourceRef.Type()][o.RelationshipType]
	if !refAllowed(strings.Fields(targets), o.TargetRef.Type()) {
		c.should("relationship_type", "the specification has no %s from %s to %s", o.RelationshipType, o.SourceRef.Type(), o.TargetRef.Type())
	}
}

func (c *checker) markingDefinition(o *MarkingDefinition) {
	if !o.Modified.IsZero() || o.Revoked != nil {
		c.must("modified", "a marking definition has no versions")
	}
	if len(o.Extensions) == 0 && (o.DefinitionType == "" || o.Definition == nil) {
		c.must("definition", "a marking definition has a definition of a type, or an extension")
	}
	switch o.DefinitionType {
	case "tlp":
		level, _ := o.Definition["tlp"].(string)
		want := map[string]TLP{"white": TLPClear, "green": TLPGreen, "amber": TLPAmber, "red": TLPRed}[level]
		if got, ok := TLPOf(o.ID); !ok || got != want || o.ID == want.Marking().ID {
			c.must("id", "TLP 1 markings are the four fixed objects of section 7.2.1.4")
		} else if o.Name != "TLP:"+strings.ToUpper(level) || o.Created.String() != "2017-01-20T00:00:00.000Z" {
			c.must("name", "TLP 1 markings are fixed objects, this one named TLP:%s", strings.ToUpper(level))
		}
	case "statement":
		if s, ok := o.Definition["statement"].(string); !ok || s == "" {
			c.must("definition.statement", "a required property is missing")
		}
	}
	if x, ok := o.Extensions[TLP2Extension].(*TLPMarking); ok {
		if fixed := x.TLP2.Marking(); fixed != nil {
			want, _ := Marshal(fixed)
			if got, _ := Marshal(o); string(got) != string(want) {
				c.must("id", "TLP 2.0 markings are fixed objects; TLP:%s is %s as published", strings.ToUpper(string(x.TLP2)), fixed.ID)
			}
		}
	}
}

func (c *checker) languageContent(o *LanguageContent) {
	for lang, props := range o.Contents {
		at := "contents." + lang
		if bad := checkLanguage(lang); bad != "" {
			c.must(at, "%s", bad)
		}
		m, ok := props.(map[string]any)
		if !ok || len(m) == 0 {
			c.must(at, "it is a dictionary of translated properties")
		}
		for name := range m {
			if !plainName(name) {
				c.must(at+"."+name, "%.60q is not a property name", name)
			}
		}
	}
}

func (c *checker) extensionDefinition(o *ExtensionDefinition) {
	if o.CreatedByRef == "" {
		c.must("created_by_ref", "an extension definition names its creator")
	}
	toplevel := false
	for _, t := range o.ExtensionTypes {
		toplevel = toplevel || t == "toplevel-property-extension"
	}
	if len(o.ExtensionProperties) > 0 && !toplevel {
		c.must("extension_properties", "only a toplevel-property-extension lists properties")
	}
	if parts := strings.Split(o.Version, "."); len(parts) != 3 || strings.Trim(parts[0]+parts[1], "0123456789") != "" {
		c.should("version", "%.40q is not a semantic version", o.Version)
	}
}

// detail is the extension of a category, under either spelling.
func (o *Impact) detail(category string) Extension {
	if e, ok := o.Extensions[category+"-ext"]; ok {
		return e
	}
	return o.Extensions[category]
}

func (c *checker) impact(o *Impact) {
	c.order("start_time", o.StartTime, "end_time", o.EndTime, false)
	if _, ok := o.Extensions[o.ImpactCategory]; !ok && o.ImpactCategory != "" {
		c.must("extensions", "there is no extension named after the category %.40q", o.ImpactCategory)
	}
	if o.SupersededByRef != "" && o.EndTime.IsZero() {
		c.must("end_time", "an impact that is superseded has ended")
	}
	if x, ok := o.detail("confidentiality").(*ConfidentialityImpact); ok && x.LossType != "none" && x.InformationType == "" {
		c.must("extensions.confidentiality.information_type", "it is required unless nothing was lost")
	}
	if x, ok := o.detail("integrity").(*IntegrityImpact); ok && x.Alteration != "none" && x.InformationType == "" {
		c.must("extensions.integrity.information_type", "it is required unless nothing was altered")
	}
	if x, ok := o.detail("physical").(*PhysicalImpact); ok && x.ImpactType != "none" && x.AssetType == "" {
		c.must("extensions.physical.asset_type", "it is required unless nothing was damaged")
	}
	if x, ok := o.detail("monetary").(*MonetaryImpact); ok {
		if (x.ConversionRate == nil) != (x.CurrencyActual == "") || (x.ConversionRate == nil) != x.ConversionTime.IsZero() {
			c.must("extensions.monetary.conversion_rate", "rate, time and actual currency of a conversion stand together")
		}
		if (x.MinAmount == nil) != (x.MaxAmount == nil) || x.MinAmount != nil && x.Currency == "" {
			c.must("extensions.monetary.max_amount", "lower and upper amount and their currency stand together")
		}
	}
}

func (c *checker) observableRules() {
	switch o := c.o.(type) {
	case *Artifact:
		if (o.PayloadBin == "") == (o.URL == "") {
			c.must("payload_bin", "exactly one of payload_bin and url is required")
		}
		if o.URL != "" && len(o.Hashes) == 0 {
			c.must("hashes", "a url needs hashes of what is there")
		}
		if o.DecryptionKey != "" && o.EncryptionAlgorithm == "" {
			c.must("decryption_key", "a key needs an encryption_algorithm")
		}
	case *File:
		c.anyOf("hashes", "name")
		if pe, ok := o.Extensions["windows-pebinary-ext"].(*WindowsPEBinaryExt); ok && strings.Contains(pe.TimeDateStamp.String(), ".") {
			c.must("extensions.windows-pebinary-ext.time_date_stamp", "it is precise to the second, no more")
		}
	case *WindowsRegistryKey:
		c.anySpecific()
		if expandHive(o.Key) != o.Key {
			c.must("key", "the hive is written in full: %.120s", expandHive(o.Key))
		}
	case *Process, *UserAccount, *X509Certificate:
		c.anySpecific()
	case *EmailMessage:
		if o.IsMultipart != nil && *o.IsMultipart && o.Body != "" {
			c.must("body", "a multipart message has no body")
		}
		if o.IsMultipart != nil && !*o.IsMultipart && len(o.BodyMultipart) > 0 {
			c.must("body_multipart", "a message that is not multipart has no parts")
		}
		for i, part := range o.BodyMultipart {
			if part.Body == "" && part.BodyRawRef == "" {
				c.must(fmt.Sprintf("body_multipart.[%d]", i), "a part has a body or a reference to one")
			}
		}
	case *NetworkTraffic:
		c.anyOf("src_ref", "dst_ref")
		c.order("start", o.Start, "end", o.End, true)
		if o.IsActive != nil && *o.IsActive && !o.End.IsZero() {
			c.must("end", "traffic that has ended is not active")
		}
	case *IPv4Addr:
		c.address(o.Value, true)
	case *IPv6Addr:
		c.address(o.Value, false)
	case *MACAddr:
		if !isMAC(o.Value) {
			c.must("value", "%.40q is not a MAC address of the form 01:23:45:67:89:ab", o.Value)
		}
	}
}

func (c *checker) address(s string, v4 bool) {
	addr, err := netip.ParseAddr(s)
	if prefix, perr := netip.ParsePrefix(s); perr == nil {
		addr, err = prefix.Addr(), nil
	}
	if s != "" && (err != nil || addr.Is4() != v4) {
		c.must("value", "%.60q is not an address or CIDR block of this family", s)
	}
}

// expandHive writes the abbreviated hive of a registry key in full, as section 6.17 demands.
func expandHive(key string) string {
	hive, rest, _ := strings.Cut(key, `\`)
	full := map[string]string{"HKLM": "HKEY_LOCAL_MACHINE", "HKCC": "HKEY_CURRENT_CONFIG", "HKCR": "HKEY_CLASSES_ROOT",
		"HKCU": "HKEY_CURRENT_USER", "HKU": "HKEY_USERS"}[strings.ToUpper(hive)]
	if full == "" {
		return key
	}
	if len(hive) == len(key) {
		return full
	}
	return full + `\` + rest
}

func isMAC(s string) bool {
	if len(s) != 17 {
		return false
	}
	for i := 0; i < 17; i++ {
		if i%3 == 2 {
			if s[i] != ':' {
				return false
			}
		} else if strings.IndexByte("0123456789abcdef", s[i]) < 0 {
			return false
		}
	}
	return true
}
