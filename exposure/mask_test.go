package exposure

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/drill/passengers"
)

func TestMaskRecognisedValues(t *testing.T) {
	g := passengers.New(11)
	p := g.Next()
	for p.Resident == "" || p.Card == "" {
		p = g.Next()
	}
	line1, line2 := p.MRZ()
	for text, secret := range map[string]string{
		line1 + "\r\n" + line2:                                                       p.Passport,
		`{"mrz":"` + line1 + `\n` + line2 + `"}`:                                     p.Passport,
		"SSR DOCS CA HK1 /P/GBR/925665416/GBR/12JUL64/M/23AUG29/SMITH/JOHN":          "925665416",
		"x'SSR+DOCS:HK:1:CA:::::/P/GBR/925665416/GBR/12JUL64/M/23AUG29/SMITH/JOHN'y": "SMITH",
		"echo TIF+HARGREAVES+OPHELIAMRS:A:1' >> f; UNT+1'":                           "HARGREAVES",
		"payment card " + p.Card + " exp 12/30":                                      p.Card,
		"身份证号 " + p.Resident + " 上传":                                                 p.Resident,
		"e-ticket " + p.Ticket + " void":                                             p.Ticket,
		"e-ticket number " + p.Ticket[:3] + "-" + p.Ticket[3:]:                       p.Ticket[3:],
		"PNR: X7QK2P cancelled":                                                      "X7QK2P",
		`"passport_number":"K1234567","x":1`:                                         "K1234567",
		"mobile +8613912345678 called":                                               "13912345678",
		"Aadhaar 2341 2341 2346":                                                     "2341 2341 2346",
		"SSR CTCE CA HK1 ophelia..h//example.com":                                    "ophelia",
		"SSR FOID CA HK1 PPK1234567":                                                 "K1234567",
		"SSR DOCA CA HK1/R/GBR/12 HIGH STREET/SLOUGH/BERKS/SL1 1AA":                  "HIGH STREET",
	} {
		got := MaskString(text)
		if strings.Contains(got, secret) || !strings.Contains(got, "masked") && !strings.Contains(got, "*") {
			t.Errorf("%q became %q", text, got)
		}
	}
	for _, text := range []string{"", "plain", "4111 is not a card", "ticket 48123456789", "TASK+X+Y's", "user ABC123 logged in", "C:\\PNR\\export.csv",
		"2024-05-01T12:00:00Z sshd[1]: Accepted", "a@b.example", "pnr_export_2024.csv", "card reader 4539578763621486x"} {
		if got := MaskString(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// Every identifier that a counter has seen is masked wherever it stands, without context.
func TestMaskerKnowsWhatWasCounted(t *testing.T) {
	c := newCounter(t)
	r, _ := generated(t, 21, "csv", 500)
	if _, err := c.Add(context.Background(), Source{"A", "x", Taken}, r); err != nil {
		t.Fatal(err)
	}
	m := NewMasker(c)
	g := passengers.New(21)
	for range 500 {
		p := g.Next()
		for _, secret := range []string{p.Passport, p.Email, p.Mobile, p.Ticket, p.Card} {
			if secret == "" {
				continue
			}
			if got := m.Mask([]byte("select * where v = '" + secret + "';")); bytes.Contains(got, []byte(secret)) {
				t.Fatalf("%s stayed in %s", secret, got)
			}
		}
	}
	if got := m.Mask([]byte("proxy 198.51.100.7:8080 build 20240501")); string(got) != "proxy 198.51.100.7:8080 build 20240501" {
		t.Errorf("masked %s", got)
	}
}

// Nothing that leaves a Counter holds a passenger's value: result, picture, messages.
func TestOutputsHoldNoValue(t *testing.T) {
	c := newCounter(t)
	var planted []string
	for i, form := range passengers.Forms() {
		r, _ := generated(t, uint64(100+i), form, 200)
		if _, err := c.Add(context.Background(), Source{"A", form, Taken}, r); err != nil {
			t.Fatal(err)
		}
		g := passengers.New(uint64(100 + i))
		for range 200 {
			p := g.Next()
			planted = append(planted, p.Passport, p.Email, p.Ticket, p.Locator)
		}
	}
	res := c.Result()
	rules, err := ShippedRules()
	if err != nil {
		t.Fatal(err)
	}
	res.SetClocks(rules, Situation{Events: map[string]time.Time{EventAware: time.Now()}})
	text, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := res.WritePage(&page); err != nil {
		t.Fatal(err)
	}
	for _, out := range [][]byte{text, res.Picture(), page.Bytes()} {
		for _, secret := range planted {
			if bytes.Contains(out, []byte(secret)) {
				t.Fatalf("%s is in the output", secret)
			}
		}
	}
}

func TestPictureIsWellFormed(t *testing.T) {
	c := newCounter(t)
	r, _ := generated(t, 1, "csv", 100)
	if _, err := c.Add(context.Background(), Source{`<script>"&'` + "\x00\xff", "x", Taken}, r); err != nil {
		t.Fatal(err)
	}
	c.AddPayload(Payload{Org: "B", Status: Staged, Name: "y", Bytes: 1 << 30})
	d := xml.NewDecoder(bytes.NewReader(c.Result().Picture()))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "script" {
			t.Error("a script came through")
		}
	}
}

func TestDuties(t *testing.T) {
	rules, err := ShippedRules()
	if err != nil {
		t.Fatal(err)
	}
	c := newCounter(t)
	r, _ := generated(t, 1, "csv", 100)
	if _, err := c.Add(context.Background(), Source{"A", "x", Taken}, r); err != nil {
		t.Fatal(err)
	}
	res := c.Result()
	clock := func(id string) Clock {
		for _, d := range res.Duties {
			if d.ID == id {
				return d
			}
		}
		t.Fatalf("no clock %s", id)
		return Clock{}
	}
	aware := time.Date(2026, 3, 6, 10, 0, 0, 0, time.UTC) // a Friday
	res.SetClocks(rules, Situation{Events: map[string]time.Time{EventAware: aware, EventDetected: aware.Add(-24 * time.Hour)}, Now: aware.Add(80 * time.Hour)})
	if d := clock("eu-gdpr-33"); d.Due != "2026-03-09T10:00:00Z" || d.State != "overdue" || d.Notice == "" || d.Persons != 100 {
		t.Errorf("%+v", d)
	}
	if d := clock("in-cert-in"); d.Due != "2026-03-05T16:00:00Z" {
		t.Errorf("each clock has its own start: %+v", d)
	}
	if d := clock("br-lgpd"); d.Due != "2026-03-11T10:00:00Z" {
		t.Errorf("three business days: %+v", d)
	}
	if d := clock("eu-gdpr-34"); d.State != "without-fixed-term" {
		t.Errorf("%+v", d)
	}
	if d := clock("sg-pdpa-commission"); d.State != "not-started" {
		t.Errorf("%+v", d)
	}
	// The founding case: in January 2020 neither PIPL nor the 2025 measures were in force.
	early := time.Date(2020, 1, 15, 0, 0, 0, 0, time.UTC)
	res.SetClocks(rules, Situation{Jurisdictions: []string{"CN"}, Events: map[string]time.Time{EventAware: early, EventDetected: early}})
	if a, b, n := clock("cn-pipl-57"), clock("cn-incident-other"), clock("cn-csl-42"); a.State != "not-in-force" || b.State != "not-in-force" || n.State != "without-fixed-term" || len(res.Duties) != 5 {
		t.Errorf("%s %s %s %d", a.State, b.State, n.State, len(res.Duties))
	}
	// Days, weekends and months are those of the place where the law holds.
	for _, c := range []struct{ id, event, at, due, state string }{
		{"eu-nis2-final", EventNotified, "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z", "running"},
		{"eu-nis2-final", EventNotified, "2028-01-31T10:00:00Z", "2028-02-29T10:00:00Z", "running"},
		{"eu-nis2-final", EventNotified, "2026-08-31T10:00:00Z", "2026-09-30T10:00:00Z", "running"},
		{"eu-nis2-final", EventNotified, "2026-12-15T10:00:00Z", "2027-01-15T10:00:00Z", "running"},
		{"cn-incident-cii", EventDetected, "2025-10-31T16:00:00Z", "2025-10-31T17:00:00Z", "running"}, // midnight in Beijing
		{"cn-incident-cii", EventDetected, "2025-10-31T15:59:59Z", "", "not-in-force"},
		{"us-sec-8k", EventMaterial, "2026-03-07T04:00:00Z", "2026-03-13T03:00:00Z", "running"},     // Friday evening in Washington, the weekend on which summer time begins
		{"eu-gdpr-33", EventAware, "2026-03-28T20:00:00Z", "2026-03-31T20:00:00Z", "running"},       // hours are elapsed hours
		{"eu-nis2-final", EventNotified, "2026-03-01T23:30:00Z", "2026-04-01T22:30:00Z", "running"}, // half past midnight in Brussels, then in summer time
		{"eu-nis2-final", EventNotified, "2026-10-24T22:30:00Z", "2026-11-24T23:30:00Z", "running"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		res.SetClocks(rules, Situation{Events: map[string]time.Time{c.event: at}})
		if d := clock(c.id); d.Due != c.due || d.State != c.state || (len(d.Assumed) > 0) != (d.Due != "") {
			t.Errorf("%s from %s: due %q, %s", c.id, c.at, d.Due, d.State)
		}
	}
	res.SetClocks(rules, Situation{Events: map[string]time.Time{EventAware: aware, EventNotified: aware}})
	for id, want := range map[string]string{"eu-gdpr-33": "1182/71", "br-lgpd": "public holidays are not known", "eu-nis2-final": "Europe/Brussels", "eu-gdpr-34": ""} {
		if d := clock(id); !strings.Contains(strings.Join(d.Assumed, "; "), want) || want == "" && d.Assumed != nil {
			t.Errorf("%s assumes %q", id, d.Assumed)
		}
	}
	var page bytes.Buffer
	if err := res.WritePage(&page); err != nil || !strings.Contains(page.String(), "two working days within the term") {
		t.Errorf("the page does not say what was assumed (%v)", err)
	}
	for jurisdiction, zone := range clockZones {
		if l, err := time.LoadLocation(zone); err != nil || l == time.UTC {
			t.Errorf("%s: %v", jurisdiction, err)
		}
	}
	own, err := ReadRules(strings.NewReader("as_of: x\nrules:\n  - {id: own, jurisdiction: XX, law: L, from: 2020-01-01, start: aware, deadline: 12h, tell: T, who: W, threshold: Z, verified: [], at_least: 1000}\n"))
	if err != nil {
		t.Fatal(err)
	}
	res.SetClocks(rules.With(own), Situation{Jurisdictions: []string{"XX"}, Events: map[string]time.Time{EventAware: aware}})
	if d := clock("own"); d.State != "below-threshold" {
		t.Errorf("%+v", d)
	}
	for _, bad := range []string{"rules: [{id: a, colour: red}]", "rules: [{id: a, jurisdiction: X, law: L, tell: T, from: 2020-13-01, start: aware, deadline: 1h}]",
		"rules: [{id: a, jurisdiction: X, law: L, tell: T, from: 2020-01-01, start: noon, deadline: 1h}]",
		"rules: [{id: a, jurisdiction: X, law: L, tell: T, from: 2020-01-01, start: aware, deadline: soon}]"} {
		if _, err := ReadRules(strings.NewReader(bad)); err == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}
