package attribution

import (
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
	"github.com/contrail-ir/contrail/stix"
)

func TestOverlapWithATTACKGroups(t *testing.T) {
	require.Time(t, "reads all groups of ATT&CK, in one goroutine")
	f, err := os.Open(require.Data(t, "attack-stix/enterprise-attack-stix20.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := ReadGroups(z, stix.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	uses := 0
	for _, g := range groups {
		uses += len(g.Techniques)
	}
	t.Logf("%d groups, %d techniques used", len(groups), uses)
	if len(groups) < 150 || uses < 3000 {
		t.Error(len(groups), uses)
	}
	// What one group uses, all of it, is shared most with that group.
	for _, g := range groups {
		if len(g.Techniques) < 20 {
			continue
		}
		o := Compare(&Incident{Techniques: g.Techniques}, groups, nil)
		if o.Groups[0].ID != g.ID || len(o.Groups[0].Shared) != len(g.Techniques) || len(o.Unmatched) != 0 {
			t.Errorf("%s: first is %s", g.Name, o.Groups[0].Group)
		}
		break
	}
	o := Compare(&Incident{Techniques: []string{"T1059.001", "T9999"}}, groups, nil)
	if len(o.Unmatched) != 1 || o.Unmatched[0] != "T9999" || len(o.Groups) < 50 {
		t.Error(o.Unmatched, len(o.Groups))
	}
	for _, g := range o.Groups {
		for _, s := range g.Shared {
			if s.Users < 1 || s.Users > len(groups) {
				t.Error(g.Group, s)
			}
		}
	}
}

func TestOverlapWithPublishedLists(t *testing.T) {
	var lists []List
	for _, name := range []string{"2021-07-18_nso/pegasus.stix2", "2021-12-16_cytrox/cytrox.stix2"} {
		f, err := os.Open(require.Data(t, "ioc/amnesty/"+name))
		if err != nil {
			t.Fatal(err)
		}
		l, err := ReadList(name, f, stix.Limits{})
		f.Close()
		if err != nil || len(l.Values) < 300 {
			t.Fatal(name, len(l.Values), err)
		}
		lists = append(lists, l)
	}
	one := sortedKeys(lists[0].Values)[0]
	o := Compare(&Incident{Indicators: []string{strings.ToUpper(one), "not-there.example"}}, nil, lists)
	if len(o.Lists) != 1 || o.Lists[0].Shared[0].Users != 1 {
		t.Errorf("%q: %+v", one, o.Lists)
	}
}

func TestCommonItemsWeighLess(t *testing.T) {
	groups := []Group{{ID: "G1", Techniques: []string{"T1", "T2"}}, {ID: "G2", Techniques: []string{"T1"}}, {ID: "G3", Techniques: []string{"T1", "T3"}}, {ID: "G4", Sectors: []string{"Aviation"}}}
	o := Compare(&Incident{Techniques: []string{"T1", "T2"}}, groups, nil)
	if len(o.Groups) != 3 || o.Groups[0].ID != "G1" || o.Groups[1].Bits != o.Groups[2].Bits || o.Groups[0].Shared[0].Users != 3 {
		t.Errorf("%+v", o.Groups)
	}
	if s := Compare(&Incident{Sectors: []string{"aviation"}}, groups, nil); len(s.Groups) != 1 || s.Groups[0].Bits != 2 || s.Groups[0].Sectors[0].Users != 1 {
		t.Errorf("%+v", s.Groups)
	}
	if o.Groups[0].Bits != round(2+0.4150374992788438) {
		t.Error(o.Groups[0].Bits)
	}
}

func TestNormaliseIndicator(t *testing.T) {
	for in, want := range map[string]string{"Evil[.]Example.": "evil.example", "hxxps://EVIL.example/Path": "https://evil.example/Path", " 2001:DB8::0001 ": "2001:db8::1", "D41D8CD98F00B204E9800998ECF8427E": "d41d8cd98f00b204e9800998ecf8427e", `C:\X`: `C:\X`} {
		if got := NormaliseIndicator(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestGalaxies(t *testing.T) {
	f, err := os.Open(require.Data(t, "misp/galaxy/threat-actor.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := ReadGalaxy(z)
	if err != nil || len(groups) < 300 {
		t.Fatal(len(groups), err)
	}
	sectors := map[string]int{}
	for _, g := range groups {
		for _, s := range g.Sectors {
			sectors[s]++
		}
	}
	if len(sectors) < 3 {
		t.Errorf("groups of %d sectors", len(sectors))
	}
	o := Compare(&Incident{Sectors: []string{"GOVERNMENT"}}, groups, nil)
	if len(o.Groups) == 0 || o.Groups[0].Sectors[0].Users != len(o.Groups) {
		t.Errorf("%d groups target governments", len(o.Groups))
	}
	if _, err := ReadGalaxy(strings.NewReader(`{"values":5}`)); err == nil {
		t.Error("no galaxy is read")
	}
}

func TestTextLists(t *testing.T) {
	l, err := ReadTextList("x", strings.NewReader("\ufeffvalue,kind\n\"evil[.]example\",domain\n198.51.100.3 and hxxps://a.example/B # note.\nd41d8cd98f00b204e9800998ecf8427e;desk@mail.example\nnot..a.name 1.2 v1.0.exe1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(sortedKeys(l.Values), " "); got != "198.51.100.3 d41d8cd98f00b204e9800998ecf8427e desk@mail.example evil.example https://a.example/B" {
		t.Error(got)
	}
	if _, err := ReadTextList("x", strings.NewReader(strings.Repeat("a", 2<<20))); err == nil {
		t.Error("a line without end is read")
	}
}

func TestListsGiveWhatIsAnIndicatorAlone(t *testing.T) {
	l, err := ReadList("x", strings.NewReader(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z",
		"pattern":"([domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']) OR [domain-name:value = 'c.example']"}]}`), stix.Limits{})
	if err != nil || len(l.Values) != 1 || !l.Values["c.example"] || l.Together != 2 {
		t.Errorf("%+v %v", l, err)
	}
}
