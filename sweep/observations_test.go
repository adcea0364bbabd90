package sweep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/match/ioc/observed/reference"
	"github.com/contrail-ir/contrail/stix/pattern"
)

// observedPatterns are asked of the whole way from the log to the finding; %0 stands for a [ … ] that part 0 fits.
var observedPatterns = []string{
	"%0 AND %1", "%0 FOLLOWEDBY %1", "%0 FOLLOWEDBY %0", "%0 REPEATS 3 TIMES", "%0 REPEATS 2 TIMES WITHIN 3 SECONDS", "(%0 AND %1 AND %2) WITHIN 5 SECONDS", "(%0 OR %1) FOLLOWEDBY %2",
	"(%0 FOLLOWEDBY %1) WITHIN 4 SECONDS FOLLOWEDBY %2", "(%0 AND %1) REPEATS 2 TIMES", "%0 START t'2020-09-13T12:26:42Z' STOP t'2020-09-13T12:26:47Z'", "(%2 FOLLOWEDBY (%0 OR (%1 AND %1))) WITHIN 6 SECONDS",
	"(%0 FOLLOWEDBY %1) REPEATS 2 TIMES", "%0 AND (%1 OR %2) REPEATS 2 TIMES WITHIN 2.5 SECONDS",
}

// interrupting is a format whose sweep is stopped at a segment.
type interrupting struct {
	event.Format
	left *atomic.Int64
	stop context.CancelFunc
}

type interruptingStream struct {
	event.Stream
	*interrupting
}

func (f *interrupting) Open(file event.File) (event.Stream, error) {
	s, err := f.Format.Open(file)
	return &interruptingStream{s, f}, err
}

func (s *interruptingStream) Next(ctx context.Context) (*event.Segment, error) {
	if s.left.Add(-1) == 0 {
		s.stop()
		return nil, io.ErrUnexpectedEOF
	}
	return s.Stream.Next(ctx)
}

// row is an event of the logs that the test below writes.
type row struct {
	file   string
	record int // its line
	reference.Seen
}

// TestPatternsOverSeveralObservationsOnTheWholeWay holds what a sweep finds, of two organisations with several logs each, with one thread
// and many, with hits sorted on disk, and interrupted and resumed, against the specification word by word.
func TestPatternsOverSeveralObservationsOnTheWholeWay(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	total := 0
	for round := range rounds {
		r := rand.New(rand.NewPCG(uint64(round), 21))
		dir := t.TempDir()
		rows := map[string][]row{}
		var roots []evidence.Root
		for _, org := range []string{"alpha", "beta"} {
			roots = append(roots, evidence.Root{Org: org, Path: filepath.Join(dir, org)})
			if err := os.Mkdir(filepath.Join(dir, org), 0o700); err != nil {
				t.Fatal(err)
			}
			for file := range 3 {
				name := fmt.Sprintf("dns%d.log", file)
				var b strings.Builder
				b.WriteString("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#fields\tts\tuid\tquery\tqtype_name\n#types\ttime\tstring\tstring\tstring\n")
				for line := range 4 {
					second, a, c := r.IntN(12), r.IntN(4), r.IntN(9)
					fmt.Fprintf(&b, "%d.000000\tC%d\tp%d.example\tp%d.example\n", 1_600_000_000+second, line, a, c)
					rows[org] = append(rows[org], row{name, 8 + line, reference.Seen{Time: int64(1_600_000_000+second) * 1e9, Fits: (1<<a | 1<<min(c, 7)) & 7}})
				}
				if err := os.WriteFile(filepath.Join(dir, org, name), []byte(b.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			slices.SortStableFunc(rows[org], func(a, b row) int { // as findings are ordered; the files are in order already
				return finding.Compare(&finding.Finding{Rule: &finding.Rule{}, Time: a.Time}, &finding.Finding{Rule: &finding.Rule{}, Time: b.Time})
			})
		}
		var indicators []string
		texts := map[finding.RuleID]string{}
		for i, p := range observedPatterns {
			for part := range 3 {
				p = strings.ReplaceAll(p, fmt.Sprint("%", part), fmt.Sprintf("[domain-name:value = 'p%d.example']", part))
			}
			id := fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", i)
			texts[finding.RuleID(id)] = p
			indicators = append(indicators, fmt.Sprintf(`{"type":"indicator","id":%q,"pattern_type":"stix","pattern":%q}`, id, p))
		}
		bundle := filepath.Join(dir, "bundle.json")
		if err := os.WriteFile(bundle, []byte(`{"type":"bundle","id":"bundle--1","objects":[`+strings.Join(indicators, ",")+"]}"), 0o600); err != nil {
			t.Fatal(err)
		}
		set, rejected := match.Load(match.Question{IOC: []string{bundle}})
		if len(rejected) > 0 {
			t.Fatal(rejected)
		}
		ask := func(threads, budget int) Question {
			return Question{Roots: roots, Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), Threads: threads, Budget: budget}
		}
		var want jsonl
		if err := Run(context.Background(), ask(1, 0), &want, nil); err != nil {
			t.Fatal(err)
		}
		var again jsonl
		if err := Run(context.Background(), ask(5, 700), &again, nil); err != nil {
			t.Fatal(err)
		}
		resumed := interruptedAndResumed(t, ask(2, 0), int64(1+r.IntN(8)))
		if want.String() != again.String() || want.String() != resumed {
			t.Fatalf("other bytes:\n%s\n%s\n%s", &want, &again, resumed)
		}
		total += holdsOfRows(t, want.Bytes(), rows, texts)
	}
	if total < 20*rounds {
		t.Errorf("only %d matches: the test tests little", total)
	}
}

func interruptedAndResumed(t *testing.T, q Question, after int64) string {
	t.Helper()
	q.Journal, q.Resume = filepath.Join(t.TempDir(), "j"), true
	formats := q.Formats
	for {
		ctx, stop := context.WithCancel(context.Background())
		var left atomic.Int64
		left.Store(after)
		q.Formats = nil
		for _, f := range formats {
			q.Formats = append(q.Formats, &interrupting{f, &left, stop})
		}
		var out jsonl
		err := Run(ctx, q, &out, nil)
		stop()
		if err == nil {
			return out.String()
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		after = 1 << 40
	}
}

// holdsOfRows compares findings with what the specification says of the rows: each is the first match behind the one before.
func holdsOfRows(t *testing.T, lines []byte, rows map[string][]row, texts map[finding.RuleID]string) (total int) {
	t.Helper()
	type asked struct {
		org string
		id  finding.RuleID
	}
	found := map[asked][]*finding.Finding{}
	for line := range bytes.Lines(lines) {
		if !json.Valid(line) || !bytes.HasPrefix(line, []byte(`{"kind"`)) {
			break
		}
		f, err := finding.ParseJSON(line)
		if err != nil {
			t.Fatal(err)
		}
		found[asked{f.Org, f.Rule.ID}] = append(found[asked{f.Org, f.Rule.ID}], f)
	}
	for org, all := range rows {
		var seen []reference.Seen
		for _, r := range all {
			seen = append(seen, r.Seen)
		}
		for id, text := range texts {
			e, err := pattern.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			part := func(o *pattern.Observation) int { return int(o.Test.(*pattern.Test).Value.Text[1] - '0') }
			got := found[asked{org, id}]
			from := 0
			for i := range all {
				sets := reference.Matches(e, seen[from:i+1], part)
				if len(sets) == 0 {
					continue
				}
				if len(got) == 0 {
					t.Fatalf("%s: %s is not found at %+v", org, text, all[i])
				}
				f := got[0]
				got = got[1:]
				set := uint32(0)
				for _, ref := range f.Refs {
					at := slices.IndexFunc(all, func(r row) bool { return r.file == ref.File && r.record == int(ref.Record) })
					set |= 1 << (at - from)
				}
				if f.File != all[i].file || int(f.Record) != all[i].record || !slices.Contains(sets, set) {
					t.Fatalf("%s: %s is found in %v at %s:%d, not at %+v", org, text, f.Refs, f.File, f.Record, all[i])
				}
				from = i + 1
				total++
			}
			if len(got) > 0 {
				t.Fatalf("%s: %s is found once more, in %v", org, text, got[0].Refs)
			}
		}
	}
	return total
}
