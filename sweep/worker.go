package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
)

// hitsPerAdd is how many hits a worker keeps to itself before it takes the sorter's lock.
const hitsPerAdd = 512

// worker decodes segments and matches their batches while they are in the processor's cache. It is the event.Sink of its
// decoders.
type worker struct {
	run      *run
	scanner  event.Scanner
	decoders map[event.Format]event.Decoder

	observers []observe
	tappers   map[string]Tapper // by organisation

	file     *fileResult
	tally    coverage.Tally
	hits     []*hit
	size     int
	notes    []*note
	noted    int
	matched  time.Duration
	record   event.Record
	text     []byte   // of an event, reused
	kept     []byte   // for the journal, reused
	shown    []byte   // the event asked for last in this batch
	shownRow int      // its row; -1 none
	hosts    []string // names of the batch by the dictionary's index, made when first asked for
	batch    *event.Batch
	bad      error
}

func newWorker(r *run) *worker {
	w := &worker{run: r, scanner: r.question.Rules.Scanner(), decoders: map[event.Format]event.Decoder{}, observers: newObservers(r.question.Rules.Observers())}
	w.tally.Watch = func(s event.Source) []string { return r.asked.Of(s).Fields }
	return w
}

func (w *worker) work(ctx context.Context, q *queue) error {
	for {
		seg, file, r, ok := q.take(ctx)
		if !ok {
			return w.flushTaps()
		}
		w.file = file
		err := w.decode(seg)
		seg.Release()
		err = errors.Join(err, w.flush(), w.flushNotes())
		if w.run.journal != nil {
			err = errors.Join(err, w.run.journal.segment(&w.kept, codec{w.run}, noteCodec{w.run}, file, nil, nil, &w.tally))
		}
		file.counts.add(&w.tally)
		if err != nil {
			return err
		}
		if err := q.decoded(r); err != nil {
			return err
		}
	}
}

// decode runs one segment through its format's decoder and the rules. A fault of ours that hostile evidence found is
// contained to the segment and told as damage: the rest of the evidence must still be searched.
func (w *worker) decode(seg *event.Segment) (err error) {
	format := w.file.format // set once before the first segment was handed out
	decoder := w.decoders[format]
	if decoder == nil {
		decoder = format.Decoder()
		w.decoders[format] = decoder
	}
	w.tally.Numbered = format.Name() == "evtx"
	for _, d := range seg.Damage {
		w.tally.Damage(d)
	}
	began := time.Now()
	w.matched = 0
	defer func() {
		if fault := recover(); fault != nil {
			// The decoder's and the scanner's memory may be in any state.
			delete(w.decoders, format)
			w.scanner = w.run.question.Rules.Scanner()
			w.observers = newObservers(w.run.question.Rules.Observers())
			w.tally.Damage(event.Damage{Offset: seg.Offset, Reason: fmt.Sprintf("internal fault, segment not fully searched, please report: %v", fault)})
			if debugFaults {
				fmt.Printf("%s: %v\n%s\n", w.file.name, fault, debug.Stack())
			}
		}
		w.run.clock.decode.Add(int64(time.Since(began) - w.matched))
		w.run.clock.match.Add(int64(w.matched))
	}()
	return decoder.Decode(seg, &w.run.needs, w)
}

// debugFaults prints the stack of a contained fault; for development.
const debugFaults = false

// Damage implements event.Sink.
func (w *worker) Damage(d event.Damage) { w.tally.Damage(d) }

// Batch implements event.Sink.
func (w *worker) Batch(b *event.Batch) error {
	began := time.Now()
	w.tally.Batch(b)
	w.run.progress.events.Add(int64(b.Rows))
	w.batch, w.bad = b, nil
	w.hosts, w.shownRow, w.shown = w.hosts[:0], -1, nil
	err := w.scanner.Scan(b, w.hit)
	if err == nil {
		err = w.watch(b)
	}
	if err == nil {
		err = w.tap(b)
	}
	w.batch = nil
	w.matched += time.Since(began)
	if w.bad != nil {
		return w.bad
	}
	return err
}

func (w *worker) hit(row int, rule event.RuleIndex) {
	b, rules := w.batch, w.run.question.Rules
	if !w.run.within.Covers(b.Time[row]) {
		return
	}
	h := &hit{rule: rule, file: w.file, time: b.Time[row], offset: b.Offset[row], record: b.Record[row], recovered: b.Recovered, host: w.host(row)}
	if h.reported = rules.Reports(rule); h.reported {
		h.matched = w.scanner.Explain(b, row, rule)
		if !w.run.question.NoEvent {
			h.event = w.event(row)
		}
	}
	if rules.Feeds(rule) {
		if h.feeds = true; rules.CarriesMatched(rule) {
			h.carried = w.scanner.Explain(b, row, rule)
		} else {
			h.carried = rules.Carry(b, row, rule)
		}
	}
	w.run.progress.hits.Add(1)
	w.hits = append(w.hits, h)
	w.size += h.size()
	if len(w.hits) == hitsPerAdd {
		if err := w.flush(); err != nil {
			w.bad = err
		}
	}
}

// host gives the name of a row's host, the same string for all rows of the batch: hits are many on few hosts.
func (w *worker) host(row int) string {
	c := w.batch.Host
	for _, code := range c.At(row) {
		if i, ok := code.Value(); ok {
			if len(w.hosts) < c.Dict.Len() {
				w.hosts = append(w.hosts[:0], make([]string, c.Dict.Len())...)
			}
			if w.hosts[i] == "" {
				w.hosts[i] = string(c.Dict.AppendText(nil, i))
			}
			return w.hosts[i]
		}
	}
	return ""
}

// event gives the whole event of a row as JSON, nil when it cannot be had. Hits come by row: those of one row share it,
// which saves decoding and writing every other event of a finding again.
func (w *worker) event(row int) []byte {
	if w.shownRow != row {
		w.shownRow, w.shown = row, w.render(row)
	}
	return w.shown
}

func (w *worker) render(row int) []byte {
	if w.batch.Fetch == nil {
		return nil
	}
	w.record.Fields = w.record.Fields[:0]
	if err := w.batch.Fetch(row, &w.record); err != nil {
		w.tally.Damage(event.Damage{Offset: w.batch.Offset[row], Reason: "event of a finding cannot be shown: " + err.Error()})
		return nil
	}
	w.text = w.record.AppendJSON(w.text[:0])
	return bytes.Clone(w.text)
}

func (w *worker) flush() error {
	if len(w.hits) == 0 {
		return nil
	}
	err := errors.Join(w.run.journal.segment(&w.kept, codec{w.run}, noteCodec{w.run}, w.file, w.hits, nil, nil), w.run.hits.Add(w.hits, w.size))
	clear(w.hits)
	w.hits, w.size = w.hits[:0], 0
	return err
}
