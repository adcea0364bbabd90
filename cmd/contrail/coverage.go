package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/report"
)

func (t *terminal) coverageCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "coverage",
		Short:   "Explain what a sweep searched and what it could not",
		Example: "  contrail coverage show result\n  contrail coverage diff before after",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:     "show DIR…",
		Short:   "Explain the certificate of a sweep in words and as a picture",
		Example: "  contrail coverage show result",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			columns, _ := width(t.out)
			for _, dir := range args {
				cert, err := readCertificate(dir)
				if err != nil {
					return err
				}
				if len(args) > 1 {
					fmt.Fprintf(t.out, "%s\n", report.Clean(dir))
				}
				if err := report.Coverage(t.out, cert, columns); err != nil {
					return err
				}
			}
			return nil
		},
	})
	asJSON := false
	diff := &cobra.Command{
		Use:     "diff BEFORE AFTER",
		Short:   "Say what a second sweep adds to a first, and what it lost",
		Example: "  contrail coverage diff before after",
		Args:    arguments(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			before, err := readCertificate(args[0])
			if err != nil {
				return err
			}
			after, err := readCertificate(args[1])
			if err != nil {
				return err
			}
			changes := coverage.Diff(before, after)
			if asJSON {
				e := json.NewEncoder(t.out)
				for _, x := range changes {
					if err := e.Encode(x); err != nil {
						return err
					}
				}
				return nil
			}
			return report.CoverageChanges(t.out, changes)
		},
	}
	diff.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	c.AddCommand(diff)
	return c
}

// readCertificate reads the certificate in a sweep's output folder, or the file itself.
func readCertificate(path string) (*coverage.Certificate, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "coverage.json")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w: name the output folder of a sweep", err)
	}
	defer f.Close()
	return coverage.Read(f, path)
}
