package ioc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/growth"
)

// tokenTerms are those of the sample that are looked up by tokens: sets of them alone can be surveyed. Besides, enough others that the filter
// says maybe now and then.
func tokenTerms(t testing.TB) *Collection {
	c := sampleTerms(t)
	all := c.Indicators
	c.Indicators = nil
	for _, in := range all {
		if in.Term.byToken() {
			c.Indicators = append(c.Indicators, in)
		}
	}
	if len(c.Indicators) < 20 {
		t.Fatalf("only %d terms of the sample are tokens", len(c.Indicators))
	}
	return c
}

// surveyHolds wants a place in every stretch between line ends that the sifter suspects, and all places ascending.
func surveyHolds(t *testing.T, x *sifter, text []byte) (suspects int) {
	t.Helper()
	places, ok := x.Survey(text, []int{-7})
	if !ok || places[0] != -7 {
		t.Fatalf("%d, %v", places, ok)
	}
	places = places[1:]
	at := 0
	for line := range bytes.SplitAfterSeq(text, []byte("\n")) {
		here := false
		for len(places) > 0 && places[0] < at+len(line) {
			if places[0] < at {
				t.Fatalf("place %d comes too late, at %d", places[0], at)
			}
			here, places = true, places[1:]
		}
		if x.Suspects(line) {
			suspects++
			if !here {
				t.Fatalf("%q is suspected, and has no place in a survey of\n%q", line, text)
			}
		}
		at += len(line)
	}
	if len(places) > 0 {
		t.Fatalf("places %d beyond the text", places)
	}
	return suspects
}

func TestSurveyFindsWhatTheSifterSuspects(t *testing.T) {
	c := tokenTerms(t)
	s := Compile(tokenTerms(t), Options{})
	x := newSifter(s)
	r := rand.New(rand.NewPCG(6, 5))
	texts := 300
	if testing.Short() {
		texts = 60
	}
	suspects := 0
	for range texts {
		var text bytes.Buffer
		for range 1 + r.IntN(60) {
			if r.IntN(3) > 0 {
				fmt.Fprintf(&text, "host%d.example.org 192.0.%d.%d %x\n", r.IntN(99), r.IntN(4), r.IntN(4), r.Uint64())
			} else {
				text.WriteString(mutate(r, c) + "\n")
			}
		}
		suspects += surveyHolds(t, x, bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	}
	if suspects < texts {
		t.Errorf("only %d lines of %d texts are suspected", suspects, texts)
	}
}

// TestSurveyClearsOrdinaryText: a survey that finds places everywhere keeps its promise and is good for nothing.
func TestSurveyClearsOrdinaryText(t *testing.T) {
	text := []byte(ordinaryText(1 << 16))
	if places, ok := newSifter(Compile(tokenTerms(t), Options{})).Survey(text, nil); !ok || len(places) > bytes.Count(text, []byte("\n"))/100 {
		t.Errorf("%d places in ordinary text, %v", len(places), ok)
	}
	if places, ok := newSifter(Compile(sampleTerms(t), Options{})).Survey(text, nil); ok || len(places) > 0 {
		t.Error("a set with literals is surveyed")
	}
}

func FuzzSurvey(f *testing.F) {
	c := tokenTerms(f)
	for i, in := range c.Indicators {
		f.Add([]byte("x\t" + in.Term.Value + "\ty\n192.0.2.1 " + c.Indicators[(i+1)%len(c.Indicators)].Term.Value + "\n"))
	}
	f.Add([]byte(strings.Repeat("198.51.100.7 203.0.113.7-192.0.2.2 a.example\n", 40)))
	x := newSifter(Compile(tokenTerms(f), Options{}))
	f.Fuzz(func(t *testing.T, text []byte) {
		for range 2 { // what the first time taught must not change the second
			surveyHolds(t, x, text)
		}
	})
}

// TestHostileSurveyIsBounded holds surveys of text made to be expensive against ordinary text of the same length, and against themselves at other
// lengths.
func TestHostileSurveyIsBounded(t *testing.T) {
	x := newSifter(Compile(tokenTerms(t), Options{}))
	size := 1 << 18
	if testing.Short() {
		size = 1 << 15
	}
	var places []int
	survey := func(text string) func() { return func() { places, _ = x.Survey([]byte(text), places[:0]) } }
	plain := survey(ordinaryText(size))
	for _, unit := range append([]string{"1.2.3.4 9.8.7.6-", "x.example\n", "ab:cd::", "0123456789abcdef0123456789abcde "}, hostileUnits...) {
		text := strings.Repeat(unit, 2*size/len(unit)+1)
		ratio := growth.Ratio(8, plain, survey(text[:size]))
		t.Logf("%.30q costs %.1f times as much as ordinary text", unit, ratio)
		if ratio > 8 {
			t.Errorf("%.30q costs %.1f times as much as ordinary text", unit, ratio)
		}
		growth.Linear(t, fmt.Sprintf("%.30q", unit), size, func(n int) func() { return survey(text[:n]) })
	}
}
