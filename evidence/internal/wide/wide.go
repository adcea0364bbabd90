// Package wide reads UTF-16 text as UTF-8 so that places in the UTF-8 can be told as places in the file. It knows both byte
// orders and replaces what is no character by U+FFFD; it guesses no other encoding.
package wide

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Order says whether a text is UTF-16, and in which byte order.
type Order int

const (
	Narrow Order = iota // not UTF-16
	Little
	Big
)

// Detect tells UTF-16 by its byte order mark, or by a NUL beside the first character, when that is one of first.
func Detect(head []byte, first string) Order {
	if len(head) < 2 {
		return Narrow
	}
	switch {
	case head[0] == 0xff && head[1] == 0xfe:
		return Little
	case head[0] == 0xfe && head[1] == 0xff:
		return Big
	case head[1] == 0 && strings.IndexByte(first, head[0]) >= 0:
		return Little
	case head[0] == 0 && strings.IndexByte(first, head[1]) >= 0:
		return Big
	}
	return Narrow
}

// Decode gives the text in UTF-8.
func (w Order) Decode(text []byte) []byte {
	out, _ := io.ReadAll(&Reader{From: bytes.NewReader(text), Order: w}) // a bytes.Reader has no errors
	return out
}

// Reader turns UTF-16 into UTF-8. Each code unit that is no part of a character gives U+FFFD, so that the length of the
// UTF-16 can be told from the UTF-8.
type Reader struct {
	From  io.Reader
	Order Order
	in    [32 << 10]byte
	have  int    // bytes in in that were not turned
	out   []byte // text not yet handed out
	mem   []byte
	err   error
}

func (w *Reader) Read(p []byte) (int, error) {
	for len(w.out) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		var n int
		n, w.err = io.ReadFull(w.From, w.in[w.have:])
		if w.err == io.ErrUnexpectedEOF {
			w.err = io.EOF
		}
		w.turn(w.have+n, w.err != nil)
	}
	n := copy(p, w.out)
	w.out = w.out[n:]
	return n, nil
}

// turn turns the first n bytes; a lead surrogate or single byte at the end waits for more unless it is the last.
func (w *Reader) turn(n int, last bool) {
	out := w.mem[:0]
	at := 0
	for ; at+2 <= n; at += 2 {
		r := w.unit(at)
		if utf16.IsSurrogate(r) {
			if at+4 > n && !last && r < 0xdc00 {
				break
			}
			pair := rune(utf8.RuneError)
			if at+4 <= n {
				pair = utf16.DecodeRune(r, w.unit(at+2))
			}
			if r = utf8.RuneError; pair != utf8.RuneError {
				r = pair
				at += 2
			}
		}
		out = utf8.AppendRune(out, r)
	}
	w.have = copy(w.in[:], w.in[at:n])
	if last && w.have > 0 {
		out = utf8.AppendRune(out, utf8.RuneError)
		w.have = 0
	}
	w.mem, w.out = out, out
}

func (w *Reader) unit(at int) rune {
	if w.Order == Little {
		return rune(w.in[at]) | rune(w.in[at+1])<<8
	}
	return rune(w.in[at])<<8 | rune(w.in[at+1])
}

// Place counts the UTF-16 bytes that stand for the beginning of a text in UTF-8, going forward.
type Place struct {
	at    int
	count uint64
}

// Bytes gives the UTF-16 bytes of data[:at]. The data stays the same from call to call, or Place is begun anew.
func (w *Place) Bytes(data []byte, at int) uint64 {
	if at < w.at {
		*w = Place{}
	}
	w.count += Bytes(data[w.at:at])
	w.at = at
	return w.count
}

// Bytes gives the bytes that valid UTF-8 takes in UTF-16.
func Bytes(data []byte) uint64 {
	n := uint64(0)
	for _, c := range data {
		if c < 0x80 || c >= 0xc0 {
			n += 2
		}
		if c >= 0xf0 {
			n += 2
		}
	}
	return n
}
