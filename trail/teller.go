package trail

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
)

// teller turns the steps of a walk into a trail.
type teller struct {
	*walker
	question Question
	starts   []Start
	findings map[finding.Ref][]*finding.Rule
	trail    *Trail
	kept     []step // of established groups, by time
	beside   []step // of established groups, but somebody else's doing
	rejected []step
	ids      map[Node]string
}

func newTeller(w *walker, q Question, starts []Start) *teller {
	t := &teller{walker: w, question: q, starts: starts, findings: map[finding.Ref][]*finding.Rule{}, ids: map[Node]string{},
		trail: &Trail{Org: q.Org, Signs: []Sign{}, Nodes: []NodeView{}, Edges: []EdgeView{}, Stages: []Stage{}, Implant: []Implant{}, Tools: []Implant{}, Infrastructure: []Place{}, Hosts: []HostView{}, Accounts: []AccountView{}, Persistence: []Persistence{}, Staged: []Staged{}, Starts: []StartView{}, Unseen: []string{}}}
	for i := range q.Findings {
		f := &q.Findings[i]
		for _, r := range append([]finding.Ref{{File: f.File, Record: f.Record}}, f.Refs...) {
			t.findings[r] = append(t.findings[r], f.Rule)
		}
	}
	t.trail.Access.Refs = []Ref{}
	return t
}

func (t *teller) ref(e *edge) finding.Ref {
	return finding.Ref{File: t.g.files.text[e.File], Record: e.Record}
}

func (t *teller) tell() *Trail {
	t.judgeGroups()
	slices.SortStableFunc(t.rejected, t.compareSteps)
	t.trail.Cut = t.cut
	t.graph()
	if t.trail.Established {
		t.stages()
		t.implants()
		t.places()
		t.hosts()
		t.things()
		t.staged() // packing.go
		t.wayIn()
	}
	t.unseen()
	return t.trail
}

func (t *teller) compareSteps(a, b step) int {
	return cmp.Or(cmp.Compare(a.edge.Time, b.edge.Time), cmp.Compare(a.edge.File, b.edge.File), cmp.Compare(a.edge.Record, b.edge.Record), cmp.Compare(a.edge.Rel, b.edge.Rel),
		t.compareNodes(a.edge.From, b.edge.From), t.compareNodes(a.edge.To, b.edge.To))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// graph fills nodes and edges.
func (t *teller) graph() {
	type part struct {
		steps []step
		role  Role
	}
	var context []step
	for _, e := range t.context {
		if _, taken := t.steps[e.id()]; !taken {
			context = append(context, step{edge: e, weight: contextFrom})
		}
	}
	if !t.trail.Established {
		context = nil
	}
	context = append(context, t.beside...)
	slices.SortStableFunc(context, t.compareSteps)
	rejected := t.rejected[:min(len(t.rejected), maxRejected)]
	all := []part{{t.kept, Intrusion}, {context[:min(len(context), maxContext)], Context}, {rejected, Rejected}}
	nodes := map[Node]map[Ref]bool{}
	for _, p := range all {
		for i := range p.steps {
			e := &p.steps[i].edge
			r := t.ref(e)
			for _, n := range []Node{e.From, e.To} {
				if n == noNode {
					continue
				}
				if nodes[n] == nil {
					nodes[n] = map[Ref]bool{}
				}
				if len(nodes[n]) < maxRefs {
					nodes[n][Ref{r.File, r.Record, p.role}] = true
				}
			}
		}
	}
	order := make([]Node, 0, len(nodes))
	for n := range nodes {
		order = append(order, n)
	}
	slices.SortFunc(order, t.compareNodes)
	for i, n := range order {
		id := "n" + strconv.Itoa(i+1)
		t.ids[n] = id
		k := t.key(n)
		t.trail.Nodes = append(t.trail.Nodes, NodeView{ID: id, Kind: k.kind.String(), Host: t.hostOfNode(n), Label: t.label(n), Refs: sortedRefs(nodes[n])})
	}
	numbers := t.parts()
	for _, p := range all {
		for i := range p.steps {
			s := &p.steps[i]
			r := t.ref(&s.edge)
			v := EdgeView{From: t.ids[s.edge.From], To: t.ids[s.edge.To], Kind: s.edge.Rel.String(), Time: stamp(s.edge.Time), Weight: float64(int(s.weight*1000+0.5)) / 1000, Host: t.g.hosts.text[s.edge.Host], Refs: []Ref{{r.File, r.Record, p.role}}}
			if s.edge.Count > 1 && s.edge.Rel != OfAccount && s.edge.Rel != RunsImage && s.edge.Rel != RunsProgram && s.edge.Rel != HasHash {
				v.Count = s.edge.Count
			}
			if p.role == Intrusion {
				v.Part = numbers[t.find(s.seed)]
			}
			t.trail.Edges = append(t.trail.Edges, v)
		}
	}
}

const (
	maxRefs     = 40   // references that stand for one node, stage or thing
	maxContext  = 500  // steps shown as context
	maxRejected = 2000 // steps shown as rejected
)

func sortedRefs(m map[Ref]bool) []Ref {
	out := make([]Ref, 0, len(m))
	for r := range m {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Ref) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Record, b.Record), strings.Compare(string(a.Role), string(b.Role)))
	})
	return out
}

func stamp(ns int64) string { return string(event.AppendTime(nil, ns)) }

// hostOfNode gives the host of a node, "" when it belongs to none.
func (v *view) hostOfNode(n Node) string {
	k := v.key(n)
	if k.host != "" || k.kind != Process {
		return strings.TrimPrefix(k.host, folderMark)
	}
	if out, _ := v.g.out.edges(nil, n, never, always, 1); len(out) > 0 {
		return v.g.hosts.text[out[0].Host]
	}
	if in, _ := v.g.in.edges(nil, n, never, always, 1); len(in) > 0 {
		return v.g.hosts.text[in[0].Host]
	}
	return ""
}

// label is a node in words.
func (v *view) label(n Node) string {
	k := v.key(n)
	switch k.kind {
	case Process, pidRef:
		image := v.image(n)
		if image == "" {
			image = "a process"
		}
		out, _ := v.out(n, never, always)
		for i := range out {
			if out[i].Rel == HasCommand {
				return image + " [" + v.key(out[i].To).value + "]"
			}
		}
		return image
	case Session:
		if s := v.session(n); s.account != "" {
			return s.account + " (" + k.value + ")"
		}
	}
	return k.value
}
