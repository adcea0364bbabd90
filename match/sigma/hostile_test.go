package sigma

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
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

// slotIndex gives the index of the ASCII literals of a field.
func slotIndex(s *Set, source event.Source, field string) *literals {
	p := s.program(source)
	for i, name := range p.slots {
		if name == field {
			ascii, _ := p.found[i].index()
			return ascii
		}
	}
	return nil
}

// costlyGrams gives the grams that most literals are looked for under: each time that one is met, all of them are compared.
func costlyGrams(l *literals) (all []string) {
	slots := slices.DeleteFunc(slices.Clone(l.four.table), func(s gramSlot) bool { return s.to == 0 })
	slices.SortFunc(slots, func(a, b gramSlot) int {
		return cmp.Or(cmp.Compare(b.to-b.from, a.to-a.from), cmp.Compare(a.key, b.key))
	})
	for _, s := range slots[:min(50, len(slots))] {
		all = append(all, string(binary.LittleEndian.AppendUint32(nil, s.key)))
	}
	return all
}

// forgedGrams gives grams of no literal that the filter takes for one, and whose place in the table is within a long row of others.
func forgedGrams(l *literals) (all []string) {
	g := &l.four
	last := uint32(len(g.table) - 1)
	most := 0
	for a := uint32(0); a < 26*26*26*26; a++ {
		key := 'a' + a%26 | ('a'+a/26%26)<<8 | ('a'+a/26/26%26)<<16 | ('a'+a/26/26/26)<<24
		h := key * gramHash
		if b := h >> g.shift; g.bitmap[b>>6]>>(b&63)&1 == 0 {
			continue
		}
		steps := 0
		for at := h & last; g.table[at].to != 0 && g.table[at].key != key; at = (at + 1) & last {
			steps++
		}
		if most = max(most, steps); steps >= max(3, most/2) {
			all = append(all, string(binary.LittleEndian.AppendUint32(nil, key)))
		}
	}
	return all
}

// expressionPieces gives in an order of chance, again and again, what the expressions on a field cannot do without: each is begun many times at
// once and few come to their end.
func expressionPieces(s *Set, source event.Source, field string) (all []string) {
	for _, t := range expressionsOn(s, source, field) {
		for _, set := range t.needs.needles {
			all = append(all, set...)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	rng := rand.New(rand.NewPCG(5, 6))
	for n := len(all); len(all) < 5000; {
		all = append(all, all[rng.IntN(n)])
	}
	return all
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
	total := 1 << 19
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
			ordinaryCommand, 200},
		{event.Source{Product: event.ProductWindows, Provider: "Microsoft-Windows-PowerShell", Channel: "Microsoft-Windows-PowerShell/Operational", ID: 4104}, "ScriptBlockText", nil,
			ordinaryScript, 4000},
	} {
		literals := slotLiterals(set, c.source, c.field)
		if len(literals) < 100 {
			t.Fatalf("only %d literals are looked for in %s", len(literals), c.field)
		}
		index := slotIndex(set, c.source, c.field)
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
			"grams of many literals":  pack(costlyGrams(index), c.size, total),
			"forged grams":            pack(forgedGrams(index), c.size, total),
			"pieces of expressions":   pack(expressionPieces(set, c.source, c.field), 32<<10, total),
		}
		compareHostile(t, set, c.source, c.field, c.others, ordinary, hostile)
	}
}
