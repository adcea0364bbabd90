package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/drill"
	"github.com/contrail-ir/contrail/drill/intrusion"
)

func (t *terminal) drillCommand() *cobra.Command {
	var out, size, scenario string
	var roles []string
	var o drill.Options
	var names []string
	for _, s := range intrusion.Scenarios() {
		names = append(names, string(s))
	}
	c := &cobra.Command{
		Use:   "drill --out DIR",
		Short: "Write a fictional sector of airlines with known truth",
		Long: `Writes the evidence of fictional airlines in the formats of real products: Windows event logs, network monitor, proxy, firewall,
remote access, router, web and database logs, and files. Some were entered by one intruder, some by another, some not at all; truth.json
says what happened, and which records tell of it. Everything is inert: text, and files that only look like programs. The same seed
gives the same bytes.`,
		Example: `  contrail drill --out sector
  contrail drill --out sector --seed 7 --airlines 4 --scenario vpn-appliance
  contrail drill --out sector --roles first-victim,rebuilt,clean,thin`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if out == "" {
				return usageError{fmt.Errorf("--out is needed: a new folder to write to")}
			}
			if err := known(size, scenario); err != nil {
				return err
			}
			o.Size, o.Scenario = drill.Size(size), intrusion.Scenario(scenario)
			for _, r := range roles {
				if !slices.Contains(drill.Roles(), drill.Role(r)) {
					return usageError{fmt.Errorf("--roles: %q is none of %v", r, drill.Roles())}
				}
				o.Roles = append(o.Roles, drill.Role(r))
			}
			if err := o.Check(); err != nil {
				return usageError{err}
			}
			if o.Size == drill.Huge {
				holdMuch()
			}
			truth, err := drill.Sector(c.Context(), out, o)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "AIRLINE\tROLE\tACTIONS\tVISIBLE\tFOLDER")
			for _, a := range truth.Airlines {
				visible := 0
				for _, x := range a.Actions {
					if x.Visible {
						visible++
					}
				}
				fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", a.Name, a.Role, len(a.Actions), visible, filepath.Join(out, a.Folder))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(t.out, "\nThe truth is in %s.\n", filepath.Join(out, "truth.json"))
			return nil
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "out", "o", "", "new or empty folder to write to")
	f.Uint64Var(&o.Seed, "seed", 1, "another seed is another sector")
	f.IntVar(&o.Airlines, "airlines", 0, "how many; 0 is one of each role")
	f.StringSliceVar(&roles, "roles", nil, "what happened to each airline, instead of --airlines; the first is first-victim")
	f.StringVar(&size, "size", string(drill.Small), "how many ordinary events: small, medium, large, huge (20 million an airline)")
	f.StringVar(&scenario, "scenario", string(intrusion.WebExploit), "the way in: "+strings.Join(names, ", "))
	return c
}

// known refuses sizes and scenarios that there are not.
func known(size, scenario string) error {
	if sizes := drill.Sizes(); !slices.Contains(sizes, drill.Size(size)) {
		return usageError{fmt.Errorf("--size %q: want one of %v", size, sizes)}
	}
	if all := intrusion.Scenarios(); !slices.Contains(all, intrusion.Scenario(scenario)) {
		return usageError{fmt.Errorf("--scenario %q: want one of %v", scenario, all)}
	}
	return nil
}
