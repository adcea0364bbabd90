package dossier

import (
	"bytes"
	"html"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/keys"
	"github.com/contrail-ir/contrail/marking"
)

func TestPageHoldsTheWholeCaseAndNothingFromElsewhere(t *testing.T) {
	lead, err := keys.Generate("anna")
	if err != nil {
		t.Fatal(err)
	}
	c, err := casefile.New(t.Context(), filepath.Join(t.TempDir(), "c"), casefile.NewOptions{Name: "a <script>alert(1)</script>", Organisation: "CERT", Lead: lead, Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n := int64(7)
	first, err := c.StateNumber(t.Context(), lead, casefile.Number{What: "bookings", Unit: "bookings", Exact: &n, Basis: "<b>counted</b>"}, nil, marking.Of(marking.Green, "CERT"), "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Record(t.Context(), lead, casefile.Draft{Kind: casefile.NumberStated, Why: "miscounted", Summary: "bookings: 8", Supersedes: []uint64{first.Seq}, Detail: casefile.Number{What: "bookings", Unit: "bookings", Basis: "again", Exact: &n}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"report", "public"} {
		when, _ := casefile.ParseMoment("2020-01")
		if _, err := c.RecordMilestone(t.Context(), lead, casefile.Milestone{Name: name, Source: "<i>"}, when, marking.Marking{}, "test"); err != nil {
			t.Fatal(err)
		}
	}
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := Write(t.Context(), w, c); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same case gives two pages")
	}
	page := a.String()
	head, err := c.Head()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TLP:RED", "7 bookings", ` old"`, "miscounted", "-30 to 30 d", "discovery", head.Root.String()[:12], `id="e1"`} {
		if !strings.Contains(html.UnescapeString(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if regexp.MustCompile(`<script|<b>|<i>|(src|href)="[^#]|url\(|@import`).MatchString(page) {
		t.Error("the page holds something foreign")
	}
}
