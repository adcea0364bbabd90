package exposure

import (
	"slices"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Loss is evidence that was met and not read, or not to its end: a member that no password opened, a stream that breaks off, a
// folder that cannot be listed, a form that is not looked into.
type Loss struct {
	Org    string `json:"org"`
	Status Status `json:"status"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
	Bytes  int64  `json:"bytes,omitempty"` // 0 when nobody knows
	// Open says that what is missing may hold records, so that no number above it is certain.
	Open bool `json:"open"`
	// Sealed says that Bytes lie there and nobody can look into them: what they hold is estimated. Packed, that they are compressed.
	Sealed bool `json:"sealed,omitempty"`
	Packed bool `json:"packed,omitempty"`
}

// Lose notes a loss. The upper bound of every count of its organisation and status goes with it, when the loss is open.
func (c *Counter) Lose(l Loss) {
	if l.Sealed && l.Bytes > 0 {
		l.Open = true
		c.AddPayload(Payload{Org: l.Org, Status: l.Status, Name: l.Name, Bytes: l.Bytes, Packed: l.Packed})
	}
	c.losses = append(c.losses, l)
}

// Broken notes damage of a stream that was found only after it was read: the archive or compression around it broke off. What came
// behind is missing from every count.
func (c *Counter) Broken(src Source, format string, damage ...Damage) {
	if len(damage) == 0 {
		return
	}
	files := c.files[src.Org]
	i := len(files) - 1
	for i >= 0 && (files[i].Name != src.Name || files[i].Status != src.Status) {
		i--
	}
	if i < 0 {
		files = append(files, File{Name: src.Name, Status: src.Status, Format: format})
		i = len(files) - 1
		c.files[src.Org] = files
	}
	f := &files[i]
	t := c.tally(src.Org, src.Status)
	for _, d := range damage {
		f.Damages++
		if len(f.Damage) < keptDamage {
			f.Damage = append(f.Damage, d)
		}
		t.damages++
	}
	t.broken++
}

// openLosses counts the losses of an organisation under a status that may hold records.
func (c *Counter) openLosses(org string, s Status) int {
	n := 0
	for _, l := range c.losses {
		if l.Org == org && l.Status == s && l.Open && !l.Sealed {
			n++
		}
	}
	return n
}

// unbound takes the upper bounds from counts that evidence which could not be read may add to.
func unbound(kinds []KindCount, s Status, why string) []KindCount {
	if len(kinds) == 0 { // nothing was counted, which is not to say that nothing is there
		kinds = append(kinds, KindCount{Kind: record.Rows.String(), Unit: record.Rows.Unit(), Status: s})
	}
	for i := range kinds {
		k := &kinds[i]
		k.Exact, k.Upper = nil, nil
		k.Why = append(slices.Clone(k.Why), why)
	}
	return kinds
}

// tidy keeps what says something: a file with records, messages or damage, and of the others the first keptEmpty.
func (c *Counter) tidy(org string, f File) {
	if f.Rows == 0 && f.Messages == 0 && f.Damages == 0 && len(f.Tables) == 0 {
		if c.empty[org]++; c.empty[org] > keptEmpty {
			return
		}
	}
	c.files[org] = append(c.files[org], f)
}
