package automaton

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/contrail-ir/contrail/internal/growth"
)

var expressions = []string{
	"", "a", "abc", "^a", "a$", "^a$", "^$", `\ba`, `a\b`, `\Ba`, `(?i)straße`, `(?i)k`, `(?m)^a$`, `(?s)a.b`, "a.b", "a|bc|", "(a|b)*c", "a{2,4}b", "[^a]b", `\w+\s\d`, `[\x{400}-\x{4ff}]+x`, `\pL\PL`, `(?i)[ſs]x`,
	`\\(svch0st|lsasss)\.exe$`, `(?:^| )x(?:$| )`, `[\s]{7,}\.(exe|com)`, `a*?b`, `(a?){20}b`, `.{20}b`, `(?i)-e(nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{20,}`, `(^|\s)a`, `a(\n|$)`, `\x{fffd}`, `\z`, `\Aab`, `(?:)`, `x*`, `[[:^ascii:]]`,
	`a.{2,20}b`, `a.{0,20}b.{1,12}c`, `(?s)^a.{3,15}b`, `(a[^b]{1,16}|b.{0,64}x)+c`, `(?:ab){2}[a-c]{5,20}x`, `a.{12}b`, `a.{12}$`, `\ba.{1,20}\b`, `(?i)k[^s]{0,30}ſ`, `a.{1,12}b.{1,12}c.{1,12}x.{1,12}0`, `(?:a.{1,13}){2}b`,
	`ab.*x.+c`, `a.+b|c`, `(?s)a\n.*b`, `a\s?.*b.*c$`, `(?:a.*b)+x`, `a(?:.*b|c)x`, `a[^b]{1,16}.*c.*x`, `(?s)(?i)k.*a\n?b.+x\b`, `ab+.*$`, `(01*)0`, `(?:a?b+)(c*a?)`, `a{2,}b{2,5}`, `(a+b)+(c?)+`,
}

var pieces = []string{"a", "b", "c", "x", "ab", "abc", " ", "\n", "\\", ".exe", "svch0st", "\xff", "ſ", "K", "K", "STRASSE", "straße", "И", "é", "0", "_", "-enc ", "QUJDREVGR0hJSktMTU5PUFFSU1Q=", "\ufffd", "\t\t\t\t\t\t\t\t", ".com", "aaaa"}

func TestAutomatonEqualsRegexp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for _, e := range expressions {
		re := regexp.MustCompile(e)
		a := New(re)
		if a.Match(nil); a.prog == nil {
			t.Errorf("%q is not made an automaton", e)
		}
		for range 2000 {
			var b strings.Builder
			for range r.IntN(8) {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
			text := b.String()
			want := re.MatchString(text)
			if got := a.Match([]byte(text)); got != want {
				t.Fatalf("%q in %q: %v, want %v", e, text, got, want)
			}
			if got := a.matchCrowded([]byte(text)); got != want {
				t.Fatalf("%q in %q by places: %v, want %v", e, text, got, want)
			}
			if want {
				found++
			}
		}
	}
	if found < 10_000 {
		t.Errorf("only %d matches: the texts test little", found)
	}
}

// TestTheTableIsBounded gives an expression with very many states every text that it takes to meet them.
func TestTheTableIsBounded(t *testing.T) {
	re := regexp.MustCompile(`a(?:[ab]c?){14}b(?:[ab]c?){14}c`) // no gaps: what is repeated is not one character
	a := New(re)
	r := rand.New(rand.NewPCG(3, 4))
	text := make([]byte, 1<<14)
	for i := range text {
		text[i] = "ab"[r.IntN(2)]
	}
	a.Match(text)
	if n := len(a.states) * int(a.width); n > maxCells || n < maxCells/2 {
		t.Errorf("%d cells, want at most %d and nearly so many", n, maxCells)
	}
	for range 200 {
		part := text[r.IntN(len(text)/2):][:r.IntN(200)]
		part = append(part[:len(part):len(part)], 'c')
		if got, want := a.Match(part), re.Match(part); got != want {
			t.Fatalf("%q: %v, want %v", part, got, want)
		}
	}
	growth.AtMost(t, "a full table, against package regexp,", 1, func() { re.Match(text) }, func() { a.Match(text) })
}

func TestGoroutinesShareAnAutomaton(t *testing.T) {
	re := regexp.MustCompile(`(?i)\\(svch0st|lsasss)[a-z]{1,4}\.exe$`)
	a := New(re)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 1))
			for range 300 {
				text := []byte(`c:\x` + pieces[r.IntN(len(pieces))] + `\SVCH0ST` + pieces[r.IntN(len(pieces))] + ".exe")
				if a.Match(text) != re.Match(text) {
					t.Errorf("%q", text)
				}
			}
		})
	}
	all.Wait()
}

// TestGroupEqualsRegexp asks groups of all sizes about texts that are spelled for them.
func TestGroupEqualsRegexp(t *testing.T) {
	var of []*Automaton
	for _, e := range expressions {
		of = append(of, New(regexp.MustCompile(e)))
	}
	r := rand.New(rand.NewPCG(5, 6))
	found := 0
	for n := 1; n <= len(of); n += 1 + n/4 {
		g := NewGroup(of[len(of)-n:])
		for range 300 {
			var b strings.Builder
			for range r.IntN(20) {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
			found += checkGroup(t, g, []byte(b.String()))
		}
	}
	if found < 10_000 {
		t.Errorf("only %d matches: the texts test little", found)
	}
}

// checkGroup holds a group against package regexp, and counts what matches.
func checkGroup(t *testing.T, g *Group, text []byte) (found int) {
	t.Helper()
	codes := g.Spell([]byte("left over"), text)
	for i, a := range g.of {
		want := a.re.Match(text)
		if g.Match(i, codes, text) != want {
			t.Fatalf("%q of %d in %q: %v, want %v", a.re, len(g.of), text, !want, want)
		}
		if want {
			found++
		}
	}
	return found
}

func FuzzGroup(f *testing.F) {
	for i := range expressions {
		f.Add(strings.Join(expressions[i:min(i+5, len(expressions))], "\x00"), strings.Join(pieces[i%len(pieces):], ""))
	}
	f.Fuzz(func(t *testing.T, list, text string) {
		if len(list) > 400 || len(text) > 500 {
			return
		}
		var of []*Automaton
		for e := range strings.SplitSeq(list, "\x00") {
			if re, err := regexp.Compile(e); err == nil {
				of = append(of, New(re))
			}
		}
		g := NewGroup(of)
		for range 2 { // with the tables empty, and made
			checkGroup(t, g, []byte(text))
		}
	})
}

func FuzzAutomaton(f *testing.F) {
	for i, e := range expressions {
		f.Add(e, strings.Join(pieces[i%len(pieces):], ""))
	}
	f.Fuzz(func(t *testing.T, expression, text string) {
		if len(expression) > 200 || len(text) > 500 {
			return
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			return
		}
		a := New(re)
		if a.Match(nil); a.prog != nil {
			if got, want := a.matchCrowded([]byte(text)), re.MatchString(text); got != want {
				t.Fatalf("%q in %q by places: %v, want %v", expression, text, got, want)
			}
		}
		for range 2 { // with the table empty, and made
			if got, want := a.Match([]byte(text)), re.MatchString(text); got != want {
				t.Fatalf("%q in %q: %v, want %v", expression, text, got, want)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	re := regexp.MustCompile(`[\s]{7,}\.(exe|com|dll|bat|scr|vbs)`)
	text := []byte(strings.Repeat(`C:\Program Files\Vendor\agent.exe --config C:\ProgramData\conf.json `, 500))
	for _, c := range []struct {
		name  string
		match func([]byte) bool
	}{{"automaton", New(re).Match}, {"regexp", re.Match}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				c.match(text)
			}
		})
	}
}
