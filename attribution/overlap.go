package attribution

import (
	"fmt"
	"io"
	"math"
	"sort"
	"strings"

	"github.com/contrail-ir/contrail/stix"
)

// Overlap is what the incident shares with known groups and published lists. It is evidence, never a verdict: a group that
// uses everything shares much with everyone, hence the number of users beside each shared item.
type Overlap struct {
	Groups     []GroupOverlap `json:"groups"`
	GroupCount int            `json:"groups_known"`
	Lists      []ListOverlap  `json:"lists"`
	ListCount  int            `json:"lists_known"`
	Unmatched  []string       `json:"unmatched"` // techniques that no group is known to use, or that are no techniques
}

// GroupOverlap is what one ATT&CK group shares.
type GroupOverlap struct {
	Group   string       `json:"group"`
	ID      string       `json:"id"`
	Shared  []SharedItem `json:"shared"`  // techniques
	Sectors []SharedItem `json:"sectors"` // targeted by both
	Uses    int          `json:"uses"`    // techniques the group is known to use
	// Bits is the sum of log2(groups/users) over what is shared: how surprising the overlap is, if techniques and sectors
	// were chosen independently, which they are not. It orders the list and is no probability.
	Bits float64 `json:"bits"`
}

// ListOverlap is what one published list of indicators shares.
type ListOverlap struct {
	List   string       `json:"list"`
	Shared []SharedItem `json:"shared"`
	Size   int          `json:"size"`
}

// SharedItem is one shared thing and how many groups or lists have it.
type SharedItem struct {
	Value string `json:"value"`
	Users int    `json:"users"`
}

// Group is an intrusion set with what it is said to use and to target.
type Group struct {
	ID, Name   string
	Aliases    []string
	Techniques []string // ATT&CK ids, sorted
	Sectors    []string // as the source writes them, sorted
}

// ReadGroups reads intrusion sets and the attack patterns they use from STIX 2.0 or 2.1, as ATT&CK publishes them. Revoked
// and deprecated groups, techniques and relationships are left out. A group's ID is its ATT&CK id.
func ReadGroups(r io.Reader, lim stix.Limits) ([]Group, error) {
	rd := stix.NewReader(r, lim)
	groups, techniques := map[stix.ID]*Group{}, map[stix.ID]string{}
	var uses [][2]stix.ID
	for {
		o, err := rd.Next()
		if err == io.EOF {
			break
		}
		if _, bad := err.(*stix.BadObjectError); bad {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read groups: %w", err)
		}
		c := stix.CommonOf(o)
		if c == nil || c.Revoked != nil && *c.Revoked || c.Extra["x_mitre_deprecated"] == true {
			continue
		}
		switch o := o.(type) {
		case *stix.IntrusionSet:
			groups[o.ID] = &Group{ID: attackID(c), Name: o.Name, Aliases: o.Aliases}
		case *stix.AttackPattern:
			if id := attackID(c); id != "" {
				techniques[o.ID] = id
			}
		case *stix.Relationship:
			if o.RelationshipType == "uses" && o.SourceRef.Type() == "intrusion-set" && o.TargetRef.Type() == "attack-pattern" {
				uses = append(uses, [2]stix.ID{o.SourceRef, o.TargetRef})
			}
		}
	}
	sets := map[stix.ID]map[string]bool{}
	for _, u := range uses {
		if groups[u[0]] != nil && techniques[u[1]] != "" {
			if sets[u[0]] == nil {
				sets[u[0]] = map[string]bool{}
			}
			sets[u[0]][techniques[u[1]]] = true
		}
	}
	var out []Group
	for id, g := range groups {
		g.Techniques = sortedKeys(sets[id])
		out = append(out, *g)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID+out[i].Name < out[j].ID+out[j].Name })
	return out, nil
}

func attackID(c *stix.Common) string {
	for _, r := range c.ExternalReferences {
		if strings.HasPrefix(r.SourceName, "mitre") {
			return r.ExternalID
		}
	}
	return ""
}

// Compare finds what the incident shares with groups and lists. A sub-technique of the incident also counts as its technique
// and is named as what was shared. Sectors are compared by name, without regard to case.
func Compare(in *Incident, groups []Group, lists []List) *Overlap {
	out := &Overlap{Groups: []GroupOverlap{}, GroupCount: len(groups), Lists: []ListOverlap{}, ListCount: len(lists), Unmatched: []string{}}
	techniques, sectors := map[string]bool{}, map[string]bool{}
	for _, t := range in.Techniques {
		techniques[t] = true
		if parent, _, sub := strings.Cut(t, "."); sub {
			techniques[parent] = true
		}
	}
	for _, s := range in.Sectors {
		sectors[strings.ToLower(s)] = true
	}
	users, targeting := map[string]int{}, map[string]int{}
	for _, g := range groups {
		for _, t := range g.Techniques {
			users[t]++
		}
		for _, s := range g.Sectors {
			targeting[strings.ToLower(s)]++
		}
	}
	for _, g := range groups {
		o := GroupOverlap{Group: g.Name, ID: g.ID, Uses: len(g.Techniques), Shared: []SharedItem{}, Sectors: []SharedItem{}}
		share := func(to *[]SharedItem, value string, n int) {
			*to = append(*to, SharedItem{value, n})
			o.Bits += math.Log2(float64(len(groups)) / float64(n))
		}
		for _, t := range g.Techniques {
			if techniques[t] {
				share(&o.Shared, t, users[t])
			}
		}
		for _, s := range g.Sectors {
			if name := strings.ToLower(s); sectors[name] {
				share(&o.Sectors, name, targeting[name])
			}
		}
		if o.Bits = round(o.Bits); len(o.Shared)+len(o.Sectors) > 0 {
			out.Groups = append(out.Groups, o)
		}
	}
	sort.SliceStable(out.Groups, func(i, j int) bool { return out.Groups[i].Bits > out.Groups[j].Bits })
	for _, t := range in.Techniques {
		if users[t] == 0 {
			out.Unmatched = append(out.Unmatched, t)
		}
	}
	listed := map[string]int{}
	for _, l := range lists {
		for _, v := range in.Indicators {
			if l.Values[NormaliseIndicator(v)] {
				listed[v]++
			}
		}
	}
	for _, l := range lists {
		o := ListOverlap{List: l.Name, Size: len(l.Values)}
		for _, v := range in.Indicators {
			if l.Values[NormaliseIndicator(v)] {
				o.Shared = append(o.Shared, SharedItem{v, listed[v]})
			}
		}
		if len(o.Shared) > 0 {
			out.Lists = append(out.Lists, o)
		}
	}
	return out
}
