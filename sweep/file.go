package sweep

import (
	"cmp"
	"sync"

	"github.com/contrail-ir/contrail/coverage"
	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/evidence"
)

// fileResult is what is known of one file: an item on disk or a member of an archive. The place in which it was met, item and
// number within the item, does not depend on threads; its id does, and serves only to find it again.
type fileResult struct {
	id        int
	item, nth int

	org, name string
	format    event.Format // nil when not recognised

	// Set by the worker that ended the file, under its reading's lock.
	size       int64
	why        string // not recognised as a log
	lost       bool
	notRead    string
	archive    string
	members    int
	custody    string
	renamed    string
	digest     string
	copies     bool // another file of the organisation has the same bytes; set when all are read
	collection evidence.Collection

	described bool    // described, not read as a log
	counts    *counts // files that are only described share one in each organisation: there may be a million of them
}

// counts is a tally that several workers add to.
type counts struct {
	mu    sync.Mutex
	tally coverage.Tally // guarded by mu
}

func (c *counts) add(t *coverage.Tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.Merge(t)
}

// compare orders files of equal names.
func (f *fileResult) compare(o *fileResult) int {
	return cmp.Or(cmp.Compare(f.item, o.item), cmp.Compare(f.nth, o.nth))
}

// fileTable holds all files met.
type fileTable struct {
	mu  sync.RWMutex
	all []*fileResult // guarded by mu
}

func (t *fileTable) add(f *fileResult) *fileResult {
	t.mu.Lock()
	defer t.mu.Unlock()
	f.id = len(t.all)
	t.all = append(t.all, f)
	return f
}

// at gives a file by its id, nil when there is none.
func (t *fileTable) at(id uint64) *fileResult {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if id >= uint64(len(t.all)) {
		return nil
	}
	return t.all[id]
}
