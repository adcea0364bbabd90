package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/parquet-go/parquet-go"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// tape writes down what a Collector is told.
type tape struct {
	rows, bookings, legs int
	items                map[string]int
	people               []string
	damage               []record.Damage
	text                 bytes.Buffer
}

func (t *tape) Passenger(p *record.Passenger) {
	t.rows++
	t.people = append(t.people, fmt.Sprintf("%s|%s|%d|%s|%s|%s|%s", p.Surname, p.Given, p.Birth, p.Number, p.National, p.Nationality, p.Locator))
}
func (t *tape) Booking(_, _ []byte, _ identifier.Day, _ int64) { t.bookings++ }
func (t *tape) Item(k record.Kind, parts ...[]byte) {
	if t.items == nil {
		t.items = map[string]int{}
	}
	t.items[k.String()+" "+string(bytes.Join(parts, []byte("/")))]++
}
func (t *tape) Leg(_, _ []byte, _ identifier.Day, n int) { t.legs += n }
func (t *tape) Message(*record.Message)                  {}
func (t *tape) Damage(d record.Damage)                   { t.damage = append(t.damage, d) }

func (t *tape) out() *Out {
	return &Out{Collector: t, Text: func(p []byte) { t.text.Write(p) }}
}

// The tokeniser against encoding/csv, on rows that both should read alike.
func TestDelimitedAgainstReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	for range 400 {
		var want [][]string
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.UseCRLF = r.IntN(2) == 0
		for range 2 + r.IntN(20) {
			row := make([]string, 3+r.IntN(3))
			for i := range row {
				row[i] = []string{"plain", "", `say "hi"`, "a,b", "two\nlines", `"`, "ünï", " lead"}[r.IntN(8)] + fmt.Sprint(r.IntN(9))
			}
			want = append(want, row)
			_ = w.Write(row)
		}
		w.Flush()
		src := window{src: &text}
		for i, row := range want {
			got, _, cut, err := src.row(',')
			if err != nil || cut != 0 {
				t.Fatal(err, cut)
			}
			cells := split(nil, got, ',')
			if len(cells) != len(row) {
				t.Fatalf("row %d: %q, want %q", i, cells, row)
			}
			for k := range row {
				if string(cells[k]) != strings.ReplaceAll(row[k], "\n", map[bool]string{true: "\r\n", false: "\n"}[w.UseCRLF]) {
					t.Fatalf("row %d: %q, want %q", i, cells, row)
				}
			}
		}
	}
}

func TestRaggedAndBrokenRows(t *testing.T) {
	var text strings.Builder
	text.WriteString("last_name,first_name,passport_no,email\n")
	for i := range 300 {
		switch i % 10 {
		case 3:
			fmt.Fprintf(&text, "Smith,Anna\n") // too short
		case 5:
			fmt.Fprintf(&text, "Smith,Anna,K%07d,a%d@example.com,more,and,more\n", i, i)
		case 7:
			fmt.Fprintf(&text, "\"Smith,Anna,K%07d,a%d@example.com\n", i, i) // never closed
		default:
			fmt.Fprintf(&text, "Smith,Anna,K%07d,a%d@example.com\n", i, i)
		}
	}
	var got tape
	if err := ReadDelimited(strings.NewReader(text.String()), ',', "x", got.out()); err != nil {
		t.Fatal(err)
	}
	if len(got.people) < 230 {
		t.Errorf("%d rows of about 240 that are whole", len(got.people))
	}
}

type repeat struct {
	text string
	n    int64
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.n <= 0 {
		return 0, io.EOF
	}
	k := 0
	for k < len(p) && r.n > 0 {
		p[k] = r.text[r.at%len(r.text)]
		r.at++
		k++
		r.n--
	}
	return k, nil
}

// A line without end costs neither memory nor the rows after it.
func TestEndlessLine(t *testing.T) {
	var rows strings.Builder
	for i := range 20 {
		fmt.Fprintf(&rows, "Smith,Anna,K%07d,a%d@example.com\n", i, i)
	}
	src := io.MultiReader(strings.NewReader("last_name,first_name,passport_no,email\n"+rows.String()), &repeat{text: "abc,", n: 100 << 20}, strings.NewReader("\n"+rows.String()))
	var got tape
	if err := ReadDelimited(src, ',', "x", got.out()); err != nil {
		t.Fatal(err)
	}
	if got.rows != 40 || len(got.damage) != 1 || got.damage[0].Bytes < 98<<20 {
		t.Errorf("%d rows, damage %v", got.rows, got.damage)
	}
}

func TestTablesWithoutPeople(t *testing.T) {
	for name, text := range map[string]string{
		"conn":  "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tproto\n" + strings.Repeat("1700000000.1\tCabc123\t10.0.0.1\t10.0.0.2\ttcp\n", 50),
		"stock": "product,price,city,country\n" + strings.Repeat("Chair,12.50,Berlin,DEU\n", 50),
		"nums":  "id,value\n" + strings.Repeat("4111111111111,5\n", 50),
	} {
		var got tape
		if err := ReadDelimited(strings.NewReader(text), Sniff([]byte(text)), name, got.out()); err != nil {
			t.Fatal(err)
		}
		if got.rows+got.bookings+len(got.items) > 0 {
			t.Errorf("%s: %d rows, %v", name, got.rows, got.items)
		}
	}
}

func TestWithoutHeader(t *testing.T) {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "SMITH/ANNA MRS;K%08d;19%02d-0%d-12;user%d@example.com\n", i, 40+i%55, 1+i%9, i)
	}
	var got tape
	if err := ReadDelimited(strings.NewReader(text.String()), Sniff([]byte(text.String())), "x", got.out()); err != nil {
		t.Fatal(err)
	}
	if got.rows != 60 || got.people[0] != "SMITH|ANNA MRS|19400112|K00000000||\x00\x00\x00|" {
		t.Errorf("%d rows, first %q", got.rows, got.people[:min(1, len(got.people))])
	}
}

func TestSQLDialects(t *testing.T) {
	for name, text := range map[string]string{
		"escapes":  "INSERT INTO `p` (`last_name`,`dob`,`passport_no`) VALUES ('O\\'Neil','1964-07-12','K1234567'),('D''Arcy','1970-01-02','K7654321');",
		"standard": "insert into p (last_name, dob, passport_no) values ('C:\\', '1964-07-12', 'K1234567'), ('Smith', '1970-01-02', 'K7654321');\n-- ; '\n/* ' */",
		"postgres": "INSERT INTO public.\"p\" (\"last_name\", dob, passport_no) VALUES (E'O\\'Neil', DATE '1964-07-12', 'K1234567'), ('Smith', '1970-01-02'::date, 'K7654321') ON CONFLICT DO NOTHING;",
		"mssql":    "SET IDENTITY_INSERT [p] ON\nGO\nINSERT [dbo].[p] ([last_name], [dob], [passport_no]) VALUES (N'O''Neil', CAST(N'1964-07-12' AS Date), N'K1234567')\nINSERT [dbo].[p] ([last_name], [dob], [passport_no]) VALUES (N'Smith', N'1970-01-02', N'K7654321')\nGO\n",
		"oracle":   "INSERT ALL INTO P (LAST_NAME, DOB, PASSPORT_NO) VALUES ('Neil', TO_DATE('1964-07-12','YYYY-MM-DD'), 'K1234567') INTO P (LAST_NAME, DOB, PASSPORT_NO) VALUES ('Smith', TO_DATE('1970-01-02','YYYY-MM-DD'), 'K7654321') SELECT 1 FROM dual;",
		"create":   "CREATE TABLE IF NOT EXISTS p (id int(11) NOT NULL, last_name varchar(9) DEFAULT ',)', dob date, passport_no text, PRIMARY KEY (id, dob));\nINSERT INTO p VALUES (1,'Neil','1964-07-12','K1234567'),(2,'Smith','1970-01-02','K7654321');",
		"copy":     "COPY p (last_name, dob, passport_no) FROM stdin;\nNe\\til\t1964-07-12\tK1234567\nSmith\t1970-01-02\tK7654321\n\\.\nSELECT 1;",
	} {
		var got tape
		if err := ReadSQL(strings.NewReader(text), []byte(text), got.out()); err != nil {
			t.Fatal(err)
		}
		births := map[string]bool{}
		for _, p := range got.people {
			births[strings.Split(p, "|")[2]+strings.Split(p, "|")[3]] = true
		}
		if got.rows != 2 || !births["19640712K1234567"] || !births["19700102K7654321"] {
			t.Errorf("%s: %q", name, got.people)
		}
	}
}

// The JSON reader against encoding/json: what one refuses the other must not take for whole.
func TestJSONAgainstReference(t *testing.T) {
	for _, text := range []string{`{"a":"\ud83d\ude00\u4e2d\n","b":[1,2,{"c":null}],"d":{"e":1.5e3}}`, `[]`, `{}`, `{"a":}`, `[1,2`, `{"a":"x"`, `nul`, `"é"`, `[[[[]]]]`, `{"a" 1}`, `tru`} {
		var got tape
		err := ReadJSON(strings.NewReader(text), got.out())
		if err != nil || json.Valid([]byte(text)) != (len(got.damage) == 0) {
			t.Errorf("%s: damage %v, valid %v, %v", text, got.damage, json.Valid([]byte(text)), err)
		}
	}
	deep := strings.Repeat("[", 100000) + strings.Repeat("]", 100000)
	var got tape
	if err := ReadJSON(strings.NewReader(deep+"\n"+`{"a":1}`), got.out()); err != nil || len(got.damage) > 0 {
		t.Errorf("deep nesting: %v %v", err, got.damage)
	}
}

func TestParquet(t *testing.T) {
	type row struct {
		LastName string `parquet:"last_name"`
		Passport string `parquet:"passport_no,optional"`
		Born     int32  `parquet:"dob,date"`
		Card     string `parquet:"card_number"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b)
	for i := range 1000 {
		_, _ = w.Write([]row{{"Smith", fmt.Sprintf("K%07d", i), int32(-2000 + i), ""}})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got tape
	if err := ReadParquet(bytes.NewReader(b.Bytes()), int64(b.Len()), "x", got.out()); err != nil {
		t.Fatal(err)
	}
	if got.rows != 1000 || got.people[0] != "Smith||19640711|K0000000||\x00\x00\x00|" {
		t.Errorf("%d rows, first %q", got.rows, got.people[:1])
	}
	// Every kind of damage is an error or a shorter answer, never a panic.
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		bad := bytes.Clone(b.Bytes())
		for range 1 + r.IntN(8) {
			bad[r.IntN(len(bad))] ^= byte(1 + r.IntN(255))
		}
		var got tape
		_ = ReadParquet(bytes.NewReader(bad), int64(len(bad)), "x", got.out())
	}
}

func FuzzDelimited(f *testing.F) {
	f.Add([]byte("last_name,passport_no\nSmith,K1234567\n\"a\"\"b\",c\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var a, b tape
		d := Sniff(p)
		if d == 0 {
			d = ','
		}
		if err := ReadDelimited(bytes.NewReader(p), d, "x", a.out()); err != nil {
			t.Fatal(err)
		}
		if err := ReadDelimited(&repeat{text: string(p) + " ", n: int64(len(p))}, d, "x", b.out()); err != nil || a.rows != b.rows {
			t.Fatal("not the same twice", err)
		}
	})
}

func FuzzSQL(f *testing.F) {
	f.Add([]byte("INSERT INTO `p` (`last_name`,`dob`) VALUES ('O\\'Neil','1964-07-12'),(N'x',TO_DATE('a','b'));"))
	f.Add([]byte("COPY p (a, b) FROM stdin;\n1\t\\N\n\\.\n"))
	f.Add([]byte("CREATE TABLE p (a int, b text DEFAULT ')');INSERT ALL INTO p VALUES (1,2) SELECT 1;"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var got tape
		if err := ReadSQL(bytes.NewReader(p), p, got.out()); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"pnr":"ABC123","passengers":[{"surname":"Smith","dob":"1964-07-12","x":{"y":[1,2]}}]}`))
	f.Fuzz(func(t *testing.T, p []byte) {
		var got tape
		if err := ReadJSON(bytes.NewReader(p), got.out()); err != nil {
			t.Fatal(err)
		}
		if json.Valid(p) && len(got.damage) > 0 {
			t.Fatalf("valid JSON called damaged: %v", got.damage)
		}
	})
}

func FuzzXML(f *testing.F) {
	f.Add([]byte("<a><b x='1'>t</b><b x='2'/></a>"))
	f.Add([]byte("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x 'y'>]><a><![CDATA[<b>]]]]></a><c"))
	f.Add([]byte("<a><p><surname>A</surname><passport>K1234567</passport></p><p><surname>B</surname></p></a>"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var tapes [2]tape
		for i := range tapes {
			src := io.Reader(bytes.NewReader(p))
			if i == 1 {
				src = iotest.OneByteReader(src)
			}
			if err := ReadXML(src, p, tapes[i].out()); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(tapes[0], tapes[1]) {
			t.Fatalf("%+v\n%+v", tapes[0], tapes[1])
		}
	})
}

// However large an element is, memory is that of a row, and what was left out is said.
func TestEndlessElement(t *testing.T) {
	var out tape
	src := io.MultiReader(strings.NewReader("<a><p>"), &repeat{text: "<surname>A</surname>", n: 20 << 20}, strings.NewReader("</p><p><surname>B</surname></p></a>"))
	if err := ReadXML(src, []byte("<a><p><s>1</s></p><p><s>1</s></p></a>"), out.out()); err != nil {
		t.Fatal(err)
	}
	if len(out.damage) != 1 || out.damage[0].Bytes == 0 {
		t.Errorf("%+v", out.damage)
	}
}

// Nesting without end costs no memory that grows with it.
func TestBottomlessXML(t *testing.T) {
	var out tape
	src := io.MultiReader(strings.NewReader("<r><p/><p/>"), &repeat{text: "<a b='1'>", n: 9 << 20})
	x := &xmlRecords{in: bufio.NewReader(src), out: out.out(), depth: 1}
	if _, err := io.Copy(io.Discard, x); err != nil || cap(x.open) > 4*maxDepth {
		t.Errorf("%d levels held, %v", cap(x.open), err)
	}
}
