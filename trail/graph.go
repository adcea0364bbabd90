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
	placed    []Node                // of a host that is known by address or folder only

	out, in    *adjacency
	meant      []uint32 // by node: another node or a place in lives that it means, 0 for itself (lives.go)
	lives      lives
	walk       int // bytes of edges in memory while they are followed
	ended      bool
	sensor     bool            // a network's own logs are there
	processes  bool            // some host logged what it started
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
	g := &Graph{names: newNames(dir, o.Budget/2), dir: dir, own: map[ownership]int{}, spoke: map[fileHost]struct{}{}, zones: map[Node]struct{}{}, named: map[uint32]bool{}, domains: map[string]bool{}, talks: map[uint32]bool{}, first: math.MaxInt64, last: math.MinInt64}
	if o.Walk <= 0 {
		o.Walk = o.Budget / 2
	}
	g.walk = o.Walk
	g.raw = edgeLog{dir: dir, budget: o.Budget / 4}
	g.hosts.id("")
	return g, nil
}

// Declare says which addresses are a host's own, before Finish. What an inventory says goes before what logs let guess; of hosts that handed over nothing it
// is not used.
func (g *Graph) Declare(host string, addresses []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	short := string(shortHost([]byte(host)))
	for _, a := range addresses {
		if ip := plainAddress([]byte(a)); len(ip) > 0 && short != "" {
			g.own[ownership{short, string(ip)}] += declared
		}
	}
}

// declared is how often a host would have to be seen with an address to speak against an inventory.
const declared = 1 << 30

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

// trouble tells whether something that lies on disk could not be read back.
func (g *Graph) trouble() error { return errors.Join(g.names.trouble(), g.out.failed, g.in.failed) }

// Size tells how much a graph holds.
type Size struct{ Nodes, Records int }

// Size gives the number of nodes and of relations that records told.
func (g *Graph) Size() Size { return Size{g.names.len(), g.raw.count} }

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
	if err := g.names.settle(); err != nil {
		return nil, err
	}
	g.settleOwners()
	hosts, moved, err := g.settlePlaces()
	if err != nil {
		return nil, err
	}
	for h := range maps.Clone(g.talks) {
		g.talks[hosts[h]] = true
	}
	g.meant = make([]uint32, g.names.limit())
	for _, m := range moved {
		g.meant[m.from] = uint32(m.to)
	}
	g.settlePids()
	g.settleAddresses()
	g.settleMeant()

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
	// The two orders are filled beside each other, a piece at a time, while the next piece is made.
	var fill sync.WaitGroup
	var outErr, inErr error
	piece, next := make([]edge, 0, 1<<13), make([]edge, 0, 1<<13)
	deal := func() error {
		if fill.Wait(); outErr != nil || inErr != nil {
			return errors.Join(outErr, inErr)
		}
		full := piece
		fill.Go(func() { outErr = g.out.addAll(full) })
		fill.Go(func() { inErr = g.in.addAll(full) })
		piece, next = next[:0], full
		return nil
	}
	err = g.raw.each(func(e edge) error {
		e.From, e.To = g.settled(e.From, e.Time), g.settled(e.To, e.Time)
		if e.From == e.To && e.From != noNode && e.Rel != Ended {
			return nil
		}
		e.File, e.Host = renumbered[e.File], hosts[e.Host]
		g.first, g.last = min(g.first, e.Time), max(g.last, e.Time)
		if files[e.File] {
			for _, i := range wanted[finding.Ref{File: g.files.text[e.File], Record: e.Record}] {
				found[i] = append(found[i], e)
			}
		}
		if piece = append(piece, e); len(piece) == cap(piece) {
			return deal()
		}
		return nil
	})
	if err == nil {
		err = deal()
		fill.Wait()
		err = errors.Join(err, outErr, inErr)
	}
	if err := errors.Join(err, g.raw.close()); err != nil {
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
	g.names.each(func(id Node, key []byte) {
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
	}, Pair)
	slices.SortFunc(links, func(a, b link) int { return strings.Compare(a.value, b.value) })
	for _, l := range links {
		k := [2]string{l.from, l.to}
		if to, ok := first[k]; ok {
			g.meant[l.id] = uint32(to)
		} else {
			first[k] = l.id
		}
	}
}
