package attribution

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/growth"
)

// aliases gives a text whose lists hold one another, each the one before eight times.
func aliases(depth int) string {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < depth; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 8))
	}
	return bomb.String()
}

// manyRoots gives a case in which about n roots rest on roots before them.
func manyRoots(n int) string {
	var roots strings.Builder
	roots.WriteString("name: x\nincident: {reported: 2020}\nroots:\n")
	for i := 0; n > 0; i++ {
		fmt.Fprintf(&roots, "  - {id: r%d, kind: leak, what: x, rests_on: [", i)
		for j := 0; j < i; j += 3 {
			fmt.Fprintf(&roots, "r%d,", j)
			n--
		}
		roots.WriteString("]}\n")
	}
	return roots.String()
}

func analyseText(text string) error {
	var head caseFile
	err := decodeYAML("case.yaml", []byte(text), &head)
	if err == nil {
		_, err = Analyse(&Case{Name: head.Name, Incident: head.Incident, Roots: head.Roots})
	}
	return err
}

// Each text is small and made to cost much.
func TestHostileYAMLIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"aliases": aliases(12), "deep": strings.Repeat("[", 100_000), "deep map": "name: " + strings.Repeat("{a: ", 50_000),
		"long key": strings.Repeat("k", 1<<20) + ": 1", "binary": "\x00\xff\xfe", "tag": "name: !!python/object x\nincident: !!binary x",
		"roots": manyRoots(20_000),
	} {
		err := analyseText(text)
		if err == nil && name != "roots" { // many roots on roots are allowed, and only have to be quick
			t.Errorf("%s is accepted", name)
		} else if err != nil && (name == "roots" || len(err.Error()) > 20_000) {
			t.Errorf("%s: an error of %d bytes: %.200v", name, len(err.Error()), err)
		}
	}
}

func TestHostileYAMLCostsWhatItIsLong(t *testing.T) {
	run := func(text string) func() { return func() { _ = analyseText(text) } }
	growth.AtMost(t, "a list of lists of lists, twice as deep,", 4, run(aliases(7)), run(aliases(14)))
	growth.Linear(t, "an open list in a list", 20_000, func(n int) func() { return run(strings.Repeat("[", n)) })
	growth.Linear(t, "an open map in a map", 10_000, func(n int) func() { return run("name: " + strings.Repeat("{a: ", n)) })
	growth.Linear(t, "a long key", 1<<17, func(n int) func() { return run(strings.Repeat("k", n) + ": 1") })
	growth.Linear(t, "roots that rest on roots", 10_000, func(n int) func() { return run(manyRoots(n)) })
}

func TestPagesShowWhatTurnsText(t *testing.T) {
	c := heuer()
	c.Incident.Title = "a\u202eb\x1b[31mc\u200bd"
	r := must(Analyse(c))
	parts, err := r.Parts()
	if err != nil {
		t.Fatal(err)
	}
	var page, picture strings.Builder
	if err := errors.Join(r.WritePage(&page), r.WriteTimeline(&picture)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{page.String(), picture.String(), string(parts.Time + parts.Claims)} {
		if strings.ContainsAny(text, "\u202e\x1b\u200b") {
			t.Error("a character that turns or hides text is left")
		}
	}
	if !strings.Contains(page.String(), "a⟨U+202E⟩b⟨U+001B⟩[31mc") {
		t.Error("it is not shown what was there")
	}
}
