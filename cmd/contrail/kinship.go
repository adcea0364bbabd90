package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/hunt"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/report"
)

// kinshipFlags are the flags of kinship as typed.
type kinshipFlags struct {
	fingerprint, trail, findings, asOf, out string
	inventory                               []string
	draft                                   bool
	prior                                   float64
	trust                                   trustFlags
}

func (t *terminal) kinshipCommand() *cobra.Command {
	var f kinshipFlags
	c := &cobra.Command{
		Use:   "kinship [flags] --fingerprint FILE --findings DIR --out DIR",
		Short: "Judge whether organisations were entered by the same intruder",
		Long: `Reads what a sweep with the fingerprint wrote – findings, coverage, trails – and writes kinship.json: a verdict per organisation with
every item for and against, its weight in decibans, and what would settle the question.`,
		Example: "  contrail kinship --fingerprint march.json --findings result --out result",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(*cobra.Command, []string) error { return t.kinship(f) },
	}
	fs := c.Flags()
	fs.StringVar(&f.fingerprint, "fingerprint", "", "signed fingerprint")
	fs.BoolVar(&f.draft, "draft", false, "take an unsigned fingerprint and mark the result DRAFT")
	fs.StringVar(&f.trail, "trail", "", "trail.json of the first victim: its first activity, where the fingerprint does not say it")
	fs.StringVar(&f.findings, "findings", "", "folder that a sweep wrote")
	fs.StringArrayVar(&f.inventory, "inventory", nil, "CSV of the hosts, to know which are critical; without it every host counts as critical; NAME=FILE for one organisation's (repeat)")
	fs.Float64Var(&f.prior, "prior", kinship.DefaultPrior, "probability of the same intruder before any evidence")
	fs.StringVar(&f.asOf, "as-of", "", "until when absence must be shown; by default the last event of the sweep")
	fs.StringVarP(&f.out, "out", "o", "", "folder to write to")
	f.trust.add(c)
	return c
}

func (t *terminal) kinship(f kinshipFlags) error {
	if f.fingerprint == "" || f.findings == "" || f.out == "" {
		return usageError{errors.New("--fingerprint, --findings and --out are needed")}
	}
	o := kinship.Options{Prior: f.prior}
	if !(f.prior > 0 && f.prior < 1) {
		return usageError{fmt.Errorf("--prior %g: want a probability between 0 and 1", f.prior)}
	}
	if f.asOf != "" {
		ns, err := moment(f.asOf)
		if err != nil {
			return usageError{fmt.Errorf("--as-of: %w", err)}
		}
		o.AsOf = time.Unix(0, ns)
	}
	fp, by, err := f.trust.open(f.fingerprint, f.draft)
	if err != nil {
		return err
	}
	if f.trail != "" && fp.FirstSeen == "" {
		if fp.FirstSeen, err = firstActivity(f.trail); err != nil {
			return err
		}
	}
	all, err := kinship.ReadSweep(f.findings, fp)
	if err != nil {
		return err
	}
	var orgs []string
	for i := range all {
		orgs = append(orgs, all[i].Org)
	}
	declared, err := inventories(f.inventory, orgs)
	if err != nil {
		return err
	}
	for i := range all {
		all[i].Critical = coverage.Critical(declared, all[i].Org)
	}
	res, err := kinship.Judge(fp, all, o)
	if err != nil {
		return err
	}
	res.Draft = by == nil
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}
	if err := report.WriteFile(filepath.Join(f.out, "kinship.json"), res.Write); err != nil {
		return err
	}
	if res.Draft {
		fmt.Fprintln(t.out, strings.TrimSpace(hunt.DraftMark))
	}
	for _, org := range res.Orgs {
		other := ""
		if org.OtherIntrusion {
			other = "; another intrusion: " + org.OtherIntrusionWhy
		}
		fmt.Fprintf(t.out, "%-20s %-20s %6.1f dB  %s (%.1f %%): %s%s\n", report.Clean(org.Org), org.Verdict, org.Decibans, org.Band, 100*org.Posterior, report.Clean(org.Why), report.Clean(other))
	}
	t.log().Info("Written to " + f.out)
	return nil
}

// firstActivity gives the time of the earliest stage of a trail.
func firstActivity(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read --trail: %w", err)
	}
	defer file.Close()
	tr, err := fingerprint.ReadTrail(file)
	if err != nil {
		return "", err
	}
	return tr.First(), nil
}
