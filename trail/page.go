package trail

import (
	"bufio"
	"cmp"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"
)

// WritePage writes trace.html: one page without scripts or anything from elsewhere. All text is escaped.
func (t *Trail) WritePage(out io.Writer) error {
	w := bufio.NewWriter(out)
	p := func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
	p(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>Trail of %s</title><style>%s</style></head><body>`, esc(t.Org), pageStyle)
	p("<h1>Trail of %s</h1>", esc(t.Org))
	if !t.Established {
		p("<p class=none><b>No intrusion established.</b> %s</p>", esc(sentence(t.Why)))
	} else {
		p("<p>An intrusion is established: %s.</p><p>%s</p>", esc(t.Why), esc(t.Access.Text))
		p("<h2>Stages over time</h2>")
		t.timeline(p)
		p("<h2>Hosts</h2>")
		for _, h := range t.Hosts {
			t.hostPicture(p, h.Host)
		}
		p("<h2>What happened</h2><table><tr><th>time</th><th>host</th><th>tactic</th><th>technique</th><th>what</th><th>records</th></tr>")
		for _, s := range t.Stages {
			p("<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>", esc(minute(s.Time)), esc(s.Host), esc(s.Tactic), esc(s.Technique), esc(s.Text), esc(strings.Trim(cite(s.Refs), " []")))
		}
		p("</table><h2>Outside</h2><table><tr><th>value</th><th>role</th><th>first</th><th>last</th></tr>")
		for _, x := range t.Infrastructure {
			p("<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>", esc(x.Value), esc(x.Role), esc(minute(x.First)), esc(minute(x.Last)))
		}
		p("</table>")
	}
	if len(t.Unseen) > 0 {
		p("<h2>What this evidence could not show</h2><ul>")
		for _, s := range t.Unseen {
			p("<li>%s</li>", esc(s))
		}
		p("</ul>")
	}
	p("</body></html>\n")
	return w.Flush()
}

const pageStyle = `body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1b1f24;background:#fff}` +
	`table{border-collapse:collapse;width:100%;font-size:13px}td,th{border-bottom:1px solid #d8dee4;padding:3px 6px;text-align:left;vertical-align:top;overflow-wrap:anywhere}` +
	`svg{width:100%;height:auto;border:1px solid #d8dee4;margin:.5em 0}svg text{font:11px system-ui,sans-serif;fill:#1b1f24}.none{background:#eef6ee;padding:1em}`

func esc(s string) string { return html.EscapeString(plain(s)) }

var palette = []string{"#0b62a4", "#b5480b", "#2f7d32", "#8a2b8a", "#8a6d00", "#006d77", "#a4133c", "#4a4e69"}

// timeline draws tactics as rows and time as columns; a mark is a technique on a host.
func (t *Trail) timeline(p func(string, ...any)) {
	from, to := int64(0), int64(0)
	at := func(s string) int64 {
		x, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return from
		}
		return x.UnixNano()
	}
	var rows []string
	for _, tactic := range tactics {
		if slices.ContainsFunc(t.Stages, func(s Stage) bool { return s.Tactic == tactic }) {
			rows = append(rows, tactic)
		}
	}
	if len(t.Stages) == 0 {
		return
	}
	from = at(t.Stages[0].Time)
	for _, s := range t.Stages {
		to = max(to, at(s.Last))
	}
	color := map[string]string{}
	for i, h := range t.Hosts {
		color[h.Host] = palette[i%len(palette)]
	}
	x := func(ns int64) float64 { return 170 + 820*float64(ns-from)/float64(max(to-from, 1)) }
	height := 26*len(rows) + 40
	p(`<svg viewBox="0 0 1010 %d" role="img" aria-label="Stages over time">`, height)
	for i, r := range rows {
		y := 20 + 26*i
		p(`<text x="8" y="%d">%s</text><line x1="170" x2="1000" y1="%d" y2="%d" stroke="#e3e7eb"/>`, y+4, esc(r), y, y)
	}
	for _, s := range t.Stages {
		y := 20 + 26*slices.Index(rows, s.Tactic)
		a, b := x(at(s.Time)), x(at(s.Last))
		p(`<g><title>%s %s: %s</title><rect x="%.1f" y="%d" width="%.1f" height="8" rx="4" fill="%s" fill-opacity=".75"/></g>`, esc(minute(s.Time)), esc(s.Host), esc(s.Text), a-4, y-4, max(8, b-a+8), cmp.Or(color[s.Host], "#57606a"))
	}
	p(`<text x="170" y="%d">%s</text><text x="1000" y="%d" text-anchor="end">%s</text></svg><p>`, height-8, esc(minute(t.Stages[0].Time)), height-8, esc(minute(time.Unix(0, to).UTC().Format(time.RFC3339Nano))))
	for _, h := range t.Hosts {
		p(`<span style="color:%s">&#9632;</span> %s &nbsp; `, color[h.Host], esc(h.Host))
	}
	p("</p>")
}

// drawn bounds the boxes of one picture; the busiest are drawn.
const drawn = 44

// hostPicture draws what happened on one host: who came, which programs ran, what they left, where they called. Processes of one program are one box.
func (t *Trail) hostPicture(p func(string, ...any), host string) {
	type box struct {
		label  string
		column int
		n      int
		order  int
		x, y   int
	}
	kinds := map[string]*NodeView{}
	for i := range t.Nodes {
		kinds[t.Nodes[i].ID] = &t.Nodes[i]
	}
	boxes := map[string]*box{}
	name := func(id string) string {
		n := kinds[id]
		if n == nil {
			return ""
		}
		column, label := -1, n.Label
		switch n.Kind {
		case "logon", "account":
			column = 0
		case "process":
			column = 1
			label, _, _ = strings.Cut(label, " [")
			label = label[strings.LastIndexAny(label, `\/`)+1:]
		case "file", "service", "task", "wmi", "registry", "log":
			column = 2
		case "address", "name", "url":
			column = 3
		}
		if column < 0 || column < 3 && n.Host != host && n.Kind != "account" {
			return ""
		}
		key := n.Kind + " " + label
		if boxes[key] == nil {
			boxes[key] = &box{label: label, column: column, order: len(boxes)}
		}
		boxes[key].n++
		return key
	}
	type line struct{ from, to, kind string }
	lines := map[line]int{}
	for i := range t.Edges {
		e := &t.Edges[i]
		if e.Host != host || len(e.Refs) == 0 || e.Refs[0].Role != Intrusion || e.To == "" || e.Kind == "runs-image" {
			continue
		}
		a, b := name(e.From), name(e.To)
		if a != "" && b != "" && a != b {
			lines[line{a, b, e.Kind}]++
		}
	}
	keys := sortedKeys(boxes)
	slices.SortStableFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(boxes[b].n, boxes[a].n), cmp.Compare(boxes[a].order, boxes[b].order))
	})
	keys = keys[:min(len(keys), drawn)]
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(boxes[a].order, boxes[b].order) })
	var rows [4]int
	shown := map[string]bool{}
	for _, k := range keys {
		b := boxes[k]
		b.x, b.y = 10+b.column*250, 24+26*rows[b.column]
		rows[b.column]++
		shown[k] = true
	}
	if len(keys) == 0 {
		return
	}
	p(`<h3>%s</h3><svg viewBox="0 0 1000 %d" role="img" aria-label="What happened on %s">`, esc(host), 30+26*slices.Max(rows[:]), esc(host))
	var order []line
	for l := range lines {
		if shown[l.from] && shown[l.to] {
			order = append(order, l)
		}
	}
	slices.SortFunc(order, func(a, b line) int {
		return cmp.Or(strings.Compare(a.from, b.from), strings.Compare(a.to, b.to), strings.Compare(a.kind, b.kind))
	})
	for _, l := range order {
		a, b := boxes[l.from], boxes[l.to]
		x1, x2 := a.x+220, b.x
		if a.column >= b.column {
			x1, x2 = a.x+220, b.x+220
		}
		p(`<path d="M%d %d C%d %d %d %d %d %d" fill="none" stroke="#8c959f" stroke-opacity=".6"><title>%s %s %s (%d)</title></path>`, x1, a.y, (x1+x2)/2+20, a.y, (x1+x2)/2+20, b.y, x2, b.y, esc(a.label), esc(l.kind), esc(b.label), lines[l])
	}
	for _, k := range keys {
		b := boxes[k]
		label := []rune(b.label)
		if len(label) > 34 {
			label = append([]rune("…"), label[len(label)-33:]...)
		}
		p(`<g><title>%s</title><rect x="%d" y="%d" width="220" height="20" rx="3" fill="%s" fill-opacity=".12" stroke="%s"/><text x="%d" y="%d">%s</text></g>`, esc(b.label), b.x, b.y-10, palette[b.column], palette[b.column], b.x+5, b.y+4, esc(string(label)))
	}
	p("</svg>")
}
