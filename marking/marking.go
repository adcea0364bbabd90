// Package marking says who may see something: the Traffic Light Protocol 2.0 (FIRST, August 2022),
// the parties and audiences it speaks of, and the rule that only the owner loosens a marking.
//
// It promises that what carries no marking is treated as TLP:RED, and that combining
// markings never loosens one. It refuses to guess: an unknown label is an error, never a default.
package marking

import (
	"fmt"
	"slices"
	"strings"
)

// TLP is a label of the Traffic Light Protocol 2.0. Labels are ordered by strictness; use Rank to
// compare, because the zero value, Unmarked, is handled as Red.
type TLP uint8

const (
	Unmarked    TLP = iota // nobody said; handled as Red
	Clear                  // no limit
	Green                  // the community
	Amber                  // the recipients' organisations and their clients
	AmberStrict            // the recipients' organisations only
	Red                    // the individual recipients only
)

var labels = [...]string{"", "TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"}

// ParseTLP reads a label in any letter case, with or without the prefix "TLP:". WHITE, the name that TLP 1.0
// had for it, is read as CLEAR.
func ParseTLP(s string) (TLP, error) {
	name := strings.ToUpper(strings.TrimSpace(s))
	name = strings.TrimPrefix(name, "TLP:")
	if name == "WHITE" {
		return Clear, nil
	}
	for i := Clear; i <= Red; i++ {
		if name == labels[i][len("TLP:"):] {
			return i, nil
		}
	}
	return Unmarked, fmt.Errorf("marking: %q is not a TLP 2.0 label (CLEAR, GREEN, AMBER, AMBER+STRICT, RED)", clip(s))
}

// String gives the label as TLP 2.0 wants it written, and "" when unmarked.
func (t TLP) String() string {
	if int(t) < len(labels) {
		return labels[t]
	}
	return fmt.Sprintf("TLP(%d)", uint8(t))
}

// Valid says whether t is one of the labels or Unmarked.
func (t TLP) Valid() bool { return t <= Red }

// Rank orders labels by strictness: 1 for CLEAR to 5 for RED. Unmarked, and whatever is not a label, ranks as RED.
func (t TLP) Rank() int {
	if t == Unmarked || t > Red {
		return int(Red)
	}
	return int(t)
}

// Stricter gives the stricter of two labels.
func Stricter(a, b TLP) TLP {
	if b.Rank() > a.Rank() {
		return b
	}
	return a
}

// MarshalText writes the label.
func (t TLP) MarshalText() ([]byte, error) {
	if !t.Valid() {
		return nil, fmt.Errorf("marking: %d is not a TLP label", uint8(t))
	}
	return []byte(t.String()), nil
}

// UnmarshalText reads a label; the empty text is Unmarked.
func (t *TLP) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*t = Unmarked
		return nil
	}
	v, err := ParseTLP(string(text))
	if err != nil {
		return err
	}
	*t = v
	return nil
}

// Marking is a label, who owns the information, and to whom it was given.
type Marking struct {
	TLP TLP `json:"tlp,omitempty" yaml:"tlp,omitempty"`
	// Owners are the organisations the information comes from. Each of them must agree before the marking is loosened.
	Owners []string `json:"owners,omitempty" yaml:"owners,omitempty"`
	// Recipients are the parties it was given to, beside the owners. Persons are written "person@organisation".
	Recipients []string `json:"recipients,omitempty" yaml:"recipients,omitempty"`
}

// Of is a marking with one owner.
func Of(t TLP, owner string) Marking {
	if owner == "" {
		return Marking{TLP: t}
	}
	return Marking{TLP: t, Owners: []string{owner}}
}

// IsZero says that nothing was marked.
func (m Marking) IsZero() bool {
	return m.TLP == Unmarked && len(m.Owners) == 0 && len(m.Recipients) == 0
}

// String is the label, or TLP:RED with a remark when there is none.
func (m Marking) String() string {
	if m.TLP == Unmarked {
		return "TLP:RED (unmarked)"
	}
	return m.TLP.String()
}

// Combine gives the marking of something made from several: the strictest label, all owners, and only the recipients that
// everyone named. Combining nothing gives the zero Marking.
func Combine(ms ...Marking) Marking {
	if len(ms) == 0 {
		return Marking{}
	}
	out := Marking{TLP: ms[0].TLP, Owners: sorted(ms[0].Owners), Recipients: sorted(ms[0].Recipients)}
	for _, m := range ms[1:] {
		// A part that nobody marked leaves the whole unmarked, which is handled as RED and stays visible as an omission.
		if out.TLP == Unmarked || m.TLP == Unmarked {
			out.TLP = Unmarked
		} else {
			out.TLP = Stricter(out.TLP, m.TLP)
		}
		out.Owners = sorted(append(out.Owners, m.Owners...))
		out.Recipients = slices.DeleteFunc(out.Recipients, func(r string) bool { return !slices.Contains(m.Recipients, r) })
	}
	return out
}

// LoosenError says that a marking was to be loosened without its owners.
type LoosenError struct {
	From, To Marking
	Missing  []string // owners that did not agree; empty when the marking names no owner
}

func (e *LoosenError) Error() string {
	if len(e.Missing) == 0 {
		return fmt.Sprintf("marking: loosen %s to %s: no owner is named who could agree", e.From, e.To)
	}
	return fmt.Sprintf("marking: loosen %s to %s: only the owner may; missing %s", e.From, e.To, strings.Join(e.Missing, ", "))
}

// Change gives the marking that m becomes when the organisations in by ask for it. Anyone may tighten.
// Every owner must be in by for a looser label, a new recipient, or the loss of an owner; otherwise a *LoosenError says who is missing.
func (m Marking) Change(to Marking, by ...string) (Marking, error) {
	if !to.TLP.Valid() {
		return m, fmt.Errorf("marking: %d is not a TLP label", uint8(to.TLP))
	}
	if !m.loosenedBy(to) {
		return to, nil
	}
	var missing []string
	for _, o := range m.Owners {
		if !slices.Contains(by, o) {
			missing = append(missing, o)
		}
	}
	if len(missing) > 0 || len(m.Owners) == 0 {
		return m, &LoosenError{From: m, To: to, Missing: missing}
	}
	return to, nil
}

func (m Marking) loosenedBy(to Marking) bool {
	if to.TLP.Rank() < m.TLP.Rank() {
		return true
	}
	for _, r := range to.Recipients {
		if !slices.Contains(m.Recipients, r) && !slices.Contains(m.Owners, r) {
			return true
		}
	}
	for _, o := range m.Owners {
		if !slices.Contains(to.Owners, o) {
			return true
		}
	}
	return false
}

func sorted(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
