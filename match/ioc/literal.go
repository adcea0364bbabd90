package ioc

import (
	"bytes"

	"github.com/contrail-ir/contrail/match/internal/automaton"
)

// edge says what must stand beside a literal for it to be there.
type edge uint8

const (
	open  edge = iota // anything
	words             // no word goes on
	paths             // no word and no path goes on: the beginning of an absolute path
	whole             // the value ends, or a quote, a tab or a line end does
	below             // no word goes on, but a path may: a folder or registry key and what is in it
	hive              // a registry hive of the right kind stands before, or nothing
	last              // a path's last part: a separator or nothing stands before
	ended             // a path's last part ends: the value, a quote or a space
)

// literal is a text that is searched for as it is, in lower case, or that a pattern requires.
type literal struct {
	text        []byte
	left, right edge
	hive        string // for the edge hive: hklm, hkcu …
	id          int    // of the term
	pattern     *automaton.Automaton
	exact       []byte // all there is to the pattern, in its own case; nil when it is more than a text
	anchored    bool   // the pattern says where the text begins or ends
	path        bool   // the pattern needs a backslash
	slot        int    // number of the pattern among those that are run
	kind        Kind
}

// literalOf gives the literals of a term that is not looked up by tokens.
func literalsOf(t Term, id int) []literal {
	l := literal{text: []byte(lowerASCII(t.Value)), left: words, right: words, id: id, kind: t.Kind}
	switch t.How {
	case Pattern:
		re, err := compilePattern(t)
		if err != nil {
			return nil
		}
		run := automaton.New(spaced(t.Kind, re))
		var all []literal
		for _, text := range required(re) {
			var exact []byte
			if prefix, complete := re.LiteralPrefix(); complete && len(prefix) == len(text) {
				exact = []byte(prefix)
			}
			all = append(all, literal{exact: exact, text: []byte(text), id: id, pattern: run, kind: t.Kind, path: needsBackslash(re), anchored: hasAnchor(t.Value)})
		}
		return all
	case Contains:
		l.left, l.right = open, open
		return []literal{l}
	case Starts:
		l.right = open
		return []literal{l}
	case Ends:
		l.left = open
		return []literal{l}
	}
	switch t.Kind {
	case UserAgent:
		l.left, l.right = whole, whole
	case CommandLine:
		l.left, l.right = words, words
	case FileName, Process:
		l.left, l.right = words, words
		if !bytes.ContainsRune(l.text, '.') {
			l.left, l.right = last, ended
		}
	case FilePath, Directory:
		l.right = words
		if l.text[len(l.text)-1] == '/' || l.text[len(l.text)-1] == '\\' {
			l.right = open
		}
		switch {
		case l.text[0] == '/' && !bytes.ContainsRune(l.text, '\\'):
			l.left = paths
		case l.text[0] == '\\' && !bytes.HasPrefix(l.text, []byte(`\\`)):
			l.left = open // the end of a path
		}
	case Registry:
		if at := bytes.IndexByte(l.text, '\\'); at > 0 {
			l.hive, l.text = string(l.text[:at]), l.text[at:]
		}
		l.left, l.right = hive, below
	}
	return []literal{l}
}

// stands says whether the literal, found at text[at:], is bounded as it must be. text is in lower case. With loose, what separates words
// bounds it like an end of the text.
func (l *literal) stands(text []byte, at int, loose bool) bool {
	end := at + len(l.text)
	return (at == 0 || loose && class[text[at-1]] == 0 || l.begins(text, at)) && (end == len(text) || loose && class[text[end]] == 0 || l.ends(text, end, at > 0))
}

// begins says whether the literal may begin at a place that is not the text's beginning.
func (l *literal) begins(text []byte, at int) bool {
	c := text[at-1]
	switch l.left {
	case words:
		return !isWord(l.text[0]) || !isWord(c)
	case paths:
		return !isWord(c) && bytes.IndexByte(pathBytes, c) < 0
	case whole:
		return bytes.IndexByte(quotes, c) >= 0
	case last:
		return c == '/' || c == '\\'
	case hive:
		return hiveBefore(text[:at], l.hive)
	}
	return true
}

// ends says whether the literal may end at a place that is not the text's end; inside says that it does not begin with the text.
func (l *literal) ends(text []byte, end int, inside bool) bool {
	c := text[end]
	switch l.right {
	case words:
		return !isWord(l.text[len(l.text)-1]) || !isWord(c) && !continues(text, end)
	case below:
		return !isWord(c) && c != '-' && !continues(text, end)
	case whole:
		return bytes.IndexByte(quotes, c) >= 0
	case ended:
		return bytes.IndexByte(quotes, c) >= 0 || c == ' ' && inside
	}
	return true
}

var (
	pathBytes = []byte(`/\.-:~`)
	quotes    = []byte("\"'`\t\r\n\x00")
)

// continues says whether a name goes on after a dot or hyphen: evil.exe is not in evil.exe.config.
func continues(text []byte, at int) bool {
	return (text[at] == '.' || text[at] == '-') && at+1 < len(text) && isWord(text[at+1])
}

// hiveBefore says whether a registry path begins with the hive, in any of its spellings. What begins without a hive fits.
func hiveBefore(before []byte, hive string) bool {
	if len(before) == 0 || hive == "" {
		return true
	}
	if !isWord(before[len(before)-1]) && before[len(before)-1] != '}' {
		return true
	}
	from := len(before)
	for from > 0 && (isWord(before[from-1]) || before[from-1] == '\\' || before[from-1] == '-' || before[from-1] == '_') && len(before)-from < 200 {
		from--
	}
	path := bytes.TrimLeft(before[from:], `\`)
	path = bytes.TrimPrefix(path, []byte(`registry\`))
	root, rest, below := bytes.Cut(path, []byte{'\\'})
	switch string(root) {
	case "hklm", "hkey_local_machine", "machine":
		return hive == "hklm" && !below
	case "hkcu", "hkey_current_user":
		return (hive == "hkcu" || hive == "hku") && !below
	case "hku", "hkey_users", "user":
		return (hive == "hkcu" || hive == "hku") && below && bytes.HasPrefix(rest, []byte("s-1-")) && !bytes.ContainsRune(rest, '\\') || hive == "hku" && !below
	case "hkcr", "hkey_classes_root":
		return hive == "hkcr" && !below
	case "hkcc", "hkey_current_config":
		return hive == "hkcc" && !below
	}
	return false
}

// piece is a word inside a literal, whole in every text that holds the literal.
type piece struct{ from, to int }

// pieces lists the words of a literal that are whole wherever it stands.
func (l *literal) pieces(yield func(piece) bool) {
	for i := 0; i < len(l.text); {
		if !isWord(l.text[i]) {
			i++
			continue
		}
		from := i
		for i < len(l.text) && isWord(l.text[i]) {
			i++
		}
		if from == 0 && (l.left == open || l.pattern != nil) || i == len(l.text) && (l.right == open || l.pattern != nil) {
			continue
		}
		if i-from >= 2 && i-from <= maxPiece && !yield(piece{from, i}) {
			return
		}
	}
}

// maxPiece bounds the words that are looked up.
const maxPiece = 64
