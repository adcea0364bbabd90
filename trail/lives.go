package trail

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

// instance is a process seen under a process id.
type instance struct {
	pid Node
	life
}

// life is a process and when it began. The two low bits of the moment are flags: there are as many lives as processes.
type life struct {
	proc    Node
	program uint32    // hash of its program's name, 0 when not told
	halves  [2]uint32 // of its moment, so that an instance takes 20 bytes and not 24
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
	x := instance{pid, life{proc: proc, program: program}}
	x.set(at)
	return x
}

func (x *life) set(moment int64) { x.halves = [2]uint32{uint32(moment >> 32), uint32(moment)} }
func (x *life) moment() int64    { return int64(x.halves[0])<<32 | int64(x.halves[1]) }
func (x *life) at() int64        { return x.moment() &^ atFlags }
func (x *life) strong() bool     { return x.moment()&strong != 0 }
func (x *life) byPid() bool      { return x.moment()&byPid != 0 }

// lives are the processes that had each process id, by start: 16 bytes for each.
type lives struct {
	share [64][]life // those of one id beside each other
	lists []lifeList
	ids   int      // so many lists are of ids, the others of an id and a program
	which []uint32 // of those with a program: places in the id's own list, so that nothing is held twice
}

// lifeList is a part of a share, or of which.
type lifeList struct {
	node     Node   // the id
	of       uint32 // number of the share, or of the list of the id
	from, to uint32
}

// ofList marks numbers in Graph.meant that are places in lives.lists.
const ofList = 1 << nodeBits

// sameStart is how far apart Sysmon and the audit log may date the same start of a process, in nanoseconds.
const sameStart = int64(2e9)

// settled gives the node that a number means at a time.
func (g *Graph) settled(n Node, at int64) Node {
	m := g.meant[n]
	if m == 0 {
		return n
	}
	if m&ofList == 0 {
		return Node(m)
	}
	at += sameStart / 2
	l := &g.lives.lists[m&^ofList]
	if int(m&^ofList) < g.lives.ids {
		all := g.lives.share[l.of][l.from:l.to]
		if i := sort.Search(len(all), func(i int) bool { return all[i].at() > at }); i > 0 {
			return all[i-1].proc
		}
		return l.node
	}
	of := &g.lives.lists[l.of]
	all, which := g.lives.share[of.of][of.from:of.to], g.lives.which[l.from:l.to]
	if i := sort.Search(len(which), func(i int) bool { return all[which[i]].at() > at }); i > 0 {
		return all[which[i-1]].proc
	}
	if first := &all[which[0]]; !first.strong() {
		return first.proc // its start was not logged: it ran from before
	}
	return l.node
}

// settlePids makes the lists. Instances are dealt by process id and put in order a share at a time, so that there is never a second copy of all.
func (g *Graph) settlePids() {
	const shares = len(g.lives.share)
	var dealt [shares][][]instance
	var some [shares][]instance
	for i, part := range g.instances {
		for _, x := range part {
			if to := g.meant[x.pid]; to != 0 {
				x.pid = Node(to)
			}
			if to := g.meant[x.proc]; to != 0 {
				x.proc = Node(to)
			}
			k := uint32(x.pid) * 0x9e3779b1 >> 26
			some[k] = append(some[k], x)
		}
		for k := range some {
			if len(some[k]) > 0 {
				dealt[k], some[k] = append(dealt[k], slices.Clone(some[k])), some[k][:0]
			}
		}
		g.instances[i] = nil
	}
	g.instances = nil
	var lists [shares][]lifeList
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), shares) {
		workers.Go(func() {
			var every []instance
			for k := int(next.Add(1)) - 1; k < shares; k = int(next.Add(1)) - 1 {
				every = every[:0]
				for _, part := range dealt[k] {
					every = append(every, part...)
				}
				dealt[k] = nil
				g.lives.share[k], lists[k] = g.join(every)
			}
		})
	}
	workers.Wait()
	for k := range lists {
		for _, l := range lists[k] {
			g.meant[l.node] = ofList | uint32(len(g.lives.lists))
			l.of = uint32(k)
			g.lives.lists = append(g.lives.lists, l)
		}
	}
	g.lives.ids = len(g.lives.lists)
	g.settleNamedPids()
}

// join makes one list of the processes under each id, by start. A process named by GUID counts at its logged start, else where it was first seen; one
// named by its id that began when one named by GUID did is that one.
func (g *Graph) join(every []instance) (kept []life, lists []lifeList) {
	slices.SortFunc(every, func(a, b instance) int {
		return cmp.Or(cmp.Compare(a.pid, b.pid), cmp.Compare(a.proc, b.proc), cmp.Compare(a.at(), b.at()), cmp.Compare(a.moment()&byPid, b.moment()&byPid), cmp.Compare(b.moment()&strong, a.moment()&strong))
	})
	once := every[:0]
	for _, x := range every {
		if len(once) == 0 || once[len(once)-1].pid != x.pid || once[len(once)-1].proc != x.proc {
			once = append(once, x)
			continue
		}
		y := &once[len(once)-1]
		if y.program == 0 {
			y.program = x.program
		}
		if x.strong() && !y.strong() {
			y.halves = x.halves
		}
	}
	slices.SortFunc(once, func(a, b instance) int {
		return cmp.Or(cmp.Compare(a.pid, b.pid), cmp.Compare(a.at(), b.at()), cmp.Compare(a.moment()&byPid, b.moment()&byPid), cmp.Compare(b.moment()&strong, a.moment()&strong), cmp.Compare(a.proc, b.proc))
	})
	gone := 0
	for i, x := range once {
		if x.byPid() {
			for j := max(i-1, 0); j <= i+1 && j < len(once); j++ {
				if y := &once[j]; y.pid == x.pid && !y.byPid() && y.strong() && abs(y.at()-x.at()) <= sameStart {
					g.meant[x.proc] = uint32(y.proc)
					gone++
					break
				}
			}
		}
	}
	kept = make([]life, 0, len(once)-gone)
	for i, x := range once {
		if i == 0 || once[i-1].pid != x.pid {
			lists = append(lists, lifeList{node: x.pid, from: uint32(len(kept))})
		}
		if x.byPid() && g.meant[x.proc] != 0 {
			continue
		}
		l := &lists[len(lists)-1]
		if len(kept) == int(l.from) && !x.strong() {
			x.set(math.MinInt64)
		}
		kept = append(kept, x.life)
		l.to = uint32(len(kept))
	}
	return kept, lists
}

// settleNamedPids gives each reference by id and program the processes that had the id and ran the program.
func (g *Graph) settleNamedPids() {
	l := &g.lives
	g.names.each(func(node Node, key []byte) {
		_, host, value := splitKey(key)
		number, name, ok := strings.Cut(value, " ")
		if !ok || g.meant[node] != 0 {
			return
		}
		pid := g.names.find(appendKey(nil, pidRef, []byte(host), []byte(number)))
		if pid == noNode || g.meant[pid]&ofList == 0 {
			return
		}
		of := g.meant[pid] &^ ofList
		all := l.share[l.lists[of].of][l.lists[of].from:l.lists[of].to]
		want := programHash([]byte(name))
		from := len(l.which)
		for i := range all {
			if p := all[i].program; p == want || p == 0 {
				l.which = append(l.which, uint32(i))
			}
		}
		if len(l.which) > from {
			g.meant[node] = ofList | uint32(len(l.lists))
			l.lists = append(l.lists, lifeList{node, of, uint32(from), uint32(len(l.which))})
		}
	}, pidRef)
}

// settleMeant leads what means another node to what that one means.
func (g *Graph) settleMeant() {
	for n, m := range g.meant {
		for range 4 { // more than any chain is long
			if m == 0 || m&ofList != 0 || g.meant[m] == 0 {
				break
			}
			m = g.meant[m]
			g.meant[n] = m
		}
	}
}

func abs(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
