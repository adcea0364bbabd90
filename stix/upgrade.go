package stix

import (
	"fmt"
	"sort"
	"strings"
)

// importNamespace makes the ids of objects that an import has to invent, the same each time.
const importNamespace = "8b2f61c4-6e1d-4b0b-8a52-2c9d6d9a4e17"

// typesFromLabels names, for the types whose required vocabulary of STIX 2.0 stood in `labels`, where 2.1 keeps it.
var typesFromLabels = map[string]string{"indicator": "indicator_types", "malware": "malware_types", "report": "report_types",
	"threat-actor": "threat_actor_types", "tool": "tool_types"}

var vocabularyOfTypes = map[string]string{"indicator": "indicator-type-ov", "malware": "malware-type-ov", "report": "report-type-ov",
	"threat-actor": "threat-actor-type-ov", "tool": "tool-type-ov"}

// upgrade makes STIX 2.1 of one object of STIX 2.0. Labels that 2.1 has a vocabulary for move to their own property, the
// pattern gets its type, and the objects embedded in observed-data become objects with ids of their own. Names stay.
func upgrade(tree map[string]any) ([]Object, error) {
	typ, _ := tree["type"].(string)
	tree["spec_version"] = "2.1"
	if prop := typesFromLabels[typ]; prop != "" && tree[prop] == nil {
		moveLabels(tree, prop, vocabularies[vocabularyOfTypes[typ]])
	}
	switch typ {
	case "indicator":
		if _, ok := tree["pattern"].(string); ok {
			setDefault(tree, "pattern_type", "stix")
			setDefault(tree, "pattern_version", "2.0")
		}
	case "marking-definition":
		// The fixed TLP markings of 2.1 have the names that those of 2.0 lack.
		if _, fixed := TLPOf(ID(fmt.Sprint(tree["id"]))); fixed {
			if m, ok := tree["definition"].(map[string]any); ok {
				if level, ok := m["tlp"].(string); ok {
					setDefault(tree, "name", "TLP:"+strings.ToUpper(level))
				}
			}
		}
	case "malware":
		// In 2.0 malware is a kind of TTP, never a single sample.
		setDefault(tree, "is_family", true)
	}
	var observables []Object
	if embedded, ok := tree["objects"].(map[string]any); ok && typ == "observed-data" {
		var err error
		if observables, err = extractObservables(tree, embedded); err != nil {
			return nil, err
		}
	}
	o, err := decodeTree(tree)
	if err != nil {
		return nil, err
	}
	return append([]Object{o}, observables...), nil
}

func moveLabels(tree map[string]any, prop string, vocabulary map[string]bool) {
	labels, ok := tree["labels"].([]any)
	if !ok {
		return
	}
	var moved, kept []any
	for _, l := range labels {
		if s, isText := l.(string); isText && vocabulary[s] {
			moved = append(moved, l)
		} else {
			kept = append(kept, l)
		}
	}
	if len(moved) == 0 {
		return
	}
	tree[prop] = moved
	if tree["labels"] = any(kept); len(kept) == 0 {
		delete(tree, "labels")
	}
}

// extractObservables gives each embedded object an id and replaces the keys by which they refer to each other. A key
// is resolved before those that refer to it, since an id may be made from references; where
// they form a cycle, the first takes an id derived from its key.
func extractObservables(tree, embedded map[string]any) ([]Object, error) {
	parent, _ := tree["id"].(string)
	keys := make([]string, 0, len(embedded))
	for k := range embedded {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	x := &extraction{parent: parent, embedded: embedded, done: map[string]ID{}, open: map[string]bool{}, made: map[string]Object{}}
	for _, k := range keys {
		if err := x.resolve(k, 0); err != nil {
			return nil, err
		}
	}
	delete(tree, "objects")
	refs := make([]any, 0, len(keys))
	seen := map[ID]bool{}
	var out []Object
	for _, k := range keys {
		if id := x.done[k]; !seen[id] {
			seen[id] = true
			refs = append(refs, string(id))
			out = append(out, x.made[k])
		}
	}
	tree["object_refs"] = refs
	return out, nil
}

type extraction struct {
	parent   string
	embedded map[string]any
	done     map[string]ID
	open     map[string]bool
	made     map[string]Object
}

const maxEmbeddedChain = 64

func (x *extraction) resolve(key string, depth int) error {
	if x.made[key] != nil {
		return nil
	}
	m, ok := x.embedded[key].(map[string]any)
	if !ok {
		return fmt.Errorf("the embedded object %.40q is no object", key)
	}
	typ, _ := m["type"].(string)
	if bad := checkTypeName(typ); bad != "" {
		return fmt.Errorf("the embedded object %.40q: %s", key, bad)
	}
	derived, err := DerivedID(typ, importNamespace, x.parent+" "+key)
	if err != nil {
		return err
	}
	derived = asVersion4(derived)
	if x.open[key] || depth > maxEmbeddedChain {
		x.done[key] = derived
		return nil
	}
	x.open[key] = true
	defer delete(x.open, key)
	var failed error
	walkRefs(m, "", func(ref string) string {
		if _, ok := x.embedded[ref]; !ok {
			return ref
		}
		if err := x.resolve(ref, depth+1); err != nil {
			failed = err
			return ref
		}
		return string(x.done[ref])
	})
	if failed != nil {
		return failed
	}
	renameObservable(typ, m)
	m["spec_version"] = "2.1"
	o, err := decodeTree(m)
	if err != nil {
		return err
	}
	id, early := x.done[key] // given out already where references form a cycle
	if !early {
		if id, err = ObservableID(o); err != nil || id == "" {
			id = derived
		}
	}
	x.done[key] = id
	o.Head().ID = id
	x.made[key] = o
	return nil
}

// asVersion4 keeps the bits of a derived id but calls it random, as 2.1 demands of observables without contributing properties.
func asVersion4(id ID) ID {
	b := []byte(id)
	b[len(b)-22] = '4'
	return ID(b)
}

// renameObservable carries over the properties of observables that 2.1 renamed (STIX 2.1, appendix C).
func renameObservable(typ string, m map[string]any) {
	rename := map[string]map[string]string{
		"process":              {"binary_ref": "image_ref", "created": "created_time"},
		"user-account":         {"password_last_changed": "credential_last_changed"},
		"directory":            {"created": "ctime", "modified": "mtime", "accessed": "atime"},
		"file":                 {"created": "ctime", "modified": "mtime", "accessed": "atime"},
		"windows-registry-key": {"modified": "modified_time"},
	}[typ]
	for from, to := range rename {
		if v, ok := m[from]; ok && m[to] == nil {
			m[to] = v
			delete(m, from)
		}
	}
}
