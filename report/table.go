package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/sweep"
)

// maxRows bounds what a table remembers: host names are the evidence's, rules are not.
const maxRows = 200_000

// Table prints findings by level, rule and host, and a verdict in one line.
type Table struct {
	Out   io.Writer
	Rows  int  // rows printed at the most; 0 for all
	Width int  // columns of the terminal; 0 for no bound
	Color bool // ANSI colours by level
	Orgs  bool // show the organisation of each row

	rows map[rowKey]*row
	more uint64
}

type rowKey struct {
	org, host string
	rule      finding.RuleID
}

type row struct {
	rowKey
	title       string
	level       finding.Level
	count       uint64
	first, last int64
}

// Finding implements sweep.Handler.
func (t *Table) Finding(f *finding.Finding) error {
	if t.rows == nil {
		t.rows = map[rowKey]*row{}
	}
	key := rowKey{f.Org, f.Host, f.Rule.ID}
	r := t.rows[key]
	if r == nil {
		if len(t.rows) == maxRows {
			t.more++
			return nil
		}
		r = &row{rowKey: key, title: f.Rule.Title, level: f.Rule.Level, first: f.Time}
		t.rows[key] = r
	}
	r.count++
	r.last = f.Time // findings come in order of time
	return nil
}

// End implements sweep.Handler.
func (t *Table) End(r *sweep.Result) error {
	var out strings.Builder
	rows := make([]*row, 0, len(t.rows))
	for _, x := range t.rows {
		rows = append(rows, x)
	}
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(b.level, a.level), cmp.Compare(a.org, b.org), cmp.Compare(a.host, b.host), cmp.Compare(a.first, b.first), cmp.Compare(a.rule, b.rule))
	})
	shown := rows
	if t.Rows > 0 && len(rows) > t.Rows {
		shown = rows[:t.Rows]
	}
	if len(shown) > 0 {
		t.print(&out, shown)
	}
	if n := len(rows) - len(shown); n > 0 || t.more > 0 {
		fmt.Fprintf(&out, "… and %s of lower level: see findings.jsonl\n", plural(n+int(t.more), "more row", "more rows"))
	}
	if out.Len() > 0 {
		out.WriteByte('\n')
	}
	out.WriteString(Verdict(r, rows2hosts(rows)))
	for _, x := range r.Remarks {
		fmt.Fprintf(&out, "\n%s\n", Clean(x.Title))
		for _, line := range x.Lines {
			out.WriteString(Clean(line) + "\n")
		}
	}
	_, err := io.WriteString(t.Out, out.String())
	return err
}

func rows2hosts(rows []*row) map[string]bool {
	grave := map[string]bool{}
	for _, x := range rows {
		if x.level >= finding.High {
			grave[x.org+"\x00"+x.host] = true
		}
	}
	return grave
}

func (t *Table) print(out *strings.Builder, rows []*row) {
	header := []string{"LEVEL", "HOST", "RULE", "COUNT", "FIRST (UTC)", "LAST (UTC)"}
	if t.Orgs {
		header = slices.Insert(header, 1, "ORGANISATION")
	}
	cells := [][]string{header}
	for _, r := range rows {
		line := []string{r.level.String(), orDash(Clean(r.host)), Clean(r.title), count(r.count), moment(r.first), moment(r.last)}
		if t.Orgs {
			line = slices.Insert(line, 1, Clean(r.org))
		}
		cells = append(cells, line)
	}
	title := slices.Index(header, "RULE")
	counts := slices.Index(header, "COUNT")
	widths := make([]int, len(header))
	for _, line := range cells {
		for i, c := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	host := slices.Index(header, "HOST")
	widths[host] = min(widths[host], 40)
	if t.Width > 0 {
		others := 2 * (len(widths) - 1)
		for i, w := range widths {
			if i != title {
				others += w
			}
		}
		widths[title] = max(24, min(widths[title], t.Width-others))
	}
	for n, line := range cells {
		for i, c := range line {
			c = shorten(c, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			switch {
			case i == counts:
				c = pad + c
			case i < len(line)-1:
				c += pad
			}
			if i == 0 && n > 0 && t.Color {
				c = colors[rows[n-1].level] + c + "\x1b[0m"
			}
			if i > 0 {
				out.WriteString("  ")
			}
			out.WriteString(c)
		}
		out.WriteByte('\n')
	}
}

var colors = map[finding.Level]string{
	finding.Critical: "\x1b[1;31m", finding.High: "\x1b[31m", finding.Medium: "\x1b[33m", finding.Low: "\x1b[36m", finding.Informational: "\x1b[2m", finding.NoLevel: "\x1b[2m",
}

// Verdict says in a few plain sentences what a sweep found and what it could not search.
func Verdict(r *sweep.Result, graveHosts map[string]bool) string {
	found := "no rule matched."
	grave := 0
	for _, rule := range r.Rules {
		if rule.Level >= finding.High && r.Found[rule.ID] > 0 {
			grave++
		}
	}
	switch {
	case grave > 0:
		found = fmt.Sprintf("%s of level high or critical matched on %s.", plural(grave, "rule", "rules"), plural(len(graveHosts), "host", "hosts"))
	case r.Stats.Findings > 0:
		found = fmt.Sprintf("nothing of level high or above; %s of lower level.", plural(int(r.Stats.Findings), "finding", "findings"))
	}
	return "Verdict: " + found + " " + searched(r)
}

// searched says what a sweep searched, and what it could not, each in a line.
func searched(r *sweep.Result) string {
	var out strings.Builder
	c := r.Certificate
	hosts, damaged := 0, 0
	for _, o := range c.Orgs {
		for _, h := range o.Hosts {
			if h.Host != "" {
				hosts++
			}
		}
	}
	for i := range c.Files {
		if len(c.Files[i].Damage) > 0 {
			damaged++
		}
	}
	fmt.Fprintf(&out, "Searched %s in %s from %s with %s", plural(int(r.Stats.Events), "event", "events"), plural(len(c.Files), "file", "files"),
		plural(hosts, "host", "hosts"), plural(c.Rules.Loaded, "rule", "rules"))
	if n := len(c.Rules.NotSearchable); n > 0 {
		fmt.Fprintf(&out, " (%s not searchable here)", count(uint64(n)))
	}
	out.WriteString(".\n")
	var limits []string
	if damaged > 0 {
		limits = append(limits, plural(damaged, "file is", "files are")+" damaged")
	}
	if n := len(c.Unrecognised); n > 0 {
		limits = append(limits, plural(n, "file was", "files were")+" not read")
	}
	if n := len(c.Rules.Rejected); n > 0 {
		limits = append(limits, plural(n, "rule was", "rules were")+" rejected")
	}
	if len(limits) > 0 {
		fmt.Fprintf(&out, "Limits: %s: see coverage.json.\n", strings.Join(limits, ", "))
	}
	return out.String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(uint64(n)) + " " + many
}

// count groups digits: 12,345.
func count(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func moment(ns int64) string {
	s := string(event.AppendTime(nil, ns))
	if len(s) < len("2020-01-02T15:04:05") {
		return "-"
	}
	return strings.Replace(s[:len("2020-01-02T15:04:05")], "T", " ", 1)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func shorten(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	r := []rune(s)
	return string(r[:width-1]) + "…"
}
