package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

func TestCellsAreReadAsPeopleSeeThem(t *testing.T) {
	b := NewWorkbook(t.TempDir(), 1<<30)
	b.dates = []bool{false, true}
	for _, c := range []struct {
		text  string
		style int
		want  string
	}{
		{"43831", 1, "2020-01-01"}, {"43831", 0, "43831"}, {"43831.75", 1, "2020-01-01 18:00:00"}, {"1", 1, "1900-01-01"}, {"59", 1, "1900-02-28"}, {"61", 1, "1900-03-01"},
		{"2958465", 1, "9999-12-31"}, {"2958466", 1, "2958466"}, {"0.5", 1, "0.5"}, {"-3", 1, "-3"}, {"4.4791234567E11", 0, "447912345670"}, {"1.5e-3", 0, "0.0015"},
		{"NaN", 1, "NaN"}, {"1e400", 0, "1e400"}, {"", 1, ""}, {"K1234567", 1, "K1234567"}, {"007E", 0, "007E"}, {"43830.99999999", 1, "2020-01-01"}, {"5", 7, "5"}, {"5", -1, "5"},
	} {
		if got := string(b.number(nil, []byte(c.text), c.style)); got != c.want {
			t.Errorf("%s in style %d: %q, want %q", c.text, c.style, got, c.want)
		}
	}
	b.since1904 = true
	if got := string(b.number(nil, []byte("42369"), 1)); got != "2020-01-01" {
		t.Errorf("counted from 1904: %q", got)
	}
	for code, want := range map[string]bool{
		"yyyy-mm-dd": true, `dd\.mm\.yyyy;@`: true, "[$-409]d-mmm-yy": true, "General": false, "0.00": false, `0" days"`: false, "[Red]#,##0": false, `\d0`: false, "h:mm": false,
		"mm:ss": false, "_(* #,##0_)": false, `"unclosed d`: false, "[d": false, "": false, "YYYY": true, "[h]:mm": false, `yyyy"年"m"月"`: true,
	} {
		if got := isDateFormat(code); got != want {
			t.Errorf("format %q is of days: %v", code, got)
		}
	}
	for place, want := range map[string]int{"A1": 0, "Z9": 25, "AA1": 26, "XFD1048576": 16383, "b2": 1, "": 5, "12": 5, "ABCDE1": 5} {
		if got := columnOf(place, 4); got != want {
			t.Errorf("column of %q: %d, want %d", place, got, want)
		}
	}
}

func TestPartsAreKnownByTheirRoot(t *testing.T) {
	const space = ` xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	for head, want := range map[string]Part{
		"<?xml version='1.0'?><!-- a --><x:worksheet" + space + ">": SheetPart, "\ufeff<!DOCTYPE a [<!ENTITY b '>'>]>\n<sst" + space + "/>": StringsPart,
		"<html" + space + "><worksheet>": NoPart, "<worksheet>": NoPart, "spreadsheetml": NoPart, "": NoPart,
	} {
		if got := PartOf([]byte(head)); got != want {
			t.Errorf("%s is %q, want %q", head, got, want)
		}
	}
}

// TestSpools: what is kept in a file is read as what is kept in memory, whatever the order, and nothing is left behind.
func TestSpools(t *testing.T) {
	dir := t.TempDir()
	s := spool{dir: dir, limit: 3 * heldBytes}
	var all []byte
	r := rand.New(rand.NewPCG(1, 1))
	for i := 0; ; i++ {
		p := bytes.Repeat([]byte(fmt.Sprint(i, ";")), 1+r.IntN(40000))
		if err := s.append(p); err != nil {
			if err != ErrStrings || s.size > s.limit {
				t.Fatal(err, s.size)
			}
			break
		}
		all = append(all, p...)
		for range 3 {
			at := r.IntN(len(all))
			want := all[at:min(len(all), at+r.IntN(9000))]
			got := make([]byte, len(want))
			if !s.read(got, int64(at)) || !bytes.Equal(got, want) {
				t.Fatalf("after %d bytes, %d at %d are different", len(all), len(want), at)
			}
		}
	}
	if s.file == nil {
		t.Fatal("nothing went to a file")
	}
	s.close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
