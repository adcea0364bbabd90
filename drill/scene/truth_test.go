package scene

import (
	"testing"
	"time"
)

// TestReachNeedsSharedKeysInDeliveredRecords: a chain is cut where the records of two
// actions share nothing, and where the sharing record was deleted.
func TestReachNeedsSharedKeysInDeliveredRecords(t *testing.T) {
	s := New(First(1, 1))
	record := func(delivered bool, keys ...string) *Entry { return &Entry{keys: keys, delivered: delivered} }
	chain := func(id string, cause []string, entries ...*Entry) {
		s.Act(id, s.Web, "T1", "stage", time.Time{}, "", cause...).Note(entries...)
	}
	start := record(true, "k1")
	chain("first", nil, record(true, "k0"))
	chain("start", []string{"first"}, start, record(true, "k0"))
	chain("joined", []string{"start"}, record(true, "k1", "k2"))
	chain("unjoined", []string{"joined"}, record(true, "k9"))
	chain("beyond", []string{"unjoined"}, record(true, "k1"))
	chain("deleted", []string{"joined"}, record(false, "k2"))
	chain("shares without a cause", nil, record(true, "k1"))
	got := map[string]bool{}
	for a := range s.reach(start) {
		got[a.ID] = true
	}
	for id, want := range map[string]bool{"first": true, "start": true, "joined": true, "unjoined": false,
		"beyond": false, "deleted": false, "shares without a cause": false} {
		if got[id] != want {
			t.Errorf("%s: reached %t, want %t", id, got[id], want)
		}
	}
}
