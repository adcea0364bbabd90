package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/exchange"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/stix"
)

// trustFlags say whose signatures count.
type trustFlags struct {
	trust      []string
	signatures int
}

func (f *trustFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.trust, "trust", nil, "public key, or folder of public keys, whose signatures count (repeat); by default your key folder")
	addCount(c.Flags(), &f.signatures, "signatures", fingerprint.Signatures, 1, "how many different trusted keys must have signed")
}

// victimFlags say what must not leave.
type victimFlags struct{ inventory, words string }

func (f *victimFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.inventory, "inventory", "", "CSV of the victim's hosts and addresses, which never enter a fingerprint")
	c.Flags().StringVar(&f.words, "never", "", "file with a name a line – domains, accounts, persons – that never enter a fingerprint")
}

func (f *victimFlags) victim() (v fingerprint.Victim, err error) {
	if f.inventory != "" {
		all, err := readInventory(f.inventory)
		if err != nil {
			return v, err
		}
		for _, d := range all {
			v.Hosts = append(v.Hosts, d.Host)
			for _, a := range d.Addresses {
				if ip, err := netip.ParseAddr(a); err == nil {
					v.Networks = append(v.Networks, netip.PrefixFrom(ip, ip.BitLen()))
				}
			}
		}
	}
	if f.words == "" {
		return v, nil
	}
	file, err := os.Open(f.words)
	if err != nil {
		return v, fmt.Errorf("read --never: %w", err)
	}
	defer file.Close()
	sc := bufio.NewScanner(file)
	for sc.Scan() {
		if w := strings.TrimSpace(sc.Text()); w != "" && !strings.HasPrefix(w, "#") {
			// What a line is – a domain, an account, a person – need not be said: each is looked for in its way.
			v.Domains, v.Accounts, v.Persons = append(v.Domains, w), append(v.Accounts, w), append(v.Persons, w)
		}
	}
	return v, sc.Err()
}

func (t *terminal) fingerprintCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "fingerprint",
		Short:   "Review, sign and share what identifies an intrusion",
		Example: "  contrail fingerprint show fingerprint.json\n  contrail fingerprint approve --by ana --all fingerprint.json",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.fingerprintShow(), t.fingerprintEdit(), t.fingerprintApprove(), t.fingerprintImport(), t.fingerprintSign(), t.fingerprintVerify(), t.fingerprintExport())
	return c
}

// draftOf reads an unsigned fingerprint.
func draftOf(path string) (*fingerprint.Fingerprint, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if fingerprint.Signed(b) {
		return nil, usageError{fmt.Errorf("%s is signed: it cannot be changed any more", path)}
	}
	return fingerprint.Read(bytes.NewReader(b))
}

// open reads a signed fingerprint; an unsigned one only as a draft.
func (f *trustFlags) open(path string, draft bool) (*fingerprint.Fingerprint, []string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	if draft && !fingerprint.Signed(b) {
		fp, err := fingerprint.Read(bytes.NewReader(b))
		return fp, nil, err
	}
	trusted, err := trustedKeys(f.trust)
	if err != nil {
		return nil, nil, fmt.Errorf("read trusted keys: %w: name those whose signatures count with --trust", err)
	}
	pub := make([]ed25519.PublicKey, len(trusted))
	for i, k := range trusted {
		pub[i] = k.Key
	}
	fp, by, err := fingerprint.Open(b, f.signatures, time.Now(), pub...)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	var names []string
	for _, i := range by {
		names = append(names, trusted[i].Name)
	}
	return fp, names, nil
}

func writeFingerprint(path string, f *fingerprint.Fingerprint) error {
	if err := screenItems(f); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return report.WriteFile(path, f.Write)
}

func (t *terminal) fingerprintShow() *cobra.Command {
	var trust trustFlags
	c := &cobra.Command{
		Use: "show FILE", Short: "Print the items of a fingerprint", Example: "  contrail fingerprint show fingerprint.json", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			f, by, err := trust.open(args[0], true)
			if err != nil {
				return err
			}
			t.printFingerprint(f, by)
			return nil
		},
	}
	trust.add(c)
	return c
}

func (t *terminal) printFingerprint(f *fingerprint.Fingerprint, by []string) {
	state := "DRAFT, not signed"
	if by != nil {
		state = "signed by " + strings.Join(by, ", ") + ", valid until " + f.Expires
	}
	fmt.Fprintf(t.out, "%s, version %d, %s, %s\n", report.Clean(f.Name), f.Version, f.Marking, state)
	for i, it := range f.Items {
		approved := "-"
		if it.ApprovedBy != "" {
			approved = "approved by " + it.ApprovedBy
		}
		fmt.Fprintf(t.out, "%4d  %-11s  %-13s  %s  (%.1f dB, seen on %d of %d hosts; %s)\n", i+1, it.Tier, it.Kind, report.Clean(it.Value), it.Specificity.Decibans, it.Specificity.Seen, it.Specificity.Hosts, report.Clean(approved))
		for _, why := range it.Reasons {
			fmt.Fprintf(t.out, "      %s\n", report.Clean(why))
		}
	}
}

func (t *terminal) fingerprintEdit() *cobra.Command {
	var remove, tier, baseline, intrusion, others []string
	var name, lists, why string
	var tlp *marking.TLP
	var before time.Time
	c := &cobra.Command{
		Use: "edit FILE", Short: "Remove items, change their tier, mark and rename a draft",
		Example: "  contrail fingerprint edit --remove 7 --tier 3=supporting --tlp amber fingerprint.json", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, s := range tier {
				if _, to, ok := strings.Cut(s, "="); !ok || !slices.Contains(fingerprint.Tiers(), fingerprint.Tier(to)) {
					return usageError{fmt.Errorf("--tier %q: want ITEM=TIER, and of %s", s, joined(fingerprint.Tiers()))}
				}
			}
			f, err := draftOf(args[0])
			if err != nil {
				return err
			}
			// Items are found by the numbers that show printed, so before any of them moves.
			var gone []int
			for _, r := range remove {
				i, err := f.Find(r)
				if err != nil {
					return usageError{err}
				}
				gone = append(gone, i)
			}
			changes := map[string]fingerprint.Tier{}
			for _, s := range tier {
				what, to, _ := strings.Cut(s, "=")
				i, err := f.Find(what)
				if err != nil {
					return usageError{fmt.Errorf("--tier %q: %w", s, err)}
				}
				changes[f.Items[i].Rule] = fingerprint.Tier(to)
			}
			f.Remove(gone...)
			for _, it := range slices.Clone(f.Items) {
				if to, ok := changes[it.Rule]; ok {
					i, err := f.Find(it.Rule)
					if err == nil {
						err = f.SetTier(i, to, why)
					}
					if err != nil {
						return err
					}
				}
			}
			if name != "" {
				f.Name = name
			}
			if tlp != nil {
				f.Marking.TLP = *tlp
			}
			var w *fingerprint.Warninglists
			if lists != "" {
				if w, err = fingerprint.ReadWarninglists(os.DirFS(lists)); err != nil {
					return err
				}
			}
			var counters []fingerprint.Counter
			for _, dir := range baseline {
				b, err := kinship.CountSweep(dir, kinship.Ordinary{Without: intrusion, Before: before})
				if errors.Is(err, kinship.ErrNotAsked) {
					return usageError{fmt.Errorf("--baseline %s: %w", dir, err)}
				}
				if err != nil {
					return err
				}
				counters = append(counters, b)
			}
			if others != nil {
				t, err := trailsOf(others)
				if err != nil {
					return err
				}
				counters = append(counters, t)
			}
			if w != nil || counters != nil {
				f.Rate(w, counters...)
			}
			if err := f.Check(); err != nil {
				return err
			}
			return writeFingerprint(args[0], f)
		},
	}
	fs := c.Flags()
	fs.StringArrayVar(&remove, "remove", nil, "item to take out: its number, value or rule (repeat)")
	fs.StringArrayVar(&tier, "tier", nil, "ITEM=TIER: unique, strong, supporting or never-alone (repeat)")
	fs.StringVar(&why, "why", "", "reason of a changed tier")
	fs.StringVar(&name, "name", "", "new name")
	addRead(fs, &tlp, "tlp", "marking: clear, green, amber, amber+strict, red", func(s string) (*marking.TLP, error) {
		m, err := marking.ParseTLP(s)
		return &m, err
	})
	fs.StringArrayVar(&baseline, "baseline", nil, "folder that a sweep of ordinary evidence with --fingerprint wrote: how common items are (repeat)")
	fs.StringArrayVar(&intrusion, "intrusion-host", nil, "host of the intrusion, not to be counted in a baseline (repeat)")
	fs.StringArrayVar(&others, "trail", nil, "trail.json of an intrusion by somebody else: how common habits are among intruders (repeat)")
	addRead(fs, &before, "before", "only what a baseline shows before this time counts: an organisation's history before the intruder came", instant)
	fs.StringVar(&lists, "warninglists", "", "folder of MISP warning lists to look items up in")
	return c
}

// trailsOf reads trails of other intrusions.
func trailsOf(paths []string) (all fingerprint.Trails, err error) {
	for _, p := range paths {
		file, err := os.Open(p)
		if err != nil {
			return nil, fmt.Errorf("read --trail: %w", err)
		}
		t, err := fingerprint.ReadTrail(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("read --trail %s: %w", p, err)
		}
		if !t.Intrusion() {
			return nil, usageError{fmt.Errorf("--trail %s: it established no intrusion, so it tells nothing of intruders", p)}
		}
		all = append(all, t)
	}
	return all, nil
}

func (t *terminal) fingerprintApprove() *cobra.Command {
	var by string
	var all bool
	c := &cobra.Command{
		Use: "approve FILE [ITEM…]", Short: "Say that items may leave", Example: "  contrail fingerprint approve --by ana fingerprint.json 1 2 3", Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && !all {
				return usageError{errors.New("which items? Name them, or --all")}
			}
			if by == "" {
				return usageError{errors.New("--by is missing: who approves?")}
			}
			f, err := draftOf(args[0])
			if err != nil {
				return err
			}
			var items []int
			for _, a := range args[1:] {
				i, err := f.Find(a)
				if err != nil {
					return usageError{err}
				}
				items = append(items, i)
			}
			if all {
				for i := range f.Items {
					items = append(items, i)
				}
			}
			if err := f.Approve(by, items...); err != nil {
				return err
			}
			return writeFingerprint(args[0], f)
		},
	}
	c.Flags().StringVar(&by, "by", "", "who approves")
	c.Flags().BoolVar(&all, "all", false, "approve every item")
	return c
}

func (t *terminal) fingerprintImport() *cobra.Command {
	var out, lists string
	var victim victimFlags
	c := &cobra.Command{
		Use: "import FILE|CASE", Short: "Make a draft of a report – STIX, MISP, OpenIOC, CSV or text – or of the indicators that a case was given",
		Example: "  contrail fingerprint import --out draft.json report.stix2\n  contrail fingerprint import --out draft.json CASE", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return usageError{errors.New("--out is missing: name the file to write")}
			}
			v, err := victim.victim()
			if err != nil {
				return err
			}
			in, err := openReport(c.Context(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			f, left, err := fingerprint.Import(args[0], in, v)
			if err != nil {
				return err
			}
			if lists != "" {
				w, err := fingerprint.ReadWarninglists(os.DirFS(lists))
				if err != nil {
					return err
				}
				f.Rate(w)
			}
			fmt.Fprintf(t.out, "%d items; %d values were left out\n", len(f.Items), left)
			return writeFingerprint(out, f)
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "file to write")
	c.Flags().StringVar(&lists, "warninglists", "", "folder of MISP warning lists to look items up in")
	victim.add(c)
	return c
}

// openReport opens a report, or what a case holds of bundles and events, as one bundle.
func openReport(ctx context.Context, path string) (io.ReadCloser, error) {
	if _, err := os.Lstat(filepath.Join(path, "ledger")); err != nil {
		return os.Open(path)
	}
	var b []byte
	err := withCase(ctx, path, casefile.Options{ReadOnly: true}, func(k *casefile.Case) error {
		objects, err := exchange.Objects(ctx, k)
		if err != nil {
			return err
		}
		bundle := stix.Bundle{Objects: objects}
		b, err = bundle.Marshal()
		return err
	})
	return io.NopCloser(bytes.NewReader(b)), err
}

func (t *terminal) fingerprintSign() *cobra.Command {
	var secret []string
	var out string
	var from, until time.Time
	var skip bool
	var victim victimFlags
	c := &cobra.Command{
		Use: "sign FILE", Short: "Sign a fingerprint whose items are approved, or add a signature",
		Long: `Signs with each --key. Of a draft it makes the form that leaves: approved items only, without references to records.
A package that is signed already gets one more signature: so the second person signs elsewhere.`,
		Example: "  contrail fingerprint sign --key ana.key --out march.signed.json fingerprint.json\n  contrail fingerprint sign --key ben.key --out march.json march.signed.json", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" || len(secret) == 0 {
				return usageError{errors.New("name the key with --key and the file to write with --out")}
			}
			now := time.Now()
			if from.IsZero() {
				from = now
			}
			if until.IsZero() {
				until = now.AddDate(0, 0, 90)
			}
			if !from.Before(until) {
				return usageError{fmt.Errorf("it would expire, on %s, before it is valid, from %s: check --not-before and --expires", until.Format(time.DateOnly), from.Format(time.DateOnly))}
			}
			var signers []crypto.Signer
			for _, p := range secret {
				k, err := keys.Load(p)
				if err != nil {
					return err
				}
				signers = append(signers, k.Signer())
			}
			b, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			if fingerprint.Signed(b) {
				for _, s := range signers {
					if b, err = fingerprint.AddSignature(b, s, now); err != nil {
						return err
					}
				}
			} else if b, err = signDraft(b, victim, from, until, skip, signers); err != nil {
				return err
			}
			return report.WriteFile(out, func(w io.Writer) error { _, err := w.Write(append(b, '\n')); return err })
		},
	}
	fs := c.Flags()
	fs.StringArrayVar(&secret, "key", nil, "secret key file (repeat)")
	fs.StringVarP(&out, "out", "o", "", "file to write")
	addRead(fs, &from, "not-before", "from when it is valid; by default now", instant)
	addRead(fs, &until, "expires", "until when it is valid; by default 90 days", instant)
	fs.BoolVar(&skip, "approved-only", false, "leave out what is not approved instead of refusing")
	victim.add(c)
	return c
}

func signDraft(b []byte, victim victimFlags, from, until time.Time, skip bool, signers []crypto.Signer) ([]byte, error) {
	f, err := fingerprint.Read(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	v, err := victim.victim()
	if err != nil {
		return nil, err
	}
	out, err := f.Release(v, from, until, skip)
	if err != nil {
		return nil, err
	}
	return fingerprint.Sign(out, signers...)
}

func (t *terminal) fingerprintVerify() *cobra.Command {
	var trust trustFlags
	c := &cobra.Command{
		Use: "verify FILE", Short: "Check signatures and validity", Example: "  contrail fingerprint verify --trust trusted/ march.json", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			f, by, err := trust.open(args[0], false)
			if err != nil {
				return err
			}
			fmt.Fprintf(t.out, "%s, version %d: signed by %s, valid until %s, %d items\n", report.Clean(f.Name), f.Version, report.Clean(strings.Join(by, ", ")), f.Expires, len(f.Items))
			return nil
		},
	}
	trust.add(c)
	return c
}

func (t *terminal) fingerprintExport() *cobra.Command {
	var trust trustFlags
	var out string
	format := "stix"
	c := &cobra.Command{
		Use: "export FILE", Short: "Write a signed fingerprint as STIX, MISP, Sigma or CSV", Example: "  contrail fingerprint export --format stix --out march.stix.json march.json", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			f, _, err := trust.open(args[0], false)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := f.Export(&b, format); err != nil {
				return err
			}
			if out == "" {
				_, err := t.out.Write(b.Bytes())
				return err
			}
			return report.WriteFile(out, func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err })
		},
	}
	addChoice(c.Flags(), &format, "format", "stix, misp, sigma or csv", fingerprint.Exports()...)
	c.Flags().StringVarP(&out, "out", "o", "", "file to write; by default standard output")
	trust.add(c)
	return c
}
