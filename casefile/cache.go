package casefile

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	_ "modernc.org/sqlite" // the driver

	"github.com/contrail-ir/contrail/ledger"
)

const schema = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
	seq INTEGER PRIMARY KEY, recorded TEXT NOT NULL, author TEXT NOT NULL, person TEXT NOT NULL, role TEXT NOT NULL,
	kind TEXT NOT NULL, version INTEGER NOT NULL, why TEXT NOT NULL, summary TEXT NOT NULL, moment TEXT NOT NULL,
	first TEXT NOT NULL, last TEXT NOT NULL, tlp TEXT NOT NULL, refused TEXT NOT NULL, line BLOB NOT NULL
);
CREATE INDEX entries_kind ON entries (kind);
CREATE INDEX entries_first ON entries (first, last DESC, seq);
CREATE TABLE about (seq INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (value, seq)) WITHOUT ROWID;
CREATE TABLE seen (seq INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (digest, seq)) WITHOUT ROWID;
CREATE TABLE supersedes (seq INTEGER NOT NULL, old INTEGER NOT NULL, PRIMARY KEY (old, seq)) WITHOUT ROWID;
CREATE TABLE people (
	key TEXT PRIMARY KEY, name TEXT NOT NULL, organisation TEXT NOT NULL, role TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL
) WITHOUT ROWID;
`

// cacheTables are compared row by row when a cache is verified; each is ordered by all its columns.
var cacheTables = []string{"meta", "entries", "about", "seen", "supersedes", "people"}

// sortable writes instants of the years 1 to 9999 so that they sort as text.
const sortable = "2006-01-02T15:04:05.000000000Z"

// cache is case.db: what the ledger says, ready to be searched. The ledger can rebuild it at any time.
type cache struct{ db *sql.DB }

func (c *cache) close() error { return c.db.Close() }

func dsn(path, mode string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	q := url.Values{"_pragma": {"busy_timeout(10000)"}}
	switch mode {
	case "ro":
		q.Set("mode", "ro")
		q.Set("immutable", "1") // a sealed or borrowed case must not change by being read
	default:
		q.Add("_pragma", "journal_mode(DELETE)") // no lasting side files
		q.Add("_pragma", "synchronous(NORMAL)")
		q.Set("_txlock", "immediate")
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func openDB(ctx context.Context, path, mode string) (*cache, error) {
	name := ":memory:"
	if path != "" {
		name = dsn(path, mode)
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // one connection keeps an in-memory database one, and writers in order
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &cache{db}, nil
}

// reflects gives the head up to which the cache follows this ledger, 0 when it follows none of it.
func (k *cache) reflects(ctx context.Context, led *ledger.Ledger, h ledger.Head) uint64 {
	var text, leaf string
	row := k.db.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE name='size'), (SELECT value FROM meta WHERE name='leaf')`)
	if row.Scan(&text, &leaf) != nil {
		return 0
	}
	size, err := strconv.ParseUint(text, 10, 62)
	if err != nil || size == 0 || size > h.Size {
		return 0
	}
	e, err := led.Entry(ctx, size-1)
	if err != nil || leafText(&e) != leaf {
		return 0
	}
	return size
}

func leafText(e *ledger.Entry) string {
	h := e.Hash()
	return hex.EncodeToString(h[:])
}

// follow brings the cache up to a head, from nothing when it does not follow the ledger. It reads the whole ledger, because names and roles
// are those of the time of each entry.
func (k *cache) follow(ctx context.Context, led *ledger.Ledger, h ledger.Head) (err error) {
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	for _, t := range cacheTables {
		if _, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+t); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, schema); err != nil {
		return err
	}
	ins, err := prepare(ctx, tx)
	if err != nil {
		return err
	}
	defer ins.close()
	s := newState()
	for raw, err := range led.Entries(ctx, 0, h.Size) {
		if err != nil {
			return err
		}
		e, refused := s.apply(&raw)
		if err := ins.entry(ctx, &e, refused); err != nil {
			return err
		}
	}
	if err := ins.finish(ctx, led, s); err != nil {
		return err
	}
	return tx.Commit()
}

// add takes in entries that extend what the cache reflects; ok is false when they do not.
func (k *cache) add(ctx context.Context, led *ledger.Ledger, entries []Entry, s *state) (ok bool, err error) {
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() {
		if err != nil || !ok {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	var text, leaf string
	row := tx.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE name='size'), (SELECT value FROM meta WHERE name='leaf')`)
	if err := row.Scan(&text, &leaf); err != nil || text != strconv.FormatUint(entries[0].Seq, 10) || leaf != hex.EncodeToString(entries[0].raw.Prev[:]) {
		return false, nil
	}
	ins, err := prepare(ctx, tx)
	if err != nil {
		return false, err
	}
	defer ins.close()
	for i := range entries {
		if err := ins.entry(ctx, &entries[i], nil); err != nil {
			return false, err
		}
	}
	if err := ins.finish(ctx, led, s); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

type inserter struct {
	tx                             *sql.Tx
	entries, about, seen, replaces *sql.Stmt
	leaf                           string
}

func prepare(ctx context.Context, tx *sql.Tx) (*inserter, error) {
	ins := &inserter{tx: tx}
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&ins.entries, `INSERT INTO entries VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`},
		{&ins.about, `INSERT OR IGNORE INTO about VALUES (?,?)`},
		{&ins.seen, `INSERT OR IGNORE INTO seen VALUES (?,?)`},
		{&ins.replaces, `INSERT OR IGNORE INTO supersedes VALUES (?,?)`},
	} {
		s, err := tx.PrepareContext(ctx, p.text)
		if err != nil {
			ins.close()
			return nil, err
		}
		*p.stmt = s
	}
	return ins, nil
}

func (ins *inserter) close() {
	for _, s := range []*sql.Stmt{ins.entries, ins.about, ins.seen, ins.replaces} {
		if s != nil {
			s.Close()
		}
	}
}

func (ins *inserter) entry(ctx context.Context, e *Entry, refused error) error {
	first, last := e.When.Bounds()
	if e.When.IsZero() { // what did not happen in the world stands where it was recorded
		first, last = e.Recorded, e.Recorded.Add(1)
	}
	why := ""
	if refused != nil {
		why = refused.Error()
	}
	_, err := ins.entries.ExecContext(ctx, e.Seq, e.Recorded.UTC().Format(sortable), e.Author, e.Person, string(e.Role), string(e.Kind), e.Version,
		e.Why, e.Summary, e.When.String(), first.UTC().Format(sortable), last.UTC().Format(sortable), e.Marking.TLP.String(), why, e.raw.Line())
	if err != nil {
		return err
	}
	for _, a := range e.About {
		if _, err := ins.about.ExecContext(ctx, e.Seq, a); err != nil {
			return err
		}
	}
	for _, d := range e.Seen {
		if _, err := ins.seen.ExecContext(ctx, e.Seq, string(d)); err != nil {
			return err
		}
	}
	for _, old := range e.Supersedes {
		if _, err := ins.replaces.ExecContext(ctx, e.Seq, int64(old)); err != nil {
			return err
		}
	}
	ins.leaf = leafText(&e.raw)
	return nil
}

func (ins *inserter) finish(ctx context.Context, led *ledger.Ledger, s *state) error {
	if _, err := ins.tx.ExecContext(ctx, `DELETE FROM people`); err != nil {
		return err
	}
	for _, p := range s.list() {
		if _, err := ins.tx.ExecContext(ctx, `INSERT INTO people VALUES (?,?,?,?,?,?)`, p.Key, p.Name, p.Organisation, string(p.Role), p.Since, p.Until); err != nil {
			return err
		}
	}
	for name, value := range map[string]string{"size": strconv.FormatUint(s.size, 10), "leaf": ins.leaf, "ledger": led.Key(), "schema": "1"} {
		if _, err := ins.tx.ExecContext(ctx, `INSERT OR REPLACE INTO meta VALUES (?,?)`, name, value); err != nil {
			return err
		}
	}
	return nil
}

// cacheEntries takes freshly recorded entries into the cache. It may fail without harm: the entries stand in the ledger, and
// the next query brings the cache up to date or says what is wrong. The caller holds mu.
func (c *Case) cacheEntries(ctx context.Context, entries []Entry) {
	if len(entries) == 0 {
		return
	}
	if c.cache == nil {
		k, err := openDB(ctx, filepath.Join(c.dir, cacheFile), "rwc")
		if err != nil {
			return
		}
		c.cache = k
	}
	if ok, err := c.cache.add(ctx, c.led, entries, c.state); err != nil || !ok {
		if c.cache.close() == nil {
			c.cache = nil
		}
		c.current(ctx)
	}
}

// current gives a cache that reflects the acknowledged head: the one on disk, brought up to date if need be, or one in memory
// when nothing may be written. The caller holds mu.
func (c *Case) current(ctx context.Context) (*cache, error) {
	h, err := c.led.Head()
	if err != nil {
		return nil, err
	}
	if err := c.catchUp(ctx, h); err != nil {
		return nil, err
	}
	if c.cache != nil && c.cache.reflects(ctx, c.led, h) == h.Size {
		return c.cache, nil
	}
	if c.cache != nil {
		if err := c.cache.close(); err != nil {
			return nil, err
		}
		c.cache = nil
	}
	path := filepath.Join(c.dir, cacheFile)
	if c.opts.ReadOnly || c.state.sealed {
		return c.borrow(ctx, path, h)
	}
	for try := 0; ; try++ {
		k, err := openDB(ctx, path, "rwc")
		if err == nil {
			if k.reflects(ctx, c.led, h) != h.Size {
				err = k.follow(ctx, c.led, h)
			}
			if err == nil {
				c.cache = k
				return k, nil
			}
			err = errors.Join(err, k.close())
		}
		switch {
		case ctx.Err() != nil:
			return nil, err
		case try > 0: // a folder that cannot be written can still be searched
			return c.borrow(ctx, path, h)
		}
		// Not a database any more, or of another shape: the ledger makes it anew.
		if rmErr := os.Remove(path); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
			return c.borrow(ctx, path, h)
		}
	}
}

func (c *Case) borrow(ctx context.Context, path string, h ledger.Head) (*cache, error) {
	if _, err := os.Stat(path); err == nil && !unfinished(path) {
		if k, err := openDB(ctx, path, "ro"); err == nil {
			if k.reflects(ctx, c.led, h) == h.Size {
				c.cache = k
				return k, nil
			}
			k.close()
		}
	}
	k, err := openDB(ctx, "", "")
	if err != nil {
		return nil, err
	}
	if err := k.follow(ctx, c.led, h); err != nil {
		return nil, errors.Join(err, k.close())
	}
	c.cache = k
	return k, nil
}

// unfinished says whether a transaction on the database was begun and not ended: what is in the file is then only right together with
// its journal, which a reader that writes nothing cannot use.
func unfinished(path string) bool {
	_, err := os.Lstat(path + "-journal")
	return err == nil
}

// compareCaches names the first difference between two caches, "" when they hold the same rows.
func compareCaches(ctx context.Context, got, want *cache) (string, error) {
	for _, t := range cacheTables {
		a, err := rows(ctx, got, t)
		if err != nil {
			return fmt.Sprintf("table %s cannot be read: %v", t, err), nil
		}
		diff, err := compareRows(ctx, a, want, t)
		a.Close()
		if diff != "" || err != nil {
			return diff, err
		}
	}
	return "", nil
}

func rows(ctx context.Context, k *cache, table string) (*sql.Rows, error) {
	order := map[string]string{"meta": "name", "entries": "seq", "about": "value, seq", "seen": "digest, seq", "supersedes": "old, seq", "people": "key"}
	return k.db.QueryContext(ctx, "SELECT * FROM "+table+" ORDER BY "+order[table])
}

func compareRows(ctx context.Context, a *sql.Rows, want *cache, table string) (string, error) {
	b, err := rows(ctx, want, table)
	if err != nil {
		return "", err
	}
	defer b.Close()
	for n := 0; ; n++ {
		moreA, moreB := a.Next(), b.Next()
		if err := a.Err(); err != nil {
			return fmt.Sprintf("table %s cannot be read: %v", table, err), nil
		}
		if err := b.Err(); err != nil {
			return "", err
		}
		if moreA != moreB {
			return fmt.Sprintf("table %s has another number of rows than the ledger gives", table), nil
		}
		if !moreA {
			return "", nil
		}
		x, errX := scan(a)
		y, errY := scan(b)
		if errY != nil {
			return "", errY
		}
		if errX != nil || x != y {
			return fmt.Sprintf("table %s, row %d is not what the ledger says", table, n), nil
		}
	}
}

func scan(r *sql.Rows) (string, error) {
	cols, err := r.Columns()
	if err != nil {
		return "", err
	}
	vals, ptrs := make([]any, len(cols)), make([]any, len(cols))
	for i := range vals {
		ptrs[i] = &vals[i]
	}
	if err := r.Scan(ptrs...); err != nil {
		return "", err
	}
	return fmt.Sprintf("%q %q", cols, vals), nil
}
