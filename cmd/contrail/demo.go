package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
)

func (t *terminal) demoCommand() *cobra.Command {
	var out string
	var seed uint64
	var size string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Build made-up evidence of an intrusion, sweep it and show what was found",
		Long: `Writes the Windows event logs of a fictional airline, with an intrusion among its ordinary days, into a folder; sweeps them with
the rules that come with Contrail; and compares what it found with what is known to have happened. Everything is inert text.`,
		Example: `  contrail demo
  contrail demo --seed 7 --size medium --out /tmp/demo`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return t.demo(c.Context(), out, seed, size) },
	}
	c.Flags().StringVarP(&out, "out", "o", "", "folder to write to; a new temporary one when not given")
	c.Flags().Uint64Var(&seed, "seed", 1, "another seed is another drill")
	c.Flags().StringVar(&size, "size", string(drill.Small), "how many ordinary events: small, medium, large")
	return c
}

func (t *terminal) demo(ctx context.Context, out string, seed uint64, size string) (err error) {
	if out == "" {
		if out, err = os.MkdirTemp("", "contrail-demo-"); err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
	}
	airline := filepath.Join(out, "airline")
	truth, err := drill.Airline(airline, drill.Options{Seed: seed, Size: drill.Size(size)})
	if err != nil {
		return err
	}
	victim := &truth.Airlines[0]
	fmt.Fprintf(t.out, "%s, a fictional airline, has handed over its Windows event logs: %s\n\n", victim.Name, airline)

	result := filepath.Join(out, "result")
	check := &truthCheck{out: t.out, airline: victim, found: map[drill.Ref]bool{}}
	err = t.sweepTo(ctx, sweepFlags{out: result, orgs: []string{victim.Name + "=" + filepath.Join(airline, "evidence")}, inventory: []string{filepath.Join(airline, "inventory.csv")}, rows: 25, format: []string{"jsonl"}}, nil, check)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\nOpen %s in a browser.\nThe same for programs: %s and %s.\nAsk your own evidence: contrail sweep --out result /path/to/evidence\n",
		filepath.Join(result, "report.html"), filepath.Join(result, "findings.jsonl"), filepath.Join(result, "coverage.json"))
	return nil
}

// truthCheck holds findings against what is known to have happened.
type truthCheck struct {
	out     io.Writer
	airline *drill.AirlineTruth
	found   map[drill.Ref]bool
	other   int // findings of level high and above on records that are not the intruder's
}

// Finding implements sweep.Handler.
func (c *truthCheck) Finding(f *finding.Finding) error {
	refs := []drill.Ref{{File: f.File, Record: f.Record}}
	for _, r := range f.Refs {
		refs = append(refs, drill.Ref(r))
	}
	for _, r := range refs {
		c.found[r] = true
	}
	if f.Rule.Level >= finding.High && !c.intruders(refs[0]) {
		c.other++
	}
	return nil
}

func (c *truthCheck) intruders(r drill.Ref) bool {
	for i := range c.airline.Actions {
		for _, x := range c.airline.Actions[i].Refs {
			if x == r {
				return true
			}
		}
	}
	return false
}

// End implements sweep.Handler.
func (c *truthCheck) End(*sweep.Result) error {
	var out strings.Builder
	seen, left := 0, 0
	out.WriteString("\nWhat the intruder did, and whether a finding points at it:\n")
	for i := range c.airline.Actions {
		a := &c.airline.Actions[i]
		mark := "missed"
		for _, r := range a.Refs {
			if c.found[r] {
				mark = "found"
			}
		}
		switch {
		case !a.Visible:
			mark = "no record left"
		case mark == "found":
			seen++
			left++
		default:
			left++
		}
		fmt.Fprintf(&out, "  %-14s  %s  %-10s  %-10s  %s\n", mark, a.Time.UTC().Format("Jan 02 15:04"), report.Clean(a.Host), a.Technique, report.Clean(a.Text))
	}
	fmt.Fprintf(&out, "Findings point at %d of the %d actions that left a record. Of level high and above on other records: %d.\n", seen, left, c.other)
	_, err := io.WriteString(c.out, out.String())
	return err
}
