// Package kinship judges whether organisations were entered by the same intruder as the one that a fingerprint describes.
//
// It promises that a verdict follows from definitions that anyone can check: each item for and against with its weight and records, a
// stated prior, and "not enough evidence" where the evidence could not have shown it. It refuses to take absence for evidence where
// nothing was searched, the same way in for the same hand, and many things of one origin for many things.
//
// Weights are likelihood ratios in decibans, 10·log10 (Good, Probability and the Weighing of Evidence, 1950). A ratio estimated from
// frequencies is bounded by what was counted, 10·log10(N+1) on N hosts; items of one group share the weight of the heaviest.
package kinship

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// Verdict is the answer for one organisation.
type Verdict string

// The verdicts; docs/formats/kinship.md defines them.
const (
	SameIntrusion Verdict = "same-intrusion"
	Related       Verdict = "related"
	Unrelated     Verdict = "unrelated"
	NotFound      Verdict = "not-found"
	NotEnough     Verdict = "not-enough-evidence"
)

// DefaultPrior is the probability, before any evidence, that an organisation of the sector has the same intruder.
const DefaultPrior = 1.0 / 20

// Options of a judgement.
type Options struct {
	Prior float64   // 0 for DefaultPrior
	AsOf  time.Time // until when absence must be shown; zero for the last event of any organisation
}

// Evidence is what is known of one organisation.
type Evidence struct {
	Org string
	// Hits are the records that each rule of the fingerprint matched.
	Hits map[string][]finding.Ref
	// SeenOn are the hosts on which each rule matched; nil when it is not known. With it, what other organisations show takes weight away.
	SeenOn map[string][]string
	// Asked says whether a rule was among those of the sweep.
	Asked func(rule string) bool
	// Grave are records of findings of level high and above by other rules.
	Grave []finding.Ref
	// Beacons are measured intervals with their records.
	Beacons  []Beacon
	Coverage *coverage.Org          // nil when there is no certificate
	Critical func(host string) bool // nil when nobody said, and every host counts as critical
	Trail    *fingerprint.Trail     // nil when nothing was traced
}

// Beacon is a channel that a sweep measured.
type Beacon struct {
	Interval time.Duration
	Ref      finding.Ref
}

// Result is what kinship.json holds.
type Result struct {
	Fingerprint string  `json:"fingerprint"`
	Draft       bool    `json:"draft,omitempty"`
	Prior       float64 `json:"prior"`
	AsOf        string  `json:"as_of,omitempty"`
	// Others are the organisations whose intrusion is somebody else's, in which the habits were counted that other intruders have, too.
	Others []string `json:"others,omitempty"`
	Orgs   []Org    `json:"orgs"`
}

// Org is the judgement of one organisation.
type Org struct {
	Org       string  `json:"org"`
	Verdict   Verdict `json:"verdict"`
	Why       string  `json:"why"`
	Decibans  float64 `json:"decibans"` // of all items together, without the prior
	Posterior float64 `json:"posterior"`
	Band      string  `json:"band"`
	// OtherIntrusion says that there is an intrusion here which is not the fingerprint's, whatever the verdict.
	OtherIntrusion    bool     `json:"other_intrusion"`
	OtherIntrusionWhy string   `json:"other_intrusion_why"`
	Items             []Weight `json:"items"`
	WouldSettle       []string `json:"would_settle"`
}

// Weight is one item for or against.
type Weight struct {
	For      bool             `json:"for"`
	Decibans float64          `json:"decibans"` // negative when against; 0 for what shares the weight of another
	Text     string           `json:"text"`
	Refs     []finding.Ref    `json:"refs"`
	Kind     fingerprint.Kind `json:"kind,omitempty"`
	Value    string           `json:"value,omitempty"`
	Group    string           `json:"group,omitempty"`
}

// Judge judges every organisation, in their order.
func Judge(f *fingerprint.Fingerprint, all []Evidence, o Options) (*Result, error) {
	if o.Prior == 0 {
		o.Prior = DefaultPrior
	}
	if !(o.Prior > 0 && o.Prior < 1) {
		return nil, fmt.Errorf("kinship: a prior of %g is no probability between 0 and 1", o.Prior)
	}
	if len(f.Items) == 0 {
		return nil, errors.New("kinship: the fingerprint has no items")
	}
	rules, err := f.Rules()
	if err != nil {
		return nil, fmt.Errorf("kinship: %w", err)
	}
	byItem := make([][]fingerprint.Rule, len(f.Items))
	for _, r := range rules {
		byItem[r.Item] = append(byItem[r.Item], r)
	}
	if o.AsOf.IsZero() {
		o.AsOf = lastEvent(all)
	}
	res := &Result{Fingerprint: fmt.Sprintf("%s v%d", f.Name, f.Version), Prior: o.Prior, Orgs: []Org{}}
	if !o.AsOf.IsZero() {
		res.AsOf = o.AsOf.UTC().Format(time.RFC3339Nano)
	}
	counted, err := newSector(f, byItem, all)
	if err != nil {
		return nil, err
	}
	// Who has somebody else's intrusion is judged first, without a measure of what others do, and not again with it: so nobody makes others
	// somebody else's by having become so himself.
	strangers := make([][]habit, len(all))
	for i := range all {
		j := &judge{f: counted.without(f, i), rules: byItem, e: &all[i], o: o}
		if org := j.judge(); org.Verdict == Unrelated && j.e.Trail != nil {
			strangers[i] = j.habits()
			res.Others = append(res.Others, org.Org)
		}
	}
	counted.strangers = strangers
	for i := range all {
		j := &judge{f: counted.without(f, i), rules: byItem, e: &all[i], o: o}
		res.Orgs = append(res.Orgs, j.judge())
	}
	return res, nil
}

// Posterior is the probability after evidence of so many decibans.
func Posterior(prior, decibans float64) float64 {
	odds := prior / (1 - prior) * math.Pow(10, decibans/10)
	if math.IsInf(odds, 1) {
		return 1
	}
	return odds / (1 + odds)
}

// Band says a probability in words, after the scale that intelligence services use (ICD 203).
func Band(p float64) string {
	switch {
	case p >= 0.99:
		return "almost certain"
	case p >= 0.95:
		return "very likely"
	case p >= 0.80:
		return "likely"
	case p >= 0.55:
		return "more likely than not"
	case p >= 0.45:
		return "about even"
	case p >= 0.20:
		return "unlikely"
	case p >= 0.05:
		return "very unlikely"
	}
	return "almost certainly not"
}

func lastEvent(all []Evidence) (last time.Time) {
	for i := range all {
		if all[i].Coverage == nil {
			continue
		}
		for _, h := range all[i].Coverage.Hosts {
			for _, s := range h.Sources {
				if t, err := time.Parse(time.RFC3339Nano, s.Last); err == nil && t.After(last) {
					last = t
				}
			}
		}
	}
	return last
}
