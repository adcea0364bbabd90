package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // sources.yaml names zones; Windows has none of its own

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/hunt"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/match/sigma"
	"github.com/contrail-ir/contrail/match/yara"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
)

// sweepFlags are the flags as typed.
type sweepFlags struct {
	rules        []string
	indicators   []string
	warninglists string
	placeholders []string
	orgs         []string
	out          string
	level        string
	status       []string
	since, until string
	format       []string
	threads      int
	rows         int
	inventory    []string
	noEvent      bool
	slack        bool
	resume       bool
	yara         []string
	sources      []string
	passwords    []string
	maxDepth     int
	noHTML       bool
	fingerprint  string
	draft        bool
	noTrails     bool
	trust        trustFlags
	rawFlags
}

func (t *terminal) sweepCommand() *cobra.Command {
	var f sweepFlags
	c := &cobra.Command{
		Use:   "sweep [flags] --out DIR EVIDENCE…",
		Short: "Ask evidence every rule, and certify what was searched",
		Long: `Reads files and folders of evidence, matches every rule against every event, and writes to the output folder
  findings.jsonl   one finding a line, ordered by time, file, record and rule
  coverage.json    what was searched, what was damaged, which rules could not be asked
  stats.json       counts and times
  report.html      one page for people, complete in itself (unless --no-html)
With --fingerprint and --since it is a verification sweep: it says whether what the fingerprint describes is gone since then, what that rests on
and what could not be searched, on the terminal, in report.html and in clearance.json.
With --fingerprint it asks the fingerprint's rules as well, follows the intruder in each organisation from what was found, and writes
  fingerprint.json what it asked
  orgs/NAME/       trail.json, story.md, trace.html, remediation.csv, as trace does (unless --no-trails)
Without --rules and --ioc it asks the rules that come with Contrail.`,
		Example: `  contrail sweep --rules sigma/rules --level high --out result /evidence/host1 /evidence/host2
  contrail sweep --ioc report.json --ioc hashes.txt --out result /evidence
  contrail sweep --out result --org alpha=/evidence/alpha --org beta=/evidence/beta`,
		RunE: func(c *cobra.Command, args []string) error { return t.sweepTo(c.Context(), f, args) },
	}
	fs := c.Flags()
	f.reading(fs)
	fs.StringArrayVar(&f.placeholders, "placeholder", nil, "NAME=VALUE[,VALUE…] for rules with %NAME% (repeat)")
	fs.StringVar(&f.level, "level", "", "only rules of this level and above: informational, low, medium, high, critical")
	fs.StringSliceVar(&f.status, "status", nil, "only rules of these statuses: "+strings.Join(sigma.Statuses(), ", "))
	fs.StringVar(&f.since, "since", "", "only events from this time on (2020-01-31 or RFC 3339)")
	fs.StringVar(&f.until, "until", "", "only events before this time")
	fs.StringSliceVar(&f.format, "format", []string{"jsonl"}, "more forms of the findings: "+strings.Join(report.Forms(), ", ")+" (jsonl is always written)")
	addCount(fs, &f.rows, "rows", 40, 0, "rows of the table on the terminal; 0 for all")
	fs.BoolVar(&f.noEvent, "no-event", false, "leave the whole event out of findings")
	f.rawFlags.add(fs)
	fs.BoolVar(&f.noHTML, "no-html", false, "do not write report.html")
	fs.StringArrayVar(&f.yara, "yara", nil, "file or folder of YARA rules, asked of the bytes of every file by the yara program where it is installed (repeat)")
	fs.BoolVar(&f.resume, "resume", false, "go on where an interrupted sweep with the same question and output folder stopped")
	fs.StringVar(&f.fingerprint, "fingerprint", "", "signed fingerprint whose rules are asked, too")
	fs.BoolVar(&f.draft, "draft", false, "take an unsigned fingerprint; every finding of it is marked DRAFT")
	fs.BoolVar(&f.noTrails, "no-trails", false, "with a fingerprint: do not follow the intruder in each organisation")
	f.trust.add(c)
	return c
}

// question is a sweep's flags, checked.
func (f *sweepFlags) question(args []string) (q sweep.Question, sel match.Selection, err error) {
	if f.out == "" {
		return q, sel, usageError{errors.New("--out is missing: name the folder to write to")}
	}
	for _, name := range f.format {
		if !slices.Contains(report.Forms(), name) {
			return q, sel, usageError{fmt.Errorf("--format %q: want %s", name, strings.Join(report.Forms(), ", "))}
		}
	}
	for _, s := range f.status {
		if !slices.Contains(sigma.Statuses(), s) {
			return q, sel, usageError{fmt.Errorf("--status %q: want %s", s, strings.Join(sigma.Statuses(), ", "))}
		}
	}
	q.Results = f.out
	if q.Roots, err = rootsOf(f.orgs, args); err != nil {
		return q, sel, err
	}
	if sel.Level, err = finding.ParseLevel(f.level); err != nil {
		return q, sel, usageError{fmt.Errorf("--level: %w", err)}
	}
	sel.Status = f.status
	sel.Placeholders = map[string][]string{}
	for _, p := range f.placeholders {
		name, values, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return q, sel, usageError{fmt.Errorf("--placeholder %q: want NAME=VALUE[,VALUE…]", p)}
		}
		sel.Placeholders[name] = append(sel.Placeholders[name], strings.Split(values, ",")...)
	}
	bounds, err := spanOf(f.since, f.until)
	if err != nil {
		return q, sel, err
	}
	q.Since, q.Until = bounds.Since, bounds.Until
	orgs := orgNames(q.Roots)
	if q.Inventory, err = inventories(f.inventory, orgs); err != nil {
		return q, sel, err
	}
	q.Formats = evidence.Formats()
	q.Threads, q.NoEvent, q.Slack = f.threads, f.noEvent, f.slack
	q.Passwords, q.Limits.Depth = f.passwords, f.maxDepth
	if q.Sources, err = sourcesOf(f.sources, orgs, q.Formats); err != nil {
		return q, sel, err
	}
	// What sources.yaml does not speak of lies beside what it does, and is nobody else's.
	if org := q.Sources.OneOrg(); org != "" && len(f.orgs) == 0 {
		for i := range q.Roots {
			q.Roots[i].Org = org
		}
	}
	return q, sel, nil
}

// spanOf reads --since and --until.
func spanOf(since, until string) (span event.Needs, err error) {
	span = event.Always(nil)
	if since != "" {
		if span.Since, err = moment(since); err != nil {
			return span, usageError{fmt.Errorf("--since: %w", err)}
		}
	}
	if until != "" {
		if span.Until, err = moment(until); err != nil {
			return span, usageError{fmt.Errorf("--until: %w", err)}
		}
	}
	if span.Since >= span.Until { // nothing would be searched, and nothing found
		return span, usageError{fmt.Errorf("--since %s is not before --until %s", since, until)}
	}
	return span, nil
}

// moment reads a day or a time, UTC where it names no zone, as nanoseconds.
func moment(s string) (int64, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			if y := t.Year(); y < 1678 || y > 2261 {
				return 0, fmt.Errorf("%q is outside the years 1678 to 2261", s)
			}
			return t.UnixNano(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time: want 2020-01-31 or 2020-01-31T08:00:00Z", s)
}

// compileYARA makes YARA rules part of the question. Where no program can run them the certificate says that they were not asked.
func (f *sweepFlags) compileYARA(ctx context.Context, q *sweep.Question) (closed func() error, err error) {
	closed = func() error { return nil }
	if len(f.yara) == 0 {
		return closed, nil
	}
	y, rejected, err := match.NewYARA(ctx, f.yara, "")
	if errors.Is(err, yara.ErrNoEngine) {
		for _, p := range f.yara {
			q.Unasked = append(q.Unasked, coverage.NotSearchable{ID: "yara:" + filepath.Base(p), Reason: err.Error()})
		}
		return closed, nil
	}
	if err != nil {
		return nil, err
	}
	q.YARA = y
	for _, r := range rejected {
		q.Rejected = append(q.Rejected, coverage.Rejected(r))
	}
	return y.Close, nil
}

// sweepTo sweeps, prints, writes to the output folder, and lets more handlers see the result.
func (t *terminal) sweepTo(ctx context.Context, f sweepFlags, args []string, more ...sweep.Handler) (err error) {
	if f.warninglists != "" && len(f.indicators) == 0 {
		return usageError{errors.New("--warninglists needs --ioc: the indicators to look up in them")}
	}
	q, sel, err := f.question(args)
	if err != nil {
		return err
	}
	var made []string
	var asked *fingerprint.Fingerprint
	var signedBy []string
	if f.fingerprint != "" {
		if asked, signedBy, err = f.trust.open(f.fingerprint, f.draft); err != nil {
			return err
		}
		if signedBy == nil {
			t.log().Warn("The fingerprint is a DRAFT: what it finds is marked so and cannot be exported")
		}
		if made, err = hunt.RuleTexts(asked, signedBy == nil); err != nil {
			return err
		}
	}
	var follower *hunt.Follower
	if asked != nil && !f.noTrails {
		if err := haveFolders(f.out, orgNames(q.Roots)); err != nil {
			return err
		}
		if f.resume {
			t.log().Warn("trails need every event: what the interrupted sweep had read is read again")
			f.resume = false
		}
		follower = hunt.NewFollower(hunt.FollowOptions{Seeds: hunt.Seeds(asked), Orgs: len(orgNames(q.Roots)), Inventory: q.Inventory})
		defer func() { err = errors.Join(err, follower.Close()) }()
		q.Tap = follower
		more = append(more, follower)
	}
	closeYARA, err := f.compileYARA(ctx, &q)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeYARA()) }()
	bad := q.Rejected
	if q.Rules, q.Rejected, err = loadRules(match.Question{Sigma: f.rules, IOC: f.indicators, Lists: f.warninglists, YARA: q.YARA, Made: made, Selection: sel}); err != nil {
		return err
	}
	q.Rejected = append(q.Rejected, bad...)
	t.log().Info(fmt.Sprintf("%d rules and indicators loaded, %d rejected", q.Rules.Asked(), len(q.Rejected)))
	if err := f.enter(ctx, t, "sweep", q.Roots, f.out); err != nil {
		return err
	}
	folder, err := report.NewFolder(f.out)
	if err != nil {
		return err
	}
	q.Journal, q.Resume = filepath.Join(f.out, ".sweep"), f.resume
	if q.TempDir, err = clearWork(q.Journal, f.resume); err != nil {
		return err
	}
	if q.Digest, err = digestOf(f, slices.Concat(f.rules, f.indicators, f.yara)...); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	handlers := []sweep.Handler{folder}
	if asked != nil && f.since != "" {
		clearer, err := f.clearer(asked, signedBy, q)
		if err != nil {
			return err
		}
		handlers = append(handlers, clearer)
	}
	forms := f.format
	if !f.noHTML {
		forms = append([]string{"html"}, forms...)
	}
	for i, name := range forms {
		if slices.Contains(forms[:i], name) {
			continue
		}
		h, err := report.New(name, f.out)
		if err != nil {
			return err
		}
		if h != nil { // jsonl is the folder's
			defer h.Close()
			handlers = append(handlers, h)
		}
	}
	columns, _ := width(t.out)
	several := slices.ContainsFunc(q.Roots, func(r evidence.Root) bool { return r.Org != q.Roots[0].Org })
	end := &ending{}
	handlers = append(handlers, &report.Table{Out: t.out, Rows: f.rows, Width: columns, Color: colors(t.out), Orgs: several}, end)

	var progress sweep.Progress
	stop := t.watch(&progress)
	written, finish := report.Beside(handlers[0], handlers[1:]...)
	err = sweep.Run(ctx, q, stopFirst{report.All(append([]sweep.Handler{t.masked(written, f.raw)}, more...)...), stop}, &progress)
	finish()
	stop()
	if err != nil {
		return err
	}
	if asked != nil {
		// Kinship must know which rules were asked.
		if err := writeFingerprint(filepath.Join(f.out, "fingerprint.json"), asked); err != nil {
			return err
		}
	}
	if follower != nil {
		if err := t.writeTrails(follower, f.out, f.raw, f.since); err != nil {
			return err
		}
	}
	t.log().Info("Written to " + f.out)
	if !end.complete {
		return errIncomplete
	}
	return nil
}

// clearer answers whether what a fingerprint describes is gone since the time that was asked about.
func (f *sweepFlags) clearer(asked *fingerprint.Fingerprint, signedBy []string, q sweep.Question) (*hunt.Clearer, error) {
	until := time.Time{}
	if f.until != "" {
		until = time.Unix(0, q.Until)
	}
	return hunt.NewClearer(f.out, asked, signedBy == nil, time.Unix(0, q.Since), until, q.Inventory)
}

// stopFirst takes progress off the terminal before the result is printed.
type stopFirst struct {
	sweep.Handler
	stop func()
}

func (s stopFirst) End(r *sweep.Result) error {
	s.stop()
	return s.Handler.End(r)
}

// ending keeps what the exit code needs.
type ending struct{ complete bool }

func (*ending) Finding(*finding.Finding) error { return nil }

func (e *ending) End(r *sweep.Result) error {
	e.complete = r.Certificate.Complete()
	return nil
}
