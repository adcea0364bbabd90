package exposure

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/drill/passengers"
)

// What one field of a record tells is masked in all of them; fields of other records are left alone.
func TestRecordsAreMaskedTogether(t *testing.T) {
	m := NewMasker(nil)
	for in, want := range map[string]string{
		`{"surname":"GARCIA","given":"MARIA","passport_no":"X1234561","user":"ALPHA\\svc","cmd":"mail garcia about it"}`: `{"surname":"[masked]","given":"[masked]","passport_no":"[masked travel-document]","user":"ALPHA\\svc","cmd":"mail [masked] about it"}`,
		`{"surname":"GARCIA","mail":"m@b.example"}`:                                             `{"surname":"GARCIA","mail":"m@b.example"}`,
		`[{"pnr":"QWERT2","last_name":"ROSSI"},{"last_name":"ROSSI","role":"admin"}]`:           `[{"pnr":"[masked booking]","last_name":"[masked]"},{"last_name":"ROSSI","role":"admin"}]`,
		`{"q":"/b?lastname=O%27NEIL&pnr=QWERT2","n":1,"x":[true,null,1.5e3],"y":{"z":"plain"}}`: `{"q":"/b?lastname=[masked]\u0026pnr=[masked booking]","n":1,"x":[true,null,1.5e3],"y":{"z":"plain"}}`,
		`{"m":"PNR: QWERT2 ROSSI/CARLA MRS carla@mail.example +393331234567"}`:                  `{"m":"PNR: [masked booking] [masked] MRS [masked email] [masked phone]"}`,
		`{"card":4111111111111111}`:                                                             `{"card":"411111******1111"}`,
		`{"m":"a/b.c@d.example wrote","k":"USR/BIN"}`:                                           `{"m":"a/b.c@d.example wrote","k":"USR/BIN"}`,
		`{"mrz":"P\u003cUTO…","booking":"C:\\booking\\web.cfg"}`:                                `{"mrz":"P\u003cUTO…","booking":"C:\\booking\\web.cfg"}`,
		`{"TicketOptions":"0x40810010","Sid":"S-1-5-21-3623811015-3361044348-30300820-1013"}`:   `{"TicketOptions":"0x40810010","Sid":"S-1-5-21-3623811015-3361044348-30300820-1013"}`,
		`not JSON but PNR: QWERT2`:                                                              `not JSON but PNR: [masked booking]`,
		`{"broken":"pnr=QWERT2`:                                                                 `{"broken":"pnr=[masked booking]`,
	} {
		got, changed := m.JSON([]byte(in))
		if string(got) != want || changed != (in != want) {
			t.Errorf("%s\nbecame %s\nwant   %s", in, got, want)
		}
	}
	matched := []Field{{"cmd", "mail GARCIA"}, {"Image", `C:\x.exe`}}
	if got, _ := m.JSON([]byte(`{"surname":"GARCIA","ffn":"CA12345678"}`), matched...); matched[0].Value != "mail [masked]" || matched[1].Value != `C:\x.exe` || bytes.Contains(got, []byte("GARCIA")) {
		t.Errorf("%v", matched)
	}
	m.KeepContacts = true
	if got := m.Value("contact", "phone +8613912345678"); got != "phone +8613912345678" {
		t.Errorf("a contact became %s", got)
	}
}

// hostileTexts are texts with passengers' values in every form, whole and cut to pieces.
func hostileTexts(t testing.TB) (out []string) {
	g := passengers.New(31)
	for range 60 {
		p := g.Next()
		a, b := p.MRZ()
		out = append(out, a+"\n"+b, "card "+p.Card, "e-ticket "+p.Ticket, "身份证 "+p.Resident, p.Resident+" "+p.Resident+" "+p.Resident, "SSR FQTV CA HK1 "+p.FrequentFlyer, "/P/GBR/"+p.Passport+"/GBR/12JUL64/M/23AUG29/"+p.Surname+"/"+p.Given,
			"pnr="+p.Locator+"&surname="+p.Surname, "护照号："+p.Passport, "mobile "+p.Mobile, "Aadhaar 2341 2341 2346", "booking reference "+p.Locator, "ffn="+p.FrequentFlyer+";name="+p.Surname)
	}
	for _, form := range passengers.Forms() {
		var text bytes.Buffer
		if err := passengers.New(8).Write(&text, form, 20); err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Split(text.String(), "\n")...)
	}
	for _, s := range out[:len(out):len(out)] {
		for cut := 1; cut < len(s); cut += 7 {
			out = append(out, s[cut:], s[:cut])
		}
	}
	return out
}

// missed says whether a search finds something in what is not suspicious.
func missed(name, value string) bool {
	m := NewMasker(nil)
	f := []Field{{name, value}}
	if m.suspicious(&f[0]) {
		return false
	}
	m.all = true
	return m.Record(f)
}

func TestSuspicionMissesNothing(t *testing.T) {
	texts := hostileTexts(t)
	if testing.Short() {
		texts = texts[:len(texts)/10]
	}
	suspicious := 0
	for _, s := range texts {
		if missed("field", s) {
			t.Fatalf("%.300q is not even searched", s)
		}
		if Suspicious([]byte(s)) {
			suspicious++
		}
	}
	if suspicious == 0 || suspicious == len(texts) {
		t.Errorf("%d of %d are suspicious: this tells nothing apart", suspicious, len(texts))
	}
}

// Masking what is masked changes nothing more.
func TestMaskingIsDoneOnce(t *testing.T) {
	m := NewMasker(nil)
	for _, s := range hostileTexts(t)[:800] {
		once := m.Value("x", s)
		if twice := m.Value("x", once); twice != once {
			t.Errorf("%q became %q and then %q", s, once, twice)
		}
	}
}

func FuzzSuspicion(f *testing.F) {
	for _, s := range hostileTexts(f)[:200] {
		f.Add("field", s)
	}
	f.Add("passport", "X1234567")
	f.Fuzz(func(t *testing.T, name, value string) {
		if missed(name, value) {
			t.Errorf("%q: %.300q is not even searched", name, value)
		}
	})
}

// JSON stays JSON, and what is not suspicious stays byte for byte.
func FuzzMaskJSON(f *testing.F) {
	for _, s := range []string{`{"a":"pnr=QWERT2","b":[{"c":4111111111111111,"card":1}]}`, `["x"]`, `"pnr: QWERT2"`, `{"a":"\ud83d\"","pnr":"QWERT2","surname":"ROSSI"}`, `{"a":1}{`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		keep := bytes.Clone(b)
		got, changed := NewMasker(nil).JSON(b)
		if !bytes.Equal(b, keep) {
			t.Fatal("the text was changed in place")
		}
		if !changed && !bytes.Equal(got, b) {
			t.Fatal("changed without saying so")
		}
		if json.Valid(b) && !json.Valid(got) {
			t.Fatalf("%s became %s", b, got)
		}
	})
}

func BenchmarkSuspicious(b *testing.B) {
	text := []byte(`{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"HOST1.example.org","UtcTime":"2024-05-01 12:00:00.123","ProcessGuid":"{747f3d96-0a1b-5f4e-0000-0010a1b2c3d4}","ProcessId":4711,"Image":"C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe","CommandLine":"powershell.exe -NoProfile -Command Get-Process | Sort-Object CPU","User":"CORP\\svc","LogonGuid":"{747f3d96-0a1b-5f4e-0000-002000000000}","Hashes":"SHA1=36C5D12033B2EAF251BAE61C00690FFB17FDDC87,MD5=CDA48FC75952AD12D99E526D0B6BF70A,SHA256=908B64B1971A979C7E3E8CE4621945CBA84854CB98D76367B791A6E22B5F6D53","ParentImage":"C:\\Windows\\explorer.exe"}`)
	b.SetBytes(int64(len(text)))
	for range b.N {
		if Suspicious(text) {
			b.Fatal("suspicious")
		}
	}
}
