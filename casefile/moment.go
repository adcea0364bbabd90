package casefile

import (
	"fmt"
	"strings"
	"time"
)

// Precision is how exactly a moment is known.
type Precision uint8

const (
	Unknown Precision = iota // no moment at all
	Year
	Month
	Day
	Second // or finer: fractions are kept as recorded
)

// String names the precision.
func (p Precision) String() string {
	if names := [...]string{"unknown", "year", "month", "day", "second"}; int(p) < len(names) {
		return names[p]
	}
	return fmt.Sprintf("Precision(%d)", uint8(p))
}

var layouts = [...]string{Year: "2006", Month: "2006-01", Day: "2006-01-02", Second: time.RFC3339Nano}

// Moment is a time in the world, with the precision to which it is known. The zero value is no moment. Its text, also in JSON and YAML,
// is 2020, 2020-01, 2020-01-31 or 2020-01-31T10:00:00Z; years, months and days are those of UTC.
type Moment struct {
	first     time.Time
	precision Precision
}

// At is a moment known exactly.
func At(t time.Time) Moment { return Moment{t.UTC().Round(0), Second} }

// ParseMoment reads a moment. A time with another offset than Z is read and kept as UTC. The empty text is no moment.
func ParseMoment(s string) (Moment, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Moment{}, nil
	}
	var p Precision
	switch len(s) {
	case 4:
		p = Year
	case 7:
		p = Month
	case 10:
		p = Day
	default:
		p = Second
	}
	t, err := time.Parse(layouts[p], s)
	if err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return Moment{}, fmt.Errorf("casefile: %.60q is not a moment: write 2020, 2020-01, 2020-01-31 or 2020-01-31T10:00:00Z", s)
	}
	return Moment{t.UTC(), p}, nil
}

// Precision says how exactly the moment is known.
func (m Moment) Precision() Precision { return m.precision }

// IsZero says that there is no moment.
func (m Moment) IsZero() bool { return m.precision == Unknown }

// Bounds gives the first instant that the moment can mean and the first one that it cannot mean any more. A moment known exactly
// lasts a nanosecond. Without a moment both are zero.
func (m Moment) Bounds() (first, end time.Time) {
	switch m.precision {
	case Year:
		return m.first, m.first.AddDate(1, 0, 0)
	case Month:
		return m.first, m.first.AddDate(0, 1, 0)
	case Day:
		return m.first, m.first.AddDate(0, 0, 1)
	case Second:
		return m.first, m.first.Add(1)
	}
	return time.Time{}, time.Time{}
}

// Compare orders by first instant, then by end, so that "2020" stands before "2020-01" and that before "2020-01-01". No moment is first.
func (m Moment) Compare(o Moment) int {
	a, aEnd := m.Bounds()
	b, bEnd := o.Bounds()
	if c := a.Compare(b); c != 0 {
		return c
	}
	return bEnd.Compare(aEnd)
}

// String writes the moment as ParseMoment reads it.
func (m Moment) String() string {
	if m.precision == Unknown {
		return ""
	}
	return m.first.Format(layouts[m.precision])
}

// MarshalText writes the moment.
func (m Moment) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a moment.
func (m *Moment) UnmarshalText(b []byte) error {
	v, err := ParseMoment(string(b))
	if err != nil {
		return err
	}
	*m = v
	return nil
}
