package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/report"
)

func (t *terminal) caseProve() *cobra.Command {
	var seq uint64
	var since, out string
	c := &cobra.Command{
		Use:   "prove CASE (--entry N | --since HEAD) --out FILE",
		Short: "Write a proof that an entry is in the case, or that the case only grew since a saved head",
		Long: `Writes a proof that others check with one public key and without the case. A proof of an entry holds the whole entry, reason and all:
whoever gets it may read it.`,
		Example: "  contrail case prove --entry 12 --out entry-12.json CASE\n  contrail case prove --since saved.head --out growth.json CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			entry := c.Flags().Changed("entry")
			if out == "" || entry == (since != "") {
				return usageError{errors.New("--out and one of --entry and --since are needed: the file to write, and what it is to prove")}
			}
			return withCase(c.Context(), args[0], casefile.Options{ReadOnly: true}, func(k *casefile.Case) (err error) {
				var proof []byte
				if entry {
					proof, err = k.Prove(c.Context(), seq)
				} else {
					var head []byte
					if head, err = os.ReadFile(since); err == nil {
						proof, err = k.ProveGrowth(head)
					}
				}
				if err != nil {
					return err
				}
				t.log().Info("Checked with: contrail case check --ledger-key " + k.LedgerKey() + " " + out)
				return report.WriteFile(out, func(w io.Writer) error { _, err := w.Write(proof); return err })
			})
		},
	}
	fs := c.Flags()
	fs.Uint64Var(&seq, "entry", 0, "number of the entry")
	fs.StringVar(&since, "since", "", "a head saved earlier, elsewhere")
	fs.StringVarP(&out, "out", "o", "", "file to write")
	return c
}

func (t *terminal) caseCheck() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use:     "check PROOF --ledger-key KEY",
		Short:   "Check a proof about a case with nothing but the public key of its ledger",
		Example: "  contrail case check --ledger-key contrail-case-…+AfV/tc… entry-12.json",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if key == "" {
				return usageError{errors.New("--ledger-key is missing: the public key of the ledger, as `case new` printed it")}
			}
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("read proof: %w", err)
			}
			defer f.Close()
			b, err := io.ReadAll(io.LimitReader(f, ledger.MaxProof+1))
			if err != nil {
				return fmt.Errorf("read proof: %w", err)
			}
			if from, to, err := ledger.VerifyConsistency(b, key); err == nil {
				_, err = fmt.Fprintf(t.out, "The case of %d entries extends that of %d: %s\n", to.Size, from.Size, report.Clean(to.Name))
				return err
			} else if !errors.Is(err, ledger.ErrOtherProof) {
				return err
			}
			e, h, err := ledger.VerifyInclusion(b, key)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.out, "Entry %d, %s of %s, is one of the %d of %s, and signed by its author.\n%s\n", e.Seq, report.Clean(e.Kind), e.Time.Format("2006-01-02 15:04:05 UTC"), h.Size, report.Clean(h.Name), report.Clean(string(e.Line())))
			return err
		},
	}
	c.Flags().StringVar(&key, "ledger-key", "", "the public key of the ledger, as `case new` printed it")
	return c
}
