package coverage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

func batchOf(source event.Source, hosts []string, times []int64) *event.Batch {
	b := event.NewBuilder(source)
	for i, h := range hosts {
		b.Row(times[i], uint64(i), uint64(i), []byte(h))
	}
	return b.Batch()
}

func TestTalliesAddUpInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var batches []*event.Batch
	for i := range 40 {
		var hosts []string
		var times []int64
		for range r.IntN(20) {
			hosts = append(hosts, fmt.Sprintf("h%d", r.IntN(5)))
			ns := r.Int64N(1e18)
			if r.IntN(10) == 0 {
				ns = event.NoTime
			}
			times = append(times, ns)
		}
		batches = append(batches, batchOf(event.Source{Product: "windows", Channel: "Security", ID: uint32(i % 3)}, hosts, times))
	}
	render := func(order []int) string {
		var file Tally
		for _, i := range order {
			var part Tally
			part.Batch(batches[i])
			for n := range 100 {
				part.Damage(event.Damage{Offset: uint64(i*100 + n), Reason: "torn"})
			}
			file.Merge(&part)
		}
		b := NewBuilder([]string{"a"})
		b.File(File{Path: "f", Org: "a"}, &file)
		var out bytes.Buffer
		if err := b.Certificate(Rules{}, nothing{}).Write(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	want := render(r.Perm(40))
	for range 10 {
		if got := render(r.Perm(40)); got != want {
			t.Fatal("the certificate depends on the order of the batches")
		}
	}
	var c Certificate
	if err := json.Unmarshal([]byte(want), &c); err != nil {
		t.Fatal(err)
	}
	if n := len(c.Files[0].Damage); n != maxDamage || c.Files[0].MoreDamage != 40*100-maxDamage {
		t.Errorf("%d damaged places listed and %d more", n, c.Files[0].MoreDamage)
	}
	rows := uint64(0)
	for _, b := range batches {
		rows += uint64(b.Rows)
	}
	sum := uint64(0)
	for _, h := range c.Orgs[0].Hosts {
		for _, s := range h.Sources {
			sum += s.Records
		}
	}
	if sum != rows || c.Files[0].Records != rows {
		t.Errorf("%d rows, hosts count %d, file counts %d", rows, sum, c.Files[0].Records)
	}
}

func TestDenominatorIsUnknownUntilDeclared(t *testing.T) {
	for want, d := range map[string]Denominator{`"unknown"`: {}, `{"declared":3,"covered":2}`: {Declared: 3, Covered: 2, Known: true}} {
		b, err := json.Marshal(d)
		if err != nil || string(b) != want {
			t.Errorf("%s, want %s (%v)", b, want, err)
		}
		var back Denominator
		if err := json.Unmarshal(b, &back); err != nil || back != d {
			t.Errorf("read back as %+v (%v)", back, err)
		}
	}
}

func TestHostileHostNamesAreBounded(t *testing.T) {
	require.Time(t, "counts more hosts than a certificate names, in one goroutine")
	var tally Tally
	const n = 2*maxSpans + 500
	hosts := make([]string, 1000)
	times := make([]int64, 1000)
	for at := 0; at < n; at += len(hosts) {
		for i := range hosts {
			hosts[i] = fmt.Sprintf("host-%07d", n-at-i)
		}
		tally.Batch(batchOf(event.Source{Product: "windows"}, hosts, times))
	}
	b := NewBuilder([]string{"a"})
	b.File(File{Org: "a"}, &tally)
	got := b.Certificate(Rules{}, nothing{}).Orgs[0].Hosts
	if len(got) != maxSpans+1 || got[len(got)-1].Host != moreHosts {
		t.Fatalf("%d hosts, the last is %q", len(got), got[len(got)-1].Host)
	}
	if more := got[len(got)-1].Sources[0].Records; more == 0 {
		t.Error("hosts beyond the bound are not counted")
	}
}

// nothing is a question without rules.
type nothing struct{}

func (nothing) Len() int                                                { return 0 }
func (nothing) ID(int) string                                           { return "" }
func (nothing) Source(int) string                                       { return "" }
func (nothing) Searches(int, event.Source) bool                         { return false }
func (nothing) Kind(event.Source) string                                { return "" }
func (nothing) Constants(event.Source) string                           { return "" }
func (nothing) Answers(int, event.Source, func(string) bool) (a Answer) { return a }
func (nothing) Found(string, string) []int                              { return nil }
func (nothing) Relied(int) bool                                         { return false }
func (nothing) Within(int64, int64) bool                                { return true }

func TestShortNamesOfLogsStandForTheOnlyHostOfThatName(t *testing.T) {
	host := func(names ...string) *Org {
		o := &Org{}
		for _, n := range names {
			o.Hosts = append(o.Hosts, Host{Host: n, Sources: []Source{{Source: "x", Records: 1}}})
		}
		return o
	}
	for _, c := range []struct {
		logs     []string
		declared []string
		covered  int
	}{
		{[]string{"fw1"}, []string{"FW1.a.example"}, 1},
		{[]string{"fw1"}, []string{"fw1.a.example", "fw1.b.example"}, 0}, // which of them?
		{[]string{"fw1.b.example"}, []string{"fw1.a.example"}, 0},
		{[]string{"fw1.b.example"}, []string{"fw1"}, 1},
		{[]string{"10.0.0.1"}, []string{"10.0.0.1", "10"}, 1},
	} {
		var all []Declared
		for _, d := range c.declared {
			all = append(all, Declared{Host: d})
		}
		o := host(c.logs...)
		o.compare(all)
		if o.Denominator.Covered != c.covered || len(o.Silent) != len(all)-c.covered {
			t.Errorf("logs of %q, declared %q: %d covered, want %d", c.logs, c.declared, o.Denominator.Covered, c.covered)
		}
	}
}

// A clearing belongs to the log that was cleared, and not only to the one that tells of it.
func TestWhichLogWasCleared(t *testing.T) {
	var tally Tally
	const cleared = "Microsoft-Windows-Sysmon/Operational"
	tally.Batch(batchOf(event.Source{Product: "windows", Channel: cleared, ID: 1}, []string{"h"}, []int64{1e18}))
	b := event.NewBuilder(event.Source{Product: "windows", Channel: "System", ID: 104})
	for _, channel := range []string{cleared, "Setup"} {
		b.Row(2e18, 0, 1, []byte("h"))
		at := b.Field(channelField)
		b.Text(at, []byte("System")) // the event's own
		b.Text(at, []byte(channel))
	}
	tally.Batch(b.Batch())
	builder := NewBuilder([]string{"a"})
	builder.File(File{Org: "a"}, &tally)
	got := map[string]int{}
	for _, s := range builder.Certificate(Rules{}, nothing{}).Orgs[0].Hosts[0].Sources {
		for _, g := range s.Gaps {
			if g.Cleared {
				got[s.Source]++
			}
		}
	}
	if want := map[string]int{"windows/System": 2, "windows/" + cleared: 1}; !maps.Equal(got, want) {
		t.Errorf("clearings %v, want %v", got, want)
	}
	if fields := Wants(event.Source{Product: "windows", Channel: "System", ID: 104}); !slices.Contains(fields, channelField) {
		t.Errorf("of event 104 it wants %v", fields)
	}
}

// asking is a question of rules that search all logs, and counts how often it is asked which they search.
type asking struct {
	nothing
	times *int
}

func (asking) Len() int                          { return 50 }
func (a asking) Searches(int, event.Source) bool { *a.times++; return true }

// TestManySourcesOfAKindAreJudgedOnce: evidence can have a source of its own for every record.
func TestManySourcesOfAKindAreJudgedOnce(t *testing.T) {
	var tally Tally
	for i := range uint32(1000) {
		tally.Batch(batchOf(event.Source{Product: "windows", Channel: fmt.Sprint("c", i), ID: i}, []string{"h"}, []int64{1}))
	}
	b := NewBuilder([]string{"a"})
	b.File(File{Org: "a"}, &tally)
	times := 0
	if got := b.Certificate(Rules{}, asking{times: &times}).Orgs[0].Hosts; len(got) != 1 || len(got[0].Sources) != 1000 {
		t.Fatalf("%d hosts", len(got))
	}
	if times != 50 {
		t.Errorf("50 rules are asked %d times which sources they search", times)
	}
}
