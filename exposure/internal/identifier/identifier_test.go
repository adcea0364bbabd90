package identifier

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// The specimens are those printed in ICAO Doc 9303, parts 4, 5 and 6.
func TestSpecimenZones(t *testing.T) {
	d, ok := TD3([]byte("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"), []byte("L898902C36UTO7408122F1204159ZE184226B<<<<<10"))
	if !ok || string(d.Number) != "L898902C3" || string(d.Surname) != "ERIKSSON" || string(d.Given) != "ANNA<MARIA" || d.Birth != 19740812 {
		t.Errorf("TD3: %v %+v", ok, d)
	}
	if d, ok = TD1([]byte("I<UTOD231458907<<<<<<<<<<<<<<<"), []byte("7408122F1204159UTO<<<<<<<<<<<6"), []byte("ERIKSSON<<ANNA<MARIA<<<<<<<<<<")); !ok || string(d.Number) != "D23145890" {
		t.Errorf("TD1: %v %+v", ok, d)
	}
	if d, ok = TD2([]byte("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<"), []byte("D231458907UTO7408122F1204159<<<<<<<6")); !ok || string(d.Number) != "D23145890" {
		t.Errorf("TD2: %v %+v", ok, d)
	}
	if _, ok = TD3(nil, []byte("L898902C36UTO7408122F1204159ZE184226B<<<<<10")); !ok {
		t.Error("the second line alone has every check digit")
	}
}

// Random text passes a check digit one time in ten; a whole second line hardly ever, and a single wrong
// digit never.
func TestZonesRefuseErrors(t *testing.T) {
	good := []byte("L898902C36UTO7408122F1204159ZE184226B<<<<<10")
	r := rand.New(rand.NewPCG(1, 2))
	for i := range good {
		for range 5 {
			bad := append([]byte{}, good...)
			for bad[i] == good[i] || mrzValue(bad[i])%10 == mrzValue(good[i])%10 {
				bad[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[r.IntN(36)]
			}
			if i == 20 { // sex is outside every check digit
				continue
			}
			if _, ok := TD3(nil, bad); ok && !KnownNationality(bad[10:13]) {
				t.Errorf("accepted %s", bad)
			}
		}
	}
	passed := 0
	for range 200000 {
		line := make([]byte, 44)
		for i := range line {
			line[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"[r.IntN(37)]
		}
		if _, ok := TD3(nil, line); ok {
			passed++
		}
	}
	if passed > 0 {
		t.Errorf("%d random lines passed", passed)
	}
}

func TestCheckDigits(t *testing.T) {
	for number, want := range map[string]bool{"4111111111111111": true, "4111111111111112": false, "378282246310005": true, "6011111111111117": true, "": false} {
		if Luhn([]byte(number)) != want {
			t.Errorf("Luhn %s", number)
		}
	}
	for number, want := range map[string]string{"4111111111111111": "visa", "378282246310005": "amex", "5555555555554444": "mastercard", "2223003122003222": "mastercard",
		"6200000000000005": "unionpay", "3530111333300000": "jcb", "30569309025904": "diners", "9000000000000000": ""} {
		if got := CardScheme([]byte(number)); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
	// The example of GB 11643-1999, annex A.
	for number, want := range map[string]bool{"11010519491231002X": true, "440524188001010014": true, "11010519491231002x": true, "110105194912310021": false, "11010519491331002X": false} {
		if ChineseResident([]byte(number)) != want {
			t.Errorf("resident %s", number)
		}
	}
	if !Verhoeff([]byte("2363")) || Verhoeff([]byte("2364")) {
		t.Error("Verhoeff's example 236 has the check digit 3")
	}
	if !Ticket([]byte("0062120234533")) || Ticket([]byte("0002120234533")) || Ticket([]byte("006212023453")) {
		t.Error("tickets")
	}
}

// Every single-digit error and every transposition of neighbours is caught by Verhoeff's scheme.
func TestVerhoeffCatches(t *testing.T) {
	for n := range 2000 {
		d := []byte(fmt.Sprintf("2%010d0", n*7919))
		for d[11] = '0'; !Verhoeff(d); d[11]++ {
		}
		for i := range d {
			e := append([]byte{}, d...)
			e[i] = '0' + (e[i]-'0'+1+byte(n%8))%10
			if e[i] != d[i] && Verhoeff(e) {
				t.Fatalf("%s passes for %s", e, d)
			}
			if i > 0 && d[i] != d[i-1] {
				e = append([]byte{}, d...)
				e[i], e[i-1] = e[i-1], e[i]
				if Verhoeff(e) {
					t.Fatalf("%s passes for %s", e, d)
				}
			}
		}
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]Day{"1964-07-12": 19640712, "19640712": 19640712, "12JUL64": 19640712, "12/07/1964": 19640712, "12.07.1964": 19640712,
		"1964/7/2": 19640702, "12-JUL-1964": 19640712, "Jul": 0, "1964年7月12日": 19640712, "1964-07-12 00:00:00": 19640712, "1964-07-12T00:00:00Z": 19640712,
		"31/02/2000": 0, "2001-02-29": 0, "640712": 19640712, "12/07/64": 19640712, "1.2.3.4": 0, "10.1.2.3": 0, "99": 0, "": 0, "12345678901": 0} {
		if got := Date([]byte(text), true, DayFirst); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if got := Date([]byte("07/12/1964"), true, MonthFirst); got != 19640712 {
		t.Errorf("month first: %d", got)
	}
}

func TestNames(t *testing.T) {
	for _, pair := range [][2]string{{"JOHNMR", "John"}, {"NINA MS", "nina"}, {"ANNA<MARIA", "Anna Maria"}, {"Ren\u00e9e", "RENEE"}, {"O'Neil", "ONEIL"}} {
		a, b := AppendName(nil, []byte(pair[0]), true), AppendName(nil, []byte(pair[1]), true)
		if string(a) != string(b) {
			t.Errorf("%q and %q: %s, %s", pair[0], pair[1], a, b)
		}
	}
}

func TestTags(t *testing.T) {
	for code := range alpha3 {
		if got := Untag(Tag(code)); Tag(code) != 0 && got != string(code[:]) {
			t.Errorf("%s came back as %s", code, got)
		}
	}
	if len(alpha2) != 249 {
		t.Errorf("%d countries, ISO 3166-1 has 249", len(alpha2))
	}
}

func FuzzZones(f *testing.F) {
	f.Add([]byte("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) >= 90 {
			TD1(p[:30], p[30:60], p[60:90])
		}
		if len(p) >= 88 {
			TD3(p[:44], p[44:88])
		}
		if len(p) >= 72 {
			TD2(p[:36], p[36:72])
		}
		Date(p, true, DayFirst)
		Date(p, false, MonthFirst)
		AppendName(nil, p, true)
		Phone(nil, p)
		Email(p)
	})
}
