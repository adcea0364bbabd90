package reference_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/match/sigma"
	"github.com/contrail-ir/contrail/match/sigma/reference"
)

// corpus parses every public rule, in the order of their paths.
func corpus(t testing.TB) *sigma.Collection {
	t.Helper()
	c := &sigma.Collection{}
	for _, dir := range []string{"rules", "rules-emerging-threats", "rules-threat-hunting"} {
		err := filepath.WalkDir(require.Data(t, "sigma/"+dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".yml" {
				return err
			}
			text, err := os.ReadFile(path)
			if err == nil {
				c.Add(sigma.Parse(path, text))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// evidenceFiles lists the JSON evidence.
func evidenceFiles(t testing.TB) []string {
	t.Helper()
	var out []string
	for _, dir := range []string{"winlog-json", "sigma/regression_data"} {
		err := filepath.WalkDir(require.Data(t, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".json") {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// plainEvent is one flattened event.
type plainEvent struct {
	source event.Source
	rec    event.Record
}

// readEvents flattens a file. Wanted says by event id whether one more event is wanted, before it is decoded.
func readEvents(t testing.TB, path string, wanted func(id string) bool) []plainEvent {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var in io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(file); err != nil {
			t.Fatal(path, err)
		}
	}
	var out []plainEvent
	add := func(d *json.Decoder) bool {
		var v map[string]any
		d.UseNumber()
		err := d.Decode(&v)
		if err == io.EOF {
			return false
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, flatten(v))
		return true
	}
	if strings.Contains(path, "regression_data") { // objects over many lines
		for d := json.NewDecoder(in); add(d); {
		}
		return out
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		id := ""
		if _, rest, ok := bytes.Cut(lines.Bytes(), []byte(`"EventID":`)); ok {
			end := bytes.IndexAny(rest, ",}")
			id = string(rest[:max(end, 0)])
		}
		if wanted(id) {
			add(json.NewDecoder(bytes.NewReader(lines.Bytes())))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

func flatten(v map[string]any) plainEvent {
	var p plainEvent
	if e, ok := v["Event"].(map[string]any); ok { // the XML of Windows written as JSON
		system, _ := e["System"].(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(system)) {
			p.attributes(k, system[k])
		}
		for _, part := range []string{"EventData", "UserData"} {
			if data, ok := e[part].(map[string]any); ok {
				for _, k := range slices.Sorted(maps.Keys(data)) {
					p.value(k, data[k])
				}
			}
		}
	} else {
		for _, k := range slices.Sorted(maps.Keys(v)) {
			p.value(k, v[k])
		}
	}
	get := func(name string) string { s, _ := p.rec.Get(name); return s }
	switch {
	case get(event.FieldChannel) != "":
		id, _ := strconv.ParseUint(get(event.FieldEventID), 10, 32)
		provider := get(event.FieldProvider)
		if provider == "" {
			provider = get("SourceName")
			p.rec.Add(event.FieldProvider, event.Text, provider)
		}
		p.source = event.Source{Product: event.ProductWindows, Provider: provider, Channel: get(event.FieldChannel), ID: uint32(id)}
	case get("awsRegion") != "":
		p.source = event.Source{Product: "aws", Service: "cloudtrail"}
	default:
		p.source = event.Source{Product: "azure", Service: "signinlogs"}
	}
	return p
}

// attributes names the parts of the System element as event's windows fields are named.
func (p *plainEvent) attributes(name string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		p.value(name, v)
		return
	}
	attributes, _ := m["#attributes"].(map[string]any)
	for _, k := range slices.Sorted(maps.Keys(attributes)) {
		to := name + "_" + k
		if k == "SystemTime" {
			to = name
		}
		p.value(to, attributes[k])
	}
	if text, ok := m["#text"]; ok {
		p.value(name, text)
	}
}

func (p *plainEvent) value(name string, v any) {
	switch v := v.(type) {
	case nil:
		p.rec.AddNull(name)
	case string:
		p.rec.Add(name, event.Text, v)
	case bool, json.Number:
		p.rec.Add(name, event.Text, fmt.Sprint(v))
	case []any:
		for _, e := range v {
			p.value(name, e)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			p.value(name+"."+k, v[k])
		}
	}
}

// comparison holds the rules of the corpus in both forms.
type comparison struct {
	set      *sigma.Set
	scanner  event.Scanner
	rules    []*reference.Rule // by index in the set
	bySource map[event.Source][]int
	pairs    int // rules tried on events by the reference
	events   int
	matches  int
	matched  map[string]bool
	spent    [2]time.Duration // engine, reference
}

// compareCorpus compiles the corpus both ways; what one refuses the other must refuse.
func compareCorpus(t testing.TB) *comparison {
	t.Helper()
	c := corpus(t)
	set, refused := sigma.Compile(c, sigma.Options{})
	x := &comparison{set: set, scanner: set.Scanner(), bySource: map[event.Source][]int{}, matched: map[string]bool{}}
	loaded := map[*sigma.Rule]bool{}
	for i := range set.Len() {
		r := set.Rule(event.RuleIndex(i))
		loaded[r] = true
		p, err := reference.Prepare(r, nil, reference.Options{})
		if err != nil {
			t.Errorf("%s %s: the engine takes it, the reference says %v", r.ID, r.Place, err)
			p = &reference.Rule{Parsed: r}
		}
		x.rules = append(x.rules, p)
	}
	for _, r := range c.Rules {
		if !loaded[r] {
			if _, err := reference.Prepare(r, nil, reference.Options{}); err == nil {
				t.Errorf("%s %s: the engine rejects it, the reference takes it", r.ID, r.Place)
			}
		}
	}
	t.Logf("%d rules read, %d compiled, %d rejected", len(c.Rules)+len(c.Rejected), set.Len(), len(refused))
	for _, r := range refused {
		t.Logf("rejected: %v", r)
	}
	return x
}

// compare runs both over events of one source.
func (x *comparison) compare(t testing.TB, where string, events []plainEvent) {
	t.Helper()
	x.compareBatch(t, where, batchOf(events))
}

// batchOf puts events of one source together.
func batchOf(events []plainEvent) *event.Batch {
	b := event.NewBuilder(events[0].source)
	for i, e := range events {
		b.Row(0, uint64(i), uint64(i), nil)
		for _, f := range e.rec.Fields {
			if f.Null {
				b.Null(b.Field(f.Name))
			} else {
				b.Text(b.Field(f.Name), []byte(f.Text))
			}
		}
	}
	return b.Batch()
}

// rulesOf gives the rules that read a source.
func (x *comparison) rulesOf(source event.Source) []int {
	rules, ok := x.bySource[source]
	if !ok {
		for i, r := range x.rules {
			if r.Reads(source) {
				rules = append(rules, i)
			}
		}
		x.bySource[source] = rules
	}
	return rules
}

// compareBatch runs both over a batch, which must have all fields of its events.
func (x *comparison) compareBatch(t testing.TB, where string, b *event.Batch) {
	t.Helper()
	type pair struct{ row, rule int }
	got := map[pair]bool{}
	start := time.Now()
	err := x.scanner.Scan(b, func(row int, rule event.RuleIndex) { got[pair{row, int(rule)}] = true })
	x.spent[0] += time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	source := b.Schema.Source
	candidates := x.rulesOf(source)
	start = time.Now()
	for row := range b.Rows {
		e := reference.EventOf(b, row)
		for _, i := range candidates {
			x.pairs++
			want := x.rules[i].Match(e)
			if want != got[pair{row, i}] {
				t.Errorf("%s event %d of %s, rule %s %q: the reference says %v, the engine %v", where, row, source, x.rules[i].Parsed.ID, x.rules[i].Parsed.Title, want, !want)
			}
			delete(got, pair{row, i})
			if want {
				x.matches++
				x.matched[x.rules[i].Parsed.ID] = true
			}
		}
	}
	x.spent[1] += time.Since(start)
	for p := range got {
		t.Errorf("%s event %d of %s: the engine reports rule %s, which does not read that log", where, p.row, source, x.rules[p.rule].Parsed.ID)
	}
	x.events += b.Rows
}

// TestEngineEqualsReferenceOnRealEvents runs every public rule over real events: of each file the first events of each
// kind, as many as the environment variable CONTRAIL_EVENTS_PER_KIND says.
func TestEngineEqualsReferenceOnRealEvents(t *testing.T) {
	x := compareCorpus(t)
	most := 2
	if testing.Short() {
		most = 1
	}
	if n := os.Getenv("CONTRAIL_EVENTS_PER_KIND"); n != "" {
		var err error
		if most, err = strconv.Atoi(n); err != nil {
			t.Fatal(err)
		}
	}
	for i, path := range evidenceFiles(t) {
		if testing.Short() && i%5 != 0 {
			continue
		}
		seen := map[string]int{}
		bySource := map[event.Source][]plainEvent{}
		for _, e := range readEvents(t, path, func(id string) bool { seen[id]++; return seen[id] <= most }) {
			bySource[e.source] = append(bySource[e.source], e)
		}
		sources := slices.SortedFunc(maps.Keys(bySource), func(a, b event.Source) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, s := range sources {
			for part := range slices.Chunk(bySource[s], 4096) {
				x.compare(t, path, part)
			}
		}
	}
	t.Logf("%d events, %d pairs of event and rule, %d matches of %d rules; engine %v, reference %v", x.events, x.pairs, x.matches, len(x.matched), x.spent[0].Round(time.Millisecond), x.spent[1].Round(time.Millisecond))
	if x.matches == 0 {
		t.Error("no rule matches anything")
	}
}
