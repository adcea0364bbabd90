package table

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/exposure/internal/identifier"
	"github.com/contrail-ir/contrail/exposure/internal/record"
)

// rowsOf gives every row that a reader hands on, with the offset after it, and the damage.
func rowsOf(t testing.TB, text string, slow, backslash bool, buffer int) (out []string) {
	t.Helper()
	c := &collected{}
	s := sqlReader{in: bufio.NewReaderSize(strings.NewReader(text), buffer), out: &Out{Collector: c, Text: func(p []byte) { out = append(out, string(p)) }}, tables: map[string]*sqlTable{}, slow: slow, backslash: backslash}
	err := s.read()
	for _, opened := range s.open {
		tb := opened.table
		for i := range tb.rows {
			row := ""
			for _, cell := range tb.sampled(i) {
				row += fmt.Sprintf("%q,", cell)
			}
			out = append(out, row)
		}
		tb.Close()
	}
	return append(out, fmt.Sprint(s.at, err, c.damage))
}

type collected struct{ damage []record.Damage }

func (collected) Passenger(*record.Passenger)                    {}
func (collected) Item(record.Kind, ...[]byte)                    {}
func (collected) Message(*record.Message)                        {}
func (c *collected) Damage(d record.Damage)                      { c.damage = append(c.damage, d) }
func (collected) Leg(_, _ []byte, _ identifier.Day, _ int)       {}
func (collected) Booking(_, _ []byte, _ identifier.Day, _ int64) {}

// Rows taken whole from the buffer are those read byte by byte, whatever stands in them and wherever the buffer ends.
func TestQuickRowsAreAsTheSlowOnes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	items := []string{"'a'", "''", "'O''NEIL'", `'x\'y'`, `'\\'`, "1", "-2", "3.5", "1e5", "NULL", "null", "N'x'", "E'a\\nb'", "TO_DATE('2020-01-01', 'Y')", "'a,b)c('", "(1)", "-- c\n1", "/* x */ 2", "#x\n3", "'line\nbreak'", "TRUE", "0xAB", "'unfinished", "'" + strings.Repeat("long ", 60) + "'", "5-3", "'a' 'b'", ""}
	for range 4000 {
		var b bytes.Buffer
		b.WriteString("INSERT INTO t VALUES ")
		for r := range 1 + rng.IntN(5) {
			if r > 0 {
				b.WriteString(",")
			}
			b.WriteString("(")
			for i := range rng.IntN(5) {
				if i > 0 {
					b.WriteString([]string{",", ", ", " ,\n"}[rng.IntN(3)])
				}
				b.WriteString(items[min(rng.IntN(len(items)), rng.IntN(len(items)))])
			}
			b.WriteString([]string{")", " )"}[rng.IntN(2)])
		}
		b.WriteString(";\nINSERT INTO u (a,b) VALUES (1,'end');\n")
		backslash, buffer := rng.IntN(2) == 0, []int{16, 64, 4096}[rng.IntN(3)]
		quick, slow := rowsOf(t, b.String(), false, backslash, buffer), rowsOf(t, b.String(), true, backslash, buffer)
		if strings.Join(quick, "\n") != strings.Join(slow, "\n") {
			t.Fatalf("%s\nquick %q\nslow  %q", b.String(), quick, slow)
		}
	}
}
