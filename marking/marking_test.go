package marking

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestParseAndFormat(t *testing.T) {
	for text, want := range map[string]TLP{
		"TLP:CLEAR": Clear, "tlp:white": Clear, "WHITE": Clear, "green": Green, " TLP:AMBER ": Amber,
		"TLP:AMBER+STRICT": AmberStrict, "amber+strict": AmberStrict, "Red": Red,
	} {
		got, err := ParseTLP(text)
		if err != nil || got != want {
			t.Errorf("ParseTLP(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "TLP:", "TLP:YELLOW", "AMBER STRICT", "TLP:TLP:RED", "TLP 2"} {
		if got, err := ParseTLP(text); err == nil {
			t.Errorf("ParseTLP(%q) = %v, want an error", text, got)
		}
	}
	if s := AmberStrict.String(); s != "TLP:AMBER+STRICT" {
		t.Errorf("String = %q", s)
	}
}

func TestUnmarkedIsHandledAsRed(t *testing.T) {
	var m Marking
	if m.TLP.Rank() != Red.Rank() {
		t.Errorf("Rank of unmarked = %d", m.TLP.Rank())
	}
	if ok, _ := m.MaySee(Party{Organisation: "a", Community: true}); ok {
		t.Error("an unmarked thing was shown")
	}
	if Stricter(Unmarked, Amber) != Unmarked || Stricter(Green, AmberStrict) != AmberStrict {
		t.Error("Stricter")
	}
}

func TestMaySee(t *testing.T) {
	person := Party{Person: "li", Organisation: "cert", Community: true}
	other := Party{Person: "wu", Organisation: "cert", Community: true}
	client := Party{Organisation: "shop", ClientOf: []string{"cert"}}
	member := Party{Organisation: "airline-b", Community: true}
	public := Party{}
	owner := Party{Person: "x", Organisation: "airline-a"}
	tests := []struct {
		tlp  TLP
		sees []bool // person, other, client, member, public, owner
	}{
		{Red, []bool{true, false, false, false, false, true}},
		{AmberStrict, []bool{true, true, false, false, false, true}},
		{Amber, []bool{true, true, true, false, false, true}},
		{Green, []bool{true, true, false, true, false, true}},
		{Clear, []bool{true, true, true, true, true, true}},
		{Unmarked, []bool{true, false, false, false, false, true}},
	}
	for _, tt := range tests {
		m := Marking{TLP: tt.tlp, Owners: []string{"airline-a"}, Recipients: []string{"li@cert"}}
		for i, p := range []Party{person, other, client, member, public, owner} {
			if ok, why := m.MaySee(p); ok != tt.sees[i] || ok == (why != "") {
				t.Errorf("%v: party %d may see = %v (%q), want %v", tt.tlp, i, ok, why, tt.sees[i])
			}
		}
	}
}

func TestAudience(t *testing.T) {
	m := Marking{TLP: Green, Owners: []string{"a"}}
	if ok, _ := m.AudienceMaySee(Audience{Kind: Public}); ok {
		t.Error("GREEN shown to the public")
	}
	if ok, why := m.AudienceMaySee(Audience{Kind: Members, Parties: []Party{{Organisation: "b", Community: true}, {Organisation: "c"}}}); ok || why == "" {
		t.Error("a member outside the community was told")
	}
	if ok, _ := Of(Clear, "a").AudienceMaySee(Audience{Kind: Passengers}); !ok {
		t.Error("CLEAR hidden from passengers")
	}
}

func TestOnlyTheOwnersLoosen(t *testing.T) {
	m := Marking{TLP: Amber, Owners: []string{"a", "b"}}
	if _, err := m.Change(Marking{TLP: Red, Owners: m.Owners}, "stranger"); err != nil {
		t.Errorf("tightening refused: %v", err)
	}
	loosened := []Marking{
		{TLP: Green, Owners: m.Owners},
		{TLP: Amber, Owners: m.Owners, Recipients: []string{"c"}},
		{TLP: Amber, Owners: []string{"a"}},
	}
	for _, to := range loosened {
		var le *LoosenError
		if _, err := m.Change(to, "a"); !errors.As(err, &le) || len(le.Missing) != 1 || le.Missing[0] != "b" {
			t.Errorf("Change to %+v by one owner: %v", to, err)
		}
		if got, err := m.Change(to, "b", "a"); err != nil || got.TLP != to.TLP {
			t.Errorf("Change to %+v by both: %v", to, err)
		}
	}
	if _, err := (Marking{TLP: Red}).Change(Of(Clear, "me"), "me"); err == nil {
		t.Error("what nobody owns was loosened by a stranger who called it his")
	}
}

func TestCombineNeverLoosens(t *testing.T) {
	parts := []Marking{{TLP: Green, Owners: []string{"a"}, Recipients: []string{"x", "y"}}, {TLP: Amber, Owners: []string{"b"}, Recipients: []string{"y"}}}
	got := Combine(parts...)
	if got.TLP != Amber || len(got.Owners) != 2 || len(got.Recipients) != 1 || got.Recipients[0] != "y" {
		t.Errorf("Combine = %+v", got)
	}
	if Combine(parts[0], Marking{}).TLP != Unmarked {
		t.Error("an unmarked part was forgotten")
	}
	if len(parts[0].Recipients) != 2 {
		t.Error("Combine changed its argument")
	}
}

func TestJSON(t *testing.T) {
	m := Marking{TLP: AmberStrict, Owners: []string{"a"}}
	b, err := json.Marshal(m)
	if err != nil || string(b) != `{"tlp":"TLP:AMBER+STRICT","owners":["a"]}` {
		t.Fatalf("Marshal = %s, %v", b, err)
	}
	var back Marking
	if err := json.Unmarshal([]byte(`{"tlp":"PINK"}`), &back); err == nil {
		t.Error("PINK accepted")
	}
}

func FuzzParseTLP(f *testing.F) {
	f.Add("TLP:RED")
	f.Add("amber+strict")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseTLP(s)
		if err != nil {
			return
		}
		if back, err := ParseTLP(v.String()); err != nil || back != v {
			t.Errorf("%q: %v does not read back: %v, %v", s, v, back, err)
		}
	})
}
