package sigma

import (
	"bytes"
	"unicode/utf8"
)

// glob is a pattern with wildcards, cut at every '*'. A piece is literal text and '?'s.
type glob struct {
	pieces     []piece
	front, end bool // the first piece is at the beginning, the last at the end
}

// piece is text in which '?' stands for one character at the places of wild.
type piece struct {
	tokens []Token
	first  string // literal that begins the piece, "" when it begins with '?'
	size   int    // bytes at least
}

func newGlob(p Pattern) *glob {
	g := &glob{front: true, end: true}
	var cur piece
	flush := func() {
		if len(cur.tokens) > 0 {
			if cur.tokens[0].Wild == 0 {
				cur.first = cur.tokens[0].Text
			}
			g.pieces = append(g.pieces, cur)
			cur = piece{}
		}
	}
	for i, t := range p {
		if t.Wild == '*' {
			flush()
			if i == 0 {
				g.front = false
			}
			if i == len(p)-1 {
				g.end = false
			}
			continue
		}
		cur.tokens = append(cur.tokens, t)
		cur.size += max(1, len(t.Text))
	}
	flush()
	return g
}

// match looks for the pieces from left to right, each as early as possible, which finds a match if there is one.
func (g *glob) match(s []byte) bool {
	pieces := g.pieces
	if len(pieces) == 0 {
		return true // "*"
	}
	if g.front {
		n := pieces[0].matchAt(s)
		if n < 0 {
			return false
		}
		if len(pieces) == 1 && g.end {
			return n == len(s)
		}
		s, pieces = s[n:], pieces[1:]
	}
	var last *piece
	if g.end && len(pieces) > 0 {
		last, pieces = &pieces[len(pieces)-1], pieces[:len(pieces)-1]
	}
	for i := range pieces {
		n := pieces[i].find(s)
		if n < 0 {
			return false
		}
		s = s[n:]
	}
	return last == nil || last.matchEnd(s)
}

// matchAt matches the piece at the beginning of s and gives the bytes it takes, or -1.
func (p *piece) matchAt(s []byte) int {
	at := 0
	for _, t := range p.tokens {
		if t.Wild == '?' {
			if at >= len(s) {
				return -1
			}
			_, size := utf8.DecodeRune(s[at:])
			at += size
			continue
		}
		if len(s)-at < len(t.Text) || string(s[at:at+len(t.Text)]) != t.Text {
			return -1
		}
		at += len(t.Text)
	}
	return at
}

// find gives the end of the first match of the piece in s, or -1.
func (p *piece) find(s []byte) int {
	for at := 0; at <= len(s)-p.size; {
		if p.first != "" {
			i := bytes.Index(s[at:], []byte(p.first))
			if i < 0 {
				return -1
			}
			at += i
		}
		if n := p.matchAt(s[at:]); n >= 0 {
			return at + n
		}
		_, size := utf8.DecodeRune(s[at:])
		at += size
	}
	return -1
}

// matchEnd says whether the piece matches exactly at the end of s.
func (p *piece) matchEnd(s []byte) bool {
	at := len(s)
	for i := len(p.tokens) - 1; i >= 0; i-- {
		t := p.tokens[i]
		if t.Wild == '?' {
			if at == 0 {
				return false
			}
			_, size := utf8.DecodeLastRune(s[:at])
			at -= size
			continue
		}
		if !bytes.HasSuffix(s[:at], []byte(t.Text)) {
			return false
		}
		at -= len(t.Text)
	}
	return true
}
