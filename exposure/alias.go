package exposure

import (
	"bytes"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// Bounds of a search for aliases.
const (
	maxAliases = 256
	aliasReach = 256 // bytes behind a literal
	maxLiteral = 512 // bytes
)

// aliases finds values that SQL names behind them: 'X1234567' AS passport_no, with casts and functions between them or without AS.
func aliases(text []byte) (out []Field) {
	for at := 0; at < len(text) && len(out) < maxAliases; {
		from, to, next := literal(text, at)
		if next == at {
			at++
			continue
		}
		at = next
		if to > from && to-from <= maxLiteral {
			for _, name := range aliasesOf(text[next:min(len(text), next+aliasReach)]) {
				out = append(out, Field{name, string(text[from:to])})
			}
		}
	}
	return out
}

// literal gives the text in quotation marks, or the number, that begins at a place, and where it ends; at itself when none does.
func literal(text []byte, at int) (from, to, next int) {
	switch c := text[at]; {
	case c == '\'':
		for i := at + 1; i < len(text) && text[i] != '\n'; i++ { // an apostrophe in a comment begins none
			switch {
			case text[i] == '\'' && i+1 < len(text) && text[i+1] == '\'':
				i++
			case text[i] == '\'':
				return at + 1, i, i + 1
			case i-at > maxLiteral:
				return at, at, i
			}
		}
	case c >= '0' && c <= '9' && (at == 0 || !nameByte(text[at-1])):
		end := at
		for end < len(text) && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		return at, end, end
	}
	return at, at, at
}

// aliasesOf gives the names that may be those of the expression that a literal is part of, by what stands behind it. A comma on the literal's own level
// ends its expression, unless a parenthesis closes behind it: then it parted the arguments of a function.
func aliasesOf(rest []byte) (names []string) {
	depth, least, parted, direct := 0, 0, false, true
	for i := 0; i < len(rest); {
		switch c := rest[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
			continue
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < least {
				least, parted = depth, false
			}
			i++
			continue // what was direct still is
		case c == ',':
			parted = parted || depth == least
		case c == ';':
			return names
		case c == '\'':
			if _, _, next := literal(rest, i); next > i {
				i = next - 1
			}
		case bytes.HasPrefix(rest[i:], []byte("::")): // a cast
			_, i = aliasName(rest, i+2)
			continue
		case nameByte(c) || c == '"' || c == '[' || c == '`':
			name, next := aliasName(rest, i)
			as := bytes.EqualFold([]byte(name), []byte("as"))
			if as {
				for next < len(rest) && (rest[next] == ' ' || rest[next] == '\t' || rest[next] == '\r' || rest[next] == '\n') {
					next++
				}
				name, next = aliasName(rest, next)
			}
			if name != "" && depth == least && !parted && (as || direct) {
				names = append(names, name)
			}
			i, direct = max(next, i+1), false
			continue
		}
		direct = false
		i++
	}
	return names
}

// aliasName reads a name, in whichever marks, and gives where it ends.
func aliasName(text []byte, at int) (string, int) {
	if at >= len(text) {
		return "", at
	}
	if i := bytes.IndexByte([]byte("\"[`'"), text[at]); i >= 0 {
		if end := bytes.IndexByte(text[at+1:], "\"]`'"[i]); end >= 0 {
			return string(text[at+1 : at+1+end]), at + end + 2
		}
		return "", at + 1
	}
	end := at
	for end < len(text) && nameByte(text[end]) {
		end++
	}
	return string(text[at:end]), end
}

func nameByte(c byte) bool { return letterOrDigit(c) || c == '_' || c == '$' || c == '#' || c >= 0x80 }

// named learns the values that SQL names behind them.
func (m *Masker) named(text []byte) {
	if bytes.IndexByte(text, '\'') < 0 && !bytes.Contains(bytes.ToLower(text), []byte(" as ")) {
		return
	}
	all := aliases(text)
	m.row(all)
	for _, f := range all {
		label := f.Name + ": "
		context := append([]byte(label), f.Value...)
		for _, s := range m.spans(context) {
			if s.to > len(label) && s.kind != record.Rows && !(m.KeepContacts && s.kind == record.Phones) {
				m.learn(context[max(s.from, len(label)):s.to])
			}
		}
	}
}
