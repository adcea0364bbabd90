package attribution

import (
	"html/template"
	"strings"
)

// Parts are the pictures and tables of a result as HTML, to stand inside a page that has PartStyle. Nothing of the case becomes markup.
type Parts struct {
	Assessed template.HTML // the assessment beside the naming decisions
	Time     template.HTML // claims and incident on one axis, with the days from report to publication
	Claims   template.HTML // what each claim is worth
	Matrices template.HTML // hypotheses against evidence, with what tells them apart
	Changes  template.HTML // what would change the answer
}

// Parts renders the parts of the page.
func (r *Result) Parts() (p Parts, err error) {
	view := r.page()
	for name, to := range map[string]*template.HTML{"assessed": &p.Assessed, "time": &p.Time, "claims": &p.Claims, "matrices": &p.Matrices, "changes": &p.Changes} {
		var out strings.Builder
		if err := write(&out, name, view); err != nil {
			return p, err
		}
		*to = template.HTML(out.String())
	}
	return p, nil
}

// PartStyle is the style of the parts; scope is a selector that they stand under, "" for the whole page. It uses the custom properties
// --soft, --line, --blue and --amber.
func PartStyle(scope string) template.CSS {
	if scope != "" {
		scope += " "
	}
	return template.CSS(strings.ReplaceAll(partStyle, "§", scope))
}

const partStyle = `§th{font-weight:600;background:#f5f7f9}§td.num{text-align:right;white-space:nowrap}
§td.r{text-align:center;font-weight:600;min-width:3.2rem}§th{overflow-wrap:break-word;hyphens:auto}§.matrix th:first-child{min-width:15rem}§td.r.cc{background:#cfe5d8}§td.r.c{background:#e6f2ea}§td.r.n{background:#fff;color:var(--soft)}§td.r.i{background:#f7dfdf}§td.r.ii{background:#eab8ba}
§td.r.differs{outline:2px solid var(--amber);outline-offset:-3px}
§.bar{height:.6rem;background:var(--blue);border-radius:2px;min-width:1px}§.barcell{width:150px}
§.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem}§.two .box{border:1px solid var(--line);border-radius:6px;padding:.7rem 1rem}§.two .box b.big{display:block;font-size:1.05rem}
§.left-out td{color:var(--soft);text-decoration:line-through}§.wide{overflow-x:auto}
@media print{§.bar,§td.r{print-color-adjust:exact;-webkit-print-color-adjust:exact}§.wide{overflow:visible}§.matrix{table-layout:fixed;font-size:.8em}§.matrix th:first-child{min-width:0;width:28%}§.barcell{width:9%}}`

// PartStyle is for the page's template.
func (p page) PartStyle() template.CSS { return PartStyle("") }
