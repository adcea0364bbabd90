package trail

import (
	"hash/maphash"
	"slices"
)

// Baseline is what ordinary days elsewhere know: files, programs, hashes, services, tasks, registry values, pipes, names and addresses. It remembers
// 64-bit hashes of kind and value, not on which host: what is ordinary on one is ordinary on all.
type Baseline struct {
	seed maphash.Seed
	seen map[uint64]struct{}
}

// NewBaseline takes what a graph has collected. The graph can be closed afterwards.
func NewBaseline(g *Graph) *Baseline {
	b := &Baseline{seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
	g.names.each(func(_ Node, key []byte) {
		kind, _, value := splitKey(key)
		b.seen[b.hash(kind, value)] = struct{}{}
	}, ordinary...)
	return b
}

// ordinary are the kinds that a baseline keeps.
var ordinary = []Kind{File, Program, Hash, Service, Task, Registry, Pipe, Name, Address, WMI}

func (b *Baseline) hash(kind Kind, value string) uint64 {
	var h maphash.Hash
	h.SetSeed(b.seed)
	h.WriteByte(byte(kind))
	h.WriteString(value)
	return h.Sum64()
}

func (b *Baseline) has(kind Kind, value string) bool {
	if !slices.Contains(ordinary, kind) {
		return false
	}
	_, ok := b.seen[b.hash(kind, value)]
	return ok
}
