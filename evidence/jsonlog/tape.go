package jsonlog

import (
	"bytes"
	"errors"
)

// kind is the kind of a JSON value.
type kind uint8

const (
	kindText kind = iota
	kindNumber
	kindBool
	kindNull
	kindObject
	kindArray
	kindRaw // JSON text kept as it is, where a limit was met
)

// Limits of one record. What lies beyond is kept as JSON text.
const (
	maxDepth  = 64      // nesting that is taken apart
	maxValues = 1 << 16 // values that are taken apart
	maxName   = 4096    // bytes of a dotted name
)

// restField receives, as JSON text, what follows in a record after maxValues values, and members whose names are
// longer than maxName.
const restField = "_rest"

// node is one value of a record. Nodes stand in document order, a container before what it contains; no value is
// converted before somebody asks for it.
type node struct {
	raw  []byte // as written, strings without quotes; the whole text of a container at the depth limit
	path pathID
	next int32 // the node after this one's subtree
	kind kind
}

// tape holds one record taken apart.
type tape struct {
	paths  *paths
	nodes  []node
	marks  marks
	deep   bool // the depth limit was met
	full   bool // the limit of values was met
	skim   skimmer
	unwrap []byte // text of JSON that stood inside strings; nodes point into it
	valid  bool   // the records are known to be valid UTF-8
}

var errFull = errors.New("too many values")

// read takes the object at data[at] apart and gives its end.
func (t *tape) read(data []byte, at int) (int, error) {
	t.nodes = t.nodes[:0]
	t.unwrap = t.unwrap[:0]
	t.marks = marks{}
	t.deep, t.full = false, false
	end, err := t.object(data, at, rootPath, 1)
	if errors.Is(err, errFull) {
		t.full = true
		stop := end
		if end, err = t.skim.value(data, at); err != nil {
			return end, err
		}
		t.rest(data[stop:end])
	}
	return end, err
}

// object reads members whose paths begin at parent. It returns at the first error with the place of it.
func (t *tape) object(data []byte, at int, parent pathID, depth int) (int, error) {
	at = skipSpace(data, at+1)
	if at < len(data) && data[at] == '}' {
		return at + 1, nil
	}
	last := noPath
	splunk := parent == rootPath // only Splunk's envelope was seen so far
	for {
		if len(t.nodes) >= maxValues {
			return at, errFull
		}
		var err error
		if at, last, err = t.member(data, at, parent, last, depth, &splunk); err != nil {
			return at, err
		}
		if at < len(data) && isSpace(data[at]) {
			at = skipSpace(data, at)
		}
		if at == len(data) {
			return at, errIncomplete
		}
		switch data[at] {
		case '}':
			return at + 1, nil
		case ',':
			at = skipSpace(data, at+1)
		default:
			return at, &syntaxError{at, "a comma or the end of the object"}
		}
	}
}

// member reads one name and its value.
func (t *tape) member(data []byte, at int, parent, last pathID, depth int, splunk *bool) (int, pathID, error) {
	path, end := t.paths.expected(parent, last, data[at:])
	if end > 0 {
		at += end
		if at < len(data) && isSpace(data[at]) {
			at = skipSpace(data, at)
		}
	} else {
		var err error
		if path, at, err = t.name(data, at, parent, last); err != nil || path == noPath {
			return at, last, err
		}
	}
	info := &t.paths.info[path]
	if info.marked {
		t.marks.add(info.marks)
	}
	*splunk = *splunk && info.role&roleSplunk != 0
	if at < len(data) && data[at] == '{' && (info.role&roleSource != 0 || *splunk && info.role&roleResult != 0) {
		end, err := t.object(data, at, rootPath, depth+1)
		return end, path, err
	}
	end, err := t.value(data, at, path, depth)
	return end, path, err
}

// name reads a name and its colon and gives the place of the value. It gives noPath when the member was too long a name's, and is passed
// over as a whole.
func (t *tape) name(data []byte, at int, parent, last pathID) (pathID, int, error) {
	start := at
	if at == len(data) {
		return noPath, at, errIncomplete
	}
	if data[at] != '"' {
		return noPath, at, &syntaxError{at, "a name in quotes"}
	}
	end := stringEnd(data, at+1)
	if end < 0 {
		return noPath, len(data), errIncomplete
	}
	key := data[at+1 : end]
	if at = end + 1; at < len(data) && data[at] != ':' {
		at = skipSpace(data, at)
	}
	if at == len(data) {
		return noPath, at, errIncomplete
	}
	if data[at] != ':' {
		return noPath, at, &syntaxError{at, "a colon"}
	}
	if at++; at < len(data) && isSpace(data[at]) {
		at = skipSpace(data, at)
	}
	if len(key)+len(t.paths.info[parent].name) > maxName {
		end, err := t.skim.value(data, at)
		if err == nil {
			t.deep = true
			t.rest(data[start:end])
		}
		return noPath, end, err
	}
	return t.paths.child(parent, last, key), at, nil
}

func (t *tape) value(data []byte, at int, path pathID, depth int) (int, error) {
	if at == len(data) {
		return at, errIncomplete
	}
	switch data[at] {
	case '"':
		end := stringEnd(data, at+1)
		if end < 0 {
			return len(data), errIncomplete
		}
		raw := data[at+1 : end]
		if t.paths.info[path].role&(roleJSON|rolePayload) != 0 && t.nested(raw, path, depth) {
			return end + 1, nil
		}
		t.leaf(raw, path, kindText)
		return end + 1, nil
	case '{', '[':
		if depth >= maxDepth {
			end, err := t.skim.value(data, at)
			if err != nil {
				return end, err
			}
			t.deep = true
			t.leaf(data[at:end], path, kindRaw)
			return end, nil
		}
		here := len(t.nodes)
		if data[at] == '{' {
			t.leaf(nil, path, kindObject)
			end, err := t.object(data, at, path, depth+1)
			t.nodes[here].next = int32(len(t.nodes))
			return end, err
		}
		t.leaf(nil, path, kindArray)
		end, err := t.array(data, at, path, depth+1)
		t.nodes[here].next = int32(len(t.nodes))
		return end, err
	default:
		end, k, err := bareEnd(data, at)
		if err != nil {
			return end, err
		}
		t.leaf(data[at:end], path, k)
		return end, nil
	}
}

// array reads elements, which share the path of the array.
func (t *tape) array(data []byte, at int, path pathID, depth int) (int, error) {
	at = skipSpace(data, at+1)
	if at < len(data) && data[at] == ']' {
		return at + 1, nil
	}
	for {
		if len(t.nodes) >= maxValues {
			return at, errFull
		}
		var err error
		if at, err = t.value(data, at, path, depth); err != nil {
			return at, err
		}
		at = skipSpace(data, at)
		if at == len(data) {
			return at, errIncomplete
		}
		switch data[at] {
		case ']':
			return at + 1, nil
		case ',':
			at = skipSpace(data, at+1)
		default:
			return at, &syntaxError{at, "a comma or the end of the array"}
		}
	}
}

func (t *tape) leaf(raw []byte, path pathID, k kind) {
	t.nodes = append(t.nodes, node{raw: raw, path: path, next: int32(len(t.nodes) + 1), kind: k})
}

// rest keeps text that is not taken apart.
func (t *tape) rest(raw []byte) {
	t.leaf(raw, t.paths.child(rootPath, noPath, []byte(restField)), kindRaw)
}

// nested reads a string that holds an object as if its members stood beside it. False leaves the tape as it was.
func (t *tape) nested(raw []byte, path pathID, depth int) bool {
	if len(raw) < 2 || raw[0] != '{' || depth >= maxDepth {
		return false
	}
	var text []byte
	text, t.unwrap = plain(raw, t.unwrap, t.valid)
	if t.paths.info[path].role&rolePayload != 0 &&
		!bytes.HasPrefix(text, []byte(`{"EventData":`)) && !bytes.HasPrefix(text, []byte(`{"UserData":`)) {
		return false
	}
	end, err := t.skim.value(text, 0)
	if err != nil || skipSpace(text, end) != len(text) {
		return false
	}
	before := len(t.nodes)
	if _, err := t.object(text, 0, rootPath, depth+1); err != nil {
		t.nodes = t.nodes[:before]
		return false
	}
	return true
}

// text gives the canonical text of a value that is not a container. valid says that the record is known to be valid UTF-8.
func (n *node) text(scratch []byte, valid bool) (text, grown []byte) {
	switch n.kind {
	case kindText:
		return plain(n.raw, scratch, valid)
	case kindNumber:
		return number(n.raw, scratch)
	case kindRaw:
		from := len(scratch)
		out := appendValid(scratch, bytes.TrimSpace(n.raw))
		return out[from:len(out):len(out)], out
	default:
		return n.raw, scratch
	}
}
