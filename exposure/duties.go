package exposure

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // days are those of the place where a law holds, and not every system knows its zones

	"go.yaml.in/yaml/v3"
)

//go:embed duties.yaml
var dutiesYAML []byte

// Notice says what the clocks are.
const Notice = "An aid for planning, not legal advice: whether a duty applies, and since when, is for a lawyer of that jurisdiction to say."

// Rule is one duty to report or to tell, as it stands in a dated table.
type Rule struct {
	ID           string `yaml:"id" json:"id"`
	Jurisdiction string `yaml:"jurisdiction" json:"jurisdiction"`
	Law          string `yaml:"law" json:"law"` // legal source, with article
	From         string `yaml:"from" json:"from"`
	Until        string `yaml:"until,omitempty" json:"until,omitempty"`
	Start        string `yaml:"start" json:"start"`       // the event that starts the clock, one of Events
	Deadline     string `yaml:"deadline" json:"deadline"` // "72h", "3d", "3bd" business days, "1m" month, or "asap"
	Tell         string `yaml:"tell" json:"tell"`         // whom
	Who          string `yaml:"who" json:"who"`           // is bound
	Threshold    string `yaml:"threshold" json:"threshold"`
	// AtLeast is the number of persons from which the duty holds by number alone, 0 when the number
	// does not decide.
	AtLeast uint64 `yaml:"at_least,omitempty" json:"at_least,omitempty"`
	// Verified lists the fields that were compared with the text of the law; the others are from
	// general knowledge and must be looked up before they are relied on.
	Verified []string `yaml:"verified" json:"verified"`
	Note     string   `yaml:"note,omitempty" json:"note,omitempty"`
}

// The events that start clocks. Each rule names its own: noticing is not assessing.
const (
	EventDetected    = "detected"    // the incident was noticed
	EventAware       = "aware"       // the responsible organisation is reasonably certain that data are concerned
	EventAssessed    = "assessed"    // it was judged to be notifiable
	EventMaterial    = "material"    // it was judged to be material to investors
	EventNotified    = "notified"    // the first full notification was made
	EventSuspected   = "suspected"   // there are grounds to suspect a notifiable breach
	EventSignificant = "significant" // it was judged to be significant
)

var events = []string{EventDetected, EventAware, EventAssessed, EventMaterial, EventNotified, EventSuspected, EventSignificant}

// Events lists the names of the events.
func Events() []string { return slices.Clone(events) }

// Rules is a table of duties.
type Rules struct {
	AsOf  string `yaml:"as_of" json:"as_of"`
	Rules []Rule `yaml:"rules" json:"rules"`
}

// ShippedRules are the rules that come with this package.
func ShippedRules() (*Rules, error) { return ReadRules(bytes.NewReader(dutiesYAML)) }

// ReadRules reads a table and refuses unknown keys, unknown events and malformed dates by name.
func ReadRules(r io.Reader) (*Rules, error) {
	d := yaml.NewDecoder(io.LimitReader(r, 4<<20))
	d.KnownFields(true)
	var t Rules
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("exposure: read duties: %w", err)
	}
	seen := map[string]bool{}
	for i, rule := range t.Rules {
		fail := func(format string, args ...any) (*Rules, error) {
			return nil, fmt.Errorf("exposure: read duties: rule %d (%s): %s", i+1, rule.ID, fmt.Sprintf(format, args...))
		}
		if rule.ID == "" || seen[rule.ID] {
			return fail("every rule needs an id of its own")
		}
		seen[rule.ID] = true
		if rule.Law == "" || rule.Tell == "" || rule.Jurisdiction == "" {
			return fail("jurisdiction, law and tell must be filled")
		}
		if _, err := time.Parse(time.DateOnly, rule.From); err != nil {
			return fail("from: %q is not a date", rule.From)
		}
		if rule.Until != "" {
			if _, err := time.Parse(time.DateOnly, rule.Until); err != nil {
				return fail("until: %q is not a date", rule.Until)
			}
		}
		if !slices.Contains(events, rule.Start) {
			return fail("start: %q is not one of %s", rule.Start, strings.Join(events, ", "))
		}
		if _, _, err := due(time.Unix(0, 0), rule.Deadline); err != nil {
			return fail("deadline: %v", err)
		}
	}
	return &t, nil
}

// Jurisdictions gives those that the table has duties of, sorted.
func (t *Rules) Jurisdictions() []string {
	all := map[string]bool{}
	for _, r := range t.Rules {
		all[r.Jurisdiction] = true
	}
	return sortedKeys(all)
}

// With returns the table with further rules; a rule of the same id replaces the shipped one.
func (t *Rules) With(more *Rules) *Rules {
	out := &Rules{AsOf: t.AsOf, Rules: slices.Clone(t.Rules)}
	for _, r := range more.Rules {
		if i := slices.IndexFunc(out.Rules, func(o Rule) bool { return o.ID == r.ID }); i >= 0 {
			out.Rules[i] = r
		} else {
			out.Rules = append(out.Rules, r)
		}
	}
	return out
}

// clockZones are the zones of the jurisdictions – of the seat of government, where there are several: a law begins at midnight there, and its days,
// weekends and months are those there, summer time included. Without one, UTC.
var clockZones = map[string]string{"EU": "Europe/Brussels", "GB": "Europe/London", "CH": "Europe/Zurich", "US": "America/New_York", "CA": "America/Toronto", "BR": "America/Sao_Paulo",
	"ZA": "Africa/Johannesburg", "IN": "Asia/Kolkata", "TH": "Asia/Bangkok", "CN": "Asia/Shanghai", "SG": "Asia/Singapore", "JP": "Asia/Tokyo", "KR": "Asia/Seoul",
	"AU": "Australia/Sydney", "NZ": "Pacific/Auckland"}

// there gives a moment in the time of a jurisdiction, or in UTC.
func there(t time.Time, jurisdiction string) time.Time {
	if l, err := time.LoadLocation(clockZones[jurisdiction]); err == nil { // of no name, UTC
		return t.In(l)
	}
	return t.UTC()
}

// assumed says on what a due time rests that a lawyer may read otherwise. Every assumption makes it rather too early than too late.
func assumed(r Rule) (all []string) {
	switch unit := strings.TrimLeft(r.Deadline, "0123456789"); unit {
	case "h":
		hours := "elapsed hours: nights, weekends, public holidays and the hour of a change of clocks count"
		if r.Jurisdiction == "EU" {
			hours += " (Regulation (EEC, Euratom) 1182/71, Article 3(3); two working days within the term, Article 3(5), are not assumed)"
		}
		return []string{hours}
	case "d", "bd", "m":
		zone := clockZones[r.Jurisdiction]
		if zone == "" {
			zone = "UTC, because the zone of " + r.Jurisdiction + " is not known"
		}
		all = append(all, "days of "+zone+", to the hour at which the clock started: a law that lets the last day run to its end leaves more time")
		if unit == "bd" {
			return append(all, "Monday to Friday are business days: public holidays are not known, and each leaves a day more")
		}
		if unit == "m" {
			all = append(all, "a month without the day ends with its last")
		}
		return append(all, "the last day counts even where it is no working day: a law that goes on to the next one leaves more time")
	}
	return nil
}

// months adds months. Where the last one is too short for the day, its last day counts (Regulation 1182/71, Article 3(2)(c); others say the same).
func months(t time.Time, n int) time.Time {
	at := t.AddDate(0, n, 0)
	if at.Day() != t.Day() {
		at = at.AddDate(0, 0, -at.Day())
	}
	return at
}

// due adds a deadline to a start. fixed is false when the law says only "without delay".
func due(start time.Time, deadline string) (at time.Time, fixed bool, err error) {
	if deadline == "asap" {
		return start, false, nil
	}
	n, unit := 0, ""
	if _, err := fmt.Sscanf(deadline, "%d%s", &n, &unit); err != nil || n <= 0 || n > 10000 {
		return start, false, fmt.Errorf("%q is neither asap nor a number with h, d, bd or m", deadline)
	}
	switch unit {
	case "h":
		return start.Add(time.Duration(n) * time.Hour), true, nil
	case "d":
		return start.AddDate(0, 0, n), true, nil
	case "m":
		return months(start, n), true, nil
	case "bd": // Monday to Friday; public holidays are not known here
		at = start
		for n > 0 {
			at = at.AddDate(0, 0, 1)
			if d := at.Weekday(); d != time.Saturday && d != time.Sunday {
				n--
			}
		}
		return at, true, nil
	}
	return start, false, errors.New("unknown unit " + unit)
}

// Situation is what the clocks need to know of a case.
type Situation struct {
	Jurisdictions []string             // empty: all
	Events        map[string]time.Time // when each event took place; absent: not yet, or not known
	Now           time.Time            // for what is left; zero: no remaining time is given
}

// Clock is one duty set against a case.
type Clock struct {
	Rule
	Org         string   `json:"org"`
	State       string   `json:"state"` // running, overdue, without-fixed-term, not-started, below-threshold, not-in-force
	Started     string   `json:"started,omitempty"`
	Due         string   `json:"due,omitempty"`
	Assumed     []string `json:"assumed,omitempty"` // on what the due time rests
	HoursLeft   *int64   `json:"hours_left,omitempty"`
	Persons     uint64   `json:"persons"`       // lower bound, over the gravest status that holds any
	PersonsMost uint64   `json:"persons_upper"` // upper end
	Notice      string   `json:"notice"`
}

// SetClocks turns the numbers of the result into clocks, under the rules in force at each rule's own
// start event. A clock that its event has not started is listed too, so that nobody forgets it.
func (r *Result) SetClocks(t *Rules, s Situation) {
	r.Duties = []Clock{}
	for _, o := range r.Orgs {
		low, high, open := persons(o)
		for _, rule := range t.Rules {
			if len(s.Jurisdictions) > 0 && !slices.Contains(s.Jurisdictions, rule.Jurisdiction) {
				continue
			}
			c := Clock{Rule: rule, Org: o.Org, Persons: low, PersonsMost: high, Notice: Notice, State: "not-started"}
			start, known := s.Events[rule.Start]
			if known {
				start = start.UTC()
				c.Started = start.Format(time.RFC3339)
				local := there(start, rule.Jurisdiction)
				day := local.Format(time.DateOnly)
				at, fixed, _ := due(local, rule.Deadline)
				at = at.UTC()
				switch {
				case day < rule.From || rule.Until != "" && day > rule.Until:
					c.State = "not-in-force"
				case rule.AtLeast > 0 && !open && high < rule.AtLeast:
					c.State = "below-threshold"
				case !fixed:
					c.State = "without-fixed-term"
				default:
					c.State, c.Due, c.Assumed = "running", at.Format(time.RFC3339), assumed(rule)
					if !s.Now.IsZero() {
						left := int64(at.Sub(s.Now) / time.Hour)
						c.HoursLeft = &left
						if at.Before(s.Now) {
							c.State = "overdue"
						}
					}
				}
			}
			r.Duties = append(r.Duties, c)
		}
	}
}

// persons gives the bounds of persons over statuses: the largest, since the same person may be counted
// under several. open says that nothing bounds it above.
func persons(o Org) (low, high uint64, open bool) {
	for _, k := range o.Kinds {
		if k.Kind != "person" && k.Kind != "passenger-record" {
			continue
		}
		if k.Kind == "person" {
			low = max(low, k.Lower)
			high += k.Interval[1]
		}
		open = open || k.Upper == nil
	}
	return low, high, open
}
