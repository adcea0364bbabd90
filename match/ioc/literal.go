package ioc

import (
	"bytes"
	"encoding/binary"

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

// stands says whether the literal, found at text[at:], is bounded as it must be. text is in lower case.
func (l *literal) stands(text []byte, at int) bool {
	end := at + len(l.text)
	switch l.left {
	case words:
		if at > 0 && isWord(l.text[0]) && isWord(text[at-1]) {
			return false
		}
	case paths:
		if at > 0 && (isWord(text[at-1]) || bytes.IndexByte(pathBytes, text[at-1]) >= 0) {
			return false
		}
	case whole:
		if at > 0 && bytes.IndexByte(quotes, text[at-1]) < 0 {
			return false
		}
	case last:
		if at > 0 && text[at-1] != '/' && text[at-1] != '\\' {
			return false
		}
	case hive:
		if !hiveBefore(text[:at], l.hive) {
			return false
		}
	}
	switch l.right {
	case words:
		if end < len(text) && isWord(l.text[len(l.text)-1]) && (isWord(text[end]) || continues(text, end)) {
			return false
		}
	case below:
		if end < len(text) && (isWord(text[end]) || text[end] == '-' || continues(text, end)) {
			return false
		}
	case whole:
		if end < len(text) && bytes.IndexByte(quotes, text[end]) < 0 {
			return false
		}
	case ended:
		if end < len(text) && bytes.IndexByte(quotes, text[end]) < 0 && !(text[end] == ' ' && at > 0) {
			return false
		}
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

// literals finds literals in a text: by one word of each, or by four bytes of it when no word of it is whole.
type literals struct {
	all   []literal
	words map[uint64][]posting // by hash of the word
	sieve [1 << 13]uint64      // of the words' hashes, and of first bytes with lengths
	least int                  // length of the shortest word
	grams map[uint32][]posting // by four bytes, or three for the shortest
	short map[uint32][]posting
	brief [1 << 12]uint64 // sieve of short
	gram  [1 << 12]uint64 // sieve of grams
}

type posting struct{ literal, offset int32 }

func newLiterals(all []literal) *literals {
	x := &literals{all: all, words: map[uint64][]posting{}, grams: map[uint32][]posting{}, short: map[uint32][]posting{}, least: maxPiece + 1}
	common := map[string]int{} // in how many literals a word stands
	crowd := map[uint32]int{}  // and how many have four bytes
	slots := 0
	for i := range all {
		if all[i].pattern != nil && all[i].exact == nil {
			if i == 0 || all[i-1].pattern != all[i].pattern {
				slots++
			}
			all[i].slot = slots - 1
		}
		for p := range all[i].pieces {
			common[string(all[i].text[p.from:p.to])]++
		}
		for at := 0; at+4 <= len(all[i].text); at++ {
			crowd[gramAt(all[i].text, at)]++
		}
	}
	for i := range all {
		l := &all[i]
		best, found := piece{}, false
		for p := range l.pieces {
			c, b := common[string(l.text[p.from:p.to])], common[string(l.text[best.from:best.to])]
			if !found || c < b || c == b && p.to-p.from > best.to-best.from {
				best, found = p, true
			}
		}
		switch {
		case found:
			w := l.text[best.from:best.to]
			h := hashOf(saltPiece, w)
			x.words[h] = append(x.words[h], posting{int32(i), int32(best.from)})
			x.sieve[h>>6&(1<<13-1)] |= 1 << (h & 63)
			x.least = min(x.least, len(w))
		case len(l.text) >= 4:
			at := 0
			for i := 1; i+4 <= len(l.text); i++ {
				if crowd[gramAt(l.text, i)] <= crowd[gramAt(l.text, at)] {
					at = i
				}
			}
			g := gramAt(l.text, at)
			x.grams[g] = append(x.grams[g], posting{int32(i), int32(at)})
			x.gram[gramBit(g)>>6] |= 1 << (gramBit(g) & 63)
		case len(l.text) == 3:
			g := uint32(l.text[0]) | uint32(l.text[1])<<8 | uint32(l.text[2])<<16
			x.short[g] = append(x.short[g], posting{int32(i), 0})
			x.brief[gramBit(g)>>6] |= 1 << (gramBit(g) & 63)
		}
	}
	return x
}

func gramAt(text []byte, at int) uint32 { return binary.LittleEndian.Uint32(text[at:]) }

func gramBit(g uint32) uint32 { return g * 0x9e3779b1 >> 14 }
