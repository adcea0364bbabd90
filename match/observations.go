package match

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match/ioc"
	"github.com/contrail-ir/contrail/match/ioc/observed"
)

// Bounds of what is remembered of observations and told of them.
const (
	maxObserved     = 1 << 19 // of an organisation, in all patterns
	maxTold         = 64      // values that a finding shows
	maxToldOf       = 8       // of one observation
	maxToldBytes    = 256     // of one value
	maxToldObserved = 16      // observations whose values are shown
)

// Correlator implements Engine: it joins what fits the parts of patterns over several events.
func (e *iocEngine) Correlator() Correlator {
	if e.counts[ioc.Several] == 0 {
		return nil
	}
	return &observations{engine: e, joiners: map[event.RuleIndex]*joining{}}
}

// observations joins the observations of one organisation, pattern by pattern.
type observations struct {
	engine  *iocEngine
	joiners map[event.RuleIndex]*joining
	nth     uint64
	held    int
}

// joining is one pattern with the event that came last.
type joining struct {
	*observed.Joiner
	last *observed.Observation
	at   Hit
}

// place is what is known of an observation.
type place struct {
	ref     finding.Ref
	matched []event.Matched
}

// Add implements Correlator.
func (c *observations) Add(h *Hit, emit func(Correlated)) {
	rule, part, ok := c.engine.Part(h.Rule)
	if !ok {
		return
	}
	j := c.joiners[rule]
	if j == nil {
		j = &joining{Joiner: c.engine.Rule(rule).Several.Plan.Joiner()}
		c.joiners[rule] = j
	}
	c.observe(j, h)
	c.held -= j.Held()
	match := j.Add(j.last, part)
	if c.held += j.Held(); c.held > maxObserved {
		c.held -= j.Held()
		j.GiveUp()
	}
	if match != nil {
		emit(correlated(rule, match))
	}
}

// observe makes an observation of a hit, or adds to the one that the hit is of, too.
func (c *observations) observe(j *joining, h *Hit) {
	if a := &j.at; j.last == nil || a.Time != h.Time || a.File != h.File || a.Record != h.Record || a.Offset != h.Offset || a.Item != h.Item {
		c.nth++
		j.last, j.at = &observed.Observation{Time: h.Time, Nth: c.nth, Of: &place{ref: finding.Ref{File: h.File, Record: h.Record}}}, *h
		j.at.Carried = nil
	}
	p := j.last.Of.(*place)
	for _, m := range h.Carried {
		if len(m.Value) > maxToldBytes {
			m.Value = strings.ToValidUTF8(m.Value[:maxToldBytes], "") + "…"
		}
		if len(p.matched) < maxToldOf && !slices.Contains(p.matched, m) {
			p.matched = append(p.matched, m)
		}
	}
}

// correlated tells of a match: all its records, and of the first of them what was seen there.
func correlated(rule event.RuleIndex, match []*observed.Observation) Correlated {
	out := Correlated{Rule: rule}
	for i, o := range match {
		p := o.Of.(*place)
		out.Refs = append(out.Refs, p.ref)
		if i >= maxToldObserved {
			continue
		}
		for _, m := range p.matched {
			if len(out.Group) < maxTold && !slices.Contains(out.Group, m) {
				out.Group = append(out.Group, m)
			}
		}
	}
	out.Group = append(out.Group, event.Matched{Field: "observations", Value: strconv.Itoa(len(match))})
	if first := match[0].Time; first != event.NoTime {
		out.Group = append(out.Group, event.Matched{Field: "first", Value: string(event.AppendTime(nil, first))})
	}
	return out
}

// Advance implements Correlator: a match is told with its last observation, and nothing waits for time to pass.
func (c *observations) Advance(int64, func(Correlated)) {}

// Finish implements Correlator.
func (c *observations) Finish(int64, func(Correlated)) {}

// Uncertain implements Correlator.
func (c *observations) Uncertain() (all []string) {
	var lost observed.Lost
	for _, j := range c.joiners {
		l := j.Lost()
		lost.Untimed += l.Untimed
		lost.Ways += l.Ways
	}
	if lost.Untimed > 0 {
		all = append(all, fmt.Sprintf("%d observations without a time could not be joined by STIX patterns that ask when", lost.Untimed))
	}
	if lost.Ways > 0 {
		all = append(all, fmt.Sprintf("%d beginnings of matches of STIX patterns over several observations were given up: they did not fit into the memory set aside for them", lost.Ways))
	}
	return all
}
