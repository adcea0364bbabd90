package sigma

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
)

// expressionField is a field that has several expressions.
type expressionField struct {
	source   event.Source
	rule     string // its name in rules
	native   string
	others   map[string]string
	ordinary func(i int) string
	scale    int // of how much text, where values are long
}

func windowsSource(provider, channel string, id uint32) event.Source {
	return event.Source{Product: event.ProductWindows, Provider: provider, Channel: channel, ID: id}
}

var expressionFields = []expressionField{
	{windowsSource("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational", 4104), "ScriptBlockText", "ScriptBlockText", nil, ordinaryScript, 4},
	{windowsSource("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational", 4103), "Payload", "Payload", nil, func(i int) string {
		return strings.Repeat(fmt.Sprintf("CommandInvocation(Get-Thing%d): \"Get-Thing%d\"\r\nParameterBinding(Get-Thing%d): name=\"Path\"; value=\"C:\\ProgramData\\Vendor\\%d.json\"\r\n", i, i, i, i*31), 8)
	}, 4},
	{windowsSource("Microsoft-Windows-Sysmon", channelSysmon, 1), "CommandLine", "CommandLine",
		map[string]string{"Image": `C:\Windows\System32\cmd.exe`, "ParentImage": `C:\Windows\explorer.exe`, "OriginalFileName": "Cmd.Exe"}, ordinaryCommand, 1},
	{windowsSource("Microsoft-Windows-Sysmon", channelSysmon, 17), "PipeName", "PipeName", map[string]string{"Image": `C:\Windows\System32\cmd.exe`},
		func(i int) string { return fmt.Sprintf(`\mojo.%d.%d.%d`, i*13, i*31, i*7919*7919) }, 1},
	{windowsSource("Microsoft-Windows-Sysmon", channelSysmon, 11), "TargetFilename", "TargetFilename", map[string]string{"Image": `C:\Windows\System32\cmd.exe`},
		func(i int) string {
			return fmt.Sprintf(`C:\Users\someone\AppData\Local\Vendor\Cache\f_%06x\data_%d.bin`, i*7919, i)
		}, 1},
	{windowsSource("Microsoft-Windows-Sysmon", channelSysmon, 7), "ImageLoaded", "ImageLoaded", map[string]string{"Image": `C:\Windows\System32\cmd.exe`},
		func(i int) string {
			return fmt.Sprintf(`C:\Program Files\Vendor\Application\%d.%d\module%d.dll`, i%100, i*31, i)
		}, 1},
	{windowsSource("Microsoft-Windows-Security-Auditing", channelSecurity, 4697), "ServiceFileName", "ServiceFileName", nil, ordinaryCommand, 1},
	{windowsSource("Service Control Manager", "System", 7045), "ImagePath", "ImagePath", nil, ordinaryCommand, 1},
	{windowsSource("Microsoft-Windows-Windows Defender", "Microsoft-Windows-Windows Defender/Operational", 1116), "Signature", "Threat Name", nil,
		func(i int) string { return fmt.Sprintf("PUA:Win32/Vendor%d.%d!ml", i, i*31) }, 1},
	{event.Source{Product: "zeek", Service: "http"}, "c-uri", "uri", map[string]string{"method": "GET", "host": "www.example.org"},
		func(i int) string { return fmt.Sprintf("/static/js/chunk-%d.min.js?v=%d&lang=en", i, i*7919) }, 1},
}

// fieldsToTry are under -short those with most expressions.
func fieldsToTry() []expressionField {
	if testing.Short() {
		return expressionFields[:3]
	}
	return expressionFields
}

func ordinaryScript(i int) string {
	return strings.Repeat(fmt.Sprintf("function Get-Thing%d { param([string]$Name, [int]$Count = %d) foreach ($x in 1..$Count) { Write-Output ($Name + $x) } }\n", i, i*31), 30)
}

func ordinaryCommand(i int) string {
	return fmt.Sprintf(`"C:\Windows\System32\cmd.exe" /c "C:\Program Files\Vendor\agent%d.exe" --config C:\ProgramData\Vendor\conf%d.json /silent`, i, i*7919)
}

// expressionsOn gives the expressions on a field of a source.
func expressionsOn(s *Set, source event.Source, field string) (all []*test) {
	p := s.program(source)
	for i := range p.predicates {
		if q := &p.predicates[i]; q.slot >= 0 && p.slots[q.slot] == field {
			for j := range q.tests {
				if q.tests[j].kind == testRegexp {
					all = append(all, &q.tests[j])
				}
			}
		}
	}
	return all
}

// addMatch appends a text that an expression matches, its repetitions short.
func addMatch(b *strings.Builder, re *syntax.Regexp, rng *rand.Rand) {
	least, most := 1, 1
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
		return
	case syntax.OpCharClass:
		if n := len(re.Rune) / 2; n > 0 {
			k := 2 * rng.IntN(n)
			b.WriteRune(re.Rune[k] + rng.Int32N(min(re.Rune[k+1]-re.Rune[k]+1, 64)))
		}
		return
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte("aZ0 .`\"{}&$"[rng.IntN(11)])
		return
	case syntax.OpAlternate:
		addMatch(b, re.Sub[rng.IntN(len(re.Sub))], rng)
		return
	case syntax.OpStar:
		least, most = 0, 4
	case syntax.OpPlus:
		most = 5
	case syntax.OpQuest:
		least = 0
	case syntax.OpRepeat:
		least, most = re.Min, re.Min+4
		if re.Max >= 0 {
			most = min(most, re.Max)
		}
	}
	for range least + rng.IntN(most-least+1) {
		for _, sub := range re.Sub {
			addMatch(b, sub, rng)
		}
	}
}

// beginnings gives texts that expressions match, cut off at a place of chance.
func beginnings(t *testing.T, of []*test, n int) (all []string) {
	rng := rand.New(rand.NewPCG(7, 8))
	for len(all) < n {
		re, err := syntax.Parse(of[rng.IntN(len(of))].text, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		addMatch(&b, re, rng)
		if s := b.String(); len(s) > 1 {
			all = append(all, s[:1+rng.IntN(len(s)-1)])
		}
	}
	return all
}

// needed gives in one text what all expressions cannot do without.
func needed(of []*test) string {
	all := map[string]bool{}
	for _, t := range of {
		for _, set := range t.needs.needles {
			for _, text := range set {
				all[text] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), " ")
}

// TestHostileTextsForExpressionsCostLittleMore gives every field that has several expressions texts that begin all of them again and again, in ASCII and
// beyond, and texts that have what all of them need and are of nothing else but letters beyond ASCII or of bytes that are no text.
func TestHostileTextsForExpressionsCostLittleMore(t *testing.T) {
	set, _ := Compile(corpus(t), Options{})
	known := map[string]map[string]bool{}
	for _, r := range set.rules {
		r.when.walk(func(e *expression) {
			if e.op != exprAtom {
				return
			}
			for i := range e.atom.tests {
				if e.atom.tests[i].kind == testRegexp {
					if known[e.field] == nil {
						known[e.field] = map[string]bool{}
					}
					known[e.field][e.atom.tests[i].text] = true
				}
			}
		})
	}
	for field, expressions := range known {
		if len(expressions) > 1 && !slices.ContainsFunc(expressionFields, func(f expressionField) bool { return f.rule == field }) {
			t.Errorf("%d expressions on %s and no hostile text", len(expressions), field)
		}
	}
	for _, f := range fieldsToTry() {
		total, long := f.scale<<15, 24<<10
		if testing.Short() {
			total, long = total/4, long/4
		}
		of := expressionsOn(set, f.source, f.native)
		if len(of) < 2 {
			t.Errorf("%s: %d expressions", f.native, len(of))
			continue
		}
		var ordinary []string
		for i, n := 0, 0; n < total; i++ {
			ordinary = append(ordinary, f.ordinary(i))
			n += len(ordinary[i])
		}
		begun := beginnings(t, of, 4000)
		var beyond []string
		for i, s := range begun {
			beyond = append(beyond, s+strings.Repeat([]string{"é", "中", "\xff"}[i%3], i%4))
		}
		sticky := needed(of) + "\ncmd /c clip && powershell set && set environment echo clip"
		hostile := map[string][]string{
			"expressions begun":               pack(begun, len(ordinary[0]), total),
			"expressions begun at length":     pack(begun, 32<<10, total),
			"begun beyond ASCII":              pack(beyond, len(ordinary[0]), total),
			"begun beyond ASCII, at length":   pack(beyond, 32<<10, total),
			"needed, then letters of 2 bytes": pack([]string{sticky + strings.Repeat("é", long/2)}, long, total),
			"needed, then letters of 3 bytes": pack([]string{sticky + strings.Repeat("中", long/3)}, long, total),
			"needed, then no text":            pack([]string{sticky + strings.Repeat("\xff", long)}, long, total),
			"needed, then letters that fold":  pack([]string{sticky + strings.Repeat("ſ", long/2)}, long, total),
		}
		if f.native == "ScriptBlockText" {
			mixed := append(slotLiterals(set, f.source, f.native), begun[:2000]...)
			hostile["literals and beginnings"] = pack(mixed, 4<<10, total)
			hostile["literals and beginnings at length"] = pack(mixed, 64<<10, total)
		}
		compareHostile(t, set, f.source, f.native, f.others, ordinary, hostile)
	}
}

// compareHostile fails where hostile values cost more than ordinary ones of as many bytes or, where there are more of them, as many values.
func compareHostile(t *testing.T, set *Set, source event.Source, field string, others map[string]string, ordinary []string, hostile map[string][]string) {
	t.Helper()
	most := 7.0 // five is wanted; on a busy machine the same run differs by half
	if testing.Short() {
		most = 14 // with the race detector, for which each byte is dear
	}
	scan := func(batches []*event.Batch) func() {
		return func() {
			s := set.Scanner() // a used one remembers ordinary values, which come again at each measurement
			for _, b := range batches {
				if err := s.Scan(b, func(int, event.RuleIndex) {}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	plain, bytes := valuesOf(source, field, others, ordinary)
	base := scan(plain)
	for name, values := range hostile {
		batches, size := valuesOf(source, field, others, values)
		scale := max(float64(size)/float64(bytes), float64(len(values))/float64(len(ordinary)))
		ratio := growth.Ratio(most*scale, base, scan(batches)) / scale
		t.Logf("%s: %s (%d values) costs %.1f times as much", field, name, len(values), ratio)
		if ratio > most {
			t.Errorf("%s: %s costs %.1f times as much as ordinary values", field, name, ratio)
		}
	}
}

// TestHostileTextsAreMatchedAsBySlowRules scans such texts, which are matched by other ways than ordinary ones, and holds the rules against their
// expressions and those against package regexp.
func TestHostileTextsAreMatchedAsBySlowRules(t *testing.T) {
	set, _ := Compile(corpus(t), Options{})
	compared, found := 0, 0
	for _, f := range fieldsToTry() {
		of := expressionsOn(set, f.source, f.native)
		begun := beginnings(t, of, 1200)
		var values []string
		for i, s := range begun {
			switch { // whole matches among them, and characters that take one to four bytes
			case i%3 == 0:
				re, _ := syntax.Parse(of[i%len(of)].text, syntax.Perl)
				var b strings.Builder
				addMatch(&b, re, rand.New(rand.NewPCG(uint64(i), 9)))
				s = b.String()
			case i%3 == 1:
				s += []string{"é", "中", "\xff", "ſ", "😀", "\n"}[i%6]
			}
			begun[i] = s
		}
		values = append(values, pack(begun[:400], 150, 1<<12)...)
		if !testing.Short() {
			values = append(values, pack(begun[400:], 2000, 3<<12)...)
		}
		values = append(values, needed(of)+strings.Repeat("é\xff", 200))
		for _, test := range of {
			re := regexp.MustCompile(test.text)
			for _, v := range values {
				if got, want := test.expression([]byte(v)), re.MatchString(v); got != want {
					t.Fatalf("%s: %s in %q: %v, want %v", f.native, test.text, v, got, want)
				}
			}
		}
		batches, _ := valuesOf(f.source, f.native, f.others, values)
		scan := set.Scanner()
		for _, b := range batches {
			hits := map[[2]int]bool{}
			if err := scan.Scan(b, func(row int, rule event.RuleIndex) { hits[[2]int{row, int(rule)}] = true }); err != nil {
				t.Fatal(err)
			}
			found += len(hits)
			for i := range set.rules {
				route := set.Route(event.RuleIndex(i), f.source)
				if route == nil {
					continue
				}
				for row := 0; row < b.Rows; row += 1 + b.Rows/6 {
					compared++
					if got, want := hits[[2]int{row, i}], slowly(set, event.RuleIndex(i), route, b, row); got != want {
						t.Fatalf("%s row %d rule %q: scanner %v, expression %v", f.native, row, set.rules[i].rule.Title, got, want)
					}
				}
			}
		}
	}
	t.Logf("%d pairs compared, %d hits", compared, found)
	if found < 50 {
		t.Errorf("only %d hits: the texts test little", found)
	}
}
