package sweep

import (
	"cmp"
	"maps"
	"slices"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
)

// deliver merges the hits into one ordered stream, lets every organisation's correlator see its own, and gives the findings
// to the handler.
func (s *run) deliver(h Handler) (found foundRules, uncertain []coverage.NotSearchable, err error) {
	d := &delivery{run: s, handler: h, correlators: map[string]match.Correlator{}, owners: map[copied]*fileResult{}, found: foundRules{map[finding.RuleID]uint64{}, map[orgHost]map[finding.RuleID]bool{}}}
	if err := s.hits.Each(d.add); err != nil {
		return found, nil, err
	}
	if err := d.flush(); err != nil {
		return found, nil, err
	}
	ends := s.ends()
	for _, org := range slices.Sorted(maps.Keys(d.correlators)) {
		d.correlators[org].Finish(ends[org], d.later)
	}
	for len(d.late) > 0 {
		if err := d.give(d.takeLate()); err != nil {
			return found, nil, err
		}
	}
	for _, org := range slices.Sorted(maps.Keys(d.correlators)) {
		for _, why := range d.correlators[org].Uncertain() {
			uncertain = append(uncertain, coverage.NotSearchable{ID: "correlations", Reason: org + ": " + why})
		}
	}
	return d.found, uncertain, nil
}

// ends gives the time of each organisation's last event, event.NoTime when no event has one.
func (s *run) ends() map[string]int64 {
	ends := map[string]int64{}
	for _, f := range s.files.all {
		last, known := ends[f.org]
		if total := f.counts.tally.Total(); total.Records > 0 && (!known || total.Last > last) {
			ends[f.org] = total.Last
		} else if !known {
			ends[f.org] = event.NoTime
		}
	}
	return ends
}

// delivery holds back the findings of one record until the record is over: a correlation that it completes belongs between
// them by its rule. A correlation that waited to see that something did not happen is told at the time when that was
// certain, among the other findings of that time.
type delivery struct {
	run         *run
	handler     Handler
	correlators map[string]match.Correlator
	owners      map[copied]*fileResult // of evidence that is there more than once
	found       foundRules
	last        *hit
	held        []held
	late        []held // ordered as findings are
}

func (d *delivery) add(h *hit) error {
	if d.last != nil && (d.last.time != h.time || d.last.record != h.record || d.last.file.name != h.file.name) {
		if err := d.flush(); err != nil {
			return err
		}
	}
	if d.last == nil || d.last.time != h.time {
		for _, c := range d.correlators { // what they give is put in order
			c.Advance(h.time, d.later)
		}
	}
	d.last = h
	if h.reported {
		d.held = append(d.held, held{d.run.finding(h), h.rule})
	}
	if !h.feeds || d.repeats(h) {
		return nil
	}
	c := d.correlators[h.file.org]
	if c == nil {
		c = d.run.question.Rules.Correlator()
		d.correlators[h.file.org] = c
	}
	c.Add(&match.Hit{Rule: h.rule, Time: h.time, Host: h.host, File: h.file.name, Record: h.record, Offset: h.offset, Item: h.file.id, Carried: h.carried}, func(r match.Correlated) {
		if r.At != nil {
			d.later(r)
			return
		}
		f := d.run.finding(h)
		f.Rule = d.run.question.Rules.Rule(r.Rule)
		f.Matched, f.Refs, f.Event = r.Group, r.Refs, nil
		d.held = append(d.held, held{f, r.Rule})
	})
	return nil
}

// copied is what an organisation's evidence holds in several files, as one host's.
type copied struct{ org, digest, host string }

// repeats says whether a hit is of a copy of a file whose hits are counted already. Logs are often handed over twice, as they are and in an
// archive; a correlation must not count an event twice for it.
func (d *delivery) repeats(h *hit) bool {
	if !h.file.copies {
		return false
	}
	k := copied{h.file.org, h.file.digest, h.host}
	owner := d.owners[k]
	if owner == nil && len(d.owners) < maxFoundHosts {
		d.owners[k] = h.file
		return false
	}
	return owner != nil && owner != h.file
}

func (d *delivery) flush() error {
	slices.SortStableFunc(d.held, func(a, b held) int { return finding.Compare(a.Finding, b.Finding) })
	for _, f := range d.held {
		for len(d.late) > 0 && finding.Compare(d.late[0].Finding, f.Finding) < 0 {
			if err := d.give(d.takeLate()); err != nil {
				return err
			}
		}
		if err := d.give(f); err != nil {
			return err
		}
	}
	clear(d.held)
	d.held = d.held[:0]
	return nil
}

func (d *delivery) give(f held) error {
	d.found.add(f)
	if f.Rule.Group != "" && d.found.byID[f.Rule.ID] == 1 {
		d.run.grouped[f.Rule.Group] = append(d.run.grouped[f.Rule.Group], *f.Rule)
	}
	return d.handler.Finding(f.Finding)
}

// later takes a correlation that is told of another hit than the one under way.
func (d *delivery) later(r match.Correlated) {
	f := d.run.finding(&hit{rule: r.Rule, file: d.run.files.at(uint64(r.At.Item)), time: r.At.Time, host: r.At.Host, record: r.At.Record, offset: r.At.Offset, matched: r.Group})
	f.Refs = r.Refs
	at, _ := slices.BinarySearchFunc(d.late, f, func(h held, f *finding.Finding) int { return finding.Compare(h.Finding, f) })
	d.late = slices.Insert(d.late, at, held{f, r.Rule})
}

func (d *delivery) takeLate() held {
	f := d.late[0]
	d.late = d.late[1:]
	return f
}

// held is a finding with the number of its rule.
type held struct {
	*finding.Finding
	rule event.RuleIndex
}

// foundRules counts findings by rule, and says which rules were found on which host.
type foundRules struct {
	byID   map[finding.RuleID]uint64
	byHost map[orgHost]map[finding.RuleID]bool // rules, or the groups that they are told in
}

type orgHost struct{ org, host string }

// maxFoundHosts bounds the hosts whose findings are listed in the certificate; findings.jsonl has them all.
const maxFoundHosts = 100_000

func (f *foundRules) add(h held) {
	f.byID[h.Rule.ID]++
	key := orgHost{h.Org, h.Host}
	rules := f.byHost[key]
	if rules == nil {
		if len(f.byHost) == maxFoundHosts {
			return
		}
		rules = map[finding.RuleID]bool{}
		f.byHost[key] = rules
	}
	rules[cmp.Or(h.Rule.Group, h.Rule.ID)] = true
}

// asked tells the certificate about the rules: one by one, and indicators by kind.
type asked struct {
	run    *run
	groups []match.Group
	found  foundRules
}

func (a asked) Len() int               { return len(a.groups) }
func (a asked) ID(rule int) string     { return string(a.groups[rule].ID) }
func (a asked) Source(rule int) string { return a.groups[rule].Source }
func (a asked) Searches(rule int, s event.Source) bool {
	return a.run.question.Rules.Searches(a.groups[rule].First, s)
}
func (a asked) Kind(s event.Source) string { return a.run.question.Rules.Kind(s) }
func (a asked) Constants(s event.Source) string {
	return a.run.question.Rules.Constants(s)
}
func (a asked) Answers(rule int, s event.Source, filled func(string) bool) coverage.Answer {
	return a.run.question.Rules.Answers(a.groups[rule].First, s, filled)
}
func (a asked) Relied(rule int) bool { return a.run.question.Rules.Relied(a.groups[rule].ID) }
func (a asked) Found(org, host string) (groups []int) {
	found := a.found.byHost[orgHost{org, host}]
	if len(found) == 0 {
		return nil
	}
	for i := range a.groups {
		if found[a.groups[i].ID] {
			groups = append(groups, i)
		}
	}
	return groups
}
func (a asked) Within(first, last int64) bool {
	if first == event.NoTime || last == event.NoTime {
		return true // what has no time is delivered always
	}
	return first < a.run.within.Until && last >= a.run.within.Since
}
