package attribution

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Each text is small and made to cost much.
func TestHostileYAMLIsRefusedQuickly(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	var roots strings.Builder
	roots.WriteString("name: x\nincident: {reported: 2020}\nroots:\n")
	for i := 0; i < 900; i++ {
		fmt.Fprintf(&roots, "  - {id: r%d, kind: leak, what: x, rests_on: [", i)
		for j := 0; j < i; j += 3 {
			fmt.Fprintf(&roots, "r%d,", j)
		}
		roots.WriteString("]}\n")
	}
	start := time.Now()
	for name, text := range map[string]string{
		"aliases": bomb.String(), "deep": strings.Repeat("[", 100_000), "deep map": "name: " + strings.Repeat("{a: ", 50_000),
		"long key": strings.Repeat("k", 1<<20) + ": 1", "binary": "\x00\xff\xfe", "tag": "name: !!python/object x\nincident: !!binary x",
		"roots": roots.String(),
	} {
		var head caseFile
		err := decodeYAML("case.yaml", []byte(text), &head)
		if err == nil {
			_, err = Analyse(&Case{Name: head.Name, Incident: head.Incident, Roots: head.Roots})
		}
		if err == nil && name != "roots" { // many roots on roots are allowed, and only have to be quick
			t.Errorf("%s is accepted", name)
		} else if err != nil && (name == "roots" || len(err.Error()) > 20_000) {
			t.Errorf("%s: an error of %d bytes: %.200v", name, len(err.Error()), err)
		}
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Error("it took", d)
	}
}
