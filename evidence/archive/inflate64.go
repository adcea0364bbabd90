package archive

import (
	"bufio"
	"errors"
	"io"
)

// inflate64 undoes Deflate64, which Windows Explorer uses for large files: Deflate of RFC 1951 with a window of 64 KiB, two more
// distance codes, and a length code 285 that has 16 more bits.
type inflate64 struct {
	in   *bufio.Reader
	bits uint32
	have uint

	window [64 << 10]byte
	at     uint16 // where the next byte is put
	ready  []byte // given out next
	out    []byte

	final   bool
	block   int // what is under way: none, stored, coded
	stored  int // bytes left of a stored block
	length  int // left of a copy
	dist    int
	literal huffman
	offset  huffman
	err     error
}

const (
	noBlock = iota
	storedBlock
	codedBlock
)

var errDeflate64 = errors.New("Deflate64 data is not well formed")

func newInflate64(in *bufio.Reader) io.Reader { return &inflate64{in: in} }

func (d *inflate64) Read(p []byte) (int, error) {
	for len(d.ready) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.out = d.out[:0]
		for len(d.out) < 32<<10 && d.err == nil {
			d.step()
		}
		d.ready = d.out
	}
	n := copy(p, d.ready)
	d.ready = d.ready[n:]
	return n, nil
}

func (d *inflate64) need(n uint) bool {
	for d.have < n {
		b, err := d.in.ReadByte()
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			d.err = err
			return false
		}
		d.bits |= uint32(b) << d.have
		d.have += 8
	}
	return true
}

func (d *inflate64) take(n uint) int {
	if !d.need(n) {
		return 0
	}
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.have -= n
	return int(v)
}

func (d *inflate64) put(b byte) {
	d.window[d.at] = b
	d.at++
	d.out = append(d.out, b)
}

// step does one symbol, or some bytes of a stored block, or begins a block.
func (d *inflate64) step() {
	switch {
	case d.length > 0:
		for d.length > 0 && len(d.out) < 32<<10 {
			d.put(d.window[d.at-uint16(d.dist)])
			d.length--
		}
	case d.block == storedBlock:
		for d.stored > 0 && len(d.out) < 32<<10 {
			d.put(byte(d.take(8)))
			if d.err != nil {
				return
			}
			d.stored--
		}
		if d.stored == 0 {
			d.block = noBlock
		}
	case d.block == codedBlock:
		d.symbol()
	case d.final:
		d.err = io.EOF
	default:
		d.begin()
	}
}

func (d *inflate64) begin() {
	d.final = d.take(1) == 1
	switch d.take(2) {
	case 0:
		d.take(d.have & 7)
		n := d.take(16)
		if d.take(16) != n^0xffff && d.err == nil {
			d.err = errDeflate64
		}
		d.block, d.stored = storedBlock, n
	case 1:
		var lengths [288]byte
		for i := range lengths {
			switch {
			case i < 144:
				lengths[i] = 8
			case i < 256:
				lengths[i] = 9
			case i < 280:
				lengths[i] = 7
			default:
				lengths[i] = 8
			}
		}
		var five [32]byte
		for i := range five {
			five[i] = 5
		}
		d.literal.build(lengths[:])
		d.offset.build(five[:])
		d.block = codedBlock
	case 2:
		d.codes()
		d.block = codedBlock
	default:
		d.err = errDeflate64
	}
}

// codes reads the codes of a block, RFC 1951 section 3.2.7.
func (d *inflate64) codes() {
	nlit, ndist, ncode := d.take(5)+257, d.take(5)+1, d.take(4)+4
	var lengths [320]byte
	for _, at := range codeOrder[:ncode] {
		lengths[at] = byte(d.take(3))
	}
	var code huffman
	if d.err != nil || !code.build(lengths[:19]) {
		d.fail()
		return
	}
	clear(lengths[:])
	for i := 0; i < nlit+ndist && d.err == nil; {
		sym := d.decode(&code)
		repeat, value := 1, byte(0)
		switch {
		case sym < 16:
			value = byte(sym)
		case sym == 16:
			if i == 0 {
				d.fail()
				return
			}
			value, repeat = lengths[i-1], 3+d.take(2)
		case sym == 17:
			repeat = 3 + d.take(3)
		default:
			repeat = 11 + d.take(7)
		}
		if i+repeat > nlit+ndist {
			d.fail()
			return
		}
		for range repeat {
			lengths[i] = value
			i++
		}
	}
	if d.err == nil && (!d.literal.build(lengths[:nlit]) || !d.offset.build(lengths[nlit:nlit+ndist])) {
		d.fail()
	}
}

func (d *inflate64) fail() {
	if d.err == nil {
		d.err = errDeflate64
	}
}

var codeOrder = []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

var lengthBase = [...]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 3}
var lengthBits = [...]uint{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 16}

func (d *inflate64) symbol() {
	sym := d.decode(&d.literal)
	switch {
	case d.err != nil:
	case sym < 256:
		d.put(byte(sym))
	case sym == 256:
		d.block = noBlock
	case sym > 285:
		d.fail()
	default:
		n := lengthBase[sym-257] + d.take(lengthBits[sym-257])
		code := d.decode(&d.offset)
		if code > 31 {
			d.fail()
			return
		}
		dist := code + 1
		if code >= 4 {
			extra := uint(code/2 - 1)
			dist = (2|code&1)<<extra + d.take(extra) + 1
		}
		if d.err == nil { // before the beginning lie zeros
			d.length, d.dist = n, dist
		}
	}
}

// huffman is a canonical code: how many codes there are of each length, and the symbols in order of their codes.
type huffman struct {
	count   [16]int
	symbols []uint16
}

// build says whether the lengths make a code that no sequence of bits exceeds.
func (h *huffman) build(lengths []byte) bool {
	h.count = [16]int{}
	for _, n := range lengths {
		h.count[n]++
	}
	h.count[0] = 0
	left := 1
	var first [16]int
	for n := 1; n < 16; n++ {
		if left = left<<1 - h.count[n]; left < 0 {
			return false
		}
		if n < 15 {
			first[n+1] = first[n] + h.count[n]
		}
	}
	h.symbols = append(h.symbols[:0], make([]uint16, len(lengths))...)
	for sym, n := range lengths {
		if n > 0 {
			h.symbols[first[n]] = uint16(sym)
			first[n]++
		}
	}
	return true
}

// decode reads one symbol, bit by bit.
func (d *inflate64) decode(h *huffman) int {
	code, first, index := 0, 0, 0
	for n := 1; n < 16; n++ {
		code |= d.take(1)
		if d.err != nil {
			return 0
		}
		count := h.count[n]
		if code-count < first {
			return int(h.symbols[index+code-first])
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	d.fail()
	return 0
}
