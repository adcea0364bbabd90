package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/docket"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/stix"
)

func (t *terminal) attributeCommand() *cobra.Command {
	var out string
	var groups, galaxies, lists []string
	c := &cobra.Command{
		Use:   "attribute CASE",
		Short: "Weigh who did it: everyone's claims side by side, hypotheses against evidence",
		Long: `Reads a case, or a folder that describes one (case.yaml, claims, hypotheses.yaml, evidence.yaml, analysts), and works out how much of the incident
each claim covers, what the claims rest on, which hypothesis the evidence contradicts least and what would change that. It names nobody:
an assessment, and whether a name is given to an audience, are people's decisions. Writes attribution.json, attribution.html and claims.svg.`,
		Example: "  contrail attribute --out result examples/airlines-2021\n  contrail attribute --attack enterprise-attack.json --list report.csv --out result CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return t.attribute(c.Context(), args[0], out, groups, galaxies, lists)
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "folder to write to; without it the result goes to standard output as JSON")
	c.Flags().StringArrayVar(&groups, "attack", nil, "ATT&CK as a STIX bundle, for overlap with known groups (repeat)")
	c.Flags().StringArrayVar(&galaxies, "galaxy", nil, "MISP galaxy cluster of threat actors (repeat)")
	c.Flags().StringArrayVar(&lists, "list", nil, "published indicator list: STIX, MISP, CSV or text (repeat)")
	return c
}

// weighed reads what is to be weighed: from a case, or from a folder that describes one.
func weighed(ctx context.Context, dir string) (a *attribution.Case, err error) {
	if _, err := os.Lstat(filepath.Join(dir, "ledger")); err != nil {
		return attribution.Load(dir)
	}
	err = withCase(ctx, dir, casefile.Options{ReadOnly: true}, func(k *casefile.Case) (err error) {
		a, err = docket.Read(ctx, k)
		return err
	})
	return a, err
}

func (t *terminal) attribute(ctx context.Context, dir, out string, groups, galaxies, lists []string) error {
	c, err := weighed(ctx, dir)
	if err != nil {
		return err
	}
	r, err := attribution.Analyse(c)
	if err != nil {
		return err
	}
	if len(groups)+len(galaxies)+len(lists) > 0 {
		known, published, err := readKnown(groups, galaxies, lists)
		if err != nil {
			return err
		}
		for _, l := range published {
			if l.Together > 0 {
				t.log().Warn(fmt.Sprintf("--list %s: %d values are left out, because the list means them only together with others", l.Name, l.Together))
			}
		}
		r.Overlap = attribution.Compare(&c.Incident, known, published)
	}
	if out == "" {
		return r.WriteJSON(t.out)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}
	for name, write := range map[string]func(io.Writer) error{"attribution.json": r.WriteJSON, "attribution.html": r.WritePage, "claims.svg": r.WriteTimeline} {
		if err := report.WriteFile(filepath.Join(out, name), write); err != nil {
			return err
		}
	}
	printAttribution(t.out, r)
	t.log().Info("Written to " + out)
	return nil
}

func readKnown(groups, galaxies, lists []string) (known []attribution.Group, published []attribution.List, err error) {
	read := func(path string, f func(io.Reader) error) {
		file, e := os.Open(path)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("read known groups and lists: %w", e))
			return
		}
		defer file.Close()
		if e := f(file); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", path, e))
		}
	}
	for _, p := range groups {
		read(p, func(r io.Reader) error {
			g, err := attribution.ReadGroups(r, stix.Limits{})
			known = append(known, g...)
			return err
		})
	}
	for _, p := range galaxies {
		read(p, func(r io.Reader) error {
			g, err := attribution.ReadGalaxy(r)
			known = append(known, g...)
			return err
		})
	}
	for _, p := range lists {
		read(p, func(r io.Reader) error {
			var l attribution.List
			var err error
			if strings.EqualFold(filepath.Ext(p), ".json") {
				l, err = attribution.ReadList(filepath.Base(p), r, stix.Limits{})
			} else {
				l, err = attribution.ReadTextList(filepath.Base(p), r)
			}
			published = append(published, l)
			return err
		})
	}
	return known, published, err
}

// printAttribution tells the result in a few lines.
func printAttribution(w io.Writer, r *attribution.Result) {
	var out strings.Builder
	fmt.Fprintf(&out, "Claims:\n")
	for _, c := range r.Claims {
		fmt.Fprintf(&out, "  %-24s %s", report.Clean(c.ID), c.Verdict)
		if c.GapDays != nil {
			fmt.Fprintf(&out, "; its window ends %d to %d days before the incident was reported", c.GapDays[0], c.GapDays[1])
		}
		if len(c.Roots) > 0 {
			fmt.Fprintf(&out, "; rests on %s", report.Clean(strings.Join(c.Roots, ", ")))
		}
		out.WriteByte('\n')
	}
	for _, s := range r.SharedRoots {
		fmt.Fprintf(&out, "  %s count once for %s, which they share\n", report.Clean(strings.Join(s.Claims, " and ")), report.Clean(s.Root))
	}
	fmt.Fprintf(&out, "Hypotheses, the least contradicted first (residuals are not ranked):\n")
	for _, h := range r.Hypotheses {
		rank := "  residual"
		if h.Rank != nil {
			rank = fmt.Sprintf("%2d  inconsistency %.2f", *h.Rank, h.Inconsistency)
		}
		fmt.Fprintf(&out, "  %-24s %s\n", rank, report.Clean(h.Name))
	}
	_, _ = io.WriteString(w, out.String())
}
