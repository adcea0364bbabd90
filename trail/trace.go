package trail

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/finding"
)

// Start is where a trace is asked to begin: a record, or a value that is known to be the intruder's.
type Start struct {
	Ref   finding.Ref
	Value string // when not empty, Ref is not used
}

// ParseStart reads FILE:RECORD or VALUE. What ends in a colon and a number and does not look like an address is a record.
func ParseStart(s string) (Start, error) {
	if s == "" {
		return Start{}, errors.New("an empty start")
	}
	if i := strings.LastIndexByte(s, ':'); i > 0 && !isAddress([]byte(s)) {
		if n, err := strconv.ParseUint(s[i+1:], 10, 64); err == nil {
			return Start{Ref: finding.Ref{File: s[:i], Record: n}}, nil
		}
	}
	return Start{Value: s}, nil
}

func (s Start) String() string {
	if s.Value != "" {
		return s.Value
	}
	return s.Ref.File + ":" + strconv.FormatUint(s.Ref.Record, 10)
}

// Question says what to follow.
type Question struct {
	Org      string
	From     []Start           // empty: findings of level high and above, and correlations
	Findings []finding.Finding // of this organisation; events are not looked at
	Also     []finding.Ref     // records to begin with beside the findings, when From is empty; what is not in the graph is let pass
	Lenient  bool              // a start of From that is not there is told in Starts and is no error
	Baseline []*Baseline       // ordinary days elsewhere
	Coverage *coverage.Certificate
}

// ErrNoStart is wrapped by the error for a start that is not in the evidence.
var ErrNoStart = errors.New("start is not in the evidence")

// maxSeeds bounds the findings that a walk begins with; the gravest come first.
const maxSeeds = 20_000

// Trace finishes the graph and follows the intruder through it.
func Trace(g *Graph, q Question) (*Trail, error) {
	all, err := TraceEach(g, q)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// TraceEach answers several questions of one graph, each as if it were the only one. A graph can be finished once, and filling it costs far more than
// walking it.
func TraceEach(g *Graph, all ...Question) ([]*Trail, error) {
	starts := make([][]Start, len(all))
	grave := make([]int, len(all)) // how many of the starts are not of the rules on connections
	var refs []finding.Ref
	for i := range all {
		starts[i], grave[i] = all[i].starts()
		for _, s := range starts[i] {
			refs = append(refs, s.Ref)
		}
	}
	found, err := g.Finish(refs)
	if err != nil {
		return nil, err
	}
	v := newView(g)
	out := make([]*Trail, len(all))
	for i := range all {
		v.baseline = all[i].Baseline
		some := len(starts[i])
		if g.processes && !onlyFlows(all[i].Findings) { // network.go
			some = grave[i]
		}
		if out[i], err = v.trace(all[i], starts[i][:some], found[:some]); err != nil {
			return nil, err
		}
		found = found[len(starts[i]):]
	}
	if err := g.trouble(); err != nil {
		return nil, err
	}
	return out, nil
}

// starts are those that are asked for, else the gravest findings and what is to be begun with beside them; what the rules on connections found stands
// behind these.
func (q *Question) starts() (starts []Start, grave int) {
	if len(q.From) > 0 {
		return q.From, len(q.From)
	}
	begun := map[finding.Ref]bool{}
	begin := func(r finding.Ref) {
		if len(starts) < maxSeeds && !begun[r] {
			begun[r] = true
			starts = append(starts, Start{Ref: r})
		}
	}
	for _, f := range gravest(q.Findings) {
		begin(finding.Ref{File: f.File, Record: f.Record})
		for _, r := range f.Refs {
			begin(r)
		}
	}
	for _, r := range q.Also {
		begin(r)
	}
	grave = len(starts)
	for _, r := range networkStarts(q.Findings) {
		begin(r)
	}
	return starts, grave
}

// trace walks from the starts; found has the edges that each start's record told.
func (v *view) trace(q Question, starts []Start, found [][]Edge) (*Trail, error) {
	v.flows, v.strangers, v.calls, v.carrying, v.lasting = flows(q.Findings), map[Node]bool{}, map[string][]edge{}, map[Node]bool{}, map[[2]Node]bool{}
	clear(v.authorities) // which ask for what was found, too
	clear(v.carried)
	clear(v.libraries)
	w := newWalker(v)
	asked := len(q.From) > 0
	missing := map[int]error{}
	for i, s := range starts {
		switch {
		case s.Value != "":
			nodes := v.lookUp(s.Value)
			if len(nodes) == 0 {
				missing[i] = fmt.Errorf("trace from %q: %w: no node of that name; values are compared whole", s.Value, ErrNoStart)
			}
			for _, n := range nodes {
				w.seedNode(n, i)
			}
		case len(found[i]) == 0 && asked:
			missing[i] = fmt.Errorf("trace from %s: %w: no such record, or one of a kind that a trail does not use", s, ErrNoStart)
			if !slices.Contains(v.g.files.text, s.Ref.File) {
				missing[i] = fmt.Errorf("trace from %s: %w: no such file was read; name it as findings.jsonl does", s, ErrNoStart)
			}
		default:
			for _, e := range found[i] {
				w.seed(e.e, i)
			}
		}
		if err := missing[i]; err != nil && !q.Lenient {
			return nil, err
		}
	}
	if len(q.From) == 0 {
		starts = v.strikes(w, starts)
	}
	w.run()
	t := newTeller(w, q, starts).tell()
	for i, err := range missing {
		t.Starts[i].Missing, t.Starts[i].Why = err, "no intrusion established: it is not in the evidence"
	}
	if len(missing) > 0 && len(missing) == len(starts) {
		t.Why = t.Starts[0].Why
	}
	return t, nil
}

// strikes begins at what is hardly anybody's work and that no rule knows by name: command interpreters that web servers started, where that is rare, and zones
// below which names without number were asked for.
func (v *view) strikes(w *walker, starts []Start) []Start {
	var servers []Node
	v.g.names.each(func(id Node, key []byte) {
		if _, _, name := splitKey(key); name == webServerName {
			servers = append(servers, id)
		}
	}, Service)
	slices.SortFunc(servers, v.compareNodes)
	zones := slices.SortedFunc(maps.Keys(v.g.zones), v.compareNodes)
	for _, z := range zones {
		if v.carries(z) && len(starts) < maxSeeds {
			starts = append(starts, Start{Value: v.key(z).value})
			w.seedNode(z, len(starts)-1)
		}
	}
	for _, s := range servers {
		if w.shellDays(s) > 5 {
			continue
		}
		out, _ := v.out(s, never, always)
		for i := range out {
			if out[i].Rel == Started && len(starts) < maxSeeds {
				starts = append(starts, Start{Ref: finding.Ref{File: v.g.files.text[out[i].File], Record: out[i].Record}})
				w.seed(out[i], len(starts)-1)
			}
		}
	}
	return starts
}

// gravest gives the findings of level high and above, the correlations, and the indicators that somebody asked for, in their order.
func gravest(all []finding.Finding) (out []*finding.Finding) {
	for i := range all {
		if f := &all[i]; f.Rule.Level >= finding.High || (f.Rule.Kind == finding.Correlation || f.Rule.Kind == finding.IOC) && f.Rule.Level >= finding.Medium {
			out = append(out, f)
		}
	}
	return out
}

// maxBelow bounds the names below one that somebody asked for: a tunnel through name service makes one for every packet.
const maxBelow = 20_000

// lookUp finds the nodes of a value: an address, a name, a hash, an account, or a path or name of file, service or task on any host.
func (v *view) lookUp(value string) (out []Node) {
	folded := lower([]byte(value))
	for _, kind := range []Kind{Address, Name, Hash, Account, Program} {
		if n := v.g.names.find(appendKey(nil, kind, nil, folded)); n != noNode {
			out = append(out, n)
		}
	}
	if below := "." + string(folded); strings.Count(below, ".") >= 2 && !isAddress(folded) { // a name stands for those below it, as an indicator does
		v.g.names.each(func(id Node, key []byte) {
			if _, _, name := splitKey(key); strings.HasSuffix(name, below) && len(out) < maxBelow {
				out = append(out, id)
			}
		}, Name)
	}
	clean := string(cleanPath([]byte(value)))
	v.g.names.each(func(id Node, key []byte) {
		if _, _, name := splitKey(key); name == clean || name == string(folded) {
			out = append(out, id)
		}
	}, File, Service, Task, Registry, Pipe, WMI, URL)
	slices.SortFunc(out, v.compareNodes)
	return out
}
