package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Limits of JSON: deeper nesting is passed over, further shapes and names are read but not typed.
const (
	maxDepth  = 256
	maxShapes = 512
	maxFrames = 64
)

// ReadJSON counts JSON texts and JSON lines in UTF-8. A row is an object that stands alone or in an
// array; objects inside it that are not in an array belong to it, and its fields are named by the
// path ("passport number"). A row without a record locator takes that of the rows around it. What is
// not JSON is passed over to the next line.
func ReadJSON(src io.Reader, out *Out) error {
	j := jsonReader{in: bufio.NewReaderSize(src, 256<<10), out: out, root: &shape{}}
	err := j.read()
	for _, s := range j.shapes {
		if s.table != nil {
			s.table.Close()
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// shape is a kind of row: the objects at one path.
type shape struct {
	children map[string]*shape
	columns  map[string]int
	table    *Table
	path     string
}

// frame is a row being read.
type frame struct {
	shape *shape
	cells []span32
	arena []byte
}

type span32 struct{ from, to int32 }

type jsonReader struct {
	in     *bufio.Reader
	at     int64
	out    *Out
	root   *shape
	shapes []*shape
	frames []*frame // pool by depth of rows
	depth  int      // rows open
	key    []byte   // path of the value inside its row
	text   []byte
	cells  [][]byte
	inner  *jsonReader // of JSON in strings
	inside bool
}

var errSyntax = errors.New("not JSON")

func (j *jsonReader) next() (byte, error) {
	c, err := j.in.ReadByte()
	if err == nil {
		j.at++
	}
	return c, err
}

func (j *jsonReader) back() { j.at--; _ = j.in.UnreadByte() }

// token gives the next byte that is not white space.
func (j *jsonReader) token() (byte, error) {
	for {
		c, err := j.next()
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
	}
}

func (j *jsonReader) read() error {
	bad := int64(0)
	for {
		c, err := j.token()
		if err != nil {
			return err
		}
		start := j.at - 1
		if c == ',' || c == 0x1e { // between values; RFC 7464
			continue
		}
		j.depth, j.key = 0, j.key[:0]
		switch err := j.value(c, j.root, true, 0); {
		case errors.Is(err, errSyntax):
			if bad++; bad <= 10 {
				j.out.Damage(record.Damage{Offset: start, Reason: "not JSON up to the end of the line", Bytes: j.at - start})
			}
			if err := j.skipLine(); err != nil {
				return err
			}
		case errors.Is(err, io.EOF):
			j.out.Damage(record.Damage{Offset: start, Reason: "the JSON text ends inside a value", Bytes: j.at - start})
			return err
		case err != nil:
			return err
		}
	}
}

func (j *jsonReader) skipLine() error {
	j.back()
	for {
		p, err := j.in.ReadSlice('\n')
		j.at += int64(len(p))
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

// value reads the value that begins with c. element says that it stands alone or in an array, so that
// an object is a row; otherwise it is a field of the open row.
func (j *jsonReader) value(c byte, at *shape, element bool, depth int) error {
	if depth > maxDepth {
		return j.skip(c)
	}
	switch c {
	case '{':
		if element && j.depth < maxFrames {
			return j.row(at, depth)
		}
		return j.object(at, depth)
	case '[':
		for first := true; ; first = false {
			c, err := j.token()
			if err != nil {
				return err
			}
			if c == ']' && first {
				return nil
			}
			if err := j.value(c, at, true, depth+1); err != nil {
				return err
			}
			if c, err = j.token(); err != nil {
				return err
			}
			if c == ']' {
				return nil
			}
			if c != ',' {
				return errSyntax
			}
		}
	case '"':
		var err error
		if j.text, err = j.string(j.text[:0]); err != nil {
			return err
		}
		if n := len(j.text); n > 8 && j.text[0] == '{' && j.text[n-1] == '}' && !j.inside && json.Valid(j.text) {
			return j.embedded(at)
		}
		j.field(j.text)
		return nil
	}
	return j.scalar(c)
}

// embedded reads the text of a string that is JSON itself, as logs and queues hold messages: its objects are rows of their own.
func (j *jsonReader) embedded(at *shape) error {
	if j.inner == nil {
		j.inner = &jsonReader{in: bufio.NewReader(nil), out: j.out, inside: true}
	}
	in := j.inner
	in.in.Reset(bytes.NewReader(j.text))
	in.root, in.shapes = at.child([]byte("(text)")), j.shapes
	err := in.read()
	j.shapes = in.shapes
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

func (j *jsonReader) scalar(c byte) error {
	j.text = j.text[:0]
	for {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '-', c == '+', c == '.', c == 'E':
			if len(j.text) < 64 {
				j.text = append(j.text, c)
			}
		default:
			if len(j.text) == 0 {
				return errSyntax
			}
			j.back()
			return j.named()
		}
		var err error
		if c, err = j.next(); err != nil {
			if err == io.EOF {
				return j.named()
			}
			return err
		}
	}
}

func (j *jsonReader) named() error {
	switch {
	case string(j.text) == "null", string(j.text) == "true", string(j.text) == "false":
	case j.text[0] >= '0' && j.text[0] <= '9' || j.text[0] == '-':
		j.field(j.text)
	default:
		return errSyntax
	}
	return nil
}

// field puts a scalar into the open row under the present path.
func (j *jsonReader) field(value []byte) {
	if j.depth == 0 {
		if j.out.Text != nil && len(value) >= 10 {
			j.out.Text(value)
		}
		return
	}
	f := j.frames[j.depth-1]
	if len(f.arena)+len(value) > MaxRow {
		return
	}
	i, ok := f.shape.columns[string(j.key)]
	if !ok {
		if len(f.shape.columns) >= maxColumns {
			return
		}
		i = f.shape.table.addColumn(string(j.key))
		f.shape.columns[string(j.key)] = i
	}
	for len(f.cells) <= i {
		f.cells = append(f.cells, span32{-1, -1})
	}
	from := int32(len(f.arena))
	if old := f.cells[i]; old.from >= 0 { // several values of one name: an array
		f.arena = append(append(f.arena, f.arena[old.from:old.to]...), ' ')
	}
	f.arena = append(f.arena, value...)
	f.cells[i] = span32{from, int32(len(f.arena))}
}

func (j *jsonReader) row(at *shape, depth int) error {
	s := at
	if s.table == nil {
		if len(j.shapes) >= maxShapes && s != j.root {
			return j.object(at, depth) // its fields join the row around it
		}
		s.table, s.columns = New(s.path, nil, j.out), map[string]int{}
		j.shapes = append(j.shapes, s)
	}
	if len(j.frames) <= j.depth {
		j.frames = append(j.frames, &frame{})
	}
	f := j.frames[j.depth]
	f.shape, f.cells, f.arena = s, f.cells[:0], f.arena[:0]
	j.depth++
	outer := len(j.key)
	saved := append([]byte(nil), j.key...)
	j.key = j.key[:0]
	err := j.object(s, depth)
	j.key = append(j.key[:0], saved...)[:outer]
	if err == nil {
		j.finish(f)
	}
	j.depth--
	return err
}

// finish counts a row. Its locator may stand in a row around it.
func (j *jsonReader) finish(f *frame) {
	hints := f.shape.table.hints
	has := false
	for i, c := range f.cells {
		has = has || c.from >= 0 && hints[i] == Locator
	}
	for d := j.depth - 2; !has && d >= 0; d-- {
		outer := j.frames[d]
		for i, c := range outer.cells {
			if c.from >= 0 && outer.shape.table.hints[i] == Locator && identifier.Locator(outer.arena[c.from:c.to]) {
				j.key = append(j.key[:0], outer.shape.table.headers[i]...)
				j.field(outer.arena[c.from:c.to])
				has = true
				break
			}
		}
	}
	j.cells = j.cells[:0]
	for _, c := range f.cells {
		if c.from < 0 {
			j.cells = append(j.cells, nil)
		} else {
			j.cells = append(j.cells, f.arena[c.from:c.to])
		}
	}
	f.shape.table.Row(j.cells)
}

// object reads the members of an object after its brace.
func (j *jsonReader) object(at *shape, depth int) error {
	for first := true; ; first = false {
		c, err := j.token()
		if err != nil {
			return err
		}
		if c == '}' && first {
			return nil
		}
		if c != '"' {
			return errSyntax
		}
		outer := len(j.key)
		if outer > 0 {
			j.key = append(j.key, ' ')
		}
		inner := len(j.key)
		if j.key, err = j.string(j.key); err != nil {
			return err
		}
		if len(j.key) > 256 {
			j.key = j.key[:256]
		}
		if c, err = j.token(); err != nil {
			return err
		}
		if c != ':' {
			return errSyntax
		}
		if c, err = j.token(); err != nil {
			return err
		}
		child := at
		if c == '[' {
			child = at.child(j.key[min(inner, len(j.key)):])
		}
		if err := j.value(c, child, false, depth+1); err != nil {
			return err
		}
		j.key = j.key[:min(outer, len(j.key))]
		if c, err = j.token(); err != nil {
			return err
		}
		if c == '}' {
			return nil
		}
		if c != ',' {
			return errSyntax
		}
	}
}

func (s *shape) child(name []byte) *shape {
	if c := s.children[string(name)]; c != nil {
		return c
	}
	if len(s.children) >= maxShapes {
		return s
	}
	if s.children == nil {
		s.children = map[string]*shape{}
	}
	c := &shape{path: s.path + "/" + string(name)}
	s.children[string(name)] = c
	return c
}

// string reads a string after its quotation mark, up to a cell's limit.
func (j *jsonReader) string(dst []byte) ([]byte, error) {
	start := len(dst)
	for {
		c, err := j.next()
		if err != nil {
			return dst, err
		}
		switch {
		case c == '"':
			return dst, nil
		case c == '\\':
			if c, err = j.next(); err != nil {
				return dst, err
			}
			if c == 'u' {
				r, err := j.hex()
				if err != nil {
					return dst, err
				}
				if len(dst)-start < maxCell {
					dst = utf8.AppendRune(dst, r)
				}
				continue
			}
			c = unescape(c)
		case c < 0x20 && c != '\t':
			return dst, errSyntax
		}
		if len(dst)-start < maxCell {
			dst = append(dst, c)
		}
	}
}

// hex reads the digits of \uXXXX, and the second half of a surrogate pair.
func (j *jsonReader) hex() (rune, error) {
	four := func() (rune, error) {
		var r rune
		for range 4 {
			c, err := j.next()
			if err != nil {
				return 0, err
			}
			switch {
			case c >= '0' && c <= '9':
				r = r<<4 | rune(c-'0')
			case c|0x20 >= 'a' && c|0x20 <= 'f':
				r = r<<4 | rune(c|0x20-'a'+10)
			default:
				return 0, errSyntax
			}
		}
		return r, nil
	}
	r, err := four()
	if err != nil || r < 0xD800 || r >= 0xDC00 {
		return r, err
	}
	p, err := j.in.Peek(6)
	if err != nil || p[0] != '\\' || p[1] != 'u' {
		return utf8.RuneError, nil
	}
	_, _ = j.next()
	_, _ = j.next()
	low, err := four()
	if err != nil || low < 0xDC00 || low > 0xDFFF {
		return utf8.RuneError, err
	}
	return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), nil
}

// skip passes over a value that is nested too deep.
func (j *jsonReader) skip(c byte) error {
	for depth := 0; ; {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			var err error
			if j.text, err = j.string(j.text[:0]); err != nil {
				return err
			}
		}
		if depth <= 0 {
			if c == '}' || c == ']' || c == '"' {
				return nil
			}
			return j.scalar(c)
		}
		var err error
		if c, err = j.token(); err != nil {
			return err
		}
	}
}
