package trail

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"
	"os"
	"slices"
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

// Node numbers a node of one graph. Numbers depend on the order in which events were read and never leave the package. They lie close together:
// a list with a place for each is hardly longer than there are nodes.
type Node uint32

const noNode Node = 0

const (
	shardBits = 6
	shards    = 1 << shardBits
	nodeBits  = 31 // numbers are smaller, so that one bit is free for those who keep lists of them
)

// names gives nodes their numbers. Any goroutine may use it. Two names share a number when their 64-bit hashes are equal, which for
// 20 million names happens once in 90,000 runs; the hash is seeded at random, so evidence cannot aim at it.
//
// A name costs 12 bytes and 5 to 7 of the table by which it is found; its text lies on disk beyond the budget.
type names struct {
	seed   maphash.Seed
	shard  [shards]shard
	dir    string
	budget int // bytes of names per shard that stay in memory

	mu     sync.Mutex
	failed error // of reading them back, the first
}

type shard struct {
	mu    sync.Mutex
	table []uint32 // open addressing by hash: index of a name plus one, and above it six bits of the hash; 0 for free
	count int
	known []*[knownBlock]known // of each name; in blocks, so that growing copies nothing
	wraps []uint32             // names at which the high half of the stream's length grew by one
	text  []byte               // the stream of names from base on
	base  uint64
	spill *os.File
}

// known is what stays in memory of a name: its hash, and the low half of its end in the shard's stream of bytes. In halves it takes 12 bytes and not 16.
type known struct{ hash, above, end uint32 }

const (
	knownBlock = 1 << 9
	indexBits  = nodeBits - shardBits
	indexMask  = 1<<indexBits - 1
)

func (s *shard) at(i int) *known { return &s.known[i/knownBlock][i%knownBlock] }

func (k *known) whole() uint64 { return uint64(k.above)<<32 | uint64(k.hash) }

// slot finds the place of a hash in the table: of its name, or free. The shard is chosen by the lowest bits, the place by the highest, and
// what is held beside the index is from between.
func (s *shard) slot(h uint64) *uint32 {
	place, _ := bits.Mul64(h, uint64(len(s.table)))
	mark := uint32(h>>shardBits) << indexBits
	for at := int(place); ; at++ {
		if at == len(s.table) {
			at = 0
		}
		x := s.table[at]
		if x == 0 || (x^mark)>>indexBits == 0 && s.at(int(x&indexMask)-1).whole() == h {
			return &s.table[at]
		}
	}
}

// grow keeps an eighth of the table free.
func (s *shard) grow() {
	if s.count*8 < len(s.table)*7 {
		return
	}
	s.table = make([]uint32, max(64, len(s.table)*3/2))
	for i := range s.count {
		s.put(s.at(i).whole(), i)
	}
}

// put lets a name be found that is not in the table.
func (s *shard) put(h uint64, i int) {
	place, _ := bits.Mul64(h, uint64(len(s.table)))
	at := int(place)
	for s.table[at] != 0 {
		if at++; at == len(s.table) {
			at = 0
		}
	}
	s.table[at] = uint32(h>>shardBits)<<indexBits | uint32(i+1)
}

// end gives the end of a name in the stream.
func (s *shard) end(i int) uint64 {
	high := 0
	if len(s.wraps) > 0 {
		high = sort.Search(len(s.wraps), func(k int) bool { return int(s.wraps[k]) > i })
	}
	return uint64(high)<<32 | uint64(s.at(i).end)
}

func (s *shard) add(h uint64, key []byte) {
	before := s.base + uint64(len(s.text))
	s.text = append(s.text, key...)
	after := s.base + uint64(len(s.text))
	if before>>32 != after>>32 {
		s.wraps = append(s.wraps, uint32(s.count))
	}
	if s.count%knownBlock == 0 {
		s.known = append(s.known, new([knownBlock]known))
	}
	*s.at(s.count) = known{uint32(h), uint32(h >> 32), uint32(after)}
	s.count++
}

func newNames(dir string, budget int) *names {
	n := &names{seed: maphash.MakeSeed(), dir: dir, budget: max(budget/shards, 4096)}
	for i := range n.shard {
		n.shard[i].grow()
	}
	return n
}

func (n *names) hash(key []byte) uint64 { return maphash.Bytes(n.seed, key) }

// node gives the number of a key, which begins with its kind, and says whether it is new; h is its hash.
func (n *names) node(key []byte, h uint64) (id Node, fresh bool, err error) {
	at := int(h & (shards - 1))
	s := &n.shard[at]
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := *s.slot(h); x != 0 {
		return numberOf(x, at), false, nil
	}
	if len(s.text)+len(key) > n.budget && len(s.text) > 0 {
		if err := s.toDisk(n.dir, at); err != nil {
			return noNode, false, err
		}
	}
	if s.count >= indexMask-1 {
		return noNode, false, fmt.Errorf("trail: more than %d names", indexMask*shards)
	}
	if need := len(s.text) + len(key); need > cap(s.text) {
		s.text = append(make([]byte, 0, max(need, min(n.budget, 2*need))), s.text...)
	}
	s.grow()
	s.add(h, key)
	s.put(h, s.count-1)
	return numberOf(uint32(s.count), at), true, nil
}

// numberOf gives the number of a name by what the table of a shard has of it.
func numberOf(x uint32, shard int) Node { return Node(x&indexMask<<shardBits | uint32(shard)) }

// limit is more than the largest number.
func (n *names) limit() (most Node) {
	for i := range n.shard {
		most = max(most, Node(n.shard[i].count+1)<<shardBits)
	}
	return most
}

// find gives the number of a key that is there already, noNode otherwise.
func (n *names) find(key []byte) Node {
	h := n.hash(key)
	at := int(h & (shards - 1))
	s := &n.shard[at]
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := *s.slot(h); x != 0 {
		return numberOf(x, at)
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

// settle lays the rest of the names on disk when some are there: from here on few are added, and the memory is wanted for other things.
func (n *names) settle() error {
	for at := range n.shard {
		if s := &n.shard[at]; s.spill != nil {
			if err := s.toDisk(n.dir, at); err != nil {
				return err
			}
			s.text = nil
		}
	}
	return nil
}

// key gives the bytes of a node's key, nil for a number that is none.
func (n *names) key(id Node) []byte {
	s := &n.shard[id&(shards-1)]
	i := int(id>>shardBits) - 1
	s.mu.Lock()
	defer s.mu.Unlock()
	if i < 0 || i >= s.count {
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
		n.fail(err)
		return nil
	}
	return out
}

// each calls f with every key of some kinds, in no order. The key is f's until it returns.
func (n *names) each(f func(id Node, key []byte), kinds ...Kind) {
	var wanted [256]bool
	for _, k := range kinds {
		wanted[k] = true
	}
	var key []byte
	in := bufio.NewReaderSize(nil, 1<<18)
	for at := range n.shard {
		s := &n.shard[at]
		text := io.Reader(bytes.NewReader(s.text))
		if s.spill != nil {
			text = io.MultiReader(io.NewSectionReader(s.spill, 0, int64(s.base)), text)
		}
		in.Reset(text)
		from := uint64(0)
		for i := range s.count {
			to := s.end(i)
			key = slices.Grow(key[:0], int(to-from))[:to-from]
			if _, err := io.ReadFull(in, key); err != nil {
				n.fail(err)
				return
			}
			from = to
			if len(key) > 0 && wanted[key[0]] {
				f(numberOf(uint32(i+1), at), key)
			}
		}
	}
}

// fail remembers that names could not be read back. Who asks for one is told nothing; whoever ends the work is.
func (n *names) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failed == nil {
		n.failed = fmt.Errorf("trail: read spilled names: %w", err)
	}
}

func (n *names) trouble() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failed
}

func (n *names) len() (count int) {
	for i := range n.shard {
		count += n.shard[i].count
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
