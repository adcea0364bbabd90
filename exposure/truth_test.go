package exposure

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/contrail-ir/contrail/drill/passengers"
)

var testKey = []byte("a key for tests only, 32 bytes!!")

func newCounter(t testing.TB) *Counter {
	t.Helper()
	c, err := New(Options{Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// generated streams a form without holding it in memory.
func generated(t testing.TB, seed uint64, form string, n int) (io.Reader, *passengers.Generator) {
	g := passengers.New(seed)
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(g.Write(w, form, n)) }()
	t.Cleanup(func() { _ = r.Close() })
	return r, g
}

func kind(t testing.TB, r *Result, org, name string, s Status) KindCount {
	t.Helper()
	for _, o := range r.Orgs {
		if o.Org != org {
			continue
		}
		for _, k := range o.Kinds {
			if k.Kind == name && k.Status == s {
				return k
			}
		}
	}
	return KindCount{Kind: name}
}

func wantExact(t *testing.T, what string, k KindCount, want int) {
	t.Helper()
	if k.Exact == nil || *k.Exact != uint64(want) || k.Lower != uint64(want) || k.Upper == nil || *k.Upper != uint64(want) {
		t.Errorf("%s: %s: exact %v, lower %d, upper %v, want %d (%v)", what, k.Kind, show(k.Exact), k.Lower, show(k.Upper), want, k.Why)
	}
}

func show(p *uint64) any {
	if p == nil {
		return nil
	}
	return *p
}

// One million passengers over all forms: exact counts are exact, form by form.
func TestGeneratedMillion(t *testing.T) {
	total := 1_000_000
	if testing.Short() {
		total = 20_000
	}
	per := total / len(passengers.Forms())
	for i, form := range passengers.Forms() {
		c := newCounter(t)
		r, g := generated(t, uint64(i+1), form, per)
		f, err := c.Add(context.Background(), Source{"A", form, Taken}, r)
		if err != nil {
			t.Fatal(err)
		}
		truth := g.Truth()
		res := c.Result()
		if len(f.Damage) > 0 {
			t.Errorf("%s: damage %v", form, f.Damage[:1])
		}
		wantExact(t, form, kind(t, res, "A", "passenger-record", Taken), per)
		wantExact(t, form, kind(t, res, "A", "person", Taken), truth.Persons)
		if form != "mrz" {
			wantExact(t, form, kind(t, res, "A", "booking", Taken), truth.Bookings)
		}
		if strings.HasPrefix(form, "sql") || form == "csv" || form == "pnrgov" {
			wantExact(t, form, kind(t, res, "A", "ticket", Taken), truth.Tickets)
			wantExact(t, form, kind(t, res, "A", "payment-card", Taken), truth.Cards)
		}
		if form != "csv-zh" {
			wantExact(t, form, kind(t, res, "A", "travel-document", Taken), truth.Persons)
		} else {
			wantExact(t, form, kind(t, res, "A", "chinese-resident-id", Taken), truth.Nationalities["CHN"])
			wantExact(t, form, kind(t, res, "A", "travel-document", Taken), truth.Persons-truth.Nationalities["CHN"])
		}
		seen := map[string]uint64{}
		for _, n := range res.Orgs[0].Nationalities {
			seen[n.Code] = n.Persons
		}
		for code, n := range truth.Nationalities {
			if seen[code] != uint64(n) {
				t.Errorf("%s: %s: %d persons, want %d", form, code, seen[code], n)
			}
		}
	}
}

// The same people in several forms are the same people; merging counters changes nothing.
func TestSamePeopleInSeveralForms(t *testing.T) {
	const n = 3000
	one, parts := newCounter(t), newCounter(t)
	for _, form := range []string{"csv", "json", "sql-copy", "pnrgov", "mrz", "paxlst"} {
		part := newCounter(t)
		for _, c := range []*Counter{one, part} {
			r, _ := generated(t, 7, form, n)
			if _, err := c.Add(context.Background(), Source{"A", form, Staged}, r); err != nil {
				t.Fatal(err)
			}
		}
		if err := parts.Merge(part); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []*Counter{one, parts} {
		res := c.Result()
		wantExact(t, "all", kind(t, res, "A", "person", Staged), n)
		wantExact(t, "all", kind(t, res, "A", "travel-document", Staged), n)
	}
}

func TestBeyondTheLimitBoundsHold(t *testing.T) {
	c, err := New(Options{Key: testKey, MaxDistinct: 5000})
	if err != nil {
		t.Fatal(err)
	}
	r, g := generated(t, 3, "csv", 40000)
	if _, err := c.Add(context.Background(), Source{"A", "x", Taken}, r); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"person": 40000, "booking": g.Truth().Bookings, "ticket": 40000} {
		k := kind(t, c.Result(), "A", name, Taken)
		if k.Exact != nil || k.Lower > uint64(want) || *k.Upper < uint64(want) || len(k.Why) == 0 {
			t.Errorf("%s: %+v does not say that it is an estimate of %d", name, k, want)
		}
		if w := float64(k.Estimate) / float64(want); w < 0.92 || w > 1.08 {
			t.Errorf("%s: estimate %d of %d", name, k.Estimate, want)
		}
	}
}

func TestEncodings(t *testing.T) {
	const n = 400
	for name, enc := range map[string]encoding.Encoding{
		"utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "utf-16be": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		"gb18030": simplifiedchinese.GB18030, "utf-8": encoding.Nop,
	} {
		var b bytes.Buffer
		g := passengers.New(5)
		if err := g.Write(&b, "csv-zh", n); err != nil {
			t.Fatal(err)
		}
		text, err := enc.NewEncoder().Bytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		c := newCounter(t)
		f, err := c.Add(context.Background(), Source{"A", name, Taken}, bytes.NewReader(text))
		if err != nil || f.Encoding != name {
			t.Errorf("%s: taken for %s, %v", name, f.Encoding, err)
		}
		wantExact(t, name, kind(t, c.Result(), "A", "person", Taken), n)
	}
	big5, err := traditionalchinese.Big5.NewEncoder().String(strings.Repeat("姓名,護照號碼,國籍代碼的資料庫匯出檔案\n王小明,臺北市大安區信義路,旅客訂位紀錄\n", 20))
	if err != nil {
		t.Fatal(err)
	}
	if got := encodingOf([]byte(big5)); got != "big5" {
		t.Errorf("Big5 text taken for %s", got)
	}
	if got := encodingOf([]byte("name;city\nM\xfcller;K\xf6ln\nS\xe1nchez;M\xe1laga\n")); got != "windows-1252" {
		t.Errorf("Latin-1 text taken for %s", got)
	}
}

func TestOverlapHidesSmallNumbers(t *testing.T) {
	for n, hidden := range map[int]bool{9: true, 10: false, 500: false} {
		c := newCounter(t)
		a, _ := generated(t, 1, "csv", 1000)
		if _, err := c.Add(context.Background(), Source{"A", "a", Taken}, a); err != nil {
			t.Fatal(err)
		}
		// B holds the first n passengers of A and many of its own.
		shared, _ := generated(t, 1, "jsonl", n)
		if _, err := c.Add(context.Background(), Source{"B", "b1", Staged}, shared); err != nil {
			t.Fatal(err)
		}
		for _, o := range c.Result().Overlap {
			if o.By == "document" && (o.Hidden != hidden || !hidden && *o.Count != uint64(n)) {
				t.Errorf("%d in common: %+v", n, o)
			}
			if o.Hidden && o.Count != nil {
				t.Errorf("%d in common: a hidden number is given", n)
			}
		}
	}
}
