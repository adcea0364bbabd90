package attribution

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sort"
	"strings"

	"github.com/contrail-ir/contrail/legible"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// WritePage writes one self-contained page: the claims and the incident on one axis of time, the matrices with
// diagnosticity, and what would change the answer. Nothing of the case is rendered as markup.
func (r *Result) WritePage(w io.Writer) error {
	return write(w, "page", r.page())
}

// write executes a template in which characters that turn, hide or control text are shown as what they are: names come from strangers.
func write(w io.Writer, name string, data any) error {
	var out strings.Builder
	err := pageTemplate.ExecuteTemplate(&out, name, data)
	if err == nil {
		_, err = io.WriteString(w, legible.Lines(out.String()))
	}
	if err != nil {
		return fmt.Errorf("write attribution %s: %w", name, err)
	}
	return nil
}

// WriteTimeline writes the picture of time alone, as a self-contained SVG file.
func (r *Result) WriteTimeline(w io.Writer) error {
	return write(w, "timeline", r.axis())
}

type page struct {
	*Result
	Axis     axis
	Matrices []matrixView
	Changes  []changeView
	More     int // changes not listed
}

type matrixView struct {
	Analyst  string
	Columns  []columnView
	Rows     []rowView
	Leaders  []string
	Smallest *Change
	Unrated  int
}

type columnView struct {
	ID, Name      string
	Residual      bool
	Inconsistency string
	Rank          string
}

type rowView struct {
	ID, Text, Grade string
	LeftOut         bool
	Weight          string
	Cells           []cellView
	Bar             int // diagnosticity, in percent of the largest
	Diagnosticity   string
}

type cellView struct {
	Text, Class string
	Differs     bool
}

type changeView struct {
	Change
	Label string
}

const maxChangesShown = 12

func (r *Result) page() page {
	p := page{Result: r, Axis: r.axis()}
	differs := map[[2]string]bool{}
	for _, d := range r.Disagree {
		differs[[2]string{d.Evidence, d.Hypothesis}] = true
	}
	for _, a := range r.Analysts {
		v := matrixView{Analyst: a.Name, Leaders: a.Leaders, Smallest: a.Smallest, Unrated: a.Unrated}
		for _, h := range r.Hypotheses {
			rank := "–"
			if n := a.Rank[h.ID]; n > 0 {
				rank = fmt.Sprint(n)
			}
			v.Columns = append(v.Columns, columnView{h.ID, h.Name, h.Residual, fmt.Sprintf("%.2f", a.Inconsistency[h.ID]), rank})
		}
		largest := 0.0
		for _, d := range a.Diagnosticity {
			largest = max(largest, d)
		}
		for _, e := range r.Evidence {
			d := a.Diagnosticity[e.ID]
			row := rowView{ID: e.ID, Text: e.Text, Grade: e.Grade, LeftOut: e.LeftOut, Weight: fmt.Sprintf("%.2f", e.Weight), Diagnosticity: fmt.Sprintf("%.2f", d)}
			if largest > 0 {
				row.Bar = int(d / largest * 100)
			}
			for _, h := range r.Hypotheses {
				rating, rated := a.Ratings[e.ID][h.ID]
				cell := cellView{Text: rating.String(), Class: []string{"ii", "i", "n", "c", "cc"}[rating+2], Differs: differs[[2]string{e.ID, h.ID}]}
				if !rated {
					cell.Text = "·"
				}
				row.Cells = append(row.Cells, cell)
			}
			v.Rows = append(v.Rows, row)
		}
		sort.SliceStable(v.Rows, func(i, j int) bool { return a.Diagnosticity[v.Rows[i].ID] > a.Diagnosticity[v.Rows[j].ID] })
		p.Matrices = append(p.Matrices, v)
	}
	label := map[string]string{"shift": "rate", "drop-item": "leave out", "drop-root": "leave out all that rests on"}
	for i, c := range r.Sensitivity {
		if i == maxChangesShown {
			p.More = len(r.Sensitivity) - i
			break
		}
		p.Changes = append(p.Changes, changeView{c, label[c.Kind]})
	}
	return p
}

// The picture of time: one row for the incident, one for each claim; x in pixels of a fixed width.
const (
	axisLeft, axisWidth = 230, 800
	rowHeight           = 46
)

type axis struct {
	Width, Height int
	Ticks         []tick
	Rows          []axisRow
}

type tick struct {
	X    float64
	Text string
}

type axisRow struct {
	Y        int
	Name     string
	Sub      string
	Incident bool
	Bars     []bar
	Marks    []mark
}

// bar is a span of time: sure where the event surely was going on, else possible.
type bar struct {
	X, W  float64
	Class string
	Title string
}

type mark struct {
	X, W  float64 // a date of low precision is as wide as its span
	Title string
	Class string
}

// short keeps a name beside the axis from running into it; the table has it whole.
func short(name string) string {
	if r := []rune(name); len(r) > 32 {
		return string(r[:31]) + "…"
	}
	return name
}

func (r *Result) axis() axis {
	low, high, any := Day(0), Day(0), false
	see := func(dates ...Date) {
		for _, d := range dates {
			if !d.Known() {
				continue
			}
			if !any || d.First < low {
				low = d.First
			}
			if !any || d.Last > high {
				high = d.Last
			}
			any = true
		}
	}
	in := &r.Incident
	see(in.Start, in.Reported, in.End)
	for _, p := range in.Public {
		see(p.Date)
	}
	for _, c := range r.Claims {
		see(c.Window.From, c.Window.To)
		for _, p := range c.Published {
			see(p.Date)
		}
	}
	if !any {
		return axis{Width: axisLeft + axisWidth + 20, Height: 20}
	}
	pad := max((high-low)/40, 10)
	low, high = low-pad, high+pad
	x := func(d Day) float64 { return axisLeft + float64(d-low)/float64(high-low)*axisWidth }
	span := func(from, to Day, class, title string) bar {
		return bar{X: x(from), W: max(x(to+1)-x(from), 1.5), Class: class, Title: title}
	}
	point := func(d Date, class, title string) mark {
		return mark{X: x(d.First), W: max(x(d.Last+1)-x(d.First), 4), Class: class, Title: title + " " + d.String()}
	}
	a := axis{Width: axisLeft + axisWidth + 20}
	first, last := low.Time().Year(), high.Time().Year()
	step := 1 + (last-first)/16
	for y := first + 1; y <= last; y += step {
		d, err := ParseDate(fmt.Sprint(y))
		if err == nil {
			a.Ticks = append(a.Ticks, tick{x(d.First), fmt.Sprint(y)})
		}
	}
	row := axisRow{Y: 40, Name: "the incident", Incident: true, Sub: "start " + in.Start.String()}
	iw := in.Incident.window()
	switch {
	case !in.Start.Known() && iw.To.Known():
		row.Bars = append(row.Bars, span(low, iw.To.First, "unknown", "when the intruder came is not known"))
	case iw.To.Known():
		row.Bars = append(row.Bars, windowBars(iw, span)...)
	}
	if in.Reported.Known() {
		row.Marks = append(row.Marks, point(in.Reported, "report", "reported"))
	}
	for _, p := range in.Public {
		row.Marks = append(row.Marks, point(p.Date, "public", p.What))
	}
	a.Rows = append(a.Rows, row)
	for _, c := range r.Claims {
		row := axisRow{Y: a.Rows[len(a.Rows)-1].Y + rowHeight, Name: short(c.Claimant.Name), Sub: string(c.Verdict)}
		if len(c.SupersededBy) > 0 {
			row.Sub = "superseded"
		}
		if c.GapDays != nil {
			row.Sub += ", ends " + days(*c.GapDays) + " days before"
		} else if c.Fraction == nil {
			row.Sub += ", no dates of activity"
		}
		if c.Window.Known() {
			w := c.Window
			if !w.From.Known() {
				w.From = Date{Text: "?", First: low, Last: w.To.First}
			}
			if !w.To.Known() {
				w.To = Date{Text: "?", First: w.From.Last, Last: max(w.From.Last, c.Published[0].Date.Last)}
			}
			row.Bars = windowBars(w, span)
		}
		for _, p := range c.Published {
			row.Marks = append(row.Marks, point(p.Date, "published", "published (source "+p.Source+")"))
		}
		a.Rows = append(a.Rows, row)
	}
	a.Height = a.Rows[len(a.Rows)-1].Y + rowHeight
	return a
}

func windowBars(w Window, span func(from, to Day, class, title string) bar) []bar {
	title := w.From.String() + " to " + w.To.String()
	bars := []bar{span(w.From.First, w.To.Last, "possible", title)}
	if w.From.Last <= w.To.First {
		bars = append(bars, span(w.From.Last, w.To.First, "sure", title))
	}
	return bars
}
