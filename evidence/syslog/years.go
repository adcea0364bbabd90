package syslog

import (
	"bytes"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// years gives years to stamps that have none. Lines come in order of time, so a month that is half a year or more before the last
// one is of the next year, and one that is half a year or more behind it is late and of the year before.
type years struct {
	year  int // of the last stamp; 0 when no year is known
	month int // of the last stamp; 0 before the first
}

// of gives the year of the next stamp.
func (y *years) of(month int) int {
	if y.year == 0 {
		return 0
	}
	if y.month != 0 {
		switch {
		case month-y.month <= -6:
			y.year++
		case month-y.month >= 6:
			y.year--
		}
	}
	y.month = month
	return y.year
}

// track gives the years behind a segment.
func track(data []byte, state any) any {
	y := state.(years)
	// A month that is the last one's again changes nothing, so its lines are passed over: to read their stamps took a tenth of reading syslog.
	eachYearless(data, func() int { return y.month }, func(s *stamp) { y.of(s.month) })
	return y
}

// eachYearless gives the stamps without a year. Those of lines that begin with the month that is known may be left out.
func eachYearless(data []byte, known func() int, f func(s *stamp)) {
	var h header
	for len(data) > 0 {
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		// Most lines begin with their time, or with a priority and their time: those need not be taken apart.
		b := line
		if n, _ := priority(b); n > 0 {
			b = b[n:]
		}
		switch month := monthOf(b); {
		case month > 0:
			if month == known() {
				continue
			}
			if s, n := parseStamp(b); n > 0 && s.year == 0 {
				f(&s)
			}
			continue
		case len(b) > 4 && number(b, 4) >= 1900 && (b[4] == '-' || b[4] == '/'):
			continue
		}
		if h.parse(line); h.stamped && h.stamp.year == 0 {
			f(&h.stamp)
		}
	}
}

// firstYear gives the year in which a file begins. The last stamp of what was read is not later than the file's time, but for a day
// by which clocks and zones may differ; when only the beginning of a file was read, that holds for its first stamp alone, and a
// 29th of February must be one.
func firstYear(read [][]byte, whole bool, f *event.File) any {
	if f.ModTime.IsZero() {
		return years{}
	}
	limit := f.ModTime.Add(24 * time.Hour).Add(-f.Hints.Offset)
	var first stamp
	leap, count := 0, years{year: 2000}
	latest, last := 0, stamp{}
	for _, data := range read {
		eachYearless(data, func() int { return 0 }, func(s *stamp) {
			if first.month == 0 {
				first = *s
			}
			y := count.of(s.month)
			if s.month == 2 && s.day == 29 {
				leap = y
			}
			if y > latest || y == latest && (s.month > last.month || s.month == last.month && s.day >= last.day) {
				latest, last = y, *s
			}
		})
	}
	if first.month == 0 {
		return years{year: limit.Year()}
	}
	bound, ahead := first, 0
	if whole {
		bound, ahead = last, latest-2000
	}
	year := limit.Year()
	if bound.ns(year, f.Hints.Zone) > limit.UnixNano() {
		year--
	}
	year -= ahead
	for tries := 0; leap != 0 && tries < 8 && !isLeap(year+leap-2000); tries++ {
		year--
	}
	return years{year: year}
}

func isLeap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }
