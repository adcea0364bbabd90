package travel

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

type tape struct {
	people   []string
	items    []string
	bookings []string
	messages []record.Message
	damage   []string
	legs     int
	missing  int
}

func (t *tape) Passenger(p *record.Passenger) {
	t.people = append(t.people, fmt.Sprintf("%s/%s %d %s%s%s %s", p.Surname, p.Given, p.Birth, p.Issuer, p.Number, p.National, p.Locator))
}
func (t *tape) Booking(c, l []byte, d identifier.Day, _ int64) {
	t.bookings = append(t.bookings, fmt.Sprintf("%s %s %d", c, l, d))
}
func (t *tape) Item(k record.Kind, parts ...[]byte) {
	t.items = append(t.items, k.String()+" "+strings.ReplaceAll(string(bytes.Join(parts, []byte(" "))), "\x00", ""))
}
func (t *tape) Leg(_, _ []byte, _ identifier.Day, n int) { t.legs += n }
func (t *tape) Message(m *record.Message)                { t.messages = append(t.messages, *m) }
func (t *tape) Damage(d record.Damage) {
	t.damage = append(t.damage, d.Reason)
	t.missing += d.Missing
}

func read(t testing.TB, text string) *tape {
	t.Helper()
	out := &tape{}
	if err := Read(strings.NewReader(text), out); err != nil {
		t.Fatal(err)
	}
	return out
}

const frame = "UNB+UNOC:4+A+B+240101:1200+R'UNH+1+PNRGOV:13:1:IA'MSG+:22'EQN+1'SRC'RCI+CA:ABC123::010124:1000'%sUNT+%d+1'UNZ+1+R'"

func TestServiceRequests(t *testing.T) {
	for seg, want := range map[string]string{
		"SSR+DOCO:HK:1:CA:::::PARIS/V/K1234567/LONDON/01JAN20/USA": "visa USA K1234567",
		"SSR+DOCA:HK:1:CA:::::R/GBR/12 HIGH ST/SLOUGH/BERKS/SL1":   "postal-address 12 HIGH ST SLOUGH SL1",
		"SSR+FOID:HK:1:CA:::::PPK1234567":                          "travel-document  K1234567",
		"SSR+FQTV:HK:1:CA:::::CA123456789":                         "frequent-flyer CA 123456789",
		"SSR+CTCE:HK:1:CA:::::A..B./C//EXAMPLE.COM":                "email a_b-c@example.com",
		"SSR+CTCM:HK:1:CA:::::8613912345678":                       "phone 8613912345678",
		"SSR+TKNE:HK:1:CA:::PEK:LHR:9992400000001C1":               "ticket 9992400000001",
		"TKT+9992400000001:T:1":                                    "ticket 9992400000001",
		"FTI+CA:123456789:::G":                                     "frequent-flyer CA 123456789",
		"FOP+CC::1.00:VI:4111111111111111:1230":                    "payment-card 4111111111111111",
		"FOP+CC::1.00:VI:XXXXXXXXXXXX1111:1230":                    "payment-card-masked VI XXXXXXXXXXXX1111 1230",
		"IFT+4:28::CA+CTCH 0044 1753 637285":                       "phone 441753637285",
		"ADD++700:1 ROAD:TOWN:::GB:ZIP:00441753637285":             "postal-address 1 ROAD TOWN ZIP",
	} {
		got := read(t, fmt.Sprintf(frame, "TIF+SMITH+ANNAMRS:A:1'"+seg+"'", 8))
		if len(got.items) == 0 || got.items[0] != want || len(got.damage) > 0 {
			t.Errorf("%s: %q, want %q; %q", seg, got.items, want, got.damage)
		}
	}
}

func TestDocumentsFindTheirHolders(t *testing.T) {
	got := read(t, fmt.Sprintf(frame, "TIF+M\xdcLLER+ANNAMRS:A:1'SSR+DOCS:HK:1:CA:::::/P/DEU/C01X00T47/DEU/12JUL64/F/23AUG29/M\xdcLLER/ANNA/MARIA'"+
		"SSR+DOCS:HK:1:CA:::::/P/DEU/C01X00T48/DEU/12JUL23/FI/23AUG29/M\xdcLLER/BABY'TIF+M\xdcLLER+BABY:IN:2'TIF+WANG+WEIMR:A:3'SSR+FOID:HK:1:CA:::::NI11010519491231002X'", 12))
	want := []string{"MÜLLER/ANNA 19640712 DEUC01X00T47 ABC123", "MÜLLER/BABY 20230712 DEUC01X00T48 ABC123", "WANG/WEIMR 0 11010519491231002X ABC123"}
	if fmt.Sprint(got.people) != fmt.Sprint(want) {
		t.Errorf("%q", got.people)
	}
}

func TestContradictionsAreSaid(t *testing.T) {
	for text, want := range map[string]string{
		fmt.Sprintf(frame, "TIF+A+B:A:1'", 99):                                                           "UNT declares 99 segments, 7 were counted",
		strings.Replace(fmt.Sprintf(frame, "TIF+A+B:A:1'", 7), "UNZ+1+R", "UNZ+2+R", 1):                  "UNZ declares 2, 1 were counted",
		strings.Replace(fmt.Sprintf(frame, "TIF+A+B:A:1'", 7), "UNZ+1+R", "UNZ+1+S", 1):                  "UNZ has another reference than UNB",
		strings.Replace(fmt.Sprintf(frame, "TIF+A+B:A:1'", 7), "UNOC", "UNOQ", 1):                        "unknown syntax identifier UNOQ: text was taken as UTF-8",
		strings.Replace(fmt.Sprintf(frame, "TIF+A+B:A:1'", 7), "EQN+1", "EQN+4", 1):                      "EQN declares 4 passengers, 1 were found",
		"UNB+UNOA:4+A+B+1:1+R'UNH+1+PAXLST:D:05B:UN:IATA'BGM+745'NAD+FL+++A:B'CNT+42:3'UNT+5+1'UNZ+1+R'": "CNT declares 3 passengers, 1 were found",
		"UNB+UNOA:4+A+B+1:1+R'UNH+1+PAXLST:D:05B:UN:IATA'NAD+FL+++A:B'":                                  "UNT is missing: the stream ends inside the interchange",
	} {
		got := read(t, text)
		if !strings.Contains(strings.Join(got.damage, "; "), want) {
			t.Errorf("%q: %q", want, got.damage)
		}
		if len(got.people) != 1 {
			t.Errorf("%q: %d people", want, len(got.people))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(frame, "TIF+SMITH+ANNAMRS:A:1'SSR+DOCS:HK:1:CA:::::/P/DEU/C01X00T47/DEU/12JUL64/F/23AUG29/SMITH/ANNA'TVL+010124:1000+PEK+LHR+CA+1'", 9)))
	f.Add([]byte("UNB+UNOA:4+A+B+1:1+R'UNH+1+PAXLST:D:05B:UN:IATA'TDT+20+CA1+++CA'NAD+FL+++A:B'DTM+329:720907'DOC+V+K1234567'LOC+91+USA'CNT+42:3'UNT+5+1'UNZ+1+R'"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a := read(t, string(text))
		if b := read(t, string(text)); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatal("not the same twice")
		}
	})
}
