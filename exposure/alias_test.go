package exposure

import (
	"strings"
	"testing"
)

// A value that stands before its name is masked as one behind it is.
func TestValuesBeforeTheirNames(t *testing.T) {
	m := NewMasker(nil)
	for in, want := range map[string]string{
		"SELECT 'X1234567' AS passport_no":                                       "SELECT '[masked]' AS passport_no",
		"select N'X1234567' as [Passport No], 1 as n":                            "select N'[masked]' as [Passport No], 1 as n",
		`select 'X1234567'::text "passport_no" from dual`:                        `select '[masked]'::text "passport_no" from dual`,
		"SELECT CAST('X1234567' AS varchar(20)) AS passport_no":                  "SELECT CAST('[masked]' AS varchar(20)) AS passport_no",
		"SELECT CONVERT(varchar(20), 'X1234567') passport_number":                "SELECT CONVERT(varchar(20), '[masked]') passport_number",
		"SELECT COALESCE('X1234567', '') AS passport_no":                         "SELECT COALESCE('[masked]', '') AS passport_no",
		"SELECT 123456789 AS passport_no, 'a' AS b":                              "SELECT [masked] AS passport_no, 'a' AS b",
		"SELECT 'SMITH' AS surname, 'ANNA' AS given_name, 'QWERT2' AS pnr":       "SELECT '[masked]' AS surname, '[masked]' AS given_name, '[masked]' AS pnr",
		"SELECT 'X1234567' AS code, 'open' AS passport_office_state":             "SELECT 'X1234567' AS code, 'open' AS passport_office_state",
		"SELECT 'X1234567', y AS passport_no":                                    "SELECT 'X1234567', y AS passport_no",
		"SELECT a FROM t WHERE x = 'X1234567' ORDER BY passport_no":              "SELECT a FROM t WHERE x = 'X1234567' ORDER BY passport_no",
		"SELECT f('X1234567', passport_no) AS code FROM t; -- as passport_no":    "SELECT f('X1234567', passport_no) AS code FROM t; -- as passport_no",
		"-- don't\nSELECT 'X1234567' AS passport_no":                             "-- don't\nSELECT '[masked]' AS passport_no",
		"SELECT 'it''s' AS passport_no":                                          "SELECT 'it''s' AS passport_no",
		"SELECT surname FROM passports WHERE city = 'LONDON' AND state = 'open'": "SELECT surname FROM passports WHERE city = 'LONDON' AND state = 'open'",
	} {
		if got := m.Value("statement", in); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", in, got, want)
		}
	}
	// What was named once is masked in the whole record.
	fields := []Field{{"statement", "SELECT 'X1234567' AS passport_no"}, {"note", "about x1234567"}}
	if m.Record(fields); fields[1].Value != "about [masked]" {
		t.Errorf("%+v", fields)
	}
}

func FuzzAliases(f *testing.F) {
	f.Add("SELECT CAST('X1234567' AS varchar(20)) AS passport_no, 'b' \"c\"")
	f.Add("'''' ) ( as [ :: `")
	f.Fuzz(func(t *testing.T, text string) {
		for _, a := range aliases([]byte(text)) {
			if !strings.Contains(text, a.Value) || !strings.Contains(text, a.Name) || a.Value == "" {
				t.Fatalf("%+v", a)
			}
		}
		NewMasker(nil).Value("", text)
	})
}
