package trail

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/contrail-ir/contrail/finding"
)

// Options bound what a graph keeps in memory.
type Options struct {
	TempDir string // a folder is made in it and removed by Close; "" for the system's
	Budget  int    // bytes of names and edges in memory, about, before they go to disk; 0 for 128 MiB
	Walk    int    // bytes of edges in memory while they are followed, about; 0 for half of Budget. Edges on disk are followed many times slower
}

// Graph is the provenance graph of one organisation. Collect fills it from any goroutine; Finish settles it; then it is read only.
type Graph struct {
	names *names
	raw   edgeLog
	dir   string

	mu        sync.Mutex
	files     numbered
	hosts     numbered
	domains   map[string]bool // DNS domains that hosts' names end in
	instances [][]instance
	own       map[ownership]int     // host and address seen as its own → how often
	zones     map[Node]struct{}     // below which long names were asked for
	spoke     map[fileHost]struct{} // which hosts the files name
	named     map[uint32]bool       // folders whose logs are of a host, though they do not name it
	placed    map[Node]struct{}     // nodes of a host that is known by address or folder only

	out, in    *adjacency
	alias      map[Node]Node
	byPid      map[Node][]instance
	byNamedPid map[Node]namedPid // of references by id and program
	ofNamedPid []uint32          // places in the list of the id, one list after another
	walk       int               // bytes of edges in memory while they are followed
	ended      bool
	sensor     bool            // a network's own logs are there
	talks      map[uint32]bool // hosts that logged the connections or look-ups of processes
	first      int64           // time of the first and the last edge
	last       int64
	address    map[string][]string  // host → its addresses
	hostOf     map[string]string    // address → host
	network    map[netip.Prefix]int // network → addresses in it that are a host's own
	folderHost map[string]string    // folder of logs that name no host → their host
}

// numbered gives strings small numbers.
type numbered struct {
	ids  map[string]uint32
	text []string
}

func (n *numbered) id(s string) uint32 {
	if i, ok := n.ids[s]; ok {
		return i
	}
	if n.ids == nil {
		n.ids = map[string]uint32{}
	}
	i := uint32(len(n.text))
	n.ids[s] = i
	n.text = append(n.text, s)
	return i
}

// instance is a process seen under a process id. The two low bits of its time are flags: there are as many instances as processes.
type instance struct {
	pid     Node
	proc    Node
	program uint32    // hash of its program's name, 0 when not told
	halves  [2]uint32 // of its moment, so that it takes 20 bytes and not 24
}

const (
	strong  = 1 // its start was logged; else it was merely seen to run
	byPid   = 2 // named by host, id and start; to be joined to the one that is named by GUID
	atFlags = 3
)

func newInstance(pid, proc Node, at int64, program uint32, started, named bool) instance {
	at &^= atFlags
	if started {
		at |= strong
	}
	if named {
		at |= byPid
	}
	x := instance{pid: pid, proc: proc, program: program}
	x.set(at)
	return x
}

func (x *instance) set(moment int64) { x.halves = [2]uint32{uint32(moment >> 32), uint32(moment)} }
func (x *instance) moment() int64    { return int64(x.halves[0])<<32 | int64(x.halves[1]) }
func (x *instance) at() int64        { return x.moment() &^ atFlags }
func (x *instance) strong() bool     { return x.moment()&strong != 0 }
func (x *instance) byPid() bool      { return x.moment()&byPid != 0 }

type ownership struct{ host, address string }

// NewGraph makes an empty graph.
func NewGraph(o Options) (*Graph, error) {
	dir, err := os.MkdirTemp(o.TempDir, "contrail-trail-")
	if err != nil {
		return nil, fmt.Errorf("trail: %w", err)
	}
	if o.Budget <= 0 {
		o.Budget = 128 << 20
	}
	g := &Graph{names: newNames(dir, o.Budget/2), dir: dir, own: map[ownership]int{}, spoke: map[fileHost]struct{}{}, zones: map[Node]struct{}{}, placed: map[Node]struct{}{}, named: map[uint32]bool{}, domains: map[string]bool{}, talks: map[uint32]bool{}, first: math.MaxInt64, last: math.MinInt64}
	if o.Walk <= 0 {
		o.Walk = o.Budget / 2
	}
	g.walk = o.Walk
	g.raw = edgeLog{dir: dir, budget: o.Budget / 4}
	g.hosts.id("")
	return g, nil
}

// Close removes what the graph laid on disk.
func (g *Graph) Close() error {
	err := errors.Join(g.names.close(), g.raw.close())
	for _, a := range []*adjacency{g.out, g.in} {
		if a != nil {
			err = errors.Join(err, a.close())
		}
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}

// Size tells how much a graph holds.
type Size struct{ Nodes, Records int }

// Size gives the number of nodes and of relations that records told.
func (g *Graph) Size() Size { return Size{g.names.len(), g.raw.count} }

// sameStart is how far apart Sysmon and the audit log may date the same start of a process, in nanoseconds.
const sameStart = int64(2e9)

// Finish settles which process a process id meant at each moment, joins what two sources call by different names, and makes the
// edges ready to be followed. refs are records to look up; the edges that each of them told are given in the order of refs.
//
// Process ids are reused, so a record that names one speaks of the process with that id whose start was last before it. A process whose
// start was not logged is the one seen under the id before any start that was. Clocks that jump back cannot make a process start
// after its effects by more than sameStart; beyond that the id stays a process of its own.
func (g *Graph) Finish(refs []finding.Ref) ([][]Edge, error) {
	if g.ended {
		return nil, errors.New("trail: graph was finished before")
	}
	g.ended = true
	g.alias = map[Node]Node{}
	g.settleOwners()
	hosts, err := g.settlePlaces()
	if err != nil {
		return nil, err
	}
	for h := range maps.Clone(g.talks) {
		g.talks[hosts[h]] = true
	}
	g.settlePids()
	g.settleAddresses()

	// Numbers of files are given in the order of reading; from here on they follow the names.
	names := slices.Sorted(maps.Keys(g.files.ids))
	renumbered := make([]uint32, len(names))
	for i, name := range names {
		renumbered[g.files.ids[name]] = uint32(i)
	}
	g.files.text = names

	wanted := map[finding.Ref][]int{}
	byFile := map[string]bool{}
	for i, r := range refs {
		wanted[r] = append(wanted[r], i)
		byFile[r.File] = true
	}
	files := make([]bool, len(g.files.text))
	for i, f := range g.files.text {
		files[i] = byFile[f]
	}
	found := make([][]edge, len(refs))
	g.out = newAdjacency(false, g.raw.count, g.walk/2, g.dir)
	g.in = newAdjacency(true, g.raw.count, g.walk/2, g.dir)
	// The two orders are filled beside each other, a piece at a time.
	var fill sync.WaitGroup
	piece := make([]edge, 0, 1<<14)
	deal := func() error {
		var in error
		fill.Go(func() { in = g.in.addAll(piece) })
		out := g.out.addAll(piece)
		fill.Wait()
		piece = piece[:0]
		return errors.Join(out, in)
	}
	err = g.raw.each(func(e *edge) error {
		e.From, e.To = g.settled(e.From, e.Time), g.settled(e.To, e.Time)
		if e.From == e.To && e.From != noNode && e.Rel != Ended {
			return nil
		}
		e.File, e.Host = renumbered[e.File], hosts[e.Host]
		g.first, g.last = min(g.first, e.Time), max(g.last, e.Time)
		if files[e.File] {
			for _, i := range wanted[finding.Ref{File: g.files.text[e.File], Record: e.Record}] {
				found[i] = append(found[i], *e)
			}
		}
		if piece = append(piece, *e); len(piece) < cap(piece) {
			return nil
		}
		return deal()
	})
	if err := errors.Join(err, deal()); err != nil {
		return nil, err
	}
	if err := g.raw.close(); err != nil {
		return nil, err
	}
	if err := errors.Join(g.out.finish(), g.in.finish()); err != nil {
		return nil, err
	}
	edges := make([][]Edge, len(refs))
	for i := range found {
		slices.SortFunc(found[i], func(a, b edge) int { return compareEdges(&a, &b) })
		for _, e := range found[i] {
			edges[i] = append(edges[i], Edge{e})
		}
	}
	return edges, nil
}

// network is the 256 IPv4 addresses, or the IPv6 network, that an address lies in.
func network(ip netip.Addr) netip.Prefix {
	bits := 24
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}

// Edge is a relation of the graph, opaque outside the package.
type Edge struct{ e edge }

func (g *Graph) settlePids() {
	g.byPid = map[Node][]instance{}
	// They are dealt by process id and looked at a share at a time, so that there is never a second copy of all.
	var shares [64][][]instance
	for i, part := range g.instances {
		var dealt [len(shares)][]instance
		for _, x := range part {
			if to, ok := g.alias[x.pid]; ok {
				x.pid = to
			}
			if to, ok := g.alias[x.proc]; ok {
				x.proc = to
			}
			k := uint32(x.pid) * 0x9e3779b1 >> 26
			dealt[k] = append(dealt[k], x)
		}
		for k := range dealt {
			if len(dealt[k]) > 0 {
				shares[k] = append(shares[k], slices.Clone(dealt[k]))
			}
		}
		g.instances[i] = nil
	}
	var every []instance
	for k := range shares {
		every = every[:0]
		for i, part := range shares[k] {
			every = append(every, part...)
			shares[k][i] = nil
		}
		slices.SortFunc(every, func(a, b instance) int {
			return cmp.Or(cmp.Compare(a.pid, b.pid), cmp.Compare(a.at(), b.at()), cmp.Compare(a.moment()&byPid, b.moment()&byPid), cmp.Compare(b.moment()&strong, a.moment()&strong), cmp.Compare(a.proc, b.proc))
		})
		for from := 0; from < len(every); {
			to := from
			for to < len(every) && every[to].pid == every[from].pid {
				to++
			}
			g.byPid[every[from].pid] = g.joinInstances(every[from:to])
			from = to
		}
	}
	g.settleNamedPids()
}

// namedPid are the processes that had an id and ran a program: those at places of the id's own list, so that none is held twice.
type namedPid struct {
	pid      Node
	from, to uint32
}

// settleNamedPids gives each reference by id and program the processes that had the id and ran the program.
func (g *Graph) settleNamedPids() {
	g.byNamedPid = map[Node]namedPid{}
	g.names.each(pidRef, func(id Node, key []byte) {
		_, host, value := splitKey(key)
		number, name, ok := strings.Cut(value, " ")
		if !ok {
			return
		}
		pid := g.names.find(appendKey(nil, pidRef, []byte(host), []byte(number)))
		want := programHash([]byte(name))
		from := len(g.ofNamedPid)
		for i, x := range g.byPid[pid] {
			if x.program == want || x.program == 0 {
				g.ofNamedPid = append(g.ofNamedPid, uint32(i))
			}
		}
		if len(g.ofNamedPid) > from {
			g.byNamedPid[id] = namedPid{pid, uint32(from), uint32(len(g.ofNamedPid))}
		}
	})
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// joinInstances makes one list of the processes under one id, by start.
func (g *Graph) joinInstances(all []instance) []instance {
	best := map[Node]instance{} // a process named by GUID at its logged start, or where it was first seen
	var order []Node
	for _, x := range all {
		y, ok := best[x.proc]
		if !ok {
			order = append(order, x.proc)
			best[x.proc] = x
		} else {
			if y.program == 0 {
				y.program = x.program
			}
			if x.strong() && !y.strong() {
				y.halves, y.pid = x.halves, x.pid
			}
			best[x.proc] = y
		}
	}
	var out []instance
	for _, p := range order {
		out = append(out, best[p])
	}
	slices.SortStableFunc(out, func(a, b instance) int {
		return cmp.Or(cmp.Compare(a.at(), b.at()), cmp.Compare(a.moment()&byPid, b.moment()&byPid))
	})
	for i := range out {
		if !out[i].byPid() {
			continue
		}
		for j := i - 1; j <= i+1; j++ {
			if j >= 0 && j < len(out) && !out[j].byPid() && out[j].strong() && abs(out[j].at()-out[i].at()) <= sameStart {
				g.alias[out[i].proc] = out[j].proc
				break
			}
		}
	}
	kept := out[:0]
	for _, x := range out {
		if _, gone := g.alias[x.proc]; !gone {
			kept = append(kept, x)
		}
	}
	if len(kept) > 0 && !kept[0].strong() {
		kept[0].set(math.MinInt64)
	}
	return slices.Clone(kept)
}

func abs(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

// settled gives the node that a number means at a time.
func (g *Graph) settled(n Node, at int64) Node {
	if to, ok := g.alias[n]; ok {
		n = to
	}
	at += sameStart / 2
	if all, ok := g.byPid[n]; ok {
		if i := sort.Search(len(all), func(i int) bool { return all[i].at() > at }); i > 0 {
			return all[i-1].proc
		}
		return n
	}
	if named, ok := g.byNamedPid[n]; ok {
		all, which := g.byPid[named.pid], g.ofNamedPid[named.from:named.to]
		if i := sort.Search(len(which), func(i int) bool { return all[which[i]].at() > at }); i > 0 {
			return all[which[i-1]].proc
		}
		if first := &all[which[0]]; !first.strong() {
			return first.proc // its start was not logged: it ran from before
		}
		return n
	}
	if to, ok := g.alias[n]; ok {
		return to
	}
	return n
}

// settleOwners decides which addresses are a host's own. An address that several hosts call theirs belongs to the one that did so most;
// equal counts to none.
func (g *Graph) settleOwners() {
	type vote struct {
		host string
		n    int
	}
	best := map[string][]vote{}
	speaks := map[string]bool{}
	for s := range g.spoke {
		speaks[g.hosts.text[s.host]] = true
	}
	for o, n := range g.own {
		if !speaks[o.host] {
			continue
		}
		best[o.address] = append(best[o.address], vote{o.host, n})
	}
	g.address, g.hostOf = map[string][]string{}, map[string]string{}
	for address, votes := range best {
		slices.SortFunc(votes, func(a, b vote) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.host, b.host)) })
		if len(votes) > 1 && votes[1].n*2 > votes[0].n {
			continue
		}
		g.hostOf[address] = votes[0].host
		g.address[votes[0].host] = append(g.address[votes[0].host], address)
	}
	g.network = map[netip.Prefix]int{}
	for address := range g.hostOf {
		if ip, err := netip.ParseAddr(address); err == nil {
			g.network[network(ip)]++
		}
	}
	for _, all := range g.address {
		slices.Sort(all)
	}
}

// settleAddresses joins the pairs that name a host by name to those that name it by address.
func (g *Graph) settleAddresses() {
	type link struct {
		id       Node
		from, to string
		value    string
	}
	first := map[[2]string]Node{}
	var links []link
	g.names.each(Pair, func(id Node, key []byte) {
		_, _, value := splitKey(key)
		from, to, ok := cutPair(value)
		if at := strings.LastIndexByte(value, '@'); !ok && at > 0 { // of an account at a place
			from, to = value[:at+1], value[at+1:]
		}
		if inFolder([]byte(to)) {
			to = g.hostOfFolder(to)
		}
		host, ours := g.hostOf[to]
		if _, named := g.hosts.ids[to]; !ours && !named {
			return // only logs of the destination would name the pair otherwise
		}
		if ours {
			to = host
		}
		if h, ok := g.hostOf[from]; ok {
			from = h
		}
		links = append(links, link{id, from, to, value})
	})
	slices.SortFunc(links, func(a, b link) int { return strings.Compare(a.value, b.value) })
	for _, l := range links {
		k := [2]string{l.from, l.to}
		if to, ok := first[k]; ok {
			g.alias[l.id] = to
		} else {
			first[k] = l.id
		}
	}
}
