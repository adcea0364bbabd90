package kinship

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/fingerprint"
)

// sector counts the fingerprint's items over all organisations that are judged together, each of which is judged by the count in the others,
// so that what it has itself does not speak for it or against it.
//
// What is found in many organisations, and in those too that have nothing of the intruder's alone, is common, whatever its count in the time
// before said: a supplier's service that was rolled out last week. That count can only take weight away. Habits are counted in the
// organisations that have somebody else's intrusion: how common they are among intruders is measured there, and judged only where there is
// none.
type sector struct {
	own       [][]tally // of each organisation, per item; nil for one that has something of the intruder's alone
	all       []tally   // of all of these, per item
	strangers [][]habit // of each organisation, per item; nil for one that is not known to have somebody else's intrusion
}

// tally is on how many hosts an item could be seen, and on how many it was.
type tally struct{ hosts, seen int }

// habit says whether an intrusion shows an item, and how much of what would show it was searched.
type habit struct {
	shown    bool
	searched float64
}

func newSector(f *fingerprint.Fingerprint, rules [][]fingerprint.Rule, all []Evidence) (*sector, error) {
	s := &sector{own: make([][]tally, len(all)), all: make([]tally, len(f.Items)), strangers: make([][]habit, len(all))}
	for k := range all {
		e := &all[k]
		if e.Coverage == nil || e.SeenOn == nil || hasExclusive(f, rules, e) || hasSeveral(f, rules, e) {
			continue
		}
		b, err := fingerprint.NewBaseline(f)
		if err != nil {
			return nil, fmt.Errorf("kinship: %w", err)
		}
		addHosts(b, e.Coverage, func(*coverage.Host) bool { return true })
		for rule, hosts := range e.SeenOn {
			for _, h := range hosts {
				b.Found(rule, hostKey(e.Coverage.Name, h))
			}
		}
		s.own[k] = make([]tally, len(f.Items))
		for i := range f.Items {
			t := &s.own[k][i]
			t.seen, t.hosts = b.Count(f.Items[i].Kind, f.Items[i].Value)
			s.all[i].hosts += t.hosts
			s.all[i].seen += t.seen
		}
	}
	return s, nil
}

func hasExclusive(f *fingerprint.Fingerprint, rules [][]fingerprint.Rule, e *Evidence) bool {
	for i := range f.Items {
		if f.Items[i].Tier == fingerprint.Unique && slices.ContainsFunc(rules[i], func(r fingerprint.Rule) bool { return len(e.Hits[r.ID]) > 0 }) {
			return true
		}
	}
	return false
}

// hasSeveral says whether an organisation in which an intrusion is established shows most of the fingerprint's groups of indicators, and three at least: where
// no log tells digests nothing is this intruder's alone, and his other victims do not make what he has common.
func hasSeveral(f *fingerprint.Fingerprint, rules [][]fingerprint.Rule, e *Evidence) bool {
	if e.Trail == nil || !e.Trail.Intrusion() {
		return false
	}
	found := map[string]bool{} // by group of indicators
	for i := range f.Items {
		it := &f.Items[i]
		if it.Kind.Behaviour() || it.Tier == fingerprint.NeverAlone || it.WayIn || len(rules[i]) == 0 {
			continue
		}
		g := cmp.Or(it.Group, it.Rule)
		found[g] = found[g] || slices.ContainsFunc(rules[i], func(r fingerprint.Rule) bool { return len(e.Hits[r.ID]) > 0 })
	}
	n := 0
	for _, shown := range found {
		if shown {
			n++
		}
	}
	return n >= 3 && 2*n > len(found)
}

// without gives the fingerprint as the organisations other than one make it look.
func (s *sector) without(f *fingerprint.Fingerprint, org int) *fingerprint.Fingerprint {
	out := *f
	out.Items = slices.Clone(f.Items)
	for i := range out.Items {
		t := s.all[i]
		if own := s.own[org]; own != nil {
			t.hosts, t.seen = t.hosts-own[i].hosts, t.seen-own[i].seen
		}
		it := &out.Items[i]
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
	out.CountHabits(func(i int) (shared, intrusions int) {
		searched := 0.0 // half a search is half an intrusion: else those that show it would be all that count
		for k, habits := range s.strangers {
			if k != org && habits != nil {
				searched += habits[i].searched
				if habits[i].shown {
					shared++
				}
			}
		}
		before := out.Items[i].Specificity
		return before.Shared + shared, before.Intrusions + int(math.Round(searched))
	})
	return &out
}
