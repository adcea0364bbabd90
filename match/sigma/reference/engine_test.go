package reference_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/sigma"
	"github.com/contrail-ir/contrail/match/sigma/reference"
)

func encodeLike(c *choices, s, modifier string) string {
	switch modifier {
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(s))
	case "base64offset":
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", c.n(4)) + s + strings.Repeat("y", c.n(4))))
	case "wide", "utf16le", "utf16be", "utf16":
		var out []byte
		if modifier == "utf16" {
			out = []byte{0xff, 0xfe}
		}
		for _, u := range utf16.Encode([]rune(s)) {
			if modifier == "utf16be" {
				out = append(out, byte(u>>8), byte(u))
			} else {
				out = append(out, byte(u), byte(u>>8))
			}
		}
		return string(out)
	}
	return s
}

// fill puts the rows of a trial into a builder.
func fill(b *event.Builder, rows []row) {
	for i, r := range rows {
		b.Row(int64(i), uint64(i), uint64(i), nil)
		for _, cell := range r {
			f := b.Field(cell.field)
			if cell.null {
				b.Null(f)
			} else {
				b.Text(f, []byte(cell.text))
			}
		}
	}
}

type match struct {
	row  int
	rule string
}

// engine runs the compiled rules over a batch.
func engine(t testing.TB, set *sigma.Set, scanner event.Scanner, b *event.Batch) map[match]bool {
	t.Helper()
	got := map[match]bool{}
	err := scanner.Scan(b, func(row int, rule event.RuleIndex) {
		m := match{row, set.Rule(rule).ID}
		if got[m] {
			t.Errorf("the engine reports rule %s for row %d twice", m.rule, row)
		}
		got[m] = true
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// checkTrial compares engine and reference on one trial and gives the number of matches.
func checkTrial(t testing.TB, tr trial) (matches, rejected int) {
	t.Helper()
	set, refused := sigma.Compile(&sigma.Collection{Rules: tr.rules}, sigma.Options{Placeholders: placeholderValues})
	refusedBy := map[string]string{}
	for _, r := range refused {
		refusedBy[r.ID] = r.Reason
	}
	b := event.NewBuilder(tr.source)
	fill(b, tr.rows)
	batch := b.Batch()
	if at := batch.Schema.Index("G"); at >= 0 && tr.typed != event.Text {
		batch.Cols[at] = typedColumn(tr.typed, batch.Rows)
	}
	scanner := set.Scanner()
	got := engine(t, set, scanner, batch)
	for range 3 { // the scanner remembers values from the second time on
		if again := engine(t, set, scanner, batch); !maps.Equal(got, again) {
			t.Errorf("another scan of the same batch gives %v, the first gave %v\n%s", again, got, tr)
		}
	}
	turned := turned(batch) // rows are known again wherever they stand, and values whatever their code
	for range 2 {
		again := map[match]bool{}
		for m := range engine(t, set, scanner, turned) {
			again[match{batch.Rows - 1 - m.row, m.rule}] = true
		}
		if !maps.Equal(got, again) {
			t.Errorf("the rows in reverse give %v, the first scan gave %v\n%s", again, got, tr)
		}
	}
	for _, r := range tr.rules {
		prepared, err := reference.Prepare(r, nil, reference.Options{Placeholders: placeholderValues})
		reason, no := refusedBy[r.ID]
		if (err != nil) != no {
			t.Errorf("%s: the reference says %v, the engine %q\n%s", r.ID, err, reason, tr)
		}
		if err != nil || no {
			rejected++
			continue
		}
		for i := range tr.rows {
			want := prepared.Match(reference.EventOf(batch, i))
			if want != got[match{i, r.ID}] {
				t.Errorf("%s row %d: the reference says %v, the engine %v\n%s", r.ID, i, want, !want, tr)
			}
			if want {
				matches++
			}
		}
	}
	return matches, rejected
}

// turned gives a batch's rows in reverse, with the values of every column in reverse.
func turned(b *event.Batch) *event.Batch {
	out := &event.Batch{Schema: b.Schema, Rows: b.Rows, Host: b.Host, Time: b.Time, Offset: b.Offset, Record: b.Record}
	for _, c := range b.Cols {
		if c == nil {
			out.Cols = append(out.Cols, nil)
			continue
		}
		n := c.Dict.Len()
		d := &event.Dict{Kind: c.Dict.Kind}
		for i := range n {
			if d.Kind.Numeric() {
				d.Nums = append(d.Nums, c.Dict.Nums[n-1-i])
			} else {
				d.Bytes = append(d.Bytes, c.Dict.Raw(n-1-i)...)
				d.Ends = append(d.Ends, uint32(len(d.Bytes)))
			}
		}
		turn := func(codes []event.Code) (out []event.Code) {
			for _, code := range codes {
				if v, ok := code.Value(); ok {
					code = event.ValueCode(n - 1 - v)
				}
				out = append(out, code)
			}
			return out
		}
		col := &event.Column{Dict: d, Const: c.Const}
		switch {
		case c.Const:
			col.Codes = turn(c.Codes)
		case c.List != nil:
			col.List = []uint32{0}
			fallthrough
		default:
			for row := b.Rows - 1; row >= 0; row-- {
				col.Codes = append(col.Codes, turn(c.At(row))...)
				if c.List != nil {
					col.List = append(col.List, uint32(len(col.Codes)))
				}
			}
		}
		out.Cols = append(out.Cols, col)
	}
	return out
}

func (t trial) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "source %+v, G is of kind %d\n", t.source, t.typed)
	for _, r := range t.rules {
		fmt.Fprintf(&s, "%s (%s)\n", r.ID, r.Logsource)
		for i := range r.Selections {
			fmt.Fprintf(&s, "  %s: ", r.Selections[i].Name)
			writeGroup(&s, &r.Selections[i].Group)
			s.WriteByte('\n')
		}
		for _, c := range r.Conditions {
			s.WriteString("  condition: ")
			writeCondition(&s, c)
			s.WriteByte('\n')
		}
	}
	for i, r := range t.rows {
		fmt.Fprintf(&s, "row %d:", i)
		for _, c := range r {
			if c.null {
				fmt.Fprintf(&s, " %s=null", c.field)
			} else {
				fmt.Fprintf(&s, " %s=%q", c.field, c.text)
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}

func writeGroup(s *strings.Builder, g *sigma.Group) {
	open, close := "{", "}"
	if g.Any {
		open, close = "[", "]"
	}
	s.WriteString(open)
	for i, it := range g.Items {
		if i > 0 {
			s.WriteString(", ")
		}
		fmt.Fprintf(s, "%s:", strings.Join(append([]string{it.Field}, it.Modifiers...), "|"))
		for _, v := range it.Values {
			if v.Kind == sigma.StringValue {
				fmt.Fprintf(s, " %q", v.Text)
			} else {
				fmt.Fprintf(s, " %s", v.Text)
			}
		}
	}
	for i := range g.Groups {
		writeGroup(s, &g.Groups[i])
	}
	s.WriteString(close)
}

func writeCondition(s *strings.Builder, c *sigma.Condition) {
	switch c.Op {
	case sigma.OpSelection:
		s.WriteString(c.Name)
		return
	case sigma.OpAnyOf:
		s.WriteString("1 of " + c.Name)
		return
	case sigma.OpAllOf:
		s.WriteString("all of " + c.Name)
		return
	}
	word := map[sigma.ConditionOp]string{sigma.OpAnd: " and ", sigma.OpOr: " or ", sigma.OpNot: "not "}[c.Op]
	s.WriteByte('(')
	for i, a := range c.Args {
		if i > 0 || c.Op == sigma.OpNot {
			s.WriteString(word)
		}
		writeCondition(s, a)
	}
	s.WriteByte(')')
}

// TestEngineEqualsReference tries many small rules on many small events.
func TestEngineEqualsReference(t *testing.T) {
	trials := 6_000
	if testing.Short() {
		trials = 1_000
	}
	rng := rand.New(rand.NewPCG(20250802, 2))
	data := make([]byte, 1200)
	matches, rejected, rules := 0, 0, 0
	for range trials {
		for i := range data {
			data[i] = byte(rng.UintN(256))
		}
		tr := makeTrial(&choices{data: data})
		m, r := checkTrial(t, tr)
		matches, rejected, rules = matches+m, rejected+r, rules+len(tr.rules)
		if t.Failed() {
			return // one difference is enough to read
		}
	}
	t.Logf("%d trials, %d rules, %d rejected by both, %d matches", trials, rules, rejected, matches)
	if rejected*2 > rules || matches*4 < trials {
		t.Errorf("the generator reaches too little")
	}
}

// TestManyRulesEqualReference puts the rules and events of many trials together, for what the engine shares between
// rules and between rows.
func TestManyRulesEqualReference(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	rng := rand.New(rand.NewPCG(77, 78))
	data := make([]byte, 1200)
	for range rounds {
		all := trial{source: testSource}
		for len(all.rules) < 60 {
			for i := range data {
				data[i] = byte(rng.UintN(256))
			}
			tr := makeTrial(&choices{data: data})
			if tr.source != testSource {
				continue
			}
			for _, r := range tr.rules {
				r.ID = fmt.Sprint("rule-", len(all.rules))
				all.rules = append(all.rules, r)
			}
			all.rows = append(all.rows, tr.rows...)
		}
		checkTrial(t, all)
		if t.Failed() {
			return
		}
	}
}

// FuzzEngineEqualsReference lets the fuzzer choose rules and events.
func FuzzEngineEqualsReference(f *testing.F) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		data := make([]byte, 600)
		for i := range data {
			data[i] = byte(rng.UintN(256))
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		checkTrial(t, makeTrial(&choices{data: data}))
	})
}

// TestEngineVectors runs the hand-checked detections and filters through the engine.
func TestEngineVectors(t *testing.T) {
	var vectors []detectionVector
	load(t, "testdata/detection.yaml", &vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			set, refused := sigma.Compile(sigma.Parse("", v.text(t)), sigma.Options{Placeholders: v.Placeholders})
			if v.Rejected != (len(refused) > 0) {
				t.Fatalf("rejected: %v, want %v", refused, v.Rejected)
			}
			if v.Rejected {
				return
			}
			for _, f := range v.Match {
				if !matchesOne(t, set, f, v.Name) {
					t.Errorf("does not match %s", f)
				}
			}
			for _, f := range v.Not {
				if matchesOne(t, set, f, v.Name) {
					t.Errorf("matches %s", f)
				}
			}
		})
	}
	var filters []filterVector
	load(t, "testdata/filter.yaml", &filters)
	for _, v := range filters {
		t.Run(v.Name, func(t *testing.T) {
			set, _ := sigma.Compile(sigma.Parse("", v.text(t)), sigma.Options{})
			for _, name := range slices.Sorted(maps.Keys(v.Match)) {
				for _, f := range v.Match[name] {
					if !matchesOne(t, set, f, ruleID(name)) {
						t.Errorf("%s does not match %s", name, f)
					}
				}
			}
			for _, name := range slices.Sorted(maps.Keys(v.Not)) {
				for _, f := range v.Not[name] {
					if matchesOne(t, set, f, ruleID(name)) {
						t.Errorf("%s matches %s", name, f)
					}
				}
			}
		})
	}
}

func ruleID(name string) string {
	if name == "r1" {
		return "11111111-1111-4111-8111-111111111111"
	}
	return "22222222-2222-4222-8222-222222222222"
}

// matchesOne asks about one event, of a log that both rules of the filter vectors read.
func matchesOne(t *testing.T, set *sigma.Set, f fields, rule string) bool {
	t.Helper()
	b := event.NewBuilder(event.Source{Category: "test", Service: "other"})
	b.Row(0, 0, 0, nil)
	f.each(func(n, v string) { b.Text(b.Field(n), []byte(v)) }, func(n string) { b.Null(b.Field(n)) })
	return engine(t, set, set.Scanner(), b.Batch())[match{0, rule}]
}
