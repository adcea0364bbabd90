package stix

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// BadObjectError says which object of an input could not be read. The next call of [Reader.Next] goes on after it.
type BadObjectError struct {
	Offset int64
	Err    error
}

func (e *BadObjectError) Error() string {
	return fmt.Sprintf("stix: read the object at byte %d: %v", e.Offset, e.Err)
}

// Unwrap gives the cause.
func (e *BadObjectError) Unwrap() error { return e.Err }

// Reader yields the objects of a bundle one by one, holding one object in memory at a time.
// It is used by one goroutine.
type Reader struct {
	in     *bufio.Reader
	lim    Limits
	offset int64
	state  readState
	first  bool              // no element of the list was read yet
	head   map[string]any    // members of the bundle other than its objects
	queue  []Object          // further objects that one input object became
	seen   int               // objects so far
	listed bool              // an array "objects" was found
	bare   []json.RawMessage // members as read, in case there is no bundle around them
	bytes  int               // held in bare
}

type readState uint8

const (
	atStart readState = iota
	inMembers
	inList // of objects, inside a bundle
	inBareList
	atEnd
)

// NewReader reads a bundle, an array of objects or a single object from r.
func NewReader(r io.Reader, lim Limits) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, 64<<10), lim: lim.filled(), head: map[string]any{}}
}

// Next gives the next object, io.EOF after the last, or a *BadObjectError for one that was skipped.
// Objects of STIX 2.0 come as the 2.1 objects they became; see docs/formats/stix.md.
func (r *Reader) Next() (Object, error) {
	for {
		if len(r.queue) > 0 {
			o := r.queue[0]
			r.queue = r.queue[1:]
			return o, nil
		}
		var err error
		switch r.state {
		case atStart:
			err = r.start()
		case inMembers:
			err = r.member()
		case inList, inBareList:
			err = r.element()
		default:
			return nil, io.EOF
		}
		if err != nil {
			if _, ok := err.(*BadObjectError); !ok {
				r.state = atEnd
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return nil, fmt.Errorf("stix: read a bundle at byte %d: %w", r.offset, err)
			}
			return nil, err
		}
	}
}

func (r *Reader) start() error {
	if bom, _ := r.in.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = r.in.Discard(3)
		r.offset += 3
	}
	c, err := r.next()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		r.state, r.first = inMembers, true
	case '[':
		r.state, r.first = inBareList, true
	default:
		return fmt.Errorf("it begins with %q, not with an object or a list", c)
	}
	return nil
}

// member reads one member of the outermost object, or its end.
func (r *Reader) member() error {
	c, err := r.next()
	if err != nil {
		return err
	}
	if c == '}' {
		r.state = atEnd
		return r.end()
	}
	if !r.first {
		if c != ',' {
			return fmt.Errorf("%q where a comma belongs", c)
		}
		if c, err = r.next(); err != nil {
			return err
		}
	}
	r.first = false
	if c != '"' {
		return fmt.Errorf("%q where a name belongs", c)
	}
	name, err := r.value(c, 1<<10)
	if err != nil {
		return err
	}
	if c, err = r.next(); err != nil {
		return err
	}
	if c != ':' {
		return fmt.Errorf("%q where a colon belongs", c)
	}
	if c, err = r.next(); err != nil {
		return err
	}
	if c == '[' && string(name) == `"objects"` {
		if r.listed {
			return errors.New("a second list of objects")
		}
		r.state, r.first, r.listed = inList, true, true
		return nil
	}
	value, err := r.value(c, r.lim.ObjectBytes-r.bytes)
	if err != nil {
		return err
	}
	r.bytes += len(name) + len(value)
	r.bare = append(r.bare, name, value)
	var key, text string
	if json.Unmarshal(name, &key) == nil && json.Unmarshal(value, &text) == nil {
		r.head[key] = text
	}
	return nil
}

// end is reached after the outermost object: if it had no list of objects and is no bundle, it was itself the object.
func (r *Reader) end() error {
	bare := r.bare
	r.bare = nil
	if r.listed || r.head["type"] == "bundle" || len(bare) == 0 {
		return nil
	}
	var raw bytes.Buffer
	for i, part := range bare {
		switch {
		case i == 0:
			raw.WriteByte('{')
		case i%2 == 0:
			raw.WriteByte(',')
		default:
			raw.WriteByte(':')
		}
		raw.Write(part)
	}
	raw.WriteByte('}')
	return r.object(raw.Bytes(), 0)
}

// element reads one element of the list, or the end of the list.
func (r *Reader) element() error {
	c, err := r.next()
	if err != nil {
		return err
	}
	if c == ']' {
		if r.state == inBareList {
			r.state = atEnd
		} else {
			r.state = inMembers
		}
		return nil
	}
	if !r.first {
		if c != ',' {
			return fmt.Errorf("%q where a comma belongs", c)
		}
		if c, err = r.next(); err != nil {
			return err
		}
	}
	r.first = false
	at := r.offset - 1
	raw, err := r.value(c, r.lim.ObjectBytes)
	if err == errTooLong {
		return &BadObjectError{at, fmt.Errorf("it is longer than %d bytes", r.lim.ObjectBytes)}
	}
	if err != nil {
		return err
	}
	if r.seen++; r.seen > r.lim.Objects {
		return fmt.Errorf("more than %d objects", r.lim.Objects)
	}
	return r.object(raw, at)
}

func (r *Reader) object(raw []byte, at int64) error {
	tree, err := parseObject(raw, r.lim)
	if err != nil {
		return &BadObjectError{at, err}
	}
	objects, err := r.decode(tree)
	if err != nil {
		return &BadObjectError{at, err}
	}
	r.queue = objects
	return nil
}

func (r *Reader) decode(tree map[string]any) ([]Object, error) {
	typ, _ := tree["type"].(string)
	_, versioned := tree["spec_version"]
	if !versioned && (tree["created"] != nil || typ == "marking-definition") && !IsObservable(typ) && typ != "" {
		return upgrade(tree)
	}
	o, err := decodeTree(tree)
	if err != nil {
		return nil, err
	}
	return []Object{o}, nil
}

// next is the next byte that is not white space.
func (r *Reader) next() (byte, error) {
	for {
		c, err := r.byte()
		if err != nil || (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
			return c, err
		}
	}
}

func (r *Reader) byte() (byte, error) {
	c, err := r.in.ReadByte()
	if err == nil {
		if r.offset++; r.offset > r.lim.TotalBytes {
			return 0, fmt.Errorf("the input is longer than %d bytes", r.lim.TotalBytes)
		}
	}
	return c, err
}

var errTooLong = errors.New("a value is too long")

// value reads the JSON value that begins with c. Beyond the limit it reads on without keeping anything and returns
// errTooLong at the end of the value. It follows strings and brackets only; parseObject judges the rest.
func (r *Reader) value(c byte, limit int) ([]byte, error) {
	var raw []byte
	depth, inString, escaped, tooLong := 0, false, false, false
	for {
		if len(raw) < limit {
			raw = append(raw, c)
		} else {
			tooLong, raw = true, nil
			limit = 0
		}
		done := false
		switch {
		case inString:
			switch {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '"':
				inString, done = false, depth == 0
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
			if depth < 0 {
				return nil, fmt.Errorf("%q where a value belongs", c)
			}
			done = depth == 0
		case depth == 0:
			next, err := r.in.Peek(1)
			done = err != nil || next[0] == ',' || next[0] == '}' || next[0] == ']' || next[0] <= ' '
			if done && (c == ',' || c == ':') {
				return nil, fmt.Errorf("%q where a value belongs", c)
			}
		}
		if done {
			if tooLong {
				return nil, errTooLong
			}
			return raw, nil
		}
		var err error
		if c, err = r.byte(); err != nil {
			return nil, err
		}
	}
}
