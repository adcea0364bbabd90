package report

import (
	"errors"

	"github.com/contrail-ir/contrail/finding"
	"github.com/contrail-ir/contrail/sweep"
)

// Beside gives every result to the handler first, and to the others in turn in a goroutine of their own: writing findings and making
// the page of them takes a tenth of a sweep, in which the other processors have nothing to do. The order of each handler's calls is
// kept. Stop must be called before the handlers are closed; after the end it does nothing.
func Beside(first sweep.Handler, others ...sweep.Handler) (h sweep.Handler, stop func()) {
	b := &beside{first: first, others: All(others...), given: make(chan given, 2), failed: make(chan error, 1), ended: make(chan struct{})}
	go b.run()
	return b, b.stop
}

// What waits to be handled is bounded by number and by bytes.
const (
	waitingFindings = 256
	waitingBytes    = 256 << 10
)

type beside struct {
	first  sweep.Handler
	others sweep.Handler

	// Of the caller.
	waiting []*finding.Finding
	bytes   int
	stopped bool

	given  chan given
	failed chan error // of the others, at most one before the end
	ended  chan struct{}
}

// given is a run of findings, or the end.
type given struct {
	findings []*finding.Finding
	end      *sweep.Result
}

func (b *beside) run() {
	defer close(b.ended)
	broken := false
	for g := range b.given {
		if broken {
			continue
		}
		err := b.handle(g)
		if broken = err != nil; broken {
			b.failed <- err
		}
	}
}

func (b *beside) handle(g given) error {
	for _, f := range g.findings {
		if err := b.others.Finding(f); err != nil {
			return err
		}
	}
	if g.end != nil {
		return b.others.End(g.end)
	}
	return nil
}

func (b *beside) Finding(f *finding.Finding) error {
	if err := b.first.Finding(f); err != nil {
		return err
	}
	b.waiting = append(b.waiting, f)
	b.bytes += len(f.Event)
	if len(b.waiting) < waitingFindings && b.bytes < waitingBytes {
		return nil
	}
	return b.give(nil)
}

// give hands over what waits, and tells what went wrong with what was handed over before.
func (b *beside) give(end *sweep.Result) error {
	b.given <- given{b.waiting, end}
	b.waiting, b.bytes = nil, 0
	select {
	case err := <-b.failed:
		return err
	default:
		return nil
	}
}

func (b *beside) End(r *sweep.Result) error {
	given := b.give(r)
	err := errors.Join(given, b.first.End(r))
	b.stop()
	select {
	case failed := <-b.failed:
		return errors.Join(err, failed)
	default:
		return err
	}
}

func (b *beside) stop() {
	if !b.stopped {
		b.stopped = true
		close(b.given)
		<-b.ended
	}
}
