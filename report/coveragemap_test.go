package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/coverage"
)

func TestCoverageMapTellsSearchedFromNotSearched(t *testing.T) {
	source := func(first, last string, gaps ...coverage.Gap) coverage.Source {
		return coverage.Source{Source: "windows/<b>Security", First: first, Last: last, Records: 10, Gaps: gaps}
	}
	orgs := []MapOrg{
		{Name: "Alpha <script>", Found: map[string]int64{"2026-01-05": 3}, Coverage: &coverage.Org{Denominator: coverage.Denominator{Declared: 4, Covered: 2, Known: true}, Hosts: []coverage.Host{
			{Host: "a", Sources: []coverage.Source{source("2026-01-01T00:00:00Z", "2026-01-11T00:00:00Z", coverage.Gap{From: "2026-01-03T00:00:00Z", To: "2026-01-04T00:00:00Z"})}},
			{Host: "c", Sources: []coverage.Source{{Source: "linux/lastlog", NoTimes: "no record has a time", Records: 3}}},
			{Host: "b", Sources: []coverage.Source{source("2026-01-06T00:00:00Z", "2026-01-11T00:00:00Z")}},
		}}},
		{Name: "Beta"},
	}
	var out strings.Builder
	if err := CoverageMap(&out, orgs); err != nil {
		t.Fatal(err)
	}
	svg := out.String()
	for _, want := range []string{"Alpha &lt;script&gt;", "windows/&lt;b&gt;Security", "2 of 4 declared hosts", "2026-01-05: 3 grave findings", "nothing was searched", "and 1 source without times",
		`opacity="0.62"`, `opacity="1.00"`} { // half of the hosts until the sixth, all of them after
		if !strings.Contains(svg, want) {
			t.Errorf("the map lacks %q", want)
		}
	}
	if n := strings.Count(svg, `opacity="0.62"`); n != 2 {
		t.Errorf("%d stretches of one host, want those before and after its gap", n)
	}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v", err)
		}
	}
	if err := CoverageMap(io.Discard, orgs[1:]); err == nil {
		t.Error("a map without any time was drawn")
	}
}

// A source whose records have no times is told as one, with the reason, wherever a certificate is shown.
func TestSourcesWithoutTimesAreTold(t *testing.T) {
	timeless := coverage.Source{Source: "linux/lastlog", NoTimes: "no record has a time", Records: 3}
	moment := coverage.Source{Source: "linux/utmp", First: "2026-01-01T00:00:00Z", Last: "2026-01-01T00:00:00Z", Records: 1}
	for _, c := range []struct {
		sources []coverage.Source
		want    []string
	}{
		{[]coverage.Source{timeless}, []string{"linux/lastlog        3 without times: no record has a time"}},
		{[]coverage.Source{timeless, moment}, []string{"without times: no record has a time", "1 2026-01-01 00:00"}},
		{[]coverage.Source{{Source: "x", Records: 1}}, []string{"without times: no reason is given"}},
	} {
		var out strings.Builder
		if err := Coverage(&out, &coverage.Certificate{Orgs: []coverage.Org{{Name: "alpha", Hosts: []coverage.Host{{Host: "h", Sources: c.sources}}}}}, 100); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is not in\n%s", want, out.String())
			}
		}
	}
}
