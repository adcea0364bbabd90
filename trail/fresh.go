package trail

import (
	"bytes"
	"container/heap"
	"math"
	"strings"
)

// Where a host's own log tells of programs but not of connections – process auditing, Sysmon without network events, the audit daemon – and the network's
// log tells of connections but not of programs, moment and rarity join the two: a program that nobody installed starts, and within minutes its host
// for the first time calls a place that nobody called on ordinary days and that the rules on connections noted.

const (
	// soon is how long after its start a program first calls, and justBefore how far clocks may be off.
	soon       = 10 * 60 * second
	justBefore = 60 * second
)

// freshPrograms is where the starts of a host's programs that nobody installed stand.
func (r *row) freshProgram(p Node, image []byte) {
	path := cleanPath(image)
	if len(path) < 4 || installed(string(path)) || r.host == nil {
		return
	}
	r.edge(p, Opened, r.node(Pair, nil, append([]byte(freshMark), r.host...)))
}

const freshMark = "programs of "

// lists says whether a node only lists what happened on a host, for joins by moment: no walk passes it as it passes others.
func (w *walker) lists(n Node) bool {
	k := w.key(n)
	return k.kind == Pair && (strings.HasPrefix(k.value, freshMark) || strings.HasPrefix(k.value, rulersMark) || strings.HasPrefix(k.value, containersMark))
}

// callsOf gives the strange places that an address within called and that the rules on connections noted, by the first call.
func (v *view) callsOf(address string) []edge {
	return once(v.calls, address, v.findCalls)
}

func (v *view) findCalls(address string) (out []edge) {
	n := v.g.names.find(appendKey(nil, Address, nil, []byte(address)))
	if n == noNode {
		return nil
	}
	seen := map[Node]bool{}
	all, _ := v.out(n, never, always)
	for i := range all {
		e := &all[i]
		if e.Rel != Connected && e.Rel != Resolved || seen[e.To] {
			continue
		}
		seen[e.To] = true
		if t := v.flows[[2]string{address, v.key(e.To).value}]; (t.beacon >= 0.5 || t.upload > 0) && v.strange(e.To) {
			out = append(out, *e)
		}
	}
	return out
}

// startedBefore gives the starts of fresh programs of a host about its first call of a place, none when they are of many programs.
func (v *view) startedBefore(host string, call int64) (out []edge) {
	hub := v.g.names.find(appendKey(nil, Pair, nil, []byte(freshMark+host)))
	if hub == noNode {
		return nil
	}
	programs := map[string]bool{}
	in, _ := v.in(hub, call-soon, call+justBefore)
	for i := range in {
		if p := v.program(in[i].From); p != "" && !v.established(in[i].From) && v.daysOf(in[i].From) <= 3 {
			programs[p] = true
			if start, ok := v.startOf(in[i].From, in[i].Time); ok {
				out = append(out, start)
			}
		}
	}
	if len(programs) > 2 {
		return nil
	}
	return out
}

// startOf gives the edge that tells a process's start.
func (v *view) startOf(p Node, at int64) (edge, bool) {
	in, _ := v.in(p, at, at)
	for i := range in {
		if in[i].Rel == Started {
			return in[i], true
		}
	}
	return edge{}, false
}

// daysOf is on how many days the program of a process ran on its host.
func (v *view) daysOf(p Node) int {
	f := v.g.names.find(appendKey(nil, File, []byte(v.hostOf(p)), []byte(v.image(p))))
	if f == noNode {
		return math.MaxInt
	}
	days := map[int64]bool{}
	in, more := v.in(f, never, always)
	for i := range in {
		if in[i].Rel == RunsImage {
			days[in[i].Time/day] = true
		}
	}
	if more {
		return math.MaxInt
	}
	return len(days)
}

// hostOf is the host on which a process runs, by the record that tells its program.
func (v *view) hostOf(p Node) string {
	out, _ := v.out(p, never, always)
	for i := range out {
		if out[i].Rel == RunsImage {
			return v.key(out[i].To).host
		}
	}
	return ""
}

// toPrograms goes from an address that called a strange place to the programs that started about then.
func (w *walker) toPrograms(a *arrival, first int64) {
	host := w.g.hostOf[w.key(a.node).value]
	if host == "" {
		return
	}
	for _, e := range w.startedBefore(host, first) {
		w.passTo(a, e, e.To, 0.85)
	}
}

// toOpener goes from a logon to the program that nobody installed and that started on the host it came from just before, where that host's log tells of no
// connections.
func (w *walker) toOpener(a *arrival) {
	from, _, ok := cutPair(w.key(a.node).value)
	if host, ours := w.g.hostOf[from]; ours {
		from = host
	}
	number, ours := w.g.hosts.ids[from]
	if !ok || !ours || w.g.talks[number] {
		return
	}
	for _, e := range w.startedBefore(from, a.time) {
		if a.time-e.Time <= opener {
			w.passTo(a, e, e.To, 0.85)
		}
	}
}

// opener is how long before a logon elsewhere the program that asked for it started.
const opener = 60 * second

// toCalls goes from a program that nobody installed to the strange places that its host first called when it started.
func (w *walker) toCalls(a *arrival) {
	for _, call := range w.firstCalls(a.node) {
		w.passTo(a, call, call.To, 0.85)
	}
}

// firstCalls gives the first calls of strange places by the host of a program that nobody installed, about when it started.
func (v *view) firstCalls(p Node) (out []edge) {
	if image := v.image(p); image == "" || installed(image) {
		return nil
	}
	host := v.hostOf(p)
	for _, address := range v.g.address[host] {
		if !v.silent(v.g.names.find(appendKey(nil, Address, nil, []byte(address)))) {
			continue
		}
		for _, call := range v.callsOf(address) {
			for _, e := range v.startedBefore(host, call.Time) {
				if e.To == p {
					out = append(out, call)
				}
			}
		}
	}
	return out
}

// containersMark is where the disk images that came to a host stand. Opening one makes a drive of it, and nothing but the moment joins the two.
const containersMark = "disk images on "

func isContainer(name []byte) bool {
	for _, x := range []string{".iso", ".img", ".vhd", ".vhdx"} {
		if bytes.HasSuffix(name, []byte(x)) {
			return true
		}
	}
	return false
}

// toContainer goes from a program that speaks of a file on another drive than the system's to the last disk image that came to its host in the two hours before.
func (w *walker) toContainer(a *arrival) {
	host := ""
	out, _ := w.out(a.node, never, always)
	for i := range out {
		if k := w.key(out[i].To); (out[i].Rel == Mentioned || out[i].Rel == RunsImage || out[i].Rel == Loaded) && k.kind == File && len(k.value) > 3 && k.value[1] == ':' && k.value[0] > 'c' {
			host = k.host
		}
	}
	if host == "" {
		return
	}
	hub := w.g.names.find(appendKey(nil, Pair, nil, []byte(containersMark+host)))
	if hub == noNode {
		return
	}
	in, _ := w.in(hub, a.time-2*3600*second, a.time)
	for i := len(in) - 1; i >= 0; i-- {
		if in[i].Rel != Opened {
			continue
		}
		laid, _ := w.in(in[i].From, in[i].Time, in[i].Time)
		for k := range laid {
			if laid[k].Rel == Wrote {
				w.passTo(a, laid[k], in[i].From, 0.8)
				return
			}
		}
	}
}

// passTo takes a step that no edge at the node arrived at tells.
func (w *walker) passTo(a *arrival, e edge, other Node, factor float64) {
	weight := a.weight * factor
	if weight < runDry {
		return
	}
	w.take(e, weight, a.seed, a.node)
	if !w.opened[other] {
		heap.Push(&w.queue, &arrival{node: other, weight: weight, time: e.Time, via: e, from: a.node, seed: a.seed, trust: asEffect})
	}
}
