package ioc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/growth"
)

// hostileUnits are texts that are repeated to make the scanner work: each is aimed at something that it looks up, verifies or runs.
var hostileUnits = []string{
	"a.", "-.-", "%%%", ":::::", "0123456789abcdef", "evilmutex", // what looks like the beginning of something
	"evil.example/", "evil.example/a/", "root.example/", "evil.example/q?id=7", "http://evil.example:8443/x/", "evil.example/%61/", // URL in URL
	strings.Repeat("a.", 120) + "evil.example ", "b.evil.example-", "a@evil.example", "bad.actor@evil.example ", // parents and hosts
	"1.2.3.4 ", "198.51.100.9/", "1.2.3.4-", "2001:db8:", "2001:db8:77:0:1::9 ", // networks
	`\appdata\evil`, `software\evil\run\`, `x\software\evil\run `, "dropper.exe ", "my tool.exe/", "mimilib", "vssadmin delete shadows", // literals
	`svch0st.exe\`, `\svch0st.exex `, `\svch0st.exe\`, "gate1.php", "gate12.phpx ", "a.wild.example-", "evil_abc.bin", "evil_abc.binx ", `\lit.exe`, // patterns
}

// ordinaryText is what the cost of hostile text is compared with: lines of a proxy's log, and commands.
func ordinaryText(size int) string {
	var b strings.Builder
	for _, l := range webLines(size/150 + 1) {
		b.Write(l)
		b.WriteString("\n\"C:\\Windows\\System32\\cmd.exe\" /c C:\\Users\\somebody\\AppData\\Local\\Temp\\run.bat -x 10.20.30.40\n")
	}
	return b.String()[:size]
}

// TestHostileTextIsBounded holds text made to be expensive against ordinary text of the same length, and against itself at other lengths.
// The bounds are wide, because machines are busy: what this guards against cost a hundred times as much and grew with the square.
func TestHostileTextIsBounded(t *testing.T) {
	s := Compile(sampleTerms(t), Options{})
	size := 1 << 18
	if testing.Short() {
		size = 1 << 15
	}
	search := func(text string) func() { return func() { found1(s, text) } }
	plain := search(ordinaryText(size))
	for _, unit := range hostileUnits {
		text := strings.Repeat(unit, 2*size/len(unit)+1)
		once := search(text[:size])
		ratio := growth.Ratio(8, plain, once)
		t.Logf("%.30q costs %.1f times as much as ordinary text", unit, ratio)
		if ratio > 8 {
			t.Errorf("%.30q costs %.1f times as much as ordinary text", unit, ratio)
		}
		growth.Linear(t, fmt.Sprintf("%.30q", unit), size, func(n int) func() { return search(text[:n]) })
		if testing.Short() {
			text = text[:600] // the reference is slow
		}
		compare(t, s, text[:min(len(text), 5000)])
		compare(t, s, "x"+text[:500]+" y")
	}
}

// TestAValueWithEveryIndicator searches a text that holds thousands of indicators, each again and again: what is noted of one value must
// not be searched for each of them.
func TestAValueWithEveryIndicator(t *testing.T) {
	var list, text strings.Builder
	const n = 4000
	for i := range n {
		fmt.Fprintf(&list, "name%d.example\n", i)
		fmt.Fprintf(&text, "name%d.example ", i)
	}
	s := Compile(read(t, "l.txt", list.String()), Options{})
	scan := func(text string) (work func(), hits *int) {
		hits = new(int)
		b := batchOf(event.Source{}, map[string]string{"message": text})
		return func() {
			*hits = 0
			if err := s.Scanner().Scan(b, func(int, event.RuleIndex) { *hits++ }); err != nil {
				t.Fatal(err)
			}
		}, hits
	}
	all := strings.Repeat(text.String(), 4)
	whole, hits := scan(all)
	half, some := scan(all[:len(all)/8])
	growth.AtMost(t, "a text eight times as long, with twice as many indicators,", 24, half, whole)
	if *hits != n || *some < n/3 {
		t.Errorf("%d and %d hits of %d indicators", *hits, *some, n)
	}
}
