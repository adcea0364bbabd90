package hunt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
)

// taught is an item that a wave puts forward.
type taught struct {
	item   fingerprint.Item
	lesson Lesson
}

func refOf(r fingerprint.Ref) finding.Ref { return finding.Ref{File: r.File, Record: r.Record} }

// learn gives what the organisations that were judged the same intrusion show beside the version that was asked. Nobody else teaches: from an
// organisation that is merely related, somebody else's things would enter and make his victims this intruder's.
func (h *hunter) learn(ctx context.Context, n int, w *wave, next *fingerprint.Fingerprint) ([]taught, error) {
	have := map[string]bool{}
	for _, it := range next.Items {
		have[it.Rule] = true
	}
	var all []taught
	at := map[string]int{}
	for i := range w.kinship.Orgs {
		k := &w.kinship.Orgs[i]
		if k.Verdict != kinship.SameIntrusion {
			continue
		}
		folder, err := OrgFolder(w.dir, k.Org)
		if err != nil {
			return nil, err
		}
		t, err := ReadTrail(filepath.Join(folder, "trail.json"))
		if err != nil {
			return nil, fmt.Errorf("hunt: learn from %s: %w", k.Org, err)
		}
		draft, _, err := fingerprint.Draft(t, fingerprint.DraftOptions{Name: h.Name, Victim: h.Victim, Lists: h.Lists, Refuse: h.Refuse})
		if errors.Is(err, fingerprint.ErrNoIntrusion) {
			continue // too thin to follow
		}
		if err != nil {
			return nil, fmt.Errorf("hunt: learn from %s: %w", k.Org, err)
		}
		draft.Items = slices.DeleteFunc(draft.Items, func(it fingerprint.Item) bool {
			return have[it.Rule] || h.state.lesson(it.Rule) != nil || it.WayIn || it.Kind == fingerprint.Sequence || it.Kind == fingerprint.ToolSet || it.Kind == fingerprint.WorkingHours
		})
		if len(draft.Items) == 0 {
			continue
		}
		h.tell(n, "%s shows %d things that the fingerprint does not have", k.Org, len(draft.Items))
		if err := h.counted(ctx, n, k.Org, draft, filepath.Join(folder, "count")); err != nil {
			return nil, err
		}
		follows := tied(t, knownRecords(k, w.rated))
		for _, it := range draft.Items {
			l := Lesson{Rule: it.Rule, Wave: n, Orgs: []string{k.Org}}
			for _, r := range it.Refs {
				l.Refs = append(l.Refs, refOf(r))
				l.Tied = l.Tied || follows[refOf(r)]
			}
			if k.OtherIntrusion && !l.Tied {
				l.Doubt = fmt.Sprintf("%s has another intrusion, too, and no record ties this to the known one", k.Org)
			} else if !l.Tied {
				l.Doubt = "no record ties this to what was known before"
			}
			it.Refs = nil // of which organisation is said by the lesson; in a fingerprint it would name files of several
			if p, there := at[it.Rule]; there {
				all[p].join(&it, &l)
				continue
			}
			at[it.Rule] = len(all)
			it.Reasons = append(it.Reasons, fmt.Sprintf("learnt in wave %d from an organisation with the same intrusion", n))
			all = append(all, taught{it, l})
		}
	}
	return all, nil
}

// join adds what another organisation says of the same item: both counts count.
func (x *taught) join(it *fingerprint.Item, l *Lesson) {
	x.lesson.Orgs = append(x.lesson.Orgs, l.Orgs...)
	x.lesson.Tied = x.lesson.Tied || l.Tied
	if x.lesson.Tied {
		x.lesson.Doubt = ""
	}
	one := &fingerprint.Fingerprint{Items: []fingerprint.Item{x.item}}
	one.Rate(nil, sum{x.item.Specificity, it.Specificity})
	x.item = one.Items[0]
}

// sum adds two counts of one item.
type sum struct{ a, b fingerprint.Specificity }

func (s sum) Count(fingerprint.Kind, string) (seen, hosts int) {
	return s.a.Seen + s.b.Seen, s.a.Hosts + s.b.Hosts
}

// knownRecords are the records by which an organisation was recognised: those of indicators. A habit may be somebody else's, too.
func knownRecords(k *kinship.Org, f *fingerprint.Fingerprint) map[finding.Ref]bool {
	known := map[finding.Ref]bool{}
	for _, w := range k.Items {
		if !w.For || w.Kind.Behaviour() {
			continue
		}
		for _, it := range f.Items {
			if it.Kind == w.Kind && it.Value == w.Value && it.Tier != fingerprint.NeverAlone && !it.WayIn {
				for _, r := range w.Refs {
					known[r] = true
				}
			}
		}
	}
	return known
}

// counted counts a draft's items in the organisation's own past, and rates them by it.
func (o *Options) counted(ctx context.Context, wave int, org string, f *fingerprint.Fingerprint, dir string) error {
	return o.weigh(ctx, weighing{wave: wave, what: "counting new items in the past of " + org, drafts: map[string]*fingerprint.Fingerprint{org: f}, orgs: []string{org}, dir: dir})
}
