package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/disclosure"
	"github.com/contrail-ir/contrail/exchange"
	"github.com/contrail-ir/contrail/exposure"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/marking"
	"github.com/contrail-ir/contrail/member"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/stix"
)

func (t *terminal) discloseCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "disclose",
		Short: "Decide who is told what, when: draft, check, approve, release; embargoes; the disclosure clock",
		Long: `A release is drafted from the case for one audience, checked (legal, tip-off), approved by two people, and leaves only when every gate is open: consent,
marking, embargo, victims first, and no value that was cut left anywhere in its bytes. Nothing is sent: a release is a folder. Every step is an entry of the case.`,
		Example: `  contrail disclose draft --key anna.key --why 'as agreed' --name n1 --plan plan.yaml --out draft CASE
  contrail disclose check --key anna.key --why 'read by counsel' CASE n1 legal
  contrail disclose approve --key ben.key --why 'ready' CASE n1
  contrail disclose release --key anna.key --why 'go' --draft draft --out n1 CASE n1
  contrail disclose clock --baseline incidents.csv CASE`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.discloseDraft(), t.discloseCheck(), t.discloseApprove(), t.discloseRelease(), t.discloseEmbargo(), t.discloseLift(), t.discloseOverride(), t.discloseLog(), t.discloseOrder(), t.discloseClock())
	return c
}

// plan is the YAML file that says what a release is to be.
type plan struct {
	Audience marking.Kind `yaml:"audience"`
	Parties  []struct {
		Person       string `yaml:"person"`
		Organisation string `yaml:"organisation"`
		Community    bool   `yaml:"community"`
	} `yaml:"parties"`
	Marking  marking.Marking  `yaml:"marking"`
	Template string           `yaml:"template"`
	Language string           `yaml:"language"`
	Victims  []member.ID      `yaml:"victims"`
	Named    []member.ID      `yaml:"named"`
	Cites    []string         `yaml:"cites"` // entries by number, or by a name that current ones speak of
	Corrects string           `yaml:"corrects"`
	Summary  string           `yaml:"summary"`
	Actions  []string         `yaml:"actions"`
	Cut      []disclosure.Cut `yaml:"cut"`
	// How much of the victims' inside is cut: names, inside.
	Redaction disclosure.Redaction `yaml:"redaction"`
	Bundle    bool                 `yaml:"bundle"` // also the case as STIX, in the form that the audience may have
}

func readPlan(ctx context.Context, k *casefile.Case, path, name string) (o disclosure.DraftOptions, withBundle bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return o, false, fmt.Errorf("read plan: %w", err)
	}
	defer f.Close()
	var p plan
	dec := yaml.NewDecoder(io.LimitReader(f, 1<<20))
	dec.KnownFields(true)
	if err := dec.Decode(&p); err != nil {
		return o, false, fmt.Errorf("read plan %s: %w", path, plainKeys(err))
	}
	o.Proposal = disclosure.Proposal{Release: name, Audience: p.Audience, Marking: p.Marking, Template: p.Template, Language: p.Language, Victims: p.Victims, Named: p.Named, Corrects: p.Corrects}
	if o.Proposal.Cites, err = cited(ctx, k, p.Cites); err != nil {
		return o, false, fmt.Errorf("read plan %s: %w", path, err)
	}
	for _, q := range p.Parties {
		o.Proposal.Parties = append(o.Proposal.Parties, marking.Party{Person: q.Person, Organisation: q.Organisation, Community: q.Community})
	}
	for i, c := range p.Cut {
		if strings.TrimSpace(c.Value) == "" {
			return o, false, fmt.Errorf("read plan %s: cut, item %d: there is no value", path, i+1)
		}
	}
	if len(p.Parties) > 0 && (p.Audience == marking.Public || p.Audience == marking.Passengers) {
		return o, false, fmt.Errorf("read plan %s: parties: the audience %s has none", path, p.Audience)
	}
	o.Summary, o.Actions, o.Cut, o.Redaction = p.Summary, p.Actions, p.Cut, p.Redaction
	return o, p.Bundle, nil
}

// cited finds the entries that a plan cites. A name stands for every milestone and number of that name that is not corrected.
func cited(ctx context.Context, k *casefile.Case, names []string) ([]uint64, error) {
	var out []uint64
	for _, name := range names {
		if n, err := strconv.ParseUint(name, 10, 63); err == nil {
			out = append(out, n)
			continue
		}
		before := len(out)
		for e, err := range k.Entries(ctx, casefile.Query{About: name, CurrentOnly: true, Kinds: []casefile.Kind{casefile.MilestoneRecorded, casefile.NumberStated}}) {
			if err != nil {
				return nil, err
			}
			out = append(out, e.Seq)
		}
		if len(out) == before {
			return nil, fmt.Errorf("it cites %q, but the case holds no milestone or number of that name", name)
		}
	}
	return out, nil
}

var unknownPlanKey = regexp.MustCompile(`field (\S+) not found in type \S+`)

// plainKeys says "unknown key" instead of naming Go types.
func plainKeys(err error) error {
	if text := unknownPlanKey.ReplaceAllString(err.Error(), "unknown key \"$1\""); text != err.Error() {
		return errors.New(strings.TrimPrefix(text, "yaml: "))
	}
	return err
}

// forAudience writes the case as STIX for the audience of a proposal: members that it does not name are called by their pseudonyms.
func forAudience(ctx context.Context, k *casefile.Case, p disclosure.Proposal) ([]stix.Object, error) {
	ps, err := k.Pseudonyms()
	if err != nil {
		return nil, err
	}
	return exchange.Bundle(ctx, k, exchange.Reader{Audience: p.Audience, Name: func(m member.Member) string {
		if slices.Contains(p.Named, m.ID) || disclosure.Itself(p, m) {
			return m.Name
		}
		return ps.Of("member", m.Name)
	}})
}

// disclosing is a verb of disclose that enters something.
func (t *terminal) disclosing(use, short, example string, args int, do func(context.Context, *casefile.Case, *keys.Private, string, []string) (casefile.Entry, error)) *cobra.Command {
	var ch change
	c := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: "  contrail disclose " + example,
		Args:    arguments(cobra.ExactArgs(args)),
		RunE: func(c *cobra.Command, args []string) error {
			return ch.in(c.Context(), args[0], func(k *casefile.Case, by *keys.Private, _ marking.Marking) error {
				e, err := do(c.Context(), k, by, ch.why, args[1:])
				if err != nil {
					return err
				}
				return t.entered(e)
			})
		},
	}
	ch.flags(c.Flags(), false)
	return c
}

func (t *terminal) discloseDraft() *cobra.Command {
	var name, planFile, templateFile, out string
	var bundles, learn []string
	c := t.disclosing("draft CASE --name NAME --plan FILE --out DIR", "Draft and propose a release; shows what is cut against the case",
		"draft --key anna.key --why 'as agreed' --name n1 --plan plan.yaml --out draft CASE", 1,
		func(ctx context.Context, k *casefile.Case, by *keys.Private, why string, _ []string) (casefile.Entry, error) {
			if name == "" || planFile == "" || out == "" {
				return casefile.Entry{}, usageError{errors.New("--name, --plan and --out are needed: the release's name, what it is to be, and the folder to write")}
			}
			o, withBundle, err := readPlan(ctx, k, planFile, name)
			if err != nil {
				return casefile.Entry{}, err
			}
			if withBundle {
				if o.Objects, err = forAudience(ctx, k, o.Proposal); err != nil {
					return casefile.Entry{}, err
				}
			}
			if templateFile != "" {
				b, err := os.ReadFile(templateFile)
				if err != nil {
					return casefile.Entry{}, fmt.Errorf("read template: %w", err)
				}
				o.Text = string(b)
			}
			for _, path := range bundles {
				objects, err := readBundle(path)
				if err != nil {
					return casefile.Entry{}, err
				}
				o.Objects = append(o.Objects, objects...)
			}
			o.Note, o.Screen = func(s string) { t.log().Warn(s) }, screenText
			if o.Learned, err = learnFrom(learn); err != nil {
				return casefile.Entry{}, err
			}
			p, changes, err := disclosure.Draft(ctx, k, out, o)
			if err != nil {
				return casefile.Entry{}, err
			}
			for _, d := range changes {
				fmt.Fprintf(t.err, "%s:%d\n- %s\n+ %s\n", d.File, d.Line, report.Clean(d.Before), report.Clean(d.After))
			}
			return disclosure.Propose(ctx, k, by, p, why)
		})
	fs := c.Flags()
	fs.StringVar(&name, "name", "", "name of the release in the case")
	fs.StringVar(&planFile, "plan", "", "YAML file: audience, parties, marking, template, language, victims, named, cites, summary, actions, cut, corrects, redaction, bundle")
	fs.StringVar(&templateFile, "template", "", "a Markdown template of your own")
	fs.StringArrayVar(&learn, "learn", nil, "KIND=FILE of results that name hosts, users and addresses to be cut, beside those in the case: findings, coverage, trail (repeat)")
	fs.StringArrayVar(&bundles, "stix", nil, "STIX bundle to release in the form that the audience may have (repeat)")
	fs.StringVarP(&out, "out", "o", "", "folder to write: release/ is what would leave, the rest stays")
	return c
}

// learnFrom reads results that are not in the case.
func learnFrom(files []string) (*disclosure.Learned, error) {
	l := disclosure.NewLearned()
	for _, a := range files {
		kind, path, _ := strings.Cut(a, "=")
		learn := map[string]func(io.Reader) error{"findings": l.Findings, "coverage": l.Coverage, "trail": l.Trail}[kind]
		if learn == nil || path == "" {
			return nil, usageError{fmt.Errorf("--learn %q: want findings=FILE, coverage=FILE or trail=FILE", a)}
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("--learn: %w", err)
		}
		if err := errors.Join(learn(f), f.Close()); err != nil {
			return nil, fmt.Errorf("--learn %s: %w", path, err)
		}
	}
	return l, nil
}

// screenText finds passengers' data in a text that is about to leave.
func screenText(text []byte) (places []disclosure.Place) {
	found, err := exposure.Search(text)
	if err != nil { // what cannot be searched cannot leave
		return []disclosure.Place{{Sort: "it cannot be searched: " + err.Error()}}
	}
	for _, f := range found {
		places = append(places, disclosure.Place{Sort: f.Kind, Offset: f.Offset})
	}
	return places
}

func readBundle(path string) ([]stix.Object, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	defer f.Close()
	objects, damage, err := stix.ReadAll(f, stix.Limits{})
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w", path, err)
	}
	if len(damage) > 0 {
		return nil, fmt.Errorf("read bundle %s: %d objects cannot be read, so it cannot be released", path, len(damage))
	}
	return objects, nil
}

func (t *terminal) discloseCheck() *cobra.Command {
	var failed bool
	var remarks string
	c := t.disclosing("check CASE RELEASE legal|tip-off|owner", "Enter the answer of a check; owner is the agreement of the information's owner",
		"check --key anna.key --why 'read by counsel' CASE n1 legal", 3,
		func(ctx context.Context, k *casefile.Case, by *keys.Private, why string, args []string) (casefile.Entry, error) {
			return disclosure.Answer(ctx, k, by, args[0], disclosure.Check(args[1]), !failed, remarks, why)
		})
	c.Args = arguments(cobra.MatchAll(cobra.ExactArgs(3), func(_ *cobra.Command, args []string) error {
		_, err := oneOf(disclosure.Legal, disclosure.TipOff, disclosure.Owner)(args[2])
		return err
	}))
	c.Flags().BoolVar(&failed, "failed", false, "the check did not pass")
	c.Flags().StringVar(&remarks, "remarks", "", "what is to be said about it")
	return c
}

func (t *terminal) discloseApprove() *cobra.Command {
	return t.disclosing("approve CASE RELEASE", "Approve exactly what was proposed", "approve --key ben.key --why 'ready' CASE n1", 2,
		func(ctx context.Context, k *casefile.Case, by *keys.Private, why string, args []string) (casefile.Entry, error) {
			return disclosure.Approve(ctx, k, by, args[0], why)
		})
}

func (t *terminal) discloseRelease() *cobra.Command {
	var draft, out string
	c := t.disclosing("release CASE RELEASE --draft DIR --out DIR", "Let a draft leave, when every gate is open", "release --key anna.key --why 'go' --draft draft --out n1 CASE n1", 2,
		func(ctx context.Context, k *casefile.Case, by *keys.Private, why string, args []string) (casefile.Entry, error) {
			if draft == "" || out == "" {
				return casefile.Entry{}, usageError{errors.New("--draft and --out are needed: the draft's folder, and the folder to write")}
			}
			return disclosure.Release(ctx, k, by, args[0], draft, filepath.Clean(out), why, time.Now(), screenText)
		})
	c.Flags().StringVar(&draft, "draft", "", "folder of the draft")
	c.Flags().StringVarP(&out, "out", "o", "", "folder to write")
	return c
}

func (t *terminal) discloseEmbargo() *cobra.Command {
	var b disclosure.Embargo
	c := t.disclosing("embargo CASE NAME", "Set an embargo for an audience, until a date or a condition, with a latest date",
		"embargo --key anna.key --why 'removal first' --audience public --condition 'implant removed' --latest 2026-06-01 CASE removal", 2,
		func(ctx context.Context, k *casefile.Case, by *keys.Private, why string, args []string) (casefile.Entry, error) {
			b.Name = args[0]
			return disclosure.SetEmbargo(ctx, k, by, b, why)
		})
	fs := c.Flags()
	addRead(fs, &b.Audience, "audience", "victim, members, authority, regulators, vendors, passengers, public", marking.ParseKind)
	addRead(fs, &b.Until, "until", "until this date", instant)
	fs.StringVar(&b.Condition, "condition", "", "until this is so")
	addRead(fs, &b.Latest, "latest", "but not after this date", instant)
	return c
}

func (t *terminal) discloseLift() *cobra.Command {
	var how string
	c := t.disclosing("lift CASE EMBARGO", "Enter that an embargo's condition was met", "lift --key anna.key --why 'verified' --how 'removed on 3 March' CASE removal", 2,
		func(ctx context.Context, k *casefile.Case, by *keys.Private, why string, args []string) (casefile.Entry, error) {
			return disclosure.LiftEmbargo(ctx, k, by, disclosure.Lifting{Name: args[0], How: how}, why)
		})
	c.Flags().StringVar(&how, "how", "", "how the condition was met")
	return c
}

func (t *terminal) discloseOverride() *cobra.Command {
	var basis string
	c := t.disclosing("override CASE EMBARGO RELEASE", "Enter that a statutory duty does not wait for an embargo; it takes two people who cite the same basis",
		"override --key anna.key --why 'duty to report' --basis 'Act 12, section 4' CASE removal n1", 3,
		func(ctx context.Context, k *casefile.Case, by *keys.Private, why string, args []string) (casefile.Entry, error) {
			return disclosure.OverrideEmbargo(ctx, k, by, disclosure.Override{Name: args[0], Release: args[1], Basis: basis}, why)
		})
	c.Flags().StringVar(&basis, "basis", "", "the provision, as cited")
	return c
}

func (t *terminal) discloseLog() *cobra.Command {
	return &cobra.Command{
		Use:     "log CASE",
		Short:   "List what was released to whom, and by which path and how fast it became known",
		Example: "  contrail disclose log CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return withCase(c.Context(), args[0], casefile.Options{ReadOnly: true}, func(k *casefile.Case) error {
				s, err := disclosure.Read(c.Context(), k)
				if err != nil {
					return err
				}
				for _, m := range s.Released() {
					fmt.Fprintf(t.out, "%s to %s, %s, approved by %q, %s", report.Clean(m.Release), m.Audience, m.Marking, m.Approvers, m.Content)
					if m.Corrects != "" {
						fmt.Fprintf(t.out, ", corrects %s", report.Clean(m.Corrects))
					}
					for _, o := range m.Overridden {
						fmt.Fprintf(t.out, ", overriding %s", report.Clean(o))
					}
					fmt.Fprintln(t.out)
				}
				clock, err := disclosure.ReadClock(c.Context(), k)
				if err != nil {
					return err
				}
				for _, e := range clock.Edges {
					fmt.Fprintf(t.out, "%s: %s (%s) to %s (%s): %s days\n", e.Path, e.From, e.FromWhen, e.To, e.ToWhen, e.Span())
				}
				return nil
			})
		},
	}
}

func (t *terminal) discloseOrder() *cobra.Command {
	return &cobra.Command{
		Use:   "order CASE",
		Short: "Say who is to be told in which order, and who was",
		Long: `Lists the victims – those that reported, then those that a kinship in the case judged to have the same intruder – and after them the audiences.
Nothing goes to passengers or the public before every victim had a release of its own.`,
		Example: "  contrail disclose order CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return withCase(c.Context(), args[0], casefile.Options{ReadOnly: true}, func(k *casefile.Case) error {
				s, err := disclosure.Read(c.Context(), k)
				if err != nil {
					return err
				}
				for i, turn := range s.Order() {
					state := "not told"
					switch {
					case len(turn.Told) > 0:
						state = "told by " + report.Clean(strings.Join(turn.Told, ", "))
					case turn.Organisation != "" && turn.Member == "":
						state = "not told, and no member of the case"
					}
					who := string(turn.Audience)
					if turn.Organisation != "" {
						who += " " + report.Clean(turn.Organisation)
					}
					fmt.Fprintf(t.out, "%2d  %-32s %s (%s)\n", i+1, who, state, turn.Why)
				}
				return nil
			})
		},
	}
}

func (t *terminal) discloseClock() *cobra.Command {
	var incidents, attributions, out string
	c := &cobra.Command{
		Use:   "clock CASE",
		Short: "Measure how long each step of becoming known took, beside a table of past incidents",
		Long: `Measures the days between the milestones that the case holds, as bounds where they are known to the month or year only, per path. The
baseline is a CSV file in EuRepoC's columns (also gzip); its dates on a 1 January mostly stand for a whole year and are flagged. Writes clock.json and clock.svg.`,
		Example: "  contrail disclose clock --baseline EuRepoC_Global_Database.csv --out clock CASE",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if attributions != "" && incidents == "" {
				return usageError{errors.New("--attributions needs --baseline: the incidents that they belong to")}
			}
			return withCase(c.Context(), args[0], casefile.Options{ReadOnly: true}, func(k *casefile.Case) error {
				clock, err := disclosure.ReadClock(c.Context(), k)
				if err != nil {
					return err
				}
				if incidents != "" {
					b, err := readBaseline(incidents, attributions)
					if err != nil {
						return err
					}
					clock.Baseline = append(clock.Baseline, b)
				}
				if out == "" {
					return clock.WriteJSON(t.out)
				}
				if err := os.MkdirAll(out, 0o755); err != nil {
					return fmt.Errorf("make output folder: %w", err)
				}
				return errors.Join(report.WriteFile(filepath.Join(out, "clock.json"), clock.WriteJSON), report.WriteFile(filepath.Join(out, "clock.svg"), clock.WritePicture))
			})
		},
	}
	c.Flags().StringVar(&incidents, "baseline", "", "CSV file of past incidents: ID, start_date, attribution_date, attribution_basis")
	c.Flags().StringVar(&attributions, "attributions", "", "CSV file of their attributions, one a row: incident_ID, attribution_date, attribution_basis")
	c.Flags().StringVarP(&out, "out", "o", "", "folder to write to; without it the result goes to standard output as JSON")
	return c
}

func readBaseline(incidents, attributions string) (b disclosure.Baseline, err error) {
	first, err := openTable(incidents)
	if err != nil {
		return b, err
	}
	defer first.Close()
	if attributions == "" {
		return disclosure.ReadBaseline(filepath.Base(incidents), first, nil)
	}
	second, err := openTable(attributions)
	if err != nil {
		return b, err
	}
	defer second.Close()
	return disclosure.ReadBaseline(filepath.Base(incidents), first, second)
}

// openTable opens a file, unpacked when it is gzip.
func openTable(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	body := bufio.NewReader(f)
	if head, _ := body.Peek(2); string(head) != "\x1f\x8b" {
		return struct {
			io.Reader
			io.Closer
		}{body, f}, nil
	}
	z, err := gzip.NewReader(body)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read baseline %s: %w", path, err), f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}
