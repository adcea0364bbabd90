package evtxwrite

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// Type is a BinXML value type as it stands in the log.
type Type uint8

// The value types of Windows event logs. ArrayFlag is added for an array of the type.
const (
	TypeNull       Type = 0x00
	TypeString     Type = 0x01
	TypeANSI       Type = 0x02
	TypeInt8       Type = 0x03
	TypeUInt8      Type = 0x04
	TypeInt16      Type = 0x05
	TypeUInt16     Type = 0x06
	TypeInt32      Type = 0x07
	TypeUInt32     Type = 0x08
	TypeInt64      Type = 0x09
	TypeUInt64     Type = 0x0a
	TypeFloat32    Type = 0x0b
	TypeFloat64    Type = 0x0c
	TypeBool       Type = 0x0d
	TypeBinary     Type = 0x0e
	TypeGUID       Type = 0x0f
	TypeSize       Type = 0x10
	TypeFileTime   Type = 0x11
	TypeSystemTime Type = 0x12
	TypeSID        Type = 0x13
	TypeHex32      Type = 0x14
	TypeHex64      Type = 0x15
	TypeBinXML     Type = 0x21

	ArrayFlag Type = 0x80
)

// Value is one typed value of an event. Constructors never fail: text that is not a
// GUID or a SID makes a Value whose error Writer.Write returns. The zero Value is a
// slot without a value in a template that declares a string.
type Value struct {
	declared Type // what the template says
	actual   Type // what the substitution array says: declared, or TypeNull
	data     []byte
	element  *Element  // of TypeBinXML …
	built    *instance // … or this, when it is not made from an Element
	err      error
}

func of(t Type, data []byte) Value { return Value{declared: t, actual: t, data: data} }

// Null is an empty slot of a template that declares type t there.
func Null(t Type) Value { return Value{declared: t} }

// String is a UTF-16 string. Invalid UTF-8 becomes U+FFFD.
func String(s string) Value { return of(TypeString, utf16le(s)) }

// ANSI is a string in code page 1252; text outside Latin-1 is an error.
func ANSI(s string) Value {
	data := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff || 0x80 <= r && r < 0xa0 {
			return Value{err: fmt.Errorf("ANSI value %q: %q is outside Latin-1", s, r)}
		}
		data = append(data, byte(r))
	}
	return of(TypeANSI, data)
}

// Int8 is a signed 8-bit integer.
func Int8(n int8) Value { return of(TypeInt8, []byte{byte(n)}) }

// UInt8 is an unsigned 8-bit integer.
func UInt8(n uint8) Value { return of(TypeUInt8, []byte{n}) }

// Int16 is a signed 16-bit integer.
func Int16(n int16) Value { return of(TypeInt16, le16(uint16(n))) }

// UInt16 is an unsigned 16-bit integer.
func UInt16(n uint16) Value { return of(TypeUInt16, le16(n)) }

// Int32 is a signed 32-bit integer.
func Int32(n int32) Value { return of(TypeInt32, le32(uint32(n))) }

// UInt32 is an unsigned 32-bit integer.
func UInt32(n uint32) Value { return of(TypeUInt32, le32(n)) }

// Int64 is a signed 64-bit integer.
func Int64(n int64) Value { return of(TypeInt64, le64(uint64(n))) }

// UInt64 is an unsigned 64-bit integer.
func UInt64(n uint64) Value { return of(TypeUInt64, le64(n)) }

// Hex32 is a 32-bit integer that is shown in hexadecimal.
func Hex32(n uint32) Value { return of(TypeHex32, le32(n)) }

// Hex64 is a 64-bit integer that is shown in hexadecimal; Windows uses it for logon ids and pointers.
func Hex64(n uint64) Value { return of(TypeHex64, le64(n)) }

// Float32 is a single-precision number.
func Float32(f float32) Value { return of(TypeFloat32, le32(math.Float32bits(f))) }

// Float64 is a double-precision number.
func Float64(f float64) Value { return of(TypeFloat64, le64(math.Float64bits(f))) }

// Bool is a boolean, 32 bits in the log.
func Bool(b bool) Value {
	if b {
		return of(TypeBool, le32(1))
	}
	return of(TypeBool, le32(0))
}

// Binary is a run of bytes; the caller must not change it before the event is written.
func Binary(b []byte) Value { return of(TypeBinary, b) }

// Size32 is a size_t of a 32-bit machine.
func Size32(n uint32) Value { return of(TypeSize, le32(n)) }

// Size64 is a size_t of a 64-bit machine.
func Size64(n uint64) Value { return of(TypeSize, le64(n)) }

// FileTime is a time in 100 ns steps since 1601 UTC; finer parts are cut off.
func FileTime(t time.Time) Value { return of(TypeFileTime, le64(filetime(t))) }

// SystemTime is a time in milliseconds as a broken-down UTC date.
func SystemTime(t time.Time) Value {
	t = t.UTC()
	data := make([]byte, 0, 16)
	for _, n := range []int{t.Year(), int(t.Month()), int(t.Weekday()), t.Day(),
		t.Hour(), t.Minute(), t.Second(), t.Nanosecond() / 1e6} {
		data = binary.LittleEndian.AppendUint16(data, uint16(n))
	}
	return of(TypeSystemTime, data)
}

// GUID takes the usual text, with or without braces.
func GUID(text string) Value {
	g, err := parseGUID(text)
	if err != nil {
		return Value{err: err}
	}
	return of(TypeGUID, g)
}

// SID takes the usual text, S-1-5-21-….
func SID(text string) Value {
	s, err := parseSID(text)
	if err != nil {
		return Value{err: err}
	}
	return of(TypeSID, s)
}

// XML is an element inside the value: BinXML in BinXML.
func XML(e Element) Value { return Value{declared: TypeBinXML, actual: TypeBinXML, element: &e} }

// Array joins values of one type. Windows knows no arrays of arrays, of binary data or of BinXML.
func Array(values ...Value) Value {
	if len(values) == 0 {
		return Value{err: fmt.Errorf("array: no element, so no type")}
	}
	t := values[0].actual
	var data []byte
	for i, v := range values {
		switch {
		case v.err != nil:
			return v
		case v.actual != t:
			return Value{err: fmt.Errorf("array: element %d has type %#02x, the first has %#02x", i, v.actual, t)}
		case t == TypeNull || t == TypeBinary || t == TypeBinXML || t&ArrayFlag != 0:
			return Value{err: fmt.Errorf("array: elements of type %#02x are not known in event logs", t)}
		}
		data = append(data, v.data...)
		switch t {
		case TypeString:
			data = append(data, 0, 0)
		case TypeANSI:
			data = append(data, 0)
		}
	}
	return of(t|ArrayFlag, data)
}

// Strings is an array of UTF-16 strings; none at all is an empty array.
func Strings(list ...string) Value {
	data := []byte{}
	for _, s := range list {
		data = append(append(data, utf16le(s)...), 0, 0)
	}
	return of(TypeString|ArrayFlag, data)
}

func le16(n uint16) []byte { return binary.LittleEndian.AppendUint16(nil, n) }
func le32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
func le64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func utf16le(s string) []byte {
	units := utf16.Encode([]rune(s))
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// filetime counts in whole seconds first, since time.Duration ends 292 years after 1601.
func filetime(t time.Time) uint64 {
	const secondsTo1970 = 11644473600
	return uint64(t.Unix()+secondsTo1970)*1e7 + uint64(t.Nanosecond()/100)
}

func parseGUID(text string) ([]byte, error) {
	s := strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return nil, fmt.Errorf("GUID %q: not of the form 8-4-4-4-12", text)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != 16 {
		return nil, fmt.Errorf("GUID %q: not hexadecimal", text)
	}
	// The first three groups are little-endian integers in the log.
	b[0], b[1], b[2], b[3] = b[3], b[2], b[1], b[0]
	b[4], b[5] = b[5], b[4]
	b[6], b[7] = b[7], b[6]
	return b, nil
}

func parseSID(text string) ([]byte, error) {
	parts := strings.Split(text, "-")
	if len(parts) < 3 || parts[0] != "S" || parts[1] != "1" || len(parts) > 3+15 {
		return nil, fmt.Errorf("SID %q: not of the form S-1-authority-…", text)
	}
	authority, err := strconv.ParseUint(parts[2], 10, 48)
	if err != nil {
		return nil, fmt.Errorf("SID %q: authority: %w", text, err)
	}
	out := []byte{1, byte(len(parts) - 3)}
	out = append(out, binary.BigEndian.AppendUint64(nil, authority)[2:]...)
	for _, p := range parts[3:] {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("SID %q: sub-authority: %w", text, err)
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	return out, nil
}
