package stix

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/stix/pattern"
)

// term is one fact of an attribute: an object path and the value it has.
type term struct {
	object string
	steps  []pattern.Step
	value  pattern.Literal
}

func prop(names ...string) []pattern.Step {
	steps := make([]pattern.Step, len(names))
	for i, n := range names {
		if n == "*" {
			steps[i] = pattern.Step{Kind: pattern.AnyIndex}
		} else {
			steps[i] = pattern.Step{Name: n}
		}
	}
	return steps
}

func textTerm(object, value string, names ...string) term {
	return term{object, prop(names...), pattern.Literal{Kind: pattern.String, Text: value}}
}

// hashTypes maps MISP attribute types to names in hash-algorithm-ov, or to the custom names others use.
var hashTypes = map[string]string{"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512", "sha3-256": "SHA3-256",
	"sha3-512": "SHA3-512", "ssdeep": "SSDEEP", "tlsh": "TLSH", "sha224": "SHA-224", "sha384": "SHA-384", "authentihash": "AUTHENTIHASH",
	"impfuzzy": "IMPFUZZY", "vhash": "VHASH"}

// attributeTerms says what an attribute of a type states; nothing for types that state no observable.
func attributeTerms(typ, value string) []term {
	if h := hashTypes[typ]; h != "" {
		return []term{textTerm("file", strings.ToLower(value), "hashes", h)}
	}
	if kind, ok := strings.CutPrefix(typ, "x509-fingerprint-"); ok && hashTypes[kind] != "" {
		return []term{textTerm("x509-certificate", strings.ToLower(value), "hashes", hashTypes[kind])}
	}
	switch typ {
	case "filename":
		return fileName(value)
	case "imphash":
		return []term{textTerm("file", strings.ToLower(value), "extensions", "windows-pebinary-ext", "imphash")}
	case "domain", "hostname":
		return []term{textTerm("domain-name", strings.ToLower(value), "value")}
	case "ip-src", "ip-dst", "ip":
		if a, err := netip.ParseAddr(value); err == nil {
			return []term{textTerm(addressType(a), value, "value")}
		}
		if p, err := netip.ParsePrefix(value); err == nil {
			return []term{textTerm(addressType(p.Addr()), value, "value")}
		}
	case "url", "link":
		return []term{textTerm("url", value, "value")}
	case "uri":
		return []term{textTerm("network-traffic", value, "extensions", "http-request-ext", "request_value")}
	case "user-agent":
		return []term{textTerm("network-traffic", value, "extensions", "http-request-ext", "request_header", "User-Agent")}
	case "email", "email-src", "email-dst":
		return []term{textTerm("email-addr", value, "value")}
	case "email-subject":
		return []term{textTerm("email-message", value, "subject")}
	case "mutex":
		return []term{textTerm("mutex", value, "name")}
	case "regkey":
		if !strings.HasPrefix(strings.ToUpper(expandHive(value)), "HKEY_") {
			return nil // a part of a key, or a made-up notation for several: equal to no key
		}
		return []term{textTerm("windows-registry-key", expandHive(value), "key")}
	case "windows-service-name":
		return []term{textTerm("process", value, "extensions", "windows-service-ext", "service_name")}
	case "mac-address":
		return []term{textTerm("mac-addr", strings.ToLower(value), "value")}
	case "AS":
		if n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(value), "AS"), 10, 32); err == nil {
			return []term{{"autonomous-system", prop("number"), pattern.Literal{Kind: pattern.Integer, Int: int64(n)}}}
		}
	case "port", "dst-port":
		return port(value, "dst_port")
	case "src-port":
		return port(value, "src_port")
	case "malware-sample":
		return attributeTerms("filename|md5", value)
	}
	if left, right, ok := strings.Cut(typ, "|"); ok {
		return compositeTerms(left, right, value)
	}
	return nil
}

func addressType(a netip.Addr) string {
	if a.Is4() {
		return "ipv4-addr"
	}
	return "ipv6-addr"
}

func port(value, name string) []term {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return nil
	}
	return []term{{"network-traffic", prop(name), pattern.Literal{Kind: pattern.Integer, Int: int64(n)}}}
}

// fileName splits a path, since STIX keeps folder and name apart.
func fileName(value string) []term {
	i := strings.LastIndexAny(value, `\/`)
	if i < 0 || i == len(value)-1 {
		return []term{textTerm("file", value, "name")}
	}
	return []term{textTerm("file", value[i+1:], "name"), textTerm("file", value[:max(i, 1)], "parent_directory_ref", "path")}
}

func compositeTerms(left, right, value string) []term {
	i := strings.LastIndex(value, "|")
	if left == "regkey" {
		i = strings.Index(value, "|")
	}
	if i < 0 {
		return nil
	}
	a, b := value[:i], value[i+1:]
	switch {
	case left == "regkey" && right == "value":
		key := attributeTerms("regkey", a)
		if key == nil {
			return nil
		}
		return append(key, textTerm("windows-registry-key", b, "values", "*", "data"))
	case left == "domain" && right == "ip":
		if len(attributeTerms("ip", b)) == 0 {
			return nil
		}
		return append(attributeTerms("domain", a), textTerm("domain-name", b, "resolves_to_refs", "*", "value"))
	case (left == "ip-dst" || left == "ip-src" || left == "hostname") && right == "port":
		end := map[string]string{"ip-src": "src", "ip-dst": "dst", "hostname": "dst"}[left]
		if left != "hostname" && len(attributeTerms("ip", a)) == 0 {
			return nil
		}
		ports := port(b, end+"_port")
		if ports == nil {
			return nil
		}
		return append([]term{textTerm("network-traffic", a, end+"_ref", "value")}, ports...)
	case left == "filename":
		hash := attributeTerms(right, b)
		if hash == nil {
			return nil
		}
		return append(hash, fileName(a)...)
	}
	return nil
}

// patternOf makes one observation of terms about one type of object. Digests of one file are alternatives – any of them
// identifies it, and a name beside them would only make the pattern miss the same file elsewhere.
func patternOf(terms []term) string {
	var hashes, others []pattern.Comparison
	for _, t := range terms {
		c := &pattern.Test{Path: pattern.Path{Object: t.object, Steps: t.steps}, Op: pattern.Eq, Value: t.value}
		if t.steps[0].Name == "hashes" {
			hashes = append(hashes, c)
		} else {
			others = append(others, c)
		}
	}
	op, chosen := pattern.And, others
	if len(hashes) > 0 {
		op, chosen = pattern.Or, hashes
	}
	if len(chosen) == 1 {
		return (&pattern.Observation{Test: chosen[0]}).String()
	}
	return (&pattern.Observation{Test: &pattern.Logical{Op: op, Terms: chosen}}).String()
}

// ruleTypes are attributes that hold a whole rule.
var ruleTypes = map[string]string{"yara": "yara", "sigma": "sigma", "snort": "snort", "stix2-pattern": "stix"}

func (m *mispImport) attribute(a map[string]any, note string) error {
	typ, value := text(a["type"]), strings.TrimSpace(text(a["value"]))
	if flag(a["deleted"]) || value == "" {
		return nil
	}
	if note == "" {
		note = text(a["comment"])
	}
	if typ == "link" && !flag(a["to_ids"]) {
		if checkURL(value) == "" {
			m.links = append(m.links, ExternalReference{SourceName: "misp", URL: value, Description: note})
			return nil
		}
	}
	if a["data"] != nil && text(a["data"]) != "" {
		m.leaveOut("attribute "+text(a["uuid"]), "its attachment was left out")
	}
	if lang := ruleTypes[typ]; lang != "" {
		if lang == "stix" {
			if _, err := pattern.Parse(value); err != nil {
				m.leaveOut("attribute "+text(a["uuid"]), err.Error())
				return m.note(a, typ, value, note)
			}
		}
		return m.indicator(a, value, lang, note)
	}
	switch typ {
	case "vulnerability":
		v := &Vulnerability{Name: value, Description: note}
		m.common(&v.Common, "vulnerability", a["uuid"], value, a["timestamp"])
		if checkCatalogue("cve", strings.ToUpper(value)) == "" {
			v.ExternalReferences = []ExternalReference{{SourceName: "cve", ExternalID: strings.ToUpper(value)}}
		}
		return m.add(v)
	case "threat-actor":
		t := &ThreatActor{Name: value, Description: note}
		m.common(&t.Common, "threat-actor", a["uuid"], value, a["timestamp"])
		return m.add(t)
	case "campaign-name":
		c := &Campaign{Name: value, Description: note}
		m.common(&c.Common, "campaign", a["uuid"], value, a["timestamp"])
		return m.add(c)
	}
	terms := attributeTerms(typ, value)
	if terms == nil {
		return m.note(a, typ, value, note)
	}
	return m.observation(a, terms, note)
}

func (m *mispImport) observation(a map[string]any, terms []term, note string) error {
	if flag(a["to_ids"]) {
		return m.indicator(a, patternOf(terms), "stix", note)
	}
	observables := observablesOf(terms)
	if observables == nil {
		return m.note(a, text(a["type"]), text(a["value"]), note)
	}
	d := &ObservedData{}
	m.common(&d.Common, "observed-data", a["uuid"], text(a["value"]), a["timestamp"])
	d.FirstObserved, d.LastObserved = seen(a["first_seen"], d.Created), seen(a["last_seen"], d.Created)
	if d.LastObserved.Before(d.FirstObserved) {
		d.LastObserved = d.FirstObserved
	}
	d.NumberObserved = new(int64)
	*d.NumberObserved = 1
	d.Labels = mispLabels(a, m.tags(a))
	for _, o := range observables {
		d.ObjectRefs = append(d.ObjectRefs, o.Head().ID)
		if err := m.add(o); err != nil {
			return err
		}
	}
	return m.add(d)
}

func mispLabels(a map[string]any, tags []string) []string {
	var labels []string
	for _, key := range []string{"type", "category"} {
		if s := text(a[key]); s != "" {
			labels = append(labels, "misp:"+key+"="+strconv.Quote(s))
		}
	}
	return append(labels, tags...)
}

func seen(v any, otherwise Timestamp) Timestamp {
	if t, err := time.Parse(time.RFC3339Nano, text(v)); err == nil {
		return At(t)
	}
	return otherwise
}

func (m *mispImport) indicator(a map[string]any, body, lang, note string) error {
	i := &Indicator{Pattern: body, PatternType: lang, Description: note, IndicatorTypes: []string{"malicious-activity"}}
	m.common(&i.Common, "indicator", a["uuid"], body, a["timestamp"])
	if lang == "stix" {
		i.PatternVersion = "2.1"
	}
	i.Name = text(a["value"])
	if len(i.Name) > 250 || lang != "stix" {
		i.Name = lang + " pattern"
	}
	i.ValidFrom = seen(a["first_seen"], i.Created)
	i.Labels = mispLabels(a, m.tags(a))
	if err := m.add(i); err != nil {
		return err
	}
	return m.sightings(a, i.ID)
}

// sightings: type 0 saw it, 1 calls it false, 2 is an expiry, which STIX expresses otherwise and which is left out.
func (m *mispImport) sightings(a map[string]any, of ID) error {
	for n, s := range list(a["Sighting"]) {
		derive := fmt.Sprintf("%s sighting %d", of, n)
		switch text(s["type"]) {
		case "0", "":
			sg := &Sighting{SightingOfRef: of, Count: new(int64)}
			*sg.Count = 1
			m.common(&sg.Common, "sighting", s["uuid"], derive, s["date_sighting"])
			sg.FirstSeen, sg.LastSeen = sg.Created, sg.Created
			if err := m.add(sg); err != nil {
				return err
			}
		case "1":
			op := &Opinion{Opinion: "strongly-disagree", Explanation: "sighted as a false positive", ObjectRefs: []ID{of}}
			m.common(&op.Common, "opinion", s["uuid"], derive, s["date_sighting"])
			if err := m.add(op); err != nil {
				return err
			}
		default:
			m.leaveOut("sighting of "+string(of), "an expiry has no counterpart")
		}
	}
	return nil
}

func (m *mispImport) note(a map[string]any, typ, value, comment string) error {
	n := &Note{Abstract: typ, Content: value, ObjectRefs: []ID{m.creator}}
	if comment != "" {
		n.Content += "\n\n" + comment
	}
	m.common(&n.Common, "note", a["uuid"], value, a["timestamp"])
	n.Labels = mispLabels(a, m.tags(a))
	return m.add(n)
}

// object handles a MISP object: the attributes of a file belong together, those of others stand for themselves.
func (m *mispImport) object(o map[string]any) error {
	if flag(o["deleted"]) {
		return nil
	}
	name, comment := text(o["name"]), text(o["comment"])
	attrs := list(o["Attribute"])
	if name != "file" && name != "pe" {
		for _, a := range attrs {
			if err := m.attribute(a, strings.TrimSpace(comment+" "+text(a["comment"]))); err != nil {
				return err
			}
		}
		return nil
	}
	var terms []term
	merged := map[string]any{"uuid": o["uuid"], "timestamp": o["timestamp"], "type": name, "category": o["meta-category"],
		"first_seen": o["first_seen"], "last_seen": o["last_seen"]}
	for _, a := range attrs {
		if flag(a["deleted"]) {
			continue
		}
		value := strings.TrimSpace(text(a["value"]))
		t := attributeTerms(text(a["type"]), value)
		if t == nil {
			if err := m.attribute(a, comment); err != nil {
				return err
			}
			continue
		}
		terms = append(terms, t...)
		if flag(a["to_ids"]) {
			merged["to_ids"] = true
		}
		if merged["value"] == nil {
			merged["value"] = value
		}
	}
	if len(terms) == 0 {
		return nil
	}
	return m.observation(merged, terms, comment)
}

// observablesOf makes SCOs that state the terms, which are about one object; nil where there is no honest SCO for them.
func observablesOf(terms []term) []Object {
	tree := map[string]any{"type": terms[0].object}
	var also []Object
	for _, t := range terms {
		if t.object != terms[0].object {
			return nil
		}
		switch t.steps[0].Name {
		case "parent_directory_ref":
			tree["parent_directory_ref"] = string(withID(&also, &Directory{Path: t.value.Text}))
		case "resolves_to_refs", "src_ref", "dst_ref":
			id := withID(&also, addressObject(t.value.Text))
			if t.steps[0].Name == "resolves_to_refs" {
				tree["resolves_to_refs"] = []any{string(id)}
			} else {
				tree[t.steps[0].Name] = string(id)
			}
		case "extensions":
			// The extension of executables demands their type, which MISP does not say.
			tree["x_misp_"+t.steps[len(t.steps)-1].Name] = t.value.Text
		case "values":
			tree["values"] = []any{map[string]any{"data": t.value.Text}}
		default:
			place(tree, t)
		}
	}
	if typ := tree["type"]; typ == "network-traffic" || typ == "email-message" {
		return nil // STIX demands the protocols, or whether it was multipart, and MISP does not say
	}
	o, err := decodeTree(tree)
	if err != nil {
		return nil
	}
	withID(&also, o)
	if len(Errors(Validate(o))) > 0 {
		return nil
	}
	return also
}

// place sets a property by its path.
func place(tree map[string]any, t term) {
	at := tree
	for _, s := range t.steps[:len(t.steps)-1] {
		next, ok := at[s.Name].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[s.Name] = next
		}
		at = next
	}
	name := t.steps[len(t.steps)-1].Name
	if t.value.Kind == pattern.Integer && math.Abs(float64(t.value.Int)) <= maxSafeInteger {
		at[name] = json.Number(strconv.FormatInt(t.value.Int, 10))
	} else {
		at[name] = t.value.Text
	}
}

func addressObject(value string) Object {
	if a, err := netip.ParseAddr(value); err == nil && a.Is4() {
		return &IPv4Addr{Value: value}
	} else if err == nil {
		return &IPv6Addr{Value: value}
	}
	return &DomainName{Value: value}
}

func withID(also *[]Object, o Object) ID {
	h := o.Head()
	h.Type, h.SpecVersion = TypeOf(o), "2.1"
	if id, err := ObservableID(o); err == nil && id != "" {
		h.ID = id
	} else {
		h.ID = asVersion4(mispID(h.Type, nil, fmt.Sprint(encodeTree(o))))
	}
	*also = append(*also, o)
	return h.ID
}
