package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/sweep"
)

func TestCleanLeavesNothingThatATerminalObeys(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":            "plain text",
		"Flüge 航班":              "Flüge 航班",
		"\x1b[31mred":           "\uFFFD[31mred",
		"a\r\nb\tc\x00\x7f\x9b": "a\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFD\uFFFD",
		"evil\u202Efdp.exe":     "evil\uFFFDfdp.exe",
		"zero\u200bwidth\u2028": "zero\uFFFDwidth\uFFFD",
		"\u009b2J":              "\uFFFD2J",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b]0;title\x07")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Clean(s) {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("%q passes", r)
			}
		}
	})
}

func rule(id, title string, level finding.Level) *finding.Rule {
	return &finding.Rule{ID: finding.RuleID(id), Kind: finding.Sigma, Title: title, Level: level, Source: "windows/process_creation/"}
}

func result(rules ...*finding.Rule) *sweep.Result {
	r := &sweep.Result{Certificate: coverage.NewBuilder([]string{"alpha"}).Certificate(coverage.Rules{}, seven{}), Found: map[finding.RuleID]uint64{}}
	for _, x := range rules {
		r.Rules = append(r.Rules, *x)
		r.Found[x.ID]++
		r.Stats.Findings++
	}
	return r
}

func TestTableByLevelHostAndRule(t *testing.T) {
	var out bytes.Buffer
	low, high := rule("1", "Quiet thing", finding.Low), rule("2", "Loud \x1b[2Jthing", finding.Critical)
	table := &Table{Out: &out, Rows: 2}
	for _, f := range []*finding.Finding{
		{Rule: low, Host: "WS1", Time: 1e18}, {Rule: high, Host: "WS2", Time: 1.1e18}, {Rule: high, Host: "WS2", Time: 1.2e18}, {Rule: low, Host: "WS3", Time: event.NoTime},
	} {
		if err := table.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.End(result(low, high)); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"LEVEL     HOST  RULE            COUNT  FIRST (UTC)          LAST (UTC)\n" +
		"critical  WS2   Loud \uFFFD[2Jthing      2  2004-11-09 11:33:20  2008-01-10 21:20:00\n" +
		"low       WS1   Quiet thing         1  2001-09-09 01:46:40  2001-09-09 01:46:40\n" +
		"… and 1 more row of lower level: see findings.jsonl\n\n" +
		"Verdict: 1 rule of level high or critical matched on 1 host. Searched 0 events in 0 files from 0 hosts with 7 rules (7 not searchable here).\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestColorsAreOnlyOursAndOnlyWhenAsked(t *testing.T) {
	for _, color := range []bool{false, true} {
		var out bytes.Buffer
		table := &Table{Out: &out, Color: color, Width: 60}
		r := rule("1", strings.Repeat("long title ", 20), finding.High)
		_ = table.Finding(&finding.Finding{Rule: r, Host: "\x1b[0mh"})
		_ = table.End(result(r))
		if n := strings.Count(out.String(), "\x1b"); color && n != 2 || !color && n != 0 {
			t.Errorf("color %v: %d escapes", color, n)
		}
	}
}

func TestFolderIsCompleteOrNotThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	w, err := NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := rule("1", "t", finding.Low)
	if err := w.Finding(&finding.Finding{Rule: r, Org: "alpha"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "findings.jsonl")); !errors.Is(err, os.ErrNotExist) {
		t.Error("findings.jsonl is there before its end")
	}
	if err := w.End(result(r)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "findings.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	back, err := finding.ParseJSON(bytes.TrimSpace(b))
	if err != nil || back.Rule.ID != "1" || back.Org != "alpha" || back.Time != 0 {
		t.Errorf("%+v %v", back, err)
	}
	again, err := NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil { // given up: the earlier result stands, nothing else is left
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "coverage.json findings.jsonl stats.json" {
		t.Errorf("the folder holds %s", got)
	}
}

func TestCSVIsNoProgram(t *testing.T) {
	dir := t.TempDir()
	c, err := NewCSV(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Finding(&finding.Finding{Rule: rule("1", "t", finding.Low), Host: "=cmd()", Org: "@x", File: "-a,\"b\"\n", Matched: []event.Matched{{Field: "name", Value: "\x1b]0;x\xff\u202egpj.exe"}}}); err != nil {
		t.Fatal(err)
	}
	if err := c.End(nil); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "findings.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v %v", rows, err)
	}
	for _, cell := range rows[1] {
		if !utf8.ValidString(cell) || strings.ContainsAny(cell, "\x1b\u202e") {
			t.Errorf("%q", cell)
		}
	}
	if rows[1][4] != "'=cmd()" || rows[1][3] != "'@x" || rows[1][6] != "'-a,\"b\"\n" {
		t.Errorf("%q", rows[1])
	}
}

// seven is a question of seven rules that nothing answers.
type seven struct{}

func (seven) Len() int                                                         { return 7 }
func (seven) ID(i int) string                                                  { return string(rune('0' + i)) }
func (seven) Source(int) string                                                { return "a/b/c" }
func (seven) Searches(int, event.Source) bool                                  { return false }
func (seven) Kind(event.Source) string                                         { return "" }
func (seven) Constants(event.Source) string                                    { return "" }
func (seven) Answers(int, event.Source, func(string) bool) (a coverage.Answer) { return a }
func (seven) Found(string, string) []int                                       { return nil }
func (seven) Relied(int) bool                                                  { return false }
func (seven) Within(int64, int64) bool                                         { return true }
