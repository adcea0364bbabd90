package evtxwrite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Vary copies EVTX logs and makes a share of their longer text values new, each unlike every other, so that what a program
// remembers of values can be measured apart from what it does with values that it never saw. A value keeps its length, its
// beginning and its end: eight hexadecimal digits are put into its middle. Only what stands in an event's own data is touched,
// not its provider, channel or computer, and checksums are made right again.
type Vary struct {
	Share float64 // of text values of 16 characters and more

	Values, Made uint64 // such values met, and made new

	owed float64
}

const varyFrom = 16 // characters

// Copy copies a log.
func (v *Vary) Copy(dst io.Writer, src io.Reader) error {
	head := make([]byte, fileHeader)
	n, err := io.ReadFull(src, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("vary log: %w", err)
	}
	if _, err := dst.Write(head[:n]); err != nil {
		return fmt.Errorf("vary log: %w", err)
	}
	chunk := make([]byte, chunkSize)
	for n == fileHeader {
		m, err := io.ReadFull(src, chunk)
		if m == chunkSize {
			v.chunk(chunk)
		}
		if _, err := dst.Write(chunk[:m]); err != nil {
			return fmt.Errorf("vary log: %w", err)
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("vary log: %w", err)
		}
	}
	return nil
}

// chunk varies the records of one chunk. What is not as the format says is left as it is.
func (v *Vary) chunk(c []byte) {
	le := binary.LittleEndian
	free := int(le.Uint32(c[48:]))
	if string(c[:8]) != "ElfChnk\x00" || free < chunkHeader || free > chunkSize {
		return
	}
	for at := chunkHeader; at+28 <= free && le.Uint32(c[at:]) == recordMagic; {
		size := int(le.Uint32(c[at+4:]))
		if size < 28 || at+size > free {
			return
		}
		v.fragment(c, at+24, at+size-4, 0)
		at += size
	}
	le.PutUint32(c[52:], crc32.ChecksumIEEE(c[chunkHeader:free]))
	le.PutUint32(c[124:], crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:chunkHeader]))
}

// fragment varies the values of a template instance and of those within it. Of the outermost one the texts are the names of
// provider, channel and computer.
func (v *Vary) fragment(c []byte, at, end, depth int) {
	le := binary.LittleEndian
	if at+4 <= end && c[at] == tokHeader {
		at += 4
	}
	if at+14 > end || c[at] != tokTemplate || depth > 4 {
		return
	}
	definition := int(le.Uint32(c[at+6:]))
	at += 10
	if definition == at { // it stands here
		if at+24 > end {
			return
		}
		if at += 24 + int(le.Uint32(c[at+20:])); at+4 > end {
			return
		}
	}
	n := int(le.Uint32(c[at:]))
	at += 4
	if n > (end-at)/4 {
		return
	}
	value := at + 4*n
	for ; n > 0; n, at = n-1, at+4 {
		size, typ := int(le.Uint16(c[at:])), c[at+2]
		if value+size > end {
			return
		}
		switch {
		case typ == 0x21:
			v.fragment(c, value, value+size, depth+1)
		case typ == 0x01 && depth > 0 && size >= 2*varyFrom:
			v.value(c[value : value+size&^1])
		}
		value += size
	}
}

func (v *Vary) value(text []byte) {
	v.Values++
	if v.owed += v.Share; v.owed < 1 {
		return
	}
	v.owed--
	v.Made++
	digits := fmt.Appendf(nil, "%08x", uint32(v.Made)*0x9E3779B1) // an odd factor: no two of the first four billion are alike
	middle := len(text)/4*2 - 8
	for i, d := range digits {
		text[middle+2*i], text[middle+2*i+1] = d, 0
	}
}
