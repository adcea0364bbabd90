package exposure

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/unicode/norm"
)

var formRows = [][4]string{
	{"LINDQVIST", "ASTRID", "X1234567", "1980-05-06"},
	{"OKONKWO", "CHINEDU", "B2345678", "1971-11-20"},
	{"TAVARES", "BEATRIZ", "C3456789", "1992-02-29"},
}

func rowsAs(format string) string {
	var b strings.Builder
	for _, r := range formRows {
		fmt.Fprintf(&b, format, r[0], r[1], r[2], r[3])
	}
	return b.String()
}

// The same three people in forms in which data leave; each was once counted as nobody, or as fewer.
func TestFormsInWhichDataLeave(t *testing.T) {
	comma := "surname,given_name,passport_no,date_of_birth\n" + rowsAs("%s,%s,%s,%s\n")
	wide, err := utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM).NewEncoder().String(comma)
	if err != nil {
		t.Fatal(err)
	}
	hexed := ""
	for _, r := range formRows {
		hexed += fmt.Sprintf("INSERT INTO pax (surname,given_name,passport_no,date_of_birth) VALUES (0x%s,X'%s',0x%s,'%s');\n",
			hex.EncodeToString([]byte(r[0])), hex.EncodeToString([]byte(r[1])), hex.EncodeToString([]byte(r[2])), r[3])
	}
	object := `{"surname":"%s","given_name":"%s","passport_no":"%s","date_of_birth":"%s"}`
	inText := ""
	for line := range strings.Lines(rowsAs(object + "\n")) {
		quoted, _ := json.Marshal(strings.TrimSpace(line))
		inText += `{"offset":1,"message":` + string(quoted) + "}\n"
	}
	for name, text := range map[string]string{
		"carriage returns alone": strings.ReplaceAll(comma, "\n", "\r"),
		"UTF-32 without mark":    wide,
		"German names":           "Nachname;Vorname;Reisepassnummer;Geburtsdatum\n" + rowsAs("%s;%s;%s;%s\n"),
		"Russian names":          "Фамилия,Имя,Паспорт,Дата рождения\n" + rowsAs("%s,%s,%s,%s\n"),
		"French names":           "Nom,Prénom,Numéro de passeport,Date de naissance\n" + rowsAs("%s,%s,%s,%s\n"),
		"Japanese names":         "苗字,下の名前,パスポート番号,生年月日\n" + rowsAs("%s,%s,%s,%s\n"),
		"Oracle's quotes": rowsAs("Insert into PAX (SURNAME,GIVEN_NAME,PASSPORT_NO,DATE_OF_BIRTH) values (q'[%s]',nq'!%s!',q'{%s}',to_date('%s','YYYY-MM-DD'));\n") +
			"Insert into PAX (SURNAME,GIVEN_NAME,PASSPORT_NO,DATE_OF_BIRTH) values (q'[LINDQVIST]','ASTRID','X1234567',q'(1980-05-06)');\n",
		"binary literals":             hexed,
		"search engine's dump":        rowsAs(`{"_index":"pax","_source":` + object + "}\n"),
		"change events":               rowsAs(`{"op":"c","before":null,"after":` + object + "}\n"),
		"JSON in a string":            inText,
		"XML elements":                "<?xml version=\"1.0\"?>\n<list><head><made>now</made></head>" + rowsAs("<p><surname>%s</surname><given_name>%s</given_name><doc:passport_no>%s</doc:passport_no><dob>%s</dob></p>\n") + "</list>",
		"XML attributes":              "<list>" + rowsAs("<p surname='%s' given_name=\"%s\" passport_no = '%s' date_of_birth='%s'/>") + "</list>",
		"XML dump of a table":         "<resultset>" + rowsAs(`<row><field name="surname">%s</field><field name="given_name">%s</field><field name="passport_no">%s</field><field name="date_of_birth">%s</field></row>`) + "</resultset>",
		"XML in CDATA and references": "<l>" + rowsAs("<p><surname><![CDATA[%s]]></surname><given_name>%s</given_name><passport_no>&#x20;%s</passport_no><dob>%s</dob></p>") + "</l>",
		"nested XML": "<b><booking><pnr>AB3DEF</pnr><passengers>" + rowsAs("<passenger><name><surname>%s</surname><given>%s</given></name><document><number>%s</number></document><dob>%s</dob></passenger>") +
			"</passengers></booking><booking><pnr>AB3DEG</pnr></booking></b>",
		"decomposed accents": comma + norm.NFD.String("LINDQVIST,ÅSTRID,X1234567,1980-05-06\n"),
	} {
		c := newCounter(t)
		if _, err := c.Add(context.Background(), Source{"A", "x", Taken}, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		r := c.Result()
		wantExact(t, name, kind(t, r, "A", "person", Taken), 3)
		if name != "nested XML" { // a "number" says less than it should there
			wantExact(t, name, kind(t, r, "A", "travel-document", Taken), 3)
		}
	}
}

// Two spellings of one name in Unicode are one person.
func TestComposedAndDecomposedNamesAreOnePerson(t *testing.T) {
	c := newCounter(t)
	text := "surname,given_name,date_of_birth,email\nMuñoz,José,1980-05-16,\nÅkesson,Åsa,1981-02-22,\n"
	for _, s := range []string{text, norm.NFD.String(text)} {
		if _, err := c.Add(context.Background(), Source{"A", "x", Taken}, strings.NewReader(s)); err != nil {
			t.Fatal(err)
		}
	}
	wantExact(t, "persons", kind(t, c.Result(), "A", "person", Taken), 2)
}

const interchange = "UNA:+.? '\nUNB+IATA:1+DX+GOV+260301:0801+7001'\nUNH+1+PNRGOV:11:1:IA+AB77'\nMSG+:22'\nORG+DX:ARN'\nTVL+020326:0800+ARN+FRA+DX+431'\nEQN+2'\n" +
	"SRC'\nRCI+DX:AB3DEF::010226:1200'\nTIF+LINDQVIST+ASTRID:A:1'\nSRC'\nRCI+DX:AB3DEG::010226:1200'\nTIF+OKONKWO+CHINEDU:A:1'\nTIF+TAVARES+BEATRIZ:A:2'\nUNT+13+1'\nUNZ+1+7001'\n"

func TestInterchangesThatEndOrDeclareMore(t *testing.T) {
	other := strings.NewReplacer("UNA:+.? '", "UNA|^.~ $", ":", "|", "+", "^", "'", "$").Replace(strings.ReplaceAll(interchange, "DEF", "DEX"))
	for name, c := range map[string]struct {
		text  string
		lower uint64
		exact bool
		open  bool // nothing bounds it from above
		upper uint64
	}{
		"whole": {text: interchange, lower: 3, exact: true},
		"the advice of one interchange is not for the next":     {text: other + strings.TrimPrefix(interchange, "UNA:+.? '\n"), lower: 6, exact: true},
		"breaks off in a message":                               {text: interchange[:strings.Index(interchange, "TIF+TAV")], lower: 2, open: true},
		"breaks off between messages":                           {text: interchange[:strings.Index(interchange, "UNZ")], lower: 3, open: true},
		"declares bookings that are not there":                  {text: strings.ReplaceAll(strings.ReplaceAll(interchange, "EQN+2", "EQN+9"), "TAVARES", "TAVARES"), lower: 3, upper: 9},
		"declares more than the bookings, less than passengers": {text: strings.ReplaceAll(strings.Replace(interchange, "TIF+TAV", "TIF+A+B:A:3'\nTIF+C+D:A:4'\nTIF+TAV", 1), "EQN+2", "EQN+4"), lower: 5, upper: 7},
	} {
		counter := newCounter(t)
		if _, err := counter.Add(context.Background(), Source{"A", "x", Taken}, strings.NewReader(c.text)); err != nil {
			t.Fatal(err)
		}
		k := kind(t, counter.Result(), "A", "passenger-record", Taken)
		if k.Lower != c.lower || (k.Exact != nil) != c.exact || (k.Upper == nil) != c.open || c.upper > 0 && *k.Upper != c.upper {
			t.Errorf("%s: %+v, upper %v", name, k, show(k.Upper))
		}
	}
}

func TestLabelsAndOrdinaryWords(t *testing.T) {
	for text, secret := range map[string]string{
		"Booking reference: QW7RTY":                 "QW7RTY",
		"PNR number QWERTZ":                         "QWERTZ",
		"the passport X1234567 was used":            "X1234567",
		"copy \"passport number X1234567\"":         "X1234567",
		"frequent flyer number: DX123456789":        "DX123456789",
		"passport X1234567.pdf":                     "X1234567",
		"e-ticket 117 2401234569 was issued":        "2401234569",
		"mrz1: " + zones[0] + "\nmrz2: " + zones[1]: "X1234567",
	} {
		if got := MaskString(text); strings.Contains(got, secret) || !strings.Contains(got, "masked") {
			t.Errorf("%q became %q", text, got)
		}
	}
	for _, text := range []string{"PNR: STATUS", "locator = \"FORMAT\"", "const PNR = RECORD", "passport version 1234567", "passport v1234567 released", "PNR GATEWY", "pnr ABC123.internal-host.example", "locator 123456"} {
		if got := MaskString(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

var zones = [2]string{"P<SWELINDQVIST<<ASTRID<MARIA<<<<<<<<<<<<<<<<", "X1234567<7SWE8005067F3001019<<<<<<<<<<<<<<<4"}

func TestNamesOfFilesHoldNoValue(t *testing.T) {
	m := NewMasker(nil)
	for name, secret := range map[string]string{
		"loot/passport_X1234567/scan.txt":  "X1234567",
		"PNR XK4P2L.json":                  "XK4P2L",
		"PNR_XK4P2L.pdf":                   "XK4P2L",
		"card_number_4532015112830366.csv": "4532015112830366",
		"a.zip!ticket 117-2401234567.sql":  "2401234567",
		"passport number X1234567.csv":     "X1234567",
	} {
		if got := m.Name(name); strings.Contains(got, secret) {
			t.Errorf("%q became %q", name, got)
		}
	}
	for _, name := range []string{"pnr_export_2024.csv", "PNR_EXPORT.csv", "Windows/System32/winevt/Logs/Security.evtx", "u_ex240501.log"} {
		if got := m.Name(name); got != name {
			t.Errorf("%q became %q", name, got)
		}
	}
	c := newCounter(t)
	for _, name := range []string{"passport_X1234567.csv", "PNR_XK4P2L.zip!a.json"} {
		if _, err := c.Add(context.Background(), Source{"A", name, Taken}, strings.NewReader("surname,passport_no\nA,K1234567\n")); err != nil {
			t.Fatal(err)
		}
	}
	c.Lose(Loss{Org: "A", Status: Taken, Name: "PNR_XK4P2M.7z", Reason: "encrypted", Bytes: 1000, Sealed: true})
	text, err := json.Marshal(c.Result())
	for _, secret := range []string{"X1234567", "XK4P2L", "XK4P2M"} {
		if err != nil || bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s is in %s", secret, text)
		}
	}
}

// What cannot be looked into is not the same as nothing.
func TestNothingIsNotSaidOfWhatCannotBeRead(t *testing.T) {
	c := newCounter(t)
	c.Lose(Loss{Org: "A", Status: Taken, Name: "x.xlsx", Reason: "not looked into", Open: true})
	k := kind(t, c.Result(), "A", "passenger-record", Taken)
	if k.Exact != nil || k.Upper != nil || k.Lower != 0 || len(k.Why) == 0 {
		t.Errorf("%+v", k)
	}
}

// Dumps as programs write them; each once lost rows without a word, or did not say that it ends too early.
func TestDumpsLoseNoRow(t *testing.T) {
	create := "CREATE TABLE pax (surname text, given_name text, passport_no text, dob text, remark text);\n"
	many := ""
	for i := range 1100 {
		many += fmt.Sprintf("CREATE TABLE t%d (a int);\nINSERT INTO t%d VALUES (1);\n", i, i)
	}
	ordinary := rowsAs("INSERT INTO pax (surname,given_name,passport_no,dob) VALUES ('%s','%s','%s','%s');\n")
	for name, c := range map[string]struct {
		text string
		open bool
	}{
		"dollar quotes": {text: create + "CREATE FUNCTION f() RETURNS x AS $$ INSERT INTO log VALUES ('it'); $ $$;\n" +
			rowsAs("INSERT INTO pax VALUES ($$%s$$,$a$%s$a$,'%s','%s',$q$it's (fine), $$; ok$q$);\n")},
		"MySQL's $$":                {text: "-- MySQL dump\nDELIMITER $$\nCREATE PROCEDURE a() BEGIN SELECT 1; END$$\nCREATE PROCEDURE b() BEGIN SELECT 2; END$$\nDELIMITER ;\n" + ordinary},
		"a delimiter of COPY's own": {text: "COPY pax (surname, given_name, passport_no, dob) FROM stdin WITH DELIMITER AS '|';\n" + rowsAs("%s|%s|%s|%s\n") + "\\.\n"},
		"more tables than are open": {text: many + create + rowsAs("INSERT INTO pax VALUES ('%s','%s','%s','%s',NULL);\n") + "INSERT INTO t0 VALUES (2);\n"},
		"ends inside a row":         {text: ordinary + "INSERT INTO pax (surname,given_name) VALUES ('OTHER','SOM", open: true},
		"COPY without its end":      {text: "COPY pax (surname, given_name, passport_no, dob) FROM stdin;\n" + rowsAs("%s\t%s\t%s\t%s\n"), open: true},
		"XML without its end":       {text: "<l>" + rowsAs("<p><surname>%s</surname><given>%s</given><passport>%s</passport><dob>%s</dob></p>"), open: true},
	} {
		counter := newCounter(t)
		if _, err := counter.Add(context.Background(), Source{"A", "x", Taken}, strings.NewReader(c.text)); err != nil {
			t.Fatal(err)
		}
		k := kind(t, counter.Result(), "A", "travel-document", Taken)
		if k.Lower != 3 || (k.Exact == nil) != c.open || (k.Upper == nil) != c.open {
			t.Errorf("%s: %+v", name, k)
		}
	}
}
