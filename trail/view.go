package trail

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// view reads a finished graph and remembers what it found out about nodes. One goroutine uses it.
type view struct {
	g      *Graph
	images map[Node]string // process → path of its program
	traits map[Node]*traits
	keys   map[Node]nodeKey

	baseline    []*Baseline
	sessions    map[Node]sessionInfo
	authorities map[int64]*authority // by the day that they ask about
	leased      map[Node][]lease     // address → who had it when

	flows     map[[2]string]traffic // network.go
	strangers map[Node]bool
	calls     map[string][]edge // fresh.go: what callsOf found
	carrying  map[Node]bool     // signs.go
	carried   map[Node]bool     // brought.go
	libraries map[Node]Node
	lasting   map[[2]Node]bool // network.go
}

// maxRemembered bounds what a view remembers of each kind; what is asked again is found out again.
const maxRemembered = 1 << 17

func forgetSome[V any](m map[Node]V) {
	if len(m) >= maxRemembered {
		clear(m)
	}
}

type nodeKey struct {
	kind        Kind
	host, value string
}

func newView(g *Graph) *view {
	return &view{g: g, images: map[Node]string{}, traits: map[Node]*traits{}, keys: map[Node]nodeKey{}, authorities: map[int64]*authority{}, sessions: map[Node]sessionInfo{}, leased: map[Node][]lease{}, carried: map[Node]bool{}, libraries: map[Node]Node{}}
}

// once gives what was found of a key before, else finds it and keeps it.
func once[K comparable, V any](kept map[K]V, k K, find func(K) V) V {
	x, known := kept[k]
	if !known {
		x = find(k)
		kept[k] = x
	}
	return x
}

func (v *view) key(n Node) nodeKey {
	k, ok := v.keys[n]
	if !ok {
		forgetSome(v.keys)
		k.kind, k.host, k.value = splitKey(v.g.names.key(n))
		v.keys[n] = k
	}
	return k
}

func (v *view) kind(n Node) Kind { return v.key(n).kind }

const (
	always = math.MaxInt64
	never  = math.MinInt64
	// maxScan bounds the edges of one node that are looked at for one purpose. A node with more is common by any measure.
	maxScan = 1 << 14
)

// out and in give the edges at a node within a span of time, both ends included.
func (v *view) out(n Node, from, to int64) ([]edge, bool) { return v.span(v.g.out, n, from, to) }
func (v *view) in(n Node, from, to int64) ([]edge, bool)  { return v.span(v.g.in, n, from, to) }

func (v *view) span(a *adjacency, n Node, from, to int64) ([]edge, bool) {
	if to < always {
		to++
	}
	return a.edges(nil, n, from, to, maxScan)
}

// image gives the path of a process's program, "" when no record told it.
func (v *view) image(p Node) string {
	if s, ok := v.images[p]; ok {
		return s
	}
	s := ""
	all, _ := v.out(p, never, always)
	for i := range all {
		if all[i].Rel == RunsImage {
			if s = v.key(all[i].To).value; strings.ContainsAny(s, `\/`) {
				break
			}
		}
	}
	forgetSome(v.images)
	v.images[p] = s
	return s
}

func (v *view) program(p Node) string {
	s := v.image(p)
	return s[strings.LastIndexAny(s, `\/`)+1:]
}

// traits are how common a node is in the organisation: the frequency that NoDoze takes from a database of events is counted here over
// the organisation's own hosts and days.
type traits struct {
	edges       int
	many        bool // more than maxScan
	hosts, days int
	peers       int // distinct nodes at the other end
	programs    int // distinct programs of the processes at the other end
	first, last int64
}

func (v *view) traitsOf(n Node) *traits {
	if t := v.traits[n]; t != nil {
		return t
	}
	t := &traits{first: math.MaxInt64, last: math.MinInt64}
	hosts, days, peers, programs := map[uint32]bool{}, map[int64]bool{}, map[Node]bool{}, map[string]bool{}
	for _, a := range []*adjacency{v.g.in, v.g.out} {
		all, more := a.edges(nil, n, never, always, maxScan)
		t.many = t.many || more
		t.edges += len(all)
		for i := range all {
			e := &all[i]
			hosts[e.Host], days[e.Time/int64(24*time.Hour)] = true, true
			other := e.From
			if other == n {
				other = e.To
			}
			if !peers[other] {
				peers[other] = true
				if v.kind(other) == Process || v.kind(other) == pidRef {
					programs[v.program(other)] = true
				}
			}
			t.first, t.last = min(t.first, e.Time), max(t.last, e.Time)
		}
	}
	t.hosts, t.days, t.peers, t.programs = len(hosts), len(days), len(peers), len(programs)
	forgetSome(v.traits)
	v.traits[n] = t
	return t
}

// established says whether a node belongs to ordinary days: it is in a baseline, or it was there in the first tenth of the evidence and on at
// least three days. Evidence of less than three days has no ordinary days, and nothing in it is established by time.
func (v *view) established(n Node) bool {
	k := v.key(n)
	for _, b := range v.baseline {
		if b.has(k.kind, k.value) {
			return true
		}
	}
	t := v.traitsOf(n)
	span := v.g.last - v.g.first
	return t.many || span > 3*int64(24*time.Hour) && t.days >= 3 && t.first < v.g.first+span/10
}

// internal says whether an address or name is one of the organisation's own, or one that every machine asks for.
func (v *view) internal(k nodeKey) bool {
	if k.kind == Name {
		if !strings.Contains(k.value, ".") || strings.HasSuffix(k.value, ".local") || strings.HasSuffix(k.value, ".arpa") {
			return true
		}
		host, domain, _ := strings.Cut(k.value, ".")
		_, ours := v.g.hosts.ids[host]
		return ours || v.g.domains[domain] || v.g.domains[k.value] || commonName(k.value)
	}
	if _, ours := v.g.hostOf[k.value]; ours {
		return true
	}
	if v.amongOwn(k.value) {
		return true
	}
	ip, err := netip.ParseAddr(k.value)
	return err != nil || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified()
}

// amongOwn says whether an address lies beside three of the organisation's own hosts: a router, a printer, a host without logs.
func (v *view) amongOwn(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && v.g.network[network(ip)] >= 3
}

// sessionInfo is what is known of a logon.
type sessionInfo struct {
	kind      int // type of logon, 0 when its record is missing
	began     int64
	account   string
	processes int
	desktop   bool // a shell for a person runs in it
}

func (v *view) session(s Node) sessionInfo {
	if i, ok := v.sessions[s]; ok {
		return i
	}
	i := sessionInfo{began: math.MaxInt64}
	out, _ := v.out(s, never, always)
	for k := range out {
		if out[k].Rel == OfAccount {
			if out[k].Time < i.began {
				i.began, i.kind, i.account = out[k].Time, int(out[k].Count), v.key(out[k].To).value
			}
		}
	}
	in, _ := v.in(s, never, always)
	for k := range in {
		if in[k].Rel == InSession {
			i.processes++
			if v.program(in[k].From) == "explorer.exe" || i.processes <= 200 && v.parentProgram(in[k].From) == "explorer.exe" {
				i.desktop = true
			}
		}
	}
	forgetSome(v.sessions)
	v.sessions[s] = i
	return i
}

func (v *view) parentProgram(p Node) string {
	in, _ := v.in(p, never, always)
	for i := range in {
		if in[i].Rel == Started {
			return v.program(in[i].From)
		}
	}
	return ""
}

// sortedKeys gives map keys in order.
func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
