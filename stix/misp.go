package stix

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"
)

// ReadMISP makes STIX objects of MISP events: {"Event": …}, {"response": [{"Event": …}]}, a list of events, or one event.
//
// An event becomes a report by the identity of its organisation; an attribute or file object meant for detection (to_ids)
// an indicator, any other an observed-data with its observables; what has no counterpart becomes a note, so that nothing is
// dropped unseen. Galaxy clusters become SDOs, tags labels, tlp tags TLP 2.0 markings. Deleted attributes, proposals and
// attached samples are left out. Ids come from MISP's UUIDs, so a second import gives the same objects.
//
// An input above lim.TotalBytes (here at most 64 MiB) is refused, since an event is read whole. What is left out or broken is
// listed as damage, its offset being that of the event.
func ReadMISP(r io.Reader, lim Limits) ([]Object, []Damage, error) {
	lim = lim.filled()
	size := min(lim.TotalBytes, maxMISPBytes)
	raw, err := io.ReadAll(io.LimitReader(r, size+1))
	if err != nil {
		return nil, nil, fmt.Errorf("stix: read a MISP event: %w", err)
	}
	if int64(len(raw)) > size {
		return nil, nil, fmt.Errorf("stix: read a MISP event: the input is longer than %d bytes", size)
	}
	lim.ObjectBytes = len(raw) + 16
	wrapped := raw
	if t := strings.TrimSpace(string(raw[:min(len(raw), 64)])); strings.HasPrefix(t, "[") {
		wrapped = append(append([]byte(`{"response":`), raw...), '}')
	}
	tree, err := parseObject(wrapped, lim)
	if err != nil {
		return nil, nil, fmt.Errorf("stix: read a MISP event: %w", err)
	}
	events, err := mispEvents(tree)
	if err != nil {
		return nil, nil, err
	}
	m := &mispImport{seen: map[ID]bool{}, limit: lim.Objects}
	for _, e := range events {
		if err := m.event(e); err != nil {
			return m.objects, m.damage, err
		}
	}
	return m.objects, m.damage, nil
}

func mispEvents(tree map[string]any) ([]map[string]any, error) {
	if e, ok := tree["Event"].(map[string]any); ok {
		return []map[string]any{e}, nil
	}
	if tree["info"] != nil && tree["uuid"] != nil {
		return []map[string]any{tree}, nil
	}
	list, ok := tree["response"].([]any)
	if one, isOne := tree["response"].(map[string]any); isOne {
		list, ok = []any{one}, true
	}
	var events []map[string]any
	for _, item := range list {
		if m, isMap := item.(map[string]any); isMap {
			if e, isEvent := m["Event"].(map[string]any); isEvent {
				m = e
			}
			events = append(events, m)
		}
	}
	if !ok || len(events) == 0 {
		return nil, errors.New("stix: read a MISP event: there is no Event in it")
	}
	return events, nil
}

// maxMISPBytes bounds an event, which has to be in memory whole.
const maxMISPBytes = 64 << 20

type mispImport struct {
	objects []Object
	damage  []Damage
	seen    map[ID]bool
	limit   int

	// of the event at hand
	creator   ID
	markings  []ID
	refs      []ID
	links     []ExternalReference
	eventTime Timestamp
	eventUUID string
}

var errTooMany = errors.New("stix: read a MISP event: too many objects")

func (m *mispImport) add(o Object) error {
	id := o.Head().ID
	if m.seen[id] {
		m.ref(id)
		return nil
	}
	if len(m.objects) >= m.limit {
		return errTooMany
	}
	m.seen[id] = true
	m.objects = append(m.objects, o)
	m.ref(id)
	return nil
}

func (m *mispImport) ref(id ID) {
	for _, r := range m.refs[max(0, len(m.refs)-8):] { // near duplicates only; the rest is made unique at the end
		if r == id {
			return
		}
	}
	m.refs = append(m.refs, id)
}

func (m *mispImport) leaveOut(what, reason string) {
	m.damage = append(m.damage, Damage{Reason: fmt.Sprintf("event %s: %s: %s", m.eventUUID, what, reason)})
}

func (m *mispImport) event(e map[string]any) error {
	m.refs, m.links, m.markings = nil, nil, nil
	m.eventUUID = text(e["uuid"])
	m.eventTime = unixTime(e["timestamp"])
	if m.eventTime.IsZero() {
		if day, err := time.Parse("2006-01-02", text(e["date"])); err == nil {
			m.eventTime = At(day)
		} else {
			m.eventTime = At(time.Unix(0, 0))
		}
	}
	if err := m.organisation(e); err != nil {
		return err
	}
	labels := m.tags(e)
	for _, level := range tlpLevels {
		for _, l := range labels {
			if strings.EqualFold(l, level.name) || l == "tlp:white" && level.level == TLPClear {
				m.markings = []ID{level.id} // the strictest, being the last, stays
			}
		}
	}
	if err := m.galaxies(e); err != nil {
		return err
	}
	for _, a := range list(e["Attribute"]) {
		if err := m.attribute(a, ""); err != nil {
			return err
		}
	}
	for _, o := range list(e["Object"]) {
		if err := m.object(o); err != nil {
			return err
		}
	}
	if n := len(list(e["ShadowAttribute"])); n > 0 {
		m.leaveOut("proposals", strconv.Itoa(n)+" left out, since nobody accepted them")
	}
	return m.report(e, labels)
}

func (m *mispImport) organisation(e map[string]any) error {
	org, _ := e["Orgc"].(map[string]any)
	if org == nil {
		org, _ = e["Org"].(map[string]any)
	}
	name := text(org["name"])
	if name == "" {
		name = "unnamed MISP organisation"
	}
	id := &Identity{Name: name, IdentityClass: "organization"}
	// MISP does not say since when an organisation exists; a fixed time keeps imports of many events consistent.
	id.Created, id.Modified = At(time.Unix(0, 0)), At(time.Unix(0, 0))
	id.Type, id.SpecVersion, id.ID = "identity", "2.1", mispID("identity", org["uuid"], name)
	m.creator = id.ID
	return m.add(id)
}

func (m *mispImport) tags(e map[string]any) []string {
	var labels []string
	for _, t := range list(e["Tag"]) {
		if name := text(t["name"]); name != "" {
			labels = append(labels, name)
		}
	}
	sort.Strings(labels)
	return labels
}

// common fills what every made object has.
func (m *mispImport) common(c *Common, typ string, uuid any, derive string, when any) {
	at := unixTime(when)
	if at.IsZero() {
		at = m.eventTime
	}
	c.Type, c.SpecVersion, c.ID = typ, "2.1", mispID(typ, uuid, m.eventUUID+" "+derive)
	c.Created, c.Modified, c.CreatedByRef, c.ObjectMarkingRefs = at, at, m.creator, m.markings
}

func (m *mispImport) report(e map[string]any, labels []string) error {
	r := &Report{Name: text(e["info"]), ReportTypes: []string{"threat-report"}}
	m.common(&r.Common, "report", e["uuid"], "report", e["timestamp"])
	if r.Name == "" {
		r.Name = "MISP event " + m.eventUUID
	}
	r.Labels, r.ExternalReferences = labels, m.links
	if r.Published = unixTime(e["publish_timestamp"]); r.Published.IsZero() {
		r.Published = r.Created
	}
	seen := map[ID]bool{}
	for _, id := range m.refs {
		if !seen[id] {
			seen[id] = true
			r.ObjectRefs = append(r.ObjectRefs, id)
		}
	}
	return m.add(r)
}

// galaxyTypes says what SDO a cluster is, by a word in the type of its galaxy.
var galaxyTypes = []struct{ word, typ string }{
	{"attack-pattern", "attack-pattern"}, {"course-of-action", "course-of-action"}, {"intrusion-set", "intrusion-set"},
	{"threat-actor", "threat-actor"}, {"microsoft-activity-group", "threat-actor"}, {"malware", "malware"}, {"ransomware", "malware"}, {"malpedia", "malware"},
	{"backdoor", "malware"}, {"rat", "malware"}, {"stealer", "malware"}, {"botnet", "malware"}, {"banker", "malware"}, {"tool", "tool"},
	{"sector", "identity"},
}

func (m *mispImport) galaxies(e map[string]any) error {
	for _, g := range list(e["Galaxy"]) {
		kind := text(g["type"])
		typ := ""
		for _, t := range galaxyTypes {
			if kind == t.word || strings.HasSuffix(kind, "-"+t.word) {
				typ = t.typ
				break
			}
		}
		for _, c := range list(g["GalaxyCluster"]) {
			if typ == "" {
				m.leaveOut("cluster "+text(c["value"]), "galaxy "+kind+" has no counterpart; its tag stays a label")
				continue
			}
			if err := m.cluster(typ, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *mispImport) cluster(typ string, c map[string]any) error {
	meta, _ := c["meta"].(map[string]any)
	tree := map[string]any{"name": strings.TrimSpace(text(c["value"])), "description": text(c["description"])}
	var refs []any
	for _, x := range texts(meta["external_id"]) {
		source := "mitre-attack"
		if checkCatalogue("capec", x) == "" {
			source = "capec"
		}
		refs = append(refs, map[string]any{"source_name": source, "external_id": x})
	}
	for _, x := range texts(meta["refs"]) {
		if checkURL(x) == "" {
			refs = append(refs, map[string]any{"source_name": "misp-galaxy", "url": x})
		}
	}
	if len(refs) > 0 {
		tree["external_references"] = refs
	}
	if names := texts(meta["synonyms"]); len(names) > 0 && schemaByType[typ].layout.byName["aliases"] != nil {
		tree["aliases"] = anys(names)
	}
	switch typ {
	case "malware":
		tree["is_family"] = true
	case "identity":
		tree["identity_class"] = "class"
	}
	if tree["description"] == "" {
		delete(tree, "description")
	}
	tree["type"] = typ
	o, err := decodeTree(tree)
	if err != nil {
		return err
	}
	// Clusters are shared between events, and a galaxy is rewritten without a date: what an event says of one is the version of that event.
	com := CommonOf(o)
	com.Type, com.SpecVersion = typ, "2.1"
	com.Created, com.Modified = At(time.Unix(0, 0)), m.eventTime
	com.ID = mispID(typ, c["uuid"], text(c["value"]))
	return m.add(o)
}

func mispID(typ string, uuid any, derive string) ID {
	u := strings.ToLower(text(uuid))
	if b, err := parseUUID(u); err == nil && b[8]&0xc0 == 0x80 {
		return ID(typ + "--" + u)
	}
	id, _ := DerivedID(typ, importNamespace, "misp "+typ+" "+derive) // the namespace is a constant that parses
	return id
}

// list, text and texts read MISP's JSON, where the same thing is a string, a number or a list of one.
func list(v any) []map[string]any {
	var out []map[string]any
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				out = append(out, m)
			}
		}
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			if m, ok := v[k].(map[string]any); ok {
				out = append(out, m)
			}
		}
	}
	return out
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func texts(v any) []string {
	if s := text(v); s != "" {
		return []string{s}
	}
	var out []string
	l, _ := v.([]any)
	for _, e := range l {
		if s := text(e); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func anys(l []string) []any {
	out := make([]any, len(l))
	for i, s := range l {
		out[i] = s
	}
	return out
}

func flag(v any) bool {
	b, ok := v.(bool)
	return ok && b || text(v) == "1" || text(v) == "true"
}

// unixTime reads seconds since 1970; zero, absent and out of range are absent.
func unixTime(v any) Timestamp {
	n, err := strconv.ParseInt(text(v), 10, 64)
	if err != nil || n <= 0 || n > 253402300799 {
		return Timestamp{}
	}
	return At(time.Unix(n, 0))
}
