package reference_test

import (
	"fmt"
	"math"
	"strings"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
)

// choices turns bytes into decisions, so that a fuzzer can steer them. When the bytes are used up every decision is
// the first.
type choices struct {
	data []byte
	at   int
}

func (c *choices) n(limit int) int {
	if c.at >= len(c.data) {
		return 0
	}
	c.at++
	return int(c.data[c.at-1]) % limit
}

func pick[T any](c *choices, of ...T) T { return of[c.n(len(of))] }

// trial is a few rules and a few events that have something to do with each other.
type trial struct {
	rules  []*sigma.Rule
	source event.Source
	rows   []row
	typed  event.Kind // of the column G, which has texts when it is Text
}

type row []cell

type cell struct {
	field string
	null  bool
	text  string
}

// Logs by which the generator reaches aliases, conditions of routes, and logs that a rule does not read.
var (
	plainLog = sigma.Logsource{Category: "test"}
	logs     = []struct {
		logsource sigma.Logsource
		source    event.Source
	}{
		{plainLog, testSource},
		{plainLog, testSource},
		{plainLog, testSource},
		{plainLog, event.Source{Category: "other"}},
		{sigma.Logsource{Product: "windows", Category: "process_creation"}, event.Source{Product: "windows", Provider: "Microsoft-Windows-Security-Auditing", Channel: "Security", ID: 4688}},
		{sigma.Logsource{Product: "windows", Category: "process_creation"}, event.Source{Product: "windows", Provider: "Microsoft-Windows-Sysmon", Channel: "Microsoft-Windows-Sysmon/Operational", ID: 1}},
		{sigma.Logsource{Product: "windows", Category: "process_creation"}, event.Source{Product: "windows", Provider: "Other", Channel: "Microsoft-Windows-Sysmon/Operational", ID: 1}},
		{sigma.Logsource{Product: "windows", Category: "registry_set"}, event.Source{Product: "windows", Provider: "Microsoft-Windows-Security-Auditing", Channel: "security", ID: 4657}},
		{sigma.Logsource{Product: "windows", Category: "registry_event"}, event.Source{Product: "windows", Channel: "Microsoft-Windows-Sysmon/Operational", ID: 13}},
		{sigma.Logsource{Product: "windows", Service: "security"}, event.Source{Product: "windows", Provider: "Microsoft-Windows-Security-Auditing", Channel: "Security", ID: 4624}},
		{sigma.Logsource{Product: "windows"}, event.Source{Product: "windows", Channel: "System", ID: 7045}},
		{sigma.Logsource{Category: "process_creation"}, event.Source{Product: "windows", Provider: "Microsoft-Windows-Sysmon", Channel: "Microsoft-Windows-Sysmon/Operational", ID: 1}},
	}
	ruleFields  = []string{"F", "G", "Image", "TargetObject", "EventID"}
	eventFields = []string{"F", "G", "Image", "NewProcessName", "ProcessName", "TargetObject", "ObjectName", "EventID", "OperationType"}
)

var placeholderValues = map[string][]string{"one": {"ab"}, "two": {"a*b", "K\\*"}, "a.b c": {"b"}, "field": {"F"}, "fields": {"Image", "G"}, "empty": {}}

func makeTrial(c *choices) trial {
	log := logs[c.n(len(logs))]
	t := trial{source: log.source}
	for i := range 1 + c.n(3) {
		r := &sigma.Rule{Meta: sigma.Meta{Title: fmt.Sprint("rule ", i), ID: fmt.Sprint("rule-", i)}, Logsource: log.logsource}
		names := []string{"sel_a", "sel_b", "_hidden", "filter_a"}[:1+c.n(4)]
		for _, name := range names {
			r.Selections = append(r.Selections, sigma.Selection{Name: name, Group: makeGroup(c, 0)})
		}
		for range 1 + c.n(4)/3 {
			r.Conditions = append(r.Conditions, makeCondition(c, names, 0))
		}
		t.rules = append(t.rules, r)
	}
	for range 1 + c.n(6) {
		t.rows = append(t.rows, makeRow(c, t.rules, t.source))
	}
	t.typed = pick(c, event.Text, event.Text, event.Text, event.Uint, event.Int, event.Hex32, event.Hex64, event.Float, event.Bool, event.Time)
	return t
}

// typedColumn is a column of numbers, as a reader of binary logs delivers them: absent, null, one, or one for all rows.
func typedColumn(kind event.Kind, rows int) *event.Column {
	c := &event.Column{Dict: &event.Dict{Kind: kind, Nums: []uint64{1, 7, 31, 4688, 0, 1598396820000000000, 1<<64 - 1}}}
	switch kind {
	case event.Bool:
		c.Dict.Nums = []uint64{0, 1}
	case event.Float:
		c.Dict.Nums = []uint64{math.Float64bits(1.5), math.Float64bits(4688), math.Float64bits(-1)}
	case event.Hex32:
		c.Dict.Nums = []uint64{0x1250, 31, 0}
		c.Codes, c.Const = []event.Code{event.ValueCode(0)}, true
		return c
	}
	for i := range rows {
		code := event.Code(i % (c.Dict.Len() + 2))
		c.Codes = append(c.Codes, code)
	}
	return c
}

func makeCondition(c *choices, names []string, depth int) *sigma.Condition {
	kind := c.n(8)
	if depth > 3 && kind > 3 {
		kind = 0
	}
	arg := func() *sigma.Condition { return makeCondition(c, names, depth+1) }
	switch kind {
	case 3:
		return &sigma.Condition{Op: pick(c, sigma.OpAnyOf, sigma.OpAllOf), Name: pick(c, "them", "sel_*", "*_a", "s*_*a", names[0])}
	case 4, 5:
		return &sigma.Condition{Op: sigma.OpAnd, Args: []*sigma.Condition{arg(), arg()}}
	case 6:
		return &sigma.Condition{Op: sigma.OpOr, Args: []*sigma.Condition{arg(), arg(), arg()}}
	case 7:
		return &sigma.Condition{Op: sigma.OpNot, Args: []*sigma.Condition{arg()}}
	}
	return &sigma.Condition{Op: sigma.OpSelection, Name: names[c.n(len(names))]}
}

func makeGroup(c *choices, depth int) sigma.Group {
	g := sigma.Group{Any: c.n(2) == 1}
	if g.Any && depth < 2 && c.n(3) == 0 {
		for range 1 + c.n(2) {
			g.Groups = append(g.Groups, makeGroup(c, depth+1))
		}
		return g
	}
	for range 1 + c.n(3) {
		g.Items = append(g.Items, makeItem(c))
		if g.Any {
			break
		}
	}
	return g
}

// modifierChains are the forms that the specification allows, and some that it does not.
var modifierChains = []string{
	"", "", "", "contains", "contains", "startswith", "endswith", "cased", "contains|cased", "cased|endswith", "neq", "contains|neq", "all", "contains|all", "contains|all|neq",
	"windash", "windash|contains", "contains|windash", "windash|contains|all", "cased|windash|startswith", "re", "re|i", "re|m", "re|s", "re|i|m|s", "re|neq", "re|all",
	"base64", "base64|contains", "base64offset", "base64offset|contains", "wide", "utf16le|contains", "utf16be|startswith", "wide|base64offset|contains", "utf16|base64offset|contains",
	"utf16be|base64|endswith", "utf16|base64", "windash|base64offset|contains", "windash|wide|base64|contains", "lt", "lte", "gt", "gte", "gte|neq", "cidr", "cidr|neq", "exists",
	"fieldref", "fieldref|contains", "fieldref|startswith", "fieldref|endswith", "fieldref|neq", "fieldref|cased", "expand", "expand|contains", "expand|re", "re|expand", "re|i|expand", "expand|all", "contains|expand", "cased|expand|startswith", "expand|fieldref", "expand|all|fieldref", "expand|fieldref|contains|neq",
	"minute", "hour", "day", "week", "month", "year", "hour|gte", "year|lt", "exists|neq",
}

// wrongChains are forms that the specification does not allow.
var wrongChains = []string{"contains|re", "cidr|contains", "i", "unheard", "re|cased", "lt|contains", "contains|cidr", "exists|exists", "gte|hour", "contains|fieldref", "expand|re", "base64|re", "base64|expand", "windash|fieldref"}

func makeItem(c *choices) sigma.Item {
	it := sigma.Item{Field: ruleFields[c.n(len(ruleFields))]}
	chain := modifierChains[c.n(len(modifierChains))]
	if c.n(100) == 99 {
		chain = pick(c, wrongChains...)
	}
	if chain != "" {
		it.Modifiers = strings.Split(chain, "|")
	}
	head, _, _ := strings.Cut(chain, "|")
	if strings.Contains(chain, "|expand") && head != "re" {
		head = "expand"
	}
	if c.n(8) == 0 {
		switch head {
		case "cidr", "exists", "fieldref", "lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year":
			if c.n(8) == 0 {
				it.Field = "" // rejected
			}
		default:
			it.Field = "" // keywords
		}
	}
	for range c.n(3) + c.n(2) + 1 {
		it.Values = append(it.Values, makeValue(c, head, chain))
	}
	if c.n(60) == 59 {
		it.Values = nil
	}
	return it
}

func text(s string) sigma.Value { return sigma.Value{Text: s} }

func number(s string) sigma.Value {
	n, ok := sigma.NumberOf([]byte(s))
	if !ok {
		return text(s)
	}
	return sigma.Value{Kind: sigma.NumberValue, Text: s, Number: n}
}

func boolean(b bool) sigma.Value {
	return sigma.Value{Kind: sigma.BoolValue, Text: fmt.Sprint(b), Bool: b}
}

func makeValue(c *choices, modifier, chain string) sigma.Value {
	odd := c.n(80) == 79
	if !odd && modifier == "windash" && strings.Contains(chain, "base64") {
		return text(pick(c, " -abc", "-abc", "/abc -b", "–abc", "a-b-c", "abc - b"))
	}
	switch modifier {
	case "lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year":
		if !odd {
			return number(pick(c, "7", "0", "23", "35", "2020", "-1", "8", "0x1F", "18446744073709551615", "10"))
		}
	case "cidr":
		if !odd {
			return text(pick(c, "10.0.0.0/8", "10.1.2.3", "192.168.0.0/16", "fe80::/10", "::/0", "0.0.0.0/0", "2001:db8::/32", "::ffff:10.0.0.0/104"))
		}
	case "exists":
		if !odd {
			return boolean(c.n(2) == 0)
		}
	case "fieldref":
		if !odd {
			return text(pick(c, ruleFields...))
		}
	case "re":
		if !odd {
			return text(pick(c, "ab", "^a.*b$", "a+b?", "[a-c]{2}", "(ab|kK)", "^b$", "a.b", `\\`, `\d+`, "", "é", "k", "(?i)AB", "%one%", "^%two%", "[^a]$", "a|b|k"))
		}
	case "base64", "base64offset", "wide", "utf16", "utf16le", "utf16be":
		if !odd && strings.Contains(chain, "base64") {
			return text(pick(c, "ab", "abc", "abcd", "-a b", "é", "http://"))
		}
		if !odd {
			return text(pick(c, "ab", "abc", "a?c", "a*d", "-a b", "http://"))
		}
	case "windash":
		if !odd {
			return text(pick(c, " -ab", "-a", "/a -b", "–ab", "a-b", "a - b", "*-a", "-a*-b", "x /ab", "-1 /_", "-"))
		}
	case "expand":
		if strings.Contains(chain, "fieldref") {
			return text(pick(c, "%fields%", "%field%", `\%F`, "G"))
		}
		if odd {
			return text(pick(c, "%three%", "%on e%", "%one-%", "%empty%", `%one\%`))
		}
		return text(pick(c, "%one%", "x%two%", "%one%%two%", "%", "%%", "a%one", "*%one%", `\%one%`, `\%a%one%`, `%one\`, `\\%two%`, "%a.b c%", "%%%one%"))
	}
	switch c.n(16) {
	case 0:
		if modifier != "" && modifier != "neq" && modifier != "all" && !odd {
			return text("a")
		}
		return sigma.Value{Kind: sigma.NullValue, Text: "null"}
	case 1:
		return boolean(c.n(2) == 0)
	case 2, 3:
		return number(pick(c, "4688", "1", "0", "-1", "1.5", "0x1f", "1e3", "23"))
	case 4:
		return text("")
	case 5:
		return text("*")
	}
	return text(makeText(c, ruleLetters, 6))
}

var (
	ruleLetters  = []string{"a", "b", "A", "k", "K", "\u212a", "é", "É", "ß", "*", "?", `\`, `\*`, `\?`, `\\`, "-", "/", "–", " ", "%", ".", "1", "ab", "ſ", "ς", "Σ", "\n", "_"}
	eventLetters = []string{"a", "b", "A", "k", "K", "\u212a", "é", "É", "ẞ", "*", "?", `\`, "\xff", "\xc3", "-", "/", "–", " ", "%", ".", "1", "ab", "s", "σ", "Σ", "\n", "😀", "\x00"}
)

func makeText(c *choices, letters []string, most int) string {
	var s strings.Builder
	for range c.n(most + 1) {
		s.WriteString(letters[c.n(len(letters))])
	}
	return s.String()
}

func makeRow(c *choices, rules []*sigma.Rule, source event.Source) row {
	var r row
	for _, field := range eventFields {
		if field == event.FieldEventID && source.ID != 0 { // a source's id is its events' id
			r = append(r, cell{field: field, text: fmt.Sprint(source.ID)})
			continue
		}
		count := pick(c, 1, 1, 0, 1, 2, 3)
		for range count {
			if c.n(10) == 9 {
				r = append(r, cell{field: field, null: true})
				continue
			}
			r = append(r, cell{field: field, text: makeEventText(c, rules)})
		}
	}
	return r
}

// makeEventText is most often a text that some value of a rule could be about.
func makeEventText(c *choices, rules []*sigma.Rule) string {
	if c.n(24) == 23 { // long values go another way through the engine
		return strings.Repeat(makeText(c, eventLetters, 3)+"y", 100) + makeShortText(c, rules) + strings.Repeat("z", c.n(3)*150)
	}
	return makeShortText(c, rules)
}

func makeShortText(c *choices, rules []*sigma.Rule) string {
	switch c.n(8) {
	case 0:
		return pick(c, "", "%%1904", "4688", "0x1250", "1", "true", "False", "1000", "31", "23", "-1", "1.50", "0x")
	case 1:
		return pick(c, "2020-08-25T23:07:00.123Z", "2020-08-25 07:35:10", "2020-01-01T00:00:00+02:00", "2021-01-03", "10.1.2.3", "192.168.255.255", "::ffff:10.9.9.9", "fe80::1%eth0", "2001:db8::7", "::1", "10.0.0.0/8", "300.1.1.1")
	case 2:
		return makeText(c, eventLetters, 8)
	}
	r := rules[c.n(len(rules))]
	g := &r.Selections[c.n(len(r.Selections))].Group
	for len(g.Groups) > 0 {
		g = &g.Groups[c.n(len(g.Groups))]
	}
	it := &g.Items[c.n(len(g.Items))]
	if len(it.Values) == 0 {
		return ""
	}
	return near(c, it.Values[c.n(len(it.Values))].Text, it.Modifiers)
}

// near writes a text that matches the value or nearly does.
func near(c *choices, value string, modifiers []string) string {
	var s strings.Builder
	if c.n(3) == 0 {
		s.WriteString(makeText(c, eventLetters, 3))
	}
	for i := 0; i < len(value); i++ {
		switch b := value[i]; {
		case b == '\\' && i+1 < len(value) && strings.IndexByte(`*?\`, value[i+1]) >= 0 && c.n(6) > 0:
			i++
			s.WriteByte(value[i])
		case b == '*' && c.n(6) > 0:
			s.WriteString(makeText(c, eventLetters, 3))
		case b == '?' && c.n(6) > 0:
			s.WriteString(eventLetters[c.n(len(eventLetters))])
		case (b == '-' || b == '/') && c.n(3) == 0:
			s.WriteString(pick(c, "-", "/", "–", "—", "―"))
		case c.n(12) == 11:
			s.WriteString(pick(c, "", "x"))
		default:
			s.WriteByte(b)
		}
	}
	if c.n(3) == 0 {
		s.WriteString(makeText(c, eventLetters, 3))
	}
	out := s.String()
	for _, m := range modifiers {
		out = encodeLike(c, out, m)
	}
	if c.n(3) == 0 {
		out = strings.ToUpper(out)
	}
	return out
}
