package casefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/ledger"
	"github.com/contrail-ir/contrail/legible"
	"github.com/contrail-ir/contrail/marking"
)

// Query chooses entries. Its parts are all required; the zero Query chooses everything.
type Query struct {
	Kinds       []Kind
	About       string         // one of the names the entry speaks of
	Seen        ledger.Digest  // something that was looked at
	Since       Moment         // may have happened (else: was recorded) at or after its beginning
	Until       Moment         // … and before its end
	For         *marking.Party // may see it
	CurrentOnly bool           // not superseded
}

func (q Query) where() (string, []any) {
	var conds []string
	var args []any
	add := func(cond string, a ...any) {
		conds = append(conds, cond)
		args = append(args, a...)
	}
	if len(q.Kinds) > 0 {
		kinds := make([]any, len(q.Kinds))
		for i, k := range q.Kinds {
			kinds[i] = string(k)
		}
		add("kind IN (?"+strings.Repeat(",?", len(kinds)-1)+")", kinds...)
	}
	if q.About != "" {
		add("seq IN (SELECT seq FROM about WHERE value = ?)", q.About)
	}
	if q.Seen != "" {
		add("seq IN (SELECT seq FROM seen WHERE digest = ?)", string(q.Seen))
	}
	if !q.Since.IsZero() {
		first, _ := q.Since.Bounds()
		add("last > ?", first.Format(sortable))
	}
	if !q.Until.IsZero() {
		_, end := q.Until.Bounds()
		add("first < ?", end.Format(sortable))
	}
	if q.CurrentOnly {
		add("seq NOT IN (SELECT old FROM supersedes JOIN entries AS by ON by.seq = supersedes.seq WHERE by.refused = '')")
	}
	add("refused = ''")
	return " WHERE " + strings.Join(conds, " AND "), args
}

// Entries gives the chosen entries in the order in which they were recorded, and stops at the first error. Entries that no role
// permitted are not among them.
func (c *Case) Entries(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return c.query(ctx, q, "seq")
}

// Timeline gives the chosen entries in the order in which things happened: by the first instant that the moment can mean, the less
// precise first; what did not happen in the world stands where it was recorded.
func (c *Case) Timeline(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return c.query(ctx, q, "first, last DESC, seq")
}

// pageSize is how many entries are fetched at a time, so that nothing is locked while the caller works.
const pageSize = 256

func (c *Case) query(ctx context.Context, q Query, order string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for offset := 0; ; offset += pageSize {
			page, n, err := c.page(ctx, q, order, offset)
			if err != nil {
				yield(Entry{}, fmt.Errorf("casefile: query %s: %w", c.dir, err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if n < pageSize {
				return
			}
		}
	}
}

func (c *Case) page(ctx context.Context, q Query, order string, offset int) (page []Entry, n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, err := c.current(ctx)
	if err != nil {
		return nil, 0, err
	}
	where, args := q.where()
	rs, err := k.db.QueryContext(ctx, fmt.Sprintf("SELECT line, person, role FROM entries%s ORDER BY %s LIMIT %d OFFSET %d", where, order, pageSize, offset), args...)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, rs.Close()) }()
	for rs.Next() {
		n++
		var line []byte
		var person, role string
		if err := rs.Scan(&line, &person, &role); err != nil {
			return nil, 0, err
		}
		// The cache chooses; what is shown is what its author signed.
		raw, err := ledger.ParseEntry(line)
		if err == nil {
			err = raw.VerifySignature()
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s is not what the ledger says; delete it and it is rebuilt: %w", cacheFile, err)
		}
		e, err := decode(&raw)
		if err != nil {
			return nil, 0, err
		}
		e.Person, e.Role = person, Role(role)
		if q.For != nil {
			if ok, _ := e.Marking.MaySee(*q.For); !ok {
				continue
			}
		}
		page = append(page, e)
	}
	return page, n, rs.Err()
}

// Entry gives one entry by its number, as the ledger has it.
func (c *Case) Entry(ctx context.Context, seq uint64) (Entry, error) {
	raw, err := c.led.Entry(ctx, seq)
	if err != nil {
		return Entry{}, err
	}
	e, err := decode(&raw)
	if err != nil {
		return Entry{}, fmt.Errorf("casefile: entry %d: %w", seq, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e.Person = c.state.people[e.Author].Name
	return e, nil
}

// WriteTimeline writes the timeline as text, one entry a line: moment, number, person, what, and what corrects it.
func (c *Case) WriteTimeline(ctx context.Context, w io.Writer, q Query) error {
	q.CurrentOnly = false // a corrected entry is shown as corrected, not hidden
	corrected := map[uint64][]uint64{}
	for e, err := range c.Entries(ctx, Query{}) {
		if err != nil {
			return err
		}
		for _, old := range e.Supersedes {
			corrected[old] = append(corrected[old], e.Seq)
		}
	}
	for e, err := range c.Timeline(ctx, q) {
		if err != nil {
			return err
		}
		when := e.When.String()
		if when == "" {
			when = "(recorded) " + e.Recorded.UTC().Format("2006-01-02T15:04:05Z")
		}
		line := fmt.Sprintf("%-32s %5d  %-12s %s", when, e.Seq, printable(e.Person), printable(e.Title()))
		if !e.Known() {
			line += fmt.Sprintf("  [%s version %d: written by a later version]", e.Kind, e.Version)
		}
		if by := corrected[e.Seq]; len(by) > 0 {
			slices.Sort(by)
			line += fmt.Sprintf("  [corrected by %v]", by)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// printable keeps a text on its line and a terminal from obeying it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if legible.Treacherous(r) {
			return '·'
		}
		return r
	}, s)
}
