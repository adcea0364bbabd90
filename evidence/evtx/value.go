package evtx

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"golang.org/x/text/encoding"

	"github.com/contrail-ir/contrail/event"
)

// kindOf gives the kind in which values of a type are held. A value that does not fit its type, by size or by
// range, is rendered as text instead: see render.
func kindOf(typ uint8) event.Kind {
	switch typ {
	case typeInt8, typeInt16, typeInt32, typeInt64:
		return event.Int
	case typeUint8, typeUint16, typeUint32, typeUint64:
		return event.Uint
	case typeFloat32, typeFloat64:
		return event.Float
	case typeBool:
		return event.Bool
	case typeGUID:
		return event.GUID
	case typeHex32:
		return event.Hex32
	case typeHex64, typeSize, typeHandle:
		return event.Hex64
	case typeFiletime, typeSystemtime:
		return event.Time
	case typeSID:
		return event.SID
	case typeString, typeANSI, typeUTF8:
		return event.Text
	}
	return event.Bytes
}

// width gives the size of one value of a type, 0 when it has no fixed one.
func width(typ uint8) int {
	switch typ {
	case typeInt8, typeUint8:
		return 1
	case typeInt16, typeUint16:
		return 2
	case typeInt32, typeUint32, typeFloat32, typeBool, typeHex32:
		return 4
	case typeInt64, typeUint64, typeFloat64, typeFiletime, typeHex64:
		return 8
	case typeGUID, typeSystemtime:
		return 16
	}
	return 0
}

// number gives a value of a numeric kind as a Dict holds it, or false when the value does not fit its type.
func number(typ uint8, raw []byte) (uint64, bool) {
	if w := width(typ); w != 0 && w != len(raw) {
		return 0, false
	}
	switch typ {
	case typeInt8:
		return uint64(int8(raw[0])), true
	case typeUint8:
		return uint64(raw[0]), true
	case typeInt16:
		return uint64(int16(le16(raw))), true
	case typeUint16:
		return uint64(le16(raw)), true
	case typeInt32:
		return uint64(int32(le32(raw))), true
	case typeUint32, typeHex32:
		return uint64(le32(raw)), true
	case typeInt64, typeUint64, typeHex64, typeFloat64:
		return le64(raw), true
	case typeFloat32:
		return math.Float64bits(float64(math.Float32frombits(le32(raw)))), true
	case typeBool:
		if le32(raw) != 0 {
			return 1, true
		}
		return 0, true
	case typeSize, typeHandle:
		switch len(raw) {
		case 4:
			return uint64(le32(raw)), true
		case 8:
			return le64(raw), true
		}
	case typeFiletime:
		ns, ok := filetime(le64(raw))
		return uint64(ns), ok
	case typeSystemtime:
		ns, ok := systemtime(raw)
		return uint64(ns), ok
	}
	return 0, false
}

const (
	ticksPerSecond = 10_000_000
	epochSeconds   = 11_644_473_600 // from 1601 to 1970
)

// filetime converts ticks of 100 ns since 1601 to nanoseconds since 1970; false when they do not fit.
func filetime(ticks uint64) (int64, bool) {
	return nanoseconds(int64(ticks/ticksPerSecond)-epochSeconds, int64(ticks%ticksPerSecond)*100)
}

// nanoseconds joins seconds and nanoseconds since 1970; false when the sum is out of range or would be NoTime.
func nanoseconds(sec, nsec int64) (int64, bool) {
	const most = math.MaxInt64 / 1_000_000_000
	if sec <= -most || sec >= most {
		return event.NoTime, false
	}
	return sec*1_000_000_000 + nsec, true
}

// systemtime converts the eight 16-bit parts of a SYSTEMTIME; false when they name no moment.
func systemtime(raw []byte) (int64, bool) {
	year, month, day := int(le16(raw)), int(le16(raw[2:])), int(le16(raw[6:]))
	hour, minute, second, milli := int(le16(raw[8:])), int(le16(raw[10:])), int(le16(raw[12:])), int(le16(raw[14:]))
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 || milli > 999 {
		return event.NoTime, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, milli*1_000_000, time.UTC)
	if t.Day() != day {
		return event.NoTime, false
	}
	return nanoseconds(t.Unix(), int64(t.Nanosecond()))
}

// render appends the canonical text of a value that is neither null nor an array, and says as what kind. The code
// page is for ANSI strings.
func render(dst []byte, typ uint8, raw []byte, ansi *encoding.Decoder) ([]byte, event.Kind) {
	kind := kindOf(typ)
	switch {
	case typ == typeString:
		dst, _, _ = appendUTF16(dst, trimNUL(raw))
		return dst, event.Text
	case typ == typeANSI:
		return appendANSI(dst, raw, ansi), event.Text
	case typ == typeUTF8:
		return append(dst, raw...), event.Text
	case kind.Numeric():
		if n, ok := number(typ, raw); ok {
			return event.AppendNumber(dst, kind, n), kind
		}
		return renderOdd(dst, typ, raw)
	}
	return event.AppendBytes(dst, kind, raw), kind
}

// renderOdd renders what its type cannot hold: a time outside the years 1678 to 2262 as a time all the same, all else
// as hexadecimal.
func renderOdd(dst []byte, typ uint8, raw []byte) ([]byte, event.Kind) {
	switch {
	case typ == typeFiletime && len(raw) == 8:
		ticks := le64(raw)
		t := time.Unix(int64(ticks/ticksPerSecond)-epochSeconds, int64(ticks%ticksPerSecond)*100)
		return t.UTC().AppendFormat(dst, time.RFC3339Nano), event.Text
	case typ == typeSystemtime && len(raw) == 16:
		dst = fmt.Appendf(dst, "%04d-%02d-%02dT%02d:%02d:%02d", le16(raw), le16(raw[2:]), le16(raw[6:]),
			le16(raw[8:]), le16(raw[10:]), le16(raw[12:]))
		if ms := le16(raw[14:]); ms != 0 {
			dst = fmt.Appendf(dst, ".%03d", ms)
		}
		return append(dst, 'Z'), event.Text
	}
	return event.AppendBytes(dst, event.Bytes, raw), event.Text
}

func appendANSI(dst, raw []byte, ansi *encoding.Decoder) []byte {
	for len(raw) > 0 && raw[len(raw)-1] == 0 {
		raw = raw[:len(raw)-1]
	}
	at := len(dst)
	for _, c := range raw {
		if c >= 0x80 {
			if text, err := ansi.Bytes(raw); err == nil {
				return append(dst[:at], text...)
			}
			break
		}
		dst = append(dst, c)
	}
	for _, c := range raw[len(dst)-at:] { // a code page that refuses: keep the bytes apart, as Latin-1 does
		dst = append(dst, string(rune(c))...)
	}
	return dst
}

// textTime reads the time of a record whose values are plain text.
func textTime(text []byte) (int64, bool) {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return event.NoTime, false
	}
	return nanoseconds(t.Unix(), int64(t.Nanosecond()))
}

// textInteger reads an integer from text.
func textInteger(text []byte) (uint64, bool) {
	n, err := strconv.ParseUint(string(text), 10, 64)
	return n, err == nil
}
