package attribution

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// resolveRoots replaces each root by what it rests on in the end.
func resolveRoots(roots []Root) (map[string][]string, error) {
	byID := map[string]Root{}
	for _, r := range roots {
		byID[r.ID] = r
	}
	done, open := map[string][]string{}, map[string]bool{}
	var walk func(id string, depth int) ([]string, error)
	walk = func(id string, depth int) ([]string, error) {
		r, ok := byID[id]
		switch {
		case !ok:
			return nil, fmt.Errorf("check case: case.yaml: the root %q is not listed", id)
		case done[id] != nil:
			return done[id], nil
		case open[id] || depth > 1000:
			return nil, fmt.Errorf("check case: case.yaml: the root %q rests on itself", id)
		case len(r.RestsOn) == 0:
			done[id] = []string{id}
			return done[id], nil
		}
		open[id] = true
		set := map[string]bool{}
		for _, below := range r.RestsOn {
			ids, err := walk(below, depth+1)
			if err != nil {
				return nil, err
			}
			for _, x := range ids {
				set[x] = true
			}
		}
		delete(open, id)
		done[id] = sortedKeys(set)
		return done[id], nil
	}
	for _, r := range roots {
		if _, err := walk(r.ID, 0); err != nil {
			return nil, err
		}
	}
	return done, nil
}

func ultimate(resolved map[string][]string, ids []string) []string {
	set := map[string]bool{}
	for _, id := range ids {
		for _, r := range resolved[id] {
			set[r] = true
		}
	}
	return sortedKeys(set)
}

// SharedRoot is a root that more than one claim rests on; those claims count once for it.
type SharedRoot struct {
	Root   string   `json:"root"`
	What   string   `json:"what"`
	Claims []string `json:"claims"`
}

func sharedRoots(c *Case, claims []ClaimResult) []SharedRoot {
	by := map[string][]string{}
	for _, cl := range claims {
		if len(cl.SupersededBy) > 0 { // what its author took back is not said twice
			continue
		}
		for _, r := range cl.Roots {
			by[r] = append(by[r], cl.ID)
		}
	}
	out := []SharedRoot{}
	for _, r := range c.Roots {
		if len(by[r.ID]) > 1 {
			out = append(out, SharedRoot{r.ID, r.What, by[r.ID]})
		}
	}
	return out
}
