package report

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/sweep"
)

// hostile are things that an intruder might write into a log to get out of a report. The scripts among them leave a mark.
var hostile = []string{
	`<script>document.title="pwned";document.documentElement.dataset.pwned="1"</script>`,
	`</script><script>document.title="pwned";document.documentElement.dataset.pwned="1"</script>`,
	`<!--<script>`, `--><svg onload=document.title="pwned">`,
	`"><img src=x onerror='document.title="pwned"'>`, `' onmouseover=alert(1) '`,
	"{{.Verdict}} ${1+1} {{template \"x\"}}", "evil\u202Efdp.exe", "\x1b[31mred\x1b[0m\x07", "a\u2028b\u2029c", "zero\u200bwidth", "bad \xff utf-8", "javascript:alert(1)", "__proto__", "constructor",
}

func hostileFindings() []*finding.Finding {
	var out []*finding.Finding
	for i, text := range hostile {
		e, _ := json.Marshal(map[string]any{"EventID": 1, text: text, "CommandLine": text, "nested": map[string]any{text: []any{text, nil}}, "__proto__": text})
		out = append(out, &finding.Finding{
			Rule: &finding.Rule{ID: finding.RuleID(fmt.Sprint(i, text)), Kind: finding.Sigma, Title: text, Level: finding.Critical, Author: text, Tags: []string{text, "attack.execution", "attack.t1059.001"}, Source: text},
			Org:  []string{"alpha", hostile[0]}[i%2], Host: text, Time: 1.1e18 + int64(i)*3600e9, File: text, SHA256: text, Record: 1<<63 + uint64(i), Offset: 1 << 60,
			Matched: []event.Matched{{Field: "CommandLine", Value: text}, {Field: text, Value: text}}, Refs: []finding.Ref{{File: text, Record: 7}}, Event: e,
		})
	}
	return out
}

func pageResult(findings []*finding.Finding) *sweep.Result {
	r := &sweep.Result{Found: map[finding.RuleID]uint64{}, Certificate: &coverage.Certificate{}}
	orgs := map[string]map[string][]string{}
	// Evidence from before the first finding to behind the last, and a gap in the middle.
	first, last := int64(1.1e18), int64(1.1e18)
	for _, f := range findings {
		if f.Time != event.NoTime {
			first, last = min(first, f.Time), f.Time
		}
	}
	moment := func(part int64) string { return string(event.AppendTime(nil, first+(last-first)/10*part)) }
	for _, f := range findings {
		if r.Found[f.Rule.ID]++; r.Found[f.Rule.ID] == 1 {
			r.Rules = append(r.Rules, *f.Rule)
		}
		if orgs[f.Org] == nil {
			orgs[f.Org] = map[string][]string{}
			r.Certificate.Orgs = append(r.Certificate.Orgs, coverage.Org{Name: f.Org, Silent: []coverage.Declared{{Host: hostile[1], Role: hostile[0]}}, Denominator: coverage.Denominator{Declared: 3, Covered: 2, Known: true},
				Profiles: []coverage.Profile{{ID: "p1", Searchable: 3, NotSearchable: []coverage.Unanswered{{Reason: hostile[0], Rules: []string{"x"}}}}}})
		}
		if orgs[f.Org][f.Host] == nil {
			orgs[f.Org][f.Host] = []string{string(f.Rule.ID)}
			o := &r.Certificate.Orgs[len(orgs)-1]
			for i := range r.Certificate.Orgs {
				if r.Certificate.Orgs[i].Name == f.Org {
					o = &r.Certificate.Orgs[i]
				}
			}
			o.Hosts = append(o.Hosts, coverage.Host{Host: f.Host, Profile: "p1", Found: []string{"1"}, Sources: []coverage.Source{{Source: f.Host, First: moment(0), Last: moment(10), Records: 9,
				Gaps: []coverage.Gap{{From: moment(4), To: moment(6), Why: f.Host}, {Why: "and 2 more"}}}, {Source: "lastlog", NoTimes: "no record has a time", Records: 3}}})
		}
		r.Stats.Findings++
	}
	c := r.Certificate
	c.Files = []coverage.File{{Path: hostile[0], Org: "alpha", Format: "evtx", First: moment(0), Last: moment(10), Records: 9, Damage: []coverage.Damage{{Offset: 77, Reason: hostile[1]}}, MoreDamage: 4}}
	c.Unrecognised = []coverage.Unread{{Path: hostile[1], Org: "alpha", Reason: hostile[7], Lost: true}}
	c.NotRead = []coverage.NotRead{{Path: hostile[2], What: hostile[3]}}
	c.Rules = coverage.Rules{Loaded: 30, Found: len(r.Rules), Rejected: []coverage.Rejected{{ID: "r", File: hostile[4], Reason: hostile[5]}}, NotSearchable: []coverage.NotSearchable{{ID: "n", Reason: hostile[0]}}, Uncertain: []coverage.NotSearchable{{ID: "u", Reason: hostile[6]}}}
	return r
}

// writePage writes a page of findings, in their order, and gives its path.
func writePage(t *testing.T, limits pageLimits, findings []*finding.Finding) string {
	t.Helper()
	dir := t.TempDir()
	p, err := newPage(dir, limits)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if err := p.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.End(pageResult(findings)); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the folder holds %v (%v)", entries, err)
	}
	return filepath.Join(dir, "report.html")
}

var scriptElement = regexp.MustCompile(`(?s)<script([^>]*)>(.*?)</script>`)

func TestPagePolicyNamesItsOnlyScriptAndStyle(t *testing.T) {
	raw, err := os.ReadFile(writePage(t, pageBounds, hostileFindings()))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	var scripts []string
	for _, m := range scriptElement.FindAllStringSubmatch(page, -1) {
		if strings.Contains(m[1], "application/json") {
			if strings.ContainsAny(m[2], "<>&\u2028\u2029") {
				t.Errorf("markup can begin in %.80q", m[2])
			}
			if m[2] != "" && !json.Valid([]byte(m[2])) {
				t.Errorf("no JSON: %.200q", m[2])
			}
			continue
		}
		scripts = append(scripts, m[2])
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(page, -1)
	if len(scripts) != 1 || len(style) != 1 {
		t.Fatalf("%d scripts, %d styles", len(scripts), len(style))
	}
	digest := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	want := `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ` + digest(scripts[0]) + `; style-src ` + digest(style[0][1]) + `; base-uri 'none'; form-action 'none'">`
	if !strings.Contains(page, want) {
		t.Errorf("the policy is not %s", want)
	}
	for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://" + "x", "@import", "fetch(", "XMLHttpRequest"} {
		if strings.Contains(scripts[0]+style[0][1], bad) {
			t.Errorf("the page's own code has %s", bad)
		}
	}
	// In markup nothing hostile stands unescaped; whatever begins an element was written by the templates.
	markup := scriptElement.ReplaceAllString(page, "")
	if strings.Contains(markup, "<img") || strings.Contains(markup, "onerror='") || strings.Contains(markup, "\u202e") || strings.Contains(markup, "\x1b") {
		t.Error("hostile text reached the markup")
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(markup, -1) {
		if !strings.HasPrefix(m[1], "#") {
			t.Errorf("the page refers to %s", m[1])
		}
	}
}

// decodePage reads the findings of a page back, the slow way.
func decodePage(t *testing.T, path string) (f facts, rows []*finding.Finding) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var chunks []rowChunk
	var events [][]json.RawMessage
	for _, m := range scriptElement.FindAllStringSubmatch(string(raw), -1) {
		switch {
		case strings.Contains(m[1], `class="rows"`):
			d := json.NewDecoder(strings.NewReader(m[2]))
			d.UseNumber()
			var c rowChunk
			if err := d.Decode(&c); err != nil {
				t.Fatal(err)
			}
			chunks = append(chunks, c)
		case strings.Contains(m[1], `class="events"`):
			var e []json.RawMessage
			if m[2] != "" {
				if err := json.Unmarshal([]byte(m[2]), &e); err != nil {
					t.Fatal(err)
				}
			}
			events = append(events, e)
		case strings.Contains(m[1], `id="facts"`):
			if err := json.Unmarshal([]byte(m[2]), &f); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n, c := range chunks {
		at := int64(0)
		for i := range c.Rows {
			r := f.Rules[c.Rule[i]]
			level, err := finding.ParseLevel(r.Level)
			if err != nil {
				t.Fatal(err)
			}
			x := &finding.Finding{Rule: &finding.Rule{ID: r.ID, Title: r.Title, Level: level}, Org: c.Strings[c.Org[i]], Host: c.Strings[c.Host[i]], File: c.Strings[c.File[i]], SHA256: c.Strings[c.SHA256[i]], Time: event.NoTime}
			if _, err := fmt.Sscan(fmt.Sprint(c.Record[i]), &x.Record); err != nil {
				t.Fatal(err)
			}
			if !containsInt(c.NoTime, i) {
				at += c.Time[i]
				x.Time = at*1000 + c.Nanos[i]
			}
			x.Recovered = containsInt(c.Recovered, i)
			for k := 0; k < len(c.Matched[i]); k += 2 {
				field, err := c.Matched[i][k].(json.Number).Int64()
				if err != nil {
					t.Fatal(err)
				}
				x.Matched = append(x.Matched, event.Matched{Field: c.Strings[field], Value: c.Matched[i][k+1].(string)})
			}
			if events[n] != nil && string(events[n][i]) != "null" {
				x.Event = events[n][i]
			}
			rows = append(rows, x)
		}
	}
	return f, rows
}

func containsInt(list []int, x int) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// manyFindings gives n findings of all levels in order of time, some without a time, some before 1970, with and without an event.
func manyFindings(n int) []*finding.Finding {
	rules := make([]*finding.Rule, 40)
	for i := range rules {
		rules[i] = &finding.Rule{ID: finding.RuleID(fmt.Sprint("rule-", i)), Kind: finding.Sigma, Title: fmt.Sprint("Rule number ", i), Level: finding.Level(i % 6), Tags: []string{"attack.execution", fmt.Sprintf("attack.t1%03d", i)}, Source: "windows/process_creation/"}
	}
	out := make([]*finding.Finding, n)
	for i := range out {
		f := &finding.Finding{Rule: rules[i*7%len(rules)], Org: []string{"alpha", "beta"}[i%2], Host: fmt.Sprint("HOST", i%50), File: fmt.Sprintf("host%d/Security.evtx", i%50), SHA256: fmt.Sprintf("%064x", i%50),
			Record: uint64(i), Offset: uint64(i) * 100, Time: -1e15 + int64(i)*123_456_789_100, Recovered: i%11 == 0,
			Matched: []event.Matched{{Field: "CommandLine", Value: fmt.Sprintf(`C:\Temp\program%d.exe --number %d`, i%100, i)}}}
		if i < 3 {
			f.Time = event.NoTime
		}
		if i%5 != 0 {
			f.Event = fmt.Appendf(nil, `{"EventID":4688,"Channel":"Security","EventRecordID":%d,"CommandLine":"program%d.exe --number %d","pad":%q}`, i, i%100, i, strings.Repeat("x", 200))
		}
		out[i] = f
	}
	return out
}

func TestPageHoldsTheGravestAndSaysWhatItLeavesOut(t *testing.T) {
	share := 1 // of the findings and of the bounds
	if testing.Short() {
		share = 10
	}
	all := manyFindings(30_000 / share)
	byKey := map[string]*finding.Finding{}
	levels := map[finding.Level]int{}
	for _, f := range all {
		byKey[fmt.Sprint(f.Record)] = f
		levels[f.Rule.Level]++
	}
	for name, limits := range map[string]pageLimits{"everything": pageBounds, "rows": {12_000 / share, 1 << 30, 1 << 30}, "bytes": {1 << 30, (1 << 20) / int64(share), 1 << 30}, "events": {1 << 30, 1 << 30, (2 << 20) / int64(share)}} {
		f, rows := decodePage(t, writePage(t, limits, all))
		if f.Found != len(all) || f.Embedded != len(rows) {
			t.Errorf("%s: the page says %d of %d, and holds %d of %d", name, f.Embedded, f.Found, len(rows), len(all))
		}
		seen := map[finding.Level]int{}
		withEvent := 0
		for i, x := range rows {
			want := byKey[fmt.Sprint(x.Record)]
			if x.Time != want.Time || x.Host != want.Host || x.Org != want.Org || x.File != want.File || x.SHA256 != want.SHA256 || x.Rule.ID != want.Rule.ID || x.Recovered != want.Recovered || fmt.Sprint(x.Matched) != fmt.Sprint(want.Matched) {
				t.Fatalf("%s: row %d is\n%+v, want\n%+v", name, i, x, want)
			}
			if x.Event != nil {
				if withEvent++; string(x.Event) != string(want.Event) {
					t.Fatalf("%s: event of row %d is %s", name, i, x.Event)
				}
			}
			if i > 0 && (rows[i-1].Rule.Level < x.Rule.Level || rows[i-1].Rule.Level == x.Rule.Level && rows[i-1].Time > x.Time) {
				t.Fatalf("%s: row %d is out of order", name, i)
			}
			seen[x.Rule.Level]++
		}
		switch name {
		case "everything":
			if len(rows) != len(all) || withEvent != len(all)*4/5 || f.WithEvents != len(all) {
				t.Errorf("%d rows, %d events, said %d", len(rows), withEvent, f.WithEvents)
			}
		case "rows", "bytes":
			if seen[finding.Critical] == 0 || len(rows) >= len(all) || seen[finding.NoLevel] > 0 {
				t.Errorf("%s: %v", name, seen)
			}
			// No graver finding is left out while a lesser one is in.
			for l := finding.Low; l <= finding.Critical; l++ {
				if seen[l-1] > 0 && seen[l] != levels[l] {
					t.Errorf("%s: %d of %d of level %v while %d of lower level", name, seen[l], levels[l], l, seen[l-1])
				}
			}
		case "events":
			if len(rows) != len(all) || withEvent == 0 || withEvent > 12_000/share || f.WithEvents >= len(all) {
				t.Errorf("%s: %d events, said %d", name, withEvent, f.WithEvents)
			}
		}
	}
}

func TestPageOfNothingAndPageGivenUp(t *testing.T) {
	f, rows := decodePage(t, writePage(t, pageBounds, nil))
	if len(rows) != 0 || f.Found != 0 {
		t.Errorf("%d rows", len(rows))
	}
	dir := t.TempDir()
	p, err := NewPage(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range manyFindings(5000) {
		if err := p.Finding(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
	if _, err := NewPage(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestPageMemoryIsBounded(t *testing.T) {
	require.Time(t, "measures the memory of 300,000 findings, which the race detector multiplies")
	p, err := newPage(t.TempDir(), pageBounds)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	some := manyFindings(2000)
	before := heap()
	for i := range 300_000 {
		f := *some[i%len(some)]
		f.Host = fmt.Sprint("host ", i) // every finding on another host
		if err := p.Finding(&f); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 96<<20 {
		t.Errorf("300,000 findings on as many hosts take %d MiB", grown>>20)
	} else {
		t.Logf("300,000 findings on as many hosts take %d MiB", grown>>20)
	}
}
