package sigma

import (
	"fmt"
	"slices"
	"strings"
)

// expand replaces %name% by each value given for the name. It works on the value as written: a value given for a
// placeholder is read as a value of a rule would be, its wildcards included.
func (c *modifierChain) expand(o operand) ([]operand, error) {
	if o.kind != operandRegexp {
		if err := o.text(); err != nil {
			return nil, err
		}
	}
	texts, err := c.replace(o.source)
	if err != nil {
		return nil, err
	}
	out := make([]operand, len(texts))
	for i, t := range texts {
		out[i] = operand{kind: o.kind, value: o.value, source: t, flags: o.flags}
		if o.kind == operandText {
			out[i].pattern = ParsePattern(t)
		}
	}
	return out, nil
}

// expandFirst puts expand before modifiers that say where in the field a text stands: they mean the same behind it,
// and the placeholders of the value as written are still to be seen.
func expandFirst(modifiers []string) ([]string, error) {
	at := slices.Index(modifiers, "expand")
	for i := range max(at, 0) {
		switch modifiers[i] {
		case "all", "neq", "contains", "startswith", "endswith", "cased":
		case "re": // and its flags: the placeholders stand in the expression
			return modifiers, nil
		default:
			return nil, fmt.Errorf("expand cannot follow %s; put it first", modifiers[i])
		}
	}
	if at <= 0 {
		return modifiers, nil
	}
	out := append([]string{"expand"}, modifiers[:at]...)
	return append(out, modifiers[at+1:]...), nil
}

func (c *modifierChain) replace(text string) ([]string, error) {
	out := []string{""}
	for {
		before, name, after, found := cutPlaceholder(text)
		for i := range out {
			out[i] += before
		}
		if !found {
			return out, nil
		}
		values, ok := c.placeholders[name]
		if !ok || len(values) == 0 {
			return nil, fmt.Errorf("no value is given for the placeholder %%%s%%; supply one or leave the rule out", name)
		}
		if len(out)*len(values) > maxAlternatives {
			return nil, fmt.Errorf("expand gives more than %d values; give fewer for the placeholders", maxAlternatives)
		}
		next := make([]string, 0, len(out)*len(values))
		for _, o := range out {
			for _, v := range values {
				next = append(next, o+v)
			}
		}
		out, text = next, after
	}
}

// cutPlaceholder cuts at the first %name%. A name is any text; a percent sign behind a backslash is plain and so is one
// that none follows, or that one follows at once.
func cutPlaceholder(text string) (before, name, after string, found bool) {
	var plain strings.Builder
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 {
			plain.WriteString(text)
			return plain.String(), "", "", false
		}
		if i > 0 && text[i-1] == '\\' {
			plain.WriteString(text[:i-1])
			plain.WriteByte('%')
			text = text[i+1:]
			continue
		}
		plain.WriteString(text[:i])
		text = text[i+1:]
		if end := strings.IndexByte(text, '%'); end > 0 {
			return plain.String(), text[:end], text[end+1:], true
		}
		plain.WriteByte('%')
	}
}
