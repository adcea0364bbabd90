package kinship

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// judge weighs one organisation.
type judge struct {
	f     *fingerprint.Fingerprint
	rules [][]string // of each item
	e     *Evidence
	o     Options

	cannot  []map[string]bool // per host: rules that its evidence cannot answer; nil when nothing is known of it
	matched []group           // groups with something found, heaviest first
	items   []Weight
	total   float64
	asked   int // groups that could be searched
}

// group is correlated items of which something was found.
type group struct {
	name     string
	item     *fingerprint.Item // the heaviest
	decibans float64
	records  []finding.Ref
}

// found is an item that the organisation's evidence shows.
type found struct {
	decibans float64
	refs     []finding.Ref
	text     string
}

func (j *judge) weigh() {
	j.hosts()
	groups := map[string][]int{}
	var order []string
	for i := range j.f.Items {
		name := j.f.Items[i].Group
		if name == "" {
			name = j.f.Items[i].Rule
		}
		if _, there := groups[name]; !there {
			order = append(order, name)
		}
		groups[name] = append(groups[name], i)
	}
	type absence struct {
		decibans float64
		text     string
		n        int
	}
	absent := map[bool]*absence{true: {}, false: {}} // by whether it is behaviour
	for _, name := range order {
		best := group{name: name}
		searched := 0.0
		reuse, behaviour := 0.0, false
		start := len(j.items)
		for _, i := range groups[name] {
			it := &j.f.Items[i]
			if hit, ok := j.find(i); ok {
				w := Weight{For: true, Decibans: hit.decibans, Text: hit.text, Refs: hit.refs, Kind: it.Kind, Value: it.Value, Group: it.Group}
				j.items = append(j.items, w)
				if best.item == nil || hit.decibans > best.decibans {
					best.item, best.decibans = it, hit.decibans
				}
				best.records = append(best.records, hit.refs...)
				continue
			}
			if c := j.searched(i); c > 0 && it.Tier != fingerprint.NeverAlone && !it.WayIn {
				searched, reuse, behaviour = max(searched, c), max(reuse, it.Kind.Reuse()), behaviour || it.Kind.Behaviour()
			}
		}
		if best.item != nil {
			j.asked++
			// Only the heaviest of a group counts.
			counted := false
			for k := start; k < len(j.items); k++ {
				if !counted && j.items[k].Decibans == best.decibans {
					counted = true
				} else if j.items[k].Decibans > 0 {
					j.items[k].Decibans = 0
					j.items[k].Text += "; shares the weight of another item of its group"
				}
			}
			j.total += best.decibans
			j.matched = append(j.matched, best)
			continue
		}
		if searched > 0 {
			j.asked++
			a := absent[behaviour]
			a.n++
			if d := 10 * math.Log10(1-reuse*searched); d < a.decibans {
				a.decibans, a.text = d, fmt.Sprintf("%s %q", j.f.Items[groups[name][0]].Kind, j.f.Items[groups[name][0]].Value)
			}
		}
	}
	// An intruder that changes one indicator changes them all, so absent ones share one weight; absent habits likewise.
	for _, behaviour := range []bool{false, true} {
		if a := absent[behaviour]; a.n > 0 {
			what := map[bool]string{false: "indicators", true: "habits"}[behaviour]
			d := math.Round(a.decibans*100) / 100
			j.items = append(j.items, Weight{Decibans: d, Text: fmt.Sprintf("%d groups of %s were searched and not found, the strongest being %s", a.n, what, a.text), Refs: []finding.Ref{}})
			j.total += d
		}
	}
	slices.SortStableFunc(j.matched, func(a, b group) int { return cmp.Compare(b.decibans, a.decibans) })
	slices.SortStableFunc(j.items, func(a, b Weight) int {
		switch {
		case a.For != b.For:
			if a.For {
				return -1
			}
			return 1
		case a.Decibans > b.Decibans:
			return -1
		case a.Decibans < b.Decibans:
			return 1
		}
		return 0
	})
	j.total = math.Round(j.total*100) / 100
}

// maxRefs bounds the records shown with an item.
const maxRefs = 100

// find looks for an item in what the sweep matched and the trail tells.
func (j *judge) find(i int) (found, bool) {
	it := &j.f.Items[i]
	w := fingerprint.Weigh(it.Kind, it.Tier, it.Specificity)
	if it.WayIn {
		w = min(w, fingerprint.Weigh(it.Kind, fingerprint.NeverAlone, it.Specificity))
	}
	var refs []finding.Ref
	for _, r := range j.rules[i] {
		refs = append(refs, j.e.Hits[r]...)
	}
	text := fmt.Sprintf("%s %q was found", it.Kind, it.Value)
	share := 1.0
	if len(refs) == 0 {
		switch it.Kind {
		case fingerprint.Sequence:
			share, refs = j.align(strings.Fields(it.Value))
			text = fmt.Sprintf("the trail goes the fingerprint's way: %s", it.Value)
			if share == 0 {
				return found{}, false
			}
		case fingerprint.ToolSet:
			if !j.sharesTools(strings.Fields(it.Value)) {
				return found{}, false
			}
			text = "the same public tools were used"
		case fingerprint.WorkingHours:
			if j.e.Trail == nil || j.e.Trail.Hours() != it.Value {
				return found{}, false
			}
			text = "the same hours of work"
		case fingerprint.Beacon:
			want, err := time.ParseDuration(it.Value)
			if err != nil || want <= 0 {
				return found{}, false
			}
			for _, b := range j.e.Beacons {
				if math.Abs(float64(b.Interval-want)) <= 0.1*float64(want) {
					refs = append(refs, b.Ref)
				}
			}
			if len(refs) == 0 {
				return found{}, false
			}
			text = "a channel beats at the same pace"
		default:
			return found{}, false
		}
	}
	if it.WayIn {
		text += "; it is the way in, which different intruders share"
	}
	slices.SortFunc(refs, compareRefs)
	refs = slices.Compact(refs)
	if refs == nil {
		refs = []finding.Ref{}
	}
	return found{math.Round(max(w, 0)*share*100) / 100, refs[:min(len(refs), maxRefs)], text}, true
}

func compareRefs(a, b finding.Ref) int {
	if c := strings.Compare(a.File, b.File); c != 0 {
		return c
	}
	switch {
	case a.Record < b.Record:
		return -1
	case a.Record > b.Record:
		return 1
	}
	return 0
}

// align gives how far the trail follows the fingerprint's order of techniques: the longest common subsequence as a share of the
// fingerprint's steps, counted from one half on, because half of any intrusion's steps are everybody's. Three steps at least must fit.
func (j *judge) align(steps []string) (float64, []finding.Ref) {
	if j.e.Trail == nil || len(steps) == 0 {
		return 0, nil
	}
	theirs := j.e.Trail.Techniques()
	n := common(steps, theirs)
	share := (float64(n)/float64(len(steps)) - 0.5) * 2
	if n < 3 || share <= 0 {
		return 0, nil
	}
	var refs []finding.Ref
	for _, s := range j.e.Trail.Stages {
		if slices.Contains(steps, s.Technique) {
			for _, r := range s.Refs[:min(len(s.Refs), 3)] {
				refs = append(refs, finding.Ref{File: r.File, Record: r.Record})
			}
		}
	}
	return share, refs
}

// common is the length of the longest common subsequence. Both are techniques without repetition, so they are short.
func common(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for k, y := range b {
			above := row[k+1]
			if x == y {
				row[k+1] = diagonal + 1
			} else {
				row[k+1] = max(row[k+1], row[k])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

func (j *judge) sharesTools(want []string) bool {
	if j.e.Trail == nil || len(want) == 0 {
		return false
	}
	have := j.e.Trail.Tools()
	n := 0
	for _, t := range want {
		if slices.Contains(have, t) {
			n++
		}
	}
	return float64(n) >= 0.8*float64(len(want))
}

// hosts reads from the certificate which rules each host's evidence cannot answer.
func (j *judge) hosts() {
	if j.e.Coverage == nil {
		return
	}
	profiles := map[string]map[string]bool{}
	for _, p := range j.e.Coverage.Profiles {
		m := map[string]bool{}
		for _, u := range p.NotSearchable {
			for _, r := range u.Rules {
				m[r] = true
			}
		}
		profiles[p.ID] = m
	}
	for _, h := range j.e.Coverage.Hosts {
		j.cannot = append(j.cannot, profiles[h.Profile])
	}
}

// onHost says whether some rule of an item was asked and could have been answered by a host's evidence.
func (j *judge) onHost(i, host int) bool {
	if j.cannot[host] == nil || j.e.Asked == nil {
		return false
	}
	for _, r := range j.rules[i] {
		if j.e.Asked(r) && !j.cannot[host][r] {
			return true
		}
	}
	return false
}

// searched gives the share of the organisation's hosts on which an item was looked for; of what the trail shows it is 1 with an
// established trail.
func (j *judge) searched(i int) float64 {
	if len(j.rules[i]) == 0 {
		if k := j.f.Items[i].Kind; j.e.Trail != nil && j.e.Trail.Intrusion() && (k == fingerprint.Sequence || k == fingerprint.ToolSet) {
			return 1
		}
		return 0
	}
	n := 0
	for h := range j.cannot {
		if j.onHost(i, h) {
			n++
		}
	}
	all := len(j.cannot)
	if c := j.e.Coverage; c != nil && c.Denominator.Known {
		all = max(all, c.Denominator.Declared)
	}
	if all == 0 {
		return 0
	}
	return float64(n) / float64(all)
}
