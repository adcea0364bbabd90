package syslog

import (
	"time"

	"github.com/contrail-ir/contrail/event"
)

// stamp is a time as a log line says it.
type stamp struct {
	year                       int // 0 when it is not said
	month, day                 int
	hour, minute, second, nano int
	zoned                      bool // offset holds
	offset                     int  // seconds east of UTC
	weekday                    bool // it began with a day of the week
}

// ns gives nanoseconds since 1970; year is for a stamp without one, zone for a stamp without one.
func (s *stamp) ns(year int, zone *time.Location) int64 {
	if s.year != 0 {
		year = s.year
	}
	if year < 1700 || year > 2250 {
		return event.NoTime
	}
	// Days from the civil calendar: Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
	y, m := year, s.month
	if m <= 2 {
		y--
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + s.day - 1
	days := era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
	sec := int64(days)*86400 + int64(s.hour*3600+s.minute*60+s.second)
	switch {
	case s.zoned:
		sec -= int64(s.offset)
	case zone != nil && zone != time.UTC:
		sec = time.Date(year, time.Month(m), s.day, s.hour, s.minute, s.second, 0, zone).Unix()
	}
	return sec*1e9 + int64(s.nano)
}

// parseStamp reads the time that begins b and gives its length, 0 when there is none. It knows "Feb  7 13:40:03.673", the same
// with a year before or behind the clock time or with a day of the week, "2024 Feb 7 13:40:03", ISO 8601 with "T" or a blank, and
// "2024/02/07 13:40:03".
func parseStamp(b []byte) (s stamp, n int) {
	if n = s.usual(b); n > 0 {
		return s, n
	}
	return anyStamp(b)
}

func anyStamp(b []byte) (s stamp, n int) {
	if len(b) < 12 {
		return s, 0
	}
	if '0' <= b[0] && b[0] <= '9' {
		return parseISO(b)
	}
	at := 0
	if weekdayOf(b) {
		at = 3
		if b[at] == ',' {
			at++
		}
		if b[at] != ' ' {
			return s, 0
		}
		at++
		s.weekday = true
	}
	n = s.monthDay(b[at:])
	if n == 0 {
		return s, 0
	}
	at += n
	if y := number(b[at:], 4); y >= 1900 && len(b) > at+4 && b[at+4] == ' ' {
		s.year = y
		at += 5
	}
	n = s.clock(b[at:])
	if n == 0 {
		return s, 0
	}
	at += n
	at += s.zone(b[at:])
	// The year may stand behind the time, with or without a zone's name between.
	if s.year == 0 && len(b) >= at+5 && b[at] == ' ' {
		if y := number(b[at+1:], 4); y >= 1900 && y < 2200 && (len(b) == at+5 || b[at+5] == ' ' || b[at+5] == '\t' || b[at+5] == ':' || b[at+5] == ',') {
			s.year = y
			at += 5
		}
	}
	if !s.valid() {
		return s, 0
	}
	return s, at
}

// usual reads "Feb  7 13:40:03" as anyStamp does where a small letter follows: no zone and no year, then. It gives 0 for anything else.
func (s *stamp) usual(b []byte) int {
	const n = len("Feb  7 13:40:03")
	if len(b) < n+2 || b[3] != ' ' || b[6] != ' ' || b[9] != ':' || b[12] != ':' || b[n] != ' ' || b[n+1] < 'a' || b[n+1] > 'z' {
		return 0
	}
	month := monthOf(b)
	tens := b[4] - '0'
	if b[4] == ' ' {
		tens = 0
	}
	day, hour, minute, second := int(tens)*10+int(b[5]-'0'), two(b[7], b[8]), two(b[10], b[11]), two(b[13], b[14])
	if month == 0 || tens > 9 || b[5]-'0' > 9 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60 {
		return 0
	}
	*s = stamp{month: month, day: day, hour: hour, minute: minute, second: second}
	return n
}

// two gives the number that two digits are, and more than 99 for others.
func two(a, b byte) int {
	a, b = a-'0', b-'0'
	if a > 9 || b > 9 {
		return 100
	}
	return int(a)*10 + int(b)
}

func parseISO(b []byte) (s stamp, at int) {
	s.year = number(b, 4)
	if s.year < 1900 {
		return s, 0
	}
	at = 4
	switch sep := b[at]; sep {
	case '-', '/':
		if s.month = number(b[at+1:], 2); s.month < 0 || b[at+3] != sep {
			return s, 0
		}
		if s.day = number(b[at+4:], 2); s.day < 0 || len(b) < at+8 || b[at+6] != ' ' && b[at+6] != 'T' && b[at+6] != '-' {
			return s, 0
		}
		at += 7
	case ' ':
		n := s.monthDay(b[at+1:])
		if n == 0 {
			return s, 0
		}
		at += 1 + n
	default:
		return s, 0
	}
	n := s.clock(b[at:])
	if n == 0 {
		return s, 0
	}
	at += n
	at += s.zone(b[at:])
	if !s.valid() {
		return s, 0
	}
	return s, at
}

func (s *stamp) valid() bool {
	return 1 <= s.month && s.month <= 12 && 1 <= s.day && s.day <= 31 && s.hour <= 24 && s.minute < 60 && s.second <= 60
}

// monthDay reads "Feb  7 " with the blank behind it.
func (s *stamp) monthDay(b []byte) int {
	if len(b) < 6 || b[3] != ' ' {
		return 0
	}
	if s.month = monthOf(b); s.month == 0 {
		return 0
	}
	at := 4
	if b[at] == ' ' {
		at++
	}
	digits := 0
	for s.day = 0; at < len(b) && '0' <= b[at] && b[at] <= '9' && digits < 3; digits++ {
		s.day = s.day*10 + int(b[at]-'0')
		at++
	}
	if digits == 0 || digits > 2 || at >= len(b) || b[at] != ' ' {
		return 0
	}
	at++
	if at < len(b) && b[at] == ' ' {
		at++
	}
	return at
}

// clock reads "13:40:03" with a fraction behind '.', ',' or ':'.
func (s *stamp) clock(b []byte) int {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return 0
	}
	s.hour, s.minute, s.second = number(b, 2), number(b[3:], 2), number(b[6:], 2)
	if s.hour < 0 || s.minute < 0 || s.second < 0 {
		return 0
	}
	at := 8
	if len(b) > at+1 && (b[at] == '.' || b[at] == ',' || b[at] == ':') && '0' <= b[at+1] && b[at+1] <= '9' {
		scale := 100_000_000
		for at++; at < len(b) && '0' <= b[at] && b[at] <= '9'; at++ {
			s.nano += int(b[at]-'0') * scale
			scale /= 10
		}
	}
	return at
}

// zone reads "Z", "+08:00", "+0800" or, behind a blank, the abbreviation of a zone that is the same everywhere.
func (s *stamp) zone(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	blank := 0
	if b[0] == ' ' {
		blank = 1
		b = b[1:]
		if len(b) == 0 {
			return 0
		}
	}
	switch b[0] {
	case 'Z':
		if blank == 0 {
			s.zoned = true
			return 1
		}
	case '+', '-':
		h := number(b[1:], 2)
		if h < 0 || h > 14 {
			return 0
		}
		at, m := 3, 0
		if len(b) > at && b[at] == ':' {
			at++
		}
		if m = number(b[at:], 2); m < 0 {
			if b[at-1] == ':' || blank == 1 {
				return 0
			}
			m = 0
		} else {
			at += 2
		}
		s.zoned, s.offset = true, h*3600+m*60
		if b[0] == '-' {
			s.offset = -s.offset
		}
		return blank + at
	}
	n := 0
	for n < len(b) && 'A' <= b[n] && b[n] <= 'Z' {
		n++
	}
	if n < 3 || n > 5 || n == len(b) || b[n] != ':' && b[n] != ' ' {
		return 0
	}
	hours, known := zones[string(b[:n])]
	if !known && (blank == 0 || b[n] != ':') {
		return 0
	}
	if known && hours != ambiguous {
		s.zoned, s.offset = true, hours*3600
	}
	return blank + n
}

// ambiguous zones are read with the zone that the file is known to have.
const ambiguous = 99

var zones = map[string]int{
	"UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "EDT": -4, "EST": -5, "CDT": -5, "MDT": -6,
	"PST": -8, "PDT": -7, "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "AEST": 10, "AEDT": 11, "CST": ambiguous, "IST": ambiguous, "BST": ambiguous, "MST": ambiguous, "AST": ambiguous,
}

func number(b []byte, digits int) int {
	if len(b) < digits {
		return -1
	}
	n := 0
	for _, c := range b[:digits] {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func monthOf(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	switch string(b[:3]) {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

func weekdayOf(b []byte) bool {
	switch string(b[:3]) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}
