package dossier

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/docket"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/marking"
)

// evil stands where evidence or people put text. It must come out as text.
const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'</svg></style><b>`

func whole(t *testing.T) (*casefile.Case, *keys.Private) {
	t.Helper()
	lead, err := keys.Generate("anna")
	if err != nil {
		t.Fatal(err)
	}
	c, err := casefile.New(t.Context(), filepath.Join(t.TempDir(), "c"), casefile.NewOptions{Name: "n " + evil, Organisation: "CERT " + evil, Lead: lead, Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, lead
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fill puts everything that the page draws into a case, with hostile text in every place that takes text.
func fill(t *testing.T, c *casefile.Case, lead *keys.Private) {
	t.Helper()
	dir := t.TempDir()
	ok := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	q := func(s string) string { return fmt.Sprintf("%q", s) }
	when, _ := casefile.ParseMoment("2020-01")
	ok(c.TakeIntake(t.Context(), lead, casefile.Intake{Organisation: "Alpha " + evil, Reporter: evil, Contact: evil, AtRisk: []string{evil}, Noticed: casefile.Noticed{Who: evil, What: evil, When: when}, Marking: marking.Of(marking.Red, "a")}, "alpha", evil))
	ok(c.AddMember(t.Context(), lead, casefile.MemberDetail{ID: "beta", Name: "Beta"}, marking.Marking{}, "x"))
	write(t, dir, "findings.jsonl", `{"kind":"sigma","level":"high","org":`+q("alpha")+`,"time":"2026-01-03T04:05:06Z"}`+"\n")
	write(t, dir, "coverage.json", `{"orgs":[{"name":"alpha","denominator":{"declared":3,"covered":1},"hosts":[{"host":`+q(evil)+`,"profile":"","found":[],"sources":[{"source":`+q(evil)+`,"first":"2026-01-01T00:00:00Z","last":"2026-02-01T00:00:00Z","records":5,"gaps":[]}]}],"profiles":[]}],"files":[],"rules":{}}`)
	ok(c.ImportSweep(t.Context(), lead, dir, casefile.ImportOptions{Why: "x", Question: evil}))
	ok(c.ImportDocument(t.Context(), lead, casefile.TrailImported, write(t, dir, "trail.json", `{"org":`+q(evil)+`,"established":true,"why":`+q(evil)+`,"nodes":[],"edges":[],"stages":[{"tactic":"execution","technique":"T1059","host":`+q(evil)+`,"time":"2026-01-03T04:05:06Z","last":"2026-01-03T05:05:06Z","text":`+q(evil)+`,"refs":[]}],
		"implant":[{"name":`+q(evil)+`,"hosts":[]}],"infrastructure":[{"value":`+q(evil)+`,"kind":"name","role":"relay"}],"access":{"host":"h","text":`+q(evil)+`,"refs":[]},"hosts":[{"host":`+q(evil)+`,"first":"2026-01-03T04:05:06Z","last":"2026-01-03T04:05:06Z","steps":1}]}`), casefile.ImportOptions{Why: "x"}))
	ok(c.ImportDocument(t.Context(), lead, casefile.ExposureImported, write(t, dir, "exposure.json", `{"orgs":[{"org":`+q(evil)+`,"kinds":[{"kind":`+q(evil)+`,"unit":"persons","status":"taken","exact":7,"lower":7,"upper":7,"estimate":7,"interval":[7,7]},{"kind":"x","unit":`+q(evil)+`,"status":`+q(evil)+`,"lower":0,"estimate":3,"interval":[1,9]}]}]}`), casefile.ImportOptions{Why: "x"}))
	ok(c.ImportDocument(t.Context(), lead, casefile.KinshipImported, write(t, dir, "kinship.json", `{"orgs":[{"org":"Beta","verdict":"same-intrusion"},{"org":`+q("Gamma "+evil)+`,"verdict":"same-intrusion"}]}`), casefile.ImportOptions{Why: "x"}))
	a, err := attribution.Load("../examples/airlines-2021")
	ok(nil, err)
	a.Incident.Title, a.Incident.Facts[0].Text, a.Claims[0].Actor.Category, a.Roots[0].What, a.Hypotheses[0].Name, a.Evidence[0].Text = evil, evil, evil, evil, evil, evil
	a.Assessment.Subject, a.Analysts[0].Name, a.Claims[1].Notes, a.Naming[0].By, a.Incident.Public[0].What = evil, evil, evil, evil, evil
	ok(docket.Record(t.Context(), c, lead, a, docket.Options{Why: "x"}))
	many := int64(1200)
	ok(c.StateNumber(t.Context(), lead, casefile.Number{What: evil, Unit: evil, Exact: &many, Basis: evil}, nil, marking.Marking{}, "x"))
	ok(c.ReceiveEvidence(t.Context(), lead, write(t, dir, "disk.img", "x"), casefile.Receipt{From: evil, To: evil, Seal: evil, Authority: evil, When: when, Why: "x"}))
}

func TestTheWholeCaseIsOnThePageAndNothingOfItIsMarkup(t *testing.T) {
	c, lead := whole(t)
	fill(t, c, lead)
	var out bytes.Buffer
	if err := Write(t.Context(), &out, c); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	text, elements := parsed(t, page)
	for _, want := range []string{"known to the month", "639 to 669 days", "2026-01-03: 1 grave findings", "1 of 3 declared hosts", "nothing was searched", "7", "same-intrusion", "Persons, taken", "context-only", "tells apart",
		"What would change the answer", "no member of the case", "同一类型的网络攻击", "the same type of network attack", "Not in the case: intrusion, discovery, private-notice", "withheld", "count once", evil} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, svg := range []string{`class="world"`, `class="coverage-map"`, `class="map"`, `aria-label="Stages over time"`, "Exposed records by kind", `class="claims-axis"`, `aria-label="disclosure clock"`} {
		if !strings.Contains(page, svg) {
			t.Errorf("the page lacks the picture %s", svg)
		}
	}
	for _, name := range []string{"script", "img", "b ", "iframe", "object", "link"} {
		if elements[strings.TrimSpace(name)] > 0 && name != "b " {
			t.Errorf("%d elements %q", elements[strings.TrimSpace(name)], name)
		}
	}
	if regexp.MustCompile(`(?i)(src|href)="[^#"]|@import|url\((?:[^#]|#[^"')]*//)|<script|onerror=[^a]`).MatchString(strings.ReplaceAll(page, html.EscapeString(evil), "")) {
		t.Error("the page refers to something outside itself")
	}
	// Every reference to an entry leads to one.
	for _, m := range regexp.MustCompile(`href="#(e\d+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			t.Errorf("%s is nowhere", m[1])
		}
	}
}

// parsed gives what a browser would show as text and how many elements of each name there are.
func parsed(t *testing.T, page string) (string, map[string]int) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	elements := map[string]int{}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.ElementNode:
			elements[n.Data]++
			for _, a := range n.Attr {
				if strings.HasPrefix(strings.ToLower(a.Key), "on") {
					t.Errorf("an attribute %s", a.Key)
				}
			}
		case html.TextNode:
			text.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return text.String(), elements
}

// A copy that was changed, or is gone, is told on the page; the rest is shown.
func TestAResultThatCannotBeShownIsTold(t *testing.T) {
	c, lead := whole(t)
	fill(t, c, lead)
	imports, err := c.Imports(t.Context(), casefile.TrailImported, casefile.ExposureImported)
	if err != nil {
		t.Fatal(err)
	}
	for i, im := range imports {
		path := filepath.Join(c.Dir(), filepath.FromSlash(im.Files[0].Copy))
		if i == 0 {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Replace(b, []byte("T1059"), []byte("T1105"), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := Write(t.Context(), &out, c); err != nil {
		t.Fatal(err)
	}
	text, _ := parsed(t, out.String())
	for _, want := range []string{"its copy is missing, so it cannot be shown", "is not what was imported", "1 of 3 declared hosts"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
