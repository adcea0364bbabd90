package lines

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	letters "unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/contrail-ir/contrail/event"
)

const guessBytes = 64 << 10

// decode gives the body as UTF-8, without a byte order mark. An encoding that is told wins, then a byte order mark, then a
// guess: valid UTF-8 is UTF-8, text with a zero in every other byte, or that reads as text in pairs of bytes, is UTF-16, and what is left is tried as GB18030, Big5,
// Shift JIS and EUC-KR, by which reads without an error and gives common characters; else as Windows-1252. Bytes that are
// invalid in an encoding that was decoded become U+FFFD; UTF-8 is passed on as it is.
func decode(f event.File) (io.Reader, error) {
	in := bufio.NewReaderSize(f.Body, guessBytes)
	head, err := in.Peek(guessBytes)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if f.Hints.Encoding != "" {
		enc, err := htmlindex.Get(f.Hints.Encoding)
		if err != nil {
			return nil, fmt.Errorf("encoding %q is not known: use an IANA name such as utf-16le, gb18030, big5", f.Hints.Encoding)
		}
		return transform.NewReader(in, enc.NewDecoder()), nil
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, err := in.Discard(3)
		return in, err
	}
	if enc := Guess(head); enc != nil {
		return transform.NewReader(in, enc.NewDecoder()), nil
	}
	return in, nil
}

// Text gives up to 64 KiB of a file's beginning as UTF-8, for recognising text formats whatever their encoding.
func Text(head []byte) []byte {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	enc := Guess(head)
	if enc == nil {
		return head
	}
	out, _, _ := transform.Bytes(enc.NewDecoder(), head)
	return out
}

// Guess tells the encoding of text from its first bytes; nil for UTF-8 and for what is no text in any encoding.
func Guess(head []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)
	}
	if len(head) >= 4 && bytes.IndexByte(head, 0) >= 0 {
		zero := [2]int{}
		for i, c := range head {
			if c == 0 {
				zero[i&1]++
			}
		}
		half := len(head) / 2
		switch {
		case zero[1]*10 > half*7 && zero[0]*10 < half:
			return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
		case zero[0]*10 > half*7 && zero[1]*10 < half:
			return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
		case zero[0]+zero[1] > 0:
			return guessWide(head)
		}
	}
	if validPrefix(head) {
		return nil
	}
	return guessMultibyte(head)
}

// guessWide tells UTF-16 of text that is not mostly Latin: every unit is a character that text has, one in ten is ASCII.
func guessWide(head []byte) encoding.Encoding {
	for order, endian := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		ascii, bad, units := 0, 0, len(head)/2
		for i := 0; i+1 < len(head); i += 2 {
			u := rune(head[i+1-order])<<8 | rune(head[i+order])
			switch {
			case u == '\t' || u == '\n' || u == '\r' || u >= ' ' && u < 0x7f:
				ascii++
			case !letters.IsGraphic(u) && u != 0xfeff && (u < 0xd800 || u > 0xdfff):
				bad++
			}
		}
		if 10*ascii >= units && 100*bad <= units {
			return unicode.UTF16(endian, unicode.IgnoreBOM)
		}
	}
	return nil
}

// validPrefix says whether b is UTF-8 but for a character that its end cuts off.
func validPrefix(b []byte) bool {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ { // where the last character begins
		if from := len(b) - n; utf8.RuneStart(b[from]) {
			if !utf8.FullRune(b[from:]) {
				b = b[:from]
			}
			break
		}
	}
	return utf8.Valid(b)
}

func guessMultibyte(head []byte) encoding.Encoding {
	western, _ := htmlindex.Get("windows-1252")
	if lonely(head) {
		return western
	}
	best, most := western, 0
	for _, name := range []string{"gb18030", "big5", "shift_jis", "euc-kr"} {
		enc, err := htmlindex.Get(name)
		if err != nil {
			continue
		}
		out, _, _ := transform.Bytes(enc.NewDecoder(), head[:len(head)&^1])
		score, bad := 0, 0
		for _, r := range string(out) {
			switch {
			case r == utf8.RuneError:
				bad++
			case r >= 0x3041 && r <= 0x30fe || r >= 0xac00 && r <= 0xd7a3: // kana, hangul
				score += 3
			case name == "euc-kr" && r >= 0x4e00 && r <= 0x9fff: // Korean logs hardly have any
				score--
			case common(r):
				score += 2
			case r >= 0x4e00 && r <= 0x9fff:
				score++
			case r >= 0xe000 && r <= 0xf8ff || r > 0xffff:
				score -= 2
			}
		}
		// One broken character may be the cut at the end of head.
		if bad <= 1+len(head)/2000 && score > most {
			best, most = enc, score
		}
	}
	return best
}

// lonely says whether bytes above 0x7f mostly stand alone between others and are few, as accents of western languages do.
func lonely(b []byte) bool {
	high, runs, single := 0, 0, 0
	for i := 0; i < len(b); {
		n := 0
		for i+n < len(b) && b[i+n] >= 0x80 {
			n++
		}
		if n == 0 {
			i++
			continue
		}
		high += n
		runs++
		if n == 1 {
			single++
		}
		i += n
	}
	return single*10 >= runs*7 && high*100 < len(b)*15
}

// common says whether a Chinese character is of the first level of GB 2312, those in daily use, which a wrong guess seldom
// gives.
func common(r rune) bool {
	if r < 0x4e00 || r > 0x9fff {
		return false
	}
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(string(r)))
	return err == nil && len(b) == 2 && b[0] >= 0xb0 && b[0] <= 0xd7 && b[1] >= 0xa1
}
