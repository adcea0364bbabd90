package trail

import (
	"path"
	"strings"
	"time"
)

// The way in by servers that answer requests.

// atPage joins a page that was written with the URLs under which it was asked for.
func (w *walker) atPage(a *arrival) policy {
	if a.from == noNode {
		return policy{factor: 0.95}
	}
	return policy{factor: 0.95, step: func(e *edge, other Node, _ bool) float64 {
		if w.kind(other) == w.kind(a.from) {
			return 0
		}
		file, url := a.from, other
		if w.kind(file) != File {
			file, url = other, a.from
		}
		return w.servedAs(w.key(file), w.key(url))
	}}
}

// servedAs says how likely a file is what a server answers with at a URL.
func (w *walker) servedAs(file, url nodeKey) float64 {
	if file.host != "" && url.host != "" && file.host != url.host && !isAddress([]byte(url.host)) && !inFolder([]byte(url.host)) {
		return 0
	}
	p, u := strings.ReplaceAll(file.value, `\`, "/"), path.Clean("/"+strings.ToLower(url.value))
	same := 0
	for p != "" && u != "" && path.Base(p) == path.Base(u) && path.Base(u) != "/" {
		same++
		p, u = strings.TrimSuffix(path.Dir(p), "/"), path.Dir(u)
	}
	switch {
	case same == 0:
		return 0
	case same > 1 || path.Base(u) == "/" || u == "":
		return 1
	}
	return 0.7 // a folder that is mapped to another place
}

const (
	// beforeShell and afterShell are between which moments a request lies that makes a server start a shell: logs tell the beginning of a request or its
	// end, and the end may be late.
	beforeShell = 5 * second
	atShell     = 2 * second
	afterShell  = 30 * second
)

// requestAt says whether a request, or one of those that are folded into it, lies about the start of a shell.
func requestAt(e *edge, shell, after int64) bool {
	return e.Time <= shell+after && e.Time+int64(e.Span)*second >= shell-beforeShell
}

// atWebServer goes from a shell that a server started to the requests that made it do so: those of the seconds about it whose sender came for little
// else, or the only one; and from the intruder's requests to the shells that they started.
func (w *walker) atWebServer(a *arrival) policy {
	if a.via.Rel.asks() {
		if a.from == noNode || w.kind(a.from) != Address || w.shellDays(a.node) > 5 {
			return shut
		}
		end := a.time + int64(a.via.Span)*second + afterShell
		return policy{within: end - a.time, factor: 0.85, step: func(e *edge, _ Node, forward bool) float64 {
			return when(forward && e.Rel == Started && requestAt(&a.via, e.Time, atShell), 1)
		}}
	}
	after := atShell
	senders := w.askedAbout(a, after)
	if len(senders) == 0 {
		after = afterShell
		senders = w.askedAbout(a, after)
	}
	return policy{within: int64(time.Hour), factor: 1, step: func(e *edge, other Node, forward bool) float64 {
		if forward || !e.Rel.asks() || !senders[other] || !requestAt(e, a.time, after) {
			return 0
		}
		switch {
		case len(senders) <= 3 && w.cameForShells(other, a.node):
			return 0.85
		case len(senders) == 1:
			return 0.7
		}
		return 0
	}}
}

// askedAbout gives who from outside asked a server about the start of a shell.
func (w *walker) askedAbout(a *arrival, after int64) map[Node]bool {
	in, _ := w.in(a.node, a.time-int64(time.Hour), a.time+after)
	senders := map[Node]bool{}
	for i := range in {
		if in[i].Rel.asks() && requestAt(&in[i], a.time, after) && !w.internal(w.key(in[i].From)) {
			senders[in[i].From] = true
		}
	}
	return senders
}

// cameForShells says whether most of what an address asked a server for was asked about the start of a shell.
func (w *walker) cameForShells(from, server Node) bool {
	var shells []int64
	out, _ := w.out(server, never, always)
	for i := range out {
		if out[i].Rel == Started {
			shells = append(shells, out[i].Time)
		}
	}
	all, more := w.out(from, never, always)
	hits, n := 0, 0
	for i := range all {
		if !all[i].Rel.asks() || all[i].To != server {
			continue
		}
		n++
		for _, t := range shells {
			if requestAt(&all[i], t, afterShell) {
				hits++
				break
			}
		}
	}
	return !more && hits*2 >= n
}

// shellDays is on how many days a server started shells: one that does so by design says nothing by it.
func (w *walker) shellDays(server Node) int {
	days := map[int64]bool{}
	out, _ := w.out(server, never, always)
	for i := range out {
		if out[i].Rel == Started {
			days[out[i].Time/int64(24*time.Hour)] = true
		}
	}
	return len(days)
}
