package attribution

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// Day counts days since 1970-01-01, so that differences are exact and know no time zones.
type Day int

// Date is a date known to the year, the month, the day or the second: some day from First to Last.
// The zero Date is unknown.
type Date struct {
	Text        string // as written: 2020, 2020-01, 2020-01-15 or RFC 3339
	First, Last Day
	line        int
}

// ParseDate reads a date of any precision. A time of day is kept in Text; windows are compared by days (UTC).
func ParseDate(s string) (Date, error) {
	for _, form := range []struct {
		layout                string
		years, months, before int
	}{{"2006", 1, 0, 1}, {"2006-01", 0, 1, 1}, {"2006-01-02", 0, 0, 0}, {time.RFC3339, 0, 0, 0}} {
		t, err := time.Parse(form.layout, s)
		if err != nil || t.Year() < 1900 || t.Year() > 2200 {
			continue
		}
		t = t.UTC()
		end := t.AddDate(form.years, form.months, -form.before)
		return Date{Text: s, First: dayOf(t), Last: dayOf(end)}, nil
	}
	return Date{}, fmt.Errorf("%.40q is not a date: write 2020, 2020-01, 2020-01-15 or 2020-01-15T08:00:00Z", s)
}

func dayOf(t time.Time) Day {
	s := t.Unix()
	d := s / 86400
	if s%86400 < 0 {
		d--
	}
	return Day(d)
}

// String is the date as written, or "unknown".
func (d Date) String() string {
	if !d.Known() {
		return "unknown"
	}
	return d.Text
}

// Known tells whether there is a date.
func (d Date) Known() bool { return d.Text != "" }

// Time is the beginning of the day.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func (d Day) String() string { return d.Time().Format("2006-01-02") }

// UnmarshalYAML takes a scalar; the word unknown says that nobody knows, which is not the same as leaving it out by mistake.
func (d *Date) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a date is expected", n.Line)
	}
	if n.Value == "unknown" {
		*d = Date{line: n.Line}
		return nil
	}
	parsed, err := ParseDate(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	parsed.line = n.Line
	*d = parsed
	return nil
}

// MarshalText writes the date as it was written.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a date as MarshalText writes it.
func (d *Date) UnmarshalText(text []byte) error {
	if s := string(text); s != "unknown" && s != "" {
		parsed, err := ParseDate(s)
		if err != nil {
			return err
		}
		*d = parsed
		return nil
	}
	*d = Date{}
	return nil
}

// Window is a time from a date to a date, either of which may be unknown.
type Window struct {
	From Date `yaml:"from" json:"from"`
	To   Date `yaml:"to" json:"to"`
}

// Known tells whether either end is.
func (w Window) Known() bool { return w.From.Known() || w.To.Known() }

// daysBetween bounds the days from one date to another.
func daysBetween(from, to Date) [2]int {
	return [2]int{int(to.First - from.Last), int(to.Last - from.First)}
}
