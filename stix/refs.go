package stix

import (
	"fmt"
	"sort"
	"strings"
)

// References lists, ordered and once each, the ids that an object refers to in any property, its own id not among them.
func References(o Object) []ID {
	seen := map[ID]bool{}
	walkRefs(encodeTree(o), "", func(id string) string {
		seen[ID(id)] = true
		return id
	})
	ids := make([]ID, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}

// walkRefs gives every string in a property named *_ref or *_refs to f and puts back what f returns.
func walkRefs(v any, name string, f func(string) string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = walkRefs(e, k, f)
		}
	case []any:
		for i, e := range v {
			v[i] = walkRefs(e, name, f)
		}
	case string:
		if isRefName(name) {
			return f(v)
		}
	}
	return v
}

func isRefName(name string) bool {
	return strings.HasSuffix(name, "_ref") || strings.HasSuffix(name, "_refs")
}

// RewriteIDs makes copies of the objects in which every id and every reference is what rename gives for it. It is how a
// release takes new ids; rename decides what stays (fixed markings do).
func RewriteIDs(objects []Object, rename func(ID) ID) ([]Object, error) {
	out := make([]Object, 0, len(objects))
	for _, o := range objects {
		tree, ok := copyTree(encodeTree(o)).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("stix: give %T a new id: not an object of this package", o)
		}
		if id := o.Head().ID; id != "" {
			tree["id"] = string(rename(id))
		}
		walkRefs(tree, "", func(id string) string { return string(rename(ID(id))) })
		n, err := decodeTree(tree)
		if err != nil {
			return nil, fmt.Errorf("stix: give %s a new id: %w", o.Head().ID, err)
		}
		out = append(out, n)
	}
	return out, nil
}

// ValidateBundle checks each object with [Validate] and the objects together: one content per (id, modified), versions of
// one object by one creator, none after it was revoked, markings and creators that are present before use.
// A reference to an object that is not there is a warning, since bundles may be parts of a whole.
func ValidateBundle(b *Bundle) []Problem {
	var out []Problem
	if b.ID != "" {
		if bad := checkID(b.ID, "bundle"); bad != "" {
			out = append(out, Problem{ID: b.ID, Type: "bundle", Path: "id", Severity: Must, Text: bad})
		}
	}
	present := map[ID]bool{}
	for _, o := range b.Objects {
		present[o.Head().ID] = true
	}
	var history History
	ordered := append([]Object(nil), b.Objects...)
	sort.SliceStable(ordered, func(i, j int) bool { return modifiedOf(ordered[i]).Before(modifiedOf(ordered[j])) })
	for _, o := range ordered {
		out = append(out, Validate(o)...)
		if err := history.Add(o); err != nil {
			out = append(out, Problem{o.Head().ID, TypeOf(o), "modified", Must, err.Error()})
		}
		for _, ref := range References(o) {
			if _, fixed := TLPOf(ref); !present[ref] && !fixed {
				out = append(out, Problem{o.Head().ID, TypeOf(o), "", Should, fmt.Sprintf("%s is not in the bundle", ref)})
			}
		}
	}
	return out
}
