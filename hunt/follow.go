package hunt

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/report"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// Start is where a trace begins: in one organisation, or wherever it is found.
type Start struct {
	Org string // "" for any
	trail.Start
}

// FollowOptions say how organisations are traced.
type FollowOptions struct {
	From     []Start                // none: findings of level high and above, correlations, and what Seeds names
	Seeds    func(rule string) bool // whose findings begin a trace whatever their level, such as a fingerprint's; may be nil
	Baseline []*trail.Baseline
	TempDir  string
	Orgs     int // how many there will be, to share memory; 0 for one

	Inventory []coverage.Declared // says which addresses are whose
}

// Follower sees a sweep, as its tap and as a handler, and afterwards follows the intruder in each organisation.
//
// The evidence is read once, whatever the number of organisations. Memory: a graph for each organisation stays open until the sweep has ended,
// about 20 bytes for each distinct name and 16 for each process, of all organisations together; names themselves and edges share one
// budget of 256 MiB among the organisations (8 MiB each at least, 128 at most) and lie on disk beyond it. The walk holds the edges of one
// organisation at a time, up to 64 MiB.
type Follower struct {
	options FollowOptions

	mu     sync.Mutex
	graphs map[string]*trail.Graph // guarded by mu while the sweep runs

	findings map[string][]finding.Finding
	seeds    map[string][]finding.Ref
	kept     int
	result   *sweep.Result
}

// Bounds of what is kept of a sweep.
const (
	maxFindings = 2_000_000 // of all organisations; findings below medium are told by findings.jsonl and are not kept
	maxSeeds    = 2_000     // of one organisation and rule
	graphBudget = 256 << 20
	leastBudget = 8 << 20
	mostBudget  = 128 << 20
	walkBudget  = 64 << 20
)

// NewFollower begins. Close must be called.
func NewFollower(o FollowOptions) *Follower {
	return &Follower{options: o, graphs: map[string]*trail.Graph{}, findings: map[string][]finding.Finding{}, seeds: map[string][]finding.Ref{}}
}

// Needs implements sweep.Tap.
func (*Follower) Needs() event.Needs { return trail.Needs() }

// Tapper implements sweep.Tap.
func (f *Follower) Tapper(org string) sweep.Tapper {
	g, err := f.graph(org)
	if err != nil {
		return failed{err}
	}
	return g.Collect()
}

// failed is a tapper that cannot work.
type failed struct{ err error }

func (f failed) Batch(string, *event.Batch) error { return f.err }
func (failed) Flush() error                       { return nil }

func (f *Follower) graph(org string) (*trail.Graph, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if g := f.graphs[org]; g != nil {
		return g, nil
	}
	g, err := trail.NewGraph(trail.Options{TempDir: f.options.TempDir, Budget: min(mostBudget, max(leastBudget, graphBudget/max(1, f.options.Orgs))), Walk: walkBudget})
	if err == nil {
		f.graphs[org] = g
		for _, d := range f.options.Inventory {
			if d.Org == "" || d.Org == org {
				g.Declare(d.Host, d.Addresses)
			}
		}
	}
	return g, err
}

// Finding implements sweep.Handler.
func (f *Follower) Finding(x *finding.Finding) error {
	seed := f.options.Seeds != nil && f.options.Seeds(string(x.Rule.ID))
	if x.Rule.Level < finding.Medium && !seed || f.kept >= maxFindings {
		return nil
	}
	f.kept++
	kept := finding.Finding{Rule: x.Rule, Org: x.Org, Time: x.Time, Host: x.Host, File: x.File, Record: x.Record, Refs: x.Refs}
	if x.Rule.Kind == finding.Beacon || x.Rule.Kind == finding.Upload { // between whom
		kept.Score, kept.Matched = x.Score, slices.Clone(x.Matched[:min(len(x.Matched), 2)])
	}
	f.findings[x.Org] = append(f.findings[x.Org], kept)
	if seed && len(f.seeds[x.Org]) < maxSeeds {
		f.seeds[x.Org] = append(f.seeds[x.Org], finding.Ref{File: x.File, Record: x.Record})
	}
	return nil
}

// End implements sweep.Handler.
func (f *Follower) End(r *sweep.Result) error {
	f.result = r
	return nil
}

// Result gives what the sweep said at its end.
func (f *Follower) Result() *sweep.Result { return f.result }

// Close removes what the graphs laid on disk.
func (f *Follower) Close() (err error) {
	for _, g := range f.graphs {
		err = errors.Join(err, g.Close())
	}
	clear(f.graphs)
	return err
}

// Each traces one organisation after the other, in the order of the certificate, and hands out the trails. A start that no organisation has is
// an error; one that names its organisation must be there.
func (f *Follower) Each(do func(org string, t *trail.Trail) error) error {
	if f.result == nil {
		return errors.New("hunt: follow: the sweep has not ended")
	}
	found := make([]bool, len(f.options.From))
	var missing error
	for i := range f.result.Certificate.Orgs {
		org := f.result.Certificate.Orgs[i].Name
		t, err := f.one(org, found, &missing)
		if err != nil {
			return err
		}
		if err := do(org, t); err != nil {
			return err
		}
	}
	if i := slices.Index(found, false); i >= 0 {
		return missing
	}
	return nil
}

// one traces an organisation and gives up its graph.
func (f *Follower) one(org string, found []bool, missing *error) (t *trail.Trail, err error) {
	g, err := f.graph(org) // empty where nothing was read
	if err != nil {
		return nil, err
	}
	defer func() {
		delete(f.graphs, org)
		err = errors.Join(err, g.Close())
	}()
	q := trail.Question{Org: org, Findings: f.findings[org], Also: f.seeds[org], Baseline: f.options.Baseline, Coverage: f.result.Certificate}
	var mine []int
	for i, s := range f.options.From {
		if s.Org == "" || s.Org == org {
			mine = append(mine, i)
			q.From = append(q.From, s.Start)
		}
	}
	if len(f.options.From) == 0 {
		return trail.Trace(g, q)
	}
	q.Also, q.Lenient = nil, true
	t, err = trail.Trace(g, q)
	if err != nil {
		return nil, err
	}
	for at, i := range mine {
		if t.Starts[at].Missing == nil {
			found[i] = true
		} else if *missing == nil || f.options.From[i].Org == org {
			*missing = t.Starts[at].Missing
		}
	}
	return t, nil
}

// Files of a trail.
var trailFiles = []struct {
	name  string
	write func(*trail.Trail, io.Writer) error
}{
	{"trail.json", (*trail.Trail).Write}, {"story.md", (*trail.Trail).WriteStory}, {"remediation.csv", (*trail.Trail).WriteRemediation}, {"trace.html", (*trail.Trail).WritePage},
}

// WriteTrail writes what there is to tell of a trail into a folder, which is made: trail.json, story.md, remediation.csv, trace.html.
func WriteTrail(dir string, t *trail.Trail) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}
	for _, x := range trailFiles {
		if err := report.WriteFile(filepath.Join(dir, x.name), func(w io.Writer) error { return x.write(t, w) }); err != nil {
			return err
		}
	}
	return nil
}

// OrgFolder gives the folder of an organisation among results. A name that would lead elsewhere has none.
func OrgFolder(dir, org string) (string, error) {
	if !filepath.IsLocal(org) || filepath.Clean(org) == "." {
		return "", fmt.Errorf("organisation %.80q: its name cannot be that of a folder; give another with --org NAME=PATH", org)
	}
	return filepath.Join(dir, "orgs", org), nil
}
