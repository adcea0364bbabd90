package census

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/evidence/archive"
	"github.com/contrail-ir/contrail/exposure"
)

// spreadsheet says how a workbook is written: programs differ.
type spreadsheet struct {
	title     bool // a row above the names of columns
	inline    bool // strings stand in the cells
	since1904 bool
	ordered   bool // the tables stand before the sheets
	sparse    bool // cells say no place
	prefix    string
}

type zipMember struct{ name, text string }

func zippedInOrder(t testing.TB, members []zipMember) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range members {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, m.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// members writes rows as the parts of a workbook. Days become serial numbers of a style that shows them.
func (s spreadsheet) members(rows [][]string) []zipMember {
	const namespace = `"http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	p, colon := s.prefix, ""
	attr := "xmlns=" + namespace
	if p != "" {
		colon, attr = p+":", "xmlns:"+p+"="+namespace
	}
	begin := func(element string) string {
		return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\r\n<" + colon + element + " " + attr + ">"
	}
	var shared []string
	numbers := map[string]int{}
	var sheet, strs strings.Builder
	fmt.Fprintf(&sheet, "%s<%scols/><%ssheetData>", begin("worksheet"), colon, colon)
	if s.title {
		rows = append([][]string{{"Passengers of March"}, nil}, rows...)
	}
	first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if s.since1904 {
		first = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	for i, row := range rows {
		fmt.Fprintf(&sheet, `<%srow r="%d" spans="1:9">`, colon, i+1)
		for k, v := range row {
			place := fmt.Sprintf(` r="%s%d"`, string(rune('A'+k)), i+1)
			if s.sparse {
				place = ""
			} else if v == "" {
				continue
			}
			day, err := time.Parse(time.DateOnly, v)
			switch {
			case err == nil:
				fmt.Fprintf(&sheet, `<%sc%s s="%d"><%sv>%d</%sv></%sc>`, colon, place, 1+k%2, colon, int(day.Sub(first).Hours()/24), colon, colon)
			case s.inline:
				fmt.Fprintf(&sheet, `<%sc%s t="inlineStr"><%sis><%st xml:space="preserve">%s</%st></%sis></%sc>`, colon, place, colon, colon, escaped(v), colon, colon, colon)
			case k == 4:
				fmt.Fprintf(&sheet, `<%sc%s t="str"><%sf>UPPER("%s")</%sf><%sv>%s</%sv></%sc>`, colon, place, colon, escaped(v), colon, colon, escaped(v), colon, colon)
			default:
				n, ok := numbers[v]
				if !ok {
					n = len(shared)
					numbers[v] = n
					shared = append(shared, v)
				}
				fmt.Fprintf(&sheet, `<%sc%s t="s"><%sv>%d</%sv></%sc>`, colon, place, colon, n, colon, colon)
			}
		}
		fmt.Fprintf(&sheet, "</%srow>", colon)
	}
	fmt.Fprintf(&sheet, "</%ssheetData></%sworksheet>", colon, colon)
	strs.WriteString(begin("sst"))
	for i, v := range shared {
		half := len(v) / 2
		for half > 0 && half < len(v) && v[half]&0xc0 == 0x80 {
			half++
		}
		if i%3 == 0 { // in runs, with how it is pronounced
			fmt.Fprintf(&strs, `<%ssi><%sr><%st>%s</%st></%sr><%srPh sb="0" eb="1"><%st>NOBODY</%st></%srPh><%sr><%st>%s</%st></%sr></%ssi>`,
				colon, colon, colon, escaped(v[:half]), colon, colon, colon, colon, colon, colon, colon, colon, escaped(v[half:]), colon, colon, colon)
		} else {
			fmt.Fprintf(&strs, "<%ssi><%st>%s</%st></%ssi>", colon, colon, escaped(v), colon, colon)
		}
	}
	fmt.Fprintf(&strs, "</%ssst>", colon)
	styles := begin("styleSheet") + strings.ReplaceAll(`<@numFmts count="2"><@numFmt numFmtId="164" formatCode="&quot;on &quot;dd\/mm\/yyyy"/><@numFmt numFmtId="165" formatCode="[Red]0.0&quot;days&quot;"/></@numFmts>`+
		`<@cellStyleXfs><@xf numFmtId="14"/></@cellStyleXfs><@cellXfs count="3"><@xf numFmtId="0"/><@xf numFmtId="14"/><@xf numFmtId="164"/><@xf numFmtId="165"/></@cellXfs></@styleSheet>`, "@", colon)
	book := begin("workbook") + fmt.Sprintf(`<%sworkbookPr date1904="%t"/><%ssheets/></%sworkbook>`, colon, s.since1904, colon, colon)
	all := []zipMember{{"[Content_Types].xml", "<Types/>"}, {"xl/workbook.xml", book}, {"xl/worksheets/sheet1.xml", sheet.String()}, {"xl/styles.xml", styles}, {"xl/sharedStrings.xml", strs.String()}}
	if s.ordered {
		slices.Reverse(all)
	}
	return all
}

// A spreadsheet of passengers is counted as the same rows are that stand in a CSV, whichever program wrote it.
func TestSpreadsheetsAreCountedAsTables(t *testing.T) {
	text := form(t, 5, "csv")
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want, complete := count(t, question(folder(t, map[string][]byte{"pax.csv": text})))
	if !complete || persons(want, "A").Exact == nil {
		t.Fatalf("complete %v, %+v", complete, persons(want, "A"))
	}
	for name, s := range map[string]spreadsheet{
		"plain": {}, "title": {title: true}, "inline": {inline: true, ordered: true}, "1904": {since1904: true}, "sparse": {sparse: true, ordered: true}, "prefixed": {prefix: "x"},
	} {
		got, complete := count(t, question(folder(t, map[string][]byte{"pax.xlsx": zippedInOrder(t, s.members(rows))})))
		if !complete || len(got.Unread) > 0 {
			t.Errorf("%s: complete %v, unread %+v", name, complete, got.Unread)
		}
		if a, b := got.Orgs[0].Kinds, want.Orgs[0].Kinds; !reflect.DeepEqual(a, b) {
			for i := range a {
				if i < len(b) && !reflect.DeepEqual(a[i], b[i]) {
					t.Errorf("%s: %+v, of the CSV %+v", name, a[i], b[i])
				}
			}
			t.Errorf("%s: %d kinds, of the CSV %d", name, len(a), len(b))
		}
		if !reflect.DeepEqual(got.Orgs[0].Dates, want.Orgs[0].Dates) {
			t.Errorf("%s: days %+v", name, got.Orgs[0].Dates)
		}
	}
	// One within another, and two beside each other: each has its own strings.
	inner := spreadsheet{}.members(rows)
	other, err := csv.NewReader(bytes.NewReader(form(t, 6, "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	outer := append(spreadsheet{}.members(other), zipMember{"xl/embeddings/list.xlsx", string(zippedInOrder(t, inner))})
	got, complete := count(t, question(folder(t, map[string][]byte{"outer.xlsx": zippedInOrder(t, outer), "inner.xlsx": zippedInOrder(t, inner)})))
	if p := persons(got, "A"); !complete || p.Exact == nil || *p.Exact != different(5, 6) {
		t.Errorf("complete %v, %+v, want %d", complete, p, different(5, 6))
	}
}

// What is missing or cut is told, and takes the upper bound.
func TestSpreadsheetsThatAreBroken(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(form(t, 5, "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	members := spreadsheet{}.members(rows)
	without := slices.DeleteFunc(slices.Clone(members), func(m zipMember) bool { return m.name == "xl/sharedStrings.xml" })
	cut := slices.Clone(members)
	for i := range cut {
		cut[i].text = cut[i].text[:len(cut[i].text)*2/3]
	}
	whole := zippedInOrder(t, members)
	for name, b := range map[string][]byte{"without": zippedInOrder(t, without), "cut": zippedInOrder(t, cut), "half": whole[:len(whole)/2]} {
		got, complete := count(t, question(folder(t, map[string][]byte{"pax.xlsx": b})))
		if complete || len(got.Orgs) == 0 || persons(got, "A").Upper != nil {
			t.Errorf("%s: complete %v, %+v", name, complete, got.Orgs)
		}
	}
}

// A string of the table that is named over and over does not make a small file endless work, nor does what an archive unpacks to.
func TestSpreadsheetsThatGrow(t *testing.T) {
	long := strings.Repeat("passenger ", 6000)
	const repeated = 1_000
	sheet := `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + strings.Repeat(`<row><c t="s"><v>0</v></c></row>`, repeated) + `</sheetData></worksheet>`
	strs := `<!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>` + long + `&b;&c;</t></si></sst>`
	q := question(folder(t, map[string][]byte{"grows.xlsx": zippedInOrder(t, []zipMember{{"xl/sharedStrings.xml", strs}, {"xl/worksheets/sheet1.xml", sheet}})}))
	got, complete := count(t, q)
	if complete || !told(got, "beyond the limits") {
		t.Errorf("complete %v, %+v", complete, got.Orgs[0].Files)
	}
	bomb := zippedInOrder(t, []zipMember{{"xl/sharedStrings.xml", strs}, {"xl/worksheets/sheet1.xml", sheet[:len(sheet)-12] + strings.Repeat(" ", 4<<20)}})
	q = question(folder(t, map[string][]byte{"bomb.xlsx": bomb}))
	q.Limits = archive.Limits{Ratio: 20, Grace: 1 << 20}
	if got, complete = count(t, q); complete || !told(got, "limit") {
		t.Errorf("complete %v, %+v", complete, got.Orgs)
	}
}

func told(r *exposure.Result, reason string) bool {
	var all []error
	for _, o := range r.Orgs {
		for _, f := range o.Files {
			for _, d := range f.Damage {
				all = append(all, errors.New(d.Reason))
			}
		}
	}
	return strings.Contains(fmt.Sprint(all), reason)
}
