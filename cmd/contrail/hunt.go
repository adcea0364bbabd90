package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/hunt"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/kinship"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/trail"
)

// huntFlags are the flags of hunt as typed.
type huntFlags struct {
	sweepFlags
	first, policy, by, name, never string
	from, secret                   []string
	days                           int
	prior                          float64
}

func (t *terminal) huntCommand() *cobra.Command {
	var f huntFlags
	c := &cobra.Command{
		Use:   "hunt [flags] --org NAME=PATH… --out DIR",
		Short: "Go from the first victim to the others, wave by wave, until nothing new is learnt",
		Long: `Follows the intruder through the first victim's evidence, drafts a fingerprint, asks it of all organisations, judges who has the same
intruder, and puts forward what the next victims show beside it, until a wave teaches nothing new. Nothing becomes an item of the fingerprint
unless a person or the policy lets it. Where somebody must decide, it stops and says what waits; the same command goes on from there.
Writes to the output folder
  hunt.json, hunt.html   where it stands: verdicts by wave, what was learnt from whom, who let it in, what lost its weight
  first/                 the trace of the first victim
  version-N.json         a version of the fingerprint: what waits in it is approved by "contrail fingerprint approve", and refused by
                         "contrail fingerprint edit --remove"; version-N.signed.json is what was asked, where keys are given
  wave-N/                what sweep and kinship write, with a trail of each organisation`,
		Example: `  contrail hunt --org alpha=/evidence/alpha --org beta=/evidence/beta --by ana --out hunt
  contrail hunt --org alpha=/evidence/alpha --org beta=/evidence/beta --from 'alpha=WEB01/System.evtx:13382' --policy policy.yaml --key ana.key --key ben.key --trust trusted --out hunt
  contrail hunt --fingerprint march.json --org beta=/evidence/beta --org gamma=/evidence/gamma --policy policy.yaml --draft --out hunt`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return t.hunt(c.Context(), f) },
	}
	fs := c.Flags()
	f.reading(fs)
	fs.StringVar(&f.first, "first", "", "the organisation that reported; by default the first --org")
	fs.StringArrayVar(&f.from, "from", nil, "where the first victim's trace begins: FILE:RECORD or a value (repeat); by default its findings")
	fs.StringVar(&f.fingerprint, "fingerprint", "", "signed fingerprint to begin with, instead of a first victim")
	fs.BoolVar(&f.draft, "draft", false, "take an unsigned fingerprint")
	fs.StringVar(&f.policy, "policy", "", "YAML: what may become an item without asking a person")
	fs.StringVar(&f.by, "by", "", "who answers at the terminal; without it nobody is asked")
	fs.StringArrayVar(&f.secret, "key", nil, "secret key that signs versions (repeat); without one everything is a DRAFT")
	addCount(fs, &f.days, "valid", 90, 1, "days for which a signed version is valid")
	fs.StringVar(&f.name, "name", "", "name of the fingerprint")
	fs.StringVar(&f.never, "never", "", "file with a name a line – domains, accounts, persons – that never enter a fingerprint")
	fs.Float64Var(&f.prior, "prior", kinship.DefaultPrior, "probability of the same intruder before any evidence")
	f.trust.add(c)
	return c
}

// options are the flags, checked.
func (f *huntFlags) options() (o hunt.Options, p hunt.Plan, err error) {
	if len(f.orgs) == 0 {
		return o, p, usageError{errors.New("no evidence: name organisations with --org NAME=PATH")}
	}
	if !(f.prior > 0 && f.prior < 1) {
		return o, p, usageError{fmt.Errorf("--prior %g: want a probability between 0 and 1", f.prior)}
	}
	q, sel, err := f.question(nil)
	if err != nil {
		return o, p, err
	}
	if f.fingerprint == "" && len(orgNames(q.Roots)) < 2 {
		return o, p, usageError{errors.New("there is no organisation beside the first victim to hunt in: name others with --org NAME=PATH, or follow the intruder in this one with contrail trace")}
	}
	if f.first != "" && !slices.Contains(orgNames(q.Roots), f.first) {
		return o, p, usageError{fmt.Errorf("--first %q: it is none of the organisations %q", f.first, orgNames(q.Roots))}
	}
	if f.fingerprint != "" && (f.first != "" || len(f.from) > 0) {
		return o, p, usageError{errors.New("--fingerprint and a first victim: a hunt begins with one of them")}
	}
	if err := haveFolders(f.out, orgNames(q.Roots)); err != nil {
		return o, p, err
	}
	o = hunt.Options{Evidence: q, Rules: match.Question{Sigma: f.rules, IOC: f.indicators, Lists: f.warninglists, Selection: sel}, Name: f.name, Prior: f.prior, Out: f.out, First: f.first, Refuse: passengerValue}
	names := victimFlags{words: f.never}
	if o.Victim, err = names.victim(); err != nil {
		return o, p, err
	}
	if f.warninglists != "" {
		if o.Lists, err = fingerprint.ReadWarninglists(os.DirFS(f.warninglists)); err != nil {
			return o, p, err
		}
	}
	if f.fingerprint != "" {
		if o.Fingerprint, p.SignedBy, err = f.trust.open(f.fingerprint, f.draft); err != nil {
			return o, p, err
		}
	} else if o.First == "" {
		o.First = q.Roots[0].Org
	}
	for _, s := range f.from {
		_, text := ofOrg(s, []string{o.First})
		start, err := trail.ParseStart(text)
		if err != nil {
			return o, p, usageError{fmt.Errorf("--from: %w", err)}
		}
		o.From = append(o.From, start)
	}
	if f.policy != "" {
		in, err := os.Open(f.policy)
		if err != nil {
			return o, p, err
		}
		defer in.Close()
		if p.Policy, err = hunt.ReadPolicy(in); err != nil {
			return o, p, usageError{fmt.Errorf("--policy %s: %w", f.policy, err)}
		}
	}
	p.Seal, err = f.seal()
	return o, p, err
}

// seal reads the keys that sign and those that are trusted.
func (f *huntFlags) seal() (*hunt.Seal, error) {
	if len(f.secret) == 0 {
		return nil, nil
	}
	s := &hunt.Seal{Threshold: f.trust.signatures, Valid: time.Duration(f.days) * 24 * time.Hour, Now: time.Now, Signers: []crypto.Signer{}, Trusted: []ed25519.PublicKey{}}
	for _, p := range f.secret {
		k, err := keys.Load(p)
		if err != nil {
			return nil, err
		}
		s.Signers = append(s.Signers, k.Signer())
	}
	trusted, err := trustedKeys(f.trust.trust)
	if err != nil {
		return nil, fmt.Errorf("read trusted keys: %w", err)
	}
	for _, k := range trusted {
		s.Trusted, s.Names = append(s.Trusted, k.Key), append(s.Names, k.Name)
	}
	return s, nil
}

func (t *terminal) hunt(ctx context.Context, f huntFlags) error {
	boundMemory()
	o, p, err := f.options()
	if err != nil {
		return err
	}
	if f.by != "" {
		p.By, p.Ask = f.by, t.asker()
	}
	var stop func()
	o.Tell, stop = t.tellSteps()
	s, err := hunt.Run(ctx, o, p)
	stop()
	if err != nil {
		return err
	}
	t.printHunt(s, f.out)
	for _, w := range s.Waves {
		if !w.Complete {
			return errIncomplete
		}
	}
	return nil
}

// tellSteps says what a hunt does, with its progress; stop ends that.
func (t *terminal) tellSteps() (tell func(hunt.Step), stop func()) {
	end := func() {}
	tell = func(s hunt.Step) {
		end()
		end = func() {}
		text := s.Text
		if s.Wave > 0 {
			text = fmt.Sprintf("Wave %d: %s", s.Wave, s.Text)
		}
		t.log().Info(text)
		if s.Progress != nil {
			end = t.watch(s.Progress)
		}
	}
	return tell, func() { end() }
}

// asker asks at the terminal about one item after the other.
func (t *terminal) asker() func(hunt.Proposal) (hunt.Answer, error) {
	in := bufio.NewReader(t.in)
	later := false
	return func(p hunt.Proposal) (hunt.Answer, error) {
		if later {
			return hunt.Later, nil
		}
		it, l := &p.Item, &p.Lesson
		fmt.Fprintf(t.out, "\n%d of %d  %s  %s  %s  (%.1f dB, seen on %d of %d hosts)\n", p.Number, p.Of, it.Tier, it.Kind, report.Clean(it.Value), it.Specificity.Decibans, it.Specificity.Seen, it.Specificity.Hosts)
		fmt.Fprintf(t.out, "      shown by %s\n", report.Clean(strings.Join(l.Orgs, ", ")))
		for _, why := range it.Reasons {
			fmt.Fprintf(t.out, "      %s\n", report.Clean(why))
		}
		if l.Doubt != "" {
			fmt.Fprintf(t.out, "      doubt: %s\n", report.Clean(l.Doubt))
		}
		for {
			fmt.Fprint(t.out, "Shall it be asked of others? [y]es, [n]o, [l]ater, [q]uit: ")
			line, err := in.ReadString('\n')
			if err != nil && (!errors.Is(err, io.EOF) || line == "") {
				if errors.Is(err, io.EOF) { // nobody is there any more
					later = true
					fmt.Fprintln(t.out)
					return hunt.Later, nil
				}
				return hunt.Later, err
			}
			switch strings.ToLower(strings.TrimSpace(line)) {
			case "y", "yes":
				return hunt.Accept, nil
			case "n", "no":
				return hunt.Refuse, nil
			case "l", "later":
				return hunt.Later, nil
			case "q", "quit":
				later = true
				return hunt.Later, nil
			}
		}
	}
}

// printHunt says where a hunt stands.
func (t *terminal) printHunt(s *hunt.State, out string) {
	if s.Draft {
		fmt.Fprintln(t.out, strings.TrimSpace(hunt.DraftMark))
	}
	if len(s.Waves) > 0 {
		w := s.Waves[len(s.Waves)-1]
		tab := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
		fmt.Fprint(tab, "ORGANISATION\tVERDICT\tDECIBANS\tBAND\tSINCE\tWAVE BEFORE\tWHY\n")
		for i, x := range w.Orgs {
			since := x.First
			if len(since) > 16 {
				since = strings.Replace(since[:16], "T", " ", 1)
			}
			before := "-"
			if len(s.Waves) > 1 && i < len(s.Waves[len(s.Waves)-2].Orgs) {
				before = string(s.Waves[len(s.Waves)-2].Orgs[i].Verdict)
			}
			why := x.Why
			if x.OtherIntrusion {
				why += "; another intrusion, too"
			}
			fmt.Fprintf(tab, "%s\t%s\t%.1f\t%s\t%s\t%s\t%s\n", report.Clean(x.Org), x.Verdict, x.Decibans, x.Band, orDash(since), before, report.Clean(why))
		}
		tab.Flush()
		for _, w := range s.Waves {
			fmt.Fprintf(t.out, "Wave %d: version %d with %d items; %d new ones were put forward, %d lost weight.\n", w.Wave, w.Version, w.Items, w.Taught, len(w.Demoted))
		}
	}
	switch s.Status {
	case hunt.Approving:
		waiting := s.WaitingItems()
		const shown = 40
		fmt.Fprintf(t.out, "\nThese items wait for a person, in %s:\n", filepath.Join(out, s.File))
		for i, l := range waiting {
			if i == shown {
				fmt.Fprintf(t.out, "  … and %d more\n", len(waiting)-shown)
				break
			}
			fmt.Fprintf(t.out, "  %-11s  %-13s  %s  (%.1f dB; shown by %s%s)\n", l.Tier, l.Kind, report.Clean(l.Value), l.Decibans, report.Clean(strings.Join(l.Orgs, ", ")), report.Clean(doubt(l.Doubt)))
		}
		file := filepath.Join(out, s.File)
		fmt.Fprintf(t.out, "Look at them:  contrail fingerprint show %s\nLet them in:   contrail fingerprint approve --by NAME %s ITEM…\nRefuse them:   contrail fingerprint edit --remove ITEM %s\nThen go on with the same command.\n", file, file, file)
	case hunt.Signing:
		file := filepath.Join(out, fmt.Sprintf("version-%d.signed.json", s.Version))
		fmt.Fprintf(t.out, "\nWaiting for signatures: %s.\nSign:  contrail fingerprint sign --key NAME.key --out %s %s\nThen go on with the same command.\n", report.Clean(s.Why), file, file)
	case hunt.NoneToHunt:
		fmt.Fprintf(t.out, "No intrusion established in the first victim, so there is nothing to hunt. %s\n", report.Clean(s.Why))
	case hunt.NoneToAsk:
		file := filepath.Join(out, s.File)
		fmt.Fprintf(t.out, "\nNothing to ask others with: %s. Organisations were not asked. What was refused stays out of this hunt; an item added to %s and approved there is asked by the same command.\n", report.Clean(s.Why), file)
	case hunt.WaveLimit:
		fmt.Fprintf(t.out, "\nStopped: %s. Allow more waves in the policy and go on with the same command.\n", report.Clean(s.Why))
	default:
		fmt.Fprintf(t.out, "\nQuiet: %s.\n", report.Clean(s.Why))
	}
	t.log().Info("Written to " + out + ": see " + filepath.Join(out, "hunt.html"))
}

func doubt(s string) string {
	if s == "" {
		return ""
	}
	return "; doubt: " + s
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
