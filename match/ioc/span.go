package ioc

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"strings"
)

// A pattern is not run on whole texts, but on spans: what surrounds a text that it requires, by its kind. Each span is tried once for
// each pattern however often the required text stands in it, and what surrounds is found once for a run of bytes, so the cost of a text
// grows with its length, not with the number of required texts in it.

// spanKind says which bytes a span is made of.
type spanKind uint8

const (
	linkSpan spanKind = iota // a link, or anything that ends where links end
	nameSpan                 // a domain
	mailSpan
	textSpan // a path, a command line: up to quotes
	fileSpan // a part of a path
	manySpans
)

var spanBytes = func() (t [manySpans][256]bool) {
	for i := range 256 {
		c := byte(i)
		t[linkSpan][i] = urlByte(c) && c != ',' && c != ';' && c != '(' && c != ')'
		t[nameSpan][i] = class[c] != 0
		t[mailSpan][i] = class[c] != 0 || c == '@' || localByte[c]
		t[textSpan][i] = c >= ' ' && c != '"' && c != '\'' && c != '`' && c != '|' && c != '<' && c != '>'
		t[fileSpan][i] = t[textSpan][i] && c != '\\' && c != '/'
	}
	return t
}()

// run is a longest stretch of a span's bytes, in one text.
type run struct {
	text     int // number of the text; 0 for none
	from, to int
}

// longest gives the longest run of the kind's bytes that ends or begins at a place or goes over it.
func longest(k spanKind, text []byte, at int) run {
	r := run{from: at, to: at}
	for r.from > 0 && spanBytes[k][text[r.from-1]] {
		r.from--
	}
	for r.to < len(text) && spanBytes[k][text[r.to]] {
		r.to++
	}
	return r
}

// around gives the run at a place, from memory where it was found before.
func (f *finder) around(k spanKind, side int, text []byte, at int) run {
	r := &f.runs[k][side]
	if r.text != f.texts || at < r.from || at > r.to {
		*r = longest(k, text, at)
		r.text = f.texts
	}
	return *r
}

// maxSpan is the step in which spans longer than two of them are cut: each piece goes half a step over both ends of its step.
const maxSpan = 1024

// spansOf lists the spans in which a pattern of a kind is tried that requires text[from:to].
func spansOf(k Kind, text []byte, from, to int, around func(k spanKind, side int, text []byte, at int) run) (spans [2][2]int, n int) {
	span := func(s spanKind) [2]int {
		begin, end := around(s, 0, text, from).from, around(s, 1, text, to).to
		if end-begin > 2*maxSpan {
			begin = max(begin, from/maxSpan*maxSpan-maxSpan/2)
			end = min(end, to/maxSpan*maxSpan+maxSpan+maxSpan/2)
		}
		return [2]int{begin, end}
	}
	switch k {
	case Domain:
		spans[0] = span(nameSpan)
	case Email:
		spans[0] = span(mailSpan)
	case FilePath, Directory, Registry, CommandLine, UserAgent, Text:
		spans[0] = span(textSpan)
	case FileName, Process: // patterns may state the folder or not
		spans[0], spans[1] = span(textSpan), span(fileSpan)
		return spans, 2
	default:
		spans[0] = span(linkSpan)
	}
	return spans, 1
}

// matches says whether a pattern stands in a span; a pattern of URLs may leave the scheme out.
func (l *literal) matches(span []byte) bool {
	if l.pattern.Match(span) {
		return true
	}
	if l.kind != URL || !l.anchored {
		return false
	}
	_, rest, schemed := bytes.Cut(span, []byte("://"))
	return schemed && l.pattern.Match(rest)
}

// tried is what is known of a pattern in the text looked at.
type tried struct {
	text  int // number of the text
	found bool
	spans [2][2]int // tried last, in vain
}

// try says whether a pattern stands in a span around text[from:to], unless it is known already.
func (f *finder) try(l *literal, text []byte, from, to int) bool {
	for len(f.tried) <= l.slot {
		f.tried = append(f.tried, tried{})
	}
	t := &f.tried[l.slot]
	if t.text != f.texts {
		*t = tried{text: f.texts}
	}
	if t.found {
		return false
	}
	spans, n := spansOf(l.kind, text, from, to, f.around)
	for i, s := range spans[:n] {
		if i > 0 && !l.anchored {
			break // what stands in a part stands in the whole
		}
		if t.spans[i] == s {
			continue
		}
		t.spans[i] = s
		if l.matches(text[s[0]:s[1]]) {
			t.found = true
			return true
		}
	}
	return false
}

// spaced lets a pattern of paths or commands begin behind a space and end before one, as they do in free text, so that one run over a span
// sees them all.
func spaced(k Kind, re *regexp.Regexp) *regexp.Regexp {
	switch k {
	case FilePath, Directory, CommandLine, Text:
	default:
		return re
	}
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil || !edges(parsed, true, true, 0) {
		return re
	}
	wide, err := regexp.Compile(parsed.String())
	if err != nil {
		return re
	}
	return wide
}

// edges puts a space beside the anchors at both ends of an expression. It says whether there were any.
func edges(re *syntax.Regexp, left, right bool, depth int) (any bool) {
	if depth > 100 {
		return false
	}
	switch re.Op {
	case syntax.OpBeginText, syntax.OpBeginLine, syntax.OpEndText, syntax.OpEndLine:
		if begins := re.Op == syntax.OpBeginText || re.Op == syntax.OpBeginLine; begins && !left || !begins && !right {
			return false
		}
		anchor := *re
		*re = syntax.Regexp{Op: syntax.OpAlternate, Sub: []*syntax.Regexp{&anchor, {Op: syntax.OpLiteral, Rune: []rune{' '}}}}
		return true
	case syntax.OpConcat:
		for i, sub := range re.Sub {
			if edges(sub, left && i == 0, right && i == len(re.Sub)-1, depth+1) {
				any = true
			}
		}
	case syntax.OpAlternate, syntax.OpCapture:
		for _, sub := range re.Sub {
			if edges(sub, left, right, depth+1) {
				any = true
			}
		}
	}
	return any
}

// hasAnchor says whether a pattern says where the text begins or ends, or may.
func hasAnchor(pattern string) bool {
	if strings.ContainsAny(pattern, `^$`) {
		return true
	}
	for _, a := range []string{`\b`, `\B`, `\A`, `\z`} {
		if strings.Contains(pattern, a) {
			return true
		}
	}
	return false
}
