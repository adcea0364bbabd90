package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/spf13/cobra"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/exposure"
	"github.com/contrail-ir/contrail/report"
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
}

func (t *terminal) exposeCommand() *cobra.Command {
	var f exposeFlags
	c := &cobra.Command{
		Use:   "expose [flags] --out DIR EVIDENCE…",
		Short: "Count whose data left: passengers, bookings, documents, cards",
		Long: `Reads staged archives' contents, captured uploads, dumps and exports, and counts the passengers' records in them: exact where that is
possible, with bounds where it is not. Identifiers are kept as keyed hashes only, under a key that is made anew or read from --key.
Writes exposure.json and exposure.svg.`,
		Example: "  contrail expose --status taken --out result recovered-loot/\n  contrail expose --org alpha=loot/alpha --org beta=loot/beta --key case.key --out result",
		RunE:    func(c *cobra.Command, args []string) error { return t.expose(c.Context(), f, args) },
	}
	fs := c.Flags()
	fs.StringVarP(&f.out, "out", "o", "", "folder to write to")
	fs.StringArrayVar(&f.orgs, "org", nil, "NAME=PATH of an organisation's data (repeat)")
	fs.StringVar(&f.status, "status", string(exposure.Staged), "how far the data got: taken, staged, accessed, accessible")
	fs.StringVar(&f.keyFile, "key", "", "file with the case's secret, 32 hexadecimal digits or more; needed to compare counts of different runs")
	fs.StringVar(&f.duties, "duties", "", "YAML file with duties to add to the shipped table")
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
	clocks, situation, err := f.clocks()
	if err != nil {
		return err
	}
	key, err := readSecret(f.keyFile)
	if err != nil {
		return err
	}
	counter, err := exposure.New(exposure.Options{Key: key})
	if err != nil {
		return err
	}
	items, unread, err := evidence.Walk(ctx, roots)
	if err != nil {
		return fmt.Errorf("list evidence: %w", err)
	}
	incomplete := false
	for _, u := range unread {
		t.log().Warn("not read", "path", u.Name, "reason", u.Reason)
		incomplete = incomplete || u.Lost
	}
	for _, it := range items {
		report, err := exposeFile(ctx, counter, it, status)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			t.log().Warn("not counted", "path", it.Name, "reason", err.Error())
			incomplete = true
			continue
		}
		incomplete = incomplete || report.Damages > 0
	}
	result := counter.Result()
	result.SetClocks(clocks, situation)
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("make output folder: %w", err)
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
	printExposure(t.out, result)
	t.log().Info("Written to " + f.out)
	if incomplete {
		return errIncomplete
	}
	return nil
}

func exposeFile(ctx context.Context, counter *exposure.Counter, it evidence.Item, status exposure.Status) (exposure.File, error) {
	f, err := os.Open(it.Path)
	if err != nil {
		return exposure.File{}, err
	}
	defer f.Close()
	var body io.Reader = bufio.NewReaderSize(f, 1<<20)
	if head, _ := body.(*bufio.Reader).Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return exposure.File{}, fmt.Errorf("unpack gzip: %w", err)
		}
		body = z
	}
	return counter.Add(ctx, exposure.Source{Org: it.Org, Name: it.Name, Status: status}, body)
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
	for _, e := range f.events {
		name, at, ok := strings.Cut(e, "=")
		ns, err := moment(at)
		if !ok || err != nil {
			return nil, s, usageError{fmt.Errorf("--event %q: want NAME=TIME", e)}
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
		}
		if len(o.Kinds) == 0 {
			out.WriteString("  no passenger data recognised\n")
		}
	}
	_, _ = io.WriteString(w, out.String())
}

func howMany(k exposure.KindCount) string {
	if k.Exact != nil {
		return fmt.Sprint(*k.Exact)
	}
	upper := "?"
	if k.Upper != nil {
		upper = fmt.Sprint(*k.Upper)
	}
	return fmt.Sprintf("%d to %s, about %d (90 %%: %d to %d)", k.Lower, upper, k.Estimate, k.Interval[0], k.Interval[1])
}
