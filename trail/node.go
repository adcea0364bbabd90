package trail

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"os"
	"sort"
	"sync"
)

// Kind is what a node stands for.
type Kind uint8

const (
	noKind     Kind = iota
	Process         // by GUID, else host, process id and start
	pidRef          // host and process id, until the moment says which process it was
	File            // on a host
	Program         // the file name of a program, anywhere in the organisation
	Hash            // of a file
	Command         // a command line
	Registry        // a value on a host
	Service         // on a host
	Task            // on a host
	WMI             // filter, consumer or binding on a host
	Account         // by name
	Session         // a logon on a host
	Socket          // address and port from which a connection came
	Pair            // source and destination of connections and logons, which join what two sides logged
	Address         // an IP address
	Name            // a DNS name
	URL             // requested or mentioned
	Script          // a block of script text
	Pipe            // a named pipe on a host
	Log             // an event log that was cleared
	Mail            // an e-mail message
	Query           // a statement that a database ran
	Device          // a network device or gateway
	Setting         // of a device: what was changed
	Mailbox         // an e-mail address from which letters came
	Attachment      // the name of a file that was sent, wherever it was laid
	Page            // the name of a page that web servers execute, wherever it lies
	kindCount
)

var kindNames = [kindCount]string{"", "process", "process", "file", "program", "hash", "command", "registry", "service", "task", "wmi", "account", "logon",
	"socket", "flow", "address", "name", "url", "script", "pipe", "log", "email", "query",
	"device", "setting", "mailbox", "attachment", "page"}

func (k Kind) String() string {
	if k < kindCount {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Node numbers a node of one graph. Numbers depend on the order in which events were read and never leave the package.
type Node uint32

const noNode Node = 0

const (
	shardBits = 6
	shards    = 1 << shardBits
)

// names gives nodes their numbers. Any goroutine may use it. Two names share a number when their 64-bit hashes are equal, which for
// 20 million names happens once in 90,000 runs; the hash is seeded at random, so evidence cannot aim at it.
type names struct {
	seed   maphash.Seed
	shard  [shards]shard
	dir    string
	budget int // bytes of names per shard that stay in memory
}

type shard struct {
	mu     sync.Mutex
	table  []uint32 // open addressing by hash: index of a name plus one, 0 for free
	hashes []uint64 // of each name
	ends   []uint32 // low half of the end of each name in the shard's stream of bytes
	wraps  []uint32 // names at which the high half of ends grew by one
	text   []byte   // the stream from base on
	base   uint64
	spill  *os.File
}

// slot finds the place of a hash in the table: of its name, or free.
func (s *shard) slot(h uint64) *uint32 {
	mask := uint64(len(s.table) - 1)
	for at := h >> shardBits & mask; ; at = (at + 1) & mask {
		if i := s.table[at]; i == 0 || s.hashes[i-1] == h {
			return &s.table[at]
		}
	}
}

// grow keeps a quarter of the table free.
func (s *shard) grow() {
	if len(s.hashes)*4 < len(s.table)*3 {
		return
	}
	s.table = make([]uint32, max(64, 2*len(s.table)))
	for i, h := range s.hashes {
		*s.slot(h) = uint32(i + 1)
	}
}

// end gives the end of a name in the stream.
func (s *shard) end(i int) uint64 {
	high := sort.Search(len(s.wraps), func(k int) bool { return int(s.wraps[k]) > i })
	return uint64(high)<<32 | uint64(s.ends[i])
}

func (s *shard) add(h uint64, key []byte) {
	before := s.base + uint64(len(s.text))
	s.text = append(s.text, key...)
	after := s.base + uint64(len(s.text))
	if before>>32 != after>>32 {
		s.wraps = append(s.wraps, uint32(len(s.ends)))
	}
	s.ends = append(s.ends, uint32(after))
	s.hashes = append(s.hashes, h)
}

func newNames(dir string, budget int) *names {
	n := &names{seed: maphash.MakeSeed(), dir: dir, budget: max(budget/shards, 4096)}
	for i := range n.shard {
		n.shard[i].grow()
	}
	return n
}

func (n *names) hash(key []byte) uint64 { return maphash.Bytes(n.seed, key) }

// node gives the number of a key, which begins with its kind; h is its hash.
func (n *names) node(key []byte, h uint64) (Node, error) {
	at := int(h & (shards - 1))
	s := &n.shard[at]
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := s.slot(h)
	if *slot == 0 {
		if len(s.text)+len(key) > n.budget && len(s.text) > 0 {
			if err := s.toDisk(n.dir, at); err != nil {
				return noNode, err
			}
		}
		if len(s.hashes) >= 1<<(32-shardBits)-2 {
			return noNode, fmt.Errorf("trail: more than %d names", (1<<(32-shardBits))*shards)
		}
		s.add(h, key)
		i := uint32(len(s.hashes))
		*slot = i
		s.grow()
		return Node(i<<shardBits | uint32(at)), nil
	}
	return Node(*slot<<shardBits | uint32(at)), nil
}

// find gives the number of a key that is there already, noNode otherwise.
func (n *names) find(key []byte) Node {
	h := n.hash(key)
	s := &n.shard[h&(shards-1)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := *s.slot(h); i != 0 {
		return Node(i<<shardBits | uint32(h&(shards-1)))
	}
	return noNode
}

func (s *shard) toDisk(dir string, at int) (err error) {
	if s.spill == nil {
		if s.spill, err = os.CreateTemp(dir, fmt.Sprintf("names-%02d-", at)); err != nil {
			return fmt.Errorf("trail: spill names: %w", err)
		}
	}
	if _, err := s.spill.Write(s.text); err != nil {
		return fmt.Errorf("trail: spill names: %w", err)
	}
	s.base += uint64(len(s.text))
	s.text = s.text[:0]
	return nil
}

// key gives the bytes of a node's key, nil for a number that is none.
func (n *names) key(id Node) []byte {
	s := &n.shard[id&(shards-1)]
	i := int(id>>shardBits) - 1
	s.mu.Lock()
	defer s.mu.Unlock()
	if i < 0 || i >= len(s.ends) {
		return nil
	}
	from := uint64(0)
	if i > 0 {
		from = s.end(i - 1)
	}
	out := make([]byte, s.end(i)-from)
	if from >= s.base {
		copy(out, s.text[from-s.base:])
	} else if _, err := s.spill.ReadAt(out, int64(from)); err != nil {
		return nil
	}
	return out
}

// each calls f with every key of a kind, in no order.
func (n *names) each(kind Kind, f func(id Node, key []byte)) {
	for at := range n.shard {
		for i := range n.shard[at].ends {
			id := Node(uint32(i+1)<<shardBits | uint32(at))
			if k := n.key(id); len(k) > 0 && Kind(k[0]) == kind {
				f(id, k)
			}
		}
	}
}

func (n *names) len() (count int) {
	for i := range n.shard {
		count += len(n.shard[i].ends)
	}
	return count
}

func (n *names) close() error {
	var err error
	for i := range n.shard {
		if f := n.shard[i].spill; f != nil {
			if e := f.Close(); err == nil {
				err = e
			}
		}
	}
	return err
}

// A key is the kind, the host, a zero byte and the value; kinds that belong to no host have an empty one.
func appendKey(dst []byte, kind Kind, host, value []byte) []byte {
	dst = append(dst, byte(kind))
	dst = append(dst, host...)
	dst = append(dst, 0)
	return append(dst, value[:min(len(value), maxValue)]...)
}

// maxValue bounds the bytes of a value in a name. A longer one is cut, which can only join nodes that begin alike for so long.
const maxValue = 1024

func splitKey(key []byte) (kind Kind, host, value string) {
	if len(key) == 0 {
		return noKind, "", ""
	}
	h, v, _ := bytes.Cut(key[1:], []byte{0})
	return Kind(key[0]), string(h), string(v)
}
