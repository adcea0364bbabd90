package sweep

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/event/packed"
	"github.com/contrail-ir/contrail/sweep/internal/spill"
)

// note is an observation on its way through the sorter.
type note struct {
	observer event.RuleIndex // first rule of the observer
	file     *fileResult
	time     int64
	record   uint64
	offset   uint64
	host     string
	key      []byte
	value    []byte
}

func (n *note) size() int { return 120 + len(n.host) + len(n.key) + len(n.value) }

// noteCodec orders notes by observer, organisation, key, time, file and record.
type noteCodec struct{ run *run }

// Compare looks no further than the first difference, as codec.Compare.
func (c noteCodec) Compare(a, b *note) int {
	if a.observer != b.observer {
		return cmp.Compare(a.observer, b.observer)
	}
	if a.file != b.file {
		if n := cmp.Compare(a.file.org, b.file.org); n != 0 {
			return n
		}
	}
	if n := bytes.Compare(a.key, b.key); n != 0 {
		return n
	}
	if a.time != b.time {
		return cmp.Compare(a.time, b.time)
	}
	return cmp.Or(a.file.compare(b.file), cmp.Compare(a.record, b.record), cmp.Compare(a.offset, b.offset), bytes.Compare(a.value, b.value))
}

func (noteCodec) Append(dst []byte, n *note) []byte {
	dst = packed.Uint(dst, uint64(n.observer))
	dst = packed.Uint(dst, uint64(n.file.id))
	dst = packed.Int(dst, n.time)
	dst = packed.Uint(dst, n.record)
	dst = packed.Uint(dst, n.offset)
	return packed.Text(packed.Text(packed.Text(dst, n.host), n.key), n.value)
}

func (c noteCodec) Decode(b []byte) (*note, error) { return c.decodeOf(nil, b) }

// decodeOf reads a note of a known file, or, when that is nil, of the file that the note names.
func (c noteCodec) decodeOf(f *fileResult, b []byte) (*note, error) {
	d := packed.NewReader(b)
	n := &note{observer: event.RuleIndex(d.Uint()), file: c.run.fileOf(f, d.Uint()), time: d.Int(), record: d.Uint(), offset: d.Uint(), host: d.Text(), key: []byte(d.Text()), value: []byte(d.Text())}
	if !d.Whole() || n.file == nil {
		return nil, errBrokenHit
	}
	return n, nil
}

// observe is a worker's part of the observers.
type observe struct {
	first   event.RuleIndex
	watcher event.Watcher
}

func (w *worker) watch(b *event.Batch) error {
	for _, o := range w.observers {
		if err := o.watcher.Watch(b, func(row int, key, value []byte) {
			if !w.run.within.Covers(b.Time[row]) {
				return
			}
			own := append(append(make([]byte, 0, len(key)+len(value)), key...), value...)
			n := &note{observer: o.first, file: w.file, time: b.Time[row], record: b.Record[row], offset: b.Offset[row], host: w.host(row), key: own[:len(key):len(key)], value: own[len(key):]}
			w.notes = append(w.notes, n)
			w.noted += n.size()
		}); err != nil {
			return err
		}
	}
	if len(w.notes) >= hitsPerAdd {
		return w.flushNotes()
	}
	return nil
}

func (w *worker) flushNotes() error {
	if len(w.notes) == 0 {
		return nil
	}
	err := errors.Join(w.run.journal.segment(&w.kept, codec{w.run}, noteCodec{w.run}, w.file, nil, w.notes, nil), w.run.notes.Add(w.notes, w.noted))
	clear(w.notes)
	w.notes, w.noted = w.notes[:0], 0
	return err
}

// judge lets the observers conclude, and puts their conclusions among the hits.
func (s *run) judge(observers map[event.RuleIndex]event.Observer) error {
	var now event.Judge
	var first event.RuleIndex
	org := ""
	var hits []*hit
	byFile := map[string]*fileResult{} // by name, of the organisation under way
	conclude := func() {
		if now == nil {
			return
		}
		now.Conclude(func(c event.Conclusion) {
			hits = append(hits, &hit{rule: first + c.Rule, file: byFile[c.At.File], time: c.At.Time, offset: c.At.Offset, record: c.At.Record,
				host: c.At.Host, reported: true, matched: c.Matched, score: c.Score})
		})
	}
	err := s.notes.Each(func(n *note) error {
		if now == nil || first != n.observer || org != n.file.org {
			conclude()
			now, first, org = observers[n.observer].Judge(), n.observer, n.file.org
			clear(byFile)
		}
		byFile[n.file.name] = n.file
		now.Add(&event.Observation{Key: n.key, Value: n.value, Time: n.time, Host: n.host, File: n.file.name, Record: n.record, Offset: n.offset})
		return nil
	})
	if err != nil {
		return err
	}
	conclude()
	size := 0
	for _, h := range hits {
		size += h.size()
	}
	return s.hits.Add(hits, size)
}

// newObservers makes a worker's watchers, in the order of their rules.
func newObservers(observers map[event.RuleIndex]event.Observer) (all []observe) {
	for _, first := range slices.Sorted(maps.Keys(observers)) {
		all = append(all, observe{first, observers[first].Watcher()})
	}
	return all
}

func newNotes(s *run, temp string) *spill.Sorter[*note] {
	return spill.New(noteCodec{s}, temp, s.question.Budget)
}
