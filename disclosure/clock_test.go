package disclosure

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/casefile"
	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/marking"
)

func TestClockBoundsFollowThePrecision(t *testing.T) {
	o := open(t) // holds "report" in January, to the month
	for name, when := range map[string]string{"public": "2027-10-31", "vendor-claim": "2026-01-01", "intrusion": "2025"} {
		m, err := casefile.ParseMoment(when)
		o.ok(err)
		_, err = o.c.RecordMilestone(t.Context(), o.lead, casefile.Milestone{Name: name, Source: "test"}, m, marking.Of(marking.Clear, "CERT"), "test")
		o.ok(err)
	}
	k, err := ReadClock(t.Context(), o.c)
	o.ok(err)
	got := map[string][2]int{}
	for _, e := range k.Edges {
		got[e.From+">"+e.To+" "+e.Path[:6]] = e.Days
		if e.From == "vendor-claim" && !e.FromImputed {
			t.Error("an exact 1 January is not flagged")
		}
	}
	for edge, want := range map[string][2]int{"report>public victim": {638, 668}, "intrusion>report victim": {1, 395}, "vendor-claim>public vendor": {668, 668}} {
		if got[edge] != want {
			t.Errorf("%s: %v, want %v", edge, got[edge], want)
		}
	}
	if strings.Join(k.Missing, " ") != "discovery private-notice government-claim" {
		t.Errorf("missing: %v", k.Missing)
	}
	var svg strings.Builder
	o.ok(k.WritePicture(&svg))
	if !strings.Contains(svg.String(), "638 to 668 d") {
		t.Error("the picture does not tell the days")
	}
}

func TestBaselineFlagsImputedDates(t *testing.T) {
	b, err := ReadBaseline("t", strings.NewReader(`start_date,ID,attribution_basis,attribution_date
2019-05-01,1,IT-security community attributes attacker; Attribution by receiver government / state entity,2019-05-11; 2019-06-01 00:00:00
2019-05-01,2,IT-security community attributes attacker,2020-01-01
2019-05-01,3,IT-security community attributes attacker; Media-based attribution,2020-01-01; 2020-02-02; 2020-03-03
2019-05-01,4,IT-security community attributes attacker,soon
2019-05-01,5,Attribution by receiver government / state entity; IT-security community attributes attacker,2019-05-02; 2019-05-02
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.Incidents != 5 || b.Unpaired != 1 || b.Unread != 1 || b.Both != (Both{2, 1, 1, 0}) {
		t.Errorf("%+v", b)
	}
	g := b.Groups[0]
	if g.Group != "industry" || g.Dated != 3 || g.Imputed != 1 || *g.Median != 10 || *g.MedianExact != 1 {
		t.Errorf("%+v", g)
	}
	for _, bad := range []string{"", "a,b\n1,2\n", "ID,start_date,attribution_date\n"} {
		if _, err := ReadBaseline("t", strings.NewReader(bad), nil); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestBaselineOfPublicTable(t *testing.T) {
	z, err := gzip.NewReader(bytes.NewReader(require.Read(t, "incidents/eurepoc/EuRepoC_Global_Database_1.1.csv.gz")))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadBaseline("eurepoc", z, bytes.NewReader(require.Read(t, "incidents/eurepoc/EuRepoC_Attribution_dataset_1.1.csv")))
	if err != nil {
		t.Fatal(err)
	}
	dated, imputed := 0, 0
	for _, g := range b.Groups {
		dated += g.Dated
		imputed += g.Imputed
		if g.Median != nil && g.MedianExact != nil {
			t.Logf("%-12s %5d dated, %5d imputed, %4d before; median %4d, %4d without imputed", g.Group, g.Dated, g.Imputed, g.Before, *g.Median, *g.MedianExact)
		}
	}
	t.Logf("%d incidents, %d unread, both exact %+v", b.Incidents, b.Unread, b.Both)
	// Counted in the attribution table by another program: 1,715 rows with a date, 25 of them of incidents without a start; of the
	// others 1,066 on a 1 January.
	if dated != 1690 || imputed != 1066 || b.NoStart != 25 {
		t.Errorf("%d dated, %d imputed, %d without start", dated, imputed, b.NoStart)
	}
}

func FuzzBaseline(f *testing.F) {
	f.Add("ID,start_date,attribution_date,attribution_basis\n1,2019-01-01,2020-01-01; x,a;b\n")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ReadBaseline("f", strings.NewReader(s), nil)
		if err == nil && b.Both.Later+b.Both.Same+b.Both.Earlier != b.Both.Incidents {
			t.Errorf("%+v", b.Both)
		}
	})
}
