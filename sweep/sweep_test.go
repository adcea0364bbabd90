package sweep

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
)

// lines is a format of lines "host seconds word", read three lines a segment. The word "fault" makes its decoder panic, "torn"
// is damage.
type lines struct{}

func (lines) Name() string { return "lines" }
func (lines) Recognise(head []byte, _ string) event.Confidence {
	if bytes.HasPrefix(head, []byte("host")) {
		return event.Likely
	}
	return event.No
}
func (lines) Open(f event.File) (event.Stream, error) {
	return &stream{in: bufio.NewReader(f.Body)}, nil
}
func (lines) Decoder() event.Decoder {
	return &lineDecoder{event.NewBuilder(event.Source{Product: "test", Service: "lines"})}
}

type stream struct {
	in   *bufio.Reader
	line uint64
	at   uint64
}

func (s *stream) Next(context.Context) (*event.Segment, error) {
	seg := &event.Segment{Record: s.line + 1, Offset: s.at}
	for range 3 {
		l, err := s.in.ReadBytes('\n')
		seg.Data = append(seg.Data, l...)
		if err != nil {
			break
		}
		s.line++
	}
	s.at += uint64(len(seg.Data))
	if len(seg.Data) == 0 {
		return nil, io.EOF
	}
	return seg, nil
}

type lineDecoder struct{ b *event.Builder }

func (d *lineDecoder) Decode(seg *event.Segment, needs *event.Needs, sink event.Sink) error {
	d.b.Reset()
	rows := strings.Split(strings.TrimRight(string(seg.Data), "\n"), "\n")
	for i, l := range rows {
		w := strings.Fields(l)
		switch w[2] {
		case "fault":
			panic("a fault of ours")
		case "torn":
			sink.Damage(event.Damage{Offset: seg.Offset + uint64(i), Reason: "torn"})
			continue
		}
		sec, _ := strconv.ParseInt(w[1], 10, 64)
		if !needs.Covers(sec * 1e9) {
			continue
		}
		d.b.Row(sec*1e9, seg.Offset, seg.Record+uint64(i), []byte(w[0]))
		d.b.Text(d.b.Field("word"), []byte(w[2]))
	}
	b := d.b.Batch()
	b.Fetch = func(row int, rec *event.Record) error {
		rec.Add("line", event.Text, rows[0])
		return nil
	}
	return sink.Batch(b)
}

// words is an engine with a rule per word. The word "feed" is only counted; a correlation fires at every third of a host.
type words []string

func (w words) Needs() event.Needs {
	return event.Always(func(event.Source) event.Want { return event.Want{Fields: []string{"word"}} })
}
func (w words) Count() int { return len(w) + 1 }
func (w words) Describe(i event.RuleIndex) *finding.Rule {
	if int(i) == len(w) {
		return &finding.Rule{ID: "third", Kind: finding.Correlation, Title: "third", Level: finding.Medium}
	}
	return &finding.Rule{ID: finding.RuleID(w[i]), Kind: finding.Sigma, Title: w[i], Level: finding.High, Source: "test//lines"}
}
func (w words) Searches(rule event.RuleIndex, s event.Source) bool {
	return int(rule) < len(w) && w[rule] != "elsewhere" && s.Product == "test"
}
func (w words) Kind(s event.Source) string { return s.Product }
func (w words) Answers(event.RuleIndex, event.Source, func(string) bool) coverage.Answer {
	return coverage.Answer{Can: true}
}
func (w words) Reports(rule event.RuleIndex) bool { return int(rule) < len(w) && w[rule] != "feed" }
func (w words) Feeds(rule event.RuleIndex) bool   { return w[rule] == "feed" }
func (w words) Carry(b *event.Batch, row int, _ event.RuleIndex) []event.Matched {
	return []event.Matched{{Field: "word", Value: b.Column("word").Text(row)}}
}
func (w words) Correlator() match.Correlator { return &thirds{w, map[string]int{}, 0} }
func (w words) Scanner() event.Scanner       { return wordScanner{w} }

type wordScanner struct{ words }

func (s wordScanner) Scan(b *event.Batch, hit func(int, event.RuleIndex)) error {
	c := b.Column("word")
	for row := range b.Rows {
		if i := slices.Index(s.words, c.Text(row)); i >= 0 {
			hit(row, event.RuleIndex(i))
		}
	}
	return nil
}

func (s wordScanner) Explain(b *event.Batch, row int, _ event.RuleIndex) []event.Matched {
	return []event.Matched{{Field: "word", Value: b.Column("word").Text(row)}}
}

type thirds struct {
	words
	counts map[string]int
	last   int64
}

func (t *thirds) Add(h *match.Hit, emit func(match.Correlated)) {
	if h.Time < t.last {
		panic("hits are out of order")
	}
	t.last = h.Time
	if t.words[h.Rule] != "feed" || len(h.Carried) != 1 || h.Carried[0].Value != "feed" {
		return
	}
	if t.counts[h.Host]++; t.counts[h.Host]%3 == 0 {
		emit(match.Correlated{Rule: event.RuleIndex(len(t.words)), Group: []event.Matched{{Field: "host", Value: h.Host}}, Refs: []finding.Ref{{File: h.File, Record: h.Record}}})
	}
}
func (t *thirds) Advance(int64, func(match.Correlated)) {}
func (t *thirds) Finish(int64, func(match.Correlated))  {}
func (t *thirds) Uncertain() []string                   { return nil }

// jsonl is a handler that keeps everything as text.
type jsonl struct {
	bytes.Buffer
	result *Result
	fail   error
}

func (j *jsonl) Finding(f *finding.Finding) error {
	b, err := f.AppendJSON(nil)
	j.Write(b)
	return errors.Join(err, j.fail)
}

func (j *jsonl) End(r *Result) error {
	j.result = r
	return r.Certificate.Write(j)
}

func makeEvidence(t *testing.T, dir string, extra string) []evidence.Root {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	for org := range 2 {
		for file := range 12 {
			var b strings.Builder
			for range r.IntN(80) {
				fmt.Fprintf(&b, "host%d %d %s\n", r.IntN(3), r.IntN(500), []string{"quiet", "evil", "bad", "feed", "quiet"}[r.IntN(5)])
			}
			b.WriteString(extra)
			p := filepath.Join(dir, fmt.Sprint("org", org), fmt.Sprintf("f%02d.log", file))
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return []evidence.Root{{Org: "alpha", Path: filepath.Join(dir, "org0")}, {Org: "beta", Path: filepath.Join(dir, "org1")}}
}

func question(roots []evidence.Root, temp string) Question {
	return Question{Roots: roots, Formats: []event.Format{lines{}}, Rules: match.New([]match.Engine{words{"evil", "feed", "bad", "elsewhere"}}), TempDir: temp}
}

// sameBytes sweeps with different numbers of threads and budgets, wants the same bytes each time, and has each result looked at.
func sameBytes(t *testing.T, q Question, look func(out *jsonl)) {
	t.Helper()
	var want string
	for _, threads := range []int{1, 2, 8} {
		for _, budget := range []int{0, 500} {
			q := q
			q.TempDir, q.Threads, q.Budget = t.TempDir(), threads, budget
			var out jsonl
			if err := Run(context.Background(), q, &out, nil); err != nil {
				t.Fatal(err)
			}
			if want == "" {
				want = out.String()
			}
			if out.String() != want {
				t.Errorf("%d threads, budget %d: other bytes", threads, budget)
			}
			if left, _ := os.ReadDir(q.TempDir); len(left) > 0 {
				t.Error("temporary files are left behind")
			}
			look(&out)
		}
	}
}

func TestSameBytesAtAnyNumberOfThreadsAndBudget(t *testing.T) {
	sameBytes(t, question(makeEvidence(t, t.TempDir(), "host9 7 torn\n"), ""), func(out *jsonl) {
		c := out.result.Certificate
		if len(c.Files) != 24 || len(c.Files[0].Damage) != 1 || c.Complete() {
			t.Errorf("%d files, complete %v", len(c.Files), c.Complete())
		}
		if n := c.Rules.NotSearchable; len(n) != 1 || n[0].ID != "elsewhere" || c.Rules.Found != 3 || c.Rules.SearchedClean != 1 {
			t.Errorf("rules: %+v", c.Rules)
		}
	})
}

func TestFindingsAreInOrderAndComplete(t *testing.T) {
	dir := t.TempDir()
	roots := makeEvidence(t, dir, "")
	q := question(roots, t.TempDir())
	var got []*finding.Finding
	if err := Run(context.Background(), q, collect{&got}, nil); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for i, f := range got {
		counts[f.Org+" "+string(f.Rule.ID)]++
		if i > 0 && finding.Compare(got[i-1], f) > 0 {
			t.Fatalf("finding %d comes before its predecessor", i)
		}
		if f.SHA256 == "" || (f.Rule.Kind == finding.Sigma) != (f.Event != nil) {
			t.Errorf("finding %d: digest %q, event %s", i, f.SHA256, f.Event)
		}
	}
	for org, name := range []string{"alpha", "beta"} { // counted by another way
		files, _ := filepath.Glob(filepath.Join(dir, fmt.Sprint("org", org), "*"))
		plain, feeds := map[string]int{}, map[string]int{}
		for _, p := range files {
			b, _ := os.ReadFile(p)
			for _, l := range strings.Split(string(b), "\n") {
				if w := strings.Fields(l); len(w) == 3 {
					plain[w[2]]++
					if w[2] == "feed" {
						feeds[w[0]]++
					}
				}
			}
		}
		thirds := 0
		for _, n := range feeds {
			thirds += n / 3
		}
		if counts[name+" evil"] != plain["evil"] || counts[name+" bad"] != plain["bad"] || counts[name+" feed"] != 0 || counts[name+" third"] != thirds || thirds == 0 {
			t.Errorf("%s: %v, want %v and %d thirds", name, counts, plain, thirds)
		}
	}
}

type collect struct{ to *[]*finding.Finding }

func (c collect) Finding(f *finding.Finding) error { *c.to = append(*c.to, f); return nil }
func (collect) End(*Result) error                  { return nil }

func TestAFaultIsContainedToItsSegment(t *testing.T) {
	roots := makeEvidence(t, t.TempDir(), "host9 7 quiet\nhost9 7 quiet\nhost9 7 quiet\nhost9 8 fault\nhost9 9 evil\nhost9 9 quiet\nhost9 9 quiet\nhost9 9 quiet\nhost8 10 evil\n")
	q := question(roots, t.TempDir())
	var out jsonl
	if err := Run(context.Background(), q, &out, nil); err != nil {
		t.Fatal(err)
	}
	faults := 0
	for _, f := range out.result.Certificate.Files {
		for _, d := range f.Damage {
			if strings.Contains(d.Reason, "please report") {
				faults++
			}
		}
	}
	if faults != 24 || !strings.Contains(out.String(), `"host8"`) {
		t.Errorf("%d faults told", faults)
	}
}

func TestInterruptedAndFailingSweepsLeaveNothing(t *testing.T) {
	roots := makeEvidence(t, t.TempDir(), "")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	q := question(roots, t.TempDir())
	if err := Run(ctx, q, &jsonl{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	full := errors.New("disk full")
	if err := Run(context.Background(), q, &jsonl{fail: full}, nil); !errors.Is(err, full) {
		t.Errorf("failing handler: %v", err)
	}
	if left, _ := os.ReadDir(q.TempDir); len(left) > 0 {
		t.Error("temporary files are left behind")
	}
}

func TestSinceAndUntilReachTheReader(t *testing.T) {
	roots := makeEvidence(t, t.TempDir(), "")
	var all, some []*finding.Finding
	q := question(roots, t.TempDir())
	if err := Run(context.Background(), q, collect{&all}, nil); err != nil {
		t.Fatal(err)
	}
	q.Since, q.Until = 100e9, 300e9
	if err := Run(context.Background(), q, collect{&some}, nil); err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, f := range all {
		if f.Rule.Kind == finding.Sigma && f.Time >= q.Since && f.Time < q.Until {
			want++
		}
	}
	got := 0
	for _, f := range some {
		if f.Rule.Kind == finding.Sigma {
			got++
		}
		if f.Time < q.Since || f.Time >= q.Until {
			t.Errorf("a finding at %d", f.Time)
		}
	}
	if got != want || want == 0 || want == len(all) {
		t.Errorf("%d findings between the bounds, want %d", got, want)
	}
}

func FuzzHitCodec(f *testing.F) {
	q := question(nil, "")
	c := codec{&run{question: q, files: fileTable{all: []*fileResult{{id: 0}, {id: 1}, {id: 2}}}}}
	f.Add(c.Append(nil, &hit{rule: 1, file: c.run.files.all[2], time: -5, offset: 7, record: 9, reported: true, host: "h", matched: []event.Matched{{Field: "a", Value: "b"}}, event: []byte("{}")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := c.Decode(b)
		if err != nil {
			return
		}
		again, err := c.Decode(c.Append(nil, h))
		if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", h) {
			t.Errorf("%+v became %+v (%v)", h, again, err)
		}
	})
}
