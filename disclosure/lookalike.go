package disclosure

import (
	"bytes"
	"encoding/base32"
	"strings"
	"unicode/utf8"
)

// lookalikes are letters and marks of other scripts that a reader takes for those of ASCII (after Unicode Technical Standard 39), by what they look
// like. What compatibility makes one already, such as full width, is not here.
var lookalikes = func() map[rune]rune {
	all := map[rune]rune{}
	for ascii, others := range map[rune]string{
		'a': "аɑαᴀ", 'b': "ƅʙᏼ", 'c': "сϲᴄ", 'd': "ԁᴅ", 'e': "еᴇ", 'f': "ꜰ", 'g': "ɡɢց", 'h': "һʜհ", 'i': "іıιɪᎥ", 'j': "јȷϳᴊ", 'k': "кκᴋ", 'l': "ӏʟ", 'm': "мᴍ", 'n': "ոɴη",
		'o': "оοօᴏσ", 'p': "рρᴘ", 'q': "ԛզ", 'r': "гʀ", 's': "ѕꜱ", 't': "тτᴛ", 'u': "սυᴜ", 'v': "ѵνᴠ", 'w': "ԝωᴡ", 'x': "хχ", 'y': "уγʏ", 'z': "ᴢ",
		'A': "АΑᎪ", 'B': "ВΒᏴ", 'C': "СϹᏟ", 'D': "Ꭰ", 'E': "ЕΕᎬ", 'G': "ԌᏀ", 'H': "НΗᎻ", 'I': "ІΙӀ", 'J': "ЈͿᎫ", 'K': "КΚᏦ", 'L': "ԼᏞ", 'M': "МΜᎷ", 'N': "Ν", 'O': "ОΟՕ",
		'P': "РΡᏢ", 'Q': "Ԛ", 'R': "ᎡᏒ", 'S': "ЅՏᏚ", 'T': "ТΤᎢ", 'U': "Ս", 'V': "ѴᏙ", 'W': "ԜᎳ", 'X': "ХΧ", 'Y': "УΥҮ", 'Z': "ΖᏃ", '3': "Зз", '6': "б",
		'-': "‐–—−﹣", '.': "。‧", '/': "∕⁄", ':': "∶꞉",
	} {
		for _, r := range others {
			all[r] = ascii
		}
	}
	return all
}()

// looks gives a text with all that looks like ASCII as ASCII. A text that has nothing else is given back.
func looks(text string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		if ascii, ok := lookalikes[r]; ok {
			return ascii
		}
		return r
	}, text)
}

// linesAlike gives the lines of a text that have look-alikes, as looks gives them, and of the others the line breaks; nil when there are none. A mark
// counts inside a word only: dashes are in all prose.
func linesAlike(text string) (out []byte) {
	at, line, told := 0, 0, 0 // where the line under way begins, how many breaks are before it, and in out
	for from := 0; from < len(text); {
		if text[from] < utf8.RuneSelf {
			if text[from] == '\n' {
				at, line = from+1, line+1
			}
			from++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[from:])
		ascii, ok := lookalikes[r]
		from += size
		if !ok || !letterOrDigit(ascii) && (from == len(text) || from == size || !letterOrDigit(rune(text[from])) || !letterOrDigit(rune(text[from-size-1]))) {
			continue
		}
		end := len(text)
		if i := strings.IndexByte(text[from:], '\n'); i >= 0 {
			end = from + i
		}
		for ; told < line; told++ {
			out = append(out, '\n')
		}
		out = append(out, looks(text[at:end])...)
		from = end
	}
	return out
}

func letterOrDigit(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// minTurned is how many letters a value has that is looked for with its letters turned by thirteen: shorter ones are parts of ordinary words.
const minTurned = 6

// turned gives a value in rot13, "" for one with too few letters.
func turned(v string) string {
	letters := 0
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			letters++
			return 'a' + (r-'a'+13)%26
		case r >= 'A' && r <= 'Z':
			letters++
			return 'A' + (r-'A'+13)%26
		}
		return r
	}, v)
	if letters < minTurned {
		return ""
	}
	return out
}

// Base32 is looked for in runs of its letters only, which are rare: prose has gaps, and digests in hexadecimal have other digits. The letters of an
// encoded value that are sought must be min32 at least.
const (
	run32Bytes = 8
	word32     = 24 // small letters without a digit are a word when they are fewer
	line32     = 32 // a run that goes on in the next line is as long at least
	min32      = 6
)

// base32At gives the letters of the base32 of anything that holds v beginning at offset modulo 5, those shared with neighbours left out.
func base32At(v []byte, offset int) []byte {
	all := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(make([]byte, offset), v...))
	first, last := (offset*8+4)/5, (offset+len(v))*8/5
	if last-first < min32 {
		return nil
	}
	return []byte(all[first:last])
}

// runs32 gives the runs of base32 in a text, in capitals, wrapped ones joined.
func runs32(b []byte) (out [][]byte) {
	of := func(c byte) byte { // the case of a letter of base32, '2' of its digits, 0 of others
		switch {
		case c >= 'A' && c <= 'Z':
			return 'A'
		case c >= 'a' && c <= 'z':
			return 'a'
		case c >= '2' && c <= '7':
			return '2'
		}
		return 0
	}
	for i := 0; i < len(b); i++ {
		kind := of(b[i])
		if kind == 0 {
			continue
		}
		start, line := i, i
		var run []byte
		for ; i < len(b); i++ {
			k := of(b[i])
			if k == 0 {
				next := i
				for next < len(b) && next-i < 4 && (b[next] == '\r' || b[next] == '\n' || b[next] == ' ') {
					next++
				}
				if i-line >= line32 && next > i && next < len(b) && of(b[next]) != 0 {
					run = append(run, b[line:i]...)
					line, i = next, next-1
					continue
				}
				break
			}
			if k != '2' && kind != '2' && k != kind {
				break
			}
			if kind == '2' {
				kind = k
			}
		}
		if run = append(run, b[line:i]...); len(run) >= run32Bytes && kind != '2' && (kind == 'A' || len(run) >= word32 || bytes.ContainsAny(run, "234567")) {
			for k, c := range run {
				if c >= 'a' {
					run[k] = c - 'a' + 'A'
				}
			}
			out = append(out, run)
		}
		if i > start && i < len(b) && of(b[i]) != 0 {
			i-- // the other case begins here
		}
	}
	return out
}

// decoded32 gives what a run of base32 may mean, wherever its groups begin.
func decoded32(run []byte) (out [][]byte) {
	for offset := range min(8, len(run)) {
		part := run[offset:]
		for len(part)%8 == 1 || len(part)%8 == 3 || len(part)%8 == 6 {
			part = part[:len(part)-1]
		}
		if d, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(string(part)); err == nil && len(d) > 0 {
			out = append(out, d)
		}
	}
	return out
}
