package sigma

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTokens bounds a condition.
const maxTokens = 10_000

// ParseCondition reads a condition: selection names, and, or, not, parentheses, "1 of", "any of" and "all of" with a
// name, a pattern of names or them. Or binds least, then and, then not, then of. The keywords may be written in any
// case.
func ParseCondition(text string) (*Condition, error) {
	tokens, err := conditionTokens(text)
	if err != nil {
		return nil, fmt.Errorf("condition %q: %w", shorten(text), err)
	}
	p := conditionParser{tokens: tokens}
	c, err := p.or(0)
	if err == nil && p.at < len(tokens) {
		err = fmt.Errorf("%q follows a complete condition; join with and or or", tokens[p.at])
	}
	if err != nil {
		return nil, fmt.Errorf("condition %q: %w", shorten(text), err)
	}
	return c, nil
}

func shorten(s string) string {
	if len(s) <= 80 {
		return s
	}
	cut := 77
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

func conditionTokens(text string) ([]string, error) {
	var out []string
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case unicode.IsSpace(r):
			i += size
			continue
		case r == '(' || r == ')':
			out = append(out, string(r))
			i += size
		case r == '|':
			return nil, fmt.Errorf("aggregations behind a pipe are not part of Sigma any more; write a correlation")
		case nameRune(r):
			from := i
			for i < len(text) {
				r, size := utf8.DecodeRuneInString(text[i:])
				if !nameRune(r) {
					break
				}
				i += size
			}
			out = append(out, text[from:i])
		default:
			return nil, fmt.Errorf("unexpected %q", r)
		}
		if len(out) > maxTokens {
			return nil, fmt.Errorf("more than %d words; shorten it", maxTokens)
		}
	}
	return out, nil
}

func nameRune(r rune) bool {
	return r == '_' || r == '-' || r == '.' || r == '*' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

type conditionParser struct {
	tokens []string
	at     int
}

func (p *conditionParser) word() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

func (p *conditionParser) take(keyword string) bool {
	if strings.EqualFold(p.word(), keyword) {
		p.at++
		return true
	}
	return false
}

func (p *conditionParser) or(depth int) (*Condition, error) {
	return p.chain(OpOr, "or", depth, p.and)
}

func (p *conditionParser) and(depth int) (*Condition, error) {
	return p.chain(OpAnd, "and", depth, p.not)
}

func (p *conditionParser) chain(op ConditionOp, keyword string, depth int, operand func(int) (*Condition, error)) (*Condition, error) {
	first, err := operand(depth)
	if err != nil {
		return nil, err
	}
	args := []*Condition{first}
	for p.take(keyword) {
		next, err := operand(depth)
		if err != nil {
			return nil, err
		}
		args = append(args, next)
	}
	if len(args) == 1 {
		return first, nil
	}
	return &Condition{Op: op, Args: args}, nil
}

func (p *conditionParser) not(depth int) (*Condition, error) {
	negate := false
	any := false
	for p.take("not") {
		negate, any = !negate, true
	}
	c, err := p.operand(depth)
	if err != nil || !any {
		return c, err
	}
	if !negate { // an even number of nots
		return c, nil
	}
	return &Condition{Op: OpNot, Args: []*Condition{c}}, nil
}

func (p *conditionParser) operand(depth int) (*Condition, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("parentheses nested more than %d deep; simplify it", maxDepth)
	}
	if p.take("(") {
		c, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.take(")") {
			return nil, fmt.Errorf("a parenthesis is not closed")
		}
		return c, nil
	}
	word := p.word()
	if word == "" {
		return nil, fmt.Errorf("it ends where a selection is expected")
	}
	if word == ")" || isKeyword(word) && !p.followedByOf() {
		return nil, fmt.Errorf("%q stands where a selection is expected", word)
	}
	p.at++
	if !strings.EqualFold(p.word(), "of") {
		if strings.ContainsRune(word, '*') {
			return nil, fmt.Errorf("the pattern %q needs a quantifier; write 1 of %s or all of %s", word, word, word)
		}
		return &Condition{Op: OpSelection, Name: word}, nil
	}
	p.at++
	op := OpAnyOf
	switch strings.ToLower(word) {
	case "1", "any":
	case "all":
		op = OpAllOf
	default:
		return nil, fmt.Errorf("the quantifier %q of is not known; 1 of, any of and all of are", word)
	}
	name := p.word()
	if name == "" || name == "(" || name == ")" {
		return nil, fmt.Errorf("of needs a name, a pattern of names or them")
	}
	p.at++
	if strings.EqualFold(name, "them") {
		name = "them"
	}
	return &Condition{Op: op, Name: name}, nil
}

func (p *conditionParser) followedByOf() bool {
	return p.at+1 < len(p.tokens) && strings.EqualFold(p.tokens[p.at+1], "of")
}

func isKeyword(word string) bool {
	switch strings.ToLower(word) {
	case "and", "or", "not", "of":
		return true
	}
	return false
}

// Named gives the selections that a name, a pattern or "them" refers to, in the order of the text. "them" and patterns
// leave out names that begin with an underscore unless the pattern itself begins with one.
func (d *Detection) Named(pattern string) []*Selection {
	var out []*Selection
	for i := range d.Selections {
		s := &d.Selections[i]
		hidden := strings.HasPrefix(s.Name, "_") && !strings.HasPrefix(pattern, "_")
		if !hidden && (pattern == "them" || nameMatches(pattern, s.Name)) {
			out = append(out, s)
		}
	}
	return out
}

// Selection gives a selection by its exact name, or nil.
func (d *Detection) Selection(name string) *Selection {
	for i := range d.Selections {
		if d.Selections[i].Name == name {
			return &d.Selections[i]
		}
	}
	return nil
}

// nameMatches matches '*' anywhere in the pattern; names are compared with regard to case.
func nameMatches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// check says whether everything a condition names is there.
func (d *Detection) check(c *Condition) error {
	switch c.Op {
	case OpSelection:
		if d.Selection(c.Name) == nil {
			return fmt.Errorf("the condition names %q, which is not a selection; correct the name", c.Name)
		}
	case OpAnyOf, OpAllOf:
		if len(d.Named(c.Name)) == 0 {
			return fmt.Errorf("the condition asks for selections named %q and there are none; correct the name", c.Name)
		}
	}
	for _, a := range c.Args {
		if err := d.check(a); err != nil {
			return err
		}
	}
	return nil
}

// hasNot says whether anything in a condition is negated.
func (c *Condition) hasNot() bool {
	return c.Op == OpNot || slices.ContainsFunc(c.Args, (*Condition).hasNot)
}

// asked collects the names that a condition wants to hold, negated ones when yes is false.
func (c *Condition) asked(yes bool, into map[string]bool) {
	if c.Op == OpSelection && yes {
		into[c.Name] = true
	}
	for _, a := range c.Args {
		a.asked(yes != (c.Op == OpNot), into)
	}
}

// names appends the names in a condition, in the order of its text.
func (c *Condition) names(out []string) []string {
	if c.Op == OpSelection {
		return append(out, c.Name)
	}
	for _, a := range c.Args {
		out = a.names(out)
	}
	return out
}
