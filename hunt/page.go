package hunt

import (
	"fmt"
	"html/template"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/report"
)

// writePage writes hunt.html: one page without scripts that loads nothing. It links to what stands in the folder beside it.
func (s *State) writePage(dir string) error {
	return report.WriteFile(filepath.Join(dir, "hunt.html"), func(w io.Writer) error { return page.Execute(w, s.view()) })
}

// pageView is what the page shows.
type pageView struct {
	*State
	Headline string
	Rows     []orgRow
	Waiting  []Lesson
	Learnt   []Lesson
	Refused  int
}

// orgRow is an organisation over all waves.
type orgRow struct {
	Org      string
	Class    string
	Last     OrgView
	Verdicts []kinship.Verdict
	Folder   string // of its trail in the last wave
}

func (s *State) view() pageView {
	v := pageView{State: s, Headline: s.headline()}
	for _, l := range s.Lessons {
		switch l.Decision {
		case Waiting:
			v.Waiting = append(v.Waiting, l)
		case Approved:
			v.Learnt = append(v.Learnt, l)
		default:
			v.Refused++
		}
	}
	if len(s.Waves) == 0 {
		return v
	}
	last := &s.Waves[len(s.Waves)-1]
	for _, o := range last.Orgs {
		r := orgRow{Org: o.Org, Last: o, Class: string(o.Verdict), Folder: (&url.URL{Path: last.Folder + "/orgs/" + filepath.ToSlash(o.Org) + "/"}).String()}
		for _, w := range s.Waves {
			for _, x := range w.Orgs {
				if x.Org == o.Org {
					r.Verdicts = append(r.Verdicts, x.Verdict)
				}
			}
		}
		v.Rows = append(v.Rows, r)
	}
	order := []kinship.Verdict{kinship.SameIntrusion, kinship.Related, kinship.NotEnough, kinship.Unrelated, kinship.NotFound}
	slices.SortStableFunc(v.Rows, func(a, b orgRow) int {
		return slices.Index(order, a.Last.Verdict) - slices.Index(order, b.Last.Verdict)
	})
	return v
}

// headline says the result in one sentence.
func (s *State) headline() string {
	if s.Status == NoneToHunt {
		return "No intrusion was established in the first victim, so there is nothing to hunt."
	}
	if s.Status == NoneToAsk {
		return "Nothing that the first victim shows was let in, so there is nothing to ask others with."
	}
	if len(s.Waves) == 0 {
		return "No organisation has been asked yet."
	}
	n := map[kinship.Verdict]int{}
	orgs := s.Waves[len(s.Waves)-1].Orgs
	for _, o := range orgs {
		n[o.Verdict]++
	}
	var parts []string
	for _, x := range []struct {
		v    kinship.Verdict
		text string
	}{{kinship.SameIntrusion, "have the same intrusion"}, {kinship.Related, "a related one"}, {kinship.Unrelated, "an unrelated one"}, {kinship.NotFound, "were searched and show nothing"}, {kinship.NotEnough, "cannot be judged by what they handed over"}} {
		if n[x.v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[x.v], x.text))
		}
	}
	return fmt.Sprintf("Of %d organisations %s.", len(orgs), strings.Join(parts, ", "))
}

var page = template.Must(template.New("hunt").Funcs(template.FuncMap{
	"join":   func(s []string) string { return report.Clean(strings.Join(s, ", ")) },
	"clean":  report.Clean,
	"minute": func(s string) string { return strings.Replace(s[:min(len(s), 16)], "T", " ", 1) },
	"safe":   func(s string) template.URL { return template.URL(s) }, // of our own making, escaped
}).Parse(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>Hunt</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;font-size:13px}td,th{border-bottom:1px solid #d8dee4;padding:3px 6px;text-align:left;vertical-align:top;overflow-wrap:anywhere}
.same-intrusion{background:#fdecea}.related{background:#fff4e0}.not-found{background:#eef6ee}.lead{font-size:18px}.draft{background:#fff4e0;padding:.5em 1em}.wait{background:#eaf2fd;padding:.5em 1em}
</style></head><body>
<h1>Hunt{{if .First}} from {{clean .First}}{{end}}</h1>
{{if .Draft}}<p class="draft"><b>DRAFT.</b> The fingerprint is not signed: nothing here may leave.</p>{{end}}
<p class="lead">{{.Headline}}</p>
<p{{if .Waiting}} class="wait"{{end}}>{{.Status}}: {{clean .Why}}.</p>
{{if .First}}<p>How the first victim was entered: <a href="first/trace.html">trace</a>, <a href="first/story.md">story</a>, <a href="first/report.html">findings and what was searched</a>.</p>{{end}}
{{if .Rows}}<h2>Organisations</h2>
<table><tr><th>organisation</th><th>verdict</th><th>band</th><th>decibans</th><th>since</th><th>why</th><th>over the waves</th></tr>
{{range .Rows}}<tr class="{{.Class}}"><td><a href="{{safe .Folder}}trace.html">{{clean .Org}}</a></td><td>{{.Last.Verdict}}{{if .Last.OtherIntrusion}}<br>another intrusion, too{{end}}</td><td>{{.Last.Band}}</td><td>{{printf "%.1f" .Last.Decibans}}</td><td>{{minute .Last.First}}</td><td>{{clean .Last.Why}}</td><td>{{range $i, $v := .Verdicts}}{{if $i}} → {{end}}{{$v}}{{end}}</td></tr>
{{end}}</table>{{end}}
{{if .Waves}}<h2>Waves</h2>
<table><tr><th>wave</th><th>version asked</th><th>items</th><th>signed by</th><th>put forward</th><th>lost weight</th><th>read</th></tr>
{{range .Waves}}<tr><td><a href="{{.Folder}}/report.html">{{.Wave}}</a></td><td>{{.Version}}</td><td>{{.Items}}</td><td>{{if .SignedBy}}{{join .SignedBy}}{{else}}nobody{{end}}</td><td>{{.Taught}}</td><td>{{len .Demoted}}</td><td>{{if .Complete}}everything{{else}}not everything: see the report{{end}}</td></tr>
{{end}}</table>{{end}}
{{if .Waiting}}<h2>Waiting for a person</h2>
<table><tr><th>kind</th><th>value</th><th>tier</th><th>decibans</th><th>shown by</th><th>wave</th><th>doubt</th></tr>
{{range .Waiting}}<tr><td>{{.Kind}}</td><td>{{clean .Value}}</td><td>{{.Tier}}</td><td>{{printf "%.1f" .Decibans}}</td><td>{{join .Orgs}}</td><td>{{.Wave}}</td><td>{{clean .Doubt}}</td></tr>
{{end}}</table>{{end}}
{{if .Learnt}}<h2>The fingerprint, and who taught it</h2>
<table><tr><th>kind</th><th>value</th><th>tier</th><th>decibans</th><th>shown by</th><th>wave</th><th>let in by</th></tr>
{{range .Learnt}}<tr><td>{{.Kind}}</td><td>{{clean .Value}}</td><td>{{.Tier}}</td><td>{{printf "%.1f" .Decibans}}</td><td>{{join .Orgs}}</td><td>{{.Wave}}</td><td>{{clean .By}}</td></tr>
{{end}}</table>{{end}}
{{if .Refused}}<p>{{.Refused}} things were put forward and not let in: hunt.json lists them.</p>{{end}}
{{range .Waves}}{{if .Demoted}}<h2>What lost weight in wave {{.Wave}}</h2><p>It was found where, or when, the intruder was not.</p>
<table><tr><th>kind</th><th>value</th><th>from</th><th>to</th><th>seen on</th></tr>{{range .Demoted}}<tr><td>{{.Kind}}</td><td>{{clean .Value}}</td><td>{{.From}}</td><td>{{.To}}</td><td>{{.Seen}} of {{.Hosts}} hosts</td></tr>
{{end}}</table>{{end}}{{end}}
</body></html>
`))
