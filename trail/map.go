package trail

import (
	"cmp"
	"slices"
	"strings"
)

// move is a step of the intruder from one host to another, as a logon over the network tells it.
type move struct{ from, to, account, at string }

// moves gives the first step between each two hosts by each account, in order of time. Only steps between hosts of the trail count.
func (t *Trail) moves() []move {
	nodes := map[string]*NodeView{}
	for i := range t.Nodes {
		nodes[t.Nodes[i].ID] = &t.Nodes[i]
	}
	hosts := map[string]bool{}
	for _, h := range t.Hosts {
		hosts[h.Host] = true
	}
	first := map[move]string{}
	for i := range t.Edges {
		e := &t.Edges[i]
		from, to := nodes[e.From], nodes[e.To]
		if e.Kind != LoggedOn.String() || len(e.Refs) == 0 || e.Refs[0].Role != Intrusion || from == nil || to == nil {
			continue
		}
		who, ok := strings.CutPrefix(from.Label, "user:")
		account, source, named := strings.Cut(who, "@")
		if !ok || !named || !hosts[source] || !hosts[to.Host] || source == to.Host {
			continue
		}
		m := move{from: source, to: to.Host, account: account}
		if at, there := first[m]; !there || e.Time < at {
			first[m] = e.Time
		}
	}
	var out []move
	for m, at := range first {
		m.at = at
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b move) int {
		return cmp.Or(strings.Compare(a.at, b.at), strings.Compare(a.from, b.from), strings.Compare(a.to, b.to), strings.Compare(a.account, b.account))
	})
	return out
}

// reaches gives, for each host of the trail, the places outside that it was in touch with in the intrusion.
func (t *Trail) reaches() map[string]map[string]bool {
	nodes := map[string]*NodeView{}
	for i := range t.Nodes {
		nodes[t.Nodes[i].ID] = &t.Nodes[i]
	}
	outside := map[string]bool{}
	for _, x := range t.Infrastructure {
		outside[x.Value] = true
	}
	out := map[string]map[string]bool{}
	for i := range t.Edges {
		e := &t.Edges[i]
		if len(e.Refs) == 0 || e.Refs[0].Role != Intrusion {
			continue
		}
		for _, ends := range [2][2]string{{e.From, e.To}, {e.To, e.From}} {
			here, there := nodes[ends[0]], nodes[ends[1]]
			if here == nil || there == nil {
				continue
			}
			value := there.Label
			if ip, _, ok := strings.Cut(value, ":"); ok && there.Kind == "socket" {
				value = ip
			}
			if host := here.Host; host != "" && here.Kind == "process" && outside[value] {
				if out[host] == nil {
					out[host] = map[string]bool{}
				}
				out[host][value] = true
			}
		}
	}
	return out
}

// mapPicture draws the whole intrusion: from where it came on the left, its hosts by how many steps they are from the way in, and the
// places outside that they called on the right.
func (t *Trail) mapPicture(p func(string, ...any)) {
	moves, reaches := t.moves(), t.reaches()
	depth := map[string]int{}
	if t.Access.Host != "" {
		depth[t.Access.Host] = 0
	}
	for range t.Hosts {
		for _, m := range moves {
			d, ok := depth[m.from]
			if old, there := depth[m.to]; ok && (!there || old > d+1) {
				depth[m.to] = d + 1
			}
		}
	}
	deepest := 0
	for _, d := range depth {
		deepest = max(deepest, d)
	}
	for _, h := range t.Hosts {
		if _, ok := depth[h.Host]; !ok {
			depth[h.Host] = min(deepest, 1) // touched, but no logon says from where
		}
	}
	const width, boxWidth, boxHeight, row = 1010, 186, 34, 62
	columns := deepest + 3
	step := float64(width-boxWidth-4) / float64(columns-1)
	type box struct {
		label, sub, class string
		x, y              float64
	}
	boxes := map[string]*box{}
	var order []string
	rows := make([]int, columns)
	put := func(key, label, sub, class string, column int) {
		boxes[key] = &box{label, sub, class, 2 + step*float64(column), float64(24 + row*rows[column])}
		rows[column]++
		order = append(order, key)
	}
	entered := map[string]bool{} // places that touched the host of the way in before anything of ours called out
	for _, x := range t.Infrastructure {
		if refsMeet(x.Refs, t.Access.Refs) {
			entered[x.Value] = true
		}
	}
	for _, h := range t.Hosts {
		put("host "+h.Host, h.Host, "from "+minute(h.First), "host", 1+depth[h.Host])
	}
	for _, x := range t.Infrastructure {
		column := columns - 1
		if entered[x.Value] {
			column = 0
		}
		put("place "+x.Value, x.Value, cmp.Or(x.Role, "outside"), "place", column)
	}
	tallest := slices.Max(rows)
	for _, k := range order { // columns are centred
		b := boxes[k]
		b.y += float64(row*(tallest-rows[int((b.x-1)/step+.5)])) / 2
	}
	p(`<svg class="map" viewBox="0 0 %d %d" role="img" aria-label="The way of the intrusion over hosts"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" class="tip"/></marker></defs>`, width, 30+row*tallest)
	line := func(from, to, class, title string) {
		a, b := boxes[from], boxes[to]
		if a == nil || b == nil {
			return
		}
		x1, x2, y1, y2 := a.x+boxWidth, b.x, a.y+boxHeight/2, b.y+boxHeight/2
		bend := max(30, (x2-x1)/2)
		if a.x >= b.x { // back, or within a column: around the right side
			x2, bend = b.x+boxWidth, 46
			p(`<path class="%s" marker-end="url(#tip)" d="M%.0f %.0f C%.0f %.0f %.0f %.0f %.0f %.0f"><title>%s</title></path>`, class, x1, y1, x1+bend, y1, x2+bend, y2, x2, y2, esc(title))
			return
		}
		p(`<path class="%s" marker-end="url(#tip)" d="M%.0f %.0f C%.0f %.0f %.0f %.0f %.0f %.0f"><title>%s</title></path>`, class, x1, y1, x1+bend, y1, x2-bend, y2, x2, y2, esc(title))
	}
	for _, host := range sortedKeys(reaches) {
		for _, value := range sortedKeys(reaches[host]) {
			if !entered[value] {
				line("host "+host, "place "+value, "call", host+" calls "+value)
			}
		}
	}
	for _, value := range sortedKeys(entered) {
		line("place "+value, "host "+t.Access.Host, "step", value+" enters "+t.Access.Host)
	}
	for _, m := range moves {
		line("host "+m.from, "host "+m.to, "step", minute(m.at)+": "+m.from+" to "+m.to+" as "+m.account)
	}
	for _, k := range order {
		b := boxes[k]
		p(`<g class="%s"><title>%s</title><rect x="%.0f" y="%.0f" width="%d" height="%d" rx="5"/><text x="%.0f" y="%.0f">%s</text><text class="sub" x="%.0f" y="%.0f">%s</text></g>`,
			b.class, esc(b.label), b.x, b.y, boxWidth, boxHeight, b.x+9, b.y+15, esc(fit(b.label, 25)), b.x+9, b.y+28, esc(b.sub))
	}
	p("</svg>")
	if len(moves) > 0 {
		p("<table class=moves><thead><tr><th>when (UTC)</th><th>from</th><th>to</th><th>as</th></tr></thead><tbody>")
		for _, m := range moves {
			p("<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>", esc(minute(m.at)), esc(m.from), esc(m.to), esc(m.account))
		}
		p("</tbody></table>")
	}
}

// refsMeet says whether two lists name a record in common.
func refsMeet(a, b []Ref) bool {
	return slices.ContainsFunc(a, func(x Ref) bool {
		return slices.ContainsFunc(b, func(y Ref) bool { return x.File == y.File && x.Record == y.Record })
	})
}

// fit shortens a label to n characters; its end says more than its beginning.
func fit(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return "…" + string(r[len(r)-n+1:])
}
