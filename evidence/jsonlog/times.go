package jsonlog

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// instant reads a time. floating says that the text had no zone; the result is then as if it were UTC.
func instant(text []byte) (ns int64, floating, ok bool) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return 0, false, false
	}
	if ns, floating, ok := calendar(text); ok {
		return ns, floating, true
	}
	if ns, ok := epoch(text); ok {
		return ns, false, true
	}
	if inner, found := bytes.CutPrefix(text, []byte("/Date(")); found { // Microsoft's JSON dates, milliseconds
		inner, _, found = bytes.Cut(inner, []byte(")"))
		for i := 1; i < len(inner); i++ {
			if inner[i] == '+' || inner[i] == '-' { // the zone is for display only
				inner = inner[:i]
			}
		}
		ms, err := strconv.ParseInt(string(inner), 10, 64)
		if !found || err != nil || ms > math.MaxInt64/1_000_000 || ms < math.MinInt64/1_000_000 {
			return 0, false, false
		}
		return ms * 1e6, false, true
	}
	for _, layout := range otherLayouts {
		if t, err := time.Parse(layout.text, string(text)); err == nil {
			if ns, ok := nanos(t); ok {
				return ns, layout.floating, true
			}
		}
	}
	return 0, false, false
}

var otherLayouts = []struct {
	text     string
	floating bool
}{
	{"1/2/2006 3:04:05.999999999 PM", true}, {"1/2/2006, 3:04:05.999999999 PM", true}, {"1/2/2006 15:04:05.999999999", true},
	{"Mon Jan _2 15:04:05 2006", true}, {"Jan _2, 2006 @ 15:04:05.999999999", true}, // the second is Kibana's
	{time.RFC1123Z, false}, {"02/Jan/2006:15:04:05 -0700", false}, {"2006-01-02 15:04:05.999999999 -0700 MST", false},
	{"2006-01-02 15:04:05.999999999 MST", false},
}

func nanos(t time.Time) (int64, bool) {
	if y := t.Year(); y < 1678 || y > 2261 { // what int64 nanoseconds hold
		return 0, false
	}
	return t.UnixNano(), true
}

// calendar reads YYYY-MM-DD or YYYY/MM/DD, then T or a space, HH:MM[:SS[.fraction]], then nothing, Z, UTC or an offset.
func calendar(b []byte) (ns int64, floating, ok bool) {
	if len(b) < 16 || b[4] != '-' && b[4] != '/' || b[7] != b[4] || b[10] != 'T' && b[10] != ' ' && b[10] != 't' || b[13] != ':' {
		return 0, false, false
	}
	var part [6]int
	for i, at := range [5]int{0, 5, 8, 11, 14} {
		size := 2
		if i == 0 {
			size = 4
		}
		for _, c := range b[at : at+size] {
			if c < '0' || c > '9' {
				return 0, false, false
			}
			part[i] = part[i]*10 + int(c-'0')
		}
	}
	rest := b[16:]
	if len(rest) >= 3 && rest[0] == ':' {
		if rest[1] < '0' || rest[1] > '9' || rest[2] < '0' || rest[2] > '9' {
			return 0, false, false
		}
		part[5] = int(rest[1]-'0')*10 + int(rest[2]-'0')
		rest = rest[3:]
	}
	fraction := 0
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') {
		rest = rest[1:]
		for scale := 100_000_000; len(rest) > 0 && '0' <= rest[0] && rest[0] <= '9'; scale /= 10 {
			fraction += int(rest[0]-'0') * scale
			rest = rest[1:]
		}
	}
	offset, floating, ok := zone(rest)
	if !ok || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 23 || part[4] > 59 || part[5] > 60 ||
		part[0] < 1678 || part[0] > 2261 {
		return 0, false, false
	}
	t := time.Date(part[0], time.Month(part[1]), part[2], part[3], part[4], part[5], fraction, time.UTC)
	if part[2] > 28 && time.Date(part[0], time.Month(part[1]), part[2], 0, 0, 0, 0, time.UTC).Day() != part[2] { // 31 April
		return 0, false, false
	}
	return t.UnixNano() - int64(offset), floating, true
}

func zone(b []byte) (offset time.Duration, floating, ok bool) {
	b = bytes.TrimLeft(b, " ")
	switch {
	case len(b) == 0:
		return 0, true, true
	case string(b) == "Z" || string(b) == "z" || string(b) == "UTC" || string(b) == "GMT":
		return 0, false, true
	case b[0] != '+' && b[0] != '-':
		return 0, false, false
	}
	var digits []byte
	var room [4]byte
	digits = room[:0]
	for i, c := range b[1:] {
		if c == ':' && i == 2 {
			continue
		}
		if c < '0' || c > '9' || len(digits) == 4 {
			return 0, false, false
		}
		digits = append(digits, c-'0')
	}
	if len(digits) != 2 && len(digits) != 4 {
		return 0, false, false
	}
	offset = time.Duration(digits[0])*10*time.Hour + time.Duration(digits[1])*time.Hour
	if len(digits) == 4 {
		offset += time.Duration(digits[2])*10*time.Minute + time.Duration(digits[3])*time.Minute
	}
	if b[0] == '-' {
		offset = -offset
	}
	return offset, false, true
}

// epoch reads a number of seconds, milliseconds, microseconds or nanoseconds since 1970, or of 100 ns since 1601
// (FILETIME), told apart by size; a fraction belongs to the unit. Decimal text is read exactly, not through float64.
func epoch(b []byte) (int64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if f := bytes.IndexAny(b, "eE"); f >= 0 {
		v, err := strconv.ParseFloat(string(b), 64)
		if err != nil || v >= 1e18 {
			return 0, false
		}
		b = strconv.AppendFloat(nil, v, 'f', -1, 64)
	}
	whole, fraction, _ := bytes.Cut(b, []byte("."))
	if len(whole) == 0 || len(whole) > 19 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil || whole[0] < '0' || whole[0] > '9' {
		return 0, false
	}
	unit := int64(1)
	switch {
	case n < 1e11:
		unit = 1e9
		if n > math.MaxInt64/1_000_000_000 {
			return 0, false
		}
	case n < 1e14:
		unit = 1e6
	case n < 1e17:
		unit = 1e3
		if n > math.MaxInt64/1000 {
			return 0, false
		}
	case n < 3e17:
		const between = 116444736000000000 // 1601 to 1970 in 100 ns
		return (n - between) * 100, !negative
	}
	if n > math.MaxInt64/unit-1 {
		return 0, false
	}
	ns := n * unit
	for scale := unit / 10; scale > 0 && len(fraction) > 0; scale /= 10 {
		if fraction[0] < '0' || fraction[0] > '9' {
			return 0, false
		}
		ns += int64(fraction[0]-'0') * scale
		fraction = fraction[1:]
	}
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	if negative {
		ns = -ns
	}
	return ns, true
}

// inZone moves a time read without a zone from UTC to the zone it was written in.
func inZone(ns int64, zone *time.Location) int64 {
	if zone == nil || zone == time.UTC {
		return ns
	}
	t := time.Unix(0, ns).UTC()
	local := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
	if v, ok := nanos(local); ok {
		return v
	}
	return event.NoTime
}

// shift adds the clock offset; a time that leaves the range is no time.
func shift(ns int64, by time.Duration) int64 {
	sum := ns + int64(by)
	if by > 0 && sum < ns || by < 0 && sum > ns || sum == event.NoTime {
		return event.NoTime
	}
	return sum
}
