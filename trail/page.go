package trail

import (
	"bufio"
	"cmp"
	"fmt"
	"html"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WritePage writes trace.html: one page without scripts or anything from elsewhere. All text is escaped.
func (t *Trail) WritePage(out io.Writer) error {
	w := bufio.NewWriter(out)
	p := func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
	p(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>Trail of %s</title><style>%s%s</style></head><body>`, esc(t.Org), pageStyle, PictureStyle(""))
	p("<p class=eyebrow>Trail</p><h1>%s</h1>", esc(t.Org))
	if !t.Established {
		p("<p class=none><b>No intrusion established.</b> %s</p>", esc(t.reason()))
		t.signList(p)
	} else {
		p("<p class=verdict>An intrusion is established: %s.</p>", esc(t.Why))
		t.figures(p)
		t.signList(p)
		p("<h2>The way in</h2><p>%s</p>", esc(cmp.Or(t.Access.Text, "It is not in this evidence.")))
		p("<h2>The way of the intruder</h2><p class=note>On the left from where he came, on the right what he called; in between the hosts, by how many logons they are from the way in. Point at a line to read it.</p>")
		t.mapPicture(p)
		p("<h2>Stages over time</h2>")
		t.timeline(p)
		p("<h2>What happened</h2><div class=wide><table><thead><tr><th>when (UTC)</th><th>host</th><th>tactic</th><th>technique</th><th>what</th><th>records</th></tr></thead><tbody>")
		for _, s := range t.told() {
			p("<tr><td>%s</td><td class=id>%s</td><td class=tactic>%s</td><td class=id>%s</td><td>%s</td><td class=refs>%s</td></tr>", esc(minute(s.Time)), esc(s.Host), esc(s.Tactic), esc(s.Technique), esc(s.Text), esc(records(s.Refs)))
		}
		p("</tbody></table></div><h2>Outside</h2><div class=wide><table><thead><tr><th>value</th><th>role</th><th>first (UTC)</th><th>last (UTC)</th></tr></thead><tbody>")
		for _, x := range t.Infrastructure {
			p("<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>", esc(x.Value), esc(x.Role), esc(minute(x.First)), esc(minute(x.Last)))
		}
		p("</tbody></table></div><h2>Host by host</h2><p class=note>Who came, which programs ran, what they left and where they called.</p>")
		for _, h := range t.Hosts {
			t.hostPicture(p, h.Host)
		}
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

// signList lists what speaks for an intrusion beside the rules.
func (t *Trail) signList(p func(string, ...any)) {
	if len(t.Signs) == 0 {
		return
	}
	p("<h2>What speaks for it</h2><div class=wide><table><thead><tr><th>first (UTC)</th><th>sign</th><th>tactic</th><th>records</th></tr></thead><tbody>")
	for _, s := range t.Signs {
		p("<tr><td>%s</td><td>%s</td><td class=tactic>%s</td><td class=refs>%s</td></tr>", esc(minute(s.First)), esc(sentence(s.What)), esc(s.Tactic), esc(records(s.Refs)))
	}
	p("</tbody></table></div>")
}

// records names up to three records, and how many more there are, as cite does.
func records(refs []Ref) string { return strings.ReplaceAll(strings.Trim(cite(refs), " []"), "`", "") }

// figures gives the trail in numbers.
func (t *Trail) figures(p func(string, ...any)) {
	figure := func(what, number, more string) {
		p("<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>", what, esc(number), esc(more))
	}
	p("<dl class=figures>")
	if len(t.Hosts) > 0 {
		first, last := t.Hosts[0].First, t.Hosts[0].Last
		for _, h := range t.Hosts {
			first, last = min(first, h.First), max(last, h.Last)
		}
		figure("Hosts", strconv.Itoa(len(t.Hosts)), "")
		figure("First trace", dateOf(first), "last "+dateOf(last))
	}
	if len(t.Implant) > 0 {
		figure("Implant", t.Implant[0].Name, fmt.Sprintf("on %d hosts", len(t.Implant[0].Hosts)))
	}
	figure("Places outside", strconv.Itoa(len(t.Infrastructure)), "")
	sent := "not told by any record"
	if t.SentBytes > 0 {
		sent = bytesText(t.SentBytes)
	}
	figure("Sent out", sent, fmt.Sprintf("%d staged files", len(t.Staged)))
	p("</dl>")
}

// bytesText writes a number of bytes with three digits or so.
func bytesText(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	x, i := float64(n), 0
	for x >= 1024 && i < len(units)-1 {
		x, i = x/1024, i+1
	}
	return fmt.Sprintf("%.3g %s", x, units[i])
}

// dateOf is the date of a time.
func dateOf(at string) string {
	d, _, _ := strings.Cut(at, "T")
	return d
}

const pageStyle = `:root{--page:#f6f7f9;--surface:#fff;--ink:#17202e;--soft:#55627a;--line:#dfe4ec;--accent:#1f4f8f;--grave:#86134b;color-scheme:light}` +
	`@media(prefers-color-scheme:dark){:root{--page:#10151d;--surface:#171e29;--ink:#e7ecf4;--soft:#a0adc0;--line:#293445;--accent:#86b6ee;--grave:#dd6c9d;color-scheme:dark}}` +
	`body{font:15px/1.55 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1.5em;color:var(--ink);background:var(--page)}` +
	`h1{font-size:34px;line-height:1.2;margin:0}h2{font-size:19px;margin:2.2em 0 .5em}h3{font-size:14px;margin:1.6em 0 .4em}.eyebrow,.note{color:var(--soft);font-size:13.5px;margin:0 0 .6em}.verdict{color:var(--grave);font-size:18px;font-weight:560;margin:.4em 0 1em}` +
	`.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));margin:1.4em 0;border:1px solid var(--line);border-radius:8px;background:var(--surface);overflow:hidden}.figures>div{padding:14px 18px;box-shadow:-1px 0 0 var(--line),0 -1px 0 var(--line)}` +
	`.figures dt{color:var(--soft);font-size:13px}.figures dd{margin:0;font-size:17px;font-weight:600;overflow-wrap:anywhere}.figures small{display:block;font-size:12.5px;font-weight:400;color:var(--soft)}` +
	`table{border-collapse:collapse;width:100%;font-size:13px;background:var(--surface);border:1px solid var(--line);border-radius:8px}th{color:var(--soft);font-weight:500}td,th{border-bottom:1px solid var(--line);padding:5px 9px;text-align:left;vertical-align:top}td{overflow-wrap:anywhere}td:first-child,.id{white-space:nowrap}.tactic{overflow-wrap:normal}.refs{font:11px/1.5 ui-monospace,monospace;color:var(--soft);min-width:16em}.moves{width:auto;margin-top:.5em}.wide{overflow-x:auto}` +
	`.hosts{display:flex;flex-wrap:wrap;gap:0 1.3em;list-style:none;margin:.6em 0 0;padding:0}.hosts li{display:flex;gap:.4em;overflow-wrap:anywhere}` + // a name stays beside its colour
	`.none{background:var(--surface);border-left:4px solid var(--accent);padding:1em}@media print{body{background:#fff}h2,h3,svg,tr{break-inside:avoid}}`

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
		p(`<text x="8" y="%d">%s</text><line x1="170" x2="1000" y1="%d" y2="%d" class="lane"/>`, y+4, esc(r), y, y)
	}
	for _, s := range t.Stages {
		y := 20 + 26*slices.Index(rows, s.Tactic)
		a, b := x(at(s.Time)), x(at(s.Last))
		p(`<g><title>%s %s: %s</title><rect x="%.1f" y="%d" width="%.1f" height="8" rx="4" fill="%s" fill-opacity=".75"/></g>`, esc(minute(s.Time)), esc(s.Host), esc(s.Text), a-4, y-4, max(8, b-a+8), cmp.Or(color[s.Host], "#57606a"))
	}
	p(`<text x="170" y="%d">%s</text><text x="1000" y="%d" text-anchor="end">%s</text></svg><ul class="hosts">`, height-8, esc(minute(t.Stages[0].Time)), height-8, esc(minute(time.Unix(0, to).UTC().Format(time.RFC3339Nano))))
	for _, h := range t.Hosts {
		p(`<li><span style="color:%s">&#9632;</span><span>%s</span></li>`, color[h.Host], esc(h.Host))
	}
	p("</ul>")
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
		b.x, b.y = 10+b.column*262, 24+26*rows[b.column]
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
		x1, x2 := a.x+190, b.x
		if a.column >= b.column { // back, or within a column: around the right side, in the gap between columns
			x1, x2 = a.x+190, b.x+190
		}
		p(`<path class="link" d="M%d %d C%d %d %d %d %d %d"><title>%s %s %s (%d)</title></path>`, x1, a.y, (x1+x2)/2+20, a.y, (x1+x2)/2+20, b.y, x2, b.y, esc(a.label), esc(l.kind), esc(b.label), lines[l])
	}
	for _, k := range keys {
		b := boxes[k]
		p(`<g class="box"><title>%s</title><rect x="%d" y="%d" width="190" height="20" rx="4" stroke="%s"/><text x="%d" y="%d">%s</text></g>`, esc(b.label), b.x, b.y-10, palette[b.column], b.x+6, b.y+4, esc(fit(b.label, 30)))
	}
	p("</svg>")
}
