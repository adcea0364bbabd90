package table

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const alignedHead = "Changed database context to 'PSS'.\nPaxId       PNR    Surname              GivenName            BirthDate  PassportNo\n" +
	"----------- ------ -------------------- -------------------- ---------- ----------\n"

// TestAlignedIsTheSameTable: what a client prints in columns holds the same passengers as the same rows parted by semicolons.
func TestAlignedIsTheSameTable(t *testing.T) {
	var aligned, delimited strings.Builder
	aligned.WriteString(alignedHead)
	delimited.WriteString("PaxId;PNR;Surname;GivenName;BirthDate;PassportNo\n")
	for i := range 60 {
		surname := []string{"MÜLLER", "DE LA CRUZ", "OKAFOR", "LINDQVIST"}[i%4]
		pnr, birth, passport := fmt.Sprintf("Q%cX%02dZ", 'A'+i%26, i), fmt.Sprintf("19%02d-0%d-1%d", 50+i%40, 1+i%9, i%9), fmt.Sprintf("PA%07d", 1234567+i*731)
		fmt.Fprintf(&aligned, "%11d %-6s %-20s %-20s %s %-10s\r\n", i, pnr, surname, "ANNA", birth, passport)
		fmt.Fprintf(&delimited, "%d;%s;%s;ANNA;%s;%s\n", i, pnr, surname, birth, passport)
		if i == 30 { // a page ends
			aligned.WriteString(strings.Join(strings.SplitAfter(alignedHead, "\n")[1:], ""))
		}
	}
	aligned.WriteString("\n(60 rows affected)\n")
	if !Aligned([]byte(aligned.String())) || Aligned([]byte(delimited.String())) {
		t.Fatal("aligned text is not told from delimited text")
	}
	var got, want tape
	if err := ReadAligned(strings.NewReader(aligned.String()), "x", got.out()); err != nil {
		t.Fatal(err)
	}
	if err := ReadDelimited(strings.NewReader(delimited.String()), ';', "x", want.out()); err != nil {
		t.Fatal(err)
	}
	if got.rows != 60 || !reflect.DeepEqual(got.people, want.people) {
		t.Errorf("%d rows; first %v, want %v", got.rows, got.people[:min(2, len(got.people))], want.people[:2])
	}
	if text := got.text.String(); !strings.Contains(text, "Changed database") || !strings.Contains(text, "60 rows") {
		t.Errorf("what stands around the table is not looked at: %q", text)
	}
}

func TestProseIsNotAligned(t *testing.T) {
	for _, text := range []string{"Title\n-----\n\ntext\n", "a b\n- -\n", "---- ----\n---- ----\n", "x\n\n---------- -----\n"} {
		if Aligned([]byte(text)) && text != "---- ----\n---- ----\n" {
			t.Errorf("%q", text)
		}
	}
}

func FuzzAligned(f *testing.F) {
	f.Add([]byte(alignedHead + "          1 ABC123 SMITH                JOHN                 1980-01-02 PA1234567 \n\n(1 rows affected)\n"))
	f.Add([]byte("a b\n---- --------\n\xff\xff\xff é x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got tape
		if err := ReadAligned(bytes.NewReader(data), "x", got.out()); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(data, []byte{'\n'}) + 1; got.rows > n {
			t.Errorf("%d passengers of %d lines", got.rows, n)
		}
	})
}
