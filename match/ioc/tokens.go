package ioc

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Classes of bytes: what is none of these ends a token.
const (
	word   = 1 // letters, digits, underscore, bytes of characters beyond ASCII
	dot    = 2
	hyphen = 4
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
	set   *Set
	hit   func(id int) // may be called more than once for an id
	loose bool         // the text is a record: what separates fields may end a value (see sifter)
	low   [512]byte
	url   []byte
	all   []byte // the whole text in lower case, made when a literal needs it
	made  bool
	path  bool // the text has a backslash
	name  []byte
	clean [1 << 10]uint64 // IPv4 addresses met that no term has, by their hash: logs repeat themselves

	texts int               // texts searched so far: what is remembered of another text does not count
	runs  [manySpans][2]run // what surrounds patterns, by the kind of span: before and behind
	tried []tried           // spans that patterns were tried in last
}

// find calls hit for every term in the text. Each kind of term is sought by what it cannot be without – a dot, a digest's length, a
// colon, a word – so that most bytes are only passed over.
func (f *finder) find(text []byte) {
	f.made = false
	f.texts++
	s := f.set
	if s.dotted {
		f.dotted(text)
	}
	if s.shortest > 0 {
		f.digests(text)
	}
	if len(s.bits6) > 0 {
		f.colons(text)
	}
	if s.text != nil {
		f.literals(text)
	}
}

// dotted looks up the tokens that have a dot.
func (f *finder) dotted(text []byte) {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '.')
		if i < 0 {
			return
		}
		from, to, in := dottedAt(text, at, at+i)
		if in&word != 0 {
			f.token(text, from, to, in&hyphen != 0)
		}
		at = to
	}
}

// dottedAt gives the token with a dot at a place, which begins no earlier than another place, and the classes that its bytes have.
func dottedAt(text []byte, least, at int) (from, to int, in uint8) {
	from, to, in = at, at+1, dot
	for from > least && class[text[from-1]] != 0 {
		from--
		in |= class[text[from]]
	}
	for to < len(text) && class[text[to]] != 0 {
		in |= class[text[to]]
		to++
	}
	return from, to, in
}

// digests looks up the words that are hexadecimal digits and as long as a hash.
func (f *finder) digests(text []byte) {
	f.eachDigest(text, func(from, to int) { f.look(saltHash, f.lower(text[from:to])) })
}

// eachDigest gives the words that digests looks up. Such a word is as long as the shortest at least, so it holds the half before one of the bytes that
// are half as much apart. Three bytes of a half, which are seldom digits all, tell where to look closer: one alone often is.
func (f *finder) eachDigest(text []byte, word func(from, to int)) {
	s := f.set
	if len(text) < s.shortest {
		return
	}
	half := s.shortest / 2
	for at := half; at < len(text); at += half {
		if hexValue[text[at]]|hexValue[text[at-half/3]]|hexValue[text[at-half*2/3]] > 15 {
			continue
		}
		from, to := at, at+1
		for from > 0 && hexValue[text[from-1]] < 16 {
			from--
		}
		for to < len(text) && hexValue[text[to]] < 16 {
			to++
		}
		if n := to - from; n < len(s.lengths) && s.lengths[n] && (from == 0 || !isWord(text[from-1])) && (to == len(text) || !isWord(text[to])) {
			word(from, to)
		}
		at = to
	}
}

// colons looks up the IPv6 addresses.
func (f *finder) colons(text []byte) {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], ':')
		if i < 0 {
			return
		}
		i += at
		at = i + 1
		if at < len(text) && (hexValue[text[at]] < 16 || text[at] == ':') { // else it is an address's last colon, and has none before it
			at = max(at, f.address6(text, i))
		}
	}
}

// lower gives a token in lower case, until the next.
func (f *finder) lower(t []byte) []byte {
	key := f.low[:len(t)]
	for i, c := range t {
		key[i] = lower[c]
	}
	return key
}

// look reports the term under a key. It says whether there may be one.
func (f *finder) look(s salt, key []byte) (maybe bool) { return f.lookAt(s, key, hashOf(s, key)) }

func (f *finder) lookAt(s salt, key []byte, h uint64) (maybe bool) {
	if !f.set.sieve.has(h) {
		return false
	}
	// A file name can be that of a file and of a process: all terms under the key count.
	f.set.tokens.find(h, func(id int) bool {
		t := f.set.term(id)
		if keySalt(t.Kind) == s && (s == saltAddress && string(appendPrefix(f.name[:0], prefixOf(t.Value))) == string(key) || t.Value == string(key)) {
			f.hit(id)
		}
		return false
	})
	return true
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
func (f *finder) token(text []byte, from, to int, hyphens bool) {
	s := f.set
	if s.has[FileName] || s.has[Process] {
		f.fileName(text[from:to])
	}
	from, to = trimToken(text, from, to)
	t := text[from:to]
	if len(t) < 4 || len(t) > maxDomain {
		return
	}
	if c := t[len(t)-1]; '0' <= c && c <= '9' {
		f.numbers(text, from, to, hyphens)
		return
	}
	// One question rules out the host of every domain, URL and address of mail: it is what most tokens cost.
	if e := endingBit(t); s.tops[e>>6]&(1<<(e&63)) == 0 || !s.sieve.has(hashOf(saltTail, f.lower(tailOf(t)))) {
		return
	}
	key := f.lower(t)
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
	if s.has[URL] && s.sieve.has(hashOf(saltHost, key)) {
		f.urls(text, from, to, key)
	}
}

// trimToken leaves out dots and hyphens around a token that has a word: they are punctuation.
func trimToken(text []byte, from, to int) (int, int) {
	for class[text[from]] != word {
		from++
	}
	for class[text[to-1]] != word {
		to--
	}
	return from, to
}

// fileName looks up a token as it is and without the punctuation around it.
func (f *finder) fileName(t []byte) {
	f.eachFileName(t, func(key []byte) { f.look(saltFileName, key) })
}

// eachFileName gives the names under which fileName looks a token up.
func (f *finder) eachFileName(t []byte, name func(key []byte)) {
	if len(t) > maxName {
		return
	}
	for class[t[len(t)-1]] != word {
		if t = t[:len(t)-1]; len(t) == 0 {
			return
		}
	}
	if e := endingBit(t); f.set.tails[e>>6]&(1<<(e&63)) == 0 {
		return
	}
	key := f.lower(t)
	name(key)
	if class[key[0]] != word {
		for len(key) > 0 && class[key[0]] != word {
			key = key[1:]
		}
		name(key)
	}
}

// numbers looks up a token that ends in a digit: an IPv4 address, two of them joined by a hyphen, or the host of a URL.
func (f *finder) numbers(text []byte, from, to int, hyphens bool) {
	eachNumbers(text, from, to, hyphens, func(from, to int, a [4]byte) { f.host4(text, from, to, a) })
}

// eachNumbers gives the IPv4 addresses of such a token.
func eachNumbers(text []byte, from, to int, hyphens bool, address func(from, to int, a [4]byte)) {
	for from < to {
		end := to
		if hyphens {
			if i := bytes.IndexByte(text[from:to], '-'); i >= 0 {
				end = from + i
			}
		}
		if a, ok := address4(text[from:end]); ok {
			address(from, end, a)
		}
		from = end + 1
	}
}

// host4 looks up an IPv4 address that stands at text[from:to].
func (f *finder) host4(text []byte, from, to int, a [4]byte) {
	n := binary.BigEndian.Uint32(a[:])
	met := &f.clean[n*0x9e3779b1>>22]
	if *met == uint64(n)|1<<32 {
		return
	}
	maybe := f.address4(a) // of every URL's host too, so that most addresses cost one question
	if maybe && f.set.has[URL] && f.set.sieve.has(hashOf(saltHost, text[from:to])) {
		f.urls(text, from, to, f.lower(text[from:to]))
	}
	if !maybe {
		*met = uint64(n) | 1<<32
	}
}

// address4 reads four decimal numbers without leading zeros.
func address4(t []byte) (a [4]byte, ok bool) {
	if len(t) < 7 || len(t) > 15 {
		return a, false
	}
	part, n, from := 0, 0, 0
	for i, c := range t {
		if d := c - '0'; d <= 9 {
			if n = n*10 + int(d); n > 255 || i > from && t[from] == '0' {
				return a, false
			}
			continue
		}
		if c != '.' || i == from || part == 3 {
			return a, false
		}
		a[part] = byte(n)
		part, n, from = part+1, 0, i+1
	}
	a[3] = byte(n)
	return a, part == 3 && from < len(t)
}

// address4 looks up an address in every network. It says whether one may hold it.
func (f *finder) address4(a [4]byte) (maybe bool) {
	n := binary.BigEndian.Uint32(a[:])
	var key [5]byte
	for _, bits := range f.set.bits4 {
		maybe = f.look(saltAddress, networkKey(&key, n, bits)) || maybe
	}
	return maybe
}

// networkKey gives the key of the network of so many bits that an address is in.
func networkKey(key *[5]byte, address uint32, bits int) []byte {
	binary.BigEndian.PutUint32(key[:], address&^(1<<(32-bits)-1))
	key[4] = byte(bits)
	return key[:]
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
		if begin--; f.loose && class[text[begin]] == 0 {
			f.mailbox(text, begin+1, from, to)
		}
	}
	f.mailbox(text, begin, from, to)
}

// mailbox looks up the address of mail that is text[begin:to].
func (f *finder) mailbox(text []byte, begin, from, to int) {
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

// urls looks up the URL whose host, one that some URL has, stands at text[from:to].
func (f *finder) urls(text []byte, from, to int, host []byte) {
	if f.loose { // host and path may be fields of their own
		f.hit(anyTerm)
		return
	}
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
