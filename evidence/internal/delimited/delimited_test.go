package delimited

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/contrail-ir/contrail/internal/growth"
)

func records(text string, comma byte) (out [][]string) {
	c, s := Cutter{Comma: comma}, Splitter{}
	for b := []byte(text); len(b) > 0; {
		n, _ := c.Cut(b)
		s.Split(bytes.TrimRight(b[:n], "\r\n"), comma)
		row := []string{}
		for _, f := range s.Fields {
			row = append(row, string(f))
		}
		out = append(out, row)
		b = b[n:]
	}
	return out
}

func TestRecords(t *testing.T) {
	for _, c := range []struct {
		text string
		want [][]string
	}{
		{"a,b\n1,2\n", [][]string{{"a", "b"}, {"1", "2"}}},
		{"\"a,\nb\",\"c\"\"d\"\r\nx", [][]string{{"a,\nb", `c"d`}, {"x"}}},
		{"a,5\" disk,b\nc\n", [][]string{{"a", `5" disk`, "b"}, {"c"}}},
		{"a,\"open\nb,c\n", [][]string{{"a", `"open`}, {"b", "c"}}},
		{"\"\",\n", [][]string{{"", ""}}},
	} {
		got := records(c.text, ',')
		if !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestLastHoldsBackOpenRecords(t *testing.T) {
	if n := Last(',')([]byte("a,b\nc,\"d\ne")); n != 4 {
		t.Error(n)
	}
	if n := Last(',')([]byte("a,b\nc,\"d\ne\"\n")); n != 12 {
		t.Error(n)
	}
}

func TestQuotesThatAreNeverClosedCostLinearTime(t *testing.T) {
	growth.Linear(t, "an open quote", 1<<13, func(n int) func() {
		text := strings.Repeat(",\"a\"\"\n", n)
		return func() {
			if got := len(records(text, ',')); got != n {
				t.Errorf("%d records of %d", got, n)
			}
		}
	})
}

func TestSniff(t *testing.T) {
	for text, want := range map[string]byte{"a,b\n1,2\n": ',', "a;b;c\n1,5;2;3\n": ';', "a\tb\n\"x\ny\"\t2\n": '\t', "plain text\nand more of it\n": 0} {
		if c, _, fit, all := Sniff([]byte(text)); c != want && 10*fit >= 7*all {
			t.Errorf("%q: %q", text, c)
		}
	}
}

// FuzzDelimited holds records against encoding/csv wherever that accepts the text.
func FuzzDelimited(f *testing.F) {
	f.Add("a,b\n\"1\n\",2\n")
	f.Add("a,\"b\"\"c\",d\r\n\n,\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := records(text, ',')
		if strings.Contains(text, "\r") {
			return
		}
		r := csv.NewReader(strings.NewReader(text))
		r.FieldsPerRecord = -1
		want, err := r.ReadAll()
		if err != nil {
			return
		}
		got = slices.DeleteFunc(got, func(row []string) bool { return len(row) == 1 && row[0] == "" })
		want = slices.DeleteFunc(want, func(row []string) bool { return len(row) == 1 && row[0] == "" })
		if !slices.EqualFunc(got, want, slices.Equal) && strings.Count(text, "\"\n") == 0 {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	})
}
