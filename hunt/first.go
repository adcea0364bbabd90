package hunt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/trail"
)

// Outcome is what one wave came to.
type Outcome struct {
	First       *trail.Trail             // of the first victim; nil when the hunt began with a fingerprint
	Fingerprint *fingerprint.Fingerprint // that was asked, rated by what was counted
	Trails      map[string]*trail.Trail  // of every organisation that was swept
	Certificate *coverage.Certificate
	Kinship     *kinship.Result   // of every organisation but the first victim
	Folder      string            // findings.jsonl, coverage.json, fingerprint.json, kinship.json, report.html, orgs/NAME/…
	FirstFolder string            // of the first victim's trace; "" when there is none
	Since       map[string]string // of each organisation: when something of the fingerprint was seen first, RFC 3339; absent when nothing was
	LeftOut     int               // items of the draft that the review left out
}

// FromFirst is a hunt of one wave without a person: it traces the first victim, drafts a fingerprint, counts it in that organisation's own past, keeps
// what a careful reviewer would (what is never alone goes), sweeps all organisations with it, follows the intruder in each, and judges them. All of
// it is a DRAFT: nothing is approved or signed.
//
// The first victim's evidence is read three times, the others' once. Under o.Out it leaves first/ (the trace), first/count/ and sweep/.
// When the trace establishes no intrusion the error wraps ErrNoIntrusion, and the outcome holds the trail that says why.
func FromFirst(ctx context.Context, o Options) (*Outcome, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.First == "" {
		return nil, errors.New("hunt: no first victim")
	}
	out := &Outcome{FirstFolder: filepath.Join(o.Out, "first")}
	draft, first, err := o.drafted(ctx, out.FirstFolder)
	out.First = first
	if err != nil {
		return out, err
	}
	var left []int
	for i, it := range draft.Items {
		if !worthAsking(&it) {
			left = append(left, i)
		}
	}
	out.LeftOut = len(left)
	draft.Remove(left...)
	if len(draft.Items) == 0 {
		return out, fmt.Errorf("hunt: every item of the draft is one that anybody may show: %w", ErrNothingToAsk)
	}
	w, err := o.wave(ctx, 1, draft, true, filepath.Join(o.Out, "sweep"))
	if err != nil {
		return out, err
	}
	out.Fingerprint, out.Trails, out.Certificate, out.Kinship, out.Folder = w.rated, w.trails, w.cert, w.kinship, w.dir
	out.Since = w.since
	return out, nil
}

// Errors of a hunt that cannot begin.
var (
	ErrNoIntrusion  = errors.New("the trace of the first victim established no intrusion")
	ErrNothingToAsk = errors.New("no item is left to ask others with")
)

// worthAsking says whether an item tells anything. What is never alone weighs next to nothing; the way in is kept, to say that it is shared.
func worthAsking(it *fingerprint.Item) bool { return it.Tier != fingerprint.NeverAlone || it.WayIn }

// drafted traces the first victim and drafts its fingerprint, counted in its own past.
func (o *Options) drafted(ctx context.Context, dir string) (f *fingerprint.Fingerprint, first *trail.Trail, err error) {
	follow := &FollowOptions{}
	for _, s := range o.From {
		follow.From = append(follow.From, Start{Org: o.First, Start: s})
	}
	_, _, err = o.ask(ctx, asking{what: "trace of the first victim", orgs: []string{o.First}, dir: dir, follow: follow, page: true, trails: func(_ string, t *trail.Trail) error {
		first = t
		return WriteTrail(dir, t)
	}})
	if err != nil {
		return nil, nil, err
	}
	if !first.Established {
		return nil, first, fmt.Errorf("hunt: %w: %s", ErrNoIntrusion, first.Why)
	}
	if f, err = o.draftOf(filepath.Join(dir, "trail.json"), 0); err != nil {
		return nil, first, err
	}
	if err := o.counted(ctx, 0, o.First, f, filepath.Join(dir, "count")); err != nil {
		return nil, first, err
	}
	return f, first, report.WriteFile(filepath.Join(dir, "fingerprint.json"), f.Write)
}

// wave is one sweep of all organisations with a version of the fingerprint, and the judgement.
type wave struct {
	dir     string
	asked   *fingerprint.Fingerprint
	rated   *fingerprint.Fingerprint
	trails  map[string]*trail.Trail
	cert    *coverage.Certificate
	seen    *sightings
	kinship *kinship.Result
	demoted []Demotion
	since   map[string]string // of each organisation: when something of the intruder was seen first
}

func (o *Options) wave(ctx context.Context, n int, asked *fingerprint.Fingerprint, draft bool, dir string) (*wave, error) {
	w := &wave{dir: dir, asked: asked, trails: map[string]*trail.Trail{}}
	var err error
	orgs := o.orgs()
	if err := os.RemoveAll(filepath.Join(dir, "orgs")); err != nil { // an earlier attempt's trails must not be judged
		return nil, fmt.Errorf("hunt: %w", err)
	}
	w.cert, w.seen, err = o.ask(ctx, asking{wave: n, what: fmt.Sprintf("sweep of %d organisations with version %d", len(orgs), asked.Version), orgs: orgs, dir: dir, asked: asked, draft: draft, page: true,
		follow: &FollowOptions{Seeds: Seeds(asked)}, trails: func(org string, t *trail.Trail) error {
			w.trails[org] = t
			folder, err := OrgFolder(dir, org)
			if err != nil {
				return err
			}
			return WriteTrail(folder, t)
		}})
	if err != nil {
		return nil, err
	}
	o.tell(n, "judging")
	if err := o.judge(w, draft); err != nil {
		return nil, err
	}
	return w, report.WriteFile(filepath.Join(dir, "kinship.json"), w.kinship.Write)
}

// Demotion is an item that was found where the intruder was not.
type Demotion struct {
	Kind  fingerprint.Kind `json:"kind"`
	Value string           `json:"value"`
	From  fingerprint.Tier `json:"from"`
	To    fingerprint.Tier `json:"to"`
	Seen  int              `json:"seen"`
	Hosts int              `json:"hosts"`
}

// maxRounds bounds how often organisations are judged anew because what was counted in them changed the weights.
const maxRounds = 3

// judge rates the fingerprint by what was counted and judges. What is ordinary is each organisation's past, well before the first known activity,
// and all the evidence of organisations that were judged clean or unrelated: so an item that is found where the intruder was not loses its
// weight, and the organisations are judged anew.
func (o *Options) judge(w *wave, draft bool) error {
	s := w.seen
	first, err := time.Parse(time.RFC3339Nano, w.asked.FirstSeen)
	if err != nil {
		first = s.earliest() // a report that somebody else wrote does not say when it began
	}
	all, err := kinship.ReadSweep(w.dir, w.asked)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(e kinship.Evidence) bool { return e.Org == o.First })
	for i := range all {
		all[i].Critical = coverage.Critical(o.Evidence.Inventory, all[i].Org)
	}
	innocent := map[string]bool{}
	for range maxRounds {
		counted, err := s.count(func(org string) kinship.Ordinary {
			switch {
			case innocent[org]:
				return kinship.Ordinary{}
			case first.IsZero():
				return kinship.Ordinary{None: true}
			case org == o.First:
				return kinship.Ordinary{Before: first}
			}
			return kinship.Ordinary{Before: first.Add(-margin)}
		})
		if err != nil {
			return err
		}
		w.rated = clone(w.asked)
		w.rated.Rate(o.Lists, known{counted, w.asked})
		o.cap(w.rated)
		if w.kinship, err = kinship.Judge(w.rated, all, kinship.Options{Prior: o.Prior}); err != nil {
			return err
		}
		w.kinship.Draft = draft
		changed := false
		for _, x := range w.kinship.Orgs {
			if (x.Verdict == kinship.Unrelated || x.Verdict == kinship.NotFound) && !innocent[x.Org] {
				innocent[x.Org], changed = true, true
			}
		}
		if !changed {
			break
		}
	}
	w.demoted, w.since = demotions(w.asked, w.rated), s.since(w.rated)
	return nil
}

// known adds what was counted elsewhere before, such as in a baseline that a person chose, to what this sweep counted.
type known struct {
	counted *fingerprint.Baseline
	before  *fingerprint.Fingerprint
}

// Count implements fingerprint.Counter. Where the sweep could count, its count stands: it holds the earlier one's hosts.
func (k known) Count(kind fingerprint.Kind, value string) (seen, hosts int) {
	seen, hosts = k.counted.Count(kind, value)
	for _, it := range k.before.Items {
		if it.Kind == kind && it.Value == value && it.Specificity.Hosts > hosts {
			// The larger count wins, and nothing that was seen is forgotten.
			return max(seen, it.Specificity.Seen), it.Specificity.Hosts
		}
	}
	return seen, hosts
}

// cap keeps what an earlier wave demoted from rising again: an organisation that was innocent then may be judged otherwise since only because
// of what was learnt meanwhile.
func (o *Options) cap(f *fingerprint.Fingerprint) {
	for i := range f.Items {
		it := &f.Items[i]
		if t, there := o.capped[it.Rule]; there && worse(t, it.Tier) {
			it.Tier = t
			it.Specificity.Decibans = fingerprint.Weigh(it.Kind, t, it.Specificity)
		}
	}
}

func clone(f *fingerprint.Fingerprint) *fingerprint.Fingerprint {
	c := *f
	c.Items = slices.Clone(f.Items)
	for i := range c.Items {
		c.Items[i].Reasons = slices.Clone(c.Items[i].Reasons)
	}
	return &c
}

// worse says whether a tier carries less far than another.
func worse(a, b fingerprint.Tier) bool {
	return slices.Index(tierOrder, a) > slices.Index(tierOrder, b)
}

func demotions(before, after *fingerprint.Fingerprint) (out []Demotion) {
	tier := map[string]fingerprint.Tier{}
	for _, it := range before.Items {
		tier[it.Rule] = it.Tier
	}
	for _, it := range after.Items {
		if was := tier[it.Rule]; worse(it.Tier, was) {
			out = append(out, Demotion{it.Kind, it.Value, was, it.Tier, it.Specificity.Seen, it.Specificity.Hosts})
		}
	}
	return out
}
