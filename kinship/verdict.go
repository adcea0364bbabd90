package kinship

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
)

// Bounds of the verdicts.
const (
	sameAt      = 0.95
	relatedAt   = 0.55
	unrelatedTo = 0.20
	before      = 90 * 24 * time.Hour // that must have been searched before the first known activity
)

// Enough is the share of the weight of indicators, and of habits, that must have been searched for absence to mean something.
const Enough = 0.75

func (j *judge) judge() Org {
	j.weigh()
	p := Posterior(j.o.Prior, j.total)
	o := Org{Org: j.e.Org, Decibans: j.total, Posterior: round6(p), Band: Band(p), Items: j.items, WouldSettle: []string{}}
	if o.Items == nil {
		o.Items = []Weight{}
	}
	var missing []string
	o.Verdict, o.Why, missing = j.verdict(p)
	o.OtherIntrusion, o.OtherIntrusionWhy = j.other(o.Verdict)
	if o.Verdict != SameIntrusion && o.Verdict != NotFound {
		o.WouldSettle = append(o.WouldSettle, j.settle(missing)...)
	}
	return o
}

func round6(p float64) float64 { return math.Round(p*1e6) / 1e6 }

func (j *judge) verdict(p float64) (Verdict, string, []string) {
	indicators, weighty, something := 0, 0, false
	for _, g := range j.matched {
		if g.item.WayIn || g.item.Tier == fingerprint.NeverAlone {
			continue
		}
		something = true
		if g.decibans > 0 {
			weighty++
			if !g.item.Kind.Behaviour() {
				indicators++
			}
		}
	}
	if p >= sameAt && indicators > 0 {
		if exclusive, second := j.independent(); second != "" {
			return SameIntrusion, fmt.Sprintf("%s is this intruder's alone, and %s is independent of it", exclusive, second), nil
		}
	}
	if p >= relatedAt && weighty > 0 {
		why := "several things are shared, but not two independent ones of which one is this intruder's alone"
		if indicators == 0 {
			why = "the habits agree and no indicator is shared: the same hand with new tools, or somebody who works alike"
		} else if p < sameAt {
			why = "what is shared makes the same intruder more likely than not, and no more"
		}
		return Related, why, nil
	}
	if shown, compared := j.alike(); j.active() && p < unrelatedTo && j.asked > 0 && compared >= leastAlike && 2*shown > compared {
		return NotEnough, fmt.Sprintf("there is an intruder's activity, which shows %d of the %d habits of this one that were looked for; too little is known of others' habits to weigh that", shown, compared), nil
	}
	if j.active() && p < unrelatedTo && j.asked > 0 {
		return Unrelated, "there is an intruder's activity, and it does not resemble this one's", nil
	}
	missing := j.notShown()
	if !something && len(missing) == 0 && !j.active() {
		return NotFound, "the sources that would show it were searched on all critical hosts from 90 days before its first known activity, and nothing was there", nil
	}
	if j.clipped > 0 && weighty > 0 && j.active() {
		return NotEnough, fmt.Sprintf("habits agree, but they were counted on %d hosts, too few to weigh what agrees", j.clipped), nil
	}
	return NotEnough, "what was searched can neither show nor rule out this intruder", missing
}

// leastAlike is how many habits must have been compared for most of them to say anything.
const leastAlike = 3

// alike says how many groups of habits that not everybody has were looked for where an intruder's can be compared, and how many were found, whatever they weigh. What
// resembles this intruder in most of it is not called unlike him because nothing is there to weigh it by.
func (j *judge) alike() (shown, compared int) {
	if j.e.Trail == nil || !j.e.Trail.Intrusion() {
		return 0, 0
	}
	for _, g := range j.groups() {
		found, looked := false, false
		for _, i := range g.items {
			if it := &j.f.Items[i]; !g.habit || it.Tier == fingerprint.NeverAlone || it.WayIn || it.Kind == fingerprint.WorkingHours {
				continue
			}
			_, ok := j.find(i)
			found = found || ok
			looked = looked || ok || j.searched(i) > 0
		}
		if looked {
			compared++
		}
		if found {
			shown++
		}
	}
	return shown, compared
}

// independent gives an item that is this intruder's alone and another that neither belongs to its group nor rests on the same records.
func (j *judge) independent() (exclusive, second string) {
	for _, a := range j.matched {
		if a.item.Tier != fingerprint.Unique || a.item.WayIn || a.decibans <= 0 {
			continue
		}
		for _, b := range j.matched {
			if a.name == b.name || b.decibans <= 0 || b.item.WayIn || b.item.Tier == fingerprint.NeverAlone || len(b.records) > 0 && slices.Equal(a.records, b.records) {
				continue
			}
			return fmt.Sprintf("%s %q", a.item.Kind, a.item.Value), fmt.Sprintf("%s %q", b.item.Kind, b.item.Value)
		}
	}
	return "", ""
}

// active says whether an intruder's activity is present: a trail established it, or, where nothing was traced, other rules found
// something grave.
func (j *judge) active() bool {
	if j.e.Trail != nil {
		return j.e.Trail.Intrusion()
	}
	return len(j.e.Grave) > 0
}

// other answers whether there is an intrusion that is not the fingerprint's.
func (j *judge) other(v Verdict) (bool, string) {
	known := v == SameIntrusion || v == Related
	if t := j.e.Trail; t != nil {
		if !t.Intrusion() {
			return false, "the trace established no intrusion"
		}
		if v == NotEnough {
			return false, "whether the intrusion that the trace established is this one's is open"
		}
		if !known {
			return true, "the trace established an intrusion that is not this one's by what was weighed"
		}
		for _, i := range t.Implant {
			ours := slices.ContainsFunc(i.SHA256, func(h string) bool { return j.has(fingerprint.SHA256, h) }) || j.has(fingerprint.FileName, i.Name)
			if !ours && v == SameIntrusion && len(t.Implant) > 1 {
				return true, fmt.Sprintf("beside this intruder's program the trace names %q", i.Name)
			}
		}
		if host := j.apart(); host != "" {
			return true, fmt.Sprintf("the trace established an intrusion on %s, too, which no record joins with this one, and in which nothing of this intruder was found", host)
		}
		return false, "the trace names no program beside this intruder's"
	}
	if len(j.e.Grave) > 0 && !known {
		return true, fmt.Sprintf("suspected: %d grave findings of other rules, not traced", len(j.e.Grave))
	}
	return false, "nothing was traced that would tell"
}

// apart gives a host of a part of the trail in which nothing of the fingerprint was found and which shares no host with a part in which there was, "" when there
// is none. What everybody has and the way in join nobody.
func (j *judge) apart() string {
	ours := map[finding.Ref]bool{}
	for i := range j.f.Items {
		if it := &j.f.Items[i]; it.Tier != fingerprint.NeverAlone && !it.WayIn {
			for _, r := range j.rules[i] {
				for _, ref := range j.e.Hits[r.ID] {
					ours[ref] = true
				}
			}
		}
	}
	ran := map[string]string{} // node of a process → its host: devices that log everybody's connections are shared by all
	for _, n := range j.e.Trail.Nodes {
		if n.Kind == "process" {
			ran[n.ID] = n.Host
		}
	}
	hosts, hit := map[int]map[string]bool{}, map[int]bool{}
	for _, e := range j.e.Trail.Edges {
		if e.Part == 0 {
			continue
		}
		if hosts[e.Part] == nil {
			hosts[e.Part] = map[string]bool{}
		}
		for _, n := range []string{e.From, e.To} {
			if host := ran[n]; host != "" {
				hosts[e.Part][host] = true
			}
		}
		for _, r := range e.Refs {
			hit[e.Part] = hit[e.Part] || ours[finding.Ref{File: r.File, Record: r.Record}]
		}
	}
	if len(hit) == 0 || !slices.Contains(slices.Collect(maps.Values(hit)), true) {
		return ""
	}
	for _, part := range slices.Sorted(maps.Keys(hosts)) {
		if hit[part] || len(hosts[part]) == 0 {
			continue
		}
		shares := false
		for other := range hosts {
			if hit[other] {
				for h := range hosts[part] {
					shares = shares || hosts[other][h]
				}
			}
		}
		if !shares {
			return slices.Min(slices.Collect(maps.Keys(hosts[part])))
		}
	}
	return ""
}

func (j *judge) has(k fingerprint.Kind, value string) bool {
	return slices.ContainsFunc(j.f.Items, func(it fingerprint.Item) bool { return it.Kind == k && strings.EqualFold(it.Value, value) })
}

// notShown lists what is missing for a clean answer; empty when absence was shown.
func (j *judge) notShown() (missing []string) {
	c := j.e.Coverage
	if c == nil {
		return []string{"the coverage certificate of a sweep with this fingerprint"}
	}
	if !c.Denominator.Known {
		missing = append(missing, "an inventory: which hosts there are is not known")
	}
	critical := 0
	matters := func(host string) bool { return j.e.Critical == nil || j.e.Critical(host) }
	for _, d := range c.Silent {
		if matters(d.Host) {
			missing = append(missing, fmt.Sprintf("evidence of the critical host %s", d.Host))
		}
	}
	first, err := time.Parse(time.RFC3339Nano, j.f.FirstSeen)
	if err != nil {
		missing = append(missing, "the intruder's first known activity: the fingerprint does not say it")
	}
	groups := j.searchable()
	if len(groups) == 0 {
		missing = append(missing, "items that logs can show: the fingerprint has none")
	}
	for h := range c.Hosts {
		host := &c.Hosts[h]
		if host.Host == "" || !matters(host.Host) {
			continue
		}
		critical++
		ok := false
		for i := range j.f.Items {
			if asked, _ := j.onHost(i, h); asked && j.f.Items[i].Tier != fingerprint.NeverAlone {
				ok = true
				break
			}
		}
		if !ok {
			missing = append(missing, fmt.Sprintf("logs of %s that the fingerprint's rules can be asked of", host.Host))
			continue
		}
		if err != nil {
			continue
		}
		if _, why := host.Speaking(first.Add(-before), j.o.AsOf, func(source string) bool { return j.shows(h, source) }); why != "" {
			missing = append(missing, fmt.Sprintf("logs of %s without gaps from %s to %s: %s", host.Host, first.Add(-before).Format("2006-01-02"), j.o.AsOf.Format("2006-01-02"), why))
		}
	}
	if critical == 0 {
		missing = append(missing, "evidence of any critical host")
	}
	for _, habit := range []bool{false, true} {
		var cannot []string
		can, all := 0.0, 0.0
		for _, name := range sortedNames(groups) {
			switch g := groups[name]; {
			case g.habit != habit:
				continue
			case g.searched:
				can += g.weight
			default:
				cannot = append(cannot, name)
			}
			all += groups[name].weight
		}
		if can < Enough*all {
			for _, name := range cannot {
				missing = append(missing, "sources that can show "+name)
			}
		}
	}
	return missing
}

// shown is a group that logs can show, and what finding it would weigh. What was counted nowhere counts for little, and not for nothing.
type shown struct {
	habit, searched bool
	weight          float64
}

// searchable says of each group that logs can show whether it was searched anywhere in the organisation.
func (j *judge) searchable() map[string]shown {
	out := map[string]shown{}
	for _, g := range j.groups() {
		s := shown{habit: g.habit, weight: fingerprint.Cap(1)}
		name, some := g.name, false
		for _, i := range g.items {
			it := &j.f.Items[i]
			if len(j.rules[i]) == 0 || it.Tier == fingerprint.NeverAlone || it.WayIn {
				continue
			}
			if it.Kind.Behaviour() && fingerprint.Weigh(it.Kind, it.Tier, it.Specificity) <= 0 {
				continue // it would weigh nothing if it were found
			}
			if it.Group == "" {
				name = fmt.Sprintf("%s %q", it.Kind, it.Value)
			}
			some = true
			s.searched = s.searched || j.searched(i) > 0
			s.weight = max(s.weight, fingerprint.Weigh(it.Kind, it.Tier, it.Specificity))
		}
		if some {
			out[name] = s
		}
	}
	return out
}

// settle says what would decide, at most ten things.
func (j *judge) settle(missing []string) []string {
	out := missing
	if j.e.Trail == nil {
		out = append(out, "a trace of this organisation: without it habits and the order of steps cannot be compared")
	}
	uncounted := 0
	for _, it := range j.f.Items {
		if !it.Counted() && !it.Kind.Exact() {
			uncounted++
		}
	}
	if uncounted > 0 {
		out = append(out, fmt.Sprintf("a baseline for %d items that were counted nowhere and so weigh nothing", uncounted))
	}
	if j.clipped > 0 {
		out = append(out, fmt.Sprintf("evidence of ordinary days of more hosts than the %d on which habits were counted", j.clipped))
	}
	if len(out) == 0 {
		out = append(out, "memory or disk images of the hosts with findings, to compare the programs themselves")
	}
	const most = 10
	if len(out) > most {
		out = append(slices.Clone(out[:most-1]), fmt.Sprintf("and %d more of the kind", len(out)-most+1))
	}
	return out
}

func sortedNames(m map[string]shown) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
