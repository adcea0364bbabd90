package table

import (
	"bufio"
	"bytes"
	"html"
	"io"
	"strings"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// ReadXML counts XML documents in UTF-8. What repeats – the elements nearest the root of which two of one name stand side by side and hold others – are
// its records; each becomes the JSON object that says the same, and is counted as JSON is. A field is an attribute, or an element with text only; in
// the form of database dumps, <field name="passport">…</field>, its name is that of the attribute.
func ReadXML(src io.Reader, head []byte, out *Out) error {
	return ReadJSON(&xmlRecords{in: bufio.NewReaderSize(src, 64<<10), out: out, depth: recordDepth(head)}, out)
}

// IsXML says whether a text begins as XML does. HTML is text: its tables are for people.
func IsXML(head []byte) bool {
	p := bytes.TrimLeft(head, " \t\r\n")
	if len(p) < 4 || p[0] != '<' || bytes.Contains(head, []byte("UNB+")) { // messages in an envelope are read as messages
		return false
	}
	start := strings.ToLower(string(p[:min(len(p), 256)]))
	if strings.HasPrefix(start, "<!doctype html") || strings.Contains(start, "<html") {
		return false
	}
	return strings.HasPrefix(start, "<?xml") || alphabetic(p[1]) && bytes.IndexByte(p[:min(len(p), 4096)], '>') > 0 && (bytes.Contains(p, []byte("</")) || bytes.Contains(p, []byte("/>")))
}

func alphabetic(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// Limits of XML beside those of JSON.
const (
	maxNodes   = 1 << 16 // of one record
	maxXMLName = 128
)

type xmlToken struct {
	kind  byte // '<' start, '/' end, 't' text
	name  string
	attrs [][2]string
	empty bool
	text  string
}

// node is an element of a record.
type node struct {
	name     string
	fields   [][2]string // attributes
	text     strings.Builder
	children []*node
}

// xmlRecords gives the records of an XML stream as lines of JSON.
type xmlRecords struct {
	in    *bufio.Reader
	out   *Out
	depth int // of the records

	level   int     // elements open above the record under way, and it
	open    []*node // of the record under way
	beyond  int     // elements open deeper than that
	nodes   int
	size    int
	dropped int64
	line    []byte
	err     error
}

func (x *xmlRecords) Read(p []byte) (int, error) {
	for len(x.line) == 0 {
		if x.err != nil {
			return 0, x.err
		}
		x.step()
	}
	n := copy(p, x.line)
	x.line = x.line[n:]
	return n, nil
}

// step takes one token.
func (x *xmlRecords) step() {
	t, err := xmlNext(x.in)
	if err != nil {
		x.err = err
		if x.level > 0 {
			x.out.Damage(record.Damage{Reason: "the XML ends inside an element", Cut: true})
		}
		if len(x.open) > 0 {
			x.emit(x.open[0])
		}
		return
	}
	switch t.kind {
	case '<':
		x.level++
		if len(x.open) > 0 || x.level > x.depth {
			x.begin(&t)
		}
		if t.empty {
			x.end()
		}
	case '/':
		x.end()
	case 't':
		if n := len(x.open); n > 0 {
			if x.size += len(t.text); x.size <= MaxRow {
				x.open[n-1].text.WriteString(t.text)
			} else {
				x.dropped += int64(len(t.text))
			}
		} else if text := strings.TrimSpace(t.text); len(text) >= 10 {
			x.line = append(quoted(x.line[:0], text), '\n')
		}
	}
}

func (x *xmlRecords) begin(t *xmlToken) {
	if len(x.open) >= maxDepth {
		x.beyond++
		x.dropped++
		return
	}
	n := &node{name: t.name, fields: t.attrs}
	for _, a := range t.attrs {
		x.size += len(a[0]) + len(a[1])
	}
	if k := len(x.open); k > 0 {
		if x.nodes++; x.nodes <= maxNodes && x.size <= MaxRow && k < maxDepth/2 {
			x.open[k-1].children = append(x.open[k-1].children, n)
		} else {
			x.dropped++
		}
	}
	x.open = append(x.open, n)
}

func (x *xmlRecords) end() {
	if x.level > 0 {
		x.level--
	}
	k := len(x.open)
	switch {
	case x.beyond > 0:
		x.beyond--
	case k == 1:
		x.emit(x.open[0])
	case k > 1:
		x.open = x.open[:k-1]
	}
}

func (x *xmlRecords) emit(n *node) {
	if x.dropped > 0 {
		x.out.Damage(record.Damage{Reason: "XML element larger than the limit was cut", Bytes: x.dropped})
	}
	x.line = x.line[:0]
	if k, v, ok := n.leaf(); ok {
		x.line = append(quoted(append(x.line, '{'), k), ':')
		x.line = append(quoted(x.line, v), "}\n"...)
	} else {
		x.line = append(n.json(x.line), '\n')
	}
	x.open, x.beyond, x.nodes, x.size, x.dropped = x.open[:0], 0, 0, 0, 0
}

// leaf gives name and text of an element that holds nothing else.
func (n *node) leaf() (name, value string, ok bool) {
	if len(n.children) > 0 {
		return "", "", false
	}
	text := strings.TrimSpace(n.text.String())
	name = n.name
	for _, a := range n.fields {
		switch strings.ToLower(a[0]) {
		case "name", "key":
			name = a[1]
		case "type", "nil", "lang", "space":
		default:
			return "", "", false
		}
	}
	if text == "" && len(n.fields) > 0 {
		return "", "", false
	}
	return name, text, true
}

// json writes an element as an object; children of one name are an array.
func (n *node) json(dst []byte) []byte {
	dst = append(dst, '{')
	first := true
	member := func(name string) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(quoted(dst, name), ':')
	}
	for _, a := range n.fields {
		member(a[0])
		dst = quoted(dst, a[1])
	}
	if text := strings.TrimSpace(n.text.String()); text != "" {
		member("text")
		dst = quoted(dst, text)
	}
	groups, order := map[string][]*node{}, []string{}
	for _, c := range n.children {
		name := c.name
		if k, _, ok := c.leaf(); ok {
			name = k
		}
		if groups[name] == nil {
			order = append(order, name)
		}
		groups[name] = append(groups[name], c)
	}
	for _, name := range order {
		member(name)
		list := groups[name]
		if len(list) > 1 {
			dst = append(dst, '[')
		}
		for i, c := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			if _, v, ok := c.leaf(); ok {
				dst = quoted(dst, v)
			} else {
				dst = c.json(dst)
			}
		}
		if len(list) > 1 {
			dst = append(dst, ']')
		}
	}
	return append(dst, '}')
}

// quoted writes a JSON string.
func quoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ':
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// recordDepth finds, in the beginning of a document, how deep its records stand: 0 when nothing repeats, so that the whole is one.
func recordDepth(head []byte) int {
	type level struct {
		seen    map[string]int // children by name that hold something
		complex bool
		name    string
	}
	best := 0
	in := bufio.NewReaderSize(bytes.NewReader(head), 64<<10)
	stack := []level{{}}
	closing := func() {
		n := len(stack) - 1
		if n == 0 {
			return
		}
		done := stack[n]
		stack = stack[:n]
		if !done.complex {
			return
		}
		up := &stack[n-1]
		if up.seen == nil {
			up.seen = map[string]int{}
		}
		if up.seen[done.name]++; up.seen[done.name] == 2 && (best == 0 || n-1 < best) {
			best = n - 1
		}
	}
	for {
		t, err := xmlNext(in)
		if err != nil {
			return best
		}
		switch {
		case t.kind == '<' && len(stack) < maxDepth:
			stack[len(stack)-1].complex = true
			stack = append(stack, level{name: t.name, complex: len(t.attrs) > 1})
			if t.empty {
				closing()
			}
		case t.kind == '/':
			closing()
		}
	}
}

// xmlNext reads one token; comments, declarations and instructions are passed over. What is no markup is text.
func xmlNext(in *bufio.Reader) (xmlToken, error) {
	for {
		c, err := in.ReadByte()
		if err != nil {
			return xmlToken{}, err
		}
		if c != '<' {
			_ = in.UnreadByte()
			return xmlText(in)
		}
		p, _ := in.Peek(8)
		switch {
		case bytes.HasPrefix(p, []byte("!--")):
			err = until(in, "-->", nil)
		case bytes.HasPrefix(p, []byte("![CDATA[")):
			_, _ = in.Discard(8)
			var b []byte
			err = until(in, "]]>", &b)
			return xmlToken{kind: 't', text: string(bytes.ToValidUTF8(bytes.TrimSuffix(b, []byte("]]>")), []byte("?")))}, err
		case bytes.HasPrefix(p, []byte("?")):
			err = until(in, "?>", nil)
		case bytes.HasPrefix(p, []byte("!")):
			err = declaration(in)
		case len(p) > 0 && (p[0] == '/' || alphabetic(p[0]) || p[0] == '_' || p[0] >= 0x80):
			return xmlTag(in)
		default:
			return xmlToken{kind: 't', text: "<"}, nil
		}
		if err != nil {
			return xmlToken{}, err
		}
	}
}

// declaration passes over a declaration with what stands in its brackets: entities that it declares are not known, so that none is ever put in.
func declaration(in *bufio.Reader) error {
	depth := 0
	for range maxCell { // what goes on has no end: the rest is text
		c, err := in.ReadByte()
		switch {
		case err != nil:
			return err
		case c == '[':
			depth++
		case c == ']':
			depth = max(0, depth-1)
		case c == '>' && depth == 0:
			return nil
		}
	}
	return nil
}

// until reads up to a mark; up to a cell's limit is kept where it is wanted.
func until(in *bufio.Reader, mark string, keep *[]byte) error {
	var last [4]byte
	for {
		c, err := in.ReadByte()
		if err != nil {
			return err
		}
		last = [4]byte{last[1], last[2], last[3], c}
		if keep != nil && len(*keep) < maxCell {
			*keep = append(*keep, c)
		}
		if strings.HasSuffix(string(last[:]), mark) {
			return nil
		}
	}
}

func xmlText(in *bufio.Reader) (xmlToken, error) {
	var b []byte
	for len(b) < maxCell {
		c, err := in.ReadByte()
		if err != nil {
			break
		}
		if c == '<' {
			_ = in.UnreadByte()
			break
		}
		b = append(b, c)
	}
	return xmlToken{kind: 't', text: html.UnescapeString(string(bytes.ToValidUTF8(b, []byte("?"))))}, nil
}

// xmlTag reads a tag after its "<".
func xmlTag(in *bufio.Reader) (t xmlToken, err error) {
	t.kind = '<'
	held := 0
	c, err := in.ReadByte()
	if c == '/' {
		t.kind = '/'
		c, err = in.ReadByte()
	}
	if t.name, c, err = xmlName(in, c, err); err != nil {
		return t, err
	}
	for {
		for err == nil && (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			c, err = in.ReadByte()
		}
		switch {
		case err != nil:
			return t, err
		case c == '>':
			return t, nil
		case c == '/':
			t.empty = t.kind == '<'
			c, err = in.ReadByte()
			if c != '>' {
				t.empty = false
			}
			continue
		}
		var name, value string
		if name, c, err = xmlName(in, c, err); err != nil {
			return t, err
		}
		for err == nil && (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			c, err = in.ReadByte()
		}
		if c != '=' {
			if name == "" && err == nil { // a sign that belongs nowhere
				c, err = in.ReadByte()
			}
			continue
		}
		for c, err = in.ReadByte(); err == nil && (c == ' ' || c == '\t' || c == '\r' || c == '\n'); {
			c, err = in.ReadByte()
		}
		if err == nil && (c == '"' || c == '\'') {
			var b []byte
			if err = until(in, string(rune(c)), &b); err != nil {
				return t, err
			}
			value = html.UnescapeString(string(bytes.ToValidUTF8(bytes.TrimSuffix(b, []byte{c}), []byte("?"))))
			c, err = in.ReadByte()
		}
		if held += len(value); len(t.attrs) < maxColumns && held <= MaxRow && name != "" && name != "xmlns" {
			t.attrs = append(t.attrs, [2]string{name, value})
		}
	}
}

// xmlName reads a name that begins with c and gives its part behind the colon, and the byte behind it.
func xmlName(in *bufio.Reader, c byte, err error) (string, byte, error) {
	var b []byte
	for err == nil && !strings.ContainsRune(" \t\r\n/>='\"<", rune(c)) {
		if len(b) < maxXMLName {
			b = append(b, c)
		}
		c, err = in.ReadByte()
	}
	name := string(bytes.ToValidUTF8(b, []byte("?")))
	if strings.HasPrefix(name, "xmlns") {
		return "xmlns", c, err
	}
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return name, c, err
}
