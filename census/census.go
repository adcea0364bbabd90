// Package census counts the passengers' records in organisations' evidence: every file, and every member of archives of any kind
// and nesting, streams through the detectors of package exposure.
//
// It promises the same result whatever the number of threads and however often it was interrupted: items are counted apart and
// put together in their order. What cannot be read – a member that no password opens, a stream that breaks off, a form that is not
// looked into – is in the result as a loss and takes the upper bound from the numbers. It writes nothing but its journal and
// temporary files, and sends nothing anywhere.
package census

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/evidence/archive"
	"github.com/contrail-ir/contrail/exposure"
)

// Question is what is counted, and how.
type Question struct {
	Roots       []evidence.Root
	Results     string // folder that is written to, which is no evidence where it lies within a root
	Status      exposure.Status
	Key         []byte
	MaxDistinct int // see exposure.Options
	Threads     int // 0 for the number of processors
	Sources     *evidence.Sources
	Passwords   []string // for encrypted archives
	Limits      archive.Limits
	TempDir     string

	// Journal is a folder in which the census keeps what it has counted, so that it can go on after an interruption; "" for none. It
	// holds keyed hashes and numbers, not the key, and is removed when the census has ended. With Resume a census of the same evidence
	// goes on; the key must be the same.
	Journal string
	Resume  bool
}

// Progress can be read at any time while a census runs.
type Progress struct{ files, filesDone, bytes, bytesDone, rows atomic.Int64 }

// Read gives the counts of this moment.
func (p *Progress) Read() (files, filesDone, bytes, bytesDone, rows int64) {
	return p.files.Load(), p.filesDone.Load(), p.bytes.Load(), p.bytesDone.Load(), p.rows.Load()
}

// Run counts. complete is false when something could not be read. progress may be nil.
func Run(ctx context.Context, q Question, progress *Progress) (c *exposure.Counter, complete bool, err error) {
	return q.run(ctx, progress, (*run).count)
}

// run counts each item by count.
func (q Question) run(ctx context.Context, progress *Progress, count func(*run, context.Context, evidence.Item) part) (c *exposure.Counter, complete bool, err error) {
	if progress == nil {
		progress = &Progress{}
	}
	if q.Threads <= 0 {
		q.Threads = runtime.GOMAXPROCS(0)
	}
	items, unread, err := evidence.Walk(ctx, q.Roots, q.Results)
	if err != nil {
		return nil, false, fmt.Errorf("list evidence: %w", err)
	}
	progress.files.Store(int64(len(items)))
	for _, it := range items {
		progress.bytes.Add(it.Size)
	}
	r := &run{question: q, items: items, progress: progress, complete: true}
	if r.whole, err = r.counter(); err != nil {
		return nil, false, err
	}
	if err := r.begin(); err != nil {
		return nil, false, err
	}
	if err := r.read(ctx, count); err != nil {
		return nil, false, err
	}
	for _, u := range unread {
		if u.Lost {
			r.complete = false
		}
		r.whole.Lose(exposure.Loss{Org: u.Org, Status: q.Status, Name: u.Name, Reason: u.Reason, Open: u.Lost})
	}
	return r.whole, r.complete, r.end()
}

type run struct {
	question Question
	items    []evidence.Item
	progress *Progress
	whole    *exposure.Counter // of the items before next
	complete bool
	next     int
	journal  *journal
}

func (r *run) counter() (*exposure.Counter, error) {
	return exposure.New(exposure.Options{Key: r.question.Key, MaxDistinct: r.question.MaxDistinct, SpoolDir: r.question.TempDir})
}

// part is one item, counted.
type part struct {
	counter  *exposure.Counter
	complete bool
	err      error
}

// read counts the items that are left, several at a time, and merges them in their order. At most two for each thread are held.
func (r *run) read(ctx context.Context, count func(*run, context.Context, evidence.Item) part) error {
	ctx, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer func() { stop(); all.Wait() }()
	parts := make([]chan part, len(r.items))
	for i := range parts {
		parts[i] = make(chan part, 1)
	}
	slots := make(chan struct{}, 2*r.question.Threads)
	var taken atomic.Int64
	taken.Store(int64(r.next))
	for range r.question.Threads {
		all.Go(func() {
			for {
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					return
				}
				i := int(taken.Add(1)) - 1
				if i >= len(r.items) {
					return
				}
				parts[i] <- count(r, ctx, r.items[i])
			}
		})
	}
	for ; r.next < len(r.items); r.next++ {
		var p part
		select {
		case p = <-parts[r.next]:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), r.keep(true))
		}
		if p.err != nil {
			return errors.Join(p.err, r.keep(true))
		}
		<-slots
		if err := r.whole.Merge(p.counter); err != nil {
			return err
		}
		r.complete = r.complete && p.complete
		r.progress.filesDone.Add(1)
		if err := r.keep(false); err != nil {
			return err
		}
	}
	return nil
}

// count counts one item of evidence into a counter of its own.
func (r *run) count(ctx context.Context, it evidence.Item) (p part) {
	p.complete = true
	if p.counter, p.err = r.counter(); p.err != nil {
		return p
	}
	o := &opening{run: r, part: &p, item: it}
	defer o.books.closeAll()
	reading, err := evidence.Open(it, evidence.Options{Sources: r.question.Sources, Passwords: r.question.Passwords, Limits: r.question.Limits, TempDir: r.question.TempDir})
	if err != nil {
		o.lose(exposure.Loss{Org: it.Org, Name: it.Name, Reason: "cannot be read: " + evidence.Reason(errors.Unwrap(err)), Bytes: it.Size, Open: true})
		return p
	}
	defer reading.Close()
	before := int64(0)
	tell := func() {
		n := reading.BytesRead()
		r.progress.bytesDone.Add(n - before)
		before = n
	}
	o.tell = tell
	for {
		f, err := reading.Next(ctx)
		if ctx.Err() != nil {
			p.err = ctx.Err()
			return p
		}
		if err == io.EOF {
			r.progress.bytesDone.Add(it.Size - before)
			return p
		}
		if err != nil {
			o.lose(exposure.Loss{Org: it.Org, Name: it.Name, Reason: "cannot be read further: " + evidence.Reason(err), Open: true})
			return p
		}
		if p.err = o.file(ctx, f); p.err != nil {
			return p
		}
		tell()
	}
}

// opening is one item under way.
type opening struct {
	run  *run
	part *part
	item evidence.Item
	tell func()

	books workbooks
}

func (o *opening) lose(l exposure.Loss) {
	l.Status = o.run.question.Status
	if l.Open || l.Sealed {
		o.part.complete = false
	}
	o.part.counter.Lose(l)
}

// file counts one file or member. The error is that of the context.
func (o *opening) file(ctx context.Context, f *evidence.File) error {
	src := exposure.Source{Org: f.Org, Name: f.Name, Status: o.run.question.Status}
	o.books.leave(f.Name)
	body := f.Content()
	format := string(f.Archive)
	switch {
	case f.Why != "":
		// A member that nobody opens has a size; data that cannot be unpacked has that of its bytes.
		l := exposure.Loss{Org: f.Org, Name: f.Name, Reason: f.Why, Bytes: f.Size, Open: true, Sealed: f.Size > 0}
		_, _, err := f.Finish()
		if l.Bytes < 0 {
			l.Bytes = 0
		}
		o.lose(l)
		return err
	case f.Archive != "" || body == nil:
		_, damage, err := f.Finish()
		if f.Archive != "" && f.Members == 0 && len(damage) > 0 { // nobody can say what is in it, but how much there can be
			o.lose(exposure.Loss{Org: f.Org, Name: f.Name, Reason: fmt.Sprintf("%s archive: %s", f.Archive, damage[0].Reason), Bytes: f.Size, Open: true, Sealed: true, Packed: true})
			return err
		}
		return errors.Join(err, o.broken(src, format, damage))
	default:
		sealed := closed(body, f.Name, f.NotRead)
		switch {
		case sealed.what != "" && !sealed.legible:
			_, damage, err := f.Finish()
			o.lose(exposure.Loss{Org: f.Org, Name: f.Name, Reason: sealed.what + ": not looked into", Bytes: f.Size, Open: true, Sealed: sealed.packed, Packed: true})
			return errors.Join(err, o.broken(src, format, damage))
		case sealed.what != "":
			o.lose(exposure.Loss{Org: f.Org, Name: f.Name, Reason: sealed.what + ": searched as text only", Open: true})
		}
		if err := o.content(ctx, src, f, body); err != nil {
			return err
		}
	}
	_, damage, err := f.Finish()
	return errors.Join(err, o.broken(src, format, damage))
}

// content hands one stream to the counter. A fault of ours that hostile evidence found is contained and told as damage.
func (o *opening) content(ctx context.Context, src exposure.Source, f *evidence.File, body io.Reader) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			_ = debug.Stack()
			o.part.complete = false
			o.part.counter.Broken(src, "", exposure.Damage{Reason: "the reader failed here; the rest of the file is not counted"})
		}
	}()
	// Parquet is read from its end: a file on disk can be read there, a stream is copied first.
	if b, ok := body.(*bufio.Reader); ok && f.Name == o.item.Name {
		if head, _ := b.Peek(4); string(head) == "PAR1" {
			if disk, err := os.Open(o.item.Path); err == nil {
				defer disk.Close()
				body = disk
			}
		}
	}
	var told exposure.File
	in := &progressing{body, o.tell}
	switch part := partOf(body); part {
	case exposure.NoPart:
		told, err = o.part.counter.Add(ctx, src, in)
	case exposure.SheetPart:
		told, err = o.part.counter.AddSheet(ctx, src, o.books.of(f.Name, o.part.counter), in)
	default:
		err = o.books.of(f.Name, o.part.counter).Share(ctx, part, in)
	}
	o.run.progress.rows.Add(int64(told.Rows))
	if told.Damages > 0 {
		o.part.complete = false
	}
	if err != nil && ctx.Err() == nil {
		o.part.complete = false
		o.part.counter.Broken(src, "", exposure.Damage{Offset: told.Bytes, Reason: "cannot be read further: " + evidence.Reason(err)})
		err = nil
	}
	return err
}

// broken tells damage that showed at the end of a file.
func (o *opening) broken(src exposure.Source, format string, damage []damageOf) error {
	if len(damage) == 0 {
		return nil
	}
	o.part.complete = false
	list := make([]exposure.Damage, len(damage))
	for i, d := range damage {
		list[i] = exposure.Damage{Offset: int64(d.Offset), Reason: d.Reason}
	}
	o.part.counter.Broken(src, format, list...)
	return nil
}

// progressing tells how far the item was read, every few megabytes.
type progressing struct {
	io.Reader
	tell func()
}

func (p *progressing) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.tell()
	return n, err
}

// Seek and ReadAt serve Parquet on disk.
func (p *progressing) Seek(offset int64, whence int) (int64, error) {
	if s, ok := p.Reader.(io.Seeker); ok {
		return s.Seek(offset, whence)
	}
	return 0, errors.ErrUnsupported
}

func (p *progressing) ReadAt(b []byte, at int64) (int, error) {
	if s, ok := p.Reader.(io.ReaderAt); ok {
		return s.ReadAt(b, at)
	}
	return 0, errors.ErrUnsupported
}
