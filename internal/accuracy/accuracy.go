// Package accuracy holds what a trace says against what is known to have happened.
//
// Recall is the share of actions that can be reached from the start with at least one correct reference of role intrusion, averaged over stages, so that
// one beacon's ten thousand flows are one action. Precision is the share of references of role intrusion that are the intruder's, repeated flows
// of one channel counted once, averaged over sources. The package judges references only; it knows neither graph nor rules.
package accuracy

import (
	"path"
	"slices"
	"strings"
)

// Ref is a record: the file relative to the organisation's evidence folder, and the record's number.
type Ref struct {
	File   string
	Record uint64
}

// Action is one thing the intruder did.
type Action struct {
	ID, Stage string
	Refs      []Ref
	Reachable bool // from the start that is judged
}

// Claim is a reference of role intrusion. Claims of one channel – the same two ends of a flow in one file – count once.
type Claim struct {
	Ref     Ref
	Channel string // "" for a record that stands for itself
}

// Score is the outcome for one start.
type Score struct {
	Recall    float64 // over reachable actions, averaged over stages
	All       float64 // over all visible actions, averaged over stages
	Precision float64 // averaged over sources
	Missed    []string
	Wrong     []Ref
	ByStage   map[string]float64
	BySource  map[string]float64
}

// Judge compares.
func Judge(actions []Action, claims []Claim) Score {
	claimed := map[Ref]bool{}
	for _, c := range claims {
		claimed[c.Ref] = true
	}
	s := Score{ByStage: map[string]float64{}, BySource: map[string]float64{}}
	true_ := map[Ref]bool{}
	type ratio struct{ hit, n int }
	reach, all := map[string]*ratio{}, map[string]*ratio{}
	bump := func(m map[string]*ratio, k string, hit bool) {
		if m[k] == nil {
			m[k] = &ratio{}
		}
		m[k].n++
		if hit {
			m[k].hit++
		}
	}
	for _, a := range actions {
		hit := false
		for _, r := range a.Refs {
			true_[r] = true
			hit = hit || claimed[r]
		}
		if len(a.Refs) == 0 {
			continue
		}
		bump(all, a.Stage, hit)
		if a.Reachable {
			bump(reach, a.Stage, hit)
			if !hit {
				s.Missed = append(s.Missed, a.ID)
			}
		}
	}
	mean := func(m map[string]*ratio, into map[string]float64) float64 {
		if len(m) == 0 {
			return 1
		}
		sum := 0.0
		for k, r := range m {
			v := float64(r.hit) / float64(r.n)
			if into != nil {
				into[k] = v
			}
			sum += v
		}
		return sum / float64(len(m))
	}
	s.Recall, s.All = mean(reach, s.ByStage), mean(all, nil)

	sources := map[string]*ratio{}
	seen := map[string]bool{}
	counted := map[Ref]bool{}
	for _, c := range claims {
		if counted[c.Ref] {
			continue
		}
		counted[c.Ref] = true
		if c.Channel != "" {
			if k := c.Ref.File + "\x00" + c.Channel; seen[k] {
				continue
			} else {
				seen[k] = true
			}
		}
		bump(sources, source(c.Ref.File), true_[c.Ref])
		if !true_[c.Ref] {
			s.Wrong = append(s.Wrong, c.Ref)
		}
	}
	s.Precision = mean(sources, s.BySource)
	slices.Sort(s.Missed)
	return s
}

// source is the kind of log: the file's name without folder and number of rotation.
func source(file string) string { return strings.ToLower(path.Base(file)) }

// Median and Min summarise scores.
func Median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	if len(s) == 0 {
		return 0
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// Min gives the least, 0 of none.
func Min(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	return slices.Min(xs)
}
