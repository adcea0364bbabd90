package sigma

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
)

// slotLiterals gives the literals that rules look for in a field of a source, in order.
func slotLiterals(s *Set, source event.Source, field string) (all []string) {
	p := s.program(source)
	for i, name := range p.slots {
		if name == field && p.found[i] != nil {
			all = append(all, p.found[i].texts[0]...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// pack joins texts to values of about size bytes until there are total bytes; every value ends in a number of its own.
func pack(texts []string, size, total int) (values []string) {
	var b strings.Builder
	for n, at := 0, 0; n < total; at++ {
		b.WriteString(texts[at%len(texts)])
		b.WriteByte(' ')
		if b.Len() >= size {
			fmt.Fprintf(&b, "%d", len(values))
			n += b.Len()
			values = append(values, b.String())
			b.Reset()
		}
	}
	return values
}

// valuesOf makes batches of events that differ in one field.
func valuesOf(source event.Source, field string, others map[string]string, values []string) (batches []*event.Batch, size int) {
	for chunk := range slices.Chunk(values, 4096) {
		b := event.NewBuilder(source)
		for i, v := range chunk {
			b.Row(0, uint64(i), uint64(i), nil)
			b.Text(b.Field(field), []byte(v))
			for k, v := range others {
				b.Text(b.Field(k), []byte(v))
			}
			size += len(v)
		}
		batches = append(batches, b.Batch())
	}
	return batches, size
}

// TestHostileValuesCostLittleMore scans values made to defeat the engine's filters: each holds as many of the rules' literals as fit, or all
// but their last letter, or what expressions need to be tried; and compares with ordinary values of as many bytes, all of them new too.
func TestHostileValuesCostLittleMore(t *testing.T) {
	set, _ := Compile(corpus(t), Options{})
	total := 1 << 20
	if testing.Short() {
		total = 1 << 17
	}
	for _, c := range []struct {
		source   event.Source
		field    string
		others   map[string]string
		ordinary func(i int) string
		size     int
	}{
		{event.Source{Product: event.ProductWindows, Provider: "Microsoft-Windows-Sysmon", Channel: channelSysmon, ID: 1}, "CommandLine",
			map[string]string{"Image": `C:\Windows\System32\cmd.exe`, "ParentImage": `C:\Windows\explorer.exe`, "OriginalFileName": "Cmd.Exe"},
			func(i int) string {
				return fmt.Sprintf(`"C:\Windows\System32\cmd.exe" /c "C:\Program Files\Vendor\agent%d.exe" --config C:\ProgramData\Vendor\conf%d.json /silent`, i, i*7919)
			}, 200},
		{event.Source{Product: event.ProductWindows, Provider: "Microsoft-Windows-PowerShell", Channel: "Microsoft-Windows-PowerShell/Operational", ID: 4104}, "ScriptBlockText", nil,
			func(i int) string {
				return strings.Repeat(fmt.Sprintf("function Get-Thing%d { param([string]$Name, [int]$Count = %d) foreach ($x in 1..$Count) { Write-Output ($Name + $x) } }\n", i, i*31), 30)
			}, 4000},
	} {
		literals := slotLiterals(set, c.source, c.field)
		if len(literals) < 100 {
			t.Fatalf("only %d literals are looked for in %s", len(literals), c.field)
		}
		var ordinary []string
		for i, n := 0, 0; n < total; i++ {
			ordinary = append(ordinary, c.ordinary(i))
			n += len(ordinary[i])
		}
		var cut, short []string
		for _, l := range literals {
			cut = append(cut, l[:len(l)-1])
			if len(l) < 8 {
				short = append(short, l)
			}
		}
		hostile := map[string][]string{
			"every literal":           pack(literals, c.size, total),
			"short literals":          pack(short, c.size, total),
			"literals cut short":      pack(cut, c.size, total),
			"every literal at length": pack(literals, 32<<10, total),
			"one literal at length":   pack(literals[len(literals)/2:][:1], 32<<10, total),
			"a letter at length":      pack([]string{strings.Repeat("a", 1000)}, 32<<10, total),
			"signs":                   pack([]string{"^", "`", "'+'", "\"\"", "$(", "%x:~0,1%", "-e", "/c"}, c.size, total),
			"digits and hexadecimal":  pack([]string{"0x41", "1234567890", "deadbeef", "==", "aGVsbG8="}, c.size, total),
			"letters beyond ASCII":    pack([]string{"ｃｍｄ", "pоwеrshell", "İı", "ſK", "–enc"}, c.size, total),
			"tiny values":             pack([]string{"a"}, 1, total/8),
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
		plain, bytes := valuesOf(c.source, c.field, c.others, ordinary)
		base := scan(plain)
		for name, values := range hostile {
			batches, size := valuesOf(c.source, c.field, c.others, values)
			scale := max(float64(size)/float64(bytes), float64(len(values))/float64(len(ordinary)))
			ratio := growth.Ratio(8*scale, base, scan(batches)) / scale
			t.Logf("%s: %s (%d values) costs %.1f times as much", c.field, name, len(values), ratio)
			most := 8.0
			if name == "every literal at length" && c.field == "ScriptBlockText" {
				most = 25 // a thousand rules and every expression are tried; ten times was measured
			}
			if ratio > most {
				t.Errorf("%s: %s costs %.1f times as much as ordinary values", c.field, name, ratio)
			}
		}
	}
}
