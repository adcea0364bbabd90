package ioc

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/event"
)

// parted says whether text[from:to] is a value that its neighbours part from what stands around it.
func parted(text string, from, to int) bool {
	colons := strings.Contains(text[from:to], ":")
	part := func(c byte) bool { return event.Parts(c) || c == ':' && !colons }
	return (from == 0 || part(text[from-1])) && (to == len(text) || part(text[to]))
}

// suspectsAll holds the sifter to its promise for every value that a record can have been cut into.
func suspectsAll(t *testing.T, s *Set, sift event.Sifter, text string, from, to int) (held bool) {
	t.Helper()
	if !parted(text, from, to) {
		return false
	}
	ids := found1(s, text[from:to])
	if len(ids) > 0 && !sift.Suspects([]byte(text)) {
		t.Fatalf("%q is not suspected, and its value %q holds %s", text, text[from:to], s.rules[ids[0]].Term)
	}
	return len(ids) > 0
}

func TestSifterSuspectsWhatTheScannerFinds(t *testing.T) {
	c := sampleTerms(t)
	s := Compile(sampleTerms(t), Options{})
	sift := newSifter(s)
	r := rand.New(rand.NewPCG(3, 8))
	joints := "\t\t \"',;=&|()[]{}<>@/?!#+*$\n\x00:"
	records := 4000
	if testing.Short() {
		records = 1000
	}
	held := 0
	for range records {
		var text strings.Builder
		var ends [][2]int
		for range 1 + r.IntN(4) {
			from := text.Len()
			text.WriteString(mutate(r, c))
			ends = append(ends, [2]int{from, text.Len()})
			text.WriteByte(joints[r.IntN(len(joints))])
		}
		for _, e := range ends {
			if suspectsAll(t, s, sift, text.String(), e[0], e[1]) {
				held++
			}
		}
		from := r.IntN(text.Len())
		suspectsAll(t, s, sift, text.String(), from, from+r.IntN(text.Len()-from))
	}
	if held < records/3 {
		t.Errorf("only %d values held something: the records test little", held)
	}
}

// TestSifterSuspectsURLsInTwoFields: host and path of a request can be fields of their own, with anything between.
func TestSifterSuspectsURLsInTwoFields(t *testing.T) {
	s := Compile(read(t, "l.txt", "http://evil.example/a/b.php\nhttp://203.0.113.7:8080/x\nhttp://198.51.100.7/y\n"), Options{})
	sift := newSifter(s)
	for _, v := range [][2]string{{"evil.example", "/a/b.php"}, {"EVIL.example:443", "/a/b.php"}, {"203.0.113.7:8080", "/x"}, {"198.51.100.7", "/y"}, {"evil.example", "/other"}} {
		b := batchOf(event.Source{}, map[string]string{"host": v[0], "uri": v[1]})
		hits := 0
		if err := s.Scanner().Scan(b, func(int, event.RuleIndex) { hits++ }); err != nil {
			t.Fatal(err)
		}
		if (hits > 0) != (v[1] != "/other") {
			t.Errorf("%q: %d hits", v, hits)
		}
		for _, between := range []string{"\t", "\t80\tGET\t", `","method":"GET","uri":"`} {
			if text := "1.0\t" + v[0] + between + v[1]; !sift.Suspects([]byte(text)) {
				t.Errorf("%q is not suspected", text)
			}
		}
	}
}

// TestSifterClearsOrdinaryText: a sifter that suspects everything keeps its promise and is good for nothing.
func TestSifterClearsOrdinaryText(t *testing.T) {
	sift := newSifter(Compile(sampleTerms(t), Options{}))
	for _, line := range bytes.Split([]byte(ordinaryText(1<<14)), []byte("\n")) {
		if sift.Suspects(line) {
			t.Errorf("%q is suspected", line)
		}
	}
}

// TestSiftedBatchIsSearchedWhereSuspected scans a batch of which some rows are suspected, as a whole and sifted.
func TestSiftedBatchIsSearchedWhereSuspected(t *testing.T) {
	s := Compile(sampleTerms(t), Options{})
	c := sampleTerms(t)
	r := rand.New(rand.NewPCG(4, 4))
	sift := newSifter(s)
	whole, sifted := s.Scanner(), s.Scanner()
	for range 50 {
		b := event.NewBuilder(event.Source{Category: "proxy"})
		host, uri, other := b.Field("host"), b.Field("uri"), b.Field("other")
		for i := range 40 {
			texts := []string{mutate(r, c), mutate(r, c), mutate(r, c)}
			b.Row(int64(i), uint64(i), uint64(i), nil)
			b.Text(host, []byte(texts[0]))
			b.Text(uri, []byte(texts[1]))
			b.Text(other, []byte(texts[2]))
			b.Text(other, []byte(texts[0])) // a list
			if sift.Suspects([]byte(strings.Join(texts, "\t"))) {
				b.Suspect()
			}
		}
		var want, got []string
		scan := func(sc event.Scanner, all *[]string) {
			batch := b.Batch()
			if err := sc.Scan(batch, func(row int, rule event.RuleIndex) {
				*all = append(*all, strings.Join([]string{string(rune(row)), s.rules[rule].RuleID()}, " "))
				for _, m := range sc.Explain(batch, row, rule) {
					*all = append(*all, m.Field+"="+m.Value)
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
		scan(whole, &want)
		b.Sift()
		scan(sifted, &got)
		if len(want) == 0 || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("sifted:\n%q\nwhole:\n%q", got, want)
		}
	}
}

func FuzzSift(f *testing.F) {
	c := sampleTerms(f)
	for _, in := range c.Indicators {
		f.Add("x\t"+in.Term.Value+"\ty", uint16(2), uint16(len(in.Term.Value)))
		f.Add("http://"+in.Term.Value+"/a?b,"+in.Term.Value, uint16(0), uint16(9))
	}
	s := Compile(sampleTerms(f), Options{})
	sift := newSifter(s)
	f.Fuzz(func(t *testing.T, text string, from, size uint16) {
		at := int(from) % (len(text) + 1)
		suspectsAll(t, s, sift, text, at, min(len(text), at+int(size)))
		suspectsAll(t, s, sift, text, 0, len(text))
	})
}

// TestSifterKnowsExpressions: one part of an expression makes no record suspect, all of them do.
func TestSifterKnowsExpressions(t *testing.T) {
	sift := newSifter(Compile(read(t, "b.json", pattern1("[url:value LIKE '%password%' AND domain-name:value = 'evil.example']")), Options{}))
	for text, want := range map[string]bool{"Failed password for root": false, "evil.example": false, "a\tevil.example\t/x?password=1": true} {
		if got := sift.Suspects([]byte(text)); got != want {
			t.Errorf("%q is suspected: %v", text, got)
		}
	}
}
