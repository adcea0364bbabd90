package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/hunt"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// traceFlags are the flags as typed.
type traceFlags struct {
	sweepFlags
	from     []string
	baseline []string
}

func (t *terminal) traceCommand() *cobra.Command {
	var f traceFlags
	c := &cobra.Command{
		Use:   "trace [flags] --out DIR EVIDENCE…",
		Short: "Follow the intruder through organisations' evidence",
		Long: `Sweeps the evidence and follows the intruder from the given starts, or from findings of level high and above and what --ioc finds, backward
to the way in and forward to the effects. A start is a record, FILE:RECORD as findings.jsonl names it, or a value: an address, a name, a hash, a
path, an account, a service; NAME=START looks for it in one organisation. Writes to the output folder
  story.md         the intrusion in plain words, each sentence with its records
  trail.json       the graph, the stages, the implant, the infrastructure; each reference with its role
  report.html      the same on one page, with pictures; trace.html is its name beside a sweep's report
  remediation.csv  what to block, isolate, remove and reset, in order
  fingerprint.json a draft of what identifies the intrusion, weighed by how common it is: in the organisation's own past, in the others'
                   well before, and in --baseline. For this the evidence is read a second time where an intrusion is established
beside what sweep writes. With --org these stand in orgs/NAME, one folder for each organisation, and the evidence is read once.
When no intrusion can be established, it says so.`,
		Example: `  contrail trace --out result /evidence/airline
  contrail trace --from 'BOOK-WEB01/System.evtx:13382' --out result /evidence/airline
  contrail trace --from cdn.fare-sync.example --baseline /evidence/ordinary --out result /evidence/airline
  contrail trace --ioc report.json --out result --org alpha=/evidence/alpha --org beta=/evidence/beta`,
		RunE: func(c *cobra.Command, args []string) error { return t.trace(c.Context(), f, args) },
	}
	fs := c.Flags()
	f.reading(fs)
	fs.StringArrayVar(&f.from, "from", nil, "[NAME=]FILE:RECORD or a value known to be the intruder's (repeat)")
	fs.StringArrayVar(&f.baseline, "baseline", nil, "evidence of ordinary days, against which things are held (repeat)")
	f.rawFlags.add(fs)
	return c
}

// traceMemory is the memory that a trace tries to keep within, in bytes.
const traceMemory = 640 << 20

// boundMemory makes the collector work harder before a trace exceeds its memory; nothing fails when it does.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(traceMemory)
	}
}

func (t *terminal) trace(ctx context.Context, f traceFlags, args []string) (err error) {
	f.noEvent = true
	boundMemory()
	q, sel, err := f.question(args)
	if err != nil {
		return err
	}
	orgs := orgNames(q.Roots)
	if err := haveFolders(f.out, orgs); err != nil {
		return err
	}
	options := hunt.FollowOptions{Orgs: len(orgs)}
	for _, s := range f.from {
		org, text := ofOrg(s, orgs)
		start, err := trail.ParseStart(text)
		if err != nil {
			return usageError{fmt.Errorf("--from: %w", err)}
		}
		options.From = append(options.From, hunt.Start{Org: org, Start: start})
	}
	if q.Rules, q.Rejected, err = loadRules(match.Question{Sigma: f.rules, IOC: f.indicators, Lists: f.warninglists, Beside: true, Selection: sel}); err != nil {
		return err
	}
	if err := f.enter(ctx, t, "trace", q.Roots, f.out); err != nil {
		return err
	}
	for _, path := range f.baseline {
		b, err := t.baseline(ctx, q, path)
		if err != nil {
			return err
		}
		options.Baseline = append(options.Baseline, b)
	}
	options.Inventory = q.Inventory
	follower := hunt.NewFollower(options)
	defer func() { err = errors.Join(err, follower.Close()) }()
	drafting := hunt.Options{Evidence: q, Refuse: passengerValue}
	if f.warninglists != "" {
		if drafting.Lists, err = fingerprint.ReadWarninglists(os.DirFS(f.warninglists)); err != nil {
			return err
		}
	}
	q.Tap = follower
	folder, err := report.NewFolder(f.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if err := t.sweepQuietly(ctx, q, report.All(t.masked(folder, f.raw), follower)); err != nil {
		return err
	}
	several := len(follower.Result().Certificate.Orgs) > 1 // sources.yaml may name some, too
	traced := map[string]string{}                          // folders of organisations in which an intrusion was established
	err = follower.Each(func(org string, out *trail.Trail) (err error) {
		dir := f.out
		if len(f.orgs) > 0 || several {
			if dir, err = hunt.OrgFolder(f.out, org); err != nil {
				return usageError{err}
			}
		}
		if !f.raw {
			maskTrail(out)
		}
		if err := hunt.WriteTrail(dir, out); err != nil {
			return err
		}
		if err := report.WriteFile(filepath.Join(dir, "report.html"), out.WritePage); err != nil { // what every result folder is opened by
			return err
		}
		if out.Established {
			traced[org] = dir
		}
		if several {
			fmt.Fprintf(t.out, "%s\n", report.Clean(org))
		}
		t.summary(out)
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.drafts(ctx, drafting, traced, f.baseline); err != nil {
		return err
	}
	t.log().Info("Written to " + f.out)
	if !follower.Result().Certificate.Complete() {
		return errIncomplete
	}
	return nil
}

// writeTrails follows the intruder in each organisation and writes what it did there. since is of a verification sweep: what little an intruder leaves
// after a clean-up seldom leads anywhere, and that must not read as if he were gone.
func (t *terminal) writeTrails(follower *hunt.Follower, out string, raw bool, since string) error {
	return follower.Each(func(org string, tr *trail.Trail) error {
		dir, err := hunt.OrgFolder(out, org)
		if err != nil {
			return usageError{err}
		}
		if !raw {
			maskTrail(tr)
		}
		if err := hunt.WriteTrail(dir, tr); err != nil {
			return err
		}
		what := "no intrusion established"
		if since != "" {
			what = "what was found since " + since + " does not establish an intrusion by itself; whether it is gone is said above"
		}
		if tr.Established {
			what = fmt.Sprintf("an intrusion on %d hosts: see %s", len(tr.Hosts), filepath.Join(dir, "story.md"))
		}
		fmt.Fprintf(t.out, "Trail of %s: %s\n", report.Clean(org), report.Clean(what))
		return nil
	})
}

// drafts makes fingerprints of trails that were written, for people to review: nothing of them is approved.
func (t *terminal) drafts(ctx context.Context, o hunt.Options, traced map[string]string, ordinary []string) error {
	if len(traced) == 0 {
		return nil
	}
	trails := map[string]string{}
	for org, dir := range traced {
		trails[org] = filepath.Join(dir, "trail.json")
	}
	var stop func()
	o.Tell, stop = t.tellSteps()
	drafts, undrafted, err := hunt.Drafts(ctx, o, trails, ordinary)
	stop()
	if err != nil {
		return fmt.Errorf("draft fingerprint: %w", err)
	}
	for _, org := range slices.Sorted(maps.Keys(undrafted)) {
		t.log().Warn("no fingerprint was drafted", "organisation", org, "reason", undrafted[org].Error())
	}
	for _, org := range slices.Sorted(maps.Keys(drafts)) {
		if err := writeFingerprint(filepath.Join(traced[org], "fingerprint.json"), drafts[org]); err != nil {
			return err
		}
	}
	return nil
}

// summary says on the terminal what the story says at length.
func (t *terminal) summary(out *trail.Trail) {
	if !out.Established {
		fmt.Fprintf(t.out, "No intrusion established: %s\n", report.Clean(strings.TrimPrefix(out.Why, "no intrusion established: ")))
		return
	}
	fmt.Fprintf(t.out, "Intrusion established: %s.\n", report.Clean(out.Why))
	fmt.Fprintf(t.out, "Way in: %s\n", report.Clean(out.Access.Text))
	for _, s := range out.Signs {
		fmt.Fprintf(t.out, "Sign: %s, first at %s\n", s.What, s.First)
	}
	for _, p := range out.Implant {
		fmt.Fprintf(t.out, "Implant: %s on %d hosts\n", report.Clean(p.Name), len(p.Hosts))
	}
	for _, h := range out.Hosts {
		fmt.Fprintf(t.out, "Host: %s from %s to %s\n", report.Clean(h.Host), h.First, h.Last)
	}
	for _, p := range out.Infrastructure {
		fmt.Fprintf(t.out, "Outside: %s (%s)\n", report.Clean(p.Value), p.Role)
	}
}

// baseline reads evidence of ordinary days.
func (t *terminal) baseline(ctx context.Context, q sweep.Question, path string) (b *trail.Baseline, err error) {
	q.Roots, q.Inventory = []evidence.Root{{Org: "baseline", Path: path}}, nil
	return hunt.ReadBaseline(q, func(q sweep.Question, h sweep.Handler) error { return t.sweepQuietly(ctx, q, h) })
}

func (t *terminal) sweepQuietly(ctx context.Context, q sweep.Question, h sweep.Handler) error {
	var progress sweep.Progress
	stop := t.watch(&progress)
	defer stop()
	return sweep.Run(ctx, q, h, &progress)
}
