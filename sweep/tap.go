package sweep

import (
	"errors"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
)

// A Tap sees every batch of a sweep beside the rules, for what needs all events and not only those that match: a provenance graph.
type Tap interface {
	Needs() event.Needs
	// Tapper returns the working memory of one goroutine for one organisation.
	Tapper(org string) Tapper
}

// A Tapper takes the batches of one goroutine in whatever order they are read.
type Tapper interface {
	// Batch sees a batch of a file, which is borrowed as event.Batch says.
	Batch(file string, b *event.Batch) error
	// Flush is called once, after the last batch.
	Flush() error
}

// needsOf is the union of what rules, a tap and the certificate need.
func needsOf(rules event.Needs, tap Tap) event.Needs {
	more := event.Always(func(event.Source) event.Want { return event.Want{} })
	if tap != nil {
		more = tap.Needs()
	}
	all := event.Always(func(s event.Source) event.Want {
		a, b := rules.Of(s), more.Of(s)
		if own := coverage.Wants(s); len(own) > 0 {
			b = b.Union(event.Want{Fields: own})
		}
		if b.Nothing() {
			return a
		}
		return a.Union(b)
	})
	all.Sifter = event.Sifters(rules, more)
	return all
}

func (w *worker) tap(b *event.Batch) error {
	if w.run.question.Tap == nil {
		return nil
	}
	t := w.tappers[w.file.org]
	if t == nil {
		if w.tappers == nil {
			w.tappers = map[string]Tapper{}
		}
		t = w.run.question.Tap.Tapper(w.file.org)
		w.tappers[w.file.org] = t
	}
	return t.Batch(w.file.name, b)
}

func (w *worker) flushTaps() (err error) {
	for _, t := range w.tappers {
		err = errors.Join(err, t.Flush())
	}
	return err
}
