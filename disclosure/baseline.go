package disclosure

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxRows bounds a table of past cases.
const maxRows = 1_000_000

// Baseline is what a table of past incidents says about the time from an incident's start to attributions.
type Baseline struct {
	Name      string  `json:"name"`
	Incidents int     `json:"incidents"`
	Groups    []Group `json:"groups"`
	Unpaired  int     `json:"unpaired"` // incidents whose dates cannot be paired with who attributed; left out
	Unread    int     `json:"unread"`   // dates that are none
	NoStart   int     `json:"no_start"` // dated attributions of incidents without a start to count from; left out
	Both      Both    `json:"both"`
}

// Group is one kind of attribution. Dates on a 1 January are flagged as imputed: they mostly stand for a whole year.
type Group struct {
	Group       string `json:"group"`
	Dated       int    `json:"dated"`   // attributions with a date, and a start to count from
	Imputed     int    `json:"imputed"` // of these, on a 1 January
	Before      int    `json:"before"`  // of these, before the start
	Median      *int   `json:"median_days,omitempty"`
	MedianExact *int   `json:"median_days_without_imputed,omitempty"` // attribution's date not imputed
	MedianBoth  *int   `json:"median_days_both_exact,omitempty"`      // nor that of the start
}

// Both compares industry with government in incidents where both are dated exactly, by the first date of each.
type Both struct {
	Incidents int `json:"incidents"`
	Later     int `json:"government_later"`
	Same      int `json:"same_day"`
	Earlier   int `json:"government_earlier"`
}

// groups says which attribution_basis of EuRepoC belongs to which group.
var groups = map[string]string{
	"IT-security community attributes attacker":         "industry",
	"Attribution by receiver government / state entity": "government",
	"Attribution by EU institution/agency":              "government",
	"Attribution by international organization":         "government",
	"Receiver attributes attacker":                      "victim",
	"Media-based attribution":                           "media",
	"Attribution by third-party":                        "third party",
	"Attacker confirms":                                 "attacker",
	"Contested attribution":                             "contested",
}

// incident is one row of the table.
type incident struct {
	start        time.Time
	attributions map[string][]time.Time
}

// ReadBaseline reads tables in EuRepoC's columns: one with ID, start_date, attribution_date and attribution_basis, the last two lists
// with semicolons that are paired when they are equally long; and, optionally, one with incident_ID, attribution_date and
// attribution_basis, which then counts instead. Columns may stand in any order; others are ignored.
func ReadBaseline(name string, incidents io.Reader, attributions io.Reader) (Baseline, error) {
	b := Baseline{Name: name, Groups: []Group{}}
	all := map[string]*incident{}
	err := table(incidents, []string{"ID", "start_date", "attribution_date", "attribution_basis"}, func(f []string) {
		start, ok := date(f[1])
		if !ok {
			if strings.TrimSpace(f[1]) != "" {
				b.Unread++
			}
			return
		}
		in := all[f[0]]
		if in == nil {
			in = &incident{start: start, attributions: map[string][]time.Time{}}
			all[f[0]] = in
		}
		if attributions != nil || strings.TrimSpace(f[2]) == "" {
			return
		}
		dates, bases := list(f[2]), list(f[3])
		if len(bases) == 1 {
			bases = slices.Repeat(bases, len(dates))
		}
		if len(dates) != len(bases) {
			b.Unpaired++
			return
		}
		for i := range dates {
			b.attribute(in, dates[i], bases[i])
		}
	})
	if err == nil && attributions != nil {
		err = table(attributions, []string{"incident_ID", "attribution_date", "attribution_basis"}, func(f []string) {
			switch in := all[f[0]]; {
			case strings.TrimSpace(f[1]) == "":
			case in == nil:
				b.NoStart++
			default:
				b.attribute(in, f[1], f[2])
			}
		})
	}
	if err != nil {
		return b, fmt.Errorf("disclosure: read baseline %s: %w", name, err)
	}
	b.measure(all)
	return b, nil
}

func list(s string) []string {
	parts := strings.Split(s, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func date(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 10 {
		s = s[:10]
	}
	t, err := time.Parse(time.DateOnly, s)
	return t, err == nil
}

func (b *Baseline) attribute(in *incident, when, basis string) {
	t, ok := date(when)
	if !ok {
		b.Unread++
		return
	}
	g := groups[strings.TrimSpace(basis)]
	if g == "" {
		g = "other"
	}
	in.attributions[g] = append(in.attributions[g], t)
}

func (b *Baseline) measure(all map[string]*incident) {
	b.Incidents = len(all)
	for _, name := range []string{"victim", "industry", "government", "third party", "media", "attacker", "contested", "other"} {
		g := Group{Group: name}
		var lags, exact, both []int
		for _, in := range all {
			for _, t := range in.attributions[name] {
				d := days(in.start, t)
				lags = append(lags, d)
				if d < 0 {
					g.Before++
				}
				if imputed(t) {
					g.Imputed++
					continue
				}
				exact = append(exact, d)
				if !imputed(in.start) {
					both = append(both, d)
				}
			}
		}
		g.Dated, g.Median, g.MedianExact, g.MedianBoth = len(lags), median(lags), median(exact), median(both)
		if g.Dated > 0 {
			b.Groups = append(b.Groups, g)
		}
	}
	for _, in := range all {
		industry, okI := firstExact(in.attributions["industry"])
		government, okG := firstExact(in.attributions["government"])
		if !okI || !okG {
			continue
		}
		b.Both.Incidents++
		switch government.Compare(industry) {
		case 1:
			b.Both.Later++
		case 0:
			b.Both.Same++
		default:
			b.Both.Earlier++
		}
	}
}

// firstExact gives the first date when it is exact: an imputed one of the same or an earlier year could be earlier than any exact one.
func firstExact(ts []time.Time) (time.Time, bool) {
	if len(ts) == 0 {
		return time.Time{}, false
	}
	t := slices.MinFunc(ts, time.Time.Compare)
	return t, !imputed(t)
}

// median is the lower one of two in the middle.
func median(v []int) *int {
	if len(v) == 0 {
		return nil
	}
	slices.Sort(v)
	return &v[(len(v)-1)/2]
}

// table calls row with the named columns of each row.
func table(r io.Reader, columns []string, row func([]string)) error {
	c := csv.NewReader(io.LimitReader(r, 1<<30))
	c.FieldsPerRecord = -1
	c.LazyQuotes = true
	head, err := c.Read()
	if err != nil {
		return fmt.Errorf("head: %w", err)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	at := make([]int, len(columns))
	for i, name := range columns {
		if at[i] = slices.Index(head, name); at[i] < 0 {
			return fmt.Errorf("there is no column %s", name)
		}
	}
	fields := make([]string, len(columns))
	for n := 0; ; n++ {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n == maxRows {
			return fmt.Errorf("more than %d rows", maxRows)
		}
		for i, k := range at {
			if fields[i] = ""; k < len(rec) {
				fields[i] = rec[k]
			}
		}
		row(fields)
	}
}
