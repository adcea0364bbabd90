package attribution

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const example = "../examples/airlines-2021"

func analyse(t *testing.T, dir string) *Result {
	t.Helper()
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Analyse(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func claim(t *testing.T, r *Result, id string) ClaimResult {
	t.Helper()
	for _, c := range r.Claims {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no claim %s", id)
	return ClaimResult{}
}

// copyCase copies the example and replaces old by new in one file.
func copyCase(t *testing.T, file, old, new string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, file)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(raw), old, new, 1)
	if changed == string(raw) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAirlines2021(t *testing.T) {
	r := analyse(t, example)
	c := claim(t, r, "qihoo-360")
	if c.Verdict != ContextOnly || !c.StartUnknown || *c.GapDays != [2]int{185, 244} || *c.DwellDays != [2]int{185, 244} {
		t.Errorf("360: %s %v %v %v", c.Verdict, c.StartUnknown, *c.GapDays, *c.DwellDays)
	}
	if c.Fraction[0] != 0 || c.Fraction[1] >= 1 || c.Fraction[1] < 0.9 {
		t.Errorf("360: fraction %v, want [0, <1]", *c.Fraction)
	}
	if !slices.ContainsFunc(c.Why, func(s string) bool { return strings.Contains(s, "dwell unknown") }) {
		t.Error("it does not say that the dwell is unknown:", c.Why)
	}
	want := map[string][2]int{"2021-10-31": {639, 669}, "2021-11-01": {640, 670}}
	for _, l := range r.Incident.ReportToPublic {
		if w, ok := want[l.To.Text]; ok && l.Days != w {
			t.Errorf("report to %s: %v, want %v", l.To, l.Days, w)
		}
		delete(want, l.To.Text)
	}
	if len(want) > 0 {
		t.Error("missing", want)
	}
	if len(r.SharedRoots) != 1 || r.SharedRoots[0].Root != "vault-7" || !reflect.DeepEqual(r.SharedRoots[0].Claims, []string{"qianxin", "qihoo-360"}) {
		t.Errorf("shared roots: %+v", r.SharedRoots)
	}
	if q := claim(t, r, "qianxin"); !q.Conflict || len(q.Published) != 2 || q.Verdict != Unknown || c.Conflict {
		t.Errorf("QiAnXin's two dates are not held: %+v", q)
	}
	if r.Assessment.Level != "category" || r.Naming[0].Decision != "withheld" || r.Assessment.Percent != [2]int{55, 80} {
		t.Error("assessment and naming decision")
	}
	for _, f := range r.Incident.Facts {
		if f.Quote != nil && (f.Quote.Original != "同一类型的网络攻击" || len(f.Quote.Digest) != 64) {
			t.Errorf("%+v", f.Quote)
		}
	}
}

func TestDaysFollowTheDates(t *testing.T) {
	r := analyse(t, copyCase(t, "case.yaml", "reported: 2020-01 ", "reported: 2020-02 "))
	if c := claim(t, r, "qihoo-360"); *c.GapDays != [2]int{216, 273} { // 29 days in February 2020, 30 in June 2019
		t.Error("report in February:", *c.GapDays)
	}
	if d := r.Incident.ReportToPublic[0].Days; d != [2]int{610, 638} {
		t.Error("report in February to public:", d)
	}
	r = analyse(t, copyCase(t, "claims/qihoo-360.yaml", "to: 2019-06}", "to: 2019-12-15}"))
	if c := claim(t, r, "qihoo-360"); *c.GapDays != [2]int{17, 47} {
		t.Error("window to 15 December:", *c.GapDays)
	}
	r = analyse(t, copyCase(t, "claims/qihoo-360.yaml", "to: 2019-06}", "to: 2020-01}"))
	if c := claim(t, r, "qihoo-360"); *c.GapDays != [2]int{0, 30} {
		t.Error("window to the month of the report:", *c.GapDays)
	}
	r = analyse(t, copyCase(t, "claims/qihoo-360.yaml", "to: 2019-06}", "to: 2020-02-10}"))
	if c := claim(t, r, "qihoo-360"); c.GapDays != nil || c.Verdict != Partial || !c.FractionOpen || !c.StartUnknown || c.Fraction[1] != 1 {
		t.Errorf("window beyond the report: %+v", c)
	}
	r = analyse(t, copyCase(t, "case.yaml", "start: unknown ", "start: 2019-05 "))
	c := claim(t, r, "qihoo-360")
	// Least: 31 May to 31 January is 246 days, of which 2 until 1 June. Most: 1 May to 1 January, of which 61 until 30 June.
	low, high := 2.0/246, 61.0/246
	if c.Verdict != Partial || c.GapDays != nil || c.StartUnknown || math.Abs(c.Fraction[0]-low) > 1e-6 || math.Abs(c.Fraction[1]-high) > 1e-6 {
		t.Errorf("start in May 2019: %s %v", c.Verdict, *c.Fraction)
	}
	r = analyse(t, copyCase(t, "claims/qihoo-360.yaml", "evidence:", "excludes: [records]\nevidence:"))
	if c := claim(t, r, "qihoo-360"); c.Verdict != Contradicts || !strings.Contains(strings.Join(c.Why, " "), "Passenger travel records") {
		t.Error(c.Verdict, c.Why)
	}
	r = analyse(t, copyCase(t, "claims/qihoo-360.yaml", "sectors: [aviation]", "sectors: [energy]"))
	if c := claim(t, r, "qihoo-360"); c.Verdict != Unknown {
		t.Error(c.Verdict, c.Why)
	}
}

// The reference tries every day that every end may fall on.
func TestFractionBoundsAgainstEveryDay(t *testing.T) {
	reference := func(c, i box) [2]float64 {
		low, high, any := 1.0, 0.0, false
		for a := c.from1; a <= c.from2; a++ {
			for b := max(a, c.to1); b <= c.to2; b++ {
				for s := i.from1; s <= i.from2; s++ {
					for e := max(s, i.to1); e <= i.to2; e++ {
						n := 0
						for d := s; d <= e; d++ {
							if d >= a && d <= b {
								n++
							}
						}
						f := float64(n) / float64(e-s+1)
						low, high, any = min(low, f), max(high, f), true
					}
				}
			}
		}
		if !any {
			return [2]float64{}
		}
		return [2]float64{low, high}
	}
	seed := uint32(1)
	next := func(n int) Day { seed = seed*1664525 + 1013904223; return Day(seed>>16) % Day(n) }
	compared := 0
	for n := 0; n < 4000; n++ {
		make := func() box {
			b := box{from1: next(12), to1: next(12)}
			b.from2, b.to2 = b.from1+next(5), b.to1+next(5)
			return b
		}
		c, i := make(), make()
		if c.from1 > c.to2 || i.from1 > i.to2 {
			continue
		}
		compared++
		got, want := fractionBounds(c, i), reference(c, i)
		if math.Abs(got[0]-want[0]) > 1e-12 || math.Abs(got[1]-want[1]) > 1e-12 {
			t.Fatalf("C %v I %v: %v, every day gives %v", c, i, got, want)
		}
	}
	if compared < 1000 {
		t.Error("only", compared, "compared")
	}
}

// heuer is the matrix of Richards J. Heuer, Psychology of Intelligence Analysis (CIA, 1999), chapter 8, figure 15: will Iraq
// retaliate for the US bombing of its intelligence headquarters? + is C, − is I; the wording of the items is shortened.
func heuer() *Case {
	c := &Case{Name: "heuer", Incident: Incident{Reported: must(ParseDate("1993-06"))},
		Hypotheses: []Hypothesis{{ID: "H1", Name: "no retaliation"}, {ID: "H2", Name: "minor terrorist actions"}, {ID: "H3", Name: "a major terrorist attack"}}}
	ratings := map[string]map[string]Rating{}
	for i, row := range []struct{ text, marks string }{
		{"Saddam's public statement of intent not to retaliate", "+++"},
		{"no terrorist offensive during the 1991 Gulf War", "++-"},
		{"assumption: Iraq would not want to provoke another war", "++-"},
		{"more, longer broadcasts to agents", "-++"},
		{"embassies told to take more security precautions", "-++"},
		{"assumption: not to retaliate would be a loss of face", "-++"},
	} {
		id := fmt.Sprint("E", i+1)
		c.Evidence = append(c.Evidence, Evidence{ID: id, Text: row.text, Grade: "B2", Credibility: "M", Relevance: "M"})
		ratings[id] = map[string]Rating{}
		for j, m := range row.marks {
			ratings[id][fmt.Sprint("H", j+1)] = map[rune]Rating{'+': 1, '-': -1}[m]
		}
	}
	c.Analysts = []Analyst{{Name: "Heuer", Ratings: ratings}}
	return c
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Heuer's own reading: E1 has no diagnostic value and could be dropped; the hypothesis with the fewest minuses is the most
// likely: H2 with none, then H3 with two, then H1 with three.
func TestACHGivesHeuersRanking(t *testing.T) {
	r := must(Analyse(heuer()))
	got := map[string]string{}
	for _, h := range r.Hypotheses {
		got[h.ID] = fmt.Sprint(h.Inconsistency, " ", *h.Rank)
	}
	if want := map[string]string{"H1": "3 3", "H2": "0 1", "H3": "2 2"}; !reflect.DeepEqual(got, want) {
		t.Error(got)
	}
	for _, e := range r.Evidence {
		if (e.Diagnosticity == 0) != (e.ID == "E1") {
			t.Errorf("%s: diagnosticity %v", e.ID, e.Diagnosticity)
		}
	}
	if d := r.Evidence[1].Diagnosticity; math.Abs(d-8.0/9) > 1e-6 {
		t.Error("population variance of 1, 1, −1 is 8/9, not", d)
	}
}

func TestEvidenceAgainstAllTellsNothing(t *testing.T) {
	c := heuer()
	c.Hypotheses = append(c.Hypotheses, Hypothesis{ID: "H4", Name: "unknown", Residual: true})
	before := must(Analyse(c))
	c.Evidence = append(c.Evidence, Evidence{ID: "E7", Grade: "A1", Credibility: "H", Relevance: "H"})
	c.Analysts[0].Ratings["E7"] = map[string]Rating{"H1": -2, "H2": -2, "H3": -2, "H4": 0}
	after := must(Analyse(c))
	if d := after.Evidence[6].Diagnosticity; d != 0 {
		t.Error("diagnosticity", d)
	}
	for i := range before.Hypotheses {
		if !reflect.DeepEqual(before.Hypotheses[i].Rank, after.Hypotheses[i].Rank) {
			t.Error("the ranking moved")
		}
	}
	if h := after.Hypotheses[3]; h.Rank != nil || !h.Residual {
		t.Error("a residual hypothesis is ranked")
	}
}

func TestRootsCountOnce(t *testing.T) {
	c := heuer()
	c.Roots = []Root{{ID: "leak", Kind: "leak", What: "x"}, {ID: "report", Kind: "report", What: "y", RestsOn: []string{"leak"}}}
	for i, root := range map[int]string{3: "leak", 4: "report", 5: "leak"} { // the three items against H1
		c.Evidence[i].Roots = []string{root}
	}
	r := must(Analyse(c))
	if r.Hypotheses[0].Inconsistency != 1 || *r.Hypotheses[0].Rank != 2 {
		t.Errorf("three items of one root weigh %v", r.Hypotheses[0].Inconsistency)
	}
	c.Evidence[3].Grade = "F2"
	c.Evidence[4].Grade = "B6"
	c.Evidence[5].Credibility, c.Evidence[5].Relevance = "L", "L"
	if got := must(Analyse(c)).Hypotheses[0].Inconsistency; math.Abs(got-0.5) > 1e-6 {
		t.Error("reliability F and credibility 6 are not left out:", got)
	}
	c.Roots[0].RestsOn = []string{"report"}
	if _, err := Analyse(c); err == nil || !strings.Contains(err.Error(), "rests on itself") {
		t.Error(err)
	}
}

func TestSensitivityFindsTheSmallestChange(t *testing.T) {
	c := heuer()
	r := must(Analyse(c))
	if r.Analysts[0].Smallest == nil || r.Analysts[0].Smallest.Kind != "shift" {
		t.Fatalf("%+v", r.Analysts[0].Smallest)
	}
	// H2 leads H3 by 2, so one rating of H2 has to fall from C to II for a tie: three steps.
	if s := r.Analysts[0].Smallest; s.Steps != 3 || s.Effect != "joined" {
		t.Errorf("%+v", s)
	}
	// Only one item speaks against the second: dropping it, or its root, joins the leaders.
	c = &Case{Name: "x", Incident: Incident{Reported: must(ParseDate("2020"))}, Hypotheses: []Hypothesis{{ID: "a", Name: "a"}, {ID: "b", Name: "b"}},
		Roots: []Root{{ID: "r", Kind: "leak"}}, Evidence: []Evidence{{ID: "e", Grade: "B2", Credibility: "H", Relevance: "H", Roots: []string{"r"}}},
		Analysts: []Analyst{{Name: "n", Ratings: map[string]map[string]Rating{"e": {"a": 0, "b": -2}}}}}
	kinds := map[string]bool{}
	for _, ch := range must(Analyse(c)).Sensitivity {
		kinds[ch.Kind] = true
	}
	if !kinds["shift"] || !kinds["drop-item"] || !kinds["drop-root"] {
		t.Error(kinds)
	}
}

// The reference changes a copy of the case and analyses it anew.
func TestSensitivityAgainstAnalysingAnew(t *testing.T) {
	seed := uint32(7)
	next := func(n int) int { seed = seed*1664525 + 1013904223; return int(seed>>16) % n }
	grades := []string{"A1", "B2", "F3", "C6"}
	for n := 0; n < 60; n++ {
		c := &Case{Name: "x", Incident: Incident{Reported: must(ParseDate("2020"))}, Roots: []Root{{ID: "r0", Kind: "leak"}, {ID: "r1", Kind: "leak"}},
			Hypotheses: []Hypothesis{{ID: "a", Name: "a"}, {ID: "b", Name: "b"}, {ID: "c", Name: "c"}, {ID: "d", Name: "d", Residual: true}}}
		ratings := map[string]map[string]Rating{}
		for e := 0; e < 4; e++ {
			item := Evidence{ID: fmt.Sprint("e", e), Grade: grades[next(4)], Credibility: "HML"[next(3):][:1], Relevance: "HML"[next(3):][:1]}
			for r := 0; r < next(3); r++ {
				item.Roots = append(item.Roots, fmt.Sprint("r", r))
			}
			c.Evidence = append(c.Evidence, item)
			ratings[item.ID] = map[string]Rating{}
			for _, h := range c.Hypotheses {
				ratings[item.ID][h.ID] = Rating(next(5) - 2)
			}
		}
		c.Analysts = []Analyst{{Name: "n", Ratings: ratings}}
		leaders := func() string { return strings.Join(must(Analyse(c)).Analysts[0].Leaders, ",") }
		r := must(Analyse(c))
		before := strings.Join(r.Analysts[0].Leaders, ",")
		moves := map[string]int{} // fewest steps by cell, or 0 for an item
		for _, ch := range r.Sensitivity {
			switch ch.Kind {
			case "shift":
				moves[strings.Join(strings.Fields(ch.What)[:3], " ")] = ch.Steps
			case "drop-item":
				moves[ch.What] = 0
			}
		}
		for e := range c.Evidence {
			id := c.Evidence[e].ID
			for _, h := range c.Hypotheses[:3] {
				was, fewest := ratings[id][h.ID], 0
				for to := Rating(-2); to <= 2; to++ {
					ratings[id][h.ID] = to
					if steps := max(int(to-was), int(was-to)); leaders() != before && (fewest == 0 || steps < fewest) {
						fewest = steps
					}
				}
				ratings[id][h.ID] = was
				if got := moves[fmt.Sprintf("%s under %q", id, h.Name)]; got != fewest {
					t.Fatalf("case %d, %s under %s: %d steps, analysing anew gives %d", n, id, h.Name, got, fewest)
				}
			}
			kept := c.Evidence[e].Grade
			c.Evidence[e].Grade = "F6" // leaves it out
			_, listed := moves[id]
			if moved := leaders() != before; moved != listed {
				t.Fatalf("case %d: dropping %s: listed %v, analysing anew %v", n, id, listed, moved)
			}
			c.Evidence[e].Grade = kept
		}
	}
}

func TestAnalystsKeepTheirMatrices(t *testing.T) {
	r := analyse(t, example)
	if len(r.Analysts) != 2 || len(r.Disagree) != 4 || r.Analysts[0].Inconsistency["H3"] <= r.Analysts[1].Inconsistency["H3"] {
		t.Errorf("%d analysts, disagreement %+v", len(r.Analysts), r.Disagree)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{"claims/qihoo-360.yaml", "venue:", "venu:", `claims/qihoo-360.yaml:6: unknown key "venu"`},
		{"case.yaml", "  sectors:", "  sektors:", `case.yaml:14: unknown key "sektors"`},
		{"evidence.yaml", "relevance: H", "relevanz: H", `evidence.yaml:6: unknown key "relevanz"`},
		{"claims/qihoo-360.yaml", "from: 2008-09, to: 2019-06", "from: 2019-07, to: 2019-06", "claims/qihoo-360.yaml:9: the window is inverted"},
		{"claims/qihoo-360.yaml", "to: 2019-06", "to: 2020-06", "claims/qihoo-360.yaml:9: the window reaches 2020-06, after the claim was published"},
		{"claims/qihoo-360.yaml", "from: 2008-09", "from: 2008-13", `"2008-13" is not a date`},
		{"claims/qihoo-360.yaml", "kind: vendor", "kind: friend", `"friend"`},
		{"claims/qihoo-360.yaml", "roots: [vault-7]", "roots: [vault-8]", `the root "vault-8" is not listed`},
		{"claims/qihoo-360.yaml", "grade: C3", "grade: G3", "not an Admiralty grade"},
		{"claims/qihoo-360.yaml", "id: qihoo-360", "id: authority", `"authority" is missing or used twice`},
		{"claims/qianxin.yaml", "notes:", "disputes: [nobody]\nnotes:", `"nobody"`},
		{"claims/authority.yaml", "category: an overseas intelligence agency", "name: x", "name or category"},
		{"case.yaml", "reported: 2020-01 ", "reported: unknown ", "neither a date of report nor an end"},
		{"case.yaml", "start: unknown ", "start: 2020-03 ", "before its start"},
		{"case.yaml", "date: 2021-10-31, what", "date: 2019-10-31, what", "before it was reported"},
		{"case.yaml", "likelihood: likely", "likelihood: withheld", "withheld is a naming decision"},
		{"case.yaml", "likelihood: likely", "likelihood: quite", "ICD 203"},
		{"case.yaml", "decision: withheld", "decision: named", "decision"},
		{"case.yaml", "original: 同一类型的网络攻击", "original: 同一类型的网络攻击\n        digest: 00", "digest"},
		{"analysts/a.yaml", "H1: C,", "H1: X,", `analysts/a.yaml:3: "X" is not a rating`},
		{"analysts/a.yaml", "E1:", "E9:", `"E9"`},
		{"hypotheses.yaml", "id: H2", "id: H1", `"H1" is missing or used twice`},
		{"case.yaml", "name: airlines-2021", "name: airlines-2021\nname: x", "already defined"},
		{"hypotheses.yaml", "hypotheses:", "---\n---\nhypotheses:", "hypotheses.yaml"},
		{"hypotheses.yaml", "hypotheses:", "a: &a [x]\nb: *c\nhypotheses:", "hypotheses.yaml"},
	} {
		_, err := Load(copyCase(t, c.file, c.old, c.new))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %q: %v; want %q", c.file, c.new, err, c.want)
		}
	}
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "case.yaml") {
		t.Error(err)
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]string{"2020": "2020-01-01 2020-12-31", "2020-02": "2020-02-01 2020-02-29", "2021-02-28": "2021-02-28 2021-02-28", "2020-01-01T23:30:00-02:00": "2020-01-02 2020-01-02", "1969-12-31": "1969-12-31 1969-12-31"} {
		d, err := ParseDate(text)
		if got := fmt.Sprint(d.First, " ", d.Last); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "20", "2020-1", "2020-02-30", "31.12.2020", "1066", "9999", "2020-01-01 10:00"} {
		if d, err := ParseDate(text); err == nil {
			t.Errorf("%q is read as %s to %s", text, d.First, d.Last)
		}
	}
}

func TestLikelihoods(t *testing.T) {
	end := 1
	for _, l := range likelihoods {
		for _, w := range l.words {
			if got := must(LikelihoodOf(w)); got.Percent != l.percent {
				t.Error(w, got)
			}
		}
		if l.percent[0] != end {
			t.Errorf("%v does not begin where the band before ends", l)
		}
		end = l.percent[1]
	}
}

func TestLikelihoodsAsAdverbs(t *testing.T) {
	for said, low := range map[string]int{"Almost  certainly": 95, "probably": 55, "improbably": 20, "VERY LIKELY": 80} {
		if got := must(LikelihoodOf(said)); got.Percent[0] != low {
			t.Error(said, got)
		}
	}
	if _, err := LikelihoodOf("likelyly"); err == nil {
		t.Error("likelyly is an expression")
	}
}

// A claim that another supersedes is shown, and shown as that; it does not share a root with the one that took its place.
func TestSupersededClaimsDoNotCountAndCirclesAreRefused(t *testing.T) {
	dir := copyCase(t, "claims/qianxin.yaml", "venue: vendor report", "supersedes: [qihoo-360]\nvenue: vendor report")
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := must(Analyse(c))
	if old := claim(t, r, "qihoo-360"); !slices.Equal(old.SupersededBy, []string{"qianxin"}) || len(r.SharedRoots) > 0 {
		t.Errorf("%v, roots shared %v", old.SupersededBy, r.SharedRoots)
	}
	var page strings.Builder
	if err := r.WritePage(&page); err != nil || !strings.Contains(page.String(), "superseded by qianxin") {
		t.Error("the page does not say so", err)
	}
	for i := range c.Claims {
		if c.Claims[i].ID == "qihoo-360" {
			c.Claims[i].Supersedes = []string{"qianxin"}
		}
	}
	if _, err := Analyse(c); err == nil || !strings.Contains(err.Error(), "in turn") {
		t.Error(err)
	}
}

// A name beyond what is believed is a decision of people, and is shown to be that.
func TestANameBeyondTheAssessmentIsToldApart(t *testing.T) {
	c, err := Load(copyCase(t, "case.yaml", "decision: withheld, by: the authority", "decision: named, name: AgencyX, by: the authority"))
	if err != nil {
		t.Fatal(err)
	}
	r := must(Analyse(c))
	var page strings.Builder
	if err := r.WritePage(&page); err != nil || !r.Naming[0].Beyond || !strings.Contains(page.String(), "beyond the assessment") {
		t.Errorf("%+v %v", r.Naming, err)
	}
	c.Assessment.Level = "named-actor"
	if r = must(Analyse(c)); r.Naming[0].Beyond {
		t.Errorf("%+v", r.Naming)
	}
}

func TestOutputsAreStableAndEscaped(t *testing.T) {
	evil := `<script>alert(1)</script><img src=x onerror=alert(2)>"'`
	dir := copyCase(t, "claims/qihoo-360.yaml", "name: Qihoo 360", "name: '"+strings.ReplaceAll(evil, "'", "''")+"'")
	for _, f := range []struct{ file, old string }{{"hypotheses.yaml", "another overseas intelligence agency"}, {"evidence.yaml", "Other airlines were entered in the same way."}} {
		path := filepath.Join(dir, f.file)
		raw, _ := os.ReadFile(path)
		raw = bytes.Replace(raw, []byte(f.old), []byte("'"+strings.ReplaceAll(evil, "'", "''")+"'"), 1)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var page [2]bytes.Buffer
	var out [2]bytes.Buffer
	for i := range page {
		r := analyse(t, dir)
		if err := r.WritePage(&page[i]); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteJSON(&out[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(page[0].Bytes(), page[1].Bytes()) || !bytes.Equal(out[0].Bytes(), out[1].Bytes()) {
		t.Error("two runs differ")
	}
	html := page[0].String()
	if strings.Contains(html, "<script") || strings.Contains(html, "<img") || !strings.Contains(html, "&lt;script&gt;") {
		t.Error("input is rendered as markup")
	}
	if strings.Contains(html, "http://") && strings.Count(html, "http://") != strings.Count(html, "http://www.w3.org") || strings.Contains(html, "https://") {
		t.Error("the page refers to something outside itself")
	}
	var picture bytes.Buffer
	if err := analyse(t, dir).WriteTimeline(&picture); err != nil {
		t.Fatal(err)
	}
	for dec := xml.NewDecoder(&picture); ; {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal("the picture is not well-formed:", err)
		}
		if e, ok := tok.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "img") {
			t.Error("input is rendered as markup in the picture")
		}
	}
	var shape struct {
		Incident map[string]any
		Claims   []struct {
			ID, Verdict string
			Claimant    any
			Fraction    *[2]float64
			Gap         *[2]int `json:"gap_days"`
			Dwell       *[2]int `json:"overlap_needs_dwell_days"`
			Roots       []string
		}
		Hypotheses []struct {
			Name          string
			Residual      bool
			Inconsistency float64
			Rank          *int
		}
		Evidence []struct {
			ID            string
			Diagnosticity float64
			Roots         []string
		}
		Sensitivity []any
		Assessment  map[string]any
		Naming      []any
	}
	if err := json.Unmarshal(out[0].Bytes(), &shape); err != nil || len(shape.Claims) != 3 || shape.Claims[2].Gap == nil || len(shape.Hypotheses) != 5 || len(shape.Evidence) != 5 {
		t.Error(err, len(shape.Claims))
	}
}

func FuzzLoad(f *testing.F) {
	_ = filepath.WalkDir(example, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			raw, _ := os.ReadFile(path)
			f.Add(raw)
		}
		return err
	})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var head caseFile
		c := &Case{}
		if decodeYAML("case.yaml", raw, &head) == nil {
			c = &Case{Name: head.Name, Incident: head.Incident, Sources: head.Sources, Roots: head.Roots, Assessment: head.Assessment, Naming: head.Naming}
		}
		var cl Claim
		if decodeYAML("claim.yaml", raw, &cl) == nil {
			c.Claims = append(c.Claims, cl)
		}
		var a Analyst
		if decodeYAML("analyst.yaml", raw, &a) == nil {
			c.Analysts = append(c.Analysts, a)
		}
		if r, err := Analyse(c); err == nil {
			if err := r.WritePage(new(bytes.Buffer)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
