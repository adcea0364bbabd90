package hunt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/rules"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// DraftMark stands before the title of every rule of an unsigned fingerprint, so that each finding says what it rests on.
const DraftMark = "DRAFT "

// RuleTexts gives the rules of a fingerprint as text, those of a draft marked.
func RuleTexts(f *fingerprint.Fingerprint, draft bool) ([]string, error) {
	all, err := f.Rules()
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(all))
	for i, r := range all {
		texts[i] = r.Text
		if draft {
			texts[i] = strings.Replace(r.Text, "title: '", "title: '"+DraftMark, 1)
		}
	}
	return texts, nil
}

// asking is one reading of some organisations' evidence.
type asking struct {
	wave   int
	what   string
	orgs   []string
	dir    string
	asked  *fingerprint.Fingerprint // may be nil
	draft  bool
	only   bool // the fingerprint's rules and no others
	follow *FollowOptions
	page   bool
	trails func(org string, t *trail.Trail) error
}

// ask sweeps and, where it is wanted, follows. What it writes is what the sweep verb writes; seen is nil when no fingerprint is asked.
func (o *Options) ask(ctx context.Context, a asking) (cert *coverage.Certificate, seen *sightings, err error) {
	q := o.Evidence
	q.Roots, q.NoEvent = o.rootsOf(a.orgs), false
	question := o.Rules
	if question.Sigma == nil && question.BuiltIn == nil {
		question.BuiltIn = rules.FS
	}
	question.Beside = true
	if a.only {
		question.Sigma, question.IOC, question.BuiltIn = nil, nil, nil
	}
	if a.asked != nil {
		if question.Made, err = RuleTexts(a.asked, a.draft); err != nil {
			return nil, nil, err
		}
	}
	set, rejected := match.Load(question)
	q.Rules, q.Rejected = set, nil
	for _, r := range rejected {
		q.Rejected = append(q.Rejected, coverage.Rejected(r))
	}
	if set.Count() == 0 {
		return nil, nil, fmt.Errorf("hunt: %s: no rule can be asked", a.what)
	}
	folder, err := report.NewFolder(a.dir)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	temp := filepath.Join(a.dir, ".hunt")
	if err := errors.Join(os.RemoveAll(temp), os.MkdirAll(temp, 0o700)); err != nil {
		return nil, nil, fmt.Errorf("hunt: %s: %w", a.what, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	q.TempDir = temp
	end := &ending{}
	handlers := []sweep.Handler{folder, end}
	if a.asked != nil {
		if seen, err = newSightings(a.asked); err != nil {
			return nil, nil, err
		}
		handlers = append(handlers, seen)
	}
	if a.page {
		page, err := report.NewPage(a.dir)
		if err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, page.Close()) }()
		handlers = append(handlers, page)
	}
	if a.follow != nil {
		a.follow.Orgs, a.follow.TempDir, a.follow.Inventory = len(a.orgs), temp, o.Evidence.Inventory
		follower := NewFollower(*a.follow)
		defer func() { err = errors.Join(err, follower.Close()) }()
		q.Tap, handlers = follower, append(handlers, follower)
		end.then = func() error { return follower.Each(a.trails) }
	}
	var progress sweep.Progress
	if o.Tell != nil {
		o.Tell(Step{Wave: a.wave, Text: a.what, Orgs: a.orgs, Progress: &progress})
	}
	if err := sweep.Run(ctx, q, report.All(handlers...), &progress); err != nil {
		return nil, nil, err
	}
	if a.asked != nil {
		if err := report.WriteFile(filepath.Join(a.dir, "fingerprint.json"), a.asked.Write); err != nil {
			return nil, nil, err
		}
	}
	if end.then != nil {
		if err := end.then(); err != nil {
			return nil, nil, err
		}
	}
	return end.result.Certificate, seen, nil
}

// ending keeps the end of a sweep.
type ending struct {
	nothing
	result *sweep.Result
	then   func() error
}

func (e *ending) End(r *sweep.Result) error {
	e.result = r
	return nil
}
