package ledger

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxBatch is the largest number of entries in one append.
const MaxBatch = 1024

const maxBatchBytes = 64 << 20

// Writer appends while the lock is held. It is valid only inside the function that Update calls, for one goroutine.
type Writer struct {
	l    *Ledger
	head Head
	end  int64 // where the last entry ends in its segment
}

// Update takes the ledger's lock, repairs what a crash left behind, and calls fn with a Writer. What fn has appended stays
// even if fn then returns an error. Errors: ErrReadOnly, ErrLocked, ErrLost, and those of the disk.
func (l *Ledger) Update(ctx context.Context, fn func(*Writer) error) error {
	if l.opts.Head == nil {
		return fmt.Errorf("ledger: write %s: %w", l.dir, ErrReadOnly)
	}
	unlock, err := lock(ctx, filepath.Join(l.dir, lockFile), l.opts.Wait)
	if err != nil {
		return fmt.Errorf("ledger: write %s: %w", l.dir, plainer(err))
	}
	defer unlock()
	w := &Writer{l: l}
	if w.head, err = l.Head(); err != nil {
		return err
	}
	if err := w.repair(); err != nil {
		return fmt.Errorf("ledger: repair %s: %w", l.dir, plainer(err))
	}
	return fn(w)
}

// Append is Update with one append.
func (l *Ledger) Append(ctx context.Context, author crypto.Signer, drafts ...Draft) (entries []Entry, err error) {
	err = l.Update(ctx, func(w *Writer) error {
		entries, err = w.Append(author, drafts...)
		return err
	})
	return entries, err
}

// Head is the head that the next append extends.
func (w *Writer) Head() Head { return w.head }

// Append signs the drafts with the author's Ed25519 key and appends them as one: when it returns without an error all of them are
// acknowledged and durable, otherwise none is.
func (w *Writer) Append(author crypto.Signer, drafts ...Draft) ([]Entry, error) {
	entries, err := w.append(author, drafts)
	if err != nil {
		return nil, fmt.Errorf("ledger: append to %s: %w", w.l.dir, plainer(err))
	}
	return entries, nil
}

func (w *Writer) append(author crypto.Signer, drafts []Draft) ([]Entry, error) {
	pub, ok := author.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("a %T is not an Ed25519 key", author.Public())
	}
	if len(drafts) == 0 {
		return nil, nil
	}
	if len(drafts) > MaxBatch {
		return nil, fmt.Errorf("%d entries at once, more than %d", len(drafts), MaxBatch)
	}
	g := growth{base: diskTiles(w.l.dir), fresh: map[int64]tlog.Hash{}, size: w.head.Size}
	prev, err := g.last()
	if err != nil {
		return nil, err
	}
	now := w.l.opts.Now().UTC().Round(0)
	entries := make([]Entry, len(drafts))
	total := 0
	for i, d := range drafts {
		e := Entry{
			Seq: g.size, Prev: prev, Time: now, Author: pub,
			Kind: d.Kind, Version: d.Version, Why: d.Why, Seen: slices.Clone(d.Seen), Data: slices.Clone(d.Data),
		}
		if err := e.sign(author); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Kind, err)
		}
		if total += len(e.line); total > maxBatchBytes {
			return nil, fmt.Errorf("more than %d bytes at once", maxBatchBytes)
		}
		prev = e.Hash()
		if err := g.add(prev); err != nil {
			return nil, err
		}
		entries[i] = e
	}
	root, err := tlog.TreeHash(int64(g.size), &g)
	if err != nil {
		return nil, err
	}
	head, err := Head{Name: w.head.Name, Size: g.size, Root: root}.sign(w.l.opts.Head)
	if err != nil {
		return nil, err
	}
	changes, end := w.changes(entries)
	changes = append(changes, g.tiles...)
	for i, c := range changes {
		if err := w.l.extend(c.name, c.keep, c.data); err != nil {
			return nil, errors.Join(err, w.l.undo(changes[:i+1]))
		}
	}
	if err := w.l.replaceHead(head); err != nil {
		if now, herr := w.l.Head(); herr != nil || now.Size != w.head.Size {
			// The rename happened and only its durability is in doubt: the bytes must stay.
			return nil, fmt.Errorf("the entry is written, but the disk does not confirm it: %w", err)
		}
		return nil, errors.Join(err, w.l.undo(changes))
	}
	if head.Size%tileWidth == 0 {
		end = 0 // the next entry begins a segment
	}
	w.head, w.end = head, end
	w.l.remember(head.Size, end)
	return entries, nil
}

// change is bytes to be written behind the first keep bytes of a file.
type change struct {
	name string
	keep int64
	data []byte
}

// changes lays entries out in segments.
func (w *Writer) changes(entries []Entry) ([]change, int64) {
	var out []change
	end := w.end
	for i, e := range entries {
		if e.Seq%tileWidth == 0 {
			end = 0
		}
		if i == 0 || e.Seq%tileWidth == 0 {
			out = append(out, change{name: segmentPath(e.Seq / tileWidth), keep: end})
		}
		c := &out[len(out)-1]
		c.data = append(append(c.data, e.line...), '\n')
		end += int64(len(e.line)) + 1
	}
	return out, end
}

// undo cuts back what a failed append wrote itself.
func (l *Ledger) undo(changes []change) error {
	var err error
	for _, c := range changes {
		path := filepath.Join(l.dir, c.name)
		var e error
		if c.keep == 0 {
			e = os.Remove(path)
		} else {
			e = os.Truncate(path, c.keep)
		}
		if e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (l *Ledger) remember(size uint64, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = tail{size, end, true}
}

// growth computes the hashes that new entries add to the tree.
type growth struct {
	base  diskTiles
	fresh map[int64]tlog.Hash // by stored hash index
	size  uint64
	tiles []change
}

// ReadHashes is what tlog asks for; new hashes hide nothing, since stored hashes never change.
func (g *growth) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := g.fresh[index]
		if !ok {
			t := tlog.TileForIndex(tileHeight, index)
			b, err := readTile(string(g.base), t)
			if err != nil {
				return nil, err
			}
			if h, err = tlog.HashFromTile(t, b, index); err != nil {
				return nil, err
			}
		}
		out[i] = h
	}
	return out, nil
}

// last is the leaf hash of the last entry, zeros when there is none.
func (g *growth) last() (tlog.Hash, error) {
	if g.size == 0 {
		return tlog.Hash{}, nil
	}
	h, err := g.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(g.size-1))})
	if err != nil {
		return tlog.Hash{}, err
	}
	return h[0], nil
}

func (g *growth) add(leaf tlog.Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(int64(g.size), leaf, g)
	if err != nil {
		return err
	}
	for j, h := range hashes {
		at := g.size >> j
		g.fresh[tlog.StoredHashIndex(j, int64(at))] = h
		if j%tileHeight == 0 {
			g.addToTile(j/tileHeight, at, h)
		}
	}
	g.size++
	return nil
}

func (g *growth) addToTile(level int, at uint64, h tlog.Hash) {
	name := tilePath(level, at/tileWidth)
	i := slices.IndexFunc(g.tiles, func(c change) bool { return c.name == name })
	if i < 0 {
		i = len(g.tiles)
		g.tiles = append(g.tiles, change{name: name, keep: int64(at%tileWidth) * tlog.HashSize})
	}
	g.tiles[i].data = append(g.tiles[i].data, h[:]...)
}

// repair cuts off what lies behind the acknowledged head, and finds where its last entry ends.
func (w *Writer) repair() error {
	l, size := w.l, w.head.Size
	l.mu.Lock()
	known := l.tail
	l.mu.Unlock()
	if known.ok && known.size == size {
		w.end = known.end
	} else {
		end, err := endOf(l.dir, size/tileWidth, size%tileWidth)
		if err != nil {
			return fmt.Errorf("head acknowledges %d entries: %w", size, err)
		}
		w.end = end
	}
	if err := os.Remove(filepath.Join(l.dir, tmpFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	cut, err := l.cutEntries(size, w.end)
	if err != nil {
		return err
	}
	tiles, err := l.cutTiles(size)
	if err != nil {
		return err
	}
	if cut.Bytes > 0 || tiles {
		l.mu.Lock()
		l.torn = append(l.torn, cut)
		l.mu.Unlock()
	}
	l.remember(size, w.end)
	return nil
}

func (l *Ledger) cutEntries(size uint64, end int64) (Torn, error) {
	cut := Torn{Size: size}
	type piece struct {
		path string
		keep int64
		rest int64
	}
	var pieces []piece
	for n := size / tileWidth; ; n++ {
		path := filepath.Join(l.dir, segmentPath(n))
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			if end > 0 {
				return cut, fmt.Errorf("%s is gone: %w", segmentPath(n), ErrLost)
			}
			break
		}
		if err != nil {
			return cut, err
		}
		if info.Size() < end {
			return cut, fmt.Errorf("%s has %d bytes of %d: %w", segmentPath(n), info.Size(), end, ErrLost)
		}
		if info.Size() > end || end == 0 {
			pieces = append(pieces, piece{path, end, info.Size() - end})
			cut.Bytes += info.Size() - end
		}
		end = 0
	}
	if cut.Bytes > 0 {
		saved, err := l.saveTorn(size, func(w io.Writer) error {
			for _, p := range pieces {
				f, err := os.Open(p.path)
				if err != nil {
					return err
				}
				_, err = io.Copy(w, io.NewSectionReader(f, p.keep, p.rest))
				if err = errors.Join(err, f.Close()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return cut, err
		}
		cut.Saved = saved
	}
	for _, p := range slices.Backward(pieces) { // the farthest first, so that a second crash leaves no hole
		if err := cutFile(p.path, p.keep); err != nil {
			return cut, err
		}
	}
	return cut, nil
}

// saveTorn keeps unacknowledged bytes, because an old head that was put back by mistake makes good entries look torn.
func (l *Ledger) saveTorn(size uint64, content func(io.Writer) error) (string, error) {
	dir := filepath.Join(l.dir, tornDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "tmp-*")
	if err != nil {
		return "", err
	}
	err = content(f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	var d Digest
	if err == nil {
		d, _, err = DigestReader(f)
	}
	if err == nil {
		err = l.sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	name := filepath.Join(tornDir, fmt.Sprintf("%d-%s.jsonl", size, d[len("sha256:"):][:16]))
	if err := os.Rename(f.Name(), filepath.Join(l.dir, name)); err != nil {
		return "", err
	}
	return filepath.ToSlash(name), l.syncFolders(dir)
}

func (l *Ledger) cutTiles(size uint64) (cut bool, err error) {
	for level := range levels {
		total := size >> (tileHeight * level)
		end := int64(total%tileWidth) * tlog.HashSize
		for n := total / tileWidth; ; n++ {
			path := filepath.Join(l.dir, tilePath(level, n))
			info, err := os.Stat(path)
			switch {
			case errors.Is(err, fs.ErrNotExist) && end == 0:
			case errors.Is(err, fs.ErrNotExist):
				return cut, fmt.Errorf("%s is gone: %w", tilePath(level, n), ErrLost)
			case err != nil:
				return cut, err
			case info.Size() < end:
				return cut, fmt.Errorf("%s has %d bytes of %d: %w", tilePath(level, n), info.Size(), end, ErrLost)
			case info.Size() > end || end == 0:
				if err := cutFile(path, end); err != nil {
					return cut, err
				}
				cut, end = true, 0
				continue
			}
			if err != nil || end == 0 {
				break
			}
			end = 0
		}
	}
	return cut, nil
}

// cutFile shortens a file to keep bytes and removes it when none are left.
func cutFile(path string, keep int64) error {
	if keep == 0 {
		return os.Remove(path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(keep), f.Sync(), f.Close())
}

// rootOf folds the roots of complete subtrees, largest first, into the root of the tree (RFC 6962, section 2.1).
func rootOf(stack []tlog.Hash) tlog.Hash {
	root := stack[len(stack)-1]
	for i := len(stack) - 2; i >= 0; i-- {
		root = tlog.NodeHash(stack[i], root)
	}
	return root
}

// push adds leaf number n to a stack of complete subtrees and reports every subtree that it completes, by level.
func push(stack []tlog.Hash, n uint64, leaf tlog.Hash, done func(level int, h tlog.Hash)) []tlog.Hash {
	h := leaf
	done(0, h)
	for level := range bits.TrailingZeros64(n + 1) {
		h = tlog.NodeHash(stack[len(stack)-1], h)
		stack = stack[:len(stack)-1]
		done(level+1, h)
	}
	return append(stack, h)
}

// waitStep is how long a writer sleeps between two tries for the lock.
const waitStep = 20 * time.Millisecond

// lock takes the lock of a file, waiting at most wait.
func lock(ctx context.Context, path string, wait time.Duration) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(wait)
	for {
		ok, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if ok {
			return func() { f.Close() }, nil // closing releases the lock on every system
		}
		if !time.Now().Before(deadline) {
			f.Close()
			if wait <= 0 {
				return nil, ErrLocked
			}
			return nil, fmt.Errorf("waited %s: %w", wait, ErrLocked)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(waitStep):
		}
	}
}
