package trail

import (
	"cmp"
	"container/heap"
	"strings"
	"time"
)

// The walk follows the intruder from seeds in both directions, best evidence first.
//
// It builds on BackTracker (King and Chen, SOSP 2003): causality between processes, files and sockets, backward from a detection; on NoDoze
// (Hassan et al., NDSS 2019): a path is as suspicious as the product of its steps, and a step that is common in the organisation breaks it; on
// DepImpact (Fang et al., USENIX Security 2022): steps are weighed by closeness in time and by concentration (how much of what a node
// does leads to what is suspected); and on HOLMES (Milajerdi et al., S&P 2019): what was reached counts as an intrusion only when it adds up to
// stages. What was changed, and why:
//   - Both directions in one walk, since seeds are often in the middle of an intrusion.
//   - A step is judged at the node it passes, by the node's kind (policy.go), because in logs – unlike in the complete system-call traces these
//     papers use – most causality is missing, and what joins records is a shared name, path, logon or socket.
//   - Nodes that everything shares pass no walk by themselves (residents, system sessions, installed programs) but may within seconds.
//   - Commonness is counted over the organisation's own hosts and days and an optional baseline, not over a corpus from elsewhere.

const (
	// runDry is the weight below which a step is not taken.
	runDry = 0.30
	// contextFrom is the weight from which a step not taken is shown as context.
	contextFrom = 0.15
	// maxSteps bounds a walk; beyond it the result says that it was cut off.
	maxSteps = 200_000
)

// arrival is a node reached by the walk.
type arrival struct {
	node   Node
	weight float64
	time   int64
	via    edge  // the step that led here
	from   Node  // the node before, noNode for a seed
	seed   int   // number of the seed that it goes back to
	trust  trust // how the node was reached
}

// trust says why a node is believed to be the intruder's.
type trust uint8

const (
	asEffect trust = iota // what the intruder did
	asCause               // what did what the intruder's thing goes back to
	asSeed
)

// step is an edge that the walk took.
type step struct {
	edge   edge
	weight float64
	seed   int
	from   Node
}

// edgeID names an edge of the finished graph.
type edgeID struct {
	from, to Node
	rel      Relation
	time     int64
	file     uint32
	record   uint64
}

func (e *edge) id() edgeID { return edgeID{e.From, e.To, e.Rel, e.Time, e.File, e.Record} }

type walker struct {
	*view
	queue   arrivals
	opened  map[Node]bool
	windows map[window]bool
	steps   map[edgeID]int
	taken   []step
	context map[edgeID]edge
	cut     bool
	group   map[int]int     // seed → group, by union
	passed  map[passage]int // entry_session.go: by the first seed that passed
}

// window is a hub passed at a moment.
type window struct {
	node Node
	time int64 // in seconds
}

func newWalker(v *view) *walker {
	w := &walker{view: v, group: map[int]int{}, passed: map[passage]int{}, opened: map[Node]bool{}, windows: map[window]bool{}, steps: map[edgeID]int{}, context: map[edgeID]edge{}}
	w.queue.w = w
	return w
}

// seed puts an edge at the beginning of the walk. The record of a process's start is about the process, and that of a thing done in a logon about the
// thing: the parent and the logon are causes, to be judged like others.
func (w *walker) seed(e edge, seed int) {
	w.take(e, 1, seed, noNode)
	for _, x := range [][2]Node{{e.From, e.To}, {e.To, e.From}} {
		t := asSeed
		switch e.Rel {
		case InSession:
			if x[0] == e.To {
				t = asCause
			}
		case Started:
			if x[0] == e.From {
				t = asCause
			}
		case OfAccount, Gained, LoggedOff:
		default:
			if x[0] == e.From && w.kind(x[0]) == Session {
				t = asCause
			}
		}
		if x[0] != noNode {
			heap.Push(&w.queue, &arrival{node: x[0], from: x[1], weight: 1, time: e.Time, via: e, seed: seed, trust: t})
		}
	}
}

// seedNode puts a node at the beginning of the walk: a value that somebody knows to be the intruder's.
func (w *walker) seedNode(n Node, seed int) {
	heap.Push(&w.queue, &arrival{node: n, weight: 1, time: w.traitsOf(n).first, seed: seed, trust: asSeed})
}

// find and union keep which seeds belong together. Ways to the first of a group are shortened as they are gone, since thousands of seeds may be one.
func (w *walker) find(i int) int {
	for {
		p, ok := w.group[i]
		if !ok {
			return i
		}
		if first, ok := w.group[p]; ok {
			w.group[i] = first
		}
		i = p
	}
}

func (w *walker) union(a, b int) {
	if a == b {
		return
	}
	if a, b = w.find(a), w.find(b); a != b {
		w.group[max(a, b)] = min(a, b)
	}
}

// take takes a step. Walks that take the same step have met, also at a node that none of them opened since it passes for a while only.
func (w *walker) take(e edge, weight float64, seed int, from Node) bool {
	id := e.id()
	if i, ok := w.steps[id]; ok {
		w.union(w.taken[i].seed, seed)
		return false
	}
	if len(w.taken) >= maxSteps {
		w.cut = true
		return false
	}
	w.steps[id] = len(w.taken)
	w.taken = append(w.taken, step{e, weight, seed, from})
	return true
}

// run walks until the weight runs dry.
func (w *walker) run() {
	for w.queue.Len() > 0 && !w.cut {
		a := heap.Pop(&w.queue).(*arrival)
		p := w.policy(a)
		if p.shut {
			continue
		}
		from, to := int64(never), int64(always)
		if p.within > 0 {
			k := window{a.node, a.time / int64(time.Second)}
			if w.windows[k] || w.opened[a.node] {
				continue
			}
			w.windows[k] = true
			from, to = a.time-p.within, a.time+p.within
		} else {
			if w.opened[a.node] {
				continue
			}
			w.opened[a.node] = true
			if p.from != 0 {
				from = p.from
			}
		}
		out, _ := w.out(a.node, from, to)
		in, _ := w.in(a.node, from, to)
		for i := range out {
			w.consider(a, p, &out[i], out[i].To, true)
		}
		for i := range in {
			w.consider(a, p, &in[i], in[i].From, false)
		}
	}
}

func (w *walker) consider(a *arrival, p policy, e *edge, other Node, forward bool) {
	if e.Rel == Opened && w.lists(other) && w.kind(a.node) != Service {
		return
	}
	f := p.factor
	if p.step != nil {
		f *= p.step(e, other, forward)
	}
	weight := a.weight * f
	if weight < runDry {
		if weight >= contextFrom && len(w.context) < maxSteps {
			w.context[e.id()] = *e
		}
		return
	}
	w.take(*e, weight, a.seed, a.node)
	if other == noNode || other == a.node || w.opened[other] {
		return
	}
	t := asEffect
	if !forward && (e.Rel == Started || e.Rel == LoggedOn || e.Rel == Accepted || e.Rel == Injected || e.Rel == Installed || e.Rel == RanAs || e.Rel == Wrote || e.Rel == Packed || e.Rel == Assigned || e.Rel == Opened) || forward && e.Rel == InSession {
		t = asCause
	}
	heap.Push(&w.queue, &arrival{node: other, weight: weight, time: e.Time, via: *e, from: a.node, seed: a.seed, trust: t})
}

// arrivals is a heap, heaviest first; ties are broken by what the evidence says and never by numbers of nodes.
type arrivals struct {
	w   *walker
	all []*arrival
}

func (q *arrivals) Len() int      { return len(q.all) }
func (q *arrivals) Swap(i, j int) { q.all[i], q.all[j] = q.all[j], q.all[i] }
func (q *arrivals) Push(x any)    { q.all = append(q.all, x.(*arrival)) }
func (q *arrivals) Pop() any {
	x := q.all[len(q.all)-1]
	q.all = q.all[:len(q.all)-1]
	return x
}
func (q *arrivals) Less(i, j int) bool {
	a, b := q.all[i], q.all[j]
	if a.weight != b.weight {
		return a.weight > b.weight
	}
	if c := cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.via.File, b.via.File), cmp.Compare(a.via.Record, b.via.Record), cmp.Compare(a.via.Rel, b.via.Rel), cmp.Compare(a.seed, b.seed), cmp.Compare(a.trust, b.trust)); c != 0 {
		return c < 0
	}
	if a.node == b.node {
		return false
	}
	return q.w.compareNodes(a.node, b.node) < 0
}

func (v *view) compareNodes(a, b Node) int {
	x, y := v.key(a), v.key(b)
	return cmp.Or(cmp.Compare(x.kind, y.kind), strings.Compare(x.host, y.host), strings.Compare(x.value, y.value))
}
