package kinship

import (
	"fmt"
	"slices"

	"github.com/contrail-ir/contrail/fingerprint"
)

// sector counts the fingerprint's items over all organisations that are judged together.
//
// What is found in many organisations, and in those too that have nothing of the intruder's alone, is common, whatever its count in the time
// before said: a supplier's service that was rolled out last week. Each organisation is judged by the count in the others, so that what
// it has itself does not speak for it or against it. The count can only take weight away.
type sector struct {
	counts [][]tally // of each organisation, per item; nil for one that has something of the intruder's alone
}

// tally is on how many hosts an item could be seen, and on how many it was.
type tally struct{ hosts, seen int }

func newSector(f *fingerprint.Fingerprint, rules [][]fingerprint.Rule, all []Evidence) *sector {
	s := &sector{}
	for k := range all {
		e := &all[k]
		if e.Coverage == nil || e.SeenOn == nil || hasExclusive(f, rules, e) {
			s.counts = append(s.counts, nil)
			continue
		}
		counts := make([]tally, len(f.Items))
		profiles := unanswered(e.Coverage)
		for i := range f.Items {
			on := map[string]bool{}
			for _, r := range rules[i] {
				for _, h := range e.SeenOn[r.ID] {
					on[h] = true
				}
			}
			counts[i].seen = len(on)
			for h := range e.Coverage.Hosts {
				cannot := profiles[e.Coverage.Hosts[h].Profile]
				if cannot != nil && slices.ContainsFunc(rules[i], func(r fingerprint.Rule) bool { return !cannot[r.ID] }) {
					counts[i].hosts++
				}
			}
		}
		s.counts = append(s.counts, counts)
	}
	return s
}

func hasExclusive(f *fingerprint.Fingerprint, rules [][]fingerprint.Rule, e *Evidence) bool {
	for i := range f.Items {
		if f.Items[i].Tier == fingerprint.Unique && slices.ContainsFunc(rules[i], func(r fingerprint.Rule) bool { return len(e.Hits[r.ID]) > 0 }) {
			return true
		}
	}
	return false
}

// without gives the fingerprint as the organisations other than one make it look.
func (s *sector) without(f *fingerprint.Fingerprint, org int) *fingerprint.Fingerprint {
	out := *f
	out.Items = slices.Clone(f.Items)
	for i := range out.Items {
		var t tally
		for k, c := range s.counts {
			if k != org && c != nil {
				t.hosts += c[i].hosts
				t.seen += c[i].seen
			}
		}
		it := &out.Items[i]
		t.seen = min(t.seen, t.hosts)
		if t.seen == 0 || fingerprint.Cap(t.hosts)-fingerprint.Cap(t.seen) >= fingerprint.Cap(it.Specificity.Hosts)-fingerprint.Cap(it.Specificity.Seen) {
			continue
		}
		it.Specificity.Hosts, it.Specificity.Seen = t.hosts, t.seen
		if it.Tier != fingerprint.NeverAlone {
			it.Tier = fingerprint.Supporting
		}
		if t.seen*20 >= t.hosts {
			it.Tier = fingerprint.NeverAlone
		}
		it.Reasons = append(slices.Clone(it.Reasons), fmt.Sprintf("seen on %d of %d hosts of the other organisations that have nothing of this intruder's alone", t.seen, t.hosts))
	}
	return &out
}
