package ioc

import (
	"bytes"
	"net/netip"
)

// Classes of bytes: what is none of these ends a token.
const (
	word   = 1 // letters, digits, underscore, bytes of characters beyond ASCII
	dot    = 2
	hyphen = 3
)

var class = func() (t [256]byte) {
	for c := range 256 {
		if '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80 {
			t[c] = word
		}
	}
	t['.'], t['-'] = dot, hyphen
	return t
}()

// Bounds that keep hostile text from costing more than its length.
const (
	maxName = 255  // bytes of a token that can be a file name
	maxURL  = 2048 // bytes of a URL that are looked at behind its host
	maxCuts = 64   // parts of a URL's path that are looked up
	maxEnds = 4    // signs behind a URL that may be punctuation
)

// finder finds the terms in one text. It belongs to a scanner.
type finder struct {
	set  *Set
	hit  func(id int) // may be called more than once for an id
	low  [512]byte
	url  []byte
	all  []byte // the whole text in lower case, made when a literal needs it
	made bool
	path bool // the text has a backslash
	name []byte

	texts int               // texts searched so far: what is remembered of another text does not count
	runs  [manySpans][2]run // what surrounds patterns, by the kind of span: before and behind
	tried []tried           // spans that patterns were tried in last
}

// find calls hit for every term in the text.
func (f *finder) find(text []byte) {
	f.made = false
	f.texts++
	s := f.set
	f.path = s.text != nil && bytes.IndexByte(text, '\\') >= 0
	tokens := s.has[Domain] || s.has[URL] || s.has[Address] || s.has[FileName] || s.has[Process] || s.has[Email]
	least := maxPiece + 1
	if s.text != nil {
		least = s.text.least
	}
	v6 := len(s.bits6) > 0
	v6until := 0
	n := len(text)
	for i := 0; i < n; {
		c := text[i]
		if class[c] == 0 {
			if c == ':' && v6 && i >= v6until {
				v6until = f.address6(text, i)
			}
			i++
			continue
		}
		start, dots := i, 0
		for i < n {
			from := i
			for i < n && class[text[i]] == word {
				i++
			}
			if size := i - from; size >= least && size <= maxPiece {
				f.word(text, from, i)
				if size >= 32 && s.lengths[size] {
					f.hash(text[from:i])
				}
			} else if size >= 32 && size <= 128 && s.lengths[size] {
				f.hash(text[from:i])
			}
			if i == n {
				break
			}
			switch class[text[i]] {
			case dot:
				dots++
				i++
				continue
			case hyphen:
				i++
				continue
			}
			break
		}
		if dots > 0 && tokens {
			f.token(text, start, i)
		}
	}
	if s.text != nil && (len(s.text.grams) > 0 || len(s.text.short) > 0) {
		f.grams(text)
	}
}

// hash looks up a digest.
func (f *finder) hash(t []byte) {
	key := f.low[:len(t)]
	for i, c := range t {
		if hexValue[c] > 15 {
			return
		}
		key[i] = lower[c]
	}
	f.look(saltHash, key)
}

// look reports the term under a key.
func (f *finder) look(s salt, key []byte) { f.lookAt(s, key, hashOf(s, key)) }

func (f *finder) lookAt(s salt, key []byte, h uint64) {
	if !f.set.sieve.has(h) {
		return
	}
	// A file name can be that of a file and of a process: all terms under the key count.
	f.set.tokens.find(h, func(id int) bool {
		t := f.set.term(id)
		if keySalt(t.Kind) == s && (s == saltAddress && string(appendPrefix(f.name[:0], prefixOf(t.Value))) == string(key) || t.Value == string(key)) {
			f.hit(id)
		}
		return false
	})
}

func keySalt(k Kind) salt {
	switch k {
	case Address:
		return saltAddress
	case URL:
		return saltURL
	case Domain:
		return saltDomain
	case Hash:
		return saltHash
	case Email:
		return saltEmail
	}
	return saltFileName
}

// token looks up a run of words, dots and hyphens that has a dot: as a file name, as an address, or as a host with its parents, and
// what it is the host of.
func (f *finder) token(text []byte, from, to int) {
	s := f.set
	if s.has[FileName] || s.has[Process] {
		f.fileName(text[from:to])
	}
	// Dots and hyphens around a token are punctuation.
	for from < to && class[text[from]] != word {
		from++
	}
	for to > from && class[text[to-1]] != word {
		to--
	}
	t := text[from:to]
	if len(t) < 4 || len(t) > maxDomain {
		return
	}
	if c := t[len(t)-1]; '0' <= c && c <= '9' {
		f.numbers(text, from, to)
		return
	}
	key := f.low[:len(t)]
	for i, c := range t {
		key[i] = lower[c]
	}
	// One question rules out the host of every domain, URL and address of mail: it is what most tokens cost.
	if e := endingBit(key); s.tops[e>>6]&(1<<(e&63)) == 0 || !s.sieve.has(hashOf(saltTail, tailOf(key))) {
		return
	}
	if s.has[Domain] {
		for at := len(key) - 1; at >= 0; at-- {
			if key[at] == '.' && bytes.IndexByte(key[at+1:], '.') >= 0 {
				f.look(saltDomain, key[at+1:])
			}
		}
		f.look(saltDomain, key)
	}
	if s.has[Email] && from > 1 && text[from-1] == '@' {
		f.email(text, from, to)
	}
	if s.has[URL] {
		f.urls(text, from, to, key)
	}
}

// fileName looks up a token as it is and without the punctuation around it.
func (f *finder) fileName(t []byte) {
	if len(t) > maxName {
		return
	}
	for class[t[len(t)-1]] != word {
		if t = t[:len(t)-1]; len(t) == 0 {
			return
		}
	}
	key := f.low[:len(t)]
	for i, c := range t {
		key[i] = lower[c]
	}
	if e := endingBit(key); f.set.tails[e>>6]&(1<<(e&63)) == 0 {
		return
	}
	f.look(saltFileName, key)
	if class[key[0]] != word {
		for len(key) > 0 && class[key[0]] != word {
			key = key[1:]
		}
		f.look(saltFileName, key)
	}
}

// numbers looks up a token that ends in a digit: an IPv4 address, two of them joined by a hyphen, or the host of a URL.
func (f *finder) numbers(text []byte, from, to int) {
	at := from
	for i := from; i <= to; i++ {
		if i < to && text[i] != '-' {
			continue
		}
		if a, ok := address4(text[at:i]); ok {
			f.address4(a)
			if f.set.has[URL] {
				f.urls(text, at, i, append(f.low[:0], text[at:i]...))
			}
		}
		at = i + 1
	}
}

// address4 reads four decimal numbers without leading zeros.
func address4(t []byte) (a [4]byte, ok bool) {
	if len(t) < 7 || len(t) > 15 {
		return a, false
	}
	part, n, digits := 0, 0, 0
	for _, c := range t {
		switch {
		case '0' <= c && c <= '9':
			if digits > 0 && n == 0 {
				return a, false
			}
			if n = n*10 + int(c-'0'); n > 255 {
				return a, false
			}
			digits++
		case c == '.' && digits > 0 && part < 3:
			a[part] = byte(n)
			part, n, digits = part+1, 0, 0
		default:
			return a, false
		}
	}
	a[3] = byte(n)
	return a, part == 3 && digits > 0
}

func (f *finder) address4(a [4]byte) {
	ip := netip.AddrFrom4(a)
	for _, bits := range f.set.bits4 {
		f.network(ip, bits)
	}
}

func (f *finder) network(ip netip.Addr, bits int) {
	p, err := ip.Prefix(bits)
	if err != nil {
		return
	}
	var key [17]byte
	f.look(saltAddress, appendPrefix(key[:0], p))
}

// address looks up an address in every network.
func (f *finder) address(ip netip.Addr) {
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		f.address4(ip.As4())
		return
	}
	for _, bits := range f.set.bits6 {
		f.network(ip, bits)
	}
}

// address6 looks up the IPv6 address around a colon and gives the end of what could be one.
func (f *finder) address6(text []byte, colon int) int {
	const longest = 45
	from, to := colon, colon
	for from > 0 && colon-from < longest && (hexValue[text[from-1]] < 16 || text[from-1] == ':') {
		from--
	}
	for to < len(text) && to-colon < longest && (hexValue[text[to]] < 16 || text[to] == ':' || text[to] == '.' && hexValue[text[to-1]] < 16) {
		to++
	}
	end := to
	for to > from && (text[to-1] == '.' || text[to-1] == ':' && !bytes.HasSuffix(text[from:to], []byte("::"))) {
		to--
	}
	t := text[from:to]
	colons := bytes.Count(t, []byte(":"))
	if colons < 2 || colons < 6 && !bytes.Contains(t, []byte("::")) || from > 0 && (isWord(text[from-1]) || text[from-1] == '.' && from > 1 && isWord(text[from-2])) || end < len(text) && isWord(text[end]) {
		return end
	}
	if ip, err := netip.ParseAddr(string(t)); err == nil {
		f.address(ip)
	}
	return end
}

// email looks up the address whose domain stands at text[from:to], with an @ before it.
func (f *finder) email(text []byte, from, to int) {
	begin := from - 1
	for begin > 0 && from-begin <= 65 && localByte[text[begin-1]] {
		begin--
	}
	if from-begin > 65 || to-begin > len(f.low) {
		return
	}
	key := appendLower(f.name[:0], text[begin:to])
	f.name = key[:0]
	for len(key) > 0 && (key[0] == '.' || key[0] == '-' || key[0] == '=') {
		key = key[1:]
	}
	f.look(saltEmail, key)
}

// urls looks up the URL whose host stands at text[from:to].
func (f *finder) urls(text []byte, from, to int, host []byte) {
	schemed := from >= 3 && string(text[from-3:from]) == "://" || from >= 1 && text[from-1] == '@'
	end := to
	if end < len(text) && text[end] == ':' {
		p := end + 1
		for p < len(text) && p-end < 7 && '0' <= text[p] && text[p] <= '9' {
			p++
		}
		if p > end+1 {
			if port := string(text[end+1 : p]); port != "80" && port != "443" {
				host = append(host, text[end:p]...)
			}
			end = p
		}
	}
	begins := end < len(text) && (text[end] == '/' || text[end] == '?')
	if !begins && !schemed {
		return
	}
	if !f.set.sieve.has(hashOf(saltHost, host)) {
		return
	}
	var rest []byte
	if begins {
		rest = text[end:min(len(text), end+maxURL)]
	}
	f.parts(host, rest, nil, urlEnd)
}

func urlByte(c byte) bool {
	return c > ' ' && c != '"' && c != '\'' && c != '<' && c != '>' && c != '`' && c != '|' && c != '^' && c != 0x7f
}

// urlEnd says at which bytes a URL in a text ends: what stands in none, and the fragment, which is not compared.
func urlEnd(c byte) bool { return c == '#' || !urlByte(c) }

// parts looks up a URL as a whole, without the punctuation behind it, without its query, and each of its folders: an indicator that ends
// in a slash stands for what is below it. The walk stops where no indicator begins like the URL (see ladder), so a text in which host
// follows host costs no more than its length. The URL ends at the first byte for which ends says so.
func (f *finder) parts(host, path, query []byte, ends func(c byte) bool) {
	l := ladder{sieve: &f.set.sieve, url: append(f.url[:0], host...)}
	defer func() { f.url = l.url[:0] }()
	cuts, asked := 0, false
	// add appends a byte, looks up what ends there, and says whether anything longer can be an indicator.
	add := func(c byte) bool {
		if c == '?' && !asked {
			asked = true
			f.step(&l, len(l.url))
		}
		l.url = append(l.url, c)
		more := l.climb()
		if c == '/' && !asked && cuts < maxCuts {
			cuts++
			f.step(&l, len(l.url))
		}
		return more
	}
	more := l.climb()
	if more && (len(path) == 0 || path[0] != '/') {
		more = add('/')
	}
	for _, part := range [...][]byte{path, query} {
		for i := 0; i < len(part) && more; i++ {
			c := part[i]
			if ends != nil && ends(c) {
				break
			}
			if c == '%' && i+2 < len(part) && hexValue[part[i+1]] < 16 && hexValue[part[i+2]] < 16 {
				i += 2
				d := hexValue[part[i-1]]<<4 | hexValue[part[i]]
				if !unreserved(d) {
					more = add('%') && add(upperHex[d>>4]) && add(upperHex[d&15])
					continue
				}
				c = d
			}
			more = add(c)
		}
	}
	if !more {
		return
	}
	u := l.url
	f.step(&l, len(u))
	for n := len(u); n > len(host)+1 && len(u)-n < maxEnds && bytes.IndexByte(afterURL, u[n-1]) >= 0; n-- {
		f.step(&l, n-1)
	}
}

// afterURL may stand behind a URL without being part of it.
var afterURL = []byte(".,;:!)]}*")

// step looks up the first n bytes of a URL that a ladder stands on.
func (f *finder) step(l *ladder, n int) {
	if l.broken && n >= l.at {
		return
	}
	f.lookAt(saltURL, l.url[:n], l.hash(n))
}

// word looks up the literals that have the word.
func (f *finder) word(text []byte, from, to int) {
	key := f.low[:to-from]
	for i, c := range text[from:to] {
		key[i] = lower[c]
	}
	x := f.set.text
	h := hashOf(saltPiece, key)
	if x.sieve[h>>6&(1<<13-1)]&(1<<(h&63)) == 0 {
		return
	}
	for _, p := range x.words[h] {
		f.literal(text, from, p)
	}
}

// literal verifies a literal whose witness was found.
func (f *finder) literal(text []byte, at int, p posting) {
	l := &f.set.text.all[p.literal]
	if l.path && !f.path {
		return
	}
	begin := at - int(p.offset)
	if begin < 0 || begin+len(l.text) > len(text) {
		return
	}
	if !f.made {
		f.all, f.made = appendLower(f.all[:0], text), true
	}
	if !bytes.Equal(f.all[begin:begin+len(l.text)], l.text) {
		return
	}
	if l.pattern == nil {
		if l.stands(f.all, begin) {
			f.hit(l.id)
		}
		return
	}
	if l.exact != nil {
		if bytes.Equal(text[begin:begin+len(l.exact)], l.exact) {
			f.hit(l.id)
		}
		return
	}
	if f.try(l, text, begin, begin+len(l.text)) {
		f.hit(l.id)
	}
}

// grams finds the literals without a whole word.
func (f *finder) grams(text []byte) {
	x := f.set.text
	brief := len(x.short) > 0
	var g uint32
	for i, c := range text {
		g = g>>8 | uint32(lower[c])<<24
		if i < 2 {
			continue
		}
		if b := gramBit(g); i > 2 && x.gram[b>>6]&(1<<(b&63)) != 0 {
			f.gram(text, i-3, x.grams[g])
		}
		if b := gramBit(g >> 8); brief && x.brief[b>>6]&(1<<(b&63)) != 0 {
			f.gram(text, i-2, x.short[g>>8])
		}
	}
}

func (f *finder) gram(text []byte, at int, ps []posting) {
	for _, p := range ps {
		f.literal(text, at, p)
	}
}
