package sigma

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Bounds of a rule file. Real rules stay far below: the largest public ones have a few thousand values.
const (
	maxFileSize  = 16 << 20
	maxDocuments = 100_000 // in one file
	maxMarks     = 200_000 // line ends, commas, brackets, colons and dashes of one document, before YAML is parsed
	maxNodes     = 400_000 // values of one document, aliases expanded
	maxDepth     = 64      // nesting of values, conditions
)

// document is the text of one YAML document and the line it begins on.
type document struct {
	text []byte
	line int // of the first byte, from 1
}

// splitDocuments cuts a file at the lines that YAML reserves as document markers, even inside a scalar. Cutting
// before parsing keeps an error within its document and the memory to one document.
func splitDocuments(text []byte) ([]document, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("not UTF-8 text; save the file as UTF-8")
	}
	var docs []document
	from, fromLine, line := 0, 1, 1
	add := func(to int) error {
		doc := text[from:to]
		if !blank(doc) {
			if len(docs) == maxDocuments {
				return fmt.Errorf("more than %d documents; split the file", maxDocuments)
			}
			docs = append(docs, document{doc, fromLine})
		}
		return nil
	}
	for at := 0; at < len(text); line++ {
		end := len(text)
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		switch marker, rest := splitMarker(text[at:end]); {
		case marker == "---" && len(rest) == 0, marker == "...":
			if err := add(at); err != nil {
				return nil, err
			}
			from, fromLine = end, line+1
		case marker == "---":
			if err := add(at); err != nil {
				return nil, err
			}
			from, fromLine = at, line
		}
		at = end
	}
	if err := add(len(text)); err != nil {
		return nil, err
	}
	return docs, nil
}

// splitMarker gives the marker a line begins with, "" for none, and what follows it.
func splitMarker(line []byte) (string, []byte) {
	if len(line) < 3 {
		return "", nil
	}
	marker := string(line[:3])
	if marker != "---" && marker != "..." {
		return "", nil
	}
	rest := line[3:]
	if len(rest) > 0 && !strings.ContainsRune(" \t\r\n", rune(rest[0])) {
		return "", nil
	}
	return marker, bytes.TrimSpace(rest)
}

// blank says whether a document has nothing but comments, directives and space.
func blank(doc []byte) bool {
	for len(doc) > 0 {
		var line []byte
		line, doc, _ = bytes.Cut(doc, []byte("\n"))
		if len(line) > 0 && line[0] == '%' {
			continue
		}
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	mapNode
	listNode
)

// node is a YAML value with aliases and merge keys resolved. It is not changed after it was made, so that it may
// be shared.
type node struct {
	kind nodeKind
	tag  string // scalars: !!str, !!int, !!float, !!bool, !!null
	text string // scalars: as written
	line int
	keys []string // maps, unique
	vals []*node  // of maps and lists
}

func (n *node) get(key string) *node {
	if n == nil || n.kind != mapNode {
		return nil
	}
	for i, k := range n.keys {
		if k == key {
			return n.vals[i]
		}
	}
	return nil
}

func (n *node) isNull() bool { return n == nil || n.kind == scalarNode && n.tag == "!!null" }

// lineError is an error at a line of the file.
type lineError struct {
	line int
	text string
}

func (e *lineError) Error() string { return e.text }

func errorAt(line int, format string, args ...any) error {
	return &lineError{line, fmt.Sprintf(format, args...)}
}

// parseDocument reads one YAML document within the bounds.
func parseDocument(d document) (*node, error) {
	if n := marks(d.text); n > maxMarks {
		return nil, errorAt(d.line, "the document has about %d values, more than the %d allowed; split the rule", n, maxMarks)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(d.text, &root); err != nil {
		return nil, yamlError(err, d.line)
	}
	if len(root.Content) != 1 {
		return nil, errorAt(d.line, "the document is empty")
	}
	c := converter{budget: maxNodes, offset: d.line - 1}
	return c.convert(root.Content[0], 0)
}

// yamlError puts the library's message on one line and its line number into the file's count.
func yamlError(err error, first int) error {
	text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: ")
	line := 0
	if n, _ := fmt.Sscanf(text, "line %d:", &line); n == 1 {
		_, text, _ = strings.Cut(text, ": ")
		line += first - 1
	}
	return errorAt(line, "not valid YAML: %s; correct the text at this place", text)
}

func marks(text []byte) int {
	n := 0
	for _, c := range text {
		switch c {
		case '\n', ',', '[', '{', ':', '-', '?':
			n++
		}
	}
	return n
}

type converter struct {
	budget int
	offset int
}

func (c *converter) convert(y *yaml.Node, depth int) (*node, error) {
	line := y.Line + c.offset
	if depth > maxDepth {
		return nil, errorAt(line, "values nested more than %d deep; flatten the rule", maxDepth)
	}
	if c.budget--; c.budget < 0 {
		return nil, errorAt(line, "more than %d values once aliases are expanded; write the values out", maxNodes)
	}
	switch y.Kind {
	case yaml.AliasNode:
		return c.convert(y.Alias, depth+1) // an alias within its own anchor ends at the depth bound
	case yaml.ScalarNode:
		n := &node{tag: y.ShortTag(), text: y.Value, line: line}
		if n.tag != "!!null" {
			c.budget -= len(n.text) / 64 // long text repeated by aliases counts
		}
		return n, nil
	case yaml.SequenceNode:
		n := &node{kind: listNode, line: line, vals: make([]*node, 0, len(y.Content))}
		for _, item := range y.Content {
			v, err := c.convert(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.vals = append(n.vals, v)
		}
		return n, nil
	case yaml.MappingNode:
		return c.convertMap(y, depth)
	}
	return nil, errorAt(line, "a YAML construct that rules do not use")
}

func (c *converter) convertMap(y *yaml.Node, depth int) (*node, error) {
	n := &node{kind: mapNode, line: y.Line + c.offset}
	seen := make(map[string]bool, len(y.Content)/2)
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			return nil, errorAt(k.Line+c.offset, "a key that is not plain text; write a field name")
		}
		v, err := c.convert(y.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if k.ShortTag() == "!!merge" {
			if v.kind == listNode {
				merged = append(merged, v.vals...)
			} else {
				merged = append(merged, v)
			}
			continue
		}
		if seen[k.Value] {
			return nil, errorAt(k.Line+c.offset, "the key %q occurs twice; join the two or rename one", k.Value)
		}
		seen[k.Value] = true
		n.keys = append(n.keys, k.Value)
		n.vals = append(n.vals, v)
	}
	for _, m := range merged {
		if m.kind != mapNode {
			return nil, errorAt(m.line, "the merge key << takes a map or a list of maps")
		}
		for i, k := range m.keys {
			if !seen[k] {
				seen[k] = true
				n.keys = append(n.keys, k)
				n.vals = append(n.vals, m.vals[i])
			}
		}
	}
	return n, nil
}

// overlay gives base with the values of over put on top: maps are joined key by key, everything else of over
// replaces what base has.
func overlay(base, over *node) *node {
	if base == nil || base.kind != mapNode || over.kind != mapNode {
		return over
	}
	out := &node{kind: mapNode, line: base.line, keys: append([]string(nil), base.keys...), vals: append([]*node(nil), base.vals...)}
	at := make(map[string]int, len(out.keys))
	for i, k := range out.keys {
		at[k] = i
	}
	for i, k := range over.keys {
		if j, ok := at[k]; ok {
			out.vals[j] = overlay(out.vals[j], over.vals[i])
			continue
		}
		out.keys = append(out.keys, k)
		out.vals = append(out.vals, over.vals[i])
	}
	return out
}

// without gives the map without one key.
func (n *node) without(key string) *node {
	out := &node{kind: mapNode, line: n.line}
	for i, k := range n.keys {
		if k != key {
			out.keys = append(out.keys, k)
			out.vals = append(out.vals, n.vals[i])
		}
	}
	return out
}
