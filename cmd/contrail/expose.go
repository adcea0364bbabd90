package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/census"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/evidence/archive"
	"github.com/contrail-ir/contrail/exposure"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
)

// exposeFlags are the flags of expose as typed.
type exposeFlags struct {
	out           string
	orgs          []string
	status        string
	keyFile       string
	duties        string
	jurisdictions []string
	events        []string
	passwords     []string
	maxDepth      int
	threads       int
	sources       string
	resume        bool
	by            []string
	since, until  string
}

func (t *terminal) exposeCommand() *cobra.Command {
	var f exposeFlags
	c := &cobra.Command{
		Use:   "expose [flags] --out DIR EVIDENCE…",
		Short: "Count whose data left: passengers, bookings, documents, cards",
		Long: `Reads staged archives, captured uploads, dumps and exports, through archives within archives, and counts the passengers' records in them:
exact where that is possible, with bounds where it is not. Identifiers are kept as keyed hashes only, under a key that is made anew or read from
--key. With --by it adds up, beside that, what logs say that an account or address took: rows that databases returned, and files that Zeek or Suricata
saw sent to it. Writes exposure.json, exposure.svg and exposure.html. What could not be read is listed there and exits with 3.`,
		Example: "  contrail expose --status taken --out result recovered-loot/\n  contrail expose --by svc_report --by 198.51.100.7 --since 2026-03-02 --out result /evidence\n  contrail expose --org alpha=loot/alpha --org beta=loot/beta --key case.key --out result",
		RunE:    func(c *cobra.Command, args []string) error { return t.expose(c.Context(), f, args) },
	}
	fs := c.Flags()
	fs.StringVarP(&f.out, "out", "o", "", "folder to write to")
	fs.StringArrayVar(&f.orgs, "org", nil, "NAME=PATH of an organisation's data (repeat)")
	fs.StringVar(&f.status, "status", string(exposure.Staged), "how far the data got: taken, staged, accessed, accessible")
	fs.StringVar(&f.keyFile, "key", "", "file with the case's secret, 32 hexadecimal digits or more; needed to compare counts of different runs")
	fs.StringVar(&f.duties, "duties", "", "YAML file with duties to add to the shipped table")
	addPacked(fs, &f.passwords, &f.maxDepth)
	addCount(fs, &f.threads, "threads", 0, 0, "threads; 0 for one per processor")
	fs.StringVar(&f.sources, "sources", "", "sources.yaml: organisation by path")
	fs.BoolVar(&f.resume, "resume", false, "go on where an interrupted count with the same key, evidence and output folder stopped; needs --key")
	fs.StringArrayVar(&f.by, "by", nil, "account or address of the intruder, for what logs say was returned or sent to it (repeat)")
	fs.StringVar(&f.since, "since", "", "with --by: only what logs say from this time on (2020-01-31 or RFC 3339)")
	fs.StringVar(&f.until, "until", "", "with --by: only what was before this time")
	fs.StringSliceVar(&f.jurisdictions, "jurisdiction", nil, "only duties of these jurisdictions")
	fs.StringArrayVar(&f.events, "event", nil, "NAME=TIME of an event that starts a clock, for example detected=2026-03-12T08:00:00Z (repeat)")
	return c
}

func (t *terminal) expose(ctx context.Context, f exposeFlags, args []string) (err error) {
	if f.out == "" {
		return usageError{errors.New("--out is missing: name the folder to write to")}
	}
	roots, err := rootsOf(f.orgs, args)
	if err != nil {
		return err
	}
	status := exposure.Status(f.status)
	switch status {
	case exposure.Taken, exposure.Staged, exposure.Accessed, exposure.Accessible:
	default:
		return usageError{fmt.Errorf("--status %q: want taken, staged, accessed or accessible", f.status)}
	}
	within, err := spanOf(f.since, f.until)
	if err != nil {
		return err
	}
	if len(f.by) == 0 && f.since+f.until != "" {
		return usageError{errors.New("--since and --until go with --by: data have no times, what logs say of them has")}
	}
	clocks, situation, err := f.clocks()
	if err != nil {
		return err
	}
	if f.resume && f.keyFile == "" {
		return usageError{errors.New("--resume needs --key: a count goes on only under the key that it began with")}
	}
	key, err := readSecret(f.keyFile)
	if err != nil {
		return err
	}
	q := census.Question{Roots: roots, Results: f.out, Status: status, Key: key, Threads: f.threads, Passwords: f.passwords, Limits: archive.Limits{Depth: f.maxDepth}, Resume: f.resume}
	if f.sources != "" {
		if q.Sources, err = readSources(f.sources, evidence.Formats()); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}
	journal := filepath.Join(f.out, ".expose")
	if q.TempDir, err = clearWork(journal, f.resume); err != nil {
		return err
	}
	if q.Journal = journal; f.keyFile == "" {
		q.Journal = "" // the key is forgotten, so nothing could go on
	}
	defer func() {
		if q.Journal == "" || err == nil || errors.Is(err, errIncomplete) {
			err = errors.Join(err, os.RemoveAll(journal))
		}
	}()
	var told *logsTold
	if len(f.by) > 0 {
		if told, err = t.logs(ctx, census.NewLogs(f.by, within), q, f.sources); err != nil {
			return err
		}
	}
	var progress census.Progress
	stop := t.watchCount(&progress)
	counter, complete, err := census.Run(ctx, q, &progress)
	stop()
	if err != nil {
		return err
	}
	if told != nil {
		complete = told.into(counter) && complete
	}
	result := counter.Result()
	result.SetClocks(clocks, situation)
	for _, l := range result.Unread {
		t.log().Warn("not read", "path", l.Name, "reason", l.Reason)
	}
	if err := report.WriteFile(filepath.Join(f.out, "exposure.json"), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(result)
	}); err != nil {
		return err
	}
	if err := report.WriteFile(filepath.Join(f.out, "exposure.svg"), func(w io.Writer) error {
		_, err := w.Write(result.Picture())
		return err
	}); err != nil {
		return err
	}
	if err := report.WriteFile(filepath.Join(f.out, "exposure.html"), result.WritePage); err != nil {
		return err
	}
	printExposure(t.out, result)
	t.log().Info("Written to " + f.out)
	if !complete {
		return errIncomplete
	}
	return nil
}

// logsTold is what logs tell of, and which of them could not be read to their end, by organisation and path.
type logsTold struct {
	*census.Logs
	cut map[[2]string]bool
}

// Tapper implements sweep.Tap.
func (l *logsTold) Tapper(org string) sweep.Tapper { return l.Reader(org) }

// Finding and End implement sweep.Handler.
func (l *logsTold) Finding(*finding.Finding) error { return nil }

func (l *logsTold) End(r *sweep.Result) error {
	l.cut = map[[2]string]bool{}
	for i := range r.Certificate.Files {
		if f := &r.Certificate.Files[i]; len(f.Damage) > 0 {
			l.cut[[2]string{f.Org, f.Path}] = true
		}
	}
	return nil
}

// logs reads the evidence as logs, or takes what an interrupted run has read.
func (t *terminal) logs(ctx context.Context, l *census.Logs, of census.Question, sources string) (*logsTold, error) {
	told := &logsTold{Logs: l}
	var zones []byte
	if sources != "" {
		var err error
		if zones, err = os.ReadFile(sources); err != nil {
			return nil, fmt.Errorf("read sources: %w", err)
		}
	}
	kept, err := of.KeptLogs(ctx, l, zones)
	if err != nil {
		return nil, err
	}
	if kept != nil && of.Resume {
		cut, ok, err := kept.Load(l)
		if err != nil {
			return nil, err
		}
		if ok {
			t.log().Info("What logs tell was read before the interruption.")
			told.cut = cut
			return told, nil
		}
	}
	nothing, _ := match.Load(match.Question{})
	q := sweep.Question{Roots: of.Roots, Formats: evidence.Formats(), Rules: nothing, Tap: told, Sources: of.Sources, Passwords: of.Passwords, Limits: of.Limits, Threads: of.Threads, TempDir: of.TempDir}
	if err := t.sweepQuietly(ctx, q, told); err != nil {
		return nil, err
	}
	if l.Read() == 0 {
		t.log().Warn("--by: there is no database's log and no files log of Zeek or Suricata in the evidence, so nothing can be said of what was returned or sent")
	}
	if kept != nil {
		return told, kept.Save(l, told.cut)
	}
	return told, nil
}

// into enters it, and says whether all of those logs could be read.
func (l *logsTold) into(c *exposure.Counter) (complete bool) {
	complete = true
	l.Into(c, func(org, file string) bool {
		cut := l.cut[[2]string{org, file}]
		complete = complete && !cut
		return cut
	})
	return complete
}

func (f *exposeFlags) clocks() (*exposure.Rules, exposure.Situation, error) {
	s := exposure.Situation{Jurisdictions: f.jurisdictions, Events: map[string]time.Time{}, Now: time.Now()}
	rules, err := exposure.ShippedRules()
	if err != nil {
		return nil, s, err
	}
	if f.duties != "" {
		file, err := os.Open(f.duties)
		if err != nil {
			return nil, s, fmt.Errorf("read duties: %w", err)
		}
		defer file.Close()
		own, err := exposure.ReadRules(file)
		if err != nil {
			return nil, s, fmt.Errorf("read duties %s: %w", f.duties, err)
		}
		rules = rules.With(own)
	}
	for _, j := range f.jurisdictions {
		if all := rules.Jurisdictions(); !slices.Contains(all, j) {
			return nil, s, usageError{fmt.Errorf("--jurisdiction %q: there are duties of %s", j, strings.Join(all, ", "))}
		}
	}
	for _, e := range f.events {
		name, at, ok := strings.Cut(e, "=")
		ns, err := moment(at)
		if !ok || err != nil {
			return nil, s, usageError{fmt.Errorf("--event %q: want NAME=TIME", e)}
		}
		if !slices.Contains(exposure.Events(), name) { // a clock that nobody started would look like one that does not run
			return nil, s, usageError{fmt.Errorf("--event %q: no clock starts with %q; the events are %s", e, name, strings.Join(exposure.Events(), ", "))}
		}
		s.Events[name] = time.Unix(0, ns).UTC()
	}
	return rules, s, nil
}

// readSecret reads a case's secret, or makes one that is forgotten at the end.
func readSecret(path string) ([]byte, error) {
	if path == "" {
		key := make([]byte, 32)
		_, err := rand.Read(key)
		return key, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) < 16 {
		return nil, fmt.Errorf("read key %s: want 32 hexadecimal digits or more", path)
	}
	return key, nil
}

// printExposure tells the counts, a line each.
func printExposure(w io.Writer, r *exposure.Result) {
	var out strings.Builder
	for _, o := range r.Orgs {
		fmt.Fprintf(&out, "%s:\n", report.Clean(o.Org))
		for _, k := range o.Kinds {
			fmt.Fprintf(&out, "  %-12s %-18s %-18s %s\n", k.Status, k.Kind, k.Unit, howMany(k))
			if k.Sealed > 0 {
				for _, why := range k.Why {
					fmt.Fprintf(&out, "               %s\n", report.Clean(why))
				}
			}
		}
		if len(o.Kinds) == 0 {
			out.WriteString("  no passenger data recognised\n")
		}
		for _, b := range o.Observed {
			most := "an unknown number"
			if b.Upper != nil {
				most = fmt.Sprint(*b.Upper)
			}
			fmt.Fprintf(&out, "  %-12s %-18s %-18s %d to %s, by %s, as %s tells\n", b.Status, b.Kind, b.Unit, b.Lower, most, report.Clean(b.By), report.Clean(b.Source))
		}
	}
	_, _ = io.WriteString(w, out.String())
}

func howMany(k exposure.KindCount) string {
	if k.Exact != nil {
		return fmt.Sprint(*k.Exact)
	}
	if k.Sealed > 0 {
		return fmt.Sprintf("at least %d, with what cannot be opened about %d (90 %%: %d to %d)", k.Lower, k.Estimate, k.Interval[0], k.Interval[1])
	}
	about := fmt.Sprintf(", about %d (90 %%: %d to %d)", k.Estimate, k.Interval[0], k.Interval[1])
	switch {
	case k.Upper != nil:
		return fmt.Sprintf("%d to %d%s", k.Lower, *k.Upper, about)
	case k.Estimate == k.Lower: // nothing is known of what could not be read
		return fmt.Sprintf("at least %d", k.Lower)
	}
	return fmt.Sprintf("at least %d%s", k.Lower, about)
}
