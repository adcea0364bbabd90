package sweep

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/match"
)

// content asks YARA rules of the bytes of every file, those in archives too, unpacked where they were compressed. It is a pass of its
// own: a rule may look at any place of a file, so nothing can be decided while segments go by.
func (s *run) content(ctx context.Context, y *match.YARA) error {
	if y == nil {
		return nil
	}
	files := map[fileKey]*fileResult{}
	for _, f := range s.files.all {
		files[fileKey{f.item, f.name}] = f
	}
	var next atomic.Int64
	failed := make([]error, s.question.Threads)
	var all sync.WaitGroup
	for i := range failed {
		all.Go(func() {
			for {
				item := int(next.Add(1)) - 1
				if item >= len(s.items) || ctx.Err() != nil {
					return
				}
				if err := s.contentOf(ctx, y, item, files); err != nil {
					failed[i] = err
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(append(failed, ctx.Err())...)
}

type fileKey struct {
	item int
	name string
}

func (s *run) contentOf(ctx context.Context, y *match.YARA, item int, files map[fileKey]*fileResult) error {
	o := s.question.opening(s)
	o.Formats = nil // the bytes are wanted as they are
	r, err := evidence.Open(s.items[item], o)
	if err != nil {
		return nil // told when it was read
	}
	defer r.Close()
	for {
		f, err := r.Next(ctx)
		if err != nil {
			return ctx.Err()
		}
		known := files[fileKey{item, f.Name}]
		if body := f.Content(); known != nil && body != nil && f.Archive == "" {
			if err := s.contentFile(ctx, y, known, f.Name, body); err != nil {
				return err
			}
		}
		if _, _, err := f.Finish(); err != nil {
			return ctx.Err()
		}
	}
}

func (s *run) contentFile(ctx context.Context, y *match.YARA, known *fileResult, name string, body io.Reader) error {
	rules, cut, err := y.Scan(ctx, name, body)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var told coverage.Tally
	if err != nil {
		told.Damage(event.Damage{Reason: "YARA rules could not be asked: " + err.Error()})
	}
	if cut {
		told.Damage(event.Damage{Reason: "YARA rules were asked of the beginning only: the file is too long"})
	}
	if err != nil || cut {
		known.counts.add(&told)
	}
	var hits []*hit
	size := 0
	for _, rule := range rules {
		h := &hit{rule: s.question.Rules.Number(y, rule), file: known, time: event.NoTime, reported: true, matched: []event.Matched{{Field: "file", Value: name}}}
		hits = append(hits, h)
		size += h.size()
	}
	s.progress.hits.Add(int64(len(hits)))
	return s.hits.Add(hits, size)
}
