package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/internal/require"
)

func TestMain(m *testing.M) {
	if os.Getenv("CONTRAIL_TEST_MAIN") != "" { // the test binary stands for the program, to be killed
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){
		"contrail": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the command line as testdata/script writes it down.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			examples, err := filepath.Abs("../../examples")
			e.Setenv("EXAMPLES", examples)
			// A path on which contrail is found and no other program.
			own, _, _ := strings.Cut(e.Getenv("PATH"), string(os.PathListSeparator))
			e.Setenv("NOYARA", own)
			return err
		},
		// has:NAME asks for a program that users need not have, and fails the script where none may be missing.
		Condition: func(condition string) (bool, error) {
			name, ok := strings.CutPrefix(condition, "has:")
			if !ok {
				return false, fmt.Errorf("unknown condition %s", condition)
			}
			return require.Has(name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"airline":   airline,
			"exits":     exits,
			"absent":    absent,
			"make":      makeHostile,
			"flip":      flip,
			"ledgerkey": ledgerKey,
			"readme":    readme,
		},
	})
}

// ledgerKey puts the public key of a case's ledger into LEDGERKEY: ledgerkey CASE.
func ledgerKey(ts *testscript.TestScript, _ bool, args []string) {
	c, err := casefile.Open(context.Background(), ts.MkAbs(args[0]), casefile.Options{ReadOnly: true})
	ts.Check(err)
	ts.Setenv("LEDGERKEY", c.LedgerKey())
	ts.Check(c.Close())
}

// exits runs contrail and expects an exit code: exits 3 sweep …
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want := args[0]
	err := ts.Exec("contrail", args[1:]...)
	got := "0"
	if err != nil {
		got = exitText(err)
	}
	if got != want {
		ts.Fatalf("contrail %v exits with %s, want %s", args[1:], got, want)
	}
}

// airline writes the evidence of one airline with an intrusion and its truth: airline DIR.
func airline(ts *testscript.TestScript, _ bool, args []string) {
	if _, err := drill.Airline(context.Background(), ts.MkAbs(args[0]), drill.Options{Seed: 1}); err != nil {
		ts.Fatalf("%v", err)
	}
}

// absent expects that a file does not exist.
func absent(ts *testscript.TestScript, _ bool, args []string) {
	for _, p := range args {
		if _, err := os.Lstat(ts.MkAbs(p)); err == nil {
			ts.Fatalf("%s is there", p)
		}
	}
}

// readme expects on standard output every line of what README.md says that the demo prints, but for the width of blanks and lines left out.
func readme(ts *testscript.TestScript, _ bool, _ []string) {
	text, err := os.ReadFile("../../README.md")
	ts.Check(err)
	_, shown, ok := strings.Cut(string(text), "\n```\nWhat its evidence tells\n")
	shown, _, closed := strings.Cut(shown, "\n```\n")
	if !ok || !closed {
		ts.Fatalf("README.md shows nothing of what the demo prints")
	}
	words := func(line string) string { return strings.Join(strings.Fields(line), " ") }
	var printed []string
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		printed = append(printed, words(line))
	}
	for line := range strings.Lines(shown) {
		if line = words(line); line != "" && line != "…" && !slices.Contains(printed, line) {
			ts.Fatalf("README.md says that the demo prints\n%s", line)
		}
	}
}
