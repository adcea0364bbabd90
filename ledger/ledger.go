// Package ledger is an append-only log of signed entries: a hash chain inside a Merkle tree with signed heads. docs/formats/ledger.md describes it on disk.
//
// It promises that what an append has acknowledged is there after a crash at any moment; that anyone with the ledger's one
// public key can check offline that an entry is in it and that it only ever grew; and that verification names the first
// entry that does not fit. It refuses to change or remove entries, to repair the loss of an acknowledged entry silently,
// and to interpret what the entries say.
//
// The tree is that of RFC 6962 as computed by golang.org/x/mod/sumdb/tlog; heads are signed notes of
// golang.org/x/mod/sumdb/note.
package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	keyFile  = "key.pub"
	headFile = "head"
	tmpFile  = "head.tmp"
	lockFile = "lock"
	tornDir  = "torn"
)

// ErrReadOnly is the cause when a ledger was opened without a key for its heads.
var ErrReadOnly = errors.New("opened for reading only")

// ErrLocked is the cause when another process kept the ledger locked for as long as the caller was ready to wait.
var ErrLocked = errors.New("another process is writing")

// ErrLost is the cause when entries that a head acknowledges are not there.
var ErrLost = errors.New("acknowledged entries are missing; nothing was repaired, run verify")

// Options say how a ledger is opened.
type Options struct {
	Head note.Signer      // signs tree heads; nil opens for reading only
	Wait time.Duration    // how long to wait for another writer; 0 is 10 s, negative does not wait
	Now  func() time.Time // the clock; nil is time.Now
}

// Torn is what a repair cut off behind the acknowledged head after a crash.
type Torn struct {
	Size  uint64 // entries that the head acknowledges, all kept
	Bytes int64  // of unacknowledged entries
	Saved string // where those bytes were kept, relative to the ledger; "" when there were none
}

// Ledger is an open ledger. It is safe for concurrent use, and several processes may use one folder.
type Ledger struct {
	dir  string
	key  string // verifier key
	opts Options

	// Fault injection in tests; otherwise the methods of os.File.
	write func(*os.File, []byte) (int, error)
	sync  func(*os.File) error

	mu   sync.Mutex
	tail tail   // guarded by mu
	torn []Torn // guarded by mu
}

// tail remembers where the last entry of a head ends, so that appending need not read the segment again.
type tail struct {
	size uint64
	end  int64
	ok   bool
}

// Create makes an empty ledger in dir, which must not exist or be empty, with the key (NAME+HASH+BASE64) that belongs to opts.Head.
func Create(dir, key string, opts Options) (*Ledger, error) {
	fail := func(err error) (*Ledger, error) { return nil, fmt.Errorf("ledger: create %s: %w", dir, err) }
	v, err := note.NewVerifier(key)
	if err != nil {
		return fail(fmt.Errorf("key: %w", err))
	}
	if opts.Head == nil || opts.Head.Name() != v.Name() || opts.Head.KeyHash() != v.KeyHash() {
		return fail(errors.New("the signer of heads does not belong to the key"))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	if names, err := os.ReadDir(dir); err != nil {
		return fail(err)
	} else if len(names) > 0 {
		return fail(errors.New("the folder is not empty"))
	}
	root, err := tlog.TreeHash(0, nil)
	if err != nil {
		return fail(err)
	}
	head, err := Head{Name: v.Name(), Root: root}.sign(opts.Head)
	if err != nil {
		return fail(err)
	}
	l := newLedger(dir, key, opts)
	if err := l.createFile(lockFile, nil); err != nil {
		return fail(err)
	}
	if err := l.createFile(keyFile, []byte(key+"\n")); err != nil {
		return fail(err)
	}
	if err := l.replaceHead(head); err != nil {
		return fail(err)
	}
	return l, nil
}

// Open opens the ledger in dir and checks its head's signature. It does not read the entries; see Verify.
func Open(dir string, opts Options) (*Ledger, error) {
	key, err := readKey(dir)
	if err != nil {
		return nil, fmt.Errorf("ledger: open %s: %w", dir, err)
	}
	l := newLedger(dir, key, opts)
	h, err := l.Head()
	if err != nil {
		return nil, fmt.Errorf("ledger: open %s: %w", dir, err)
	}
	if s := opts.Head; s != nil {
		v, err := note.NewVerifier(key)
		if err != nil || s.Name() != v.Name() || s.KeyHash() != v.KeyHash() {
			return nil, fmt.Errorf("ledger: open %s: the signer of heads %q is not that of %s", dir, s.Name(), h.Name)
		}
	}
	return l, nil
}

func newLedger(dir, key string, opts Options) *Ledger {
	if opts.Wait == 0 {
		opts.Wait = 10 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Ledger{dir: dir, key: key, opts: opts, write: (*os.File).Write, sync: (*os.File).Sync}
}

func readKey(dir string) (string, error) {
	b, err := readSmall(filepath.Join(dir, keyFile), maxHead)
	if err != nil {
		return "", err
	}
	key, ok := strings.CutSuffix(string(b), "\n")
	if !ok || strings.ContainsAny(key, "\r\n") {
		return "", fmt.Errorf("%s is not one line", keyFile)
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return "", fmt.Errorf("%s: %w", keyFile, err)
	}
	// A note key may be spelled in several ways (letter case of its hash); a ledger's has one.
	_, b64key, _ := strings.Cut(key[len(v.Name())+1:], "+")
	raw, err := base64.StdEncoding.DecodeString(b64key)
	if err != nil || key != fmt.Sprintf("%s+%08x+%s", v.Name(), v.KeyHash(), b64(raw)) {
		return "", fmt.Errorf("%s is not in its canonical spelling", keyFile)
	}
	return key, nil
}

// Key is the ledger's verifier key, as its folder states it. Whoever checks a ledger of others compares it with what they were told.
func (l *Ledger) Key() string { return l.key }

// Dir is the ledger's folder.
func (l *Ledger) Dir() string { return l.dir }

// Head reads the acknowledged head.
func (l *Ledger) Head() (Head, error) {
	b, err := readSmall(filepath.Join(l.dir, headFile), maxHead)
	if err != nil {
		return Head{}, fmt.Errorf("ledger: head: %w", err)
	}
	return ParseHead(b, l.key)
}

// Torn lists what this process cut off behind acknowledged heads.
func (l *Ledger) Torn() []Torn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Torn(nil), l.torn...)
}

// Entries gives the entries from ≤ seq < to in order, and stops at the first error. It checks their form and number, not their signatures.
// What is beyond the acknowledged head must not be asked for.
func (l *Ledger) Entries(ctx context.Context, from, to uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		seq := from
		for seq < to {
			r, err := openSegment(l.dir, seq/tileWidth)
			if err != nil {
				yield(Entry{}, fmt.Errorf("ledger: entry %d: %w", seq, err))
				return
			}
			more, err := r.entries(ctx, &seq, to, yield)
			r.Close()
			if err != nil {
				yield(Entry{}, fmt.Errorf("ledger: entry %d: %w", seq, err))
				return
			}
			if !more {
				return
			}
		}
	}
}

// Entry gives one entry.
func (l *Ledger) Entry(ctx context.Context, seq uint64) (Entry, error) {
	h, err := l.Head()
	if err != nil {
		return Entry{}, err
	}
	if seq >= h.Size {
		return Entry{}, fmt.Errorf("ledger: entry %d: there are only %d: %w", seq, h.Size, fs.ErrNotExist)
	}
	for e, err := range l.Entries(ctx, seq, seq+1) {
		return e, err
	}
	return Entry{}, fmt.Errorf("ledger: entry %d: %w", seq, ErrLost)
}
