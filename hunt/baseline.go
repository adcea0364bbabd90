package hunt

import (
	"errors"
	"fmt"
	"os"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/fingerprint"
	"github.com/contrail-ir/contrail/sweep"
	"github.com/contrail-ir/contrail/trail"
)

// ReadBaseline reads evidence of ordinary days, the roots of a question, by the sweep that it is given.
func ReadBaseline(q sweep.Question, run func(sweep.Question, sweep.Handler) error) (b *trail.Baseline, err error) {
	g, err := trail.NewGraph(trail.Options{TempDir: q.TempDir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	q.Tap = oneGraph{g}
	if err := run(q, nothing{}); err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	return trail.NewBaseline(g), nil
}

// oneGraph puts whatever is swept into one graph.
type oneGraph struct{ *trail.Graph }

func (oneGraph) Needs() event.Needs           { return trail.Needs() }
func (g oneGraph) Tapper(string) sweep.Tapper { return g.Collect() }

// nothing lets findings pass.
type nothing struct{}

func (nothing) Finding(*finding.Finding) error { return nil }
func (nothing) End(*sweep.Result) error        { return nil }

// ReadTrail reads a trail.json as a fingerprint is made of it.
func ReadTrail(path string) (*fingerprint.Trail, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return fingerprint.ReadTrail(in)
}
