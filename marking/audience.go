package marking

import (
	"fmt"
	"slices"
	"strings"
)

// Party is one who wants to look.
type Party struct {
	Person       string   // "" when the organisation as a whole is meant
	Organisation string   // "" for the public
	ClientOf     []string // organisations whose client it is
	Community    bool     // belongs to the community in which the information is shared
}

// name is how the party is written among recipients.
func (p Party) name() string {
	if p.Person == "" {
		return p.Organisation
	}
	return p.Person + "@" + p.Organisation
}

// MaySee says whether the marking lets the party look, and if not, why. The rules are those of TLP 2.0:
// RED is for the individuals named, AMBER+STRICT for the organisations of the recipients, AMBER also for their clients,
// GREEN for the community, CLEAR for everyone. An owner sees its own information: under RED its persons do not become recipients
// by that, but the organisation that marked it decides, so an owner's party may always look.
func (m Marking) MaySee(p Party) (bool, string) {
	label := m.String()
	org := p.Organisation
	if org != "" && slices.Contains(m.Owners, org) {
		return true, ""
	}
	switch m.TLP {
	case Clear:
		return true, ""
	case Green:
		if p.Community || m.reaches(org) {
			return true, ""
		}
		return false, label + ": outside the community"
	case Amber:
		if m.reaches(org) || slices.ContainsFunc(p.ClientOf, m.reaches) {
			return true, ""
		}
		return false, label + ": neither a recipient's organisation nor its client"
	case AmberStrict:
		if m.reaches(org) {
			return true, ""
		}
		return false, label + ": not a recipient's organisation"
	default:
		if p.Organisation != "" && slices.Contains(m.Recipients, p.name()) {
			return true, ""
		}
		return false, label + ": not an individual recipient"
	}
}

// reaches says whether an organisation owns the information, received it, or one of its persons did.
func (m Marking) reaches(org string) bool {
	if org == "" {
		return false
	}
	if slices.Contains(m.Owners, org) {
		return true
	}
	return slices.ContainsFunc(m.Recipients, func(r string) bool {
		return r == org || strings.HasSuffix(r, "@"+org)
	})
}

// Kind is the kind of an audience to which things are disclosed.
type Kind string

const (
	Victim     Kind = "victim"
	Members    Kind = "members" // the other organisations of the sector
	Authority  Kind = "authority"
	Regulators Kind = "regulators"
	Vendors    Kind = "vendors"
	Passengers Kind = "passengers"
	Public     Kind = "public"
)

// Kinds lists the kinds of audience, from the nearest to the victim to the farthest.
func Kinds() []Kind {
	return []Kind{Victim, Authority, Regulators, Members, Vendors, Passengers, Public}
}

// ParseKind reads the name of an audience.
func ParseKind(s string) (Kind, error) {
	if k := Kind(s); slices.Contains(Kinds(), k) {
		return k, nil
	}
	return "", fmt.Errorf("marking: %q is not an audience (%v)", clip(s), Kinds())
}

// Audience is a group of parties told together.
type Audience struct {
	Kind    Kind
	Parties []Party // nobody in particular for Passengers and Public
}

// AudienceMaySee says whether everyone in the audience may look, and if not, who may not and why. An audience without
// named parties is open to anyone and may see only what is CLEAR.
func (m Marking) AudienceMaySee(a Audience) (bool, string) {
	if len(a.Parties) == 0 || a.Kind == Public {
		if m.TLP == Clear {
			return true, ""
		}
		return false, fmt.Sprintf("%s: the audience %q is open to anyone", m, a.Kind)
	}
	for _, p := range a.Parties {
		if ok, why := m.MaySee(p); !ok {
			return false, fmt.Sprintf("%s: %s", p.name(), why)
		}
	}
	return true, ""
}
