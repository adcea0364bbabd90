package exposure

import (
	"fmt"
	"html/template"
	"io"
	"slices"
)

// pageRows bounds the rows of a table on the page; exposure.json has them all.
const pageRows = 40

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"n": grouped, "first": firstRows, "more": moreRows, "amount": amount, "count": func(n *uint64) string { return grouped(*n) }, "due": dueText,
}).Parse(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Whose data</title><style>body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#1b1f24;background:#fff}
table{border-collapse:collapse;margin:.5em 0 1.5em;font-size:13px}td,th{border-bottom:1px solid #d8dee4;padding:3px 10px 3px 0;text-align:left;vertical-align:top;overflow-wrap:break-word}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.long{white-space:normal}svg{max-width:100%;height:auto}.side{display:flex;flex-wrap:wrap;gap:0 3em}.late{color:#b3261e;font-weight:bold}small{color:#57606a}
@media print{h2{break-after:avoid}tr{break-inside:avoid}}</style></head><body><h1>Whose data</h1>{{.Picture}}
{{range .R.Orgs}}<h2>{{.Org}}</h2><table><tr><th>status</th><th>kind</th><th>unit</th><th>how many</th><th>how sure</th></tr>
{{range .Kinds}}<tr><td>{{.Status}}</td><td>{{.Kind}}</td><td>{{.Unit}}</td><td class="n{{if .Sealed}} long{{end}}">{{amount .}}</td><td>{{if .Exact}}exact{{else}}{{range .Why}}{{.}}<br>{{end}}{{end}}</td></tr>{{else}}<tr><td colspan="5">no passenger data recognised</td></tr>{{end}}</table>
<div class="side">{{if .Nationalities}}<div><h3>Nationalities</h3><table><tr><th>status</th><th>code</th><th>persons</th></tr>{{range first .Nationalities}}<tr><td>{{.Status}}</td><td>{{or .Code "unknown"}}</td><td class="n">{{n .Persons}}</td></tr>{{end}}</table>{{more .Nationalities}}</div>{{end}}
{{if .Routes}}<div><h3>Routes</h3><table><tr><th>status</th><th>from</th><th>to</th><th>journeys</th></tr>{{range first .Routes}}<tr><td>{{.Status}}</td><td>{{or .From "others"}}</td><td>{{.To}}</td><td class="n">{{n .Journeys}}</td></tr>{{end}}</table>{{more .Routes}}</div>{{end}}
{{range .Dates}}<div><h3>Journeys, {{.Status}}</h3><p>{{.First}} to {{.Last}}</p><table><tr><th>month</th><th>journeys</th></tr>{{range first .Months}}<tr><td>{{.Month}}</td><td class="n">{{n .Journeys}}</td></tr>{{end}}</table>{{more .Months}}</div>{{end}}</div>
{{if .Observed}}<h3>Counted by others</h3><table><tr><th>status</th><th>kind</th><th>at least</th><th>at most</th><th>by</th><th>source</th></tr>{{range .Observed}}<tr><td>{{.Status}}</td><td>{{.Kind}}</td><td class="n">{{n .Lower}} {{.Unit}}</td><td class="n">{{with .Upper}}{{count .}}{{else}}not known{{end}}</td><td>{{.By}}</td><td>{{.Source}}{{with .Unsaid}}; {{n .}} records do not say how much{{end}}</td></tr>{{end}}</table>{{end}}{{end}}
{{if .R.Overlap}}<h2>In common</h2><table><tr><th>organisations</th><th>by</th><th>persons</th></tr>{{range .R.Overlap}}<tr><td>{{.A}}, {{.B}}</td><td>{{.By}}</td><td class="n">{{if .Hidden}}fewer than 10, perhaps none{{else}}{{count .Count}}{{if not .Exact}} (estimated){{end}}{{end}}</td></tr>{{end}}</table>{{end}}
{{if .R.Duties}}<h2>Duties</h2><p><small>{{.Notice}}</small></p><table><tr><th>organisation</th><th>law</th><th>tell</th><th>clock starts when</th><th>within</th><th>state</th><th>due</th></tr>
{{range .R.Duties}}<tr><td>{{.Org}}</td><td>{{.Jurisdiction}}: {{.Law}}<br><small>from {{.From}}{{with .Until}} until {{.}}{{end}}; for {{.Who}}; {{.Threshold}}</small></td><td>{{.Tell}}</td><td>{{.Start}}</td><td>{{.Deadline}}</td><td class="{{if eq .State "overdue"}}late{{end}}">{{.State}}</td><td>{{due .}}{{range .Assumed}}<br><small>{{.}}</small>{{end}}</td></tr>{{end}}</table>{{end}}
{{if .R.Unread}}<h2>Not read</h2><table><tr><th>organisation</th><th>path</th><th>why</th></tr>{{range first .R.Unread}}<tr><td>{{.Org}}</td><td>{{.Name}}</td><td>{{.Reason}}{{if .Open}}; it may hold records{{end}}</td></tr>{{end}}</table>{{more .R.Unread}}{{end}}
<p><small>Persons are told apart by {{.R.Identity}}. At most {{.Rows}} rows of a table are shown; exposure.json has all.</small></p></body></html>
`))

// WritePage writes everything as one page without scripts or anything from elsewhere. Texts from evidence are escaped.
func (r *Result) WritePage(w io.Writer) error {
	err := page.Execute(w, map[string]any{"R": r, "Picture": template.HTML(r.Picture()), "Notice": Notice, "Rows": pageRows})
	if err != nil {
		return fmt.Errorf("exposure: write page: %w", err)
	}
	return nil
}

func firstRows(list any) any {
	switch l := list.(type) {
	case []Nationality:
		return l[:min(len(l), pageRows)]
	case []Route:
		return l[:min(len(l), pageRows)]
	case []Month: // the latest
		return l[max(0, len(l)-pageRows):]
	case []Loss:
		return l[:min(len(l), pageRows)]
	}
	return list
}

func moreRows(list any) string {
	n := 0
	switch l := list.(type) {
	case []Nationality:
		n = len(l)
	case []Route:
		n = len(l)
	case []Month:
		n = len(l)
	case []Loss:
		n = len(l)
	}
	if n <= pageRows {
		return ""
	}
	return fmt.Sprintf("and %d more", n-pageRows)
}

// amount writes a count as it may be said.
func amount(k KindCount) string {
	switch {
	case k.Exact != nil:
		return grouped(*k.Exact)
	case k.Upper == nil && k.Estimate == k.Lower: // nothing is known of what could not be read
		return "at least " + grouped(k.Lower)
	case k.Upper == nil:
		return fmt.Sprintf("at least %s, %sabout %s (90 %%: %s–%s)", grouped(k.Lower), withSealed(k), grouped(k.Estimate), grouped(k.Interval[0]), grouped(k.Interval[1]))
	}
	return fmt.Sprintf("%s–%s, about %s (90 %%: %s–%s)", grouped(k.Lower), grouped(*k.Upper), grouped(k.Estimate), grouped(k.Interval[0]), grouped(k.Interval[1]))
}

// withSealed says of an estimate that it takes in what nobody can open.
func withSealed(k KindCount) string {
	if k.Sealed == 0 {
		return ""
	}
	return "with what cannot be opened "
}

func dueText(c Clock) string {
	if c.HoursLeft == nil || !slices.Contains([]string{"running", "overdue"}, c.State) {
		return c.Due
	}
	return fmt.Sprintf("%s (%d h left)", c.Due, *c.HoursLeft)
}
