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
		Mask(p)
	})
}

type onlyReader struct{ r *bytes.Reader }

func (o onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }
