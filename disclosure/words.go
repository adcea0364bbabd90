package disclosure

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode/utf8"
)

// words are cut values that are looked for as whole words, however many there are, in time that grows with the text alone: names of hosts and
// users are too short to be looked for inside words, and too many to be looked for one by one.
type words struct {
	sorts   map[string]string // by the word in lower case
	digests map[string]string // hexadecimal digests of them → sort
}

func (w *words) add(c Cut) {
	if w.sorts == nil {
		w.sorts, w.digests = map[string]string{}, map[string]string{}
	}
	small := strings.ToLower(c.Value)
	w.sorts[small] = c.Sort
	if t := turned(small); t != "" && w.sorts[t] == "" {
		w.sorts[t] = c.Sort
	}
	for _, v := range []string{c.Value, small, strings.ToUpper(c.Value)} {
		for _, d := range digests([]byte(v)) {
			w.digests[hex.EncodeToString(d.sum)] = c.Sort
		}
	}
}

// wordRune says what words are made of.
func wordRune(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' || c == '$' || c == '@' || c == '\\' || c == ':' || c >= utf8.RuneSelf
}

// each calls found with every word of a text that is to be cut, or a part of it that ends where labels and names do.
func (w *words) each(text string, found func(from, to int, sort string)) {
	if len(w.sorts) == 0 {
		return
	}
	for at := 0; at < len(text); {
		from := strings.IndexFunc(text[at:], wordRune)
		if from < 0 {
			return
		}
		from += at
		to := len(text)
		if n := strings.IndexFunc(text[from:], func(c rune) bool { return !wordRune(c) }); n >= 0 {
			to = from + n
		}
		w.parts(text, from, to, found)
		at = to
	}
}

// parts tries the longest parts of a run first: "ALPHA\svc", "svc@alpha.example", "db1.alpha.example:443", "10.0.0.7".
func (w *words) parts(text string, from, to int, found func(from, to int, sort string)) {
	run := strings.ToLower(text[from:to])
	if len(run) != to-from || len(run) > 1024 {
		run = text[from:min(to, from+1024)]
	}
	var ends []int // where parts may begin or end
	for i := 0; i <= len(run); i++ {
		if i == 0 || i == len(run) || strings.IndexByte(".-_$@\\:", run[i]) >= 0 || strings.IndexByte(".-_$@\\:", run[i-1]) >= 0 {
			ends = append(ends, i)
		}
	}
	if len(ends) > 64 {
		ends = append(ends[:63], len(run))
	}
	for a := 0; a < len(ends)-1; {
		next := a + 1
		for b := len(ends) - 1; b > a; b-- {
			part := run[ends[a]:ends[b]]
			sort, ok := w.sorts[part]
			if !ok && (len(part) == 32 || len(part) == 40 || len(part) == 64) {
				sort, ok = w.digests[part]
			}
			if ok {
				found(from+ends[a], from+ends[b], sort)
				next = b
				break
			}
		}
		a = next
	}
}

// replace puts something else in the place of every word to be cut.
func (w *words) replace(text string, with func(sort, value string) string) string {
	var out strings.Builder
	done := 0
	w.each(text, func(from, to int, sort string) {
		out.WriteString(text[done:from])
		out.WriteString(with(sort, text[from:to]))
		done = to
	})
	if done == 0 {
		return text
	}
	return out.String() + text[done:]
}

var (
	encoded64  = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}`)
	wrapped64  = regexp.MustCompile(`(?:[A-Za-z0-9+/_-]{40,}[ \t]*\r?\n[ \t]*)+[A-Za-z0-9+/_-]*`)
	encodedHex = regexp.MustCompile(`(?:[0-9a-fA-F]{2}){6,}`)
)

// hidden gives the texts that stand in a text in another form: UTF-16, base64, base32, hexadecimal.
func hidden(text []byte) (out []view) {
	if bytes.IndexByte(text, 0) >= 0 {
		out = append(out, view{"UTF-16", bytes.ReplaceAll(text, []byte{0}, nil)})
	}
	legible := func(as string, b []byte) {
		if plain := bytes.ReplaceAll(b, []byte{0}, nil); len(plain) >= minCutBytes && printable(plain) {
			out = append(out, view{as, plain})
		}
	}
	for _, m := range encodedHex.FindAll(text, -1) {
		if b, err := hex.DecodeString(string(m)); err == nil {
			legible("hexadecimal", b)
		}
	}
	for _, run := range runs32(text) {
		for _, d := range decoded32(run) {
			legible("base32", d)
		}
	}
	runs := encoded64.FindAll(text, -1)
	for _, lines := range wrapped64.FindAll(text, -1) {
		runs = append(runs, []byte(spaces.Replace(string(lines))))
	}
	for _, m := range runs {
		plain := bytes.ReplaceAll(bytes.ReplaceAll(m, []byte("-"), []byte("+")), []byte("_"), []byte("/"))
		for offset := range min(4, len(plain)) {
			part := plain[offset:]
			b := make([]byte, base64.RawStdEncoding.DecodedLen(len(part)))
			n, err := base64.RawStdEncoding.Decode(b, part)
			if err != nil {
				n, _ = base64.RawStdEncoding.Decode(b, part[:len(part)/4*4])
			}
			legible("base64", b[:n])
		}
	}
	return out
}

type view struct {
	as   string
	text []byte
}

// printable says whether bytes are text for the most part.
func printable(b []byte) bool {
	odd := 0
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c >= 0x7f {
			odd++
		}
	}
	return odd*4 <= len(b)
}
