package sigma

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// compileRegexp makes a regular expression of what Sigma calls the PCRE subset. What RE2 cannot do exactly is an error
// that names the construct.
func compileRegexp(source, flags string) (*regexp.Regexp, error) {
	translated, err := translateRegexp(source)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", shorten(source), err)
	}
	if flags != "" {
		translated = "(?" + flags + ")" + translated
	}
	re, err := regexp.Compile(translated)
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, fmt.Errorf("regular expression %q cannot be run exactly: %s; rewrite it without that construct", shorten(source), reason)
	}
	return re, nil
}

// translateRegexp rewrites the constructs that PCRE has, RE2 lacks, and RE2 can say in other words with exactly the
// same meaning: \h \H \e \R and comments. It names constructs that would otherwise give a misleading error.
func translateRegexp(s string) (string, error) {
	const blank = `\t \x{00A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}`
	if !strings.Contains(s, `\h`) && !strings.Contains(s, `\H`) && !strings.Contains(s, `\e`) && !strings.Contains(s, `\R`) && !strings.Contains(s, "(?") {
		return s, nil
	}
	var out strings.Builder
	class := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			switch e := s[i]; {
			case e == 'Q' && !class:
				end := strings.Index(s[i:], `\E`)
				if end < 0 {
					end = len(s) - i
				} else {
					end += 2
				}
				out.WriteString(`\` + s[i:i+end])
				i += end - 1
			case e == 'h' && class:
				out.WriteString(blank)
			case e == 'h':
				out.WriteString("[" + blank + "]")
			case e == 'H' && !class:
				out.WriteString("[^" + blank + "]")
			case e == 'e':
				out.WriteString(`\x1b`)
			case e == 'R' && !class:
				return "", fmt.Errorf(`\R cannot be run exactly; write \r?\n`)
			default:
				out.WriteString(s[i-1 : i+1])
			}
		case class:
			// A bracket right after the opening one, or after its caret, is a literal.
			if c == ']' {
				class = false
			} else if c == '[' && i+1 < len(s) && s[i+1] == ':' {
				if end := strings.Index(s[i:], ":]"); end > 0 {
					out.WriteString(s[i : i+end+2])
					i += end + 1
					continue
				}
			}
			out.WriteByte(c)
		case c == '[':
			class = true
			out.WriteByte(c)
			if i+1 < len(s) && s[i+1] == '^' {
				i++
				out.WriteByte('^')
			}
			if i+1 < len(s) && s[i+1] == ']' {
				i++
				out.WriteByte(']')
			}
		case c == '(' && strings.HasPrefix(s[i:], "(?#"):
			end := strings.IndexByte(s[i:], ')')
			if end < 0 {
				return "", fmt.Errorf("a comment is not closed")
			}
			i += end
		case c == '(':
			for _, refused := range []struct{ text, name string }{
				{"(?=", "a lookahead"}, {"(?!", "a negative lookahead"}, {"(?<=", "a lookbehind"}, {"(?<!", "a negative lookbehind"},
				{"(?>", "an atomic group"}, {"(?(", "a conditional"}, {"(?R", "a recursion"}, {"(?|", "a branch reset"},
			} {
				if strings.HasPrefix(s[i:], refused.text) {
					return "", fmt.Errorf("%s (%s) cannot be run exactly; rewrite the rule without it", refused.name, refused.text)
				}
			}
			out.WriteByte(c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), nil
}

// needs is what every value that an expression matches has: at least so many bytes, and of every set of folded
// literals at least one, the rarest set first.
type needs struct {
	bytes   int
	needles [][]string
	short   [][]string // of needles, those that are too short for an index
	line    int        // above 0 the expression says no more than: a line of so many characters
}

func (n *needs) met(folded []byte) bool {
	for _, set := range n.needles {
		if !containsAny(folded, set) {
			return false
		}
	}
	return true
}

// metShort is met for a value of which is known what longer needles are in it.
func (n *needs) metShort(folded []byte) bool {
	for _, set := range n.short {
		if !containsAny(folded, set) {
			return false
		}
	}
	return true
}

// hasLine says whether a line of the value has at least so many characters.
func hasLine(raw []byte, runes int) bool {
	for len(raw) >= runes {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		if len(line) >= runes && utf8.RuneCount(line) >= runes {
			return true
		}
		raw = rest
	}
	return false
}

func containsAny(text []byte, literals []string) bool {
	for _, l := range literals {
		if bytes.Contains(text, []byte(l)) {
			return true
		}
	}
	return false
}

func needsOf(re *regexp.Regexp) needs {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return needs{}
	}
	n := needs{bytes: leastRunes(parsed), needles: required(parsed)}
	if parsed.Op == syntax.OpRepeat && parsed.Max < 0 && parsed.Min > 0 && parsed.Sub[0].Op == syntax.OpAnyCharNotNL {
		n.line = parsed.Min
	}
	slices.SortStableFunc(n.needles, func(a, b []string) int {
		return cmp.Or(cmp.Compare(rarityOf(b), rarityOf(a)), slices.Compare(a, b))
	})
	n.needles = slices.CompactFunc(n.needles, slices.Equal)
	for _, set := range n.needles {
		if !indexed(set, false) {
			n.short = append(n.short, set)
		}
	}
	return n
}

// leastRunes gives the length of the shortest match; every character has a byte at least.
func leastRunes(re *syntax.Regexp) int {
	const most = 1 << 20
	n := 0
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		n = 1
	case syntax.OpCapture, syntax.OpPlus:
		n = leastRunes(re.Sub[0])
	case syntax.OpRepeat:
		n = re.Min * leastRunes(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			n += leastRunes(sub)
		}
	case syntax.OpAlternate:
		n = most
		for _, sub := range re.Sub {
			n = min(n, leastRunes(sub))
		}
	}
	return min(n, most)
}

// required gives sets of literals of which every match has one each.
func required(re *syntax.Regexp) [][]string {
	switch re.Op {
	case syntax.OpLiteral:
		if l := literalOf(re.Rune); l != nil {
			return [][]string{l}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var all [][]string
		for i := 0; i < len(re.Sub); {
			// What stands side by side and is one of few texts is one of few longer texts: \.[ "'] needs more than a full stop.
			joined := exactly(re.Sub[i])
			if joined == nil {
				all = append(all, required(re.Sub[i])...)
				i++
				continue
			}
			for i++; i < len(re.Sub); i++ {
				next := exactly(re.Sub[i])
				if next == nil || len(joined)*len(next) > maxJoined {
					break
				}
				var longer []string
				for _, a := range joined {
					for _, b := range next {
						longer = append(longer, a+b)
					}
				}
				joined = longer
			}
			all = append(all, joined)
		}
		return all
	case syntax.OpAlternate:
		// One of the alternatives matches: whichever it is, its rarest literal is there.
		var union []string
		for _, sub := range re.Sub {
			var best []string
			for _, set := range required(sub) {
				if best == nil || rarityOf(set) > rarityOf(best) {
					best = set
				}
			}
			if best == nil || len(union)+len(best) > 256 {
				return nil
			}
			union = append(union, best...)
		}
		if union != nil {
			return [][]string{union}
		}
	}
	return nil
}

// maxJoined bounds the texts that a part of an expression is told to be one of.
const maxJoined = 8

// exactly gives the folded texts of which a part of an expression is one, nil when they are many or unknown.
func exactly(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return literalOf(re.Rune)
	case syntax.OpCapture:
		return exactly(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min == 1 && re.Max == 1 {
			return exactly(re.Sub[0])
		}
	case syntax.OpCharClass:
		var out []string
		for i := 0; i < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				l := literalOf([]rune{r})
				if l == nil || len(out) >= maxJoined {
					return nil
				}
				out = append(out, l...)
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return nil
}

// literalOf folds a literal. U+FFFD also matches bytes that are not UTF-8, which folding keeps: such a literal says
// nothing about the bytes.
func literalOf(runes []rune) []string {
	var out []byte
	for _, r := range runes {
		if r == utf8.RuneError {
			return nil
		}
		out = utf8.AppendRune(out, foldRune(r))
	}
	if len(out) == 0 {
		return nil
	}
	return []string{string(out)}
}

// rarityOf rates alternatives: the commonest decides, and many weigh against it.
func rarityOf(needles []string) float64 {
	least := 0.0
	for i, n := range needles {
		if r := rarity(n); i == 0 || r < least {
			least = r
		}
	}
	return least - float64(len(needles)-1)*0.1
}
