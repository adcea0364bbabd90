package trail

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"net/netip"
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
func (v *view) strange(n Node) bool { return once(v.strangers, n, v.isStrange) }

func (v *view) isStrange(n Node) bool {
	k := v.key(n)
	if n == noNode || k.kind != Address && k.kind != Name || v.internal(k) && !v.foreign(n) && !v.beyondTunnel(n) || v.established(n) {
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

// foreign says whether a private address lies in a network that is none of the organisation's as far as a network's logs tell: none of its addresses
// ever asked for a name, opened a connection or logged on, and no name leads to one, though the names are logged that those who call it ask for.
func (v *view) foreign(n Node) bool {
	if n == noNode || v.kind(n) != Address {
		return false
	}
	ip, err := netip.ParseAddr(v.key(n).value)
	if err != nil || !ip.Is4() || !ip.IsPrivate() || !v.g.sensor || v.g.network[network(ip)] > 0 {
		return false
	}
	asks := false
	in, _ := v.in(n, never, always)
	for i := range in {
		out, _ := v.out(in[i].From, never, always)
		if asks = slices.ContainsFunc(out, func(e edge) bool { return e.Rel == Resolved }); asks {
			break
		}
	}
	if !asks {
		return false
	}
	for x, net := network(ip).Addr(), network(ip); net.Contains(x); x = x.Next() {
		other := v.g.names.find(appendKey(nil, Address, nil, []byte(x.String())))
		if other == noNode {
			continue
		}
		named, _ := v.in(other, never, always)
		acts, _ := v.out(other, never, always)
		if slices.ContainsFunc(named, func(e edge) bool { return e.Rel == Answered || e.Rel == Assigned }) ||
			slices.ContainsFunc(acts, func(e edge) bool {
				switch e.Rel {
				case Connected, Resolved, Requested, Checked, LoggedOn, RefusedLogon:
					return true
				}
				return false
			}) {
			return false
		}
	}
	return true
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

// seenOnWire is what speaks for an intrusion where no process does: a source within that keeps time with a strange place and sent much to one; or
// one that sent much to a strange place and then came to another for the first time, which within the hour began to call the same place and kept
// time with it. Places where the programs of people at their ordinary work are at home do not count: as elsewhere, explained is what only such
// programs reach for. What would have spoken but for that is given as excused.
func (t *teller) seenOnWire(e *evidence, places map[Node]verdict) (speaks, excused string) {
	calls, sends := map[[2]Node]traffic{}, map[[2]Node]traffic{}
	for _, i := range e.steps {
		s := &t.taken[i].edge
		if k := t.kind(s.To); k != Address && k != Name || !t.silent(s.From) || !t.strange(s.To) {
			continue
		}
		ends := [2]Node{s.From, s.To}
		x := t.flows[[2]string{t.key(s.From).value, t.key(s.To).value}]
		if x.beacon > 0 {
			calls[ends] = x
		}
		if x.upload > 0 && !t.delivers(s.From, s.To) {
			sends[ends] = x
		}
	}
	tell := func(words string, ends ...Node) bool {
		if !slices.ContainsFunc(ends, func(p Node) bool { return places[p] == explained }) {
			speaks = words
			return true
		}
		if excused == "" {
			excused = words
		}
		return false
	}
	value := func(n Node) string { return t.key(n).value }
	for _, c := range t.sortedEnds(calls) {
		keeps := calls[c].beacon >= 0.5 && t.lasts(c[0], c[1])
		for _, s := range t.sortedEnds(sends) {
			switch {
			case keeps && c[0] == s[0]:
				if tell(fmt.Sprintf("%s called %s with regularity and sent much to %s, neither known from ordinary days", value(c[0]), value(c[1]), value(s[1])), c[1], s[1]) {
					return speaks, ""
				}
			case c[0] != s[0] && c[1] == s[1] && t.spread(s[0], c[0], c[1]):
				if tell(fmt.Sprintf("%s sent much to %s, which is not known from ordinary days, and came to %s for the first time, which within the hour began to call the same place with regularity", value(s[0]), value(s[1]), value(c[0])), c[1]) {
					return speaks, ""
				}
			}
		}
	}
	return "", excused
}

// spread says whether a source came to another for the first time after it had reached a place, and the other first reached it within the hour after.
func (t *teller) spread(from, to, place Node) bool {
	known, knownToo := t.firstTo(from, place)
	came, cameToo := t.firstTo(from, to)
	called, calledToo := t.firstTo(to, place)
	return knownToo && cameToo && calledToo && known < came && came <= called && called-came <= int64(3600e9)
}

// firstTo gives when an address first reached another. Who reaches more than is looked at speaks for many, and for it there is no first time.
func (t *teller) firstTo(from, to Node) (int64, bool) {
	out, more := t.out(from, never, always)
	i := slices.IndexFunc(out, func(e edge) bool { return e.To == to })
	if more || i < 0 {
		return 0, false
	}
	return out[i].Time, true
}

// beganOnWire is when the first of the steps was made that the rules on connections noted.
func (t *teller) beganOnWire(e *evidence) int64 {
	began := int64(always)
	for _, i := range e.steps {
		s := &t.taken[i].edge
		if _, noted := t.flows[[2]string{t.key(s.From).value, t.key(s.To).value}]; noted {
			began = min(began, s.Time)
		}
	}
	return began
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
func (t *teller) lasts(from, to Node) bool { return once(t.lasting, [2]Node{from, to}, t.callsOn) }

func (t *teller) callsOn(ends [2]Node) bool {
	from, to := ends[0], ends[1]
	out, _ := t.out(from, never, always)
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range out {
		if out[i].To == to {
			first, last = min(first, out[i].Time), max(last, out[i].Time+int64(out[i].Span)*second)
		}
	}
	return last-first > int64(12*3600e9)
}

func (t *teller) sortedEnds(m map[[2]Node]traffic) [][2]Node {
	out := make([][2]Node, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b [2]Node) int {
		return cmp.Or(t.compareNodes(a[0], b[0]), t.compareNodes(a[1], b[1]))
	})
	return out
}
