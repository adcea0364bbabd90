package exposure

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"

	"github.com/contrail-ir/contrail/drill/passengers"
)

type drillFile struct {
	text    []byte
	data    int // bytes that are data
	records int
}

// drillFiles makes the folder of a drill: exports of several forms and sizes, some with notes or logs
// before the data, and files that hold none.
func drillFiles(r *rand.Rand) []drillFile {
	var files []drillFile
	dataShare := 0.35 + 0.6*r.Float64()
	forms := []string{"csv", "jsonl", "sql-copy", "pnrgov", "paxlst"}
	form := forms[r.IntN(len(forms))]
	for range 12 + r.IntN(30) {
		size := int(40 * math.Exp(r.NormFloat64()*0.6+0.5))
		if r.Float64() > dataShare {
			files = append(files, drillFile{text: junk(r, size*150)})
			continue
		}
		var b bytes.Buffer
		if r.IntN(4) == 0 {
			form = forms[r.IntN(len(forms))]
		}
		if err := passengers.New(r.Uint64()).Write(&b, form, size); err != nil {
			panic(err)
		}
		files = append(files, drillFile{b.Bytes(), b.Len(), size})
	}
	return files
}

func junk(r *rand.Rand, n int) []byte {
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "%d host%d svc[%d]: request %x served in %d ms\n", 1700000000+r.IntN(1e6), r.IntN(40), r.IntN(9999), r.Uint64(), r.IntN(900))
	}
	return b.Bytes()
}

func deflated(text []byte, level int) int {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, level)
	_, _ = w.Write(text)
	_ = w.Close()
	return b.Len()
}

// Four hundred drills: a folder is packed by one program, some of its files are looked into and packed
// by another, and the number of records in the archive is estimated from the archive's size.
func TestEstimateDrills(t *testing.T) {
	drills, low, high := 400, 0.85, 0.95
	if testing.Short() { // too few to tell 85 from 80
		drills, low, high = 40, 0.7, 1
	}
	held, tried := 0, 0
	var widths, errors []float64
	for seed := range drills {
		r := rand.New(rand.NewPCG(uint64(seed), 77))
		files := drillFiles(r)
		var whole bytes.Buffer
		truth := 0
		for _, f := range files {
			whole.Write(f.text)
			truth += f.records
		}
		packed := seed%3 != 0
		payload := whole.Len()
		if packed {
			if seed%2 == 0 {
				payload = deflated(whole.Bytes(), 1+r.IntN(9))
			} else {
				z, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevel(1+r.IntN(3))))
				payload = len(z.EncodeAll(whole.Bytes(), nil))
			}
		}
		var samples []Sample
		for _, i := range r.Perm(len(files))[:5+r.IntN(6)] {
			f := files[i]
			s := Sample{Bytes: float64(len(f.text)), Data: float64(f.data), Records: float64(f.records), Inside: true}
			if packed {
				s.Packed = float64(deflated(f.text, 6))
			}
			samples = append(samples, s)
		}
		e, err := EstimateRecords(float64(payload), packed, samples)
		if err != nil {
			continue // none of the files looked into holds records
		}
		tried++
		if e.Interval[0] <= float64(truth) && float64(truth) <= e.Interval[1] {
			held++
		}
		widths = append(widths, e.Interval[1]/e.Interval[0])
		errors = append(errors, math.Abs(math.Log(e.Records/float64(truth))))
	}
	slices.Sort(widths)
	slices.Sort(errors)
	coverage := float64(held) / float64(tried)
	t.Logf("%d drills: the 90 %% interval held in %.1f %%, median high/low %.2f, median error %.0f %%", tried, coverage*100, widths[tried/2], 100*(math.Exp(errors[tried/2])-1))
	if tried < drills/2 || coverage < low || coverage > high {
		t.Errorf("held in %.1f %% of %d drills", coverage*100, tried)
	}
	if widths[tried/2] > 4 {
		t.Errorf("median high/low %.2f", widths[tried/2])
	}
}

func TestEstimateRefusesWithoutSamples(t *testing.T) {
	if _, err := EstimateRecords(1e6, true, nil); err == nil {
		t.Error("an estimate from nothing")
	}
	if _, err := EstimateRecords(math.Inf(1), false, []Sample{{Bytes: 10, Data: 10, Records: 1}}); err == nil {
		t.Error("an estimate of an infinite payload")
	}
}

// Values of Abramowitz and Stegun, table 6.1.
func TestPolygamma(t *testing.T) {
	for x, want := range map[float64][2]float64{1: {-0.5772156649, 1.6449340668}, 1.5: {0.0364899740, 0.9348022005}} {
		if got := digamma(x); math.Abs(got-want[0]) > 1e-7 {
			t.Errorf("ψ(%v) = %v, want %v", x, got, want[0])
		}
		if got := trigamma(x); math.Abs(got-want[1]) > 1e-6 {
			t.Errorf("ψ'(%v) = %v, want %v", x, got, want[1])
		}
	}
}

func TestPayloadWidensTheCount(t *testing.T) {
	c := newCounter(t)
	r, _ := generated(t, 1, "csv", 2000)
	f, err := c.Add(t.Context(), Source{"A", "seen.csv", Accessible}, r)
	if err != nil {
		t.Fatal(err)
	}
	c.AddPayload(Payload{Org: "A", Status: Taken, Name: "out.7z", Bytes: f.Bytes * 10})
	k := kind(t, c.Result(), "A", "passenger-record", Taken)
	if k.Exact != nil || k.Upper != nil || k.Lower != 0 || k.Interval[0] > 20000 || k.Interval[1] < 20000 {
		t.Errorf("%+v for about 20000 records", k)
	}
	if k.Sealed != k.Estimate || len(k.Why) != 1 || !strings.HasPrefix(k.Why[0], "an estimate, and no count: out.7z cannot be opened") || strings.Contains(k.Why[0], "unpacks") {
		t.Errorf("%d of %d are estimated: %q", k.Sealed, k.Estimate, k.Why)
	}

	// What rests on the same is told together, however many files there are; a guess says that it is one.
	for i := range 3 {
		c.Lose(Loss{Org: "A", Status: Accessible, Name: fmt.Sprintf("part%d.rar", i+1), Bytes: f.Bytes / 15, Sealed: true, Packed: true})
	}
	k = kind(t, c.Result(), "A", "passenger-record", Accessible)
	if k.Lower != 2000 || k.Estimate != 2000+k.Sealed || k.Sealed < 1000 || k.Sealed > 4000 || k.Interval[0] > 4000 || k.Interval[1] < 4000 {
		t.Errorf("%+v for 2000 records, and as many packed to a fifth", k)
	}
	if len(k.Why) != 1 || !strings.Contains(k.Why[0], "part1.rar and 2 more cannot be opened") || !strings.Contains(k.Why[0], "usually unpacks to 5 times its size (nothing here could be measured)") {
		t.Errorf("%q", k.Why)
	}
}
