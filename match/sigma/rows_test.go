package sigma

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// rowRules ask for fields in every way that a row's answer can depend on: values, their absence, two fields, any field.
const rowRules = `title: t
id: values
logsource: {product: windows, category: process_creation}
detection:
  sel: {Image|endswith: '\cmd.exe', CommandLine|contains: [alpha, beta, gamma]}
  filter: {User|contains: system}
  condition: sel and not filter
---
title: t
id: absent
logsource: {product: windows, category: process_creation}
detection:
  sel: {CommandLine|contains: beta}
  none: {ParentImage: null}
  condition: sel and none
---
title: t
id: fields
logsource: {product: windows, category: process_creation}
detection:
  sel: {CommandLine|contains: a, Image|fieldref: ParentImage}
  condition: sel
---
title: t
id: number
logsource: {product: windows, category: process_creation}
detection:
  sel: {LogonId: 3, CommandLine|contains: alpha}
  condition: sel
---
title: t
id: missing
logsource: {product: windows, category: process_creation}
detection:
  sel: {CommandLine|contains: gamma}
  there: {User|exists: true}
  condition: sel and not there
---
title: t
id: keyword
logsource: {product: windows, category: process_creation}
detection:
  words: [sekurlsa]
  filter: {User|contains: system}
  condition: words and not filter
`

// randomRows makes a batch of few values, so that rows come again, in columns of every shape; the numbers are among its numeric values.
func randomRows(rng *rand.Rand, schema *event.Schema, rows int, numbers []uint64) *event.Batch {
	texts := map[string][]string{
		"Image":       {`C:\Windows\cmd.exe`, `C:\Windows\System32\notepad.exe`, `/bin/x`, ``},
		"CommandLine": {"alpha", "beta and a tail that makes it longer than a cache line of the processor", "gamma", "delta", "", "alpha beta"},
		"ParentImage": {`c:\windows\CMD.EXE`, `/bin/x`, `C:\explorer.exe`},
		"User":        {"SYSTEM", "alice"},
		"Other":       {"nothing", "sekurlsa::logonpasswords", "x", "y"},
		"LogonId":     {"3", "0x3", "4"},
	}
	b := &event.Batch{Schema: schema, Rows: rows, Time: make([]int64, rows), Offset: make([]uint64, rows), Record: make([]uint64, rows)}
	for _, name := range schema.Fields {
		d := &event.Dict{}
		if name == "LogonId" && rng.IntN(2) == 0 {
			d.Kind, d.Nums = event.Uint, append([]uint64{4, 3, 17}, numbers...)
			rng.Shuffle(len(d.Nums), func(i, j int) { d.Nums[i], d.Nums[j] = d.Nums[j], d.Nums[i] })
		} else {
			for _, i := range rng.Perm(len(texts[name])) {
				d.Bytes = append(d.Bytes, texts[name][i]...)
				d.Ends = append(d.Ends, uint32(len(d.Bytes)))
			}
		}
		c := &event.Column{Dict: d}
		code := func() event.Code {
			n := event.Code(rng.IntN(d.Len() + 3))
			return min(n, event.ValueCode(d.Len()-1))
		}
		shape := rng.IntN(8)
		if name == "User" && shape > 4 {
			shape = 1
		}
		switch shape {
		case 0:
			c.Const, c.Codes = true, []event.Code{code()}
		case 1:
			for range rows {
				c.List = append(c.List, uint32(len(c.Codes)))
				for range rng.IntN(3) {
					c.Codes = append(c.Codes, code())
				}
			}
			c.List = append(c.List, uint32(len(c.Codes)))
		case 2:
			c = nil
		default:
			for range rows {
				c.Codes = append(c.Codes, code())
			}
		}
		b.Cols = append(b.Cols, c)
	}
	return b
}

// TestRowsAreKnownAgain scans batches of rows that come again, in ever other order and columns of ever other shape, and compares
// with the expressions of the rules.
func TestRowsAreKnownAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	s := setOf(t, rowRules, Options{})
	schemas := []*event.Schema{
		event.NewSchema(processCreation, []string{"Image", "CommandLine", "ParentImage", "User", "LogonId", "Other"}),
		event.NewSchema(processCreation, []string{"Other", "User", "LogonId", "CommandLine", "Image"}),
	}
	used := s.Scanner().(*scanner)
	remembered, found := 0, map[string]bool{}
	for i := range 3000 {
		var numbers []uint64 // those that text is known by: a number that is the same is another value
		for _, e := range used.memory.entries {
			if e.value != 0 && e.value != 3 && e.value != 4 && len(numbers) < 40 {
				numbers = append(numbers, e.value)
			}
		}
		b := randomRows(rng, schemas[i%2], 1+rng.IntN(12), numbers)
		known := used.rows.known
		used.rows.full = true // so that what is known is counted
		var got, want []string
		if err := used.Scan(b, func(row int, rule event.RuleIndex) {
			got = append(got, fmt.Sprint(row, s.Rule(rule).ID))
			found[s.Rule(rule).ID] = true
		}); err != nil {
			t.Fatal(err)
		}
		for row := range b.Rows {
			for rule := range event.RuleIndex(s.Len()) {
				if slowly(s, rule, s.Route(rule, b.Schema.Source), b, row) {
					want = append(want, fmt.Sprint(row, s.Rule(rule).ID))
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("batch %d: the scanner finds %v, the expressions %v", i, got, want)
		}
		remembered += max(0, used.rows.known-known)
	}
	if remembered < 1000 || len(found) != s.Len() {
		t.Errorf("%d rows were known, and the rules found are %v: too little to tell", remembered, slices.Sorted(maps.Keys(found)))
	}
}

// TestRowMemoryKnowsWhatItWasTold compares with a map through growing, filling up and giving up.
func TestRowMemoryKnowsWhatItWasTold(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	var m rowMemory
	found, forgotten := 0, 0
	for i := range 300_000 {
		n := rng.Uint64N(12_000)
		if i > 100_000 {
			n = 12_000 + rng.Uint64N(1_000_000) // nothing comes again
		}
		key := []uint64{2, n % 3, 0, 0, n, n * n}[:5+n%2]
		want := []event.RuleIndex{event.RuleIndex(n % 100), event.RuleIndex(n % 7)}[:n%3]
		hash, before := hashOfRow(key), m.used
		if e := m.find(key, hash); e != nil {
			if found++; !slices.Equal(m.hits[e.hit:e.hit+e.count], want) {
				t.Fatalf("row %d has the hits %v", n, m.hits[e.hit:e.hit+e.count])
			}
		} else {
			m.add(key, hash, want)
		}
		if m.used < before {
			forgotten++
		}
		if len(m.entries) > mostRows || len(m.keys) > mostKeys || len(m.hits) > mostHits {
			t.Fatalf("%d places, %d words, %d hits: more than the bounds", len(m.entries), len(m.keys), len(m.hits))
		}
	}
	if found < 50_000 || forgotten == 0 {
		t.Errorf("%d rows found, given up %d times: too little to tell", found, forgotten)
	}
}

// TestRowMemoryIsNotFooledByItsHash puts rows under the hash of others, and more of them than are looked at.
func TestRowMemoryIsNotFooledByItsHash(t *testing.T) {
	var m rowMemory
	const hash = 1<<63 | 5
	for n := range uint64(100) {
		if m.find([]uint64{2, n}, hash) != nil {
			t.Fatalf("row %d is taken for another of the same hash", n)
		}
		m.add([]uint64{2, n}, hash, nil)
	}
	if m.used != mostProbes {
		t.Errorf("%d rows of one hash are kept, not %d: finding one takes ever longer", m.used, mostProbes)
	}
	if m.find([]uint64{2, 3}, hash) == nil {
		t.Error("a row is not known again")
	}
}

// TestValuesNumberedLaterKeepTheirRules scans with the memory asleep when the witnesses are looked for, and awake when a predicate
// gives a value its number: it was then kept without the rules that it is a witness of, and never found again.
func TestValuesNumberedLaterKeepTheirRules(t *testing.T) {
	s := setOf(t, ruleOf("sel: {CommandLine|re: 'sekurlsa::[a-z]+', CommandLine|contains: [alpha, beta, gamma, delta]}\ncondition: sel"), Options{})
	scan := s.Scanner().(*scanner)
	for i := range 6 {
		b := batchOf(processCreation, []string{"CommandLine=a long command line with alpha and sekurlsa::logonpasswords"}, []string{"CommandLine=x"}, []string{"CommandLine=y"})
		for _, f := range scan.fields {
			for j := range f.paying {
				if f.paying[j] = (attention{}); i < 3 {
					f.paying[j].asleep = 1
				}
			}
		}
		hits := 0
		if err := scan.Scan(b, func(int, event.RuleIndex) { hits++ }); err != nil || hits != 1 {
			t.Fatalf("scan %d gives %d hits: %v", i, hits, err)
		}
	}
	if scan.memory.used == 0 {
		t.Error("nothing was remembered: too little to tell")
	}
}
