package match

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match/yara"
)

// YARA asks YARA rules of the bytes of files. As an Engine it takes part in numbering and in the certificate; it looks at no event.
type YARA struct {
	compiled *yara.Rules
	rules    []finding.Rule
	index    map[yaraName]event.RuleIndex
}

type yaraName struct{ file, rule string }

// NewYARA compiles files and folders of YARA rules. The error is yara.ErrNoEngine where no program is installed to run them. Close must
// be called.
func NewYARA(ctx context.Context, paths []string, temp string) (*YARA, []Rejected, error) {
	compiled, err := yara.Compile(ctx, yara.Options{TempDir: temp}, paths...)
	if err != nil {
		return nil, nil, err
	}
	y := &YARA{compiled: compiled, index: map[yaraName]event.RuleIndex{}}
	for _, file := range compiled.Files() {
		names, err := declared(file)
		if err != nil {
			return nil, nil, fmt.Errorf("read YARA rules: %w", err)
		}
		for _, name := range names {
			y.index[yaraName{file, name}] = event.RuleIndex(len(y.rules))
			y.rules = append(y.rules, finding.Rule{ID: finding.RuleID("yara:" + name), Kind: finding.YARA, Title: name, Level: finding.High, Source: "//file"})
		}
	}
	var rejected []Rejected
	for _, r := range compiled.Rejected {
		rejected = append(rejected, Rejected{ID: "yara:" + strings.TrimSuffix(filepath.Base(r.File), filepath.Ext(r.File)), File: r.File, Reason: r.Reason})
	}
	return y, rejected, nil
}

var (
	yaraComments    = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"`)
	yaraDeclaration = regexp.MustCompile(`(?m)(?:^|[\s}])((?:private\s+|global\s+)*)rule\s+([A-Za-z_]\w*)`)
)

// declared lists the rules that a file declares and that can be reported. Comments and strings are taken out first.
func declared(file string) (names []string, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for _, m := range yaraDeclaration.FindAllSubmatch(yaraComments.ReplaceAll(b, []byte(" ")), -1) {
		if !strings.Contains(string(m[1]), "private") {
			names = append(names, string(m[2]))
		}
	}
	return names, nil
}

// Scan asks all rules of a file's bytes and gives those that match, in their order. cut tells that the file was longer than what is
// looked at.
func (y *YARA) Scan(ctx context.Context, name string, body io.Reader) (rules []event.RuleIndex, cut bool, err error) {
	r, err := y.compiled.Scan(ctx, name, body)
	if err != nil {
		return nil, false, err
	}
	for _, m := range r.Matches {
		if i, ok := y.index[yaraName{m.File, m.Rule}]; ok {
			rules = append(rules, i)
		}
	}
	slices.SortFunc(rules, cmp.Compare[event.RuleIndex])
	return slices.Compact(rules), r.Cut, nil
}

// Close removes the compiled rules.
func (y *YARA) Close() error { return y.compiled.Close() }

// Count implements Engine.
func (y *YARA) Count() int { return len(y.rules) }

// Describe implements Engine.
func (y *YARA) Describe(rule event.RuleIndex) *finding.Rule { return &y.rules[rule] }

// Needs implements Engine.
func (*YARA) Needs() event.Needs {
	return event.Always(func(event.Source) event.Want { return event.Want{} })
}

// Scanner implements Engine.
func (*YARA) Scanner() event.Scanner { return idle{} }

// Searches implements Engine: the bytes of every file are looked at, whatever its events.
func (*YARA) Searches(event.RuleIndex, event.Source) bool { return true }

// Kind implements Engine.
func (*YARA) Kind(event.Source) string { return "" }

// Answers implements Engine.
func (*YARA) Answers(event.RuleIndex, event.Source, func(string) bool) coverage.Answer {
	return coverage.Answer{Can: true}
}

// Reports implements Engine.
func (*YARA) Reports(event.RuleIndex) bool { return true }

// Feeds implements Engine.
func (*YARA) Feeds(event.RuleIndex) bool { return false }

// Carry implements Engine.
func (*YARA) Carry(*event.Batch, int, event.RuleIndex) []event.Matched { return nil }

// Correlator implements Engine.
func (*YARA) Correlator() Correlator { return nil }

// idle is a scanner of engines that look at no event.
type idle struct{}

func (idle) Scan(*event.Batch, func(int, event.RuleIndex)) error { return nil }

func (idle) Explain(*event.Batch, int, event.RuleIndex) []event.Matched { return nil }
