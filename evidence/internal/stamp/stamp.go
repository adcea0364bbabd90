// Package stamp reads the times that text logs write.
//
// It promises to take a text for a time only as a whole, and to read the common forms without allocation. A text without a
// zone is of the zone that is given. Where day and month cannot be told apart in 1/2/2006, the month stands first.
package stamp

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// Parse gives the nanoseconds since 1970 of a time as it stands in a log: ISO 8601 with its relatives, the common log format's,
// seconds or smaller units since 1970, and the forms of layouts. A nil zone is UTC.
func Parse(b []byte, zone *time.Location) (int64, bool) {
	b = bytes.TrimSpace(b)
	if len(b) < 8 || len(b) > 64 {
		return event.NoTime, false
	}
	if ns, ok := sortable(b, zone); ok {
		return ns, true
	}
	if ns, ok := named(b, zone); ok {
		return ns, true
	}
	if ns, ok := epoch(b); ok {
		return ns, true
	}
	return other(b, zone)
}

// sortable reads 2006-01-02 15:04:05 with - or / between, T or a space, a fraction and a zone; the time may be missing.
func sortable(b []byte, zone *time.Location) (int64, bool) {
	if len(b) < 10 || (b[4] != '-' && b[4] != '/') || b[7] != b[4] {
		return event.NoTime, false
	}
	year, month, day := number(b[:4]), number(b[5:7]), number(b[8:10])
	if len(b) == 10 {
		return instant(year, month, day, 0, 0, 0, 0, noZone, zone)
	}
	if b[10] != 'T' && b[10] != ' ' && b[10] != '-' && b[10] != '_' {
		return event.NoTime, false
	}
	return clock(year, month, day, bytes.TrimLeft(b[11:], " "), zone)
}

// named reads 02/Jan/2006:15:04:05 and 02-Jan-2006 15:04:05.
func named(b []byte, zone *time.Location) (int64, bool) {
	if len(b) < 20 || (b[2] != '/' && b[2] != '-') || b[6] != b[2] {
		return event.NoTime, false
	}
	month := monthOf(b[3:6])
	if month == 0 || (b[11] != ':' && b[11] != ' ') {
		return event.NoTime, false
	}
	return clock(number(b[7:11]), month, number(b[:2]), b[12:], zone)
}

// clock reads 15:04:05, the hour also of one digit, a fraction behind a point or comma, and a zone.
func clock(year, month, day int, b []byte, zone *time.Location) (int64, bool) {
	at := 2
	if len(b) > 1 && b[1] == ':' {
		at = 1
	}
	if len(b) < at+3 || b[at] != ':' {
		return event.NoTime, false
	}
	hour, minute, second, ns := number(b[:at]), number(b[at+1:at+3]), 0, 0
	b = b[at+3:]
	if len(b) >= 3 && b[0] == ':' {
		second = number(b[1:3])
		b = b[3:]
	}
	if len(b) > 1 && (b[0] == '.' || b[0] == ',') && isDigit(b[1]) {
		b = b[1:]
		scale := int(1e8)
		for len(b) > 0 && isDigit(b[0]) {
			ns += int(b[0]-'0') * scale
			scale /= 10
			b = b[1:]
		}
	}
	offset, ok := zoneOf(bytes.TrimLeft(b, " "))
	if !ok {
		return event.NoTime, false
	}
	return instant(year, month, day, hour, minute, second, ns, offset, zone)
}

// noZone is the offset of a time that names no zone.
const noZone = 1 << 30

// zoneOf reads Z, UTC, GMT, +02:00, +0200 and +02 as seconds; noZone when there is none.
func zoneOf(b []byte) (offset int, ok bool) {
	switch string(b) {
	case "":
		return noZone, true
	case "Z", "z", "UTC", "GMT", "(UTC)", "+0000", "+00:00":
		return 0, true
	}
	sign := 1
	switch b[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	b = b[1:]
	minutes := 0
	switch {
	case len(b) == 2:
	case len(b) == 4:
		minutes = number(b[2:])
	case len(b) == 5 && b[2] == ':':
		minutes = number(b[3:])
	default:
		return 0, false
	}
	hours := number(b[:2])
	if hours < 0 || hours > 18 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	return sign * (hours*3600 + minutes*60), true
}

var daysBefore = [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}

func instant(year, month, day, hour, minute, second, ns, offset int, zone *time.Location) (int64, bool) {
	if year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return event.NoTime, false
	}
	if offset == noZone && zone != nil && zone != time.UTC {
		return time.Date(year, time.Month(month), day, hour, minute, second, ns, zone).UnixNano(), true
	}
	y := year - 1
	days := y*365 + y/4 - y/100 + y/400 + daysBefore[month-1] + day - 1 - 719162
	if month > 2 && leap(year) {
		days++
	}
	sec := int64(days)*86400 + int64(hour*3600+minute*60+second)
	if offset != noZone {
		sec -= int64(offset)
	}
	return sec*1e9 + int64(ns), true
}

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func daysIn(year, month int) int {
	if month == 2 && leap(year) {
		return 29
	}
	return daysBefore[month] - daysBefore[month-1]
}

// epoch reads seconds since 1970 with a fraction, and whole milli-, micro- and nanoseconds, told by their digits.
func epoch(b []byte) (int64, bool) {
	whole, fraction, point := bytes.Cut(b, []byte{'.'})
	var n int64
	for _, c := range whole {
		if !isDigit(c) || len(whole) > 19 {
			return event.NoTime, false
		}
		n = n*10 + int64(c-'0')
	}
	unit := int64(1e9)
	switch len(whole) {
	case 9, 10:
	case 13:
		unit = 1e6
	case 16:
		unit = 1e3
	case 19:
		unit = 1
	default:
		return event.NoTime, false
	}
	if n < 0 || n > (1<<63-1)/unit-1 {
		return event.NoTime, false
	}
	n *= unit
	if point {
		for _, c := range fraction {
			if !isDigit(c) {
				return event.NoTime, false
			}
			unit /= 10
			n += int64(c-'0') * unit
		}
	}
	return n, true
}

// layouts are the rarer forms, for Go's own parser. A fraction is read wherever seconds stand.
var layouts = []string{
	"Mon Jan _2 15:04:05 2006", "Mon Jan _2 2006 15:04:05", "Jan _2 15:04:05 2006", "Jan _2 2006 15:04:05", "Jan _2, 2006 @ 15:04:05", "Jan _2, 2006 3:04:05 PM",
	"Jan _2, 2006, 3:04:05 PM", "Mon, 02 Jan 2006 15:04:05 -0700", "Mon, 02 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05", "02-Jan-06 03.04.05 PM",
	"02-Jan-06 03.04.05 PM -07:00", "02-Jan-2006 03.04.05 PM", "02-Jan-06", "2006-01-02 15:04:05 MST", "2006-01-02T15:04:05 MST", "2006-01-02 03:04:05 PM",
	"1/2/2006 3:04:05 PM", "1/2/2006, 3:04:05 PM", "1/2/2006 15:04:05", "1/2/2006, 15:04:05", "1/2/2006 15:04", "1/2/2006 3:04 PM", "2/1/2006 15:04:05", "2/1/2006 3:04:05 PM", "2/1/2006 15:04", "2.1.2006 15:04:05",
	"2.1.2006 15:04", "20060102150405", "20060102 15:04:05", "20060102-150405", "2006-1-2 15:04:05", "2006/1/2 15:04:05", "2006.01.02 15:04:05", "01/02/06 15:04:05", "060102 15:04:05", "060102  15:04:05",
}

func other(b []byte, zone *time.Location) (int64, bool) {
	digits := 0
	for _, c := range b {
		if isDigit(c) {
			digits++
		}
	}
	if digits < 5 {
		return event.NoTime, false
	}
	if zone == nil {
		zone = time.UTC
	}
	text := string(b)
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, text, zone); err == nil && t.Year() >= 1678 && t.Year() <= 2261 {
			return t.UnixNano(), true
		}
	}
	return event.NoTime, false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number reads digits, -1 for anything else.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func monthOf(b []byte) int {
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	for m := range 12 {
		if b[0]|0x20 == names[3*m] && b[1]|0x20 == names[3*m+1] && b[2]|0x20 == names[3*m+2] {
			return m + 1
		}
	}
	return 0
}
