package table

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

var printedColumns = []string{"passenger_id", "record_locator", "surname", "given_name", "date_of_birth", "passport_no", "email"}

// printedRows are made-up passengers; some cells are empty, some are not ASCII.
func printedRows(r *rand.Rand, n int) [][]string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	var rows [][]string
	for i := range n {
		locator := make([]byte, 6)
		for k := range locator {
			locator[k] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"[r.IntN(32)]
		}
		rows = append(rows, []string{fmt.Sprint(i + 1), string(locator), pick("Almeida", "Brandt", "Öztürk", "Ó Briain", "Šimková"), pick("Anna", "Ben", "Zoë", "Mai Linh"),
			fmt.Sprintf("19%d-%02d-%02d", 40+r.IntN(60), 1+r.IntN(12), 1+r.IntN(28)), fmt.Sprintf("%c%07d", 'C'+rune(r.IntN(8)), r.IntN(1e7)), pick(fmt.Sprintf("p%d@example.org", i), "")})
	}
	return rows
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s))) }

// widths are the columns' in characters, the names' among them.
func widths(rows [][]string) []int {
	w := make([]int, len(printedColumns))
	for _, row := range append([][]string{printedColumns}, rows...) {
		for i, c := range row {
			w[i] = max(w[i], utf8.RuneCountInString(c))
		}
	}
	return w
}

// drawn prints columns with something between, before and after them, and what is above the names, below them and below the last row.
func drawn(rows [][]string, before, between, after string, ruled func(w []int) (above, below, last string)) string {
	w := widths(rows)
	above, below, last := ruled(w)
	var b strings.Builder
	b.WriteString(above)
	for i, row := range append([][]string{printedColumns}, rows...) {
		b.WriteString(before)
		for k, c := range row {
			if k > 0 {
				b.WriteString(between)
			}
			b.WriteString(pad(c, w[k]))
		}
		b.WriteString(after + "\n")
		if i == 0 {
			b.WriteString(below)
		}
	}
	return b.String() + last
}

func ruledBy(left, dash, cross, right string, more int, w []int) string {
	parts := make([]string, len(w))
	for i, n := range w {
		parts[i] = strings.Repeat(dash, n+more)
	}
	return left + strings.Join(parts, cross) + right + "\n"
}

// printedForms are what clients write of the same rows.
var printedForms = map[string]func([][]string) string{
	"psql": func(rows [][]string) string {
		return "Output format is aligned.\n" + drawn(rows, " ", " | ", "", func(w []int) (string, string, string) {
			return "", ruledBy("", "-", "+", "", 2, w), fmt.Sprintf("(%d rows)\n\n", len(rows))
		})
	},
	"mysql": func(rows [][]string) string {
		return drawn(rows, "| ", " | ", " |", func(w []int) (string, string, string) {
			bar := ruledBy("+", "-", "+", "+", 2, w)
			return bar, bar, bar + fmt.Sprintf("%d rows in set (0.00 sec)\n", len(rows))
		})
	},
	"sqlite box": func(rows [][]string) string {
		return drawn(rows, "│ ", " │ ", " │", func(w []int) (string, string, string) {
			return ruledBy("┌", "─", "┬", "┐", 2, w), ruledBy("├", "─", "┼", "┤", 2, w), ruledBy("└", "─", "┴", "┘", 2, w)
		})
	},
	"Markdown": func(rows [][]string) string {
		return drawn(rows, "| ", " | ", " |", func(w []int) (string, string, string) { return "", ruledBy("|:", "-", "|:", "|", 1, w), "" })
	},
	"sqlcmd": func(rows [][]string) string {
		return strings.ReplaceAll(drawn(rows, "", " ", "", func(w []int) (string, string, string) {
			return "Changed database context.\n", ruledBy("", "-", " ", "", 0, w), fmt.Sprintf("\n(%d rows affected)\n", len(rows))
		}), "\n", "\r\n")
	},
	"Format-Table": func(rows [][]string) string {
		w := widths(rows)
		var b strings.Builder
		for i, row := range append([][]string{printedColumns}, rows...) {
			line := strings.Repeat(" ", w[0]-utf8.RuneCountInString(row[0])) + row[0] // numbers are set to the right
			for k, c := range row[1:] {
				line += " " + pad(c, w[k+1])
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			if i == 0 {
				line = strings.Repeat(" ", w[0]-len(row[0])) + strings.Repeat("-", len(row[0]))
				for k, c := range row[1:] {
					line += " " + pad(strings.Repeat("-", len(c)), w[k+1])
				}
				b.WriteString(line + "\n")
			}
		}
		return b.String()
	},
	"SQL*Plus": func(rows [][]string) string { return "SQL> SELECT * FROM passenger;\n" + plus(rows, 25, []int{0, 7}) },
	"SQL*Plus, wrapped": func(rows [][]string) string {
		return "SQL> SELECT * FROM passenger;\n" + plus(rows, 14, []int{0, 3, 5, 7})
	},
	"mysql, a field a line": func(rows [][]string) string {
		return fields(rows, func(i int) string { s := strings.Repeat("*", 27); return fmt.Sprintf("%s %d. row %s\n", s, i+1, s) }, ": ", true)
	},
	"psql, a field a line": func(rows [][]string) string {
		return fields(rows, func(i int) string { return fmt.Sprintf("-[ RECORD %d ]--+-----\n", i+1) }, " | ", false)
	},
	"Format-List": func(rows [][]string) string { return fields(rows, func(int) string { return "\n" }, " : ", false) },
}

// plus prints pages, each record over as many lines as there are parts.
func plus(rows [][]string, page int, parts []int) string {
	w := widths(rows)
	var b strings.Builder
	put := func(row []string, from, to int) {
		var line []string
		for k := from; k < to; k++ {
			line = append(line, pad(row[k], w[k]))
		}
		b.WriteString(strings.Join(line, " ") + "\n")
	}
	for i, row := range rows {
		if i%page == 0 {
			b.WriteString("\n")
		}
		for p := range parts[1:] {
			if i%page == 0 {
				put(printedColumns, parts[p], parts[p+1])
				b.WriteString(ruledBy("", "-", " ", "", 0, w[parts[p]:parts[p+1]]))
			}
		}
		for p := range parts[1:] {
			put(row, parts[p], parts[p+1])
		}
		if len(parts) > 2 {
			b.WriteString("\n")
		}
	}
	return b.String() + fmt.Sprintf("\n%d rows selected.\n\nSQL> exit\n", len(rows))
}

func fields(rows [][]string, head func(int) string, between string, right bool) string {
	var b strings.Builder
	for i, row := range rows {
		b.WriteString(head(i))
		for k, c := range row {
			name := pad(printedColumns[k], 14)
			if right {
				name = fmt.Sprintf("%14s", printedColumns[k])
			}
			b.WriteString(strings.TrimRight(name+between+c, " ") + "\n")
		}
	}
	return b.String()
}

// TestPrintedTablesCountAsTheirRows holds every form against the same rows as CSV.
func TestPrintedTablesCountAsTheirRows(t *testing.T) {
	for seed := range uint64(6) {
		rows := printedRows(rand.New(rand.NewPCG(seed, 9)), []int{1, 2, 40, 256, 257, 700}[seed])
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		_ = w.WriteAll(append([][]string{printedColumns}, rows...))
		var want tape
		if err := ReadDelimited(&text, ',', "t", want.out()); err != nil || want.rows != len(rows) {
			t.Fatal(err, want.rows)
		}
		for form, write := range printedForms {
			printed := write(rows)
			if !IsPrinted([]byte(printed)) && (len(rows) > 1 || form != "Format-List") {
				t.Errorf("%s, %d rows: not recognised:\n%.500s", form, len(rows), printed)
				continue
			}
			var got tape
			if err := ReadPrinted(iotest.HalfReader(strings.NewReader(printed)), "t", got.out()); err != nil || len(got.damage) > 0 {
				t.Errorf("%s: %v %v", form, err, got.damage)
			}
			if got.rows != want.rows || got.bookings != want.bookings || !reflect.DeepEqual(got.people, want.people) || !reflect.DeepEqual(got.items, want.items) {
				t.Errorf("%s: %d rows, %d bookings, %d items; as CSV %d, %d, %d\n%.700s", form, got.rows, got.bookings, len(got.items), want.rows, want.bookings, len(want.items), printed)
			}
		}
	}
}

// TestWhatIsPrintedAroundTablesIsText: nothing that is no row of a person is lost, or cut.
func TestWhatIsPrintedAroundTablesIsText(t *testing.T) {
	rows := printedRows(rand.New(rand.NewPCG(1, 2)), 30)
	text := "Passport: C1234567 of the first page\n\n" + printedForms["psql"](rows) + "\n id | what\n----+---\n 1  | Passport no C7654321\n(1 row)\n\n" +
		printedForms["sqlcmd"](rows) + "\nNote: passport C1111111\n-- ---\nodd\n" + printedForms["Format-List"](rows[:3]) + "\nlast line\n"
	var got tape
	if err := ReadPrinted(strings.NewReader(text), "t", got.out()); err != nil {
		t.Fatal(err)
	}
	if got.rows != 63 {
		t.Errorf("%d rows", got.rows)
	}
	for _, line := range []string{"Passport: C1234567 of the first page\n", " 1  | Passport no C7654321\n", "Note: passport C1111111\n", "odd\n", "(30 rows)\n", "(30 rows affected)\n", "last line\n"} {
		if !strings.Contains(got.text.String(), line) {
			t.Errorf("%q is not handed on", line)
		}
	}
	if s := got.text.String(); strings.Contains(s, rows[0][5]) {
		t.Errorf("a row that was counted is text, too: %q", s)
	}
	for _, text := range []string{"", "a,b\n1,2\n", "name,date\n---,---\n", "just text\n----------\nand more\n", "Host: a\nUser: b\n\nHost: c\nUser: d\n", "a\t b\n--\t--\n"} {
		if IsPrinted([]byte(text)) {
			t.Errorf("%q counts as printed", text)
		}
	}
}

func TestOverlongPrintedLineIsDamage(t *testing.T) {
	rows := printedRows(rand.New(rand.NewPCG(3, 2)), 20)
	text := printedForms["sqlcmd"](rows[:10]) + strings.Repeat("x", 3*MaxRow) + "\n" + printedForms["sqlcmd"](rows[10:])
	var got tape
	if err := ReadPrinted(strings.NewReader(text), "t", got.out()); err != nil || got.rows != 20 || len(got.damage) != 1 {
		t.Errorf("%v, %d rows, %v", err, got.rows, got.damage)
	}
	if d := got.damage[0]; d.Offset != int64(len(printedForms["sqlcmd"](rows[:10]))) || d.Bytes != 2*MaxRow+1 {
		t.Errorf("%+v", d)
	}
}

// FuzzPrinted holds counting to what was drawn, and the reader to ending alike whatever pieces the text comes in.
func FuzzPrinted(f *testing.F) {
	rows := printedRows(rand.New(rand.NewPCG(4, 2)), 3)
	for _, write := range printedForms {
		f.Add(write(rows))
	}
	f.Fuzz(func(t *testing.T, text string) {
		IsPrinted([]byte(text))
		var got, again tape
		if err := ReadPrinted(strings.NewReader(text), "t", got.out()); err != nil {
			t.Fatal(err)
		}
		if err := ReadPrinted(iotest.OneByteReader(strings.NewReader(text)), "t", again.out()); err != nil {
			t.Fatal(err)
		}
		if got.rows != again.rows || !reflect.DeepEqual(got.items, again.items) || got.text.String() != again.text.String() {
			t.Errorf("%d and %d rows", got.rows, again.rows)
		}
		if got.rows > strings.Count(text, "\n")+1 {
			t.Errorf("%d rows of %q", got.rows, text)
		}
	})
}
