package fingerprint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Find gives the index of the item that a person means: its number counted from 1, the beginning of its rule (six digits or more), or its
// value.
func (f *Fingerprint) Find(what string) (int, error) {
	var n int
	if _, err := fmt.Sscanf(what, "%d", &n); err == nil && fmt.Sprint(n) == what && n >= 1 && n <= len(f.Items) {
		return n - 1, nil
	}
	at := -1
	for i, it := range f.Items {
		if it.Value == what || len(what) >= 6 && strings.HasPrefix(it.Rule, what) {
			if at >= 0 {
				return 0, fmt.Errorf("fingerprint: %q means more than one item: give its number", what)
			}
			at = i
		}
	}
	if at < 0 {
		return 0, fmt.Errorf("fingerprint: no item %q", what)
	}
	return at, nil
}

// Approve says that a person lets the items leave.
func (f *Fingerprint) Approve(by string, items ...int) error {
	if by = strings.TrimSpace(by); by == "" || len(by) > 200 {
		return errors.New("fingerprint: approve: who approves? A name has 1 to 200 bytes")
	}
	for _, i := range items {
		if i < 0 || i >= len(f.Items) {
			return fmt.Errorf("fingerprint: approve: no item %d", i+1)
		}
	}
	for _, i := range items {
		f.Items[i].ApprovedBy = by
	}
	return nil
}

// Remove takes items out.
func (f *Fingerprint) Remove(items ...int) {
	i := -1
	f.Items = slices.DeleteFunc(f.Items, func(Item) bool { i++; return slices.Contains(items, i) })
}

// SetTier changes the tier of an item and takes its approval back: what was approved was another claim.
func (f *Fingerprint) SetTier(i int, t Tier, why string) error {
	if i < 0 || i >= len(f.Items) {
		return fmt.Errorf("fingerprint: edit: no item %d", i+1)
	}
	it := f.Items[i]
	it.Tier = t
	it.Reasons = slices.Clone(it.Reasons)
	if why != "" {
		it.Reasons = append(it.Reasons, why)
	}
	it.Specificity.Decibans = Weigh(it.Kind, t, it.Specificity)
	it.ApprovedBy = ""
	changed := *f
	changed.Items = slices.Clone(f.Items)
	changed.Items[i] = it
	if err := changed.Check(); err != nil {
		return err
	}
	f.Items = changed.Items
	f.sort()
	return nil
}

// Release makes the form that leaves: only approved items that have not expired, without the references to the victim's records, valid
// from and until the given times. What is not approved is an error unless skip is set.
func (f *Fingerprint) Release(v Victim, from, until time.Time, skip bool) (*Fingerprint, error) {
	if !until.After(from) {
		return nil, errors.New("fingerprint: release: it would expire before it is valid")
	}
	out := *f
	out.NotBefore, out.Expires = from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)
	out.Items = []Item{}
	waiting := 0
	for _, it := range f.Items {
		if it.ApprovedBy == "" {
			waiting++
			continue
		}
		if end, _ := moment(it.Expires); !end.IsZero() && !end.After(from) {
			continue
		}
		it.Refs = []Ref{}
		out.Items = append(out.Items, it)
	}
	if waiting > 0 && !skip {
		return nil, fmt.Errorf("fingerprint: release: %d of %d items are not approved: approve or remove them", waiting, len(f.Items))
	}
	if len(out.Items) == 0 {
		return nil, errors.New("fingerprint: release: no approved item is left")
	}
	if out.Marking.IsZero() {
		return nil, errors.New("fingerprint: release: it has no marking: say who may see it")
	}
	if err := errors.Join(out.Check(), out.Guard(v)); err != nil {
		return nil, err
	}
	if _, err := out.Rules(); err != nil {
		return nil, err
	}
	return &out, nil
}
