package docket

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/attribution"
	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/disclosure"
	"github.com/contrail-ir/contrail/keys"
)

const example = "../examples/airlines-2021"

func fresh(t *testing.T) (*casefile.Case, *keys.Private) {
	t.Helper()
	lead, err := keys.Generate("anna")
	if err != nil {
		t.Fatal(err)
	}
	c, err := casefile.New(t.Context(), filepath.Join(t.TempDir(), "case"), casefile.NewOptions{Organisation: "CERT", Lead: lead, Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, lead
}

func record(t *testing.T, c *casefile.Case, by *keys.Private, dir string) []casefile.Entry {
	t.Helper()
	a, err := attribution.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	es, err := Record(t.Context(), c, by, a, Options{Why: "published"})
	if err != nil {
		t.Fatal(err)
	}
	return es
}

func weigh(t *testing.T, c *casefile.Case) *attribution.Result {
	t.Helper()
	a, err := Read(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := attribution.Analyse(a)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A case weighs what its entries say exactly as the folder that they were made from.
func TestACaseIsWeighedLikeItsDescription(t *testing.T) {
	c, lead := fresh(t)
	if _, err := Read(t.Context(), c); !errors.Is(err, ErrNothing) {
		t.Errorf("an empty case: %v", err)
	}
	if es := record(t, c, lead, example); len(es) < 15 {
		t.Errorf("%d entries", len(es))
	}
	a, err := attribution.Load(example)
	if err != nil {
		t.Fatal(err)
	}
	want, err := attribution.Analyse(a)
	if err != nil {
		t.Fatal(err)
	}
	var x, y bytes.Buffer
	if err := errors.Join(want.WriteJSON(&x), weigh(t, c).WriteJSON(&y)); err != nil {
		t.Fatal(err)
	}
	if x.String() != y.String() {
		t.Errorf("the case is weighed differently:\n%s\n%s", x.String(), y.String())
	}
	if es := record(t, c, lead, example); len(es) != 0 {
		t.Errorf("the same description was entered again: %d entries", len(es))
	}
}

// In a copy the month of the report and the window of a claim are changed: the entries supersede, and all days follow.
func TestDaysOfACaseFollowItsDates(t *testing.T) {
	c, lead := fresh(t)
	record(t, c, lead, example)
	days := func() (gap [2]int, lags [][2]int) {
		for _, cl := range weigh(t, c).Claims {
			if cl.ID == "qihoo-360" {
				gap = *cl.GapDays
			}
		}
		clock, err := disclosure.ReadClock(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range clock.Edges {
			if e.From == "report" && e.To == "public" {
				lags = append(lags, e.Days)
			}
		}
		return gap, lags
	}
	gap, lags := days()
	if gap != [2]int{185, 244} || len(lags) < 2 || lags[0] != [2]int{639, 669} || lags[1] != [2]int{640, 670} {
		t.Errorf("as published: %v %v", gap, lags)
	}
	changed := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(changed, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	edit := func(file, old, new string) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(changed, file))
		if err != nil || !strings.Contains(string(b), old) {
			t.Fatalf("%s holds no %q: %v", file, old, err)
		}
		if err := os.WriteFile(filepath.Join(changed, file), []byte(strings.Replace(string(b), old, new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("case.yaml", "reported: 2020-01 ", "reported: 2020-02 ")
	if es := record(t, c, lead, changed); len(es) != 2 || len(es[0].Supersedes) != 1 || len(es[1].Supersedes) != 1 {
		t.Errorf("a changed month gives %d entries", len(es))
	}
	gap, lags = days()
	if gap != [2]int{216, 273} || len(lags) < 2 || lags[0] != [2]int{610, 638} {
		t.Errorf("reported in February: %v %v", gap, lags)
	}
	edit("claims/qihoo-360.yaml", "to: 2019-06}", "to: 2019-12-15}")
	record(t, c, lead, changed)
	if gap, _ = days(); gap != [2]int{48, 76} {
		t.Errorf("window until 15 December, reported in February: %v", gap)
	}
}

// What cannot be weighed is refused before anything is entered.
func TestImpossibleWindowsAreNotRecorded(t *testing.T) {
	c, lead := fresh(t)
	a, err := attribution.Load(example)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Claims {
		if a.Claims[i].ID == "qihoo-360" {
			a.Claims[i].Window.From, a.Claims[i].Window.To = a.Claims[i].Window.To, a.Claims[i].Window.From
		}
	}
	if _, err := Record(t.Context(), c, lead, a, Options{Why: "x"}); err == nil || !strings.Contains(err.Error(), "inverted") {
		t.Errorf("an inverted window: %v", err)
	}
	if h, err := c.Head(); err != nil || h.Size != 1 {
		t.Errorf("%d entries, %v", h.Size, err)
	}
}
