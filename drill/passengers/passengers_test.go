package passengers

import (
	"bytes"
	"testing"
)

// Same seed, same bytes; and the truth does not depend on the form.
func TestSameSeedSameBytes(t *testing.T) {
	var truths []Truth
	for _, form := range Forms() {
		var a, b bytes.Buffer
		g := New(9)
		if err := g.Write(&a, form, 500); err != nil {
			t.Fatal(err)
		}
		if err := New(9).Write(&b, form, 500); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s differs", form)
		}
		truths = append(truths, g.Truth())
	}
	for _, truth := range truths {
		if truth.Persons != 500 || truth.Bookings != truths[0].Bookings || truth.Cards != truths[0].Cards {
			t.Errorf("%+v, first %+v", truth, truths[0])
		}
	}
	if err := New(1).Write(&bytes.Buffer{}, "cobol", 1); err == nil {
		t.Error("an unknown form was written")
	}
}

func TestIdentifiersAreDifferent(t *testing.T) {
	g, seen := New(2), map[string]bool{}
	for range 20000 {
		p := g.Next()
		for _, id := range []string{p.Passport, p.Email, p.Mobile, p.Ticket, p.Card, p.Resident} {
			if id != "" && seen[id] {
				t.Fatalf("%s twice", id)
			}
			seen[id] = true
		}
	}
}
