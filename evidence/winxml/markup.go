package winxml

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"
)

// Limits of one event.
const (
	maxDepth  = 64
	maxFields = 1 << 14
	maxAttrs  = 64
)

var (
	errIncomplete = errors.New("the text ends inside an element")
	errDoctype    = errors.New("a document type declaration, which no event has and which is not read")
	errDeep       = errors.New("elements are nested too deep")
	errMany       = errors.New("too many fields or attributes")
	errMismatch   = errors.New("an end tag does not fit its start tag")
	errTag        = errors.New("a tag that is not well formed")
)

type tokenKind uint8

const (
	tokenStart tokenKind = iota
	tokenEnd
	tokenText
)

// token is a start tag, an end tag or a run of text. Slices point into the document.
type token struct {
	kind  tokenKind
	name  []byte // without a namespace prefix
	attrs []attr
	empty bool // <name/>
	text  []byte
	cdata bool
	leaf  bool // may be without children, and is a field then
}

type attr struct {
	name  []byte
	value []byte // entities not resolved
}

// markup reads the tokens of a document. It knows elements, attributes, text, CDATA, comments and processing
// instructions, and no declarations: there are no entities but the five of XML and character references. Characters that XML
// forbids are kept, because Windows exports them.
type markup struct {
	data  []byte
	at    int
	attrs []attr
}

func (m *markup) next() (token, error) {
	for {
		rest := m.data[m.at:]
		if len(rest) == 0 {
			return token{}, errIncomplete
		}
		if rest[0] != '<' {
			n := bytes.IndexByte(rest, '<')
			if n < 0 {
				return token{}, errIncomplete
			}
			m.at += n
			return token{kind: tokenText, text: rest[:n]}, nil
		}
		switch {
		case bytes.HasPrefix(rest, cdataOpen):
			n := bytes.Index(rest, cdataClose)
			if n < 0 {
				return token{}, errIncomplete
			}
			m.at += n + len(cdataClose)
			return token{kind: tokenText, text: rest[len(cdataOpen):n], cdata: true}, nil
		case bytes.HasPrefix(rest, commentOpen):
			n := bytes.Index(rest[len(commentOpen):], commentClose)
			if n < 0 {
				return token{}, errIncomplete
			}
			m.at += len(commentOpen) + n + len(commentClose)
		case bytes.HasPrefix(rest, []byte("<?")):
			n := bytes.Index(rest, []byte("?>"))
			if n < 0 {
				return token{}, errIncomplete
			}
			m.at += n + 2
		case bytes.HasPrefix(rest, []byte("<!")):
			return token{}, errDoctype
		default:
			return m.tag()
		}
	}
}

var (
	cdataOpen    = []byte("<![CDATA[")
	cdataClose   = []byte("]]>")
	commentOpen  = []byte("<!--")
	commentClose = []byte("-->")
)

func (m *markup) tag() (token, error) {
	d := m.data
	at := m.at + 1
	t := token{kind: tokenStart}
	if at < len(d) && d[at] == '/' {
		t.kind = tokenEnd
		at++
	}
	from := at
	for at < len(d) && !isSpace(d[at]) && d[at] != '>' && d[at] != '/' && d[at] != '<' {
		at++
	}
	t.name = local(d[from:at])
	if len(t.name) == 0 && at < len(d) {
		return t, errTag
	}
	m.attrs = m.attrs[:0]
	for {
		for at < len(d) && isSpace(d[at]) {
			at++
		}
		if at == len(d) {
			return t, errIncomplete
		}
		if d[at] == '>' {
			m.at = at + 1
			t.attrs = m.attrs
			return t, nil
		}
		if d[at] == '/' && t.kind == tokenStart {
			if at+1 == len(d) {
				return t, errIncomplete
			}
			if d[at+1] != '>' {
				return t, errTag
			}
			m.at = at + 2
			t.attrs, t.empty = m.attrs, true
			return t, nil
		}
		name := at
		for at < len(d) && d[at] != '=' && !isSpace(d[at]) && d[at] != '>' && d[at] != '<' {
			at++
		}
		end := at
		for at < len(d) && isSpace(d[at]) {
			at++
		}
		if at == len(d) {
			return t, errIncomplete
		}
		if d[at] != '=' || end == name || t.kind == tokenEnd {
			return t, errTag
		}
		for at++; at < len(d) && isSpace(d[at]); at++ {
		}
		if at == len(d) {
			return t, errIncomplete
		}
		quote := d[at]
		if quote != '\'' && quote != '"' {
			return t, errTag
		}
		n := bytes.IndexByte(d[at+1:], quote)
		if n < 0 {
			return t, errIncomplete
		}
		if len(m.attrs) == maxAttrs {
			return t, errMany
		}
		m.attrs = append(m.attrs, attr{name: d[name:end], value: d[at+1 : at+1+n]})
		at += n + 2
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// local gives a name without its namespace prefix.
func local(name []byte) []byte {
	if n := bytes.IndexByte(name, ':'); n >= 0 {
		return name[n+1:]
	}
	return name
}

// appendText appends text with entities resolved and invalid UTF-8 replaced. References that XML does not know stay as
// written.
func appendText(dst, text []byte, literal bool) []byte {
	for len(text) > 0 {
		n := len(text)
		if !literal {
			if n = bytes.IndexByte(text, '&'); n < 0 {
				n = len(text)
			}
		}
		if run := text[:n]; utf8.Valid(run) {
			dst = append(dst, run...)
		} else {
			for len(run) > 0 {
				r, size := utf8.DecodeRune(run)
				dst = utf8.AppendRune(dst, r)
				run = run[size:]
			}
		}
		if text = text[n:]; len(text) == 0 {
			break
		}
		end := bytes.IndexByte(text[:min(len(text), 12)], ';')
		r, ok := rune(0), false
		if end > 0 {
			r, ok = reference(string(text[1:end]))
		}
		if !ok {
			dst, text = append(dst, '&'), text[1:]
			continue
		}
		dst, text = utf8.AppendRune(dst, r), text[end+1:]
	}
	return dst
}

func reference(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	base, digits := 10, name[1:]
	if digits[0] == 'x' || digits[0] == 'X' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}
