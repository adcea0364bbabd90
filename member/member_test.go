package member

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseID(t *testing.T) {
	for _, ok := range []string{"a", "airline-a", "cert.gov"} {
		if _, err := ParseID(ok); err != nil {
			t.Errorf("ParseID(%q): %v", ok, err)
		}
	}
	for _, bad := range []string{"", "A", "a b", "../a", "-a", "a.", strings.Repeat("a", 65), "ü"} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("ParseID(%q) accepted", bad)
		}
	}
}

func TestConsentIsNeverAssumed(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	m := Member{ID: "airline-a", Consents: []Consent{
		{Purpose: Sweep, By: "ciso", From: day(5), Until: day(10)},
		{Purpose: Share, By: "ciso", From: day(5), Withdrawn: day(7)},
		{Purpose: Name, From: day(1)}, // nobody gave it
		{Purpose: Sweep, By: "ciso", From: day(20)},
	}}
	tests := []struct {
		p    Purpose
		d    int
		want string
	}{
		{Sweep, 4, "begins"}, {Sweep, 5, ""}, {Sweep, 9, ""}, {Sweep, 10, "begins"}, {Sweep, 20, ""},
		{Share, 6, ""}, {Share, 7, "withdrawn"}, {Name, 3, "none"}, {Publish, 3, "none"},
	}
	for _, tt := range tests {
		err := m.Allows(tt.p, day(tt.d))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Allows(%s, day %d) = %v, want %q", tt.p, tt.d, err, tt.want)
		}
	}
}

func TestConsentCheck(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []Consent{
		{Purpose: "everything", By: "x", From: at}, {Purpose: Sweep, By: " ", From: at},
		{Purpose: Sweep, By: "x"}, {Purpose: Sweep, By: "x", From: at, Until: at},
	} {
		if c.Check() == nil {
			t.Errorf("%+v accepted", c)
		}
	}
}

func TestPseudonymsAreStableInsideOneCaseOnly(t *testing.T) {
	one, err := NewPseudonyms(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	two, _ := NewPseudonyms(bytes.Repeat([]byte{2}, 32))
	a := one.Of("member", "Airline A")
	if a != one.Of("member", " airline a") {
		t.Error("not stable")
	}
	seen := map[string]bool{a: true}
	for _, other := range []string{two.Of("member", "Airline A"), one.Of("host", "Airline A"), one.Of("member", "Airline B"), one.Of("membera", "irline A")} {
		if seen[other] {
			t.Errorf("%q twice", other)
		}
		seen[other] = true
	}
	if !strings.HasPrefix(a, "member-") || len(a) != len("member-")+16 || strings.Contains(strings.ToLower(a[7:]), "airline") {
		t.Errorf("pseudonym %q", a)
	}
	for _, bad := range [][]byte{nil, make([]byte, 31), make([]byte, 32)} {
		if _, err := NewPseudonyms(bad); err == nil {
			t.Errorf("secret of %d accepted", len(bad))
		}
	}
}

func TestKeyJSON(t *testing.T) {
	pub, _, _ := ed25519.GenerateKey(nil)
	b, err := json.Marshal(Member{ID: "a", Key: Key(pub)})
	if err != nil {
		t.Fatal(err)
	}
	var back Member
	if err := json.Unmarshal(b, &back); err != nil || !bytes.Equal(back.Key, pub) {
		t.Errorf("%s: %v", b, err)
	}
	for _, bad := range []string{`"AAAA"`, `5`, `"` + strings.Repeat("A", 42) + `B="`} {
		var k Key
		if err := json.Unmarshal([]byte(bad), &k); err == nil {
			t.Errorf("%s accepted", bad)
		}
	}
}

func FuzzMember(f *testing.F) {
	f.Add([]byte(`{"id":"a","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","consents":[{"purpose":"sweep","by":"x","from":"2026-01-01T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Member
		if json.Unmarshal(b, &m) == nil {
			_ = m.Allows(Sweep, time.Unix(0, 0))
		}
	})
}
