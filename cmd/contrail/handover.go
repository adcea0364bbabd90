package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
	"github.com/contrail-ir/contrail/report"
)

func (t *terminal) handoverCommand() *cobra.Command {
	var ch change
	var o casefile.HandoverOptions
	var to, policy, victim, out string
	c := &cobra.Command{
		Use:   "handover CASE KIND=FILE… --to KEY --out FILE",
		Short: "Make a signed and encrypted package of findings for another organisation",
		Long: `Makes one file for whoever holds the key --to names: attacker-owned values stay, hosts and users get pseudonyms, raw events are dropped unless
the policy keeps them. Nothing is sent; the package is a file, and both ends enter it in their ledgers. KIND is findings, coverage, trail or fingerprint.`,
		Example: "  contrail handover --key anna.key --to cert.pub --victim alpha --authority 'Act 12' --why 'as agreed' --out alpha.handover CASE findings=result/findings.jsonl",
		Args:    arguments(cobra.MinimumNArgs(2)),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if out == "" || to == "" {
				return usageError{errors.New("--to and --out are needed: for whom, and the file to write")}
			}
			if o.To, err = keys.LoadPublic(to); err != nil {
				return err
			}
			if policy != "" {
				b, err := os.ReadFile(policy)
				if err != nil {
					return fmt.Errorf("read policy: %w", err)
				}
				if o.Policy, err = casefile.ParsePolicy(b); err != nil {
					return fmt.Errorf("read policy %s: %w", policy, err)
				}
			}
			for _, a := range args[1:] {
				kind, path, ok := strings.Cut(a, "=")
				if !ok {
					return usageError{fmt.Errorf("%q: want KIND=FILE, for example findings=result/findings.jsonl", a)}
				}
				o.Documents = append(o.Documents, casefile.HandoverDocument{Kind: casefile.DocumentKind(kind), Path: path})
			}
			o.Victim, o.Why, o.Screen = member.ID(victim), ch.why, screenPassengers
			return ch.in(c.Context(), args[0], func(k *casefile.Case, by *keys.Private, m marking.Marking) error {
				o.Marking = m
				e, err := k.Handover(c.Context(), by, out, o)
				if err != nil {
					return err
				}
				return t.entered(e)
			})
		},
	}
	fs := c.Flags()
	ch.flags(fs, true)
	fs.StringVar(&to, "to", "", "public key of the receiver")
	fs.StringVar(&o.ToOrganisation, "organisation", "", "the receiver's organisation")
	fs.StringVar(&policy, "policy", "", "YAML file that says what may go beyond the strictest")
	fs.StringVar(&victim, "victim", "", "member whose consent for the authority is required")
	fs.StringVar(&o.Authority, "authority", "", "under which it is handed over")
	fs.StringVarP(&out, "out", "o", "", "file to write")
	return c
}

// screenPassengers refuses a file in which the gate of releases would find passengers' data.
func screenPassengers(_ string, r io.Reader) error { return screenParts(r, 16<<20) }

// screenParts searches so many bytes at a time, and on to the end of the line.
func screenParts(r io.Reader, size int64) error {
	in := bufio.NewReader(r)
	for lines := 0; ; {
		part, err := io.ReadAll(io.LimitReader(in, size))
		if err == nil && int64(len(part)) == size {
			var rest []byte
			if rest, err = in.ReadBytes('\n'); errors.Is(err, io.EOF) {
				err = nil
			}
			part = append(part, rest...)
		}
		if err != nil {
			return fmt.Errorf("look for passengers' data: %w", err)
		}
		if len(part) == 0 {
			return nil
		}
		for _, p := range screenText(part) {
			where := "it"
			if p.Offset > 0 { // what only the counters see has no place
				where = fmt.Sprintf("line %d", 1+lines+bytes.Count(part[:p.Offset], []byte{'\n'}))
			}
			return fmt.Errorf("%s holds what looks like a passenger's data: %s", where, p.Sort)
		}
		lines += bytes.Count(part, []byte{'\n'})
	}
}

func (t *terminal) receiveCommand() *cobra.Command {
	var ch change
	var from, receipt string
	var accept bool
	c := &cobra.Command{
		Use:   "receive CASE FILE --from KEY",
		Short: "Open a package that was handed over, check it, and give a countersigned receipt; or accept a receipt",
		Example: `  contrail receive --key cert.key --from anna.pub --receipt alpha.receipt --why 'as announced' CASE alpha.handover
  contrail receive --accept --key anna.key --from cert.pub --why 'came back' CASE alpha.receipt`,
		Args: arguments(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			if from == "" || accept == (receipt != "") {
				return usageError{errors.New("--from and one of --receipt and --accept are needed: who signed, and the receipt to write, or that it is one")}
			}
			p, err := keys.LoadPublic(from)
			if err != nil {
				return err
			}
			return ch.in(c.Context(), args[0], func(k *casefile.Case, by *keys.Private, _ marking.Marking) error {
				if accept {
					b, err := os.ReadFile(args[1])
					if err != nil {
						return fmt.Errorf("read receipt: %w", err)
					}
					e, err := k.AcceptReceipt(c.Context(), by, b, p, ch.why)
					if err != nil {
						return err
					}
					return t.entered(e)
				}
				if _, err := os.Lstat(receipt); err == nil {
					return fmt.Errorf("write receipt: %s exists already", receipt)
				}
				got, err := k.Receive(c.Context(), by, args[1], p, casefile.Limits{}, ch.why)
				if err != nil {
					return err
				}
				if err := report.WriteFile(receipt, func(w io.Writer) error { _, err := w.Write(got.Receipt); return err }); err != nil {
					return err
				}
				for _, f := range got.Files {
					fmt.Fprintln(t.out, f)
				}
				return t.entered(got.Entry)
			})
		},
	}
	ch.flags(c.Flags(), false)
	c.Flags().StringVar(&from, "from", "", "public key of whoever made the package or receipt")
	c.Flags().StringVar(&receipt, "receipt", "", "file to write the receipt to")
	c.Flags().BoolVar(&accept, "accept", false, "FILE is a receipt for a package of this case")
	return c
}
