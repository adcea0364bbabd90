package trail

import (
	"fmt"
	"math"
	"net"
	"slices"

	"github.com/contrail-ir/contrail/finding"
)

// Hosts that are silent – that handed over nothing, or of which only a network's logs speak – have no processes to be followed. What is known of them
// is to whom they talked. Two rules judge connections (match/flow): those with the regularity of a beacon, and uploads of an unusual amount. Each
// alone is an everyday thing. Together, from one host to places that were not there on ordinary days, they are how an implant looks from outside.

// traffic is what the rules on connections said of one source and one destination.
type traffic struct {
	beacon, upload float64 // scores, 0 for none
}

// flows gives what was found about connections, by address of the source and address or name of the destination.
func flows(all []finding.Finding) map[[2]string]traffic {
	out := map[[2]string]traffic{}
	for i := range all {
		f := &all[i]
		if f.Rule.Kind != finding.Beacon && f.Rule.Kind != finding.Upload {
			continue
		}
		from, to := flowEnds(f)
		k := [2]string{from, to}
		t := out[k]
		if f.Rule.Kind == finding.Beacon {
			t.beacon = max(t.beacon, f.Score)
		} else {
			t.upload = max(t.upload, f.Score)
		}
		out[k] = t
	}
	return out
}

func flowEnds(f *finding.Finding) (from, to string) {
	for _, m := range f.Matched {
		switch m.Field {
		case "source":
			from = m.Value
		case "destination":
			to = m.Value
			if host, _, err := net.SplitHostPort(to); err == nil {
				to = host
			}
		}
	}
	return string(lower([]byte(from))), string(lower([]byte(to)))
}

// networkStarts are where a walk begins, too, when nothing graver was found than by these rules, or when no log tells what ran on any host, so that what was
// found on devices and gateways leads no further: uploads and what keeps time, the most striking first. Where they lead to places of ordinary days the walk
// ends at once.
func networkStarts(all []finding.Finding) (out []finding.Ref) {
	var some []*finding.Finding
	for i := range all {
		if f := &all[i]; f.Rule.Kind == finding.Beacon && f.Score >= 0.5 || f.Rule.Kind == finding.Upload {
			some = append(some, f)
		}
	}
	slices.SortStableFunc(some, func(a, b *finding.Finding) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	for _, f := range some[:min(len(some), 500)] {
		out = append(out, finding.Ref{File: f.File, Record: f.Record})
	}
	return out
}

// onlyFlows says whether nothing grave was found but by the rules on connections.
func onlyFlows(all []finding.Finding) bool {
	for _, f := range gravest(all) {
		if f.Rule.Kind != finding.Beacon && f.Rule.Kind != finding.Upload {
			return false
		}
	}
	return true
}

// strange says whether a place outside was not there on ordinary days and few talk to it.
func (v *view) strange(n Node) bool {
	yes, ok := v.strangers[n]
	if !ok {
		yes = v.isStrange(n)
		v.strangers[n] = yes
	}
	return yes
}

func (v *view) isStrange(n Node) bool {
	k := v.key(n)
	if n == noNode || k.kind != Address && k.kind != Name || v.internal(k) || v.established(n) {
		return false
	}
	if t := v.traitsOf(n); t.many || t.programs > 6 {
		return false
	}
	sources := map[Node]bool{}
	in, _ := v.in(n, never, always)
	for i := range in {
		if v.kind(in[i].From) == Address {
			sources[in[i].From] = true
		}
	}
	return len(sources) <= 12
}

// silent says whether an address is one within of whose connections no host's own log speaks.
func (v *view) silent(n Node) bool {
	k := v.key(n)
	if k.kind != Address || !v.internal(k) {
		return false
	}
	host, known := v.g.hostOf[k.value]
	return !known || !v.g.talks[v.g.hosts.ids[host]]
}

// atSilent is an address within that talked to a place of the intruder's: on to the other strange places that the rules on connections noted it with,
// and to programs that came to it or that it laid elsewhere about the first of its calls.
func (w *walker) atSilent(a *arrival) policy {
	first := int64(math.MaxInt64)
	all, _ := w.out(a.node, never, always)
	for i := range all {
		if all[i].To == a.from {
			first = min(first, all[i].Time)
		}
	}
	if first == math.MaxInt64 {
		first = a.time
	}
	w.toPrograms(a, first)
	const span = 60 * int64(24*3600e9)
	self := w.key(a.node).value
	return policy{within: span, factor: 0.95, step: func(e *edge, other Node, forward bool) float64 {
		if !forward || e.Time < first-int64(3600e9) {
			return 0
		}
		switch e.Rel {
		case Connected, Resolved, Sent, Requested, Posted:
			t := w.flows[[2]string{self, w.key(other).value}]
			return when((t.beacon >= 0.5 || t.upload > 0) && w.strange(other), 0.9)
		case HasHash:
			return when(abs(e.Time-first) <= int64(3600e9) && w.traitsOf(other).peers <= 12, 0.8)
		case Wrote:
			return when(dangerous(w.key(other).value) && !w.established(other), 0.7)
		}
		return 0
	}}
}

// seenOnWire is what speaks for an intrusion where no process does: a source within that keeps time with a strange place and sent much to one.
func (t *teller) seenOnWire(e *evidence) string {
	keeps, sends := map[Node]Node{}, map[Node]Node{}
	for _, i := range e.steps {
		s := &t.taken[i].edge
		if k := t.kind(s.To); k != Address && k != Name || !t.silent(s.From) || !t.strange(s.To) {
			continue
		}
		x := t.flows[[2]string{t.key(s.From).value, t.key(s.To).value}]
		if _, known := keeps[s.From]; x.beacon >= 0.5 && !known && t.lasts(s.From, s.To) {
			keeps[s.From] = s.To
		}
		if x.upload > 0 && !t.delivers(s.From, s.To) {
			sends[s.From] = s.To
		}
	}
	for _, from := range t.sortedNodes(keeps) {
		if to, ok := sends[from]; ok {
			return fmt.Sprintf("%s called %s with regularity and sent much to %s, neither known from ordinary days", t.key(from).value, t.key(keeps[from]).value, t.key(to).value)
		}
	}
	return ""
}

// delivers says whether much is sent to a place day by day at the same time: a job, and not somebody who takes what he found. An intruder who kept such hours would
// look the same, and a host's own log would tell them apart.
func (t *teller) delivers(from, to Node) bool {
	const much = 64 << 10 // KiB
	days, sent, from0, to0 := map[int64]bool{}, map[int64]uint64{}, int64(day), int64(-1)
	out, _ := t.out(from, never, always)
	for i := range out {
		if e := &out[i]; e.To == to {
			d := e.Time / day
			days[d] = true
			if e.Rel == Sent {
				if sent[d] == 0 && e.Count >= much/4 {
					from0, to0 = min(from0, e.Time%day), max(to0, e.Time%day)
				}
				sent[d] += uint64(e.Count)
			}
		}
	}
	big := 0
	for _, n := range sent {
		if n >= much {
			big++
		}
	}
	return big >= 4 && big*4 >= len(days)*3 && to0-from0 <= int64(3*3600e9)
}

// lasts says whether calls go on over more than a working day: what a person leaves open for an hour keeps time as well.
func (t *teller) lasts(from, to Node) bool {
	out, _ := t.out(from, never, always)
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range out {
		if out[i].To == to {
			first, last = min(first, out[i].Time), max(last, out[i].Time+int64(out[i].Span)*second)
		}
	}
	return last-first > int64(12*3600e9)
}

func (t *teller) sortedNodes(m map[Node]Node) []Node {
	out := make([]Node, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.SortFunc(out, t.compareNodes)
	return out
}
