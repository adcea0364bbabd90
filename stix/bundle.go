package stix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sort"
)

// bundleNamespace makes bundle ids that depend on the content alone.
const bundleNamespace = "5f0a3b52-31a7-4c1d-9a0e-5d0d8e1b7c64"

// Bundle is a set of objects that travel together; it has no meaning of its own (section 8).
type Bundle struct {
	ID      ID // empty: derived from the content
	Objects []Object
}

// Marshal writes the bundle as canonical JSON, objects ordered by id, then modified. The same object given twice is
// written once; the same id and modified with different content is an error, since no reader could tell which holds.
func (b *Bundle) Marshal() ([]byte, error) {
	type entry struct {
		id  ID
		mod Timestamp
		raw []byte
	}
	entries := make([]entry, 0, len(b.Objects))
	for _, o := range b.Objects {
		raw, err := Marshal(o)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{o.Head().ID, modifiedOf(o), raw})
	}
	sort.SliceStable(entries, func(i, j int) bool {
		a, b := entries[i], entries[j]
		if a.id != b.id {
			return a.id < b.id
		}
		if !a.mod.t.Equal(b.mod.t) {
			return a.mod.Before(b.mod)
		}
		return bytes.Compare(a.raw, b.raw) < 0
	})
	var list bytes.Buffer
	for i, e := range entries {
		if i > 0 {
			if p := entries[i-1]; p.id == e.id && p.mod.t.Equal(e.mod.t) {
				if bytes.Equal(p.raw, e.raw) {
					continue
				}
				return nil, fmt.Errorf("stix: write a bundle: %s of %s is given with two different contents", e.id, e.mod)
			}
			list.WriteByte(',')
		}
		list.Write(e.raw)
	}
	id := b.ID
	if id == "" {
		sum := sha256.Sum256(list.Bytes())
		var err error
		if id, err = DerivedID("bundle", bundleNamespace, hex.EncodeToString(sum[:])); err != nil {
			return nil, err
		}
	}
	if bad := checkID(id, "bundle"); bad != "" {
		return nil, fmt.Errorf("stix: write a bundle: %s", bad)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"id":%q`, string(id))
	if list.Len() > 0 { // an empty list is not allowed, an absent one is
		out.WriteString(`,"objects":[`)
		out.Write(list.Bytes())
		out.WriteByte(']')
	}
	out.WriteString(`,"type":"bundle"}`)
	return out.Bytes(), nil
}

// modifiedOf is when this version was made; `created` for objects without versions.
func modifiedOf(o Object) Timestamp {
	c := CommonOf(o)
	if c == nil {
		return Timestamp{}
	}
	if c.Modified.IsZero() {
		return c.Created
	}
	return c.Modified
}

// Damage is one object of an input that could not be read; the rest was.
type Damage struct {
	Offset int64 // where the object begins, in bytes
	Reason string
}

// ReadAll reads a bundle, an array of objects or one object, of STIX 2.0 or 2.1 (2.0 becomes 2.1), into memory.
// Objects that cannot be read are listed as damage; the error is for an input that cannot be followed further,
// and what was read before it is still returned.
func ReadAll(r io.Reader, lim Limits) ([]Object, []Damage, error) {
	var objects []Object
	var damage []Damage
	rd := NewReader(r, lim)
	for {
		o, err := rd.Next()
		switch e := err.(type) {
		case nil:
			objects = append(objects, o)
		case *BadObjectError:
			damage = append(damage, Damage{e.Offset, e.Err.Error()})
		default:
			if err == io.EOF {
				err = nil
			}
			return objects, damage, err
		}
	}
}
