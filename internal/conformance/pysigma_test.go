package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match/sigma"
)

var update = flag.Bool("update", false, "choose the rules again and write the counts of the differences; reasons stay")

// python gives an interpreter that has pySigma and its SQLite backend: the one that CONTRAIL_PYTHON names, which has to have them, or python3.
func python(t *testing.T) string {
	t.Helper()
	name := os.Getenv("CONTRAIL_PYTHON")
	named := name != ""
	if !named {
		name = require.Program(t, "python3")
	}
	if out, err := exec.Command(name, "-c", "import sigma.backends.sqlite").CombinedOutput(); err != nil {
		reason := fmt.Sprintf("%s has not what internal/conformance/requirements.txt lists, or is not the Python that CONTRAIL_PYTHON should name: %v %s", name, err, bytes.TrimSpace(out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:]))
		if named {
			t.Fatal(reason)
		}
		require.Missing(t, reason)
	}
	return name
}

// The forms of pysigma.py's input and output.
type (
	input struct {
		Tables []table `json:"tables"`
		Tasks  []task  `json:"tasks"`
	}
	table struct {
		Columns []string    `json:"columns"`
		Rows    [][]*string `json:"rows"`
	}
	task struct {
		Rule         string              `json:"rule"`
		Table        int                 `json:"table"`
		Names        map[string]string   `json:"names,omitempty"`
		Where        map[string][]string `json:"where,omitempty"`
		Placeholders map[string][]string `json:"placeholders,omitempty"`
	}
	answer struct {
		Rows  []int  `json:"rows"`
		Error string `json:"error"`
	}
)

func ask(t *testing.T, in *input) []answer {
	t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python(t), "pysigma.py")
	cmd.Stdin = bytes.NewReader(text)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pysigma.py: %v: %s", err, stderr.Bytes())
	}
	var answers []answer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(in.Tasks) {
		t.Fatalf("pysigma.py gave %d answers to %d tasks: %v", len(answers), len(in.Tasks), err)
	}
	return answers
}

// add makes a table of records. A list becomes its elements on lines of their own, for SQL has no lists.
func (in *input) add(events []*event.Record) int {
	at := map[string]int{}
	t := table{Columns: []string{}, Rows: [][]*string{}}
	for _, e := range events {
		for _, f := range e.Fields {
			if _, ok := at[f.Name]; !ok {
				at[f.Name] = len(t.Columns)
				t.Columns = append(t.Columns, f.Name)
			}
		}
	}
	for _, e := range events {
		row := make([]*string, len(t.Columns))
		for _, f := range e.Fields {
			if f.Null {
				continue
			}
			text := strings.ToValidUTF8(f.Text, "\uFFFD")
			if have := row[at[f.Name]]; have != nil {
				text = *have + "\n" + text
			}
			row[at[f.Name]] = &text
		}
		t.Rows = append(t.Rows, row)
	}
	in.Tables = append(in.Tables, t)
	return len(in.Tables) - 1
}

func batchOf(source event.Source, events []*event.Record) *event.Batch {
	b := event.NewBuilder(source)
	for i, e := range events {
		b.Row(event.NoTime, uint64(i), uint64(i), nil)
		for _, f := range e.Fields {
			if f.Null {
				b.Null(b.Field(f.Name))
			} else {
				b.Text(b.Field(f.Name), []byte(f.Text))
			}
		}
	}
	return b.Batch()
}

// difference counts what only one of the two finds, or says that pySigma refused the rule.
type difference struct {
	ours, theirs int
	refused      bool
	example      string
}

func (d difference) counts() string {
	if d.refused {
		return "refused"
	}
	return fmt.Sprintf("ours %d theirs %d", d.ours, d.theirs)
}

// pins is a table of the known differences: key, counts, reason.
type pins struct {
	file   string
	reason map[string]string
	counts map[string]string
}

func loadPins(t *testing.T, name string) *pins {
	t.Helper()
	p := &pins{file: filepath.Join("testdata", name), reason: map[string]string{}, counts: map[string]string{}}
	text, err := os.ReadFile(p.file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if part := strings.SplitN(line, "\t", 3); len(part) == 3 && !strings.HasPrefix(line, "#") {
			p.counts[part[0]], p.reason[part[0]] = part[1], part[2]
		}
	}
	return p
}

// check compares the differences found with those pinned.
func (p *pins) check(t *testing.T, found map[string]difference) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(found))
	if *update {
		var out strings.Builder
		out.WriteString("# Where the engine and pySigma's SQLite backend differ: rule, how many events only one of them finds, and why.\n")
		for _, k := range keys {
			fmt.Fprintf(&out, "%s\t%s\t%s\n", k, found[k].counts(), p.reason[k])
		}
		if err := os.WriteFile(p.file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range keys {
		d := found[k]
		switch {
		case p.reason[k] == "":
			t.Errorf("%s: %s, unexplained: %s", k, d.counts(), d.example)
		case p.counts[k] != d.counts():
			t.Errorf("%s: %s, pinned are %s (%s): %s", k, d.counts(), p.counts[k], p.reason[k], d.example)
		}
	}
	for k := range p.counts {
		if _, ok := found[k]; !ok && !*update {
			t.Errorf("%s is pinned as a difference and is none any more", k)
		}
	}
}

// TestSigmaCorpusAgreesWithPySigma runs chosen public rules over public events with both.
func TestSigmaCorpusAgreesWithPySigma(t *testing.T) {
	require.Time(t, "asks pySigma about real events, in one goroutine")
	python(t)
	rules, texts := corpus(t)
	set, _ := sigma.Compile(rules, sigma.Options{})
	groups := evidence(t)
	ours := scan(t, set, groups)
	chosen := chooseRules(t, set, ours)

	in := &input{}
	tables := map[event.Source]int{}
	for _, s := range sortedSources(groups) {
		tables[s] = in.add(groups[s])
	}
	type place struct {
		id     string
		source event.Source
	}
	var places []place
	for _, id := range chosen {
		for i := range set.Len() {
			r := set.Rule(event.RuleIndex(i))
			if r.ID != id {
				continue
			}
			for _, s := range sortedSources(groups) {
				if route := set.Route(event.RuleIndex(i), s); route != nil {
					in.Tasks = append(in.Tasks, task{Rule: texts[id], Table: tables[s], Names: route.Aliases, Where: where(route)})
					places = append(places, place{id, s})
				}
			}
		}
	}
	found := map[string]difference{}
	agreed := 0
	asked, matched := map[string]bool{}, map[string]bool{}
	for i, a := range ask(t, in) {
		p := places[i]
		asked[p.id] = true
		d := found[p.id]
		theirs := map[int]bool{}
		for _, row := range a.Rows {
			theirs[row] = true
		}
		if a.Error != "" {
			d.refused, d.example = true, a.Error
		}
		for row := range groups[p.source] {
			we := ours[p.id][origin{p.source, row}]
			switch {
			case we && theirs[row]:
				agreed++
				matched[p.id] = true
				continue
			case we:
				d.ours++
			case theirs[row]:
				d.theirs++
			default:
				continue
			}
			if d.example == "" {
				text, _ := json.Marshal(groups[p.source][row])
				d.example = fmt.Sprintf("%s event %d: %s", p.source, row, text)
			}
		}
		if d != (difference{}) {
			found[p.id] = d
		}
	}
	events := 0
	for _, g := range groups {
		events += len(g)
	}
	t.Logf("%d rules chosen, %d have events of their log among %d, in %d tasks: %d matches of %d rules agreed, %d rules differ",
		len(chosen), len(asked), events, len(in.Tasks), agreed, len(matched), len(found))
	if len(asked) < 300 {
		t.Errorf("only %d rules are compared", len(asked))
	}
	loadPins(t, "pysigma_differences.tsv").check(t, found)
}

func where(r *sigma.Route) map[string][]string {
	out := map[string][]string{}
	for _, it := range r.Where {
		for _, v := range it.Values {
			out[it.Field] = append(out[it.Field], v.Text)
		}
	}
	return out
}

type origin struct {
	source event.Source
	row    int
}

// scan gives the events that each rule matches, by rule id.
func scan(t *testing.T, set *sigma.Set, groups map[event.Source][]*event.Record) map[string]map[origin]bool {
	t.Helper()
	out := map[string]map[origin]bool{}
	scanner := set.Scanner()
	for _, s := range sortedSources(groups) {
		err := scanner.Scan(batchOf(s, groups[s]), func(row int, rule event.RuleIndex) {
			id := set.Rule(rule).ID
			if out[id] == nil {
				out[id] = map[origin]bool{}
			}
			out[id][origin{s, row}] = true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func sortedSources(groups map[event.Source][]*event.Record) []event.Source {
	return slices.SortedFunc(maps.Keys(groups), func(a, b event.Source) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

const wantRules = 420

// chooseRules gives the ids in the golden file. Updated, they are a greedy cover of every form that rules use, filled
// up with rules that match something and then with others, by id.
func chooseRules(t *testing.T, set *sigma.Set, ours map[string]map[origin]bool) []string {
	t.Helper()
	file := filepath.Join("testdata", "pysigma_rules.txt")
	if !*update {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(text))
	}
	forms := map[string]map[string]bool{}
	missing := map[string]bool{}
	for i := range set.Len() {
		r := set.Rule(event.RuleIndex(i))
		forms[r.ID] = formsOf(r)
		for f := range forms[r.ID] {
			missing[f] = true
		}
	}
	ids := slices.Sorted(maps.Keys(forms))
	sort.SliceStable(ids, func(i, j int) bool { return len(ours[ids[i]]) > 0 && len(ours[ids[j]]) == 0 })
	chosen := map[string]bool{}
	for len(missing) > 0 {
		best, most := "", 0
		for _, id := range ids {
			n := 0
			for f := range forms[id] {
				if missing[f] {
					n++
				}
			}
			if n > most {
				best, most = id, n
			}
		}
		chosen[best] = true
		for f := range forms[best] {
			delete(missing, f)
		}
	}
	for _, id := range ids {
		if len(chosen) < wantRules {
			chosen[id] = true
		}
	}
	out := slices.Sorted(maps.Keys(chosen))
	if err := os.WriteFile(file, []byte(strings.Join(out, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}

// formsOf names what a rule uses: chains of modifiers with the kind of their values, and the forms of conditions.
func formsOf(r *sigma.Rule) map[string]bool {
	out := map[string]bool{"logsource " + r.Logsource.Product + "/" + r.Logsource.Category: true}
	var group func(g *sigma.Group, depth int)
	group = func(g *sigma.Group, depth int) {
		out["nested "+strconv.Itoa(depth)+strconv.FormatBool(g.Any)] = true
		for _, it := range g.Items {
			for _, v := range it.Values {
				form := fmt.Sprintf("keyword=%t |%s kind=%d", it.Field == "", strings.Join(it.Modifiers, "|"), v.Kind)
				for _, special := range []string{"*", "?", `\`, `\\`, `\*`, `\?`, "%", "_", "'", "[", "\n"} {
					if strings.Contains(v.Text, special) {
						out[form+" with "+special] = true
					}
				}
				if v.Text == "" {
					form += " empty"
				}
				out[form] = true
			}
		}
		for i := range g.Groups {
			group(&g.Groups[i], depth+1)
		}
	}
	for i := range r.Selections {
		group(&r.Selections[i].Group, 0)
	}
	var condition func(c *sigma.Condition, above string)
	condition = func(c *sigma.Condition, above string) {
		form := above + ">" + strconv.Itoa(int(c.Op))
		switch {
		case c.Name == "them":
			form += " them"
		case strings.Contains(c.Name, "*"):
			form += " pattern"
		}
		out["condition "+form] = true
		for _, a := range c.Args {
			condition(a, strconv.Itoa(int(c.Op)))
		}
	}
	out["conditions "+strconv.Itoa(len(r.Conditions))] = true
	for _, c := range r.Conditions {
		condition(c, "")
	}
	return out
}
