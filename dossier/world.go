package dossier

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/disclosure"
	"github.com/contrail-ir/contrail/legible"
)

// happening is something that happened in the world, as exactly as it is known.
type happening struct {
	Seq                                 uint64
	When, Exactly, What, Source, Colour string
	first, end                          time.Time
}

// colours tell kinds of happenings apart, in the picture and in the table.
var colours = map[casefile.Kind]string{
	casefile.IntakeReported: "#a4343a", casefile.MilestoneRecorded: "#2f6690", casefile.ClaimRecorded: "#b7791f", casefile.TextRecorded: "#3d7a57",
	casefile.ReleaseMade: "#6b4a8a", casefile.ReleaseCorrected: "#6b4a8a", casefile.HandoverSent: "#6b4a8a", casefile.HandoverReceived: "#6b4a8a",
	casefile.EvidenceReceived: "#57606a", casefile.CustodyPassed: "#57606a", casefile.NamingDecided: "#b7791f", casefile.AssessmentMade: "#b7791f",
}

// drawn bounds the rows of the picture; the table has all.
const drawn = 60

// world picks what happened in the world and stands, and draws it on one axis: a bar is as wide as the moment is uncertain.
func (v *view) world(entries []casefile.Entry, corrected map[uint64]bool) {
	for _, e := range entries {
		colour, known := colours[e.Kind]
		if corrected[e.Seq] || !known || e.When.IsZero() {
			continue
		}
		h := happening{Seq: e.Seq, When: e.When.String(), Exactly: "to the " + e.When.Precision().String(), What: e.Title(), Colour: colour}
		h.first, h.end = e.When.Bounds()
		if e.Kind == casefile.MilestoneRecorded {
			var m casefile.Milestone
			if e.Decode(&m) == nil {
				h.Source = m.Source
			}
		}
		v.World = append(v.World, h)
	}
	v.Axis = template.HTML(axis(v.World))
}

// axis draws moments as an image that needs nothing else. Text is escaped.
func axis(all []happening) string {
	if len(all) == 0 {
		return ""
	}
	more := max(0, len(all)-drawn)
	all = all[:len(all)-more]
	first, end := all[0].first, all[0].end
	for _, h := range all {
		if h.first.Before(first) {
			first = h.first
		}
		if h.end.After(end) {
			end = h.end
		}
	}
	span := end.Sub(first)
	pad := max(span/40, 24*time.Hour)
	first, end = first.Add(-pad), end.Add(pad)
	const left, width, row = 380, 600, 20
	x := func(t time.Time) float64 { return left + width*t.Sub(first).Seconds()/end.Sub(first).Seconds() }
	height := 40 + row*len(all)
	if more > 0 {
		height += row
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="world" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 %d" role="img" aria-label="What happened when, as exactly as it is known" font-family="system-ui,sans-serif" font-size="11.5">`, height)
	for _, t := range ticks(first, end) {
		fmt.Fprintf(&out, `<line x1="%.1f" x2="%.1f" y1="24" y2="%d" stroke="#e1e5ea"/><text x="%.1f" y="16" fill="#5d6875" text-anchor="middle">%s</text>`, x(t.at), x(t.at), height, x(t.at), t.label)
	}
	for i, h := range all {
		y := 30 + row*i
		a, b := x(h.first), x(h.end)
		w := max(b-a, 5)
		date, colour := placed(a, w)
		fmt.Fprintf(&out, `<g><title>%s: %s</title><text x="%d" y="%d" text-anchor="end">%s</text><rect x="%.1f" y="%d" width="%.1f" height="12" rx="2" fill="%s"/><text x="%.1f" y="%d" fill="%s">%s</text></g>`,
			h.When, html.EscapeString(legible.Visible(h.What)), left-10, y+10, html.EscapeString(cut(legible.Visible(h.What), 58)), a, y, w, h.Colour, date, y+10, colour, dateOnly(h.When))
	}
	if more > 0 {
		fmt.Fprintf(&out, `<text x="%d" y="%d" fill="#5d6875" text-anchor="end">and %d later ones, in the table</text>`, left-10, height-8, more)
	}
	out.WriteString("</svg>")
	return out.String()
}

// placed puts a date into its bar, or beside it on the side where there is room.
func placed(x, w float64) (at float64, colour string) {
	switch {
	case w > 90:
		return x + 6, "#fff"
	case x+w+75 < 995:
		return x + w + 5, "#5d6875"
	}
	return x - 72, "#5d6875"
}

// dateOnly leaves the time of day to the table.
func dateOnly(s string) string {
	day, _, _ := strings.Cut(s, "T")
	return day
}

func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

type tick struct {
	at    time.Time
	label string
}

// ticks are years, months or days, at most about a dozen.
func ticks(first, end time.Time) (out []tick) {
	days := int(end.Sub(first).Hours() / 24)
	at, layout := time.Date(first.Year(), first.Month(), first.Day()+1, 0, 0, 0, 0, time.UTC), time.DateOnly
	step := func(t time.Time) time.Time { return t.AddDate(0, 0, max(1, (days+9)/10)) }
	switch {
	case days > 3*365:
		years := max(1, (days/365+11)/12)
		at, layout = time.Date(first.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC), "2006"
		step = func(t time.Time) time.Time { return t.AddDate(years, 0, 0) }
	case days > 90:
		months := max(1, (days/30+11)/12)
		at, layout = time.Date(first.Year(), first.Month()+1, 1, 0, 0, 0, 0, time.UTC), "2006-01"
		step = func(t time.Time) time.Time { return t.AddDate(0, months, 0) }
	}
	for ; at.Before(end) && len(out) < 16; at = step(at) {
		out = append(out, tick{at, at.Format(layout)})
	}
	return out
}

type textRow struct {
	Seq                                uint64
	Source, Language, Original, Digest string
	Translations                       []casefile.Translation
}

func texts(e casefile.Entry) (textRow, error) {
	var t casefile.Text
	if err := e.Decode(&t); err != nil {
		return textRow{}, err
	}
	return textRow{e.Seq, t.Source, t.Language, t.Original, string(t.Digest), t.Translations}, nil
}

type edgeRow struct {
	Path, From, To, Days string
	Imputed              bool
}

// clock shows how long each step of becoming known took.
func (v *view) clock(k *disclosure.Clock) error {
	v.Missing = k.Missing
	if len(k.Edges) == 0 {
		return nil
	}
	// The same step with the same dates from two sources is one bar.
	seen := map[string]bool{}
	once := *k
	once.Edges = slices.DeleteFunc(slices.Clone(k.Edges), func(e disclosure.Edge) bool {
		key := e.From + e.FromWhen + e.To + e.ToWhen
		old := seen[key]
		seen[key] = true
		return old
	})
	var svg strings.Builder
	if err := once.WritePicture(&svg); err != nil {
		return err
	}
	v.Clock = template.HTML(svg.String())
	for _, e := range k.Edges {
		v.Edges = append(v.Edges, edgeRow{e.Path, e.From + " (" + e.FromWhen + ")", e.To + " (" + e.ToWhen + ")", e.Span(), e.FromImputed || e.ToImputed})
	}
	return nil
}
