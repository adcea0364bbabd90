package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/docket"
	"github.com/contrail-ir/contrail/exchange"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
)

// imports are the documents that a case takes by what they are.
var imports = map[string]casefile.Kind{
	"trail": casefile.TrailImported, "fingerprint": casefile.FingerprintImported, "kinship": casefile.KinshipImported, "exposure": casefile.ExposureImported,
	"attribution": casefile.AttributionImported, "document": casefile.DocumentImported,
}

// resultFiles are what the commands write into their --out folders, which may be named instead.
var resultFiles = map[string]string{"trail": "trail.json", "fingerprint": "fingerprint.json", "kinship": "kinship.json", "exposure": "exposure.json", "attribution": "attribution.json"}

// memberID makes an organisation's id of its name unless one is given.
func memberID(id, name string) (member.ID, error) {
	if id == "" {
		id = strings.Trim(strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.':
				return r
			case r >= 'A' && r <= 'Z':
				return r + ('a' - 'A')
			}
			return '-'
		}, name), "-.")
	}
	return member.ParseID(id)
}

func (t *terminal) caseAdd() *cobra.Command {
	c := &cobra.Command{
		Use:   "add",
		Short: "Enter evidence, results, people, consent, numbers, milestones or notes",
		Example: `  contrail case add evidence --key anna.key --why 'handed over at the gate' --from Beta --to Anna CASE disk.img
  contrail case add sweep --key anna.key --why 'first question' CASE result`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.addEvidence(), t.addImport("sweep", "DIR", "the result folder of contrail sweep"), t.addPerson(), t.addMember(), t.addConsent(), t.addNumber(), t.addMilestone(), t.addNote(), t.addClaims(), t.addCustody(), t.addText(), t.addFinding(),
		t.addBundle("stix", "a STIX 2.0 or 2.1 bundle"), t.addBundle("misp", "a MISP event"))
	for _, name := range []string{"trail", "fingerprint", "kinship", "exposure", "attribution", "document"} {
		c.AddCommand(t.addImport(name, "FILE", "a file, by its digest and what can be counted in it"))
	}
	return c
}

// adding is a verb of add: it opens the case that the first argument names and prints what was entered.
func (t *terminal) adding(use, short, example string, args cobra.PositionalArgs, ch *change, do func(context.Context, *casefile.Case, *keys.Private, marking.Marking, []string) ([]casefile.Entry, error)) *cobra.Command {
	c := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: "  contrail case add " + example,
		Args:    arguments(args),
		RunE: func(c *cobra.Command, args []string) error {
			return ch.in(c.Context(), args[0], func(k *casefile.Case, by *keys.Private, m marking.Marking) error {
				entries, err := do(c.Context(), k, by, m, args[1:])
				return errors.Join(t.entered(entries...), err)
			})
		},
	}
	ch.flags(c.Flags(), true)
	return c
}

func one(e casefile.Entry, err error) ([]casefile.Entry, error) {
	if err != nil {
		return nil, err
	}
	return []casefile.Entry{e}, nil
}

func (t *terminal) addEvidence() *cobra.Command {
	var ch change
	var r casefile.Receipt
	c := t.adding("evidence CASE PATH…", "Hash evidence and enter that it was received", "evidence --key anna.key --why 'handed over at the gate' --from Beta --to Anna CASE disk.img",
		cobra.MinimumNArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, paths []string) (entries []casefile.Entry, err error) {
			r.Marking, r.Why = m, ch.why
			for _, p := range paths {
				e, err := k.ReceiveEvidence(ctx, by, p, r)
				if err != nil {
					return entries, err
				}
				entries = append(entries, e)
			}
			return entries, nil
		})
	fs := c.Flags()
	fs.StringVar(&r.From, "from", "", "who handed it over")
	fs.StringVar(&r.To, "to", "", "who took it")
	fs.StringVar(&r.Authority, "authority", "", "under which it was taken")
	fs.StringVar(&r.Seal, "seal", "", "number or mark of the seal")
	fs.StringVar(&r.Place, "place", "", "where it is kept")
	addWhen(fs, &r.When, "when", "when it was received")
	fs.BoolVar(&r.Copy, "copy", false, "copy the file into the case")
	return c
}

func (t *terminal) addCustody() *cobra.Command {
	var ch change
	var d casefile.Custody
	var when casefile.Moment
	var broken bool
	c := t.adding("custody CASE PATH|DIGEST", "Enter that evidence changed hands", "custody --key anna.key --why 'end of the day' --from Anna --to 'the safe' --seal S-2 CASE disk.img",
		cobra.ExactArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, args []string) (_ []casefile.Entry, err error) {
			if info, e := os.Stat(args[0]); e == nil && info.IsDir() {
				d.Digest, _, _, err = casefile.FolderDigest(ctx, args[0])
			} else {
				d.Digest, err = digestOfFile(args[0])
			}
			if err != nil {
				return nil, err
			}
			d.Intact = !broken
			return one(k.PassCustody(ctx, by, d, when, m, ch.why))
		})
	fs := c.Flags()
	fs.StringVar(&d.From, "from", "", "who handed it over")
	fs.StringVar(&d.To, "to", "", "who took it")
	fs.StringVar(&d.Seal, "seal", "", "number or mark of the seal that was found or put on")
	fs.BoolVar(&broken, "seal-broken", false, "the seal was not whole")
	fs.StringVar(&d.Place, "place", "", "where it is kept from now on")
	addWhen(fs, &when, "when", "when it changed hands")
	return c
}

func (t *terminal) addFinding() *cobra.Command {
	var ch change
	var j casefile.Judgement
	var seen []string
	c := t.adding("finding CASE FILE:RECORD VERDICT", "Judge a finding: intrusion, context or rejected", "finding --key anna.key --why 'the administrator confirms it' CASE WEB01/Sysmon.evtx:1842 rejected",
		cobra.ExactArgs(3), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, args []string) (_ []casefile.Entry, err error) {
			at := strings.LastIndexByte(args[0], ':')
			if at > 0 {
				j.Record, err = strconv.ParseUint(args[0][at+1:], 10, 64)
			}
			if at <= 0 || err != nil {
				return nil, usageError{fmt.Errorf("%q: want FILE:RECORD, as findings.jsonl names them", args[0])}
			}
			j.File, j.Verdict = args[0][:at], args[1]
			digests, err := digestsOf(seen)
			if err != nil {
				return nil, err
			}
			return one(k.JudgeFinding(ctx, by, j, digests, m, ch.why))
		})
	fs := c.Flags()
	fs.StringVar(&j.Organisation, "organisation", "", "whose evidence it is in")
	fs.StringVar(&j.Rule, "rule", "", "rule that found it")
	fs.StringArrayVar(&seen, "seen", nil, "file it rests on, or its digest sha256:… (repeat)")
	return c
}

func (t *terminal) addText() *cobra.Command {
	var ch change
	var text casefile.Text
	var when casefile.Moment
	var translator string
	var translations []string
	c := t.adding("text CASE FILE", "Keep a text in the original, with translations beside it", "text --key anna.key --why 'it claims less than the same hand' --source Xinhua --language zh --translation en=english.txt --translator Ben CASE original.txt",
		cobra.ExactArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, args []string) (_ []casefile.Entry, err error) {
			if text.Original, err = readText(args[0]); err != nil {
				return nil, err
			}
			for _, tr := range translations {
				language, path, ok := strings.Cut(tr, "=")
				if !ok {
					return nil, usageError{fmt.Errorf("--translation %q: want LANGUAGE=FILE", tr)}
				}
				words, err := readText(path)
				if err != nil {
					return nil, err
				}
				text.Translations = append(text.Translations, casefile.Translation{Language: language, Text: words, Translator: translator})
			}
			return one(k.RecordText(ctx, by, text, when, m, ch.why))
		})
	fs := c.Flags()
	fs.StringVar(&text.Source, "source", "", "where it is from")
	fs.StringVar(&text.Language, "language", "", "language of the original: zh, en, pt-BR …")
	fs.StringArrayVar(&translations, "translation", nil, "LANGUAGE=FILE of a translation (repeat)")
	fs.StringVar(&translator, "translator", "", "who translated it")
	addWhen(fs, &when, "when", "when it was published")
	return c
}

// readText reads a text that is kept in an entry.
func readText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read text: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, ledger.MaxEntry+1))
	if err == nil && len(b) > ledger.MaxEntry {
		err = fmt.Errorf("it is longer than the %d bytes of an entry; add it as a document", ledger.MaxEntry)
	}
	if err == nil && !utf8.Valid(b) {
		err = errors.New("it is not UTF-8")
	}
	if err != nil {
		return "", fmt.Errorf("read text %s: %w", path, err)
	}
	return string(b), nil
}

func (t *terminal) addImport(name, what, short string) *cobra.Command {
	var ch change
	var o casefile.ImportOptions
	var corrects []uint
	c := t.adding(name+" CASE "+what, "Enter "+short, name+" --key anna.key --why 'first question' CASE "+strings.ToLower(what),
		cobra.ExactArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, args []string) ([]casefile.Entry, error) {
			complete(&o, corrects, m, ch.why)
			if name == "sweep" {
				return k.ImportSweep(ctx, by, args[0], o)
			}
			path := args[0]
			if file, ok := resultFiles[name]; ok {
				if info, err := os.Stat(path); err == nil && info.IsDir() {
					path = filepath.Join(path, file)
				}
			}
			return one(k.ImportDocument(ctx, by, imports[name], path, o))
		})
	importFlags(c.Flags(), &o, &corrects)
	return c
}

func importFlags(fs *pflag.FlagSet, o *casefile.ImportOptions, corrects *[]uint) {
	fs.StringVar(&o.Organisation, "organisation", "", "whose evidence it speaks of")
	fs.StringVar(&o.Question, "question", "", "what was asked, in words")
	fs.StringVar(&o.Source, "source", "", "whose it is: feed, publisher, programme")
	fs.StringVar(&o.From, "from", "", "who handed it over")
	fs.StringVar(&o.To, "to", "", "who took it")
	fs.StringVar(&o.Authority, "authority", "", "under which it was taken")
	fs.BoolVar(&o.Reference, "reference", false, "enter by digest alone; otherwise a result is kept in the case")
	addWhen(fs, &o.When, "when", "when the work was done")
	fs.UintSliceVar(corrects, "supersedes", nil, "numbers of entries that this one corrects")
}

// complete fills in what every entry has.
func complete(o *casefile.ImportOptions, corrects []uint, m marking.Marking, why string) {
	o.Marking, o.Why = m, why
	for _, n := range corrects {
		o.Supersedes = append(o.Supersedes, uint64(n))
	}
}

// addBundle takes other people's intelligence: what it claims about actors becomes claims of the case.
func (t *terminal) addBundle(name, what string) *cobra.Command {
	var ch change
	var o exchange.Options
	var corrects []uint
	c := t.adding(name+" CASE FILE", "Take "+what+" with its source, marking and custody; what it claims about actors becomes claims", name+" --key anna.key --why 'from the sharing group' --from 'sharing group' --to Anna CASE "+name+".json",
		cobra.ExactArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, args []string) ([]casefile.Entry, error) {
			complete(&o.ImportOptions, corrects, m, ch.why)
			o.MISP = name == "misp"
			im, err := exchange.Import(ctx, k, by, args[0], o)
			if err != nil {
				return nil, err
			}
			if len(im.Problems) > 0 {
				t.log().Warn(fmt.Sprintf("Taken with %d breaches of the specification; the entry lists them", len(im.Problems)))
			}
			return im.Entries, nil
		})
	importFlags(c.Flags(), &o.ImportOptions, &corrects)
	c.Flags().StringVar(&o.ClaimantKind, "claimant-kind", "", "of what kind claimants are whom it does not describe: vendor, government, victim, court, media, leaked-document")
	c.Flags().BoolVar(&o.WithErrors, "with-errors", false, "take objects that break the specification as they are, and list what is wrong")
	return c
}

func (t *terminal) addPerson() *cobra.Command {
	var ch change
	var organisation string
	var revoke bool
	role := casefile.Reader
	c := t.adding("person CASE NAME.pub", "Give a person a role – lead, analyst, liaison, reader – or take it away", "person --key anna.key --role liaison --why 'joins the team' CASE ben.pub",
		cobra.ExactArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, args []string) ([]casefile.Entry, error) {
			p, err := keys.LoadPublic(args[0])
			if err != nil {
				return nil, err
			}
			if revoke {
				return one(k.Revoke(ctx, by, p, m, ch.why))
			}
			return one(k.Grant(ctx, by, p, organisation, role, m, ch.why))
		})
	c.Flags().StringVar(&organisation, "organisation", "", "where the person works")
	addRead(c.Flags(), &role, "role", "lead, analyst, liaison, reader, which it is when not given", casefile.ParseRole)
	c.Flags().BoolVar(&revoke, "revoke", false, "the key enters nothing any more, for example because it was lost")
	return c
}

func (t *terminal) addMember() *cobra.Command {
	var ch change
	var id, key string
	c := t.adding("member CASE NAME", "Enter an organisation that takes part", "member --key anna.key --why 'second victim' CASE Beta",
		cobra.ExactArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, args []string) ([]casefile.Entry, error) {
			known, err := memberID(id, args[0])
			if err != nil {
				return nil, usageError{err}
			}
			d := casefile.MemberDetail{ID: known, Name: args[0]}
			if key != "" {
				p, err := keys.LoadPublic(key)
				if err != nil {
					return nil, err
				}
				d.Key = member.Key(p.Key)
			}
			return one(k.AddMember(ctx, by, d, m, ch.why))
		})
	c.Flags().StringVar(&id, "member", "", "id in the case; made from the name when it is not given")
	c.Flags().StringVar(&key, "public", "", "public key of the organisation")
	return c
}

func (t *terminal) addConsent() *cobra.Command {
	var ch change
	var by, scope string
	var until casefile.Moment
	var withdraw bool
	c := t.adding("consent CASE MEMBER PURPOSE", "Enter what a member consents to, or takes back: sweep, share, authority, name, publish, count",
		"consent --key anna.key --by 'the CISO' --why 'letter of 3 March' CASE beta publish",
		cobra.MatchAll(cobra.ExactArgs(3), func(_ *cobra.Command, args []string) error {
			_, err := member.ParsePurpose(args[2])
			return err
		}), &ch, func(ctx context.Context, k *casefile.Case, who *keys.Private, m marking.Marking, args []string) ([]casefile.Entry, error) {
			id, err := member.ParseID(args[0])
			if err != nil {
				return nil, usageError{err}
			}
			purpose, err := member.ParsePurpose(args[1])
			if err != nil {
				return nil, usageError{err}
			}
			now := time.Now().UTC()
			if withdraw {
				return one(k.WithdrawConsent(ctx, who, casefile.WithdrawalDetail{Member: id, Purpose: purpose, At: now}, m, ch.why))
			}
			_, last := until.Bounds()
			return one(k.GiveConsent(ctx, who, casefile.ConsentDetail{Member: id, Consent: member.Consent{Purpose: purpose, Scope: scope, By: by, From: now, Until: last}}, m, ch.why))
		})
	c.Flags().StringVar(&by, "by", "", "who says so for the member")
	c.Flags().StringVar(&scope, "scope", "", "what it covers, in their words")
	addWhen(c.Flags(), &until, "until", "until the end of this moment")
	c.Flags().BoolVar(&withdraw, "withdraw", false, "the member takes its consent back")
	return c
}

func (t *terminal) addNumber() *cobra.Command {
	var ch change
	var n casefile.Number
	var exact, lower, upper int64
	var seen []string
	c := t.adding("number CASE WHAT", "State a number with what it rests on", "number --key anna.key --unit persons --exact 1200 --basis exposure.json --why 'for the notice' CASE 'passengers concerned'",
		cobra.ExactArgs(2), &ch, nil)
	c.RunE = func(cc *cobra.Command, args []string) error {
		n.What = args[1]
		for name, to := range map[string]struct {
			value *int64
			field **int64
		}{"exact": {&exact, &n.Exact}, "lower": {&lower, &n.Lower}, "upper": {&upper, &n.Upper}} {
			if cc.Flags().Changed(name) {
				*to.field = to.value
			}
		}
		digests, err := digestsOf(seen)
		if err != nil {
			return err
		}
		return ch.in(cc.Context(), args[0], func(k *casefile.Case, by *keys.Private, m marking.Marking) error {
			e, err := k.StateNumber(cc.Context(), by, n, digests, m, ch.why)
			if err != nil {
				return err
			}
			return t.entered(e)
		})
	}
	fs := c.Flags()
	fs.StringVar(&n.Unit, "unit", "", "persons, bookings, documents …")
	fs.Int64Var(&exact, "exact", 0, "the number itself")
	fs.Int64Var(&lower, "lower", 0, "at least")
	fs.Int64Var(&upper, "upper", 0, "at most")
	fs.StringVar(&n.Basis, "basis", "", "how it was found")
	fs.StringArrayVar(&seen, "seen", nil, "file it rests on, or its digest sha256:… (repeat)")
	return c
}

func digestsOf(files []string) (all []ledger.Digest, err error) {
	for _, s := range files {
		d, err := digestOfFile(s)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// digestOfFile gives the digest that s is, or that of the file that s names.
func digestOfFile(s string) (ledger.Digest, error) {
	if strings.HasPrefix(s, "sha256:") {
		return ledger.ParseDigest(s)
	}
	f, err := os.Open(s)
	if err != nil {
		return "", fmt.Errorf("read what was looked at: %w", err)
	}
	defer f.Close()
	d, _, err := ledger.DigestReader(f)
	return d, err
}

func (t *terminal) addMilestone() *cobra.Command {
	var ch change
	var m casefile.Milestone
	var when casefile.Moment
	c := t.adding("milestone CASE NAME", "Enter an event in the world: intrusion, discovery, report, private-notice, vendor-claim, government-claim, public, removal …",
		"milestone --key anna.key --when 2020-01 --source 'release of 31 October' --why 'for the clock' CASE report",
		cobra.ExactArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, mark marking.Marking, args []string) ([]casefile.Entry, error) {
			m.Name = args[0]
			return one(k.RecordMilestone(ctx, by, m, when, mark, ch.why))
		})
	fs := c.Flags()
	addWhen(fs, &when, "when", "when it happened, as exactly as it is known")
	fs.StringVar(&m.Actor, "actor", "", "who did it")
	fs.StringVar(&m.Target, "target", "", "to whom")
	fs.StringVar(&m.Source, "source", "", "where it is known from")
	return c
}

func (t *terminal) addClaims() *cobra.Command {
	var ch change
	return t.adding("claims CASE DIR", "Enter what a folder describes: the incident, claims, hypotheses, ratings, assessment and naming decisions",
		"claims --key anna.key --why 'published until November 2021' CASE examples/airlines-2021",
		cobra.ExactArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, args []string) ([]casefile.Entry, error) {
			a, err := attribution.Load(args[0])
			if err != nil {
				return nil, err
			}
			entries, err := docket.Record(ctx, k, by, a, docket.Options{Marking: m, Why: ch.why})
			if err == nil && len(entries) == 0 {
				t.log().Info("The case holds all of it already; nothing was entered")
			}
			return entries, err
		})
}

func (t *terminal) addNote() *cobra.Command {
	var ch change
	return t.adding("note CASE TEXT", "Enter a note", "note --key anna.key --why 'telephone call' CASE 'the supplier was called'",
		cobra.ExactArgs(2), &ch, func(ctx context.Context, k *casefile.Case, by *keys.Private, m marking.Marking, args []string) ([]casefile.Entry, error) {
			return k.Record(ctx, by, casefile.Draft{Kind: casefile.Note, Why: ch.why, Summary: args[0], Marking: m})
		})
}
