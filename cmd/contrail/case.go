package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/dossier"
	"github.com/contrail-ir/contrail/exchange"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/legible"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/stix"
)

// change is what every command that changes a case asks: who does it, why, and who may see it.
type change struct {
	key    string
	why    string
	tlp    marking.TLP
	owners []string
}

// signer loads the key that signs a change: --key, or the file that CONTRAIL_KEY names.
func signer(path string) (*keys.Private, error) {
	if path == "" {
		path = os.Getenv("CONTRAIL_KEY")
	}
	if path == "" {
		return nil, usageError{errors.New("--key is missing: name the secret key of whoever does this (or set CONTRAIL_KEY)")}
	}
	return keys.Load(path)
}

func (ch *change) flags(fs *pflag.FlagSet, withMarking bool) {
	fs.StringVar(&ch.key, "key", "", "secret key of whoever does this; CONTRAIL_KEY when it is not given")
	fs.StringVar(&ch.why, "why", "", "the reason, as it is to stand in the ledger")
	if withMarking {
		addRead(fs, &ch.tlp, "tlp", "marking of the entry: clear, green, amber, amber+strict, red; red when it is not given", marking.ParseTLP)
		fs.StringArrayVar(&ch.owners, "owner", nil, "organisation that owns the information (repeat)")
	}
}

func (ch *change) marking() marking.Marking {
	return marking.Marking{Owners: ch.owners, TLP: ch.tlp}
}

// in opens a case for a change, lets do change it, and closes it.
func (ch *change) in(ctx context.Context, dir string, do func(*casefile.Case, *keys.Private, marking.Marking) error) error {
	if ch.why == "" {
		return usageError{errors.New("--why is missing: every entry of a case has a reason")}
	}
	by, err := signer(ch.key)
	if err != nil {
		return err
	}
	return withCase(ctx, dir, casefile.Options{Mask: maskEntry}, func(c *casefile.Case) error { return do(c, by, ch.marking()) })
}

func withCase(ctx context.Context, dir string, o casefile.Options, do func(*casefile.Case) error) error {
	c, err := casefile.Open(ctx, dir, o)
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.Close())
}

func (t *terminal) entered(entries ...casefile.Entry) error {
	for _, e := range entries {
		if _, err := fmt.Fprintf(t.out, "%d %s %s\n", e.Seq, e.Kind, report.Clean(e.Title())); err != nil {
			return err
		}
	}
	return nil
}

func (t *terminal) caseCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "case",
		Short: "Keep the file of an investigation: who did, saw and decided what, when and why",
		Long: `A case is a folder whose ledger holds every step, signed by who did it. Evidence is referred to by digest and copied only when asked.
Verification recomputes everything and names what does not fit.`,
		Example: "  contrail case new --key anna.key --organisation Alpha --why 'report of 12 January' CASE\n  contrail case verify --head saved.head CASE",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.caseNew(), t.caseIntake(), t.caseAdd(), t.caseShow(), t.caseTimeline(), t.caseSeal(), t.caseReopen(), t.caseVerify(), t.caseProve(), t.caseCheck(), t.caseExport(), t.caseOpen(), t.caseReport())
	return c
}

func (t *terminal) caseNew() *cobra.Command {
	var ch change
	var name, organisation string
	c := &cobra.Command{
		Use:     "new CASE",
		Short:   "Make a case; the key that makes it leads it",
		Example: "  contrail case new --key anna.key --organisation Alpha --why 'report of 12 January' CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if ch.why == "" || organisation == "" {
				return usageError{errors.New("--why and --organisation are needed: the reason, and whose case it is")}
			}
			lead, err := signer(ch.key)
			if err != nil {
				return err
			}
			k, err := casefile.New(c.Context(), args[0], casefile.NewOptions{Name: name, Organisation: organisation, Lead: lead, Marking: ch.marking(), Why: ch.why})
			if err != nil {
				return err
			}
			fmt.Fprintln(t.out, k.LedgerKey())
			return k.Close()
		},
	}
	ch.flags(c.Flags(), true)
	c.Flags().StringVar(&name, "name", "", "name of the case; that of the folder when it is not given")
	c.Flags().StringVar(&organisation, "organisation", "", "whose case it is")
	return c
}

func (t *terminal) caseIntake() *cobra.Command {
	var ch change
	var file, consent, id string
	var in casefile.Intake
	c := &cobra.Command{
		Use:   "intake CASE",
		Short: "Take a victim's report: who noticed what when, what is at risk, contact, consent, marking",
		Long: `Takes a victim's report from flags, from a YAML file, and, for what is still missing on a terminal, from questions. The reporting
organisation becomes a member of the case, with what it consents to.`,
		Example: "  contrail case intake --key anna.key --why 'telephone call' --file report.yaml CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if in.Consent, err = casefile.ParseConsents(consent); err != nil {
				return usageError{fmt.Errorf("--consent: %w", err)}
			}
			in.Marking = ch.marking()
			if file != "" {
				b, err := os.ReadFile(file)
				if err != nil {
					return fmt.Errorf("read report: %w", err)
				}
				from, err := casefile.ParseIntake(b)
				if err != nil {
					return fmt.Errorf("read report %s: %w", file, err)
				}
				in = in.Merge(from)
			}
			if missing := in.Missing(); len(missing) > 0 {
				if _, is := width(t.out); !is {
					return usageError{fmt.Errorf("the report lacks %s", strings.Join(missing, ", "))}
				}
				if in, err = casefile.AskIntake(t.in, t.err, in); err != nil {
					return err
				}
			}
			member, err := memberID(id, in.Organisation)
			if err != nil {
				return usageError{fmt.Errorf("--member: %w", err)}
			}
			return ch.in(c.Context(), args[0], func(k *casefile.Case, by *keys.Private, _ marking.Marking) error {
				entries, err := k.TakeIntake(c.Context(), by, in, member, ch.why)
				if err != nil {
					return err
				}
				return t.entered(entries...)
			})
		},
	}
	fs := c.Flags()
	ch.flags(fs, true)
	fs.StringVar(&file, "file", "", "YAML file with the report")
	fs.StringVar(&id, "member", "", "id of the organisation in the case; made from its name when it is not given")
	fs.StringVar(&in.Organisation, "organisation", "", "who reports")
	fs.StringVar(&in.Reporter, "reporter", "", "person who tells it")
	fs.StringVar(&in.Contact, "contact", "", "how to reach them, off the networks concerned")
	fs.StringVar(&in.Noticed.Who, "noticed-by", "", "who noticed it")
	fs.StringVar(&in.Noticed.What, "noticed", "", "what was noticed")
	addWhen(fs, &in.Noticed.When, "noticed-when", "when: 2020, 2020-01, 2020-01-31 or with the time")
	fs.StringArrayVar(&in.AtRisk, "at-risk", nil, "what is at risk (repeat)")
	fs.StringVar(&consent, "consent", "", "what they allow and who says so: 'sweep:the CISO; share:the CISO'")
	fs.StringVar(&in.Remarks, "remarks", "", "anything else")
	return c
}

func (t *terminal) caseShow() *cobra.Command {
	var seq uint64
	var head string
	c := &cobra.Command{
		Use:   "show CASE",
		Short: "Show a case: whose it is, who works on it, how far it got; or one entry",
		Example: `  contrail case show CASE
  contrail case show --entry 12 CASE
  contrail case show --save-head saved.head CASE     keep the head elsewhere: it shows when a case is put back`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return withCase(c.Context(), args[0], casefile.Options{ReadOnly: true}, func(k *casefile.Case) error {
				if c.Flags().Changed("entry") {
					e, err := k.Entry(c.Context(), seq)
					if err != nil {
						return err
					}
					return printEntry(t.out, e)
				}
				h, err := k.Head()
				if err != nil {
					return err
				}
				if head != "" {
					return report.WriteFile(head, func(w io.Writer) error { _, err := w.Write(h.Note); return err })
				}
				return printCase(t.out, k, h.Size)
			})
		},
	}
	c.Flags().Uint64Var(&seq, "entry", 0, "number of the entry to show in full")
	c.Flags().StringVar(&head, "save-head", "", "file to write the signed head to")
	return c
}

func printCase(w io.Writer, k *casefile.Case, size uint64) error {
	var out strings.Builder
	info := k.Info()
	fmt.Fprintf(&out, "%s (%s), %s\nledger %s, %d entries\n", report.Clean(info.Name), report.Clean(info.Organisation), info.Marking, info.LedgerKey, size)
	if k.Sealed() {
		out.WriteString("sealed\n")
	}
	for _, p := range k.People() {
		role := string(p.Role)
		if role == "" {
			role = "revoked"
		}
		fmt.Fprintf(&out, "  %-8s %s, %s\n", role, report.Clean(p.Name), report.Clean(p.Organisation))
	}
	for _, m := range k.Members() {
		var allows []string
		for _, c := range m.Consents {
			if c.Withdrawn.IsZero() {
				allows = append(allows, string(c.Purpose))
			}
		}
		fmt.Fprintf(&out, "  member   %s (%s): consents to %s\n", report.Clean(m.Name), m.ID, orNothing(strings.Join(allows, ", ")))
	}
	for _, p := range k.Problems() {
		fmt.Fprintf(&out, "refused: %s\n", report.Clean(p.String()))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

func printEntry(w io.Writer, e casefile.Entry) error {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetIndent("", " ")
	err := enc.Encode(map[string]any{"seq": e.Seq, "recorded": e.Recorded, "person": e.Person, "role": e.Role, "kind": e.Kind, "version": e.Version,
		"why": e.Why, "seen": e.Seen, "about": e.About, "when": e.When, "summary": e.Summary, "marking": e.Marking, "supersedes": e.Supersedes, "detail": e.Detail})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, escapedJSON(out.String()))
	return err
}

// escapedJSON writes as \uXXXX what would turn or hide text on a terminal: the same JSON.
func escapedJSON(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r == '\n' || !legible.Treacherous(r) {
			out.WriteRune(r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, u)
		}
	}
	return out.String()
}

func (t *terminal) caseTimeline() *cobra.Command {
	var since, until, about string
	var kinds []string
	var current bool
	c := &cobra.Command{
		Use:     "timeline CASE",
		Short:   "Tell the case in the order in which things happened, each as exactly as it is known",
		Example: "  contrail case timeline --since 2020 CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			q := casefile.Query{About: about, CurrentOnly: current}
			for _, k := range kinds {
				q.Kinds = append(q.Kinds, casefile.Kind(k))
			}
			var err error
			if q.Since, err = casefile.ParseMoment(since); err != nil {
				return usageError{fmt.Errorf("--since: %w", err)}
			}
			if q.Until, err = casefile.ParseMoment(until); err != nil {
				return usageError{fmt.Errorf("--until: %w", err)}
			}
			return withCase(c.Context(), args[0], casefile.Options{ReadOnly: true}, func(k *casefile.Case) error {
				return k.WriteTimeline(c.Context(), t.out, q)
			})
		},
	}
	fs := c.Flags()
	fs.StringVar(&since, "since", "", "from this moment on")
	fs.StringVar(&until, "until", "", "until the end of this moment")
	fs.StringVar(&about, "about", "", "only what speaks of this name or id")
	fs.StringSliceVar(&kinds, "kind", nil, "only these kinds of entry")
	fs.BoolVar(&current, "current", false, "leave out what was corrected")
	return c
}

func (t *terminal) caseSeal() *cobra.Command {
	var ch change
	c := &cobra.Command{
		Use:     "seal CASE",
		Short:   "Close a case with a signed manifest over every file",
		Example: "  contrail case seal --key anna.key --why 'closed' CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return ch.in(c.Context(), args[0], func(k *casefile.Case, by *keys.Private, _ marking.Marking) error {
				if err := k.Seal(c.Context(), by, ch.why); err != nil {
					return err
				}
				h, err := k.Head()
				if err != nil {
					return err
				}
				_, err = t.out.Write(h.Note)
				return err
			})
		},
	}
	ch.flags(c.Flags(), false)
	return c
}

func (t *terminal) caseReopen() *cobra.Command {
	var ch change
	c := &cobra.Command{
		Use:     "reopen CASE",
		Short:   "Break the seal of a case on purpose",
		Example: "  contrail case reopen --key anna.key --why 'a second victim' CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return ch.in(c.Context(), args[0], func(k *casefile.Case, by *keys.Private, _ marking.Marking) error {
				return k.Reopen(c.Context(), by, ch.why)
			})
		},
	}
	ch.flags(c.Flags(), false)
	return c
}

// verifyFlags are against what a case is verified.
type verifyFlags struct {
	head, ledgerKey string
	evidence        bool
}

func (f *verifyFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.head, "head", "", "a head saved earlier, elsewhere: the case must extend it")
	fs.StringVar(&f.ledgerKey, "ledger-key", "", "the public key that the ledger must have, as `case new` printed it")
	fs.BoolVar(&f.evidence, "evidence", false, "also hash the evidence where it is said to be kept")
}

func (f *verifyFlags) options() (casefile.VerifyOptions, error) {
	o := casefile.VerifyOptions{LedgerKey: f.ledgerKey, Evidence: f.evidence}
	if f.head != "" {
		b, err := os.ReadFile(f.head)
		if err != nil {
			return o, fmt.Errorf("read saved head: %w", err)
		}
		o.Saved = b
	}
	return o, nil
}

func (t *terminal) caseVerify() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:     "verify CASE",
		Short:   "Recompute a case and name what does not fit",
		Example: "  contrail case verify --head saved.head CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			o, err := f.options()
			if err != nil {
				return err
			}
			r, err := casefile.Verify(c.Context(), args[0], o)
			if err != nil {
				return err
			}
			return t.verified(r)
		},
	}
	f.add(c.Flags())
	return c
}

func (t *terminal) verified(r *casefile.Report) error {
	fmt.Fprintln(t.out, cleanLines(strings.TrimRight(r.String(), "\n")))
	if !r.OK() {
		return fmt.Errorf("the case does not verify: %d problems", len(r.Problems))
	}
	return nil
}

func (t *terminal) caseExport() *cobra.Command {
	var ch change
	var out, form string
	var private bool
	c := &cobra.Command{
		Use:   "export CASE --out FILE",
		Short: "Write the whole case as one archive that another machine can open and verify, or as STIX",
		Long: `Writes the whole case as one archive that another machine can open and verify, or, with --format stix, as one bundle: the incident with its
events and impacts, claims, and what was imported, as it came. Both are for the case's own people. What others may have is made by disclose and handover.`,
		Example: "  contrail case export --key anna.key --why 'copy for the archive' --out case.tar.zst CASE\n  contrail case export --key anna.key --why 'for our own platform' --format stix --out case.json CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return usageError{errors.New("--out is missing: name the file to write")}
			}
			if _, err := os.Lstat(out); err == nil {
				return fmt.Errorf("export case: %s exists already", out)
			}
			switch form {
			case "archive":
			case "stix":
				return t.exportBundle(c.Context(), args[0], &ch, out)
			default:
				return usageError{fmt.Errorf("--format %q is not archive or stix", form)}
			}
			o := casefile.ExportOptions{Private: private, Why: ch.why}
			return withCase(c.Context(), args[0], casefile.Options{}, func(k *casefile.Case) error {
				if !k.Sealed() {
					var err error
					if o.By, err = signer(ch.key); err != nil {
						return err
					}
				}
				return report.WriteFile(out, func(w io.Writer) error { return k.Export(c.Context(), w, o) })
			})
		},
	}
	ch.flags(c.Flags(), false)
	c.Flags().StringVarP(&out, "out", "o", "", "file to write")
	c.Flags().BoolVar(&private, "private", false, "also the private keys, with which the case can be continued and pseudonyms be linked to names")
	c.Flags().StringVar(&form, "format", "archive", "archive, or stix: one bundle")
	return c
}

// exportBundle enters the export first, so that no copy exists which the ledger does not know.
func (t *terminal) exportBundle(ctx context.Context, dir string, ch *change, out string) error {
	return withCase(ctx, dir, casefile.Options{}, func(k *casefile.Case) error {
		objects, err := exchange.Bundle(ctx, k, exchange.Reader{})
		if err != nil {
			return err
		}
		b, err := (&stix.Bundle{Objects: objects}).Marshal()
		if err != nil {
			return err
		}
		if !k.Sealed() {
			by, err := signer(ch.key)
			if err != nil {
				return err
			}
			if _, err := k.Record(ctx, by, casefile.Draft{Kind: casefile.CaseExported, Why: ch.why, Summary: "case exported as STIX", Seen: []ledger.Digest{ledger.DigestOf(b)}, Detail: map[string]string{"format": "stix"}}); err != nil {
				return err
			}
		}
		return report.WriteFile(out, func(w io.Writer) error { _, err := w.Write(b); return err })
	})
}

func (t *terminal) caseOpen() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:     "open ARCHIVE CASE",
		Short:   "Unpack an archive of a case into a new folder and verify it",
		Example: "  contrail case open case.tar.zst COPY",
		Args:    arguments(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			o, err := f.options()
			if err != nil {
				return err
			}
			file, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("open archive: %w", err)
			}
			defer file.Close()
			r, err := casefile.OpenArchive(c.Context(), file, filepath.Clean(args[1]), casefile.Limits{}, o)
			if r == nil {
				return err
			}
			return errors.Join(t.verified(r), err)
		},
	}
	f.add(c.Flags())
	return c
}

func (t *terminal) caseReport() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:     "report CASE",
		Short:   "Show the whole case as one self-contained page; it holds names and stays inside",
		Example: "  contrail case report --out case.html CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return withCase(c.Context(), args[0], casefile.Options{ReadOnly: true}, func(k *casefile.Case) error {
				write := func(w io.Writer) error { return dossier.Write(c.Context(), w, k) }
				if out == "" {
					return write(t.out)
				}
				return report.WriteFile(out, write)
			})
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "file to write; standard output without it")
	return c
}
