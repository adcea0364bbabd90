package report

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/legible"
)

// MapOrg is an organisation on a coverage map.
type MapOrg struct {
	Name     string
	Coverage *coverage.Org    // nil when nothing of it was searched
	Found    map[string]int64 // day (2006-01-02) → grave findings
}

// mapSources bounds the sources that one organisation is shown with; those with the most records are.
const mapSources = 14

// mapRows is how many rows one image has at most, unless one organisation has more: it must fit on a printed page.
const mapRows = 48

// CoverageMap draws organisation × source × time as SVG images that need nothing else, on the same axis, each short enough for a page: where a source was searched, the darker the more of the
// organisation's hosts spoke; where nothing was there to be searched; and on which days something grave was found. Text is escaped.
func CoverageMap(w io.Writer, orgs []MapOrg) error {
	m := coverageMap{orgs: orgs}
	if !m.span() {
		return errors.New("draw coverage map: no source of any organisation has a time")
	}
	for len(orgs) > 0 {
		n, rows := 0, 0
		for n < len(orgs) {
			more := 2
			if c := orgs[n].Coverage; c != nil {
				sources, _, _ := sourceRows(c)
				more += len(sources)
			}
			if n > 0 && rows+more > mapRows {
				break
			}
			n, rows = n+1, rows+more
		}
		m.orgs, orgs = orgs[:n], orgs[n:]
		if _, err := io.WriteString(w, m.draw()+"\n"); err != nil {
			return err
		}
	}
	return nil
}

type coverageMap struct {
	orgs     []MapOrg
	from, to int64 // whole days
}

const (
	oneDay             = int64(24 * time.Hour)
	mapLeft, mapWidth  = 330, 660
	mapRow, mapHeading = 17, 26
)

// span finds the days that the map is about.
func (m *coverageMap) span() bool {
	any := false
	see := func(t int64) {
		if !any {
			m.from, m.to = t, t
		}
		m.from, m.to, any = min(m.from, t), max(m.to, t), true
	}
	for _, o := range m.orgs {
		if o.Coverage != nil {
			rows, _, _ := sourceRows(o.Coverage) // one odd record of a source that is not shown must not squeeze the rest
			for _, r := range rows {
				for _, s := range r.spans {
					see(s[0])
					see(s[1])
				}
			}
		}
		for day := range o.Found {
			if t, err := time.Parse(time.DateOnly, day); err == nil {
				see(t.UnixNano())
			}
		}
	}
	m.from -= m.from % oneDay
	m.to += oneDay - m.to%oneDay
	return any
}

func (m *coverageMap) x(t int64) float64 {
	t = min(max(t, m.from), m.to)
	return mapLeft + mapWidth*float64(t-m.from)/float64(m.to-m.from)
}

// spoken is when one source of a host was there to be searched: its span without its gaps.
func spoken(s coverage.Source) (spans [][2]int64) {
	first, errA := event.ParseTime(s.First)
	last, errB := event.ParseTime(s.Last)
	if errA != nil || errB != nil {
		return nil
	}
	at := first
	for _, g := range s.Gaps {
		a, errA := event.ParseTime(g.From)
		b, errB := event.ParseTime(g.To)
		if errA != nil || errB != nil || b-a < int64(time.Minute) || a < at || b > last {
			continue
		}
		spans = append(spans, [2]int64{at, a})
		at = b
	}
	return append(spans, [2]int64{at, last})
}

// sourceRow is one kind of source of an organisation over all its hosts.
type sourceRow struct {
	name    string
	records uint64
	hosts   int
	spans   [][2]int64
}

// sourceRows gives the sources with the most records, how many more there are, and how many have no times, so that they cannot be drawn.
func sourceRows(o *coverage.Org) (rows []sourceRow, more, timeless int) {
	by := map[string]*sourceRow{}
	for _, h := range o.Hosts {
		for _, s := range h.Sources {
			r := by[s.Source]
			if r == nil {
				r = &sourceRow{name: s.Source}
				by[s.Source] = r
			}
			r.records += s.Records
			r.hosts++
			r.spans = append(r.spans, spoken(s)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if len(by[name].spans) > 0 {
			rows = append(rows, *by[name])
		} else {
			timeless++
		}
	}
	slices.SortStableFunc(rows, func(a, b sourceRow) int { return cmp.Compare(b.records, a.records) })
	if len(rows) > mapSources {
		more, rows = len(rows)-mapSources, rows[:mapSources]
	}
	return rows, more, timeless
}

// levels cuts the spans of several hosts into stretches with the number of hosts that spoke.
func (r *sourceRow) levels() (out []struct {
	from, to int64
	hosts    int
}) {
	type edge struct {
		t int64
		d int
	}
	var edges []edge
	for _, s := range r.spans {
		edges = append(edges, edge{s[0], 1}, edge{max(s[1], s[0]+1), -1})
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(b.d, a.d)) })
	n := 0
	for i, e := range edges {
		n += e.d
		if i+1 < len(edges) && n > 0 && edges[i+1].t > e.t {
			out = append(out, struct {
				from, to int64
				hosts    int
			}{e.t, edges[i+1].t, n})
		}
	}
	return out
}

func (m *coverageMap) draw() string {
	var body strings.Builder
	y := 58
	for _, o := range m.orgs {
		fmt.Fprintf(&body, `<text x="8" y="%d" font-weight="600">%s</text>`, y+13, mapText(o.Name, 34))
		if o.Coverage == nil {
			fmt.Fprintf(&body, `<rect x="%d" y="%d" width="%d" height="13" fill="url(#not-searched)"/><text x="%d" y="%d" fill="#5d6875">nothing was searched</text>`, mapLeft, y+2, mapWidth, mapLeft+6, y+13)
			y += mapHeading
			continue
		}
		y = m.org(&body, &o, y)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="coverage-map" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 %d" role="img" aria-label="What was searched, by organisation, source and time" font-family="system-ui,sans-serif" font-size="11.5">`, y+8)
	out.WriteString(`<defs><pattern id="not-searched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#f4f5f7"/><rect width="1.5" height="6" fill="#c3cad4"/></pattern></defs>`)
	fmt.Fprintf(&out, `<rect x="8" y="6" width="22" height="11" fill="#2f6690"/><text x="35" y="16">searched</text><rect x="100" y="6" width="22" height="11" fill="#2f6690" opacity=".35"/><text x="127" y="16">on some hosts only</text>`+
		`<rect x="248" y="6" width="22" height="11" fill="url(#not-searched)"/><text x="275" y="16">nothing there to search</text><rect x="420" y="6" width="9" height="11" fill="#a4343a"/><text x="434" y="16">grave findings on that day</text>`)
	for _, t := range m.ticks() {
		fmt.Fprintf(&out, `<line x1="%.1f" x2="%.1f" y1="42" y2="%d" stroke="#e1e5ea"/><text x="%.1f" y="38" fill="#5d6875" text-anchor="middle">%s</text>`, m.x(t.at), m.x(t.at), y, m.x(t.at), t.label)
	}
	return out.String() + body.String() + "</svg>"
}

func (m *coverageMap) org(out *strings.Builder, o *MapOrg, y int) int {
	d := "hosts declared: unknown"
	if n := o.Coverage.Denominator; n.Known {
		d = fmt.Sprintf("%d of %d declared hosts", n.Covered, n.Declared)
	}
	fmt.Fprintf(out, `<text x="%d" y="%d" fill="#5d6875" text-anchor="end">%s</text>`, mapLeft-8, y+13, d)
	days := slices.Sorted(maps.Keys(o.Found))
	for _, day := range days {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			continue
		}
		a, b := m.x(t.UnixNano()), m.x(t.UnixNano()+oneDay)
		fmt.Fprintf(out, `<rect x="%.1f" y="%d" width="%.1f" height="13" fill="#a4343a"><title>%s: %d grave findings</title></rect>`, a, y+2, max(b-a-.5, 2.5), day, o.Found[day])
	}
	if len(days) == 0 {
		fmt.Fprintf(out, `<text x="%d" y="%d" fill="#5d6875">no grave finding in what was searched</text>`, mapLeft+6, y+13)
	}
	y += mapHeading - 4
	rows, more, timeless := sourceRows(o.Coverage)
	for _, r := range rows {
		fmt.Fprintf(out, `<text x="20" y="%d">%s</text><text x="%d" y="%d" fill="#5d6875" text-anchor="end">%d</text><rect x="%d" y="%d" width="%d" height="11" fill="url(#not-searched)"/>`,
			y+10, mapText(r.name, 40), mapLeft-8, y+10, r.hosts, mapLeft, y, mapWidth)
		for _, l := range r.levels() {
			a, b := m.x(l.from), m.x(l.to)
			share := float64(l.hosts) / float64(r.hosts)
			fmt.Fprintf(out, `<rect x="%.1f" y="%d" width="%.1f" height="11" fill="#fff"/><rect x="%.1f" y="%d" width="%.1f" height="11" fill="#2f6690" opacity="%.2f"/>`, a, y, max(b-a, 1), a, y, max(b-a, 1), .25+.75*share)
		}
		y += mapRow
	}
	if more > 0 {
		fmt.Fprintf(out, `<text x="20" y="%d" fill="#5d6875">and %s with fewer records</text>`, y+10, plural(more, "source", "sources"))
		y += mapRow
	}
	if timeless > 0 {
		fmt.Fprintf(out, `<text x="20" y="%d" fill="#5d6875">and %s without times, searched and not drawn</text>`, y+10, plural(timeless, "source", "sources"))
		y += mapRow
	}
	return y + 8
}

type mapTick struct {
	at    int64
	label string
}

// ticks are days, months or years, at most a dozen.
func (m *coverageMap) ticks() (out []mapTick) {
	first, last := time.Unix(0, m.from).UTC(), time.Unix(0, m.to).UTC()
	days := int((m.to - m.from) / oneDay)
	step, layout := func(t time.Time) time.Time { return t.AddDate(0, 0, (days+11)/12) }, time.DateOnly
	at := first
	switch {
	case days > 365*4:
		years := (days/365 + 11) / 12
		at = time.Date(first.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
		step, layout = func(t time.Time) time.Time { return t.AddDate(years, 0, 0) }, "2006"
	case days > 92:
		months := (days/30 + 11) / 12
		at = time.Date(first.Year(), first.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		step, layout = func(t time.Time) time.Time { return t.AddDate(0, months, 0) }, "2006-01"
	case days > 10:
		layout = "01-02"
	}
	for ; !at.After(last) && len(out) < 16; at = step(at) {
		out = append(out, mapTick{at.UnixNano(), at.Format(layout)})
	}
	return out
}

// mapText escapes a name for an image and shortens it.
func mapText(s string, n int) string { return html.EscapeString(shorten(legible.Visible(s), n)) }
