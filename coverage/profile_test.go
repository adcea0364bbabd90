package coverage

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// quiz is a question whose rules search the channels that begin with their letter, look at an id, and need a field.
type quiz struct {
	nothing
	rules int
	asked *int
}

func (q quiz) Len() int                               { return q.rules }
func (q quiz) ID(rule int) string                     { return fmt.Sprint("r", rule) }
func (q quiz) Source(rule int) string                 { return "windows//" + q.channel(rule) }
func (quiz) channel(rule int) string                  { return string(rune('a' + rule%3)) }
func (quiz) Kind(s event.Source) string               { return s.Channel[:1] }
func (q quiz) Relied(rule int) bool                   { return rule%2 == 0 }
func (q quiz) Within(first, last int64) bool          { return first < 1000 && last >= 0 }
func (q quiz) Searches(rule int, s event.Source) bool { return s.Channel[:1] == q.channel(rule) }

// Constants tells ids apart that rules name.
func (q quiz) Constants(s event.Source) string {
	if int(s.ID) < q.rules {
		return fmt.Sprint(s.ID)
	}
	return ""
}

func (q quiz) Answers(rule int, s event.Source, filled func(string) bool) (a Answer) {
	*q.asked++
	switch {
	case rule%5 > 0 && int(s.ID) != rule:
	case filled(fmt.Sprint("f", rule%4)):
		a.Can = true
	default:
		a.Lacks = []string{fmt.Sprint("f", rule%4), "g"}
	}
	return a
}

// askedOneByOne is profile in plain words: every rule is asked about every source, in their order.
func askedOneByOne(asked Asked, id string, sources []present) (Profile, []string) {
	n := asked.Len()
	searchable, quiet, why := make([]bool, n), make([]bool, n), make([]string, n)
	logs := make([][]string, n)
	for _, p := range sources {
		for rule := range n {
			if !asked.Searches(rule, p.source) {
				continue
			}
			if !asked.Within(p.First, p.Last) {
				why[rule] = cmp.Or(why[rule], "its source "+p.source.String()+" is there, but not in the span that was asked about")
				continue
			}
			a := asked.Answers(rule, p.source, p.has)
			switch {
			case a.Can:
				searchable[rule] = true
			case len(a.Lacks) > 0:
				why[rule] = strings.Join(a.Lacks, " and ") + " never has a value in " + p.source.String()
				continue
			default:
				quiet[rule] = true
			}
			if name := streamOf("", p.source).source; !slices.Contains(logs[rule], name) {
				logs[rule] = append(logs[rule], name)
			}
		}
	}
	p := Profile{ID: id, NotSearchable: []Unanswered{}}
	for rule := range n {
		if searchable[rule] || quiet[rule] && why[rule] == "" {
			p.Searchable++
			why[rule] = ""
			if !asked.Relied(rule) {
				continue
			}
			slices.Sort(logs[rule])
			at := slices.IndexFunc(p.AnsweredBy, func(a Answered) bool { return slices.Equal(a.Sources, logs[rule]) })
			if at < 0 {
				at = len(p.AnsweredBy)
				p.AnsweredBy = append(p.AnsweredBy, Answered{Sources: logs[rule]})
			}
			p.AnsweredBy[at].Rules = append(p.AnsweredBy[at].Rules, asked.ID(rule))
			continue
		}
		why[rule] = cmp.Or(why[rule], "no source of its kind ("+asked.Source(rule)+")")
		at := slices.IndexFunc(p.NotSearchable, func(u Unanswered) bool { return u.Reason == why[rule] })
		if at < 0 {
			at = len(p.NotSearchable)
			p.NotSearchable = append(p.NotSearchable, Unanswered{Reason: why[rule]})
		}
		p.NotSearchable[at].Rules = append(p.NotSearchable[at].Rules, asked.ID(rule))
	}
	slices.SortFunc(p.NotSearchable, func(a, b Unanswered) int { return strings.Compare(a.Reason, b.Reason) })
	return p, why
}

// TestProfilesAreAsWhenEveryRuleIsAskedAboutEverySource holds the profiles of random hosts against the slow way.
func TestProfilesAreAsWhenEveryRuleIsAskedAboutEverySource(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		q := quiz{rules: 1 + r.IntN(40), asked: new(int)}
		j := newJudge(q)
		for host := range 4 {
			var sources []present
			for range r.IntN(30) {
				x := &seen{Span: Span{Records: 1, First: r.Int64N(1100), Last: 2000}}
				for f := range 4 {
					if r.IntN(3) == 0 {
						x.fill(fmt.Sprint("f", f))
					}
				}
				s := event.Source{Product: "windows", Channel: fmt.Sprintf("%c%d", 'a'+r.IntN(3), r.IntN(2)), Provider: fmt.Sprint(r.IntN(2)), ID: uint32(r.IntN(60))}
				if !slices.ContainsFunc(sources, func(p present) bool { return p.source == s }) {
					sources = append(sources, present{s, x})
				}
			}
			slices.SortFunc(sources, func(a, b present) int { return compareSource(a.source, b.source) })
			got, why := j.profile("p", sources)
			want, wantWhy := askedOneByOne(q, "p", sources)
			if !reflect.DeepEqual(got, want) || !slices.Equal(why, wantWhy) {
				t.Fatalf("round %d, host %d:\n%+v\n%q\nwant\n%+v\n%q", round, host, got, why, want, wantWhy)
			}
		}
	}
}

// TestRulesAreAskedOnceAboutSourcesThatTheyCannotTellApart: evidence can have a source of its own for every record.
func TestRulesAreAskedOnceAboutSourcesThatTheyCannotTellApart(t *testing.T) {
	q := quiz{rules: 30, asked: new(int)}
	var tally Tally
	for i := range uint32(3000) {
		tally.Batch(batchOf(event.Source{Product: "windows", Channel: fmt.Sprint("a", i), ID: 100 + i}, []string{"h"}, []int64{1}))
	}
	b := NewBuilder([]string{"o"})
	b.File(File{Org: "o"}, &tally)
	b.Certificate(Rules{}, q)
	if *q.asked != 10 {
		t.Errorf("10 rules that search 3000 sources are asked %d times", *q.asked)
	}
}

// TestCertificatesAreWrittenAsIndentedJSON holds what is written against the library's.
func TestCertificatesAreWrittenAsIndentedJSON(t *testing.T) {
	q := quiz{rules: 30, asked: new(int)}
	var tally Tally
	for i := range uint32(200) {
		tally.Batch(batchOf(event.Source{Product: "windows", Channel: fmt.Sprintf("a\"\\<{[,:]}>é\n%d", i), ID: i}, []string{"", "h"}, []int64{1, event.NoTime}))
	}
	b := NewBuilder([]string{"o", "empty"})
	b.File(File{Org: "o", Path: "x\\"}, &tally)
	c := b.Certificate(Rules{}, q)
	for _, c := range []*Certificate{c, {}} {
		want, err := json.MarshalIndent(c, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := c.Write(&got); err != nil || got.String() != string(want)+"\n" {
			t.Fatalf("written\n%s\nwant\n%s", got.String(), want)
		}
	}
}

// TestManyDifferentHostsTakeFewProfiles: hosts whose evidence answers the same share a profile, where there are many.
func TestManyDifferentHostsTakeFewProfiles(t *testing.T) {
	q := quiz{rules: 30, asked: new(int)}
	var tally Tally
	for i := range uint32(maxProfiles + 500) {
		tally.Batch(batchOf(event.Source{Product: "windows", Channel: fmt.Sprint("d", i), ID: 100 + i}, []string{fmt.Sprintf("h%04d", i)}, []int64{1}))
	}
	b := NewBuilder([]string{"o"})
	b.File(File{Org: "o"}, &tally)
	org := b.Certificate(Rules{}, q).Orgs[0]
	if len(org.Profiles) != fewProfiles {
		t.Errorf("%d profiles, want %d", len(org.Profiles), fewProfiles)
	}
	for i, h := range org.Hosts {
		if (h.Profile == "") != (i >= maxProfiles) {
			t.Fatalf("host %d has the profile %q", i, h.Profile)
		}
	}
}

func TestMinutes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var all minutes
		want := map[uint32]bool{}
		for range r.IntN(4) {
			var some minutes
			for range r.IntN(4) {
				m := uint32(r.IntN(3)) * (1<<32 - 1) / 2
				some.add(m)
				want[m] = true
			}
			all.or(&some)
		}
		for m := range want {
			if !all.bitmap().Contains(m) {
				t.Fatalf("minute %d is not there", m)
			}
		}
		if n := all.bitmap().GetCardinality(); n != uint64(len(want)) {
			t.Fatalf("%d minutes, want %d", n, len(want))
		}
	}
}
