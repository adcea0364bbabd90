package conformance

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
)

// vector is one of the hand-checked detections of match/sigma/reference, which between them use every modifier and
// form of condition.
type vector struct {
	Name         string
	Placeholders map[string][]string
	Detection    yaml.Node
	Match, Not   []map[string]yaml.Node
	Rejected     bool
}

// record gives an event of a vector, or nil when it has a list, which a table of SQL cannot hold.
func record(fields map[string]yaml.Node) *event.Record {
	rec := &event.Record{}
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		switch n := fields[name]; {
		case n.Kind != yaml.ScalarNode:
			return nil
		case n.Tag == "!!null":
			rec.AddNull(name)
		default:
			rec.Add(name, event.Text, n.Value)
		}
	}
	return rec
}

// TestSigmaVectorsAgreeWithPySigma runs every modifier and form of condition on events made for it.
func TestSigmaVectorsAgreeWithPySigma(t *testing.T) {
	python(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "match", "sigma", "reference", "testdata", "detection.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := yaml.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	in := &input{}
	var events [][]*event.Record
	source := event.Source{Category: "test"}
	for _, v := range vectors {
		var recs []*event.Record
		for _, f := range append(v.Match, v.Not...) {
			if r := record(f); r != nil {
				recs = append(recs, r)
			}
		}
		rule, err := yaml.Marshal(map[string]any{"title": v.Name, "logsource": map[string]string{"category": "test"}, "detection": &v.Detection})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, recs)
		in.Tasks = append(in.Tasks, task{Rule: string(rule), Table: in.add(recs), Placeholders: v.Placeholders})
	}
	found := map[string]difference{}
	agreed := 0
	for i, a := range ask(t, in) {
		set, refused := sigma.Compile(sigma.Parse("", []byte(in.Tasks[i].Rule)), sigma.Options{Placeholders: vectors[i].Placeholders})
		d := compare(t, set, batchOf(source, events[i]), events[i], a, &agreed)
		if d.refused && len(refused) > 0 {
			continue // both refuse the rule
		}
		if len(refused) > 0 && len(events[i]) == 0 {
			d = difference{theirs: 1, example: "we refuse: " + refused[0].Reason}
		}
		if d != (difference{}) {
			found[vectors[i].Name] = d
		}
	}
	t.Logf("%d detections: %d matches agreed, %d detections differ", len(vectors), agreed, len(found))
	loadPins(t, "pysigma_vector_differences.tsv").check(t, found)
}

// compare compares one set of rules with one answer.
func compare(t *testing.T, set *sigma.Set, b *event.Batch, events []*event.Record, a answer, agreed *int) difference {
	t.Helper()
	ours, theirs := map[int]bool{}, map[int]bool{}
	if err := set.Scanner().Scan(b, func(row int, _ event.RuleIndex) { ours[row] = true }); err != nil {
		t.Fatal(err)
	}
	for _, row := range a.Rows {
		theirs[row] = true
	}
	var d difference
	if a.Error != "" {
		d.refused, d.example = true, a.Error
	}
	for row := range events {
		switch {
		case ours[row] == theirs[row]:
			if ours[row] {
				*agreed++
			}
			continue
		case ours[row]:
			d.ours++
		default:
			d.theirs++
		}
		if d.example == "" {
			d.example = fmt.Sprintf("%v", events[row].Fields)
		}
	}
	return d
}

// TestSigmaRulesAgreeWithPySigmaOnMadeEvents runs the chosen public rules, of whatever log, on events put together
// from the rules' own values.
func TestSigmaRulesAgreeWithPySigmaOnMadeEvents(t *testing.T) {
	python(t)
	c, texts := corpus(t)
	rules := map[string]*sigma.Rule{}
	for _, r := range c.Rules {
		rules[r.ID] = r
	}
	chosen, err := os.ReadFile(filepath.Join("testdata", "pysigma_rules.txt"))
	if err != nil {
		t.Fatal(err)
	}
	in := &input{}
	var ids []string
	var events [][]*event.Record
	list := strings.Fields(string(chosen))
	if testing.Short() {
		list = list[:len(list)/8]
	}
	for _, id := range list {
		r := rules[id]
		if r == nil {
			t.Fatalf("the rule %s is not in the corpus any more", id)
		}
		rng := rand.New(rand.NewPCG(7, uint64(len(ids))))
		var recs []*event.Record
		for range 24 {
			recs = append(recs, invent(rng, r))
		}
		ids = append(ids, id)
		events = append(events, recs)
		in.Tasks = append(in.Tasks, task{Rule: texts[id], Table: in.add(recs)})
	}
	found := map[string]difference{}
	agreed, matched := 0, 0
	source := event.Source{Category: "made"}
	for i, a := range ask(t, in) {
		plain := *rules[ids[i]] // the same detection, read from a log whose fields have the rule's names
		plain.Logsource = sigma.Logsource{Category: "made"}
		set, refused := sigma.Compile(&sigma.Collection{Rules: []*sigma.Rule{&plain}}, sigma.Options{})
		before := agreed
		d := compare(t, set, batchOf(source, events[i]), events[i], a, &agreed)
		if d.refused && len(refused) > 0 {
			continue
		}
		if agreed > before {
			matched++
		}
		if d != (difference{}) {
			found[ids[i]] = d
		}
	}
	t.Logf("%d rules on %d made events: %d matches of %d rules agreed, %d rules differ", len(ids), 24*len(ids), agreed, matched, len(found))
	if matched*7 < len(ids)*5 {
		t.Errorf("only %d rules match something that was made for them", matched)
	}
	loadPins(t, "pysigma_made_differences.tsv").check(t, found)
}

// invent writes an event that fulfils each item of some selections, and now and then fails one.
func invent(rng *rand.Rand, r *sigma.Rule) *event.Record {
	values := map[string]string{}
	null := map[string]bool{}
	var order []string
	set := func(field, text string) {
		if field == "" {
			field = "message"
			text = values[field] + " " + text
		}
		if _, ok := values[field]; !ok {
			order = append(order, field)
		}
		values[field] = text
	}
	var group func(g *sigma.Group)
	group = func(g *sigma.Group) {
		if len(g.Groups) > 0 {
			group(&g.Groups[rng.IntN(len(g.Groups))])
			return
		}
		for _, it := range g.Items {
			if len(it.Values) == 0 || rng.IntN(12) == 0 {
				continue
			}
			has := func(m string) bool { return strings.Contains("|"+strings.Join(it.Modifiers, "|")+"|", "|"+m+"|") }
			v := it.Values[rng.IntN(len(it.Values))]
			if v.Kind == sigma.NullValue {
				null[it.Field] = rng.IntN(2) == 0
				continue
			}
			text := plain(rng, v.Text)
			if has("all") {
				text = ""
				for _, v := range it.Values {
					text += plain(rng, v.Text) + pad(rng)
				}
			}
			switch {
			case has("contains"):
				text = pad(rng) + text + pad(rng)
			case has("startswith"):
				text += pad(rng)
			case has("endswith"):
				text = pad(rng) + text
			case has("cidr"):
				text, _, _ = strings.Cut(v.Text, "/")
			}
			if rng.IntN(3) == 0 {
				text = swapCase(text)
			}
			set(it.Field, text)
		}
	}
	for i := range r.Selections {
		if name := r.Selections[i].Name; strings.HasPrefix(name, "filter") && rng.IntN(5) > 0 || rng.IntN(10) == 0 {
			continue
		}
		group(&r.Selections[i].Group)
	}
	rec := &event.Record{}
	for _, f := range order {
		if null[f] {
			rec.AddNull(f)
		} else {
			rec.Add(f, event.Text, values[f])
		}
	}
	return rec
}

// plain writes a text that the value stands for.
func plain(rng *rand.Rand, value string) string {
	var s strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && i+1 < len(value) && strings.IndexByte(`*?\`, value[i+1]) >= 0:
			i++
			s.WriteByte(value[i])
		case c == '*':
			s.WriteString(pad(rng))
		case c == '?':
			s.WriteByte('q')
		default:
			s.WriteByte(c)
		}
	}
	return s.String()
}

func pad(rng *rand.Rand) string {
	return []string{"", "", " x", "%_", "C:\\", "'[", "\n"}[rng.IntN(7)]
}

// swapCase changes the case of ASCII letters, as far as SQLite's comparisons fold them.
func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, s)
}
