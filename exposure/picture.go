package exposure

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Picture draws what kinds were found, how many and how sure, as one SVG image that needs nothing else.
// Each kind has a bar to its estimate on a logarithmic scale, a whisker for the 90 % interval, and the
// colour of its status; an exact number has a full bar, an estimate a hatched one.
func (r *Result) Picture() []byte {
	const width, label, row, right = 1080, 210, 26, 430
	var b strings.Builder
	lines, most := 0, 10.0
	for _, o := range r.Orgs {
		lines += len(o.Kinds) + 1
		for _, k := range o.Kinds {
			most = math.Max(most, float64(max(k.Estimate, k.Interval[1])))
		}
	}
	decades := math.Ceil(math.Log10(most + 1))
	plot := float64(width - label - right)
	x := func(n uint64) float64 {
		return float64(label) + plot*math.Log10(float64(n)+1)/decades
	}
	height := 70 + lines*row + 30
	colours := map[Status]string{Taken: "#b3261e", Staged: "#c77700", Accessed: "#2f6f8f", Accessible: "#7a7a7a"}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="sans-serif" font-size="13">`, width, height, width, height)
	b.WriteString(`<title>Exposed records by kind, number and certainty</title><defs>`)
	for _, s := range statuses {
		fmt.Fprintf(&b, `<pattern id="h-%s" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/><rect width="3" height="6" fill="%s"/></pattern>`, s, colours[s])
	}
	fmt.Fprintf(&b, `</defs><rect width="%d" height="%d" fill="#fff"/>`, width, height)
	at := 14
	for _, s := range statuses {
		fmt.Fprintf(&b, `<rect x="%d" y="10" width="12" height="12" fill="%s"/><text x="%d" y="21">%s</text>`, at, colours[s], at+17, s)
		at += 110
	}
	fmt.Fprintf(&b, `<text x="%d" y="21" fill="#555">full: exact · hatched: estimate · whisker: 90 %%</text>`, at)
	bottom := 40 + lines*row
	for d := 0; d <= int(decades); d++ {
		px := float64(label) + plot*float64(d)/decades
		fmt.Fprintf(&b, `<line x1="%.1f" y1="36" x2="%.1f" y2="%d" stroke="#ddd"/><text x="%.1f" y="%d" fill="#555" text-anchor="middle">%s</text>`, px, px, bottom, px, bottom+16, grouped(uint64(math.Pow10(d))))
	}
	y := 40
	for _, o := range r.Orgs {
		fmt.Fprintf(&b, `<text x="14" y="%d" font-weight="bold">%s</text>`, y+18, html.EscapeString(shorten(o.Org, 60)))
		y += row
		for _, k := range o.Kinds {
			colour, known := colours[k.Status]
			fill := colour
			if !known {
				colour, fill = "#000", "#000"
			} else if k.Exact == nil {
				fill = "url(#h-" + string(k.Status) + ")"
			}
			fmt.Fprintf(&b, `<text x="24" y="%d">%s</text>`, y+18, html.EscapeString(k.Kind))
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="14" fill="%s" stroke="%s"/>`, label, y+6, math.Max(x(k.Estimate)-label, 1), fill, colour)
			text := grouped(k.Estimate)
			switch {
			case k.Exact == nil && k.Upper == nil && k.Estimate == k.Lower: // nothing is known of what could not be read
				text = "at least " + text
			case k.Exact == nil:
				low, high := x(k.Interval[0]), x(k.Interval[1])
				fmt.Fprintf(&b, `<path d="M%.1f %d H%.1f M%.1f %d v8 M%.1f %d v8" stroke="#000" fill="none"/>`, low, y+13, high, low, y+9, high, y+9)
				text = fmt.Sprintf("about %s (%s–%s)", text, grouped(k.Interval[0]), grouped(k.Interval[1]))
				if k.Upper == nil {
					text = fmt.Sprintf("at least %s, %s%s", grouped(k.Lower), withSealed(k), text)
				}
			}
			fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s %s</text>`, math.Max(x(max(k.Estimate, k.Interval[1])), label)+6, y+18, text, html.EscapeString(k.Unit))
			y += row
		}
	}
	b.WriteString(`</svg>`)
	return []byte(b.String())
}

// shorten cuts a text for display and drops what XML cannot carry.
func shorten(s string, n int) string {
	out := []rune{}
	for _, r := range s {
		if r < ' ' || r == 0xFFFE || r == 0xFFFF || r == 0xFFFD {
			r = ' '
		}
		if len(out) == n {
			return string(out) + "…"
		}
		out = append(out, r)
	}
	return string(out)
}

// grouped writes a number with thin spaces between thousands.
func grouped(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}
