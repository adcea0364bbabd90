package sweep

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
)

// queue hands out segments. A file is cut by one worker at a time while others decode what was cut before; when every open
// file is being cut, a worker that asks opens the next one. So one large file and many small ones both use all threads.
type queue struct {
	run *run

	mu     sync.Mutex
	failed error      // of the journal; guarded by mu
	next   int        // item to open next; guarded by mu
	open   []*reading // in order of their items; guarded by mu
}

// reading is an item that is open. Its files, when it is an archive, are cut one after another.
type reading struct {
	item int

	mu      sync.Mutex        // held by the worker that cuts
	reading *evidence.Reading // guarded by mu
	file    *evidence.File    // under way; guarded by mu
	result  *fileResult       // of file; guarded by mu
	nth     int               // files begun; guarded by mu
	done    bool              // guarded by mu
	digest  string            // of the item's own file; guarded by mu
	pending atomic.Int64      // segments handed out and not yet decoded, and one until the item has ended
	read    int64             // bytes told to progress; guarded by mu
}

func newQueue(r *run) *queue { return &queue{run: r} }

// take gives the next segment with its file, or false when there is none left. The worker tells by decoded when it is done.
func (q *queue) take(ctx context.Context) (*event.Segment, *fileResult, *reading, bool) {
	for ctx.Err() == nil {
		r := q.acquire()
		if r == nil {
			return nil, nil, nil, false
		}
		seg := q.cut(ctx, r)
		file := r.result
		if seg != nil {
			r.pending.Add(1)
		}
		r.mu.Unlock()
		if seg != nil {
			return seg, file, r, true
		}
	}
	return nil, nil, nil, false
}

// decoded notes that a segment of a reading is done; the last one ends the item in the journal.
func (q *queue) decoded(r *reading) error {
	if r.pending.Add(-1) > 0 {
		return nil
	}
	return q.run.keepItem(r.item, r.digest) // nobody cuts the item any more
}

// acquire gives a reading with its lock held: the first that nobody cuts, else a new one, else the first to come free.
func (q *queue) acquire() *reading {
	for {
		q.mu.Lock()
		for _, r := range q.open {
			if r.mu.TryLock() {
				q.mu.Unlock()
				return r
			}
		}
		for q.run.done[q.next] > 0 {
			q.next++ // an interrupted sweep did that
		}
		if q.next < len(q.run.items) {
			r := &reading{item: q.next}
			r.pending.Store(1)
			r.mu.Lock()
			q.next++
			q.open = append(q.open, r)
			q.mu.Unlock()
			return r
		}
		if len(q.open) == 0 {
			q.mu.Unlock()
			return nil
		}
		r := q.open[0]
		q.mu.Unlock()
		r.mu.Lock()
		if !r.done {
			return r
		}
		r.mu.Unlock()
	}
}

// cut takes one segment from a reading, opening the item and its next file first; nil when the item has ended.
func (q *queue) cut(ctx context.Context, r *reading) *event.Segment {
	began := time.Now()
	defer func() { q.run.clock.open.Add(int64(time.Since(began))) }()
	if r.done || !q.begin(r) {
		return nil
	}
	for ctx.Err() == nil {
		if r.file == nil {
			file, err := r.reading.Next(ctx)
			if err != nil {
				if err != io.EOF && ctx.Err() == nil {
					q.unreadable(r, err)
				}
				if ctx.Err() == nil {
					q.drop(r)
				}
				return nil
			}
			q.met(r, file)
		}
		seg, err := r.file.Next(ctx)
		if ctx.Err() != nil && err != nil {
			return nil
		}
		if err == nil {
			q.tell(r)
			return seg
		}
		var tally coverage.Tally
		if err != io.EOF {
			tally.Damage(event.Damage{Offset: uint64(r.file.Offset()), Reason: "not read further: " + err.Error()})
		}
		q.finish(r, &tally)
	}
	return nil
}

// begin opens an item.
func (q *queue) begin(r *reading) bool {
	if r.reading != nil {
		return true
	}
	opened, err := evidence.Open(q.run.items[r.item], q.run.question.opening(q.run))
	if err != nil {
		q.unreadable(r, err)
		q.drop(r)
		return false
	}
	r.reading = opened
	return true
}

// unreadable notes an item that the file system does not give.
func (q *queue) unreadable(r *reading, err error) {
	it := &q.run.items[r.item]
	f := q.run.files.add(&fileResult{item: r.item, nth: r.nth, org: it.Org, name: it.Name, size: it.Size, counts: &counts{}})
	f.why, f.lost = "cannot be read: "+evidence.Reason(err), true
}

// met notes a file that begins.
func (q *queue) met(r *reading, file *evidence.File) {
	result := &fileResult{item: r.item, nth: r.nth, org: file.Org, name: file.Name, format: file.Format}
	if file.Format != nil && file.Why != "" {
		result.described = true
		result.counts = q.run.described(file.Org)
	} else {
		result.counts = &counts{}
	}
	r.nth++
	r.file, r.result = file, q.run.files.add(result)
}

// finish ends the file under way.
func (q *queue) finish(r *reading, tally *coverage.Tally) {
	file, result := r.file, r.result
	r.file = nil
	digest, damage, err := file.Finish()
	for _, d := range damage {
		tally.Damage(d)
	}
	if err != nil {
		tally.Damage(event.Damage{Reason: "closing the file failed: " + evidence.Reason(err)})
	}
	if file.Why != "" && len(damage) > 0 { // it is not among the files read, which list their damage
		file.Why += "; " + damage[0].Reason
		file.Lost = true
		*tally = coverage.Tally{}
	}
	result.size, result.why, result.lost, result.notRead = file.Size, file.Why, file.Lost, file.NotRead
	result.archive, result.members = string(file.Archive), file.Members
	result.renamed, result.custody, result.digest, result.collection = file.Renamed, file.Custody, digest, file.Collection
	if file.Name == q.run.items[r.item].Name {
		r.digest = digest
	}
	q.fail(q.run.keepFile(result, tally))
	result.counts.add(tally)
	q.tell(r)
}

func (q *queue) tell(r *reading) {
	n := r.reading.BytesRead()
	q.run.progress.bytesDone.Add(n - r.read)
	r.read = n
}

func (q *queue) drop(r *reading) {
	r.done = true
	if r.reading != nil {
		_ = r.reading.Close() // read only: nothing is lost
	}
	q.run.progress.filesDone.Add(1)
	q.fail(q.decoded(r))
	q.mu.Lock()
	q.open = slices.DeleteFunc(q.open, func(x *reading) bool { return x == r })
	q.mu.Unlock()
}

// fail keeps the first error of the journal, which ends the sweep: what cannot be kept cannot be promised.
func (q *queue) fail(err error) {
	if err == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failed == nil {
		q.failed = err
	}
}

// close ends files that an interruption left open.
func (q *queue) close() {
	for _, r := range q.open {
		if r.reading != nil && !r.done {
			_ = r.reading.Close()
		}
	}
}
