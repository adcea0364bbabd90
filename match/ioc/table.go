package ioc

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
)

// readTable reads what is neither JSON nor XML nor prose: values one a line, or in columns.
func (r *reader) readTable(text string) {
	if lokiNames(text, r.base) {
		r.readNameExpressions(text)
		return
	}
	lines := sample(text, 50)
	if prose(lines) {
		r.readDocument(text)
		return
	}
	comma, wide := sniff(lines)
	header := []column(nil)
	if wide && len(lines) > 0 {
		header = headerOf(splitLine(lines[0], comma))
	}
	if header != nil {
		r.readCSV(text, comma, header)
		return
	}
	if len(lines) > 0 && strings.HasSuffix(strings.ToLower(r.base), ".csv") {
		if h := headerOf(splitLine(lines[0], ',')); h != nil {
			r.readCSV(text, ',', h)
			return
		}
		first, _ := guess(splitLine(lines[0], ',')[0])
		if wide && !anyGuess(splitLine(lines[0], comma)) && first.Kind == 0 && len(splitLine(lines[0], comma)) > 2 {
			r.report.Format = "csv"
			r.report.Why = "a table without a column that holds indicators"
			return
		}
	}
	r.readList(text, comma, wide)
}

// sample gives the first lines that are neither empty nor comments.
func sample(text string, most int) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if t := strings.TrimSpace(line); t == "" || isComment(t) {
			continue
		}
		if lines = append(lines, line[:min(len(line), 1<<16)]); len(lines) == most {
			break
		}
	}
	return lines
}

// prose says whether most lines are sentences.
func prose(lines []string) bool {
	n := 0
	for _, l := range lines {
		if len(strings.Fields(l)) >= 7 && strings.Count(l, ",")+strings.Count(l, "\t")+strings.Count(l, ";") < 3 {
			n++
		}
	}
	return n*2 > len(lines)
}

func isComment(line string) bool {
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") || strings.HasPrefix(line, ";")
}

// sniff finds the delimiter: the one that most lines have, the same number of times in most of them.
func sniff(lines []string) (comma rune, wide bool) {
	best := 0
	for _, d := range []rune{',', '\t', ';', '|'} {
		with := 0
		for _, l := range lines {
			if len(splitLine(l, d)) > 1 {
				with++
			}
		}
		if with > best {
			best, comma = with, d
		}
	}
	return comma, best*2 > len(lines)
}

func splitLine(line string, comma rune) []string {
	c := csv.NewReader(strings.NewReader(line))
	c.Comma, c.LazyQuotes, c.TrimLeadingSpace = comma, true, comma != '\t'
	fields, err := c.Read()
	if err != nil {
		return strings.Split(line, string(comma))
	}
	return fields
}

func anyGuess(fields []string) bool {
	for _, f := range fields {
		if t, ok := guess(f); ok && t.Kind != FileName {
			return true
		}
	}
	return false
}

// column says what a column of a table holds.
type column struct {
	kind Kind
	role columnRole
}

type columnRole uint8

const (
	ignored columnRole = iota
	valued             // of a fixed kind
	mixed              // of the kind that the type column or the value's form says
	typed              // names the kind of the row's mixed values
	titled             // says what the row is about
	graded             // confidence or level
)

// headerOf reads a header, nil when the row is none or has no column that can hold indicators.
func headerOf(fields []string) []column {
	if len(fields) == 0 || anyGuess(fields) {
		return nil
	}
	columns := make([]column, len(fields))
	values := 0
	for i, f := range fields {
		name := plain(f)
		switch name {
		case "value", "values", "indicator", "indicators", "ioc", "iocs", "iocvalue", "indicatorvalue", "observable", "artifact", "c2", "c2server", "c2s", "c2address", "target":
			columns[i].role = mixed
			values++
		case "type", "entitytype", "indicatortype", "ioctype", "kind", "attributetype", "valuetype", "observabletype":
			columns[i].role = typed
		case "description", "notes", "note", "comment", "comments", "title", "malwarefamily", "associatedmalware", "toolname", "campaign", "threatname":
			columns[i].role = titled
		case "confidence", "level", "severity":
			columns[i].role = graded
		default:
			if k := kindByName[name]; k != 0 {
				columns[i] = column{k, valued}
				values++
			}
		}
	}
	if values == 0 {
		return nil
	}
	return columns
}

func (r *reader) readCSV(text string, comma rune, columns []column) {
	r.report.Format = "csv"
	c := csv.NewReader(strings.NewReader(text))
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.ReuseRecord = comma, true, -1, true
	first := true
	abouts := map[string]*About{}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.report.Skipped++
			var p *csv.ParseError
			if errors.As(err, &p) {
				continue
			}
			return
		}
		if len(row) == 0 || len(row) == 1 && strings.TrimSpace(row[0]) == "" || isComment(strings.TrimSpace(row[0])) {
			continue
		}
		if first {
			first = false
			continue
		}
		r.row(row, columns, abouts)
	}
}

func (r *reader) row(row []string, columns []column, abouts map[string]*About) {
	kind, title, grade := Kind(0), "", ""
	for i, cell := range row {
		if i >= len(columns) {
			break
		}
		switch columns[i].role {
		case typed:
			kind = kindNamed(cell)
		case titled:
			if title == "" {
				title = strings.TrimSpace(cell)
			}
		case graded:
			grade = strings.ToLower(strings.TrimSpace(cell))
		}
	}
	about := r.about
	if title != "" && len(title) <= 300 || grade != "" {
		key := title + "\x00" + grade
		if about = abouts[key]; about == nil {
			about = &About{Title: r.about.Title, Source: r.name}
			if title != "" {
				about.Title = strings.Clone(title) + " (" + r.about.Title + ")"
			}
			about.grade(grade)
			if len(abouts) < 1<<16 {
				abouts[strings.Clone(key)] = about
			}
		}
	}
	took := false
	for i, cell := range row {
		if i >= len(columns) || columns[i].role != valued && columns[i].role != mixed {
			continue
		}
		k := columns[i].kind
		if columns[i].role == mixed {
			k = kind
		}
		took = r.cell(cell, k, about) || took
	}
	if !took {
		r.report.Skipped++
	}
}

func (a *About) grade(s string) {
	switch s {
	case "informational", "low", "medium", "high", "critical":
		a.Level = s
		return
	}
	if n := 0; isDigits(s) && len(s) <= 3 {
		for _, c := range s {
			n = n*10 + int(c-'0')
		}
		if n <= 100 {
			a.Confidence = n
		}
	}
}

// cell takes the values of one cell, of which there can be several. The form decides where it says more than the column's name.
func (r *reader) cell(cell string, k Kind, about *About) bool {
	cell = strings.TrimSpace(cell)
	if cell == "" || plain(cell) == "" || plain(cell) == "na" || plain(cell) == "unknown" {
		return false
	}
	parts := []string{cell}
	switch k {
	case 0, Hash, Address, Domain, URL, Email:
		if more := strings.FieldsFunc(cell, func(c rune) bool {
			return c == ',' && k != URL || c == ' ' || c == '\n' || c == '\r' || c == ';' || c == '\t'
		}); len(more) > 1 && allGuess(more) {
			parts = more
		}
	}
	took := false
	for _, p := range parts {
		t, ok := guess(p)
		switch {
		case ok && (k == 0 || t.Kind == k || k == Address || k == Domain || k == URL || k == Hash || (k == FileName || k == Process) && t.Kind == FilePath || k == FilePath && t.Kind == FileName):
			r.take("", t, about)
			took = true
		case k != 0:
			took = r.add("", k, Is, p, about) || took
		}
	}
	return took
}

func allGuess(parts []string) bool {
	for _, p := range parts {
		if t, ok := guess(p); !ok || t.Kind == FileName {
			return false
		}
	}
	return true
}

// readList reads lines of one value each, or of a value and remarks.
func (r *reader) readList(text string, comma rune, wide bool) {
	r.report.Format = "list"
	hint := hintOf(r.base)
	paths := strings.Contains(text[:min(len(text), 2000)], "Maltrail") // its lists give paths of URLs without a host
	section := Kind(0)
	if n := strings.Count(text, "\n"); n > 10_000 { // grown at once, a long list is not held twice
		r.c.Indicators = slices.Grow(r.c.Indicators, n)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || isComment(line) {
			continue
		}
		if at := strings.Index(line, " #"); at > 0 && !strings.Contains(line, "://") {
			line = strings.TrimSpace(line[:at])
		}
		if k := kindNamed(line); k != 0 && len(line) < 40 { // a heading: SHA256, Domains
			section = k
			continue
		}
		if paths && strings.HasPrefix(line, "/") {
			r.add("", URL, Contains, line, nil)
			continue
		}
		if r.line(line, comma, wide, hint, section) {
			continue
		}
		if value, _, _ := strings.Cut(line, " "); hint == 0 {
			if err := refused(value); err != nil {
				r.refuse(value, err.Error())
				continue
			}
		}
		r.report.Skipped++
	}
}

func (r *reader) line(line string, comma rune, wide bool, hint, section Kind) bool {
	whole, ok := guess(line)
	switch {
	case ok && hint != 0 && hint != whole.Kind && weak(whole.Kind): // com.example.app is no domain in a list of packages
		return r.add("", hint, Is, line, nil)
	case ok:
		r.take("", whole, nil)
		return true
	}
	fields := splitLine(line, comma)
	if !wide || len(fields) < 2 {
		fields = strings.Fields(line)
		if strings.Contains(line, ",") && hint == 0 {
			fields = strings.FieldsFunc(line, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' })
			if !allGuess(fields) {
				fields = strings.Fields(line)
			}
		}
	}
	took := false
	for i, f := range fields {
		t, ok := guess(f)
		if !ok || t.Kind == FileName || i > 0 && (comma == ';' || !wide) && !(t.Kind == Hash || isDefanged(f)) {
			if i == 0 && wide && comma == ';' {
				break
			}
			continue
		}
		r.take("", t, nil)
		took = true
	}
	if took {
		return true
	}
	if hint != 0 && len(line) <= 300 && (hint == FilePath || hint == CommandLine || hint == UserAgent || len(strings.Fields(line)) <= 3) {
		return r.add("", hint, Is, line, nil)
	}
	if section == Hash || section == 0 || len(strings.Fields(line)) > 1 {
		return false
	}
	return r.add("", section, Is, line, nil)
}

// weak says whether a guess can be mistaken: names with dots look alike.
func weak(k Kind) bool { return k == Domain || k == FileName || k == URL || k == FilePath || k == Hash }

// hintOf says what a list holds by its name: domains.txt, v4_domains.txt, package_names.txt.
func hintOf(base string) Kind {
	name := strings.ToLower(base)
	if at := strings.LastIndexByte(name, '.'); at > 0 {
		name = name[:at]
	}
	if strings.Contains(name, "keyword") {
		return Text
	}
	if k := kindNamed(name); k != 0 {
		return k
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == ' ' || r == '.' })
	for i := range parts {
		if k := kindNamed(strings.Join(parts[i:], "")); k != 0 {
			return k
		}
	}
	return 0
}

// lokiNames recognises lists of expressions for file names: EXPRESSION;SCORE[;EXCEPTION] on each line.
func lokiNames(text, base string) bool {
	lines := sample(text, 20)
	fits := 0
	for _, l := range lines {
		if f := strings.Split(l, ";"); len(f) >= 2 && isDigits(strings.TrimSpace(f[1])) && strings.ContainsAny(f[0], `\(`) {
			fits++
		}
	}
	return fits > 0 && fits*10 >= 8*len(lines)
}

// readNameExpressions reads such a list. The score of 0 to 100 gives the level; a rule with an exception is refused, since it cannot be
// kept exactly.
func (r *reader) readNameExpressions(text string) {
	r.report.Format = "list"
	abouts := map[string]*About{}
	remark := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			remark = strings.TrimSpace(strings.Trim(line, "#- "))
			continue
		}
		if line == "" {
			continue
		}
		expression, rest, _ := strings.Cut(line, ";")
		score, exception, _ := strings.Cut(rest, ";")
		if strings.TrimSpace(exception) != "" {
			r.refuse(orValue("", expression), "it has an exception, which is not compared")
			continue
		}
		key := remark + score
		about := abouts[key]
		if about == nil {
			about = &About{Title: r.about.Title, Source: r.name}
			if remark != "" && len(remark) < 200 {
				about.Title = strings.Clone(remark) + " (" + r.about.Title + ")"
			}
			about.Level = levelOfScore(strings.TrimSpace(score))
			if len(abouts) < 1<<16 {
				abouts[strings.Clone(key)] = about
			}
		}
		r.add("", FilePath, Pattern, expression, about)
	}
}

func levelOfScore(s string) string {
	if !isDigits(s) || len(s) > 3 {
		return "low"
	}
	switch {
	case len(s) == 3 || s >= "80" && len(s) == 2:
		return "medium"
	case s >= "60" && len(s) == 2:
		return "low"
	}
	return "informational"
}
