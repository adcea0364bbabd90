package stix

import (
	"fmt"
	"sort"
)

// Withheld says which object an audience does not get, and why.
type Withheld struct {
	ID     ID
	Reason string
}

// ReleaseAll makes the form of a set of objects that an audience may have: each through [Release], then without references
// to those that were withheld. An object that cannot do without such a reference – a relationship, a sighting, a report
// whose every object is gone – is withheld too, and so on. A reference to a marking is never dropped: its object is withheld.
// References to objects outside the set are left. With rename, all ids are rewritten by [RewriteIDs].
func ReleaseAll(objects []Object, may func(marking ID) bool, rename func(ID) ID) ([]Object, []Withheld, error) {
	kept := map[ID][]Object{} // versions of an object share an id
	gone := map[ID]bool{}
	var withheld []Withheld
	var queue []ID
	withhold := func(id ID, reason string) {
		withheld = append(withheld, Withheld{id, reason})
		if !gone[id] {
			gone[id] = true
			queue = append(queue, id)
		}
		delete(kept, id)
	}
	users := map[ID][]ID{}
	for _, o := range objects {
		id := o.Head().ID
		if gone[id] {
			continue
		}
		r, _, err := Release(o, may)
		if err != nil {
			withhold(id, err.Error())
			continue
		}
		kept[id] = append(kept[id], r)
		for _, ref := range References(r) {
			users[ref] = append(users[ref], id)
		}
	}
	for len(queue) > 0 {
		lost := queue[0]
		queue = queue[1:]
		for _, user := range users[lost] {
			for i, o := range kept[user] {
				pruned, err := dropReference(o, lost)
				if err != nil {
					withhold(user, err.Error())
					break
				}
				kept[user][i] = pruned
			}
		}
	}
	var out []Object
	for _, id := range sortedIDs(kept) {
		out = append(out, kept[id]...)
	}
	if rename == nil {
		return out, withheld, nil
	}
	out, err := RewriteIDs(out, rename)
	return out, withheld, err
}

func sortedIDs(m map[ID][]Object) []ID {
	ids := make([]ID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}

// dropReference makes a copy without any reference to lost; it fails where the copy would break a MUST that the object kept.
func dropReference(o Object, lost ID) (Object, error) {
	id := o.Head().ID
	for _, m := range o.Head().ObjectMarkingRefs {
		if m == lost {
			return nil, fmt.Errorf("stix: release %s: its marking %s is withheld", id, lost)
		}
	}
	tree, ok := copyTree(encodeTree(o)).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("stix: release %T: not an object of this package", o)
	}
	if swept, ok := sweepTombstones(entomb(tree, "", lost)).(map[string]any); ok {
		tree = swept
	}
	out, err := decodeTree(tree)
	if err != nil {
		return nil, err
	}
	before := map[string]bool{}
	for _, p := range Errors(Validate(o)) {
		before[p.Path+p.Text] = true
	}
	for _, p := range Errors(Validate(out)) {
		if !before[p.Path+p.Text] {
			return nil, fmt.Errorf("stix: release %s: it cannot do without %s, which is withheld: %s: %s", id, lost, p.Path, p.Text)
		}
	}
	return out, nil
}

// entomb puts a tombstone in place of every reference to lost.
func entomb(v any, name string, lost ID) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = entomb(e, k, lost)
		}
	case []any:
		for i, e := range v {
			v[i] = entomb(e, name, lost)
		}
	case string:
		if isRefName(name) && ID(v) == lost {
			return tombstone{}
		}
	}
	return v
}
