package disclosure

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// Limits of what is looked into; beyond them a file cannot be released.
const (
	maxDepth    = 8
	maxScan     = 256 << 20 // bytes of one file, unpacked
	minCutBytes = 3
)

// Leak says that a value that was cut is left in what was to leave, or that a part of it cannot be looked into.
type Leak struct {
	File string // "!" before a path inside a container
	Sort string // of the value; the value itself is not told, because errors end in logs
	As   string // plain, base64, UTF-16, hex, MD5 …
	// Passenger says that it is not a value that was cut, but what the screen takes for a passenger's, and Line where, from 1; 0 when
	// there are no lines.
	Passenger bool
	Line      int
}

func (l Leak) String() string {
	if l.Passenger {
		where := l.File
		if l.Line > 0 {
			where = fmt.Sprintf("%s:%d", l.File, l.Line)
		}
		return fmt.Sprintf("%s: what looks like a passenger's data is left: %s (%s)", where, l.Sort, l.As)
	}
	if l.Sort == "" {
		return fmt.Sprintf("%s: %s", l.File, l.As)
	}
	return fmt.Sprintf("%s: a %s that was cut is left (%s)", l.File, l.Sort, l.As)
}

type needle struct {
	bytes []byte
	sort  string
	as    string
}

// Scanner searches bytes for values that were cut: plain, in letters that look alike, in base64 at each of its three offsets, base32 at each of its
// five, UTF-16 in both orders, hexadecimal, rot13, escaped as in HTML and JSON, inside zip, gzip, zlib and tar, within each other, and as unsalted MD5, SHA-1 and SHA-2 – raw, hexadecimal or
// base64. Letter case is ignored but in digests, where the spelling given, the lower and the upper one are searched for.
type Scanner struct {
	folded  *index // searched for in lower case
	exact   *index // base64
	runs    *index // base32, in runs of its letters
	digests *index
	words   words
	// Screen looks for what is nobody's to pass on, whoever drafted it: passengers' data. May be nil.
	Screen Screen
}

// Screen finds what must not leave in a text and says what it is and where, as a byte offset.
type Screen func(text []byte) []Place

// Place is where something was found.
type Place struct {
	Sort   string // of what: travel document, booking …
	Offset int
}

// index finds needles by their first bytes: there are thousands, and each place of what is searched is looked up once.
type index struct {
	first [1 << 16]bool // two bytes that some needle begins with
	by    map[[3]byte][]needle
}

func newIndex() *index { return &index{by: map[[3]byte][]needle{}} }

func (x *index) add(n needle) {
	if len(n.bytes) < 3 {
		return // shorter than what can be cut: base64 of so little is found everywhere
	}
	x.first[int(n.bytes[0])<<8|int(n.bytes[1])] = true
	key := [3]byte(n.bytes)
	x.by[key] = append(x.by[key], n)
}

func (x *index) find(b []byte, tell func(needle)) {
	for i := 0; i+3 <= len(b); i++ {
		if !x.first[int(b[i])<<8|int(b[i+1])] {
			continue
		}
		for _, n := range x.by[[3]byte(b[i:])] {
			if bytes.HasPrefix(b[i:], n.bytes) {
				tell(n)
			}
		}
	}
}

// NewScanner prepares the search for values. A value of fewer than three bytes is an error: it is found everywhere.
func NewScanner(cuts []Cut) (*Scanner, error) {
	s := &Scanner{folded: newIndex(), exact: newIndex(), runs: newIndex(), digests: newIndex()}
	seen := map[string]bool{}
	for _, c := range cuts {
		if len(c.Value) < minCutBytes {
			return nil, fmt.Errorf("disclosure: a %s to be cut has fewer than %d bytes and cannot be searched for", c.Sort, minCutBytes)
		}
		if c.Whole {
			s.words.add(c)
			continue
		}
		for _, v := range spellings(c.Value) {
			if seen[v] {
				continue
			}
			seen[v] = true
			s.value(c.Sort, v)
		}
		if t := turned(c.Value); t != "" {
			s.fold(c.Sort, "rot13", []byte(t))
		}
	}
	return s, nil
}

// encodings are those, beside Unicode's, in which files of a case are written; plain ASCII is the same in all of them.
var encodings = []encoding.Encoding{simplifiedchinese.GB18030, traditionalchinese.Big5, japanese.ShiftJIS, korean.EUCKR, charmap.Windows1252, charmap.Windows1251, charmap.Windows1256}

func spellings(v string) []string {
	out := []string{v, strings.ToLower(v), strings.ToUpper(v)}
	if plain := strings.TrimSpace(meaning(v)); plain != v && len(plain) >= minCutBytes {
		out = append(out, plain, strings.ToLower(plain), strings.ToUpper(plain))
	}
	if alike := looks(meaning(v)); alike != v && len(alike) >= minCutBytes {
		out = append(out, alike, strings.ToLower(alike), strings.ToUpper(alike))
	}
	return out
}

func (s *Scanner) value(sort, v string) {
	le, be := utf16Bytes(v)
	s.fold(sort, "plain", []byte(v))
	s.fold(sort, "UTF-16 LE", le)
	s.fold(sort, "UTF-16 BE", be)
	forms := [][]byte{[]byte(v), le, be}
	for _, e := range encodings {
		if b, err := e.NewEncoder().Bytes([]byte(v)); err == nil && len(b) > minCutBytes && !slices.ContainsFunc(forms, func(f []byte) bool { return bytes.Equal(f, b) }) {
			s.fold(sort, "another encoding", b)
			forms = append(forms, b)
		}
	}
	for _, form := range forms {
		s.fold(sort, "hexadecimal", []byte(hex.EncodeToString(form)))
		for offset := range 3 {
			s.exact.add(needle{base64At(form, offset), sort, "base64"})
		}
		for offset := range 5 {
			s.runs.add(needle{base32At(form, offset), sort, "base32"})
		}
		for _, end := range []string{"", "\n", "\r\n"} {
			for _, d := range digests(append(bytes.Clone(form), end...)) {
				s.digests.add(needle{d.sum, sort, d.as})
			}
		}
	}
}

func (s *Scanner) fold(sort, as string, b []byte) {
	s.folded.add(needle{lower(b), sort, as})
}

type digest struct {
	as  string
	sum []byte
}

func digests(b []byte) []digest {
	m, s1, s224, s256, s384, s512 := md5.Sum(b), sha1.Sum(b), sha256.Sum224(b), sha256.Sum256(b), sha512.Sum384(b), sha512.Sum512(b)
	return []digest{{"MD5", m[:]}, {"SHA-1", s1[:]}, {"SHA-224", s224[:]}, {"SHA-256", s256[:]}, {"SHA-384", s384[:]}, {"SHA-512", s512[:]}}
}

// base64At gives the characters of the base64 of anything that holds v beginning at offset modulo 3, those shared with neighbours left out.
func base64At(v []byte, offset int) []byte {
	padded := append(make([]byte, offset), v...)
	all := base64.RawStdEncoding.EncodeToString(padded)
	first := []int{0, 2, 3}[offset]
	last := len(padded) / 3 * 4
	switch len(padded) % 3 {
	case 1:
		last++
	case 2:
		last += 2
	}
	if last <= first {
		return nil
	}
	return []byte(all[first:last])
}

func utf16Bytes(v string) (le, be []byte) {
	for _, u := range utf16.Encode([]rune(v)) {
		le = append(le, byte(u), byte(u>>8))
		be = append(be, byte(u>>8), byte(u))
	}
	return le, be
}

// lower folds ASCII letters only, so that it works on any bytes; other letters are found by their spellings.
func lower(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + ('a' - 'A')
		}
	}
	return out
}

// Scan searches one file. The error is for what could not be read at all; what cannot be looked into is a leak.
func (s *Scanner) Scan(name string, r io.Reader) ([]Leak, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxScan+1))
	if err != nil {
		return nil, fmt.Errorf("disclosure: scan %s: %w", name, err)
	}
	w := &walk{scanner: s, left: maxScan}
	w.look(name, b, 0)
	return w.leaks, nil
}

type walk struct {
	scanner *Scanner
	left    int64
	leaks   []Leak
}

func (w *walk) blind(name, why string) {
	w.leaks = append(w.leaks, Leak{File: name, As: why})
}

func (w *walk) look(name string, b []byte, depth int) {
	if w.left -= int64(len(b)); w.left < 0 {
		w.blind(name, "too large to be looked through")
		return
	}
	if depth > maxDepth {
		w.blind(name, "containers are nested too deep to be looked into")
		return
	}
	w.search(name, depth, b)
	switch {
	case bytes.HasPrefix(b, []byte("\x1f\x8b")):
		w.gzip(name, b, depth)
	case bytes.Contains(b, []byte("PK\x05\x06")), bytes.HasPrefix(b, []byte("PK\x03\x04")):
		w.zip(name, b, depth)
	case len(b) > 262 && string(b[257:262]) == "ustar":
		w.tar(name, b, depth)
	case isZlib(b):
		w.zlib(name, b, depth)
	default:
		for magic, what := range closed {
			if strings.HasPrefix(string(b), magic) {
				w.blind(name, "it is "+what+", which cannot be looked into")
			}
		}
	}
}

var closed = map[string]string{
	"7z\xbc\xaf\x27\x1c": "7z", "\xfd7zXZ\x00": "xz", "BZh": "bzip2", "\x28\xb5\x2f\xfd": "zstd", "Rar!\x1a\x07": "RAR",
	"\x04\x22\x4d\x18": "lz4", "MSCF": "a cabinet", "LZIP": "lzip", "\x1f\x9d": "compress", "!<arch>\n": "an ar archive", "070701": "cpio",
	"age-encryption.org/": "encrypted", "-----BEGIN AGE": "encrypted", "-----BEGIN PGP M": "encrypted", "\xd0\xcf\x11\xe0": "an OLE container", "%PDF-": "PDF",
}

var spaces = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "", `\n`, "", `\r`, "", `\/`, "/")

// Runs that may be something encoded.
var (
	run64  = regexp.MustCompile(`[A-Za-z0-9+/]{20,}`)
	runHex = regexp.MustCompile(`[0-9a-fA-F]{32,}`)
)

func (w *walk) search(name string, depth int, b []byte) {
	views := [][]byte{b}
	if text := string(b); strings.ContainsAny(text, `&\%`) {
		for _, v := range []string{html.UnescapeString(text), unescapeJSON(text), unescapePercent(text)} {
			if v != text {
				views = append(views, []byte(v))
			}
		}
	}
	if utf8.Valid(b) {
		for _, v := range []string{reading(string(b)), reading(strings.ReplaceAll(string(b), "+", " "))} {
			if !slices.ContainsFunc(views, func(other []byte) bool { return string(other) == v }) {
				views = append(views, []byte(v))
			}
			if alike := linesAlike(v); alike != nil {
				views = append(views, alike)
			}
		}
	}
	found := map[Leak]bool{}
	tell := func(n needle) {
		l := Leak{File: name, Sort: n.sort, As: n.as}
		if !found[l] {
			found[l] = true
			w.leaks = append(w.leaks, l)
		}
	}
	for _, v := range views {
		w.scanner.folded.find(lower(v), tell)
		w.scanner.exact.find(v, tell)
		if joined := []byte(strings.NewReplacer("-", "+", "_", "/").Replace(spaces.Replace(string(v)))); !bytes.Equal(joined, v) {
			w.scanner.exact.find(joined, tell)
		}
	}
	w.scanner.digests.find(b, tell)
	text := spaces.Replace(string(b))
	for _, m := range runHex.FindAllString(text, -1) {
		for offset := range min(2, len(m)) {
			part := m[offset:]
			if d, err := hex.DecodeString(part[:len(part)/2*2]); err == nil {
				w.decoded(name+"!hex", d, depth, tell)
			}
		}
	}
	for _, run := range runs32(b) {
		w.scanner.runs.find(run, tell)
		if len(run) >= 2*run32Bytes {
			for _, d := range decoded32(run) {
				w.decoded(name+"!base32", d, depth, tell)
			}
		}
	}
	w.legible(name, views)
	alphabet := strings.NewReplacer("-", "+", "_", "/")
	runs := run64.FindAllString(alphabet.Replace(text), -1)
	if len(text) != len(b) { // words beside it join the run when the gaps are taken out
		runs = append(runs, run64.FindAllString(alphabet.Replace(string(b)), -1)...)
	}
	for _, m := range runs {
		for offset := range 4 {
			part := m[offset:]
			if len(part)%4 == 1 {
				part = part[:len(part)-1]
			}
			if d, err := base64.RawStdEncoding.DecodeString(part); err == nil {
				w.decoded(name+"!base64", d, depth, tell)
			}
		}
	}
}

// decoded looks into what a run of letters may mean: digests always; a container, or text – encoded once more, perhaps – as a part of its own.
// Anything else is chance.
func (w *walk) decoded(name string, d []byte, depth int, tell func(needle)) {
	w.scanner.digests.find(d, tell)
	if depth >= maxDepth {
		return
	}
	if bytes.HasPrefix(d, []byte("\x1f\x8b")) || bytes.HasPrefix(d, []byte("PK\x03\x04")) {
		w.look(name, d, depth+1)
		return
	}
	if isZlib(d) {
		w.zlib(name, d, depth+1)
	}
	plain := 0
	for _, c := range d {
		if c == 0 || c >= ' ' && c < 0x7f || c == '\n' || c == '\r' || c == '\t' {
			plain++
		}
	}
	if w.left -= int64(len(d)); plain == len(d) && w.left > 0 {
		w.search(name, depth+1, d)
	}
}

// legible looks for whole words, and for what the screen finds, in a text and in what it hides in other forms.
func (w *walk) legible(name string, escaped [][]byte) {
	if len(w.scanner.words.sorts) == 0 && w.scanner.Screen == nil {
		return
	}
	var views []view
	for _, v := range escaped {
		views = append(append(views, view{"plain", v}), hidden(v)...)
	}
	found := map[Leak]bool{}
	tell := func(l Leak) {
		if !found[l] && len(found) < 1000 {
			found[l] = true
			w.leaks = append(w.leaks, l)
		}
	}
	for _, v := range views {
		text := string(v.text)
		w.scanner.words.each(text, func(_, _ int, sort string) { tell(Leak{File: name, Sort: sort, As: v.as}) })
		if w.scanner.Screen == nil {
			continue
		}
		for _, p := range w.scanner.Screen(v.text) {
			l := Leak{File: name, Sort: p.Sort, As: v.as, Passenger: true}
			if v.as == "plain" {
				l.Line = 1 + strings.Count(text[:min(max(p.Offset, 0), len(text))], "\n")
			}
			tell(l)
		}
	}
}

var (
	jsonEscape    = regexp.MustCompile(`(?:\\u[0-9a-fA-F]{4})+|\\["\\/]`)
	percentEscape = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
)

func unescapeJSON(s string) string {
	return jsonEscape.ReplaceAllStringFunc(s, func(m string) string {
		if len(m) == 2 {
			return m[1:]
		}
		var units []uint16
		for _, h := range strings.Split(m, `\u`)[1:] {
			u, _ := strconv.ParseUint(h, 16, 16)
			units = append(units, uint16(u))
		}
		return string(utf16.Decode(units))
	})
}

func unescapePercent(s string) string {
	return percentEscape.ReplaceAllStringFunc(s, func(m string) string {
		u, _ := strconv.ParseUint(m[1:], 16, 8)
		return string([]byte{byte(u)})
	})
}

// part reads a member of a container within what is left.
func (w *walk) part(name string, r io.Reader, depth int) {
	b, err := io.ReadAll(io.LimitReader(r, w.left+1))
	if err != nil {
		w.blind(name, "it cannot be unpacked: "+err.Error())
	}
	w.look(name, b, depth+1)
}

// isZlib tells the check of a zlib header.
func isZlib(b []byte) bool { return len(b) > 2 && b[0] == 0x78 && (int(b[0])<<8|int(b[1]))%31 == 0 }

// zlib looks into what may be a zlib stream; two bytes are no proof, so what is none is text or something else.
func (w *walk) zlib(name string, b []byte, depth int) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return
	}
	d, err := io.ReadAll(io.LimitReader(z, w.left+1))
	if len(d) > 0 || err == nil {
		w.look(name+"!", d, depth+1)
	}
}

func (w *walk) gzip(name string, b []byte, depth int) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		w.blind(name, "its gzip cannot be unpacked")
		return
	}
	w.search(name+"!", depth, []byte(z.Name+"\x00"+z.Comment+"\x00"+string(z.Extra)))
	w.part(name+"!", z, depth)
}

func (w *walk) zip(name string, b []byte, depth int) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		w.blind(name, "its zip cannot be unpacked")
		return
	}
	w.search(name+"!", depth, []byte(z.Comment))
	for _, f := range z.File {
		inside := name + "!" + strconv.Quote(f.Name)
		w.search(inside, depth, []byte(f.Name+"\x00"+f.Comment+"\x00"+string(f.Extra)))
		if f.Flags&1 != 0 {
			w.blind(inside, "it is encrypted")
			continue
		}
		r, err := f.Open()
		if err != nil {
			w.blind(inside, "it cannot be unpacked")
			continue
		}
		w.part(inside, r, depth)
		_ = r.Close() // what could not be read is told by part
		if w.left < 0 {
			return
		}
	}
}

func (w *walk) tar(name string, b []byte, depth int) {
	t := tar.NewReader(bytes.NewReader(b))
	for w.left >= 0 {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			w.blind(name, "its tar cannot be unpacked")
			return
		}
		inside := name + "!" + strconv.Quote(h.Name)
		w.search(inside, depth, []byte(h.Name+"\x00"+h.Linkname+"\x00"+h.Uname+"\x00"+h.Gname))
		w.part(inside, t, depth)
	}
}
