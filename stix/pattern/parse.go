package pattern

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep parentheses may nest.
const MaxDepth = 200

// MaxBytes is how long a pattern may be.
const MaxBytes = 8 << 20

// Parse reads a pattern. The error is a *SyntaxError.
func Parse(text string) (Expression, error) {
	if len(text) > MaxBytes {
		return nil, &SyntaxError{MaxBytes, fmt.Sprintf("the pattern is longer than %d bytes", MaxBytes)}
	}
	if !utf8.ValidString(text) {
		return nil, &SyntaxError{0, "the pattern is not UTF-8"}
	}
	p := &parser{text: text}
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.observations(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.unexpected("the end")
	}
	return e, nil
}

type parser struct {
	text string
	pos  int
	tok  token
}

func (p *parser) advance() error {
	var err error
	p.tok, err = p.next()
	return err
}

func (p *parser) at(text string) bool {
	return (p.tok.kind == tokName || p.tok.kind == tokSymbol) && p.tok.text == text
}

// accept passes the token if it is this one.
func (p *parser) accept(text string) (bool, error) {
	if !p.at(text) {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) expect(text string) error {
	if !p.at(text) {
		return p.unexpected(text)
	}
	return p.advance()
}

func (p *parser) unexpected(want string) error {
	if p.tok.kind == tokEnd {
		return &SyntaxError{p.tok.at, "the pattern ends where " + want + " is expected"}
	}
	found, _, _ := strings.Cut(p.text[p.tok.at:min(len(p.text), p.tok.at+24)], "\n")
	return &SyntaxError{p.tok.at, fmt.Sprintf("%s is expected, not %q", want, strings.ToValidUTF8(found, ""))}
}

// observations reads terms joined by FOLLOWEDBY, which binds weakest, then OR, then AND.
func (p *parser) observations(depth int) (Expression, error) {
	return p.combination([]Operator{FollowedBy, Or, And}, depth)
}

func (p *parser) combination(ops []Operator, depth int) (Expression, error) {
	if len(ops) == 0 {
		return p.observation(depth)
	}
	first, err := p.combination(ops[1:], depth)
	if err != nil || !p.at(string(ops[0])) {
		return first, err
	}
	c := &Combination{Op: ops[0], Terms: []Expression{first}}
	for {
		more, err := p.accept(string(ops[0]))
		if err != nil {
			return nil, err
		}
		if !more {
			return c, nil
		}
		t, err := p.combination(ops[1:], depth)
		if err != nil {
			return nil, err
		}
		c.Terms = append(c.Terms, t)
	}
}

func (p *parser) observation(depth int) (Expression, error) {
	if depth > MaxDepth {
		return nil, &SyntaxError{p.tok.at, "nested too deep"}
	}
	var e Expression
	opened := p.at("[")
	if !opened && !p.at("(") {
		return nil, p.unexpected("[ or (")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if opened {
		c, err := p.comparisons(depth + 1)
		if err != nil {
			return nil, err
		}
		if err := p.expect("]"); err != nil {
			return nil, err
		}
		e = &Observation{c}
	} else {
		var err error
		if e, err = p.observations(depth + 1); err != nil {
			return nil, err
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
	}
	for qualifiers := 0; ; qualifiers++ {
		q, err := p.qualifier()
		if err != nil || q == nil {
			return e, err
		}
		if qualifiers == MaxDepth {
			return nil, &SyntaxError{p.tok.at, "too many qualifiers"}
		}
		e = &Qualified{e, q}
	}
}

// qualifier reads a qualifier, or nothing.
func (p *parser) qualifier() (Qualifier, error) {
	if ok, err := p.accept("WITHIN"); ok || err != nil {
		if err != nil {
			return nil, err
		}
		n, err := p.literal("a positive number", func(l Literal) bool {
			return l.Kind == Integer && l.Int > 0 || l.Kind == Float && l.Float > 0
		})
		if err != nil {
			return nil, err
		}
		return &Within{n}, p.expect("SECONDS")
	}
	if ok, err := p.accept("REPEATS"); ok || err != nil {
		if err != nil {
			return nil, err
		}
		n, err := p.literal("a positive integer", func(l Literal) bool { return l.Kind == Integer && l.Int > 0 })
		if err != nil {
			return nil, err
		}
		return &Repeats{n.Int}, p.expect("TIMES")
	}
	if ok, err := p.accept("START"); ok || err != nil {
		if err != nil {
			return nil, err
		}
		isTime := func(l Literal) bool { return l.Kind == Timestamp }
		start, err := p.literal("a timestamp", isTime)
		if err != nil {
			return nil, err
		}
		if err := p.expect("STOP"); err != nil {
			return nil, err
		}
		at := p.tok.at
		stop, err := p.literal("a timestamp", isTime)
		if err != nil {
			return nil, err
		}
		if !start.Time.Before(stop.Time) {
			return nil, &SyntaxError{at, "STOP is not later than START"}
		}
		return &StartStop{start, stop}, nil
	}
	return nil, nil
}

func (p *parser) literal(want string, ok func(Literal) bool) (Literal, error) {
	if p.tok.kind != tokLiteral || !ok(p.tok.lit) {
		return Literal{}, p.unexpected(want)
	}
	l := p.tok.lit
	return l, p.advance()
}

func (p *parser) comparisons(depth int) (Comparison, error) {
	return p.logical([]Operator{Or, And}, depth)
}

func (p *parser) logical(ops []Operator, depth int) (Comparison, error) {
	if len(ops) == 0 {
		return p.test(depth)
	}
	first, err := p.logical(ops[1:], depth)
	if err != nil || !p.at(string(ops[0])) {
		return first, err
	}
	l := &Logical{Op: ops[0], Terms: []Comparison{first}}
	for {
		more, err := p.accept(string(ops[0]))
		if err != nil {
			return nil, err
		}
		if !more {
			return l, nil
		}
		t, err := p.logical(ops[1:], depth)
		if err != nil {
			return nil, err
		}
		l.Terms = append(l.Terms, t)
	}
}

func (p *parser) test(depth int) (Comparison, error) {
	if depth > MaxDepth {
		return nil, &SyntaxError{p.tok.at, "nested too deep"}
	}
	if ok, err := p.accept("("); ok || err != nil {
		if err != nil {
			return nil, err
		}
		c, err := p.comparisons(depth + 1)
		if err != nil {
			return nil, err
		}
		return c, p.expect(")")
	}
	t := &Test{}
	var err error
	if t.Not, err = p.accept("NOT"); err != nil {
		return nil, err
	}
	if t.Not && !p.at("EXISTS") {
		return nil, p.unexpected("EXISTS")
	}
	exists, err := p.accept("EXISTS")
	if err != nil {
		return nil, err
	}
	if t.Path, err = p.path(); err != nil {
		return nil, err
	}
	if exists {
		t.Op = Exists
		return t, nil
	}
	if t.Not, err = p.accept("NOT"); err != nil {
		return nil, err
	}
	return t, p.operation(t)
}

func (p *parser) operation(t *Test) error {
	op := Operator(p.tok.text)
	switch op {
	case "==":
		op = Eq
	case "<>":
		op = Ne
	}
	if p.tok.kind != tokName && p.tok.kind != tokSymbol {
		return p.unexpected("a comparison operator")
	}
	isString := func(l Literal) bool { return l.Kind == String }
	want, fits := "a literal", func(Literal) bool { return true }
	switch op {
	case Eq, Ne, In:
	case Lt, Le, Gt, Ge:
		want, fits = "a literal that has an order", func(l Literal) bool { return l.Kind != Boolean }
	case Like, Matches, IsSubset, IsSuperset:
		want, fits = "a string", isString
	default:
		return p.unexpected("a comparison operator")
	}
	if err := p.advance(); err != nil {
		return err
	}
	t.Op = op
	if op == In {
		return p.set(t)
	}
	var err error
	t.Value, err = p.literal(want, fits)
	return err
}

func (p *parser) set(t *Test) error {
	if err := p.expect("("); err != nil {
		return err
	}
	t.Set = []Literal{}
	if ok, err := p.accept(")"); ok || err != nil {
		return err
	}
	for {
		l, err := p.literal("a literal", func(Literal) bool { return true })
		if err != nil {
			return err
		}
		t.Set = append(t.Set, l)
		if ok, err := p.accept(")"); ok || err != nil {
			return err
		}
		if err := p.expect(","); err != nil {
			return err
		}
	}
}

func (p *parser) path() (Path, error) {
	if p.tok.kind != tokName || isKeyword(p.tok.text) {
		return Path{}, p.unexpected("an object type")
	}
	path := Path{Object: p.tok.text}
	if err := p.advance(); err != nil {
		return path, err
	}
	if err := p.expect(":"); err != nil {
		return path, err
	}
	for {
		name, err := p.stepName()
		if err != nil {
			return path, err
		}
		path.Steps = append(path.Steps, Step{Name: name})
		for {
			opened, err := p.accept("[")
			if err != nil {
				return path, err
			}
			if !opened {
				break
			}
			step := Step{Kind: AnyIndex}
			if star, err := p.accept("*"); err != nil {
				return path, err
			} else if !star {
				l, err := p.literal("an index or *", func(l Literal) bool { return l.Kind == Integer })
				if err != nil {
					return path, err
				}
				step = Step{Kind: Index, Index: l.Int}
			}
			path.Steps = append(path.Steps, step)
			if err := p.expect("]"); err != nil {
				return path, err
			}
		}
		if more, err := p.accept("."); !more || err != nil {
			return path, err
		}
	}
}

func (p *parser) stepName() (string, error) {
	switch {
	case p.tok.kind == tokName && !isKeyword(p.tok.text) && isIdentifier(p.tok.text):
		name := p.tok.text
		return name, p.advance()
	case p.tok.kind == tokLiteral && p.tok.lit.Kind == String:
		name := p.tok.lit.Text
		return name, p.advance()
	}
	return "", p.unexpected("a property name")
}
