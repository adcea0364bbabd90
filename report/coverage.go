package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
)

// Coverage explains a certificate in words, with a picture of when each source of each host spoke.
func Coverage(w io.Writer, c *coverage.Certificate, width int) error {
	var out strings.Builder
	if width <= 0 {
		width = 100
	}
	for i := range c.Orgs {
		orgCoverage(&out, &c.Orgs[i], width)
	}
	damaged, records := 0, uint64(0)
	for i := range c.Files {
		records += c.Files[i].Records
		if len(c.Files[i].Damage) > 0 {
			damaged++
		}
	}
	fmt.Fprintf(&out, "Files: %s read, %s, %s damaged.\n", count(uint64(len(c.Files))), plural(int(records), "record", "records"), count(uint64(damaged)))
	for i := range c.Files {
		for n, d := range c.Files[i].Damage {
			if n == 3 {
				fmt.Fprintf(&out, "  … and %d more in this file\n", len(c.Files[i].Damage)-n+c.Files[i].MoreDamage)
				break
			}
			fmt.Fprintf(&out, "  %s at byte %s: %s\n", Clean(c.Files[i].Path), count(d.Offset), Clean(d.Reason))
		}
	}
	if len(c.Unrecognised) > 0 {
		fmt.Fprintf(&out, "Not read: %s.\n", plural(len(c.Unrecognised), "file", "files"))
		for n, u := range c.Unrecognised {
			if n == 20 {
				fmt.Fprintf(&out, "  … and %d more\n", len(c.Unrecognised)-n)
				break
			}
			fmt.Fprintf(&out, "  %s: %s\n", Clean(u.Path), Clean(u.Reason))
		}
	}
	for _, n := range c.NotRead {
		fmt.Fprintf(&out, "Present and not read by this version: %s (%s)\n", Clean(n.Path), Clean(n.What))
	}
	r := &c.Rules
	fmt.Fprintf(&out, "Rules: %s asked: %s found, %s searched and not found, %s not searchable here, %s rejected.\n", count(uint64(r.Loaded)), count(uint64(r.Found)),
		count(uint64(r.SearchedClean)), count(uint64(len(r.NotSearchable))), count(uint64(len(r.Rejected))))
	for _, x := range r.Rejected {
		fmt.Fprintf(&out, "  rejected: %s %s: %s\n", Clean(x.File), Clean(x.ID), Clean(x.Reason))
	}
	reasons := map[string]int{}
	for _, n := range r.NotSearchable {
		reasons[n.Reason]++
	}
	order := make([]string, 0, len(reasons))
	for reason := range reasons {
		order = append(order, reason)
	}
	slices.SortFunc(order, func(a, b string) int {
		if reasons[a] != reasons[b] {
			return reasons[b] - reasons[a]
		}
		return strings.Compare(a, b)
	})
	for i, reason := range order {
		if i == 15 {
			fmt.Fprintf(&out, "  … and %d more reasons\n", len(order)-i)
			break
		}
		fmt.Fprintf(&out, "  not searchable: %s: %s\n", plural(reasons[reason], "rule", "rules"), Clean(reason))
	}
	for _, u := range r.Uncertain {
		fmt.Fprintf(&out, "  uncertain: %s: %s\n", Clean(u.ID), Clean(u.Reason))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func orgCoverage(out *strings.Builder, o *coverage.Org, width int) {
	fmt.Fprintf(out, "%s: hosts covered: %s\n", Clean(o.Name), o.Denominator)
	for _, d := range o.Silent {
		critical := ""
		if d.Critical {
			critical = ", critical"
		}
		fmt.Fprintf(out, "  nothing from %s (%s%s)\n", Clean(d.Host), Clean(orDash(d.Role)), critical)
	}
	from, to := int64(0), int64(0)
	for i := range o.Hosts {
		for _, s := range o.Hosts[i].Sources {
			a, errA := event.ParseTime(s.First)
			b, errB := event.ParseTime(s.Last)
			if errA != nil || errB != nil {
				continue
			}
			if from == 0 || a < from {
				from = a
			}
			to = max(to, b)
		}
	}
	label := 0
	for i := range o.Hosts {
		for _, s := range o.Hosts[i].Sources {
			label = max(label, utf8.RuneCountInString(Clean(s.Source)))
		}
	}
	label = min(label, 48)
	bar := max(20, width-label-16)
	if to > from {
		fmt.Fprintf(out, "  %*s %s … %s\n", label+12, "", moment(from), moment(to))
	}
	for i := range o.Hosts {
		h := &o.Hosts[i]
		asked := ""
		for _, p := range o.Profiles {
			if p.ID == h.Profile {
				asked = fmt.Sprintf(", %d rules can be answered", p.Searchable)
			}
		}
		fmt.Fprintf(out, "  %s: %s found%s\n", orDash(Clean(h.Host)), plural(len(h.Found), "rule", "rules"), asked)
		for _, s := range h.Sources {
			name := shorten(Clean(s.Source), label)
			fmt.Fprintf(out, "    %s%s %8s %s\n", name, strings.Repeat(" ", label-utf8.RuneCountInString(name)), count(s.Records), spoke(s, from, to, bar))
			for n, g := range s.Gaps {
				if n == 5 {
					fmt.Fprintf(out, "      … and %d more gaps\n", len(s.Gaps)-n)
					break
				}
				fmt.Fprintf(out, "      %s: %s\n", strings.TrimSuffix(strings.TrimSuffix(g.From, "Z")+" – "+strings.TrimSuffix(g.To, "Z"), " – "), Clean(g.Why))
			}
		}
	}
	out.WriteByte('\n')
}

// spoke draws a source's span over the organisation's, its gaps left open.
func spoke(s coverage.Source, from, to int64, width int) string {
	first, errA := event.ParseTime(s.First)
	last, errB := event.ParseTime(s.Last)
	switch {
	case errA != nil || errB != nil:
		return "without times: " + Clean(cmp.Or(s.NoTimes, "no reason is given"))
	case to <= from:
		return moment(first)
	}
	cell := func(t int64) int {
		return min(width-1, max(0, int(float64(t-from)/float64(to-from)*float64(width))))
	}
	line := []rune(strings.Repeat("·", width))
	for i := cell(first); i <= cell(last); i++ {
		line[i] = '━'
	}
	for _, g := range s.Gaps {
		a, errA := event.ParseTime(g.From)
		b, errB := event.ParseTime(g.To)
		if errA != nil || errB != nil || b-a < int64(time.Minute) {
			continue
		}
		for i := cell(a) + 1; i < cell(b); i++ {
			line[i] = '·'
		}
	}
	return string(line)
}

// CoverageChanges prints what a second certificate adds to a first.
func CoverageChanges(w io.Writer, changes []coverage.Change) error {
	var out strings.Builder
	for _, c := range changes {
		sign := "+"
		if c.Worse {
			sign = "-"
		}
		place := strings.TrimSpace(Clean(c.Org) + " " + Clean(c.Host))
		if place != "" {
			place += ": "
		}
		fmt.Fprintf(&out, "%s %s%s\n", sign, place, Clean(c.Text))
	}
	if len(changes) == 0 {
		out.WriteString("The second sweep covers what the first did, no more and no less.\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}
