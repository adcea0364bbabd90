package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
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
		Short: "Follow the intruder through one organisation's evidence",
		Long: `Sweeps the evidence and follows the intruder from the given starts, or from findings of level high and above, backward to the way in
and forward to the effects. A start is a record, FILE:RECORD as findings.jsonl names it, or a value: an address, a name, a hash, a path,
an account, a service. Writes to the output folder
  story.md         the intrusion in plain words, each sentence with its records
  trail.json       the graph, the stages, the implant, the infrastructure; each reference with its role
  trace.html       the same on one page, with pictures
  remediation.csv  what to block, isolate, remove and reset, in order
beside what sweep writes. When no intrusion can be established, it says so.`,
		Example: `  contrail trace --out result /evidence/airline
  contrail trace --from 'BOOK-WEB01/System.evtx:13382' --out result /evidence/airline
  contrail trace --from cdn.fare-sync.example --baseline /evidence/ordinary --out result /evidence/airline`,
		RunE: func(c *cobra.Command, args []string) error { return t.trace(c.Context(), f, args) },
	}
	fs := c.Flags()
	fs.StringArrayVarP(&f.rules, "rules", "r", nil, "file or folder of Sigma rules (repeat)")
	fs.StringArrayVar(&f.from, "from", nil, "FILE:RECORD or a value known to be the intruder's (repeat)")
	fs.StringArrayVar(&f.baseline, "baseline", nil, "evidence of ordinary days, against which things are held (repeat)")
	fs.StringVarP(&f.out, "out", "o", "", "folder to write to")
	fs.StringVar(&f.inventory, "inventory", "", "CSV of the hosts there are (host,addresses,role,critical): what coverage is measured against")
	fs.BoolVar(&f.raw, "raw", false, "do not mask the passenger values that the exposure detectors recognise; stats.json says so")
	fs.IntVar(&f.threads, "threads", 0, "threads; 0 for one per processor")
	fs.BoolVar(&f.slack, "slack", false, "also read what is left of deleted Windows event records")
	return c
}

// traceMemory is the memory that a trace tries to keep within, in bytes.
const traceMemory = 900 << 20

// traced is the organisation whose evidence is followed.
const traced = "local"

func (t *terminal) trace(ctx context.Context, f traceFlags, args []string) (err error) {
	var starts []trail.Start
	for _, s := range f.from {
		start, err := trail.ParseStart(s)
		if err != nil {
			return usageError{fmt.Errorf("--from: %w", err)}
		}
		starts = append(starts, start)
	}
	f.noEvent = true
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(traceMemory) // the collector works harder before it is exceeded; nothing fails when it is
	}
	q, sel, err := f.question(args)
	if err != nil {
		return err
	}
	if q.Rules, q.Rejected, err = loadRules(match.Question{Sigma: f.rules, Selection: sel}); err != nil {
		return err
	}
	question := trail.Question{Org: traced, From: starts}
	for _, path := range f.baseline {
		b, err := t.baseline(ctx, q, path)
		if err != nil {
			return err
		}
		question.Baseline = append(question.Baseline, b)
	}
	g, err := trail.NewGraph(trail.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	q.Tap = graphTap{g}
	folder, err := report.NewFolder(f.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	c := &collector{}
	if err := t.sweepQuietly(ctx, q, t.masked(report.All(folder, c), f.raw)); err != nil {
		return err
	}
	question.Findings, question.Coverage = c.findings, c.result.Certificate
	out, err := trail.Trace(g, question)
	if err != nil {
		return err
	}
	if !f.raw {
		maskTrail(out)
	}
	for _, x := range []struct {
		name  string
		write func(io.Writer) error
	}{{"trail.json", out.Write}, {"story.md", out.WriteStory}, {"remediation.csv", out.WriteRemediation}, {"trace.html", out.WritePage}} {
		if err := writeTo(filepath.Join(f.out, x.name), x.write); err != nil {
			return err
		}
	}
	if out.Established {
		if err := t.draft(filepath.Join(f.out, "trail.json"), filepath.Join(f.out, "fingerprint.json")); err != nil {
			return err
		}
	}
	t.summary(out)
	t.log().Info("Written to " + f.out)
	if !c.result.Certificate.Complete() {
		return errIncomplete
	}
	return nil
}

// draft makes a fingerprint of a trail that was written, for people to review: nothing of it is approved.
func (t *terminal) draft(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("draft fingerprint: %w", err)
	}
	defer in.Close()
	read, err := fingerprint.ReadTrail(in)
	if err != nil {
		return fmt.Errorf("draft fingerprint: %w", err)
	}
	draft, dropped, err := fingerprint.Draft(read, fingerprint.DraftOptions{Name: traced, Refuse: passengerValue})
	if err != nil {
		t.log().Warn("no fingerprint was drafted", "reason", err.Error())
		return nil
	}
	if dropped > 0 {
		t.log().Info(fmt.Sprintf("%d items were left out of the draft fingerprint: they hold something of the victim or a passenger", dropped))
	}
	return writeTo(to, draft.Write)
}

// summary says on the terminal what the story says at length.
func (t *terminal) summary(out *trail.Trail) {
	if !out.Established {
		fmt.Fprintf(t.out, "No intrusion established. %s\n", report.Clean(out.Why))
		return
	}
	fmt.Fprintf(t.out, "Intrusion established: %s.\n", report.Clean(out.Why))
	fmt.Fprintf(t.out, "Way in: %s\n", report.Clean(out.Access.Text))
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
	g, err := trail.NewGraph(trail.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	q.Roots, q.Inventory, q.Tap = []evidence.Root{{Org: "baseline", Path: path}}, nil, graphTap{g}
	if err := t.sweepQuietly(ctx, q, &collector{none: true}); err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	return trail.NewBaseline(g), nil
}

func (t *terminal) sweepQuietly(ctx context.Context, q sweep.Question, h sweep.Handler) error {
	var progress sweep.Progress
	stop := t.watch(&progress)
	defer stop()
	return sweep.Run(ctx, q, h, &progress)
}

func writeTo(path string, write func(io.Writer) error) (err error) {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}

// graphTap lets a provenance graph see a sweep.
type graphTap struct{ graph *trail.Graph }

func (graphTap) Needs() event.Needs           { return trail.Needs() }
func (g graphTap) Tapper(string) sweep.Tapper { return g.graph.Collect() }

// collector keeps findings without what a trail does not look at. Findings below medium are told by findings.jsonl and are not kept.
type collector struct {
	none     bool
	findings []finding.Finding
	result   *sweep.Result
}

// maxFindings bounds the findings that are kept.
const maxFindings = 2_000_000

func (c *collector) Finding(f *finding.Finding) error {
	if c.none || f.Rule.Level < finding.Medium || len(c.findings) >= maxFindings {
		return nil
	}
	c.findings = append(c.findings, finding.Finding{Rule: f.Rule, Org: f.Org, Time: f.Time, Host: f.Host, File: f.File, Record: f.Record, Refs: f.Refs})
	return nil
}

func (c *collector) End(r *sweep.Result) error {
	c.result = r
	return nil
}
