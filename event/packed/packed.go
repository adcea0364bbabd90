// Package packed writes and reads what is laid on disk for a while and only the same version of the program reads again: numbers of variable
// length and texts behind their lengths.
//
// It promises that bytes which somebody changed are noticed or read as other values, and never take more memory than they are long. It
// knows no types: each package keeps its own in their order.
package packed

import "encoding/binary"

// Uint appends a number.
func Uint(dst []byte, n uint64) []byte { return binary.AppendUvarint(dst, n) }

// Int appends a number that may be negative.
func Int(dst []byte, n int64) []byte { return binary.AppendVarint(dst, n) }

// Text appends a text behind its length.
func Text[T string | []byte](dst []byte, s T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Reader reads what was appended, in the same order. What does not fit makes it bad, and everything after it is empty.
type Reader struct {
	rest []byte
	bad  bool
}

// NewReader begins to read.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// Whole says that everything was read and fitted.
func (r *Reader) Whole() bool { return !r.bad && len(r.rest) == 0 }

// Bad says that something did not fit.
func (r *Reader) Bad() bool { return r.bad }

// Rest gives what was not read yet.
func (r *Reader) Rest() []byte { return r.rest }

func (r *Reader) fail() { r.bad, r.rest = true, nil }

// past goes behind a number of that size; it does not fit when there is none.
func (r *Reader) past(size int) {
	if size <= 0 {
		r.fail()
		return
	}
	r.rest = r.rest[size:]
}

// Uint reads a number.
func (r *Reader) Uint() uint64 {
	n, size := binary.Uvarint(r.rest) // 0 when it does not fit
	r.past(size)
	return n
}

// Int reads a number that may be negative.
func (r *Reader) Int() int64 {
	n, size := binary.Varint(r.rest)
	r.past(size)
	return n
}

// Count reads how many things follow, each of a byte at least.
func (r *Reader) Count() int {
	n := r.Uint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	return int(n)
}

// Bytes reads so many bytes, which stay those that are read from; nil when there are fewer.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.fail()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// Text reads a text.
func (r *Reader) Text() string { return string(r.Bytes(r.Count())) }
