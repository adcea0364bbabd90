package trail

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// WriteStory writes story.md: the intrusion in plain words, each sentence with the records it rests on. Text from the evidence is quoted as
// code, so that it cannot pass for Markdown.
func (t *Trail) WriteStory(out io.Writer) error {
	w := bufio.NewWriter(out)
	line := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	line("# Trail of %s\n", code(t.Org))
	if !t.Established {
		line("**No intrusion established.** %s.\n", code2(t.reason()))
		t.storySigns(line)
		t.storyStarts(line)
		t.storyUnseen(line)
		return w.Flush()
	}
	line("An intrusion is established: %s.\n", code2(t.Why))
	if t.Cut {
		line("The walk was ended by its bound: there is more than is told here.\n")
	}
	if len(t.Hosts) > 0 {
		line("It touched %s, from %s to %s: %s.\n", count(len(t.Hosts), "host"), code2(minute(t.first())), code2(minute(t.last())), t.hostNames())
	}
	if len(t.Parts) > 1 {
		line("This is in %s that no record joins; they may be of different intruders:\n", count(len(t.Parts), "part"))
		for _, p := range t.Parts {
			line("- from %s to %s on %s", code2(minute(p.First)), code2(minute(p.Last)), list(p.Hosts))
		}
		line("")
	}
	t.storySigns(line)
	line("## The way in\n\n%s%s\n", code2(t.Access.Text), cite(t.Access.Refs))
	if len(t.Implant) > 0 {
		line("## The implant\n")
		for _, p := range t.Implant {
			line("- %s on %s, the source of %s.%s", code(p.Name), list(p.Hosts), count(p.Effects, "effect"), cite(p.Refs))
			for _, x := range p.Paths {
				line("  - %s", code(x))
			}
			for _, x := range p.SHA256 {
				line("  - SHA-256 %s", code(x))
			}
		}
		line("")
	}
	if len(t.Tools) > 0 {
		line("## Tools\n")
		for _, p := range t.Tools {
			line("- %s on %s, which nobody installed and which is no implant.%s", code(p.Name), list(p.Hosts), cite(p.Refs))
		}
		line("")
	}
	if len(t.Infrastructure) > 0 {
		line("## Names and addresses outside\n")
		for _, p := range t.Infrastructure {
			line("- %s (%s), from %s to %s.%s", code(p.Value), code2(p.Role), code2(minute(p.First)), code2(minute(p.Last)), cite(p.Refs))
		}
		line("")
	}
	line("## What happened\n")
	day := ""
	for _, s := range t.told() {
		if d := s.Time[:min(10, len(s.Time))]; d != day {
			day = d
			line("### %s\n", code2(day))
		}
		technique := s.Technique
		if technique != "" {
			technique = ", " + code2(technique)
		}
		on := ""
		if s.Host != "" { // a network's log tells of no host
			on = " on " + code(s.Host)
		}
		line("- %s%s: %s (%s%s).%s", code2(minute(s.Time)[11:]), on, strings.TrimSuffix(code2(s.Text), "."), code2(strings.ReplaceAll(s.Tactic, "-", " ")), technique, cite(s.Refs))
	}
	line("")
	if len(t.Staged) > 0 || t.SentBytes > 0 {
		line("## What was taken\n")
		for _, s := range t.Staged {
			line("- Files were packed into %s on %s at %s.%s", code(s.Path), code(s.Host), code2(minute(s.Time)), cite(s.Refs))
		}
		if t.SentBytes > 0 {
			line("- At least %d bytes left for the places above.", t.SentBytes)
		} else {
			line("- How many bytes left is not in this evidence.")
		}
		line("")
	}
	t.storyStarts(line)
	t.storyUnseen(line)
	return w.Flush()
}

// storySigns lists what speaks for an intrusion beside the rules.
func (t *Trail) storySigns(line func(string, ...any)) {
	if len(t.Signs) == 0 {
		return
	}
	line("## What speaks for it\n")
	for _, s := range t.Signs {
		line("- %s, first at %s.%s", code2(sentence(s.What)), code2(minute(s.First)), cite(s.Refs))
	}
	line("")
}

// told gives the stages as people read them: a rule that speaks of several tactics once, its tactics behind each other.
func (t *Trail) told() []Stage {
	var out []Stage
	moment := 0 // where the stages of the same moment begin
	for _, s := range t.Stages {
		if len(out) > 0 && out[moment].Time != s.Time {
			moment = len(out)
		}
		same := func(o Stage) bool { return o.Host == s.Host && o.Text == s.Text && o.Technique == s.Technique }
		if i := slices.IndexFunc(out[min(moment, len(out)):], same); i >= 0 {
			out[moment+i].Tactic += ", " + s.Tactic
			continue
		}
		out = append(out, s)
	}
	return out
}

// storyStarts tells the starts that led nowhere, those with one reason together.
func (t *Trail) storyStarts(line func(string, ...any)) {
	var order []string
	by := map[string][]string{}
	for _, s := range t.Starts {
		if !s.Established {
			if by[s.Why] == nil {
				order = append(order, s.Why)
			}
			by[s.Why] = append(by[s.Why], s.Start)
		}
	}
	if len(order) == 0 {
		return
	}
	line("## Starts that led to no intrusion\n")
	for _, why := range order {
		all := slices.Compact(by[why])
		more := ""
		if len(all) > 5 {
			more = fmt.Sprintf(" and %d more", len(all)-5)
		}
		line("- %s: %s%s.", code2(sentence(why)), list(all[:min(5, len(all))]), more)
	}
	line("")
}

func (t *Trail) storyUnseen(line func(string, ...any)) {
	if len(t.Unseen) == 0 {
		return
	}
	line("## What this evidence could not show\n")
	for _, s := range t.Unseen {
		line("- %s", code2(s))
	}
}

func (t *Trail) first() string { return t.Hosts[0].First }
func (t *Trail) last() string {
	last := ""
	for _, h := range t.Hosts {
		last = max(last, h.Last)
	}
	return last
}

func (t *Trail) hostNames() string {
	var names []string
	for _, h := range t.Hosts {
		names = append(names, h.Host)
	}
	return list(names)
}

func list(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = code(n)
	}
	return strings.Join(out, ", ")
}

// minute shows a time to the second.
func minute(s string) string {
	if len(s) >= 19 {
		return s[:10] + " " + s[11:19]
	}
	return s + strings.Repeat(" ", max(0, 19-len(s)))
}

// reason is why no intrusion is established, for where that it is not has just been said.
func (t *Trail) reason() string {
	return sentence(strings.TrimPrefix(t.Why, "no intrusion established: "))
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// code quotes text from the evidence; control characters and backticks are replaced.
func code(s string) string {
	if s == "" {
		return "(none)"
	}
	return "`" + plain(s) + "`"
}

// code2 escapes text of ours that may hold text from the evidence.
func code2(s string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", "[", "\\[", "]", "\\]", "*", "\\*", "_", "\\_", "`", "'").Replace(plain(s))
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f:
			return '\uFFFD'
		case r == '`':
			return '\''
		}
		return r
	}, s)
}

// cite names up to three records, and how many more there are.
func cite(refs []Ref) string {
	if len(refs) == 0 {
		return ""
	}
	var parts []string
	for _, r := range refs[:min(3, len(refs))] {
		parts = append(parts, code(r.File+":"+strconv.FormatUint(r.Record, 10)))
	}
	more := ""
	if n := len(refs) - 3; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return " [" + strings.Join(parts, ", ") + more + "]"
}

// WriteRemediation writes remediation.csv: what to do, in the order in which it should be done. Names and addresses are blocked and hosts cut off
// before anything is removed, lest the intruder be warned and return; accounts come last, when nothing is left that would steal the new passwords.
func (t *Trail) WriteRemediation(out io.Writer) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"order", "action", "what", "host", "detail", "record"}}
	add := func(action, what, host, detail string, refs []Ref) {
		record := ""
		if len(refs) > 0 {
			record = refs[0].File + ":" + strconv.FormatUint(refs[0].Record, 10)
		}
		rows = append(rows, []string{strconv.Itoa(len(rows)), action, cell(what), cell(host), cell(detail), cell(record)})
	}
	for _, p := range t.Infrastructure {
		if p.Kind == "device" {
			add("examine", p.Value, p.Value, "a device within, through which the intruder passed", p.Refs)
			continue
		}
		if ip, err := netip.ParseAddr(p.Value); err == nil && ip.IsPrivate() {
			add("examine", p.Value, "", "private address that the intruder used", p.Refs)
			continue
		}
		add("block", p.Value, "", p.Kind+", "+p.Role, p.Refs)
	}
	for _, h := range t.Hosts {
		if cloudServices[h.Host] {
			add("revoke", "sessions and tokens in "+h.Host, h.Host, "touched from "+minute(h.First)+" to "+minute(h.Last), nil)
			continue
		}
		add("isolate", h.Host, h.Host, "touched from "+minute(h.First)+" to "+minute(h.Last), nil)
	}
	for _, p := range t.Persistence {
		add("remove", p.Kind+" "+p.Name, p.Host, p.Runs, p.Refs)
	}
	for _, p := range t.Implant {
		for _, path := range p.Paths {
			host, file, _ := strings.Cut(path, ": ")
			add("remove", "file "+file, host, strings.Join(p.SHA256, " "), p.Refs)
		}
	}
	for _, p := range t.Tools {
		for _, path := range p.Paths {
			host, file, _ := strings.Cut(path, ": ")
			add("examine", "file "+file, host, "a tool of the intruder, or a program that he used", p.Refs)
		}
	}
	accounts := slices.Clone(t.Accounts)
	slices.SortStableFunc(accounts, func(a, b AccountView) int { return boolInt(b.Made) - boolInt(a.Made) })
	for _, a := range accounts {
		if a.Made {
			add("disable", "account "+a.Account, "", "made by the intruder", a.Refs)
		} else {
			add("reset", "account "+a.Account, "", "used by the intruder", a.Refs)
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("trail: write remediation: %w", err)
	}
	return nil
}

// cell keeps a spreadsheet from taking text of the evidence for a formula.
func cell(s string) string {
	s = plain(s)
	if s != "" && strings.ContainsRune("=+-@\t", rune(s[0])) {
		return "'" + s
	}
	return s
}
