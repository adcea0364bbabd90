package event

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"
)

// Kind says how the values of a dictionary are held.
type Kind uint8

const (
	Text  Kind = iota // UTF-8
	Int               // Nums as two's complement
	Uint              // Nums
	Hex32             // Nums, rendered 0x…
	Hex64             // Nums, rendered 0x…
	Float             // Nums as IEEE 754 bits
	Bool              // Nums, 0 or 1
	Time              // Nums: nanoseconds since 1970 UTC as two's complement
	GUID              // 16 bytes in Microsoft's mixed-endian order
	SID               // a Windows security identifier in its binary form
	IP                // 4 or 16 bytes
	Bytes             // rendered as upper-case hexadecimal
)

// Numeric says whether values of the kind are held in Nums.
func (k Kind) Numeric() bool { return k >= Int && k <= Time }

// Flags of a dictionary value.
const (
	ASCII     uint8 = 1 << iota // no byte above 0x7f
	Truncated                   // the value was longer than the reader's bound; the damage is recorded
)

// Dict holds the distinct values of one column, in order of first appearance. Every value is
// used by at least one row, so a dictionary without values is a column never filled. It does
// not change while its batch lives.
type Dict struct {
	Kind  Kind
	Nums  []uint64 // numeric kinds
	Bytes []byte   // the others, end to end
	Ends  []uint32 // end of value i in Bytes
	Flags []uint8  // per value, or nil when nothing is known
	ID    uint64   // 0, or equal IDs mean equal dictionaries, so that results can be reused
}

// Len gives the number of values.
func (d *Dict) Len() int {
	if d == nil {
		return 0
	}
	if d.Kind.Numeric() {
		return len(d.Nums)
	}
	return len(d.Ends)
}

// Raw gives the bytes of value i of a kind that is not numeric. The slice is the dictionary's own.
func (d *Dict) Raw(i int) []byte {
	lo := uint32(0)
	if i > 0 {
		lo = d.Ends[i-1]
	}
	return d.Bytes[lo:d.Ends[i]:d.Ends[i]]
}

// AppendText appends the canonical text of value i to dst. Numbers are decimal, Hex kinds
// "0x" and lower-case digits without leading zeros, times RFC 3339 with nanoseconds as recorded,
// GUIDs upper case in braces, SIDs as S-1-…
func (d *Dict) AppendText(dst []byte, i int) []byte {
	if d.Kind.Numeric() {
		return AppendNumber(dst, d.Kind, d.Nums[i])
	}
	return AppendBytes(dst, d.Kind, d.Raw(i))
}

// AppendNumber appends the canonical text of a numeric value to dst.
func AppendNumber(dst []byte, k Kind, n uint64) []byte {
	switch k {
	case Int:
		return strconv.AppendInt(dst, int64(n), 10)
	case Hex32, Hex64:
		return strconv.AppendUint(append(dst, "0x"...), n, 16)
	case Float:
		return strconv.AppendFloat(dst, math.Float64frombits(n), 'g', -1, 64)
	case Bool:
		return strconv.AppendBool(dst, n != 0)
	case Time:
		return AppendTime(dst, int64(n))
	default:
		return strconv.AppendUint(dst, n, 10)
	}
}

// AppendTime appends nanoseconds since 1970 as RFC 3339 in UTC, fractions as recorded; nothing for NoTime.
func AppendTime(dst []byte, ns int64) []byte {
	if ns == NoTime {
		return dst
	}
	return time.Unix(0, ns).UTC().AppendFormat(dst, time.RFC3339Nano)
}

// AppendBytes appends the canonical text of a value that is held as bytes. Bytes that are not a
// valid value of their kind (a GUID of 7 bytes) are rendered as hexadecimal.
func AppendBytes(dst []byte, k Kind, raw []byte) []byte {
	switch k {
	case Text:
		return append(dst, raw...)
	case GUID:
		if len(raw) == 16 {
			return appendGUID(dst, raw)
		}
	case SID:
		if len(raw) >= 8 && len(raw) == 8+4*int(raw[1]) {
			return appendSID(dst, raw)
		}
	case IP:
		if a, ok := netip.AddrFromSlice(raw); ok {
			return a.AppendTo(dst)
		}
	}
	at := len(dst)
	dst = hex.AppendEncode(dst, raw)
	for i := at; i < len(dst); i++ {
		if dst[i] >= 'a' {
			dst[i] -= 'a' - 'A'
		}
	}
	return dst
}

func appendGUID(dst, g []byte) []byte {
	order := [16]byte{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}
	const digits = "0123456789ABCDEF"
	dst = append(dst, '{')
	for i, at := range order {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[g[at]>>4], digits[g[at]&15])
	}
	return append(dst, '}')
}

func appendSID(dst, s []byte) []byte {
	dst = append(dst, "S-"...)
	dst = strconv.AppendUint(dst, uint64(s[0]), 10)
	authority := uint64(binary.BigEndian.Uint16(s[2:]))<<32 | uint64(binary.BigEndian.Uint32(s[4:]))
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, authority, 10)
	for at := 8; at < len(s); at += 4 {
		dst = append(dst, '-')
		dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(s[at:])), 10)
	}
	return dst
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// ParseTime reads what AppendTime wrote.
func ParseTime(s string) (int64, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return NoTime, err
	}
	ns := t.UnixNano()
	if !time.Unix(0, ns).Equal(t) {
		return NoTime, fmt.Errorf("time %q is outside the years 1678 to 2262", s)
	}
	return ns, nil
}
