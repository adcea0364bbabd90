package sigma

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// Each of these rules was once read otherwise than the specification says; the name tells how.
func TestOnceWrong(t *testing.T) {
	placeholders := map[string][]string{"name": {"v"}, "domain controllers.dmz": {"dc"}, "fields": {"B", "C"}, "D": {"D"}}
	for _, c := range []struct {
		name, detection string
		hit, miss       [][]string
	}{
		{"a percent sign behind a backslash began a placeholder", `sel: {A|expand: '\%plain%name%'}`, [][]string{{"A=%plainv"}}, [][]string{{`A=\%plainv`}}},
		{"a placeholder with blanks and dots was plain text", `sel: {A|expand: '%domain controllers.dmz%1'}`, [][]string{{"A=dc1"}}, [][]string{{"A=%domain controllers.dmz%1"}}},
		{"cased compared a number as a number", `sel: {A|cased: 10}`, [][]string{{"A=10"}}, [][]string{{"A=0xa"}, {"A=10.0"}}},
		{"all asked for every alternative of one field reference", `sel: {A|expand|all|fieldref: ['%fields%', '%D%']}`,
			[][]string{{"A=x", "B=x", "D=x"}, {"A=x", "B=y", "C=x", "D=x"}}, [][]string{{"A=x", "B=x", "C=x", "D=y"}, {"A=x", "D=x"}}},
		{"a fraction was no letter of a word to windash", `sel: {A|windash: '½-a -½'}`, [][]string{{"A=½-a /½"}}, [][]string{{"A=½/a -½"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := setOf(t, ruleOf(c.detection+"\ncondition: sel"), Options{Placeholders: placeholders})
			for want, rows := range map[int][][]string{1: c.hit, 0: c.miss} {
				for _, row := range rows {
					if got := scanAll(t, s, batchOf(processCreation, row)); len(got) != want {
						t.Errorf("%q: %v, want %d", row, got, want)
					}
				}
			}
		})
	}
	for _, detection := range []string{ // once taken for keywords, or for plain text
		"sel: {'|cidr': 10.0.0.0/8}", "sel: {'|gt': 3}", "sel: {'|hour': 3}", "sel: {A|expand: '%not-given%'}", "sel: {A|base64|expand: '%name%'}",
	} {
		if s, rejected := Compile(Parse("x.yml", []byte(ruleOf(detection+"\ncondition: sel"))), Options{Placeholders: placeholders}); len(rejected) != 1 || s.Len() != 0 {
			t.Errorf("%s is not rejected", detection)
		}
	}
}

// TestScannersKeepNothingOfABatch scans many batches that live in the same memory one after the other, in any order and
// again, with one scanner, and compares with scanners that have seen nothing else. Once a second scan lost hits.
func TestScannersKeepNothingOfABatch(t *testing.T) {
	var rules strings.Builder
	for i, d := range []string{
		"sel: {A|wide|base64offset|contains: ['σKx', 'abc']}\nsel_b: {A|contains: '1'}\ncondition: not 1 of sel*",
		"sel: {A|contains: [alpha, beta, gamma, delta, epsilon, zeta, eta, theta, iota, kappa]}\ncondition: sel",
		"sel: {A|contains|all: [alpha, beta]}\nfil: {B|endswith: [one, two]}\ncondition: sel and not fil",
		"sel: {A|re: 'al.*ma'}\ncondition: sel",
		"sel: {A|fieldref: B}\ncondition: sel",
		"sel: ['kappa', 'ſigma']\ncondition: sel",
		"sel: {C: [1, 7, 31]}\ncondition: sel",
		"sel: {B: null}\nfil: {A: ''}\ncondition: sel and not fil",
		"sel: {A|cased|contains: [Alpha, 'É']}\ncondition: 1 of them",
		"sel: {Nothing: null}\nother: {A|windash|contains: ' -enc'}\ncondition: sel and other",
	} {
		fmt.Fprintf(&rules, "---\ntitle: t%d\nid: r%d\nlogsource: {product: windows, category: process_creation}\ndetection:\n%s", i, i, indent(d))
		fmt.Fprintf(&rules, "---\ntitle: u%d\nid: s%d\nlogsource: {product: windows, service: security}\ndetection:\n%s", i, i, indent(d))
	}
	s := setOf(t, strings.TrimPrefix(rules.String(), "---\n"), Options{})
	words := []string{"alpha", "Alpha", "beta", "gamma", "kappa", "Kappa", "ſIGMA", "É", "é", "1", " -enc", " /enc", "one", "x", strings.Repeat("y", 300), ""}
	sources := []event.Source{processCreation, {Product: event.ProductWindows, Channel: "Security", Provider: "p", ID: 4624}}
	var builders []*event.Builder
	for _, source := range sources {
		builders = append(builders, event.NewBuilder(source))
	}
	// fill makes the batch of a seed in the builder's memory; the same seed makes an equal batch.
	fill := func(seed uint64) *event.Batch {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := builders[seed%2]
		b.Reset()
		for row := range 1 + rng.IntN(40) {
			b.Row(int64(row), 0, 0, nil)
			for _, field := range []string{"A", "B", "C", "EventID"} {
				for range rng.IntN(3) {
					if rng.IntN(12) == 0 {
						b.Null(b.Field(field))
						continue
					}
					text := ""
					for range rng.IntN(4) {
						text += words[rng.IntN(len(words))]
					}
					b.Text(b.Field(field), []byte(text))
				}
			}
		}
		if seed%3 == 0 {
			return b.Compact() // schemas differ from batch to batch
		}
		return b.Batch()
	}
	scan := func(scanner event.Scanner, b *event.Batch) (got []string) {
		if err := scanner.Scan(b, func(row int, rule event.RuleIndex) { got = append(got, fmt.Sprint(row, " ", rule)) }); err != nil {
			t.Fatal(err)
		}
		return got
	}
	const batches = 60
	want := make([][]string, batches)
	hits := 0
	for seed := range want {
		want[seed] = scan(s.Scanner(), fill(uint64(seed)))
		hits += len(want[seed])
	}
	if hits < 1000 {
		t.Fatalf("%d hits are too few to tell", hits)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	old := s.Scanner()
	old.(*scanner).memory.next = 1<<valueBits - 1<<32 - 3000 // so that the numbers are used up on the way
	for range 4000 {
		seed := rng.IntN(batches)
		b := fill(uint64(seed))
		for range 1 + rng.IntN(2) {
			if got := scan(old, b); !slices.Equal(got, want[seed]) {
				t.Fatalf("batch %d: %v, a fresh scanner finds %v", seed, got, want[seed])
			}
		}
	}
}

// TestPresentLiteralsFollowTheValue looks at values of a column in any order: the literals said to be present must be
// those of the value looked at last, also when the memory of earlier searches was given up.
func TestPresentLiteralsFollowTheValue(t *testing.T) {
	texts := []string{"alpha", "beta", "gamma", "delta"}
	needles := newSlotNeedles([2][]string{texts})
	values := []string{"alpha beta", "", "gamma", strings.Repeat("alpha delta ", 40), "beta gamma delta alpha"}
	var rows [][]string
	for _, v := range values {
		rows = append(rows, []string{"A=" + v})
	}
	var c columnState
	c.reset(batchOf(processCreation, rows...).Cols[0])
	c.needles = needles
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		if i%100 == 99 {
			c.hits = slices.Grow(c.hits, maxHits)[:maxHits+1] // as if very much had been found
		}
		v := rng.IntN(len(values))
		c.look(v)
		for n, text := range texts {
			if c.has(int32(n)) != strings.Contains(values[v], text) {
				t.Fatalf("%s in %q: %v", text, values[v], c.has(int32(n)))
			}
		}
	}
}
