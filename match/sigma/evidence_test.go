package sigma

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// recordedEvents flattens the real Windows events naively into batches. Rows of a batch have one source.
func recordedEvents(t testing.TB, limit int) []*event.Batch {
	t.Helper()
	var files []string
	err := filepath.WalkDir(require.Data(t, "winlog-json"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(p, ".json") || strings.HasSuffix(p, ".json.gz")) {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(files)
	r := recorder{builders: map[event.Source]*event.Builder{}}
	for _, p := range files {
		if r.rows >= limit {
			break
		}
		r.file(t, p, limit)
	}
	r.flush()
	return r.batches
}

type recorder struct {
	builders map[event.Source]*event.Builder
	batches  []*event.Batch
	rows     int
}

func (r *recorder) flush() {
	var sources []event.Source
	for s := range r.builders {
		sources = append(sources, s)
	}
	sort.Slice(sources, func(i, j int) bool { return sources[i].String() < sources[j].String() })
	for _, s := range sources {
		if b := r.builders[s]; b.Rows() > 0 {
			r.batches = append(r.batches, b.Batch())
		}
	}
	r.builders = map[event.Source]*event.Builder{}
}

func (r *recorder) file(t testing.TB, path string, limit int) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var body io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if body, err = gzip.NewReader(f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() && r.rows < limit {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.UseNumber()
		var e map[string]any
		if err := dec.Decode(&e); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		r.add(e)
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func (r *recorder) add(e map[string]any) {
	text := func(k string) string {
		switch v := e[k].(type) {
		case string:
			return v
		case json.Number:
			return v.String()
		}
		return ""
	}
	id, ok := NumberOf([]byte(text("EventID")))
	if !ok || text("Channel") == "" {
		return
	}
	s := event.Source{Product: event.ProductWindows, Channel: text("Channel"), Provider: text("SourceName"), ID: uint32(id.size)}
	b := r.builders[s]
	if b == nil {
		b = event.NewBuilder(s)
		r.builders[s] = b
	}
	at, _ := time.Parse("2006-01-02 15:04:05", text("EventTime"))
	b.Row(at.UnixNano(), uint64(r.rows), uint64(r.rows), []byte(text("Hostname")))
	r.rows++
	keys := make([]string, 0, len(e))
	for k := range e {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if v := text(k); v != "" && k != "Message" {
			name := k
			switch k {
			case "Hostname":
				name = event.FieldComputer
			case "SourceName":
				name = event.FieldProvider
			}
			b.Text(b.Field(name), []byte(v))
		}
	}
	if b.Rows() >= 2000 {
		r.batches = append(r.batches, b.Batch())
		delete(r.builders, s)
	}
}

// TestScannerAgreesWithExpressions runs every rule on real events twice: by the compiled program, and slowly from the
// rule's expression without witnesses, literals and caches.
func TestScannerAgreesWithExpressions(t *testing.T) {
	require.Time(t, "tries every rule slowly on real events, in one goroutine")
	set, _ := Compile(corpus(t), Options{})
	batches := recordedEvents(t, 60000)
	scan := set.Scanner().(*scanner)
	hits, compared := 0, 0
	for _, b := range batches {
		found := map[[2]int]bool{}
		during := map[[2]int][]event.Matched{}
		if err := scan.Scan(b, func(row int, rule event.RuleIndex) {
			found[[2]int{row, int(rule)}] = true
			during[[2]int{row, int(rule)}] = scan.Explain(b, row, rule)
		}); err != nil {
			t.Fatal(err)
		}
		hits += len(found)
		for i := range set.rules {
			rule := event.RuleIndex(i)
			route := set.Route(rule, b.Schema.Source)
			if route == nil {
				continue
			}
			for row := 0; row < b.Rows; row += 1 + b.Rows/12 {
				compared++
				want := slowly(set, rule, route, b, row)
				if got := found[[2]int{row, i}]; got != want {
					t.Fatalf("%s row %d rule %q: scanner %v, expression %v", b.Schema.Source, row, set.rules[i].rule.Title, got, want)
				}
			}
		}
		for at := range found {
			rule := event.RuleIndex(at[1])
			if !slowly(set, rule, set.Route(rule, b.Schema.Source), b, at[0]) {
				t.Fatalf("%s row %d rule %q: found wrongly", b.Schema.Source, at[0], set.rules[at[1]].rule.Title)
			}
			after := scan.Explain(b, at[0], rule) // without what the scan has worked out
			if !slices.Equal(after, during[at]) {
				t.Fatalf("%s row %d rule %q: explained by %v while scanning, by %v afterwards", b.Schema.Source, at[0], set.rules[at[1]].rule.Title, during[at], after)
			}
			if len(after) == 0 {
				t.Errorf("%s row %d rule %q: nothing explains the hit", b.Schema.Source, at[0], set.rules[at[1]].rule.Title)
			}
		}
	}
	t.Logf("%d batches, %d hits, %d pairs compared", len(batches), hits, compared)
	if hits == 0 {
		t.Error("no rule matched any event")
	}
}

func slowly(set *Set, rule event.RuleIndex, route *Route, b *event.Batch, row int) bool {
	x := explainer{batch: b, row: row, route: route}
	if !x.holds(set.rules[rule].when, false) {
		return false
	}
	l := &set.logsources[set.rules[rule].logsource]
	for i, r := range l.routes {
		if r == route {
			return x.holds(l.where[i], false)
		}
	}
	return false
}
