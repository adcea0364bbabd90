package disclosure

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/marking"
)

// Clock is how long each step of becoming known took, in the shape of clock.json.
type Clock struct {
	Edges    []Edge     `json:"edges"`
	Missing  []string   `json:"missing"` // milestones that the case does not hold
	Baseline []Baseline `json:"baseline"`
}

// Edge is the time from one milestone to another on a path. Days are bounds, since moments may be known to the month or year only.
type Edge struct {
	From        string `json:"from"`
	To          string `json:"to"`
	Path        string `json:"path"`
	Days        [2]int `json:"days"`
	FromWhen    string `json:"from_when"`
	ToWhen      string `json:"to_when"`
	FromEntry   uint64 `json:"from_entry"`
	ToEntry     uint64 `json:"to_entry"`
	FromImputed bool   `json:"from_imputed,omitempty"` // an exact 1 January, which often stands for a whole year
	ToImputed   bool   `json:"to_imputed,omitempty"`
}

// Span writes the days as one number, or as bounds.
func (e Edge) Span() string {
	if e.Days[0] == e.Days[1] {
		return fmt.Sprint(e.Days[0])
	}
	return fmt.Sprintf("%d to %d", e.Days[0], e.Days[1])
}

// paths are the ways on which incidents become known.
var paths = []struct {
	name  string
	steps []string
}{
	{"victim → authority → public", []string{"intrusion", "discovery", "report", "private-notice", "public"}},
	{"vendor → public → government", []string{"intrusion", "vendor-claim", "public", "government-claim"}},
	{"vendor → state → press", []string{"intrusion", "vendor-claim", "government-claim", "public"}},
}

type mark struct {
	when  casefile.Moment
	entry uint64
}

// ReadClock reads the milestones that stand, and what the case itself released, and measures every edge. A case that was opened after
// the incident was public is a reconstruction: what it releases is no step of becoming known. Where a milestone is held
// with several dates, each is measured; a step that the case does not hold is passed over and listed as missing.
func ReadClock(ctx context.Context, c *casefile.Case) (*Clock, error) {
	marks := map[string][]mark{}
	afterwards, err := openedAfterPublic(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("disclosure: clock: %w", err)
	}
	for e, err := range c.Entries(ctx, casefile.Query{CurrentOnly: true, Kinds: []casefile.Kind{casefile.MilestoneRecorded, casefile.ReleaseMade, casefile.ReleaseCorrected}}) {
		if err != nil {
			return nil, fmt.Errorf("disclosure: clock: %w", err)
		}
		if afterwards && e.Kind != casefile.MilestoneRecorded {
			continue
		}
		name, when := "", e.When
		if e.Kind == casefile.MilestoneRecorded {
			var m casefile.Milestone
			if err := e.Decode(&m); err != nil {
				return nil, fmt.Errorf("disclosure: clock: entry %d: %w", e.Seq, err)
			}
			name = m.Name
		} else {
			var m Made
			if err := e.Decode(&m); err != nil {
				return nil, fmt.Errorf("disclosure: clock: entry %d: %w", e.Seq, err)
			}
			when = casefile.At(e.Recorded)
			name = map[marking.Kind]string{marking.Victim: "private-notice", marking.Public: "public"}[m.Audience]
		}
		if !when.IsZero() {
			marks[name] = append(marks[name], mark{when, e.Seq})
		}
	}
	k := &Clock{Edges: []Edge{}, Missing: []string{}, Baseline: []Baseline{}}
	for _, p := range paths {
		last := ""
		for _, step := range p.steps {
			if len(marks[step]) == 0 {
				if !slices.Contains(k.Missing, step) {
					k.Missing = append(k.Missing, step)
				}
				continue
			}
			for _, a := range marks[last] {
				for _, b := range marks[step] {
					k.Edges = append(k.Edges, Edge{From: last, To: step, Path: p.name, Days: lag(a.when, b.when), FromWhen: a.when.String(), ToWhen: b.when.String(),
						FromEntry: a.entry, ToEntry: b.entry, FromImputed: newYear(a.when), ToImputed: newYear(b.when)})
				}
			}
			last = step
		}
	}
	return k, nil
}

// openedAfterPublic says whether the case holds a date on which the incident was public that surely lies before its own beginning.
func openedAfterPublic(ctx context.Context, c *casefile.Case) (bool, error) {
	opened, err := c.Entry(ctx, 0)
	if err != nil {
		return false, err
	}
	for e, err := range c.Entries(ctx, casefile.Query{CurrentOnly: true, About: "public", Kinds: []casefile.Kind{casefile.MilestoneRecorded}}) {
		if err != nil {
			return false, err
		}
		if _, end := e.When.Bounds(); !e.When.IsZero() && end.Before(opened.Recorded) {
			return true, nil
		}
	}
	return false, nil
}

func newYear(m casefile.Moment) bool {
	first, _ := m.Bounds()
	return m.Precision() == casefile.Day && imputed(first)
}

func imputed(t time.Time) bool { return t.Month() == time.January && t.Day() == 1 }

// lag gives the fewest and the most days between two moments; negative when the second came first.
func lag(a, b casefile.Moment) [2]int {
	firstA, endA := a.Bounds()
	firstB, endB := b.Bounds()
	return [2]int{days(endA.Add(-1), firstB), days(firstA, endB.Add(-1))}
}

// days counts calendar days, so that two moments of one day are none apart.
func days(from, to time.Time) int {
	day := func(t time.Time) int64 {
		s := t.UTC().Unix()
		d := s / 86400
		if s%86400 < 0 {
			d--
		}
		return d
	}
	return int(day(to) - day(from))
}

// WriteJSON writes clock.json.
func (k *Clock) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(k)
}

// WritePicture draws the lags beside the baseline as one SVG image that needs nothing else: a bar from the least to the most days,
// and for each group of the baseline the median, without imputed dates where it differs.
func (k *Clock) WritePicture(w io.Writer) error {
	type bar struct {
		text     string
		low, hi  int
		baseline bool
	}
	var bars []bar
	for _, e := range k.Edges {
		text := fmt.Sprintf("%s (%s) → %s (%s)", e.From, e.FromWhen, e.To, e.ToWhen)
		if e.FromImputed || e.ToImputed {
			text += " *"
		}
		bars = append(bars, bar{text, e.Days[0], e.Days[1], false})
	}
	for _, b := range k.Baseline {
		for _, g := range b.Groups {
			if g.Median == nil {
				continue
			}
			low, high := *g.Median, *g.Median
			if g.MedianExact != nil {
				low, high = min(low, *g.MedianExact), max(high, *g.MedianExact)
			}
			bars = append(bars, bar{fmt.Sprintf("%s: median of %d, %d imputed", g.Group, g.Dated, g.Imputed), low, high, true})
		}
	}
	least, most := 0, 1
	for _, b := range bars {
		least, most = min(least, b.low), max(most, b.hi)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 %d" font-family="system-ui,sans-serif" font-size="12" role="img" aria-label="disclosure clock">`+"\n", 40+28*len(bars))
	x := func(d int) float64 { return 430 + 380*float64(d-least)/float64(most-least) }
	for i, b := range bars {
		y := 20 + 28*i
		fill := "#0b6e99"
		if b.baseline {
			fill = "#888"
		}
		days := Edge{Days: [2]int{b.low, b.hi}}.Span()
		fmt.Fprintf(&out, `<text x="420" y="%d" text-anchor="end">%s</text><rect x="%.1f" y="%d" width="%.1f" height="14" fill="%s"/><text x="%.1f" y="%d">%s d</text>`+"\n",
			y+11, html.EscapeString(b.text), x(b.low), y, max(2, x(b.hi)-x(b.low)), fill, x(b.hi)+6, y+11, days)
	}
	fmt.Fprintf(&out, `<text x="8" y="%d" fill="#555">* a 1 January that may stand for a whole year; grey: baseline, from incident start to attribution, with and without such dates</text></svg>`+"\n", 30+28*len(bars))
	_, err := io.WriteString(w, out.String())
	return err
}
