package sigma

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/contrail-ir/contrail/event"
)

// memory is what a scanner keeps of values from batch to batch: which rules a value is a witness of, and a number for it
// under which answers of predicates are found again. Logs repeat themselves: of the values that rules ask for in a mixed
// log of 577,000 events every fifth is new in its batch and every hundred-and-sixtieth in the log.
//
// Results never depend on it. A value is known again by its bytes, or, when it is long, by its SHA-256: never by a hash that
// evidence could forge. A value is kept from the second time that it is met, so that those met once cost nothing but a
// look. What is kept is bounded: when it is full nothing is added, and when it does not pay any more all is given up. Where
// values do not come again nobody looks (see attention), so that evidence made to be new each time is as fast as without.
type memory struct {
	entries []remembered // open addressing; a power of two
	used    int
	text    []byte // bytes or digests of the values, end to end
	rules   []uint32
	once    [][4]uint32 // by hash: values met once
	next    uint64      // number of the next new value

	crowding
}

// crowding tells of a memory that takes nothing more whether what it holds is still asked for.
type crowding struct {
	full         bool // and since then:
	asked, known int
}

func (c *crowding) fill() {
	if !c.full {
		*c = crowding{full: true}
	}
}

// worn takes a question, and says of the last many whether less than a quarter were known: then all is given up. In evidence that comes round
// and round and is larger than the memory, what is kept stays useful; throwing it out for what came last would leave nothing.
func (c *crowding) worn() (worn bool) {
	if c.asked++; c.asked < fullSpan {
		return false
	}
	worn = c.known < c.asked/4
	c.asked, c.known = 0, 0
	return worn
}

// Bounds of a memory: with the answers and the rows some 12 MiB for each goroutine. The table begins small and grows with what is met.
const (
	leastRemembered = 1 << 10
	mostRemembered  = 1 << 16
	mostText        = 4 << 20
	mostRules       = 1 << 18
	oncePlaces      = 1 << 15
	fullSpan        = 1 << 16

	// digestFrom is the length from which a value is known by its digest. SHA-256 reads a few times faster than the search for
	// literals, and is only asked when length and hash fit.
	digestFrom = 512

	// valueBits bounds the numbers of values, so that one and a predicate fit into the key of an answer.
	valueBits = 39
)

// remembered is a value of one field of one program. It is half a cache line, since in a large memory each is a miss; what is
// compared besides the hash stands before the bytes of the value, where it is read with them.
type remembered struct {
	hash  uint64
	value uint64 // its number; 0 for an empty place
	asks  uint64 // the slots that its rules ask for
	text  uint32 // where its header begins: field, size, count of its rules
	rules uint32 // where its rules begin
}

// headerSize is that of what stands before a value's bytes.
const headerSize = 12

func newMemory() memory { return memory{next: 1} }

// fresh gives n numbers that no value has, the first of them.
func (m *memory) fresh(n int) uint64 {
	first := m.next
	m.next += uint64(n)
	return first
}

func hashOf(field uint32, text []byte) uint64 {
	return event.Hash(text) ^ uint64(field)*0x9E3779B97F4A7C15
}

// find gives what is known of a value, nil for nothing.
func (m *memory) find(field uint32, text []byte, hash uint64) *remembered {
	if m.used == 0 {
		return nil
	}
	if m.full && m.worn() {
		m.forget()
	}
	mask := uint64(len(m.entries) - 1)
	for at := hash & mask; m.entries[at].value != 0; at = (at + 1) & mask {
		e := &m.entries[at]
		if e.hash != hash {
			continue
		}
		kept := m.text[e.text:]
		if binary.LittleEndian.Uint32(kept) != field || int(binary.LittleEndian.Uint32(kept[4:])) != len(text) {
			continue
		}
		kept = kept[headerSize:]
		if len(text) < digestFrom {
			if bytes.Equal(kept[:len(text)], text) {
				m.known++
				return e
			}
		} else if sum := sha256.Sum256(text); bytes.Equal(kept[:sha256.Size], sum[:]) {
			m.known++
			return e
		}
	}
	return nil
}

// again says whether a value was met before, and notes that it is met now. It may be wrong. A place keeps the last few values that
// fell on it: were it one, two values that come in turn would each be new for ever.
func (m *memory) again(hash uint64) bool {
	if m.once == nil {
		m.once = make([][4]uint32, oncePlaces)
	}
	at := &m.once[hash%oncePlaces]
	mark := uint32(hash>>32) | 1
	for _, met := range at {
		if met == mark {
			return true
		}
	}
	at[3], at[2], at[1], at[0] = at[2], at[1], at[0], mark
	return false
}

// add keeps a value that is not there yet, with the rules that it is a witness of.
func (m *memory) add(field uint32, text []byte, hash, value uint64, rules []uint32, asks uint64) {
	size := headerSize + min(len(text), digestFrom)
	if len(m.text)+size > mostText || len(m.rules)+len(rules) > mostRules || 4*m.used >= 3*mostRemembered {
		m.fill()
		return
	}
	if 4*m.used >= 3*len(m.entries) {
		m.grow()
	}
	e := remembered{hash: hash, value: value, asks: asks, text: uint32(len(m.text)), rules: uint32(len(m.rules))}
	for _, n := range []int{int(field), len(text), len(rules)} {
		m.text = binary.LittleEndian.AppendUint32(m.text, uint32(n))
	}
	if len(text) < digestFrom {
		m.text = append(m.text, text...)
	} else {
		sum := sha256.Sum256(text)
		m.text = append(m.text, sum[:]...)
	}
	m.rules = append(m.rules, rules...)
	m.put(e)
	m.used++
}

func (m *memory) put(e remembered) {
	mask := uint64(len(m.entries) - 1)
	at := e.hash & mask
	for ; m.entries[at].value != 0; at = (at + 1) & mask {
	}
	m.entries[at] = e
}

func (m *memory) grow() {
	old := m.entries
	m.entries = make([]remembered, max(leastRemembered, 1<<bits.Len(uint(len(old)))))
	for _, e := range old {
		if e.value != 0 {
			m.put(e)
		}
	}
}

// forget gives up everything but the table's memory.
func (m *memory) forget() {
	clear(m.entries)
	m.used, m.text, m.rules, m.full = 0, m.text[:0], m.rules[:0], false
}

// witnessed gives the rules that a value is a witness of.
func (m *memory) witnessed(e *remembered) []uint32 {
	return m.rules[e.rules:][:binary.LittleEndian.Uint32(m.text[e.text+8:])]
}

// attention says whether it pays to look for the values of a field: it does where at least every eighth was met before. Where
// it does not, most of the values are passed by before it is tried again, and more each time: what is new in the beginning may
// come again soon.
type attention struct {
	asked, known int
	nap          int // values passed by the last time
	asleep       int // values to pass by
}

const (
	attentionSpan  = 2048
	attentionSleep = 16 * attentionSpan
)

// awake says whether the next n values are to be looked for.
func (a *attention) awake(n int) bool {
	if a.asleep > 0 {
		a.asleep -= n
		return false
	}
	if a.asked >= attentionSpan {
		if a.known < a.asked/8 {
			a.nap = min(max(2*a.nap, attentionSpan), attentionSleep)
			a.asleep = a.nap
		} else {
			a.nap = 0
		}
		a.asked, a.known = 0, 0
	}
	a.asked += n
	return true
}

// answers remembers answers of predicates about values, 512 KiB. An answer replaces another that falls on the same place, so
// that no evidence can make it grow.
type answers []uint64

const answerBits = 16

// key makes one number of a value and a predicate, and says whether they fit.
func (a answers) key(value uint64, predicate int32) (key uint64, at *uint64) {
	key = value<<(64-valueBits) | uint64(uint32(predicate))<<1
	return key, &a[key*0x9E3779B97F4A7C15>>(64-answerBits)]
}

// mostPredicates is how many predicates of a program have a key.
const mostPredicates = 1 << (63 - valueBits)
