package identifier

// Day is a calendar day as year*10000 + month*100 + day; 0 is none.
type Day int32

// RealDay says whether the day exists in the Gregorian calendar.
func RealDay(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && (year%4 == 0 && year%100 != 0 || year%400 == 0) {
		days = 29
	}
	return day <= days
}

func makeDay(year, month, day int) Day {
	if year < 1880 || year > 2099 || !RealDay(year, month, day) {
		return 0
	}
	return Day(year*10000 + month*100 + day)
}

// BirthKey is the part of a day of birth that every record has: YYMMDD without the century, which
// machine readable zones and SSR elements leave out.
func (d Day) BirthKey() int32 { return int32(d) % 1000000 }

// Month gives year*100 + month.
func (d Day) Month() int { return int(d) / 100 }

// Century completes a two-digit year. A birth lies in the past: years from 30 on are the last
// century's. A journey or an expiry lies around now: years below 80 are this century's.
func Century(yy int, birth bool) int {
	if birth && yy >= 30 || !birth && yy >= 80 {
		return 1900 + yy
	}
	return 2000 + yy
}

// SSRDate reads DDMMMYY (12JUL64) and DDMMMYYYY.
func SSRDate(p []byte, birth bool) Day {
	if len(p) != 7 && len(p) != 9 || !Digits(p[:2]) || !Digits(p[5:]) {
		return 0
	}
	month := monthName(p[2:5])
	if month == 0 {
		return 0
	}
	year := number(p[5:])
	if len(p) == 7 {
		year = Century(year, birth)
	}
	return makeDay(year, month, number(p[:2]))
}

// DDMMYY reads the PNRGOV date form (270513).
func DDMMYY(p []byte, birth bool) Day {
	if len(p) != 6 || !Digits(p) {
		return 0
	}
	return makeDay(Century(number(p[4:]), birth), number(p[2:4]), number(p[:2]))
}

// YYMMDD reads the form of machine readable zones and of DTM format 101 (640712).
func YYMMDD(p []byte, birth bool) Day {
	if len(p) != 6 || !Digits(p) {
		return 0
	}
	return makeDay(Century(number(p[:2]), birth), number(p[2:4]), number(p[4:]))
}

func monthName(p []byte) int {
	if len(p) < 3 {
		return 0
	}
	name := [3]byte{p[0] &^ 0x20, p[1] &^ 0x20, p[2] &^ 0x20}
	switch string(name[:]) {
	case "JAN":
		return 1
	case "FEB":
		return 2
	case "MAR":
		return 3
	case "APR":
		return 4
	case "MAY":
		return 5
	case "JUN":
		return 6
	case "JUL":
		return 7
	case "AUG":
		return 8
	case "SEP":
		return 9
	case "OCT":
		return 10
	case "NOV":
		return 11
	case "DEC":
		return 12
	}
	return 0
}

// Order says how a column writes a date of three numbers that does not begin with the year.
type Order uint8

const (
	DayFirst Order = iota
	MonthFirst
)

// Date reads a date as tables write it: 1964-07-12, 1964/7/12, 19640712, 12.07.1964, 12/07/64,
// 12-JUL-1964, 12JUL64, 1964年7月12日; a time may follow. It gives 0 for anything else.
func Date(p []byte, birth bool, order Order) Day {
	n := len(p)
	if n < 6 || n > 40 || p[0]-'0' > 9 {
		return 0
	}
	if n >= 10 && p[4] == '-' && p[7] == '-' && (n == 10 || p[10] == ' ' || p[10] == 'T') {
		if !Digits(p[:4]) || !Digits(p[5:7]) || !Digits(p[8:10]) {
			return 0
		}
		return makeDay(number(p[:4]), number(p[5:7]), number(p[8:10]))
	}
	if n == 8 && Digits(p) {
		return makeDay(number(p[:4]), number(p[4:6]), number(p[6:]))
	}
	if n == 6 && Digits(p) {
		return YYMMDD(p, birth)
	}
	if n == 7 || n == 9 {
		if d := SSRDate(p, birth); d != 0 {
			return d
		}
	}
	return parts(p, birth, order)
}

// parts reads three numbers, or two and a month's name, with any of the usual separators.
func parts(p []byte, birth bool, order Order) Day {
	var v, width [3]int
	named := -1
	i := 0
	for k := range 3 {
		start := i
		if p[i] >= '0' && p[i] <= '9' {
			for i < len(p) && p[i] >= '0' && p[i] <= '9' {
				i++
			}
			if width[k] = i - start; width[k] > 4 {
				return 0
			}
			v[k] = number(p[start:i])
		} else {
			for i < len(p) && (p[i]|0x20 >= 'a' && p[i]|0x20 <= 'z') {
				i++
			}
			if v[k] = monthName(p[start:i]); v[k] == 0 || i-start > 9 || named >= 0 {
				return 0
			}
			named = k
		}
		if k < 2 {
			gap := i
			for i < len(p) && i-gap < 3 && (p[i] == '-' || p[i] == '/' || p[i] == '.' || p[i] == ' ' || p[i] >= 0x80) {
				i++
			}
			if i == gap || i == len(p) {
				return 0
			}
		}
	}
	if i < len(p) && p[i] != ' ' && p[i] != 'T' && p[i] < 0x80 {
		return 0
	}
	year, month, day := v[2], v[1], v[0]
	switch {
	case width[0] == 4:
		year, month, day = v[0], v[1], v[2]
	case named == 0:
		month, day = v[0], v[1]
	case named < 0 && order == MonthFirst:
		month, day = v[0], v[1]
	case named == 2:
		return 0
	}
	if year < 100 && width[0] != 4 && width[2] == 2 {
		year = Century(year, birth)
	}
	return makeDay(year, month, day)
}
