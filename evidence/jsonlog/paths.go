package jsonlog

import (
	"bytes"
	"encoding/binary"
)

// pathID numbers a dotted path of names from the root of a record, fieldID the name of a column.
type (
	pathID  int32
	fieldID int32
)

const (
	noPath   pathID = -1
	rootPath pathID = 0
)

// Limits of what a decoder remembers of names, which come from the evidence.
const (
	maxPaths     = 1 << 15
	maxPathBytes = 4 << 20
)

// role says what is special about a path whatever the shape of the record.
type role uint8

const (
	roleSource  role = 1 << iota // Elasticsearch's _source: its members are the record
	roleResult                   // Splunk's result: the same, in Splunk's envelope only
	roleSplunk                   // may stand before it
	roleJSON                     // a string that may hold an object whose members belong to the record
	rolePayload                  // the same, when the object holds the data of a Windows event
)

var roles = map[string]role{
	"_source": roleSource, "result": roleResult | roleSplunk,
	"preview": roleSplunk, "offset": roleSplunk, "lastrow": roleSplunk, "init_offset": roleSplunk,
	"AuditData": roleJSON,    // Microsoft 365 unified audit, as exported
	"Payload":   rolePayload, // EvtxECmd
}

// pathInfo is what is known of a path.
type pathInfo struct {
	name   string // dotted
	key    []byte // the last part as written
	parent pathID
	first  pathID // the child met first last time
	after  pathID // the sibling that followed last time
	role   role
	marks  marks
	marked bool   // there are marks
	quoted string // the key between its quotes, with a colon: how a member mostly begins
}

// paths interns the names of records. Records of one kind repeat their names in the same order, so the name that
// followed last time is tried before any hashing.
type paths struct {
	info   []pathInfo
	byKey  map[string]pathID // parent as 4 bytes, then the key as written
	bytes  int
	key    []byte
	fields []string
	byName map[string]fieldID
	views  []view             // per shape, then per path
	system [slotCount]fieldID // columns of slots, one more than the number; 0 for those not yet asked for
}

// view is how a shape sees each path; an action is worked out at first sight.
type view []action

func newPaths() *paths {
	return &paths{
		info:   []pathInfo{{parent: noPath, first: noPath, after: noPath}},
		byKey:  map[string]pathID{},
		byName: map[string]fieldID{},
		views:  make([]view, len(shapes)),
	}
}

// crowded says that the names seen have grown beyond what is worth remembering.
func (p *paths) crowded() bool {
	return len(p.info) > maxPaths || len(p.fields) > maxPaths || p.bytes > maxPathBytes
}

// expected says whether a text begins with the name that followed the path last under parent the last time, in quotes and with a colon
// right behind it: it gives its path and length, 0 when it does not. Nothing is searched for or hashed, which makes it worth trying first.
func (p *paths) expected(parent, last pathID, text []byte) (pathID, int) {
	guess := p.info[parent].first
	if last != noPath {
		guess = p.info[last].after
	}
	if guess == noPath {
		return noPath, 0
	}
	info := &p.info[guess]
	if n := len(info.quoted); info.parent == parent && len(text) >= n && string(text[:n]) == info.quoted {
		return guess, n
	}
	return noPath, 0
}

// child gives the path of a name, as written between its quotes, that follows the path last under parent.
func (p *paths) child(parent, last pathID, key []byte) pathID {
	guess := p.info[parent].first
	if last != noPath {
		guess = p.info[last].after
	}
	if guess != noPath && p.info[guess].parent == parent && bytes.Equal(p.info[guess].key, key) {
		return guess
	}
	p.key = append(binary.LittleEndian.AppendUint32(p.key[:0], uint32(parent)), key...)
	id, known := p.byKey[string(p.key)]
	if !known {
		id = p.add(parent, key)
	}
	if last != noPath {
		p.info[last].after = id
	} else {
		p.info[parent].first = id
	}
	return id
}

func (p *paths) add(parent pathID, key []byte) pathID {
	id := pathID(len(p.info))
	clear, _ := plain(key, nil, false)
	name := string(clear)
	if parent != rootPath {
		name = p.info[parent].name + "." + name
	}
	p.info = append(p.info, pathInfo{
		name: name, key: bytes.Clone(key), parent: parent, first: noPath, after: noPath,
		role: roles[name], marks: markOf[name], marked: markOf[name] != marks{}, quoted: `"` + string(key) + `":`,
	})
	p.byKey[string(p.key)] = id
	p.bytes += 3*len(key) + len(name)
	return id
}

// field gives the number of a column name.
func (p *paths) field(name string) fieldID {
	if id, ok := p.byName[name]; ok {
		return id
	}
	id := fieldID(len(p.fields))
	p.fields = append(p.fields, name)
	p.byName[name] = id
	p.bytes += len(name)
	return id
}

// slotField gives the number of the column of a slot.
func (p *paths) slotField(s slot) fieldID {
	if p.system[s] == 0 {
		p.system[s] = p.field(systemField[s]) + 1
	}
	return p.system[s] - 1
}

func (p *paths) fieldOf(name []byte) fieldID {
	if id, ok := p.byName[string(name)]; ok {
		return id
	}
	return p.field(string(name))
}

// view gives how a shape sees all paths known so far; actions not yet worked out are opUnknown.
func (p *paths) view(shape int) view {
	v := p.views[shape]
	if len(v) < len(p.info) {
		v = append(v, make(view, len(p.info)-len(v))...)
		p.views[shape] = v
	}
	return v
}

// action gives what a shape does with a path.
func (p *paths) action(shape int, path pathID) action {
	a := &p.view(shape)[path]
	if a.op == opUnknown {
		*a = shapes[shape].resolve(p, p.info[path].name)
	}
	return *a
}
