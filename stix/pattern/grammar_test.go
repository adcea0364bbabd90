package pattern

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// speaker says random sentences of the grammar, as trees.
type speaker struct{ choose func(n int) int }

func (s speaker) expression(depth int) Expression {
	if depth == 0 || s.choose(3) == 0 {
		return &Observation{s.comparison(2)}
	}
	if s.choose(3) == 0 {
		return &Qualified{s.expression(depth - 1), s.qualifier()}
	}
	c := &Combination{Op: []Operator{And, Or, FollowedBy}[s.choose(3)]}
	for range 2 + s.choose(2) {
		c.Terms = append(c.Terms, s.expression(depth-1))
	}
	return c
}

func (s speaker) qualifier() Qualifier {
	switch s.choose(4) {
	case 0:
		return &Within{Literal{Kind: Integer, Int: int64(1 + s.choose(100))}}
	case 1:
		return &Within{Literal{Kind: Float, Float: float64(1+s.choose(100)) / 8}}
	case 2:
		return &Repeats{int64(1 + s.choose(9))}
	}
	at := s.moment()
	return &StartStop{Literal{Kind: Timestamp, Time: at}, Literal{Kind: Timestamp, Time: at.Add(time.Duration(1+s.choose(1000)) * time.Millisecond)}}
}

func (s speaker) moment() time.Time {
	return time.Unix(int64(s.choose(1<<30)), int64(s.choose(1e9))).UTC()
}

func (s speaker) comparison(depth int) Comparison {
	if depth > 0 && s.choose(2) == 0 {
		l := &Logical{Op: []Operator{And, Or}[s.choose(2)]}
		for range 2 + s.choose(2) {
			l.Terms = append(l.Terms, s.comparison(depth-1))
		}
		return l
	}
	t := &Test{Path: s.path(), Not: s.choose(3) == 0}
	switch t.Op = []Operator{Eq, Ne, Lt, Le, Gt, Ge, In, Like, Matches, IsSubset, IsSuperset, Exists}[s.choose(12)]; t.Op {
	case Exists:
	case In:
		t.Set = []Literal{}
		for range s.choose(4) {
			t.Set = append(t.Set, s.literal())
		}
	case Like, Matches, IsSubset, IsSuperset:
		t.Value = Literal{Kind: String, Text: s.text()}
	default:
		for t.Value = s.literal(); t.Op != Eq && t.Op != Ne && t.Value.Kind == Boolean; {
			t.Value = Literal{Kind: String, Text: s.text()}
		}
	}
	return t
}

func (s speaker) path() Path {
	p := Path{Object: []string{"file", "x-own-thing", "ipv4-addr"}[s.choose(3)], Steps: []Step{{Name: s.name()}}}
	for range s.choose(4) {
		p.Steps = append(p.Steps, []Step{{Name: s.name()}, {Kind: AnyIndex}, {Kind: Index, Index: int64(s.choose(20))}}[s.choose(3)])
	}
	return p
}

func (s speaker) name() string {
	return []string{"name", "src_ref", "SHA-256", "AND", "it's", `back\slash`, "hashes", "true"}[s.choose(8)]
}

func (s speaker) text() string {
	return []string{"", "a", "it's", `C:\x`, "] AND [", "/* no */", "// no", "%_^$", "é\n\t"}[s.choose(9)]
}

func (s speaker) literal() Literal {
	switch s.choose(7) {
	case 0:
		return Literal{Kind: Integer, Int: int64(s.choose(1<<20)) - 1<<19}
	case 1:
		return Literal{Kind: Float, Float: float64(s.choose(1<<20)-1<<19) / 16}
	case 2:
		return Literal{Kind: Boolean, Bool: s.choose(2) == 0}
	case 3:
		return Literal{Kind: Hex, Bytes: []byte(s.text())}
	case 4:
		return Literal{Kind: Binary, Bytes: []byte(s.text())}
	case 5:
		return Literal{Kind: Timestamp, Time: s.moment()}
	}
	return Literal{Kind: String, Text: s.text()}
}

// spaced writes a sentence with other white space and with comments wherever a space stands outside quotes.
func (s speaker) spaced(text string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			b.WriteByte(c)
			i++
			b.WriteByte(text[i])
			continue
		case c == '\'':
			quoted = !quoted
		case c == ' ' && !quoted:
			b.WriteString([]string{" ", "\n\t", " /* [ ' */ ", " // ] '\n", "\u00a0"}[s.choose(5)])
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// reads holds the parser to reading back what a tree prints as, however it is spaced, and to refusing it when something is cut off.
func (s speaker) reads(t *testing.T) {
	t.Helper()
	e := s.expression(3)
	for _, text := range []string{e.String(), s.spaced(e.String()), "(" + e.String() + ")"} {
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !reflect.DeepEqual(got, e) && !sameEmpty(got, e) {
			t.Fatalf("%q is read as\n%s\nnot\n%s", text, got, e)
		}
	}
	if text := e.String(); len(text) > 0 {
		if _, err := Parse("[" + text); err == nil {
			t.Fatalf("%q is read with a bracket too many", text)
		}
	}
}

// sameEmpty forgives the difference between no bytes and none.
func sameEmpty(a, b Expression) bool { return a.String() == b.String() }

func TestSentencesOfTheGrammarAreReadBack(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 2))
	for range 3000 {
		speaker{r.IntN}.reads(t)
	}
}

func FuzzGrammar(f *testing.F) {
	f.Add([]byte("bytes that choose a sentence of the grammar"))
	f.Fuzz(func(t *testing.T, b []byte) {
		speaker{func(n int) int {
			if len(b) == 0 {
				return 0
			}
			c := int(b[0])
			b = b[1:]
			return c % n
		}}.reads(t)
	})
}

// TestOperatorsBindAsTheSpecificationSays cuts a sentence without parentheses at the weakest operators first, which is what a table of
// precedence means, and puts parentheses around the pieces.
func TestOperatorsBindAsTheSpecificationSays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	var bind func(text string, ops []string) string
	bind = func(text string, ops []string) string {
		if len(ops) == 0 {
			return text
		}
		pieces := strings.Split(text, ops[0])
		for i := range pieces {
			pieces[i] = bind(pieces[i], ops[1:])
			if len(pieces) > 1 && strings.Contains(pieces[i], "] ") && strings.Count(pieces[i], "[") > 1 {
				pieces[i] = "(" + pieces[i] + ")"
			}
		}
		return strings.Join(pieces, ops[0])
	}
	for range 2000 {
		var b strings.Builder
		for i := range 2 + r.IntN(6) {
			if i > 0 {
				b.WriteString([]string{" AND ", " OR ", " FOLLOWEDBY "}[r.IntN(3)])
			}
			fmt.Fprintf(&b, "[a:b = %d]", i)
			b.WriteString([]string{"", "", " REPEATS 2 TIMES", " WITHIN 3 SECONDS"}[r.IntN(4)]) // binds to what stands before
		}
		e, err := Parse(b.String())
		if err != nil {
			t.Fatal(err)
		}
		if want := bind(b.String(), []string{" FOLLOWEDBY ", " OR ", " AND "}); e.String() != want {
			t.Fatalf("%s\nis  %s\nnot %s", b.String(), e, want)
		}
	}
}
