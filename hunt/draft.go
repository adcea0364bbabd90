package hunt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
)

// Drafts makes a fingerprint of each of some trails – trail.json as WriteTrail wrote it, by organisation – and weighs what they hold by how common it
// is: in each organisation's own past, in the others' well before the intruder's first known activity, and in all of the evidence of ordinary days. All
// drafts are counted at one reading. A trail of which no fingerprint can be made has a reason in undrafted. Nothing is approved.
func Drafts(ctx context.Context, o Options, trails map[string]string, ordinary []string) (drafts map[string]*fingerprint.Fingerprint, undrafted map[string]error, err error) {
	o.Victim = withInventory(o.Victim, &o)
	drafts, undrafted = map[string]*fingerprint.Fingerprint{}, map[string]error{}
	for _, org := range slices.Sorted(maps.Keys(trails)) {
		if f, err := o.draftOf(trails[org], 0); err != nil {
			undrafted[org] = err
		} else {
			drafts[org] = f
		}
	}
	orgs := o.orgs()
	o.Evidence.Roots = slices.Clone(o.Evidence.Roots)
	for i, path := range ordinary {
		o.Evidence.Roots = append(o.Evidence.Roots, evidence.Root{Org: ordinaryName(i), Path: path})
	}
	dir, err := os.MkdirTemp(o.Evidence.TempDir, "contrail-count-")
	if err != nil {
		return nil, nil, fmt.Errorf("hunt: count: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return drafts, undrafted, o.weigh(ctx, weighing{what: "counting what the draft holds where the intruder was not", drafts: drafts, orgs: orgs, ordinary: len(ordinary), dir: dir})
}

// ordinaryName stands for evidence of ordinary days among organisations: no folder can have that name, so no organisation has.
func ordinaryName(i int) string { return fmt.Sprintf("ordinary/%d", i+1) }

// draftOf drafts a fingerprint from a trail; nothing of it is weighed.
func (o *Options) draftOf(trailPath string, wave int) (*fingerprint.Fingerprint, error) {
	t, err := ReadTrail(trailPath)
	if err != nil {
		return nil, fmt.Errorf("hunt: draft: %w", err)
	}
	f, dropped, err := fingerprint.Draft(t, fingerprint.DraftOptions{Name: o.Name, Victim: o.Victim, Lists: o.Lists, Refuse: o.Refuse})
	if err != nil {
		return nil, err
	}
	if dropped > 0 {
		o.tell(wave, "%d items were left out of the draft: they hold something of the victim or a passenger, or say too little", dropped)
	}
	return f, nil
}

// weighing is a reading that counts what drafts hold.
type weighing struct {
	wave     int
	what     string
	drafts   map[string]*fingerprint.Fingerprint // by organisation
	orgs     []string                            // in whose evidence they are counted
	ordinary int                                 // roots of ordinary days beside
	dir      string                              // where the sweep writes
}

// weigh counts the items of drafts in what is ordinary of some organisations, and rates them by it.
func (o *Options) weigh(ctx context.Context, w weighing) error {
	all := &fingerprint.Fingerprint{Name: cmp.Or(o.Name, "intrusion"), Version: 1, Items: []fingerprint.Item{}}
	known := map[string]bool{}
	for _, org := range slices.Sorted(maps.Keys(w.drafts)) {
		f := w.drafts[org]
		all.Marking = f.Marking
		for _, it := range f.Items {
			if !known[it.Rule] {
				known[it.Rule] = true
				all.Items = append(all.Items, it)
			}
		}
	}
	if rules, err := all.Rules(); err != nil || len(rules) == 0 {
		return err // no log shows any of them
	}
	innocent := map[string]bool{}
	for i := range w.ordinary {
		innocent[ordinaryName(i)] = true
	}
	_, s, err := o.ask(ctx, asking{wave: w.wave, what: w.what, orgs: slices.Concat(w.orgs, slices.Sorted(maps.Keys(innocent))), dir: w.dir, asked: all, draft: true, only: true})
	if err != nil {
		return err
	}
	for org, f := range w.drafts {
		first, undated := time.Parse(time.RFC3339Nano, f.FirstSeen)
		counted, err := s.count(func(x string) kinship.Ordinary {
			switch {
			case innocent[x]:
				return kinship.Ordinary{}
			case undated != nil:
				return kinship.Ordinary{None: true} // without a time nothing is known to be before the intruder
			case x == org:
				return kinship.Ordinary{Before: first}
			}
			return kinship.Ordinary{Before: first.Add(-margin)}
		})
		if err != nil {
			return err
		}
		f.Rate(o.Lists, counted)
	}
	return nil
}
