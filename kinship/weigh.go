package kinship

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// judge weighs one organisation.
type judge struct {
	f     *fingerprint.Fingerprint
	rules [][]fingerprint.Rule // of each item
	e     *Evidence
	o     Options

	cannot    []map[string]bool                            // per host: rules that its evidence cannot answer; nil when nothing is known of it
	spoke     []map[string]float64                         // per host: the share of the time in question that each of its logs tells of
	answering func(profile, rule string) func(string) bool // which logs could show a rule
	places    int                                          // hosts on which something of the fingerprint could show in their own logs, and those that handed over nothing
	matched   []group                                      // groups with something found, heaviest first
	items     []Weight
	total     float64
	asked     int   // groups that could be searched
	worked    *bool // what works found
	clipped   int   // hosts on which habits were counted, where they would weigh more had they been counted on more
}

// group is correlated items: one file, one infrastructure, one habit. They share the weight of the heaviest that is found.
type group struct {
	name     string
	items    []int
	habit    bool              // nothing in it is an indicator
	item     *fingerprint.Item // the heaviest that is found
	decibans float64
	records  []finding.Ref
	first    int // where its items begin among the weights
}

// found is an item that the organisation's evidence shows.
type found struct {
	decibans float64
	refs     []finding.Ref
	text     string
}

// Bounds of what habits weigh together. They hang together: who has one habit of a hand is likelier to have its others, so that many
// of them are no more than one estimate from as many hosts as they were counted on. That a hand works altogether otherwise than before is
// seen in one of ten; the figure is a judgement.
const habitsAgainst = -10

func (j *judge) weigh() {
	j.hosts()
	traced := j.e.Trail != nil && j.e.Trail.Intrusion()
	active := traced && j.works()
	absent := map[bool]*absence{true: {}, false: {}} // by whether it is a habit
	habits, population, public := 0.0, 0, -1
	for _, g := range j.groups() {
		searched, reuse := j.look(&g)
		if g.item != nil {
			j.asked++
			switch {
			case g.item.Tier == fingerprint.NeverAlone || g.item.WayIn:
				// What everybody may have is one observation, however much of it there is.
				if public < 0 || g.decibans > j.matched[public].decibans {
					if public >= 0 {
						j.share(&j.matched[public], "shares the weight of what else everybody may have")
					}
					public = len(j.matched)
				} else {
					j.share(&g, "shares the weight of what else everybody may have")
				}
			case g.habit:
				habits += g.decibans
				population = max(population, g.item.Specificity.Hosts, g.item.Specificity.Intrusions)
			default:
				j.total += g.decibans
			}
			j.matched = append(j.matched, g)
			continue
		}
		if searched <= 0 {
			continue
		}
		j.asked++
		it := j.heaviest(g.items)
		text := fmt.Sprintf("%s %q", it.Kind, it.Value)
		if g.habit && active {
			// There is an intruder whose habits can be compared: the question is whether it is this one or another.
			if fingerprint.Weigh(it.Kind, it.Tier, it.Specificity) <= 0 {
				continue // what would weigh nothing if it were found weighs nothing when it is absent
			}
			d := 10 * math.Log10((1-it.Kind.Reuse()*searched)/(1-it.Kind.Others(it.Specificity)*searched))
			absent[true].sum(d, text)
			habits += d
			continue
		}
		if g.habit && traced {
			continue // the intruder was where no log shows habits: that others' hosts show none says nothing of him
		}
		absent[g.habit].strongest(10*math.Log10(1-reuse*searched), text)
	}
	if public >= 0 {
		j.total += j.matched[public].decibans
	}
	limit := fingerprint.Cap(population)
	if d := min(habits, limit) - habits; d < 0 {
		j.clipped = population
		j.add(d, fmt.Sprintf("habits of one hand hang together: all of them cannot weigh more than the %d hosts they were counted on allow", population))
	} else if d := max(habits, habitsAgainst) - habits; d > 0 {
		absent[true].decibans += d
	}
	j.total += min(max(habits, habitsAgainst), limit)
	// An intruder that changes one indicator changes them all, so absent ones share one weight.
	for _, habit := range []bool{false, true} {
		if a := absent[habit]; a.n > 0 {
			what := map[bool]string{false: "indicators", true: "habits"}[habit]
			j.add(a.decibans, fmt.Sprintf("%d groups of %s were searched and not found, the strongest being %s", a.n, what, a.text))
			if !habit || !active {
				j.total += a.decibans
			}
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

// absence gathers what was searched and not found.
type absence struct {
	decibans float64
	text     string
	least    float64
	n        int
}

// strongest takes the weightiest of several.
func (a *absence) strongest(d float64, text string) {
	a.n++
	if d < a.decibans {
		a.decibans, a.text = d, text
	} else if a.text == "" {
		a.text = text
	}
}

// sum takes all of several.
func (a *absence) sum(d float64, text string) {
	a.n++
	a.decibans += d
	if d < a.least || a.text == "" {
		a.least, a.text = d, text
	}
}

// add notes a weight against that belongs to no item.
func (j *judge) add(decibans float64, text string) {
	d := math.Round(decibans*100) / 100
	j.items = append(j.items, Weight{For: d >= 0, Decibans: d, Text: text, Refs: []finding.Ref{}})
}

// groups puts items together that belong together, in the fingerprint's order.
func (j *judge) groups() (all []group) {
	at := map[string]int{}
	for i := range j.f.Items {
		name := cmp.Or(j.f.Items[i].Group, j.f.Items[i].Rule)
		k, there := at[name]
		if !there {
			k = len(all)
			at[name] = k
			all = append(all, group{name: name, habit: true})
		}
		all[k].items = append(all[k].items, i)
		all[k].habit = all[k].habit && j.f.Items[i].Kind.Behaviour()
	}
	return all
}

// look looks for the items of a group. Of a group of which nothing is found it gives how far it was searched and how likely it would be
// there.
func (j *judge) look(g *group) (searched, reuse float64) {
	g.first = len(j.items)
	for _, i := range g.items {
		it := &j.f.Items[i]
		if hit, ok := j.find(i); ok {
			j.items = append(j.items, Weight{For: true, Decibans: hit.decibans, Text: hit.text, Refs: hit.refs, Kind: it.Kind, Value: it.Value, Group: it.Group})
			if g.item == nil || hit.decibans > g.decibans {
				g.item, g.decibans = it, hit.decibans
			}
			g.records = append(g.records, hit.refs...)
			continue
		}
		if it.Tier != fingerprint.NeverAlone && !it.WayIn {
			if c := j.searched(i); c > 0 {
				searched = max(searched, c)
				if g.habit || !it.Kind.Behaviour() {
					reuse = max(reuse, it.Kind.Reuse())
				}
			}
		}
	}
	counted := false
	for k := g.first; k < len(j.items); k++ {
		if !counted && j.items[k].Decibans == g.decibans {
			counted = true
		} else if j.items[k].Decibans > 0 {
			j.items[k].Decibans = 0
			j.items[k].Text += "; shares the weight of another item of its group"
		}
	}
	return searched, reuse
}

// share takes a group's weight away.
func (j *judge) share(g *group, why string) {
	for k := g.first; k < g.first+len(g.items) && k < len(j.items); k++ {
		if j.items[k].Decibans > 0 && j.items[k].Group == g.item.Group && j.items[k].Value == g.item.Value {
			j.items[k].Decibans = 0
			j.items[k].Text += "; " + why
		}
	}
	g.decibans = 0
}

// habits says which habits the organisation shows, and how far it was searched for each.
func (j *judge) habits() []habit {
	out := make([]habit, len(j.f.Items))
	for i := range j.f.Items {
		if j.f.Items[i].Kind.Behaviour() {
			if _, shown := j.find(i); shown {
				out[i] = habit{true, 1}
			} else {
				out[i].searched = j.searched(i)
			}
		}
	}
	return out
}

// heaviest gives the item of a group that would weigh most.
func (j *judge) heaviest(items []int) (best *fingerprint.Item) {
	most := -1.0
	for _, i := range items {
		it := &j.f.Items[i]
		if w := fingerprint.Weigh(it.Kind, it.Tier, it.Specificity); w > most {
			best, most = it, w
		}
	}
	return best
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
		refs = append(refs, j.e.Hits[r.ID]...)
	}
	text := fmt.Sprintf("%s %q was found", it.Kind, it.Value)
	share := 1.0
	if len(refs) == 0 {
		switch it.Kind {
		case fingerprint.Sequence:
			share, refs = j.along(strings.Fields(it.Value))
			text = fmt.Sprintf("the trail goes the fingerprint's way: %s", it.Value)
			if share == 0 {
				return found{}, false
			}
		case fingerprint.ToolSet:
			if j.e.Trail == nil || !j.e.Trail.Uses(strings.Fields(it.Value)) {
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
	if n := it.Specificity.Intrusions; n > 0 && w > 0 {
		text += fmt.Sprintf("; %d of %d intrusions by others show it", it.Specificity.Shared, n)
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

// along gives how far the trail follows the fingerprint's order of techniques, and the records of its steps.
func (j *judge) along(steps []string) (float64, []finding.Ref) {
	if j.e.Trail == nil {
		return 0, nil
	}
	share := j.e.Trail.Follows(steps)
	if share == 0 {
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

// hosts reads from the certificate which rules each host's evidence cannot answer, and for how much of the time in question it speaks.
func (j *judge) hosts() {
	if j.e.Coverage == nil {
		return
	}
	profiles := j.e.Coverage.Unanswered()
	j.answering = j.e.Coverage.Answering()
	from, to, bounded := j.span()
	for i := range j.e.Coverage.Hosts {
		h := &j.e.Coverage.Hosts[i]
		j.cannot = append(j.cannot, profiles[h.Profile])
		spoke := map[string]float64{}
		for s := range h.Sources {
			spoke[h.Sources[s].Source] = 1
			if bounded {
				spoke[h.Sources[s].Source] = speaks(&h.Sources[s], from, to)
			}
		}
		j.spoke = append(j.spoke, spoke)
		if j.place(i) {
			j.places++
		}
	}
	if c := j.e.Coverage; c.Denominator.Known {
		j.places += len(c.Silent)
	}
}

// span is the time in which the intruder could have left something.
func (j *judge) span() (from, to time.Time, ok bool) {
	first, err := time.Parse(time.RFC3339Nano, j.f.FirstSeen)
	if err != nil || j.o.AsOf.IsZero() {
		return from, to, false
	}
	from = first.Add(-before)
	return from, j.o.AsOf, from.Before(j.o.AsOf)
}

// speaks gives the share of a span that a log tells of, without its silences.
func speaks(s *coverage.Source, from, to time.Time) float64 {
	within := func(a, b time.Time) time.Duration {
		if a.Before(from) {
			a = from
		}
		if b.After(to) {
			b = to
		}
		return max(b.Sub(a), 0)
	}
	first, err1 := time.Parse(time.RFC3339Nano, s.First)
	last, err2 := time.Parse(time.RFC3339Nano, s.Last)
	if err1 != nil || err2 != nil {
		return 0
	}
	told := within(first, last)
	for _, g := range s.Gaps {
		a, err1 := time.Parse(time.RFC3339Nano, g.From)
		b, err2 := time.Parse(time.RFC3339Nano, g.To)
		if err1 == nil && err2 == nil {
			told -= within(a, b)
		}
	}
	return max(0, min(float64(told)/float64(to.Sub(from)), 1))
}

// told gives for how much of the time in question a host's logs tell of an item: as the fullest of those that could show it does.
func (j *judge) told(i, host int) (most float64) {
	for _, r := range j.rules[i] {
		if j.cannot[host] == nil || j.cannot[host][r.ID] {
			continue
		}
		shows := j.answering(j.e.Coverage.Hosts[host].Profile, r.ID)
		for source, share := range j.spoke[host] {
			if share > most && shows(source) {
				most = share
			}
		}
	}
	return most
}

// onHost says whether some rule of an item was asked and could have been answered by a host's evidence, and whether it was one of a log
// that sees the traffic of many hosts.
func (j *judge) onHost(i, host int) (asked, network bool) {
	if j.cannot[host] == nil || j.e.Asked == nil {
		return false, false
	}
	for _, r := range j.rules[i] {
		if j.e.Asked(r.ID) && !j.cannot[host][r.ID] {
			asked, network = true, network || r.Network
		}
	}
	return asked, network
}

// shows says whether a log of a host could show something of the fingerprint that is not never-alone.
func (j *judge) shows(host int, source string) bool {
	for i := range j.f.Items {
		if j.f.Items[i].Tier == fingerprint.NeverAlone {
			continue
		}
		for _, r := range j.rules[i] {
			if j.cannot[host] != nil && !j.cannot[host][r.ID] && j.answering(j.e.Coverage.Hosts[host].Profile, r.ID)(source) {
				return true
			}
		}
	}
	return false
}

// searched gives how much of what would show an item was searched, in hosts and time: the share of the organisation's hosts on which it was
// looked for, each for as much of the time in question as its logs tell of, or what a log of the network covers if that is more. Hosts whose
// logs can be asked of nothing in the fingerprint are no places where it could show; declared ones that handed over nothing are.
// What the trail shows is searched when there is one.
func (j *judge) searched(i int) float64 {
	if len(j.rules[i]) == 0 {
		if j.f.Items[i].Kind.OfTrails() && j.e.Trail != nil && j.e.Trail.Intrusion() && j.works() {
			return 1
		}
		return 0
	}
	sum, wide := 0.0, 0.0
	for h := range j.cannot {
		switch asked, network := j.onHost(i, h); {
		case network:
			wide = max(wide, j.told(i, h))
		case asked:
			sum += j.told(i, h)
		}
	}
	return max(wide, sum/float64(max(j.places, 1)))
}

// works says whether habits could show where the trail went: who passed through a device alone leaves none. A trail that names no hosts
// counts as one where they could.
func (j *judge) works() bool {
	if j.worked == nil {
		yes := j.couldWork()
		j.worked = &yes
	}
	return *j.worked
}

func (j *judge) couldWork() bool {
	if j.e.Coverage == nil || len(j.e.Trail.Hosts) == 0 {
		return true
	}
	went := map[string]bool{}
	for _, t := range j.e.Trail.Hosts {
		went[hostLabel(t.Host)] = true
	}
	for h := range j.cannot {
		if !went[hostLabel(j.e.Coverage.Hosts[h].Host)] {
			continue
		}
		for i := range j.rules {
			if !j.f.Items[i].Kind.Behaviour() {
				continue
			}
			if asked, network := j.onHost(i, h); asked && !network {
				return true
			}
		}
	}
	return false
}

// hostLabel is what a trail and a certificate both call a host: its name without the domain, or its address.
func hostLabel(name string) string {
	if _, err := netip.ParseAddr(name); err != nil {
		name, _, _ = strings.Cut(name, ".")
	}
	return strings.ToLower(name)
}

// place says whether a host's own logs can be asked of anything in the fingerprint.
func (j *judge) place(h int) bool {
	for i := range j.rules {
		if asked, network := j.onHost(i, h); asked && !network {
			return true
		}
	}
	return false
}
