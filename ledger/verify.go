package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Problem is something that does not fit.
type Problem struct {
	Entry int64  // number of the entry, -1 when it is about no entry in particular
	File  string // relative to the ledger, "/"-separated; "" when it is about no file in particular
	What  string
}

func (p Problem) String() string {
	var sb strings.Builder
	if p.Entry >= 0 {
		fmt.Fprintf(&sb, "entry %d: ", p.Entry)
	}
	if p.File != "" {
		sb.WriteString(p.File + ": ")
	}
	return sb.String() + p.What
}

// VerifyOptions say against what a ledger is verified.
type VerifyOptions struct {
	Key   string             // verifier key that the ledger must have; "" takes the one it states
	Saved []byte             // a head saved earlier; nil for none
	Visit func(*Entry) error // called for every entry that fits, in order; an error becomes the entry's Problem
}

// Report is the result of a verification.
type Report struct {
	Head     Head
	Entries  uint64    // that fit, counted from the first
	Problems []Problem // none: everything fits
	Notes    []string  // harmless, but worth knowing
}

// OK says that everything fits.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

func (r *Report) problem(entry int64, file, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{entry, filepath.ToSlash(file), fmt.Sprintf(format, args...)})
}

// Verify recomputes a ledger from its entries. What does not fit is reported, beginning with the first wrong entry, after which no
// entry is judged any more. The error is for what kept it from verifying at all, such as a cancelled context. Memory does not grow with the ledger.
func Verify(ctx context.Context, dir string, opts VerifyOptions) (*Report, error) {
	r := &Report{}
	key, err := readKey(dir)
	if err != nil {
		r.problem(-1, keyFile, "%v", err)
		if opts.Key == "" {
			return r, nil
		}
	}
	if opts.Key != "" {
		if err == nil && key != opts.Key {
			r.problem(-1, keyFile, "the ledger states the key %s, but %s was asked for", key, opts.Key)
		}
		key = opts.Key
	}
	b, err := readSmall(filepath.Join(dir, headFile), maxHead)
	if err == nil {
		r.Head, err = ParseHead(b, key)
	}
	if err != nil {
		r.problem(-1, headFile, "%v", err)
		return r, nil
	}
	v := verification{dir: dir, r: r, size: r.Head.Size, visit: opts.Visit}
	if opts.Saved != nil {
		if v.saved, err = ParseHead(opts.Saved, key); err != nil {
			r.problem(-1, "", "the saved head is not one of this ledger: %v", err)
		} else if v.saved.Size > r.Head.Size {
			r.problem(int64(r.Head.Size), headFile, "the ledger was rolled back or truncated: it has %d entries, the saved head %d", r.Head.Size, v.saved.Size)
		} else {
			v.compare = true
		}
	}
	if err := v.entries(ctx); err != nil {
		return r, err
	}
	v.leftovers()
	return r, nil
}

type verification struct {
	dir     string
	r       *Report
	size    uint64
	visit   func(*Entry) error
	saved   Head
	compare bool

	stack []tlog.Hash
	tiles [levels]struct {
		n    int64 // of the tile in data, plus one
		data []byte
		err  error
	}
}

func (v *verification) entries(ctx context.Context) error {
	v.compareSaved(0)
	var prev tlog.Hash
	l := newLedger(v.dir, "", Options{})
	for e, err := range l.Entries(ctx, 0, v.size) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		seq := v.r.Entries
		if err != nil {
			v.r.problem(int64(seq), segmentPath(seq/tileWidth), "%v", strip(err))
			return nil
		}
		if what := v.judge(&e, prev); what != "" {
			v.r.problem(int64(seq), segmentPath(seq/tileWidth), "%s", what)
			return nil
		}
		if v.visit != nil {
			if err := v.visit(&e); err != nil {
				v.r.problem(int64(seq), "", "%v", err)
				return nil
			}
		}
		prev = e.Hash()
		v.r.Entries++
		v.compareSaved(v.r.Entries)
	}
	root, err := tlog.TreeHash(0, nil)
	if err != nil {
		return err
	}
	if v.size > 0 {
		root = rootOf(v.stack)
	}
	if root != v.r.Head.Root {
		v.r.problem(-1, headFile, "the head's root %v is not that of its %d entries, %v", v.r.Head.Root, v.size, root)
	}
	return nil
}

// strip leaves out what the Problem says anyway.
func strip(err error) error {
	if u := errors.Unwrap(err); u != nil {
		return u
	}
	return err
}

func (v *verification) judge(e *Entry, prev tlog.Hash) string {
	if err := e.VerifySignature(); err != nil {
		return "the author's signature does not verify"
	}
	if e.Prev != prev {
		return "it does not follow the entry before it (prev does not fit)"
	}
	what := ""
	v.stack = push(v.stack, e.Seq, e.Hash(), func(level int, h tlog.Hash) {
		if level%tileHeight == 0 && what == "" {
			what = v.inTile(level/tileHeight, e.Seq>>level, h)
		}
	})
	return what
}

// inTile compares a hash with the one that the tiles hold.
func (v *verification) inTile(level int, at uint64, h tlog.Hash) string {
	t := &v.tiles[level]
	name := filepath.ToSlash(tilePath(level, at/tileWidth))
	if n := int64(at/tileWidth) + 1; t.n != n {
		t.n = n
		t.data, t.err = readSmall(filepath.Join(v.dir, tilePath(level, at/tileWidth)), tileWidth*tlog.HashSize)
	}
	if t.err != nil {
		return fmt.Sprintf("its hash cannot be read: %v", t.err)
	}
	off := int(at%tileWidth) * tlog.HashSize
	if len(t.data) < off+tlog.HashSize {
		return fmt.Sprintf("its hash is missing in %s", name)
	}
	if !bytes.Equal(t.data[off:off+tlog.HashSize], h[:]) {
		return fmt.Sprintf("its hash is not the one in %s", name)
	}
	return ""
}

func (v *verification) compareSaved(size uint64) {
	if !v.compare || v.saved.Size != size {
		return
	}
	root, _ := tlog.TreeHash(0, nil)
	if size > 0 {
		root = rootOf(v.stack)
	}
	if root != v.saved.Root {
		v.r.problem(-1, "", "the ledger's first %d entries are not those of the saved head: another history was written", size)
	}
}

// leftovers notes bytes behind the head, which a crash leaves and the next writer cuts off.
func (v *verification) leftovers() {
	if !v.r.OK() {
		return
	}
	note := func(name string, want int64) {
		info, err := os.Lstat(filepath.Join(v.dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			v.r.problem(-1, name, "%v", err)
		case info.Size() > want:
			v.r.Notes = append(v.r.Notes, fmt.Sprintf("%s holds %d bytes behind the acknowledged head, left by an interrupted writer; the next writer removes them", filepath.ToSlash(name), info.Size()-want))
		}
	}
	end, err := endOf(v.dir, v.size/tileWidth, v.size%tileWidth)
	if err != nil {
		v.r.problem(-1, segmentPath(v.size/tileWidth), "%v", err)
		return
	}
	note(segmentPath(v.size/tileWidth), end)
	for level := range levels {
		total := v.size >> (tileHeight * level)
		note(tilePath(level, total/tileWidth), int64(total%tileWidth)*tlog.HashSize)
	}
	if names, err := os.ReadDir(filepath.Join(v.dir, tornDir)); err == nil {
		for _, n := range names {
			v.r.Notes = append(v.r.Notes, fmt.Sprintf("%s/%s holds unacknowledged entries that a repair cut off", tornDir, n.Name()))
		}
	}
}
