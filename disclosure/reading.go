package disclosure

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

var (
	anyEscape = regexp.MustCompile(`\\u\{[0-9a-fA-F]{1,6}\}|\\U[0-9a-fA-F]{8}|(?:\\x[0-9a-fA-F]{2})+|(?:\\[0-3][0-7]{2})+|(?:=[0-9A-F]{2}){2,}|=\r?\n`)
	bareRef   = regexp.MustCompile(`&#(?:[xX][0-9a-fA-F]{1,6}|[0-9]{1,7});?`)
	emphasis  = strings.NewReplacer("**", "", "__", "", "~~", "", "‹", "<", "›", ">")
	gaps      = regexp.MustCompile(`[^\S\n]+`)
)

// reading gives a text as a person would understand it: escapes undone, one within another; letters of one meaning – full width, composed or
// not – as one; without characters that nobody sees and without emphasis; gaps as one space. Line breaks stay.
func reading(text string) string {
	for range 3 {
		was := text
		if strings.ContainsAny(text, `&\%=`) {
			text = unescapePercent(unescapeJSON(html.UnescapeString(text)))
			text = bareRef.ReplaceAllStringFunc(text, func(m string) string {
				digits, base := strings.TrimRight(m[2:], ";"), 10
				if digits[0]|0x20 == 'x' {
					digits, base = digits[1:], 16
				}
				n, _ := strconv.ParseUint(digits, base, 32)
				return string(rune(n))
			})
			text = anyEscape.ReplaceAllStringFunc(text, unescapeOther)
		}
		if text == was {
			break
		}
	}
	return meaning(emphasis.Replace(text))
}

// meaning is what of a text does not depend on how it is encoded in Unicode.
func meaning(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 0xad && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) || r == 0x034f || r == 0x115f || r == 0x1160 || r == 0x3164) {
			return -1
		}
		return r
	}, text)
	return gaps.ReplaceAllString(norm.NFKC.String(text), " ")
}

func unescapeOther(m string) string {
	var b []byte
	switch {
	case m[0] == '=':
		for i := 0; i+3 <= len(m) && m[i+1] != '\r' && m[i+1] != '\n'; i += 3 {
			n, _ := strconv.ParseUint(m[i+1:i+3], 16, 8)
			b = append(b, byte(n))
		}
	case m[1] == 'u' || m[1] == 'U':
		n, _ := strconv.ParseUint(strings.Trim(m[2:], "{}"), 16, 32)
		return string(rune(n))
	case m[1] == 'x':
		for i := 0; i+4 <= len(m); i += 4 {
			n, _ := strconv.ParseUint(m[i+2:i+4], 16, 8)
			b = append(b, byte(n))
		}
	default:
		for i := 0; i+4 <= len(m); i += 4 {
			n, _ := strconv.ParseUint(m[i+1:i+4], 8, 8)
			b = append(b, byte(n))
		}
	}
	return string(b)
}
