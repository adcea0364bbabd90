package jsonlog

import (
	"fmt"

	"github.com/contrail-ir/contrail/event"
)

// worries gathers the damage of a segment, so that a hostile file does not make as much damage as it has lines. The
// zero value is empty.
type worries struct {
	named                    []event.Damage
	more                     tally
	deep, full, invalid, nul tally
}

// tally counts records with the same trouble from the first on.
type tally struct {
	count int
	first uint64
}

func (t *tally) add(offset uint64) {
	if t.count == 0 {
		t.first = offset
	}
	t.count++
}

// enough says that further places that are not JSON are only counted.
func (w *worries) enough() bool { return len(w.named) >= maxNamed }

// syntax notes a place that is not JSON.
func (w *worries) syntax(offset uint64, format string, args ...any) {
	if !w.enough() {
		w.named = append(w.named, event.Damage{Offset: offset, Reason: fmt.Sprintf(format, args...)})
		return
	}
	w.more.add(offset)
}

// list gives the damage gathered.
func (w *worries) list() []event.Damage {
	out := w.named
	for _, t := range []struct {
		tally
		what string
	}{
		{w.more, "%d more records near here are not JSON"},
		{w.deep, "%d records near here nest deeper than 64 levels or have names longer than 4096 bytes; what lies beyond is kept as JSON text"},
		{w.full, "%d records near here have more than 65536 values; what lies beyond is kept as JSON text in the field _rest"},
		{w.invalid, "%d records near here are not valid UTF-8; the bytes are replaced by U+FFFD"},
		{w.nul, "%d lines near here hold NUL bytes between records"},
	} {
		if t.count > 0 {
			out = append(out, event.Damage{Offset: t.first, Reason: fmt.Sprintf(t.what, t.count)})
		}
	}
	return out
}
