// Package sweep puts a question to organisations' evidence: findings, and a certificate of what was searched.
//
// A sweep reads every file once, decodes only what the rules need, and gives the same findings in the same order whatever
// the number of threads. Memory is bounded: evidence passes by in segments of a few megabytes, findings beyond a budget are
// sorted on disk. Organisations are swept in one run and kept apart. Damaged evidence is part of the result, never its end.
// The package writes nothing but temporary files, which it removes, and sends nothing anywhere.
package sweep

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/evidence/archive"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/sweep/internal/spill"
)

// Question is what a sweep asks, and of whom.
type Question struct {
	Roots    []evidence.Root
	Results  string // folder that is written to, which is no evidence where it lies within a root
	Formats  []event.Format
	Rules    *match.Set
	YARA     *match.YARA         // asked of the bytes of files; its rules are among Rules
	Rejected []coverage.Rejected // rules that could not be used, for the certificate
	Unasked  []coverage.NotSearchable
	Tap      Tap // sees every batch beside the rules; may be nil

	Since, Until int64 // bounds of event time as in event.Needs; both 0 for no bound
	Inventory    []coverage.Declared
	Sources      *evidence.Sources
	Passwords    []string       // for encrypted archives
	Limits       archive.Limits // of unpacking
	Slack        bool           // also search what is left of deleted records
	NoEvent      bool           // findings do not carry the whole event
	Threads      int            // 0 for the number of processors
	TempDir      string
	Budget       int // bytes of findings kept in memory; 0 for 64 MiB

	// Journal is a folder in which the sweep remembers what it has done, so that it can go on after an interruption; "" for
	// none. It is removed when the sweep has ended. Digest is the caller's digest of everything that is asked and is not in
	// this struct: the rules. With Resume the sweep goes on where one with the same question was interrupted.
	Journal string
	Digest  string
	Resume  bool
}

// Handler receives the result of a sweep as one stream: every finding in order, then the end. A returned error ends the
// sweep. Calls come one at a time.
type Handler interface {
	Finding(f *finding.Finding) error
	End(r *Result) error
}

// Result is what there is to say at the end.
type Result struct {
	Certificate *coverage.Certificate
	Stats       Stats
	Rules       []finding.Rule            // those told one by one, and of the others those found
	Found       map[finding.RuleID]uint64 // findings per rule
	Remarks     []Remark                  // what handlers have to say, for the handlers after them to show
}

// Remark is something said of a result in words.
type Remark struct {
	Title string
	Lines []string
}

// Stats are counts and times of a sweep. Phases are summed over all threads.
type Stats struct {
	Events          uint64  `json:"events"`
	Bytes           int64   `json:"bytes"`
	Files           int     `json:"files"`
	Findings        uint64  `json:"findings"`
	Threads         int     `json:"threads"`
	Seconds         Seconds `json:"seconds"`
	EventsPerSecond float64 `json:"events_per_second"`
	PeakRSS         int64   `json:"peak_rss_bytes"`
	Masked          uint64  `json:"masked_findings,omitempty"` // in which a handler masked passenger values
	Raw             bool    `json:"raw,omitempty"`             // passenger values were not masked, because somebody asked for that
}

// Seconds tells where the time went; Total is by the clock.
type Seconds struct {
	Total  float64 `json:"total"`
	Open   float64 `json:"open"`
	Decode float64 `json:"decode"`
	Match  float64 `json:"match"`
	Write  float64 `json:"write"`
}

// Progress can be read at any time while a sweep runs.
type Progress struct {
	files, filesDone atomic.Int64
	bytes, bytesDone atomic.Int64
	events           atomic.Int64
	hits             atomic.Int64
}

// Reading of a Progress at one moment.
type Reading struct {
	Files, FilesDone, Bytes, BytesDone, Events, Hits int64
}

// Read gives the counts of this moment.
func (p *Progress) Read() Reading {
	return Reading{p.files.Load(), p.filesDone.Load(), p.bytes.Load(), p.bytesDone.Load(), p.events.Load(), p.hits.Load()}
}

// Run sweeps. The context interrupts it between segments. progress may be nil.
func Run(ctx context.Context, q Question, h Handler, progress *Progress) (err error) {
	began := time.Now()
	if progress == nil {
		progress = &Progress{}
	}
	if q.Threads <= 0 {
		q.Threads = runtime.GOMAXPROCS(0)
	}
	if q.Budget <= 0 {
		q.Budget = 64 << 20
	}
	items, unread, err := evidence.Walk(ctx, q.Roots, q.Results)
	if err != nil {
		return fmt.Errorf("list evidence: %w", err)
	}
	progress.files.Store(int64(len(items)))
	for _, it := range items {
		progress.bytes.Add(it.Size)
	}

	temp, err := os.MkdirTemp(q.TempDir, "contrail-sweep-")
	if err != nil {
		return fmt.Errorf("sort findings: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()

	// Rows outside the bounds are read and counted as well: the certificate must tell a source that is not there from one
	// that is silent in the span.
	if q.Since == 0 && q.Until == 0 {
		always := event.Always(nil)
		q.Since, q.Until = always.Since, always.Until
	}
	s := &run{question: q, items: items, needs: needsOf(q.Rules.Needs(), q.Tap), asked: q.Rules.Needs(), within: event.Needs{Since: q.Since, Until: q.Until}, progress: progress, temp: temp, collections: evidence.FindCollections(items),
		grouped: map[finding.RuleID][]finding.Rule{}}
	for _, dir := range []string{"hits", "notes"} {
		if err := os.Mkdir(filepath.Join(temp, dir), 0o700); err != nil {
			return fmt.Errorf("sort findings: %w", err)
		}
	}
	s.hits = spill.New(codec{s}, filepath.Join(temp, "hits"), q.Budget)
	s.notes = newNotes(s, filepath.Join(temp, "notes"))
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := errors.Join(s.read(ctx), s.journal.close()); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}

	wrote := time.Now()
	if err := s.content(ctx, q.YARA); err != nil {
		return err
	}
	if err := s.judge(q.Rules.Observers()); err != nil {
		return err
	}
	s.findCopies()
	found, uncertain, err := s.deliver(h)
	if err != nil {
		return err
	}
	result := &Result{Certificate: s.certificate(unread, found, uncertain), Rules: s.rules(), Found: found.byID}
	result.Stats = s.stats(began, wrote, found.byID)
	if err := h.End(result); err != nil || q.Journal == "" {
		return err
	}
	return os.RemoveAll(q.Journal)
}

// begin opens the journal: a new one, or, when the sweep goes on, one that begins with what was done before.
func (s *run) begin(ctx context.Context) (err error) {
	q := &s.question
	if q.Journal == "" {
		return nil
	}
	asked := q.asked()
	if q.Resume {
		if s.done, err = s.resume(ctx, q.Journal, asked); err != nil {
			return err
		}
		s.journal, err = continueJournal(q.Journal, asked)
		return err
	}
	s.journal, err = createJournal(q.Journal, asked)
	return err
}

// asked is what must be the same for a sweep to go on.
func (q *Question) asked() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %d %v %v\n", q.Digest, q.Since, q.Until, q.Slack, q.NoEvent)
	for _, r := range q.Roots {
		fmt.Fprintf(&b, "%q %q\n", r.Org, r.Path)
	}
	for _, g := range q.Rules.Groups() {
		fmt.Fprintf(&b, "%s %d\n", g.ID, g.Rules)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(b.String())))
}

// run is a sweep under way.
type run struct {
	question Question
	items    []evidence.Item
	needs    event.Needs // of rules and tap
	asked    event.Needs // of rules: what the certificate speaks of
	within   event.Needs // the span that was asked about
	progress *Progress
	hits     *spill.Sorter[*hit]
	notes    *spill.Sorter[*note]
	grouped  map[finding.RuleID][]finding.Rule // the rules found of those that are told in groups
	files    fileTable
	temp     string
	journal  *journal
	done     map[int]int // items that an interrupted sweep has read

	collections *evidence.Collections
	mu          sync.Mutex
	others      map[string]*counts // of files that are only described, by organisation; guarded by mu

	clock clock
}

// described gives the counts of an organisation's files that are no logs.
func (s *run) described(org string) *counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.others == nil {
		s.others = map[string]*counts{}
	}
	if s.others[org] == nil {
		s.others[org] = &counts{}
	}
	return s.others[org]
}

func (q *Question) opening(s *run) evidence.Options {
	return evidence.Options{Formats: q.Formats, Slack: q.Slack, Sources: q.Sources, Collections: s.collections, Passwords: q.Passwords, Limits: q.Limits, TempDir: s.temp}
}

// clock sums nanoseconds per phase over all workers.
type clock struct{ open, decode, match atomic.Int64 }

func (s *run) read(ctx context.Context) error {
	q := newQueue(s)
	workers := make([]error, s.question.Threads)
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for i := range workers {
		all.Go(func() {
			w := newWorker(s)
			if workers[i] = w.work(ctx, q); workers[i] != nil {
				stop()
			}
		})
	}
	all.Wait()
	q.close()
	if q.failed != nil {
		return q.failed
	}
	for _, err := range workers {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return nil
}

func (s *run) certificate(unread []evidence.Unread, found foundRules, uncertain []coverage.NotSearchable) *coverage.Certificate {
	var orgs []string
	for _, r := range s.question.Roots {
		if !slices.Contains(orgs, r.Org) {
			orgs = append(orgs, r.Org)
		}
	}
	for _, org := range s.question.Sources.Orgs() {
		if !slices.Contains(orgs, org) {
			orgs = append(orgs, org)
		}
	}
	b := coverage.NewBuilder(orgs)
	for _, u := range unread {
		b.Unread(coverage.Unread{Path: u.Name, Org: u.Org, Reason: u.Reason, Lost: u.Lost})
	}
	for _, c := range s.collections.All() {
		b.Collection(c.Org, coverage.Collection{Path: c.Root, Tool: c.Tool, Host: c.Host, System: c.System, Time: c.Time})
	}
	files := slices.SortedFunc(slices.Values(s.files.all), (*fileResult).compare)
	names := originals{}
	for _, f := range files {
		if c := f.collection; c.Tool != "" {
			b.Collection(f.org, coverage.Collection{Path: f.name, Tool: c.Tool, Host: c.Host, System: c.System, Time: c.Time})
		}
		switch {
		case f.notRead != "":
			b.NotRead(coverage.NotRead{Path: f.name, What: f.notRead, Org: f.org, SHA256: f.digest, Bytes: f.size})
		case f.why != "" || f.format == nil && f.archive == "":
			b.Unread(coverage.Unread{Path: f.name, Org: f.org, Reason: f.why, SHA256: f.digest, Bytes: f.size, Lost: f.lost, Original: f.renamed})
		default:
			format := f.archive
			if f.format != nil {
				format = f.format.Name()
			}
			b.File(coverage.File{Path: f.name, Org: f.org, Format: format, Bytes: f.size, SHA256: f.digest, Members: f.members, Custody: f.custody, Original: f.renamed, SameAs: names.of(f)}, &f.counts.tally)
		}
	}
	for _, org := range slices.Sorted(maps.Keys(s.others)) {
		b.Described(org, &s.others[org].tally)
	}
	if s.question.Inventory != nil {
		b.Inventory(s.question.Inventory)
	}
	rules := coverage.Rules{Rejected: s.question.Rejected, NotSearchable: slices.Concat(s.question.Unasked, s.question.Rules.NotSearchable()), Uncertain: uncertain}
	groups := s.question.Rules.Groups()
	for _, g := range groups {
		if g.Joined {
			rules.Indicators = append(rules.Indicators, coverage.Indicators{Kind: string(g.ID), Loaded: g.Rules, Found: len(s.grouped[g.ID])})
		}
	}
	return b.Certificate(rules, asked{s, groups, found})
}

// findCopies marks files of which an organisation's evidence holds the same bytes more than once.
func (s *run) findCopies() {
	first := map[[2]string]*fileResult{}
	for _, f := range s.files.all {
		if f.digest == "" || f.format == nil || f.why != "" {
			continue
		}
		k := [2]string{f.org, f.digest}
		if other := first[k]; other != nil {
			other.copies, f.copies = true, true
		} else {
			first[k] = f
		}
	}
}

// originals names, of files that are there more than once, the first that it was asked of.
type originals map[[2]string]string

func (o originals) of(f *fileResult) string {
	if !f.copies {
		return ""
	}
	k := [2]string{f.org, f.digest}
	if _, there := o[k]; !there {
		o[k] = f.name
		return ""
	}
	return o[k]
}

// rules describes the rules for reports.
func (s *run) rules() (all []finding.Rule) {
	for _, g := range s.question.Rules.Groups() {
		if g.Joined {
			all = append(all, s.grouped[g.ID]...)
		} else {
			all = append(all, *s.question.Rules.Rule(g.First))
		}
	}
	return all
}

func (s *run) stats(began, wrote time.Time, found map[finding.RuleID]uint64) Stats {
	st := Stats{Threads: s.question.Threads, Files: len(s.files.all), PeakRSS: peakRSS()}
	for _, f := range s.files.all {
		if f.why == "" {
			st.Events += f.counts.tally.Total().Records
		}
	}
	for i := range s.items {
		st.Bytes += s.items[i].Size
	}
	for n := range maps.Values(found) {
		st.Findings += n
	}
	now := time.Now()
	st.Seconds = Seconds{
		Total:  now.Sub(began).Seconds(),
		Open:   time.Duration(s.clock.open.Load()).Seconds(),
		Decode: time.Duration(s.clock.decode.Load()).Seconds(),
		Match:  time.Duration(s.clock.match.Load()).Seconds(),
		Write:  now.Sub(wrote).Seconds(),
	}
	if st.Seconds.Total > 0 {
		st.EventsPerSecond = float64(st.Events) / st.Seconds.Total
	}
	return st
}
