package stix

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Stamp makes an object ready to be written: type, spec_version, an id where it has none – deterministic for an
// observable that can have one, else random – and, for objects that are created, creator and time where they are empty.
func Stamp(o Object, creator ID, now time.Time) error {
	h := o.Head()
	if h.Type = TypeOf(o); h.Type == "" {
		return fmt.Errorf("stix: stamp %T: it has no type", o)
	}
	h.SpecVersion = "2.1"
	if h.ID == "" {
		id, err := ObservableID(o)
		if err != nil {
			return err
		}
		if id == "" {
			id = NewID(h.Type)
		}
		h.ID = id
	}
	c := CommonOf(o)
	if custom, ok := o.(*Custom); c == nil || ok && !custom.isSDO() {
		return nil
	}
	if c.CreatedByRef == "" {
		c.CreatedByRef = creator
	}
	if c.Created.IsZero() {
		c.Created = At(now)
	}
	if c.Modified.IsZero() && h.Type != "marking-definition" {
		c.Modified = c.Created
	}
	return nil
}

// NewVersion copies an object as its next version, modified at now (section 3.6). Only the creator may: by has to be the
// object's created_by_ref. A revoked object has no next version, observables and marking definitions have no versions.
// The change itself is made on the copy.
func NewVersion(o Object, by ID, now time.Time) (Object, error) {
	c := CommonOf(o)
	id := o.Head().ID
	switch {
	case c == nil || TypeOf(o) == "marking-definition":
		return nil, fmt.Errorf("stix: new version of %s: a %s has no versions", id, TypeOf(o))
	case c.Revoked != nil && *c.Revoked:
		return nil, fmt.Errorf("stix: new version of %s: it was revoked, which is final", id)
	case c.CreatedByRef != by:
		return nil, fmt.Errorf("stix: new version of %s: it belongs to %s, not to %s; make an object of your own instead", id, orNobody(c.CreatedByRef), orNobody(by))
	}
	mod := At(now)
	if !c.Modified.Before(mod) {
		mod = At(c.Modified.Time().Add(time.Millisecond))
	}
	n := Clone(o)
	if n == nil {
		return nil, fmt.Errorf("stix: new version of %s: it cannot be copied", id)
	}
	CommonOf(n).Modified = mod
	return n, nil
}

// Revoke is the last version of an object.
func Revoke(o Object, by ID, now time.Time) (Object, error) {
	n, err := NewVersion(o, by, now)
	if err != nil {
		return nil, err
	}
	yes := true
	CommonOf(n).Revoked = &yes
	return n, nil
}

func orNobody(id ID) string {
	if id == "" {
		return "nobody named"
	}
	return string(id)
}

// History remembers what was written under each (id, modified) and refuses what breaks the rules of versions. Add the
// versions of an object in their order. The zero value is ready; it is used by one goroutine.
type History struct {
	written map[versionKey][32]byte
	latest  map[ID]versionState
}

type versionKey struct {
	id  ID
	mod int64 // nanoseconds; instants, not texts, tell versions apart
}

type versionState struct {
	created, modified Timestamp
	creator           ID
	revoked           bool
}

var errSecondContent = errors.New("the same id and modified was written before with another content")

// Add records an object. Adding the same bytes again is allowed.
func (h *History) Add(o Object) error {
	raw, err := Marshal(o)
	if err != nil {
		return err
	}
	if h.written == nil {
		h.written, h.latest = map[versionKey][32]byte{}, map[ID]versionState{}
	}
	id := o.Head().ID
	key := versionKey{id, modifiedOf(o).Time().UnixNano()}
	sum := sha256.Sum256(raw)
	if old, ok := h.written[key]; ok {
		if old != sum {
			return fmt.Errorf("stix: %s of %s: %w", id, modifiedOf(o), errSecondContent)
		}
		return nil
	}
	if c := CommonOf(o); c != nil {
		last, ok := h.latest[id]
		switch {
		case ok && last.revoked && modifiedOf(o).After(last.modified):
			return fmt.Errorf("stix: %s of %s: it was revoked at %s, which is final", id, c.Modified, last.modified)
		case ok && last.creator != c.CreatedByRef:
			return fmt.Errorf("stix: %s of %s: its creator changed from %s to %s", id, c.Modified, orNobody(last.creator), orNobody(c.CreatedByRef))
		case ok && !last.created.Time().Equal(c.Created.Time()):
			return fmt.Errorf("stix: %s of %s: created changed from %s to %s", id, c.Modified, last.created, c.Created)
		}
		if !ok || modifiedOf(o).After(last.modified) {
			h.latest[id] = versionState{c.Created, modifiedOf(o), c.CreatedByRef, c.Revoked != nil && *c.Revoked}
		}
	}
	h.written[key] = sum
	return nil
}
