package exposure

import (
	"bytes"
	"encoding/json"
	"testing"
	"testing/iotest"
)

// Whatever the bytes and however they arrive, counting ends, the bounds are in order, and the same
// bytes give the same result.
func FuzzAdd(f *testing.F) {
	f.Add([]byte("last_name,passport_no\nSmith,K1234567\n"))
	f.Add([]byte("UNB+UNOA:4+A+B+1:1+R'UNH+1+PAXLST:D:05B:UN:IATA'NAD+FL+++A:B'CNT+42:3'UNT+5+1'UNZ+1+R'"))
	f.Add([]byte("\xff\xfe{\x00\"\x00a\x00\"\x00:\x001\x00}\x00"))
	f.Add([]byte("PAR1xxxxPAR1"))
	f.Add([]byte("log UNB+UNOA:4+A'UNH+1+PNRGOV:13:1'SRC'TIF+A+B'"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var texts [2][]byte
		for i := range texts {
			c := newCounter(t)
			src := Source{"A", "x", Taken}
			var err error
			if i == 0 {
				_, err = c.Add(t.Context(), src, onlyReader{bytes.NewReader(p)})
			} else {
				_, err = c.Add(t.Context(), src, iotest.HalfReader(bytes.NewReader(p)))
			}
			if err != nil {
				t.Fatal(err)
			}
			r := c.Result()
			for _, k := range r.Orgs[0].Kinds {
				if k.Upper != nil && (k.Lower > *k.Upper || k.Estimate < k.Lower || k.Interval[0] > k.Interval[1]) {
					t.Fatalf("%+v", k)
				}
			}
			r.Picture()
			texts[i], _ = json.Marshal(r)
		}
		if !bytes.Equal(texts[0], texts[1]) {
			t.Fatalf("%s\n%s", texts[0], texts[1])
		}
		NewMasker(nil).Mask(p)
	})
}

// Whatever the parts of a spreadsheet file hold, counting a sheet ends, and the same bytes give the same result.
func FuzzSheet(f *testing.F) {
	const space = ` xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	f.Add([]byte(`<sst`+space+`><si><t>passport_no</t></si><si><r><t>K12</t></r><rPh><t>x</t></rPh><r><t>34567</t></r></si></sst>`), []byte(`<styleSheet`+space+`><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>`),
		[]byte(`<worksheet`+space+`><sheetData><row><c t="s"><v>0</v></c><c r="ZZ1"/></row><row r="2"><c r="A2" t="s"><v>1</v></c><c s="0"><v>30000.5</v></c></row></sheetData></worksheet>`))
	f.Add([]byte(`<sst><si/><si>`), []byte(`<!DOCTYPE x [<!ENTITY a "b">`), []byte(`<worksheet><row><c t="s"><v>-1</v></c><c t="s"><v>1e9`))
	f.Fuzz(func(t *testing.T, strings, styles, sheet []byte) {
		var texts [2][]byte
		for i := range texts {
			c := newCounter(t)
			w := c.Workbook()
			for _, p := range [][]byte{strings, styles, sheet} {
				if part := PartOf(p); part != NoPart && part != SheetPart {
					if err := w.Share(t.Context(), part, bytes.NewReader(p)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if _, err := c.AddSheet(t.Context(), Source{"A", "x", Taken}, w, iotest.HalfReader(bytes.NewReader(sheet))); err != nil {
				t.Fatal(err)
			}
			w.Close()
			texts[i], _ = json.Marshal(c.Result())
		}
		if !bytes.Equal(texts[0], texts[1]) {
			t.Fatalf("%s\n%s", texts[0], texts[1])
		}
	})
}

type onlyReader struct{ r *bytes.Reader }

func (o onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }
