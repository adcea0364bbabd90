package trail

import (
	"bytes"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// Collector puts batches into a graph. One goroutine uses it; Flush ends its work.
type Collector struct {
	graph *Graph
	edges []edge
	buf   []byte
	insts []instance
	own   map[ownership]int
	talks map[uint32]bool
	files map[string]uint32
	hosts map[string]uint32
	err   error

	sensor bool

	audited Node // process of the auditd event under way, and its time
	auditAt int64

	row   row
	key   []byte
	value []byte
	named map[uint32]bool       // folders whose logs are of a host, though they do not name it
	spoke map[fileHost]struct{} // which hosts the files name
	place map[string][]byte     // file → what stands for the host of rows that name none
	owned []Node                // new nodes of a host that is known by address or folder only
	zones map[Node]struct{}     // below which long names were asked for
	seen  map[uint64]struct{}   // what was said in this batch and need not be said again: a process and its program
	node  [1 << 14]recent       // numbers of names met lately
}

type recent struct {
	hash uint64
	id   Node
}

// Collect returns a collector.
func (g *Graph) Collect() *Collector {
	return &Collector{graph: g, own: map[ownership]int{}, talks: map[uint32]bool{}, files: map[string]uint32{}, hosts: map[string]uint32{}, seen: map[uint64]struct{}{},
		named: map[uint32]bool{}, spoke: map[fileHost]struct{}{}, place: map[string][]byte{}, zones: map[Node]struct{}{}}
}

// Batch takes the events of a batch of a file. Events without a time are left out: nothing can be said to come before or after them.
func (c *Collector) Batch(file string, b *event.Batch) error {
	src := sourceOf(b.Schema.Source)
	if src == nil {
		return nil
	}
	c.row = row{c: c, b: b, file: c.file(file), folder: c.folder(file), id: b.Schema.Source.ID, fields: c.row.fields[:0], whole: c.row.whole}
	for name := range strings.FieldsSeq(src.fields) {
		first, rest, alternatives := strings.Cut(name, "|")
		f := field{name: first, col: b.Column(first)}
		for alternatives {
			var other string
			other, rest, alternatives = strings.Cut(rest, "|")
			if strings.Contains(other, "~") {
				other = strings.ReplaceAll(other, "~", " ")
			}
			if col := b.Column(other); col != nil && col.Dict.Len() > 0 {
				f.others = append(f.others, col)
			}
		}
		c.row.fields = append(c.row.fields, f)
	}
	talk := src.talk()
	c.sensor = c.sensor || src.sensor()
	last := uint32(math.MaxUint32)
	clear(c.seen) // batches are the same whatever the threads, so what is left out is
	for at := range b.Rows {
		if b.Time[at] == event.NoTime {
			continue
		}
		c.row.begin(at)
		if talk && c.row.number != last {
			last = c.row.number
			c.talks[last] = true
		}
		src.says(&c.row)
	}
	if len(c.edges) >= 1<<14 {
		return c.Flush()
	}
	return c.err
}

// Flush hands what was collected to the graph.
func (c *Collector) Flush() error {
	if c.err != nil {
		return c.err
	}
	g := c.graph
	g.mu.Lock()
	g.instances = append(g.instances, slices.Clone(c.insts))
	maps.Copy(g.spoke, c.spoke)
	maps.Copy(g.named, c.named)
	g.placed = append(g.placed, c.owned...)
	for o, n := range c.own {
		if len(g.own) < maxOwned || g.own[o] > 0 {
			g.own[o] += n
		}
	}
	g.sensor = g.sensor || c.sensor
	g.processes = g.processes || len(c.insts) > 0
	maps.Copy(g.talks, c.talks)
	if len(g.zones) < maxZones {
		maps.Copy(g.zones, c.zones)
	}
	g.mu.Unlock()
	clear(c.own)
	clear(c.zones)
	clear(c.spoke)
	clear(c.named)
	clear(c.talks)
	c.insts, c.owned = c.insts[:0], c.owned[:0]
	c.buf, c.err = g.raw.add(c.edges, c.buf)
	c.edges = c.edges[:0]
	return c.err
}

// maxOwned bounds the pairs of host and address that are remembered.
const maxOwned = 1 << 18

func (c *Collector) file(name string) uint32 {
	i, ok := c.files[name]
	if !ok {
		c.graph.mu.Lock()
		i = c.graph.files.id(name)
		c.graph.mu.Unlock()
		c.files[name] = i
	}
	return i
}

// host gives the number of a host by its short name; the whole name tells a domain of the organisation.
func (c *Collector) host(name, whole []byte) uint32 {
	i, ok := c.hosts[string(name)]
	if !ok {
		c.graph.mu.Lock()
		i = c.graph.hosts.id(string(name)) & (1<<24 - 1)
		if _, domain, ok := strings.Cut(string(whole), "."); ok && strings.Contains(domain, ".") && len(c.graph.domains) < 1000 && !isAddress(whole) {
			c.graph.domains[domain] = true
		}
		c.graph.mu.Unlock()
		c.hosts[string(name)] = i
	}
	return i
}

// row is one event while it is turned into edges.
type row struct {
	c      *Collector
	b      *event.Batch
	at     int
	file   uint32
	id     uint32 // Windows event id
	time   int64
	record uint64
	host   []byte // short name, lower case; of a row that names none, what stands for it
	folder []byte // what stands for the host of rows that name none
	number uint32 // of the host
	fields []field
	whole  []byte // name of the host, lower case
}

type field struct {
	name   string
	col    *event.Column
	others []*event.Column // where a row that has nothing in col may have it
	text   []byte
	read   bool
}

// fill reads the field of a row. What logs write for nothing is nothing.
func (f *field) fill(at int) {
	f.read, f.text = true, f.col.AppendText(f.text[:0], at)
	for i := 0; nothing(f.text) && i < len(f.others); i++ {
		f.text = f.others[i].AppendText(f.text[:0], at)
	}
	if nothing(f.text) {
		f.text = f.text[:0]
	}
}

// nothing says whether a text is what products write where there is no value.
func nothing(b []byte) bool {
	switch string(b) {
	case "", "-", "N/A", "n/a", "(null)", "(none)", "(empty)":
		return true
	}
	return false
}

func (r *row) begin(at int) {
	r.at, r.time, r.record = at, r.b.Time[at], r.b.Record[at]
	for i := range r.fields {
		r.fields[i].read = false
	}
	r.whole = r.b.Host.AppendText(r.whole[:0], at)
	r.host = shortHost(r.whole)
	if len(r.host) == 0 {
		r.host = r.folder
		r.number = r.c.host(r.host, nil)
		if ofHost(r.b.Schema.Source) {
			r.c.named[r.number] = true
		}
		return
	}
	r.number = r.c.host(r.host, r.whole)
	r.c.spoke[fileHost{r.file, r.number}] = struct{}{}
}

// get gives the text of a field, of the first of its names that has one.
func (r *row) get(name string) []byte {
	for i := range r.fields {
		f := &r.fields[i]
		if f.name != name {
			continue
		}
		if !f.read {
			f.fill(r.at)
		}
		return f.text
	}
	return nil
}

// each gives all values of a field that is a list, in their order.
func (r *row) each(name string, say func(i int, value []byte)) {
	for i := range r.fields {
		f := &r.fields[i]
		if f.name != name {
			continue
		}
		for _, col := range append([]*event.Column{f.col}, f.others...) {
			n := 0
			for _, code := range col.At(r.at) {
				if k, ok := code.Value(); ok {
					say(n, col.Dict.AppendText(nil, k))
					n++
				}
			}
			if n > 0 {
				return
			}
		}
		return
	}
}

// shortHost is the first label of a host's name in lower case, in place; an address stays whole.
func shortHost(name []byte) []byte {
	name = lower(name)
	if i := bytes.IndexByte(name, '.'); i > 0 && !isAddress(name) {
		name = name[:i]
	}
	return bytes.TrimLeft(name, `\`)
}

func isAddress(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && c != '.' && c != ':' && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return bytes.IndexByte(b, '.') >= 0 || bytes.IndexByte(b, ':') >= 0
}

// lower turns ASCII letters to lower case in place. Field text is the row's own copy.
func lower(b []byte) []byte {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// node gives the number of a name; noNode when the value is empty.
func (r *row) node(kind Kind, host, value []byte) Node {
	if len(value) == 0 || r.c.err != nil {
		return noNode
	}
	c := r.c
	c.key = appendKey(c.key[:0], kind, host, value)
	h := c.graph.names.hash(c.key)
	slot := &c.node[h>>32%uint64(len(c.node))]
	if slot.hash == h && slot.id != noNode {
		return slot.id
	}
	id, fresh, err := c.graph.names.node(c.key, h)
	if err != nil {
		c.err = err
		return noNode
	}
	*slot = recent{h, id}
	if fresh && (inFolder(host) || isAddress(host)) {
		c.owned = append(c.owned, id) // Finish gives it to the host whose folder or address it is
	}
	return id
}

func (r *row) edge(from Node, rel Relation, to Node) { r.counted(from, rel, to, 1) }

func (r *row) counted(from Node, rel Relation, to Node, n uint32) {
	if from == noNode && to == noNode || (from == noNode || to == noNode) && rel != Ended && rel != LoggedOff && rel != Changed && rel != Gained && rel != Failed {
		return
	}
	r.c.edges = append(r.c.edges, edge{From: from, To: to, Rel: rel, Host: r.number, Count: n, Time: r.time, File: r.file, Record: r.record})
}

// once is edge for what every event of a process repeats; it is said once a batch.
func (r *row) once(from Node, rel Relation, to Node) {
	if from != noNode && to != noNode && r.first(from, to) {
		r.edge(from, rel, to)
	}
}

// first says whether two nodes are named together for the first time in the batch.
func (r *row) first(a, b Node) bool {
	k := uint64(a)<<32 | uint64(b)
	_, said := r.c.seen[k]
	if !said {
		r.c.seen[k] = struct{}{}
	}
	return !said
}

// number reads a decimal or 0x number.
func number(b []byte) (uint64, bool) {
	s := string(b)
	n, err := strconv.ParseUint(s, 0, 64)
	return n, err == nil
}

func (r *row) pid(b []byte) Node {
	n, ok := number(b)
	if !ok || n == 0 {
		return noNode
	}
	r.c.value = strconv.AppendUint(r.c.value[:0], n, 10)
	return r.node(pidRef, r.host, r.c.value)
}

// pidOf gives the process with an id that runs a program, for records that tell both. Ids are reused, and not every start and end is logged: the
// program keeps a record from being taken for one of whatever had the id last.
func (r *row) pidOf(b, image []byte) Node {
	n, ok := number(b)
	name := baseName(image)
	if !ok || n == 0 || len(name) == 0 || len(name) > maxProgramName {
		return r.pid(b)
	}
	r.c.value = append(strconv.AppendUint(r.c.value[:0], n, 10), ' ')
	at := len(r.c.value)
	r.c.value = append(r.c.value, name...)
	lower(r.c.value[at:])
	return r.node(pidRef, r.host, r.c.value)
}

const maxProgramName = 255

// programHash stands for a program's file name in an instance, 0 for none.
func programHash(image []byte) uint32 {
	name := baseName(image)
	if len(name) == 0 || len(name) > maxProgramName {
		return 0
	}
	h := uint32(2166136261)
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		h = (h ^ uint32(c)) * 16777619
	}
	return max(h, 1)
}

// process gives the node of a process by its GUID, else by its id. started says that the event is its start.
func (r *row) process(guid, pid, image []byte, started bool) Node {
	if len(guid) < 36 || bytes.Count(guid, []byte{'0'}) >= 32 {
		return r.pidOf(pid, image)
	}
	ref := r.pid(pid)
	r.c.value = append(bytes.ToUpper(bytes.Trim(guid, "{}")), '@')
	p := r.node(Process, nil, r.c.value[:len(r.c.value)-1])
	if ref != noNode && p != noNode {
		if first := r.first(ref, p); started || first {
			r.c.insts = append(r.c.insts, newInstance(ref, p, r.time, programHash(image), started, false))
		}
	}
	return p
}

// started gives the node of a process of which only id and start are known.
func (r *row) started(pid, image []byte) Node {
	ref := r.pid(pid)
	n, ok := number(pid)
	if ref == noNode || !ok {
		return noNode
	}
	r.c.value = append(strconv.AppendUint(r.c.value[:0], n, 10), '@')
	r.c.value = strconv.AppendInt(r.c.value, r.time, 10)
	p := r.node(Process, r.host, r.c.value)
	r.c.insts = append(r.c.insts, newInstance(ref, p, r.time, programHash(image), true, true))
	return p
}

func (r *row) file_(path []byte) Node { return r.node(File, r.host, cleanPath(path)) }

func (r *row) session(id []byte) Node {
	n, ok := number(id)
	if !ok || n == 0 {
		return noNode
	}
	r.c.value = append(append(r.c.value[:0], "0x"...), strconv.FormatUint(n, 16)...)
	return r.node(Session, r.host, r.c.value)
}

// account gives the node of a user: name without domain, in lower case. Names are compared without domain because the same account is
// written with NetBIOS name, DNS name or none by different logs.
func (r *row) account(name []byte) Node {
	return r.node(Account, nil, accountName(name))
}

func accountName(name []byte) []byte {
	name = lower(name)
	if i := bytes.LastIndexByte(name, '\\'); i >= 0 {
		name = name[i+1:]
	}
	if i := bytes.IndexByte(name, '@'); i > 0 {
		name = name[:i]
	}
	if v, ok := bytes.CutPrefix(name, []byte("cn=")); ok {
		name, _, _ = bytes.Cut(v, []byte{','})
	}
	return bytes.TrimSpace(name)
}

func (r *row) address(ip []byte) Node { return r.node(Address, nil, plainAddress(ip)) }

// plainAddress strips what marks an IPv4 address within IPv6; nothing for addresses that are nobody's.
func plainAddress(ip []byte) []byte {
	ip = lower(bytes.Trim(bytes.TrimSpace(ip), "[]"))
	ip = bytes.TrimPrefix(ip, []byte("::ffff:"))
	switch string(ip) {
	case "", "-", "::", "::1", "0.0.0.0", "127.0.0.1", "local", "localhost", "255.255.255.255":
		return nil
	}
	if !isAddress(ip) || len(ip) > 45 {
		return nil
	}
	return ip
}

// socket is the end from which a connection came. What one side logs as its source the other logs as its client.
func (r *row) socket(ip, port []byte) Node {
	ip = plainAddress(ip)
	if n, ok := number(port); !ok || n == 0 || n > 65535 || len(ip) == 0 {
		return noNode
	}
	v := append(append(bytes.Clone(ip), ':'), port...)
	return r.node(Socket, nil, v)
}

// pair is source and destination, each an address or the short name of a host; Finish replaces addresses that are a host's own.
func (r *row) pair(from, to []byte) Node {
	if len(from) == 0 || len(to) == 0 {
		return noNode
	}
	v := append(append(bytes.Clone(from), '>'), to...)
	return r.node(Pair, nil, v)
}

func cutPair(value string) (from, to string, ok bool) { return strings.Cut(value, ">") }

// owns notes that the host was seen to have an address.
func (r *row) owns(ip []byte) {
	if !inFolder(r.host) {
		r.ownedBy(r.host, ip)
	}
}

// ownedBy notes that a host was said to have an address: by itself, by those whom it visited, by name service. Only what is said of hosts that handed over
// logs is kept.
func (r *row) ownedBy(host, ip []byte) {
	ip = plainAddress(ip)
	if len(ip) > 0 && len(host) > 0 {
		r.c.own[ownership{string(host), string(ip)}]++
	}
}

// private says whether an address is of a private network.
func private(ip []byte) bool {
	a, err := netip.ParseAddr(string(ip))
	return err == nil && a.IsPrivate()
}
